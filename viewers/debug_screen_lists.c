/* SPDX-License-Identifier: Apache-2.0
 *
 * debug_screen_lists: panels with a row for each node, process, execution.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "viewers/debug_screen_private.h"
#include "viewers/panel.h"

#define LETTERS_CELLS 5
#define THERE_CELLS 13
#define WIDE 42  /* from here on a row has what the process there does, in words … */
#define WIDER 58 /* … and the op */

static bool draw_without(struct debug_screen *screen, struct pane pane, bool needs_run)
{
	bool is_missing = !debug_screen_program(screen) || (needs_run && !debug_screen_has_target(screen));
	if (is_missing)
		panel_paragraph(pane, 1, 0, LOOK(DIM), !debug_screen_program(screen) ? "there is no graph; ':attach PID' takes a run that goes on"
			: "nothing runs; S starts it");
	return is_missing;
}

static void move_row(struct debug_screen *screen, enum debug_panel_id id, int rows)
{
	struct debug_panel *panel = &screen->panels[id];
	panel->row = debug_screen_clamp((int64_t)panel->row + rows, 0, panel->n_lines > 0 ? panel->n_lines - 1 : 0);
}

static void tint_row(const struct debug_screen *screen, enum debug_panel_id id, struct pane pane, int y)
{
	pane_tint(pane, 0, y, pane.width, 1, COLOUR_SELECT);
	if (screen->focus == id)
		pane_emphasise(pane, 0, y, pane.width, 1, LOOK_BOLD);
}

/* -- nodes -------------------------------------------------------------------------------------------------------------------- */

void debug_screen_forget_letters(struct debug_screen *screen)
{
	for (uint32_t i = 0; i < screen->n_letters; i++)
		free(screen->letters[i]);
	free(screen->letters);
	screen->letters = NULL;
	screen->n_letters = 0;
}

/* Looked up for what is in sight, once a halt: a value may have to be searched for. */
static const char *letters_of(struct debug_screen *screen, uint32_t node, const struct debug_worker_state *there)
{
	uint32_t n_nodes = debug_screen_program(screen)->header->n_nodes;
	uint64_t execution = debugger_execution(screen->debugger);
	if (screen->debugger->state != DEBUG_MOVING && (!screen->letters || screen->n_letters != n_nodes)) {
		debug_screen_forget_letters(screen);
		screen->letters = calloc(n_nodes, sizeof(*screen->letters));
		screen->n_letters = screen->letters ? n_nodes : 0;
	}
	if (node >= screen->n_letters)
		return "";
	if (!screen->letters[node] && screen->debugger->state != DEBUG_MOVING) {
		struct strbuf text = STRBUF_INIT;
		bool has_failed = there && there->activity == DEBUG_AT_GATE && there->stop.is_own_failure && there->execution == execution;
		debug_add_letters(screen->context, node, execution, there != NULL, has_failed, &text);
		screen->letters[node] = text.text ? strbuf_take(&text) : strdup("");
	}
	return screen->letters[node] ? screen->letters[node] : "";
}

static const char *activity_word(const struct debug_worker_state *state)
{
	switch (state->activity) {
	case DEBUG_AT_GATE: return state->stop.place == GATE_BEFORE ? "before" : "after";
	case DEBUG_COMPUTING: return "computes";
	case DEBUG_WAITING: return "waits";
	case DEBUG_IDLE:
	case DEBUG_BETWEEN:
	case DEBUG_GONE: break;
	}
	return "passes";
}

