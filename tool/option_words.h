/* SPDX-License-Identifier: Apache-2.0
 *
 * option_words: options as words again, for a command that passes what it was told on to another one.
 */
#ifndef TANDEM_TOOL_OPTION_WORDS_H
#define TANDEM_TOOL_OPTION_WORDS_H

#include "tool/options.h"

struct option_words {
	char **items; /* NULL-ended, owned */
	int n_items;
};

/* Appends a word, copied. STATUS_NO_MEMORY. */
int option_words_add(struct option_words *words, const char *word, struct error *error);

/* Appends "--name=value" for every option whose value in `values` is not its default, "--name" for flags, once for each item of a list:
 * options_parse of these words gives the same values. Only the first `n_specs` rows count. STATUS_NO_MEMORY. */
int option_words_make(const struct option_spec *specs, int n_specs, const void *values, struct option_words *words, struct error *error);

void option_words_finish(struct option_words *words);

#endif
