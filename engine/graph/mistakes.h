/* SPDX-License-Identifier: Apache-2.0
 *
 * mistakes: what is wrong with a graph, one message a mistake, in the order of the file.
 */
#ifndef TANDEM_ENGINE_GRAPH_MISTAKES_H
#define TANDEM_ENGINE_GRAPH_MISTAKES_H

#include "engine/base/attributes.h"
#include "engine/base/strbuf.h"

struct mistake {
	int line;    /* 0: no line */
	char *node;  /* node concerned; NULL when none */
	char *text;  /* what is wrong and what would be right; no file, line or node in it */
};

struct mistakes {
	struct mistake *items;
	int n_items, capacity;
};

#define MISTAKES_INIT { 0 }

/* Adds a message; `node` may be NULL. When memory is out the message is lost but n_items still counts. */
void mistakes_add(struct mistakes *mistakes, int line, const char *node, const char *format, ...) PRINTF_LIKE(4, 5);
/* The same for a message that may be met at several places: only the first counts, with the smallest line and its node. */
void mistakes_add_once(struct mistakes *mistakes, int line, const char *node, const char *text);
void mistakes_finish(struct mistakes *mistakes);
/* Stable sort by line (0 last). */
void mistakes_sort(struct mistakes *mistakes);
/* "file:line: node 'x': text\n" a mistake; without line "file: …". */
void mistakes_print(const struct mistakes *mistakes, const char *file, struct strbuf *out);

/* The candidate nearest to `word` by edit distance when that is near enough to suggest (at most 2 edits, or a third of the
 * length, and never more than half of it), else NULL. `candidates` ends with NULL. */
const char *mistakes_nearest(const char *word, const char *const *candidates);

#endif
