/* SPDX-License-Identifier: Apache-2.0
 *
 * blame: all lanes swept together over time. Between two moments at which any lane turns to something else the chains stand still.
 */
#include "traces/blame.h"

#include <stdlib.h>
#include <string.h>

#include "traces/blame_lane.h"

#define SPAN_ROOTS_MAX 8 /* roots told apart within one wait; of more the first ones count */

/* The wait of a lane whose roots are being summed. */
struct span_tally {
	struct blame_span *span, *end; /* the lane's next ones */
	int n_roots;
	struct blame_root roots[SPAN_ROOTS_MAX];
	int64_t ns[SPAN_ROOTS_MAX];
};

struct sweep {
	const struct critical_run *run;
	int64_t from_ns, until_ns;
	struct blame_lane *lanes;   /* [n_workers] */
	struct span_tally *tallies; /* [n_workers] */
	struct blame_row *slots;    /* open addressing; ns 0: free */
	int64_t n_slots, n_used;    /* n_slots: a power of two */
	struct blame_row **last;    /* [n_workers] the slot that the lane's last piece went to */
};

static bool is_same_root(struct blame_root a, struct blame_root b)
{
	return a.kind == b.kind && a.phase == b.phase && a.idx == b.idx;
}

static bool is_same_row(const struct blame_row *a, const struct blame_row *b)
{
	return a->lane == b->lane && a->cause == b->cause && is_same_root(a->root, b->root);
}

static uint64_t hash_row(const struct blame_row *row)
{
	uint64_t key = (uint64_t)(uint32_t)row->lane << 40 ^ (uint64_t)(uint32_t)row->root.idx << 16 ^ (uint64_t)row->cause << 10
		^ (uint64_t)row->root.kind << 5 ^ row->root.phase;
	return key * 0x9e3779b97f4a7c15u >> 20;
}

static struct blame_row *slot_of(struct sweep *sweep, const struct blame_row *row)
{
	int64_t i = (int64_t)(hash_row(row) & (uint64_t)(sweep->n_slots - 1));
	while (sweep->slots[i].ns && !is_same_row(&sweep->slots[i], row))
		i = (i + 1) & (sweep->n_slots - 1);
	return &sweep->slots[i];
}

static bool grow_slots(struct sweep *sweep)
{
	struct blame_row *old = sweep->slots;
	int64_t n_old = sweep->n_slots;
	sweep->n_slots = n_old ? 2 * n_old : 256;
	sweep->slots = calloc((size_t)sweep->n_slots, sizeof(*sweep->slots));
	if (!sweep->slots) {
		sweep->slots = old;
		sweep->n_slots = n_old;
		return false;
	}
	for (int64_t i = 0; i < n_old; i++) {
		if (old[i].ns)
			*slot_of(sweep, &old[i]) = old[i];
	}
	free(old);
	memset(sweep->last, 0, (size_t)sweep->run->n_workers * sizeof(*sweep->last));
	return true;
}

static bool add_row(struct sweep *sweep, const struct blame_row *row)
{
	struct blame_row *slot = sweep->last[row->lane];
	if (!slot || !is_same_row(slot, row)) {
		if (2 * (sweep->n_used + 1) > sweep->n_slots && !grow_slots(sweep))
			return false;
		slot = slot_of(sweep, row);
		sweep->n_used += slot->ns == 0;
		int64_t ns = slot->ns;
		*slot = *row;
		slot->ns = ns;
		sweep->last[row->lane] = slot;
	}
	slot->ns += row->ns;
	return true;
}

static void close_span(struct span_tally *tally)
{
	int best = 0;
	for (int i = 1; i < tally->n_roots; i++)
		best = tally->ns[i] > tally->ns[best] ? i : best;
	if (tally->n_roots) {
		tally->span->root = tally->roots[best];
		tally->span->is_found = true;
	}
	tally->n_roots = 0;
	tally->span++;
}

static void tally_root(struct span_tally *tally, struct blame_root root, int64_t ns)
{
	int i = 0;
	while (i < tally->n_roots && !is_same_root(tally->roots[i], root))
		i++;
	if (i == SPAN_ROOTS_MAX)
		return;
	if (i == tally->n_roots) {
		tally->roots[tally->n_roots++] = root;
		tally->ns[i] = 0;
	}
	tally->ns[i] += ns;
}

/* The lane's spans that [start_ns, end_ns) meets. */
static void tally_spans(struct span_tally *tally, struct blame_root root, int64_t start_ns, int64_t end_ns)
{
	while (tally->span < tally->end && tally->span->end_ns <= start_ns)
		close_span(tally);
	while (tally->span < tally->end && tally->span->start_ns < end_ns) {
		const struct blame_span *span = tally->span;
		int64_t from_ns = span->start_ns > start_ns ? span->start_ns : start_ns;
		int64_t to_ns = span->end_ns < end_ns ? span->end_ns : end_ns;
		tally_root(tally, root, to_ns - from_ns);
		if (span->end_ns > end_ns)
			return;
		close_span(tally);
	}
}

