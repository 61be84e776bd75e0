/* SPDX-License-Identifier: Apache-2.0
 *
 * Tests of engine/base/table.h and engine/base/utf8.h: layout as text, and the same cells as JSON.
 */
#include <criterion/criterion.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "engine/base/attributes.h"
#include "engine/base/table.h"
#include "engine/base/utf8.h"

static const struct table_column all_columns[] = { { "node", TABLE_TEXT }, { "count", TABLE_INT }, { "mean_ns", TABLE_NS },
	{ "size_bytes", TABLE_BYTES }, { "rate", TABLE_REAL }, { "share", TABLE_SHARE } };

static void add_row(struct table *table, const char *name, int64_t count, int64_t ns, int64_t bytes, double rate, double share)
{
	table_text(table, name);
	table_int(table, count);
	table_int(table, ns);
	table_int(table, bytes);
	table_real(table, rate);
	table_real(table, share);
}

static void fill(struct table *table)
{
	table_init(table, all_columns, ARRAY_LEN(all_columns));
	add_row(table, "layer0→x", 1234567, 812400, 184320, 196.08, 0.75);
	add_row(table, "e\x1b", -200, 49, 24, 0.25, 0.001);
	add_row(table, NULL, 0, -1500, 0, NAN, NAN);
}

Test(table, text)
{
	struct table table;
	struct strbuf out = STRBUF_INIT;
	fill(&table);
	table_print(&table, 1, &out);
	const char *expected =
		" node          count  mean µs     size   rate    share\n"
		" layer0→x  1\xe2\x80\x89""234\xe2\x80\x89""567    812.4  180 KiB  196.1   75.0 % ███████▌\n"
		" e^[            -200     <0.1     24 B   0.25    0.1 % ▏\n"
		" –                 0     -1.5      0 B      –        –\n";
	cr_expect_str_eq(strbuf_text(&out), expected, "is\n%sexpected\n%s", strbuf_text(&out), expected);
	strbuf_finish(&out);
	table_finish(&table);
}

Test(table, json)
{
	struct table table;
	struct strbuf out = STRBUF_INIT;
	fill(&table);
	table_json_document(&table, &out);
	const char *expected = "{\"rows\": [\n"
		"{\"node\": \"layer0→x\", \"count\": 1234567, \"mean_ns\": 812400, \"size_bytes\": 184320, \"rate\": 196.08, "
		"\"share\": 0.75},\n"
		"{\"node\": \"e\\u001b\", \"count\": -200, \"mean_ns\": 49, \"size_bytes\": 24, \"rate\": 0.25, \"share\": 0.001},\n"
		"{\"node\": null, \"count\": 0, \"mean_ns\": -1500, \"size_bytes\": 0, \"rate\": null, \"share\": null}\n]}\n";
	cr_expect_str_eq(strbuf_text(&out), expected, "is\n%sexpected\n%s", strbuf_text(&out), expected);
	strbuf_finish(&out);
	table_finish(&table);
}

Test(table, csv)
{
	static const struct table_column columns[] = { { "a,b", TABLE_TEXT }, { "n_ns", TABLE_NS }, { "x", TABLE_REAL } };
	struct table table;
	struct strbuf out = STRBUF_INIT;
	table_init(&table, columns, 3);
	table_text(&table, "say \"hi\"");
	table_int(&table, 1234567);
	table_real(&table, 0.25);
	table_null(&table);
	table_null(&table);
	table_real(&table, 1e300);
	table_csv(&table, &out);
	const char *expected = "\"a,b\",n_ns,x\n\"say \"\"hi\"\"\",1234567,0.25\n,,1e+300\n";
	cr_expect_str_eq(strbuf_text(&out), expected, "is\n%sexpected\n%s", strbuf_text(&out), expected);
	strbuf_finish(&out);
	table_finish(&table);
}

