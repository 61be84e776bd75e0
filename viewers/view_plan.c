/* SPDX-License-Identifier: Apache-2.0
 *
 * view_plan: what compilation made of the graph: for each worker the steps that it repeats for every execution, in order, side by side; with
 * the mean time of what each step is for, and the selected node's steps marked in all of them.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/units.h"
#include "engine/graph/plan.h"
#include "traces/db.h"
#include "viewers/node_times.h"
#include "viewers/spans.h"
#include "viewers/view.h"

#define COLUMN_CELLS_MIN 38
#define COLUMN_BLANKS 2
#define KIND_CELLS 8
#define TIME_CELLS 9
#define DETAILS_ROWS 3

struct step {
	int lane;           /* worker */
	enum plan_step_kind kind;
	int node, edge;     /* TIMELINE_NONE */
	int channel;        /* lane of kind CHANNEL; TIMELINE_NONE */
};

struct view_plan {
	const struct timeline *timeline; /* whose steps these are */
	struct step *steps; /* by worker, in order */
	int n_steps;
	int *first;         /* [n_lanes + 1] of each worker's steps */
	int n_workers;
	struct node_times times;
	int worker, row;    /* cursor: column, and step in it */
	int top, left;      /* first row and worker on screen */
	int n_rows, n_columns, column_cells; /* as drawn last */
	int shown_node;     /* selection for which the cursor was moved */
};

/* -- reading ------------------------------------------------------------------------------------------------------------------- */

static void forget(struct view_plan *plan)
{
	free(plan->steps);
	free(plan->first);
	node_times_finish(&plan->times);
	plan->steps = NULL;
	plan->first = NULL;
	plan->timeline = NULL;
	plan->n_steps = plan->n_workers = 0;
}

static int find_kind(const char *word)
{
	for (int i = 0; word && i < PLAN_STEP_COUNT; i++) {
		if (strcmp(word, plan_step_word((enum plan_step_kind)i)) == 0)
			return i;
	}
	return -1;
}

static int find_channel(const struct timeline *timeline, int64_t id)
{
	for (int i = 0; i < timeline->n_lanes; i++) {
		if (timeline->lanes[i].kind == TIMELINE_CHANNEL && timeline->lanes[i].id == id)
			return i;
	}
	return TIMELINE_NONE;
}

static int index_of(struct db_stmt *stmt, int column, int64_t first, int n)
{
	int64_t idx = db_column_int(stmt, column) - first;
	return db_column_type(stmt, column) != DB_NULL && idx >= 0 && idx < n ? (int)idx : TIMELINE_NONE;
}

static int read_step(struct view_plan *plan, const struct timeline *timeline, struct db_stmt *stmt, struct error *error)
{
	int kind = find_kind(db_column_text(stmt, 1)), worker = (int)db_column_int(stmt, 0);
	if (kind < 0 || worker < 0 || worker >= plan->n_workers || (plan->n_steps && worker < plan->steps[plan->n_steps - 1].lane))
		return error_set(error, STATUS_TRACE, "a step of the plan makes no sense");
	if ((plan->n_steps & (plan->n_steps - 1)) == 0) {
		size_t capacity = plan->n_steps ? 2 * (size_t)plan->n_steps : 1;
		struct step *steps = realloc(plan->steps, capacity * sizeof(*steps));
		if (!steps)
			return error_set(error, STATUS_NO_MEMORY, "no memory for the plan");
		plan->steps = steps;
	}
	plan->steps[plan->n_steps++] = (struct step){ .lane = worker, .kind = (enum plan_step_kind)kind,
		.node = index_of(stmt, 2, timeline->n_nodes ? timeline->nodes[0].id : 0, timeline->n_nodes),
		.edge = index_of(stmt, 3, timeline->n_edges ? timeline->edges[0].id : 0, timeline->n_edges),
		.channel = db_column_type(stmt, 4) == DB_NULL ? TIMELINE_NONE : find_channel(timeline, db_column_int(stmt, 4)) };
	for (int i = worker + 1; i <= plan->n_workers; i++)
		plan->first[i] = plan->n_steps;
	return STATUS_OK;
}

