/* SPDX-License-Identifier: Apache-2.0
 *
 * The cache of imports: hits, stale entries, many at once, a directory that cannot be written, what is no entry.
 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/temp_file.h"
#include "tests/traces/checked.h"
#include "traces/import.h"

static struct temp_file file;

static void write_text(int n)
{
	char text[300];
	snprintf(text, sizeof text, "[{\"ph\":\"X\",\"name\":\"event %d\",\"pid\":1,\"tid\":1,\"ts\":%d,\"dur\":1}]", n, n);
	temp_file_write(&file, text, strlen(text));
}

static void setup(void)
{
	temp_file_init(&file, "trace.json");
	setenv("XDG_CACHE_HOME", file.directory, 1);
	setenv("TMPDIR", file.directory, 1);
	write_text(1);
}

static void teardown(void)
{
	char command[120];
	snprintf(command, sizeof command, "rm -rf %s/tandem %s/other", file.directory, file.directory);
	cr_expect(system(command) == 0);
	temp_file_finish(&file);
}

TestSuite(import_cache, .init = setup, .fini = teardown, .timeout = 60);

static struct import_opened open_file(bool uses_cache)
{
	const char *const files[] = { file.path };
	const struct import_options options = { .files = files, .n_files = 1 };
	struct import_opened opened;
	struct error error = { 0 };
	cr_assert(import_open(&options, uses_cache, &opened, &error) == STATUS_OK, "%s", error.text);
	checked_file(opened.file, "import");
	return opened;
}

Test(import_cache, keeps_an_import_until_its_file_changes)
{
	struct import_opened first = open_file(true), second = open_file(true);
	cr_expect(first.is_new && first.directory && strstr(first.directory, "/tandem"), "the first said '%s'", first.directory);
	cr_expect(!second.is_new && !second.directory && strcmp(first.file, second.file) == 0, "'%s', then '%s'", first.file, second.file);
	write_text(22);
	struct import_opened third = open_file(true);
	cr_expect(third.is_new && strcmp(first.file, third.file) != 0, "a changed file is still '%s'", third.file);
	struct stat info;
	cr_expect(stat(first.directory, &info) == 0 && (info.st_mode & 0777) == 0700, "mode %o", info.st_mode & 0777);
	import_opened_finish(&first);
	import_opened_finish(&second);
	import_opened_finish(&third);
}

Test(import_cache, replaces_an_entry_that_is_no_trace)
{
	struct import_opened first = open_file(true);
	FILE *stream = fopen(first.file, "w");
	cr_assert(stream && fputs("damaged", stream) >= 0 && fclose(stream) == 0);
	struct import_opened second = open_file(true);
	cr_expect(second.is_new && strcmp(first.file, second.file) == 0, "'%s', then '%s'", first.file, second.file);
	import_opened_finish(&first);
	import_opened_finish(&second);
}

Test(import_cache, without_it_leaves_nothing)
{
	struct import_opened opened = open_file(false);
	cr_expect(opened.is_temporary && temp_file_count(&file) >= 2, "%d files", temp_file_count(&file));
	import_opened_finish(&opened);
	cr_expect(temp_file_count(&file) == 1, "%d files are left", temp_file_count(&file));
}

Test(import_cache, goes_without_where_it_cannot_be_made)
{
	char other[80];
	snprintf(other, sizeof other, "%s/other", file.directory);
	int fd = open(other, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	cr_assert(fd >= 0);
	close(fd);
	setenv("XDG_CACHE_HOME", other, 1);
	struct import_opened opened = open_file(true);
	cr_expect(opened.is_temporary, "'%s' is said to be kept", opened.file);
	import_opened_finish(&opened);
	cr_expect(temp_file_count(&file) == 2, "%d files are left", temp_file_count(&file));
}

Test(import_cache, serves_many_at_once)
{
	enum { CHILDREN = 6 };
	pid_t children[CHILDREN];
	int n_failed = 0;
	for (int i = 0; i < CHILDREN; i++) {
		children[i] = fork();
		if (children[i] == 0) {
			const char *const files[] = { file.path };
			const struct import_options options = { .files = files, .n_files = 1 };
			struct import_opened opened;
			int status = import_open(&options, true, &opened, NULL);
			_exit(status == STATUS_OK && !opened.is_temporary && access(opened.file, R_OK) == 0 ? 0 : 1);
		}
	}
	for (int i = 0; i < CHILDREN; i++) {
		int status = -1;
		cr_assert(waitpid(children[i], &status, 0) == children[i]);
		n_failed += status != 0;
	}
	cr_expect(n_failed == 0, "%d of %d failed", n_failed, CHILDREN);
	struct import_opened opened = open_file(true);
	cr_expect(!opened.is_new, "nothing was kept");
	import_opened_finish(&opened);
}
