/* SPDX-License-Identifier: Apache-2.0
 *
 * imported: what tests of importers share: a folder, a file with a text or a damaged copy in it, its import, and questions to the result.
 */
#ifndef TANDEM_TESTS_TRACES_IMPORTED_H
#define TANDEM_TESTS_TRACES_IMPORTED_H

#include <stdint.h>

#include "tests/support/temp_file.h"
#include "traces/db.h"
#include "traces/import.h"

#define IMPORTED_FILES_MAX 8

struct imported {
	struct temp_file source;  /* names the folder */
	char paths[IMPORTED_FILES_MAX][80];
	const char *files[IMPORTED_FILES_MAX];
	int n_files;
	char output[80];
	enum import_align align;
	struct import_file *infos; /* of the last import */
	struct db *db;             /* open after an import that worked */
	struct error error;
};

void imported_init(struct imported *imported);
void imported_finish(struct imported *imported);

/* Adds a file with these bytes, or one that lies somewhere. */
void imported_add(struct imported *imported, const void *bytes, size_t n);
void imported_add_text(struct imported *imported, const char *text);
void imported_add_file(struct imported *imported, const char *file);

/* The status of import_run over all files added; they are forgotten after it, as is what was imported before. */
int imported_run(struct imported *imported);

int64_t imported_int(struct imported *imported, const char *sql);
/* The caller's to free; "" for NULL. */
char *imported_text(struct imported *imported, const char *sql);

/* "../shared/traces/NAME" of the source tree; NULL when it is not there. `path` [300]. */
const char *imported_sample(const char *name, char *path);
/* A whole file, freed by the caller. */
uint8_t *imported_read(const char *path, size_t *ret_n);

#endif
