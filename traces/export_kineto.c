/* SPDX-License-Identifier: Apache-2.0
 *
 * export_kineto: an imported run as Chrome JSON: X slices, i instants, C counters, s and f flows from launches, M names. Runs of GPU traces are
 * written as PyTorch's profiler writes them (categories, args); of device rows pid is the device and tid the stream there.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/attributes.h"
#include "traces/export_imported.h"

#define TEXT_THREAD_MOST (INT64_MIN / 4) /* threads that had a text for a number are numbered from far below */

/* What a span of a kind is called; the first word of a kind is for those that have none. */
static const struct {
	int kind;
	const char *word;
} words[] = {
	{ SPAN_KIND_KERNEL, "kernel" }, { SPAN_KIND_KERNEL, "Kernel" }, { SPAN_KIND_MEMCPY, "gpu_memcpy" }, { SPAN_KIND_MEMCPY, "Memcpy" },
	{ SPAN_KIND_MEMSET, "gpu_memset" }, { SPAN_KIND_MEMSET, "Memset" }, { SPAN_KIND_API, "cuda_runtime" }, { SPAN_KIND_API, "cuda_driver" },
	{ SPAN_KIND_API, "Runtime" }, { SPAN_KIND_GRAPH, "gpu_graph" }, { SPAN_KIND_STREAM_SYNC, "cuda_sync" },
		{ SPAN_KIND_OVERHEAD, "overhead" },
	{ SPAN_KIND_EVENT, "cuda_event" }, { SPAN_KIND_MARK, "user_annotation" },
};
static const char *const sync_words[] = { "Event Sync", "Stream Wait Event", "Stream Sync", "Context Sync" };

struct kineto {
	struct export_writer *writer;
	struct export_sink *sink;
	struct imported_lanes lanes;
	bool is_kineto, names_processes; /* the latter: devices of several processes */
};

/* -- what the file says of itself ------------------------------------------------------------------------------------------- */

static int64_t ask(const struct export *export, const char *sql)
{
	int64_t value = IMPORTED_UNKNOWN;
	db_get_int(export->trace->db, sql, &value, NULL);
	return value;
}

static bool is_kineto(const struct export *export)
{
	return ask(export, "SELECT count(*) FROM import_source s JOIN run r ON r.id = s.run WHERE r.mode = 'imported' AND "
		"s.kind IN ('kineto', 'nsys')") > 0;
}

static void add_number(struct export_sink *sink, const char *key, int64_t number)
{
	if (number == IMPORTED_UNKNOWN)
		return;
	export_sink_text(sink, key);
	export_sink_int(sink, number);
}

static void add_devices(const struct export *export, struct export_sink *sink)
{
	struct db_stmt *stmt = NULL;
	bool has_row = false, is_first = true;
	int status = db_prepare(export->trace->db, "SELECT m.value, CAST(substr(m.key, instr(m.key, ':') + 1) AS INTEGER) FROM "
		"run_meta m WHERE m.key GLOB"
		" 'device *:*' ORDER BY 2", NULL, NULL, &stmt);
	while (status == STATUS_OK && (status = db_step(stmt, &has_row, NULL)) == STATUS_OK && has_row) {
		const char *name = db_column_text(stmt, 0);
		export_sink_text(sink, is_first ? "\"deviceProperties\":[{\"id\":" : ",{\"id\":");
		export_sink_int(sink, db_column_int(stmt, 1));
		export_sink_text(sink, ",\"name\":");
		export_sink_json(sink, name ? name : "");
		export_sink_text(sink, "}");
		is_first = false;
	}
	db_finish(stmt);
	if (!is_first)
		export_sink_text(sink, "],");
}

bool export_imported_head(struct export *export)
{
	struct export_sink *sink = &export->sink;
	if (!is_kineto(export))
		return false;
	export_sink_text(sink, "\"schemaVersion\":1,");
	int64_t base = ask(export, "SELECT CAST(value AS INTEGER) FROM run_meta WHERE key = 'base_time_ns'");
	int64_t rank = ask(export, "SELECT rank FROM import_source WHERE (SELECT count(*) FROM import_source) = 1");
	int64_t world = ask(export, "SELECT world_size FROM import_source WHERE (SELECT count(*) FROM import_source) = 1");
	if (base > 0) {
		add_number(sink, "\"baseTimeNanoseconds\":", base);
		export_sink_text(sink, ",");
	}
	if (rank >= 0) {
		add_number(sink, "\"distributedInfo\":{\"rank\":", rank);
		add_number(sink, ",\"world_size\":", world > 0 ? world : rank + 1);
		export_sink_text(sink, "},");
	}
	add_devices(export, sink);
	return true;
}

/* -- where an event belongs ------------------------------------------------------------------------------------------------- */

static void add_process(struct kineto *kineto, const struct imported_lane *lane)
{
	if (lane->pid != IMPORTED_UNKNOWN) {
		add_number(kineto->sink, ",\"pid\":", lane->pid);
	} else if (lane->process_name) {
		export_sink_text(kineto->sink, ",\"pid\":");
		export_sink_json(kineto->sink, lane->process_name);
	}
}

