/* SPDX-License-Identifier: Apache-2.0
 *
 * spans_label: finds the room inside of what was drawn and writes there.
 */
#include "viewers/spans_label.h"

#include <stdio.h>
#include <string.h>

#include "engine/base/attributes.h"
#include "viewers/kernel_name.h"
#include "viewers/waits.h"

struct labelling {
	const struct spans_row *row;
	const struct raster *raster;
	struct pane pane;
	struct error *error;
};

static bool is_selected(const struct spans_row *row, const struct timeline_span *span)
{
	return row->selected && row->selected->row == span->row && row->selected->is_op == span->is_op && row->selected->lane == span->lane;
}

/* Cells [first, end) inside of eighths [first, end): one cell stays at each end. */
static bool room_in(int first, int end, int *ret_first, int *ret_n)
{
	*ret_first = first / RASTER_EIGHTHS + 1;
	*ret_n = (end - 1) / RASTER_EIGHTHS - *ret_first;
	return *ret_n > 0;
}

/* Whether all of these eighths still belong to the item: others may have been drawn over it. */
static bool owns(const struct labelling *labelling, int item, int x, int n)
{
	const struct raster *raster = labelling->raster;
	for (int cell = x; cell < x + n; cell++) {
		if (!raster->is_exact[cell])
			return false;
		const int32_t *parts = raster_parts(raster, raster->items[item].row, cell);
		for (int i = 0; i < RASTER_EIGHTHS; i++) {
			if (parts[i] == RASTER_NONE || raster->pieces[parts[i]].item != item)
				return false;
		}
	}
	return true;
}

/* Text in the middle of n cells from x on, between blanks where there is room for them. */
static void put_text(const struct labelling *labelling, int x, int y, int n, struct look look, const char *text)
{
	int width = canvas_text_width(text);
	if (width > n) {
		if (n >= SPANS_LABEL_CELLS_MIN)
			pane_field(labelling->pane, x, y, n, PANE_LEFT, look, text);
		return;
	}
	int before = (n - width) / 2;
	if (width + 4 <= n) /* some of the block stays beside the blanks */
		pane_field(labelling->pane, x + before - 1, y, width + 2, PANE_LEFT, look, "");
	pane_text(labelling->pane, x + before, y, look, text);
}

static void label_work(const struct labelling *labelling, int item, int first, int end, enum phase phase)
{
	const struct raster_item *of = &labelling->raster->items[item];
	int x = 0, n = 0;
	if (!room_in(first, end, &x, &n) || !owns(labelling, item, x, n))
		return;
	if (n < SPANS_LABEL_CELLS_MIN && labelling->row->timeline->is_imported)
		return; /* names are looked up where they can be read */
	bool selected = is_selected(labelling->row, &of->span);
	enum colour back = of->is_dim ? COLOUR_DIM : spans_colour_in(labelling->row->timeline, phase);
	char name[KERNEL_NAME_BYTES];
	if (of->span.is_op && of->span.status != STATUS_OK)
		back = COLOUR_ERROR;
	struct look look = { .front = COLOUR_NONE, .back = (uint8_t)(selected ? COLOUR_SELECT : back),
		.attributes = selected ? LOOK_BOLD : 0 };
	spans_name(labelling->row->timeline, &of->span, name, sizeof(name));
	put_text(labelling, x, of->row, n, look, name);
}

