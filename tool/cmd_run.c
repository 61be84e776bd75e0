/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_run: `tandem run`: everything that can be wrong is found before a process is started; then the graph runs, and what came of it is
 * written, compared and told.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/api/context.h"
#include "engine/base/file_kind.h"
#include "engine/run/driver.h"
#include "engine/run/recorder.h"
#include "tool/commands.h"
#include "tool/expect.h"
#include "tool/interrupt.h"
#include "tool/keys.h"
#include "tool/load.h"
#include "tool/run_both.h"
#include "tool/run_inputs.h"
#include "tool/run_loop.h"
#include "tool/run_options.h"
#include "tool/run_summary.h"
#include "tool/run_view.h"
#include "traces/merge.h"

/* What --mode offers, as RUN_OPTION_ROWS names it. */
const char *const run_option_modes[] = {
#define X(name, word) word,
	RUN_MODE_MAP(X)
#undef X
	"both", NULL,
};

#define AT(member) RUN_OPTION_AT(0, member)

static const struct option_spec run_option_specs[] = {
	RUN_OPTION_ROWS(0)
	{ "view", 0, OPTION_FLAG, AT(is_viewed), NULL, NULL, "look at the run on this terminal while it goes on; q leaves" },
	{ "wait-for-debugger", 0, OPTION_FLAG, AT(waits_for_debugger), NULL, NULL,
		"stop at the first gates until a debugger is there: tandem debug --attach PID" },
	{ "json", 0, OPTION_FLAG, AT(is_json), NULL, NULL, "print the summary as JSON" },
	OPTIONS_END
};

/* One run from start to end, or two side by side. */
struct run {
	const struct run_options *options;
	const char *file;
	struct loaded loaded;
	struct run_inputs inputs;
	struct tensor_files expected;
	struct progress progress;
	struct keys keys;
	struct run_view *view;
	const char *trace;   /* what is recorded into; with --view and without -o: a file that goes with the screens */
	int n_modes;
	enum run_mode modes[RUN_MODE_COUNT];
	struct run_loop loops[RUN_MODE_COUNT];
	struct driver_summary summaries[RUN_MODE_COUNT];
	char part[4096];     /* what the second mode is recorded into, until both have ended */
	uint64_t n_different; /* executions whose outputs differ between the modes */
	struct strbuf differences;
	bool overwrites_trace, is_started;
	_Atomic bool can_save; /* the drivers are there */
	struct error error;
};

