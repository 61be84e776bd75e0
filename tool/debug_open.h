/* SPDX-License-Identifier: Apache-2.0
 *
 * debug_open: from what the command line names to a debugger: a graph that has not been started, a run that goes on, or a saved state of one.
 */
#ifndef TANDEM_TOOL_DEBUG_OPEN_H
#define TANDEM_TOOL_DEBUG_OPEN_H

#include "tool/debug_face.h"
#include "tool/load.h"
#include "tool/option_words.h"
#include "tool/run_options.h"

/* A graph with what it is to be run with. */
struct debug_graph {
	struct loaded loaded;
	struct option_words words; /* behind `tandem run`: options, then the file */
};

/* Each gives the face its debugger and says on standard output what it is. They return an exit status, what went wrong having been told. */

/* `words` of `graph` hold the options already. The debugger needs `graph` to the end; debug_graph_finish releases it. */
int debug_open_graph(struct debug_face *face, const char *file, const struct run_options *options, bool is_kept, struct debug_graph *graph);
void debug_graph_finish(struct debug_graph *graph);

int debug_open_attached(struct debug_face *face, int64_t pid);

/* `postmortem`: its number in the file; 0: the newest. */
int debug_open_saved(struct debug_face *face, const char *file, int64_t postmortem);

#endif
