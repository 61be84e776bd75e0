/* SPDX-License-Identifier: Apache-2.0
 *
 * decoder_decode: the op decode: the caches of the sequences that are under way, and one token of each in every
 * execution.
 *
 * A cache that is handed over goes into a place. Places outnumber the slots: who finds all slots taken waits in its
 * place, first come, first served, and who finds no place is refused, which is an output and no error: those under way
 * must not lose a token by it.
 *
 *     handed over → waiting → in a slot → finished (max_new tokens, the end token, a full cache): place and slot are free
 */
#include "engine/ops/ops.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "engine/ops/decoder.h"
#include "engine/ops/infer.h"

#define PLACES_MOST 4096
#define POSITIONS_MOST (1 << 24)
#define NONE (-1)

struct place {
	int64_t request;  /* NONE: free */
	int64_t n_cached; /* positions whose keys and values are there */
	int64_t n_new;    /* tokens after the prompt, the first included */
	int32_t last;     /* token that goes in next */
	float *cache;     /* [layers, 2, capacity, kv] */
};

struct decode {
	struct decoder *decoder;
	float *memory;              /* of all caches; touched as used */
	int64_t n_slots, n_places, capacity;
	int64_t max_new, end_token; /* NONE: no end token */
	struct place *places;       /* [n_places] */
	int64_t *slots;             /* [n_slots] index of the place, NONE: free */
	int64_t *waiting;           /* [n_places] places in order of arrival */
	int64_t n_waiting;
	struct decoder_sequence *sequences; /* [n_slots] */
};

static const struct op_param_spec decode_params[] = {
	DECODER_PARAMS,
	{ "slots", OP_PARAM_INT, "4", "sequences that get a token in an execution" },
	{ "waiting", OP_PARAM_INT, "-1", "handed-over sequences that may wait for a slot; -1: as many as slots" },
	{ "max_new", OP_PARAM_INT, "16", "tokens after the prompt, the first included" },
	{ "length", OP_PARAM_INT, "0", "most positions of a sequence; 0: the longest prompt and max_new" },
	{ "end", OP_PARAM_INT, "-1", "token that ends a sequence; -1: none does" },
	{ 0 },
};
static const char *const decode_inputs[] = { "cache", "begun", NULL };
static const char *const decode_outputs[] = { "tokens", "requests", "refused", NULL };

/* -- types ------------------------------------------------------------------------------------------------------------- */

static int64_t count_waiting(const struct op_params *params)
{
	int64_t waiting = op_params_int(params, "waiting");
	return waiting == -1 ? op_params_int(params, "slots") : waiting;
}

/* Positions of one cache; the token picked last is never put in. */
static int64_t find_capacity(const struct op_params *params, int64_t longest_prompt)
{
	int64_t length = op_params_int(params, "length");
	return length ? length : longest_prompt + op_params_int(params, "max_new") - 1;
}

static int check_params(const struct op_params *params, int64_t longest_prompt, struct error *error)
{
	const struct {
		const char *name;
		int64_t value, least, most;
	} ranges[] = {
		{ "slots", op_params_int(params, "slots"), 1, PLACES_MOST },
		{ "waiting", op_params_int(params, "waiting"), -1, PLACES_MOST },
		{ "max_new", op_params_int(params, "max_new"), 1, POSITIONS_MOST },
		{ "end", op_params_int(params, "end"), -1, INT32_MAX },
		{ "length", find_capacity(params, longest_prompt), 0, POSITIONS_MOST },
	};

	for (size_t i = 0; i < ARRAY_LEN(ranges); i++) {
		if (ranges[i].value < ranges[i].least || ranges[i].value > ranges[i].most)
			return error_set(error, STATUS_GRAPH, "%s=%" PRId64 " is not between %" PRId64 " and %" PRId64,
				ranges[i].name, ranges[i].value, ranges[i].least, ranges[i].most);
	}
	if (find_capacity(params, longest_prompt) < longest_prompt)
		return error_set(error, STATUS_GRAPH, "length=%" PRId64 " is less than the prompts of up to %" PRId64
			" tokens", find_capacity(params, longest_prompt), longest_prompt);
	return STATUS_OK;
}

/* The cache and what goes with it are those of the same model. */
static int check_inputs(const struct op_infer *infer, const struct decoder_sizes *sizes, struct error *error)
{
	const struct tensor_type *cache = &infer->inputs[0];
	const int64_t wanted[4] = { sizes->layers, 2, NONE, sizes->kv };

	for (int i = 0; i < 4; i++) {
		if (cache->n_dims == 4 && (i == 2 || dim_equal(cache->dims[i], dim_constant(wanted[i]))))
			continue;
		return infer_unexpected(infer, 0, error, "f32[%" PRId64 ",2,length,%" PRId64
			"], the cache of this node's model", sizes->layers, sizes->kv);
	}
	if (infer->inputs[1].n_dims != 1 || !dim_equal(infer->inputs[1].dims[0], dim_constant(DECODER_HANDOVER_COUNT)))
		return infer_unexpected(infer, 1, error, "i64[%d], as prefill gives it", DECODER_HANDOVER_COUNT);
	return STATUS_OK;
}

