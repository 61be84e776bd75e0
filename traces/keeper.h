/* SPDX-License-Identifier: Apache-2.0
 *
 * keeper: what of a run is kept one by one, and what only in sums (doc/recording.md). Stands between the collector's loop and the intake.
 *
 *     all, every=N, window=A:B:   ROWS ──file nears its limit──► CUTTING ──all executions begun are in──► SUMS ──end──► rows of the
 *                                                                                                                   last seconds
 *     last=SECONDS:               SUMS ──trigger──► rows of the last seconds, SAVING ──100 ms, in-flight ended──► SUMS
 *
 * ROWS, SAVING: records become rows and sums. SUMS: sums, and the latest are held in memory (window.h). CUTTING: rows of executions that
 * had begun when the limit came near, of the others only sums.
 */
#ifndef TANDEM_TRACES_KEEPER_H
#define TANDEM_TRACES_KEEPER_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/run/collect.h"
#include "engine/run/program.h"
#include "traces/intake.h"
#include "traces/store.h"

#define KEEPER_TAIL_NS 100000000          /* least that is recorded after a trigger */
#define KEEPER_TAIL_MAX_NS 1000000000     /* most, or the policy's seconds when that is longer */
#define KEEPER_WINDOW_RECORDS (1u << 21)  /* held in memory over all lanes: 128 MiB */

struct keeper;

/* Reads the policy, limit and triggers from the program's settings. `store` has a run begun; all must outlive it. `warn` gets a sentence,
 * at most once for each cause. */
struct keeper_host {
	struct store *store;
	struct intake *intake;
	const struct program *program;
	uint32_t n_lanes;
	void (*warn)(void *user, const char *text);
	void *user;
};
int keeper_create(const struct keeper_host *host, struct error *error, struct keeper **ret_keeper);
void keeper_destroy(struct keeper *keeper); /* accepts NULL */

/* The following are called in a transaction; when one fails that is rolled back. */

/* Enters records of a lane as the state demands. */
int keeper_records(struct keeper *keeper, uint32_t lane, const struct record *records, uint32_t n, struct error *error);
/* COLLECT_SAVE came. Written at the next keeper_round. */
void keeper_ask(struct keeper *keeper, const struct collect_message *message, const char *text);
/* After each round over all lanes: saves, ends of saves, the limit. */
int keeper_round(struct keeper *keeper, struct error *error);
/* All records are in: to be called, with a commit after each call, until *ret_is_done. `failure` is why the run ended, NULL when it ended
 * as it should. */
int keeper_end(struct keeper *keeper, const char *failure, bool *ret_is_done, struct error *error);

/* Whether keeper_round has something to do without records. */
bool keeper_is_due(const struct keeper *keeper);
/* Whether a line of the log or a failure still fits below the limit; false counts it as lost. */
bool keeper_admits_text(struct keeper *keeper);
/* Whether the open transaction has grown as far as the limit on the file allows. */
bool keeper_wants_commit(const struct keeper *keeper);
void keeper_committed(struct keeper *keeper);
/* Records of a lane that are only in the sums because of the limit. */
uint64_t keeper_n_limited(const struct keeper *keeper, uint32_t lane);

#endif
