/* SPDX-License-Identifier: Apache-2.0
 *
 * timeline_bench: long traces to measure viewers with, made through the same intake and store as recorded ones.
 */
#ifndef TANDEM_TRACES_TIMELINE_BENCH_H
#define TANDEM_TRACES_TIMELINE_BENCH_H

#include <stdint.h>

#include "engine/base/error.h"
#include "traces/timeline.h"

#define TIMELINE_BENCH_WORKERS 4 /* besides the driver */

/* Writes `file` (replaced when it is a trace): about n_spans ops of a chain over the workers, at rates that change by 30 ×, with a stall of
 * some ms in each 500,000 or so, waits with names, and a few lost records. Deterministic but for the clock. 3 s a million. `progress` (may
 * be NULL) is told the share done and may return false to give up: STATUS_STOPPED. */
int timeline_bench_make(const char *file, int64_t n_spans, timeline_progress_fn *progress, void *user, struct error *error);

/* The same of a trace as if imported: eight ranks, nested operators of 4,000 names, calls and the kernels they launch, copies. Through the importers'
 * sink, its sorting, and what is computed at an import's end. */
int timeline_bench_import(const char *file, int64_t n_spans, timeline_progress_fn *progress, void *user, struct error *error);

#endif
