/* SPDX-License-Identifier: Apache-2.0
 *
 * debug_words: words in sorted arrays.
 */
#include "tool/debug_words.h"

#include <glob.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/utf8.h"

/* Names with signs that glob knows are left alone. */
static char **find_files(const char *word, size_t length)
{
	struct strbuf pattern = STRBUF_INIT;
	glob_t found = { 0 };
	char **words = NULL;
	strbuf_add_bytes(&pattern, word, length);
	bool is_plain = strcspn(strbuf_text(&pattern), "*?[\\") == pattern.length;
	strbuf_add(&pattern, "*");
	if (is_plain && glob(strbuf_text(&pattern), GLOB_MARK | GLOB_TILDE_CHECK, NULL, &found) == 0)
		words = calloc(found.gl_pathc + 1, sizeof *words);
	for (size_t i = 0; words && i < found.gl_pathc; i++)
		words[i] = strdup(found.gl_pathv[i]);
	globfree(&found);
	strbuf_finish(&pattern);
	return words;
}

/* Behind commands that take files, and where output goes or a value comes from. */
static bool may_be_file(const char *line, size_t start)
{
	static const char *const takers[] = { "source", "save" };
	const struct debug_command *command = NULL;
	struct error error;
	size_t first = strspn(line, " \t"), length = strcspn(line + first, " \t"), before = start;
	if (first + length >= start)
		return false;
	while (before && strchr(" \t", line[before - 1]))
		before--;
	if (before && strchr("=>", line[before - 1]))
		return true;
	char *word = strndup(line + first, length);
	bool is_found = word && debug_command_find(word, &command, &error) == STATUS_OK;
	free(word);
	for (size_t i = 0; is_found && i < sizeof takers / sizeof takers[0]; i++) {
		if (strcmp(command->name, takers[i]) == 0)
			return true;
	}
	return false;
}

char **debug_words_complete(const struct debug_context *context, const char *line, size_t cursor, size_t *ret_start)
{
	char **words = debug_complete(context, line, cursor, ret_start);
	if (words && words[0])
		return words;
	debug_words_free(words);
	size_t start = cursor;
	while (start && !strchr(" \t=>", line[start - 1]))
		start--;
	*ret_start = start;
	return may_be_file(line, start) ? find_files(line + start, cursor - start) : NULL;
}

static size_t common_length(char **words)
{
	size_t length = strlen(words[0]);
	for (int i = 1; words[i]; i++) {
		size_t same = 0;
		while (same < length && words[i][same] == words[0][same])
			same++;
		length = same;
	}
	while (length && ((unsigned char)words[0][length] & 0xc0) == 0x80) /* not within a character */
		length--;
	return length;
}

bool debug_words_extend(char **words, const char *typed, size_t length, struct strbuf *out)
{
	size_t common = common_length(words);
	bool is_only = !words[1];
	if (common >= length && strncmp(words[0], typed, length) == 0)
		strbuf_add_bytes(out, words[0] + length, common - length);
	if (is_only && common && words[0][common - 1] != '/')
		strbuf_add(out, " ");
	return is_only;
}

void debug_words_columns(char **words, int n_columns, struct strbuf *out)
{
	int widest = 1, n = 0;
	for (; words[n]; n++) {
		int width = (int)utf8_width(words[n]);
		widest = width > widest ? width : widest;
	}
	int n_across = (n_columns + 1) / (widest + 2);
	n_across = n_across < 1 ? 1 : n_across;
	int n_rows = (n + n_across - 1) / n_across;
	for (int row = 0; row < n_rows; row++) {
		for (int i = row; i < n; i += n_rows) {
			strbuf_add_printable(out, words[i]);
			if (i + n_rows < n)
				strbuf_addf(out, "%*s", widest + 2 - (int)utf8_width(words[i]), "");
		}
		strbuf_add(out, "\n");
	}
}
