/* SPDX-License-Identifier: Apache-2.0
 *
 * lod: sums of cells, and the coding of blocks.
 *
 * A block is: number of cells with something in them; number of sets of phases, the sets; then for each such cell
 *   gap to the cell before << 4 | failed << 3 | has a top << 2 | spans begin << 1 | its time is full
 *   position of its set of phases
 *   ns of each phase, lowest first; without the last one when the cell is full
 *   when spans begin: how many, longest_ns
 *   with a top: node and execution as differences from the top before, position of the phase in the set << 1 | takes that phase's time
 *     whole, otherwise its ns
 * A top is kept where it fills half of the cell.
 */
#include "traces/lod.h"

#include <stdio.h>
#include <string.h>

#include "engine/base/attributes.h"
#include "traces/critical_run.h"

enum lod_flag {
	LOD_IS_FULL = 1,
	LOD_HAS_SPANS = 2,
	LOD_HAS_TOP = 4,
	LOD_HAS_FAILED = 8,
	LOD_FLAG_BITS = 4,
};

static int64_t at_most(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static void add_ns(struct lod_cell *cell, uint8_t phase, int64_t ns)
{
	uint32_t bit = 1u << phase;
	cell->ns[phase] = cell->mask & bit ? cell->ns[phase] + ns : ns;
	cell->mask |= bit;
}

void lod_stretch_add(struct lod_stretch *stretch, struct lod_cell *cell, int idx, int32_t node, int64_t execution, uint8_t phase,
	int64_t ns)
{
	if (stretch->cell == idx && stretch->node == node && stretch->execution == execution && stretch->phase == phase)
		stretch->ns += ns;
	else
		*stretch = (struct lod_stretch){ .ns = ns, .execution = execution, .cell = idx, .node = node, .phase = phase };
	if (stretch->ns <= cell->top_ns)
		return;
	cell->top_ns = stretch->ns;
	cell->top_node = node;
	cell->top_execution = execution;
	cell->top_phase = phase;
}

static void begin_in(struct lod_cell *cell, const struct lod_piece *piece)
{
	int64_t longest_ns = piece->is_fill ? piece->fill : piece->duration_ns;
	if (!piece->is_first && !piece->is_fill)
		return;
	cell->n_spans += piece->is_first;
	cell->has_failed |= piece->is_failed;
	if (longest_ns > cell->longest_ns)
		cell->longest_ns = longest_ns;
}

void lod_cells_add(struct lod_cell *cells, struct lod_stretch *stretch, int level, const struct lod_piece *piece)
{
	int bits = lod_cell_bits(level);
	int64_t at_ns = piece->start_ns, i = piece->start_ns >> bits;
	begin_in(&cells[i & (LOD_BLOCK_CELLS - 1)], piece);
	for (; at_ns < piece->end_ns; i++) {
		int64_t until_ns = at_most(piece->end_ns, (i + 1) << bits);
		int idx = (int)(i & (LOD_BLOCK_CELLS - 1));
		struct lod_cell *cell = &cells[idx];
		if (piece->is_fill) {
			add_ns(cell, 0, piece->fill * (until_ns - at_ns));
			cell->longest_ns = piece->fill > cell->longest_ns ? piece->fill : cell->longest_ns;
		} else {
			add_ns(cell, piece->phase, until_ns - at_ns);
			lod_stretch_add(stretch, cell, idx, piece->node, piece->execution, piece->phase, until_ns - at_ns);
		}
		at_ns = until_ns;
	}
}

void lod_cell_merge(struct lod_cell *cell, struct lod_stretch *stretch, int idx, const struct lod_cell *from)
{
	for (uint32_t mask = from->mask; mask; mask &= mask - 1) {
		int phase = __builtin_ctz(mask);
		add_ns(cell, (uint8_t)phase, from->ns[phase]);
	}
	cell->n_spans += from->n_spans;
	cell->has_failed |= from->has_failed;
	if (from->longest_ns > cell->longest_ns)
		cell->longest_ns = from->longest_ns;
	if (from->top_ns)
		lod_stretch_add(stretch, cell, idx, from->top_node, from->top_execution, from->top_phase, from->top_ns);
}

int lod_pieces(const struct lod_piece *like, const int64_t *phase_ns, struct lod_piece *pieces)
{
	int n = 0;
	int64_t at_ns = like->start_ns;
	for (int i = 0; i < PHASE_COUNT; i++) {
		int column = critical_phase_order[i].column;
		if (column < 0 || phase_ns[column] <= 0)
			continue;
		pieces[n] = *like;
		pieces[n].is_first = n == 0;
		pieces[n].phase = critical_phase_order[i].phase;
		pieces[n].start_ns = at_ns;
		pieces[n++].end_ns = at_ns += phase_ns[column];
	}
	if (n == 0) {
		pieces[n] = *like;
		pieces[n].is_first = true;
		pieces[n].phase = PHASE_UNKNOWN;
		pieces[n++].end_ns = like->start_ns;
	}
	return n;
}

/* -- coding ------------------------------------------------------------------------------------------------------------------ */

bool lod_get(const uint8_t **at, const uint8_t *end, uint64_t *ret_value)
{
	uint64_t value = 0;
	for (int shift = 0; *at < end && shift < 64; shift += 7) {
		uint8_t byte = *(*at)++;
		value |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80) {
			*ret_value = value;
			return true;
		}
	}
	return false;
}

