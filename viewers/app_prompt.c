/* SPDX-License-Identifier: Apache-2.0
 *
 * app_prompt: the bottom line while something is typed, and what happens with it at Enter.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "viewers/app_private.h"

static const char *const prompt_texts[] = {
#define X(name, text) [PROMPT_##name] = text,
	PROMPT_MAP(X)
#undef X
};

void app_prompt_begin(struct app *app, enum prompt prompt, const char *text)
{
	app_set_mode(app, MODE_TYPING);
	app->prompt = prompt;
	app->history_at = -1;
	line_edit_set(&app->line, text);
}

/* -- what Enter does ---------------------------------------------------------------------------------------------------------- */

static void enter_search(struct app *app, const char *text)
{
	struct session *session = app->session;
	struct error error = { 0 };
	if (session_filter_set(session, &session->search, text, &error) != STATUS_OK)
		session_error(session, &error);
	else if (session->search.text)
		session_search(session, 1);
}

static void enter_filter(struct app *app, const char *text)
{
	struct session *session = app->session;
	struct error error = { 0 };
	if (session_filter_set(session, &session->filter, text, &error) != STATUS_OK)
		session_error(session, &error);
}

static void enter_execution(struct app *app, const char *text)
{
	char command[APP_LINE_BYTES + 8];
	snprintf(command, sizeof(command), "exec %s", text);
	app_command(app, command);
}

static void enter_bookmark(struct app *app, const char *text)
{
	struct session *session = app->session;
	const struct timeline *timeline = session_timeline(session);
	const struct session_selection *selection = &session->selection;
	struct error error = { 0 };
	const char *lane = selection->lane == TIMELINE_NONE ? "-" : timeline->lanes[selection->lane].name;
	int status = notes_add(session->notes, timeline->run, selection->time_ns - timeline->origin_ns, lane, text, &error);
	if (status == STATUS_OK)
		status = notes_save(session->notes, &error);
	if (status == STATUS_OK)
		session_status(session, "bookmarked; ' lists the bookmarks");
	else
		session_error(session, &error);
}

static void enter_delete(struct app *app, const char *text)
{
	struct session *session = app->session;
	struct error error = { 0 };
	if (strcmp(text, "y") == 0 || strcmp(text, "yes") == 0) {
		notes_remove(session->notes, app->page_row);
		if (notes_save(session->notes, &error) != STATUS_OK)
			session_error(session, &error);
	}
	if (session->notes->n_items)
		app_set_mode(app, MODE_BOOKMARKS);
}

static void enter_command(struct app *app, const char *text)
{
	app_command(app, text);
}

static void (*const enters[])(struct app *app, const char *text) = {
	[PROMPT_COMMAND] = enter_command, [PROMPT_SEARCH] = enter_search, [PROMPT_FILTER] = enter_filter,
	[PROMPT_EXECUTION] = enter_execution, [PROMPT_BOOKMARK] = enter_bookmark, [PROMPT_DELETE] = enter_delete,
};

static void remember(struct app *app, const char *text)
{
	char **history = app->history[app->prompt];
	char *copy = *text && !(history[0] && strcmp(history[0], text) == 0) ? strdup(text) : NULL;
	if (!copy)
		return;
	free(history[APP_HISTORY - 1]);
	memmove(&history[1], &history[0], (APP_HISTORY - 1) * sizeof(*history));
	history[0] = copy;
}

static void enter(struct app *app)
{
	char text[APP_LINE_BYTES];
	memcpy(text, app->line.text, sizeof(text));
	app_set_mode(app, MODE_BROWSING);
	app->session->status[0] = '\0';
	remember(app, text);
	enters[app->prompt](app, text);
}

/* -- keys ------------------------------------------------------------------------------------------------------------------- */

static void recall(struct app *app, int direction)
{
	int at = app->history_at + direction;
	if (at < -1 || at >= APP_HISTORY || (at >= 0 && !app->history[app->prompt][at]))
		return;
	app->history_at = at;
	line_edit_set(&app->line, at < 0 ? "" : app->history[app->prompt][at]);
}

void app_prompt_key(struct app *app, uint32_t key)
{
	switch (key) {
	case '\n':
	case '\r': enter(app); break;
	case 27:
	case 3:
	case 7: app_set_mode(app, MODE_BROWSING); break;
	case '\t': app_complete(app); break;
	case KEY_ARROW_UP:
	case 16: recall(app, 1); break;
	case KEY_ARROW_DOWN:
	case 14: recall(app, -1); break;
	default:
		if ((key == 8 || key == 127) && !app->line.text[0])
			app_set_mode(app, MODE_BROWSING);
		else
			line_edit_key(&app->line, key);
	}
}

/* -- drawing ------------------------------------------------------------------------------------------------------------------ */

void app_prompt_draw(const struct app *app, struct pane line)
{
	struct look look = LOOK(ACCENT);
	look.attributes = LOOK_BOLD;
	int x = pane_text(line, 1, 0, look, prompt_texts[app->prompt]);
	struct pane field = pane_sub(line, x, 0, line.width - x, 1);
	int end = line_edit_draw(&app->line, field) + 3;
	if (app->session->status[0] && end < field.width - 20)
		pane_field(field, end, 0, field.width - end - 1, PANE_LEFT, LOOK(DIM), app->session->status);
}
