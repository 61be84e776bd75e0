/* SPDX-License-Identifier: Apache-2.0
 *
 * test_spawn: tests of engine/run/spawn.h.
 */
#include "engine/run/spawn.h"

#include <criterion/criterion.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/attributes.h"

static void wait_for_end(struct spawn_process *process, bool *ret_is_clean, char *text, size_t size)
{
	struct pollfd fd = { .fd = process->pidfd, .events = POLLIN };
	cr_assert_eq(poll(&fd, 1, 10000), 1, "the process did not end");
	cr_assert(spawn_reap(process, ret_is_clean, text, size));
}

Test(spawn, tells_how_a_process_ended)
{
	static const struct {
		const char *script, *expected;
		bool is_clean;
	} cases[] = {
		{ "exit 0", "exited with status 0", true },
		{ "exit 3", "exited with status 3", false },
		{ "kill -9 $$", "was killed by signal 9 (Killed)", false },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *argv[] = { "sh", "-c", cases[i].script, NULL };
		struct spawn_process process = SPAWN_PROCESS_INIT;
		struct error error = { 0 };
		char text[128];
		bool is_clean;
		cr_assert_eq(spawn_start("/bin/sh", argv, NULL, 0, false, &error, &process), STATUS_OK, "%s", error.text);
		wait_for_end(&process, &is_clean, text, sizeof text);
		cr_expect_str_eq(text, cases[i].expected, "%s: '%s'", cases[i].script, text);
		cr_expect_eq(is_clean, cases[i].is_clean, "%s", cases[i].script);
		spawn_finish(&process);
	}
}

Test(spawn, passes_descriptors_and_captures_output)
{
	int pair[2];
	cr_assert_eq(pipe(pair), 0);
	const char *argv[] = { "sh", "-c", "echo out; echo err >&2; echo through >&3; ls /proc/self/fd | wc -l >&3", NULL };
	struct spawn_process process = SPAWN_PROCESS_INIT;
	struct error error = { 0 };
	char text[128], out[64] = "", err[64] = "", through[64] = "";
	bool is_clean;
	cr_assert_eq(spawn_start("/bin/sh", argv, &pair[1], 1, true, &error, &process), STATUS_OK, "%s", error.text);
	wait_for_end(&process, &is_clean, text, sizeof text);
	close(pair[1]);
	cr_expect_gt(read(process.out_fd, out, sizeof out - 1), 0);
	cr_expect_gt(read(process.err_fd, err, sizeof err - 1), 0);
	cr_expect_gt(read(pair[0], through, sizeof through - 1), 0);
	cr_expect_str_eq(out, "out\n");
	cr_expect_str_eq(err, "err\n");
	cr_expect_str_eq(through, "through\n5\n", "0 to 3 and ls's own folder, got '%s'", through);
	spawn_finish(&process);
	close(pair[0]);
}

Test(spawn, says_what_cannot_be_started)
{
	const char *argv[] = { "nothing", "worker", NULL };
	struct spawn_process process = SPAWN_PROCESS_INIT;
	struct error error = { 0 };
	int status = spawn_start("/nonexistent/tandem", argv, NULL, 0, true, &error, &process);
	cr_expect_eq(status, STATUS_SYSTEM);
	cr_expect(strstr(error.text, "/nonexistent/tandem") && strstr(error.text, "No such file"), "%s", error.text);
	cr_expect_eq(process.pidfd, -1);
}

Test(spawn, sees_a_stopped_process)
{
	const char *argv[] = { "sleep", "30", NULL };
	struct spawn_process process = SPAWN_PROCESS_INIT;
	struct error error = { 0 };
	bool is_clean;
	char text[128];
	cr_assert_eq(spawn_start("/bin/sleep", argv, NULL, 0, false, &error, &process), STATUS_OK);
	kill(process.pid, SIGSTOP);
	for (int i = 0; i < 1000 && spawn_usage(process.pid).state != 'T'; i++)
		usleep(1000);
	cr_expect_eq(spawn_usage(process.pid).state, 'T');
	kill(process.pid, SIGKILL);
	wait_for_end(&process, &is_clean, text, sizeof text);
	cr_expect_eq(spawn_usage(getpid()).state, 'R');
	spawn_finish(&process);
}
