/* SPDX-License-Identifier: Apache-2.0
 *
 * units: numbers for people. Three or four significant digits, a unit that fits the size.
 */
#ifndef TANDEM_ENGINE_BASE_UNITS_H
#define TANDEM_ENGINE_BASE_UNITS_H

#include <stddef.h>
#include <stdint.h>

/* "812.4 µs", "4.91 ms", "12 ns", "1.20 s", "-"-signed when negative; into `text`, which is returned. 32 bytes suffice. */
char *units_duration(int64_t ns, char *text, size_t size);

/* "180 KiB", "24 B", "1.5 GiB". */
char *units_bytes(uint64_t bytes, char *text, size_t size);

/* Parses "250ms", "1.5s", "10us", "3m", "20" (seconds when the unit is left out) into ns. Returns 0, or -1 when the text is
 * no duration or does not fit. */
int units_parse_duration(const char *text, int64_t *ret_ns);

/* Parses "64", "4KiB", "1GiB", "10M" (binary multiples throughout) into bytes. Returns 0 or -1. */
int units_parse_bytes(const char *text, uint64_t *ret_bytes);

#endif