static void draw_node(struct debug_screen *screen, uint32_t node, struct pane pane, int y)
{
	const struct program *program = debug_screen_program(screen);
	const struct debugger *debugger = screen->debugger;
	uint32_t who = debug_screen_who_is_at(screen, node);
	const struct debug_worker_state *state = debug_screen_look(screen, who);
	bool is_halt = state && debugger->halt.has_gate && debugger->halt.gate.node == node && debugger->halt.worker == who;
	struct look mark = { .front = state ? (uint8_t)debug_screen_colour(state) : COLOUR_NONE, .attributes = is_halt ? LOOK_BOLD : 0 };
	const char *letters = letters_of(screen, node, state);
	bool is_failed = strchr(letters, 'F') != NULL, is_wide = pane.width >= WIDE;
	int x = 3 + LETTERS_CELLS, n_worker = is_wide ? 8 : 6, n_op = pane.width >= WIDER ? (pane.width - x - n_worker - THERE_CELLS) / 3 : 0;
	int n_rest = is_wide ? n_op + THERE_CELLS + 2 : 0, n_name = pane.width - x - n_worker - 1 - n_rest;
	char text[100];
	pane_text(pane, 0, y, mark, state ? "=>" : "  ");
	pane_field(pane, 3, y, LETTERS_CELLS, PANE_LEFT, is_failed ? LOOK(ERROR) : strchr(letters, 'B') ? LOOK(ACCENT) : LOOK(DIM), letters);
	pane_field(pane, x, y, n_name, PANE_LEFT, is_halt ? mark : LOOK(NONE), debug_node_name(program, node));
	pane_field(pane, x + n_name + 1, y, n_worker, PANE_LEFT, LOOK(DIM), debug_worker_name(program, program->nodes[node].worker));
	if (!is_wide)
		return;
	snprintf(text, sizeof(text), "%s %" PRIu64, state ? activity_word(state) : "", state ? state->execution : 0);
	pane_field(pane, pane.width - n_rest + 1, y, n_op, PANE_LEFT, LOOK(DIM), debug_op_name(program, node));
	if (state)
		pane_field(pane, pane.width - THERE_CELLS, y, THERE_CELLS, PANE_LEFT, mark, text);
}

static int position_of(const struct debug_screen *screen, uint32_t node)
{
	uint32_t n = debug_screen_program(screen)->header->n_nodes, at = 0;
	while (at < n && screen->debugger->order[at] != node)
		at++;
	return at < n ? (int)at : 0;
}

void debug_panel_nodes_draw(struct debug_screen *screen, struct pane pane)
{
	struct debug_panel *panel = &screen->panels[DEBUG_PANEL_NODES];
	if (draw_without(screen, pane, false))
		return;
	panel->n_lines = (int)debug_screen_program(screen)->header->n_nodes;
	panel->row = position_of(screen, screen->node);
	debug_panel_scroll(panel, pane.height, true);
	for (int y = 0; y < pane.height && panel->top + y < panel->n_lines; y++) {
		uint32_t node = screen->debugger->order[panel->top + y];
		draw_node(screen, node, pane, y);
		if (node == screen->node)
			tint_row(screen, DEBUG_PANEL_NODES, pane, y);
	}
	if (panel->n_lines > pane.height)
		snprintf(panel->info, sizeof(panel->info), "%d of %d", panel->row + 1, panel->n_lines);
}

void debug_panel_nodes_move(struct debug_screen *screen, int columns, int rows)
{
	if (!debug_screen_program(screen))
		return;
	move_row(screen, DEBUG_PANEL_NODES, rows);
	debug_screen_select(screen, screen->debugger->order[screen->panels[DEBUG_PANEL_NODES].row]);
}

void debug_panel_nodes_enter(struct debug_screen *screen)
{
	debug_screen_show_panel(screen, DEBUG_PANEL_TENSOR);
}

void debug_panel_nodes_press(struct debug_screen *screen, int x, int y, bool is_double)
{
	struct debug_panel *panel = &screen->panels[DEBUG_PANEL_NODES];
	if (!debug_screen_program(screen) || panel->top + y >= (int)debug_screen_program(screen)->header->n_nodes)
		return;
	debug_screen_select(screen, screen->debugger->order[panel->top + y]);
	if (is_double)
		debug_screen_key(screen, 'b');
}

/* -- workers ------------------------------------------------------------------------------------------------------------------ */

