/* SPDX-License-Identifier: Apache-2.0
 *
 * debug_screen_past: what was computed so far, as far as the history still has it, along a time line. Somebody who steps makes pauses of seconds
 * between ops of microseconds: pauses are left out of the axis.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/units.h"
#include "viewers/axis.h"
#include "viewers/debug_screen_private.h"
#include "viewers/panel.h"
#include "viewers/spans.h"

#define LABEL_CELLS 9
#define PAUSE_SHARE 8 /* a gap longer than this part of all the time in which something ran is a pause */

/* -- reading ------------------------------------------------------------------------------------------------------------------ */

void debug_past_finish(struct debug_past *past)
{
	free(past->items);
	free(past->executions);
	free(past->begins_ns);
	free(past->pauses_ns);
	*past = (struct debug_past){ .from_ns = past->from_ns, .cell_ns = past->cell_ns };
}

static bool add_item(struct debug_past *past, uint32_t worker, const struct gate_entry *entry)
{
	if (past->n == past->capacity) {
		int capacity = past->capacity ? 2 * past->capacity : 256;
		struct debug_past_item *items = realloc(past->items, (size_t)capacity * sizeof(*items));
		if (!items)
			return false;
		past->items = items;
		past->capacity = capacity;
	}
	past->items[past->n++] = (struct debug_past_item){ .execution = entry->execution, .start = entry->start, .op_ticks = entry->op_ticks,
		.waited_ticks = entry->waited_ticks, .node = entry->node, .worker = worker, .has_failed = entry->failure != 0 };
	return true;
}

static int compare_starts(const void *a, const void *b)
{
	const struct debug_past_item *left = a, *right = b;
	return left->start < right->start ? -1 : left->start > right->start;
}

static int compare_executions(const void *a, const void *b)
{
	const struct debug_past_execution *left = a, *right = b;
	return left->execution > right->execution ? -1 : left->execution < right->execution;
}

static void count_executions(struct debug_past *past)
{
	int n = 0;
	past->executions = malloc(((size_t)past->n + 1) * sizeof(*past->executions));
	for (int i = 0; past->executions && i < past->n; i++)
		past->executions[i] = (struct debug_past_execution){ past->items[i].execution, 1, past->items[i].has_failed };
	if (!past->executions)
		return;
	qsort(past->executions, (size_t)past->n, sizeof(*past->executions), compare_executions);
	for (int i = 0; i < past->n; i++) {
		if (n && past->executions[n - 1].execution == past->executions[i].execution) {
			past->executions[n - 1].n_nodes++;
			past->executions[n - 1].n_failed += past->executions[i].n_failed;
		} else {
			past->executions[n++] = past->executions[i];
		}
	}
	past->n_executions = n;
}

/* Moments on the axis: ops keep their lengths and the gaps between them, but pauses last no time. */
static void lay_out(struct debug_past *past, const struct debug_target *target)
{
	int64_t busy_ns = 0;
	uint64_t end = past->n ? past->items[0].start : 0;
	past->begins_ns = malloc(((size_t)past->n + 1) * sizeof(*past->begins_ns));
	past->pauses_ns = malloc(((size_t)past->n + 1) * sizeof(*past->pauses_ns));
	if (!past->begins_ns || !past->pauses_ns) {
		past->n = 0;
		return;
	}
	for (int i = 0; i < past->n; i++) {
		uint64_t start = past->items[i].start > end ? past->items[i].start : end, until = past->items[i].start + past->items[i].op_ticks;
		busy_ns += until > start ? debug_duration_ns(target, until - start) : 0;
		end = until > end ? until : end;
	}
	int64_t limit_ns = busy_ns / PAUSE_SHARE + 1000, at_ns = 0;
	uint64_t reference = past->n ? past->items[0].start : 0;
	end = reference;
	for (int i = 0; i < past->n; i++) {
		const struct debug_past_item *item = &past->items[i];
		int64_t gap_ns = item->start > end ? debug_duration_ns(target, item->start - end) : 0;
		if (gap_ns > limit_ns) {
			at_ns += debug_duration_ns(target, end - reference);
			reference = item->start;
			past->pauses_ns[past->n_pauses++] = at_ns;
			past->longest_pause_ns = gap_ns > past->longest_pause_ns ? gap_ns : past->longest_pause_ns;
		}
		past->begins_ns[i] = at_ns + debug_duration_ns(target, item->start - reference);
		end = item->start + item->op_ticks > end ? item->start + item->op_ticks : end;
	}
	past->length_ns = at_ns + (past->n ? debug_duration_ns(target, end - reference) : 0);
}

