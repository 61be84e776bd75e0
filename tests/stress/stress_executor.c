/* SPDX-License-Identifier: Apache-2.0
 *
 * stress_executor: several executors as threads over one mapping, so that ThreadSanitizer sees the channels' protocol: fan-out to three
 * workers, a join, small depths, thousands of executions, results checked. A plain program: TSan does not run under Criterion.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/graph/graph_dot.h"
#include "engine/graph/plan_check.h"
#include "engine/ops/ops.h"
#include "engine/run/executor.h"

#define N_EXECUTIONS 20000
#define N_WORKERS_MAX 8

static const char fan_graph[] =
	"digraph fan { input [tensors=\"x:f32[4]\"];\n"
	"subgraph cluster_0 { worker=w0; device=\"cpu:0\"; a [op=copy, depth=2]; }\n"
	"subgraph cluster_1 { worker=w1; device=\"cpu:1\"; b [op=copy, depth=1]; f [op=identity]; }\n"
	"subgraph cluster_2 { worker=w2; device=\"cpu:2\"; c [op=touch, depth=3]; }\n"
	"subgraph cluster_3 { worker=w3; device=\"cpu:3\"; d [op=add]; e [op=add]; }\n"
	"input -> a; a -> b; b -> f; a -> c; f -> d [arg=0]; c -> d [arg=1]; d -> e [arg=0]; a -> e [arg=1];\n"
	"e -> output; b -> output; }\n";

struct stress {
	struct graph *graph;
	struct plan *plan;
	struct program program;
	struct control control;
	uint8_t *slots;
	struct executor executors[N_WORKERS_MAX];
	pthread_t threads[N_WORKERS_MAX];
	struct waiter waiter;
};

static void die(const char *what, const struct error *error)
{
	fprintf(stderr, "stress_executor: %s: %s\n", what, error ? error->text : "");
	exit(1);
}

static void set_up(struct stress *stress)
{
	struct error error = { 0 };
	struct mistakes mistakes = MISTAKES_INIT;
	struct graph_settings settings = { 0 };
	struct plan_options options = { .in_flight = 8 };
	struct program_options program_options = { .n_threads = 1 };
	int fd;
	if (graph_dot_parse("fan.dot", fan_graph, &settings, &mistakes, &stress->graph) != STATUS_OK
		|| graph_resolve(stress->graph, &ops_builtin, &mistakes) != STATUS_OK) {
		struct strbuf text = STRBUF_INIT;
		mistakes_print(&mistakes, "fan.dot", &text);
		fputs(strbuf_text(&text), stderr);
		exit(1);
	}
	mistakes_finish(&mistakes);
	if (plan_compile(stress->graph, &options, NULL, &error, &stress->plan) != STATUS_OK)
		die("plan", &error);
	if (program_build(stress->plan, &program_options, &error, &fd) != STATUS_OK
		|| program_open(fd, &stress->program, &error) != STATUS_OK)
		die("program", &error);
	close(fd);
	stress->slots = mmap(NULL, stress->program.header->slots_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint32_t n_workers = stress->program.header->n_workers;
	void *memory = aligned_alloc(64, round_up(control_bytes(n_workers, 8), 64));
	if (stress->slots == MAP_FAILED || !memory)
		die("memory", NULL);
	memset(memory, 0, round_up(control_bytes(n_workers, 8), 64));
	control_init(memory, n_workers, 8, control_count_cores(), &stress->control);
	waiter_init(&stress->waiter, &stress->control, GRAPH_DRIVER);
	for (uint32_t i = 1; i < n_workers; i++) {
		struct recorder_policy policy = { .end = UINT64_MAX, .every = 1 };
		uint32_t node;
		if (executor_init(&stress->executors[i], &stress->program, &stress->control, i, stress->slots, NULL, &policy,
			    &ops_builtin, &node, &error) != STATUS_OK)
			die("executor", &error);
	}
}

static void *worker(void *argument)
{
	struct error error = { 0 };
	int status = executor_run(argument, &error);
	if (status != STATUS_STOPPED)
		die("a worker ended", &error);
	return NULL;
}

struct ends {
	struct channel input, outputs[2];
	struct channel releases[4];
	uint32_t releasers[4];
	int n_releases;
};

static void open_ends(struct stress *stress, struct ends *ends)
{
	const struct program *program = &stress->program;
	struct channel_memory memory = { .shared = stress->slots };
	struct program_range steps = program->workers[GRAPH_DRIVER].steps, results = program->nodes[GRAPH_OUTPUT].inputs;
	for (uint32_t i = 0; i < program->header->n_channels; i++) {
		if (program->channels[i].node == GRAPH_INPUT)
			channel_init(&ends->input, program, i, &memory, stress->control.header, NULL);
	}
	for (uint32_t i = 0; i < results.n && i < 2; i++)
		channel_init(&ends->outputs[i], program, program->edges[program->indices[results.first + i]].channel, &memory,
			stress->control.header, NULL);
	for (uint32_t i = 0; i < steps.n; i++) {
		const struct program_step *step = &program->steps[steps.first + i];
		if (step->kind != PLAN_STEP_RELEASE || program_needs_no_release(program, step->channel))
			continue;
		channel_init(&ends->releases[ends->n_releases], program, step->channel, &memory, stress->control.header, NULL);
		ends->releasers[ends->n_releases++] = step->reader;
	}
}

static void send(struct stress *stress, struct ends *ends, uint64_t execution)
{
	struct wait_name name = { .cause = PHASE_BACKPRESSURE, .execution = execution };
	struct wait_times times;
	float values[4] = { (float)execution, 1, 2, 3 };
	int64_t shape[1] = { 4 };
	struct tensor tensor = tensor_make(DTYPE_F32, 1, shape, values);
	if (!program_needs_no_release(&stress->program, ends->input.idx)
		&& channel_reserve(&ends->input, execution, &stress->waiter, &name, 0, &times) != STATUS_OK)
		die("reserve", NULL);
	channel_advance(&ends->input);
	memcpy(ends->input.data, values, sizeof values);
	channel_set_header(&ends->input, &tensor, 0);
	channel_publish(&ends->input, execution, stress->control.header);
}

/* e = ((x) + (x + 1)) + x, b = x */
static void receive(struct stress *stress, struct ends *ends, uint64_t execution)
{
	struct wait_name name = { .cause = PHASE_STARVED, .execution = execution };
	struct wait_times times;
	for (int i = 0; i < 2; i++) {
		channel_advance(&ends->outputs[i]);
		if (wait_slow(&stress->waiter, &ends->outputs[i].header->sequence, execution + 1, &name, 0, &times) != STATUS_OK)
			die("wait", NULL);
		float x = (float)execution, want = i ? x : 3 * x + 1, got = *(float *)ends->outputs[i].data;
		if (got != want) {
			fprintf(stderr, "execution %d output %d: %g, expected %g\n", (int)execution, i, got, want);
			exit(1);
		}
	}
	for (int i = 0; i < ends->n_releases; i++)
		channel_release(&ends->releases[i], ends->releasers[i], execution, stress->control.header);
}

