/* SPDX-License-Identifier: Apache-2.0
 *
 * tutorial_module: the ops of doc/debugging.md, each with a mistake of the kind that people make. f32, one input, one output like it.
 *
 *   fade         fades out: times 1 − rate · execution. Mistake: nobody stops at 0
 *   unit_rows    each row over its length. Mistake: a row of zeros
 *   change       minus what came the execution before. Mistake: it keeps a pointer to its input, which is only lent to it
 *   recall       counts what it has been given, up to `places`. Mistake: a way out without unlocking
 *   look_up      the entry of a table that each element names. Mistake: the table is shorter than what is looked up
 */
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "engine/api/tandem.h"

#define TABLE_LENGTH 8

struct state {
	double rate;
	int64_t places, n_taken;
	const float *before;
	pthread_mutex_t mutex;
	const float *table;
};

static int infer(struct tandem_infer *call, struct tandem_error *error)
{
	if (call->inputs[0].dtype != TANDEM_F32 || call->inputs[0].n_dims < 1)
		return tandem_error_set(error, TANDEM_GRAPH, "only f32 with a dimension or more is supported");
	call->outputs[0] = call->inputs[0];
	return TANDEM_OK;
}

static int set_up(const struct tandem_setup *setup, void **ret_state, struct tandem_error *error)
{
	static const float table[TABLE_LENGTH] = { 0, 1, 4, 9, 16, 25, 36, 49 };
	struct state *state = calloc(1, sizeof *state);
	if (!state)
		return tandem_error_set(error, TANDEM_NO_MEMORY, "out of memory");
	pthread_mutex_init(&state->mutex, NULL);
	state->table = table;
	*ret_state = state;
	return TANDEM_OK;
}

static int set_up_fade(const struct tandem_setup *setup, void **ret_state, struct tandem_error *error)
{
	int status = set_up(setup, ret_state, error);
	if (status == TANDEM_OK)
		((struct state *)*ret_state)->rate = tandem_param_float(setup->params, "rate");
	return status;
}

static int set_up_recall(const struct tandem_setup *setup, void **ret_state, struct tandem_error *error)
{
	int status = set_up(setup, ret_state, error);
	if (status == TANDEM_OK)
		((struct state *)*ret_state)->places = tandem_param_int(setup->params, "places");
	return status;
}

static int run_fade(struct tandem_call *call)
{
	const struct state *state = call->state;
	const float *x = call->inputs[0].data;
	float *y = call->outputs[0].data;
	float gain = fmaxf(0, 1 - (float)(state->rate * (double)call->execution));
	for (int64_t i = 0, n = tandem_tensor_elements(&call->inputs[0]); i < n; i++)
		y[i] = x[i] * gain;
	return TANDEM_OK;
}

static int run_unit_rows(struct tandem_call *call)
{
	const struct tandem_tensor *input = &call->inputs[0];
	const float *x = input->data;
	float *y = call->outputs[0].data;
	int64_t n_columns = input->shape[input->n_dims - 1], n = tandem_tensor_elements(input);
	for (int64_t row = 0; row < n; row += n_columns) {
		float sum = 0;
		for (int64_t i = 0; i < n_columns; i++)
			sum += x[row + i] * x[row + i];
		for (int64_t i = 0; i < n_columns; i++)
			y[row + i] = x[row + i] / sqrtf(sum);
	}
	return TANDEM_OK;
}

static int run_change(struct tandem_call *call)
{
	struct state *state = call->state;
	const float *x = call->inputs[0].data, *before = state->before ? state->before : x;
	float *y = call->outputs[0].data;
	for (int64_t i = 0, n = tandem_tensor_elements(&call->inputs[0]); i < n; i++)
		y[i] = x[i] - before[i];
	state->before = x;
	return TANDEM_OK;
}

static int run_recall(struct tandem_call *call)
{
	struct state *state = call->state;
	memcpy(call->outputs[0].data, call->inputs[0].data, tandem_tensor_bytes(&call->inputs[0]));
	pthread_mutex_lock(&state->mutex);
	if (state->n_taken == state->places)
		return TANDEM_OK;
	state->n_taken++;
	pthread_mutex_unlock(&state->mutex);
	return TANDEM_OK;
}

/* Visible and never inlined, so that a stack has their names with and without debug information. */
#define NAMED TANDEM_API __attribute__((noinline))
NAMED float tutorial_read_entry(const float *table, int64_t i);
NAMED float tutorial_find_entry(const float *table, float key);

float tutorial_read_entry(const float *table, int64_t i)
{
	return *(const volatile float *)&table[i];
}

float tutorial_find_entry(const float *table, float key)
{
	float entry = tutorial_read_entry(table, (int64_t)key);
	return entry * 2;
}

static int run_look_up(struct tandem_call *call)
{
	const struct state *state = call->state;
	const float *x = call->inputs[0].data;
	float *y = call->outputs[0].data;
	for (int64_t i = 0, n = tandem_tensor_elements(&call->inputs[0]); i < n; i++)
		y[i] = tutorial_find_entry(state->table, x[i]);
	return TANDEM_OK;
}

static void reset(void *state)
{
	((struct state *)state)->before = NULL;
	((struct state *)state)->n_taken = 0;
}

static const struct tandem_param_spec fade_params[] = {
	{ "rate", TANDEM_PARAM_FLOAT, "0.25", "what each execution takes away" },
	{ NULL },
};
static const struct tandem_param_spec recall_params[] = {
	{ "places", TANDEM_PARAM_INT, "4", "how many it counts" },
	{ NULL },
};

#define OP(word, what, specs, make, function)                                                                                \
	{                                                                                                                    \
		.abi = TANDEM_OP_ABI, .name = word, .summary = what, .n_inputs_min = 1, .n_inputs_max = 1, .params = specs,  \
		.infer = infer, .setup = make, .reset = reset, .run = function, .teardown = free                             \
	}
static const struct tandem_op fade = OP("fade", "fades out", fade_params, set_up_fade, run_fade);
static const struct tandem_op unit_rows = OP("unit_rows", "each row over its length", NULL, set_up, run_unit_rows);
static const struct tandem_op change = OP("change", "minus the execution before", NULL, set_up, run_change);
static const struct tandem_op recall = OP("recall", "counts what it was given", recall_params, set_up_recall, run_recall);
static const struct tandem_op look_up = OP("look_up", "the entries of a table", NULL, set_up, run_look_up);

static const struct tandem_op *const ops[] = { &fade, &unit_rows, &change, &recall, &look_up, NULL };

extern const struct tandem_module tandem_module;
TANDEM_API const struct tandem_module tandem_module = { TANDEM_OP_ABI, "ops of the tutorial", ops };
