/* SPDX-License-Identifier: Apache-2.0
 *
 * compare_measure: loads a run and goes over it: its ops, the critical path of each execution, its results in order of time.
 */
#include "traces/compare_measure.h"

#include <stdlib.h>
#include <string.h>

#include "traces/critical.h"

struct pass {
	const struct align *align;
	const struct align_run *run;
	struct compare_measure *measure;
	const struct critical_run *loaded;
	struct error *error;
};

static int out_of_memory(struct error *error)
{
	return error_set(error, STATUS_NO_MEMORY, "no memory to measure the run");
}

const char *compare_kind_word(int kind)
{
	return kind == COMPARE_KIND_CALLER ? "caller" : phase_word((enum phase)kind);
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

/* -- ops ------------------------------------------------------------------------------------------------- */

static void add_op(struct pass *pass, const struct critical_op *op)
{
	int64_t sum_ns = 0, start_ns = op->start_ns;
	if (op->node == CRITICAL_NONE || align_pair(pass->align, op->execution) < 0)
		return;
	struct compare_own *own = &pass->measure->own[op->node];
	for (uint32_t i = 0; i < op->n_pieces; i++) {
		const struct critical_piece *piece = &pass->loaded->pieces[op->first_piece + i];
		int64_t ns = piece->end_ns - start_ns;
		start_ns = piece->end_ns;
		if (critical_is_wait((enum phase)piece->phase))
			continue;
		own->ns[piece->phase] += ns;
		sum_ns += ns;
	}
	compare_moments_add(&own->moments, (double)sum_ns);
}

static struct compare_lane *find_lane(struct compare_measure *measure, const char *worker)
{
	for (int i = 0; i < measure->n_lanes; i++) {
		if (strcmp(measure->lanes[i].worker, worker) == 0)
			return &measure->lanes[i];
	}
	measure->lanes[measure->n_lanes].worker = worker;
	return &measure->lanes[measure->n_lanes++];
}

static int64_t lane_sum(const struct compare_lane *lane)
{
	int64_t sum = 0;
	for (int kind = 0; kind < COMPARE_KIND_COUNT; kind++)
		sum += lane->ns[kind];
	return sum;
}

/* input and output (without an op) are the driver's. Equal lanes: the first. */
void compare_measure_lanes(const struct align_run *run, struct compare_measure *measure)
{
	for (int i = 0; i < run->n_nodes; i++) {
		const struct align_place *node = &run->places[i];
		if (!node->op || !node->worker)
			continue;
		struct compare_lane *lane = find_lane(measure, node->worker);
		for (int kind = 0; kind < COMPARE_KIND_COUNT; kind++)
			lane->ns[kind] += measure->own[i].ns[kind];
	}
	measure->bottleneck = measure->n_lanes ? 0 : -1;
	for (int lane = 1; lane < measure->n_lanes; lane++) {
		if (lane_sum(&measure->lanes[lane]) > lane_sum(&measure->lanes[measure->bottleneck]))
			measure->bottleneck = lane;
	}
}

static void measure_ops(struct pass *pass)
{
	for (int64_t i = 0; i < pass->loaded->n_ops; i++)
		add_op(pass, &pass->loaded->ops[i]);
	compare_measure_lanes(pass->run, pass->measure);
}

/* -- executions ------------------------------------------------------------------------------------------ */

static int by_end(const void *a, const void *b)
{
	const struct align_execution *x = *(const struct align_execution *const *)a;
	const struct align_execution *y = *(const struct align_execution *const *)b;
	return x->end_ns != y->end_ns ? (x->end_ns > y->end_ns) - (x->end_ns < y->end_ns)
		: (x->execution > y->execution) - (x->execution < y->execution);
}

/* `sorted` ascends by end. What ran between two results: from the earlier one, or from the first submit after which there
 * was always something in flight. */
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

static void add_path(struct pass *pass, const struct align_execution *execution, const struct critical_path *path)
{
	struct compare_measure *measure = pass->measure;
	int64_t kinds_ns[COMPARE_KIND_COUNT] = { 0 };
	for (int i = 0; i < path->n_steps; i++) {
		const struct critical_step *step = &path->steps[i];
		int kind = step->role == CRITICAL_CALLER ? COMPARE_KIND_CALLER : (int)step->kind;
		int place = step->role == CRITICAL_EDGE && step->edge != CRITICAL_NONE ? pass->run->n_nodes + step->edge
			: step->role == CRITICAL_CALLER || step->node == CRITICAL_NONE ? measure->n_places : step->node;
		measure->path_ns[place][kind] += step->duration_ns;
		kinds_ns[kind] += step->duration_ns;
	}
	for (int kind = 0; kind < COMPARE_KIND_COUNT; kind++)
		compare_moments_add(&measure->kinds[kind], (double)kinds_ns[kind]);
	measure->latency_ns += execution->end_ns - execution->start_ns;
	compare_moments_add(&measure->latency, (double)(execution->end_ns - execution->start_ns));
	measure->n++;
}

static int measure_paths(struct pass *pass)
{
	struct critical_path path = { .n_steps = 0 };
	int status = STATUS_OK;
	for (int64_t i = 0; status == STATUS_OK && i < pass->align->n_pairs; i++) {
		const struct align_execution *execution = align_find(pass->run, pass->align->pairs[i]);
		const struct critical_execution whole = { .execution = execution->execution, .start_ns = execution->start_ns,
			.end_ns = execution->end_ns };
		status = critical_path_make(pass->loaded, &whole, &path, pass->error);
		if (status == STATUS_OK)
			add_path(pass, execution, &path);
	}
	critical_path_finish(&path);
	return status;
}

int compare_measure_init(const struct align_run *run, struct error *error, struct compare_measure *ret_measure)
{
	struct compare_measure measure = { .bottleneck = -1, .n_places = run->n_nodes + run->n_edges };
	measure.path_ns = calloc((size_t)measure.n_places + 1, sizeof(*measure.path_ns));
	measure.own = calloc((size_t)run->n_nodes + 1, sizeof(*measure.own));
	measure.lanes = calloc((size_t)run->n_nodes + 1, sizeof(*measure.lanes));
	if (!measure.path_ns || !measure.own || !measure.lanes) {
		compare_measure_finish(&measure);
		return out_of_memory(error);
	}
	*ret_measure = measure;
	return STATUS_OK;
}

static int go_over(struct pass *pass)
{
	if (pass->loaded->n_nodes != pass->run->n_nodes || pass->loaded->n_edges != pass->run->n_edges)
		return error_set(pass->error, STATUS_TRACE, "%s: nodes or edges of run %lld are missing", pass->run->trace->file,
			(long long)pass->run->run->id);
	measure_ops(pass);
	int status = measure_paths(pass);
	return status == STATUS_OK ? measure_periods(pass) : status;
}

int compare_measure_make(const struct align *align, int side, const struct critical_run *loaded, struct error *error,
	struct compare_measure *ret_measure)
{
	struct compare_measure measure;
	struct critical_run own = { .n_ops = 0 };
	struct pass pass = { .align = align, .run = &align->runs[side], .measure = &measure,
		.loaded = loaded ? loaded : &own, .error = error };
	int status = compare_measure_init(pass.run, error, &measure);
	if (status != STATUS_OK)
		return status;
	if (!loaded)
		status = critical_run_load(pass.run->trace->db, pass.run->run->id, error, &own);
	if (status == STATUS_OK)
		status = go_over(&pass);
	critical_run_finish(&own);
	if (status != STATUS_OK) {
		compare_measure_finish(&measure);
		return status;
	}
	*ret_measure = measure;
	return STATUS_OK;
}

void compare_measure_finish(struct compare_measure *measure)
{
	free(measure->path_ns);
	free(measure->own);
	free(measure->lanes);
	*measure = (struct compare_measure){ .bottleneck = -1 };
}
