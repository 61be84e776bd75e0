/* SPDX-License-Identifier: Apache-2.0
 *
 * test_recorder: tests of engine/run/recorder.h.
 */
#include "engine/run/recorder.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/run/program.h"

struct fixture {
	int fd;
	struct rings rings;
	struct recorder recorder;
};

static const struct recorder_policy record_all = { .end = UINT64_MAX, .every = 1 };

static void open_fixture(struct fixture *fixture, uint32_t n_records)
{
	struct error error;
	clock_init();
	cr_assert_eq(rings_create(1, n_records, &error, &fixture->fd), STATUS_OK);
	cr_assert_eq(rings_open(fixture->fd, &fixture->rings, &error), STATUS_OK);
	recorder_init(&fixture->recorder, rings_get(&fixture->rings, 0), &record_all);
}

static void close_fixture(struct fixture *fixture)
{
	rings_close(&fixture->rings);
	close(fixture->fd);
}

static struct record take_one(struct fixture *fixture)
{
	struct record record = { 0 };
	cr_assert_eq(ring_take(rings_get(&fixture->rings, 0), fixture->rings.n_records, &record, 1), 1u);
	return record;
}

Test(recorder, policies)
{
	static const struct {
		const char *text;
		int status;
		uint64_t first, end, every;
	} cases[] = {
		{ "all", STATUS_OK, 0, UINT64_MAX, 1 },      { "every=10", STATUS_OK, 0, UINT64_MAX, 10 },
		{ "window=5:9", STATUS_OK, 5, 9, 1 },        { "every=0", STATUS_USAGE, 0, 0, 0 },
		{ "window=9:9", STATUS_USAGE, 0, 0, 0 },     { "window=9:5", STATUS_USAGE, 0, 0, 0 },
		{ "every=3x", STATUS_USAGE, 0, 0, 0 },       { "every=-3", STATUS_USAGE, 0, 0, 0 },
		{ "window=1", STATUS_USAGE, 0, 0, 0 },       { "", STATUS_USAGE, 0, 0, 0 },
		{ "allx", STATUS_USAGE, 0, 0, 0 },           { "window=1:2:3", STATUS_USAGE, 0, 0, 0 },
		{ "last=5", STATUS_OK, 0, UINT64_MAX, 1 },   { "last=250ms", STATUS_OK, 0, UINT64_MAX, 1 },
		{ "last=0", STATUS_USAGE, 0, 0, 0 },         { "last=", STATUS_USAGE, 0, 0, 0 },
		{ "last=-1", STATUS_USAGE, 0, 0, 0 },        { "last=5x", STATUS_USAGE, 0, 0, 0 },
		{ "off", STATUS_OK, 0, UINT64_MAX, 1 },      { "offx", STATUS_USAGE, 0, 0, 0 },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct recorder_policy policy = { 0 };
		struct error error;
		int status = recorder_parse_policy(cases[i].text, &policy, &error);
		cr_expect_eq(status, cases[i].status, "'%s': status %d, expected %d", cases[i].text, status, cases[i].status);
		if (cases[i].status != STATUS_OK)
			continue;
		cr_expect(policy.first == cases[i].first && policy.end == cases[i].end && policy.every == cases[i].every,
			"'%s': %llu %llu %llu", cases[i].text, (unsigned long long)policy.first, (unsigned long long)policy.end,
			(unsigned long long)policy.every);
	}
}

