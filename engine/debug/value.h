/* SPDX-License-Identifier: Apache-2.0
 *
 * value: finding tensors of a run, wherever they are held: at a gate, in a slot or object, in the history; and looking at their elements.
 */
#ifndef TANDEM_ENGINE_DEBUG_VALUE_H
#define TANDEM_ENGINE_DEBUG_VALUE_H

#include "engine/debug/target.h"

#define DEBUG_LATEST UINT64_MAX /* execution: the newest that is held */

/* X(NAME, phrase) */
#define DEBUG_SOURCE_MAP(X)                              \
	X(GATE, "at the gate")                           \
	X(SLOT, "in its slot")                           \
	X(OBJECT, "in the object store")                 \
	X(HISTORY, "captured")
enum debug_source {
#define X(name, phrase) DEBUG_SOURCE_##name,
	DEBUG_SOURCE_MAP(X)
#undef X
	DEBUG_SOURCES,
};
const char *debug_source_phrase(enum debug_source source);

/* Where a value was found: for looking again whether it still is there. What does not belong to the source is unset. */
struct debug_held {
	uint32_t worker, n_stops;  /* GATE, HISTORY */
	uint32_t channel, slot;    /* SLOT */
	uint64_t object;           /* OBJECT */
	struct gate_entry entry;   /* HISTORY */
};

/* An output of a node in an execution. */
struct debug_value {
	uint32_t node, output;
	uint64_t execution;
	enum debug_source source;
	bool is_writable;     /* it stands after compute and is not published: data may be changed in place */
	uint32_t failure;     /* not 0: no data; 1 + index of the failure */
	bool has_digest;
	uint64_t digest;      /* HISTORY */
	uint64_t op_ticks, waited_ticks; /* GATE, HISTORY */
	struct debug_held held;
	struct tensor tensor; /* data in the target's memory, NULL when only the digest was kept. While the run moves it may change or vanish: copy
	                         it (debug_value_copy), which says whether it stayed */
};

/* Finds output `output` of `node` in `execution`. A value that may be written is preferred, then slots and objects, then the history.
 * STATUS_INPUT when it is not held: the text says which executions of it are (and why not more). */
int debug_value_find(struct debug_target *target, uint32_t node, uint32_t output, uint64_t execution, struct debug_value *ret_value,
	struct error *error);

/* The same for input `input` of `node`: the value that it reads, which is its producer's output; at a gate, what the node really gets. */
int debug_value_find_input(struct debug_target *target, uint32_t node, uint32_t input, uint64_t execution, struct debug_value *ret_value,
	struct error *error);

/* Copies the data into `*ret_copy` (released by the caller with free), checking afterwards that the value was still there. STATUS_AGAIN when it
 * was overwritten meanwhile. The value's tensor points to the copy afterwards. */
int debug_value_copy(struct debug_target *target, struct debug_value *value, void **ret_copy, struct error *error);

/* The executions of which an output's data are held anywhere, ascending; the newest `n_max` where there are more. *ret_total counts all. */
uint32_t debug_value_executions(struct debug_target *target, uint32_t node, uint32_t output, uint64_t *executions, uint32_t n_max,
	uint32_t *ret_total);

/* What the history of all processes holds: entries, bytes, budget, and how many were dropped as the oldest. */
struct debug_history {
	uint64_t n_entries, n_bytes, budget_bytes, n_dropped_bytes;
	uint64_t first_execution, last_execution; /* UINT64_MAX: none */
};
void debug_history(const struct debug_target *target, struct debug_history *ret_history);

/* -- slices -----------------------------------------------------------------------------------------------------------------
 * "[0,:4]", "[-1]", "[2:8:2,...,3]": as numpy: an index drops the dimension, a range keeps it. */
struct debug_slice {
	int n_dims;
	int64_t shape[TENSOR_DIMS_MAX];
	int64_t first;                    /* element of the tensor */
	int64_t strides[TENSOR_DIMS_MAX]; /* elements of the tensor */
	int dims[TENSOR_DIMS_MAX];        /* the tensor's dimension along which each runs */
	int64_t n_elements;
};
/* `text` is NULL or "" for everything. STATUS_INPUT with what is wrong and the tensor's shape. */
int debug_slice_parse(const char *text, const struct tensor *tensor, struct debug_slice *ret_slice, struct error *error);
/* The same values as a contiguous tensor over `data` (which must have room); used for files and comparisons. */
void debug_slice_gather(const struct debug_slice *slice, const struct tensor *tensor, void *data);
double debug_element(const struct tensor *tensor, int64_t element); /* i64 beyond 2^53 is rounded */
void debug_element_text(const struct tensor *tensor, int64_t element, char *text, size_t size); /* exact; "nan", "-inf", "poison" */

/* -- statistics ---------------------------------------------------------------------------------------------------------- */
struct debug_stats {
	int64_t n, n_nan, n_inf, n_zero, n_poison; /* poison: whole words of GATE_POISON, counted as NaN too where they are */
	double min, max, mean, std, norm;          /* of what is neither NaN nor infinite; NaN when there is none. norm: root of the sum of squares */
};
void debug_stats(const struct debug_slice *slice, const struct tensor *tensor, struct debug_stats *ret_stats);

#define DEBUG_BINS_MAX 64
struct debug_bins {
	double low, high;           /* of all finite values */
	int n_bins;
	int64_t n[DEBUG_BINS_MAX];
};
void debug_histogram(const struct debug_slice *slice, const struct tensor *tensor, int n_bins, struct debug_bins *ret_bins);

/* -- comparing ----------------------------------------------------------------------------------------------------------- */
struct debug_difference {
	bool same_type;             /* dtype and shape; otherwise nothing below means anything */
	int64_t n, n_different;     /* elements; those beyond |a - b| <= absolute + relative × |b|. NaN equals NaN, as infinities of one sign do */
	int64_t n_unequal_bits;
	double max_absolute, max_relative;
	int64_t worst[TENSOR_DIMS_MAX]; /* where the absolute difference is largest (a NaN on one side only is larger than all) … */
	double worst_a, worst_b;        /* … and what stands there */
	int64_t first[TENSOR_DIMS_MAX]; /* first element that differs, in row-major order */
};
void debug_compare(const struct tensor *a, const struct tensor *b, double absolute, double relative, struct debug_difference *ret_difference);

/* -- printing ---------------------------------------------------------------------------------------------------------------- */
enum debug_format { DEBUG_FORMAT_TEXT, DEBUG_FORMAT_HEX, DEBUG_FORMAT_STATS, DEBUG_FORMAT_HISTOGRAM };
struct debug_print {
	enum debug_format format;
	int n_columns;       /* of the terminal; 0: 100 */
	int64_t n_elements;  /* most elements printed, the rest is said to be left out; 0: 200 */
	int n_bins;          /* HISTOGRAM: at most DEBUG_BINS_MAX; 0: 16 */
	bool has_range;      /* elements within [low, high] are highlighted: "*1.25*", with colours by `mark` */
	double low, high;
	const char *mark_on, *mark_off; /* NULL: stars */
};
/* Rows with their indices in front, aligned, as numpy would lay them out; several lines, each ended. */
void debug_print_slice(const struct debug_slice *slice, const struct tensor *tensor, const struct debug_print *print, struct strbuf *out);

/* Writes the slice to FILE.npy or FILE.safetensors (by suffix; `name` is the tensor's there). */
int debug_write_file(const struct debug_slice *slice, const struct tensor *tensor, const char *name, const char *file, struct error *error);

#endif
