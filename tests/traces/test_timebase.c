/* SPDX-License-Identifier: Apache-2.0
 *
 * Ticks as ns over samples: exact at samples, linear between, monotone beyond, and still right after many samples.
 */
#include "traces/timebase.h"

#include <criterion/criterion.h>

static struct clock_pair pair(int64_t host_ns, uint64_t ticks)
{
	return (struct clock_pair){ .host = { host_ns }, .ticks = { ticks }, .width_ns = 20 };
}

static void expect_ns(const struct timebase *timebase, uint64_t ticks, int64_t expected)
{
	int64_t ns = timebase_ns(timebase, ticks);
	cr_expect(ns == expected, "ticks %llu: %lld ns, expected %lld", (unsigned long long)ticks, (long long)ns,
		(long long)expected);
}

Test(timebase, follows_a_changing_rate)
{
	static struct timebase timebase;
	timebase_init(&timebase, pair(1000, 500000));
	timebase_add(&timebase, pair(2000, 503000)); /* 3 ticks a ns */
	timebase_add(&timebase, pair(4000, 507000)); /* 2 ticks a ns */
	static const struct {
		uint64_t ticks;
		int64_t ns;
	} cases[] = { { 500000, 1000 }, { 501500, 1500 }, { 503000, 2000 }, { 504000, 2500 }, { 507000, 4000 },
		{ 508000, 4500 }, { 497000, 0 } };
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		expect_ns(&timebase, cases[i].ticks, cases[i].ns);
}

Test(timebase, ignores_samples_that_are_not_later)
{
	static struct timebase timebase;
	timebase_init(&timebase, pair(1000, 1000));
	timebase_add(&timebase, pair(2000, 2000));
	timebase_add(&timebase, pair(2000, 3000));
	timebase_add(&timebase, pair(3000, 2000));
	timebase_add(&timebase, pair(1500, 1500));
	cr_expect(timebase.n_samples == 2, "%d samples", timebase.n_samples);
	expect_ns(&timebase, 3000, 3000);
}

Test(timebase, survives_more_samples_than_it_keeps)
{
	static struct timebase timebase;
	timebase_init(&timebase, pair(0, 0));
	for (int64_t i = 1; i <= 5 * TIMEBASE_SAMPLES_MAX; i++)
		timebase_add(&timebase, pair(i * 1000, (uint64_t)i * 2000));
	cr_expect(timebase.n_samples <= TIMEBASE_SAMPLES_MAX, "%d samples", timebase.n_samples);
	int64_t before = -1;
	for (uint64_t ticks = 0; ticks < 12000ull * TIMEBASE_SAMPLES_MAX; ticks += 777) {
		int64_t ns = timebase_ns(&timebase, ticks);
		cr_assert(ns >= before && ns - (int64_t)ticks / 2 <= 1 && (int64_t)ticks / 2 - ns <= 1,
			"ticks %llu: %lld ns", (unsigned long long)ticks, (long long)ns);
		before = ns;
	}
}
