/* SPDX-License-Identifier: Apache-2.0
 *
 * gpu_totals: counts, times and bytes by two numbers: kernels of a device by name, calls of a process by name, copies of a device by kind.
 */
#ifndef TANDEM_TRACES_GPU_TOTALS_H
#define TANDEM_TRACES_GPU_TOTALS_H

#include <stdint.h>

#include "engine/base/error.h"

struct gpu_total {
	int64_t group, name;     /* the two numbers */
	int64_t n;               /* 0: a free place of the table */
	int64_t ns, min_ns, max_ns, max_row, bytes;
	int64_t class;           /* of the first that came */
};

struct gpu_totals {
	struct gpu_total *slots; /* owned; [n_slots], a power of two or 0 */
	uint32_t n_slots, n;
};

/* Adds one; `bytes` below 0 are not known. */
int gpu_totals_add(struct gpu_totals *totals, int64_t group, int64_t name, int64_t class, int64_t row, int64_t ns, int64_t bytes,
	struct error *error);
void gpu_totals_finish(struct gpu_totals *totals);

#endif
