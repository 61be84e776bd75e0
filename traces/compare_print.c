/* SPDX-License-Identifier: Apache-2.0
 *
 * compare_print: sentences, and the tables behind them.
 */
#include "traces/compare_print.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/table.h"
#include "engine/base/units.h"

#define EXPLAINED_SHARE 0.9 /* of a change, then the list of kinds ends */
#define EXPLAINED_MOST 4    /* kinds */
#define TEXT_BYTES 48

struct print {
	const struct compare *compare;
	const struct compare_print_options *options;
	const char *names[2]; /* of the columns: the modes where they differ */
	struct strbuf *out;
};

/* -- words for numbers ----------------------------------------------------------------------------------- */

/* "+12.3 µs"; the text is the caller's. */
static const char *signed_duration(double ns, char text[TEXT_BYTES])
{
	char size[40];
	snprintf(text, TEXT_BYTES, "%s%s", ns >= 0 ? "+" : "", units_duration(llround(ns), size, sizeof(size)));
	return text;
}

static double percent(double change, double base)
{
	return base > 0 ? 100 * change / base : 0;
}

struct part {
	int kind;
	int64_t ns;
};

static int by_size(const void *a, const void *b)
{
	const struct part *x = a, *y = b;
	int64_t left = llabs(x->ns), right = llabs(y->ns);
	if (left == right) /* unknown is last */
		return (x->kind == PHASE_UNKNOWN) != (y->kind == PHASE_UNKNOWN) ? y->kind - x->kind : x->kind - y->kind;
	return left < right ? 1 : -1;
}

/* Largest change first; returns the sum of their sizes. */
static int64_t sort_changes(const int64_t *a_ns, const int64_t *b_ns, struct part parts[COMPARE_KIND_COUNT])
{
	int64_t sum = 0;
	for (int kind = 0; kind < COMPARE_KIND_COUNT; kind++) {
		parts[kind] = (struct part){ kind, b_ns[kind] - a_ns[kind] };
		sum += llabs(parts[kind].ns);
	}
	qsort(parts, COMPARE_KIND_COUNT, sizeof(*parts), by_size);
	return sum;
}

void compare_explain(const int64_t a_ns[COMPARE_KIND_COUNT], const int64_t b_ns[COMPARE_KIND_COUNT], struct strbuf *out)
{
	struct part parts[COMPARE_KIND_COUNT];
	int64_t sum = sort_changes(a_ns, b_ns, parts), told = 0;
	for (int i = 0; i < EXPLAINED_MOST && parts[i].ns && (double)told < EXPLAINED_SHARE * (double)sum; i++) {
		char text[TEXT_BYTES];
		strbuf_addf(out, "%s%s %s", i ? ", " : "", compare_kind_word(parts[i].kind),
			signed_duration((double)parts[i].ns, text));
		told += llabs(parts[i].ns);
	}
}

/* -- tables ---------------------------------------------------------------------------------------------- */

/* Columns have the runs' names in text and plain keys in JSON. */
static const char *column(const struct print *print, const char *text, const char *key)
{
	return print->options->is_json ? key : text;
}

static void add_times(struct table *table, int64_t a_ns, int64_t b_ns)
{
	table_int(table, a_ns);
	table_int(table, b_ns);
	table_int(table, b_ns - a_ns);
}

/* In JSON with the title as a key, in text indented under it. */
static void put_table(struct print *print, const char *key, const struct table *table)
{
	if (print->options->is_json) {
		strbuf_addf(print->out, ",\n\"%s\": ", key);
		table_json(table, print->out);
	} else {
		table_print(table, 2, print->out);
	}
	if (table->is_failed)
		print->out->is_failed = true;
}

/* Kinds with time on either side, the largest change first, and their sum. */
static void print_split(struct print *print, const char *key, const int64_t *a_ns, const int64_t *b_ns)
{
	const struct table_column columns[] = {
		{ "kind", TABLE_TEXT }, { column(print, print->names[0], "a"), TABLE_NS },
		{ column(print, print->names[1], "b"), TABLE_NS }, { column(print, "Δ", "delta"), TABLE_NS },
		{ column(print, "of all change", "share"), TABLE_SHARE },
	};
	struct table table;
	struct part parts[COMPARE_KIND_COUNT];
	int64_t sum = sort_changes(a_ns, b_ns, parts), whole[2] = { 0, 0 };
	table_init(&table, columns, ARRAY_LEN(columns));
	for (int i = 0; i < COMPARE_KIND_COUNT; i++) {
		int kind = parts[i].kind;
		whole[0] += a_ns[kind];
		whole[1] += b_ns[kind];
		if (!a_ns[kind] && !b_ns[kind] && kind != PHASE_UNKNOWN)
			continue;
		table_text(&table, compare_kind_word(kind));
		add_times(&table, a_ns[kind], b_ns[kind]);
		table_real(&table, sum ? (double)llabs(parts[i].ns) / (double)sum : 0);
	}
	if (!print->options->is_json) {
		table_text(&table, "sum");
		add_times(&table, whole[0], whole[1]);
		table_null(&table);
	}
	put_table(print, key, &table);
	table_finish(&table);
}

