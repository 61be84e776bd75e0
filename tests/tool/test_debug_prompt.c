/* SPDX-License-Identifier: Apache-2.0
 *
 * The prompt of `tandem debug` on a real pseudo-terminal: editing, completion, history, Ctrl-C at the prompt and while the run moves, Ctrl-D, a
 * window that changes its size, signals. However it ends, the terminal is put back and nothing stays behind.
 */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/attributes.h"
#include "tests/support/leftovers.h"
#include "tests/support/pty_screen.h"
#include "tests/support/run_tool.h"

static const char graph_text[] =
	"digraph typed {\n"
	"  input [tensors=\"x:f32[4]\"];\n"
	"  subgraph cluster_0 { worker=typed0; device=\"cpu:0\"; foremost [op=sleep, us=1000]; }\n"
	"  subgraph cluster_1 { worker=typed1; device=\"cpu:1\"; hindmost [op=scale, factor=3]; }\n"
	"  input -> foremost -> hindmost -> output;\n"
	"}\n";

static struct pty_screen screen;
static char graph[200], history[200];

static void start_with(const char *option, const char *value)
{
	leftovers_mark();
	unsetenv("XDG_STATE_HOME");
	tool_write_file("typed.dot", graph_text);
	snprintf(graph, sizeof graph, "%s/typed.dot", tool_temporary());
	snprintf(history, sizeof history, "%s/.local/state/tandem/debug_history", tool_temporary());
	const char *words[] = { getenv("TANDEM"), "debug", graph, "-q", "-n", "1000000", option, value, NULL };
	pty_screen_start(&screen, 100, 40, tool_temporary(), words);
}

static void start(void)
{
	start_with(NULL, NULL);
}

static void expect(const char *text)
{
	bool is_shown = pty_screen_wait(&screen, text);
	char *all = pty_screen_text(&screen);
	cr_assert(is_shown, "'%s' is not on\n%s", text, all);
	free(all);
}

/* What the last line shows that is not empty. */
static void expect_last(const char *wanted)
{
	char *all = NULL, *last = NULL;
	for (int i = 0; i < 100; i++) {
		free(all);
		pty_screen_settle(&screen);
		all = pty_screen_text(&screen);
		for (size_t n = strlen(all); n && all[n - 1] == '\n'; n--)
			all[n - 1] = '\0';
		last = strrchr(all, '\n') ? strrchr(all, '\n') + 1 : all;
		if (strcmp(last, wanted) == 0)
			break;
	}
	cr_assert_str_eq(last, wanted, "the last line is '%s', expected '%s', of\n%s", last, wanted, all);
	free(all);
}

static void type(const char *keys)
{
	pty_screen_send(&screen, keys);
}

/* Ctrl-D, at the prompt. */
static void leave(void)
{
	expect_last("(tandem)");
	type("\x04");
}

static void expect_end(int expected)
{
	int status = pty_screen_wait_end(&screen);
	char *all = pty_screen_text(&screen);
	cr_assert_eq(status, expected, "exit status %d, expected %d\n%s", status, expected, all);
	free(all);
	cr_assert(pty_screen_is_restored(&screen), "the terminal's modes differ");
	int n = leftovers_count(5000);
	cr_assert_eq(n, 0, "%d processes are left", n);
	pty_screen_finish(&screen);
}

Test(debug_prompt, lines_are_carried_out)
{
	start();
	expect("(tandem)");
	type("echo hel\x7fllo\r");
	expect("\nhello\n");
	type("start\r");
	expect("Started");
	type("break hindmost execution 3\rcontinue\r");
	expect("before hindmost on typed1, execution 3");
	type("print hindmost.in[:2]\r");
	expect("hindmost.in[:2] of execution 3");
	type("frobnicate\r");
	expect("frobnicate'");
	leave();
	expect_end(0);
}

Test(debug_prompt, words_are_completed)
{
	start();
	expect("(tandem)");
	type("br\t");
	expect_last("(tandem) break");
	type("fore\t");
	expect_last("(tandem) break foremost");
	type("\x15" "d\t");
	expect("delete");
	expect("display");
	expect_last("(tandem) d");
	type("\x15" "source /dev/nul\t");
	expect_last("(tandem) source /dev/null");
	type("\x15");
	leave();
	expect_end(0);
}

Test(debug_prompt, lines_are_remembered)
{
	struct stat info;
	start();
	expect("(tandem)");
	type("echo first\recho second\r");
	expect("\nsecond\n");
	type("\x1b[A\x1b[A\r");
	pty_screen_settle(&screen);
	leave();
	expect_end(0);
	cr_assert_eq(stat(history, &info), 0, "%s is not there", history);
	cr_assert_eq(info.st_mode & 0777, 0600, "its mode is %o", info.st_mode & 0777);
	start();
	expect("(tandem)");
	type("\x1b[A");
	expect_last("(tandem) echo first");
	type("\x03");
	expect_last("(tandem)");
	type("\x12" "seco");
	expect("echo second");
	type("\r");
	expect("\nsecond\n");
	leave();
	expect_end(0);
}

