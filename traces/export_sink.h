/* SPDX-License-Identifier: Apache-2.0
 *
 * export_sink: buffered output to a descriptor. After a failure everything is ignored, so that callers look once a row.
 */
#ifndef TANDEM_TRACES_EXPORT_SINK_H
#define TANDEM_TRACES_EXPORT_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"

#define EXPORT_SINK_BYTES (256 * 1024)

struct export_sink {
	int fd;
	char *buffer; /* [EXPORT_SINK_BYTES] */
	size_t n;
	uint64_t n_bytes; /* written and buffered */
	int errno_code;   /* of the first failure, 0: none */
};

int export_sink_init(struct export_sink *sink, int fd, struct error *error);
/* Writes what is buffered and releases the buffer. The status of the whole. */
int export_sink_finish(struct export_sink *sink, struct error *error);
/* STATUS_OK, or STATUS_DISK_FULL or STATUS_SYSTEM once a write failed. */
int export_sink_check(const struct export_sink *sink, struct error *error);

void export_sink_put(struct export_sink *sink, const void *bytes, size_t n_bytes);
void export_sink_text(struct export_sink *sink, const char *text);
void export_sink_int(struct export_sink *sink, int64_t value);
/* ns as µs with three decimals. */
void export_sink_us(struct export_sink *sink, int64_t ns);
/* A JSON string with its quotes. */
void export_sink_json(struct export_sink *sink, const char *text);

#endif
