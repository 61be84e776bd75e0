/* SPDX-License-Identifier: Apache-2.0
 *
 * trigger: a histogram with parts of equal ratio that forgets by halving.
 */
#include "traces/trigger.h"

/* Powers of two, each in equal parts; below TRIGGER_PARTS one value a part. */
static unsigned part_of(uint64_t ns)
{
	if (ns < TRIGGER_PARTS)
		return (unsigned)ns;
	unsigned power = 63 - (unsigned)__builtin_clzll(ns);
	return (power - 3) * TRIGGER_PARTS + (unsigned)((ns >> (power - 4)) & (TRIGGER_PARTS - 1));
}

/* Its middle. */
static int64_t value_of(unsigned part)
{
	if (part < TRIGGER_PARTS)
		return part;
	unsigned power = part / TRIGGER_PARTS + 3;
	uint64_t step = UINT64_C(1) << (power - 4);
	return (int64_t)((TRIGGER_PARTS + part % TRIGGER_PARTS) * step + step / 2);
}

void trigger_median_add(struct trigger_median *median, int64_t ns)
{
	if (median->n == TRIGGER_WEIGHT) {
		median->n = 0;
		for (int i = 0; i < 64 * TRIGGER_PARTS; i++)
			median->n += median->counts[i] /= 2;
	}
	median->counts[part_of(ns < 0 ? 0 : (uint64_t)ns)]++;
	median->n++;
}

int64_t trigger_median_get(const struct trigger_median *median)
{
	uint32_t n = 0;
	unsigned part = 0;
	if (median->n < TRIGGER_LEAST)
		return 0;
	while (n + median->counts[part] <= median->n / 2)
		n += median->counts[part++];
	return value_of(part);
}