static void draw_worker(struct debug_screen *screen, uint32_t worker, struct pane pane, int y)
{
	const struct debugger *debugger = screen->debugger;
	const struct program *program = debug_screen_program(screen);
	const char *name = debug_worker_name(program, worker);
	const struct debug_worker_state *state = debug_screen_look(screen, worker);
	struct strbuf text = STRBUF_INIT;
	bool is_held = debugger->is_held && debugger->is_held[worker], is_selected = worker == debugger->selected_worker;
	pane_text(pane, 0, y, LOOK(ACCENT), is_selected ? ">" : " ");
	pane_field(pane, 2, y, 8, PANE_LEFT, LOOK(NONE), name);
	pane_field(pane, 11, y, 8, PANE_LEFT, LOOK(DIM), program_string(program, program->workers[worker].device));
	pane_text(pane, 20, y, LOOK(ACCENT), is_held ? "held" : "");
	if (debug_screen_has_target(screen))
		debug_describe_worker(&screen->debugger->target, worker, &text);
	const char *does = strbuf_text(&text);
	if (strncmp(does, name, strlen(name)) == 0 && does[strlen(name)] == ' ')
		does += strlen(name) + 1;
	panel_prose(pane, is_held ? 25 : 20, y, pane.width - (is_held ? 26 : 21),
		(struct look){.front = state ? (uint8_t)debug_screen_colour(state) : COLOUR_DIM}, does);
	strbuf_finish(&text);
}

void debug_panel_workers_draw(struct debug_screen *screen, struct pane pane)
{
	struct debug_panel *panel = &screen->panels[DEBUG_PANEL_WORKERS];
	if (draw_without(screen, pane, false))
		return;
	panel->n_lines = (int)debug_screen_program(screen)->header->n_workers;
	debug_panel_scroll(panel, pane.height, true);
	for (int y = 0; y < pane.height && panel->top + y < panel->n_lines; y++) {
		draw_worker(screen, (uint32_t)(panel->top + y), pane, y);
		if (panel->top + y == panel->row && screen->focus == DEBUG_PANEL_WORKERS)
			tint_row(screen, DEBUG_PANEL_WORKERS, pane, y);
	}
	if (panel->n_lines > pane.height)
		snprintf(panel->info, sizeof(panel->info), "%d–%d of %d", panel->top + 1,
			debug_screen_clamp(panel->top + pane.height, 0, panel->n_lines), panel->n_lines);
}

void debug_panel_workers_move(struct debug_screen *screen, int columns, int rows)
{
	move_row(screen, DEBUG_PANEL_WORKERS, rows);
}

void debug_panel_workers_enter(struct debug_screen *screen)
{
	const struct program *program = debug_screen_program(screen);
	uint32_t worker = (uint32_t)screen->panels[DEBUG_PANEL_WORKERS].row;
	struct strbuf name = STRBUF_INIT;
	if (!program || worker >= program->header->n_workers)
		return;
	debug_screen_add_name(debug_worker_name(program, worker), &name);
	debug_screen_commandf(screen, "worker %s", strbuf_text(&name));
	strbuf_finish(&name);
	const struct debug_worker_state *state = debug_screen_look(screen, worker);
	if (state && state->node != PROGRAM_NONE)
		debug_screen_select(screen, state->node);
}

void debug_panel_workers_press(struct debug_screen *screen, int x, int y, bool is_double)
{
	struct debug_panel *panel = &screen->panels[DEBUG_PANEL_WORKERS];
	if (panel->top + y >= panel->n_lines)
		return;
	panel->row = panel->top + y;
	debug_panel_workers_enter(screen);
}

/* -- executions --------------------------------------------------------------------------------------------------------------- */

static int find_execution(const struct debug_screen *screen, uint64_t execution)
{
	int at = 0;
	while (at < screen->n_executions && screen->executions[at].execution > execution)
		at++;
	return at;
}

/* Those that the history knows, and those that somebody is at. */
static void collect(struct debug_screen *screen)
{
	const struct debug_past *past = &screen->past;
	struct debug_past_execution *items = realloc(screen->executions, ((size_t)past->n_executions + screen->n_states + 1) * sizeof(*items));
	if (!items)
		return;
	screen->executions = items;
	screen->n_executions = past->n_executions;
	if (past->n_executions)
		memcpy(items, past->executions, (size_t)past->n_executions * sizeof(*items));
	for (uint32_t i = 0; i < screen->n_states; i++) {
		const struct debug_worker_state *state = &screen->states[i];
		int at = find_execution(screen, state->execution);
		if (!debug_screen_is_somewhere(state) || (at < screen->n_executions && items[at].execution == state->execution))
			continue;
		memmove(&items[at + 1], &items[at], (size_t)(screen->n_executions++ - at) * sizeof(*items));
		items[at] = (struct debug_past_execution){ .execution = state->execution };
	}
}

