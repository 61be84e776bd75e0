/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_run: `tandem run`: everything that can be wrong is found before a process is started; then the graph runs, and what came of it is
 * written, compared and told.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/run/driver.h"
#include "tool/commands.h"
#include "tool/expect.h"
#include "tool/file_kind.h"
#include "tool/interrupt.h"
#include "tool/load.h"
#include "tool/run_inputs.h"
#include "tool/run_loop.h"
#include "tool/run_summary.h"

struct run_options {
	int64_t mode, executions, in_flight, seed, stall_limit_ns, timeout_ns, grace_ns;
	double tolerance;
	struct option_list settings, inputs, outputs, expected;
	const char *record, *trace;
	bool pins, is_fail_fast, is_json, is_quiet;
};

#define AT(member) offsetof(struct run_options, member)
static const char *const modes[] = { "compiled", NULL };

static const struct option_spec run_option_specs[] = {
	{ "mode", 0, OPTION_CHOICE, AT(mode), "MODE", "compiled", "how the graph is run", .choices = modes },
	{ "set", 0, OPTION_LIST, AT(settings), "NAME=VALUE", NULL, "put VALUE in place of $NAME in the graph" },
	{ "input", 'i', OPTION_LIST, AT(inputs), "FILE", NULL,
		"FILE.safetensors, or NAME=FILE.npy; without any, inputs are made up from the seed" },
	{ "output", 0, OPTION_LIST, AT(outputs), "FILE", NULL,
		"write the last execution's outputs to FILE.safetensors, or one to NAME=FILE.npy" },
	{ "expect", 0, OPTION_LIST, AT(expected), "FILE", NULL,
		"compare the last execution's outputs with the tensors of FILE; the run fails when they differ" },
	{ "tolerance", 0, OPTION_REAL, AT(tolerance), "X", "0", "largest difference that --expect accepts" },
	{ "executions", 'n', OPTION_INT, AT(executions), "N", "1", "how often to run the inputs through", 1, INT64_MAX },
	{ "in-flight", 0, OPTION_INT, AT(in_flight), "N", NULL,
		"most executions under way at once (default: 2 for each worker)", 1, 65536 },
	{ "trace", 'o', OPTION_TEXT, AT(trace), "FILE.tandem", NULL, "record into FILE; an older trace there is replaced" },
	{ "record", 0, OPTION_TEXT, AT(record), "POLICY", NULL, "all (default), every=N, window=A:B (executions) or off" },
	{ "seed", 0, OPTION_INT, AT(seed), "N", "0", "seed of made-up inputs and of ops that draw numbers", 0, INT64_MAX },
	{ "pin", 0, OPTION_FLAG, AT(pins), NULL, NULL, "pin each worker to a core" },
	{ "stall-limit", 0, OPTION_DURATION, AT(stall_limit_ns), "TIME", "1s", "report waits longer than this; 0: never" },
	{ "timeout", 0, OPTION_DURATION, AT(timeout_ns), "TIME", NULL, "cancel an execution that takes longer (default: none)" },
	{ "grace", 0, OPTION_DURATION, AT(grace_ns), "TIME", "1s", "what an op that runs at the end gets before it is killed" },
	{ "fail-fast", 0, OPTION_FLAG, AT(is_fail_fast), NULL, NULL, "end the run at the first execution that fails" },
	{ "json", 0, OPTION_FLAG, AT(is_json), NULL, NULL, "print the summary as JSON" },
	{ "quiet", 'q', OPTION_FLAG, AT(is_quiet), NULL, NULL, "print nothing but failures" },
	OPTIONS_END
};

/* One run from start to end. */
struct run {
	const struct run_options *options;
	const char *file;
	struct loaded loaded;
	struct run_inputs inputs;
	struct tensor_files expected;
	struct progress progress;
	struct run_loop loop;
	struct driver_summary summary;
	bool overwrites_trace, is_started;
	struct error error;
};

static int check_trace(struct run *run)
{
	const struct run_options *options = run->options;
	bool is_off = options->record && strcmp(options->record, "off") == 0;
	if (is_off && options->trace)
		return error_set(&run->error, STATUS_USAGE, "run: --record off records nothing; leave -o out, or --record");
	if (!is_off && options->record && !options->trace)
		return error_set(&run->error, STATUS_USAGE, "run: --record %s needs -o FILE.tandem to record into", options->record);
	if (!options->trace)
		return STATUS_OK;
	enum file_kind kind = file_kind(options->trace);
	run->overwrites_trace = kind == FILE_KIND_TRACE || kind == FILE_KIND_EMPTY;
	if (kind == FILE_KIND_UNREADABLE)
		return error_set_errno(&run->error, STATUS_INPUT, "-o %s", options->trace);
	if (kind != FILE_KIND_MISSING && !run->overwrites_trace)
		return error_set(&run->error, STATUS_INPUT,
			"-o %s: the file exists and is no tandem trace, so it is left alone; choose another name", options->trace);
	return STATUS_OK;
}

