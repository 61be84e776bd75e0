/* SPDX-License-Identifier: Apache-2.0
 *
 * held_run: a run whose driver is a thread of this process and whose workers are real ones ($TANDEM), held at its gates by the test. The
 * graph's inputs are f32: element i of input k is execution + i + 100 · k.
 */
#ifndef TANDEM_TESTS_DEBUG_HELD_RUN_H
#define TANDEM_TESTS_DEBUG_HELD_RUN_H

#include <pthread.h>

#include "engine/debug/target.h"
#include "engine/graph/plan.h"
#include "engine/run/driver.h"

#define HELD_RUN_EXECUTIONS_MAX 64

struct held_run {
	struct graph *graph;
	struct plan *plan;
	struct driver *driver;
	struct driver_options options;
	struct debug_target target;   /* attached to it */
	pthread_t thread;
	int n_executions;
	int sizes;                    /* value of every symbol */
	int statuses[HELD_RUN_EXECUTIONS_MAX];
	float results[HELD_RUN_EXECUTIONS_MAX][8]; /* the first elements of result 0 */
	struct error error;
};

/* Starts the graph and attaches; everybody stands or comes to stand at the first gate. `in_flight` 0: as the plan has it. */
void held_run_start(struct held_run *run, enum run_mode mode, const char *text, int n_executions, int in_flight, bool poisons);

/* Lets everybody go on to that gate, and asserts that its process gets there. With `keeps`, all nodes' outputs go into the history on the way. */
void held_run_go_to(struct held_run *run, const char *node, enum gate_place place, uint64_t execution, bool keeps);

/* Detaches and lets all executions end; asserts that they did, with STATUS_OK. */
void held_run_finish(struct held_run *run);

uint32_t held_run_node(const struct held_run *run, const char *name);

#endif
