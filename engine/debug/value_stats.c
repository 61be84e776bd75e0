/* SPDX-License-Identifier: Apache-2.0
 *
 * value_stats: statistics and histograms in one pass each. Sums run in several lanes, so that the compiler can vectorise them and errors of
 * rounding stay small; spread is summed around a first element, so that a large mean does not swallow it.
 */
#include <math.h>
#include <string.h>

#include "engine/debug/value_private.h"

#define LANES 16
#define CHUNK 4096 /* elements that are taken over into doubles at a time: they stay in the first cache */

struct sums {
	double pivot;            /* about which spread is summed */
	double sum[LANES], spread[LANES], squares[LANES]; /* of (x − pivot), its square, x² */
	double min[LANES], max[LANES];
	int64_t n_nan, n_inf, n_zero, n_poison;
};

/* Elements first, first + stride, … as doubles. */
#define TAKE(type)                                                  \
	do {                                                        \
		const type *from = (const type *)tensor->data + first; \
		if (stride == 1) {                                  \
			for (int i = 0; i < n; i++)                 \
				to[i] = (double)from[i];            \
		} else {                                            \
			for (int i = 0; i < n; i++)                 \
				to[i] = (double)from[i * stride];   \
		}                                                   \
	} while (0)

static void take(const struct tensor *tensor, int64_t first, int64_t stride, int n, double *to)
{
	switch (tensor->dtype) {
	case DTYPE_F32:
		TAKE(float);
		break;
	case DTYPE_F64:
		TAKE(double);
		break;
	case DTYPE_I8:
		TAKE(int8_t);
		break;
	case DTYPE_U8:
		TAKE(uint8_t);
		break;
	case DTYPE_I32:
		TAKE(int32_t);
		break;
	case DTYPE_I64:
		TAKE(int64_t);
		break;
	case DTYPE_COUNT:
		break;
	}
}

#define COUNT_POISON(type, pattern)                                         \
	do {                                                                \
		const type *from = (const type *)tensor->data + first;      \
		for (int i = 0; i < n; i++)                                 \
			n_poison += from[i * stride] == (type)(pattern);    \
	} while (0)

/* Elements of 4 and 8 bytes that are poison; of bytes, whole words where they stand side by side. */
static int64_t count_poison(const struct tensor *tensor, int64_t first, int64_t stride, int n)
{
	int64_t n_poison = 0;
	size_t unit = dtype_bytes(tensor->dtype);
	if (unit == 4) {
		COUNT_POISON(uint32_t, GATE_POISON);
	} else if (unit == 8) {
		COUNT_POISON(uint64_t, (uint64_t)GATE_POISON << 32 | GATE_POISON);
	} else if (stride == 1) {
		const uint8_t *from = (const uint8_t *)tensor->data + first;
		for (int i = (int)(-first & 3); i + 4 <= n; i += 4) {
			uint32_t word;
			memcpy(&word, from + i, sizeof word);
			n_poison += word == GATE_POISON;
		}
	}
	return n_poison;
}

/* Whole lanes; what is not finite counts as the pivot and goes into no other figure. */
static void add_lanes(struct sums *sums, const double *values, int n)
{
	double pivot = sums->pivot;
	int64_t n_nan[LANES] = { 0 }, n_inf[LANES] = { 0 }, n_zero[LANES] = { 0 };
	for (int i = 0; i < n; i += LANES) {
		for (int k = 0; k < LANES; k++) {
			double value = values[i + k];
			bool is_finite = value - value == 0;
			double known = is_finite ? value : pivot, square = is_finite ? value * value : 0;
			sums->sum[k] += known - pivot;
			sums->spread[k] += (known - pivot) * (known - pivot);
			sums->squares[k] += square;
			sums->min[k] = is_finite && value < sums->min[k] ? value : sums->min[k];
			sums->max[k] = is_finite && value > sums->max[k] ? value : sums->max[k];
			n_nan[k] += value != value;
			n_inf[k] += !is_finite && value == value;
			n_zero[k] += value == 0;
		}
	}
	for (int k = 0; k < LANES; k++) {
		sums->n_nan += n_nan[k];
		sums->n_inf += n_inf[k];
		sums->n_zero += n_zero[k];
	}
}

