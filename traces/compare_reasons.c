/* SPDX-License-Identifier: Apache-2.0
 *
 * compare_reasons: the checks, one function each, in a table.
 */
#include "traces/compare_reasons.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "traces/schema.h"

#define COMMON_NODES_LEAST 0.5 /* of the larger graph's nodes */
#define LOSS_MOST 0.01         /* of the records */

struct check {
	const struct align *align;
	struct compare_reasons *reasons;
	struct error *error;
};

static void PRINTF_LIKE(3, 4) add_reason(struct check *check, bool is_refusal, const char *format, ...)
{
	struct compare_reasons *reasons = check->reasons;
	if (reasons->n_items == COMPARE_REASONS_MAX)
		return;
	struct compare_reason *reason = &reasons->items[reasons->n_items++];
	va_list args;
	va_start(args, format);
	vsnprintf(reason->text, sizeof(reason->text), format, args);
	va_end(args);
	reason->is_refusal = is_refusal;
	reasons->n_refusals += is_refusal;
}

static char name_of(int side)
{
	return "AB"[side];
}

/* -- refusals -------------------------------------------------------------------------------------------- */

static bool is_same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

/* Nodes that users wrote: those with an op. */
static int count_nodes(const struct align_run *run, const struct align_run *other, bool common)
{
	int n = 0;
	for (int i = 0; i < run->n_nodes; i++) {
		const struct align_place *node = &run->places[i];
		if (node->op && (!common || (node->twin >= 0 && is_same(node->op, other->places[node->twin].op))))
			n++;
	}
	return n;
}

static int check_graphs(struct check *check)
{
	const struct align_run *a = &check->align->runs[0], *b = &check->align->runs[1];
	int n_common = count_nodes(a, b, true), n_a = count_nodes(a, b, false), n_b = count_nodes(b, a, false);
	int n_most = n_a > n_b ? n_a : n_b;
	if (n_common < COMMON_NODES_LEAST * n_most || n_most == 0)
		add_reason(check, true, "the graphs differ: of %d and %d nodes, %d have the same name and op", n_a, n_b, n_common);
	return STATUS_OK;
}

/* The declared types of `input`, to be freed by the caller; NULL when not recorded. */
static int input_types(const struct align_run *run, char **ret_types, struct error *error)
{
	char sql[120];
	snprintf(sql, sizeof(sql), "SELECT outputs FROM node WHERE run = %lld AND op IS NULL AND outputs <> ''",
		(long long)run->run->id);
	return db_get_text(run->trace->db, sql, ret_types, error);
}

static int check_inputs(struct check *check)
{
	char *types[2] = { NULL, NULL };
	int status = STATUS_OK;
	for (int side = 0; status == STATUS_OK && side < 2; side++)
		status = input_types(&check->align->runs[side], &types[side], check->error);
	if (status == STATUS_OK && types[0] && types[1] && strcmp(types[0], types[1]) != 0)
		add_reason(check, true, "the inputs differ: %s in A, %s in B", types[0], types[1]);
	free(types[0]);
	free(types[1]);
	return status;
}

static int check_ends(struct check *check)
{
	for (int side = 0; side < 2; side++) {
		const struct align_run *run = &check->align->runs[side];
		const char *status = run->run->status;
		if (!run->trace->is_finished || strcmp(status, "running") == 0)
			add_reason(check, true, "%c is unfinished: its collector was killed or still writes", name_of(side));
		else if (run->trace->is_log_ignored)
			add_reason(check, true, "%c is incomplete: its latest rows lie in a log that cannot be read here",
				name_of(side));
		else if (strcmp(status, "ok") != 0 && strcmp(status, status_word(STATUS_STOPPED)) != 0)
			add_reason(check, true, "%c ended early: %s", name_of(side), status);
	}
	return STATUS_OK;
}

static int check_losses(struct check *check)
{
	int status = STATUS_OK;
	for (int side = 0; status == STATUS_OK && side < 2; side++) {
		const struct align_run *run = &check->align->runs[side];
		char sql[200];
		int64_t n_lost = 0, n_kept = 0;
		snprintf(sql, sizeof(sql), "SELECT coalesce(sum(n_records), 0) FROM loss WHERE run = %lld AND cause <> 'record_limit'",
			(long long)run->run->id);
		status = db_get_int(run->trace->db, sql, &n_lost, check->error);
		snprintf(sql, sizeof(sql), "SELECT coalesce(sum(s.n), 0) FROM summary s JOIN lane l ON l.id = s.lane"
			" WHERE l.run = %lld AND s.kind = %d", (long long)run->run->id, SPAN_KIND_OP);
		if (status == STATUS_OK)
			status = db_get_int(run->trace->db, sql, &n_kept, check->error);
		double share = n_lost ? (double)n_lost / (double)(n_lost + n_kept) : 0;
		if (status == STATUS_OK && n_lost)
			add_reason(check, share > LOSS_MOST, "%c lost %lld records, %.2g %%", name_of(side), (long long)n_lost,
				100 * share);
	}
	return status;
}

