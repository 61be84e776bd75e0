/* SPDX-License-Identifier: Apache-2.0
 *
 * timeline_import: texts in a bounded table, facts by row.
 */
#include "traces/timeline_import.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/attributes.h"
#include "traces/timeline_private.h"

#define TEXT_SLOTS 4096   /* one text each */
#define ROWS_BEFORE 4096  /* work whose clock makes it begin before its call */

/* X(NAME, sql) */
#define IMPORT_STMT_MAP(X)                                                                                                  \
	X(TEXT, "SELECT text FROM string WHERE id = ?1")                                                                    \
	X(SPAN, "SELECT lane, kind, start_ns, duration_ns, bytes, class, name, category, execution FROM span WHERE id = "   \
		"?1 AND run = ?2")                                                                                          \
	X(FACTS, "SELECT s.correlation, s.external, l.context, g.grid_x, g.grid_y, g.grid_z, g.block_x, g.block_y, "        \
		 "g.block_z, g.copy_kind,"                                                                                  \
		 " g.graph, g.graph_node, g.launch FROM span s JOIN lane l ON l.id = s.lane LEFT JOIN gpu_activity g ON "   \
		 "g.span = s.id WHERE s.id = ?1")                                                                           \
	X(WORK, "SELECT span FROM gpu_activity WHERE span BETWEEN ?1 AND ?2 AND launch = ?3 ORDER BY span LIMIT 1")         \
	X(ARGS, "SELECT name, value FROM arg WHERE span = ?1 LIMIT ?2")

enum import_stmt {
#define X(name, sql) IMPORT_##name,
	IMPORT_STMT_MAP(X)
#undef X
	IMPORT_STMT_COUNT
};

struct timeline_texts {
	struct db_stmt *stmts[IMPORT_STMT_COUNT];
	struct text_slot {
		int64_t text;
		char *bytes;
	} slots[TEXT_SLOTS];
	/* the last call whose work was looked for, because that may take long */
	int64_t linked_row, link_row; /* link_row 0: none was found */
};

static int get_stmt(struct timeline *timeline, enum import_stmt which, struct error *error, struct db_stmt **ret_stmt)
{
	static const char *const statements[] = {
#define X(name, sql) sql,
		IMPORT_STMT_MAP(X)
#undef X
	};
	struct timeline_store *store = timeline->store;
	if (!store->texts)
		store->texts = calloc(1, sizeof(*store->texts));
	if (!store->texts)
		return error_set(error, STATUS_NO_MEMORY, "no memory for the names of the trace");
	struct db_stmt **stmt = &store->texts->stmts[which];
	int status = *stmt ? STATUS_OK : db_prepare(store->db, statements[which], NULL, error, stmt);
	*ret_stmt = *stmt;
	return status;
}

void timeline_texts_finish(struct timeline *timeline)
{
	struct timeline_texts *texts = timeline->store->texts;
	for (int i = 0; texts && i < IMPORT_STMT_COUNT; i++)
		db_finish(texts->stmts[i]);
	for (int i = 0; texts && i < TEXT_SLOTS; i++)
		free(texts->slots[i].bytes);
	free(texts);
	timeline->store->texts = NULL;
}

/* -- texts --------------------------------------------------------------------------------------------------------------------- */

static char *read_text(struct timeline *timeline, int64_t text)
{
	struct db_stmt *stmt = NULL;
	bool has_row = false;
	char *bytes = NULL;
	if (get_stmt(timeline, IMPORT_TEXT, NULL, &stmt) != STATUS_OK)
		return NULL;
	db_bind_int(stmt, 1, text);
	if (db_step(stmt, &has_row, NULL) == STATUS_OK && has_row && db_column_text(stmt, 0))
		bytes = strndup(db_column_text(stmt, 0), TIMELINE_TEXT_BYTES_MAX);
	db_reset(stmt);
	return bytes;
}

const char *timeline_text(struct timeline *timeline, int64_t text)
{
	struct timeline_texts *texts = timeline->store->texts;
	if (text <= 0)
		return "";
	struct text_slot *slot = texts ? &texts->slots[text % TEXT_SLOTS] : NULL;
	if (slot && slot->text == text && slot->bytes)
		return slot->bytes;
	char *bytes = read_text(timeline, text);
	texts = timeline->store->texts;
	if (!texts || !bytes) {
		free(bytes);
		return "";
	}
	slot = &texts->slots[text % TEXT_SLOTS];
	free(slot->bytes);
	*slot = (struct text_slot){ text, bytes };
	return bytes;
}

