/* SPDX-License-Identifier: Apache-2.0
 *
 * What is compared with what: places by name, executions by number, warm-up and failures left out.
 */
#include "traces/align.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "tests/traces/synthetic.h"

static struct synthetic synthetic;
static struct synthetic_intake target;

static void setup(void)
{
	synthetic_init(&synthetic, 1, 2, 4, 64);
	synthetic_use_ns();
}

static void teardown(void)
{
	synthetic_finish(&synthetic);
}

TestSuite(align, .init = setup, .fini = teardown);

/* A run of executions first … last, submitted every 1000 ns. `failed` fails, `open` has no end (-1: none). */
static void enter_run(int first, int last, int failed, int open)
{
	for (int i = first; i <= last; i++) {
		struct record records[] = { synthetic_submit(i, 1000 * i),
			synthetic_finish_record(i, 1000 * i + 500, i == failed ? STATUS_OP : STATUS_OK, 0) };
		synthetic_intake_enter(&target, 0, records, i == open ? 1 : 2);
	}
	synthetic_intake_end(&target, 1000 * last + 1000);
}

/* Two runs in one file; `sql` changes it afterwards. */
static void align_runs(const int runs[2][4], const char *sql, struct trace **trace, struct align *align)
{
	struct error error = { 0 };
	synthetic_intake_init(&target, &synthetic, synthetic.file, 0);
	enter_run(runs[0][0], runs[0][1], runs[0][2], runs[0][3]);
	synthetic_intake_next(&target, &synthetic, 0);
	enter_run(runs[1][0], runs[1][1], runs[1][2], runs[1][3]);
	cr_assert(db_exec(store_db(target.store), sql, &error) == STATUS_OK, "%s", error.text);
	cr_assert(store_seal(target.store, NULL) == STATUS_OK);
	synthetic_intake_finish(&target);
	cr_assert(trace_open(synthetic.file, &error, trace) == STATUS_OK, "%s", error.text);
	const struct align_side sides[2] = { { *trace, &(*trace)->runs[0] }, { *trace, &(*trace)->runs[1] } };
	cr_assert(align_make(sides, &error, align) == STATUS_OK, "%s", error.text);
}

Test(align, executions)
{
	static const struct {
		const char *name;
		int runs[2][4];
		const char *sql;
		int n_pairs, first, n_warmup, n_failed, n_alone[2];
	} cases[] = {
		{ "a tenth is warm-up", { { 0, 19, -1, -1 }, { 0, 19, -1, -1 } }, "", 18, 2, 2, 0, { 0, 0 } },
		{ "rounded up", { { 0, 10, -1, -1 }, { 0, 10, -1, -1 } }, "", 9, 2, 2, 0, { 0, 0 } },
		{ "one", { { 0, 0, -1, -1 }, { 0, 0, -1, -1 } }, "", 0, 0, 1, 0, { 0, 0 } },
		{ "nothing in common", { { 0, 4, -1, -1 }, { 5, 9, -1, -1 } }, "", 0, 0, 0, 0, { 5, 5 } },
		{ "a tenth of what is in common", { { 0, 19, -1, -1 }, { 10, 29, -1, -1 } }, "", 9, 11, 1, 0, { 10, 10 } },
		{ "failed in one", { { 0, 19, 5, -1 }, { 0, 19, 7, -1 } }, "", 16, 2, 2, 2, { 0, 0 } },
		{ "failed in both is one pair", { { 0, 19, 5, -1 }, { 0, 19, 5, -1 } }, "", 17, 2, 2, 1, { 0, 0 } },
		{ "unfinished", { { 0, 19, -1, 19 }, { 0, 19, -1, -1 } }, "", 17, 2, 2, 1, { 0, 0 } },
		{ "marks of either", { { 0, 19, -1, -1 }, { 0, 19, -1, -1 } },
		  "UPDATE execution SET is_warmup = 1 WHERE run = 1 AND execution < 3", 17, 3, 3, 0, { 0, 0 } },
		{ "marks of the shorter", { { 0, 19, -1, -1 }, { 0, 199, -1, -1 } },
		  "UPDATE execution SET is_warmup = 1 WHERE (run = 1 AND execution < 4) OR (run = 2 AND execution < 20)", 16, 4, 4,
		  0, { 0, 180 } },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct trace *trace = NULL;
		struct align align;
		align_runs(cases[i].runs, cases[i].sql, &trace, &align);
		cr_expect(align.n_pairs == cases[i].n_pairs, "%s: %lld pairs, expected %d", cases[i].name,
			(long long)align.n_pairs, cases[i].n_pairs);
		cr_expect(!align.n_pairs || align.pairs[0] == cases[i].first, "%s: begins with %lld, expected %d", cases[i].name,
			(long long)align.pairs[0], cases[i].first);
		cr_expect(align.n_warmup == cases[i].n_warmup && align.n_failed == cases[i].n_failed,
			"%s: %lld warm-up, %lld failed, expected %d, %d", cases[i].name, (long long)align.n_warmup,
			(long long)align.n_failed, cases[i].n_warmup, cases[i].n_failed);
		for (int side = 0; side < 2; side++)
			cr_expect(align.runs[side].n_alone == cases[i].n_alone[side], "%s: %lld alone in %d, expected %d",
				cases[i].name, (long long)align.runs[side].n_alone, side, cases[i].n_alone[side]);
		for (int64_t k = 0; k < align.n_pairs; k++)
			cr_expect(align_pair(&align, align.pairs[k]) == k, "%s: pair %lld", cases[i].name, (long long)k);
		cr_expect(align_pair(&align, 1000) == -1);
		align_finish(&align);
		trace_close(trace);
	}
}

Test(align, places_by_name)
{
	static const int runs[2][4] = { { 0, 5, -1, -1 }, { 0, 5, -1, -1 } };
	struct trace *trace = NULL;
	struct align align;
	align_runs(runs, "UPDATE node SET name = 'other' WHERE run = 2 AND name = 'n1'; UPDATE node SET name = 'n1' WHERE run = 2"
		" AND name = 'n0'; UPDATE edge SET name = 'n0' WHERE run = 2 AND idx = 0", &trace, &align);
	const struct align_run *a = &align.runs[0], *b = &align.runs[1];
	cr_assert(a->n_nodes == 4 && a->n_edges == 3, "%d nodes, %d edges", a->n_nodes, a->n_edges);
	cr_expect_str_eq(a->places[2].name, "n0");
	cr_expect(a->places[2].twin == -1, "n0 is in A only, and no edge's twin");
	cr_expect(a->places[3].twin == 2 && b->places[2].twin == 3, "n1 has another place: %d, %d", a->places[3].twin,
		b->places[2].twin);
	cr_expect(b->places[3].twin == -1 && b->places[4].twin == -1 && a->places[4].twin == -1);
	cr_expect(a->places[5].twin == 5 && a->places[6].twin == 6, "edges %d, %d", a->places[5].twin, a->places[6].twin);
	for (int side = 0; side < 2; side++) {
		const struct align_run *run = &align.runs[side];
		for (int i = 0; i < run->n_nodes; i++)
			cr_expect(align_node(run, run->places[i].id) == i);
		for (int i = run->n_nodes; i < run->n_nodes + run->n_edges; i++)
			cr_expect(align_edge(run, run->places[i].id) == i);
		cr_expect(align_node(run, 0) == -1 && align_edge(run, 1000) == -1);
	}
	align_finish(&align);
	trace_close(trace);
}
