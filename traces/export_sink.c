/* SPDX-License-Identifier: Apache-2.0
 *
 * export_sink: one buffer before write().
 */
#include "traces/export_sink.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/strbuf.h"

int export_sink_init(struct export_sink *sink, int fd, struct error *error)
{
	*sink = (struct export_sink){ .fd = fd, .buffer = malloc(EXPORT_SINK_BYTES) };
	return sink->buffer ? STATUS_OK : error_set(error, STATUS_NO_MEMORY, "no memory to export");
}

static void write_all(struct export_sink *sink, const char *bytes, size_t n_bytes)
{
	while (n_bytes && !sink->errno_code) {
		ssize_t n = write(sink->fd, bytes, n_bytes);
		if (n < 0 && errno != EINTR)
			sink->errno_code = errno;
		if (n <= 0)
			continue;
		bytes += n;
		n_bytes -= (size_t)n;
	}
}

static void flush(struct export_sink *sink)
{
	write_all(sink, sink->buffer, sink->n);
	sink->n = 0;
}

int export_sink_check(const struct export_sink *sink, struct error *error)
{
	if (!sink->errno_code)
		return STATUS_OK;
	errno = sink->errno_code;
	bool is_full = errno == ENOSPC || errno == EDQUOT || errno == EFBIG;
	return error_set_errno(error, is_full ? STATUS_DISK_FULL : STATUS_SYSTEM, "the export cannot be written");
}

int export_sink_finish(struct export_sink *sink, struct error *error)
{
	flush(sink);
	free(sink->buffer);
	sink->buffer = NULL;
	return export_sink_check(sink, error);
}

void export_sink_put(struct export_sink *sink, const void *bytes, size_t n_bytes)
{
	sink->n_bytes += n_bytes;
	if (n_bytes > EXPORT_SINK_BYTES - sink->n)
		flush(sink);
	if (n_bytes > EXPORT_SINK_BYTES) {
		write_all(sink, bytes, n_bytes);
		return;
	}
	memcpy(sink->buffer + sink->n, bytes, n_bytes);
	sink->n += n_bytes;
}

void export_sink_text(struct export_sink *sink, const char *text)
{
	export_sink_put(sink, text, strlen(text));
}

/* The digits of `value` at the end of `text`; returns where they begin. */
static char *digits(uint64_t value, int n_least, char *end)
{
	for (; value || n_least > 0; n_least--) {
		*--end = (char)('0' + value % 10);
		value /= 10;
	}
	return end;
}

void export_sink_int(struct export_sink *sink, int64_t value)
{
	char text[24], *end = text + sizeof(text);
	char *at = digits(value < 0 ? 0 - (uint64_t)value : (uint64_t)value, 1, end);
	if (value < 0)
		*--at = '-';
	export_sink_put(sink, at, (size_t)(end - at));
}

void export_sink_us(struct export_sink *sink, int64_t ns)
{
	char text[24], *end = text + sizeof(text);
	uint64_t size = ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns;
	char *at = digits(size % 1000, 3, end);
	*--at = '.';
	at = digits(size / 1000, 1, at);
	if (ns < 0)
		*--at = '-';
	export_sink_put(sink, at, (size_t)(end - at));
}

static bool is_plain(const char *text)
{
	for (; *text; text++) {
		if (*text < ' ' || *text == '"' || *text == '\\' || *text == 0x7f)
			return false;
	}
	return true;
}

void export_sink_json(struct export_sink *sink, const char *text)
{
	struct strbuf escaped = STRBUF_INIT;
	export_sink_put(sink, "\"", 1);
	if (is_plain(text)) {
		export_sink_text(sink, text);
	} else {
		strbuf_add_json(&escaped, text);
		if (escaped.is_failed && !sink->errno_code)
			sink->errno_code = ENOMEM;
		export_sink_put(sink, strbuf_text(&escaped), escaped.length);
	}
	export_sink_put(sink, "\"", 1);
	strbuf_finish(&escaped);
}
