/* SPDX-License-Identifier: Apache-2.0
 *
 * The host's partition: thousands of random traces against a brute force that fills a time line unit by unit, and the
 * cases at the edges by hand.
 */
#include "traces/split.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/clock.h"
#include "tests/support/trials.h"
#include "tests/traces/synthetic.h"

#define UNIT_NS 1000
#define UNITS 300
#define LANES 3
#define N_RUNS 2000
#define EVENTS_MAX (2 * UNITS)

/* One random run: what fills each unit of each lane, by construction and as records. */
struct random_run {
	int start, end;            /* units; the run */
	int first_submit, last_finish;
	unsigned char kinds[LANES][UNITS];
	struct record records[LANES][EVENTS_MAX];
	uint32_t n_records[LANES];
	int64_t base_ns;
};

static int pick(unsigned *seed, int low, int high)
{
	*seed = *seed * 1103515245u + 12345u;
	return low + (int)(*seed >> 16) % (high - low + 1);
}

static void add(struct random_run *run, int lane, struct record record)
{
	run->records[lane][run->n_records[lane]++] = record;
}

/* Ops have several phases; LIMIT and IDLE come as spans only. Returns the unit at which the event ends. */
static int add_event(struct random_run *run, int lane, int at, int limit, unsigned *seed)
{
	static const enum phase op_phases[] = { PHASE_STARVED, PHASE_BACKPRESSURE, PHASE_COMPUTE, PHASE_READ, PHASE_WRITE,
		PHASE_COLLECTIVE, PHASE_RECORDER, PHASE_UNKNOWN };
	static const enum phase span_phases[] = { PHASE_IDLE, PHASE_LIMIT, PHASE_STARVED, PHASE_RECORDER };
	bool is_op = pick(seed, 0, 3) > 0;
	int n = is_op ? pick(seed, 1, 5) : 1, start = at;
	enum phase phases[RECORD_PHASES_MAX];
	int64_t phase_ns[RECORD_PHASES_MAX];
	for (int i = 0; i < n; i++) {
		int length = pick(seed, 0, 6);
		length = at + length > limit ? limit - at : length;
		phases[i] = is_op ? op_phases[pick(seed, 0, 7)] : span_phases[pick(seed, 0, 3)];
		phase_ns[i] = (int64_t)length * UNIT_NS;
		memset(&run->kinds[lane][at], (int)phases[i], (size_t)length);
		at += length;
	}
	int64_t start_ns = run->base_ns + (int64_t)start * UNIT_NS;
	uint32_t node = lane == 0 ? (uint32_t)pick(seed, 0, 1) : 2 * (uint32_t)lane + (uint32_t)pick(seed, 0, 1);
	if (is_op)
		add(run, lane, synthetic_op(node, 0, start_ns, n, phases, phase_ns));
	else
		add(run, lane, synthetic_span(phases[0], start_ns, phase_ns[0]));
	return at;
}

static bool is_in_flight(const struct random_run *run, int unit)
{
	return run->first_submit >= 0 && unit >= run->first_submit && (run->last_finish < 0 || unit < run->last_finish);
}

/* Before the first and after the last event: idle where nothing was in flight. */
static void fill_ends(struct random_run *run, int lane, int first, int last)
{
	for (int unit = run->start; unit < run->end; unit++) {
		bool is_end = unit < first || unit >= last;
		if (is_end)
			run->kinds[lane][unit] = is_in_flight(run, unit) ? PHASE_UNKNOWN : PHASE_IDLE;
	}
}

static void make_run(struct random_run *run, unsigned seed)
{
	memset(run, 0, sizeof(*run));
	run->base_ns = 1000000000ll + (int64_t)seed * UNITS * UNIT_NS;
	run->start = pick(&seed, 0, 20);
	run->end = UNITS - pick(&seed, 0, 20);
	run->first_submit = pick(&seed, 0, 9) ? pick(&seed, run->start, run->end - 1) : -1;
	run->last_finish = run->first_submit >= 0 && pick(&seed, 0, 4) ? pick(&seed, run->first_submit, run->end) : -1;
	for (int lane = 0; lane < LANES; lane++) {
		int first = run->end, last = run->end, at = pick(&seed, run->start, run->end);
		int n = pick(&seed, 0, 5) ? pick(&seed, 1, 12) : 0;
		for (int i = 0; i < n && at < run->end; i++) {
			if (i == 0)
				first = at;
			last = at = add_event(run, lane, at, run->end, &seed);
			at += pick(&seed, 0, 3) ? 0 : pick(&seed, 0, 30);
		}
		fill_ends(run, lane, first, last);
	}
	if (run->first_submit >= 0)
		add(run, 0, synthetic_submit(0, run->base_ns + (int64_t)run->first_submit * UNIT_NS));
	if (run->last_finish >= 0)
		add(run, 0, synthetic_finish_record(0, run->base_ns + (int64_t)run->last_finish * UNIT_NS, STATUS_OK, 0));
}

static void enter_run(struct synthetic_intake *target, struct random_run *run)
{
	for (uint32_t lane = 0; lane < LANES; lane++) /* in two transactions: sums must add up over them */
		synthetic_intake_enter(target, lane, run->records[lane], run->n_records[lane] / 2);
	for (uint32_t lane = 0; lane < LANES; lane++)
		synthetic_intake_enter(target, lane, run->records[lane] + run->n_records[lane] / 2,
			run->n_records[lane] - run->n_records[lane] / 2);
	synthetic_intake_end(target, run->base_ns + (int64_t)run->end * UNIT_NS);
}

