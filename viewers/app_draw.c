/* SPDX-License-Identifier: Apache-2.0
 *
 * app_draw: the frame around the views.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/strbuf.h"
#include "viewers/app_private.h"
#include "viewers/live.h"

#define WIDTH_BESIDE 160 /* from here on two panes stand side by side */

/* -- title -------------------------------------------------------------------------------------------------------------------- */

static const char *base_name(const char *file)
{
	const char *slash = strrchr(file, '/');
	return slash ? slash + 1 : file;
}

static void add_file(const struct session *session, struct strbuf *out)
{
	const struct session_side *a = &session->sides[0], *b = &session->sides[1];
	strbuf_add(out, base_name(a->trace->file));
	if (session->n_sides == 2 && a->trace != b->trace)
		strbuf_addf(out, " ◂▸ %s", base_name(b->trace->file));
}

static void add_modes(const struct session *session, struct strbuf *out)
{
	const char *a = session->sides[0].timeline->info->mode;
	const char *b = session->n_sides == 2 ? session->sides[1].timeline->info->mode : a;
	if (strcmp(a, b) == 0)
		strbuf_add(out, a);
	else
		strbuf_addf(out, "%s ◂▸ %s", a, b);
}

static void add_count(const struct session *session, struct strbuf *out)
{
	int64_t first = 0, last = 0, n = 0;
	const struct timeline *timeline = session_timeline(session);
	if (timeline->is_imported)
		strbuf_addf(out, "%" PRId64 " spans", timeline->n_spans);
	if (timeline_executions(session_timeline(session), &first, &last, &n, NULL) != STATUS_OK || !n)
		strbuf_add(out, timeline->is_imported ? "" : "no executions");
	else if (timeline->is_imported)
		strbuf_addf(out, ", %" PRId64 " iteration%s", n, n == 1 ? "" : "s");
	else
		strbuf_addf(out, "%" PRId64 " execution%s", n, n == 1 ? "" : "s");
}

static void add_workers(const struct session *session, struct strbuf *out)
{
	const struct timeline *timeline = session_timeline(session);
	for (int i = 0; i < timeline->n_lanes; i++) {
		const struct timeline_lane *lane = &timeline->lanes[i];
		if (lane->kind == TIMELINE_HOST && lane->device && strcmp(lane->name, "driver") != 0)
			strbuf_addf(out, "%s%s %s", out->length ? "  " : "", lane->name, lane->device);
	}
}

static void add_place(const struct session *session, struct strbuf *out)
{
	int64_t first = 0, last = 0, n = 0, execution = session->selection.execution;
	if (execution != TIMELINE_NONE && timeline_executions(session_timeline(session), &first, &last, &n, NULL) == STATUS_OK && n)
		strbuf_addf(out, "%s %" PRId64 "/%" PRId64, session_timeline(session)->is_imported ? "iteration" : "exec", execution, last);
}

/* From the left what the trace is, as far as it fits; from the right where the selection is, and what a reader must know of the data. */
void app_title_draw(const struct session *session, struct pane line)
{
	static void (*const parts[])(const struct session *session, struct strbuf *out) = { add_file, add_modes, add_count, add_workers };
	struct strbuf text = STRBUF_INIT;
	pane_clear(line, LOOK_ON(TITLE, TITLE));
	session_caveats(session, session->selection.side, &text);
	const char *told = text.length ? strbuf_text(&text) : "lost 0";
	int n_told = canvas_text_width(told), x = 1;
	n_told = n_told < line.width / 2 ? n_told : line.width / 2;
	int right = line.width - 1 - n_told;
	pane_field(line, right, 0, n_told, PANE_LEFT, strncmp(told, "lost ", 5) == 0 && text.length ? LOOK_ON(ERROR,
		TITLE) : LOOK_ON(TITLE, TITLE),
		told);
	strbuf_clear(&text);
	add_place(session, &text);
	right -= text.length ? canvas_text_width(strbuf_text(&text)) + 2 : 0;
	pane_text(line, right, 0, LOOK_ON(TITLE, TITLE), strbuf_text(&text));
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		strbuf_clear(&text);
		parts[i](session, &text);
		int width = canvas_text_width(strbuf_text(&text)), room = right - 2 - x;
		struct look look = LOOK_ON(TITLE, TITLE);
		look.attributes = i == 0 ? LOOK_BOLD : 0;
		if (width > room && i > 0)
			break;
		pane_field(line, x, 0, width < room ? width : room, PANE_LEFT, look, strbuf_text(&text));
		x += width + 2;
	}
	strbuf_finish(&text);
}

