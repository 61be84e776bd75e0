/* SPDX-License-Identifier: Apache-2.0
 *
 * gpu_compare_print: sentences, and the tables behind them.
 */
#include "traces/gpu_compare_print.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/attributes.h"
#include "engine/base/units.h"

#define TEXT_BYTES 48
#define NAME_BYTES 56
#define FEWER_LAUNCHES 2 /* times */
#define SAME_WORK 0.9    /* of the device work's time has a counterpart */

struct print {
	const struct gpu_compare *compare;
	const struct gpu_compare_print_options *options;
	struct strbuf *out;
};

static const char *per(const struct print *print)
{
	return print->compare->has_units ? "an iteration" : "a window";
}

static const char *signed_duration(double ns, char text[TEXT_BYTES])
{
	char size[40];
	if (!isfinite(ns))
		snprintf(text, TEXT_BYTES, "%s", ns > 0 ? "+∞" : "-∞");
	else
		snprintf(text, TEXT_BYTES, "%s%s", ns >= 0 ? "+" : "", units_duration(llround(ns), size, sizeof size));
	return text;
}

/* "void a::b<c, (d)1>::e<f>(g, h)" is "a::b::e". */
void gpu_compare_short_name(const char *name, size_t most, struct strbuf *out)
{
	struct strbuf text = STRBUF_INIT;
	int depth = 0;
	name += strncmp(name, "void ", 5) == 0 ? 5 : 0;
	for (const char *at = name; *at; at++) {
		bool is_open = (*at == '<' || *at == '(') && at > name && (depth || at[-1] != ' ');
		depth += is_open;
		if (!depth)
			strbuf_add_bytes(&text, at, 1);
		depth -= depth && ((*at == '>' && at[-1] != '-') || *at == ')');
	}
	const char *shown = text.length ? strbuf_text(&text) : name;
	size_t n = strlen(shown), cut = n > most ? most : n;
	while (cut < n && cut && ((unsigned char)shown[cut] & 0xc0) == 0x80)
		cut--;
	strbuf_add_bytes(out, shown, cut);
	strbuf_add(out, cut < n ? "…" : "");
	out->is_failed |= text.is_failed;
	strbuf_finish(&text);
}

/* -- tables --------------------------------------------------------------------------------------------------------------------- */

static const char *column(const struct print *print, const char *text, const char *key)
{
	return print->options->is_json ? key : text;
}

static void put(struct print *print, const char *key, const char *title, const char *text, struct table *table)
{
	if (print->options->is_json) {
		strbuf_addf(print->out, ",\n\"%s\": ", key);
		table_json(table, print->out);
	} else if (print->options->form) {
		print->options->form->section(print->out, key, title, text, table);
	} else {
		strbuf_addf(print->out, "\n%s\n%s", title, text);
		if (table_n_rows(table))
			table_print(table, 2, print->out);
	}
	print->out->is_failed |= table->is_failed;
	table_finish(table);
}

static void add_name(const struct print *print, struct table *table, const char *name)
{
	struct strbuf text = STRBUF_INIT;
	if (print->options->is_json)
		strbuf_add(&text, name);
	else
		gpu_compare_short_name(name, print->options->form ? 200 : NAME_BYTES, &text);
	table_text(table, strbuf_text(&text));
	strbuf_finish(&text);
}

static void add_times(struct table *table, double a_ns, double b_ns)
{
	int64_t a = llround(a_ns), b = llround(b_ns);
	table_int(table, a);
	table_int(table, b);
	table_int(table, b - a);
}

static void add_margin(struct table *table, const struct compare_interval *interval)
{
	if (interval->is_known)
		table_int(table, llround(interval->high - interval->delta));
	else
		table_null(table);
}

struct part {
	int kind;
	int64_t ns;
};

static int by_size(const void *a, const void *b)
{
	const struct part *x = a, *y = b;
	int64_t left = llabs(x->ns), right = llabs(y->ns);
	return left != right ? (left < right ? 1 : -1) : x->kind - y->kind;
}

