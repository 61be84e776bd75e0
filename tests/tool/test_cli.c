/* SPDX-License-Identifier: Apache-2.0
 *
 * Tests of the executable as a user sees it: exit status, standard output, standard error.
 */
#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/run_tool.h"

struct cli_case {
	const char *line;
	int exit_status;
	const char *out, *err; /* must occur; "" : nothing may be printed there; NULL: anything */
};

static void expect_text(const char *line, const char *which, const char *text, const char *wanted)
{
	if (wanted && !*wanted)
		cr_expect_str_eq(text, "", "tandem %s: %s should be empty, is '%s'", line, which, text);
	else if (wanted)
		cr_expect(strstr(text, wanted), "tandem %s: %s '%s' lacks '%s'", line, which, text, wanted);
}

static void check_case(const struct cli_case *c)
{
	struct tool_result result = tool_run(c->line);
	cr_expect_eq(result.exit_status, c->exit_status, "tandem %s: exit status %d, expected %d; stderr '%s'", c->line,
		result.exit_status, c->exit_status, result.err);
	expect_text(c->line, "stdout", result.out, c->out);
	expect_text(c->line, "stderr", result.err, c->err);
	tool_result_finish(&result);
}

static void check_cases(const struct cli_case *cases, size_t n)
{
	for (size_t i = 0; i < n; i++)
		check_case(&cases[i]);
}

#define CHECK(cases) check_cases(cases, sizeof(cases) / sizeof((cases)[0]))

static const struct cli_case help[] = {
	{ "--help", 0, "usage: tandem COMMAND", "" },
	{ "--help", 0, "  run         run a graph over worker processes", "" },
	{ "-h", 0, "commands:", "" },
	{ "help", 0, "commands:", "" },
	{ "help run", 0, "usage: tandem run [options] GRAPH", "" },
	{ "run --help", 0, "--executions N", "" },
	{ "run nothing.dot --help", 0, "usage: tandem run", "" },
	{ "check --help", 0, "usage: tandem check", "" },
	{ "report --help", 0, "usage: tandem report", "" },
	{ "query --help", 0, "usage: tandem query", "" },
	{ "bench --help", 0, "usage: tandem bench", "" },
	{ "--version", 0, "tandem 0.", "" },
	{ "--version --json", 0, "{\"name\": \"tandem\", \"version\": \"0.", "" },
};

Test(cli, help_and_version)
{
	CHECK(help);
	struct tool_result result = tool_run("--help");
	cr_expect_null(strstr(result.out, "worker NAME"), "hidden commands are not listed");
	cr_expect_null(strstr(result.out, "collector"), "hidden commands are not listed");
	tool_result_finish(&result);
}

static const struct cli_case wrong_use[] = {
	{ "", 2, "", "tandem: which command? 'tandem --help' lists them\n" },
	{ "rum", 2, "", "tandem: unknown command 'rum'; did you mean 'run'?\n" },
	{ "frobnicate", 2, "", "unknown command 'frobnicate'; 'tandem --help' lists the commands" },
	{ "--frobnicate", 2, "", "unknown option '--frobnicate'" },
	{ "help worker", 2, "", "unknown command 'worker'" },
	{ "run", 2, "", "run: what about GRAPH?" },
	{ "run a.dot b.dot", 2, "", "run: 'b.dot' is one argument too many" },
	{ "run --mode=eager a.dot", 2, "", "run: --mode: 'eager' is not available; choose from: compiled, interpreted, both" },
	{ "run --executons=2 a.dot", 2, "", "unknown option '--executons'; did you mean '--executions'?" },
	{ "run --executions 0 a.dot", 2, "", "--executions: 0 is not within 1" },
	{ "run -o", 2, "", "--trace needs FILE.tandem behind it" },
	{ "run --record all a.dot", 2, "", "--record all needs -o FILE.tandem" },
	{ "run --record off -o t.tandem a.dot", 2, "", "--record off records nothing" },
	{ "run @SRC@/examples/minilm/single.dot --set MODEL", 2, "", "--set MODEL: write NAME=VALUE" },
	{ "check", 2, "", "check: which file?" },
	{ "query only.tandem", 2, "", "query: what about FILE SQL?" },
	{ "bench nonsense", 2, "", "bench: there is no 'nonsense'" },
};

Test(cli, wrong_use)
{
	CHECK(wrong_use);
}

