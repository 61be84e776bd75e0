/* SPDX-License-Identifier: Apache-2.0
 *
 * attributes: compiler attributes and the few macros used everywhere.
 */
#ifndef TANDEM_ENGINE_BASE_ATTRIBUTES_H
#define TANDEM_ENGINE_BASE_ATTRIBUTES_H

#include <stddef.h>

#define PRINTF_LIKE(format_idx, first_idx) __attribute__((format(printf, format_idx, first_idx)))
#define MUST_USE __attribute__((warn_unused_result))
#define COLD __attribute__((cold, noinline))
#define CACHE_LINE_BYTES 64
#define CACHE_ALIGNED __attribute__((aligned(CACHE_LINE_BYTES)))

#define likely(condition) __builtin_expect(!!(condition), 1)
#define unlikely(condition) __builtin_expect(!!(condition), 0)

#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

/* `bytes` rounded up to a multiple of `unit`, a power of two. */
static inline size_t round_up(size_t bytes, size_t unit)
{
	return (bytes + unit - 1) & ~(unit - 1);
}

#endif