static bool is_worth_a_row(const struct compare_row *row)
{
	return row->has_own[0] || row->has_own[1] || row->path_ns[0] || row->path_ns[1];
}

void compare_explain_row(const struct compare_row *row, struct strbuf *why)
{
	bool has_both = row->has_own[0] && row->has_own[1];
	int64_t own = llabs(row->own_ns[1] - row->own_ns[0]), path = llabs(row->path_ns[1] - row->path_ns[0]);
	if (has_both)
		compare_explain(row->own_kinds_ns[0], row->own_kinds_ns[1], why);
	if (has_both && path <= 2 * own)
		return;
	if (why->length)
		strbuf_add(why, "; ");
	if (has_both && path)
		strbuf_add(why, "path: ");
	compare_explain(row->path_kinds_ns[0], row->path_kinds_ns[1], why);
}

static void add_row(struct table *table, const struct compare_row *row)
{
	struct strbuf why = STRBUF_INIT;
	bool has_both = row->has_own[0] && row->has_own[1];
	compare_explain_row(row, &why);
	table_text(table, row->name);
	for (int side = 0; side < 2; side++) {
		if (row->has_own[side])
			table_int(table, row->own_ns[side]);
		else
			table_null(table);
	}
	if (has_both)
		table_int(table, row->own_ns[1] - row->own_ns[0]);
	else
		table_null(table);
	if (row->interval.is_known)
		table_int(table, llround(row->interval.high - row->interval.delta));
	else
		table_null(table);
	table_int(table, row->path_ns[1] - row->path_ns[0]);
	table_text(table, strbuf_text(&why));
	strbuf_finish(&why);
}

static void print_rows(struct print *print)
{
	const struct table_column columns[] = {
		{ "node", TABLE_TEXT }, { column(print, print->names[0], "a"), TABLE_NS },
		{ column(print, print->names[1], "b"), TABLE_NS }, { column(print, "Δ", "delta"), TABLE_NS },
		{ column(print, "±", "margin"), TABLE_NS }, { column(print, "path Δ", "path_delta"), TABLE_NS },
		{ "why", TABLE_TEXT },
	};
	struct table table;
	int n_most = print->options->is_json ? 0 : print->options->n_rows, n_hidden = 0;
	table_init(&table, columns, ARRAY_LEN(columns));
	for (int i = 0; i < print->compare->n_rows; i++) {
		const struct compare_row *row = &print->compare->rows[i];
		if (!is_worth_a_row(row))
			continue;
		if (n_most && table_n_rows(&table) == n_most)
			n_hidden++;
		else
			add_row(&table, row);
	}
	put_table(print, "nodes", &table);
	if (n_hidden)
		strbuf_addf(print->out, "  and %d with smaller changes; --nodes lists more\n", n_hidden);
	table_finish(&table);
}

/* Nodes that one run has; edges are counted only. */
static void print_only(struct print *print)
{
	static const struct table_column columns[] = {
		{ "run", TABLE_TEXT }, { "node", TABLE_TEXT }, { "op", TABLE_TEXT }, { "work", TABLE_NS }, { "path", TABLE_NS },
	};
	struct table table;
	int n_edges[2] = { 0, 0 };
	table_init(&table, columns, ARRAY_LEN(columns));
	for (int i = 0; i < print->compare->n_rows; i++) {
		const struct compare_row *row = &print->compare->rows[i];
		int side = row->places[0] < 0;
		if (row->places[0] >= 0 && row->places[1] >= 0)
			continue;
		n_edges[side] += row->is_edge;
		if (row->is_edge)
			continue;
		table_text(&table, side ? "B" : "A");
		table_text(&table, row->name);
		table_text(&table, row->op);
		table_int(&table, row->own_ns[side]);
		table_int(&table, row->path_ns[side]);
	}
	if (!print->options->is_json && (table_n_rows(&table) || n_edges[0] || n_edges[1]))
		strbuf_addf(print->out, "\nOnly in one run, with %d edges of A and %d of B\n", n_edges[0], n_edges[1]);
	if (print->options->is_json || table_n_rows(&table))
		put_table(print, "only", &table);
	table_finish(&table);
}

