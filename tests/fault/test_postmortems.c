/* SPDX-License-Identifier: Apache-2.0
 *
 * test_postmortems: runs that go wrong in every way, each saved into its trace and opened from there: who is to blame, why, and the values that
 * the failing node was given. Uses the real executable.
 */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/attributes.h"
#include "engine/base/safetensors.h"
#include "engine/debug/debugger.h"
#include "engine/debug/stack.h"
#include "engine/debug/value.h"
#include "tests/support/leftovers.h"
#include "tests/support/run_tool.h"
#include "traces/postmortem.h"

#define N_NUMBERS 8

static const char *const modes[] = { "compiled", "interpreted" };

/* `bug` gets twice the input 1, 2, 3, … and stands on w1. */
static void write_graph(const char *bug)
{
	char text[1024];
	float numbers[N_NUMBERS];
	int64_t shape = N_NUMBERS;
	struct error error = { 0 };
	for (int i = 0; i < N_NUMBERS; i++)
		numbers[i] = (float)(i + 1);
	struct named_tensor item = { .name = (char[]){ "x" }, .tensor = tensor_make(DTYPE_F32, 1, &shape, numbers) };
	struct tensor_set set = { .items = &item, .n_items = 1 };
	char *file = tool_expand("@TMP@/x.safetensors");
	cr_assert_eq(safetensors_write(file, &set, &error), STATUS_OK, "%s", error.text);
	free(file);
	snprintf(text, sizeof text, "digraph g { input [tensors=\"x:f32[%d]\"];\n"
		"subgraph cluster_0 { worker=w0; device=\"cpu:0\"; twice [op=scale, factor=2]; }\n"
		"subgraph cluster_1 { worker=w1; device=\"cpu:1\"; bug [%s]; }\n"
		"input -> twice -> bug -> output; }\n", N_NUMBERS, bug);
	tool_write_file("g.dot", text);
}

/* -- opening ------------------------------------------------------------------------------------------------------------------ */

struct opened {
	struct trace *trace;
	struct postmortem *items;
	int n;
	struct debug_target target;
	struct strbuf where;
};

static struct opened open_postmortem(const char *name)
{
	struct opened opened = { .where = STRBUF_INIT };
	struct error error = { 0 };
	struct debug_images images;
	char *file = tool_expand("@TMP@/t.tandem");
	cr_assert_eq(trace_open(file, &error, &opened.trace), STATUS_OK, "%s: %s", name, error.text);
	free(file);
	cr_assert_eq(postmortems_list(opened.trace, &opened.items, &opened.n, &error), STATUS_OK, "%s: %s", name, error.text);
	cr_assert_eq(opened.n, 1, "%s: %d post-mortems", name, opened.n);
	cr_assert_eq(postmortem_load(opened.trace, opened.items[0].id, &images, &error), STATUS_OK, "%s: %s", name, error.text);
	cr_assert_eq(debug_target_open_images(&images, &opened.target, &error), STATUS_OK, "%s: %s", name, error.text);
	postmortem_images_free(&images);
	debug_where(&opened.target, &opened.where);
	return opened;
}

static void close_postmortem(struct opened *opened)
{
	debug_target_close(&opened->target);
	postmortems_free(opened->items, opened->n);
	trace_close(opened->trace);
	strbuf_finish(&opened->where);
}

static void expect_contains(const char *name, const char *what, const char *text, const char *part)
{
	cr_expect(text && strstr(text, part), "%s: '%s' is not in %s: %s", name, part, what, text ? text : "(nothing)");
}

/* The input of `bug` in that execution: 2, 4, 6, … */
static void expect_input(const char *name, struct opened *opened, uint64_t execution)
{
	struct error error = { 0 };
	struct debug_value value;
	void *copy = NULL;
	uint32_t node = debug_find_node(&opened->target.program, "bug", NULL);
	int status = debug_value_find_input(&opened->target, node, 0, execution, &value, &error);
	if (status == STATUS_OK)
		status = debug_value_copy(&opened->target, &value, &copy, &error);
	cr_expect_eq(status, STATUS_OK, "%s: %s", name, error.text);
	for (int64_t i = 0; status == STATUS_OK && i < N_NUMBERS; i++) {
		double number = debug_element(&value.tensor, i);
		cr_expect(number == 2.0 * (double)(i + 1), "%s: element %" PRId64 " is %g, expected %g", name, i, number, 2.0 * (double)(i + 1));
	}
	free(copy);
}

static void expect_row(const char *name, const struct postmortem *item, const char *reason, const char *worker, const char *node, int64_t execution)
{
	cr_expect_str_eq(item->reason, reason, "%s: reason %s, expected %s", name, item->reason, reason);
	cr_expect(item->worker && strcmp(item->worker, worker) == 0, "%s: worker %s, expected %s", name, item->worker, worker);
	cr_expect(node ? item->node && strcmp(item->node, node) == 0 : !item->node, "%s: node %s, expected %s", name, item->node, node);
	cr_expect(execution == INT64_MAX || item->execution == execution, "%s: execution %" PRId64 ", expected %" PRId64, name, item->execution,
		execution);
	cr_expect(item->n_bytes > 0 && item->n_left_out == 0, "%s: %" PRIu64 " bytes, %" PRIu64 " left out", name, item->n_bytes, item->n_left_out);
}

