/* SPDX-License-Identifier: Apache-2.0
 *
 * lod_lane: opening, filling and closing the blocks of a lane.
 */
#include "traces/lod_lane.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/attributes.h"

#define LOD_PIECES_MAX (LOD_SPARSE_SPANS * 16) /* of a sparse block */

static int close_level(struct lod_lane *lane, int level, struct error *error);

static int64_t block_start(int level, int64_t block)
{
	return block << lod_block_bits(level);
}

static int64_t block_end(int level, int64_t block)
{
	return (block + 1) << lod_block_bits(level);
}

static int out_of_memory(struct error *error)
{
	return error_set(error, STATUS_NO_MEMORY, "no memory for the level of detail");
}

void lod_lane_init(struct lod_lane *lane, lod_sink_fn *sink, void *user)
{
	*lane = (struct lod_lane){ .first_ns = INT64_MAX, .last_ns = INT64_MIN, .sink = sink, .user = user };
}

void lod_lane_finish(struct lod_lane *lane)
{
	for (int i = 0; i < LOD_LEVELS_MAX; i++) {
		free(lane->levels[i].pieces);
		free(lane->levels[i].cells);
	}
	free(lane->carry);
}

static int grow(struct lod_piece **pieces, int *capacity, int n, struct error *error)
{
	if (likely(n < *capacity))
		return STATUS_OK;
	int more = *capacity ? 2 * *capacity : 64;
	struct lod_piece *grown = realloc(*pieces, (size_t)more * sizeof(*grown));
	if (!grown)
		return out_of_memory(error);
	*pieces = grown;
	*capacity = more;
	return STATUS_OK;
}

/* From a list to cells. */
static int make_dense(struct lod_level *level, int level_idx, struct error *error)
{
	if (!level->cells)
		level->cells = malloc(LOD_BLOCK_CELLS * sizeof(*level->cells));
	if (!level->cells)
		return out_of_memory(error);
	for (int i = 0; i < LOD_BLOCK_CELLS; i++)
		memset(&level->cells[i], 0, offsetof(struct lod_cell, ns));
	level->stretch.cell = -1;
	for (int i = 0; i < level->n_pieces; i++)
		lod_cells_add(level->cells, &level->stretch, level_idx, &level->pieces[i]);
	level->n_pieces = 0;
	level->is_dense = true;
	return STATUS_OK;
}

/* Whether `piece` only prolongs `before`. */
static bool goes_on(const struct lod_piece *before, const struct lod_piece *piece)
{
	return !piece->is_first && before->end_ns == piece->start_ns && before->phase == piece->phase && before->node == piece->node
		&& before->execution == piece->execution && before->fill == piece->fill;
}

/* Adds a piece that lies within the level's open block. */
static int level_add(struct lod_lane *lane, int level_idx, const struct lod_piece *piece, struct error *error)
{
	struct lod_level *level = &lane->levels[level_idx];
	level->n_spans += piece->is_first;
	if (level->is_dense) {
		lod_cells_add(level->cells, &level->stretch, level_idx, piece);
		return STATUS_OK;
	}
	if (level->n_pieces && goes_on(&level->pieces[level->n_pieces - 1], piece)) {
		level->pieces[level->n_pieces - 1].end_ns = piece->end_ns;
		return STATUS_OK;
	}
	int status = grow(&level->pieces, &level->capacity, level->n_pieces, error);
	if (status != STATUS_OK)
		return status;
	level->pieces[level->n_pieces++] = *piece;
	if (level->n_spans >= LOD_SPARSE_SPANS || level->n_pieces >= LOD_PIECES_MAX)
		return make_dense(level, level_idx, error);
	return STATUS_OK;
}

/* Makes `block` the open one. */
static int enter(struct lod_lane *lane, int level_idx, int64_t block, struct error *error)
{
	struct lod_level *level = &lane->levels[level_idx];
	if (level->is_open && level->block == block)
		return STATUS_OK;
	int status = close_level(lane, level_idx, error);
	level->is_open = true;
	level->block = block;
	return status;
}

/* The list of a sparse block joins that of the block above; the two are exchanged when that has none. */
static int hand_up_pieces(struct lod_lane *lane, int level_idx, struct error *error)
{
	struct lod_level *level = &lane->levels[level_idx], *above = level + 1;
	int status = STATUS_OK, i = 0;
	if (!above->is_dense && above->n_pieces == 0) {
		struct lod_piece *pieces = above->pieces;
		int capacity = above->capacity;
		above->pieces = level->pieces;
		above->capacity = level->capacity;
		above->n_pieces = level->n_pieces;
		above->n_spans += level->n_spans;
		level->pieces = pieces;
		level->capacity = capacity;
		level->n_pieces = 0;
	} else if (!above->is_dense && above->n_spans + level->n_spans < LOD_SPARSE_SPANS
		&& above->n_pieces + level->n_pieces < LOD_PIECES_MAX && level->n_pieces) {
		if (goes_on(&above->pieces[above->n_pieces - 1], &level->pieces[0]))
			above->pieces[above->n_pieces - 1].end_ns = level->pieces[i++].end_ns;
		while (status == STATUS_OK && above->capacity < above->n_pieces + level->n_pieces)
			status = grow(&above->pieces, &above->capacity, above->capacity, error);
		if (status != STATUS_OK)
			return status;
		memcpy(above->pieces + above->n_pieces, level->pieces + i, (size_t)(level->n_pieces - i) * sizeof(*level->pieces));
		above->n_pieces += level->n_pieces - i;
		above->n_spans += level->n_spans;
	} else {
		for (; i < level->n_pieces && status == STATUS_OK; i++)
			status = level_add(lane, level_idx + 1, &level->pieces[i], error);
	}
	return status;
}