int main(int argc, char **argv)
{
	struct stress stress = { 0 };
	struct ends ends = { 0 };
	uint64_t n = argc > 1 ? strtoull(argv[1], NULL, 10) : N_EXECUTIONS, n_sent = 0;
	clock_init();
	set_up(&stress);
	open_ends(&stress, &ends);
	uint32_t n_workers = stress.program.header->n_workers;
	for (uint32_t i = 1; i < n_workers; i++)
		pthread_create(&stress.threads[i], NULL, worker, &stress.executors[i]);
	for (uint64_t k = 0; k < n; k++) {
		while (n_sent < n && n_sent < k + 8)
			send(&stress, &ends, n_sent++);
		receive(&stress, &ends, k);
	}
	control_stop(&stress.control);
	for (uint32_t i = 1; i < n_workers; i++) {
		pthread_join(stress.threads[i], NULL);
		executor_finish(&stress.executors[i]);
	}
	channel_finish(&ends.input);
	for (int i = 0; i < 2; i++)
		channel_finish(&ends.outputs[i]);
	for (int i = 0; i < ends.n_releases; i++)
		channel_finish(&ends.releases[i]);
	munmap(stress.slots, stress.program.header->slots_bytes);
	free(stress.control.header);
	program_close(&stress.program);
	plan_destroy(stress.plan);
	graph_destroy(stress.graph);
	printf("%llu executions over %u workers as threads: all results right\n", (unsigned long long)n, n_workers - 1);
	return 0;
}
