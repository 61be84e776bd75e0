/* SPDX-License-Identifier: Apache-2.0
 *
 * lod_leaf: rows as differences from the row before, what they have in common once.
 */
#include "traces/lod_leaf.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/attributes.h"

#define LEAF_NS_MAX (INT64_C(1) << 58) /* of anything that makes sense */

enum leaf_flag {
	LEAF_HAS_ROW = 1,
	LEAF_HAS_START = 2,
	LEAF_HAS_EXECUTION = 4,
	LEAF_FLAG_BITS = 3,
};

enum leaf_form_flag {
	FORM_IS_OP = 1,
	FORM_HAS_NAMES = 2,
	FORM_HAS_BYTES = 4,
	FORM_HAS_DURATION = 8,
	FORM_FLAG_BITS = 4,
};

/* Differences wrap: damaged numbers are not to overflow. */
static int64_t plus(int64_t a, int64_t b)
{
	return (int64_t)((uint64_t)a + (uint64_t)b);
}

static int64_t minus(int64_t a, int64_t b)
{
	return (int64_t)((uint64_t)a - (uint64_t)b);
}

void lod_leaf_begin(struct lod_leaf *leaf, int64_t first_row)
{
	leaf->row = first_row - 1;
	leaf->end_ns = leaf->execution = 0;
	leaf->n_rows = leaf->n_forms = 0;
	leaf->n_bytes = 0;
	memset(leaf->slots, 0, sizeof(leaf->slots));
}

void lod_leaf_finish(struct lod_leaf *leaf)
{
	free(leaf->data);
}

static unsigned hash_of(const struct lod_form *form)
{
	uint64_t words[sizeof(*form) / 8], hash = 0;
	memcpy(words, form, sizeof(*form));
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		hash = (hash ^ words[i]) * UINT64_C(0x9e3779b97f4a7c15);
	return (unsigned)(hash >> 40) & (LOD_LEAF_SLOTS - 1);
}

static uint8_t *put_form(uint8_t *at, const struct lod_form *form)
{
	bool is_op = form->kind == SPAN_KIND_OP;
	bool has_names = form->cause != LOD_NONE || form->edge != LOD_NONE || form->peer != LOD_NONE;
	at = lod_put(at, (unsigned)form->n_phases << FORM_FLAG_BITS | (is_op ? FORM_IS_OP : 0) | (has_names ? FORM_HAS_NAMES : 0)
		| (form->has_bytes ? FORM_HAS_BYTES : 0) | (form->has_duration ? FORM_HAS_DURATION : 0));
	memcpy(at, form->phases, form->n_phases);
	at = lod_put(at + form->n_phases, (uint64_t)(form->node + 1));
	at = lod_put(at, is_op ? form->status : (uint64_t)form->kind);
	if (has_names) {
		at = lod_put(at, (uint64_t)(form->cause + 1));
		at = lod_put(at, (uint64_t)(form->edge + 1));
		at = lod_put(at, (uint64_t)(form->peer + 1));
	}
	return at;
}

/* The number of the form; a new one is the number of those before. */
static int number_of(struct lod_leaf *leaf, const struct lod_form *form)
{
	unsigned slot = hash_of(form);
	for (; leaf->slots[slot]; slot = (slot + 1) & (LOD_LEAF_SLOTS - 1)) {
		if (memcmp(&leaf->forms[leaf->slots[slot] - 1], form, sizeof(*form)) == 0)
			return leaf->slots[slot] - 1;
	}
	leaf->forms[leaf->n_forms] = *form;
	leaf->slots[slot] = (uint16_t)(leaf->n_forms + 1);
	return leaf->n_forms++;
}

static int reserve(struct lod_leaf *leaf, struct error *error)
{
	if (likely(leaf->capacity - leaf->n_bytes >= LOD_LEAF_ROW_BYTES_MAX))
		return STATUS_OK;
	size_t capacity = leaf->capacity ? 2 * leaf->capacity : 16 * LOD_LEAF_ROW_BYTES_MAX;
	uint8_t *data = realloc(leaf->data, capacity);
	if (!data)
		return error_set(error, STATUS_NO_MEMORY, "no memory for the level of detail");
	leaf->data = data;
	leaf->capacity = capacity;
	return STATUS_OK;
}

int lod_leaf_add(struct lod_leaf *leaf, const struct lod_leaf_row *row, struct error *error)
{
	int status = reserve(leaf, error);
	if (status != STATUS_OK)
		return status;
	const struct lod_form *form = row->form;
	int n_forms = leaf->n_forms, number = number_of(leaf, form);
	uint8_t *at = leaf->data + leaf->n_bytes;
	bool has_row = row->row != leaf->row + 1, has_start = row->start_ns != leaf->end_ns, has_execution = row->execution != leaf->execution;
	at = lod_put(at, (unsigned)number << LEAF_FLAG_BITS | (has_row ? LEAF_HAS_ROW : 0) | (has_start ? LEAF_HAS_START : 0)
		| (has_execution ? LEAF_HAS_EXECUTION : 0));
	if (number == n_forms)
		at = put_form(at, form);
	if (has_row)
		at = lod_put(at, (uint64_t)(row->row - leaf->row - 1));
	if (has_start)
		at = lod_put(at, lod_fold(minus(row->start_ns, leaf->end_ns)));
	if (has_execution)
		at = lod_put(at, lod_fold(minus(row->execution, leaf->execution)));
	for (int i = 0; i < form->n_phases; i++)
		at = lod_put(at, (uint64_t)row->phase_ns[i]);
	if (form->has_duration)
		at = lod_put(at, (uint64_t)row->duration_ns);
	if (form->has_bytes)
		at = lod_put(at, (uint64_t)row->bytes);
	leaf->n_bytes = (size_t)(at - leaf->data);
	leaf->row = row->row;
	leaf->end_ns = plus(row->start_ns, row->duration_ns);
	leaf->execution = row->execution;
	leaf->n_rows++;
	return STATUS_OK;
}

