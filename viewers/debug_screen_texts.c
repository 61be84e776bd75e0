/* SPDX-License-Identifier: Apache-2.0
 *
 * debug_screen_texts: panels of lines: messages, what the run prints, the watch list, the twin's table.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "viewers/debug_screen_private.h"
#include "viewers/panel.h"

/* -- lines -------------------------------------------------------------------------------------------------------------------- */

/* Half of the lines go at once, so that this is rare. */
static void drop_oldest(struct debug_text *text)
{
	int n = text->n / 2;
	for (int i = 0; i < n; i++)
		free(text->lines[i]);
	memmove(text->lines, text->lines + n, (size_t)(text->n - n) * sizeof(*text->lines));
	memmove(text->kinds, text->kinds + n, (size_t)(text->n - n));
	text->n -= n;
	text->n_dropped += n;
}

static bool has_room(struct debug_text *text)
{
	if (text->n >= DEBUG_SCREEN_LINES)
		drop_oldest(text);
	if (text->n < text->capacity)
		return true;
	int capacity = text->capacity ? 2 * text->capacity : 64;
	char **lines = realloc(text->lines, (size_t)capacity * sizeof(*lines));
	text->lines = lines ? lines : text->lines;
	uint8_t *kinds = lines ? realloc(text->kinds, (size_t)capacity) : NULL;
	text->kinds = kinds ? kinds : text->kinds;
	text->capacity = kinds ? capacity : text->capacity;
	return kinds != NULL;
}

void debug_text_add(struct debug_text *text, enum debug_text_kind kind, const char *lines)
{
	while (*lines) {
		size_t length = strcspn(lines, "\n");
		char *line = has_room(text) ? strndup(lines, length) : NULL;
		if (!line)
			return;
		text->lines[text->n] = line;
		text->kinds[text->n++] = (uint8_t)kind;
		lines += length + (lines[length] == '\n');
	}
}

void debug_text_clear(struct debug_text *text)
{
	for (int i = 0; i < text->n; i++)
		free(text->lines[i]);
	text->n = text->n_dropped = 0;
}

void debug_text_finish(struct debug_text *text)
{
	debug_text_clear(text);
	free(text->lines);
	free(text->kinds);
	*text = (struct debug_text){ 0 };
}

static struct look look_of(enum debug_text_kind kind)
{
	switch (kind) {
	case DEBUG_TEXT_COMMAND: return (struct look){ .front = COLOUR_ACCENT, .attributes = LOOK_BOLD };
	case DEBUG_TEXT_ERROR: return LOOK(ERROR);
	case DEBUG_TEXT_CHANGED: return (struct look){ .front = COLOUR_NONE, .attributes = LOOK_BOLD };
	case DEBUG_TEXT_DIM: return LOOK(DIM);
	case DEBUG_TEXT_PLAIN: break;
	}
	return LOOK(NONE);
}

/* Rows that a line takes: long ones go on below. */
static int rows_of(const char *line, int width)
{
	int cells = canvas_text_width(line);
	return cells > width ? (cells + width - 1) / width : 1;
}

static void draw_text(struct debug_screen *screen, enum debug_panel_id id, const struct debug_text *text, const char *empty, struct pane pane)
{
	struct debug_panel *panel = &screen->panels[id];
	int width = pane.width > 3 ? pane.width - 2 : 1, row = 0;
	struct pane inner = pane_sub(pane, 1, 0, width, pane.height);
	panel->n_lines = 0;
	for (int i = 0; i < text->n; i++)
		panel->n_lines += rows_of(text->lines[i], width);
	debug_panel_scroll(panel, pane.height, false);
	if (!text->n)
		panel_paragraph(pane, 1, 0, LOOK(DIM), empty);
	for (int i = 0; i < text->n && row < panel->top + pane.height; i++) {
		for (int n = rows_of(text->lines[i], width), k = 0; k < n; k++, row++) {
			if (row >= panel->top)
				pane_text(inner, -k * width, row - panel->top, look_of((enum debug_text_kind)text->kinds[i]), text->lines[i]);
		}
	}
	if (panel->n_lines > pane.height)
		snprintf(panel->info, sizeof(panel->info), "%s%d–%d of %d", text->n_dropped ? "…, " : "", panel->top + 1,
			debug_screen_clamp(panel->top + pane.height, 0, panel->n_lines), panel->n_lines);
}

static void move_text(struct debug_screen *screen, enum debug_panel_id id, int rows)
{
	struct debug_panel *panel = &screen->panels[id];
	panel->top = debug_screen_clamp((int64_t)panel->top + rows, 0, panel->n_lines);
}

/* -- the watch list ----------------------------------------------------------------------------------------------------------- */

static bool is_header(const char *line, size_t length)
{
	return length && line[0] != ' ' && line[0] != '[' && memmem(line, length, " of execution ", 14);
}

