/* SPDX-License-Identifier: Apache-2.0
 *
 * export_timeline: the walk over a run: each lane's ops with their phases, what fills it between them, the waits, the messages.
 */
#include "traces/export_timeline.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "traces/export_imported.h"

const char *export_key_word(int key)
{
	static const char *const words[EXPORT_KEY_COUNT] = {
#define X(name, word) [EXPORT_KEY_##name] = word,
		EXPORT_KEY_MAP(X)
#undef X
#define X(name, word) [EXPORT_KEY_PHASE + OP_PHASE_##name] = word "_ns",
		OP_PHASE_MAP(X)
#undef X
	};
	return words[key];
}

const char *export_name(const struct export_model *model, int number)
{
	int node = (number - PHASE_COUNT) / 2;
	if (number < PHASE_COUNT)
		return phase_word((enum phase)number);
	if (node >= model->n_nodes)
		return NULL;
	return (number - PHASE_COUNT) % 2 ? model->nodes[node].op : model->nodes[node].name;
}

struct walk {
	struct export *export;
	const struct export_model *model;
	const struct export_writer_ops *ops;
	struct export_writer *writer;
};

static void note_number(struct export_event *event, int key, int64_t number)
{
	if (event->n_notes < EXPORT_NOTES_MAX)
		event->notes[event->n_notes++] = (struct export_note){ .key = key, .number = number };
}

static void note_text(struct export_event *event, int key, const char *text)
{
	if (text && event->n_notes < EXPORT_NOTES_MAX)
		event->notes[event->n_notes++] = (struct export_note){ .key = key, .text = text };
}

/* -- ops -------------------------------------------------------------------------------------------------------------- */

/* The order in which the engine goes through an op's phases; the trace keeps how long each took in all (doc/export.md). */
static const struct {
	enum op_phase phase;
	enum phase name;
	bool is_wait;
} order[] = {
	{ OP_PHASE_STARVED, PHASE_STARVED, true }, { OP_PHASE_BACKPRESSURE, PHASE_BACKPRESSURE, true },
	{ OP_PHASE_LATE_RANK, PHASE_LATE_RANK, true }, { OP_PHASE_DISPATCH, PHASE_DISPATCH, true },
	{ OP_PHASE_SERIALISE, PHASE_SERIALISE, false }, { OP_PHASE_FETCH, PHASE_FETCH, false },
	{ OP_PHASE_ALLOCATE, PHASE_ALLOCATE, false }, { OP_PHASE_READ, PHASE_READ, false },
	{ OP_PHASE_LAUNCH, PHASE_LAUNCH, false }, { OP_PHASE_COMPUTE, PHASE_COMPUTE, false },
	{ OP_PHASE_COLLECTIVE, PHASE_COLLECTIVE, false }, { OP_PHASE_SYNC, PHASE_SYNC, false },
	{ OP_PHASE_DEBUG, PHASE_DEBUG, false }, { OP_PHASE_WRITE, PHASE_WRITE, false },
	{ OP_PHASE_RECORDER, PHASE_RECORDER, false }, { OP_PHASE_UNKNOWN, PHASE_UNKNOWN, false },
};
static_assert(ARRAY_LEN(order) == OP_PHASE_COUNT, "every phase has its place");

#define WORK_FIRST 4 /* of `order` */

struct op {
	int node;
	int64_t execution, start_ns, end_ns, status;
	int64_t phase_ns[OP_PHASE_COUNT];
	int64_t cut_ns; /* of its beginning, which another event covers */
};

static void set_flows_out(struct export_event *event, const struct export_node *node)
{
	event->flows_out = node->out;
	event->n_flows_out = node->n_out;
}

static void set_flows_in(struct export_event *event, const struct export_node *node)
{
	event->flows_in = node->in;
	event->n_flows_in = node->n_in;
}

/* Index in `order` of the first phase that is no wait, in which an op takes its inputs; -1: none. */
static int find_first_work(const struct op *op)
{
	for (int i = WORK_FIRST; i < OP_PHASE_COUNT; i++) {
		if (op->phase_ns[order[i].phase])
			return i;
	}
	return -1;
}

