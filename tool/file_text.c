/* SPDX-License-Identifier: Apache-2.0
 *
 * file_text: reading a file into a buffer.
 */
#include "tool/file_text.h"

#include <errno.h>
#include <stdio.h>

int file_text_read(const char *file, struct strbuf *out, struct error *error)
{
	char chunk[16384];
	size_t n, total = 0;
	FILE *stream = fopen(file, "re");
	if (!stream)
		return error_set_errno(error, STATUS_INPUT, "%s: cannot be opened", file);
	while ((n = fread(chunk, 1, sizeof chunk, stream)) > 0 && total <= FILE_TEXT_BYTES_MAX) {
		strbuf_add_bytes(out, chunk, n);
		total += n;
	}
	int status = STATUS_OK;
	if (ferror(stream))
		status = error_set_errno(error, STATUS_INPUT, "%s: cannot be read", file);
	else if (total > FILE_TEXT_BYTES_MAX)
		status = error_set(error, STATUS_INPUT, "%s: it is larger than %d MiB", file, FILE_TEXT_BYTES_MAX >> 20);
	fclose(stream);
	return status;
}
