/* SPDX-License-Identifier: Apache-2.0
 *
 * import_write: the rows of an imported trace, in order of time. A failed import leaves nothing, so nothing waits for the disk.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/attributes.h"
#include "traces/blank.h"
#include "traces/import_links.h"
#include "traces/import_model.h"
#include "traces/lod_build.h"

#define RUN 1
#define KINDS (SPAN_KIND_EVENT - SPAN_KIND_OP + 1)
#define PROGRESS_ROWS 16384
#define SHARE_BEFORE 0.5 /* of the progress: reading */

#define FEED_ROWS 2048 /* entered at once */
#define SPAN_COLUMNS 10
#define WORK_COLUMNS 15

/* X(NAME, sql) */
#define WRITE_STMT_MAP(X) \
	X(SPANS, "INSERT INTO span(run, lane, kind, start_ns, duration_ns, bytes, name, category, class, correlation, external)" \
		" SELECT 1, * FROM feed_spans") \
	X(WORKS, "INSERT INTO gpu_activity SELECT * FROM feed_works") \
	X(COUNTER, "INSERT INTO counter VALUES(1, NULL, ?, ?, ?)") \
	X(ARG, "INSERT OR IGNORE INTO arg VALUES(?, ?, ?)") \
	X(LAUNCH, "UPDATE gpu_activity SET launch = ?2 WHERE span = ?1")

enum write_stmt {
#define X(name, sql) WRITE_##name,
	WRITE_STMT_MAP(X)
#undef X
	WRITE_STMT_COUNT
};

struct write_sum {
	int64_t n, ns;
};

struct write {
	struct import_sink *sink;
	struct db *db;
	struct db_stmt *stmts[WRITE_STMT_COUNT];
	struct import_lane *lanes;
	uint32_t n_lanes;
	int64_t (*bounds)[2];            /* [n_lanes] first and last moment */
	struct write_sum (*sums)[KINDS]; /* [n_lanes] */
	uint8_t *classes;                /* [n_strings] 1 + enum span_class of kernels of this name; 0: not looked at */
	struct import_links links;
	struct lod_build *lod;
	int64_t n_rows, n_spans;         /* seen; spans among them: the last one's row */
	struct db_feed *span_feed, *work_feed;
	int64_t (*spans)[SPAN_COLUMNS], (*works)[WORK_COLUMNS]; /* [FEED_ROWS] that wait */
	uint32_t n_waiting, n_works;
	struct error *error;
};

/* -- what there is ---------------------------------------------------------------------------------------------------------- */

/* One row of any small table: a letter for each value: i int64_t, t const char * (NULL: NULL), u int64_t that IMPORT_UNKNOWN makes NULL. */
static int insert(struct write *write, const char *sql, const char *types, ...)
{
	struct db_stmt *stmt = NULL;
	va_list values;
	int status = db_prepare(write->db, sql, NULL, write->error, &stmt);
	va_start(values, types);
	for (int i = 0; status == STATUS_OK && types[i]; i++) {
		int64_t number = types[i] == 't' ? 0 : va_arg(values, int64_t);
		if (types[i] == 't')
			db_bind_text(stmt, i + 1, va_arg(values, const char *));
		else if (types[i] == 'u' && number == IMPORT_UNKNOWN)
			db_bind_null(stmt, i + 1);
		else
			db_bind_int(stmt, i + 1, number);
	}
	va_end(values);
	if (status == STATUS_OK)
		status = db_run(stmt, write->error);
	db_finish(stmt);
	return status;
}

static const char *base_name(const char *file)
{
	const char *slash = strrchr(file, '/');
	return slash ? slash + 1 : file;
}

