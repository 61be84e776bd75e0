/* SPDX-License-Identifier: Apache-2.0
 *
 * Comparisons of imported runs: sums that hold over generated pairs, a small pair worked by hand, refusals, conditions, and real traces.
 */
#include "traces/gpu_compare.h"

#include <cjson/cJSON.h>
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/attributes.h"
#include "tests/traces/imported.h"
#include "traces/gpu_compare_print.h"
#include "traces/import_sink.h"

/* -- generated ---------------------------------------------------------------------------------------------------------------- */

static const char *const words[] = { "a", "b", "c", "d", "e", "f" };

/* A run in memory as a pass over one would leave it. */
static void make_tally(struct gpu_tally *tally, uint32_t n_devices, uint32_t n_units)
{
	*tally = (struct gpu_tally){ .n_devices = n_devices, .n_units = n_units, .n_paths = GPU_TALLY_FIRST + 4, .n_sites = (uint32_t)(rand() % 40),
		.n_names = ARRAY_LEN(words) };
	tally->devices = calloc(n_devices, sizeof *tally->devices);
	tally->units = calloc(n_units + 1, sizeof *tally->units);
	tally->unit_ns = calloc((size_t)n_devices * n_units + 1, sizeof *tally->unit_ns);
	tally->paths = calloc(tally->n_paths, sizeof *tally->paths);
	tally->sites = calloc(tally->n_sites + 1, sizeof *tally->sites);
	tally->names = calloc(tally->n_names, sizeof *tally->names);
	for (uint32_t i = 0; i < tally->n_names; i++)
		tally->names[i] = strdup(words[i]);
	for (uint32_t i = 0; i < tally->n_paths; i++)
		tally->paths[i] = (struct gpu_tally_path){ i > GPU_TALLY_ROOT ? (uint32_t)(1 + rand() % (int)(i - 1)) : 0, strdup(words[i % 3]) };
	for (uint32_t unit = 0; unit < n_units; unit++)
		tally->units[unit] = (struct gpu_tally_unit){ unit, unit * 100000, unit * 100000 + rand() % 99999 + 1,
			unit > 0 || rand() % 2, false };
	tally->end_ns = rand();
	for (uint32_t d = 0; d < n_devices; d++) {
		tally->devices[d] = (struct gpu_tally_device){ .id = d + 1, .rank = -1, .has_time = true };
		for (int left = rand() % 50; left >= 0; left--)
			tally->devices[d].window_ns[rand() % GPU_TIME_COUNT] += rand() % 100000;
		for (uint32_t unit = 0; unit < n_units; unit++) {
			int64_t left_ns = tally->units[unit].end_ns - tally->units[unit].start_ns;
			while (left_ns > 0) {
				int64_t ns = 1 + rand() % left_ns;
				tally->unit_ns[(size_t)d * n_units + unit][rand() % GPU_TIME_COUNT] += ns;
				left_ns -= ns;
			}
		}
	}
	for (uint32_t i = 0; i < tally->n_sites; i++) {
		struct gpu_tally_site *site = &tally->sites[i];
		*site = (struct gpu_tally_site){ .device = (uint32_t)rand() % n_devices, .path = (uint32_t)rand() % tally->n_paths,
			.order = rand() % 4 ? rand() % 6 : GPU_TALLY_NO_ORDER, .name = (uint32_t)rand() % tally->n_names,
			.kind = (uint8_t)(SPAN_KIND_KERNEL - SPAN_KIND_OP + rand() % 2) };
		for (int n = 1 + rand() % 5; n > 0; n--) {
			int64_t ns = rand() % 1000;
			compare_moments_add(&site->spans, (double)ns);
			site->ns += ns;
			bool counts = n_units && rand() % 2;
			site->n_unit += counts;
			site->ns_unit += counts ? ns : 0;
		}
	}
}

static int64_t count_ns(const struct gpu_compare *compare, int side)
{
	const struct gpu_tally *tally = &compare->sums[side];
	int64_t sum_ns = 0, n = 0;
	for (uint32_t unit = 0; unit < tally->n_units && compare->has_units; unit++) {
		sum_ns += tally->units[unit].counts ? tally->units[unit].end_ns - tally->units[unit].start_ns : 0;
		n += tally->units[unit].counts;
	}
	if (compare->has_units)
		return (sum_ns * tally->n_devices + n * tally->n_devices / 2) / (n * tally->n_devices);
	for (uint32_t d = 0; d < tally->n_devices; d++) {
		for (int kind = 0; kind < GPU_TIME_COUNT; kind++)
			sum_ns += tally->devices[d].window_ns[kind];
	}
	return (sum_ns + tally->n_devices / 2) / tally->n_devices;
}

