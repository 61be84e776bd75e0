/* SPDX-License-Identifier: Apache-2.0
 *
 * export_imported: the lanes and spans of an imported run, and the walk for writers of timelines.
 */
#include "traces/export_imported.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* -- lanes ------------------------------------------------------------------------------------------------------------------ */

static int64_t number_at(struct db_stmt *stmt, int column)
{
	return db_column_type(stmt, column) == DB_NULL ? IMPORTED_UNKNOWN : db_column_int(stmt, column);
}

static char *text_at(struct db_stmt *stmt, int column)
{
	const char *text = db_column_text(stmt, column);
	return text ? strdup(text) : NULL;
}

/* "process 7 thread 9 NAME": what the thread is called. */
static char *find_thread_name(const struct imported_lane *lane)
{
	char word[40];
	snprintf(word, sizeof word, "thread %" PRId64 " ", lane->thread);
	const char *found = lane->thread == IMPORTED_UNKNOWN ? NULL : strstr(lane->name, word);
	return found && found[strlen(word)] ? strdup(found + strlen(word)) : NULL;
}

static int read_lane(struct export *export, struct imported_lanes *lanes, struct db_stmt *stmt)
{
	struct imported_lane *grown = lanes->n & (lanes->n - 1) ? lanes->items
		: realloc(lanes->items, (lanes->n ? 2 * (size_t)lanes->n : 1) * sizeof *grown);
	if (!grown)
		return error_set(export->error, STATUS_NO_MEMORY, "no memory for the layout of the run");
	lanes->items = grown;
	const char *kind = db_column_text(stmt, 2), *device = db_column_text(stmt, 9);
	const char *colon = device ? strrchr(device, ':') : NULL;
	struct imported_lane *lane = &grown[lanes->n++];
	*lane = (struct imported_lane){ .id = db_column_int(stmt, 0), .track = db_column_int(stmt, 1), .process = number_at(stmt, 4),
		.pid = number_at(stmt, 5), .thread = number_at(stmt, 7), .stream = number_at(stmt, 8),
		.device = colon ? strtoll(colon + 1, NULL, 10) : IMPORTED_UNKNOWN, .name = text_at(stmt, 3), .process_name = text_at(stmt, 6) };
	lane->is_work = kind && strcmp(kind, "stream") == 0;
	lane->is_stream = kind && strncmp(kind, "stream", 6) == 0;
	if (!lane->name)
		lane->name = strdup("");
	if (!lane->name)
		return error_set(export->error, STATUS_NO_MEMORY, "no memory for the layout of the run");
	if (lane->id == lane->track)
		lane->thread_name = find_thread_name(lane);
	return STATUS_OK;
}

int imported_lanes_load(struct export *export, int64_t run, struct imported_lanes *ret_lanes)
{
	struct db_stmt *stmt = NULL;
	bool has_row = false;
	*ret_lanes = (struct imported_lanes){ 0 };
	int status = export_prepare(export, "SELECT l.id, min(l.id) OVER (PARTITION BY l.kind, l.process, l.thread, l.device, "
		"l.stream, l.context), l.kind,"
		" l.name, p.id, p.pid, p.name, l.thread, l.stream, d.name FROM lane l LEFT JOIN process p ON p.id = l.process LEFT JOIN device d"
		" ON d.id = l.device WHERE l.run = ?1 ORDER BY l.id", run, &stmt);
	while (status == STATUS_OK && (status = export_step(export, stmt, &has_row)) == STATUS_OK && has_row)
		status = read_lane(export, ret_lanes, stmt);
	db_finish(stmt);
	return status;
}

void imported_lanes_finish(struct imported_lanes *lanes)
{
	for (int i = 0; i < lanes->n; i++) {
		free(lanes->items[i].name);
		free(lanes->items[i].process_name);
		free(lanes->items[i].thread_name);
	}
	free(lanes->items);
	*lanes = (struct imported_lanes){ 0 };
}

static int compare_ids(const void *key, const void *item)
{
	int64_t a = *(const int64_t *)key, b = ((const struct imported_lane *)item)->id;
	return (a > b) - (a < b);
}

