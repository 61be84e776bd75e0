/* SPDX-License-Identifier: Apache-2.0
 *
 * test_gate: gates in real runs, both modes: where processes stop, what can be seen and changed there, what lets them go, what is left behind when
 * something goes wrong.
 */
#include "engine/run/gate.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/graph/graph_dot.h"
#include "engine/graph/plan_check.h"
#include "engine/ops/ops.h"
#include "engine/run/driver_private.h"

#define WAIT_NS INT64_C(10000000000) /* guards against hanging */
#define HISTORY_BYTES 8192           /* of one process */

#define W0 "subgraph cluster_0 { worker=w0; device=\"cpu:0\"; "
#define W1 "subgraph cluster_1 { worker=w1; device=\"cpu:1\"; "

/* y = x + 2 over a, b and a node in place on w0, and one that forwards on w1. */
static const char chain_text[] = "digraph g { input [tensors=\"x:f32[N<=64]\"]; " W0 "a [op=copy]; b [op=touch]; } " W1
	"c [op=identity]; d [op=touch]; } input -> a -> b -> c -> d -> output; }";

struct fixture {
	struct graph *graph;
	struct plan *plan;
	struct driver *driver;
	struct error error;
	pthread_t caller;
	uint64_t n_executions, n_good;
	float results[16]; /* first element of each */
	int status;        /* of the call that ended the loop */
};

static void open_graph(struct fixture *fixture, const char *text)
{
	struct mistakes mistakes = MISTAKES_INIT;
	struct graph_settings settings = { 0 };
	struct plan_options plan_options = { .in_flight = 2 };
	struct strbuf why = STRBUF_INIT;
	*fixture = (struct fixture){ .n_executions = 4 };
	int status = graph_dot_parse("gate.dot", text, &settings, &mistakes, &fixture->graph);
	if (status == STATUS_OK)
		status = graph_resolve(fixture->graph, &ops_builtin, &mistakes);
	mistakes_print(&mistakes, "gate.dot", &why);
	cr_assert_eq(status, STATUS_OK, "%s", strbuf_text(&why));
	status = plan_compile(fixture->graph, &plan_options, &why, &fixture->error, &fixture->plan);
	cr_assert_eq(status, STATUS_OK, "%s %s", fixture->error.text, strbuf_text(&why));
	strbuf_finish(&why);
	mistakes_finish(&mistakes);
}

static void start(struct fixture *fixture, struct driver_options options)
{
	options.executable = getenv("TANDEM");
	if (!options.stall_limit_ns)
		options.stall_limit_ns = -1;
	if (!options.history_bytes)
		options.history_bytes = 3 * HISTORY_BYTES;
	cr_assert_eq(driver_start(fixture->plan, &options, &fixture->error, &fixture->driver), STATUS_OK, "%s", fixture->error.text);
}

static void close_fixture(struct fixture *fixture)
{
	if (fixture->driver)
		driver_stop(fixture->driver, NULL, NULL);
	plan_destroy(fixture->plan);
	graph_destroy(fixture->graph);
}

/* The caller of the driver: executions one after the other, x = (k, 1, 2, 3). */
static void *call(void *argument)
{
	struct fixture *fixture = argument;
	int status = STATUS_OK;
	for (uint64_t k = 0; k < fixture->n_executions; k++) {
		float x[4] = { (float)k, 1, 2, 3 };
		int64_t shape[1] = { 4 };
		struct tensor input = tensor_make(DTYPE_F32, 1, shape, x);
		const struct tensor *outputs;
		status = driver_submit(fixture->driver, &input, NULL, &fixture->error);
		if (status == STATUS_OK)
			status = driver_wait(fixture->driver, 0, NULL, &outputs, &fixture->error);
		if (status == STATUS_STOPPED || status == STATUS_WORKER_DIED || status == STATUS_PROTOCOL)
			break;
		fixture->results[k % 16] = status == STATUS_OK ? *(const float *)outputs[0].data : NAN;
		fixture->n_good += status == STATUS_OK;
		driver_release(fixture->driver);
	}
	fixture->status = status;
	return NULL;
}

static struct gates *gates_of(const struct fixture *fixture)
{
	return &fixture->driver->gates;
}

static void turn_on(struct fixture *fixture)
{
	atomic_fetch_or(&fixture->driver->control.header->attention, CONTROL_ATTENTION_GATES);
}

