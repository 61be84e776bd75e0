/* SPDX-License-Identifier: Apache-2.0
 *
 * `tandem export` on real runs of both modes, on one that was killed and on one recorded in part; files read by other programs.
 */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/run_tool.h"

static const char graph[] = "digraph g {\n"
	"  input [tensors=\"x:f32[B<=8,16]\"];\n"
	"  subgraph cluster_0 { worker=w0; device=\"cpu:0\"; double [op=scale, factor=2]; }\n"
	"  subgraph cluster_1 { worker=w1; device=\"cpu:1\"; norm [op=layernorm]; half [op=scale, factor=0.5]; }\n"
	"  input -> double -> norm -> half -> output;\n"
	"}\n";

/* As the other, with few executions a second. */
static const char slow_graph[] = "digraph s {\n"
	"  input [tensors=\"x:f32[16]\"];\n"
	"  subgraph cluster_0 { worker=w0; device=\"cpu:0\"; slow [op=sleep, us=1000]; }\n"
	"  subgraph cluster_1 { worker=w1; device=\"cpu:1\"; half [op=scale, factor=0.5]; }\n"
	"  input -> slow -> half -> output;\n"
	"}\n";

static void expect_run(const char *line, int exit_status, const char *err)
{
	struct tool_result result = tool_run(line);
	cr_expect_eq(result.exit_status, exit_status, "tandem %s: exit status %d, wanted %d: %s", line, result.exit_status, exit_status, result.err);
	cr_expect(strstr(result.err, err), "tandem %s: '%s' lacks '%s'", line, result.err, err);
	tool_result_finish(&result);
}

static void setup(void)
{
	tool_write_file("g.dot", graph);
	tool_write_file("slow.dot", slow_graph);
	expect_run("run @TMP@/g.dot --mode both --executions 200 -o @TMP@/t.tandem", 0, "");
}

TestSuite(cli_export, .init = setup);

/* Runs a program on files of the temporary directory and returns what it printed. */
static struct tool_result run_words(const char *const *words)
{
	const char *expanded[8];
	int n = 0;
	for (; words[n]; n++)
		expanded[n] = tool_expand(words[n]);
	expanded[n] = NULL;
	struct tool_result result = tool_run_words(expanded);
	while (n-- > 0)
		free((char *)expanded[n]);
	return result;
}

static const char *perfetto_folder(void)
{
	static char folder[1024];
	const char *given = getenv("TANDEM_PERFETTO"), *source = getenv("TANDEM_SOURCE_ROOT");
	snprintf(folder, sizeof(folder), "%s%s", given ? given : source ? source : ".", given ? "" : "/build/perfetto");
	return folder;
}

static void expect_perfetto(const char *trace, const char *file)
{
	struct tool_result result = run_words(
		(const char *const[]){ "python3", "@SRC@/tests/tool/read_perfetto.py", trace, file, perfetto_folder(), NULL });
	if (strncmp(result.out, "1..0", 4) == 0)
		cr_skip_test("%s", result.out);
	cr_expect_eq(result.exit_status, 0, "%s: %s%s", trace, result.out, result.err);
	cr_expect_null(strstr(result.out, "not ok"), "%s: %s", trace, result.out);
	tool_result_finish(&result);
}

Test(cli_export, perfetto_is_read_by_its_own_definitions)
{
	expect_run("export @TMP@/t.tandem -o @TMP@/t.pftrace", 0, "");
	expect_perfetto("@TMP@/t.tandem", "@TMP@/t.pftrace");
}

Test(cli_export, perfetto_of_a_run_recorded_in_part)
{
	expect_run("run @TMP@/g.dot --record every=3 --executions 60 -o @TMP@/every.tandem", 0, "");
	expect_run("export @TMP@/every.tandem -o @TMP@/every.pftrace", 0, "not all executions were recorded");
	expect_perfetto("@TMP@/every.tandem", "@TMP@/every.pftrace");
}

