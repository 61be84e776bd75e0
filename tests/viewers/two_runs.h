/* SPDX-License-Identifier: Apache-2.0
 *
 * two_runs: a small trace whose every ns is known, for screens: the chain of synthetic.h on two workers, compiled and interpreted, where w1 is the
 * slower one; and what compares a screen with a file.
 */
#ifndef TANDEM_TESTS_VIEWERS_TWO_RUNS_H
#define TANDEM_TESTS_VIEWERS_TWO_RUNS_H

#include "tests/traces/synthetic.h"
#include "viewers/view.h"

struct two_runs_options {
	int n_executions;  /* of each run; 0: none */
	int n_runs;        /* 1 or 2 */
	bool has_no_roots; /* the file holds no blame: to be found by who asks */
	const char *sql;   /* run on the file at the end; NULL: nothing */
};

struct two_runs {
	struct synthetic synthetic;
	struct session *session;
	const struct view *view;
	void *state;
	struct canvas canvas;
};

/* Makes the trace, opens it and one view of it. Fails the test when something fails. */
void two_runs_open(struct two_runs *runs, const struct two_runs_options *options, const struct view *view);
/* The same with a trace that is there. */
void two_runs_open_file(struct two_runs *runs, const char *file, const struct view *view);
void two_runs_close(struct two_runs *runs);

/* Draws into a canvas of this size. */
void two_runs_draw(struct two_runs *runs, int width, int height);
/* One action; whether it meant something. */
bool two_runs_act(struct two_runs *runs, enum action action);
/* Whether the screen as drawn last shows the text. */
bool two_runs_shows(const struct two_runs *runs, const char *text);
/* The screen as text, to be freed. */
char *two_runs_text(const struct two_runs *runs);

/* Draws at a size and compares with golden/NAME-WxH.txt, and with .ansi in colour; TANDEM_UPDATE_GOLDEN=1 in the environment writes them. */
void two_runs_golden(struct two_runs *runs, const char *name, int width, int height, bool is_coloured);

#endif
