/* SPDX-License-Identifier: Apache-2.0
 *
 * gpu_split: where the time of devices went: per device a partition of the run's window by enum gpu_time, the unions of its
 * work by class and how they overlap, and per stream the waits of HTA ("Holistic Trace Analysis") between its pieces of
 * work. Everything is fed in order of its start, once; memory is bounded by what overlaps an idle stretch.
 *
 *     work, host spans, overheads, stream waits (by start) ──► gpu_split ──end──► struct gpu_split_device, struct
 * gpu_split_stream
 *
 * Times are ns on the trace's clock.
 */
#ifndef TANDEM_TRACES_GPU_SPLIT_H
#define TANDEM_TRACES_GPU_SPLIT_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "traces/gpu_time.h"

#define GPU_SPLIT_GAPS 20              /* idle stretches kept of a device */
#define GPU_SPLIT_LATENCY_NS 30000     /* 30 µs, HTA's effective default */
#define GPU_SPLIT_SPANS_MAX (1u << 20) /* of one thread that a look back reaches: 24 MB */
#define GPU_SPLIT_NEVER INT64_MIN

/* One piece of a device's time, never empty; those of a device come in order and cover its window. Neighbours may be of one kind. */
typedef void gpu_split_piece_fn(void *user, uint32_t device, int64_t start_ns, int64_t end_ns, enum gpu_time kind);

struct gpu_split_options {
	int64_t latency_ns;      /* launch_latency and HTA's kernel wait are shorter than this; 0: GPU_SPLIT_LATENCY_NS */
	uint32_t spans_max;      /* 0: GPU_SPLIT_SPANS_MAX */
	gpu_split_piece_fn *piece; /* told the partition as it is found; may be NULL */
	void *user;
};

/* What there is: numbers below n_… index the arrays, which are copied. */
struct gpu_split_layout {
	int64_t start_ns, end_ns;          /* the window; widened by work that lies outside */
	uint32_t n_devices, n_streams, n_threads, n_processes;
	const uint32_t *device_processes;  /* [n_devices] */
	const uint32_t *thread_processes;  /* [n_threads] */
};

enum gpu_work_class { GPU_WORK_COMPUTE, GPU_WORK_COLLECTIVE, GPU_WORK_LATE, GPU_WORK_COPY, GPU_WORK_GRAPH, GPU_WORK_CLASSES };

struct gpu_launch {
	int64_t row;             /* the call's; 0: not known */
	int64_t start_ns, end_ns;
	uint32_t thread;
};

struct gpu_work {
	uint32_t device, stream;
	enum gpu_work_class class; /* never LATE */
	int64_t row, start_ns, end_ns;
	int64_t late_until_ns;   /* a collective: when the last rank arrived; GPU_SPLIT_NEVER: not known */
	struct gpu_launch launch;
};

/* An idle stretch: between two pieces of work. */
struct gpu_split_gap {
	int64_t start_ns, ns;
	int64_t before, after;   /* rows: the work that ended last, the one that began next */
	enum gpu_time kind;      /* the largest part */
	int64_t kind_ns;
};

struct gpu_split_device {
	int64_t start_ns, end_ns, first_ns, last_ns; /* window; span of its work */
	int64_t n, n_unlinked, n_gaps;               /* pieces of work, those without a known launch, idle stretches */
	int64_t ns[GPU_TIME_COUNT];                  /* sums to end − start */
	int64_t busy_ns, union_ns[GPU_WORK_CLASSES]; /* lengths of unions; COLLECTIVE with LATE in it */
	int64_t hidden_ns;                           /* collectives while a kernel computed */
	int64_t exposed_ns, exposed_copy_ns;         /* collectives without compute; copies with neither */
	struct gpu_split_gap gaps[GPU_SPLIT_GAPS];   /* the longest, longest first after the end */
	uint32_t n_longest;
};

struct gpu_split_stream {
	uint32_t device;
	int64_t n, busy_ns;
	/* HTA's waits: the call began after the work before had ended; else shorter than the threshold (overlaps count below 0); else. */
	int64_t host_ns, kernel_ns, other_ns;
	int64_t unlinked_ns;                  /* of kernel and other: before work without a known launch */
};

struct gpu_split;

int gpu_split_create(const struct gpu_split_layout *layout, const struct gpu_split_options *options, struct error *error,
	struct gpu_split **ret_split);
void gpu_split_destroy(struct gpu_split *split); /* accepts NULL */

/* STATUS_TRACE when it starts before the work before it on its device. */
int gpu_split_add_work(struct gpu_split *split, const struct gpu_work *work, struct error *error);
/* What a thread did; kind HOST_MODULE … HOST_CODE. */
int gpu_split_add_host(struct gpu_split *split, uint32_t thread, enum gpu_time kind, int64_t start_ns, int64_t end_ns, struct error *error);
/* Of a whole process; kind PROFILER, HOST_MODULE or HOST_QUEUE. */
int gpu_split_add_overhead(struct gpu_split *split, uint32_t process, enum gpu_time kind, int64_t start_ns, int64_t end_ns, struct error *error);
/* At this moment of the host a stream was told to wait for an event. */
int gpu_split_add_wait(struct gpu_split *split, uint32_t stream, int64_t at_ns, struct error *error);

/* After the last call. The results are the split's. A device without work: n is 0 and nothing else is set. */
void gpu_split_end(struct gpu_split *split);
const struct gpu_split_device *gpu_split_devices(const struct gpu_split *split); /* [n_devices] */
const struct gpu_split_stream *gpu_split_streams(const struct gpu_split *split); /* [n_streams] */

#endif
