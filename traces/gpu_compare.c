/* SPDX-License-Identifier: Apache-2.0
 *
 * gpu_compare: from sums to means, differences and intervals.
 */
#include "traces/gpu_compare.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/attributes.h"
#include "traces/compare_measure.h" /* compare_means */
#include "traces/gpu_map.h"
#include "traces/gpu_tally_private.h"

const char *gpu_change_word(enum gpu_change change)
{
	static const char *const words[] = {
#define X(name, word) word,
		GPU_CHANGE_MAP(X)
#undef X
	};
	return words[change];
}

static int out_of_memory(struct error *error)
{
	return error_set(error, STATUS_NO_MEMORY, "no memory to compare the runs");
}

static bool is_of_rank(const struct gpu_compare *compare, int side, int64_t rank)
{
	return compare->sides[side].rank < 0 || compare->sides[side].rank == rank;
}

bool gpu_compare_has_device(const struct gpu_compare *compare, int side, uint32_t device)
{
	const struct gpu_tally_device *row = &compare->sums[side].devices[device];
	return row->has_time && is_of_rank(compare, side, row->rank);
}

/* -- time ------------------------------------------------------------------------------------------------------------------------- */

/* Over devices and iterations that count: sums, and one sample an iteration, the devices' mean. */
static void add_units(struct gpu_compare *compare, int side, int64_t sums_ns[GPU_TIME_COUNT])
{
	const struct gpu_tally *sums = &compare->sums[side];
	for (uint32_t unit = 0; unit < sums->n_units; unit++) {
		int64_t unit_ns[GPU_TIME_COUNT] = { 0 };
		if (!sums->units[unit].counts)
			continue;
		for (uint32_t d = 0; d < sums->n_devices; d++) {
			for (int kind = 0; kind < GPU_TIME_COUNT && gpu_compare_has_device(compare, side, d); kind++)
				unit_ns[kind] += sums->unit_ns[(size_t)d * sums->n_units + unit][kind];
		}
		for (int kind = 0; kind < GPU_TIME_COUNT; kind++) {
			sums_ns[kind] += unit_ns[kind];
			compare_moments_add(&compare->kinds[side][kind], (double)unit_ns[kind] / compare->n_devices[side]);
		}
		compare_moments_add(&compare->whole[side], (double)(sums->units[unit].end_ns - sums->units[unit].start_ns));
	}
}

static void settle_time(struct gpu_compare *compare, int side)
{
	const struct gpu_tally *sums = &compare->sums[side];
	int64_t sums_ns[GPU_TIME_COUNT] = { 0 }, n = compare->n_devices[side];
	if (!n)
		return;
	if (compare->has_units) {
		add_units(compare, side, sums_ns);
		n *= compare->n_units[side];
	}
	for (uint32_t d = 0; d < sums->n_devices && !compare->has_units; d++) {
		for (int kind = 0; kind < GPU_TIME_COUNT && gpu_compare_has_device(compare, side, d); kind++)
			sums_ns[kind] += sums->devices[d].window_ns[kind];
	}
	compare_means(sums_ns, GPU_TIME_COUNT, n, compare->kinds_ns[side]);
	for (int kind = 0; kind < GPU_TIME_COUNT; kind++)
		compare->whole_ns[side] += compare->kinds_ns[side][kind];
}

static void settle_calls(struct gpu_compare *compare, int side)
{
	double n_units = compare->has_units ? (double)compare->n_units[side] : 1;
	for (uint32_t i = 0; i < compare->sums[side].n_calls; i++) {
		const struct gpu_tally_calls *calls = &compare->sums[side].calls[i];
		for (int class = 0; class < GPU_TALLY_CALLS && is_of_rank(compare, side, calls->rank); class++) {
			compare->n_calls[side][class] += (double)(compare->has_units ? calls->n_unit[class] : calls->n[class]) / n_units;
			compare->calls_ns[side][class] += (double)(compare->has_units ? calls->ns_unit[class] : calls->ns[class]) / n_units;
		}
	}
}

