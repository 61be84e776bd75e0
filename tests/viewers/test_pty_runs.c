/* SPDX-License-Identifier: Apache-2.0
 *
 * `tandem view` on a real pseudo-terminal over real runs: two of them compared, and one that another process is still writing.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/attributes.h"
#include "tests/support/pty_screen.h"
#include "tests/support/run_tool.h"

static const char graph_text[] =
	"digraph seen {\n"
	"  input [tensors=\"x:f32[B<=8,4]\"];\n"
	"  subgraph cluster_0 { worker=seen0; device=\"cpu:0\"; first [op=sleep, us=\"$SHORT\"]; }\n"
	"  subgraph cluster_1 { worker=seen1; device=\"cpu:1\"; second [op=sleep, us=5000]; }\n"
	"  input -> first; first -> second; second -> output;\n"
	"}\n";

static void record(const char *line)
{
	struct tool_result result = tool_run(line);
	cr_assert_eq(result.exit_status, 0, "%s: %s", line, result.err);
	tool_result_finish(&result);
}

static void start(struct pty_screen *screen, int width, int height, const char *first, const char *second)
{
	char files[2][400];
	snprintf(files[0], sizeof(files[0]), "%s/%s", tool_temporary(), first);
	snprintf(files[1], sizeof(files[1]), "%s/%s", tool_temporary(), second ? second : "");
	const char *words[] = { getenv("TANDEM"), "view", files[0], second ? files[1] : NULL, NULL };
	pty_screen_start(screen, width, height, tool_temporary(), words);
}

static void expect(struct pty_screen *screen, const char *after, const char *text)
{
	bool is_shown = pty_screen_wait(screen, text);
	char *shown = pty_screen_text(screen);
	cr_assert(is_shown, "after %s: '%s' is not on\n%s", after, text, shown);
	free(shown);
}

static void leave(struct pty_screen *screen)
{
	pty_screen_send(screen, "q");
	int status = pty_screen_wait_end(screen);
	cr_assert_eq(status, 0, "exit status %d", status);
	cr_assert(!screen->is_alternate && !screen->is_cursor_hidden && !screen->has_mouse, "the terminal was not put back");
	cr_assert(pty_screen_is_restored(screen), "the terminal's modes differ");
	pty_screen_finish(screen);
}

/* The keys in turn; after each the text is there. */
static const struct {
	const char *name, *keys, *shown;
} comparing[] = {
	{ "c", "c", "29 pairs" }, { "the first draw", "", "aligned at" }, { "its split", "", "where the" },
	{ "right", "\033[C", "29 pairs" }, { "half a screen to the left", "H", "29 pairs" }, { "the next execution", "n", "29 pairs" },
	{ "down", "\033[B", "aligned at" }, { "the other run", "x", "B  " },
	{ "enter on a kind", "\t\r", "changed" }, { "esc", "\033", "own work an execution" },
	{ "enter on a node", "\t\t\r", "1 timeline" }, { "esc back", "\033", "own work an execution" },
};

Test(pty_runs, two_files_are_compared)
{
	struct pty_screen screen;
	tool_write_file("seen.dot", graph_text);
	record("run @TMP@/seen.dot --set SHORT=200 -n 33 -o @TMP@/before.tandem --quiet");
	record("run @TMP@/seen.dot --set SHORT=4000 -n 33 -o @TMP@/after.tandem --quiet");
	start(&screen, 140, 45, "before.tandem", "after.tandem");
	expect(&screen, "opening", "before.tandem ◂▸ after.tandem");
	for (size_t i = 0; i < ARRAY_LEN(comparing); i++) {
		pty_screen_send(&screen, comparing[i].keys);
		expect(&screen, comparing[i].name, comparing[i].shown);
	}
	static const int sizes[][2] = { { 80, 24 }, { 60, 16 }, { 200, 60 } };
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		pty_screen_resize(&screen, sizes[i][0], sizes[i][1]);
		pty_screen_send(&screen, "n");
		expect(&screen, "resizing", "29 pairs");
	}
	leave(&screen);
}

/* The title counts the executions: it is not the number at the end that is read at first. */
Test(pty_runs, follows_a_file_that_grows)
{
	struct pty_screen screen;
	char file[400];
	snprintf(file, sizeof(file), "%s/grows.tandem", tool_temporary());
	tool_write_file("seen.dot", graph_text);
	pid_t run = tool_start("run @TMP@/seen.dot --set SHORT=200 -n 400 -o @TMP@/grows.tandem --quiet");
	for (int n = 0; access(file, F_OK) && n < 100 * PTY_SCREEN_PATIENCE_S; n++)
		usleep(10000);
	cr_assert_eq(access(file, F_OK), 0, "the run does not begin");
	usleep(200000); /* it has begun, and lasts for two seconds */
	start(&screen, 120, 40, "grows.tandem", NULL);
	expect(&screen, "opening", "running");
	cr_assert(!pty_screen_shows(&screen, " 400 executions"), "it was over before it was looked at");
	pty_screen_send(&screen, "s");
	expect(&screen, "s", "seen1");
	expect(&screen, "the end", "400 executions");
	expect(&screen, "the end", "the run has ended: ok");
	cr_assert(pty_screen_wait_gone(&screen, "running"), "it still says that it runs");
	int status = 0;
	cr_assert_eq(waitpid(run, &status, 0), run);
	cr_assert_eq(status, 0, "the run that was looked at ended with %d", status);
	leave(&screen);
}
