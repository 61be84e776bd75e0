/* SPDX-License-Identifier: Apache-2.0
 *
 * debug_words: completion at the prompt: the debugger's words, or else files; what all of them begin with; and lists of them.
 */
#ifndef TANDEM_TOOL_DEBUG_WORDS_H
#define TANDEM_TOOL_DEBUG_WORDS_H

#include "engine/debug/commands.h"

/* Words that could stand at the cursor: commands, names and so on; where there are none and a file may stand, files. *ret_start: where in the
 * line the word begins. Released by debug_words_free; NULL or empty: none. */
char **debug_words_complete(const struct debug_context *context, const char *line, size_t cursor, size_t *ret_start);

/* Appends what can be typed for the user behind the `length` bytes of `typed`: what all words go on with, and a blank behind the only one if it
 * is no folder. Returns whether there is only one. `words` is not empty. */
bool debug_words_extend(char **words, const char *typed, size_t length, struct strbuf *out);

/* The words in columns, printable, each line ended. */
void debug_words_columns(char **words, int n_columns, struct strbuf *out);

#endif