const struct imported_lane *imported_lanes_find(const struct imported_lanes *lanes, int64_t id)
{
	return lanes->n ? bsearch(&id, lanes->items, (size_t)lanes->n, sizeof *lanes->items, compare_ids) : NULL;
}

/* -- spans ------------------------------------------------------------------------------------------------------------------ */

int64_t imported_number(struct db_stmt *row, enum imported_column column)
{
	return number_at(row, (int)column);
}

int imported_spans(struct export *export, int64_t run, int (*each)(void *user, struct db_stmt *row), void *user)
{
#define X(name, sql) ", " sql
	static const char all[] = "SELECT NULL" IMPORTED_COLUMN_MAP(X) " FROM span s LEFT JOIN string t ON t.id = s.name LEFT "
		"JOIN string c ON c.id ="
		" s.category LEFT JOIN gpu_activity g ON g.span = s.id LEFT JOIN span a ON a.id = g.launch WHERE s.run = ?1 AND "
			"(NOT %d OR s.start_ns >="
		" (SELECT min(x.start_ns) FROM execution x WHERE x.run = ?1 AND x.execution BETWEEN ?2 AND ?3) AND s.start_ns < "
			"(SELECT max(x.end_ns) FROM"
		" execution x WHERE x.run = ?1 AND x.execution BETWEEN ?2 AND ?3)) ORDER BY s.id";
#undef X
	char sql[sizeof all + 16];
	struct db_stmt *stmt = NULL;
	bool has_row = false;
	snprintf(sql, sizeof sql, all, export->options->has_range);
	memmove(sql + strlen("SELECT "), sql + strlen("SELECT NULL, "), strlen(sql + strlen("SELECT NULL, ")) + 1);
	int status = export_prepare(export, sql, run, &stmt);
	while (status == STATUS_OK && (status = export_step(export, stmt, &has_row)) == STATUS_OK && has_row) {
		status = each(user, stmt);
		if (status == STATUS_OK)
			status = export_row(export);
	}
	db_finish(stmt);
	return status;
}

/* -- the walk --------------------------------------------------------------------------------------------------------------- */

struct walk {
	struct export_writer *writer;
	const struct export_writer_ops *ops;
	struct imported_lanes lanes;
	int64_t *free_ns;          /* [lanes.n] of lanes of work, where what overlaps is cut */
	struct export_model model;
};

static void note(struct export_event *event, int key, int64_t number)
{
	if (number != IMPORTED_UNKNOWN && event->n_notes < EXPORT_NOTES_MAX)
		event->notes[event->n_notes++] = (struct export_note){ .key = key, .number = number };
}

static void note_text(struct export_event *event, int key, const char *text)
{
	if (text && *text && event->n_notes < EXPORT_NOTES_MAX)
		event->notes[event->n_notes++] = (struct export_note){ .key = key, .text = text };
}

static void cut(struct walk *walk, const struct imported_lane *lane, struct export_event *event)
{
	int64_t *free_ns = &walk->free_ns[lane - walk->lanes.items], cut_ns = *free_ns > event->time_ns ? *free_ns - event->time_ns : 0;
	event->time_ns += cut_ns;
	if (event->end_ns < event->time_ns)
		event->end_ns = event->time_ns;
	*free_ns = event->end_ns;
	walk->writer->export->result->n_moved += cut_ns != 0;
	if (cut_ns)
		note(event, EXPORT_KEY_CUT, cut_ns);
}

