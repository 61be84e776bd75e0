/* SPDX-License-Identifier: Apache-2.0
 *
 * Tests of engine/ops/testing.c and engine/ops/faults.c.
 */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "tests/support/op_case.h"

static const struct op_case_row values[] = {
	{ "copy", "copy", "", "f32[3]{1,2,3}", "f32[3]{1,2,3}" },
	{ "copy joins", "copy", "", "i32[2]{4,5} f32[7]", "i32[2]{4,5}" },
	{ "touch", "touch", "", "f32[3]{1,2,-3}", "f32[3]{2,3,-2}" },
	{ "touch u8", "touch", "", "u8[2]{1,255}", "u8[2]{2,0}" },
	{ "fill", "fill", "value=2.5", "f32[2,2]", "f32[2,2]{2.5}" },
	{ "fill i64", "fill", "value=-7", "i64[3]", "i64[3]{-7}" },
	{ "spin", "spin", "us=10", "f32[2]{1,2}", "f32[2]{1,2}" },
	{ "sleep", "sleep", "us=10.5", "f32[2]{1,2}", "f32[2]{1,2}" },
	{ "fail now", "fail", "text=it broke", "f32[2]", NULL, 0, "it broke" },
	{ "fail always", "fail", "at=-1", "f32[2]", NULL, 0, "failed on purpose" },
	{ "fail later", "fail", "at=1", "f32[2]", "f32[2]" },
	{ "crash later", "crash", "at=1", "f32[2]", "f32[2]" },
	{ "counter", "counter", "", "f32[2]{1,2}", "f32[2]{1,2}" },
};

Test(ops_testing, values)
{
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		op_case_check(&values[i]);
}

static const struct op_case_infer_row types[] = {
	{ "any type", "copy", "", "u8[B,2L+1]", "u8[B,2L+1]", NULL },
	{ "negative time", "spin", "us=-1", "f32[B]", NULL, "us=-1 is no time" },
	{ "negative sleep", "sleep", "us=-0.5", "f32[B]", NULL, "us=-0.5 is no time" },
	{ "unknown signal", "crash", "signal=hup", "f32[B]", NULL, "signal=\"hup\" is none of segv, abort, kill, exit" },
	{ "fill out of range", "fill", "value=300", "u8[B]", NULL, "value=300 is outside the range of u8" },
};

Test(ops_testing, types)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		op_case_check_infer(&types[i]);
}

Test(ops_testing, spin_and_sleep_take_their_time)
{
	static const char *const names[] = { "spin", "sleep" };
	for (int i = 0; i < 2; i++) {
		const char *end;
		struct tensor x = op_case_tensor("f32[2]", &end);
		struct op_case op_case;
		struct error error = { 0 };
		cr_assert_eq(op_case_start(&op_case, names[i], "us=3000", &x, 1, &error), STATUS_OK, "%s", error.text);
		int64_t start_ns = clock_now().ns;
		cr_expect_eq(op_case_run(&op_case, 0, &error), STATUS_OK);
		int64_t took_ns = clock_now().ns - start_ns;
		cr_expect_geq(took_ns, 3000000, "%s took %" PRId64 " ns, less than 3 ms", names[i], took_ns);
		op_case_finish(&op_case);
		free(x.data);
	}
}

Test(ops_testing, fail_fails_at_its_execution_only)
{
	const char *end;
	struct tensor x = op_case_tensor("f32[2]", &end);
	struct op_case op_case;
	struct error error = { 0 };

	cr_assert_eq(op_case_start(&op_case, "fail", "at=2", &x, 1, &error), STATUS_OK, "%s", error.text);
	for (uint64_t execution = 0; execution < 5; execution++) {
		int status = op_case_run(&op_case, execution, &error), expected = execution == 2 ? STATUS_OP : STATUS_OK;
		cr_expect_eq(status, expected, "execution %" PRIu64 ": status %d, expected %d", execution, status, expected);
	}
	op_case_finish(&op_case);
	free(x.data);
}

Test(ops_testing, counter_counts_and_resets)
{
	const char *end;
	struct tensor x = op_case_tensor("i32[1]{100}", &end);
	struct op_case op_case;
	struct error error = { 0 };

	cr_assert_eq(op_case_start(&op_case, "counter", "", &x, 1, &error), STATUS_OK, "%s", error.text);
	for (int i = 0; i < 6; i++) {
		if (i == 4)
			op_case.op->reset(op_case.state);
		op_case_run(&op_case, (uint64_t)i, &error);
		int is = (int)op_case_element(&op_case.outputs[0], 0), expected = 100 + i % 4;
		cr_expect_eq(is, expected, "after %d executions: %d, expected %d", i, is, expected);
	}
	op_case_finish(&op_case);
	free(x.data);
}

static const struct {
	const char *params;
	int signal, exit_status; /* one of them */
} crashes[] = {
	{ "signal=segv", SIGSEGV, 0 },
	{ "signal=abort", SIGABRT, 0 },
	{ "signal=kill", SIGKILL, 0 },
	{ "signal=exit", 0, 3 },
};

Test(ops_testing, crash_ends_the_process)
{
	for (size_t i = 0; i < sizeof(crashes) / sizeof(crashes[0]); i++) {
		const char *end;
		struct tensor x = op_case_tensor("f32[2]", &end);
		struct op_case op_case;
		struct error error = { 0 };
		int status = 0;
		cr_assert_eq(
			op_case_start(&op_case, "crash", crashes[i].params, &x, 1, &error), STATUS_OK, "%s", error.text);
		pid_t child = fork();
		if (child == 0) {
			op_case_run(&op_case, 0, &error);
			_exit(99);
		}
		waitpid(child, &status, 0);
		int signal_number = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
		int exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
		cr_expect_eq(signal_number, crashes[i].signal, "%s: signal %d, expected %d", crashes[i].params,
			signal_number, crashes[i].signal);
		cr_expect_eq(exit_status, crashes[i].exit_status, "%s: exit %d, expected %d", crashes[i].params, exit_status,
			crashes[i].exit_status);
		op_case_finish(&op_case);
		free(x.data);
	}
}

/* What print writes to standard output, caught through a pipe. */
Test(ops_testing, print_prints_a_summary)
{
	const char *end, *expected = "here execution 7: f32[4] min -1 mean 2 max 5 NaN 1\n";
	struct tensor x = op_case_tensor("f32[4]{-1,2,5,nan}", &end);
	struct op_case op_case;
	struct error error = { 0 };
	char text[200] = "";
	int ends[2], saved = dup(STDOUT_FILENO);

	cr_assert_eq(op_case_start(&op_case, "print", "text=here", &x, 1, &error), STATUS_OK, "%s", error.text);
	cr_assert_eq(pipe(ends), 0);
	fflush(stdout);
	dup2(ends[1], STDOUT_FILENO);
	op_case_run(&op_case, 7, &error);
	dup2(saved, STDOUT_FILENO);
	ssize_t n = read(ends[0], text, sizeof(text) - 1);
	cr_expect(n > 0 && strcmp(text, expected) == 0, "printed '%s', expected '%s'", text, expected);
	cr_expect_arr_eq(op_case.outputs[0].data, x.data, tensor_bytes(&x));
	close(ends[0]);
	close(ends[1]);
	close(saved);
	op_case_finish(&op_case);
	free(x.data);
}
