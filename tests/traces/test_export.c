/* SPDX-License-Identifier: Apache-2.0
 *
 * Exports of small runs with hostile names, losses and an end that never came: parsed again and compared with the trace.
 */
#include "traces/export.h"

#include <cjson/cJSON.h>
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/attributes.h"
#include "tests/traces/synthetic.h"

static struct synthetic synthetic;
static struct synthetic_intake target;

#define HOSTILE "a\"b\\\\,\n\x1b[31m</script>"

static void enter_run(void)
{
	const enum phase phases[] = { PHASE_STARVED, PHASE_COMPUTE, PHASE_WRITE };
	struct record driver[] = { synthetic_submit(0, 2000), synthetic_op(0, 0, 2000, 1, &phases[2], (int64_t[]){ 100 }),
		synthetic_op(1, 0, 2100, 1, phases, (int64_t[]){ 2900 }), synthetic_finish_record(0, 5000, STATUS_OK, 0),
		synthetic_submit(1, 5000), synthetic_finish_record(1, 6000, STATUS_OP, 1), synthetic_submit(2, 6100) };
	struct record worker[] = { synthetic_span(PHASE_IDLE, 1000, 1000), synthetic_wait(PHASE_STARVED, 2, 0, 2000, 100, 0, 0, 0),
		synthetic_op(2, 0, 2000, 3, phases, (int64_t[]){ 100, 1700, 200 }),
		synthetic_op(3, 0, 4000, 3, phases, (int64_t[]){ 20, 900, 80 }),
		synthetic_op(2, 1, 5000, 1, &phases[1], (int64_t[]){ 500 }) };
	synthetic_intake_enter(&target, 0, driver, ARRAY_LEN(driver));
	synthetic_intake_enter(&target, 1, worker, ARRAY_LEN(worker));
}

static void run_sql(const char *sql)
{
	struct db *db = NULL;
	struct error error = { 0 };
	cr_assert_eq(db_open(synthetic.file, DB_WRITE, &error, &db), STATUS_OK, "%s", error.text);
	cr_assert_eq(db_exec(db, sql, &error), STATUS_OK, "%s", error.text);
	db_close(db);
}

static void setup(void)
{
	struct error error = { 0 };
	synthetic_init(&synthetic, 1, 2, 4, 64);
	synthetic_use_ns();
	synthetic_intake_init(&target, &synthetic, synthetic.file, 1000);
	enter_run();
	cr_assert_eq(store_failure(target.store, 1, 1, 3, STATUS_OP, 5900, HOSTILE, &error), STATUS_OK, "%s", error.text);
	cr_assert_eq(store_log(target.store, 5950, "warning", 1, PROGRAM_NONE, UINT64_MAX, HOSTILE, &error), STATUS_OK, "%s", error.text);
	synthetic_intake_end(&target, 7000);
	synthetic_intake_finish(&target);
	run_sql("UPDATE node SET name = 'a\"b\\\\,' || char(10) || char(27) || '[31m</script>' WHERE name = 'n0';"
		"UPDATE loss SET n_records = 3 WHERE cause = 'ring_full' AND worker = 2");
}

static void teardown(void)
{
	synthetic_finish(&synthetic);
}

TestSuite(export, .init = setup, .fini = teardown);

/* What export_trace writes, NUL-terminated, freed by the caller. */
static char *export_text(struct export_options options, int wanted, struct export_result *ret_result)
{
	char file[200];
	struct error error = { 0 };
	struct trace *trace = NULL;
	snprintf(file, sizeof(file), "%s/out", synthetic.folder);
	int fd = open(file, O_RDWR | O_CREAT | O_TRUNC, 0600);
	cr_assert_eq(trace_open(synthetic.file, &error, &trace), STATUS_OK, "%s", error.text);
	int status = export_trace(trace, &options, fd, &error, ret_result);
	cr_assert_eq(status, wanted, "status %d, wanted %d: %s", status, wanted, error.text);
	trace_close(trace);
	off_t size = lseek(fd, 0, SEEK_END);
	char *text = calloc(1, (size_t)size + 1);
	cr_assert_eq(pread(fd, text, (size_t)size, 0), size);
	close(fd);
	return text;
}

