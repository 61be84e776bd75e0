/* SPDX-License-Identifier: Apache-2.0
 *
 * testing: ops that behave in a chosen way: copy, take a set time, print, count. Most accept up to 64 inputs, so that they
 * can join branches; the output follows the first.
 */
#include "engine/ops/ops.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/base/clock.h"
#include "engine/ops/infer.h"
#include "engine/ops/kernels.h"

/* -- copy, touch, fill ------------------------------------------------------------------------------------------------ */

const struct op op_copy = {
	.name = "copy",
	.summary = "copies its input",
	.n_inputs_min = 1,
	.n_inputs_max = OP_INPUTS_MAX,
	.infer = infer_same,
	.run = ops_copy_first,
};

static int touch_setup(const struct op_setup *setup, void **ret_state, struct error *error)
{
	*ret_state = (void *)(uintptr_t)kernels_get();
	return STATUS_OK;
}

static int touch_run(struct op_run *run)
{
	const struct kernels *kernels = run->state;
	const struct tensor *x = &run->inputs[0];
	kernels->add_one[x->dtype](run->outputs[0].data, x->data, tensor_n_elements(x));
	return STATUS_OK;
}

const struct op op_touch = {
	.name = "touch",
	.summary = "adds 1 to every element: reads all of its input and writes all of its output once",
	.n_inputs_min = 1,
	.n_inputs_max = OP_INPUTS_MAX,
	.caps = OP_INPLACE,
	.infer = infer_same,
	.setup = touch_setup,
	.run = touch_run,
};

static const struct op_param_spec fill_params[] = {
	{ "value", OP_PARAM_FLOAT, NULL, "what every element becomes" },
	{ 0 },
};

static int fill_setup(const struct op_setup *setup, void **ret_state, struct error *error)
{
	double *value = malloc(sizeof(*value));
	if (!value)
		return error_set(error, STATUS_NO_MEMORY, "no memory for the state of fill");
	*value = op_params_float(&setup->params, "value");
	*ret_state = value;
	return STATUS_OK;
}

static int fill_run(struct op_run *run)
{
	const struct tensor *y = &run->outputs[0];
	double value = *(double *)run->state;
	int64_t n = tensor_n_elements(y);

	switch (y->dtype) {
#define X(name, type)                               \
	case DTYPE_##name:                          \
		for (int64_t i = 0; i < n; i++)     \
			((type *)y->data)[i] = (type)value; \
		break;
		KERNEL_DTYPES_MAP(X)
#undef X
	case DTYPE_COUNT:
		break;
	}
	return STATUS_OK;
}

/* Whether a number can become every dtype's element without leaving its range. */
static int fill_infer(struct op_infer *infer, struct error *error)
{
	static const struct {
		double min, max;
	} ranges[DTYPE_COUNT] = {
		[DTYPE_F32] = { -3.4e38, 3.4e38 },   [DTYPE_F64] = { -1.7e308, 1.7e308 },
		[DTYPE_I8] = { -128, 127 },          [DTYPE_U8] = { 0, 255 },
		[DTYPE_I32] = { -2147483648.0, 2147483647.0 },
		[DTYPE_I64] = { -9007199254740992.0, 9007199254740992.0 },
	};
	enum dtype dtype = infer->inputs[0].dtype;
	double value = op_params_float(&infer->params, "value");

	if (value < ranges[dtype].min || value > ranges[dtype].max)
		return error_set(error, STATUS_GRAPH, "value=%g is outside the range of %s", value, dtype_word(dtype));
	return infer_same(infer, error);
}

const struct op op_fill = {
	.name = "fill",
	.summary = "a tensor of its input's shape with one value everywhere",
	.n_inputs_min = 1,
	.n_inputs_max = OP_INPUTS_MAX,
	.params = fill_params,
	.caps = OP_INPLACE,
	.infer = fill_infer,
	.setup = fill_setup,
	.run = fill_run,
	.teardown = free,
};

/* -- spin, sleep ------------------------------------------------------------------------------------------------------ */

static const struct op_param_spec duration_params[] = {
	{ "us", OP_PARAM_FLOAT, NULL, "time that one execution takes, in µs" },
	{ 0 },
};

static int duration_infer(struct op_infer *infer, struct error *error)
{
	double us = op_params_float(&infer->params, "us");
	if (us < 0 || us > 1e12)
		return error_set(error, STATUS_GRAPH, "us=%g is no time between 0 and 1e12 µs", us);
	return infer_same(infer, error);
}

static int duration_setup(const struct op_setup *setup, void **ret_state, struct error *error)
{
	int64_t *duration_ns = malloc(sizeof(*duration_ns));
	if (!duration_ns)
		return error_set(error, STATUS_NO_MEMORY, "no memory for the state of %s", setup->params.op->name);
	*duration_ns = llround(op_params_float(&setup->params, "us") * 1000);
	*ret_state = duration_ns;
	return STATUS_OK;
}