static void start_calling(struct fixture *fixture)
{
	pthread_create(&fixture->caller, NULL, call, fixture);
}

static uint32_t node_named(const struct fixture *fixture, const char *name)
{
	const struct program *program = &fixture->driver->program;
	for (uint32_t i = 0; i < program->header->n_nodes; i++) {
		if (strcmp(program_string(program, program->nodes[i].name), name) == 0)
			return i;
	}
	cr_assert_fail("no node '%s'", name);
	return PROGRAM_NONE;
}

/* Waits until `worker` stands at a gate that it did not stand at before. */
static bool wait_for_stop(struct gates *gates, const struct program *program, uint32_t worker, uint32_t n_seen, struct gate_stop *ret_stop)
{
	int64_t end = clock_now().ns + WAIT_NS;
	uint32_t n_stops = 0;
	while (clock_now().ns < end) {
		uint32_t seen = atomic_load(&gates->header->events);
		if (gate_read_stop(gates, program, worker, ret_stop, &n_stops) && n_stops > n_seen)
			return true;
		gates_wait(gates, seen, 1000000);
	}
	return false;
}

static struct gate_stop expect_stop(struct fixture *fixture, uint32_t worker, uint32_t n_seen, const char *node, enum gate_place place,
	uint64_t execution)
{
	struct gate_stop stop = { 0 };
	cr_assert(wait_for_stop(gates_of(fixture), &fixture->driver->program, worker, n_seen, &stop), "worker %u does not stop at %s", worker,
		node);
	cr_assert_str_eq(program_string(&fixture->driver->program, fixture->driver->program.nodes[stop.node].name), node);
	cr_assert_eq(stop.place, place, "%u, expected %u", stop.place, place);
	cr_assert_eq(stop.execution, execution, "%d, expected %d", (int)stop.execution, (int)execution);
	return stop;
}

static float *data_of(struct fixture *fixture, const struct gate_stop *stop, uint32_t idx)
{
	cr_assert_lt(idx, stop->n_inputs + stop->n_outputs);
	cr_assert_neq(stop->tensors[idx].offset, GATE_NOWHERE, "tensor %u is nowhere", idx);
	return (float *)(gates_of(fixture)->slots + stop->tensors[idx].offset);
}

static uint32_t n_stops_of(const struct fixture *fixture, uint32_t worker)
{
	return atomic_load(&gate_worker(gates_of(fixture), worker)->n_stops);
}

static void finish_calling(struct fixture *fixture)
{
	gates_release(gates_of(fixture), &fixture->driver->control);
	pthread_join(fixture->caller, NULL);
}

#define FOR_MODES(mode) for (enum run_mode mode = 0; mode < RUN_MODE_COUNT; mode++)

/* -- stopping --------------------------------------------------------------------------------------------------------- */

Test(gate, stops_at_every_place_and_shows_its_tensors, .timeout = 60)
{
	static const struct {
		const char *node;
		uint32_t worker;
		bool has_before, has_after;
		int n_inputs, n_outputs;
		float first_in, first_out; /* of execution 0 */
	} cases[] = {
		{ "input", 0, false, true, 0, 1, 0, 0 },
		{ "a", 1, true, true, 1, 1, 0, 0 },
		{ "b", 1, true, true, 1, 1, 0, 1 },
		{ "c", 2, true, true, 1, 1, 1, 1 },
		{ "d", 2, true, true, 1, 1, 1, 2 },
		{ "output", 0, true, false, 1, 0, 2, 0 },
	};
	FOR_MODES(mode) {
		struct fixture fixture;
		open_graph(&fixture, chain_text);
		start(&fixture, (struct driver_options){ .mode = mode });
		for (size_t i = 0; i < ARRAY_LEN(cases); i++)
			atomic_store(&gates_of(&fixture)->flags[node_named(&fixture, cases[i].node)], GATE_STOP_BEFORE | GATE_STOP_AFTER);
		turn_on(&fixture);
		start_calling(&fixture);
		uint32_t n_seen[3] = { 0 };
		for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
			for (enum gate_place place = 0; place < GATE_PLACES; place++) {
				if (place == GATE_BEFORE ? !cases[i].has_before : !cases[i].has_after)
					continue;
				uint32_t w = cases[i].worker;
				struct gate_stop stop = expect_stop(&fixture, w, n_seen[w]++, cases[i].node, place, 0);
				cr_expect_eq(stop.n_inputs, cases[i].n_inputs, "%s: %u inputs", cases[i].node, stop.n_inputs);
				cr_expect_eq(stop.n_outputs, cases[i].n_outputs, "%s: %u outputs", cases[i].node, stop.n_outputs);
				if (stop.n_inputs && (place == GATE_BEFORE || strcmp(cases[i].node, "b")))
					cr_expect(place == GATE_AFTER || *data_of(&fixture, &stop, 0) == cases[i].first_in, "%s: input %g, "
						"expected %g", cases[i].node, *data_of(&fixture, &stop, 0), cases[i].first_in);
				if (stop.n_outputs && place == GATE_AFTER)
					cr_expect_eq(*data_of(&fixture, &stop, stop.n_inputs), cases[i].first_out, "%s: output %g, expected %g",
						cases[i].node, *data_of(&fixture, &stop, stop.n_inputs), cases[i].first_out);
				for (uint32_t k = 0; k < stop.n_inputs + stop.n_outputs; k++)
					cr_expect(stop.tensors[k].dtype == DTYPE_F32 && stop.tensors[k].n_dims == 1 && stop.tensors[k].dims[0] == 4
						&& stop.tensors[k].bytes == 16, "%s: tensor %u", cases[i].node, k);
				gate_let_go(gates_of(&fixture), w);
			}
		}
		finish_calling(&fixture);
		cr_expect_eq(fixture.n_good, 4, "%d good executions", (int)fixture.n_good);
		cr_expect_eq(fixture.results[3], 5, "%g", fixture.results[3]);
		close_fixture(&fixture);
	}
}

