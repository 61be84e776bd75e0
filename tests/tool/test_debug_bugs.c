/* SPDX-License-Identifier: Apache-2.0
 *
 * Planted bugs (tests/debug/bugs_module.c), each found by a short script at the right node, in both modes; and hangs, of which `where` names the
 * culprit while they last.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/attributes.h"
#include "tests/support/leftovers.h"
#include "tests/support/run_tool.h"

static void expect_out(const char *name, const struct tool_result *result, int exit_status, const char *const *wanted)
{
	cr_expect_eq(result->exit_status, exit_status, "%s: exit status %d, expected %d; '%s' '%s'", name,
		result->exit_status, exit_status, result->out, result->err);
	for (int i = 0; i < 3 && wanted[i]; i++)
		cr_expect(strstr(result->out, wanted[i]), "%s: '%s' lacks '%s'; '%s'", name, result->out, wanted[i], result->err);
}

static const char *const modes[] = { "compiled", "interpreted" };

static const struct {
	const char *name, *graph, *options;
	int exit_status;
	const char *wanted[3];
	int n_modes; /* 1: compiled only */
} bugs[] = {
	{ "a NaN", "nan_at", "--set EXECUTION=3 --command 'catch nan' --command run", 0, { "after bug on w0, execution 3", "bug.out[5] is nan" }, 2 },
	{ "a pointer that is kept", "keeps_pointer", "--poison --command 'catch nan' --command run", 0,
		{ "after bug on w0, execution ", "bug.out[0] is poison" }, 1 }, /* interpreted, the object may hold another value by then */
	{ "an error", "fails_at", "--set EXECUTION=4 --command 'catch error' --command run", 0, { "after bug on w0, execution 4" }, 2 },
	{ "another weight", "drifts", "--set RATE=0 --twin '--set RATE=0.5 --until-divergence'", 1,
		{ "first divergence: 'bug', execution 1", "the difference begins here" }, 2 },
	{ "no difference", "drifts", "--set RATE=0 --twin '--set RATE=0 --until-divergence'", 0, { "no divergence: all equal" }, 2 },
};

Test(debug_bugs, are_found_at_their_node, .timeout = 60)
{
	leftovers_mark();
	for (size_t i = 0; i < ARRAY_LEN(bugs) * ARRAY_LEN(modes); i++) {
		size_t bug = i / ARRAY_LEN(modes);
		const char *mode = modes[i % ARRAY_LEN(modes)];
		if ((int)(i % ARRAY_LEN(modes)) >= bugs[bug].n_modes)
			continue;
		/* Options are in quotes of their own, so the words are handed to a shell. */
		char line[1000], name[100];
		snprintf(name, sizeof name, "%s, %s", bugs[bug].name, mode);
		snprintf(line, sizeof line, "exec \"$TANDEM\" debug \"$TANDEM_SOURCE_ROOT/tests/debug/graphs/%s.dot\" --module "
			"\"$TANDEM_BUILD_ROOT/tests/debug/bugs_module.so\" -q -n 12 --batch --mode %s %s", bugs[bug].graph, mode, bugs[bug].options);
		struct tool_result result = tool_run_words((const char *[]){ "sh", "-c", line, NULL });
		expect_out(name, &result, bugs[bug].exit_status, bugs[bug].wanted);
		tool_result_finish(&result);
	}
	cr_expect_eq(leftovers_count(5000), 0);
}

/* The two modes of one graph give different results. */
Test(debug_bugs, an_op_that_differs_by_mode, .timeout = 60)
{
	struct tool_result result = tool_run_words((const char *[]){ "sh", "-c", "exec \"$TANDEM\" debug "
		"\"$TANDEM_SOURCE_ROOT/tests/debug/graphs/differs_in_place.dot\" --module \"$TANDEM_BUILD_ROOT/tests/debug/bugs_module.so\" -q -n 5 "
		"--batch --twin '--mode interpreted --digests --until-divergence'", NULL });
	expect_out("by mode", &result, 1, (const char *const[3]){ "first divergence: 'bug', execution 0", "the difference begins here" });
	tool_result_finish(&result);
}

/* A hang: `run`, some time, Ctrl-C, `where`. */
static struct tool_result look_at_hang(const char *graph, const char *options, const char *mode)
{
	char line[2000];
	setenv("TMP", tool_temporary(), 1);
	snprintf(line, sizeof line, "rm -f $TMP/pipe; mkfifo $TMP/pipe; exec 3<> $TMP/pipe; \"$TANDEM\" debug "
		"\"$TANDEM_SOURCE_ROOT/tests/debug/graphs/%s.dot\" --module \"$TANDEM_BUILD_ROOT/tests/debug/bugs_module.so\" -q -n 100000 "
		"--mode %s %s < $TMP/pipe & pid=$!; echo start >&3; echo continue >&3; sleep 1; kill -INT $pid; echo where >&3; "
		"echo quit >&3; wait $pid", graph, mode, options);
	return tool_run_words((const char *[]){ "sh", "-c", line, NULL });
}

Test(debug_bugs, where_names_who_hangs, .timeout = 100)
{
	leftovers_mark();
	for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
		struct tool_result result = look_at_hang("waits_for_ever", "--set EXECUTION=5", modes[i]);
		expect_out("waits for ever", &result, 0, (const char *const[3]){ "Interrupted", "bug" });
		tool_result_finish(&result);
	}
	cr_expect_eq(leftovers_count(5000), 0);
}
