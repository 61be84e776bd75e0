/* SPDX-License-Identifier: Apache-2.0
 *
 * spans: from what lies in a row to characters: blocks, ends, textures, thin marks, folded cells.
 */
#include "viewers/spans.h"

#include <math.h>
#include <stdlib.h>

#include "engine/base/attributes.h"
#include "viewers/spans_label.h"
#include "viewers/spans_raster.h"

static const uint32_t eighths[RASTER_EIGHTHS + 1] = { ' ', 0x258f, 0x258e, 0x258d, 0x258c, 0x258b, 0x258a, 0x2589, 0x2588 };

#define THIN_LEFT 0x258f
#define THIN_MIDDLE 0x2502
#define THIN_RIGHT 0x2595
#define THIN_STALL 0x254e
#define HEIGHT_1 0x2581

void spans_put_height(struct pane pane, int x, int y, double share, struct look look)
{
	if (!(share >= 0)) {
		pane_put(pane, x, y, ' ', look);
		return;
	}
	int level = share >= 1 ? 7 : (int)lround(share * 7);
	pane_put(pane, x, y, HEIGHT_1 + (uint32_t)level, look);
}

/* -- cells --------------------------------------------------------------------------------------------------------------------- */

struct spans_drawing {
	const struct spans_row *row;
	const struct raster *raster;
	struct pane pane;
	int64_t width_ns;
};

/* A stretch of one piece within a cell. */
struct run {
	int piece, n;
};

static int runs_of(const int32_t *parts, struct run *runs)
{
	int n = 0;
	for (int i = 0; i < RASTER_EIGHTHS; i++) {
		if (n > 0 && runs[n - 1].piece == parts[i])
			runs[n - 1].n++;
		else
			runs[n++] = (struct run){ parts[i], 1 };
	}
	return n;
}

static const struct raster_piece *piece_of(const struct spans_drawing *drawing, int piece)
{
	return piece == RASTER_NONE ? NULL : &drawing->raster->pieces[piece];
}

static enum colour colour_of(const struct spans_drawing *drawing, int piece)
{
	const struct raster_piece *stretch = piece_of(drawing, piece);
	if (!stretch)
		return COLOUR_NONE;
	const struct raster_item *item = &drawing->raster->items[stretch->item];
	if (item->span.is_op && item->span.status != STATUS_OK && spans_is_work(stretch->phase))
		return COLOUR_ERROR;
	return item->is_dim ? COLOUR_DIM : spans_colour_in(drawing->row->timeline, stretch->phase);
}

static bool is_work(const struct spans_drawing *drawing, int piece)
{
	return piece != RASTER_NONE && spans_is_work(drawing->raster->pieces[piece].phase);
}

static struct look look_of(enum colour front, enum colour back)
{
	return (struct look){ .front = (uint8_t)front, .back = (uint8_t)back };
}

/* The left n eighths in one colour, the rest in another. */
static void put_split(const struct spans_drawing *drawing, int x, int y, int n, enum colour left, enum colour right)
{
	struct look look = look_of(left, right);
	if (left == COLOUR_NONE || (n < RASTER_EIGHTHS / 2 && right != COLOUR_NONE)) {
		look = look_of(right, left);
		look.attributes = LOOK_REVERSE;
	}
	pane_put(drawing->pane, x, y, eighths[n], look);
}

/* One piece fills the cell. Two blocks of one colour are kept apart by an eighth. */
static void draw_full(const struct spans_drawing *drawing, int x, int y, int piece)
{
	const struct raster_piece *stretch = piece_of(drawing, piece);
	enum colour colour = colour_of(drawing, piece);
	int before = x > 0 ? raster_parts(drawing->raster, y, x - 1)[RASTER_EIGHTHS - 1] : RASTER_NONE;
	bool touches = is_work(drawing, piece) && is_work(drawing, before) && piece_of(drawing, before)->item != stretch->item
		&& colour_of(drawing, before) == colour && drawing->raster->is_exact[x - 1];
	if (touches)
		put_split(drawing, x, y, 1, COLOUR_NONE, colour);
	else
		pane_put(drawing->pane, x, y, spans_texture_in(drawing->row->timeline, stretch->phase), look_of(colour, COLOUR_NONE));
}