static int spin_run(struct op_run *run)
{
	int64_t end_ns = clock_now().ns + *(int64_t *)run->state;
	ops_copy_first(run);
	while (clock_now().ns < end_ns)
		;
	return STATUS_OK;
}

static int sleep_run(struct op_run *run)
{
	int64_t end_ns = clock_now().ns + *(int64_t *)run->state;
	struct timespec end = { .tv_sec = end_ns / 1000000000, .tv_nsec = end_ns % 1000000000 };

	ops_copy_first(run);
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &end, NULL) == EINTR)
		;
	return STATUS_OK;
}

const struct op op_spin = {
	.name = "spin",
	.summary = "copies its input and keeps its core busy for a set time",
	.n_inputs_min = 1,
	.n_inputs_max = OP_INPUTS_MAX,
	.params = duration_params,
	.infer = duration_infer,
	.setup = duration_setup,
	.run = spin_run,
	.teardown = free,
};

const struct op op_sleep = {
	.name = "sleep",
	.summary = "copies its input and sleeps for a set time",
	.n_inputs_min = 1,
	.n_inputs_max = OP_INPUTS_MAX,
	.params = duration_params,
	.infer = duration_infer,
	.setup = duration_setup,
	.run = sleep_run,
	.teardown = free,
};

/* -- print, counter --------------------------------------------------------------------------------------------------- */

static const struct op_param_spec print_params[] = {
	{ "text", OP_PARAM_TEXT, "", "what to print in front" },
	{ 0 },
};

static int print_setup(const struct op_setup *setup, void **ret_state, struct error *error)
{
	*ret_state = (void *)(uintptr_t)op_params_text(&setup->params, "text");
	return STATUS_OK;
}

static double element(const struct tensor *tensor, int64_t i)
{
	switch (tensor->dtype) {
#define X(name, type)      \
	case DTYPE_##name: \
		return (double)((const type *)tensor->data)[i];
		KERNEL_DTYPES_MAP(X)
#undef X
	case DTYPE_COUNT:
		break;
	}
	return NAN;
}

static int print_run(struct op_run *run)
{
	const struct tensor *x = &run->inputs[0];
	const char *text = run->state;
	double min = INFINITY, max = -INFINITY, sum = 0;
	int64_t n = tensor_n_elements(x), n_nan = 0;
	char shape[100];

	for (int64_t i = 0; i < n; i++) {
		double value = element(x, i);
		n_nan += isnan(value);
		sum += isnan(value) ? 0 : value;
		min = fmin(min, value);
		max = fmax(max, value);
	}
	printf("%s%sexecution %" PRIu64 ": %s min %.6g mean %.6g max %.6g NaN %" PRId64 "\n", text, *text ? " " : "",
		run->execution, tensor_describe(x, shape, sizeof(shape)), min, n > n_nan ? sum / (double)(n - n_nan) : NAN,
		max, n_nan);
	fflush(stdout);
	return ops_copy_first(run);
}

const struct op op_print = {
	.name = "print",
	.summary = "passes its input on and prints its shape, smallest, mean and largest value",
	.n_inputs_min = 1,
	.n_inputs_max = 1,
	.params = print_params,
	.caps = OP_INPLACE,
	.infer = infer_same,
	.setup = print_setup,
	.run = print_run,
};

static int counter_setup(const struct op_setup *setup, void **ret_state, struct error *error)
{
	*ret_state = calloc(1, sizeof(int64_t));
	if (!*ret_state)
		return error_set(error, STATUS_NO_MEMORY, "no memory for the state of counter");
	return STATUS_OK;
}

static void counter_reset(void *state)
{
	*(int64_t *)state = 0;
}

static int counter_run(struct op_run *run)
{
	const struct tensor *x = &run->inputs[0];
	const struct tensor *y = &run->outputs[0];
	int64_t *count = run->state;
	int64_t n = tensor_n_elements(x);

	switch (x->dtype) {
#define X(name, type)                                                                    \
	case DTYPE_##name:                                                               \
		for (int64_t i = 0; i < n; i++)                                          \
			((type *)y->data)[i] = (type)(((const type *)x->data)[i] + (type)*count); \
		break;
		KERNEL_DTYPES_MAP(X)
#undef X
	case DTYPE_COUNT:
		break;
	}
	++*count;
	return STATUS_OK;
}

const struct op op_counter = {
	.name = "counter",
	.summary = "adds the number of its earlier executions to every element: an op with state",
	.n_inputs_min = 1,
	.n_inputs_max = 1,
	.caps = OP_INPLACE,
	.infer = infer_same,
	.setup = counter_setup,
	.reset = counter_reset,
	.run = counter_run,
	.teardown = free,
};
