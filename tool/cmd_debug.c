/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_debug: `tandem debug`: what is debugged, where commands come from, and how it ends.
 */
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/attributes.h"
#include "engine/base/file_kind.h"
#include "tool/commands.h"
#include "tool/debug_open.h"
#include "tool/debug_prompt.h"
#include "tool/debug_screen_loop.h"
#include "tool/debug_script.h"

struct debug_values {
	struct run_options run;
	int64_t pid, postmortem;
	struct option_list scripts; /* -x and --command, in the order in which they were given */
	const char *twin;
	bool is_batch, is_kept, goes_on, has_screen;
};

#define AT(member) offsetof(struct debug_values, member)

/* Rows of the debugger itself come first, those of the run behind. */
static const struct option_spec debug_option_specs[] = {
	{ "attach", 'p', OPTION_INT, AT(pid), "PID", NULL, "debug the run of this process, which goes on afterwards", 1, INT32_MAX },
	{ "postmortem", 0, OPTION_INT, AT(postmortem), "N", NULL, "of a trace with several post-mortems: this one (default: the newest)", 1,
		INT64_MAX },
	{ "script", 'x', OPTION_LIST, AT(scripts), "FILE", NULL, "carry out the commands in FILE" },
	{ "command", 0, OPTION_LIST, AT(scripts), "TEXT", NULL, "carry out one command; in order with -x" },
	{ "batch", 0, OPTION_FLAG, AT(is_batch), NULL, NULL, "end after these instead of asking for more" },
	{ "keep-going", 0, OPTION_FLAG, AT(goes_on), NULL, NULL, "do not end at the first command that fails" },
	{ "twin", 0, OPTION_TEXT, AT(twin), "ARGUMENTS", NULL, "first of all the command 'twin ARGUMENTS': a second run beside this one" },
	{ "tui", 0, OPTION_FLAG, AT(has_screen), NULL, NULL, "begin with the screen instead of the prompt; there 'tui' changes between them" },
	{ "keep", 0, OPTION_FLAG, AT(is_kept), NULL, NULL, "let a run that was started here go on when the debugger ends" },
#define RUN_ROWS_FIRST 9
	RUN_OPTION_ROWS(AT(run))
	OPTIONS_END
};

static bool is_trace(const char *file)
{
	enum file_kind kind = file_kind(file);
	const char *suffix = strrchr(file, '.');
	return kind == FILE_KIND_TRACE || kind == FILE_KIND_SQLITE || (suffix && strcmp(suffix, ".tandem") == 0);
}

static bool is_typed(void)
{
	return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
}

/* -- the prompt ----------------------------------------------------------------------------------------------------------------- */

static bool ask(void *user, const char *question)
{
	struct debug_face *face = user;
	char answer[64] = "";
	struct pollfd fds[] = { { .fd = STDIN_FILENO, .events = POLLIN }, { .fd = face->signals.wake_fd, .events = POLLIN } };
	printf("%s (y or n) ", question);
	fflush(stdout);
	while (poll(fds, 2, -1) < 0)
		;
	if (!fds[0].revents || read(STDIN_FILENO, answer, sizeof answer - 1) <= 0)
		return false;
	return answer[0] == 'y' || answer[0] == 'Y';
}

/* While a line is typed: what the run prints, and its end. */
static void listen(void *user)
{
	struct debug_face *face = user;
	struct strbuf out = STRBUF_INIT;
	struct error error = { 0 };
	if (face->context.debugger->state != DEBUG_HALTED || debugger_listen(face->context.debugger))
		return;
	if (debug_settle(&face->context, &out, &error) == STATUS_OK)
		debug_prompt_show(face->prompt, 0, strbuf_text(&out));
	strbuf_finish(&out);
}

static void tell(const struct error *error)
{
	struct strbuf text = STRBUF_INIT;
	strbuf_add_printable(&text, error->text);
	fprintf(stderr, "%s\n", strbuf_text(&text));
	strbuf_finish(&text);
}

