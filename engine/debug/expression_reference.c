/* SPDX-License-Identifier: Apache-2.0
 *
 * expression_reference: NODE.out[slice]@EXECUTION: parsing, reading, and writing it down again.
 */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/debug/expression_private.h"

#define READ_TRIES 5 /* of a value that is overwritten while it is copied */

struct reference_parser {
	const struct program *program;
	struct lexer lexer;
	struct debug_reference *reference;
	const char *end; /* behind what has been understood */
};

/* A name or number behind a dot: "3" of ".3" is read as it stands, not as the number ".3". */
static int read_part(struct reference_parser *parser)
{
	struct token *token = &parser->lexer.token;
	const char *at = token->start + 1;
	if (*token->start != '.')
		return STATUS_OK;
	if (!isdigit((unsigned char)*at))
		return lexer_next(&parser->lexer);
	size_t n = 0;
	while (isdigit((unsigned char)at[n]))
		n++;
	if (n >= sizeof token->word)
		n = sizeof token->word - 1;
	memcpy(token->word, at, n);
	token->word[n] = '\0';
	token->kind = TOKEN_WORD;
	token->is_quoted = false;
	token->start = at;
	token->end = at + n;
	return STATUS_OK;
}

static bool is_at_dot(const struct reference_parser *parser)
{
	return parser->lexer.token.kind != TOKEN_END && *parser->lexer.token.start == '.' && parser->lexer.token.start == parser->end;
}

static int advance(struct reference_parser *parser)
{
	parser->end = parser->lexer.token.end;
	/* what follows may be no token of ours at all: a slice, or the rest of a command */
	struct error ignored;
	struct error *error = parser->lexer.error;
	const char *end = parser->end;
	parser->lexer.error = &ignored;
	if (lexer_next(&parser->lexer) != STATUS_OK) {
		parser->lexer.token.kind = TOKEN_END;
		parser->lexer.token.start = parser->lexer.token.end = end;
	}
	parser->lexer.error = error;
	return STATUS_OK;
}

/* The names behind the dot that there are, for messages. */
static void list_names(const struct program *program, uint32_t node, bool inputs, struct strbuf *out)
{
	uint32_t n = inputs ? program->nodes[node].inputs.n : program->nodes[node].types.n;
	char name[EXPRESSION_WORD_BYTES];
	if (!n)
		strbuf_add(out, inputs ? "it has no inputs" : "it has no outputs");
	for (uint32_t i = 0; i < n && i < 8; i++) {
		strbuf_add(out, i ? ", " : inputs ? "its inputs are " : "its outputs are ");
		strbuf_add_printable(out, inputs ? debug_input_name(program, node, i, name, sizeof name)
			: debug_output_name(program, node, i, name, sizeof name));
	}
	if (n > 8)
		strbuf_addf(out, " and %u more", n - 8);
}

static int report_position(struct reference_parser *parser, bool inputs)
{
	struct strbuf what = STRBUF_INIT;
	const struct program *program = parser->program;
	strbuf_addf(&what, "an %s of ", inputs ? "input" : "output");
	strbuf_add_printable(&what, debug_node_name(program, parser->reference->node));
	strbuf_add(&what, " (");
	list_names(program, parser->reference->node, inputs, &what);
	strbuf_add(&what, ")");
	int status = lexer_expected(&parser->lexer, strbuf_text(&what), NULL);
	strbuf_finish(&what);
	return status;
}

