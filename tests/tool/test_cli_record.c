/* SPDX-License-Identifier: Apache-2.0
 *
 * Recording policies with real processes: what a trigger saves and the report says, the key on a real terminal and what is left of it
 * whatever ends the run, SIGUSR1, and the limit on the file.
 */
#include <criterion/criterion.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include <utmp.h>

#include "tests/support/run_tool.h"

#define GRAPH(node) \
	"digraph g { input [tensors=\"x:f32[8]\"];\n  subgraph cluster_0 { worker=w0; device=\"cpu:0\"; a [op=spin, us=100]; }\n" \
	"  subgraph cluster_1 { worker=w1; device=\"cpu:1\"; b [" node "]; }\n  input -> a -> b -> output; }\n"

static void set_up(void)
{
	tool_write_file("copy.dot", GRAPH("op=copy"));
	tool_write_file("fail.dot", GRAPH("op=fail, at=700, text=\"on purpose\""));
	tool_write_file("crash.dot", GRAPH("op=crash, at=700, signal=segv"));
	tool_write_file("slow.dot", GRAPH("op=sleep, us=300000"));
}

TestSuite(cli_record, .init = set_up);

static void expect(const char *line, int exit_status, const char *out, const char *err)
{
	struct tool_result result = tool_run(line);
	cr_expect_eq(result.exit_status, exit_status, "tandem %s: exit status %d, expected %d; stderr '%s'", line,
		result.exit_status, exit_status, result.err);
	cr_expect(!out || strstr(result.out, out), "tandem %s: stdout '%s' lacks '%s'", line, result.out, out);
	cr_expect(!err || strstr(result.err, err), "tandem %s: stderr '%s' lacks '%s'", line, result.err, err);
	tool_result_finish(&result);
}

Test(cli_record, wrong_use)
{
	expect("run @TMP@/copy.dot -o @TMP@/x.tandem --record last=0", 2, NULL, "use all, every=N, window=FIRST:END");
	expect("run @TMP@/copy.dot -o @TMP@/x.tandem --record last=5 --trigger slow", 2, NULL, "'slow' saves nothing");
	expect("run @TMP@/copy.dot -o @TMP@/x.tandem --trigger error", 2, NULL, "they need the recording policy last=SECONDS");
	expect("run @TMP@/copy.dot -o @TMP@/x.tandem --record-limit 1000", 2, NULL, "the least is 1 MiB");
}

Test(cli_record, an_error_is_saved_with_what_was_before)
{
	expect("run @TMP@/fail.dot -n 1000 -q -o @TMP@/e.tandem --record last=20", 1, NULL, NULL);
	expect("report @TMP@/e.tandem", 0, "recorded: last=20 before 1 save (error at execution 700: op_error)", NULL);
	expect("query @TMP@/e.tandem 'SELECT count(*) FROM v_op WHERE execution BETWEEN 600 AND 700'", 0, "404", NULL);
	expect("check @TMP@/e.tandem", 0, "no records were lost", NULL);
	expect("compare @TMP@/e.tandem @TMP@/e.tandem", 3, NULL, "that is no sample of the run");
}

Test(cli_record, a_crash_is_saved)
{
	expect("run @TMP@/crash.dot -n 1000 -q -o @TMP@/c.tandem --record last=20", 1, NULL, "killed by signal 11");
	expect("report @TMP@/c.tandem", 0, "before 1 save (error: worker 'w1'", NULL);
	expect("check @TMP@/c.tandem", 0, NULL, NULL);
}

Test(cli_record, a_slow_execution_is_saved_and_named)
{
	expect("run @TMP@/slow.dot -n 3 --in-flight 1 -q -o @TMP@/s.tandem --record last=20 --trigger slow=250ms", 0, NULL, NULL);
	expect("report @TMP@/s.tandem", 0, "(slow at execution 0: latency ", NULL);
	expect("query @TMP@/s.tandem 'SELECT count(*) FROM v_op WHERE compute_ns > 290000000'", 0, "3", NULL);
	expect("run @TMP@/slow.dot -n 3 -q -o @TMP@/t.tandem --record last=20 --stall-limit 100ms --trigger stall", 0, NULL, NULL);
	expect("report @TMP@/t.tandem", 0, "before 1 save (stall at execution 0", NULL);
}

