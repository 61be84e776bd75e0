/* SPDX-License-Identifier: Apache-2.0
 *
 * Tests of engine/ops/decoder*.c: the ops prefill and decode, one behind the other without an engine, against the plain
 * decoder; what happens to requests when slots, places and positions run out; mistakes.
 */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/attributes.h"
#include "engine/base/safetensors.h"
#include "engine/ops/decoder.h"
#include "engine/ops/ops.h"
#include "tests/support/op_case.h"
#include "tests/support/plain_decoder.h"
#include "tests/support/temp_file.h"

#define PROMPTS_MOST 4
#define LENGTH_MOST 40
#define REQUESTS_MOST 32
#define NEW_MOST 64

/* prefill and decode, and the tokens of each request as they come. */
struct rig {
	struct op_case prefill, decode;
	int32_t ids[PROMPTS_MOST * LENGTH_MOST], lens[PROMPTS_MOST];
	int32_t tokens[REQUESTS_MOST][NEW_MOST];
	int n_tokens[REQUESTS_MOST];
	uint64_t execution;
	struct error error;
};

/* Prompts of different tokens below `vocab`; `lens` NULL: the op has no such input. */
static void rig_start(struct rig *rig, const char *model, const char *prefill, const char *decode, int n_prompts, int length,
	const int32_t *lens, int vocab)
{
	char params[600];
	int64_t ids_shape[2] = { n_prompts, length };
	struct tensor inputs[2] = { tensor_make(DTYPE_I32, 2, ids_shape, rig->ids), tensor_make(DTYPE_I32, 1, ids_shape, rig->lens) };
	memset(rig, 0, sizeof *rig);
	for (int i = 0; i < n_prompts * length; i++)
		rig->ids[i] = (int32_t)((unsigned)(i + 1) * 2654435761u >> 8) % vocab;
	if (lens)
		memcpy(rig->lens, lens, (size_t)n_prompts * sizeof *lens);
	snprintf(params, sizeof params, "%s;%s", model, prefill);
	cr_assert_eq(op_case_start(&rig->prefill, "prefill", params, inputs, lens ? 2 : 1, &rig->error), STATUS_OK, "%s: %s", params,
		rig->error.text);
	snprintf(params, sizeof params, "%s;%s", model, decode);
	cr_assert_eq(op_case_start(&rig->decode, "decode", params, rig->prefill.outputs, 2, &rig->error), STATUS_OK, "%s: %s", params,
		rig->error.text);
}

static void note(struct rig *rig, int64_t request, int32_t token)
{
	cr_assert(request < REQUESTS_MOST && rig->n_tokens[request] < NEW_MOST);
	rig->tokens[request][rig->n_tokens[request]++] = token;
}

/* One execution; like the engine, without decode when prefill fails. */
static int rig_run(struct rig *rig)
{
	int status = op_case_run(&rig->prefill, rig->execution++, &rig->error);
	const int64_t *begun = rig->prefill.outputs[1].data, *requests = rig->decode.outputs[1].data;
	const int32_t *tokens = rig->decode.outputs[0].data;
	if (status)
		return status;
	if (begun[DECODER_REQUEST] >= 0)
		note(rig, begun[DECODER_REQUEST], (int32_t)begun[DECODER_FIRST]);
	status = op_case_run(&rig->decode, rig->execution - 1, &rig->error);
	for (int64_t i = 0; !status && i < rig->decode.outputs[0].shape[0]; i++) {
		cr_expect_eq(tokens[i] < 0, requests[i] < 0, "slot %d: token %d, request %d", (int)i, (int)tokens[i], (int)requests[i]);
		if (requests[i] >= 0)
			note(rig, requests[i], tokens[i]);
	}
	return status;
}

static void rig_run_all(struct rig *rig, const char *name, int n_executions)
{
	for (int i = 0; i < n_executions; i++)
		cr_assert_eq(rig_run(rig), STATUS_OK, "%s: execution %d: %s", name, i, rig->error.text);
}

static void rig_finish(struct rig *rig)
{
	op_case_finish(&rig->decode);
	op_case_finish(&rig->prefill);
}

