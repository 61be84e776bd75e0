/* SPDX-License-Identifier: Apache-2.0
 *
 * panel: titles and prose.
 */
#include "viewers/panel.h"

#include <stdio.h>
#include <string.h>

#define RIGHT_LEAST 12 /* cells of the text on the right that are worth showing */

void panel_prose(struct pane pane, int x, int y, int width, struct look look, const char *text)
{
	pane_field(pane, x, y, width, PANE_LEFT, look, "");
	pane_text(pane_sub(pane, x, y, width, 1), 0, 0, look, text);
	if (width > 0 && canvas_text_width(text) > width)
		pane_put(pane_sub(pane, x, y, width, 1), width - 1, 0, 0x2026, look);
}

void panel_title(struct pane pane, bool has_focus, const char *title, const char *right, struct look right_look)
{
	struct look look = has_focus ? LOOK(ACCENT) : LOOK(TITLE);
	int wanted = canvas_text_width(title), room = pane.width - 4, n = canvas_text_width(right);
	look.attributes |= LOOK_BOLD;
	wanted = wanted < room ? wanted : room > 0 ? room : 0;
	pane_rule(pane, 0, 0, pane.width, LOOK(DIM));
	pane_put(pane, 1, 0, ' ', LOOK(DIM));
	pane_field(pane, 2, 0, wanted, PANE_LEFT, look, title);
	pane_put(pane, 2 + wanted, 0, ' ', LOOK(DIM));
	room = pane.width - wanted - 8;
	if (!n || (n > room && room < RIGHT_LEAST))
		return;
	n = n < room ? n : room;
	pane_put(pane, pane.width - n - 3, 0, ' ', LOOK(DIM));
	panel_prose(pane, pane.width - n - 2, 0, n, right_look, right);
	pane_put(pane, pane.width - 2, 0, ' ', LOOK(DIM));
}

int panel_paragraph(struct pane pane, int indent, int y, struct look look, const char *text)
{
	int x = indent;
	char word[256];
	while (*text) {
		size_t length = strcspn(text, " ");
		snprintf(word, sizeof(word), "%.*s", (int)(length < sizeof(word) ? length : sizeof(word) - 1), text);
		if (x > indent && x + canvas_text_width(word) > pane.width - 2) {
			x = indent;
			y++;
		}
		x = pane_text(pane, x, y, look, word) + 1;
		text += length;
		text += strspn(text, " ");
	}
	return y + 1;
}
