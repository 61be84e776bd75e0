/* SPDX-License-Identifier: Apache-2.0
 *
 * recorder: the rarer records, and phases that do not fit.
 */
#include "engine/run/recorder.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/units.h"
#include "engine/run/program.h"

int recorder_parse_policy(const char *text, struct recorder_policy *ret_policy, struct error *error)
{
	struct recorder_policy policy = { .first = 0, .end = UINT64_MAX, .every = 1 };
	int used = 0;
	if (strcmp(text, "all") == 0 || strcmp(text, "off") == 0)
		used = 3;
	else if (strncmp(text, "last=", 5) == 0)
		used = units_parse_duration(text + 5, &policy.last_ns) == 0 && policy.last_ns > 0 ? (int)strlen(text) : -1;
	else if (sscanf(text, "every=%" SCNu64 "%n", &policy.every, &used) < 1
		&& sscanf(text, "window=%" SCNu64 ":%" SCNu64 "%n", &policy.first, &policy.end, &used) < 2)
		used = -1;
	if (used < 0 || text[used] || !policy.every || policy.end <= policy.first || strchr(text, '-'))
		return error_set(error, STATUS_USAGE, "'%s' is no recording policy: use all, every=N, window=FIRST:END (END excluded),"
			" last=SECONDS or off", text);
	policy.is_off = strcmp(text, "off") == 0;
	*ret_policy = policy;
	return STATUS_OK;
}

/* One of the list, of `length` bytes; false when it is none. */
static bool parse_trigger(const char *text, size_t length, struct recorder_triggers *triggers)
{
	char word[64];
	if (length >= sizeof word)
		return false;
	memcpy(word, text, length);
	word[length] = '\0';
	if (strncmp(word, "slow=", 5) == 0) {
		char *end;
		double factor = strtod(word + 5, &end);
		triggers->is_on[TRIGGER_SLOW] = true;
		if (end != word + 5 && strcmp(end, "x") == 0) {
			triggers->slow_factor = factor;
			return factor > 1 && factor < 1e9;
		}
		return units_parse_duration(word + 5, &triggers->slow_ns) == 0 && triggers->slow_ns > 0;
	}
	for (int i = 0; i < RECORD_TRIGGERS; i++) {
		if (i != TRIGGER_SLOW && strcmp(word, trigger_word((enum trigger)i)) == 0)
			return triggers->is_on[i] = true;
	}
	return false;
}

int recorder_parse_triggers(const char *text, struct recorder_triggers *ret_triggers, struct error *error)
{
	struct recorder_triggers triggers = { .slow_ns = 0 };
	const char *at = text;
	do {
		size_t length = strcspn(at, ",");
		if (!parse_trigger(at, length, &triggers))
			return error_set(error, STATUS_USAGE, "'%.*s' saves nothing: use a list of error, stall, slow=DURATION,"
				" slow=Nx (N times the median, N over 1) and key", (int)(length < 60 ? length : 60), at);
		at += length;
	} while (*at++ == ',');
	*ret_triggers = triggers;
	return STATUS_OK;
}

void recorder_init(struct recorder *recorder, struct ring_header *ring, const struct recorder_policy *policy)
{
	memset(recorder, 0, sizeof *recorder);
	recorder->policy = *policy;
	if (ring)
		ring_writer_init(&recorder->writer, ring);
	recorder->last = clock_ticks().count;
}

/* When there is no room the phase is added to an earlier one of its kind; failing that, to the last, which then counts as unknown. */
void recorder_merge_phase(struct recorder *recorder, enum phase phase, uint64_t ticks)
{
	struct record *open = &recorder->open;
	unsigned at = open->n_phases;
	if (at == RECORD_PHASES_MAX) {
		at = 0;
		while (at < RECORD_PHASES_MAX - 1 && open->phase[at] != phase)
			at++;
		if (open->phase[at] != phase)
			open->phase[at] = PHASE_UNKNOWN;
		recorder->wide[at] += ticks;
	} else {
		open->phase[at] = (uint8_t)phase;
		recorder->wide[at] = ticks;
		open->n_phases++;
	}
	if (recorder->wide[at] > recorder->overflow)
		recorder->overflow = recorder->wide[at];
}

static uint32_t narrow(uint64_t ticks, uint8_t *ret_shift)
{
	*ret_shift = 0;
	while (ticks >> *ret_shift > UINT32_MAX)
		++*ret_shift;
	return (uint32_t)(ticks >> *ret_shift);
}

static void put(struct recorder *recorder, const struct record *record)
{
	struct record *cell = recorder->writer.ring ? ring_next(&recorder->writer) : NULL;
	if (!cell)
		return;
	*cell = *record;
	ring_commit(&recorder->writer);
}

void recorder_span(struct recorder *recorder, enum phase phase, uint64_t start, uint64_t end)
{
	if (end <= start)
		return;
	struct record record = { .kind = RECORD_SPAN, .node = PROGRAM_NONE, .execution = UINT64_MAX, .start = start,
		.n_phases = 1, .phase = { (uint8_t)phase } };
	record.ticks[0] = narrow(end - start, &record.shift);
	put(recorder, &record);
}

void recorder_wait(struct recorder *recorder, enum phase cause, uint32_t node, uint64_t execution, uint64_t start, uint64_t end,
	uint32_t edge, uint32_t channel, uint32_t slot, uint32_t peer)
{
	if (end <= start)
		return;
	struct record record = { .kind = RECORD_WAIT, .node = node, .execution = execution, .start = start, .n_phases = 1,
		.phase = { (uint8_t)cause },
		.wait = { .edge = edge, .channel = channel, .slot = slot, .peer = peer } };
	record.wait.ticks = narrow(end - start, &record.shift);
	put(recorder, &record);
}

void recorder_finish(struct recorder *recorder, uint64_t execution, uint64_t now, int status, uint32_t failure)
{
	struct record record = { .kind = RECORD_FINISH, .node = PROGRAM_NONE, .execution = execution, .start = now,
		.status = (uint8_t)status, .finish = { .failure = failure } };
	put(recorder, &record);
}

void recorder_submit(struct recorder *recorder, uint64_t execution, uint64_t now)
{
	struct record record = { .kind = RECORD_SUBMIT, .node = PROGRAM_NONE, .execution = execution, .start = now };
	put(recorder, &record);
}
