/* SPDX-License-Identifier: Apache-2.0
 *
 * gpu_rows: the spans of an imported run in order of time, with what stands beside device work: one scan of the file, handed to all that look at it.
 */
#ifndef TANDEM_TRACES_GPU_ROWS_H
#define TANDEM_TRACES_GPU_ROWS_H

#include <signal.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "traces/db.h"

#define GPU_ROW_UNKNOWN (-1)

/* Numbers are the file's; 0 where there is none, GPU_ROW_UNKNOWN where said. */
struct gpu_row {
	int64_t id, lane, kind;      /* enum span_kind */
	int64_t start_ns, end_ns;    /* end ≥ start */
	int64_t name, category;      /* strings */
	int64_t class;               /* of kernels and calls; GPU_ROW_UNKNOWN */
	int64_t bytes;               /* of all but calls and annotations; GPU_ROW_UNKNOWN */
	int64_t execution;           /* likewise */
	int64_t launch, sync_kind, copy_kind, graph_node; /* of device work and its synchronisation */
};

/* Other than STATUS_OK ends the scan. */
typedef int gpu_row_fn(void *user, const struct gpu_row *row, struct error *error);
struct gpu_row_visitor {
	gpu_row_fn *visit;
	void *user;
};

/* Each row is shown to all visitors in turn. STATUS_TRACE for times that cannot be, STATUS_STOPPED on interrupt (may be NULL). */
int gpu_rows_each(struct db *db, int64_t run, const struct gpu_row_visitor *visitors, uint32_t n_visitors, const volatile sig_atomic_t *interrupt,
	struct error *error);

/* The run's rows lie from *ret_first on within *ret_n ids, 0 when it has none. */
int gpu_rows_bounds(struct db *db, int64_t run, int64_t *ret_first, int64_t *ret_n, struct error *error);

#endif
