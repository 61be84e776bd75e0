/* SPDX-License-Identifier: Apache-2.0
 *
 * commands_values: looking at values: print, display, compare, save. What changes or explains them: commands_change.c.
 */
#include "engine/debug/commands_private.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>


/* -- print ------------------------------------------------------------------------------------------------------------ */

/* "LOW:HIGH" */
static int parse_range(const char **rest, struct debug_print *print, struct error *error)
{
	char word[COMMANDS_WORD_BYTES], *end;

	if (!commands_word(rest, word))
		return error_set(error, STATUS_SYNTAX, "the range is missing, such as -1:1");
	print->has_range = true;
	print->low = -INFINITY;
	print->high = INFINITY;
	const char *at = word;
	if (*at != ':') {
		print->low = strtod(at, &end);
		at = end;
	}
	bool is_range = *at == ':';
	if (is_range && at[1]) {
		print->high = strtod(at + 1, &end);
		is_range = end != at + 1 && !*end;
	}
	return is_range ? STATUS_OK : error_set(error, STATUS_SYNTAX, "'%s' is no range LOW:HIGH, such as -1:1, 3: or :0",
		word);
}

/* The number of bins behind -h, if one stands there and something follows it. */
static int parse_bins(const char **rest, int *n_bins, struct error *error)
{
	char word[COMMANDS_WORD_BYTES];
	const char *after = *rest;
	uint64_t n;

	if (!commands_word(&after, word) || !commands_is_number(word, &n) || !*commands_skip(after))
		return STATUS_OK;
	if (n < 1 || n > DEBUG_BINS_MAX)
		return error_set(error, STATUS_INPUT, "%" PRIu64 " bins: from 1 to %d", n, DEBUG_BINS_MAX);
	*n_bins = (int)n;
	*rest = after;
	return STATUS_OK;
}

static int parse_print_options(const char **rest, struct debug_print *print, struct error *error)
{
	uint64_t n;
	int status = STATUS_OK;

	while (!status) {
		if (commands_take(rest, "-x")) {
			print->format = DEBUG_FORMAT_HEX;
		} else if (commands_take(rest, "-s")) {
			print->format = DEBUG_FORMAT_STATS;
		} else if (commands_take(rest, "-h")) {
			print->format = DEBUG_FORMAT_HISTOGRAM;
			status = parse_bins(rest, &print->n_bins, error);
		} else if (commands_take(rest, "-r")) {
			status = parse_range(rest, print, error);
		} else if (commands_take(rest, "-n")) {
			status = commands_number(rest, "the number of elements", &n, error);
			print->n_elements = n < 1000000000 ? (int64_t)n : 1000000000;
			if (!status && !n)
				status = error_set(error, STATUS_SYNTAX, "the number of elements must be at least 1");
		} else {
			break;
		}
	}
	return status;
}

/* "layer3.out of execution 7: f32[2,4], captured" */
static void add_value_line(const struct debug_context *context, const struct debug_reference *reference,
	const struct debug_value *value,
	struct strbuf *out)
{
	char type[200];
	struct strbuf name = STRBUF_INIT;

	debug_reference_describe(debugger_program(context->debugger), reference, &name);
	strbuf_add_printable(out, strbuf_text(&name));
	strbuf_finish(&name);
	if (!reference->has_execution || reference->is_relative)
		strbuf_addf(out, " of execution %" PRIu64, value->execution);
	strbuf_addf(out, ": %s, %s", tensor_describe(&value->tensor, type, sizeof type), debug_source_phrase(value->source));
	strbuf_add(out, value->is_writable ? ", may be set\n" : "\n");
}

static int no_data(const struct debug_context *context, const struct debug_value *value, struct error *error)
{
	struct strbuf name = STRBUF_INIT;

	commands_add_node(context, value->node, &name);
	int status = value->failure
		? error_set(error, STATUS_INPUT, "%s failed in execution %" PRIu64 " and has no value: %s",
			strbuf_text(&name), value->execution,
			commands_failure_text(context, value->failure))
		: error_set(error, STATUS_INPUT, "of %s in execution %" PRIu64 " only a digest was kept: %016" PRIx64,
			strbuf_text(&name),
			value->execution, value->digest);
	strbuf_finish(&name);
	return status;
}

/* A value read whole: what print, compare, save need of it. */
struct read_value {
	struct debug_value value;
	struct debug_slice slice;
	void *copy;
};

static int read_value(struct debug_context *context, const struct debug_reference *reference, struct read_value *ret,
	struct error *error)
{
	*ret = (struct read_value){ 0 };
	int status = debug_reference_read(&context->debugger->target, reference, debugger_execution(context->debugger),
		&ret->value,
		&ret->slice, &ret->copy, error);
	if (!status && (ret->value.failure || !ret->value.tensor.data)) {
		status = no_data(context, &ret->value, error);
		free(ret->copy);
		ret->copy = NULL;
	}
	return status;
}

