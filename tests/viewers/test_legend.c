/* SPDX-License-Identifier: Apache-2.0
 *
 * The legend: every kind is in it once, drawn as it is drawn, and it fits 80 columns.
 */
#include "viewers/legend.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "viewers/canvas_print.h"
#include "viewers/spans.h"

#define TEXT_X 9

static int draw(struct canvas *canvas, int width)
{
	int n = 0;
	cr_assert_eq(canvas_init(canvas, width, 60, NULL), STATUS_OK);
	pane_clear(canvas_pane(canvas), LOOK(NONE));
	while (legend_line(n, canvas_pane(canvas), n, TEXT_X))
		n++;
	return n;
}

/* Its words end at a comma or the line's end. */
static bool names(const char *line, const char *title)
{
	size_t n = strlen(title);
	for (const char *at = strstr(line, title); at; at = strstr(at + 1, title)) {
		if ((at == line || at[-1] == ' ') && strchr(",\n", at[n]))
			return true;
	}
	return false;
}

static int row_of(const struct canvas *canvas, const char *title, int *ret_n)
{
	struct strbuf out = STRBUF_INIT;
	int found = -1, y = 0;
	canvas_print_text(canvas, false, &out);
	char *rest = NULL, *text = strdup(strbuf_text(&out)), line[1000];
	*ret_n = 0;
	for (char *row = text; row && *row; row = rest, y++) {
		rest = strchr(row, '\n');
		rest = rest ? rest + 1 : NULL;
		snprintf(line, sizeof(line), "%.*s", rest ? (int)(rest - row) : (int)strlen(row), row);
		line[strcspn(line, ":")] = '\0'; /* what it means comes behind */
		if (canvas->cells[y * canvas->width + TEXT_X].code != ' ' && names(line, title)) {
			found = y;
			(*ret_n)++;
		}
	}
	free(text);
	strbuf_finish(&out);
	return found;
}

Test(legend, has_every_kind_once_as_it_is_drawn)
{
	struct canvas canvas;
	draw(&canvas, 100);
	for (int phase = 0; phase < PHASE_COUNT; phase++) {
		const char *title = spans_phase_title((enum phase)phase);
		int n, y = row_of(&canvas, title, &n);
		cr_assert_eq(n, 1, "%s: %d lines", title, n);
		const struct canvas_cell *sample = &canvas.cells[y * canvas.width + 2];
		cr_assert_eq(sample->code, spans_texture((enum phase)phase), "%s: U+%04X", title, (unsigned)sample->code);
		cr_assert_eq(sample->look.front, spans_colour((enum phase)phase), "%s: colour %d", title, sample->look.front);
	}
	canvas_finish(&canvas);
}

Test(legend, fits_80_columns_and_outside_draws_nothing)
{
	struct canvas canvas;
	int n = draw(&canvas, 80);
	cr_assert(n > 12, "%d lines", n);
	for (int y = 0; y < n; y++)
		cr_assert_eq(canvas.cells[y * 80 + 79].code, ' ', "line %d reaches the last column", y);
	for (int i = 0; i < n; i++) {
		cr_assert(legend_line(i, canvas_pane(&canvas), -1, TEXT_X));
		cr_assert(legend_line(i, canvas_pane(&canvas), 60, TEXT_X));
	}
	canvas_finish(&canvas);
}
