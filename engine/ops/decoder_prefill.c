/* SPDX-License-Identifier: Apache-2.0
 *
 * decoder_prefill: the op prefill: begins requests. In every so many executions it computes the keys and values of the
 * next prompt straight into its output, and the first token; in the others it writes three numbers.
 */
#include "engine/ops/ops.h"

#include <inttypes.h>
#include <stdlib.h>

#include "engine/ops/decoder.h"
#include "engine/ops/infer.h"

struct prefill {
	struct decoder *decoder;
	int64_t every, requests_most; /* 0: no end */
	int64_t n_executions, n_requests, next_row;
};

static const struct op_param_spec prefill_params[] = {
	DECODER_PARAMS,
	{ "every", OP_PARAM_INT, "1", "a request begins in every so many executions" },
	{ "requests", OP_PARAM_INT, "0", "begin so many requests; 0: no end" },
	{ 0 },
};
static const char *const prefill_inputs[] = { "ids", "lens", NULL };
static const char *const prefill_outputs[] = { "cache", "begun", NULL };

/* -- types ------------------------------------------------------------------------------------------------------------- */

static int check_inputs(const struct op_infer *infer, struct error *error)
{
	int status = infer_dtype(infer, 0, DTYPE_I32, error);

	if (!status)
		status = infer_n_dims(infer, 0, 2, 2, error);
	if (status || infer->n_inputs == 1)
		return status;
	status = infer_dtype(infer, 1, DTYPE_I32, error);
	if (!status)
		status = infer_n_dims(infer, 1, 1, 1, error);
	return status ? status : infer_equal_dim(infer, 0, 0, 1, 0, error);
}

static int check_params(const struct op_params *params, struct error *error)
{
	if (op_params_int(params, "every") < 1)
		return error_set(error, STATUS_GRAPH, "every=%" PRId64 " is less than 1 execution",
			op_params_int(params, "every"));
	if (op_params_int(params, "requests") < 0)
		return error_set(error, STATUS_GRAPH, "requests=%" PRId64 " is below 0", op_params_int(params, "requests"));
	return STATUS_OK;
}

static int prefill_infer(struct op_infer *infer, struct error *error)
{
	struct decoder_sizes sizes;
	int status = check_inputs(infer, error);

	if (!status)
		status = check_params(&infer->params, error);
	if (!status)
		status = decoder_check(&infer->params, &sizes, error);
	if (status)
		return status;
	infer->n_outputs = 2;
	infer->outputs[0] = (struct tensor_type){ .dtype = DTYPE_F32, .n_dims = 4,
		.dims = { dim_constant(sizes.layers), dim_constant(2), infer->inputs[0].dims[1], dim_constant(sizes.kv) } };
	infer->outputs[1] = (struct tensor_type){ .dtype = DTYPE_I64, .n_dims = 1,
		.dims = { dim_constant(DECODER_HANDOVER_COUNT) } };
	return STATUS_OK;
}

/* -- state ------------------------------------------------------------------------------------------------------------- */

static void prefill_teardown(void *state)
{
	struct prefill *prefill = state;
	decoder_destroy(prefill->decoder);
	free(prefill);
}

static int prefill_setup(const struct op_setup *setup, void **ret_state, struct error *error)
{
	struct prefill *prefill = calloc(1, sizeof(*prefill));
	int64_t length = setup->inputs[0].shape[1];

	if (!prefill)
		return error_set(error, STATUS_NO_MEMORY, "no memory for the state of prefill");
	prefill->every = op_params_int(&setup->params, "every");
	prefill->requests_most = op_params_int(&setup->params, "requests");
	int status = decoder_create(setup, length, 1, length, &prefill->decoder, error);
	if (status) {
		prefill_teardown(prefill);
		return status;
	}
	*ret_state = prefill;
	return STATUS_OK;
}

static void prefill_reset(void *state)
{
	struct prefill *prefill = state;
	prefill->n_executions = prefill->n_requests = prefill->next_row = 0;
}

