/* SPDX-License-Identifier: Apache-2.0
 *
 * The timeline against sums by brute force: cells at every zoom, fill of channels, spans, search; over generated runs with bursts, long spans,
 * gaps and losses.
 */
#include "traces/timeline.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/attributes.h"
#include "tests/traces/crowd.h"
#include "traces/critical_run.h"
#include "traces/opstats.h"
#include "traces/timeline_path.h"

#define CELLS_MAX 600

static void require(int status, const struct error *error)
{
	cr_assert(status == STATUS_OK, "status %d: %s", status, error->text);
}

struct opened {
	struct crowd crowd;
	struct trace *trace;
	struct timeline *timeline;
	struct critical_run run;
};

static void open_crowd(struct opened *opened, const struct crowd_options *options)
{
	struct error error = { 0 };
	crowd_make(&opened->crowd, options);
	require(trace_open(opened->crowd.synthetic.file, &error, &opened->trace), &error);
	require(timeline_open(opened->trace, 0, NULL, NULL, &error, &opened->timeline), &error);
	require(critical_run_load(opened->trace->db, 1, &error, &opened->run), &error);
}

static void close_crowd(struct opened *opened)
{
	critical_run_finish(&opened->run);
	timeline_close(opened->timeline);
	trace_close(opened->trace);
	crowd_finish(&opened->crowd);
}

static const struct crowd_options crowds[] = {
	{ .name = "few", .n_executions = 5, .seed = 1 },
	{ .name = "even", .n_executions = 1200, .seed = 2 },
	{ .name = "with stalls", .n_executions = 1500, .seed = 3, .stall_one_in = 400 },
	{ .name = "bursts", .n_executions = 1500, .seed = 4, .pause_one_in = 50 },
	{ .name = "with losses", .n_executions = 1200, .seed = 5, .pause_one_in = 100, .lose_one_in = 17 },
	{ .name = "unfinished", .n_executions = 1500, .seed = 7, .pause_one_in = 200, .stall_one_in = 400, .is_unfinished = true },
	{ .name = "all of it", .n_executions = 2000, .seed = 6, .pause_one_in = 300, .lose_one_in = 50, .stall_one_in = 500 },
};

/* What the cells of a window must be. */
struct brute {
	struct timeline_cell cells[CELLS_MAX];
};

static void brute_add(struct timeline_cell *cells, int n, int64_t from_ns, int64_t width_ns, enum phase phase, int64_t start_ns, int64_t end_ns)
{
	int64_t until_ns = from_ns + n * width_ns;
	start_ns = start_ns < from_ns ? from_ns : start_ns;
	end_ns = end_ns > until_ns ? until_ns : end_ns;
	while (start_ns < end_ns) {
		int64_t i = (start_ns - from_ns) / width_ns, next_ns = from_ns + (i + 1) * width_ns;
		next_ns = next_ns < end_ns ? next_ns : end_ns;
		cells[i].ns[phase] += next_ns - start_ns;
		if (next_ns - start_ns > cells[i].top_ns)
			cells[i].top_ns = next_ns - start_ns;
		start_ns = next_ns;
	}
}

static void brute_make(struct brute *brute, const struct critical_run *run, int lane, int64_t from_ns, int64_t width_ns, int n)
{
	memset(brute, 0, sizeof(*brute));
	for (int64_t i = run->lanes[lane]; i < run->lanes[lane + 1]; i++) {
		const struct critical_op *op = &run->ops[i];
		int64_t at_ns = op->start_ns;
		if (op->start_ns >= from_ns && op->start_ns < from_ns + n * width_ns) {
			struct timeline_cell *cell = &brute->cells[(op->start_ns - from_ns) / width_ns];
			cell->n_spans++;
			if (op->end_ns - op->start_ns > cell->longest_ns)
				cell->longest_ns = op->end_ns - op->start_ns;
		}
		for (uint32_t k = 0; k < op->n_pieces; k++) {
			const struct critical_piece *piece = &run->pieces[op->first_piece + k];
			brute_add(brute->cells, n, from_ns, width_ns, (enum phase)piece->phase, at_ns, piece->end_ns);
			at_ns = piece->end_ns;
		}
	}
}