int debug_screen_past_load(struct debug_screen *screen, struct error *error)
{
	struct debug_past *past = &screen->past;
	const struct debug_target *target = &screen->debugger->target;
	struct gate_entry entry;
	const void *data;
	debug_past_finish(past);
	for (uint32_t i = 0; debug_screen_has_target(screen) && i < target->control.n_workers; i++) {
		uint64_t position = 0;
		while (gate_history_next(&target->gates, i, &position, &entry, &data)) {
			if (entry.output == 0 && entry.node < target->program.header->n_nodes && !add_item(past, i, &entry))
				return error_set(error, STATUS_NO_MEMORY, "no memory for all of the history");
		}
	}
	if (past->n)
		qsort(past->items, (size_t)past->n, sizeof(*past->items), compare_starts);
	lay_out(past, target);
	count_executions(past);
	return STATUS_OK;
}

/* -- the panel ---------------------------------------------------------------------------------------------------------------- */

struct strip {
	const struct debug_screen *screen;
	struct axis axis;
	struct pane pane; /* of the bars */
	double *busy, *failed; /* [n_cells] shares of one row */
};

/* The last pause up to a moment; 0: none. */
static int64_t pause_before(const struct debug_past *past, int64_t time_ns)
{
	int from = 0, until = past->n_pauses;
	while (from < until) {
		int middle = (from + until) / 2;
		if (past->pauses_ns[middle] <= time_ns)
			from = middle + 1;
		else
			until = middle;
	}
	return from ? past->pauses_ns[from - 1] : 0;
}

static void put_wait(const struct strip *strip, int y, const struct debug_past_item *item, int64_t begin_ns)
{
	const struct debug_past *past = &strip->screen->past;
	int64_t waited_ns = debug_duration_ns(&strip->screen->debugger->target, item->waited_ticks), from_ns = begin_ns - waited_ns;
	int64_t pause_ns = pause_before(past, begin_ns);
	from_ns = from_ns < pause_ns ? pause_ns : from_ns; /* not across a pause */
	int first = axis_column(&strip->axis, from_ns < 0 ? 0 : from_ns), last = axis_column(&strip->axis, begin_ns);
	for (int x = first < 0 ? 0 : first; x < last && x < strip->axis.n_cells; x++)
		pane_put(strip->pane, x, y, 0x2591, LOOK(STARVED));
}

static void add_busy(const struct strip *strip, const struct debug_past_item *item, int64_t begin_ns, int64_t end_ns)
{
	const struct axis *axis = &strip->axis;
	int first = axis_column(axis, begin_ns), last = axis_column(axis, end_ns);
	for (int x = first < 0 ? 0 : first; x <= last && x < axis->n_cells; x++) {
		int64_t from_ns = axis_time(axis, x), until_ns = from_ns + axis->cell_ns;
		int64_t part_ns = (end_ns < until_ns ? end_ns : until_ns) - (begin_ns > from_ns ? begin_ns : from_ns);
		if (part_ns > 0)
			strip->busy[x] += (double)part_ns / (double)axis->cell_ns;
		strip->failed[x] += item->has_failed;
	}
}

/* A name within its block. */
static void put_label(const struct strip *strip, int y, const struct debug_past_item *item, int64_t begin_ns, int64_t end_ns)
{
	const char *name = debug_node_name(debug_screen_program(strip->screen), item->node);
	int first = axis_column(&strip->axis, begin_ns), last = axis_column(&strip->axis, end_ns);
	first = first < 0 ? 0 : first + 1;
	last = last > strip->axis.n_cells ? strip->axis.n_cells : last;
	int width = canvas_text_width(name), room = last - first;
	if (room < 4)
		return;
	width = width < room ? width : room;
	pane_field(strip->pane, first + (room - width) / 2, y, width, PANE_LEFT, LOOK_ON(NONE, COMPUTE), name);
}

