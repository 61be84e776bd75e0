/* SPDX-License-Identifier: Apache-2.0
 *
 * keys: `s` on the terminal and SIGUSR1, from before a run starts until it ends. The terminal is in its own mode again whatever ends the
 * process, but for SIGKILL: at keys_stop, on the signals that end it, and while it is stopped (Ctrl-Z).
 */
#ifndef TANDEM_TOOL_KEYS_H
#define TANDEM_TOOL_KEYS_H

#include <pthread.h>
#include <stdbool.h>

#include "engine/base/error.h"

struct keys {
	/* set by the caller */
	void (*save)(void *user, const char *why); /* called from a thread of its own */
	void *user;
	bool reads_terminal;  /* asks for keys as well, where standard input is a terminal */

	/* private */
	pthread_t thread;
	bool has_thread, holds_terminal;
	int save_fd, stop_fd;
};

/* STATUS_OK, or STATUS_SYSTEM with nothing started. Afterwards holds_terminal tells whether keys are read. */
int keys_start(struct keys *keys, struct error *error);
/* Does nothing when it was not started. */
void keys_stop(struct keys *keys);

#endif
