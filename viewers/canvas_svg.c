/* SPDX-License-Identifier: Apache-2.0
 *
 * canvas_svg: a canvas as a picture. Blocks, shades and rules are drawn as shapes, so that they meet whatever the font; the rest is text, stretched
 * to its cells.
 */
#include <string.h>

#include "engine/base/attributes.h"
#include "viewers/canvas_print.h"
#include "viewers/canvas_private.h"

#define CELL_X 8
#define CELL_Y 17
#define BASE_LINE 13
#define MARGIN 8
#define CHEQUERED 0x259eu /* upper right and lower left quarter */

struct picture {
	const struct canvas *canvas;
	const struct theme *theme;
	struct strbuf *out;
};

struct paint {
	uint32_t front, back;
	unsigned attributes;
};

static struct paint paint_of(const struct picture *picture, struct look look)
{
	struct theme_paint paint = theme_paint(picture->theme, look);
	uint32_t front = paint.front.colour256 < 0 ? picture->theme->ink_rgb : paint.front.rgb;
	uint32_t back = paint.back.colour256 < 0 ? picture->theme->paper_rgb : paint.back.rgb;
	bool is_reverse = paint.attributes & LOOK_REVERSE;
	return (struct paint){ is_reverse ? back : front, is_reverse ? front : back, paint.attributes };
}

static bool is_same(struct paint a, struct paint b)
{
	return a.front == b.front && a.back == b.back && a.attributes == b.attributes;
}

static void add_rect(const struct picture *picture, double x, double y, double width, double height, uint32_t rgb, double opacity)
{
	strbuf_addf(picture->out, "<rect x=\"%g\" y=\"%g\" width=\"%g\" height=\"%g\" fill=\"#%06x\"", x, y, width, height,
		(unsigned)rgb);
	if (opacity < 1)
		strbuf_addf(picture->out, " fill-opacity=\"%g\"", opacity);
	strbuf_add(picture->out, "/>\n");
}

/* The part of a cell that a block covers, in eighths from its left and top edge. */
struct block {
	int x, y, width, height; /* of 8 × 8 */
	double opacity;
};

static bool find_block(uint32_t code, struct block *ret_block)
{
	struct block block = { 0, 0, 8, 8, 1 };
	if (code >= 0x2581 && code <= 0x2588) {
		block.height = (int)(code - 0x2580);
		block.y = 8 - block.height;
	} else if (code >= 0x2589 && code <= 0x258f) {
		block.width = (int)(0x2590 - code);
	} else if (code == 0x2590) {
		block.x = block.width = 4;
	} else if (code == 0x2580) {
		block.height = 4;
	} else if (code == 0x2594) {
		block.height = 1;
	} else if (code == 0x2595) {
		block.x = 7;
		block.width = 1;
	} else if (code >= 0x2591 && code <= 0x2593) {
		block.opacity = 0.25 * (double)(code - 0x2590);
	} else {
		return false;
	}
	*ret_block = block;
	return true;
}

/* Arms of a line in a cell. */
enum arm { LEFT = 1, RIGHT = 2, UP = 4, DOWN = 8 };

static int arms_of(uint32_t code)
{
	static const struct {
		uint32_t code;
		int arms;
	} lines[] = {
		{ 0x2500, LEFT | RIGHT }, { 0x2502, UP | DOWN }, { 0x250c, RIGHT | DOWN }, { 0x2510, LEFT | DOWN }, { 0x2514,
			RIGHT | UP },
		{ 0x2518, LEFT | UP }, { 0x251c, RIGHT | UP | DOWN }, { 0x2524, LEFT | UP | DOWN }, { 0x252c, LEFT | RIGHT | DOWN },
		{ 0x2534, LEFT | RIGHT | UP }, { 0x253c, LEFT | RIGHT | UP | DOWN }, { 0x256d, RIGHT | DOWN }, { 0x256e, LEFT | DOWN },
		{ 0x256f, LEFT | UP }, { 0x2570, RIGHT | UP }, { 0x2574, LEFT }, { 0x2575, UP }, { 0x2576, RIGHT }, { 0x2577, DOWN },
	};
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		if (lines[i].code == code)
			return lines[i].arms;
	}
	return 0;
}

