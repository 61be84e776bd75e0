/* SPDX-License-Identifier: Apache-2.0
 *
 * Comparisons: the worked example of doc/compare.md, hundreds of random runs against sums made in other ways, and refusals.
 */
#include "traces/compare.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/trials.h"
#include "tests/traces/random_chain.h"
#include "traces/compare_print.h"

#define US 1000
#define PAIRS_OF_RUNS 4 /* in one file */

static struct synthetic synthetic;
static struct synthetic_intake target;

static void open_trace(struct trace **trace)
{
	struct error error = { 0 };
	cr_assert(store_seal(target.store, NULL) == STATUS_OK);
	synthetic_intake_finish(&target);
	cr_assert(trace_open(synthetic.file, &error, trace) == STATUS_OK, "%s", error.text);
}

static void change(const char *sql)
{
	struct error error = { 0 };
	cr_assert(db_exec(store_db(target.store), sql, &error) == STATUS_OK, "%s", error.text);
}

static void compare_runs(const struct trace *trace, int a, int b, struct compare *compare)
{
	struct error error = { 0 };
	const struct align_side sides[2] = { { trace, &trace->runs[a] }, { trace, &trace->runs[b] } };
	cr_assert(compare_make(sides, NULL, &error, compare) == STATUS_OK, "%s", error.text);
}

/* -- the worked example ---------------------------------------------------------------------------------- */

/* Run A, µs: input writes 0-100; n0 gets it at 120, computes 400, writes 50; n1 gets that 30 later, computes 300, writes 50;
 * the driver has the results 50 later. Run B: the same with 200 dispatch, 30 allocate and 20 more compute in n0, and 150
 * dispatch in n1. A late driver comes back from its caller only 10 before it has the results. */
static void enter_example(bool is_b, bool is_late, int n)
{
	static const enum phase phases[] = { PHASE_STARVED, PHASE_DISPATCH, PHASE_ALLOCATE, PHASE_COMPUTE, PHASE_WRITE };
	for (int i = 0; i < n; i++) {
		int64_t at = 10000 * US * (int64_t)i, jitter = 2 * (i % 3 - 1), d0 = is_b ? 200 : 0, a0 = is_b ? 30 : 0;
		int64_t n0[] = { 120, d0, a0, is_b ? 420 : 400, 50 }, n1[] = { 0, is_b ? 150 : 0, 0, 300 + jitter, 50 };
		int64_t ns[5], end0 = n0[0] + n0[1] + n0[2] + n0[3] + n0[4];
		n1[0] = end0 + 30;
		int64_t end = n1[0] + n1[1] + n1[3] + n1[4] + 50;
		struct record driver[] = { synthetic_submit(i, at),
			synthetic_op(0, i, at, 1, &phases[4], (int64_t[]){ 100 * US }),
			synthetic_op(1, i, at + (is_late ? end - 10 : 100) * US, 1, phases,
				(int64_t[]){ (is_late ? 10 : end - 100) * US }),
			synthetic_finish_record(i, at + end * US, STATUS_OK, 0) };
		synthetic_intake_enter(&target, 0, driver, 4);
		for (int k = 0; k < 5; k++)
			ns[k] = n0[k] * US;
		synthetic_intake_enter(&target, 1, (struct record[]){ synthetic_op(2, i, at, 5, phases, ns) }, 1);
		for (int k = 0; k < 5; k++)
			ns[k] = n1[k] * US;
		synthetic_intake_enter(&target, 2, (struct record[]){ synthetic_op(3, i, at, 5, phases, ns) }, 1);
	}
	synthetic_intake_end(&target, 10000 * US * (int64_t)n);
}

static void make_example(struct trace **trace, int n, const char *sql)
{
	synthetic_init(&synthetic, 2, 1, 1, 64);
	synthetic_use_ns();
	synthetic_intake_init(&target, &synthetic, synthetic.file, 0);
	enter_example(false, false, n);
	synthetic_intake_next(&target, &synthetic, 0);
	enter_example(true, false, n);
	synthetic_intake_next(&target, &synthetic, 0);
	enter_example(false, true, n);
	change("UPDATE run SET mode = 'interpreted' WHERE id = 2");
	change(sql);
	open_trace(trace);
}

static void expect_kind(const struct compare *compare, enum phase kind, int64_t a_us, int64_t b_us)
{
	cr_expect(compare->kinds_ns[0][kind] == a_us * US && compare->kinds_ns[1][kind] == b_us * US,
		"%s: %lld, %lld ns, expected %lld, %lld µs", phase_word(kind), (long long)compare->kinds_ns[0][kind],
		(long long)compare->kinds_ns[1][kind], (long long)a_us, (long long)b_us);
}

