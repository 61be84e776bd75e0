/* SPDX-License-Identifier: Apache-2.0
 *
 * strbuf: a growing text buffer. `text` is always NUL-terminated once something was added, and NULL before. After a failed
 * allocation the buffer ignores further additions and `is_failed` is set, so that callers check once, at the end.
 */
#ifndef TANDEM_ENGINE_BASE_STRBUF_H
#define TANDEM_ENGINE_BASE_STRBUF_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/attributes.h"

struct strbuf {
	char *text;
	size_t length, capacity; /* bytes; length excludes the NUL */
	bool is_failed;
};

#define STRBUF_INIT { 0 }

void strbuf_add(struct strbuf *buf, const char *text);
void strbuf_add_bytes(struct strbuf *buf, const void *bytes, size_t n_bytes);
void strbuf_addf(struct strbuf *buf, const char *format, ...) PRINTF_LIKE(2, 3);
void strbuf_clear(struct strbuf *buf); /* empties, keeps the memory */
void strbuf_finish(struct strbuf *buf); /* releases the memory; the buffer may be used again */

/* The text, "" when empty. Valid until the next change. */
static inline const char *strbuf_text(const struct strbuf *buf)
{
	return buf->text ? buf->text : "";
}

/* Hands the text over to the caller, who frees it; the buffer is empty afterwards. NULL after a failed allocation. */
char *strbuf_take(struct strbuf *buf);

/* Appends `text` as the inside of a JSON string (no quotes): ", \ and control characters escaped, bytes that are no
 * valid UTF-8 replaced by U+FFFD. */
void strbuf_add_json(struct strbuf *buf, const char *text);

/* Appends `text` so that it is safe on a terminal: control characters as ^X, DEL as ^?, C1 controls and bytes that are no
 * valid UTF-8 as \xNN. */
void strbuf_add_printable(struct strbuf *buf, const char *text);

#endif
