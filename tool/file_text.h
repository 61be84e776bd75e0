/* SPDX-License-Identifier: Apache-2.0
 *
 * file_text: small text files, read whole.
 */
#ifndef TANDEM_TOOL_FILE_TEXT_H
#define TANDEM_TOOL_FILE_TEXT_H

#include "engine/base/error.h"
#include "engine/base/strbuf.h"

#define FILE_TEXT_BYTES_MAX (16 << 20)

/* Appends what `file` holds. STATUS_INPUT, with the file's name, when it cannot be read or is larger than FILE_TEXT_BYTES_MAX. */
int file_text_read(const char *file, struct strbuf *out, struct error *error);

#endif