static void print_split(struct print *print)
{
	const struct gpu_compare *compare = print->compare;
	const struct table_column columns[] = {
		{ "kind", TABLE_TEXT }, { column(print, "A", "a"), TABLE_NS }, { column(print, "B", "b"), TABLE_NS },
		{ column(print, "Δ", "delta"), TABLE_NS }, { column(print, "±", "margin"), TABLE_NS },
		{ column(print, "of all change", "share"), TABLE_SHARE },
	};
	struct part parts[GPU_TIME_COUNT];
	struct table table;
	char title[160];
	int64_t sum = 0;
	for (int kind = 0; kind < GPU_TIME_COUNT; kind++) {
		parts[kind] = (struct part){ kind, compare->kinds_ns[1][kind] - compare->kinds_ns[0][kind] };
		sum += llabs(parts[kind].ns);
	}
	qsort(parts, GPU_TIME_COUNT, sizeof *parts, by_size);
	table_init(&table, columns, ARRAY_LEN(columns));
	for (int i = 0; i < GPU_TIME_COUNT; i++) {
		int64_t a_ns = compare->kinds_ns[0][parts[i].kind], b_ns = compare->kinds_ns[1][parts[i].kind];
		if (!a_ns && !b_ns && parts[i].kind != GPU_TIME_UNKNOWN)
			continue;
		table_text(&table, gpu_time_word((enum gpu_time)parts[i].kind));
		add_times(&table, (double)a_ns, (double)b_ns);
		add_margin(&table, &compare->kind_changes[parts[i].kind]);
		table_real(&table, sum ? (double)llabs(parts[i].ns) / (double)sum : 0);
	}
	if (!print->options->is_json) {
		table_text(&table, "sum");
		add_times(&table, (double)compare->whole_ns[0], (double)compare->whole_ns[1]);
		add_margin(&table, &compare->whole_change);
		table_null(&table);
	}
	snprintf(title, sizeof title, "Where the devices' time goes, mean of %s%u device%s, %s (rows sum to it)",
		compare->n_devices[0] == compare->n_devices[1] ? "" : "A's ", compare->n_devices[0], compare->n_devices[0] == 1 ? "" : "s",
		per(print));
	put(print, "split", title, "", &table);
}

/* "B launches the same work with fewer calls". */
static void tell_launches(const struct print *print, struct strbuf *text)
{
	const struct gpu_compare *compare = print->compare;
	double n[2] = { gpu_compare_n_launches(compare, 0, false), gpu_compare_n_launches(compare, 1, false) };
	int fewer = n[1] < n[0], matched = compare->matched[GPU_MATCH_NONE] <= 1 - SAME_WORK;
	if (n[fewer] <= 0 || n[1 - fewer] < FEWER_LAUNCHES * n[fewer] || compare->matched[GPU_MATCH_NONE] > 0.5)
		return;
	strbuf_addf(text, "%c launches %s work with fewer calls: %.4g in place of %.4g %s", "AB"[fewer], matched ? "the same" : "much of the same",
		n[fewer], n[1 - fewer], per(print));
	double n_graphs = gpu_compare_n_launches(compare, fewer, true);
	if (n_graphs > 0)
		strbuf_addf(text, ", %.4g of them whole graphs", n_graphs);
	strbuf_add(text, "\n");
}

static void print_calls(struct print *print)
{
	static const char *const words[] = {
#define X(name, word) word,
		IMPORT_API_MAP(X)
#undef X
	};
	const struct table_column columns[] = {
		{ "call", TABLE_TEXT }, { column(print, "A calls", "a_n"), TABLE_REAL }, { column(print, "B calls", "b_n"), TABLE_REAL },
		{ column(print, "A", "a"), TABLE_NS }, { column(print, "B", "b"), TABLE_NS }, { column(print, "Δ", "delta"), TABLE_NS },
	};
	const struct gpu_compare *compare = print->compare;
	struct strbuf text = STRBUF_INIT;
	struct table table;
	char title[120];
	table_init(&table, columns, ARRAY_LEN(columns));
	for (size_t class = 0; class < ARRAY_LEN(words); class++) {
		if (compare->n_calls[0][class] == 0 && compare->n_calls[1][class] == 0)
			continue;
		table_text(&table, words[class]);
		table_real(&table, compare->n_calls[0][class]);
		table_real(&table, compare->n_calls[1][class]);
		add_times(&table, compare->calls_ns[0][class], compare->calls_ns[1][class]);
	}
	tell_launches(print, &text);
	snprintf(title, sizeof title, "Calls of the host to the devices, %s (their time is not part of the devices')", per(print));
	if (table_n_rows(&table) || print->options->is_json)
		put(print, "calls", title, strbuf_text(&text), &table);
	else
		table_finish(&table);
	strbuf_finish(&text);
}

