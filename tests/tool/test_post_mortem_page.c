/* SPDX-License-Identifier: Apache-2.0
 *
 * doc/post-mortem.md, replayed on the files that it speaks of; skipped, saying so, where ../shared/traces is not there. A fenced block is a shell's:
 * `$ COMMAND`, which goes on in lines with `> `, then what it prints. TANDEM_UPDATE=1 writes the page anew.
 */
#include <criterion/criterion.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/strbuf.h"
#include "tests/support/run_tool.h"

#define PAGE "@SRC@/doc/post-mortem.md"
#define FENCE "```\n"
#define TYPED "$ "
#define GOES_ON "> "
#define MARK "@@\n"
#define BYTES_MOST 200000
#define N_BLOCKS_LEAST 12

static bool begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

static char *read_page(void)
{
	char *path = tool_expand(PAGE), *text = calloc(1, BYTES_MOST);
	FILE *stream = fopen(path, "r");
	cr_assert(stream && text, "%s", path);
	size_t n = fread(text, 1, BYTES_MOST - 1, stream);
	cr_assert(n > 0 && n < BYTES_MOST - 1, "%s: %zu bytes", path, n);
	fclose(stream);
	free(path);
	return text;
}

static void write_page(const char *text)
{
	char *path = tool_expand(PAGE);
	FILE *stream = fopen(path, "w");
	cr_assert(stream && fputs(text, stream) >= 0 && fclose(stream) == 0, "%s", path);
	free(path);
}

/* What a line of a block adds to the script; `echo` marks the end of the command before. */
static void add_line(struct strbuf *script, const char *line, int *n_commands)
{
	if (begins(line, TYPED))
		strbuf_addf(script, "%s%s", (*n_commands)++ ? "\necho @@\n" : "", line + strlen(TYPED));
	else if (begins(line, GOES_ON) && *n_commands)
		strbuf_addf(script, "\n%s", line + strlen(GOES_ON));
	else
		cr_assert(*n_commands, "a block begins with what nobody typed: %s", line);
}

static char *make_script(char *lines)
{
	struct strbuf script = STRBUF_INIT;
	int n_commands = 0;
	strbuf_addf(&script, "exec 2>&1; cd '%s'; PATH=.:$PATH; export LC_ALL=C.UTF-8\n", tool_temporary());
	for (char *line = strsep(&lines, "\n"); line && (*line || lines); line = strsep(&lines, "\n"))
		add_line(&script, line, &n_commands);
	strbuf_add(&script, "\necho @@\n");
	return strbuf_take(&script);
}

/* The block as it should be: what is typed, and behind each command what it said. */
static void lay_out(struct strbuf *out, char *lines, char *said)
{
	bool is_first = true;
	for (char *line = strsep(&lines, "\n"); line && (*line || lines); line = strsep(&lines, "\n")) {
		if (begins(line, TYPED) && !is_first) {
			char *end = strstr(said, MARK);
			cr_assert(end, "the output before '%s' has no end: %s", line, said);
			strbuf_add_bytes(out, said, (size_t)(end - said));
			said = end + strlen(MARK);
		}
		is_first = false;
		if (begins(line, TYPED) || begins(line, GOES_ON))
			strbuf_addf(out, "%s\n", line);
	}
	char *end = strstr(said, MARK);
	cr_assert(end, "the last output has no end: %s", said);
	strbuf_add_bytes(out, said, (size_t)(end - said));
}

/* From behind an opening fence. Returns what is behind the block. */
static const char *replay_block(const char *block, struct strbuf *page)
{
	const char *end = strstr(block, "\n" FENCE);
	struct strbuf is = STRBUF_INIT;
	cr_assert(end, "a block has no end: %.60s", block);
	char *should = strndup(block, (size_t)(end + 1 - block)), *lines = strdup(should), *again = strdup(should), *script = make_script(lines);
	struct tool_result result = tool_run_words((const char *const[]){ "sh", "-c", script, NULL });
	lay_out(&is, again, result.out);
	if (!getenv("TANDEM_UPDATE"))
		cr_expect_str_eq(strbuf_text(&is), should, "--- is\n%s\n--- the page has\n%s", strbuf_text(&is), should);
	strbuf_addf(page, "%s%s", strbuf_text(&is), FENCE);
	tool_result_finish(&result);
	strbuf_finish(&is);
	free(script);
	free(again);
	free(lines);
	free(should);
	return end + 1 + strlen(FENCE);
}

static void lay_ready(void)
{
	char *command = tool_expand("ln -s \"$TANDEM_SOURCE_ROOT\"/../shared/traces @TMP@/traces && ln -s \"$TANDEM\" @TMP@/tandem");
	struct tool_result result = tool_run_words((const char *const[]){ "sh", "-c", command, NULL });
	cr_assert_eq(result.exit_status, 0, "%s: %s", command, result.err);
	tool_result_finish(&result);
	free(command);
}

Test(post_mortem_page, replayed, .timeout = 100)
{
	char *traces = tool_expand("@SRC@/../shared/traces/kineto");
	bool is_there = access(traces, R_OK) == 0;
	free(traces);
	if (!is_there)
		cr_skip_test("../shared/traces is not there");
	struct strbuf page = STRBUF_INIT;
	char *text = read_page();
	const char *at = text, *fence;
	int n_blocks = 0;
	lay_ready();
	for (; (fence = strstr(at, "\n" FENCE)); n_blocks++) {
		const char *block = fence + 1 + strlen(FENCE);
		strbuf_addf(&page, "%.*s", (int)(block - at), at);
		at = replay_block(block, &page);
	}
	strbuf_add(&page, at);
	cr_expect_geq(n_blocks, N_BLOCKS_LEAST, "%d blocks", n_blocks);
	if (getenv("TANDEM_UPDATE"))
		write_page(strbuf_text(&page));
	strbuf_finish(&page);
	free(text);
}
