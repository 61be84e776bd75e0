/* SPDX-License-Identifier: Apache-2.0
 *
 * value_compare: two tensors element by element. What is equal bit for bit is passed over block by block, at the speed of memory.
 */
#include <math.h>
#include <string.h>

#include "engine/debug/value.h"

#define BLOCK 1024 /* elements that are compared as bytes first */

/* |a − b|; a NaN on one side, or infinities that differ, are infinitely far apart. */
static double distance(double a, double b)
{
	if ((isnan(a) && isnan(b)) || a == b)
		return 0;
	return isnan(a) || isnan(b) || isinf(a) || isinf(b) ? INFINITY : fabs(a - b);
}

static double distance_at(const struct tensor *a, const struct tensor *b, int64_t i, double x, double y)
{
	if (a->dtype != DTYPE_I64)
		return distance(x, y);
	uint64_t p = (uint64_t)((const int64_t *)a->data)[i], q = (uint64_t)((const int64_t *)b->data)[i];
	return (double)((int64_t)p > (int64_t)q ? p - q : q - p);
}

static void unravel(const struct tensor *tensor, int64_t element, int64_t *ret_at)
{
	for (int d = tensor->n_dims - 1; d >= 0; d--) {
		ret_at[d] = element % tensor->shape[d];
		element /= tensor->shape[d];
	}
}

struct worst {
	int64_t first, worst; /* elements; -1: none */
	double rank;          /* of the worst: its distance; a NaN on one side is beyond infinity */
	bool is_one_sided;
};

static void look_at(const struct tensor *a, const struct tensor *b, int64_t i, double absolute, double relative,
	struct debug_difference *difference, struct worst *worst)
{
	double x = debug_element(a, i), y = debug_element(b, i), far = distance_at(a, b, i, x, y);
	bool is_one_sided = isnan(x) != isnan(y);
	double ratio = far == 0 ? 0 : isinf(far) ? INFINITY : far / fabs(y);
	if (far > difference->max_absolute)
		difference->max_absolute = far;
	if (ratio > difference->max_relative)
		difference->max_relative = ratio;
	if (far > 0 && (worst->worst < 0 || (is_one_sided && !worst->is_one_sided)
		|| (is_one_sided == worst->is_one_sided && far > worst->rank))) {
		*worst = (struct worst){ worst->first, i, far, is_one_sided };
		difference->worst_a = x;
		difference->worst_b = y;
	}
	if (far == 0 || (!isinf(far) && far <= absolute + relative * fabs(y)))
		return;
	difference->n_different++;
	if (worst->first < 0)
		worst->first = i;
}

static void look_at_block(const struct tensor *a, const struct tensor *b, int64_t from, int64_t to, double absolute, double relative,
	struct debug_difference *difference, struct worst *worst)
{
	size_t unit = dtype_bytes(a->dtype);
	const uint8_t *x = a->data, *y = b->data;
	if (memcmp(x + (size_t)from * unit, y + (size_t)from * unit, (size_t)(to - from) * unit) == 0)
		return;
	for (int64_t i = from; i < to; i++) {
		if (memcmp(x + (size_t)i * unit, y + (size_t)i * unit, unit) == 0)
			continue;
		difference->n_unequal_bits++;
		look_at(a, b, i, absolute, relative, difference, worst);
	}
}

void debug_compare(const struct tensor *a, const struct tensor *b, double absolute, double relative, struct debug_difference *ret_difference)
{
	struct worst worst = { .first = -1, .worst = -1 };
	*ret_difference = (struct debug_difference){ .same_type = a->dtype == b->dtype && tensor_same_shape(a, b) };
	if (!ret_difference->same_type)
		return;
	ret_difference->n = tensor_n_elements(a);
	for (int64_t i = 0; i < ret_difference->n; i += BLOCK)
		look_at_block(a, b, i, ret_difference->n - i < BLOCK ? ret_difference->n : i + BLOCK, absolute, relative, ret_difference, &worst);
	if (worst.worst >= 0)
		unravel(a, worst.worst, ret_difference->worst);
	if (worst.first >= 0)
		unravel(a, worst.first, ret_difference->first);
}
