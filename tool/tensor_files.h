/* SPDX-License-Identifier: Apache-2.0
 *
 * tensor_files: the files of --input, --expect and --output: FILE.safetensors with many named tensors, or NAME=FILE.npy with one.
 */
#ifndef TANDEM_TOOL_TENSOR_FILES_H
#define TANDEM_TOOL_TENSOR_FILES_H

#include "engine/base/error.h"
#include "engine/base/tensor.h"
#include "tool/options.h"

struct tensor_files {
	struct tensor_set *sets; /* one a file, in the order given */
	int n_sets;
};

/* Reads every file of `list`, given with `--option`. A name in two files is a mistake. On failure nothing is kept. */
int tensor_files_read(const struct option_list *list, const char *option, struct tensor_files *ret_files, struct error *error);
void tensor_files_finish(struct tensor_files *files);

/* NULL when no file has the name. */
const struct tensor *tensor_files_find(const struct tensor_files *files, const char *name);

/* Checks the words of `list` without touching a file: each is FILE.safetensors or NAME=FILE.npy, NAME being one of the `n` names.
 * STATUS_USAGE. For a check before a long run. */
int tensor_files_check_outputs(const struct option_list *list, const char *option, const char *const *names, int n,
	struct error *error);

/* Writes all tensors of `set` to each safetensors file of `list`, and the named ones to the npy files. */
int tensor_files_write(const struct option_list *list, const struct tensor_set *set, struct error *error);

#endif
