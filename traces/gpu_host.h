/* SPDX-License-Identifier: Apache-2.0
 *
 * gpu_host: what the host's threads did lately: enough to say it of any instant since a device fell idle, and no more. Spans
 * come in order of their start; those that ended before all devices of their process fell idle are forgotten.
 */
#ifndef TANDEM_TRACES_GPU_HOST_H
#define TANDEM_TRACES_GPU_HOST_H

#include <stdint.h>

#include "engine/base/error.h"
#include "traces/gpu_time.h"

struct gpu_host_span {
	int64_t start_ns, end_ns;
	enum gpu_time kind;      /* PROFILER … HOST_CODE */
};

/* The spans of one thread, or the overheads of one process. */
struct gpu_host {
	struct gpu_host_span *spans; /* owned */
	uint32_t n, capacity;
	int64_t forgotten_ns;    /* before: unknown, there were too many */
};

struct gpu_host_scratch {
	struct gpu_host_edge {
		int64_t ns;
		int kind, step;
	} *edges;                /* owned */
	uint32_t n, capacity;
};

/* `horizon_ns`: nobody will ask for earlier instants; may be computed for each call or lag behind. Beyond `n_max` spans that
 * may still be asked for all are forgotten. */
int gpu_host_add(struct gpu_host *host, const struct gpu_host_span *span, int64_t horizon_ns, uint32_t n_max, struct error *error);

/* A piece of time, never empty. */
typedef void gpu_host_piece_fn(void *user, int64_t start_ns, int64_t end_ns, enum gpu_time kind);

/* Divides [a, b) by the first kind in the order of enum gpu_time that covers an instant; HOST_OTHER where none does, UNKNOWN where it was forgotten.
 * Either of the two hosts may be NULL. The pieces come in order and cover [a, b). */
int gpu_host_divide(const struct gpu_host *thread, const struct gpu_host *overhead, int64_t a, int64_t b, struct gpu_host_scratch *scratch,
	gpu_host_piece_fn *piece, void *user, struct error *error);

void gpu_host_finish(struct gpu_host *host);

#endif
