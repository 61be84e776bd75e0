/* SPDX-License-Identifier: Apache-2.0
 *
 * Critical paths: equal to a walk back ns by ns over thousands of simulated runs; whole whatever was lost; the worked case of
 * doc/blame.md; sums over executions.
 */
#include "traces/critical.h"

#include <criterion/criterion.h>

#include "engine/base/attributes.h"
#include "tests/traces/simulated.h"

#define N_RUNS 3000

static const struct critical_op *find_op(const struct critical_run *run, int32_t node, int64_t execution)
{
	for (int64_t i = 0; i < run->n_ops; i++) {
		if (run->ops[i].node == node && run->ops[i].execution == execution)
			return &run->ops[i];
	}
	return NULL;
}

/* When the last input was published, by looking at all edges; the later one of two that are equal. */
static int64_t published(const struct critical_run *run, int32_t node, int64_t execution, int32_t *ret_edge)
{
	int64_t last_ns = INT64_MIN;
	*ret_edge = CRITICAL_NONE;
	for (int32_t i = 0; i < run->n_edges; i++) {
		const struct critical_op *op = find_op(run, run->edges[i].src, execution);
		if (run->edges[i].dst == node && op && op->end_ns >= last_ns) {
			last_ns = op->end_ns;
			*ret_edge = i;
		}
	}
	return last_ns;
}

static struct critical_step step_of(enum critical_role role, enum phase kind, int32_t node, int32_t edge, int64_t execution)
{
	return (struct critical_step){ .role = role, .kind = kind, .node = node, .edge = edge, .execution = execution };
}

/* What another lane's op, or nothing, at a time means for the path of `execution` at `node`. */
static struct critical_step elsewhere(const struct critical_run *run, int32_t lane, int64_t t, struct critical_step like,
	struct critical_step waiting)
{
	enum phase phase;
	const struct critical_op *op = simulated_at(run, lane, t, &phase);
	if (!op)
		return step_of(lane ? like.role == CRITICAL_QUEUE ? CRITICAL_OWN : like.role : CRITICAL_CALLER, PHASE_UNKNOWN, like.node,
			like.edge, like.execution);
	if (op->node == CRITICAL_NONE)
		return waiting;
	return step_of(like.role, phase, op->node, like.edge, op->execution);
}

/* Who explains [t, t + 1) for an execution that is at *node then; *node moves back to producers. */
static struct critical_step explain(const struct critical_run *run, int64_t execution, int64_t t, int32_t *node)
{
	int32_t edge;
	int64_t ready_ns;
	while ((ready_ns = published(run, *node, execution, &edge)) > t)
		*node = run->edges[edge].src;
	const struct critical_op *op = find_op(run, *node, execution);
	bool is_late = edge != CRITICAL_NONE && run->edges[edge].is_peer;
	struct critical_step delivery = step_of(edge == CRITICAL_NONE ? CRITICAL_OWN : CRITICAL_EDGE,
		is_late ? PHASE_LATE_RANK : PHASE_STARVED, *node, edge, execution);
	if (t < op->start_ns)
		return elsewhere(run, op->lane, t, step_of(CRITICAL_QUEUE, PHASE_UNKNOWN, *node, CRITICAL_NONE, execution), delivery);
	enum phase phase;
	simulated_at(run, op->lane, t, &phase);
	if (phase == PHASE_STARVED || phase == PHASE_LATE_RANK)
		return delivery;
	if (phase != PHASE_BACKPRESSURE)
		return step_of(CRITICAL_OWN, phase, *node, CRITICAL_NONE, execution);
	const struct critical_store *store = &run->stores[run->nodes[*node].stores.first];
	const struct critical_release *release;
	int64_t free_ns = critical_run_release(run, store, execution, &release);
	if (t >= free_ns)
		return step_of(CRITICAL_EDGE, PHASE_BACKPRESSURE, *node, release->edge, execution);
	struct critical_step held = step_of(CRITICAL_HELD, PHASE_BACKPRESSURE, release->node, release->edge, execution);
	return elsewhere(run, release->worker, t, held, held);
}

static void expect_whole(const struct critical_path *path, const struct critical_execution *execution, unsigned seed)
{
	int64_t at_ns = execution->start_ns;
	for (int i = 0; i < path->n_steps; i++) {
		cr_assert(path->steps[i].start_ns == at_ns && path->steps[i].duration_ns > 0,
			"seed %u, execution %lld, step %d: starts at %lld for %lld ns, expected at %lld", seed,
			(long long)execution->execution, i, (long long)path->steps[i].start_ns, (long long)path->steps[i].duration_ns,
			(long long)at_ns);
		at_ns += path->steps[i].duration_ns;
	}
	cr_assert(at_ns == execution->end_ns, "seed %u, execution %lld: the steps end at %lld, the execution at %lld", seed,
		(long long)execution->execution, (long long)at_ns, (long long)execution->end_ns);
}

static void expect_brute_force(const struct critical_run *run, const struct critical_execution *execution,
	const struct critical_path *path, unsigned seed)
{
	int32_t node = 1;
	int i = path->n_steps - 1;
	for (int64_t t = execution->end_ns - 1; t >= execution->start_ns; t--) {
		struct critical_step want = explain(run, execution->execution, t, &node);
		while (i > 0 && path->steps[i].start_ns > t)
			i--;
		const struct critical_step *got = &path->steps[i];
		cr_assert(got->role == want.role && got->kind == want.kind && got->node == want.node && got->edge == want.edge
				&& got->execution == want.execution,
			"seed %u, execution %lld at %lld: %s %s node %d edge %d of %lld, brute force %s %s node %d edge %d of %lld", seed,
			(long long)execution->execution, (long long)t, critical_role_word(got->role), phase_word(got->kind), got->node,
			got->edge, (long long)got->execution, critical_role_word(want.role), phase_word(want.kind), want.node, want.edge,
			(long long)want.execution);
	}
}

