/* SPDX-License-Identifier: Apache-2.0
 *
 * view_stalls_imported: the view of stalls on another tool's trace, which names no waits: where the devices' time went, the longest idle stretches by
 * cause, findings; as far as the file has them. Rows that are of a moment lead there.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/attributes.h"
#include "engine/base/units.h"
#include "traces/timeline_import.h"
#include "viewers/kernel_name.h"
#include "viewers/panel.h"
#include "viewers/spans.h"
#include "viewers/view_stalls_private.h"

#define BAR_CELLS 24
#define GAPS_MAX 20
#define WORD_CELLS 17

struct stalls_row {
	char *text;
	double share;     /* of a bar; below 0: none */
	bool is_heading;
	int64_t span, start_ns, duration_ns; /* span 0: leads nowhere; a stretch before it, or duration 0: the span itself */
};

struct stalls_imported {
	struct stalls_row *rows;
	int n_rows, row, top, n_seen; /* n_seen: rows that were drawn last */
	int side;
};

struct making {
	struct stalls_imported *view;
	struct timeline *timeline;
	struct error *error;
};

static int add_row(struct making *making, const struct stalls_row *like, const char *format, ...) PRINTF_LIKE(3, 4);
static int add_row(struct making *making, const struct stalls_row *like, const char *format, ...)
{
	struct stalls_imported *view = making->view;
	char text[600];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	struct stalls_row *rows = realloc(view->rows, (size_t)(view->n_rows + 1) * sizeof(*rows));
	if (rows)
		view->rows = rows;
	char *copy = rows ? strdup(text) : NULL;
	if (!copy)
		return error_set(making->error, STATUS_NO_MEMORY, "no memory for the view of stalls");
	rows[view->n_rows] = *like;
	rows[view->n_rows++].text = copy;
	return STATUS_OK;
}

static const struct stalls_row heading = { .share = -1, .is_heading = true };
static const struct stalls_row plain = { .share = -1 };

static int each(struct making *making, const char *sql, int (*take)(struct making *making, struct db_stmt *stmt))
{
	struct db_stmt *stmt = NULL;
	bool has_row = false;
	int status = db_prepare(making->timeline->trace->db, sql, NULL, making->error, &stmt);
	if (status == STATUS_OK)
		db_bind_int(stmt, 1, making->timeline->run);
	while (status == STATUS_OK && (status = db_step(stmt, &has_row, making->error)) == STATUS_OK && has_row)
		status = take(making, stmt);
	db_finish(stmt);
	return status;
}

static const char *text_of(struct db_stmt *stmt, int column)
{
	const char *text = db_column_text(stmt, column);
	return text ? text : "";
}

/* "launch_latency" as people write it. */
static const char *spaced(const char *word, char *text, size_t size)
{
	snprintf(text, size, "%s", word);
	for (char *at = text; *at; at++)
		*at = *at == '_' ? ' ' : *at;
	return text;
}

/* In ten cells, to the right. */
static const char *padded(int64_t ns, char *text, size_t size)
{
	char duration[32];
	int width = canvas_text_width(units_duration(ns, duration, sizeof(duration)));
	snprintf(text, size, "%*s%s", width < 10 ? 10 - width : 0, "", duration);
	return text;
}

/* Rows of one device come together; a NULL kind begins them. */
static int take_split(struct making *making, struct db_stmt *stmt)
{
	char duration[48], word[40];
	units_duration(db_column_int(stmt, 2), duration, sizeof(duration));
	if (db_column_type(stmt, 1) == DB_NULL)
		return add_row(making, &heading, "%s: work in %.1f %% of %s", text_of(stmt, 0), 100 * db_column_real(stmt, 3), duration);
	struct stalls_row row = { .share = db_column_real(stmt, 3) };
	padded(db_column_int(stmt, 2), duration, sizeof(duration));
	return add_row(making, &row, "%-*s %5.1f %%  %s", WORD_CELLS, spaced(text_of(stmt, 1), word, sizeof(word)), 100 * row.share, duration);
}

