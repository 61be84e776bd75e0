/* SPDX-License-Identifier: Apache-2.0
 *
 * infer: what the ops' infer functions share. Each returns STATUS_OK, or STATUS_GRAPH with a text that names the input by
 * its argument name ("input mask", "input 1") and says what it is and what was expected.
 */
#ifndef TANDEM_ENGINE_OPS_INFER_H
#define TANDEM_ENGINE_OPS_INFER_H

#include "engine/graph/op.h"

/* Output 0 is of input 0's type. Serves as an op's `infer`. */
int infer_same(struct op_infer *infer, struct error *error);

/* Input `idx` is of this dtype; has between min and max dimensions. */
int infer_dtype(const struct op_infer *infer, int idx, enum dtype dtype, struct error *error);
int infer_n_dims(const struct op_infer *infer, int idx, int min, int max, struct error *error);

/* Inputs a and b agree in dtype, number and size of all dimensions. */
int infer_equal(const struct op_infer *infer, int a, int b, struct error *error);

/* All inputs are of the type of input 0. */
int infer_equal_all(const struct op_infer *infer, struct error *error);

/* Dimension `axis_b` of input b is of the size of dimension `axis_a` of input a. */
int infer_equal_dim(const struct op_infer *infer, int a, int axis_a, int b, int axis_b, struct error *error);

/* The size of dimension `axis` (negative: from the end) of input `idx`, which must not depend on a symbol. */
int infer_constant(const struct op_infer *infer, int idx, int axis, int64_t *ret_size, struct error *error);

/* Turns an axis parameter (negative: from the end) into 0 … n_dims - 1. */
int infer_axis(int64_t axis, int n_dims, int *ret_axis, struct error *error);

/* Fails with "input x is f32[B,L], expected <format>". Returns STATUS_GRAPH. */
int infer_unexpected(const struct op_infer *infer, int idx, struct error *error, const char *format, ...) PRINTF_LIKE(4, 5);

/* A parameter's text as the node sets it; NULL where it takes the default. */
const char *infer_written(const struct op_params *params, const char *name);

#endif
