/* SPDX-License-Identifier: Apache-2.0
 *
 * driver: runs a graph over worker processes, compiled or interpreted. One driver handle is one run: it starts a worker process for each worker of
 * the plan and, when a trace is wanted, the collector; it submits executions, hands out results in order, watches the processes, and ends
 * everything in bounded time.
 *
 * Threads: the handle belongs to one thread. A monitor thread inside watches processes, stalls and deadlines. In interpreted mode tasks are
 * dispatched by that thread within driver_submit and driver_wait: a caller that stays away holds them up.
 *
 *     driver_start → (driver_submit | driver_wait | driver_release)* → driver_stop
 */
#ifndef TANDEM_ENGINE_RUN_DRIVER_H
#define TANDEM_ENGINE_RUN_DRIVER_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/base/tensor.h"
#include "engine/graph/plan.h"
#include "engine/run/program.h"
#include "engine/run/record.h"

struct driver;

#define DRIVER_LOOK_ONLY (-1) /* a limit: do not wait at all */

/* What the driver tells its user about while it runs; called from the monitor thread. */
enum driver_notice {
	DRIVER_NOTICE_OUTPUT,  /* a line that a worker printed: `who` is its name */
	DRIVER_NOTICE_STALL,   /* a wait longer than the stall limit, with its cause */
	DRIVER_NOTICE_WARNING, /* the trace is incomplete, … */
	DRIVER_NOTICE_SAVED,   /* something went wrong and the state of the run is in the trace: "crash of w1 in b, execution 3" */
};
typedef void driver_notice_fn(void *user, enum driver_notice notice, const char *who, const char *text);

struct driver_options {
	enum run_mode mode;
	uint64_t store_limit_bytes;  /* interpreted: size of the object store; 0: what the executions in flight can need,
	                                at least 64 MiB. With less, fewer are admitted at once */
	const char *executable;      /* started as `EXECUTABLE worker NAME`; NULL: /proc/self/exe */
	const char *collector_executable; /* started as `EXECUTABLE collector`; NULL: as `executable` */
	const char *trace_file;      /* NULL: record nothing, no collector */
	bool overwrites_trace;       /* replace an existing file */
	const char *record;          /* "all", "every=N", "window=A:B", "last=SECONDS" (doc/recording.md); NULL: "all" */
	const char *triggers;        /* with "last=…": what saves the last seconds, "error,stall,slow=5ms"; NULL: "error,stall" */
	uint64_t record_limit_bytes; /* of the trace file; 0: 1 GiB */
	uint64_t seed;
	int64_t stall_limit_ns;      /* a longer wait is reported; 0: 1 s; negative: never */
	int64_t hang_limit_ns;       /* a longer wait is a hang: the state of the run is saved, once, while it lasts; 0: 30 s; negative: never */
	int64_t postmortem_limit_bytes; /* of a saved state (traces/postmortem.h); 0: 256 MiB; negative: none is saved */
	int64_t timeout_ns;          /* of one execution, from submit to results; 0: none */
	int64_t grace_ns;            /* what an op that runs gets at the end before it is killed; 0: 1 s */
	bool pins;                   /* pin worker i to core i mod cores */
	bool waits_for_debugger;     /* everybody stops at the first gate, until a debugger lets go (gate.h) */
	bool poisons;                /* slots and objects are filled when their last reader is done: a late reader is caught */
	int64_t history_bytes;       /* for what a debugger keeps of outputs, of all processes; 0: 64 MiB; negative: none */
	const struct program_setting *settings; /* for the trace's `meta`: command line, … */
	int n_settings;
	driver_notice_fn *notice;    /* may be NULL */
	void *notice_user;
};

/* Starts the processes, sets every op up and returns when all are ready. STATUS_OK with *ret_driver; else what went wrong (a weight
 * file that is missing, a descriptor limit, …) with everything ended and released. `plan` must outlive the driver. */
int driver_start(const struct plan *plan, const struct driver_options *options, struct error *error,
	struct driver **ret_driver);

/* Checks the inputs (one for each declared tensor, in order; data contiguous) against the declaration without submitting: dtype, number
 * of dimensions, equal letters equal, bounds. STATUS_INPUT. */
int driver_check_inputs(const struct plan *plan, const struct tensor *inputs, struct error *error);

/* Submits one execution; copies the inputs into their slots or objects. *ret_execution (may be NULL) counts from 0. STATUS_AGAIN while `in_flight`
 * executions are unreleased, or while there is no room for its inputs: wait for a result, release it, and try again (*error is
 * not filled, for this is no failure). STATUS_INPUT as
 * driver_check_inputs; the run goes on. Other failures end the run for good and are repeated by every later call (first error first). */
int driver_submit(struct driver *driver, const struct tensor *inputs, uint64_t *ret_execution, struct error *error);

