/* SPDX-License-Identifier: Apache-2.0
 *
 * The report: every section for a small run, what is missing said before anything else, and JSON with the same numbers.
 */
#include "traces/report.h"

#include <cjson/cJSON.h>
#include <criterion/criterion.h>
#include <string.h>

#include "engine/base/attributes.h"
#include "tests/traces/synthetic.h"
#include "traces/blame_findings.h"
#include "traces/warmup.h"

static struct synthetic synthetic;
static struct synthetic_intake target;

static void enter_run(void)
{
	const enum phase phases[] = { PHASE_STARVED, PHASE_COMPUTE, PHASE_WRITE };
	struct record driver[] = { synthetic_submit(0, 2000), synthetic_op(0, 0, 2000, 1, &phases[2], (int64_t[]){ 100 }),
		synthetic_op(1, 0, 2100, 1, phases, (int64_t[]){ 2900 }), synthetic_finish_record(0, 5000, STATUS_OK, 0),
		synthetic_submit(1, 5000), synthetic_finish_record(1, 6000, STATUS_OP, 1) };
	struct record worker[] = { synthetic_span(PHASE_IDLE, 1000, 1000),
		synthetic_wait(PHASE_STARVED, 2, 0, 2000, 100, 0, 0, 0),
		synthetic_op(2, 0, 2000, 3, phases, (int64_t[]){ 100, 1700, 200 }),
		synthetic_op(3, 0, 4000, 3, phases, (int64_t[]){ 20, 900, 80 }) };
	synthetic_intake_enter(&target, 0, driver, ARRAY_LEN(driver));
	synthetic_intake_enter(&target, 1, worker, ARRAY_LEN(worker));
}

static void setup(void)
{
	struct error error = { 0 };
	synthetic_init(&synthetic, 1, 2, 4, 64);
	synthetic_use_ns();
	synthetic_intake_init(&target, &synthetic, synthetic.file, 1000);
	enter_run();
	cr_assert(
		store_failure(target.store, 1, 1, 3, STATUS_OP, 5900, "node 'n1': \x1b[31mred\nline", &error) == STATUS_OK);
	cr_assert(
		store_log(target.store, 5950, "warning", 1, PROGRAM_NONE, UINT64_MAX, "watch \"out\"", &error) == STATUS_OK);
	cr_assert(store_log(target.store, 5950, "info", 1, PROGRAM_NONE, UINT64_MAX, "chatter", &error) == STATUS_OK);
	synthetic_intake_end(&target, 7000);
}

static void teardown(void)
{
	synthetic_finish(&synthetic);
}

TestSuite(report, .init = setup, .fini = teardown);

static void make_report(const struct report_options *options, struct strbuf *out)
{
	struct error error = { 0 };
	struct trace *trace = NULL;
	cr_assert(trace_open(synthetic.file, &error, &trace) == STATUS_OK, "%s", error.text);
	cr_assert(report_make(trace, &trace->runs[0], options, out, &error) == STATUS_OK, "%s", error.text);
	trace_close(trace);
}

static void seal(void)
{
	cr_assert(store_seal(target.store, NULL) == STATUS_OK);
	synthetic_intake_finish(&target);
}

static void expect_text(const struct strbuf *out, const char *text)
{
	cr_expect(strstr(strbuf_text(out), text), "'%s' is not in:\n%s", text, strbuf_text(out));
}

Test(report, text_has_every_section)
{
	struct strbuf out = STRBUF_INIT;
	seal();
	make_report(NULL, &out);
	static const char *const texts[] = { "run 1, compiled, graph chain", "2 executions recorded, 2 finished, 1 failed",
		"latency: median 1.00 µs, p99 3.00 µs", "Where time went, host", "unknown", "What limits", "Blame", "Critical path",
		"Nodes", "Slowest executions", "Stalls, by total time", "input->n0", "Channels", "Failed executions",
		"^[[31mred", "watch \"out\"" };
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		expect_text(&out, texts[i]);
	static const char *const absent[] = { "LOST", "UNFINISHED", "ENDED EARLY", "chatter", "tandem run chain.dot",
		"\x1b" };
	for (size_t i = 0; i < ARRAY_LEN(absent); i++)
		cr_expect(!strstr(strbuf_text(&out), absent[i]), "'%s' is in:\n%s", absent[i], strbuf_text(&out));
	strbuf_finish(&out);
}

