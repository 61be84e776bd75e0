/* SPDX-License-Identifier: Apache-2.0
 *
 * What every command answers to: no arguments, unknown options, files that are not what they should be, output that cannot be
 * written, --json. The commands and what they take are read from the help, so that a new one is held to this without a line here.
 */
#include <cjson/cJSON.h>
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/run_tool.h"

#define COMMANDS_MAX 32

struct command_help {
	char name[32], usage[64]; /* "GRAPH", "FILE SQL" */
	bool has_json, has_format, has_batch; /* the last two: writes what --format or --batch says rather than a table */
	bool writes_file, takes_two;          /* needs -o FILE; at least two files */
};

static struct command_help found[COMMANDS_MAX];
static int n_found;

static void set_up(void)
{
	struct tool_result all = tool_run("--help");
	n_found = 0;
	char *at = strstr(all.out, "commands:\n");
	cr_assert_not_null(at, "no commands in '%s'", all.out);
	for (at = strchr(at, '\n'); at && strncmp(at, "\n\n", 2) != 0; at = strchr(at + 1, '\n')) {
		struct command_help *command = &found[n_found];
		char line[64];
		cr_assert_eq(sscanf(at, "\n  %31[a-z]  ", command->name), 1, "'%s'", at);
		snprintf(line, sizeof line, "%s --help", command->name);
		struct tool_result own = tool_run(line);
		const char *usage = strstr(own.out, "[options]");
		cr_assert_not_null(usage, "tandem %s: no usage in '%s'", line, own.out);
		usage += strlen("[options]");
		usage += *usage == ' ';
		snprintf(command->usage, sizeof command->usage, "%.*s", (int)strcspn(usage, "\n"), usage);
		command->has_json = strstr(own.out, "--json ") != NULL;
		command->has_format = strstr(own.out, "--format ") != NULL;
		command->has_batch = strstr(own.out, "--batch ") != NULL;
		command->writes_file = strstr(own.out, "(required)") != NULL;
		command->takes_two = strstr(command->usage, "FILE FILE2") != NULL;
		tool_result_finish(&own);
		if (++n_found == COMMANDS_MAX)
			break;
	}
	tool_result_finish(&all);
	cr_assert_geq(n_found, 7, "only %d commands", n_found);
}

TestSuite(cli_every, .init = set_up);

static bool takes_graph(const struct command_help *command)
{
	return strncmp(command->usage, "GRAPH", 5) == 0;
}

static bool takes_file(const struct command_help *command)
{
	return takes_graph(command) || strncmp(command->usage, "FILE", 4) == 0;
}

/* "COMMAND OPTIONS FILE" and what else must follow it. */
static void make_line(const struct command_help *command, const char *options, const char *file, char *line, size_t size)
{
	snprintf(line, size, "%.31s %s %s %s %s %s %s", command->name,
		command->has_format ? "--format csv" : command->has_batch ? "--batch" : "",
		command->writes_file ? "-o @TMP@/out.tandem" : "", options, file, command->takes_two ? file : "",
		strstr(command->usage, "SQL") ? "'SELECT 1 AS one'" : "");
}

static int count_lines(const char *text)
{
	int n = 0;
	for (; *text; text++)
		n += *text == '\n';
	return n;
}

/* A refusal: nothing on stdout, at most `lines_max` lines on stderr, the first of which says `wanted`. */
static void expect_refusal(const char *line, int exit_status, const char *wanted, int lines_max)
{
	struct tool_result result = tool_run(line);
	int n = count_lines(result.err);
	cr_expect_eq(result.exit_status, exit_status, "tandem %s: exit status %d, expected %d; '%s'", line, result.exit_status, exit_status,
		result.err);
	cr_expect_str_eq(result.out, "", "tandem %s: stdout should be empty, is '%s'", line, result.out);
	cr_expect(n >= 1 && n <= lines_max, "tandem %s: %d lines, expected 1 to %d: '%s'", line, n, lines_max, result.err);
	cr_expect(strstr(result.err, wanted), "tandem %s: '%s' lacks '%s'", line, result.err, wanted);
	tool_result_finish(&result);
}

Test(cli_every, unknown_options_and_missing_arguments)
{
	char line[200], wanted[200];
	for (int i = 0; i < n_found; i++) {
		const char *name = found[i].name;
		snprintf(line, sizeof line, "%.31s --frobnicate", name);
		snprintf(wanted, sizeof wanted, "tandem: %.31s: unknown option '--frobnicate'", name);
		expect_refusal(line, 2, wanted, 1);
		snprintf(line, sizeof line, "%.31s --hepl", name);
		expect_refusal(line, 2, "unknown option '--hepl'; did you mean '--help'?", 1);
		snprintf(line, sizeof line, "%.31s -Z", name);
		expect_refusal(line, 2, "unknown option '-Z'", 1);
		if (found[i].usage[0] && found[i].usage[0] != '[')
			expect_refusal(name, 2, name, 1);
	}
}

