/* SPDX-License-Identifier: Apache-2.0
 *
 * test_api_misuse: every wrong call gives an error that says what would be right, and changes nothing: the run goes on after each.
 */
#include "engine/api/tandem.h"

#include <criterion/criterion.h>
#include <string.h>

struct fixture {
	struct tandem *tandem;
	struct tandem_graph *graph, *open;
	struct tandem_run *run, *stopped;
	struct tandem_error error;
	float x[4];
	struct tandem_tensor input;
	struct tandem_result result;
};

static const char text[] = "digraph g { input [tensors=\"x:f32[N<=4]\"]; subgraph cluster_0 { worker=w0; a [op=copy]; } input -> a -> output; }";

static void open_fixture(struct fixture *fixture, int mode)
{
	struct tandem_run_options options = { .bytes = sizeof options, .mode = mode, .stall_limit_ns = -1 };
	*fixture = (struct fixture){ 0 };
	fixture->tandem = tandem_init(NULL, NULL, NULL, &fixture->error);
	cr_assert(fixture->tandem, "%s", fixture->error.text);
	cr_assert_eq(tandem_graph_parse(fixture->tandem, "g", text, NULL, &fixture->error, &fixture->graph), TANDEM_OK, "%s", fixture->error.text);
	cr_assert_eq(tandem_graph_compile(fixture->graph, NULL, &fixture->error), TANDEM_OK, "%s", fixture->error.text);
	cr_assert_eq(tandem_run_start(fixture->graph, &options, &fixture->error, &fixture->stopped), TANDEM_OK, "%s", fixture->error.text);
	cr_assert_eq(tandem_run_stop(fixture->stopped, NULL, &fixture->error), TANDEM_OK, "%s", fixture->error.text);
	cr_assert_eq(tandem_run_start(fixture->graph, &options, &fixture->error, &fixture->run), TANDEM_OK, "%s", fixture->error.text);
	fixture->open = tandem_graph_create(fixture->tandem, "open");
	fixture->input = tandem_tensor_make(TANDEM_F32, 1, (int64_t[]){ 4 }, fixture->x);
}

/* Each makes one wrong call and returns what it returned. */
static int submit_null_run(struct fixture *f)
{
	return tandem_submit(NULL, &f->input, NULL, &f->error);
}

static int submit_stopped_run(struct fixture *f)
{
	return tandem_submit(f->stopped, &f->input, NULL, &f->error);
}

static int submit_graph(struct fixture *f)
{
	return tandem_submit((struct tandem_run *)f->graph, &f->input, NULL, &f->error);
}

static int submit_null_inputs(struct fixture *f)
{
	return tandem_submit(f->run, NULL, NULL, &f->error);
}

static int submit_null_data(struct fixture *f)
{
	f->input.data = NULL;
	return tandem_submit(f->run, &f->input, NULL, &f->error);
}

static int submit_dtype(struct fixture *f)
{
	f->input.dtype = TANDEM_I32;
	return tandem_submit(f->run, &f->input, NULL, &f->error);
}

static int submit_no_dtype(struct fixture *f)
{
	f->input.dtype = 77;
	return tandem_submit(f->run, &f->input, NULL, &f->error);
}

static int submit_dims(struct fixture *f)
{
	f->input.n_dims = 9;
	return tandem_submit(f->run, &f->input, NULL, &f->error);
}

static int submit_bound(struct fixture *f)
{
	f->input.shape[0] = 5;
	return tandem_submit(f->run, &f->input, NULL, &f->error);
}

static int submit_negative(struct fixture *f)
{
	f->input.shape[0] = -1;
	return tandem_submit(f->run, &f->input, NULL, &f->error);
}

static int submit_strided(struct fixture *f)
{
	f->input.strides[0] = 2;
	return tandem_submit(f->run, &f->input, NULL, &f->error);
}

static int wait_for_nothing(struct fixture *f)
{
	return tandem_wait(f->run, TANDEM_FOREVER, &f->result, &f->error);
}

static int wait_output_for_nothing(struct fixture *f)
{
	const struct tandem_tensor *output;
	return tandem_wait_output(f->run, 0, TANDEM_FOREVER, &output, &f->error);
}