static int read_plan(struct view_plan *plan, struct timeline *timeline, struct error *error)
{
	struct db_stmt *stmt = NULL;
	bool has_row = false;
	forget(plan);
	while (plan->n_workers < timeline->n_lanes && timeline->lanes[plan->n_workers].kind == TIMELINE_HOST)
		plan->n_workers++;
	plan->first = calloc((size_t)plan->n_workers + 1, sizeof(int));
	if (!plan->first)
		return error_set(error, STATUS_NO_MEMORY, "no memory for the plan");
	int status = db_prepare(timeline->trace->db, "SELECT w.idx, p.kind, p.node, p.edge, p.channel FROM plan_step p JOIN worker w"
		" ON w.id = p.worker WHERE w.run = ? ORDER BY w.idx, p.position", NULL, error, &stmt);
	if (status == STATUS_OK)
		db_bind_int(stmt, 1, timeline->run);
	while (status == STATUS_OK && (status = db_step(stmt, &has_row, error)) == STATUS_OK && has_row)
		status = read_step(plan, timeline, stmt, error);
	db_finish(stmt);
	if (status == STATUS_OK)
		status = node_times_read(timeline, &plan->times, error);
	if (status == STATUS_OK)
		plan->timeline = timeline;
	plan->top = plan->left = 0;
	plan->shown_node = TIMELINE_NONE - 1;
	return status;
}

static int plan_open(struct session *session, struct error *error, void **ret_state)
{
	struct view_plan *plan = calloc(1, sizeof(*plan));
	if (!plan)
		return error_set(error, STATUS_NO_MEMORY, "no memory for the plan");
	plan->worker = 1;
	*ret_state = plan;
	return STATUS_OK;
}

static void plan_close(void *state)
{
	if (state)
		forget(state);
	free(state);
}

/* -- drawing -------------------------------------------------------------------------------------------------------------------- */

static int n_steps_of(const struct view_plan *plan, int worker)
{
	return worker >= 0 && worker < plan->n_workers ? plan->first[worker + 1] - plan->first[worker] : 0;
}

static const struct step *cursor_step(const struct view_plan *plan)
{
	return plan->row < n_steps_of(plan, plan->worker) ? &plan->steps[plan->first[plan->worker] + plan->row] : NULL;
}

/* What the time beside a step is: a read waits for data, a reserve for a slot, and moving bytes is told where it is done. */
static enum phase step_phase(enum plan_step_kind kind)
{
	static const enum phase phases[PLAN_STEP_COUNT] = { [PLAN_STEP_READ] = PHASE_STARVED, [PLAN_STEP_RESERVE] = PHASE_BACKPRESSURE,
		[PLAN_STEP_COMPUTE] = PHASE_COMPUTE, [PLAN_STEP_RELEASE] = PHASE_UNKNOWN, [PLAN_STEP_WRITE] = PHASE_WRITE };
	return phases[kind];
}

/* Waits are known for a node as a whole: they stand at its first step that can have waited. */
static bool is_first_of_kind(const struct view_plan *plan, const struct step *step)
{
	const struct step *before = step - 1;
	return before < plan->steps + plan->first[step->lane] || before->node != step->node || before->kind != step->kind;
}

static void describe_step(const struct view_plan *plan, const struct step *step, char *text, size_t size)
{
	const struct timeline *timeline = plan->timeline;
	const char *node = step->node >= 0 ? timeline->nodes[step->node].name : "?";
	if (step->kind == PLAN_STEP_COMPUTE)
		snprintf(text, size, "%s", node);
	else if (step->channel >= 0)
		snprintf(text, size, "%s", timeline->nodes[timeline->lanes[step->channel].writer >= 0
			&& timeline->lanes[step->channel].writer < timeline->n_nodes ? timeline->lanes[step->channel].writer : 0].name);
	else
		snprintf(text, size, "%s", node);
}