Test(compare, the_worked_example)
{
	struct trace *trace = NULL;
	struct compare compare;
	make_example(&trace, 10, "");
	compare_runs(trace, 0, 1, &compare);
	cr_expect(compare.align.n_pairs == 9, "%lld pairs", (long long)compare.align.n_pairs);
	cr_expect(compare.latency_ns[0] == 1000 * US && compare.latency_ns[1] == 1400 * US, "latency %lld, %lld",
		(long long)compare.latency_ns[0], (long long)compare.latency_ns[1]);
	expect_kind(&compare, PHASE_COMPUTE, 700, 720);
	expect_kind(&compare, PHASE_WRITE, 200, 200);
	expect_kind(&compare, PHASE_STARVED, 100, 100);
	expect_kind(&compare, PHASE_DISPATCH, 0, 350);
	expect_kind(&compare, PHASE_ALLOCATE, 0, 30);
	expect_kind(&compare, PHASE_UNKNOWN, 0, 0);
	double margin = (compare.latency.high - compare.latency.low) / 2;
	cr_expect(fabs(compare.latency.delta - 400e3) < 1 && fabs(margin - 1731) < 2, "%g ± %g", compare.latency.delta, margin);
	const struct compare_row *n0 = compare_find_node(&compare, "n0");
	cr_assert(n0 && n0->has_own[0] && n0->has_own[1]);
	cr_expect(n0->own_ns[0] == 450 * US && n0->own_ns[1] == 700 * US, "n0: %lld, %lld", (long long)n0->own_ns[0],
		(long long)n0->own_ns[1]);
	cr_expect(n0->path_ns[0] == 450 * US && n0->path_ns[1] == 700 * US, "n0 on the path: %lld, %lld",
		(long long)n0->path_ns[0], (long long)n0->path_ns[1]);
	cr_expect(compare.has_bottleneck && !compare.has_moved && compare.bottleneck_ns[0] == 450 * US);
	cr_expect(compare.has_throughput && fabs(compare.per_s[0] - 1000) < 1e-6, "%g/s", compare.per_s[0]);
	compare_finish(&compare);
	trace_close(trace);
	synthetic_finish(&synthetic);
}

Test(compare, the_callers_own_time_is_at_no_place)
{
	struct trace *trace = NULL;
	struct compare compare;
	make_example(&trace, 10, "");
	compare_runs(trace, 0, 2, &compare);
	cr_expect(compare.kinds_ns[0][COMPARE_KIND_CALLER] == 0 && compare.kinds_ns[1][COMPARE_KIND_CALLER] == 40 * US,
		"caller: %lld, %lld ns", (long long)compare.kinds_ns[0][COMPARE_KIND_CALLER],
		(long long)compare.kinds_ns[1][COMPARE_KIND_CALLER]);
	cr_expect(compare.nowhere_ns[1] == 40 * US, "%lld ns at no place", (long long)compare.nowhere_ns[1]);
	expect_kind(&compare, PHASE_STARVED, 100, 60);
	compare_finish(&compare);
	trace_close(trace);
	synthetic_finish(&synthetic);
}

Test(compare, the_worked_example_printed)
{
	static const char *const wanted[] = { "9 executions compared, aligned by number; left out: 1 warm-up\n",
		"mean: compiled 1.00 ms ±1.33 µs, interpreted 1.40 ms ±1.33 µs",
		"interpreted is slower: +400.0 µs (+40.0 %), 95 % interval +398.3 µs to +401.7 µs\n",
		"dispatch +200.0 µs, allocate +30.0 µs\n", "compiled 1000.0/s, interpreted 714.3/s",
		"compiled w0 450.0 µs (45 % busy), interpreted w0 700.0 µs (50 % busy)" };
	struct trace *trace = NULL;
	struct compare compare;
	struct strbuf out = STRBUF_INIT;
	struct error error = { 0 };
	make_example(&trace, 10, "");
	compare_runs(trace, 0, 1, &compare);
	cr_assert(compare_print(&compare, &(struct compare_print_options){ .n_rows = 20 }, &out, &error) == STATUS_OK);
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
		cr_expect(strstr(strbuf_text(&out), wanted[i]), "'%s' is not in:\n%s", wanted[i], strbuf_text(&out));
	strbuf_finish(&out);
	compare_finish(&compare);
	trace_close(trace);
	synthetic_finish(&synthetic);
}

