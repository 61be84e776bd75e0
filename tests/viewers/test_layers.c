/* SPDX-License-Identifier: Apache-2.0
 *
 * layers: drawings of random graphs never overlap, and their lines connect what they should; small ones look as they should.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/base/strbuf.h"
#include "tests/support/plan_graphs.h"
#include "viewers/layers.h"

#define NODES_MAX 4000
#define EDGES_MAX 20000

struct drawing {
	const char *name;
	struct layers_node nodes[NODES_MAX];
	struct layers_edge edges[EDGES_MAX];
	struct layers_graph graph;
	struct layers layers;
	int *across, *along; /* [height × width] 1 + wire of a horizontal or vertical stretch; -1 - node of a box */
};

static unsigned next(unsigned *seed, unsigned n)
{
	*seed = *seed * 1664525u + 1013904223u;
	return (*seed >> 8) % n;
}

static struct drawing *begin(const char *name, bool is_by_group, int n_groups)
{
	struct drawing *drawing = calloc(1, sizeof(*drawing));
	cr_assert(drawing);
	drawing->name = name;
	drawing->graph = (struct layers_graph){ .nodes = drawing->nodes, .edges = drawing->edges, .box_height = 3, .gap_height = 2,
		.is_by_group = is_by_group, .n_groups = n_groups };
	return drawing;
}

static void add_node(struct drawing *drawing, int width, int group, int level_set)
{
	drawing->nodes[drawing->graph.n_nodes++] = (struct layers_node){ width, group, level_set };
}

static void add_edge(struct drawing *drawing, int src, int dst, int bundle)
{
	if (drawing->graph.n_edges < EDGES_MAX)
		drawing->edges[drawing->graph.n_edges++] = (struct layers_edge){ src, dst, bundle };
}

static void finish(struct drawing *drawing)
{
	layers_finish(&drawing->layers);
	free(drawing->across);
	free(drawing->along);
	free(drawing);
}

/* -- what may not happen -------------------------------------------------------------------------------------------------------- */

static void take(struct drawing *drawing, int *map, int x, int y, int what)
{
	const struct layers *layers = &drawing->layers;
	cr_assert(x >= 0 && x < layers->width && y >= 0 && y < layers->height, "%s: (%d, %d) is outside of %d × %d", drawing->name, x, y,
		layers->width, layers->height);
	int *cell = &map[(size_t)y * (size_t)layers->width + (size_t)x];
	cr_assert(*cell == 0 || *cell == what, "%s: %d and %d overlap at (%d, %d)", drawing->name, *cell, what, x, y);
	*cell = what;
}

static void take_row(struct drawing *drawing, int y, int a, int b, int what)
{
	for (int x = a < b ? a : b; x <= (a < b ? b : a); x++)
		take(drawing, drawing->across, x, y, what);
}

static void take_column(struct drawing *drawing, int x, int from, int until, int what)
{
	for (int y = from; y <= until; y++)
		take(drawing, drawing->along, x, y, what);
}

/* A corner belongs to both maps: nobody else may pass there. */
static void take_corner(struct drawing *drawing, int x, int y, int what)
{
	take(drawing, drawing->across, x, y, what);
	take(drawing, drawing->along, x, y, what);
}

static void take_boxes(struct drawing *drawing)
{
	for (int i = 0; i < drawing->layers.n_nodes; i++) {
		const struct layers_box *box = &drawing->layers.boxes[i];
		cr_assert(box->width >= drawing->nodes[i].width, "%s: box %d is %d wide, not %d", drawing->name, i, box->width,
			drawing->nodes[i].width);
		for (int y = box->y; y < box->y + drawing->layers.box_height; y++) {
			for (int x = box->x; x < box->x + box->width; x++)
				take_corner(drawing, x, y, -1 - i);
		}
	}
}

