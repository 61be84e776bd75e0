/* SPDX-License-Identifier: Apache-2.0
 *
 * debug_screen_draw: title line, bottom lines, the help page.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "engine/run/record.h"
#include "viewers/debug_screen_private.h"

/* -- states of processes ------------------------------------------------------------------------------------------------------ */

enum colour debug_screen_colour(const struct debug_worker_state *state)
{
	switch (state->activity) {
	case DEBUG_AT_GATE: return COLOUR_ACCENT;
	case DEBUG_COMPUTING: return COLOUR_COMPUTE;
	case DEBUG_WAITING:
		return state->wait.cause == PHASE_BACKPRESSURE ? COLOUR_BACKPRESSURE : state->wait.cause == PHASE_LATE_RANK ? COLOUR_LATE_RANK
			: COLOUR_STARVED;
	case DEBUG_IDLE: return COLOUR_IDLE;
	case DEBUG_BETWEEN:
	case DEBUG_GONE: return COLOUR_DIM;
	}
	return COLOUR_NONE;
}

/* > stands before compute, < after it, ▶ computes; stalls have their textures. */
uint32_t debug_screen_mark(const struct debug_worker_state *state)
{
	switch (state->activity) {
	case DEBUG_AT_GATE: return state->stop.place == GATE_BEFORE ? '>' : '<';
	case DEBUG_COMPUTING: return 0x25b6;
	case DEBUG_WAITING:
		return state->wait.cause == PHASE_BACKPRESSURE ? 0x2592 : state->wait.cause == PHASE_LATE_RANK ? 0x254c : 0x2591;
	case DEBUG_IDLE: return 0xb7;
	case DEBUG_BETWEEN: return ' ';
	case DEBUG_GONE: return 0xd7;
	}
	return ' ';
}

/* -- title -------------------------------------------------------------------------------------------------------------------- */

/* "w0 computes layer3, w1 waits": those that move, as far as there is room. */
static void add_motion(const struct debug_screen *screen, struct strbuf *out)
{
	const struct program *program = debug_screen_program(screen);
	int n = 0;
	strbuf_add(out, debug_screen_has_target(screen) ? "moving" : "starting");
	for (uint32_t i = 0; program && i < program->header->n_workers && n < 3; i++) {
		const struct debug_worker_state *state = debug_screen_look(screen, i);
		if (!state || (state->activity != DEBUG_COMPUTING && state->activity != DEBUG_AT_GATE))
			continue;
		strbuf_add(out, n++ ? ", " : ": ");
		strbuf_add_printable(out, debug_worker_name(program, i));
		strbuf_add(out, state->activity == DEBUG_AT_GATE ? " stands at " : " computes ");
		strbuf_add_printable(out, state->node == PROGRAM_NONE ? "-" : debug_node_name(program, state->node));
		strbuf_addf(out, " of %" PRIu64, state->execution);
	}
}

static void add_halt(const struct debug_screen *screen, struct strbuf *out)
{
	const struct debugger *debugger = screen->debugger;
	const struct program *program = debug_screen_program(screen);
	const struct gate_stop *gate = &debugger->halt.gate;
	if (!debugger->halt.has_gate || !program || gate->node >= program->header->n_nodes) {
		strbuf_add(out, "halted, nobody stands at a node");
		return;
	}
	strbuf_add(out, gate->place == GATE_BEFORE ? "before " : "after ");
	strbuf_add_printable(out, debug_node_name(program, gate->node));
	strbuf_add(out, " on ");
	strbuf_add_printable(out, debug_worker_name(program, debugger->halt.worker));
	strbuf_addf(out, ", execution %" PRIu64, gate->execution);
}

static void add_state(const struct debug_screen *screen, struct strbuf *out)
{
	const struct debugger *debugger = screen->debugger;
	switch (debugger->state) {
	case DEBUG_READY: strbuf_add(out, "not started"); break;
	case DEBUG_MOVING: add_motion(screen, out); break;
	case DEBUG_HALTED: add_halt(screen, out); break;
	case DEBUG_ENDED:
		strbuf_add(out, "over");
		if (debugger->exit_status >= 0)
			strbuf_addf(out, ", exit status %d", debugger->exit_status);
		break;
	case DEBUG_SAVED:
		strbuf_add(out, "saved state: ");
		add_halt(screen, out);
		break;
	}
}

