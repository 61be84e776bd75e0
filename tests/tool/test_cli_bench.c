/* SPDX-License-Identifier: Apache-2.0
 *
 * Tests of `tandem bench` as a user sees it: what it prints can be compared again; conditions, wrong use.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/run_tool.h"

#define ROW(name, ratio, spread) \
	"{\"name\": \"" name "\", \"value\": " ratio ", \"unit\": \"µs\", \"limit\": 1, \"ratio\": " ratio ", \"spread\": " spread "}"

static void set_up(void)
{
	tool_write_file("old.json", "{\"rows\": [" ROW("a", "1.0", "0.01") ", " ROW("b", "2.0", "0.01") "], \"machine\": {\"cores\": \"2\"}}");
	tool_write_file("slow.json", "{\"rows\": [" ROW("a", "1.2", "0.01") ", " ROW("b", "2.0", "0.01") "], \"machine\": {\"cores\": \"4\"}}");
	tool_write_file("once.json", "{\"rows\": [{\"name\": \"a\", \"value\": 5, \"ratio\": 5}]}");
	tool_write_file("older.json", "{\"rows\": [{\"name\": \"a\", \"value\": 5, \"ratio\": 5}, {\"name\": \"z\", \"value\": 1}]}");
	tool_write_file("garbage.json", "\x01\x02 not json");
}

TestSuite(cli_bench, .init = set_up);

static const struct {
	const char *line;
	int exit_status;
	const char *out, *err; /* must occur; "": nothing is printed there */
} cases[] = {
	{ "--results @TMP@/old.json", 0, "a     1.000", "" },
	{ "--results @TMP@/old.json --json", 0, "\"spread\": 0.01", "" },
	{ "--results @TMP@/old.json --compare @TMP@/old.json --fail-above 0", 0, "0 better, 0 worse, 2 within", "" },
	{ "--results @TMP@/slow.json --compare @TMP@/old.json", 0, "0 better, 1 worse, 1 within", "" },
	{ "--results @TMP@/slow.json --compare @TMP@/old.json", 0, "another cores: 2 before, 4 now", "" },
	{ "--results @TMP@/slow.json --compare @TMP@/old.json --fail-above 5", 1, "worse", "bench: 1 row is worse by more than 5 %\n" },
	{ "--results @TMP@/slow.json --compare @TMP@/old.json --fail-above 5%", 1, "worse", "1 row is worse" },
	{ "--results @TMP@/slow.json --compare @TMP@/old.json --fail-above 30", 0, "worse", "" },
	{ "--results @TMP@/old.json --compare @TMP@/slow.json --fail-above 5", 0, "1 better", "" },
	{ "--results @TMP@/once.json --compare @TMP@/older.json --fail-above 5", 3, "not judged", "no row could be judged" },
	{ "--results @TMP@/once.json --compare @TMP@/older.json --json", 0, "\"only_old\": [\"z\"]", "" },
	{ "--compare @TMP@/garbage.json hop", 1, "", "garbage.json:1: this is no JSON" },
	{ "--compare @TMP@/none.json hop", 1, "", "none.json: cannot be opened: No such file or directory\n" },
	{ "--compare @TMP@ hop", 1, "", "cannot be read: Is a directory\n" },
	{ "--results @TMP@/old.json hop", 2, "", "--results measures nothing; leave 'hop' out" },
	{ "--fail-above 5 hop", 2, "", "--fail-above needs --compare" },
	{ "--compare @TMP@/old.json --fail-above much hop", 2, "", "'much' is no percentage" },
	{ "--compare @TMP@/old.json --fail-above -1 hop", 2, "", "'-1' is no percentage" },
	{ "hopp", 2, "", "did you mean 'hop'?" },
	{ "--list", 0, "throughput", "" },
};

static void expect_text(const char *line, const char *which, const char *text, const char *wanted)
{
	if (!*wanted)
		cr_expect_str_eq(text, "", "bench %s: %s should be empty, is '%s'", line, which, text);
	cr_expect(strstr(text, wanted), "bench %s: %s '%s' lacks '%s'", line, which, text, wanted);
}

Test(cli_bench, compare)
{
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char line[400];
		snprintf(line, sizeof line, "bench %s", cases[i].line);
		struct tool_result result = tool_run(line);
		cr_expect_eq(result.exit_status, cases[i].exit_status, "%s: exit status %d, expected %d; '%s'", line, result.exit_status,
			cases[i].exit_status, result.err);
		expect_text(cases[i].line, "stdout", result.out, cases[i].out);
		expect_text(cases[i].line, "stderr", result.err, cases[i].err);
		tool_result_finish(&result);
	}
}

Test(cli_bench, what_it_measures_can_be_compared_again)
{
	struct tool_result result = tool_run("bench hop --quick --repeat 2 --json");
	cr_assert_eq(result.exit_status, 0, "exit status %d, '%s'", result.exit_status, result.err);
	cr_expect_str_eq(result.err, "", "in a pipe it is silent, but said '%s'", result.err);
	tool_write_file("measured.json", result.out);
	tool_result_finish(&result);
	result = tool_run("bench hop --quick --repeat 2 --compare @TMP@/measured.json");
	cr_expect_eq(result.exit_status, 0, "exit status %d, '%s'", result.exit_status, result.err);
	cr_expect(strstr(result.out, "copy N=1 8 B"), "'%s'", result.out);
	cr_expect_null(strstr(result.out, "another "), "the machine is the same: '%s'", result.out);
	cr_expect(strstr(result.out, " 0 not judged"), "'%s'", result.out);
	tool_result_finish(&result);
}