/* -- random runs ----------------------------------------------------------------------------------------- */

static int64_t ask(const struct trace *trace, const char *format, int64_t run, int64_t first)
{
	char sql[400];
	snprintf(sql, sizeof(sql), format, (long long)run, (long long)first);
	return synthetic_number(trace->db, sql);
}

static int64_t mean_of(int64_t sum, int64_t n)
{
	return (sum + n / 2) / n;
}

static void check_sums(const struct trace *trace, const struct compare *compare, const char *name)
{
	for (int side = 0; side < 2; side++) {
		int64_t run = compare->align.runs[side].run->id, n = compare->align.n_pairs, first = compare->align.pairs[0];
		int64_t sum = ask(trace, "SELECT sum(end_ns - start_ns) FROM execution WHERE run = %lld AND execution >= %lld",
			run, first);
		int64_t kinds = 0, places = compare->nowhere_ns[side];
		cr_expect(compare->latency_ns[side] == mean_of(sum, n), "%s: latency %lld, expected %lld", name,
			(long long)compare->latency_ns[side], (long long)mean_of(sum, n));
		for (int kind = 0; kind < COMPARE_KIND_COUNT; kind++)
			kinds += compare->kinds_ns[side][kind];
		for (int i = 0; i < compare->n_rows; i++) {
			const struct compare_row *row = &compare->rows[i];
			places += row->path_ns[side];
			if (!row->has_own[side])
				continue;
			char sql[300];
			snprintf(sql, sizeof(sql), "SELECT sum(duration_ns - starved_ns - backpressure_ns - late_rank_ns) FROM v_op"
				" WHERE run = %%lld AND execution >= %%lld AND node = '%s'", row->name);
			int64_t own = mean_of(ask(trace, sql, run, first), n);
			cr_expect(row->own_ns[side] == own, "%s: %s %lld, expected %lld", name, row->name,
				(long long)row->own_ns[side], (long long)own);
		}
		cr_expect(kinds == compare->latency_ns[side], "%s: kinds sum to %lld, latency %lld", name, (long long)kinds,
			(long long)compare->latency_ns[side]);
		cr_expect(places == compare->latency_ns[side], "%s: places sum to %lld, latency %lld", name, (long long)places,
			(long long)compare->latency_ns[side]);
	}
}

/* One execution in flight: nothing but the chain's own phases and deliveries can be on the path. Rounding moves a sum over
 * the places by less than one ns a place. */
static void check_kinds(const struct compare *compare, const struct random_chain runs[2], const char *name)
{
	for (int side = 0; side < 2; side++) {
		for (int kind = 0; kind < COMPARE_KIND_COUNT; kind++) {
			int64_t sum = 0;
			for (int64_t i = 0; i < compare->align.n_pairs; i++)
				sum += runs[side].kinds_ns[compare->align.pairs[i]][kind];
			int64_t off = compare->kinds_ns[side][kind] - mean_of(sum, compare->align.n_pairs);
			cr_expect(llabs(off) <= compare->measures[side].n_places, "%s: %s %lld, expected %lld", name,
				compare_kind_word(kind), (long long)compare->kinds_ns[side][kind],
				(long long)mean_of(sum, compare->align.n_pairs));
		}
	}
}

/* Results come in order: between two of them, every ns in which something was in flight counts. Runs start at 0. */
static void check_periods(const struct compare *compare, const struct random_chain runs[2], const char *name)
{
	for (int side = 0; side < 2; side++) {
		const struct align_run *run = &compare->align.runs[side];
		bool *is_busy = calloc((size_t)runs[side].end_ns + 1, sizeof(*is_busy));
		int64_t n_busy = 0;
		for (int64_t i = 0; i < run->n_executions; i++)
			memset(is_busy + run->executions[i].start_ns, true,
				(size_t)(run->executions[i].end_ns - run->executions[i].start_ns));
		for (int64_t i = 1; i < run->n_executions; i++) {
			bool counts = align_pair(&compare->align, run->executions[i].execution) >= 0;
			for (int64_t ns = run->executions[i - 1].end_ns; counts && ns < run->executions[i].end_ns; ns++)
				n_busy += is_busy[ns];
		}
		free(is_busy);
		double per_s = 1e9 * (double)compare->align.n_pairs / (double)n_busy;
		cr_expect(fabs(compare->per_s[side] - per_s) < 1e-6 * per_s, "%s: %g/s, expected %g/s", name,
			compare->per_s[side], per_s);
	}
}