/* -- the same tokens as plain loops ------------------------------------------------------------------------------------- */

static void model_params(const struct plain_model *model, char *text, size_t size)
{
	snprintf(text, size, "weights=%s;layers=%d;hidden=%d;heads=%d;kv_heads=%d;inner=%d;vocab=%d;tied=%s;eps=%g;theta=%g", model->weights,
		model->layers, model->hidden, model->heads, model->kv_heads, model->inner, model->vocab,
		model->is_tied ? "true" : "false", model->eps, model->theta);
}

#define SMALL { "seeded:3", 2, 48, 4, 2, 100, 97, false, 1e-5, 10000 }

static const struct {
	const char *name;
	struct plain_model model;
	int n_prompts, length;
	int32_t lens[PROMPTS_MOST];
	int every, slots, max_new;
} generations[] = {
	{ "one of everything", { "seeded:1", 1, 4, 1, 1, 1, 5, false, 1e-5, 10000 }, 1, 1, { 1 }, 8, 1, 6 },
	{ "prompts of one token", SMALL, 3, 1, { 1, 1, 1 }, 3, 4, 9 },
	{ "prompts of several lengths", SMALL, 4, 11, { 11, 3, 1, 8 }, 2, 4, 8 },
	{ "sequences that wait for the only slot", SMALL, 2, 6, { 6, 5 }, 4, 1, 5 },
	{ "one slot in long turns", SMALL, 2, 6, { 6, 5 }, 20, 1, 20 },
	{ "every head its own keys", { "seeded:4", 2, 24, 4, 4, 31, 50, false, 1e-6, 500 }, 2, 20, { 20, 19 }, 5, 3, 12 },
	{ "all heads the same keys", { "seeded:5", 3, 40, 4, 1, 64, 64, false, 1e-5, 10000 }, 2, 7, { 7, 2 }, 4, 3, 10 },
	{ "tied", { "seeded:6", 2, 32, 2, 2, 48, 80, true, 1e-5, 10000 }, 2, 5, { 5, 4 }, 4, 3, 10 },
	{ "a prompt longer than a block of queries", SMALL, 1, 40, { 40 }, 9, 2, 17 },
};

/* How many tokens request r must have: what it is entitled to, or less where the run ends first. */
static void expect_tokens(const struct rig *rig, const char *name, const struct plain_model *model, int request, int prompt, int length,
	int row_length, int n_most)
{
	int32_t tokens[LENGTH_MOST + NEW_MOST];
	int n = rig->n_tokens[request];
	memcpy(tokens, rig->ids + prompt * row_length, (size_t)length * sizeof *tokens);
	double margin = plain_decoder_generate(model, tokens, length, n);
	cr_expect_gt(margin, 1e-6, "%s: too near a tie to compare: %g", name, margin);
	cr_expect_leq(n, n_most, "%s: request %d has %d tokens, expected at most %d", name, request, n, n_most);
	for (int i = 0; i < n; i++)
		cr_assert_eq(rig->tokens[request][i], tokens[length + i], "%s: token %d of request %d is %d, expected %d", name, i, request,
			(int)rig->tokens[request][i], (int)tokens[length + i]);
}

Test(ops_decoder, gives_the_tokens_of_the_plain_decoder, .timeout = 60)
{
	static struct rig rig;
	for (size_t i = 0; i < ARRAY_LEN(generations); i++) {
		const char *name = generations[i].name;
		char model[300], prefill[40], decode[60];
		int n_done = 0, n_prompts = generations[i].n_prompts, length = generations[i].length;
		model_params(&generations[i].model, model, sizeof model);
		snprintf(prefill, sizeof prefill, "every=%d;requests=%d", generations[i].every, 2 * n_prompts);
		snprintf(decode, sizeof decode, "slots=%d;max_new=%d;waiting=9", generations[i].slots, generations[i].max_new);
		rig_start(&rig, model, prefill, decode, n_prompts, length, generations[i].lens, generations[i].model.vocab);
		rig_run_all(&rig, name, 2 * n_prompts * (generations[i].every + generations[i].max_new));
		for (int r = 0; r < 2 * n_prompts; r++) {
			expect_tokens(&rig, name, &generations[i].model, r, r % n_prompts, generations[i].lens[r % n_prompts], length,
				generations[i].max_new);
			n_done += rig.n_tokens[r] == generations[i].max_new;
		}
		cr_expect_eq(n_done, 2 * n_prompts, "%s: %d requests finished, expected %d", name, n_done, 2 * n_prompts);
		rig_finish(&rig);
	}
}