static int check_outputs(struct run *run)
{
	const struct graph_node *output = &run->loaded.graph->nodes[GRAPH_OUTPUT];
	const char **names = calloc((size_t)output->n_inputs + 1, sizeof *names);
	if (!names)
		return error_set(&run->error, STATUS_NO_MEMORY, "%s", status_sentence(STATUS_NO_MEMORY));
	for (int i = 0; i < output->n_inputs; i++)
		names[i] = run_loop_result_name(run->loaded.plan, i);
	int status = tensor_files_check_outputs(&run->options->outputs, "output", names, output->n_inputs, &run->error);
	free(names);
	return status;
}

static int prepare(struct run *run)
{
	int status = check_outputs(run);
	if (!status)
		status = tensor_files_read(&run->options->expected, "expect", &run->expected, &run->error);
	if (!status)
		status = run_inputs_make(run->loaded.plan, &run->options->inputs, (uint64_t)run->options->seed, &run->inputs,
			&run->error);
	return status;
}

static void tell_made_up(struct run *run)
{
	struct strbuf text = STRBUF_INIT;
	strbuf_addf(&text, "no --input, so made up from seed %" PRId64 ": ", run->options->seed);
	run_inputs_describe(run->loaded.plan, &run->inputs, &text);
	progress_note(&run->progress, "tandem", strbuf_text(&text));
	strbuf_finish(&text);
}

static void on_notice(void *user, enum driver_notice notice, const char *who, const char *text)
{
	struct run *run = user;
	if (notice != DRIVER_NOTICE_OUTPUT || !run->options->is_quiet)
		progress_note(&run->progress, notice == DRIVER_NOTICE_OUTPUT ? who : "tandem", text);
}

/* The command line as it was typed, quoted for a shell. */
static void add_command_line(struct strbuf *out)
{
	char words[4096];
	int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, words, sizeof words - 1);
	if (fd >= 0)
		close(fd);
	words[n > 0 ? n : 0] = '\0';
	for (ssize_t at = 0; at < n; at += (ssize_t)strlen(words + at) + 1) {
		bool is_plain = words[at] && strspn(words + at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
			"-_=/.,:+@%") == strlen(words + at);
		strbuf_add(out, at ? " " : "");
		strbuf_add(out, is_plain ? "" : "'");
		for (const char *c = words + at; *c; c++)
			strbuf_addf(out, *c == '\'' ? "'\\%c'" : "%c", *c);
		strbuf_add(out, is_plain ? "" : "'");
	}
}

static int start(struct run *run)
{
	const struct run_options *options = run->options;
	struct strbuf command = STRBUF_INIT;
	add_command_line(&command);
	struct program_setting settings[] = { { "command", strbuf_text(&command) }, { "version", TANDEM_VERSION } };
	struct driver_options driver_options = {
		.trace_file = options->trace,
		.overwrites_trace = run->overwrites_trace,
		.record = options->record,
		.seed = (uint64_t)options->seed,
		.stall_limit_ns = options->stall_limit_ns ? options->stall_limit_ns : -1,
		.timeout_ns = options->timeout_ns,
		.grace_ns = options->grace_ns ? options->grace_ns : 1,
		.pins = options->pins,
		.settings = settings,
		.n_settings = ARRAY_LEN(settings),
		.notice = on_notice,
		.notice_user = run,
	};
	int status = driver_start(run->loaded.plan, &driver_options, &run->error, &run->loop.driver);
	strbuf_finish(&command);
	return status;
}

/* Tells what ended the run early and what is missing at its end; what came of a Ctrl-C is no news. Returns an exit status. */
static int conclude(const struct run *run, int status, const struct error *stop_error)
{
	int exit_status = run->loop.n_failed ? TOOL_EXIT_FAILED : TOOL_EXIT_DONE;
	bool was_told = interrupt_signal() || (run->loop.n_failed && run->options->is_fail_fast);
	if (status && !was_told)
		exit_status = tool_fail(&run->error);
	if (stop_error->status && stop_error->status != status && stop_error->status != STATUS_STOPPED)
		exit_status = tool_fail(stop_error);
	return interrupt_signal() ? 128 + interrupt_signal() : exit_status;
}