/* The phase in which it makes its outputs. */
static int find_maker(const struct op *op, int first_work)
{
	for (int i = 0; i < OP_PHASE_COUNT; i++) {
		bool makes = order[i].phase == OP_PHASE_COMPUTE || order[i].phase == OP_PHASE_COLLECTIVE;
		if (makes && op->phase_ns[order[i].phase])
			return i;
	}
	return first_work;
}

static void write_phases(struct walk *walk, const struct op *op, const struct export_event *whole, int taker, int maker)
{
	const struct export_node *node = &walk->model->nodes[op->node];
	int64_t at_ns = op->start_ns - op->cut_ns;
	for (int i = 0; i < OP_PHASE_COUNT; i++) {
		int64_t end_ns = at_ns + op->phase_ns[order[i].phase];
		if (end_ns == at_ns)
			continue;
		struct export_event event = { .track = whole->track, .time_ns = at_ns > op->start_ns ? at_ns : op->start_ns,
			.end_ns = end_ns > op->start_ns ? end_ns : op->start_ns, .name = phase_word(order[i].name),
			.category = order[i].is_wait ? "wait" : "phase", .name_number = (int)order[i].name,
			.category_number = EXPORT_NAME_NONE, .execution = op->execution };
		if (i == maker)
			set_flows_out(&event, node);
		if (i == taker)
			set_flows_in(&event, node);
		walk->ops->open(walk->writer, &event);
		walk->ops->close(walk->writer, &event);
		at_ns = end_ns;
	}
}

static void write_op(struct walk *walk, const struct export_lane *lane, const struct op *op)
{
	const struct export_node *node = &walk->model->nodes[op->node];
	struct export_event event = { .track = { EXPORT_TRACK_LANE, lane->id }, .time_ns = op->start_ns, .end_ns = op->end_ns,
		.name = node->name, .category = node->op, .name_number = export_name_of_node(op->node),
		.category_number = export_name_of_op(op->node), .execution = op->execution };
	int n_phases = 0, first_work = find_first_work(op), maker = find_maker(op, first_work);
	int taker = node->is_output ? -1 : first_work; /* the caller does other things while it waits for the results */
	note_number(&event, EXPORT_KEY_EXECUTION, op->execution);
	if (op->status)
		note_text(&event, EXPORT_KEY_STATUS, status_word((int)op->status));
	if (node->bytes)
		note_number(&event, EXPORT_KEY_BYTES, node->bytes);
	if (op->cut_ns)
		note_number(&event, EXPORT_KEY_CUT, op->cut_ns);
	for (int i = 0; i < OP_PHASE_COUNT; i++) {
		if (op->phase_ns[order[i].phase]) {
			n_phases++;
			note_number(&event, EXPORT_KEY_PHASE + (int)order[i].phase, op->phase_ns[order[i].phase]);
		}
	}
	bool has_children = n_phases > 1;
	if (maker < 0 || !has_children)
		set_flows_out(&event, node);
	if (taker < 0 || !has_children)
		set_flows_in(&event, node);
	walk->ops->open(walk->writer, &event);
	if (has_children)
		write_phases(walk, op, &event, taker, maker);
	walk->ops->close(walk->writer, &event);
}

/* -- lanes ------------------------------------------------------------------------------------------------------------ */

#define PHASE_COLUMN(name, word) ", coalesce(" word "_ns, 0)"
#define SPAN_COLUMNS "start_ns, duration_ns, kind, node, execution, edge, channel, cause, peer, slot, id"

static bool read_op(const struct walk *walk, struct db_stmt *stmt, struct op *op)
{
	*op = (struct op){ .node = export_model_node(walk->model, db_column_int(stmt, 2)), .execution = db_column_int(stmt, 3),
		.start_ns = db_column_int(stmt, 0), .status = db_column_int(stmt, 4) };
	op->end_ns = op->start_ns + db_column_int(stmt, 1);
	for (int i = 0; i < OP_PHASE_COUNT; i++)
		op->phase_ns[i] = db_column_int(stmt, 5 + i);
	return op->node >= 0;
}

/* An event cannot begin before the one before it on its track has ended; what is in the way is cut off. */
static int64_t cut(struct walk *walk, int64_t *start_ns, int64_t *end_ns, int64_t *free_ns)
{
	int64_t cut_ns = *start_ns < *free_ns ? *free_ns - *start_ns : 0;
	*start_ns += cut_ns;
	if (*end_ns < *start_ns)
		*end_ns = *start_ns;
	*free_ns = *end_ns;
	walk->export->result->n_moved += cut_ns != 0;
	return cut_ns;
}

