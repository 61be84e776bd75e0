/* SPDX-License-Identifier: Apache-2.0
 *
 * view_timeline_over: what lies over the lanes: the cursor, marks, bookmarks, the critical path; and the rule below them.
 */
#include <inttypes.h>
#include <stdio.h>

#include "engine/base/units.h"
#include "viewers/spans.h"
#include "viewers/view_timeline_private.h"

#define FULL_BLOCK 0x2588
#define SIZE_CELLS 19     /* of "1 div = 500 µs" with blanks and a rest of the rule */
#define STEP_BEGIN 0x258f /* reversed: all but an eighth */

/* Blanks and textures get the background; a full block, which would hide it, is drawn the other way round. */
static void tint_column(struct pane pane, int x, int y, int height, enum colour back)
{
	for (int i = y; i < y + height; i++) {
		if (x < 0 || i < 0 || x >= pane.width || i >= pane.height)
			continue;
		const struct canvas_cell *cell = &pane.canvas->cells[(size_t)(pane.y + i) * (size_t)pane.canvas->width + (size_t)(pane.x + x)];
		if (cell->code == FULL_BLOCK && back == COLOUR_CURSOR)
			pane_emphasise(pane, x, i, 1, 1, LOOK_REVERSE);
		if (back == COLOUR_CURSOR || (cell->look.back == COLOUR_NONE && cell->code != FULL_BLOCK))
			pane_tint(pane, x, i, 1, 1, back);
	}
}

/* -- critical path ------------------------------------------------------------------------------------------------------------- */

static const char *step_name(const struct timeline *timeline, const struct critical_step *step)
{
	if (step->role == CRITICAL_CALLER)
		return "caller";
	if (step->role == CRITICAL_EDGE && step->edge != CRITICAL_NONE)
		return timeline->edges[step->edge].name;
	return step->node == CRITICAL_NONE ? spans_phase_title(step->kind) : timeline->nodes[step->node].name;
}

static void draw_step(const struct timeline_view *view, const struct timeline *timeline, const struct axis *axis,
	const struct timeline_step *step, struct pane pane)
{
	const struct timeline_layout *layout = &view->layout;
	int first = axis_column(axis, step->step.start_ns), end = axis_column(axis, step->step.start_ns + step->step.duration_ns);
	enum colour colour = spans_colour(step->step.kind);
	char name[LANES_NAME_BYTES];
	first = first < 0 ? 0 : first;
	end = end <= first ? first + 1 : end;
	end = end > axis->n_cells ? axis->n_cells : end;
	if (first >= axis->n_cells || step->step.start_ns + step->step.duration_ns <= axis->from_ns)
		return;
	struct look look = { .front = (uint8_t)colour };
	for (int x = first; x < end; x++)
		pane_put(pane, layout->label_width + x, layout->path_y, spans_texture(step->step.kind), look);
	if (end - first > 1 && spans_is_work(step->step.kind)) /* two blocks are kept apart */
		pane_put(pane, layout->label_width + first, layout->path_y, STEP_BEGIN,
			(struct look){ .front = (uint8_t)colour, .attributes = LOOK_REVERSE });
	lanes_arrow(step_name(timeline, &step->step), name, sizeof(name));
	int width = canvas_text_width(name), room = end - first - 2;
	if (room >= width + 2 && spans_is_work(step->step.kind))
		pane_textf(pane, layout->label_width + first + (end - first - width) / 2 - 1, layout->path_y,
			(struct look){ .back = (uint8_t)colour }, " %s ", name);
	else if (room >= width + 2)
		pane_textf(pane, layout->label_width + first + (end - first - width) / 2 - 1, layout->path_y, look, " %s ", name);
	for (int y = 0; y < layout->n_lane_rows && step->lane != TIMELINE_NONE; y++) {
		const struct lanes *lanes = &view->lanes[view->path_side];
		if (layout->rows_at[y] >= 0 && lanes->rows[layout->rows_at[y]].lane == step->lane)
			pane_emphasise(pane, layout->label_width + first, layout->lanes_y + y, end - first, 1, LOOK_BOLD | LOOK_UNDERLINE);
	}
}