static int print_value(struct debug_context *context, const struct debug_reference *reference,
	const struct debug_print *print,
	struct strbuf *out, struct error *error)
{
	struct read_value read;
	int status = commands_check_needs(context, DEBUG_NEEDS_TARGET, error);

	if (!status)
		status = read_value(context, reference, &read, error);
	if (status)
		return status;
	add_value_line(context, reference, &read.value, out);
	debug_print_slice(&read.slice, &read.value.tensor, print, out);
	free(read.copy);
	return STATUS_OK;
}

static int print_expression(struct debug_context *context, const char *text, struct strbuf *out, struct error *error)
{
	struct debugger *debugger = context->debugger;
	struct debug_expression *expression = NULL;
	struct debug_place place = { .worker = debugger->halt.worker, .execution = debugger_execution(debugger) };
	double value;
	int status = debug_expression_parse(debugger_program(debugger), text, &expression, error);

	if (status)
		return status;
	if (debugger->halt.has_gate && debugger->selected_execution == DEBUG_LATEST)
		place.stop = &debugger->halt.gate;
	status = debug_expression_evaluate(expression, &debugger->target, &place, &value, error);
	if (!status)
		strbuf_addf(out, "%.9g\n", value);
	debug_expression_finish(expression);
	return status;
}

static int print(struct debug_context *context, const char *rest, enum debug_format format, struct strbuf *out,
	struct error *error)
{
	struct debug_print print = { .format = format, .n_columns = context->n_columns, .mark_on = context->mark_on,
		.mark_off = context->mark_off };
	struct debug_reference reference;
	struct error as_value = { 0 };
	int status = parse_print_options(&rest, &print, error);

	if (status)
		return status;
	rest = commands_skip(rest);
	if (*rest == '-' && strchr("abcdefghijklmnopqrstuvwxyz-", rest[1]) && rest[1])
		return error_set(error, STATUS_SYNTAX, "'%.*s' is no option: -x, -s, -h [BINS], -r LOW:HIGH, -n COUNT",
			(int)strcspn(rest, " \t"), rest);
	const char *at = rest;
	status = commands_reference(context, &at, &reference, &as_value);
	if (!status && !*at)
		return print_value(context, &reference, &print, out, error);
	if (*rest && strpbrk(rest, "<>=!&|+*/()- \t0123456789")) {
		int expression_status = print_expression(context, rest, out, error);
		if (!expression_status || strpbrk(rest, "<>=!&|+*/() "))
			return expression_status;
	} else if (status && !print_expression(context, rest, out, NULL)) {
		return STATUS_OK;
	}
	if (error)
		*error = as_value;
	return as_value.status;
}

int commands_do_print(struct debug_context *context, const char *rest, struct strbuf *out, struct error *error)
{
	return print(context, rest, DEBUG_FORMAT_TEXT, out, error);
}

int commands_do_hex(struct debug_context *context, const char *rest, struct strbuf *out, struct error *error)
{
	return print(context, rest, DEBUG_FORMAT_HEX, out, error);
}

/* -- compare ---------------------------------------------------------------------------------------------------------- */

struct compare_request {
	struct debug_reference a, b;
	double absolute, relative;
};

static int parse_compare(const struct debug_context *context, const char *rest, struct compare_request *request,
	struct error *error)
{
	int status = STATUS_OK;

	for (bool is_option = true; is_option && !status;) {
		if (commands_take(&rest, "--abs"))
			status = commands_real(&rest, "the absolute tolerance", &request->absolute, error);
		else if (commands_take(&rest, "--rel"))
			status = commands_real(&rest, "the relative tolerance", &request->relative, error);
		else
			is_option = false;
	}
	if (!status)
		status = commands_reference(context, &rest, &request->a, error);
	if (!status)
		status = commands_reference(context, &rest, &request->b, error);
	return status ? status : commands_end(rest, error);
}

/* The slice as a tensor of its own. */
static int gather(const struct read_value *read, struct tensor *ret_tensor, struct error *error)
{
	size_t bytes = (size_t)read->slice.n_elements * dtype_bytes(read->value.tensor.dtype);
	void *data = malloc(bytes + 1);

	if (!data)
		return error_set(error, STATUS_NO_MEMORY, "no memory for %zu bytes of a value", bytes);
	debug_slice_gather(&read->slice, &read->value.tensor, data);
	*ret_tensor = tensor_make(read->value.tensor.dtype, read->slice.n_dims, read->slice.shape, data);
	return STATUS_OK;
}

static void add_position(const int64_t *position, int n_dims, struct strbuf *out)
{
	strbuf_add(out, "[");
	for (int i = 0; i < n_dims; i++)
		strbuf_addf(out, "%s%" PRId64, i ? "," : "", position[i]);
	strbuf_add(out, "]");
}

static void add_difference(const struct tensor *a, const struct tensor *b, const struct compare_request *request,
	struct strbuf *out)
{
	struct debug_difference difference;
	char types[2][200];

