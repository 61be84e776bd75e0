/* SPDX-License-Identifier: Apache-2.0
 *
 * iterations_private: what the files of iterations share.
 */
#ifndef TANDEM_TRACES_ITERATIONS_PRIVATE_H
#define TANDEM_TRACES_ITERATIONS_PRIVATE_H

#include "traces/gpu_order.h"
#include "traces/iterations.h"

/* The last number in a name; −1: there is none. */
int64_t iterations_number(const char *name);

/* Finds items by the kernels' period; none is no failure. */
int iterations_by_period(const struct gpu_model *model, struct error *error, struct iterations *set);
/* Fills in of_span, is_mark, and what the items and executions hold and how odd they are. */
int iterations_measure(const struct gpu_model *model, struct error *error, struct iterations *set);

#endif
