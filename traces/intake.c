/* SPDX-License-Identifier: Apache-2.0
 *
 * intake: conversion of records, one function a kind, and the sums.
 *
 * An execution is held in memory from its submit to its finish, so that most are one insert. What is in flight at a
 * flush is inserted unfinished and updated later.
 */
#include "traces/intake.h"

#include <stdlib.h>
#include <string.h>

#include "traces/lod_build.h"

#define INTAKE_SAMPLE_NS 250000000
#define INTAKE_SLACK_NS 8.64e13 /* a day */
#define INTAKE_TRIM_NS 1000 /* overlap of neighbours on a lane that is put down to the clocks */
#define INTAKE_OP_SUM PHASE_COUNT /* index of an op's own sum behind those of the phases */

struct intake_lane {
	int64_t row_end_ns, sum_end_ns; /* of the latest op or span */
	int64_t wait_end_ns;            /* of the latest wait that has a row */
	int64_t first_ns, last_ns;      /* of what was summed since the last flush */
};

/* An execution in the sums: submitted and not finished. */
struct intake_counted {
	uint64_t execution;
	int64_t start_ns;
	bool is_open;
};

struct intake_pending {
	struct store_execution row;
	bool is_open, is_known; /* is_known: it has a row */
};

/* Sums of a node, or of a lane for what belongs to no node, since the last flush. */
struct intake_sums {
	struct store_sum kinds[PHASE_COUNT + 1];
	uint32_t lane, node;
	bool is_dirty;
};

struct intake {
	struct store *store;
	struct lod_build *lod;           /* told of each row */
	struct timebase timebase;
	struct intake_lane *lanes;
	struct intake_sums *sums;        /* nodes, then lanes */
	uint32_t *dirty;                 /* indices of sums that changed */
	uint32_t n_dirty;
	int64_t slack_ticks;             /* how far a record's time may lie outside the run as it is known */
	unsigned passes;                 /* enum intake_pass */
	const struct intake_listener *listener;
	struct intake_counted *counted;  /* at execution mod n_pending */
	struct intake_pending *pending;  /* the same, of rows */
	uint32_t n_pending;              /* a power of two, more than are in flight */
	struct store_progress progress;
	uint32_t n_lanes, n_nodes, n_edges, n_channels;
	uint64_t n_senseless;
};

static void clear_progress(struct intake *intake)
{
	intake->progress = (struct store_progress){ .start_ns = INT64_MAX, .end_ns = INT64_MIN, .first_submit_ns = INT64_MAX,
		.last_finish_ns = INT64_MIN };
	for (uint32_t i = 0; i < intake->n_lanes; i++) {
		intake->lanes[i].first_ns = INT64_MAX;
		intake->lanes[i].last_ns = INT64_MIN;
	}
}

int intake_create(struct store *store, const struct program *program, struct clock_pair start, struct error *error,
	struct intake **ret_intake)
{
	const struct program_header *header = program->header;
	struct intake *intake = calloc(1, sizeof(*intake));
	if (!intake)
		return error_set(error, STATUS_NO_MEMORY, "no memory for the collector");
	intake->store = store;
	intake->n_lanes = header->n_workers;
	intake->n_nodes = header->n_nodes;
	intake->n_edges = header->n_edges;
	intake->n_channels = header->n_channels;
	intake->n_pending = 64;
	while (intake->n_pending < 2 * (uint64_t)header->in_flight && intake->n_pending < 1u << 24)
		intake->n_pending *= 2;
	uint32_t n_sums = intake->n_nodes + intake->n_lanes;
	intake->lanes = calloc(intake->n_lanes, sizeof(*intake->lanes));
	intake->sums = calloc(n_sums, sizeof(*intake->sums));
	intake->dirty = calloc(n_sums, sizeof(*intake->dirty));
	intake->pending = calloc(intake->n_pending, sizeof(*intake->pending));
	intake->counted = calloc(intake->n_pending, sizeof(*intake->counted));
	intake->passes = INTAKE_ROWS | INTAKE_SUMS;
	if (!intake->lanes || !intake->sums || !intake->dirty || !intake->pending || !intake->counted) {
		intake_destroy(intake);
		return error_set(error, STATUS_NO_MEMORY, "no memory for the collector");
	}
	for (uint32_t i = 0; i < n_sums; i++) {
		bool is_node = i < intake->n_nodes;
		intake->sums[i].lane = is_node ? program->nodes[i].worker : i - intake->n_nodes;
		intake->sums[i].node = is_node ? i : PROGRAM_NONE;
	}
	for (uint32_t i = 0; i < intake->n_lanes; i++)
		intake->lanes[i].row_end_ns = intake->lanes[i].sum_end_ns = intake->lanes[i].wait_end_ns = INT64_MIN;
	timebase_init(&intake->timebase, start);
	intake->slack_ticks = (int64_t)(INTAKE_SLACK_NS / intake->timebase.last.ns_per_tick);
	clear_progress(intake);
	int status = lod_build_create(store_db(store), "main", store_run_id(store), store_run_start_ns(store), error, &intake->lod);
	if (status != STATUS_OK) {
		intake_destroy(intake);
		return status;
	}
	*ret_intake = intake;
	return STATUS_OK;
}

