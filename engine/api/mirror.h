/* SPDX-License-Identifier: Apache-2.0
 *
 * mirror: the public structs of tandem.h have the layout of the engine's own, so that pointers to tensors, types and errors cross the
 * border without copies. mirror.c asserts every size, offset and number; the public types may alias.
 */
#ifndef TANDEM_ENGINE_API_MIRROR_H
#define TANDEM_ENGINE_API_MIRROR_H

#include "engine/api/tandem.h"
#include "engine/base/error.h"
#include "engine/base/tensor.h"
#include "engine/graph/op.h"

static inline struct error *mirror_error(struct tandem_error *error)
{
	return (struct error *)error;
}

static inline struct tandem_error *mirror_public_error(struct error *error)
{
	return (struct tandem_error *)error;
}

static inline const struct tensor *mirror_tensors(const struct tandem_tensor *tensors)
{
	return (const struct tensor *)tensors;
}

static inline const struct tandem_tensor *mirror_public_tensors(const struct tensor *tensors)
{
	return (const struct tandem_tensor *)tensors;
}

static inline const struct tandem_params *mirror_public_params(const struct op_params *params)
{
	return (const struct tandem_params *)params;
}

#endif
