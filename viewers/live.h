/* SPDX-License-Identifier: Apache-2.0
 *
 * live: what the processes of a run of this program are doing while it is looked at: named waits as they last, how far the run is, what it said.
 * Whoever has the run fills it in (tool/run_view.c); views show it. Indices are the timeline's, which are the graph's.
 */
#ifndef TANDEM_VIEWERS_LIVE_H
#define TANDEM_VIEWERS_LIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "viewers/canvas.h"
#include "viewers/session.h"

/* X(NAME, word, colour, mark) */
#define LIVE_STATE_MAP(X)                                              \
	X(BETWEEN, "between two nodes", DIM, ' ')                      \
	X(COMPUTING, "computing", COMPUTE, 0x25b6)                     \
	X(STARVED, "starved", STARVED, 0x2591)                         \
	X(BACKPRESSURE, "backpressure", BACKPRESSURE, 0x2592)          \
	X(LATE_RANK, "late rank", LATE_RANK, 0x254c)                   \
	X(IDLE, "idle", IDLE, 0xb7)                                    \
	X(ENDED, "ended", DIM, 0xd7)

enum live_state {
#define X(name, word, colour, mark) LIVE_##name,
	LIVE_STATE_MAP(X)
#undef X
	LIVE_STATE_COUNT
};
const char *live_state_word(enum live_state state);
enum colour live_state_colour(enum live_state state);
uint32_t live_state_mark(enum live_state state); /* one character */

struct live_worker {
	enum live_state state;
	int node, edge, peer; /* where it stands; what it waits for, and from which lane; TIMELINE_NONE */
	int64_t execution;    /* TIMELINE_NONE */
	int64_t lasted_ns;    /* so far */
};

struct live {
	struct live_worker *workers; /* [n_workers] in the order of host lanes, the driver first */
	int n_workers;
	bool goes_on;                /* its processes run */
	bool was_asked;              /* whether the user wants to end it; asked in this or the last few moments */
	int64_t n_wanted, n_submitted, n_finished, n_failed; /* executions */
	int64_t elapsed_ns;          /* since it started; at the end: how long it took */
	char verdict[300];           /* how it ended; "" while it goes on, and when all is well */
	char message[300];           /* what the run said last; "" when nothing */
	int n_messages;
};

/* Rows of live_draw on a screen of so many rows: 0 when there is no live run. */
int live_rows(const struct session *session, int screen_rows);
/* How far the run is, and what each worker does; the ones that wait longest when there is no room for all. */
void live_draw(const struct session *session, struct pane pane);
/* "starved 1.20 s for layer2->layer3.x from w0, execution 118" */
void live_describe(const struct timeline *timeline, const struct live_worker *worker, char *text, size_t size);
/* What stands at a node now: the state of a worker that is there; false when none is. */
bool live_at_node(const struct live *live, int node, struct live_worker *ret_worker);

/* Whether leaving is all right: while a live run goes on the first answer is no, with a question in the status line. */
bool live_may_quit(struct session *session);

#endif