static void add_name(struct timeline *timeline, int64_t span, char *text, size_t size)
{
	struct timeline_span found;
	bool has_found = false;
	snprintf(text, size, "?");
	if (span > 0 && timeline_span_at_row(timeline, span, &found, &has_found, NULL) == STATUS_OK && has_found)
		spans_name(timeline, &found, text, size);
}

static int take_gap(struct making *making, struct db_stmt *stmt)
{
	char duration[48], at[32], word[40], names[2][KERNEL_NAME_BYTES];
	struct stalls_row row = {.share = -1,
		.start_ns = db_column_int(stmt, 1),
		.duration_ns = db_column_int(stmt, 2),
		.span = db_column_int(stmt, 5)};
	add_name(making->timeline, db_column_int(stmt, 4), names[0], sizeof(names[0]));
	add_name(making->timeline, row.span, names[1], sizeof(names[1]));
	return add_row(making, &row, "%s  %-*s %s at %s, between %.40s and %.40s", padded(row.duration_ns, duration, sizeof(duration)),
		WORD_CELLS, spaced(text_of(stmt, 3), word, sizeof(word)), text_of(stmt, 0),
		units_duration(row.start_ns - making->timeline->origin_ns, at, sizeof(at)), names[0], names[1]);
}

static int take_finding(struct making *making, struct db_stmt *stmt)
{
	struct stalls_row row = { .share = -1, .span = db_column_int(stmt, 2) };
	return add_row(making, &row, "%s: %s", text_of(stmt, 0), text_of(stmt, 1));
}

static int make_rows(struct making *making)
{
	static const char splits[] = "SELECT d.name, NULL, d.end_ns - d.start_ns, CAST(d.busy_ns AS REAL) / max(1, d.end_ns "
				     "- d.start_ns), d.device, 0 AS part FROM gpu_device d"
				     " WHERE d.run = ?1 UNION ALL SELECT d.name, s.kind, s.ns, CAST(s.ns AS REAL) / max(1, "
				     "d.end_ns - d.start_ns), d.device, 1"
				     " FROM gpu_split s JOIN gpu_device d ON d.device = s.device WHERE s.run = ?1 AND s.ns "
				     "> 0 ORDER BY 5, 6, 3 DESC";
	char gaps[160];
	int status = add_row(making, &plain, "Another tool's trace names no waits. Of its devices every moment is of one kind:");
	int n_before = making->view->n_rows;
	if (status == STATUS_OK)
		status = each(making, splits, take_split);
	if (status == STATUS_OK && making->view->n_rows == n_before)
		return add_row(making, &plain,
			"no device recorded any work here, so that there is nothing to divide; the timeline shows what the "
			"host did");
	snprintf(gaps, sizeof(gaps),
		"SELECT device, start_ns, duration_ns, kind, before, after FROM v_gap WHERE run = ?1 ORDER BY duration_ns "
		"DESC LIMIT %d",
		GAPS_MAX);
	if (status == STATUS_OK)
		status = add_row(making, &heading, "the longest idle stretches, by what the next work waited for (enter shows one)");
	if (status == STATUS_OK)
		status = each(making, gaps, take_gap);
	if (status == STATUS_OK)
		status = add_row(making, &heading, "findings");
	n_before = making->view->n_rows;
	if (status == STATUS_OK)
		status = each(making, "SELECT severity, text, span FROM finding WHERE run = ?1 ORDER BY id", take_finding);
	if (status == STATUS_OK && making->view->n_rows == n_before)
		status = add_row(making, &plain, "none above its threshold");
	return status;
}

void stalls_imported_free(struct stalls_imported *view)
{
	for (int i = 0; view && i < view->n_rows; i++)
		free(view->rows[i].text);
	free(view ? view->rows : NULL);
	free(view);
}

