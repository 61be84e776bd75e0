/* SPDX-License-Identifier: Apache-2.0
 *
 * `tandem debug` from scripts: where commands come from and in which order, what it returns, what it is given instead of a graph, and what is left
 * behind. What the commands themselves do is tested in tests/debug.
 */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/attributes.h"
#include "tests/support/leftovers.h"
#include "tests/support/run_tool.h"

static const char graph_text[] =
	"digraph chain {\n"
	"  input [tensors=\"x:f32[4]\"];\n"
	"  subgraph cluster_0 { worker=chain0; device=\"cpu:0\"; first [op=scale, factor=2]; }\n"
	"  subgraph cluster_1 { worker=chain1; device=\"cpu:1\"; second [op=scale, factor=3]; }\n"
	"  input -> first -> second -> output;\n"
	"}\n";

static void set_up(void)
{
	leftovers_mark();
	tool_write_file("chain.dot", graph_text);
	tool_write_file("stop.gdb", "# where to stop\nbreak second execution 2\n\nrun\n");
	tool_write_file("look.gdb", "echo looking\nprint second.in\n");
	tool_write_file("wrong.gdb", "echo before\n\nprint nowhere\necho behind\n");
	tool_write_file("nonsense.gdb", "frobnicate\necho behind\n");
	tool_write_file("other.tandem", "no trace at all\n");
	tool_write_file("open.gdb", "break first\ncommands 1\nprint first.in\n");
}

static void tear_down(void)
{
	int n = leftovers_count(5000);
	cr_expect_eq(n, 0, "%d processes are left", n);
}

TestSuite(cli_debug, .init = set_up, .fini = tear_down, .timeout = 60);

struct debug_case {
	const char *name, *line;
	int exit_status;
	const char *out[4], *err, *not_out; /* stdout has these, in this order; stderr has this, apart from what the run says */
};

static const struct debug_case cases[] = {
	{ "nothing asked", "debug @TMP@/chain.dot --batch", 0, { "chain: 2 nodes on 2 workers, compiled, 1 execution" } },
	{ "no terminal and nothing to read", "debug @TMP@/chain.dot", 0, { "chain: 2 nodes" } },
	{ "a script", "debug @TMP@/chain.dot -q -n 5 -x @TMP@/stop.gdb --batch", 0, { "Breakpoint 1, before second on chain1, execution 2" } },
	{ "interpreted", "debug @TMP@/chain.dot --mode interpreted -q -n 5 -x @TMP@/stop.gdb --batch", 0,
		{ ", interpreted, 5 executions", "Breakpoint 1, before second on chain1, execution 2" } },
	{ "scripts and commands in order", "debug @TMP@/chain.dot -q -n 5 --command 'echo one' -x @TMP@/stop.gdb --command 'echo two' "
		"-x @TMP@/look.gdb --batch", 0, { "one\n", "Breakpoint 1, before second on chain1, execution 2", "two\n", "looking\n" } },
	{ "the run to its end", "debug @TMP@/chain.dot -n 5 --command run --command 'echo over' --batch", 0,
		{ "run| chain: 5 executions in ", "The run is over", "over\n" }, "run| tandem: no --input" },
	{ "what the run is told", "debug @TMP@/chain.dot -n 3 --command run --batch -q", 0, { "The run is over" }, NULL, "run| " },
	{ "quit with a status", "debug @TMP@/chain.dot --command 'quit 7' --command 'echo more'", 7, { "chain" }, NULL, "more" },
	{ "quit in the middle", "debug @TMP@/chain.dot -x @TMP@/stop.gdb -q -n 5 --command quit --command 'echo more'", 0, { "Breakpoint" },
		NULL, "more" },
	{ "a command that fails", "debug @TMP@/chain.dot -x @TMP@/wrong.gdb --command 'echo next'", 1, { "before\n" },
		"wrong.gdb:3: ", "behind" },
	{ "a command that fails, and on", "debug @TMP@/chain.dot -x @TMP@/wrong.gdb --command 'echo next' --keep-going", 1,
		{ "before\n", "behind\n", "next\n" }, "wrong.gdb:3: " },
	{ "a command that makes no sense", "debug @TMP@/chain.dot -x @TMP@/nonsense.gdb", 2, { "chain" }, "nonsense.gdb:1: ", "behind" },
	{ "a command on the command line", "debug @TMP@/chain.dot --command 'print nowhere'", 1, { "chain" }, "tandem: --command:1: " },
	{ "a script that is not there", "debug @TMP@/chain.dot -x @TMP@/missing.gdb", 1, { "chain" }, "missing.gdb" },
	{ "commands without an end", "debug @TMP@/chain.dot -x @TMP@/open.gdb --batch", 2, { "chain" }, "lack their 'end'" },
	{ "a run that cannot start", "debug @TMP@/chain.dot -i @TMP@/missing.safetensors --command run --batch", 0,
		{ "before it had started", "missing.safetensors cannot be read" } },
	{ "two modes at once", "debug @TMP@/chain.dot --mode both", 2, { NULL }, "one mode at a time" },
	{ "nothing to debug", "debug --batch", 2, { NULL }, "Name a graph or a trace" },
	{ "two things to debug", "debug @TMP@/chain.dot --attach 1", 2, { NULL }, "not both" },
	{ "a run's option for another run", "debug --attach 1 -n 3", 2, { NULL }, "--executions=3 is for runs that are started here" },
	{ "keep for another run", "debug --attach 1 --keep", 2, { NULL }, "--keep is for runs" },
	{ "a post-mortem of a graph", "debug @TMP@/chain.dot --postmortem 1", 2, { NULL }, "--postmortem is for traces" },
	{ "no such process", "debug --attach 2147483647", 1, { NULL }, "2147483647" },
	{ "no tandem", "debug --attach 1", 1, { NULL }, "tandem: debug: " },
};