static int wait_output_99(struct fixture *f)
{
	const struct tandem_tensor *output;
	return tandem_wait_output(f->run, 99, TANDEM_FOREVER, &output, &f->error);
}

static int wait_negative(struct fixture *f)
{
	return tandem_wait(f->run, -5, &f->result, &f->error);
}

static int wait_null(struct fixture *f)
{
	return tandem_wait(f->run, 0, NULL, &f->error);
}

static int wait_unreleased(struct fixture *f)
{
	cr_assert_eq(tandem_submit(f->run, &f->input, NULL, &f->error), TANDEM_OK, "%s", f->error.text);
	cr_assert_eq(tandem_wait(f->run, TANDEM_FOREVER, &f->result, &f->error), TANDEM_OK, "%s", f->error.text);
	int status = tandem_wait(f->run, 0, &f->result, &f->error);
	cr_expect_eq(tandem_release(f->run, f->result.execution, NULL), TANDEM_OK);
	return status;
}

static int release_nothing(struct fixture *f)
{
	return tandem_release(f->run, 0, &f->error);
}

static int release_twice(struct fixture *f)
{
	wait_unreleased(f);
	return tandem_release(f->run, f->result.execution, &f->error);
}

static int release_another(struct fixture *f)
{
	cr_assert_eq(tandem_submit(f->run, &f->input, NULL, &f->error), TANDEM_OK, "%s", f->error.text);
	cr_assert_eq(tandem_wait(f->run, TANDEM_FOREVER, &f->result, &f->error), TANDEM_OK, "%s", f->error.text);
	int status = tandem_release(f->run, f->result.execution + 1, &f->error);
	cr_expect_eq(tandem_release(f->run, f->result.execution, NULL), TANDEM_OK);
	return status;
}

static int cancel_future(struct fixture *f)
{
	return tandem_cancel(f->run, 1000, &f->error);
}

static int stop_twice(struct fixture *f)
{
	return tandem_run_stop(f->stopped, NULL, &f->error);
}

static int poll_stopped(struct fixture *f)
{
	return tandem_poll_fd(f->stopped, &f->error) == -1 ? f->error.status : TANDEM_OK;
}

static int take_over_stopped(struct fixture *f)
{
	return tandem_run_take_over(f->stopped, &f->error);
}

static int save_unrecorded(struct fixture *f)
{
	return tandem_save(f->run, "why", &f->error);
}

static int compile_twice(struct fixture *f)
{
	return tandem_graph_compile(f->graph, NULL, &f->error);
}

static int change_compiled(struct fixture *f)
{
	bool is_changed = tandem_graph_worker(f->graph, "w9", NULL) >= 0 || tandem_graph_set(f->graph, 2, "depth", "1") >= 0
		|| tandem_graph_node(f->graph, 1, "n", "copy") >= 0 || tandem_graph_connect(f->graph, 2, NULL, 1, NULL) >= 0;
	return is_changed ? TANDEM_OK : tandem_graph_compile(f->graph, NULL, &f->error);
}

static int start_uncompiled(struct fixture *f)
{
	struct tandem_run *run;
	return tandem_run_start(f->open, NULL, &f->error, &run);
}

static int start_into_null(struct fixture *f)
{
	return tandem_run_start(f->graph, NULL, &f->error, NULL);
}

static int start_with(struct fixture *f, struct tandem_run_options options)
{
	struct tandem_run *run;
	return tandem_run_start(f->graph, &options, &f->error, &run);
}

static int start_without_bytes(struct fixture *f)
{
	return start_with(f, (struct tandem_run_options){ .mode = TANDEM_COMPILED });
}

static int start_with_newer(struct fixture *f)
{
	struct {
		struct tandem_run_options options;
		int more;
	} newer = { { .bytes = sizeof newer }, 1 };
	struct tandem_run *run;
	return tandem_run_start(f->graph, &newer.options, &f->error, &run);
}

static int start_mode(struct fixture *f)
{
	return start_with(f, (struct tandem_run_options){ .bytes = sizeof(struct tandem_run_options), .mode = 5 });
}

