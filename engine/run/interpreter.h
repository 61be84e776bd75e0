/* SPDX-License-Identifier: Apache-2.0
 *
 * interpreter: a worker's side of the interpreted mode: takes tasks from its socket, one after the other, and answers each.
 *
 * Of a task: fetch (find the inputs in the object store) → allocate (the outputs there; an op that forwards, or may work in place and is its
 * input's last reader, needs none) → compute → seal the outputs, drop the inputs, answer. Answers are gathered while more tasks
 * are there to be carried out and the wait is short.
 */
#ifndef TANDEM_ENGINE_RUN_INTERPRETER_H
#define TANDEM_ENGINE_RUN_INTERPRETER_H

#include "engine/run/executor.h"
#include "engine/run/objects.h"
#include "engine/run/task.h"

struct interpreter_node;

struct interpreter {
	struct executor executor;         /* its nodes, waiter and recorder; it has no channels */
	struct interpreter_node *nodes;   /* [executor.n_nodes] */
	uint32_t *node_places;            /* [program n_nodes] of `nodes`; PROGRAM_NONE: another worker's */
	struct objects objects;
	struct task_bells *bells;
	int socket_fd;
	uint64_t n_packets;               /* received */
	bool has_begun;             /* a task was carried out */
	uint64_t last_execution;
	struct wait_times last_wait;      /* for a packet; was_named: no task was carried out since */
	uint64_t answer_since;            /* ticks: when the oldest answer in the outbox was ready */
	uint64_t answer_ticks;            /* what an answer may wait for others */
	struct task_outbox outbox;
	struct task_inbox inbox;
};

/* What belongs to the process: a mapping of bells and store (driver_interpreted.c lays it out), and the worker's end of its socket. */
struct interpreter_peer {
	void *memory;
	size_t bytes;
	int socket_fd;
};

/* Sets every op of `worker_idx` up. `program`, `control`, `ring` (NULL: not recorded) and what `peer` names must outlive the interpreter. On
 * failure nothing is kept; *ret_node is the node at fault, or PROGRAM_NONE. */
int interpreter_init(struct interpreter *interpreter, const struct program *program, struct control *control, uint32_t worker_idx,
	const struct interpreter_peer *peer, struct ring_header *ring, const struct recorder_policy *policy,
	const struct op_registry *registry, uint32_t *ret_node, struct error *error);

/* Carries tasks out until the run is stopping. Returns STATUS_STOPPED, or STATUS_PROTOCOL when a task made no sense. */
int interpreter_run(struct interpreter *interpreter, struct error *error);

/* Tears the ops down and releases everything. */
void interpreter_finish(struct interpreter *interpreter);

#endif