	debug_compare(a, b, request->absolute, request->relative, &difference);
	if (!difference.same_type) {
		strbuf_addf(out, "They are of different types: %s and %s.\n", tensor_describe(a, types[0], sizeof types[0]),
			tensor_describe(b, types[1], sizeof types[1]));
		return;
	}
	if (!difference.n_unequal_bits) {
		strbuf_addf(out, "Equal bit for bit, %" PRId64 " elements.\n", difference.n);
		return;
	}
	strbuf_addf(out, "%" PRId64 " of %" PRId64 " elements differ", difference.n_different, difference.n);
	if (request->absolute > 0 || request->relative > 0)
		strbuf_addf(out, " by more than %g + %g × |b|, %" PRId64 " in any bit", request->absolute,
			request->relative, difference.n_unequal_bits);
	strbuf_addf(out, "; at most by %g (relative %g)", difference.max_absolute, difference.max_relative);
	strbuf_add(out, " at ");
	add_position(difference.worst, a->n_dims, out);
	strbuf_addf(out, ": %.9g and %.9g", difference.worst_a, difference.worst_b);
	if (difference.n_different) {
		strbuf_add(out, "; the first at ");
		add_position(difference.first, a->n_dims, out);
	}
	strbuf_add(out, ".\n");
}

int commands_do_compare(struct debug_context *context, const char *rest, struct strbuf *out, struct error *error)
{
	struct compare_request request = { 0 };
	struct read_value a = { 0 }, b = { 0 };
	struct tensor whole_a = { 0 }, whole_b = { 0 };
	int status = parse_compare(context, rest, &request, error);

	if (!status)
		status = read_value(context, &request.a, &a, error);
	if (!status)
		status = read_value(context, &request.b, &b, error);
	if (!status)
		status = gather(&a, &whole_a, error);
	if (!status)
		status = gather(&b, &whole_b, error);
	if (!status) {
		add_value_line(context, &request.a, &a.value, out);
		add_value_line(context, &request.b, &b.value, out);
		add_difference(&whole_a, &whole_b, &request, out);
	}
	free(whole_a.data);
	free(whole_b.data);
	free(a.copy);
	free(b.copy);
	return status;
}

/* -- save ------------------------------------------------------------------------------------------------------------- */

static bool has_suffix(const char *text, const char *suffix)
{
	size_t length = strlen(text), n = strlen(suffix);
	return length > n && !strcmp(text + length - n, suffix);
}

static int save_state(struct debug_context *context, const char *file, struct strbuf *out, struct error *error)
{
	if (!context->save_state)
		return error_set(error, STATUS_UNSUPPORTED, "the state of a run cannot be saved from here");
	int status = commands_check_needs(context, DEBUG_NEEDS_TARGET, error);
	return status ? status : context->save_state(context->user, file, out, error);
}

static int save_value(struct debug_context *context, const struct debug_reference *reference, const char *file,
	struct strbuf *out,
	struct error *error)
{
	struct read_value read;
	char type[200];
	int status = read_value(context, reference, &read, error);

	if (status)
		return status;
	struct debug_reference whole = *reference;
	whole.slice[0] = '\0';
	struct strbuf name = STRBUF_INIT;
	debug_reference_describe(debugger_program(context->debugger), &whole, &name);
	status = debug_write_file(&read.slice, &read.value.tensor, strbuf_text(&name), file, error);
	if (!status) {
		struct tensor written = tensor_make(read.value.tensor.dtype, read.slice.n_dims, read.slice.shape, NULL);
		strbuf_addf(out, "%s written to ", tensor_describe(&written, type, sizeof type));
		strbuf_add_printable(out, file);
		strbuf_add(out, "\n");
	}
	strbuf_finish(&name);
	free(read.copy);
	return status;
}

int commands_do_save(struct debug_context *context, const char *rest, struct strbuf *out, struct error *error)
{
	struct debug_reference reference;
	char file[COMMANDS_WORD_BYTES];
	const char *after = rest;

	if (!commands_word(&after, file))
		return error_set(error, STATUS_SYNTAX, "say what, and into which file");
	if (!*commands_skip(after) && has_suffix(file, ".tandem"))
		return save_state(context, file, out, error);
	int status = commands_check_needs(context, DEBUG_NEEDS_PROGRAM | DEBUG_NEEDS_TARGET, error);
	if (!status)
		status = commands_reference(context, &rest, &reference, error);
	if (!status && !commands_word(&rest, file))
		status = error_set(error, STATUS_SYNTAX, "the file is missing");
	if (!status)
		status = commands_end(rest, error);
	if (!status && !has_suffix(file, ".npy") && !has_suffix(file, ".safetensors"))
		status = error_set(error, STATUS_SYNTAX, "'%s': a value goes into a file .npy or .safetensors", file);
	return status ? status : save_value(context, &reference, file, out, error);
}
