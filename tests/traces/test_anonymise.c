/* SPDX-License-Identifier: Apache-2.0
 *
 * Anonymising: none of the old names is in the bytes of the new file; numbers, structure and links are as before; a name has one pseudonym.
 */
#include "traces/anonymise.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/attributes.h"
#include "tests/traces/checked.h"
#include "tests/traces/imported.h"
#include "tests/traces/synthetic.h"
#include "traces/trace.h"

static void anonymise(const char *from, const char *into, bool keeps_kernels)
{
	struct error error = { 0 };
	struct anonymise_result result;
	const struct anonymise_options options = { .keeps_kernels = keeps_kernels };
	cr_assert(anonymise_trace(from, into, &options, &error, &result) == STATUS_OK, "%s: %s", from, error.text);
	checked_file(into, from);
}

/* Every text that the statement gives must be missing in the bytes of the other file. Returns how many it gave. */
static int expect_missing(const char *from, const char *sql, const char *into)
{
	struct error error = { 0 };
	struct trace *trace = NULL;
	struct db_stmt *stmt = NULL;
	bool has_row = true;
	size_t n_bytes = 0;
	int n = 0;
	uint8_t *bytes = imported_read(into, &n_bytes);
	cr_assert(trace_open(from, &error, &trace) == STATUS_OK, "%s", error.text);
	cr_assert(db_prepare(trace->db, sql, NULL, &error, &stmt) == STATUS_OK, "%s", error.text);
	for (; db_step(stmt, &has_row, &error) == STATUS_OK && has_row; n++) {
		const char *text = db_column_text(stmt, 0);
		const uint8_t *found = memmem(bytes, n_bytes, text, strlen(text));
		cr_expect(!found, "'%s' is still in the file: %.60s", text, found ? (const char *)found : "");
	}
	db_finish(stmt);
	trace_close(trace);
	free(bytes);
	return n;
}

static void expect_same(const char *from, const char *into, const char *sql)
{
	int64_t before = checked_number(from, sql), after = checked_number(into, sql);
	cr_expect(before == after, "%s: %" PRId64 " became %" PRId64, sql, before, after);
}

#define SECRET "xyzzy"

Test(anonymise, nothing_of_a_run_of_ours_is_left, .timeout = 60)
{
	static const char *const secrets[] = {
		"UPDATE graph SET name = '" SECRET "', file = '/home/" SECRET "/g.dot', text = 'digraph " SECRET " {}'",
		"UPDATE node SET name = name || '" SECRET "', op = '" SECRET "op', params = 'weights=/data/" SECRET "' WHERE op IS NOT NULL",
		"UPDATE worker SET name = name || '" SECRET "'", "UPDATE lane SET name = name || '" SECRET "'",
		"UPDATE edge SET name = name || '" SECRET "', result = '" SECRET "'", "UPDATE channel SET name = name || '" SECRET "'",
		"UPDATE device SET name = '" SECRET ":0', kind = '" SECRET "'", "UPDATE run SET message = '" SECRET "', status = '" SECRET "'",
		"INSERT OR REPLACE INTO meta VALUES('host', '" SECRET "'), ('" SECRET "', 1)",
		"INSERT OR REPLACE INTO run_meta VALUES(1, 'command', 'tandem run " SECRET "')",
		"INSERT INTO log(run, level, text) VALUES(1, 'info', '" SECRET " said hello')",
		"INSERT INTO failure VALUES(1, 7, 0, 3, 8, 5, 'op " SECRET " failed')",
		"INSERT INTO postmortem VALUES(1, 1, 5, 'crash', 1, 3, 0, '" SECRET "', 'stack of " SECRET "', 1.0, 0, 0, 0, 0, 0, 0)",
		"INSERT INTO image VALUES(1, 'slots', 0, '" SECRET "')",
		"INSERT INTO string(text) VALUES('" SECRET "kernel')",
		"INSERT INTO counter SELECT 1, NULL, 2000, id, 1.5 FROM string WHERE text = '" SECRET "kernel'",
	};
	struct synthetic synthetic;
	struct synthetic_intake target;
	char output[160];
	synthetic_init(&synthetic, 2, 2, 4, 256);
	synthetic_use_ns();
	synthetic_intake_init(&target, &synthetic, synthetic.file, 1000);
	const enum phase phases[] = { PHASE_STARVED, PHASE_COMPUTE };
	struct record driver[] = { synthetic_submit(0, 1100), synthetic_op(0, 0, 1100, 1, &phases[1], (int64_t[]){ 50 }) };
	struct record worker[] = { synthetic_op(2, 0, 1200, 2, phases, (int64_t[]){ 100, 800 }) };
	synthetic_intake_enter(&target, 0, driver, ARRAY_LEN(driver));
	synthetic_intake_enter(&target, 1, worker, ARRAY_LEN(worker));
	synthetic_intake_end(&target, 4000);
	for (size_t i = 0; i < ARRAY_LEN(secrets); i++) {
		struct error error = { 0 };
		cr_assert(db_exec(store_db(target.store), secrets[i], &error) == STATUS_OK, "%s", error.text);
	}
	cr_assert(store_seal(target.store, NULL) == STATUS_OK);
	synthetic_intake_finish(&target);
	snprintf(output, sizeof output, "%s/anonymous.tandem", synthetic.folder);
	anonymise(synthetic.file, output, false);
	expect_missing(synthetic.file, "SELECT '" SECRET "'", output);
	static const char *const same[] = { "SELECT count(*) FROM op_event", "SELECT sum(duration_ns) FROM op_event",
		"SELECT count(*) FROM node",
		"SELECT sum(payload_bytes * depth) FROM channel", "SELECT count(*) FROM edge", "SELECT sum(ns) FROM summary",
			"SELECT count(*) FROM lod_lane",
		"SELECT count(*) FROM plan_step", "SELECT sum(value * time_ns) FROM counter", "SELECT count(*) FROM log",
		"SELECT sum(length(outputs)) FROM node" };
	for (size_t i = 0; i < ARRAY_LEN(same); i++)
		expect_same(synthetic.file, output, same[i]);
	cr_expect(checked_number(output, "SELECT count(*) FROM postmortem") == 0, "a saved crash is still there");
	unlink(output);
	synthetic_finish(&synthetic);
}