static int64_t number_of(const char *sql)
{
	struct db *db = NULL;
	struct error error = { 0 };
	cr_assert_eq(db_open(synthetic.file, DB_READ, &error, &db), STATUS_OK, "%s", error.text);
	int64_t number = synthetic_number(db, sql);
	db_close(db);
	return number;
}

/* Events with this phase, and category when that is not NULL. */
static int count_events(const cJSON *events, const char *phase, const char *category)
{
	int n = 0;
	const cJSON *event;
	cJSON_ArrayForEach(event, events)
	{
		const cJSON *cat = cJSON_GetObjectItem(event, "cat");
		bool fits = !category || (cat && strcmp(cat->valuestring, category) == 0);
		n += fits && strcmp(cJSON_GetObjectItem(event, "ph")->valuestring, phase) == 0;
	}
	return n;
}

Test(export, chrome_json_has_what_the_trace_has)
{
	struct export_result result;
	char *text = export_text((struct export_options){ .format = EXPORT_CHROME }, STATUS_OK, &result);
	cJSON *document = cJSON_Parse(text);
	cr_assert_not_null(document, "no JSON: %s", text);
	const cJSON *events = cJSON_GetObjectItem(document, "traceEvents");
	const struct {
		const char *phase, *category, *sql;
	} counts[] = {
		{ "X", "caller", "SELECT count(*) FROM v_op WHERE op IS NULL" },
		{ "X", "stage", "SELECT count(*) FROM v_op WHERE op = 'stage'" },
		{ "X", "lane", "SELECT count(*) FROM span WHERE kind < 100" },
		{ "X", "stall", "SELECT count(*) FROM v_stall" },
		{ "X", "wait", "SELECT 2" }, { "X", "phase", "SELECT 4" },
		{ "s", "flow", "SELECT count(*) FROM edge g JOIN op_event p ON p.node = g.src" },
		{ "f", "flow", "SELECT count(*) FROM edge g JOIN op_event p ON p.node = g.dst" },
		{ "i", "log", "SELECT count(*) FROM log" }, { "i", "failure", "SELECT count(*) FROM failure" },
		{ "i", "loss", "SELECT count(*) FROM v_loss" },
	};
	for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
		int found = count_events(events, counts[i].phase, counts[i].category);
		int64_t wanted = number_of(counts[i].sql);
		cr_expect_eq(found, wanted, "%s %s: %d, wanted %lld", counts[i].phase, counts[i].category, found, (long long)wanted);
	}
	cr_expect_gt(count_events(events, "C", NULL), 4, "%d counter events", count_events(events, "C", NULL));
	int n_hostile = 0;
	const cJSON *event;
	cJSON_ArrayForEach(event, events)
	{
		const cJSON *name = cJSON_GetObjectItem(event, "name");
		n_hostile += name && strcmp(name->valuestring, HOSTILE) == 0;
	}
	cr_expect_eq(n_hostile, 3, "%d events with the hostile name, wanted two ops and a message", n_hostile);
	cr_expect_eq(result.n_moved, 0, "%llu events were cut", (unsigned long long)result.n_moved);
	cJSON_Delete(document);
	free(text);
}

Test(export, nested_phases_and_flows_stand_where_they_should)
{
	struct export_result result;
	char *text = export_text((struct export_options){ .format = EXPORT_CHROME }, STATUS_OK, &result);
	static const char *const lines[] = {
		"\"ts\":2.000,\"dur\":2.000,\"name\":\"a\\\"b", "\"ts\":2.000,\"dur\":0.100,\"name\":\"starved\",\"cat\":\"wait\"",
		"\"ts\":2.100,\"dur\":1.700,\"name\":\"compute\",\"cat\":\"phase\"",
		"\"ts\":3.800,\"dur\":0.200,\"name\":\"write\",\"cat\":\"phase\"",
		"\"ts\":3.799,\"cat\":\"flow\"", "\"ts\":4.999,\"cat\":\"flow\"", "\"output_bytes_at_most\":",
		"\"name\":\"w0 (cpu:0): 3 records lost\"",
	};
	for (size_t i = 0; i < ARRAY_LEN(lines); i++)
		cr_expect(strstr(text, lines[i]), "'%s' is not in:\n%s", lines[i], text);
	free(text);
}