Test(gate, an_output_that_is_overwritten_counts, .timeout = 60)
{
	static const struct {
		const char *node;
		uint32_t worker;
		float result; /* when 100 is written */
	} cases[] = { { "input", 0, 102 }, { "a", 1, 102 }, { "b", 1, 101 }, { "c", 2, 101 }, { "d", 2, 100 } };
	FOR_MODES(mode) {
		for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
			struct fixture fixture;
			open_graph(&fixture, chain_text);
			start(&fixture, (struct driver_options){ .mode = mode });
			atomic_store(&gates_of(&fixture)->flags[node_named(&fixture, cases[i].node)], GATE_STOP_AFTER);
			atomic_store(&gates_of(&fixture)->header->from_execution, 1);
			turn_on(&fixture);
			start_calling(&fixture);
			struct gate_stop stop = expect_stop(&fixture, cases[i].worker, 0, cases[i].node, GATE_AFTER, 1);
			*data_of(&fixture, &stop, stop.n_inputs) = 100;
			finish_calling(&fixture);
			cr_expect_eq(fixture.results[0], 2, "%s: %g", cases[i].node, fixture.results[0]);
			cr_expect_eq(fixture.results[1], cases[i].result, "%s: %g, expected %g", cases[i].node, fixture.results[1],
				cases[i].result);
			cr_expect_eq(fixture.results[2], 4, "%s: %g", cases[i].node, fixture.results[2]);
			close_fixture(&fixture);
		}
	}
}

Test(gate, steps_go_gate_by_gate_or_node_by_node, .timeout = 60)
{
	static const struct {
		enum gate_steps steps;
		const char *nodes[5];
		enum gate_place places[5];
	} cases[] = {
		{ GATE_STEPS_NODES, { "a", "b", "a", "b" }, { GATE_BEFORE, GATE_BEFORE, GATE_BEFORE, GATE_BEFORE } },
		{ GATE_STEPS_PLACES, { "a", "a", "b", "b" }, { GATE_BEFORE, GATE_AFTER, GATE_BEFORE, GATE_AFTER } },
	};
	FOR_MODES(mode) {
		for (size_t c = 0; c < ARRAY_LEN(cases); c++) {
			struct fixture fixture;
			open_graph(&fixture, chain_text);
			start(&fixture, (struct driver_options){ .mode = mode });
			atomic_store(&gate_worker(gates_of(&fixture), 1)->steps, cases[c].steps);
			turn_on(&fixture);
			start_calling(&fixture);
			for (uint32_t i = 0; cases[c].nodes[i]; i++) {
				uint64_t execution = cases[c].steps == GATE_STEPS_NODES ? i / 2 : 0;
				expect_stop(&fixture, 1, i, cases[c].nodes[i], cases[c].places[i], execution);
				usleep(2000);
				cr_expect_eq(n_stops_of(&fixture, 1), i + 1, "%u stops after %u", n_stops_of(&fixture, 1), i + 1);
				gate_let_go(gates_of(&fixture), 1);
			}
			finish_calling(&fixture);
			cr_expect_eq(fixture.n_good, 4);
			close_fixture(&fixture);
		}
	}
}

