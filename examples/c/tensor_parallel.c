/* SPDX-License-Identifier: Apache-2.0
 *
 * Tensor parallelism: y = x W where two processes hold half of W each and all_reduce adds what they get. Runs in both modes,
 * checks every result against the whole product, and records the two runs when two file names are given.
 *     cc -O2 tensor_parallel.c $(pkg-config --cflags --libs tandem) -o tensor && ./tensor [FILE FILE]
 */
#include <err.h>
#include <stdio.h>
#include <string.h>
#include <tandem.h>
#include <time.h>

enum { ROWS = 16, SIZE = 512, N_BATCHES = 200 };
static struct part { int begin, end; } parts[] = { { 0, SIZE / 2 }, { SIZE / 2, SIZE }, { 0, SIZE } }; /* of the rows of W */
static float weights[SIZE * SIZE], batch[ROWS * SIZE], expected[ROWS * SIZE];
static struct tandem_error failure;

static void must(int status)
{
	if (status != TANDEM_OK)
		errx(1, "%s", failure.text);
}

static float *fill(float *values, int begin, int end)
{
	for (int i = begin; i < end; i++)
		values[i] = (float)((uint32_t)i * 2654435761u >> 8) / (1 << 24) - 0.5f;
	return values;
}

static int part_infer(struct tandem_infer *infer, struct tandem_error *error)
{
	infer->outputs[0] = infer->inputs[0];
	return infer->inputs[0].dtype == TANDEM_F32 ? TANDEM_OK : tandem_error_set(error, TANDEM_GRAPH, "x must be f32");
}

static int part_setup(const struct tandem_setup *setup, void **ret_state, struct tandem_error *error)
{
	const struct part *half = *ret_state = &parts[tandem_param_int(setup->params, "number")];
	fill(weights, half->begin * SIZE, half->end * SIZE);
	return TANDEM_OK;
}

static int part_run(struct tandem_call *call)
{
	const struct part *rows = call->state;
	const float *x = call->inputs[0].data;
	float *y = memset(call->outputs[0].data, 0, sizeof(expected));
	for (int row = 0; row < ROWS; row++, x += SIZE, y += SIZE)
		for (int k = rows->begin; k < rows->end; k++)
			for (int j = 0; j < SIZE; j++)
				y[j] += x[k] * weights[k * SIZE + j];
	return TANDEM_OK;
}

static const struct tandem_param_spec params[] = { { "number", TANDEM_PARAM_INT, NULL, "0 or 1" }, { NULL, 0, NULL, NULL } };
static const struct tandem_op part = { TANDEM_OP_ABI, .name = "part", .summary = "a part of y = x W", .n_inputs_min = 1,
	.n_inputs_max = 1, .params = params, .infer = part_infer, .setup = part_setup, .run = part_run };

static double ms_a_batch(struct tandem_run *run, const struct tandem_tensor *x)
{
	struct timespec begin, end;
	timespec_get(&begin, TIME_UTC);
	for (int i = 0; i < N_BATCHES; i++) {
		struct tandem_result result;
		must(tandem_submit(run, x, NULL, &failure) || tandem_wait(run, TANDEM_FOREVER, &result, &failure));
		const float *y0 = result.outputs[0].data, *y1 = result.outputs[1].data;
		for (int k = 0; k < ROWS * SIZE; k++)
			if (y0[k] != y1[k] || !(y0[k] < expected[k] + 1e-4f && y0[k] > expected[k] - 1e-4f))
				errx(1, "batch %d, element %d: %g on w0, %g on w1, not %g", i, k, y0[k], y1[k], expected[k]);
		must(tandem_release(run, result.execution, &failure));
	}
	timespec_get(&end, TIME_UTC);
	return ((double)(end.tv_sec - begin.tv_sec) * 1e3 + (double)(end.tv_nsec - begin.tv_nsec) / 1e6) / N_BATCHES;
}

int main(int argc, char **argv)
{
	struct tandem *tandem = tandem_init(&argc, &argv, (const struct tandem_op *const[]){ &part, NULL }, &failure);
	must(tandem ? TANDEM_OK : failure.status);
	static const char text[] = "digraph tensor_parallel { input [tensors=\"x:f32[16,512]\"]; "
		"subgraph cluster_0 { worker=w0; device=\"cpu:0\"; part0 [op=part, number=0]; sum0 [op=all_reduce, collective=y]; } "
		"subgraph cluster_1 { worker=w1; device=\"cpu:1\"; part1 [op=part, number=1]; sum1 [op=all_reduce, collective=y]; } "
		"input -> part0 -> sum0 -> output; input -> part1 -> sum1 -> output; }";
	struct tandem_graph *graph;
	must(tandem_graph_parse(tandem, "dot", text, NULL, &failure, &graph) || tandem_graph_compile(graph, NULL, &failure));
	struct tandem_tensor x = tandem_tensor_make(TANDEM_F32, 2, (int64_t[]){ ROWS, SIZE }, fill(batch, 0, ROWS * SIZE));
	fill(weights, 0, SIZE * SIZE);
	part_run(&(struct tandem_call){ .state = &parts[2], .inputs = &x, .outputs = &(struct tandem_tensor){ .data = expected } });
	for (int mode = TANDEM_COMPILED; mode <= TANDEM_INTERPRETED; mode++) {
		struct tandem_run_options options = { .bytes = sizeof(options), .mode = mode, .trace_file = argc == 3 ? argv[1 + mode] : NULL };
		struct tandem_run *run;
		must(tandem_run_start(graph, &options, &failure, &run));
		printf("%-11s  %.3f ms a batch\n", mode ? "interpreted" : "compiled", ms_a_batch(run, &x));
		must(tandem_run_stop(run, NULL, &failure));
	}
	tandem_graph_destroy(graph);
	tandem_finish(tandem);
}