Test(critical, equals_brute_force_on_simulated_runs)
{
	struct error error = { 0 };
	int n_paths = 0;
	for (unsigned seed = 1; seed <= N_RUNS; seed++) {
		struct critical_run run;
		struct critical_path path = { 0 };
		if (!simulated_make(&(struct simulated_options){ .seed = seed }, &run))
			continue;
		for (int64_t i = 0; i < run.n_executions; i++, n_paths++) {
			cr_assert(critical_path_make(&run, &run.executions[i], &path, &error) == STATUS_OK, "%s", error.text);
			expect_whole(&path, &run.executions[i], seed);
			expect_brute_force(&run, &run.executions[i], &path, seed);
		}
		critical_path_finish(&path);
		critical_run_finish(&run);
	}
	cr_expect(n_paths > 2 * N_RUNS, "only %d paths", n_paths);
}

Test(critical, is_whole_whatever_was_lost)
{
	struct error error = { 0 };
	for (unsigned seed = 1; seed <= N_RUNS; seed++) {
		struct critical_run run;
		struct critical_path path = { 0 };
		if (!simulated_make(&(struct simulated_options){ .seed = seed, .drops_one_in = 4 }, &run))
			continue;
		for (int64_t i = 0; i < run.n_executions; i++) {
			cr_assert(critical_path_make(&run, &run.executions[i], &path, &error) == STATUS_OK, "%s", error.text);
			expect_whole(&path, &run.executions[i], seed);
		}
		critical_path_finish(&path);
		critical_run_finish(&run);
	}
}

Test(critical, summary_sums_what_the_paths_say)
{
	struct error error = { 0 };
	for (unsigned seed = 1; seed <= 200; seed++) {
		struct critical_run run;
		struct critical_summary summary;
		if (!simulated_make(&(struct simulated_options){ .seed = seed }, &run))
			continue;
		for (int64_t i = 0; i < run.n_executions / 3; i++)
			run.executions[i].is_warmup = true;
		cr_assert(critical_summary_make(&run, 1000, &error, &summary) == STATUS_OK, "%s", error.text);
		int64_t sum_ns = 0, latencies_ns = 0, n = run.n_executions - run.n_executions / 3;
		for (int i = 0; i < summary.n_shares; i++) {
			sum_ns += summary.shares[i].ns;
			cr_expect(i == 0 || summary.shares[i].ns <= summary.shares[i - 1].ns, "seed %u: share %d is larger", seed, i);
		}
		for (int64_t i = run.n_executions / 3; i < run.n_executions; i++)
			latencies_ns += run.executions[i].end_ns - run.executions[i].start_ns;
		cr_expect(sum_ns == latencies_ns && summary.ns == latencies_ns && summary.n_executions == n,
			"seed %u: shares %lld, sum %lld of %lld executions; latencies %lld of %lld", seed, (long long)sum_ns,
			(long long)summary.ns, (long long)summary.n_executions, (long long)latencies_ns, (long long)n);
		critical_summary_finish(&summary);
		cr_assert(critical_summary_make(&run, 1, &error, &summary) == STATUS_OK, "%s", error.text);
		cr_expect(summary.n_executions == 1, "%lld executions, asked for 1", (long long)summary.n_executions);
		critical_summary_finish(&summary);
		critical_run_finish(&run);
	}
}

/* doc/blame.md, execution 1 of the worked case. */
Test(critical, worked_case)
{
	static const struct critical_step expected[] = {
		{ 10, 1, PHASE_WRITE, CRITICAL_OWN, 0, CRITICAL_NONE, 1 },
		{ 11, 39, PHASE_COMPUTE, CRITICAL_QUEUE, 2, CRITICAL_NONE, 0 },
		{ 50, 40, PHASE_COMPUTE, CRITICAL_OWN, 2, CRITICAL_NONE, 1 },
		{ 90, 62, PHASE_COMPUTE, CRITICAL_QUEUE, 3, CRITICAL_NONE, 0 },
		{ 152, 100, PHASE_COMPUTE, CRITICAL_OWN, 3, CRITICAL_NONE, 1 },
		{ 252, 3, PHASE_STARVED, CRITICAL_EDGE, 1, 2, 1 },
		{ 255, 5, PHASE_READ, CRITICAL_OWN, 1, CRITICAL_NONE, 1 },
	};
	struct critical_run run;
	struct critical_path path = { 0 };
	struct error error = { 0 };
	simulated_worked(&run);
	cr_assert(critical_path_make(&run, &run.executions[1], &path, &error) == STATUS_OK, "%s", error.text);
	cr_assert(path.n_steps == (int)ARRAY_LEN(expected), "%d steps, expected %d", path.n_steps, (int)ARRAY_LEN(expected));
	for (int i = 0; i < path.n_steps; i++) {
		const struct critical_step *got = &path.steps[i], *want = &expected[i];
		cr_expect(got->start_ns == want->start_ns && got->duration_ns == want->duration_ns && got->kind == want->kind
				&& got->role == want->role && got->node == want->node && got->edge == want->edge
				&& got->execution == want->execution,
			"step %d: %lld +%lld %s %s node %d edge %d of %lld, expected %lld +%lld %s %s node %d edge %d of %lld", i,
			(long long)got->start_ns, (long long)got->duration_ns, critical_role_word(got->role), phase_word(got->kind),
			got->node, got->edge, (long long)got->execution, (long long)want->start_ns, (long long)want->duration_ns,
			critical_role_word(want->role), phase_word(want->kind), want->node, want->edge, (long long)want->execution);
	}
	critical_path_finish(&path);
	critical_run_finish(&run);
}
