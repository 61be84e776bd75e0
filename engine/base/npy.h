/* SPDX-License-Identifier: Apache-2.0
 *
 * npy: NumPy's array format, versions 1 to 3, little-endian C order (specification: numpy.lib.format).
 */
#ifndef TANDEM_ENGINE_BASE_NPY_H
#define TANDEM_ENGINE_BASE_NPY_H

#include "engine/base/error.h"
#include "engine/base/tensor.h"

/* Adds the array in `file` to `set` under `name`; the set owns the copied data, 64-byte aligned. */
int npy_read(const char *file, const char *name, struct tensor_set *set, struct error *error);
int npy_write(const char *file, const struct tensor *tensor, struct error *error);

#endif
