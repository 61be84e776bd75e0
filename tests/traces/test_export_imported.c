/* SPDX-License-Identifier: Apache-2.0
 *
 * Export of imported traces: what is written as Chrome JSON is imported again with the same spans, names, times, threads and nesting; every format
 * takes every sample.
 */
#include "traces/export.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/attributes.h"
#include "tests/traces/checked.h"
#include "tests/traces/imported.h"

static uint64_t export_file(const char *from, const char *into, enum export_format format)
{
	struct error error = { 0 };
	struct trace *trace = NULL;
	struct export_result result;
	const struct export_options options = { .format = format, .table = format == EXPORT_CSV ? "mark" : NULL };
	int fd = open(into, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
	cr_assert(fd >= 0 && trace_open(from, &error, &trace) == STATUS_OK, "%s", error.text);
	cr_assert(export_trace(trace, &options, fd, &error, &result) == STATUS_OK, "%s: %s", from, error.text);
	trace_close(trace);
	close(fd);
	return result.n_bytes;
}

/* Rows that say the same in both files, ids aside: a checksum of texts would not say what differs, so both are listed. */
static const struct {
	const char *what, *sql;
} facts[] = {
	{ "spans", "SELECT s.kind, count(*), sum(s.duration_ns), min(s.start_ns), max(s.start_ns) FROM span s GROUP BY s.kind ORDER BY s.kind" },
	{ "names", "SELECT t.text, s.kind, count(*), sum(s.duration_ns), min(s.start_ns) FROM span s LEFT JOIN string t ON t.id "
		"= s.name GROUP BY 1, 2"
		" ORDER BY 1, 2" },
	{ "threads", "SELECT p.pid, l.thread, l.depth, l.name, count(*), sum(s.duration_ns), min(s.start_ns) FROM lane l JOIN "
		"span s ON s.lane = l.id LEFT"
		" JOIN process p ON p.id = l.process WHERE l.thread IS NOT NULL GROUP BY l.id ORDER BY 1, 2, 3, 5" },
	{ "streams", "SELECT p.pid, d.name, l.stream, l.kind, l.depth, count(*), sum(s.duration_ns), min(s.start_ns) FROM lane "
		"l JOIN span s ON s.lane = l.id"
		" LEFT JOIN process p ON p.id = l.process LEFT JOIN device d ON d.id = l.device WHERE l.stream IS NOT NULL "
			"GROUP BY l.id ORDER BY"
		" 1, 2, 3, 4, 5, 6" },
	{ "links", "SELECT count(g.launch), count(DISTINCT g.launch), sum(g.grid_x), sum(g.block_x), sum(g.graph_node), "
		"sum(s.bytes), sum(s.correlation)"
		" FROM span s JOIN gpu_activity g ON g.span = s.id WHERE s.kind <> 105" },
	{ "launches", "SELECT a.start_ns - s.start_ns, count(*) FROM gpu_activity g JOIN span s ON s.id = g.span JOIN span a ON "
		"a.id = g.launch GROUP BY 1"
		" ORDER BY 1" },
	{ "arguments", "SELECT n.text, v.text, count(*) FROM arg a JOIN string n ON n.id = a.name JOIN string v ON v.id = "
		"a.value GROUP BY 1, 2 ORDER BY 1, 2" },
	{ "counters", "SELECT t.text, count(*), sum(c.value), min(c.time_ns) FROM counter c JOIN string t ON t.id = c.name "
		"GROUP BY 1 ORDER BY 1" },
	{ "devices", "SELECT name, count(*) FROM device GROUP BY name ORDER BY name" },
};

static void list_rows(const char *file, const char *sql, struct strbuf *out)
{
	struct error error = { 0 };
	struct trace *trace = NULL;
	struct db_stmt *stmt = NULL;
	bool has_row = true;
	cr_assert(trace_open(file, &error, &trace) == STATUS_OK, "%s", error.text);
	cr_assert(db_prepare(trace->db, sql, NULL, &error, &stmt) == STATUS_OK, "%s", error.text);
	while (db_step(stmt, &has_row, &error) == STATUS_OK && has_row) {
		for (int i = 0; i < db_n_columns(stmt); i++)
			strbuf_addf(out, "%s|", db_column_type(stmt, i) == DB_NULL ? "" : db_column_text(stmt, i));
		strbuf_add(out, "\n");
	}
	db_finish(stmt);
	trace_close(trace);
}

static void expect_facts(const char *before, const char *after, const char *what)
{
	for (size_t i = 0; i < ARRAY_LEN(facts); i++) {
		struct strbuf a = STRBUF_INIT, b = STRBUF_INIT;
		list_rows(before, facts[i].sql, &a);
		list_rows(after, facts[i].sql, &b);
		const char *x = strbuf_text(&a), *y = strbuf_text(&b);
		size_t at = 0;
		while (x[at] && x[at] == y[at])
			at++;
		while (at && x[at - 1] != '\n')
			at--;
		cr_expect(strcmp(x, y) == 0, "%s: %s: '%.*s' became '%.*s'", what, facts[i].what, (int)strcspn(x + at, "\n"),
			x + at, (int)strcspn(y + at, "\n"),
			y + at);
		strbuf_finish(&a);
		strbuf_finish(&b);
	}
}

/* Import, export, import. */
static void go_round(struct imported *imported, const char *what)
{
	struct imported again;
	char json[160];
	cr_assert(imported_run(imported) == STATUS_OK, "%s: %s", what, imported->error.text);
	imported_init(&again);
	snprintf(json, sizeof json, "%s/again.json", imported->source.directory);
	cr_assert(export_file(imported->output, json, EXPORT_CHROME) > 0);
	imported_add_file(&again, json);
	cr_assert(imported_run(&again) == STATUS_OK, "%s: %s", what, again.error.text);
	cr_expect(again.infos[0].n_problems == 0 && !again.infos[0].is_cut, "%s: %" PRIu64 " problems with what was written",
		what, again.infos[0].n_problems);
	expect_facts(imported->output, again.output, what);
	unlink(json);
	imported_finish(&again);
}

Test(export_imported, samples_come_back_unchanged, .timeout = 110)
{
	static const char *const samples[] = { "kineto/graph_replay_decode.json.gz", "kineto/event_sync_multi_stream.json.gz",
		"kineto/single_gpu_ns_resolution.json.gz" };
	for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
		struct imported imported;
		char path[300];
		if (!imported_sample(samples[i], path))
			cr_skip_test("%s is not here", path);
		imported_init(&imported);
		imported_add_file(&imported, path);
		go_round(&imported, samples[i]);
		imported_finish(&imported);
	}
}

