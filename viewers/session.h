/* SPDX-License-Identifier: Apache-2.0
 *
 * session: what all views share: the opened runs, one selection, one window in time for each run, marks, the filter, and the status line.
 * Views change it through the functions here, so that every view follows.
 *
 *     session ── sides[0]: timeline of a run ── window (where, how wide)
 *        │     └ sides[1]: the run compared with, if there is one
 *        └ selection (side, lane, node, edge, execution, span), marks, query, status text
 */
#ifndef TANDEM_VIEWERS_SESSION_H
#define TANDEM_VIEWERS_SESSION_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/base/strbuf.h"
#include "traces/compare.h"
#include "traces/timeline.h"
#include "traces/trace.h"
#include "viewers/notes.h"

struct live;

/* The part of a timeline that is on screen. */
struct session_window {
	struct timeline_scale scale;
	int64_t from_ns;         /* snapped to the scale's grid */
	int n_cells;             /* columns, as last drawn; 0 before */
	bool follows;            /* keeps the end of a run that goes on in sight */
	bool fits;               /* the whole run, whatever the size; until zoomed or panned */
};

struct session_side {
	struct trace *trace;     /* owned unless it is that of side 0 */
	struct timeline *timeline; /* NULL: there is no such side */
	char *label;             /* "compiled", "interpreted", or the file's name where the mode does not tell them apart; owned */
	char *policy;            /* what was recorded, as given with --record; NULL: everything, or not known */
	int64_t n_warmup;        /* executions marked as warm-up */
	int64_t n_postmortems;   /* of the run: its memory was saved (traces/postmortem.h) */
	struct session_window window;
};

struct session_selection {
	int side;                /* 0 or 1 */
	int lane, node, edge;    /* TIMELINE_NONE: nothing */
	int64_t execution;       /* TIMELINE_NONE */
	int64_t time_ns;         /* the cursor */
	bool has_span;
	struct timeline_span span;
};

struct session_mark {
	bool is_set;
	int64_t time_ns;
	int lane;                /* TIMELINE_NONE */
};

/* What was typed, resolved for each side: names mean what is so called there. */
struct session_filter {
	char *text;              /* as typed; NULL: none */
	const struct timeline *timelines[2];
	bool *nodes[2], *lanes[2]; /* [n]; which match; NULL: all */
	uint8_t *names[2], *categories[2]; /* imported: [n_texts + 1]; NULL: all */
	struct timeline_query queries[2]; /* point to the arrays above */
};

struct session {
	struct session_side sides[2];
	int n_sides;
	struct session_selection selection;
	struct session_mark marks[2];
	struct session_filter filter, search;
	struct notes *notes;     /* of side 0's file */
	bool was_forced;         /* how `compare` was made */
	struct compare *compare; /* of the two sides; made when first asked for; NULL: not yet, or refused */
	struct error compare_error; /* why it was refused or failed */
	bool has_compared;
	bool compare_is_forced;  /* compare in spite of reasons not to, from the next session_compare on */
	bool is_live;            /* side 0's run goes on: new rows may come */
	int64_t grown_ns;        /* live: when rows came last, host clock */
	struct live *live;       /* states of a run of this process (live.h), the caller's; NULL: none */
	const char *wanted_view; /* set by a view that wants another one to be shown instead ("timeline"); the app takes it */
	char status[300];        /* one line for the user; "" when there is nothing to say */
	bool status_is_error;
	const volatile sig_atomic_t *interrupt; /* long work looks at it; may be NULL */
	bool announces;          /* whoever draws shows a frame that says what takes long before it is begun; then looks at the next two */
	bool wants_frame;        /* set by a view that has announced something: the next frame at once */
	bool was_stopped;        /* set when long work ended for the interrupt: the Ctrl-C has been heard */
};

struct session_options {
	const char *files[2];    /* the second may be NULL */
	int64_t runs[2];         /* ids; 0: the first of the file; for one file with two runs: the first two are the sides */
	bool is_live;
	timeline_progress_fn *progress; /* while a pyramid is built; may be NULL */
	void *progress_user;
};

/* Opens traces and timelines; fits the windows. STATUS_TRACE, … with a text for a page instead of a screen. */
int session_open(const struct session_options *options, struct error *error, struct session **ret_session);
void session_close(struct session *session); /* accepts NULL; writes the notes if they changed */

/* A run that goes on: takes over what came; notes when it has ended. */
int session_refresh(struct session *session, bool *ret_has_grown, struct error *error);

static inline struct timeline *session_timeline(const struct session *session)
{
	return session->sides[session->selection.side].timeline;
}
static inline struct session_window *session_window(struct session *session)
{
	return &session->sides[session->selection.side].window;
}

/* The window of a side for `n_cells` columns: fits, follows and clamps as it says; to be called before drawing. */
void session_prepare_window(struct session *session, int side, int n_cells);
void session_zoom(struct session *session, int steps, bool is_coarse); /* about the cursor; > 0: wider */
void session_pan(struct session *session, int n_cells);
/* Moves the window, if need be, so that the moment is in it. */
void session_show(struct session *session, int side, int64_t time_ns);
/* An interval, large: with a tenth of it on each side. */
void session_show_span(struct session *session, int side, int64_t start_ns, int64_t duration_ns);

/* The selection. The first moves the cursor and selects what is there; the others also set lane, node, execution from what they are given
 * and show it. Errors go to the status line. */
void session_select_time(struct session *session, int side, int lane, int64_t time_ns);
void session_select_span(struct session *session, int side, const struct timeline_span *span);
/* The op of (node, execution); false, with a status text, when it was not recorded. */
bool session_select_op(struct session *session, int side, int node, int64_t execution);
void session_select_node(struct session *session, int side, int node); /* keeps the execution where that was recorded */
void session_select_edge(struct session *session, int side, int edge);

/* Puts a selection that a view has set by hand back into the run: the cursor to the nearest moment, indices that are none to TIMELINE_NONE. */
void session_keep(struct session *session);

/* A node's or edge's index on the other side by name; TIMELINE_NONE. */
int session_twin_node(const struct session *session, int side, int node);

/* The comparison of the two sides (side 0 is A), made once; NULL with compare_error set when it is refused. */
const struct compare *session_compare(struct session *session);
/* Whether session_compare is about to go over all ops of both runs: it was not made yet, and no sums are stored that serve. */
bool session_compare_is_long(const struct session *session);

/* Parses what / and & take: words that must all match: NAME (part of a node's or lane's name), kind:WORD, >TIME, <TIME, exec:N, failed,
 * lane:NAME, op:NAME. Of an imported trace NAME is a part of a span's name, and cat:TEXT one of its category. STATUS_USAGE. Empty text clears. */
int session_filter_set(struct session *session, struct session_filter *filter, const char *text, struct error *error);
/* The query for the side that the timeline is; NULL when there is no filter. */
const struct timeline_query *session_filter_query(const struct session_filter *filter, const struct timeline *timeline);
/* Whether the span is what the filter lets through; true without a filter (NULL too). */
bool session_filter_matches(const struct session_filter *filter, const struct timeline *timeline, const struct timeline_span *span);
/* Selects the next (1) or previous (-1) hit of session->search; tells in the status line when there is none. */
void session_search(struct session *session, int direction);

/* "Losses: 12 records" and the like for the title line: everything that a reader must know of the data; "" when all is well. */
void session_caveats(const struct session *session, int side, struct strbuf *out);

void session_status(struct session *session, const char *format, ...) PRINTF_LIKE(2, 3);
void session_error(struct session *session, const struct error *error);

#endif
