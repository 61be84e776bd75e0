/* SPDX-License-Identifier: Apache-2.0
 *
 * debug_screen_loop: the debugger's screen on the terminal. While the run moves it is let move in short turns, so that keys are heard and frames
 * drawn; while nothing moves the loop sleeps.
 */
#ifndef TANDEM_TOOL_DEBUG_SCREEN_LOOP_H
#define TANDEM_TOOL_DEBUG_SCREEN_LOOP_H

#include <stdbool.h>

#include "engine/base/error.h"

struct debug_face;
struct debug_prompt;
struct debug_screen_loop;

struct debug_screen_loop_options {
	struct debug_face *face;     /* with a debugger */
	struct debug_prompt *prompt; /* for its history */
	const char *title;           /* a file's name; NULL: none */
	bool returns;                /* q leads back to the prompt */
};

/* Takes the terminal over until its user leaves or a signal asks for the end. *ret_is_over: everything shall end; otherwise the prompt follows.
 * STATUS_UNSUPPORTED without a terminal, STATUS_SYNTAX for a mistake in the config file. */
int debug_screen_loop_run(const struct debug_screen_loop_options *options, bool *ret_is_over, struct error *error);

/* A line that the run has printed, from wherever the debugger is called. */
void debug_screen_loop_printed(struct debug_screen_loop *loop, int stream, const char *line);

#endif
