/* SPDX-License-Identifier: Apache-2.0
 *
 * compare_measure: two passes over a run: its ops, and the critical path of each execution.
 */
#include "traces/compare_measure.h"

#include <stdlib.h>
#include <string.h>

#include "traces/critical.h"
#include "traces/schema.h"

struct pass {
	const struct align *align;
	const struct align_run *run;
	struct compare_measure *measure;
	int *node_lanes;      /* lane of each node; -1: the driver's */
	int64_t *busy_ns;     /* [executions, lanes] */
	struct error *error;
};

static int out_of_memory(struct error *error)
{
	return error_set(error, STATUS_NO_MEMORY, "no memory to measure the run");
}

bool compare_is_waiting(enum phase phase)
{
	return phase == PHASE_STARVED || phase == PHASE_BACKPRESSURE || phase == PHASE_LATE_RANK;
}

void compare_means(const int64_t *sums, int n_sums, int64_t n, int64_t *means)
{
	int64_t sum = 0, bound = 0;
	for (int i = 0; i < n_sums; i++) {
		sum += sums[i];
		int64_t next = (sum + n / 2) / n;
		means[i] = next - bound;
		bound = next;
	}
}

/* -- ops ---------------------------------------------------------------------------------------------------------------- */

static int find_lane(struct compare_measure *measure, const char *worker)
{
	for (int i = 0; i < measure->n_lanes; i++) {
		if (strcmp(measure->lanes[i].worker, worker) == 0)
			return i;
	}
	measure->lanes[measure->n_lanes].worker = worker;
	return measure->n_lanes++;
}

/* input and output (without an op) are the driver's. */
static int find_lanes(struct pass *pass)
{
	const struct align_run *run = pass->run;
	struct compare_measure *measure = pass->measure;
	pass->node_lanes = malloc((size_t)(run->n_nodes + 1) * sizeof(*pass->node_lanes));
	measure->lanes = calloc((size_t)run->n_nodes + 1, sizeof(*measure->lanes));
	if (!pass->node_lanes || !measure->lanes)
		return out_of_memory(pass->error);
	for (int i = 0; i < run->n_nodes; i++) {
		const struct align_place *node = &run->places[i];
		pass->node_lanes[i] = node->op && node->worker ? find_lane(measure, node->worker) : -1;
	}
	pass->busy_ns = calloc((size_t)(pass->align->n_pairs * measure->n_lanes) + 1, sizeof(*pass->busy_ns));
	return pass->busy_ns ? STATUS_OK : out_of_memory(pass->error);
}

static int read_op(struct pass *pass, struct db_stmt *stmt)
{
	static const unsigned char phases[OP_PHASE_COUNT] = {
#define X(name, word) [OP_PHASE_##name] = PHASE_##name,
		OP_PHASE_MAP(X)
#undef X
	};
	int node = align_node(pass->run, db_column_int(stmt, 0));
	int64_t pair = align_pair(pass->align, db_column_int(stmt, 1)), sum_ns = 0;
	if (node < 0)
		return error_set(pass->error, STATUS_TRACE, "an op of node id %lld, which is not of this run",
			(long long)db_column_int(stmt, 0));
	if (pair < 0)
		return STATUS_OK;
	struct compare_own *own = &pass->measure->own[node];
	int lane = pass->node_lanes[node];
	for (int i = 0; i < OP_PHASE_COUNT; i++) {
		int64_t ns = db_column_int(stmt, 2 + i);
		if (!ns || compare_is_waiting(phases[i]))
			continue;
		own->ns[phases[i]] += ns;
		sum_ns += ns;
		if (lane >= 0)
			pass->measure->lanes[lane].ns[phases[i]] += ns;
	}
	compare_moments_add(&own->moments, (double)sum_ns);
	if (lane >= 0)
		pass->busy_ns[pair * pass->measure->n_lanes + lane] += sum_ns;
	return STATUS_OK;
}