/* The end of the chain that begins at `lane`. A chain that comes back would be a deadlock: then the records contradict each other. */
static struct blame_root find_root(const struct sweep *sweep, int32_t lane)
{
	const struct blame_segment *segment = &sweep->lanes[lane].segment;
	for (int32_t hops = 0; segment->waits_for != CRITICAL_NONE && hops <= sweep->run->n_workers; hops++)
		segment = &sweep->lanes[segment->waits_for].segment;
	if (segment->waits_for != CRITICAL_NONE)
		return (struct blame_root){ .kind = BLAME_UNKNOWN, .phase = PHASE_UNKNOWN, .idx = CRITICAL_NONE };
	return segment->root;
}

/* The chains stand still in [start_ns, end_ns). */
static bool account(struct sweep *sweep, int64_t start_ns, int64_t end_ns)
{
	int64_t from_ns = start_ns > sweep->from_ns ? start_ns : sweep->from_ns;
	int64_t to_ns = end_ns < sweep->until_ns ? end_ns : sweep->until_ns;
	for (int32_t i = 0; i < sweep->run->n_workers; i++) {
		const struct blame_segment *segment = &sweep->lanes[i].segment;
		if (!segment->is_stall)
			continue;
		struct blame_row row = { .lane = i, .cause = segment->cause, .root = find_root(sweep, i), .ns = to_ns - from_ns };
		tally_spans(&sweep->tallies[i], row.root, start_ns, end_ns);
		if (from_ns < to_ns && !add_row(sweep, &row))
			return false;
	}
	return true;
}

static bool run_sweep(struct sweep *sweep)
{
	int32_t n = sweep->run->n_workers;
	for (int32_t i = 0; i < n; i++)
		blame_lane_start(&sweep->lanes[i], sweep->run, i);
	for (int64_t now_ns = INT64_MIN; now_ns != INT64_MAX;) {
		int64_t next_ns = INT64_MAX;
		for (int32_t i = 0; i < n; i++) {
			while (sweep->lanes[i].segment.end_ns <= now_ns && now_ns != INT64_MAX)
				blame_lane_next(&sweep->lanes[i]);
			if (sweep->lanes[i].segment.end_ns < next_ns)
				next_ns = sweep->lanes[i].segment.end_ns;
		}
		if (!account(sweep, now_ns, next_ns))
			return false;
		now_ns = next_ns;
	}
	for (int32_t i = 0; i < n; i++) {
		while (sweep->tallies[i].span < sweep->tallies[i].end)
			close_span(&sweep->tallies[i]);
	}
	return true;
}

static void assign_spans(struct sweep *sweep, struct blame_span *spans, int64_t n_spans)
{
	int64_t i = 0;
	for (int32_t lane = 0; spans && lane < sweep->run->n_workers; lane++) {
		sweep->tallies[lane].span = &spans[i];
		while (i < n_spans && spans[i].lane == lane)
			i++;
		sweep->tallies[lane].end = &spans[i];
	}
}

static int by_size(const void *a, const void *b)
{
	const struct blame_row *x = a, *y = b;
	if (x->ns != y->ns)
		return x->ns < y->ns ? 1 : -1;
	if (x->lane != y->lane)
		return x->lane < y->lane ? -1 : 1;
	return (x->root.idx > y->root.idx) - (x->root.idx < y->root.idx);
}

/* The used slots, moved to the front of the array. */
static void gather(struct sweep *sweep, struct blame *blame)
{
	blame->rows = sweep->slots;
	for (int64_t i = 0; i < sweep->n_slots; i++) {
		if (sweep->slots[i].ns)
			blame->rows[blame->n_rows++] = sweep->slots[i];
	}
	if (blame->n_rows)
		qsort(blame->rows, (size_t)blame->n_rows, sizeof(*blame->rows), by_size);
	sweep->slots = NULL;
}

int blame_make(const struct critical_run *run, int64_t from_ns, int64_t until_ns, struct blame_span *spans, int64_t n_spans,
	struct error *error, struct blame *ret_blame)
{
	struct sweep sweep = { .run = run, .from_ns = from_ns, .until_ns = until_ns };
	size_t n = (size_t)run->n_workers + 1;
	*ret_blame = (struct blame){ 0 };
	sweep.lanes = calloc(n, sizeof(*sweep.lanes));
	sweep.tallies = calloc(n, sizeof(*sweep.tallies));
	sweep.last = calloc(n, sizeof(struct blame_row *));
	bool is_done = sweep.lanes && sweep.tallies && sweep.last;
	if (is_done) {
		assign_spans(&sweep, spans, n_spans);
		is_done = run_sweep(&sweep);
	}
	if (is_done)
		gather(&sweep, ret_blame);
	free(sweep.lanes);
	free(sweep.tallies);
	free(sweep.last);
	free(sweep.slots);
	return is_done ? STATUS_OK : error_set(error, STATUS_NO_MEMORY, "no memory to follow the stalls");
}

void blame_finish(struct blame *blame)
{
	free(blame->rows);
	*blame = (struct blame){ 0 };
}

const char *blame_root_name(const struct critical_run *run, struct blame_root root)
{
	if (root.kind == BLAME_NODE)
		return run->nodes[root.idx].name;
	if (root.kind == BLAME_EDGE)
		return run->edges[root.idx].name;
	return root.kind == BLAME_CALLER ? "caller" : "unknown";
}
