/* SPDX-License-Identifier: Apache-2.0
 *
 * iterations: what an imported run repeats, found
 *   by annotation   ranges of one name, or of one name with a number in it (ProfilerStep#7), that lie one after the other on
 * a thread and cover at least ITERATION_COVER of the time from the first to the last of them. ProfilerStep counts from one
 * range on, others from two; by period       the kernels of a device, in the order in which they were asked for, repeat
 * themselves after a fixed number, at least ITERATION_AGREE of them. Ranges of ranks with equal numbers (else the same
 * position) are one execution. It lasts from the first rank's start to when the last rank's range is over and all device
 * work launched in it is done: executions may overlap.
 */
#ifndef TANDEM_TRACES_ITERATIONS_H
#define TANDEM_TRACES_ITERATIONS_H

#include "traces/gpu_model.h"

#define ITERATION_COVER 0.8
#define ITERATION_AGREE 0.8

/* X(NAME, word) */
#define ITERATION_BY_MAP(X) X(NONE, "none") X(ANNOTATION, "annotation") X(PERIOD, "period")
enum iteration_by {
#define X(name, word) ITERATION_BY_##name,
	ITERATION_BY_MAP(X)
#undef X
};
const char *iteration_by_word(enum iteration_by by);

/* Of one process. */
struct iteration {
	uint32_t process;
	uint32_t thread_lane;     /* a lane of the thread that it was found on; GPU_NONE: by period without launches */
	uint32_t execution;       /* index into executions */
	uint32_t mark;            /* span of the annotation; GPU_NONE */
	int64_t start_ns, end_ns; /* of the host */
	int64_t finish_ns;        /* end, or that of its last device work */
	uint32_t last_work;       /* the one that ended last; GPU_NONE */
	uint32_t n_work;
	int64_t work_ns;          /* sum */
	int64_t busy_ns;          /* union over all streams of the process */
	/* against the median of the process's iterations, in ns; they do not sum to `over_ns` where work overlaps */
	int64_t over_ns;          /* longer than the median by */
	int64_t more_ns;          /* because of more device work */
	int64_t longer_ns;        /* because it took longer */
	int64_t gap_ns;           /* because of more time without device work */
};

struct iteration_execution {
	int64_t number;           /* in the annotation; else the position */
	int64_t start_ns, finish_ns;
	uint32_t n_parts;         /* iterations of processes */
	uint32_t last;            /* iteration that finished last */
};

struct iterations {
	enum iteration_by by;
	double confidence;        /* 0..1: share of the time that is covered; of the kernels that repeat */
	char name[96];            /* "ProfilerStep#", the anchor kernel */
	struct iteration *items;  /* by process, start */
	struct iteration_execution *executions; /* by number */
	uint32_t n, n_executions;
	uint8_t *is_mark;         /* [n_spans] 1: the annotation of an iteration */
	uint32_t *of_span;        /* [n_spans] execution; GPU_NONE: none. Device work has its launch's */
};

/* On success *ret must be finished, also when there are none. Memory: 5 bytes a span. */
int iterations_find(const struct gpu_model *model, struct error *error, struct iterations *ret);
void iterations_finish(struct iterations *set);

/* Into the tables iteration and execution, span.execution and run_meta (iterations_by, iterations_confidence, iterations_name). */
int iterations_store(const struct iterations *set, const struct gpu_model *model, struct error *error);

#endif