static int make(struct session *session, struct error *error, struct stalls_imported **ret_view)
{
	struct stalls_imported *view = calloc(1, sizeof(*view));
	struct making making = { view, session_timeline(session), error };
	if (!view)
		return error_set(error, STATUS_NO_MEMORY, "no memory for the view of stalls");
	view->side = session->selection.side;
	int status = make_rows(&making);
	if (status != STATUS_OK) {
		stalls_imported_free(view);
		return status;
	}
	*ret_view = view;
	return STATUS_OK;
}

static void draw_row(const struct stalls_imported *view, int idx, struct pane pane, int y)
{
	const struct stalls_row *row = &view->rows[idx];
	bool is_selected = idx == view->row;
	struct look look = row->is_heading ? LOOK(TITLE) : LOOK(NONE);
	look.attributes = row->is_heading || is_selected ? LOOK_BOLD : 0;
	pane_put(pane, 0, y, is_selected ? 0x25b8 : ' ', look);
	panel_prose(pane, row->is_heading ? 1 : 2, y, pane.width - 2, look, row->text);
	int x = 2 + canvas_text_width(row->text) + 2, n = (int)(row->share * BAR_CELLS + 0.5);
	for (int i = 0; row->share > 0 && i < BAR_CELLS && i < (n > 0 ? n : 1) && x + i < pane.width - 1; i++)
		pane_put(pane, x + i, y, n > 0 ? 0x2588 : 0x258f, LOOK(COMPUTE));
	if (is_selected)
		pane_tint(pane, 0, y, pane.width, 1, COLOUR_CURSOR);
}

int stalls_imported_draw(struct stalls_imported **view, struct session *session, struct pane pane, struct error *error)
{
	int status = STATUS_OK;
	if (*view && (*view)->side != session->selection.side) {
		stalls_imported_free(*view);
		*view = NULL;
	}
	if (!*view)
		status = make(session, error, view);
	if (status != STATUS_OK)
		return status;
	struct stalls_imported *of = *view;
	if (of->row < of->top)
		of->top = of->row;
	if (pane.height > 0 && of->row >= of->top + pane.height)
		of->top = of->row - pane.height + 1;
	of->n_seen = pane.height;
	for (int y = 0; y < pane.height && of->top + y < of->n_rows; y++)
		draw_row(of, of->top + y, pane, y);
	return STATUS_OK;
}

static void go_there(const struct stalls_imported *view, struct session *session)
{
	const struct stalls_row *row = &view->rows[view->row];
	struct timeline *timeline = session_timeline(session);
	struct timeline_span span;
	struct error error = { 0 };
	bool has_found = false;
	if (row->span <= 0) {
		session_status(session, "this row is not of one moment");
		return;
	}
	if (timeline_span_at_row(timeline, row->span, &span, &has_found, &error) != STATUS_OK) {
		session_error(session, &error);
		return;
	}
	if (!has_found)
		return;
	session_select_span(session, view->side, &span);
	if (row->duration_ns > 0)
		session_show_span(session, view->side, row->start_ns, row->duration_ns);
	session->wanted_view = "timeline";
}

static void move(struct stalls_imported *view, int n)
{
	view->row += n;
	view->row = view->row >= view->n_rows ? view->n_rows - 1 : view->row;
	view->row = view->row < 0 ? 0 : view->row;
}

bool stalls_imported_act(struct stalls_imported *view, struct session *session, enum action action)
{
	if (!view)
		return false;
	switch (action) {
	case ACTION_UP: move(view, -1); return true;
	case ACTION_DOWN: move(view, 1); return true;
	case ACTION_PAGE_UP: move(view, -view->n_seen); return true;
	case ACTION_PAGE_DOWN: move(view, view->n_seen); return true;
	case ACTION_TOP:
	case ACTION_FIRST: move(view, -view->n_rows); return true;
	case ACTION_BOTTOM:
	case ACTION_LAST: move(view, view->n_rows); return true;
	case ACTION_ENTER: go_there(view, session); return true;
	default: return false;
	}
}