static bool is_used(const struct lod_cell *cell)
{
	return cell->mask || cell->n_spans || cell->longest_ns;
}

static int64_t total_ns(const struct lod_cell *cell)
{
	int64_t ns = 0;
	for (uint32_t mask = cell->mask; mask; mask &= mask - 1)
		ns += cell->ns[__builtin_ctz(mask)];
	return ns;
}

struct coder {
	uint8_t *at;
	int64_t width_ns, execution, node;
};

static void put_top(struct coder *coder, const struct lod_cell *cell)
{
	bool is_whole = cell->top_ns == cell->ns[cell->top_phase];
	unsigned position = (unsigned)__builtin_popcount(cell->mask & ((1u << cell->top_phase) - 1));
	coder->at = lod_put(coder->at, lod_fold(cell->top_node - coder->node));
	coder->at = lod_put(coder->at, lod_fold((int64_t)((uint64_t)cell->top_execution - (uint64_t)coder->execution)));
	coder->at = lod_put(coder->at, position << 1 | is_whole);
	if (!is_whole)
		coder->at = lod_put(coder->at, (uint64_t)cell->top_ns);
	coder->node = cell->top_node;
	coder->execution = cell->top_execution;
}

static void put_cell(struct coder *coder, const struct lod_cell *cell, int gap, int set)
{
	bool is_full = cell->mask && total_ns(cell) == coder->width_ns;
	bool has_spans = cell->n_spans || cell->longest_ns, has_top = cell->top_ns && 2 * cell->top_ns >= coder->width_ns;
	unsigned flags = (is_full ? LOD_IS_FULL : 0) | (has_spans ? LOD_HAS_SPANS : 0) | (has_top ? LOD_HAS_TOP : 0)
		| (cell->has_failed ? LOD_HAS_FAILED : 0);
	coder->at = lod_put(coder->at, (unsigned)gap << LOD_FLAG_BITS | flags);
	coder->at = lod_put(coder->at, (unsigned)set);
	for (uint32_t mask = cell->mask; mask; mask &= mask - 1) {
		if (!is_full || mask & (mask - 1))
			coder->at = lod_put(coder->at, (uint64_t)cell->ns[__builtin_ctz(mask)]);
	}
	if (has_spans) {
		coder->at = lod_put(coder->at, (uint64_t)cell->n_spans);
		coder->at = lod_put(coder->at, (uint64_t)cell->longest_ns);
	}
	if (has_top)
		put_top(coder, cell);
}

size_t lod_encode(const struct lod_cell *cells, int level, uint8_t *data)
{
	struct coder coder = { .at = data, .width_ns = INT64_C(1) << lod_cell_bits(level) };
	uint32_t masks[LOD_BLOCK_CELLS];
	uint16_t sets[LOD_BLOCK_CELLS];
	int n = 0, n_masks = 0, before = -1;
	for (int i = 0; i < LOD_BLOCK_CELLS; i++) {
		if (!is_used(&cells[i]))
			continue;
		int set = 0;
		while (set < n_masks && masks[set] != cells[i].mask)
			set++;
		if (set == n_masks)
			masks[n_masks++] = cells[i].mask;
		sets[i] = (uint16_t)set;
		n++;
	}
	coder.at = lod_put(coder.at, (uint64_t)n);
	coder.at = lod_put(coder.at, (uint64_t)n_masks);
	for (int i = 0; i < n_masks; i++)
		coder.at = lod_put(coder.at, masks[i]);
	for (int i = 0; i < LOD_BLOCK_CELLS; i++) {
		if (!is_used(&cells[i]))
			continue;
		put_cell(&coder, &cells[i], i - before - 1, sets[i]);
		before = i;
	}
	return (size_t)(coder.at - data);
}

static bool take(struct lod_decoder *decoder, uint64_t *ret_value)
{
	if (likely(decoder->at < decoder->end && *decoder->at < 0x80)) {
		*ret_value = *decoder->at++;
		return true;
	}
	if (!lod_get(&decoder->at, decoder->end, ret_value))
		decoder->is_damaged = true;
	return !decoder->is_damaged;
}

void lod_decode_begin(struct lod_decoder *decoder, const void *data, size_t n_bytes, int level)
{
	uint64_t n = 0, n_masks = 0, mask = 0;
	decoder->at = data;
	decoder->end = decoder->at + n_bytes;
	decoder->width_ns = INT64_C(1) << lod_cell_bits(level);
	decoder->execution = decoder->node = 0;
	decoder->idx = -1;
	decoder->n_left = decoder->n_masks = 0;
	decoder->is_damaged = false;
	if (!take(decoder, &n) || !take(decoder, &n_masks) || n > LOD_BLOCK_CELLS || n_masks > LOD_BLOCK_CELLS) {
		decoder->is_damaged = true;
		return;
	}
	for (uint64_t i = 0; i < n_masks; i++) {
		if (!take(decoder, &mask) || mask >> PHASE_COUNT)
			decoder->is_damaged = true;
		decoder->masks[i] = (uint32_t)mask;
	}
	decoder->n_masks = (int)n_masks;
	decoder->n_left = (int)n;
}

