/* SPDX-License-Identifier: Apache-2.0
 *
 * layers_route: where lines leave and enter boxes, and which row of a gap each takes: channel routing by the left-edge method with vertical
 * constraints (Hashimoto and Stevens 1971, Deutsch 1976). Of two wires with a column in common, one coming from above and one going down
 * there, the first must have the higher track. Where such demands form a ring, a wire bends twice, over a column that nobody else uses.
 */
#include <stdlib.h>
#include <string.h>

#include "viewers/layers_private.h"

/* A line that enters a box. */
struct entry {
	int node, src_x, target;
};

/* A wire in the gap at hand. */
struct run {
	int hop, least, most; /* columns that its track covers */
	int above;            /* wires that must be above it and have no track yet */
	int level;            /* least track */
	int first, n;         /* runs that must be below it: of routing.below */
	bool is_done;
};

struct interval {
	int least, most, next; /* next: index of another one on the same track, LAYERS_NONE */
};

struct routing {
	struct layers_work *work;
	struct entry *entries;  /* [targets] */
	struct run *runs;       /* [hops] of one gap */
	int *below;             /* [targets] */
	int *source_at;         /* [width] run whose source is there, LAYERS_NONE */
	bool *is_used;          /* [width] columns where something begins or ends */
	struct interval *intervals; /* [2 × hops] */
	int *tracks;            /* [2 × hops] first interval; LAYERS_NONE */
	int n_runs, n_tracks, n_intervals, width;
};

/* -- hops and ports ------------------------------------------------------------------------------------------------------------ */

static int count_targets(const struct layers_work *work)
{
	const struct layers *layers = work->layers;
	int n = 0;
	for (int wire = 0; wire < layers->n_wires; wire++) {
		if (layers->wires[wire].n_hops)
			n += work->wire_edges_first[wire + 1] - work->wire_edges_first[wire] + layers->wires[wire].n_hops - 1;
	}
	return n;
}

static void make_hops(struct layers_work *work)
{
	struct layers *layers = work->layers;
	int n_targets = 0;
	for (int w = 0; w < layers->n_wires; w++) {
		struct layers_wire *wire = &layers->wires[w];
		int first = work->node_layers[wire->src];
		wire->first_hop = layers->n_hops;
		for (int k = 0; k < wire->n_hops; k++) {
			struct layers_hop *hop = &layers->hops[layers->n_hops++];
			*hop = (struct layers_hop){ .wire = w, .track = LAYERS_NONE, .bend_x = LAYERS_NONE, .bend_track = LAYERS_NONE,
				.first_target = n_targets, .src_x = work->items[layers_wire_item(work, w, first + k)].x };
			for (int e = work->wire_edges_first[w]; e < work->wire_edges_first[w + 1]; e++) {
				int dst = work->graph->edges[work->wire_edges[e]].dst;
				if (work->node_layers[dst] == first + k + 1)
					layers->targets[n_targets++] = (struct layers_target){ .node = dst };
			}
			if (k + 1 < wire->n_hops)
				layers->targets[n_targets++] = (struct layers_target){ work->items[layers_wire_item(work, w, first + k + 1)].x,
					LAYERS_NONE };
			hop->n_targets = n_targets - hop->first_target;
		}
	}
}

/* Columns for `n` lines in a box, from left to right, each near its wish; two apart where there is room. */
static void spread(const struct layers_item *box, int n, int *columns)
{
	int apart = n > 1 && 2 * n - 1 > box->width - 2 ? 1 : 2, least = box->x + 1, most = box->x + box->width - 2;
	for (int i = 0; i < n; i++) {
		int from = i ? columns[i - 1] + apart : least;
		columns[i] = columns[i] < from ? from : columns[i];
	}
	for (int i = n - 1; i >= 0; i--) {
		int until = i + 1 < n ? columns[i + 1] - apart : most;
		columns[i] = columns[i] > until ? until : columns[i];
	}
}

struct leaving {
	int wire;
	double x;
};

