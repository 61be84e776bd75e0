/* SPDX-License-Identifier: Apache-2.0
 *
 * expression_lex: text to tokens, and messages that point into it.
 */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/attributes.h"
#include "engine/base/units.h"
#include "engine/debug/expression_private.h"

static const char *const signs[SIGN_COUNT] = {
#define X(name, text) [SIGN_##name] = text,
	EXPRESSION_SIGN_MAP(X)
#undef X
};

static int column_of(const struct lexer *lexer, const char *at)
{
	return (int)(at - lexer->text) + 1;
}

static bool is_word_byte(char byte)
{
	return isalnum((unsigned char)byte) || byte == '_' || (unsigned char)byte >= 0x80;
}

static int lex_quoted(struct lexer *lexer)
{
	struct token *token = &lexer->token;
	size_t n = 0;
	const char *at = token->start + 1;
	for (; *at && *at != '"'; at++) {
		if (*at == '\\' && (at[1] == '"' || at[1] == '\\'))
			at++;
		if (n + 1 == sizeof token->word)
			return error_set(lexer->error, STATUS_INPUT, "column %d: the name is too long", column_of(lexer, token->start));
		token->word[n++] = *at;
	}
	if (*at != '"')
		return error_set(lexer->error, STATUS_INPUT, "column %d: expected a closing \"", column_of(lexer, at));
	token->word[n] = '\0';
	token->kind = TOKEN_WORD;
	token->is_quoted = true;
	token->end = at + 1;
	return STATUS_OK;
}

static int lex_word(struct lexer *lexer)
{
	struct token *token = &lexer->token;
	const char *end = token->start;
	while (is_word_byte(*end))
		end++;
	size_t n = (size_t)(end - token->start);
	if (n >= sizeof token->word)
		return error_set(lexer->error, STATUS_INPUT, "column %d: the name is too long", column_of(lexer, token->start));
	memcpy(token->word, token->start, n);
	token->word[n] = '\0';
	token->kind = TOKEN_WORD;
	token->end = end;
	return STATUS_OK;
}

static const char *skip_digits(const char *at)
{
	while (isdigit((unsigned char)*at))
		at++;
	return at;
}

/* "7", "1.5e-3", or with a unit of time behind it. */
static int lex_number(struct lexer *lexer)
{
	struct token *token = &lexer->token;
	char text[64];
	const char *end = skip_digits(token->start);
	if (*end == '.')
		end = skip_digits(end + 1);
	const char *exponent = end + 1 + (*end && (end[1] == '-' || end[1] == '+'));
	if ((*end == 'e' || *end == 'E') && isdigit((unsigned char)*exponent))
		end = skip_digits(exponent);
	const char *unit = end;
	while (is_word_byte(*end))
		end++;
	size_t n = (size_t)(end - token->start);
	int64_t ns = 0;
	if (n >= sizeof text)
		return error_set(lexer->error, STATUS_INPUT, "column %d: the number is too long", column_of(lexer, token->start));
	memcpy(text, token->start, n);
	text[n] = '\0';
	if (unit == end)
		token->number = strtod(text, NULL);
	else if (units_parse_duration(text, &ns) == 0)
		token->number = (double)ns;
	else
		return error_set(lexer->error, STATUS_INPUT, "column %d: expected a number or a duration (ns, us, ms, s), not '%s'",
			column_of(lexer, token->start), text);
	token->kind = TOKEN_NUMBER;
	token->end = end;
	return STATUS_OK;
}

static int lex_sign(struct lexer *lexer)
{
	struct token *token = &lexer->token;
	for (int i = 0; i < SIGN_COUNT; i++) {
		size_t n = strlen(signs[i]);
		if (strncmp(token->start, signs[i], n) != 0)
			continue;
		token->kind = TOKEN_SIGN;
		token->sign = (enum expression_sign)i;
		token->end = token->start + n;
		return STATUS_OK;
	}
	if (isprint((unsigned char)*token->start))
		return error_set(lexer->error, STATUS_INPUT, "column %d: '%c' has no meaning here", column_of(lexer, token->start), *token->start);
	return error_set(lexer->error, STATUS_INPUT, "column %d: a control character", column_of(lexer, token->start));
}

int lexer_begin(struct lexer *lexer, const char *text, const char *at, struct error *error)
{
	lexer->text = text;
	lexer->error = error;
	lexer->token.end = at;
	return lexer_next(lexer);
}

int lexer_next(struct lexer *lexer)
{
	struct token *token = &lexer->token;
	const char *at = token->end;
	while (*at == ' ' || *at == '\t')
		at++;
	token->start = token->end = at;
	token->is_quoted = false;
	if (!*at) {
		token->kind = TOKEN_END;
		return STATUS_OK;
	}
	if (*at == '"')
		return lex_quoted(lexer);
	if (isdigit((unsigned char)*at) || (*at == '.' && isdigit((unsigned char)at[1])))
		return lex_number(lexer);
	return is_word_byte(*at) ? lex_word(lexer) : lex_sign(lexer);
}

bool lexer_is(const struct lexer *lexer, enum expression_sign sign)
{
	return lexer->token.kind == TOKEN_SIGN && lexer->token.sign == sign;
}

int lexer_expected(const struct lexer *lexer, const char *what, const char *nearest)
{
	const struct token *token = &lexer->token;
	struct strbuf found = STRBUF_INIT;
	if (token->kind == TOKEN_END) {
		strbuf_add(&found, "the end");
	} else {
		char text[80];
		snprintf(text, sizeof text, "%.*s", (int)(token->end - token->start), token->start);
		strbuf_add(&found, "'");
		strbuf_add_printable(&found, text);
		strbuf_add(&found, "'");
	}
	error_set(lexer->error, STATUS_INPUT, "column %d: expected %s, not %s%s%.200s%s", column_of(lexer, token->start), what,
		strbuf_text(&found), nearest ? "; did you mean '" : "", nearest ? nearest : "", nearest ? "'?" : "");
	strbuf_finish(&found);
	return STATUS_INPUT;
}
