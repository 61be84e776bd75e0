/* SPDX-License-Identifier: Apache-2.0
 *
 * gpu_model: an imported run (or a run with device work) in memory, as analyses need it: lanes, spans by time, links.
 * Numbers are indices into the arrays here; GPU_NONE is none. What is not asked for is not loaded: 10 M spans are 480 MB
 * with everything.
 */
#ifndef TANDEM_TRACES_GPU_MODEL_H
#define TANDEM_TRACES_GPU_MODEL_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "traces/import_sink.h" /* enum import_api */
#include "traces/schema.h"
#include "traces/trace.h"

#define GPU_NONE UINT32_MAX

enum gpu_lane_kind { GPU_LANE_STREAM, GPU_LANE_STREAM_MARKS, GPU_LANE_THREAD };

struct gpu_lane {
	int64_t id;              /* in the file */
	enum gpu_lane_kind kind;
	uint32_t process, device; /* device: GPU_NONE for threads */
	int64_t stream, thread, depth;
	uint32_t first, n;       /* spans of this lane in gpu_model.spans: by start */
	const char *name;        /* the model's */
};

struct gpu_process {
	int64_t id, pid, rank;   /* −1: not known */
	const char *name;
};

struct gpu_device {
	int64_t id;
	uint32_t process;
	const char *name;        /* "cuda:0" */
};

struct gpu_span {
	int64_t start_ns, end_ns;
	int64_t row;             /* span.id */
	uint32_t lane, name;     /* name: index into names */
	uint32_t category;       /* likewise; GPU_NONE */
	uint32_t launch;         /* device work: the call's span; an API call: the first span of work that it launched; GPU_NONE */
	uint8_t kind;            /* enum span_kind − SPAN_KIND_OP */
	uint8_t class;           /* enum span_class of kernels, enum import_api of calls */
	uint8_t sync_kind;       /* of stream_sync spans */
	int64_t bytes;           /* −1: not known */
};
static inline int gpu_kind(const struct gpu_span *span)
{
	return span->kind + SPAN_KIND_OP;
}

/* What to load: bits. Device work always is. */
enum gpu_load { GPU_LOAD_API = 1, GPU_LOAD_MARKS = 2, GPU_LOAD_SYNCS = 4, GPU_LOAD_OVERHEAD = 8, GPU_LOAD_ALL = 15 };

struct gpu_model {
	const struct trace *trace;
	int64_t run;
	struct gpu_process *processes;
	struct gpu_device *devices;
	struct gpu_lane *lanes;
	struct gpu_span *spans;  /* lane by lane, by start */
	const char **names;      /* by the string's number in the file − 1 */
	uint32_t n_processes, n_devices, n_lanes, n_spans, n_names;
	int64_t start_ns, end_ns; /* of the run */
	void *memory;
};

/* `executions` of an imported run are its iterations (iterations.h). STATUS_STOPPED on interrupt (may be NULL). */
int gpu_model_load(const struct trace *trace, int64_t run, unsigned what, const volatile sig_atomic_t *interrupt, struct error *error,
	struct gpu_model **ret_model);
void gpu_model_free(struct gpu_model *model); /* accepts NULL */

/* Unions of intervals: sorted, disjoint, merged where they touch. The building block of every share. */
struct gpu_interval {
	int64_t start_ns, end_ns;
};
struct gpu_union {
	struct gpu_interval *items; /* owned */
	uint32_t n, capacity;
	int64_t ns;              /* length */
};
/* Adds must come by start. */
int gpu_union_add(struct gpu_union *set, int64_t start_ns, int64_t end_ns, struct error *error);
void gpu_union_finish(struct gpu_union *set);
int64_t gpu_union_overlap_ns(const struct gpu_union *a, const struct gpu_union *b);
/* All device work of a device with this test, by start over its streams. */
typedef bool gpu_select_fn(const struct gpu_span *span);
int gpu_union_of_device(const struct gpu_model *model, uint32_t device, gpu_select_fn *select, struct gpu_union *ret_set, struct error *error);

#endif