/* ".out", ".in", ".NAME", with ".NAME" or ".NUMBER" behind the first two. */
static int parse_position(struct reference_parser *parser)
{
	struct debug_reference *reference = parser->reference;
	const struct program *program = parser->program;
	const char *name = "";
	bool has_dot = is_at_dot(parser);
	int status = has_dot ? read_part(parser) : STATUS_OK;
	bool has_part = has_dot && status == STATUS_OK && parser->lexer.token.start > parser->end;
	if (status != STATUS_OK || (has_part && parser->lexer.token.kind != TOKEN_WORD))
		return lexer_expected(&parser->lexer, "out, in, or the name or number of an output or input", NULL);
	if (has_part) {
		bool is_in = strcmp(parser->lexer.token.word, "in") == 0, is_out = strcmp(parser->lexer.token.word, "out") == 0;
		name = parser->lexer.token.word;
		reference->position = debug_find_output(program, reference->node, name);
		reference->is_input = reference->position == PROGRAM_NONE && !is_out
			&& (is_in || debug_find_input(program, reference->node, name) != PROGRAM_NONE);
		if (reference->position == PROGRAM_NONE && reference->is_input && !is_in)
			reference->position = debug_find_input(program, reference->node, name);
		if (reference->position != PROGRAM_NONE)
			return advance(parser);
		if (!is_in && !is_out)
			return report_position(parser, false);
		advance(parser);
		status = is_at_dot(parser) ? read_part(parser) : STATUS_OK;
		has_part = status == STATUS_OK && parser->lexer.token.start > parser->end && parser->lexer.token.kind == TOKEN_WORD
			&& *parser->end == '.';
		if (status != STATUS_OK || (*parser->end == '.' && !has_part))
			return report_position(parser, reference->is_input);
		name = has_part ? parser->lexer.token.word : "";
	} else {
		reference->is_input = program->nodes[reference->node].types.n == 0;
	}
	reference->position = reference->is_input ? debug_find_input(program, reference->node, name)
		: debug_find_output(program, reference->node, name);
	if (reference->position == PROGRAM_NONE)
		return report_position(parser, reference->is_input);
	return *name ? advance(parser) : STATUS_OK;
}

static int parse_slice(struct reference_parser *parser)
{
	const char *start = parser->end;
	while (*start == ' ' || *start == '\t')
		start++;
	if (*start != '[')
		return STATUS_OK;
	size_t n = strcspn(start, "]");
	int column = (int)(start - parser->lexer.text) + 1;
	if (start[n] != ']')
		return error_set(parser->lexer.error, STATUS_INPUT, "column %d: the slice has no ]", column);
	if (n + 1 >= sizeof parser->reference->slice)
		return error_set(parser->lexer.error, STATUS_INPUT, "column %d: the slice is too long", column);
	memcpy(parser->reference->slice, start, n + 1);
	parser->lexer.token.end = start + n + 1;
	return advance(parser);
}

static int parse_execution(struct reference_parser *parser)
{
	struct debug_reference *reference = parser->reference;
	struct lexer *lexer = &parser->lexer;
	if (!lexer_is(lexer, SIGN_EXECUTION))
		return STATUS_OK;
	const char *at = lexer->token.end, *first;
	reference->is_relative = *at == '-' || *at == '+';
	bool is_negative = *at == '-';
	at += reference->is_relative;
	for (first = at; isdigit((unsigned char)*at) && reference->execution < INT64_C(1) << 53; at++)
		reference->execution = reference->execution * 10 + (*at - '0');
	if (at == first || isdigit((unsigned char)*at))
		return error_set(lexer->error, STATUS_INPUT, "column %d: expected an execution (@7, or @-1 for the one before)",
			(int)(first - lexer->text) + 1);
	if (is_negative)
		reference->execution = -reference->execution;
	reference->has_execution = true;
	parser->end = at;
	return STATUS_OK;
}

int reference_parse_at(const struct program *program, const char *text, const char *at, struct debug_reference *ret_reference,
	const char **ret_end, struct error *error)
{
	struct reference_parser parser = { .program = program, .reference = ret_reference };
	const char *nearest;
	*ret_reference = (struct debug_reference){ .node = PROGRAM_NONE };
	int status = lexer_begin(&parser.lexer, text, at, error);
	if (status == STATUS_OK && parser.lexer.token.kind != TOKEN_WORD)
		status = lexer_expected(&parser.lexer, "the name of a node", NULL);
	if (status != STATUS_OK)
		return status;
	ret_reference->node = debug_find_node(program, parser.lexer.token.word, &nearest);
	if (ret_reference->node == PROGRAM_NONE)
		return lexer_expected(&parser.lexer, "the name of a node", nearest);
	advance(&parser);
	status = parse_position(&parser);
	if (status == STATUS_OK)
		status = parse_slice(&parser);
	if (status == STATUS_OK)
		status = parse_execution(&parser);
	if (ret_end)
		*ret_end = parser.end;
	return status;
}

int debug_reference_parse(const struct program *program, const char *text, struct debug_reference *ret_reference, const char **ret_end,
	struct error *error)
{
	return reference_parse_at(program, text, text, ret_reference, ret_end, error);
}

