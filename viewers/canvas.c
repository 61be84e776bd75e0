/* SPDX-License-Identifier: Apache-2.0
 *
 * canvas: cells, and the one place that knows what wide and combining characters mean for them. All writing ends in put_code, which keeps to the
 * pane and never leaves half of a wide character.
 */
#include "viewers/canvas.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/utf8.h"

#define CANVAS_SIDE_MAX 4096
#define REPLACEMENT 0xfffdu

static const char *const colour_words[] = {
#define X(name, word) [COLOUR_##name] = word,
	COLOUR_MAP(X)
#undef X
};

const char *colour_word(enum colour colour)
{
	return (unsigned)colour < COLOUR_COUNT ? colour_words[colour] : "none";
}

static void blank(struct canvas_cell *cell, struct look look)
{
	*cell = (struct canvas_cell){ .code = ' ', .look = look };
}

int canvas_init(struct canvas *canvas, int width, int height, struct error *error)
{
	*canvas = (struct canvas){ 0 };
	return canvas_resize(canvas, width, height, error);
}

int canvas_resize(struct canvas *canvas, int width, int height, struct error *error)
{
	width = width < 0 ? 0 : width > CANVAS_SIDE_MAX ? CANVAS_SIDE_MAX : width;
	height = height < 0 ? 0 : height > CANVAS_SIDE_MAX ? CANVAS_SIDE_MAX : height;
	size_t n = (size_t)width * (size_t)height;
	struct canvas_cell *cells = malloc((n ? n : 1) * sizeof(*cells));
	if (!cells)
		return error_set(error, STATUS_NO_MEMORY, "no memory for a screen of %d × %d", width, height);
	free(canvas->cells);
	*canvas = (struct canvas){ .cells = cells, .width = width, .height = height };
	for (size_t i = 0; i < n; i++)
		blank(&cells[i], LOOK(NONE));
	return STATUS_OK;
}

void canvas_finish(struct canvas *canvas)
{
	free(canvas->cells);
	*canvas = (struct canvas){ 0 };
}

/* -- panes ------------------------------------------------------------------------------------------------------------------- */

struct pane canvas_pane(struct canvas *canvas)
{
	return (struct pane){ canvas, 0, 0, canvas->width, canvas->height };
}

/* [*at, *at + *length) cut to [0, size). */
static void cut(int *at, int *length, int size)
{
	int64_t from = *at, until = from + (*length > 0 ? *length : 0);
	from = from < 0 ? 0 : from > size ? size : from;
	until = until > size ? size : until < from ? from : until;
	*at = (int)from;
	*length = (int)(until - from);
}

struct pane pane_sub(struct pane pane, int x, int y, int width, int height)
{
	cut(&x, &width, pane.width);
	cut(&y, &height, pane.height);
	return (struct pane){ pane.canvas, pane.x + x, pane.y + y, width, height };
}

static int at_most(int n, int limit)
{
	int size = n < 0 ? -n : n;
	return size < limit ? size : limit;
}

struct pane pane_cut_rows(struct pane *pane, int n)
{
	struct pane whole = *pane;
	int rows = at_most(n, whole.height);
	*pane = pane_sub(whole, 0, n > 0 ? rows : 0, whole.width, whole.height - rows);
	return pane_sub(whole, 0, n > 0 ? 0 : whole.height - rows, whole.width, rows);
}

struct pane pane_cut_columns(struct pane *pane, int n)
{
	struct pane whole = *pane;
	int columns = at_most(n, whole.width);
	*pane = pane_sub(whole, n > 0 ? columns : 0, 0, whole.width - columns, whole.height);
	return pane_sub(whole, n > 0 ? 0 : whole.width - columns, 0, columns, whole.height);
}

static bool is_inside(struct pane pane, int x, int y)
{
	return x >= 0 && y >= 0 && x < pane.width && y < pane.height;
}

static struct canvas_cell *cell_at(struct pane pane, int x, int y)
{
	return &pane.canvas->cells[(size_t)(pane.y + y) * (size_t)pane.canvas->width + (size_t)(pane.x + x)];
}

/* What is overwritten in part becomes blank as a whole, beyond the pane too: half a wide character cannot be shown. */
static void free_cell(struct pane pane, int x, int y)
{
	struct canvas_cell *cell = cell_at(pane, x, y);
	int column = pane.x + x;
	if (cell->code == 0 && column > 0)
		blank(cell - 1, cell[-1].look);
	else if (column + 1 < pane.canvas->width && cell[1].code == 0)
		blank(cell + 1, cell[1].look);
}