static void expect_equal(const char *name, int lane, struct timeline_scale scale, int i, const struct timeline_cell *is,
	const struct timeline_cell *should)
{
	int64_t width_ns = timeline_scale_ns(scale);
	for (int phase = 0; phase < PHASE_COUNT; phase++)
		cr_assert_eq(is->ns[phase], should->ns[phase], "%s: lane %d scale %d << %d cell %d %s: %lld ns, not %lld", name, lane,
			scale.m, scale.s, i, phase_word((enum phase)phase), (long long)is->ns[phase], (long long)should->ns[phase]);
	cr_assert_eq(is->n_spans, should->n_spans, "%s: lane %d scale %d << %d cell %d: %lld spans, not %lld", name, lane, scale.m, scale.s,
		i, (long long)is->n_spans, (long long)should->n_spans);
	cr_assert_eq(is->longest_ns, should->longest_ns, "%s: lane %d scale %d << %d cell %d: longest %lld, not %lld", name, lane, scale.m,
		scale.s, i, (long long)is->longest_ns, (long long)should->longest_ns);
	cr_assert(is->top_ns <= should->top_ns, "%s: lane %d scale %d << %d cell %d: top %lld, at most %lld", name, lane, scale.m, scale.s, i,
		(long long)is->top_ns, (long long)should->top_ns);
	if (2 * should->top_ns >= width_ns)
		cr_assert(is->top_ns >= should->top_ns - width_ns / 5, "%s: lane %d scale %d << %d cell %d: top %lld, not %lld", name, lane,
			scale.m, scale.s, i, (long long)is->top_ns, (long long)should->top_ns);
}

static void check_window(struct opened *opened, const char *name, int lane, struct timeline_scale scale, int64_t from_ns, int n)
{
	static struct timeline_cell cells[CELLS_MAX];
	static struct brute brute;
	struct error error = { 0 };
	require(timeline_cells(opened->timeline, lane, scale, from_ns, n, cells, &error), &error);
	brute_make(&brute, &opened->run, lane, from_ns, timeline_scale_ns(scale), n);
	for (int i = 0; i < n; i++)
		expect_equal(name, lane, scale, i, &cells[i], &brute.cells[i]);
}

/* Over the whole run every ns and every span counts once, at each zoom that has not too many columns. */
Test(timeline, cells_of_the_whole_run)
{
	for (size_t k = 0; k < ARRAY_LEN(crowds); k++) {
		struct opened opened;
		open_crowd(&opened, &crowds[k]);
		const struct timeline *timeline = opened.timeline;
		struct timeline_scale scale = timeline_scale_fit(timeline->end_ns - timeline->origin_ns + 1, CELLS_MAX / 2);
		for (int step = 0; step < 40; step++) {
			int64_t from_ns = timeline_snap(timeline, scale, timeline->origin_ns);
			int n = (int)((timeline->end_ns - from_ns) / timeline_scale_ns(scale)) + 1;
			for (int lane = 0; lane < opened.run.n_workers && n <= CELLS_MAX; lane++)
				check_window(&opened, crowds[k].name, lane, scale, from_ns, n);
			scale = timeline_scale_step(scale, 1);
		}
		close_crowd(&opened);
	}
}

Test(timeline, cells_of_windows_at_every_zoom)
{
	for (size_t k = 0; k < ARRAY_LEN(crowds); k++) {
		struct opened opened;
		unsigned state = 7;
		open_crowd(&opened, &crowds[k]);
		const struct timeline *timeline = opened.timeline;
		struct timeline_scale scale = { 1, 0 };
		for (; timeline_scale_ns(scale) * 80 < timeline->end_ns - timeline->origin_ns; scale = timeline_scale_step(scale, 3)) {
			for (int i = 0; i < 4; i++) {
				state = state * 1103515245u + 12345u;
				int64_t at_ns = timeline->origin_ns
					+ (int64_t)((double)(state >> 8) / (1 << 24) * (double)(timeline->end_ns - timeline->origin_ns));
				check_window(&opened, crowds[k].name, (int)(state >> 20) % opened.run.n_workers, scale,
					timeline_snap(timeline, scale, at_ns), 90);
			}
		}
		close_crowd(&opened);
	}
}

