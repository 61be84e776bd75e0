/* SPDX-License-Identifier: Apache-2.0
 *
 * twin: two configurations of one graph side by side (two modes, two weight files, two devices), compared node by node and execution by execution.
 *
 *   lockstep  both stand after compute at each node; outputs are compared within a tolerance; stopped at the first node that differs, with both
 *             runs still there to be looked at
 *   digests   both run freely and only keep digests (gate.h); the first difference in the graph's order is found; exact
 *
 * Nodes are the same when they have the same name and their outputs the same types; results (`output`) when they have the same name. While the
 * twin goes on, the stops of both debuggers are passed over: it works the gates itself.
 */
#ifndef TANDEM_ENGINE_DEBUG_TWIN_H
#define TANDEM_ENGINE_DEBUG_TWIN_H

#include "engine/debug/debugger.h"

struct debug_twin_options {
	double absolute, relative;       /* tolerance; both 0: bit for bit */
	bool by_digests;                 /* the tolerance must be 0 */
	uint64_t n_executions;           /* compare so many; 0: to the end */
	bool goes_on;                    /* do not stop at a divergence: fill the table */
	char *const *skipped;            /* names of nodes not compared, NULL-ended; may be NULL. Read by debug_twin_create only */
};

/* One node's balance over the executions compared so far. */
struct debug_twin_row {
	uint32_t node, other;            /* in a's and in b's program; PROGRAM_NONE: not there */
	uint64_t n_compared, n_different;
	uint64_t n_failed;               /* of the compared: failed on both sides, which counts as equal */
	double max_absolute, max_relative; /* lockstep */
	uint64_t first_different;        /* execution; UINT64_MAX: none */
	bool is_missing;                 /* only one side has it, or types differ */
	bool is_skipped;                 /* asked for */
};

/* How two values agree. */
enum debug_agreement {
	DEBUG_AGREEMENT_UNKNOWN,         /* not compared: only one side has it */
	DEBUG_AGREEMENT_EQUAL,           /* bit for bit */
	DEBUG_AGREEMENT_CLOSE,           /* within the tolerance */
	DEBUG_AGREEMENT_DIFFERENT,
};

/* The first divergence in the graph's order of the lowest execution. */
struct debug_divergence {
	uint32_t node, other, output;    /* a's and b's; of the node `output`: position among a's results */
	uint64_t execution;
	struct debug_difference difference; /* digests, failures: only that they differ */
	struct tensor type_a, type_b;    /* lockstep: their types; data NULL */
	char failure_a[CONTROL_FAILURE_TEXT_BYTES], failure_b[CONTROL_FAILURE_TEXT_BYTES]; /* "" where it did not fail */
	uint32_t n_inputs, n_inputs_equal;
	enum debug_agreement inputs[OP_INPUTS_MAX];
};

struct debug_twin {
	struct debugger *a, *b;          /* a is the first debugger; b belongs to the twin */
	struct debug_twin_options options;
	struct debug_twin_row *rows;     /* [n_rows] in the graph's order; what only b has comes last */
	uint32_t n_rows;
	bool has_diverged;
	struct debug_divergence divergence;
	uint64_t n_executions;           /* compared whole */
	uint64_t n_nodes;                /* (node, execution) pairs compared */
	uint64_t n_lost;                 /* digests that were overwritten before they were read: nothing can be said of them */
	uint64_t n_unseen;               /* values that lie where they cannot be looked at */
	struct twin_work *work;          /* twin_private.h */
};

/* A second debugger for the same graph with other arguments; neither is started. STATUS_INPUT when the graphs' nodes have nothing in common
 * (names decide); what is only on one side is in the rows. STATUS_USAGE for options that do not go together. `a` must outlive the twin. */
int debug_twin_create(struct debugger *a, const struct debugger_options *b_options, const struct debug_twin_options *options,
	struct error *error, struct debug_twin **ret_twin);
void debug_twin_destroy(struct debug_twin *twin); /* b's run is ended; accepts NULL */

/* Starts both where they have not been started and goes on until the first divergence, the end of both, or an interrupt of `a`. Then both are halted
 * (lockstep: at the node) or ended. STATUS_OK in each of these cases; `has_diverged` says which. An end of one run before the other is a
 * divergence of its own and an error here. A run of `a` that is under way is compared from its next execution on; called again after a
 * divergence, it goes on to the next. */
int debug_twin_run(struct debug_twin *twin, struct error *error);

/* What was found, for people: the node, the execution, where in the tensor and by how much, which inputs agreed; or that all agreed. */
void debug_twin_describe(const struct debug_twin *twin, struct strbuf *out);
/* The table of all nodes' errors, as text or as JSON rows. */
void debug_twin_table(const struct debug_twin *twin, bool is_json, struct strbuf *out);

#endif
