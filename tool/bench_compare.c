/* SPDX-License-Identifier: Apache-2.0
 *
 * bench_compare: the verdict on each row, and how it is told.
 */
#include "tool/bench_compare.h"

#include <math.h>
#include <string.h>

static const char *const verdict_words[] = {
#define X(name, word) word,
	BENCH_VERDICT_MAP(X)
#undef X
};

static double noise_of(double old, double now)
{
	double noise = (isnan(old) ? now : old) + (isnan(now) ? old : now);
	return noise < BENCH_COMPARE_NOISE_MIN ? BENCH_COMPARE_NOISE_MIN : noise;
}

/* How many times as far from the best as before; NAN when that cannot be said. */
static double factor_of(const struct bench_result *old, const struct bench_result *now, bool same_machine)
{
	bool has_ratios = !isnan(old->ratio) && !isnan(now->ratio);
	double before = has_ratios ? old->ratio : old->value, after = has_ratios ? now->ratio : now->value;
	if ((!has_ratios && (!same_machine || strcmp(old->unit, now->unit) != 0)) || !(before > 0) || !(after > 0))
		return NAN;
	return has_ratios || now->sense == BENCH_LOWER ? after / before : before / after;
}

enum bench_verdict bench_compare_row(const struct bench_result *old, const struct bench_result *now, bool same_machine,
	double *ret_change, double *ret_noise)
{
	double factor = factor_of(old, now, same_machine), noise = noise_of(old->spread, now->spread);
	*ret_change = factor - 1;
	*ret_noise = noise;
	if (isnan(factor) || isnan(noise))
		return BENCH_VERDICT_UNJUDGED;
	if (factor > 1 + noise)
		return BENCH_VERDICT_WORSE;
	return 1 / factor > 1 + noise ? BENCH_VERDICT_BETTER : BENCH_VERDICT_SAME;
}

static bool is_known_difference(const struct bench_results *old, const struct bench_results *now, int setting)
{
	return old->settings[setting][0] && now->settings[setting][0] && strcmp(old->settings[setting], now->settings[setting]) != 0;
}

bool bench_compare_is_same_machine(const struct bench_results *old, const struct bench_results *now)
{
	for (int i = 0; i < BENCH_MACHINE_SETTINGS; i++) {
		if (is_known_difference(old, now, i))
			return false;
	}
	return true;
}

/* One row of both sides, or of one. */
struct pair {
	const struct bench_result *old, *now;
	enum bench_verdict verdict;
	double change, noise;
};

/* The pair of the row `idx` of now. */
static struct pair pair_at(const struct bench_comparison *comparison, int idx)
{
	struct pair pair = { .now = &comparison->now->items[idx] };
	pair.old = bench_results_find(comparison->old, pair.now->name);
	if (pair.old)
		pair.verdict = bench_compare_row(pair.old, pair.now, bench_compare_is_same_machine(comparison->old, comparison->now),
			&pair.change, &pair.noise);
	return pair;
}

int bench_compare_count_worse(const struct bench_comparison *comparison, double threshold)
{
	int n = 0;
	for (int i = 0; i < comparison->now->n_items; i++) {
		struct pair pair = pair_at(comparison, i);
		n += pair.old && pair.verdict == BENCH_VERDICT_WORSE && pair.change > threshold;
	}
	return n;
}

static void count(const struct bench_comparison *comparison, int *counts)
{
	for (int i = 0; i < comparison->now->n_items; i++) {
		struct pair pair = pair_at(comparison, i);
		if (pair.old)
			counts[pair.verdict]++;
	}
}

int bench_compare_count_judged(const struct bench_comparison *comparison)
{
	int counts[BENCH_VERDICT_COUNT] = { 0 };
	count(comparison, counts);
	return counts[BENCH_VERDICT_SAME] + counts[BENCH_VERDICT_BETTER] + counts[BENCH_VERDICT_WORSE];
}

static const struct table_column columns[] = {
	{ "name", TABLE_TEXT }, { "old", TABLE_REAL }, { "new", TABLE_REAL }, { "unit", TABLE_TEXT }, { "old_ratio", TABLE_REAL },
	{ "new_ratio", TABLE_REAL }, { "change_percent", TABLE_REAL }, { "noise_percent", TABLE_REAL }, { "verdict", TABLE_TEXT },
};