static const struct cli_case checks[] = {
	{ "check @SRC@/examples/minilm/single.dot --set MODEL=seeded:7", 0, "layer5", "" },
	{ "check @SRC@/examples/minilm/pipeline2.dot --set MODEL=seeded:7", 0, "layer3", "" },
	{ "check @SRC@/examples/minilm/pipeline2.dot --set MODEL=seeded:7 --json", 0, "\"is_right\": true", "" },
	{ "check @SRC@/examples/minilm/pipeline2.dot", 1, "", "--set MODEL=" },
	{ "check @SRC@/examples/minilm/pipeline2.dot --set MODEL=@TMP@/none.safetensors", 1, "", "none.safetensors" },
	{ "check @SRC@/examples/minilm/single.dot --set MODEL=seeded:7", 0, "cannot deadlock: ", "" },
	{ "check @SRC@/tests/graphs/deadlock/crossed_by_order.dot", 1, "", "repair (checked): " },
	{ "check @SRC@/tests/graphs/deadlock/crossed_by_data.dot", 1, "", "can deadlock: nothing on this cycle" },
	{ "run @SRC@/tests/graphs/deadlock/order_needs_depth.dot", 1, "", "order_needs_depth.dot: the plan can deadlock" },
	{ "check @SRC@/tests/graphs/deadlock/crossed_by_data.dot --json", 1, "\"is_right\": false, \"mistakes\": [", "" },
	{ "check @TMP@/none.dot", 1, "", "none.dot: cannot be opened: No such file or directory\n" },
	{ "check --ops", 0, "layernorm", "" },
	{ "check --ops --json", 0, "{\"rows\": [", "" },
};

Test(cli, check)
{
	CHECK(checks);
}

Test(cli, check_tells_every_mistake_with_its_line)
{
	tool_write_file("wrong.dot", "digraph wrong {\n"
		"  input [tensors=\"x:f32[B<=4,8]\"];\n"
		"  subgraph cluster_0 { worker=w0; device=\"cpu:0\";\n"
		"    a [op=coppy];\n"
		"    b [op=copy, colur=red];\n"
		"  }\n"
		"  input -> a; a -> b; b -> output;\n"
		"}\n");
	struct tool_result result = tool_run("check @TMP@/wrong.dot");
	cr_expect_eq(result.exit_status, 1, "exit status %d", result.exit_status);
	cr_expect(strstr(result.err, "wrong.dot:4: "), "'%s' lacks line 4", result.err);
	cr_expect(strstr(result.err, "copy"), "'%s' lacks the suggestion", result.err);
	cr_expect(strstr(result.err, "wrong.dot:5: "), "'%s' lacks line 5", result.err);
	cr_expect(strstr(result.err, "2 mistakes; nothing was started\n"), "'%s' lacks the sum", result.err);
	tool_result_finish(&result);
	result = tool_run("check --json @TMP@/wrong.dot");
	cr_expect_eq(result.exit_status, 1, "exit status %d", result.exit_status);
	cr_expect(strstr(result.out, "\"is_right\": false, \"mistakes\": [\n{\"line\": 4, \"node\": \"a\""), "'%s'", result.out);
	tool_result_finish(&result);
}

Test(cli, every_wrong_graph_is_refused_without_a_plan)
{
	char *folder = tool_expand("@SRC@/tests/graphs/wrong"), line[600];
	DIR *entries = opendir(folder);
	cr_assert_not_null(entries, "%s", folder);
	int n = 0;
	for (struct dirent *entry; (entry = readdir(entries)) != NULL;) {
		if (!strstr(entry->d_name, ".dot"))
			continue;
		snprintf(line, sizeof line, "check %s/%s", folder, entry->d_name);
		check_case(&(struct cli_case){ line, 1, "", "; nothing was started\n" });
		n++;
	}
	cr_expect_geq(n, 40, "only %d wrong graphs", n);
	closedir(entries);
	free(folder);
}

Test(cli, nothing_of_a_file_reaches_the_terminal_raw)
{
	tool_write_file("escape.dot", "digraph g {\n  input [tensors=\"x:f32[2]\"];\n"
		"  subgraph cluster_0 { worker=w0; device=\"cpu:0\"; \"a\x1b[31m\" [op=nonsense]; }\n"
		"  input -> \"a\x1b[31m\" -> output;\n}\n");
	struct tool_result result = tool_run("check @TMP@/escape.dot");
	cr_expect_eq(result.exit_status, 1);
	cr_expect_null(strchr(result.err, '\x1b'), "an escape sequence came through: '%s'", result.err);
	tool_result_finish(&result);
}
