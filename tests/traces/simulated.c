/* SPDX-License-Identifier: Apache-2.0
 *
 * simulated: each lane has a fixed sequence of ops; an op is timed as soon as all that it depends on is.
 */
#include "tests/traces/simulated.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/attributes.h"

#define NODES_MAX 10
#define LANES_MAX 4
#define EXECUTIONS_MAX 200
#define LIST_MAX (NODES_MAX * EXECUTIONS_MAX)

struct timed {
	bool is_started, is_done;
	int64_t start_ns, starved_ns, late_ns, held_ns, computed_ns, end_ns;
};

struct simulation {
	const struct simulated_options *options;
	struct critical_run *run;
	unsigned state;
	int n_executions;
	struct timed ops[NODES_MAX][EXECUTIONS_MAX];
	int64_t steady_ns[NODES_MAX];
	struct { int node, execution; } lists[LANES_MAX][LIST_MAX];
	int n_list[LANES_MAX], at[LANES_MAX];
	int64_t free_ns[LANES_MAX]; /* when the lane's next op starts */
};

static unsigned draw(struct simulation *sim, unsigned n)
{
	sim->state = sim->state * 1103515245u + 12345u;
	return (sim->state >> 16) % n;
}

static char *name_of(const char *what, int i)
{
	char name[16];
	snprintf(name, sizeof(name), "%s%d", what, i);
	return strdup(name);
}

static void add_edge(struct simulation *sim, int src, int dst)
{
	struct critical_run *run = sim->run;
	for (int i = 0; i < run->n_edges; i++) {
		if (run->edges[i].src == src && run->edges[i].dst == dst)
			return;
	}
	run->edges[run->n_edges] = (struct critical_edge){ .name = name_of("e", run->n_edges), .src = src, .dst = dst,
		.is_peer = dst > 1 && draw(sim, 5) == 0 };
	run->n_edges++;
}

static bool is_read(const struct critical_run *run, int node)
{
	for (int i = 0; i < run->n_edges; i++) {
		if (run->edges[i].src == node)
			return true;
	}
	return false;
}

/* Nodes from 2 on in topological order, each reading one or two before it. */
static void make_graph(struct simulation *sim)
{
	struct critical_run *run = sim->run;
	run->n_workers = 2 + (int)draw(sim, LANES_MAX - 1);
	run->n_nodes = 3 + (int)draw(sim, NODES_MAX - 2);
	run->in_flight = 1 + draw(sim, 4);
	run->is_compiled = true;
	for (int i = 0; i < run->n_workers; i++)
		run->workers[i] = i ? name_of("w", i - 1) : strdup("driver");
	for (int i = 0; i < run->n_nodes; i++) {
		run->nodes[i] = (struct critical_node){ .name = i > 1 ? name_of("n", i - 2) : strdup(i ? "output" : "input"),
			.op = i > 1 ? strdup("stage") : NULL, .position = i,
			.worker = i > 1 ? 1 + (int)draw(sim, (unsigned)run->n_workers - 1) : 0 };
		sim->steady_ns[i] = 1 + draw(sim, 20);
	}
	for (int i = 2; i < run->n_nodes; i++) {
		for (unsigned n = 1 + draw(sim, 2); n > 0; n--) {
			int src = (int)draw(sim, (unsigned)i - 1);
			add_edge(sim, src ? src + 1 : 0, i);
		}
	}
	for (int i = 2; i < run->n_nodes; i++) {
		if (!is_read(run, i))
			add_edge(sim, i, 1);
	}
}

static void list_inputs(struct critical_run *run)
{
	for (int node = 0; node < run->n_nodes; node++) {
		run->nodes[node].inputs.first = run->n_inputs;
		for (int i = 0; i < run->n_edges; i++) {
			if (run->edges[i].dst == node)
				run->inputs[run->n_inputs++] = i;
		}
		run->nodes[node].inputs.n = run->n_inputs - run->nodes[node].inputs.first;
	}
}

