/* SPDX-License-Identifier: Apache-2.0
 *
 * value_slice: "[0,2:8:2,...,-1]" as numpy reads it, the elements that it names, and single elements.
 */
#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engine/debug/value_private.h"

#define NUMBER_MAX (INT64_C(1) << 53)

struct parser {
	const char *text, *at;
	const struct tensor *tensor;
	struct error *error;
	int dim;           /* of the tensor: the next one */
	bool has_ellipsis;
	bool is_empty;     /* some range names nothing */
};

/* What went wrong, and of what shape the value is. */
static int fail(const struct parser *parser, const char *what)
{
	char shape[96];
	return error_set(parser->error, STATUS_INPUT, "slice %.100s: %s at column %d; the value is %s", parser->text, what,
		(int)(parser->at - parser->text) + 1, tensor_describe(parser->tensor, shape, sizeof shape));
}

static void skip_blanks(struct parser *parser)
{
	while (*parser->at == ' ' || *parser->at == '\t')
		parser->at++;
}

/* *ret_has is false when there is no number. */
static int parse_number(struct parser *parser, int64_t *ret_number, bool *ret_has)
{
	bool is_negative = false;
	int64_t number = 0;
	skip_blanks(parser);
	*ret_has = false;
	if (*parser->at == '-' || *parser->at == '+')
		is_negative = *parser->at++ == '-';
	else if (!isdigit((unsigned char)*parser->at))
		return STATUS_OK;
	if (!isdigit((unsigned char)*parser->at))
		return fail(parser, "expected a number");
	for (; isdigit((unsigned char)*parser->at); parser->at++) {
		number = number * 10 + (*parser->at - '0');
		if (number > NUMBER_MAX)
			return fail(parser, "the number is too large");
	}
	skip_blanks(parser);
	*ret_number = is_negative ? -number : number;
	*ret_has = true;
	return STATUS_OK;
}

/* A whole dimension, or a part of it. */
static void keep(struct parser *parser, struct debug_slice *slice, int64_t start, int64_t n, int64_t step)
{
	const struct tensor *tensor = parser->tensor;
	int64_t stride = tensor->strides[parser->dim];
	parser->is_empty = parser->is_empty || n == 0;
	slice->first += n ? start * stride : 0;
	slice->shape[slice->n_dims] = n;
	slice->strides[slice->n_dims] = n > 1 ? stride * step : stride;
	slice->dims[slice->n_dims++] = parser->dim++;
}

static int64_t clamp(int64_t number, int64_t least, int64_t most)
{
	return number < least ? least : number > most ? most : number;
}

/* "start:stop:step" from behind the first colon, as slice.indices() of Python. */
static int parse_range(struct parser *parser, struct debug_slice *slice, int64_t start, bool has_start)
{
	int64_t size = parser->tensor->shape[parser->dim], stop = 0, step = 1;
	bool has_stop, has_step = false;
	parser->at++;
	int status = parse_number(parser, &stop, &has_stop);
	if (status == STATUS_OK && *parser->at == ':') {
		parser->at++;
		status = parse_number(parser, &step, &has_step);
		step = has_step ? step : 1;
	}
	if (status != STATUS_OK)
		return status;
	if (step == 0)
		return fail(parser, "a step of 0");
	int64_t least = step > 0 ? 0 : -1, most = step > 0 ? size : size - 1;
	start = has_start ? clamp(start < 0 ? start + size : start, least, most) : step > 0 ? 0 : size - 1;
	stop = has_stop ? clamp(stop < 0 ? stop + size : stop, least, most) : step > 0 ? size : -1;
	int64_t span = step > 0 ? stop - start : start - stop, pace = step > 0 ? step : -step;
	keep(parser, slice, start, span > 0 ? (span - 1) / pace + 1 : 0, step);
	return STATUS_OK;
}

