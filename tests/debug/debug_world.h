/* SPDX-License-Identifier: Apache-2.0
 *
 * debug_world: a debugger over a `tandem run` of a small graph, for tests. Failures of these helpers end the test.
 */
#ifndef TANDEM_TESTS_DEBUG_DEBUG_WORLD_H
#define TANDEM_TESTS_DEBUG_DEBUG_WORLD_H

#include "engine/debug/debugger.h"

struct debug_world {
	struct debugger *debugger;
	struct strbuf printed; /* lines of the run, each ended */
	char *words[32];       /* behind `tandem run`; owned */
};

/* Writes `graph` to a file and opens a debugger for it; the words of `options` (split at blanks) go to `tandem run`, behind --mode `mode`. "" is
 * no graph: for attaching. */
void debug_world_open(struct debug_world *world, const char *graph, const char *mode, const char *options);
void debug_world_close(struct debug_world *world);

/* Polls until nothing moves any more, at most half a minute. */
enum debug_state debug_world_settle(struct debug_world *world);
/* Starts, and stands at the beginning. */
void debug_world_start(struct debug_world *world);
/* Resumes and settles; "w0 a before 3" of the halt, "end", or "nowhere"; with the reason in front, where it is not as expected for `how`:
 * "stop 2: w0 a before 3", "blocked: …", "interrupt: …". Valid until the next call. */
const char *debug_world_go(struct debug_world *world, enum debug_resume how, uint64_t count);
const char *debug_world_where(struct debug_world *world);

uint32_t debug_world_node(const struct debug_world *world, const char *name);
uint32_t debug_world_worker(const struct debug_world *world, const char *name);
/* `set TEXT`; what it said is in *out. Returns the status. */
int debug_world_set(struct debug_world *world, const char *text, bool all_ranks, struct strbuf *out);
/* An element of an output in an execution, NaN where it is not held. */
double debug_world_element(const struct debug_world *world, const char *node, uint64_t execution, int64_t element);

#endif
