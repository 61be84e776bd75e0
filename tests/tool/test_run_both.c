/* SPDX-License-Identifier: Apache-2.0
 *
 * test_run_both: `tandem run --mode both`: two runs in one trace, outputs compared.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/attributes.h"
#include "tests/support/run_tool.h"

static void write_graph(const char *a)
{
	char text[512];
	snprintf(text, sizeof text,
		"digraph g { input [tensors=\"x:f32[N<=16]\"];\n"
		"subgraph cluster_0 { worker=w0; device=\"cpu:0\"; a [%s]; r0 [op=all_reduce, collective=r]; }\n"
		"subgraph cluster_1 { worker=w1; device=\"cpu:1\"; b [op=counter]; r1 [op=all_reduce, collective=r]; }\n"
		"input -> a -> r0 -> output; input -> b -> r1 -> output; }\n", a);
	tool_write_file("g.dot", text);
}

static void expect_query(const char *name, const char *sql, const char *expected)
{
	char line[512];
	snprintf(line, sizeof line, "query @TMP@/t.tandem '%s' --json", sql);
	struct tool_result result = tool_run(line);
	cr_expect(strstr(result.out, expected), "%s: '%s' is not in: %s%s", name, expected, result.out, result.err);
	tool_result_finish(&result);
}

Test(run_both, two_runs_in_one_trace, .timeout = 60)
{
	static const struct {
		const char *name, *a, *options;
		int exit_status;
	} cases[] = {
		{ "ops with state", "op=counter", "-n 57", 0 },
		{ "fewer executions than blocks", "op=copy", "-n 3", 0 },
		{ "one at a time", "op=touch", "-n 20 --in-flight 1", 0 },
		{ "failures in both are equal", "op=fail, at=4", "-n 20", 1 },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char line[256], path[512];
		write_graph(cases[i].a);
		snprintf(line, sizeof line, "run @TMP@/g.dot --mode both -o @TMP@/t.tandem %s", cases[i].options);
		struct tool_result result = tool_run(line);
		cr_expect_eq(result.exit_status, cases[i].exit_status, "%s: exit %d: %s", cases[i].name, result.exit_status, result.err);
		cr_expect_not(strstr(result.err, "different outputs"), "%s: %s", cases[i].name, result.err);
		cr_expect(strstr(result.out, "compiled") && strstr(result.out, "interpreted"), "%s: %s", cases[i].name, result.out);
		tool_result_finish(&result);
		expect_query(cases[i].name, "select group_concat(mode) m from run", "\"compiled,interpreted\"");
		expect_query(cases[i].name, "select count(*) n from run a join run b on a.n_finished = b.n_finished", "\"n\": 4");
		expect_query(cases[i].name, "select count(distinct worker || run) n from v_op", "\"n\": 6");
		result = tool_run("check @TMP@/t.tandem");
		cr_expect_eq(result.exit_status, 0, "%s: %s%s", cases[i].name, result.out, result.err);
		tool_result_finish(&result);
		snprintf(path, sizeof path, "%s/t.tandem.part", tool_temporary());
		cr_expect_neq(access(path, F_OK), 0, "%s: '%s' is left", cases[i].name, path);
	}
}

Test(run_both, without_a_trace_and_as_json, .timeout = 60)
{
	write_graph("op=copy");
	struct tool_result result = tool_run("run @TMP@/g.dot --mode both -n 10 --json");
	cr_expect_eq(result.exit_status, 0, "%s", result.err);
	cr_expect(strstr(result.out, "\"compiled\"") && strstr(result.out, "\"interpreted\""), "%s", result.out);
	tool_result_finish(&result);
}
