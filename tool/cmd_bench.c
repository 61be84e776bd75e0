/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_bench: `tandem bench`: runs the benches asked for, prints their rows, and compares them with older ones.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/graph/mistakes.h"
#include "tool/bench.h"
#include "tool/bench_compare.h"
#include "tool/bench_samples.h"
#include "tool/commands.h"
#include "tool/interrupt.h"

#define BENCHES_MAX 64

struct bench_values {
	int64_t repeat, n_spans;
	const char *old_file, *results_file, *fail_above;
	bool is_json, is_quick, lists;
};

#define AT(member) offsetof(struct bench_values, member)

static const struct option_spec bench_option_specs[] = {
	{ "repeat", 'r', OPTION_INT, AT(repeat), "N", "3", "measure N times; more tells noise better", 1, 1000 },
	{ "quick", 0, OPTION_FLAG, AT(is_quick), NULL, NULL, "less work for each measurement: a first look, noisier" },
	{ "spans", 0, OPTION_INT, AT(n_spans), "N", NULL, "view: spans of its trace (10000000; 1000000 with --quick)", 1000,
		INT64_C(1000000000) },
	{ "compare", 0, OPTION_TEXT, AT(old_file), "FILE.json", NULL,
		"show what changed since FILE, which an earlier 'tandem bench --json' printed" },
	{ "fail-above", 0, OPTION_TEXT, AT(fail_above), "PERCENT", NULL,
		"with --compare: exit with 1 when a row is worse by more than this, and beyond its noise" },
	{ "results", 0, OPTION_TEXT, AT(results_file), "FILE.json", NULL, "take the rows from FILE instead of measuring" },
	{ "list", 0, OPTION_FLAG, AT(lists), NULL, NULL, "list the benches instead" },
	{ "json", 0, OPTION_FLAG, AT(is_json), NULL, NULL, "print as JSON: the rows, with machine and build" },
	OPTIONS_END
};

static const struct bench *find_bench(const char *name)
{
	for (int i = 0; benches[i]; i++) {
		if (strcmp(benches[i]->name, name) == 0)
			return benches[i];
	}
	return NULL;
}

static int unknown_bench(const char *name)
{
	const char *names[BENCHES_MAX + 1];
	int n = 0;
	while (benches[n] && n < BENCHES_MAX) {
		names[n] = benches[n]->name;
		n++;
	}
	names[n] = NULL;
	const char *nearest = mistakes_nearest(name, names);
	if (nearest)
		return tool_failf(TOOL_EXIT_USAGE, "bench: there is no '%s'; did you mean '%s'?", name, nearest);
	return tool_failf(TOOL_EXIT_USAGE, "bench: there is no '%s'; see 'tandem bench --list'", name);
}

static int list_benches(bool is_json)
{
	static const struct table_column columns[] = { { "name", TABLE_TEXT }, { "measures", TABLE_TEXT } };
	struct strbuf out = STRBUF_INIT;
	struct table table;
	table_init(&table, columns, ARRAY_LEN(columns));
	for (int i = 0; benches[i]; i++) {
		table_text(&table, benches[i]->name);
		table_text(&table, benches[i]->summary);
	}
	if (is_json)
		table_json_document(&table, &out);
	else
		table_print(&table, 0, &out);
	table_finish(&table);
	return tool_print(&out);
}

/* One bench, as often as asked for. Returns an exit status; what cannot be measured here is told and is no failure. */
static int run_one(const struct bench *bench, const struct bench_values *given, struct bench_rows *rows)
{
	struct bench_options options = { .is_quick = given->is_quick, .n_spans = given->n_spans };
	struct error error = { 0 };
	int status = STATUS_OK;
	rows->bench = bench->name;
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "%s: %s …\n", bench->name, bench->summary);
	for (int64_t i = 0; i < given->repeat && !status && !interrupt_signal(); i++)
		status = bench->run(&options, rows, &error);
	if (interrupt_signal())
		return 128 + interrupt_signal();
	if (!status)
		return TOOL_EXIT_DONE;
	error_prefix(&error, "bench %s", bench->name);
	int exit_status = tool_fail(&error);
	return status == STATUS_UNSUPPORTED ? TOOL_EXIT_DONE : exit_status;
}

static int measure(const struct bench_values *given, int argc, char **argv, struct bench_results *results)
{
	struct bench_rows rows = BENCH_ROWS_INIT;
	int exit_status = TOOL_EXIT_DONE;
	interrupt_catch();
	for (int i = 0; (argc ? i < argc : benches[i] != NULL) && !interrupt_signal(); i++) {
		int one = run_one(argc ? find_bench(argv[i]) : benches[i], given, &rows);
		exit_status = exit_status ? exit_status : one;
	}
	bench_samples_reduce(&rows, results);
	bench_samples_finish(&rows);
	bench_results_set_here(results);
	if (results->is_failed)
		return tool_failf(TOOL_EXIT_FAILED, "bench: no memory for the rows");
	return interrupt_signal() ? 128 + interrupt_signal() : exit_status;
}

