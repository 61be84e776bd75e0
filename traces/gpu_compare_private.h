/* SPDX-License-Identifier: Apache-2.0
 *
 * gpu_compare_private: what the makers of sums share: gpu_compare_sums.c (layout, division of time), gpu_compare_walk.c (sites and calls),
 * gpu_compare_file.c (tables).
 */
#ifndef TANDEM_TRACES_GPU_COMPARE_PRIVATE_H
#define TANDEM_TRACES_GPU_COMPARE_PRIVATE_H

#include "traces/gpu_compare_sums.h"

/* Devices, iterations, one gpu_sums_calls a process; room for unit_ns. */
int gpu_sums_layout(struct db *db, int64_t run, struct error *error, struct gpu_sums *sums);
/* Paths, sites, calls from spans; `sums` has its layout. */
int gpu_sums_walk(struct db *db, int64_t run, const volatile sig_atomic_t *interrupt, struct error *error, struct gpu_sums *sums);
/* Texts of the names that sites have. */
int gpu_sums_read_names(struct db *db, struct error *error, struct gpu_sums *sums);

int gpu_sums_out_of_memory(struct error *error);

/* Room for one more of *items, which double at powers of two; NULL when memory is out. */
void *gpu_sums_room(void *items, uint32_t n, uint64_t item_bytes);

#endif