int64_t timeline_whole_name(struct timeline *timeline, const struct timeline_span *span)
{
	char name[80];
	if (span->kind != SPAN_KIND_KERNEL || span->category <= 0)
		return span->name;
	snprintf(name, sizeof(name), "%s", timeline_text(timeline, span->name));
	return strstr(timeline_text(timeline, span->category), name) ? span->category : span->name;
}

int timeline_texts_with(struct timeline *timeline, const char *part, uint8_t **ret_flags, int64_t *ret_n, bool *ret_any, struct error *error)
{
	struct db *db = timeline->store->db;
	struct db_stmt *stmt = NULL;
	int64_t n = 0;
	bool has_row = false;
	*ret_any = false;
	int status = db_get_int(db, "SELECT coalesce(max(id), 0) FROM string", &n, error);
	uint8_t *flags = status == STATUS_OK ? calloc((size_t)n + 1, 1) : NULL;
	if (status == STATUS_OK && !flags)
		status = error_set(error, STATUS_NO_MEMORY, "no memory for the names of the trace");
	if (status == STATUS_OK)
		status = db_prepare(db, "SELECT id, text FROM string ORDER BY id", NULL, error, &stmt);
	while (status == STATUS_OK && (status = db_step(stmt, &has_row, error)) == STATUS_OK && has_row) {
		int64_t text = db_column_int(stmt, 0);
		const char *bytes = db_column_text(stmt, 1);
		if (text < 1 || text > n || !bytes || !strcasestr(bytes, part))
			continue;
		flags[text] = 1;
		*ret_any = true;
	}
	db_finish(stmt);
	if (status != STATUS_OK) {
		free(flags);
		return status;
	}
	*ret_flags = flags;
	*ret_n = n;
	return STATUS_OK;
}

/* -- rows ---------------------------------------------------------------------------------------------------------------------- */

static int64_t int_or(struct db_stmt *stmt, int column, int64_t none)
{
	return db_column_type(stmt, column) == DB_NULL ? none : db_column_int(stmt, column);
}

static int lane_of(const struct timeline *timeline, int64_t id)
{
	const struct timeline_store *store = timeline->store;
	int64_t at = id - store->lane_id;
	return at >= 0 && at < store->n_ids ? store->lane_of_id[at] : TIMELINE_NONE;
}

int timeline_span_at_row(struct timeline *timeline, int64_t row, struct timeline_span *ret_span, bool *ret_found, struct error *error)
{
	struct db_stmt *stmt = NULL;
	bool has_row = false;
	*ret_found = false;
	int status = get_stmt(timeline, IMPORT_SPAN, error, &stmt);
	if (status != STATUS_OK)
		return status;
	db_bind_int(stmt, 1, row);
	db_bind_int(stmt, 2, timeline->run);
	status = db_step(stmt, &has_row, error);
	int lane = status == STATUS_OK && has_row ? lane_of(timeline, db_column_int(stmt, 0)) : TIMELINE_NONE;
	if (lane != TIMELINE_NONE) {
		*ret_found = true;
		*ret_span = (struct timeline_span){ .row = row, .lane = lane, .node = TIMELINE_NONE, .edge = TIMELINE_NONE, .peer = TIMELINE_NONE,
			.kind = (int)db_column_int(stmt, 1), .start_ns = db_column_int(stmt, 2), .duration_ns = db_column_int(stmt, 3),
			.bytes = int_or(stmt, 4, -1), .cause = (int)int_or(stmt, 5, TIMELINE_NONE), .name = int_or(stmt, 6, 0),
			.category = int_or(stmt, 7, 0), .execution = int_or(stmt, 8, TIMELINE_NONE) };
		timeline_span_phase(ret_span);
	}
	db_reset(stmt);
	return status;
}

int timeline_facts(struct timeline *timeline, const struct timeline_span *span, struct timeline_facts *ret_facts, struct error *error)
{
	struct db_stmt *stmt = NULL;
	bool has_row = false;
	int64_t values[13];
	int status = get_stmt(timeline, IMPORT_FACTS, error, &stmt);
	if (status != STATUS_OK)
		return status;
	db_bind_int(stmt, 1, span->row);
	status = db_step(stmt, &has_row, error);
	for (int i = 0; i < (int)ARRAY_LEN(values); i++)
		values[i] = status == STATUS_OK && has_row ? int_or(stmt, i, TIMELINE_UNKNOWN) : TIMELINE_UNKNOWN;
	db_reset(stmt);
	*ret_facts = (struct timeline_facts){ .correlation = values[0], .external = values[1], .context = values[2],
		.grid = { values[3], values[4], values[5] }, .block = { values[6], values[7], values[8] },
		.copy_kind = values[9] == TIMELINE_UNKNOWN ? 0 : values[9], .graph = values[10], .graph_node = values[11], .launch = values[12] };
	return status;
}