static void check(const struct debug_case *this)
{
	struct tool_result result = tool_run(this->line);
	cr_expect_eq(result.exit_status, this->exit_status, "%s: exit status %d, expected %d; '%s' '%s'", this->name, result.exit_status,
		this->exit_status, result.out, result.err);
	const char *at = result.out;
	for (size_t i = 0; i < ARRAY_LEN(this->out) && this->out[i]; i++) {
		const char *found = at ? strstr(at, this->out[i]) : NULL;
		cr_expect(found, "%s: stdout '%s' lacks '%s', or it comes too early", this->name, result.out, this->out[i]);
		at = found ? found + strlen(this->out[i]) : at;
	}
	if (this->err)
		cr_expect(strstr(result.err, this->err), "%s: stderr '%s' lacks '%s'", this->name, result.err, this->err);
	else
		cr_expect_str_eq(result.err, "", "%s: stderr '%s'", this->name, result.err);
	if (this->not_out)
		cr_expect_not(strstr(result.out, this->not_out), "%s: stdout '%s' has '%s'", this->name, result.out, this->not_out);
	tool_result_finish(&result);
}

Test(cli_debug, scripts_and_what_they_return)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		check(&cases[i]);
}

/* Runs a line of shell, in which $TANDEM is the program and $TMP the test's folder. */
static struct tool_result run_shell(const char *line)
{
	setenv("TMP", tool_temporary(), 1);
	return tool_run_words((const char *[]){ "sh", "-c", line, NULL });
}

