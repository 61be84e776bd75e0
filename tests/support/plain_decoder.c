/* SPDX-License-Identifier: Apache-2.0
 *
 * plain_decoder: as the definition reads, one token, one head, one element after the other.
 */
#include "tests/support/plain_decoder.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/ops/weights.h"

static const float *get(struct weights *weights, int layer, const char *part, int rows, int columns)
{
	int64_t shape[2] = { rows, columns };
	struct tensor tensor;
	struct error error = { 0 };
	char name[100];
	if (layer < 0)
		snprintf(name, sizeof name, "%s", part);
	else
		snprintf(name, sizeof name, "layers.%d.%s", layer, part);
	int status = rows == 1 ? weights_get(weights, name, 1, shape + 1, &tensor, &error) : weights_get(weights, name, 2, shape, &tensor, &error);
	cr_assert_eq(status, STATUS_OK, "%s", error.text);
	return tensor.data;
}

/* y[rows] = W[rows, columns] x, or added to y. */
static void multiply(double *y, const float *w, const double *x, int rows, int columns, bool adds)
{
	for (int i = 0; i < rows; i++) {
		double sum = 0;
		for (int k = 0; k < columns; k++)
			sum += (double)w[(long)i * columns + k] * x[k];
		y[i] = adds ? y[i] + sum : sum;
	}
}

static void norm(double *y, const double *x, const float *weight, double eps, int n)
{
	double squares = 0;
	for (int i = 0; i < n; i++)
		squares += x[i] * x[i];
	for (int i = 0; i < n; i++)
		y[i] = x[i] / sqrt(squares / n + eps) * weight[i];
}

static void rotate(double *x, int position, double theta, int n_heads, int size)
{
	for (int head = 0; head < n_heads; head++, x += size) {
		for (int i = 0; i < size / 2; i++) {
			double angle = position * pow(theta, -2.0 * i / size), a = x[i], b = x[i + size / 2];
			x[i] = a * cos(angle) - b * sin(angle);
			x[i + size / 2] = b * cos(angle) + a * sin(angle);
		}
	}
}

/* One head of one token over keys and values of the tokens up to it, rows of `stride` elements. */
static void attend(double *y, const double *q, const double *keys, const double *values, int n_keys, int stride, int size)
{
	double *scores = calloc((size_t)n_keys, sizeof *scores), top = -INFINITY, total = 0;
	for (int j = 0; j < n_keys; j++) {
		for (int i = 0; i < size; i++)
			scores[j] += q[i] * keys[j * stride + i] / sqrt(size);
		top = fmax(top, scores[j]);
	}
	for (int j = 0; j < n_keys; j++)
		total += scores[j] = exp(scores[j] - top);
	for (int i = 0; i < size; i++) {
		y[i] = 0;
		for (int j = 0; j < n_keys; j++)
			y[i] += scores[j] / total * values[j * stride + i];
	}
	free(scores);
}

struct layer {
	const float *input_norm, *query, *key, *value, *project, *inner_norm, *gate, *up, *down;
};

static struct layer get_layer(const struct plain_model *model, struct weights *weights, int layer)
{
	int hidden = model->hidden, kv = model->kv_heads * (hidden / model->heads), inner = model->inner;
	return (struct layer){
		.input_norm = get(weights, layer, "input_layernorm.weight", 1, hidden),
		.query = get(weights, layer, "self_attn.q_proj.weight", hidden, hidden),
		.key = get(weights, layer, "self_attn.k_proj.weight", kv, hidden),
		.value = get(weights, layer, "self_attn.v_proj.weight", kv, hidden),
		.project = get(weights, layer, "self_attn.o_proj.weight", hidden, hidden),
		.inner_norm = get(weights, layer, "post_attention_layernorm.weight", 1, hidden),
		.gate = get(weights, layer, "mlp.gate_proj.weight", inner, hidden),
		.up = get(weights, layer, "mlp.up_proj.weight", inner, hidden),
		.down = get(weights, layer, "mlp.down_proj.weight", hidden, inner),
	};
}

/* x[n, hidden] through one layer; `scratch` has room for 2 n kv + 3 hidden + 2 inner. */
static void run_layer(const struct plain_model *model, const struct layer *layer, double *x, int n, double *scratch)
{
	int hidden = model->hidden, size = hidden / model->heads, kv = model->kv_heads * size, inner = model->inner;
	double *keys = scratch, *values = keys + n * kv, *h = values + n * kv, *q = h + hidden, *mixed = q + hidden;
	double *gate = mixed + hidden, *up = gate + inner;
	for (int t = 0; t < n; t++, x += hidden) {
		norm(h, x, layer->input_norm, model->eps, hidden);
		multiply(q, layer->query, h, hidden, hidden, false);
		multiply(keys + t * kv, layer->key, h, kv, hidden, false);
		multiply(values + t * kv, layer->value, h, kv, hidden, false);
		rotate(q, t, model->theta, model->heads, size);
		rotate(keys + t * kv, t, model->theta, model->kv_heads, size);
		for (int head = 0; head < model->heads; head++) {
			int shared = head / (model->heads / model->kv_heads) * size;
			attend(mixed + head * size, q + head * size, keys + shared, values + shared, t + 1, kv, size);
		}
		multiply(x, layer->project, mixed, hidden, hidden, true);
		norm(h, x, layer->inner_norm, model->eps, hidden);
		multiply(gate, layer->gate, h, inner, hidden, false);
		multiply(up, layer->up, h, inner, hidden, false);
		for (int i = 0; i < inner; i++)
			gate[i] = gate[i] / (1 + exp(-gate[i])) * up[i];
		multiply(x, layer->down, gate, hidden, inner, true);
	}
}

void plain_decoder_logits(const struct plain_model *model, const int32_t *tokens, int n, double *logits)
{
	int hidden = model->hidden;
	struct weights *weights;
	struct error error = { 0 };
	cr_assert_eq(weights_open(model->weights, &weights, &error), STATUS_OK, "%s", error.text);
	const float *words = get(weights, -1, "embed_tokens.weight", model->vocab, hidden);
	double *x = calloc((size_t)(n * hidden), sizeof *x);
	double *scratch = calloc((size_t)(2 * n * hidden + 3 * hidden + 2 * model->inner), sizeof *scratch);
	for (int i = 0; i < n * hidden; i++)
		x[i] = words[tokens[i / hidden] * hidden + i % hidden];
	for (int i = 0; i < model->layers; i++) {
		struct layer layer = get_layer(model, weights, i);
		run_layer(model, &layer, x, n, scratch);
	}
	norm(scratch, x + (n - 1) * hidden, get(weights, -1, "norm.weight", 1, hidden), model->eps, hidden);
	multiply(logits, model->is_tied ? words : get(weights, -1, "lm_head.weight", model->vocab, hidden), scratch, model->vocab, hidden, false);
	free(scratch);
	free(x);
	weights_close(weights);
}

double plain_decoder_generate(const struct plain_model *model, int32_t *tokens, int n, int n_new)
{
	double *logits = calloc((size_t)model->vocab, sizeof *logits), least = INFINITY;
	for (int i = n; i < n + n_new; i++) {
		double second = -INFINITY;
		int best = 0;
		plain_decoder_logits(model, tokens, i, logits);
		for (int k = 1; k < model->vocab; k++)
			best = logits[k] > logits[best] ? k : best;
		for (int k = 0; k < model->vocab; k++)
			second = k != best ? fmax(second, logits[k]) : second;
		least = fmin(least, logits[best] - second);
		tokens[i] = best;
	}
	free(logits);
	return least;
}
