/* SPDX-License-Identifier: Apache-2.0
 *
 * The coding of blocks: what goes in comes out, and damaged bytes end in an error rather than in a crash. Overlapping spans on one lane.
 */
#include "traces/lod.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "traces/lod_lane.h"
#include "traces/lod_leaf.h"

static int64_t draw(unsigned *state, int64_t n)
{
	*state = *state * 1103515245u + 12345u;
	return (int64_t)(*state >> 8) % n;
}

static void fill_cells(struct lod_cell *cells, int level, unsigned *state)
{
	int64_t width_ns = INT64_C(1) << lod_cell_bits(level);
	memset(cells, 0, LOD_BLOCK_CELLS * sizeof(*cells));
	for (int i = 0; i < LOD_BLOCK_CELLS; i++) {
		struct lod_stretch stretch = { .cell = -1 };
		struct lod_piece piece = { .start_ns = i * width_ns, .node = (int)draw(state, 9), .execution = draw(state, 1 << 20),
			.is_first = true, .is_failed = draw(state, 9) == 0, .phase = (uint8_t)draw(state, PHASE_COUNT) };
		for (int n = (int)draw(state, 4); n > 0; n--) {
			piece.duration_ns = draw(state, 2 * width_ns);
			piece.end_ns = draw(state, 3) ? piece.start_ns + draw(state, (i + 1) * width_ns - piece.start_ns + 1) : (i + 1) * width_ns;
			lod_cells_add(cells, &stretch, level, &piece);
			piece.start_ns = piece.end_ns;
			piece.phase = (uint8_t)draw(state, PHASE_COUNT);
			if (piece.start_ns == (i + 1) * width_ns)
				break;
		}
	}
}

Test(lod, blocks_come_out_as_they_went_in)
{
	static struct lod_cell cells[LOD_BLOCK_CELLS];
	static uint8_t data[LOD_BLOCK_BYTES_MAX];
	unsigned state = 1;
	for (int round = 0; round < 400; round++) {
		struct lod_decoder decoder;
		struct lod_cell cell;
		int level = round % LOD_LEVELS_MAX, idx = 0, n = 0;
		fill_cells(cells, level, &state);
		lod_decode_begin(&decoder, data, lod_encode(cells, level, data), level);
		for (; lod_decode_next(&decoder, &idx, &cell); n++) {
			const struct lod_cell *should = &cells[idx];
			cr_assert_eq(cell.mask, should->mask, "round %d cell %d: phases %x, not %x", round, idx, cell.mask, should->mask);
			for (int phase = 0; phase < PHASE_COUNT; phase++)
				cr_assert(!(cell.mask & (1u << phase)) || cell.ns[phase] == should->ns[phase], "round %d cell %d", round, idx);
			cr_assert(cell.n_spans == should->n_spans && cell.longest_ns == should->longest_ns
				&& cell.has_failed == should->has_failed, "round %d cell %d: begins", round, idx);
			bool has_top = should->top_ns && 2 * should->top_ns >= INT64_C(1) << lod_cell_bits(level);
			cr_assert(!has_top ? cell.top_ns == 0 : cell.top_ns == should->top_ns && cell.top_node == should->top_node
				&& cell.top_execution == should->top_execution && cell.top_phase == should->top_phase,
				"round %d cell %d: top %lld, not %lld", round, idx, (long long)cell.top_ns, (long long)should->top_ns);
		}
		cr_assert(!decoder.is_damaged && n > 0, "round %d: damaged after %d cells", round, n);
	}
}

Test(lod, damaged_blocks_are_refused_or_read)
{
	static struct lod_cell cells[LOD_BLOCK_CELLS];
	static uint8_t data[LOD_BLOCK_BYTES_MAX];
	unsigned state = 5;
	int n_refused = 0;
	for (int round = 0; round < 3000; round++) {
		struct lod_decoder decoder;
		struct lod_cell cell;
		int idx = 0;
		fill_cells(cells, 2, &state);
		size_t n_bytes = lod_encode(cells, 2, data);
		for (int64_t n = 1 + draw(&state, 4); n > 0; n--)
			data[draw(&state, (int64_t)n_bytes)] = (uint8_t)draw(&state, 256);
		lod_decode_begin(&decoder, data, (size_t)draw(&state, (int64_t)n_bytes + 1), 2);
		while (lod_decode_next(&decoder, &idx, &cell))
			cr_assert(idx >= 0 && idx < LOD_BLOCK_CELLS && cell.mask >> PHASE_COUNT == 0, "round %d: cell %d", round, idx);
		n_refused += decoder.is_damaged;
	}
	cr_assert(n_refused > 1000, "%d of 3000", n_refused);
}