Test(report, what_is_missing_comes_first)
{
	struct strbuf out = STRBUF_INIT;
	struct error error = { 0 };
	cr_assert(store_loss(target.store, 1, LOSS_RING_FULL, 1234, &error) == STATUS_OK);
	cr_assert(store_end_run(target.store, "worker_died", "worker w0 was killed by signal 9", 7000, &error) == STATUS_OK);
	synthetic_intake_finish(&target);
	make_report(&(struct report_options){ .shows_private = true }, &out);
	expect_text(&out, "UNFINISHED");
	expect_text(&out, "ENDED EARLY: worker_died: worker w0 was killed by signal 9");
	expect_text(&out, "tandem run chain.dot");
	const char *lost = strstr(strbuf_text(&out), "LOST RECORDS"), *first = strstr(strbuf_text(&out), "Where time went");
	cr_expect(lost && first && lost < first, "losses do not come first:\n%s", strbuf_text(&out));
	strbuf_finish(&out);
}

static double number_at(const cJSON *rows, int row, const char *key)
{
	const cJSON *item = cJSON_GetObjectItem(cJSON_GetArrayItem(rows, row), key);
	return cJSON_IsNumber(item) ? item->valuedouble : -1;
}

Test(report, json_has_every_section_and_sums_to_the_whole)
{
	static const struct {
		const char *key;
		int n_rows;
	} sections[] = { { "losses", 0 }, { "failures", 1 }, { "time_split", 9 }, { "devices", 0 }, { "limits", 2 }, { "whatif", 2 },
		{ "blame", 7 }, { "critical_path", 7 }, { "nodes", 4 },
		{ "slowest", 2 }, { "stalls", 1 }, { "channels", 3 }, { "log", 1 } };
	struct strbuf out = STRBUF_INIT;
	seal();
	make_report(&(struct report_options){ .is_json = true }, &out);
	cJSON *json = cJSON_Parse(strbuf_text(&out));
	cr_assert(json, "no JSON: %s", strbuf_text(&out));
	for (size_t i = 0; i < ARRAY_LEN(sections); i++) {
		const cJSON *rows = cJSON_GetObjectItem(json, sections[i].key);
		cr_expect(cJSON_IsArray(rows) && cJSON_GetArraySize(rows) == sections[i].n_rows, "%s: %d rows, expected %d",
			sections[i].key, cJSON_GetArraySize(rows), sections[i].n_rows);
	}
	const cJSON *split = cJSON_GetObjectItem(json, "time_split"), *run = cJSON_GetObjectItem(json, "run");
	double sum = 0;
	for (int i = 0; i < cJSON_GetArraySize(split); i++)
		sum += number_at(split, i, "share");
	cr_expect(sum > 2 - 1e-6 && sum < 2 + 1e-6, "shares of two lanes sum to %g", sum);
	cr_expect(cJSON_GetObjectItem(run, "failed")->valueint == 1);
	cr_expect(cJSON_IsTrue(cJSON_GetObjectItem(run, "finished")));
	cr_expect(number_at(cJSON_GetObjectItem(json, "stalls"), 0, "total") == 100);
	cJSON_Delete(json);
	strbuf_finish(&out);
}

/* A run of many executions, its times varied a little; in the file at `synthetic.file`. */
static void enter_many(int n)
{
	for (int i = 0; i < n; i++) {
		int64_t at_ns = 10000 + 10000 * i, vary_ns = i % 7 * 100;
		const enum phase phases[] = { PHASE_STARVED, PHASE_COMPUTE, PHASE_WRITE };
		uint64_t k = 2 + (uint64_t)i;
		struct record driver[] = { synthetic_submit(k, at_ns), synthetic_op(0, k, at_ns, 1, &phases[2], (int64_t[]){ 100 }),
			synthetic_op(1, k, at_ns + 100, 1, phases, (int64_t[]){ 7000 }),
			synthetic_finish_record(k, at_ns + 7100, STATUS_OK, 0) };
		struct record worker[] = { synthetic_wait(PHASE_STARVED, 2, k, at_ns + 10, 190, 0, 0, 0),
			synthetic_op(2, k, at_ns, 2, phases, (int64_t[]){ 200, 3000 + vary_ns }),
			synthetic_op(3, k, at_ns + 3200 + vary_ns, 2, &phases[1], (int64_t[]){ 2000, 50 }) };
		synthetic_intake_enter(&target, 0, driver, ARRAY_LEN(driver));
		synthetic_intake_enter(&target, 1, worker, ARRAY_LEN(worker));
	}
	synthetic_intake_end(&target, 20000 + 10000 * (int64_t)n);
}

