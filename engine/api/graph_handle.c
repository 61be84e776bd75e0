/* SPDX-License-Identifier: Apache-2.0
 *
 * graph_handle: making and releasing it, and its texts.
 */
#include "engine/api/graph_handle.h"

#include <stdlib.h>
#include <string.h>

#include "engine/graph/graph_dot.h"

static bool copy_ops(struct tandem_graph *graph, const struct registry *registry)
{
	const struct op **items = calloc((size_t)registry->n_items, sizeof *items);
	if (!items)
		return false;
	memcpy(items, registry->items, (size_t)registry->n_items * sizeof *items);
	graph->ops = (struct op_registry){ .items = items, .n_items = registry->n_items };
	graph->n_modules = registry->n_modules;
	return true;
}

struct tandem_graph *graph_handle_create(struct tandem *tandem, const char *source)
{
	struct tandem_graph *graph = calloc(1, sizeof *graph);
	if (graph)
		graph->source = strdup(source);
	if (!graph || !graph->source || !copy_ops(graph, &tandem->registry)) {
		free(graph ? graph->source : NULL);
		free(graph);
		return NULL;
	}
	graph->tandem = tandem;
	atomic_store(&graph->n_references, 1);
	context_hold(tandem);
	handle_init(&graph->handle, HANDLE_GRAPH, tandem->home, &tandem->shelf);
	return graph;
}

void graph_handle_hold(struct tandem_graph *graph)
{
	atomic_fetch_add_explicit(&graph->n_references, 1, memory_order_relaxed);
}

void graph_handle_drop(struct tandem_graph *graph)
{
	struct tandem *tandem = graph->tandem;
	if (atomic_fetch_sub_explicit(&graph->n_references, 1, memory_order_acq_rel) != 1)
		return;
	plan_destroy(graph->plan);
	graph_destroy(graph->graph);
	mistakes_finish(&graph->mistakes);
	strbuf_finish(&graph->mistakes_text);
	strbuf_finish(&graph->plan_text);
	strbuf_finish(&graph->dot_text);
	free((void *)(uintptr_t)graph->ops.items);
	free(graph->source);
	handle_put(&graph->handle);
	context_drop(tandem);
}

void tandem_graph_destroy(struct tandem_graph *graph)
{
	if (!graph || graph_check(graph, NULL))
		return;
	handle_end(&graph->handle);
	graph_handle_drop(graph);
}

const char *tandem_graph_mistakes(const struct tandem_graph *graph)
{
	return graph_check(graph, NULL) ? "" : strbuf_text(&graph->mistakes_text);
}

/* What `tandem check` prints of a plan. */
static void print_plan(struct tandem_graph *graph)
{
	struct plan_verdict verdict;
	if (plan_check(graph->plan, &verdict))
		return;
	plan_print(graph->plan, &graph->plan_text);
	strbuf_add(&graph->plan_text, "\n");
	plan_verdict_print(graph->plan, &verdict, &graph->plan_text);
	plan_verdict_finish(&verdict);
}

const char *tandem_graph_plan(struct tandem_graph *graph)
{
	if (graph_check(graph, NULL) || graph->state != GRAPH_STATE_COMPILED)
		return "";
	if (!graph->plan_text.length)
		print_plan(graph);
	return strbuf_text(&graph->plan_text);
}

const char *tandem_graph_dot(struct tandem_graph *graph)
{
	if (graph_check(graph, NULL) || !graph->graph)
		return "";
	strbuf_clear(&graph->dot_text);
	graph_to_dot(graph->graph, &graph->dot_text);
	return strbuf_text(&graph->dot_text);
}

int tandem_graph_n_results(const struct tandem_graph *graph)
{
	if (graph_check(graph, NULL) || graph->state != GRAPH_STATE_COMPILED)
		return 0;
	return graph->graph->nodes[GRAPH_OUTPUT].n_inputs;
}

const char *tandem_graph_result_name(const struct tandem_graph *graph, int result)
{
	if (result < 0 || result >= tandem_graph_n_results(graph))
		return NULL;
	return graph->graph->edges[graph->graph->nodes[GRAPH_OUTPUT].input_edges[result]].result;
}

int tandem_graph_n_inputs(const struct tandem_graph *graph)
{
	if (graph_check(graph, NULL) || graph->state != GRAPH_STATE_COMPILED)
		return 0;
	return graph->graph->nodes[GRAPH_INPUT].n_outputs;
}

const char *tandem_graph_input_name(const struct tandem_graph *graph, int input)
{
	if (input < 0 || input >= tandem_graph_n_inputs(graph))
		return NULL;
	return graph->graph->nodes[GRAPH_INPUT].output_names[input];
}