/* A message of a channel, matched by looking at every op. */
static int find_messages(const struct critical_run *run, int writer, const bool *readers, struct opstats_message *messages)
{
	int n = 0;
	for (int64_t i = 0; i < run->nodes[writer].n_ops; i++) {
		const struct critical_op *op = &run->ops[run->nodes[writer].ops[i]];
		struct opstats_message message = { .written_ns = op->end_ns, .released_ns = INT64_MIN };
		bool is_whole = true;
		if (writer != 0 && op->n_pieces && run->pieces[op->first_piece + op->n_pieces - 1].phase == PHASE_WRITE)
			message.written_ns = op->n_pieces > 1 ? run->pieces[op->first_piece + op->n_pieces - 2].end_ns : op->start_ns;
		for (int node = 0; node < run->n_nodes && is_whole; node++) {
			if (!readers[node])
				continue;
			const struct critical_op *reader = critical_run_find(run, node, op->execution);
			is_whole = reader != NULL;
			if (!reader)
				continue;
			int64_t handed_ns = reader->end_ns;
			if (reader->n_pieces && run->pieces[reader->first_piece + reader->n_pieces - 1].phase == PHASE_WRITE)
				handed_ns = reader->n_pieces > 1 ? run->pieces[reader->first_piece + reader->n_pieces - 2].end_ns
					: reader->start_ns;
			message.released_ns = handed_ns > message.released_ns ? handed_ns : message.released_ns;
		}
		if (is_whole && message.released_ns >= message.written_ns)
			messages[n++] = message;
	}
	return n;
}

static void check_fill(struct opened *opened, const char *name, int lane, struct timeline_scale scale,
	const struct opstats_message *messages, int n_messages)
{
	static struct timeline_cell cells[CELLS_MAX];
	struct error error = { 0 };
	const struct timeline *timeline = opened->timeline;
	int64_t from_ns = timeline_snap(timeline, scale, timeline->origin_ns), width_ns = timeline_scale_ns(scale);
	int n = (int)((timeline->end_ns - from_ns) / width_ns) + 1, n_released = 0;
	static double area[CELLS_MAX];
	if (n > CELLS_MAX)
		return;
	require(timeline_cells(opened->timeline, lane, scale, from_ns, n, cells, &error), &error);
	memset(area, 0, sizeof(area));
	static int64_t max[CELLS_MAX];
	memset(max, 0, sizeof(max));
	for (int i = 0; i < n_messages; i++) {
		for (int64_t c = (messages[i].written_ns - from_ns) / width_ns; c <= (messages[i].released_ns - from_ns) / width_ns; c++) {
			int64_t start_ns = from_ns + c * width_ns, end_ns = start_ns + width_ns;
			int64_t a = messages[i].written_ns > start_ns ? messages[i].written_ns : start_ns;
			int64_t b = messages[i].released_ns < end_ns ? messages[i].released_ns : end_ns;
			area[c] += (double)(b - a);
		}
		while (n_released < i && messages[n_released].released_ns <= messages[i].written_ns)
			n_released++;
		int64_t c = (messages[i].written_ns - from_ns) / width_ns;
		max[c] = i + 1 - n_released > max[c] ? i + 1 - n_released : max[c];
	}
	for (int c = 0; c < n; c++) {
		if (isnan(cells[c].fill_mean)) {
			cr_assert_eq(area[c], 0, "%s: lane %d cell %d has messages, but no fill", name, lane, c);
			continue;
		}
		cr_assert_float_eq(cells[c].fill_mean, area[c] / (double)width_ns, 1e-9, "%s: lane %d scale %d << %d cell %d: %g, not %g", name,
			lane, scale.m, scale.s, c, cells[c].fill_mean, area[c] / (double)width_ns);
		cr_assert(cells[c].fill_max >= max[c], "%s: lane %d scale %d << %d cell %d: at most %lld, but %lld", name, lane, scale.m, scale.s,
			c, (long long)cells[c].fill_max, (long long)max[c]);
	}
}