static uint32_t n_shown(const struct print *print, uint32_t n)
{
	uint32_t most = (uint32_t)print->options->n_rows;
	return most && most < n && !print->options->is_json ? most : n;
}

static void tell_hidden(const struct print *print, uint32_t n, struct strbuf *text)
{
	if (n_shown(print, n) < n)
		strbuf_addf(text, "  the %u that changed most of %u; --nodes lists more\n", n_shown(print, n), n);
}

static void print_work(struct print *print)
{
	const struct table_column columns[] = {
		{ "name", TABLE_TEXT }, { "change", TABLE_TEXT },
		{ column(print, "A n", "a_n"), TABLE_INT }, { column(print, "B n", "b_n"), TABLE_INT },
		{ column(print, "A mean", "a_mean_ns"), TABLE_NS }, { column(print, "B mean", "b_mean_ns"), TABLE_NS },
		{ column(print, "Δ mean", "mean_delta_ns"), TABLE_NS }, { column(print, "±", "margin_ns"), TABLE_NS },
		{ column(print, "A", "a_ns"), TABLE_NS }, { column(print, "B", "b_ns"), TABLE_NS }, { column(print, "Δ", "delta_ns"), TABLE_NS },
		{ column(print, "of all change", "share"), TABLE_SHARE },
	};
	const struct gpu_compare *compare = print->compare;
	struct strbuf title = STRBUF_INIT, text = STRBUF_INIT;
	struct table table;
	double sum = 0;
	table_init(&table, columns, ARRAY_LEN(columns));
	for (uint32_t i = 0; i < compare->n_rows; i++)
		sum += fabs(compare->rows[i].ns_unit[1] - compare->rows[i].ns_unit[0]);
	for (uint32_t i = 0; i < n_shown(print, compare->n_rows); i++) {
		const struct gpu_compare_row *row = &compare->rows[i];
		add_name(print, &table, row->name);
		table_text(&table, gpu_change_word(row->change));
		table_int(&table, row->spans[0].n);
		table_int(&table, row->spans[1].n);
		for (int side = 0; side < 2; side++) {
			if (row->spans[side].n)
				table_int(&table, llround(row->spans[side].mean));
			else
				table_null(&table);
		}
		if (row->spans[0].n && row->spans[1].n)
			table_int(&table, llround(row->spans[1].mean) - llround(row->spans[0].mean));
		else
			table_null(&table);
		add_margin(&table, &row->mean);
		add_times(&table, row->ns_unit[0], row->ns_unit[1]);
		table_real(&table, sum > 0 ? fabs(row->ns_unit[1] - row->ns_unit[0]) / sum : 0);
	}
	const int *n = compare->n_changes;
	strbuf_addf(&title, "Kernels by name: %d in A, %d in B, %d in both: %d increased, %d decreased, %d unchanged; %d removed, %d added",
		compare->n_names[0], compare->n_names[1], compare->n_names[0] - n[GPU_CHANGE_REMOVED], n[GPU_CHANGE_INCREASED],
		n[GPU_CHANGE_DECREASED], n[GPU_CHANGE_UNCHANGED], n[GPU_CHANGE_REMOVED], n[GPU_CHANGE_ADDED]);
	strbuf_addf(&text, "  counts (n) of the windows, mean durations, and time %s and device\n", per(print));
	tell_hidden(print, compare->n_rows, &text);
	put(print, "work", strbuf_text(&title), strbuf_text(&text), &table);
	strbuf_finish(&title);
	strbuf_finish(&text);
}

