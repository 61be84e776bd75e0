/* SPDX-License-Identifier: Apache-2.0
 *
 * gpu_device: one pass over the spans of a run with device work: gpu_split is fed, sums by name are made, what findings
 * count is counted. Then all of it is stored: tables gpu_split, gpu_device, gpu_stream, gpu_kernel, gpu_call, gpu_copy,
 * gpu_gap and finding (doc/device-time.md). Memory: names of kernels and calls, what gpu_split needs, 4 bytes a span and 32
 * a call.
 */
#ifndef TANDEM_TRACES_GPU_DEVICE_H
#define TANDEM_TRACES_GPU_DEVICE_H

#include <signal.h>

#include "traces/db.h"
#include "traces/gpu_rows.h"
#include "traces/gpu_split.h"
#include "traces/gpu_totals.h"

#define GPU_DEVICE_PROMPT_NS 10000      /* a kernel that begins within 10 µs of its call's return has not queued */
#define GPU_DEVICE_STAGED_BYTES 65536   /* a synchronous copy of pageable memory to the device up to this size only stages it */

/* X(NAME): what is counted, of a device or of a process. */
#define GPU_COUNT_MAP(X)                                                                                         \
	X(KERNELS)      /* kernels with a launch of their own, that is known */                                  \
	X(PROMPT)       /* of these: begun within GPU_DEVICE_PROMPT_NS of the call's return */                   \
	X(SHORT)        /* of these: shorter than the call */                                                    \
	X(SYNC_COPY)    /* copies by calls that wait for them; ns: the calls' */                                 \
	X(PAGEABLE)     /* asynchronous copies from or to pageable memory */                                     \
	X(SYNC_CALL)    /* synchronise calls after the process's first device work, from here on of a process */ \
	X(ALLOCATION)   /* calls that allocate or free, likewise */                                              \
	X(QUEUE_FULL)   /* overheads: the launch queue was full */                                               \
	X(MODULE)       /* overheads: modules loaded, code compiled; likewise */                                 \
	X(PROFILER)     /* overheads: of the profiler itself */
enum gpu_count_kind {
#define X(name) GPU_COUNT_##name,
	GPU_COUNT_MAP(X)
#undef X
	GPU_COUNTS,
	GPU_COUNT_OF_PROCESS = GPU_COUNT_SYNC_CALL,
};

struct gpu_count {
	int64_t n, ns, bytes;
	int64_t first;           /* row of the first span; 0: none */
};

struct gpu_device_row {
	int64_t id;              /* in the file */
	uint32_t process;
	struct gpu_count counts[GPU_COUNTS];
};

struct gpu_process_row {
	int64_t id, first_work;  /* row of its first device work */
	bool has_work;
	struct gpu_count counts[GPU_COUNTS];
};

struct gpu_device_result {
	struct gpu_split_options options;
	struct gpu_device_row *devices;      /* by id */
	struct gpu_process_row *processes;
	int64_t *stream_lanes;               /* [n_streams] lane ids */
	uint32_t n_devices, n_processes, n_streams, n_threads;
	int64_t start_ns, end_ns;            /* the run */
	int64_t n_work;
	struct gpu_split *split;             /* ended */
	struct gpu_totals kernels, calls, copies; /* (device index, name), (process index, name), (device index, copy kind or 0 for memsets) */
};

/* `options` may be NULL. On success *ret_result is the caller's to free. STATUS_STOPPED on interrupt (may be NULL). */
int gpu_device_read(struct db *db, int64_t run, const struct gpu_split_options *options, const volatile sig_atomic_t *interrupt,
	struct error *error, struct gpu_device_result **ret_result);
void gpu_device_free(struct gpu_device_result *result); /* accepts NULL */

/* The same as one of several that look at a scan (gpu_rows.h): gpu_device_row is shown every row with the pass as its user; the end gives the result,
 * which is the caller's to free, and releases the pass; of a scan that failed (not `is_whole`) it can only be freed. `error` must stay until then. */
struct gpu_device_pass;
int gpu_device_begin(struct db *db, int64_t run, const struct gpu_split_options *options, struct error *error, struct gpu_device_pass **ret_pass);
int gpu_device_row(void *pass, const struct gpu_row *row, struct error *error);
struct gpu_device_result *gpu_device_end(struct gpu_device_pass *pass, bool is_whole);

/* Reads with the default thresholds and replaces what is stored of the run (gpu_analysis_fn). */
int gpu_device_store(struct db *db, int64_t run, const volatile sig_atomic_t *interrupt, struct error *error);
int gpu_device_write(struct db *db, int64_t run, const struct gpu_device_result *result, struct error *error);

#endif
