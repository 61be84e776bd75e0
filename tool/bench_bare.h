/* SPDX-License-Identifier: Apache-2.0
 *
 * bench_bare: the limits: what processes can do with nothing but flags and buffers in shared memory.
 */
#ifndef TANDEM_TOOL_BENCH_BARE_H
#define TANDEM_TOOL_BENCH_BARE_H

#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"

/* Median round trip in ns of a request through a chain of `n_stages` processes and back, one at a time. Every stage waits for a flag, copies
 * `payload_bytes` from its predecessor's buffer into its own (0: only the flag and 8 bytes in the flag's cache line), and sets its flag. Spinning
 * and yielding are both measured, the better is returned. */
int bench_bare_chain(int n_stages, size_t payload_bytes, int n_rounds, struct error *error, double *ret_ns);

/* Messages a second through two bare rings of 8-byte messages between two processes, there and back. */
int bench_bare_rings(int n_messages, struct error *error, double *ret_rate);

/* Packets of `n_bytes` over a Unix socket between two processes, there and back. One at a time: median round trip in ns, the better of
 * blocking and of spinning reads. */
int bench_bare_socket(size_t n_bytes, int n_rounds, struct error *error, double *ret_ns);

/* Median of n values (sorts them). */
double bench_median(double *values, int n);

#endif
