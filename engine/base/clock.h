/* SPDX-License-Identifier: Apache-2.0
 *
 * clock: the host's clocks. Times of different domains are different struct types, so that they cannot be subtracted by
 * accident. `struct host_ns` is CLOCK_MONOTONIC in ns, the clock of every trace; `struct ticks` is the raw counter that the
 * recorders stamp with: the TSC where it is constant, else CLOCK_MONOTONIC in ns. Ticks become ns through a `struct
 * clock_map` measured from pairs; its residual is the stated error.
 */
#ifndef TANDEM_ENGINE_BASE_CLOCK_H
#define TANDEM_ENGINE_BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

struct host_ns {
	int64_t ns;
};

struct ticks {
	uint64_t count;
};

/* One simultaneous reading of both clocks; `width` bounds how far apart the two readings were. */
struct clock_pair {
	struct host_ns host;
	struct ticks ticks;
	int64_t width_ns;
};

/* host = origin.host + (ticks - origin.ticks) * ns_per_tick. */
struct clock_map {
	struct clock_pair origin;
	double ns_per_tick;
	int64_t error_ns; /* largest expected error of a conversion between the pairs it was made from */
};

static inline struct host_ns clock_now(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (struct host_ns){ (int64_t)now.tv_sec * 1000000000 + now.tv_nsec };
}

/* Whether `clock_ticks` reads the TSC in this process: decided once, from cpuid's invariant-TSC bit. Every process of one
 * machine decides alike. */
bool clock_ticks_are_tsc(void);

extern bool clock_uses_tsc_flag; /* read by clock_ticks() only; set by clock_init() */

/* Must be called once in each process before clock_ticks(). */
void clock_init(void);

static inline struct ticks clock_ticks(void)
{
#if defined(__x86_64__)
	if (__builtin_expect(clock_uses_tsc_flag, 1))
		return (struct ticks){ __builtin_ia32_rdtsc() };
#endif
	return (struct ticks){ (uint64_t)clock_now().ns };
}

/* Takes a pair: several tries, the narrowest is kept. About 1 µs. */
struct clock_pair clock_take_pair(void);

/* The map through two pairs, the second taken later. With pairs less than 1 ms apart the rate is measured over a fresh
 * interval of about 2 ms first. */
struct clock_map clock_map_make(struct clock_pair first, struct clock_pair second);

struct host_ns clock_map_host(const struct clock_map *map, struct ticks ticks);

/* A duration of `n_ticks` in ns, rounded to nearest. */
int64_t clock_map_duration_ns(const struct clock_map *map, uint64_t n_ticks);

/* A duration in ns as ticks, using a rate measured once in this process. For deadlines of spin loops. */
uint64_t clock_ticks_of_ns(int64_t ns);

#endif
