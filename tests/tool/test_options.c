/* SPDX-License-Identifier: Apache-2.0
 *
 * Tests of tool/options.h.
 */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <string.h>

#include "engine/base/attributes.h"
#include "tool/options.h"

struct values {
	bool is_json, is_quiet;
	const char *file;
	int64_t count, choice, limit_ns;
	uint64_t bytes;
	double tolerance;
	struct option_list settings;
};

#define AT(member) offsetof(struct values, member)

static const char *const colours[] = { "red", "green", NULL };

static const struct option_spec specs[] = {
	{ "json", 'j', OPTION_FLAG, AT(is_json), NULL, NULL, "print as JSON" },
	{ "quiet", 'q', OPTION_FLAG, AT(is_quiet), NULL, NULL, "say nothing" },
	{ "output", 'o', OPTION_TEXT, AT(file), "FILE", "default.txt", "where to write" },
	{ "count", 'n', OPTION_INT, AT(count), "N", "3", "how many", 1, 10 },
	{ "colour", 0, OPTION_CHOICE, AT(choice), "COLOUR", "green", "which", .choices = colours },
	{ "limit", 0, OPTION_DURATION, AT(limit_ns), "TIME", "1s", "how long" },
	{ "size", 0, OPTION_BYTES, AT(bytes), "SIZE", NULL, "how much" },
	{ "tolerance", 0, OPTION_REAL, AT(tolerance), "X", NULL, "how far" },
	{ "set", 0, OPTION_LIST, AT(settings), "NAME=VALUE", NULL, "a setting" },
	OPTIONS_END
};

#define WORDS_MAX 12

struct parsed {
	struct values values;
	struct error error;
	char words[WORDS_MAX][40];
	char *argv[WORDS_MAX + 1];
	int status, n_arguments;
};

static void parse(const char *const *words, struct parsed *parsed)
{
	*parsed = (struct parsed){ 0 };
	int argc = 0;
	for (; words[argc]; argc++) {
		strcpy(parsed->words[argc], words[argc]);
		parsed->argv[argc] = parsed->words[argc];
	}
	parsed->status = options_parse(specs, argc, parsed->argv, &parsed->values, &parsed->n_arguments, &parsed->error);
}

static void finish(struct parsed *parsed)
{
	options_finish(specs, &parsed->values);
}

Test(options, defaults_come_from_the_table)
{
	struct parsed parsed;
	parse((const char *const[]){ NULL }, &parsed);
	cr_expect_eq(parsed.status, STATUS_OK, "%s", parsed.error.text);
	cr_expect_str_eq(parsed.values.file, "default.txt");
	cr_expect_eq(parsed.values.count, 3);
	cr_expect_eq(parsed.values.choice, 1);
	cr_expect_eq(parsed.values.limit_ns, 1000000000);
	cr_expect_not(parsed.values.is_json);
	finish(&parsed);
}

Test(options, every_way_to_write_them)
{
	struct parsed parsed;
	parse((const char *const[]){ "a", "--json", "--output=x y", "-n7", "--set", "A=1", "b", "--set=B=2=3", "--limit", "20ms", "-q",
		NULL }, &parsed);
	cr_assert_eq(parsed.status, STATUS_OK, "%s", parsed.error.text);
	cr_expect(parsed.values.is_json && parsed.values.is_quiet);
	cr_expect_str_eq(parsed.values.file, "x y");
	cr_expect_eq(parsed.values.count, 7);
	cr_expect_eq(parsed.values.limit_ns, 20000000);
	cr_assert_eq(parsed.values.settings.n_items, 2);
	cr_expect_str_eq(parsed.values.settings.items[0], "A=1");
	cr_expect_str_eq(parsed.values.settings.items[1], "B=2=3");
	cr_assert_eq(parsed.n_arguments, 2);
	cr_expect_str_eq(parsed.argv[0], "a");
	cr_expect_str_eq(parsed.argv[1], "b");
	finish(&parsed);
}

Test(options, letters_together_and_values)
{
	struct parsed parsed;
	parse((const char *const[]){ "-jqo", "file", "--size", "4KiB", "--tolerance=2e-5", "--colour=red", NULL }, &parsed);
	cr_assert_eq(parsed.status, STATUS_OK, "%s", parsed.error.text);
	cr_expect(parsed.values.is_json && parsed.values.is_quiet);
	cr_expect_str_eq(parsed.values.file, "file");
	cr_expect_eq(parsed.values.bytes, 4096);
	cr_expect_float_eq(parsed.values.tolerance, 2e-5, 1e-12);
	cr_expect_eq(parsed.values.choice, 0);
	finish(&parsed);
}

