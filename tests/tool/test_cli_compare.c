/* SPDX-License-Identifier: Apache-2.0
 *
 * Tests of `tandem compare` with traces of real runs: a node made slower by construction, conditions, refusals, wrong use.
 */
#include <cjson/cJSON.h>
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/run_tool.h"

#define GRAPH(us, tensors) \
	"digraph g {\n  input [tensors=\"x:f32[" tensors "]\"];\n" \
	"  subgraph cluster_0 { worker=w0; device=\"cpu:0\"; a [op=sleep, us=" us "]; }\n" \
	"  subgraph cluster_1 { worker=w1; device=\"cpu:1\"; b [op=copy]; }\n" \
	"  input -> a -> b -> output;\n}\n"

static void record(const char *graph, const char *trace, const char *options)
{
	char line[300];
	snprintf(line, sizeof line, "run @TMP@/%s -q --in-flight 1 -o @TMP@/%s %s", graph, trace, options);
	struct tool_result result = tool_run(line);
	cr_assert_eq(result.exit_status, 0, "tandem %s: exit status %d, '%s'", line, result.exit_status, result.err);
	tool_result_finish(&result);
}

static void set_up(void)
{
	tool_write_file("quick.dot", GRAPH("1", "8"));
	tool_write_file("slow.dot", GRAPH("20000", "8"));
	tool_write_file("wide.dot", GRAPH("1", "16"));
	tool_write_file("other.dot", "digraph g {\n  input [tensors=\"x:f32[8]\"];\n  subgraph cluster_0 { worker=w0;"
		" device=\"cpu:0\"; p [op=copy]; q [op=copy]; }\n  input -> p -> q -> output;\n}\n");
	record("quick.dot", "quick.tandem", "-n 30");
	record("slow.dot", "slow.tandem", "-n 12");
}

TestSuite(cli_compare, .init = set_up);

/* `out` and `err` must occur; NULL: anything. */
static void expect(const char *line, int exit_status, const char *out, const char *err)
{
	struct tool_result result = tool_run(line);
	cr_expect_eq(result.exit_status, exit_status, "tandem %s: exit status %d, expected %d; '%s', stderr '%s'", line,
		result.exit_status, exit_status, result.out, result.err);
	cr_expect(!out || strstr(result.out, out), "tandem %s: stdout '%s' lacks '%s'", line, result.out, out);
	cr_expect(!err || strstr(result.err, err), "tandem %s: stderr '%s' lacks '%s'", line, result.err, err);
	tool_result_finish(&result);
}

/* 20 ms of sleep: what is lost to a busy machine is never as much, an execution, over ten executions. */
Test(cli_compare, a_slower_node_is_found)
{
	const char *const line = "compare @TMP@/quick.tandem @TMP@/slow.tandem";
	char text[300];
	expect(line, 0, "10 executions compared, aligned by number; left out: 2 warm-up, 18 only in A\n", NULL);
	expect(line, 0, "B is slower: +", NULL);
	static const struct {
		const char *condition;
		int exit_status;
	} cases[] = { { "latency>+5ms", 1 }, { "node.a>+5ms", 1 }, { "compute>+5ms", 1 }, { "throughput<-10%", 1 },
		{ "latency<0%", 0 }, { "node.a<-1us", 0 }, { "node.b>+5ms", 0 }, { "throughput>+10%", 0 } };
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		snprintf(text, sizeof text, "%s --fail-if %s", line, cases[i].condition);
		expect(text, cases[i].exit_status, cases[i].exit_status ? ": HOLDS; changed by " : ": does not hold; changed by ",
			NULL);
	}
	snprintf(text, sizeof text, "%s --fail-if latency<0%% --fail-if latency>+5ms", line);
	expect(text, 1, "latency<0%: does not hold", NULL);
	expect("compare @TMP@/slow.tandem @TMP@/quick.tandem --strict --fail-if latency<-5ms", 1, "B is faster: -", NULL);
	expect("compare @TMP@/quick.tandem @TMP@/quick.tandem", 0, "no difference beyond noise: +0 ns (+0.0 %)", NULL);
}

static double number_of(const cJSON *object, const char *key)
{
	const cJSON *item = cJSON_GetObjectItem(object, key);
	return cJSON_IsNumber(item) ? item->valuedouble : -1e99;
}

static double sum_of(const cJSON *rows, const char *key)
{
	double sum = 0;
	const cJSON *row;
	cJSON_ArrayForEach(row, rows)
		sum += number_of(row, key);
	return sum;
}