void intake_destroy(struct intake *intake)
{
	if (!intake)
		return;
	free(intake->lanes);
	free(intake->sums);
	free(intake->dirty);
	free(intake->pending);
	free(intake->counted);
	lod_build_destroy(intake->lod);
	free(intake);
}

void intake_set_passes(struct intake *intake, unsigned passes)
{
	intake->passes = passes;
}

void intake_listen(struct intake *intake, const struct intake_listener *listener)
{
	intake->listener = listener;
}

static inline bool makes(const struct intake *intake, enum intake_pass pass)
{
	return intake->passes & pass;
}

int intake_sample_clock(struct intake *intake, struct error *error)
{
	const struct timebase *timebase = &intake->timebase;
	const struct clock_pair *last = &timebase->samples[timebase->n_samples - 1];
	if (timebase->n_samples > 1 && clock_now().ns - last->host.ns < INTAKE_SAMPLE_NS)
		return STATUS_OK;
	struct clock_pair pair = clock_take_pair();
	if (timebase->n_samples == 1 && pair.host.ns - last->host.ns < INTAKE_SAMPLE_NS / 100)
		return STATUS_OK;
	timebase_add(&intake->timebase, pair);
	return makes(intake, INTAKE_ROWS) ? store_clock_sample(intake->store, pair, error) : STATUS_OK;
}

static void add_sum(struct intake *intake, uint32_t sums_idx, int kind, int64_t ns)
{
	struct intake_sums *sums = &intake->sums[sums_idx];
	if (!makes(intake, INTAKE_SUMS))
		return;
	if (!sums->is_dirty) {
		sums->is_dirty = true;
		intake->dirty[intake->n_dirty++] = sums_idx;
	}
	sums->kinds[kind].n++;
	sums->kinds[kind].ns += ns;
}

/* The interval of something that fills the lane: it cannot begin before what came earlier has ended. */
static void place(struct intake *intake, uint32_t lane_idx, int64_t *start_ns, int64_t *end_ns)
{
	struct intake_lane *lane = &intake->lanes[lane_idx];
	int64_t before_ns = makes(intake, INTAKE_SUMS) ? lane->sum_end_ns : lane->row_end_ns;
	if (*start_ns < before_ns && before_ns - *start_ns < INTAKE_TRIM_NS)
		*start_ns = before_ns;
	if (*end_ns < *start_ns)
		*end_ns = *start_ns;
	if (makes(intake, INTAKE_ROWS) && *end_ns > lane->row_end_ns)
		lane->row_end_ns = *end_ns;
	if (!makes(intake, INTAKE_SUMS))
		return;
	if (*end_ns > lane->sum_end_ns)
		lane->sum_end_ns = *end_ns;
	if (*start_ns < lane->first_ns)
		lane->first_ns = *start_ns;
	if (*end_ns > lane->last_ns)
		lane->last_ns = *end_ns;
	if (*start_ns < intake->progress.start_ns)
		intake->progress.start_ns = *start_ns;
	if (*end_ns > intake->progress.end_ns)
		intake->progress.end_ns = *end_ns;
}

static int64_t end_of(const struct intake *intake, const struct record *record, int n_phases)
{
	uint64_t n_ticks = 0;
	for (int i = 0; i < n_phases; i++)
		n_ticks += (uint64_t)record->ticks[i] << record->shift;
	return timebase_ns(&intake->timebase, record->start + n_ticks);
}

