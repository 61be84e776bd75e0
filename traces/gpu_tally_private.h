/* SPDX-License-Identifier: Apache-2.0
 *
 * gpu_tally_private: what the makers of sums share: gpu_tally.c (layout, division of time), gpu_tally_walk.c (sites and calls),
 * gpu_tally_file.c (tables).
 */
#ifndef TANDEM_TRACES_GPU_TALLY_PRIVATE_H
#define TANDEM_TRACES_GPU_TALLY_PRIVATE_H

#include "traces/gpu_rows.h"
#include "traces/gpu_tally.h"

/* Devices, iterations, one gpu_tally_calls a process; room for unit_ns. */
int gpu_tally_layout(struct db *db, int64_t run, struct error *error, struct gpu_tally *sums);
/* Paths, sites, calls from a scan (gpu_rows.h), whose rows gpu_tally_row is shown with the pass as its user; `sums` has its
 * layout. `error` and `sums` must stay until the end, which releases the pass. */
struct gpu_tally_pass;
int gpu_tally_begin(struct db *db, int64_t run, struct error *error, struct gpu_tally *sums, struct gpu_tally_pass **ret_pass);
int gpu_tally_row(void *pass, const struct gpu_row *row, struct error *error);
void gpu_tally_end(struct gpu_tally_pass *pass);
/* Texts of the names that sites have. */
int gpu_tally_read_names(struct db *db, struct error *error, struct gpu_tally *sums);

int gpu_tally_out_of_memory(struct error *error);

/* Room for one more of *items, which double at powers of two; NULL when memory is out. */
void *gpu_tally_room(void *items, uint32_t n, uint64_t item_bytes);

#endif