/* What the comparison above is worth: the tokens are not all the same. */
Test(ops_decoder, tokens_vary)
{
	static const struct plain_model model = SMALL;
	int32_t tokens[48] = { 1, 2, 3 };
	int n_different = 0;
	plain_decoder_generate(&model, tokens, 3, 45);
	for (int i = 3; i < 48; i++) {
		int k = 3;
		while (tokens[k] != tokens[i])
			k++;
		n_different += k == i;
	}
	cr_expect_gt(n_different, 8, "%d different tokens of 45", n_different);
}

/* -- the same bits at once and one by one ------------------------------------------------------------------------------- */

#define POSITIONS 37

static struct decoder *make_decoder(int rows, int sequences, uint64_t seed, const char *temperature)
{
	static struct op_param items[] = { { "weights", "seeded:3" }, { "heads", "4" }, { "kv_heads", "2" }, { "hidden", "48" }, { "vocab", "97" },
		{ "inner", "300" }, { "temperature", NULL } };
	items[ARRAY_LEN(items) - 1].value = temperature;
	struct op_setup setup = { .params = { &op_prefill, items, ARRAY_LEN(items) }, .node = "n", .seed = seed, .n_threads = 1 };
	struct decoder *decoder = NULL;
	struct error error = { 0 };
	cr_assert_eq(decoder_create(&setup, rows, sequences, POSITIONS, &decoder, &error), STATUS_OK, "%s", error.text);
	return decoder;
}

Test(ops_decoder, rows_have_the_same_bits_at_once_and_one_by_one)
{
	struct decoder *decoder = make_decoder(3 * POSITIONS, 3, 0, "0");
	int64_t floats = decoder_cache_floats(decoder_sizes(decoder), POSITIONS), vocab = decoder_sizes(decoder)->vocabulary;
	int32_t tokens[POSITIONS];
	float *at_once = calloc((size_t)floats, sizeof *at_once), *by_one = calloc((size_t)floats, sizeof *by_one);
	float *company = calloc((size_t)floats, sizeof *company), *logits = calloc((size_t)vocab, sizeof *logits);
	for (int i = 0; i < POSITIONS; i++)
		tokens[i] = i * 31 % (int)vocab;
	struct decoder_sequence whole = { tokens, POSITIONS, 0, at_once, POSITIONS };
	memcpy(logits, decoder_forward(decoder, &whole, 1), (size_t)vocab * sizeof *logits);
	for (int i = 0; i < POSITIONS; i++) {
		struct decoder_sequence steps[3] = { { tokens, i % 5 + 1, 0, company, POSITIONS }, { tokens + i, 1, i, by_one, POSITIONS },
			{ tokens, 2, 0, company, POSITIONS } };
		const float *all = decoder_forward(decoder, steps, 3);
		if (i == POSITIONS - 1)
			cr_expect_arr_eq(all + vocab, logits, (size_t)vocab * sizeof *logits, "logits differ");
	}
	cr_expect_arr_eq(by_one, at_once, (size_t)floats * sizeof *by_one, "caches differ");
	free(at_once);
	free(by_one);
	free(company);
	free(logits);
	decoder_destroy(decoder);
}

/* -- drawing ------------------------------------------------------------------------------------------------------------ */

