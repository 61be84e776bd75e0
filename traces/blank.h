/* SPDX-License-Identifier: Apache-2.0
 *
 * blank: a trace file in which nothing is yet, as schema_migrate makes it, copied from a constant that the build made (make_blank.c). Making
 * tables and views one statement after the other takes several times as long, while a run waits for it.
 */
#ifndef TANDEM_TRACES_BLANK_H
#define TANDEM_TRACES_BLANK_H

#include <stdint.h>

#include "engine/base/error.h"

/* What is not zero of the file. */
struct blank_piece {
	uint32_t offset_bytes, n_bytes;
};

struct blank {
	uint32_t file_bytes, n_pieces;
	const struct blank_piece *pieces;
	const unsigned char *bytes; /* of the pieces, one behind the other */
};

extern const struct blank blank; /* in blank_file.c, which the build writes */

/* Makes `file`, which must not exist. STATUS_DISK_FULL or STATUS_DATABASE, and then nothing is left of it. */
int blank_write(const char *file, struct error *error);

#endif
