/* SPDX-License-Identifier: Apache-2.0
 *
 * elementwise: arithmetic of two tensors (the second broadcast as NumPy does) or of a tensor and a number, and functions of
 * each element.
 */
#include "engine/ops/ops.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/ops/infer.h"
#include "engine/ops/kernels.h"

/* -- add, sub, mul, div ------------------------------------------------------------------------------------------------ */

union scalar {
#define X(name, type) type name;
	KERNEL_DTYPES_MAP(X)
#undef X
};

struct arithmetic {
	const struct kernels *kernels;
	enum kernel_binary binary;
	union scalar scalar; /* in the dtype of input 0; for nodes with one input */
};

static const struct op_param_spec arithmetic_params[] = {
	{ "scalar", OP_PARAM_FLOAT, "0", "second operand, instead of a second input" },
	{ 0 },
};

static const char *const arithmetic_inputs[] = { "a", "b", NULL };

/* Each dimension of b, aligned at the end, is 1 or that of a. */
static bool can_broadcast(const struct tensor_type *a, const struct tensor_type *b)
{
	int skipped = a->n_dims - b->n_dims;

	if (skipped < 0)
		return false;
	for (int i = 0; i < b->n_dims; i++) {
		if (!dim_equal(b->dims[i], a->dims[skipped + i]) && !dim_equal(b->dims[i], dim_constant(1)))
			return false;
	}
	return true;
}

static bool is_integer(enum dtype dtype)
{
	return dtype != DTYPE_F32 && dtype != DTYPE_F64;
}

static int scalar_infer(const struct op_infer *infer, struct error *error)
{
	double scalar = op_params_float(&infer->params, "scalar");
	enum dtype dtype = infer->inputs[0].dtype;

	if (!infer_written(&infer->params, "scalar"))
		return error_set(error, STATUS_GRAPH, "one input needs scalar=NUMBER; otherwise give a second input");
	if (is_integer(dtype) && scalar != nearbyint(scalar))
		return error_set(
			error, STATUS_GRAPH, "scalar=%g is no integer, but input a is %s", scalar, dtype_word(dtype));
	if (is_integer(dtype) && scalar == 0 && infer->params.op == &op_div)
		return error_set(error, STATUS_GRAPH, "scalar=0 would divide %s by zero", dtype_word(dtype));
	return STATUS_OK;
}

static int arithmetic_infer(struct op_infer *infer, struct error *error)
{
	char type[200];
	int status;

	if (infer->n_inputs == 1) {
		status = scalar_infer(infer, error);
		return status ? status : infer_same(infer, error);
	}
	if (infer_written(&infer->params, "scalar"))
		return error_set(error, STATUS_GRAPH, "scalar is for one input, but there are two: leave one of them out");
	status = infer_dtype(infer, 1, infer->inputs[0].dtype, error);
	if (status)
		return status;
	if (!can_broadcast(&infer->inputs[0], &infer->inputs[1]))
		return infer_unexpected(infer, 1, error,
			"a shape that broadcasts to %s: equal or 1 from the last dimension on",
			type_describe(&infer->inputs[0], infer->symbols, false, type, sizeof(type)));
	return infer_same(infer, error);
}

static enum kernel_binary binary_of(const struct op *op)
{
	return op == &op_add ? KERNEL_ADD : op == &op_sub ? KERNEL_SUB : op == &op_mul ? KERNEL_MUL : KERNEL_DIV;
}

static int arithmetic_setup(const struct op_setup *setup, void **ret_state, struct error *error)
{
	struct arithmetic *arithmetic = calloc(1, sizeof(*arithmetic));
	double scalar = op_params_float(&setup->params, "scalar");

	if (!arithmetic)
		return error_set(error, STATUS_NO_MEMORY, "no memory for the state of %s", setup->params.op->name);
	arithmetic->kernels = kernels_get();
	arithmetic->binary = binary_of(setup->params.op);
	switch (setup->inputs[0].dtype) {
#define X(name, type)                                        \
	case DTYPE_##name:                                   \
		arithmetic->scalar.name = (type)scalar;      \
		break;
		KERNEL_DTYPES_MAP(X)
#undef X
	case DTYPE_COUNT:
		break;
	}
	*ret_state = arithmetic;
	return STATUS_OK;
}

/* Elements between neighbours of b along each dimension of a; 0 where b is repeated. */
static void broadcast_strides(const struct tensor *a, const struct tensor *b, int64_t *strides)
{
	int skipped = a->n_dims - b->n_dims;
	for (int i = 0; i < a->n_dims; i++)
		strides[i] = i < skipped || b->shape[i - skipped] == 1 ? 0 : b->strides[i - skipped];
}

/* Walks the rows (last dimension) of a; the rows of b are whole or one repeated element. */
static void broadcast(const struct arithmetic *arithmetic, const struct tensor *a, const struct tensor *b, char *y)
{
	int64_t b_strides[TENSOR_DIMS_MAX] = { 0 }, at[TENSOR_DIMS_MAX] = { 0 };
	int last = a->n_dims - 1;
	int64_t n = last < 0 ? 1 : a->shape[last];
	int64_t n_rows = n ? tensor_n_elements(a) / n : 0;
	size_t bytes = dtype_bytes(a->dtype);
	const char *x = a->data, *z = b->data;

	broadcast_strides(a, b, b_strides);
	kernel_binary_fn *fn = last >= 0 && b_strides[last]
				       ? arithmetic->kernels->binary[arithmetic->binary][a->dtype]
				       : arithmetic->kernels->binary_scalar[arithmetic->binary][a->dtype];
	for (int64_t row = 0; row < n_rows; row++) {
		fn(y, x, z, n);
		x += (size_t)n * bytes;
		y += (size_t)n * bytes;
		for (int i = last - 1; i >= 0; i--) {
			z += b_strides[i] * (int64_t)bytes;
			if (++at[i] < a->shape[i])
				break;
			z -= b_strides[i] * at[i] * (int64_t)bytes;
			at[i] = 0;
		}
	}
}