static void take_hop(struct drawing *drawing, const struct layers_hop *hop, int gap, bool is_first)
{
	const struct layers *layers = &drawing->layers;
	int top = layers->gap_y[gap], bottom = top + layers->gap_heights[gap] - 1, what = 1 + hop->wire, last = hop->track, x = hop->src_x;
	if (!is_first)
		take_column(drawing, hop->src_x, top - layers->box_height, top - 1, what);
	cr_assert(hop->track < layers->gap_heights[gap] - 1, "%s: track %d of a gap of %d rows", drawing->name, hop->track,
		layers->gap_heights[gap]);
	if (hop->track == LAYERS_NONE) {
		cr_assert_eq(hop->n_targets, 1, "%s: %d targets straight down", drawing->name, hop->n_targets);
		cr_assert_eq(layers->targets[hop->first_target].x, hop->src_x);
		take_column(drawing, hop->src_x, top, bottom, what);
		return;
	}
	take_column(drawing, x, top, top + hop->track, what);
	if (hop->bend_x != LAYERS_NONE) {
		cr_assert(hop->bend_track > hop->track && hop->bend_track < layers->gap_heights[gap] - 1);
		take_corner(drawing, x, top + hop->track, what);
		take_row(drawing, top + hop->track, x, hop->bend_x, what);
		take_corner(drawing, hop->bend_x, top + hop->track, what);
		take_column(drawing, hop->bend_x, top + hop->track, top + hop->bend_track, what);
		last = hop->bend_track;
		x = hop->bend_x;
	}
	for (int i = hop->first_target; i < hop->first_target + hop->n_targets; i++) {
		take_corner(drawing, x, top + last, what);
		take_row(drawing, top + last, x, layers->targets[i].x, what);
		take_corner(drawing, layers->targets[i].x, top + last, what);
		take_column(drawing, layers->targets[i].x, top + last, bottom, what);
	}
}

/* An edge leaves its source's box, goes on where it left off, and enters its target's box. */
static void follow(const struct drawing *drawing, int i)
{
	const struct layers *layers = &drawing->layers;
	const struct layers_edge *edge = &drawing->edges[i];
	const struct layers_box *src = &layers->boxes[edge->src], *dst = &layers->boxes[edge->dst];
	const struct layers_wire *wire = &layers->wires[layers->edge_wires[i]];
	cr_assert_eq(wire->src, edge->src, "%s: edge %d is in a wire of node %d, not %d", drawing->name, i, wire->src, edge->src);
	int x = layers->hops[wire->first_hop].src_x;
	cr_assert(x > src->x && x < src->x + src->width - 1, "%s: edge %d begins at %d, beside its box", drawing->name, i, x);
	for (int gap = src->layer; gap < dst->layer; gap++) {
		cr_assert_eq(layers->hops[wire->first_hop + gap - src->layer].src_x, x, "%s: edge %d is broken at gap %d", drawing->name, i, gap);
		x = layers_edge_exit(layers, edge, layers->edge_wires[i], gap);
		cr_assert_neq(x, LAYERS_NONE, "%s: edge %d ends in gap %d", drawing->name, i, gap);
	}
	cr_assert(x > dst->x && x < dst->x + dst->width - 1, "%s: edge %d ends at %d, beside its box", drawing->name, i, x);
}

static void check(struct drawing *drawing)
{
	struct error error = { 0 };
	struct layers *layers = &drawing->layers;
	cr_assert_eq(layers_make(&drawing->graph, &error, layers), STATUS_OK, "%s: %s", drawing->name, error.text);
	size_t n_cells = (size_t)layers->width * (size_t)layers->height + 1;
	cr_assert((drawing->across = calloc(n_cells, sizeof(int))) && (drawing->along = calloc(n_cells, sizeof(int))));
	take_boxes(drawing);
	for (int w = 0; w < layers->n_wires; w++) {
		const struct layers_wire *wire = &layers->wires[w];
		for (int k = 0; k < wire->n_hops; k++)
			take_hop(drawing, &layers->hops[wire->first_hop + k], layers->boxes[wire->src].layer + k, k == 0);
	}
	int n_left_out = 0;
	for (int i = 0; i < drawing->graph.n_edges; i++) {
		if (layers->edge_wires[i] >= 0)
			follow(drawing, i);
		else
			n_left_out++;
	}
	cr_assert_eq(n_left_out, layers->n_left_out, "%s: %d edges are not drawn, %d are counted", drawing->name, n_left_out,
		layers->n_left_out);
	for (int i = 0; i < layers->n_groups; i++)
		cr_assert(i == 0 || layers->group_x[i] >= layers->group_x[i - 1] + layers->group_width[i - 1]);
	for (int i = 0; i < layers->n_nodes && drawing->graph.is_by_group; i++) {
		const struct layers_box *box = &layers->boxes[i];
		int group = drawing->nodes[i].group;
		cr_assert(box->x >= layers->group_x[group] && box->x + box->width <= layers->group_x[group] + layers->group_width[group],
			"%s: box %d stands beside its group", drawing->name, i);
	}
	for (int i = 0; i < layers->n_nodes; i++)
		cr_assert_eq(layers_box_at(layers, layers->boxes[i].x, layers->boxes[i].y), i);
}

