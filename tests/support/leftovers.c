/* SPDX-License-Identifier: Apache-2.0
 *
 * leftovers: reading /proc.
 */
#include "tests/support/leftovers.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char mark[64];

void leftovers_mark(void)
{
	char value[32];
	snprintf(value, sizeof value, "%d", (int)getpid());
	setenv("TANDEM_TEST_MARK", value, 1);
	snprintf(mark, sizeof mark, "TANDEM_TEST_MARK=%s", value);
}

static size_t read_file(pid_t pid, const char *name, char *text, size_t size)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
	FILE *file = fopen(path, "re");
	if (!file)
		return 0;
	size_t n = fread(text, 1, size - 1, file);
	fclose(file);
	text[n] = '\0';
	return n;
}

static bool is_marked(pid_t pid)
{
	static char text[65536];
	size_t n = read_file(pid, "environ", text, sizeof text);
	for (size_t i = 0; i < n; i += strlen(text + i) + 1) {
		if (strcmp(text + i, mark) == 0)
			return true;
	}
	return false;
}

static bool runs(pid_t pid, const char *words)
{
	char text[4096];
	size_t n = read_file(pid, "cmdline", text, sizeof text);
	for (size_t i = 0; i + 1 < n; i++) {
		if (!text[i])
			text[i] = ' ';
	}
	return strncmp(text, words, strlen(words)) == 0;
}

/* Marked processes that run `words`; the last one's pid. */
static int look(const char *words, pid_t *ret_pid)
{
	int n = 0;
	DIR *folder = opendir("/proc");
	struct dirent *entry;
	while (folder && (entry = readdir(folder))) {
		pid_t pid = (pid_t)atoi(entry->d_name);
		if (pid <= 0 || pid == getpid() || !is_marked(pid) || !runs(pid, words))
			continue;
		*ret_pid = pid;
		n++;
	}
	if (folder)
		closedir(folder);
	return n;
}

int leftovers_count(int limit_ms)
{
	pid_t pid;
	int n = look("", &pid);
	for (int i = 0; n && i < limit_ms; i += 5) {
		usleep(5000);
		n = look("", &pid);
	}
	return n;
}

pid_t leftovers_find(const char *words, int limit_ms)
{
	pid_t pid = 0;
	for (int i = 0; i <= limit_ms; i += 2) {
		if (look(words, &pid))
			return pid;
		usleep(2000);
	}
	return 0;
}
