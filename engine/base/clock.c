/* SPDX-License-Identifier: Apache-2.0
 *
 * clock: choice of the tick counter, pairs of readings, and the map from ticks to the host clock.
 */
#include "engine/base/clock.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

bool clock_uses_tsc_flag;
static double clock_ticks_per_ns;

bool clock_ticks_are_tsc(void)
{
#if defined(__x86_64__)
	unsigned a, b, c, d;
	return __get_cpuid(0x80000007, &a, &b, &c, &d) && (d & 1u << 8);
#else
	return false;
#endif
}

static double measure_rate(struct clock_pair first)
{
	struct clock_pair second;
	do
		second = clock_take_pair();
	while (second.host.ns - first.host.ns < 500000);
	return (double)(second.ticks.count - first.ticks.count) / (double)(second.host.ns - first.host.ns);
}

void clock_init(void)
{
	clock_uses_tsc_flag = clock_ticks_are_tsc();
	if (clock_ticks_per_ns == 0)
		clock_ticks_per_ns = clock_uses_tsc_flag ? measure_rate(clock_take_pair()) : 1;
}

struct clock_pair clock_take_pair(void)
{
	struct clock_pair best = { .width_ns = INT64_MAX };
	for (int i = 0; i < 8; i++) {
		struct host_ns before = clock_now();
		struct ticks ticks = clock_ticks();
		struct host_ns after = clock_now();
		if (after.ns - before.ns >= best.width_ns)
			continue;
		best.width_ns = after.ns - before.ns;
		best.host.ns = before.ns + best.width_ns / 2;
		best.ticks = ticks;
	}
	return best;
}

struct clock_map clock_map_make(struct clock_pair first, struct clock_pair second)
{
	struct clock_map map = { .origin = first, .error_ns = first.width_ns + second.width_ns };
	int64_t host_ns = second.host.ns - first.host.ns;
	uint64_t n_ticks = second.ticks.count - first.ticks.count;
	if (host_ns < 1000000)
		map.ns_per_tick = clock_uses_tsc_flag ? 1 / measure_rate(first) : 1;
	else
		map.ns_per_tick = (double)host_ns / (double)n_ticks;
	return map;
}

struct host_ns clock_map_host(const struct clock_map *map, struct ticks ticks)
{
	int64_t delta = (int64_t)(ticks.count - map->origin.ticks.count);
	double ns = (double)delta * map->ns_per_tick;
	return (struct host_ns){ map->origin.host.ns + (int64_t)(ns < 0 ? ns - 0.5 : ns + 0.5) };
}

int64_t clock_map_duration_ns(const struct clock_map *map, uint64_t n_ticks)
{
	return (int64_t)((double)n_ticks * map->ns_per_tick + 0.5);
}

uint64_t clock_ticks_of_ns(int64_t ns)
{
	return (uint64_t)((double)ns * (clock_ticks_per_ns > 0 ? clock_ticks_per_ns : 1));
}