Test(timeline, fill_of_channels)
{
	for (size_t k = 0; k < ARRAY_LEN(crowds); k++) {
		struct opened opened;
		open_crowd(&opened, &crowds[k]);
		const struct timeline *timeline = opened.timeline;
		struct opstats_message *messages = calloc((size_t)crowds[k].n_executions + 1, sizeof(*messages));
		int n_channels = crowds[k].is_unfinished ? 6 : 0; /* what was under way at its end is not known */
		for (int lane = crowds[k].is_unfinished ? timeline->n_lanes : 0; lane < timeline->n_lanes; lane++) {
			bool readers[64] = { false };
			int64_t mean_max = 0;
			double mean = 0;
			if (timeline->lanes[lane].kind != TIMELINE_CHANNEL)
				continue;
			for (int i = 0; i < timeline->n_edges; i++)
				readers[timeline->edges[i].dst] |= timeline->edges[i].channel == lane;
			int n = find_messages(&opened.run, timeline->lanes[lane].writer, readers, messages);
			opstats_fill(messages, n, &mean, &mean_max);
			struct timeline_scale scale = timeline_scale_fit(timeline->end_ns - timeline->origin_ns + 1, CELLS_MAX / 2);
			for (int step = 0; step < 40; step++, scale = timeline_scale_step(scale, 1))
				check_fill(&opened, crowds[k].name, lane, scale, messages, n);
			n_channels++;
		}
		cr_assert(n_channels >= 6, "%d channels", n_channels);
		free(messages);
		close_crowd(&opened);
	}
}

/* The next span on some lane that fits, by looking at all of them. */
static const struct critical_op *brute_search(const struct critical_run *run, int phase, int64_t least_ns, int64_t from_ns, int direction)
{
	const struct critical_op *best = NULL;
	for (int64_t i = 0; i < run->n_ops; i++) {
		const struct critical_op *op = &run->ops[i];
		int64_t ns = phase == TIMELINE_NONE ? op->end_ns - op->start_ns : 0, at_ns = op->start_ns;
		for (uint32_t k = 0; k < op->n_pieces && phase != TIMELINE_NONE; k++) {
			const struct critical_piece *piece = &run->pieces[op->first_piece + k];
			ns += piece->phase == phase ? piece->end_ns - at_ns : 0;
			at_ns = piece->end_ns;
		}
		if (ns < least_ns || ns == 0 || (op->start_ns - from_ns) * direction <= 0)
			continue;
		if (!best || (op->start_ns - best->start_ns) * direction < 0)
			best = op;
	}
	return best;
}

Test(timeline, search_finds_what_looking_at_all_finds)
{
	static const struct {
		int phase;
		int64_t least_ns;
	} queries[] = { { TIMELINE_NONE, 1 }, { TIMELINE_NONE, 2000000 }, { PHASE_COMPUTE, 300000 }, { PHASE_STARVED, 250000 },
		{ PHASE_IDLE, 5000000 }, { PHASE_READ, 89 }, { PHASE_WRITE, 190 } };
	for (size_t k = 0; k < ARRAY_LEN(crowds); k++) {
		struct opened opened;
		struct error error = { 0 };
		open_crowd(&opened, &crowds[k]);
		for (size_t q = 0; q < ARRAY_LEN(queries); q++) {
			struct timeline_query query = { .phase = queries[q].phase, .least_ns = queries[q].least_ns, .execution = TIMELINE_NONE };
			for (int direction = 1; direction >= -1; direction -= 2) {
				int64_t at_ns = direction > 0 ? opened.timeline->origin_ns - 1 : opened.timeline->end_ns + 1;
				for (int i = 0; i < 9; i++) {
					struct timeline_span span;
					bool has_found = false;
					const struct critical_op *op = brute_search(&opened.run, query.phase, query.least_ns, at_ns, direction);
					require(timeline_search(opened.timeline, &query, at_ns, direction, NULL, &span, &has_found, &error), &error);
					cr_assert_eq(has_found, op != NULL, "%s: query %zu hit %d: %d", crowds[k].name, q, i, has_found);
					if (!has_found)
						break;
					cr_assert_eq(span.start_ns, op->start_ns, "%s: query %zu hit %d: at %lld, not %lld", crowds[k].name, q,
						i, (long long)span.start_ns, (long long)op->start_ns);
					at_ns = span.start_ns;
				}
			}
		}
		close_crowd(&opened);
	}
}