static void expect_nothing_left(const char *name)
{
	int n = leftovers_count(5000);
	cr_expect_eq(n, 0, "%s: %d processes are left", name, n);
}

static void expect_trace_is_sound(const char *name)
{
	struct tool_result result = tool_run("check @TMP@/t.tandem");
	cr_expect_eq(result.exit_status, 0, "%s: the trace is not sound: %s%s", name, result.out, result.err);
	expect_contains(name, "check", result.out, "nothing went wrong in the runs");
	tool_result_finish(&result);
	result = tool_run("report @TMP@/t.tandem");
	expect_contains(name, "report", result.out, "post-mortem: ");
	expect_contains(name, "report", result.out, "tandem debug ");
	tool_result_finish(&result);
}

static void set_up(void)
{
	leftovers_mark();
	tool_temporary();
}

TestSuite(postmortems, .init = set_up, .timeout = 120);

/* -- runs that end by themselves ---------------------------------------------------------------------------------------------- */

static const struct {
	const char *name, *bug, *options, *reason;
	int64_t execution;
	const char *text, *where; /* in the row, in `where` */
} ending[] = {
	{ "crash", "op=crash, at=3", "-n 10", "crash", 3, "signal 11", "bug" },
	{ "kill", "op=crash, at=6, signal=kill", "-n 10", "crash", 6, "signal 9", "bug" },
	{ "op error", "op=fail, at=5, text=\"too hot\"", "-n 200", "error", 5, "too hot", "w1" },
	{ "op error, fail fast", "op=fail, at=5, text=\"too hot\"", "-n 200 --fail-fast", "error", 5, "too hot", "w1" },
	{ "timeout", "op=sleep, us=300000", "-n 2 --in-flight 1 --timeout 100ms", "timeout", 0, "the op is running", "the op is running" },
	{ "hang", "op=sleep, us=60000000", "-n 3 --hang-limit 200ms --timeout 900ms --grace 100ms", "hang", 0, "the op is running",
		"the op is running" },
};

/* The op that never returned fills its lane, and who waited for it is there. */
static void expect_unended(const char *name)
{
	struct tool_result result = tool_run("query @TMP@/t.tandem 'select (select count(*) from span s join node n on n.id = s.node join lane l"
		" on l.id = s.lane where n.name = \"bug\" and l.name = \"w1\" and s.kind = 1 and s.execution = 0) a, (select count(*) from v_stall"
		" where worker = \"driver\" and peer = \"w1\" and execution = 0 and duration_ns > 200000000) b' --json");
	expect_contains(name, "unended", result.out, "\"a\": 1");
	expect_contains(name, "unended", result.out, "\"b\": 1");
	tool_result_finish(&result);
}

Test(postmortems, of_runs_that_end)
{
	for (size_t i = 0; i < ARRAY_LEN(ending) * ARRAY_LEN(modes); i++) {
		char name[80], line[300];
		size_t k = i / ARRAY_LEN(modes);
		const char *mode = modes[i % ARRAY_LEN(modes)];
		snprintf(name, sizeof name, "%s, %s", ending[k].name, mode);
		write_graph(ending[k].bug);
		snprintf(line, sizeof line, "run @TMP@/g.dot --input @TMP@/x.safetensors --mode %s -o @TMP@/t.tandem %s", mode, ending[k].options);
		struct tool_result result = tool_run(line);
		cr_expect_eq(result.exit_status, 1, "%s: exit %d: %s", name, result.exit_status, result.err);
		expect_contains(name, "what run said", result.err, "saved the state of the run (");
		expect_contains(name, "what run said", result.err, "tandem debug ");
		expect_nothing_left(name);
		struct opened opened = open_postmortem(name);
		expect_row(name, &opened.items[0], ending[k].reason, "w1", "bug", ending[k].execution);
		expect_contains(name, "text", opened.items[0].text, ending[k].text);
		expect_contains(name, "where", strbuf_text(&opened.where), ending[k].where);
		expect_input(name, &opened, (uint64_t)ending[k].execution);
		close_postmortem(&opened);
		expect_trace_is_sound(name);
		tool_result_finish(&result);
		if (strcmp(ending[k].reason, "hang") == 0)
			expect_unended(name);
	}
}

