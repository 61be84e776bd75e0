/* SPDX-License-Identifier: Apache-2.0
 *
 * expression_assign: "layer3.out[0,:4] = 1.5" and the like: parsing, checking, changing elements in place.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/npy.h"
#include "engine/base/safetensors.h"
#include "engine/debug/expression_private.h"
#include "engine/debug/value_private.h"

/* -- parsing ---------------------------------------------------------------------------------------------------------------- */

static int parse_sign(struct lexer *lexer, char *ret_op)
{
	static const struct {
		enum expression_sign sign;
		char op;
	} ops[] = { { SIGN_SET, '=' }, { SIGN_SET_ADD, '+' }, { SIGN_SET_SUBTRACT, '-' }, { SIGN_SET_MULTIPLY, '*' }, { SIGN_SET_DIVIDE, '/' } };
	for (size_t i = 0; i < ARRAY_LEN(ops); i++) {
		if (!lexer_is(lexer, ops[i].sign))
			continue;
		*ret_op = ops[i].op;
		return lexer_next(lexer);
	}
	return lexer_expected(lexer, "=, +=, -=, *= or /=", NULL);
}

static bool is_number_word(const struct token *token)
{
	return token->kind == TOKEN_WORD && !token->is_quoted && (strcmp(token->word, "nan") == 0 || strcmp(token->word, "inf") == 0);
}

static int parse_number(struct lexer *lexer, double *ret_number)
{
	bool is_negative = lexer_is(lexer, SIGN_SUBTRACT);
	int status = is_negative || lexer_is(lexer, SIGN_ADD) ? lexer_next(lexer) : STATUS_OK;
	if (status != STATUS_OK)
		return status;
	if (is_number_word(&lexer->token))
		*ret_number = lexer->token.word[0] == 'n' ? (double)NAN : (double)INFINITY;
	else if (lexer->token.kind == TOKEN_NUMBER)
		*ret_number = lexer->token.number;
	else
		return lexer_expected(lexer, "a number", NULL);
	*ret_number = is_negative ? -*ret_number : *ret_number;
	return lexer_next(lexer);
}

static int parse_numbers(struct lexer *lexer, struct debug_assignment *assignment)
{
	int64_t capacity = 0;
	for (;;) {
		if (assignment->n_numbers == capacity) {
			capacity = capacity ? capacity * 2 : 8;
			double *numbers = realloc(assignment->numbers, (size_t)capacity * sizeof *numbers);
			if (!numbers)
				return error_set(lexer->error, STATUS_NO_MEMORY, "no memory for a list of numbers");
			assignment->numbers = numbers;
		}
		int status = parse_number(lexer, &assignment->numbers[assignment->n_numbers]);
		if (status != STATUS_OK)
			return status;
		assignment->n_numbers++;
		if (!lexer_is(lexer, SIGN_COMMA))
			break;
		status = lexer_next(lexer);
		if (status != STATUS_OK)
			return status;
	}
	return lexer->token.kind == TOKEN_END ? STATUS_OK : lexer_expected(lexer, ", or the end", NULL);
}

static bool ends_with(const char *text, size_t n, const char *suffix)
{
	size_t n_suffix = strlen(suffix);
	return n > n_suffix && memcmp(text + n - n_suffix, suffix, n_suffix) == 0;
}

/* The rest of the text as a file's name, quotes taken off; *ret_file is NULL when it is none. */
static int parse_file(const char *rest, char **ret_file, struct error *error)
{
	size_t n = strlen(rest);
	while (n && (rest[n - 1] == ' ' || rest[n - 1] == '\t'))
		n--;
	if (n >= 2 && rest[0] == '"' && rest[n - 1] == '"') {
		rest++;
		n -= 2;
	}
	*ret_file = NULL;
	if (!ends_with(rest, n, ".npy") && !ends_with(rest, n, ".safetensors"))
		return STATUS_OK;
	*ret_file = strndup(rest, n);
	return *ret_file ? STATUS_OK : error_set(error, STATUS_NO_MEMORY, "no memory for the name of a file");
}

