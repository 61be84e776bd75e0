/* SPDX-License-Identifier: Apache-2.0
 *
 * What if: cycle ratios equal to all cycles tried out; periods equal to what simulated runs settle at, before and after a node was
 * really halved; latency gains.
 */
#include "traces/whatif.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/attributes.h"
#include "tests/traces/simulated.h"

#define TRANSITIONS_MAX 6
#define PLACES_MAX 14

static unsigned draw(unsigned *state, unsigned n)
{
	*state = *state * 1103515245u + 12345u;
	return (*state >> 16) % n;
}

/* The best ratio over all simple cycles through `start` and transitions above it. */
static double try_ways(const struct whatif_place *places, int n_places, int start, int at, unsigned seen, double ns, double tokens)
{
	double best = 0;
	for (int i = 0; i < n_places; i++) {
		double ratio = 0;
		if (places[i].from != at || places[i].to < start)
			continue;
		if (places[i].to == start)
			ratio = (ns + places[i].ns) / (tokens + places[i].tokens);
		else if (!(seen & 1u << places[i].to))
			ratio = try_ways(places, n_places, start, places[i].to, seen | 1u << places[i].to, ns + places[i].ns,
				tokens + places[i].tokens);
		best = ratio > best ? ratio : best;
	}
	return best;
}

Test(whatif, cycle_ratio_equals_brute_force)
{
	unsigned state = 1;
	for (int round = 0; round < 3000; round++) {
		struct whatif_place places[PLACES_MAX];
		int32_t cycle[TRANSITIONS_MAX];
		int n = 1 + (int)draw(&state, TRANSITIONS_MAX), n_places = (int)draw(&state, PLACES_MAX + 1), n_cycle = 0;
		double best = 0;
		for (int i = 0; i < n_places; i++) {
			places[i] = (struct whatif_place){ .from = (int)draw(&state, (unsigned)n), .to = (int)draw(&state, (unsigned)n),
				.ns = draw(&state, 100) };
			places[i].tokens = places[i].from < places[i].to ? (int)draw(&state, 3) : 1 + (int)draw(&state, 4);
		}
		for (int start = 0; start < n; start++) {
			double ratio = try_ways(places, n_places, start, start, 1u << start, 0, 0);
			best = ratio > best ? ratio : best;
		}
		double got = whatif_max_cycle_ratio(places, n_places, n, cycle, &n_cycle);
		cr_assert(fabs(got - best) < 1e-2, "round %d: %g, brute force %g", round, got, best);
		for (int i = 0; i < n_cycle; i++) {
			bool is_linked = false;
			for (int k = 0; k < n_places; k++)
				is_linked |= places[k].from == cycle[i] && places[k].to == cycle[(i + 1) % n_cycle];
			cr_assert(is_linked, "round %d: no place leads from %d to %d", round, cycle[i], cycle[(i + 1) % n_cycle]);
		}
	}
	const struct whatif_place stuck[] = { { 0, 1, 5, 0 }, { 1, 0, 5, 0 } };
	cr_expect(isinf(whatif_max_cycle_ratio(stuck, 2, 2, NULL, NULL)), "a cycle without a token has no period");
	cr_expect(whatif_max_cycle_ratio(stuck, 1, 2, NULL, NULL) == 0, "without a cycle there is no period");
}

/* Mean time between results after it has settled and before it drains, over a multiple of what patterns repeat after. */
static double settled_period(const struct critical_run *run)
{
	return (double)(run->executions[132].end_ns - run->executions[60].end_ns) / 72;
}

Test(whatif, period_equals_what_steady_runs_settle_at)
{
	int n_runs = 0, n_equal = 0;
	for (unsigned seed = 1; seed <= 400; seed++) {
		struct critical_run run;
		double work_ns[64], delivery_ns[64] = { 0 };
		struct whatif whatif = { 0 };
		if (!simulated_make(&(struct simulated_options){ .seed = seed, .n_executions = 150, .is_steady = true }, &run))
			continue;
		for (int i = 0; i < run.n_nodes; i++)
			work_ns[i] = (double)run.nodes[i].mean_work_ns;
		double got = whatif_period(&run, work_ns, delivery_ns, &whatif), want = settled_period(&run);
		/* The simulated driver submits and takes in a fixed order, which can only cost time. */
		cr_expect(got <= want * 1.001 + 0.01, "seed %u: the model's period is %g, the run's %g", seed, got, want);
		n_runs++;
		n_equal += fabs(got - want) < 0.002 * want + 0.01;
		whatif_finish(&whatif);
		critical_run_finish(&run);
	}
	cr_expect(n_runs > 200 && n_equal * 100 > n_runs * 93, "only %d of %d runs settle at the model's period", n_equal, n_runs);
}

/* input -> a (40) -> b (100) -> output over two workers: b sets the period, however fast a is. */
Test(whatif, worked_case)
{
	struct critical_run run;
	struct critical_summary summary = { 0 };
	struct whatif whatif;
	struct error error = { 0 };
	const double delivery_ns[] = { 0, 0, 0 };
	simulated_worked(&run);
	cr_assert(critical_summary_make(&run, 10, &error, &summary) == STATUS_OK, "%s", error.text);
	cr_assert(whatif_make(&run, &summary, delivery_ns, 5, &error, &whatif) == STATUS_OK, "%s", error.text);
	cr_expect(whatif.period_ns == 100, "period %g, expected 100", whatif.period_ns);
	cr_expect(whatif.n_cycle == 1 && whatif.cycle[0] == 3, "the cycle has %d nodes", whatif.n_cycle);
	cr_assert(whatif.n_gains == 2, "%d gains", whatif.n_gains);
	/* With b at 50 the two in flight go round in input 5.5 + a 40 + b 50 + output 5. */
	static const struct {
		int node;
		double period_ns;
		int64_t latency_ns;
	} expected[] = { { 3, 100.5 / 2, (100 + 162) / 2 / 2 }, { 2, 100, (40 + 79) / 2 / 2 } };
	for (int i = 0; i < 2; i++) {
		const struct whatif_gain *gain = &whatif.gains[i];
		cr_expect(gain->node == expected[i].node && fabs(gain->period_ns - expected[i].period_ns) < 0.3
				&& gain->latency_ns == expected[i].latency_ns,
			"gain %d: node %d, period %g, latency %lld; expected node %d, %g, %lld", i, gain->node, gain->period_ns,
			(long long)gain->latency_ns, expected[i].node, expected[i].period_ns, (long long)expected[i].latency_ns);
	}
	whatif_finish(&whatif);
	critical_summary_finish(&summary);
	critical_run_finish(&run);
}