/* "forward › aten::conv2d": the last names of a path; all of them in JSON. */
static void add_path(const struct print *print, struct table *table, const struct gpu_compare_place *place)
{
	int side = !place->is_there[0];
	const struct gpu_tally *sums = &print->compare->sums[side];
	uint32_t path = place->path[side], names[64];
	int n = 0, n_most = print->options->is_json ? 64 : 3;
	for (; path >= GPU_TALLY_FIRST && n < n_most; path = sums->paths[path].parent)
		names[n++] = path;
	struct strbuf text = STRBUF_INIT;
	if (path >= GPU_TALLY_FIRST)
		strbuf_add(&text, "… › ");
	for (int i = n - 1; i >= 0; i--) {
		if (print->options->is_json)
			strbuf_add(&text, sums->paths[names[i]].name);
		else
			gpu_compare_short_name(sums->paths[names[i]].name, 32, &text);
		strbuf_add(&text, i ? " › " : "");
	}
	if (!n)
		strbuf_add(&text, path == GPU_TALLY_ROOT ? "(no annotation)" : sums->paths[path].name);
	table_text(table, strbuf_text(&text));
	strbuf_finish(&text);
}

static void print_places(struct print *print)
{
	const struct table_column columns[] = {
		{ "path", TABLE_TEXT }, { "name", TABLE_TEXT }, { "matched", TABLE_TEXT }, { column(print, "A n", "a_n"), TABLE_REAL },
		{ column(print, "B n", "b_n"), TABLE_REAL }, { column(print, "A", "a_ns"), TABLE_NS }, { column(print, "B", "b_ns"), TABLE_NS },
		{ column(print, "Δ", "delta_ns"), TABLE_NS },
	};
	const struct gpu_compare *compare = print->compare;
	struct strbuf text = STRBUF_INIT;
	struct table table;
	char title[80];
	table_init(&table, columns, ARRAY_LEN(columns));
	for (uint32_t i = 0; i < n_shown(print, compare->n_places); i++) {
		const struct gpu_compare_place *place = &compare->places[i];
		add_path(print, &table, place);
		add_name(print, &table, place->name);
		table_text(&table, gpu_match_word(place->rule));
		table_real(&table, place->n_unit[0]);
		table_real(&table, place->n_unit[1]);
		add_times(&table, place->ns_unit[0], place->ns_unit[1]);
	}
	tell_hidden(print, compare->n_places, &text);
	snprintf(title, sizeof title, "Places of work, %s and device", per(print));
	put(print, "places", title, strbuf_text(&text), &table);
	strbuf_finish(&text);
}

/* -- sentences -------------------------------------------------------------------------------------------------------------------- */

static void tell_side(const struct print *print, int side, struct strbuf *text)
{
	const struct gpu_compare *compare = print->compare;
	const struct gpu_compare_side *from = &compare->sides[side];
	const char *file = from->name ? from->name : from->trace->file, *slash = print->options->form ? strrchr(file, '/') : NULL;
	char size[40];
	strbuf_addf(text, "%c  ", "AB"[side]);
	strbuf_add_printable(text, slash ? slash + 1 : file);
	strbuf_addf(text, ": run %lld, %s", (long long)from->run->id, from->run->mode);
	if (from->rank >= 0)
		strbuf_addf(text, ", rank %lld", (long long)from->rank);
	strbuf_addf(text, ", %u device%s", compare->n_devices[side], compare->n_devices[side] == 1 ? "" : "s");
	for (uint32_t d = 0, n = 0; d < compare->sums[side].n_devices && n < 8; d++) {
		if (!gpu_compare_has_device(compare, side, d))
			continue;
		strbuf_add(text, n++ ? ", " : " ");
		strbuf_add_printable(text, compare->sums[side].devices[d].name);
	}
	if (compare->n_units[side])
		strbuf_addf(text, ", %lld iteration%s", (long long)compare->n_units[side], compare->n_units[side] == 1 ? "" : "s");
	strbuf_addf(text, ", %s from start to end\n",
		units_duration(compare->sums[side].end_ns - compare->sums[side].start_ns, size, sizeof size));
}

