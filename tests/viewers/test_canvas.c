/* SPDX-License-Identifier: Apache-2.0
 *
 * Panes, clipping, wide and hostile characters, fields cut in the middle; whatever is drawn stays inside its pane.
 */
#include "viewers/canvas.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/attributes.h"
#include "engine/base/strbuf.h"
#include "engine/base/utf8.h"
#include "viewers/canvas_print.h"

static void make(struct canvas *canvas, int width, int height)
{
	struct error error = { 0 };
	cr_assert(canvas_init(canvas, width, height, &error) == STATUS_OK, "%s", error.text);
}

static void expect_text(const struct canvas *canvas, const char *name, const char *expected)
{
	struct strbuf out = STRBUF_INIT;
	canvas_print_text(canvas, false, &out);
	cr_assert_str_eq(strbuf_text(&out), expected, "%s:\n%snot\n%s", name, strbuf_text(&out), expected);
	strbuf_finish(&out);
}

Test(canvas, text)
{
	static const struct {
		const char *name, *text, *shown;
		int x, width;
	} cases[] = {
		{ "plain", "abc", "abc\n", 0, 3 },
		{ "cut at the right", "abcdefgh", "   abcde\n", 3, 8 },
		{ "cut at the left", "abcdef", "cdef\n", -2, 6 },
		{ "wide", "日本", "日本\n", 0, 4 },
		{ "wide, no room for its second half", "abcdefg日", "abcdefg\n", 0, 9 },
		{ "wide, its first half is outside", "日x", " x\n", -1, 3 },
		{ "combining", "e\xcc\x81x", "e\xcc\x81x\n", 0, 2 },
		{ "combining at the beginning", "\xcc\x81x", "x\n", 0, 1 },
		{ "control characters", "a\033[2Jb\n\t\177", "a^[[2Jb^\n", 0, 13 },
		{ "bytes that are no text", "a\xff\xc0z", "a\xef\xbf\xbd\xef\xbf\xbdz\n", 0, 4 },
		{ "C1 control", "a\xc2\x9bz", "a\xef\xbf\xbdz\n", 0, 3 },
		{ "mark that turns text round", "a\xe2\x80\xaez", "a\xef\xbf\xbdz\n", 0, 3 },
		{ "variation selector", "a\xef\xb8\x8fz", "az\n", 0, 2 },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct canvas canvas;
		make(&canvas, 8, 1);
		int end = pane_text(canvas_pane(&canvas), cases[i].x, 0, LOOK(NONE), cases[i].text);
		expect_text(&canvas, cases[i].name, cases[i].shown);
		int width = canvas_text_width(cases[i].text);
		cr_assert_eq(width, cases[i].width, "%s: %d cells wide, not %d", cases[i].name, width, cases[i].width);
		cr_assert(end <= 9, "%s: ends at %d", cases[i].name, end);
		canvas_finish(&canvas);
	}
}

Test(canvas, fields)
{
	static const struct {
		const char *text;
		int width;
		enum pane_align align;
		const char *shown;
	} cases[] = {
		{ "abc", 6, PANE_LEFT, "[abc   ]\n" }, { "abc", 6, PANE_RIGHT, "[   abc]\n" },
		{ "abc", 6, PANE_CENTRE, "[ abc  ]\n" },
		{ "layer_norm", 6, PANE_LEFT, "[lay…rm]\n" }, { "layer_norm", 6, PANE_RIGHT, "[lay…rm]\n" },
		{ "abcdefg", 6, PANE_LEFT, "[abc…fg]\n" },
		{ "日本日本日", 6, PANE_LEFT, "[日… 日]\n" }, { "", 6, PANE_CENTRE, "[      ]\n" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct canvas canvas;
		make(&canvas, 8, 1);
		struct pane pane = canvas_pane(&canvas);
		pane_text(pane, 0, 0, LOOK(NONE), "[xxxxxx]");
		pane_field(pane, 1, 0, cases[i].width, cases[i].align, LOOK(NONE), cases[i].text);
		expect_text(&canvas, cases[i].text, cases[i].shown);
		canvas_finish(&canvas);
	}
}

/* Half of a wide character is never left. */
Test(canvas, overwriting_wide_characters)
{
	struct canvas canvas;
	make(&canvas, 6, 1);
	struct pane pane = canvas_pane(&canvas);
	pane_text(pane, 0, 0, LOOK(NONE), "日本語");
	pane_put(pane, 1, 0, 'x', LOOK(NONE));
	expect_text(&canvas, "right half", " x本語\n");
	pane_put(pane, 2, 0, 'y', LOOK(NONE));
	expect_text(&canvas, "left half", " xy 語\n");
	pane_put(pane, 3, 0, 0x65e5, LOOK(NONE));
	expect_text(&canvas, "both halves of two", " xy日\n");
	canvas_finish(&canvas);
}

Test(canvas, cutting_panes)
{
	struct canvas canvas;
	make(&canvas, 20, 10);
	struct pane rest = canvas_pane(&canvas);
	struct pane top = pane_cut_rows(&rest, 2), bottom = pane_cut_rows(&rest, -3), left = pane_cut_columns(&rest, 5),
		    right = pane_cut_columns(&rest, -4);
	const struct {
		const char *name;
		struct pane pane;
		int x, y, width, height;
	} cases[] = { { "top", top, 0, 0, 20, 2 }, { "bottom", bottom, 0, 7, 20, 3 }, { "left", left, 0, 2, 5, 5 }, { "right", right,
		16, 2, 4, 5 },
		{ "rest", rest, 5, 2, 11, 5 }, { "too much", pane_cut_rows(&rest, 100), 5, 2, 11, 5 }, { "nothing is left", rest, 5,
			7, 11, 0 } };
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct pane *pane = &cases[i].pane;
		cr_assert(pane->x == cases[i].x && pane->y == cases[i].y && pane->width == cases[i].width
			&& pane->height == cases[i].height,
			"%s: %d,%d %d × %d, not %d,%d %d × %d", cases[i].name, pane->x, pane->y, pane->width, pane->height, cases[i].x,
			cases[i].y, cases[i].width, cases[i].height);
	}
	canvas_finish(&canvas);
}