static void draw_step(const struct view_plan *plan, const struct session *session, const struct step *step, struct pane line, bool is_cursor)
{
	const struct timeline *timeline = plan->timeline;
	bool is_selected = step->node >= 0 && step->node == session->selection.node, is_compute = step->kind == PLAN_STEP_COMPUTE;
	bool is_read = session->selection.node >= 0 && step->channel >= 0
		&& timeline->lanes[step->channel].writer == session->selection.node;
	struct look look = is_compute ? LOOK(NONE) : LOOK(DIM);
	char text[256], where[64] = "", time[32] = "";
	describe_step(plan, step, text, sizeof(text));
	if (step->channel >= 0)
		snprintf(where, sizeof(where), "%.8s×%" PRId64, timeline->lanes[step->channel].transport ? timeline->lanes[step->channel].transport
			: "", timeline->lanes[step->channel].depth);
	enum phase phase = step_phase(step->kind);
	int64_t ns = step->node >= 0 && phase != PHASE_UNKNOWN ? node_time_mean_ns(&plan->times.nodes[step->node], phase) : 0;
	if (is_compute && step->node >= 0)
		ns = node_time_work_ns(&plan->times.nodes[step->node]);
	if (ns > 0 && is_first_of_kind(plan, step))
		units_duration(ns, time, sizeof(time));
	if (is_selected || is_read) {
		look = LOOK(ACCENT);
		look.attributes = is_selected ? LOOK_BOLD : 0;
	}
	pane_put(line, 0, 0, is_selected ? 0x25b8 : is_read ? 0xb7 : ' ', look);
	pane_field(line, 1, 0, KIND_CELLS, PANE_LEFT, look, plan_step_word(step->kind));
	int room = line.width - 1 - KIND_CELLS - TIME_CELLS - 8;
	look.attributes |= is_compute ? LOOK_BOLD : 0;
	pane_field(line, 1 + KIND_CELLS, 0, room, PANE_LEFT, look, text);
	pane_field(line, 2 + KIND_CELLS + room, 0, 7, PANE_LEFT, LOOK(DIM), where);
	pane_field(line, line.width - TIME_CELLS, 0, TIME_CELLS, PANE_RIGHT, (struct look){ .front = (uint8_t)spans_colour(phase) }, time);
	if (is_cursor)
		pane_tint(line, 0, 0, line.width, 1, COLOUR_SELECT);
	else if (is_selected)
		pane_tint(line, 0, 0, line.width, 1, COLOUR_CURSOR);
}

static void draw_column(const struct view_plan *plan, const struct session *session, int worker, struct pane column)
{
	const struct timeline_lane *lane = &plan->timeline->lanes[worker];
	struct pane header = pane_cut_rows(&column, 1), rule = pane_cut_rows(&column, 1);
	struct look look = worker == plan->worker ? LOOK(ACCENT) : LOOK(TITLE);
	look.attributes = LOOK_BOLD;
	int n = n_steps_of(plan, worker), x = pane_textf(header, 1, 0, look, "%s", lane->name);
	pane_textf(header, x + 1, 0, LOOK(DIM), "%s  %d step%s", lane->device ? lane->device : "", n, n == 1 ? "" : "s");
	pane_field(header, header.width - TIME_CELLS, 0, TIME_CELLS, PANE_RIGHT, LOOK(DIM), "mean");
	pane_rule(rule, 0, 0, rule.width, LOOK(DIM));
	for (int row = plan->top; row < n && row - plan->top < column.height; row++)
		draw_step(plan, session, &plan->steps[plan->first[worker] + row], pane_sub(column, 0, row - plan->top, column.width, 1),
			worker == plan->worker && row == plan->row);
}

static void draw_details(const struct view_plan *plan, struct pane pane)
{
	const struct timeline *timeline = plan->timeline;
	const struct step *step = cursor_step(plan);
	char bytes[32];
	if (!step)
		return;
	struct look strong = LOOK(NONE);
	strong.attributes = LOOK_BOLD;
	int x = pane_textf(pane, 1, 0, strong, "%s", plan_step_word(step->kind));
	if (step->node >= 0)
		pane_textf(pane, x, 0, LOOK(NONE), " for %s on %s, step %d of %d", timeline->nodes[step->node].name, timeline->lanes[step->lane].name,
			plan->row + 1, n_steps_of(plan, step->lane));
	if (step->channel >= 0) {
		const struct timeline_lane *channel = &timeline->lanes[step->channel];
		pane_textf(pane, 1, 1, LOOK(NONE), "channel %s: %s, %" PRId64 " slot%s of %s", channel->name, channel->transport ? channel->transport
			: "?", channel->depth, channel->depth == 1 ? "" : "s", units_bytes((uint64_t)channel->payload_bytes, bytes, sizeof(bytes)));
	}
	if (step->edge >= 0)
		pane_textf(pane, 1, 2, LOOK(NONE), "edge %s makes it necessary first", timeline->edges[step->edge].name);
	else if (step->kind == PLAN_STEP_COMPUTE && step->node >= 0 && timeline->nodes[step->node].op)
		pane_textf(pane, 1, 1, LOOK(NONE), "op %s  %s", timeline->nodes[step->node].op,
			timeline->nodes[step->node].params ? timeline->nodes[step->node].params : "");
}

