/* SPDX-License-Identifier: Apache-2.0
 *
 * Tests of tool/bench_compare.h.
 */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tool/bench_compare.h"

struct side {
	double value, ratio, spread;
};

static struct bench_result result_of(const struct side *side, enum bench_sense sense)
{
	struct bench_result result = { .name = "row", .unit = "µs", .sense = sense, .value = side->value, .limit = NAN,
		.ratio = side->ratio, .target = NAN, .spread = side->spread };
	return result;
}

static const struct {
	const char *name;
	struct side old, now;
	enum bench_sense sense;
	bool other_machine;
	enum bench_verdict verdict;
	double change; /* NAN: none */
} rows[] = {
	{ "equal", { 1, 1.5, 0.01 }, { 1, 1.5, 0.01 }, BENCH_LOWER, false, BENCH_VERDICT_SAME, 0 },
	{ "the ratio counts, not the value", { 1, 1.5, 0.01 }, { 9, 1.5, 0.01 }, BENCH_LOWER, false, BENCH_VERDICT_SAME, 0 },
	{ "worse", { 1, 1.0, 0.01 }, { 1, 1.2, 0.01 }, BENCH_LOWER, false, BENCH_VERDICT_WORSE, 0.2 },
	{ "better", { 1, 1.2, 0.01 }, { 1, 1.0, 0.01 }, BENCH_LOWER, false, BENCH_VERDICT_BETTER, -1 / 6.0 },
	{ "a rate's ratio is a distance too", { 1, 1.0, 0.01 }, { 1, 1.2, 0.01 }, BENCH_HIGHER, false, BENCH_VERDICT_WORSE, 0.2 },
	{ "within the noise of both", { 1, 1.0, 0.1 }, { 1, 1.15, 0.1 }, BENCH_LOWER, false, BENCH_VERDICT_SAME, 0.15 },
	{ "beyond the noise of both", { 1, 1.0, 0.1 }, { 1, 1.25, 0.1 }, BENCH_LOWER, false, BENCH_VERDICT_WORSE, 0.25 },
	{ "one spread counts for both", { 1, 1.0, NAN }, { 1, 1.15, 0.1 }, BENCH_LOWER, false, BENCH_VERDICT_SAME, 0.15 },
	{ "noise is never less than 2 %", { 1, 1.0, 0 }, { 1, 1.015, 0 }, BENCH_LOWER, false, BENCH_VERDICT_SAME, 0.015 },
	{ "no spread, no verdict", { 1, 1.0, NAN }, { 1, 9.0, NAN }, BENCH_LOWER, false, BENCH_VERDICT_UNJUDGED, 8 },
	{ "without limit the value counts", { 1, NAN, 0.01 }, { 2, NAN, 0.01 }, BENCH_LOWER, false, BENCH_VERDICT_WORSE, 1 },
	{ "a rate without limit", { 1, NAN, 0.01 }, { 2, NAN, 0.01 }, BENCH_HIGHER, false, BENCH_VERDICT_BETTER, -0.5 },
	{ "values of another machine", { 1, NAN, 0.01 }, { 2, NAN, 0.01 }, BENCH_LOWER, true, BENCH_VERDICT_UNJUDGED, NAN },
	{ "ratios of another machine", { 1, 1.0, 0.01 }, { 2, 1.0, 0.01 }, BENCH_LOWER, true, BENCH_VERDICT_SAME, 0 },
	{ "a negative difference", { -1, NAN, 0.01 }, { 2, NAN, 0.01 }, BENCH_LOWER, false, BENCH_VERDICT_UNJUDGED, NAN },
};

Test(bench_compare, verdicts)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct bench_result old = result_of(&rows[i].old, rows[i].sense), now = result_of(&rows[i].now, rows[i].sense);
		double change, noise;
		enum bench_verdict verdict = bench_compare_row(&old, &now, !rows[i].other_machine, &change, &noise);
		cr_expect_eq(verdict, rows[i].verdict, "%s: verdict %d, expected %d (change %g, noise %g)", rows[i].name, (int)verdict,
			(int)rows[i].verdict, change, noise);
		cr_expect(isnan(rows[i].change) ? isnan(change) : fabs(change - rows[i].change) < 1e-9, "%s: change %g, expected %g",
			rows[i].name, change, rows[i].change);
	}
}

static void add(struct bench_results *results, const char *name, const char *bench, double ratio)
{
	struct bench_result *result = bench_results_add(results);
	cr_assert_not_null(result);
	*result = (struct bench_result){ .value = ratio, .limit = 1, .ratio = ratio, .target = NAN, .spread = 0.01 };
	strcpy(result->name, name);
	strcpy(result->bench, bench);
	strcpy(result->unit, "µs");
}

static void expect_in(const char *text, const char *wanted)
{
	cr_expect(strstr(text, wanted), "'%s' lacks '%s'", text, wanted);
}

Test(bench_compare, tells_what_only_one_side_has_and_what_differs)
{
	struct bench_results old = { 0 }, now = { 0 };
	struct strbuf out = STRBUF_INIT;
	add(&old, "a", "hop", 1.0);
	add(&old, "gone", "hop", 1.0);
	add(&old, "elsewhere", "chain", 1.0);
	add(&now, "a", "hop", 2.0);
	add(&now, "fresh", "hop", 1.0);
	strcpy(old.settings[BENCH_SETTING_cores], "2");
	strcpy(now.settings[BENCH_SETTING_cores], "4");
	strcpy(now.settings[BENCH_SETTING_host], "here"); /* unknown before: no difference */
	const char *const ran[] = { "hop", NULL };
	struct bench_comparison comparison = { .old = &old, .now = &now, .old_name = "old.json", .benches = ran };
	bench_compare_text(&comparison, &out);
	expect_in(strbuf_text(&out), "another cores: 2 before, 4 now\n");
	expect_in(strbuf_text(&out), "since the machine is another");
	expect_in(strbuf_text(&out), "only in old.json: gone\n");
	expect_in(strbuf_text(&out), "only now: fresh\n");
	expect_in(strbuf_text(&out), "0 better, 1 worse, 0 within the noise, 0 not judged");
	cr_expect_null(strstr(strbuf_text(&out), "host"), "'%s' knows of a host", strbuf_text(&out));
	strbuf_clear(&out);
	bench_compare_json(&comparison, &out);
	expect_in(strbuf_text(&out), "\"only_old\": [\"gone\"], \"only_new\": [\"fresh\"], "
		"\"differences\": [{\"what\": \"cores\", \"old\": \"2\", \"new\": \"4\"}]}");
	comparison.benches = NULL;
	strbuf_clear(&out);
	bench_compare_text(&comparison, &out);
	expect_in(strbuf_text(&out), "only in old.json: gone, elsewhere\n");
	cr_expect_eq(bench_compare_count_worse(&comparison, 0.5), 1, "at 50 %%: %d", bench_compare_count_worse(&comparison, 0.5));
	cr_expect_eq(bench_compare_count_worse(&comparison, 1.5), 0, "at 150 %%: %d", bench_compare_count_worse(&comparison, 1.5));
	cr_expect_eq(bench_compare_count_judged(&comparison), 1, "%d judged", bench_compare_count_judged(&comparison));
	strbuf_finish(&out);
	bench_results_finish(&old);
	bench_results_finish(&now);
}
