/* SPDX-License-Identifier: Apache-2.0
 *
 * bench_gate: what a debugger's gate costs a node when nobody debugs, and what a stop costs when somebody does: threads of this process over one
 * mapping, for a gate knows nothing of processes.
 */
#include <math.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/graph/plan_check.h"
#include "engine/ops/ops.h"
#include "engine/run/gate.h"
#include "tool/bench_bare.h"
#include "tool/bench_chain.h"

#define N_NODES 64
#define N_BLOCKS 31
#define ROUNDS_A_BLOCK 20000
#define N_STOPS 2000
#define WAIT_NS INT64_C(1000000000)

/* -- unused ----------------------------------------------------------------------------------------------------------- */

static int do_nothing(struct op_run *run)
{
	run->execution++;
	return STATUS_OK;
}

/* Calls 64 ops, one after the other, as a worker does. */
static __attribute__((noinline)) int call_ops(int (*const *ops)(struct op_run *run), struct op_run *run)
{
	int status = STATUS_OK;
	for (int i = 0; i < N_NODES; i++)
		status |= ops[i](run);
	return status;
}

/* The same with the load and the branch that a gate adds behind each. */
static __attribute__((noinline)) int call_ops_with_gates(int (*const *ops)(struct op_run *run), struct op_run *run,
	const _Atomic uint32_t *attention)
{
	int status = STATUS_OK;
	for (int i = 0; i < N_NODES; i++) {
		status |= ops[i](run);
		if (unlikely(atomic_load_explicit(attention, memory_order_relaxed) & (CONTROL_ATTENTION_GATES | CONTROL_ATTENTION_POISON)))
			return STATUS_STOPPED;
	}
	return status;
}

static double time_of_a_node(int n_rounds, int (*const *ops)(struct op_run *run), const _Atomic uint32_t *attention)
{
	struct op_run run = { .n_inputs = 0 };
	int status = STATUS_OK;
	int64_t start = clock_now().ns;
	for (int i = 0; i < n_rounds; i++)
		status |= attention ? call_ops_with_gates(ops, &run, attention) : call_ops(ops, &run);
	return status == STATUS_OK ? (double)(clock_now().ns - start) / (N_NODES * (double)n_rounds) : NAN;
}

static void add_unused(const struct bench_options *options, struct bench_rows *rows)
{
	int (*ops[N_NODES])(struct op_run *run);
	double differences[N_BLOCKS];
	_Atomic uint32_t attention = 0;
	int n_rounds = options->is_quick ? ROUNDS_A_BLOCK / 20 : ROUNDS_A_BLOCK;
	for (int i = 0; i < N_NODES; i++)
		ops[i] = do_nothing;
	for (int i = 0; i < N_BLOCKS; i++) {
		double without = time_of_a_node(n_rounds, ops, NULL);
		differences[i] = time_of_a_node(n_rounds, ops, &attention) - without;
	}
	bench_row(rows, "a gate nobody uses", bench_median(differences, N_BLOCKS), "ns", BENCH_LOWER, NAN, 2);
}

/* -- a stop ----------------------------------------------------------------------------------------------------------- */

struct stops {
	struct program program;
	struct control control;
	struct gates gates;
	int fds[3], gates_fd;
};

static int build_graph(struct graph *graph)
{
	struct mistakes mistakes = MISTAKES_INIT;
	int status = graph_add_worker(graph, "w0", "cpu:0", 0) < 0 ? STATUS_NO_MEMORY : STATUS_OK;
	graph_set_input(graph, "x:f32[1]", 0, &mistakes);
	int node = graph_add_node(graph, "a", "copy", 1, 0);
	if (status == STATUS_OK && (node < 0 || graph_add_edge(graph, GRAPH_INPUT, node, NULL, NULL, false, 0) < 0
		|| graph_add_edge(graph, node, GRAPH_OUTPUT, NULL, NULL, false, 0) < 0))
		status = STATUS_NO_MEMORY;
	if (status == STATUS_OK)
		status = graph_resolve(graph, &ops_builtin, &mistakes);
	mistakes_finish(&mistakes);
	return status;
}

