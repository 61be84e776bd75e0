/* SPDX-License-Identifier: Apache-2.0
 *
 * compare: from two runs' measures to means, differences and intervals.
 */
#include "traces/compare.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "traces/compare_stored.h"

static int out_of_memory(struct error *error)
{
	return error_set(error, STATUS_NO_MEMORY, "no memory to compare the runs");
}

/* All reasons in one line, as far as it goes. */
static int refuse(const struct compare_reasons *reasons, struct error *error)
{
	struct strbuf text = STRBUF_INIT;
	for (int i = 0; i < reasons->n_items; i++) {
		if (reasons->items[i].is_refusal)
			strbuf_addf(&text, "%s%s", text.length ? "; " : "", reasons->items[i].text);
	}
	error_set(error, STATUS_NOT_COMPARABLE, "a comparison would mislead: %s. --force compares anyway", strbuf_text(&text));
	strbuf_finish(&text);
	return STATUS_NOT_COMPARABLE;
}

/* -- latency --------------------------------------------------------------------------------------------- */

static int64_t sum_of(const int64_t *values, int n)
{
	int64_t sum = 0;
	for (int i = 0; i < n; i++)
		sum += values[i];
	return sum;
}

/* Replaces the sums of the path by their means. */
static void settle_latency(struct compare *compare, int side)
{
	struct compare_measure *measure = &compare->measures[side];
	int n_cells = (measure->n_places + 1) * COMPARE_KIND_COUNT;
	if (measure->n)
		compare_means(measure->path_ns[0], n_cells, measure->n, measure->path_ns[0]);
	for (int place = 0; place <= measure->n_places; place++) {
		for (int kind = 0; kind < COMPARE_KIND_COUNT; kind++)
			compare->kinds_ns[side][kind] += measure->path_ns[place][kind];
	}
	compare->latency_ns[side] = sum_of(compare->kinds_ns[side], COMPARE_KIND_COUNT);
	compare->nowhere_ns[side] = sum_of(measure->path_ns[measure->n_places], COMPARE_KIND_COUNT);
}

/* -- throughput ------------------------------------------------------------------------------------------ */

/* Rates by what the mean period of B would be at the bounds of the difference. */
static void settle_throughput(struct compare *compare)
{
	const struct compare_moments *a = &compare->measures[0].period, *b = &compare->measures[1].period;
	compare->has_throughput = a->n && b->n && a->mean > 0 && b->mean > 0;
	if (!compare->has_throughput)
		return;
	struct compare_interval period = compare_welch(a, b);
	compare->per_s[0] = 1e9 / a->mean;
	compare->per_s[1] = 1e9 / b->mean;
	compare->throughput = (struct compare_interval){ .delta = compare->per_s[1] - compare->per_s[0], .low = -INFINITY,
		.high = INFINITY, .is_known = period.is_known };
	if (period.is_known)
		compare->throughput.low = 1e9 / (a->mean + period.high) - compare->per_s[0];
	if (period.is_known && a->mean + period.low > 0)
		compare->throughput.high = 1e9 / (a->mean + period.low) - compare->per_s[0];
}

static void settle_bottleneck(struct compare *compare)
{
	const struct compare_lane *lanes[2] = { NULL, NULL };
	for (int side = 0; side < 2; side++) {
		const struct compare_measure *measure = &compare->measures[side];
		if (measure->bottleneck < 0 || !measure->n)
			return;
		lanes[side] = &measure->lanes[measure->bottleneck];
		compare_means(lanes[side]->ns, COMPARE_KIND_COUNT, measure->n, compare->bottleneck_kinds_ns[side]);
		compare->bottleneck_ns[side] = sum_of(compare->bottleneck_kinds_ns[side], COMPARE_KIND_COUNT);
	}
	compare->has_bottleneck = true;
	compare->has_moved = strcmp(lanes[0]->worker, lanes[1]->worker) != 0;
}

/* -- rows ------------------------------------------------------------------------------------------------ */

static void fill_side(const struct compare *compare, struct compare_row *row, int side)
{
	const struct compare_measure *measure = &compare->measures[side];
	int place = row->places[side];
	if (place < 0)
		return;
	memcpy(row->path_kinds_ns[side], measure->path_ns[place], sizeof(row->path_kinds_ns[side]));
	row->path_ns[side] = sum_of(row->path_kinds_ns[side], COMPARE_KIND_COUNT);
	if (row->is_edge || !measure->own[place].moments.n)
		return;
	row->has_own[side] = true;
	compare_means(measure->own[place].ns, COMPARE_KIND_COUNT, measure->own[place].moments.n, row->own_kinds_ns[side]);
	row->own_ns[side] = sum_of(row->own_kinds_ns[side], COMPARE_KIND_COUNT);
}

