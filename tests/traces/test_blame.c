/* SPDX-License-Identifier: Apache-2.0
 *
 * Blame: equal to chains followed ns by ns over thousands of simulated runs; the pieces of all waits sum to the waits whatever was
 * lost; main roots of single waits; the worked case of doc/blame.md.
 */
#include "traces/blame.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/attributes.h"
#include "tests/traces/simulated.h"

#define N_RUNS 2000
#define NODES_MAX 40 /* nodes or edges */
#define LANES_MAX 4

static const struct critical_op *find_op(const struct critical_run *run, int32_t node, int64_t execution)
{
	for (int64_t i = 0; i < run->n_ops; i++) {
		if (run->ops[i].node == node && run->ops[i].execution == execution)
			return &run->ops[i];
	}
	return NULL;
}

/* The op whose inputs a lane waits for: its own, or behind a span the next one. */
static const struct critical_op *waiting_op(const struct critical_run *run, const struct critical_op *op)
{
	while (op->node == CRITICAL_NONE)
		op++;
	return op;
}

/* One hop of a chain at time t: the lane waited for into *lane and true; otherwise the chain's end into *root. */
static bool hop(const struct critical_run *run, int64_t t, int32_t *lane, struct blame_root *root)
{
	enum phase phase = PHASE_UNKNOWN;
	const struct critical_op *op = simulated_at(run, *lane, t, &phase);
	*root = (struct blame_root){ .kind = *lane ? BLAME_UNKNOWN : BLAME_CALLER, .phase = PHASE_UNKNOWN, .idx = CRITICAL_NONE };
	if (!op)
		return false;
	if (!critical_is_wait(phase)) {
		*root = (struct blame_root){ .kind = BLAME_NODE, .phase = (uint8_t)phase, .idx = op->node };
		return false;
	}
	const struct critical_op *waiting = waiting_op(run, op);
	int64_t last_ns = INT64_MIN;
	for (int32_t i = 0; i < run->n_edges && phase != PHASE_BACKPRESSURE; i++) {
		const struct critical_op *producer = find_op(run, run->edges[i].src, waiting->execution);
		if (run->edges[i].dst != waiting->node || run->edges[i].is_peer != (phase == PHASE_LATE_RANK))
			continue;
		if (producer->end_ns > t) {
			*lane = producer->lane;
			return true;
		}
		if (producer->end_ns >= last_ns)
			*root = (struct blame_root){ .kind = BLAME_EDGE, .phase = PHASE_UNKNOWN, .idx = i };
		last_ns = producer->end_ns > last_ns ? producer->end_ns : last_ns;
	}
	if (phase != PHASE_BACKPRESSURE)
		return false;
	const struct critical_release *release;
	int64_t free_ns = critical_run_release(run, &run->stores[run->nodes[op->node].stores.first], op->execution, &release);
	*lane = free_ns > t ? release->worker : *lane;
	*root = (struct blame_root){ .kind = BLAME_EDGE, .phase = PHASE_UNKNOWN, .idx = release->edge };
	return free_ns > t;
}

/* [lane][cause][root's kind][its phase][node or edge, from 1] */
struct tally {
	int64_t ns[LANES_MAX][PHASE_COUNT][BLAME_ROOT_COUNT][PHASE_COUNT][NODES_MAX];
};

static int64_t *cell_of(struct tally *sums, int lane, int cause, struct blame_root root)
{
	return &sums->ns[lane][cause][root.kind][root.phase][root.idx + 1];
}

/* Returns the length of all waits. */
static int64_t follow_all(const struct critical_run *run, int64_t from_ns, int64_t until_ns, struct tally *sums)
{
	int64_t n = 0;
	for (int64_t t = from_ns; t < until_ns; t++) {
		for (int32_t lane = 0; lane < run->n_workers; lane++) {
			enum phase phase;
			struct blame_root root;
			int32_t at = lane;
			int n_hops = 0;
			if (!simulated_at(run, lane, t, &phase) || !critical_is_wait(phase))
				continue;
			while (hop(run, t, &at, &root))
				cr_assert(n_hops++ < 2 * LANES_MAX, "a chain without an end at %lld", (long long)t);
			++*cell_of(sums, lane, phase, root);
			n++;
		}
	}
	return n;
}

static void expect_sums(const struct critical_run *run, const struct blame *blame, struct tally *sums, int64_t waits_ns, unsigned seed)
{
	for (int64_t i = 0; i < blame->n_rows; i++) {
		const struct blame_row *row = &blame->rows[i];
		int64_t *cell = cell_of(sums, row->lane, row->cause, row->root);
		cr_assert(*cell == row->ns && row->ns > 0, "seed %u: %s %s because of %s %s: %lld ns, brute force %lld", seed,
			run->workers[row->lane], phase_word((enum phase)row->cause), phase_word((enum phase)row->root.phase),
			blame_root_name(run, row->root), (long long)row->ns, (long long)*cell);
		waits_ns -= *cell;
		*cell = 0;
	}
	cr_assert(waits_ns == 0, "seed %u: brute force has %lld ns more", seed, (long long)waits_ns);
}

static int64_t end_of(const struct critical_run *run)
{
	int64_t end_ns = 0;
	for (int64_t i = 0; i < run->n_ops; i++)
		end_ns = run->ops[i].end_ns > end_ns ? run->ops[i].end_ns : end_ns;
	return end_ns;
}

