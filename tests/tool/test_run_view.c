/* SPDX-License-Identifier: Apache-2.0
 *
 * `tandem run --view` on a real pseudo-terminal: views change while the run goes on; however it ends, the terminal is put back, what came of the
 * run is told, and nothing stays behind.
 */
#include <criterion/criterion.h>
#include <glob.h>
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
	"  input [tensors=\"x:f32[B<=8,4]\"];\n"
	"  subgraph cluster_0 { worker=seen0; device=\"cpu:0\"; first [op=sleep, us=2000]; }\n"
	"  subgraph cluster_1 { worker=seen1; device=\"cpu:1\"; second [op=sleep, us=6000]; }\n"
	"  input -> first; first -> second; second -> output;\n"
	"}\n";

struct scene {
	struct pty_screen screen;
	char folder[200];
};

static void start_mode(struct scene *scene, const char *mode, const char *n_executions, const char *trace)
{
	char graph[300], folder[300];
	leftovers_mark();
	tool_write_file("seen.dot", graph_text);
	snprintf(scene->folder, sizeof(scene->folder), "%s", tool_temporary());
	snprintf(graph, sizeof(graph), "%s/seen.dot", scene->folder);
	snprintf(folder, sizeof(folder), "%s", scene->folder);
	setenv("TMPDIR", folder, 1);
	const char *words[] = { getenv("TANDEM"), "run", graph, "--view", "--mode", mode, "-n", n_executions, trace ? "-o" : NULL, trace, NULL };
	pty_screen_start(&scene->screen, 120, 40, folder, words);
}

static void start(struct scene *scene, const char *n_executions, const char *trace)
{
	start_mode(scene, "compiled", n_executions, trace);
}

static void expect(struct scene *scene, const char *text)
{
	bool is_shown = pty_screen_wait(&scene->screen, text);
	char *screen = pty_screen_text(&scene->screen);
	cr_assert(is_shown, "'%s' is not on\n%s", text, screen);
	free(screen);
}

static void expect_end(struct scene *scene, int expected)
{
	char pattern[300];
	glob_t found = { 0 };
	int status = pty_screen_wait_end(&scene->screen);
	cr_assert_eq(status, expected, "exit status %d, not %d", status, expected);
	cr_assert(!scene->screen.is_alternate, "the alternate screen was not left");
	cr_assert(!scene->screen.is_cursor_hidden, "the cursor is still hidden");
	cr_assert(pty_screen_is_restored(&scene->screen), "the terminal's modes differ");
	cr_assert_eq(leftovers_count(2000), 0, "processes are left");
	snprintf(pattern, sizeof(pattern), "%s/tandem-view-*", scene->folder);
	cr_assert_eq(glob(pattern, 0, NULL, &found), GLOB_NOMATCH, "%s is left", found.gl_pathc ? found.gl_pathv[0] : "?");
	globfree(&found);
	pty_screen_finish(&scene->screen);
}

Test(run_view, follows_a_run_to_its_end)
{
	static struct scene scene;
	char trace[300];
	snprintf(trace, sizeof(trace), "%s/seen.tandem", tool_temporary());
	start(&scene, "300", trace);
	expect(&scene, "running  ");
	expect(&scene, "1 timeline");
	pty_screen_send(&scene.screen, "g");
	expect(&scene, "┌ sleep");
	expect(&scene, "seen0");
	pty_screen_send(&scene.screen, "P");
	expect(&scene, "compute second");
	expect(&scene, "/300 executions");
	expect(&scene, "q leaves");
	expect(&scene, "300/300 executions");
	pty_screen_send(&scene.screen, "q");
	expect_end(&scene, 0);
	char line[400];
	snprintf(line, sizeof(line), "check %s", trace);
	struct tool_result result = tool_run(line);
	cr_assert_eq(result.exit_status, 0, "the trace is not sound: %s%s", result.out, result.err);
	tool_result_finish(&result);
	snprintf(line, sizeof(line), "%s-wal", trace);
	cr_assert(access(line, F_OK), "%s is left", line);
}