/* A store for each node that another worker reads; each such worker's last reader releases. */
static void list_stores(struct simulation *sim)
{
	struct critical_run *run = sim->run;
	for (int node = 0; node < run->n_nodes; node++) {
		int last[LANES_MAX], n = 0;
		memset(last, -1, sizeof(last));
		for (int i = 0; i < run->n_edges; i++) {
			int lane = run->nodes[run->edges[i].dst].worker;
			if (run->edges[i].src != node || lane == run->nodes[node].worker)
				continue;
			if (last[lane] < 0 || run->edges[last[lane]].dst < run->edges[i].dst)
				last[lane] = i;
			n++;
		}
		if (!n)
			continue;
		struct critical_store *store = &run->stores[run->n_stores];
		*store = (struct critical_store){ .writer = node, .depth = 1 + (int)draw(sim, 4), .channel = node,
			.releases.first = run->n_releases };
		for (int lane = 0; lane < run->n_workers; lane++) {
			if (last[lane] >= 0)
				run->releases[run->n_releases++] = (struct critical_release){ .worker = lane, .edge = last[lane],
					.node = run->edges[last[lane]].dst };
		}
		store->releases.n = run->n_releases - store->releases.first;
		run->nodes[node].stores = (struct critical_range){ run->n_stores++, 1 };
	}
}

static void enlist(struct simulation *sim, int lane, int node, int execution)
{
	int n = sim->n_list[lane]++;
	sim->lists[lane][n].node = node;
	sim->lists[lane][n].execution = execution;
}

static void make_lists(struct simulation *sim)
{
	const struct critical_run *run = sim->run;
	for (int i = 0; i < sim->n_executions + run->in_flight; i++) {
		if (i >= run->in_flight)
			enlist(sim, 0, 1, i - (int)run->in_flight);
		if (i < sim->n_executions)
			enlist(sim, 0, 0, i);
	}
	for (int i = 0; i < sim->n_executions; i++) {
		for (int node = 2; node < run->n_nodes; node++)
			enlist(sim, run->nodes[node].worker, node, i);
	}
}

/* When the last input was there, of a collective's peers or of the others; -1: not known yet. */
static int64_t ready_at(const struct simulation *sim, int node, int execution, bool of_peers)
{
	const struct critical_run *run = sim->run;
	int64_t ready_ns = 0;
	for (int i = 0; i < run->n_edges; i++) {
		const struct timed *op = &sim->ops[run->edges[i].src][execution];
		if (run->edges[i].dst != node || run->edges[i].is_peer != of_peers)
			continue;
		if (!op->is_done)
			return -1;
		ready_ns = op->end_ns > ready_ns ? op->end_ns : ready_ns;
	}
	return ready_ns;
}

/* When the slot was free; 0: always; -1: not known yet. */
static int64_t free_at(const struct simulation *sim, int node, int execution)
{
	const struct critical_run *run = sim->run;
	int64_t free_ns = 0;
	if (!run->nodes[node].stores.n)
		return 0;
	const struct critical_store *store = &run->stores[run->nodes[node].stores.first];
	if (execution < store->depth)
		return 0;
	for (int i = 0; i < store->releases.n; i++) {
		const struct critical_release *release = &run->releases[store->releases.first + i];
		const struct timed *op = &sim->ops[release->node][execution - store->depth];
		if (!op->is_done)
			return -1;
		int64_t at_ns = op->computed_ns;
		for (int k = 0; release->node == 1 && k + 1 < sim->n_list[0]; k++) {
			int next = sim->lists[0][k + 1].node, later = sim->lists[0][k + 1].execution;
			if (sim->lists[0][k].node != 1 || sim->lists[0][k].execution != execution - store->depth)
				continue;
			if (!sim->ops[next][later].is_started)
				return -1;
			at_ns = sim->ops[next][later].start_ns;
		}
		free_ns = at_ns > free_ns ? at_ns : free_ns;
	}
	return free_ns;
}

static int64_t delay(struct simulation *sim)
{
	return sim->options->is_steady ? 0 : draw(sim, 4);
}

