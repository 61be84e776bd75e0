/* SPDX-License-Identifier: Apache-2.0
 *
 * Per-node figures, channel fill against a brute force, and what is special in slow executions.
 */
#include "traces/opstats.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "tests/traces/synthetic.h"

Test(opstats, quantiles_by_nearest_rank)
{
	static const int64_t values[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 };
	static const struct {
		int64_t n;
		double q;
		int64_t expected;
	} cases[] = { { 0, 0.5, 0 }, { 1, 0.5, 1 }, { 1, 0.99, 1 }, { 2, 0.5, 1 }, { 3, 0.5, 2 }, { 10, 0.5, 5 },
		{ 10, 0.99, 10 }, { 10, 0.9, 9 }, { 10, 0, 1 }, { 10, 1, 10 } };
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t got = opstats_quantile(values, cases[i].n, cases[i].q);
		cr_expect(got == cases[i].expected, "n %lld q %g: %lld, expected %lld", (long long)cases[i].n, cases[i].q,
			(long long)got, (long long)cases[i].expected);
	}
}

Test(opstats, fill_equals_brute_force)
{
	unsigned seed = 1;
	for (int round = 0; round < 500; round++) {
		struct opstats_message messages[20];
		int64_t n = 1 + round % 20, written = 0, released = 0, max = 0, sum = 0, got_max;
		double mean;
		for (int64_t i = 0; i < n; i++) {
			seed = seed * 1103515245u + 12345u;
			written += seed >> 16 & 15;
			released = released > written ? released : written;
			released += seed >> 20 & 31;
			messages[i] = (struct opstats_message){ written, released };
		}
		for (int64_t t = messages[0].written_ns; t <= messages[n - 1].released_ns; t++) {
			int64_t fill = 0;
			for (int64_t i = 0; i < n; i++)
				fill += messages[i].written_ns <= t && t < messages[i].released_ns;
			max = fill > max ? fill : max;
			sum += fill;
		}
		int64_t span = messages[n - 1].released_ns - messages[0].written_ns;
		opstats_fill(messages, n, &mean, &got_max);
		cr_expect(got_max == max || (max == 0 && got_max == 1), "round %d: max %lld, brute force %lld", round,
			(long long)got_max, (long long)max);
		double expected = span ? (double)sum / (double)span : 0;
		cr_expect(mean - expected < 1e-9 && expected - mean < 1e-9, "round %d: mean %g, brute force %g", round, mean,
			expected);
	}
}

/* 10 executions through n0 (w0) and n1 (w1); n1 is slow in execution 4. */
static void enter_executions(struct synthetic_intake *target)
{
	const enum phase phases[] = { PHASE_STARVED, PHASE_COMPUTE };
	for (uint64_t i = 0; i < 10; i++) {
		int64_t at_ns = 2000 + 1000 * (int64_t)i, slow_ns = i == 4 ? 600 : 300;
		struct record driver[] = { synthetic_submit(i, at_ns),
			synthetic_op(0, i, at_ns, 1, &phases[1], (int64_t[]){ 10 }),
			synthetic_finish_record(i, at_ns + 310 + slow_ns, STATUS_OK, 0) };
		struct record first = synthetic_op(2, i, at_ns + 10, 2, phases, (int64_t[]){ 90, 100 + (int64_t)i });
		struct record second = synthetic_op(3, i, at_ns + 300, 2, phases, (int64_t[]){ 10, slow_ns });
		synthetic_intake_enter(target, 0, driver, ARRAY_LEN(driver));
		synthetic_intake_enter(target, 1, &first, 1);
		synthetic_intake_enter(target, 2, &second, 1);
	}
}

Test(opstats, nodes_channels_and_slowest)
{
	struct synthetic synthetic;
	struct synthetic_intake target;
	struct error error = { 0 };
	struct opstats stats = { 0 };
	synthetic_init(&synthetic, 2, 1, 4, 64);
	synthetic_use_ns();
	synthetic_intake_init(&target, &synthetic, ":memory:", 1000);
	enter_executions(&target);
	struct trace trace = { .db = store_db(target.store) };
	cr_assert(opstats_make(&trace, 1, 3, true, &error, &stats) == STATUS_OK, "%s", error.text);
	cr_assert(stats.n_nodes == 4 && stats.n_slow == 3, "%d nodes, %d slow", stats.n_nodes, stats.n_slow);
	const struct opstats_node *node = &stats.nodes[2];
	cr_expect_str_eq(node->name, "n0");
	cr_expect_str_eq(node->worker, "w0");
	cr_expect(node->n == 10 && node->median_ns == 104 && node->p99_ns == 109 && node->max_ns == 109,
		"%lld: %lld %lld %lld", (long long)node->n, (long long)node->median_ns, (long long)node->p99_ns,
		(long long)node->max_ns);
	cr_expect(node->sum_ns[OP_PHASE_STARVED] == 900 && node->sum_ns[OP_PHASE_COMPUTE] == 1045);
	const struct opstats_slow *slow = &stats.slow[0];
	cr_expect(slow->execution == 4 && slow->duration_ns == 910, "execution %lld", (long long)slow->execution);
	cr_assert(slow->phase && slow->node);
	cr_expect_str_eq(slow->phase, "compute");
	cr_expect_str_eq(slow->node, "n1");
	cr_expect(slow->phase_ns == 600 && slow->mean_ns == 330, "%lld, mean %lld", (long long)slow->phase_ns,
		(long long)slow->mean_ns);
	cr_expect(stats.slow[1].phase == NULL, "nothing is special in the others");
	const struct opstats_channel *channel = stats.channels;
	for (int i = 0; i < stats.n_channels && strcmp(channel->name, "n0") != 0; i++)
		channel++;
	/* Written at +200+i, released at +610 (execution 4: +910), one at a time. */
	double busy_ns = 0, span_ns = 9 * 1000 + 610 - 200;
	for (int i = 0; i < 10; i++)
		busy_ns += (i == 4 ? 910 : 610) - 200 - i;
	cr_expect(channel->n == 10 && channel->max_fill == 1, "%lld messages, max %lld", (long long)channel->n,
		(long long)channel->max_fill);
	cr_expect(channel->mean_fill > busy_ns / span_ns - 1e-9 && channel->mean_fill < busy_ns / span_ns + 1e-9,
		"%g, expected %g", channel->mean_fill, busy_ns / span_ns);
	opstats_finish(&stats);
	synthetic_intake_finish(&target);
	synthetic_finish(&synthetic);
}
