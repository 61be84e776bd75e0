/* SPDX-License-Identifier: Apache-2.0
 *
 * Which executable the library starts: programs that answer to --version as tandem does, as another version, or as something else.
 */
#include "engine/api/locate.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/api/tandem.h"
#include "engine/base/attributes.h"
#include "tests/support/run_tool.h"

/* $TANDEM_EXECUTABLE names a script like this. */
static void answer_with(const char *script)
{
	char path[400];
	tool_write_file("other", script);
	snprintf(path, sizeof(path), "%s/other", tool_temporary());
	cr_assert_eq(chmod(path, 0700), 0);
	setenv("TANDEM_EXECUTABLE", path, 1);
}

static const struct {
	const char *name, *script, *text;
} refused[] = {
	{ "newer", "#!/bin/sh\necho 'tandem 99.1.2'\n", "other is 99.1.2: both must be of one version" },
	{ "no number", "#!/bin/sh\necho 'tandem from the future'\n", "other is from the future: both must be" },
	{ "no line's end", "#!/bin/sh\nprintf 'tandem 0'\n", "other is 0: both must be of one version" },
	{ "something else", "#!/bin/sh\necho 'GNU bash, version 5'\n", "does not answer like tandem" },
	{ "nothing", "#!/bin/sh\nexit 0\n", "does not answer like tandem" },
	{ "it fails", "#!/bin/sh\necho no >&2; exit 3\n", "does not answer like tandem" },
	{ "dies", "#!/bin/sh\nkill -9 $$\n", "does not answer like tandem" },
};

Test(locate, refuses_another_version, .timeout = 100)
{
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		struct error error = { 0 };
		char *file = NULL;
		answer_with(refused[i].script);
		int status = locate_executable(&error, &file);
		cr_expect_eq(status, STATUS_UNSUPPORTED, "%s: status %d", refused[i].name, status);
		cr_expect_null(file, "%s: a file in spite of the error", refused[i].name);
		cr_expect(strstr(error.text, refused[i].text), "%s: '%s' has no '%s'", refused[i].name, error.text, refused[i].text);
		cr_expect(strstr(error.text, "TANDEM_EXECUTABLE"), "%s: '%s' does not say what to do", refused[i].name, error.text);
		if (strstr(refused[i].text, "both"))
			cr_expect(strstr(error.text, tandem_version()), "%s: '%s' does not say which version the library is", refused[i].name,
				error.text);
	}
}

Test(locate, takes_its_own_version)
{
	struct error error = { 0 };
	char *file = NULL;
	char script[200];
	snprintf(script, sizeof(script), "#!/bin/sh\necho 'tandem %s'\n", tandem_version());
	answer_with(script);
	cr_assert_eq(locate_executable(&error, &file), STATUS_OK, "%s", error.text);
	cr_assert(file && strcmp(strrchr(file, '/'), "/other") == 0, "it is %s", file ? file : "nothing");
	free(file);
	setenv("TANDEM_EXECUTABLE", getenv("TANDEM"), 1);
	cr_assert_eq(locate_executable(&error, &file), STATUS_OK, "%s", error.text);
	free(file);
}

/* A program sees it where it starts its run, and can say so. */
Test(locate, a_run_does_not_start_with_another_version)
{
	static const char text[] = "digraph g { input [tensors=\"x:f32[N<=4]\"]; subgraph cluster_0 { worker=w0; a [op=copy]; }"
		" input -> a -> output; }";
	struct tandem_run_options options = { .bytes = sizeof options };
	struct tandem_error error = { 0 };
	struct tandem_graph *graph = NULL;
	struct tandem_run *run = NULL;
	answer_with(refused[0].script);
	struct tandem *tandem = tandem_init(NULL, NULL, NULL, &error);
	cr_assert(tandem, "%s", error.text);
	cr_assert_eq(tandem_graph_parse(tandem, "g", text, NULL, &error, &graph), TANDEM_OK, "%s", error.text);
	cr_assert_eq(tandem_graph_compile(graph, NULL, &error), TANDEM_OK, "%s", error.text);
	int status = tandem_run_start(graph, &options, &error, &run);
	cr_assert_eq(status, TANDEM_UNSUPPORTED, "status %d", status);
	cr_assert(strstr(error.text, "both must be of one version"), "'%s'", error.text);
	cr_assert_null(run);
	tandem_graph_destroy(graph);
	tandem_finish(tandem);
}