static int write_run(struct write *write)
{
	const struct import_sink *sink = write->sink;
	bool is_cut = false;
	for (uint32_t i = 0; i < sink->n_sources; i++)
		is_cut = is_cut || sink->sources[i]->is_cut;
	const char *name = sink->n_sources ? base_name(sink->sources[0]->file) : "import";
	int status = insert(write, "INSERT INTO graph(id, name) VALUES(1, ?)", "t", name);
	if (status == STATUS_OK)
		status = insert(write, "INSERT INTO run(id, graph, mode, status, message, start_ns, end_ns, n_ops)"
			" VALUES(1, 1, 'imported', ?, ?, ?, ?, 0)", "ttii", is_cut ? "damaged" : "ok",
			is_cut ? "a file was cut or damaged: what could be read of it is here" : NULL, sink->start_ns, sink->end_ns);
	static const char *const metas[][2] = { { "schema_version", NULL }, { "finished", "1" }, { "clock", "source" } };
	char version[12];
	snprintf(version, sizeof version, "%d", SCHEMA_VERSION);
	for (size_t i = 0; i < ARRAY_LEN(metas) && status == STATUS_OK; i++)
		status = insert(write, "INSERT OR REPLACE INTO meta VALUES(?, ?)", "tt", metas[i][0], metas[i][1] ? metas[i][1] : version);
	for (uint32_t i = 0; i < sink->n_metas && status == STATUS_OK; i++)
		status = insert(write, "INSERT OR REPLACE INTO run_meta VALUES(1, ?, ?)", "tt", sink->metas[i].key, sink->metas[i].value);
	return status;
}

static int write_sources(struct write *write)
{
	const struct import_sink *sink = write->sink;
	int status = STATUS_OK;
	for (uint32_t i = 0; i < sink->n_sources && status == STATUS_OK; i++) {
		const struct import_file *file = sink->sources[i];
		int64_t rank = file->rank < 0 ? IMPORT_UNKNOWN : file->rank, world = file->world_size < 0 ? IMPORT_UNKNOWN : file->world_size;
		status = insert(write, "INSERT INTO import_source VALUES(?, 1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "
			"?)", "itttuuiiiiiii", (int64_t)i + 1,
			base_name(file->file), import_kind_word(file->kind), file->version, rank, world, (int64_t)file->n_bytes,
			(int64_t)file->n_events, (int64_t)file->n_rows, (int64_t)file->n_problems, (int64_t)file->is_cut, file->offset_ns,
			file->uncertainty_ns);
	}
	for (uint32_t i = 0; i < sink->n_problems && status == STATUS_OK; i++) {
		const struct model_problem *problem = &sink->problems[i];
		status = insert(write, "INSERT INTO import_problem VALUES(?, ?, ?, "
			"?)", "itii", (int64_t)problem->source + 1, problem->cause,
			(int64_t)problem->n, (int64_t)problem->first_place);
	}
	return status;
}

/* What the sources count, and how their clocks were put together. */
static int write_counts(struct write *write)
{
	const struct import_sink *sink = write->sink;
	int status = STATUS_OK;
	for (uint32_t i = 0; i < sink->n_counts && status == STATUS_OK; i++)
		status = insert(write, "INSERT OR REPLACE INTO import_count VALUES(?, ?, ?)", "iti", (int64_t)sink->counts[i].source + 1,
			sink->counts[i].what, (int64_t)sink->counts[i].n);
	for (uint32_t i = 0; i < sink->n_sources && status == STATUS_OK; i++) {
		const struct model_source *source = &sink->source_times[i];
		char clock[64];
		snprintf(clock, sizeof clock, "source %u by %s", i + 1, i ? source->method : "itself");
		if (source->start_ns <= source->end_ns)
			status = insert(write, "INSERT INTO clock_sample VALUES(1, ?, ?, ?, ?)", "tiii", clock,
				source->start_ns + source->offset_ns, source->start_ns, source->uncertainty_ns);
	}
	return status;
}

