/* SPDX-License-Identifier: Apache-2.0
 *
 * Tests of tool/bench_samples.h and tool/bench_results.h.
 */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/run_tool.h"
#include "tool/bench_samples.h"

static const struct {
	const char *name;
	enum bench_sense sense;
	int n;
	double values[3], limits[3];
	double value, limit, ratio, spread;
} cases[] = {
	{ "a time beside its limit", BENCH_LOWER, 3, { 3, 2, 4 }, { 1, 2, 1 }, 2, 1, 2, 0.5 },
	{ "a rate beside its limit", BENCH_HIGHER, 3, { 3, 2, 4 }, { 6, 8, 8 }, 4, 8, 2, 0.5 },
	{ "the median without limit", BENCH_LOWER, 3, { 5, 4, 9 }, { NAN, NAN, NAN }, 5, NAN, NAN, 0.5 },
	{ "once", BENCH_LOWER, 1, { 5 }, { 2 }, 5, 2, 2.5, NAN },
};

static void expect_number(const char *name, const char *what, double is, double expected)
{
	cr_expect(isnan(expected) ? isnan(is) : fabs(is - expected) < 1e-9, "%s: %s is %g, expected %g", name, what, is, expected);
}

Test(bench_results, repeats_become_one_row)
{
	struct bench_rows rows = BENCH_ROWS_INIT;
	struct bench_results results = { 0 };
	rows.bench = "some";
	for (int k = 0; k < 3; k++) {
		for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
			if (k < cases[i].n)
				bench_row(&rows, cases[i].name, cases[i].values[k], "µs", cases[i].sense, cases[i].limits[k], 1.5);
		}
	}
	bench_samples_reduce(&rows, &results);
	cr_assert_eq(results.n_items, (int)ARRAY_LEN(cases), "%d rows", results.n_items);
	for (int i = 0; i < results.n_items; i++) {
		const struct bench_result *result = &results.items[i];
		cr_expect_str_eq(result->name, cases[i].name);
		cr_expect_str_eq(result->bench, "some");
		expect_number(result->name, "value", result->value, cases[i].value);
		expect_number(result->name, "limit", result->limit, cases[i].limit);
		expect_number(result->name, "ratio", result->ratio, cases[i].ratio);
		expect_number(result->name, "spread", result->spread, cases[i].spread);
	}
	bench_samples_finish(&rows);
	bench_results_finish(&results);
}

Test(bench_results, what_is_written_is_read)
{
	struct bench_results results = { 0 }, again;
	struct strbuf out = STRBUF_INIT;
	struct error error = { 0 };
	struct bench_result *result = bench_results_add(&results);
	*result = (struct bench_result){ .name = "a \"quoted\" row", .unit = "M/s", .bench = "hop", .sense = BENCH_HIGHER, .value = 2.5,
		.limit = 5, .ratio = 2, .target = NAN, .spread = 0.125 };
	bench_results_set_here(&results);
	bench_results_json(&results, &out);
	tool_write_file("results.json", strbuf_text(&out));
	char *file = tool_expand("@TMP@/results.json");
	cr_assert_eq(bench_results_read(file, &error, &again), STATUS_OK, "%s", error.text);
	cr_assert_eq(again.n_items, 1, "%d rows", again.n_items);
	cr_expect_str_eq(again.items[0].name, "a \"quoted\" row");
	cr_expect_str_eq(again.items[0].unit, "M/s");
	cr_expect_str_eq(again.items[0].bench, "hop");
	cr_expect_eq(again.items[0].sense, BENCH_HIGHER);
	expect_number("read", "value", again.items[0].value, 2.5);
	expect_number("read", "limit", again.items[0].limit, 5);
	expect_number("read", "ratio", again.items[0].ratio, 2);
	expect_number("read", "target", again.items[0].target, NAN);
	expect_number("read", "spread", again.items[0].spread, 0.125);
	for (int i = 0; i < BENCH_SETTING_COUNT; i++) {
		cr_expect_str_eq(again.settings[i], results.settings[i], "%s: '%s', expected '%s'", bench_setting_names[i],
			again.settings[i], results.settings[i]);
	}
	cr_expect(results.settings[BENCH_SETTING_version][0] && results.settings[BENCH_SETTING_cores][0], "nothing is known of here");
	free(file);
	strbuf_finish(&out);
	bench_results_finish(&results);
	bench_results_finish(&again);
}

static const struct {
	const char *name, *text, *message;
} wrong[] = {
	{ "empty", "", "wrong.json:1: this is no JSON" },
	{ "cut", "{\"rows\": [\n{\"name\": \"a\",", "wrong.json:2: this is no JSON" },
	{ "more behind it", "{\"rows\": []} x", "this is no JSON" },
	{ "an array", "[]", "there are no \"rows\"" },
	{ "rows that are none", "{\"rows\": 7}", "there are no \"rows\"" },
	{ "a row that is none", "{\"rows\": [7]}", "row 1 has no name or no value" },
	{ "no value", "{\"rows\": [{\"name\": \"a\", \"value\": 1}, {\"name\": \"b\"}]}", "row 2 has no name or no value" },
	{ "a text as value", "{\"rows\": [{\"name\": \"a\", \"value\": \"1\"}]}", "row 1 has no name or no value" },
	{ "a number as name", "{\"rows\": [{\"name\": 3, \"value\": 1}]}", "row 1 has no name or no value" },
};

Test(bench_results, wrong_files_are_refused)
{
	char *file = tool_expand("@TMP@/wrong.json"), *missing = tool_expand("@TMP@/missing.json");
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		struct bench_results results;
		struct error error = { 0 };
		tool_write_file("wrong.json", wrong[i].text);
		cr_expect_eq(bench_results_read(file, &error, &results), STATUS_INPUT, "%s: %d", wrong[i].name, error.status);
		cr_expect(strstr(error.text, wrong[i].message), "%s: '%s' lacks '%s'", wrong[i].name, error.text, wrong[i].message);
		cr_expect_null(results.items, "%s: rows were kept", wrong[i].name);
	}
	struct bench_results results;
	struct error error = { 0 };
	cr_expect_eq(bench_results_read(missing, &error, &results), STATUS_INPUT);
	cr_expect(strstr(error.text, "missing.json: cannot be opened"), "'%s'", error.text);
	free(file);
	free(missing);
}
