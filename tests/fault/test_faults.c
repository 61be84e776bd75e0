/* SPDX-License-Identifier: Apache-2.0
 *
 * test_faults: what goes wrong in a run, each with one clear message, a bounded end, nothing left behind, and a trace that opens. Uses the
 * real executable.
 */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/attributes.h"
#include "engine/base/safetensors.h"
#include "tests/support/leftovers.h"
#include "tests/support/run_tool.h"

/* Two workers in a chain: a on w0, b on w1. */
static void write_chain(const char *a, const char *b)
{
	char text[1024];
	snprintf(text, sizeof text,
		"digraph chain { input [tensors=\"x:f32[%s]\"];\n"
		"subgraph cluster_0 { worker=w0; device=\"cpu:0\"; a [%s]; }\n"
		"subgraph cluster_1 { worker=w1; device=\"cpu:1\"; b [%s]; }\n"
		"input -> a -> b -> output; }\n", strstr(a, "layernorm") ? "4" : "N<=16", a, b);
	tool_write_file("chain.dot", text);
}

static void expect_contains(const char *name, const char *text, const char *part)
{
	cr_expect(strstr(text, part), "%s: '%s' is not in: %s", name, part, text);
}

/* One value of the trace, as text. */
static void expect_query(const char *name, const char *sql, const char *expected)
{
	char line[1024];
	snprintf(line, sizeof line, "query @TMP@/t.tandem '%s' --json", sql);
	struct tool_result result = tool_run(line);
	cr_expect_eq(result.exit_status, 0, "%s: query failed: %s", name, result.err);
	expect_contains(name, result.out, expected);
	tool_result_finish(&result);
}

static void expect_trace_is_sound(const char *name)
{
	struct tool_result result = tool_run("check @TMP@/t.tandem");
	cr_expect_eq(result.exit_status, 0, "%s: the trace is not sound: %s%s", name, result.out, result.err);
	tool_result_finish(&result);
	result = tool_run("report @TMP@/t.tandem");
	cr_expect_eq(result.exit_status, 0, "%s: no report: %s", name, result.err);
	tool_result_finish(&result);
}

static void expect_nothing_left(const char *name)
{
	int n = leftovers_count(3000);
	cr_expect_eq(n, 0, "%s: %d processes are left", name, n);
}

static void set_up(void)
{
	leftovers_mark();
	tool_temporary();
}

TestSuite(faults, .init = set_up, .timeout = 120);

