/* SPDX-License-Identifier: Apache-2.0
 *
 * decoder_forward: one pass over the rows of several sequences. Products go over all rows together, attention over each
 * sequence.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/ops/decoder_private.h"

/* -- scratch ----------------------------------------------------------------------------------------------------------- */

int decoder_scratch_init(struct decoder *decoder, int64_t n_rows, int64_t n_sequences, int64_t n_positions,
	struct error *error)
{
	const struct decoder_sizes *sizes = &decoder->sizes;
	struct decoder_scratch *scratch = &decoder->scratch;
	const struct {
		float **place;
		int64_t rows, columns;
	} parts[] = {
		{ &scratch->x, n_rows, sizes->hidden },
		{ &scratch->normed, n_rows, sizes->hidden },
		{ &scratch->q, n_rows, sizes->hidden },
		{ &scratch->mixed, n_rows, sizes->hidden },
		{ &scratch->k, n_rows, sizes->kv },
		{ &scratch->v, n_rows, sizes->kv },
		{ &scratch->gate, n_rows, sizes->inner },
		{ &scratch->up, n_rows, sizes->inner },
		{ &scratch->scores, DECODER_QUERIES_AT_ONCE, n_positions },
		{ &scratch->last, n_sequences, sizes->hidden },
		{ &scratch->logits, n_sequences, sizes->vocabulary },
		{ &scratch->shares, 1, sizes->vocabulary },
	};
	size_t floats = 0;

	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		floats += round_up((size_t)(parts[i].rows * parts[i].columns), 16);
	scratch->memory = aligned_alloc(TENSOR_ALIGN_BYTES, floats * sizeof(float));
	if (!scratch->memory)
		return error_set(error, STATUS_NO_MEMORY, "no memory for the %zu bytes that a pass needs",
			floats * sizeof(float));
	floats = 0;
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		*parts[i].place = scratch->memory + floats;
		floats += round_up((size_t)(parts[i].rows * parts[i].columns), 16);
	}
	return STATUS_OK;
}

/* -- attention --------------------------------------------------------------------------------------------------------- */

static float *keys_of(const struct decoder *decoder, const struct decoder_sequence *sequence, int64_t layer)
{
	return sequence->cache + layer * 2 * sequence->capacity * decoder->sizes.kv;
}

/* Turns queries and keys of a sequence's rows by their positions, and puts keys and values into its cache. */
static void store(const struct decoder *decoder, const struct decoder_sequence *sequence, int64_t layer, int64_t first_row)
{
	const struct decoder_sizes *sizes = &decoder->sizes;
	float *keys = keys_of(decoder, sequence, layer), *values = keys + sequence->capacity * sizes->kv;

	for (int64_t i = 0; i < sequence->n_rows; i++) {
		int64_t position = sequence->position + i;
		const float *angles = decoder->angles + position * sizes->head_size;
		float *q = decoder->scratch.q + (first_row + i) * sizes->hidden;
		decoder->own->rotate(q, q, angles, sizes->heads, sizes->head_size);
		decoder->own->rotate(keys + position * sizes->kv, decoder->scratch.k + (first_row + i) * sizes->kv, angles,
			sizes->kv_heads, sizes->head_size);
	}
	memcpy(values + sequence->position * sizes->kv, decoder->scratch.v + first_row * sizes->kv,
		(size_t)(sequence->n_rows * sizes->kv) * sizeof(float));
}

/* One head of n rows: `q` and `y` are its part of the first row, `position` that row's. */
static void attend_head(const struct decoder *decoder, const float *q, const float *keys, const float *values,
	int64_t position, int64_t n, float *y)
{
	const struct decoder_sizes *sizes = &decoder->sizes;
	float *scores = decoder->scratch.scores, scale = decoder->scale;
	int64_t n_keys = position + n;

	decoder->own->multiply(scores, n_keys, q, sizes->hidden, keys, sizes->kv, n, n_keys, sizes->head_size, false);
	for (int64_t i = 0; i < n; i++) {
		float *row = scores + i * n_keys;
		decoder->kernels->softmax(row, row, scale, NULL, 1, position + i + 1);
		decoder->own->mix(y + i * sizes->hidden, row, values, sizes->kv, position + i + 1, sizes->head_size);
	}
}

