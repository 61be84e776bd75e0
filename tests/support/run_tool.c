/* SPDX-License-Identifier: Apache-2.0
 *
 * run_tool: starts programs with their output in temporary files, which unlike pipes never make them wait for us.
 */
#include "tests/support/run_tool.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WORDS_MAX 64
#define LIMIT_SECONDS 60

static char temporary[64];

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *walk)
{
	remove(path);
	return 0;
}

static void remove_temporary(void)
{
	nftw(temporary, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

const char *tool_temporary(void)
{
	if (!temporary[0]) {
		snprintf(temporary, sizeof temporary, "/tmp/tandem-test-XXXXXX");
		if (!mkdtemp(temporary))
			abort();
		atexit(remove_temporary);
	}
	return temporary;
}

char *tool_expand(const char *text)
{
	const char *source = getenv("TANDEM_SOURCE_ROOT");
	size_t size = strlen(text) + 1, at = 0;
	for (const char *mark = text; (mark = strchr(mark, '@')) != NULL; mark++)
		size += 512;
	char *expanded = malloc(size);
	while (expanded && *text) {
		const char *value = strncmp(text, "@SRC@", 5) == 0 ? (source ? source : ".")
			: strncmp(text, "@TMP@", 5) == 0 ? tool_temporary() : NULL;
		if (value) {
			at += (size_t)snprintf(expanded + at, size - at, "%s", value);
			text += 5;
		} else {
			expanded[at++] = *text++;
		}
	}
	if (!expanded)
		abort();
	expanded[at] = '\0';
	return expanded;
}

void tool_write_file(const char *name, const char *text)
{
	char path[300];
	snprintf(path, sizeof path, "%s/%s", tool_temporary(), name);
	FILE *file = fopen(path, "w");
	if (!file || fputs(text, file) < 0 || fclose(file) != 0)
		abort();
}

/* Splits at blanks in place; '…' keeps blanks together. Returns the number of words. */
static int split(char *line, const char **words)
{
	int n = 0;
	char *at = line;
	while (n < WORDS_MAX) {
		at += strspn(at, " ");
		if (!*at)
			break;
		char end = ' ';
		if (*at == '\'') {
			end = '\'';
			at++;
		}
		words[n++] = at;
		at += strcspn(at, (char[]){ end, '\0' });
		if (*at)
			*at++ = '\0';
	}
	words[n] = NULL;
	return n;
}

static char *read_all(int fd)
{
	off_t size = lseek(fd, 0, SEEK_END);
	char *text = calloc(1, (size_t)size + 1);
	if (!text || pread(fd, text, (size_t)size, 0) != size)
		abort();
	close(fd);
	return text;
}

static int open_unnamed(void)
{
	int fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0)
		abort();
	return fd;
}

static pid_t start(const char *const *words, int out_fd, int err_fd)
{
	pid_t pid = fork();
	if (pid != 0)
		return pid;
	int in_fd = open("/dev/null", O_RDWR);
	dup2(in_fd, STDIN_FILENO);
	dup2(out_fd < 0 ? in_fd : out_fd, STDOUT_FILENO);
	dup2(err_fd < 0 ? in_fd : err_fd, STDERR_FILENO);
	execvp(words[0], (char *const *)words);
	_exit(127);
}

static int wait_for(pid_t pid)
{
	int status = 0;
	time_t end = time(NULL) + LIMIT_SECONDS;
	while (waitpid(pid, &status, WNOHANG) == 0) {
		if (time(NULL) > end)
			kill(pid, SIGKILL);
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

struct tool_result tool_run_words(const char *const *words)
{
	int out_fd = open_unnamed(), err_fd = open_unnamed();
	pid_t pid = start(words, out_fd, err_fd);
	struct tool_result result = { .exit_status = pid < 0 ? -1 : wait_for(pid) };
	result.out = read_all(out_fd);
	result.err = read_all(err_fd);
	return result;
}

static const char *executable(void)
{
	const char *name = getenv("TANDEM");
	return name ? name : "tandem";
}

struct tool_result tool_run(const char *line)
{
	const char *words[WORDS_MAX + 2] = { executable() };
	char *expanded = tool_expand(line);
	split(expanded, words + 1);
	struct tool_result result = tool_run_words(words);
	free(expanded);
	return result;
}

pid_t tool_start(const char *line)
{
	const char *words[WORDS_MAX + 2] = { executable() };
	char *expanded = tool_expand(line);
	split(expanded, words + 1);
	pid_t pid = start(words, -1, -1);
	free(expanded);
	return pid;
}

void tool_result_finish(struct tool_result *result)
{
	free(result->out);
	free(result->err);
	*result = (struct tool_result){ 0 };
}
