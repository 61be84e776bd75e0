/* SPDX-License-Identifier: Apache-2.0
 *
 * view_timeline_lanes: the rows of lanes: label, spans or fill, share.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "viewers/spans.h"
#include "viewers/view_timeline_private.h"

struct lanes_drawing {
	struct timeline_view *view;
	struct session *session;
	struct timeline *timeline;
	struct lanes *lanes;
	const struct session_window *window;
	struct pane pane;
	int64_t from_ns, until_ns; /* of the shares */
	bool has_marks, is_empty;
	struct error *error;
};

static int cells_x(const struct lanes_drawing *drawing)
{
	return drawing->view->layout.label_width;
}

/* -- label --------------------------------------------------------------------------------------------------------------------- */

/* Devices of workers stand in a column of their own. */
static int device_x(const struct timeline *timeline)
{
	int width = 0;
	for (int i = 0; i < timeline->n_lanes && timeline->lanes[i].kind == TIMELINE_HOST; i++) {
		int cells = canvas_text_width(timeline->lanes[i].name);
		width = cells > width ? cells : width;
	}
	return 1 + width + 1;
}

static void draw_label(const struct lanes_drawing *drawing, int row, int y, bool is_selected)
{
	const struct lanes_row *of = &drawing->lanes->rows[row];
	const struct timeline_lane *lane = &drawing->timeline->lanes[of->lane];
	int width = drawing->view->layout.label_width - 2, x = device_x(drawing->timeline);
	char name[LANES_NAME_BYTES];
	struct look look = is_selected ? LOOK(TITLE) : LOOK(NONE);
	look.attributes = is_selected ? LOOK_BOLD : 0;
	lanes_name(drawing->lanes, row, name, sizeof(name));
	pane_put(drawing->pane, 0, y, is_selected ? 0x25b8 : of->is_folded || of->n_hidden ? '+' : ' ', look);
	pane_field(drawing->pane, 1, y, width, PANE_LEFT, look, name);
	if (of->n_hidden) {
		char hidden[16];
		int cells = snprintf(hidden, sizeof(hidden), " +%d", of->n_hidden);
		pane_field(drawing->pane, 1 + width - cells, y, cells, PANE_LEFT, is_selected ? look : LOOK(DIM), hidden);
	}
	if (of->is_folded || lane->kind != TIMELINE_HOST)
		return;
	if (lane->device && x + 3 < width)
		pane_field(drawing->pane, x, y, width + 1 - x, PANE_LEFT, is_selected ? look : LOOK(DIM), lane->device);
	if (lane->n_lost)
		pane_put(drawing->pane, width, y, 0x2717, LOOK(ERROR));
}

/* -- share --------------------------------------------------------------------------------------------------------------------- */

static bool is_wide(const struct lanes_drawing *drawing)
{
	return drawing->view->layout.gutter_width > 10;
}

static void put_gutter(const struct lanes_drawing *drawing, int y, struct look look, const char *text)
{
	int x = cells_x(drawing) + drawing->view->layout.n_cells, width = drawing->view->layout.gutter_width;
	if (is_wide(drawing))
		pane_field(drawing->pane, x + 1, y, width - 1, PANE_LEFT, look, text);
	else
		pane_field(drawing->pane, x, y, width - 1, PANE_RIGHT, look, text);
}

static int draw_share(struct lanes_drawing *drawing, int lane, int y)
{
	struct spans_sum sum, seen;
	char text[64];
	int64_t from_ns = drawing->window->from_ns;
	int64_t until_ns = from_ns + drawing->window->n_cells * timeline_scale_ns(drawing->window->scale);
	int status = spans_sum_between(drawing->timeline, lane, drawing->from_ns, drawing->until_ns, &sum, drawing->error);
	seen = sum;
	if (status == STATUS_OK && drawing->has_marks)
		status = spans_sum_between(drawing->timeline, lane, from_ns, until_ns, &seen, drawing->error);
	if (status != STATUS_OK)
		return status;
	int64_t recorded_ns = 0, length_ns = drawing->until_ns - drawing->from_ns;
	for (int phase = 0; phase < PHASE_COUNT; phase++)
		recorded_ns += seen.ns[phase];
	drawing->is_empty &= recorded_ns == 0 && seen.n_spans == 0;
	double share = length_ns > 0 ? 100 * (double)spans_sum_work(sum.ns) / (double)length_ns : 0;
	snprintf(text, sizeof(text), is_wide(drawing) ? "%5.1f %%" : "%.0f %%", share);
	if (is_wide(drawing) && sum.n_spans)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), " %6" PRId64 " span%s", sum.n_spans,
			sum.n_spans == 1 ? "" : "s");
	put_gutter(drawing, y, share > 0 ? LOOK(NONE) : LOOK(DIM), text);
	return STATUS_OK;
}

