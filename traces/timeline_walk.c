/* SPDX-License-Identifier: Apache-2.0
 *
 * timeline_walk: from the pyramid's blocks to cells in order of time. A block that is not there is sparse, then its rows are read, or it is
 * not complete yet, then the level below says more.
 */
#include "engine/base/attributes.h"
#include "traces/timeline_private.h"

struct walk {
	struct timeline *timeline;
	const struct timeline_source *source;
	const struct timeline_parts *parts;
	struct error *error;
	bool has_ended;
};

static int walk_level(struct walk *walk, int level, int64_t from_ns, int64_t until_ns);

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int damaged(struct walk *walk)
{
	return error_set(walk->error, STATUS_TRACE, "%s: a block of the level of detail is damaged", walk->timeline->trace->file);
}

static int read_rows(struct walk *walk, int64_t from_ns, int64_t until_ns)
{
	if (from_ns >= until_ns || walk->has_ended)
		return STATUS_OK;
	return walk->parts->rows(walk->parts->user, from_ns, until_ns, walk->error);
}

static int read_cells(struct walk *walk, int level, int64_t block, const void *data, size_t n_bytes, int64_t from_ns, int64_t until_ns)
{
	struct lod_decoder decoder;
	struct lod_cell cell;
	int idx = 0, bits = lod_cell_bits(level);
	lod_decode_begin(&decoder, data, n_bytes, level);
	while (!walk->has_ended && lod_decode_next(&decoder, &idx, &cell)) {
		int64_t start_ns = (block * LOD_BLOCK_CELLS + idx) << bits;
		if (start_ns >= from_ns && start_ns < until_ns)
			walk->has_ended = !walk->parts->cell(walk->parts->user, level, start_ns, &cell);
	}
	return decoder.is_damaged ? damaged(walk) : STATUS_OK;
}

/* What lies between the blocks that are there. */
static int read_gap(struct walk *walk, int level, int64_t from_ns, int64_t until_ns)
{
	int bits = lod_block_bits(level);
	int64_t closed_ns = INT64_MAX;
	if (walk->source->closed_ns != INT64_MAX)
		closed_ns = timeline_grid(walk->timeline, walk->source->closed_ns) >> bits << bits;
	int status = read_rows(walk, from_ns, earlier(until_ns, closed_ns));
	int64_t open_ns = later(from_ns, closed_ns);
	if (status != STATUS_OK || open_ns >= until_ns)
		return status;
	return level == 0 ? read_rows(walk, open_ns, until_ns) : walk_level(walk, level - 1, open_ns, until_ns);
}

/* A block's cells lie in SQLite's memory while the statement stands at it: nothing else may use the statement meanwhile, so gaps, which
 * may, are read between two runs of it. */
static int next_block(struct walk *walk, int level, int64_t first, int64_t last, int64_t from_ns, int64_t until_ns, int64_t *ret_block)
{
	struct db_stmt *stmt = walk->timeline->store->stmts[TIMELINE_BLOCKS];
	bool has_row = false;
	int64_t expected = first;
	int status = STATUS_OK;
	db_bind_int(stmt, 1, walk->source->id);
	db_bind_int(stmt, 2, level);
	db_bind_int(stmt, 3, first);
	db_bind_int(stmt, 4, last);
	*ret_block = last + 1;
	while (status == STATUS_OK && (status = db_step(stmt, &has_row, walk->error)) == STATUS_OK && has_row) {
		size_t n_bytes = 0;
		const void *data = db_column_blob(stmt, 1, &n_bytes);
		int64_t block = db_column_int(stmt, 0);
		if (block != expected) {
			*ret_block = block;
			break;
		}
		status = read_cells(walk, level, block, data, n_bytes, from_ns, until_ns);
		expected = block + 1;
	}
	db_reset(stmt);
	if (status == STATUS_OK && !walk->has_ended && expected <= last) {
		int bits = lod_block_bits(level);
		status = read_gap(walk, level, later(from_ns, expected << bits), earlier(until_ns, *ret_block << bits));
	}
	return status;
}

