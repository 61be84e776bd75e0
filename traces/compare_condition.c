/* SPDX-License-Identifier: Apache-2.0
 *
 * compare_condition: parsing, and looking up what a condition is about.
 */
#include "traces/compare_condition.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "traces/gpu_time.h"

#define NODE_PREFIX "node."

static const struct unit {
	const char *word;
	double factor;
	bool is_relative;
} units[] = {
	{ "%", 0.01, true }, { "ns", 1, false }, { "us", 1e3, false }, { "µs", 1e3, false }, { "ms", 1e6, false },
	{ "s", 1e9, false },
};

static int find_kind(const char *name, size_t length)
{
	for (int kind = 0; kind < COMPARE_KIND_COUNT; kind++) {
		const char *word = compare_kind_word(kind);
		if (strlen(word) == length && memcmp(word, name, length) == 0)
			return kind;
	}
	return COMPARE_KIND_COUNT;
}

static bool is_word(const char *name, size_t length, const char *word)
{
	return strlen(word) == length && memcmp(name, word, length) == 0;
}

static int find_device_kind(const char *name, size_t length)
{
	for (int kind = 0; kind < GPU_TIME_COUNT; kind++) {
		if (is_word(name, length, gpu_time_word((enum gpu_time)kind)))
			return kind;
	}
	return GPU_TIME_COUNT;
}

static int parse_metric(const char *name, size_t length, struct compare_condition *condition, struct error *error)
{
	size_t prefix = strlen(NODE_PREFIX);
	if (length > prefix && memcmp(name, NODE_PREFIX, prefix) == 0) {
		if (length - prefix >= sizeof(condition->node))
			return error_set(error, STATUS_USAGE, "'%s': the node's name is too long", condition->text);
		condition->metric = COMPARE_METRIC_NODE;
		snprintf(condition->node, sizeof(condition->node), "%.*s", (int)(length - prefix), name + prefix);
		return STATUS_OK;
	}
	condition->kind = find_kind(name, length);
	condition->device_kind = find_device_kind(name, length);
	if (is_word(name, length, "latency"))
		condition->metric = COMPARE_METRIC_LATENCY;
	else if (is_word(name, length, "throughput"))
		condition->metric = COMPARE_METRIC_THROUGHPUT;
	else if (condition->kind < COMPARE_KIND_COUNT || condition->device_kind < GPU_TIME_COUNT)
		condition->metric = COMPARE_METRIC_KIND;
	else
		return error_set(error, STATUS_USAGE, "'%s': '%.*s' is none of latency, throughput, node.NAME and the kinds of"
			" time (compute, dispatch, starved, …)", condition->text, (int)length, name);
	return STATUS_OK;
}

static int parse_threshold(const char *text, struct compare_condition *condition, struct error *error)
{
	char *unit = NULL;
	bool has_number = strspn(text, "+-") <= 1 && text[strspn(text, "+-")] >= '0' && text[strspn(text, "+-")] <= '9';
	errno = 0;
	double number = has_number ? strtod(text, &unit) : 0;
	if (!has_number || errno || !isfinite(number))
		return error_set(error, STATUS_USAGE, "'%s': a number with %% or a unit of time is expected behind '%c', as in"
			" 'latency>+5%%' or 'node.a>+10us'", condition->text, condition->is_less ? '<' : '>');
	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		if (strcmp(unit, units[i].word) != 0)
			continue;
		condition->is_relative = units[i].is_relative;
		condition->threshold = number * units[i].factor;
		return STATUS_OK;
	}
	return error_set(error, STATUS_USAGE, "'%s': '%s' is no unit; write %%, ns, us, ms or s behind the number",
		condition->text, unit);
}