/* Waits for the results of the oldest execution not yet waited for (results come in submit order). `limit_ns` bounds this wait (0:
 * no bound; DRIVER_LOOK_ONLY; STATUS_AGAIN when it passes). STATUS_OK: *ret_outputs points to one tensor for each result, in argument
 * order of `output`, in place in their slots, valid until driver_release. STATUS_OP, STATUS_TIMEOUT, STATUS_CANCELLED: this execution
 * failed, *error says where and why; it must be released like any other and the run goes on. Anything else: the run is over. */
int driver_wait(struct driver *driver, int64_t limit_ns, uint64_t *ret_execution, const struct tensor **ret_outputs,
	struct error *error);

/* Waits for one result (position `idx`) of the execution that driver_wait would return next, without waiting for the others. *ret_output is
 * valid until that execution is released. Status as driver_wait; a failure of the execution does not take it: driver_wait reports it again. */
int driver_wait_output(struct driver *driver, uint32_t idx, int64_t limit_ns, const struct tensor **ret_output, struct error *error);

/* Gives the slots of the execution returned last by driver_wait back. */
void driver_release(struct driver *driver);

/* Makes every node that has not begun `execution` skip it; driver_wait then reports STATUS_CANCELLED. STATUS_USAGE when it is not in flight.
 * Any thread. */
int driver_cancel(struct driver *driver, uint64_t execution, struct error *error);

/* A descriptor that becomes readable when it is worth calling driver_wait again after that said STATUS_AGAIN (or nothing was in flight); also
 * when the run ends. Made at the first call, closed by driver_stop; -1 with *error when that fails. */
int driver_poll_fd(struct driver *driver, struct error *error);

/* With "last=…": has the last seconds written into the trace; `why` goes with them. Any thread. */
int driver_save(struct driver *driver, const char *why, struct error *error);
/* The same, naming what asked for it. */
int driver_save_by(struct driver *driver, enum trigger trigger, const char *why, struct error *error);

/* Whether an execution that driver_wait returned has not been released. */
bool driver_has_taken(const struct driver *driver);

/* STATUS_OK, or the error that ended the run; an interruption is none. */
int driver_ended(struct driver *driver, struct error *error);

/* Whether the calling thread is the driver's own: where notices come from. */
bool driver_is_inside(const struct driver *driver);

/* Executions submitted and not yet released. Any thread. */
int driver_in_flight(const struct driver *driver);

/* What a process of the run is doing at a moment. Indices are the program's, which are the graph's. */
struct driver_activity {
	enum phase wait;     /* STARVED, BACKPRESSURE, LATE_RANK: it waits; UNKNOWN: it does not */
	bool is_idle;        /* it waits for something that was not submitted yet */
	bool computes, is_asleep, has_ended;
	uint32_t node, edge; /* PROGRAM_NONE: none. Where it stands; by which edge what it waits for comes, or is held */
	uint32_t peer;       /* worker that it waits for; PROGRAM_NONE: none */
	uint64_t execution;
	int64_t waited_ns;   /* so far */
};
struct driver_progress {
	uint64_t n_submitted, n_finished, n_failed;
};

/* Looks at worker `worker` (0: the driver) or at the run as a whole. Any thread, until driver_stop is called. */
void driver_look(const struct driver *driver, uint32_t worker, struct driver_activity *ret_activity);
void driver_progress(const struct driver *driver, struct driver_progress *ret_progress);
int driver_n_workers(const struct driver *driver); /* the driver counts as one */

/* Asks for an early end from a signal handler or another thread: pending and later calls return STATUS_STOPPED. Async-signal-safe. */
void driver_interrupt(struct driver *driver);

struct driver_summary {
	uint64_t n_submitted, n_finished, n_failed;
	uint64_t n_lost_records;
	bool is_trace_complete;
	int n_killed_workers;  /* that had to be killed at the end because an op did not return in time */
	int64_t teardown_ns;
};

/* Ends the run: workers finish what they can within the grace, are killed after; the collector writes what is left. Releases the handle in
 * every case. STATUS_OK, or the reason why something is missing (a trace that is incomplete, …). `summary` may be NULL. */
int driver_stop(struct driver *driver, struct driver_summary *summary, struct error *error);

/* Where a worker gets its ops from: called once, with its program. The registry lives as long as the process. */
typedef int worker_ops_fn(void *user, const struct program *program, struct op_registry *ret_registry, struct error *error);

/* Whether this process was started as a worker of a run: its arguments say so and it has inherited a program. */
bool worker_is_meant(int argc, char **argv);

/* Entry of `tandem worker NAME`: takes the inherited descriptors (spawn.h). Returns the exit status. */
int worker_main(int argc, char **argv, worker_ops_fn *open_ops, void *user);

#endif