static void add_thread(struct kineto *kineto, const struct imported_lane *lane)
{
	const struct imported_lane *track = imported_lanes_find(&kineto->lanes, lane->track);
	if (lane->thread <= TEXT_THREAD_MOST && track && track->thread_name) {
		export_sink_text(kineto->sink, ",\"tid\":");
		export_sink_json(kineto->sink, track->thread_name);
	} else {
		add_number(kineto->sink, ",\"tid\":", lane->thread);
	}
}

/* What waits for a whole device has none. */
static int64_t stream_of(const struct imported_lane *lane)
{
	return lane->stream == IMPORTED_UNKNOWN ? -1 : lane->stream;
}

static void add_place(struct kineto *kineto, const struct imported_lane *lane)
{
	if (lane->is_stream && kineto->is_kineto) {
		add_number(kineto->sink, ",\"pid\":", lane->device);
		add_number(kineto->sink, ",\"tid\":", stream_of(lane));
		return;
	}
	add_process(kineto, lane);
	if (lane->is_stream)
		add_number(kineto->sink, ",\"tid\":", lane->stream);
	else
		add_thread(kineto, lane);
}

static void add_time(struct export_sink *sink, const char *key, int64_t ns)
{
	export_sink_text(sink, key);
	export_sink_us(sink, ns);
}

static void add_text(struct export_sink *sink, const char *key, const char *text)
{
	export_sink_text(sink, key);
	export_sink_json(sink, text ? text : "");
}

/* -- events ----------------------------------------------------------------------------------------------------------------- */

/* A span keeps its category where that says what its kind is. */
static const char *choose_category(const struct kineto *kineto, const struct imported_lane *lane, int64_t kind, const char *category)
{
	const char *other = NULL;
	bool is_taken = false;
	if (!kineto->is_kineto)
		return category;
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		bool is_kind = words[i].kind == kind, is_word = category && strcmp(words[i].word, category) == 0;
		if (is_kind && is_word)
			return category;
		if (is_kind && !other)
			other = words[i].word;
		is_taken = is_taken || (is_word && words[i].kind != SPAN_KIND_MARK);
	}
	bool is_free = kind == SPAN_KIND_MARK || (kind == SPAN_KIND_EVENT && !lane->is_stream);
	return is_free && !is_taken && (category || kind == SPAN_KIND_EVENT) ? category : other;
}

static void add_three(struct export_sink *sink, const char *key, struct db_stmt *row, enum imported_column first)
{
	if (imported_number(row, first) == IMPORTED_UNKNOWN)
		return;
	export_sink_text(sink, key);
	for (int i = 0; i < 3; i++) {
		export_sink_text(sink, i ? "," : "[");
		export_sink_int(sink, db_column_int(row, (int)first + i));
	}
	export_sink_text(sink, "]");
}

static void add_args(struct kineto *kineto, const struct imported_lane *lane, struct db_stmt *row)
{
	static const struct {
		const char *key;
		enum imported_column column;
	} numbers[] = {
		{ ",\"correlation\":", IMPORTED_CORRELATION }, { ",\"External id\":", IMPORTED_EXTERNAL }, { ",\"bytes\":", IMPORTED_BYTES },
		{ ",\"graph id\":", IMPORTED_GRAPH }, { ",\"graph node id\":", IMPORTED_GRAPH_NODE }, { ",\"wait_on_stream\":",
			IMPORTED_WAIT_STREAM },
		{ ",\"wait_on_cuda_event_record_corr_id\":", IMPORTED_EVENT },
	};
	struct export_sink *sink = kineto->sink;
	int64_t sync = imported_number(row, IMPORTED_SYNC_KIND);
	const char *args = db_column_text(row, IMPORTED_ARGS);
	export_sink_text(sink, ",\"args\":{\"kind\":");
	export_sink_int(sink, imported_number(row, IMPORTED_KIND));
	if (lane->is_stream) {
		add_number(sink, ",\"device\":", lane->device);
		add_number(sink, ",\"stream\":", stream_of(lane));
		if (kineto->names_processes)
			add_number(sink, ",\"process\":", lane->pid);
	}
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		add_number(sink, numbers[i].key, imported_number(row, numbers[i].column));
	add_three(sink, ",\"grid\":", row, IMPORTED_GRID_X);
	add_three(sink, ",\"block\":", row, IMPORTED_BLOCK_X);
	if (sync >= 1 && sync <= (int64_t)ARRAY_LEN(sync_words))
		add_text(sink, ",\"cuda_sync_kind\":", sync_words[sync - 1]);
	if (args && args[0] == '{' && args[1] == '"') { /* an object: its members are put here, without the last brace */
		export_sink_text(sink, ",");
		export_sink_put(sink, args + 1, strlen(args) - 2);
	}
	export_sink_text(sink, "}}");
}

static void write_flow(struct kineto *kineto, const char *phase, const struct imported_lane *lane, int64_t ns, int64_t id)
{
	struct export_sink *sink = export_chrome_event(kineto->writer, phase);
	add_place(kineto, lane);
	add_time(sink, ",\"ts\":", ns);
	export_sink_text(sink, ",\"cat\":\"ac2g\",\"name\":\"ac2g\",\"id\":");
	export_sink_int(sink, id);
	export_sink_text(sink, *phase == 'f' ? ",\"bp\":\"e\"}" : "}");
}

