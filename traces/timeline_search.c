/* SPDX-License-Identifier: Apache-2.0
 *
 * timeline_search: the next span that a query describes. From the top of the pyramid only those cells are entered in which such a span can
 * begin; where rows are to be read, each is looked at.
 */
#include <assert.h>

#include "engine/base/attributes.h"
#include "traces/timeline_private.h"

#define SEARCH_SUMMED_MAX 8 /* cells over which a phase's time is summed to rule a span out */

struct search {
	struct timeline *timeline;
	const struct timeline_query *query;
	const volatile sig_atomic_t *interrupt;
	int lane, direction;
	int64_t after_ns, before_ns; /* a span must begin in (after, before) */
	bool has_found;
	struct timeline_span *span;
	struct error *error;
};

/* A cell or an interval of rows, in which a span may begin. Times are from the grid's origin. */
struct search_part {
	int64_t from_ns, until_ns;
	int64_t longest_ns, phase_ns;
	bool is_rows, is_mixed; /* is_mixed: cells and rows, of a block that is not complete: to be entered */
	bool has_spans, has_failed;
};

/* One block's worth: cells, and rows between them. */
struct search_parts {
	struct search *search;
	struct search_part parts[2 * LOD_BLOCK_CELLS + 2];
	int n, bits; /* bits: of the level's cells */
};

static int search_level(struct search *search, int level, int64_t from_ns, int64_t until_ns);

static bool has_text(const uint8_t *texts, int64_t n_texts, int64_t text)
{
	return !texts || (text > 0 && text <= n_texts && texts[text]);
}

bool timeline_query_fits(const struct timeline_query *query, const struct timeline_span *span)
{
	int64_t ns = query->phase == TIMELINE_NONE ? span->duration_ns : span->phase_ns[query->phase];
	int kind = span->kind - SPAN_KIND_OP;
	if (query->nodes && (span->node == TIMELINE_NONE || !query->nodes[span->node]))
		return false;
	if (query->lanes && (span->lane < 0 || !query->lanes[span->lane]))
		return false;
	if (query->execution != TIMELINE_NONE && span->execution != query->execution)
		return false;
	if (query->only_failed && !(span->is_op && span->status))
		return false;
	if (query->phase != TIMELINE_NONE && ns <= 0)
		return false;
	if (query->kinds && (kind < 0 || kind >= 32 || !(query->kinds & 1u << kind)))
		return false;
	bool is_called = has_text(query->names, query->n_texts, span->name)
		|| (span->kind == SPAN_KIND_KERNEL && has_text(query->names, query->n_texts, span->category)); /* the long name */
	if (!is_called || !has_text(query->categories, query->n_texts, span->category))
		return false;
	return ns >= query->least_ns && (query->most_ns == 0 || ns <= query->most_ns);
}

static bool fits(const struct search *search, const struct timeline_span *span)
{
	return span->start_ns > search->after_ns && span->start_ns < search->before_ns && timeline_query_fits(search->query, span);
}

static bool look_at_row(void *user, const struct timeline_row *row, const struct timeline_piece *pieces)
{
	struct search *search = user;
	struct timeline_span span = timeline_span_of(row, pieces);
	if (!fits(search, &span))
		return !*search->interrupt;
	if (search->has_found && (span.start_ns - search->span->start_ns) * search->direction >= 0)
		return false;
	*search->span = span;
	search->has_found = true;
	return false;
}

static int search_rows(struct search *search, int64_t from_ns, int64_t until_ns)
{
	int64_t grid_ns = search->timeline->store->grid_ns;
	int status = STATUS_OK;
	for (int source = LOD_OPS; source <= LOD_SPANS && status == STATUS_OK && !*search->interrupt; source++)
		status = timeline_rows_visit(search->timeline, search->lane, (enum lod_source)source, grid_ns + from_ns, grid_ns + until_ns,
			search->direction, look_at_row, search, search->error);
	return status;
}