static int write_processes(struct write *write)
{
	const struct import_sink *sink = write->sink;
	struct strbuf word = STRBUF_INIT;
	int status = STATUS_OK;
	for (uint32_t i = 0; i < sink->n_processes && status == STATUS_OK; i++) {
		const struct model_process *process = &sink->processes[i];
		status = insert(write, "INSERT INTO process VALUES(?, 1, ?, ?, ?, ?)", "iutui", (int64_t)i + 1, process->pid, process->name,
			process->rank < 0 ? IMPORT_UNKNOWN : process->rank, (int64_t)process->source + 1);
	}
	for (uint32_t i = 0; i < sink->n_devices && status == STATUS_OK; i++) {
		strbuf_clear(&word);
		import_device_word(sink, i, &word);
		const char *kind = sink->devices[i].kind;
		status = insert(write, "INSERT INTO device VALUES(?, 1, ?, "
			"?)", "itt", (int64_t)i + 1, strbuf_text(&word), kind ? kind : "cuda");
		if (status == STATUS_OK && sink->devices[i].name) {
			struct strbuf key = STRBUF_INIT;
			strbuf_addf(&key, "device %s", strbuf_text(&word));
			status = insert(write, "INSERT OR IGNORE INTO run_meta VALUES(1, ?, "
				"?)", "tt", strbuf_text(&key), sink->devices[i].name);
			strbuf_finish(&key);
		}
	}
	strbuf_finish(&word);
	return status;
}

static int write_lanes(struct write *write)
{
	const struct import_sink *sink = write->sink;
	struct strbuf name = STRBUF_INIT;
	int status = STATUS_OK;
	for (uint32_t i = 0; i < write->n_lanes && status == STATUS_OK; i++) {
		const struct model_track *track = &sink->tracks[write->lanes[i].track];
		bool is_stream = track->is_stream;
		strbuf_clear(&name);
		import_lane_name(sink, &write->lanes[i], &name);
		status = insert(write, "INSERT INTO lane(id, run, kind, name, device, process, thread, stream, context, depth)"
			" VALUES(?, 1, ?, ?, ?, ?, ?, ?, ?, ?)", "ittuiuuuu", (int64_t)i + 1, !is_stream ? "thread" :
			write->lanes[i].depth < 0 ? "stream" : "stream_marks", strbuf_text(&name),
			is_stream ? (int64_t)track->device + 1 : IMPORT_UNKNOWN, (int64_t)track->process + 1,
			is_stream ? IMPORT_UNKNOWN : track->number,
			is_stream && !import_is_no_stream(track->number) ? track->number : IMPORT_UNKNOWN, track->context,
			write->lanes[i].depth < 0 ? IMPORT_UNKNOWN : (int64_t)write->lanes[i].depth);
	}
	strbuf_finish(&name);
	return status;
}

static int write_strings(struct write *write)
{
	const struct import_sink *sink = write->sink;
	struct db_stmt *stmt = NULL;
	int status = db_prepare(write->db, "INSERT INTO string VALUES(?, CAST(? AS TEXT))", NULL, write->error, &stmt);
	for (uint32_t i = 0; i < sink->n_strings && status == STATUS_OK; i++) {
		uint32_t n;
		const char *text = import_text(sink, i, &n);
		db_bind_int(stmt, 1, (int64_t)i + 1);
		db_bind_blob(stmt, 2, n ? text : "", n);
		status = db_run(stmt, write->error);
	}
	db_finish(stmt);
	return status;
}

/* -- spans ------------------------------------------------------------------------------------------------------------------ */

static int64_t text_id(uint32_t string)
{
	return string == IMPORT_NONE ? DB_FEED_NULL : (int64_t)string + 1;
}

static int64_t kernel_class(struct write *write, uint32_t name)
{
	if (name == IMPORT_NONE)
		return SPAN_CLASS_COMPUTE;
	if (!write->classes[name]) {
		uint32_t n;
		const char *text = import_text(write->sink, name, &n);
		write->classes[name] = 1 + (import_is_collective(text, n) ? SPAN_CLASS_COLLECTIVE : SPAN_CLASS_COMPUTE);
	}
	return write->classes[name] - 1;
}

static void add_span(struct write *write, const struct import_record *record, int kind, int64_t class, uint32_t lane)
{
	const int64_t row[SPAN_COLUMNS] = { (int64_t)lane + 1, kind, record->start_ns, record->duration_ns, record->bytes,
		text_id(record->name), text_id(record->category), class, record->correlation, record->external };
	memcpy(write->spans[write->n_waiting++], row, sizeof row);
}