double gpu_compare_n_launches(const struct gpu_compare *compare, int side, bool only_graphs)
{
	return compare->n_calls[side][IMPORT_API_GRAPH_LAUNCH] + (only_graphs ? 0 : compare->n_calls[side][IMPORT_API_LAUNCH]);
}

/* -- names, places ------------------------------------------------------------------------------------------------------------------ */

/* What the sides' texts are called in common. */
struct common {
	struct gpu_compare *compare;
	struct gpu_texts texts;
	struct gpu_map paths;
	uint32_t *path_of[2], *name_of[2]; /* [n_paths], [n_names] */
	uint32_t n_paths;
	struct gpu_match_item *items[2];
	struct gpu_compare_place *places[2]; /* of one side each */
	uint32_t n_items[2];
	struct error *error;
};

static int unify_names(struct common *common, int side)
{
	const struct gpu_tally *sums = &common->compare->sums[side];
	common->name_of[side] = calloc((size_t)sums->n_names + 1, sizeof(uint32_t));
	if (!common->name_of[side])
		return out_of_memory(common->error);
	for (uint32_t i = 0; i < sums->n_names; i++) {
		if (sums->names[i] && (common->name_of[side][i] = gpu_texts_intern(&common->texts, sums->names[i])) == UINT32_MAX)
			return out_of_memory(common->error);
	}
	return STATUS_OK;
}

/* Parents stand before their children. */
static int unify_paths(struct common *common, int side)
{
	const struct gpu_tally *sums = &common->compare->sums[side];
	uint32_t *ids = calloc((size_t)sums->n_paths + 1, sizeof *ids);
	common->path_of[side] = ids;
	for (uint32_t i = 0; ids && i < sums->n_paths; i++) {
		uint32_t name = i < GPU_TALLY_FIRST ? i : gpu_texts_intern(&common->texts, sums->paths[i].name);
		uint64_t parent = i < GPU_TALLY_FIRST ? UINT64_MAX : ids[sums->paths[i].parent];
		struct gpu_map_slot *slot = name == UINT32_MAX ? NULL : gpu_map_find(&common->paths, parent, name);
		if (!slot)
			return out_of_memory(common->error);
		if (!slot->value)
			slot->value = ++common->n_paths;
		ids[i] = slot->value - 1;
	}
	return ids ? STATUS_OK : out_of_memory(common->error);
}

static double per_unit(const struct gpu_compare *compare, int side, int64_t of_window, int64_t of_units)
{
	double n = compare->has_units ? (double)compare->n_units[side] : 1;
	return (double)(compare->has_units ? of_units : of_window) / n / compare->n_devices[side];
}

/* Places of a side: its sites without the difference between devices. */
static int make_items(struct common *common, int side)
{
	struct gpu_compare *compare = common->compare;
	const struct gpu_tally *sums = &compare->sums[side];
	struct gpu_map known = { 0 };
	int status = STATUS_OK;
	common->items[side] = calloc((size_t)sums->n_sites + 1, sizeof *common->items[side]);
	common->places[side] = calloc((size_t)sums->n_sites + 1, sizeof *common->places[side]);
	if (!common->items[side] || !common->places[side])
		return out_of_memory(common->error);
	for (uint32_t i = 0; i < sums->n_sites && status == STATUS_OK; i++) {
		const struct gpu_tally_site *site = &sums->sites[i];
		if (!gpu_compare_has_device(compare, side, site->device))
			continue;
		uint32_t path = common->path_of[side][site->path], name = common->name_of[side][site->name];
		struct gpu_map_slot *slot = gpu_map_find(&known, (uint64_t)path << 32 | name, (uint64_t)site->order);
		if (!slot) {
			status = out_of_memory(common->error);
			break;
		}
		if (!slot->value) {
			uint32_t idx = common->n_items[side]++;
			slot->value = idx + 1;
			common->items[side][idx] = (struct gpu_match_item){ .path = path, .name = name, .order = site->order,
				.is_node = site->path == GPU_TALLY_NODES, .has_path = site->path >= GPU_TALLY_NODES
					|| (site->path == GPU_TALLY_ROOT && site->order >= 0) };
			common->places[side][idx] = (struct gpu_compare_place){ .path = { site->path, site->path }, .name = sums->names[site->name] };
		}
		struct gpu_compare_place *place = &common->places[side][slot->value - 1];
		place->is_there[side] = true;
		place->n_unit[side] += per_unit(compare, side, site->spans.n, site->n_unit);
		place->ns_unit[side] += per_unit(compare, side, site->ns, site->ns_unit);
	}
	gpu_map_finish(&known);
	return status;
}

