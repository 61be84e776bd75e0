/* SPDX-License-Identifier: Apache-2.0
 *
 * random_graph: graphs of built-in ops with every collective, fan-out, several outputs, ops with state, control edges, `order` and
 * depths, as DOT text; and what they compute, worked out node by node without the engine. Each graph is made along one sequence
 * of its nodes, the ranks of a collective together, so none can deadlock.
 *
 * Two input tensors "x" and "y" of one dtype (f32 or i32) and shape [N, 12], N <= RANDOM_GRAPH_N_MAX.
 */
#ifndef TANDEM_TESTS_SUPPORT_RANDOM_GRAPH_H
#define TANDEM_TESTS_SUPPORT_RANDOM_GRAPH_H

#include <stdint.h>

#include "engine/base/tensor.h"

#define RANDOM_GRAPH_N_MAX 3
#define RANDOM_GRAPH_COLUMNS 12

struct random_graph;

/* The same graph for the same seed. */
struct random_graph *random_graph_create(unsigned seed);
void random_graph_destroy(struct random_graph *graph);

const char *random_graph_text(const struct random_graph *graph);
enum dtype random_graph_dtype(const struct random_graph *graph);
int random_graph_n_collectives(const struct random_graph *graph);

/* Fills the inputs of `execution`, n rows each, into x and y [RANDOM_GRAPH_N_MAX * RANDOM_GRAPH_COLUMNS]. */
void random_graph_input(const struct random_graph *graph, uint64_t execution, int n, uint32_t *x, uint32_t *y);

/* Computes an execution. */
void random_graph_evaluate(struct random_graph *graph, uint64_t execution, int n);

/* Result `idx` of the last evaluation, [*ret_factor * n, *ret_columns]: its elements' bits; the node's name for messages. */
int random_graph_n_results(const struct random_graph *graph);
const uint32_t *random_graph_result(const struct random_graph *graph, int idx, int *ret_factor, int *ret_columns,
	const char **ret_node);

#endif