static int64_t known_u8(uint8_t number)
{
	return number ? number : DB_FEED_NULL;
}

static void add_work(struct write *write, const struct import_record *record, int64_t span, int64_t launch)
{
	int64_t *row = write->works[write->n_works++];
	const int64_t first[] = { span, launch, record->graph, record->graph_node };
	const int64_t last[] = { text_id(record->copy_kind), known_u8(record->sync_kind), record->event, record->wait_stream, record->graph_root };
	memcpy(row, first, sizeof first);
	for (int i = 0; i < 3; i++) {
		row[4 + i] = record->grid[0] ? (int64_t)record->grid[i] : DB_FEED_NULL;
		row[7 + i] = record->block[0] ? (int64_t)record->block[i] : DB_FEED_NULL;
	}
	memcpy(row + 10, last, sizeof last);
}

/* What waits becomes rows: spans get the ids that write_record counted on, for nobody else writes here. */
static int enter_waiting(struct write *write)
{
	int status = STATUS_OK;
	db_feed_set(write->span_feed, write->spans[0], write->n_waiting);
	db_feed_set(write->work_feed, write->works[0], write->n_works);
	if (write->n_waiting)
		status = db_run(write->stmts[WRITE_SPANS], write->error);
	if (status == STATUS_OK && write->n_works)
		status = db_run(write->stmts[WRITE_WORKS], write->error);
	write->n_waiting = write->n_works = 0;
	return status;
}

static int write_args(struct write *write, const struct import_record *record, int64_t span)
{
	struct db_stmt *stmt = write->stmts[WRITE_ARG];
	int status = STATUS_OK;
	for (uint32_t i = 0; i < record->n_args && status == STATUS_OK; i++) {
		const struct import_arg *arg = &write->sink->args[record->first_arg + i];
		db_bind_int(stmt, 1, span);
		db_bind_int(stmt, 2, (int64_t)arg->name + 1);
		db_bind_int(stmt, 3, (int64_t)arg->value + 1);
		status = db_run(stmt, write->error);
	}
	return status;
}

static bool may_launch(const struct import_record *record)
{
	return record->api_class == IMPORT_API_LAUNCH || record->api_class == IMPORT_API_GRAPH_LAUNCH
		|| record->api_class == IMPORT_API_COPY || record->api_class == IMPORT_API_OTHER;
}

static void add_up(struct write *write, const struct import_record *record, uint32_t lane)
{
	int64_t end_ns = record->start_ns + record->duration_ns;
	if (write->bounds[lane][0] > record->start_ns)
		write->bounds[lane][0] = record->start_ns;
	if (write->bounds[lane][1] < end_ns)
		write->bounds[lane][1] = end_ns;
	write->sums[lane][record->kind].n++;
	write->sums[lane][record->kind].ns += record->duration_ns;
}

static int tell(struct write *write)
{
	const struct import_options *options = write->sink->options;
	if (++write->n_rows % PROGRESS_ROWS)
		return STATUS_OK;
	double share = SHARE_BEFORE + (1 - SHARE_BEFORE) * (double)write->n_rows / (double)import_sort_count(write->sink->sort);
	if ((options->interrupt && *options->interrupt) || (options->progress && !options->progress(options->user, share, 0)))
		return error_set(write->error, STATUS_STOPPED, "the import was stopped; nothing was written");
	return STATUS_OK;
}

static int write_counter(struct write *write, const struct import_record *record)
{
	struct db_stmt *stmt = write->stmts[WRITE_COUNTER];
	double value;
	memcpy(&value, &record->bytes, sizeof value);
	db_bind_int(stmt, 1, record->start_ns);
	db_bind_int(stmt, 2, (int64_t)record->name + 1);
	db_bind_real(stmt, 3, value);
	int status = db_run(stmt, write->error);
	return status == STATUS_OK ? tell(write) : status;
}

