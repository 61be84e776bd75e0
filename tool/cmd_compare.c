/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_compare: `tandem compare`: two runs against each other, and conditions for scripts.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "tool/commands.h"
#include "traces/compare_print.h"

struct compare_values {
	struct option_list runs, conditions;
	int64_t n_nodes;
	bool is_forced, is_exact, is_strict, is_json;
};

#define AT(member) offsetof(struct compare_values, member)

static const struct option_spec compare_option_specs[] = {
	{ "run", 0, OPTION_LIST, AT(runs), "N", NULL, "a run to compare; twice: A, then B (default: runs 1 and 2 of one"
		" file, the first of each of two)" },
	{ "fail-if", 0, OPTION_LIST, AT(conditions), "CONDITION", NULL, "exit with 1 when this holds" },
	{ "strict", 0, OPTION_FLAG, AT(is_strict), NULL, NULL, "let --fail-if look at the measured change alone, not at noise" },
	{ "force", 0, OPTION_FLAG, AT(is_forced), NULL, NULL, "compare even when that would mislead, and say why it would" },
	{ "exact", 0, OPTION_FLAG, AT(is_exact), NULL, NULL, "go over all ops even where stored sums give the same numbers" },
	{ "nodes", 0, OPTION_INT, AT(n_nodes), "N", "20", "list at most N nodes and edges, the largest changes first", 1, 1000000 },
	{ "json", 0, OPTION_FLAG, AT(is_json), NULL, NULL, "print as JSON: an object with an array for each table" },
	OPTIONS_END
};

/* The traces (the same one twice for one file) and runs, and what is asked of them. */
struct comparison {
	const struct compare_values *options;
	struct trace *traces[2];
	struct align_side sides[2];
	struct compare compare;
	struct compare_answer *answers;
	int n_answers;
	struct error error;
};

static int parse_run(const char *text, int64_t *ret_id, struct error *error)
{
	char *end = NULL;
	long long id = strtoll(text, &end, 10);
	if (end == text || *end || id < 1)
		return error_set(error, STATUS_USAGE, "--run: '%s' is no number of a run; runs count from 1", text);
	*ret_id = id;
	return STATUS_OK;
}

static int choose_runs(struct comparison *comparison, bool is_one_file, struct error *error)
{
	const struct option_list *runs = &comparison->options->runs;
	if (runs->n_items != 0 && runs->n_items != 2)
		return error_set(error, STATUS_USAGE, "--run is given twice, once for each run to compare");
	for (int side = 0; side < 2; side++) {
		const struct trace *trace = comparison->traces[side];
		int64_t id = 0;
		int status = runs->n_items ? parse_run(runs->items[side], &id, error) : STATUS_OK;
		if (status != STATUS_OK)
			return status;
		const struct trace_run *run = trace_find_run(trace, id);
		if (!runs->n_items && is_one_file && side == 1)
			run = trace->n_runs > 1 ? &trace->runs[1] : NULL;
		if (!run && id)
			return error_set(error, STATUS_INPUT, "%s: there is no run %" PRId64 "; the file holds %d", trace->file, id,
				trace->n_runs);
		if (!run)
			return error_set(error, STATUS_INPUT, "%s: the file holds %s; %s", trace->file,
				trace->n_runs ? "one run" : "no run",
				is_one_file ? "name a second file to compare it with" : "there is nothing to compare");
		comparison->sides[side] = (struct align_side){ trace, run };
	}
	return STATUS_OK;
}

static int parse_conditions(struct comparison *comparison, struct error *error)
{
	const struct option_list *conditions = &comparison->options->conditions;
	comparison->answers = calloc((size_t)conditions->n_items + 1, sizeof(*comparison->answers));
	if (!comparison->answers)
		return error_set(error, STATUS_NO_MEMORY, "no memory for the conditions");
	for (int i = 0; i < conditions->n_items; i++) {
		if (compare_condition_parse(conditions->items[i], &comparison->answers[i].condition, error))
			return error_prefix(error, "compare: --fail-if");
		comparison->n_answers++;
	}
	return STATUS_OK;
}

static int compare_runs(struct comparison *comparison, int n_files, char **files)
{
	struct error *error = &comparison->error;
	int status = parse_conditions(comparison, error);
	if (status == STATUS_OK)
		status = trace_open(files[0], error, &comparison->traces[0]);
	if (status == STATUS_OK && n_files == 2)
		status = trace_open(files[1], error, &comparison->traces[1]);
	if (status == STATUS_OK && n_files == 1)
		comparison->traces[1] = comparison->traces[0];
	if (status == STATUS_OK)
		status = choose_runs(comparison, n_files == 1, error);
	struct compare_options options = { .is_forced = comparison->options->is_forced,
		.is_exact = comparison->options->is_exact };
	if (status == STATUS_OK)
		status = compare_make(comparison->sides, &options, error, &comparison->compare);
	for (int i = 0; status == STATUS_OK && i < comparison->n_answers; i++) {
		struct compare_answer *answer = &comparison->answers[i];
		status = compare_condition_check(&answer->condition, &comparison->compare, comparison->options->is_strict, error,
			&answer->verdict);
		if (status != STATUS_OK)
			error_prefix(error, "compare: --fail-if");
	}
	return status;
}

static int print_comparison(struct comparison *comparison)
{
	struct strbuf out = STRBUF_INIT;
	const struct compare_print_options options = { .n_rows = (int)comparison->options->n_nodes,
		.is_json = comparison->options->is_json, .answers = comparison->answers, .n_answers = comparison->n_answers };
	if (compare_print(&comparison->compare, &options, &out, &comparison->error)) {
		strbuf_finish(&out);
		return tool_fail(&comparison->error);
	}
	int exit_status = tool_print(&out);
	for (int i = 0; i < comparison->n_answers; i++) {
		if (comparison->answers[i].verdict.holds)
			exit_status = TOOL_EXIT_FAILED;
	}
	return exit_status;
}

static int run_compare(void *values, int argc, char **argv)
{
	struct comparison comparison = { .options = values };
	int exit_status = compare_runs(&comparison, argc, argv) ? tool_fail(&comparison.error) : print_comparison(&comparison);
	compare_finish(&comparison.compare);
	if (comparison.traces[1] != comparison.traces[0])
		trace_close(comparison.traces[1]);
	trace_close(comparison.traces[0]);
	free(comparison.answers);
	return exit_status;
}

const struct command command_compare = {
	.name = "compare",
	.summary = "compare two runs of a graph, the difference split into its causes",
	.usage = "FILE [FILE2]",
	.details = "Runs are aligned by node and execution. The difference in latency is split by what the time went to, and the\n"
		"parts sum to the whole; a 95 % interval tells it apart from noise. A CONDITION is METRIC>CHANGE or\n"
		"METRIC<CHANGE, from A to B:\n\n"
		"  latency>+5%  throughput<-3%  node.layer3>+10us  dispatch>+1us\n\n"
		"METRIC is latency, throughput, node.NAME (its own work) or a kind of time. It holds when the whole interval lies\n"
		"beyond the change. Exit status 3: refused, because a comparison would mislead.\n\n"
		"Where both runs have the same executions and none failed, the numbers come from sums stored when the runs ended;\n"
		"otherwise, and with --exact, from a pass over all ops. The output says which; the numbers are the same.\n",
	.options = compare_option_specs,
	.values_bytes = sizeof(struct compare_values),
	.n_arguments_min = 1,
	.n_arguments_max = 2,
	.run = run_compare,
};
