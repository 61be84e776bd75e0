/* SPDX-License-Identifier: Apache-2.0
 *
 * mistakes: the list of messages about a graph, and the suggestion of the word that was probably meant.
 */
#include "engine/graph/mistakes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Items without memory for their message stay zero, and n_items may pass the capacity: both are skipped by readers. */
static int n_kept(const struct mistakes *mistakes)
{
	return mistakes->n_items < mistakes->capacity ? mistakes->n_items : mistakes->capacity;
}

static bool mistakes_reserve(struct mistakes *mistakes)
{
	int capacity = mistakes->capacity;
	while (capacity <= mistakes->n_items)
		capacity = capacity ? capacity * 2 : 8;
	if (capacity == mistakes->capacity)
		return true;
	struct mistake *items = realloc(mistakes->items, (size_t)capacity * sizeof(*items));
	if (!items)
		return false;
	memset(items + mistakes->capacity, 0, (size_t)(capacity - mistakes->capacity) * sizeof(*items));
	mistakes->items = items;
	mistakes->capacity = capacity;
	return true;
}

void mistakes_add(struct mistakes *mistakes, int line, const char *node, const char *format, ...)
{
	char *text = NULL;
	va_list args;
	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	char *node_copy = node ? strdup(node) : NULL;
	if (text && (node_copy || !node) && mistakes_reserve(mistakes)) {
		mistakes->items[mistakes->n_items] = (struct mistake){ .line = line, .node = node_copy, .text = text };
	} else {
		free(text);
		free(node_copy);
	}
	mistakes->n_items++;
}

static bool is_before(const struct mistake *a, const struct mistake *b)
{
	return a->line && (!b->line || a->line < b->line);
}

void mistakes_add_once(struct mistakes *mistakes, int line, const char *node, const char *text)
{
	for (int i = 0; i < n_kept(mistakes); i++) {
		struct mistake *known = &mistakes->items[i];
		if (!known->text || strcmp(known->text, text) != 0)
			continue;
		struct mistake found = { .line = line };
		char *node_copy = node ? strdup(node) : NULL;
		if (!is_before(&found, known) || (node && !node_copy)) {
			free(node_copy);
			return;
		}
		free(known->node);
		known->node = node_copy;
		known->line = line;
		return;
	}
	mistakes_add(mistakes, line, node, "%s", text);
}

void mistakes_finish(struct mistakes *mistakes)
{
	for (int i = 0; i < n_kept(mistakes); i++) {
		free(mistakes->items[i].node);
		free(mistakes->items[i].text);
	}
	free(mistakes->items);
	*mistakes = (struct mistakes)MISTAKES_INIT;
}

void mistakes_sort(struct mistakes *mistakes)
{
	for (int i = 1; i < n_kept(mistakes); i++) {
		struct mistake moved = mistakes->items[i];
		int at = i;
		for (; at > 0 && is_before(&moved, &mistakes->items[at - 1]); at--)
			mistakes->items[at] = mistakes->items[at - 1];
		mistakes->items[at] = moved;
	}
}

void mistakes_print(const struct mistakes *mistakes, const char *file, struct strbuf *out)
{
	for (int i = 0; i < n_kept(mistakes); i++) {
		const struct mistake *mistake = &mistakes->items[i];
		if (!mistake->text)
			continue;
		strbuf_add_printable(out, file);
		if (mistake->line)
			strbuf_addf(out, ":%d", mistake->line);
		strbuf_add(out, ": ");
		if (mistake->node) {
			strbuf_add(out, "node '");
			strbuf_add_printable(out, mistake->node);
			strbuf_add(out, "': ");
		}
		strbuf_add_printable(out, mistake->text);
		strbuf_add(out, "\n");
	}
}

#define NEAREST_BYTES_MAX 63

static int least(int a, int b)
{
	return a < b ? a : b;
}

/* Edit distance with insertions, deletions, replacements and swaps of neighbours (optimal string alignment); words are at
 * most NEAREST_BYTES_MAX bytes long. */
static int edit_distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
	int rows[3][NEAREST_BYTES_MAX + 1];
	int *before = rows[0], *last = rows[1], *row = rows[2];
	for (size_t j = 0; j <= b_length; j++)
		last[j] = (int)j;
	for (size_t i = 1; i <= a_length; i++) {
		row[0] = (int)i;
		for (size_t j = 1; j <= b_length; j++) {
			int cost = a[i - 1] != b[j - 1];
			row[j] = least(least(row[j - 1], last[j]) + 1, last[j - 1] + cost);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				row[j] = least(row[j], before[j - 2] + 1);
		}
		int *spare = before;
		before = last;
		last = row;
		row = spare;
	}
	return last[b_length];
}

const char *mistakes_nearest(const char *word, const char *const *candidates)
{
	size_t length = strlen(word);
	if (length > NEAREST_BYTES_MAX)
		return NULL;
	const char *nearest = NULL;
	int nearest_distance = 0;
	for (; *candidates; candidates++) {
		size_t candidate_length = strlen(*candidates);
		if (candidate_length > NEAREST_BYTES_MAX)
			continue;
		int distance = edit_distance(word, length, *candidates, candidate_length);
		int longest = (int)(length > candidate_length ? length : candidate_length);
		bool is_near = distance * 2 <= longest && (distance <= 2 || distance <= longest / 3);
		if (is_near && (!nearest || distance < nearest_distance)) {
			nearest = *candidates;
			nearest_distance = distance;
		}
	}
	return nearest;
}
