/* SPDX-License-Identifier: Apache-2.0
 *
 * Matching against brute force on random runs, and on runs with planted insertions, deletions and moves whose truth is known.
 */
#include "traces/gpu_match.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/attributes.h"

#define ITEMS_MAX 48

static struct gpu_match_item item(uint32_t path, int64_t order, uint32_t name)
{
	return (struct gpu_match_item){ .path = path, .order = order, .name = name, .has_path = true };
}

static void match(struct gpu_match_item *a, uint32_t n_a, struct gpu_match_item *b, uint32_t n_b)
{
	struct error error = { 0 };
	cr_assert(gpu_match(a, n_a, b, n_b, &error) == STATUS_OK, "%s", error.text);
}

/* Twins are of one name, each other's, and under the rule that they claim. */
static void check_twins(const struct gpu_match_item *a, uint32_t n_a, const struct gpu_match_item *b, uint32_t n_b)
{
	uint32_t n_twins = 0;
	for (uint32_t i = 0; i < n_a; i++) {
		if (a[i].twin == GPU_MATCH_ALONE) {
			cr_assert(a[i].rule == GPU_MATCH_NONE);
			continue;
		}
		const struct gpu_match_item *twin = &b[a[i].twin];
		cr_assert(a[i].twin < n_b && twin->twin == i, "twin %u of %u is not mutual", a[i].twin, i);
		cr_assert(twin->name == a[i].name && twin->rule == a[i].rule);
		cr_assert(a[i].rule == GPU_MATCH_NAME || twin->path == a[i].path);
		n_twins++;
	}
	for (uint32_t i = 0; i < n_b; i++)
		n_twins -= b[i].twin != GPU_MATCH_ALONE;
	cr_assert(n_twins == 0);
}

/* The length of a longest common subsequence by trying all: the first of `a` is left out, or taken with any of `b`. */
static int longest(const uint32_t *a, int n_a, const uint32_t *b, int n_b)
{
	if (!n_a || !n_b)
		return 0;
	int best = longest(a + 1, n_a - 1, b, n_b);
	for (int k = 0; k < n_b; k++) {
		if (a[0] != b[k])
			continue;
		int with = 1 + longest(a + 1, n_a - 1, b + k + 1, n_b - k - 1);
		best = with > best ? with : best;
	}
	return best;
}

static int draw(struct gpu_match_item *items, int n, uint32_t path, int n_names, uint32_t *names, int at)
{
	for (int i = 0; i < n; i++) {
		names[i] = (uint32_t)(rand() % n_names);
		items[at++] = item(path, i, names[i]);
	}
	return at;
}

static void shuffle(struct gpu_match_item *items, int n)
{
	for (int i = n - 1; i > 0; i--) {
		int k = rand() % (i + 1);
		struct gpu_match_item swapped = items[i];
		items[i] = items[k];
		items[k] = swapped;
	}
}

Test(gpu_match, orders_are_longest_common_subsequences)
{
	srand(7);
	for (int round = 0; round < 4000; round++) {
		struct gpu_match_item a[ITEMS_MAX], b[ITEMS_MAX];
		int n[2] = { 0, 0 }, expected[3] = { 0 }, found[3] = { 0 };
		for (uint32_t path = 0; path < 3; path++) {
			uint32_t names[2][9];
			int n_a = rand() % 9, n_b = rand() % 9, n_names = 1 + rand() % 5;
			n[0] = draw(a, n_a, path, n_names, names[0], n[0]);
			n[1] = draw(b, n_b, path, n_names, names[1], n[1]);
			expected[path] = longest(names[0], n_a, names[1], n_b);
		}
		shuffle(a, n[0]);
		shuffle(b, n[1]);
		match(a, (uint32_t)n[0], b, (uint32_t)n[1]);
		check_twins(a, (uint32_t)n[0], b, (uint32_t)n[1]);
		for (int i = 0; i < n[0]; i++)
			found[a[i].path] += a[i].rule == GPU_MATCH_ORDER;
		for (int path = 0; path < 3; path++)
			cr_assert(found[path] == expected[path], "round %d path %d: %d matched in order, %d are possible", round, path, found[path],
				expected[path]);
	}
}

/* In order: twins of one path never cross. */
Test(gpu_match, orders_do_not_cross)
{
	srand(8);
	for (int round = 0; round < 1000; round++) {
		struct gpu_match_item a[16], b[16];
		uint32_t names[16];
		draw(a, 16, 1, 4, names, 0);
		draw(b, 16, 1, 4, names, 0);
		match(a, 16, b, 16);
		for (int i = 0, last = -1; i < 16; i++) {
			if (a[i].rule != GPU_MATCH_ORDER)
				continue;
			cr_assert((int)a[i].twin > last, "round %d: %d goes to %u behind %d", round, i, a[i].twin, last);
			last = (int)a[i].twin;
		}
	}
}