/* A channel's fill where the cursor is. */
static int draw_slots(struct lanes_drawing *drawing, int lane, int y)
{
	const struct timeline_lane *of = &drawing->timeline->lanes[lane];
	struct timeline_cell cell;
	char text[80];
	int64_t cell_ns = timeline_scale_ns(drawing->window->scale);
	int64_t column = (drawing->session->selection.time_ns - drawing->window->from_ns) / cell_ns;
	if (drawing->session->selection.time_ns < drawing->window->from_ns || column >= drawing->window->n_cells)
		column = 0;
	int status = timeline_cells(drawing->timeline, lane, drawing->window->scale, drawing->window->from_ns + column * cell_ns, 1, &cell,
		drawing->error);
	if (status != STATUS_OK)
		return status;
	bool is_known = !isnan(cell.fill_mean);
	char fill[24] = "–";
	if (is_known)
		snprintf(fill, sizeof(fill), "%.*f", is_wide(drawing) && cell.fill_mean != floor(cell.fill_mean),
			is_wide(drawing) ? cell.fill_mean : (double)cell.fill_max);
	if (is_wide(drawing) && is_known && cell.fill_mean > 0 && cell.fill_mean < 0.05)
		snprintf(fill, sizeof(fill), "<0.1");
	if (is_wide(drawing))
		snprintf(text, sizeof(text), "%s of %" PRId64 " slot%s%s%s", fill, of->depth, of->depth == 1 ? "" : "s", of->transport ? ", " : "",
			of->transport ? of->transport : "");
	else
		snprintf(text, sizeof(text), "%s/%" PRId64, fill, of->depth);
	put_gutter(drawing, y, is_known && cell.fill_mean > 0 ? LOOK(NONE) : LOOK(DIM), text);
	return STATUS_OK;
}

/* -- rows ---------------------------------------------------------------------------------------------------------------------- */

static struct spans_row row_of(const struct lanes_drawing *drawing, int lane)
{
	const struct session_selection *selection = &drawing->session->selection;
	return (struct spans_row){ .timeline = drawing->timeline, .lane = lane, .scale = drawing->window->scale,
		.from_ns = drawing->window->from_ns, .filter = &drawing->session->filter,
		.selected = selection->has_span ? &selection->span : NULL, .has_labels = true };
}

/* Everything in a folded group in one row: the share of its lanes' time. */
static int draw_group(struct lanes_drawing *drawing, int row, int y)
{
	const struct lanes_row *of = &drawing->lanes->rows[row];
	const struct lanes_group *group = &drawing->lanes->groups[of->group];
	int n_cells = drawing->view->layout.n_cells, status = STATUS_OK, n_lanes = 0;
	int64_t width_ns = timeline_scale_ns(drawing->window->scale);
	struct timeline_cell *cells = malloc((size_t)n_cells * sizeof(*cells));
	double *shares = malloc((size_t)n_cells * sizeof(*shares));
	if (!cells || !shares)
		status = error_set(drawing->error, STATUS_NO_MEMORY, "no memory for a group of lanes");
	for (int i = 0; status == STATUS_OK && i < n_cells; i++)
		shares[i] = NAN;
	for (int lane = 0; lane < drawing->timeline->n_lanes; lane++)
		n_lanes += lanes_is_in(drawing->lanes, row, lane);
	for (int lane = 0; status == STATUS_OK && lane < drawing->timeline->n_lanes; lane++) {
		if (!lanes_is_in(drawing->lanes, row, lane))
			continue;
		status = timeline_cells(drawing->timeline, lane, drawing->window->scale, drawing->window->from_ns, n_cells, cells, drawing->error);
		for (int i = 0; status == STATUS_OK && i < n_cells; i++) {
			double depth = (double)drawing->timeline->lanes[lane].depth;
			double share = group->kind == TIMELINE_CHANNEL ? cells[i].fill_mean / (depth > 0 ? depth : 1)
				: (double)spans_sum_work(cells[i].ns) / (double)width_ns;
			if (!isnan(share))
				shares[i] = (isnan(shares[i]) ? 0 : shares[i]) + share / n_lanes;
		}
	}
	for (int i = 0; status == STATUS_OK && i < n_cells; i++)
		spans_put_height(drawing->pane, cells_x(drawing) + i, y, shares[i], shares[i] > 0
			? group->kind == TIMELINE_CHANNEL ? LOOK(MOVE) : LOOK(COMPUTE) : LOOK(DIM));
	put_gutter(drawing, y, LOOK(DIM), !is_wide(drawing) ? "mean" : of->is_process ? "folded, mean share" : "folded, mean of all");
	free(cells);
	free(shares);
	return status;
}

