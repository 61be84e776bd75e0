/* SPDX-License-Identifier: Apache-2.0
 *
 * op: the interface between the engine and the operations that nodes perform. An op is a `const struct op`; the built-in ones
 * stand in engine/ops/, one table entry each. The registry is an array of such arrays, handed around explicitly.
 *
 * Life of an op at one node:  infer (in the process that checks the graph; no side effects but reading headers of weight files)
 *   → setup (in the worker, once) → run (once an execution, in submit order) … → teardown (in the worker, at an orderly end).
 * All calls of one node come from one thread.
 */
#ifndef TANDEM_ENGINE_GRAPH_OP_H
#define TANDEM_ENGINE_GRAPH_OP_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/base/tensor.h"
#include "engine/graph/type.h"

#define OP_INPUTS_MAX 64
#define OP_OUTPUTS_MAX 32

enum op_param_type {
	OP_PARAM_INT,    /* decimal, fits int64_t */
	OP_PARAM_FLOAT,  /* decimal or e-notation, finite */
	OP_PARAM_BOOL,   /* true, false */
	OP_PARAM_TEXT,
	OP_PARAM_INTS,   /* "2,3,-1": up to OP_PARAM_INTS_MAX integers */
};
#define OP_PARAM_INTS_MAX 16

/* One parameter that a node's attribute may set. The array ends with name NULL. */
struct op_param_spec {
	const char *name;
	enum op_param_type type;
	const char *fallback; /* text of the default; NULL: the attribute is required */
	const char *help;     /* one phrase for `tandem check --ops` and doc/ */
};

/* A parameter as it stands in the graph. Both strings belong to the graph or the program. */
struct op_param {
	const char *name, *value;
};

/* Parameters of one node, checked against op->params beforehand: the getters never fail for a declared name and type, and
 * return the default where the node sets nothing. Asking for an undeclared name is our mistake (assert). */
struct op_params {
	const struct op *op;
	const struct op_param *items;
	int n_items;
};
int64_t op_params_int(const struct op_params *params, const char *name);
double op_params_float(const struct op_params *params, const char *name);
bool op_params_bool(const struct op_params *params, const char *name);
const char *op_params_text(const struct op_params *params, const char *name);
int op_params_ints(const struct op_params *params, const char *name, int64_t values[OP_PARAM_INTS_MAX]); /* returns how many */

/* Checks one attribute value against its spec; STATUS_GRAPH with a text that says what would be right. */
int op_param_check(const struct op_param_spec *spec, const char *value, struct error *error);

struct op_infer {
	struct op_params params;
	const struct symbols *symbols;
	int n_inputs;
	const struct tensor_type *inputs; /* [n_inputs] */
	int n_outputs;                    /* set by infer, 1 beforehand */
	struct tensor_type *outputs;      /* [OP_OUTPUTS_MAX], filled by infer; every symbol in it must occur in an input */
};

struct op_setup {
	struct op_params params;
	const char *node;          /* the node's name, for messages */
	const char *worker;        /* the worker's name */
	uint64_t seed;             /* of the run (`--seed`), the same for every node */
	int n_threads;             /* threads an op may use for one call, ≥ 1 */
	int rank;                  /* collective: this node's place among the n_inputs ranks, from 0; otherwise 0 */
	int n_inputs, n_outputs;
	const struct tensor *inputs, *outputs; /* at the bound, data NULL */
};

struct op_run {
	void *state;                   /* what setup returned */
	uint64_t execution;            /* counted from 0 */
	int n_inputs, n_outputs;
	const struct tensor *inputs;   /* the data must not be written, except inputs[0] of an `inplace` op whose output 0
	                                  has the same data pointer */
	struct tensor *outputs;        /* shape set, data of at least that size; run fills the data */
	struct error *error;           /* filled when run returns something other than STATUS_OK */
};

enum op_caps {
	OP_INPLACE = 1 << 0,    /* output 0 may share its data with input 0 when this node is its only reader; run must then
	                           give the same bits as with separate data */
	OP_FORWARD = 1 << 1,    /* output 0 is input 0 bit for bit (its shape may differ); the engine passes the slot on and
	                           run is called only when the data differ (outputs[0].data != inputs[0].data) */
	OP_COLLECTIVE = 1 << 2, /* needs the `collective` attribute; inputs arrive one a rank, in rank order */
};

struct op {
	const char *name;
	const char *summary;             /* one phrase */
	int n_inputs_min, n_inputs_max;  /* data edges; control edges are not counted */
	const char *const *input_names;  /* NULL-ended names for `arg`; may be NULL (then positions only) */
	const char *const *output_names; /* NULL-ended names for `from`; may be NULL (then positions only) */
	const struct op_param_spec *params; /* ends with name NULL; may be NULL */
	unsigned caps;                   /* enum op_caps */

	/* Types of the outputs from types of the inputs. Returns STATUS_OK, or STATUS_GRAPH/STATUS_INPUT with a text that says what
	 * is wrong and what would be right; the caller puts file, line and node in front, and after STATUS_GRAPH what the op got.
	 * Never NULL. */
	int (*infer)(struct op_infer *infer, struct error *error);
	/* Makes the node's state (*ret_state is NULL beforehand). On failure nothing is kept. May be NULL. */
	int (*setup)(const struct op_setup *setup, void **ret_state, struct error *error);
	/* Back to the state after setup, before another series of executions. May be NULL: the op keeps nothing over executions. */
	void (*reset)(void *state);
	/* One execution. Never NULL. */
	int (*run)(struct op_run *run);
	/* Releases what setup made. May be NULL. */
	void (*teardown)(void *state);
};

/* The known ops: an array of `n` pointers. Later entries with a name seen before are ignored. */
struct op_registry {
	const struct op *const *items;
	int n_items;
};

const struct op *op_registry_find(const struct op_registry *registry, const char *name);

#endif
