/* SPDX-License-Identifier: Apache-2.0
 *
 * foreign: arguments that may be files of other tools: they are imported first, into a cache, with progress on stderr.
 */
#ifndef TANDEM_TOOL_FOREIGN_H
#define TANDEM_TOOL_FOREIGN_H

#include "tool/options.h"
#include "traces/import.h"

struct foreign {
	const char *file; /* what to open instead */
	struct import_opened opened;
};

/* The option of commands that use this: a bool at `member`. */
#define FOREIGN_OPTION(member) \
	{ "no-cache", 0, OPTION_FLAG, member, NULL, NULL, "keep no import of another tool's file for the next time" }

/* One trace, or any number of files of another tool that are the ranks of one program. What is no file of another tool is handed back as it is, for
 * trace_open to judge. Returns an enum tool_exit; failures are told. After success *ret_foreign must be closed. */
int foreign_open(char *const *files, int n_files, bool uses_cache, struct foreign *ret_foreign);
void foreign_close(struct foreign *foreign); /* accepts one that is zero */

/* Whether it would be imported. */
bool foreign_is(const char *file);

#endif