static void write_filler(struct walk *walk, const struct export_lane *lane, struct db_stmt *stmt, int64_t *free_ns)
{
	int64_t kind = db_column_int(stmt, 2);
	struct export_event event = { .track = { EXPORT_TRACK_LANE, lane->id }, .time_ns = db_column_int(stmt, 0),
		.category = "lane", .name_number = (int)kind, .category_number = EXPORT_NAME_NONE };
	if (kind < 0 || kind >= PHASE_COUNT)
		return;
	event.end_ns = event.time_ns + db_column_int(stmt, 1);
	event.name = phase_word((enum phase)kind);
	if (db_column_type(stmt, 4) != DB_NULL && db_column_int(stmt, 4) >= 0)
		note_number(&event, EXPORT_KEY_EXECUTION, db_column_int(stmt, 4));
	int64_t cut_ns = cut(walk, &event.time_ns, &event.end_ns, free_ns);
	if (cut_ns)
		note_number(&event, EXPORT_KEY_CUT, cut_ns);
	walk->ops->open(walk->writer, &event);
	walk->ops->close(walk->writer, &event);
}

/* Two sequences in order of time, merged. */
static int merge_lane(struct walk *walk, const struct export_lane *lane, struct db_stmt *ops, struct db_stmt *spans)
{
	bool has_op = false, has_span = false;
	int64_t free_ns = INT64_MIN;
	int status = export_step(walk->export, ops, &has_op);
	if (status == STATUS_OK)
		status = export_step(walk->export, spans, &has_span);
	while (status == STATUS_OK && (has_op || has_span)) {
		struct op op;
		bool takes_op = has_op && (!has_span || db_column_int(ops, 0) < db_column_int(spans, 0));
		if (!takes_op) {
			write_filler(walk, lane, spans, &free_ns);
			status = export_row(walk->export);
			if (status == STATUS_OK)
				status = export_step(walk->export, spans, &has_span);
			continue;
		}
		if (read_op(walk, ops, &op)) {
			op.cut_ns = cut(walk, &op.start_ns, &op.end_ns, &free_ns);
			write_op(walk, lane, &op);
		}
		status = export_row(walk->export);
		if (status == STATUS_OK)
			status = export_step(walk->export, ops, &has_op);
	}
	return status;
}

static int walk_lane(struct walk *walk, const struct export_lane *lane)
{
	struct db_stmt *ops = NULL, *spans = NULL;
	int status = export_prepare(walk->export, "SELECT start_ns, duration_ns, node, execution, status" OP_PHASE_MAP(PHASE_COLUMN)
		" FROM op_event WHERE lane = ?1 AND execution BETWEEN ?2 AND ?3 ORDER BY start_ns", lane->id, &ops);
	if (status == STATUS_OK)
		status = export_prepare(walk->export, walk->export->options->has_range ?
			"SELECT " SPAN_COLUMNS " FROM span WHERE lane = ?1 AND kind < 100 AND execution BETWEEN ?2 AND ?3 ORDER BY start_ns" :
			"SELECT " SPAN_COLUMNS " FROM span WHERE lane = ?1 AND kind < 100 ORDER BY start_ns", lane->id, &spans);
	if (status == STATUS_OK)
		status = merge_lane(walk, lane, ops, spans);
	db_finish(ops);
	db_finish(spans);
	return status;
}

/* -- waits ------------------------------------------------------------------------------------------------------------ */