Test(postmortems, none_without_cause_or_room)
{
	static const struct {
		const char *name, *bug, *options;
	} cases[] = {
		{ "nothing goes wrong", "op=copy", "-n 20" },
		{ "not wanted", "op=fail, at=5", "-n 20 --postmortem-limit 0" },
		{ "hangs are not looked for", "op=sleep, us=400000", "-n 1 --hang-limit 0" },
		{ "shorter than the limit", "op=sleep, us=100000", "-n 2 --hang-limit 10s" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char line[300];
		write_graph(cases[i].bug);
		snprintf(line, sizeof line, "run @TMP@/g.dot -o @TMP@/t.tandem %s", cases[i].options);
		struct tool_result result = tool_run(line);
		cr_expect(!strstr(result.err, "saved the state"), "%s: %s", cases[i].name, result.err);
		tool_result_finish(&result);
		result = tool_run("query @TMP@/t.tandem 'select count(*) n from v_postmortem' --json");
		expect_contains(cases[i].name, "post-mortems", result.out, "\"n\": 0");
		tool_result_finish(&result);
		expect_nothing_left(cases[i].name);
	}
}

/* -- runs that are disturbed --------------------------------------------------------------------------------------------------- */

static bool has(const char *sql)
{
	char line[300];
	snprintf(line, sizeof line, "query @TMP@/t.tandem '%s' --json", sql);
	struct tool_result result = tool_run(line);
	bool is_there = strstr(result.out, "\"n\": 1") != NULL;
	tool_result_finish(&result);
	return is_there;
}

static void wait_for(const char *name, const char *sql)
{
	for (int i = 0; i < 500 && !has(sql); i++)
		usleep(20000);
	cr_assert(has(sql), "%s: it never comes to %s", name, sql);
}

static pid_t start(const char *name, const char *mode, const char *options, pid_t *ret_worker)
{
	char line[300], file[300];
	snprintf(file, sizeof file, "%s/t.tandem", tool_temporary());
	unlink(file);
	snprintf(line, sizeof line, "run @TMP@/g.dot --input @TMP@/x.safetensors --mode %s -o @TMP@/t.tandem %s", mode, options);
	pid_t driver = tool_start(line);
	*ret_worker = leftovers_find("tandem worker w1", 10000);
	cr_assert(*ret_worker, "%s: the worker did not start", name);
	wait_for(name, "select count(*) > 10 n from v_execution where status = \"ok\"");
	return driver;
}

Test(postmortems, of_a_stopped_worker)
{
	for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
		int status;
		pid_t worker;
		write_graph("op=sleep, us=3000");
		pid_t driver = start(modes[i], modes[i], "-n 1000000 --hang-limit 300ms", &worker);
		kill(worker, SIGSTOP);
		wait_for(modes[i], "select count(*) n from v_postmortem"); /* while it lasts */
		kill(worker, SIGCONT);
		kill(driver, SIGINT);
		waitpid(driver, &status, 0);
		expect_nothing_left(modes[i]);
		struct opened opened = open_postmortem(modes[i]);
		cr_expect_str_eq(opened.items[0].reason, "hang");
		cr_expect_str_eq(opened.items[0].worker, "w1");
		expect_contains(modes[i], "text", opened.items[0].text, "the worker is stopped");
		expect_contains(modes[i], "where", strbuf_text(&opened.where), "the worker is stopped");
		close_postmortem(&opened);
		expect_trace_is_sound(modes[i]);
	}
}

Test(postmortems, of_a_killed_driver)
{
	for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
		int status;
		pid_t worker;
		write_graph("op=sleep, us=3000");
		pid_t driver = start(modes[i], modes[i], "-n 1000000", &worker);
		kill(driver, SIGKILL);
		waitpid(driver, &status, 0);
		expect_nothing_left(modes[i]);
		struct opened opened = open_postmortem(modes[i]);
		expect_row(modes[i], &opened.items[0], "driver", "driver", NULL, -1);
		expect_contains(modes[i], "text", opened.items[0].text, "the driver died");
		cr_expect(strbuf_text(&opened.where)[0], "%s: where says nothing", modes[i]);
		close_postmortem(&opened);
		expect_trace_is_sound(modes[i]);
	}
}

/* -- the stack of a crash --------------------------------------------------------------------------------------------------- */

Test(postmortems, stack_of_a_crash)
{
	static const char *const functions[] = { "#0  bugs_read_cell at bugs_module.c:", "#1  bugs_find_row at bugs_module.c:",
		"#2  bugs_look_up at bugs_module.c:", "#3  run_crashes_deep at bugs_module.c:" };
	char line[600];
	struct strbuf text = STRBUF_INIT;
	snprintf(line, sizeof line, "run @SRC@/tests/debug/graphs/crashes_deep.dot --module %s/tests/debug/bugs_module.so --set EXECUTION=2 -n 5"
		" -o @TMP@/t.tandem", getenv("TANDEM_BUILD_ROOT"));
	struct tool_result result = tool_run(line);
	cr_assert_eq(result.exit_status, 1, "exit %d: %s", result.exit_status, result.err);
	tool_result_finish(&result);
	struct opened opened = open_postmortem("stack");
	cr_assert(opened.items[0].stack, "no stack");
	expect_contains("stack", "the row", opened.items[0].stack, "bugs_module.so+0x");
	debug_stack_describe(opened.items[0].stack, &text);
	for (size_t i = 0; i < ARRAY_LEN(functions) && !strstr(strbuf_text(&text), "libdw"); i++)
		expect_contains("stack", "what it means", strbuf_text(&text), functions[i]);
	expect_contains("stack", "what it means", strbuf_text(&text), "#0  bugs_read_cell");
	close_postmortem(&opened);
	strbuf_finish(&text);
}
