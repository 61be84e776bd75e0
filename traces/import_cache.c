/* SPDX-License-Identifier: Apache-2.0
 *
 * import_cache: imports that are kept. An entry's name is a digest of what it was made from and by which program, so that none is ever stale; it
 * appears under its name when it is complete, so that any number of programs may look at once.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/file_kind.h"
#include "traces/import.h"
#include "traces/schema.h"

#define CACHE_BYTES_MAX (INT64_C(4) << 30)
#define CACHE_NAME_LENGTH 32             /* hexadecimal digits */
#define CACHE_SUFFIX ".tandem"
#define CACHE_PART_SECONDS (24 * 60 * 60) /* what is left of an import that was killed is removed when it is so old */

/* -- names ------------------------------------------------------------------------------------------------------------------ */

/* FNV-1a of 128 bits (Fowler, Noll, Vo). */
struct digest {
	unsigned __int128 value;
};

static void digest_add(struct digest *digest, const void *bytes, size_t n)
{
	const unsigned __int128 prime = ((unsigned __int128)1 << 88) + 0x13b;
	for (size_t i = 0; i < n; i++)
		digest->value = (digest->value ^ ((const unsigned char *)bytes)[i]) * prime;
}

static void digest_file(struct digest *digest, const char *file)
{
	struct stat info;
	char *path = realpath(file, NULL);
	const char *name = path ? path : file;
	digest_add(digest, name, strlen(name) + 1);
	if (stat(file, &info) == 0) {
		const int64_t facts[] = { info.st_size, info.st_mtim.tv_sec, info.st_mtim.tv_nsec, (int64_t)info.st_ino };
		digest_add(digest, facts, sizeof facts);
	}
	free(path);
}

static void name_entry(const struct import_options *options, char name[CACHE_NAME_LENGTH + 1])
{
	struct digest digest = { ((unsigned __int128)0x6c62272e07bb0142 << 64) | 0x62b821756295c58d };
	const int64_t facts[] = { SCHEMA_VERSION, options->align, options->n_files };
	digest_add(&digest, facts, sizeof facts);
	digest_file(&digest, "/proc/self/exe");
	for (int i = 0; i < options->n_files; i++)
		digest_file(&digest, options->files[i]);
	snprintf(name, CACHE_NAME_LENGTH + 1, "%016" PRIx64 "%016" PRIx64, (uint64_t)(digest.value >> 64), (uint64_t)digest.value);
}

/* -- the directory ---------------------------------------------------------------------------------------------------------- */

static bool find_directory(struct strbuf *out)
{
	const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	if (cache && *cache == '/')
		strbuf_add(out, cache);
	else if (home && *home == '/')
		strbuf_addf(out, "%s/.cache", home);
	else
		return false;
	return !out->is_failed;
}

/* The user's own, and nobody else may write there. */
static bool is_ours(const char *directory)
{
	struct stat info;
	return lstat(directory, &info) == 0 && S_ISDIR(info.st_mode) && info.st_uid == geteuid() && !(info.st_mode & (S_IWGRP | S_IWOTH))
		&& access(directory, W_OK | X_OK) == 0;
}

/* Leaves the name of the directory in `out`; false: there is none to be had. */
static bool make_directory(struct strbuf *out, bool *ret_is_made)
{
	*ret_is_made = false;
	if (!find_directory(out))
		return false;
	mkdir(strbuf_text(out), 0700);
	strbuf_add(out, "/tandem");
	if (out->is_failed)
		return false;
	*ret_is_made = mkdir(strbuf_text(out), 0700) == 0;
	return is_ours(strbuf_text(out));
}

struct entry {
	char name[CACHE_NAME_LENGTH + sizeof CACHE_SUFFIX];
	int64_t n_bytes;
	struct timespec used;
};

static bool is_entry_name(const char *name)
{
	return strspn(name, "0123456789abcdef") == CACHE_NAME_LENGTH && strcmp(name + CACHE_NAME_LENGTH, CACHE_SUFFIX) == 0;
}

static bool is_part_name(const char *name)
{
	return strspn(name, "0123456789abcdef") == CACHE_NAME_LENGTH && name[CACHE_NAME_LENGTH] == '-';
}

static int compare_entries(const void *a, const void *b)
{
	const struct timespec *x = &((const struct entry *)a)->used, *y = &((const struct entry *)b)->used;
	if (x->tv_sec != y->tv_sec)
		return x->tv_sec < y->tv_sec ? 1 : -1;
	return (x->tv_nsec < y->tv_nsec) - (x->tv_nsec > y->tv_nsec);
}

