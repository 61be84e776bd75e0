/* SPDX-License-Identifier: Apache-2.0
 *
 * doc/debugging.md, replayed. A fenced block is a shell's: `$ COMMAND`, then what it prints; under a `$ tandem debug …` lines with `(tandem) `
 * are what is typed there. A command that ends in `&` is waited for until it has printed as much as the page has. Times, process ids and what
 * a run says at its end are taken as equal.
 * TANDEM_UPDATE=1 writes the page anew.
 */
#include <criterion/criterion.h>
#include <regex.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/attributes.h"
#include "engine/base/strbuf.h"
#include "tests/support/leftovers.h"
#include "tests/support/run_tool.h"

#define FENCE "```\n"
#define SHELL "$ "
#define TYPED "(tandem) "
#define MARK "@@\n"
#define LINES_MAX 100
#define BYTES_MOST 100000

static bool begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

static char *read_file(const char *name)
{
	char *path = tool_expand(name), *text = calloc(1, BYTES_MOST);
	FILE *stream = fopen(path, "r");
	cr_assert(stream && text, "%s", path);
	size_t n = fread(text, 1, BYTES_MOST - 1, stream);
	cr_assert(n > 0 && n < BYTES_MOST - 1, "%s: %zu bytes", path, n);
	fclose(stream);
	free(path);
	return text;
}

static void write_file(const char *name, const char *text)
{
	char *path = tool_expand(name);
	FILE *stream = fopen(path, "w");
	cr_assert(stream && fputs(text, stream) >= 0 && fclose(stream) == 0, "%s", path);
	free(path);
}

/* -- what may differ ------------------------------------------------------------------------------------------------------------ */

static const struct {
	const char *pattern, *instead;
} variables[] = {
	{ "run\\| [^\n]*\n", "" }, /* how far it came before it was ended */
	{ " \\((took|waited) [^)]*\\)", "" },
	{ "(process|PID) [0-9]+", "<process>" },
	{ "[0-9][0-9.e+]*/s", "<rate>" },
	{ "[0-9][0-9.]* (ns|µs|ms|s)( |,|;|:|$)", "<time>\\" },
};

/* A backslash at the end of `instead` stands for the last letter of what was found. */
static char *replace(char *line, const char *pattern, const char *instead)
{
	struct strbuf out = STRBUF_INIT;
	regex_t expression;
	regmatch_t found;
	const char *at = line;
	size_t n = strlen(instead);
	bool keeps_last = n && instead[n - 1] == '\\';
	cr_assert_eq(regcomp(&expression, pattern, REG_EXTENDED | REG_NEWLINE), 0, "%s", pattern);
	strbuf_add(&out, "");
	while (*at && regexec(&expression, at, 1, &found, at == line ? 0 : REG_NOTBOL) == 0) {
		char last = at[found.rm_eo - 1];
		strbuf_add_bytes(&out, at, (size_t)found.rm_so);
		strbuf_add_bytes(&out, instead, n - keeps_last);
		if (keeps_last && !(last >= 'a' && last <= 'z'))
			strbuf_add_bytes(&out, &last, 1);
		at += found.rm_eo;
	}
	strbuf_add(&out, at);
	regfree(&expression);
	free(line);
	return strbuf_take(&out);
}

static char *settle(const char *text)
{
	char *settled = strdup(text);
	for (size_t i = 0; i < ARRAY_LEN(variables); i++)
		settled = replace(settled, variables[i].pattern, variables[i].instead);
	return settled;
}

/* -- a block -------------------------------------------------------------------------------------------------------------------- */

/* The lines that are typed, at the shell or at the debugger, with the number of lines that follow on the page. */
struct typed {
	char *lines[LINES_MAX];
	int n_shown[LINES_MAX];
	int n;
};

static void read_block(const char *block, size_t n, struct typed *ret_typed)
{
	char *copy = strndup(block, n), *rest = copy;
	*ret_typed = (struct typed){ 0 };
	for (char *line = strsep(&rest, "\n"); line && (*line || rest); line = strsep(&rest, "\n")) {
		if (begins(line, SHELL) || begins(line, TYPED)) {
			cr_assert_lt(ret_typed->n, LINES_MAX);
			ret_typed->lines[ret_typed->n++] = strdup(line);
		} else {
			cr_assert(ret_typed->n, "a block begins with what nobody typed: %s", line);
			ret_typed->n_shown[ret_typed->n - 1]++;
		}
	}
	free(copy);
}

static bool is_typed_there(const struct typed *typed, int i)
{
	return i < typed->n && begins(typed->lines[i], TYPED);
}

/* What is typed at the debugger comes from a here-document, with an `echo` behind each line; the last one leaves. */
static int add_session(const struct typed *typed, int first, struct strbuf *script)
{
	int i = first;
	strbuf_addf(script, "%s <<'END'\n", typed->lines[first] + strlen(SHELL));
	for (i = first + 1; is_typed_there(typed, i); i++)
		strbuf_addf(script, "echo @@\n%s\n", typed->lines[i] + strlen(TYPED));
	strbuf_add(script, "END\necho @@\n");
	return i;
}

