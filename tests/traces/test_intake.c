/* SPDX-License-Identifier: Apache-2.0
 *
 * Records as rows: exact phases, executions in every order, waits, lanes that do not overlap, and what a rollback forgets.
 */
#include "traces/intake.h"

#include <criterion/criterion.h>
#include <string.h>

#include "tests/traces/synthetic.h"

static struct synthetic synthetic;
static struct synthetic_intake target;

static void setup(void)
{
	synthetic_init(&synthetic, 2, 2, 4, 64);
	synthetic_use_ns();
	synthetic_intake_init(&target, &synthetic, ":memory:", 1000);
}

static void teardown(void)
{
	synthetic_intake_finish(&target);
	synthetic_finish(&synthetic);
}

TestSuite(intake, .init = setup, .fini = teardown);

static void expect(const char *sql, int64_t expected)
{
	int64_t number = synthetic_number(store_db(target.store), sql);
	cr_expect(number == expected, "%s gives %lld, expected %lld", sql, (long long)number, (long long)expected);
}

Test(intake, op_becomes_columns_that_sum)
{
	const enum phase phases[] = { PHASE_STARVED, PHASE_READ, PHASE_STARVED, PHASE_COMPUTE, PHASE_COLLECTIVE, PHASE_IDLE,
		PHASE_WRITE };
	struct record op = synthetic_op(3, 12, 5000, 7, phases, (int64_t[]){ 10, 20, 30, 400, 50, 6, 7 });
	op.status = STATUS_OP;
	synthetic_intake_enter(&target, 1, &op, 1);
	expect("SELECT count(*) FROM v_op WHERE run = 1 AND mode = 'compiled' AND worker = 'w0' AND node = 'n1' AND op = "
	       "'stage'"
	       " AND execution = 12 AND start_ns = 5000 AND duration_ns = 523",
		1);
	expect("SELECT starved_ns FROM v_op", 40);
	expect("SELECT compute_ns FROM v_op", 450);
	expect("SELECT collective_ns FROM op_event", 50);
	expect("SELECT unknown_ns FROM v_op", 6);
	expect("SELECT backpressure_ns IS NULL AND unknown_ns IS NOT NULL FROM op_event", 1);
	expect("SELECT status FROM op_event", STATUS_OP);
	struct record next = synthetic_op(3, 13, 6000, 1, &phases[3], (int64_t[]){ 5 });
	synthetic_intake_enter(&target, 1, &next, 1);
	expect("SELECT starved_ns IS NULL AND compute_ns = 5 FROM op_event WHERE execution = 13", 1);
	expect("SELECT ns FROM summary JOIN kind ON kind.id = kind WHERE word = 'starved'", 40);
	expect("SELECT ns * 10 + n FROM summary JOIN kind ON kind.id = kind WHERE word = 'op'", 5282);
}

Test(intake, wide_durations_use_the_shift)
{
	struct record span = synthetic_span(PHASE_IDLE, 5000, 0);
	span.shift = 10;
	span.ticks[0] = 4000000000u;
	synthetic_intake_enter(&target, 1, &span, 1);
	expect("SELECT duration_ns FROM span", 4000000000ll << 10);
	expect("SELECT end_ns FROM run", 5000 + (4000000000ll << 10));
}

Test(intake, executions_in_every_order)
{
	struct record records[] = {
		synthetic_submit(0, 1100), synthetic_submit(1, 1200), synthetic_finish_record(0, 1300, STATUS_OK, 0),
		synthetic_finish_record(7, 1400, STATUS_TIMEOUT, 2), /* whose submit was lost */
		synthetic_submit(2, 1500),
	};
	synthetic_intake_enter(&target, 0, records, ARRAY_LEN(records));
	expect("SELECT count(*) FROM v_execution WHERE status = 'unfinished' AND duration_ns IS NULL AND execution IN (1, "
	       "2)",
		2);
	expect("SELECT duration_ns FROM v_execution WHERE execution = 0 AND status = 'ok' AND start_ns = 1100", 200);
	expect("SELECT count(*) FROM v_execution WHERE execution = 7 AND status = 'timeout' AND start_ns IS NULL", 1);
	struct record later[] = { synthetic_finish_record(1, 1700, STATUS_OK, 0), synthetic_submit(66, 1800),
		synthetic_finish_record(66, 1900, STATUS_OK, 0) }; /* 66 takes the place of 2 */
	synthetic_intake_enter(&target, 0, later, ARRAY_LEN(later));
	expect("SELECT duration_ns FROM v_execution WHERE execution = 1", 500);
	expect("SELECT count(*) FROM v_execution WHERE execution = 2 AND status = 'unfinished'", 1);
	expect("SELECT duration_ns FROM v_execution WHERE execution = 66", 100);
	expect("SELECT n_submitted * 100 + n_finished * 10 + n_failed FROM run", 541);
	expect("SELECT first_submit_ns FROM run", 1100);
	expect("SELECT last_finish_ns FROM run", 1900);
}

