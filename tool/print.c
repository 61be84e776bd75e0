/* SPDX-License-Identifier: Apache-2.0
 *
 * print: how the program speaks: one line on stderr for a failure, whole buffers on stdout.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tool/command.h"

static bool write_all(int fd, const char *text, size_t length)
{
	while (length) {
		ssize_t n = write(fd, text, length);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		text += n;
		length -= (size_t)n;
	}
	return true;
}

static int exit_for(int status)
{
	switch (status) {
	case STATUS_USAGE: return TOOL_EXIT_USAGE;
	case STATUS_NOT_COMPARABLE: return TOOL_EXIT_NOT_COMPARABLE;
	default: return TOOL_EXIT_FAILED;
	}
}

int tool_fail(const struct error *error)
{
	struct strbuf line = STRBUF_INIT;
	strbuf_add(&line, "tandem: ");
	strbuf_add_printable(&line, error->text);
	strbuf_add(&line, "\n");
	write_all(STDERR_FILENO, strbuf_text(&line), line.length);
	strbuf_finish(&line);
	return exit_for(error->status);
}

int tool_failf(int exit_status, const char *format, ...)
{
	struct error error = { .status = STATUS_USAGE };
	va_list args;
	va_start(args, format);
	vsnprintf(error.text, sizeof error.text, format, args);
	va_end(args);
	tool_fail(&error);
	return exit_status;
}

int tool_print(struct strbuf *out)
{
	int exit_status = TOOL_EXIT_DONE;
	if (out->is_failed)
		exit_status = tool_failf(TOOL_EXIT_FAILED, "the output does not fit into memory");
	else if (!write_all(STDOUT_FILENO, strbuf_text(out), out->length))
		exit_status = tool_failf(TOOL_EXIT_FAILED, "cannot write to standard output: %s", strerror(errno));
	strbuf_finish(out);
	return exit_status;
}