/* Times the lane's next op if all that it needs is known. */
static bool step_lane(struct simulation *sim, int lane)
{
	if (sim->at[lane] == sim->n_list[lane])
		return false;
	int node = sim->lists[lane][sim->at[lane]].node, execution = sim->lists[lane][sim->at[lane]].execution;
	struct timed *op = &sim->ops[node][execution];
	if (!op->is_started) {
		op->start_ns = sim->free_ns[lane];
		op->is_started = true;
	}
	int64_t ready_ns = ready_at(sim, node, execution, false), peers_ns = ready_at(sim, node, execution, true);
	int64_t free_ns = free_at(sim, node, execution), now_ns = op->start_ns;
	if (ready_ns < 0 || peers_ns < 0 || free_ns < 0)
		return false;
	if (ready_ns > now_ns)
		now_ns = ready_ns + delay(sim);
	op->starved_ns = now_ns - op->start_ns;
	if (peers_ns > now_ns)
		now_ns = peers_ns + delay(sim);
	op->late_ns = now_ns - op->start_ns - op->starved_ns;
	if (free_ns > now_ns) {
		op->held_ns = free_ns + delay(sim) - now_ns;
		now_ns += op->held_ns;
	}
	op->computed_ns = now_ns + (sim->options->is_steady ? sim->steady_ns[node] : 1 + draw(sim, 20));
	op->end_ns = op->computed_ns + (sim->options->is_steady ? 0 : draw(sim, 3));
	op->is_done = true;
	sim->free_ns[lane] = op->end_ns + (!sim->options->is_steady && draw(sim, 4) == 0 ? draw(sim, 6) : 0);
	sim->at[lane]++;
	return true;
}

static bool run_all(struct simulation *sim)
{
	bool is_moving = true;
	while (is_moving) {
		is_moving = false;
		for (int lane = 0; lane < sim->run->n_workers; lane++) {
			while (step_lane(sim, lane))
				is_moving = true;
		}
	}
	for (int lane = 0; lane < sim->run->n_workers; lane++) {
		if (sim->at[lane] < sim->n_list[lane])
			return false;
	}
	return true;
}

/* The driver's waits for results are now and then spans of their own, as at the limit in flight. */
static void add_op(struct simulation *sim, int node, int execution)
{
	const struct timed *timed = &sim->ops[node][execution];
	struct critical_op op = { .start_ns = timed->start_ns, .execution = execution, .node = node,
		.lane = sim->run->nodes[node].worker };
	int64_t phase_ns[PHASE_COUNT] = { 0 };
	phase_ns[PHASE_STARVED] = timed->starved_ns;
	phase_ns[PHASE_LATE_RANK] = timed->late_ns;
	phase_ns[PHASE_BACKPRESSURE] = timed->held_ns;
	phase_ns[PHASE_COMPUTE] = timed->computed_ns - timed->start_ns - timed->starved_ns - timed->late_ns - timed->held_ns;
	phase_ns[PHASE_WRITE] = timed->end_ns - timed->computed_ns;
	if (sim->options->drops_one_in && draw(sim, (unsigned)sim->options->drops_one_in) == 0)
		return;
	if (node == 1 && timed->starved_ns && draw(sim, 2)) {
		struct critical_op limit = { .start_ns = op.start_ns, .execution = CRITICAL_NONE, .node = CRITICAL_NONE };
		int64_t limit_ns[PHASE_COUNT] = { [PHASE_LIMIT] = timed->starved_ns };
		cr_assert(critical_run_add(sim->run, limit, limit_ns));
		op.start_ns += timed->starved_ns;
		phase_ns[PHASE_STARVED] = 0;
	}
	cr_assert(critical_run_add(sim->run, op, phase_ns));
}

static void enter_all(struct simulation *sim)
{
	struct critical_run *run = sim->run;
	for (int lane = 0; lane < run->n_workers; lane++) {
		for (int i = 0; i < sim->n_list[lane]; i++)
			add_op(sim, sim->lists[lane][i].node, sim->lists[lane][i].execution);
	}
	for (int i = 0; i < sim->n_executions; i++)
		run->executions[run->n_executions++] = (struct critical_execution){ .execution = i,
			.start_ns = sim->ops[0][i].start_ns, .end_ns = sim->ops[1][i].end_ns };
	cr_assert(critical_run_index(run));
}

static void allocate(struct critical_run *run)
{
	run->nodes = calloc(NODES_MAX, sizeof(*run->nodes));
	run->edges = calloc(3 * NODES_MAX, sizeof(*run->edges));
	run->inputs = calloc(3 * NODES_MAX, sizeof(*run->inputs));
	run->stores = calloc(NODES_MAX, sizeof(*run->stores));
	run->releases = calloc(LANES_MAX * NODES_MAX, sizeof(*run->releases));
	run->workers = calloc(LANES_MAX, sizeof(char *));
	run->executions = calloc(EXECUTIONS_MAX, sizeof(*run->executions));
}