/* -- text ------------------------------------------------------------------------------------------------ */

static void print_run(struct print *print, int side)
{
	const struct align_run *run = &print->compare->align.runs[side];
	strbuf_addf(print->out, "%c  ", "AB"[side]);
	strbuf_add_printable(print->out, run->trace->file);
	strbuf_addf(print->out, ": run %lld, %s, graph ", (long long)run->run->id, run->run->mode);
	strbuf_add_printable(print->out, run->run->graph);
	strbuf_addf(print->out, ", %lld executions, at most %lld in flight\n", (long long)run->n_executions,
		(long long)run->run->in_flight);
}

static void print_pairs(struct print *print)
{
	const struct align *align = &print->compare->align;
	strbuf_addf(print->out, "%lld executions compared, aligned by number; left out: %lld warm-up", (long long)align->n_pairs,
		(long long)align->n_warmup);
	const struct {
		const char *name;
		int64_t n;
	} others[] = { { "failed or unfinished", align->n_failed }, { "only in A", align->runs[0].n_alone },
		{ "only in B", align->runs[1].n_alone } };
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		if (others[i].n)
			strbuf_addf(print->out, ", %lld %s", (long long)others[i].n, others[i].name);
	}
	strbuf_add(print->out, "\n");
	strbuf_add(print->out, print->compare->is_stored ? "from stored sums\n" : "exact pass\n");
	for (int i = 0; i < print->compare->reasons.n_items; i++) {
		const struct compare_reason *reason = &print->compare->reasons.items[i];
		strbuf_add(print->out, reason->is_refusal ? "MISLEADING: " : "note: ");
		strbuf_add_printable(print->out, reason->text);
		strbuf_add(print->out, "\n");
	}
}

static void print_latency(struct print *print)
{
	const struct compare *compare = print->compare;
	const struct compare_moments *a = &compare->measures[0].latency, *b = &compare->measures[1].latency;
	const struct compare_interval *latency = &compare->latency;
	char text[4][TEXT_BYTES];
	strbuf_addf(print->out, "\nLatency from submit to results, mean: %s %s ±%s, %s ", print->names[0],
		units_duration(compare->latency_ns[0], text[0], TEXT_BYTES),
		units_duration(llround(compare_moments_margin(a)), text[1], TEXT_BYTES), print->names[1]);
	strbuf_addf(print->out, "%s ±%s\n", units_duration(compare->latency_ns[1], text[0], TEXT_BYTES),
		units_duration(llround(compare_moments_margin(b)), text[1], TEXT_BYTES));
	if (!latency->is_known)
		strbuf_add(print->out, "  too few executions to tell a difference from noise: ");
	else if (!compare_is_beyond_noise(latency))
		strbuf_add(print->out, "  no difference beyond noise: ");
	else
		strbuf_addf(print->out, "  %s is %s: ", print->names[1], latency->delta > 0 ? "slower" : "faster");
	strbuf_addf(print->out, "%s (%+.1f %%)", signed_duration(latency->delta, text[0]), percent(latency->delta, a->mean));
	if (latency->is_known)
		strbuf_addf(print->out, ", 95 %% interval %s to %s", signed_duration(latency->low, text[1]),
			signed_duration(latency->high, text[2]));
	strbuf_add(print->out, "\n");
}

static void print_throughput(struct print *print)
{
	const struct compare *compare = print->compare;
	const struct compare_interval *throughput = &compare->throughput;
	if (!compare->has_throughput) {
		strbuf_add(print->out, "\nThroughput: not known, no consecutive executions were recorded.\n");
		return;
	}
	strbuf_addf(print->out, "\nThroughput while something was in flight: %s %.1f/s, %s %.1f/s\n", print->names[0],
		compare->per_s[0], print->names[1], compare->per_s[1]);
	if (throughput->is_known && !compare_is_beyond_noise(throughput))
		strbuf_add(print->out, "  no difference beyond noise: ");
	else
		strbuf_add(print->out, "  ");
	strbuf_addf(print->out, "%+.1f %%", percent(throughput->delta, compare->per_s[0]));
	if (throughput->is_known)
		strbuf_addf(print->out, ", 95 %% interval %+.1f %% to ", percent(throughput->low, compare->per_s[0]));
	if (throughput->is_known && isfinite(throughput->high))
		strbuf_addf(print->out, "%+.1f %%", percent(throughput->high, compare->per_s[0]));
	else if (throughput->is_known)
		strbuf_add(print->out, "+∞");
	strbuf_add(print->out, "\n");
}

static const char *bottleneck_name(const struct compare *compare, int side)
{
	return compare->measures[side].lanes[compare->measures[side].bottleneck].worker;
}