static void tell_match(const struct print *print, struct strbuf *text)
{
	const struct gpu_compare *compare = print->compare;
	const char *between = ": ";
	strbuf_addf(text, "matched %.1f %% of the device work's time", 100 * (1 - compare->matched[GPU_MATCH_NONE]));
	for (int rule = 0; rule < GPU_MATCH_NONE; rule++) {
		if (compare->matched[rule] < 0.0005)
			continue;
		strbuf_addf(text, "%s%.1f %% %s", between, 100 * compare->matched[rule], gpu_match_phrase((enum gpu_match_rule)rule));
		between = ", ";
	}
	strbuf_addf(text, "\n%s\n", compare->is_stored ? "from stored sums" : "exact pass");
	for (int i = 0; i < compare->reasons.n_items; i++) {
		strbuf_add(text, compare->reasons.items[i].is_refusal ? "MISLEADING: " : "note: ");
		strbuf_add_printable(text, compare->reasons.items[i].text);
		strbuf_add(text, "\n");
	}
}

static void tell_whole(const struct print *print, struct strbuf *text)
{
	const struct gpu_compare *compare = print->compare;
	const struct compare_interval *change = &compare->whole_change;
	char size[4][TEXT_BYTES];
	strbuf_addf(text, "%s: A %s", compare->has_units ? "Iteration, mean" : "Windows", units_duration(compare->whole_ns[0], size[0], TEXT_BYTES));
	if (compare->has_units)
		strbuf_addf(text, " ±%s", units_duration(llround(compare_moments_margin(&compare->whole[0])), size[1], TEXT_BYTES));
	strbuf_addf(text, ", B %s", units_duration(compare->whole_ns[1], size[2], TEXT_BYTES));
	if (!compare->has_units) {
		strbuf_add(text, ": how much was recorded, not how fast it was\n");
		return;
	}
	strbuf_addf(text, " ±%s\n", units_duration(llround(compare_moments_margin(&compare->whole[1])), size[3], TEXT_BYTES));
	if (!change->is_known)
		strbuf_add(text, "  too few iterations to tell a difference from noise: ");
	else
		strbuf_addf(text, "  %s: ", !compare_is_beyond_noise(change) ? "no difference beyond noise"
			: change->delta > 0 ? "B is slower" : "B is faster");
	strbuf_addf(text, "%s (%+.1f %%)", signed_duration(change->delta, size[0]),
		compare->whole[0].mean > 0 ? 100 * change->delta / compare->whole[0].mean : 0);
	if (change->is_known)
		strbuf_addf(text, ", 95 %% interval %s to %s", signed_duration(change->low, size[1]), signed_duration(change->high, size[2]));
	strbuf_add(text, "\n");
}

static void begin(struct print *print)
{
	struct strbuf text = STRBUF_INIT;
	tell_side(print, 0, &text);
	tell_side(print, 1, &text);
	tell_match(print, &text);
	strbuf_add(&text, "\n");
	tell_whole(print, &text);
	if (print->options->form)
		print->options->form->begin(print->out, "tandem compare: A and B", strbuf_text(&text), NULL);
	else
		strbuf_add(print->out, strbuf_text(&text));
	print->out->is_failed |= text.is_failed;
	strbuf_finish(&text);
}

static void put_answers(struct print *print)
{
	const struct gpu_compare_print_options *options = print->options;
	struct strbuf text = STRBUF_INIT;
	if (!options->form) {
		compare_print_answers(options->answers, options->n_answers, options->is_json, print->out);
		return;
	}
	compare_print_answers(options->answers, options->n_answers, false, &text);
	if (options->n_answers)
		options->form->section(print->out, "conditions", "Conditions", strbuf_text(&text), NULL);
	strbuf_finish(&text);
}