/* Compares the rows of all runs, in order, with the brute force. */
static void compare_all(struct db *db, int n_runs)
{
	static struct random_run run;
	static int64_t got[N_RUNS][LANES][PHASE_COUNT];
	struct db_stmt *stmt = NULL;
	bool has_row = false;
	cr_assert(db_prepare(db,
			  "SELECT s.run, w.idx, k.id, s.ns, s.share, r.end_ns - r.start_ns FROM v_time_split s"
			  " JOIN worker w ON w.run = s.run AND w.name = s.worker JOIN kind k ON k.word = s.kind JOIN run r "
			  "ON r.id = s.run",
			  NULL, NULL, &stmt)
		== STATUS_OK);
	while (db_step(stmt, &has_row, NULL) == STATUS_OK && has_row) {
		int64_t total_ns = db_column_int(stmt, 5), ns = db_column_int(stmt, 3);
		got[db_column_int(stmt, 0) - 1][db_column_int(stmt, 1)][db_column_int(stmt, 2)] += ns;
		double off = db_column_real(stmt, 4) - (double)ns / (double)total_ns;
		cr_assert(off < 1e-12 && off > -1e-12, "share %g of %lld in %lld", db_column_real(stmt, 4), (long long)ns,
			(long long)total_ns);
	}
	db_finish(stmt);
	for (int i = 0; i < n_runs; i++) {
		make_run(&run, (unsigned)i);
		for (int lane = 0; lane < LANES; lane++) {
			int64_t expected[PHASE_COUNT] = { 0 };
			for (int unit = run.start; unit < run.end; unit++)
				expected[run.kinds[lane][unit]] += UNIT_NS;
			for (int kind = 0; kind < PHASE_COUNT; kind++)
				cr_assert(got[i][lane][kind] == expected[kind],
					"run %d lane %d %s: %lld ns, brute force %lld", i, lane,
					phase_word((enum phase)kind), (long long)got[i][lane][kind],
					(long long)expected[kind]);
		}
	}
}

Test(split, equals_brute_force_on_random_traces)
{
	static struct random_run run;
	struct synthetic synthetic;
	struct synthetic_intake target = { 0 };
	int n_runs = trials(N_RUNS);
	synthetic_init(&synthetic, LANES - 1, 2, 4, 64);
	synthetic_use_ns();
	for (int i = 0; i < n_runs; i++) {
		make_run(&run, (unsigned)i);
		int64_t start_ns = run.base_ns + (int64_t)run.start * UNIT_NS;
		if (i == 0)
			synthetic_intake_init(&target, &synthetic, ":memory:", start_ns);
		else
			synthetic_intake_next(&target, &synthetic, start_ns);
		enter_run(&target, &run);
	}
	compare_all(store_db(target.store), n_runs);
	synthetic_intake_finish(&target);
	synthetic_finish(&synthetic);
}

Test(split, arrays_hold_what_the_view_says)
{
	struct synthetic synthetic;
	struct synthetic_intake target;
	struct error error = { 0 };
	struct split split = { 0 };
	synthetic_init(&synthetic, 2, 2, 4, 64);
	synthetic_use_ns();
	synthetic_intake_init(&target, &synthetic, ":memory:", 1000);
	const enum phase phases[] = { PHASE_STARVED, PHASE_COMPUTE };
	struct record records[] = { synthetic_op(2, 0, 2000, 2, phases, (int64_t[]){ 300, 700 }) };
	struct record submits[] = { synthetic_submit(0, 1500), synthetic_finish_record(0, 4000, STATUS_OK, 0) };
	synthetic_intake_enter(&target, 0, submits, 2);
	synthetic_intake_enter(&target, 1, records, 1);
	synthetic_intake_end(&target, 5000);
	struct trace trace = { .db = store_db(target.store) };
	cr_assert(split_make(&trace, 1, &error, &split) == STATUS_OK, "%s", error.text);
	cr_assert(split.n_lanes == 3, "%d lanes", split.n_lanes);
	static const struct {
		const char *lane;
		enum phase phase;
		int64_t ns;
	} cases[] = {
		{ "driver", PHASE_IDLE, 1500 },
		{ "driver", PHASE_UNKNOWN, 2500 },
		{ "w0", PHASE_IDLE, 1500 },
		{ "w0", PHASE_STARVED, 300 },
		{ "w0", PHASE_COMPUTE, 700 },
		{ "w0", PHASE_UNKNOWN, 1500 },
		{ "w1", PHASE_IDLE, 1500 },
		{ "w1", PHASE_UNKNOWN, 2500 },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct split_lane *lane = split.lanes;
		while (strcmp(lane->name, cases[i].lane) != 0)
			lane++;
		cr_expect(lane->ns[cases[i].phase] == cases[i].ns && lane->total_ns == 4000,
			"%s %s: %lld of %lld, expected %lld", cases[i].lane, phase_word(cases[i].phase),
			(long long)lane->ns[cases[i].phase], (long long)lane->total_ns, (long long)cases[i].ns);
	}
	split_finish(&split);
	synthetic_intake_finish(&target);
	synthetic_finish(&synthetic);
}