static char *make_script(const struct typed *typed)
{
	struct strbuf script = STRBUF_INIT;
	strbuf_addf(&script, "exec 2>&1; cd '%s'; PATH=.:$PATH; export TERM=dumb\n", tool_temporary());
	for (int i = 0; i < typed->n;) {
		const char *line = typed->lines[i] + strlen(SHELL);
		size_t n = strlen(line);
		if (is_typed_there(typed, i + 1)) {
			i = add_session(typed, i, &script);
			continue;
		}
		if (line[n - 1] == '&')
			strbuf_addf(&script, ": > said.txt; %.*s >> said.txt 2>&1 &\n"
				"for i in $(seq 200); do [ $(wc -l < said.txt) -ge %d ] && break; sleep 0.05; done; cat said.txt; echo @@\n",
				(int)n - 1, line, typed->n_shown[i]);
		else
			strbuf_addf(&script, "%s\necho @@\n", line);
		i++;
	}
	strbuf_add(&script, "wait\n");
	return strbuf_take(&script);
}

/* Carries a block out; *out gets it as it should stand on the page. */
static void carry_out(const struct typed *typed, struct strbuf *out)
{
	char *script = make_script(typed);
	struct tool_result result = tool_run_words((const char *const[]){ "sh", "-c", script, NULL });
	char *rest = result.out;
	for (int i = 0; i < typed->n; i++) {
		char *end = rest ? strstr(rest, MARK) : NULL;
		strbuf_addf(out, "%s\n", typed->lines[i]);
		cr_expect(end, "the output of '%s' has no end; %s\n%s", typed->lines[i], result.out, result.err);
		strbuf_addf(out, "%.*s", end ? (int)(end - rest) : 0, rest);
		rest = end ? end + strlen(MARK) : rest;
	}
	tool_result_finish(&result);
	free(script);
}

static bool is_left_out(const char *block, size_t n)
{
#ifdef __SANITIZE_ADDRESS__
	return memmem(block, n, "crashes.dot", 11) != NULL; /* the sanitizer takes the signal */
#else
	return false;
#endif
}

/* From behind an opening fence. Returns what is behind the block. */
static const char *replay_block(const char *block, struct strbuf *page)
{
	const char *end = strstr(block, "\n" FENCE);
	struct strbuf out = STRBUF_INIT;
	struct typed typed;
	cr_assert(end, "a block has no end: %.60s", block);
	size_t n = (size_t)(end + 1 - block);
	if (!is_left_out(block, n)) {
		char *is, *should, *whole = strndup(block, n);
		read_block(block, n, &typed);
		carry_out(&typed, &out);
		is = settle(strbuf_text(&out));
		should = settle(whole);
		if (!getenv("TANDEM_UPDATE"))
			cr_expect_str_eq(is, should, "--- is\n%s\n--- the page has\n%s", is, should);
		for (int i = 0; i < typed.n; i++)
			free(typed.lines[i]);
		free(is);
		free(should);
		free(whole);
	}
	strbuf_addf(page, "%s%s", strbuf_text(&out), FENCE);
	strbuf_finish(&out);
	return end + 1 + strlen(FENCE);
}

static void copy_files(void)
{
	char *command = tool_expand("cp \"$TANDEM_SOURCE_ROOT\"/tests/debug/tutorial/* @TMP@ && "
		"cp \"$TANDEM_BUILD_ROOT\"/tests/debug/tutorial_module.so @TMP@ && ln -s \"$TANDEM\" @TMP@/tandem");
	struct tool_result result = tool_run_words((const char *const[]){ "sh", "-c", command, NULL });
	cr_assert_eq(result.exit_status, 0, "%s: %s", command, result.err);
	tool_result_finish(&result);
	free(command);
}

Test(tutorial, replayed, .timeout = 100)
{
	struct strbuf page = STRBUF_INIT;
	char *text = read_file("@SRC@/doc/debugging.md");
	const char *at = text, *fence;
	int n_blocks = 0;
	leftovers_mark();
	copy_files();
	for (; (fence = strstr(at, "\n" FENCE)); n_blocks++) {
		const char *block = fence + 1 + strlen(FENCE);
		strbuf_addf(&page, "%.*s", (int)(block - at), at);
		at = replay_block(block, &page);
	}
	strbuf_add(&page, at);
	cr_expect_geq(n_blocks, 6, "%d blocks", n_blocks);
	cr_expect_eq(leftovers_count(5000), 0);
	if (getenv("TANDEM_UPDATE"))
		write_file("@SRC@/doc/debugging.md", strbuf_text(&page));
	strbuf_finish(&page);
	free(text);
}
