/* SPDX-License-Identifier: Apache-2.0
 *
 * api_module: modules for test_registry and the command line, one for each MODULE_… that is defined.
 */
#include "engine/api/tandem.h"

static int infer(struct tandem_infer *call, struct tandem_error *error)
{
	if (call->inputs[0].dtype != TANDEM_F32)
		return tandem_error_set(error, TANDEM_GRAPH, "only f32 is supported");
	call->outputs[0] = call->inputs[0];
	return TANDEM_OK;
}

static int run(struct tandem_call *call)
{
	const float *x = call->inputs[0].data;
	float *y = call->outputs[0].data;
	int64_t n = tandem_tensor_elements(&call->outputs[0]);
	for (int64_t i = 0; i < n; i++)
		y[i] = -x[i];
	return TANDEM_OK;
}

#ifdef MODULE_BUILTIN
#define NAME "scale"
#else
#define NAME "negate"
#endif

static const struct tandem_op negate = {
	.abi = TANDEM_OP_ABI,
	.name = NAME,
	.summary = "its input with the other sign",
	.n_inputs_min = 1,
	.n_inputs_max = 1,
	.infer = infer,
#ifndef MODULE_NO_RUN
	.run = run,
#endif
};

static const struct tandem_op *const ops[] = {
#ifdef MODULE_EMPTY
	NULL,
#endif
	&negate,
#ifdef MODULE_TWICE
	&negate,
#endif
	NULL,
};

#ifdef MODULE_ABI
#define ABI 99
#else
#define ABI TANDEM_OP_ABI
#endif

#ifdef MODULE_NOTHING
#define SYMBOL tandem_nothing
#else
#define SYMBOL tandem_module
#endif

#ifdef MODULE_NO_RUN
int (*const tandem_test_unused)(struct tandem_call *call) = run;
#endif

extern const struct tandem_module SYMBOL;
TANDEM_API const struct tandem_module SYMBOL = { ABI, "for tests", ops };