static void check_opposite(const struct compare *there, const struct compare *back, const char *name)
{
	cr_expect(there->latency.delta == -back->latency.delta && there->latency.low == -back->latency.high, "%s: %g and %g",
		name, there->latency.delta, back->latency.delta);
	cr_expect(memcmp(there->kinds_ns[0], back->kinds_ns[1], sizeof(there->kinds_ns[0])) == 0, "%s: kinds of A", name);
	cr_expect(memcmp(there->kinds_ns[1], back->kinds_ns[0], sizeof(there->kinds_ns[0])) == 0, "%s: kinds of B", name);
	cr_assert(there->n_rows == back->n_rows, "%s: %d and %d rows", name, there->n_rows, back->n_rows);
	for (int i = 0; i < there->n_rows; i++) {
		const struct compare_row *x = &there->rows[i], *y = &back->rows[i];
		cr_expect(strcmp(x->name, y->name) == 0 && x->own_ns[0] == y->own_ns[1] && x->own_ns[1] == y->own_ns[0]
			&& x->path_ns[0] == y->path_ns[1] && x->path_ns[1] == y->path_ns[0], "%s: row %d, %s and %s", name, i,
			x->name, y->name);
	}
	cr_expect(there->bottleneck_ns[0] == back->bottleneck_ns[1] && there->has_moved == back->has_moved, "%s", name);
}

static void check_equal(const struct compare *compare, const char *name)
{
	cr_expect(compare->latency.delta == 0 && !compare_is_beyond_noise(&compare->latency), "%s: %g", name,
		compare->latency.delta);
	cr_expect(memcmp(compare->kinds_ns[0], compare->kinds_ns[1], sizeof(compare->kinds_ns[0])) == 0, "%s: kinds differ", name);
	for (int i = 0; i < compare->n_rows; i++)
		cr_expect(compare->rows[i].own_ns[0] == compare->rows[i].own_ns[1]
			&& compare->rows[i].path_ns[0] == compare->rows[i].path_ns[1], "%s: %s differs", name, compare->rows[i].name);
	cr_expect(compare->per_s[0] == compare->per_s[1] && !compare->has_moved, "%s: %g and %g/s", name, compare->per_s[0],
		compare->per_s[1]);
}

/* Three runs: A, B, and A again, later by `shift`. */
static void enter_three(struct random_chain runs[2], int in_flight, unsigned seed)
{
	unsigned seeds[2] = { 1000u + 2u * seed, 5000u + 3u * seed }, again = seeds[0];
	for (int i = 0; i < 3; i++) {
		struct random_chain *run = &runs[i % 2], shifted;
		run = i == 2 ? &shifted : run;
		random_chain_make(run, &synthetic, in_flight, i == 2 ? 123456789 : 0, i == 2 ? &again : &seeds[i]);
		synthetic_intake_next(&target, &synthetic, i == 2 ? 123456789 : 0);
		random_chain_enter(run, &target);
	}
}

static void check_layout(int n_workers, int n_nodes, int in_flight, unsigned seed)
{
	static struct random_chain runs[PAIRS_OF_RUNS][2];
	struct trace *trace = NULL;
	synthetic_init(&synthetic, n_workers, n_nodes, in_flight, 64);
	synthetic_use_ns();
	synthetic_intake_init(&target, &synthetic, synthetic.file, 0);
	synthetic_intake_end(&target, 100);
	for (int pair = 0; pair < PAIRS_OF_RUNS; pair++)
		enter_three(runs[pair], in_flight, PAIRS_OF_RUNS * seed + (unsigned)pair);
	open_trace(&trace);
	for (int pair = 0; pair < PAIRS_OF_RUNS; pair++) {
		struct compare there, back, equal;
		char name[100];
		int first = 1 + 3 * pair;
		snprintf(name, sizeof(name), "%d workers, %d nodes each, %d in flight, seed %u, pair %d", n_workers, n_nodes,
			in_flight, seed, pair);
		compare_runs(trace, first, first + 1, &there);
		compare_runs(trace, first + 1, first, &back);
		compare_runs(trace, first, first + 2, &equal);
		check_sums(trace, &there, name);
		if (in_flight == 1)
			check_kinds(&there, runs[pair], name);
		check_periods(&there, runs[pair], name);
		check_opposite(&there, &back, name);
		check_equal(&equal, name);
		compare_finish(&there);
		compare_finish(&back);
		compare_finish(&equal);
	}
	trace_close(trace);
	synthetic_finish(&synthetic);
}