static int draw_row(struct lanes_drawing *drawing, int row, int y, int height)
{
	const struct lanes_row *of = &drawing->lanes->rows[row];
	struct pane cells = pane_sub(drawing->pane, cells_x(drawing), y, drawing->view->layout.n_cells, height);
	if (of->is_folded) {
		drawing->is_empty = false;
		return draw_group(drawing, row, y);
	}
	if (drawing->timeline->lanes[of->lane].kind == TIMELINE_CHANNEL) {
		int status = spans_draw_fill(drawing->timeline, of->lane, drawing->window->scale, drawing->window->from_ns, cells, drawing->error);
		return status == STATUS_OK ? draw_slots(drawing, of->lane, y) : status;
	}
	struct spans_row spans = row_of(drawing, of->lane);
	int status = spans_draw(&spans, cells, drawing->error);
	return status == STATUS_OK ? draw_share(drawing, of->lane, y) : status;
}

/* Only where the answer can matter: near what is shown, and near what is selected. */
static int measure_rows(const struct lanes_drawing *drawing, int selected, int *heights)
{
	int status = STATUS_OK, n_near = drawing->view->layout.n_lane_rows, top = drawing->lanes->top;
	for (int row = 0; row < drawing->lanes->n_rows && status == STATUS_OK; row++) {
		bool is_near = (row > top - n_near && row < top + n_near) || (row > selected - n_near && row < selected + n_near);
		struct spans_row spans = row_of(drawing, drawing->lanes->rows[row].lane);
		heights[row] = 1;
		if (is_near && !drawing->lanes->rows[row].is_folded)
			status = spans_rows(&spans, drawing->view->layout.n_cells, &heights[row], drawing->error);
	}
	return status;
}

int timeline_view_draw_lanes(struct timeline_view *view, struct session *session, struct pane pane, bool *ret_is_empty, struct error *error)
{
	struct lanes_drawing drawing = { .view = view, .session = session, .timeline = session_timeline(session),
		.lanes = &view->lanes[session->selection.side], .window = session_window(session), .is_empty = true, .error = error };
	struct timeline_layout *layout = &view->layout;
	int selected = timeline_view_row(view, session), y = 0;
	int *heights = malloc(((size_t)drawing.lanes->n_rows + 1) * sizeof(*heights));
	int status = heights ? measure_rows(&drawing, selected, heights) : error_set(error, STATUS_NO_MEMORY, "no memory for the lanes");
	drawing.pane = pane_sub(pane, 0, layout->lanes_y, pane.width, layout->n_lane_rows);
	drawing.has_marks = timeline_view_interval(session, &drawing.from_ns, &drawing.until_ns);
	if (status == STATUS_OK)
		lanes_scroll(drawing.lanes, selected, layout->n_lane_rows, heights);
	for (int i = 0; i < layout->n_lane_rows; i++)
		layout->rows_at[i] = -1;
	for (int row = drawing.lanes->top; row < drawing.lanes->n_rows && y < layout->n_lane_rows && status == STATUS_OK; row++) {
		int height = heights[row] < layout->n_lane_rows - y ? heights[row] : layout->n_lane_rows - y;
		draw_label(&drawing, row, y, row == selected);
		status = draw_row(&drawing, row, y, height);
		for (int i = 0; i < height; i++)
			layout->rows_at[y++] = row;
	}
	free(heights);
	*ret_is_empty = drawing.is_empty;
	return status;
}
