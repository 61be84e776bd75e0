/* SPDX-License-Identifier: Apache-2.0
 *
 * gpu_compare_reasons: why two imported runs cannot be compared, or what a reader should know of them. Each check is one line of a table.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/attributes.h"
#include "traces/gpu_compare.h"

#define MATCHED_LEAST 0.5 /* of the device work's time; with less the programs are not the same */

#define WINDOWS_EQUAL 0.05
#define WORK_EQUAL 0.02

static void PRINTF_LIKE(3, 4) add(struct gpu_compare *compare, bool is_refusal, const char *format, ...)
{
	struct compare_reasons *reasons = &compare->reasons;
	if (reasons->n_items == COMPARE_REASONS_MAX)
		return;
	struct compare_reason *reason = &reasons->items[reasons->n_items++];
	va_list args;
	va_start(args, format);
	vsnprintf(reason->text, sizeof reason->text, format, args);
	va_end(args);
	reason->is_refusal = is_refusal;
	reasons->n_refusals += is_refusal;
}

static int ask_int(const struct gpu_compare *compare, int side, const char *expression, int64_t *ret_value, struct error *error)
{
	char sql[160];
	*ret_value = -1;
	snprintf(sql, sizeof sql, "SELECT %s FROM import_source WHERE run = %lld", expression, (long long)compare->sides[side].run->id);
	return db_get_int(compare->sides[side].trace->db, sql, ret_value, error);
}

static bool is_one_run(const struct gpu_compare *compare)
{
	return compare->sides[0].trace == compare->sides[1].trace && compare->sides[0].run == compare->sides[1].run;
}

/* The devices' model when all have one; NULL. */
static const char *model_of(const struct gpu_compare *compare, int side)
{
	const char *model = NULL;
	for (uint32_t d = 0; d < compare->sums[side].n_devices; d++) {
		const struct gpu_tally_device *device = &compare->sums[side].devices[d];
		if (!gpu_compare_has_device(compare, side, d))
			continue;
		if (!device->model || (model && strcmp(model, device->model) != 0))
			return NULL;
		model = device->model;
	}
	return model;
}

static int check_sides(struct gpu_compare *compare, struct error *error)
{
	(void)error;
	for (int side = 0; side < 2; side++) {
		if (!compare->n_devices[side])
			add(compare, true, "%c holds no device work", "AB"[side]);
	}
	if (compare->n_devices[0] && compare->n_devices[1] && compare->n_devices[0] != compare->n_devices[1])
		add(compare, true, "the numbers of devices differ: %u in A, %u in B", compare->n_devices[0], compare->n_devices[1]);
	const char *models[2] = { model_of(compare, 0), model_of(compare, 1) };
	if (models[0] && models[1] && strcmp(models[0], models[1]) != 0)
		add(compare, true, "the GPUs differ: %s in A, %s in B", models[0], models[1]);
	else if (compare->n_devices[0] && compare->n_devices[1] && (!models[0] || !models[1]))
		add(compare, false, "not recorded: which GPUs these are");
	return STATUS_OK;
}

/* The rank that a side is about: asked for, or the only one; −1. */
static int64_t rank_of(const struct gpu_compare *compare, int side)
{
	int64_t rank = compare->sides[side].rank;
	for (uint32_t d = 0; d < compare->sums[side].n_devices && compare->sides[side].rank < 0; d++) {
		if (!gpu_compare_has_device(compare, side, d))
			continue;
		if (rank >= 0 && rank != compare->sums[side].devices[d].rank)
			return -1;
		rank = compare->sums[side].devices[d].rank;
	}
	return rank;
}

static int check_ranks(struct gpu_compare *compare, struct error *error)
{
	int64_t worlds[2] = { -1, -1 }, ranks[2];
	int status = STATUS_OK;
	for (int side = 0; side < 2 && status == STATUS_OK; side++) {
		status = ask_int(compare, side, "max(coalesce(world_size, -1))", &worlds[side], error);
		ranks[side] = rank_of(compare, side);
	}
	if (status != STATUS_OK)
		return status;
	if (worlds[0] > 0 && worlds[1] > 0 && worlds[0] != worlds[1])
		add(compare, true, "the numbers of ranks differ: %lld in A, %lld in B", (long long)worlds[0], (long long)worlds[1]);
	if (ranks[0] >= 0 && ranks[1] >= 0 && ranks[0] != ranks[1]) {
		bool is_asked = compare->sides[0].rank >= 0 && compare->sides[1].rank >= 0;
		add(compare, !is_asked, "A is rank %lld, B is rank %lld%s", (long long)ranks[0], (long long)ranks[1],
			is_asked ? "" : "; --rank A,B compares two ranks");
	}
	return STATUS_OK;
}