Test(cli_record, nothing_triggered)
{
	expect("run @TMP@/copy.dot -n 500 -q -o @TMP@/n.tandem --record last=1", 0, NULL, NULL);
	expect("report @TMP@/n.tandem", 0, "recorded: only sums; nothing had the last seconds saved (--record last=1)", NULL);
	expect("report @TMP@/n.tandem", 0, "500 executions, 500 finished, 0 failed", NULL);
	expect("check @TMP@/n.tandem", 0, NULL, NULL);
	expect("query @TMP@/n.tandem 'SELECT sum(n) || 0 FROM summary WHERE kind = 101'", 0, "20000", NULL);
}

Test(cli_record, the_limit)
{
	struct stat file;
	char *name = tool_expand("@TMP@/l.tandem");
	expect("run @TMP@/copy.dot -n 6000 -q --in-flight 64 -o @TMP@/l.tandem --record-limit 1MiB", 0, NULL,
		"the trace has reached --record-limit 1 MiB");
	cr_assert(stat(name, &file) == 0);
	cr_expect(file.st_size <= 1 << 20, "%lld bytes", (long long)file.st_size);
	expect("report @TMP@/l.tandem", 0, "recorded: up to --record-limit, then only sums, and the last ", NULL);
	expect("check @TMP@/l.tandem", 0, "see v_loss", NULL);
	free(name);
}

/* -- the key and the terminal ------------------------------------------------------------------------------------------ */

struct terminal {
	int fd, kept_fd; /* ours, and the other end, so that the mode outlives the process */
	pid_t pid;
	struct termios before;
	char text[20000];
	size_t length;
};

/* `triggers` NULL: none are named. */
static void start_on_terminal(struct terminal *terminal, const char *trace, const char *record, const char *triggers)
{
	char *graph = tool_expand("@TMP@/slow.dot"), *file = tool_expand(trace);
	*terminal = (struct terminal){ .fd = -1 };
	cr_assert(openpty(&terminal->fd, &terminal->kept_fd, NULL, NULL, NULL) == 0);
	cr_assert(tcgetattr(terminal->kept_fd, &terminal->before) == 0);
	terminal->pid = fork();
	if (terminal->pid == 0) {
		login_tty(dup(terminal->kept_fd));
		execl(getenv("TANDEM"), "tandem", "run", graph, "-n", "1000", "--in-flight", "1", "-o", file, "--record", record,
			triggers ? "--trigger" : NULL, triggers, NULL);
		_exit(127);
	}
	free(graph);
	free(file);
}

/* Reads what is shown within 10 ms. */
static void look(struct terminal *terminal)
{
	struct pollfd source = { .fd = terminal->fd, .events = POLLIN };
	if (poll(&source, 1, 10) == 1 && terminal->length < sizeof(terminal->text) - 1) {
		ssize_t n = read(terminal->fd, terminal->text + terminal->length, sizeof(terminal->text) - 1 - terminal->length);
		terminal->length += n > 0 ? (size_t)n : 0;
	}
}

/* Reads until `text` was shown; false after ten seconds. */
static bool await(struct terminal *terminal, const char *text)
{
	for (int i = 0; i < 1000 && !strstr(terminal->text, text); i++)
		look(terminal);
	return strstr(terminal->text, text);
}

/* Reads until the process has ended; its status, -1 after ten seconds. */
static int await_end(struct terminal *terminal)
{
	int status = -1;
	for (int i = 0; i < 1000 && waitpid(terminal->pid, &status, WNOHANG) == 0; i++)
		look(terminal);
	return status;
}

static bool is_restored(const struct terminal *terminal)
{
	struct termios now;
	tcgetattr(terminal->kept_fd, &now);
	return now.c_lflag == terminal->before.c_lflag && now.c_iflag == terminal->before.c_iflag;
}

static bool await_mode(const struct terminal *terminal, bool restored)
{
	for (int i = 0; i < 500 && is_restored(terminal) != restored; i++)
		usleep(10000);
	return is_restored(terminal) == restored;
}

static void finish_terminal(struct terminal *terminal)
{
	close(terminal->fd);
	close(terminal->kept_fd);
}

