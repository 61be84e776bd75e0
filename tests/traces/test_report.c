/* SPDX-License-Identifier: Apache-2.0
 *
 * The report: every section for a small run, what is missing said before anything else, and JSON with the same numbers.
 */
#include "traces/report.h"

#include <cjson/cJSON.h>
#include <criterion/criterion.h>
#include <string.h>

#include "tests/traces/synthetic.h"

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
		"latency: median 1.00 µs, p99 3.00 µs", "Where time went, host", "Devices: none recorded", "unknown",
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
	} sections[] = { { "losses", 0 }, { "failures", 1 }, { "time_split", 9 }, { "devices", 0 }, { "nodes", 4 },
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