static int check_files(struct gpu_compare *compare, struct error *error)
{
	int64_t cut[2], problems[2], kinds[2];
	int status = STATUS_OK;
	for (int side = 0; side < 2 && status == STATUS_OK; side++) {
		status = ask_int(compare, side, "max(is_cut)", &cut[side], error);
		if (status == STATUS_OK)
			status = ask_int(compare, side, "sum(n_problems)", &problems[side], error);
		if (status == STATUS_OK)
			status = ask_int(compare, side, "min(unicode(kind) * 256 + length(kind))", &kinds[side], error);
	}
	if (status != STATUS_OK || is_one_run(compare))
		return status;
	if ((cut[0] > 0) != (cut[1] > 0))
		add(compare, true, "the file of %c is cut: it holds less than was recorded", cut[0] > 0 ? 'A' : 'B');
	else if (cut[0] > 0)
		add(compare, false, "both files are cut");
	for (int side = 0; side < 2; side++) {
		if (problems[side] > 0)
			add(compare, false, "%lld events of %c could not be read", (long long)problems[side], "AB"[side]);
	}
	if (kinds[0] != kinds[1])
		add(compare, false, "other tools recorded A and B: recording costs differ");
	return STATUS_OK;
}

static int check_match(struct gpu_compare *compare, struct error *error)
{
	(void)error;
	double matched = 1 - compare->matched[GPU_MATCH_NONE];
	if (!compare->n_devices[0] || !compare->n_devices[1])
		return STATUS_OK;
	if (compare->matched[GPU_MATCH_NONE] >= 1)
		add(compare, true, "nothing in common: no name of device work is in both");
	else if (matched < MATCHED_LEAST)
		add(compare, true, "only %.0f %% of the device work's time has a counterpart in the other", 100 * matched);
	return STATUS_OK;
}

static int check_units(struct gpu_compare *compare, struct error *error)
{
	(void)error;
	if (compare->has_units) {
		for (int side = 0; side < 2; side++) {
			if (compare->n_units[side] < COMPARE_PAIRS_LEAST)
				add(compare, false, "%lld iteration%s in %c: little can be said about noise", (long long)compare->n_units[side],
					compare->n_units[side] == 1 ? "" : "s", "AB"[side]);
		}
		return STATUS_OK;
	}
	const char *where = !compare->n_units[0] && !compare->n_units[1] ? "A and B" : !compare->n_units[0] ? "A" : "B";
	add(compare, false, "no iterations in %s: totals are those of windows, which may hold different amounts of work; compare counts"
		" and means", where);
	return STATUS_OK;
}

static int64_t count_work(const struct gpu_compare *compare, int side)
{
	int64_t n = 0;
	for (uint32_t i = 0; i < compare->n_rows; i++)
		n += compare->rows[i].spans[side].n;
	return n;
}

/* Windows of one length in which not the same was done. */
static int check_windows(struct gpu_compare *compare, struct error *error)
{
	int64_t a_ns = compare->sums[0].end_ns - compare->sums[0].start_ns, b_ns = compare->sums[1].end_ns - compare->sums[1].start_ns;
	int64_t a = count_work(compare, 0), b = count_work(compare, 1);
	(void)error;
	bool are_as_long = llabs(a_ns - b_ns) <= (int64_t)(WINDOWS_EQUAL * (double)a_ns);
	if (a && b && are_as_long && llabs(a - b) > (int64_t)(WORK_EQUAL * (double)a))
		add(compare, false, "two windows of about equal length with different amounts of work (%lld and %lld kernels and copies): compare"
			" per unit of work, never their totals", (long long)a, (long long)b);
	return STATUS_OK;
}

int gpu_compare_find_reasons(struct gpu_compare *compare, struct error *error)
{
	static int (*const checks[])(struct gpu_compare *, struct error *) = { check_sides, check_ranks, check_files, check_match, check_units,
		check_windows };
	int status = STATUS_OK;
	for (size_t i = 0; i < ARRAY_LEN(checks) && status == STATUS_OK; i++)
		status = checks[i](compare, error);
	return status;
}
