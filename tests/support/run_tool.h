/* SPDX-License-Identifier: Apache-2.0
 *
 * run_tool: runs a program as a user would and keeps what it said. For tests of the installed executable and of scripts.
 */
#ifndef TANDEM_TESTS_SUPPORT_RUN_TOOL_H
#define TANDEM_TESTS_SUPPORT_RUN_TOOL_H

#include <stdbool.h>
#include <sys/types.h>

struct tool_result {
	int exit_status; /* 128 + signal when it was killed; -1 when it could not be started */
	char *out, *err; /* what it printed; never NULL */
};

/* Runs `words` (NULL-ended, words[0] looked up in PATH) with standard input from /dev/null and waits, killing it after a minute. */
struct tool_result tool_run_words(const char *const *words);

/* Runs $TANDEM with the words of `line`, split at blanks ('…' quotes), in which @SRC@ is the source root and @TMP@ the directory from
 * tool_temporary. */
struct tool_result tool_run(const char *line);
void tool_result_finish(struct tool_result *result);

/* A directory of this test process, made at the first call and removed, with everything in it, at exit. */
const char *tool_temporary(void);

/* "@SRC@" and "@TMP@" replaced; the caller frees. */
char *tool_expand(const char *text);

/* Writes a file below tool_temporary(). */
void tool_write_file(const char *name, const char *text);

/* Starts without waiting; its output is thrown away. For tests that send signals. */
pid_t tool_start(const char *line);

#endif
