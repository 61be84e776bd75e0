/* SPDX-License-Identifier: Apache-2.0
 *
 * `tandem view` on a real pseudo-terminal: what keys do, and that the terminal is as it was before, whatever ends or stops the program.
 */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/attributes.h"
#include "tests/support/pty_screen.h"
#include "tests/traces/crowd.h"

struct scene {
	struct crowd crowd;
	struct pty_screen screen;
};

static void start(struct scene *scene, int width, int height)
{
	static const struct crowd_options options = { .n_executions = 300, .seed = 3, .stall_one_in = 50 };
	const char *words[] = { getenv("TANDEM"), "view", scene->crowd.synthetic.file, NULL };
	crowd_make(&scene->crowd, &options);
	words[2] = scene->crowd.synthetic.file;
	pty_screen_start(&scene->screen, width, height, scene->crowd.synthetic.folder, words);
}

static void finish(struct scene *scene)
{
	pty_screen_finish(&scene->screen);
	crowd_finish(&scene->crowd);
}

static void expect(struct scene *scene, const char *text)
{
	bool is_shown = pty_screen_wait(&scene->screen, text);
	char *screen = pty_screen_text(&scene->screen);
	cr_assert(is_shown, "'%s' is not on\n%s", text, screen);
	free(screen);
}

static void send(struct scene *scene, const char *keys)
{
	pty_screen_send(&scene->screen, keys);
}

static void expect_restored(struct scene *scene, const char *after)
{
	const struct pty_screen *screen = &scene->screen;
	cr_assert(!screen->is_alternate, "%s: the alternate screen was not left", after);
	cr_assert(!screen->is_cursor_hidden, "%s: the cursor is still hidden", after);
	cr_assert(!screen->has_mouse, "%s: the mouse still reports", after);
	cr_assert(pty_screen_is_restored(screen), "%s: the terminal's modes differ", after);
}

Test(pty, opens_and_quits)
{
	struct scene scene;
	start(&scene, 100, 30);
	expect(&scene, "t.tandem");
	expect(&scene, "300 executions");
	expect(&scene, "1 timeline");
	cr_assert(scene.screen.is_alternate && scene.screen.is_cursor_hidden && scene.screen.has_mouse,
		"the terminal was not taken over");
	cr_assert(!pty_screen_is_restored(&scene.screen), "the terminal's modes were not changed");
	send(&scene, "q");
	int status = pty_screen_wait_end(&scene.screen);
	cr_assert_eq(status, 0, "exit status %d", status);
	expect_restored(&scene, "q");
	finish(&scene);
}

Test(pty, keys_reach_views_and_prompts)
{
	struct scene scene;
	start(&scene, 100, 30);
	expect(&scene, "1 timeline");
	send(&scene, ":exec 118\r");
	expect(&scene, "exec 118/299");
	send(&scene, ":go");
	expect(&scene, ":go");
	send(&scene, "\tnonsense");
	expect(&scene, ":goto nonsense");
	send(&scene, "\r");
	expect(&scene, "goto takes a time");
	send(&scene, "/n3\r");
	expect(&scene, "search: n3");
	send(&scene, "\033");
	cr_assert(pty_screen_wait_gone(&scene.screen, "search: n3"), "esc does not end the search");
	send(&scene, "+++");
	send(&scene, "\033OA\033[5~"); /* arrow and page keys are one key each */
	send(&scene, "?");
	expect(&scene, "zoom-in");
	send(&scene, "q");
	cr_assert(pty_screen_wait_gone(&scene.screen, "zoom-in"), "q does not leave the help");
	send(&scene, "~");
	expect(&scene, "'~' has no meaning");
	send(&scene, "q");
	cr_assert_eq(pty_screen_wait_end(&scene.screen), 0);
	expect_restored(&scene, "q");
	finish(&scene);
}

Test(pty, mouse_resize_and_wide_characters)
{
	struct scene scene;
	start(&scene, 100, 30);
	expect(&scene, "1 timeline");
	send(&scene, ":日本");
	expect(&scene, ":日本");
	send(&scene, "\033");
	cr_assert(pty_screen_wait_gone(&scene.screen, "日本"));
	send(&scene, "\033[<0;40;5M\033[<0;40;5m\033[<64;40;5M\033[<0;30;5M\033[<32;35;5M\033[<0;35;5m");
	pty_screen_resize(&scene.screen, 70, 20);
	expect(&scene, "1 timeline");
	pty_screen_resize(&scene.screen, 40, 8);
	expect(&scene, "tandem needs 60");
	pty_screen_resize(&scene.screen, 180, 50);
	expect(&scene, "1 timeline");
	send(&scene, "|");
	expect(&scene, "│");
	send(&scene, "q");
	cr_assert_eq(pty_screen_wait_end(&scene.screen), 0);
	expect_restored(&scene, "resizing");
	finish(&scene);
}

