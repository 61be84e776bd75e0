/* SPDX-License-Identifier: Apache-2.0
 *
 * op: looking ops up and reading their parameters. One parser a type serves both the check and the getters.
 */
#include "engine/graph/op.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const struct op *op_registry_find(const struct op_registry *registry, const char *name)
{
	for (int i = 0; i < registry->n_items; i++) {
		if (strcmp(registry->items[i]->name, name) == 0)
			return registry->items[i];
	}
	return NULL;
}

/* Reads the integer at `text`; returns where it ends, NULL when there is none that fits. */
static const char *parse_int(const char *text, int64_t *ret_value)
{
	char *end;
	const char *digits = text + (*text == '-' || *text == '+');
	if (*digits < '0' || *digits > '9')
		return NULL;
	errno = 0;
	long long value = strtoll(text, &end, 10);
	if (errno)
		return NULL;
	*ret_value = value;
	return end;
}

static bool int_parse(const char *text, int64_t *ret_value)
{
	const char *end = parse_int(text, ret_value);
	return end && *end == '\0';
}

static bool float_parse(const char *text, double *ret_value)
{
	if (!*text || strspn(text, "0123456789+-.eE") != strlen(text))
		return false;
	char *end;
	double value = strtod(text, &end);
	if (*end || !isfinite(value))
		return false;
	*ret_value = value;
	return true;
}

static bool bool_parse(const char *text, bool *ret_value)
{
	*ret_value = strcmp(text, "true") == 0;
	return *ret_value || strcmp(text, "false") == 0;
}

/* How many integers, -1 when the text is no list of at most OP_PARAM_INTS_MAX. */
static int ints_parse(const char *text, int64_t values[OP_PARAM_INTS_MAX])
{
	int n = 0;
	for (;;) {
		while (*text == ' ')
			text++;
		if (n == OP_PARAM_INTS_MAX)
			return -1;
		text = parse_int(text, &values[n]);
		if (!text)
			return -1;
		n++;
		while (*text == ' ')
			text++;
		if (!*text)
			return n;
		if (*text++ != ',')
			return -1;
	}
}

static bool is_value_of(enum op_param_type type, const char *value)
{
	int64_t integers[OP_PARAM_INTS_MAX];
	double real;
	bool fact;
	switch (type) {
	case OP_PARAM_INT:
		return int_parse(value, integers);
	case OP_PARAM_FLOAT:
		return float_parse(value, &real);
	case OP_PARAM_BOOL:
		return bool_parse(value, &fact);
	case OP_PARAM_TEXT:
		return true;
	case OP_PARAM_INTS:
		return ints_parse(value, integers) >= 0;
	}
	return false;
}

static const char *const type_phrases[] = {
	[OP_PARAM_INT] = "an integer like 2",
	[OP_PARAM_FLOAT] = "a number like 0.5 or 1e-12",
	[OP_PARAM_BOOL] = "true or false",
	[OP_PARAM_TEXT] = "a text",
	[OP_PARAM_INTS] = "integers like \"2,3,-1\", at most 16",
};

int op_param_check(const struct op_param_spec *spec, const char *value, struct error *error)
{
	if (is_value_of(spec->type, value))
		return STATUS_OK;
	return error_set(error, STATUS_GRAPH, "'%s' is '%s'; it must be %s", spec->name, value, type_phrases[spec->type]);
}

static const struct op_param_spec *find_spec(const struct op *op, const char *name)
{
	for (const struct op_param_spec *spec = op->params; spec && spec->name; spec++) {
		if (strcmp(spec->name, name) == 0)
			return spec;
	}
	return NULL;
}

/* The text that counts for a declared parameter: the node's, else the default. */
static const char *param_value(const struct op_params *params, const char *name, enum op_param_type type)
{
	const struct op_param_spec *spec = find_spec(params->op, name);
	assert(spec && spec->type == type);
	for (int i = 0; i < params->n_items; i++) {
		if (strcmp(params->items[i].name, name) == 0)
			return params->items[i].value;
	}
	assert(spec->fallback);
	return spec->fallback;
}

int64_t op_params_int(const struct op_params *params, const char *name)
{
	int64_t value = 0;
	bool is_valid = int_parse(param_value(params, name, OP_PARAM_INT), &value);
	assert(is_valid);
	(void)is_valid;
	return value;
}

double op_params_float(const struct op_params *params, const char *name)
{
	double value = 0;
	bool is_valid = float_parse(param_value(params, name, OP_PARAM_FLOAT), &value);
	assert(is_valid);
	(void)is_valid;
	return value;
}

bool op_params_bool(const struct op_params *params, const char *name)
{
	bool value = false;
	bool is_valid = bool_parse(param_value(params, name, OP_PARAM_BOOL), &value);
	assert(is_valid);
	(void)is_valid;
	return value;
}

const char *op_params_text(const struct op_params *params, const char *name)
{
	return param_value(params, name, OP_PARAM_TEXT);
}

int op_params_ints(const struct op_params *params, const char *name, int64_t values[OP_PARAM_INTS_MAX])
{
	int n = ints_parse(param_value(params, name, OP_PARAM_INTS), values);
	assert(n >= 0);
	return n < 0 ? 0 : n;
}
