/* SPDX-License-Identifier: Apache-2.0
 *
 * examples/decoder over real workers: prefill and decode on one worker or on two, compiled or interpreted, with few or
 * many executions in flight give the same tokens, and those are the plain decoder's. And a server: prompts that come
 * when they like.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/attributes.h"
#include "engine/graph/graph_dot.h"
#include "engine/graph/plan_check.h"
#include "engine/ops/ops.h"
#include "engine/run/driver.h"
#include "tests/support/plain_decoder.h"
#include "tests/support/run_tool.h"
#include "tests/support/trials.h"

#define EXECUTIONS 40
#define SLOTS_MOST 8
#define REQUESTS_MOST 32
#define NEW_MOST 128
#define PROMPT 12
#define LENGTH_MOST 16

/* What comes out of one execution. */
struct outputs {
	int64_t begun[3], requests[SLOTS_MOST], refused;
	int32_t tokens[SLOTS_MOST];
};

/* The examples' results in the order in which they stand there. */
enum { RESULT_BEGUN, RESULT_TOKENS, RESULT_REQUESTS, RESULT_REFUSED, RESULT_COUNT };

struct fixture {
	struct graph *graph;
	struct plan *plan;
	struct driver *driver;
	struct error error;
};

static void open_fixture(struct fixture *fixture, const char *file, const struct graph_settings *settings, enum run_mode mode, int in_flight)
{
	struct mistakes mistakes = MISTAKES_INIT;
	struct plan_options plan_options = { .in_flight = in_flight };
	struct driver_options options = { .mode = mode, .executable = getenv("TANDEM"), .stall_limit_ns = -1 };
	struct strbuf why = STRBUF_INIT;
	char *path = tool_expand(file);
	*fixture = (struct fixture){ 0 };
	int status = graph_load(path, settings, &ops_builtin, &mistakes, &fixture->graph);
	mistakes_print(&mistakes, path, &why);
	cr_assert_eq(status, STATUS_OK, "%s", strbuf_text(&why));
	status = plan_compile(fixture->graph, &plan_options, &why, &fixture->error, &fixture->plan);
	cr_assert_eq(status, STATUS_OK, "%s: %s %s", file, fixture->error.text, strbuf_text(&why));
	status = driver_start(fixture->plan, &options, &fixture->error, &fixture->driver);
	cr_assert_eq(status, STATUS_OK, "%s: %s", file, fixture->error.text);
	cr_assert_eq(fixture->graph->nodes[GRAPH_OUTPUT].n_inputs, RESULT_COUNT, "%s: results", file);
	strbuf_finish(&why);
	mistakes_finish(&mistakes);
	free(path);
}

static void close_fixture(struct fixture *fixture)
{
	driver_stop(fixture->driver, NULL, NULL);
	plan_destroy(fixture->plan);
	graph_destroy(fixture->graph);
}

static void take(const struct tensor *results, struct outputs *ret_outputs)
{
	cr_assert_leq(results[RESULT_TOKENS].shape[0], SLOTS_MOST);
	memset(ret_outputs, 0xff, sizeof *ret_outputs);
	memcpy(ret_outputs->begun, results[RESULT_BEGUN].data, sizeof ret_outputs->begun);
	memcpy(ret_outputs->tokens, results[RESULT_TOKENS].data, tensor_bytes(&results[RESULT_TOKENS]));
	memcpy(ret_outputs->requests, results[RESULT_REQUESTS].data, tensor_bytes(&results[RESULT_REQUESTS]));
	memcpy(&ret_outputs->refused, results[RESULT_REFUSED].data, sizeof ret_outputs->refused);
}

/* -- one worker, two workers, both modes --------------------------------------------------------------------------------- */

static int32_t prompts[8 * PROMPT];

static void run(const char *file, const char *every, enum run_mode mode, int in_flight, struct outputs *outputs)
{
	struct graph_setting items[] = { { "WEIGHTS", "seeded:1" }, { "PROMPT", "12" }, { "EVERY", every } };
	struct graph_settings settings = { items, ARRAY_LEN(items) };
	int64_t shape[2] = { 8, PROMPT };
	struct fixture fixture;
	struct tensor input = tensor_make(DTYPE_I32, 2, shape, prompts);
	for (int i = 0; i < 8 * PROMPT; i++)
		prompts[i] = i * 37 % 2048;
	open_fixture(&fixture, file, &settings, mode, in_flight);
	for (int n_submitted = 0, n_done = 0; n_done < EXECUTIONS;) {
		int status = n_submitted < EXECUTIONS ? driver_submit(fixture.driver, &input, NULL, &fixture.error) : STATUS_AGAIN;
		const struct tensor *results;
		if (status == STATUS_OK) {
			n_submitted++;
			continue;
		}
		cr_assert_eq(status, STATUS_AGAIN, "%s: %s", file, fixture.error.text);
		status = driver_wait(fixture.driver, 30000000000, NULL, &results, &fixture.error);
		cr_assert_eq(status, STATUS_OK, "%s: %s", file, fixture.error.text);
		take(results, &outputs[n_done++]);
		driver_release(fixture.driver);
	}
	close_fixture(&fixture);
}