static bool is_shape(uint32_t code)
{
	struct block block;
	return code == ' ' || code == 0 || find_block(code, &block) || arms_of(code) || code == CHEQUERED;
}

/* A block over `n` equal cells. */
static void add_shape(const struct picture *picture, int column, int row, int n, uint32_t code, uint32_t rgb)
{
	struct block block;
	double x = MARGIN + column * CELL_X, y = MARGIN + row * CELL_Y, middle_x = x + CELL_X / 2.0, middle_y = y + CELL_Y / 2.0;
	int arms = arms_of(code);
	if (find_block(code, &block)) {
		if (block.width == 8)
			add_rect(picture, x, y + block.y * CELL_Y / 8.0, n * CELL_X, block.height * CELL_Y / 8.0, rgb, block.opacity);
		for (int i = 0; i < n && block.width < 8; i++)
			add_rect(picture, x + i * CELL_X + block.x, y, block.width, CELL_Y, rgb, block.opacity);
		return;
	}
	for (int i = 0; i < n && code == CHEQUERED; i++) {
		add_rect(picture, x + (i + 0.5) * CELL_X, y, CELL_X / 2.0, CELL_Y / 2.0, rgb, 1);
		add_rect(picture, x + i * CELL_X, y + CELL_Y / 2.0, CELL_X / 2.0, CELL_Y / 2.0, rgb, 1);
	}
	if (arms == (LEFT | RIGHT)) {
		add_rect(picture, x, middle_y - 0.5, n * CELL_X, 1, rgb, 1);
		return;
	}
	for (int i = 0; i < n; i++, x += CELL_X, middle_x += CELL_X) {
		if (arms & (LEFT | RIGHT))
			add_rect(picture, arms & LEFT ? x : middle_x - 0.5, middle_y - 0.5,
				CELL_X / 2.0 * !!(arms & LEFT) + CELL_X / 2.0 * !!(arms & RIGHT) + 0.5, 1, rgb, 1);
		if (arms & (UP | DOWN))
			add_rect(picture, middle_x - 0.5, arms & UP ? y : middle_y - 0.5, 1,
				CELL_Y / 2.0 * !!(arms & UP) + CELL_Y / 2.0 * !!(arms & DOWN) + 0.5, rgb, 1);
	}
}

static void add_xml(const char *text, struct strbuf *out)
{
	for (; *text; text++) {
		switch (*text) {
		case '&': strbuf_add(out, "&amp;"); break;
		case '<': strbuf_add(out, "&lt;"); break;
		case '>': strbuf_add(out, "&gt;"); break;
		case '"': strbuf_add(out, "&quot;"); break;
		default: strbuf_add_bytes(out, text, 1);
		}
	}
}

static void add_text(const struct picture *picture, int column, int row, int n_cells, struct paint paint, const char *text)
{
	strbuf_addf(picture->out, "<text x=\"%d\" y=\"%d\" textLength=\"%d\" fill=\"#%06x\"", MARGIN + column * CELL_X,
		MARGIN + row * CELL_Y + BASE_LINE, n_cells * CELL_X, (unsigned)paint.front);
	if (paint.attributes & LOOK_BOLD)
		strbuf_add(picture->out, " font-weight=\"bold\"");
	strbuf_add(picture->out, ">");
	add_xml(text, picture->out);
	strbuf_add(picture->out, "</text>\n");
}

static void draw_grounds(const struct picture *picture, const struct canvas_cell *cells, int row)
{
	for (int x = 0, n; x < picture->canvas->width; x += n) {
		struct paint paint = paint_of(picture, cells[x].look);
		for (n = 1; x + n < picture->canvas->width && paint_of(picture, cells[x + n].look).back == paint.back; n++)
			;
		if (paint.back != picture->theme->paper_rgb)
			add_rect(picture, MARGIN + x * CELL_X, MARGIN + row * CELL_Y, n * CELL_X, CELL_Y, paint.back, 1);
	}
}

