/* SPDX-License-Identifier: Apache-2.0
 *
 * Tests of engine/base/clock.h: maps between ticks and ns. Nothing here depends on how fast the machine is.
 */
#include <criterion/criterion.h>
#include <inttypes.h>

#include "engine/base/clock.h"

static struct clock_pair pair(int64_t host_ns, uint64_t ticks)
{
	return (struct clock_pair){ .host = { host_ns }, .ticks = { ticks }, .width_ns = 10 };
}

static const struct {
	const char *name;
	int64_t first_ns, second_ns;
	uint64_t first_ticks, second_ticks;
	uint64_t at;
	int64_t expected_ns;
} maps[] = {
	{ "at the origin", 1000, 1000001000, 500, 3000000500, 500, 1000 },
	{ "at the second pair", 1000, 1000001000, 500, 3000000500, 3000000500, 1000001000 },
	{ "half way", 1000, 1000001000, 500, 3000000500, 1500000500, 500001000 },
	{ "before the origin", 1000000, 1001000000, 3000, 1000003000, 2000, 999000 },
	{ "a large counter", 7, 2000000007, UINT64_MAX - 8000000000, UINT64_MAX - 2000000000, UINT64_MAX - 5000000000, 1000000007 },
};

Test(clock, maps_ticks_to_host)
{
	clock_init();
	for (size_t i = 0; i < sizeof maps / sizeof maps[0]; i++) {
		struct clock_map map = clock_map_make(pair(maps[i].first_ns, maps[i].first_ticks),
			pair(maps[i].second_ns, maps[i].second_ticks));
		int64_t ns = clock_map_host(&map, (struct ticks){ maps[i].at }).ns;
		cr_expect_eq(ns, maps[i].expected_ns, "%s: %" PRId64 ", expected %" PRId64, maps[i].name, ns, maps[i].expected_ns);
		cr_expect_eq(map.error_ns, 20, "%s: error %" PRId64, maps[i].name, map.error_ns);
	}
}

Test(clock, durations_are_rounded)
{
	struct clock_map map = { .ns_per_tick = 0.4 };
	cr_expect_eq(clock_map_duration_ns(&map, 1), 0);
	cr_expect_eq(clock_map_duration_ns(&map, 2), 1);
	cr_expect_eq(clock_map_duration_ns(&map, 1000), 400);
}

Test(clock, pair_lies_between_two_readings)
{
	clock_init();
	for (int i = 0; i < 100; i++) {
		struct ticks before = clock_ticks();
		struct host_ns host_before = clock_now();
		struct clock_pair taken = clock_take_pair();
		struct ticks after = clock_ticks();
		struct host_ns host_after = clock_now();
		cr_assert(taken.ticks.count >= before.count && taken.ticks.count <= after.count);
		cr_assert(taken.host.ns >= host_before.ns && taken.host.ns <= host_after.ns);
		cr_assert_geq(taken.width_ns, 0);
	}
}

Test(clock, ticks_of_ns_and_back)
{
	clock_init();
	struct clock_map map = clock_map_make(clock_take_pair(), clock_take_pair());
	int64_t ns = clock_map_duration_ns(&map, clock_ticks_of_ns(1000000));
	cr_expect(ns > 900000 && ns < 1100000, "1 ms in ticks and back is %" PRId64 " ns", ns);
}