static int write_span(void *user, struct db_stmt *row)
{
	struct kineto *kineto = user;
	struct export_sink *sink = kineto->sink;
	const struct imported_lane *lane = imported_lanes_find(&kineto->lanes, imported_number(row, IMPORTED_LANE));
	if (!lane)
		return STATUS_OK;
	int64_t kind = imported_number(row, IMPORTED_KIND), start_ns = imported_number(row, IMPORTED_START);
	bool is_moment = kind == SPAN_KIND_EVENT && !imported_number(row, IMPORTED_DURATION);
	const char *category = choose_category(kineto, lane, kind, db_column_text(row, IMPORTED_CATEGORY)),
		*name = db_column_text(row, IMPORTED_NAME);
	const struct imported_lane *caller = imported_lanes_find(&kineto->lanes, imported_number(row, IMPORTED_LAUNCH_LANE));
	export_chrome_event(kineto->writer, is_moment ? "i" : "X");
	add_place(kineto, lane);
	add_time(sink, ",\"ts\":", start_ns);
	if (is_moment)
		export_sink_text(sink, ",\"s\":\"t\"");
	else
		add_time(sink, ",\"dur\":", imported_number(row, IMPORTED_DURATION));
	if (name)
		add_text(sink, ",\"name\":", name);
	if (category)
		add_text(sink, ",\"cat\":", category);
	add_args(kineto, lane, row);
	if (caller) {
		write_flow(kineto, "s", caller, imported_number(row, IMPORTED_LAUNCH_START), imported_number(row, IMPORTED_ID));
		write_flow(kineto, "f", lane, start_ns, imported_number(row, IMPORTED_ID));
	}
	return STATUS_OK;
}

/* -- names and counters ----------------------------------------------------------------------------------------------------- */

static void write_name(struct kineto *kineto, const struct imported_lane *lane, const char *what, const char *name)
{
	struct export_sink *sink = export_chrome_event(kineto->writer, "M");
	add_place(kineto, lane);
	add_text(sink, ",\"name\":", what);
	add_text(sink, ",\"args\":{\"name\":", name);
	export_sink_text(sink, "}}");
}

static void write_names(struct kineto *kineto)
{
	int64_t process = IMPORTED_UNKNOWN, with_devices = IMPORTED_UNKNOWN;
	for (int i = 0; i < kineto->lanes.n; i++) {
		const struct imported_lane *lane = &kineto->lanes.items[i];
		if (lane->is_stream) {
			kineto->names_processes |= with_devices != IMPORTED_UNKNOWN && with_devices != lane->process;
			with_devices = lane->process;
			continue;
		}
		if (lane->process != process && lane->process_name && lane->pid != IMPORTED_UNKNOWN)
			write_name(kineto, lane, "process_name", lane->process_name);
		process = lane->process;
		if (lane->id == lane->track && lane->thread_name && lane->thread > TEXT_THREAD_MOST)
			write_name(kineto, lane, "thread_name", lane->thread_name);
	}
}

static int write_counters(struct kineto *kineto, int64_t run)
{
	struct export *export = kineto->writer->export;
	struct db_stmt *stmt = NULL;
	bool has_row = false;
	int status = export_prepare(export, "SELECT t.text, c.time_ns, c.value FROM counter c LEFT JOIN string t ON t.id = "
		"c.name WHERE c.run = ?1"
		" ORDER BY c.rowid", run, &stmt);
	while (status == STATUS_OK && (status = export_step(export, stmt, &has_row)) == STATUS_OK && has_row) {
		char text[40];
		double value = db_column_real(stmt, 2);
		export_chrome_event(kineto->writer, "C");
		if (kineto->lanes.n)
			add_process(kineto, &kineto->lanes.items[kineto->lanes.n - 1]);
		add_time(kineto->sink, ",\"ts\":", db_column_int(stmt, 1));
		add_text(kineto->sink, ",\"name\":", db_column_text(stmt, 0));
		snprintf(text, sizeof text, "%.17g", isfinite(value) ? value : 0);
		export_sink_text(kineto->sink, ",\"args\":{\"value\":");
		export_sink_text(kineto->sink, text);
		export_sink_text(kineto->sink, "}}");
		status = export_row(export);
	}
	db_finish(stmt);
	return status;
}

int export_imported_chrome(struct export_writer *writer, const struct trace_run *run)
{
	struct kineto kineto = { .writer = writer, .sink = &writer->export->sink, .is_kineto = is_kineto(writer->export) };
	int status = imported_lanes_load(writer->export, run->id, &kineto.lanes);
	if (status == STATUS_OK) {
		write_names(&kineto);
		status = imported_spans(writer->export, run->id, write_span, &kineto);
	}
	if (status == STATUS_OK)
		status = write_counters(&kineto, run->id);
	imported_lanes_finish(&kineto.lanes);
	return status;
}