Test(cli_every, help_names_the_manual_page)
{
	char line[200], wanted[200];
	for (int i = 0; i < n_found; i++) {
		snprintf(line, sizeof line, "%s --help", found[i].name);
		snprintf(wanted, sizeof wanted, "tandem-%s(1)", found[i].name);
		struct tool_result result = tool_run(line);
		cr_expect_eq(result.exit_status, 0, "%s: exit status %d", line, result.exit_status);
		cr_expect(strstr(result.out, wanted), "%s: '%s' lacks '%s'", line, result.out, wanted);
		cr_expect_str_eq(result.err, "", "%s: stderr '%s'", line, result.err);
		tool_result_finish(&result);
	}
}

/* Files that are neither a graph nor a trace; the name must be told, without a trace of internals. */
static const struct {
	const char *name, *file, *text; /* text NULL: not written */
} wrong_files[] = {
	{ "missing", "@TMP@/missing", NULL },
	{ "missing trace", "@TMP@/missing.tandem", NULL },
	{ "directory", "@TMP@", NULL },
	{ "empty", "@TMP@/empty", "" },
	{ "empty graph", "@TMP@/empty.dot", "" },
	{ "empty trace", "@TMP@/empty.tandem", "" },
	{ "garbage", "@TMP@/garbage", "\x7f\x01\x02\x80\xff garbage \x1b[31m" },
	{ "garbage trace", "@TMP@/garbage.tandem", "SQLite format 3" },
	{ "reading fails", "/proc/self/mem", NULL },
	{ "behind a file", "@TMP@/empty/file", NULL },
};

Test(cli_every, wrong_files_are_refused)
{
	for (size_t k = 0; k < sizeof wrong_files / sizeof wrong_files[0]; k++) {
		char *path = tool_expand(wrong_files[k].file);
		if (wrong_files[k].text)
			tool_write_file(strrchr(path, '/') + 1, wrong_files[k].text);
		for (int i = 0; i < n_found; i++) {
			char line[400];
			if (!takes_file(&found[i]))
				continue;
			make_line(&found[i], "", wrong_files[k].file, line, sizeof line);
			expect_refusal(line, 1, path, takes_graph(&found[i]) ? 2 : 1);
		}
		free(path);
	}
}

static void write_inputs(void)
{
	tool_write_file("right.dot", "digraph g {\n  input [tensors=\"x:f32[8]\"];\n"
		"  subgraph cluster_0 { worker=w0; device=\"cpu:0\"; a [op=copy]; }\n  input -> a -> output;\n}\n");
	struct tool_result result = tool_run("run @TMP@/right.dot -q -n 20 --mode both -o @TMP@/right.tandem");
	cr_assert_eq(result.exit_status, 0, "exit status %d, '%s'", result.exit_status, result.err);
	tool_result_finish(&result);
}

Test(cli_every, json_is_json)
{
	write_inputs();
	for (int i = 0; i < n_found; i++) {
		char line[400];
		if (!found[i].has_json)
			continue;
		if (takes_file(&found[i]))
			make_line(&found[i], "--json", takes_graph(&found[i]) ? "@TMP@/right.dot" : "@TMP@/right.tandem", line, sizeof line);
		else
			snprintf(line, sizeof line, "%.31s --json%s", found[i].name, strcmp(found[i].name, "bench") == 0 ? " --list" : "");
		struct tool_result result = tool_run(line);
		cJSON *document = cJSON_ParseWithOpts(result.out, NULL, true);
		cr_expect_eq(result.exit_status, 0, "tandem %s: exit status %d, '%s'", line, result.exit_status, result.err);
		cr_expect(cJSON_IsObject(document), "tandem %s: no object: '%s'", line, result.out);
		cJSON_Delete(document);
		tool_result_finish(&result);
	}
}

/* Runs with standard output on a full disk: one line says so, and the exit status is 1. */
static void expect_full(const char *line)
{
	char command[900];
	char *expanded = tool_expand(line);
	snprintf(command, sizeof command, "exec \"${TANDEM:-tandem}\" %s > /dev/full", expanded);
	struct tool_result result = tool_run_words((const char *[]){ "sh", "-c", command, NULL });
	cr_expect_eq(result.exit_status, 1, "tandem %s > /dev/full: exit status %d, expected 1; '%s'", line, result.exit_status, result.err);
	cr_expect(strstr(result.err, "No space left on device\n"), "tandem %s > /dev/full: stderr '%s'", line, result.err);
	tool_result_finish(&result);
	free(expanded);
}

Test(cli_every, a_full_disk_is_told)
{
	write_inputs();
	expect_full("--help");
	expect_full("--version");
	expect_full("completion bash");
	for (int i = 0; i < n_found; i++) {
		char line[400];
		snprintf(line, sizeof line, "%s --help", found[i].name);
		expect_full(line);
		if (!takes_file(&found[i]) || found[i].writes_file)
			continue;
		make_line(&found[i], "", takes_graph(&found[i]) ? "@TMP@/right.dot" : "@TMP@/right.tandem", line, sizeof line);
		expect_full(line);
		if (!found[i].has_json)
			continue;
		make_line(&found[i], "--json", takes_graph(&found[i]) ? "@TMP@/right.dot" : "@TMP@/right.tandem", line, sizeof line);
		expect_full(line);
	}
}