static void write_wait(struct walk *walk, const struct export_lane *lane, struct db_stmt *stmt, int64_t *free_ns)
{
	int node = export_model_node(walk->model, db_column_int(stmt, 3)), edge = export_model_edge(walk->model, db_column_int(stmt, 5));
	int channel = export_model_channel(walk->model, db_column_int(stmt, 6));
	int peer = export_model_lane_of_worker(walk->model, db_column_int(stmt, 8));
	int64_t cause = db_column_int(stmt, 7);
	struct export_event event = { .track = { EXPORT_TRACK_WAITS, lane->id }, .time_ns = db_column_int(stmt, 0),
		.category = "stall", .name_number = (int)cause, .category_number = EXPORT_NAME_NONE };
	if (cause < 0 || cause >= PHASE_COUNT)
		return;
	event.name = phase_word((enum phase)cause);
	event.end_ns = event.time_ns + db_column_int(stmt, 1);
	if (db_column_type(stmt, 4) != DB_NULL)
		note_number(&event, EXPORT_KEY_EXECUTION, db_column_int(stmt, 4));
	note_text(&event, EXPORT_KEY_NODE, node < 0 ? NULL : walk->model->nodes[node].name);
	note_text(&event, EXPORT_KEY_EDGE, edge < 0 ? NULL : walk->model->edges[edge].name);
	note_text(&event, EXPORT_KEY_CHANNEL, channel < 0 ? NULL : walk->model->channels[channel].name);
	note_text(&event, EXPORT_KEY_PEER, peer < 0 ? NULL : walk->model->lanes[peer].label);
	if (channel >= 0 && db_column_type(stmt, 9) != DB_NULL)
		note_number(&event, EXPORT_KEY_SLOT, db_column_int(stmt, 9));
	note_text(&event, EXPORT_KEY_ROOT, db_column_text(stmt, 11));
	int64_t cut_ns = cut(walk, &event.time_ns, &event.end_ns, free_ns);
	if (cut_ns)
		note_number(&event, EXPORT_KEY_CUT, cut_ns);
	walk->ops->open(walk->writer, &event);
	walk->ops->close(walk->writer, &event);
}

static int walk_waits(struct walk *walk, const struct export_lane *lane)
{
	struct db_stmt *stmt = NULL;
	bool has_row = false;
	int64_t free_ns = INT64_MIN;
	int status = export_prepare(walk->export, "SELECT " SPAN_COLUMNS ", (SELECT CASE t.root WHEN 1 THEN n.name WHEN 2 THEN e.name"
		" WHEN 3 THEN 'caller' ELSE 'unknown' END FROM stall_root t LEFT JOIN node n ON n.id = t.node LEFT JOIN edge e ON"
		" e.id = t.edge WHERE t.span = s.id) FROM (SELECT * FROM span WHERE lane = ?1 AND kind = 100 AND"
		" coalesce(execution, 0) BETWEEN ?2 AND ?3) s ORDER BY start_ns", lane->id, &stmt);
	while (status == STATUS_OK && (status = export_step(walk->export, stmt, &has_row)) == STATUS_OK && has_row) {
		write_wait(walk, lane, stmt, &free_ns);
		status = export_row(walk->export);
	}
	db_finish(stmt);
	return status;
}

/* -- instants --------------------------------------------------------------------------------------------------------- */

static struct export_track track_of_worker(const struct walk *walk, struct db_stmt *stmt, int column)
{
	int lane = db_column_type(stmt, column) == DB_NULL ? -1 :
		export_model_lane_of_worker(walk->model, db_column_int(stmt, column));
	if (lane < 0)
		return (struct export_track){ EXPORT_TRACK_RUN, walk->model->run->id };
	return (struct export_track){ EXPORT_TRACK_LANE, walk->model->lanes[lane].id };
}

/* Columns: time, worker, name, execution, then texts and a number for the notes. */
static const struct instants {
	const char *category, *sql;
	int text_keys[3];
	int number_key;
} instants[] = {
	{ "log", "SELECT coalesce(g.time_ns, r.start_ns), g.worker, g.text, g.execution, g.level, n.name, NULL FROM log g JOIN run r"
	  " ON r.id = ?1 LEFT JOIN node n ON n.id = g.node WHERE g.run = ?1 AND (g.execution IS NULL OR g.execution"
	  " BETWEEN ?2 AND ?3) ORDER BY g.id", { EXPORT_KEY_LEVEL, EXPORT_KEY_NODE, EXPORT_KEY_TEXT }, EXPORT_KEY_RECORDS },
	{ "failure", "SELECT coalesce(f.time_ns, r.end_ns), n.worker, 'failed: ' || coalesce(n.name, s.word), f.execution, s.word,"
	  " n.name, f.text FROM failure f JOIN run r ON r.id = f.run JOIN status s ON s.id = f.status LEFT JOIN node n ON n.id ="
	  " f.node WHERE f.run = ?1 AND (f.execution IS NULL OR f.execution BETWEEN ?2 AND ?3) ORDER BY f.failure",
	  { EXPORT_KEY_STATUS, EXPORT_KEY_NODE, EXPORT_KEY_TEXT }, EXPORT_KEY_RECORDS },
	{ "loss", "SELECT r.end_ns, o.worker, o.n_records || ' records lost: ' || o.cause, NULL, o.cause, NULL, NULL, o.n_records"
	  " FROM loss o JOIN run r ON r.id = o.run WHERE o.run = ?1 AND o.n_records > 0 ORDER BY o.worker, o.cause",
	  { EXPORT_KEY_CAUSE, EXPORT_KEY_NODE, EXPORT_KEY_TEXT }, EXPORT_KEY_RECORDS },
	{ "run", "SELECT end_ns, NULL, 'the run ended: ' || status, NULL, status, NULL, message FROM run WHERE id = ?1 AND status <>"
	  " 'ok'", { EXPORT_KEY_STATUS, EXPORT_KEY_NODE, EXPORT_KEY_TEXT }, EXPORT_KEY_RECORDS },
};

