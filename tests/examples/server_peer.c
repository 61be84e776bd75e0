/* SPDX-License-Identifier: Apache-2.0
 *
 * server_peer: the process, and blocking sockets with a time limit.
 */
#include "tests/examples/server_peer.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/run_tool.h"

#define LIMIT_SECONDS 60
#define WORDS_MAX 32
#define HEADER_BYTES 16
#define REQUEST_BYTES_MAX (HEADER_BYTES + 24 + 4 * PEER_COLUMNS * PEER_ROWS_MAX)

static void socket_address(struct sockaddr_un *address)
{
	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	snprintf(address->sun_path, sizeof address->sun_path, "%s/server", tool_temporary());
}

static int try_connect(void)
{
	struct sockaddr_un address;
	socket_address(&address);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) < 0) {
		close(fd);
		fd = -1;
	}
	return fd;
}

int peer_connect(void)
{
	struct timeval limit = { .tv_sec = LIMIT_SECONDS };
	int fd = try_connect();
	cr_assert(fd >= 0, "cannot connect: %s", strerror(errno));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
	return fd;
}

const char *peer_server_file(void)
{
	static char path[512];
	const char *build = getenv("TANDEM_BUILD_ROOT");
	snprintf(path, sizeof path, "%s/examples/server", build ? build : ".");
	return path;
}

