/* SPDX-License-Identifier: Apache-2.0
 *
 * dot_lex: DOT text to tokens.
 */
#include "engine/graph/dot_lex.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

void dot_lex_init(struct dot_lexer *lexer, const char *text)
{
	*lexer = (struct dot_lexer){ .start = text, .at = text, .escaped_to = text, .line = 1 };
	if (strncmp(text, "\xef\xbb\xbf", 3) == 0)
		lexer->at += 3;
}

void dot_lex_finish(struct dot_lexer *lexer)
{
	strbuf_finish(&lexer->id);
}

bool dot_token_is(const struct dot_token *token, const char *keyword)
{
	return token->kind == DOT_ID && token->is_bare && strcasecmp(token->text, keyword) == 0;
}

static void step(struct dot_lexer *lexer)
{
	lexer->line += *lexer->at == '\n';
	lexer->at++;
}

static void skip_line(struct dot_lexer *lexer)
{
	lexer->at += strcspn(lexer->at, "\r\n");
}

static void skip_directive(struct dot_lexer *lexer)
{
	const char *start = lexer->at;
	skip_line(lexer);
	if (lexer->writable)
		memset(lexer->writable + (start - lexer->start), ' ', (size_t)(lexer->at - start));
}

static bool is_line_start(const struct dot_lexer *lexer)
{
	return lexer->at == lexer->start || lexer->at[-1] == '\n' || lexer->at[-1] == '\r';
}

static void skip_block_comment(struct dot_lexer *lexer)
{
	int line = lexer->line;
	lexer->at += 2;
	while (*lexer->at && strncmp(lexer->at, "*/", 2) != 0)
		step(lexer);
	if (*lexer->at)
		lexer->at += 2;
	else
		lexer->open_line = line;
}

static void skip_space(struct dot_lexer *lexer)
{
	for (;;) {
		if (*lexer->at == '#' && is_line_start(lexer))
			skip_directive(lexer);
		else if (strncmp(lexer->at, "//", 2) == 0)
			skip_line(lexer);
		else if (strncmp(lexer->at, "/*", 2) == 0)
			skip_block_comment(lexer);
		else if (isspace((unsigned char)*lexer->at))
			step(lexer);
		else
			return;
	}
}

/* The closing character of a string that started at `line`, unless the text ends before. */
static void close_string(struct dot_lexer *lexer, int line)
{
	if (*lexer->at)
		lexer->at++;
	else
		lexer->open_line = line;
}

static void escape_newline(struct dot_lexer *lexer)
{
	strbuf_add_bytes(lexer->escaped, lexer->escaped_to, (size_t)(lexer->at - lexer->escaped_to));
	strbuf_add(lexer->escaped, "\\");
	lexer->escaped_to = lexer->at;
}

/* The inside of a quoted string: \" is a quote, a backslash before a line's end joins the lines, any other pair stays. */
static void read_quoted(struct dot_lexer *lexer)
{
	int line = lexer->line;
	for (lexer->at++; *lexer->at && *lexer->at != '"';) {
		if (lexer->at[0] == '\\' && lexer->at[1] == '"') {
			strbuf_add(&lexer->id, "\"");
			lexer->at += 2;
		} else if (lexer->at[0] == '\\' && lexer->at[1] == '\\') {
			strbuf_add(&lexer->id, "\\\\");
			lexer->at += 2;
		} else if (lexer->at[0] == '\\' && lexer->at[1] == '\n') {
			lexer->at++;
			step(lexer);
		} else if (lexer->at[0] == '\\' && lexer->at[1] == '\r' && lexer->at[2] == '\n') {
			lexer->at += 2;
			step(lexer);
		} else {
			if (*lexer->at == '\n' && lexer->escaped)
				escape_newline(lexer);
			strbuf_add_bytes(&lexer->id, lexer->at, 1);
			step(lexer);
		}
	}
	close_string(lexer, line);
}

/* Strings joined by +. */
static void read_quoted_pieces(struct dot_lexer *lexer)
{
	for (;;) {
		read_quoted(lexer);
		const char *at = lexer->at;
		int line = lexer->line;
		skip_space(lexer);
		if (*lexer->at == '+') {
			lexer->at++;
			skip_space(lexer);
			if (*lexer->at == '"')
				continue;
		}
		lexer->at = at;
		lexer->line = line;
		return;
	}
}

static void read_html(struct dot_lexer *lexer)
{
	int depth = 1, line = lexer->line;
	for (lexer->at++; *lexer->at; step(lexer)) {
		depth += *lexer->at == '<' ? 1 : *lexer->at == '>' ? -1 : 0;
		if (depth == 0)
			break;
		strbuf_add_bytes(&lexer->id, lexer->at, 1);
	}
	close_string(lexer, line);
}

static bool is_letter(char c)
{
	return isalpha((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

/* Length of the name or number at `at`; 0 when there is neither. */
static size_t bare_length(const char *at)
{
	size_t length = 0;
	if (is_letter(*at)) {
		while (is_letter(at[length]) || isdigit((unsigned char)at[length]))
			length++;
		return length;
	}
	if (at[length] == '-')
		length++;
	size_t n_digits = strspn(at + length, "0123456789");
	length += n_digits;
	if (at[length] == '.') {
		size_t n_decimals = strspn(at + length + 1, "0123456789");
		if (n_digits + n_decimals)
			length += 1 + n_decimals;
		n_digits += n_decimals;
	}
	return n_digits ? length : 0;
}

struct dot_token dot_lex_next(struct dot_lexer *lexer)
{
	skip_space(lexer);
	struct dot_token token = { .kind = DOT_ID, .line = lexer->line };
	strbuf_clear(&lexer->id);
	size_t length = bare_length(lexer->at);
	if (!*lexer->at) {
		token.kind = DOT_END;
	} else if (*lexer->at == '"') {
		read_quoted_pieces(lexer);
	} else if (*lexer->at == '<') {
		read_html(lexer);
	} else if (length) {
		token.is_bare = true;
		strbuf_add_bytes(&lexer->id, lexer->at, length);
		lexer->at += length;
	} else if (strncmp(lexer->at, "->", 2) == 0 || strncmp(lexer->at, "--", 2) == 0) {
		token.kind = DOT_EDGE_OP;
		lexer->at += 2;
	} else {
		token.kind = DOT_CHAR;
		token.c = *lexer->at++;
	}
	token.text = strbuf_text(&lexer->id);
	return token;
}
