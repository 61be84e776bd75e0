/* SPDX-License-Identifier: Apache-2.0
 *
 * infer: checks on the types of an op's inputs, with messages.
 */
#include "engine/ops/infer.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define TYPE_TEXT_BYTES 200
#define NAME_TEXT_BYTES 80

/* "input mask", or "input 1" where inputs have no names. */
static const char *input_name(const struct op_infer *infer, int idx, char *text)
{
	const char *const *names = infer->params.op->input_names;
	int i = 0;
	while (names && names[i] && i < idx)
		i++;
	if (names && names[i])
		snprintf(text, NAME_TEXT_BYTES, "input %s", names[i]);
	else
		snprintf(text, NAME_TEXT_BYTES, "input %d", idx);
	return text;
}

static const char *input_type(const struct op_infer *infer, int idx, char *text)
{
	return type_describe(&infer->inputs[idx], infer->symbols, false, text, TYPE_TEXT_BYTES);
}

int infer_unexpected(const struct op_infer *infer, int idx, struct error *error, const char *format, ...)
{
	char name[NAME_TEXT_BYTES], type[TYPE_TEXT_BYTES], expected[2 * TYPE_TEXT_BYTES];
	va_list args;

	va_start(args, format);
	vsnprintf(expected, sizeof(expected), format, args);
	va_end(args);
	return error_set(error, STATUS_GRAPH, "%s is %s, expected %s", input_name(infer, idx, name),
		input_type(infer, idx, type), expected);
}

int infer_same(struct op_infer *infer, struct error *error)
{
	infer->outputs[0] = infer->inputs[0];
	return STATUS_OK;
}

int infer_dtype(const struct op_infer *infer, int idx, enum dtype dtype, struct error *error)
{
	if (infer->inputs[idx].dtype == dtype)
		return STATUS_OK;
	return infer_unexpected(infer, idx, error, "%s", dtype_word(dtype));
}

int infer_n_dims(const struct op_infer *infer, int idx, int min, int max, struct error *error)
{
	int n_dims = infer->inputs[idx].n_dims;
	if (n_dims >= min && n_dims <= max)
		return STATUS_OK;
	if (max >= TENSOR_DIMS_MAX)
		return infer_unexpected(infer, idx, error, "at least %d dimension%s", min, min == 1 ? "" : "s");
	if (min == max)
		return infer_unexpected(infer, idx, error, "%d dimension%s", min, min == 1 ? "" : "s");
	return infer_unexpected(infer, idx, error, "%d to %d dimensions", min, max);
}

int infer_equal(const struct op_infer *infer, int a, int b, struct error *error)
{
	char name[NAME_TEXT_BYTES], type[TYPE_TEXT_BYTES];

	if (type_equal(&infer->inputs[a], &infer->inputs[b]))
		return STATUS_OK;
	return infer_unexpected(infer, b, error, "%s as %s", input_type(infer, a, type), input_name(infer, a, name));
}

int infer_equal_all(const struct op_infer *infer, struct error *error)
{
	int status = STATUS_OK;
	for (int i = 1; i < infer->n_inputs && !status; i++)
		status = infer_equal(infer, 0, i, error);
	return status;
}

int infer_equal_dim(const struct op_infer *infer, int a, int axis_a, int b, int axis_b, struct error *error)
{
	char name[NAME_TEXT_BYTES], type[TYPE_TEXT_BYTES];

	if (dim_equal(infer->inputs[a].dims[axis_a], infer->inputs[b].dims[axis_b]))
		return STATUS_OK;
	return infer_unexpected(infer, b, error, "its dimension %d to be dimension %d of %s, which is %s", axis_b, axis_a,
		input_name(infer, a, name), input_type(infer, a, type));
}

int infer_constant(const struct op_infer *infer, int idx, int axis, int64_t *ret_size, struct error *error)
{
	int n_dims = infer->inputs[idx].n_dims;
	int at = axis < 0 ? axis + n_dims : axis;

	if (at < 0 || at >= n_dims)
		return infer_unexpected(infer, idx, error, "at least %d dimensions", axis < 0 ? -axis : axis + 1);
	if (!dim_is_constant(infer->inputs[idx].dims[at]))
		return infer_unexpected(infer, idx, error, "a number as size of dimension %d", at);
	*ret_size = infer->inputs[idx].dims[at].add;
	return STATUS_OK;
}

int infer_axis(int64_t axis, int n_dims, int *ret_axis, struct error *error)
{
	int64_t at = axis < 0 ? axis + n_dims : axis;
	if (at < 0 || at >= n_dims)
		return error_set(error, STATUS_GRAPH, "axis=%" PRId64 " does not exist in %d dimension%s", axis, n_dims,
			n_dims == 1 ? "" : "s");
	*ret_axis = (int)at;
	return STATUS_OK;
}

const char *infer_written(const struct op_params *params, const char *name)
{
	for (int i = 0; i < params->n_items; i++) {
		if (strcmp(params->items[i].name, name) == 0)
			return params->items[i].value;
	}
	return NULL;
}
