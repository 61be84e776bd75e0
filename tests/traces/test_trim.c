/* SPDX-License-Identifier: Apache-2.0
 *
 * Trimming: pieces pass every check and sum to the whole, for random runs of ours and for real traces of other tools; choices of executions, lanes
 * and ranks; what is refused.
 */
#include "traces/trim.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/attributes.h"
#include "tests/support/trials.h"
#include "tests/traces/checked.h"
#include "tests/traces/imported.h"
#include "tests/traces/random_chain.h"
#include "traces/schema.h"

static struct synthetic synthetic;
static char pieces[3][128];

static void name_pieces(const char *folder)
{
	for (size_t i = 0; i < ARRAY_LEN(pieces); i++)
		snprintf(pieces[i], sizeof pieces[i], "%s/piece%zu.tandem", folder, i);
}

static void remove_pieces(void)
{
	for (size_t i = 0; i < ARRAY_LEN(pieces); i++)
		unlink(pieces[i]);
}

/* Two random runs in one finished file. */
static void make_runs(unsigned seed)
{
	struct synthetic_intake target;
	struct random_chain *chain = calloc(1, sizeof *chain);
	cr_assert_not_null(chain);
	synthetic_init(&synthetic, 2, 3, 4, 1024);
	synthetic_use_ns();
	synthetic_intake_init(&target, &synthetic, synthetic.file, 1000);
	random_chain_make(chain, &synthetic, 3, 1000, &seed);
	random_chain_enter(chain, &target);
	synthetic_intake_next(&target, &synthetic, 500000);
	random_chain_make(chain, &synthetic, 1, 500000, &seed);
	random_chain_enter(chain, &target);
	cr_assert(store_seal(target.store, NULL) == STATUS_OK);
	synthetic_intake_finish(&target);
	free(chain);
	name_pieces(synthetic.folder);
}

static struct trim_result trim(const char *from, const char *into, const struct trim_options *options)
{
	struct error error = { 0 };
	struct trim_result result;
	cr_assert(trim_trace(from, into, options, &error, &result) == STATUS_OK, "%s: %s", from, error.text);
	return result;
}

/* Sums that the pieces must share out. */
static const char *const sums[] = {
	"SELECT coalesce(sum(duration_ns), 0) FROM op_event",
	"SELECT coalesce(sum(duration_ns), 0) FROM span",
	"SELECT coalesce(sum(duration_ns), 0) FROM span WHERE kind = 102",
	"SELECT coalesce(sum(duration_ns), 0) FROM span WHERE kind = 105",
	"SELECT coalesce(sum(ns), 0) FROM summary WHERE kind <> 101",
	"SELECT sum(end_ns - start_ns) FROM run",
#define X(name, word) "SELECT coalesce(sum(" word "_ns), 0) FROM op_event",
	OP_PHASE_MAP(X)
#undef X
};

static void expect_sums(const char *whole, int n_pieces, const char *what)
{
	for (size_t i = 0; i < ARRAY_LEN(sums); i++) {
		int64_t expected = checked_number(whole, sums[i]), sum = 0;
		for (int k = 0; k < n_pieces; k++)
			sum += checked_number(pieces[k], sums[i]);
		cr_expect(sum == expected, "%s: %s: the pieces have %" PRId64 ", the whole %" PRId64, what, sums[i], sum, expected);
	}
}

/* [start, a), [a, b), [b, end] of one run. */
static void cut_in_three(const char *whole, int64_t run, int64_t a_ns, int64_t b_ns, const char *what)
{
	const struct trim_time a = { .is_set = true, .ns = a_ns }, b = { .is_set = true, .ns = b_ns };
	trim(whole, pieces[0], &(struct trim_options){ .run = run, .until = a });
	trim(whole, pieces[1], &(struct trim_options){ .run = run, .from = a, .until = b });
	trim(whole, pieces[2], &(struct trim_options){ .run = run, .from = b });
	for (size_t i = 0; i < ARRAY_LEN(pieces); i++)
		checked_file(pieces[i], what);
}

Test(trim, pieces_of_a_run_sum_to_the_whole, .timeout = 60)
{
	for (unsigned seed = 1; seed <= (unsigned)trials(12); seed++) {
		char what[40], whole[160];
		make_runs(seed);
		snprintf(whole, sizeof whole, "%s/whole.tandem", synthetic.folder);
		trim(synthetic.file, whole, &(struct trim_options){ .run = 1 });
		checked_file(whole, "all of a run");
		int64_t start_ns = checked_number(whole, "SELECT start_ns FROM run"), end_ns = checked_number(whole, "SELECT end_ns FROM run");
		snprintf(what, sizeof what, "seed %u", seed);
		int64_t length_ns = end_ns - start_ns;
		cut_in_three(synthetic.file, 1, start_ns + length_ns * (seed % 5 + 1) / 13, start_ns + length_ns * (seed % 7 + 6) / 13, what);
		expect_sums(whole, 3, what);
		remove_pieces();
		unlink(whole);
		synthetic_finish(&synthetic);
	}
}