static int print_results(const struct bench_values *given, const struct bench_results *results)
{
	struct strbuf out = STRBUF_INIT;
	if (given->is_json)
		bench_results_json(results, &out);
	else
		bench_results_text(results, &out);
	return tool_print(&out);
}

/* "5" or "5%". */
static bool parse_percent(const char *text, double *ret_share)
{
	char *end;
	double percent = strtod(text, &end);
	bool is_right = end != text && (!*end || strcmp(end, "%") == 0) && isfinite(percent) && percent >= 0;
	*ret_share = percent / 100;
	return is_right;
}

static int judge(const struct bench_comparison *comparison, double threshold)
{
	if (!bench_compare_count_judged(comparison))
		return tool_failf(TOOL_EXIT_NOT_COMPARABLE, "bench: no row could be judged, so nothing is said about --fail-above");
	int n = bench_compare_count_worse(comparison, threshold);
	if (n)
		return tool_failf(TOOL_EXIT_FAILED, "bench: %d row%s worse by more than %g %%", n, n == 1 ? " is" : "s are", 100 * threshold);
	return TOOL_EXIT_DONE;
}

static int print_comparison(const struct bench_values *given, const struct bench_comparison *comparison, double threshold)
{
	struct strbuf out = STRBUF_INIT;
	if (given->is_json)
		bench_compare_json(comparison, &out);
	else
		bench_compare_text(comparison, &out);
	int exit_status = tool_print(&out);
	return exit_status || !given->fail_above ? exit_status : judge(comparison, threshold);
}

static int check_use(const struct bench_values *given, int argc, char **argv, double *ret_threshold)
{
	*ret_threshold = 0;
	if (given->fail_above && !given->old_file)
		return tool_failf(TOOL_EXIT_USAGE, "bench: --fail-above needs --compare FILE.json");
	if (given->fail_above && !parse_percent(given->fail_above, ret_threshold))
		return tool_failf(TOOL_EXIT_USAGE, "bench: --fail-above: '%s' is no percentage such as 5", given->fail_above);
	if (given->results_file && argc)
		return tool_failf(TOOL_EXIT_USAGE, "bench: --results measures nothing; leave '%s' out", argv[0]);
	for (int i = 0; i < argc; i++) {
		if (!find_bench(argv[i]))
			return unknown_bench(argv[i]);
	}
	return TOOL_EXIT_DONE;
}

static int get_results(const struct bench_values *given, int argc, char **argv, struct bench_results *results)
{
	struct error error = { 0 };
	if (!given->results_file)
		return measure(given, argc, argv, results);
	return bench_results_read(given->results_file, &error, results) ? tool_fail(&error) : TOOL_EXIT_DONE;
}

static int run_bench(void *values, int argc, char **argv)
{
	const struct bench_values *given = values;
	struct bench_results old = { 0 }, results = { 0 };
	struct error error = { 0 };
	double threshold;
	if (given->lists)
		return list_benches(given->is_json);
	int exit_status = check_use(given, argc, argv, &threshold);
	if (exit_status)
		return exit_status;
	if (given->old_file && bench_results_read(given->old_file, &error, &old))
		return tool_fail(&error);
	exit_status = get_results(given, argc, argv, &results);
	struct bench_comparison comparison = { .old = &old, .now = &results, .old_name = given->old_file,
		.benches = argc ? (const char *const *)argv : NULL };
	int printed = TOOL_EXIT_DONE;
	if (results.n_items || !exit_status)
		printed = given->old_file ? print_comparison(given, &comparison, threshold) : print_results(given, &results);
	bench_results_finish(&old);
	bench_results_finish(&results);
	return exit_status ? exit_status : printed;
}

static void add_bench_names(struct strbuf *out)
{
	for (int i = 0; benches[i]; i++)
		strbuf_addf(out, "%s%s", i ? " " : "", benches[i]->name);
}

const struct command command_bench = {
	.name = "bench",
	.summary = "measure tandem beside what the machine can do at best",
	.usage = "[NAME…]",
	.details = "Runs the named benches, or all. 'limit' is what bare code did on this machine in the same run, 'ratio' the\n"
		"distance from it (lower is better, for rates too), 'target' the ratio that is aimed at (where there is no\n"
		"limit: the value). Of the repeats, the best value is shown beside the best limit, and the median where there\n"
		"is no limit.\n\n"
		"With --compare, rows are aligned by name and the change of the ratio is judged, so that a machine's speed\n"
		"cancels out. The noise that a change must exceed is the spread of the repeats, old and new added, and at\n"
		"least 2 %. For example:\n\n"
		"  tandem bench --json > old.json\n"
		"  tandem bench --compare old.json --fail-above 10\n",
	.options = bench_option_specs,
	.values_bytes = sizeof(struct bench_values),
	.n_arguments_max = BENCHES_MAX,
	.add_words = add_bench_names,
	.run = run_bench,
};