/* A run of which not everything is there one by one: what a trigger chose is no sample of it. */
static int check_kept(struct check *check)
{
	int status = STATUS_OK;
	for (int side = 0; status == STATUS_OK && side < 2; side++) {
		const struct align_run *run = &check->align->runs[side];
		char sql[240];
		int64_t n_chosen = 0;
		snprintf(sql, sizeof(sql), "SELECT coalesce(sum(n_triggers), 0) FROM save WHERE run = %lld AND cause IN ('error', 'slow',"
			" 'stall')", (long long)run->run->id);
		status = db_get_int(run->trace->db, sql, &n_chosen, check->error);
		if (status == STATUS_OK && n_chosen)
			add_reason(check, true, "%c holds only what was around %lld trigger%s (slow executions, errors, stalls): that"
				" is no sample of the run", name_of(side), (long long)n_chosen, n_chosen == 1 ? "" : "s");
		else if (status == STATUS_OK && run->n_executions < run->run->n_submitted)
			add_reason(check, false, "%c holds %lld of %lld executions one by one; only those are compared", name_of(side),
				(long long)run->n_executions, (long long)run->run->n_submitted);
	}
	return status;
}

static int check_pairs(struct check *check)
{
	const struct align *align = check->align;
	if (align->n_pairs < COMPARE_PAIRS_LEAST)
		add_reason(check, true, "too few executions: %lld succeeded in both, warm-up left out; %d are needed",
			(long long)align->n_pairs, COMPARE_PAIRS_LEAST);
	return STATUS_OK;
}

/* A fact of both runs that must, or should, be equal. Facts that are not recorded in both are not compared. */
struct fact {
	const char *key, *name;
	bool is_of_run; /* a key of run_meta, else of meta */
	bool is_refusal;
};

static const struct fact facts[] = {
	{ "record", "the recording policy differs", true, true },
	{ "inputs", "the inputs' shapes differ", true, true },
	{ "machine", "the processors differ", false, true },
	{ "cpu", "the processors differ", false, true },
	{ "cores", "the number of cores differs", false, true },
	{ "version", "the version of tandem differs", true, false },
};

static int check_facts(struct check *check)
{
	int status = STATUS_OK;
	for (size_t i = 0; status == STATUS_OK && i < ARRAY_LEN(facts); i++) {
		char *values[2] = { NULL, NULL };
		for (int side = 0; status == STATUS_OK && side < 2; side++) {
			const struct align_run *run = &check->align->runs[side];
			status = facts[i].is_of_run
				? trace_run_meta(run->trace, run->run->id, facts[i].key, &values[side], check->error)
				: trace_meta(run->trace, facts[i].key, &values[side], check->error);
		}
		if (status == STATUS_OK && values[0] && values[1] && strcmp(values[0], values[1]) != 0)
			add_reason(check, facts[i].is_refusal, "%s: %s in A, %s in B", facts[i].name, values[0], values[1]);
		free(values[0]);
		free(values[1]);
	}
	return status;
}

/* -- notes ----------------------------------------------------------------------------------------------- */

static int check_setup(struct check *check)
{
	static const struct {
		const char *column, *name;
	} columns[] = { { "in_flight", "the limit in flight" }, { "n_threads", "the number of threads an op may use" } };
	int status = STATUS_OK;
	for (size_t i = 0; status == STATUS_OK && i < ARRAY_LEN(columns); i++) {
		int64_t values[2] = { 0, 0 };
		for (int side = 0; status == STATUS_OK && side < 2; side++) {
			const struct align_run *run = &check->align->runs[side];
			char sql[120];
			snprintf(sql, sizeof(sql), "SELECT %s FROM run WHERE id = %lld", columns[i].column,
				(long long)run->run->id);
			status = db_get_int(run->trace->db, sql, &values[side], check->error);
		}
		if (status == STATUS_OK && values[0] != values[1])
			add_reason(check, false, "%s differs: %lld in A, %lld in B", columns[i].name, (long long)values[0],
				(long long)values[1]);
	}
	return status;
}

/* Nodes of both that run elsewhere or do something else. */
static int check_twins(struct check *check)
{
	const struct align_run *a = &check->align->runs[0], *b = &check->align->runs[1];
	int n_moved = 0, n_other = 0;
	for (int i = 0; i < a->n_nodes; i++) {
		const struct align_place *node = &a->places[i], *twin = node->twin < 0 ? NULL : &b->places[node->twin];
		n_moved += twin && !is_same(node->worker, twin->worker);
		n_other += twin && !is_same(node->op, twin->op);
	}
	if (n_moved)
		add_reason(check, false, "%d node%s on another worker", n_moved, n_moved == 1 ? " is" : "s are");
	if (n_other)
		add_reason(check, false, "%d node%s another op", n_other, n_other == 1 ? " has" : "s have");
	return STATUS_OK;
}

int compare_reasons_find(const struct align *align, struct error *error, struct compare_reasons *ret_reasons)
{
	static int (*const checks[])(struct check *) = { check_graphs, check_inputs, check_ends, check_losses, check_kept,
		check_pairs,
		check_facts, check_setup, check_twins };
	struct compare_reasons reasons = { .n_items = 0 };
	struct check check = { .align = align, .reasons = &reasons, .error = error };
	int status = STATUS_OK;
	for (size_t i = 0; status == STATUS_OK && i < ARRAY_LEN(checks); i++)
		status = checks[i](&check);
	if (status == STATUS_OK)
		*ret_reasons = reasons;
	return status;
}