/* "starved: layer2 on w0", "starved", or nothing. */
static int label_stall(const struct labelling *labelling, const struct raster_piece *piece)
{
	const struct raster_item *of = &labelling->raster->items[piece->item];
	const char *title = piece->phase == PHASE_BACKPRESSURE ? "full" : spans_phase_title(piece->phase);
	int x = 0, n = 0, width = (int)strlen(title);
	bool has_found = false;
	char name[WAITS_TEXT_BYTES], text[WAITS_TEXT_BYTES + 20];
	struct waits_target target;
	if (!room_in(piece->first, piece->end, &x, &n) || n < width + 4 || !owns(labelling, piece->item, x, n))
		return STATUS_OK;
	struct look look = { .front = (uint8_t)(of->is_dim ? COLOUR_DIM : spans_colour(piece->phase)) };
	int status = waits_find(labelling->row->timeline, &of->span, piece->phase, &target, &has_found, labelling->error);
	if (status != STATUS_OK)
		return status;
	name[0] = '\0';
	if (has_found)
		waits_describe(labelling->row->timeline, piece->phase, &target, name, sizeof(name));
	snprintf(text, sizeof(text), "%s%s%s", title, name[0] ? ": " : "", name);
	put_text(labelling, x, of->row, n, look, canvas_text_width(text) + 4 <= n ? text : title);
	return STATUS_OK;
}

/* The work of an item is one block, whatever its phases. */
static int label_item(const struct labelling *labelling, int first_piece, int n)
{
	const struct raster_piece *pieces = &labelling->raster->pieces[first_piece];
	int status = STATUS_OK;
	for (int i = 0, end; i < n && status == STATUS_OK; i = end) {
		int longest = i;
		end = i + 1;
		if (spans_is_stall(pieces[i].phase) || pieces[i].phase == PHASE_IDLE)
			status = label_stall(labelling, &pieces[i]);
		if (!spans_is_work(pieces[i].phase))
			continue;
		for (; end < n && spans_is_work(pieces[end].phase); end++) {
			if (pieces[end].end - pieces[end].first > pieces[longest].end - pieces[longest].first)
				longest = end;
		}
		label_work(labelling, pieces[i].item, pieces[i].first, pieces[end - 1].end, pieces[longest].phase);
	}
	return status;
}

/* Folded cells next to each other in which one and the same span fills half. */
static void label_folded(const struct labelling *labelling)
{
	const struct raster *raster = labelling->raster;
	int64_t width_ns = timeline_scale_ns(labelling->row->scale);
	for (int i = 0, end; i < raster->n_cells; i = end) {
		const struct timeline_cell *cell = &raster->cells[i];
		end = i + 1;
		if (raster->is_exact[i] || cell->top_node == TIMELINE_NONE || 2 * cell->top_ns < width_ns || !spans_is_work(cell->top_phase))
			continue;
		while (end < raster->n_cells && !raster->is_exact[end] && raster->cells[end].top_node == cell->top_node
			&& raster->cells[end].top_execution == cell->top_execution && raster->cells[end].top_phase == cell->top_phase)
			end++;
		if (end - i >= SPANS_LABEL_CELLS_MIN + 2)
			put_text(labelling, i + 1, 0, end - i - 2, (struct look){ .back = (uint8_t)spans_colour(cell->top_phase) },
				labelling->row->timeline->nodes[cell->top_node].name);
	}
}

/* Beside the label: every cell that the selected span touches. */
static void emphasise(const struct labelling *labelling, const struct raster_piece *pieces, int n)
{
	const struct raster_item *of = &labelling->raster->items[pieces[0].item];
	int first = pieces[0].first / RASTER_EIGHTHS, end = (pieces[n - 1].end + RASTER_EIGHTHS - 1) / RASTER_EIGHTHS;
	if (is_selected(labelling->row, &of->span))
		pane_emphasise(labelling->pane, first, of->row, end > first ? end - first : 1, 1, LOOK_BOLD | LOOK_UNDERLINE);
}

int spans_label(const struct spans_row *row, const struct raster *raster, struct pane pane, struct error *error)
{
	struct labelling labelling = { row, raster, pane, error };
	int status = STATUS_OK;
	for (int i = 0, end; i < raster->n_pieces && status == STATUS_OK; i = end) {
		for (end = i + 1; end < raster->n_pieces && raster->pieces[end].item == raster->pieces[i].item; end++)
			;
		status = label_item(&labelling, i, end - i);
		emphasise(&labelling, &raster->pieces[i], end - i);
	}
	label_folded(&labelling);
	return status;
}
