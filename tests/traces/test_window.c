/* SPDX-License-Identifier: Apache-2.0
 *
 * The window: what is young stays, up to the bound; what had to go says from when on the rest is whole.
 */
#include "traces/window.h"

#include <criterion/criterion.h>

#include "engine/base/attributes.h"

#define N_TAKE 8192

static struct record op_at(uint64_t start, uint32_t ticks)
{
	return (struct record){ .kind = RECORD_OP, .start = start, .execution = start, .n_phases = 1, .ticks = { ticks } };
}

static int64_t push(struct window *window, uint32_t lane, uint64_t first, uint64_t n)
{
	int64_t n_gone = 0;
	for (uint64_t i = first; i < first + n; i++) {
		struct record record = op_at(10 * i, 10);
		n_gone += window_push(window, lane, &record, 1);
	}
	return n_gone;
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
	uint64_t n_gone = 0;
	cr_assert(window);
	cr_expect(push(window, 0, 0, 100000) > 0);
	cr_expect(window_count(window) <= 1024, "%llu are held", (unsigned long long)window_count(window));
	uint64_t from = window_whole_from(window, 1000000);
	cr_expect(from == 995000, "whole from %llu", (unsigned long long)from);
	uint32_t n = window_take(window, 0, from, taken, N_TAKE, &n_gone);
	cr_expect(n == 501, "%u are younger than 5000 ticks, expected 501", n);
	cr_expect(taken[0].execution == 994990 && taken[n - 1].execution == 999990);
	cr_expect(window_count(window) == 0 && window_take(window, 1, from, taken, N_TAKE, &n_gone) == 0);
	window_destroy(window);
}

Test(window, bound_moves_the_time_from_which_all_lanes_are_whole)
{
	static struct record taken[N_TAKE];
	struct window *window = window_create(2, UINT64_MAX / 4, 4096);
	uint64_t n_gone = 0;
	cr_assert(window);
	push(window, 1, 0, 3);
	int64_t n_pushed_out = push(window, 0, 0, 10000);
	cr_expect(n_pushed_out == 10000 - 4096, "%lld went", (long long)n_pushed_out);
	uint64_t from = window_whole_from(window, 100000);
	cr_expect(from == 10u * (10000 - 4096), "whole from %llu", (unsigned long long)from);
	cr_expect(window_take(window, 1, from, taken, N_TAKE, &n_gone) == 0 && n_gone == 3, "the quiet lane's are older: %llu gone",
		(unsigned long long)n_gone);
	cr_expect(window_take(window, 0, from, taken, N_TAKE, &n_gone) >= 4096);
	window_destroy(window);
}

Test(window, takes_no_further_than_the_mark)
{
	static struct record taken[N_TAKE];
	struct window *window = window_create(1, 1u << 30, 4096);
	uint64_t n_gone = 0;
	push(window, 0, 0, 10);
	window_mark(window, true);
	push(window, 0, 10, 10);
	cr_expect(window_take(window, 0, 0, taken, 4, &n_gone) == 4 && window_take(window, 0, 0, taken, N_TAKE, &n_gone) == 6);
	cr_expect(window_take(window, 0, 0, taken, N_TAKE, &n_gone) == 0);
	window_mark(window, false);
	cr_expect(window_take(window, 0, 0, taken, N_TAKE, &n_gone) == 10 && taken[0].execution == 100);
	window_destroy(window);
}