static int check_trace(struct run *run)
{
	const struct run_options *options = run->options;
	bool is_off = options->record && strcmp(options->record, "off") == 0;
	if (is_off && options->trace)
		return error_set(&run->error, STATUS_USAGE, "run: --record off records nothing; leave -o out, or --record");
	if (options->is_viewed && is_off)
		return error_set(&run->error, STATUS_USAGE, "run: --view looks at what is recorded; leave --record off out");
	if (options->is_viewed && run->n_modes > 1)
		return error_set(&run->error, STATUS_USAGE,
			"run: --view shows one mode as it runs; run --mode both with -o FILE.tandem, then tandem view FILE.tandem");
	if (!is_off && options->record && !options->trace && !options->is_viewed)
		return error_set(&run->error, STATUS_USAGE, "run: --record %s needs -o FILE.tandem to record into", options->record);
	if (!options->trace)
		return STATUS_OK;
	enum file_kind kind = file_kind(options->trace);
	run->overwrites_trace = kind == FILE_KIND_TRACE || kind == FILE_KIND_EMPTY;
	if (snprintf(run->part, sizeof run->part, "%s.part", options->trace) >= (int)sizeof run->part)
		return error_set(&run->error, STATUS_USAGE, "-o: the name is too long");
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

static void tell_saved(struct run *run, const char *what)
{
	struct strbuf text = STRBUF_INIT;
	if (run->options->trace)
		strbuf_addf(&text, "saved the state of the run (%s): tandem debug %s", what, run->options->trace);
	if (text.length)
		progress_note(&run->progress, "tandem", strbuf_text(&text));
	strbuf_finish(&text);
}

static void on_notice(void *user, enum driver_notice notice, const char *who, const char *text)
{
	struct run *run = user;
	if (notice == DRIVER_NOTICE_SAVED)
		tell_saved(run, text);
	else if (notice != DRIVER_NOTICE_OUTPUT || !run->options->is_quiet)
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

static int start(struct run *run, int idx, const char *command)
{
	const struct run_options *options = run->options;
	struct program_setting settings[2 + CONTEXT_MODULES_MAX] = { { "command", command }, { "version", TANDEM_VERSION } };
	const struct registry *registry = &run->loaded.registry;
	for (int i = 0; i < registry->n_modules; i++)
		settings[2 + i] = (struct program_setting){ context_module_key(i), registry->modules[i].file };
	struct driver_options driver_options = {
		.mode = run->modes[idx],
		.store_limit_bytes = options->store_limit_bytes,
		.trace_file = options->trace && idx ? run->part : run->trace,
		.overwrites_trace = run->overwrites_trace || idx,
		.record = options->record,
		.triggers = options->triggers,
		.record_limit_bytes = options->record_limit_bytes / (uint64_t)run->n_modes,
		.seed = (uint64_t)options->seed,
		.stall_limit_ns = options->stall_limit_ns ? options->stall_limit_ns : -1,
		.hang_limit_ns = options->hang_limit_ns ? options->hang_limit_ns : -1,
		.postmortem_limit_bytes = options->postmortem_limit_bytes ? (int64_t)options->postmortem_limit_bytes : -1,
		.timeout_ns = options->timeout_ns,
		.grace_ns = options->grace_ns ? options->grace_ns : 1,
		.pins = options->pins,
		.waits_for_debugger = options->waits_for_debugger,
		.poisons = options->poisons,
		.history_bytes = options->history_bytes ? (int64_t)options->history_bytes : -1,
		.settings = settings,
		.n_settings = 2 + registry->n_modules,
		.notice = on_notice,
		.notice_user = run,
	};
	run->loops[idx] = (struct run_loop){ .plan = run->loaded.plan, .inputs = run->inputs.tensors, .progress = &run->progress,
		.n_executions = (uint64_t)options->executions, .is_fail_fast = options->is_fail_fast,
		.keeps_outputs = options->outputs.n_items || options->expected.n_items };
	int status = driver_start(run->loaded.plan, &driver_options, &run->error, &run->loops[idx].driver);
	if (status == STATUS_OK && options->waits_for_debugger) {
		char text[96];
		snprintf(text, sizeof text, "waiting for a debugger: tandem debug --attach %d", (int)getpid());
		progress_note(&run->progress, "tandem", text);
	}
	return status;
}

static int start_all(struct run *run)
{
	struct strbuf command = STRBUF_INIT;
	int status = STATUS_OK;
	add_command_line(&command);
	for (int i = 0; i < run->n_modes && !status; i++)
		status = start(run, i, strbuf_text(&command));
	strbuf_finish(&command);
	return status;
}

static bool keeps_last(const struct run *run)
{
	struct recorder_policy policy;
	return run->options->record && recorder_parse_policy(run->options->record, &policy, NULL) == STATUS_OK && policy.last_ns;
}

static void save_all(void *user, const char *why)
{
	struct run *run = user;
	struct error error = { 0 };
	int status = STATUS_OK;
	if (!keeps_last(run)) {
		progress_note(&run->progress, why, "saves nothing without --record last=SECONDS");
		return;
	}
	if (!atomic_load(&run->can_save)) {
		progress_note(&run->progress, why, "there is nothing to save yet: the graph does not run");
		return;
	}
	for (int i = 0; i < run->n_modes && !status; i++)
		status = driver_save_by(run->loops[i].driver, TRIGGER_KEY, why, &error);
	progress_note(&run->progress, "tandem", status ? error.text : "saving the last seconds");
}

/* Before anything is started, so that a SIGUSR1 that comes too early ends nothing. */
static int listen(struct run *run)
{
	struct recorder_triggers triggers = { .slow_ns = 0 };
	if (keeps_last(run) && run->options->triggers)
		recorder_parse_triggers(run->options->triggers, &triggers, NULL);
	run->keys = (struct keys){ .save = save_all, .user = run, .reads_terminal = triggers.is_on[TRIGGER_KEY] && !run->view };
	return keys_start(&run->keys, &run->error);
}

static void allow_saves(struct run *run)
{
	atomic_store(&run->can_save, true);
	if (run->keys.holds_terminal && !run->options->is_quiet)
		progress_note(&run->progress, "tandem", "press s to save the last seconds");
}

static void stop_all(struct run *run, struct error *error)
{
	for (int i = 0; i < run->n_modes; i++) {
		struct error own = { 0 };
		if (run->loops[i].driver)
			driver_stop(run->loops[i].driver, &run->summaries[i], &own);
		if (own.status && !error->status)
			*error = own;
	}
}

/* One file for both runs. What cannot be added stays where it is. */
static int join_traces(struct run *run)
{
	if (run->n_modes < 2 || !run->options->trace || !run->loops[1].driver)
		return TOOL_EXIT_DONE;
	if (merge_traces(run->options->trace, run->part, &run->error))
		return tool_fail(&run->error);
	unlink(run->part);
	return TOOL_EXIT_DONE;
}

static uint64_t count_failed(const struct run *run)
{
	return run->loops[0].n_failed + run->loops[1].n_failed;
}

/* Tells what ended the run early and what is missing at its end; what came of a Ctrl-C is no news. Returns an exit status. */
static int conclude(const struct run *run, int status, const struct error *stop_error)
{
	int exit_status = count_failed(run) ? TOOL_EXIT_FAILED : TOOL_EXIT_DONE;
	bool was_told = interrupt_signal() || (count_failed(run) && run->options->is_fail_fast);
	if (status && !was_told)
		exit_status = tool_fail(&run->error);
	if (stop_error->status && stop_error->status != status && stop_error->status != STATUS_STOPPED)
		exit_status = tool_fail(stop_error);
	return interrupt_signal() ? 128 + interrupt_signal() : exit_status;
}

/* What of the run is shown while its screens stay, after its end. */
static void end_view(struct run *run, int status, const struct error *stop_error)
{
	char failed[64] = "";
	if (count_failed(run))
		snprintf(failed, sizeof failed, "%" PRIu64 " failed", count_failed(run));
	run_view_wait(run->view, status && status != STATUS_STOPPED ? run->error.text : stop_error->status ? stop_error->text : failed);
	run->progress.redirect = NULL;
}

static int run_loops(struct run *run)
{
	if (run->n_modes > 1)
		return run_both(run->loops, run_option_modes, &run->differences, &run->n_different, &run->error);
	interrupt_set_driver(run->loops[0].driver);
	int status = run_loop_until(&run->loops[0], run->loops[0].n_executions, &run->error);
	interrupt_set_driver(NULL);
	return status;
}

/* The run itself, from the first process to the last. Returns an exit status. */
static int carry_out(struct run *run)
{
	const struct run_options *options = run->options;
	struct error stop_error = { 0 };
	progress_init(&run->progress, "executions", (uint64_t)options->executions * (uint64_t)run->n_modes,
		options->is_quiet || options->is_viewed);
	if (run->view) {
		run->progress.redirect = run_view_note;
		run->progress.redirect_user = run->view;
	}
	if (run->inputs.is_made_up && run->inputs.n && !options->is_quiet)
		tell_made_up(run);
	interrupt_catch();
	int status = listen(run);
	if (!status)
		status = start_all(run);
	run->is_started = !status;
	if (!status)
		allow_saves(run);
	if (!status && run->view)
		status = run_view_start(run->view, run->loops[0].driver, &run->error);
	if (!status)
		status = run_loops(run);
	keys_stop(&run->keys);
	if (run->view)
		run_view_detach(run->view, run->loops[0].elapsed_ns);
	stop_all(run, &stop_error);
	if (run->view)
		end_view(run, status, &stop_error);
	progress_finish(&run->progress);
	int exit_status = join_traces(run);
	if (!run->is_started)
		return interrupt_signal() ? 128 + interrupt_signal() : tool_fail(&run->error);
	int concluded = conclude(run, status, &stop_error);
	return concluded ? concluded : exit_status;
}

static int tell_differences(struct run *run)
{
	if (!run->n_different)
		return TOOL_EXIT_DONE;
	fputs(strbuf_text(&run->differences), stderr);
	return tool_failf(TOOL_EXIT_FAILED, "the modes gave different outputs in %" PRIu64 " execution%s", run->n_different,
		run->n_different == 1 ? "" : "s");
}

static int write_outputs(struct run *run)
{
	if (!run->options->outputs.n_items)
		return TOOL_EXIT_DONE;
	if (!run->loops[0].has_outputs)
		return tool_failf(TOOL_EXIT_FAILED, "the last execution gave no outputs, so none were written");
	int status = tensor_files_write(&run->options->outputs, &run->loops[0].outputs, &run->error);
	return status ? tool_fail(&run->error) : TOOL_EXIT_DONE;
}

static int compare_outputs(struct run *run)
{
	if (!run->expected.n_sets)
		return TOOL_EXIT_DONE;
	if (!run->loops[0].has_outputs)
		return tool_failf(TOOL_EXIT_FAILED, "the last execution gave no outputs to compare with --expect");
	struct strbuf text = STRBUF_INIT;
	bool is_right = true;
	for (int i = 0; i < run->expected.n_sets; i++) {
		if (!expect_check(&run->loops[0].outputs, &run->expected.sets[i], run->options->tolerance, &text))
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
	struct run_summary summaries[RUN_MODE_COUNT];
	for (int i = 0; i < run->n_modes; i++)
		summaries[i] = (struct run_summary){ .graph = run->loaded.graph->name, .mode = run_option_modes[run->modes[i]],
			.trace = run->options->trace, .loop = &run->loops[i], .driver = &run->summaries[i] };
	if (run->options->is_json)
		run_summary_json(summaries, run->n_modes, &out);
	else if (!run->options->is_quiet)
		run_summary_text(summaries, run->n_modes, &out);
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
	run->trace = run->options->trace;
	if (run->options->is_viewed && run_view_open(run->trace, (uint64_t)run->options->executions, &run->error, &run->view))
		return tool_fail(&run->error);
	if (run->view)
		run->trace = run_view_trace(run->view);
	if (load(run->file, &run->options->settings, &run->options->modules, (int)run->options->in_flight, &run->loaded))
		return load_fail(&run->loaded, run->file);
	if (prepare(run))
		return tool_fail(&run->error);
	int exit_status = carry_out(run);
	if (!run->is_started)
		return exit_status;
	exit_status = worse(exit_status, tell_differences(run));
	if (run->loops[0].n_done == run->loops[0].n_executions) {
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
	interrupt_catch_saves(-1);
	for (int mode = 0; mode < RUN_MODE_COUNT; mode++) {
		if (run->options->mode == mode || run->options->mode == RUN_OPTION_MODE_BOTH)
			run->modes[run->n_modes++] = (enum run_mode)mode;
	}
	int exit_status = run_graph(run);
	for (int i = 0; i < RUN_MODE_COUNT; i++)
		run_loop_finish(&run->loops[i]);
	strbuf_finish(&run->differences);
	run_view_close(run->view);
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
		"With --mode interpreted every node's execution is a task that is dispatched at run time. --mode both makes two\n"
		"runs in one trace, in blocks of a tenth of the executions in turn, and fails when an output differs in a bit.\n\n"
		"With --view the screens of 'tandem view' follow the run on this terminal: what each worker computes or waits for, since\n"
		"when. q ends the run (it asks first); after the end the screens stay until q.\n\n"
		"Without --input every letter of the graph's input declaration is 8 (or its bound, if less), f32 and f64 are\n"
		"normally distributed (ones where the name contains \"mask\"), and integers lie within 0 … 999.\n",
	.options = run_option_specs,
	.values_bytes = sizeof(struct run_options),
	.n_arguments_min = 1,
	.n_arguments_max = 1,
	.run = run_run,
};
