/* SPDX-License-Identifier: Apache-2.0
 *
 * expression: parsing of conditions, by recursive descent:
 *
 *     or = and {"||" and}     and = not {"&&" not}     not = "!" not | comparison
 *     comparison = sum [("==" | "!=" | "<" | "<=" | ">" | ">=") sum]     sum = product {("+" | "-") product}
 *     product = sign {("*" | "/") sign}     sign = "-" sign | "(" or ")" | number | figure | "in" "." figure | figure "(" value ")" | value
 *     comparison = ("node" | "op" | "worker") ("==" | "!=") name | name ("==" | "!=") ("node" | "op" | "worker")
 */
#include "engine/debug/expression.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/attributes.h"
#include "engine/debug/expression_private.h"
#include "engine/graph/mistakes.h"

#define DEPTH_MAX 64
#define NO_TERM UINT32_MAX

static const char *const figure_words[FIGURE_COUNT + 1] = {
#define X(name, word) [FIGURE_##name] = word,
	EXPRESSION_FIGURE_MAP(X)
#undef X
};

static const char *const place_words[PLACE_COUNT + 1] = {
#define X(name, word) [PLACE_##name] = word,
	EXPRESSION_PLACE_MAP(X)
#undef X
};

struct parser {
	struct debug_expression *expression;
	const struct program *program;
	struct lexer lexer;
	struct error *error;
	int depth;
};

static int parse_or(struct parser *parser, uint32_t *ret_term);

static int find_word(const char *const *words, const char *word)
{
	for (int i = 0; words[i]; i++) {
		if (strcmp(words[i], word) == 0)
			return i;
	}
	return -1;
}

static int add_term(struct parser *parser, struct term term, uint32_t *ret_term)
{
	struct debug_expression *expression = parser->expression;
	if (expression->n_terms == expression->capacity) {
		uint32_t capacity = expression->capacity ? expression->capacity * 2 : 16;
		struct term *terms = realloc(expression->terms, capacity * sizeof *terms);
		if (!terms)
			return error_set(parser->error, STATUS_NO_MEMORY, "no memory for a condition");
		expression->terms = terms;
		expression->capacity = capacity;
	}
	expression->terms[expression->n_terms] = term;
	*ret_term = expression->n_terms++;
	return STATUS_OK;
}

static bool is_sign(const struct parser *parser, enum expression_sign sign)
{
	return lexer_is(&parser->lexer, sign);
}

/* -- words: nodes, workers, ops ----------------------------------------------------------------------------------------------- */

static uint32_t find_op(const struct program *program, const char *name, const char **nearest)
{
	uint32_t n = program->header->n_nodes;
	const char **names = calloc((size_t)n + 1, sizeof *names);
	size_t n_names = 0;
	*nearest = NULL;
	for (uint32_t i = 0; i < n; i++) {
		const char *op = debug_op_name(program, i);
		if (strcmp(op, name) == 0) {
			free(names);
			return i;
		}
		if (names && *op)
			names[n_names++] = op;
	}
	if (names)
		*nearest = mistakes_nearest(name, names);
	free(names);
	return PROGRAM_NONE;
}

/* The name at the current token, of the kind that is compared. */
static int parse_name(struct parser *parser, enum expression_place place, uint32_t *ret_idx)
{
	static const char *const whats[] = { [PLACE_NODE] = "the name of a node", [PLACE_OP] = "the name of an op in this graph",
		[PLACE_WORKER] = "the name of a worker" };
	const char *nearest = NULL, *name = parser->lexer.token.word;
	*ret_idx = PROGRAM_NONE;
	if (parser->lexer.token.kind != TOKEN_WORD)
		return lexer_expected(&parser->lexer, whats[place], NULL);
	if (place == PLACE_NODE)
		*ret_idx = debug_find_node(parser->program, name, &nearest);
	else if (place == PLACE_WORKER)
		*ret_idx = debug_find_worker(parser->program, name, &nearest);
	else
		*ret_idx = find_op(parser->program, name, &nearest);
	return *ret_idx == PROGRAM_NONE ? lexer_expected(&parser->lexer, whats[place], nearest) : lexer_next(&parser->lexer);
}