/* Two pieces, or one and nothing. */
static void draw_pair(const struct spans_drawing *drawing, int x, int y, const struct run *runs)
{
	int left = runs[0].piece, right = runs[1].piece, n = runs[0].n;
	enum colour left_colour = colour_of(drawing, left), right_colour = colour_of(drawing, right);
	bool left_works = is_work(drawing, left), right_works = is_work(drawing, right);
	if (left_works && right_works && left_colour != right_colour)
		put_split(drawing, x, y, n, left_colour, right_colour);
	else if (left_works && right_works && piece_of(drawing, left)->item == piece_of(drawing, right)->item)
		pane_put(drawing->pane, x, y, eighths[RASTER_EIGHTHS], look_of(left_colour, COLOUR_NONE));
	else if (left_works && (!right_works || n >= RASTER_EIGHTHS / 2))
		put_split(drawing, x, y, n, left_colour, COLOUR_NONE);
	else if (right_works)
		put_split(drawing, x, y, n, COLOUR_NONE, right_colour);
	else {
		int larger = n >= RASTER_EIGHTHS / 2 && left != RASTER_NONE ? left : right != RASTER_NONE ? right : left;
		pane_put(drawing->pane, x, y, spans_texture_in(drawing->row->timeline, piece_of(drawing, larger)->phase),
			look_of(colour_of(drawing, larger), COLOUR_NONE));
	}
}

/* More than two: the phase that fills half of the cell says the colour, the share of work the height. */
static void put_folded(const struct spans_drawing *drawing, int x, int y, const double share[PHASE_COUNT], bool is_dim)
{
	double work = 0, total = 0, of_colour[COLOUR_COUNT] = { 0 };
	enum colour colour = COLOUR_NONE;
	int stall = TIMELINE_NONE;
	for (int phase = 0; phase < PHASE_COUNT; phase++) {
		total += share[phase];
		if (spans_is_work((enum phase)phase)) {
			work += share[phase];
			of_colour[spans_colour_in(drawing->row->timeline, (enum phase)phase)] += share[phase];
		} else if (share[phase] >= 0.5)
			stall = phase;
	}
	for (int i = 0; i < COLOUR_COUNT; i++)
		colour = of_colour[i] >= 0.5 ? (enum colour)i : colour;
	if (stall != TIMELINE_NONE)
		pane_put(drawing->pane, x, y, spans_texture((enum phase)stall),
			look_of(is_dim ? COLOUR_DIM : spans_colour((enum phase)stall), COLOUR_NONE));
	else if (total > 0)
		spans_put_height(drawing->pane, x, y, work > 1 ? 1 : work, look_of(is_dim ? COLOUR_DIM : colour, COLOUR_NONE));
}

static void draw_mixed(const struct spans_drawing *drawing, int x, int y, const struct run *runs, int n_runs)
{
	double share[PHASE_COUNT] = { 0 };
	bool is_dim = true;
	for (int i = 0; i < n_runs; i++) {
		const struct raster_piece *stretch = piece_of(drawing, runs[i].piece);
		if (!stretch)
			continue;
		share[stretch->phase] += (double)runs[i].n / RASTER_EIGHTHS;
		is_dim &= drawing->raster->items[stretch->item].is_dim;
	}
	put_folded(drawing, x, y, share, is_dim);
}

/* Work inside a cell with nothing around it: as wide as it is, at the side where it is. */
static void draw_inner(const struct spans_drawing *drawing, int x, int y, const struct run *runs)
{
	enum colour colour = colour_of(drawing, runs[1].piece);
	if (runs[1].n <= 2)
		pane_put(drawing->pane, x, y, runs[0].n >= 5 ? THIN_RIGHT : runs[0].n <= 1 ? THIN_LEFT : THIN_MIDDLE, look_of(colour, COLOUR_NONE));
	else if (runs[0].n <= runs[2].n)
		put_split(drawing, x, y, runs[1].n, colour, COLOUR_NONE);
	else
		put_split(drawing, x, y, RASTER_EIGHTHS - runs[1].n, COLOUR_NONE, colour);
}

