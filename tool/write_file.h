/* SPDX-License-Identifier: Apache-2.0
 *
 * write_file: text into a file that appears under its name when it is complete.
 */
#ifndef TANDEM_TOOL_WRITE_FILE_H
#define TANDEM_TOOL_WRITE_FILE_H

#include "engine/base/strbuf.h"

/* "-" is standard output; what is there and no plain file (a pipe, /dev/null) is written in place. Returns an enum tool_exit; failures are told.
 * Releases `text`. */
int tool_write_file(const char *file, struct strbuf *text);

#endif