static void check_during_a_run(const char *mode)
{
	static const struct {
		const char *name, *a, *b, *options;
		int exit_status;
		const char *message[3]; /* all of them on stderr */
		const char *sql, *expected;
	} cases[] = {
		{ "op error", "op=copy", "op=fail, at=5, text=\"too hot\"", "-n 20", 1, { "execution 5", "'b'", "too hot" },
			"select count(*) n from v_execution where status = \"ok\"", "\"n\": 19" },
		{ "op error, fail fast", "op=copy", "op=fail, at=5, text=\"too hot\"", "-n 20 --fail-fast", 1, { "execution 5", "'b'", "too hot" },
			"select status s from v_execution where execution = 5", "\"op_error\"" },
		{ "op error at the first node", "op=fail, at=\"-1\"", "op=copy", "-n 4", 1, { "'a'", "failed on purpose" },
			"select count(*) n from v_execution where status = \"op_error\"", "\"n\": 4" },
		{ "crash", "op=copy", "op=crash, at=3", "-n 10", 1, { "worker 'w1'", "signal 11", "'b' of execution 3" },
			"select value v from meta where key = \"finished\"", "\"1\"" },
		{ "abort", "op=crash, at=3, signal=abort", "op=copy", "-n 10", 1, { "worker 'w0'", "signal 6", "'a' of execution 3" },
			"select count(*) n from log where text like \"%signal 6%\"", "\"n\": 1" },
		{ "exit", "op=copy", "op=crash, at=0, signal=exit", "-n 10", 1, { "worker 'w1'", "exited with status 3" },
			"select count(*) n from v_execution where status = \"ok\"", "\"n\": 0" },
		{ "kill", "op=copy", "op=crash, at=7, signal=kill", "-n 10", 1, { "worker 'w1'", "signal 9" },
			"select count(*) n from run where status = \"worker_died\"", "\"n\": 1" },
		{ "slow op over the stall limit", "op=copy", "op=sleep, us=400000", "-n 1 --stall-limit 100ms", 0,
			{ "w1 is in node 'b' of execution 0", "the op is running" },
			"select count(*) n from log where text like \"%op is running%\"", "\"n\": 1" },
		{ "timeout", "op=copy", "op=sleep, us=300000", "-n 3 --in-flight 1 --timeout 100ms", 1,
			{ "not finished within --timeout", "'b'", "the op is running" },
			"select count(*) n from v_execution where status = \"timeout\"", "\"n\": 3" },
		{ "timeout, op does not return", "op=copy", "op=sleep, us=60000000", "-n 3 --timeout 100ms --grace 200ms", 1,
			{ "did not end within --grace", "w1" },
			"select count(*) n from run where status = \"timeout\"", "\"n\": 1" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char line[512];
		write_chain(cases[i].a, cases[i].b);
		snprintf(line, sizeof line, "run @TMP@/chain.dot --mode %s -o @TMP@/t.tandem %s", mode, cases[i].options);
		struct tool_result result = tool_run(line);
		cr_expect_eq(result.exit_status, cases[i].exit_status, "%s, %s: exit %d, expected %d: %s", cases[i].name, mode,
			result.exit_status, cases[i].exit_status, result.err);
		for (int m = 0; m < 3 && cases[i].message[m]; m++)
			expect_contains(cases[i].name, result.err, cases[i].message[m]);
		expect_nothing_left(cases[i].name);
		expect_query(cases[i].name, cases[i].sql, cases[i].expected);
		expect_trace_is_sound(cases[i].name);
		tool_result_finish(&result);
	}
}

Test(faults, before_a_run)
{
	static const struct {
		const char *name, *a, *options;
		const char *message[3];
	} cases[] = {
		{ "weights are missing", "op=layernorm, weights=\"@TMP@/none.safetensors\", name=ln", "", { "none.safetensors", "'a'" } },
		{ "weights are no safetensors", "op=layernorm, weights=\"@TMP@/chain.dot\", name=ln", "", { "chain.dot", "'a'" } },
		{ "input file is missing", "op=copy", "--input x=@TMP@/none.npy", { "none.npy" } },
		{ "unknown input", "op=copy", "--input y=@TMP@/none.npy", { "y" } },
		{ "trace in a missing folder", "op=copy", "-o @TMP@/none/t.tandem", { "none/t.tandem" } },
		{ "trace over a file that is none", "op=copy", "-o @TMP@/chain.dot", { "chain.dot", "no tandem trace" } },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char line[512], *a = tool_expand(cases[i].a);
		write_chain(a, "op=copy");
		free(a);
		snprintf(line, sizeof line, "run @TMP@/chain.dot %s", cases[i].options);
		struct tool_result result = tool_run(line);
		cr_expect_eq(result.exit_status, 1, "%s: exit %d: %s", cases[i].name, result.exit_status, result.err);
		for (int m = 0; m < 3 && cases[i].message[m]; m++)
			expect_contains(cases[i].name, result.err, cases[i].message[m]);
		expect_nothing_left(cases[i].name);
		tool_result_finish(&result);
	}
}

/* A weights file whose tensor 'ln.weight' has `n` numbers, of which `n_bytes_less` bytes are cut off at the end. */
static void write_weights(int64_t n, off_t n_bytes_less)
{
	float values[64] = { 0 };
	struct named_tensor items[] = {
		{ .name = (char[]){ "ln.weight" }, .tensor = tensor_make(DTYPE_F32, 1, &n, values) },
		{ .name = (char[]){ "ln.bias" }, .tensor = tensor_make(DTYPE_F32, 1, &n, values) },
	};
	struct tensor_set set = { .items = items, .n_items = 2 };
	struct error error = { 0 };
	char *file = tool_expand("@TMP@/weights.safetensors");
	struct stat stat_of;
	cr_assert_eq(safetensors_write(file, &set, &error), STATUS_OK, "%s", error.text);
	cr_assert(stat(file, &stat_of) == 0 && truncate(file, stat_of.st_size - n_bytes_less) == 0);
	free(file);
}

Test(faults, weights)
{
	static const struct {
		const char *name;
		int64_t n;
		off_t n_bytes_less;
		int exit_status;
		const char *message[2];
	} cases[] = {
		{ "right", 4, 0, 0, { "" } },
		{ "wrong shape", 5, 0, 1, { "ln.", "f32[5]" } },
		{ "truncated", 4, 7, 1, { "weights.safetensors", "'a'" } },
	};
	char *op = tool_expand("op=layernorm, weights=\"@TMP@/weights.safetensors\", name=ln");
	write_chain(op, "op=copy");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		write_weights(cases[i].n, cases[i].n_bytes_less);
		struct tool_result result = tool_run("run @TMP@/chain.dot");
		cr_expect_eq(result.exit_status, cases[i].exit_status, "%s: exit %d: %s", cases[i].name, result.exit_status, result.err);
		for (int m = 0; m < 2 && cases[i].message[m]; m++)
			expect_contains(cases[i].name, result.err, cases[i].message[m]);
		expect_nothing_left(cases[i].name);
		tool_result_finish(&result);
	}
	free(op);
}