static int decode_infer(struct op_infer *infer, struct error *error)
{
	struct decoder_sizes sizes;
	int status = infer_dtype(infer, 0, DTYPE_F32, error);

	if (!status)
		status = infer_dtype(infer, 1, DTYPE_I64, error);
	if (!status)
		status = decoder_check(&infer->params, &sizes, error);
	if (!status)
		status = check_inputs(infer, &sizes, error);
	if (!status)
		status = check_params(&infer->params, dim_bound(infer->inputs[0].dims[2], infer->symbols), error);
	if (status)
		return status;
	infer->n_outputs = 3;
	for (int i = 0; i < 3; i++)
		infer->outputs[i] = (struct tensor_type){ .dtype = i ? DTYPE_I64 : DTYPE_I32, .n_dims = 1,
			.dims = { dim_constant(i < 2 ? op_params_int(&infer->params, "slots") : 1) } };
	return STATUS_OK;
}

/* -- state ------------------------------------------------------------------------------------------------------------- */

static void decode_reset(void *state)
{
	struct decode *decode = state;

	for (int64_t i = 0; i < decode->n_places; i++)
		decode->places[i].request = NONE;
	for (int64_t i = 0; i < decode->n_slots; i++)
		decode->slots[i] = NONE;
	decode->n_waiting = 0;
}

static void decode_teardown(void *state)
{
	struct decode *decode = state;
	decoder_destroy(decode->decoder);
	free(decode->memory);
	free(decode->places);
	free(decode->slots);
	free(decode->waiting);
	free(decode->sequences);
	free(decode);
}

static int allocate(struct decode *decode, struct error *error)
{
	size_t n_slots = (size_t)decode->n_slots, n_places = (size_t)decode->n_places;
	int64_t cache_floats = decoder_cache_floats(decoder_sizes(decode->decoder), decode->capacity);

	decode->memory = calloc(n_places, (size_t)cache_floats * sizeof(float));
	decode->places = calloc(n_places, sizeof(*decode->places));
	decode->slots = calloc(n_slots, sizeof(*decode->slots));
	decode->waiting = calloc(n_places, sizeof(*decode->waiting));
	decode->sequences = calloc(n_slots, sizeof(*decode->sequences));
	if (!decode->memory || !decode->places || !decode->slots || !decode->waiting || !decode->sequences)
		return error_set(error, STATUS_NO_MEMORY, "no memory for the %" PRId64 " caches of %" PRId64 " bytes each",
			decode->n_places, cache_floats * (int64_t)sizeof(float));
	for (int64_t i = 0; i < decode->n_places; i++)
		decode->places[i].cache = decode->memory + i * cache_floats;
	return STATUS_OK;
}

static int decode_setup(const struct op_setup *setup, void **ret_state, struct error *error)
{
	struct decode *decode = calloc(1, sizeof(*decode));

	if (!decode)
		return error_set(error, STATUS_NO_MEMORY, "no memory for the state of decode");
	decode->n_slots = op_params_int(&setup->params, "slots");
	decode->n_places = decode->n_slots + count_waiting(&setup->params);
	decode->capacity = find_capacity(&setup->params, setup->inputs[0].shape[2]);
	decode->max_new = op_params_int(&setup->params, "max_new");
	decode->end_token = op_params_int(&setup->params, "end");
	int status = decoder_create(setup, decode->n_slots, decode->n_slots, decode->capacity, &decode->decoder, error);
	if (!status)
		status = allocate(decode, error);
	if (status) {
		decode_teardown(decode);
		return status;
	}
	decode_reset(decode);
	*ret_state = decode;
	return STATUS_OK;
}

/* -- run --------------------------------------------------------------------------------------------------------------- */

/* Whether nothing may follow the token picked last. */
static bool is_finished(const struct decode *decode, const struct place *place)
{
	return place->n_new >= decode->max_new || place->last == decode->end_token || place->n_cached >= decode->capacity;
}

static void copy_cache(const struct decode *decode, const struct tensor *cache, int64_t length, float *place)
{
	const struct decoder_sizes *sizes = decoder_sizes(decode->decoder);
	const float *from = cache->data;

	for (int64_t part = 0; part < 2 * sizes->layers; part++)
		memcpy(place + part * decode->capacity * sizes->kv, from + part * cache->shape[2] * sizes->kv,
			(size_t)(length * sizes->kv) * sizeof(float));
}

