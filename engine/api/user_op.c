/* SPDX-License-Identifier: Apache-2.0
 *
 * user_op: the adapter from struct tandem_op to struct op. What a user's function gives back is checked before the engine sees it.
 */
#include "engine/api/user_op.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "engine/api/mirror.h"

/* The state of a node with such an op: the engine's run gets nothing but this. */
struct user_state {
	const struct tandem_op *op;
	void *state;
};

static const struct tandem_op *user_of(const struct op *op)
{
	return ((const struct user_op *)op)->user;
}

/* A constant may have been written without symbol; the engine wants -1. */
static void settle_dims(struct tandem_type *type)
{
	for (int d = 0; d < type->n_dims; d++) {
		if (type->dims[d].mul == 0)
			type->dims[d].symbol = -1;
	}
}

static int check_types(const struct tandem_infer *infer, const char *name, struct error *error)
{
	for (int i = 0; i < infer->n_outputs && i < TANDEM_OUTPUTS_MAX; i++) {
		struct tandem_type *type = &infer->outputs[i];
		if (type->dtype < 0 || type->dtype >= DTYPE_COUNT)
			return error_set(error, STATUS_GRAPH, "'%s' says that output %d has dtype %d, which is none", name, i, type->dtype);
		if (type->n_dims < 0 || type->n_dims > TANDEM_DIMS_MAX)
			return error_set(error, STATUS_GRAPH, "'%s' says that output %d has %d dimensions; 0 to %d are supported", name, i,
				type->n_dims, TANDEM_DIMS_MAX);
		settle_dims(type);
	}
	return STATUS_OK;
}

static int adapt_infer(struct op_infer *infer, struct error *error)
{
	const struct tandem_op *user = user_of(infer->params.op);
	struct tandem_infer call = { .params = mirror_public_params(&infer->params), .n_inputs = infer->n_inputs,
		.n_outputs = infer->n_outputs, .inputs = (const struct tandem_type *)infer->inputs,
		.outputs = (struct tandem_type *)infer->outputs };
	struct error own = { 0 };
	int status = user->infer(&call, mirror_public_error(&own));
	if (status == STATUS_NO_MEMORY)
		return error_set(error, status, "no memory for the types of '%s'", user->name);
	if (status)
		return error_set(error, STATUS_GRAPH, "%s", own.text[0] ? own.text : "its infer refuses this without saying why");
	infer->n_outputs = call.n_outputs;
	return check_types(&call, user->name, error);
}

/* What setup may say; anything else counts as an error of the op. */
static int settle_setup_status(int status)
{
	static const int known[] = { STATUS_NO_MEMORY, STATUS_SYSTEM, STATUS_GRAPH, STATUS_INPUT, STATUS_UNSUPPORTED };
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		if (status == known[i])
			return status;
	}
	return STATUS_OP;
}

static int adapt_setup(const struct op_setup *setup, void **ret_state, struct error *error)
{
	const struct tandem_op *user = user_of(setup->params.op);
	struct user_state *state = calloc(1, sizeof *state);
	if (!state)
		return error_set(error, STATUS_NO_MEMORY, "no memory for the state of '%s'", setup->node);
	state->op = user;
	struct tandem_setup call = { .params = mirror_public_params(&setup->params), .node = setup->node, .worker = setup->worker,
		.seed = setup->seed, .n_threads = setup->n_threads, .rank = setup->rank, .n_inputs = setup->n_inputs,
		.n_outputs = setup->n_outputs, .inputs = mirror_public_tensors(setup->inputs),
		.outputs = mirror_public_tensors(setup->outputs) };
	struct error own = { 0 };
	int status = user->setup ? user->setup(&call, &state->state, mirror_public_error(&own)) : STATUS_OK;
	if (status) {
		free(state);
		return error_set(error, settle_setup_status(status), "%s", own.text[0] ? own.text : "its setup failed without saying why");
	}
	*ret_state = state;
	return STATUS_OK;
}

static void adapt_reset(void *state)
{
	const struct user_state *own = state;
	if (own->op->reset)
		own->op->reset(own->state);
}

static int adapt_run(struct op_run *run)
{
	const struct user_state *own = run->state;
	struct tandem_call call = { .state = own->state, .execution = run->execution, .n_inputs = run->n_inputs,
		.n_outputs = run->n_outputs, .inputs = mirror_public_tensors(run->inputs),
		.outputs = (struct tandem_tensor *)run->outputs, .error = mirror_public_error(run->error) };
	return own->op->run(&call);
}

static void adapt_teardown(void *state)
{
	struct user_state *own = state;
	if (own->op->teardown)
		own->op->teardown(own->state);
	free(own);
}