static int make_program(int *ret_fd, struct error *error)
{
	struct graph *graph = graph_create("gate");
	struct plan_options plan_options = { .in_flight = 1 };
	struct program_options options = { .n_threads = 1 };
	struct plan *plan = NULL;
	int status = graph ? build_graph(graph) : STATUS_NO_MEMORY;
	if (status != STATUS_OK)
		error_set(error, status, "cannot build the bench's graph");
	else
		status = plan_compile(graph, &plan_options, NULL, error, &plan);
	if (status == STATUS_OK)
		status = program_build(plan, &options, error, ret_fd);
	plan_destroy(plan);
	graph_destroy(graph);
	return status;
}

static void close_stops(struct stops *stops)
{
	gates_close(&stops->gates);
	control_close(&stops->control);
	program_close(&stops->program);
	for (int i = 0; i < 3; i++) {
		if (stops->fds[i] >= 0)
			close(stops->fds[i]);
	}
	if (stops->gates_fd >= 0)
		close(stops->gates_fd);
}

static int open_stops(struct stops *stops, struct error *error)
{
	*stops = (struct stops){ .fds = { -1, -1, -1 }, .gates_fd = -1 };
	int status = make_program(&stops->fds[0], error);
	if (status == STATUS_OK)
		status = program_open(stops->fds[0], &stops->program, error);
	if (status == STATUS_OK)
		status = control_create(2, 1, control_count_cores(), error, &stops->fds[1]);
	if (status == STATUS_OK)
		status = control_open(stops->fds[1], &stops->control, error);
	if (status == STATUS_OK && (stops->fds[2] = memfd_create("tandem-slots", MFD_CLOEXEC)) < 0)
		status = error_set_errno(error, STATUS_SYSTEM, "cannot make a segment");
	if (status == STATUS_OK)
		status = gates_create(&stops->program, stops->fds, 0, false, error, &stops->gates_fd);
	if (status == STATUS_OK)
		status = gates_open(stops->gates_fd, &stops->program, NULL, 0, &stops->gates, error);
	if (status != STATUS_OK)
		close_stops(stops);
	return status;
}

static void *pass_gates(void *argument)
{
	struct stops *stops = argument;
	struct recorder recorder = { .is_on = false };
	struct gate_point point = { .place = GATE_BEFORE, .node = GRAPH_OUTPUT + 1 };
	while (gate_pass(&stops->gates, &stops->control, 1, &recorder, &point) == STATUS_OK)
		point.execution++;
	return NULL;
}

/* From letting go to the next stop, seen by who let go. */
static void time_stops(struct stops *stops, int n, double *ret_ns)
{
	struct gates *gates = &stops->gates;
	struct gate_worker *worker = gate_worker(gates, 1);
	int64_t start = clock_now().ns, end = start + 10 * WAIT_NS;
	for (uint32_t i = 1; i <= (uint32_t)n && clock_now().ns < end; i++) {
		uint32_t seen = atomic_load(&gates->header->events);
		while (atomic_load(&worker->n_stops) < i || atomic_load(&worker->state) != GATE_STOPPED)
			seen = gates_wait(gates, seen, WAIT_NS);
		if (i == 1)
			start = clock_now().ns;
		gate_let_go(gates, 1);
	}
	*ret_ns = (double)(clock_now().ns - start) / n;
}

static int add_stop(const struct bench_options *options, struct bench_rows *rows, struct error *error)
{
	struct stops stops;
	pthread_t thread;
	double ns = NAN;
	int status = open_stops(&stops, error);
	if (status != STATUS_OK)
		return status;
	atomic_store(&gate_worker(&stops.gates, 1)->steps, GATE_STEPS_PLACES);
	atomic_store(&stops.gates.header->is_attached, 1);
	atomic_fetch_or(&stops.control.header->attention, CONTROL_ATTENTION_GATES);
	if (pthread_create(&thread, NULL, pass_gates, &stops) == 0) {
		time_stops(&stops, options->is_quick ? N_STOPS / 20 : N_STOPS, &ns);
		control_stop(&stops.control);
		gates_wake_all(&stops.gates);
		pthread_join(thread, NULL);
		bench_row(rows, "let go, to the next stop", ns / 1000, "µs", BENCH_LOWER, NAN, NAN);
	}
	close_stops(&stops);
	return STATUS_OK;
}

static int run_gate(const struct bench_options *options, struct bench_rows *rows, struct error *error)
{
	add_unused(options, rows);
	return add_stop(options, rows, error);
}

const struct bench bench_gate = { "gate", "what a debugger's gate costs a node unused, and a stop at one", run_gate };