static void add_row(struct compare *compare, int side, int idx)
{
	const struct align_place *place = &compare->align.runs[side].places[idx];
	struct compare_row *row = &compare->rows[compare->n_rows++];
	*row = (struct compare_row){ .name = place->name, .op = place->op, .is_edge = place->is_edge };
	row->places[side] = idx;
	row->places[1 - side] = place->twin;
	fill_side(compare, row, 0);
	fill_side(compare, row, 1);
	static const struct compare_moments none;
	row->interval = row->has_own[0] && row->has_own[1]
		? compare_welch(&compare->measures[0].own[row->places[0]].moments,
			&compare->measures[1].own[row->places[1]].moments)
		: compare_welch(&none, &none);
}

static int64_t change(const struct compare_row *row)
{
	int64_t own = llabs(row->own_ns[1] - row->own_ns[0]), path = llabs(row->path_ns[1] - row->path_ns[0]);
	return own > path ? own : path;
}

static int by_change(const void *a, const void *b)
{
	const struct compare_row *x = a, *y = b;
	if (change(x) != change(y))
		return change(x) < change(y) ? 1 : -1;
	return x->is_edge != y->is_edge ? x->is_edge - y->is_edge : strcmp(x->name, y->name);
}

static int make_rows(struct compare *compare, struct error *error)
{
	int n[2];
	for (int side = 0; side < 2; side++)
		n[side] = compare->align.runs[side].n_nodes + compare->align.runs[side].n_edges;
	compare->rows = malloc((size_t)(n[0] + n[1] + 1) * sizeof(*compare->rows));
	if (!compare->rows)
		return out_of_memory(error);
	for (int i = 0; i < n[0]; i++)
		add_row(compare, 0, i);
	for (int i = 0; i < n[1]; i++) {
		if (compare->align.runs[1].places[i].twin < 0)
			add_row(compare, 1, i);
	}
	qsort(compare->rows, (size_t)compare->n_rows, sizeof(*compare->rows), by_change);
	return STATUS_OK;
}

/* -- the whole ------------------------------------------------------------------------------------------- */

/* Both from stored sums, or none. */
static int read_stored(struct compare *compare, struct error *error)
{
	bool are_there = compare_stored_serves(&compare->align);
	int status = STATUS_OK;
	for (int side = 0; status == STATUS_OK && are_there && side < 2; side++)
		status = compare_stored_read(&compare->align, side, error, &are_there, &compare->measures[side]);
	compare->is_stored = status == STATUS_OK && are_there;
	for (int side = 0; !compare->is_stored && side < 2; side++)
		compare_measure_finish(&compare->measures[side]);
	return status;
}

static int fill(struct compare *compare, bool is_exact, struct error *error)
{
	int status = is_exact ? STATUS_OK : read_stored(compare, error);
	for (int side = 0; status == STATUS_OK && !compare->is_stored && side < 2; side++)
		status = compare_measure_make(&compare->align, side, NULL, error, &compare->measures[side]);
	if (status != STATUS_OK)
		return status;
	const struct compare_measure *a = &compare->measures[0], *b = &compare->measures[1];
	settle_latency(compare, 0);
	settle_latency(compare, 1);
	compare->latency = compare_welch(&a->latency, &b->latency);
	for (int kind = 0; kind < COMPARE_KIND_COUNT; kind++)
		compare->kinds[kind] = compare_welch(&a->kinds[kind], &b->kinds[kind]);
	settle_throughput(compare);
	settle_bottleneck(compare);
	return make_rows(compare, error);
}

int compare_make(const struct align_side sides[2], const struct compare_options *options, struct error *error,
	struct compare *ret_compare)
{
	struct compare compare = { .n_rows = 0 };
	int status = align_make(sides, error, &compare.align);
	if (status == STATUS_OK)
		status = compare_reasons_find(&compare.align, error, &compare.reasons);
	if (status == STATUS_OK && compare.reasons.n_refusals && !(options && options->is_forced))
		status = refuse(&compare.reasons, error);
	if (status == STATUS_OK)
		status = fill(&compare, options && options->is_exact, error);
	if (status != STATUS_OK) {
		compare_finish(&compare);
		return status;
	}
	*ret_compare = compare;
	return STATUS_OK;
}

void compare_finish(struct compare *compare)
{
	compare_measure_finish(&compare->measures[0]);
	compare_measure_finish(&compare->measures[1]);
	align_finish(&compare->align);
	free(compare->rows);
	*compare = (struct compare){ .n_rows = 0 };
}

const struct compare_row *compare_find_node(const struct compare *compare, const char *name)
{
	for (int i = 0; i < compare->n_rows; i++) {
		if (!compare->rows[i].is_edge && strcmp(compare->rows[i].name, name) == 0)
			return &compare->rows[i];
	}
	return NULL;
}
