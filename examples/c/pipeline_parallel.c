/* SPDX-License-Identifier: Apache-2.0
 *
 * Pipeline parallelism: two layers, each on a process of its own; while w1 has one batch, w0 has the next. Runs in both
 * modes, checks every result against the layers simply called, and records the two runs when two file names are given.
 *
 *     cc -O2 pipeline_parallel.c $(pkg-config --cflags --libs tandem) -o pipeline && ./pipeline [FILE FILE]
 */
#include <err.h>
#include <stdio.h>
#include <string.h>
#include <tandem.h>
#include <time.h>

enum { ROWS = 32, WIDTH = 256, N_BATCHES = 300, IN_FLIGHT = 4 };
static float weights[2][WIDTH * WIDTH], batch[ROWS * WIDTH], between[ROWS * WIDTH], expected[ROWS * WIDTH];
static struct tandem_error failure;

static void must(int status)
{
	if (status != TANDEM_OK)
		errx(1, "%s", failure.text);
}

static float *fill(float *values, int n, uint32_t seed)
{
	for (int i = 0; i < n; i++)
		values[i] = (float)((seed = seed * 1664525 + 1013904223) >> 8) / (1 << 24) - 0.5f;
	return values;
}

static int layer_infer(struct tandem_infer *infer, struct tandem_error *error)
{
	infer->outputs[0] = infer->inputs[0];
	return infer->inputs[0].dtype == TANDEM_F32 ? TANDEM_OK : tandem_error_set(error, TANDEM_GRAPH, "x must be f32");
}

static int layer_setup(const struct tandem_setup *setup, void **ret_state, struct tandem_error *error)
{
	int64_t number = tandem_param_int(setup->params, "number");
	*ret_state = fill(weights[number], WIDTH * WIDTH, (uint32_t)number);
	return TANDEM_OK;
}

static int layer_run(struct tandem_call *call)
{
	const float *w = call->state, *x = call->inputs[0].data;
	float *y = memset(call->outputs[0].data, 0, sizeof(expected));
	for (int i = 0; i < ROWS * WIDTH; i++)
		for (int j = 0; j < WIDTH; j++)
			y[i / WIDTH * WIDTH + j] += (x[i] > 0 ? x[i] : 0) * w[i % WIDTH * WIDTH + j];
	return TANDEM_OK;
}

static const struct tandem_param_spec params[] = { { "number", TANDEM_PARAM_INT, NULL, "0 or 1" }, { NULL, 0, NULL, NULL } };
static const struct tandem_op layer = { TANDEM_OP_ABI, .name = "layer", .summary = "y = max(0, x) W", .n_inputs_min = 1,
	.n_inputs_max = 1, .params = params, .infer = layer_infer, .setup = layer_setup, .run = layer_run };

static double ms_a_batch(struct tandem_run *run, const struct tandem_tensor *x, int n_in_flight)
{
	struct timespec begin, end;
	timespec_get(&begin, TIME_UTC);
	for (int i = 0; i < N_BATCHES; i++) {
		struct tandem_result result;
		while (tandem_in_flight(run) < n_in_flight && tandem_in_flight(run) < N_BATCHES - i)
			must(tandem_submit(run, x, NULL, &failure));
		must(tandem_wait(run, TANDEM_FOREVER, &result, &failure));
		if (memcmp(result.outputs[0].data, expected, sizeof(expected)) != 0)
			errx(1, "batch %d is not what the layers give when they are called", i);
		must(tandem_release(run, result.execution, &failure));
	}
	timespec_get(&end, TIME_UTC);
	return ((double)(end.tv_sec - begin.tv_sec) * 1e3 + (double)(end.tv_nsec - begin.tv_nsec) / 1e6) / N_BATCHES;
}

int main(int argc, char **argv)
{
	struct tandem *tandem = tandem_init(&argc, &argv, (const struct tandem_op *const[]){ &layer, NULL }, &failure);
	must(tandem ? TANDEM_OK : failure.status);
	static const char text[] = "digraph pipeline_parallel { input [tensors=\"x:f32[32,256]\"];"
		"subgraph cluster_0 { worker=w0; device=\"cpu:0\"; layer0 [op=layer, number=0]; }"
		"subgraph cluster_1 { worker=w1; device=\"cpu:1\"; layer1 [op=layer, number=1]; }"
		"input -> layer0 -> layer1 -> output; }";
	struct tandem_graph *graph;
	must(tandem_graph_parse(tandem, "dot", text, NULL, &failure, &graph) || tandem_graph_compile(graph, NULL, &failure));
	struct tandem_tensor x = tandem_tensor_make(TANDEM_F32, 2, (int64_t[]){ ROWS, WIDTH }, fill(batch, ROWS * WIDTH, 2));
	struct tandem_tensor middle = { .data = between }, y = { .data = expected };
	layer_run(&(struct tandem_call){ .state = fill(weights[0], WIDTH * WIDTH, 0), .inputs = &x, .outputs = &middle });
	layer_run(&(struct tandem_call){ .state = fill(weights[1], WIDTH * WIDTH, 1), .inputs = &middle, .outputs = &y });
	for (int mode = TANDEM_COMPILED; mode <= TANDEM_INTERPRETED; mode++) {
		struct tandem_run_options options = { .bytes = sizeof(options), .mode = mode, .trace_file = argc == 3 ? argv[1 + mode] : NULL };
		struct tandem_run *run;
		must(tandem_run_start(graph, &options, &failure, &run));
		double alone_ms = ms_a_batch(run, &x, 1), each_ms = ms_a_batch(run, &x, IN_FLIGHT);
		must(tandem_run_stop(run, NULL, &failure));
		printf("%-11s  %.3f ms a batch, %.0f batches/s\n", mode ? "interpreted" : "compiled", alone_ms, 1e3 / each_ms);
	}
	tandem_graph_destroy(graph);
	tandem_finish(tandem);
}