static void read_line(struct debug_face *face, struct debug_prompt *prompt)
{
	struct error error = { 0 };
	const char *line = NULL;
	face->prompt = prompt;
	enum debug_prompt_end end = debug_prompt_read(prompt, &line);
	face->prompt = NULL;
	if (end == DEBUG_PROMPT_END)
		face->context.is_over = true;
	if (end == DEBUG_PROMPT_LINE && debug_face_line(face, line, &error) != STATUS_OK && error.status != STATUS_STOPPED)
		tell(&error);
}

/* The prompt and the screen take turns, as `tui` says. */
static int take_turns(struct debug_face *face, struct debug_prompt *prompt, const char *title, bool has_screen)
{
	struct debug_screen_loop_options options = { .face = face, .prompt = prompt, .title = title, .returns = !has_screen };
	struct error error = { 0 };
	face->context.changes_face = has_screen;
	while (!debug_face_is_over(face)) {
		if (!face->context.changes_face) {
			read_line(face, prompt);
			continue;
		}
		face->context.changes_face = false;
		int status = debug_screen_loop_run(&options, &face->context.is_over, &error);
		if (status != STATUS_OK && options.returns)
			face->context.is_over = false;
		if (status != STATUS_OK && !options.returns)
			return tool_fail(&error);
		if (status != STATUS_OK)
			tell(&error);
		options.returns = true;
	}
	return TOOL_EXIT_DONE;
}

static int ask_for_more(struct debug_face *face, const char *title, bool has_screen)
{
	struct error error = { 0 };
	struct debug_prompt *made = NULL;
	const struct debug_prompt_options options = { .context = &face->context, .signals = &face->signals, .idle = listen, .user = face };
	if (debug_prompt_create(&options, &error, &made) != STATUS_OK) {
		error_prefix(&error, "debug");
		return tool_fail(&error);
	}
	face->context.is_scripted = false;
	face->context.has_screen = true;
	face->context.ask = ask;
	int exit_status = take_turns(face, made, title, has_screen);
	debug_prompt_destroy(made);
	return exit_status;
}

/* -- from the first command to the last --------------------------------------------------------------------------------------------- */

static bool goes_on_after(const struct debug_face *face, const struct debug_values *values, int exit_status)
{
	return !debug_face_is_over(face) && (!exit_status || (values->goes_on && exit_status != TOOL_EXIT_INTERRUPTED));
}

static int worse(int exit_status, int other)
{
	return exit_status ? exit_status : other;
}

static int carry_out_scripts(struct debug_face *face, const struct debug_values *values)
{
	const struct option_list *scripts = &values->scripts;
	int exit_status = TOOL_EXIT_DONE;
	struct strbuf line = STRBUF_INIT;
	if (values->twin) {
		strbuf_addf(&line, "twin %s", values->twin);
		exit_status = debug_script_text(face, "--twin", strbuf_text(&line), values->goes_on);
	}
	for (int i = 0; i < scripts->n_items && goes_on_after(face, values, exit_status); i++) {
		bool is_file = strcmp(scripts->names[i], "script") == 0;
		exit_status = worse(exit_status, is_file ? debug_script_file(face, scripts->items[i], values->goes_on)
			: debug_script_text(face, "--command", scripts->items[i], values->goes_on));
	}
	strbuf_finish(&line);
	return exit_status;
}

static int carry_out(struct debug_face *face, const struct debug_values *values, const char *title)
{
	int exit_status = carry_out_scripts(face, values);
	if (!values->is_batch && exit_status == TOOL_EXIT_INTERRUPTED && is_typed())
		exit_status = TOOL_EXIT_DONE; /* who pressed Ctrl-C goes on at the prompt */
	if (values->is_batch || !goes_on_after(face, values, exit_status))
		return exit_status;
	if (!is_typed())
		return worse(exit_status, debug_script_stdin(face, values->goes_on));
	return worse(exit_status, ask_for_more(face, title, values->has_screen));
}