static double place_change(const struct gpu_compare_place *place)
{
	return fabs(place->ns_unit[1] - place->ns_unit[0]);
}

static int by_place_change(const void *a, const void *b)
{
	const struct gpu_compare_place *x = a, *y = b;
	double left = place_change(x), right = place_change(y);
	if (left != right)
		return left < right ? 1 : -1;
	int diff = strcmp(x->name, y->name);
	return diff ? diff : (x->path[0] > y->path[0]) - (x->path[0] < y->path[0]);
}

static void add_place(struct gpu_compare *compare, const struct gpu_compare_place *place, double *total)
{
	compare->places[compare->n_places++] = *place;
	compare->matched[place->rule] += place->ns_unit[0] + place->ns_unit[1];
	*total += place->ns_unit[0] + place->ns_unit[1];
}

/* Twins become one place each. */
static int settle_places(struct common *common)
{
	struct gpu_compare *compare = common->compare;
	double total = 0;
	int status = gpu_match(common->items[0], common->n_items[0], common->items[1], common->n_items[1], common->error);
	compare->places = calloc((size_t)common->n_items[0] + common->n_items[1] + 1, sizeof *compare->places);
	if (status != STATUS_OK || !compare->places)
		return status != STATUS_OK ? status : out_of_memory(common->error);
	for (uint32_t i = 0; i < common->n_items[0]; i++) {
		struct gpu_compare_place place = common->places[0][i];
		place.rule = common->items[0][i].rule;
		if (common->items[0][i].twin != GPU_MATCH_ALONE) {
			const struct gpu_compare_place *twin = &common->places[1][common->items[0][i].twin];
			place.path[1] = twin->path[1];
			place.is_there[1] = true;
			place.n_unit[1] = twin->n_unit[1];
			place.ns_unit[1] = twin->ns_unit[1];
		}
		add_place(compare, &place, &total);
	}
	for (uint32_t i = 0; i < common->n_items[1]; i++) {
		common->places[1][i].rule = common->items[1][i].rule;
		if (common->items[1][i].twin == GPU_MATCH_ALONE)
			add_place(compare, &common->places[1][i], &total);
	}
	for (int rule = 0; rule < GPU_MATCH_RULES; rule++)
		compare->matched[rule] = total > 0 ? compare->matched[rule] / total : 0;
	qsort(compare->places, compare->n_places, sizeof *compare->places, by_place_change);
	return STATUS_OK;
}

static double row_change(const struct gpu_compare_row *row)
{
	return fabs(row->ns_unit[1] - row->ns_unit[0]);
}

static int by_row_change(const void *a, const void *b)
{
	const struct gpu_compare_row *x = a, *y = b;
	double left = row_change(x), right = row_change(y);
	if (left != right)
		return left < right ? 1 : -1;
	return x->name != y->name ? strcmp(x->name, y->name) : 0;
}

