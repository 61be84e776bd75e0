/* SPDX-License-Identifier: Apache-2.0
 *
 * messages: reads the table `log`, the latest rows of one run.
 */
#include "traces/messages.h"

#include <stdlib.h>
#include <string.h>

static const char sql[] = "SELECT coalesce(g.time_ns, r.end_ns), l.id, g.level = 'error', g.text FROM log g JOIN run r ON r.id = g.run"
	" LEFT JOIN lane l ON l.run = g.run AND l.worker = g.worker AND l.kind = 'host'"
	" WHERE g.run = ?1 AND g.id > ?2 AND g.id <= ?3 AND g.level <> 'info' ORDER BY g.id DESC LIMIT ?4";

static int find_lane(const struct timeline *timeline, int64_t id)
{
	for (int i = 0; i < timeline->n_lanes; i++) {
		if (timeline->lanes[i].kind == TIMELINE_HOST && timeline->lanes[i].id == id)
			return i;
	}
	return TIMELINE_NONE;
}

static void forget_first(struct messages *messages)
{
	free(messages->items[0].text);
	memmove(messages->items, messages->items + 1, (size_t)--messages->n * sizeof(*messages->items));
}

static int add(struct messages *messages, const struct timeline *timeline, struct db_stmt *stmt, struct error *error)
{
	const char *text = db_column_text(stmt, 3);
	struct message message = { .time_ns = db_column_int(stmt, 0), .lane = TIMELINE_NONE, .is_error = db_column_int(stmt, 2) != 0,
		.text = strdup(text ? text : "") };
	if (!message.text)
		return error_set(error, STATUS_NO_MEMORY, "no memory for the messages of the run");
	if (db_column_type(stmt, 1) != DB_NULL)
		message.lane = find_lane(timeline, db_column_int(stmt, 1));
	if (messages->n == MESSAGES_MAX)
		forget_first(messages);
	messages->items[messages->n++] = message;
	return STATUS_OK;
}

static int compare(const void *a, const void *b)
{
	const struct message *left = a, *right = b;
	return (left->time_ns > right->time_ns) - (left->time_ns < right->time_ns);
}

int messages_read(struct messages *messages, const struct timeline *timeline, struct error *error)
{
	struct db_stmt *stmt = NULL;
	bool has_row = false;
	if (!messages->items)
		messages->items = calloc(MESSAGES_MAX, sizeof(*messages->items));
	if (!messages->items)
		return error_set(error, STATUS_NO_MEMORY, "no memory for the messages of the run");
	int64_t last_row = 0; /* of any level: rows are looked at once */
	int status = db_get_int(timeline->trace->db, "SELECT max(id) FROM log", &last_row, error);
	if (status != STATUS_OK || last_row <= messages->last_row)
		return status;
	status = db_prepare(timeline->trace->db, sql, NULL, error, &stmt);
	if (status != STATUS_OK)
		return status;
	db_bind_int(stmt, 1, timeline->run);
	db_bind_int(stmt, 2, messages->last_row);
	db_bind_int(stmt, 3, last_row);
	db_bind_int(stmt, 4, MESSAGES_MAX);
	status = db_step(stmt, &has_row, error);
	while (status == STATUS_OK && has_row) {
		status = add(messages, timeline, stmt, error);
		if (status == STATUS_OK)
			status = db_step(stmt, &has_row, error);
	}
	db_finish(stmt);
	if (status == STATUS_OK)
		messages->last_row = last_row;
	qsort(messages->items, (size_t)messages->n, sizeof(*messages->items), compare);
	return status;
}

void messages_finish(struct messages *messages)
{
	for (int i = 0; i < messages->n; i++)
		free(messages->items[i].text);
	free(messages->items);
	*messages = (struct messages){ 0 };
}

const struct message *messages_find(const struct messages *messages, int lane, int64_t from_ns, int64_t until_ns)
{
	const struct message *found = NULL;
	for (int i = messages->n - 1; i >= 0; i--) {
		const struct message *message = &messages->items[i];
		if (message->time_ns < from_ns || message->time_ns >= until_ns)
			continue;
		if (lane != TIMELINE_NONE && message->lane != TIMELINE_NONE && message->lane != lane)
			continue;
		if (!found || (message->is_error && !found->is_error))
			found = message;
	}
	return found;
}