/* The n-th line; its length in *ret_length. NULL behind the last one. */
static const char *line_at(const char *text, int n, size_t *ret_length)
{
	for (; text && *text; n--) {
		*ret_length = strcspn(text, "\n");
		if (!n)
			return text;
		text += *ret_length + (text[*ret_length] == '\n');
	}
	return NULL;
}

/* Line by line against the halt before; what names the execution differs always. */
static void add_watched(struct debug_screen *screen, const struct debug_watched *watched)
{
	size_t length = 0, length_before = 0;
	const char *line;
	for (int i = 0; (line = line_at(watched->text, i, &length)); i++) {
		const char *before = line_at(watched->before, i, &length_before);
		bool has_changed = watched->before && !is_header(line, length)
			&& !(before && length == length_before && memcmp(line, before, length) == 0);
		struct strbuf text = STRBUF_INIT;
		strbuf_add(&text, has_changed ? "* " : "  ");
		strbuf_add_bytes(&text, line, length);
		debug_text_add(&screen->watch, has_changed ? DEBUG_TEXT_CHANGED : is_header(line, length) ? DEBUG_TEXT_COMMAND : DEBUG_TEXT_PLAIN,
			strbuf_text(&text));
		strbuf_finish(&text);
	}
}

static char *evaluate(struct debug_screen *screen, const struct debug_display *display)
{
	struct strbuf out = STRBUF_INIT;
	struct error error = { 0 };
	char line[DEBUG_LINE_BYTES + 1];
	if (!display->is_enabled)
		return strdup("disabled");
	snprintf(line, sizeof(line), "%s", display->text);
	if (debug_screen_ask_quietly(screen, line, &out, &error) != STATUS_OK)
		strbuf_addf(&out, "%s: %s\n", line, error.text);
	return out.text ? strbuf_take(&out) : strdup("");
}

static void free_watched(struct debug_watched *items, int n)
{
	for (int i = 0; i < n; i++) {
		free(items[i].text);
		free(items[i].before);
	}
	free(items);
}

/* What a display said before; taken out of the old list. */
static void take_before(struct debug_screen *screen, bool is_new_halt, struct debug_watched *watched)
{
	for (int i = 0; i < screen->n_watched; i++) {
		struct debug_watched *old = &screen->watched[i];
		char **from = is_new_halt ? &old->text : &old->before;
		if (old->id != watched->id)
			continue;
		watched->before = *from;
		*from = NULL;
	}
}

void debug_screen_watch_load(struct debug_screen *screen, bool is_new_halt)
{
	const struct debugger *debugger = screen->debugger;
	if (debugger->state == DEBUG_MOVING)
		return;
	int n = debugger->n_displays, width = screen->panels[DEBUG_PANEL_WATCH].area.width, n_columns = screen->context->n_columns;
	struct debug_watched *items = calloc((size_t)n + 1, sizeof(*items));
	screen->context->n_columns = width > 44 ? width - 4 : 40;
	for (int i = 0; items && i < n; i++) {
		items[i].id = debugger->displays[i].id;
		items[i].text = evaluate(screen, &debugger->displays[i]);
		take_before(screen, is_new_halt, &items[i]);
	}
	screen->context->n_columns = n_columns;
	if (!items)
		return;
	free_watched(screen->watched, screen->n_watched);
	screen->watched = items;
	screen->n_watched = n;
	debug_text_clear(&screen->watch);
	for (int i = 0; i < n; i++)
		add_watched(screen, &items[i]);
}

/* -- panels ------------------------------------------------------------------------------------------------------------------- */

#define TEXT_PANEL(NAME, word, empty)                                                        \
	void debug_panel_##word##_draw(struct debug_screen *screen, struct pane pane)        \
	{                                                                                    \
		draw_text(screen, DEBUG_PANEL_##NAME, &screen->word, empty, pane);           \
	}                                                                                    \
	void debug_panel_##word##_move(struct debug_screen *screen, int columns, int rows)   \
	{                                                                                    \
		move_text(screen, DEBUG_PANEL_##NAME, rows);                                 \
	}
TEXT_PANEL(WATCH, watch, "nothing is watched; w watches the selected tensor, :display EXPRESSION anything")
TEXT_PANEL(TWIN, twin, "there is one run; ':twin -m interpreted' compares it with a second one, node by node")
TEXT_PANEL(MESSAGES, messages, "nothing was said")
TEXT_PANEL(OUTPUT, output, "the run has printed nothing")

void debug_screen_texts_finish(struct debug_screen *screen)
{
	debug_text_finish(&screen->messages);
	debug_text_finish(&screen->output);
	debug_text_finish(&screen->twin);
	debug_text_finish(&screen->watch);
	free_watched(screen->watched, screen->n_watched);
}