Test(trim, all_of_a_file_is_as_before, .timeout = 60)
{
	make_runs(3);
	struct trim_result result = trim(synthetic.file, pieces[0], &(struct trim_options){ 0 });
	cr_expect(result.n_runs == 2 && result.n_before == result.n_after && !result.n_cut, "%" PRId64 " runs, %" PRId64 " of "
		"%" PRId64 ", %" PRId64 " cut",
		result.n_runs, result.n_after, result.n_before, result.n_cut);
	checked_file(pieces[0], "all");
	static const char *const same[] = { "SELECT count(*) FROM op_event", "SELECT sum(rowid * duration_ns % 1000003) FROM op_event",
		"SELECT count(*) FROM span", "SELECT sum(ns * n % 1000003) FROM summary", "SELECT count(*) FROM execution WHERE NOT is_partial",
		"SELECT sum(n_submitted * 100 + n_finished) FROM run", "SELECT count(*) FROM lod_rows", "SELECT count(*) FROM plan_step" };
	for (size_t i = 0; i < ARRAY_LEN(same); i++) {
		int64_t before = checked_number(synthetic.file, same[i]), after = checked_number(pieces[0], same[i]);
		cr_expect(before == after, "%s: %" PRId64 " became %" PRId64, same[i], before, after);
	}
	remove_pieces();
	synthetic_finish(&synthetic);
}

Test(trim, executions_bring_what_was_done_meanwhile, .timeout = 60)
{
	make_runs(5);
	trim(synthetic.file, pieces[0], &(struct trim_options){ .has_executions = true, .first = 4, .end = 7, .run = 1 });
	checked_file(pieces[0], "executions 4 to 6");
	int64_t n_whole = checked_number(pieces[0], "SELECT count(*) FROM execution WHERE execution BETWEEN 4 AND 6 AND NOT is_partial");
	int64_t n_partial = checked_number(pieces[0], "SELECT count(*) FROM execution WHERE execution NOT BETWEEN 4 AND 6 AND NOT is_partial AND"
		" (start_ns < (SELECT start_ns FROM run) OR end_ns > (SELECT end_ns FROM run))");
	int64_t n_ops = checked_number(pieces[0], "SELECT count(*) FROM op_event WHERE execution = 5");
	cr_expect(n_whole == 3, "%" PRId64 " of the three are whole", n_whole);
	cr_expect(n_partial == 0, "%" PRId64 " neighbours are said to be whole", n_partial);
	cr_expect(n_ops == 8, "%" PRId64 " of the 8 ops of execution 5", n_ops);
	remove_pieces();
	synthetic_finish(&synthetic);
}

Test(trim, lanes_of_a_worker, .timeout = 60)
{
	static const char *const lanes[] = { "w1", NULL };
	make_runs(6);
	trim(synthetic.file, pieces[0], &(struct trim_options){ .lanes = lanes });
	checked_file(pieces[0], "lanes of w1");
	int64_t n_others = checked_number(pieces[0], "SELECT count(*) FROM v_op WHERE worker <> 'w1'");
	int64_t n_own = checked_number(pieces[0], "SELECT count(*) FROM v_op"), n_before = checked_number(synthetic.file,
		"SELECT count(*) FROM v_op WHERE worker = 'w1'");
	cr_expect(n_others == 0 && n_own == n_before && n_own > 0, "%" PRId64 " of others, %" PRId64 " of its %" PRId64,
		n_others, n_own, n_before);
	remove_pieces();
	synthetic_finish(&synthetic);
}