Test(intake, waits_name_what_they_waited_for)
{
	struct record wait = synthetic_wait(PHASE_BACKPRESSURE, 3, 9, 2000, 250, 2, 2, 2);
	synthetic_intake_enter(&target, 1, &wait, 1);
	expect("SELECT count(*) FROM v_stall WHERE worker = 'w0' AND cause = 'backpressure' AND node = 'n1' AND edge LIKE "
	       "'n1%n2%'"
	       " AND peer = 'w1' AND execution = 9 AND start_ns = 2000 AND duration_ns = 250 AND root IS NULL",
		1);
	struct record anonymous =
		synthetic_wait(PHASE_STARVED, PROGRAM_NONE, UINT64_MAX, 3000, 5, PROGRAM_NONE, PROGRAM_NONE, PROGRAM_NONE);
	synthetic_intake_enter(&target, 1, &anonymous, 1);
	expect("SELECT count(*) FROM v_stall WHERE node IS NULL AND edge IS NULL AND peer IS NULL AND execution IS NULL", 1);
	expect("SELECT count(*) FROM summary", 0);
}

Test(intake, submit_waits_lie_before_it)
{
	struct record submit = synthetic_submit(0, 4000);
	submit.n_phases = 1;
	submit.phase[0] = PHASE_LIMIT;
	submit.ticks[0] = 600;
	synthetic_intake_enter(&target, 0, &submit, 1);
	expect("SELECT start_ns FROM span JOIN kind ON kind.id = span.kind WHERE word = 'limit' AND duration_ns = 600",
		3400);
	expect("SELECT start_ns FROM v_execution", 4000);
}

Test(intake, small_overlaps_of_a_lane_are_trimmed)
{
	const enum phase phases[] = { PHASE_STARVED, PHASE_COMPUTE };
	struct record records[] = { synthetic_op(2, 0, 5000, 2, phases, (int64_t[]){ 100, 200 }),
		synthetic_op(3, 0, 5290, 2, phases, (int64_t[]){ 5, 200 }),
		synthetic_op(2, 1, 5480, 1, phases, (int64_t[]){ 3 }) };
	synthetic_intake_enter(&target, 1, records, 3);
	expect("SELECT start_ns FROM v_op WHERE node = 'n1'", 5300);
	expect("SELECT duration_ns * 1000 + compute_ns FROM v_op WHERE node = 'n1'", 195195);
	expect("SELECT duration_ns FROM v_op WHERE execution = 1", 0);
	expect("SELECT s.n * 1000 + s.ns FROM summary s JOIN node n ON n.id = s.node WHERE n.name = 'n0'"
	       " AND s.kind = 101", 2300);
	expect("SELECT count(*) FROM v_op WHERE duration_ns <> starved_ns + compute_ns", 0);
}

Test(intake, forgets_what_was_rolled_back)
{
	struct error error = { 0 };
	const enum phase phases[] = { PHASE_COMPUTE };
	struct record op = synthetic_op(2, 0, 5000, 1, phases, (int64_t[]){ 100 });
	cr_assert(store_begin(target.store, &error) == STATUS_OK);
	cr_assert(intake_records(target.intake, 1, &op, 1, &error) == STATUS_OK);
	store_rollback(target.store);
	intake_forget(target.intake);
	op.start = 7000;
	synthetic_intake_enter(&target, 1, &op, 1);
	expect("SELECT sum(ns) FROM summary WHERE kind < 100", 100);
	expect("SELECT first_ns FROM lane WHERE name = 'w0'", 7000);
}
