/* SPDX-License-Identifier: Apache-2.0
 *
 * held_run: the driver's thread, and steering by flags and steps.
 */
#include "tests/debug/held_run.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/graph/graph_dot.h"
#include "engine/graph/plan_check.h"
#include "engine/ops/ops.h"

#define GUARD_NS 20000000000 /* against hanging */
#define INPUTS_MAX 4

static void run_execution(struct held_run *run, int execution, struct tensor *inputs, int n_inputs)
{
	const struct tensor *outputs;
	uint64_t got;
	for (int k = 0; k < n_inputs; k++) {
		for (int64_t i = 0; i < tensor_n_elements(&inputs[k]); i++)
			((float *)inputs[k].data)[i] = (float)(execution + i + 100 * k);
	}
	int status = driver_submit(run->driver, inputs, &got, &run->error);
	if (status == STATUS_OK)
		status = driver_wait(run->driver, 0, &got, &outputs, &run->error);
	run->statuses[execution] = status;
	if (status == STATUS_STOPPED || (status != STATUS_OK && status != STATUS_OP))
		return;
	size_t bytes = status == STATUS_OK ? tensor_bytes(&outputs[0]) : 0;
	memcpy(run->results[execution], bytes ? outputs[0].data : run->results[execution],
		bytes < sizeof run->results[execution] ? bytes : sizeof run->results[execution]);
	driver_release(run->driver);
}

static void *drive(void *user)
{
	struct held_run *run = user;
	const struct graph_node *input = &run->graph->nodes[GRAPH_INPUT];
	struct tensor inputs[INPUTS_MAX];
	int64_t values[TYPE_SYMBOLS_MAX];
	for (int i = 0; i < TYPE_SYMBOLS_MAX; i++)
		values[i] = run->sizes;
	for (int k = 0; k < input->n_outputs; k++) {
		int64_t shape[TENSOR_DIMS_MAX];
		for (int d = 0; d < input->outputs[k].n_dims; d++)
			shape[d] = dim_value(input->outputs[k].dims[d], values);
		inputs[k] = tensor_make(DTYPE_F32, input->outputs[k].n_dims, shape, NULL);
		inputs[k].data = aligned_alloc(64, round_up(tensor_bytes(&inputs[k]) + 1, 64));
	}
	for (int e = 0; e < run->n_executions; e++)
		run_execution(run, e, inputs, input->n_outputs);
	for (int k = 0; k < input->n_outputs; k++)
		free(inputs[k].data);
	return NULL;
}

void held_run_start(struct held_run *run, enum run_mode mode, const char *text, int n_executions, int in_flight, bool poisons)
{
	struct mistakes mistakes = MISTAKES_INIT;
	struct graph_settings settings = { 0 };
	struct strbuf why = STRBUF_INIT;
	*run = (struct held_run){ .n_executions = n_executions, .sizes = 3 };
	run->options = (struct driver_options){ .mode = mode, .executable = getenv("TANDEM"), .stall_limit_ns = -1, .hang_limit_ns = -1,
		.waits_for_debugger = true, .poisons = poisons };
	int status = graph_dot_parse("held.dot", text, &settings, &mistakes, &run->graph);
	if (status == STATUS_OK)
		status = graph_resolve(run->graph, &ops_builtin, &mistakes);
	mistakes_print(&mistakes, "held.dot", &why);
	cr_assert_eq(status, STATUS_OK, "%s", strbuf_text(&why));
	status = plan_compile(run->graph, &(struct plan_options){ .in_flight = in_flight }, &why, &run->error, &run->plan);
	cr_assert_eq(status, STATUS_OK, "%s", run->error.text);
	status = driver_start(run->plan, &run->options, &run->error, &run->driver);
	cr_assert_eq(status, STATUS_OK, "%s", run->error.text);
	status = debug_target_attach(getpid(), GUARD_NS, &run->target, &run->error);
	cr_assert_eq(status, STATUS_OK, "%s", run->error.text);
	cr_assert_eq(pthread_create(&run->thread, NULL, drive, run), 0);
	strbuf_finish(&why);
	mistakes_finish(&mistakes);
}

uint32_t held_run_node(const struct held_run *run, const char *name)
{
	uint32_t node = debug_find_node(&run->target.program, name, NULL);
	cr_assert_neq(node, PROGRAM_NONE, "no node '%s'", name);
	return node;
}

static bool stands_at(struct held_run *run, uint32_t worker, uint32_t node, enum gate_place place, uint64_t execution)
{
	struct gate_stop stop;
	uint32_t n_stops;
	return gate_read_stop(&run->target.gates, &run->target.program, worker, &stop, &n_stops) && stop.node == node
		&& stop.place == (uint32_t)place && stop.execution == execution;
}

void held_run_go_to(struct held_run *run, const char *name, enum gate_place place, uint64_t execution, bool keeps)
{
	struct gates *gates = &run->target.gates;
	uint32_t node = held_run_node(run, name), worker = run->target.program.nodes[node].worker;
	int64_t start = clock_now().ns;
	atomic_store(&gates->header->from_execution, execution);
	for (uint32_t i = 0; i < gates->n_nodes; i++)
		atomic_store(&gates->flags[i], (uint8_t)((keeps ? GATE_KEEP : 0)
			| (i != node ? 0 : place == GATE_BEFORE ? GATE_STOP_BEFORE : GATE_STOP_AFTER)));
	for (uint32_t i = 0; i < gates->n_workers; i++)
		atomic_store(&gate_worker(gates, i)->steps, GATE_STEPS_NONE);
	while (!stands_at(run, worker, node, place, execution)) {
		uint32_t seen = atomic_load(&gates->header->events);
		for (uint32_t i = 0; i < gates->n_workers; i++) {
			if (!stands_at(run, i, node, place, execution))
				gate_let_go(gates, i);
		}
		cr_assert(clock_now().ns - start < GUARD_NS, "nobody comes to %s of execution %llu", name, (unsigned long long)execution);
		gates_wait(gates, seen, 10000000);
	}
}

void held_run_finish(struct held_run *run)
{
	debug_target_close(&run->target);
	pthread_join(run->thread, NULL);
	for (int e = 0; e < run->n_executions; e++)
		cr_expect_eq(run->statuses[e], STATUS_OK, "execution %d: %s", e, run->error.text);
	driver_stop(run->driver, NULL, NULL);
	plan_destroy(run->plan);
	graph_destroy(run->graph);
}
