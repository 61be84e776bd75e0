/* SPDX-License-Identifier: Apache-2.0
 *
 * gpu_order: what had to be over before device work or a host call of an imported run could go on, and the walk back along
 * what was over last.
 *
 * The walk, from a point in time on a device or a host thread, is contiguous back to the time asked for. At device work: it
 * itself; then whichever was over last of
 *   - the work that a stream-wait-event in front of it waits for (record → wait, where the trace ties them);
 *   - the work before it on its stream;
 *   - for work of one graph launch: the work of the same launch on the device's other streams (assumed: a graph's edges are
 * not in a trace);
 *   - its launch: the call's return, or its own start where the call returned later.
 * Of equals the first in this list. A collective goes on at the start of the member that came last. On a host thread: the
 * innermost span; a call that waited (synchronise, copy) goes on at the work that was over last before it returned; where a
 * thread is in no span but annotations of the program's own (user_annotation, iterations) for longer than GPU_HANDOVER_NS,
 * at the latest moment since at which another launching thread of the process came to rest (assumed: autograd hands over
 * like this). In no span at all: host, beyond GPU_HANDOVER_NS unknown. What was between two of them is launch latency
 * (device_gap after work of the device) up to GPU_LATENCY_NS, beyond it unknown: something else that the trace does not have
 * was waited for.
 */
#ifndef TANDEM_TRACES_GPU_ORDER_H
#define TANDEM_TRACES_GPU_ORDER_H

#include "traces/collectives.h"
#include "traces/gpu_model.h"

#define GPU_LATENCY_NS 30000
#define GPU_HANDOVER_NS 100000

/* X(NAME, word): stored by number: append only. */
#define GPU_STEP_MAP(X)                                                                                            \
	X(UNKNOWN, "unknown") X(HOST, "host") X(LAUNCH, "launch_latency") X(COMPUTE, "compute")                    \
	X(COLLECTIVE, "collective") X(COPY, "copy") X(GRAPH, "graph") X(GAP, "device_gap") X(SYNC, "sync")         \
	X(PROFILER, "profiler")
enum gpu_step_class {
#define X(name, word) GPU_STEP_##name,
	GPU_STEP_MAP(X)
#undef X
	GPU_STEP_COUNT
};
const char *gpu_step_word(enum gpu_step_class class);

struct gpu_step {
	int64_t start_ns, end_ns; /* start < end */
	enum gpu_step_class class;
	uint32_t span;            /* who: of LAUNCH and GAP: the work that began afterwards; GPU_NONE */
	uint32_t process;         /* GPU_NONE: not known */
};

/* An event: recorded on a stream, waited for by a stream (or by a host call). */
struct gpu_event_wait {
	uint32_t process;
	uint32_t call;            /* host waits: span of the call; GPU_NONE */
	int64_t wait_ns, stream;  /* else: host's moment of the wait, waiting stream */
	int64_t record_ns, record_stream;
};

struct gpu_order;

/* The waits as the file has them; *ret_waits is released with free. */
int gpu_order_waits(const struct gpu_model *model, struct error *error, struct gpu_event_wait **ret_waits, uint32_t *ret_n);
/* All three must be there as long as the order; `collectives` may be NULL. Spans marked in `is_iteration` [n_spans] (may be
 * NULL) say nothing of what a thread does. Memory: 8 bytes a wait, 4 a launching thread and lane. *ret_order is the caller's
 * to free. */
int gpu_order_create(const struct gpu_model *model, const struct gpu_event_wait *waits, uint32_t n_waits, const struct collectives *collectives,
	const uint8_t *is_iteration, struct error *error, struct gpu_order **ret_order);
void gpu_order_free(struct gpu_order *order); /* accepts NULL */

/* The thread of a host span, of a lane; GPU_NONE for others. */
uint32_t gpu_order_thread(const struct gpu_order *order, uint32_t span);
uint32_t gpu_order_lane_thread(const struct gpu_order *order, uint32_t lane);

/* Kernels, copies, memsets, graph launches as a whole. */
bool gpu_order_is_work(const struct gpu_span *span);
/* When the host asked for work; its own start where that is not known. */
int64_t gpu_order_asked_ns(const struct gpu_model *model, const struct gpu_span *span);

struct gpu_point {
	uint32_t span;            /* device work; GPU_NONE: on the thread */
	uint32_t thread;
	int64_t ns;               /* after the work's end: unknown back to it */
};

/* Steps come latest first; other than STATUS_OK ends the walk. */
typedef int gpu_step_fn(void *user, const struct gpu_step *step, struct error *error);
int gpu_order_walk(struct gpu_order *order, struct gpu_point from, int64_t until_ns, gpu_step_fn *visit, void *user, struct error *error);

#endif
