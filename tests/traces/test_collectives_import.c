/* SPDX-License-Identifier: Apache-2.0
 *
 * Collectives of imported runs: how kernels are matched, who was last, what it cost; and the real traces with known answers, where they are.
 */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/traces/gpu_case.h"
#include "traces/collectives.h"
#include "traces/db.h"
#include "traces/import.h"

#define US 1000

static struct error error;

struct kernel {
	uint32_t rank;
	const char *name;
	int64_t start_us, end_us, sequence;
};

static void match(const struct kernel *kernels, int n, struct gpu_case **ret_made, struct collectives *set)
{
	struct gpu_case *made = gpu_case_create(2);
	struct collective_fact facts[16];
	uint32_t streams[2] = { gpu_case_lane(made, GPU_LANE_STREAM, 0, 7, -1), gpu_case_lane(made, GPU_LANE_STREAM, 1, 15, -1) }, n_facts = 0;
	for (int i = 0; i < n; i++)
		gpu_case_add(made, streams[kernels[i].rank], SPAN_KIND_KERNEL, SPAN_CLASS_COLLECTIVE, kernels[i].name, kernels[i].start_us * US,
			kernels[i].end_us * US, GPU_NONE);
	gpu_case_end(made);
	for (uint32_t span = 0; span < made->model.n_spans; span++) {
		int64_t sequence = kernels[made->model.spans[span].row - 1].sequence;
		if (sequence >= 0)
			facts[n_facts++] = (struct collective_fact){ .span = span, .group_text = 0, .sequence = sequence };
	}
	cr_assert_eq(collectives_make(&made->model, facts, n_facts, &error, set), STATUS_OK);
	*ret_made = made;
}

static void expect_group(const char *name, const struct collectives *set, enum collective_match by, uint32_t n,
	uint32_t n_consistent, uint32_t n_unmatched)
{
	cr_assert_eq(set->n_groups, 1, "%s: %u groups", name, set->n_groups);
	const struct collective_group *group = &set->groups[0];
	cr_expect_eq(group->match, by, "%s: by %s, not %s", name, collective_match_word(group->match), collective_match_word(by));
	cr_expect_eq(group->n_collectives, n, "%s: %u collectives, not %u", name, group->n_collectives, n);
	cr_expect_eq(group->n_consistent, n_consistent, "%s: %u consistent, not %u", name, group->n_consistent, n_consistent);
	cr_expect_eq(group->n_unmatched, n_unmatched, "%s: %u unmatched, not %u", name, group->n_unmatched, n_unmatched);
}

Test(collectives, by_order)
{
	const struct kernel kernels[] = { { 0, "a", 0, 100, -1 }, { 1, "a", 70, 100, -1 }, { 0, "b", 200, 260, -1 }, { 1, "b", 190, 261, -1 } };
	struct collectives set;
	struct gpu_case *made;
	match(kernels, 4, &made, &set);
	expect_group("by order", &set, COLLECTIVE_BY_ORDER, 2, 2, 0);
	cr_expect_eq(set.members[set.items[0].last].device, 1);
	cr_expect_eq(set.items[0].wait_ns, 70 * US, "%" PRId64, set.items[0].wait_ns);
	cr_expect_eq(set.items[0].moving_ns, 30 * US, "%" PRId64, set.items[0].moving_ns);
	cr_expect_eq(set.members[set.items[1].last].device, 0);
	cr_expect_eq(set.items[1].wait_ns, 10 * US, "%" PRId64, set.items[1].wait_ns);
	cr_expect_eq(collectives_last(&set, made->idx[0]), made->idx[1]);
	cr_expect_eq(collectives_last(&set, made->idx[1]), GPU_NONE);
	collectives_finish(&set);
	gpu_case_free(made);
}

/* Rank 1's capture begins later: its first kernel is rank 0's second. */
Test(collectives, by_time_where_numbers_differ)
{
	const struct kernel kernels[] = { { 0, "a", 0, 100, -1 }, { 0, "a", 200, 300, -1 }, { 0, "a", 400, 500, -1 }, { 1, "a", 250, 300, -1 },
		{ 1, "a", 390, 500, -1 } };
	struct collectives set;
	struct gpu_case *made;
	match(kernels, 5, &made, &set);
	expect_group("by time", &set, COLLECTIVE_BY_TIME, 3, 2, 1);
	cr_expect_eq(collectives_last(&set, made->idx[1]), made->idx[3]);
	cr_expect_eq(collectives_last(&set, made->idx[4]), made->idx[2]);
	cr_expect_eq(collectives_last(&set, made->idx[0]), GPU_NONE);
	collectives_finish(&set);
	gpu_case_free(made);
}

/* Numbers count, not the order: rank 1 has them the other way round. */
Test(collectives, by_sequence)
{
	const struct kernel kernels[] = {{0, "a", 0, 100, 5}, {0, "a", 200, 300, 6}, {1, "a", 60, 100, 5},
		{1, "a", 210, 300, 6}, {1, "a", 400, 410, 7}};
	struct collectives set;
	struct gpu_case *made;
	match(kernels, 5, &made, &set);
	expect_group("by sequence", &set, COLLECTIVE_BY_SEQUENCE, 3, 2, 1);
	cr_expect_eq(collectives_last(&set, made->idx[0]), made->idx[2]);
	cr_expect_eq(collectives_last(&set, made->idx[1]), made->idx[3]);
	collectives_finish(&set);
	gpu_case_free(made);
}

