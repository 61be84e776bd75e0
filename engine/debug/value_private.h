/* SPDX-License-Identifier: Apache-2.0
 *
 * value_private: what the value*.c files share: everything of an output that is held, and the rows of a slice.
 */
#ifndef TANDEM_ENGINE_DEBUG_VALUE_PRIVATE_H
#define TANDEM_ENGINE_DEBUG_VALUE_PRIVATE_H

#include "engine/debug/value.h"

/* Values that were met but are none any more. */
struct debug_losses {
	uint64_t n_poisoned, n_overwritten;
	uint32_t overwriter; /* node; PROGRAM_NONE: a later execution */
};

/* Calls `visit` with each value of an output that is held: at gates, in slots, objects, the history. `execution` DEBUG_LATEST: of any. Values
 * without data (failed, digest only) are among them. Ends when `visit` returns false. */
void debug_held_each(const struct debug_target *target, uint32_t node, uint32_t output, uint64_t execution,
	bool (*visit)(void *user, const struct debug_value *value), void *user, struct debug_losses *losses);

/* Whether a value that was found is there still, unchanged as far as others could have changed it. */
bool debug_held_is_sound(const struct debug_target *target, const struct debug_value *value);

/* The tensor at a gate, checked against its type and the mapping. */
bool debug_held_gate_tensor(const struct debug_target *target, uint32_t node, uint32_t output, const struct gate_tensor *at,
	struct tensor *ret_tensor);

/* The rows of a slice: runs of elements with one stride, as long as they can be. */
struct debug_rows {
	int n_dims;                      /* outer dimensions */
	int64_t shape[TENSOR_DIMS_MAX], strides[TENSOR_DIMS_MAX], at[TENSOR_DIMS_MAX];
	int64_t length, stride;          /* of each row */
	int64_t element, n_left;         /* first element of the next row; rows left */
};
void debug_rows_begin(struct debug_rows *rows, const struct debug_slice *slice);
bool debug_rows_next(struct debug_rows *rows, int64_t *ret_first);

#endif
