/* SPDX-License-Identifier: Apache-2.0
 *
 * `tandem debug --tui` on a real pseudo-terminal over real runs: what keys do to a run, Ctrl-C while it moves, the way to the prompt and back,
 * a saved crash; and that the terminal is as it was and nothing is left, whatever ends the debugger or the run.
 */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/attributes.h"
#include "tests/support/leftovers.h"
#include "tests/support/pty_screen.h"
#include "tests/support/run_tool.h"

static const char graph_text[] =
	"digraph seen {\n"
	"  input [tensors=\"x:f32[4]\"];\n"
	"  subgraph cluster_0 { worker=seen0; device=\"cpu:0\"; foremost [op=sleep, us=1000]; }\n"
	"  subgraph cluster_1 { worker=seen1; device=\"cpu:1\"; hindmost [op=scale, factor=3]; }\n"
	"  input -> foremost -> hindmost -> output;\n"
	"}\n";

static struct pty_screen screen;

static void start_with(const char *option, const char *value)
{
	static char graph[200];
	leftovers_mark();
	unsetenv("XDG_STATE_HOME");
	tool_write_file("seen.dot", graph_text);
	snprintf(graph, sizeof graph, "%s/seen.dot", tool_temporary());
	const char *words[] = { getenv("TANDEM"), "debug", graph, "-q", "-n", "1000000", option, value, NULL };
	pty_screen_start(&screen, 100, 30, tool_temporary(), words);
}

static void start(void)
{
	start_with("--tui", NULL);
	pty_screen_wait(&screen, "not started");
}

static void expect(const char *text)
{
	bool is_shown = pty_screen_wait(&screen, text);
	char *all = pty_screen_text(&screen);
	cr_assert(is_shown, "'%s' is not on\n%s", text, all);
	free(all);
}

static void type(const char *keys)
{
	pty_screen_send(&screen, keys);
}

static void expect_end(int expected)
{
	int status = pty_screen_wait_end(&screen);
	char *all = pty_screen_text(&screen);
	cr_assert_eq(status, expected, "exit status %d, expected %d\n%s", status, expected, all);
	free(all);
	cr_assert(!screen.is_alternate && !screen.is_cursor_hidden && !screen.has_mouse, "the terminal was not put back");
	cr_assert(pty_screen_is_restored(&screen), "the terminal's modes differ");
	int n = leftovers_count(5000);
	cr_assert_eq(n, 0, "%d processes are left", n);
	pty_screen_finish(&screen);
}

/* A terminal forgets what is typed just then with a Ctrl-C: it is pressed until it is heard. */
static void interrupt_until(const char *text)
{
	for (int i = 0; i < 20 && !pty_screen_shows(&screen, text); i++) {
		type("\003");
		for (int k = 0; k < 5 && !pty_screen_shows(&screen, text); k++)
			pty_screen_settle(&screen);
	}
	expect(text);
}

static void expect_prompt(void)
{
	for (int i = 0; i < 200 && screen.is_alternate; i++)
		pty_screen_settle(&screen);
	cr_assert(!screen.is_alternate, "the alternate screen was not left");
	expect("(tandem)");
}

TestSuite(debug_screen_pty, .timeout = 100);

Test(debug_screen_pty, a_run_from_start_to_end)
{
	start();
	cr_assert(screen.is_alternate && screen.is_cursor_hidden, "the terminal was not taken over");
	type("S");
	expect("after input on driver, execution 0");
	type("s");
	expect("before foremost on seen0, execution 0");
	type(":break hind\t execution 3\r");
	expect("Breakpoint 1");
	type("c");
	expect("before hindmost on seen1, execution 3");
	type("p");
	expect("print hindmost.in");
	pty_screen_resize(&screen, 120, 40);
	expect("1 div = ");
	type("q");
	expect("End it? (y or n)");
	type("n");
	cr_assert(pty_screen_wait_gone(&screen, "End it?"), "n is no answer");
	type("qy");
	expect_end(0);
}

Test(debug_screen_pty, ctrl_c_halts_a_run_that_moves)
{
	start();
	type("X");
	expect("moving");
	interrupt_until("Interrupted");
	interrupt_until("nothing moves");
	type("c");
	expect("moving");
	type("c");
	expect("the run is moving");
	interrupt_until("s step");
	type("qy");
	expect_end(0);
}

Test(debug_screen_pty, to_the_prompt_and_back)
{
	start_with("--command", "start");
	expect("(tandem)");
	type("tui\r");
	expect("1 nodes");
	type("s");
	expect("before foremost");
	type(":\033[A\r"); /* what was typed at the prompt is remembered: tui */
	expect_prompt();
	type("tui\r");
	expect("1 nodes");
	type("q");
	expect_prompt();
	type("quit\ry\r");
	expect_end(0);
}

Test(debug_screen_pty, signals_end_it)
{
	static const int numbers[] = { SIGTERM, SIGHUP };
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		start();
		type("S");
		expect("after input on driver");
		kill(screen.pid, numbers[i]);
		expect_end(128 + numbers[i]);
	}
}

Test(debug_screen_pty, a_run_that_is_killed)
{
	start();
	type("S");
	expect("after input on driver");
	pid_t driver = leftovers_find("tandem run", 5000);
	cr_assert_gt(driver, 0);
	kill(driver, SIGKILL);
	expect("over");
	type("S");
	expect("after input on driver");
	type("qy");
	expect_end(0);
}

Test(debug_screen_pty, is_stopped_and_goes_on)
{
	start();
	type("\032");
	cr_assert(pty_screen_wait_stopped(&screen), "Ctrl-Z does not stop it");
	cr_assert(pty_screen_is_restored(&screen), "the terminal's modes differ while it is stopped");
	kill(screen.pid, SIGCONT);
	expect("not started");
	type("q");
	expect_end(0);
}

Test(debug_screen_pty, a_saved_crash)
{
	static char trace[200];
	leftovers_mark();
	char line[1000];
	snprintf(line, sizeof line, "run @SRC@/tests/debug/graphs/crashes_deep.dot --module %s/tests/debug/bugs_module.so --set EXECUTION=2 -q -n 5 "
		"-o @TMP@/crash.tandem", getenv("TANDEM_BUILD_ROOT"));
	struct tool_result result = tool_run(line);
	cr_assert_neq(result.exit_status, 0, "it does not crash");
	tool_result_finish(&result);
	snprintf(trace, sizeof trace, "%s/crash.tandem", tool_temporary());
	const char *words[] = { getenv("TANDEM"), "debug", trace, "--tui", NULL };
	pty_screen_start(&screen, 100, 30, tool_temporary(), words);
	expect("saved state");
	type("9z");
	expect("was killed by signal");
	type("q");
	expect_end(0);
}
