/* SPDX-License-Identifier: Apache-2.0
 *
 * cut: joining tensors along an axis and cutting them there; shared by concat, split and the collectives that do so. Cut at an
 * axis, a contiguous tensor is n_outer rows of row_bytes, each row all that lies behind one index of the dimensions in front.
 */
#ifndef TANDEM_ENGINE_OPS_CUT_H
#define TANDEM_ENGINE_OPS_CUT_H

#include "engine/graph/op.h"

/* State of an op with the parameter `axis`. */
struct cut {
	int axis; /* 0 … n_dims - 1 */
	int rank;
};

/* Makes a struct cut, to be released by free. Serves as `setup`. */
int cut_setup(const struct op_setup *setup, void **ret_state, struct error *error);

int64_t cut_n_outer(const struct tensor *tensor, int axis);
size_t cut_row_bytes(const struct tensor *tensor, int axis);

/* One of n_parts equal parts of dimension `axis` of input 0. STATUS_GRAPH when it cannot be cut so, whatever the sizes. */
int cut_equal_part(const struct op_infer *infer, int axis, int n_parts, struct dim *ret_part, struct error *error);

/* Output 0 is the inputs one after the other along the axis. Serves as `run` with a struct cut as state. */
int cut_join(struct op_run *run);

#endif
