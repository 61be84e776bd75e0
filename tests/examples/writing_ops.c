/* SPDX-License-Identifier: Apache-2.0
 *
 * writing_ops: the ops that doc/writing-ops.md shows, in a program that runs them in both modes and looks at what they give.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tandem.h>

static int clip_infer(struct tandem_infer *infer, struct tandem_error *error)
{
	if (infer->inputs[0].dtype != TANDEM_F32)
		return tandem_error_set(error, TANDEM_GRAPH, "the input must be f32");
	infer->outputs[0] = infer->inputs[0];
	return TANDEM_OK;
}

static int clip_run(struct tandem_call *call)
{
	const float *x = call->inputs[0].data;
	float *y = call->outputs[0].data;
	int64_t n = tandem_tensor_elements(&call->inputs[0]);

	for (int64_t i = 0; i < n; i++)
		y[i] = x[i] < 0 ? 0 : x[i] > 1 ? 1 : x[i];
	return TANDEM_OK;
}

static const struct tandem_op clip = {
	.abi = TANDEM_OP_ABI,
	.caps = TANDEM_INPLACE,
	.name = "clip",
	.summary = "every element between 0 and 1",
	.n_inputs_min = 1,
	.n_inputs_max = 1,
	.infer = clip_infer,
	.run = clip_run,
};

static int stack_infer(struct tandem_infer *infer, struct tandem_error *error)
{
	struct tandem_type *y = &infer->outputs[0];

	*y = infer->inputs[0];
	for (int i = 1; i < infer->n_inputs; i++) {
		const struct tandem_type *x = &infer->inputs[i];
		if (x->dtype != y->dtype || x->n_dims != 2 || memcmp(&x->dims[1], &y->dims[1], sizeof(x->dims[1])) != 0)
			return tandem_error_set(error, TANDEM_GRAPH, "input %d must have the dtype and the row size of input 0", i);
		if (x->dims[0].mul && y->dims[0].mul && x->dims[0].symbol != y->dims[0].symbol)
			return tandem_error_set(error, TANDEM_GRAPH, "input %d has another letter for its rows: their sum is no size", i);
		if (x->dims[0].mul)
			y->dims[0].symbol = x->dims[0].symbol;
		y->dims[0].mul += x->dims[0].mul;
		y->dims[0].add += x->dims[0].add;
	}
	return TANDEM_OK;
}

static int stack_run(struct tandem_call *call)
{
	char *to = call->outputs[0].data;

	for (int i = 0; i < call->n_inputs; i++) {
		size_t bytes = tandem_tensor_bytes(&call->inputs[i]);
		memcpy(to, call->inputs[i].data, bytes);
		to += bytes;
	}
	return TANDEM_OK;
}

static const struct tandem_op stack = {
	.abi = TANDEM_OP_ABI,
	.name = "stack_rows",
	.summary = "the rows of all inputs, one after the other",
	.n_inputs_min = 1,
	.n_inputs_max = TANDEM_INPUTS_MAX,
	.infer = stack_infer,
	.run = stack_run,
};

static int min_max_infer(struct tandem_infer *infer, struct tandem_error *error)
{
	if (infer->inputs[0].dtype != TANDEM_F32)
		return tandem_error_set(error, TANDEM_GRAPH, "the input must be f32");
	infer->n_outputs = 2;
	infer->outputs[0] = infer->outputs[1] = (struct tandem_type){ .dtype = TANDEM_F32, .n_dims = 0 };
	return TANDEM_OK;
}

static int min_max_run(struct tandem_call *call)
{
	const float *x = call->inputs[0].data;
	int64_t n = tandem_tensor_elements(&call->inputs[0]);
	float *least = call->outputs[0].data, *most = call->outputs[1].data;

	*least = *most = x[0];
	for (int64_t i = 0; i < n; i++) {
		if (isnan(x[i]))
			return tandem_error_set(call->error, TANDEM_OP, "element %" PRId64 " is not a number", i);
		*least = x[i] < *least ? x[i] : *least;
		*most = x[i] > *most ? x[i] : *most;
	}
	return TANDEM_OK;
}

static const struct tandem_op min_max = {
	.abi = TANDEM_OP_ABI,
	.name = "min_max",
	.summary = "least and largest element",
	.n_inputs_min = 1,
	.n_inputs_max = 1,
	.output_names = (const char *const[]){ "least", "most", NULL },
	.infer = min_max_infer,
	.run = min_max_run,
};

static const struct tandem_op *const ops[] = { &clip, &stack, &min_max, NULL };

static const char graph_text[] =
	"digraph ops {\n"
	"  input [tensors=\"x:f32[B<=8,2] y:f32[B<=8,2]\"];\n"
	"  subgraph cluster_0 { worker=w0; device=\"cpu:0\"; stack [op=stack_rows]; }\n"
	"  subgraph cluster_1 { worker=w1; device=\"cpu:1\"; clip [op=clip]; ends [op=min_max]; }\n"
	"  input -> stack [from=x, arg=0];\n"
	"  input -> stack [from=y, arg=1];\n"
	"  stack -> ends;\n"
	"  stack -> clip -> output;\n"
	"  ends -> output [from=least, arg=least];\n"
	"  ends -> output [from=most, arg=most];\n"
	"}\n";

#define EXPECT(condition)                                                                            \
	do {                                                                                         \
		if (!(condition)) {                                                                  \
			fprintf(stderr, "writing_ops:%d: not so: %s (%s)\n", __LINE__, #condition, error.text); \
			exit(1);                                                                     \
		}                                                                                    \
	} while (0)

static void run_in(struct tandem_graph *graph, int mode)
{
	struct tandem_error error = { 0 };
	struct tandem_run_options options = { .bytes = sizeof options, .mode = mode };
	float x[] = { -1, 0.5f, 2, 0.25f }, y[] = { 7, 0.75f, -3, 0 };
	const float clipped[] = { 0, 0.5f, 1, 0.25f, 1, 0.75f, 0, 0 };
	float bad[] = { 0, NAN, 0, 0 };
	const int64_t shape[] = { 2, 2 };
	struct tandem_tensor inputs[] = { tandem_tensor_make(TANDEM_F32, 2, shape, x), tandem_tensor_make(TANDEM_F32, 2, shape, y) };
	struct tandem_tensor wrong[] = { tandem_tensor_make(TANDEM_F32, 2, shape, bad), inputs[1] };
	struct tandem_run *run;
	struct tandem_result result;
	EXPECT(tandem_run_start(graph, &options, &error, &run) == TANDEM_OK);
	EXPECT(tandem_submit(run, inputs, NULL, &error) == TANDEM_OK);
	EXPECT(tandem_submit(run, wrong, NULL, &error) == TANDEM_OK);
	EXPECT(tandem_wait(run, TANDEM_FOREVER, &result, &error) == TANDEM_OK);
	EXPECT(result.n_outputs == 3 && result.outputs[0].shape[0] == 4);
	EXPECT(memcmp(result.outputs[0].data, clipped, sizeof clipped) == 0);
	EXPECT(*(float *)result.outputs[1].data == -3 && *(float *)result.outputs[2].data == 7);
	EXPECT((uintptr_t)result.outputs[0].data % TANDEM_ALIGN_BYTES == 0);
	EXPECT(tandem_release(run, result.execution, &error) == TANDEM_OK);
	EXPECT(tandem_wait(run, TANDEM_FOREVER, &result, &error) == TANDEM_OP);
	EXPECT(strstr(error.text, "element 1 is not a number") && strstr(error.text, "ends"));
	EXPECT(tandem_release(run, result.execution, &error) == TANDEM_OK);
	EXPECT(tandem_run_stop(run, NULL, &error) == TANDEM_OK);
}

int main(int argc, char **argv)
{
	struct tandem_error error = { 0 };
	struct tandem *tandem = tandem_init(&argc, &argv, ops, &error);
	struct tandem_graph *graph = NULL;
	EXPECT(tandem);
	EXPECT(tandem_graph_parse(tandem, "ops", graph_text, NULL, &error, &graph) == TANDEM_OK);
	EXPECT(tandem_graph_compile(graph, NULL, &error) == TANDEM_OK);
	for (int mode = TANDEM_COMPILED; mode <= TANDEM_INTERPRETED; mode++)
		run_in(graph, mode);
	tandem_graph_destroy(graph);
	tandem_finish(tandem);
	return 0;
}