static void add_chunk(struct sums *sums, const struct tensor *tensor, int64_t first, int64_t stride, int n)
{
	double values[CHUNK];
	int whole = n - n % LANES;
	take(tensor, first, stride, n, values);
	add_lanes(sums, values, whole);
	if (n > whole) {
		double rest[LANES];
		for (int k = 0; k < LANES; k++)
			rest[k] = whole + k < n ? values[whole + k] : (double)NAN;
		add_lanes(sums, rest, LANES);
		sums->n_nan -= LANES - (n - whole);
	}
	sums->n_poison += count_poison(tensor, first, stride, n);
}

/* The first finite element; 0 when there is none. */
static double find_pivot(const struct debug_slice *slice, const struct tensor *tensor)
{
	struct debug_rows rows;
	int64_t first;
	debug_rows_begin(&rows, slice);
	while (debug_rows_next(&rows, &first)) {
		for (int64_t i = 0; i < rows.length; i++) {
			double value = debug_element(tensor, first + i * rows.stride);
			if (isfinite(value))
				return value;
		}
	}
	return 0;
}

static void conclude(const struct sums *sums, int64_t n, struct debug_stats *stats)
{
	double sum = 0, spread = 0, squares = 0, min = INFINITY, max = -INFINITY;
	for (int k = 0; k < LANES; k++) {
		sum += sums->sum[k];
		spread += sums->spread[k];
		squares += sums->squares[k];
		min = sums->min[k] < min ? sums->min[k] : min;
		max = sums->max[k] > max ? sums->max[k] : max;
	}
	double n_finite = (double)(n - sums->n_nan - sums->n_inf);
	*stats = (struct debug_stats){ .n = n, .n_nan = sums->n_nan, .n_inf = sums->n_inf, .n_zero = sums->n_zero,
		.n_poison = sums->n_poison, .min = NAN, .max = NAN, .mean = NAN, .std = NAN, .norm = NAN };
	if (n_finite <= 0)
		return;
	double offset = sum / n_finite, variance = spread / n_finite - offset * offset;
	stats->min = min;
	stats->max = max;
	stats->mean = sums->pivot + offset;
	stats->std = sqrt(variance > 0 ? variance : 0);
	stats->norm = sqrt(squares);
}

void debug_stats(const struct debug_slice *slice, const struct tensor *tensor, struct debug_stats *ret_stats)
{
	struct sums sums = { .pivot = find_pivot(slice, tensor) };
	struct debug_rows rows;
	int64_t first;
	for (int k = 0; k < LANES; k++) {
		sums.min[k] = INFINITY;
		sums.max[k] = -INFINITY;
	}
	debug_rows_begin(&rows, slice);
	while (debug_rows_next(&rows, &first)) {
		for (int64_t i = 0; i < rows.length; i += CHUNK)
			add_chunk(&sums, tensor, first + i * rows.stride, rows.stride, rows.length - i < CHUNK ? (int)(rows.length - i) : CHUNK);
	}
	conclude(&sums, slice->n_elements, ret_stats);
}

void debug_histogram(const struct debug_slice *slice, const struct tensor *tensor, int n_bins, struct debug_bins *ret_bins)
{
	struct debug_stats stats;
	struct debug_rows rows;
	int64_t first;
	debug_stats(slice, tensor, &stats);
	n_bins = n_bins < 1 ? 1 : n_bins > DEBUG_BINS_MAX ? DEBUG_BINS_MAX : n_bins;
	*ret_bins = (struct debug_bins){ .low = stats.min, .high = stats.max, .n_bins = n_bins };
	double half = stats.max / 2 - stats.min / 2, scale = half > 0 ? n_bins / 2.0 / half : 0;
	debug_rows_begin(&rows, slice);
	while (debug_rows_next(&rows, &first)) {
		for (int64_t i = 0; i < rows.length; i += CHUNK) {
			double values[CHUNK];
			int n = rows.length - i < CHUNK ? (int)(rows.length - i) : CHUNK;
			take(tensor, first + i * rows.stride, rows.stride, n, values);
			for (int k = 0; k < n; k++) {
				if (values[k] - values[k] != 0)
					continue;
				double at = (values[k] / 2 - stats.min / 2) * scale * 2;
				int bin = at < 0 ? 0 : at >= n_bins ? n_bins - 1 : (int)at;
				ret_bins->n[bin]++;
			}
		}
	}
}
