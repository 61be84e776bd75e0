/* SPDX-License-Identifier: Apache-2.0
 *
 * op_case: the parts of the engine that an op sees, without the engine.
 */
#include "tests/support/op_case.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/ops/ops.h"

/* -- texts ------------------------------------------------------------------------------------------------------------- */

static const char *skip_blanks(const char *at)
{
	return at + strspn(at, " ");
}

static struct dim parse_dim(const char **at, struct symbols *symbols)
{
	char *end;
	long number = strtol(*at, &end, 10);
	bool has_number = end != *at;
	const char *letter = end;

	*at = end;
	if (*letter < 'A' || *letter > 'Z')
		return dim_constant(number);
	int i = 0;
	while (i < symbols->n && symbols->items[i].name[0] != *letter)
		i++;
	if (i == symbols->n) {
		symbols->items[i] = (struct symbol){ .name = { *letter }, .bound = *letter == 'B' ? 64 : 512 };
		symbols->n++;
	}
	struct dim dim = { .mul = has_number ? (int32_t)number : 1, .symbol = i };
	*at = letter + 1;
	if (**at == '+' || **at == '-') {
		dim.add = strtol(*at, &end, 10);
		*at = end;
	}
	return dim;
}

static struct tensor_type parse_type(const char **at, struct symbols *symbols)
{
	struct tensor_type type = { 0 };
	char word[8] = "";
	size_t length = strcspn(*at, "[");

	cr_assert_lt(length, sizeof(word), "'%s' is no type", *at);
	memcpy(word, *at, length);
	cr_assert(dtype_parse(word, &type.dtype), "'%s' is no dtype", word);
	*at += length + 1;
	while (**at && **at != ']') {
		type.dims[type.n_dims++] = parse_dim(at, symbols);
		*at += **at == ',';
	}
	*at += **at == ']';
	return type;
}

double op_case_element(const struct tensor *tensor, int64_t i)
{
	switch (tensor->dtype) {
	case DTYPE_F32:
		return ((const float *)tensor->data)[i];
	case DTYPE_F64:
		return ((const double *)tensor->data)[i];
	case DTYPE_I8:
		return ((const int8_t *)tensor->data)[i];
	case DTYPE_U8:
		return ((const uint8_t *)tensor->data)[i];
	case DTYPE_I32:
		return ((const int32_t *)tensor->data)[i];
	case DTYPE_I64:
		return (double)((const int64_t *)tensor->data)[i];
	case DTYPE_COUNT:
		break;
	}
	return NAN;
}

static void set_element(const struct tensor *tensor, int64_t i, double value)
{
	switch (tensor->dtype) {
	case DTYPE_F32:
		((float *)tensor->data)[i] = (float)value;
		break;
	case DTYPE_F64:
		((double *)tensor->data)[i] = value;
		break;
	case DTYPE_I8:
		((int8_t *)tensor->data)[i] = (int8_t)value;
		break;
	case DTYPE_U8:
		((uint8_t *)tensor->data)[i] = (uint8_t)value;
		break;
	case DTYPE_I32:
		((int32_t *)tensor->data)[i] = (int32_t)value;
		break;
	case DTYPE_I64:
		((int64_t *)tensor->data)[i] = (int64_t)value;
		break;
	case DTYPE_COUNT:
		break;
	}
}

static void *allocate(size_t bytes)
{
	void *memory = aligned_alloc(TENSOR_ALIGN_BYTES, round_up(bytes + 1, TENSOR_ALIGN_BYTES));
	cr_assert_not_null(memory);
	memset(memory, 0xa5, bytes);
	return memory;
}

static int64_t parse_values(const char **at, double *values, int64_t n_max)
{
	int64_t n = 0;

	for (*at += 1; **at && **at != '}'; *at += strspn(*at, ", ")) {
		char *end;
		double value = strtod(*at, &end);
		cr_assert(end != *at && n < n_max, "'%s' is no list of at most %" PRId64 " numbers", *at, n_max);
		values[n++] = value;
		*at = end;
	}
	*at += **at == '}';
	return n;
}

struct tensor op_case_tensor(const char *text, const char **ret_end)
{
	struct symbols symbols = { 0 };
	struct tensor_type type = parse_type(&text, &symbols);
	struct tensor tensor = type_bound_tensor(&type, &symbols);
	int64_t n = tensor_n_elements(&tensor), n_values = 0;
	double *values = calloc((size_t)n + 1, sizeof(*values));

	tensor.data = allocate(tensor_bytes(&tensor));
	if (*text == '{')
		n_values = parse_values(&text, values, n);
	for (int64_t i = 0; i < n; i++)
		set_element(&tensor, i, n_values ? values[i % n_values] : (double)i);
	free(values);
	*ret_end = text;
	return tensor;
}

