/* SPDX-License-Identifier: Apache-2.0
 *
 * doc/tour.md and README.md, replayed: each fenced block begins with `$ tandem view …` or with `keys …`, which are pressed after those of the
 * blocks before; the rest is the screen. TANDEM_UPDATE=1 writes the screens anew.
 */
#include <criterion/criterion.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/base/attributes.h"
#include "engine/base/strbuf.h"
#include "tests/support/run_tool.h"

#define FENCE "```\n"
#define COMMAND "$ tandem view "
#define KEYS "keys "
#define FIXED 9      /* words that are always given */
#define GIVEN_MAX 16
#define BYTES_MOST (250 * 1024)

struct tour {
	char command[300]; /* words behind `tandem view` */
	char keys[500];    /* all that were pressed */
	int n_screens;
};

static char *read_file(const char *name)
{
	char *path = tool_expand(name);
	FILE *stream = fopen(path, "r");
	cr_assert(stream, "%s", path);
	char *text = calloc(1, 1000000);
	size_t n = fread(text, 1, 999999, stream);
	cr_assert(n > 0 && n < 999999, "%s: %zu bytes", path, n);
	fclose(stream);
	free(path);
	return text;
}

/* The files themselves are not touched: a newer tandem would change them when it opens them. */
static void copy_traces(void)
{
	char *command = tool_expand("cp @SRC@/examples/tour/*.tandem @TMP@/");
	const char *const words[] = { "sh", "-c", command, NULL };
	struct tool_result result = tool_run_words(words);
	cr_assert_eq(result.exit_status, 0, "%s: %s", command, result.err);
	tool_result_finish(&result);
	free(command);
}

/* Takes over what the first line of a block says. */
static void read_line(struct tour *tour, const char *line, size_t n)
{
	if (strncmp(line, COMMAND, strlen(COMMAND)) == 0) {
		snprintf(tour->command, sizeof(tour->command), "%.*s", (int)(n - strlen(COMMAND)), line + strlen(COMMAND));
		tour->keys[0] = '\0';
		return;
	}
	cr_assert(strncmp(line, KEYS, strlen(KEYS)) == 0, "a block begins with neither a command nor keys: %.*s", (int)n, line);
	size_t length = strlen(tour->keys);
	for (const char *key = line + strlen(KEYS); key < line + n && length + 1 < sizeof(tour->keys); key++) {
		if (*key != ' ')
			tour->keys[length++] = *key;
	}
	tour->keys[length] = '\0';
}

static char *take_screen(const struct tour *tour)
{
	char line[300], *given[GIVEN_MAX];
	const char *words[FIXED + GIVEN_MAX + 1] = { getenv("TANDEM"), "view", "--batch", "--config", "/dev/null", "--size", "100x28", "--keys",
		tour->keys };
	int n = 0;
	snprintf(line, sizeof(line), "%s", tour->command);
	for (char *word = strtok(line, " "); word && n < GIVEN_MAX; word = strtok(NULL, " ")) {
		char path[400];
		const char *slash = strrchr(word, '/');
		snprintf(path, sizeof(path), slash ? "@TMP@%s" : "%s", slash ? slash : word);
		words[FIXED + n] = given[n] = tool_expand(path);
		n++;
	}
	struct tool_result result = tool_run_words(words);
	cr_assert_eq(result.exit_status, 0, "tandem view %s, keys '%s': %s", tour->command, tour->keys, result.err);
	char *out = strdup(result.out);
	tool_result_finish(&result);
	for (int i = 0; i < n; i++)
		free(given[i]);
	return out;
}

/* From behind an opening fence; what should stand there is added to `out`. Returns what is behind the block. */
static const char *replay_block(struct tour *tour, const char *block, struct strbuf *out)
{
	const char *newline = strchr(block, '\n'), *end = newline ? strstr(newline, "\n" FENCE) : NULL;
	cr_assert(end, "a block of the tour has no end: %.60s", block);
	read_line(tour, block, (size_t)(newline - block));
	if (strncmp(newline + 1, KEYS, strlen(KEYS)) == 0) {
		const char *keys = newline + 1;
		newline = strchr(keys, '\n');
		read_line(tour, keys, (size_t)(newline - keys));
	}
	size_t n = (size_t)(end - newline);
	char *screen = take_screen(tour), *should = strndup(newline + 1, n);
	should[n ? n - 1 : 0] = '\0';
	size_t length = strlen(screen);
	cr_assert(length > 0 && screen[length - 1] == '\n', "the screen has an end");
	screen[length - 1] = '\0';
	if (!getenv("TANDEM_UPDATE"))
		cr_expect_str_eq(screen, should, "after '%s', keys '%s'\n--- is\n%s\n--- the page has\n%s", tour->command, tour->keys, screen,
			should);
	strbuf_addf(out, "%.*s\n", (int)(newline - block), block);
	strbuf_add(out, screen);
	strbuf_add(out, "\n" FENCE);
	free(screen);
	free(should);
	tour->n_screens++;
	return end + 1 + strlen(FENCE);
}

static void write_file(const char *name, const char *text)
{
	char *path = tool_expand(name);
	FILE *stream = fopen(path, "w");
	cr_assert(stream && fputs(text, stream) >= 0 && fclose(stream) == 0, "%s", path);
	free(path);
}

static void replay_page(const char *page, int n_screens_least)
{
	struct tour tour = { 0 };
	struct strbuf out = STRBUF_INIT;
	char *text = read_file(page);
	const char *at = text, *fence;
	while ((fence = strstr(at, "\n" FENCE)) != NULL) {
		const char *block = fence + 1 + strlen(FENCE);
		strbuf_addf(&out, "%.*s", (int)(block - at), at);
		at = replay_block(&tour, block, &out);
	}
	strbuf_add(&out, at);
	cr_expect_geq(tour.n_screens, n_screens_least, "%s: %d screens", page, tour.n_screens);
	if (getenv("TANDEM_UPDATE"))
		write_file(page, strbuf_text(&out));
	strbuf_finish(&out);
	free(text);
}

Test(tour, replayed, .timeout = 100)
{
	setenv("LC_ALL", "C.UTF-8", 1);
	copy_traces();
	replay_page("@SRC@/doc/tour.md", 12);
	replay_page("@SRC@/README.md", 1);
}

/* What is committed tells of nobody's machine, and is small. */
Test(tour, traces_tell_nothing_of_the_machine)
{
	static const char *const names[] = { "pipeline", "both", "slow", "hung", "killed" };
	copy_traces();
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		char line[400], file[60];
		struct stat info;
		snprintf(line, sizeof(line), "query @TMP@/%s.tandem 'SELECT key FROM meta WHERE key IN (\"host\", \"kernel\", \"cpu\")"
			" UNION SELECT key FROM run_meta WHERE key = \"command\" UNION SELECT file FROM graph WHERE file LIKE \"/%%\"'", names[i]);
		struct tool_result result = tool_run(line);
		cr_expect_eq(result.exit_status, 0, "%s: %s", names[i], result.err);
		cr_expect(strstr(result.out, "host") == NULL && strstr(result.out, "command") == NULL && strchr(result.out, '/') == NULL,
			"%s: %s", names[i], result.out);
		tool_result_finish(&result);
		snprintf(file, sizeof(file), "@TMP@/%s.tandem", names[i]);
		char *path = tool_expand(file);
		cr_expect(stat(path, &info) == 0 && info.st_size <= BYTES_MOST, "%s: %lld bytes", names[i], (long long)info.st_size);
		free(path);
	}
}
