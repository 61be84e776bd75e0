/* SPDX-License-Identifier: Apache-2.0
 *
 * live: the strip below the views, and words for states.
 */
#include "viewers/live.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/units.h"

#define ROWS_MAX 12 /* of workers */

static const struct {
	const char *word;
	enum colour colour;
	uint32_t mark;
} states[] = {
#define X(name, word, colour, mark) [LIVE_##name] = { word, COLOUR_##colour, mark },
	LIVE_STATE_MAP(X)
#undef X
};

const char *live_state_word(enum live_state state)
{
	return states[state].word;
}

enum colour live_state_colour(enum live_state state)
{
	return states[state].colour;
}

uint32_t live_state_mark(enum live_state state)
{
	return states[state].mark;
}

static bool waits(const struct live_worker *worker)
{
	return worker->state == LIVE_STARVED || worker->state == LIVE_BACKPRESSURE || worker->state == LIVE_LATE_RANK;
}

static int n_shown(const struct live *live, int screen_rows)
{
	int n = live->n_workers - 1, most = screen_rows / 10;
	most = most < 1 ? 1 : most > ROWS_MAX ? ROWS_MAX : most;
	return n < most ? n : most;
}

int live_rows(const struct session *session, int screen_rows)
{
	if (!session->live)
		return 0;
	if (session->live->goes_on)
		return 1 + n_shown(session->live, screen_rows);
	return session->live->verdict[0] ? 3 : 1;
}

void live_describe(const struct timeline *timeline, const struct live_worker *worker, char *text, size_t size)
{
	char lasted[32];
	struct strbuf out = STRBUF_INIT;
	strbuf_add(&out, states[worker->state].word);
	if (worker->state == LIVE_COMPUTING && worker->node >= 0 && worker->node < timeline->n_nodes)
		strbuf_addf(&out, " %s", timeline->nodes[worker->node].name);
	if (waits(worker) || worker->lasted_ns >= 1000000)
		strbuf_addf(&out, " %s", units_duration(worker->lasted_ns, lasted, sizeof(lasted)));
	if (waits(worker)) {
		strbuf_add(&out, worker->state == LIVE_BACKPRESSURE ? " for a free slot of " : " for ");
		if (worker->edge >= 0 && worker->edge < timeline->n_edges)
			strbuf_add(&out, timeline->edges[worker->edge].name);
		else if (worker->node >= 0 && worker->node < timeline->n_nodes)
			strbuf_addf(&out, "what %s needs", timeline->nodes[worker->node].name);
		else
			strbuf_add(&out, "a task");
		if (worker->peer >= 0 && worker->peer < timeline->n_lanes)
			strbuf_addf(&out, " from %s", timeline->lanes[worker->peer].name);
	}
	if (worker->execution != TIMELINE_NONE && worker->state != LIVE_IDLE)
		strbuf_addf(&out, ", execution %" PRId64, worker->execution);
	snprintf(text, size, "%s", strbuf_text(&out));
	strbuf_finish(&out);
}

bool live_at_node(const struct live *live, int node, struct live_worker *ret_worker)
{
	for (int i = 0; i < live->n_workers && live->goes_on; i++) {
		const struct live_worker *worker = &live->workers[i];
		if (worker->node != node || (worker->state != LIVE_COMPUTING && !waits(worker)))
			continue;
		*ret_worker = *worker;
		return true;
	}
	return false;
}