/* -- graphs --------------------------------------------------------------------------------------------------------------------- */

static void add_random(struct drawing *drawing, unsigned seed, int n_nodes, int degree)
{
	int n_groups = drawing->graph.n_groups;
	for (int i = 0; i < n_nodes; i++)
		add_node(drawing, 3 + (int)next(&seed, 14), (int)next(&seed, (unsigned)n_groups), next(&seed, 6) ? LAYERS_NONE : (int)next(&seed, 3));
	for (int i = 1; i < n_nodes; i++) {
		for (unsigned k = next(&seed, (unsigned)degree + 1); k > 0; k--) {
			unsigned reach = next(&seed, 3) ? 8 : (unsigned)i;
			int back = 1 + (int)next(&seed, reach > (unsigned)i ? (unsigned)i : reach);
			add_edge(drawing, i - back, i, (int)next(&seed, 2));
		}
	}
}

Test(layers, random_graphs_do_not_overlap)
{
	for (unsigned seed = 0; seed < 300; seed++) {
		char name[40];
		snprintf(name, sizeof(name), "seed %u", seed);
		struct drawing *drawing = begin(name, seed % 2, 1 + (int)seed % 5);
		drawing->graph.box_height = seed % 3 ? 4 : 1;
		drawing->graph.gap_height = 1 + (int)(seed % 2);
		add_random(drawing, seed, 1 + (int)(seed % 60), 1 + (int)(seed % 5));
		check(drawing);
		cr_assert_eq(drawing->layers.n_left_out, 0, "%s: %d edges were left out", name, drawing->layers.n_left_out);
		finish(drawing);
	}
}

Test(layers, graphs_that_run)
{
	for (unsigned seed = 0; seed < 60; seed++) {
		char name[40];
		struct graph *graph = plan_graph_random(seed, 30, 4);
		snprintf(name, sizeof(name), "plan graph %u", seed);
		struct drawing *drawing = begin(name, seed % 2, graph->n_workers);
		for (int i = 0; i < graph->n_nodes; i++)
			add_node(drawing, 3 + (int)strlen(graph->nodes[i].name), graph->nodes[i].worker_idx, graph->nodes[i].collective_idx);
		for (int i = 0; i < graph->n_edges; i++)
			add_edge(drawing, graph->edges[i].src, graph->edges[i].dst, graph->edges[i].src_output);
		check(drawing);
		int n_own = 0; /* a rank that reads its own input once more */
		for (int i = 0; i < graph->n_edges; i++)
			n_own += graph->edges[i].src == graph->edges[i].dst;
		cr_assert_eq(drawing->layers.n_left_out, n_own, "%s: %d edges were left out, not %d", name, drawing->layers.n_left_out, n_own);
		finish(drawing);
		graph_destroy(graph);
	}
}

Test(layers, ranks_of_a_collective_stand_side_by_side)
{
	struct drawing *drawing = begin("collective", false, 1);
	for (int i = 0; i < 6; i++)
		add_node(drawing, 5, 0, i == 4 || i == 5 ? 0 : LAYERS_NONE);
	add_edge(drawing, 0, 1, 0);
	add_edge(drawing, 1, 2, 0);
	add_edge(drawing, 2, 4, 0);
	add_edge(drawing, 3, 5, 0);
	check(drawing);
	cr_assert_eq(drawing->layers.boxes[4].layer, 3, "layer %d", drawing->layers.boxes[4].layer);
	cr_assert_eq(drawing->layers.boxes[5].layer, 3, "layer %d", drawing->layers.boxes[5].layer);
	cr_assert_eq(drawing->layers.boxes[3].layer, 2, "a source stands above its reader, not in layer %d", drawing->layers.boxes[3].layer);
	finish(drawing);
}