/* Reads the directory; removes what an import left that was killed. */
static struct entry *list_entries(DIR *directory, size_t *ret_n)
{
	struct entry *entries = NULL;
	const struct dirent *found;
	struct stat info;
	struct timespec now;
	size_t n = 0;
	clock_gettime(CLOCK_REALTIME, &now);
	while ((found = readdir(directory))) {
		bool is_part = is_part_name(found->d_name);
		if ((!is_part && !is_entry_name(found->d_name)) || fstatat(dirfd(directory), found->d_name, &info, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		if (is_part) {
			if (now.tv_sec - info.st_mtim.tv_sec > CACHE_PART_SECONDS)
				unlinkat(dirfd(directory), found->d_name, 0);
			continue;
		}
		struct entry *grown = realloc(entries, (n + 1) * sizeof *grown);
		if (!grown)
			break;
		entries = grown;
		entries[n] = (struct entry){ .n_bytes = info.st_size, .used = info.st_mtim };
		memcpy(entries[n++].name, found->d_name, sizeof entries->name);
	}
	*ret_n = n;
	return entries;
}

/* Keeps the latest ones that fit; the very latest in any case. */
static void drop_old(const char *name)
{
	DIR *directory = opendir(name);
	size_t n = 0;
	int64_t total = 0;
	if (!directory)
		return;
	struct entry *entries = list_entries(directory, &n);
	if (entries)
		qsort(entries, n, sizeof *entries, compare_entries);
	for (size_t i = 0; i < n; i++) {
		total += entries[i].n_bytes;
		if (i > 0 && total > CACHE_BYTES_MAX)
			unlinkat(dirfd(directory), entries[i].name, 0);
	}
	free(entries);
	closedir(directory);
}

/* -- importing -------------------------------------------------------------------------------------------------------------- */

/* Into a new file that nobody else has; its name is in *ret_file. */
static int import_to(const struct import_options *options, const char *directory, const char *name, char **ret_file, struct error *error)
{
	struct import_options own = *options;
	char *file = NULL;
	if (asprintf(&file, "%s/%s-XXXXXX", directory, name) < 0)
		return error_set(error, STATUS_NO_MEMORY, "no memory for an import");
	int fd = mkstemp(file);
	if (fd < 0) {
		int status = error_set_errno(error, STATUS_SYSTEM, "%s", file);
		free(file);
		return status;
	}
	close(fd);
	own.output = file;
	int status = import_run(&own, NULL, error);
	if (status != STATUS_OK) {
		unlink(file);
		free(file);
		return status;
	}
	*ret_file = file;
	return STATUS_OK;
}

static int import_temporary(const struct import_options *options, struct import_opened *opened, struct error *error)
{
	const char *directory = getenv("TMPDIR");
	opened->is_temporary = opened->is_new = true;
	return import_to(options, directory && *directory ? directory : "/tmp", "tandem-import", &opened->file, error);
}

/* The entry `file`, which is there or becomes so. */
static int open_entry(const struct import_options *options, const char *directory, const char *name, struct import_opened *opened,
	struct error *error)
{
	char *file = NULL, *part = NULL;
	if (asprintf(&file, "%s/%s" CACHE_SUFFIX, directory, name) < 0)
		return error_set(error, STATUS_NO_MEMORY, "no memory for an import");
	if (file_kind(file) == FILE_KIND_TRACE) {
		utimensat(AT_FDCWD, file, NULL, 0);
		opened->file = file;
		return STATUS_OK;
	}
	int status = import_to(options, directory, name, &part, error);
	if (status == STATUS_OK && rename(part, file) < 0) {
		status = error_set_errno(error, STATUS_SYSTEM, "%s", file);
		unlink(part);
	}
	free(part);
	if (status != STATUS_OK) {
		free(file);
		return status;
	}
	opened->file = file;
	opened->is_new = true;
	drop_old(directory);
	return STATUS_OK;
}

static bool is_about_the_disk(int status)
{
	return status == STATUS_DISK_FULL || status == STATUS_SYSTEM || status == STATUS_DATABASE;
}

static int open_cached(const struct import_options *options, struct import_opened *opened, struct error *error)
{
	struct strbuf directory = STRBUF_INIT;
	char name[CACHE_NAME_LENGTH + 1];
	bool is_made;
	bool has_cache = make_directory(&directory, &is_made);
	int status = STATUS_SYSTEM;
	name_entry(options, name);
	if (has_cache)
		status = open_entry(options, strbuf_text(&directory), name, opened, error);
	if (!has_cache || is_about_the_disk(status))
		status = import_temporary(options, opened, error);
	else if (status == STATUS_OK && is_made)
		opened->directory = strdup(strbuf_text(&directory));
	strbuf_finish(&directory);
	return status;
}

int import_open(const struct import_options *options, bool uses_cache, struct import_opened *ret_opened, struct error *error)
{
	*ret_opened = (struct import_opened){ 0 };
	for (int i = 0; i < options->n_files; i++) {
		enum import_kind kind;
		if (options->n_files == 1 && file_kind(options->files[0]) == FILE_KIND_TRACE) {
			ret_opened->file = strdup(options->files[0]);
			return ret_opened->file ? STATUS_OK : error_set(error, STATUS_NO_MEMORY, "no memory for an import");
		}
		int status = import_detect(options->files[i], &kind, error);
		if (status != STATUS_OK)
			return status;
	}
	return uses_cache ? open_cached(options, ret_opened, error) : import_temporary(options, ret_opened, error);
}

void import_opened_finish(struct import_opened *opened)
{
	if (opened->is_temporary && opened->file)
		unlink(opened->file);
	free(opened->file);
	free(opened->directory);
	*opened = (struct import_opened){ 0 };
}