static void write_instant(struct walk *walk, const struct instants *kind, struct db_stmt *stmt)
{
	struct export_event event = { .track = track_of_worker(walk, stmt, 1), .time_ns = db_column_int(stmt, 0),
		.category = kind->category, .name_number = EXPORT_NAME_NONE, .category_number = EXPORT_NAME_NONE };
	const char *name = db_column_text(stmt, 2);
	event.name = name ? name : "";
	if (db_column_type(stmt, 3) != DB_NULL)
		note_number(&event, EXPORT_KEY_EXECUTION, db_column_int(stmt, 3));
	for (int i = 0; i < 3; i++)
		note_text(&event, kind->text_keys[i], db_column_text(stmt, 4 + i));
	if (db_n_columns(stmt) > 7)
		note_number(&event, kind->number_key, db_column_int(stmt, 7));
	walk->ops->instant(walk->writer, &event);
}

static int walk_instants(struct walk *walk)
{
	int status = STATUS_OK;
	for (size_t i = 0; status == STATUS_OK && i < ARRAY_LEN(instants); i++) {
		struct db_stmt *stmt = NULL;
		bool has_row = false;
		status = export_prepare(walk->export, instants[i].sql, walk->model->run->id, &stmt);
		while (status == STATUS_OK && (status = export_step(walk->export, stmt, &has_row)) == STATUS_OK && has_row) {
			write_instant(walk, &instants[i], stmt);
			status = export_row(walk->export);
		}
		db_finish(stmt);
	}
	return status;
}

/* -- the whole -------------------------------------------------------------------------------------------------------- */

static int walk_run(struct walk *walk)
{
	int status = STATUS_OK;
	walk->ops->begin_run(walk->writer);
	for (int i = 0; status == STATUS_OK && i < walk->model->n_lanes; i++)
		status = walk_lane(walk, &walk->model->lanes[i]);
	for (int i = 0; status == STATUS_OK && i < walk->model->n_lanes; i++)
		status = walk_waits(walk, &walk->model->lanes[i]);
	if (status == STATUS_OK)
		status = walk_instants(walk);
	return status == STATUS_OK ? export_counters(walk->writer, walk->ops) : status;
}

int export_timeline(struct export *export)
{
	const struct export_writer_ops *ops =
		export->options->format == EXPORT_CHROME ? &export_writer_chrome : &export_writer_perfetto;
	struct export_writer writer = { .export = export };
	int status = ops->begin(&writer);
	for (int i = 0; status == STATUS_OK && i < export->trace->n_runs; i++) {
		const struct trace_run *run = &export->trace->runs[i];
		struct export_model model;
		struct walk walk = { .export = export, .model = &model, .ops = ops, .writer = &writer };
		if (export->options->run && export->options->run != run->id)
			continue;
		if (strcmp(run->mode, "imported") == 0) {
			status = export->options->format == EXPORT_CHROME ? export_imported_chrome(&writer, run)
									  : export_imported_walk(&writer, ops, run);
			continue;
		}
		status = export_model_load(export, run, &model);
		writer.model = &model;
		if (status == STATUS_OK)
			status = walk_run(&walk);
		export_model_finish(&model);
	}
	ops->end(&writer);
	return status;
}