static void attend(const struct decoder *decoder, const struct decoder_sequence *sequence, int64_t layer, int64_t first_row)
{
	const struct decoder_sizes *sizes = &decoder->sizes;
	const float *keys = keys_of(decoder, sequence, layer), *values = keys + sequence->capacity * sizes->kv;
	int64_t n_queries_a_key = sizes->heads / sizes->kv_heads;

	for (int64_t i = 0; i < sequence->n_rows; i += DECODER_QUERIES_AT_ONCE) {
		int64_t left = sequence->n_rows - i, n = left < DECODER_QUERIES_AT_ONCE ? left : DECODER_QUERIES_AT_ONCE;
		for (int64_t head = 0; head < sizes->heads; head++) {
			int64_t at = (first_row + i) * sizes->hidden + head * sizes->head_size;
			int64_t kv_at = head / n_queries_a_key * sizes->head_size;
			attend_head(decoder, decoder->scratch.q + at, keys + kv_at, values + kv_at,
				sequence->position + i, n, decoder->scratch.mixed + at);
		}
	}
}

/* -- layers ------------------------------------------------------------------------------------------------------------ */

static void product(const struct decoder *decoder, float *y, const float *x, const float *w, int64_t n_rows, int64_t n,
	int64_t k, bool adds)
{
	decoder->own->multiply(y, n, x, k, w, k, n_rows, n, k, adds);
}

static void run_attention(const struct decoder *decoder, int64_t layer, const struct decoder_sequence *sequences,
	int64_t n_sequences, int64_t n_rows)
{
	const struct decoder_sizes *sizes = &decoder->sizes;
	const struct decoder_scratch *scratch = &decoder->scratch;
	const float *const *tensors = decoder->layers[layer].tensors;
	int64_t hidden = sizes->hidden, row = 0;

	decoder->own->rmsnorm(scratch->normed, scratch->x, tensors[DECODER_INPUT_NORM], decoder->eps, n_rows, hidden);
	product(decoder, scratch->q, scratch->normed, tensors[DECODER_QUERY], n_rows, hidden, hidden, false);
	product(decoder, scratch->k, scratch->normed, tensors[DECODER_KEY], n_rows, sizes->kv, hidden, false);
	product(decoder, scratch->v, scratch->normed, tensors[DECODER_VALUE], n_rows, sizes->kv, hidden, false);
	for (int64_t i = 0; i < n_sequences; i++) {
		store(decoder, &sequences[i], layer, row);
		attend(decoder, &sequences[i], layer, row);
		row += sequences[i].n_rows;
	}
	product(decoder, scratch->x, scratch->mixed, tensors[DECODER_PROJECT], n_rows, hidden, hidden, true);
}

static void run_feed_forward(const struct decoder *decoder, int64_t layer, int64_t n_rows)
{
	const struct decoder_scratch *scratch = &decoder->scratch;
	const float *const *tensors = decoder->layers[layer].tensors;
	int64_t hidden = decoder->sizes.hidden, inner = decoder->sizes.inner;

	decoder->own->rmsnorm(scratch->normed, scratch->x, tensors[DECODER_INNER_NORM], decoder->eps, n_rows, hidden);
	product(decoder, scratch->gate, scratch->normed, tensors[DECODER_GATE], n_rows, inner, hidden, false);
	product(decoder, scratch->up, scratch->normed, tensors[DECODER_UP], n_rows, inner, hidden, false);
	for (int64_t row = 0; row < n_rows; row++) {
		float *gate = scratch->gate + row * inner;
		decoder->own->gate(gate, gate, scratch->up + row * inner, decoder->kernels->exp, inner);
	}
	product(decoder, scratch->x, scratch->gate, tensors[DECODER_DOWN], n_rows, hidden, inner, true);
}

const float *decoder_forward(struct decoder *decoder, const struct decoder_sequence *sequences, int64_t n_sequences)
{
	const struct decoder_scratch *scratch = &decoder->scratch;
	int64_t hidden = decoder->sizes.hidden, n_rows = 0;
	size_t row_bytes = (size_t)hidden * sizeof(float);

	for (int64_t i = 0; i < n_sequences; i++) {
		const int32_t *tokens = sequences[i].tokens;
		for (int64_t k = 0; k < sequences[i].n_rows; k++)
			memcpy(scratch->x + n_rows++ * hidden, decoder->embedding + tokens[k] * hidden, row_bytes);
	}
	for (int64_t layer = 0; layer < decoder->sizes.layers; layer++) {
		run_attention(decoder, layer, sequences, n_sequences, n_rows);
		run_feed_forward(decoder, layer, n_rows);
	}
	n_rows = 0;
	for (int64_t i = 0; i < n_sequences; i++) {
		n_rows += sequences[i].n_rows;
		memcpy(scratch->last + i * hidden, scratch->x + (n_rows - 1) * hidden, row_bytes);
	}
	decoder->own->rmsnorm(scratch->last, scratch->last, decoder->norm, decoder->eps, n_sequences, hidden);
	product(decoder, scratch->logits, scratch->last, decoder->head, n_sequences, decoder->sizes.vocabulary, hidden,
		false);
	return scratch->logits;
}