void timeline_view_draw_path(const struct timeline_view *view, const struct session *session, struct pane pane)
{
	const struct timeline_layout *layout = &view->layout;
	struct axis axis = timeline_view_axis(session);
	if (!view->has_path || layout->path_y < 0)
		return;
	pane_field(pane, 1, layout->path_y, layout->label_width - 2, PANE_LEFT, LOOK(TITLE), "critical path");
	for (int i = 0; i < view->path.n_steps; i++)
		draw_step(view, session_timeline(session), &axis, &view->path.steps[i], pane);
	char text[64], latency[32];
	units_duration(view->path.end_ns - view->path.start_ns, latency, sizeof(latency));
	snprintf(text, sizeof(text), "%s, exec %" PRId64, latency, view->path.execution);
	if (layout->gutter_width > 10)
		pane_field(pane, layout->label_width + layout->n_cells + 1, layout->path_y, layout->gutter_width - 1, PANE_LEFT, LOOK(NONE), text);
}

/* -- cursor, marks, bookmarks -------------------------------------------------------------------------------------------------- */

static void draw_marks(const struct timeline_view *view, const struct session *session, const struct axis *axis, struct pane pane)
{
	const struct timeline_layout *layout = &view->layout;
	const struct session_mark *marks = session->marks;
	int columns[2];
	for (int i = 0; i < 2; i++)
		columns[i] = marks[i].is_set ? axis_column(axis, marks[i].time_ns) : -1;
	if (marks[0].is_set && marks[1].is_set) {
		int first = columns[0] < columns[1] ? columns[0] : columns[1], last = columns[0] < columns[1] ? columns[1] : columns[0];
		for (int x = first < 0 ? 0 : first; x <= last && x < axis->n_cells; x++)
			tint_column(pane, layout->label_width + x, layout->lanes_y, layout->n_lane_rows, COLOUR_MARK);
	}
	for (int i = 0; i < 2; i++) {
		if (columns[i] >= 0 && columns[i] < axis->n_cells)
			pane_put(pane, layout->label_width + columns[i], layout->axis_y, i ? 'B' : 'A', LOOK_ON(TITLE, MARK));
	}
}

static int64_t note_time(const struct timeline *timeline, const struct note *note)
{
	return timeline->origin_ns + note->time_ns;
}

/* On the axis; under the cursor it is told in the details. */
static void draw_messages(const struct timeline_view *view, const struct session *session, const struct axis *axis, int cursor,
	struct pane pane)
{
	const struct messages *messages = &view->messages[session->selection.side];
	for (int i = 0; i < messages->n; i++) {
		int column = axis_column(axis, messages->items[i].time_ns);
		if (column >= 0 && column < axis->n_cells && column != cursor)
			pane_put(pane, view->layout.label_width + column, view->layout.axis_y, '!', messages->items[i].is_error ? LOOK(ERROR)
				: LOOK(TITLE));
	}
}

bool timeline_view_reports_at_right(const struct timeline_view *view, const struct session *session)
{
	struct axis axis = timeline_view_axis(session);
	int first = axis.n_cells + view->layout.gutter_width - SIZE_CELLS;
	first = first < 0 ? 0 : first;
	return messages_find(&view->messages[session->selection.side], TIMELINE_NONE, axis_time(&axis, first),
		axis_time(&axis, axis.n_cells)) != NULL;
}

const struct message *timeline_view_reported(const struct timeline_view *view, const struct session *session)
{
	const struct session_selection *selection = &session->selection;
	const struct timeline_lane *lane = selection->lane == TIMELINE_NONE ? NULL : &session_timeline(session)->lanes[selection->lane];
	const struct messages *messages = &view->messages[selection->side];
	struct axis axis = timeline_view_axis(session);
	int column = axis_column(&axis, selection->time_ns);
	const struct message *found = NULL;
	if (column >= 0 && column < axis.n_cells)
		found = messages_find(messages, TIMELINE_NONE, axis_time(&axis, column), axis_time(&axis, column + 1));
	if (!found && selection->has_span)
		found = messages_find(messages, selection->span.lane, selection->span.start_ns,
			selection->span.start_ns + selection->span.duration_ns);
	else if (!found && lane && lane->kind == TIMELINE_HOST && selection->time_ns > lane->last_ns)
		found = messages_find(messages, selection->lane, lane->last_ns, INT64_MAX);
	return found;
}

