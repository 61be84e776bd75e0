/* SPDX-License-Identifier: Apache-2.0
 *
 * temp_file: small files in a directory of the test's own, for tests of readers and writers. Failures end the test.
 */
#ifndef TANDEM_TESTS_SUPPORT_TEMP_FILE_H
#define TANDEM_TESTS_SUPPORT_TEMP_FILE_H

#include <stddef.h>
#include <stdint.h>

struct temp_file {
	char directory[40];
	char path[64]; /* in that directory; does not exist until written */
};

void temp_file_init(struct temp_file *file, const char *name);
void temp_file_write(const struct temp_file *file, const void *bytes, size_t n_bytes);
/* The whole content, NUL added behind, freed by the caller. */
uint8_t *temp_file_read(const struct temp_file *file, size_t *ret_n_bytes);
/* Files in the directory. */
int temp_file_count(const struct temp_file *file);
/* Removes file and directory. */
void temp_file_finish(struct temp_file *file);

/* Changes some bytes of `bytes`, sometimes its length: overwritten, swapped, repeated, cut. `*seed` steps a fixed sequence.
 * Returns the new length, at most n_bytes. */
size_t temp_file_mutate(uint8_t *bytes, size_t n_bytes, uint64_t *seed);

#endif
