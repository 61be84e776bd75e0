/* SPDX-License-Identifier: Apache-2.0
 *
 * debug_play: a debugger that somebody at random types commands to.
 */
#ifndef TANDEM_TESTS_STRESS_DEBUG_PLAY_H
#define TANDEM_TESTS_STRESS_DEBUG_PLAY_H

#include <stdbool.h>
#include <sys/types.h>

#include "engine/debug/commands.h"

/* The graph that is played with: three workers, a collective, an op that takes its time. */
extern const char debug_play_graph[];

struct debug_play {
	struct debug_context context;
	struct plan *plan;       /* of debug_play_graph */
	struct graph *graph;
	char folder[32];         /* for what commands write; made and removed by the caller */
	const char *words[16];   /* behind `tandem run` */
	unsigned seed;
	bool is_loud;            /* tells what it types on stderr */
	bool is_harmless;        /* types nothing that changes values or ends the run */
};

/* Plans the graph, which must lie in `file`. Ends the process when that fails. */
void debug_play_init(struct debug_play *play, const char *file, const char *mode, const char *n_executions);
void debug_play_finish(struct debug_play *play);

/* A new debugger of that graph, or attached to `pid` when that is not 0; false when the run has ended before it could be attached to. */
bool debug_play_open(struct debug_play *play, pid_t pid);
/* One random command, and what it sets in motion until it halts: interrupted when that takes long. Ends the process when it hangs. */
void debug_play_turn(struct debug_play *play);
/* Ends the debugger; a run started here ends with it. */
void debug_play_close(struct debug_play *play);

#endif
