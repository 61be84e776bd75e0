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
#include "engine/run/program.h"
#include "engine/run/record.h"
#include "traces/store.h"
#include "traces/timebase.h"

struct intake;

/* `program` and `store` (with a run begun at `start`) must outlive it. *ret_intake is the caller's to destroy. */
int intake_create(struct store *store, const struct program *program, struct clock_pair start, struct error *error,
	struct intake **ret_intake);
void intake_destroy(struct intake *intake); /* accepts NULL */

/* Takes a clock sample and enters it when the last one is older than a quarter of a second. Call before intake_records. */
int intake_sample_clock(struct intake *intake, struct error *error);

/* Enters `n` records of worker `lane`, in the order in which they were written. Records that make no sense (a node
 * outside the program) are counted and left out. */
int intake_records(struct intake *intake, uint32_t lane, const struct record *records, uint32_t n, struct error *error);

/* Enters sums, bounds, and executions that are still in flight. */
int intake_flush(struct intake *intake, struct error *error);

/* The transaction was rolled back: what has not been flushed and committed is forgotten. */
void intake_forget(struct intake *intake);

/* Records left out because they made no sense. */
uint64_t intake_n_senseless(const struct intake *intake);

#endif
