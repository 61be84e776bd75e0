/* SPDX-License-Identifier: Apache-2.0
 *
 * export_counters: what a trace says about quantities over time, in order of time: executions in flight from their starts and ends,
 * fill of channels from the ops of their writers and readers (opstats.h counts it in the same way), and recorded counters.
 */
#include <stdlib.h>

#include "traces/export_timeline.h"

struct counters {
	struct export *export;
	const struct export_model *model;
	const struct export_writer_ops *ops;
	struct export_writer *writer;
};

/* -- executions in flight --------------------------------------------------------------------------------------------- */

static int count_in_flight(struct counters *counters)
{
	struct export_track track = { EXPORT_TRACK_IN_FLIGHT, counters->model->run->id };
	const char *name = "executions in flight";
	struct db_stmt *stmt = NULL;
	bool has_row = false, has_time = false;
	int64_t n = 0, time_ns = 0;
	counters->ops->declare_counter(counters->writer, track, name, "executions");
	/* Results come in order: one without an end before one with an end has lost the record of it, and is not in flight for ever. */
	int status = export_prepare(counters->export, "SELECT start_ns, 1 FROM execution WHERE run = ?1 AND execution BETWEEN ?2 AND ?3"
		" AND start_ns IS NOT NULL AND (end_ns IS NOT NULL OR execution > (SELECT coalesce(max(execution), -1) FROM execution"
		" WHERE run = ?1 AND end_ns IS NOT NULL)) UNION ALL SELECT end_ns, -1 FROM execution WHERE run = ?1 AND execution BETWEEN ?2 AND ?3"
		" AND start_ns IS NOT NULL AND end_ns IS NOT NULL ORDER BY 1", counters->model->run->id, &stmt);
	while (status == STATUS_OK && (status = export_step(counters->export, stmt, &has_row)) == STATUS_OK && has_row) {
		if (has_time && db_column_int(stmt, 0) != time_ns)
			counters->ops->counter(counters->writer, track, name, time_ns, (double)n);
		n += db_column_int(stmt, 1);
		time_ns = db_column_int(stmt, 0);
		has_time = true;
	}
	if (has_time)
		counters->ops->counter(counters->writer, track, name, time_ns, (double)n);
	db_finish(stmt);
	return status;
}

/* -- fill of channels ------------------------------------------------------------------------------------------------- */

/* The last execution that was written into a channel, and that each reader has released; the fill is what lies between. */
struct fill {
	int64_t written, *released;
	int64_t shown;
	char *name;
};

/* Ops of one lane in order of the moment when they had released their inputs and were about to publish. */
struct cursor {
	struct db_stmt *stmt;
	bool has_row;
	int node;
	int64_t execution, time_ns;
};

static int advance(struct counters *counters, struct cursor *cursor)
{
	int status = export_step(counters->export, cursor->stmt, &cursor->has_row);
	if (status != STATUS_OK || !cursor->has_row)
		return status;
	cursor->node = export_model_node(counters->model, db_column_int(cursor->stmt, 2));
	cursor->execution = db_column_int(cursor->stmt, 3);
	cursor->time_ns = db_column_int(cursor->stmt, 0) + db_column_int(cursor->stmt, 1);
	/* The caller's `input` writes into the slots and then publishes; for workers `write` is waking those who sleep for it. */
	if (cursor->node >= 0 && !counters->model->nodes[cursor->node].is_input)
		cursor->time_ns -= db_column_int(cursor->stmt, 4);
	return STATUS_OK;
}

static void show(struct counters *counters, struct fill *fill, int channel_idx, int64_t time_ns)
{
	const struct export_channel *channel = &counters->model->channels[channel_idx];
	int64_t least = fill->released[0];
	for (int i = 1; i < channel->n_readers; i++) {
		if (fill->released[i] < least)
			least = fill->released[i];
	}
	int64_t value = fill->written > least ? fill->written - least : 0;
	if (value == fill->shown)
		return;
	fill->shown = value;
	struct export_track track = { EXPORT_TRACK_FILL, channel->id };
	counters->ops->counter(counters->writer, track, fill->name, time_ns, (double)value);
}

static void take(struct counters *counters, struct fill *fills, const struct cursor *cursor)
{
	const struct export_node *node = &counters->model->nodes[cursor->node];
	for (int i = 0; i < node->n_read; i++) {
		const struct export_channel *channel = &counters->model->channels[node->read[i]];
		struct fill *fill = &fills[node->read[i]];
		for (int k = 0; k < channel->n_readers; k++) {
			if (channel->readers[k] == cursor->node && cursor->execution > fill->released[k])
				fill->released[k] = cursor->execution;
		}
		show(counters, fill, node->read[i], cursor->time_ns);
	}
	for (int i = 0; i < node->n_written; i++) {
		struct fill *fill = &fills[node->written[i]];
		if (!fill->released)
			continue;
		if (cursor->execution > fill->written)
			fill->written = cursor->execution;
		show(counters, fill, node->written[i], cursor->time_ns);
	}
}

static int merge_lanes(struct counters *counters, struct fill *fills, struct cursor *cursors)
{
	int n = counters->model->n_lanes, status = STATUS_OK;
	for (int i = 0; status == STATUS_OK && i < n; i++)
		status = advance(counters, &cursors[i]);
	while (status == STATUS_OK) {
		struct cursor *next = NULL;
		for (int i = 0; i < n; i++) {
			if (cursors[i].has_row && (!next || cursors[i].time_ns < next->time_ns))
				next = &cursors[i];
		}
		if (!next)
			break;
		if (next->node >= 0)
			take(counters, fills, next);
		status = export_row(counters->export);
		if (status == STATUS_OK)
			status = advance(counters, next);
	}
	return status;
}