/* -- reading -------------------------------------------------------------------------------------------------------------- */

static int resolve_execution(const struct debug_reference *reference, uint64_t current, uint64_t *ret_execution, struct error *error)
{
	*ret_execution = current;
	if (!reference->has_execution)
		return STATUS_OK;
	if (reference->is_relative && current == DEBUG_LATEST)
		return error_set(error, STATUS_INPUT, "@%+" PRId64 " counts from the current execution, and there is none", reference->execution);
	*ret_execution = reference->is_relative ? current + (uint64_t)reference->execution : (uint64_t)reference->execution;
	if (reference->is_relative && reference->execution < 0 && current < (uint64_t)-reference->execution)
		return error_set(error, STATUS_INPUT, "there is no execution %" PRId64 ": the current one is %" PRIu64,
			(int64_t)current + reference->execution, current);
	return STATUS_OK;
}

int debug_reference_find(struct debug_target *target, const struct debug_reference *reference, uint64_t execution,
	struct debug_value *ret_value, struct error *error)
{
	uint64_t wanted;
	int status = resolve_execution(reference, execution, &wanted, error);
	if (status != STATUS_OK)
		return status;
	if (!target->program.header)
		return error_set(error, STATUS_INPUT, "nothing runs whose values could be seen: `run` or `start` it");
	return reference->is_input ? debug_value_find_input(target, reference->node, reference->position, wanted, ret_value, error)
		: debug_value_find(target, reference->node, reference->position, wanted, ret_value, error);
}

int debug_reference_read(struct debug_target *target, const struct debug_reference *reference, uint64_t execution,
	struct debug_value *ret_value, struct debug_slice *ret_slice, void **ret_copy, struct error *error)
{
	int status = STATUS_AGAIN;
	*ret_copy = NULL;
	for (int i = 0; i < READ_TRIES && status == STATUS_AGAIN; i++) {
		status = debug_reference_find(target, reference, execution, ret_value, error);
		if (status == STATUS_OK)
			status = debug_value_copy(target, ret_value, ret_copy, error);
	}
	if (status == STATUS_AGAIN && error)
		error->status = STATUS_INPUT;
	if (status != STATUS_OK)
		return status == STATUS_AGAIN ? STATUS_INPUT : status;
	status = debug_slice_parse(reference->slice, &ret_value->tensor, ret_slice, error);
	if (status != STATUS_OK) {
		free(*ret_copy);
		*ret_copy = NULL;
	}
	return status;
}

/* -- writing down ------------------------------------------------------------------------------------------------------------ */

/* As the lexer reads it: in quotes where it is no word, or `may_be_plain` is false. */
static void add_name(const char *name, bool may_be_plain, struct strbuf *out)
{
	bool is_plain = may_be_plain && *name && (!isdigit((unsigned char)*name) || name[strspn(name, "0123456789")] == '\0');
	for (const char *at = name; *at; at++)
		is_plain = is_plain && (isalnum((unsigned char)*at) || *at == '_' || (unsigned char)*at >= 0x80);
	strbuf_add(out, is_plain ? "" : "\"");
	for (const char *at = name; *at; at++) {
		char one[] = { *at, '\0' };
		strbuf_add(out, !is_plain && (*at == '"' || *at == '\\') ? "\\" : "");
		strbuf_add(out, one);
	}
	strbuf_add(out, is_plain ? "" : "\"");
}

void debug_reference_describe(const struct program *program, const struct debug_reference *reference, struct strbuf *out)
{
	const struct program_node *node = &program->nodes[reference->node];
	uint32_t n = reference->is_input ? node->inputs.n : node->types.n;
	char name[EXPRESSION_WORD_BYTES];
	add_name(program_string(program, node->name), !isdigit((unsigned char)*program_string(program, node->name)), out);
	strbuf_add(out, reference->is_input ? ".in" : ".out");
	if (n > 1) {
		strbuf_add(out, ".");
		add_name(reference->is_input ? debug_input_name(program, reference->node, reference->position, name, sizeof name)
			: debug_output_name(program, reference->node, reference->position, name, sizeof name), true, out);
	}
	strbuf_add(out, reference->slice);
	if (reference->has_execution)
		strbuf_addf(out, reference->is_relative ? "@%+" PRId64 : "@%" PRId64, reference->execution);
}