/* What one looks at, where that is not where the run stands. */
static void add_cursor(const struct debug_screen *screen, struct strbuf *out)
{
	const struct debugger *debugger = screen->debugger;
	const struct program *program = debug_screen_program(screen);
	if (debugger->state == DEBUG_MOVING || !program)
		return;
	if (debugger->selected_node < program->header->n_nodes) {
		strbuf_add(out, "looking back at ");
		strbuf_add_printable(out, debug_node_name(program, debugger->selected_node));
		strbuf_addf(out, ", execution %" PRIu64, debugger_execution(debugger));
	} else if (debugger->selected_execution != DEBUG_LATEST) {
		strbuf_addf(out, "looking at execution %" PRIu64, debugger->selected_execution);
	}
}

static void add_what(const struct debug_screen *screen, struct strbuf *out)
{
	const struct program *program = debug_screen_program(screen);
	const char *title = screen->options.title, *slash = title ? strrchr(title, '/') : NULL;
	if (title || program)
		strbuf_add_printable(out, slash ? slash + 1 : title ? title : program_string(program, program->header->graph_name));
	if (debug_screen_has_target(screen))
		strbuf_addf(out, "  %s", run_mode_word((enum run_mode)program->header->mode));
}

static void draw_title(const struct debug_screen *screen, struct pane line)
{
	struct strbuf text = STRBUF_INIT;
	struct look look = LOOK_ON(TITLE, TITLE);
	pane_clear(line, look);
	add_what(screen, &text);
	look.attributes = LOOK_BOLD;
	int x = pane_text(line, 1, 0, look, strbuf_text(&text)) + 2;
	strbuf_clear(&text);
	add_state(screen, &text);
	look.attributes = 0;
	x = pane_text(line, x, 0, screen->debugger->state == DEBUG_MOVING ? LOOK_ON(ACCENT, TITLE) : look, strbuf_text(&text)) + 2;
	strbuf_clear(&text);
	add_cursor(screen, &text);
	int width = canvas_text_width(strbuf_text(&text));
	if (width)
		pane_field(line, x < line.width - width - 1 ? line.width - width - 1 : x, 0, width, PANE_LEFT,
			LOOK_ON(ACCENT, TITLE), strbuf_text(&text));
	strbuf_finish(&text);
}

/* -- bottom lines ------------------------------------------------------------------------------------------------------------- */

static const char *hints_of_state(const struct debug_screen *screen)
{
	switch (screen->debugger->state) {
	case DEBUG_READY: return "S start  X run";
	case DEBUG_ENDED: return "S start again  X run";
	case DEBUG_MOVING: return "Ctrl-C halt";
	case DEBUG_HALTED: return "s step  n next  c continue";
	case DEBUG_SAVED: return "y where  r back";
	}
	return "";
}

static void draw_hints(const struct debug_screen *screen, struct pane line)
{
	char text[300];
	snprintf(text, sizeof(text), "? help  %s  tab panel  z zoom  : command  %s", hints_of_state(screen), debug_panel_kinds[screen->focus].hints);
	pane_field(line, 1, 0, line.width - 2, PANE_LEFT, LOOK(NONE), "");
	pane_text(line, 1, 0, LOOK(DIM), text);
}

static void draw_bottom(struct debug_screen *screen, struct pane line)
{
	struct look look = LOOK(ACCENT);
	look.attributes = LOOK_BOLD;
	if (screen->question[0])
		pane_textf(line, 1, 0, look, "%s (y or n)", screen->question);
	else if (screen->mode == DEBUG_SCREEN_TYPING)
		debug_screen_line_draw(screen, line);
	else
		pane_text(line, 1, 0, LOOK(NONE), screen->status);
}

/* -- help --------------------------------------------------------------------------------------------------------------------- */

static const char *const legend[][2] = {
	{ "=>", "what a worker does next; strong: where it has halted" },
	{ "H C F P O B", "held where it was made, captured in history, failed, somebody is at it, a 'set' waits, breakpoint" },
	{ "> < ▶ ░ ▒ ╌ ·", "in the graph: stands before, stands after, computes, starved, backpressure, late rank, idle" },
	{ "*", "in the watch list: differs from the halt before" },
	{ "█ ░ ┊", "on the time line: an op, a wait before it, a pause that is left out" },
	{ "mouse", "click selects panels, nodes, workers, executions; double click: breakpoint; wheel scrolls or zooms" },
};

