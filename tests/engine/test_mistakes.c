/* SPDX-License-Identifier: Apache-2.0
 *
 * Tests of engine/graph/mistakes.h.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "engine/graph/mistakes.h"

static void assert_printed(struct mistakes *mistakes, const char *expected)
{
	struct strbuf out = STRBUF_INIT;
	mistakes_print(mistakes, "g.dot", &out);
	cr_assert_str_eq(strbuf_text(&out), expected);
	strbuf_finish(&out);
}

Test(mistakes, printed_with_what_is_known)
{
	struct mistakes mistakes = MISTAKES_INIT;
	mistakes_add(&mistakes, 3, "a", "%s is %d", "depth", -1);
	mistakes_add(&mistakes, 4, NULL, "no node");
	mistakes_add(&mistakes, 0, NULL, "no line");
	assert_printed(&mistakes, "g.dot:3: node 'a': depth is -1\ng.dot:4: no node\ng.dot: no line\n");
	mistakes_finish(&mistakes);
	cr_assert_eq(mistakes.n_items, 0);
}

Test(mistakes, names_are_made_printable)
{
	struct mistakes mistakes = MISTAKES_INIT;
	mistakes_add(&mistakes, 1, "a\x1b[2J", "b\nc");
	assert_printed(&mistakes, "g.dot:1: node 'a^[[2J': b^Jc\n");
	mistakes_finish(&mistakes);
}

Test(mistakes, sorted_by_line_and_stable)
{
	struct mistakes mistakes = MISTAKES_INIT;
	const int lines[] = { 0, 9, 2, 9, 0, 1, 2 };
	for (size_t i = 0; i < ARRAY_LEN(lines); i++)
		mistakes_add(&mistakes, lines[i], NULL, "%zu", i);
	mistakes_sort(&mistakes);
	assert_printed(&mistakes, "g.dot:1: 5\ng.dot:2: 2\ng.dot:2: 6\ng.dot:9: 1\ng.dot:9: 3\ng.dot: 0\ng.dot: 4\n");
	mistakes_finish(&mistakes);
}

Test(mistakes, one_message_for_many_places)
{
	struct mistakes mistakes = MISTAKES_INIT;
	mistakes_add_once(&mistakes, 7, "b", "$N is not set");
	mistakes_add_once(&mistakes, 9, "c", "$N is not set");
	mistakes_add_once(&mistakes, 3, "a", "$N is not set");
	mistakes_add_once(&mistakes, 0, NULL, "$N is not set");
	mistakes_add_once(&mistakes, 5, NULL, "$M is not set");
	mistakes_sort(&mistakes);
	assert_printed(&mistakes, "g.dot:3: node 'a': $N is not set\ng.dot:5: $M is not set\n");
	mistakes_finish(&mistakes);
}

Test(mistakes, thousands)
{
	struct mistakes mistakes = MISTAKES_INIT;
	for (int i = 3000; i > 0; i--)
		mistakes_add(&mistakes, i, NULL, "%d", i);
	mistakes_sort(&mistakes);
	cr_assert_eq(mistakes.n_items, 3000);
	for (int i = 0; i < 3000; i++)
		cr_assert_eq(mistakes.items[i].line, i + 1, "item %d has line %d", i, mistakes.items[i].line);
	mistakes_finish(&mistakes);
}

static const char *const words[] = { "order", "depth", "collective", "op", "weights", "a", NULL };

static const struct {
	const char *word, *nearest;
} nearest[] = {
	{ "ordr", "order" },
	{ "oredr", "order" },
	{ "wieghts", "weights" },
	{ "colective", "collective" },
	{ "kollektive", "collective" },
	{ "opp", "op" },
	{ "oder1", "order" },
	{ "abc", NULL },
	{ "po", "op" },
	{ "weight", "weights" },
	{ "order", "order" },
	{ "zebra", NULL },
	{ "x", NULL },
	{ "", NULL },
	{ "completely_different", NULL },
	{ "a_word_that_is_much_longer_than_any_name_that_a_person_would_ever_write_here", NULL },
};

Test(mistakes, nearest_word)
{
	for (size_t i = 0; i < ARRAY_LEN(nearest); i++) {
		const char *found = mistakes_nearest(nearest[i].word, words);
		const char *expected = nearest[i].nearest;
		cr_assert(found == expected || (found && expected && strcmp(found, expected) == 0), "%s: %s, expected %s",
			nearest[i].word, found ? found : "none", expected ? expected : "none");
	}
}