static int check_handover(const struct decode *decode, const struct op_run *run, const int64_t *begun)
{
	if (begun[DECODER_LENGTH] >= 1 && begun[DECODER_LENGTH] <= run->inputs[0].shape[2] && begun[DECODER_FIRST] >= 0
		&& begun[DECODER_FIRST] < decoder_sizes(decode->decoder)->vocabulary)
		return STATUS_OK;
	return error_set(run->error, STATUS_OP, "request %" PRId64 " was handed over with %" PRId64
		" positions and first token %" PRId64 ", which is not what prefill gives", begun[DECODER_REQUEST],
		begun[DECODER_LENGTH], begun[DECODER_FIRST]);
}

/* Puts a sequence that was handed over into a place and at the end of those that wait. Returns false when there is no
 * place. */
static bool take_over(struct decode *decode, const struct tensor *cache, const int64_t *begun)
{
	struct place arrived = { .request = begun[DECODER_REQUEST], .n_cached = begun[DECODER_LENGTH], .n_new = 1,
		.last = (int32_t)begun[DECODER_FIRST] };
	int64_t at = 0;

	if (is_finished(decode, &arrived))
		return true;
	while (at < decode->n_places && decode->places[at].request != NONE)
		at++;
	if (at == decode->n_places)
		return false;
	arrived.cache = decode->places[at].cache;
	copy_cache(decode, cache, arrived.n_cached, arrived.cache);
	decode->places[at] = arrived;
	decode->waiting[decode->n_waiting++] = at;
	return true;
}

static void fill_slots(struct decode *decode)
{
	int64_t n = 0;

	for (int64_t i = 0; i < decode->n_slots && n < decode->n_waiting; i++) {
		if (decode->slots[i] == NONE)
			decode->slots[i] = decode->waiting[n++];
	}
	decode->n_waiting -= n;
	memmove(decode->waiting, decode->waiting + n, (size_t)decode->n_waiting * sizeof(*decode->waiting));
}

/* Computes a token for each sequence in a slot. */
static const float *step(struct decode *decode)
{
	int64_t n = 0;

	for (int64_t i = 0; i < decode->n_slots; i++) {
		if (decode->slots[i] == NONE)
			continue;
		struct place *place = &decode->places[decode->slots[i]];
		decode->sequences[n++] = (struct decoder_sequence){ .tokens = &place->last, .n_rows = 1,
			.position = place->n_cached, .cache = place->cache, .capacity = decode->capacity };
	}
	return n ? decoder_forward(decode->decoder, decode->sequences, n) : NULL;
}

/* Notes a slot's new token; frees slot and place when it is the last. */
static int32_t advance(struct decode *decode, int64_t *slot, const float *logits)
{
	struct place *place = &decode->places[*slot];

	place->n_cached++;
	place->n_new++;
	place->last = decoder_pick(decode->decoder, logits, place->request, place->n_cached);
	int32_t token = place->last;
	if (token < 0 || is_finished(decode, place)) {
		place->request = NONE;
		*slot = NONE;
	}
	return token;
}

static int decode_run(struct op_run *run)
{
	struct decode *decode = run->state;
	const int64_t *begun = run->inputs[1].data;
	int64_t vocabulary = decoder_sizes(decode->decoder)->vocabulary, *requests = run->outputs[1].data;
	int64_t *refused = run->outputs[2].data;
	int32_t *tokens = run->outputs[0].data;
	bool is_new = begun[DECODER_REQUEST] >= 0;
	int status = is_new ? check_handover(decode, run, begun) : STATUS_OK;

	if (status)
		return status;
	*refused = is_new && !take_over(decode, &run->inputs[0], begun) ? begun[DECODER_REQUEST] : NONE;
	fill_slots(decode);
	const float *logits = step(decode);
	for (int64_t i = 0; i < decode->n_slots; i++) {
		tokens[i] = requests[i] = NONE;
		if (decode->slots[i] == NONE)
			continue;
		requests[i] = decode->places[decode->slots[i]].request;
		tokens[i] = advance(decode, &decode->slots[i], logits);
		logits += vocabulary;
		if (tokens[i] < 0)
			status = error_set(run->error, STATUS_OP, "the logits of request %" PRId64
				" are no numbers; it ends here", requests[i]);
	}
	return status;
}

const struct op op_decode = {
	.name = "decode",
	.summary = "keeps the caches of the sequences under way and gives each its next token",
	.n_inputs_min = 2,
	.n_inputs_max = 2,
	.input_names = decode_inputs,
	.output_names = decode_outputs,
	.params = decode_params,
	.infer = decode_infer,
	.setup = decode_setup,
	.reset = decode_reset,
	.run = decode_run,
	.teardown = decode_teardown,
};