Test(ops_decoder, draws_in_proportion)
{
	static const double shares[] = { 0.5, 0, 0.25, 0.05, 0.2 };
	struct decoder *decoder = make_decoder(1, 1, 9, "2"), *other = make_decoder(1, 1, 10, "2");
	float logits[97];
	int counts[97] = { 0 }, n_equal = 0, n = 8000;
	for (int i = 0; i < 97; i++)
		logits[i] = (float)(i < 5 && shares[i] > 0 ? 2 * log(shares[i]) + 3 : -1e5);
	for (int i = 0; i < n; i++) {
		int32_t token = decoder_pick(decoder, logits, i / 100, i % 100);
		cr_expect_eq(token, decoder_pick(decoder, logits, i / 100, i % 100));
		n_equal += token == decoder_pick(other, logits, i / 100, i % 100);
		counts[token]++;
	}
	for (int i = 0; i < 5; i++)
		cr_expect_float_eq((double)counts[i] / n, shares[i], 0.02, "token %d: %d of %d", i, counts[i], n);
	cr_expect_lt(n_equal, n / 2, "another seed draws the same %d of %d times", n_equal, n);
	logits[96] = NAN;
	cr_expect_eq(decoder_pick(decoder, logits, 0, 0), -1);
	decoder_destroy(decoder);
	decoder_destroy(other);
}

Test(ops_decoder, the_likeliest_is_the_lowest_of_equals)
{
	struct decoder *decoder = make_decoder(1, 1, 9, "0");
	float logits[97] = { [5] = 2, [7] = 3, [90] = 3 };
	cr_expect_eq(decoder_pick(decoder, logits, 0, 0), 7);
	logits[0] = INFINITY;
	cr_expect_eq(decoder_pick(decoder, logits, 0, 0), -1);
	decoder_destroy(decoder);
}

#define MODEL "weights=seeded:3;heads=4;hidden=48;vocab=97"

/* What a request draws depends on the seed and its number, not on who is beside it. */
Test(ops_decoder, drawn_tokens_do_not_depend_on_company)
{
	static struct rig beside, alone;
	rig_start(&beside, MODEL ";temperature=1", "every=3;requests=4", "slots=4;max_new=12", 2, 5, NULL, 97);
	rig_start(&alone, MODEL ";temperature=1", "every=20;requests=4", "slots=1;max_new=12", 2, 5, NULL, 97);
	rig_run_all(&beside, "beside", 40);
	rig_run_all(&alone, "alone", 80);
	cr_expect_arr_eq(beside.tokens, alone.tokens, sizeof alone.tokens);
	cr_expect_arr_eq(beside.n_tokens, alone.n_tokens, sizeof alone.n_tokens);
	cr_expect_neq(memcmp(beside.tokens[0], beside.tokens[2], 12 * sizeof(int32_t)), 0, "two draws from one prompt are the same");
	rig_finish(&beside);
	rig_finish(&alone);
}

/* -- ends --------------------------------------------------------------------------------------------------------------- */

static const struct {
	const char *name, *decode;
	int n_tokens; /* of the first request; of a prompt of 5 tokens */
} ends[] = {
	{ "max_new", "max_new=7", 7 },
	{ "the first token is all", "max_new=1", 1 },
	{ "two tokens", "max_new=2", 2 },
	{ "the cache is full", "max_new=50;length=9", 5 },
	{ "the cache has room for the prompt only", "max_new=50;length=5", 1 },
	{ "the cache is just large enough", "max_new=7;length=11", 7 },
};

Test(ops_decoder, sequences_end)
{
	static struct rig rig;
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		rig_start(&rig, MODEL, "requests=1", ends[i].decode, 1, 5, NULL, 97);
		rig_run_all(&rig, ends[i].name, 20);
		cr_expect_eq(rig.n_tokens[0], ends[i].n_tokens, "%s: %d tokens, expected %d", ends[i].name, rig.n_tokens[0], ends[i].n_tokens);
		rig_finish(&rig);
	}
}

