/* SPDX-License-Identifier: Apache-2.0
 *
 * compare_condition: what a script asks of a comparison: "latency>+5%", "throughput<-3%", "node.layer3>+10us",
 * "dispatch>+1us".
 *
 *     METRIC ("<" | ">") ["+" | "-"] NUMBER ("%" | "ns" | "us" | "ms" | "s")
 *
 * METRIC is latency, throughput (in per cent only), node.NAME (its own work) or a kind of time on the critical path; of
 * imported runs a kind of the devices' time (gpu_compare.h). The condition is about the change from A to B.
 */
#ifndef TANDEM_TRACES_COMPARE_CONDITION_H
#define TANDEM_TRACES_COMPARE_CONDITION_H

#include <stdbool.h>

#include "engine/base/error.h"
#include "traces/compare.h"

enum compare_metric {
	COMPARE_METRIC_LATENCY,
	COMPARE_METRIC_THROUGHPUT,
	COMPARE_METRIC_NODE,
	COMPARE_METRIC_KIND,
};

struct compare_condition {
	const char *text;   /* as given; the caller's */
	enum compare_metric metric;
	int kind;           /* KIND: enum phase or compare_kind; COMPARE_KIND_COUNT: a device's only */
	int device_kind;    /* KIND: enum gpu_time; GPU_TIME_COUNT: none of its words */
	char node[201];     /* NODE */
	bool is_less;       /* "<" */
	bool is_relative;   /* threshold is a share of A's value, else ns */
	double threshold;
};

/* STATUS_USAGE says what is wrong with `text`. */
int compare_condition_parse(const char *text, struct compare_condition *ret_condition, struct error *error);

struct compare_verdict {
	bool holds;
	double change, low, high; /* the change and its 95 % interval, in the condition's unit (share or ns) */
};

/* Whether the condition holds: the whole interval lies beyond the threshold; with `is_strict` the change does. A share of
 * nothing is infinite, or 0 for no change. STATUS_USAGE for a node that neither run has; STATUS_INPUT when what is asked for
 * was not recorded in both runs. */
int compare_condition_check(const struct compare_condition *condition, const struct compare *compare, bool is_strict,
	struct error *error, struct compare_verdict *ret_verdict);

/* The verdict on a known change of something that was `base` in A. */
struct compare_verdict compare_condition_judge(const struct compare_condition *condition, const struct compare_interval *interval,
	double base, bool is_strict);

#endif