static int parse_source(const struct program *program, const char *text, const char *rest, struct debug_assignment *assignment,
	struct error *error)
{
	struct lexer lexer;
	const char *end;
	while (*rest == ' ' || *rest == '\t')
		rest++;
	int status = parse_file(rest, &assignment->file, error);
	if (status != STATUS_OK || assignment->file)
		return status;
	status = lexer_begin(&lexer, text, rest, error);
	if (status != STATUS_OK)
		return status;
	if (lexer.token.kind == TOKEN_END)
		return lexer_expected(&lexer, "numbers, a file (.npy, .safetensors) or NODE.out", NULL);
	if (lexer.token.kind != TOKEN_WORD || (is_number_word(&lexer.token)
		&& debug_find_node(program, lexer.token.word, NULL) == PROGRAM_NONE))
		return parse_numbers(&lexer, assignment);
	assignment->has_source = true;
	status = reference_parse_at(program, text, rest, &assignment->source, &end, error);
	if (status == STATUS_OK)
		status = lexer_begin(&lexer, text, end, error);
	return status != STATUS_OK || lexer.token.kind == TOKEN_END ? status : lexer_expected(&lexer, "the end", NULL);
}

int debug_assignment_parse(const struct program *program, const char *text, struct debug_assignment *ret_assignment, struct error *error)
{
	struct lexer lexer;
	const char *end;
	*ret_assignment = (struct debug_assignment){ 0 };
	int status = reference_parse_at(program, text, text, &ret_assignment->target, &end, error);
	if (status == STATUS_OK && ret_assignment->target.is_input)
		status = error_set(error, STATUS_INPUT, "an input cannot be set: set the output that it is, before it is published");
	if (status == STATUS_OK)
		status = lexer_begin(&lexer, text, end, error);
	if (status == STATUS_OK)
		status = parse_sign(&lexer, &ret_assignment->op);
	if (status == STATUS_OK)
		status = parse_source(program, text, lexer.token.start, ret_assignment, error);
	if (status != STATUS_OK)
		debug_assignment_finish(ret_assignment);
	return status;
}

void debug_assignment_finish(struct debug_assignment *assignment)
{
	free(assignment->numbers);
	free(assignment->file);
	assignment->numbers = NULL;
	assignment->file = NULL;
}

/* -- the right side ------------------------------------------------------------------------------------------------------------ */

/* Values to be put in: one for all, or one each in row-major order. */
struct source {
	const double *numbers;   /* NULL: */
	struct tensor tensor;    /* contiguous */
	int64_t n;
	struct tensor_set set;   /* what is to be released */
	void *memory[2];
};

static void source_finish(struct source *source)
{
	tensor_set_finish(&source->set);
	free(source->memory[0]);
	free(source->memory[1]);
}

static int open_file(const char *file, struct source *source, struct error *error)
{
	int status = ends_with(file, strlen(file), ".npy") ? npy_read(file, "value", &source->set, error)
		: safetensors_read(file, &source->set, error);
	if (status != STATUS_OK)
		return status;
	if (source->set.n_items != 1)
		return error_set(error, STATUS_INPUT, "'%.300s' holds %zu tensors: which one cannot be said; use a file with one", file,
			source->set.n_items);
	source->tensor = source->set.items[0].tensor;
	source->n = tensor_n_elements(&source->tensor);
	size_t bytes = tensor_bytes(&source->tensor);
	source->memory[0] = malloc(bytes ? bytes : 1); /* a file's data need not be aligned */
	if (!source->memory[0])
		return error_set(error, STATUS_NO_MEMORY, "no memory for '%.300s'", file);
	memcpy(source->memory[0], source->tensor.data, bytes);
	source->tensor.data = source->memory[0];
	return STATUS_OK;
}

