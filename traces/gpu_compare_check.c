/* SPDX-License-Identifier: Apache-2.0
 *
 * gpu_compare_check: what conditions for scripts mean of imported runs.
 */
#include <math.h>
#include <string.h>

#include "traces/gpu_compare.h"

/* Rates by what the mean iteration of B would be at the bounds of the difference. */
static void find_rate(const struct gpu_compare *compare, struct compare_interval *interval, double *base)
{
	const struct compare_interval *period = &compare->whole_change;
	double a_ns = compare->whole[0].mean, b_ns = compare->whole[1].mean;
	*base = 1e9 / a_ns;
	*interval = (struct compare_interval){ .delta = 1e9 / b_ns - *base, .low = -INFINITY, .high = INFINITY, .is_known = period->is_known };
	if (period->is_known)
		interval->low = 1e9 / (a_ns + period->high) - *base;
	if (period->is_known && a_ns + period->low > 0)
		interval->high = 1e9 / (a_ns + period->low) - *base;
}

static int find_name(const struct compare_condition *condition, const struct gpu_compare *compare, struct compare_interval *interval,
	double *base, struct error *error)
{
	for (uint32_t i = 0; i < compare->n_rows; i++) {
		const struct gpu_compare_row *row = &compare->rows[i];
		if (strcmp(row->name, condition->node) != 0)
			continue;
		if (!row->spans[0].n || !row->spans[1].n)
			return error_set(error, STATUS_INPUT, "'%s': '%s' was not recorded in %c", condition->text, condition->node,
				row->spans[0].n ? 'B' : 'A');
		*interval = row->mean;
		*base = row->spans[0].mean;
		return STATUS_OK;
	}
	return error_set(error, STATUS_USAGE, "'%s': neither run has device work named '%s'", condition->text, condition->node);
}

int gpu_compare_check(const struct compare_condition *condition, const struct gpu_compare *compare, bool is_strict, struct error *error,
	struct compare_verdict *ret_verdict)
{
	struct compare_interval interval = { .is_known = false };
	double base = 0;
	int status = STATUS_OK;
	if (condition->metric != COMPARE_METRIC_NODE && !compare->has_units)
		return error_set(error, STATUS_INPUT, "'%s': there are no iterations in both runs, and totals of windows say nothing;"
			" node.NAME is about the mean duration of a kernel", condition->text);
	switch (condition->metric) {
	case COMPARE_METRIC_LATENCY:
		interval = compare->whole_change;
		base = compare->whole[0].mean;
		break;
	case COMPARE_METRIC_THROUGHPUT:
		find_rate(compare, &interval, &base);
		break;
	case COMPARE_METRIC_KIND:
		if (condition->device_kind == GPU_TIME_COUNT)
			return error_set(error, STATUS_USAGE, "'%s': no kind of devices' time; those are compute, collective, copy, host_launch, …",
				condition->text);
		interval = compare->kind_changes[condition->device_kind];
		base = compare->kinds[0][condition->device_kind].mean;
		break;
	case COMPARE_METRIC_NODE:
		status = find_name(condition, compare, &interval, &base, error);
		break;
	}
	if (status == STATUS_OK)
		*ret_verdict = compare_condition_judge(condition, &interval, base, is_strict);
	return status;
}