Test(debug_prompt, ctrl_c)
{
	start();
	expect("(tandem)");
	type("echo never\x03");
	expect("^C");
	expect_last("(tandem)");
	type("start\r");
	expect("Started");
	expect_last("(tandem)");
	type("continue\r");
	expect_last("(tandem) continue"); /* Ctrl-C would take back what was not read */
	for (int i = 0; i < 5 && !pty_screen_shows(&screen, "Interrupted"); i++) {
		type("\x03");
		for (int k = 0; k < 10 && !pty_screen_shows(&screen, "Interrupted"); k++)
			pty_screen_settle(&screen);
	}
	expect("Interrupted");
	expect_last("(tandem)");
	type("info workers\r");
	expect("typed0");
	cr_assert(!pty_screen_shows(&screen, "\nnever"), "the line was carried out");
	type("quit\r");
	expect("(y or n)");
	type("y\r");
	expect_end(0);
}

/* Keys that come while nobody reads: the line is there, and so is the end. */
Test(debug_prompt, keys_typed_ahead)
{
	start();
	expect("(tandem)");
	type("start\recho typed ahead\r\x04");
	expect("\ntyped ahead\n");
	expect_end(0);
}

Test(debug_prompt, a_window_of_another_size)
{
	start();
	expect("(tandem)");
	type("echo some words");
	pty_screen_resize(&screen, 60, 20);
	expect("(tandem) echo some words");
	type(" more\r");
	expect("\nsome words more\n");
	leave();
	expect_end(0);
}

Test(debug_prompt, ends_by_a_signal)
{
	static const int numbers[] = { SIGTERM, SIGHUP };
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		start();
		expect("(tandem)");
		type("start\r");
		expect("Started");
		expect_last("(tandem)");
		kill(screen.pid, numbers[i]);
		expect_end(128 + numbers[i]);
	}
}

Test(debug_prompt, is_stopped_and_goes_on)
{
	start();
	expect("(tandem)");
	type("echo half");
	expect("echo half");
	kill(screen.pid, SIGTSTP);
	cr_assert(pty_screen_wait_stopped(&screen), "it does not stop");
	cr_assert(pty_screen_is_restored(&screen), "the terminal's modes differ while it is stopped");
	kill(screen.pid, SIGCONT);
	type(" and half\r");
	expect("\nhalf and half\n");
	leave();
	expect_end(0);
}

Test(debug_prompt, a_killed_debugger_takes_its_run_along)
{
	start_with("--command", "start");
	expect("Started");
	expect_last("(tandem)");
	kill(screen.pid, SIGKILL);
	pty_screen_wait_end(&screen);
	int n = leftovers_count(10000);
	cr_expect_eq(n, 0, "%d processes are left", n);
	pty_screen_finish(&screen);
}

/* The run that was attached to stands at a gate when its debugger is killed: it goes on, and its results are right. */
Test(debug_prompt, a_killed_debugger_lets_others_go)
{
	char pid_text[20];
	leftovers_mark();
	tool_write_file("typed.dot", graph_text);
	pid_t pid = tool_start("run @TMP@/typed.dot -q -n 300 --output @TMP@/typed.safetensors");
	snprintf(pid_text, sizeof pid_text, "%d", (int)pid);
	const char *words[] = { getenv("TANDEM"), "debug", "--attach", pid_text, "--command", "tbreak hindmost", "--command", "continue", NULL };
	pty_screen_start(&screen, 100, 40, tool_temporary(), words);
	expect("before hindmost on typed1");
	expect_last("(tandem)");
	kill(screen.pid, SIGKILL);
	pty_screen_wait_end(&screen);
	pty_screen_finish(&screen);
	cr_expect_eq(leftovers_count(20000), 0, "the run does not go on");
	struct tool_result result = tool_run("run @TMP@/typed.dot -q --expect @TMP@/typed.safetensors");
	cr_expect_eq(result.exit_status, 0, "its results are wrong: '%s'", result.err);
	tool_result_finish(&result);
}

/* What the run says while a line is typed stands above the line. */
Test(debug_prompt, the_run_speaks_above_the_line)
{
	start();
	expect("(tandem)");
	type("start\r");
	expect("Started");
	type("echo half a li");
	expect("echo half a li");
	pid_t driver = leftovers_find("tandem run", 5000);
	cr_assert_gt(driver, 0);
	kill(driver, SIGKILL);
	expect("over");
	type("\x15" "echo on\r");
	expect("\non\n");
	leave();
	expect_end(0);
}
