/* SPDX-License-Identifier: Apache-2.0
 *
 * export_model: what a run consists of, in memory: lanes, nodes, edges, channels and their names. Its size depends on the graph only.
 */
#ifndef TANDEM_TRACES_EXPORT_MODEL_H
#define TANDEM_TRACES_EXPORT_MODEL_H

#include "traces/export_private.h"

#define EXPORT_NO_WORKER (-1) /* a lane of an imported run */

struct export_lane {
	int64_t id, worker; /* ids in the file */
	char *label;        /* "w0 (cpu:0)" */
	int64_t n_lost;
};

struct export_node {
	int64_t id, worker, bytes; /* bytes: of its outputs at the bound; a channel more than once only if it moves more than once */
	char *name, *op;           /* op of `input` and `output`: "caller" */
	bool is_input, is_output;
	int *out, *in;             /* indices of edges that carry an order or data, peers of a collective left out */
	int n_out, n_in;
	int *written, *read;       /* indices of channels that it writes or reads, each once */
	int n_written, n_read;
};

struct export_edge {
	int64_t id, bytes;
	char *name;
	int src, dst, channel; /* indices; channel -1: none */
	bool is_peer;
};

struct export_channel {
	int64_t id, depth, bytes;
	char *name;
	int writer; /* index of a node */
	int *readers, n_readers;
};

struct export_model {
	const struct trace_run *run;
	struct export_lane *lanes; /* of hosts */
	struct export_node *nodes;
	struct export_edge *edges;
	struct export_channel *channels;
	int n_lanes, n_nodes, n_edges, n_channels;
};

/* On success, and after a failure too, the model must be finished. */
int export_model_load(struct export *export, const struct trace_run *run, struct export_model *ret_model);
void export_model_finish(struct export_model *model);

/* Indices, -1 when there is none. */
int export_model_node(const struct export_model *model, int64_t id);
int export_model_edge(const struct export_model *model, int64_t id);
int export_model_channel(const struct export_model *model, int64_t id);
int export_model_lane(const struct export_model *model, int64_t id);
int export_model_lane_of_worker(const struct export_model *model, int64_t worker);

#endif