static void draw_progress(const struct live *live, struct pane line)
{
	char elapsed[32];
	struct look strong = LOOK(ACCENT);
	strong.attributes = LOOK_BOLD;
	int x = pane_text(line, 1, 0, strong, live->goes_on ? "running" : "ended");
	x = pane_textf(line, x + 2, 0, LOOK(NONE), "%" PRId64 "/%" PRId64 " executions", live->n_finished, live->n_wanted);
	if (live->n_failed)
		x = pane_textf(line, x + 2, 0, LOOK(ERROR), "%" PRId64 " failed", live->n_failed);
	if (live->goes_on)
		x = pane_textf(line, x + 2, 0, LOOK(NONE), "%" PRId64 " in flight", live->n_submitted - live->n_finished);
	if (live->elapsed_ns > 0)
		x = pane_textf(line, x + 2, 0, LOOK(NONE), "%.4g/s  %s", (double)live->n_finished * 1e9 / (double)live->elapsed_ns,
			units_duration(live->elapsed_ns, elapsed, sizeof(elapsed)));
	if (!live->goes_on)
		pane_text(line, x + 2, 0, LOOK(DIM), "q leaves");
	else if (live->message[0])
		pane_field(line, x + 2, 0, line.width - x - 3, PANE_LEFT, LOOK(NONE), live->message);
}

/* Broken at blanks; what does not fit the last row is cut there. */
static void draw_verdict(const char *text, struct pane pane)
{
	for (int y = 0; y < pane.height && *text; y++) {
		char line[300];
		size_t n = strlen(text), room = pane.width > 2 ? (size_t)pane.width - 2 : 0;
		if (n > room && y + 1 < pane.height) {
			n = room;
			while (n > 0 && text[n] != ' ')
				n--;
			n = n ? n : room;
		}
		snprintf(line, sizeof(line), "%.*s", (int)n, text);
		pane_field(pane, 1, y, pane.width - 2, PANE_LEFT, LOOK(ERROR), line);
		text += n + (text[n] == ' ');
	}
}

static void draw_worker(const struct session *session, int i, struct pane line)
{
	const struct timeline *timeline = session->sides[0].timeline;
	const struct live_worker *worker = &session->live->workers[i];
	char text[300];
	live_describe(timeline, worker, text, sizeof(text));
	pane_field(line, 1, 0, 10, PANE_LEFT, LOOK(NONE), i < timeline->n_lanes ? timeline->lanes[i].name : "");
	struct look look = { .front = (uint8_t)states[worker->state].colour };
	pane_put(line, 12, 0, states[worker->state].mark, look);
	pane_field(line, 14, 0, line.width - 15, PANE_LEFT, waits(worker) ? LOOK(NONE) : LOOK(DIM), text);
}

void live_draw(const struct session *session, struct pane pane)
{
	const struct live *live = session->live;
	if (!live || !pane.height)
		return;
	pane_clear(pane, LOOK(NONE));
	draw_progress(live, pane_sub(pane, 0, 0, pane.width, 1));
	int n = pane.height - 1;
	bool is_shown[1 + ROWS_MAX] = { false };
	if (!live->goes_on) {
		draw_verdict(live->verdict, pane_sub(pane, 0, 1, pane.width, n));
		return;
	}
	for (int row = 0; row < n && n < live->n_workers - 1 && row < ROWS_MAX; row++) { /* the longest waits */
		int worst = 0;
		for (int i = 1; i < live->n_workers && i <= ROWS_MAX; i++) {
			int64_t lasted_ns = waits(&live->workers[i]) ? live->workers[i].lasted_ns : -1;
			int64_t worst_ns = !worst ? -2 : waits(&live->workers[worst]) ? live->workers[worst].lasted_ns : -1;
			if (!is_shown[i] && lasted_ns > worst_ns)
				worst = i;
		}
		is_shown[worst] = true;
	}
	for (int i = 1, row = 1; i < live->n_workers && row <= n; i++) {
		if (n >= live->n_workers - 1 || (i <= ROWS_MAX && is_shown[i]))
			draw_worker(session, i, pane_sub(pane, 0, row++, pane.width, 1));
	}
}

bool live_may_quit(struct session *session)
{
	struct live *live = session->live;
	if (!live || !live->goes_on || live->was_asked)
		return true;
	live->was_asked = true;
	session_status(session, "the run goes on: q again ends it and keeps what was recorded");
	return false;
}
