/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_bench: `tandem bench`: runs the benches asked for and prints their rows.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine/graph/mistakes.h"
#include "tool/bench.h"
#include "tool/commands.h"

#define BENCHES_MAX 64

struct bench_values {
	int64_t repeat;
	bool is_json, is_quick, lists;
};

#define AT(member) offsetof(struct bench_values, member)

static const struct option_spec bench_option_specs[] = {
	{ "repeat", 'r', OPTION_INT, AT(repeat), "N", "3", "measure N times and report the best", 1, 1000 },
	{ "quick", 0, OPTION_FLAG, AT(is_quick), NULL, NULL, "less work for each measurement: a first look, noisier" },
	{ "list", 0, OPTION_FLAG, AT(lists), NULL, NULL, "list the benches instead" },
	{ "json", 0, OPTION_FLAG, AT(is_json), NULL, NULL, "print the rows as JSON" },
	OPTIONS_END
};

static const struct table_column bench_columns[] = {
	{ "name", TABLE_TEXT }, { "value", TABLE_REAL }, { "unit", TABLE_TEXT }, { "limit", TABLE_REAL }, { "ratio", TABLE_REAL },
	{ "target", TABLE_REAL },
};

void bench_row(struct table *rows, const char *name, double value, const char *unit, enum bench_sense sense, double limit,
	double target)
{
	table_text(rows, name);
	table_real(rows, value);
	table_text(rows, unit);
	table_real(rows, limit);
	table_real(rows, sense == BENCH_LOWER ? value / limit : limit / value);
	table_real(rows, target);
}

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

/* Returns an exit status; what cannot be measured here is told and is no failure. */
static int run_one(const struct bench *bench, const struct bench_options *options, struct table *rows)
{
	struct error error = { 0 };
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "%s: %s …\n", bench->name, bench->summary);
	int status = bench->run(options, rows, &error);
	if (!status)
		return TOOL_EXIT_DONE;
	error_prefix(&error, "bench %s", bench->name);
	int exit_status = tool_fail(&error);
	return status == STATUS_UNSUPPORTED ? TOOL_EXIT_DONE : exit_status;
}

static int run_bench(void *values, int argc, char **argv)
{
	const struct bench_values *given = values;
	struct bench_options options = { .n_repeats = (int)given->repeat, .is_quick = given->is_quick };
	if (given->lists)
		return list_benches(given->is_json);
	for (int i = 0; i < argc; i++) {
		if (!find_bench(argv[i]))
			return unknown_bench(argv[i]);
	}
	struct table rows;
	table_init(&rows, bench_columns, ARRAY_LEN(bench_columns));
	int exit_status = TOOL_EXIT_DONE;
	for (int i = 0; argc ? i < argc : benches[i] != NULL; i++) {
		int one = run_one(argc ? find_bench(argv[i]) : benches[i], &options, &rows);
		exit_status = exit_status ? exit_status : one;
	}
	struct strbuf out = STRBUF_INIT;
	if (given->is_json)
		table_json_document(&rows, &out);
	else
		table_print(&rows, 0, &out);
	table_finish(&rows);
	int printed = tool_print(&out);
	return exit_status ? exit_status : printed;
}

const struct command command_bench = {
	.name = "bench",
	.summary = "measure tandem beside what the machine can do at best",
	.usage = "[NAME…]",
	.details = "Runs the named benches, or all. 'limit' is what bare code did on this machine in the same run, 'ratio' the\n"
		"distance from it (lower is better, for rates too), 'target' the ratio that is aimed at (where there is no\n"
		"limit: the value).\n",
	.options = bench_option_specs,
	.values_bytes = sizeof(struct bench_values),
	.n_arguments_max = 64,
	.run = run_bench,
};