Test(gpu_compare, what_is_split_sums_to_the_whole)
{
	srand(11);
	for (int round = 0; round < 3000; round++) {
		struct gpu_compare compare = { .sides = { { .rank = -1 }, { .rank = -1 } } };
		struct error error = { 0 };
		double total[2] = { 0 }, rows[2] = { 0 }, places[2] = { 0 }, share = 0;
		for (int side = 0; side < 2; side++)
			make_tally(&compare.sums[side], 1 + (uint32_t)rand() % 3, round % 3 ? (uint32_t)(rand() % 6) : 0);
		cr_assert(gpu_compare_settle(&compare, &error) == STATUS_OK, "%s", error.text);
		for (int side = 0; side < 2; side++) {
			int64_t sum_ns = 0;
			for (int kind = 0; kind < GPU_TIME_COUNT; kind++)
				sum_ns += compare.kinds_ns[side][kind];
			cr_assert(sum_ns == compare.whole_ns[side]);
			cr_assert(sum_ns == count_ns(&compare, side), "round %d: %lld, not %lld", round, (long long)sum_ns,
				(long long)count_ns(&compare, side));
			for (uint32_t i = 0; i < compare.sums[side].n_sites; i++)
				total[side] += (double)(compare.has_units ? compare.sums[side].sites[i].ns_unit : compare.sums[side].sites[i].ns)
					/ (compare.has_units ? (double)compare.n_units[side] : 1) / compare.n_devices[side];
			for (uint32_t i = 0; i < compare.n_rows; i++)
				rows[side] += compare.rows[i].ns_unit[side];
			for (uint32_t i = 0; i < compare.n_places; i++)
				places[side] += compare.places[i].ns_unit[side];
			cr_assert(fabs(rows[side] - total[side]) < 1e-3 && fabs(places[side] - total[side]) < 1e-3,
				"round %d: rows %g, places %g, of %g", round, rows[side], places[side], total[side]);
		}
		for (int rule = 0; rule < GPU_MATCH_RULES; rule++)
			share += compare.matched[rule];
		cr_assert(total[0] + total[1] == 0 || fabs(share - 1) < 1e-9, "round %d: shares sum to %g", round, share);
		gpu_compare_finish(&compare);
	}
}

/* -- names --------------------------------------------------------------------------------------------------------------------- */

