/* SPDX-License-Identifier: Apache-2.0
 *
 * intake: records become rows. Ticks turn into ns, phases into columns, submits and finishes into executions, and sums
 * are kept, so that views cost no scan. Rows go into an open transaction; intake_flush adds what belongs to it, before
 * the commit. When writing fails the transaction is rolled back by the caller, who says so with intake_forget.
 */
#ifndef TANDEM_TRACES_INTAKE_H
#define TANDEM_TRACES_INTAKE_H

#include <stdint.h>

#include "engine/base/error.h"
#include "engine/run/control.h"
#include "engine/run/program.h"
#include "engine/run/record.h"
#include "traces/store.h"
#include "traces/timebase.h"

struct intake;

/* `program` and `store` (with a run begun at `start`) must outlive it. *ret_intake is the caller's to destroy. */
int intake_create(struct store *store, const struct program *program, struct clock_pair start, struct error *error,
	struct intake **ret_intake);
void intake_destroy(struct intake *intake); /* accepts NULL */

/* Takes a clock sample when the last one is older than a quarter of a second, and enters it unless records are only summed. Call before
 * intake_records. */
int intake_sample_clock(struct intake *intake, struct error *error);

/* What becomes of records: rows, sums, or both, as at first. What is only summed now may become rows later, in the same order; each lane
 * keeps to its neighbours in both separately. */
enum intake_pass {
	INTAKE_ROWS = 1,
	INTAKE_SUMS = 2,
};
void intake_set_passes(struct intake *intake, unsigned passes);

/* Told while records are summed. `start_ns` is INT64_MIN when the submit was not recorded. Must outlive the intake. */
struct intake_listener {
	void (*submitted)(void *user, uint64_t execution);
	void (*finished)(void *user, uint64_t execution, int64_t start_ns, int64_t end_ns, int status);
	void *user;
};
void intake_listen(struct intake *intake, const struct intake_listener *listener);

/* Enters `n` records of worker `lane`, in the order in which they were written. Records that make no sense (a node
 * outside the program) are counted and left out. */
int intake_records(struct intake *intake, uint32_t lane, const struct record *records, uint32_t n, struct error *error);

/* A lane whose process never came to the end of what it did: an op that still runs, or a wait (its cause in `wait`, with what it waits for),
 * until `end_ns`. The op becomes a span from where the lane's last record or wait ended, a wait one from `since` on. Nothing is entered when the
 * lane went on after `since` (ticks; of an op 0), or its execution is not under way. */
struct intake_unended {
	uint32_t lane, node;
	uint64_t execution, since;
	const struct control_wait_copy *wait; /* NULL: the op */
};
int intake_enter_unended(struct intake *intake, const struct intake_unended *unended, int64_t end_ns, struct error *error);

/* Enters sums, bounds, and executions that are still in flight. */
int intake_flush(struct intake *intake, struct error *error);

/* Nothing more will come: completes the level of detail, in a transaction of its own. Not being able to is no loss: viewers make up for what
 * is not complete. */
int intake_close(struct intake *intake, struct error *error);

/* The transaction was rolled back: what has not been flushed and committed is forgotten. */
void intake_forget(struct intake *intake);

/* Host time of a recorder's ticks, in ns. */
int64_t intake_ns(const struct intake *intake, uint64_t ticks);

/* Records left out because they made no sense. */
uint64_t intake_n_senseless(const struct intake *intake);

#endif
