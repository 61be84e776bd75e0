/* SPDX-License-Identifier: Apache-2.0
 *
 * debug_script: commands of `tandem debug` from files, from the command line, and from a standard input that is no terminal.
 */
#ifndef TANDEM_TOOL_DEBUG_SCRIPT_H
#define TANDEM_TOOL_DEBUG_SCRIPT_H

#include "tool/debug_face.h"

/* Each carries its lines out until one fails, which is told on standard error as "tandem: NAME:LINE: …", or something ends everything. With `goes_on`
 * failures are told and the rest follows. Returns the exit status: 0, or that of the first failure (2 for lines that make no sense); 130 after
 * Ctrl-C, which ends a script. From standard input, Ctrl-C halts the run and the next line follows. */
int debug_script_file(struct debug_face *face, const char *file, bool goes_on);
int debug_script_text(struct debug_face *face, const char *name, const char *text, bool goes_on);
int debug_script_stdin(struct debug_face *face, bool goes_on);

#endif
