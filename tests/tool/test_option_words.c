/* SPDX-License-Identifier: Apache-2.0
 *
 * Tests of tool/option_words.h: words that were parsed come back, those that say the default do not.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/attributes.h"
#include "tool/option_words.h"
#include "tool/run_options.h"

static const struct option_spec specs[] = {
	RUN_OPTION_ROWS(0)
	OPTIONS_END
};

static const struct {
	const char *name, *given, *expected;
} cases[] = {
	{ "nothing", "", "" },
	{ "defaults said aloud", "--mode compiled -n 1 --stall-limit 1s --record-limit 1GiB --tolerance 0", "" },
	{ "numbers", "-n 7 --seed=3", "--executions=7 --seed=3" },
	{ "a choice", "--mode interpreted", "--mode=interpreted" },
	{ "times become ns", "--timeout 1.5ms --stall-limit 0", "--stall-limit=0ns --timeout=1500000ns" },
	{ "sizes become bytes", "--record-limit 2MiB", "--record-limit=2097152" },
	{ "a real number, exactly", "--tolerance 0.1", "--tolerance=0.10000000000000001" },
	{ "flags", "-q --pin", "--pin --quiet" },
	{ "text", "-o a.tandem", "--trace=a.tandem" },
	{ "lists keep their order", "--set A=1 --set B==2 -i x=y.npy", "--set=A=1 --set=B==2 --input=x=y.npy" },
};

/* Splits at blanks, in place. */
static int split(char *line, char **words)
{
	int n = 0;
	for (char *word = strtok(line, " "); word; word = strtok(NULL, " "))
		words[n++] = word;
	return n;
}

static void make(const char *given, struct strbuf *out)
{
	struct run_options values = { 0 };
	struct option_words words = { 0 };
	struct error error = { 0 };
	char line[300], *argv[20];
	int n_arguments;
	snprintf(line, sizeof line, "%s", given);
	cr_assert_eq(options_parse(specs, split(line, argv), argv, &values, &n_arguments, &error), STATUS_OK, "%s", error.text);
	cr_assert_eq(option_words_make(specs, (int)ARRAY_LEN(specs), &values, &words, &error), STATUS_OK, "%s", error.text);
	for (int i = 0; i < words.n_items; i++)
		strbuf_addf(out, "%s%s", i ? " " : "", words.items[i]);
	option_words_finish(&words);
	options_finish(specs, &values);
}

Test(option_words, what_was_said_comes_back)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct strbuf once = STRBUF_INIT, twice = STRBUF_INIT;
		make(cases[i].given, &once);
		make(strbuf_text(&once), &twice);
		cr_expect_str_eq(strbuf_text(&once), cases[i].expected, "%s: '%s', expected '%s'", cases[i].name, strbuf_text(&once),
			cases[i].expected);
		cr_expect_str_eq(strbuf_text(&twice), strbuf_text(&once), "%s: '%s' became '%s'", cases[i].name, strbuf_text(&once),
			strbuf_text(&twice));
		strbuf_finish(&once);
		strbuf_finish(&twice);
	}
}

Test(option_words, only_the_rows_asked_for)
{
	struct run_options values = { .is_quiet = true, .pins = true };
	struct option_words words = { 0 };
	struct error error = { 0 };
	int n = 0;
	while (strcmp(specs[n].name, "quiet") != 0)
		n++;
	values.executions = 1;
	cr_assert_eq(option_words_make(specs + n, 1, &values, &words, &error), STATUS_OK, "%s", error.text);
	cr_assert_eq(words.n_items, 1, "%d words", words.n_items);
	cr_expect_str_eq(words.items[0], "--quiet");
	cr_expect_null(words.items[1]);
	option_words_finish(&words);
}