static int start_timeout(struct fixture *f)
{
	return start_with(f, (struct tandem_run_options){ .bytes = sizeof(struct tandem_run_options), .timeout_ns = -1 });
}

static int start_record(struct fixture *f)
{
	return start_with(f, (struct tandem_run_options){ .bytes = sizeof(struct tandem_run_options), .record = "all" });
}

static int compile_in_flight(struct fixture *f)
{
	struct tandem_compile_options options = { .bytes = sizeof options, .in_flight = -2 };
	return tandem_graph_compile(f->open, &options, &f->error);
}

static int compile_bytes(struct fixture *f)
{
	struct tandem_compile_options options = { .bytes = 1 };
	return tandem_graph_compile(f->open, &options, &f->error);
}

static int parse_null(struct fixture *f)
{
	struct tandem_graph *graph;
	return tandem_graph_parse(f->tandem, "g", NULL, NULL, &f->error, &graph);
}

static int parse_setting(struct fixture *f)
{
	const char *const settings[] = { "NOTHING", NULL };
	struct tandem_graph *graph;
	return tandem_graph_parse(f->tandem, "g", text, settings, &f->error, &graph);
}

static int load_null_module(struct fixture *f)
{
	return tandem_load_module(f->tandem, NULL, &f->error);
}

static int ops_without_arguments(struct fixture *f)
{
	static const struct tandem_op op = { .abi = TANDEM_OP_ABI };
	static const struct tandem_op *const ops[] = { &op, NULL };
	return tandem_init(NULL, NULL, ops, &f->error) ? TANDEM_OK : f->error.status;
}

static const struct {
	const char *name;
	int (*call)(struct fixture *fixture);
	int status;
	const char *expected; /* in the text */
} cases[] = {
	{ "submit, NULL run", submit_null_run, TANDEM_USAGE, "is NULL" },
	{ "submit, stopped run", submit_stopped_run, TANDEM_USAGE, "tandem_run_stop was called" },
	{ "submit, a graph as run", submit_graph, TANDEM_USAGE, "no struct tandem_run" },
	{ "submit, NULL inputs", submit_null_inputs, TANDEM_USAGE, "declares 1" },
	{ "submit, NULL data", submit_null_data, TANDEM_INPUT, "data are NULL" },
	{ "submit, another dtype", submit_dtype, TANDEM_INPUT, "dtype differs" },
	{ "submit, no dtype", submit_no_dtype, TANDEM_INPUT, "dtype is none" },
	{ "submit, dimensions", submit_dims, TANDEM_INPUT, "from 0 to 6" },
	{ "submit, over the bound", submit_bound, TANDEM_INPUT, "over its bound" },
	{ "submit, negative", submit_negative, TANDEM_INPUT, "negative" },
	{ "submit, strided", submit_strided, TANDEM_INPUT, "not contiguous" },
	{ "wait, nothing in flight", wait_for_nothing, TANDEM_USAGE, "submit first" },
	{ "wait_output, nothing in flight", wait_output_for_nothing, TANDEM_USAGE, "submit first" },
	{ "wait_output, no such result", wait_output_99, TANDEM_USAGE, "no result 99" },
	{ "wait, negative time", wait_negative, TANDEM_USAGE, "TANDEM_FOREVER" },
	{ "wait, NULL result", wait_null, TANDEM_USAGE, "NULL" },
	{ "wait, unreleased", wait_unreleased, TANDEM_USAGE, "must be released" },
	{ "release, nothing taken", release_nothing, TANDEM_USAGE, "none is taken" },
	{ "release, twice", release_twice, TANDEM_USAGE, "once" },
	{ "release, another", release_another, TANDEM_USAGE, "taken is" },
	{ "cancel, not submitted", cancel_future, TANDEM_USAGE, "not submitted" },
	{ "stop, twice", stop_twice, TANDEM_USAGE, "gone" },
	{ "poll_fd, stopped run", poll_stopped, TANDEM_USAGE, "gone" },
	{ "take_over, stopped run", take_over_stopped, TANDEM_USAGE, "gone" },
	{ "save, not recorded", save_unrecorded, TANDEM_USAGE, "last" },
	{ "compile, twice", compile_twice, TANDEM_USAGE, "once" },
	{ "change, compiled", change_compiled, TANDEM_USAGE, "once" },
	{ "start, not compiled", start_uncompiled, TANDEM_USAGE, "tandem_graph_compile first" },
	{ "start, NULL", start_into_null, TANDEM_USAGE, "ret_run" },
	{ "start, bytes", start_without_bytes, TANDEM_USAGE, "sizeof(struct tandem_run_options)" },
	{ "start, newer options", start_with_newer, TANDEM_UNSUPPORTED, "does not know" },
	{ "start, mode", start_mode, TANDEM_USAGE, "mode is 5" },
	{ "start, timeout", start_timeout, TANDEM_USAGE, "timeout_ns" },
	{ "start, record without file", start_record, TANDEM_USAGE, "trace_file" },
	{ "compile, in flight", compile_in_flight, TANDEM_USAGE, "in_flight is -2" },
	{ "compile, bytes", compile_bytes, TANDEM_USAGE, "sizeof(struct tandem_compile_options)" },
	{ "parse, NULL", parse_null, TANDEM_USAGE, "NULL" },
	{ "parse, setting", parse_setting, TANDEM_USAGE, "NAME=VALUE" },
	{ "load_module, NULL", load_null_module, TANDEM_USAGE, "NULL" },
	{ "init, ops without argv", ops_without_arguments, TANDEM_USAGE, "argc and argv" },
};

