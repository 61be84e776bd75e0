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
	cr_assert(message.kind == kind && message.status == (uint32_t)status,
		"message %u status %u (%s), expected %d status %d", message.kind, message.status, text, kind, status);
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

#define STOP_OK \
	((struct collect_message){ .kind = COLLECT_STOP, .worker = PROGRAM_NONE, .node = PROGRAM_NONE, \
		.execution = UINT64_MAX })

Test(collector, records_a_whole_run)
{
	struct fixture fixture;
	char text[COLLECT_TEXT_BYTES_MAX + 1];
	setup(&fixture);
	start(&fixture, false, (struct limits){ 0 });
	expect_message(&fixture, COLLECT_READY, STATUS_OK, text);
	run_executions(&fixture, 3000);
	say(&fixture,
		(struct collect_message){ .kind = COLLECT_LOG,
			.worker = 1,
			.node = PROGRAM_NONE,
			.execution = UINT64_MAX,
			.level = COLLECT_LEVEL_WARNING },
		"a worker's words");
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
	expect_number(trace,
		"SELECT count(*) FROM v_op WHERE duration_ns <> starved_ns + backpressure_ns + late_rank_ns"
		" + dispatch_ns + allocate_ns + serialise_ns + fetch_ns + read_ns + compute_ns + write_ns + launch_ns + "
		"sync_ns"
		" + debug_ns + recorder_ns + unknown_ns",
		0);
	expect_number(trace,
		"SELECT count(*) FROM v_op WHERE node = 'n1' AND worker = 'w0' AND abs(compute_ns - 10000) < 20", 3000);
	cr_expect(!exists_beside(&fixture, "-wal") && !exists_beside(&fixture, "-shm")
		&& !exists_beside(&fixture, "-journal"));
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
	run_executions(&fixture, 10);
	kill(fixture.pid, SIGINT);
	usleep(20000);
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

Test(collector, killed_mid_way_leaves_a_trace_that_opens)
{
	struct fixture fixture;
	char text[COLLECT_TEXT_BYTES_MAX + 1];
	int64_t n_ops = 0;
	setup(&fixture);
	for (int i = 0; i < 8; i++) {
		start(&fixture, false, (struct limits){ 0 });
		expect_message(&fixture, COLLECT_READY, STATUS_OK, text);
		run_executions(&fixture, 300 + 400 * i);
		usleep((useconds_t)(i % 4) * 40000);
		kill(fixture.pid, SIGKILL);
		wait_for_end(&fixture);
		close(fixture.driver_fd);
		struct trace *trace = open_trace(&fixture);
		cr_expect(!trace->is_finished && trace->n_runs == 1, "killed: finished %d", trace->is_finished);
		cr_expect_str_eq(trace->runs[0].status, "running");
		expect_number(trace, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'", 0);
		expect_number(trace,
			"SELECT count(*) FROM (SELECT 1 FROM v_time_split GROUP BY lane HAVING abs(sum(share) - 1) > 1e-9)",
			0);
		expect_number(trace,
			"SELECT (SELECT sum(n) FROM summary WHERE kind = 101) IS (SELECT nullif(count(*), 0) FROM op_event)",
			1);
		n_ops += synthetic_number(trace->db, "SELECT count(*) FROM v_op");
		trace_close(trace);
		/* What it left in the rings is nobody's now. */
		for (uint32_t k = 0; k < fixture.synthetic.rings.n_rings; k++)
			for (struct record rest[64]; ring_take(rings_get(&fixture.synthetic.rings, k), fixture.synthetic.rings.n_records, rest, 64);)
				;
	}
	cr_expect(n_ops > 0, "nothing was ever recorded");
	fixture.driver_fd = -1;
	teardown(&fixture);
}

Test(collector, survives_a_full_disk)
{
	static const struct {
		const char *name;
		rlim_t file_bytes;
	} cases[] = { { "at once", 400 << 10 }, { "in the log", 1 << 20 }, { "in the file", 6 << 20 } };
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct fixture fixture;
		char text[COLLECT_TEXT_BYTES_MAX + 1];
		setup(&fixture);
		start(&fixture, false, (struct limits){ .file_bytes = cases[i].file_bytes });
		expect_message(&fixture, COLLECT_READY, STATUS_OK, text);
		run_executions(&fixture, 40000);
		say(&fixture, STOP_OK, "");
		expect_message(&fixture, COLLECT_WARNING, STATUS_DISK_FULL, text);
		expect_message(&fixture, COLLECT_DONE, STATUS_DISK_FULL, text);
		cr_expect(wait_for_end(&fixture) == 1 << 8, "%s", cases[i].name);
		struct trace *trace = open_trace(&fixture);
		expect_number(trace, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'", 0);
		int64_t n_kept = synthetic_number(trace->db,
			"SELECT (SELECT count(*) FROM op_event) + (SELECT count(*) FROM execution)"
			" + (SELECT count(*) FROM execution WHERE end_ns IS NOT NULL)");
		int64_t n_lost = synthetic_number(
			trace->db, "SELECT coalesce(sum(n_records), 0) FROM v_loss WHERE cause = 'disk_full'");
		cr_expect(n_kept + n_lost == 40000 * 8, "%s: %lld records kept, %lld lost", cases[i].name, (long long)n_kept,
			(long long)n_lost);
		expect_number(trace, "SELECT count(*) FROM log WHERE level = 'error'", 1);
		cr_expect(trace->is_finished, "%s: not finished", cases[i].name);
		trace_close(trace);
		teardown(&fixture);
	}
}

Test(collector, says_why_it_cannot_begin)
{
	struct fixture fixture;
	char text[COLLECT_TEXT_BYTES_MAX + 1];
	setup(&fixture);
	FILE *stream = fopen(fixture.synthetic.file, "w");
	fputs("somebody's letter", stream);
	fclose(stream);
	start(&fixture, false, (struct limits){ 0 });
	expect_message(&fixture, COLLECT_DONE, STATUS_TRACE, text);
	cr_expect(strstr(text, "not replaced"), "text: %s", text);
	cr_expect(wait_for_end(&fixture) == 1 << 8);
	cr_expect(access(fixture.synthetic.file, F_OK) == 0);
	teardown(&fixture);
}

Test(collector, counts_records_that_the_rings_had_no_room_for)
{
	struct fixture fixture;
	char text[COLLECT_TEXT_BYTES_MAX + 1];
	setup(&fixture);
	for (int i = 0; i < 5000; i++) { /* before anybody drains */
		struct record span = synthetic_span(PHASE_IDLE, clock_now().ns, 10);
		synthetic_put(&fixture.synthetic, 1, &span);
	}
	start(&fixture, false, (struct limits){ 0 });
	expect_message(&fixture, COLLECT_READY, STATUS_OK, text);
	say(&fixture, STOP_OK, "");
	expect_message(&fixture, COLLECT_DONE, STATUS_OK, text);
	wait_for_end(&fixture);
	struct trace *trace = open_trace(&fixture);
	expect_number(trace, "SELECT n_records FROM v_loss WHERE worker = 'w0' AND cause = 'ring_full'", 5000 - 4096);
	expect_number(trace, "SELECT count(*) FROM span", 4096);
	trace_close(trace);
	teardown(&fixture);
}

Test(collector, keeps_failures_and_leaves_senseless_records_out)
{
	struct fixture fixture;
	char text[COLLECT_TEXT_BYTES_MAX + 1];
	setup(&fixture);
	start(&fixture, false, (struct limits){ 0 });
	expect_message(&fixture, COLLECT_READY, STATUS_OK, text);
	int64_t now_ns = clock_now().ns;
	struct record records[] = { synthetic_submit(0, now_ns), synthetic_finish_record(0, now_ns + 5000, STATUS_OP, 3),
		{ .kind = RECORD_OP, .node = 4711 }, { .kind = 77 }, { .kind = RECORD_OP, .node = 2, .n_phases = 200 } };
	for (size_t i = 0; i < ARRAY_LEN(records); i++)
		synthetic_put(&fixture.synthetic, 0, &records[i]);
	say(&fixture, (struct collect_message){ .kind = COLLECT_FAILURE, .status = STATUS_OP, .node = 3, .failure = 3,
		.execution = 0 }, "node 'n1': it hurts");
	say(&fixture, STOP_OK, "");
	expect_message(&fixture, COLLECT_DONE, STATUS_OK, text);
	wait_for_end(&fixture);
	struct trace *trace = open_trace(&fixture);
	expect_number(trace, "SELECT count(*) FROM v_execution WHERE status = 'op_error'", 1);
	expect_number(trace, "SELECT count(*) FROM failure f JOIN execution x ON x.run = f.run AND x.failure = f.failure"
		" JOIN node n ON n.id = f.node WHERE n.name = 'n1' AND f.text = 'node ''n1'': it hurts'", 1);
	expect_number(trace, "SELECT count(*) FROM log WHERE text LIKE '3 records made no sense%'", 1);
	expect_number(trace, "SELECT n_failed FROM run", 1);
	trace_close(trace);
	teardown(&fixture);
}
