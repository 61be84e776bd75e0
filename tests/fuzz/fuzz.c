/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz: the list of targets, and what they share.
 */
#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/fuzz/targets.h"

const struct fuzz_target *const fuzz_targets[] = {
#define X(name) &fuzz_target_##name,
	FUZZ_TARGET_MAP(X)
#undef X
	NULL,
};

const struct fuzz_target *fuzz_find(const char *name)
{
	for (int i = 0; fuzz_targets[i]; i++) {
		if (strcmp(fuzz_targets[i]->name, name) == 0)
			return fuzz_targets[i];
	}
	return NULL;
}

void fuzz_corpus_add(struct fuzz_corpus *corpus, const void *bytes, size_t n)
{
	if (corpus->n_items == corpus->capacity) {
		corpus->capacity = corpus->capacity ? 2 * corpus->capacity : 64;
		corpus->items = realloc(corpus->items, corpus->capacity * sizeof *corpus->items);
	}
	uint8_t *copy = malloc(n + 1);
	FUZZ_CHECK(corpus->items && copy, "no memory for the corpus");
	if (n)
		memcpy(copy, bytes, n);
	corpus->items[corpus->n_items++] = (struct fuzz_input){ copy, n };
}

void fuzz_corpus_finish(struct fuzz_corpus *corpus)
{
	for (size_t i = 0; i < corpus->n_items; i++)
		free(corpus->items[i].bytes);
	free(corpus->items);
	*corpus = (struct fuzz_corpus){ 0 };
}

void fuzz_fail(const char *file, int line, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	fprintf(stderr, "%s:%d: ", file, line);
	vfprintf(stderr, format, arguments);
	fputc('\n', stderr);
	va_end(arguments);
	abort();
}

static void read_bytes(struct fuzz_reader *reader, void *to, size_t n)
{
	size_t left = (size_t)(reader->end - reader->at);
	memset(to, 0, n);
	n = n < left ? n : left;
	if (n)
		memcpy(to, reader->at, n);
	reader->at += n;
}

uint8_t fuzz_read_u8(struct fuzz_reader *reader)
{
	return reader->at < reader->end ? *reader->at++ : 0;
}

uint16_t fuzz_read_u16(struct fuzz_reader *reader)
{
	uint16_t value;
	read_bytes(reader, &value, sizeof value);
	return value;
}

uint32_t fuzz_read_u32(struct fuzz_reader *reader)
{
	uint32_t value;
	read_bytes(reader, &value, sizeof value);
	return value;
}

uint64_t fuzz_read_u64(struct fuzz_reader *reader)
{
	uint64_t value;
	read_bytes(reader, &value, sizeof value);
	return value;
}

uint64_t fuzz_read_number(struct fuzz_reader *reader)
{
	uint8_t kind = fuzz_read_u8(reader);
	switch (kind >> 6) {
	case 0:
		return kind;
	case 1: /* a power of two and its neighbours */
		return (UINT64_C(1) << (kind & 63)) + fuzz_read_u8(reader) % 3 - 1;
	case 2:
		return UINT64_MAX - (kind & 63);
	default:
		return fuzz_read_u64(reader);
	}
}

int fuzz_memory_file(const void *bytes, size_t n, char path[32])
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	FUZZ_CHECK(fd >= 0 && write(fd, bytes, n) == (ssize_t)n, "no memory for a file");
	snprintf(path, 32, "/proc/self/fd/%d", fd);
	return fd;
}

static char folder[] = "/tmp/tandem-fuzz-XXXXXX";

static void remove_folder(void)
{
	char path[600];
	DIR *files = opendir(folder);
	struct dirent *file;
	while (files && (file = readdir(files))) {
		snprintf(path, sizeof path, "%s/%s", folder, file->d_name);
		if (file->d_name[0] != '.')
			unlink(path);
	}
	if (files)
		closedir(files);
	rmdir(folder);
}

const char *fuzz_folder(void)
{
	static bool is_made;
	if (!is_made) {
		FUZZ_CHECK(mkdtemp(folder), "no folder in /tmp");
		atexit(remove_folder);
		is_made = true;
	}
	return folder;
}