/* -- run --------------------------------------------------------------------------------------------------------------- */

static bool is_due(struct prefill *prefill)
{
	bool is_turn = prefill->n_executions++ % prefill->every == 0;
	return is_turn && (!prefill->requests_most || prefill->n_requests < prefill->requests_most);
}

/* The next row with a prompt, from next_row on and around; *ret_length is 0 when there is none. */
static int find_prompt(const struct prefill *prefill, struct op_run *run, int64_t *ret_row, int64_t *ret_length)
{
	const struct tensor *ids = &run->inputs[0];
	const int32_t *lens = run->n_inputs > 1 ? run->inputs[1].data : NULL;
	int64_t n_rows = ids->shape[0];

	*ret_length = 0;
	for (int64_t i = 0; i < n_rows && *ret_length == 0; i++) {
		*ret_row = (prefill->next_row + i) % n_rows;
		*ret_length = lens ? lens[*ret_row] : ids->shape[1];
		if (*ret_length < 0 || *ret_length > ids->shape[1])
			return error_set(run->error, STATUS_OP, "lens[%" PRId64 "] is %" PRId64
				", but a prompt has 0 to %" PRId64 " tokens here", *ret_row, *ret_length, ids->shape[1]);
	}
	return STATUS_OK;
}

static int check_prompt(const struct prefill *prefill, const struct op_run *run, const int32_t *tokens, int64_t row,
	int64_t length)
{
	int64_t vocabulary = decoder_sizes(prefill->decoder)->vocabulary;

	for (int64_t i = 0; i < length; i++) {
		if (tokens[i] < 0 || tokens[i] >= vocabulary)
			return error_set(run->error, STATUS_OP, "ids[%" PRId64 ",%" PRId64 "] is %" PRId32
				", outside the vocabulary of %" PRId64, row, i, tokens[i], vocabulary);
	}
	return STATUS_OK;
}

static int begin(struct prefill *prefill, struct op_run *run, int64_t row, int64_t length, int64_t *begun)
{
	const struct tensor *ids = &run->inputs[0];
	const int32_t *tokens = (const int32_t *)ids->data + row * ids->shape[1];
	int64_t request = prefill->n_requests;
	int status = check_prompt(prefill, run, tokens, row, length);

	if (status)
		return status;
	struct decoder_sequence sequence = { .tokens = tokens, .n_rows = length, .cache = run->outputs[0].data,
		.capacity = ids->shape[1] };
	const float *logits = decoder_forward(prefill->decoder, &sequence, 1);
	int32_t first = decoder_pick(prefill->decoder, logits, request, length);
	if (first < 0)
		return error_set(run->error, STATUS_OP, "the logits of request %" PRId64 " are no numbers", request);
	prefill->n_requests++;
	begun[DECODER_REQUEST] = request;
	begun[DECODER_LENGTH] = length;
	begun[DECODER_FIRST] = first;
	return STATUS_OK;
}

static int prefill_run(struct op_run *run)
{
	struct prefill *prefill = run->state;
	int64_t *begun = run->outputs[1].data, row = 0, length = 0;

	begun[DECODER_REQUEST] = begun[DECODER_FIRST] = -1;
	begun[DECODER_LENGTH] = 0;
	if (!is_due(prefill))
		return STATUS_OK;
	int status = find_prompt(prefill, run, &row, &length);
	prefill->next_row = row + (length != 0);
	return status || !length ? status : begin(prefill, run, row, length, begun);
}

const struct op op_prefill = {
	.name = "prefill",
	.summary = "begins requests: keys and values of the next prompt, and the first token",
	.n_inputs_min = 1,
	.n_inputs_max = 2,
	.input_names = prefill_inputs,
	.output_names = prefill_outputs,
	.params = prefill_params,
	.infer = prefill_infer,
	.setup = prefill_setup,
	.reset = prefill_reset,
	.run = prefill_run,
	.teardown = prefill_teardown,
};