/* What lies in one cell of the level becomes one part. */
static void keep(struct search_parts *parts, const struct search_part *part)
{
	struct search_part *last = parts->n ? &parts->parts[parts->n - 1] : NULL;
	if (!last || last->from_ns >> parts->bits != part->from_ns >> parts->bits) {
		assert(parts->n < (int)ARRAY_LEN(parts->parts));
		parts->parts[parts->n++] = *part;
		return;
	}
	last->is_mixed |= part->is_mixed || last->is_rows != part->is_rows;
	last->is_rows &= part->is_rows;
	last->until_ns = part->until_ns;
	last->longest_ns = part->longest_ns > last->longest_ns ? part->longest_ns : last->longest_ns;
	last->phase_ns += part->phase_ns;
	last->has_spans |= part->has_spans;
	last->has_failed |= part->has_failed;
}

static bool keep_cell(void *user, int level, int64_t start_ns, const struct lod_cell *cell)
{
	struct search_parts *parts = user;
	int phase = parts->search->query->phase;
	struct search_part part = { .from_ns = start_ns, .until_ns = start_ns + (INT64_C(1) << lod_cell_bits(level)),
		.longest_ns = cell->longest_ns, .has_spans = cell->n_spans > 0, .has_failed = cell->has_failed,
		.phase_ns = phase != TIMELINE_NONE && cell->mask & (1u << phase) ? cell->ns[phase] : 0 };
	keep(parts, &part);
	return true;
}

static int keep_rows(void *user, int64_t from_ns, int64_t until_ns, struct error *error)
{
	(void)error;
	keep(user, &(struct search_part){ .from_ns = from_ns, .until_ns = until_ns, .is_rows = true });
	return STATUS_OK;
}

/* Whether a span that fits can begin in the part. Its time in a phase lies in as many parts as it is long. */
static bool is_possible(const struct search_parts *parts, int i)
{
	const struct timeline_query *query = parts->search->query;
	const struct search_part *part = &parts->parts[i];
	if (part->is_rows || part->is_mixed)
		return true;
	if (!part->has_spans || part->longest_ns < query->least_ns || (query->only_failed && !part->has_failed))
		return false;
	if (query->phase == TIMELINE_NONE)
		return true;
	int64_t end_ns = part->until_ns + part->longest_ns, phase_ns = 0, needed_ns = query->least_ns > 0 ? query->least_ns : 1;
	for (int k = i; k < i + SEARCH_SUMMED_MAX; k++) {
		if (k == parts->n || parts->parts[k].is_rows || parts->parts[k].is_mixed)
			return true;
		if (parts->parts[k].from_ns >= end_ns)
			return phase_ns >= needed_ns;
		phase_ns += parts->parts[k].phase_ns;
	}
	return true;
}

static int search_part(struct search *search, int level, const struct search_part *part)
{
	if (part->is_rows || level == 0)
		return search_rows(search, part->from_ns, part->until_ns);
	return search_level(search, level - 1, part->from_ns, part->until_ns);
}

static int search_block(struct search *search, int level, int64_t from_ns, int64_t until_ns)
{
	struct search_parts parts = { .search = search, .bits = lod_cell_bits(level) };
	const struct timeline_parts take = { &parts, keep_cell, keep_rows };
	int status = timeline_walk(search->timeline, search->lane, level, from_ns, until_ns, &take, search->error);
	for (int k = 0; k < parts.n && status == STATUS_OK && !search->has_found && !*search->interrupt; k++) {
		int i = search->direction > 0 ? k : parts.n - 1 - k;
		if (is_possible(&parts, i))
			status = search_part(search, level, &parts.parts[i]);
	}
	return status;
}

/* Block by block in the direction. */
static int search_level(struct search *search, int level, int64_t from_ns, int64_t until_ns)
{
	int bits = lod_block_bits(level);
	int64_t first = from_ns >> bits, last = (until_ns - 1) >> bits;
	int status = STATUS_OK;
	for (int64_t k = 0; k <= last - first && status == STATUS_OK && !search->has_found && !*search->interrupt; k++) {
		int64_t block = search->direction > 0 ? first + k : last - k;
		int64_t start_ns = block << bits, end_ns = (block + 1) << bits;
		status = search_block(search, level, start_ns > from_ns ? start_ns : from_ns, end_ns < until_ns ? end_ns : until_ns);
	}
	return status;
}