Test(timeline, single_spans)
{
	for (size_t k = 0; k < ARRAY_LEN(crowds); k++) {
		struct opened opened;
		struct error error = { 0 };
		open_crowd(&opened, &crowds[k]);
		struct timeline *timeline = opened.timeline;
		int64_t n = 0;
		for (int lane = 0; lane < opened.run.n_workers; lane++) {
			struct timeline_span span = { .lane = lane, .start_ns = INT64_MIN }, next, back;
			bool has_found = true;
			int64_t first = opened.run.lanes[lane], last = opened.run.lanes[lane + 1];
			for (int64_t i = first; i < last && i < first + 2500; i++, span = next) {
				const struct critical_op *op = &opened.run.ops[i];
				require(timeline_next(timeline, &span, 1, &next, &has_found, &error), &error);
				cr_assert(has_found, "%s: no span behind number %lld", crowds[k].name, (long long)i);
				cr_assert_eq(next.start_ns, op->start_ns, "%s: lane %d number %lld at %lld, not %lld", crowds[k].name, lane,
					(long long)i, (long long)next.start_ns, (long long)op->start_ns);
				n++;
				if (i > first) {
					require(timeline_next(timeline, &next, -1, &back, &has_found, &error), &error);
					cr_assert(has_found && back.row == span.row && back.is_op == span.is_op, "%s: back to %lld, not %lld",
						crowds[k].name, (long long)back.row, (long long)span.row);
				}
				require(timeline_at(timeline, lane, op->start_ns, &back, &has_found, &error), &error);
				cr_assert(has_found || op->start_ns == op->end_ns, "%s: nothing at %lld", crowds[k].name, (long long)op->start_ns);
				if (!next.is_op || i % 7)
					continue;
				require(timeline_op(timeline, next.node, next.execution, &back, &has_found, &error), &error);
				cr_assert(has_found && back.row == next.row, "%s: node %d execution %lld", crowds[k].name, next.node,
					(long long)next.execution);
			}
		}
		cr_assert(n > 0, "%s: no spans", crowds[k].name);
		cr_assert_eq(timeline->n_spans, opened.run.n_ops, "%s: %lld spans, not %lld", crowds[k].name, (long long)timeline->n_spans,
			(long long)opened.run.n_ops);
		close_crowd(&opened);
	}
}

Test(timeline, paths_are_those_of_the_whole_run)
{
	for (size_t k = 0; k < ARRAY_LEN(crowds); k++) {
		struct opened opened;
		struct error error = { 0 };
		struct critical_path path = { 0 };
		open_crowd(&opened, &crowds[k]);
		for (int64_t i = 0; i < opened.run.n_executions; i += opened.run.n_executions / 23 + 1) {
			struct timeline_path of;
			bool has_found = false;
			require(critical_path_make(&opened.run, &opened.run.executions[i], &path, &error), &error);
			require(timeline_path_make(opened.timeline, opened.run.executions[i].execution, &of, &has_found, &error), &error);
			cr_assert(has_found && !of.is_cut, "%s: no path of number %lld", crowds[k].name, (long long)i);
			cr_assert_eq(of.n_steps, path.n_steps, "%s: number %lld has %d steps, not %d", crowds[k].name, (long long)i, of.n_steps,
				path.n_steps);
			for (int s = 0; s < of.n_steps; s++)
				cr_assert(of.steps[s].step.start_ns == path.steps[s].start_ns && of.steps[s].step.kind == path.steps[s].kind
					&& of.steps[s].step.role == path.steps[s].role && of.steps[s].step.node == path.steps[s].node,
					"%s: number %lld step %d differs", crowds[k].name, (long long)i, s);
			timeline_path_finish(&of);
		}
		critical_path_finish(&path);
		close_crowd(&opened);
	}
}

