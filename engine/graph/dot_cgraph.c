/* SPDX-License-Identifier: Apache-2.0
 *
 * dot_cgraph: the call of libcgraph's parser, and the care it needs: its messages are caught, its line counter is reset, and
 * it never sees what would stay in its buffers for the next parse (text behind the graph, a comment without an end).
 */
#include "engine/graph/dot_cgraph.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/status.h"
#include "engine/graph/dot_lex.h"

/* The callback has no argument of its own; the pointer is set for the time of one parse. */
static _Thread_local struct strbuf *caught;

static int catch_message(char *text)
{
	strbuf_add(caught, text);
	return 0;
}

/* Finds the end of the first graph, by its braces, and cuts the text there. */
static void cut_after_graph(struct dot_lexer *lexer, int *ret_rest_line)
{
	int depth = 0;
	for (;;) {
		struct dot_token token = dot_lex_next(lexer);
		if (token.kind == DOT_END)
			return;
		if (token.kind != DOT_CHAR || (token.c != '{' && token.c != '}'))
			continue;
		depth += token.c == '{' ? 1 : -1;
		if (depth <= 0)
			break;
	}
	char *end = lexer->writable + (lexer->at - lexer->start);
	struct strbuf *escaped = lexer->escaped;
	lexer->escaped = NULL;
	struct dot_token rest = dot_lex_next(lexer);
	*ret_rest_line = rest.kind == DOT_END ? 0 : rest.line;
	lexer->escaped = escaped;
	*end = '\0';
}

/* What libcgraph must not be asked: true with a mistake when there is something. */
static bool has_wrong_frame(const char *text, const struct dot_lexer *lexer, struct mistakes *mistakes)
{
	if (lexer->open_line) {
		mistakes_add(mistakes, lexer->open_line, NULL, "the string or comment that starts here has no end");
		return true;
	}
	struct dot_lexer head;
	dot_lex_init(&head, text);
	struct dot_token token = dot_lex_next(&head);
	if (dot_token_is(&token, "strict"))
		token = dot_lex_next(&head);
	bool is_right = dot_token_is(&token, "digraph");
	if (dot_token_is(&token, "graph"))
		mistakes_add(mistakes, token.line, NULL,
			"the edges of a task graph have a direction: write 'digraph', not 'graph'");
	else if (token.kind == DOT_END)
		mistakes_add(mistakes, 0, NULL, "the file is empty; a graph starts with 'digraph NAME {'");
	else if (!is_right)
		mistakes_add(mistakes, token.line, NULL, "syntax error: a graph starts with 'digraph NAME {'");
	dot_lex_finish(&head);
	return !is_right;
}

/* "… syntax error in line 3 near 'x'\n" as a mistake. */
static void report_syntax_error(const char *message, struct mistakes *mistakes)
{
	static const char in_line[] = " in line ";
	const char *at = strstr(message, in_line);
	int line = 0;
	if (at) {
		char *end;
		line = (int)strtol(at + strlen(in_line), &end, 10);
		at = end;
	}
	struct strbuf near = STRBUF_INIT;
	if (at)
		strbuf_add_bytes(&near, at, strcspn(at, "\r\n"));
	mistakes_add(mistakes, line, NULL, "syntax error%s", near.length ? near.text : ": the graph has no end");
	strbuf_finish(&near);
}

static Agraph_t *parse(const char *text, struct strbuf *messages)
{
	caught = messages;
	agerrlevel_t level_before = agseterr(AGERR);
	agusererrf catcher_before = agseterrf(catch_message);
	agsetfile(NULL);
	agreadline(1);
	Agraph_t *graph = agmemread(text);
	agseterrf(catcher_before);
	agseterr(level_before);
	caught = NULL;
	return graph;
}

/* Parses once more for the message alone, with the lines' ends inside strings made visible to libcgraph's counter. */
static void explain(struct dot_lexer *lexer, const char *text, struct mistakes *mistakes)
{
	struct strbuf messages = STRBUF_INIT;
	strbuf_add(lexer->escaped, lexer->escaped_to);
	Agraph_t *graph = parse(lexer->escaped->is_failed ? text : lexer->escaped->text, &messages);
	if (graph)
		agclose(graph);
	report_syntax_error(strbuf_text(&messages), mistakes);
	strbuf_finish(&messages);
}

int dot_cgraph_parse(const char *text, struct mistakes *mistakes, Agraph_t **ret_graph, int *ret_rest_line)
{
	int status = STATUS_SYNTAX;
	struct dot_lexer lexer;
	struct strbuf messages = STRBUF_INIT, escaped = STRBUF_INIT;
	static const char byte_order_mark[] = "\xef\xbb\xbf";
	bool is_marked = strncmp(text, byte_order_mark, strlen(byte_order_mark)) == 0;
	char *copy = strdup(text + (is_marked ? strlen(byte_order_mark) : 0));
	if (!copy)
		return STATUS_NO_MEMORY;
	dot_lex_init(&lexer, copy);
	lexer.writable = copy;
	lexer.escaped = &escaped;
	*ret_rest_line = 0;
	cut_after_graph(&lexer, ret_rest_line);
	if (!has_wrong_frame(copy, &lexer, mistakes)) {
		Agraph_t *graph = parse(copy, &messages);
		if (graph && !messages.length) {
			*ret_graph = graph;
			status = STATUS_OK;
		} else {
			if (graph)
				agclose(graph);
			explain(&lexer, copy, mistakes);
		}
	}
	strbuf_finish(&escaped);
	strbuf_finish(&messages);
	dot_lex_finish(&lexer);
	free(copy);
	return status;
}