static const struct {
	const char *file;
	enum run_mode mode;
	int in_flight;
} layouts[] = {
	{ "@SRC@/examples/decoder/colocated.dot", RUN_MODE_COMPILED, 1 }, { "@SRC@/examples/decoder/colocated.dot", RUN_MODE_COMPILED, 5 },
	{ "@SRC@/examples/decoder/colocated.dot", RUN_MODE_INTERPRETED, 4 },
	{ "@SRC@/examples/decoder/disaggregated.dot", RUN_MODE_COMPILED, 3 },
	{ "@SRC@/examples/decoder/disaggregated.dot", RUN_MODE_COMPILED, 24 },
	{ "@SRC@/examples/decoder/disaggregated.dot", RUN_MODE_INTERPRETED, 1 },
	{ "@SRC@/examples/decoder/disaggregated.dot", RUN_MODE_INTERPRETED, 9 },
};

static const char *const everies[] = { "2", "16" }; /* the first: more requests than slots and places */

Test(decoder, layouts_and_modes_give_the_same_tokens, .timeout = 100)
{
	static struct outputs first[EXECUTIONS], other[EXECUTIONS];
	for (int e = 0; e < trials(ARRAY_LEN(everies)); e++) {
		run(layouts[0].file, everies[e], layouts[0].mode, layouts[0].in_flight, first);
		for (size_t i = 1; i < ARRAY_LEN(layouts); i++) {
			run(layouts[i].file, everies[e], layouts[i].mode, layouts[i].in_flight, other);
			for (int k = 0; k < EXECUTIONS; k++)
				cr_assert_eq(memcmp(&first[k], &other[k], sizeof first[k]), 0,
					"%s, mode %d, %d in flight, every %s: execution %d differs", layouts[i].file,
					(int)layouts[i].mode, layouts[i].in_flight, everies[e], k);
		}
	}
}

/* The tokens of one request; returns how many. */
static int collect(const struct outputs *outputs, int n, int64_t request, int32_t *tokens)
{
	int n_tokens = 0;
	for (int i = 0; i < n; i++) {
		if (outputs[i].begun[0] == request)
			tokens[n_tokens++] = (int32_t)outputs[i].begun[2];
		for (int slot = 0; slot < SLOTS_MOST; slot++) {
			if (outputs[i].requests[slot] == request)
				tokens[n_tokens++] = outputs[i].tokens[slot];
		}
		cr_assert_lt(n_tokens, NEW_MOST);
	}
	return n_tokens;
}

static void expect_plain(const struct plain_model *model, const int32_t *prompt, int length, const int32_t *tokens, int n, int64_t request)
{
	int32_t wanted[LENGTH_MOST + NEW_MOST];
	memcpy(wanted, prompt, (size_t)length * sizeof *wanted);
	double margin = plain_decoder_generate(model, wanted, length, n);
	cr_expect_gt(margin, 1e-6, "request %d: too near a tie to compare: %g", (int)request, margin);
	for (int i = 0; i < n; i++)
		cr_expect_eq(tokens[i], wanted[length + i], "request %d, token %d: %d, expected %d", (int)request, i, (int)tokens[i],
			(int)wanted[length + i]);
}

/* The prompt's end, and a request that came while another was under way. */
Test(decoder, tokens_are_those_of_the_plain_decoder, .timeout = 100)
{
	static const struct plain_model model = { "seeded:1", 4, 256, 4, 2, 704, 2048, false, 1e-5, 10000 };
	static const int n_expected[] = { EXECUTIONS + 1, EXECUTIONS - 15, EXECUTIONS - 31 };
	static struct outputs outputs[EXECUTIONS];
	run("@SRC@/examples/decoder/disaggregated.dot", "16", RUN_MODE_COMPILED, 6, outputs);
	for (int r = 0; r < 3; r++) {
		int32_t tokens[NEW_MOST];
		int n = collect(outputs, EXECUTIONS, r, tokens);
		cr_expect_eq(n, n_expected[r], "request %d: %d tokens, expected %d", r, n, n_expected[r]);
		expect_plain(&model, prompts + r * PROMPT, PROMPT, tokens, 4, r);
	}
}

/* -- a server ----------------------------------------------------------------------------------------------------------- */

/* An arrival every few executions; all prompts different, some of one token. */
static int arrive(int execution, int32_t *prompt)
{
	int length = execution % 7 == 0 || execution % 5 == 2 ? execution % LENGTH_MOST + 1 : 0;
	for (int i = 0; i < length; i++)
		prompt[i] = (execution * 101 + i * 17) % 1000;
	return length;
}