static void draw_shapes(const struct picture *picture, const struct canvas_cell *cells, int row)
{
	for (int x = 0, n; x < picture->canvas->width; x += n) {
		struct paint paint = paint_of(picture, cells[x].look);
		for (n = 1; x + n < picture->canvas->width && cells[x + n].code == cells[x].code
			&& paint_of(picture, cells[x + n].look).front == paint.front; n++)
			;
		if (cells[x].code > ' ' && is_shape(cells[x].code))
			add_shape(picture, x, row, n, cells[x].code, paint.front);
	}
}

static void draw_underlines(const struct picture *picture, const struct canvas_cell *cells, int row)
{
	for (int x = 0, n; x < picture->canvas->width; x += n) {
		struct paint paint = paint_of(picture, cells[x].look);
		for (n = 1; x + n < picture->canvas->width && is_same(paint_of(picture, cells[x + n].look), paint); n++)
			;
		if (paint.attributes & LOOK_UNDERLINE)
			add_rect(picture, MARGIN + x * CELL_X, MARGIN + row * CELL_Y + CELL_Y - 2, n * CELL_X, 1, paint.front, 1);
	}
}

/* Runs of text that look alike; single blanks within belong to them. A wide character is a run of its own. */
static void draw_texts(const struct picture *picture, const struct canvas_cell *cells, int row)
{
	struct strbuf text = STRBUF_INIT;
	int width = picture->canvas->width;
	for (int x = 0, n; x < width; x += n) {
		struct paint paint = paint_of(picture, cells[x].look);
		bool is_wide = x + 1 < width && cells[x + 1].code == 0;
		n = is_wide ? 2 : 1;
		if (is_shape(cells[x].code))
			continue;
		strbuf_clear(&text);
		canvas_cell_text(&cells[x], false, &text);
		for (int more = 1; !is_wide && x + n < width && more; n += more) {
			const struct canvas_cell *next = &cells[x + n];
			bool is_blank = next->code == ' ' && x + n + 1 < width && !is_shape(next[1].code);
			more = is_same(paint_of(picture, next->look), paint) && (is_blank || !is_shape(next->code))
				&& !(x + n + 1 < width && next[1].code == 0);
			if (more)
				canvas_cell_text(next, false, &text);
		}
		add_text(picture, x, row, n, paint, strbuf_text(&text));
	}
	strbuf_finish(&text);
}

void canvas_print_svg(const struct canvas *canvas, const struct theme *theme, const char *title, struct strbuf *out)
{
	const struct picture picture = { canvas, theme, out };
	int width = canvas->width * CELL_X + 2 * MARGIN, height = canvas->height * CELL_Y + 2 * MARGIN;
	struct strbuf printable = STRBUF_INIT;
	strbuf_add_printable(&printable, title);
	strbuf_addf(out,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" role=\"img\">\n<title>", width,
		height, width, height);
	add_xml(strbuf_text(&printable), out);
	strbuf_finish(&printable);
	strbuf_addf(out, "</title>\n<rect width=\"%d\" height=\"%d\" rx=\"6\" fill=\"#%06x\"/>\n", width, height,
		(unsigned)theme->paper_rgb);
	strbuf_add(out, "<g font-family=\"DejaVu Sans Mono, Menlo, Consolas, monospace\" font-size=\"13\" xml:space=\"preserve\""
		" shape-rendering=\"crispEdges\">\n");
	for (int y = 0; y < canvas->height; y++) {
		const struct canvas_cell *cells = &canvas->cells[(size_t)y * (size_t)canvas->width];
		draw_grounds(&picture, cells, y);
		draw_shapes(&picture, cells, y);
		draw_texts(&picture, cells, y);
		draw_underlines(&picture, cells, y);
	}
	strbuf_add(out, "</g>\n</svg>\n");
}
