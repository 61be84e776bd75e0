/* SPDX-License-Identifier: Apache-2.0
 *
 * tensor_files: tells the two formats apart and reads or writes them.
 */
#include "tool/tensor_files.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/npy.h"
#include "engine/base/safetensors.h"
#include "engine/base/strbuf.h"

static bool ends_with(const char *text, const char *suffix)
{
	size_t length = strlen(text), n_suffix = strlen(suffix);
	return length > n_suffix && strcmp(text + length - n_suffix, suffix) == 0;
}

/* Where the file's name starts in NAME=FILE.npy; NULL when the word is a plain file name. */
static const char *npy_file(const char *word)
{
	const char *equals = strchr(word, '=');
	return equals && equals != word && ends_with(word, ".npy") ? equals + 1 : NULL;
}

static int read_one(const char *word, const char *option, struct tensor_set *ret_set, struct error *error)
{
	const char *file = npy_file(word);
	if (!file && ends_with(word, ".npy"))
		return error_set(error, STATUS_USAGE, "--%s %s: an npy file has no name inside; write NAME=%s", option, word, word);
	if (!file)
		return safetensors_read(word, ret_set, error);
	char *name = strndup(word, (size_t)(file - word - 1));
	if (!name)
		return error_set(error, STATUS_NO_MEMORY, "%s", status_sentence(STATUS_NO_MEMORY));
	int status = npy_read(file, name, ret_set, error);
	free(name);
	return status;
}

static int check_new_names(const struct tensor_files *files, const struct tensor_set *set, const char *option, const char *word,
	struct error *error)
{
	for (size_t i = 0; i < set->n_items; i++) {
		if (tensor_files_find(files, set->items[i].name))
			return error_set(error, STATUS_INPUT, "--%s %s: tensor '%s' was already given by another file", option, word,
				set->items[i].name);
	}
	return STATUS_OK;
}

int tensor_files_read(const struct option_list *list, const char *option, struct tensor_files *ret_files, struct error *error)
{
	struct tensor_files files = { .sets = calloc((size_t)list->n_items + 1, sizeof *files.sets) };
	int status = files.sets ? STATUS_OK : error_set(error, STATUS_NO_MEMORY, "%s", status_sentence(STATUS_NO_MEMORY));
	for (int i = 0; i < list->n_items && !status; i++) {
		struct tensor_set set = { 0 };
		status = read_one(list->items[i], option, &set, error);
		if (!status)
			status = check_new_names(&files, &set, option, list->items[i], error);
		if (status)
			tensor_set_finish(&set);
		else
			files.sets[files.n_sets++] = set;
	}
	if (status)
		tensor_files_finish(&files);
	else
		*ret_files = files;
	return status;
}

void tensor_files_finish(struct tensor_files *files)
{
	for (int i = 0; i < files->n_sets; i++)
		tensor_set_finish(&files->sets[i]);
	free(files->sets);
	*files = (struct tensor_files){ 0 };
}

const struct tensor *tensor_files_find(const struct tensor_files *files, const char *name)
{
	for (int i = 0; i < files->n_sets; i++) {
		const struct tensor *tensor = tensor_set_find(&files->sets[i], name);
		if (tensor)
			return tensor;
	}
	return NULL;
}

static int unknown_result(const char *word, const char *option, const char *const *names, int n, struct error *error)
{
	struct strbuf known = STRBUF_INIT;
	for (int i = 0; i < n; i++)
		strbuf_addf(&known, "%s%s", i ? ", " : "", names[i]);
	error_set(error, STATUS_USAGE, "--%s %s: the graph has no such output; it has: %s", option, word, strbuf_text(&known));
	strbuf_finish(&known);
	return STATUS_USAGE;
}

int tensor_files_check_outputs(const struct option_list *list, const char *option, const char *const *names, int n,
	struct error *error)
{
	for (int i = 0; i < list->n_items; i++) {
		const char *word = list->items[i];
		const char *file = npy_file(word);
		if (!file && !ends_with(word, ".safetensors"))
			return error_set(error, STATUS_USAGE, "--%s %s: write FILE.safetensors or NAME=FILE.npy", option, word);
		size_t length = file ? (size_t)(file - word - 1) : 0;
		bool is_known = !file;
		for (int k = 0; k < n && !is_known; k++)
			is_known = strlen(names[k]) == length && strncmp(names[k], word, length) == 0;
		if (!is_known)
			return unknown_result(word, option, names, n, error);
	}
	return STATUS_OK;
}

static const struct tensor *find_for(const char *word, const char *file, const struct tensor_set *set)
{
	size_t length = (size_t)(file - word - 1);
	for (size_t i = 0; i < set->n_items; i++) {
		if (strlen(set->items[i].name) == length && strncmp(set->items[i].name, word, length) == 0)
			return &set->items[i].tensor;
	}
	return NULL;
}

int tensor_files_write(const struct option_list *list, const struct tensor_set *set, struct error *error)
{
	int status = STATUS_OK;
	for (int i = 0; i < list->n_items && !status; i++) {
		const char *file = npy_file(list->items[i]);
		const struct tensor *tensor = file ? find_for(list->items[i], file, set) : NULL;
		if (tensor)
			status = npy_write(file, tensor, error);
		else
			status = safetensors_write(list->items[i], set, error);
	}
	return status;
}
