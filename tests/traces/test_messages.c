/* SPDX-License-Identifier: Apache-2.0
 *
 * What was reported: read once, found by lane and time, bounded.
 */
#include "traces/messages.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/attributes.h"
#include "tests/traces/synthetic.h"

#define START_NS 1000
#define NOBODY PROGRAM_NONE

struct fixture {
	struct synthetic synthetic;
	struct synthetic_intake target;
	struct trace *trace;
	struct timeline *timeline;
	struct messages messages;
};

static void say(struct fixture *fixture, int64_t time_ns, const char *level, uint32_t worker, const char *text)
{
	struct error error = { 0 };
	cr_assert_eq(store_log(fixture->target.store, time_ns, level, worker, PROGRAM_NONE, UINT64_MAX, text, &error), STATUS_OK, "%s", error.text);
}

static void init(struct fixture *fixture)
{
	*fixture = (struct fixture){ 0 };
	synthetic_init(&fixture->synthetic, 2, 2, 4, 64);
	synthetic_use_ns();
	synthetic_intake_init(&fixture->target, &fixture->synthetic, fixture->synthetic.file, START_NS);
}

static void look(struct fixture *fixture)
{
	struct error error = { 0 };
	synthetic_intake_end(&fixture->target, 90000);
	synthetic_intake_finish(&fixture->target);
	cr_assert_eq(trace_open(fixture->synthetic.file, &error, &fixture->trace), STATUS_OK, "%s", error.text);
	cr_assert_eq(timeline_open(fixture->trace, 0, NULL, NULL, &error, &fixture->timeline), STATUS_OK, "%s", error.text);
	cr_assert_eq(messages_read(&fixture->messages, fixture->timeline, &error), STATUS_OK, "%s", error.text);
}

static void finish(struct fixture *fixture)
{
	messages_finish(&fixture->messages);
	timeline_close(fixture->timeline);
	trace_close(fixture->trace);
	synthetic_finish(&fixture->synthetic);
}

static int lane_of(const struct timeline *timeline, const char *name)
{
	for (int i = 0; i < timeline->n_lanes; i++) {
		if (strcmp(timeline->lanes[i].name, name) == 0)
			return i;
	}
	return TIMELINE_NONE;
}

Test(messages, found_by_lane_and_time)
{
	static const struct {
		const char *lane;
		int64_t from_ns, until_ns;
		const char *text; /* NULL: nothing */
	} cases[] = {
		{ NULL, 0, 3000, NULL },
		{ NULL, 3000, 3001, "w0 waits" },
		{ NULL, 0, 9000, "w1 waits" },
		{ NULL, 0, 99999, "died" },
		{ "w0", 0, 9000, "w0 waits" },
		{ "w1", 0, 9000, "w1 waits" },
		{ "w1", 9000, 99999, "died" },
		{ "driver", 0, 9000, NULL },
		{ "w0", 6000, 7000, NULL },
	};
	struct fixture fixture;
	init(&fixture);
	say(&fixture, 5000, "warning", 2, "w1 waits");
	say(&fixture, 3000, "warning", 1, "w0 waits");
	say(&fixture, 4000, "info", 1, "hello");
	say(&fixture, 70000, "error", NOBODY, "died");
	say(&fixture, 80000, "warning", NOBODY, "late");
	look(&fixture);
	cr_expect_eq(fixture.messages.n, 4, "%d messages", fixture.messages.n);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int lane = cases[i].lane ? lane_of(fixture.timeline, cases[i].lane) : TIMELINE_NONE;
		const struct message *message = messages_find(&fixture.messages, lane, cases[i].from_ns, cases[i].until_ns);
		const char *is = message ? message->text : "nothing", *should = cases[i].text ? cases[i].text : "nothing";
		cr_expect_str_eq(is, should, "%s from %lld until %lld: '%s', should be '%s'", cases[i].lane ? cases[i].lane : "any lane",
			(long long)cases[i].from_ns, (long long)cases[i].until_ns, is, should);
	}
	finish(&fixture);
}

Test(messages, read_once_and_bounded)
{
	struct fixture fixture;
	struct error error = { 0 };
	char text[32];
	init(&fixture);
	for (int i = 0; i < MESSAGES_MAX + 5; i++) {
		snprintf(text, sizeof(text), "number %d", i);
		say(&fixture, 2000 + i, "warning", NOBODY, text);
	}
	look(&fixture);
	cr_assert_eq(fixture.messages.n, MESSAGES_MAX, "%d messages", fixture.messages.n);
	cr_expect_str_eq(fixture.messages.items[0].text, "number 5", "%s", fixture.messages.items[0].text);
	cr_expect_eq(messages_read(&fixture.messages, fixture.timeline, &error), STATUS_OK, "%s", error.text);
	cr_expect_eq(fixture.messages.n, MESSAGES_MAX, "%d messages after another look", fixture.messages.n);
	snprintf(text, sizeof(text), "number %d", MESSAGES_MAX + 4);
	cr_expect_str_eq(fixture.messages.items[MESSAGES_MAX - 1].text, text, "%s", fixture.messages.items[MESSAGES_MAX - 1].text);
	finish(&fixture);
}