static void put_code(struct pane pane, int x, int y, uint32_t code, int width, struct look look)
{
	if (!is_inside(pane, x, y)) {
		if (width == 2 && x == -1 && is_inside(pane, 0, y))
			put_code(pane, 0, y, ' ', 1, look);
		return;
	}
	if (width == 2 && x + 1 >= pane.width) {
		code = ' ';
		width = 1;
	}
	for (int i = 0; i < width; i++) {
		free_cell(pane, x + i, y);
		*cell_at(pane, x + i, y) = (struct canvas_cell){ .code = i ? 0 : code, .look = look };
	}
}

static void combine(struct pane pane, int x, int y, uint32_t code)
{
	if (!is_inside(pane, x, y))
		return;
	struct canvas_cell *cell = cell_at(pane, x, y);
	if (cell->code == 0 && x > 0)
		cell--;
	for (int i = 0; i < CANVAS_COMBINING_MAX; i++) {
		if (cell->combining[i])
			continue;
		cell->combining[i] = code;
		return;
	}
}

/* -- characters and text ------------------------------------------------------------------------------------------------------ */

static bool is_control(uint32_t code)
{
	return code < 0x20 || (code >= 0x7f && code < 0xa0);
}

/* Marks of direction and the like change how everything around them is shown; some numbers are no characters. */
static bool is_invisible(uint32_t code)
{
	return (code >= 0x200b && code <= 0x200f) || (code >= 0x202a && code <= 0x202e) || (code >= 0x2060 && code <= 0x206f)
		|| code == 0xfeff || (code >= 0xe0000 && code <= 0xe007f) || code == 0x2028 || code == 0x2029
		|| (code >= 0xd800 && code <= 0xdfff) || (code & 0xfffe) == 0xfffe || code > 0x10ffff;
}

/* One character of a text as what is shown: up to two codes; none for a variation selector, which would make widths uncertain. */
struct glyph {
	uint32_t codes[2];
	int n, width; /* width of each; 0: combines with what stands before */
};

static size_t next_glyph(const char *text, struct glyph *ret_glyph)
{
	uint32_t code = 0;
	size_t length = utf8_decode(text, &code);
	struct glyph glyph = { .codes = { code }, .n = 1, .width = length ? utf8_code_width(code) : 1 };
	if (length && code >= 0xfe00 && code <= 0xfe0f)
		glyph.n = 0;
	else if (!length || is_invisible(code))
		glyph = (struct glyph){ .codes = { REPLACEMENT }, .n = 1, .width = 1 };
	else if (code < 0x20 || code == 0x7f)
		glyph = (struct glyph){ .codes = { '^', code ^ 0x40 }, .n = 2, .width = 1 };
	else if (is_control(code))
		glyph = (struct glyph){ .codes = { REPLACEMENT }, .n = 1, .width = 1 };
	*ret_glyph = glyph;
	return length ? length : 1;
}

int canvas_text_width(const char *text)
{
	int64_t width = 0;
	struct glyph glyph;
	while (*text && width < INT32_MAX / 2) {
		text += next_glyph(text, &glyph);
		width += glyph.n * glyph.width;
	}
	return (int)width;
}

void pane_clear(struct pane pane, struct look look)
{
	for (int y = 0; y < pane.height; y++) {
		for (int x = 0; x < pane.width; x++)
			put_code(pane, x, y, ' ', 1, look);
	}
}

void pane_put(struct pane pane, int x, int y, uint32_t code, struct look look)
{
	int width = is_control(code) || is_invisible(code) ? -1 : utf8_code_width(code);
	if (width == 0)
		combine(pane, x, y, code);
	else
		put_code(pane, x, y, width < 0 ? REPLACEMENT : code, width < 0 ? 1 : width, look);
}

/* Writes glyphs from text to end (exclusive) at columns below `limit`. */
static int write_glyphs(struct pane pane, int x, int y, struct look look, const char *text, const char *end, int limit)
{
	struct glyph glyph;
	pane = pane_sub(pane, 0, 0, limit, pane.height);
	while (text < end && *text && x < pane.width) {
		text += next_glyph(text, &glyph);
		if (!glyph.width && glyph.n)
			combine(pane, x - 1, y, glyph.codes[0]);
		for (int i = 0; i < glyph.n && glyph.width; i++, x += glyph.width)
			put_code(pane, x, y, glyph.codes[i], glyph.width, look);
	}
	return x;
}

