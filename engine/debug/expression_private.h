/* SPDX-License-Identifier: Apache-2.0
 *
 * expression_private: what the expression*.c files share: the lexer, references inside a longer text, the tree of a condition.
 */
#ifndef TANDEM_ENGINE_DEBUG_EXPRESSION_PRIVATE_H
#define TANDEM_ENGINE_DEBUG_EXPRESSION_PRIVATE_H

#include "engine/debug/expression.h"

#define EXPRESSION_WORD_BYTES 256

/* -- lexer --------------------------------------------------------------------------------------------------------------- */

enum token_kind {
	TOKEN_END,
	TOKEN_NUMBER,
	TOKEN_WORD,     /* a name, or any text in double quotes */
	TOKEN_SIGN,     /* one of the signs below */
};

/* X(NAME, text): longer ones first where one begins like another. */
#define EXPRESSION_SIGN_MAP(X)                                                                                         \
	X(EQUAL, "==") X(UNEQUAL, "!=") X(AT_MOST, "<=") X(AT_LEAST, ">=") X(AND, "&&") X(OR, "||")                    \
	X(SET_ADD, "+=") X(SET_SUBTRACT, "-=") X(SET_MULTIPLY, "*=") X(SET_DIVIDE, "/=")                               \
	X(LESS, "<") X(MORE, ">") X(NOT, "!") X(OPEN, "(") X(CLOSE, ")") X(ADD, "+") X(SUBTRACT, "-") X(MULTIPLY, "*") \
	X(DIVIDE, "/") X(SET, "=") X(COMMA, ",") X(DOT, ".") X(BRACKET, "[") X(UNBRACKET, "]") X(EXECUTION, "@")
enum expression_sign {
#define X(name, text) SIGN_##name,
	EXPRESSION_SIGN_MAP(X)
#undef X
	SIGN_COUNT
};

struct token {
	enum token_kind kind;
	enum expression_sign sign;
	double number;                    /* durations in ns */
	char word[EXPRESSION_WORD_BYTES];
	bool is_quoted;
	const char *start, *end;
};

struct lexer {
	const char *text;    /* whole, for columns */
	struct token token;  /* the current one */
	struct error *error;
};

/* Reads the token at `at`. STATUS_INPUT with its column when there is none. */
int lexer_begin(struct lexer *lexer, const char *text, const char *at, struct error *error);
int lexer_next(struct lexer *lexer);
bool lexer_is(const struct lexer *lexer, enum expression_sign sign);
/* "column 7: expected WHAT, not 'x'" at the current token; `nearest` (may be NULL) is suggested. Returns STATUS_INPUT. */
int lexer_expected(const struct lexer *lexer, const char *what, const char *nearest);

/* -- references ---------------------------------------------------------------------------------------------------------- */

/* debug_reference_parse from `at` inside a longer `text`. */
int reference_parse_at(const struct program *program, const char *text, const char *at, struct debug_reference *ret_reference,
	const char **ret_end, struct error *error);

/* -- the tree of a condition ------------------------------------------------------------------------------------------------ */

/* X(NAME, word): figures of a tensor, in conditions. */
#define EXPRESSION_FIGURE_MAP(X)                                                                                          \
	X(MIN, "min") X(MAX, "max") X(MEAN, "mean") X(NORM, "norm") X(STD, "std") X(N_NAN, "n_nan") X(N_INF, "n_inf")     \
	X(HAS_NAN, "has_nan") X(HAS_INF, "has_inf")
enum expression_figure {
#define X(name, word) FIGURE_##name,
	EXPRESSION_FIGURE_MAP(X)
#undef X
	FIGURE_COUNT
};

/* X(NAME, word): what else is known of a stop. NODE, OP and WORKER are words: they can be compared for equality only. */
#define EXPRESSION_PLACE_MAP(X) \
	X(NODE, "node") X(OP, "op") X(WORKER, "worker") X(EXECUTION, "execution") X(DURATION, "duration") X(WAIT, "wait")
enum expression_place {
#define X(name, word) PLACE_##name,
	EXPRESSION_PLACE_MAP(X)
#undef X
	PLACE_COUNT
};

enum term_kind {
	TERM_NUMBER,
	TERM_PLACE,       /* execution, duration, wait */
	TERM_IS,          /* node, op or worker is `idx` (of op: of any node with that op) */
	TERM_OUTPUTS,     /* figure of the outputs at the stop */
	TERM_INPUTS,
	TERM_FIGURE,      /* figure of a reference */
	TERM_ELEMENT,     /* a reference to one element */
	TERM_NOT,
	TERM_NEGATE,
	TERM_BINARY,
};

struct term {
	enum term_kind kind;
	enum expression_sign sign;    /* BINARY */
	enum expression_figure figure;
	enum expression_place place;
	uint32_t idx;
	uint32_t left, right;         /* terms */
	double number;
	struct debug_reference *reference; /* owned */
};

struct debug_expression {
	const struct program *program;
	struct term *terms;
	uint32_t n_terms, capacity, root;
	bool needs_outputs;
};

#endif