/* The run itself, from the first process to the last. Returns an exit status. */
static int carry_out(struct run *run)
{
	const struct run_options *options = run->options;
	struct error stop_error = { 0 };
	progress_init(&run->progress, "executions", (uint64_t)options->executions, options->is_quiet);
	if (run->inputs.is_made_up && run->inputs.n && !options->is_quiet)
		tell_made_up(run);
	run->loop = (struct run_loop){ .plan = run->loaded.plan, .inputs = run->inputs.tensors, .progress = &run->progress,
		.n_executions = (uint64_t)options->executions, .is_fail_fast = options->is_fail_fast,
		.keeps_outputs = options->outputs.n_items || options->expected.n_items };
	interrupt_catch();
	if (start(run)) {
		progress_finish(&run->progress);
		return interrupt_signal() ? 128 + interrupt_signal() : tool_fail(&run->error);
	}
	run->is_started = true;
	interrupt_set_driver(run->loop.driver);
	int status = run_loop(&run->loop, &run->error);
	interrupt_set_driver(NULL);
	driver_stop(run->loop.driver, &run->summary, &stop_error);
	progress_finish(&run->progress);
	return conclude(run, status, &stop_error);
}

static int write_outputs(struct run *run)
{
	if (!run->options->outputs.n_items)
		return TOOL_EXIT_DONE;
	if (!run->loop.has_outputs)
		return tool_failf(TOOL_EXIT_FAILED, "the last execution gave no outputs, so none were written");
	int status = tensor_files_write(&run->options->outputs, &run->loop.outputs, &run->error);
	return status ? tool_fail(&run->error) : TOOL_EXIT_DONE;
}

static int compare_outputs(struct run *run)
{
	if (!run->expected.n_sets)
		return TOOL_EXIT_DONE;
	if (!run->loop.has_outputs)
		return tool_failf(TOOL_EXIT_FAILED, "the last execution gave no outputs to compare with --expect");
	struct strbuf text = STRBUF_INIT;
	bool is_right = true;
	for (int i = 0; i < run->expected.n_sets; i++) {
		if (!expect_check(&run->loop.outputs, &run->expected.sets[i], run->options->tolerance, &text))
			is_right = false;
	}
	if (!is_right || (!run->options->is_quiet && !run->options->is_json))
		fputs(strbuf_text(&text), is_right ? stdout : stderr);
	fflush(stdout);
	strbuf_finish(&text);
	return is_right ? TOOL_EXIT_DONE : tool_failf(TOOL_EXIT_FAILED, "outputs differ from what --expect says");
}

static int summarise(const struct run *run)
{
	struct strbuf out = STRBUF_INIT;
	struct run_summary summary = { .graph = run->loaded.graph->name, .mode = modes[run->options->mode],
		.trace = run->options->trace, .loop = &run->loop, .driver = &run->summary };
	if (run->options->is_json)
		run_summary_json(&summary, &out);
	else if (!run->options->is_quiet)
		run_summary_text(&summary, &out);
	return tool_print(&out);
}

static int worse(int exit_status, int other)
{
	return exit_status ? exit_status : other;
}

static int run_graph(struct run *run)
{
	if (check_trace(run))
		return tool_fail(&run->error);
	if (load(run->file, &run->options->settings, (int)run->options->in_flight, &run->loaded))
		return load_fail(&run->loaded, run->file);
	if (prepare(run))
		return tool_fail(&run->error);
	int exit_status = carry_out(run);
	if (!run->is_started)
		return exit_status;
	if (run->loop.n_done == run->loop.n_executions) {
		exit_status = worse(exit_status, write_outputs(run));
		exit_status = worse(exit_status, compare_outputs(run));
	}
	return worse(exit_status, summarise(run));
}

static int run_run(void *values, int argc, char **argv)
{
	struct run *run = calloc(1, sizeof *run);
	if (!run)
		return tool_failf(TOOL_EXIT_FAILED, "%s", status_sentence(STATUS_NO_MEMORY));
	run->options = values;
	run->file = argv[0];
	int exit_status = run_graph(run);
	run_loop_finish(&run->loop);
	run_inputs_finish(&run->inputs);
	tensor_files_finish(&run->expected);
	load_finish(&run->loaded);
	free(run);
	return exit_status;
}

const struct command command_run = {
	.name = "run",
	.summary = "run a graph over worker processes, and record it",
	.usage = "GRAPH",
	.details = "Compiles GRAPH (a DOT file), starts a process for each worker, runs the inputs through as often as asked\n"
		"for, and prints throughput and latency (from submit to results). A failed execution is reported and the run\n"
		"goes on. Ctrl-C ends the run and keeps the trace; the exit status is then 130.\n\n"
		"Without --input every letter of the graph's input declaration is 8 (or its bound, if less), f32 and f64 are\n"
		"normally distributed (ones where the name contains \"mask\"), and integers lie within 0 … 999.\n",
	.options = run_option_specs,
	.values_bytes = sizeof(struct run_options),
	.n_arguments_min = 1,
	.n_arguments_max = 1,
	.run = run_run,
};
