/* SPDX-License-Identifier: Apache-2.0
 *
 * The collector fed by a test: a whole run, a driver that dies, a collector that is killed, a disk that is full.
 */
#include "traces/collector.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/run/collect.h"
#include "tests/traces/synthetic.h"
#include "traces/trace.h"

struct fixture {
	struct synthetic synthetic;
	int driver_fd, collector_fd;
	pid_t pid;
};

/* What a child process does before it becomes the collector. */
struct limits {
	rlim_t file_bytes; /* 0: no limit */
};

static void start(struct fixture *fixture, bool appends, struct limits limits)
{
	int pair[2];
	cr_assert(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
	fixture->driver_fd = pair[0];
	fixture->pid = fork();
	cr_assert(fixture->pid >= 0);
	if (fixture->pid == 0) {
		char program[16], rings[16], socket_fd[16];
		close(pair[0]);
		snprintf(program, sizeof(program), "%d", fixture->synthetic.program_fd);
		snprintf(rings, sizeof(rings), "%d", fixture->synthetic.rings_fd);
		snprintf(socket_fd, sizeof(socket_fd), "%d", pair[1]);
		char name[] = "tandem", command[] = "collector", append[] = "append";
		char *argv[] = { name, command, fixture->synthetic.file, program, rings, socket_fd, append, NULL };
		struct rlimit limit = { limits.file_bytes, limits.file_bytes };
		if (limits.file_bytes)
			setrlimit(RLIMIT_FSIZE, &limit);
		_exit(collector_main(appends ? 7 : 6, argv));
	}
	close(pair[1]);
}

static int receive(struct fixture *fixture, struct collect_message *message, char *text)
{
	struct error error = { 0 };
	struct pollfd source = { .fd = fixture->driver_fd, .events = POLLIN };
	cr_assert(poll(&source, 1, 20000) == 1, "the collector says nothing");
	return collect_receive(fixture->driver_fd, message, text, &error);
}

static void expect_message(struct fixture *fixture, int kind, int status, char *text)
{
	struct collect_message message;
	cr_assert(receive(fixture, &message, text) == STATUS_OK, "no message %d", kind);
	cr_assert(message.kind == kind && message.status == (uint32_t)status, "message %u status %u (%s), expected %d status %d",
		message.kind, message.status, text, kind, status);
}

static int wait_for_end(struct fixture *fixture)
{
	int status = -1;
	waitpid(fixture->pid, &status, 0);
	return status;
}

static void say(struct fixture *fixture, struct collect_message message, const char *text)
{
	message.time_ns = clock_now().ns;
	cr_assert(collect_send(fixture->driver_fd, &message, text) == STATUS_OK);
}

static struct trace *open_trace(struct fixture *fixture)
{
	struct error error = { 0 };
	struct trace *trace = NULL;
	cr_assert(trace_open(fixture->synthetic.file, &error, &trace) == STATUS_OK, "%s", error.text);
	return trace;
}

static void expect_number(struct trace *trace, const char *sql, int64_t expected)
{
	int64_t number = synthetic_number(trace->db, sql);
	cr_expect(number == expected, "%s gives %lld, expected %lld", sql, (long long)number, (long long)expected);
}

static bool exists_beside(struct fixture *fixture, const char *suffix)
{
	char name[128];
	snprintf(name, sizeof(name), "%s%s", fixture->synthetic.file, suffix);
	return access(name, F_OK) == 0;
}

static void setup(struct fixture *fixture)
{
	synthetic_init(&fixture->synthetic, 2, 2, 4, 4096);
}

static void teardown(struct fixture *fixture)
{
	close(fixture->driver_fd);
	synthetic_finish(&fixture->synthetic);
}

static void run_executions(struct fixture *fixture, int n)
{
	int64_t at_ns = clock_now().ns;
	for (int i = 0; i < n; i++)
		at_ns = synthetic_execution(&fixture->synthetic, (uint64_t)i, at_ns, 10000);
}

#define STOP_OK ((struct collect_message){ .kind = COLLECT_STOP, .worker = PROGRAM_NONE, .node = PROGRAM_NONE,                \
	.execution = UINT64_MAX })