static void draw_row(const struct strip *strip, uint32_t worker, int y)
{
	const struct debug_past *past = &strip->screen->past;
	const struct debug_target *target = &strip->screen->debugger->target;
	memset(strip->busy, 0, (size_t)strip->axis.n_cells * sizeof(double));
	memset(strip->failed, 0, (size_t)strip->axis.n_cells * sizeof(double));
	for (int pass = 0; pass < 2; pass++) {
		for (int i = 0; i < past->n; i++) {
			int64_t begin_ns = past->begins_ns[i], end_ns = begin_ns + debug_duration_ns(target, past->items[i].op_ticks);
			if (past->items[i].worker != worker || end_ns < strip->axis.from_ns ||
				begin_ns > axis_time(&strip->axis, strip->axis.n_cells))
				continue;
			if (pass == 0) {
				put_wait(strip, y, &past->items[i], begin_ns);
				add_busy(strip, &past->items[i], begin_ns, end_ns);
			} else {
				put_label(strip, y, &past->items[i], begin_ns, end_ns);
			}
		}
		for (int x = 0; pass == 0 && x < strip->axis.n_cells; x++) {
			if (strip->busy[x] > 0 || strip->failed[x] > 0)
				spans_put_height(strip->pane, x, y, strip->busy[x] > 1 ? 1 : strip->busy[x],
					strip->failed[x] > 0 ? LOOK(ERROR) : LOOK(COMPUTE));
		}
	}
}

static void draw_pauses(const struct strip *strip, int n_rows)
{
	const struct debug_past *past = &strip->screen->past;
	for (int i = 0; i < past->n_pauses; i++) {
		int x = axis_column(&strip->axis, past->pauses_ns[i]);
		for (int y = 0; y < n_rows && x >= 0 && x < strip->axis.n_cells; y++)
			pane_put(strip->pane, x, y, 0x250a, LOOK(DIM));
	}
}

/* The window: all of it, or what was chosen, within what there is. */
static void set_axis(struct debug_past *past, int n_cells, struct axis *axis)
{
	int64_t fit_ns = past->length_ns / n_cells + 1, cell_ns = past->cell_ns && past->cell_ns < fit_ns ? past->cell_ns : fit_ns;
	int64_t most_ns = past->length_ns - cell_ns * n_cells;
	past->from_ns = past->from_ns > most_ns ? most_ns : past->from_ns;
	past->from_ns = past->from_ns < 0 ? 0 : past->from_ns;
	*axis = (struct axis){ .from_ns = past->from_ns, .cell_ns = cell_ns, .n_cells = n_cells };
}

static void draw_strip(struct debug_screen *screen, struct strip *strip, struct pane pane, struct pane ruler)
{
	struct debug_panel *panel = &screen->panels[DEBUG_PANEL_TIMELINE];
	const struct program *program = debug_screen_program(screen);
	panel->n_lines = (int)program->header->n_workers;
	debug_panel_scroll(panel, pane.height, false);
	int n_rows = 0;
	for (; n_rows < pane.height && panel->top + n_rows < panel->n_lines; n_rows++) {
		uint32_t worker = (uint32_t)(panel->top + n_rows);
		pane_field(pane, 0, n_rows, LABEL_CELLS - 1, PANE_LEFT, worker == screen->debugger->selected_worker ? LOOK(ACCENT) : LOOK(NONE),
			debug_worker_name(program, worker));
		draw_row(strip, worker, n_rows);
	}
	draw_pauses(strip, n_rows);
	axis_draw(&strip->axis, LABEL_CELLS, strip->axis.from_ns, ruler);
}

