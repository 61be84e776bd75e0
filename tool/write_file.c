/* SPDX-License-Identifier: Apache-2.0
 *
 * write_file: written beside its place, then renamed.
 */
#include "tool/write_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tool/command.h"

static int write_all(int fd, const struct strbuf *text)
{
	for (size_t at = 0; at < text->length;) {
		ssize_t n = write(fd, text->text + at, text->length - at);
		if (n < 0 && errno != EINTR)
			return -1;
		at += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

static int write_beside(const char *file, const struct strbuf *text)
{
	size_t size = strlen(file) + sizeof(".XXXXXX");
	char *partial = malloc(size);
	if (!partial)
		return -1;
	snprintf(partial, size, "%s.XXXXXX", file);
	int fd = mkstemp(partial), failure = fd < 0;
	mode_t mask = umask(0);
	umask(mask);
	if (fd >= 0) {
		failure = fchmod(fd, 0666 & ~mask) || write_all(fd, text);
		failure = close(fd) || failure || rename(partial, file);
	}
	if (fd >= 0 && failure) {
		int reason = errno;
		unlink(partial);
		errno = reason;
	}
	free(partial);
	return failure ? -1 : 0;
}

int tool_write_file(const char *file, struct strbuf *text)
{
	struct stat info;
	int failure, fd;
	if (strcmp(file, "-") == 0)
		return tool_print(text);
	if (text->is_failed) {
		strbuf_finish(text);
		return tool_failf(TOOL_EXIT_FAILED, "%s", status_sentence(STATUS_NO_MEMORY));
	}
	if (stat(file, &info) == 0 && !S_ISREG(info.st_mode)) {
		fd = open(file, O_WRONLY | O_CLOEXEC);
		failure = fd < 0 || write_all(fd, text);
		failure = (fd >= 0 && close(fd)) || failure;
	} else {
		failure = write_beside(file, text);
	}
	strbuf_finish(text);
	return failure ? tool_failf(TOOL_EXIT_FAILED, "%s: cannot be written: %s", file, strerror(errno)) : TOOL_EXIT_DONE;
}
