/* SPDX-License-Identifier: Apache-2.0
 *
 * debug_screen_line: what is typed in the bottom line, and what Enter does with it.
 */
#include <stdio.h>
#include <string.h>

#include "viewers/debug_screen_private.h"

void debug_screen_type(struct debug_screen *screen, enum debug_screen_prompt prompt, const char *text)
{
	screen->mode = DEBUG_SCREEN_TYPING;
	screen->prompt = prompt;
	screen->history_at = -1;
	screen->status[0] = '\0';
	line_edit_set(&screen->line, text);
}

static void take_slice(struct debug_screen *screen, const char *text)
{
	struct debug_shown_tensor *shown = &screen->shown;
	const char *slice = strcmp(text, "[") == 0 ? "" : text;
	if (strlen(slice) >= sizeof(shown->slice_text)) {
		debug_screen_status(screen, "a slice has at most %zu characters", sizeof(shown->slice_text) - 1);
		return;
	}
	memcpy(shown->slice_text, slice, strlen(slice) + 1);
	debug_screen_tensor_load(screen);
	debug_screen_show_panel(screen, DEBUG_PANEL_TENSOR);
}

static void enter(struct debug_screen *screen)
{
	char text[LINE_EDIT_BYTES];
	memcpy(text, screen->line.text, sizeof(text));
	screen->mode = DEBUG_SCREEN_BROWSING;
	if (screen->prompt == DEBUG_SCREEN_SLICE) {
		take_slice(screen, text);
		return;
	}
	if (text[strspn(text, " \t")] && screen->options.remember)
		screen->options.remember(screen->options.user, text);
	debug_screen_command(screen, text);
}

/* Lines of a stop's commands end with 'end'. */
static void give_up(struct debug_screen *screen)
{
	screen->mode = DEBUG_SCREEN_BROWSING;
	if (screen->context->defining_stop)
		debug_screen_command(screen, "end");
}

static void recall(struct debug_screen *screen, int direction)
{
	int at = screen->history_at + direction;
	if (screen->prompt != DEBUG_SCREEN_COMMAND || !screen->options.recall || at < -1)
		return;
	const char *text = at < 0 ? "" : screen->options.recall(screen->options.user, at);
	if (!text)
		return;
	screen->history_at = at;
	line_edit_set(&screen->line, text);
}

/* -- completion --------------------------------------------------------------------------------------------------------------- */

static size_t common_length(char *const *words)
{
	size_t length = strlen(words[0]);
	for (int i = 1; words[i]; i++) {
		size_t same = 0;
		while (same < length && words[i][same] == words[0][same])
			same++;
		length = same;
	}
	while (length && ((unsigned char)words[0][length] & 0xc0) == 0x80) /* not within a character */
		length--;
	return length;
}

static void list_words(struct debug_screen *screen, char *const *words)
{
	struct strbuf text = STRBUF_INIT;
	for (int i = 0; words[i] && text.length < sizeof(screen->status); i++) {
		strbuf_add(&text, i ? "  " : "");
		strbuf_add_printable(&text, words[i]);
	}
	debug_screen_status(screen, "%s", strbuf_text(&text));
	strbuf_finish(&text);
}

static void complete(struct debug_screen *screen)
{
	size_t start = 0;
	struct line_edit *line = &screen->line;
	char word[LINE_EDIT_BYTES];
	if (screen->prompt != DEBUG_SCREEN_COMMAND)
		return;
	char **words = screen->options.complete ? screen->options.complete(screen->context, line->text, (size_t)line->cursor, &start)
		: debug_complete(screen->context, line->text, (size_t)line->cursor, &start);
	if (words && words[0]) {
		size_t length = common_length(words);
		bool is_only = !words[1], is_folder = length && words[0][length - 1] == '/';
		snprintf(word, sizeof(word), "%.*s%s", (int)length, words[0], is_only && !is_folder ? " " : "");
		line_edit_replace(line, (int)start, word);
		screen->status[0] = '\0';
		if (!is_only)
			list_words(screen, words);
	} else {
		debug_screen_status(screen, "nothing begins with that");
	}
	debug_words_free(words);
}

/* -- keys --------------------------------------------------------------------------------------------------------------------- */

void debug_screen_line_key(struct debug_screen *screen, uint32_t key)
{
	switch (key) {
	case '\n':
	case '\r': enter(screen); break;
	case 27:
	case 3:
	case 7: give_up(screen); break;
	case '\t': complete(screen); break;
	case KEY_ARROW_UP:
	case 16: recall(screen, 1); break;
	case KEY_ARROW_DOWN:
	case 14: recall(screen, -1); break;
	default:
		if ((key == 8 || key == 127) && !screen->line.text[0])
			give_up(screen);
		else
			line_edit_key(&screen->line, key);
	}
}

void debug_screen_line_draw(struct debug_screen *screen, struct pane line)
{
	struct look look = LOOK(ACCENT);
	look.attributes = LOOK_BOLD;
	const char *prompt = screen->prompt == DEBUG_SCREEN_SLICE ? "slice: " : screen->context->defining_stop ? "> " : ":";
	int x = pane_text(line, 1, 0, look, prompt);
	struct pane field = pane_sub(line, x, 0, line.width - x, 1);
	int end = line_edit_draw(&screen->line, field) + 3;
	if (screen->status[0] && end < field.width - 20)
		pane_field(field, end, 0, field.width - end - 1, PANE_LEFT, LOOK(DIM), screen->status);
}
