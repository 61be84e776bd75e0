/* SPDX-License-Identifier: Apache-2.0
 *
 * bugs_module: ops with the mistakes that people look for with a debugger, each in one op, so that tests can ask whether it is found at the
 * right node. f32 of any fixed or varying shape, one input, one output; what is not said to be wrong is a copy.
 *
 *   keeps_pointer       adds the input of the execution before, read through a pointer that it kept
 *   adds_to_output      adds to what happens to be in its output
 *   nan_at              element `element` of execution `execution` is a NaN
 *   waits_for_ever      waits in execution `execution` for a condition that nobody signals
 *   crashes_deep        SIGSEGV in execution `execution`, three functions deep
 *   differs_in_place    adds to each element the one before, and says that it may work in place, which it may not: where that happens
 *                       depends on the mode
 *   drifts              adds rate * execution
 *   fails_at            an error in execution `execution`; -1: never
 */
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "engine/api/tandem.h"

struct bug {
	int64_t execution, element;
	double rate;
	const float *kept; /* keeps_pointer: the input of the execution before */
	pthread_mutex_t mutex;
	pthread_cond_t condition;
};

static int infer(struct tandem_infer *call, struct tandem_error *error)
{
	if (call->inputs[0].dtype != TANDEM_F32)
		return tandem_error_set(error, TANDEM_GRAPH, "only f32 is supported");
	call->outputs[0] = call->inputs[0];
	return TANDEM_OK;
}

static struct bug *make_state(void)
{
	struct bug *bug = calloc(1, sizeof *bug);
	if (bug) {
		pthread_mutex_init(&bug->mutex, NULL);
		pthread_cond_init(&bug->condition, NULL);
	}
	return bug;
}

static int set_up_plain(const struct tandem_setup *setup, void **ret_state, struct tandem_error *error)
{
	*ret_state = make_state();
	return *ret_state ? TANDEM_OK : tandem_error_set(error, TANDEM_NO_MEMORY, "out of memory");
}

static int set_up_at(const struct tandem_setup *setup, void **ret_state, struct tandem_error *error)
{
	struct bug *bug = make_state();
	if (!bug)
		return tandem_error_set(error, TANDEM_NO_MEMORY, "out of memory");
	bug->execution = tandem_param_int(setup->params, "execution");
	*ret_state = bug;
	return TANDEM_OK;
}

static int set_up_nan(const struct tandem_setup *setup, void **ret_state, struct tandem_error *error)
{
	int status = set_up_at(setup, ret_state, error);
	if (status == TANDEM_OK)
		((struct bug *)*ret_state)->element = tandem_param_int(setup->params, "element");
	return status;
}

static int set_up_drift(const struct tandem_setup *setup, void **ret_state, struct tandem_error *error)
{
	int status = set_up_plain(setup, ret_state, error);
	if (status == TANDEM_OK)
		((struct bug *)*ret_state)->rate = tandem_param_float(setup->params, "rate");
	return status;
}

static void reset(void *state)
{
	((struct bug *)state)->kept = NULL;
}

static int64_t copy(struct tandem_call *call)
{
	memcpy(call->outputs[0].data, call->inputs[0].data, tandem_tensor_bytes(&call->inputs[0]));
	return tandem_tensor_elements(&call->inputs[0]);
}

static bool is_now(const struct tandem_call *call)
{
	const struct bug *bug = call->state;
	return bug->execution >= 0 && call->execution == (uint64_t)bug->execution;
}

static int run_keeps_pointer(struct tandem_call *call)
{
	struct bug *bug = call->state;
	float *y = call->outputs[0].data;
	int64_t n = copy(call);
	for (int64_t i = 0; i < n && bug->kept; i++)
		y[i] += bug->kept[i];
	bug->kept = call->inputs[0].data;
	return TANDEM_OK;
}

static int run_adds_to_output(struct tandem_call *call)
{
	const float *x = call->inputs[0].data;
	float *y = call->outputs[0].data;
	int64_t n = tandem_tensor_elements(&call->inputs[0]);
	for (int64_t i = 0; i < n; i++)
		y[i] += x[i];
	return TANDEM_OK;
}

static int run_nan_at(struct tandem_call *call)
{
	const struct bug *bug = call->state;
	float *y = call->outputs[0].data;
	int64_t n = copy(call);
	if (is_now(call) && bug->element >= 0 && bug->element < n)
		y[bug->element] = NAN;
	return TANDEM_OK;
}