/* A pyramid made while recording and one made from the rows afterwards say the same. */
Test(timeline, made_afterwards_it_is_the_same)
{
	struct opened opened;
	struct error error = { 0 };
	struct db *db = NULL;
	int64_t n = 0, n_same = 0;
	open_crowd(&opened, &crowds[ARRAY_LEN(crowds) - 1]);
	cr_assert(!opened.timeline->was_built);
	close_crowd(&opened);
	crowd_make(&opened.crowd, &crowds[ARRAY_LEN(crowds) - 1]);
	require(db_open(opened.crowd.synthetic.file, DB_WRITE, &error, &db), &error);
	require(db_exec(db, "CREATE TABLE kept AS SELECT * FROM lod; DELETE FROM lod; DELETE FROM lod_lane; DELETE FROM lod_rows;"
		" DELETE FROM lod_fill", &error), &error);
	db_close(db);
	require(trace_open(opened.crowd.synthetic.file, &error, &opened.trace), &error);
	require(timeline_open(opened.trace, 0, NULL, NULL, &error, &opened.timeline), &error);
	cr_assert(opened.timeline->was_built);
	require(db_get_int(opened.trace->db, "SELECT count(*) FROM main.kept", &n, &error), &error);
	require(db_get_int(opened.trace->db, "SELECT count(*) FROM main.kept k JOIN temp.lod l ON l.lane = k.lane AND l.level = k.level"
		" AND l.block = k.block AND l.data = k.data", &n_same, &error), &error);
	cr_assert(n > 20 && n_same == n, "%lld of %lld blocks are the same", (long long)n_same, (long long)n);
	int64_t n_before = opened.timeline->n_spans;
	bool has_grown = true;
	require(timeline_refresh(opened.timeline, &has_grown, &error), &error);
	cr_assert(!has_grown, "nothing came, but it has grown");
	require(db_open(opened.crowd.synthetic.file, DB_WRITE, &error, &db), &error);
	require(db_exec(db, "INSERT INTO op_event(run, lane, node, execution, start_ns, duration_ns, status) SELECT run, lane, node,"
		" execution + 1000000, start_ns + 1000000000000, duration_ns, status FROM op_event WHERE execution < 30", &error), &error);
	require(db_get_int(db, "SELECT changes()", &n, &error), &error);
	db_close(db);
	require(timeline_refresh(opened.timeline, &has_grown, &error), &error);
	cr_assert(has_grown && n > 0 && opened.timeline->n_spans == n_before + n, "%lld spans, not %lld + %lld",
		(long long)opened.timeline->n_spans, (long long)n_before, (long long)n);
	for (int node = 0; node < opened.timeline->n_nodes; node++) { /* the durations came without phases */
		struct timeline_span before, after;
		bool has_before = false, has_after = false;
		require(timeline_op(opened.timeline, node, 7, &before, &has_before, &error), &error);
		require(timeline_op(opened.timeline, node, 1000007, &after, &has_after, &error), &error);
		cr_assert(has_before == has_after && (!has_after || after.duration_ns == before.duration_ns), "node %d: %lld ns, not %lld", node,
			(long long)after.duration_ns, (long long)before.duration_ns);
	}
	timeline_close(opened.timeline);
	trace_close(opened.trace);
	crowd_finish(&opened.crowd);
}