static int compare_leaving(const void *a, const void *b)
{
	const struct leaving *left = a, *right = b;
	if (left->x < right->x || left->x > right->x)
		return left->x < right->x ? -1 : 1;
	return left->wire < right->wire ? -1 : 1;
}

static double mean_target(const struct layers_work *work, int wire)
{
	const struct layers *layers = work->layers;
	const struct layers_hop *hop = &layers->hops[layers->wires[wire].first_hop];
	double sum = 0;
	for (int i = hop->first_target; i < hop->first_target + hop->n_targets; i++) {
		int node = layers->targets[i].node;
		const struct layers_item *item = node >= 0 ? &work->items[node] : NULL;
		sum += item ? item->x + item->width / 2 : layers->targets[i].x;
	}
	return hop->n_targets ? sum / hop->n_targets : 0;
}

/* Wires are sorted by their source: those of one box stand together. */
static int place_exits(struct layers_work *work)
{
	struct layers *layers = work->layers;
	struct leaving *leaving = layers_alloc(work, layers->n_wires, sizeof(*leaving));
	int *columns = layers_alloc(work, layers->n_wires, sizeof(int));
	for (int from = 0, until; leaving && columns && from < layers->n_wires; from = until) {
		int src = layers->wires[from].src, n = 0;
		const struct layers_item *box = &work->items[src];
		for (until = from; until < layers->n_wires && layers->wires[until].src == src; until++) {
			if (layers->wires[until].n_hops)
				leaving[n++] = (struct leaving){ until, mean_target(work, until) };
		}
		qsort(leaving, (size_t)n, sizeof(*leaving), compare_leaving);
		for (int i = 0; i < n; i++)
			columns[i] = box->x + box->width / 2 - (n - 1) + 2 * i;
		spread(box, n, columns);
		for (int i = 0; i < n; i++)
			layers->hops[layers->wires[leaving[i].wire].first_hop].src_x = columns[i];
	}
	int status = leaving && columns ? STATUS_OK : STATUS_NO_MEMORY;
	free(leaving);
	free(columns);
	return status;
}

static int compare_entries(const void *a, const void *b)
{
	const struct entry *left = a, *right = b;
	if (left->node != right->node)
		return left->node < right->node ? -1 : 1;
	if (left->src_x != right->src_x)
		return left->src_x < right->src_x ? -1 : 1;
	return left->target < right->target ? -1 : 1;
}

/* One line alone comes straight down where it can, and else into the middle. */
static void place_entries(struct routing *routing, int n)
{
	struct layers *layers = routing->work->layers;
	qsort(routing->entries, (size_t)n, sizeof(*routing->entries), compare_entries);
	int *columns = routing->below; /* not in use yet */
	for (int from = 0, until; from < n; from = until) {
		int node = routing->entries[from].node;
		const struct layers_item *box = &routing->work->items[node];
		for (until = from; until < n && routing->entries[until].node == node; until++) {
			int x = routing->entries[until].src_x, least = box->x + 1, most = box->x + box->width - 2;
			columns[until - from] = x < least ? least : x > most ? most : x;
		}
		if (until - from == 1 && columns[0] != routing->entries[from].src_x)
			columns[0] = box->x + box->width / 2;
		spread(box, until - from, columns);
		for (int i = from; i < until; i++)
			layers->targets[routing->entries[i].target].x = columns[i - from];
	}
}

/* -- tracks ------------------------------------------------------------------------------------------------------------------- */

static bool is_straight(const struct layers *layers, const struct layers_hop *hop)
{
	for (int i = hop->first_target; i < hop->first_target + hop->n_targets; i++) {
		if (layers->targets[i].x != hop->src_x)
			return false;
	}
	return true;
}