static bool make_fill(struct counters *counters, struct fill *fill, int channel_idx, int64_t first)
{
	const struct export_channel *channel = &counters->model->channels[channel_idx];
	struct strbuf name = STRBUF_INIT;
	*fill = (struct fill){ .written = first - 1, .shown = -1 };
	if (!channel->n_readers)
		return true;
	fill->released = malloc((size_t)channel->n_readers * sizeof(*fill->released));
	for (int i = 0; fill->released && i < channel->n_readers; i++)
		fill->released[i] = first - 1;
	strbuf_addf(&name, "fill of %s", channel->name);
	fill->name = strbuf_take(&name);
	counters->ops->declare_counter(counters->writer, (struct export_track){ EXPORT_TRACK_FILL, channel->id },
		fill->name ? fill->name : "", "messages");
	return fill->released && fill->name;
}

static int count_fills(struct counters *counters, int64_t first)
{
	const struct export_model *model = counters->model;
	struct fill *fills = calloc((size_t)model->n_channels + 1, sizeof(*fills));
	struct cursor *cursors = calloc((size_t)model->n_lanes + 1, sizeof(*cursors));
	bool has_memory = fills && cursors;
	for (int i = 0; has_memory && i < model->n_channels; i++)
		has_memory = make_fill(counters, &fills[i], i, first);
	int status = has_memory ? STATUS_OK : error_set(counters->export->error, STATUS_NO_MEMORY, "no memory for the counters");
	for (int i = 0; status == STATUS_OK && i < model->n_lanes; i++)
		status = export_prepare(counters->export, "SELECT start_ns, duration_ns, node, execution, coalesce(write_ns, 0)"
			" FROM op_event WHERE lane = ?1 AND execution BETWEEN ?2 AND ?3 ORDER BY start_ns", model->lanes[i].id,
			&cursors[i].stmt);
	if (status == STATUS_OK)
		status = merge_lanes(counters, fills, cursors);
	for (int i = 0; cursors && i < model->n_lanes; i++)
		db_finish(cursors[i].stmt);
	for (int i = 0; fills && i < model->n_channels; i++) {
		free(fills[i].released);
		free(fills[i].name);
	}
	free(fills);
	free(cursors);
	return status;
}

/* Where executions in between were not recorded, nothing can be said about a channel's fill. */
static int find_gaps(struct counters *counters, int64_t *ret_first, bool *ret_has_gaps)
{
	struct db_stmt *stmt = NULL;
	bool has_row = false;
	int status = export_prepare(counters->export, "SELECT min(execution), max(execution) - min(execution) + 1 <> count(*) FROM"
		" execution WHERE run = ?1 AND execution BETWEEN ?2 AND ?3", counters->model->run->id, &stmt);
	if (status == STATUS_OK)
		status = export_step(counters->export, stmt, &has_row);
	*ret_first = status == STATUS_OK && has_row ? db_column_int(stmt, 0) : 0;
	*ret_has_gaps = status == STATUS_OK && has_row && db_column_int(stmt, 1);
	db_finish(stmt);
	return status;
}

/* -- recorded counters ------------------------------------------------------------------------------------------------ */

static int declare_recorded(struct counters *counters, int64_t name_id, int64_t lane, const char *name)
{
	struct db_stmt *stmt = NULL;
	bool has_row = false;
	struct export_track track = { EXPORT_TRACK_RECORDED, counters->model->run->id << 40 | lane << 16 | name_id };
	counters->ops->declare_counter(counters->writer, track, name, "");
	int status = export_prepare(counters->export, "SELECT time_ns, value FROM counter WHERE run = ?1 AND name = ?4 AND"
		" coalesce(lane, 0) = ?5 AND ?2 <= ?3 ORDER BY time_ns", counters->model->run->id, &stmt);
	if (status == STATUS_OK) {
		db_bind_int(stmt, 4, name_id);
		db_bind_int(stmt, 5, lane);
	}
	while (status == STATUS_OK && (status = export_step(counters->export, stmt, &has_row)) == STATUS_OK && has_row) {
		counters->ops->counter(counters->writer, track, name, db_column_int(stmt, 0), db_column_real(stmt, 1));
		status = export_row(counters->export);
	}
	db_finish(stmt);
	return status;
}

static int copy_recorded(struct counters *counters)
{
	struct db_stmt *stmt = NULL;
	bool has_row = false;
	if (counters->export->options->has_range)
		return STATUS_OK;
	int status = export_prepare(counters->export, "SELECT c.name, coalesce(c.lane, 0), s.text || coalesce(' of ' || l.name, '')"
		" FROM (SELECT DISTINCT name, lane FROM counter WHERE run = ?1 AND ?2 <= ?3) c JOIN string s ON s.id = c.name"
		" LEFT JOIN lane l ON l.id = c.lane", counters->model->run->id, &stmt);
	while (status == STATUS_OK && (status = export_step(counters->export, stmt, &has_row)) == STATUS_OK && has_row)
		status = declare_recorded(counters, db_column_int(stmt, 0), db_column_int(stmt, 1), db_column_text(stmt, 2));
	db_finish(stmt);
	return status;
}

int export_counters(struct export_writer *writer, const struct export_writer_ops *ops)
{
	struct counters counters = { .export = writer->export, .model = writer->model, .ops = ops, .writer = writer };
	int64_t first = 0;
	bool has_gaps = false;
	int status = count_in_flight(&counters);
	if (status == STATUS_OK)
		status = find_gaps(&counters, &first, &has_gaps);
	if (status == STATUS_OK && has_gaps)
		writer->export->result->n_gapped++;
	else if (status == STATUS_OK)
		status = count_fills(&counters, first);
	return status == STATUS_OK ? copy_recorded(&counters) : status;
}