static double busy_share(const struct compare *compare, int side)
{
	return compare->has_throughput ? (double)compare->bottleneck_ns[side] * compare->per_s[side] / 1e9 : NAN;
}

static void print_bottleneck(struct print *print)
{
	const struct compare *compare = print->compare;
	char text[TEXT_BYTES];
	if (!compare->has_bottleneck)
		return;
	if (compare->has_moved)
		strbuf_add(print->out, "\nThe busiest worker is not the same, so the difference is not split: ");
	else
		strbuf_add(print->out, "\nThe busiest worker, its own work an execution: ");
	for (int side = 0; side < 2; side++) {
		strbuf_addf(print->out, "%s%s ", side ? ", " : "", print->names[side]);
		strbuf_add_printable(print->out, bottleneck_name(compare, side));
		strbuf_addf(print->out, " %s", units_duration(compare->bottleneck_ns[side], text, sizeof(text)));
		if (compare->has_throughput)
			strbuf_addf(print->out, " (%.0f %% busy)", 100 * busy_share(compare, side));
	}
	strbuf_add(print->out, "\n");
	if (!compare->has_moved)
		print_split(print, NULL, compare->bottleneck_kinds_ns[0], compare->bottleneck_kinds_ns[1]);
}

static void print_answers(const struct compare_answer *answers, int n_answers, struct strbuf *out)
{
	for (int i = 0; i < n_answers; i++) {
		const struct compare_answer *answer = &answers[i];
		bool is_relative = answer->condition.is_relative;
		char text[3][TEXT_BYTES];
		const double values[3] = { answer->verdict.change, answer->verdict.low, answer->verdict.high };
		for (int k = 0; k < 3; k++) {
			if (isinf(values[k]))
				snprintf(text[k], TEXT_BYTES, "%s", values[k] > 0 ? "+∞" : "-∞");
			else if (is_relative)
				snprintf(text[k], TEXT_BYTES, "%+.2f %%", 100 * values[k]);
			else
				signed_duration(values[k], text[k]);
		}
		strbuf_add(out, i ? "" : "\n");
		strbuf_add_printable(out, answer->condition.text);
		strbuf_addf(out, ": %s; changed by %s, 95 %% interval %s to %s\n",
			answer->verdict.holds ? "HOLDS" : "does not hold", text[0], text[1], text[2]);
	}
}

static void print_text(struct print *print)
{
	const struct compare *compare = print->compare;
	print_run(print, 0);
	print_run(print, 1);
	print_pairs(print);
	print_latency(print);
	strbuf_add(print->out, "\nWhere the latency goes, along the critical path (rows sum to it)\n");
	print_split(print, NULL, compare->kinds_ns[0], compare->kinds_ns[1]);
	print_throughput(print);
	print_bottleneck(print);
	strbuf_add(print->out, "\nNodes: own work an execution, without waiting; path: its part of the latency\n");
	print_rows(print);
	print_only(print);
	print_answers(print->options->answers, print->options->n_answers, print->out);
}

/* -- JSON ------------------------------------------------------------------------------------------------ */

static void json_text(struct strbuf *out, const char *key, const char *text)
{
	strbuf_addf(out, ", \"%s\": %s", key, text ? "\"" : "null");
	if (!text)
		return;
	strbuf_add_json(out, text);
	strbuf_add(out, "\"");
}

static void json_real(struct strbuf *out, const char *key, double value)
{
	if (isfinite(value))
		strbuf_addf(out, ", \"%s\": %.15g", key, value);
	else
		strbuf_addf(out, ", \"%s\": null", key);
}

static void json_run(struct print *print, int side)
{
	const struct align_run *run = &print->compare->align.runs[side];
	strbuf_addf(print->out, "%s\"%c\": {\"run\": %lld", side ? ",\n" : "{", "ab"[side], (long long)run->run->id);
	json_text(print->out, "mode", run->run->mode);
	json_text(print->out, "graph", run->run->graph);
	json_text(print->out, "status", run->run->status);
	strbuf_addf(print->out, ", \"executions\": %lld, \"in_flight\": %lld, \"only_here\": %lld}", (long long)run->n_executions,
		(long long)run->run->in_flight, (long long)run->n_alone);
}

static void json_reasons(struct print *print)
{
	const struct compare_reasons *reasons = &print->compare->reasons;
	strbuf_add(print->out, ",\n\"notes\": [");
	for (int i = 0; i < reasons->n_items; i++) {
		strbuf_addf(print->out, "%s{\"is_misleading\": %s", i ? ", " : "", reasons->items[i].is_refusal ? "true" : "false");
		json_text(print->out, "text", reasons->items[i].text);
		strbuf_add(print->out, "}");
	}
	strbuf_add(print->out, "]");
}