static struct run make_run(const struct layers *layers, int hop_idx)
{
	const struct layers_hop *hop = &layers->hops[hop_idx];
	struct run run = { .hop = hop_idx, .least = hop->src_x, .most = hop->src_x };
	for (int i = hop->first_target; i < hop->first_target + hop->n_targets; i++) {
		int x = layers->targets[i].x;
		run.least = x < run.least ? x : run.least;
		run.most = x > run.most ? x : run.most;
	}
	return run;
}

/* In this order wires that lead the same way do not cross needlessly: to the right the last one highest, to the left the first one. */
static int compare_runs(const void *a, const void *b, void *user)
{
	const struct layers_hop *hops = user;
	const struct run *left = a, *right = b;
	int left_x = hops[left->hop].src_x, right_x = hops[right->hop].src_x;
	bool left_goes_right = left->most - left_x >= left_x - left->least, right_goes_right = right->most - right_x >= right_x - right->least;
	if (left_goes_right != right_goes_right)
		return left_goes_right ? -1 : 1;
	if (left_x != right_x)
		return (left_x > right_x) == left_goes_right ? -1 : 1;
	return left->hop < right->hop ? -1 : 1;
}

static void mark_columns(struct routing *routing, bool is_used)
{
	const struct layers *layers = routing->work->layers;
	for (int i = 0; i < routing->n_runs; i++) {
		const struct layers_hop *hop = &layers->hops[routing->runs[i].hop];
		routing->source_at[hop->src_x] = is_used ? i : LAYERS_NONE;
		routing->is_used[hop->src_x] = is_used;
		for (int k = hop->first_target; k < hop->first_target + hop->n_targets; k++)
			routing->is_used[layers->targets[k].x] = is_used;
	}
}

/* Who must be below whom: a wire that goes down in another's source column. */
static void find_demands(struct routing *routing)
{
	const struct layers *layers = routing->work->layers;
	int n_below = 0;
	for (int pass = 0; pass < 2; pass++) {
		for (int i = 0; i < routing->n_runs; i++) {
			const struct layers_hop *hop = &layers->hops[routing->runs[i].hop];
			for (int k = hop->first_target; k < hop->first_target + hop->n_targets; k++) {
				int upper = routing->source_at[layers->targets[k].x];
				if (upper < 0 || upper == i)
					continue;
				struct run *run = &routing->runs[upper];
				if (pass == 0)
					run->n++;
				else
					routing->below[run->first + run->n++] = i;
				routing->runs[i].above += pass;
			}
		}
		for (int i = 0; i < routing->n_runs && pass == 0; i++) {
			routing->runs[i].first = n_below;
			n_below += routing->runs[i].n;
			routing->runs[i].n = 0;
		}
	}
}

static bool is_free(const struct routing *routing, int track, int least, int most)
{
	for (int i = routing->tracks[track]; i != LAYERS_NONE; i = routing->intervals[i].next) {
		if (routing->intervals[i].least <= most + 1 && routing->intervals[i].most >= least - 1)
			return false;
	}
	return true;
}

/* The highest free track from `from` on. */
static int take_track(struct routing *routing, int from, int least, int most)
{
	int track = from;
	while (track < routing->n_tracks && !is_free(routing, track, least, most))
		track++;
	while (routing->n_tracks <= track)
		routing->tracks[routing->n_tracks++] = LAYERS_NONE;
	routing->intervals[routing->n_intervals] = (struct interval){ least, most, routing->tracks[track] };
	routing->tracks[track] = routing->n_intervals++;
	return track;
}

/* The next run in order that may get a track; when there is none, the first at all. */
static struct run *choose_run(struct routing *routing, int *from)
{
	struct run *stuck = NULL;
	while (*from < routing->n_runs && routing->runs[*from].is_done)
		++*from;
	for (int i = *from; i < routing->n_runs; i++) {
		struct run *run = &routing->runs[i];
		if (run->is_done)
			continue;
		if (!run->above)
			return run;
		stuck = stuck ? stuck : run;
	}
	return stuck;
}

