/* SPDX-License-Identifier: Apache-2.0
 *
 * plain_decoder: the decoder of engine/ops/decoder.h once more, in plain loops and double precision: the whole sequence
 * is computed anew for each token, without a cache. What the ops are compared with.
 */
#ifndef TANDEM_TESTS_SUPPORT_PLAIN_DECODER_H
#define TANDEM_TESTS_SUPPORT_PLAIN_DECODER_H

#include <stdbool.h>
#include <stdint.h>

struct plain_model {
	const char *weights; /* as the parameter of that name */
	int layers, hidden, heads, kv_heads, inner, vocab;
	bool is_tied;
	double eps, theta;
};

/* The logits [vocab] of the last of n tokens. Aborts the test when the weights cannot be had. */
void plain_decoder_logits(const struct plain_model *model, const int32_t *tokens, int n, double *logits);

/* Writes the n_new likeliest tokens behind the prompt of n tokens. Returns the least distance, over all new tokens,
 * from the largest logit to the second largest: how far from a tie the choice was. */
double plain_decoder_generate(const struct plain_model *model, int32_t *tokens, int n, int n_new);

#endif