static int parse_equality(struct parser *parser, bool *ret_is_negated)
{
	*ret_is_negated = is_sign(parser, SIGN_UNEQUAL);
	if (!*ret_is_negated && !is_sign(parser, SIGN_EQUAL))
		return lexer_expected(&parser->lexer, "== or !=", NULL);
	return lexer_next(&parser->lexer);
}

static int add_is(struct parser *parser, enum expression_place place, uint32_t idx, bool is_negated, uint32_t *ret_term)
{
	int status = add_term(parser, (struct term){ .kind = TERM_IS, .place = place, .idx = idx }, ret_term);
	if (status == STATUS_OK && is_negated)
		status = add_term(parser, (struct term){ .kind = TERM_NOT, .left = *ret_term }, ret_term);
	return status;
}

/* node == layer3; the field is the current token. */
static int parse_is(struct parser *parser, enum expression_place place, uint32_t *ret_term)
{
	bool is_negated;
	uint32_t idx;
	int status = lexer_next(&parser->lexer);
	if (status == STATUS_OK)
		status = parse_equality(parser, &is_negated);
	if (status == STATUS_OK)
		status = parse_name(parser, place, &idx);
	return status == STATUS_OK ? add_is(parser, place, idx, is_negated, ret_term) : status;
}

/* layer3 == node: when what follows the name says so. *ret_is_one is false otherwise, and nothing was read. */
static int parse_reversed(struct parser *parser, uint32_t *ret_term, bool *ret_is_one)
{
	struct lexer before = parser->lexer, after = parser->lexer;
	bool is_negated;
	uint32_t idx;
	struct error ignored;
	*ret_is_one = false;
	after.error = &ignored;
	if (lexer_next(&after) != STATUS_OK || (!lexer_is(&after, SIGN_EQUAL) && !lexer_is(&after, SIGN_UNEQUAL)))
		return STATUS_OK;
	is_negated = lexer_is(&after, SIGN_UNEQUAL);
	int place = lexer_next(&after) == STATUS_OK && after.token.kind == TOKEN_WORD && !after.token.is_quoted
		? find_word(place_words, after.token.word) : -1;
	if (place < 0 || place > PLACE_WORKER)
		return STATUS_OK;
	*ret_is_one = true;
	int status = parse_name(parser, (enum expression_place)place, &idx);
	if (status != STATUS_OK) {
		parser->lexer = before;
		return status;
	}
	parser->lexer = after;
	parser->lexer.error = parser->error;
	status = lexer_next(&parser->lexer);
	return status == STATUS_OK ? add_is(parser, (enum expression_place)place, idx, is_negated, ret_term) : status;
}

/* -- values -------------------------------------------------------------------------------------------------------------------- */

/* A reference from the current token on, as a term: an element, or with `figure` that of it. */
static int parse_reference(struct parser *parser, struct term term, uint32_t *ret_term)
{
	const char *end;
	term.reference = malloc(sizeof *term.reference);
	if (!term.reference)
		return error_set(parser->error, STATUS_NO_MEMORY, "no memory for a condition");
	int status = reference_parse_at(parser->program, parser->lexer.text, parser->lexer.token.start, term.reference, &end, parser->error);
	if (status == STATUS_OK)
		status = add_term(parser, term, ret_term);
	if (status != STATUS_OK) {
		free(term.reference);
		return status;
	}
	parser->lexer.token.end = end;
	return lexer_next(&parser->lexer);
}

/* max, or max(value). */
static int parse_figure(struct parser *parser, enum expression_figure figure, bool of_inputs, uint32_t *ret_term)
{
	struct term term = { .kind = of_inputs ? TERM_INPUTS : TERM_OUTPUTS, .figure = figure };
	int status = lexer_next(&parser->lexer);
	if (status != STATUS_OK || !is_sign(parser, SIGN_OPEN) || of_inputs) {
		parser->expression->needs_outputs |= !of_inputs;
		return status == STATUS_OK ? add_term(parser, term, ret_term) : status;
	}
	status = lexer_next(&parser->lexer);
	term.kind = TERM_FIGURE;
	if (status == STATUS_OK)
		status = parse_reference(parser, term, ret_term);
	if (status == STATUS_OK && !is_sign(parser, SIGN_CLOSE))
		status = lexer_expected(&parser->lexer, ")", NULL);
	return status == STATUS_OK ? lexer_next(&parser->lexer) : status;
}

