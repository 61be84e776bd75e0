/* SPDX-License-Identifier: Apache-2.0
 *
 * gpu_analyses: what is computed once, when a trace was imported, and stored in it, so that reports and views need not look at its spans.
 */
#ifndef TANDEM_TRACES_GPU_ANALYSES_H
#define TANDEM_TRACES_GPU_ANALYSES_H

#include <signal.h>

#include "engine/base/error.h"
#include "traces/db.h"

/* Reads the run, writes its own tables. STATUS_STOPPED on interrupt. */
typedef int gpu_analysis_fn(struct db *db, int64_t run, const volatile sig_atomic_t *interrupt, struct error *error);

/* All of them, in order, in one transaction on a database that is open for writing. */
int gpu_analyses_run(struct db *db, int64_t run, const volatile sig_atomic_t *interrupt, struct error *error);

/* The same on a file that an import has just written and nobody else knows yet. */
int gpu_analyses_run_file(const char *file, const volatile sig_atomic_t *interrupt, struct error *error);

#endif
