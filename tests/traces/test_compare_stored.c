/* SPDX-License-Identifier: Apache-2.0
 *
 * Comparisons from stored sums: the same to the last byte as by the exact pass, on random runs; and when they must not
 * be used.
 */
#include "traces/compare_stored.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/trials.h"
#include "tests/traces/random_chain.h"
#include "traces/blame_findings.h"
#include "traces/compare_print.h"

static struct synthetic synthetic;
static struct synthetic_intake target;
static struct random_chain chain;

static void change(const char *sql)
{
	struct error error = { 0 };
	cr_assert(db_exec(store_db(target.store), sql, &error) == STATUS_OK, "%s", error.text);
}

static void record_findings(void)
{
	struct error error = { 0 };
	int status = blame_findings_record(store_db(target.store), store_run_id(target.store), &error);
	cr_assert(status == STATUS_OK, "%s", error.text);
}

static void open_trace(struct trace **trace)
{
	struct error error = { 0 };
	cr_assert(store_seal(target.store, NULL) == STATUS_OK);
	synthetic_intake_finish(&target);
	cr_assert(trace_open(synthetic.file, &error, trace) == STATUS_OK, "%s", error.text);
}

/* Both runs of the file, random. `before` changes the file before the first run's findings are made, `after` in the end. */
static void make_trace(int n_workers, int n_nodes, int in_flight, unsigned seed, const char *before, const char *after,
	struct trace **trace)
{
	synthetic_init(&synthetic, n_workers, n_nodes, in_flight, 64);
	synthetic_use_ns();
	synthetic_intake_init(&target, &synthetic, synthetic.file, 0);
	random_chain_make(&chain, &synthetic, in_flight, 0, &seed);
	random_chain_enter(&chain, &target);
	change(before);
	record_findings();
	synthetic_intake_next(&target, &synthetic, 1000);
	random_chain_make(&chain, &synthetic, in_flight, 1000, &seed);
	random_chain_enter(&chain, &target);
	record_findings();
	change(after);
	open_trace(trace);
}

static void close_trace(struct trace *trace)
{
	trace_close(trace);
	synthetic_finish(&synthetic);
}

/* Compares the runs `a` and `b` and prints that without saying where the numbers are from. *ret_compare must be finished. */
static void print(const struct trace *trace, int a, int b, bool is_exact, bool is_json, struct strbuf *out,
	struct compare *ret_compare)
{
	const struct align_side sides[2] = { { trace, &trace->runs[a] }, { trace, &trace->runs[b] } };
	struct compare_options options = { .is_forced = true, .is_exact = is_exact };
	struct error error = { 0 };
	cr_assert(compare_make(sides, &options, &error, ret_compare) == STATUS_OK, "%s", error.text);
	bool is_stored = ret_compare->is_stored;
	ret_compare->is_stored = false;
	cr_assert(compare_print(ret_compare, &(struct compare_print_options){ .is_json = is_json }, out, &error) == STATUS_OK);
	ret_compare->is_stored = is_stored;
}

/* What conditions look at, and is not printed. */
static void expect_same_numbers(const struct compare *quick, const struct compare *exact, const char *name)
{
	for (int kind = 0; kind < COMPARE_KIND_COUNT; kind++) {
		const struct compare_interval *x = &quick->kinds[kind], *y = &exact->kinds[kind];
		cr_expect(x->is_known == y->is_known && x->delta == y->delta && x->low == y->low && x->high == y->high,
			"%s: %s: %.17g %.17g, exactly %.17g %.17g", name, compare_kind_word(kind), x->delta, x->low, y->delta, y->low);
	}
	for (int side = 0; side < 2; side++)
		cr_expect(quick->nowhere_ns[side] == exact->nowhere_ns[side], "%s: %lld ns nowhere, exactly %lld", name,
			(long long)quick->nowhere_ns[side], (long long)exact->nowhere_ns[side]);
	cr_assert(quick->n_rows == exact->n_rows, "%s: %d rows, exactly %d", name, quick->n_rows, exact->n_rows);
	for (int i = 0; i < quick->n_rows; i++) {
		const struct compare_interval *x = &quick->rows[i].interval, *y = &exact->rows[i].interval;
		cr_expect(x->delta == y->delta && x->low == y->low && x->high == y->high, "%s: %s: %.17g %.17g, exactly %.17g %.17g",
			name, quick->rows[i].name, x->delta, x->low, y->delta, y->low);
	}
}

static void expect_same(const struct trace *trace, int a, int b, bool should_be_stored, const char *name)
{
	for (int is_json = 0; is_json < 2; is_json++) {
		struct strbuf quick = STRBUF_INIT, exact = STRBUF_INIT;
		struct compare from_sums, from_ops;
		print(trace, a, b, false, is_json, &quick, &from_sums);
		print(trace, a, b, true, is_json, &exact, &from_ops);
		cr_expect(from_sums.is_stored == should_be_stored, "%s: stored %d, expected %d", name, from_sums.is_stored,
			should_be_stored);
		cr_expect(!from_ops.is_stored, "%s: the exact pass was not made", name);
		cr_expect_str_eq(strbuf_text(&quick), strbuf_text(&exact), "%s: '%s', exactly '%s'", name, strbuf_text(&quick),
			strbuf_text(&exact));
		expect_same_numbers(&from_sums, &from_ops, name);
		compare_finish(&from_sums);
		compare_finish(&from_ops);
		strbuf_finish(&quick);
		strbuf_finish(&exact);
	}
}