Test(compare, hundreds_of_random_runs)
{
	for (int seed = 0; seed < trials(6); seed++) {
		for (int n_workers = 1; n_workers <= RANDOM_CHAIN_WORKERS_MAX; n_workers++) {
			check_layout(n_workers, 2, 1, (unsigned)seed);
			check_layout(n_workers, 1, 3, (unsigned)seed);
		}
	}
}

/* -- refusals -------------------------------------------------------------------------------------------- */

Test(compare, refusals)
{
	static const struct {
		const char *name, *sql, *wanted; /* NULL: not refused */
	} cases[] = {
		{ "as it is", "", NULL },
		{ "other nodes", "UPDATE node SET name = name || 'x' WHERE run = 2 AND op IS NOT NULL", "the graphs differ: of 2 and 2"
		  " nodes, 0 have the same name and op" },
		{ "other ops", "UPDATE node SET op = 'other' WHERE run = 2 AND op IS NOT NULL", "the graphs differ" },
		{ "half of the ops", "UPDATE node SET op = 'other' WHERE run = 2 AND name = 'n0'", NULL },
		{ "other shapes", "UPDATE node SET outputs = 'f32[8]' WHERE run = 2 AND name = 'input'",
		  "the inputs differ: f32[4] in A, f32[8] in B" },
		{ "killed", "UPDATE run SET status = 'killed' WHERE id = 2", "B ended early: killed" },
		{ "stopped by hand", "UPDATE run SET status = 'stopped' WHERE id = 2", NULL },
		{ "running", "UPDATE run SET status = 'running' WHERE id = 1", "A is unfinished" },
		{ "much lost", "UPDATE loss SET n_records = 5 WHERE run = 1 AND worker = 1 AND cause = 'ring_full'",
		  "A lost 5 records, 11 %" },
		{ "policy", "UPDATE run_meta SET value = 'window=0:5' WHERE run = 2 AND key = 'record'",
		  "the recording policy differs: all in A, window=0:5 in B" },
		{ "submitted shapes", "INSERT INTO run_meta VALUES(1, 'inputs', 'x f32[4]'), (2, 'inputs', 'x f32[2]')",
		  "the inputs' shapes differ: x f32[4] in A, x f32[2] in B" },
		{ "few", "UPDATE execution SET status = 18 WHERE run = 2 AND execution > 5", NULL },
		{ "too few", "UPDATE execution SET status = 18 WHERE run = 2 AND execution > 4",
		  "too few executions: 4 succeeded in both" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct trace *trace = NULL;
		struct compare compare;
		struct error error = { 0 };
		make_example(&trace, 10, cases[i].sql);
		const struct align_side sides[2] = { { trace, &trace->runs[0] }, { trace, &trace->runs[1] } };
		int status = compare_make(sides, NULL, &error, &compare);
		if (!cases[i].wanted) {
			cr_expect(status == STATUS_OK, "%s: %s", cases[i].name, error.text);
		} else {
			cr_expect(status == STATUS_NOT_COMPARABLE, "%s: status %d", cases[i].name, status);
			cr_expect(strstr(error.text, cases[i].wanted), "%s: '%s' lacks '%s'", cases[i].name, error.text,
				cases[i].wanted);
			status = compare_make(sides, &(struct compare_options){ .is_forced = true }, &error, &compare);
			cr_assert(status == STATUS_OK, "%s, forced: %s", cases[i].name, error.text);
			cr_expect(compare.reasons.n_refusals == 1 && strstr(compare.reasons.items[0].text, cases[i].wanted),
				"%s: '%s'", cases[i].name, compare.reasons.items[0].text);
		}
		if (status == STATUS_OK)
			compare_finish(&compare);
		trace_close(trace);
		synthetic_finish(&synthetic);
	}
}

Test(compare, runs_of_two_hosts)
{
	static const struct {
		const char *sql, *wanted; /* NULL: not refused */
	} cases[] = {
		{ "UPDATE meta SET value = 'elsewhere' WHERE key = 'host'", NULL },
		{ "UPDATE meta SET value = 'Abacus 3' WHERE key = 'cpu'", "the processors differ: " },
		{ "UPDATE meta SET value = 'pdp11' WHERE key = 'machine'", "the processors differ: " },
		{ "UPDATE meta SET value = '999' WHERE key = 'cores'", "the number of cores differs: " },
	};
	struct trace *traces[2] = { NULL, NULL };
	struct synthetic first;
	make_example(&traces[0], 10, "");
	first = synthetic;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct compare compare;
		struct error error = { 0 };
		make_example(&traces[1], 10, cases[i].sql);
		const struct align_side sides[2] = { { traces[0], &traces[0]->runs[0] }, { traces[1], &traces[1]->runs[0] } };
		int status = compare_make(sides, NULL, &error, &compare);
		cr_expect(status == (cases[i].wanted ? STATUS_NOT_COMPARABLE : STATUS_OK), "%s: status %d, %s", cases[i].sql, status,
			error.text);
		cr_expect(!cases[i].wanted || strstr(error.text, cases[i].wanted), "%s: %s", cases[i].sql, error.text);
		if (status == STATUS_OK)
			compare_finish(&compare);
		trace_close(traces[1]);
		synthetic_finish(&synthetic);
	}
	trace_close(traces[0]);
	synthetic_finish(&first);
}

