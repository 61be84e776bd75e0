/* SPDX-License-Identifier: Apache-2.0
 *
 * histogram: log-linear buckets. Values below 64 have a bucket each; above, the octave's number and the next six bits choose.
 */
#include "tool/histogram.h"

#define OCTAVE_BITS 6

static int bucket_of(int64_t value)
{
	if (value < HISTOGRAM_OCTAVE_BUCKETS)
		return (int)value;
	int octave = 63 - __builtin_clzll((unsigned long long)value) - OCTAVE_BITS;
	return (octave + 1) * HISTOGRAM_OCTAVE_BUCKETS + (int)(value >> octave) - HISTOGRAM_OCTAVE_BUCKETS;
}

/* The middle of a bucket. */
static int64_t value_of(int bucket)
{
	if (bucket < HISTOGRAM_OCTAVE_BUCKETS)
		return bucket;
	int octave = bucket / HISTOGRAM_OCTAVE_BUCKETS - 1;
	int64_t first = (int64_t)(bucket % HISTOGRAM_OCTAVE_BUCKETS + HISTOGRAM_OCTAVE_BUCKETS) << octave;
	return first + ((int64_t)1 << octave) / 2;
}

void histogram_add(struct histogram *histogram, int64_t value)
{
	if (histogram->n == 0 || value < histogram->least)
		histogram->least = value;
	if (histogram->n == 0 || value > histogram->most)
		histogram->most = value;
	histogram->n++;
	histogram->counts[bucket_of(value)]++;
}

int64_t histogram_quantile(const struct histogram *histogram, double quantile)
{
	uint64_t rank = (uint64_t)(quantile * (double)histogram->n + 0.5), seen = 0;
	if (rank <= 1 || rank >= histogram->n)
		return histogram->n == 0 ? 0 : rank <= 1 ? histogram->least : histogram->most;
	for (int bucket = 0; bucket < HISTOGRAM_BUCKETS; bucket++) {
		seen += histogram->counts[bucket];
		if (seen < rank)
			continue;
		int64_t value = value_of(bucket);
		return value < histogram->least ? histogram->least : value > histogram->most ? histogram->most : value;
	}
	return histogram->most;
}