/* Nothing has happened: a right execution still works. */
static void check_unharmed(struct fixture *f, const char *name)
{
	f->input = tandem_tensor_make(TANDEM_F32, 1, (int64_t[]){ 4 }, f->x);
	f->x[2] = 7;
	cr_assert_eq(tandem_submit(f->run, &f->input, NULL, &f->error), TANDEM_OK, "%s: %s", name, f->error.text);
	cr_assert_eq(tandem_wait(f->run, TANDEM_FOREVER, &f->result, &f->error), TANDEM_OK, "%s: %s", name, f->error.text);
	cr_expect_eq(((const float *)f->result.outputs[0].data)[2], 7.0f, "%s: %g", name, ((const float *)f->result.outputs[0].data)[2]);
	cr_assert_eq(tandem_release(f->run, f->result.execution, &f->error), TANDEM_OK, "%s: %s", name, f->error.text);
}

static void check_all(int mode)
{
	struct fixture fixture;
	open_fixture(&fixture, mode);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		memset(&fixture.error, 0, sizeof fixture.error);
		int status = cases[i].call(&fixture);
		cr_expect_eq(status, cases[i].status, "%s: status %d, expected %d (%s)", cases[i].name, status, cases[i].status, fixture.error.text);
		cr_expect(strstr(fixture.error.text, cases[i].expected), "%s: '%s' lacks '%s'", cases[i].name, fixture.error.text, cases[i].expected);
		check_unharmed(&fixture, cases[i].name);
	}
	cr_expect_eq(tandem_run_stop(fixture.run, NULL, &fixture.error), TANDEM_OK, "%s", fixture.error.text);
	tandem_graph_destroy(fixture.open);
	tandem_finish(fixture.tandem);
	cr_expect_eq(tandem_load_module(fixture.tandem, "x", &fixture.error), TANDEM_USAGE, "the context is finished: %s", fixture.error.text);
	cr_expect_null(tandem_graph_create(fixture.tandem, "g"));
	tandem_graph_destroy(fixture.graph);
}

Test(api_misuse, compiled, .timeout = 60)
{
	check_all(TANDEM_COMPILED);
}

Test(api_misuse, interpreted, .timeout = 60)
{
	check_all(TANDEM_INTERPRETED);
}

Test(api_misuse, null_is_accepted_where_it_says_so)
{
	tandem_finish(NULL);
	tandem_graph_destroy(NULL);
	tandem_interrupt(NULL);
	cr_expect_str_eq(tandem_graph_mistakes(NULL), "");
	cr_expect_eq(tandem_in_flight(NULL), 0);
	cr_expect_eq(tandem_submit(NULL, NULL, NULL, NULL), TANDEM_USAGE, "without an error to fill");
	cr_expect_null(tandem_graph_create(NULL, "g"));
}