Test(export, what_overlaps_is_cut_and_counted)
{
	struct export_result result;
	run_sql("UPDATE op_event SET start_ns = 3900, duration_ns = 1100, compute_ns = 1000 WHERE start_ns = 4000");
	char *text = export_text((struct export_options){ .format = EXPORT_CHROME }, STATUS_OK, &result);
	cr_expect_eq(result.n_moved, 1, "%llu events were cut, wanted 1", (unsigned long long)result.n_moved);
	cr_expect(strstr(text, "\"cut_ns\":100"), "the cut is not told:\n%s", text);
	free(text);
}

Test(export, executions_in_flight)
{
	struct export_result result;
	char *text = export_text((struct export_options){ .format = EXPORT_CHROME }, STATUS_OK, &result);
	static const char *const lines[] = { "\"ts\":2.000,\"name\":\"executions in flight\",\"args\":{\"value\":1}",
		"\"ts\":5.000,\"name\":\"executions in flight\",\"args\":{\"value\":1}",
		"\"ts\":6.000,\"name\":\"executions in flight\",\"args\":{\"value\":0}",
		"\"ts\":6.100,\"name\":\"executions in flight\",\"args\":{\"value\":1}" };
	for (size_t i = 0; i < ARRAY_LEN(lines); i++)
		cr_expect(strstr(text, lines[i]), "'%s' is not in:\n%s", lines[i], text);
	free(text);
}

Test(export, gaps_leave_the_fill_out)
{
	struct export_result result;
	run_sql("DELETE FROM execution WHERE execution = 1");
	char *text = export_text((struct export_options){ .format = EXPORT_CHROME }, STATUS_OK, &result);
	cr_expect_eq(result.n_gapped, 1, "%llu runs with gaps, wanted 1", (unsigned long long)result.n_gapped);
	cr_expect_null(strstr(text, "fill of"), "there is a fill:\n%s", text);
	free(text);
}

Test(export, csv_quotes_what_must_be_quoted)
{
	struct export_result result;
	run_sql("UPDATE node SET name = 'x,y' WHERE name = 'n1'");
	char *text = export_text((struct export_options){ .format = EXPORT_CSV }, STATUS_OK, &result);
	cr_expect(strstr(text, ",w0,\"x,y\",stage,0,"), "a comma is not quoted: %s", text);
	cr_expect(strstr(text, "run,mode,worker,node,op,execution,start_ns,duration_ns,starved_ns"), "no header: %s", text);
	cr_expect(strstr(text, "1,compiled,w0,\"a\"\"b\\\\,\n\x1b[31m</script>\",stage,0,2000,2000,100,"), "no such row: %s", text);
	cr_expect(strstr(text, "1,compiled,driver,input,,0,2000,"), "a null is not empty: %s", text);
	cr_expect_eq((int64_t)result.n_rows, number_of("SELECT count(*) FROM v_op"), "%llu rows", (unsigned long long)result.n_rows);
	free(text);
}

Test(export, every_table_can_be_had)
{
	struct strbuf names = STRBUF_INIT;
	struct export_result result;
	export_tables(&names);
	for (char *name = strtok(names.text, ", "); name; name = strtok(NULL, ", ")) {
		char *text = export_text((struct export_options){ .format = EXPORT_CSV, .table = name, .run = 1 }, STATUS_OK, &result);
		cr_expect(strncmp(text, "run,", 4) == 0, "%s begins with: %s", name, text);
		free(text);
		free(export_text((struct export_options){ .format = EXPORT_CSV, .table = name, .shows_private = true }, STATUS_OK, &result));
	}
	strbuf_finish(&names);
}

Test(export, dot_names_are_text)
{
	struct export_result result;
	char *text = export_text((struct export_options){ .format = EXPORT_DOT }, STATUS_OK, &result);
	static const char *const lines[] = { "label=\"a\\\"b\\\\\\\\,^J^[[31m</script>\\nstage\\n", "subgraph cluster_1", "n2 -> n3 [label=\"16 B",
		"3 records lost", "% of the work", "cluster_legend", "waited for 50 ns" };
	for (size_t i = 0; i < ARRAY_LEN(lines); i++)
		cr_expect(strstr(text, lines[i]), "'%s' is not in:\n%s", lines[i], text);
	free(text);
}