Test(collector, records_a_whole_run)
{
	struct fixture fixture;
	char text[COLLECT_TEXT_BYTES_MAX + 1];
	setup(&fixture);
	start(&fixture, false, (struct limits){ 0 });
	expect_message(&fixture, COLLECT_READY, STATUS_OK, text);
	run_executions(&fixture, 3000);
	say(&fixture, (struct collect_message){ .kind = COLLECT_LOG, .worker = 1, .node = PROGRAM_NONE, .execution = UINT64_MAX,
		.level = COLLECT_LEVEL_WARNING }, "a worker's words");
	say(&fixture, STOP_OK, "");
	expect_message(&fixture, COLLECT_DONE, STATUS_OK, text);
	cr_expect(wait_for_end(&fixture) == 0);
	struct trace *trace = open_trace(&fixture);
	cr_expect(trace->is_finished && trace->n_runs == 1);
	cr_expect_str_eq(trace->runs[0].status, "ok");
	expect_number(trace, "SELECT count(*) FROM v_op", 3000 * 6);
	expect_number(trace, "SELECT count(*) FROM v_execution WHERE status = 'ok' AND duration_ns > 0", 3000);
	expect_number(trace, "SELECT count(*) FROM v_loss", 0);
	expect_number(trace, "SELECT count(*) FROM log WHERE text = 'a worker''s words' AND level = 'warning'", 1);
	expect_number(trace, "SELECT count(*) FROM v_op WHERE duration_ns <> starved_ns + backpressure_ns + late_rank_ns"
		" + dispatch_ns + allocate_ns + serialise_ns + fetch_ns + read_ns + compute_ns + write_ns + launch_ns + sync_ns"
		" + debug_ns + recorder_ns + unknown_ns", 0);
	expect_number(trace, "SELECT count(*) FROM v_op WHERE node = 'n1' AND worker = 'w0' AND abs(compute_ns - 10000) < 20", 3000);
	cr_expect(!exists_beside(&fixture, "-wal") && !exists_beside(&fixture, "-shm") && !exists_beside(&fixture, "-journal"));
	trace_close(trace);
	teardown(&fixture);
}

Test(collector, appends_a_second_run)
{
	struct fixture fixture;
	char text[COLLECT_TEXT_BYTES_MAX + 1];
	setup(&fixture);
	for (int run = 0; run < 2; run++) {
		start(&fixture, run == 1, (struct limits){ 0 });
		expect_message(&fixture, COLLECT_READY, STATUS_OK, text);
		run_executions(&fixture, 10);
		say(&fixture, STOP_OK, "");
		expect_message(&fixture, COLLECT_DONE, STATUS_OK, text);
		cr_expect(wait_for_end(&fixture) == 0);
		close(fixture.driver_fd);
	}
	struct trace *trace = open_trace(&fixture);
	cr_assert(trace->n_runs == 2 && trace->is_finished);
	expect_number(trace, "SELECT count(*) FROM v_op WHERE run = 2 AND node = 'n3' AND worker = 'w1'", 10);
	expect_number(trace, "SELECT count(*) FROM v_op WHERE run = 1", 60);
	expect_number(trace, "SELECT count(*) FROM graph", 1);
	expect_number(trace, "SELECT count(*) FROM pragma_foreign_key_check", 0);
	trace_close(trace);
	fixture.driver_fd = -1;
	teardown(&fixture);
}

Test(collector, marks_the_run_killed_when_the_driver_dies)
{
	struct fixture fixture;
	char text[COLLECT_TEXT_BYTES_MAX + 1];
	setup(&fixture);
	start(&fixture, false, (struct limits){ 0 });
	expect_message(&fixture, COLLECT_READY, STATUS_OK, text);
	run_executions(&fixture, 20);
	struct record submit = synthetic_submit(20, clock_now().ns);
	synthetic_put(&fixture.synthetic, 0, &submit);
	close(fixture.driver_fd);
	fixture.driver_fd = -1;
	cr_expect(wait_for_end(&fixture) == 0);
	struct trace *trace = open_trace(&fixture);
	cr_expect(trace->is_finished);
	cr_expect_str_eq(trace->runs[0].status, "killed");
	expect_number(trace, "SELECT count(*) FROM v_execution WHERE status = 'ok'", 20);
	expect_number(trace, "SELECT count(*) FROM v_execution WHERE status = 'unfinished' AND duration_ns IS NULL", 1);
	expect_number(trace, "SELECT count(*) FROM log WHERE level = 'error'", 1);
	trace_close(trace);
	teardown(&fixture);
}

Test(collector, finishes_properly_on_sigterm_and_ignores_sigint)
{
	struct fixture fixture;
	char text[COLLECT_TEXT_BYTES_MAX + 1];
	setup(&fixture);
	start(&fixture, false, (struct limits){ 0 });
	expect_message(&fixture, COLLECT_READY, STATUS_OK, text);
	run_executions(&fixture, 5);
	kill(fixture.pid, SIGINT);
	run_executions(&fixture, 5);
	kill(fixture.pid, SIGTERM);
	expect_message(&fixture, COLLECT_DONE, STATUS_OK, text);
	cr_expect(wait_for_end(&fixture) == 0);
	struct trace *trace = open_trace(&fixture);
	cr_expect(trace->is_finished);
	cr_expect_str_eq(trace->runs[0].status, "stopped");
	expect_number(trace, "SELECT count(*) FROM v_op", 60);
	trace_close(trace);
	teardown(&fixture);
}
