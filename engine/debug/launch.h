/* SPDX-License-Identifier: Apache-2.0
 *
 * launch: a `tandem run` started for a debugger, and what it prints, line by line.
 */
#ifndef TANDEM_ENGINE_DEBUG_LAUNCH_H
#define TANDEM_ENGINE_DEBUG_LAUNCH_H

#include "engine/base/strbuf.h"
#include "engine/run/spawn.h"

struct launch {
	struct strbuf lines[2];  /* of stdout and stderr: begun and not ended */
	struct strbuf kept;      /* whole lines that were not passed on yet, each with its stream's number in front */
	bool keeps;              /* lines are kept: nobody knows yet whether the run can start */
	bool has_said_ready;     /* the run waits for its debugger */
};

typedef void launch_printed_fn(void *user, int stream, const char *line);

/* Starts `executable run ARGUMENTS --wait-for-debugger` with its output in pipes and stdin closed. */
int launch_start(struct launch *launch, const char *executable, const char *const *arguments, struct error *error,
	struct spawn_process *ret_process);

/* Reads what has come, without waiting, and passes whole lines on (`printed` may be NULL), or keeps them. */
void launch_read(struct launch *launch, struct spawn_process *process, launch_printed_fn *printed, void *user);
/* Passes on what was kept; from now on lines go through at once. */
void launch_pass_on(struct launch *launch, launch_printed_fn *printed, void *user);
/* What was kept, as text, each line ended; it is gone then. */
void launch_take_kept(struct launch *launch, struct strbuf *out);
void launch_finish(struct launch *launch);

/* Lets the process go on without us: a `tandem relay` reads its pipes from now on and prints to our stdout and stderr, as they are, until they end.
 * What was read and is no whole line yet is passed on first. The descriptors are closed in every case; after an error what it prints is lost. */
int launch_leave(struct launch *launch, const char *executable, struct spawn_process *process, launch_printed_fn *printed, void *user,
	struct error *error);

/* Reaps the process if it has ended: its exit status (128 + signal when it was killed) and how it ended, in words. */
bool launch_reap(struct spawn_process *process, int *ret_exit_status, char *how, size_t size);

#endif