static void draw_something(struct pane pane, unsigned *seed)
{
	static const char *const texts[] = { "", "x", "日本語", "layer_norm", "e\xcc\x81\xcc\x82\xcc\x83", "\033]0;x\a", "\xff\xfe",
		"🚀🚀🚀🚀🚀🚀🚀🚀" };
	int x = rand_r(seed) % 50 - 15, y = rand_r(seed) % 20 - 5, n = rand_r(seed) % 40 - 5;
	const char *text = texts[(size_t)rand_r(seed) % ARRAY_LEN(texts)];
	struct look look = { .front = (uint8_t)(rand_r(seed) % COLOUR_COUNT), .back = (uint8_t)(rand_r(seed) % COLOUR_COUNT),
		.attributes = (uint8_t)(rand_r(seed) % 8) };
	switch (rand_r(seed) % 9) {
	case 0: pane_text(pane, x, y, look, text); break;
	case 1: pane_field(pane, x, y, n, (enum pane_align)(rand_r(seed) % 3), look, text); break;
	case 2: pane_put(pane, x, y, (uint32_t)rand_r(seed) % 0x120000, look); break;
	case 3: pane_tint(pane, x, y, n, n, COLOUR_SELECT); break;
	case 4: pane_emphasise(pane, x, y, n, n, LOOK_BOLD); break;
	case 5: pane_rule(pane, x, y, n, look); break;
	case 6: pane_bar(pane, x, y, n, (rand_r(seed) % 300 - 100) / 100.0, look); break;
	case 7: pane_textf(pane, x, y, look, "%s %d", text, n); break;
	default: pane_clear(pane_sub(pane, x, y, n, n), look); break;
	}
}

/* Outside the pane nothing changes, but for the other half of a wide character that was overwritten at its edge; inside, a wide character is
 * whole and nothing is there that must not reach a terminal. */
static void check(const struct canvas *canvas, struct pane pane, unsigned step)
{
	for (int y = 0; y < canvas->height; y++) {
		for (int x = 0; x < canvas->width; x++) {
			const struct canvas_cell *cell = &canvas->cells[y * canvas->width + x];
			bool is_inside = x >= pane.x && x < pane.x + pane.width && y >= pane.y && y < pane.y + pane.height;
			if (!is_inside)
				cr_assert(cell->code == 0x2593 && cell->look.front == COLOUR_MARK,
				"step %u: %d,%d outside holds U+%04X", step, x, y,
					(unsigned)cell->code);
			bool is_wide = cell->code && utf8_code_width(cell->code) == 2;
			if (is_wide)
				cr_assert(x + 1 < canvas->width && cell[1].code == 0, "step %u: half a character at %d,%d", step, x, y);
			if (cell->code == 0)
				cr_assert(x > 0 && utf8_code_width(cell[-1].code) == 2, "step %u: a right half alone at %d,%d", step,
				x, y);
			else
				cr_assert(cell->code >= 0x20 && cell->code != 0x7f && !(cell->code >= 0x80 && cell->code < 0xa0),
					"step %u: U+%04X at %d,%d", step, (unsigned)cell->code, x, y);
		}
	}
}

Test(canvas, drawing_stays_inside)
{
	for (unsigned round = 0; round < 60; round++) {
		unsigned seed = round;
		struct canvas canvas;
		make(&canvas, 30, 12);
		for (int i = 0; i < 30 * 12; i++)
			canvas.cells[i] = (struct canvas_cell){ .code = 0x2593, .look = LOOK(MARK) };
		struct pane pane = pane_sub(canvas_pane(&canvas), rand_r(&seed) % 35 - 3, rand_r(&seed) % 15 - 2, rand_r(&seed) % 35,
			rand_r(&seed) % 14);
		for (unsigned step = 0; step < 100; step++)
			draw_something(pane, &seed);
		check(&canvas, pane, round);
		canvas_finish(&canvas);
	}
}