/* A list, and the same with some left out and new names put in: what stayed must be matched with itself. */
Test(gpu_match, planted_insertions_and_deletions)
{
	srand(9);
	for (int round = 0; round < 2000; round++) {
		struct gpu_match_item a[20], b[ITEMS_MAX];
		int truth[20], n_b = 0;
		for (int i = 0; i < 20; i++) {
			a[i] = item(3, i, (uint32_t)i);
			truth[i] = -1;
			if (rand() % 4 == 0) {
				b[n_b] = item(3, n_b, 1000 + (uint32_t)n_b);
				n_b++;
			}
			if (rand() % 5) {
				truth[i] = n_b;
				b[n_b] = item(3, n_b, (uint32_t)i);
				n_b++;
			}
		}
		match(a, 20, b, (uint32_t)n_b);
		for (int i = 0; i < 20; i++) {
			int twin = a[i].twin == GPU_MATCH_ALONE ? -1 : (int)a[i].twin;
			cr_assert(twin == truth[i], "round %d: %d is matched with %d, not %d", round, i, twin, truth[i]);
			cr_assert(a[i].rule == (twin < 0 ? GPU_MATCH_NONE : GPU_MATCH_ORDER));
		}
	}
}

Test(gpu_match, rules_by_what_is_known)
{
	static const struct {
		const char *name;
		struct gpu_match_item a, b;
		enum gpu_match_rule rule;
	} cases[] = {
		{ "the same place", { 1, 5, 2, false, true, 0, 0 }, { 1, 5, 7, false, true, 0, 0 }, GPU_MATCH_ORDER },
		{ "a graph's node", { 2, 5, 90, true, true, 0, 0 }, { 2, 5, 70, true, true, 0, 0 }, GPU_MATCH_NODE },
		{ "no order in B", { 1, 5, 2, false, true, 0, 0 }, { 1, 5, -1, false, true, 0, 0 }, GPU_MATCH_PATH },
		{ "another path", { 1, 5, 2, false, true, 0, 0 }, { 3, 5, 2, false, true, 0, 0 }, GPU_MATCH_NAME },
		{ "no path", { 0, 5, -1, false, false, 0, 0 }, { 0, 5, -1, false, false, 0, 0 }, GPU_MATCH_NAME },
		{ "another name", { 1, 5, 2, false, true, 0, 0 }, { 1, 6, 2, false, true, 0, 0 }, GPU_MATCH_NONE },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct gpu_match_item a = cases[i].a, b = cases[i].b;
		match(&a, 1, &b, 1);
		cr_assert(a.rule == cases[i].rule && b.rule == cases[i].rule, "%s: matched by %s, not %s", cases[i].name, gpu_match_word(a.rule),
			gpu_match_word(cases[i].rule));
	}
}

/* Two swapped: one of them keeps its order, the other is found by path and name. */
Test(gpu_match, what_moved_is_found_by_path)
{
	struct gpu_match_item a[] = { item(1, 0, 10), item(1, 1, 11), item(1, 2, 12), item(1, 3, 13) };
	struct gpu_match_item b[] = { item(1, 0, 10), item(1, 1, 12), item(1, 2, 11), item(1, 3, 13) };
	const uint32_t twins[] = { 0, 2, 1, 3 };
	int n[GPU_MATCH_RULES] = { 0 };
	match(a, 4, b, 4);
	for (int i = 0; i < 4; i++) {
		cr_assert(a[i].twin == twins[i], "%d: %u", i, a[i].twin);
		n[a[i].rule]++;
	}
	cr_assert(n[GPU_MATCH_ORDER] == 3 && n[GPU_MATCH_PATH] == 1, "%d in order, %d by path", n[GPU_MATCH_ORDER], n[GPU_MATCH_PATH]);
}

/* Sequences whose table would be too large. */
Test(gpu_match, long_sequences_are_bounded)
{
	enum { N = 6000 };
	struct gpu_match_item *lists[2];
	for (int side = 0; side < 2; side++) {
		lists[side] = calloc(N, sizeof *lists[side]);
		for (int i = 0; i < N; i++)
			lists[side][i] = item(1, i, (uint32_t)(side ? N - 1 - i : i));
	}
	match(lists[0], N, lists[1], N);
	check_twins(lists[0], N, lists[1], N);
	for (int i = 0; i < N; i++)
		cr_assert(lists[0][i].twin == (uint32_t)(N - 1 - i), "%d: %u", i, lists[0][i].twin);
	free(lists[0]);
	free(lists[1]);
}