Test(gate, waits_for_a_debugger_from_the_first_gate_on, .timeout = 60)
{
	FOR_MODES(mode) {
		struct fixture fixture;
		open_graph(&fixture, chain_text);
		start(&fixture, (struct driver_options){ .mode = mode, .waits_for_debugger = true });
		cr_expect_eq(atomic_load(&gates_of(&fixture)->header->is_ready), 1);
		start_calling(&fixture);
		expect_stop(&fixture, 0, 0, "input", GATE_AFTER, 0);
		cr_expect(gates_are_held(gates_of(&fixture)));
		gate_let_go(gates_of(&fixture), 0);
		expect_stop(&fixture, 1, 0, "a", GATE_BEFORE, 0);
		finish_calling(&fixture);
		cr_expect_eq(fixture.n_good, 4);
		cr_expect_not(gates_are_held(gates_of(&fixture)));
		close_fixture(&fixture);
	}
}

/* -- failures --------------------------------------------------------------------------------------------------------- */

static const char fail_text[] = "digraph g { input [tensors=\"x:f32[N<=64]\"]; " W0 "a [op=copy]; f [op=fail, at=2]; } " W1
	"c [op=touch]; } input -> a -> f -> c -> output; }";

Test(gate, stops_where_an_op_failed_and_nowhere_else, .timeout = 60)
{
	FOR_MODES(mode) {
		struct fixture fixture;
		open_graph(&fixture, fail_text);
		start(&fixture, (struct driver_options){ .mode = mode });
		for (uint32_t i = 0; i < fixture.driver->program.header->n_nodes; i++)
			atomic_store(&gates_of(&fixture)->flags[i], GATE_STOP_FAILED);
		turn_on(&fixture);
		start_calling(&fixture);
		struct gate_stop stop = expect_stop(&fixture, 1, 0, "f", GATE_AFTER, 2);
		cr_expect(stop.failure && stop.is_own_failure, "failure %u, own %u", stop.failure, stop.is_own_failure);
		cr_expect_eq(stop.n_outputs, 0, "%u outputs", stop.n_outputs);
		cr_expect_eq(*data_of(&fixture, &stop, 0), 2);
		gate_let_go(gates_of(&fixture), 1);
		pthread_join(fixture.caller, NULL);
		cr_expect_eq(fixture.n_good, 3, "%d", (int)fixture.n_good);
		for (uint32_t w = 0; w < 3; w++)
			cr_expect_eq(n_stops_of(&fixture, w), w == 1, "worker %u stopped %u times", w, n_stops_of(&fixture, w));
		close_fixture(&fixture);
	}
}

Test(gate, the_first_failure_freezes_the_run, .timeout = 60)
{
	FOR_MODES(mode) {
		struct fixture fixture;
		open_graph(&fixture, fail_text);
		start(&fixture, (struct driver_options){ .mode = mode });
		call(&fixture);
		struct gates *gates = gates_of(&fixture);
		const struct gate_frozen *frozen = &gates->header->frozen;
		cr_assert_eq(atomic_load(&frozen->state), 2);
		cr_expect_eq(frozen->reason, GATE_FREEZE_ERROR);
		cr_expect_eq(frozen->worker, 1);
		cr_expect_eq(frozen->node, node_named(&fixture, "f"));
		cr_expect_eq(frozen->execution, 2);
		cr_expect_neq(frozen->text[0], '\0');
		const struct control_header *copy = (const struct control_header *)gates->frozen_control;
		cr_expect_eq(copy->magic, CONTROL_MAGIC);
		cr_expect_not(gates_freeze(gates, &fixture.driver->control, GATE_FREEZE_ASKED, 0, 0, 0, "again"));
		cr_expect_eq(frozen->reason, GATE_FREEZE_ERROR);
		/* its input, as output of the node that made it */
		uint64_t position = 0;
		struct gate_entry entry;
		const void *data;
		cr_assert(gate_history_next(gates, 1, &position, &entry, &data));
		cr_expect_eq(entry.node, node_named(&fixture, "a"));
		cr_expect_eq(entry.execution, 2);
		cr_assert_not_null(data);
		cr_expect_eq(*(const float *)data, 2);
		cr_expect_not(gate_history_next(gates, 1, &position, &entry, &data));
		close_fixture(&fixture);
	}
}

