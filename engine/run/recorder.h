/* SPDX-License-Identifier: Apache-2.0
 *
 * recorder: the writer's side of recording in one process. It keeps one open record and one time stamp, the end of the last
 * phase, where the next one starts: adjoining phases share a time stamp.
 */
#ifndef TANDEM_ENGINE_RUN_RECORDER_H
#define TANDEM_ENGINE_RUN_RECORDER_H

#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/error.h"
#include "engine/run/ring.h"

/* Which executions are recorded (`--record`). */
struct recorder_policy {
	uint64_t first, end; /* executions first ≤ k < end … */
	uint64_t every;      /* … of which every n-th, counted from first */
	int64_t last_ns;     /* 0; else all are recorded, and the collector keeps this long and writes it when something asks for it */
	bool is_off;         /* nothing is recorded, and no trace is made */
};

/* "all", "every=N", "window=A:B" (A ≤ k < B), "last=SECONDS" (or with a unit, "last=500ms"), "off". STATUS_USAGE with a text that lists
 * the forms. */
int recorder_parse_policy(const char *text, struct recorder_policy *ret_policy, struct error *error);

/* What saves the last seconds. */
struct recorder_triggers {
	bool is_on[RECORD_TRIGGERS];
	int64_t slow_ns;     /* latency of a slow execution; 0: none */
	double slow_factor;  /* the same as a multiple of the running median; 0: none */
};

#define RECORDER_TRIGGERS_DEFAULT "error,stall"
#define RECORDER_LIMIT_BYTES_DEFAULT (UINT64_C(1) << 30)
#define RECORDER_LIMIT_BYTES_MIN (UINT64_C(1) << 20)

/* A list of "error", "stall", "slow=DURATION", "slow=Nx" and "key", separated by commas. STATUS_USAGE with a text that lists them. */
int recorder_parse_triggers(const char *text, struct recorder_triggers *ret_triggers, struct error *error);

struct recorder {
	struct ring_writer writer;
	struct recorder_policy policy;
	bool is_on;         /* the current execution is recorded */
	uint64_t last;      /* ticks: end of the last phase */
	uint64_t overflow;  /* of the open record: largest duration when one needs more than 32 bits */
	struct record open;
	uint64_t wide[RECORD_PHASES_MAX];
};

/* Without a ring nothing is ever recorded. */
void recorder_init(struct recorder *recorder, struct ring_header *ring, const struct recorder_policy *policy);

/* Decides about `execution`. Returns is_on. */
static inline bool recorder_select(struct recorder *recorder, uint64_t execution)
{
	const struct recorder_policy *policy = &recorder->policy;
	recorder->is_on = recorder->writer.ring && execution - policy->first < policy->end - policy->first
		&& (policy->every == 1 || (execution - policy->first) % policy->every == 0);
	return recorder->is_on;
}

/* Opens the record of a node in an execution at the end of the last phase. */
static inline void recorder_open(struct recorder *recorder, enum record_kind kind, uint32_t node, uint64_t execution)
{
	recorder->open.kind = (uint8_t)kind;
	recorder->open.status = STATUS_OK;
	recorder->open.n_phases = 0;
	recorder->open.node = node;
	recorder->open.execution = execution;
	recorder->open.start = recorder->last;
	recorder->overflow = 0;
}

COLD void recorder_merge_phase(struct recorder *recorder, enum phase phase, uint64_t ticks);

/* A phase of the open record from the end of the last one to `now`. */
static inline void recorder_phase(struct recorder *recorder, enum phase phase, uint64_t now)
{
	uint64_t ticks = now - recorder->last;
	recorder->last = now;
	unsigned n = recorder->open.n_phases;
	if (unlikely(n == RECORD_PHASES_MAX || ticks > UINT32_MAX)) {
		recorder_merge_phase(recorder, phase, ticks);
		return;
	}
	recorder->open.phase[n] = (uint8_t)phase;
	recorder->wide[n] = ticks;
	recorder->open.n_phases = (uint8_t)(n + 1);
}

/* Writes the open record, with its durations, into the ring. */
static inline void recorder_close(struct recorder *recorder, int status)
{
	struct record *cell = ring_next(&recorder->writer);
	if (!cell)
		return;
	recorder->open.status = (uint8_t)status;
	recorder->open.shift = 0;
	while (unlikely(recorder->overflow >> recorder->open.shift > UINT32_MAX))
		recorder->open.shift++;
	for (int i = 0; i < RECORD_PHASES_MAX; i++)
		recorder->open.ticks[i] = (uint32_t)(recorder->wide[i] >> recorder->open.shift);
	*cell = recorder->open;
	ring_commit(&recorder->writer);
}

/* Leaves out what lies between the last phase and `now` (an execution that was not recorded). */
static inline void recorder_skip_to(struct recorder *recorder, uint64_t now)
{
	recorder->last = now;
}

/* A span of one phase that belongs to no node, from `start` to `end`; nothing when it is empty. */
void recorder_span(struct recorder *recorder, enum phase phase, uint64_t start, uint64_t end);

/* A row for a wait with a name. */
void recorder_wait(struct recorder *recorder, enum phase cause, uint32_t node, uint64_t execution, uint64_t start, uint64_t end,
	uint32_t edge, uint32_t channel, uint32_t slot, uint32_t peer);

/* Driver: an execution's results are complete (RECORD_FINISH) or it was submitted (RECORD_SUBMIT) at `now`. */
void recorder_finish(struct recorder *recorder, uint64_t execution, uint64_t now, int status, uint32_t failure);
void recorder_submit(struct recorder *recorder, uint64_t execution, uint64_t now);

#endif
