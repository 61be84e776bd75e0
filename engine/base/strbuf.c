/* SPDX-License-Identifier: Apache-2.0
 *
 * strbuf: growing text, and the two escapings that text from files goes through before it reaches JSON or a terminal.
 */
#include "engine/base/strbuf.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/utf8.h"

static bool strbuf_reserve(struct strbuf *buf, size_t n_more)
{
	if (buf->is_failed)
		return false;
	size_t need = buf->length + n_more + 1;
	if (need <= buf->capacity)
		return true;
	size_t capacity = buf->capacity ? buf->capacity * 2 : 128;
	if (capacity < need)
		capacity = need;
	char *text = realloc(buf->text, capacity);
	if (!text) {
		buf->is_failed = true;
		return false;
	}
	buf->text = text;
	buf->capacity = capacity;
	return true;
}

void strbuf_add_bytes(struct strbuf *buf, const void *bytes, size_t n_bytes)
{
	if (!strbuf_reserve(buf, n_bytes))
		return;
	if (n_bytes)
		memcpy(buf->text + buf->length, bytes, n_bytes);
	buf->length += n_bytes;
	buf->text[buf->length] = '\0';
}

void strbuf_add(struct strbuf *buf, const char *text)
{
	strbuf_add_bytes(buf, text, strlen(text));
}

void strbuf_addf(struct strbuf *buf, const char *format, ...)
{
	va_list args, again;
	va_start(args, format);
	va_copy(again, args);
	int length = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (length >= 0 && strbuf_reserve(buf, (size_t)length)) {
		vsnprintf(buf->text + buf->length, (size_t)length + 1, format, again);
		buf->length += (size_t)length;
	}
	va_end(again);
}

void strbuf_clear(struct strbuf *buf)
{
	buf->length = 0;
	if (buf->text)
		buf->text[0] = '\0';
}

void strbuf_finish(struct strbuf *buf)
{
	free(buf->text);
	*buf = (struct strbuf)STRBUF_INIT;
}

char *strbuf_take(struct strbuf *buf)
{
	strbuf_add(buf, "");
	char *text = buf->is_failed ? NULL : buf->text;
	if (buf->is_failed)
		free(buf->text);
	*buf = (struct strbuf)STRBUF_INIT;
	return text;
}

void strbuf_add_json(struct strbuf *buf, const char *text)
{
	const char *at = text;
	while (*at) {
		uint32_t code = 0;
		size_t length = utf8_decode(at, &code);
		if (!length) {
			strbuf_add(buf, "\xef\xbf\xbd");
			length = 1;
		} else if (code == '"' || code == '\\') {
			strbuf_addf(buf, "\\%c", (int)code);
		} else if (code < 0x20 || code == 0x7f) {
			strbuf_addf(buf, "\\u%04x", (unsigned)code);
		} else {
			strbuf_add_bytes(buf, at, length);
		}
		at += length;
	}
}

void strbuf_add_printable(struct strbuf *buf, const char *text)
{
	const char *at = text;
	while (*at) {
		uint32_t code = 0;
		size_t length = utf8_decode(at, &code);
		if (!length || (code >= 0x80 && code < 0xa0)) {
			for (size_t i = 0; i < (length ? length : 1); i++)
				strbuf_addf(buf, "\\x%02x", (unsigned char)at[i]);
			at += length ? length : 1;
			continue;
		}
		if (code < 0x20 || code == 0x7f)
			strbuf_addf(buf, "^%c", (int)(code ^ 0x40));
		else
			strbuf_add_bytes(buf, at, length);
		at += length;
	}
}
