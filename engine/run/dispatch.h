/* SPDX-License-Identifier: Apache-2.0
 *
 * dispatch: the scheduler of the interpreted mode. For every execution in flight it knows what each node still waits for; a node whose inputs
 * exist becomes a task in its worker's outbox. Knows nothing of processes and sockets: the driver moves the messages.
 *
 * A unit is what is dispatched at once: a node, or all ranks of a collective, so that collectives come in the same order to every worker.
 * State of a unit in an execution:
 *
 *     WAITING ──last input came, and the unit's previous execution was dispatched──► READY ──► DISPATCHED ──results──► DONE
 *
 * Besides its edges a unit waits for the dispatch of units that must come before it on one of its workers: the one before it in `order`, and
 * the collective before it in the plan. Workers carry tasks out in the order in which they are sent.
 *
 * A ready unit is held back while one of its workers has more than a little work before it, and of those held the oldest execution goes
 * first. Work is measured: what a node took last time. So short tasks go out at once, many to a worker, and long ones one by one, which
 * brings an execution to its end before the next is begun.
 *
 * A node one of whose inputs failed, or whose execution was cancelled, is not sent: it is done at once, with that failure, and hands it on.
 */
#ifndef TANDEM_ENGINE_RUN_DISPATCH_H
#define TANDEM_ENGINE_RUN_DISPATCH_H

#include "engine/graph/plan_links.h"
#include "engine/run/control.h"
#include "engine/run/objects.h"
#include "engine/run/task.h"

enum dispatch_state {
	DISPATCH_WAITING,
	DISPATCH_SENT,
	DISPATCH_DONE,
};

/* A node in an execution. */
struct dispatch_task {
	uint64_t ready, own_ready; /* ticks: when its last input existed so far; without the other ranks' of a collective */
	uint32_t last_edge;        /* that input's; PROGRAM_NONE before the first */
	uint32_t failure;          /* 0, or 1 + index: why its outputs do not exist; set when DONE */
	uint64_t expected;         /* ticks, while SENT */
	enum dispatch_state state;
};

struct dispatch_unit {
	uint32_t first_member, n_members; /* of `members` */
	uint32_t n_needed;                /* edges into it and units before it */
	uint32_t first_later, n_later;    /* of `later`: units that wait for its dispatch */
	uint64_t next;                    /* executions below were dispatched */
};

struct dispatch_ready {
	uint64_t execution;
	uint32_t unit;
};

/* What a worker has before it. */
struct dispatch_load {
	uint32_t n_out;       /* tasks in its outbox or sent, not yet answered */
	uint64_t ticks;       /* what they are expected to take */
	uint64_t last_answer; /* ticks: when the last one was done */
};

struct dispatch {
	const struct plan *plan;
	struct control *control;
	struct objects *objects;
	struct task_outbox *outboxes; /* [n_workers], the caller's */
	uint32_t n_nodes, n_units, n_values, in_flight;
	uint64_t n_begun;             /* executions */
	struct dispatch_load *loads;  /* [n_workers] */
	uint64_t *node_ticks;         /* [n_nodes] what a task of the node took last; hold_ticks before the first */
	uint64_t hold_ticks;          /* work from which on a worker is left alone */
	struct plan_links out, in;
	struct dispatch_unit *units;
	uint32_t *unit_of;            /* [n_nodes] */
	uint32_t *members, *later;
	uint32_t *first_value;        /* [n_nodes + 1] of a slot's values */
	uint32_t *readers;            /* [n_values] data edges that read the output */
	struct dispatch_task *tasks;  /* [in_flight][n_nodes] */
	struct task_value *values;    /* [in_flight][n_values] */
	uint32_t *missing;            /* [in_flight][n_units] */
	struct dispatch_ready *ready; /* ring of in_flight × n_units */
	uint64_t ready_head, ready_tail;
	struct dispatch_ready *held;  /* sorted by execution, then unit; as many as fit into `ready` */
	uint64_t n_held;
};

/* `plan` (which was found live), `control`, `objects` and `outboxes` must outlive it. On failure nothing is kept. */
int dispatch_init(struct dispatch *dispatch, const struct plan *plan, struct control *control, struct objects *objects,
	struct task_outbox *outboxes, struct error *error);
void dispatch_finish(struct dispatch *dispatch);

/* The next execution; fewer than the plan's in_flight may be begun and not ended. Its input tensors go into dispatch_values(GRAPH_INPUT),
 * sealed for dispatch_readers() readers, then dispatch_complete(GRAPH_INPUT) hands them on. */
void dispatch_begin(struct dispatch *dispatch, uint64_t execution);

/* The outputs of a node, by position. */
struct task_value *dispatch_values(struct dispatch *dispatch, uint64_t execution, uint32_t node);
uint32_t dispatch_readers(const struct dispatch *dispatch, uint32_t node, uint32_t output);

/* A node's outputs exist since `time` (ticks), or failed. */
void dispatch_complete(struct dispatch *dispatch, uint64_t execution, uint32_t node, uint32_t failure, uint64_t time);

/* The same from a worker's message, checked (STATUS_PROTOCOL). */
int dispatch_take_result(struct dispatch *dispatch, uint32_t worker, const struct task_message *message, struct error *error);

/* Whether dispatch_run may have something to do. */
static inline bool dispatch_has_ready(const struct dispatch *dispatch)
{
	return dispatch->ready_head != dispatch->ready_tail || dispatch->n_held;
}

/* Puts a task for everything that is ready and not held back into the outboxes. STATUS_NO_MEMORY. */
int dispatch_run(struct dispatch *dispatch, struct error *error);

/* Whether every result of the execution is there; then, the first failure among them, in argument order. */
bool dispatch_is_complete(const struct dispatch *dispatch, uint64_t execution);
uint32_t dispatch_failure(struct dispatch *dispatch, uint64_t execution);

/* Whether one result (its position among the results) is there, or failed (*ret_failure, else 0). */
bool dispatch_has_result(const struct dispatch *dispatch, uint64_t execution, uint32_t idx, uint32_t *ret_failure);

/* Drops the references of a complete execution's results. */
void dispatch_end(struct dispatch *dispatch, uint64_t execution);

/* What holds an incomplete execution up: a node that was sent and not yet answered, its worker, and an edge from it that is waited for
 * (PROGRAM_NONE when the wait is for its turn only); all PROGRAM_NONE when there is none. */
struct dispatch_obstacle {
	uint32_t node, edge, worker;
};
struct dispatch_obstacle dispatch_find_obstacle(const struct dispatch *dispatch, uint64_t execution);

#endif