static int parse_index(struct parser *parser, struct debug_slice *slice, int64_t index)
{
	int64_t size = parser->tensor->shape[parser->dim];
	if (index < -size || index >= size) {
		char what[80];
		snprintf(what, sizeof what, "index %" PRId64 " is outside dimension %d of size %" PRId64, index, parser->dim, size);
		return fail(parser, what);
	}
	slice->first += (index < 0 ? index + size : index) * parser->tensor->strides[parser->dim++];
	return STATUS_OK;
}

/* The dimensions that are left after those that the rest of the text takes. */
static int parse_ellipsis(struct parser *parser, struct debug_slice *slice)
{
	int n_after = 0;
	if (parser->has_ellipsis)
		return fail(parser, "a second ...");
	parser->has_ellipsis = true;
	parser->at += 3;
	for (const char *at = parser->at; *at && *at != ']'; at++)
		n_after += *at == ',';
	while (parser->dim < parser->tensor->n_dims - n_after)
		keep(parser, slice, 0, parser->tensor->shape[parser->dim], 1);
	return STATUS_OK;
}

static int parse_item(struct parser *parser, struct debug_slice *slice)
{
	int64_t number = 0;
	bool has_number;
	skip_blanks(parser);
	if (strncmp(parser->at, "...", 3) == 0)
		return parse_ellipsis(parser, slice);
	if (parser->dim >= parser->tensor->n_dims)
		return fail(parser, "more indices than dimensions");
	int status = parse_number(parser, &number, &has_number);
	if (status != STATUS_OK)
		return status;
	if (*parser->at == ':')
		return parse_range(parser, slice, number, has_number);
	return has_number ? parse_index(parser, slice, number) : fail(parser, "expected an index, a range or ...");
}

static int parse_items(struct parser *parser, struct debug_slice *slice)
{
	skip_blanks(parser);
	if (*parser->at != '[')
		return fail(parser, "expected [");
	parser->at++;
	skip_blanks(parser);
	int status = *parser->at == ']' ? STATUS_OK : parse_item(parser, slice);
	skip_blanks(parser);
	while (status == STATUS_OK && *parser->at == ',') {
		parser->at++;
		status = parse_item(parser, slice);
		skip_blanks(parser);
	}
	if (status != STATUS_OK)
		return status;
	if (*parser->at != ']')
		return fail(parser, "expected , or ]");
	parser->at++;
	skip_blanks(parser);
	return *parser->at ? fail(parser, "something behind the slice") : STATUS_OK;
}

int debug_slice_parse(const char *text, const struct tensor *tensor, struct debug_slice *ret_slice, struct error *error)
{
	struct parser parser = { .text = text, .at = text, .tensor = tensor, .error = error };
	*ret_slice = (struct debug_slice){ 0 };
	int status = text && *text ? parse_items(&parser, ret_slice) : STATUS_OK;
	if (status != STATUS_OK)
		return status;
	while (parser.dim < tensor->n_dims)
		keep(&parser, ret_slice, 0, tensor->shape[parser.dim], 1);
	ret_slice->n_elements = 1;
	for (int d = 0; d < ret_slice->n_dims; d++)
		ret_slice->n_elements *= ret_slice->shape[d];
	if (parser.is_empty)
		ret_slice->first = 0;
	return STATUS_OK;
}

/* -- rows ---------------------------------------------------------------------------------------------------------------- */

void debug_rows_begin(struct debug_rows *rows, const struct debug_slice *slice)
{
	*rows = (struct debug_rows){ .length = 1, .stride = 1, .element = slice->first, .n_left = slice->n_elements ? 1 : 0 };
	int64_t shape[TENSOR_DIMS_MAX], strides[TENSOR_DIMS_MAX];
	int n = 0;
	for (int d = 0; d < slice->n_dims; d++) {
		if (slice->shape[d] == 1)
			continue;
		bool continues = n && strides[n - 1] == slice->shape[d] * slice->strides[d];
		shape[continues ? n - 1 : n] = (continues ? shape[n - 1] : 1) * slice->shape[d];
		strides[continues ? n - 1 : n] = slice->strides[d];
		n += !continues;
	}
	if (!n)
		return;
	rows->n_dims = n - 1;
	rows->length = shape[n - 1];
	rows->stride = strides[n - 1];
	for (int d = 0; d < rows->n_dims; d++) {
		rows->shape[d] = shape[d];
		rows->strides[d] = strides[d];
		rows->n_left *= shape[d];
	}
}

