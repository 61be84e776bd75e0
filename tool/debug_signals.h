/* SPDX-License-Identifier: Apache-2.0
 *
 * debug_signals: Ctrl-C, an end that is asked for, and a window that changes its size, taken by a thread of their own, so that the debugger is
 * interrupted whatever it is doing, and the prompt is woken. Processes that are started meanwhile are not affected.
 */
#ifndef TANDEM_TOOL_DEBUG_SIGNALS_H
#define TANDEM_TOOL_DEBUG_SIGNALS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "engine/base/error.h"

struct debugger;

struct debug_signals {
	pthread_t thread;
	bool has_thread;
	int wake_fd;                        /* eventfd: readable when one of the following has changed */
	_Atomic int end_signal;             /* SIGTERM or SIGHUP: the debugger shall end; 0: none */
	_Atomic bool is_cancelled;          /* Ctrl-C; whoever acts on it sets it back */
	_Atomic bool has_resized;           /* the same */
	_Atomic bool is_editing;            /* prompt: a line is typed, so Ctrl-C means that line and not the run */
	_Atomic(struct debugger *) debugger; /* to be interrupted; NULL: none */
};

/* Call before other threads are there. SIGPIPE is held back too: a closed pipe is an error of write(). */
int debug_signals_start(struct debug_signals *signals, struct error *error);
/* From here on signals do again what they did. Does nothing when it was not started. */
void debug_signals_stop(struct debug_signals *signals);

#endif
