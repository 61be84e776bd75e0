/* SPDX-License-Identifier: Apache-2.0
 *
 * safetensors: reading (by mapping, nothing is copied) and writing of safetensors files, as published with the `safetensors`
 * package: 8 bytes little-endian header length, a JSON header, the data.
 */
#ifndef TANDEM_ENGINE_BASE_SAFETENSORS_H
#define TANDEM_ENGINE_BASE_SAFETENSORS_H

#include "engine/base/error.h"
#include "engine/base/tensor.h"

/* Maps `file` and lists its tensors; their data point into the private mapping that the set owns (aligned only as the file
 * has it). Every offset, size and shape is checked against the file's size; names are unique; the tensors cover the data
 * without a gap or an overlap, as the format demands. STATUS_INPUT names the file and the tensor at fault. Tensors of dtypes
 * that the engine does not have (F16, BF16, …) or with more than TENSOR_DIMS_MAX dimensions are left out. */
int safetensors_read(const char *file, struct tensor_set *ret_set, struct error *error);

/* Writes the tensors to `file` (through a temporary file beside it, renamed when complete). STATUS_DISK_FULL or
 * STATUS_SYSTEM on failure, nothing is left behind. */
int safetensors_write(const char *file, const struct tensor_set *set, struct error *error);

#endif
