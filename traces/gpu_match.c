/* SPDX-License-Identifier: Apache-2.0
 *
 * gpu_match: both sides sorted by path and order, then path by path.
 */
#include "traces/gpu_match.h"

#include <stdlib.h>

const char *gpu_match_word(enum gpu_match_rule rule)
{
	static const char *const words[] = {
#define X(name, word, phrase) word,
		GPU_MATCH_MAP(X)
#undef X
	};
	return words[rule];
}

const char *gpu_match_phrase(enum gpu_match_rule rule)
{
	static const char *const phrases[] = {
#define X(name, word, phrase) phrase,
		GPU_MATCH_MAP(X)
#undef X
	};
	return phrases[rule];
}

/* Items of one run by what they are sorted by. */
struct entry {
	const struct gpu_match_item *item;
	uint32_t idx;
};

struct match {
	struct gpu_match_item *items[2];
	uint32_t n[2];
	struct entry *sorted[2];
	struct error *error;
};

static int compare_numbers(int64_t a, int64_t b)
{
	return (a > b) - (a < b);
}

static int by_order(const struct gpu_match_item *a, const struct gpu_match_item *b)
{
	int known = (a->order < 0) - (b->order < 0);
	return known ? known : compare_numbers(a->order, b->order);
}

/* Path, order (unknown ones last), name. */
static int by_place(const void *left, const void *right)
{
	const struct gpu_match_item *a = ((const struct entry *)left)->item, *b = ((const struct entry *)right)->item;
	int diff = compare_numbers(a->path, b->path);
	diff = diff ? diff : by_order(a, b);
	return diff ? diff : compare_numbers(a->name, b->name);
}

static int by_path_and_name(const void *left, const void *right)
{
	const struct gpu_match_item *a = ((const struct entry *)left)->item, *b = ((const struct entry *)right)->item;
	int diff = compare_numbers(a->path, b->path);
	diff = diff ? diff : compare_numbers(a->name, b->name);
	return diff ? diff : by_order(a, b);
}

static int by_name(const void *left, const void *right)
{
	const struct gpu_match_item *a = ((const struct entry *)left)->item, *b = ((const struct entry *)right)->item;
	int diff = compare_numbers(a->name, b->name);
	diff = diff ? diff : compare_numbers(a->path, b->path);
	return diff ? diff : by_order(a, b);
}

static void pair(struct match *match, const struct entry *a, const struct entry *b, enum gpu_match_rule rule)
{
	struct gpu_match_item *left = &match->items[0][a->idx], *right = &match->items[1][b->idx];
	left->twin = b->idx;
	right->twin = a->idx;
	left->rule = right->rule = rule;
}

/* -- sequences ------------------------------------------------------------------------------------------------------------------ */

/* Walks the table of lengths of common subsequences of what remains from (i, k). */
static void take_longest(struct match *match, const struct entry *a, uint32_t n_a, const struct entry *b, uint32_t n_b, const uint32_t *table,
	enum gpu_match_rule rule)
{
	size_t width = (size_t)n_b + 1;
	for (uint32_t i = 0, k = 0; i < n_a && k < n_b;) {
		if (a[i].item->name == b[k].item->name)
			pair(match, &a[i++], &b[k++], rule);
		else if (table[(i + 1) * width + k] >= table[i * width + k + 1])
			i++;
		else
			k++;
	}
}

static int match_middle(struct match *match, const struct entry *a, uint32_t n_a, const struct entry *b, uint32_t n_b, enum gpu_match_rule rule)
{
	size_t width = (size_t)n_b + 1;
	if (!n_a || !n_b || ((uint64_t)n_a + 1) * width > GPU_MATCH_CELLS_MOST)
		return STATUS_OK;
	uint32_t *table = calloc(((size_t)n_a + 1) * width, sizeof *table);
	if (!table)
		return error_set(match->error, STATUS_NO_MEMORY, "no memory to match the runs");
	for (uint32_t i = n_a; i-- > 0;) {
		for (uint32_t k = n_b; k-- > 0;) {
			uint32_t down = table[(i + 1) * width + k], right = table[i * width + k + 1];
			table[i * width + k] = a[i].item->name == b[k].item->name ? table[(i + 1) * width + k + 1] + 1
				: down > right ? down : right;
		}
	}
	take_longest(match, a, n_a, b, n_b, table, rule);
	free(table);
	return STATUS_OK;
}