/* There is one: at the right end columns were added for it. */
static int free_column(const struct routing *routing, int near)
{
	for (int away = 0; away < routing->width; away++) {
		for (int side = -1; side <= 1; side += 2) {
			int x = near + side * away;
			if (x >= 0 && x < routing->width && !routing->is_used[x])
				return x;
		}
	}
	return LAYERS_NONE;
}

/* Bent runs: their upper halves get the first tracks; the lower ones the last, when all others are done. */
static void bend(struct routing *routing, struct run *run)
{
	struct layers_hop *hop = &routing->work->layers->hops[run->hop];
	hop->bend_x = free_column(routing, (run->least + run->most) / 2);
	if (hop->bend_x == LAYERS_NONE)
		return;
	routing->is_used[hop->bend_x] = true;
	if (hop->bend_x >= routing->work->layers->width)
		routing->work->layers->width = hop->bend_x + 1;
}

static void place_run(struct routing *routing, struct run *run)
{
	struct layers_hop *hop = &routing->work->layers->hops[run->hop];
	run->is_done = true;
	if (run->above)
		bend(routing, run);
	if (hop->bend_x == LAYERS_NONE && !is_straight(routing->work->layers, hop))
		hop->track = take_track(routing, run->level, run->least, run->most);
	for (int k = run->first; k < run->first + run->n; k++) {
		struct run *below = &routing->runs[routing->below[k]];
		below->above -= !below->is_done;
		if (hop->track >= below->level)
			below->level = hop->track + 1;
	}
}

/* Rows for the halves of bent wires: above and below all others, each its own. */
static int place_bends(struct routing *routing)
{
	struct layers *layers = routing->work->layers;
	int n_bent = 0, at = 0;
	for (int i = 0; i < routing->n_runs; i++)
		n_bent += layers->hops[routing->runs[i].hop].bend_x != LAYERS_NONE;
	for (int i = 0; i < routing->n_runs && n_bent; i++) {
		struct layers_hop *hop = &layers->hops[routing->runs[i].hop];
		if (hop->bend_x != LAYERS_NONE) {
			routing->is_used[hop->bend_x] = false;
			hop->track = at;
			hop->bend_track = n_bent + routing->n_tracks + at++;
		} else if (hop->track != LAYERS_NONE) {
			hop->track += n_bent;
		}
	}
	return 2 * n_bent;
}

/* Returns the rows that the gap needs for tracks. */
static int route_gap(struct routing *routing, int gap)
{
	struct layers *layers = routing->work->layers;
	int from = 0, n_entries = 0;
	routing->n_runs = routing->n_tracks = routing->n_intervals = 0;
	for (int i = layers->gap_first[gap]; i < layers->gap_first[gap + 1]; i++) {
		const struct layers_hop *hop = &layers->hops[layers->gap_hops[i]];
		for (int k = hop->first_target; k < hop->first_target + hop->n_targets; k++) {
			if (layers->targets[k].node >= 0)
				routing->entries[n_entries++] = (struct entry){ layers->targets[k].node, hop->src_x, k };
		}
	}
	place_entries(routing, n_entries);
	for (int i = layers->gap_first[gap]; i < layers->gap_first[gap + 1]; i++)
		routing->runs[routing->n_runs++] = make_run(layers, layers->gap_hops[i]);
	qsort_r(routing->runs, (size_t)routing->n_runs, sizeof(struct run), compare_runs, layers->hops);
	mark_columns(routing, true);
	find_demands(routing);
	for (struct run *run; (run = choose_run(routing, &from));)
		place_run(routing, run);
	mark_columns(routing, false);
	return routing->n_tracks + place_bends(routing);
}

/* -- all ---------------------------------------------------------------------------------------------------------------------- */