/* -- tabs and bottom line ----------------------------------------------------------------------------------------------------- */

static void draw_tabs(struct app *app, struct pane line)
{
	const struct session *session = app->session;
	int x = 1;
	for (int i = 0; views[i] && i < APP_VIEWS_MAX; i++) {
		bool is_active = app->panes[app->active].view == i;
		struct look look = is_active ? LOOK_ON(TITLE, ACCENT) : LOOK(NONE);
		look.attributes = is_active ? LOOK_BOLD : 0;
		x = pane_textf(line, x, 0, look, " %d %s ", i + 1, views[i]->name);
		app->tab_ends[i] = x;
	}
	char text[2 * APP_LINE_BYTES] = "";
	if (session->filter.text)
		snprintf(text, sizeof(text), "filter: %s%s", session->filter.text, session->search.text ? "  " : "");
	if (session->search.text)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "search: %s", session->search.text);
	int width = canvas_text_width(text), room = line.width - x - 3;
	pane_field(line, line.width - 1 - (width < room ? width : room), 0, width < room ? width : room, PANE_LEFT, LOOK(ACCENT), text);
}

/* "←→ pan  +− zoom": keys stand out. Words that do not fit are left out whole. */
static int draw_hints(struct pane line, int x, const char *hints)
{
	while (*hints) {
		const char *end = strstr(hints, "  ");
		size_t length = end ? (size_t)(end - hints) : strlen(hints), n_key = strcspn(hints, " ");
		char text[120], key[40];
		snprintf(text, sizeof(text), "%.*s", (int)length, hints);
		snprintf(key, sizeof(key), "%.*s", (int)(n_key < length ? n_key : length), hints);
		if (x + canvas_text_width(text) > line.width)
			break;
		struct look look = LOOK(ACCENT);
		look.attributes = LOOK_BOLD;
		int at = pane_text(line, x, 0, look, key);
		x = pane_text(line, at, 0, LOOK(NONE), text + strlen(key)) + 2;
		hints += length;
		hints += strspn(hints, " ");
	}
	return x;
}

static void draw_bottom(struct app *app, struct pane line)
{
	const struct session *session = app->session;
	const struct view *view = views[app->panes[app->active].view];
	const char *hints = session_timeline(session)->is_imported && view->imported_hints ? view->imported_hints : view->hints;
	if (app->mode == MODE_TYPING) {
		app_prompt_draw(app, line);
	} else if (app->mode == MODE_HELP) {
		draw_hints(line, 1, "↑↓ move  q back");
	} else if (app->mode == MODE_BOOKMARKS) {
		draw_hints(line, 1, "↑↓ choose  enter go there  delete remove it  esc back");
	} else if (session->status[0]) {
		struct look look = session->status_is_error ? LOOK(ERROR) : LOOK(NONE);
		look.attributes = LOOK_BOLD;
		pane_field(line, 1, 0, line.width - 2, PANE_LEFT, look, session->status);
	} else {
		static const char always[] = ": command  ? help  q quit";
		struct pane right = pane_cut_columns(&line, -(canvas_text_width(always) + 1));
		draw_hints(line, 1, hints ? hints : "");
		draw_hints(right, 0, always);
	}
}

/* -- panes -------------------------------------------------------------------------------------------------------------------- */