/* As lod_build.h has names and categories. */
static int number_of(uint32_t string)
{
	return string == IMPORT_NONE ? LOD_NONE : (int)string;
}

static int write_record(void *user, struct import_record *record, struct error *error)
{
	struct write *write = user;
	const struct model_track *track = &write->sink->tracks[record->track];
	int kind = record->kind + SPAN_KIND_OP;
	bool is_api = kind == SPAN_KIND_API, is_work = kind >= SPAN_KIND_KERNEL && kind <= SPAN_KIND_MEMSET;
	bool has_work = is_work || kind == SPAN_KIND_GRAPH || record->sync_kind || record->event != IMPORT_UNKNOWN
		|| record->graph != IMPORT_UNKNOWN || record->graph_node != IMPORT_UNKNOWN;
	if (record->kind == IMPORT_KIND_COUNTER)
		return write_counter(write, record);
	int64_t class = is_api ? record->api_class : kind == SPAN_KIND_KERNEL ? kernel_class(write, record->name) : IMPORT_UNKNOWN;
	uint32_t depth = record->depth < track->n_depths ? record->depth : track->n_depths - 1;
	uint32_t lane = (uint32_t)track->first_lane + (record->depth == UINT8_MAX ? 0 : depth + track->has_work);
	int64_t span = ++write->n_spans, launch = IMPORT_UNKNOWN;
	int status = STATUS_OK;
	add_span(write, record, kind, class, lane);
	if (is_api && may_launch(record) && record->correlation != IMPORT_UNKNOWN)
		status = import_links_add(&write->links, track->process, record->correlation, span, error);
	if (has_work && !is_api && record->correlation != IMPORT_UNKNOWN)
		status = import_links_find(&write->links, track->process, record->correlation, span, &launch, error);
	if (status == STATUS_OK && has_work)
		add_work(write, record, span, launch);
	if (status == STATUS_OK && record->n_args)
		status = write_args(write, record, span);
	struct lod_span drawn = { .lane = (int)lane, .node = LOD_NONE, .kind = kind, .edge = number_of(record->name),
		.peer = number_of(record->category),
		.cause = class == IMPORT_UNKNOWN ? LOD_NONE : (int)class, .execution = LOD_NONE, .start_ns = record->start_ns,
		.duration_ns = record->duration_ns, .row = span, .bytes = record->bytes == IMPORT_UNKNOWN ? -1 : record->bytes };
	if (status == STATUS_OK)
		status = lod_build_span(write->lod, &drawn, error);
	add_up(write, record, lane);
	if (status == STATUS_OK && write->n_waiting == FEED_ROWS)
		status = enter_waiting(write);
	return status == STATUS_OK ? tell(write) : status;
}

static int link_late(void *user, int64_t span, int64_t launch, struct error *error)
{
	struct write *write = user;
	db_bind_int(write->stmts[WRITE_LAUNCH], 1, span);
	db_bind_int(write->stmts[WRITE_LAUNCH], 2, launch);
	return db_run(write->stmts[WRITE_LAUNCH], error);
}

/* -- the rest --------------------------------------------------------------------------------------------------------------- */

static int write_sums(struct write *write)
{
	int status = STATUS_OK;
	for (uint32_t i = 0; i < write->n_lanes && status == STATUS_OK; i++) {
		status = insert(write, "UPDATE lane SET first_ns = ?2, last_ns = ?3 WHERE id = "
			"?1", "iii", (int64_t)i + 1, write->bounds[i][0],
			write->bounds[i][1]);
		for (int kind = 0; kind < KINDS && status == STATUS_OK; kind++) {
			const struct write_sum *sum = &write->sums[i][kind];
			if (sum->n)
				status = insert(write, "INSERT INTO summary VALUES(?, 0, ?, ?, ?)", "iiii", (int64_t)i + 1,
					(int64_t)kind + SPAN_KIND_OP, sum->n, sum->ns);
		}
	}
	return status;
}

