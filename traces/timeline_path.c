/* SPDX-License-Identifier: Apache-2.0
 *
 * timeline_path: a run in memory (critical_run) made of a window's rows.
 */
#include "traces/timeline_path.h"

#include <stdlib.h>

#include "engine/base/attributes.h"
#include "traces/timeline_private.h"

struct window {
	struct timeline *timeline;
	struct critical_run run;
	int lane;
	int64_t end_ns;
	int64_t n_max;
	bool is_failed, is_cut;
};

static int out_of_memory(struct error *error)
{
	return error_set(error, STATUS_NO_MEMORY, "no memory for a critical path");
}

/* Rows that touch the window, and one behind it: it says when the lane was ready for something else. */
static bool take_row(void *user, const struct timeline_row *row, const struct timeline_piece *pieces)
{
	struct window *window = user;
	struct timeline_span span = timeline_span_of(row, pieces);
	struct critical_op op = { .start_ns = row->start_ns, .execution = span.is_op ? row->execution : CRITICAL_NONE,
		.node = span.is_op ? row->node : CRITICAL_NONE, .lane = window->lane };
	if (window->run.n_ops == window->n_max) {
		window->is_cut = true;
		return false;
	}
	if (!critical_run_add(&window->run, op, span.phase_ns)) {
		window->is_failed = true;
		return false;
	}
	return row->start_ns <= window->end_ns;
}

static int read_window(struct window *window, int64_t from_ns, struct error *error)
{
	int status = STATUS_OK;
	for (int lane = 0; lane < window->timeline->store->n_workers && status == STATUS_OK; lane++) {
		window->lane = lane;
		for (int source = LOD_OPS; source <= LOD_SPANS && status == STATUS_OK; source++)
			status = timeline_rows_visit(window->timeline, lane, (enum lod_source)source, from_ns, INT64_MAX, 1, take_row, window,
				error);
	}
	if (status == STATUS_OK && (window->is_failed || !critical_run_index(&window->run)))
		status = out_of_memory(error);
	return status;
}

/* Slots were held by executions up to the largest depth before. */
static int find_start(struct window *window, const struct timeline_execution *execution, int64_t *ret_from_ns, struct error *error)
{
	int64_t depth = 0;
	struct timeline_execution before;
	bool has_found = false;
	for (int i = 0; i < window->run.n_stores; i++)
		depth = window->run.stores[i].depth > depth ? window->run.stores[i].depth : depth;
	*ret_from_ns = execution->start_ns;
	int status = timeline_execution(window->timeline, execution->execution > depth ? execution->execution - depth : 0, &before, &has_found,
		error);
	if (status == STATUS_OK && has_found && before.start_ns != INT64_MIN && before.start_ns < *ret_from_ns)
		*ret_from_ns = before.start_ns;
	return status;
}

static int make_steps(struct window *window, const struct timeline_execution *execution, struct timeline_path *path, struct error *error)
{
	struct critical_path critical = { 0 };
	struct critical_execution of = { .execution = execution->execution, .start_ns = execution->start_ns, .end_ns = execution->end_ns };
	int status = critical_path_make(&window->run, &of, &critical, error);
	if (status == STATUS_OK)
		path->steps = calloc((size_t)critical.n_steps + 1, sizeof(*path->steps));
	if (status == STATUS_OK && !path->steps)
		status = out_of_memory(error);
	for (int i = 0; status == STATUS_OK && i < critical.n_steps; i++) {
		const struct critical_step *step = &critical.steps[i];
		int node = step->node;
		path->steps[i] = (struct timeline_step){ .step = *step,
			.lane = node == CRITICAL_NONE ? TIMELINE_NONE : window->timeline->nodes[node].lane };
	}
	path->n_steps = status == STATUS_OK ? critical.n_steps : 0;
	critical_path_finish(&critical);
	return status;
}

int timeline_path_make(struct timeline *timeline, int64_t execution_number, struct timeline_path *ret_path, bool *ret_found,
	struct error *error)
{
	struct window window = { .timeline = timeline, .n_max = TIMELINE_PATH_ROWS_MAX };
	struct timeline_execution execution;
	struct timeline_path path = { .execution = execution_number };
	int64_t from_ns = 0;
	int status = timeline_execution(timeline, execution_number, &execution, ret_found, error);
	if (status != STATUS_OK)
		return status;
	*ret_found = *ret_found && execution.start_ns != INT64_MIN && execution.end_ns != INT64_MIN;
	if (!*ret_found)
		return STATUS_OK;
	path.start_ns = execution.start_ns;
	path.end_ns = window.end_ns = execution.end_ns;
	status = critical_run_load_layout(timeline->store->db, timeline->run, error, &window.run);
	if (status == STATUS_OK)
		status = find_start(&window, &execution, &from_ns, error);
	if (status == STATUS_OK)
		status = read_window(&window, from_ns, error);
	if (status == STATUS_OK)
		status = make_steps(&window, &execution, &path, error);
	critical_run_finish(&window.run);
	path.is_cut = window.is_cut;
	if (status == STATUS_OK)
		*ret_path = path;
	return status;
}

void timeline_path_finish(struct timeline_path *path)
{
	free(path->steps);
	*path = (struct timeline_path){ 0 };
}

/* -- edges --------------------------------------------------------------------------------------------------------------------- */

static int find_links(struct timeline *timeline, int node, int64_t execution, bool is_producer, int n_max, struct timeline_link *links,
	int *ret_n, struct error *error)
{
	int n = 0, status = STATUS_OK;
	for (int i = 0; i < timeline->n_edges && n < n_max && status == STATUS_OK; i++) {
		const struct timeline_edge *edge = &timeline->edges[i];
		if ((is_producer ? edge->dst : edge->src) != node)
			continue;
		struct timeline_link *link = &links[n++];
		*link = (struct timeline_link){ .edge = i, .node = is_producer ? edge->src : edge->dst, .published_ns = INT64_MIN };
		status = timeline_op(timeline, link->node, execution, &link->span, &link->has_span, error);
		if (link->has_span)
			link->published_ns = link->span.start_ns + link->span.duration_ns;
	}
	if (status == STATUS_OK)
		*ret_n = n;
	return status;
}

int timeline_producers(struct timeline *timeline, int node, int64_t execution, int n_max, struct timeline_link *links, int *ret_n,
	struct error *error)
{
	int n = 0, last = TIMELINE_NONE;
	int status = find_links(timeline, node, execution, true, n_max, links, &n, error);
	if (status != STATUS_OK)
		return status;
	for (int i = 0; i < n; i++) {
		if (links[i].has_span && (last == TIMELINE_NONE || links[i].published_ns >= links[last].published_ns))
			last = i;
	}
	if (last != TIMELINE_NONE)
		links[last].is_last = true;
	*ret_n = n;
	return STATUS_OK;
}

int timeline_consumers(struct timeline *timeline, int node, int64_t execution, int n_max, struct timeline_link *links, int *ret_n,
	struct error *error)
{
	return find_links(timeline, node, execution, false, n_max, links, ret_n, error);
}
