/* SPDX-License-Identifier: Apache-2.0
 *
 * The check of a trace: right ones pass, and each kind of damage is found by the check that is meant for it.
 */
#include "traces/trace_check.h"

#include <criterion/criterion.h>
#include <string.h>

#include "tests/traces/synthetic.h"

static struct synthetic synthetic;
static struct synthetic_intake target;
static struct trace trace;

static void setup(void)
{
	synthetic_init(&synthetic, 1, 2, 4, 64);
	synthetic_use_ns();
	synthetic_intake_init(&target, &synthetic, ":memory:", 1000);
	trace.db = store_db(target.store);
	const enum phase phases[] = { PHASE_STARVED, PHASE_COMPUTE };
	struct record driver[] = { synthetic_submit(0, 1100), synthetic_op(0, 0, 1100, 1, &phases[1], (int64_t[]){ 50 }),
		synthetic_op(1, 0, 1150, 1, phases, (int64_t[]){ 1850 }), synthetic_finish_record(0, 3000, STATUS_OK, 0) };
	struct record worker[] = { synthetic_span(PHASE_IDLE, 1000, 100),
		synthetic_op(2, 0, 1100, 2, phases, (int64_t[]){ 100, 800 }),
		synthetic_wait(PHASE_STARVED, 2, 0, 1110, 90, 0, 0, 0),
		synthetic_op(3, 0, 2000, 2, phases, (int64_t[]){ 10, 900 }) };
	synthetic_intake_enter(&target, 0, driver, ARRAY_LEN(driver));
	synthetic_intake_enter(&target, 1, worker, ARRAY_LEN(worker));
	synthetic_intake_end(&target, 4000);
	cr_assert(store_seal(target.store, NULL) == STATUS_OK);
}

static void teardown(void)
{
	synthetic_intake_finish(&target);
	synthetic_finish(&synthetic);
}

TestSuite(trace_check, .init = setup, .fini = teardown);

/* The names of the checks with this result, separated by commas. */
static int run_checks(const char *result, struct strbuf *names)
{
	struct table table;
	struct error error = { 0 };
	int n_wrong = -1;
	table_init(&table, trace_check_columns, TRACE_CHECK_COLUMNS);
	cr_assert(trace_check(&trace, &table, &n_wrong, &error) == STATUS_OK, "%s", error.text);
	strbuf_clear(names);
	for (int i = 0; i < table_n_rows(&table); i++) {
		const struct table_cell *row = &table.cells[i * TRACE_CHECK_COLUMNS];
		if (strcmp(row[1].text, result) == 0)
			strbuf_addf(names, "%s%s", names->length ? ", " : "", row[0].text);
	}
	table_finish(&table);
	return n_wrong;
}

Test(trace_check, passes_what_the_collector_makes)
{
	struct strbuf names = STRBUF_INIT;
	int n_wrong = run_checks("wrong", &names);
	cr_expect(n_wrong == 0, "%d wrong: %s", n_wrong, strbuf_text(&names));
	run_checks("note", &names);
	cr_expect_str_eq(strbuf_text(&names), "");
	strbuf_finish(&names);
}

Test(trace_check, finds_each_kind_of_damage)
{
	static const struct {
		const char *sql, *result, *check;
	} cases[] = {
		{ "UPDATE op_event SET compute_ns = compute_ns + 1 WHERE node = 3", "wrong", "phases sum to durations" },
		{ "UPDATE op_event SET node = 99 WHERE node = 3", "wrong", "references between tables" },
		{ "UPDATE op_event SET start_ns = 1900 WHERE node = 4", "wrong", "a lane does one thing at a time" },
		{ "UPDATE run SET end_ns = 2500", "wrong", "events lie within their run" },
		{ "UPDATE summary SET ns = ns + 1 WHERE kind = 5", "wrong", "summaries agree with events" },
		{ "UPDATE summary SET ns = ns + 100000 WHERE kind = 1", "wrong", "shares of a lane sum to 100 %" },
		{ "UPDATE execution SET status = -1, end_ns = NULL", "note", "executions have ended" },
		{ "DELETE FROM op_event WHERE node = 4", "note", "every op of a finished execution is there" },
		{ "UPDATE loss SET n_records = 5 WHERE cause = 'ring_full' AND worker = 2", "note", "no records were lost" },
		{ "UPDATE run SET status = 'killed'", "note", "runs have ended" },
		{ "UPDATE meta SET value = '0' WHERE key = 'finished'", "note", "the file is finished" },
	};
	struct strbuf names = STRBUF_INIT;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		cr_assert(
			db_exec(trace.db, "BEGIN", NULL) == STATUS_OK && db_exec(trace.db, cases[i].sql, NULL) == STATUS_OK);
		run_checks(cases[i].result, &names);
		cr_expect(strstr(strbuf_text(&names), cases[i].check), "%s: found '%s', expected '%s'", cases[i].sql,
			strbuf_text(&names), cases[i].check);
		db_rollback(trace.db);
	}
	strbuf_finish(&names);
}
