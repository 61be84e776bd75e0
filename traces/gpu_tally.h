/* SPDX-License-Identifier: Apache-2.0
 *
 * gpu_tally: what a comparison needs of an imported run, so that it need not look at spans: device work by site, host calls by class, and each
 * device's time by iteration and kind.
 *
 * A site is where work comes from: the annotation path of its launch (the marks around the call, outermost first), its place among the launches of
 * one such mark, and its name; or the node of a device graph. Numbers that change from one pass to the next are cut out of marks' names
 * ("ProfilerStep#12" is "ProfilerStep#", ", op_id = 17" and line numbers of functions go).
 */
#ifndef TANDEM_TRACES_GPU_TALLY_H
#define TANDEM_TRACES_GPU_TALLY_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "traces/compare_stats.h"
#include "traces/db.h"
#include "traces/gpu_time.h"
#include "traces/import_sink.h" /* IMPORT_API_MAP */

#define GPU_TALLY_ORDER_MOST 4096   /* later launches of one mark have no place of their own */
#define GPU_TALLY_NO_ORDER (-1)
#define GPU_TALLY_ONE(name, word) + 1
#define GPU_TALLY_CALLS (0 IMPORT_API_MAP(GPU_TALLY_ONE)) /* enum import_api */

/* The first paths. */
enum gpu_tally_path_id { GPU_TALLY_UNLINKED, GPU_TALLY_ROOT, GPU_TALLY_NODES, GPU_TALLY_FIRST };
struct gpu_tally_path {
	uint32_t parent;           /* of GPU_TALLY_ROOT and what is under it */
	char *name;                /* owned */
};

struct gpu_tally_site {
	uint32_t device, path;     /* indices; path GPU_TALLY_NODES: a node of a graph */
	int64_t order;             /* among the launches of the mark, or the node that it was cloned from; GPU_TALLY_NO_ORDER */
	uint32_t name;             /* number of the string */
	uint8_t kind, class;       /* enum span_kind − SPAN_KIND_OP; enum span_class */
	struct compare_moments spans; /* durations in ns, of all */
	int64_t ns, n_unit, ns_unit;  /* of all; of those in the iterations that count */
};

struct gpu_tally_device {
	int64_t id, rank;          /* rank −1: not known */
	char *name, *model;        /* owned; "cuda:0"; model NULL: not known */
	bool has_time;             /* its time is divided */
	int64_t window_ns[GPU_TIME_COUNT];
};

/* From its start to its end, or to the next one's start when that comes first: iterations do not overlap. */
struct gpu_tally_unit {
	int64_t execution, start_ns, end_ns;
	bool counts;               /* no warm-up; not the last one where they overlap, which lasts longer than the others */
	bool is_clipped;
};

struct gpu_tally_calls {
	int64_t id, rank; /* of the process; rank −1: not known */
	int64_t n[GPU_TALLY_CALLS], ns[GPU_TALLY_CALLS], n_unit[GPU_TALLY_CALLS], ns_unit[GPU_TALLY_CALLS];
};

struct gpu_tally {
	struct gpu_tally_path *paths;
	struct gpu_tally_site *sites;
	struct gpu_tally_device *devices;
	struct gpu_tally_unit *units;          /* by start */
	struct gpu_tally_calls *calls;         /* one a process */
	int64_t (*unit_ns)[GPU_TIME_COUNT];   /* [n_devices][n_units]; each sums to the iteration's time when has_time */
	char **names;                         /* [n_names], by number of the string; NULL: not used */
	uint32_t n_paths, n_sites, n_devices, n_units, n_calls, n_names;
	int64_t start_ns, end_ns;             /* of the run */
};

/* Sums of a run from a pass over its spans. On success *ret_sums must be finished. */
int gpu_tally_make(struct db *db, int64_t run, const volatile sig_atomic_t *interrupt, struct error *error, struct gpu_tally *ret_sums);
/* The same; where devices' time went comes out of the same pass, as gpu_device_read gives it. */
struct gpu_device_result;
int gpu_tally_make_both(struct db *db, int64_t run, const volatile sig_atomic_t *interrupt, struct error *error, struct gpu_tally *ret_sums,
	struct gpu_device_result **ret_device);
/* From the file, *ret_are_there says whether they were stored. */
int gpu_tally_read(struct db *db, int64_t run, struct error *error, bool *ret_are_there, struct gpu_tally *ret_sums);
void gpu_tally_finish(struct gpu_tally *sums);

/* Replaces what is stored of the run. */
int gpu_tally_write(struct db *db, int64_t run, const struct gpu_tally *sums, struct error *error);

/* A mark's name without what changes from pass to pass, into `out` of `size` bytes. */
void gpu_tally_normalise(const char *name, char *out, uint32_t size);

/* Adds the moments of other values. */
void gpu_tally_merge(struct compare_moments *moments, const struct compare_moments *other);

/* The iteration that holds a moment, or has this number in the file: index; −1. */
int64_t gpu_tally_unit_at(const struct gpu_tally *sums, int64_t time_ns);
int64_t gpu_tally_unit_of(const struct gpu_tally *sums, int64_t execution);

#endif