Test(table, empty)
{
	struct table table;
	struct strbuf text = STRBUF_INIT, json = STRBUF_INIT;
	table_init(&table, all_columns, 2);
	cr_expect_eq(table_n_rows(&table), 0);
	table_print(&table, 0, &text);
	table_json_document(&table, &json);
	cr_expect_str_eq(strbuf_text(&text), "node  count\n");
	cr_expect_str_eq(strbuf_text(&json), "{\"rows\": [\n]}\n");
	strbuf_finish(&text);
	strbuf_finish(&json);
	table_finish(&table);
}

static const struct {
	int64_t ns[2];
	const char *text;
} columns_of_ns[] = {
	{ { 12, 999 }, "t ns\n  12\n 999\n" },
	{ { 1000, 1 }, " t µs\n1.000\n0.001\n" },
	{ { 999999, 0 }, " t ms\n1.000\n0.000\n" },
	{ { 12345678, 5000000 }, " t ms\n12.35\n 5.00\n" },
	{ { 1234000000000, 0 }, " t s\n1234\n   0\n" },
	{ { 2000000000, -1 }, "    t s\n  2.000\n>-0.001\n" },
};

Test(table, one_unit_for_a_column_of_durations)
{
	static const struct table_column columns[] = { { "t_ns", TABLE_NS } };
	for (size_t i = 0; i < ARRAY_LEN(columns_of_ns); i++) {
		struct table table;
		struct strbuf out = STRBUF_INIT;
		table_init(&table, columns, 1);
		table_int(&table, columns_of_ns[i].ns[0]);
		table_int(&table, columns_of_ns[i].ns[1]);
		table_print(&table, 0, &out);
		cr_expect_str_eq(strbuf_text(&out), columns_of_ns[i].text, "case %zu: is\n%sexpected\n%s", i, strbuf_text(&out),
			columns_of_ns[i].text);
		strbuf_finish(&out);
		table_finish(&table);
	}
}

static const struct {
	double value;
	const char *text, *json;
} reals[] = {
	{ 0, "0", "0" }, { 1, "1.000", "1" }, { 0.1, "0.1", "0.1" }, { 9.9996, "10.00", "9.9996" }, { 123456.7, "123457", "123456.7" },
	{ 1e12, "1e+12", "1000000000000" }, { -2.5, "-2.500", "-2.5" }, { 1.0 / 3, "0.3333", "0.333333333333333" },
	{ 0.1 + 0.2, "0.3", "0.30000000000000004" },
};

Test(table, reals)
{
	static const struct table_column columns[] = { { "x", TABLE_REAL } };
	for (size_t i = 0; i < ARRAY_LEN(reals); i++) {
		struct table table;
		struct strbuf text = STRBUF_INIT, json = STRBUF_INIT;
		table_init(&table, columns, 1);
		table_real(&table, reals[i].value);
		table_print(&table, 0, &text);
		table_json(&table, &json);
		cr_expect(strstr(strbuf_text(&text), reals[i].text), "%.17g: '%s' lacks '%s'", reals[i].value, strbuf_text(&text),
			reals[i].text);
		cr_expect(strstr(strbuf_text(&json), reals[i].json), "%.17g: '%s' lacks '%s'", reals[i].value, strbuf_text(&json),
			reals[i].json);
		strbuf_finish(&text);
		strbuf_finish(&json);
		table_finish(&table);
	}
}

static const struct {
	const char *name, *text;
	size_t cells;
} widths[] = {
	{ "ascii", "abc", 3 }, { "arrow", "a→b", 3 }, { "combining accent", "e\xcc\x81", 1 }, { "chinese", "张量", 4 },
	{ "emoji", "😀", 2 }, { "hangul", "한", 2 }, { "invalid bytes", "\xff\xfe", 2 }, { "blocks", "▏█", 2 }, { "empty", "", 0 },
	{ "zero width joiner", "a\xe2\x80\x8d", 1 },
};

Test(utf8, widths)
{
	for (size_t i = 0; i < ARRAY_LEN(widths); i++)
		cr_expect_eq(utf8_width(widths[i].text), widths[i].cells, "%s: %zu, expected %zu", widths[i].name,
			utf8_width(widths[i].text), widths[i].cells);
}