static void settle_row(struct gpu_compare *compare, struct gpu_compare_row *row)
{
	int64_t a = row->spans[0].n, b = row->spans[1].n;
	row->change = !a ? GPU_CHANGE_ADDED : !b ? GPU_CHANGE_REMOVED : b > a ? GPU_CHANGE_INCREASED : b < a ? GPU_CHANGE_DECREASED
		: GPU_CHANGE_UNCHANGED;
	row->mean = compare_welch(&row->spans[0], &row->spans[1]);
	if (row->kind != SPAN_KIND_KERNEL && row->kind != SPAN_KIND_GRAPH)
		return;
	compare->n_changes[row->change]++;
	compare->n_names[0] += a > 0;
	compare->n_names[1] += b > 0;
}

/* One row a name and kind of work. */
static int settle_rows(struct common *common)
{
	struct gpu_compare *compare = common->compare;
	struct gpu_map known = { 0 };
	int status = STATUS_OK;
	compare->rows = calloc((size_t)compare->sums[0].n_sites + compare->sums[1].n_sites + 1, sizeof *compare->rows);
	if (!compare->rows)
		return out_of_memory(common->error);
	for (int side = 0; side < 2; side++) {
		const struct gpu_tally *sums = &compare->sums[side];
		for (uint32_t i = 0; i < sums->n_sites && status == STATUS_OK; i++) {
			const struct gpu_tally_site *site = &sums->sites[i];
			if (!gpu_compare_has_device(compare, side, site->device))
				continue;
			struct gpu_map_slot *slot = gpu_map_find(&known, common->name_of[side][site->name], site->kind);
			if (!slot) {
				status = out_of_memory(common->error);
				break;
			}
			if (!slot->value) {
				compare->rows[compare->n_rows] = (struct gpu_compare_row){ .name = sums->names[site->name],
					.kind = site->kind + SPAN_KIND_OP, .class = site->class };
				slot->value = ++compare->n_rows;
			}
			struct gpu_compare_row *row = &compare->rows[slot->value - 1];
			gpu_tally_merge(&row->spans[side], &site->spans);
			row->ns[side] += site->ns;
			row->n_unit[side] += per_unit(compare, side, site->spans.n, site->n_unit);
			row->ns_unit[side] += per_unit(compare, side, site->ns, site->ns_unit);
		}
	}
	gpu_map_finish(&known);
	for (uint32_t i = 0; i < compare->n_rows; i++)
		settle_row(compare, &compare->rows[i]);
	qsort(compare->rows, compare->n_rows, sizeof *compare->rows, by_row_change);
	return status;
}

static int settle_work(struct gpu_compare *compare, struct error *error)
{
	struct common common = { .compare = compare, .error = error };
	int status = STATUS_OK;
	for (int side = 0; side < 2 && status == STATUS_OK; side++) {
		status = unify_names(&common, side);
		status = status == STATUS_OK ? unify_paths(&common, side) : status;
		status = status == STATUS_OK ? make_items(&common, side) : status;
	}
	if (status == STATUS_OK)
		status = settle_rows(&common);
	if (status == STATUS_OK)
		status = settle_places(&common);
	for (int side = 0; side < 2; side++) {
		free(common.path_of[side]);
		free(common.name_of[side]);
		free(common.items[side]);
		free(common.places[side]);
	}
	gpu_texts_finish(&common.texts);
	gpu_map_finish(&common.paths);
	return status;
}

/* -- the whole -------------------------------------------------------------------------------------------------------------------------- */

static int read_sums(struct gpu_compare *compare, bool is_exact, struct error *error)
{
	bool are_there = false;
	int status = STATUS_OK;
	compare->is_stored = !is_exact;
	for (int side = 0; side < 2 && status == STATUS_OK; side++) {
		struct db *db = compare->sides[side].trace->db;
		int64_t run = compare->sides[side].run->id;
		if (!is_exact)
			status = gpu_tally_read(db, run, error, &are_there, &compare->sums[side]);
		if (status == STATUS_OK && !are_there) {
			compare->is_stored = false;
			status = gpu_tally_make(db, run, NULL, error, &compare->sums[side]);
		}
	}
	return status;
}

