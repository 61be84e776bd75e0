/* SPDX-License-Identifier: Apache-2.0
 *
 * app_pages: pages in place of the views: help, made from the tables of actions, keys and commands; the list of bookmarks.
 */
#include <stdio.h>
#include <string.h>

#include "engine/base/units.h"
#include "viewers/app_private.h"
#include "viewers/legend.h"

/* -- help --------------------------------------------------------------------------------------------------------------------- */

/* Draws line `number` of the page if it is in sight, and counts. */
struct page {
	struct pane pane;
	int top, n_lines;
};

static void add_line(struct page *page, struct look look, const char *left, const char *middle, const char *right)
{
	int y = page->n_lines++ - page->top;
	struct look strong = LOOK(ACCENT);
	strong.attributes = LOOK_BOLD;
	if (y < 0 || y >= page->pane.height)
		return;
	int wide = page->pane.width >= 100 ? 24 : 19;
	pane_field(page->pane, 2, y, wide, PANE_LEFT, *right || *middle ? strong : look, left);
	if (*middle)
		pane_field(page->pane, wide + 3, y, 18, PANE_LEFT, LOOK(NONE), middle);
	if (*right)
		pane_text(page->pane, wide + 22, y, LOOK(NONE), right);
}

static void add_heading(struct page *page, const char *text)
{
	int y = page->n_lines++ - page->top;
	struct look look = LOOK(TITLE);
	look.attributes = LOOK_BOLD;
	pane_text(page->pane, 1, y, look, text);
}

static void add_blank(struct page *page)
{
	page->n_lines++;
}

static void keys_of(const struct config *config, enum action action, char *text, size_t size)
{
	char name[32];
	text[0] = '\0';
	for (int i = 0; i < config->n_keys; i++) {
		if (config->keys[i].action != action)
			continue;
		size_t used = strlen(text);
		snprintf(text + used, size - used, "%s%s", used ? " " : "", config_key_name(config->keys[i].key, name, sizeof(name)));
	}
}

static void add_words(struct page *page)
{
	static const char *const words[][2] = {
		{ "NAME", "a part of a node's name, or of a lane's" }, { "node:NAME op:NAME lane:NAME", "" },
		{ "kind:starved", "spans with time of a kind" },
		{ ">1ms <10us", "duration, of the kind where one is named" }, { "exec:118", "one execution" },
		{ "failed", "ops that failed" },
		{ "NAME cat:TEXT", "imported: a part of a span's name, of its category" },
		{ "kind:kernel", "imported: also copy, memset, api, launch, sync, annotation, graph" },
	};
	add_heading(page, "Search and filter: words that must all match");
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		add_line(page, LOOK(ACCENT), words[i][0], "", words[i][1]);
}

static void add_commands(struct page *page)
{
	const char *name, *arguments, *help;
	add_heading(page, "Commands, behind : (every name above is one, too; tab completes; a number goes to that execution)");
	for (int i = 0; app_command_help(i, &name, &arguments, &help); i++) {
		char text[60];
		snprintf(text, sizeof(text), "%s %s", name, arguments);
		add_line(page, LOOK(NONE), text, "", help);
	}
}

static void add_legend(struct page *page, bool is_imported)
{
	int text_x = page->pane.width >= 100 ? 27 : 9;
	if (is_imported) {
		add_heading(page, "Colours of an imported trace");
		for (int i = 0; legend_imported_line(i, page->pane, page->n_lines - page->top, text_x); i++)
			page->n_lines++;
		add_blank(page);
	}
	add_heading(page, "Colours and marks");
	for (int i = 0; legend_line(i, page->pane, page->n_lines - page->top, text_x); i++)
		page->n_lines++;
}

static void draw_help(struct app *app, struct page *page)
{
	char keys[80];
	add_heading(page, "Keys; below: colours and marks, search, commands, mouse, views");
	for (int i = ACTION_NONE + 1; i < ACTION_COUNT; i++) {
		keys_of(app->config, (enum action)i, keys, sizeof(keys));
		add_line(page, LOOK(NONE), keys, action_info((enum action)i)->name, action_info((enum action)i)->help);
	}
	add_blank(page);
	add_legend(page, session_timeline(app->session)->is_imported);
	add_blank(page);
	add_words(page);
	add_blank(page);
	add_commands(page);
	add_blank(page);
	add_heading(page, "Mouse");
	add_line(page, LOOK(NONE), "click, double click", "", "selects, opens; a tab shows its view");
	add_line(page, LOOK(NONE), "wheel, drag", "", "zoom about the pointer, pan; Shift leaves selecting text to the terminal");
	add_blank(page);
	add_heading(page, "Views");
	for (int i = 0; views[i]; i++)
		add_line(page, LOOK(NONE), views[i]->name, "", views[i]->summary);
}

static void keep_top(struct app *app)
{
	int most = app->page_lines - app->page_rows;
	app->page_top = app->page_top > most ? most : app->page_top;
	app->page_top = app->page_top < 0 ? 0 : app->page_top;
}