bool simulated_make(const struct simulated_options *options, struct critical_run *ret_run)
{
	struct simulation *sim = calloc(1, sizeof(*sim));
	*ret_run = (struct critical_run){ .id = 1 };
	sim->options = options;
	sim->run = ret_run;
	sim->state = options->seed * 2654435761u + 1;
	allocate(ret_run);
	make_graph(sim);
	sim->n_executions = options->n_executions ? options->n_executions : 1 + (int)draw(sim, 8);
	list_inputs(ret_run);
	list_stores(sim);
	make_lists(sim);
	bool is_live = run_all(sim);
	if (is_live)
		enter_all(sim);
	else
		critical_run_finish(ret_run);
	free(sim);
	return is_live;
}

void simulated_worked(struct critical_run *ret_run)
{
	static const char *const names[] = { "input", "output", "a", "b" }, *const edges[] = { "input->a", "a->b", "b->output" };
	static const int ends[][2] = { { 0, 2 }, { 2, 3 }, { 3, 1 } };
	static const struct {
		int lane, node, execution;
		int64_t start_ns, starved_ns, work_ns;
		enum phase phase;
	} ops[] = {
		{ 0, 0, 0, 0, 0, 10, PHASE_WRITE }, { 0, 0, 1, 10, 0, 1, PHASE_WRITE },
		{ 0, 1, 0, 11, 144, 5, PHASE_READ }, { 0, 1, 1, 160, 95, 5, PHASE_READ },
		{ 1, 2, 0, 0, 10, 40, PHASE_COMPUTE }, { 1, 2, 1, 50, 0, 40, PHASE_COMPUTE },
		{ 2, 3, 0, 0, 52, 100, PHASE_COMPUTE }, { 2, 3, 1, 152, 0, 100, PHASE_COMPUTE },
	};
	*ret_run = (struct critical_run){ .id = 1, .in_flight = 2, .is_compiled = true, .n_workers = 3, .n_nodes = 4 };
	allocate(ret_run);
	for (int i = 0; i < 3; i++)
		ret_run->workers[i] = i ? name_of("w", i - 1) : strdup("driver");
	for (int i = 0; i < 4; i++)
		ret_run->nodes[i] = (struct critical_node){ .name = strdup(names[i]), .op = i > 1 ? strdup("stage") : NULL,
			.worker = i > 1 ? i - 1 : 0, .position = i };
	for (int i = 0; i < 3; i++)
		ret_run->edges[ret_run->n_edges++] = (struct critical_edge){ .name = strdup(edges[i]), .src = ends[i][0],
			.dst = ends[i][1] };
	list_inputs(ret_run);
	for (size_t i = 0; i < ARRAY_LEN(ops); i++) {
		int64_t phase_ns[PHASE_COUNT] = { [PHASE_STARVED] = ops[i].starved_ns };
		phase_ns[ops[i].phase] = ops[i].work_ns;
		cr_assert(critical_run_add(ret_run, (struct critical_op){ .lane = ops[i].lane, .node = ops[i].node,
			.execution = ops[i].execution, .start_ns = ops[i].start_ns }, phase_ns));
	}
	ret_run->executions[ret_run->n_executions++] = (struct critical_execution){ .execution = 0, .start_ns = 0, .end_ns = 160 };
	ret_run->executions[ret_run->n_executions++] = (struct critical_execution){ .execution = 1, .start_ns = 10, .end_ns = 260 };
	cr_assert(critical_run_index(ret_run));
}

const struct critical_op *simulated_at(const struct critical_run *run, int32_t lane, int64_t time_ns, enum phase *ret_phase)
{
	for (int64_t i = 0; i < run->n_ops; i++) {
		const struct critical_op *op = &run->ops[i];
		if (op->lane != lane || time_ns < op->start_ns || time_ns >= op->end_ns)
			continue;
		const struct critical_piece *piece = &run->pieces[op->first_piece];
		while (piece->end_ns <= time_ns)
			piece++;
		*ret_phase = (enum phase)piece->phase;
		return op;
	}
	return NULL;
}