/* Each token of a sequence in turn as end token: it is the last that comes. */
Test(ops_decoder, the_end_token_is_the_last)
{
	static struct rig free_run, rig;
	rig_start(&free_run, MODEL, "requests=1", "max_new=9", 1, 5, NULL, 97);
	rig_run_all(&free_run, "free", 10);
	for (int i = 0; i < 9; i++) {
		char decode[40];
		int first = 0;
		while (free_run.tokens[0][first] != free_run.tokens[0][i])
			first++;
		snprintf(decode, sizeof decode, "max_new=9;end=%d", (int)free_run.tokens[0][i]);
		rig_start(&rig, MODEL, "requests=1", decode, 1, 5, NULL, 97);
		rig_run_all(&rig, decode, 10);
		cr_expect_eq(rig.n_tokens[0], first + 1, "%s: %d tokens, expected %d", decode, rig.n_tokens[0], first + 1);
		rig_finish(&rig);
	}
	rig_finish(&free_run);
}

/* -- room --------------------------------------------------------------------------------------------------------------- */

/* Two slots and a place to wait in, a request in every execution: the fourth finds no room. Nobody loses a token. */
Test(ops_decoder, who_finds_no_room_is_refused)
{
	static struct rig rig;
	static const int n_tokens[] = { 5, 5, 5, 1, 5 }; /* the fourth has the token that prefill gave */
	rig_start(&rig, MODEL, "requests=5", "slots=2;waiting=1;max_new=5", 1, 3, NULL, 97);
	for (int i = 0; i < 20; i++) {
		cr_assert_eq(rig_run(&rig), STATUS_OK, "execution %d: %s", i, rig.error.text);
		int64_t refused = *(int64_t *)rig.decode.outputs[2].data;
		cr_expect_eq(refused, i == 3 ? 3 : -1, "execution %d: request %d was refused", i, (int)refused);
	}
	for (int r = 0; r < 5; r++) {
		cr_expect_eq(rig.n_tokens[r], n_tokens[r], "request %d: %d tokens, expected %d", r, rig.n_tokens[r], n_tokens[r]);
		cr_expect_arr_eq(rig.tokens[r], rig.tokens[0], (size_t)n_tokens[r] * sizeof(int32_t), "request %d: other tokens", r);
	}
	rig_finish(&rig);
}

Test(ops_decoder, reset_begins_anew)
{
	static struct rig rig, other;
	rig_start(&rig, MODEL, "every=2", "slots=1;waiting=3;max_new=5", 3, 3, NULL, 97);
	rig_start(&other, MODEL, "every=2", "slots=1;waiting=3;max_new=5", 3, 3, NULL, 97);
	rig_run_all(&rig, "before", 7);
	rig.prefill.op->reset(rig.prefill.state);
	rig.decode.op->reset(rig.decode.state);
	memset(rig.tokens, 0, sizeof rig.tokens);
	memset(rig.n_tokens, 0, sizeof rig.n_tokens);
	rig_run_all(&rig, "after", 10);
	rig_run_all(&other, "other", 10);
	cr_expect_arr_eq(rig.n_tokens, other.n_tokens, sizeof rig.n_tokens);
	cr_expect_arr_eq(rig.tokens, other.tokens, sizeof rig.tokens);
	rig_finish(&rig);
	rig_finish(&other);
}

/* -- requests ----------------------------------------------------------------------------------------------------------- */

/* Rows without tokens are passed over; nothing is begun where there are none; and the cache is then left as it was. */
Test(ops_decoder, rows_without_tokens_are_no_requests)
{
	static struct rig rig;
	static const int32_t lens[] = { 0, 2, 0, 3 };
	static const int64_t lengths[] = { 2, 3, 2, 3 };
	const int64_t *begun;
	rig_start(&rig, MODEL, "", "slots=4;max_new=4", 4, 3, lens, 97);
	for (int i = 0; i < 4; i++) {
		cr_assert_eq(rig_run(&rig), STATUS_OK, "%s", rig.error.text);
		begun = rig.prefill.outputs[1].data;
		cr_expect(begun[DECODER_REQUEST] == i && begun[DECODER_LENGTH] == lengths[i], "execution %d: request %d of %d tokens", i,
			(int)begun[DECODER_REQUEST], (int)begun[DECODER_LENGTH]);
	}
	memset(rig.lens, 0, sizeof rig.lens);
	memset(rig.prefill.outputs[0].data, 0x5a, tensor_bytes(&rig.prefill.outputs[0]));
	cr_assert_eq(rig_run(&rig), STATUS_OK, "%s", rig.error.text);
	begun = rig.prefill.outputs[1].data;
	cr_expect(begun[0] == -1 && begun[1] == 0 && begun[2] == -1, "%d %d %d", (int)begun[0], (int)begun[1], (int)begun[2]);
	for (size_t i = 0; i < tensor_bytes(&rig.prefill.outputs[0]); i++)
		cr_assert_eq(((uint8_t *)rig.prefill.outputs[0].data)[i], 0x5a, "byte %d of the cache was written", (int)i);
	rig_finish(&rig);
}

