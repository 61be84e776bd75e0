/* SPDX-License-Identifier: Apache-2.0
 *
 * weights: what stands behind an op's `weights` parameter. Either the path of a safetensors file, which is mapped (nodes
 * that name the same file share its pages), or "seeded:N": every tensor that is asked for is made from N and its name, the
 * same in every process: zeros when the name ends in "bias", ones for the weight of a LayerNorm, otherwise about normal with
 * standard deviation 0.02.
 */
#ifndef TANDEM_ENGINE_OPS_WEIGHTS_H
#define TANDEM_ENGINE_OPS_WEIGHTS_H

#include <stdbool.h>

#include "engine/base/error.h"
#include "engine/base/tensor.h"

#define WEIGHTS_ANY (-1) /* a size that the caller takes as it is */

struct weights;

/* STATUS_INPUT when the file is missing or broken or the seed is no number. *ret_weights is the caller's. */
int weights_open(const char *spec, struct weights **ret_weights, struct error *error);
void weights_close(struct weights *weights); /* accepts NULL; ends the life of every tensor handed out */

bool weights_is_seeded(const struct weights *weights);

/* Whether there is a tensor with this name, also behind one of the prefixes that frameworks put in front ("bert.", "model.",
 * …). Always true when seeded. */
bool weights_has(const struct weights *weights, const char *name);

/* The shape of the f32 tensor `name`: as in the file, which must agree with `shape` except where that is WEIGHTS_ANY;
 * `shape` itself when seeded. No data are touched. STATUS_INPUT when it is missing (with the nearest name) or of another
 * shape. */
int weights_shape(const struct weights *weights, const char *name, int n_dims, const int64_t *shape, int64_t *ret_shape,
	struct error *error);

/* The tensor itself, under the same conditions; its data stay valid until weights_close and must not be written. When
 * seeded, every size must be given. */
int weights_get(struct weights *weights, const char *name, int n_dims, const int64_t *shape, struct tensor *ret_tensor,
	struct error *error);

#endif