void app_help_draw(struct app *app, struct pane pane)
{
	struct page count = { .pane = pane_sub(pane, 0, 0, 0, 0) };
	draw_help(app, &count);
	app->page_lines = count.n_lines;
	app->page_rows = pane.height;
	keep_top(app);
	struct page page = { .pane = pane, .top = app->page_top };
	draw_help(app, &page);
	int shown = app->page_top + pane.height < page.n_lines ? app->page_top + pane.height : page.n_lines;
	char place[40];
	snprintf(place, sizeof(place), "%d–%d of %d", app->page_top + 1, shown, page.n_lines);
	pane_field(pane, pane.width - 16, 0, 15, PANE_RIGHT, LOOK(DIM), place);
}

/* Moves *at by what the event says; false when it says nothing of the kind. */
static bool move(const struct app *app, const struct event *event, int *at)
{
	if (event->kind == EVENT_WHEEL_UP || event->kind == EVENT_WHEEL_DOWN) {
		*at += event->kind == EVENT_WHEEL_UP ? -3 : 3;
		return true;
	}
	if (event->kind != EVENT_KEY)
		return false;
	switch (config_action(app->config, event->key)) {
	case ACTION_UP: *at -= 1; return true;
	case ACTION_DOWN: *at += 1; return true;
	case ACTION_PAGE_UP: *at -= app->page_rows - 1; return true;
	case ACTION_PAGE_DOWN: *at += app->page_rows - 1; return true;
	case ACTION_FIRST:
	case ACTION_TOP: *at = 0; return true;
	case ACTION_LAST:
	case ACTION_BOTTOM: *at = app->page_lines; return true;
	default: return false;
	}
}

static void leave(struct app *app)
{
	app_set_mode(app, MODE_BROWSING);
}

/* Any key that does not scroll closes the page; a mouse press, too. */
void app_help_event(struct app *app, const struct event *event)
{
	if (move(app, event, &app->page_top))
		keep_top(app);
	else if (event->kind == EVENT_KEY || event->kind == EVENT_MOUSE_PRESS)
		leave(app);
}

/* -- bookmarks ---------------------------------------------------------------------------------------------------------------- */

static void keep_row(struct app *app)
{
	app->page_row = app->page_row >= app->page_lines ? app->page_lines - 1 : app->page_row;
	app->page_row = app->page_row < 0 ? 0 : app->page_row;
	if (app->page_row < app->page_top)
		app->page_top = app->page_row;
	if (app->page_rows > 0 && app->page_row >= app->page_top + app->page_rows)
		app->page_top = app->page_row - app->page_rows + 1;
	keep_top(app);
}

void app_bookmarks_draw(struct app *app, struct pane pane)
{
	const struct notes *notes = app->session->notes;
	char time[32];
	struct look look = LOOK(TITLE);
	look.attributes = LOOK_BOLD;
	struct pane head = pane_cut_rows(&pane, 1);
	pane_textf(head, 1, 0, look, "Bookmarks in %s", notes->file);
	app->page_lines = notes->n_items;
	app->page_rows = pane.height;
	keep_row(app);
	for (int y = 0; y < pane.height && app->page_top + y < notes->n_items; y++) {
		const struct note *note = &notes->items[app->page_top + y];
		pane_textf(pane, 2, y, LOOK(DIM), "run %lld", (long long)note->run);
		pane_field(pane, 10, y, 12, PANE_RIGHT, LOOK(NONE), units_duration(note->time_ns, time, sizeof(time)));
		pane_field(pane, 24, y, 16, PANE_LEFT, LOOK(ACCENT), note->lane);
		pane_text(pane, 42, y, LOOK(NONE), note->text);
		if (app->page_top + y == app->page_row)
			pane_tint(pane, 0, y, pane.width, 1, COLOUR_SELECT);
	}
}

static void go_to_note(struct app *app, const struct note *note)
{
	struct session *session = app->session;
	for (int side = 0; side < session->n_sides; side++) {
		const struct timeline *timeline = session->sides[side].timeline;
		if (session->sides[side].trace != session->sides[0].trace || timeline->run != note->run)
			continue;
		int lane = TIMELINE_NONE;
		for (int i = 0; i < timeline->n_lanes; i++) {
			if (strcmp(timeline->lanes[i].name, note->lane) == 0)
				lane = i;
		}
		session_select_time(session, side, lane, timeline->origin_ns + note->time_ns);
		session_show(session, side, session->selection.time_ns);
		session_status(session, "%s", note->text);
		return;
	}
	session_status(session, "run %lld is not open", (long long)note->run);
}

void app_bookmarks_event(struct app *app, const struct event *event)
{
	const struct notes *notes = app->session->notes;
	if (move(app, event, &app->page_row)) {
		keep_row(app);
	} else if (event->kind == EVENT_MOUSE_PRESS || event->kind == EVENT_MOUSE_DOUBLE) {
		app->page_row = app->page_top + event->y - 3; /* title, tabs, heading */
		keep_row(app);
	} else if (event->kind == EVENT_KEY && event->key == '\n' && app->page_row < notes->n_items) {
		leave(app);
		go_to_note(app, &notes->items[app->page_row]);
	} else if (event->kind == EVENT_KEY && (event->key == KEY_DELETE || event->key == 'd') && app->page_row < notes->n_items) {
		app_prompt_begin(app, PROMPT_DELETE, "");
	} else if (event->kind == EVENT_KEY) {
		leave(app);
	}
}