static const struct {
	const char *name;
	int32_t lens[2], id; /* `id`: the first row's second token */
	const char *error;
} bad_prompts[] = {
	{ "too long", { 4, 2 }, 1, "lens[0] is 4, but a prompt has 0 to 3 tokens here" },
	{ "less than nothing", { -1, 2 }, 1, "lens[0] is -1, but" },
	{ "outside the vocabulary", { 3, 2 }, 97, "ids[0,1] is 97, outside the vocabulary of 97" },
	{ "negative", { 3, 2 }, -5, "ids[0,1] is -5, outside" },
};

/* Only the execution of a wrong prompt fails; the next row becomes the request. */
Test(ops_decoder, wrong_prompts)
{
	static struct rig rig;
	for (size_t i = 0; i < ARRAY_LEN(bad_prompts); i++) {
		rig_start(&rig, MODEL, "", "max_new=4", 2, 3, bad_prompts[i].lens, 97);
		rig.ids[1] = bad_prompts[i].id;
		int status = rig_run(&rig);
		cr_expect(status == STATUS_OP && strstr(rig.error.text, bad_prompts[i].error), "%s: %d '%s', expected '%s'", bad_prompts[i].name,
			status, rig.error.text, bad_prompts[i].error);
		cr_expect_eq(rig_run(&rig), STATUS_OK, "%s: %s", bad_prompts[i].name, rig.error.text);
		const int64_t *begun = rig.prefill.outputs[1].data;
		cr_expect(begun[DECODER_REQUEST] == 0 && begun[DECODER_LENGTH] == 2, "%s: request %d of %d tokens", bad_prompts[i].name,
			(int)begun[DECODER_REQUEST], (int)begun[DECODER_LENGTH]);
		rig_finish(&rig);
	}
}

Test(ops_decoder, a_hand_over_that_makes_no_sense_is_an_error)
{
	static struct rig rig;
	static const int64_t begun[][3] = { { 0, 0, 1 }, { 0, 4, 1 }, { 0, 2, 97 }, { 0, 2, -1 } };
	rig_start(&rig, MODEL, "", "max_new=4", 1, 3, NULL, 97);
	for (size_t i = 0; i < ARRAY_LEN(begun); i++) {
		memcpy(rig.prefill.outputs[1].data, begun[i], sizeof begun[i]);
		int status = op_case_run(&rig.decode, 0, &rig.error);
		cr_expect(status == STATUS_OP && strstr(rig.error.text, "which is not what prefill gives"), "%d: %d '%s'", (int)i, status,
			rig.error.text);
	}
	rig_finish(&rig);
}

/* -- weights from a file ------------------------------------------------------------------------------------------------ */

struct tensor_list {
	struct weights *weights;
	struct named_tensor items[64];
	size_t n;
	char names[64][80];
};

/* A tensor of the seeded model under the name that a Hugging Face file gives it. */
static void add(struct tensor_list *list, const char *prefix, const char *name, int rows, int columns)
{
	int64_t shape[2] = { rows, columns };
	struct error error = { 0 };
	struct named_tensor *item = &list->items[list->n];
	int n_dims = rows == 1 ? 1 : 2;
	snprintf(list->names[list->n], sizeof list->names[0], "%s%s", prefix, name);
	item->name = list->names[list->n++];
	cr_assert_eq(weights_get(list->weights, name, n_dims, shape + 2 - n_dims, &item->tensor, &error), STATUS_OK, "%s", error.text);
}