Test(cli_record, a_key_saves_and_the_terminal_is_as_before, .timeout = 100)
{
	static const struct {
		const char *name;
		const char *keys;
		int signal;
	} cases[] = { { "Ctrl-C", "\003", 0 }, { "Ctrl-\\", "\034", 0 }, { "kill", NULL, SIGTERM }, { "hang-up", NULL, SIGHUP },
		{ "crash", NULL, SIGSEGV }, { "abort", NULL, SIGABRT }, { "Ctrl-C at the end", "\003", 0 } };
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct terminal terminal;
		start_on_terminal(&terminal, "@TMP@/key.tandem", "last=20", "key");
		cr_assert(await(&terminal, "press s to save"), "%s: shown was '%s'", cases[i].name, terminal.text);
		cr_expect(await_mode(&terminal, false), "%s: the key is not waited for", cases[i].name);
		cr_assert(write(terminal.fd, "xs", 2) == 2);
		cr_expect(await(&terminal, "saving the last seconds"), "%s: shown was '%s'", cases[i].name, terminal.text);
		if (cases[i].keys)
			cr_assert(write(terminal.fd, cases[i].keys, 1) == 1);
		else
			kill(terminal.pid, cases[i].signal);
		cr_expect(await_end(&terminal) != -1, "%s: the run goes on", cases[i].name);
		cr_expect(is_restored(&terminal), "%s: the terminal is not as before", cases[i].name);
		finish_terminal(&terminal);
	}
	expect("report @TMP@/key.tandem", 0, "before 1 save (key", NULL);
}

Test(cli_record, stopped_and_continued_on_the_terminal, .timeout = 60)
{
	struct terminal terminal;
	int status;
	start_on_terminal(&terminal, "@TMP@/stop.tandem", "last=20", "key");
	cr_assert(await(&terminal, "press s to save"), "shown was '%s'", terminal.text);
	cr_expect(await_mode(&terminal, false));
	kill(terminal.pid, SIGTSTP);
	cr_assert(waitpid(terminal.pid, &status, WUNTRACED) == terminal.pid && WIFSTOPPED(status));
	cr_expect(is_restored(&terminal), "stopped, and the terminal is not as before");
	kill(terminal.pid, SIGCONT);
	cr_expect(await_mode(&terminal, false), "continued, and keys are not read");
	kill(terminal.pid, SIGTERM);
	waitpid(terminal.pid, &status, 0);
	cr_expect(is_restored(&terminal));
	finish_terminal(&terminal);
}

Test(cli_record, a_signal_saves)
{
	pid_t pid = tool_start("run @TMP@/slow.dot -n 8 --in-flight 1 -q -o @TMP@/u.tandem --record last=20");
	int status;
	usleep(1200000);
	cr_assert(kill(pid, SIGUSR1) == 0);
	waitpid(pid, &status, 0);
	cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %x", status);
	expect("report @TMP@/u.tandem", 0, "before 1 save (key at execution", NULL);
}

static bool catches(pid_t pid, int signal)
{
	char path[64], line[200];
	unsigned long long caught = 0;
	snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
	FILE *file = fopen(path, "r");
	while (file && fgets(line, sizeof line, file) && sscanf(line, "SigCgt: %llx", &caught) != 1)
		continue;
	if (file)
		fclose(file);
	return caught >> (signal - 1) & 1;
}

/* As soon as the process minds it, which is before its graph was read; and in a run that keeps nothing back. */
Test(cli_record, a_signal_that_saves_nothing_ends_nothing, .timeout = 60)
{
	static const struct {
		const char *name, *record, *told, *or_told;
	} cases[] = { { "too early", "last=20", "nothing to save yet", "saving the last seconds" },
		{ "all is recorded", "all", "saves nothing without --record last", "saves nothing" } };
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct terminal terminal;
		start_on_terminal(&terminal, "@TMP@/early.tandem", cases[i].record, NULL);
		for (int k = 0; k < 5000 && !catches(terminal.pid, SIGUSR1); k++)
			usleep(1000);
		kill(terminal.pid, SIGUSR1);
		cr_expect(await(&terminal, cases[i].told) || await(&terminal, cases[i].or_told), "%s: shown was '%s'", cases[i].name,
			terminal.text);
		kill(terminal.pid, SIGTERM);
		int status = await_end(&terminal);
		cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 128 + SIGTERM, "%s: status %x", cases[i].name, (unsigned)status);
		finish_terminal(&terminal);
	}
}