/* The phases' bounds are rounded, not their lengths, so that they sum to the whole. */
static int enter_op(struct intake *intake, uint32_t lane, const struct record *record, struct error *error)
{
	struct store_op op = { .lane = lane, .node = record->node, .execution = record->execution,
		.status = record->status };
	int64_t end_ns = end_of(intake, record, record->n_phases);
	op.start_ns = timebase_ns(&intake->timebase, record->start);
	place(intake, lane, &op.start_ns, &end_ns);
	op.duration_ns = end_ns - op.start_ns;
	uint64_t at = record->start;
	int64_t at_ns = op.start_ns;
	for (int i = 0; i < record->n_phases; i++) {
		at += (uint64_t)record->ticks[i] << record->shift;
		int64_t next_ns = i + 1 == record->n_phases ? end_ns : timebase_ns(&intake->timebase, at);
		if (next_ns < at_ns)
			continue;
		op.phase_ns[schema_op_phase((enum phase)record->phase[i])] += next_ns - at_ns;
		at_ns = next_ns;
	}
	for (int i = 0; i < OP_PHASE_COUNT; i++) {
		static const unsigned char phases[OP_PHASE_COUNT] = {
#define X(name, word) [OP_PHASE_##name] = PHASE_##name,
			OP_PHASE_MAP(X)
#undef X
		};
		if (op.phase_ns[i])
			add_sum(intake, record->node, phases[i], op.phase_ns[i]);
	}
	add_sum(intake, record->node, INTAKE_OP_SUM, op.duration_ns);
	if (!makes(intake, INTAKE_ROWS))
		return STATUS_OK;
	intake->progress.n_ops++;
	int status = store_op(intake->store, &op, error);
	struct lod_op drawn = { .lane = (int)lane, .node = (int)op.node, .execution = (int64_t)op.execution, .start_ns = op.start_ns,
		.duration_ns = op.duration_ns, .row = db_last_id(store_db(intake->store)), .status = op.status, .phase_ns = op.phase_ns };
	return status == STATUS_OK ? lod_build_op(intake->lod, &drawn, error) : status;
}

static int index_or_none(uint32_t idx)
{
	return idx == PROGRAM_NONE ? LOD_NONE : (int)idx;
}

static int enter_row(struct intake *intake, const struct store_span *span, struct error *error)
{
	int status = store_span(intake->store, span, error);
	struct lod_span drawn = { .lane = (int)span->lane, .kind = span->kind, .start_ns = span->start_ns, .duration_ns = span->duration_ns,
		.node = index_or_none(span->node), .edge = index_or_none(span->edge), .peer = index_or_none(span->peer),
		.cause = span->cause, .row = db_last_id(store_db(intake->store)), .execution = (int64_t)span->execution, .bytes = -1 };
	return status == STATUS_OK ? lod_build_span(intake->lod, &drawn, error) : status;
}

static int enter_wait(struct intake *intake, uint32_t lane, const struct record *record, struct error *error)
{
	struct store_span span = { .lane = lane, .kind = SPAN_KIND_WAIT, .node = record->node, .edge = record->wait.edge,
		.channel = record->wait.channel, .peer = record->wait.peer, .slot = record->wait.slot,
		.execution = record->execution, .cause = record->phase[0] };
	uint64_t n_ticks = (uint64_t)record->wait.ticks << record->shift;
	if (!makes(intake, INTAKE_ROWS))
		return STATUS_OK;
	span.start_ns = timebase_ns(&intake->timebase, record->start);
	span.duration_ns = timebase_ns(&intake->timebase, record->start + n_ticks) - span.start_ns;
	intake->lanes[lane].wait_end_ns = span.start_ns + span.duration_ns;
	return enter_row(intake, &span, error);
}

static int enter_filling_span(struct intake *intake, uint32_t lane, enum phase phase, uint32_t node, uint64_t execution, int64_t start_ns,
	int64_t end_ns, struct error *error)
{
	place(intake, lane, &start_ns, &end_ns);
	struct store_span span = { .lane = lane, .kind = phase, .start_ns = start_ns, .duration_ns = end_ns - start_ns,
		.node = node, .edge = PROGRAM_NONE, .channel = PROGRAM_NONE, .peer = PROGRAM_NONE,
		.slot = PROGRAM_NONE, .execution = execution, .cause = -1 };
	add_sum(intake, intake->n_nodes + lane, phase, span.duration_ns);
	return makes(intake, INTAKE_ROWS) ? enter_row(intake, &span, error) : STATUS_OK;
}

