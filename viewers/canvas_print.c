/* SPDX-License-Identifier: Apache-2.0
 *
 * canvas_print: rows of cells as text and as text with colours; the picture is canvas_svg.c.
 */
#include "viewers/canvas_print.h"

#include <string.h>

#include "engine/base/utf8.h"
#include "viewers/canvas_private.h"

size_t canvas_encode(uint32_t code, char *text)
{
	if (code < 0x80) {
		text[0] = (char)code;
		return 1;
	}
	size_t n = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
	static const unsigned char firsts[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
	for (size_t i = n - 1; i > 0; i--, code >>= 6)
		text[i] = (char)(0x80 | (code & 0x3f));
	text[0] = (char)(firsts[n] | code);
	return n;
}

void canvas_cell_text(const struct canvas_cell *cell, bool is_ascii, struct strbuf *out)
{
	char text[4 * (1 + CANVAS_COMBINING_MAX)];
	size_t length = 0;
	if (is_ascii) {
		text[length++] = theme_ascii(cell->code);
		if (utf8_code_width(cell->code) == 2)
			text[length++] = ' ';
	} else {
		length += canvas_encode(cell->code, text);
		for (int i = 0; i < CANVAS_COMBINING_MAX && cell->combining[i]; i++)
			length += canvas_encode(cell->combining[i], text + length);
	}
	strbuf_add_bytes(out, text, length);
}

static bool is_plain(struct look look)
{
	return look.back == COLOUR_NONE && !(look.attributes & (LOOK_REVERSE | LOOK_UNDERLINE));
}

/* Cells of a row up to the last one that shows something. */
static int row_length(const struct canvas_cell *row, int width, bool has_looks)
{
	while (width > 0 && row[width - 1].code == ' ' && !row[width - 1].combining[0] && (!has_looks || is_plain(row[width - 1].look)))
		width--;
	return width;
}

/* A block's left end is the rest of its cell, reversed: where nothing can be reversed the half that it is nearer to stands for it. */
static struct canvas_cell upright(struct canvas_cell cell)
{
	if ((cell.look.attributes & LOOK_REVERSE) && cell.code >= 0x2589 && cell.code <= 0x258f)
		cell.code = cell.code == 0x2589 ? 0x2595 : 0x2590;
	return cell;
}

void canvas_print_text(const struct canvas *canvas, bool is_ascii, struct strbuf *out)
{
	for (int y = 0; y < canvas->height; y++) {
		const struct canvas_cell *row = &canvas->cells[(size_t)y * (size_t)canvas->width];
		int length = row_length(row, canvas->width, false);
		for (int x = 0; x < length; x++) {
			const struct canvas_cell cell = upright(row[x]);
			if (cell.code)
				canvas_cell_text(&cell, is_ascii, out);
		}
		strbuf_add(out, "\n");
	}
}

static void add_look(const struct theme *theme, struct look look, struct strbuf *out)
{
	struct theme_paint paint = theme_paint(theme, look);
	strbuf_add(out, "\033[0");
	if (paint.attributes & LOOK_BOLD)
		strbuf_add(out, ";1");
	if (paint.attributes & LOOK_UNDERLINE)
		strbuf_add(out, ";4");
	if (paint.attributes & LOOK_REVERSE)
		strbuf_add(out, ";7");
	if (paint.front.colour256 >= 0)
		strbuf_addf(out, ";38;5;%d", paint.front.colour256);
	if (paint.back.colour256 >= 0)
		strbuf_addf(out, ";48;5;%d", paint.back.colour256);
	strbuf_add(out, "m");
}

void canvas_print_ansi(const struct canvas *canvas, const struct theme *theme, bool is_ascii, struct strbuf *out)
{
	for (int y = 0; y < canvas->height; y++) {
		const struct canvas_cell *row = &canvas->cells[(size_t)y * (size_t)canvas->width];
		int length = row_length(row, canvas->width, true);
		struct look look = LOOK(NONE);
		for (int x = 0; x < length; x++) {
			if (!row[x].code)
				continue;
			if (memcmp(&row[x].look, &look, sizeof(look)) != 0)
				add_look(theme, row[x].look, out);
			look = row[x].look;
			canvas_cell_text(&row[x], is_ascii, out);
		}
		strbuf_add(out, memcmp(&look, &LOOK(NONE), sizeof(look)) != 0 ? "\033[0m\n" : "\n");
	}
}
