/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz_mutate: small damage to an input, the same for the same seed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"

#define CHANGES_MAX 6
#define PIECE_BYTES_MAX 64

uint64_t fuzz_next(struct fuzz_random *random)
{
	uint64_t z = random->state += 0x9e3779b97f4a7c15;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

size_t fuzz_pick(struct fuzz_random *random, size_t n)
{
	return n ? (size_t)(fuzz_next(random) % n) : 0;
}

/* What a change works on. */
struct change {
	const struct fuzz_target *target;
	const struct fuzz_corpus *corpus;
	struct fuzz_random *random;
	uint8_t *bytes;
	size_t n, capacity;
};

static const uint64_t numbers[] = { 0, 1, 2, 3, 7, 8, 63, 64, 127, 128, 255, 256, 4095, 4096, 32767, 32768, 65535, 65536, INT32_MAX,
	UINT64_C(1) << 31, UINT32_MAX, UINT64_C(1) << 32, UINT64_C(1) << 40, UINT64_C(1) << 47, INT64_MAX, UINT64_C(1) << 63,
	UINT64_MAX - 1, UINT64_MAX };

/* Replaces `n_out` bytes at `at` by `n_in` others; what does not fit is left out. */
static void replace(struct change *change, size_t at, size_t n_out, const uint8_t *in, size_t n_in)
{
	size_t room = change->capacity - (change->n - n_out);
	n_in = n_in < room ? n_in : room;
	memmove(change->bytes + at + n_in, change->bytes + at + n_out, change->n - at - n_out);
	if (n_in)
		memcpy(change->bytes + at, in, n_in);
	change->n += n_in - n_out;
}

static size_t pick_length(struct change *change, size_t at)
{
	size_t most = change->n - at < PIECE_BYTES_MAX ? change->n - at : PIECE_BYTES_MAX;
	return fuzz_pick(change->random, 8) ? fuzz_pick(change->random, most + 1) : fuzz_pick(change->random, change->n - at + 1);
}

static void flip_bit(struct change *change)
{
	if (change->n)
		change->bytes[fuzz_pick(change->random, change->n)] ^= (uint8_t)(1u << fuzz_pick(change->random, 8));
}

static void set_byte(struct change *change)
{
	if (change->n)
		change->bytes[fuzz_pick(change->random, change->n)] = (uint8_t)fuzz_next(change->random);
}

/* A number of 1, 2, 4 or 8 bytes, mostly where one would be aligned. */
static void set_number(struct change *change)
{
	size_t size = (size_t)1 << fuzz_pick(change->random, 4);
	if (change->n < size)
		return;
	size_t at = fuzz_pick(change->random, change->n - size + 1);
	if (fuzz_pick(change->random, 4))
		at -= at % size;
	uint64_t number;
	memcpy(&number, change->bytes + at, size);
	if (fuzz_pick(change->random, 3) == 0)
		number += fuzz_next(change->random) % 33 - 16;
	else
		number = numbers[fuzz_pick(change->random, ARRAY_LEN(numbers))];
	memcpy(change->bytes + at, &number, size);
}

static void set_digits(struct change *change)
{
	char text[24];
	size_t at = fuzz_pick(change->random, change->n + 1), n_digits = 0;
	while (at < change->n && (change->bytes[at] < '0' || change->bytes[at] > '9'))
		at++;
	while (at + n_digits < change->n && change->bytes[at + n_digits] >= '0' && change->bytes[at + n_digits] <= '9')
		n_digits++;
	if (!n_digits)
		return;
	int length = snprintf(text, sizeof text, "%lld", (long long)numbers[fuzz_pick(change->random, ARRAY_LEN(numbers))]);
	replace(change, at, n_digits, (const uint8_t *)text, (size_t)length);
}

static void add_token(struct change *change)
{
	const char *const *tokens = change->target->tokens;
	size_t n_tokens = 0, at = fuzz_pick(change->random, change->n + 1);
	while (tokens && tokens[n_tokens])
		n_tokens++;
	if (!n_tokens)
		return;
	const char *token = tokens[fuzz_pick(change->random, n_tokens)];
	size_t n_out = fuzz_pick(change->random, 2) ? 0 : pick_length(change, at);
	replace(change, at, n_out, (const uint8_t *)token, strlen(token));
}

static void cut_out(struct change *change)
{
	size_t at = fuzz_pick(change->random, change->n + 1);
	replace(change, at, pick_length(change, at), NULL, 0);
}

static void cut_off(struct change *change)
{
	change->n = fuzz_pick(change->random, change->n + 1);
}

static void insert(struct change *change)
{
	uint8_t piece[PIECE_BYTES_MAX];
	size_t n = 1 + fuzz_pick(change->random, sizeof piece);
	uint8_t fill = (uint8_t)fuzz_next(change->random);
	bool is_even = fuzz_pick(change->random, 2);
	for (size_t i = 0; i < n; i++)
		piece[i] = is_even ? fill : (uint8_t)fuzz_next(change->random);
	replace(change, fuzz_pick(change->random, change->n + 1), 0, piece, n);
}

static void repeat(struct change *change)
{
	size_t at = fuzz_pick(change->random, change->n + 1), n = pick_length(change, at);
	uint8_t *piece = malloc(n + 1);
	if (!piece)
		return;
	memcpy(piece, change->bytes + at, n);
	replace(change, fuzz_pick(change->random, change->n + 1), 0, piece, n);
	free(piece);
}

static void borrow(struct change *change)
{
	if (!change->corpus || !change->corpus->n_items)
		return;
	const struct fuzz_input *other = &change->corpus->items[fuzz_pick(change->random, change->corpus->n_items)];
	size_t from = fuzz_pick(change->random, other->n + 1), n = fuzz_pick(change->random, other->n - from + 1);
	size_t at = fuzz_pick(change->random, change->n + 1);
	if (fuzz_pick(change->random, 2)) /* a piece of it; else its rest in place of ours */
		replace(change, at, pick_length(change, at), other->bytes + from, n);
	else
		replace(change, at, change->n - at, other->bytes + from, other->n - from);
}

static void (*const changes[])(struct change *change) = { flip_bit, set_byte, set_number, set_number, set_digits, add_token, add_token,
	cut_out, cut_off, insert, repeat, borrow };

size_t fuzz_mutate(const struct fuzz_target *target, const struct fuzz_corpus *corpus, uint8_t *bytes, size_t n,
	struct fuzz_random *random)
{
	struct change change = { target, corpus, random, bytes, n, target->bytes_max };
	for (size_t i = 1 + fuzz_pick(random, CHANGES_MAX); i > 0; i--)
		changes[fuzz_pick(random, ARRAY_LEN(changes))](&change);
	if (target->repair && fuzz_pick(random, 4))
		change.n = target->repair(bytes, change.n, change.capacity);
	return change.n;
}