Test(cli_debug, commands_from_standard_input)
{
	static const struct {
		const char *name, *line;
		int exit_status;
		const char *out, *err;
	} lines[] = {
		{ "carried out, not echoed", "printf 'echo one\\necho two\\n' | \"$TANDEM\" debug $TMP/chain.dot | tail -2", 0, "one\ntwo\n", "" },
		{ "the last line lacks its end", "printf 'echo one' | \"$TANDEM\" debug $TMP/chain.dot | tail -1", 0, "one\n", "" },
		{ "behind a script", "echo 'echo two' | \"$TANDEM\" debug $TMP/chain.dot --command 'echo one' | tail -2", 0, "one\ntwo\n", "" },
		{ "not with --batch", "echo 'echo two' | \"$TANDEM\" debug $TMP/chain.dot --command 'echo one' --batch | tail -1", 0, "one\n", "" },
		{ "a failure ends it", "printf 'echo one\\nprint nowhere\\necho two\\n' | \"$TANDEM\" debug $TMP/chain.dot | tail -1", 0, "one\n",
			"tandem: stdin:2: " },
		{ "and its status is returned", "printf 'print nowhere\\n' | \"$TANDEM\" debug $TMP/chain.dot > /dev/null", 1, "", "stdin:1: " },
		{ "quit returns its own", "printf 'quit 9\\nprint nowhere\\n' | \"$TANDEM\" debug $TMP/chain.dot > /dev/null", 9, "", "" },
	};
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		struct tool_result result = run_shell(lines[i].line);
		cr_expect_eq(result.exit_status, lines[i].exit_status, "%s: exit status %d, expected %d", lines[i].name, result.exit_status,
			lines[i].exit_status);
		cr_expect_str_eq(result.out, lines[i].out, "%s: stdout '%s', expected '%s'", lines[i].name, result.out, lines[i].out);
		cr_expect(strstr(result.err, lines[i].err), "%s: stderr '%s' lacks '%s'", lines[i].name, result.err, lines[i].err);
		tool_result_finish(&result);
	}
}

/* -- a run that was started elsewhere ------------------------------------------------------------------------------------------- */

static pid_t start_run(const char *n_executions)
{
	char line[300];
	tool_write_file("slow.dot",
		"digraph slow {\n"
		"  input [tensors=\"x:f32[4]\"];\n"
		"  subgraph cluster_0 { worker=slow0; device=\"cpu:0\"; first [op=sleep, us=2000]; }\n"
		"  subgraph cluster_1 { worker=slow1; device=\"cpu:1\"; second [op=scale, factor=3]; }\n"
		"  input -> first -> second -> output;\n"
		"}\n");
	snprintf(line, sizeof line, "run @TMP@/slow.dot -n %s --output @TMP@/slow.safetensors", n_executions);
	return tool_start(line);
}

static bool is_there(pid_t pid)
{
	return kill(pid, 0) == 0;
}

Test(cli_debug, attaches_and_lets_go)
{
	char line[300];
	pid_t pid = start_run("400");
	cr_assert_gt(pid, 0);
	snprintf(line, sizeof line, "debug --attach %d --batch --command where --command 'tbreak second' --command continue "
		"--command 'print second.in'", pid);
	struct tool_result result = tool_run(line);
	cr_expect_eq(result.exit_status, 0, "exit status %d, '%s' '%s'", result.exit_status, result.out, result.err);
	cr_expect(strstr(result.out, "before second on slow1"), "'%s'", result.out);
	tool_result_finish(&result);
	cr_expect(is_there(pid), "the run has gone with the debugger");
	cr_expect_eq(leftovers_count(20000), 0, "the run does not end");
	snprintf(line, sizeof line, "run @TMP@/slow.dot -q --expect @TMP@/slow.safetensors");
	result = tool_run(line);
	cr_expect_eq(result.exit_status, 0, "the run's outputs are wrong: '%s'", result.err);
	tool_result_finish(&result);
}

Test(cli_debug, only_one_debugger_at_a_time)
{
	char line[300];
	pid_t pid = start_run("100000");
	snprintf(line, sizeof line, "mkfifo $TMP/pipe && exec 3<> $TMP/pipe && \"$TANDEM\" debug --attach %d < $TMP/pipe > $TMP/first & "
		"until [ -s $TMP/first ]; do sleep 0.01; done; \"$TANDEM\" debug --attach %d --batch; status=$?; "
		"echo quit > $TMP/pipe; wait; exit $status", pid, pid);
	struct tool_result result = run_shell(line);
	cr_expect_eq(result.exit_status, 1, "exit status %d, expected 1", result.exit_status);
	cr_expect(strstr(result.err, "is being debugged by process"), "stderr '%s'", result.err);
	tool_result_finish(&result);
	cr_expect(is_there(pid), "the run has gone");
	kill(pid, SIGINT);
	cr_expect_eq(leftovers_count(10000), 0);
}