Test(export, a_range_of_executions)
{
	struct export_result result;
	for (int format = 0; format < EXPORT_FORMAT_COUNT; format++)
		free(export_text((struct export_options){ .format = (enum export_format)format, .has_range = true, .first = 7, .end = 9 },
			STATUS_OK, &result));
	char *text = export_text((struct export_options){ .format = EXPORT_CSV, .has_range = true, .first = 1, .end = 2 }, STATUS_OK, &result);
	cr_expect_eq(result.n_rows, 1, "%llu rows, wanted 1:\n%s", (unsigned long long)result.n_rows, text);
	free(text);
	text = export_text((struct export_options){ .format = EXPORT_CHROME, .has_range = true, .first = 1, .end = 2 }, STATUS_OK, &result);
	cr_expect_null(strstr(text, "\"execution\":0"), "execution 0 is there:\n%s", text);
	cr_expect(strstr(text, "\"execution\":1"), "execution 1 is not there:\n%s", text);
	free(text);
}

static const struct {
	const char *name;
	enum export_format format;
} suffixes[] = { { "a.pftrace", EXPORT_PERFETTO }, { "a.b.perfetto-trace", EXPORT_PERFETTO }, { "a.json", EXPORT_CHROME },
	{ "a.csv", EXPORT_CSV }, { "a.dot", EXPORT_DOT }, { "a.gv", EXPORT_DOT }, { "a.pf", EXPORT_FORMAT_COUNT }, { "json", EXPORT_FORMAT_COUNT },
	{ "a.", EXPORT_FORMAT_COUNT }, { "", EXPORT_FORMAT_COUNT }, { "a.jsonx", EXPORT_FORMAT_COUNT } };

Test(export, formats_by_suffix)
{
	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
		enum export_format format = EXPORT_FORMAT_COUNT;
		export_guess_format(suffixes[i].name, &format);
		cr_expect_eq(format, suffixes[i].format, "'%s': format %d, wanted %d", suffixes[i].name, format, suffixes[i].format);
	}
}

Test(export, what_is_private_is_left_out)
{
	struct export_result result;
	static const enum export_format formats[] = { EXPORT_PERFETTO, EXPORT_CHROME };
	for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
		for (int shows = 0; shows < 2; shows++) {
			char file[200], line[] = "tandem run chain.dot";
			free(export_text((struct export_options){ .format = formats[i], .shows_private = shows }, STATUS_OK, &result));
			snprintf(file, sizeof(file), "%s/out", synthetic.folder);
			int fd = open(file, O_RDONLY);
			char bytes[20000];
			ssize_t n = read(fd, bytes, sizeof(bytes));
			close(fd);
			bool has_command = n > 0 && memmem(bytes, (size_t)n, line, strlen(line));
			cr_expect_eq(has_command, shows, "format %d, asked for %d: command line %d", formats[i], shows, has_command);
		}
	}
}

Test(export, errors_say_what_is_wrong)
{
	struct export_result result;
	static const struct {
		struct export_options options;
		const char *file;
		int status;
		const char *text;
	} cases[] = { { { .format = EXPORT_CSV, .table = "ops" }, "/dev/null", STATUS_USAGE, "choose from: op, stall" },
		{ { .format = EXPORT_CHROME, .run = 9 }, "/dev/null", STATUS_USAGE, "there is no run 9; the file holds 1" },
		{ { .format = EXPORT_PERFETTO }, "/dev/full", STATUS_DISK_FULL, "cannot be written" } };
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct trace *trace = NULL;
		struct error error = { 0 };
		int fd = open(cases[i].file, O_WRONLY);
		cr_assert_eq(trace_open(synthetic.file, &error, &trace), STATUS_OK, "%s", error.text);
		int status = export_trace(trace, &cases[i].options, fd, &error, &result);
		cr_expect_eq(status, cases[i].status, "case %zu: status %d, wanted %d", i, status, cases[i].status);
		cr_expect(strstr(error.text, cases[i].text), "case %zu: '%s' lacks '%s'", i, error.text, cases[i].text);
		trace_close(trace);
		close(fd);
	}
}
