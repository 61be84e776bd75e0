/* SPDX-License-Identifier: Apache-2.0
 *
 * debug_prompt: lines from a person at a terminal, with editing, history and completion. The terminal is in its own mode whenever no line is
 * typed, and whatever ends the process, but for SIGKILL.
 */
#ifndef TANDEM_TOOL_DEBUG_PROMPT_H
#define TANDEM_TOOL_DEBUG_PROMPT_H

#include "engine/debug/commands.h"
#include "tool/debug_signals.h"

struct debug_prompt;

struct debug_prompt_options {
	const struct debug_context *context; /* for the prompt's text and completion */
	struct debug_signals *signals;
	void (*idle)(void *user); /* called some times a second while a line is typed; may call debug_prompt_show; may be NULL */
	void *user;
};

enum debug_prompt_end {
	DEBUG_PROMPT_LINE,      /* there is a line, maybe empty */
	DEBUG_PROMPT_CANCELLED, /* Ctrl-C: begin anew */
	DEBUG_PROMPT_END,       /* Ctrl-D, the terminal is gone, a signal asks for the end */
};

/* Standard input and output must be a terminal. The history is read. */
int debug_prompt_create(const struct debug_prompt_options *options, struct error *error, struct debug_prompt **ret_prompt);
void debug_prompt_destroy(struct debug_prompt *prompt); /* accepts NULL */

/* Reads one line into *ret_line, without its end, valid until the next call; it is in the history, and in its file, when it is not empty. */
enum debug_prompt_end debug_prompt_read(struct debug_prompt *prompt, const char **ret_line);

/* While a line is typed: prints `text` (whole lines) above it, on standard output (0) or error (1). */
void debug_prompt_show(struct debug_prompt *prompt, int stream, const char *text);

/* A line of the history, 0 the newest; NULL behind the oldest. Valid until the next call. */
const char *debug_prompt_recall(struct debug_prompt *prompt, int idx);
/* A line that was typed elsewhere. */
void debug_prompt_remember(struct debug_prompt *prompt, const char *line);

/* Where the history is kept: $XDG_STATE_HOME/tandem/debug_history, else below $HOME/.local/state. False when there is no such place. */
bool debug_prompt_history_file(char *file, size_t size);

#endif
