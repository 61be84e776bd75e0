/* SPDX-License-Identifier: Apache-2.0
 *
 * graph: nodes, edges, workers, as written by a person (a DOT file, graph_dot.h) or built in code, and what resolving adds:
 * ops, argument positions, types, collectives. Pure data: nothing here starts anything.
 *
 * Indices are stable. Worker 0 is the driver; node 0 is `input` and node 1 is `output`, both on the driver. All strings and arrays
 * belong to the graph. Line 0 means "not from a file".
 */
#ifndef TANDEM_ENGINE_GRAPH_GRAPH_H
#define TANDEM_ENGINE_GRAPH_GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/graph/mistakes.h"
#include "engine/graph/op.h"
#include "engine/graph/type.h"

#define GRAPH_DRIVER 0 /* worker index */
#define GRAPH_INPUT 0  /* node index */
#define GRAPH_OUTPUT 1 /* node index */
#define GRAPH_NAME_BYTES_MAX 200
#define GRAPH_DEVICE_DEFAULT "cpu:0"
#define GRAPH_DEPTH_MAX 65536
#define GRAPH_SIZE_MAX INT64_C(4294967295) /* of one dimension: a slot's header holds 32 bits */
#define GRAPH_BYTES_MAX (UINT64_C(1) << 40) /* of one tensor at the bound, and of all outputs of a graph */

/* X(NAME, word): how a channel moves bytes. `auto` is a wish, the plan turns it into one of the others. */
#define TRANSPORT_MAP(X) X(AUTO, "auto") X(LOCAL, "local") X(SHM, "shm")

enum transport {
#define X(name, word) TRANSPORT_##name,
	TRANSPORT_MAP(X)
#undef X
	TRANSPORT_COUNT
};
const char *transport_word(enum transport transport);

struct graph_worker {
	char *name;   /* "driver" for worker 0 */
	char *device; /* "cpu:0"; "host" for worker 0 */
	int line;
	int device_line; /* where the device stands; 0 when it was left out */
};

/* Beside each parameter of a node. */
struct graph_param_info {
	int line;
	bool is_inherited; /* from a default (`node [key=value]`): counts only where the op has such a parameter */
	char *problem;     /* what is wrong with the value as such (a $NAME that is not set); NULL when nothing is. Reported only
	                      where the op has such a parameter */
};

struct graph_node {
	char *name;
	char *op_name;          /* NULL for input and output */
	int worker_idx;         /* -1 until placed */
	bool has_order;
	int64_t order;          /* forced order among the ordered nodes of one worker */
	char *collective;       /* NULL when none */
	int depth;              /* of the output's channels; 0: the plan picks */
	struct op_param *params;
	struct graph_param_info *param_infos;
	int n_params;
	int line;
	int op_line;
	bool has_mistake;       /* one was reported here: what may follow from it is not reported any more */

	/* filled by graph_resolve */
	const struct op *op;    /* NULL for input and output */
	int collective_idx;     /* -1 when none */
	int n_inputs;           /* data inputs; of `output`: number of results */
	int *input_edges;       /* [n_inputs] edge index by argument position */
	int n_outputs;          /* of `input`: number of declared tensors */
	struct tensor_type *outputs; /* [n_outputs] */
	char **output_names;    /* [n_outputs]; names of the op's outputs, of the input's tensors; may hold "0", "1", … */
};

struct graph_edge {
	int src, dst;           /* nodes */
	char *from;             /* as written; NULL when left out */
	char *arg;              /* as written; NULL when left out */
	bool is_control;        /* order without data */
	enum transport transport;
	int line;
	bool has_mistake;       /* as in struct graph_node; the edge is left out of later checks */

	/* filled by graph_resolve */
	bool is_peer;           /* added for a collective: dst reads another rank's input */
	int src_output;         /* output position; -1 for a control edge */
	int dst_input;          /* argument position (rank for a collective); -1 for a control edge */
	char *name;             /* "src.out->dst.arg" with names where there are names */
	char *result;           /* edges to `output`: name of the result; NULL otherwise */
};

/* Members of a collective in rank order (= order of their workers). */
struct graph_collective {
	char *name;
	int n_ranks;
	int *nodes; /* [n_ranks] */
};

struct graph {
	char *name;             /* of the digraph; "graph" when anonymous */
	char *file;             /* as given, for messages; NULL when built in code */
	char *text;             /* the file's text as read; for a graph built in code the DOT that graph_to_dot made; may be NULL */
	int line;               /* of the word `digraph` */
	struct symbols symbols;
	struct graph_worker *workers;
	int n_workers;          /* driver included */
	struct graph_node *nodes;
	int n_nodes;
	struct graph_edge *edges;
	int n_edges;
	struct graph_collective *collectives;
	int n_collectives;
	bool is_resolved;
};

/* A new graph with the driver, `input` and `output`; NULL when memory is out. */
struct graph *graph_create(const char *name);
/* Accepts NULL. */
void graph_destroy(struct graph *graph);

/* Builders. Each returns the new index, or -1 when memory is out. They copy their strings and check nothing; graph_resolve
 * reports. graph_add_worker returns the existing index when the name is known and the device is equal or NULL. */
int graph_add_worker(struct graph *graph, const char *name, const char *device, int line);
int graph_add_node(struct graph *graph, const char *name, const char *op_name, int worker_idx, int line);
int graph_node_set(struct graph *graph, int node_idx, const char *key, const char *value, int line); /* an op's parameter */
int graph_add_edge(struct graph *graph, int src, int dst, const char *from, const char *arg, bool is_control, int line);

/* Declares the input tensors: "ids:i32[B<=64,L<=512] mask:f32[B<=64,L<=512]". Mistakes go to `mistakes`. */
void graph_set_input(struct graph *graph, const char *tensors, int line, struct mistakes *mistakes);

/* Node or worker index by name, -1 when there is none. */
int graph_find_node(const struct graph *graph, const char *name);
int graph_find_worker(const struct graph *graph, const char *name);

/* Checks the whole graph and fills everything marked "filled by graph_resolve": ops and their parameters, workers, argument
 * positions, cycles among data and control edges, nodes that reach no output, collectives, types. Every mistake that does not
 * follow from another is added to `mistakes`. Returns STATUS_OK and sets is_resolved only when the graph is right; STATUS_GRAPH
 * or STATUS_NO_MEMORY otherwise. May be called once. */
int graph_resolve(struct graph *graph, const struct op_registry *registry, struct mistakes *mistakes);

#endif