/* When another view has selected a node, the cursor goes to where it computes. */
static void follow_selection(struct view_plan *plan, const struct session *session)
{
	int node = session->selection.node;
	const struct step *at = cursor_step(plan);
	if (node == plan->shown_node)
		return;
	plan->shown_node = node;
	if (node < 0 || (at && at->node == node))
		return;
	int found = -1;
	for (int i = 0; i < plan->n_steps; i++) {
		if (plan->steps[i].node == node && (found < 0 || plan->steps[i].kind == PLAN_STEP_COMPUTE))
			found = i;
	}
	if (found < 0)
		return;
	plan->worker = plan->steps[found].lane;
	plan->row = found - plan->first[plan->worker];
}

static void scroll_to_cursor(struct view_plan *plan)
{
	if (plan->row >= plan->top + plan->n_rows)
		plan->top = plan->row - plan->n_rows + 1;
	if (plan->row < plan->top)
		plan->top = plan->row;
	if (plan->worker >= plan->left + plan->n_columns)
		plan->left = plan->worker - plan->n_columns + 1;
	if (plan->worker < plan->left)
		plan->left = plan->worker;
}

static void draw_columns(struct view_plan *plan, const struct session *session, struct pane pane)
{
	int shown = plan->n_workers - plan->left < plan->n_columns ? plan->n_workers - plan->left : plan->n_columns;
	for (int i = 0; i < shown; i++) {
		int x = i * (plan->column_cells + COLUMN_BLANKS);
		draw_column(plan, session, plan->left + i, pane_sub(pane, x, 0, plan->column_cells, pane.height));
	}
}

static int plan_draw(void *state, struct session *session, struct pane pane, struct error *error)
{
	struct view_plan *plan = state;
	struct timeline *timeline = session_timeline(session);
	int status = STATUS_OK;
	pane_clear(pane, LOOK(NONE));
	if (plan->timeline != timeline)
		status = read_plan(plan, timeline, error);
	else if (session->is_live)
		status = node_times_read(timeline, &plan->times, error);
	if (status != STATUS_OK)
		return status;
	if (!plan->n_steps) {
		pane_text(pane, 2, 1, LOOK(DIM), timeline->is_imported ? "an imported trace has no plan: it was not tandem that ran it"
			: "this run has no plan: in the interpreted mode every task is dispatched when its inputs exist");
		return STATUS_OK;
	}
	struct pane details = pane_cut_rows(&pane, pane.height > 4 * DETAILS_ROWS ? -DETAILS_ROWS : 0);
	struct pane rule = pane_cut_rows(&pane, details.height ? -1 : 0);
	plan->n_columns = (pane.width + COLUMN_BLANKS) / (COLUMN_CELLS_MIN + COLUMN_BLANKS);
	plan->n_columns = plan->n_columns < 1 ? 1 : plan->n_columns > plan->n_workers ? plan->n_workers : plan->n_columns;
	plan->column_cells = (pane.width + COLUMN_BLANKS) / plan->n_columns - COLUMN_BLANKS;
	plan->n_rows = pane.height > 2 ? pane.height - 2 : 1;
	plan->worker = plan->worker < plan->n_workers ? plan->worker : plan->n_workers - 1;
	follow_selection(plan, session);
	scroll_to_cursor(plan);
	draw_columns(plan, session, pane);
	pane_rule(rule, 0, 0, rule.width, LOOK(DIM));
	if (plan->n_columns < plan->n_workers)
		pane_textf(rule, 2, 0, LOOK(DIM), " workers %d to %d of %d ", plan->left + 1, plan->left + plan->n_columns, plan->n_workers);
	draw_details(plan, details);
	return STATUS_OK;
}