static bool has_zero(const struct tensor *tensor)
{
	int64_t n = tensor_n_elements(tensor);
	switch (tensor->dtype) {
#define X(name, type)                                               \
	case DTYPE_##name:                                          \
		for (int64_t i = 0; i < n; i++) {                   \
			if (((const type *)tensor->data)[i] == 0)   \
				return true;                        \
		}                                                   \
		break;
		KERNEL_DTYPES_MAP(X)
#undef X
	case DTYPE_COUNT:
		break;
	}
	return false;
}

static int arithmetic_run(struct op_run *run)
{
	const struct arithmetic *arithmetic = run->state;
	const struct tensor *a = &run->inputs[0], *b = &run->inputs[1];
	void *y = run->outputs[0].data;
	enum kernel_binary binary = arithmetic->binary;

	if (run->n_inputs == 1) {
		arithmetic->kernels->binary_scalar[binary][a->dtype](y, a->data, &arithmetic->scalar, tensor_n_elements(a));
		return STATUS_OK;
	}
	if (binary == KERNEL_DIV && is_integer(b->dtype) && has_zero(b))
		return error_set(run->error, STATUS_OP, "input b has a zero to divide %s by", dtype_word(b->dtype));
	if (tensor_same_shape(a, b))
		arithmetic->kernels->binary[binary][a->dtype](y, a->data, b->data, tensor_n_elements(a));
	else
		broadcast(arithmetic, a, b, y);
	return STATUS_OK;
}

#define ARITHMETIC_OP(word, text)                    \
	const struct op op_##word = {                \
		.name = #word,                       \
		.summary = text,                     \
		.n_inputs_min = 1,                   \
		.n_inputs_max = 2,                   \
		.input_names = arithmetic_inputs,    \
		.params = arithmetic_params,         \
		.caps = OP_INPLACE,                  \
		.infer = arithmetic_infer,           \
		.setup = arithmetic_setup,           \
		.run = arithmetic_run,               \
		.teardown = free,                    \
	}

ARITHMETIC_OP(add, "sum of two tensors, the second broadcast, or of a tensor and a number");
ARITHMETIC_OP(sub, "difference of two tensors, the second broadcast, or of a tensor and a number");
ARITHMETIC_OP(mul, "product of two tensors, the second broadcast, or of a tensor and a number");
ARITHMETIC_OP(div, "quotient of two tensors, the second broadcast, or of a tensor and a number");

/* -- scale ------------------------------------------------------------------------------------------------------------- */

static const struct op_param_spec scale_params[] = {
	{ "factor", OP_PARAM_FLOAT, NULL, "what every element is multiplied by" },
	{ 0 },
};

static int f32_infer(struct op_infer *infer, struct error *error)
{
	int status = infer_dtype(infer, 0, DTYPE_F32, error);
	return status ? status : infer_same(infer, error);
}

static int scale_setup(const struct op_setup *setup, void **ret_state, struct error *error)
{
	struct arithmetic *scale = calloc(1, sizeof(*scale));
	if (!scale)
		return error_set(error, STATUS_NO_MEMORY, "no memory for the state of scale");
	scale->kernels = kernels_get();
	scale->binary = KERNEL_MUL;
	scale->scalar.F32 = (float)op_params_float(&setup->params, "factor");
	*ret_state = scale;
	return STATUS_OK;
}

const struct op op_scale = {
	.name = "scale",
	.summary = "every element times a factor",
	.n_inputs_min = 1,
	.n_inputs_max = 1,
	.params = scale_params,
	.caps = OP_INPLACE,
	.infer = f32_infer,
	.setup = scale_setup,
	.run = arithmetic_run,
	.teardown = free,
};

/* -- functions --------------------------------------------------------------------------------------------------------- */

static int function_setup(const struct op_setup *setup, void **ret_state, struct error *error)
{
	*ret_state = (void *)(uintptr_t)kernels_get();
	return STATUS_OK;
}

static int gelu_run(struct op_run *run)
{
	const struct kernels *kernels = run->state;
	kernels->gelu(run->outputs[0].data, run->inputs[0].data, tensor_n_elements(&run->inputs[0]));
	return STATUS_OK;
}

static int relu_run(struct op_run *run)
{
	const struct kernels *kernels = run->state;
	kernels->relu(run->outputs[0].data, run->inputs[0].data, tensor_n_elements(&run->inputs[0]));
	return STATUS_OK;
}

static int tanh_run(struct op_run *run)
{
	const float *x = run->inputs[0].data;
	float *y = run->outputs[0].data;
	int64_t n = tensor_n_elements(&run->inputs[0]);

	for (int64_t i = 0; i < n; i++)
		y[i] = tanhf(x[i]);
	return STATUS_OK;
}

#define FUNCTION_OP(word, text)                \
	const struct op op_##word = {          \
		.name = #word,                 \
		.summary = text,               \
		.n_inputs_min = 1,             \
		.n_inputs_max = 1,             \
		.caps = OP_INPLACE,            \
		.infer = f32_infer,            \
		.setup = function_setup,       \
		.run = word##_run,             \
	}

FUNCTION_OP(gelu, "x/2 (1 + erf(x/√2)) of every element");
FUNCTION_OP(relu, "max(x, 0) of every element");
FUNCTION_OP(tanh, "hyperbolic tangent of every element");
