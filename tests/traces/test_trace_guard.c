/* SPDX-License-Identifier: Apache-2.0
 *
 * Files from strangers: schemas that would compute are refused or not heeded, and absurd rows do no harm to what reads, exports and edits them.
 */
#include "traces/trace_guard.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/attributes.h"
#include "tests/traces/imported.h"
#include "traces/anonymise.h"
#include "traces/export.h"
#include "traces/merge.h"
#include "traces/report.h"
#include "traces/trace.h"
#include "traces/trace_check.h"
#include "traces/trim.h"

static struct imported imported;

/* An import, changed as a stranger would. */
static void make_file(const char *sql)
{
	struct db *db = NULL;
	struct error error = { 0 };
	imported_init(&imported);
	imported_add_text(&imported, "{\"schemaVersion\":1,\"traceEvents\":["
		"{\"ph\":\"X\",\"cat\":\"kernel\",\"name\":\"k\",\"pid\":0,\"tid\":7,\"ts\":10,\"dur\":5,\"args\":{\"device\":0,"
			"\"stream\":7,\"correlation\":3}},"
		"{\"ph\":\"X\",\"cat\":\"cuda_runtime\",\"name\":\"cudaLaunchKernel\",\"pid\":4,\"tid\":1,\"ts\":2,\"dur\":3,"
			"\"args\":{\"correlation\":3}},"
		"{\"ph\":\"X\",\"cat\":\"user_annotation\",\"name\":\"m\",\"pid\":4,\"tid\":1,\"ts\":1,\"dur\":20}]}");
	cr_assert(imported_run(&imported) == STATUS_OK, "%s", imported.error.text);
	db_close(imported.db);
	imported.db = NULL;
	cr_assert(db_open(imported.output, DB_WRITE, &error, &db) == STATUS_OK && db_exec(db, sql, &error) == STATUS_OK, "%s: "
		"%s", sql, error.text);
	db_close(db);
}

TestSuite(trace_guard, .timeout = 60);

Test(trace_guard, refuses_schemas_that_compute)
{
	static const struct {
		const char *sql, *text;
	} cases[] = {
		{ "CREATE TRIGGER t AFTER INSERT ON run BEGIN DELETE FROM span; END", "trigger" },
		{ "CREATE VIRTUAL TABLE t USING fts5(a)", "virtual table" },
		{ "ALTER TABLE counter RENAME TO old; CREATE VIEW counter AS SELECT * FROM old", "a view stands in the place of "
			"its table counter" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct error error = { 0 };
		struct trace *trace = NULL;
		make_file(cases[i].sql);
		int status = trace_open(imported.output, &error, &trace);
		cr_expect(status == STATUS_TRACE && strstr(error.text, cases[i].text), "%s: %s '%s'", cases[i].sql,
			status_word(status), error.text);
		trace_close(trace);
		imported_finish(&imported);
	}
}

Test(trace_guard, its_own_views_count)
{
	struct error error = { 0 };
	struct trace *trace = NULL;
	int64_t n = -1;
	make_file("DROP VIEW v_kernel; CREATE VIEW v_kernel AS WITH RECURSIVE c(run) AS (SELECT 1 UNION ALL SELECT run + 1 FROM "
		"c) SELECT run, 'x' AS name FROM c");
	cr_assert(trace_open(imported.output, &error, &trace) == STATUS_OK, "%s", error.text);
	cr_assert(db_get_int(trace->db, "SELECT count(*) FROM v_kernel", &n, &error) == STATUS_OK, "%s", error.text);
	cr_expect(n == 1, "%" PRId64 " kernels", n);
	trace_close(trace);
	imported_finish(&imported);
}

/* Everything that goes over a whole trace; it may refuse, in words. */
static void use(const char *what)
{
	struct error error = { 0 };
	struct trace *trace = NULL;
	struct strbuf out = STRBUF_INIT;
	struct table table;
	struct trim_result trimmed;
	struct anonymise_result anonymised;
	char output[160];
	int n_wrong = 0, fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	snprintf(output, sizeof output, "%s/changed.tandem", imported.source.directory);
	const struct report_options report = { .n_slowest = 3, .n_stalls = 3 };
	if (trace_open(imported.output, &error, &trace) == STATUS_OK && trace->n_runs) {
		report_make(trace, &trace->runs[0], &report, &out, &error);
		for (int format = 0; format < EXPORT_FORMAT_COUNT; format++) {
			const struct export_options options = { .format = (enum export_format)format };
			struct export_result result;
			export_trace(trace, &options, fd, &error, &result);
		}
		table_init(&table, trace_check_columns, TRACE_CHECK_COLUMNS);
		trace_check(trace, &table, &n_wrong, &error);
		table_finish(&table);
	} else {
		cr_expect(trace || error.text[0], "%s: refused without words", what);
	}
	trace_close(trace);
	strbuf_finish(&out);
	const struct trim_options half = { .from = { .is_set = true, .ns = 5000 } };
	const char *const files[] = { imported.output, imported.output };
	int statuses[] = { trim_trace(imported.output, output, &half, &error, &trimmed),
		anonymise_trace(imported.output, output, &(struct anonymise_options){ .keeps_kernels = false }, &error, &anonymised),
		merge_files(files, 2, output, NULL, &error) };
	for (size_t i = 0; i < ARRAY_LEN(statuses); i++)
		cr_expect(statuses[i] >= 0 && statuses[i] < STATUS_COUNT, "%s: status %d", what, statuses[i]);
	unlink(output);
	close(fd);
}

Test(trace_guard, absurd_rows_do_no_harm)
{
	static const char *const cases[] = {
		"UPDATE gpu_activity SET launch = span", "UPDATE span SET duration_ns = -5", "UPDATE span SET duration_ns = 9223372036854775807",
		"UPDATE span SET start_ns = -9223372036854775807", "UPDATE span SET start_ns = 'text', duration_ns = 'more'",
		"UPDATE span SET lane = 999", "UPDATE span SET run = 77", "UPDATE lane SET run = 77", "DELETE FROM lane",
			"DELETE FROM string", "DELETE FROM process",
		"UPDATE lane SET device = 999, process = -1", "UPDATE lane SET name = x'ff00fe' || char(27) || '[2J', depth = -7",
		"UPDATE string SET text = char(27) || ']0;title' || char(7) || id", "UPDATE run SET start_ns = "
			"9223372036854775807, end_ns = -9223372036854775807",
		"UPDATE device SET name = 'cuda:99999999999999999999'", "UPDATE lod SET data = x'ffffffffffffffff'", "DELETE "
			"FROM lod_rows", "DELETE FROM lod_lane",
		"INSERT INTO counter SELECT 1, 999, 5, id, 1e308 * 10 FROM string", "UPDATE gpu_activity SET grid_x = -1, "
			"sync_kind = 900, graph_node = 'x'",
		"UPDATE span SET kind = 99999", "UPDATE span SET kind = -3, class = 77", "UPDATE import_source SET kind = "
			"'evil', file = x'00ff'",
		"INSERT OR REPLACE INTO execution VALUES(1, 0, 9223372036854775807, -9223372036854775807, 0, NULL, 0, 0)",
			"DELETE FROM run", "DELETE FROM kind",
		"INSERT INTO run_meta VALUES(1, 'base_time_ns', 'x'), (1, 'device cuda:0', 5)",
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		make_file(cases[i]);
		use(cases[i]);
		imported_finish(&imported);
	}
}
