/* SPDX-License-Identifier: Apache-2.0
 *
 * line_edit: a line of text that is typed: the keys that change it, as a shell knows them, and how it is drawn with its cursor.
 */
#ifndef TANDEM_VIEWERS_LINE_EDIT_H
#define TANDEM_VIEWERS_LINE_EDIT_H

#include "viewers/canvas.h"

#define LINE_EDIT_BYTES 1000

struct line_edit {
	char text[LINE_EDIT_BYTES]; /* UTF-8 */
	int cursor;                 /* bytes */
};

/* Takes a text, cut to what there is room for, with the cursor at its end. */
void line_edit_set(struct line_edit *line, const char *text);
/* A key that moves the cursor, erases, or is a character to be inserted. False when it is none of these: Enter, Escape, Tab, and what goes
 * through a history. */
bool line_edit_key(struct line_edit *line, uint32_t key);
/* Where the word begins in which the cursor stands. */
int line_edit_word(const struct line_edit *line);
/* Puts `text` in place of what stands from `start` to the cursor; false when there is no room. */
bool line_edit_replace(struct line_edit *line, int start, const char *text);

/* Row 0 of the pane; a line that is too long slides to the left. Returns the column behind the text. */
int line_edit_draw(const struct line_edit *line, struct pane pane);

#endif