static void help_row(struct pane pane, int y, const char *left, const char *middle, const char *right)
{
	struct look strong = LOOK(ACCENT);
	strong.attributes = LOOK_BOLD;
	if (y < 0 || y >= pane.height)
		return;
	pane_field(pane, 2, y, 19, PANE_LEFT, strong, left);
	int x = *middle ? 38 : 22;
	pane_text(pane, 22, y, LOOK(NONE), middle);
	pane_text(pane, x, y, LOOK(NONE), right);
}

static void help_heading(struct pane pane, int y, const char *text)
{
	struct look look = LOOK(TITLE);
	look.attributes = LOOK_BOLD;
	if (y >= 0 && y < pane.height)
		pane_text(pane, 1, y, look, text);
}

static int draw_help_rows(struct pane pane, int top)
{
	const char *keys, *name, *help;
	int y = -top;
	help_heading(pane, y++, "Keys; below: marks, panels, commands");
	for (int i = 0; debug_screen_key_help(i, &keys, &name, &help); i++)
		help_row(pane, y++, keys, name, help);
	help_heading(pane, y++, "Marks and mouse");
	for (size_t i = 0; i < sizeof(legend) / sizeof(legend[0]); i++)
		help_row(pane, y++, legend[i][0], "", legend[i][1]);
	help_heading(pane, y++, "Panels");
	for (int i = 0; i < DEBUG_PANELS; i++)
		help_row(pane, y++, debug_panel_kinds[i].name, "", debug_panel_kinds[i].hints);
	help_heading(pane, y++, "Commands, behind : ('help NAME' tells more)");
	for (const struct debug_command *command = debug_commands; command->name; command++)
		help_row(pane, y++, command->name, command->aliases ? command->aliases : "", command->summary);
	return y + top;
}

static void draw_help(struct debug_screen *screen, struct pane pane)
{
	char place[40];
	screen->help_lines = draw_help_rows(pane_sub(pane, 0, 0, 0, 0), 0);
	int most = screen->help_lines > pane.height ? screen->help_lines - pane.height : 0;
	screen->help_top = debug_screen_clamp(screen->help_top, 0, most);
	draw_help_rows(pane, screen->help_top);
	int end = screen->help_top + pane.height < screen->help_lines ? screen->help_top + pane.height : screen->help_lines;
	snprintf(place, sizeof(place), "%d–%d of %d", screen->help_top + 1, end, screen->help_lines);
	pane_field(pane, pane.width - 16, 0, 15, PANE_RIGHT, LOOK(DIM), place);
}

/* -- all ---------------------------------------------------------------------------------------------------------------------- */

int debug_screen_draw(struct debug_screen *screen, struct canvas *canvas, struct error *error)
{
	struct pane body = canvas_pane(canvas);
	pane_clear(body, LOOK(NONE));
	screen->width = canvas->width;
	screen->height = canvas->height;
	if (canvas->width < DEBUG_SCREEN_WIDTH_MIN || canvas->height < DEBUG_SCREEN_HEIGHT_MIN) {
		pane_textf(body, 0, 0, LOOK(NONE), "tandem needs %d × %d, this is %d × %d", DEBUG_SCREEN_WIDTH_MIN,
			DEBUG_SCREEN_HEIGHT_MIN, canvas->width, canvas->height);
		return STATUS_OK;
	}
	debug_screen_refresh(screen);
	draw_title(screen, pane_cut_rows(&body, 1));
	draw_bottom(screen, pane_cut_rows(&body, -1));
	struct pane hints = pane_cut_rows(&body, -1);
	if (screen->mode == DEBUG_SCREEN_HELP) {
		draw_help(screen, body);
		pane_text(hints, 1, 0, LOOK(DIM), "↑↓ scroll  any other key: back");
		return STATUS_OK;
	}
	draw_hints(screen, hints);
	debug_screen_draw_panels(screen, body);
	return STATUS_OK;
}