static int64_t lane_sum(const struct compare_lane *lane)
{
	int64_t sum = 0;
	for (int phase = 0; phase < PHASE_COUNT; phase++)
		sum += lane->ns[phase];
	return sum;
}

/* Equal lanes: the first. */
static void weigh_lanes(struct pass *pass)
{
	struct compare_measure *measure = pass->measure;
	measure->bottleneck = measure->n_lanes ? 0 : -1;
	for (int lane = 0; lane < measure->n_lanes; lane++) {
		for (int64_t pair = 0; pair < pass->align->n_pairs; pair++)
			compare_moments_add(&measure->lanes[lane].moments,
				(double)pass->busy_ns[pair * measure->n_lanes + lane]);
		if (lane_sum(&measure->lanes[lane]) > lane_sum(&measure->lanes[measure->bottleneck]))
			measure->bottleneck = lane;
	}
}

static int measure_ops(struct pass *pass)
{
	struct db_stmt *stmt = NULL;
	bool has_row = false;
	int status = find_lanes(pass);
#define X(name, word) ", " word "_ns"
	if (status == STATUS_OK)
		status = db_prepare(pass->run->trace->db, "SELECT node, execution" OP_PHASE_MAP(X)
			" FROM op_event WHERE run = ?", NULL, pass->error, &stmt);
#undef X
	if (status == STATUS_OK)
		db_bind_int(stmt, 1, pass->run->run->id);
	while (status == STATUS_OK && (status = db_step(stmt, &has_row, pass->error)) == STATUS_OK && has_row)
		status = read_op(pass, stmt);
	db_finish(stmt);
	if (status == STATUS_OK)
		weigh_lanes(pass);
	return status;
}

/* -- executions --------------------------------------------------------------------------------------------------------- */

static int by_end(const void *a, const void *b)
{
	const struct align_execution *x = *(const struct align_execution *const *)a;
	const struct align_execution *y = *(const struct align_execution *const *)b;
	return x->end_ns != y->end_ns ? (x->end_ns > y->end_ns) - (x->end_ns < y->end_ns)
		: (x->execution > y->execution) - (x->execution < y->execution);
}

/* `sorted` ascends by end. What ran between two results: from the earlier one, or from the first submit after which there was
 * always something in flight. */
static void add_periods(struct pass *pass, const struct align_execution *const *sorted, int64_t n, int64_t *starts)
{
	for (int64_t i = n - 1; i >= 0; i--)
		starts[i] = i + 1 < n && starts[i + 1] < sorted[i]->start_ns ? starts[i + 1] : sorted[i]->start_ns;
	for (int64_t i = 0; i < n; i++) {
		if (align_pair(pass->align, sorted[i]->execution) < 0
			|| (sorted[i]->execution > 0 && !align_find(pass->run, sorted[i]->execution - 1)))
			continue;
		int64_t from_ns = i && sorted[i - 1]->end_ns > starts[i] ? sorted[i - 1]->end_ns : starts[i];
		compare_moments_add(&pass->measure->period, (double)(sorted[i]->end_ns - from_ns));
	}
}

static int measure_periods(struct pass *pass)
{
	const struct align_run *run = pass->run;
	const struct align_execution **sorted = malloc((size_t)(run->n_executions + 1) * sizeof(*sorted));
	int64_t *starts = malloc((size_t)(run->n_executions + 1) * sizeof(*starts)), n = 0;
	int status = sorted && starts ? STATUS_OK : out_of_memory(pass->error);
	for (int64_t i = 0; status == STATUS_OK && i < run->n_executions; i++) {
		if (run->executions[i].is_ok)
			sorted[n++] = &run->executions[i];
	}
	if (status == STATUS_OK) {
		qsort(sorted, (size_t)n, sizeof(*sorted), by_end);
		add_periods(pass, sorted, n, starts);
	}
	free(sorted);
	free(starts);
	return status;
}