Test(faults, payload_over_its_bound)
{
	static const char header[] = "\x93NUMPY\x01\x00\x36\x00{'descr': '<f4', 'fortran_order': False, 'shape': (17,), }\n";
	char path[512];
	snprintf(path, sizeof path, "%s/x.npy", tool_temporary());
	FILE *file = fopen(path, "wb");
	cr_assert(file);
	float values[17] = { 0 };
	char head[128];
	/* 10 bytes of prefix, then the text padded to a multiple of 64 */
	int n = snprintf(head, sizeof head, "%s", "{'descr': '<f4', 'fortran_order': False, 'shape': (17,), }");
	while (n < 117)
		head[n++] = ' ';
	head[n++] = '\n';
	fwrite(header, 1, 8, file);
	fputc(n, file);
	fputc(0, file);
	fwrite(head, 1, (size_t)n, file);
	fwrite(values, 1, sizeof values, file);
	fclose(file);
	write_chain("op=copy", "op=copy");
	struct tool_result result = tool_run("run @TMP@/chain.dot --input x=@TMP@/x.npy");
	cr_expect_eq(result.exit_status, 1);
	expect_contains("over its bound", result.err, "N<=16");
	expect_contains("over its bound", result.err, "f32[17]");
	expect_nothing_left("over its bound");
	tool_result_finish(&result);
}

/* Until the running trace shows that the run is well under way. */
static void wait_for_executions(void)
{
	for (int i = 0; i < 500; i++) {
		struct tool_result result = tool_run("query @TMP@/t.tandem 'select count(*) > 20 n from v_execution where status = \"ok\"' --json");
		bool is_under_way = strstr(result.out, "\"n\": 1") != NULL;
		tool_result_finish(&result);
		if (is_under_way)
			return;
		usleep(20000);
	}
	cr_assert(false, "the run does not get under way");
}