static int write_span(void *user, struct db_stmt *row)
{
	struct walk *walk = user;
	const struct imported_lane *lane = imported_lanes_find(&walk->lanes, imported_number(row, IMPORTED_LANE));
	char sizes[2][80];
	if (!lane)
		return STATUS_OK;
	const char *name = db_column_text(row, IMPORTED_NAME), *category = db_column_text(row, IMPORTED_CATEGORY);
	int64_t kind = imported_number(row, IMPORTED_KIND), launch = imported_number(row, IMPORTED_LAUNCH);
	struct export_event event = { .track = { EXPORT_TRACK_LANE, lane->track }, .time_ns = imported_number(row, IMPORTED_START),
		.name = name ? name : "", .category = category ? category : "", .name_number = EXPORT_NAME_NONE,
			.category_number = EXPORT_NAME_NONE };
	event.end_ns = event.time_ns + imported_number(row, IMPORTED_DURATION);
	note_text(&event, EXPORT_KEY_CATEGORY, category);
	note(&event, EXPORT_KEY_CORRELATION, imported_number(row, IMPORTED_CORRELATION));
	note(&event, EXPORT_KEY_EXTERNAL, imported_number(row, IMPORTED_EXTERNAL));
	note(&event, EXPORT_KEY_SIZE, imported_number(row, IMPORTED_BYTES));
	note(&event, EXPORT_KEY_GRAPH_NODE, imported_number(row, IMPORTED_GRAPH_NODE));
	for (int i = 0; i < 2; i++) {
		const int64_t first = imported_number(row, i ? IMPORTED_BLOCK_X : IMPORTED_GRID_X);
		if (first == IMPORTED_UNKNOWN)
			continue;
		snprintf(sizes[i], sizeof sizes[i], "%" PRId64 " x %" PRId64 " x %" PRId64, first, imported_number(row,
			i ? IMPORTED_BLOCK_Y : IMPORTED_GRID_Y),
			imported_number(row, i ? IMPORTED_BLOCK_Z : IMPORTED_GRID_Z));
		note_text(&event, i ? EXPORT_KEY_BLOCK : EXPORT_KEY_GRID, sizes[i]);
	}
	note_text(&event, EXPORT_KEY_TEXT, db_column_text(row, IMPORTED_ARGS));
	if (kind == SPAN_KIND_API && imported_number(row, IMPORTED_CORRELATION) != IMPORTED_UNKNOWN)
		event.launch_out = export_launch_id(imported_number(row, IMPORTED_ID));
	if (launch != IMPORTED_UNKNOWN)
		event.launch_in = export_launch_id(launch);
	if (lane->is_work)
		cut(walk, lane, &event);
	if (kind == SPAN_KIND_EVENT) {
		walk->ops->instant(walk->writer, &event);
		return STATUS_OK;
	}
	walk->ops->open(walk->writer, &event);
	walk->ops->close(walk->writer, &event);
	return STATUS_OK;
}

static int make_model(struct walk *walk, const struct trace_run *run)
{
	walk->model = (struct export_model){ .run = run };
	walk->model.lanes = calloc((size_t)walk->lanes.n + 1, sizeof *walk->model.lanes);
	walk->free_ns = calloc((size_t)walk->lanes.n + 1, sizeof *walk->free_ns);
	if (!walk->model.lanes || !walk->free_ns)
		return error_set(walk->writer->export->error, STATUS_NO_MEMORY, "no memory for the layout of the run");
	for (int i = 0; i < walk->lanes.n; i++) {
		const struct imported_lane *lane = &walk->lanes.items[i];
		walk->free_ns[i] = INT64_MIN;
		if (lane->id != lane->track)
			continue;
		char *label = strdup(lane->name);
		if (!label)
			return error_set(walk->writer->export->error, STATUS_NO_MEMORY, "no memory for the layout of the run");
		walk->model.lanes[walk->model.n_lanes++] = (struct export_lane){ .id = lane->id, .worker = EXPORT_NO_WORKER, .label = label };
	}
	return STATUS_OK;
}

int export_imported_walk(struct export_writer *writer, const struct export_writer_ops *ops, const struct trace_run *run)
{
	struct walk walk = { .writer = writer, .ops = ops };
	int status = imported_lanes_load(writer->export, run->id, &walk.lanes);
	if (status == STATUS_OK)
		status = make_model(&walk, run);
	if (status == STATUS_OK) {
		writer->model = &walk.model;
		ops->begin_run(writer);
		status = imported_spans(writer->export, run->id, write_span, &walk);
	}
	if (status == STATUS_OK)
		status = export_counters(writer, ops);
	imported_lanes_finish(&walk.lanes);
	export_model_finish(&walk.model);
	free(walk.free_ns);
	return status;
}
