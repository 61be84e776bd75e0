/* SPDX-License-Identifier: Apache-2.0
 *
 * status: the one currency for failure. Functions that can fail return an `int` status, STATUS_OK (0) or one of the
 * codes below, and describe the failure in a `struct error` that the caller owns (see error.h).
 */
#ifndef TANDEM_ENGINE_BASE_STATUS_H
#define TANDEM_ENGINE_BASE_STATUS_H

/* X(NAME, word, sentence): the word is stored in traces (`v_execution.status`), the sentence is for people. */
#define STATUS_MAP(X)                                                        \
	X(OK, "ok", "done")                                                  \
	X(NO_MEMORY, "no_memory", "memory could not be allocated")           \
	X(SYSTEM, "system", "a system call failed")                          \
	X(USAGE, "usage", "wrong use of a command or function")              \
	X(SYNTAX, "syntax", "text could not be parsed")                      \
	X(GRAPH, "graph", "the graph is wrong")                              \
	X(DEADLOCK, "deadlock", "the plan can deadlock")                     \
	X(INPUT, "input", "an input file or tensor is wrong")                \
	X(OP, "op_error", "an op reported an error")                         \
	X(WORKER_DIED, "worker_died", "a worker process died")               \
	X(TIMEOUT, "timeout", "a deadline passed")                           \
	X(CANCELLED, "cancelled", "the execution was cancelled")             \
	X(STOPPED, "stopped", "the run is ending")                           \
	X(AGAIN, "again", "not now; try again later")                        \
	X(DISK_FULL, "disk_full", "no space left on the device")             \
	X(DATABASE, "database", "SQLite reported an error")                  \
	X(TRACE, "trace", "the file is not a usable trace")                  \
	X(UNSUPPORTED, "unsupported", "not supported here")                  \
	X(NOT_COMPARABLE, "not_comparable", "a comparison would mislead")    \
	X(PROTOCOL, "protocol", "a peer process sent something unexpected")

enum status {
#define X(name, word, sentence) STATUS_##name,
	STATUS_MAP(X)
#undef X
	STATUS_COUNT
};

/* The stored word (`"op_error"`) and the sentence of a status; "unknown" for a number outside the enum. */
const char *status_word(int status);
const char *status_sentence(int status);

#endif