/* "w0 at layer2, w1 at layer3" */
static int add_who(const struct debug_screen *screen, uint64_t execution, struct strbuf *out)
{
	const struct program *program = debug_screen_program(screen);
	int n = 0;
	for (uint32_t i = 0; i < screen->n_states; i++) {
		const struct debug_worker_state *state = &screen->states[i];
		if (!debug_screen_is_somewhere(state) || state->execution != execution)
			continue;
		strbuf_add(out, n++ ? ", " : "");
		strbuf_add_printable(out, debug_worker_name(program, i));
		strbuf_addf(out, " %s ", activity_word(state));
		strbuf_add_printable(out, debug_node_name(program, state->node));
	}
	return n;
}

static void draw_execution(struct debug_screen *screen, const struct debug_past_execution *item, struct pane pane, int y)
{
	struct strbuf who = STRBUF_INIT;
	int n_nodes = (int)debug_screen_program(screen)->header->n_nodes - 1; /* `output` makes nothing */
	bool is_here = add_who(screen, item->execution, &who) > 0;
	pane_text(pane, 0, y, LOOK(ACCENT), item->execution == debugger_execution(screen->debugger) ? ">" : " ");
	pane_textf(pane, 2, y, is_here ? (struct look){ .front = COLOUR_NONE, .attributes = LOOK_BOLD } : LOOK(NONE), "%8" PRIu64, item->execution);
	int x = pane_textf(pane, 12, y, LOOK(DIM), "%d of %d nodes captured", item->n_nodes, n_nodes);
	if (item->n_failed)
		x = pane_textf(pane, x + 2, y, LOOK(ERROR), "%d failed", item->n_failed);
	panel_prose(pane, x + 2, y, pane.width - x - 3, LOOK(NONE), strbuf_text(&who));
	strbuf_finish(&who);
}

void debug_panel_executions_draw(struct debug_screen *screen, struct pane pane)
{
	struct debug_panel *panel = &screen->panels[DEBUG_PANEL_EXECUTIONS];
	if (draw_without(screen, pane, true))
		return;
	collect(screen);
	panel->n_lines = screen->n_executions;
	debug_panel_scroll(panel, pane.height, true);
	if (!panel->n_lines)
		pane_text(pane, 1, 0, LOOK(DIM), "none is in flight, and nothing is captured");
	for (int y = 0; y < pane.height && panel->top + y < panel->n_lines; y++) {
		draw_execution(screen, &screen->executions[panel->top + y], pane, y);
		if (panel->top + y == panel->row && screen->focus == DEBUG_PANEL_EXECUTIONS)
			tint_row(screen, DEBUG_PANEL_EXECUTIONS, pane, y);
	}
	if (panel->n_lines > pane.height)
		snprintf(panel->info, sizeof(panel->info), "%d–%d of %d", panel->top + 1,
			debug_screen_clamp(panel->top + pane.height, 0, panel->n_lines), panel->n_lines);
}

void debug_panel_executions_move(struct debug_screen *screen, int columns, int rows)
{
	move_row(screen, DEBUG_PANEL_EXECUTIONS, rows);
}

void debug_panel_executions_enter(struct debug_screen *screen)
{
	int row = screen->panels[DEBUG_PANEL_EXECUTIONS].row;
	if (row < screen->n_executions)
		debug_screen_commandf(screen, "execution %" PRIu64, screen->executions[row].execution);
}

void debug_panel_executions_press(struct debug_screen *screen, int x, int y, bool is_double)
{
	struct debug_panel *panel = &screen->panels[DEBUG_PANEL_EXECUTIONS];
	if (panel->top + y >= panel->n_lines)
		return;
	panel->row = panel->top + y;
	debug_panel_executions_enter(screen);
}
