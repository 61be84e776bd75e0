/* SPDX-License-Identifier: Apache-2.0
 *
 * server_peer: starts examples/c/server.c and speaks its protocol, written a second time from the description in server_frames.h. Every
 * wait is bounded; what takes longer fails the test.
 */
#ifndef TANDEM_TESTS_EXAMPLES_SERVER_PEER_H
#define TANDEM_TESTS_EXAMPLES_SERVER_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define PEER_COLUMNS 64     /* the graphs of these tests take x:f32[B<=256,64] */
#define PEER_ROWS_MAX 256
#define PEER_MAGIC 0x316d6474u

/* The executable. */
const char *peer_server_file(void);

/* Writes `graph` to a file, starts the server with `options` (words divided by blanks) and returns when it listens. */
pid_t peer_start_server(const char *options, const char *graph);

/* Sends `signal` (0: none), waits, and returns the exit status, 128 + signal when it was killed. */
int peer_end_server(pid_t pid, int signal);

/* What the server printed to stderr; the caller frees. */
char *peer_server_said(void);
bool peer_socket_exists(void);

int peer_connect(void);

/* A request of `rows` rows, all elements equal to `value`. False when the server has hung up. */
bool peer_send(int fd, uint32_t id, int rows, float value);
/* Any bytes. */
bool peer_send_bytes(int fd, const void *bytes, size_t n);
/* Sends copies of a request until the server takes nothing for a quarter of a second, at most `n_max`, the ids counted from 0. Returns how many went
 * out whole; *ret_cut is how many bytes of the next one did. */
int peer_flood(int fd, int rows, float value, int n_max, size_t *ret_cut);
/* The bytes from `cut` on of request `id`: completes what peer_flood left. */
bool peer_send_rest(int fd, uint32_t id, int rows, float value, size_t cut);

struct peer_answer {
	uint32_t id, status;
	int rows;         /* status 0: the only result is f32[rows,64] with all elements equal to `value`; rows is -1 when it is anything else */
	float value;
	char text[1100];  /* other status */
};

/* The next answer; false when the server has closed the connection. */
bool peer_receive(int fd, struct peer_answer *ret_answer);

#endif