static int open_reference(struct debug_target *target, const struct debug_reference *reference, uint64_t execution, struct source *source,
	struct error *error)
{
	struct debug_value value;
	struct debug_slice slice;
	int status = debug_reference_read(target, reference, execution, &value, &slice, &source->memory[0], error);
	if (status != STATUS_OK)
		return status;
	source->n = slice.n_elements;
	source->memory[1] = malloc((size_t)source->n * dtype_bytes(value.tensor.dtype) + 1);
	if (!source->memory[1])
		return error_set(error, STATUS_NO_MEMORY, "no memory for a slice");
	debug_slice_gather(&slice, &value.tensor, source->memory[1]);
	source->tensor = tensor_make(value.tensor.dtype, slice.n_dims, slice.shape, source->memory[1]);
	return STATUS_OK;
}

static int open_source(struct debug_target *target, const struct debug_assignment *assignment, uint64_t execution, struct source *source,
	struct error *error)
{
	if (assignment->file)
		return open_file(assignment->file, source, error);
	if (assignment->has_source)
		return open_reference(target, &assignment->source, execution, source, error);
	source->numbers = assignment->numbers;
	source->n = assignment->n_numbers;
	return STATUS_OK;
}

/* Sizes of 1 apart, the same shape; numbers in a list have none. */
static int check_shape(const struct source *source, const struct debug_slice *slice, enum dtype dtype, struct error *error)
{
	char left[96], right[96];
	int d = 0, matched = 0;
	struct tensor wanted = tensor_make(dtype, slice->n_dims, slice->shape, NULL);
	bool is_same = source->n == slice->n_elements;
	for (; !source->numbers && is_same && d < source->tensor.n_dims; d++) {
		if (source->tensor.shape[d] == 1)
			continue;
		while (matched < slice->n_dims && slice->shape[matched] == 1)
			matched++;
		is_same = matched < slice->n_dims && slice->shape[matched++] == source->tensor.shape[d];
	}
	if (is_same || source->n == 1)
		return STATUS_OK;
	tensor_describe(&wanted, left, sizeof left);
	if (source->numbers)
		return error_set(error, STATUS_INPUT, "%" PRId64 " numbers for %" PRId64 " elements (%s): give one, or one for each", source->n,
			slice->n_elements, left);
	return error_set(error, STATUS_INPUT, "the left side is %s, the right side %s", left, tensor_describe(&source->tensor, right, sizeof right));
}

/* -- changing -------------------------------------------------------------------------------------------------------------------- */

struct change {
	const struct tensor *tensor;
	const struct debug_slice *slice;
	const struct source *source;
	char op;
	struct error *error;
};

static double combine(char op, double old, double operand)
{
	switch (op) {
	case '+':
		return old + operand;
	case '-':
		return old - operand;
	case '*':
		return old * operand;
	case '/':
		return old / operand;
	default:
		return operand;
	}
}

/* Whether the element's type can hold it: of integers the fraction is dropped after an operation, not of what is given. */
static bool fits(enum dtype dtype, char op, double value)
{
	static const struct {
		double low, beyond;
	} limits[DTYPE_COUNT] = { [DTYPE_I8] = { -128, 128 }, [DTYPE_U8] = { 0, 256 }, [DTYPE_I32] = { -2147483648.0, 2147483648.0 },
		[DTYPE_I64] = { -9223372036854775808.0, 9223372036854775808.0 } };
	if (dtype == DTYPE_F32 || dtype == DTYPE_F64)
		return true;
	double whole = trunc(value);
	return whole >= limits[dtype].low && whole < limits[dtype].beyond && (op != '=' || whole == value);
}

