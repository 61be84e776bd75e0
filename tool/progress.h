/* SPDX-License-Identifier: Apache-2.0
 *
 * progress: the bar of long work on a terminal's stderr, and lines that must not tear it. Silent but for the lines when stderr is no
 * terminal. May be used from several threads.
 */
#ifndef TANDEM_TOOL_PROGRESS_H
#define TANDEM_TOOL_PROGRESS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct progress {
	pthread_mutex_t lock;
	bool is_terminal, is_drawn;
	const char *unit;            /* "executions" */
	uint64_t done, total;
	int64_t start_ns, drawn_ns;  /* host clock */
	/* Set by the user after progress_init: takes notes instead of stderr; may be NULL. */
	void (*redirect)(void *user, const char *who, const char *text);
	void *redirect_user;
};

void progress_init(struct progress *progress, const char *unit, uint64_t total, bool is_quiet);
/* Cheap enough to call after each piece of work, at `now_ns` of the host clock: draws at most ten times a second. */
void progress_update(struct progress *progress, uint64_t done, int64_t now_ns);
/* Prints "WHO: TEXT", made printable, above the bar; `who` may be NULL. */
void progress_note(struct progress *progress, const char *who, const char *text);
/* Takes the bar away. */
void progress_finish(struct progress *progress);

/* The line that would be drawn: bar of `cells`, counts, rate, time left. For drawing and tests. */
void progress_line(const struct progress *progress, int64_t now_ns, int cells, char *text, int size);

#endif
