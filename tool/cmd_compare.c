/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_compare: `tandem compare`: two runs against each other, and conditions for scripts.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "tool/commands.h"
#include "tool/compare_imported.h"
#include "tool/foreign.h"
#include "traces/compare_print.h"

struct compare_values {
	struct option_list runs, conditions;
	int64_t n_nodes;
	const char *ranks, *html;
	bool is_forced, is_exact, is_strict, is_json, is_markdown, has_no_cache;
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
	{ "rank", 0, OPTION_TEXT, AT(ranks), "A,B", NULL, "imported runs: only these ranks, of one file or of two" },
	{ "html", 0, OPTION_TEXT, AT(html), "OUT", NULL, "imported runs: write a page that needs nothing else to this file" },
	{ "markdown", 0, OPTION_FLAG, AT(is_markdown), NULL, NULL, "imported runs: print as Markdown, for a pull request" },
	FOREIGN_OPTION(AT(has_no_cache)),
	OPTIONS_END
};

/* The traces (the same one twice for one file) and runs, and what is asked of them. */
struct comparison {
	const struct compare_values *options;
	struct foreign foreigns[2];
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
		if (!runs->n_items && is_one_file && side == 1 && !comparison->options->ranks)
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

static int open_runs(struct comparison *comparison, int n_files)
{
	struct error *error = &comparison->error;
	int status = parse_conditions(comparison, error);
	if (status == STATUS_OK)
		status = trace_open(comparison->foreigns[0].file, error, &comparison->traces[0]);
	if (status == STATUS_OK && n_files == 2)
		status = trace_open(comparison->foreigns[1].file, error, &comparison->traces[1]);
	if (status == STATUS_OK && n_files == 1)
		comparison->traces[1] = comparison->traces[0];
	if (status == STATUS_OK)
		status = choose_runs(comparison, n_files == 1, error);
	return status;
}

static int compare_runs(struct comparison *comparison)
{
	struct error *error = &comparison->error;
	struct compare_options options = { .is_forced = comparison->options->is_forced,
		.is_exact = comparison->options->is_exact };
	if (comparison->options->ranks || comparison->options->html || comparison->options->is_markdown)
		return error_set(error, STATUS_USAGE, "compare: --rank, --html and --markdown are for runs that other tools recorded");
	int status = compare_make(comparison->sides, &options, error, &comparison->compare);
	for (int i = 0; status == STATUS_OK && i < comparison->n_answers; i++) {
		struct compare_answer *answer = &comparison->answers[i];
		status = compare_condition_check(&answer->condition, &comparison->compare, comparison->options->is_strict, error,
			&answer->verdict);
		if (status != STATUS_OK)
			error_prefix(error, "compare: --fail-if");
	}
	return status;
}

/* Runs that other tools recorded. */
static int compare_others(struct comparison *comparison, char **files, int n_files)
{
	const struct compare_values *values = comparison->options;
	const struct compare_imported_options options = { .is_forced = values->is_forced, .is_exact = values->is_exact,
		.is_strict = values->is_strict, .is_json = values->is_json, .n_rows = (int)values->n_nodes, .html = values->html,
		.is_markdown = values->is_markdown, .answers = comparison->answers, .n_answers = comparison->n_answers };
	struct gpu_compare_side sides[2];
	for (int side = 0; side < 2; side++) {
		sides[side] = (struct gpu_compare_side){ .trace = comparison->sides[side].trace, .run = comparison->sides[side].run,
			.name = files[n_files == 2 ? side : 0] };
	}
	if (compare_imported_ranks(values->ranks, sides, &comparison->error))
		return tool_fail(&comparison->error);
	return compare_imported(sides, &options, &comparison->error);
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

static int compare_opened(struct comparison *comparison, char **files, int n_files)
{
	bool are_imported[2] = { compare_imported_is(comparison->sides[0].run), compare_imported_is(comparison->sides[1].run) };
	if (are_imported[0] && are_imported[1])
		return compare_others(comparison, files, n_files);
	if (are_imported[0] || are_imported[1]) {
		error_set(&comparison->error, STATUS_NOT_COMPARABLE, "%c was recorded by another tool, %c by tandem: they have no kinds of time in"
			" common", are_imported[0] ? 'A' : 'B', are_imported[0] ? 'B' : 'A');
		return tool_fail(&comparison->error);
	}
	return compare_runs(comparison) ? tool_fail(&comparison->error) : print_comparison(comparison);
}

static int run_compare(void *values, int argc, char **argv)
{
	struct comparison comparison = { .options = values };
	int exit_status = TOOL_EXIT_DONE;
	for (int i = 0; i < argc && exit_status == TOOL_EXIT_DONE; i++)
		exit_status = foreign_open(&argv[i], 1, !comparison.options->has_no_cache, &comparison.foreigns[i]);
	if (exit_status == TOOL_EXIT_DONE && open_runs(&comparison, argc))
		exit_status = tool_fail(&comparison.error);
	else if (exit_status == TOOL_EXIT_DONE)
		exit_status = compare_opened(&comparison, argv, argc);
	compare_finish(&comparison.compare);
	if (comparison.traces[1] != comparison.traces[0])
		trace_close(comparison.traces[1]);
	trace_close(comparison.traces[0]);
	for (int i = 0; i < 2; i++)
		foreign_close(&comparison.foreigns[i]);
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
		"otherwise, and with --exact, from a pass over all ops. The output says which; the numbers are the same.\n\n"
		"Runs that other tools recorded (or such files themselves) are compared by what their devices did: work is matched by\n"
		"graph node, else by the annotations around its launch and the order in them, else by name, and the time of an\n"
		"iteration is split by kind. Without iterations counts and means are compared. METRIC is then latency and throughput\n"
		"of iterations, node.NAME (the mean duration of a kernel) or a kind of device time. See doc/compare.md.\n",
	.options = compare_option_specs,
	.values_bytes = sizeof(struct compare_values),
	.n_arguments_min = 1,
	.n_arguments_max = 2,
	.run = run_compare,
};
