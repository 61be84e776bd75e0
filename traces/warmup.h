/* SPDX-License-Identifier: Apache-2.0
 *
 * warmup: the first tenth of a run's executions (rounded up, never all) are its warm-up: caches, page tables and pipelines fill. They
 * are marked when the run has ended (execution.is_warmup) and left out of statistics; in a trace that was not finished none is marked.
 */
#ifndef TANDEM_TRACES_WARMUP_H
#define TANDEM_TRACES_WARMUP_H

#include <stdint.h>

#include "engine/base/error.h"
#include "traces/db.h"

/* How many of `n` executions are warm-up. */
int64_t warmup_count(int64_t n);

/* Marks them, in the caller's transaction; only executions among the first tenth of those submitted, of which not all may be recorded. */
int warmup_mark(struct db *db, int64_t run, struct error *error);

/* How many are marked. */
int warmup_marked(struct db *db, int64_t run, int64_t *ret_n, struct error *error);

#endif