static int sort_hops(struct layers_work *work)
{
	struct layers *layers = work->layers;
	layers->gap_first = layers_alloc(work, layers->n_layers + 2, sizeof(int));
	layers->gap_hops = layers_alloc(work, layers->n_hops, sizeof(int));
	if (!layers->gap_first || !layers->gap_hops)
		return STATUS_NO_MEMORY;
	for (int pass = 0; pass < 2; pass++) {
		for (int i = 0; i < layers->n_hops; i++) {
			const struct layers_wire *wire = &layers->wires[layers->hops[i].wire];
			int gap = work->node_layers[wire->src] + i - wire->first_hop;
			if (pass == 0)
				layers->gap_first[gap + 2]++;
			else
				layers->gap_hops[layers->gap_first[gap + 1]++] = i;
		}
		for (int gap = 0; gap < layers->n_layers && pass == 0; gap++)
			layers->gap_first[gap + 1] += layers->gap_first[gap];
	}
	return STATUS_OK;
}

static void place_rows(struct layers_work *work, struct routing *routing)
{
	struct layers *layers = work->layers;
	int y = 0;
	for (int layer = 0; layer < layers->n_layers; layer++) {
		for (int k = work->order_first[layer]; k < work->order_first[layer + 1]; k++) {
			int i = work->order[k];
			if (i < layers->n_nodes)
				layers->boxes[i] = (struct layers_box){ work->items[i].x, y, work->items[i].width, layer };
		}
		y += layers->box_height;
		layers->gap_y[layer] = y;
		if (layer + 1 == layers->n_layers)
			break;
		int rows = route_gap(routing, layer) + 1; /* and one for arrows */
		layers->gap_heights[layer] = rows > work->graph->gap_height ? rows : work->graph->gap_height;
		y += layers->gap_heights[layer];
	}
	layers->height = y;
}

static int route_all(struct layers_work *work)
{
	struct layers *layers = work->layers;
	int most = 0, n_targets = count_targets(work);
	for (int gap = 0; gap < layers->n_layers; gap++) {
		int n = layers->gap_first[gap + 1] - layers->gap_first[gap];
		most = n > most ? n : most;
	}
	struct routing routing = { .work = work, .width = layers->width + most + 1,
		.entries = layers_alloc(work, n_targets, sizeof(struct entry)), .runs = layers_alloc(work, most, sizeof(struct run)),
		.below = layers_alloc(work, n_targets, sizeof(int)), .source_at = layers_alloc(work, layers->width + most + 1, sizeof(int)),
		.is_used = layers_alloc(work, layers->width + most + 1, sizeof(bool)),
		.intervals = layers_alloc(work, 2 * most, sizeof(struct interval)), .tracks = layers_alloc(work, 2 * most, sizeof(int)) };
	int status = STATUS_NO_MEMORY;
	if (routing.entries && routing.runs && routing.below && routing.source_at && routing.is_used && routing.intervals && routing.tracks) {
		memset(routing.source_at, -1, (size_t)routing.width * sizeof(int));
		place_rows(work, &routing);
		status = STATUS_OK;
	}
	free(routing.entries);
	free(routing.runs);
	free(routing.below);
	free(routing.source_at);
	free(routing.is_used);
	free(routing.intervals);
	free(routing.tracks);
	return status;
}

int layers_route(struct layers_work *work)
{
	struct layers *layers = work->layers;
	int n_hops = 0;
	for (int i = 0; i < layers->n_wires; i++)
		n_hops += layers->wires[i].n_hops;
	layers->boxes = layers_alloc(work, layers->n_nodes, sizeof(*layers->boxes));
	layers->gap_y = layers_alloc(work, layers->n_layers, sizeof(int));
	layers->gap_heights = layers_alloc(work, layers->n_layers, sizeof(int));
	layers->hops = layers_alloc(work, n_hops, sizeof(*layers->hops));
	layers->targets = layers_alloc(work, count_targets(work), sizeof(*layers->targets));
	if (!layers->boxes || !layers->gap_y || !layers->gap_heights || !layers->hops || !layers->targets)
		return STATUS_NO_MEMORY;
	make_hops(work);
	int status = place_exits(work);
	if (status == STATUS_OK)
		status = sort_hops(work);
	return status == STATUS_OK ? route_all(work) : status;
}