Test(compare_stored, the_same_as_the_exact_pass)
{
	for (int seed = 0; seed < trials(8); seed++) {
		for (int n_workers = 1; n_workers <= RANDOM_CHAIN_WORKERS_MAX; n_workers++) {
			for (int in_flight = 1; in_flight <= 3; in_flight += 2) {
				struct trace *trace = NULL;
				char name[80];
				snprintf(name, sizeof(name), "%d workers, %d in flight, seed %d", n_workers, in_flight, seed);
				make_trace(n_workers, in_flight == 1 ? 2 : 1, in_flight, 77 + (unsigned)seed, "", "", &trace);
				expect_same(trace, 0, 1, true, name);
				expect_same(trace, 1, 0, true, name);
				close_trace(trace);
			}
		}
	}
}

Test(compare_stored, only_of_the_very_executions)
{
	static const struct {
		const char *name, *before, *after;
		bool is_stored;
	} cases[] = {
		{ "as it is", "", "", true },
		{ "a late driver: the caller's time", "UPDATE op_event SET start_ns = start_ns + duration_ns - 1, duration_ns = 1,"
		  " starved_ns = 1 WHERE node = (SELECT id FROM node WHERE name = 'output' AND run = 1)", "", true },
		{ "paths of too many steps", "UPDATE run SET in_flight = 9000000", "", false },
		{ "one failed", "UPDATE execution SET status = 18 WHERE execution = 9", "", false },
		{ "one failed later", "", "UPDATE execution SET status = 18 WHERE run = 2 AND execution = 9", false },
		{ "one without an end", "UPDATE execution SET end_ns = NULL WHERE execution = 23", "", false },
		{ "the first one missing", "", "DELETE FROM execution WHERE run = 2 AND execution = 0", false },
		{ "the last one missing in both", "", "DELETE FROM execution WHERE execution = 23", false },
		{ "another warm-up", "", "UPDATE execution SET is_warmup = 1 WHERE run = 1 AND execution = 3", false },
		{ "another warm-up in both", "", "UPDATE execution SET is_warmup = 1 WHERE execution = 3", false },
		{ "as much warm-up elsewhere", "", "UPDATE execution SET is_warmup = execution IN (0, 1, 10)", false },
		{ "no warm-up", "", "UPDATE execution SET is_warmup = 0", false },
		{ "without sums", "", "DELETE FROM run_meta WHERE run = 2 AND key = 'compare_executions'", false },
		{ "without the table", "", "DROP TABLE compare_sum; DELETE FROM run_meta WHERE key LIKE 'compare%'", false },
		{ "another worker's name", "", "UPDATE worker SET name = 'w9' WHERE run = 2 AND name = 'w0'", true },
		{ "another node's name", "", "UPDATE node SET name = 'm' WHERE run = 2 AND name = 'n0'", true },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct trace *trace = NULL;
		make_trace(2, 2, 1, 5, cases[i].before, cases[i].after, &trace);
		expect_same(trace, 0, 1, cases[i].is_stored, cases[i].name);
		close_trace(trace);
	}
}

/* The sums themselves are looked at, not made again. */
Test(compare_stored, what_is_stored_is_printed)
{
	struct trace *trace = NULL;
	struct strbuf quick = STRBUF_INIT, exact = STRBUF_INIT;
	struct compare from_sums, from_ops;
	make_trace(2, 2, 1, 5, "", "UPDATE compare_sum SET ns = ns + 5000 WHERE part = 4 AND ns > 0", &trace);
	print(trace, 0, 1, false, true, &quick, &from_sums);
	print(trace, 0, 1, true, true, &exact, &from_ops);
	cr_expect(from_sums.is_stored && strcmp(strbuf_text(&quick), strbuf_text(&exact)) != 0, "'%s'", strbuf_text(&quick));
	compare_finish(&from_sums);
	compare_finish(&from_ops);
	strbuf_finish(&quick);
	strbuf_finish(&exact);
	close_trace(trace);
}

Test(compare_stored, nonsense_is_refused)
{
	static const char *const cases[] = {
		"UPDATE compare_sum SET part = 77 WHERE part = 3", "UPDATE compare_sum SET part = -1 WHERE part = 0",
		"UPDATE compare_sum SET kind = 99 WHERE part = 1", "UPDATE compare_sum SET kind = -3 WHERE part = 2",
		"UPDATE compare_sum SET node = 12345 WHERE part = 2", "UPDATE compare_sum SET edge = 0, node = NULL WHERE part = 3",
		"UPDATE compare_sum SET n = 3 WHERE part = 0", "DELETE FROM compare_sum",
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct trace *trace = NULL;
		struct compare compare;
		struct error error = { 0 };
		make_trace(1, 2, 1, 5, "", cases[i], &trace);
		const struct align_side sides[2] = { { trace, &trace->runs[0] }, { trace, &trace->runs[1] } };
		int status = compare_make(sides, NULL, &error, &compare);
		cr_expect(status == STATUS_TRACE && strstr(error.text, "the sums stored of run 1"), "%s: status %d, '%s'", cases[i],
			status, error.text);
		close_trace(trace);
	}
}