Test(options, dashes_end_them)
{
	struct parsed parsed;
	parse((const char *const[]){ "-", "--", "--json", "-x", NULL }, &parsed);
	cr_assert_eq(parsed.status, STATUS_OK, "%s", parsed.error.text);
	cr_expect_not(parsed.values.is_json);
	cr_assert_eq(parsed.n_arguments, 3);
	cr_expect_str_eq(parsed.argv[0], "-");
	cr_expect_str_eq(parsed.argv[1], "--json");
	cr_expect_str_eq(parsed.argv[2], "-x");
	finish(&parsed);
}

static const struct {
	const char *words[4], *text;
} wrong[] = {
	{ { "--jsno" }, "unknown option '--jsno'; did you mean '--json'?" },
	{ { "--xyzzyxyzzy" }, "unknown option '--xyzzyxyzzy'" },
	{ { "--colours=red" }, "did you mean '--colour'?" },
	{ { "-z" }, "unknown option '-z'" },
	{ { "-jz" }, "unknown option '-z'" },
	{ { "--output" }, "--output needs FILE behind it" },
	{ { "-o" }, "--output needs FILE behind it" },
	{ { "--json=yes" }, "--json takes no value" },
	{ { "--count", "seven" }, "--count: 'seven' is not a whole number" },
	{ { "--count", "7x" }, "is not a whole number" },
	{ { "--count=" }, "is not a whole number" },
	{ { "--count", "99999999999999999999" }, "is not a whole number" },
	{ { "--count", "0" }, "--count: 0 is not within 1 … 10" },
	{ { "-n11" }, "--count: 11 is not within 1 … 10" },
	{ { "--colour", "blue" }, "--colour: 'blue' is not available; choose from: red, green" },
	{ { "--limit", "soon" }, "--limit: 'soon' is not a duration" },
	{ { "--size", "-4" }, "--size: '-4' is not a size" },
	{ { "--tolerance", "nan" }, "--tolerance: 'nan' is not a number" },
};

Test(options, mistakes_say_what_would_be_right)
{
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		struct parsed parsed;
		parse(wrong[i].words, &parsed);
		cr_expect_eq(parsed.status, STATUS_USAGE, "%s: status %d", wrong[i].words[0], parsed.status);
		cr_expect(strstr(parsed.error.text, wrong[i].text), "%s: '%s' lacks '%s'", wrong[i].words[0], parsed.error.text,
			wrong[i].text);
		finish(&parsed);
	}
}

Test(options, help_names_all)
{
	struct strbuf out = STRBUF_INIT;
	options_help(specs, &out);
	const char *expected =
		"  -j, --json                  print as JSON\n"
		"  -q, --quiet                 say nothing\n"
		"  -o, --output FILE           where to write (default: default.txt)\n"
		"  -n, --count N               how many (default: 3)\n"
		"  --colour COLOUR             which: red, green (default: green)\n"
		"  --limit TIME                how long (default: 1s)\n"
		"  --size SIZE                 how much\n"
		"  --tolerance X               how far\n"
		"  --set NAME=VALUE            a setting; may be repeated\n"
		"  -h, --help                  print this\n";
	cr_expect_str_eq(strbuf_text(&out), expected, "is\n%sexpected\n%s", strbuf_text(&out), expected);
	strbuf_finish(&out);
}

/* Two options, one list: what each item came by is known. */
Test(options, lists_remember_names)
{
	static const struct option_spec both[] = {
		{ "file", 'x', OPTION_LIST, AT(settings), "FILE", NULL, "a file" },
		{ "text", 0, OPTION_LIST, AT(settings), "TEXT", NULL, "a text" },
		OPTIONS_END
	};
	char words[][12] = { "--text", "a", "-xb", "--text=c" }, *argv[] = { words[0], words[1], words[2], words[3], NULL };
	static const char *const names[] = { "text", "file", "text" }, *const items[] = { "a", "b", "c" };
	struct values values = { 0 };
	struct error error = { 0 };
	int n_arguments;
	cr_assert_eq(options_parse(both, 4, argv, &values, &n_arguments, &error), STATUS_OK, "%s", error.text);
	cr_assert_eq(values.settings.n_items, 3, "%d items", values.settings.n_items);
	for (int i = 0; i < 3; i++) {
		cr_expect_str_eq(values.settings.items[i], items[i], "item %d is '%s', expected '%s'", i, values.settings.items[i], items[i]);
		cr_expect_str_eq(values.settings.names[i], names[i], "item %d came by '%s', expected '%s'", i, values.settings.names[i], names[i]);
	}
	options_finish(both, &values);
}