Test(anonymise, the_same_name_is_the_same_pseudonym)
{
	struct imported imported;
	char output[160];
	imported_init(&imported);
	imported_add_text(&imported, "{\"schemaVersion\":1,\"traceEvents\":["
		"{\"ph\":\"X\",\"cat\":\"kernel\",\"name\":\"gemm_" SECRET "\",\"pid\":0,\"tid\":7,"
		"\"ts\":10,\"dur\":5,\"args\":{\"device\":0,\"stream\":7}},"
		"{\"ph\":\"X\",\"cat\":\"kernel\",\"name\":\"gemm_" SECRET "\",\"pid\":0,\"tid\":7,"
		"\"ts\":20,\"dur\":5,\"args\":{\"device\":0,\"stream\":7}},"
		"{\"ph\":\"X\",\"cat\":\"kernel\",\"name\":\"ncclDevKernel_" SECRET "\",\"pid\":0,\"tid\":7,"
		"\"ts\":30,\"dur\":5,\"args\":{\"device\":0,\"stream\":7}},"
		"{\"ph\":\"X\",\"cat\":\"user_annotation\",\"name\":\"" SECRET " 1\",\"pid\":4,\"tid\":5,\"ts\":10,\"dur\":5},"
		"{\"ph\":\"X\",\"cat\":\"user_annotation\",\"name\":\"" SECRET " 2\",\"pid\":4,\"tid\":5,\"ts\":20,\"dur\":5},"
		"{\"ph\":\"X\",\"cat\":\"user_annotation\",\"name\":\"ProfilerStep#3\",\"pid\":4,\"tid\":5,\"ts\":30,\"dur\":5},"
		"{\"ph\":\"M\",\"name\":\"thread_name\",\"pid\":4,\"tid\":5,\"args\":{\"name\":\"thread of " SECRET "\"}},"
		"{\"ph\":\"X\",\"cat\":\"cuda_runtime\",\"name\":\"cudaMalloc\",\"pid\":4,\"tid\":5,\"ts\":40,\"dur\":5}]}");
	cr_assert(imported_run(&imported) == STATUS_OK, "%s", imported.error.text);
	snprintf(output, sizeof output, "%s/anonymous.tandem", imported.source.directory);
	anonymise(imported.output, output, false);
	expect_missing(imported.output, "SELECT '" SECRET "'", output);
	static const struct {
		const char *sql;
		int64_t number;
	} cases[] = {
		{ "SELECT count(*) FROM v_kernel WHERE name = 'kernel_1'", 2 }, { "SELECT count(*) FROM v_kernel WHERE name = "
			"'collective_1'", 1 },
		{ "SELECT count(*) FROM v_mark WHERE name IN ('mark_1#1', 'mark_1#2')", 2 },
		{ "SELECT count(*) FROM v_mark WHERE name = 'ProfilerStep#3'", 1 },
		{ "SELECT count(*) FROM v_api WHERE name = 'cudaMalloc'", 1 }, { "SELECT count(*) FROM span", 7 },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t number = checked_number(output, cases[i].sql);
		cr_expect(number == cases[i].number, "%s: %" PRId64 ", not %" PRId64, cases[i].sql, number, cases[i].number);
	}
	anonymise(imported.output, output, true);
	cr_expect(checked_number(output, "SELECT count(*) FROM v_kernel WHERE name = 'gemm_" SECRET "'") == 2, "--keep-kernels "
		"did not keep them");
	unlink(output);
	imported_finish(&imported);
}

Test(anonymise, nothing_of_real_traces_is_left, .timeout = 100)
{
	static const char *const samples[] = { "kineto/graph_replay_decode.json.gz", "nsys/graph_trace_rtx3060.sqlite" };
	static const char *const same[] = { "SELECT count(*) FROM span", "SELECT sum(duration_ns) FROM span WHERE kind = 102",
		"SELECT count(launch) FROM gpu_activity",
		"SELECT count(*) FROM lane", "SELECT count(DISTINCT name) FROM v_kernel", "SELECT sum(bytes) FROM span",
		"SELECT count(*) FROM execution" };
	for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
		struct imported imported;
		char path[300], output[160];
		if (!imported_sample(samples[i], path))
			cr_skip_test("%s is not here", path);
		imported_init(&imported);
		imported_add_file(&imported, path);
		cr_assert(imported_run(&imported) == STATUS_OK, "%s", imported.error.text);
		snprintf(output, sizeof output, "%s/anonymous.tandem", imported.source.directory);
		anonymise(imported.output, output, false);
		int n = expect_missing(imported.output, "SELECT DISTINCT t.text FROM span s JOIN string t ON t.id = s.name "
			"WHERE s.kind IN (102, 106) AND"
			" length(t.text) > 7 AND t.text NOT GLOB 'ProfilerStep#*'", output);
		cr_expect(n > 0, "%s has no names", samples[i]);
		for (size_t k = 0; k < ARRAY_LEN(same); k++)
			expect_same(imported.output, output, same[k]);
		unlink(output);
		imported_finish(&imported);
	}
}