/* Phases one after the other from `start`. */
static int enter_phases(
	struct intake *intake, uint32_t lane, const struct record *record, uint64_t start, struct error *error)
{
	int status = STATUS_OK;
	for (int i = 0; status == STATUS_OK && i < record->n_phases; i++) {
		uint64_t end = start + ((uint64_t)record->ticks[i] << record->shift);
		status = enter_filling_span(intake, lane, (enum phase)record->phase[i], PROGRAM_NONE, record->execution,
			timebase_ns(&intake->timebase, start), timebase_ns(&intake->timebase, end), error);
		start = end;
	}
	return status;
}

static struct intake_pending *pending_at(struct intake *intake, uint64_t execution)
{
	return &intake->pending[execution & (intake->n_pending - 1)];
}

static void count_submit(struct intake *intake, uint64_t execution, int64_t start_ns)
{
	intake->counted[execution & (intake->n_pending - 1)] = (struct intake_counted){ execution, start_ns, true };
	intake->progress.n_submitted++;
	if (start_ns < intake->progress.first_submit_ns)
		intake->progress.first_submit_ns = start_ns;
	if (start_ns > intake->progress.end_ns)
		intake->progress.end_ns = start_ns;
	if (intake->listener)
		intake->listener->submitted(intake->listener->user, execution);
}

static int open_execution(struct intake *intake, uint64_t execution, int64_t start_ns, struct error *error)
{
	struct intake_pending *pending = pending_at(intake, execution);
	int status = STATUS_OK;
	if (pending->is_open && !pending->is_known) /* its finish was lost */
		status = store_execution(intake->store, &pending->row, false, error);
	*pending = (struct intake_pending){ .is_open = true, .row = { .execution = execution, .start_ns = start_ns,
		.end_ns = INT64_MIN, .status = SCHEMA_STATUS_UNFINISHED } };
	return status;
}

/* Phases of a submit lie before it. */
static int enter_submit(struct intake *intake, uint32_t lane, const struct record *record, struct error *error)
{
	int64_t start_ns = timebase_ns(&intake->timebase, record->start);
	int status = STATUS_OK;
	if (makes(intake, INTAKE_ROWS))
		status = open_execution(intake, record->execution, start_ns, error);
	if (makes(intake, INTAKE_SUMS))
		count_submit(intake, record->execution, start_ns);
	uint64_t n_ticks = 0;
	for (int i = 0; i < record->n_phases; i++)
		n_ticks += (uint64_t)record->ticks[i] << record->shift;
	if (status == STATUS_OK)
		status = enter_phases(intake, lane, record, record->start - n_ticks, error);
	return status;
}

static void count_finish(struct intake *intake, uint64_t execution, int64_t end_ns, int status)
{
	struct intake_counted *counted = &intake->counted[execution & (intake->n_pending - 1)];
	bool has_start = counted->is_open && counted->execution == execution;
	if (has_start)
		counted->is_open = false;
	else
		intake->progress.n_submitted++; /* whose record was lost */
	intake->progress.n_finished++;
	intake->progress.n_failed += status != STATUS_OK;
	if (end_ns > intake->progress.last_finish_ns)
		intake->progress.last_finish_ns = end_ns;
	if (end_ns > intake->progress.end_ns)
		intake->progress.end_ns = end_ns;
	if (intake->listener)
		intake->listener->finished(intake->listener->user, execution, has_start ? counted->start_ns : INT64_MIN, end_ns, status);
}

static int enter_finish(struct intake *intake, uint32_t lane, const struct record *record, struct error *error)
{
	struct intake_pending *pending = pending_at(intake, record->execution);
	bool has_start = pending->is_open && pending->row.execution == record->execution;
	struct store_execution row = { .execution = record->execution,
		.start_ns = has_start ? pending->row.start_ns : INT64_MIN,
		.end_ns = timebase_ns(&intake->timebase, record->start), .status = record->status,
		.failure = record->finish.failure };
	bool is_known = has_start && pending->is_known;
	if (makes(intake, INTAKE_SUMS))
		count_finish(intake, record->execution, row.end_ns, record->status);
	if (!makes(intake, INTAKE_ROWS))
		return STATUS_OK;
	if (has_start)
		pending->is_open = false;
	return store_execution(intake->store, &row, is_known, error);
}