static void fill_table(const struct bench_comparison *comparison, struct table *table)
{
	table_init(table, columns, ARRAY_LEN(columns));
	for (int i = 0; i < comparison->now->n_items; i++) {
		struct pair pair = pair_at(comparison, i);
		if (!pair.old)
			continue;
		table_text(table, pair.now->name);
		table_real(table, pair.old->value);
		table_real(table, pair.now->value);
		table_text(table, pair.now->unit);
		table_real(table, pair.old->ratio);
		table_real(table, pair.now->ratio);
		table_real(table, 100 * pair.change);
		table_real(table, 100 * pair.noise);
		table_text(table, verdict_words[pair.verdict]);
	}
}

static bool has_run(const struct bench_comparison *comparison, const char *bench)
{
	if (!comparison->benches || !*bench)
		return true;
	for (int i = 0; comparison->benches[i]; i++) {
		if (strcmp(comparison->benches[i], bench) == 0)
			return true;
	}
	return false;
}

/* Calls `add` for each row that only one side has. Returns how many. */
static int each_alone(const struct bench_comparison *comparison, bool is_old, void (*add)(struct strbuf *out, const char *name),
	const char *between, struct strbuf *out)
{
	const struct bench_results *mine = is_old ? comparison->old : comparison->now;
	const struct bench_results *other = is_old ? comparison->now : comparison->old;
	int n = 0;
	for (int i = 0; i < mine->n_items; i++) {
		const struct bench_result *row = &mine->items[i];
		if (bench_results_find(other, row->name) || (is_old && !has_run(comparison, row->bench)))
			continue;
		strbuf_add(out, n++ ? between : "");
		add(out, row->name);
	}
	return n;
}

static void add_json_text(struct strbuf *out, const char *text)
{
	strbuf_add(out, "\"");
	strbuf_add_json(out, text);
	strbuf_add(out, "\"");
}

static void tell_alone(const struct bench_comparison *comparison, bool is_old, struct strbuf *out)
{
	struct strbuf names = STRBUF_INIT;
	if (each_alone(comparison, is_old, strbuf_add_printable, ", ", &names)) {
		strbuf_add(out, "only ");
		if (is_old)
			strbuf_add(out, "in ");
		strbuf_add_printable(out, is_old ? comparison->old_name : "now");
		strbuf_addf(out, ": %s\n", strbuf_text(&names));
	}
	strbuf_finish(&names);
}

static void tell_differences(const struct bench_comparison *comparison, struct strbuf *out)
{
	const struct bench_results *old = comparison->old, *now = comparison->now;
	for (int i = 0; i < BENCH_SETTING_COUNT; i++) {
		if (!is_known_difference(old, now, i))
			continue;
		strbuf_addf(out, "another %s: ", bench_setting_names[i]);
		strbuf_add_printable(out, old->settings[i]);
		strbuf_add(out, " before, ");
		strbuf_add_printable(out, now->settings[i]);
		strbuf_add(out, " now\n");
	}
	if (!bench_compare_is_same_machine(old, now))
		strbuf_add(out, "rows without a limit are not judged, since the machine is another\n");
}

void bench_compare_text(const struct bench_comparison *comparison, struct strbuf *out)
{
	struct table table;
	int counts[BENCH_VERDICT_COUNT] = { 0 };
	tell_differences(comparison, out);
	fill_table(comparison, &table);
	table_print(&table, 0, out);
	table_finish(&table);
	tell_alone(comparison, true, out);
	tell_alone(comparison, false, out);
	count(comparison, counts);
	strbuf_addf(out, "%d better, %d worse, %d within the noise, %d not judged; a change is of the distance from the limit, + is worse\n",
		counts[BENCH_VERDICT_BETTER], counts[BENCH_VERDICT_WORSE], counts[BENCH_VERDICT_SAME], counts[BENCH_VERDICT_UNJUDGED]);
}

void bench_compare_json(const struct bench_comparison *comparison, struct strbuf *out)
{
	struct table table;
	int n = 0;
	fill_table(comparison, &table);
	strbuf_add(out, "{\"rows\": ");
	table_json(&table, out);
	table_finish(&table);
	strbuf_add(out, ", \"only_old\": [");
	each_alone(comparison, true, add_json_text, ", ", out);
	strbuf_add(out, "], \"only_new\": [");
	each_alone(comparison, false, add_json_text, ", ", out);
	strbuf_add(out, "], \"differences\": [");
	for (int i = 0; i < BENCH_SETTING_COUNT; i++) {
		if (!is_known_difference(comparison->old, comparison->now, i))
			continue;
		strbuf_addf(out, "%s{\"what\": \"%s\", \"old\": ", n++ ? ", " : "", bench_setting_names[i]);
		add_json_text(out, comparison->old->settings[i]);
		strbuf_add(out, ", \"new\": ");
		add_json_text(out, comparison->now->settings[i]);
		strbuf_add(out, "}");
	}
	strbuf_add(out, "]}\n");
}
