/* SPDX-License-Identifier: Apache-2.0
 *
 * relay: two pipes, copied.
 */
#include "tool/relay.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <unistd.h>

#include "engine/base/attributes.h"
#include "engine/run/spawn.h"

struct relay_stream {
	struct pollfd from;
	int to; /* -1: nobody is there any more */
};

static void write_all(struct relay_stream *stream, const char *bytes, ssize_t n)
{
	while (stream->to >= 0 && n > 0) {
		ssize_t written = write(stream->to, bytes, (size_t)n);
		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			stream->to = -1;
		bytes += written;
		n -= written;
	}
}

/* False when nothing will come any more. */
static bool copy(struct relay_stream *stream)
{
	char bytes[4096];
	ssize_t n = read(stream->from.fd, bytes, sizeof bytes);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	write_all(stream, bytes, n);
	return n > 0;
}

/* A terminal that is closed, or that only lets its foreground write, is no reason to leave the run without a reader. */
static void ignore_terminal(void)
{
	static const int numbers[] = { SIGHUP, SIGPIPE, SIGTTOU };
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		signal(numbers[i], SIG_IGN);
}

int relay_main(int argc, char **argv)
{
	struct relay_stream streams[] = {
		{ { .fd = SPAWN_FD_FIRST, .events = POLLIN }, STDOUT_FILENO },
		{ { .fd = SPAWN_FD_FIRST + 1, .events = POLLIN }, STDERR_FILENO },
	};
	struct pollfd fds[ARRAY_LEN(streams)];
	ignore_terminal();
	while (streams[0].from.fd >= 0 || streams[1].from.fd >= 0) {
		for (size_t i = 0; i < ARRAY_LEN(fds); i++)
			fds[i] = streams[i].from;
		if (poll(fds, ARRAY_LEN(fds), -1) < 0)
			continue;
		for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
			if (fds[i].revents && !copy(&streams[i]))
				streams[i].from.fd = -1;
		}
	}
	return 0;
}
