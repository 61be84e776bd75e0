/* SPDX-License-Identifier: Apache-2.0
 *
 * executor: a worker's part of a compiled graph, made ready to run and run: the list of steps, once an execution, for ever. Knows nothing of
 * processes; the worker (worker.c) gives it mappings, a stress program may run several as threads.
 *
 * An execution that fails at a node goes on as a failure: the node's outputs are published with the failure's number instead of data, nodes
 * behind skip their op and hand it on, so every message still flows and the next execution is not disturbed.
 */
#ifndef TANDEM_ENGINE_RUN_EXECUTOR_H
#define TANDEM_ENGINE_RUN_EXECUTOR_H

#include "engine/run/channel.h"
#include "engine/run/gate.h"
#include "engine/run/program.h"
#include "engine/run/recorder.h"

struct executor_node;
struct executor_step;

struct executor {
	const struct program *program;
	struct control *control;
	uint32_t worker_idx;
	struct waiter waiter;
	struct recorder recorder;
	struct channel *channels;  /* [n_channels] those this worker touches */
	uint32_t n_channels;
	struct executor_node *nodes;
	uint32_t n_nodes;
	struct executor_step *steps;
	uint32_t n_steps;
	uint32_t n_nodes_set_up;
	struct gates *gates;       /* NULL: none. Set by who has them, before it runs */
};

/* Builds the step list of `worker_idx` and sets every op up. `program`, `control`, `shared_slots` and `ring` (NULL: not recorded) must
 * outlive the executor. On failure nothing is kept; *ret_node is the node at fault, or PROGRAM_NONE. */
int executor_init(struct executor *executor, const struct program *program, struct control *control, uint32_t worker_idx,
	uint8_t *shared_slots, struct ring_header *ring, const struct recorder_policy *policy,
	const struct op_registry *registry, uint32_t *ret_node, struct error *error);

/* Runs executions 0, 1, … until the run is stopping. Returns STATUS_STOPPED, or STATUS_PROTOCOL when a message carried another
 * execution's number (*error says which). */
int executor_run(struct executor *executor, struct error *error);

/* Tears the ops down and releases everything. */
void executor_finish(struct executor *executor);

#endif