static void write_model(const char *file, const struct plain_model *model, bool has_head)
{
	static struct tensor_list list;
	struct error error = { 0 };
	int hidden = model->hidden, kv = model->kv_heads * hidden / model->heads, inner = model->inner;
	const struct {
		const char *name;
		int rows, columns;
	} parts[] = {
		{ "input_layernorm", 1, hidden }, { "self_attn.q_proj", hidden, hidden }, { "self_attn.k_proj", kv, hidden },
		{ "self_attn.v_proj", kv, hidden }, { "self_attn.o_proj", hidden, hidden }, { "post_attention_layernorm", 1, hidden },
		{ "mlp.gate_proj", inner, hidden }, { "mlp.up_proj", inner, hidden }, { "mlp.down_proj", hidden, inner },
	};
	list.n = 0;
	cr_assert_eq(weights_open(model->weights, &list.weights, &error), STATUS_OK, "%s", error.text);
	add(&list, "model.", "embed_tokens.weight", model->vocab, hidden);
	add(&list, "model.", "norm.weight", 1, hidden);
	if (has_head)
		add(&list, "", "lm_head.weight", model->vocab, hidden);
	for (int layer = 0; layer < model->layers; layer++) {
		for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
			char name[80];
			snprintf(name, sizeof name, "layers.%d.%s.weight", layer, parts[i].name);
			add(&list, "model.", name, parts[i].rows, parts[i].columns);
		}
	}
	struct tensor_set set = { .items = list.items, .n_items = list.n };
	cr_assert_eq(safetensors_write(file, &set, &error), STATUS_OK, "%s", error.text);
	weights_close(list.weights);
}

/* Nothing is given but the heads; without lm_head the head is the embedding. */
Test(ops_decoder, a_file_says_the_sizes)
{
	static struct rig rig;
	for (int has_head = 0; has_head < 2; has_head++) {
		struct plain_model model = SMALL;
		struct temp_file file;
		char params[200];
		model.is_tied = !has_head;
		temp_file_init(&file, "model.safetensors");
		write_model(file.path, &model, has_head);
		snprintf(params, sizeof params, "weights=%s;heads=4", file.path);
		rig_start(&rig, params, "every=4;requests=2", "max_new=10", 2, 7, NULL, model.vocab);
		rig_run_all(&rig, "file", 20);
		for (int r = 0; r < 2; r++)
			expect_tokens(&rig, has_head ? "file" : "file without lm_head", &model, r, r, 7, 7, 10);
		cr_expect_eq(rig.n_tokens[1], 10);
		rig_finish(&rig);
		temp_file_finish(&file);
	}
}

static const struct {
	const char *name, *params, *error;
} file_mistakes[] = {
	{ "hidden", "hidden=40", "tensor embed_tokens.weight is f32[97,48], expected f32[?,40]" },
	{ "layers", "layers=3", "has no tensor layers.2.input_layernorm.weight" },
	{ "heads", "heads=5", "heads=5 does not cut the hidden size of 48 into even parts" },
	{ "kv_heads", "kv_heads=4", "tensor layers.0.self_attn.k_proj.weight is f32[24,48], expected f32[48,48]" },
};

Test(ops_decoder, what_does_not_fit_the_file)
{
	struct plain_model model = SMALL;
	struct temp_file file;
	temp_file_init(&file, "model.safetensors");
	write_model(file.path, &model, true);
	for (size_t i = 0; i < ARRAY_LEN(file_mistakes); i++) {
		char params[200];
		snprintf(params, sizeof params, "weights=%s;%s%s", file.path, strstr(file_mistakes[i].params, "heads=5") ? "" : "heads=4;",
			file_mistakes[i].params);
		struct op_case_infer_row row = { file_mistakes[i].name, "prefill", params, "i32[B,L]", NULL, file_mistakes[i].error };
		op_case_check_infer(&row);
	}
	temp_file_finish(&file);
}