/* -- leaves ------------------------------------------------------------------------------------------------------------------ */

#define LEAF_ROWS 200

struct leaf_rows {
	struct lod_leaf_row rows[LEAF_ROWS];
	struct lod_form forms[LEAF_ROWS];
	int64_t phase_ns[LEAF_ROWS][PHASE_COUNT];
};

/* Ops and spans of every kind, with long and negative distances. */
static void fill_rows(struct leaf_rows *rows, unsigned *state)
{
	int64_t row = 1 + draw(state, 1 << 20), at_ns = draw(state, 1 << 20) - (1 << 19);
	memset(rows->forms, 0, sizeof(rows->forms));
	for (int i = 0; i < LEAF_ROWS; i++) {
		struct lod_form *form = &rows->forms[i];
		bool is_op = draw(state, 3) != 0;
		*form = (struct lod_form){ .node = (int)draw(state, 9) - 1, .edge = LOD_NONE, .peer = LOD_NONE, .cause = LOD_NONE,
			.kind = is_op ? SPAN_KIND_OP : (int16_t)draw(state, PHASE_COUNT), .has_duration = !is_op || draw(state, 9) == 0,
			.status = is_op ? (uint8_t)draw(state, 3) : 0, .n_phases = is_op ? (uint8_t)draw(state, 4) : 0 };
		if (!is_op && draw(state, 2)) {
			form->edge = (int)draw(state, 40) - 1;
			form->peer = (int)draw(state, 4) - 1;
			form->cause = (int)draw(state, PHASE_COUNT);
			form->has_bytes = draw(state, 2);
		}
		int64_t sum_ns = 0;
		for (int k = 0; k < form->n_phases; k++) {
			form->phases[k] = (uint8_t)(3 * k + draw(state, 3));
			sum_ns += rows->phase_ns[i][k] = draw(state, 9) ? draw(state, 3000) : draw(state, 1 << 24) * 1000;
		}
		row += draw(state, 9) ? 1 : draw(state, 5000) + 1;
		at_ns += draw(state, 3) ? 0 : draw(state, 9000) - 1000;
		rows->rows[i] = (struct lod_leaf_row){ .row = row, .start_ns = at_ns, .execution = draw(state, 5) ? i / 4 : LOD_NONE,
			.duration_ns = form->has_duration ? draw(state, 1 << 20) : sum_ns, .bytes = form->has_bytes ? draw(state, 1 << 20) : -1,
			.form = form, .phase_ns = rows->phase_ns[i] };
		at_ns += rows->rows[i].duration_ns;
	}
}

static void code_rows(const struct leaf_rows *rows, struct lod_leaf *leaf)
{
	struct error error = { 0 };
	lod_leaf_begin(leaf, rows->rows[0].row);
	for (int i = 0; i < LEAF_ROWS; i++)
		cr_assert_eq(lod_leaf_add(leaf, &rows->rows[i], &error), STATUS_OK, "%s", error.text);
}

Test(lod, rows_come_out_as_they_went_in)
{
	static struct leaf_rows rows;
	static struct lod_leaf leaf;
	static struct lod_leaf_reader reader;
	unsigned state = 3;
	for (int round = 0; round < 200; round++) {
		struct lod_leaf_row row;
		int n = 0;
		fill_rows(&rows, &state);
		code_rows(&rows, &leaf);
		lod_leaf_read_begin(&reader, rows.rows[0].row, leaf.data, leaf.n_bytes);
		for (; lod_leaf_read_next(&reader, &row); n++) {
			const struct lod_leaf_row *should = &rows.rows[n];
			cr_assert(row.row == should->row && row.start_ns == should->start_ns && row.duration_ns == should->duration_ns,
				"round %d row %d: %lld at %lld for %lld, not %lld at %lld for %lld", round, n, (long long)row.row,
				(long long)row.start_ns, (long long)row.duration_ns, (long long)should->row, (long long)should->start_ns,
				(long long)should->duration_ns);
			cr_assert(row.execution == should->execution && row.bytes == should->bytes, "round %d row %d: execution %lld, not %lld",
				round, n, (long long)row.execution, (long long)should->execution);
			cr_assert(memcmp(row.form, should->form, sizeof(*row.form)) == 0, "round %d row %d: another form", round, n);
			cr_assert(memcmp(row.phase_ns, should->phase_ns, row.form->n_phases * sizeof(*row.phase_ns)) == 0,
				"round %d row %d: other phases", round, n);
		}
		cr_assert(n == LEAF_ROWS && !reader.is_damaged, "round %d: %d rows", round, n);
	}
	lod_leaf_finish(&leaf);
}

