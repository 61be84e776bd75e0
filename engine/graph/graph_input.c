/* SPDX-License-Identifier: Apache-2.0
 *
 * graph_input: the declaration of the graph's input tensors, "ids:i32[B<=64,L<=512] mask:f32[B,L]".
 *
 *   declaration = { tensor }            separated by blanks
 *   tensor      = name ":" dtype [ "[" [ dim { "," dim } ] "]" ]
 *   dim         = size | letter [ "<=" bound ]
 *
 * A tensor with a mistake is skipped up to the next blank outside brackets, so that the others are still read.
 */
#include "engine/graph/graph.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/graph/grow.h"

struct declaration {
	const char *at;
	struct graph *graph;
	int line;
	struct mistakes *mistakes;
};

#define complain(reader, ...)                                                                                               \
	(mistakes_add((reader)->mistakes, (reader)->line, "input", __VA_ARGS__),                                            \
		(reader)->graph->nodes[GRAPH_INPUT].has_mistake = true)

#define X(name, word, bytes, st, npy) " " word
static const char dtype_words[] = DTYPE_MAP(X);
#undef X

static void skip_blanks(struct declaration *reader)
{
	while (isspace((unsigned char)*reader->at))
		reader->at++;
}

static bool is_name_char(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '.' || c == '-';
}

/* The word at the reader; false when there is none or it does not fit. */
static bool read_word(struct declaration *reader, char *word, size_t size)
{
	size_t length = 0;
	while (is_name_char(reader->at[length]))
		length++;
	if (length == 0 || length >= size)
		return false;
	memcpy(word, reader->at, length);
	word[length] = '\0';
	reader->at += length;
	return true;
}

/* A size from 1 to GRAPH_SIZE_MAX. */
static bool read_size(struct declaration *reader, int64_t *ret_size)
{
	int64_t size = 0;
	const char *start = reader->at;
	for (; isdigit((unsigned char)*reader->at); reader->at++) {
		size = size * 10 + (*reader->at - '0');
		if (size > GRAPH_SIZE_MAX)
			return false;
	}
	*ret_size = size;
	return reader->at > start && size >= 1;
}

static int find_symbol(struct symbols *symbols, const char *name)
{
	for (int i = 0; i < symbols->n; i++) {
		if (strcmp(symbols->items[i].name, name) == 0)
			return i;
	}
	if (symbols->n == TYPE_SYMBOLS_MAX)
		return -1;
	struct symbol *symbol = &symbols->items[symbols->n];
	snprintf(symbol->name, sizeof(symbol->name), "%s", name);
	symbol->bound = 0;
	return symbols->n++;
}

static bool read_bound(struct declaration *reader, const char *tensor, struct symbol *symbol)
{
	skip_blanks(reader);
	if (strncmp(reader->at, "<=", 2) != 0)
		return true;
	reader->at += 2;
	skip_blanks(reader);
	int64_t bound;
	if (!read_size(reader, &bound)) {
		complain(reader, "tensor '%s': the bound of %s must be a number from 1 to %" PRId64, tensor, symbol->name,
			GRAPH_SIZE_MAX);
		return false;
	}
	if (symbol->bound && symbol->bound != bound) {
		complain(reader, "%s has two bounds, %" PRId64 " and %" PRId64 "; give one and write just %s elsewhere",
			symbol->name, symbol->bound, bound, symbol->name);
		return true;
	}
	symbol->bound = bound;
	return true;
}

static bool read_dim(struct declaration *reader, const char *tensor, struct dim *ret_dim)
{
	char name[TYPE_SYMBOL_NAME_BYTES];
	skip_blanks(reader);
	if (isdigit((unsigned char)*reader->at) || *reader->at == '-') {
		int64_t size;
		if (!read_size(reader, &size)) {
			complain(reader, "tensor '%s': a size must be a number from 1 to %" PRId64, tensor, GRAPH_SIZE_MAX);
			return false;
		}
		*ret_dim = dim_constant(size);
		return true;
	}
	if (!isalpha((unsigned char)*reader->at) || !read_word(reader, name, sizeof(name))) {
		complain(
			reader, "tensor '%s': a dimension is a size like 384, or a letter with a bound like L<=512", tensor);
		return false;
	}
	int symbol = find_symbol(&reader->graph->symbols, name);
	if (symbol < 0) {
		complain(reader, "more than %d letters", TYPE_SYMBOLS_MAX);
		return false;
	}
	*ret_dim = (struct dim){ .mul = 1, .symbol = symbol };
	return read_bound(reader, tensor, &reader->graph->symbols.items[symbol]);
}