Test(export_imported, chrome_traces_come_back_unchanged)
{
	static const struct {
		const char *name, *text;
	} cases[] = {
		{ "numbers, nesting, counters", "[{\"ph\":\"X\",\"name\":\"a\",\"cat\":\"c\",\"pid\":3,\"tid\":4,\"ts\":1.001,"
			"\"dur\":10},{\"ph\":\"X\",\"name\":\"b\","
			"\"pid\":3,\"tid\":4,\"ts\":2,\"dur\":3.5},{\"ph\":\"i\",\"name\":\"moment\",\"pid\":3,\"tid\":4,"
			"\"ts\":3},{\"ph\":\"C\",\"name\":\"n\",\"pid\":3,"
			"\"ts\":4,\"args\":{\"value\":2.5}},{\"ph\":\"M\",\"name\":\"thread_name\",\"pid\":3,\"tid\":4,"
			"\"args\":{\"name\":\"main loop\"}}]" },
		{ "texts for numbers", "[{\"ph\":\"X\",\"name\":\"q\\\"uote\\n\\u00e4\",\"pid\":\"server\",\"tid\":\"worker:1\","
			"\"ts\":5,\"dur\":0},{\"ph\":\"X\",\"name\":\"x\","
			"\"pid\":\"server\",\"tid\":\"worker:2\",\"ts\":7,\"dur\":1}]" },
		{ "beginnings and ends", "[{\"ph\":\"B\",\"name\":\"o\",\"pid\":1,\"tid\":1,\"ts\":1},{\"ph\":\"B\","
			"\"name\":\"i\",\"pid\":1,\"tid\":1,\"ts\":2},{\"ph\":\"E\","
			"\"pid\":1,\"tid\":1,\"ts\":3},{\"ph\":\"E\",\"pid\":1,\"tid\":1,\"ts\":4}]" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct imported imported;
		imported_init(&imported);
		imported_add_text(&imported, cases[i].text);
		go_round(&imported, cases[i].name);
		imported_finish(&imported);
	}
}

Test(export_imported, every_format_takes_nsys, .timeout = 100)
{
	struct imported imported;
	char path[300], output[160];
	if (!imported_sample("nsys/graph_trace_rtx3060.sqlite", path))
		cr_skip_test("%s is not here", path);
	imported_init(&imported);
	imported_add_file(&imported, path);
	cr_assert(imported_run(&imported) == STATUS_OK, "%s", imported.error.text);
	snprintf(output, sizeof output, "%s/exported", imported.source.directory);
	for (int format = 0; format < EXPORT_FORMAT_COUNT; format++) {
		uint64_t n_bytes = export_file(imported.output, output, (enum export_format)format);
		cr_expect(n_bytes > 20, "format %d: %" PRIu64 " bytes", format, n_bytes);
	}
	unlink(output);
	imported_finish(&imported);
}
