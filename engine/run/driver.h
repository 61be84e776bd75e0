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

/* What the driver tells its user about while it runs; called from the monitor thread. */
enum driver_notice {
	DRIVER_NOTICE_OUTPUT,  /* a line that a worker printed: `who` is its name */
	DRIVER_NOTICE_STALL,   /* a wait longer than the stall limit, with its cause */
	DRIVER_NOTICE_WARNING, /* the trace is incomplete, … */
};
typedef void driver_notice_fn(void *user, enum driver_notice notice, const char *who, const char *text);

struct driver_options {
	enum run_mode mode;
	uint64_t store_limit_bytes;  /* interpreted: size of the object store; 0: what the executions in flight can need,
	                                at least 64 MiB. With less, fewer are admitted at once */
	const char *executable;      /* started as `EXECUTABLE worker NAME` and `EXECUTABLE collector`; NULL: /proc/self/exe */
	const char *trace_file;      /* NULL: record nothing, no collector */
	bool overwrites_trace;       /* replace an existing file */
	const char *record;          /* "all", "every=N", "window=A:B"; NULL: "all" */
	uint64_t seed;
	int64_t stall_limit_ns;      /* a longer wait is reported; 0: 1 s; negative: never */
	int64_t timeout_ns;          /* of one execution, from submit to results; 0: none */
	int64_t grace_ns;            /* what an op that runs gets at the end before it is killed; 0: 1 s */
	bool pins;                   /* pin worker i to core i mod cores */
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
 * no bound; STATUS_AGAIN when it passes). STATUS_OK: *ret_outputs points to one tensor for each result, in argument order of `output`, in
 * place in their slots, valid until driver_release. STATUS_OP, STATUS_TIMEOUT, STATUS_CANCELLED: this execution failed, *error says where and
 * why; it must be released like any other and the run goes on. Anything else: the run is over. */
int driver_wait(struct driver *driver, int64_t limit_ns, uint64_t *ret_execution, const struct tensor **ret_outputs,
	struct error *error);

/* Gives the slots of the execution returned last by driver_wait back. */
void driver_release(struct driver *driver);

/* Executions submitted and not yet released. */
int driver_in_flight(const struct driver *driver);

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

/* Entry of `tandem worker NAME`: takes the inherited descriptors from the arguments behind the name. Returns the exit status. */
int worker_main(int argc, char **argv, const struct op_registry *registry);

#endif
