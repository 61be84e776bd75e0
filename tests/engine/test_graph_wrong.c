/* SPDX-License-Identifier: Apache-2.0
 *
 * Every file under tests/graphs/wrong/ says in its first lines what is wrong with it:
 *     // expect: LINE: SUBSTRING      a mistake; line 0 for one without a line; all and only these, in this order
 *     // set: NAME=VALUE …            settings
 */
#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/graph/graph_dot.h"
#include "tests/support/test_ops.h"

#define FILES_MIN 45
#define ITEMS_MAX 16

struct expectation {
	int line;
	char text[300];
};

struct wrong_graph {
	const char *path;
	struct expectation items[ITEMS_MAX];
	int n_items;
	char words[600]; /* of settings, cut up */
	struct graph_setting settings[ITEMS_MAX];
	int n_settings;
};

static void read_settings(struct wrong_graph *wrong, const char *line)
{
	snprintf(wrong->words, sizeof(wrong->words), "%s", line);
	char *rest = NULL;
	for (char *word = strtok_r(wrong->words, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
		char *equals = strchr(word, '=');
		cr_assert(equals && wrong->n_settings < ITEMS_MAX, "%s: setting '%s'", wrong->path, word);
		*equals = '\0';
		wrong->settings[wrong->n_settings++] = (struct graph_setting){ word, equals + 1 };
	}
}

static void read_head(struct wrong_graph *wrong)
{
	char line[600];
	FILE *stream = fopen(wrong->path, "r");
	cr_assert_not_null(stream, "%s", wrong->path);
	while (fgets(line, sizeof(line), stream)) {
		struct expectation *item = &wrong->items[wrong->n_items];
		line[strcspn(line, "\n")] = '\0';
		if (sscanf(line, "// expect: %d: %299[^\n]", &item->line, item->text) == 2) {
			wrong->n_items++;
			cr_assert_lt(wrong->n_items, ITEMS_MAX, "%s", wrong->path);
		} else if (strncmp(line, "// set: ", 8) == 0) {
			read_settings(wrong, line + 8);
		}
	}
	fclose(stream);
}

static void assert_wrong(const char *path)
{
	struct wrong_graph wrong = { .path = path };
	struct mistakes mistakes = MISTAKES_INIT;
	struct graph *graph = NULL;
	struct strbuf out = STRBUF_INIT;
	read_head(&wrong);
	struct graph_settings settings = { wrong.settings, wrong.n_settings };
	int status = graph_load(path, &settings, &test_ops, &mistakes, &graph);
	cr_assert(status == STATUS_GRAPH || status == STATUS_SYNTAX, "%s: %s", path, status_word(status));
	cr_assert_null(graph);
	mistakes_print(&mistakes, "", &out);
	cr_assert_gt(wrong.n_items, 0, "%s expects nothing", path);
	cr_assert_eq(mistakes.n_items, wrong.n_items, "%s: %d mistakes, expected %d:\n%s", path, mistakes.n_items,
		wrong.n_items, strbuf_text(&out));
	cr_assert(status != STATUS_SYNTAX || mistakes.n_items == 1);
	for (int i = 0; i < mistakes.n_items; i++) {
		struct mistakes one = { &mistakes.items[i], 1, 1 };
		strbuf_clear(&out);
		mistakes_print(&one, "", &out);
		cr_assert_eq(mistakes.items[i].line, wrong.items[i].line, "%s: line %d, expected %d: %s", path,
			mistakes.items[i].line, wrong.items[i].line, strbuf_text(&out));
		cr_assert(strstr(strbuf_text(&out), wrong.items[i].text), "%s: '%s', expected '%s'", path, strbuf_text(&out),
			wrong.items[i].text);
	}
	strbuf_finish(&out);
	mistakes_finish(&mistakes);
}

Test(graph_wrong, every_file_gives_its_messages)
{
	char folder[400], path[700];
	const char *root = getenv("TANDEM_SOURCE_ROOT");
	snprintf(folder, sizeof(folder), "%s/tests/graphs/wrong", root ? root : ".");
	DIR *files = opendir(folder);
	cr_assert_not_null(files, "%s", folder);
	int n_files = 0;
	for (struct dirent *file; (file = readdir(files));) {
		if (!strstr(file->d_name, ".dot"))
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, file->d_name);
		assert_wrong(path);
		n_files++;
	}
	closedir(files);
	cr_assert_geq(n_files, FILES_MIN, "%d files, expected %d", n_files, FILES_MIN);
}

Test(graph_wrong, files_that_cannot_be_read)
{
	static const struct {
		const char *path, *expected;
	} cases[] = {
		{ "/nonexistent/graph.dot", "/nonexistent/graph.dot: cannot be opened: No such file or directory\n" },
		{ "/", "/: cannot be read: Is a directory\n" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct mistakes mistakes = MISTAKES_INIT;
		struct graph *graph = NULL;
		struct strbuf out = STRBUF_INIT;
		cr_assert_eq(graph_load(cases[i].path, NULL, &test_ops, &mistakes, &graph), STATUS_INPUT);
		mistakes_print(&mistakes, cases[i].path, &out);
		cr_assert_str_eq(strbuf_text(&out), cases[i].expected);
		strbuf_finish(&out);
		mistakes_finish(&mistakes);
	}
}

Test(graph_wrong, a_byte_0_is_no_text)
{
	char path[] = "/tmp/test_graph_wrong_XXXXXX";
	struct mistakes mistakes = MISTAKES_INIT;
	struct graph *graph = NULL;
	int fd = mkstemp(path);
	FILE *stream = fdopen(fd, "w");
	cr_assert_not_null(stream);
	fwrite("digraph g {\0}", 1, 13, stream);
	fclose(stream);
	int status = graph_dot_read(path, NULL, &mistakes, &graph);
	remove(path);
	cr_assert_eq(status, STATUS_INPUT);
	cr_assert_eq(mistakes.n_items, 1);
	cr_assert(strstr(mistakes.items[0].text, "byte 0"), "%s", mistakes.items[0].text);
	mistakes_finish(&mistakes);
}