/* What a closed block holds goes into a quarter of the one above it. */
static int hand_up(struct lod_lane *lane, int level_idx, struct error *error)
{
	struct lod_level *level = &lane->levels[level_idx], *above = level + 1;
	int status = enter(lane, level_idx + 1, level->block >> 2, error);
	if (status == STATUS_OK && !level->is_dense)
		status = hand_up_pieces(lane, level_idx, error);
	if (status != STATUS_OK || !level->is_dense)
		return status;
	if (!above->is_dense)
		status = make_dense(above, level_idx + 1, error);
	int first = (int)(level->block & 3) * (LOD_BLOCK_CELLS / 4);
	for (int i = 0; i < LOD_BLOCK_CELLS && status == STATUS_OK; i++)
		lod_cell_merge(&above->cells[first + i / 4], &above->stretch, first + i / 4, &level->cells[i]);
	above->n_spans += level->n_spans;
	return status;
}

static int emit(struct lod_lane *lane, int level_idx, struct error *error)
{
	const struct lod_level *level = &lane->levels[level_idx];
	uint8_t data[LOD_BLOCK_BYTES_MAX];
	if (!level->is_dense)
		return STATUS_OK;
	return lane->sink(lane->user, level_idx, level->block, data, lod_encode(level->cells, level_idx, data), error);
}

static void empty(struct lod_level *level)
{
	level->is_open = level->is_dense = false;
	level->n_pieces = level->n_spans = 0;
}

static int close_level(struct lod_lane *lane, int level_idx, struct error *error)
{
	struct lod_level *level = &lane->levels[level_idx];
	if (!level->is_open)
		return STATUS_OK;
	int status = emit(lane, level_idx, error);
	if (status == STATUS_OK && level_idx + 1 < LOD_LEVELS_MAX)
		status = hand_up(lane, level_idx, error);
	empty(level);
	return status;
}

/* Adds what the carried pieces have in [from_ns, until_ns), within the open block. */
static int add_carried(struct lod_lane *lane, int level_idx, int64_t from_ns, int64_t until_ns, struct error *error)
{
	int status = STATUS_OK;
	for (int i = 0; i < lane->n_carry && status == STATUS_OK; i++) {
		struct lod_piece piece = lane->carry[i];
		if (piece.start_ns >= until_ns || piece.end_ns <= from_ns)
			continue;
		if (piece.start_ns < from_ns) {
			piece.start_ns = from_ns;
			piece.is_first = false;
		}
		if (piece.end_ns > until_ns)
			piece.end_ns = until_ns;
		status = level_add(lane, level_idx, &piece, error);
	}
	return status;
}

/* Time in which nothing begins but what is carried, from the start of a cell to the start of a cell: whole blocks go to the level above. */
static int cover(struct lod_lane *lane, int level_idx, int64_t from_ns, int64_t until_ns, struct error *error)
{
	int64_t block = from_ns >> lod_block_bits(level_idx), end_ns = block_end(level_idx, block);
	int64_t last_ns = block_start(level_idx, until_ns >> lod_block_bits(level_idx));
	int status = enter(lane, level_idx, block, error);
	if (status == STATUS_OK)
		status = add_carried(lane, level_idx, from_ns, until_ns < end_ns ? until_ns : end_ns, error);
	if (status != STATUS_OK || until_ns <= end_ns)
		return status;
	if (last_ns > end_ns && level_idx + 1 < LOD_LEVELS_MAX) {
		status = close_level(lane, level_idx, error);
		if (status == STATUS_OK)
			status = cover(lane, level_idx + 1, end_ns, last_ns, error);
	}
	if (status != STATUS_OK || until_ns <= last_ns)
		return status;
	status = enter(lane, level_idx, last_ns >> lod_block_bits(level_idx), error);
	return status == STATUS_OK ? add_carried(lane, level_idx, last_ns, until_ns, error) : status;
}

/* Forgets what ends before `time_ns`. */
static void drop_carried(struct lod_lane *lane, int64_t time_ns)
{
	int n = 0;
	for (int i = 0; i < lane->n_carry; i++) {
		if (lane->carry[i].end_ns > time_ns)
			lane->carry[n++] = lane->carry[i];
	}
	lane->n_carry = n;
}