Test(gate, stops_at_an_unsound_output, .timeout = 60)
{
	/* x is 0, 1, …: minus infinity, then sound, by log; made unsound by the scale instead */
	static const char text[] = "digraph g { input [tensors=\"x:f32[N<=64]\"]; " W0 "a [op=scale, factor=\"3e38\"]; b [op=scale, factor=2]; } "
		"input -> a -> b -> output; }";
	FOR_MODES(mode) {
		struct fixture fixture;
		open_graph(&fixture, text);
		start(&fixture, (struct driver_options){ .mode = mode });
		for (uint32_t i = 0; i < fixture.driver->program.header->n_nodes; i++)
			atomic_store(&gates_of(&fixture)->flags[i], GATE_STOP_UNSOUND);
		turn_on(&fixture);
		start_calling(&fixture);
		struct gate_stop stop = expect_stop(&fixture, 1, 0, "a", GATE_AFTER, 0); /* 2 · 3e38 */
		cr_expect(isinf(data_of(&fixture, &stop, stop.n_inputs)[2]));
		atomic_store(&gates_of(&fixture)->flags[stop.node], 0);
		gate_let_go(gates_of(&fixture), 1);
		expect_stop(&fixture, 1, 1, "b", GATE_AFTER, 0);
		finish_calling(&fixture);
		close_fixture(&fixture);
	}
}

/* -- the end, and debuggers that go away ------------------------------------------------------------------------------ */

Test(gate, a_run_ends_while_everybody_stands_at_a_gate, .timeout = 60)
{
	FOR_MODES(mode) {
		struct fixture fixture;
		struct driver_summary summary;
		open_graph(&fixture, chain_text);
		start(&fixture, (struct driver_options){ .mode = mode, .waits_for_debugger = true });
		start_calling(&fixture);
		expect_stop(&fixture, 0, 0, "input", GATE_AFTER, 0);
		gate_let_go(gates_of(&fixture), 0);
		expect_stop(&fixture, 1, 0, "a", GATE_BEFORE, 0);
		driver_interrupt(fixture.driver);
		pthread_join(fixture.caller, NULL);
		cr_expect_eq(fixture.status, STATUS_STOPPED, "%d", fixture.status);
		cr_expect_eq(driver_stop(fixture.driver, &summary, NULL), STATUS_OK);
		cr_expect_eq(summary.n_killed_workers, 0, "%d killed", summary.n_killed_workers);
		fixture.driver = NULL;
		close_fixture(&fixture);
	}
}

/* A debugger in a process of its own, which takes the lock and dies. */
static void lose_a_debugger(struct fixture *fixture, enum gate_loss loss)
{
	struct gates_header *header = gates_of(fixture)->header;
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)getpid(), fixture->driver->gates_fd);
	atomic_store(&header->on_loss, loss);
	pid_t pid = fork();
	if (pid == 0) {
		struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
		int fd = open(path, O_RDWR | O_CLOEXEC);
		if (fd < 0 || fcntl(fd, F_OFD_SETLK, &lock) < 0)
			_exit(1);
		atomic_store(&header->debugger_pid, getpid());
		atomic_store(&header->is_attached, 1);
		pause();
		_exit(1);
	}
	for (int i = 0; i < 10000 && !atomic_load(&header->is_attached); i++)
		usleep(1000);
	cr_assert_eq(atomic_load(&header->is_attached), 1);
	usleep(250000); /* it is looked for meanwhile, and is there */
	cr_assert_eq(atomic_load(&header->is_attached), 1);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static char last_notice[256];
static void on_notice(void *user, enum driver_notice notice, const char *who, const char *text)
{
	if (notice == DRIVER_NOTICE_WARNING)
		snprintf(last_notice, sizeof last_notice, "%s", text);
}