int pane_text(struct pane pane, int x, int y, struct look look, const char *text)
{
	return write_glyphs(pane, x, y, look, text, text + strlen(text), pane.width);
}

int pane_textf(struct pane pane, int x, int y, struct look look, const char *format, ...)
{
	char fixed[512], *text = fixed;
	va_list args;
	va_start(args, format);
	int n = vsnprintf(fixed, sizeof(fixed), format, args);
	va_end(args);
	if (n >= (int)sizeof(fixed) && (text = malloc((size_t)n + 1))) {
		va_start(args, format);
		vsnprintf(text, (size_t)n + 1, format, args);
		va_end(args);
	}
	x = pane_text(pane, x, y, look, text ? text : fixed);
	if (text != fixed)
		free(text);
	return x;
}

/* Where the text's first glyphs end that take at most `width` cells; their cells into *ret_width. */
static const char *head(const char *text, int width, int *ret_width)
{
	struct glyph glyph;
	*ret_width = 0;
	while (*text) {
		size_t length = next_glyph(text, &glyph);
		if (*ret_width + glyph.n * glyph.width > width)
			break;
		*ret_width += glyph.n * glyph.width;
		text += length;
	}
	return text;
}

/* Where the last glyphs begin that take at most `width` cells. */
static const char *tail(const char *text, int width, int *ret_width)
{
	struct glyph glyph;
	int total = canvas_text_width(text);
	while (*text && total > width) {
		text += next_glyph(text, &glyph);
		total -= glyph.n * glyph.width;
	}
	while (*text) { /* what combines with a glyph that was left out */
		size_t length = next_glyph(text, &glyph);
		if (glyph.width)
			break;
		text += length;
	}
	*ret_width = total;
	return text;
}

void pane_field(struct pane pane, int x, int y, int width, enum pane_align align, struct look look, const char *text)
{
	int total = canvas_text_width(text), n_head = total, n_tail = 0;
	if (width <= 0)
		return;
	struct pane field = pane_sub(pane, x, y, width, 1);
	int shift = x < 0 ? x : 0; /* what of the field lies left of the pane */
	for (int i = 0; i < field.width && y >= 0 && y < pane.height; i++)
		put_code(field, i, 0, ' ', 1, look);
	if (!field.width || !field.height)
		return;
	if (total <= width) {
		int before = align == PANE_LEFT ? 0 : align == PANE_RIGHT ? width - total : (width - total) / 2;
		write_glyphs(field, shift + before, 0, look, text, text + strlen(text), field.width);
		return;
	}
	const char *until = head(text, width / 2, &n_head);
	const char *from = tail(text, width - 1 - n_head, &n_tail);
	int at = write_glyphs(field, shift, 0, look, text, until, field.width);
	put_code(field, at, 0, 0x2026, 1, look);
	write_glyphs(field, shift + width - n_tail, 0, look, from, from + strlen(from), field.width);
}

/* -- areas -------------------------------------------------------------------------------------------------------------------- */

void pane_tint(struct pane pane, int x, int y, int width, int height, enum colour back)
{
	struct pane area = pane_sub(pane, x, y, width, height);
	for (int row = 0; row < area.height; row++) {
		for (int column = 0; column < area.width; column++)
			cell_at(area, column, row)->look.back = (uint8_t)back;
	}
}

void pane_emphasise(struct pane pane, int x, int y, int width, int height, unsigned attributes)
{
	struct pane area = pane_sub(pane, x, y, width, height);
	for (int row = 0; row < area.height; row++) {
		for (int column = 0; column < area.width; column++)
			cell_at(area, column, row)->look.attributes |= (uint8_t)attributes;
	}
}

void pane_rule(struct pane pane, int x, int y, int width, struct look look)
{
	for (int i = 0; i < width && x + i < pane.width; i++)
		put_code(pane, x + i, y, 0x2500, 1, look);
}

void pane_bar(struct pane pane, int x, int y, int width, double share, struct look look)
{
	static const uint32_t parts[] = { ' ', 0x258f, 0x258e, 0x258d, 0x258c, 0x258b, 0x258a, 0x2589 };
	share = !(share > 0) ? 0 : share > 1 ? 1 : share;
	int64_t eighths = (int64_t)(share * 8 * (width > 0 ? width : 0) + 0.5);
	if (eighths == 0 && share > 0)
		eighths = 1;
	for (int i = 0; i < width && x + i < pane.width; i++, eighths -= 8)
		put_code(pane, x + i, y, eighths >= 8 ? 0x2588u : parts[eighths > 0 ? eighths : 0], 1, look);
}