/* A member that arrives after another has left cannot be one. */
Test(collectives, contradictions_count_for_nothing)
{
	const struct kernel kernels[] = { { 0, "a", 0, 100, -1 }, { 1, "a", 900, 1000, -1 } };
	struct collectives set;
	struct gpu_case *made;
	match(kernels, 2, &made, &set);
	expect_group("contradiction", &set, COLLECTIVE_BY_ORDER, 1, 0, 0);
	cr_expect_eq(set.items[0].wait_ns, 0);
	cr_expect_eq(collectives_last(&set, made->idx[0]), GPU_NONE);
	collectives_finish(&set);
	gpu_case_free(made);
}

Test(collectives, none)
{
	struct collectives set;
	struct gpu_case *made;
	match(NULL, 0, &made, &set);
	cr_expect_eq(set.n, 0);
	cr_expect_eq(collectives_last(&set, 0), GPU_NONE);
	collectives_finish(&set);
	gpu_case_free(made);
}

/* -- real traces ------------------------------------------------------------------------------------------------------------ */

static bool import(const char *const *names, int n, const char *out)
{
	const char *root = getenv("TANDEM_SOURCE_ROOT");
	char paths[8][512];
	const char *files[8];
	for (int i = 0; i < n; i++) {
		snprintf(paths[i], sizeof paths[i], "%s/../shared/traces/%s", root ? root : ".", names[i]);
		files[i] = paths[i];
		if (access(paths[i], R_OK) != 0)
			return false;
	}
	struct import_options options = { .files = files, .n_files = n, .output = out };
	cr_assert_eq(import_run(&options, NULL, &error), STATUS_OK, "%s", error.text);
	return true;
}

static void expect_rows(const char *file, const char *sql, const int64_t (*wanted)[2], int n)
{
	struct db *db = NULL;
	struct db_stmt *stmt = NULL;
	bool has_row = true;
	cr_assert_eq(db_open(file, DB_READ, &error, &db), STATUS_OK);
	cr_assert_eq(db_prepare(db, sql, NULL, &error, &stmt), STATUS_OK, "%s", error.text);
	for (int i = 0; i < n; i++) {
		cr_assert_eq(db_step(stmt, &has_row, &error), STATUS_OK, "%s", error.text);
		cr_assert(has_row, "%s: %d rows, not %d", sql, i, n);
		for (int k = 0; k < 2; k++)
			cr_expect_eq(db_column_int(stmt, k), wanted[i][k], "%s: row %d, column %d: %" PRId64 ", not %" PRId64, sql, i, k,
				db_column_int(stmt, k), wanted[i][k]);
	}
	cr_assert_eq(db_step(stmt, &has_row, &error), STATUS_OK);
	cr_expect(!has_row, "%s: more than %d rows", sql, n);
	db_finish(stmt);
	db_close(db);
}

Test(collectives, the_stragglers_of_eight_ranks, .timeout = 60)
{
	static const char *const names[] = {"kineto/dlrm_8rank/worker0.json.gz", "kineto/dlrm_8rank/worker1.json.gz",
		"kineto/dlrm_8rank/worker2.json.gz", "kineto/dlrm_8rank/worker3.json.gz",
		"kineto/dlrm_8rank/worker4.json.gz", "kineto/dlrm_8rank/worker5.json.gz",
		"kineto/dlrm_8rank/worker6.json.gz", "kineto/dlrm_8rank/worker7.json.gz"};
	static const int64_t lasts[][2] = { { 7, 7624 }, { 7, 1101 }, { 7, 168 }, { 7, 125 }, { 7, 223 }, { 5, 534 }, { 5, 584 }, { 4, 885 } };
	static const int64_t sums[][2] = { { 1, 1 } };
	if (!import(names, 8, "stragglers.tandem"))
		cr_skip_test("the traces are not here");
	expect_rows("stragglers.tandem",
		"SELECT last_rank, spread_ns / 1000 FROM v_collective WHERE n_ranks = 8 AND is_consistent ORDER BY start_ns",
		lasts, 8);
	expect_rows("stragglers.tandem", "SELECT (SELECT sum(ns) FROM v_path) = (SELECT duration_ns FROM v_execution),"
		" (SELECT sum(cost_ns) FROM v_straggler) = (SELECT sum(ns) FROM v_wait_root WHERE waits = 'collective')", sums, 1);
	unlink("stragglers.tandem");
}

Test(collectives, two_processes_of_one_capture, .timeout = 60)
{
	static const char *const names[] = { "nsys/mfu_2gpu_before.sqlite" };
	static const int64_t wanted[][2] = { { 33, 33 } };
	if (!import(names, 1, "pair.tandem"))
		cr_skip_test("the traces are not here");
	expect_rows("pair.tandem",
		"SELECT n_collectives, n_consistent FROM collective_group WHERE matched_by = 'order' AND n_devices = 2",
		wanted, 1);
	unlink("pair.tandem");
}