/* -- one side only, and words ---------------------------------------------------------------------------- */

Test(compare, nodes_and_bottlenecks_of_one_run_only)
{
	struct trace *trace = NULL;
	struct compare compare;
	make_example(&trace, 10, "UPDATE node SET name = 'm' WHERE run = 2 AND name = 'n0';"
		"UPDATE worker SET name = 'w9' WHERE run = 2 AND name = 'w0';"
		"UPDATE worker SET name = 'w8' WHERE run = 2 AND name = 'w1'");
	compare_runs(trace, 0, 1, &compare);
	const struct compare_row *n0 = compare_find_node(&compare, "n0"), *m = compare_find_node(&compare, "m");
	cr_assert(n0 && m);
	cr_expect(n0->places[1] == -1 && n0->own_ns[0] == 450 * US && !n0->has_own[1] && !n0->interval.is_known);
	cr_expect(m->places[0] == -1 && m->own_ns[1] == 700 * US && m->path_ns[0] == 0);
	cr_expect(compare.has_moved, "the bottleneck is on w0 in A and w9 in B");
	check_sums(trace, &compare, "one side only");
	struct strbuf out = STRBUF_INIT;
	struct error error = { 0 };
	cr_assert(compare_print(&compare, &(struct compare_print_options){ .n_rows = 20 }, &out, &error) == STATUS_OK);
	static const char *const wanted[] = { "the difference is not split: compiled w0 450.0 µs", "Only in one run",
		"note: 1 node is on another worker\n" };
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
		cr_expect(strstr(strbuf_text(&out), wanted[i]), "'%s' is not in:\n%s", wanted[i], strbuf_text(&out));
	strbuf_finish(&out);
	compare_finish(&compare);
	trace_close(trace);
	synthetic_finish(&synthetic);
}

Test(compare, an_explanation_ends_when_most_is_told)
{
	int64_t a[COMPARE_KIND_COUNT] = { 0 }, b[COMPARE_KIND_COUNT] = { 0 };
	struct strbuf out = STRBUF_INIT;
	b[PHASE_DISPATCH] = 171000;
	b[PHASE_ALLOCATE] = 30200;
	a[PHASE_COMPUTE] = 13500;
	b[PHASE_WRITE] = 900;
	compare_explain(a, b, &out);
	cr_expect_str_eq(strbuf_text(&out), "dispatch +171.0 µs, allocate +30.2 µs", "'%s'", strbuf_text(&out));
	strbuf_clear(&out);
	compare_explain(a, a, &out);
	cr_expect_str_eq(strbuf_text(&out), "", "'%s'", strbuf_text(&out));
	strbuf_clear(&out);
	b[PHASE_DISPATCH] = 0;
	compare_explain(a, b, &out);
	cr_expect_str_eq(strbuf_text(&out), "allocate +30.2 µs, compute -13.5 µs", "'%s'", strbuf_text(&out));
	strbuf_finish(&out);
}

Test(compare, means_add_up)
{
	const int64_t sums[] = { 1, 1, 1, 0, 5, 2 };
	int64_t means[6], sum = 0;
	compare_means(sums, 6, 3, means);
	for (int i = 0; i < 6; i++)
		sum += means[i];
	cr_expect(sum == 3, "%lld, expected 10 / 3 rounded", (long long)sum);
	cr_expect(means[0] == 0 && means[1] == 1 && means[2] == 0 && means[3] == 0, "%lld %lld %lld %lld", (long long)means[0],
		(long long)means[1], (long long)means[2], (long long)means[3]);
}