/* Values of both runs, their difference and its interval. */
static void json_change(struct print *print, const char *key, double a, double b, const struct compare_interval *interval)
{
	strbuf_addf(print->out, ",\n\"%s\": {\"is_beyond_noise\": %s", key, compare_is_beyond_noise(interval) ? "true" : "false");
	json_real(print->out, "a", a);
	json_real(print->out, "b", b);
	json_real(print->out, "delta", b - a);
	json_real(print->out, "low", interval->low);
	json_real(print->out, "high", interval->high);
	strbuf_add(print->out, "}");
}

static void json_bottleneck(struct print *print)
{
	const struct compare *compare = print->compare;
	if (!compare->has_bottleneck) {
		strbuf_add(print->out, ",\n\"bottleneck\": null,\n\"bottleneck_split\": []");
		return;
	}
	strbuf_addf(print->out, ",\n\"bottleneck\": {\"has_moved\": %s", compare->has_moved ? "true" : "false");
	json_text(print->out, "a", bottleneck_name(compare, 0));
	json_text(print->out, "b", bottleneck_name(compare, 1));
	strbuf_addf(print->out, ", \"a_ns\": %lld, \"b_ns\": %lld", (long long)compare->bottleneck_ns[0],
		(long long)compare->bottleneck_ns[1]);
	json_real(print->out, "a_share", busy_share(compare, 0));
	json_real(print->out, "b_share", busy_share(compare, 1));
	strbuf_add(print->out, "}");
	if (compare->has_moved)
		strbuf_add(print->out, ",\n\"bottleneck_split\": []");
	else
		print_split(print, "bottleneck_split", compare->bottleneck_kinds_ns[0], compare->bottleneck_kinds_ns[1]);
}

static void json_answers(const struct compare_answer *answers, int n_answers, struct strbuf *out)
{
	strbuf_add(out, ",\n\"conditions\": [");
	for (int i = 0; i < n_answers; i++) {
		const struct compare_answer *answer = &answers[i];
		strbuf_addf(out, "%s{\"holds\": %s", i ? ", " : "", answer->verdict.holds ? "true" : "false");
		json_text(out, "condition", answer->condition.text);
		json_text(out, "unit", answer->condition.is_relative ? "share" : "ns");
		json_real(out, "change", answer->verdict.change);
		json_real(out, "low", answer->verdict.low);
		json_real(out, "high", answer->verdict.high);
		strbuf_add(out, "}");
	}
	strbuf_add(out, "]");
}

static void print_json(struct print *print)
{
	const struct compare *compare = print->compare;
	json_run(print, 0);
	json_run(print, 1);
	strbuf_addf(print->out, ",\n\"pairs\": %lld, \"warmup\": %lld, \"failed\": %lld", (long long)compare->align.n_pairs,
		(long long)compare->align.n_warmup, (long long)compare->align.n_failed);
	json_text(print->out, "source", compare->is_stored ? "stored_sums" : "exact_pass");
	json_reasons(print);
	json_change(print, "latency", (double)compare->latency_ns[0], (double)compare->latency_ns[1], &compare->latency);
	print_split(print, "split", compare->kinds_ns[0], compare->kinds_ns[1]);
	if (compare->has_throughput)
		json_change(print, "throughput", compare->per_s[0], compare->per_s[1], &compare->throughput);
	else
		strbuf_add(print->out, ",\n\"throughput\": null");
	json_bottleneck(print);
	print_rows(print);
	print_only(print);
	json_answers(print->options->answers, print->options->n_answers, print->out);
	strbuf_add(print->out, "}\n");
}

void compare_print_answers(const struct compare_answer *answers, int n_answers, bool is_json, struct strbuf *out)
{
	if (is_json)
		json_answers(answers, n_answers, out);
	else
		print_answers(answers, n_answers, out);
}

int compare_print(const struct compare *compare, const struct compare_print_options *options, struct strbuf *out,
	struct error *error)
{
	struct print print = { .compare = compare, .options = options, .names = { "A", "B" }, .out = out };
	const struct align_run *runs = compare->align.runs;
	if (strcmp(runs[0].run->mode, runs[1].run->mode) != 0) {
		print.names[0] = runs[0].run->mode;
		print.names[1] = runs[1].run->mode;
	}
	if (options->is_json)
		print_json(&print);
	else
		print_text(&print);
	return out->is_failed ? error_set(error, STATUS_NO_MEMORY, "no memory to print the comparison") : STATUS_OK;
}