/* in.max: the current token is `in`. */
static int parse_inputs(struct parser *parser, uint32_t *ret_term)
{
	int status = lexer_next(&parser->lexer);
	if (status == STATUS_OK && !is_sign(parser, SIGN_DOT))
		return lexer_expected(&parser->lexer, ". and a figure of the inputs (in.max)", NULL);
	if (status == STATUS_OK)
		status = lexer_next(&parser->lexer);
	if (status != STATUS_OK)
		return status;
	const char *word = parser->lexer.token.kind == TOKEN_WORD ? parser->lexer.token.word : "";
	int figure = find_word(figure_words, word);
	if (figure < 0)
		return lexer_expected(&parser->lexer, "a figure of the inputs (min, max, mean, …)", mistakes_nearest(word, figure_words));
	return parse_figure(parser, (enum expression_figure)figure, true, ret_term);
}

/* Whether a part of a node's name follows at once: then it is a reference whatever the word is. */
static bool is_reference(const struct parser *parser)
{
	const struct token *token = &parser->lexer.token;
	const char next = *token->end;
	bool is_node = debug_find_node(parser->program, token->word, NULL) != PROGRAM_NONE;
	return is_node && (next == '.' || next == '[' || next == '@');
}

static int report_word(struct parser *parser)
{
	const char *word = parser->lexer.token.word, *nearest = NULL;
	if (debug_find_node(parser->program, word, &nearest) != PROGRAM_NONE)
		return lexer_expected(&parser->lexer, "a number: an element of a node's output (NODE.out[0,3]), or node == NODE", NULL);
	if (mistakes_nearest(word, figure_words))
		nearest = mistakes_nearest(word, figure_words);
	else if (mistakes_nearest(word, place_words))
		nearest = mistakes_nearest(word, place_words);
	return lexer_expected(&parser->lexer, "a number, a value of the stop (node, execution, duration, max, …) or NODE.out[…]", nearest);
}

static int parse_word(struct parser *parser, uint32_t *ret_term)
{
	const struct token *token = &parser->lexer.token;
	bool is_one, is_input = strcmp(token->word, "in") == 0;
	int figure = find_word(figure_words, token->word), place = find_word(place_words, token->word);
	int status = parse_reversed(parser, ret_term, &is_one);
	if (status != STATUS_OK || is_one)
		return status;
	if (is_reference(parser))
		return parse_reference(parser, (struct term){ .kind = TERM_ELEMENT }, ret_term);
	if (token->is_quoted)
		return report_word(parser);
	if (figure >= 0)
		return parse_figure(parser, (enum expression_figure)figure, false, ret_term);
	if (is_input)
		return parse_inputs(parser, ret_term);
	if (place < 0)
		return report_word(parser);
	if (place <= PLACE_WORKER)
		return parse_is(parser, (enum expression_place)place, ret_term);
	parser->expression->needs_outputs |= place == PLACE_DURATION;
	status = lexer_next(&parser->lexer);
	return status == STATUS_OK ? add_term(parser, (struct term){ .kind = TERM_PLACE, .place = (enum expression_place)place }, ret_term)
		: status;
}

/* -- operators ------------------------------------------------------------------------------------------------------------------ */

static int parse_group(struct parser *parser, uint32_t *ret_term)
{
	int status = lexer_next(&parser->lexer);
	if (status == STATUS_OK)
		status = parse_or(parser, ret_term);
	if (status == STATUS_OK && !is_sign(parser, SIGN_CLOSE))
		return lexer_expected(&parser->lexer, ")", NULL);
	return status == STATUS_OK ? lexer_next(&parser->lexer) : status;
}

