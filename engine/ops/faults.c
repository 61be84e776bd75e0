/* SPDX-License-Identifier: Apache-2.0
 *
 * faults: ops that report an error or end their process at a chosen execution, and copy their first input otherwise.
 */
#include "engine/ops/ops.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/ops/infer.h"

struct failing {
	int64_t at; /* execution; -1: every one */
	const char *text;
	void (*crash)(void);
};

static bool failing_is_due(const struct failing *failing, uint64_t execution)
{
	return failing->at < 0 || (uint64_t)failing->at == execution;
}

static const struct op_param_spec fail_params[] = {
	{ "at", OP_PARAM_INT, "0", "execution that fails, counted from 0; -1: every one" },
	{ "text", OP_PARAM_TEXT, "failed on purpose", "text of the error" },
	{ 0 },
};

static int fail_setup(const struct op_setup *setup, void **ret_state, struct error *error)
{
	struct failing *failing = calloc(1, sizeof(*failing));
	if (!failing)
		return error_set(error, STATUS_NO_MEMORY, "no memory for the state of fail");
	failing->at = op_params_int(&setup->params, "at");
	failing->text = op_params_text(&setup->params, "text");
	*ret_state = failing;
	return STATUS_OK;
}

static int fail_run(struct op_run *run)
{
	const struct failing *failing = run->state;
	if (failing_is_due(failing, run->execution))
		return error_set(run->error, STATUS_OP, "%s", failing->text);
	return ops_copy_first(run);
}

const struct op op_fail = {
	.name = "fail",
	.summary = "copies its input, but reports an error at a chosen execution",
	.n_inputs_min = 1,
	.n_inputs_max = OP_INPUTS_MAX,
	.params = fail_params,
	.infer = infer_same,
	.setup = fail_setup,
	.run = fail_run,
	.teardown = free,
};

static const struct op_param_spec crash_params[] = {
	{ "at", OP_PARAM_INT, "0", "execution that crashes, counted from 0; -1: every one" },
	{ "signal", OP_PARAM_TEXT, "segv", "segv, abort, kill, or exit (ends the process with status 3)" },
	{ 0 },
};

static void die_by(int signal_number)
{
	signal(signal_number, SIG_DFL);
	raise(signal_number);
}

static void crash_segv(void)
{
	die_by(SIGSEGV);
}

static void crash_abort(void)
{
	die_by(SIGABRT);
}

static void crash_kill(void)
{
	die_by(SIGKILL);
}

static void crash_exit(void)
{
	_exit(3);
}

static const struct {
	const char *name;
	void (*crash)(void);
} crashes[] = {
	{ "segv", crash_segv },
	{ "abort", crash_abort },
	{ "kill", crash_kill },
	{ "exit", crash_exit },
};

static void (*crash_find(const char *name))(void)
{
	for (size_t i = 0; i < ARRAY_LEN(crashes); i++) {
		if (strcmp(crashes[i].name, name) == 0)
			return crashes[i].crash;
	}
	return NULL;
}

static int crash_infer(struct op_infer *infer, struct error *error)
{
	const char *name = op_params_text(&infer->params, "signal");
	if (!crash_find(name))
		return error_set(error, STATUS_GRAPH, "signal=\"%s\" is none of segv, abort, kill, exit", name);
	return infer_same(infer, error);
}

static int crash_setup(const struct op_setup *setup, void **ret_state, struct error *error)
{
	struct failing *failing = calloc(1, sizeof(*failing));
	if (!failing)
		return error_set(error, STATUS_NO_MEMORY, "no memory for the state of crash");
	failing->at = op_params_int(&setup->params, "at");
	failing->crash = crash_find(op_params_text(&setup->params, "signal"));
	*ret_state = failing;
	return STATUS_OK;
}

static int crash_run(struct op_run *run)
{
	const struct failing *failing = run->state;
	if (failing_is_due(failing, run->execution))
		failing->crash();
	return ops_copy_first(run);
}

const struct op op_crash = {
	.name = "crash",
	.summary = "copies its input, but ends its process at a chosen execution",
	.n_inputs_min = 1,
	.n_inputs_max = OP_INPUTS_MAX,
	.params = crash_params,
	.infer = crash_infer,
	.setup = crash_setup,
	.run = crash_run,
	.teardown = free,
};
