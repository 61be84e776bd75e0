/* SPDX-License-Identifier: Apache-2.0
 *
 * Tests of `tandem run`, `report` and `query` with real processes: small graphs, each fault once.
 */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/support/run_tool.h"

#define GRAPH(nodes, edges) \
	"digraph g {\n  input [tensors=\"x:f32[B<=64,8] mask:f32[B]\"];\n" \
	"  subgraph cluster_0 { worker=w0; device=\"cpu:0\"; a [op=copy]; m [op=copy]; }\n" \
	"  subgraph cluster_1 { worker=w1; device=\"cpu:1\"; " nodes " }\n" \
	"  input -> a [from=x]; input -> m [from=mask]; m -> output [arg=mask]; " edges "\n}\n"

static const struct {
	const char *name, *text;
} graphs[] = {
	{ "copy.dot", GRAPH("b [op=copy];", "a -> b; b -> output [arg=x];") },
	{ "scale.dot", GRAPH("b [op=scale, factor=2];", "a -> b; b -> output [arg=x];") },
	{ "fail.dot", GRAPH("b [op=fail, at=2, text=\"on purpose\"];", "a -> b; b -> output [arg=x];") },
	{ "crash.dot", GRAPH("b [op=crash, at=2, signal=segv];", "a -> b; b -> output [arg=x];") },
	{ "sleep.dot", GRAPH("b [op=sleep, us=2000];", "a -> b; b -> output [arg=x];") },
};

static void set_up(void)
{
	for (size_t i = 0; i < sizeof graphs / sizeof graphs[0]; i++)
		tool_write_file(graphs[i].name, graphs[i].text);
}

TestSuite(cli_run, .init = set_up);

/* Runs and compares; `out` and `err` must occur in what was printed, NULL: anything. */
static void expect(const char *line, int exit_status, const char *out, const char *err)
{
	struct tool_result result = tool_run(line);
	cr_expect_eq(result.exit_status, exit_status, "tandem %s: exit status %d, expected %d; stderr '%s'", line,
		result.exit_status, exit_status, result.err);
	cr_expect(!out || strstr(result.out, out), "tandem %s: stdout '%s' lacks '%s'", line, result.out, out);
	cr_expect(!err || strstr(result.err, err), "tandem %s: stderr '%s' lacks '%s'", line, result.err, err);
	tool_result_finish(&result);
}

static bool exists(const char *name)
{
	char path[300];
	snprintf(path, sizeof path, "%s/%s", tool_temporary(), name);
	return access(path, F_OK) == 0;
}

Test(cli_run, made_up_inputs)
{
	expect("run @TMP@/copy.dot", 0, "g: 1 execution in ", "no --input, so made up from seed 0: x f32[8,8], mask f32[8]\n");
	expect("run @TMP@/copy.dot --executions 50 --json", 0, "\"finished\": 50, \"failed\": 0, ", NULL);
	struct tool_result result = tool_run("run @TMP@/copy.dot -n 3 -q");
	cr_expect_str_eq(result.out, "", "quiet, but stdout is '%s'", result.out);
	cr_expect_str_eq(result.err, "", "quiet, but stderr is '%s'", result.err);
	tool_result_finish(&result);
}

Test(cli_run, outputs_are_inputs_again)
{
	expect("run @TMP@/copy.dot --seed 3 --output @TMP@/x.safetensors --output x=@TMP@/x.npy", 0, NULL, NULL);
	cr_expect(exists("x.safetensors") && exists("x.npy"));
	expect("run @TMP@/copy.dot -i @TMP@/x.safetensors --expect @TMP@/x.safetensors", 0,
		"expected 'x' f32[8,8]: largest error 0 is within the tolerance of 0\n", NULL);
	expect("run @TMP@/copy.dot --seed 3 --expect x=@TMP@/x.npy -n 20", 0, "largest error 0 is within", NULL);
	expect("run @TMP@/copy.dot --seed 4 --expect x=@TMP@/x.npy", 1, NULL, "exceeds the tolerance of 0, at x[");
	expect("run @TMP@/scale.dot -i @TMP@/x.safetensors --expect @TMP@/x.safetensors --tolerance 0.01", 1, NULL,
		"tandem: outputs differ from what --expect says\n");
	expect("run @TMP@/copy.dot -i x=@TMP@/x.npy", 1, NULL, "input 'mask' is in none of the --input files; they have: x\n");
	expect("run @TMP@/copy.dot -i @TMP@/x.npy", 2, NULL, "an npy file has no name inside; write NAME=");
	expect("run @TMP@/copy.dot -i @TMP@/x.safetensors -i x=@TMP@/x.npy", 1, NULL, "'x' was already given by another file");
	expect("run @TMP@/copy.dot -i mask=@TMP@/x.npy -i x=@TMP@/x.npy", 1, NULL, "mask");
	expect("run @TMP@/copy.dot --output y=@TMP@/y.npy", 2, NULL, "the graph has no such output; it has: ");
	expect("run @TMP@/copy.dot --output @TMP@/y.txt", 2, NULL, "write FILE.safetensors or NAME=FILE.npy");
	expect("run @TMP@/copy.dot -i @TMP@/none.safetensors", 1, NULL, "none.safetensors");
}

