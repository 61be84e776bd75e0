/* SPDX-License-Identifier: Apache-2.0
 *
 * A module: an op of one's own for any graph, in a shared object. moving_average smooths what flows through it over executions, so it keeps
 * state: y = y + weight (x - y), element by element, and the first execution passes x on.
 *
 *     cc -O2 -shared -fPIC $(pkg-config --cflags tandem) moving_average.c -o moving_average.so
 *     tandem run smooth.dot --module ./moving_average.so --executions 100
 */
#include <stdlib.h>
#include <string.h>
#include <tandem.h>

struct moving_average {
	float weight;
	bool has_average;
	size_t bytes;
	float average[];
};

static int infer(struct tandem_infer *infer, struct tandem_error *error)
{
	const struct tandem_type *x = &infer->inputs[0];
	double weight = tandem_param_float(infer->params, "weight");

	if (!(weight > 0 && weight <= 1))
		return tandem_error_set(error, TANDEM_GRAPH, "weight=%g is not above 0 and at most 1", weight);
	if (x->dtype != TANDEM_F32)
		return tandem_error_set(error, TANDEM_GRAPH, "the input must be f32");
	for (int i = 0; i < x->n_dims; i++) {
		if (x->dims[i].mul != 0)
			return tandem_error_set(error, TANDEM_GRAPH, "dimension %d may change, but an average needs equal shapes", i);
	}
	infer->outputs[0] = *x;
	return TANDEM_OK;
}

static void reset(void *state)
{
	struct moving_average *average = state;
	average->has_average = false;
}

static int setup(const struct tandem_setup *setup, void **ret_state, struct tandem_error *error)
{
	size_t bytes = tandem_tensor_bytes(&setup->inputs[0]);
	struct moving_average *average = malloc(sizeof(*average) + bytes);

	if (!average)
		return tandem_error_set(error, TANDEM_NO_MEMORY, "no memory for an average of %zu bytes", bytes);
	average->weight = (float)tandem_param_float(setup->params, "weight");
	average->bytes = bytes;
	reset(average);
	*ret_state = average;
	return TANDEM_OK;
}

static int run(struct tandem_call *call)
{
	struct moving_average *average = call->state;
	const float *x = call->inputs[0].data;
	int64_t n = tandem_tensor_elements(&call->inputs[0]);

	if (!average->has_average)
		memcpy(average->average, x, average->bytes);
	average->has_average = true;
	for (int64_t i = 0; i < n; i++)
		average->average[i] += average->weight * (x[i] - average->average[i]);
	memcpy(call->outputs[0].data, average->average, average->bytes);
	return TANDEM_OK;
}

static const struct tandem_param_spec params[] = {
	{ "weight", TANDEM_PARAM_FLOAT, "0.1", "of the newest value, above 0 and at most 1" },
	{ NULL, 0, NULL, NULL },
};

static const struct tandem_op moving_average = {
	.abi = TANDEM_OP_ABI,
	.caps = TANDEM_INPLACE,
	.name = "moving_average",
	.summary = "exponential moving average over executions",
	.n_inputs_min = 1,
	.n_inputs_max = 1,
	.params = params,
	.infer = infer,
	.setup = setup,
	.reset = reset,
	.run = run,
	.teardown = free,
};

TANDEM_API extern const struct tandem_module tandem_module;
const struct tandem_module tandem_module = {
	.abi = TANDEM_OP_ABI,
	.summary = "averages over executions",
	.ops = (const struct tandem_op *const[]){ &moving_average, NULL },
};