Test(blame, equals_brute_force_on_simulated_runs)
{
	struct tally *sums = calloc(1, sizeof(*sums));
	struct error error = { 0 };
	int n_runs = 0;
	for (unsigned seed = 1; seed <= N_RUNS; seed++) {
		struct critical_run run;
		struct blame blame;
		if (!simulated_make(&(struct simulated_options){ .seed = seed }, &run))
			continue;
		int64_t end_ns = end_of(&run), from_ns = seed % 3 ? 0 : end_ns / 4, until_ns = seed % 3 ? end_ns : end_ns * 3 / 4;
		cr_assert(blame_make(&run, from_ns, until_ns, NULL, 0, &error, &blame) == STATUS_OK, "%s", error.text);
		int64_t waits_ns = follow_all(&run, from_ns, until_ns, sums);
		expect_sums(&run, &blame, sums, waits_ns, seed);
		blame_finish(&blame);
		critical_run_finish(&run);
		n_runs++;
	}
	cr_expect(n_runs > N_RUNS / 2, "only %d of %d runs were live", n_runs, N_RUNS);
	free(sums);
}

/* Roots are nodes at work, never waits; and each lane's pieces sum to its waits. */
Test(blame, pieces_sum_to_the_waits_whatever_was_lost)
{
	struct error error = { 0 };
	for (unsigned seed = 1; seed <= N_RUNS; seed++) {
		struct critical_run run;
		struct blame blame;
		int64_t waits_ns[LANES_MAX][PHASE_COUNT] = { { 0 } };
		if (!simulated_make(&(struct simulated_options){ .seed = seed, .drops_one_in = seed % 5 }, &run))
			continue;
		for (int64_t i = 0; i < run.n_ops; i++) {
			int64_t at_ns = run.ops[i].start_ns;
			for (uint32_t k = 0; k < run.ops[i].n_pieces; k++) {
				const struct critical_piece *piece = &run.pieces[run.ops[i].first_piece + k];
				waits_ns[run.ops[i].lane][piece->phase] += piece->end_ns - at_ns;
				at_ns = piece->end_ns;
			}
		}
		cr_assert(blame_make(&run, INT64_MIN, INT64_MAX, NULL, 0, &error, &blame) == STATUS_OK, "%s", error.text);
		for (int64_t i = 0; i < blame.n_rows; i++) {
			const struct blame_row *row = &blame.rows[i];
			waits_ns[row->lane][row->cause] -= row->ns;
			cr_expect(row->root.kind != BLAME_NODE || !critical_is_wait((enum phase)row->root.phase),
				"seed %u: the root %s itself is %s", seed, blame_root_name(&run, row->root),
				phase_word((enum phase)row->root.phase));
		}
		for (int lane = 0; lane < run.n_workers; lane++) {
			for (int phase = 0; phase < PHASE_COUNT; phase++)
				cr_assert(!critical_is_wait((enum phase)phase) || waits_ns[lane][phase] == 0,
					"seed %u, %s %s: %lld ns of waits without a root", seed, run.workers[lane],
					phase_word((enum phase)phase), (long long)waits_ns[lane][phase]);
		}
		blame_finish(&blame);
		critical_run_finish(&run);
	}
}

static const struct worked_row {
	int lane;
	const char *root;
	enum phase phase;
	int64_t ns;
} worked_rows[] = {
	{ 0, "b", PHASE_COMPUTE, 192 },
	{ 0, "a", PHASE_COMPUTE, 39 },
	{ 0, "b->output", PHASE_UNKNOWN, 6 },
	{ 0, "a->b", PHASE_UNKNOWN, 2 },
	{ 1, "input", PHASE_WRITE, 10 },
	{ 2, "a", PHASE_COMPUTE, 40 },
	{ 2, "input", PHASE_WRITE, 10 },
	{ 2, "a->b", PHASE_UNKNOWN, 2 },
};

Test(blame, worked_case)
{
	struct critical_run run;
	struct blame blame;
	struct error error = { 0 };
	struct blame_span spans[] = { { .id = 1, .lane = 0, .start_ns = 12, .end_ns = 155 },
		{ .id = 2, .lane = 1, .start_ns = 1, .end_ns = 10 }, { .id = 3, .lane = 2, .start_ns = 1, .end_ns = 52 },
		{ .id = 4, .lane = 2, .start_ns = 100, .end_ns = 110 } };
	static const char *const roots[] = { "b", "input", "a", NULL };
	simulated_worked(&run);
	cr_assert(blame_make(&run, INT64_MIN, INT64_MAX, spans, ARRAY_LEN(spans), &error, &blame) == STATUS_OK, "%s", error.text);
	cr_expect(blame.n_rows == (int64_t)ARRAY_LEN(worked_rows), "%lld rows, expected %zu", (long long)blame.n_rows,
		ARRAY_LEN(worked_rows));
	for (size_t i = 0; i < ARRAY_LEN(worked_rows); i++) {
		const struct worked_row *want = &worked_rows[i];
		int64_t ns = 0;
		for (int64_t k = 0; k < blame.n_rows; k++) {
			const struct blame_row *row = &blame.rows[k];
			if (row->lane == want->lane && row->cause == PHASE_STARVED && row->root.phase == want->phase
				&& strcmp(blame_root_name(&run, row->root), want->root) == 0)
				ns = row->ns;
		}
		cr_expect(ns == want->ns, "%s waited for %s: %lld ns, expected %lld", run.workers[want->lane], want->root, (long long)ns,
			(long long)want->ns);
	}
	for (size_t i = 0; i < ARRAY_LEN(spans); i++) {
		const char *name = spans[i].is_found ? blame_root_name(&run, spans[i].root) : NULL;
		cr_expect(spans[i].is_found == (roots[i] != NULL) && (!name || strcmp(name, roots[i]) == 0), "wait %zu: %s, expected %s",
			i, name ? name : "none", roots[i] ? roots[i] : "none");
	}
	blame_finish(&blame);
	critical_run_finish(&run);
}
