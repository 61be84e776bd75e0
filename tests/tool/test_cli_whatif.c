/* SPDX-License-Identifier: Apache-2.0
 *
 * What `tandem report` says halving a node would win, against really halving it. Where the machine is so busy that spinning takes
 * longer than it should, nothing is learned: another try, and in the end the test is skipped.
 */
#include <cjson/cJSON.h>
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/attributes.h"
#include "tests/support/run_tool.h"

#define TRIES 8
#define WHOLE_NS 3000000
#define HALF_NS 1500000
#define BUSY 1.15 /* measured period over what the spinning takes from which on the machine is too busy */

#define GRAPH(us) \
	"digraph g {\n  input [tensors=\"x:f32[8]\"];\n" \
	"  subgraph cluster_0 { worker=w0; device=\"cpu:0\"; a [op=spin, us=1000]; }\n" \
	"  subgraph cluster_1 { worker=w1; device=\"cpu:1\"; b [op=spin, us=" us "]; }\n" \
	"  input -> a -> b -> output;\n}\n"

struct measured {
	double period_ns, model_ns, halved_ns; /* halved_ns: promised for node b */
	char first[20];                        /* the node that promises most */
};

static double number_of(const cJSON *item, const char *key)
{
	const cJSON *number = cJSON_GetObjectItem(item, key);
	cr_assert(cJSON_IsNumber(number), "no number '%s'", key);
	return number->valuedouble;
}

static void measure(const char *name, struct measured *measured)
{
	char line[200];
	snprintf(line, sizeof(line), "run @TMP@/%s.dot -q -n 60 -o @TMP@/%s.tandem", name, name);
	struct tool_result result = tool_run(line);
	cr_assert_eq(result.exit_status, 0, "%s: exit status %d, %s", line, result.exit_status, result.err);
	tool_result_finish(&result);
	snprintf(line, sizeof(line), "report --json @TMP@/%s.tandem", name);
	result = tool_run(line);
	cJSON *json = cJSON_Parse(result.out);
	const cJSON *run = cJSON_GetObjectItem(json, "run"), *gain;
	cr_assert(json && run, "%s: no JSON: %s", line, result.out);
	measured->period_ns = number_of(run, "period_ns");
	measured->model_ns = number_of(run, "model_period_ns");
	cJSON_ArrayForEach(gain, cJSON_GetObjectItem(json, "whatif")) {
		const char *node = cJSON_GetStringValue(cJSON_GetObjectItem(gain, "node"));
		if (!measured->first[0])
			snprintf(measured->first, sizeof(measured->first), "%s", node);
		if (strcmp(node, "b") == 0)
			measured->halved_ns = number_of(gain, "period at best");
	}
	cJSON_Delete(json);
	tool_result_finish(&result);
}

Test(cli_whatif, halving_wins_what_was_promised)
{
	tool_write_file("whole.dot", GRAPH("3000"));
	tool_write_file("half.dot", GRAPH("1500"));
	double promised = 0, won = 0;
	for (int i = 0; i < TRIES; i++) {
		struct measured whole = { 0 }, half = { 0 };
		measure("whole", &whole);
		measure("half", &half);
		if (whole.period_ns > BUSY * WHOLE_NS || half.period_ns > BUSY * HALF_NS)
			continue;
		cr_expect_str_eq(whole.first, "b", "node %s promises most", whole.first);
		promised = whole.model_ns / whole.halved_ns;
		won = whole.period_ns / half.period_ns;
		if (won < 1.4 * promised && won > promised / 1.4)
			return;
	}
	if (won == 0)
		cr_skip_test("the machine is too busy");
	cr_expect(false, "promised %.3g times the throughput at most, won %.3g", promised, won);
}