/* -- reading ----------------------------------------------------------------------------------------------------------------- */

static inline uint64_t take(struct lod_leaf_reader *reader)
{
	uint64_t value = 0;
	if (likely(reader->at < reader->end && *reader->at < 0x80))
		return *reader->at++;
	if (!lod_get(&reader->at, reader->end, &value))
		reader->is_damaged = true;
	return value;
}

static int32_t take_index(struct lod_leaf_reader *reader)
{
	uint64_t value = take(reader);
	if (value > INT32_MAX)
		reader->is_damaged = true;
	return value > INT32_MAX ? LOD_NONE : (int32_t)value - 1;
}

static void take_form(struct lod_leaf_reader *reader)
{
	struct lod_form *form = &reader->forms[reader->n_forms++];
	uint64_t head = take(reader), n_phases = head >> FORM_FLAG_BITS;
	*form = (struct lod_form){ .edge = LOD_NONE, .peer = LOD_NONE, .cause = LOD_NONE };
	if (n_phases > PHASE_COUNT || (uint64_t)(reader->end - reader->at) < n_phases) {
		reader->is_damaged = true;
		return;
	}
	form->n_phases = (uint8_t)n_phases;
	form->has_duration = head & FORM_HAS_DURATION;
	form->has_bytes = head & FORM_HAS_BYTES;
	for (uint64_t i = 0; i < n_phases; i++) {
		form->phases[i] = *reader->at++;
		reader->is_damaged |= form->phases[i] >= PHASE_COUNT;
	}
	form->node = take_index(reader);
	uint64_t word = take(reader);
	form->kind = head & FORM_IS_OP ? SPAN_KIND_OP : (int16_t)(word & INT16_MAX);
	form->status = head & FORM_IS_OP ? (uint8_t)word : 0;
	if (head & FORM_HAS_NAMES) {
		form->cause = take_index(reader);
		form->edge = take_index(reader);
		form->peer = take_index(reader);
	}
}

void lod_leaf_read_begin(struct lod_leaf_reader *reader, int64_t first_row, const void *data, size_t n_bytes)
{
	reader->at = data;
	reader->end = reader->at + n_bytes;
	reader->row = first_row - 1;
	reader->end_ns = reader->execution = 0;
	reader->n_forms = 0;
	reader->is_damaged = false;
}

bool lod_leaf_read_next(struct lod_leaf_reader *reader, struct lod_leaf_row *ret_row)
{
	if (reader->is_damaged || reader->at == reader->end)
		return false;
	uint64_t head = take(reader), number = head >> LEAF_FLAG_BITS;
	if (number > (uint64_t)reader->n_forms || number >= LOD_RANGE_ROWS) {
		reader->is_damaged = true;
		return false;
	}
	if (number == (uint64_t)reader->n_forms)
		take_form(reader);
	const struct lod_form *form = &reader->forms[number];
	uint64_t gap = head & LEAF_HAS_ROW ? take(reader) : 0, sum_ns = 0;
	ret_row->form = form;
	ret_row->row = reader->row = plus(reader->row, (int64_t)(gap + 1));
	ret_row->start_ns = head & LEAF_HAS_START ? plus(reader->end_ns, lod_unfold(take(reader))) : reader->end_ns;
	ret_row->execution = reader->execution = head & LEAF_HAS_EXECUTION ? plus(reader->execution, lod_unfold(take(reader)))
		: reader->execution;
	for (int i = 0; i < form->n_phases; i++) {
		uint64_t ns = take(reader);
		reader->is_damaged |= ns > LEAF_NS_MAX;
		reader->phase_ns[i] = (int64_t)ns;
		sum_ns += ns;
	}
	ret_row->phase_ns = reader->phase_ns;
	uint64_t duration_ns = form->has_duration ? take(reader) : sum_ns;
	reader->is_damaged |= duration_ns > LEAF_NS_MAX;
	ret_row->duration_ns = (int64_t)duration_ns;
	ret_row->bytes = form->has_bytes ? (int64_t)take(reader) : -1;
	reader->end_ns = plus(ret_row->start_ns, ret_row->duration_ns);
	if (ret_row->start_ns > LEAF_NS_MAX || ret_row->start_ns < -LEAF_NS_MAX)
		reader->is_damaged = true;
	return !reader->is_damaged;
}