/* What was given for a run that is not started here would be of no use. */
static int check_use(const struct debug_values *values, int argc, char **argv, const struct option_words *run_words)
{
	bool is_saved = argc && is_trace(argv[0]);
	if (!argc && !values->pid)
		return tool_failf(TOOL_EXIT_USAGE, "debug: what? Name a graph or a trace, or a process with --attach");
	if (argc && values->pid)
		return tool_failf(TOOL_EXIT_USAGE, "debug: either --attach or '%s', not both", argv[0]);
	if (values->has_screen && values->is_batch)
		return tool_failf(TOOL_EXIT_USAGE, "debug: --tui asks for more, --batch ends: not both");
	if (values->has_screen && !is_typed())
		return tool_failf(TOOL_EXIT_USAGE, "debug: --tui needs a terminal; give commands by -x or --command");
	if (values->postmortem && !is_saved)
		return tool_failf(TOOL_EXIT_USAGE, "debug: --postmortem is for traces");
	if (!is_saved && !values->pid)
		return TOOL_EXIT_DONE;
	if (values->is_kept || values->twin)
		return tool_failf(TOOL_EXIT_USAGE, "debug: %s is for runs that are started here", values->twin ? "--twin" : "--keep");
	if (run_words->n_items)
		return tool_failf(TOOL_EXIT_USAGE, "debug: %s is for runs that are started here", run_words->items[0]);
	return TOOL_EXIT_DONE;
}

static int open_it(struct debug_face *face, const struct debug_values *values, char **argv, struct debug_graph *graph)
{
	if (values->pid)
		return debug_open_attached(face, values->pid);
	if (is_trace(argv[0]))
		return debug_open_saved(face, argv[0], values->postmortem);
	return debug_open_graph(face, argv[0], &values->run, values->is_kept, graph);
}

static int debug(const struct debug_values *values, char **argv, struct debug_graph *graph)
{
	struct debug_face face;
	struct error error = { 0 };
	int exit_status;
	if (debug_face_init(&face, &error) != STATUS_OK)
		return tool_fail(&error);
	exit_status = open_it(&face, values, argv, graph);
	if (!exit_status)
		exit_status = carry_out(&face, values, *argv);
	exit_status = debug_face_exit_status(&face, exit_status);
	debug_face_finish(&face, values->is_kept || face.context.is_kept);
	return exit_status;
}

static int run_debug(void *given, int argc, char **argv)
{
	const struct debug_values *values = given;
	struct debug_graph graph = { 0 };
	struct error error = { 0 };
	int n_rows = (int)(ARRAY_LEN(debug_option_specs) - 1 - RUN_ROWS_FIRST);
	int exit_status = TOOL_EXIT_DONE;
	if (option_words_make(debug_option_specs + RUN_ROWS_FIRST, n_rows, values, &graph.words, &error) != STATUS_OK)
		exit_status = tool_fail(&error);
	if (!exit_status)
		exit_status = check_use(values, argc, argv, &graph.words);
	if (!exit_status)
		exit_status = debug(values, argv, &graph);
	debug_graph_finish(&graph);
	return exit_status;
}

const struct command command_debug = {
	.name = "debug",
	.summary = "step through a graph's execution: stop at nodes, look at tensors and change them, in either mode",
	.usage = "GRAPH|FILE.tandem",
	.details = "A graph is run under the debugger, with the options of 'tandem run'; --attach takes a run that goes on, and lets it go again\n"
		"unharmed; a trace with a post-mortem (of a crash, an op's error, a deadlock, a hang) opens where it happened, and nothing runs.\n"
		"Commands are gdb's where gdb has one; 'help' lists them. They come from -x and --command, then from the terminal, with editing,\n"
		"history and completion, or from a standard input that is none; --tui, or the command 'tui', shows it all on the screen:\n\n"
		"  tandem debug two.dot -n 100 --command 'break layer3 execution 7' --command run --command 'print -s layer3.in' --batch\n"
		"  tandem debug two.dot --batch --twin '--mode interpreted --until-divergence'\n\n"
		"What the run prints has 'run|' in front. Ctrl-C halts it, Ctrl-D leaves. The first command of a script that fails ends it with\n"
		"status 1 (2: it makes no sense), 'quit N' with N. See doc/debugger.md.\n",
	.options = debug_option_specs,
	.values_bytes = sizeof(struct debug_values),
	.n_arguments_max = 1,
	.run = run_debug,
};