static int write_logs(struct write *write)
{
	const struct import_sink *sink = write->sink;
	int status = STATUS_OK;
	for (uint32_t i = 0; i < sink->n_logs && status == STATUS_OK; i++)
		status = insert(write, "INSERT INTO log(run, time_ns, level, text) VALUES(1, ?, ?, ?)", "itt", sink->logs[i].time_ns,
			sink->logs[i].level, sink->logs[i].text);
	return status;
}

static int write_rows(struct write *write)
{
	static const char *const statements[] = {
#define X(name, sql) sql,
		WRITE_STMT_MAP(X)
#undef X
	};
	static int (*const layout[])(struct write *) = { write_run, write_sources, write_counts, write_processes, write_lanes, write_strings };
	int status = STATUS_OK;
	for (size_t i = 0; i < ARRAY_LEN(layout) && status == STATUS_OK; i++)
		status = layout[i](write);
	if (status == STATUS_OK)
		status = db_feed_create(write->db, "feed_spans", SPAN_COLUMNS, write->error, &write->span_feed);
	if (status == STATUS_OK)
		status = db_feed_create(write->db, "feed_works", WORK_COLUMNS, write->error, &write->work_feed);
	for (int i = 0; i < WRITE_STMT_COUNT && status == STATUS_OK; i++)
		status = db_prepare(write->db, statements[i], NULL, write->error, &write->stmts[i]);
	if (status == STATUS_OK)
		status = lod_build_create(write->db, "main", RUN, write->sink->start_ns, write->error, &write->lod);
	if (status == STATUS_OK)
		status = import_sort_each(write->sink->sort, write_record, write, write->error);
	if (status == STATUS_OK)
		status = enter_waiting(write);
	if (status == STATUS_OK)
		status = import_links_late(&write->links, link_late, write, write->error);
	if (status == STATUS_OK)
		status = lod_build_close(write->lod, write->error);
	if (status == STATUS_OK)
		status = write_sums(write);
	return status == STATUS_OK ? write_logs(write) : status;
}

static int write_all(struct write *write, const char *file)
{
	unlink(file);
	int status = blank_write(file, write->error);
	if (status == STATUS_OK)
		status = db_open(file, DB_WRITE, write->error, &write->db);
	if (status == STATUS_OK)
		status = db_exec(write->db, "PRAGMA journal_mode = DELETE; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = "
			"-16384;", write->error);
	if (status == STATUS_OK)
		status = db_begin(write->db, write->error);
	if (status == STATUS_OK)
		status = write_rows(write);
	for (int i = 0; i < WRITE_STMT_COUNT; i++)
		db_finish(write->stmts[i]);
	lod_build_destroy(write->lod);
	if (status == STATUS_OK)
		status = db_commit(write->db, write->error);
	db_close(write->db);
	return status;
}

int import_write(struct import_sink *sink, const char *file, struct error *error)
{
	struct write write = { .sink = sink, .error = error };
	int status = import_find_lanes(sink, &write.lanes, &write.n_lanes, error);
	write.bounds = calloc(write.n_lanes + 1, sizeof *write.bounds);
	write.sums = calloc(write.n_lanes + 1, sizeof *write.sums);
	write.classes = calloc(sink->n_strings + 1, 1);
	write.spans = calloc(FEED_ROWS, sizeof *write.spans);
	write.works = calloc(FEED_ROWS, sizeof *write.works);
	for (uint32_t i = 0; write.bounds && i < write.n_lanes; i++) {
		write.bounds[i][0] = INT64_MAX;
		write.bounds[i][1] = INT64_MIN;
	}
	if (status == STATUS_OK && (!write.bounds || !write.sums || !write.classes || !write.spans || !write.works))
		status = error_set(error, STATUS_NO_MEMORY, "no memory for what is being imported");
	if (status == STATUS_OK)
		status = write_all(&write, file);
	import_links_finish(&write.links);
	free(write.lanes);
	free(write.bounds);
	free(write.sums);
	free(write.classes);
	free(write.spans);
	free(write.works);
	return status;
}