/* Nothing is written when nothing changed; a frame is one synchronised update. */
Test(pty, writes_only_what_changed)
{
	struct scene scene;
	start(&scene, 120, 40);
	expect(&scene, "1 timeline");
	pty_screen_settle(&scene.screen);
	int64_t n_first = scene.screen.n_bytes;
	send(&scene, ":");
	expect(&scene, ": ");
	pty_screen_settle(&scene.screen);
	send(&scene, "x");
	expect(&scene, ":x");
	pty_screen_settle(&scene.screen);
	int64_t n_before = scene.screen.n_bytes;
	send(&scene, "y");
	expect(&scene, ":xy");
	pty_screen_settle(&scene.screen);
	int64_t n_one = scene.screen.n_bytes - n_before;
	cr_assert(n_one < 120, "a letter typed costs %lld bytes", (long long)n_one);
	cr_assert(n_one * 20 < n_first, "%lld bytes, the first frame took %lld", (long long)n_one, (long long)n_first);
	finish(&scene);
}

static const struct {
	const char *name;
	int number;
	int exit_status;
} ends[] = {
	{ "SIGTERM", SIGTERM, 128 + SIGTERM }, { "SIGHUP", SIGHUP, 128 + SIGHUP },
	{ "SIGQUIT", SIGQUIT, 128 + SIGQUIT },
	{ "SIGSEGV", SIGSEGV, 128 + SIGSEGV }, { "SIGABRT", SIGABRT, 128 + SIGABRT },
	{ "SIGBUS", SIGBUS, 128 + SIGBUS },
};

Test(pty, signals_and_crashes_restore_the_terminal)
{
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		struct scene scene;
		start(&scene, 80, 24);
		expect(&scene, "1 timeline");
		kill(scene.screen.pid, ends[i].number);
		int status = pty_screen_wait_end(&scene.screen);
		cr_assert(status != 0, "%s: exit status 0", ends[i].name);
		if (!getenv("ASAN_OPTIONS"))
			cr_assert_eq(status, ends[i].exit_status, "%s: exit status %d, not %d", ends[i].name, status,
			ends[i].exit_status);
		expect_restored(&scene, ends[i].name);
		finish(&scene);
	}
}

Test(pty, interrupt_is_a_key)
{
	struct scene scene;
	start(&scene, 80, 24);
	expect(&scene, "1 timeline");
	send(&scene, ":half a command");
	expect(&scene, ":half");
	send(&scene, "\003");
	cr_assert(pty_screen_wait_gone(&scene.screen, ":half"), "Ctrl-C does not end typing");
	send(&scene, "\003");
	cr_assert_eq(pty_screen_wait_end(&scene.screen), 0);
	expect_restored(&scene, "Ctrl-C");
	finish(&scene);
}

Test(pty, stops_and_goes_on)
{
	struct scene scene;
	start(&scene, 80, 24);
	expect(&scene, "1 timeline");
	for (int i = 0; i < 2; i++) {
		send(&scene, "\032");
		cr_assert(pty_screen_wait_stopped(&scene.screen), "Ctrl-Z does not stop it");
		expect_restored(&scene, "Ctrl-Z");
		kill(scene.screen.pid, SIGCONT);
		expect(&scene, "1 timeline");
		cr_assert(scene.screen.is_alternate && scene.screen.has_mouse && !pty_screen_is_restored(&scene.screen),
			"not taken over again");
	}
	send(&scene, "q");
	cr_assert_eq(pty_screen_wait_end(&scene.screen), 0);
	expect_restored(&scene, "q after Ctrl-Z");
	finish(&scene);
}

Test(pty, terminal_that_goes_away_ends_it)
{
	struct scene scene;
	start(&scene, 80, 24);
	expect(&scene, "1 timeline");
	send(&scene, "Bmy note\r");
	expect(&scene, "bookmarked");
	close(scene.screen.master);
	close(scene.screen.slave);
	scene.screen.master = scene.screen.slave = -1;
	int status = 0, n = 0;
	while (waitpid(scene.screen.pid, &status, WNOHANG) == 0 && n++ < 100 * PTY_SCREEN_PATIENCE_S)
		usleep(10000);
	cr_assert(n < 100 * PTY_SCREEN_PATIENCE_S, "it goes on without a terminal");
	scene.screen.pid = 0;
	finish(&scene);
}