/* An interval without bounds of its own becomes that of the lane, or of the execution looked for. */
static int bound(struct search *search, int64_t *from_ns, int64_t *until_ns, bool *ret_is_empty)
{
	const struct timeline_lane *lane = &search->timeline->lanes[search->lane];
	struct timeline_execution execution;
	bool has_found = true;
	int status = STATUS_OK;
	*from_ns = lane->first_ns > search->after_ns ? lane->first_ns : search->after_ns;
	*until_ns = lane->last_ns < search->before_ns ? lane->last_ns : search->before_ns;
	if (search->query->execution != TIMELINE_NONE)
		status = timeline_execution(search->timeline, search->query->execution, &execution, &has_found, search->error);
	if (status == STATUS_OK && search->query->execution != TIMELINE_NONE && has_found && execution.end_ns != INT64_MIN
		&& execution.end_ns < *until_ns)
		*until_ns = execution.end_ns;
	*ret_is_empty = lane->first_ns > lane->last_ns || *from_ns > *until_ns;
	return status;
}

/* Cells know nothing of names: where these are all that is asked for, leaves are read one after the other. */
static bool is_for_rows(const struct timeline_query *query)
{
	return (query->names || query->categories || query->kinds) && query->phase == TIMELINE_NONE && !query->only_failed;
}

static int search_lane(struct search *search)
{
	int64_t from_ns = 0, until_ns = 0;
	bool is_empty = false;
	int top = search->timeline->store->sources[search->lane].top;
	int status = bound(search, &from_ns, &until_ns, &is_empty);
	if (status != STATUS_OK || is_empty)
		return status;
	int bits = lod_cell_bits(top);
	from_ns = timeline_grid(search->timeline, from_ns) >> bits << bits;
	if (is_for_rows(search->query))
		return search_rows(search, from_ns, timeline_grid(search->timeline, until_ns) + 1);
	return search_level(search, top, from_ns, timeline_grid(search->timeline, until_ns) + 1);
}

/* Whether an op of a node that is wanted can be on the lane: a host's holds only its own. */
static bool has_nodes(const struct timeline *timeline, const struct timeline_query *query, int lane)
{
	if (!query->nodes || timeline->lanes[lane].kind != TIMELINE_HOST)
		return true;
	for (int node = 0; node < timeline->n_nodes; node++) {
		if (query->nodes[node] && (timeline->nodes[node].lane == lane || timeline->nodes[node].lane == TIMELINE_NONE))
			return true;
	}
	return false;
}

int timeline_search(struct timeline *timeline, const struct timeline_query *query, int64_t from_ns, int direction,
	const volatile sig_atomic_t *interrupt, struct timeline_span *ret_span, bool *ret_found, struct error *error)
{
	static const volatile sig_atomic_t never;
	struct timeline_span best;
	struct search search = { .timeline = timeline, .query = query, .interrupt = interrupt ? interrupt : &never,
		.direction = direction, .error = error };
	bool has_best = false;
	int status = STATUS_OK;
	for (int lane = 0; lane < timeline->n_lanes && status == STATUS_OK; lane++) {
		struct timeline_span span;
		if (timeline->lanes[lane].kind == TIMELINE_CHANNEL || (query->lanes && !query->lanes[lane]) || !has_nodes(timeline, query, lane))
			continue;
		search.lane = lane;
		search.span = &span;
		search.has_found = false;
		search.after_ns = direction > 0 ? from_ns : has_best ? best.start_ns : INT64_MIN;
		search.before_ns = direction < 0 ? from_ns : has_best ? best.start_ns : INT64_MAX;
		status = search_lane(&search);
		if (status == STATUS_OK && *search.interrupt)
			status = error_set(error, STATUS_STOPPED, "the search was interrupted");
		if (status == STATUS_OK && search.has_found) {
			best = span;
			has_best = true;
		}
	}
	if (status != STATUS_OK)
		return status;
	*ret_found = has_best;
	if (has_best)
		*ret_span = best;
	return STATUS_OK;
}