static void draw_page(struct pane pane, const struct error *error)
{
	pane_clear(pane, LOOK(NONE));
	pane_text(pane, 2, 1, LOOK(ERROR), error->text);
}

static void draw_view(struct app *app, struct app_pane *pane)
{
	struct error error = { 0 };
	if (!app_view_state(app, pane, &error)
		|| views[pane->view]->draw(pane->states[pane->view], app->session, pane->area, &error) != STATUS_OK)
		draw_page(pane->area, &error);
}

static void draw_strip(const struct app *app, int idx, struct pane strip)
{
	bool is_active = idx == app->active;
	struct look look = is_active ? LOOK(ACCENT) : LOOK(DIM);
	look.attributes = is_active ? LOOK_BOLD : 0;
	pane_rule(strip, 0, 0, strip.width, LOOK(DIM));
	pane_textf(strip, 2, 0, look, " %s ", views[app->panes[idx].view]->name);
}

static void draw_panes(struct app *app, struct pane body)
{
	app->panes[0].area = body;
	if (app->n_panes == 2) {
		bool is_beside = body.width >= WIDTH_BESIDE;
		struct pane halves[2] = { body, body };
		halves[0] = is_beside ? pane_cut_columns(&halves[1], (body.width - 1) / 2) : pane_cut_rows(&halves[1], body.height / 2);
		if (is_beside) {
			struct pane line = pane_cut_columns(&halves[1], 1);
			for (int y = 0; y < line.height; y++)
				pane_put(line, 0, y, 0x2502, LOOK(DIM));
		}
		for (int i = 0; i < 2; i++) {
			draw_strip(app, i, pane_cut_rows(&halves[i], 1));
			app->panes[i].area = halves[i];
		}
	}
	for (int i = 0; i < app->n_panes; i++)
		draw_view(app, &app->panes[i]);
}

static bool is_too_small(struct pane pane)
{
	if (pane.width >= APP_WIDTH_MIN && pane.height >= APP_HEIGHT_MIN)
		return false;
	char text[120];
	snprintf(text, sizeof(text), "tandem needs %d × %d cells; this terminal has %d × %d", APP_WIDTH_MIN, APP_HEIGHT_MIN, pane.width,
		pane.height);
	pane_text(pane, 0, 0, LOOK(NONE), text);
	return true;
}

int app_draw(struct app *app, struct canvas *canvas, struct error *error)
{
	struct pane all = canvas_pane(canvas);
	pane_clear(all, LOOK(NONE));
	app->width = canvas->width;
	app->height = canvas->height;
	for (int i = 0; i < APP_PANES; i++)
		app->panes[i].area = pane_sub(all, 0, 0, 0, 0);
	if (is_too_small(all))
		return STATUS_OK;
	app_title_draw(app->session, pane_cut_rows(&all, 1));
	draw_tabs(app, pane_cut_rows(&all, 1));
	struct pane bottom = pane_cut_rows(&all, -1), strip = pane_cut_rows(&all, -live_rows(app->session, canvas->height));
	if (app->mode == MODE_HELP)
		app_help_draw(app, all);
	else if (app->mode == MODE_BOOKMARKS)
		app_bookmarks_draw(app, all);
	else
		draw_panes(app, all);
	live_draw(app->session, strip);
	draw_bottom(app, bottom);
	return STATUS_OK;
}

int app_draw_view(struct session *session, const struct view *view, struct canvas *canvas, struct error *error)
{
	struct pane all = canvas_pane(canvas);
	void *state = NULL;
	pane_clear(all, LOOK(NONE));
	if (is_too_small(all))
		return STATUS_OK;
	int status = view->open ? view->open(session, error, &state) : STATUS_OK;
	if (status != STATUS_OK)
		return status;
	app_title_draw(session, pane_cut_rows(&all, 1));
	status = view->draw(state, session, all, error);
	if (view->close)
		view->close(state);
	return status;
}