/* Here the nodes wait for tasks, not in channels. */
Test(run_view, follows_an_interpreted_run)
{
	static struct scene scene;
	start_mode(&scene, "interpreted", "300", NULL);
	expect(&scene, "running  ");
	expect(&scene, "interpreted");
	expect(&scene, "computing second");
	pty_screen_send(&scene.screen, "P");
	expect(&scene, "seen1");
	pty_screen_send(&scene.screen, "s");
	expect(&scene, "dispatch");
	expect(&scene, "q leaves");
	expect(&scene, "300/300 executions");
	pty_screen_send(&scene.screen, "q");
	expect_end(&scene, 0);
}

Test(run_view, asks_before_it_ends_a_run)
{
	static struct scene scene;
	start(&scene, "100000", NULL);
	expect(&scene, "running  ");
	pty_screen_send(&scene.screen, "q");
	expect(&scene, "q again ends it");
	pty_screen_send(&scene.screen, "q");
	expect_end(&scene, 128 + SIGINT);
}

Test(run_view, is_ended_by_a_signal)
{
	static const int numbers[] = { SIGTERM, SIGHUP };
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		static struct scene scene;
		start(&scene, "100000", NULL);
		expect(&scene, "running  ");
		kill(scene.screen.pid, numbers[i]);
		expect_end(&scene, 128 + numbers[i]);
	}
}

Test(run_view, shows_who_died)
{
	static struct scene scene;
	start(&scene, "100000", NULL);
	expect(&scene, "running  ");
	pid_t worker = leftovers_find("tandem worker seen1", 5000);
	cr_assert_gt(worker, 0);
	kill(worker, SIGKILL);
	expect(&scene, "worker 'seen1' was killed by signal 9");
	expect(&scene, "q leaves");
	pty_screen_send(&scene.screen, "q");
	expect_end(&scene, 1);
}

/* What goes wrong before there is anything to look at is told as always. */
static const struct {
	const char *name, *node, *trace, *text;
} wrong[] = {
	{ "no such op", "second [op=sleeep, us=10]", NULL, "did you mean 'sleep'" },
	{ "syntax", "second [op=", NULL, "syntax error" },
	{ "no weights", "second [op=linear, name=x, weights=\"none.safetensors\"]", NULL, "none.safetensors cannot be read" },
	{ "no such folder", "second [op=copy]", "none/of.tandem", "none/of.tandem" },
};

Test(run_view, leaves_the_terminal_alone_when_nothing_starts)
{
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		static struct scene scene;
		char graph[300], text[600];
		leftovers_mark();
		snprintf(text, sizeof(text), "digraph seen {\n input [tensors=\"x:f32[B<=8,4]\"];\n"
			" subgraph cluster_0 { worker=seen0; device=\"cpu:0\"; %s; }\n input -> second; second -> output;\n}\n", wrong[i].node);
		tool_write_file("wrong.dot", text);
		snprintf(scene.folder, sizeof(scene.folder), "%s", tool_temporary());
		snprintf(graph, sizeof(graph), "%s/wrong.dot", scene.folder);
		setenv("TMPDIR", scene.folder, 1);
		const char *words[] = { getenv("TANDEM"), "run", graph, "--view", wrong[i].trace ? "-o" : NULL, wrong[i].trace, NULL };
		pty_screen_start(&scene.screen, 120, 40, scene.folder, words);
		expect(&scene, wrong[i].text);
		cr_assert_eq(scene.screen.n_frames, 0, "%s: %lld frames were drawn", wrong[i].name, (long long)scene.screen.n_frames);
		expect_end(&scene, 1);
	}
}

Test(run_view, refuses_what_it_cannot_show)
{
	static const struct {
		const char *line, *text;
	} cases[] = {
		{ "run @TMP@/seen.dot --view", "needs a terminal" },
		{ "run @TMP@/seen.dot --view --mode both", "shows one mode" },
		{ "run @TMP@/seen.dot --view --record off", "looks at what is recorded" },
	};
	tool_write_file("seen.dot", graph_text);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct tool_result result = tool_run(cases[i].line);
		cr_assert(result.exit_status == 1 || result.exit_status == 2, "%s: exit status %d", cases[i].line, result.exit_status);
		cr_assert(strstr(result.err, cases[i].text), "%s: '%s'", cases[i].line, result.err);
		tool_result_finish(&result);
	}
}