/* The plain decoder with the sizes that serve.dot takes for seeded weights; the end token is 2. */
static void check_requests(const struct outputs *outputs, int n_executions)
{
	static const struct plain_model model = { "seeded:7", 2, 128, 4, 4, 512, 1000, false, 1e-5, 10000 };
	int64_t request = 0;
	for (int i = 0; i < n_executions; i++) {
		int32_t prompt[LENGTH_MOST], tokens[NEW_MOST];
		int length = arrive(i, prompt);
		cr_expect_eq(outputs[i].begun[0], length ? request : -1, "execution %d: request %d, expected %d", i, (int)outputs[i].begun[0],
			(int)request);
		cr_expect_eq(outputs[i].begun[1], length, "execution %d: %d tokens, expected %d", i, (int)outputs[i].begun[1], length);
		if (!length)
			continue;
		int n = collect(outputs, n_executions, request, tokens);
		expect_plain(&model, prompt, length, tokens, n < 5 ? n : 5, request);
		request++;
	}
	cr_expect_gt(request, 10);
}

Test(decoder, a_server_gets_its_tokens, .timeout = 100)
{
	static struct outputs outputs[EXECUTIONS];
	struct graph_setting items[] = { { "WEIGHTS", "seeded:7" }, { "HEADS", "4" } };
	struct graph_settings settings = { items, ARRAY_LEN(items) };
	struct fixture fixture;
	open_fixture(&fixture, "@SRC@/examples/decoder/serve.dot", &settings, RUN_MODE_COMPILED, 2);
	for (int n_submitted = 0, n_done = 0; n_done < EXECUTIONS; n_done++) {
		for (; n_submitted < EXECUTIONS && n_submitted < n_done + 2; n_submitted++) {
			int32_t prompt[LENGTH_MOST] = { 0 }, length = arrive(n_submitted, prompt);
			int64_t ids_shape[2] = { 1, length ? length : 1 }, lens_shape[1] = { 1 };
			struct tensor inputs[2] = { tensor_make(DTYPE_I32, 2, ids_shape, prompt), tensor_make(DTYPE_I32, 1, lens_shape, &length) };
			int status = driver_submit(fixture.driver, inputs, NULL, &fixture.error);
			cr_assert_eq(status, STATUS_OK, "execution %d: %s", n_submitted, fixture.error.text);
		}
		const struct tensor *results;
		int status = driver_wait(fixture.driver, 30000000000, NULL, &results, &fixture.error);
		cr_assert_eq(status, STATUS_OK, "execution %d: %s", n_done, fixture.error.text);
		take(results, &outputs[n_done]);
		driver_release(fixture.driver);
	}
	close_fixture(&fixture);
	check_requests(outputs, EXECUTIONS);
}

/* -- the command line --------------------------------------------------------------------------------------------------- */

#define SETTINGS "--set WEIGHTS=seeded:1 --set PROMPT=16 --set EVERY=8"

static const struct {
	const char *line;
	int exit_status;
	const char *text;
} commands[] = {
	{ "run @SRC@/examples/decoder/colocated.dot " SETTINGS " -n 40 -o @TMP@/one.tandem", 0, "40 executions" },
	{ "run @SRC@/examples/decoder/disaggregated.dot " SETTINGS " -n 40 --in-flight 8 -o @TMP@/two.tandem", 0, "40 executions" },
	{ "run @SRC@/examples/decoder/disaggregated.dot " SETTINGS " -n 40 --mode both", 0, "decoder, interpreted: 40 executions" },
	{ "compare @TMP@/one.tandem @TMP@/two.tandem", 0, "is on another worker" },
	{ "check @SRC@/examples/decoder/serve.dot --set WEIGHTS=seeded:1 --set HEADS=8", 0, "cannot deadlock" },
	{ "check @SRC@/examples/decoder/serve.dot --set WEIGHTS=seeded:1 --set HEADS=7", 1,
		"heads=7 does not cut the hidden size of 128 into even parts" },
	{ "check @SRC@/examples/decoder/serve.dot --set WEIGHTS=@TMP@/none.safetensors --set HEADS=8", 1, "none.safetensors" },
};

Test(decoder, commands, .timeout = 100)
{
	tool_temporary();
	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		struct tool_result result = tool_run(commands[i].line);
		cr_expect_eq(result.exit_status, commands[i].exit_status, "tandem %s: exit status %d, stderr '%s'", commands[i].line,
			result.exit_status, result.err);
		cr_expect(strstr(result.out, commands[i].text) || strstr(result.err, commands[i].text), "tandem %s: '%s' and '%s' lack '%s'",
			commands[i].line, result.out, result.err, commands[i].text);
		tool_result_finish(&result);
	}
}