static void take_ns(struct lod_decoder *decoder, bool is_full, struct lod_cell *cell)
{
	int64_t left_ns = decoder->width_ns;
	for (uint32_t mask = cell->mask; mask; mask &= mask - 1) {
		uint64_t ns = (uint64_t)left_ns;
		if (!is_full || mask & (mask - 1))
			take(decoder, &ns);
		cell->ns[__builtin_ctz(mask)] = (int64_t)ns;
		left_ns = (int64_t)((uint64_t)left_ns - ns);
	}
}

static void take_top(struct lod_decoder *decoder, struct lod_cell *cell)
{
	uint64_t node = 0, execution = 0, place = 0, ns = 0;
	take(decoder, &node);
	take(decoder, &execution);
	if (!take(decoder, &place) || place >> 1 >= (uint64_t)__builtin_popcount(cell->mask)) {
		decoder->is_damaged = true;
		return;
	}
	uint32_t mask = cell->mask;
	for (uint64_t i = 0; i < place >> 1; i++)
		mask &= mask - 1;
	decoder->node = (int64_t)((uint64_t)decoder->node + (uint64_t)lod_unfold(node));
	decoder->execution = (int64_t)((uint64_t)decoder->execution + (uint64_t)lod_unfold(execution));
	cell->top_phase = (uint8_t)__builtin_ctz(mask);
	cell->top_node = (int32_t)decoder->node;
	cell->top_execution = decoder->execution;
	cell->top_ns = cell->ns[cell->top_phase];
	if (!(place & 1) && take(decoder, &ns))
		cell->top_ns = (int64_t)ns;
}

bool lod_decode_next(struct lod_decoder *decoder, int *ret_idx, struct lod_cell *ret_cell)
{
	uint64_t head = 0, set = 0, n_spans = 0, longest_ns = 0;
	if (decoder->is_damaged || decoder->n_left == 0)
		return false;
	take(decoder, &head);
	take(decoder, &set);
	uint64_t idx = (uint64_t)(decoder->idx + 1) + (head >> LOD_FLAG_BITS);
	if (decoder->is_damaged || idx >= LOD_BLOCK_CELLS || set >= (uint64_t)decoder->n_masks) {
		decoder->is_damaged = true;
		return false;
	}
	ret_cell->mask = decoder->masks[set];
	take_ns(decoder, head & LOD_IS_FULL, ret_cell);
	if (head & LOD_HAS_SPANS) {
		take(decoder, &n_spans);
		take(decoder, &longest_ns);
	}
	ret_cell->n_spans = (int64_t)n_spans;
	ret_cell->longest_ns = (int64_t)longest_ns;
	ret_cell->has_failed = head & LOD_HAS_FAILED;
	ret_cell->top_ns = 0;
	if (head & LOD_HAS_TOP)
		take_top(decoder, ret_cell);
	decoder->idx = *ret_idx = (int)idx;
	decoder->n_left--;
	return !decoder->is_damaged;
}

/* -- tables ------------------------------------------------------------------------------------------------------------------ */

int lod_create_tables(struct db *db, const char *database, struct error *error)
{
	static const char format[] =
		"CREATE TABLE IF NOT EXISTS %1$s.lod_lane(lane INTEGER PRIMARY KEY%2$s, origin_ns INTEGER NOT NULL, closed_ns INTEGER,"
		" top INTEGER NOT NULL, n_spans INTEGER NOT NULL, first_ns INTEGER, last_ns INTEGER);"
		"CREATE TABLE IF NOT EXISTS %1$s.lod(lane INTEGER NOT NULL%2$s, level INTEGER NOT NULL, block INTEGER NOT NULL,"
		" data BLOB NOT NULL, PRIMARY KEY(lane, level, block));"
		"CREATE TABLE IF NOT EXISTS %1$s.lod_rows(lane INTEGER NOT NULL%2$s, source INTEGER NOT NULL, first_row INTEGER NOT NULL,"
		" last_row INTEGER NOT NULL, first_ns INTEGER NOT NULL, last_ns INTEGER NOT NULL, n INTEGER NOT NULL,"
		" PRIMARY KEY(lane, source, first_row)) WITHOUT ROWID;"
		"CREATE TABLE IF NOT EXISTS %1$s.lod_fill(lane INTEGER NOT NULL%2$s, first_ns INTEGER NOT NULL, data BLOB NOT NULL,"
		" PRIMARY KEY(lane, first_ns));";
	char sql[1600];
	snprintf(sql, sizeof(sql), format, database, strcmp(database, "main") == 0 ? " REFERENCES lane" : "");
	return db_exec(db, sql, error);
}