Test(lod, damaged_leaves_are_refused_or_read)
{
	static struct leaf_rows rows;
	static struct lod_leaf leaf;
	static struct lod_leaf_reader reader;
	unsigned state = 11;
	int n_refused = 0;
	for (int round = 0; round < 2000; round++) {
		struct lod_leaf_row row;
		fill_rows(&rows, &state);
		code_rows(&rows, &leaf);
		for (int64_t n = 1 + draw(&state, 4); n > 0; n--)
			leaf.data[draw(&state, (int64_t)leaf.n_bytes)] = (uint8_t)draw(&state, 256);
		lod_leaf_read_begin(&reader, 1, leaf.data, (size_t)draw(&state, (int64_t)leaf.n_bytes + 1));
		while (lod_leaf_read_next(&reader, &row)) {
			cr_assert(row.form->n_phases <= PHASE_COUNT && row.duration_ns >= 0, "round %d: %d phases, %lld ns", round,
				row.form->n_phases, (long long)row.duration_ns);
			for (int k = 0; k < row.form->n_phases; k++)
				cr_assert(row.form->phases[k] < PHASE_COUNT && row.phase_ns[k] >= 0, "round %d: phase %d for %lld ns", round,
					row.form->phases[k], (long long)row.phase_ns[k]);
		}
		n_refused += reader.is_damaged;
	}
	cr_assert(n_refused > 500, "%d of 2000", n_refused);
	lod_leaf_finish(&leaf);
}

/* -- lanes ------------------------------------------------------------------------------------------------------------------- */

struct sums {
	int64_t ns[LOD_LEVELS_MAX], n_spans[LOD_LEVELS_MAX];
};

static int add_block(void *user, int level, int64_t block, const void *data, size_t n_bytes, struct error *error)
{
	struct sums *sums = user;
	struct lod_decoder decoder;
	struct lod_cell cell;
	int idx = 0;
	lod_decode_begin(&decoder, data, n_bytes, level);
	while (lod_decode_next(&decoder, &idx, &cell)) {
		for (int phase = 0; phase < PHASE_COUNT; phase++)
			sums->ns[level] += cell.mask & (1u << phase) ? cell.ns[phase] : 0;
		sums->n_spans[level] += cell.n_spans;
	}
	return STATUS_OK;
}

/* A device's lane: spans overlap, some for long. At the top nothing is lost. */
Test(lod, overlapping_spans)
{
	for (unsigned seed = 1; seed < 40; seed++) {
		struct lod_lane lane;
		struct sums sums = { 0 };
		struct error error = { 0 };
		unsigned state = seed;
		int64_t at_ns = 0, ns = 0;
		int n = 2000;
		lod_lane_init(&lane, add_block, &sums);
		for (int i = 0; i < n; i++) {
			int64_t duration_ns = draw(&state, 50) ? draw(&state, 3000) : draw(&state, 20000000);
			at_ns += draw(&state, 30) ? draw(&state, 1500) : draw(&state, 5000000);
			struct lod_piece piece = { .start_ns = at_ns, .end_ns = at_ns + duration_ns, .duration_ns = duration_ns, .node = i % 5,
				.execution = i / 5, .phase = PHASE_COMPUTE, .is_first = true };
			cr_assert_eq(lod_lane_add(&lane, &piece, 1, &error), STATUS_OK, "%s", error.text);
			ns += duration_ns;
			int64_t closed_ns = 0;
			if (draw(&state, 20) == 0)
				cr_assert_eq(lod_lane_flush(&lane, &closed_ns, &error), STATUS_OK, "%s", error.text);
		}
		int top = lod_lane_top(&lane);
		cr_assert_eq(lod_lane_close(&lane, &error), STATUS_OK, "%s", error.text);
		cr_assert(sums.ns[top] == ns && sums.n_spans[top] == n, "seed %u: %lld ns in %lld spans, not %lld in %d", seed,
			(long long)sums.ns[top], (long long)sums.n_spans[top], (long long)ns, n);
		lod_lane_finish(&lane);
	}
}
