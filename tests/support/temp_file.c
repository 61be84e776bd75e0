/* SPDX-License-Identifier: Apache-2.0
 *
 * temp_file: files for one test, and seeded damage to them.
 */
#include "tests/support/temp_file.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void temp_file_init(struct temp_file *file, const char *name)
{
	const char *root =
		access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp"; /* in memory: fuzzing writes thousands of files */
	snprintf(file->directory, sizeof(file->directory), "%s/tandem-test-XXXXXX", root);
	cr_assert_not_null(mkdtemp(file->directory));
	snprintf(file->path, sizeof(file->path), "%s/%s", file->directory, name);
}

void temp_file_write(const struct temp_file *file, const void *bytes, size_t n_bytes)
{
	FILE *out = fopen(file->path, "wb");
	cr_assert_not_null(out);
	cr_assert_eq(fwrite(bytes, 1, n_bytes, out), n_bytes);
	fclose(out);
}

uint8_t *temp_file_read(const struct temp_file *file, size_t *ret_n_bytes)
{
	FILE *in = fopen(file->path, "rb");
	cr_assert_not_null(in);
	fseek(in, 0, SEEK_END);
	size_t n = (size_t)ftell(in);
	rewind(in);
	uint8_t *bytes = malloc(n + 1);
	cr_assert_eq(fread(bytes, 1, n, in), n);
	bytes[n] = 0;
	fclose(in);
	*ret_n_bytes = n;
	return bytes;
}

int temp_file_count(const struct temp_file *file)
{
	DIR *directory = opendir(file->directory);
	int n = 0;

	cr_assert_not_null(directory);
	for (struct dirent *entry; (entry = readdir(directory));)
		n += entry->d_name[0] != '.';
	closedir(directory);
	return n;
}

void temp_file_finish(struct temp_file *file)
{
	unlink(file->path);
	rmdir(file->directory);
}

static size_t next(uint64_t *seed, size_t below)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return below ? (size_t)(*seed >> 33) % below : 0;
}

size_t temp_file_mutate(uint8_t *bytes, size_t n_bytes, uint64_t *seed)
{
	static const char interesting[] = "\0\xff\x7f\x80{}[]\"',:()0123456789-eE.\\un \n";
	size_t n_changes = 1 + next(seed, 4);

	for (size_t i = 0; i < n_changes && n_bytes > 0; i++) {
		/* the header stands in front: most changes go there */
		size_t at = next(seed, next(seed, 4) && n_bytes > 200 ? 200 : n_bytes), other = next(seed, n_bytes);
		uint8_t byte = bytes[at];
		switch (next(seed, 5)) {
		case 0:
			bytes[at] = (uint8_t)next(seed, 256);
			break;
		case 1:
			bytes[at] = (uint8_t)interesting[next(seed, sizeof(interesting) - 1)];
			break;
		case 2:
			bytes[at] = bytes[other];
			bytes[other] = byte;
			break;
		case 3:
			memmove(bytes + at, bytes + other, (n_bytes - (at > other ? at : other)) % 16);
			break;
		default:
			n_bytes = next(seed, 8) ? n_bytes : at;
			break;
		}
	}
	return n_bytes;
}
