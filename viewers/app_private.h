/* SPDX-License-Identifier: Apache-2.0
 *
 * app_private: what the parts of app share: its state, prompts (app_prompt.c), commands (app_command.c), pages (app_pages.c), drawing (app_draw.c).
 */
#ifndef TANDEM_VIEWERS_APP_PRIVATE_H
#define TANDEM_VIEWERS_APP_PRIVATE_H

#include "viewers/app.h"
#include "viewers/line_edit.h"

#define APP_PANES 2
#define APP_VIEWS_MAX 16
#define APP_LINE_BYTES LINE_EDIT_BYTES
#define APP_HISTORY 50

#define APP_WIDTH_MIN 60
#define APP_HEIGHT_MIN 16

/* X(NAME, prompt): what is typed in the bottom line. */
#define PROMPT_MAP(X)                                  \
	X(COMMAND, ":")                                \
	X(SEARCH, "search: ")                          \
	X(FILTER, "filter: ")                          \
	X(EXECUTION, "execution: ")                    \
	X(BOOKMARK, "bookmark, a note: ")              \
	X(DELETE, "delete this bookmark? y or n: ")

enum prompt {
#define X(name, text) PROMPT_##name,
	PROMPT_MAP(X)
#undef X
	PROMPT_COUNT
};

/* See app.h. BOOKMARKS is a list to choose from. */
enum app_mode { MODE_BROWSING, MODE_TYPING, MODE_HELP, MODE_BOOKMARKS, MODE_ENDED };

struct app_pane {
	int view;                     /* index in views[] */
	int came_from;                /* view to which esc leads back; -1 */
	void *states[APP_VIEWS_MAX];
	bool is_open[APP_VIEWS_MAX];
	struct pane area;             /* of the view, as drawn last */
};

struct app {
	struct session *session;
	const struct config *config;
	const struct theme *theme;
	enum app_mode mode;
	struct app_pane panes[APP_PANES];
	int n_panes, active;
	int dragged;                  /* pane of a mouse drag; -1 */
	int width, height;            /* as drawn last */
	int tab_ends[APP_VIEWS_MAX];  /* column behind each tab, as drawn last */
	bool wants_redraw;

	enum prompt prompt;
	struct line_edit line;
	char *history[PROMPT_COUNT][APP_HISTORY]; /* newest first */
	int history_at;               /* -1: the line itself */

	int page_top, page_rows, page_lines; /* help and bookmarks */
	int page_row;                 /* bookmarks: chosen */
};

/* app.c */
void app_set_mode(struct app *app, enum app_mode mode);
void app_show_view(struct app *app, const char *name);
void app_act(struct app *app, enum action action, const struct event *event);
/* The state of a pane's view, opened when needed; an error is told. */
bool app_view_state(struct app *app, struct app_pane *pane, struct error *error);

/* app_prompt.c */
void app_prompt_begin(struct app *app, enum prompt prompt, const char *text);
void app_prompt_key(struct app *app, uint32_t key);
void app_prompt_draw(const struct app *app, struct pane line);

/* app_command.c */
void app_command(struct app *app, const char *text);
/* Completes app->line, or tells the possibilities. */
void app_complete(struct app *app);
/* For the help page: name, arguments, what it does; false behind the last one. */
bool app_command_help(int idx, const char **ret_name, const char **ret_arguments, const char **ret_help);

/* app_pages.c */
void app_help_draw(struct app *app, struct pane pane);
void app_bookmarks_draw(struct app *app, struct pane pane);
void app_help_event(struct app *app, const struct event *event);
void app_bookmarks_event(struct app *app, const struct event *event);

/* app_draw.c */
void app_title_draw(const struct session *session, struct pane line);

#endif
