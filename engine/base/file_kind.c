/* SPDX-License-Identifier: Apache-2.0
 *
 * file_kind: looks at a file's first bytes, without SQLite.
 */
#include "engine/base/file_kind.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Offsets and values of the SQLite database header (SQLite file format, section 1.3). */
#define SQLITE_MAGIC "SQLite format 3"
#define SQLITE_HEADER_BYTES 100
#define SQLITE_APPLICATION_ID_OFFSET 68

static uint32_t big_endian(const unsigned char *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

enum file_kind file_kind(const char *file)
{
	unsigned char header[SQLITE_HEADER_BYTES];
	struct stat info;
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe is not waited for */
	if (fd < 0)
		return errno == ENOENT ? FILE_KIND_MISSING : FILE_KIND_UNREADABLE;
	bool is_device = fstat(fd, &info) == 0 && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode);
	ssize_t n = is_device ? 0 : read(fd, header, sizeof header);
	int saved = errno;
	close(fd);
	errno = saved;
	if (is_device)
		return FILE_KIND_OTHER;
	if (n < 0)
		return FILE_KIND_UNREADABLE;
	if (n == 0)
		return FILE_KIND_EMPTY;
	if (n < (ssize_t)sizeof header || memcmp(header, SQLITE_MAGIC, sizeof SQLITE_MAGIC) != 0)
		return FILE_KIND_OTHER;
	return big_endian(header + SQLITE_APPLICATION_ID_OFFSET) == FILE_KIND_TRACE_ID ? FILE_KIND_TRACE : FILE_KIND_SQLITE;
}
