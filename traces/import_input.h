/* SPDX-License-Identifier: Apache-2.0
 *
 * import_input: bytes of a file, plain or gzip (several members too), for json_scan. A gzip file is inflated by a thread of its own, so that
 * inflating and parsing share two cores.
 */
#ifndef TANDEM_TRACES_IMPORT_INPUT_H
#define TANDEM_TRACES_IMPORT_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"

struct import_input;

int import_input_open(const char *file, struct error *error, struct import_input **ret_input);
void import_input_close(struct import_input *input); /* accepts NULL; also in the middle */
/* A json_read_fn: `user` is the input. Compression that is damaged or cut is STATUS_INPUT behind all bytes that could be had. */
int import_input_read(void *user, char *bytes, size_t size, size_t *ret_n, struct error *error);
/* Bytes of the file itself read so far, and its size, for progress. */
uint64_t import_input_at(const struct import_input *input, uint64_t *ret_size);

/* Size of a file; 0 when it cannot be told. */
uint64_t import_file_bytes(const char *file);

#endif