Test(cli_compare, json_sums_to_the_whole)
{
	struct tool_result result = tool_run("compare @TMP@/quick.tandem @TMP@/slow.tandem --json --fail-if node.a>+5ms");
	cJSON *json = cJSON_Parse(result.out);
	cr_assert(json, "no JSON: %s", result.out);
	cr_expect_eq(result.exit_status, 1);
	const cJSON *latency = cJSON_GetObjectItem(json, "latency"), *split = cJSON_GetObjectItem(json, "split");
	static const char *const keys[] = { "a", "b", "delta" };
	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
		cr_expect(sum_of(split, keys[i]) == number_of(latency, keys[i]), "%s: kinds sum to %.0f, latency %.0f", keys[i],
			sum_of(split, keys[i]), number_of(latency, keys[i]));
	const cJSON *busiest = cJSON_GetObjectItem(json, "bottleneck"), *work = cJSON_GetObjectItem(json, "bottleneck_split");
	cr_expect(cJSON_GetArraySize(work) == 0 || sum_of(work, "b") == number_of(busiest, "b_ns"));
	cr_expect(number_of(json, "pairs") == 10 && cJSON_GetArraySize(cJSON_GetObjectItem(json, "nodes")) >= 4, "%s", result.out);
	const cJSON *answer = cJSON_GetArrayItem(cJSON_GetObjectItem(json, "conditions"), 0);
	cr_expect(cJSON_IsTrue(cJSON_GetObjectItem(answer, "holds")) && number_of(answer, "change") > 5e6, "%s", result.out);
	cJSON_Delete(json);
	tool_result_finish(&result);
}

/* The line, and everything but it, with and without --exact. */
Test(cli_compare, stored_sums_give_the_same_text)
{
	record("quick.dot", "both.tandem", "-n 40 --mode both");
	static const char *const files[] = { "@TMP@/both.tandem", "@TMP@/quick.tandem @TMP@/quick.tandem" };
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		char line[200];
		snprintf(line, sizeof line, "compare %s", files[i]);
		struct tool_result stored = tool_run(line);
		strcat(line, " --exact");
		struct tool_result exact = tool_run(line);
		const char *ours = strstr(stored.out, "\nfrom stored sums\n"), *theirs = strstr(exact.out, "\nexact pass\n");
		cr_assert(ours && theirs, "%s: '%s', exactly '%s'", files[i], stored.out, exact.out);
		cr_expect_eq(ours - stored.out, theirs - exact.out);
		cr_expect_eq(strncmp(stored.out, exact.out, (size_t)(ours - stored.out)), 0);
		cr_expect_str_eq(strchr(ours + 1, '\n'), strchr(theirs + 1, '\n'), "%s: '%s', exactly '%s'", files[i], stored.out,
			exact.out);
		tool_result_finish(&stored);
		tool_result_finish(&exact);
	}
	expect("compare @TMP@/quick.tandem @TMP@/slow.tandem", 0, "\nexact pass\n", NULL);
	expect("compare @TMP@/both.tandem --json", 0, "\"source\": \"stored_sums\"", NULL);
	expect("compare @TMP@/both.tandem --json --exact", 0, "\"source\": \"exact_pass\"", NULL);
}

Test(cli_compare, refuses_what_would_mislead)
{
	record("wide.dot", "wide.tandem", "-n 12");
	record("other.dot", "other.tandem", "-n 12");
	record("quick.dot", "window.tandem", "-n 12 --record every=2");
	record("quick.dot", "few.tandem", "-n 4");
	static const struct {
		const char *file, *reason;
	} cases[] = { { "wide", "the inputs differ: f32[8] in A, f32[16] in B" },
		{ "other", "the graphs differ: of 2 and 2 nodes, 0 have the same name and op" },
		{ "window", "the recording policy differs: all in A, every=2 in B" },
		{ "few", "too few executions: 3 succeeded in both, warm-up left out; 5 are needed" } };
	char line[200];
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		snprintf(line, sizeof line, "compare @TMP@/quick.tandem @TMP@/%s.tandem", cases[i].file);
		expect(line, 3, NULL, "tandem: a comparison would mislead: ");
		expect(line, 3, NULL, cases[i].reason);
		strcat(line, " --force");
		expect(line, 0, "MISLEADING: ", NULL);
		expect(line, 0, cases[i].reason, NULL);
	}
}

Test(cli_compare, wrong_use)
{
	static const struct {
		const char *line;
		int exit_status;
		const char *err;
	} cases[] = {
		{ "compare", 2, "compare: what about FILE [FILE2]?" },
		{ "compare a b c", 2, "'c' is one argument too many" },
		{ "compare @TMP@/quick.tandem", 1, "quick.tandem: the file holds one run; name a second file to compare it with" },
		{ "compare @TMP@/quick.tandem --run 1", 2, "--run is given twice" },
		{ "compare @TMP@/quick.tandem --run 1 --run 2", 1, "there is no run 2; the file holds 1" },
		{ "compare @TMP@/quick.tandem --run 1 --run x", 2, "--run: 'x' is no number of a run" },
		{ "compare @TMP@/none.tandem", 1, "none.tandem: cannot be opened" },
		{ "compare @TMP@/quick.tandem @TMP@/quick.dot", 1, "not a tandem trace" },
		{ "compare @TMP@/quick.tandem @TMP@/slow.tandem --fail-if latency", 2, "--fail-if: 'latency': a condition is" },
		{ "compare @TMP@/quick.tandem @TMP@/slow.tandem --fail-if node.z>1us", 2, "neither run has a node 'z'" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		expect(cases[i].line, cases[i].exit_status, "", cases[i].err);
	expect("compare @TMP@/quick.tandem --run 1 --run 1", 0, "no difference beyond noise", NULL);
	expect("compare --help", 0, "usage: tandem compare [options] FILE [FILE2]", NULL);
}