/* What stands between the brackets, the closing one included. */
static bool read_dims(struct declaration *reader, const char *tensor, struct tensor_type *type)
{
	skip_blanks(reader);
	if (*reader->at == ']') {
		reader->at++;
		return true;
	}
	for (;;) {
		if (type->n_dims == TENSOR_DIMS_MAX) {
			complain(reader, "tensor '%s' has more than %d dimensions", tensor, TENSOR_DIMS_MAX);
			return false;
		}
		if (!read_dim(reader, tensor, &type->dims[type->n_dims]))
			return false;
		type->n_dims++;
		skip_blanks(reader);
		char c = *reader->at;
		if (c != ',' && c != ']') {
			complain(reader, "tensor '%s': after %d dimension%s comes ',' or ']', not %s", tensor, type->n_dims,
				type->n_dims == 1 ? "" : "s", c ? (char[4]){ '\'', c, '\'', '\0' } : "the end");
			return false;
		}
		reader->at++;
		if (c == ']')
			return true;
	}
}

static void add_tensor(struct declaration *reader, const char *name, const struct tensor_type *type)
{
	struct graph_node *input = &reader->graph->nodes[GRAPH_INPUT];
	for (int i = 0; i < input->n_outputs; i++) {
		if (strcmp(input->output_names[i], name) == 0) {
			complain(reader, "tensor '%s' is declared twice", name);
			return;
		}
	}
	if (input->n_outputs == OP_OUTPUTS_MAX) {
		complain(reader, "more than %d tensors", OP_OUTPUTS_MAX);
		return;
	}
	char *copy = strdup(name);
	if (!copy || !grow_array(&input->outputs, input->n_outputs, sizeof(*input->outputs))
		|| !grow_array(&input->output_names, input->n_outputs, sizeof(*input->output_names))) {
		free(copy);
		complain(reader, "no memory for tensor '%s'", name);
		return;
	}
	input->outputs[input->n_outputs] = *type;
	input->output_names[input->n_outputs++] = copy;
}

static bool read_tensor(struct declaration *reader)
{
	char name[GRAPH_NAME_BYTES_MAX], word[GRAPH_NAME_BYTES_MAX];
	struct tensor_type type = { 0 };
	if (!read_word(reader, name, sizeof(name)) || *reader->at != ':') {
		complain(reader,
			"'tensors' is a list like \"ids:i32[B<=64,L<=512] mask:f32[B,L]\"; NAME:DTYPE[SIZES] was expected at '%s'",
			reader->at);
		return false;
	}
	reader->at++;
	if (!read_word(reader, word, sizeof(word)))
		word[0] = '\0';
	if (!dtype_parse(word, &type.dtype)) {
		complain(reader, "tensor '%s': '%s' is no dtype; known are%s", name, word, dtype_words);
		return false;
	}
	if (*reader->at == '[') {
		reader->at++;
		if (!read_dims(reader, name, &type))
			return false;
	}
	if (*reader->at && !isspace((unsigned char)*reader->at)) {
		complain(reader, "tensor '%s': a blank must come between two tensors, not '%c'", name, *reader->at);
		return false;
	}
	add_tensor(reader, name, &type);
	return true;
}

static void skip_tensor(struct declaration *reader)
{
	int depth = 0;
	for (; *reader->at && (depth > 0 || !isspace((unsigned char)*reader->at)); reader->at++)
		depth += *reader->at == '[' ? 1 : *reader->at == ']' ? -1 : 0;
}

void graph_set_input(struct graph *graph, const char *tensors, int line, struct mistakes *mistakes)
{
	struct declaration reader = { .at = tensors, .graph = graph, .line = line, .mistakes = mistakes };
	if (!graph->nodes[GRAPH_INPUT].line)
		graph->nodes[GRAPH_INPUT].line = line;
	for (skip_blanks(&reader); *reader.at; skip_blanks(&reader)) {
		const char *start = reader.at;
		if (!read_tensor(&reader)) {
			reader.at = start;
			skip_tensor(&reader);
		}
	}
	if (graph->nodes[GRAPH_INPUT].has_mistake)
		return;
	for (int i = 0; i < graph->symbols.n; i++) {
		const struct symbol *symbol = &graph->symbols.items[i];
		if (!symbol->bound)
			complain(&reader, "%s has no bound; write %s<=N at its first use", symbol->name, symbol->name);
	}
}
