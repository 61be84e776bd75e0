/* SPDX-License-Identifier: Apache-2.0
 *
 * The window: what is young stays, up to the bound; what had to go says from when on the rest is whole.
 */
#include "traces/window.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#include "engine/base/attributes.h"

#define N_TAKE 8192

static struct record op_at(uint64_t start, uint32_t ticks)
{
	return (struct record){ .kind = RECORD_OP, .start = start, .execution = start, .n_phases = 1, .ticks = { ticks } };
}

static void push(struct window *window, uint32_t lane, uint64_t first, uint64_t n)
{
	for (uint64_t i = first; i < first + n; i++) {
		struct record record = op_at(10 * i, 10);
		cr_assert(window_push(window, lane, &record, 1));
	}
}

Test(window, ends_of_records)
{
	static const struct {
		const char *name;
		struct record record;
		uint64_t end;
	} cases[] = {
		{ "op", { .kind = RECORD_OP, .start = 5, .n_phases = 2, .ticks = { 3, 4 } }, 12 },
		{ "shifted", { .kind = RECORD_SPAN, .start = 5, .shift = 2, .n_phases = 1, .ticks = { 3 } }, 17 },
		{ "wait", { .kind = RECORD_WAIT, .start = 5, .n_phases = 1, .wait = { .ticks = 9, .edge = 77 } }, 14 },
		{ "submit", { .kind = RECORD_SUBMIT, .start = 5, .n_phases = 1, .ticks = { 3 } }, 5 },
		{ "finish", { .kind = RECORD_FINISH, .start = 5, .finish = { .failure = 9 } }, 5 },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint64_t end = window_record_end(&cases[i].record);
		cr_expect(end == cases[i].end, "%s ends at %llu, expected %llu", cases[i].name, (unsigned long long)end,
			(unsigned long long)cases[i].end);
	}
}

Test(window, keeps_an_age_without_growing)
{
	static struct record taken[N_TAKE];
	struct window *window = window_create(2, 5000, 1u << 16); /* 500 records of 10 ticks */
	cr_assert(window);
	push(window, 0, 0, 100000);
	cr_expect(window_count(window) <= 1024, "%llu are held", (unsigned long long)window_count(window));
	uint64_t from = window_whole_from(window, 1000000);
	cr_expect(from == 995000, "whole from %llu", (unsigned long long)from);
	uint32_t n = window_take(window, 0, from, taken, N_TAKE);
	cr_expect(n == 501, "%u are younger than 5000 ticks, expected 501", n);
	cr_expect(taken[0].execution == 994990 && taken[n - 1].execution == 999990);
	cr_expect(window_n_gone(window, 0) == 100000 - 501, "%llu went", (unsigned long long)window_n_gone(window, 0));
	cr_expect(window_count(window) == 0 && window_take(window, 1, from, taken, N_TAKE) == 0);
	window_destroy(window);
}

Test(window, bound_moves_the_time_from_which_all_lanes_are_whole)
{
	static struct record taken[N_TAKE];
	struct window *window = window_create(2, UINT64_MAX / 4, 4096);
	cr_assert(window);
	push(window, 1, 0, 3);
	push(window, 0, 0, 10000);
	uint64_t n_held = window_count(window);
	cr_expect(n_held > 4096 - 128 && n_held <= 4096, "%llu are held", (unsigned long long)n_held);
	cr_expect(window_n_gone(window, 1) == 3 && window_n_gone(window, 0) == 10000 - n_held, "the oldest go first, of whichever lane");
	uint64_t from = window_whole_from(window, 100000);
	cr_expect(from == 10u * (10000 - n_held), "whole from %llu", (unsigned long long)from);
	uint32_t n = window_take(window, 0, from, taken, N_TAKE);
	cr_expect(n == n_held && taken[n - 1].execution == 99990, "%u taken", n);
	window_destroy(window);
}

Test(window, busy_and_quiet_lanes_reach_back_equally_far)
{
	static const uint64_t every[] = { 1, 10, 40 }; /* rates of the lanes */
	static struct record taken[N_TAKE];
	struct window *window = window_create(ARRAY_LEN(every), UINT64_MAX / 4, 4096);
	uint64_t n_pushed[ARRAY_LEN(every)] = { 0 };
	cr_assert(window);
	for (uint64_t i = 0; i < 40000; i++) {
		for (uint32_t lane = 0; lane < ARRAY_LEN(every); lane++) {
			if (i % every[lane])
				continue;
			push(window, lane, i, 1);
			n_pushed[lane]++;
		}
	}
	cr_expect(window_count(window) > 4096 - 256, "%llu are held", (unsigned long long)window_count(window));
	uint64_t from = window_whole_from(window, 400000);
	for (uint32_t lane = 0; lane < ARRAY_LEN(every); lane++) {
		uint32_t n = window_take(window, lane, from, taken, N_TAKE);
		uint64_t expected = (400000 - from) / 10 / every[lane];
		cr_expect(n + 1 >= expected && n <= expected + 2, "lane %u has %u records since then, expected %llu", lane, n,
			(unsigned long long)expected);
		cr_expect(window_n_gone(window, lane) + n == n_pushed[lane]);
	}
	cr_expect(from > 350000 && from < 370000, "whole from %llu", (unsigned long long)from);
	window_destroy(window);
}

Test(window, takes_no_further_than_the_mark)
{
	static struct record taken[N_TAKE];
	struct window *window = window_create(1, 1u << 30, 4096);
	push(window, 0, 0, 10);
	window_mark(window, true);
	push(window, 0, 10, 10);
	cr_expect(window_take(window, 0, 0, taken, 4) == 4 && window_take(window, 0, 0, taken, N_TAKE) == 6);
	cr_expect(window_take(window, 0, 0, taken, N_TAKE) == 0);
	window_mark(window, false);
	cr_expect(window_take(window, 0, 0, taken, N_TAKE) == 10 && taken[0].execution == 100);
	window_destroy(window);
}

/* Against a plain list: what was pushed comes out in order, or is gone. */
Test(window, nothing_is_lost_or_doubled)
{
	static struct record some[200], taken[N_TAKE];
	struct window *window = window_create(2, UINT64_MAX / 4, 512);
	uint64_t pushed[2] = { 0 }, next[2] = { 0 }, n_taken[2] = { 0 };
	unsigned seed = 7;
	for (int round = 0; round < 5000; round++) {
		uint32_t lane = (uint32_t)rand_r(&seed) % 2, n = (uint32_t)rand_r(&seed) % 200;
		for (uint32_t i = 0; i < n; i++)
			some[i] = op_at(pushed[lane]++, 1);
		cr_assert(window_push(window, lane, some, n));
		lane = (uint32_t)rand_r(&seed) % 2;
		n = window_take(window, lane, 0, taken, (uint32_t)rand_r(&seed) % 300);
		for (uint32_t i = 0; i < n; i++) {
			cr_assert(taken[i].execution >= next[lane], "%llu after %llu", (unsigned long long)taken[i].execution,
				(unsigned long long)next[lane]);
			next[lane] = taken[i].execution + 1;
		}
		n_taken[lane] += n;
	}
	for (uint32_t lane = 0; lane < 2; lane++) {
		n_taken[lane] += window_take(window, lane, 0, taken, N_TAKE);
		cr_expect(n_taken[lane] + window_n_gone(window, lane) == pushed[lane], "lane %u: %llu taken, %llu gone, %llu pushed", lane,
			(unsigned long long)n_taken[lane], (unsigned long long)window_n_gone(window, lane), (unsigned long long)pushed[lane]);
	}
	cr_expect(window_count(window) == 0);
	window_destroy(window);
}