Test(cli_export, perfetto_of_a_killed_run)
{
	pid_t pid = tool_start("run @TMP@/slow.dot --executions 100000000 -o @TMP@/killed.tandem");
	struct tool_result ready = { 0 };
	for (int i = 0; i < 200; i++) {
		ready = tool_run("query @TMP@/killed.tandem --csv 'SELECT count(*) > 100 FROM op_event'");
		bool is_ready = strstr(ready.out, "\n1\n");
		tool_result_finish(&ready);
		if (is_ready)
			break;
		usleep(50000);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	for (int i = 0; i < 200; i++) {
		ready = tool_run("query @TMP@/killed.tandem --csv 'SELECT count(*) FROM run WHERE status = \"killed\"'");
		bool is_ready = strstr(ready.out, "\n1\n");
		tool_result_finish(&ready);
		if (is_ready)
			break;
		usleep(50000);
	}
	expect_run("export @TMP@/killed.tandem -o @TMP@/killed.pftrace", 0, "");
	expect_perfetto("@TMP@/killed.tandem", "@TMP@/killed.pftrace");
}

Test(cli_export, chrome_is_json)
{
	expect_run("export @TMP@/t.tandem -o @TMP@/t.json", 0, "");
	static const char program[] = "import json, sys, sqlite3, collections\n"
		"d = json.load(open(sys.argv[1]))\n"
		"n = collections.Counter(e['ph'] for e in d['traceEvents'])\n"
		"db = sqlite3.connect(sys.argv[2])\n"
		"one = lambda sql: db.execute(sql).fetchone()[0]\n"
		"ids = {p: collections.Counter(e['id'] for e in d['traceEvents'] if e['ph'] == p) for p in 'sf'}\n"
		"assert ids['s'] == ids['f'], 'flows without an end'\n"
		"assert n['s'] == one('SELECT count(*) FROM edge g JOIN op_event p ON p.node = g.src WHERE NOT g.is_peer'), n\n"
		"ops = [e for e in d['traceEvents'] if e['ph'] == 'X' and e['cat'] in ('scale', 'layernorm', 'caller')]\n"
		"assert len(ops) == one('SELECT count(*) FROM op_event'), len(ops)\n"
		"assert abs(sum(e['dur'] for e in ops) * 1000 - one('SELECT sum(duration_ns) FROM op_event')) < 1000\n"
		"print('fine')\n";
	struct tool_result result = run_words((const char *const[]){ "python3", "-c", program, "@TMP@/t.json", "@TMP@/t.tandem", NULL });
	cr_expect_str_eq(result.out, "fine\n", "'%s' %s", result.out, result.err);
	tool_result_finish(&result);
}

Test(cli_export, dot_is_drawn_by_graphviz)
{
	expect_run("export @TMP@/t.tandem -o @TMP@/t.dot", 0, "");
	struct tool_result result = run_words((const char *const[]){ "dot", "-Tsvg", "@TMP@/t.dot", NULL });
	if (result.exit_status == 127 || result.exit_status == -1)
		cr_skip_test("graphviz is not installed");
	cr_expect_eq(result.exit_status, 0, "dot: %d %s", result.exit_status, result.err);
	cr_expect_str_empty(result.err, "dot says: %s", result.err);
	static const char *const texts[] = { "layernorm", "of the work", "share of the work", "w1 (cpu:1)" };
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		cr_expect(strstr(result.out, texts[i]), "the drawing lacks '%s'", texts[i]);
	tool_result_finish(&result);
}

static const struct {
	const char *line;
	int exit_status;
	const char *err;
} wrong[] = {
	{ "export @TMP@/t.tandem", 2, "which format?" },
	{ "export @TMP@/t.tandem -o @TMP@/t.png", 2, "which format?" },
	{ "export @TMP@/t.tandem --format yaml", 2, "'yaml' is not available; choose from: auto, perfetto, chrome, csv, dot" },
	{ "export @TMP@/t.tandem --format dot --table op", 2, "--table goes with --format csv" },
	{ "export @TMP@/t.tandem --format csv --table ops", 2, "there is no table 'ops'" },
	{ "export @TMP@/t.tandem --format csv --run 7", 2, "there is no run 7" },
	{ "export @TMP@/t.tandem --format csv --executions 5", 2, "give FIRST:END" },
	{ "export @TMP@/t.tandem --format csv --executions 5:5", 2, "give FIRST:END" },
	{ "export @TMP@/t.tandem -o @TMP@/no/where.csv", 1, "cannot be written" },
	{ "export @TMP@/t.tandem --format csv -o /dev/full", 1, "No space left" },
	{ "export @TMP@/g.dot --format csv", 1, "not a tandem trace" },
	{ "export", 2, "what about FILE…?" },
};

Test(cli_export, wrong_use)
{
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		expect_run(wrong[i].line, wrong[i].exit_status, wrong[i].err);
}

Test(cli_export, devices_lists_the_cpu)
{
	struct tool_result result = tool_run("devices --workers 3");
	static const char *const texts[] = { "Devices", "cpu", "not built into this version", "affinity", "worker 2" };
	cr_expect_eq(result.exit_status, 0, "exit status %d: %s", result.exit_status, result.err);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		cr_expect(strstr(result.out, texts[i]), "'%s' is not in:\n%s", texts[i], result.out);
	tool_result_finish(&result);
	result = run_words((const char *const[]){ "sh", "-c", "\"$TANDEM\" devices --json | python3 -c 'import json, sys;"
		" print({r[\"item\"] for r in json.load(sys.stdin)[\"rows\"]} >= {\"cpu\", \"model\", \"TSC\"})'", NULL });
	cr_expect_str_eq(result.out, "True\n", "'%s' %s", result.out, result.err);
	tool_result_finish(&result);
}
