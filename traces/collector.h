/* SPDX-License-Identifier: Apache-2.0
 *
 * collector: the process that drains the recorders' rings into a trace and outlives the driver (engine/run/collect.h
 * says what the two tell each other).
 *
 *     OPENING ──file made, READY sent──► COLLECTING ──writing fails, WARNING sent──► DROPPING
 *        │ cannot make the file             │ STOP, SIGTERM or the socket closes          │ the same
 *        ▼                                  ▼                                             ▼
 *     DONE with the reason               drain, end of run, seal, DONE           loss and end of run, DONE
 */
#ifndef TANDEM_TRACES_COLLECTOR_H
#define TANDEM_TRACES_COLLECTOR_H

#include <stdbool.h>

#include "engine/base/error.h"

/* Entry of `tandem collector TRACE PROGRAM_FD RINGS_FD SOCKET_FD [CONTROL_FD SLOTS_FD GATES_FD] [append]`: argv[1] is
 * "collector". Sets up signals, runs, and returns the exit status (enum status other than STATUS_OK gives 1; what went wrong
 * was told to the driver). */
int collector_main(int argc, char **argv);

struct collector_options {
	const char *file;
	int program_fd, rings_fd, socket_fd; /* stay the caller's */
	int control_fd, slots_fd, gates_fd;  /* of the run, for its post-mortem; gates_fd 0: none. The caller's, too */
	int signal_fd;                       /* a signalfd that becomes readable when the collector shall end; -1: none */
	bool appends;                        /* add a run to an existing trace */
};

/* The same without touching signals, for a thread of a test. Returns what DONE said. */
int collector_run(const struct collector_options *options, struct error *error);

#endif
