/* SPDX-License-Identifier: Apache-2.0
 *
 * Conditions: what parses and to what, what does not and why, and which hold.
 */
#include "traces/compare_condition.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

Test(compare_condition, parses)
{
	static const struct {
		const char *text;
		enum compare_metric metric;
		int kind;
		const char *node;
		bool is_less, is_relative;
		double threshold;
	} cases[] = {
		{ "latency>+5%", COMPARE_METRIC_LATENCY, 0, "", false, true, 0.05 },
		{ "latency>5%", COMPARE_METRIC_LATENCY, 0, "", false, true, 0.05 },
		{ "latency>10us", COMPARE_METRIC_LATENCY, 0, "", false, false, 1e4 },
		{ "latency>10µs", COMPARE_METRIC_LATENCY, 0, "", false, false, 1e4 },
		{ "throughput<-3%", COMPARE_METRIC_THROUGHPUT, 0, "", true, true, -0.03 },
		{ "node.layer3>+10us", COMPARE_METRIC_NODE, 0, "layer3", false, false, 1e4 },
		{ "node.a.b->c>+1.5ms", COMPARE_METRIC_NODE, 0, "a.b->c", false, false, 1.5e6 },
		{ "dispatch>+1us", COMPARE_METRIC_KIND, PHASE_DISPATCH, "", false, false, 1e3 },
		{ "late_rank<-1s", COMPARE_METRIC_KIND, PHASE_LATE_RANK, "", true, false, -1e9 },
		{ "caller>+7ns", COMPARE_METRIC_KIND, COMPARE_KIND_CALLER, "", false, false, 7 },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct compare_condition condition = { .text = NULL };
		struct error error = { 0 };
		int status = compare_condition_parse(cases[i].text, &condition, &error);
		cr_assert(status == STATUS_OK, "'%s': %s", cases[i].text, error.text);
		cr_expect(condition.metric == cases[i].metric, "'%s': metric %d, expected %d", cases[i].text, condition.metric,
			cases[i].metric);
		cr_expect(cases[i].metric != COMPARE_METRIC_KIND || condition.kind == cases[i].kind, "'%s': kind %d, expected %d",
			cases[i].text, condition.kind, cases[i].kind);
		cr_expect_str_eq(condition.node, cases[i].node, "'%s': node '%s'", cases[i].text, condition.node);
		cr_expect(condition.is_less == cases[i].is_less && condition.is_relative == cases[i].is_relative, "'%s'",
			cases[i].text);
		cr_expect(fabs(condition.threshold - cases[i].threshold) <= 1e-9 * fabs(cases[i].threshold),
			"'%s': threshold %g, expected %g", cases[i].text, condition.threshold, cases[i].threshold);
	}
}