bool debug_rows_next(struct debug_rows *rows, int64_t *ret_first)
{
	if (!rows->n_left)
		return false;
	rows->n_left--;
	*ret_first = rows->element;
	for (int d = rows->n_dims - 1; d >= 0; d--) {
		rows->element += rows->strides[d];
		if (++rows->at[d] < rows->shape[d])
			break;
		rows->at[d] = 0;
		rows->element -= rows->shape[d] * rows->strides[d];
	}
	return true;
}

#define GATHER(type)                                                       \
	for (int64_t i = 0; i < rows.length; i++)                          \
		((type *)to)[i] = ((const type *)from)[i * rows.stride];   \
	break

void debug_slice_gather(const struct debug_slice *slice, const struct tensor *tensor, void *data)
{
	struct debug_rows rows;
	int64_t first;
	size_t unit = dtype_bytes(tensor->dtype);
	uint8_t *to = data;
	debug_rows_begin(&rows, slice);
	while (debug_rows_next(&rows, &first)) {
		const uint8_t *from = (const uint8_t *)tensor->data + first * (int64_t)unit;
		if (rows.stride == 1) {
			memcpy(to, from, (size_t)rows.length * unit);
		} else {
			switch (unit) {
			case 1:
				GATHER(uint8_t);
			case 4:
				GATHER(uint32_t);
			default:
				GATHER(uint64_t);
			}
		}
		to += (size_t)rows.length * unit;
	}
}

/* -- elements ------------------------------------------------------------------------------------------------------------ */

double debug_element(const struct tensor *tensor, int64_t element)
{
	switch (tensor->dtype) {
	case DTYPE_F32:
		return ((const float *)tensor->data)[element];
	case DTYPE_F64:
		return ((const double *)tensor->data)[element];
	case DTYPE_I8:
		return ((const int8_t *)tensor->data)[element];
	case DTYPE_U8:
		return ((const uint8_t *)tensor->data)[element];
	case DTYPE_I32:
		return ((const int32_t *)tensor->data)[element];
	case DTYPE_I64:
		return (double)((const int64_t *)tensor->data)[element];
	case DTYPE_COUNT:
		break;
	}
	return NAN;
}

static bool is_poison(const struct tensor *tensor, int64_t element)
{
	size_t unit = dtype_bytes(tensor->dtype);
	uint32_t words[2] = { 0 };
	memcpy(words, (const uint8_t *)tensor->data + element * (int64_t)unit, unit);
	return unit >= sizeof words[0] && words[0] == GATE_POISON && (unit == sizeof words[0] || words[1] == GATE_POISON);
}

void debug_element_text(const struct tensor *tensor, int64_t element, char *text, size_t size)
{
	double value = debug_element(tensor, element);
	if (is_poison(tensor, element))
		snprintf(text, size, "poison");
	else if (isnan(value))
		snprintf(text, size, "nan");
	else if (isinf(value))
		snprintf(text, size, "%sinf", value < 0 ? "-" : "");
	else if (tensor->dtype == DTYPE_I64)
		snprintf(text, size, "%" PRId64, ((const int64_t *)tensor->data)[element]);
	else if (tensor->dtype == DTYPE_F32 || tensor->dtype == DTYPE_F64)
		snprintf(text, size, "%.*g", tensor->dtype == DTYPE_F32 ? 9 : 17, value);
	else
		snprintf(text, size, "%.0f", value);
}
