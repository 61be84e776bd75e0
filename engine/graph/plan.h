/* SPDX-License-Identifier: Apache-2.0
 *
 * plan: what compilation makes of a resolved graph. For each worker an ordered list of steps that it repeats for every
 * execution, and the channels with their slots. Pure data, made before anything is started.
 *
 * Channels. There is one channel for each output that is read, written by its node and read by one or more nodes, and one
 * for each node with control edges to other workers (payload of 0 bytes). Message k of a channel lies in slot k mod depth.
 *
 * Storage. A channel's bytes lie in its own slots, unless its node forwards or overwrites its input (OP_FORWARD,
 * OP_INPLACE): then `storage` names the channel whose slots carry the bytes, both channels have the same depth, and its own
 * slots hold a header only. A storage and the channels that share it are one group: one transport, one depth. A storage's
 * slot is free again when every releasing worker has released it. A group that is written and read on one worker only (not
 * the driver) has transport LOCAL, depth 1 and needs neither READ nor RESERVE nor RELEASE: program order does it.
 *
 * Steps of one node, in this order: READ for each channel from another worker not yet read in this pass; RESERVE for its
 * output storages that are not local; COMPUTE; RELEASE for each storage that this worker releases and does not need any more
 * in this pass; WRITE for each of its channels, last, so that who sees an execution's results knows all its slots released.
 * An output that nobody reads has no channel: whoever runs the node gives it memory of its own.
 */
#ifndef TANDEM_ENGINE_GRAPH_PLAN_H
#define TANDEM_ENGINE_GRAPH_PLAN_H

#include "engine/graph/graph.h"

/* X(NAME, word), in the order in which the steps of a node stand. */
#define PLAN_STEP_MAP(X) X(READ, "read") X(RESERVE, "reserve") X(COMPUTE, "compute") X(RELEASE, "release") X(WRITE, "write")

enum plan_step_kind {
#define X(name, word) PLAN_STEP_##name,
	PLAN_STEP_MAP(X)
#undef X
	PLAN_STEP_COUNT
};
const char *plan_step_word(enum plan_step_kind kind);

struct plan_step {
	enum plan_step_kind kind;
	int node;    /* the node this step belongs to */
	int channel; /* READ, WRITE: the channel; RESERVE, RELEASE: the storage (a channel index); COMPUTE: -1 */
	int edge;    /* READ: the edge that makes this read necessary first; else -1 */
	int reader;  /* RELEASE: index into releasers of the storage; else -1 */
};

struct plan_worker {
	struct plan_step *steps; /* driver: the steps of `input` (RESERVE, WRITE), then of `output` (READ, RELEASE) */
	int n_steps;
	int *nodes;              /* program order */
	int n_nodes;
};

struct plan_channel {
	int node;                /* writer */
	int output;              /* output position; -1: control only */
	int storage;             /* channel whose slots hold the bytes: this one, or an earlier one */
	bool is_overwritten;     /* this channel's node overwrites its input (OP_INPLACE), rather than forwarding it */
	enum transport transport;/* LOCAL or SHM */
	int depth;               /* slots */
	bool depth_is_given;     /* by the graph, not picked */
	size_t payload_bytes;    /* of one slot at the bound; 0 for control */
	int n_readers;
	int *reader_edges;       /* [n_readers] every edge that reads this channel */
	int n_releasers;         /* storages only */
	int *releasers;          /* [n_releasers] worker indices, ascending; the driver (0) may be among them */
};

struct plan {
	const struct graph *graph;    /* not owned; must outlive the plan */
	int in_flight;                /* most executions between submit and release of the results: as many as asked for, or
	                                 fewer when the given depths cannot hold so many; a caller may submit so many before
	                                 it takes a result */
	int in_flight_asked;
	struct plan_worker *workers;  /* [graph->n_workers] */
	struct plan_channel *channels;
	int n_channels;
	int *edge_channels;           /* [graph->n_edges] channel of the edge; -1: order within one worker, nothing moves */
	int *positions;               /* [graph->n_nodes] place of the node in its worker's program order */
};

struct plan_options {
	int in_flight; /* 0: 2 × workers */
};

/* Compiles a resolved graph: program order for each worker (topological; `order` forces; collectives in one global order;
 * otherwise nodes that feed other workers first, then file order), channels, storages, steps, depths (given ones kept;
 * others the least that do not limit the executions in flight). Does not judge: plan_check does. Returns STATUS_OK with
 * *ret_plan owned by the caller; STATUS_GRAPH with a text when `order` contradicts the data flow on one worker, when
 * `transport=local` is asked for between two workers, or when the slots would be larger than an address space;
 * STATUS_NO_MEMORY. */
int plan_make(const struct graph *graph, const struct plan_options *options, struct error *error, struct plan **ret_plan);
void plan_destroy(struct plan *plan); /* accepts NULL */

/* Bytes of one slot including its header (see engine/graph/slot.h), of all slots of a channel, and of all channels of the
 * plan. */
size_t plan_slot_bytes(const struct plan_channel *channel);
size_t plan_channel_bytes(const struct plan *plan, int channel_idx);
size_t plan_total_bytes(const struct plan *plan);

#endif
