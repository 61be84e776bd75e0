/* SPDX-License-Identifier: Apache-2.0
 *
 * value_file: a slice as a file.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/base/npy.h"
#include "engine/base/safetensors.h"
#include "engine/base/units.h"
#include "engine/debug/value.h"

static bool ends_with(const char *text, const char *suffix)
{
	size_t n = strlen(text), n_suffix = strlen(suffix);
	return n > n_suffix && strcmp(text + n - n_suffix, suffix) == 0;
}

int debug_write_file(const struct debug_slice *slice, const struct tensor *tensor, const char *name, const char *file, struct error *error)
{
	bool is_npy = ends_with(file, ".npy");
	char size[32];
	if (!is_npy && !ends_with(file, ".safetensors"))
		return error_set(error, STATUS_INPUT, "'%.300s' ends neither in .npy nor in .safetensors", file);
	size_t bytes = (size_t)slice->n_elements * dtype_bytes(tensor->dtype);
	void *data = malloc(bytes ? bytes : 1);
	if (!data)
		return error_set(error, STATUS_NO_MEMORY, "no memory for a slice (%s)", units_bytes(bytes, size, sizeof size));
	debug_slice_gather(slice, tensor, data);
	struct named_tensor item = { .name = (char *)(uintptr_t)name, .tensor = tensor_make(tensor->dtype, slice->n_dims, slice->shape, data) };
	struct tensor_set set = { .items = &item, .n_items = 1 };
	int status = is_npy ? npy_write(file, &item.tensor, error) : safetensors_write(file, &set, error);
	free(data);
	return status;
}