Test(cli_run, failed_executions_are_told_and_the_run_goes_on)
{
	expect("run @TMP@/fail.dot -n 6", 1, "g: 6 executions in ", "execution 2 failed: ");
	expect("run @TMP@/fail.dot -n 6", 1, "; 1 failed\n", "on purpose");
	expect("run @TMP@/fail.dot -n 6", 1, NULL, "'b'");
	expect("run @TMP@/fail.dot -n 6 --fail-fast", 1, "; 1 failed; ended before the other 3\n", "execution 2 failed: ");
	expect("run @TMP@/fail.dot -n 3 --output @TMP@/failed.safetensors", 1, NULL, "the last execution gave no outputs");
	cr_expect_not(exists("failed.safetensors"));
}

Test(cli_run, a_dead_worker_ends_the_run)
{
	expect("run @TMP@/crash.dot -n 6 -o @TMP@/crash.tandem", 1, NULL, "w1");
	expect("report @TMP@/crash.tandem", 0, NULL, NULL);
	expect("query @TMP@/crash.tandem 'SELECT count(*) FROM v_execution'", 0, NULL, NULL);
}

Test(cli_run, trace_report_query)
{
	expect("run @TMP@/copy.dot -n 100 -o @TMP@/t.tandem", 0, "next: tandem report ", NULL);
	expect("report @TMP@/t.tandem", 0, "w1", NULL);
	expect("report @TMP@/t.tandem --json", 0, "\"time_split\"", NULL);
	expect("report @TMP@/t.tandem --run 7", 1, NULL, "there is no run 7");
	expect("check @TMP@/t.tandem", 0, "ok", NULL);
	expect("check @TMP@/t.tandem --json", 0, "{\"rows\": [", NULL);
	expect("query @TMP@/t.tandem 'SELECT count(*) AS n FROM v_op WHERE node = \"b\"' --csv", 0, "n\n100\n", NULL);
	expect("query @TMP@/t.tandem 'SELECT count(*) AS n FROM v_execution' --json", 0, "{\"n\": 100}", NULL);
	expect("query @TMP@/t.tandem 'DELETE FROM run'", 2, NULL, "tandem: query: ");
	expect("query @TMP@/t.tandem 'SELECT nothing FROM v_op'", 2, NULL, "nothing");
	expect("query @TMP@/t.tandem 'SELECT 1' --csv --json", 2, NULL, "choose one of");
	expect("run @TMP@/copy.dot -n 5 -o @TMP@/t.tandem", 0, NULL, NULL);
	expect("query @TMP@/t.tandem 'SELECT count(*) AS n FROM v_execution' --json", 0, "{\"n\": 5}", NULL);
}

Test(cli_run, only_traces_are_replaced)
{
	tool_write_file("precious.txt", "precious\n");
	expect("run @TMP@/copy.dot -o @TMP@/precious.txt", 1, NULL, "the file exists and is no tandem trace, so it is left alone");
	expect("report @TMP@/precious.txt", 1, NULL, "precious.txt");
	expect("query @TMP@/precious.txt 'SELECT 1'", 1, NULL, "precious.txt");
	expect("check @TMP@/none.tandem", 1, NULL, "none.tandem");
	expect("report @TMP@/none.tandem", 1, NULL, "none.tandem");
	expect("run @TMP@/copy.dot -o @TMP@/no/such/folder.tandem", 1, NULL, "folder.tandem");
}

/* What is no file (a pipe here, a device elsewhere) is neither read nor replaced. */
Test(cli_run, a_pipe_is_left_alone)
{
	char *name = tool_expand("@TMP@/pipe");
	struct stat info;
	cr_assert_eq(mkfifo(name, 0600), 0);
	expect("run @TMP@/copy.dot -o @TMP@/pipe", 1, NULL, "the file exists and is no tandem trace, so it is left alone");
	cr_expect(stat(name, &info) == 0 && S_ISFIFO(info.st_mode), "%s was replaced", name);
	free(name);
}

static void wait_until_exists(const char *name)
{
	for (int i = 0; i < 10000 && !exists(name); i++)
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
}

/* Until the running trace shows one. */
static void wait_for_an_execution(const char *trace)
{
	char line[200];
	snprintf(line, sizeof line, "query @TMP@/%s 'SELECT count(*) > 0 FROM v_execution WHERE status = \"ok\"' --csv", trace);
	for (int i = 0; i < 500; i++) {
		struct tool_result result = tool_run(line);
		bool is_there = strstr(result.out, "\n1\n") != NULL;
		tool_result_finish(&result);
		if (is_there)
			return;
		nanosleep(&(struct timespec){ .tv_nsec = 20000000 }, NULL);
	}
	cr_assert(false, "no execution in %s", trace);
}

Test(cli_run, an_interrupt_keeps_the_trace)
{
	pid_t pid = tool_start("run @TMP@/sleep.dot -n 1000000 -o @TMP@/interrupted.tandem");
	wait_until_exists("interrupted.tandem");
	wait_for_an_execution("interrupted.tandem");
	kill(pid, SIGINT);
	int status;
	waitpid(pid, &status, 0);
	cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 130, "wait status %d", status);
	expect("report @TMP@/interrupted.tandem", 0, "w1", NULL);
	expect("query @TMP@/interrupted.tandem 'SELECT count(*) > 0 AS some FROM v_execution' --csv", 0, "some\n1\n", NULL);
}
