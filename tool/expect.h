/* SPDX-License-Identifier: Apache-2.0
 *
 * expect: compares the outputs of a run with tensors from files, by name.
 */
#ifndef TANDEM_TOOL_EXPECT_H
#define TANDEM_TOOL_EXPECT_H

#include <stdbool.h>

#include "engine/base/strbuf.h"
#include "engine/base/tensor.h"

struct expect_difference {
	double largest;          /* largest |actual - expected|; infinity when one is NaN and the other is not */
	int64_t at;              /* its flat index; -1 when nothing differs */
	double actual, expected; /* there */
};

/* Tensors of equal dtype and shape. */
struct expect_difference expect_compare(const struct tensor *actual, const struct tensor *expected);

/* Compares each tensor of `expected` with the one of that name in `actual`; a line for each goes to `out`. True when every one is
 * there, has the same dtype and shape, and differs nowhere by more than `tolerance`. */
bool expect_check(const struct tensor_set *actual, const struct tensor_set *expected, double tolerance, struct strbuf *out);

#endif