static int parse_prefixed(struct parser *parser, uint32_t *ret_term)
{
	const struct token *token = &parser->lexer.token;
	enum term_kind kind = is_sign(parser, SIGN_NOT) ? TERM_NOT : TERM_NEGATE;
	if (token->kind == TOKEN_WORD)
		return parse_word(parser, ret_term);
	if (is_sign(parser, SIGN_OPEN))
		return parse_group(parser, ret_term);
	if (token->kind == TOKEN_NUMBER) {
		int status = add_term(parser, (struct term){ .kind = TERM_NUMBER, .number = token->number }, ret_term);
		return status == STATUS_OK ? lexer_next(&parser->lexer) : status;
	}
	if (!is_sign(parser, SIGN_NOT) && !is_sign(parser, SIGN_SUBTRACT))
		return lexer_expected(&parser->lexer, "a number, a value of the stop or NODE.out[…]", NULL);
	if (++parser->depth > DEPTH_MAX)
		return error_set(parser->error, STATUS_INPUT, "column %d: nested too deeply", (int)(token->start - parser->lexer.text) + 1);
	int status = lexer_next(&parser->lexer);
	if (status == STATUS_OK)
		status = parse_prefixed(parser, ret_term);
	parser->depth--;
	return status == STATUS_OK ? add_term(parser, (struct term){ .kind = kind, .left = *ret_term }, ret_term) : status;
}

/* Levels of two-sided operators, the loosest first. Comparisons do not follow one another. */
static const struct level {
	enum expression_sign signs[7];
	int n_signs;
	bool is_single;
} levels[] = {
	{ { SIGN_OR }, 1, false },
	{ { SIGN_AND }, 1, false },
	{ { SIGN_EQUAL, SIGN_UNEQUAL, SIGN_AT_MOST, SIGN_AT_LEAST, SIGN_LESS, SIGN_MORE }, 6, true },
	{ { SIGN_ADD, SIGN_SUBTRACT }, 2, false },
	{ { SIGN_MULTIPLY, SIGN_DIVIDE }, 2, false },
};

static bool is_of_level(const struct parser *parser, const struct level *level)
{
	for (int i = 0; i < level->n_signs; i++) {
		if (is_sign(parser, level->signs[i]))
			return true;
	}
	return false;
}

static int parse_level(struct parser *parser, size_t idx, uint32_t *ret_term)
{
	if (idx == ARRAY_LEN(levels))
		return parse_prefixed(parser, ret_term);
	const struct level *level = &levels[idx];
	int status = parse_level(parser, idx + 1, ret_term);
	while (status == STATUS_OK && is_of_level(parser, level)) {
		struct term term = { .kind = TERM_BINARY, .sign = parser->lexer.token.sign, .left = *ret_term };
		status = lexer_next(&parser->lexer);
		if (status == STATUS_OK)
			status = parse_level(parser, idx + 1, &term.right);
		if (status == STATUS_OK)
			status = add_term(parser, term, ret_term);
		if (level->is_single)
			break;
	}
	return status;
}

static int parse_or(struct parser *parser, uint32_t *ret_term)
{
	if (++parser->depth > DEPTH_MAX)
		return error_set(parser->error, STATUS_INPUT, "column %d: nested too deeply",
			(int)(parser->lexer.token.start - parser->lexer.text) + 1);
	int status = parse_level(parser, 0, ret_term);
	parser->depth--;
	return status;
}

int debug_expression_parse(const struct program *program, const char *text, struct debug_expression **ret_expression, struct error *error)
{
	struct debug_expression *expression = calloc(1, sizeof *expression);
	struct parser parser = { .expression = expression, .program = program, .error = error };
	if (!expression)
		return error_set(error, STATUS_NO_MEMORY, "no memory for a condition");
	expression->program = program;
	int status = lexer_begin(&parser.lexer, text, text, error);
	if (status == STATUS_OK)
		status = parse_or(&parser, &expression->root);
	if (status == STATUS_OK && parser.lexer.token.kind != TOKEN_END)
		status = lexer_expected(&parser.lexer, is_sign(&parser, SIGN_SET) ? "==" : "an operator or the end", NULL);
	if (status != STATUS_OK) {
		debug_expression_finish(expression);
		return status;
	}
	*ret_expression = expression;
	return STATUS_OK;
}

void debug_expression_finish(struct debug_expression *expression)
{
	if (!expression)
		return;
	for (uint32_t i = 0; i < expression->n_terms; i++)
		free(expression->terms[i].reference);
	free(expression->terms);
	free(expression);
}

bool debug_expression_needs_outputs(const struct debug_expression *expression)
{
	return expression->needs_outputs;
}