/* -- moving about --------------------------------------------------------------------------------------------------------------- */

static void put_cursor(struct view_plan *plan, struct session *session, int worker, int row)
{
	plan->worker = worker < 0 ? 0 : worker >= plan->n_workers ? plan->n_workers - 1 : worker;
	int n = n_steps_of(plan, plan->worker);
	plan->row = row >= n ? n - 1 : row;
	plan->row = plan->row < 0 ? 0 : plan->row;
	const struct step *step = cursor_step(plan);
	if (step && step->node >= 0 && step->node != session->selection.node)
		session_select_node(session, session->selection.side, step->node);
	plan->shown_node = session->selection.node;
}

/* The next worker with steps of the selected node, or that writes or reads what it reads or writes: the other end of a channel. */
static bool go_to_other_end(struct view_plan *plan, struct session *session, int direction)
{
	const struct step *step = cursor_step(plan);
	for (int k = 1; step && step->channel >= 0 && k < plan->n_steps; k++) {
		int i = (int)(((int64_t)(step - plan->steps) + (int64_t)direction * k + plan->n_steps) % plan->n_steps);
		const struct step *other = &plan->steps[i];
		if (other->channel != step->channel || other->lane == step->lane)
			continue;
		put_cursor(plan, session, other->lane, i - plan->first[other->lane]);
		return true;
	}
	session_status(session, "only this worker has to do with it");
	return true;
}

static bool open_node(struct session *session)
{
	if (session->selection.node < 0)
		session_status(session, "select a step first");
	else
		session->wanted_view = "timeline";
	return true;
}

static bool plan_act(void *state, struct session *session, enum action action, const struct event *event)
{
	struct view_plan *plan = state;
	if (!plan->n_steps || plan->timeline != session_timeline(session))
		return false;
	switch (action) {
	case ACTION_UP: put_cursor(plan, session, plan->worker, plan->row - 1); return true;
	case ACTION_DOWN: put_cursor(plan, session, plan->worker, plan->row + 1); return true;
	case ACTION_LEFT: put_cursor(plan, session, plan->worker - 1, plan->row); return true;
	case ACTION_RIGHT: put_cursor(plan, session, plan->worker + 1, plan->row); return true;
	case ACTION_PAGE_UP: put_cursor(plan, session, plan->worker, plan->row - plan->n_rows); return true;
	case ACTION_PAGE_DOWN: put_cursor(plan, session, plan->worker, plan->row + plan->n_rows); return true;
	case ACTION_TOP:
	case ACTION_FIRST: put_cursor(plan, session, plan->worker, 0); return true;
	case ACTION_BOTTOM:
	case ACTION_LAST: put_cursor(plan, session, plan->worker, plan->n_steps); return true;
	case ACTION_PRODUCER: return go_to_other_end(plan, session, -1);
	case ACTION_CONSUMER: return go_to_other_end(plan, session, 1);
	case ACTION_ENTER: return open_node(session);
	default: return false;
	}
}

static bool plan_handle(void *state, struct session *session, const struct event *event)
{
	struct view_plan *plan = state;
	if (!plan->n_steps || plan->timeline != session_timeline(session) || !plan->column_cells)
		return false;
	int worker = plan->left + event->x / (plan->column_cells + COLUMN_BLANKS), row = plan->top + event->y - 2;
	switch (event->kind) {
	case EVENT_MOUSE_PRESS:
		if (event->y >= 2 && event->y < 2 + plan->n_rows && worker < plan->n_workers)
			put_cursor(plan, session, worker, row);
		return true;
	case EVENT_MOUSE_DOUBLE: return open_node(session);
	case EVENT_WHEEL_UP: put_cursor(plan, session, plan->worker, plan->row - 3); return true;
	case EVENT_WHEEL_DOWN: put_cursor(plan, session, plan->worker, plan->row + 3); return true;
	default: return false;
	}
}

const struct view view_plan = {
	.name = "plan",
	.summary = "each worker's steps in order, with the mean time of what they are for",
	.action = ACTION_VIEW_PLAN,
	.hints = "↑↓ step  ←→ worker  {} other end of the channel  enter timeline  g graph",
	.open = plan_open,
	.close = plan_close,
	.draw = plan_draw,
	.act = plan_act,
	.handle = plan_handle,
};