void timeline_view_draw_over(const struct timeline_view *view, const struct session *session, struct pane pane)
{
	const struct timeline_layout *layout = &view->layout;
	const struct timeline *timeline = session_timeline(session);
	struct axis axis = timeline_view_axis(session);
	for (int i = 0; session->notes && session->selection.side == 0 && i < session->notes->n_items; i++) {
		const struct note *note = &session->notes->items[i];
		int column = axis_column(&axis, note_time(timeline, note));
		if (note->run == timeline->run && column >= 0 && column < axis.n_cells)
			pane_put(pane, layout->label_width + column, layout->axis_y, 0x25c6, LOOK(ACCENT));
	}
	draw_marks(view, session, &axis, pane);
	int cursor = axis_column(&axis, session->selection.time_ns);
	draw_messages(view, session, &axis, cursor, pane);
	if (cursor < 0 || cursor >= axis.n_cells)
		return;
	tint_column(pane, layout->label_width + cursor, layout->lanes_y, layout->n_lane_rows, COLOUR_CURSOR);
	tint_column(pane, layout->label_width + cursor, layout->axis_y, 1, COLOUR_CURSOR);
}

/* -- rule ---------------------------------------------------------------------------------------------------------------------- */

static void describe_marks(const struct session *session, char *text, size_t size)
{
	const struct session_mark *marks = session->marks;
	const struct axis axis = timeline_view_axis(session);
	char a[32], b[32], length[32];
	axis_format(marks[0].time_ns - axis.origin_ns, axis.cell_ns, a, sizeof(a));
	int64_t to_ns = marks[1].is_set ? marks[1].time_ns : session->selection.time_ns;
	axis_format(to_ns - axis.origin_ns, axis.cell_ns, b, sizeof(b));
	int64_t length_ns = to_ns - marks[0].time_ns;
	snprintf(text, size, " A %s   %s %s   %s %s%s ", a, marks[1].is_set ? "B" : "cursor", b, marks[1].is_set ? "B − A" : "cursor − A",
		length_ns >= 0 ? "+" : "", units_duration(length_ns, length, sizeof(length)));
}

static const struct note *note_at_cursor(const struct session *session)
{
	const struct timeline *timeline = session_timeline(session);
	const struct axis axis = timeline_view_axis(session);
	int cursor = axis_column(&axis, session->selection.time_ns);
	for (int i = 0; session->notes && session->selection.side == 0 && i < session->notes->n_items; i++) {
		const struct note *note = &session->notes->items[i];
		if (note->run == timeline->run && cursor >= 0 && cursor < axis.n_cells && axis_column(&axis, note_time(timeline, note)) == cursor)
			return note;
	}
	return NULL;
}

static void describe_step(const struct timeline_view *view, const struct session *session, char *text, size_t size)
{
	const struct timeline_step *step = &view->path.steps[view->path_step];
	char duration[32], name[LANES_NAME_BYTES];
	int64_t latency_ns = view->path.end_ns - view->path.start_ns;
	lanes_arrow(step_name(session_timeline(session), &step->step), name, sizeof(name));
	snprintf(text, size, " step %d of %d: %s %s, %s, %.1f %% of the latency%s ", view->path_step + 1, view->path.n_steps,
		spans_phase_title(step->step.kind), units_duration(step->step.duration_ns, duration, sizeof(duration)), name,
		100 * (double)step->step.duration_ns / (double)(latency_ns > 0 ? latency_ns : 1), view->path.is_cut ? " (beginning not read)" : "");
}

void timeline_view_draw_rule(const struct timeline_view *view, const struct session *session, struct pane pane)
{
	const struct timeline_layout *layout = &view->layout;
	const struct lanes *lanes = &view->lanes[session->selection.side];
	const struct note *note = note_at_cursor(session);
	char text[300];
	int y = layout->rule_y, x = 1, last = -1;
	pane_rule(pane, 0, y, pane.width, LOOK(DIM));
	if (session->marks[0].is_set) {
		describe_marks(session, text, sizeof(text));
		x = pane_text(pane, x, y, LOOK(TITLE), text) + 1;
	}
	if (view->has_path && view->path_step < view->path.n_steps) {
		describe_step(view, session, text, sizeof(text));
		x = pane_text(pane, x, y, LOOK(TITLE), text) + 1;
	}
	if (note) {
		snprintf(text, sizeof(text), " ◆ %s ", note->text);
		x = pane_text(pane, x, y, LOOK(ACCENT), text) + 1;
	}
	for (int i = 0; i < layout->n_lane_rows; i++)
		last = layout->rows_at[i] > last ? layout->rows_at[i] : last;
	if (lanes->top == 0 && last == lanes->n_rows - 1)
		return;
	snprintf(text, sizeof(text), " rows %d–%d of %d ", lanes->top + 1, last + 1, lanes->n_rows);
	int width = canvas_text_width(text);
	if (x + width + 1 < pane.width)
		pane_text(pane, pane.width - width - 1, y, LOOK(NONE), text);
}
