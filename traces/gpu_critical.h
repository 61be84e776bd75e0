/* SPDX-License-Identifier: Apache-2.0
 *
 * gpu_critical: the critical path of each iteration of an imported run (of the whole window where there are none), and the
 * roots of its waits; both are walks back along what was over last (gpu_order.h).
 *
 * A path begins at what finished last in its execution: device work, or the host thread at the end of its range. Its steps
 * are contiguous and sum to the execution's duration exactly. Waits that are followed: a device without work (to what let it
 * begin again), a synchronise call (to the work that it waited for), a rank in a collective (to why the last one came when
 * it did). The pieces of a wait sum to it exactly.
 */
#ifndef TANDEM_TRACES_GPU_CRITICAL_H
#define TANDEM_TRACES_GPU_CRITICAL_H

#include "traces/gpu_order.h"
#include "traces/iterations.h"

#define GPU_CRITICAL_STEPS_MAX 200000      /* steps kept of all paths together; sums are always whole */
#define GPU_CRITICAL_SPANS_MAX 2000000     /* spans that are loaded: what is more is left out, host calls and annotations first */

/* X(NAME, word): stored as words. */
#define GPU_WAIT_MAP(X) X(PATH, "path") X(IDLE, "device_idle") X(SYNC, "sync") X(COLLECTIVE, "collective")
enum gpu_wait_kind {
#define X(name, word) GPU_WAIT_##name,
	GPU_WAIT_MAP(X)
#undef X
};
const char *gpu_wait_word(enum gpu_wait_kind kind);

/* Time by what was done, of one path or one victim. */
struct gpu_sum {
	enum gpu_wait_kind kind;
	uint32_t owner;            /* PATH: index of the path; IDLE, COLLECTIVE: the device that waited; SYNC: its process */
	enum gpu_step_class class;
	uint32_t name, process;    /* what, whose; GPU_NONE */
	int64_t n, ns;
};

struct gpu_sums {
	struct gpu_sum *items;
	uint32_t *slots;           /* by hash: item + 1 */
	uint32_t n, capacity, n_slots;
};
int gpu_sums_add(struct gpu_sums *sums, const struct gpu_sum *sum, struct error *error);
/* Largest first within (kind, owner); after that nothing can be added. */
void gpu_sums_sort(struct gpu_sums *sums);
void gpu_sums_finish(struct gpu_sums *sums);

struct gpu_path {
	int64_t number;            /* of the execution; −1: the whole window */
	int64_t start_ns, end_ns;
	uint32_t first, n;         /* steps kept: latest first */
	bool is_whole;             /* all steps are kept */
};

/* Why the last rank of a collective was late: what filled most of the time from the first arrival to its own. */
struct gpu_late {
	enum gpu_step_class class;
	uint32_t name, process;
	int64_t ns;
};

struct gpu_critical {
	struct gpu_path *paths;
	struct gpu_step *steps;
	struct gpu_sums sums;      /* of paths and waits */
	struct gpu_late *late;     /* [collectives->n]; ns 0: not late */
	uint32_t n_paths, n_steps, capacity;
};

/* On success to be finished. `iterations` may have none. */
int gpu_critical_make(const struct gpu_model *model, struct gpu_order *order, const struct iterations *iterations,
	const struct collectives *collectives, struct error *error, struct gpu_critical *ret);
void gpu_critical_finish(struct gpu_critical *critical);

/* Where a path begins: what finished last in the iteration that finished last; of the whole window with execution GPU_NONE. */
struct gpu_point gpu_critical_begin(const struct gpu_model *model, const struct gpu_order *order,
	const struct iterations *iterations, uint32_t execution, int64_t *ret_start_ns);

/* Into the tables path_sum, path_step, wait_root, and the late_ columns of collective. */
int gpu_critical_store(const struct gpu_critical *critical, const struct gpu_model *model,
	const struct collectives *collectives, struct error *error);

/* Collectives, iterations, paths and waits of an imported run: loads, computes, stores (a gpu_analysis_fn). Memory: up to 75 B for each of
 * GPU_CRITICAL_SPANS_MAX spans, 4 B for each further one. run_meta path_of says what was loaded. */
int gpu_critical_analyse(struct db *db, int64_t run, const volatile sig_atomic_t *interrupt, struct error *error);

#endif