/* What both begin and end with is part of a longest common subsequence. */
static int match_sequence(struct match *match, const struct entry *a, uint32_t n_a, const struct entry *b, uint32_t n_b, enum gpu_match_rule rule)
{
	while (n_a && n_b && a->item->name == b->item->name) {
		pair(match, a++, b++, rule);
		n_a--;
		n_b--;
	}
	while (n_a && n_b && a[n_a - 1].item->name == b[n_b - 1].item->name)
		pair(match, &a[--n_a], &b[--n_b], rule);
	return match_middle(match, a, n_a, b, n_b, rule);
}

/* The items of a path that have an order: from `at`. */
static uint32_t count_ordered(const struct entry *entries, uint32_t n, uint32_t at)
{
	uint32_t end = at;
	while (end < n && entries[end].item->path == entries[at].item->path && entries[end].item->order >= 0)
		end++;
	return end - at;
}

static uint32_t skip_path(const struct entry *entries, uint32_t n, uint32_t at)
{
	uint32_t path = entries[at].item->path;
	while (at < n && entries[at].item->path == path)
		at++;
	return at;
}

static int match_orders(struct match *match)
{
	const struct entry *a = match->sorted[0], *b = match->sorted[1];
	int status = STATUS_OK;
	for (uint32_t i = 0, k = 0; i < match->n[0] && k < match->n[1] && status == STATUS_OK;) {
		const struct gpu_match_item *left = a[i].item, *right = b[k].item;
		if (left->path == right->path && left->has_path)
			status = match_sequence(match, &a[i], count_ordered(a, match->n[0], i), &b[k], count_ordered(b, match->n[1], k),
				left->is_node ? GPU_MATCH_NODE : GPU_MATCH_ORDER);
		uint32_t path_a = left->path, path_b = right->path;
		i = path_a <= path_b ? skip_path(a, match->n[0], i) : i;
		k = path_b <= path_a ? skip_path(b, match->n[1], k) : k;
	}
	return status;
}

/* -- names -------------------------------------------------------------------------------------------------------------------------- */

typedef int order_fn(const void *a, const void *b);

static int compare_keys(const struct gpu_match_item *a, const struct gpu_match_item *b, enum gpu_match_rule rule)
{
	int diff = rule == GPU_MATCH_PATH ? compare_numbers(a->path, b->path) : 0;
	return diff ? diff : compare_numbers(a->name, b->name);
}

/* The first that is left with the first, and so on, where `rule` calls them equal. */
static void match_rest(struct match *match, order_fn *order, enum gpu_match_rule rule)
{
	for (int side = 0; side < 2; side++)
		qsort(match->sorted[side], match->n[side], sizeof *match->sorted[side], order);
	for (uint32_t i = 0, k = 0; i < match->n[0] && k < match->n[1];) {
		const struct entry *a = &match->sorted[0][i], *b = &match->sorted[1][k];
		bool is_open[2] = { a->item->twin == GPU_MATCH_ALONE, b->item->twin == GPU_MATCH_ALONE };
		if (rule == GPU_MATCH_PATH)
			for (int side = 0; side < 2; side++)
				is_open[side] &= (side ? b : a)->item->has_path;
		int diff = compare_keys(a->item, b->item, rule);
		if (is_open[0] && is_open[1] && diff == 0)
			pair(match, a, b, rule);
		bool both = is_open[0] && is_open[1];
		i += !is_open[0] || (both && diff <= 0);
		k += !is_open[1] || (both && diff >= 0);
	}
}

int gpu_match(struct gpu_match_item *a, uint32_t n_a, struct gpu_match_item *b, uint32_t n_b, struct error *error)
{
	struct match match = { .items = { a, b }, .n = { n_a, n_b }, .error = error };
	int status = STATUS_OK;
	for (int side = 0; side < 2; side++) {
		match.sorted[side] = malloc(((size_t)match.n[side] + 1) * sizeof *match.sorted[side]);
		if (!match.sorted[side])
			status = error_set(error, STATUS_NO_MEMORY, "no memory to match the runs");
		for (uint32_t i = 0; match.sorted[side] && i < match.n[side]; i++) {
			struct gpu_match_item *item = &match.items[side][i];
			item->twin = GPU_MATCH_ALONE;
			item->rule = GPU_MATCH_NONE;
			match.sorted[side][i] = (struct entry){ item, i };
		}
		if (match.sorted[side])
			qsort(match.sorted[side], match.n[side], sizeof *match.sorted[side], by_place);
	}
	if (status == STATUS_OK)
		status = match_orders(&match);
	if (status == STATUS_OK) {
		match_rest(&match, by_path_and_name, GPU_MATCH_PATH);
		match_rest(&match, by_name, GPU_MATCH_NAME);
	}
	free(match.sorted[0]);
	free(match.sorted[1]);
	return status;
}