static int parse_tensors(const char *text, struct tensor *tensors)
{
	int n = 0;
	for (text = skip_blanks(text); *text; text = skip_blanks(text)) {
		cr_assert_lt(n, OP_CASE_TENSORS_MAX);
		tensors[n++] = op_case_tensor(text, &text);
	}
	return n;
}

static void free_tensors(struct tensor *tensors, int n)
{
	for (int i = 0; i < n; i++)
		free(tensors[i].data);
}

/* -- op ---------------------------------------------------------------------------------------------------------------- */

static int parse_params(struct op_case *op_case, const char *op_name, const char *params, struct error *error)
{
	*op_case = (struct op_case){ .op = op_registry_find(&ops_builtin, op_name),
		.params_text = strdup(params ? params : "") };
	cr_assert_not_null(op_case->op, "no op %s", op_name);
	char *rest = op_case->params_text;
	for (char *item; (item = strsep(&rest, ";"));) {
		char *value = strchr(item, '=');
		const struct op_param_spec *spec = op_case->op->params;
		if (!*item)
			continue;
		cr_assert(value && op_case->n_params < OP_CASE_PARAMS_MAX, "'%s' is no parameter", item);
		*value++ = '\0';
		if (op_case->op->caps & OP_COLLECTIVE && strcmp(item, "rank") == 0) {
			op_case->rank = atoi(value);
			continue;
		}
		while (spec && spec->name && strcmp(spec->name, item) != 0)
			spec++;
		cr_assert(spec && spec->name, "op %s has no parameter %s", op_name, item);
		int status = op_param_check(spec, value, error);
		if (status)
			return status;
		op_case->params[op_case->n_params++] = (struct op_param){ item, value };
	}
	return STATUS_OK;
}

static struct op_params get_params(const struct op_case *op_case)
{
	return (struct op_params){ op_case->op, op_case->params, op_case->n_params };
}

static int infer(struct op_case *op_case, const struct tensor_type *types, int n, const struct symbols *symbols,
	struct error *error)
{
	struct op_infer infer = { .params = get_params(op_case),
		.symbols = symbols,
		.n_inputs = n,
		.inputs = types,
		.n_outputs = 1,
		.outputs = op_case->output_types };

	cr_assert(n >= op_case->op->n_inputs_min && n <= op_case->op->n_inputs_max, "op %s does not take %d inputs",
		op_case->op->name, n);
	int status = op_case->op->infer(&infer, error);
	op_case->n_outputs = infer.n_outputs;
	return status;
}

int op_case_infer(const char *op_name, const char *params, const char *types, char *text, size_t size)
{
	struct tensor_type inputs[OP_CASE_TENSORS_MAX] = { 0 };
	struct symbols symbols = { 0 };
	struct op_case op_case;
	struct error error = { 0 };
	int n = 0;

	for (types = skip_blanks(types); *types; types = skip_blanks(types))
		inputs[n++] = parse_type(&types, &symbols);
	int status = parse_params(&op_case, op_name, params, &error);
	if (!status)
		status = infer(&op_case, inputs, n, &symbols, &error);
	text[0] = '\0';
	for (int i = 0; i < op_case.n_outputs && !status; i++) {
		size_t length = strlen(text);
		snprintf(text + length, size - length, "%s", i ? " " : "");
		length = strlen(text);
		type_describe(&op_case.output_types[i], &symbols, false, text + length, size - length);
	}
	if (status)
		snprintf(text, size, "%s", error.text);
	free(op_case.params_text);
	return status;
}

int op_case_start(struct op_case *ret_op_case, const char *op_name, const char *params, const struct tensor *inputs,
	int n_inputs, struct error *error)
{
	struct tensor_type types[OP_INPUTS_MAX] = { 0 };
	struct tensor shapes[OP_CASE_TENSORS_MAX];
	struct symbols symbols = { 0 };

	int status = parse_params(ret_op_case, op_name, params, error);
	cr_assert_leq(n_inputs, OP_CASE_TENSORS_MAX);
	for (int i = 0; i < n_inputs; i++) {
		shapes[i] = ret_op_case->inputs[i] = inputs[i];
		shapes[i].data = NULL;
		types[i].dtype = inputs[i].dtype;
		types[i].n_dims = inputs[i].n_dims;
		for (int axis = 0; axis < inputs[i].n_dims; axis++)
			types[i].dims[axis] = dim_constant(inputs[i].shape[axis]);
	}
	ret_op_case->n_inputs = n_inputs;
	if (!status)
		status = infer(ret_op_case, types, n_inputs, &symbols, error);
	for (int i = 0; i < ret_op_case->n_outputs && !status; i++)
		ret_op_case->outputs[i] = type_bound_tensor(&ret_op_case->output_types[i], &symbols);
	struct op_setup setup = { .params = get_params(ret_op_case),
		.node = "node",
		.worker = "w0",
		.n_threads = 1,
		.rank = ret_op_case->rank,
		.n_inputs = n_inputs,
		.n_outputs = ret_op_case->n_outputs,
		.inputs = shapes,
		.outputs = ret_op_case->outputs };
	if (!status && ret_op_case->op->setup)
		status = ret_op_case->op->setup(&setup, &ret_op_case->state, error);
	if (status) {
		free(ret_op_case->params_text);
		return status;
	}
	for (int i = 0; i < ret_op_case->n_outputs; i++)
		ret_op_case->outputs[i].data = allocate(tensor_bytes(&ret_op_case->outputs[i]));
	return STATUS_OK;
}

