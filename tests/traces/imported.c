/* SPDX-License-Identifier: Apache-2.0
 *
 * imported: imports by the tests of importers.
 */
#include "tests/traces/imported.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void imported_init(struct imported *imported)
{
	memset(imported, 0, sizeof *imported);
	temp_file_init(&imported->source, "source");
	snprintf(imported->output, sizeof imported->output, "%s/out.tandem", imported->source.directory);
}

static void forget(struct imported *imported)
{
	db_close(imported->db);
	free(imported->infos);
	imported->db = NULL;
	imported->infos = NULL;
	unlink(imported->output);
}

void imported_finish(struct imported *imported)
{
	forget(imported);
	for (int i = 0; i < IMPORTED_FILES_MAX; i++)
		unlink(imported->paths[i]);
	temp_file_finish(&imported->source);
}

void imported_add(struct imported *imported, const void *bytes, size_t n)
{
	char *path = imported->paths[imported->n_files], folder[40];
	memcpy(folder, imported->source.directory, sizeof folder);
	snprintf(path, sizeof imported->paths[0], "%s/file%d", folder, imported->n_files);
	FILE *file = fopen(path, "wb");
	cr_assert(file && fwrite(bytes, 1, n, file) == n, "%s", path);
	fclose(file);
	imported_add_file(imported, path);
}

void imported_add_text(struct imported *imported, const char *text)
{
	imported_add(imported, text, strlen(text));
}

void imported_add_file(struct imported *imported, const char *file)
{
	cr_assert(imported->n_files < IMPORTED_FILES_MAX);
	imported->files[imported->n_files++] = file;
}

int imported_run(struct imported *imported)
{
	struct import_options options = { .files = imported->files, .n_files = imported->n_files, .output = imported->output,
		.align = imported->align };
	forget(imported);
	imported->error.text[0] = '\0';
	int status = import_run(&options, &imported->infos, &imported->error);
	imported->n_files = 0;
	if (status == STATUS_OK)
		cr_assert_eq(db_open(imported->output, DB_READ, &imported->error, &imported->db), STATUS_OK, "%s", imported->error.text);
	else
		cr_assert(imported->error.text[0], "%s without words", status_word(status));
	cr_assert(status == STATUS_OK || access(imported->output, F_OK) != 0, "a failed import left %s", imported->output);
	return status;
}

int64_t imported_int(struct imported *imported, const char *sql)
{
	int64_t value = INT64_MIN;
	cr_assert_not_null(imported->db, "%s", imported->error.text);
	cr_assert_eq(db_get_int(imported->db, sql, &value, &imported->error), STATUS_OK, "%s", imported->error.text);
	return value;
}

char *imported_text(struct imported *imported, const char *sql)
{
	char *text = NULL;
	cr_assert_not_null(imported->db, "%s", imported->error.text);
	cr_assert_eq(db_get_text(imported->db, sql, &text, &imported->error), STATUS_OK, "%s", imported->error.text);
	return text ? text : strdup("");
}

const char *imported_sample(const char *name, char *path)
{
	const char *root = getenv("TANDEM_SOURCE_ROOT");
	snprintf(path, 300, "%s/../shared/traces/%s", root ? root : ".", name);
	return access(path, R_OK) == 0 ? path : NULL;
}

uint8_t *imported_read(const char *path, size_t *ret_n)
{
	FILE *file = fopen(path, "rb");
	cr_assert(file && fseek(file, 0, SEEK_END) == 0, "%s", path);
	*ret_n = (size_t)ftell(file);
	uint8_t *bytes = malloc(*ret_n + 1);
	rewind(file);
	cr_assert(bytes && fread(bytes, 1, *ret_n, file) == *ret_n, "%s", path);
	fclose(file);
	return bytes;
}