/* STATUS_INPUT for a rank that no device has. */
static int check_rank(const struct gpu_compare *compare, int side, struct error *error)
{
	const struct gpu_tally *sums = &compare->sums[side];
	char ranks[160] = "";
	for (uint32_t d = 0; d < sums->n_devices; d++) {
		size_t used = strlen(ranks);
		if (is_of_rank(compare, side, sums->devices[d].rank))
			return STATUS_OK;
		if (sums->devices[d].rank >= 0 && used + 24 < sizeof ranks)
			snprintf(ranks + used, sizeof ranks - used, "%s%lld", used ? ", " : "", (long long)sums->devices[d].rank);
	}
	if (compare->sides[side].rank < 0)
		return STATUS_OK;
	return error_set(error, STATUS_INPUT, "%s: no device belongs to rank %lld; ranks with devices: %s", compare->sides[side].trace->file,
		(long long)compare->sides[side].rank, *ranks ? ranks : "none");
}

static int64_t count_units(const struct gpu_tally *sums)
{
	int64_t n = 0;
	for (uint32_t i = 0; i < sums->n_units; i++)
		n += sums->units[i].counts;
	return n;
}

int gpu_compare_settle(struct gpu_compare *compare, struct error *error)
{
	int status = STATUS_OK;
	for (int side = 0; side < 2 && status == STATUS_OK; side++) {
		status = check_rank(compare, side, error);
		compare->n_units[side] = count_units(&compare->sums[side]);
		for (uint32_t d = 0; d < compare->sums[side].n_devices; d++)
			compare->n_devices[side] += gpu_compare_has_device(compare, side, d);
	}
	if (status != STATUS_OK)
		return status;
	compare->has_units = compare->n_units[0] && compare->n_units[1];
	for (int side = 0; side < 2; side++) {
		settle_time(compare, side);
		settle_calls(compare, side);
	}
	compare->whole_change = compare_welch(&compare->whole[0], &compare->whole[1]);
	for (int kind = 0; kind < GPU_TIME_COUNT; kind++)
		compare->kind_changes[kind] = compare_welch(&compare->kinds[0][kind], &compare->kinds[1][kind]);
	return settle_work(compare, error);
}

static int refuse(const struct compare_reasons *reasons, struct error *error)
{
	struct strbuf text = STRBUF_INIT;
	for (int i = 0; i < reasons->n_items; i++) {
		if (reasons->items[i].is_refusal)
			strbuf_addf(&text, "%s%s", text.length ? "; " : "", reasons->items[i].text);
	}
	error_set(error, STATUS_NOT_COMPARABLE, "a comparison would mislead: %s. --force compares anyway", strbuf_text(&text));
	strbuf_finish(&text);
	return STATUS_NOT_COMPARABLE;
}

int gpu_compare_make(const struct gpu_compare_side sides[2], const struct gpu_compare_options *options, struct error *error,
	struct gpu_compare *ret_compare)
{
	struct gpu_compare compare = { .sides = { sides[0], sides[1] } };
	int status = read_sums(&compare, options && options->is_exact, error);
	if (status == STATUS_OK)
		status = gpu_compare_settle(&compare, error);
	if (status == STATUS_OK)
		status = gpu_compare_find_reasons(&compare, error);
	if (status == STATUS_OK && compare.reasons.n_refusals && !(options && options->is_forced))
		status = refuse(&compare.reasons, error);
	if (status != STATUS_OK)
		gpu_compare_finish(&compare);
	else
		*ret_compare = compare;
	return status;
}

void gpu_compare_finish(struct gpu_compare *compare)
{
	gpu_tally_finish(&compare->sums[0]);
	gpu_tally_finish(&compare->sums[1]);
	free(compare->rows);
	free(compare->places);
	*compare = (struct gpu_compare){ .n_rows = 0 };
}
