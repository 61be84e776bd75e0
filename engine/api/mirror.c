/* SPDX-License-Identifier: Apache-2.0
 *
 * mirror: the proof that public and inner structs are the same, and the public functions that are nothing but an inner one: errors,
 * tensors, parameters.
 */
#include "engine/api/mirror.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define SAME_FIELD(outer, inner, field) \
	static_assert(offsetof(struct outer, field) == offsetof(struct inner, field) \
			&& sizeof(((struct outer *)0)->field) == sizeof(((struct inner *)0)->field), #outer "." #field)
#define SAME_SIZE(outer, inner) static_assert(sizeof(struct outer) == sizeof(struct inner), #outer)

SAME_SIZE(tandem_error, error);
SAME_FIELD(tandem_error, error, status);
SAME_FIELD(tandem_error, error, text);

SAME_SIZE(tandem_tensor, tensor);
SAME_FIELD(tandem_tensor, tensor, dtype);
SAME_FIELD(tandem_tensor, tensor, n_dims);
SAME_FIELD(tandem_tensor, tensor, shape);
SAME_FIELD(tandem_tensor, tensor, strides);
SAME_FIELD(tandem_tensor, tensor, data);

SAME_SIZE(tandem_dim, dim);
SAME_FIELD(tandem_dim, dim, add);
SAME_FIELD(tandem_dim, dim, mul);
SAME_FIELD(tandem_dim, dim, symbol);

SAME_SIZE(tandem_type, tensor_type);
SAME_FIELD(tandem_type, tensor_type, dtype);
SAME_FIELD(tandem_type, tensor_type, n_dims);
SAME_FIELD(tandem_type, tensor_type, dims);

static_assert(TANDEM_DIMS_MAX == TENSOR_DIMS_MAX && TANDEM_ALIGN_BYTES == TENSOR_ALIGN_BYTES
	&& TANDEM_INPUTS_MAX == OP_INPUTS_MAX && TANDEM_OUTPUTS_MAX == OP_OUTPUTS_MAX
	&& TANDEM_PARAM_INTS_MAX == OP_PARAM_INTS_MAX, "limits of tandem.h");

#define X(name, word, sentence) static_assert((int)TANDEM_##name == (int)STATUS_##name, "enum tandem_status");
STATUS_MAP(X)
#undef X

#define X(name, word, bytes, st, npy) static_assert((int)TANDEM_##name == (int)DTYPE_##name, "enum tandem_dtype");
DTYPE_MAP(X)
#undef X

#define SAME_NUMBER(outer, inner) static_assert((int)(outer) == (int)(inner), #outer)
SAME_NUMBER(TANDEM_PARAM_INT, OP_PARAM_INT);
SAME_NUMBER(TANDEM_PARAM_FLOAT, OP_PARAM_FLOAT);
SAME_NUMBER(TANDEM_PARAM_BOOL, OP_PARAM_BOOL);
SAME_NUMBER(TANDEM_PARAM_TEXT, OP_PARAM_TEXT);
SAME_NUMBER(TANDEM_PARAM_INTS, OP_PARAM_INTS);
SAME_NUMBER(TANDEM_INPLACE, OP_INPLACE);
SAME_NUMBER(TANDEM_FORWARD, OP_FORWARD);
SAME_NUMBER(TANDEM_COLLECTIVE, OP_COLLECTIVE);

int tandem_error_set(struct tandem_error *error, int status, const char *format, ...)
{
	char text[TANDEM_ERROR_TEXT_BYTES] = "";
	va_list args;
	va_start(args, format);
	if (format)
		vsnprintf(text, sizeof text, format, args);
	va_end(args);
	return error_set(mirror_error(error), status, "%s", text);
}

const char *tandem_status_word(int status)
{
	return status_word(status);
}

const char *tandem_version(void)
{
	return TANDEM_VERSION;
}

struct tandem_tensor tandem_tensor_make(int dtype, int n_dims, const int64_t *shape, void *data)
{
	struct tandem_tensor tensor = { .dtype = dtype, .n_dims = n_dims, .data = data };
	int64_t stride = 1;
	for (int i = n_dims - 1; i >= 0 && shape; i--) {
		if (i >= TANDEM_DIMS_MAX)
			continue;
		tensor.shape[i] = shape[i];
		tensor.strides[i] = stride;
		if (__builtin_mul_overflow(stride, shape[i], &stride))
			stride = 0;
	}
	return tensor;
}

int64_t tandem_tensor_elements(const struct tandem_tensor *tensor)
{
	int64_t n = 1;
	for (int i = 0; tensor && i < tensor->n_dims && i < TANDEM_DIMS_MAX; i++) {
		if (__builtin_mul_overflow(n, tensor->shape[i], &n))
			return INT64_MAX;
	}
	return n;
}

size_t tandem_tensor_bytes(const struct tandem_tensor *tensor)
{
	size_t bytes = 0;
	if (!tensor || tensor->dtype < 0 || tensor->dtype >= DTYPE_COUNT)
		return 0;
	if (__builtin_mul_overflow((size_t)tandem_tensor_elements(tensor), dtype_bytes((enum dtype)tensor->dtype), &bytes))
		return SIZE_MAX;
	return bytes;
}

/* The inner parameters when the op declares `name` with that type; NULL otherwise. */
static const struct op_params *find_param(const struct tandem_params *params, const char *name, enum op_param_type type)
{
	const struct op_params *inner = (const struct op_params *)params;
	if (!inner || !name)
		return NULL;
	for (const struct op_param_spec *spec = inner->op->params; spec && spec->name; spec++) {
		if (strcmp(spec->name, name) == 0)
			return spec->type == type ? inner : NULL;
	}
	return NULL;
}

int64_t tandem_param_int(const struct tandem_params *params, const char *name)
{
	const struct op_params *inner = find_param(params, name, OP_PARAM_INT);
	return inner ? op_params_int(inner, name) : 0;
}

double tandem_param_float(const struct tandem_params *params, const char *name)
{
	const struct op_params *inner = find_param(params, name, OP_PARAM_FLOAT);
	return inner ? op_params_float(inner, name) : 0;
}

bool tandem_param_bool(const struct tandem_params *params, const char *name)
{
	const struct op_params *inner = find_param(params, name, OP_PARAM_BOOL);
	return inner && op_params_bool(inner, name);
}

const char *tandem_param_text(const struct tandem_params *params, const char *name)
{
	const struct op_params *inner = find_param(params, name, OP_PARAM_TEXT);
	return inner ? op_params_text(inner, name) : "";
}

int tandem_param_ints(const struct tandem_params *params, const char *name, int64_t values[TANDEM_PARAM_INTS_MAX])
{
	const struct op_params *inner = find_param(params, name, OP_PARAM_INTS);
	return inner && values ? op_params_ints(inner, name, values) : 0;
}
