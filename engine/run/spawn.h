/* SPDX-License-Identifier: Apache-2.0
 *
 * spawn: starting, watching and ending one process of a run. Processes are started afresh (exec), in a process group of their own
 * so that the terminal's Ctrl-C reaches the driver only, with stdin closed and exactly the descriptors given.
 */
#ifndef TANDEM_ENGINE_RUN_SPAWN_H
#define TANDEM_ENGINE_RUN_SPAWN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "engine/base/error.h"

#define SPAWN_FD_FIRST 3 /* number of the first inherited descriptor in the child; the others follow */

/* Descriptors of a worker, in order from SPAWN_FD_FIRST. From SPAWN_WORKER_MORE on those that it has only in some runs, one behind the other:
 * its end of the socket to the driver (interpreted mode), the rings (when something is recorded). */
enum spawn_worker_fd {
	SPAWN_WORKER_PROGRAM,
	SPAWN_WORKER_CONTROL,
	SPAWN_WORKER_SLOTS,  /* interpreted mode: bells and object store */
	SPAWN_WORKER_READY,  /* eventfd: 1 is added when the set-up is over */
	SPAWN_WORKER_WAKE,   /* eventfd: wakes a driver that is in a poll (CONTROL_WAKE_FD) */
	SPAWN_WORKER_GATES,
	SPAWN_WORKER_MORE,
	SPAWN_WORKER_FDS_MAX = SPAWN_WORKER_MORE + 2,
};

struct spawn_process {
	pid_t pid;      /* 0 when not started or already reaped */
	int pidfd;      /* readable when it has ended; -1 when not started */
	int out_fd, err_fd; /* non-blocking read ends of its stdout and stderr; -1 when inherited or closed */
};

#define SPAWN_PROCESS_INIT { .pidfd = -1, .out_fd = -1, .err_fd = -1 }

/* Starts `executable` with `argv` (ended by NULL). fds[0 … n_fds) become SPAWN_FD_FIRST, …; they stay the caller's. With
 * `captures_output` stdout and stderr are pipes, otherwise inherited. */
int spawn_start(const char *executable, const char *const *argv, const int *fds, int n_fds, bool captures_output,
	struct error *error, struct spawn_process *ret_process);

/* Closes descriptors. The process must have been reaped. */
void spawn_finish(struct spawn_process *process);

/* Reaps the process if it has ended: true, with how it ended as text ("was killed by signal 9 (Killed)", "exited with status
 * 3") and whether that was a clean exit 0. A program that reaps its children itself, or ignores SIGCHLD, has taken that knowledge: the text says
 * so. */
bool spawn_reap(struct spawn_process *process, bool *ret_is_clean, char *text, size_t size);

/* Sends a signal, to this process and never to one that got its number later. */
void spawn_kill(const struct spawn_process *process, int signal_number);

/* State letter of a process in /proc (R, S, T, …), '?' when it is gone; time on a core and time runnable without one, ns. */
struct spawn_usage {
	char state;
	uint64_t run_ns, wait_ns;
};
struct spawn_usage spawn_usage(pid_t pid);

#endif
