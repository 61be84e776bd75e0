/* SPDX-License-Identifier: Apache-2.0
 *
 * timebase: piecewise linear conversion of ticks.
 */
#include "traces/timebase.h"

static struct clock_map segment(const struct clock_pair *from, const struct clock_pair *to)
{
	double ns = (double)(to->host.ns - from->host.ns), n_ticks = (double)(to->ticks.count - from->ticks.count);
	return (struct clock_map){ .origin = *from, .ns_per_tick = ns / n_ticks };
}

void timebase_init(struct timebase *timebase, struct clock_pair first)
{
	timebase->samples[0] = first;
	timebase->n_samples = 1;
	timebase->last = clock_map_make(first, first);
}

static void forget_half(struct timebase *timebase)
{
	int n = 0;
	for (int i = 0; i < timebase->n_samples; i += 2)
		timebase->samples[n++] = timebase->samples[i];
	if (timebase->n_samples % 2 == 0) /* the latest always stays */
		timebase->samples[n++] = timebase->samples[timebase->n_samples - 1];
	timebase->n_samples = n;
}

void timebase_add(struct timebase *timebase, struct clock_pair sample)
{
	const struct clock_pair *previous = &timebase->samples[timebase->n_samples - 1];
	if (sample.host.ns <= previous->host.ns || sample.ticks.count <= previous->ticks.count)
		return;
	if (timebase->n_samples == TIMEBASE_SAMPLES_MAX)
		forget_half(timebase);
	timebase->samples[timebase->n_samples++] = sample;
	const struct clock_pair *end = &timebase->samples[timebase->n_samples - 1];
	timebase->last = segment(end - 1, end);
}

int64_t timebase_ns(const struct timebase *timebase, uint64_t ticks)
{
	if (likely(ticks >= timebase->last.origin.ticks.count))
		return clock_map_host(&timebase->last, (struct ticks){ ticks }).ns;
	int low = 0, high = timebase->n_samples - 1; /* samples[low] ≤ ticks < samples[high], or before the first */
	while (high - low > 1) {
		int middle = (low + high) / 2;
		if (timebase->samples[middle].ticks.count <= ticks)
			low = middle;
		else
			high = middle;
	}
	struct clock_map map = timebase->last;
	if (high > low)
		map = segment(&timebase->samples[low], &timebase->samples[high]);
	return clock_map_host(&map, (struct ticks){ ticks }).ns;
}