Test(trim, refuses_what_makes_no_sense)
{
	static const char *const nobody[] = { "nobody", NULL };
	static const int64_t rank = 5;
	char no_trace[160];
	make_runs(7);
	snprintf(no_trace, sizeof no_trace, "%s/note.txt", synthetic.folder);
	FILE *note = fopen(no_trace, "w");
	cr_assert(note && fputs("not to be lost", note) >= 0 && fclose(note) == 0);
	const struct {
		const char *name, *into;
		struct trim_options options;
		int status;
		const char *text;
	} cases[] = {
		{ "no such lane", pieces[0], { .lanes = nobody }, STATUS_USAGE, "nothing of the trace" },
		{ "no such rank", pieces[0], { .ranks = &rank, .n_ranks = 1 }, STATUS_USAGE, "nothing of the trace" },
		{ "no such run", pieces[0], { .run = 9 }, STATUS_USAGE, "nothing of the trace" },
		{ "no such time", pieces[0], { .from = { .is_set = true, .ns = INT64_MAX } }, STATUS_USAGE, "nothing of the trace" },
		{ "no such executions", pieces[0], { .has_executions = true, .first = 900, .end = 901 }, STATUS_USAGE, "nothing of the trace" },
		{ "itself", synthetic.file, { .run = 0 }, STATUS_INPUT, "this is the trace that is read" },
		{ "no trace", no_trace, { .run = 0 }, STATUS_INPUT, "no tandem trace" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct error error = { 0 };
		struct trim_result result;
		int status = trim_trace(synthetic.file, cases[i].into, &cases[i].options, &error, &result);
		cr_expect(status == cases[i].status && strstr(error.text, cases[i].text), "%s: %s '%s'", cases[i].name,
			status_word(status), error.text);
		cr_expect(access(pieces[0], F_OK) != 0, "%s: something was left", cases[i].name);
	}
	unlink(no_trace);
	synthetic_finish(&synthetic);
}

/* -- traces of other tools -------------------------------------------------------------------------------------------------- */

Test(trim, pieces_of_real_traces_sum_to_the_whole, .timeout = 100)
{
	static const char *const samples[] = { "kineto/graph_replay_decode.json.gz", "kineto/event_sync_multi_stream.json.gz",
		"nsys/graph_trace_rtx3060.sqlite" };
	for (size_t i = 0; i < (size_t)trials((int)ARRAY_LEN(samples)); i++) {
		struct imported imported;
		char path[300];
		if (!imported_sample(samples[i], path))
			cr_skip_test("%s is not here", path);
		imported_init(&imported);
		imported_add_file(&imported, path);
		cr_assert(imported_run(&imported) == STATUS_OK, "%s", imported.error.text);
		int64_t start_ns = imported_int(&imported, "SELECT start_ns FROM run"), end_ns = imported_int(&imported,
			"SELECT end_ns FROM run");
		name_pieces(imported.source.directory);
		cut_in_three(imported.output, 0, start_ns + (end_ns - start_ns) / 3, start_ns + (end_ns - start_ns) / 5 * 4, samples[i]);
		expect_sums(imported.output, 3, samples[i]);
		remove_pieces();
		imported_finish(&imported);
	}
}

Test(trim, one_rank_of_several, .timeout = 100)
{
	static const int64_t ranks[] = { 1 };
	struct imported imported;
	imported_init(&imported);
	for (int i = 0; i < 2; i++) {
		char text[400];
		snprintf(text, sizeof text, "{\"schemaVersion\":1,\"distributedInfo\":{\"rank\":%d,\"world_size\":2},"
			"\"traceEvents\":[{\"ph\":\"X\",\"cat\":"
			"\"kernel\",\"name\":\"k%d\",\"pid\":0,\"tid\":7,\"ts\":%d,\"dur\":5,\"args\":{\"device\":0,"
			"\"stream\":7,\"correlation\":3}},"
			"{\"ph\":\"X\",\"cat\":\"cuda_runtime\",\"name\":\"cudaLaunchKernel\",\"pid\":%d,\"tid\":1,\"ts\":%d,"
			"\"dur\":2,\"args\":{\"correlation\":"
			"3}}]}", i, i, 10 + i, 40 + i, 3);
		imported_add_text(&imported, text);
	}
	cr_assert(imported_run(&imported) == STATUS_OK, "%s", imported.error.text);
	name_pieces(imported.source.directory);
	struct trim_result result = trim(imported.output, pieces[0], &(struct trim_options){ .ranks = ranks, .n_ranks = 1 });
	checked_file(pieces[0], "rank 1");
	cr_expect(result.n_lanes == 2 && result.n_after == 2, "%" PRId64 " lanes, %" PRId64 " spans", result.n_lanes, result.n_after);
	cr_expect(checked_number(pieces[0], "SELECT count(*) FROM v_kernel WHERE name = 'k1' AND launch IS NOT NULL") == 1,
		"the kernel lost its launch");
	cr_expect(checked_number(pieces[0], "SELECT count(*) FROM string WHERE text = 'k0'") == 0, "a text of the other rank is still there");
	remove_pieces();
	imported_finish(&imported);
}
