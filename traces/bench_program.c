/* SPDX-License-Identifier: Apache-2.0
 *
 * bench_program: a chain built in code, with an op that does nothing.
 */
#include "traces/bench_program.h"

#include <stdio.h>

#include "engine/base/attributes.h"
#include "engine/graph/graph.h"
#include "engine/graph/plan.h"

static int infer_same(struct op_infer *infer, struct error *error)
{
	infer->outputs[0] = infer->inputs[0];
	return STATUS_OK;
}

static int run_nothing(struct op_run *run)
{
	return STATUS_OK;
}

static const struct op op_stage = { .name = "stage", .summary = "a stage of the bench", .n_inputs_min = 1, .n_inputs_max = 1,
	.infer = infer_same, .run = run_nothing };
static const struct op *const ops[] = { &op_stage };
static const struct op_registry registry = { ops, ARRAY_LEN(ops) };

static int build_graph(struct graph *graph, int n_workers, int n_nodes, struct mistakes *mistakes)
{
	int previous = GRAPH_INPUT;
	graph_set_input(graph, "x:f32[64]", 0, mistakes);
	for (int i = 0; i < n_nodes; i++) {
		char name[24], worker[16], device[16];
		int idx = i * n_workers / n_nodes;
		snprintf(worker, sizeof(worker), "w%d", idx);
		snprintf(device, sizeof(device), "cpu:%d", idx);
		snprintf(name, sizeof(name), "layer%d", i);
		int node = graph_add_node(graph, name, "stage", graph_add_worker(graph, worker, device, 0), 0);
		graph_add_edge(graph, previous, node, NULL, NULL, false, 0);
		previous = node;
	}
	graph_add_edge(graph, previous, GRAPH_OUTPUT, NULL, NULL, false, 0);
	return graph_resolve(graph, &registry, mistakes);
}

int bench_program_make(int n_workers, int n_nodes, struct error *error, int *ret_fd, struct program *ret_program)
{
	struct mistakes mistakes = MISTAKES_INIT;
	struct program_options options = { .mode = RUN_MODE_COMPILED, .n_threads = 1 };
	struct graph *graph = graph_create("bench");
	struct plan *plan = NULL;
	int status = graph ? build_graph(graph, n_workers, n_nodes, &mistakes) : STATUS_NO_MEMORY;
	if (status != STATUS_OK)
		error_set(error, status, "the bench's graph cannot be made");
	else
		status = plan_make(graph, &(struct plan_options){ 0 }, error, &plan);
	if (status == STATUS_OK)
		status = program_build(plan, &options, error, ret_fd);
	if (status == STATUS_OK)
		status = program_open(*ret_fd, ret_program, error);
	plan_destroy(plan);
	graph_destroy(graph);
	mistakes_finish(&mistakes);
	return status;
}