static int run_waits_for_ever(struct tandem_call *call)
{
	struct bug *bug = call->state;
	copy(call);
	if (!is_now(call))
		return TANDEM_OK;
	pthread_mutex_lock(&bug->mutex);
	for (;;)
		pthread_cond_wait(&bug->condition, &bug->mutex);
}

/* Visible and never inlined, so that a stack has their names with and without debug information. */
#define NAMED TANDEM_API __attribute__((noinline))
NAMED float bugs_read_cell(const float *cells, int64_t i);
NAMED float bugs_find_row(const float *table, int64_t row);
NAMED float bugs_look_up(const float *table, int64_t key);

float bugs_read_cell(const float *cells, int64_t i)
{
	return *(const volatile float *)&cells[i];
}

float bugs_find_row(const float *table, int64_t row)
{
	float cell = bugs_read_cell(table, row * 2);
	return cell + 1;
}

float bugs_look_up(const float *table, int64_t key)
{
	float row = bugs_find_row(table, key + 1);
	return row * 2;
}

static int run_crashes_deep(struct tandem_call *call)
{
	int64_t n = copy(call);
	if (is_now(call) && n > 0)
		((float *)call->outputs[0].data)[0] = bugs_look_up(NULL, n);
	return TANDEM_OK;
}

static int run_differs(struct tandem_call *call)
{
	const float *x = call->inputs[0].data;
	float *y = call->outputs[0].data;
	int64_t n = tandem_tensor_elements(&call->inputs[0]);
	for (int64_t i = 0; i < n; i++)
		y[i] = i ? x[i] + x[i - 1] : x[i];
	return TANDEM_OK;
}

static int run_drifts(struct tandem_call *call)
{
	const struct bug *bug = call->state;
	float *y = call->outputs[0].data;
	int64_t n = copy(call);
	for (int64_t i = 0; i < n; i++)
		y[i] += (float)(bug->rate * (double)call->execution);
	return TANDEM_OK;
}

static int run_fails_at(struct tandem_call *call)
{
	copy(call);
	if (is_now(call))
		return tandem_error_set(call->error, TANDEM_OP, "fails as asked");
	return TANDEM_OK;
}

static const struct tandem_param_spec at_params[] = {
	{ "execution", TANDEM_PARAM_INT, "0", "when" },
	{ NULL },
};
static const struct tandem_param_spec nan_params[] = {
	{ "execution", TANDEM_PARAM_INT, "0", "when" },
	{ "element", TANDEM_PARAM_INT, "0", "where, in row-major order" },
	{ NULL },
};
static const struct tandem_param_spec drift_params[] = {
	{ "rate", TANDEM_PARAM_FLOAT, "0", "what each execution adds" },
	{ NULL },
};

#define BUG(word, what, may, specs, set_up, function)                                                                      \
	{                                                                                                               \
		.abi = TANDEM_OP_ABI, .caps = may, .name = word, .summary = what, .n_inputs_min = 1, .n_inputs_max = 1, .params = specs, \
		.infer = infer, .setup = set_up, .reset = reset, .run = function, .teardown = free                       \
	}
static const struct tandem_op bugs[] = {
	BUG("keeps_pointer", "keeps a pointer to its input", 0, NULL, set_up_plain, run_keeps_pointer),
	BUG("adds_to_output", "adds to an output that it did not clear", 0, NULL, set_up_plain, run_adds_to_output),
	BUG("nan_at", "makes a NaN", 0, nan_params, set_up_nan, run_nan_at),
	BUG("waits_for_ever", "never returns", 0, at_params, set_up_at, run_waits_for_ever),
	BUG("crashes_deep", "reads where nothing is", 0, at_params, set_up_at, run_crashes_deep),
	BUG("differs_in_place", "is wrong in place", TANDEM_INPLACE, NULL, set_up_plain, run_differs),
	BUG("drifts", "is wrong by more each time", 0, drift_params, set_up_drift, run_drifts),
	BUG("fails_at", "fails once", 0, at_params, set_up_at, run_fails_at),
};

static const struct tandem_op *const ops[] = {
	&bugs[0], &bugs[1], &bugs[2], &bugs[3], &bugs[4], &bugs[5], &bugs[6], &bugs[7], NULL,
};

extern const struct tandem_module tandem_module;
TANDEM_API const struct tandem_module tandem_module = { TANDEM_OP_ABI, "planted bugs", ops };