bool timeline_is_work(const struct timeline_span *span)
{
	return !span->is_op && (span->kind == SPAN_KIND_KERNEL || span->kind == SPAN_KIND_MEMCPY || span->kind == SPAN_KIND_MEMSET
		|| span->kind == SPAN_KIND_GRAPH);
}

static int find_work(struct timeline *timeline, int64_t row, int64_t *ret_work, struct error *error)
{
	struct timeline_texts *texts;
	struct db_stmt *stmt = NULL;
	bool has_row = false;
	int status = get_stmt(timeline, IMPORT_WORK, error, &stmt);
	if (status != STATUS_OK)
		return status;
	texts = timeline->store->texts;
	if (texts->linked_row != row) {
		db_bind_int(stmt, 1, row - ROWS_BEFORE);
		db_bind_int(stmt, 2, row + TIMELINE_LINK_ROWS);
		db_bind_int(stmt, 3, row);
		status = db_step(stmt, &has_row, error);
		texts->link_row = status == STATUS_OK && has_row ? db_column_int(stmt, 0) : 0;
		texts->linked_row = status == STATUS_OK ? row : 0;
		db_reset(stmt);
	}
	*ret_work = texts->link_row;
	return status;
}

int timeline_linked(struct timeline *timeline, const struct timeline_span *span, struct timeline_span *ret_span, bool *ret_found,
	struct error *error)
{
	struct timeline_facts facts = { .launch = TIMELINE_UNKNOWN };
	int64_t row = 0;
	int status = STATUS_OK;
	*ret_found = false;
	if (span->is_op || (span->kind != SPAN_KIND_API && !timeline_is_work(span)))
		return STATUS_OK;
	if (span->kind == SPAN_KIND_API)
		status = find_work(timeline, span->row, &row, error);
	else
		status = timeline_facts(timeline, span, &facts, error);
	if (facts.launch != TIMELINE_UNKNOWN)
		row = facts.launch;
	if (status != STATUS_OK || row <= 0)
		return status;
	return timeline_span_at_row(timeline, row, ret_span, ret_found, error);
}

/* -- what encloses, what else --------------------------------------------------------------------------------------------------- */

int timeline_enclosing(struct timeline *timeline, const struct timeline_span *span, int n_max, struct timeline_span *spans, int *ret_n,
	struct error *error)
{
	struct timeline_span of = *span;
	bool has_found = true;
	int status = STATUS_OK;
	*ret_n = 0;
	if (!timeline->is_imported || span->is_op)
		return STATUS_OK;
	if (timeline_is_work(span))
		status = timeline_linked(timeline, span, &of, &has_found, error);
	if (status != STATUS_OK || !has_found || timeline->lanes[of.lane].kind != TIMELINE_THREAD)
		return status;
	int last = of.lane - 1, first = of.lane - timeline->lanes[of.lane].nesting;
	first = last - first >= n_max ? last - n_max + 1 : first;
	for (int lane = first < 0 ? 0 : first; lane <= last && status == STATUS_OK; lane++) {
		if (timeline->lanes[lane].track != timeline->lanes[of.lane].track || timeline->lanes[lane].kind != TIMELINE_THREAD)
			continue;
		status = timeline_at(timeline, lane, of.start_ns, &spans[*ret_n], &has_found, error);
		*ret_n += status == STATUS_OK && has_found;
	}
	return status;
}

int timeline_args(struct timeline *timeline, const struct timeline_span *span, int n_max, struct timeline_arg *args, int *ret_n,
	struct error *error)
{
	struct db_stmt *stmt = NULL;
	bool has_row = false;
	*ret_n = 0;
	int status = get_stmt(timeline, IMPORT_ARGS, error, &stmt);
	if (status != STATUS_OK)
		return status;
	db_bind_int(stmt, 1, span->row);
	db_bind_int(stmt, 2, n_max);
	while (*ret_n < n_max && (status = db_step(stmt, &has_row, error)) == STATUS_OK && has_row)
		args[(*ret_n)++] = (struct timeline_arg){ db_column_int(stmt, 0), db_column_int(stmt, 1) };
	db_reset(stmt);
	return status;
}
