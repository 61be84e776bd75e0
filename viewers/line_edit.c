/* SPDX-License-Identifier: Apache-2.0
 *
 * line_edit: editing by characters and words.
 */
#include "viewers/line_edit.h"

#include <stdio.h>
#include <string.h>

#include "viewers/canvas_private.h"
#include "viewers/event.h"

void line_edit_set(struct line_edit *line, const char *text)
{
	size_t length = strnlen(text, sizeof(line->text) - 1);
	while (length && text[length] && ((unsigned char)text[length] & 0xc0) == 0x80) /* not within a character */
		length--;
	memmove(line->text, text, length);
	line->text[length] = '\0';
	line->cursor = (int)length;
}

static int step(const struct line_edit *line, int at, int direction)
{
	int length = (int)strlen(line->text);
	do {
		at += direction;
	} while (at > 0 && at < length && (line->text[at] & 0xc0) == 0x80);
	return at < 0 ? 0 : at > length ? length : at;
}

static void erase(struct line_edit *line, int from, int until)
{
	memmove(&line->text[from], &line->text[until], strlen(&line->text[until]) + 1);
	line->cursor = from;
}

static void insert(struct line_edit *line, uint32_t key)
{
	char text[4];
	size_t length = strlen(line->text), n = canvas_encode(key, text);
	if (length + n >= sizeof(line->text))
		return;
	memmove(&line->text[line->cursor + (int)n], &line->text[line->cursor], length - (size_t)line->cursor + 1);
	memcpy(&line->text[line->cursor], text, n);
	line->cursor += (int)n;
}

int line_edit_word(const struct line_edit *line)
{
	int at = line->cursor;
	while (at > 0 && line->text[at - 1] != ' ')
		at--;
	return at;
}

static int word_before(const struct line_edit *line)
{
	struct line_edit skipped = *line;
	while (skipped.cursor > 0 && line->text[skipped.cursor - 1] == ' ')
		skipped.cursor--;
	return line_edit_word(&skipped);
}

bool line_edit_replace(struct line_edit *line, int start, const char *text)
{
	size_t n = strlen(text), tail = strlen(line->text + line->cursor);
	if (start < 0 || start > line->cursor || (size_t)start + n + tail >= sizeof(line->text))
		return false;
	memmove(line->text + start + n, line->text + line->cursor, tail + 1);
	memcpy(line->text + start, text, n);
	line->cursor = start + (int)n;
	return true;
}

bool line_edit_key(struct line_edit *line, uint32_t key)
{
	int length = (int)strlen(line->text);
	switch (key) {
	case 8:
	case 127: erase(line, step(line, line->cursor, -1), line->cursor); break;
	case KEY_DELETE:
	case 4: erase(line, line->cursor, step(line, line->cursor, 1)); break;
	case KEY_ARROW_LEFT:
	case 2: line->cursor = step(line, line->cursor, -1); break;
	case KEY_ARROW_RIGHT:
	case 6: line->cursor = step(line, line->cursor, 1); break;
	case KEY_HOME_:
	case 1: line->cursor = 0; break;
	case KEY_END_:
	case 5: line->cursor = length; break;
	case 11: line->text[line->cursor] = '\0'; break;
	case 21: erase(line, 0, line->cursor); break;
	case 23: erase(line, word_before(line), line->cursor); break;
	default:
		if (key < 0x20 || key >= KEY_BASE || (key >= 0x7f && key < 0xa0))
			return false;
		insert(line, key);
	}
	return true;
}

int line_edit_draw(const struct line_edit *line, struct pane pane)
{
	char before[LINE_EDIT_BYTES];
	snprintf(before, sizeof(before), "%.*s", line->cursor, line->text);
	int at = canvas_text_width(before), room = pane.width - 1;
	int shift = at > room - 1 ? at - (room - 1) : 0;
	pane_text(pane, -shift, 0, LOOK(NONE), line->text);
	pane_emphasise(pane, at - shift, 0, 1, 1, LOOK_REVERSE);
	return canvas_text_width(line->text) - shift;
}