/* -- types -------------------------------------------------------------------------------------------------------------- */

#define SEEDED "weights=seeded:1;heads=4;"
#define HANDED "f32[2,2,L,128] i64[3]"

static const struct op_case_infer_row types[] = {
	{ "prefill", "prefill", SEEDED, "i32[R,L] i32[R]", "f32[2,2,L,128] i64[3]", NULL },
	{ "prefill of prompts as long as the row", "prefill", SEEDED "kv_heads=2;layers=3", "i32[8,7]", "f32[3,2,7,64] i64[3]", NULL },
	{ "ids", "prefill", SEEDED, "i64[R,L]", NULL, "input ids is i64[R,L], expected i32" },
	{ "ids of one dimension", "prefill", SEEDED, "i32[L]", NULL, "expected 2 dimensions" },
	{ "lens of another number", "prefill", SEEDED, "i32[R,L] i32[L]", NULL, "input lens is i32[L]" },
	{ "lens", "prefill", SEEDED, "i32[R,L] f32[R]", NULL, "input lens is f32[R], expected i32" },
	{ "every", "prefill", SEEDED "every=0", "i32[R,L]", NULL, "every=0 is less than 1 execution" },
	{ "requests", "prefill", SEEDED "requests=-1", "i32[R,L]", NULL, "requests=-1 is below 0" },
	{ "heads", "prefill", "weights=seeded:1;heads=0", "i32[R,L]", NULL, "heads=0 is not between 1 and" },
	{ "heads that do not divide", "prefill", "weights=seeded:1;heads=3", "i32[R,L]", NULL, "heads=3 does not cut the hidden size of 128" },
	{ "odd heads", "prefill", "weights=seeded:1;heads=128", "i32[R,L]", NULL, "heads=128 does not cut the hidden size of 128 into even" },
	{ "kv_heads", "prefill", SEEDED "kv_heads=3", "i32[R,L]", NULL, "kv_heads=3 does not divide heads=4" },
	{ "layers", "prefill", SEEDED "layers=-2", "i32[R,L]", NULL, "layers=-2 is not between 0 and 1000" },
	{ "temperature", "prefill", SEEDED "temperature=-1", "i32[R,L]", NULL, "temperature=-1 is below 0" },
	{ "theta", "prefill", SEEDED "theta=0", "i32[R,L]", NULL, "theta=0 is not above 0" },
	{ "eps", "prefill", SEEDED "eps=-1", "i32[R,L]", NULL, "eps=-1 is below 0" },
	{ "decode", "decode", SEEDED "slots=3", HANDED, "i32[3] i64[3] i64[1]", NULL },
	{ "another model's layers", "decode", SEEDED "layers=3", HANDED, NULL,
		"input cache is f32[2,2,L,128], expected f32[3,2,length,128], the cache of this node's model" },
	{ "another model's heads", "decode", SEEDED "kv_heads=1", HANDED, NULL, "expected f32[2,2,length,32]" },
	{ "cache", "decode", SEEDED, "f32[L,128] i64[3]", NULL, "input cache is f32[L,128], expected f32[2,2,length,128]" },
	{ "begun", "decode", SEEDED, "f32[2,2,L,128] i64[2]", NULL, "input begun is i64[2], expected i64[3], as prefill gives it" },
	{ "begun's dtype", "decode", SEEDED, "f32[2,2,L,128] i32[3]", NULL, "input begun is i32[3], expected i64" },
	{ "slots", "decode", SEEDED "slots=0", HANDED, NULL, "slots=0 is not between 1 and 4096" },
	{ "waiting", "decode", SEEDED "waiting=-2", HANDED, NULL, "waiting=-2 is not between -1 and 4096" },
	{ "max_new", "decode", SEEDED "max_new=0", HANDED, NULL, "max_new=0 is not between 1 and" },
	{ "length", "decode", SEEDED "length=500", HANDED, NULL, "length=500 is less than the prompts of up to 512 tokens" },
};

Test(ops_decoder, types)
{
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		op_case_check_infer(&types[i]);
}