int compare_condition_parse(const char *text, struct compare_condition *ret_condition, struct error *error)
{
	struct compare_condition condition = { .text = text };
	const char *sign = text + strlen(text); /* the last one: names may hold any character */
	while (sign > text && *sign != '<' && *sign != '>')
		sign--;
	if (*sign != '<' && *sign != '>')
		return error_set(error, STATUS_USAGE, "'%s': a condition is METRIC>CHANGE or METRIC<CHANGE, as in 'latency>+5%%'",
			text);
	condition.is_less = *sign == '<';
	int status = parse_metric(text, (size_t)(sign - text), &condition, error);
	if (status == STATUS_OK)
		status = parse_threshold(sign + 1, &condition, error);
	if (status != STATUS_OK)
		return status;
	if (condition.metric == COMPARE_METRIC_THROUGHPUT && !condition.is_relative)
		return error_set(error, STATUS_USAGE, "'%s': a change of throughput is given in %%", text);
	*ret_condition = condition;
	return STATUS_OK;
}

/* -- checking -------------------------------------------------------------------------------------------- */

static int look_up_node(const struct compare_condition *condition, const struct compare *compare,
	struct compare_interval *interval, double *base, struct error *error)
{
	const struct compare_row *row = compare_find_node(compare, condition->node);
	if (!row)
		return error_set(error, STATUS_USAGE, "'%s': neither run has a node '%s'", condition->text, condition->node);
	for (int side = 0; side < 2; side++) {
		if (!row->has_own[side])
			return error_set(error, STATUS_INPUT, "'%s': node '%s' was not recorded in %c", condition->text,
				condition->node, "AB"[side]);
	}
	*interval = row->interval;
	*base = compare->measures[0].own[row->places[0]].moments.mean;
	return STATUS_OK;
}

/* The change that the condition is about, and A's value. */
static int look_up(const struct compare_condition *condition, const struct compare *compare,
	struct compare_interval *interval, double *base, struct error *error)
{
	switch (condition->metric) {
	case COMPARE_METRIC_LATENCY:
		*interval = compare->latency;
		*base = compare->measures[0].latency.mean;
		break;
	case COMPARE_METRIC_THROUGHPUT:
		*interval = compare->throughput;
		*base = compare->per_s[0];
		break;
	case COMPARE_METRIC_KIND:
		if (condition->kind == COMPARE_KIND_COUNT)
			return error_set(error, STATUS_USAGE, "'%s': a kind of devices' time, which only imported runs have", condition->text);
		*interval = compare->kinds[condition->kind];
		*base = compare->measures[0].kinds[condition->kind].mean;
		break;
	case COMPARE_METRIC_NODE:
		return look_up_node(condition, compare, interval, base, error);
	}
	bool is_known = condition->metric == COMPARE_METRIC_THROUGHPUT ? compare->has_throughput : compare->measures[0].n > 0;
	if (!is_known)
		return error_set(error, STATUS_INPUT, "'%s': not recorded in both runs", condition->text);
	return STATUS_OK;
}

static double share_of(double change, double base)
{
	return change == 0 ? 0 : base > 0 ? change / base : copysign(INFINITY, change);
}

struct compare_verdict compare_condition_judge(const struct compare_condition *condition, const struct compare_interval *interval,
	double base, bool is_strict)
{
	struct compare_verdict verdict = { .change = interval->delta, .low = interval->low, .high = interval->high };
	if (condition->is_relative)
		verdict = (struct compare_verdict){ .change = share_of(interval->delta, base), .low = share_of(interval->low, base),
			.high = share_of(interval->high, base) };
	double least = is_strict ? verdict.change : verdict.low, most = is_strict ? verdict.change : verdict.high;
	verdict.holds = condition->is_less ? most < condition->threshold : least > condition->threshold;
	return verdict;
}

int compare_condition_check(const struct compare_condition *condition, const struct compare *compare, bool is_strict,
	struct error *error, struct compare_verdict *ret_verdict)
{
	struct compare_interval interval = { .is_known = false };
	double base = 0;
	int status = look_up(condition, compare, &interval, &base, error);
	if (status == STATUS_OK)
		*ret_verdict = compare_condition_judge(condition, &interval, base, is_strict);
	return status;
}