/* Makes the block in which `time_ns` lies the open one of level 0; everything before it is complete. */
static int advance(struct lod_lane *lane, int64_t time_ns, struct error *error)
{
	struct lod_level *level = &lane->levels[0];
	int64_t start_ns = block_start(0, time_ns >> lod_block_bits(0)), carried_ns = INT64_MIN;
	int status = STATUS_OK;
	for (int i = 0; i < lane->n_carry; i++)
		carried_ns = lane->carry[i].end_ns > carried_ns ? lane->carry[i].end_ns : carried_ns;
	if (lane->n_carry && level->is_open) {
		int64_t from_ns = block_end(0, level->block), behind_ns = block_end(0, (carried_ns - 1) >> lod_block_bits(0));
		int64_t until_ns = behind_ns < start_ns ? behind_ns : start_ns;
		if (until_ns > from_ns)
			status = cover(lane, 0, from_ns, until_ns, error);
	}
	if (status == STATUS_OK)
		status = enter(lane, 0, start_ns >> lod_block_bits(0), error);
	if (status == STATUS_OK && lane->n_carry)
		status = add_carried(lane, 0, start_ns, block_end(0, level->block), error);
	drop_carried(lane, block_end(0, level->block));
	return status;
}

/* A piece that begins before the open block of level 0: into the lowest block that is still open there. */
static int add_late(struct lod_lane *lane, struct lod_piece piece, struct error *error)
{
	int level = 0;
	while (level < LOD_LEVELS_MAX && (!lane->levels[level].is_open
		|| lane->levels[level].block != piece.start_ns >> lod_block_bits(level)))
		level++;
	if (level == LOD_LEVELS_MAX) {
		level = 0;
		piece.start_ns = block_start(0, lane->levels[0].block);
	}
	int64_t end_ns = block_end(level, lane->levels[level].block);
	if (piece.end_ns > end_ns)
		piece.end_ns = end_ns;
	if (piece.end_ns < piece.start_ns)
		piece.end_ns = piece.start_ns;
	return level_add(lane, level, &piece, error);
}

static int add_piece(struct lod_lane *lane, const struct lod_piece *piece, struct error *error)
{
	int64_t block = lane->levels[0].block, end_ns = block_end(0, block);
	if (unlikely(piece->start_ns < block_start(0, block)))
		return add_late(lane, *piece, error);
	if (likely(piece->end_ns <= end_ns && piece->start_ns < end_ns))
		return level_add(lane, 0, piece, error);
	int status = grow(&lane->carry, &lane->carry_capacity, lane->n_carry, error);
	if (status != STATUS_OK)
		return status;
	lane->carry[lane->n_carry] = *piece;
	if (piece->start_ns < end_ns) {
		struct lod_piece head = *piece;
		head.end_ns = end_ns;
		lane->carry[lane->n_carry].start_ns = end_ns;
		lane->carry[lane->n_carry].is_first = false;
		status = level_add(lane, 0, &head, error);
	}
	lane->n_carry++;
	return status;
}

int lod_lane_add(struct lod_lane *lane, const struct lod_piece *pieces, int n, struct error *error)
{
	const struct lod_level *level = &lane->levels[0];
	int64_t start_ns = pieces[0].start_ns, end_ns = pieces[n - 1].end_ns;
	int status = STATUS_OK;
	if (!level->is_open || start_ns >= block_end(0, level->block))
		status = advance(lane, start_ns, error);
	for (int i = 0; i < n && status == STATUS_OK; i++)
		status = add_piece(lane, &pieces[i], error);
	lane->n_spans += pieces[0].is_first;
	lane->first_ns = start_ns < lane->first_ns ? start_ns : lane->first_ns;
	lane->last_ns = end_ns > lane->last_ns ? end_ns : lane->last_ns;
	return status;
}

int lod_lane_flush(struct lod_lane *lane, int64_t *ret_closed_ns, struct error *error)
{
	const struct lod_level *lowest = &lane->levels[0];
	int64_t closed_ns = lowest->is_open ? block_start(0, lowest->block) : INT64_MIN;
	int status = STATUS_OK;
	for (int i = 1; i < LOD_LEVELS_MAX && lowest->is_open && status == STATUS_OK; i++) {
		if (lane->levels[i].is_open && block_end(i, lane->levels[i].block) <= closed_ns)
			status = close_level(lane, i, error);
	}
	*ret_closed_ns = closed_ns;
	return status;
}

int lod_lane_close(struct lod_lane *lane, struct error *error)
{
	int top = lod_lane_top(lane);
	int status = lane->n_carry ? advance(lane, lane->last_ns, error) : STATUS_OK;
	for (int i = 0; i < top && status == STATUS_OK; i++)
		status = close_level(lane, i, error);
	if (status == STATUS_OK && lane->levels[top].is_open)
		status = emit(lane, top, error);
	return status;
}

int lod_lane_top(const struct lod_lane *lane)
{
	int level = 0;
	while (level + 1 < LOD_LEVELS_MAX && lane->first_ns <= lane->last_ns
		&& lane->first_ns >> lod_block_bits(level) != lane->last_ns >> lod_block_bits(level))
		level++;
	return level;
}