Test(gate, a_lost_debugger_releases_or_ends_the_run, .timeout = 60)
{
	for (enum gate_loss loss = GATE_LOSS_RELEASE; loss <= GATE_LOSS_END; loss++) {
		struct fixture fixture;
		open_graph(&fixture, chain_text);
		start(&fixture, (struct driver_options){ .mode = RUN_MODE_COMPILED, .waits_for_debugger = true, .notice = on_notice });
		start_calling(&fixture);
		expect_stop(&fixture, 0, 0, "input", GATE_AFTER, 0);
		last_notice[0] = '\0';
		lose_a_debugger(&fixture, loss);
		pthread_join(fixture.caller, NULL);
		cr_expect_eq(fixture.status, loss == GATE_LOSS_END ? STATUS_STOPPED : STATUS_OK, "%d", fixture.status);
		cr_expect_eq(fixture.n_good, loss == GATE_LOSS_END ? 0 : 4, "%d", (int)fixture.n_good);
		cr_expect_eq(atomic_load(&gates_of(&fixture)->header->is_attached), 0);
		cr_expect(strstr(last_notice, "is gone") && strstr(last_notice, loss == GATE_LOSS_END ? "ends" : "goes on"), "%s", last_notice);
		close_fixture(&fixture);
	}
}

Test(gate, nobody_is_blamed_for_the_time_at_a_gate, .timeout = 60)
{
	FOR_MODES(mode) {
		struct fixture fixture;
		open_graph(&fixture, chain_text);
		last_notice[0] = '\0';
		start(&fixture, (struct driver_options){ .mode = mode, .timeout_ns = 150000000, .stall_limit_ns = 150000000 });
		atomic_store(&gates_of(&fixture)->flags[node_named(&fixture, "b")], GATE_STOP_BEFORE);
		turn_on(&fixture);
		start_calling(&fixture);
		expect_stop(&fixture, 1, 0, "b", GATE_BEFORE, 0);
		usleep(400000);
		finish_calling(&fixture);
		cr_expect_eq(fixture.n_good, 4, "%d good: %s", (int)fixture.n_good, fixture.error.text);
		cr_expect_eq(atomic_load(&gates_of(&fixture)->header->frozen.state), 0, "%s", gates_of(&fixture)->header->frozen.text);
		close_fixture(&fixture);
	}
}

Test(gate, a_worker_that_crashes_leaves_its_stack, .timeout = 60)
{
	static const char text[] = "digraph g { input [tensors=\"x:f32[N<=64]\"]; " W0 "a [op=copy]; s [op=spin, us=3000000]; } "
		"input -> a -> s -> output; }";
	FOR_MODES(mode) {
		struct fixture fixture;
		open_graph(&fixture, text);
		start(&fixture, (struct driver_options){ .mode = mode });
		start_calling(&fixture);
		const struct control_worker *worker = &fixture.driver->control.header->workers[1];
		uint32_t node = node_named(&fixture, "s");
		for (int i = 0; i < 10000 && atomic_load(&worker->position) != control_position(0, node); i++)
			usleep(1000);
		kill(atomic_load(&worker->pid), SIGSEGV);
		pthread_join(fixture.caller, NULL);
		const struct gate_frozen *frozen = &gates_of(&fixture)->header->frozen;
		cr_expect_eq(fixture.status, STATUS_WORKER_DIED, "%d: %s", fixture.status, fixture.error.text);
		cr_assert_eq(atomic_load(&frozen->state), 2);
		cr_expect_eq(frozen->reason, GATE_FREEZE_CRASH);
		cr_expect_eq(frozen->node, node);
		cr_expect_eq(frozen->worker, 1);
		uint32_t stack_worker = atomic_load(&frozen->stack_worker); /* none from a build with sanitizers */
		if (stack_worker) {
			cr_expect_eq(stack_worker, 2, "%u", stack_worker);
			cr_expect(strstr(fixture.error.text, "signal 11"), "%s", fixture.error.text);
			cr_expect_eq(frozen->signal_number, SIGSEGV, "%u", frozen->signal_number);
			cr_expect(strstr(frozen->stack, "+0x") && strchr(frozen->stack, '\n'), "%s", frozen->stack);
		}
		close_fixture(&fixture);
	}
}

Test(gate, poison_changes_no_result, .timeout = 60)
{
	FOR_MODES(mode) {
		float results[2][4];
		for (int poisons = 0; poisons < 2; poisons++) {
			struct fixture fixture;
			open_graph(&fixture, chain_text);
			start(&fixture, (struct driver_options){ .mode = mode, .poisons = poisons });
			call(&fixture);
			cr_expect_eq(fixture.n_good, 4);
			memcpy(results[poisons], fixture.results, sizeof results[poisons]);
			close_fixture(&fixture);
		}
		cr_expect_arr_eq(results[0], results[1], sizeof results[0]);
	}
}