Test(recorder, selects_by_policy)
{
	struct fixture fixture;
	open_fixture(&fixture, 64);
	static const struct {
		const char *name;
		struct recorder_policy policy;
		const char *expected; /* of executions 0 … 9 */
	} cases[] = {
		{ "all", { 0, UINT64_MAX, 1 }, "1111111111" },
		{ "every third", { 0, UINT64_MAX, 3 }, "1001001001" },
		{ "window", { 2, 5, 1 }, "0011100000" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char got[11] = "";
		fixture.recorder.policy = cases[i].policy;
		for (uint64_t k = 0; k < 10; k++)
			got[k] = recorder_select(&fixture.recorder, k) ? '1' : '0';
		cr_expect_str_eq(got, cases[i].expected, "%s: %s, expected %s", cases[i].name, got, cases[i].expected);
	}
	close_fixture(&fixture);
}

Test(recorder, adjoining_phases_share_time_stamps)
{
	struct fixture fixture;
	open_fixture(&fixture, 64);
	struct recorder *recorder = &fixture.recorder;
	recorder->last = 1000;
	recorder_open(recorder, RECORD_OP, 7, 41);
	recorder_phase(recorder, PHASE_STARVED, 1500);
	recorder_phase(recorder, PHASE_COMPUTE, 1800);
	recorder_close(recorder, STATUS_OP);
	struct record record = take_one(&fixture);
	cr_expect_eq(record.kind, RECORD_OP);
	cr_expect_eq(record.status, STATUS_OP);
	cr_expect(record.node == 7 && record.execution == 41 && record.start == 1000);
	cr_assert_eq(record.n_phases, 2);
	cr_expect(record.phase[0] == PHASE_STARVED && record.ticks[0] == 500);
	cr_expect(record.phase[1] == PHASE_COMPUTE && record.ticks[1] == 300);
	cr_expect_eq(recorder->last, 1800u);
	close_fixture(&fixture);
}

/* Durations beyond 32 bits are kept to within one unit of the shift. */
Test(recorder, long_phases_are_scaled)
{
	struct fixture fixture;
	open_fixture(&fixture, 64);
	struct recorder *recorder = &fixture.recorder;
	uint64_t day = 86400ull * 2000000000ull;
	recorder->last = 0;
	recorder_open(recorder, RECORD_OP, 1, 1);
	recorder_phase(recorder, PHASE_COMPUTE, day);
	recorder_phase(recorder, PHASE_WRITE, day + 1000000);
	recorder_close(recorder, STATUS_OK);
	struct record record = take_one(&fixture);
	uint64_t got = (uint64_t)record.ticks[0] << record.shift;
	cr_expect(day - got < 1ull << record.shift, "%llu of %llu, shift %d", (unsigned long long)got, (unsigned long long)day,
		record.shift);
	got = (uint64_t)record.ticks[1] << record.shift;
	cr_expect(1000000 - got < 1ull << record.shift);
	close_fixture(&fixture);
}

/* More phases than a record has room for: the sum stays right. */
Test(recorder, many_phases_are_merged)
{
	struct fixture fixture;
	open_fixture(&fixture, 64);
	struct recorder *recorder = &fixture.recorder;
	recorder->last = 0;
	recorder_open(recorder, RECORD_OP, 1, 1);
	for (uint64_t i = 1; i <= 30; i++)
		recorder_phase(recorder, i % 2 ? PHASE_STARVED : PHASE_COMPUTE, i * 10);
	recorder_close(recorder, STATUS_OK);
	struct record record = take_one(&fixture);
	uint64_t sums[PHASE_COUNT] = { 0 };
	for (int i = 0; i < record.n_phases; i++)
		sums[record.phase[i]] += record.ticks[i];
	cr_expect_eq(record.n_phases, RECORD_PHASES_MAX);
	cr_expect(sums[PHASE_STARVED] == 150 && sums[PHASE_COMPUTE] == 150, "starved %llu, compute %llu",
		(unsigned long long)sums[PHASE_STARVED], (unsigned long long)sums[PHASE_COMPUTE]);
	close_fixture(&fixture);
}

Test(recorder, full_ring_drops_and_counts)
{
	struct fixture fixture;
	open_fixture(&fixture, 8);
	for (uint64_t i = 0; i < 20; i++)
		recorder_span(&fixture.recorder, PHASE_IDLE, i, i + 1);
	cr_expect_eq(atomic_load(&rings_get(&fixture.rings, 0)->lost[LOSS_RING_FULL]), 12u);
	struct record record = take_one(&fixture);
	cr_expect_eq(record.start, 0u);
	close_fixture(&fixture);
}

Test(recorder, without_ring_nothing_is_recorded)
{
	struct recorder recorder;
	clock_init();
	recorder_init(&recorder, NULL, &record_all);
	cr_expect(!recorder_select(&recorder, 0));
	recorder_span(&recorder, PHASE_IDLE, 1, 2);
	recorder_finish(&recorder, 0, 5, STATUS_OK, 0);
}

Test(recorder, seconds_and_off)
{
	struct recorder_policy policy = { 0 };
	cr_assert_eq(recorder_parse_policy("last=250ms", &policy, NULL), STATUS_OK);
	cr_expect(policy.last_ns == 250000000 && !policy.is_off, "%lld", (long long)policy.last_ns);
	cr_assert_eq(recorder_parse_policy("off", &policy, NULL), STATUS_OK);
	cr_expect(policy.last_ns == 0 && policy.is_off);
}

Test(recorder, triggers)
{
	static const struct {
		const char *text;
		int status;
		bool error, slow, stall, key;
		int64_t slow_ns;
		double slow_factor;
	} cases[] = {
		{ "error,stall", STATUS_OK, true, false, true, false, 0, 0 },
		{ "slow=5ms", STATUS_OK, false, true, false, false, 5000000, 0 },
		{ "key,slow=2.5x", STATUS_OK, false, true, false, true, 0, 2.5 },
		{ "slow=3x,slow=1s,error", STATUS_OK, true, true, false, false, 1000000000, 3 },
		{ "", STATUS_USAGE, false, false, false, false, 0, 0 },
		{ "error,", STATUS_USAGE, false, false, false, false, 0, 0 },
		{ "slow", STATUS_USAGE, false, false, false, false, 0, 0 },
		{ "slow=1x", STATUS_USAGE, false, false, false, false, 0, 0 },
		{ "slow=0", STATUS_USAGE, false, false, false, false, 0, 0 },
		{ "call", STATUS_USAGE, false, false, false, false, 0, 0 },
		{ "error stall", STATUS_USAGE, false, false, false, false, 0, 0 },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct recorder_triggers triggers = { .slow_ns = 0 };
		struct error error = { 0 };
		int status = recorder_parse_triggers(cases[i].text, &triggers, &error);
		cr_expect_eq(status, cases[i].status, "'%s': status %d, expected %d", cases[i].text, status, cases[i].status);
		cr_expect(status != STATUS_OK || (triggers.is_on[TRIGGER_ERROR] == cases[i].error
			&& triggers.is_on[TRIGGER_SLOW] == cases[i].slow && triggers.is_on[TRIGGER_STALL] == cases[i].stall
			&& triggers.is_on[TRIGGER_KEY] == cases[i].key && triggers.slow_ns == cases[i].slow_ns
			&& triggers.slow_factor == cases[i].slow_factor), "'%s' is read as something else", cases[i].text);
	}
}
