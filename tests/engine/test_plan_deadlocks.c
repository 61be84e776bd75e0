/* SPDX-License-Identifier: Apache-2.0
 *
 * Every graph NAME.dot under tests/graphs/deadlock/ is right in itself and is refused for its plan, with the words in
 * NAME.txt.
 */
#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/graph/graph_dot.h"
#include "engine/graph/plan_check.h"
#include "tests/support/test_ops.h"

#define FILES_MIN 7

static void read_expected(const char *path, char *text, size_t size)
{
	char name[700];
	snprintf(name, sizeof name, "%.*s.txt", (int)(strlen(path) - strlen(".dot")), path);
	FILE *stream = fopen(name, "r");
	cr_assert_not_null(stream, "%s", name);
	text[fread(text, 1, size - 1, stream)] = '\0';
	fclose(stream);
}

static void assert_refused(const char *path)
{
	char expected[4000];
	struct mistakes mistakes = MISTAKES_INIT;
	struct graph_settings settings = { 0 };
	struct plan_options options = { 0 };
	struct strbuf text = STRBUF_INIT;
	struct error error = { 0 };
	struct graph *graph = NULL;
	struct plan *plan = NULL;
	read_expected(path, expected, sizeof expected);
	int status = graph_load(path, &settings, &test_ops, &mistakes, &graph);
	mistakes_print(&mistakes, path, &text);
	cr_assert_eq(status, STATUS_OK, "%s", strbuf_text(&text));
	status = plan_compile(graph, &options, &text, &error, &plan);
	cr_expect_eq(status, STATUS_DEADLOCK, "%s: %s", path, status_word(status));
	cr_expect_str_eq(strbuf_text(&text), expected, "%s:\n%s\nexpected\n%s", path, strbuf_text(&text), expected);
	strbuf_finish(&text);
	mistakes_finish(&mistakes);
	graph_destroy(graph);
}

Test(plan_deadlocks, every_graph_is_refused_with_its_words)
{
	char folder[400], path[700];
	const char *root = getenv("TANDEM_SOURCE_ROOT");
	snprintf(folder, sizeof folder, "%s/tests/graphs/deadlock", root ? root : ".");
	DIR *files = opendir(folder);
	cr_assert_not_null(files, "%s", folder);
	int n_files = 0;
	for (struct dirent *file; (file = readdir(files)) != NULL;) {
		if (!strstr(file->d_name, ".dot"))
			continue;
		snprintf(path, sizeof path, "%s/%s", folder, file->d_name);
		assert_refused(path);
		n_files++;
	}
	closedir(files);
	cr_expect_geq(n_files, FILES_MIN, "%d files", n_files);
}
