/* SPDX-License-Identifier: Apache-2.0
 *
 * blank: unpacking and writing. Nothing is synced: a file without a run is worth nothing.
 */
#include "traces/blank.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int write_all(int fd, const unsigned char *bytes, size_t n_bytes)
{
	while (n_bytes) {
		ssize_t n = write(fd, bytes, n_bytes);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		bytes += n;
		n_bytes -= (size_t)n;
	}
	return 0;
}

static bool is_for_want_of_room(int code)
{
	return code == ENOSPC || code == EDQUOT || code == EFBIG;
}

int blank_write(const char *file, struct error *error)
{
	unsigned char *image = calloc(1, blank.file_bytes);
	const unsigned char *bytes = blank.bytes;
	if (!image)
		return error_set(error, STATUS_NO_MEMORY, "no memory for the trace's pages");
	for (uint32_t i = 0; i < blank.n_pieces; i++) {
		memcpy(image + blank.pieces[i].offset_bytes, bytes, blank.pieces[i].n_bytes);
		bytes += blank.pieces[i].n_bytes;
	}
	int fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	int status = STATUS_OK;
	if (fd < 0 || write_all(fd, image, blank.file_bytes)) {
		status = is_for_want_of_room(errno) ? STATUS_DISK_FULL : STATUS_DATABASE;
		error_set_errno(error, status, "cannot be made");
		if (fd >= 0)
			unlink(file);
	}
	if (fd >= 0)
		close(fd);
	free(image);
	return status;
}