/* Nothing as wide as half an eighth: one span is a thin mark, several are a low height. */
static void draw_small(const struct spans_drawing *drawing, int x, int y)
{
	const struct raster *raster = drawing->raster;
	int first = x * RASTER_EIGHTHS, n = 0, last = RASTER_NONE;
	bool has_dim_only = true, works = false;
	for (int i = 0; i < raster->n_pieces; i++) {
		const struct raster_piece *piece = &raster->pieces[i];
		const struct raster_item *item = &raster->items[piece->item];
		if (item->row != y || piece->first != piece->end || piece->first < first || piece->first >= first + RASTER_EIGHTHS)
			continue;
		n += last == RASTER_NONE || raster->pieces[last].item != piece->item;
		has_dim_only &= item->is_dim;
		if (!works)
			last = i;
		works |= spans_is_work(piece->phase);
	}
	if (n == 0)
		return;
	struct look look = look_of(has_dim_only ? COLOUR_DIM : colour_of(drawing, last), COLOUR_NONE);
	int at = raster->pieces[last].first - first;
	if (n > 1)
		pane_put(drawing->pane, x, y, HEIGHT_1, look_of(has_dim_only ? COLOUR_DIM : COLOUR_NONE, COLOUR_NONE));
	else if (!works)
		pane_put(drawing->pane, x, y, THIN_STALL, look);
	else
		pane_put(drawing->pane, x, y, at <= 2 ? THIN_LEFT : at >= 6 ? THIN_RIGHT : THIN_MIDDLE, look);
}

static void draw_exact(const struct spans_drawing *drawing, int x, int y)
{
	struct run runs[RASTER_EIGHTHS];
	int n = runs_of(raster_parts(drawing->raster, y, x), runs);
	if (n == 1 && runs[0].piece == RASTER_NONE)
		draw_small(drawing, x, y);
	else if (n == 1)
		draw_full(drawing, x, y, runs[0].piece);
	else if (n == 2)
		draw_pair(drawing, x, y, runs);
	else if (n == 3 && runs[0].piece == RASTER_NONE && runs[2].piece == RASTER_NONE && is_work(drawing, runs[1].piece))
		draw_inner(drawing, x, y, runs);
	else
		draw_mixed(drawing, x, y, runs, n);
}

/* Many spans begin here: what the pyramid knows of them. */
static void draw_folded(const struct spans_drawing *drawing, int x)
{
	const struct timeline_cell *cell = &drawing->raster->cells[x];
	double share[PHASE_COUNT];
	bool is_dim = !raster_cell_matches(drawing->row, cell);
	for (int phase = 0; phase < PHASE_COUNT; phase++)
		share[phase] = (double)cell->ns[phase] / (double)drawing->width_ns;
	put_folded(drawing, x, 0, share, is_dim);
}

static int draw_raster(const struct spans_row *row, const struct raster *raster, struct pane pane, struct error *error)
{
	struct spans_drawing drawing = { row, raster, pane, timeline_scale_ns(row->scale) };
	for (int y = 0; y < raster->n_rows; y++) {
		for (int x = 0; x < raster->n_cells; x++) {
			if (raster->is_exact[x])
				draw_exact(&drawing, x, y);
			else if (y == 0)
				draw_folded(&drawing, x);
		}
	}
	return row->has_labels ? spans_label(row, raster, pane, error) : STATUS_OK;
}

int spans_draw(const struct spans_row *row, struct pane pane, struct error *error)
{
	struct raster raster;
	if (pane.width <= 0 || pane.height <= 0)
		return STATUS_OK;
	int status = raster_make(row, pane.width, pane.height, &raster, error);
	if (status != STATUS_OK)
		return status;
	status = draw_raster(row, &raster, pane, error);
	raster_finish(&raster);
	return status;
}

int spans_rows(const struct spans_row *row, int n_cells, int *ret_rows, struct error *error)
{
	struct raster raster;
	*ret_rows = 1;
	if (row->timeline->lanes[row->lane].kind != TIMELINE_DEVICE || n_cells <= 0)
		return STATUS_OK;
	int status = raster_make(row, n_cells, SPANS_ROWS_MAX, &raster, error);
	if (status == STATUS_OK) {
		*ret_rows = raster.n_rows;
		raster_finish(&raster);
	}
	return status;
}