Test(layers, odd_graphs)
{
	struct drawing *drawing = begin("nothing", false, 1);
	check(drawing);
	finish(drawing);

	drawing = begin("no edges", true, 3);
	for (int i = 0; i < 20; i++)
		add_node(drawing, 4, i % 3, LAYERS_NONE);
	check(drawing);
	finish(drawing);

	drawing = begin("a cycle, a loop, edges to nowhere", false, 1);
	for (int i = 0; i < 4; i++)
		add_node(drawing, 4, 0, LAYERS_NONE);
	add_edge(drawing, 0, 1, 0);
	add_edge(drawing, 1, 2, 0);
	add_edge(drawing, 2, 1, 0);
	add_edge(drawing, 3, 3, 0);
	add_edge(drawing, 3, 9, 0);
	check(drawing);
	cr_assert_geq(drawing->layers.n_left_out, 3, "%d left out", drawing->layers.n_left_out);
	finish(drawing);

	drawing = begin("sets that contradict the edges", false, 1);
	for (int i = 0; i < 4; i++)
		add_node(drawing, 4, 0, i / 2);
	add_edge(drawing, 0, 2, 0);
	add_edge(drawing, 3, 1, 0);
	check(drawing);
	cr_assert_eq(drawing->layers.n_left_out, 0, "%d left out", drawing->layers.n_left_out);
	finish(drawing);

	drawing = begin("many into one, one into many", false, 1);
	for (int i = 0; i < 102; i++)
		add_node(drawing, 5, 0, LAYERS_NONE);
	for (int i = 1; i < 101; i++) {
		add_edge(drawing, 0, i, i);
		add_edge(drawing, i, 101, 0);
	}
	check(drawing);
	cr_assert_geq(drawing->layers.boxes[101].width, 102, "%d wide", drawing->layers.boxes[101].width);
	finish(drawing);
}

/* Two wires that go down where the other one comes from: neither can be higher; one bends. */
Test(layers, rings_of_demands)
{
	int n_bent = 0;
	for (unsigned seed = 1000; seed < 1400; seed++) {
		struct drawing *drawing = begin("ring", true, 2);
		for (int i = 0; i < 8; i++)
			add_node(drawing, 3, i % 2, LAYERS_NONE);
		unsigned state = seed;
		for (int i = 0; i < 12; i++)
			add_edge(drawing, (int)next(&state, 4), 4 + (int)next(&state, 4), i % 2);
		check(drawing);
		for (int i = 0; i < drawing->layers.n_hops; i++)
			n_bent += drawing->layers.hops[i].bend_x != LAYERS_NONE;
		finish(drawing);
	}
	cr_assert_gt(n_bent, 0, "no wire had to bend: the case is not tested");
}

/* Guards against hanging: ten times what it takes and more. */
static void check_large(struct drawing *drawing, double limit_s)
{
	struct error error = { 0 };
	clock_t start = clock();
	cr_assert_eq(layers_make(&drawing->graph, &error, &drawing->layers), STATUS_OK, "%s", error.text);
	double took = (double)(clock() - start) / CLOCKS_PER_SEC;
	if (getenv("LAYERS_TIMES"))
		fprintf(stderr, "%s: %.3f s, %d × %d, %d crossings, %d left out\n", drawing->name, took, drawing->layers.width,
			drawing->layers.height, drawing->layers.n_crossings, drawing->layers.n_left_out);
	cr_assert_lt(took, limit_s, "%s: %.2f s", drawing->name, took);
	finish(drawing);
}

Test(layers, large_graphs)
{
	struct drawing *drawing = begin("1000 nodes", false, 4);
	add_random(drawing, 7, 1000, 3);
	check_large(drawing, 10);

	drawing = begin("4000 nodes", true, 4);
	add_random(drawing, 8, 4000, 4);
	check_large(drawing, 60);

	drawing = begin("a chain of 4000 nodes, each an input of the last", false, 1);
	for (int i = 0; i < 4000; i++)
		add_node(drawing, 6, 0, LAYERS_NONE);
	for (int i = 0; i + 1 < 4000; i++) {
		add_edge(drawing, i, i + 1, 0);
		add_edge(drawing, i, 3999, 0);
	}
	check_large(drawing, 60);

	drawing = begin("4000 nodes between two", false, 1);
	for (int i = 0; i < 4000; i++)
		add_node(drawing, 6, 0, LAYERS_NONE);
	for (int i = 1; i < 3999; i++) {
		add_edge(drawing, 0, i, 0);
		add_edge(drawing, i, 3999, 0);
	}
	check_large(drawing, 60);
}