/* -- how it ends ---------------------------------------------------------------------------------------------------------------- */

static pid_t start_stopped(const char *more)
{
	char line[500];
	snprintf(line, sizeof line, "debug @TMP@/chain.dot -n 1000000 %s --command 'break second execution 3' --command run --command delete "
		"--command continue", more);
	return tool_start(line);
}

Test(cli_debug, a_signal_ends_the_run_that_was_started)
{
	static const int numbers[] = { SIGTERM, SIGHUP, SIGINT, SIGKILL };
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		pid_t pid = start_stopped("");
		cr_assert_gt(leftovers_find("tandem worker chain1", 10000), 0, "signal %d: no worker", numbers[i]);
		kill(pid, numbers[i]);
		int n = leftovers_count(10000);
		cr_expect_eq(n, 0, "signal %d: %d processes are left", numbers[i], n);
	}
}

Test(cli_debug, keep_lets_the_run_go_on)
{
	struct tool_result result = run_shell("\"$TANDEM\" debug $TMP/chain.dot -n 20 --output $TMP/kept.safetensors --keep --batch "
		"--command 'break second execution 3' --command run > $TMP/kept.txt");
	char path[200];
	cr_expect_eq(result.exit_status, 0, "exit status %d, '%s'", result.exit_status, result.err);
	tool_result_finish(&result);
	cr_expect_eq(leftovers_count(10000), 0, "the run does not end");
	snprintf(path, sizeof path, "%s/kept.safetensors", tool_temporary());
	cr_expect_eq(access(path, R_OK), 0, "the run did not come to its end");
	result = run_shell("cat $TMP/kept.txt");
	const char *stop = strstr(result.out, "Breakpoint 1"), *end = strstr(result.out, "\nchain: 20 executions in ");
	cr_expect(stop && end > stop, "what the run printed when its debugger had gone: '%s'", result.out);
	tool_result_finish(&result);
}

/* -- states in files -------------------------------------------------------------------------------------------------------------- */

Test(cli_debug, a_state_is_saved_and_opened)
{
	static const struct debug_case lines[] = {
		{ "saved", "debug @TMP@/chain.dot -q -n 5 -x @TMP@/stop.gdb --command 'save @TMP@/state.tandem' --batch", 0,
			{ "saved; tandem debug " } },
		{ "opened", "debug @TMP@/state.tandem --batch --command 'print second.in' --command where", 0,
			{ "state.tandem, run 1: ", "[" } },
		{ "nothing moves there", "debug @TMP@/state.tandem --command step", 2, { "state.tandem" }, "--command:1: " },
		{ "a file that is there is left alone", "debug @TMP@/chain.dot -q -n 5 -x @TMP@/stop.gdb "
			"--command 'save @TMP@/other.tandem' --batch", 1,
			{ "chain" }, "other.tandem" },
		{ "another one", "debug @TMP@/state.tandem --postmortem 9", 1, { NULL }, "no post-mortem 9; it has 1 to 1" },
	};
	for (size_t i = 0; i < ARRAY_LEN(lines); i++)
		check(&lines[i]);
}

Test(cli_debug, a_trace_of_a_run_that_went_well)
{
	struct tool_result result = tool_run("run @TMP@/chain.dot -q -n 3 -o @TMP@/well.tandem");
	cr_assert_eq(result.exit_status, 0, "%s", result.err);
	tool_result_finish(&result);
	check(&(struct debug_case){ "well", "debug @TMP@/well.tandem", 1, { NULL }, "no post-mortem, for nothing went wrong" });
	check(&(struct debug_case){ "a hint", "debug @TMP@/well.tandem", 1, { NULL }, "'tandem view' and 'tandem report'" });
}