static int enter_span(struct intake *intake, uint32_t lane, const struct record *record, struct error *error)
{
	return enter_phases(intake, lane, record, record->start, error);
}

static bool is_index(uint32_t idx, uint32_t n)
{
	return idx == PROGRAM_NONE || idx < n;
}

/* Whether a record of `n_ticks` can be one of this run: not much before its start, not much after now. */
static bool is_timely(const struct intake *intake, const struct record *record, uint64_t n_ticks)
{
	const struct timebase *timebase = &intake->timebase;
	int64_t before = (int64_t)(timebase->samples[0].ticks.count - record->start);
	int64_t after = (int64_t)(record->start - timebase->samples[timebase->n_samples - 1].ticks.count);
	return before < intake->slack_ticks && after < intake->slack_ticks && n_ticks < (uint64_t)(intake->slack_ticks - after);
}

/* Whether every index of the record is one of the program, and its time one of the run. */
static bool is_sensible(const struct intake *intake, uint32_t lane, const struct record *record)
{
	uint64_t n_ticks = 0;
	if (record->kind == RECORD_NONE || record->kind > RECORD_SPAN || record->n_phases > RECORD_PHASES_MAX
		|| record->shift > 28 || record->status >= STATUS_COUNT || !is_index(record->node, intake->n_nodes))
		return false;
	for (int i = 0; i < record->n_phases; i++) {
		if (record->phase[i] >= PHASE_COUNT)
			return false;
		n_ticks += (uint64_t)record->ticks[i] << record->shift;
	}
	if (!is_timely(intake, record, record->kind == RECORD_FINISH ? 0 : n_ticks))
		return false;
	if (record->kind == RECORD_OP)
		return record->node != PROGRAM_NONE && record->execution <= INT64_MAX;
	if (record->kind == RECORD_SUBMIT || record->kind == RECORD_FINISH)
		return record->execution <= INT64_MAX && lane == GRAPH_DRIVER;
	if (record->kind == RECORD_WAIT)
		return record->n_phases == 1 && is_index(record->wait.edge, intake->n_edges)
			&& is_index(record->wait.channel, intake->n_channels)
			&& is_index(record->wait.peer, intake->n_lanes);
	return true;
}

static int enter_unended_wait(struct intake *intake, const struct intake_unended *unended, int64_t end_ns, struct error *error)
{
	const struct control_wait_copy *wait = unended->wait;
	struct store_span span = { .lane = unended->lane, .kind = SPAN_KIND_WAIT, .node = unended->node, .edge = wait->edge,
		.channel = wait->channel, .peer = wait->peer, .slot = wait->slot, .execution = unended->execution, .cause = (int)wait->cause,
		.start_ns = timebase_ns(&intake->timebase, unended->since) };
	span.duration_ns = end_ns - span.start_ns;
	bool is_sound = wait->cause < PHASE_COUNT && is_index(wait->edge, intake->n_edges) && is_index(wait->channel, intake->n_channels)
		&& is_index(wait->peer, intake->n_lanes) && is_index(unended->node, intake->n_nodes);
	const struct intake_lane *lane = &intake->lanes[unended->lane];
	if (!is_sound || !makes(intake, INTAKE_ROWS) || span.duration_ns <= 0 || span.start_ns < lane->row_end_ns
		|| span.start_ns < lane->wait_end_ns)
		return STATUS_OK;
	return enter_row(intake, &span, error);
}

