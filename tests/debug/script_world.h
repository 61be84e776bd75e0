/* SPDX-License-Identifier: Apache-2.0
 *
 * script_world: a debugger and its language over a graph of tests/debug/golden, for tests: a line in, what it says out.
 */
#ifndef TANDEM_TESTS_DEBUG_SCRIPT_WORLD_H
#define TANDEM_TESTS_DEBUG_SCRIPT_WORLD_H

#include "engine/debug/commands.h"

struct script_world {
	struct debugger *debugger;
	struct debug_context context; /* scripted */
	struct strbuf printed;        /* lines of the run, each ended */
	struct graph *graph;
	struct plan *plan;
	char *words[32];              /* behind `tandem run`; owned */
};

/* `run` is "MODE FILE.dot OPTIONS…"; the file stands in tests/debug/golden. Failures end the test. */
void script_world_open(struct script_world *world, const char *run);
void script_world_close(struct script_world *world);

/* Carries out a line and what it sets in motion. An error is appended as "error: TEXT", and its status returned. */
int script_world_line(struct script_world *world, const char *line, struct strbuf *out);

/* The text of a file; the caller frees. NULL when it cannot be read. */
char *script_world_read(const char *path);

/* Replaces times, process numbers and paths of this machine by words: "<time>", "<pid>", "@TMP@", "@ROOT@". */
char *script_world_plain(const char *text);

#endif