static int walk_level(struct walk *walk, int level, int64_t from_ns, int64_t until_ns)
{
	int bits = lod_block_bits(level);
	int64_t block = from_ns >> bits, last = (until_ns - 1) >> bits;
	int status = STATUS_OK;
	while (status == STATUS_OK && block <= last && !walk->has_ended)
		status = next_block(walk, level, block, last, from_ns, until_ns, &block);
	return status;
}

int timeline_walk(struct timeline *timeline, int lane, int level, int64_t from_ns, int64_t until_ns, const struct timeline_parts *parts,
	struct error *error)
{
	struct walk walk = { .timeline = timeline, .source = &timeline->store->sources[lane], .parts = parts, .error = error };
	if (from_ns >= until_ns)
		return STATUS_OK;
	if (level < 0)
		return read_rows(&walk, from_ns, until_ns);
	return walk_level(&walk, level, from_ns, until_ns);
}

int timeline_level(const struct timeline *timeline, int lane, struct timeline_scale scale)
{
	int level = scale.s < LOD_CELL_BITS ? -1 : (scale.s - LOD_CELL_BITS) / 2;
	return level > timeline->store->sources[lane].top ? timeline->store->sources[lane].top : level;
}

/* -- channels ------------------------------------------------------------------------------------------------------------------ */

struct fill_walk {
	int64_t from_ns, until_ns, at_ns, fill;
	bool begins, has_any;
	timeline_fill_fn *visit;
	void *user;
};

static void end_stretch(struct fill_walk *walk, int64_t time_ns)
{
	if (walk->has_any && walk->at_ns < walk->until_ns && (time_ns > walk->from_ns || walk->at_ns >= walk->from_ns)
		&& (time_ns > walk->at_ns || walk->begins))
		walk->visit(walk->user, later(walk->at_ns, walk->from_ns), earlier(time_ns, walk->until_ns), walk->fill,
			walk->begins && walk->at_ns >= walk->from_ns);
}

/* Events of one stored run; false when they are behind the interval. */
static bool read_run(struct fill_walk *walk, int64_t first_ns, const uint8_t *at, size_t n_bytes)
{
	const uint8_t *end = at + n_bytes;
	uint64_t value = 0;
	int64_t time_ns = first_ns;
	if (first_ns >= walk->until_ns) {
		end_stretch(walk, first_ns);
		walk->at_ns = first_ns;
		return false;
	}
	if (lod_get(&at, end, &value) && !walk->has_any)
		walk->fill = (int64_t)value;
	while (lod_get(&at, end, &value) && time_ns < walk->until_ns) {
		time_ns += (int64_t)(value >> 1);
		end_stretch(walk, time_ns);
		walk->fill += value & 1 ? -1 : 1;
		walk->begins = !(value & 1);
		walk->at_ns = time_ns;
		walk->has_any = true;
	}
	return time_ns < walk->until_ns;
}

int timeline_fill_visit(struct timeline *timeline, int lane, int64_t from_ns, int64_t until_ns, timeline_fill_fn *visit, void *user,
	struct error *error)
{
	struct timeline_store *store = timeline->store;
	struct db_stmt *before = store->stmts[TIMELINE_FILL_BEFORE], *stmt = store->stmts[TIMELINE_FILL];
	struct fill_walk walk = { .from_ns = from_ns, .until_ns = until_ns, .visit = visit, .user = user };
	bool has_row = false;
	int64_t first_ns = INT64_MIN;
	db_bind_int(before, 1, store->sources[lane].id);
	db_bind_int(before, 2, from_ns);
	int status = db_step(before, &has_row, error);
	if (status == STATUS_OK && has_row && db_column_type(before, 0) != DB_NULL)
		first_ns = db_column_int(before, 0);
	db_reset(before);
	db_bind_int(stmt, 1, store->sources[lane].id);
	db_bind_int(stmt, 2, first_ns);
	while (status == STATUS_OK && (status = db_step(stmt, &has_row, error)) == STATUS_OK && has_row) {
		size_t n_bytes = 0;
		const void *data = db_column_blob(stmt, 1, &n_bytes);
		if (!read_run(&walk, db_column_int(stmt, 0), data, n_bytes))
			break;
	}
	db_reset(stmt);
	end_stretch(&walk, walk.at_ns);
	return status;
}
