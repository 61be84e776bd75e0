/* SPDX-License-Identifier: Apache-2.0
 *
 * debug_face: what all faces of `tandem debug` on the command line do with a line: carry it out, let the run move until it halts, say where. Scripts
 * and the prompt are built on it.
 */
#ifndef TANDEM_TOOL_DEBUG_FACE_H
#define TANDEM_TOOL_DEBUG_FACE_H

#include "engine/debug/commands.h"
#include "tool/debug_signals.h"

struct debug_prompt;
struct debug_screen_loop;

struct debug_face {
	struct debug_context context;
	struct debug_signals signals;
	struct debug_prompt *prompt; /* set while a line is typed there; NULL otherwise */
	struct debug_screen_loop *screen; /* set while the screen has the terminal; NULL otherwise */
	bool is_output_lost;         /* standard output cannot be written: everything ends */
};

/* Takes signals over. debug_face_finish follows in every case. */
int debug_face_init(struct debug_face *face, struct error *error);
/* The debugger that lines are for; it is the face's from here on. */
void debug_face_use(struct debug_face *face, struct debugger *debugger);
/* Ends the debugger: a started run ends with it, with `is_kept` it goes on; an attached one goes on. */
void debug_face_finish(struct debug_face *face, bool is_kept);

/* For debugger_options.printed: "run| LINE" above the prompt; `user` is the face. */
void debug_face_printed(void *user, int stream, const char *line);

/* Lets the run move until it stands still, and says where; the stop's own commands may move it again. To be called whenever the debugger may be
 * MOVING. */
int debug_face_settle(struct debug_face *face, struct error *error);

/* Carries out one line and prints what it says. STATUS_OK; what the command said was wrong; STATUS_STOPPED when Ctrl-C cut it short, a signal
 * asks for the end, or nothing can be printed any more. */
int debug_face_line(struct debug_face *face, const char *line, struct error *error);

/* Nothing shall follow: `quit`, a signal, output lost. */
bool debug_face_is_over(const struct debug_face *face);

/* What the process returns when `exit_status` is what came of it so far. */
int debug_face_exit_status(const struct debug_face *face, int exit_status);

#endif
