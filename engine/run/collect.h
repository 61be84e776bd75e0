/* SPDX-License-Identifier: Apache-2.0
 *
 * collect: what driver and collector say to each other. The collector is started by the driver as `tandem collector` with inherited descriptors
 * (program memfd, rings memfd, socket: SOCK_SEQPACKET; control, slots and gates memfds for post-mortems) and the trace's path; it lives until
 * the driver says STOP, or until the socket closes because the driver died; then it drains what is left, marks the run and ends. It ignores
 * SIGINT.
 *
 *   collector → driver: READY once the file exists and the run's rows are in it; WARNING texts (disk full, …); SAVED; DONE at the end
 *   driver → collector: LOG, FAILURE, SAVE, STOP
 *
 * One message is one packet: struct collect_message followed by `text_bytes` bytes of text (no NUL).
 */
#ifndef TANDEM_ENGINE_RUN_COLLECT_H
#define TANDEM_ENGINE_RUN_COLLECT_H

#include <assert.h>
#include <stdint.h>

#include "engine/base/error.h"

enum collect_kind {
	COLLECT_READY = 1,
	COLLECT_WARNING, /* text; `status` says of what kind (STATUS_DISK_FULL, …) */
	COLLECT_DONE,    /* status: STATUS_OK, or why the trace is incomplete (text) */
	COLLECT_LOG,     /* worker, level, text: a line for the `log` table */
	COLLECT_FAILURE, /* execution, node, status, text: an execution's error, 1 + idx as in records */
	COLLECT_STOP,    /* status and text: how the run ended */
	COLLECT_SAVE,    /* trigger (in `level`), worker, node, execution, text: the last seconds are to be saved */
	COLLECT_SAVED,   /* a post-mortem of the run is in the trace; text: of what */
};

enum collect_level {
	COLLECT_LEVEL_INFO, /* what a worker printed on stdout */
	COLLECT_LEVEL_WARNING, /* what a worker printed on stderr; stalls */
	COLLECT_LEVEL_ERROR,
};

#define COLLECT_TEXT_BYTES_MAX 4000
#define COLLECT_VERSION 1

struct collect_message {
	uint16_t version;    /* COLLECT_VERSION */
	uint16_t kind;       /* enum collect_kind */
	uint32_t status;     /* enum status */
	uint32_t worker;     /* COLLECT_LOG; PROGRAM_NONE when none */
	uint32_t level;      /* enum collect_level; COLLECT_SAVE: enum trigger */
	uint32_t node;       /* COLLECT_FAILURE, COLLECT_LOG, COLLECT_SAVE; PROGRAM_NONE when none */
	uint32_t failure;    /* COLLECT_FAILURE: 1 + index */
	uint64_t execution;  /* COLLECT_FAILURE, COLLECT_LOG, COLLECT_SAVE; UINT64_MAX when none */
	int64_t time_ns;     /* host clock */
	uint32_t text_bytes;
	uint32_t reserved;
};
static_assert(sizeof(struct collect_message) == 48, "message layout is shared");

/* Sends one packet without raising SIGPIPE; a text that is too long is cut. Fills version and text_bytes of a copy of
 * `message`. STATUS_PROTOCOL when the peer is gone, STATUS_AGAIN when it would block. */
int collect_send(int socket_fd, const struct collect_message *message, const char *text);

/* Receives one packet; `text` gets a NUL-terminated text. STATUS_OK; STATUS_AGAIN when there is none (non-blocking socket);
 * STATUS_STOPPED when the peer closed; STATUS_PROTOCOL on garbage. */
int collect_receive(int socket_fd, struct collect_message *ret_message, char text[COLLECT_TEXT_BYTES_MAX + 1],
	struct error *error);

/* Entry of `tandem collector`: argv[1] is the trace's path, then the descriptors program, rings, socket, control, slots, gates. Returns the exit
 * status. Lives in
 * traces/collector.c (traces/collector.h); named here because the driver starts it. */

#endif