static int check_functions(const struct tandem_op *user, const char *origin, struct error *error)
{
	if (user->abi != TANDEM_OP_ABI)
		return error_set(error, STATUS_USAGE, "%s: an op has abi %" PRIu32 " and this library wants %d; set .abi = TANDEM_OP_ABI and "
			"build against the installed tandem.h", origin, user->abi, TANDEM_OP_ABI);
	if (!user->name || !*user->name)
		return error_set(error, STATUS_USAGE, "%s: an op has no name", origin);
	if (!user->infer || !user->run)
		return error_set(error, STATUS_USAGE, "%s: op '%.100s' has no %s function", origin, user->name, user->infer ? "run" : "infer");
	if (user->caps & ~(uint32_t)(TANDEM_INPLACE | TANDEM_FORWARD | TANDEM_COLLECTIVE))
		return error_set(error, STATUS_USAGE, "%s: op '%.100s' has caps %#" PRIx32 ", of which some are unknown to this library", origin,
			user->name, user->caps);
	return STATUS_OK;
}

static int check_counts(const struct tandem_op *user, const char *origin, struct error *error)
{
	int n_names = 0;
	if (user->n_inputs_min < 0 || user->n_inputs_max < user->n_inputs_min || user->n_inputs_max > TANDEM_INPUTS_MAX)
		return error_set(error, STATUS_USAGE, "%s: op '%.100s' takes %d to %d inputs; the numbers must rise and lie in 0 to %d", origin,
			user->name, user->n_inputs_min, user->n_inputs_max, TANDEM_INPUTS_MAX);
	if ((user->caps & (TANDEM_INPLACE | TANDEM_FORWARD | TANDEM_COLLECTIVE)) && user->n_inputs_min < 1)
		return error_set(error, STATUS_USAGE, "%s: op '%.100s' has caps that need an input, but takes none", origin, user->name);
	while (user->input_names && user->input_names[n_names])
		n_names++;
	if (user->input_names && n_names < user->n_inputs_max && !(user->caps & TANDEM_COLLECTIVE))
		return error_set(error, STATUS_USAGE, "%s: op '%.100s' takes up to %d inputs and names %d of them; name all or none", origin,
			user->name, user->n_inputs_max, n_names);
	return STATUS_OK;
}

static int check_param(const struct user_op *op, const struct op_param_spec *param, struct error *error)
{
	const struct tandem_op *user = op->user;
	const char *origin = op->origin;
	struct error why = { 0 };
	if ((int)param->type < OP_PARAM_INT || (int)param->type > OP_PARAM_INTS)
		return error_set(error, STATUS_USAGE, "%s: parameter '%.100s' of op '%.100s' has type %d, which is none", origin, param->name,
			user->name, (int)param->type);
	for (const struct op_param_spec *other = op->specs; other != param; other++) {
		if (strcmp(other->name, param->name) == 0)
			return error_set(error, STATUS_USAGE, "%s: op '%.100s' declares parameter '%.100s' twice", origin, user->name, param->name);
	}
	if (param->fallback && op_param_check(param, param->fallback, &why))
		return error_set(error, STATUS_USAGE, "%s: op '%.100s': the default of %s", origin, user->name, why.text);
	return STATUS_OK;
}

static int copy_params(struct user_op *op, struct error *error)
{
	const struct tandem_param_spec *params = op->user->params;
	int n = 0;
	while (params && params[n].name)
		n++;
	op->specs = calloc((size_t)n + 1, sizeof *op->specs);
	if (!op->specs)
		return error_set(error, STATUS_NO_MEMORY, "no memory for op '%.100s'", op->user->name);
	for (int i = 0; i < n; i++) {
		op->specs[i] = (struct op_param_spec){ .name = params[i].name, .type = (enum op_param_type)params[i].type,
			.fallback = params[i].fallback, .help = params[i].help ? params[i].help : "" };
		int status = check_param(op, &op->specs[i], error);
		if (status)
			return status;
	}
	return STATUS_OK;
}

int user_op_create(const struct tandem_op *user, const char *origin, struct error *error, struct user_op **ret_op)
{
	int status = check_functions(user, origin, error);
	if (!status)
		status = check_counts(user, origin, error);
	if (status)
		return status;
	struct user_op *op = calloc(1, sizeof *op);
	if (op) {
		op->user = user;
		op->origin = strdup(origin);
	}
	if (!op || !op->origin)
		status = error_set(error, STATUS_NO_MEMORY, "no memory for op '%.100s'", user->name);
	else
		status = copy_params(op, error);
	if (status) {
		user_op_destroy(op);
		return status;
	}
	op->op = (struct op){ .name = user->name, .summary = user->summary ? user->summary : "", .n_inputs_min = user->n_inputs_min,
		.n_inputs_max = user->n_inputs_max, .input_names = user->input_names, .output_names = user->output_names,
		.params = op->specs, .caps = user->caps, .infer = adapt_infer, .setup = adapt_setup,
		.reset = user->reset ? adapt_reset : NULL, .run = adapt_run, .teardown = adapt_teardown };
	*ret_op = op;
	return STATUS_OK;
}

void user_op_destroy(struct user_op *op)
{
	if (!op)
		return;
	free(op->specs);
	free(op->origin);
	free(op);
}
