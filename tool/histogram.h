/* SPDX-License-Identifier: Apache-2.0
 *
 * histogram: durations counted in buckets of 1/64 of an octave, so that quantiles of any number of executions cost fixed memory. A
 * quantile is off by at most 0.8 %; least and most are exact.
 */
#ifndef TANDEM_TOOL_HISTOGRAM_H
#define TANDEM_TOOL_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_OCTAVE_BUCKETS 64
#define HISTOGRAM_BUCKETS (58 * HISTOGRAM_OCTAVE_BUCKETS)

struct histogram {
	uint64_t n;
	int64_t least, most; /* valid when n > 0 */
	uint64_t counts[HISTOGRAM_BUCKETS];
};

/* `value` must not be negative. */
void histogram_add(struct histogram *histogram, int64_t value);
/* The value below which a share of `quantile` (0..1) of all values lies; 0 when there are none. */
int64_t histogram_quantile(const struct histogram *histogram, double quantile);

#endif