/* Starts a run that takes a while, waits until it computes, does something to it, and hands back how it ended. */
static int disturb(const char *mode, const char *options, const char *victim, int signal_number)
{
	char line[512];
	snprintf(line, sizeof line, "run @TMP@/chain.dot --mode %s -o @TMP@/t.tandem %s", mode, options);
	pid_t driver = tool_start(line);
	pid_t worker = leftovers_find("tandem worker w1", 10000);
	cr_assert(worker, "the worker did not start");
	wait_for_executions();
	pid_t pid = victim ? leftovers_find(victim, 1000) : driver;
	cr_assert(pid, "'%s' is not there", victim ? victim : "driver");
	kill(pid, signal_number);
	int status = 0;
	waitpid(driver, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void check_interrupted(const char *mode)
{
	write_chain("op=spin, us=1000", "op=copy");
	int status = disturb(mode, "-n 100000", NULL, SIGINT);
	cr_expect_eq(status, 130, "exit %d", status);
	expect_nothing_left("Ctrl-C");
	expect_query("Ctrl-C", "select status s from run", "\"stopped\"");
	expect_query("Ctrl-C", "select count(*) > 10 n from v_execution where status = \"ok\"", "\"n\": 1");
	expect_trace_is_sound("Ctrl-C");
}

static void check_driver_killed(const char *mode)
{
	write_chain("op=spin, us=1000", "op=copy");
	int status = disturb(mode, "-n 100000", NULL, SIGKILL);
	cr_expect_eq(status, 128 + SIGKILL);
	expect_nothing_left("driver killed");
	expect_query("driver killed", "select status s from run", "\"killed\"");
	expect_query("driver killed", "select count(*) > 10 n from v_execution where status = \"ok\"", "\"n\": 1");
	expect_trace_is_sound("driver killed");
}

static void check_collector_killed(const char *mode)
{
	write_chain("op=spin, us=1000", "op=copy");
	int status = disturb(mode, "-n 1000", "tandem collector", SIGKILL);
	cr_expect_eq(status, 1, "the run ends, but its trace is incomplete: exit %d", status);
	expect_nothing_left("collector killed");
	expect_query("collector killed", "select count(*) > 10 n from v_execution where status = \"ok\"", "\"n\": 1");
	expect_trace_is_sound("collector killed");
}

static void check_worker_killed(const char *mode)
{
	write_chain("op=spin, us=1000", "op=copy");
	int status = disturb(mode, "-n 100000", "tandem worker w1", SIGKILL);
	cr_expect_eq(status, 1);
	expect_nothing_left("worker killed");
	expect_query("worker killed", "select status s from run", "\"worker_died\"");
	expect_query("worker killed", "select count(*) n from log where text like \"%w1%killed by signal 9%\"", "\"n\": 1");
	expect_trace_is_sound("worker killed");
}

/* A stopped worker is told apart from a slow op, and the run ends although it cannot answer. */
static void check_worker_stopped(const char *mode)
{
	write_chain("op=copy", "op=spin, us=100");
	int status = disturb(mode, "-n 1000000 --stall-limit 100ms --timeout 600ms --grace 200ms", "tandem worker w1", SIGSTOP);
	cr_expect_eq(status, 1);
	expect_nothing_left("worker stopped");
	expect_query("worker stopped", "select count(*) > 0 n from log where text like \"%the worker is stopped%\"", "\"n\": 1");
	expect_trace_is_sound("worker stopped");
}

#define IN_BOTH_MODES(name)                                  \
	Test(faults, name)                                   \
	{                                                    \
		check_##name("compiled");                    \
		check_##name("interpreted");                 \
	}
IN_BOTH_MODES(during_a_run)
IN_BOTH_MODES(interrupted)
IN_BOTH_MODES(driver_killed)
IN_BOTH_MODES(collector_killed)
IN_BOTH_MODES(worker_killed)
IN_BOTH_MODES(worker_stopped)

/* A tiny file system fills up: the run goes on, the loss is told and counted, the trace opens. */
Test(faults, disk_full)
{
	char folder[512];
	snprintf(folder, sizeof folder, "%s/small", tool_temporary());
	mkdir(folder, 0700);
	if (mount("tmpfs", folder, "tmpfs", 0, "size=2m") < 0)
		cr_skip_test("needs the right to mount a small tmpfs");
	write_chain("op=spin, us=50", "op=copy");
	struct tool_result result = tool_run("run @TMP@/chain.dot -n 30000 -o @TMP@/small/t.tandem");
	cr_expect_eq(result.exit_status, 1, "exit %d: %s", result.exit_status, result.err);
	expect_contains("disk full", result.err, "t.tandem");
	struct tool_result query = tool_run("query @TMP@/small/t.tandem 'select count(*) > 0 n from v_execution' --json");
	cr_expect_eq(query.exit_status, 0, "%s", query.err);
	expect_contains("disk full", query.out, "\"n\": 1");
	tool_result_finish(&query);
	query = tool_run("query @TMP@/small/t.tandem 'select sum(n_records) > 0 n from v_loss' --json");
	cr_expect_eq(query.exit_status, 0, "%s", query.err);
	expect_contains("disk full", query.out, "\"n\": 1");
	tool_result_finish(&query);
	tool_result_finish(&result);
	umount(folder);
	expect_nothing_left("disk full");
}

Test(faults, too_few_descriptors)
{
	struct rlimit limit = { 24, 24 };
	write_chain("op=copy", "op=copy");
	setrlimit(RLIMIT_NOFILE, &limit);
	struct tool_result result = tool_run("run @TMP@/chain.dot");
	cr_expect_eq(result.exit_status, 1);
	expect_contains("descriptors", result.err, "too few descriptors");
	expect_contains("descriptors", result.err, "ulimit -n");
	tool_result_finish(&result);
}

/* A join of two workers' tensors: with little room the second does not fit. */
static void write_join(void)
{
	tool_write_file("chain.dot",
		"digraph join { input [tensors=\"x:f32[1024]\"];\n"
		"subgraph cluster_0 { worker=w0; device=\"cpu:0\"; a [op=copy]; c [op=concat]; }\n"
		"subgraph cluster_1 { worker=w1; device=\"cpu:1\"; b [op=copy]; d [op=copy]; }\n"
		"input -> a; input -> b; b -> d; a -> c [arg=0]; d -> c [arg=1]; c -> output; b -> output; }\n");
}

Test(faults, store_is_full)
{
	static const struct {
		const char *name, *limit;
		int exit_status;
		const char *message[3];
	} cases[] = {
		{ "room for all", "1M", 0, { NULL } },
		{ "room for one at a time", "32K", 0, { NULL } },
		{ "no room for one", "12K", 1, { "the object store is full", "--store-limit", "most is held by node 'input'" } },
		{ "not even for the input", "3K", 1, { "'input'", "the object store is full", "nobody holds any" } },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char line[512];
		write_join();
		snprintf(line, sizeof line, "run @TMP@/chain.dot --mode interpreted -n 50 --store-limit %s -o @TMP@/t.tandem", cases[i].limit);
		struct tool_result result = tool_run(line);
		cr_expect_eq(result.exit_status, cases[i].exit_status, "%s: exit %d, expected %d: %s", cases[i].name,
			result.exit_status, cases[i].exit_status, result.err);
		for (int m = 0; m < 3 && cases[i].message[m]; m++)
			expect_contains(cases[i].name, result.err, cases[i].message[m]);
		expect_nothing_left(cases[i].name);
		expect_query(cases[i].name, "select count(*) n from v_execution where status != \"unfinished\"", "\"n\": 50");
		expect_trace_is_sound(cases[i].name);
		tool_result_finish(&result);
	}
}

/* One rank fails, or is killed while the other holds its object: every rank hears of it. */
Test(faults, inside_a_collective)
{
	static const struct {
		const char *name, *a;
		int exit_status;
		const char *message[2];
		const char *sql, *expected;
	} cases[] = {
		{ "op error", "op=fail, at=4, text=\"too hot\"", 1, { "execution 4", "too hot" },
			"select count(*) n from v_execution where status = \"ok\"", "\"n\": 19" },
		{ "killed", "op=crash, at=4, signal=kill", 1, { "worker 'w0'", "signal 9" }, "select status s from run", "\"worker_died\"" },
	};
	for (size_t i = 0; i < 2 * ARRAY_LEN(cases); i++) {
		const char *mode = i % 2 ? "interpreted" : "compiled", *name = cases[i / 2].name;
		char text[1024], line[512];
		snprintf(text, sizeof text,
			"digraph c { input [tensors=\"x:f32[8]\"];\n"
			"subgraph cluster_0 { worker=w0; device=\"cpu:0\"; a [%s]; r0 [op=all_reduce, collective=r]; }\n"
			"subgraph cluster_1 { worker=w1; device=\"cpu:1\"; b [op=spin, us=200]; r1 [op=all_reduce, collective=r]; }\n"
			"input -> a -> r0 -> output; input -> b -> r1 -> output; }\n", cases[i / 2].a);
		tool_write_file("chain.dot", text);
		snprintf(line, sizeof line, "run @TMP@/chain.dot --mode %s -n 20 -o @TMP@/t.tandem", mode);
		struct tool_result result = tool_run(line);
		cr_expect_eq(result.exit_status, cases[i / 2].exit_status, "%s, %s: exit %d: %s", name, mode, result.exit_status, result.err);
		for (int m = 0; m < 2; m++)
			expect_contains(name, result.err, cases[i / 2].message[m]);
		expect_nothing_left(name);
		expect_query(name, cases[i / 2].sql, cases[i / 2].expected);
		expect_trace_is_sound(name);
		tool_result_finish(&result);
	}
}