Test(gpu_compare, names_without_what_varies)
{
	static const struct {
		const char *name, *expected;
	} cases[] = {
		{ "ProfilerStep#12", "ProfilerStep#" }, { "layer.3", "layer.3" }, { "aten::mm, op_id = 999730", "aten::mm" },
		{ "aten::mm, seq = 4, op_id = 2, sizes = [[]]", "aten::mm" }, { "train.py(120): step", "train.py(): step" },
		{ "f(3)", "f(3)" }, { "7", "7" }, { "", "" }, { "#", "#" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char name[64];
		gpu_tally_normalise(cases[i].name, name, sizeof name);
		cr_assert(strcmp(name, cases[i].expected) == 0, "'%s' became '%s', not '%s'", cases[i].name, name, cases[i].expected);
	}
}

Test(gpu_compare, names_in_short)
{
	static const struct {
		const char *name, *expected;
	} cases[] = {
		{ "void at::native::add<4, at::F<int, (b)1>>(int, float)", "at::native::add" }, { "Memcpy HtoD (Pinned -> Device)",
			"Memcpy HtoD (Pinned -> Device)" },
		{ "a<b>::c<d>(e)", "a::c" }, { "<lambda>", "<lambda>" },
		{ "gemm_with_a_name_that_is_much_too_long_to_be_shown",
			"gemm_with_a_name_that_is_much_to…" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct strbuf text = STRBUF_INIT;
		gpu_compare_short_name(cases[i].name, 32, &text);
		cr_assert(strcmp(strbuf_text(&text), cases[i].expected) == 0, "'%s' became '%s', not '%s'", cases[i].name, strbuf_text(&text),
			cases[i].expected);
		strbuf_finish(&text);
	}
}

/* -- imports ------------------------------------------------------------------------------------------------------------------- */

static struct imported imports[2];
static struct trace *traces[2];
static struct gpu_compare_side sides[2];

static void open_side(int side)
{
	struct imported *imported = &imports[side];
	struct error error = { 0 };
	cr_assert(imported_run(imported) == STATUS_OK, "%s", imported->error.text);
	cr_assert(trace_open(imported->output, &error, &traces[side]) == STATUS_OK, "%s", error.text);
	sides[side] = (struct gpu_compare_side){ .trace = traces[side], .run = &traces[side]->runs[0], .rank = -1 };
}

static void close_sides(void)
{
	for (int side = 0; side < 2; side++) {
		trace_close(traces[side]);
		traces[side] = NULL;
		imported_finish(&imports[side]);
	}
}

static void open_texts(const char *a, const char *b)
{
	for (int side = 0; side < 2; side++) {
		imported_init(&imports[side]);
		imported_add_text(&imports[side], side ? b : a);
		open_side(side);
	}
}

static void event(struct strbuf *out, const char *category, const char *name, int pid, int tid, int64_t us, int64_t duration_us, const char *args)
{
	strbuf_addf(out, "%s{\"ph\": \"X\", \"cat\": \"%s\", \"name\": \"%s\", \"pid\": %d, \"tid\": %d, \"ts\": %lld, \"dur\": %lld,"
		" \"args\": {%s}}",
		out->length ? ",\n" : "", category, name, pid, tid, (long long)us, (long long)duration_us, args);
}

static void kernel(struct strbuf *out, const char *name, int64_t us, int64_t duration_us, int correlation, int node)
{
	char args[160];
	int n = snprintf(args, sizeof args, "\"device\": 0, \"stream\": 7, \"correlation\": %d", correlation);
	if (node)
		snprintf(args + n, sizeof args - (size_t)n, ", \"graph node id\": %d", node);
	event(out, "kernel", name, 0, 7, us, duration_us, args);
}

static void call(struct strbuf *out, const char *name, int64_t us, int64_t duration_us, int correlation)
{
	char args[40];
	snprintf(args, sizeof args, "\"correlation\": %d", correlation);
	event(out, "cuda_runtime", name, 1, 1, us, duration_us, args);
}

#define STEP_US 1000
#define STEPS 6

/* A program of steps with a kernel k0 … k3 for each layer; its B is `more_us` slower in k2, or launches each step as one graph. */
static char *program(const char *device, const char *kernels, int more_us, bool is_graph)
{
	struct strbuf events = STRBUF_INIT, text = STRBUF_INIT;
	int correlation = 1;
	for (int step = 0; step < STEPS; step++) {
		int64_t at = 10000 + step * (STEP_US + more_us);
		char name[40];
		snprintf(name, sizeof name, "ProfilerStep#%d", step + 3);
		event(&events, "user_annotation", name, 1, 1, at, STEP_US + more_us, "");
		int64_t start = at + 100;
		if (is_graph)
			call(&events, "cudaGraphLaunch", at + 10, 20, ++correlation);
		for (int k = 0; k < 4; k++) {
			int64_t us = 150 + (k == 2 ? more_us : 0);
			char layer[20], work[20];
			snprintf(layer, sizeof layer, "layer.%d", k);
			snprintf(work, sizeof work, "%s%d", kernels, k % 2);
			if (!is_graph) {
				event(&events, "user_annotation", layer, 1, 1, at + 10 + k * 20, 15, "");
				call(&events, "cudaLaunchKernel", at + 12 + k * 20, 5, ++correlation);
			}
			kernel(&events, work, start, us + step % 2, correlation, is_graph ? 100 + k : 0);
			start += us + 20;
		}
	}
	strbuf_addf(&text, "{\"schemaVersion\": 1, \"deviceProperties\": [{\"id\": 0, \"name\": \"%s\"}],\n\"traceEvents\": [\n%s\n]}\n", device,
		strbuf_text(&events));
	strbuf_finish(&events);
	return strbuf_take(&text);
}

static void open_programs(char *a, char *b)
{
	open_texts(a, b);
	free(a);
	free(b);
}

static void compare_sides(bool is_forced, bool is_exact, struct gpu_compare *compare)
{
	const struct gpu_compare_options options = { .is_forced = is_forced, .is_exact = is_exact };
	struct error error = { 0 };
	cr_assert(gpu_compare_make(sides, &options, &error, compare) == STATUS_OK, "%s", error.text);
}

/* 40 µs more in the kernel of layer 2, in each of the steps. */
Test(gpu_compare, by_hand)
{
	struct gpu_compare compare;
	open_programs(program("GPU", "k", 0, false), program("GPU", "k", 40, false));
	compare_sides(false, false, &compare);
	cr_assert(compare.is_stored, "sums were not stored");
	cr_assert(compare.has_units && compare.n_units[0] >= 5 && compare.n_units[0] == compare.n_units[1], "%d iterations and %d",
		(int)compare.n_units[0], (int)compare.n_units[1]);
	cr_assert(compare.whole_ns[1] - compare.whole_ns[0] == 40000, "%lld", (long long)(compare.whole_ns[1] - compare.whole_ns[0]));
	cr_assert(compare.kinds_ns[1][GPU_TIME_COMPUTE] - compare.kinds_ns[0][GPU_TIME_COMPUTE] == 40000, "%lld",
		(long long)(compare.kinds_ns[1][GPU_TIME_COMPUTE] - compare.kinds_ns[0][GPU_TIME_COMPUTE]));
	cr_assert(compare.matched[GPU_MATCH_ORDER] == 1, "matched in order: %g", compare.matched[GPU_MATCH_ORDER]);
	const struct gpu_compare_place *place = &compare.places[0];
	cr_assert(strcmp(place->name, "k0") == 0 && llround(place->ns_unit[1] - place->ns_unit[0]) == 40000, "%s %g", place->name,
		place->ns_unit[1] - place->ns_unit[0]);
	cr_assert(strcmp(compare.sums[0].paths[place->path[0]].name, "layer.2") == 0, "%s", compare.sums[0].paths[place->path[0]].name);
	cr_assert(compare_is_beyond_noise(&compare.whole_change));
	gpu_compare_finish(&compare);
	close_sides();
}

/* The pass over spans gives what was stored. */
Test(gpu_compare, stored_is_exact)
{
	struct gpu_compare stored, exact;
	open_programs(program("GPU", "k", 0, false), program("GPU", "k", 40, true));
	compare_sides(true, false, &stored);
	compare_sides(true, true, &exact);
	cr_assert(stored.is_stored && !exact.is_stored);
	cr_assert(stored.n_rows == exact.n_rows && stored.n_places == exact.n_places, "%u and %u places", stored.n_places, exact.n_places);
	cr_assert(memcmp(stored.kinds_ns, exact.kinds_ns, sizeof stored.kinds_ns) == 0);
	cr_assert(memcmp(stored.matched, exact.matched, sizeof stored.matched) == 0);
	gpu_compare_finish(&stored);
	gpu_compare_finish(&exact);
	close_sides();
}

Test(gpu_compare, eager_against_graph)
{
	struct gpu_compare compare;
	struct strbuf text = STRBUF_INIT;
	struct error error = { 0 };
	const struct gpu_compare_print_options options = { .n_rows = 5 };
	open_programs(program("GPU", "k", 0, false), program("GPU", "k", 0, true));
	compare_sides(false, false, &compare);
	cr_assert(compare.matched[GPU_MATCH_NONE] == 0, "unmatched: %g", compare.matched[GPU_MATCH_NONE]);
	cr_assert(gpu_compare_print(&compare, &options, &text, &error) == STATUS_OK);
	cr_assert(strstr(strbuf_text(&text), "B launches the same work with fewer calls: 1.000 in place of 4.000")
		|| strstr(strbuf_text(&text), "B launches the same work with fewer calls: 1 in place of 4"), "%s", strbuf_text(&text));
	strbuf_finish(&text);
	gpu_compare_finish(&compare);
	close_sides();
}

Test(gpu_compare, nodes_of_graphs_are_matched)
{
	struct gpu_compare compare;
	open_programs(program("GPU", "k", 0, true), program("GPU", "k", 20, true));
	compare_sides(false, false, &compare);
	cr_assert(compare.matched[GPU_MATCH_NODE] == 1, "by node: %g", compare.matched[GPU_MATCH_NODE]);
	gpu_compare_finish(&compare);
	close_sides();
}

static void check_refused(const char *reason)
{
	struct gpu_compare compare;
	struct error error = { 0 };
	int status = gpu_compare_make(sides, NULL, &error, &compare);
	cr_assert(status == STATUS_NOT_COMPARABLE, "status %d: %s", status, error.text);
	cr_assert(strstr(error.text, reason), "'%s' is not in: %s", reason, error.text);
	compare_sides(true, false, &compare);
	cr_assert(compare.reasons.n_refusals > 0);
	gpu_compare_finish(&compare);
	close_sides();
}

Test(gpu_compare, refuses_other_gpus)
{
	open_programs(program("GPU one", "k", 0, false), program("GPU two", "k", 0, false));
	check_refused("the GPUs differ: GPU one in A, GPU two in B");
}

Test(gpu_compare, refuses_nothing_in_common)
{
	open_programs(program("GPU", "k", 0, false), program("GPU", "other", 0, false));
	check_refused("nothing in common");
}

Test(gpu_compare, refuses_an_empty_side)
{
	char *full = program("GPU", "k", 0, false);
	open_texts(full, "{\"traceEvents\": [{\"ph\": \"X\", \"cat\": \"cpu_op\", \"name\": \"a\", \"pid\": 1, \"tid\": 1, \"ts\": 1, \"dur\": 2}]}");
	free(full);
	check_refused("B holds no device work");
}

Test(gpu_compare, refuses_a_cut_file)
{
	char *full = program("GPU", "k", 0, false), *cut = strdup(full);
	cut[strlen(cut) * 3 / 4] = '\0';
	open_programs(full, cut);
	check_refused("the file of B is cut");
}

Test(gpu_compare, conditions)
{
	static const struct {
		const char *text;
		int status;
		bool holds;
	} cases[] = {
		{ "latency>+3%", STATUS_OK, true }, { "latency>+30us", STATUS_OK, true }, { "latency>+50us", STATUS_OK, false },
		{ "throughput<-3%", STATUS_OK, true }, { "compute>+30us", STATUS_OK, true }, { "launch_latency>+1us", STATUS_OK, false },
		{ "node.k0>+10us", STATUS_OK, false }, { "node.k1>+10us", STATUS_OK, false }, { "node.none>+1%", STATUS_USAGE, false },
		{ "starved>+1us", STATUS_USAGE, false },
	};
	struct gpu_compare compare;
	open_programs(program("GPU", "k", 0, false), program("GPU", "k", 40, false));
	compare_sides(false, false, &compare);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct compare_condition condition;
		struct compare_verdict verdict = { .holds = false };
		struct error error = { 0 };
		cr_assert(compare_condition_parse(cases[i].text, &condition, &error) == STATUS_OK, "%s", error.text);
		int status = gpu_compare_check(&condition, &compare, false, &error, &verdict);
		cr_assert(status == cases[i].status, "%s: status %d: %s", cases[i].text, status, error.text);
		cr_assert(verdict.holds == cases[i].holds, "%s: changed by %g (%g to %g)", cases[i].text, verdict.change, verdict.low, verdict.high);
	}
	gpu_compare_finish(&compare);
	close_sides();
}

Test(gpu_compare, json_is_json)
{
	struct gpu_compare compare;
	struct strbuf text = STRBUF_INIT;
	struct error error = { 0 };
	const struct gpu_compare_print_options options = { .is_json = true };
	open_programs(program("GPU", "\\\"<k", 0, false), program("GPU", "\\\"<k", 10, false));
	compare_sides(false, false, &compare);
	cr_assert(gpu_compare_print(&compare, &options, &text, &error) == STATUS_OK);
	cJSON *json = cJSON_Parse(strbuf_text(&text));
	cr_assert(json, "%s", strbuf_text(&text));
	static const char *const keys[] = { "a", "b", "per", "source", "matched", "notes", "names", "latency", "split", "calls", "work", "places",
		"conditions" };
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		cr_assert(cJSON_GetObjectItem(json, keys[i]), "no '%s' in %s", keys[i], strbuf_text(&text));
	cJSON_Delete(json);
	strbuf_finish(&text);
	gpu_compare_finish(&compare);
	close_sides();
}

/* -- real traces ----------------------------------------------------------------------------------------------------------------- */

static void open_samples(const char *a, const char *b)
{
	for (int side = 0; side < 2; side++) {
		char path[300];
		const char *file = imported_sample(side ? b : a, path);
		if (!file)
			cr_skip("no sample traces");
		imported_init(&imports[side]);
		imported_add_file(&imports[side], file);
		open_side(side);
	}
}

static const struct gpu_compare_row *find_row(const struct gpu_compare *compare, const char *name)
{
	for (uint32_t i = 0; i < compare->n_rows; i++) {
		if (strcmp(compare->rows[i].name, name) == 0)
			return &compare->rows[i];
	}
	return NULL;
}

static void check_row(const struct gpu_compare *compare, const char *name, int64_t n_a, int64_t a_ns, int64_t n_b, int64_t b_ns)
{
	const struct gpu_compare_row *row = find_row(compare, name);
	cr_assert(row, "no %s", name);
	cr_assert(row->spans[0].n == n_a && row->spans[1].n == n_b && row->ns[0] == a_ns && row->ns[1] == b_ns, "%s: %lld, %lld -> %lld, %lld", name,
		(long long)row->spans[0].n, (long long)row->ns[0], (long long)row->spans[1].n, (long long)row->ns[1]);
}

Test(gpu_compare, two_windows_of_one_length)
{
	struct gpu_compare compare;
	open_samples("nsys/mfu_2gpu_before.sqlite", "nsys/mfu_2gpu_after.sqlite");
	compare_sides(false, false, &compare);
	check_row(&compare, "flash_fwd_kernel", 68, 272317378, 60, 240755667);
	check_row(&compare, "ncclDevKernel_SendRecv", 66, 25401752, 62, 33742101);
	cr_assert(compare.n_names[0] == compare.n_names[1] && compare.n_changes[GPU_CHANGE_DECREASED] == compare.n_names[0], "%d names, %d fewer",
		compare.n_names[0], compare.n_changes[GPU_CHANGE_DECREASED]);
	bool is_told = false;
	for (int i = 0; i < compare.reasons.n_items; i++)
		is_told |= strstr(compare.reasons.items[i].text, "different amounts of work") != NULL;
	cr_assert(is_told && !compare.reasons.n_refusals);
	gpu_compare_finish(&compare);
	close_sides();
}

Test(gpu_compare, not_like_for_like)
{
	struct gpu_compare compare;
	struct error error = { 0 };
	open_samples("kineto/trace_diff_control.json.gz", "kineto/trace_diff_test.json.gz");
	cr_assert(gpu_compare_make(sides, NULL, &error, &compare) == STATUS_NOT_COMPARABLE, "%s", error.text);
	static const char *const reasons[] = { "the GPUs differ", "the numbers of ranks differ: 8 in A, 2 in B", "A is rank 3, B is rank 1" };
	for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
		cr_assert(strstr(error.text, reasons[i]), "'%s' is not in: %s", reasons[i], error.text);
	compare_sides(true, false, &compare);
	cr_assert(compare.n_names[0] == 170 && compare.n_names[1] == 131, "%d and %d names", compare.n_names[0], compare.n_names[1]);
	const int expected[GPU_CHANGES] = { [GPU_CHANGE_ADDED] = 27, [GPU_CHANGE_REMOVED] = 66, [GPU_CHANGE_INCREASED] = 51,
		[GPU_CHANGE_DECREASED] = 8, [GPU_CHANGE_UNCHANGED] = 45 };
	for (int change = 0; change < GPU_CHANGES; change++)
		cr_assert(compare.n_changes[change] == expected[change], "%s: %d, not %d", gpu_change_word((enum gpu_change)change),
			compare.n_changes[change], expected[change]);
	check_row(&compare, "ncclKernel_AllReduce_RING_LL_Sum_float(ncclWorkElem)", 18, 32880000, 21, 92082000);
	check_row(&compare, "ncclKernel_SendRecv_RING_SIMPLE_Sum_int8_t(ncclWorkElem)", 42, 130655000, 43, 159259000);
	gpu_compare_finish(&compare);
	close_sides();
}