int op_case_run(struct op_case *op_case, uint64_t execution, struct error *error)
{
	struct op_run run = { .state = op_case->state, .execution = execution, .n_inputs = op_case->n_inputs,
		.n_outputs = op_case->n_outputs, .inputs = op_case->inputs, .outputs = op_case->outputs, .error = error };
	return op_case->op->run(&run);
}

void op_case_finish(struct op_case *op_case)
{
	if (op_case->op->teardown && op_case->state)
		op_case->op->teardown(op_case->state);
	free_tensors(op_case->outputs, op_case->n_outputs);
	free(op_case->params_text);
}

/* -- tables ------------------------------------------------------------------------------------------------------------ */

static void compare(const struct op_case_row *row, const char *how, const struct tensor *is, const struct tensor *expected)
{
	char a[100], b[100];

	cr_expect(is->dtype == expected->dtype && tensor_same_shape(is, expected), "%s, %s: output is %s, expected %s",
		row->name, how, tensor_describe(is, a, sizeof(a)), tensor_describe(expected, b, sizeof(b)));
	if (is->dtype != expected->dtype || !tensor_same_shape(is, expected))
		return;
	for (int64_t i = 0; i < tensor_n_elements(is); i++) {
		double x = op_case_element(is, i), y = op_case_element(expected, i);
		bool is_near = (isnan(x) && isnan(y)) || x == y || fabs(x - y) <= row->tolerance * fmax(1, fabs(y));
		cr_expect(is_near, "%s, %s: element %" PRId64 " is %.9g, expected %.9g", row->name, how, i, x, y);
	}
}

static void compare_all(const struct op_case_row *row, const char *how, const struct op_case *op_case)
{
	struct tensor expected[OP_CASE_TENSORS_MAX];
	int n = parse_tensors(row->outputs, expected);

	cr_expect_eq(op_case->n_outputs, n, "%s: %d outputs, expected %d", row->name, op_case->n_outputs, n);
	for (int i = 0; i < n && i < op_case->n_outputs; i++)
		compare(row, how, &op_case->outputs[i], &expected[i]);
	free_tensors(expected, n);
}

/* Output 0 in the memory of input 0; the bits are those of separate memory. */
static void check_in_place(const struct op_case_row *row, struct op_case *op_case)
{
	struct error error = { 0 };
	size_t bytes = tensor_bytes(&op_case->outputs[0]);
	void *separate = op_case->outputs[0].data;

	if (op_case->op->reset)
		op_case->op->reset(op_case->state);
	op_case->outputs[0].data = op_case->inputs[0].data;
	int status = op_case_run(op_case, 0, &error);
	cr_expect_eq(status, STATUS_OK, "%s, in place: %s", row->name, error.text);
	cr_expect_arr_eq(op_case->outputs[0].data, separate, bytes, "%s: in place gives other bits", row->name);
	op_case->outputs[0].data = separate;
}

void op_case_check(const struct op_case_row *row)
{
	struct tensor inputs[OP_CASE_TENSORS_MAX];
	int n = parse_tensors(row->inputs, inputs);
	struct op_case op_case;
	struct error error = { 0 };
	int status = op_case_start(&op_case, row->op, row->params, inputs, n, &error);

	cr_expect_eq(status, STATUS_OK, "%s: start failed: %s", row->name, error.text);
	if (!status) {
		status = op_case_run(&op_case, 0, &error);
		if (row->error)
			cr_expect(status == STATUS_OP && strstr(error.text, row->error), "%s: status %d '%s', expected '%s'",
				row->name, status, error.text, row->error);
		else
			cr_expect_eq(status, STATUS_OK, "%s: %s", row->name, error.text);
		if (!row->error && !status)
			compare_all(row, "separate", &op_case);
		if (!row->error && !status && op_case.op->caps & OP_INPLACE)
			check_in_place(row, &op_case);
		op_case_finish(&op_case);
	}
	free_tensors(inputs, n);
}

void op_case_check_infer(const struct op_case_infer_row *row)
{
	char text[2000];
	int status = op_case_infer(row->op, row->params, row->inputs, text, sizeof(text));

	if (row->error)
		cr_expect(status != STATUS_OK && strstr(text, row->error), "%s: status %d '%s', expected '%s'", row->name,
			status, text, row->error);
	else
		cr_expect(status == STATUS_OK && strcmp(text, row->outputs) == 0, "%s: status %d '%s', expected '%s'",
			row->name, status, text, row->outputs);
}
