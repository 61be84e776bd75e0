/* SPDX-License-Identifier: Apache-2.0
 *
 * Text, text with colours, and pictures; themes and stand-ins.
 */
#include "viewers/canvas_print.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/utf8.h"

static void make(struct canvas *canvas, int width, int height)
{
	struct error error = { 0 };
	cr_assert(canvas_init(canvas, width, height, &error) == STATUS_OK, "%s", error.text);
}

Test(canvas_print, text_and_ascii)
{
	struct canvas canvas;
	struct strbuf out = STRBUF_INIT;
	make(&canvas, 24, 2);
	struct pane pane = canvas_pane(&canvas);
	pane_text(pane, 0, 0, LOOK(COMPUTE), "▐█▌░▒▓╌· µs … 日x → ─│┼");
	pane_put(pane, 1, 1, 0x258d, (struct look){ .front = COLOUR_COMPUTE, .attributes = LOOK_REVERSE });
	canvas_print_text(&canvas, false, &out);
	cr_assert_str_eq(strbuf_text(&out), "▐█▌░▒▓╌· µs … 日x → ─│┼\n ▐\n");
	strbuf_clear(&out);
	canvas_print_text(&canvas, true, &out);
	cr_assert_str_eq(strbuf_text(&out), "|#|:=%-. us ~ ? x > -|+\n |\n");
	strbuf_finish(&out);
	canvas_finish(&canvas);
}

Test(canvas_print, colours_end_with_each_row)
{
	struct canvas canvas;
	struct strbuf out = STRBUF_INIT;
	make(&canvas, 4, 2);
	pane_text(canvas_pane(&canvas), 0, 0, LOOK_ON(COMPUTE, SELECT), "ab");
	pane_text(canvas_pane(&canvas), 0, 1, LOOK(NONE), "cd");
	canvas_print_ansi(&canvas, theme_get(THEME_DARK), false, &out);
	cr_assert_str_eq(strbuf_text(&out), "\033[0;38;5;32;48;5;239mab\033[0m\ncd\n");
	strbuf_clear(&out);
	canvas_print_ansi(&canvas, theme_get(THEME_MONO), false, &out);
	cr_assert_str_eq(strbuf_text(&out), "\033[0;7mab\033[0m\ncd\n");
	strbuf_finish(&out);
	canvas_finish(&canvas);
}

/* Every code from a table of everything that views draw, and hostile text; the result is XML. */
Test(canvas_print, picture)
{
	struct canvas canvas;
	struct strbuf out = STRBUF_INIT;
	make(&canvas, 60, 8);
	struct pane pane = canvas_pane(&canvas);
	pane_text(pane, 0, 0, LOOK(ERROR), "<script>&\"'</svg> ]]> \033 \xff 日本");
	for (uint32_t code = 0x2500; code < 0x25a0; code++)
		pane_put(pane, (int)(code - 0x2500) % 60, 1 + (int)(code - 0x2500) / 60, code, LOOK_ON(COMPUTE, CURSOR));
	for (uint32_t code = 0xfff0; code < 0x10010; code++)
		pane_put(pane, (int)(code - 0xfff0), 5, code, LOOK(NONE));
	pane_emphasise(pane, 0, 0, 60, 1, LOOK_BOLD | LOOK_UNDERLINE | LOOK_REVERSE);
	canvas_print_svg(&canvas, theme_get(THEME_LIGHT), "a <b> & \001 \"c\"", &out);
	const char *text = strbuf_text(&out);
	cr_assert(strncmp(text, "<svg xmlns=", 11) == 0 && strstr(text, "</g>\n</svg>\n"), "no picture: %.60s", text);
	cr_assert(!strstr(text, "<script") && strstr(text, "&lt;script&gt;&amp;&quot;"), "text is not escaped");
	int depth = 0;
	for (const char *at = text; *at; at++) {
		uint32_t code = 0;
		size_t length = utf8_decode(at, &code);
		cr_assert(length && (code >= 0x20 || code == '\n') && (code & 0xfffe) != 0xfffe,
			"a byte that XML does not allow: %02x", (unsigned char)*at);
		at += length - 1;
		depth += *at == '<' && at[1] != '/';
		depth -= (*at == '<' && at[1] == '/') || (*at == '/' && at[1] == '>');
	}
	cr_assert_eq(depth, 0, "%d elements are not closed", depth);
	strbuf_finish(&out);
	canvas_finish(&canvas);
}

Test(theme, complete)
{
	for (int id = 0; id < THEME_COUNT; id++) {
		const struct theme *theme = theme_get((enum theme_id)id);
		cr_assert_eq(theme_find(theme->name), theme, "%s is not found", theme->name);
		for (int colour = COLOUR_NONE + 1; colour < COLOUR_COUNT && !theme->is_mono; colour++) {
			const struct theme_colour *front = &theme->front[colour], *back = &theme->back[colour];
			cr_assert(front->colour256 > 0 && front->colour256 < 256 && front->colour16 >= 0 && front->colour16 < 16,
				"%s: %s: %d, %d",
				theme->name, colour_word((enum colour)colour), front->colour256, front->colour16);
			cr_assert(back->colour256 > 0 && back->colour16 >= 0 && back->colour16 < 16, "%s: %s behind", theme->name,
				colour_word((enum colour)colour));
		}
		for (int a = COLOUR_COMPUTE; a <= COLOUR_IDLE && !theme->is_mono; a++) {
			for (int b = a + 1; b <= COLOUR_IDLE; b++)
				cr_assert(theme->front[a].colour256 != theme->front[b].colour256
				&& theme->front[a].colour16 != theme->front[b].colour16,
					"%s: %s and %s look alike", theme->name, colour_word((enum colour)a),
					colour_word((enum colour)b));
		}
	}
	cr_assert(theme_find("pink") == NULL);
}

/* Whatever a look is, on 16 colours nothing stands in its own colour. */
Test(theme, nothing_hides_on_its_ground)
{
	for (int id = 0; id < THEME_COUNT; id++) {
		for (int front = 0; front < COLOUR_COUNT; front++) {
			for (int back = 0; back < COLOUR_COUNT; back++) {
				const struct look look = { .front = (uint8_t)front, .back = (uint8_t)back };
				struct theme_paint paint = theme_paint(theme_get((enum theme_id)id), look);
				cr_assert(front == back || paint.front.colour16 < 0 || paint.front.colour16 != paint.back.colour16,
					"%s: %s on %s", theme_get((enum theme_id)id)->name, colour_word((enum colour)front),
					colour_word((enum colour)back));
			}
		}
	}
}

Test(theme, stand_ins)
{
	static const char shown[] = "█▓▒░▞╌·▏▎▍▌▋▊▉▐▕│╎▁▂▃▄▅▆▇✗◆▸▾▼…┬─→µ◂▲×┌┐└┘├┤┴┼╭╮╰╯┄┆┏┓┗┛━┃┯┷▶◆±−Δ←↑↓–≤";
	for (const char *at = shown; *at;) {
		uint32_t code = 0;
		at += utf8_decode(at, &code);
		cr_assert(theme_ascii(code) != '?', "U+%04X has no stand-in", (unsigned)code);
	}
	for (uint32_t code = 0; code < 0x30000; code++) {
		char ascii = theme_ascii(code);
		cr_assert(ascii >= ' ' && ascii < 0x7f, "U+%04X becomes %d", (unsigned)code, ascii);
	}
}