Test(report, findings_in_the_file_equal_those_made_now)
{
	struct blame_findings made, read;
	struct error error = { 0 };
	bool are_there = true;
	struct db *db = store_db(target.store);
	enter_many(48);
	cr_assert(blame_findings_read(db, 1, &error, &are_there, &read) == STATUS_OK, "%s", error.text);
	cr_expect(!are_there, "nothing has been entered yet");
	cr_assert(blame_findings_record(db, 1, &error) == STATUS_OK, "%s", error.text);
	cr_assert(blame_findings_read(db, 1, &error, &are_there, &read) == STATUS_OK && are_there, "%s", error.text);
	cr_assert(blame_findings_make(db, 1, false, &error, &made) == STATUS_OK, "%s", error.text);
	cr_expect(made.n_executions == 45 && read.n_executions == 45, "%lld and %lld executions, expected 45 of 50",
		(long long)made.n_executions, (long long)read.n_executions);
	cr_expect(made.period_ns == read.period_ns && made.period_ns == 10000, "periods %lld and %lld", (long long)made.period_ns,
		(long long)read.period_ns);
	cr_assert(made.blame.n_rows == read.blame.n_rows && made.blame.n_rows > 0, "%lld and %lld rows", (long long)made.blame.n_rows,
		(long long)read.blame.n_rows);
	for (int64_t i = 0; i < made.blame.n_rows; i++)
		cr_expect(made.blame.rows[i].ns == read.blame.rows[i].ns, "row %lld: %lld and %lld ns", (long long)i,
			(long long)made.blame.rows[i].ns, (long long)read.blame.rows[i].ns);
	cr_expect(made.paths.ns == read.paths.ns && made.paths.n_shares == read.paths.n_shares
			&& made.paths.n_executions == read.paths.n_executions,
		"paths of %lld and %lld ns", (long long)made.paths.ns, (long long)read.paths.ns);
	cr_expect(synthetic_number(db, "SELECT sum(ns) FROM critical_path")
			== synthetic_number(db, "SELECT sum(duration_ns) FROM v_execution WHERE NOT is_warmup"));
	cr_expect(synthetic_number(db, "SELECT count(*) FROM v_stall WHERE root IS NULL") == 0);
	cr_expect(synthetic_number(db, "SELECT count(*) FROM v_stall WHERE root IN ('input', 'input->n0')") == 49);
	blame_findings_finish(&made);
	blame_findings_finish(&read);
	synthetic_intake_finish(&target);
}

Test(report, one_execution)
{
	struct strbuf out = STRBUF_INIT;
	struct error error = { 0 };
	struct trace *trace = NULL;
	struct report_options options = { .has_execution = true, .execution = 0 };
	seal();
	make_report(&options, &out);
	static const char *const texts[] = { "Critical path of one execution", "3.00 µs from submit to results", "n0", "compute" };
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		expect_text(&out, texts[i]);
	options.execution = 77;
	cr_assert(trace_open(synthetic.file, &error, &trace) == STATUS_OK, "%s", error.text);
	cr_expect(report_make(trace, &trace->runs[0], &options, &out, &error) == STATUS_USAGE, "%s", error.text);
	cr_expect(strstr(error.text, "execution 77") != NULL, "%s", error.text);
	trace_close(trace);
	strbuf_finish(&out);
}

Test(report, warmup_is_the_first_tenth_rounded_up)
{
	static const int64_t cases[][2] = { { 0, 0 }, { 1, 0 }, { 2, 1 }, { 10, 1 }, { 11, 2 }, { 200, 20 } };
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		cr_expect(warmup_count(cases[i][0]) == cases[i][1], "of %lld: %lld, expected %lld", (long long)cases[i][0],
			(long long)warmup_count(cases[i][0]), (long long)cases[i][1]);
	synthetic_intake_finish(&target);
}
