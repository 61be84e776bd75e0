/* SPDX-License-Identifier: Apache-2.0
 *
 * dot_lex: the tokens of DOT text with their lines, by the rules of libcgraph's own lexer. It takes any bytes.
 */
#ifndef TANDEM_ENGINE_GRAPH_DOT_LEX_H
#define TANDEM_ENGINE_GRAPH_DOT_LEX_H

#include <stdbool.h>

#include "engine/base/strbuf.h"

enum dot_token_kind {
	DOT_END,
	DOT_ID,      /* name, number, quoted string (pieces joined by + are one), HTML string */
	DOT_EDGE_OP, /* -> or -- */
	DOT_CHAR,    /* any other character, as `c` */
};

struct dot_token {
	enum dot_token_kind kind;
	int line;         /* where it starts, from 1 */
	char c;           /* DOT_CHAR */
	bool is_bare;     /* DOT_ID that may be a keyword: neither quoted nor HTML */
	const char *text; /* DOT_ID: unescaped as libcgraph does it; valid until the next dot_lex_next */
};

struct dot_lexer {
	const char *start, *at;
	char *writable; /* the same text; may be NULL. Lines that libcgraph takes for directives of a preprocessor (`# 7
			   "file"`) are overwritten with blanks in it: they would change the line numbers in its messages */
	struct strbuf *escaped; /* may be NULL. Gets the text with a backslash before each line's end inside a quoted string,
				   up to the last of them: libcgraph counts only such */
	const char *escaped_to;
	int line;
	int open_line;    /* where a string or comment without an end starts; 0: none met */
	struct strbuf id;
};

void dot_lex_init(struct dot_lexer *lexer, const char *text);
void dot_lex_finish(struct dot_lexer *lexer);
struct dot_token dot_lex_next(struct dot_lexer *lexer);

/* True for a bare id that is this keyword; keywords know no case. */
bool dot_token_is(const struct dot_token *token, const char *keyword);

#endif