Test(compare_condition, refuses)
{
	static const struct {
		const char *text, *wanted;
	} cases[] = {
		{ "", "a condition is METRIC>CHANGE" }, { "latency", "a condition is METRIC>CHANGE" },
		{ "latency>", "a number with" }, { "latency>%", "a number with" }, { "latency>+-5%", "a number with" },
		{ "latency>inf%", "a number with" }, { "latency>nan%", "a number with" }, { "latency>1e999%", "a number with" },
		{ "latency> 5%", "a number with" }, { "latency>5", "'' is no unit" }, { "latency>5 %", "' %' is no unit" },
		{ "latency>5minutes", "'minutes' is no unit" }, { "latency>=5%", "a number with" },
		{ "lateny>5%", "'lateny' is none of" }, { ">5%", "'' is none of" }, { "node.>5%", "'node.' is none of" },
		{ "throughput<-3us", "in %" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct compare_condition condition;
		struct error error = { 0 };
		int status = compare_condition_parse(cases[i].text, &condition, &error);
		cr_expect(status == STATUS_USAGE, "'%s': status %d", cases[i].text, status);
		cr_expect(strstr(error.text, cases[i].wanted), "'%s': '%s' lacks '%s'", cases[i].text, error.text, cases[i].wanted);
	}
	char longest[300] = "node.";
	memset(longest + 5, 'x', 250);
	strcpy(longest + 255, ">5%");
	struct compare_condition condition;
	struct error error = { 0 };
	cr_expect(compare_condition_parse(longest, &condition, &error) == STATUS_USAGE && strstr(error.text, "too long"), "%s",
		error.text);
}

/* Latency 100 to 110 ± 4 µs, throughput 1000 to 900 ± 50, node `a` 50 to 49 ± 2 µs, dispatch 0 to 3 ± 1 µs. */
static struct compare make(struct compare_row rows[2], struct compare_own *own)
{
	struct compare compare = { .rows = rows, .n_rows = 2, .has_throughput = true, .per_s = { 1000, 900 } };
	compare.measures[0].n = compare.measures[1].n = 10;
	compare.measures[0].latency.mean = 100e3;
	compare.latency = (struct compare_interval){ 10e3, 6e3, 14e3, true };
	compare.throughput = (struct compare_interval){ -100, -150, -50, true };
	compare.kinds[PHASE_DISPATCH] = (struct compare_interval){ 3e3, 2e3, 4e3, true };
	own->moments.mean = 50e3;
	compare.measures[0].own = own;
	rows[0] = (struct compare_row){ .name = "a", .has_own = { true, true }, .interval = { -1e3, -3e3, 1e3, true } };
	rows[1] = (struct compare_row){ .name = "b", .places = { -1, 0 }, .has_own = { false, true } };
	return compare;
}

Test(compare_condition, holds_beyond_the_interval_only)
{
	static const struct {
		const char *text;
		bool holds, holds_strictly;
	} cases[] = {
		{ "latency>+5%", true, true }, { "latency>+7%", false, true }, { "latency>+11%", false, false },
		{ "latency<+15%", true, true }, { "latency<+12%", false, true }, { "latency<0%", false, false },
		{ "latency>+5us", true, true }, { "latency>+9us", false, true }, { "latency>-5us", true, true },
		{ "throughput<-3%", true, true }, { "throughput<-8%", false, true }, { "throughput<-12%", false, false },
		{ "node.a<-500ns", false, true }, { "node.a>-4us", true, true }, { "node.a>+1%", false, false },
		{ "dispatch>+1us", true, true }, { "dispatch>+2.5us", false, true }, { "dispatch>+1000%", true, true },
		{ "fetch>+0%", false, false },
	};
	struct compare_row rows[2];
	struct compare_own own = { .moments = { 0 } };
	struct compare compare = make(rows, &own);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct compare_condition condition;
		struct compare_verdict verdict = { .holds = false };
		struct error error = { 0 };
		cr_assert(compare_condition_parse(cases[i].text, &condition, &error) == STATUS_OK, "%s", error.text);
		for (int strict = 0; strict < 2; strict++) {
			bool expected = strict ? cases[i].holds_strictly : cases[i].holds;
			int status = compare_condition_check(&condition, &compare, strict, &error, &verdict);
			cr_assert(status == STATUS_OK, "'%s': %s", cases[i].text, error.text);
			cr_expect(verdict.holds == expected, "'%s'%s: %d, expected %d (change %g, %g to %g)", cases[i].text,
				strict ? " strictly" : "", verdict.holds, expected, verdict.change, verdict.low, verdict.high);
		}
	}
}

Test(compare_condition, what_was_not_recorded_is_an_error)
{
	static const struct {
		const char *text;
		int status;
		const char *wanted;
	} cases[] = { { "node.c>1us", STATUS_USAGE, "neither run has a node 'c'" },
		{ "node.b>1us", STATUS_INPUT, "node 'b' was not recorded in A" },
		{ "throughput<-3%", STATUS_INPUT, "not recorded in both" } };
	struct compare_row rows[2];
	struct compare_own own = { .moments = { 0 } };
	struct compare compare = make(rows, &own);
	compare.has_throughput = false;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct compare_condition condition;
		struct compare_verdict verdict;
		struct error error = { 0 };
		cr_assert(compare_condition_parse(cases[i].text, &condition, &error) == STATUS_OK, "%s", error.text);
		int status = compare_condition_check(&condition, &compare, false, &error, &verdict);
		cr_expect(status == cases[i].status, "'%s': status %d, expected %d", cases[i].text, status, cases[i].status);
		cr_expect(strstr(error.text, cases[i].wanted), "'%s': '%s' lacks '%s'", cases[i].text, error.text, cases[i].wanted);
	}
}