static void run_server(const char *options, const char *said)
{
	const char *words[WORDS_MAX + 4] = { peer_server_file() };
	char *line = tool_expand(options), *next = line, *word;
	struct sockaddr_un address;
	int n = 1, err_fd = open(said, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	while (n < WORDS_MAX && (word = strsep(&next, " ")) != NULL) {
		if (*word)
			words[n++] = word;
	}
	socket_address(&address);
	words[n++] = address.sun_path;
	words[n++] = tool_expand("@TMP@/graph.dot");
	dup2(err_fd, STDERR_FILENO);
	dup2(err_fd, STDOUT_FILENO);
	execv(words[0], (char *const *)words);
	_exit(127);
}

char *peer_server_said(void)
{
	char *path = tool_expand("@TMP@/server.err"), *text = calloc(1, 65536);
	FILE *file = fopen(path, "r");
	if (file && text) {
		size_t n = fread(text, 1, 65535, file);
		text[n] = '\0';
	}
	if (file)
		fclose(file);
	free(path);
	return text;
}

bool peer_socket_exists(void)
{
	struct sockaddr_un address;
	socket_address(&address);
	return access(address.sun_path, F_OK) == 0;
}

pid_t peer_start_server(const char *options, const char *graph)
{
	char *said = tool_expand("@TMP@/server.err");
	tool_write_file("graph.dot", graph);
	pid_t pid = fork();
	if (pid == 0)
		run_server(options, said);
	free(said);
	int fd = -1;
	for (int i = 0; i < LIMIT_SECONDS * 100 && (fd = try_connect()) < 0; i++) {
		if (waitpid(pid, NULL, WNOHANG) == pid)
			cr_assert_fail("the server did not start: %s", peer_server_said());
		usleep(10000);
	}
	cr_assert(fd >= 0, "the server does not listen");
	close(fd);
	return pid;
}

int peer_end_server(pid_t pid, int signal)
{
	int status = 0;
	if (signal)
		kill(pid, signal);
	for (int i = 0; waitpid(pid, &status, WNOHANG) == 0; i++) {
		if (i == LIMIT_SECONDS * 500)
			kill(pid, SIGKILL);
		usleep(2000);
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* -- requests ---------------------------------------------------------------------------------------------------------- */

static size_t make_request(char *to, uint32_t id, int rows, float value)
{
	const int64_t shape[2] = { rows, PEER_COLUMNS };
	const uint32_t tensor[2] = { 0, 2 };
	uint32_t data_bytes = (uint32_t)(4 * rows * PEER_COLUMNS);
	const uint32_t header[4] = { PEER_MAGIC, id, 1, 24 + data_bytes };
	memcpy(to, header, sizeof header);
	memcpy(to + 16, tensor, sizeof tensor);
	memcpy(to + 24, shape, sizeof shape);
	for (int i = 0; i < rows * PEER_COLUMNS; i++)
		memcpy(to + 40 + 4 * i, &value, sizeof value);
	return 40 + data_bytes;
}

bool peer_send_bytes(int fd, const void *bytes, size_t n)
{
	for (size_t at = 0; at < n;) {
		ssize_t sent = send(fd, (const char *)bytes + at, n - at, MSG_NOSIGNAL);
		if (sent <= 0)
			return false;
		at += (size_t)sent;
	}
	return true;
}

bool peer_send_rest(int fd, uint32_t id, int rows, float value, size_t cut)
{
	char *request = malloc(REQUEST_BYTES_MAX);
	size_t n = make_request(request, id, rows, value);
	bool is_sent = peer_send_bytes(fd, request + cut, n - cut);
	free(request);
	return is_sent;
}

bool peer_send(int fd, uint32_t id, int rows, float value)
{
	return peer_send_rest(fd, id, rows, value, 0);
}

int peer_flood(int fd, int rows, float value, int n_max, size_t *ret_cut)
{
	char *request = malloc(REQUEST_BYTES_MAX);
	size_t at = 0, n = 0;
	int n_sent = 0;
	while (n_sent < n_max) {
		struct pollfd poll_fd = { .fd = fd, .events = POLLOUT };
		if (!at)
			n = make_request(request, (uint32_t)n_sent, rows, value);
		if (poll(&poll_fd, 1, 250) == 0)
			break;
		ssize_t sent = send(fd, request + at, n - at, MSG_DONTWAIT | MSG_NOSIGNAL);
		cr_assert(sent > 0 || errno == EAGAIN, "the server hung up after %d requests: %s", n_sent, strerror(errno));
		at += sent > 0 ? (size_t)sent : 0;
		n_sent += at == n;
		at = at == n ? 0 : at;
	}
	free(request);
	*ret_cut = at;
	return n_sent;
}

/* -- answers ----------------------------------------------------------------------------------------------------------- */

static bool receive_bytes(int fd, void *bytes, size_t n)
{
	for (size_t at = 0; at < n;) {
		ssize_t got = recv(fd, (char *)bytes + at, n - at, 0);
		cr_assert(got >= 0 || errno == ECONNRESET || errno == EPIPE, "no answer: %s", strerror(errno));
		if (got <= 0)
			return false;
		at += (size_t)got;
	}
	return true;
}

/* The result's rows; -1 when the body is not one tensor f32[rows,64] of equal elements. */
static int read_result(const char *body, uint32_t n, float *ret_value)
{
	uint32_t tensor[2];
	int64_t shape[2];
	if (n < 28)
		return -1;
	memcpy(tensor, body, sizeof tensor);
	memcpy(shape, body + 8, sizeof shape);
	if (tensor[0] != 0 || tensor[1] != 2 || shape[1] != PEER_COLUMNS || n != 24 + 4 * PEER_COLUMNS * shape[0])
		return -1;
	memcpy(ret_value, body + 24, sizeof *ret_value);
	for (uint32_t at = 24; at < n; at += 4) {
		if (memcmp(body + at, ret_value, 4) != 0)
			return -1;
	}
	return (int)shape[0];
}

bool peer_receive(int fd, struct peer_answer *ret_answer)
{
	uint32_t header[4];
	if (!receive_bytes(fd, header, sizeof header))
		return false;
	cr_assert_eq(header[0], PEER_MAGIC, "an answer begins with 0x%08x", header[0]);
	char *body = calloc(1, header[3] + 1);
	cr_assert(body && receive_bytes(fd, body, header[3]), "the server hung up within an answer of %u bytes", header[3]);
	*ret_answer = (struct peer_answer){ .id = header[1], .status = header[2] };
	if (header[2])
		snprintf(ret_answer->text, sizeof ret_answer->text, "%s", body);
	else
		ret_answer->rows = read_result(body, header[3], &ret_answer->value);
	free(body);
	return true;
}