int intake_enter_unended(struct intake *intake, const struct intake_unended *unended, int64_t end_ns, struct error *error)
{
	const struct intake_lane *lane = &intake->lanes[unended->lane];
	const struct intake_counted *counted = &intake->counted[unended->execution & (intake->n_pending - 1)];
	int64_t start_ns = makes(intake, INTAKE_SUMS) ? lane->sum_end_ns : lane->row_end_ns;
	if (!counted->is_open || counted->execution != unended->execution)
		return STATUS_OK;
	if (unended->wait)
		return enter_unended_wait(intake, unended, end_ns, error);
	start_ns = start_ns < lane->wait_end_ns ? lane->wait_end_ns : start_ns;
	start_ns = start_ns < counted->start_ns ? counted->start_ns : start_ns;
	if (unended->node >= intake->n_nodes || start_ns >= end_ns)
		return STATUS_OK;
	return enter_filling_span(intake, unended->lane, PHASE_COMPUTE, unended->node, unended->execution, start_ns, end_ns, error);
}

int intake_records(struct intake *intake, uint32_t lane, const struct record *records, uint32_t n, struct error *error)
{
	static int (*const enter[])(struct intake *, uint32_t, const struct record *, struct error *) = {
		[RECORD_OP] = enter_op,
		[RECORD_WAIT] = enter_wait,
		[RECORD_SUBMIT] = enter_submit,
		[RECORD_FINISH] = enter_finish,
		[RECORD_SPAN] = enter_span,
	};
	int status = STATUS_OK;
	for (uint32_t i = 0; status == STATUS_OK && i < n; i++) {
		if (likely(is_sensible(intake, lane, &records[i])))
			status = enter[records[i].kind](intake, lane, &records[i], error);
		else
			intake->n_senseless += makes(intake, INTAKE_SUMS);
	}
	return status;
}

static int flush_sums(struct intake *intake, struct error *error)
{
	int status = STATUS_OK;
	for (uint32_t i = 0; i < intake->n_dirty; i++) {
		struct intake_sums *sums = &intake->sums[intake->dirty[i]];
		for (int kind = 0; status == STATUS_OK && kind <= INTAKE_OP_SUM; kind++) {
			if (!sums->kinds[kind].n)
				continue;
			status = store_summary(intake->store, sums->lane, sums->node,
				kind == INTAKE_OP_SUM ? SPAN_KIND_OP : kind, sums->kinds[kind], error);
		}
		memset(sums->kinds, 0, sizeof(sums->kinds));
		sums->is_dirty = false;
	}
	intake->n_dirty = 0;
	return status;
}

static int flush_executions(struct intake *intake, struct error *error)
{
	int status = STATUS_OK;
	for (uint32_t i = 0; status == STATUS_OK && i < intake->n_pending; i++) {
		struct intake_pending *pending = &intake->pending[i];
		if (!pending->is_open || pending->is_known)
			continue;
		status = store_execution(intake->store, &pending->row, false, error);
		pending->is_known = true;
	}
	return status;
}

int intake_flush(struct intake *intake, struct error *error)
{
	int status = flush_sums(intake, error);
	if (status == STATUS_OK)
		status = flush_executions(intake, error);
	if (status == STATUS_OK)
		status = lod_build_flush(intake->lod, error);
	for (uint32_t i = 0; status == STATUS_OK && i < intake->n_lanes; i++) {
		const struct intake_lane *lane = &intake->lanes[i];
		if (lane->first_ns <= lane->last_ns)
			status = store_lane_bounds(intake->store, i, lane->first_ns, lane->last_ns, error);
	}
	if (status == STATUS_OK && (intake->progress.end_ns != INT64_MIN || intake->progress.n_ops))
		status = store_progress(intake->store, &intake->progress, error);
	clear_progress(intake);
	return status;
}

int intake_close(struct intake *intake, struct error *error)
{
	int status = store_begin(intake->store, error);
	if (status == STATUS_OK)
		status = lod_build_close(intake->lod, error);
	if (status == STATUS_OK)
		status = store_commit(intake->store, error);
	if (status != STATUS_OK)
		store_rollback(intake->store);
	return status;
}

void intake_forget(struct intake *intake)
{
	for (uint32_t i = 0; i < intake->n_dirty; i++) {
		struct intake_sums *sums = &intake->sums[intake->dirty[i]];
		memset(sums->kinds, 0, sizeof(sums->kinds));
		sums->is_dirty = false;
	}
	intake->n_dirty = 0;
	clear_progress(intake);
}

int64_t intake_ns(const struct intake *intake, uint64_t ticks)
{
	return timebase_ns(&intake->timebase, ticks);
}

uint64_t intake_n_senseless(const struct intake *intake)
{
	return intake->n_senseless;
}
