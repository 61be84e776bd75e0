/* SPDX-License-Identifier: Apache-2.0
 *
 * executor_private: what executor.c (running) and executor_init.c (building) share.
 */
#ifndef TANDEM_ENGINE_RUN_EXECUTOR_PRIVATE_H
#define TANDEM_ENGINE_RUN_EXECUTOR_PRIVATE_H

#include "engine/run/executor.h"

/* output dimension = (input dimension - in_add) / in_mul * out_mul + out_add: both are linear in the same symbol. */
struct executor_dim {
	uint8_t output, dim, input, input_dim;
	int32_t in_mul, out_mul;
	int64_t in_add, out_add;
};

struct executor_node {
	uint32_t idx;             /* in the program */
	const struct op *op;
	struct op_run run;        /* its tensors are below; state, execution and error are set once */
	bool is_static;           /* no dimension depends on a symbol */
	bool is_forward;          /* output 0 is input 0: nothing to do when the data are the same */
	enum phase phase;         /* what its op's time counts as: PHASE_COMPUTE or PHASE_COLLECTIVE */
	struct channel **input_channels;  /* [run.n_inputs] */
	struct channel **control_channels; /* control edges from other workers: their failures count too */
	uint32_t n_control_channels;
	struct channel **output_channels; /* [run.n_outputs]; NULL: nobody reads it, the data lie in the program's scratch */
	struct tensor *inputs, *outputs;  /* what run.inputs and run.outputs point to */
	struct executor_dim *dims;
	uint32_t n_dims;
	uint32_t status;          /* of the current execution: 0, or 1 + failure */
	struct error error;
};

struct executor_step {
	enum plan_step_kind kind;
	bool opens_node;          /* first step of its node in the list */
	bool closes_node;         /* last one */
	uint32_t releaser;        /* RELEASE: index of the cursor */
	uint32_t edge;            /* READ */
	enum phase cause;         /* READ: PHASE_STARVED or PHASE_LATE_RANK */
	const struct tensor *tensor; /* WRITE: whose shape goes into the header */
	struct channel *channel;  /* NULL for COMPUTE */
	struct executor_node *node;
};

/* The nodes of a worker without channels and steps, their ops set up: for the interpreter. On failure nothing is kept; *ret_node as in
 * executor_init. */
int executor_init_nodes(struct executor *executor, const struct program *program, struct control *control, uint32_t worker_idx,
	struct ring_header *ring, const struct recorder_policy *policy, const struct op_registry *registry, uint32_t *ret_node,
	struct error *error);

/* Shapes of the outputs from those of the inputs. */
void executor_set_output_shapes(struct executor_node *node);

/* Enters the failure of an op that returned `status`, with the text in node->error, and clears that; returns 1 + its index. */
COLD uint32_t executor_fail(struct executor *executor, struct executor_node *node, int status, uint64_t execution);

/* Passes a gate of `node` (gate.h) with the tensors and the status that it has now. `start` and `op_ticks` as in struct gate_point; inputs that
 * failed have data NULL. */
COLD int executor_pass(struct executor *executor, struct executor_node *node, enum gate_place place, uint64_t execution, bool is_own_failure,
	uint64_t start, uint64_t op_ticks, uint64_t waited_ticks);

/* Records the last, unfinished wait: idle as far as nothing was in flight. */
void executor_record_end(struct executor *executor);

#endif