static void store(const struct tensor *tensor, int64_t element, double value)
{
	switch (tensor->dtype) {
	case DTYPE_F32:
		((float *)tensor->data)[element] = (float)value;
		break;
	case DTYPE_F64:
		((double *)tensor->data)[element] = value;
		break;
	case DTYPE_I8:
		((int8_t *)tensor->data)[element] = (int8_t)value;
		break;
	case DTYPE_U8:
		((uint8_t *)tensor->data)[element] = (uint8_t)value;
		break;
	case DTYPE_I32:
		((int32_t *)tensor->data)[element] = (int32_t)value;
		break;
	case DTYPE_I64:
		((int64_t *)tensor->data)[element] = (int64_t)value;
		break;
	case DTYPE_COUNT:
		break;
	}
}

static double new_value(const struct change *change, int64_t element, int64_t i)
{
	const struct source *source = change->source;
	int64_t at = source->n == 1 ? 0 : i;
	double operand = source->numbers ? source->numbers[at] : debug_element(&source->tensor, at);
	return combine(change->op, debug_element(change->tensor, element), operand);
}

/* Same type and plain `=`: bits as they are. */
static bool copies_bits(const struct change *change)
{
	return change->op == '=' && !change->source->numbers && change->source->tensor.dtype == change->tensor->dtype;
}

static int check_values(const struct change *change)
{
	struct debug_rows rows;
	int64_t first, i = 0;
	debug_rows_begin(&rows, change->slice);
	while (debug_rows_next(&rows, &first)) {
		for (int64_t k = 0; k < rows.length; k++) {
			double value = new_value(change, first + k * rows.stride, i++);
			if (!fits(change->tensor->dtype, change->op, value))
				return error_set(change->error, STATUS_INPUT, "%.17g does not fit %s", value, dtype_word(change->tensor->dtype));
		}
	}
	return STATUS_OK;
}

static void put_values(const struct change *change)
{
	struct debug_rows rows;
	int64_t first, i = 0;
	size_t unit = dtype_bytes(change->tensor->dtype);
	bool is_copied = copies_bits(change);
	debug_rows_begin(&rows, change->slice);
	while (debug_rows_next(&rows, &first)) {
		for (int64_t k = 0; k < rows.length; k++, i++) {
			int64_t element = first + k * rows.stride, from = change->source->n == 1 ? 0 : i;
			if (is_copied)
				memcpy((uint8_t *)change->tensor->data + element * (int64_t)unit,
					(const uint8_t *)change->source->tensor.data + from * (int64_t)unit, unit);
			else
				store(change->tensor, element, new_value(change, element, i));
		}
	}
}

/* Says where the value would be writable. */
static int report_fixed(const struct program *program, const struct debug_value *value, struct error *error)
{
	return error_set(error, STATUS_INPUT, "'%.100s' of execution %" PRIu64 " is published (%s) and cannot be changed: stop it after compute, "
		"before publish", debug_node_name(program, value->node), value->execution, debug_source_phrase(value->source));
}

int debug_assignment_carry_out(struct debug_target *target, const struct debug_assignment *assignment, uint64_t execution, int64_t *ret_n,
	struct error *error)
{
	struct debug_value value;
	struct debug_slice slice;
	struct source source = { .n = 0 };
	int status = debug_reference_find(target, &assignment->target, execution, &value, error);
	if (status == STATUS_OK && !value.is_writable)
		status = report_fixed(&target->program, &value, error);
	if (status == STATUS_OK)
		status = debug_slice_parse(assignment->target.slice, &value.tensor, &slice, error);
	if (status == STATUS_OK)
		status = open_source(target, assignment, execution, &source, error);
	if (status == STATUS_OK)
		status = check_shape(&source, &slice, value.tensor.dtype, error);
	if (status == STATUS_OK) {
		struct change change = { &value.tensor, &slice, &source, assignment->op, error };
		status = copies_bits(&change) ? STATUS_OK : check_values(&change);
		if (status == STATUS_OK)
			put_values(&change);
		*ret_n = status == STATUS_OK ? slice.n_elements : 0;
	}
	source_finish(&source);
	return status;
}