/* -- JSON ---------------------------------------------------------------------------------------------------------------------------- */

static void json_number(struct print *print, const char *key, double value)
{
	if (isfinite(value))
		strbuf_addf(print->out, ", \"%s\": %.15g", key, value);
	else
		strbuf_addf(print->out, ", \"%s\": null", key);
}

static void json_side(struct print *print, int side)
{
	const struct gpu_compare *compare = print->compare;
	strbuf_addf(print->out, "%s\"%c\": {\"run\": %lld, \"devices\": %u, \"iterations\": %lld, \"window_ns\": %lld",
		side ? ",\n" : "{", "ab"[side],
		(long long)compare->sides[side].run->id, compare->n_devices[side], (long long)compare->n_units[side],
		(long long)(compare->sums[side].end_ns - compare->sums[side].start_ns));
	if (compare->sides[side].rank >= 0)
		strbuf_addf(print->out, ", \"rank\": %lld}", (long long)compare->sides[side].rank);
	else
		strbuf_add(print->out, ", \"rank\": null}");
}

static void json_reasons(struct print *print)
{
	const struct compare_reasons *reasons = &print->compare->reasons;
	strbuf_add(print->out, ",\n\"notes\": [");
	for (int i = 0; i < reasons->n_items; i++) {
		strbuf_addf(print->out, "%s{\"is_misleading\": %s, \"text\": \"", i ? ", " : "", reasons->items[i].is_refusal ? "true" : "false");
		strbuf_add_json(print->out, reasons->items[i].text);
		strbuf_add(print->out, "\"}");
	}
	strbuf_add(print->out, "]");
}

static void json_begin(struct print *print)
{
	const struct gpu_compare *compare = print->compare;
	json_side(print, 0);
	json_side(print, 1);
	strbuf_addf(print->out, ",\n\"per\": \"%s\", \"source\": \"%s\",\n\"matched\": {", compare->has_units ? "iteration" : "window",
		compare->is_stored ? "stored_sums" : "exact_pass");
	for (int rule = 0; rule < GPU_MATCH_RULES; rule++)
		strbuf_addf(print->out, "%s\"%s\": %.15g", rule ? ", " : "", gpu_match_word((enum gpu_match_rule)rule), compare->matched[rule]);
	strbuf_add(print->out, "}");
	json_reasons(print);
	strbuf_addf(print->out, ",\n\"names\": {\"a\": %d, \"b\": %d", compare->n_names[0], compare->n_names[1]);
	for (int change = 0; change < GPU_CHANGES; change++)
		strbuf_addf(print->out, ", \"%s\": %d", gpu_change_word((enum gpu_change)change), compare->n_changes[change]);
	strbuf_add(print->out, "}");
	if (!compare->has_units) {
		strbuf_add(print->out, ",\n\"latency\": null");
		return;
	}
	strbuf_addf(print->out, ",\n\"latency\": {\"is_beyond_noise\": %s", compare_is_beyond_noise(&compare->whole_change) ? "true" : "false");
	json_number(print, "a", (double)compare->whole_ns[0]);
	json_number(print, "b", (double)compare->whole_ns[1]);
	json_number(print, "delta", (double)(compare->whole_ns[1] - compare->whole_ns[0]));
	json_number(print, "low", compare->whole_change.low);
	json_number(print, "high", compare->whole_change.high);
	strbuf_add(print->out, "}");
}

int gpu_compare_print(const struct gpu_compare *compare, const struct gpu_compare_print_options *options, struct strbuf *out, struct error *error)
{
	struct print print = { .compare = compare, .options = options, .out = out };
	if (options->is_json)
		json_begin(&print);
	else
		begin(&print);
	print_split(&print);
	print_calls(&print);
	print_work(&print);
	print_places(&print);
	put_answers(&print);
	if (options->is_json)
		strbuf_add(out, "}\n");
	if (options->form)
		options->form->end(out);
	return out->is_failed ? error_set(error, STATUS_NO_MEMORY, "no memory to print the comparison") : STATUS_OK;
}