void debug_panel_timeline_draw(struct debug_screen *screen, struct pane pane)
{
	struct debug_past *past = &screen->past;
	char *info = screen->panels[DEBUG_PANEL_TIMELINE].info, text[32];
	if (!debug_screen_program(screen) || !past->n || pane.width < LABEL_CELLS + 10) {
		panel_paragraph(pane, 1, 0, LOOK(DIM), screen->debugger->state == DEBUG_MOVING ? "what was captured is shown when the run halts"
			: "nothing was computed yet, or nothing of it is captured (--history)");
		return;
	}
	struct strip strip = { .screen = screen };
	struct pane ruler = pane_cut_rows(&pane, 1);
	strip.pane = pane_sub(pane, LABEL_CELLS, 0, pane.width - LABEL_CELLS, pane.height);
	set_axis(past, strip.pane.width, &strip.axis);
	strip.busy = calloc((size_t)strip.axis.n_cells, sizeof(double));
	strip.failed = calloc((size_t)strip.axis.n_cells, sizeof(double));
	if (strip.busy && strip.failed)
		draw_strip(screen, &strip, pane, ruler);
	free(strip.busy);
	free(strip.failed);
	if (past->n_pauses)
		snprintf(info, sizeof(screen->panels[0].info), "┊ %d pause%s left out, up to %s", past->n_pauses, past->n_pauses == 1 ? "" : "s",
			units_duration(past->longest_pause_ns, text, sizeof(text)));
}

/* -- moving ------------------------------------------------------------------------------------------------------------------- */

static int n_cells_of(const struct debug_screen *screen)
{
	int n = screen->panels[DEBUG_PANEL_TIMELINE].area.width - LABEL_CELLS;
	return n > 10 ? n : 60;
}

void debug_panel_timeline_move(struct debug_screen *screen, int columns, int rows)
{
	struct debug_past *past = &screen->past;
	struct debug_panel *panel = &screen->panels[DEBUG_PANEL_TIMELINE];
	int64_t cell_ns = past->cell_ns ? past->cell_ns : past->length_ns / n_cells_of(screen) + 1;
	past->from_ns += columns * cell_ns * 8;
	panel->top = debug_screen_clamp((int64_t)panel->top + rows, 0, panel->n_lines);
}

/* About the middle. */
void debug_panel_timeline_zoom(struct debug_screen *screen, int direction)
{
	struct debug_past *past = &screen->past;
	int64_t fit_ns = past->length_ns / n_cells_of(screen) + 1, cell_ns = past->cell_ns ? past->cell_ns : fit_ns;
	int64_t middle_ns = past->from_ns + cell_ns * n_cells_of(screen) / 2;
	cell_ns = direction > 0 ? cell_ns / 2 : 2 * cell_ns;
	cell_ns = cell_ns < 1 ? 1 : cell_ns;
	past->cell_ns = direction == 0 || cell_ns >= fit_ns ? 0 : cell_ns;
	past->from_ns = past->cell_ns ? middle_ns - cell_ns * n_cells_of(screen) / 2 : 0;
}

/* The op that is nearest becomes the selected node. */
void debug_panel_timeline_press(struct debug_screen *screen, int x, int y, bool is_double)
{
	struct debug_past *past = &screen->past;
	struct debug_panel *panel = &screen->panels[DEBUG_PANEL_TIMELINE];
	struct axis axis;
	int found = -1;
	int64_t best_ns = INT64_MAX;
	if (!past->n || y < 1 || x < LABEL_CELLS)
		return;
	set_axis(past, n_cells_of(screen), &axis);
	int64_t time_ns = axis_time(&axis, x - LABEL_CELLS) + axis.cell_ns / 2;
	for (int i = 0; i < past->n; i++) {
		int64_t begin_ns = past->begins_ns[i], end_ns = begin_ns + debug_duration_ns(&screen->debugger->target, past->items[i].op_ticks);
		int64_t far_ns = time_ns < begin_ns ? begin_ns - time_ns : time_ns > end_ns ? time_ns - end_ns : 0;
		if (past->items[i].worker != (uint32_t)(panel->top + y - 1) || far_ns >= best_ns)
			continue;
		best_ns = far_ns;
		found = i;
	}
	if (found < 0)
		return;
	debug_screen_select(screen, past->items[found].node);
	debug_screen_commandf(screen, "execution %" PRIu64, past->items[found].execution);
}
