/* SPDX-License-Identifier: Apache-2.0
 *
 * debug_screen_keys: the table of keys.
 */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/attributes.h"
#include "viewers/config.h"
#include "viewers/debug_screen_private.h"

#define HELD_MAX 256 /* executions that are looked through */

/* X(name, keys, help): keys are written as in the viewers' table (event.h). The order is that of the help page. */
#define DEBUG_KEY_MAP(X)                                                                                    \
	X(start, "S", "start the run and halt at its first input")                                         \
	X(run, "X", "start the run and go to the first stop")                                              \
	X(step, "s", "one gate, of the process that stands earliest; the others stay")                     \
	X(next, "n", "the selected worker to its next node; the others move meanwhile")                    \
	X(node, "N", "the process that stands earliest through its node; the others stay")                 \
	X(continue, "c", "on to the next stop")                                                            \
	X(until, "u", "on to the selected node")                                                           \
	X(finish, "f", "on until the results of this execution are there")                                 \
	X(interrupt, "C-c", "halt a run that moves")                                                       \
	X(break_before, "b", "a breakpoint at the selected node, before compute")                          \
	X(break_after, "B", "the same after compute, before publish")                                      \
	X(delete, "d", "delete the stops at the selected node")                                            \
	X(watch, "w", "the selected tensor into the watch list; again: out of it")                         \
	X(watchpoint, "W", "halt when the selected tensor differs from that of the execution before")      \
	X(print, "p", "print the selected tensor among the messages")                                      \
	X(hold, "h", "hold the selected worker at its next gate; again: release it")                       \
	X(previous_worker, "[", "select the worker before")                                                \
	X(next_worker, "]", "select the worker after")                                                     \
	X(where, "y", "who waits for whom, and who holds all up")                                          \
	X(newer, "e", "look at the next execution that is held")                                           \
	X(older, "E", "look at the previous execution that is held")                                       \
	X(reverse, "r", "look at the node before, in captured history")                                    \
	X(forward, "R", "look at the node after, towards the present")                                     \
	X(previous_tensor, "{", "the tensor before, of the selected node's inputs and outputs")            \
	X(next_tensor, "}", "the tensor after")                                                            \
	X(slice, "/", "which part of the tensor, as [0,:4]")                                               \
	X(format, "m", "numbers or bytes")                                                                 \
	X(up, "up k", "one row up")                                                                        \
	X(down, "down j", "one row down")                                                                  \
	X(left, "left", "left: pan, the tensor before, the box beside")                                    \
	X(right, "right", "right")                                                                         \
	X(page_up, "pageup C-b", "a page up")                                                              \
	X(page_down, "pagedown C-f space", "a page down")                                                  \
	X(first, "home <", "to the beginning")                                                             \
	X(last, "end >", "to the end")                                                                     \
	X(enter, "enter", "take what is chosen: a node's tensors, a worker, an execution")                 \
	X(zoom_in, "+", "the time line twice as large")                                                    \
	X(zoom_out, "-", "half as large")                                                                  \
	X(fit, "=", "all of the time line")                                                                \
	X(next_panel, "tab", "to the next panel on screen")                                                \
	X(previous_panel, "S-tab", "to the panel before")                                                  \
	X(panel, "1 2 3 4 5 6 7 8 9 0", "this panel in front")                                             \
	X(zoom, "z", "the panel alone on the whole screen; again: all of them")                            \
	X(command, ":", "a command, with completion (Tab) and history; 'help' lists them")                 \
	X(help, "? F1", "this page")                                                                       \
	X(back, "esc", "all panels again")                                                                 \
	X(redraw, "C-l", "draw everything anew")                                                           \
	X(quit, "q", "leave; asks when a run that was started here would end")

/* -- motion ------------------------------------------------------------------------------------------------------------------- */

static const char *node_name(const struct debug_screen *screen)
{
	const struct program *program = debug_screen_program(screen);
	return program && screen->node != PROGRAM_NONE ? debug_node_name(program, screen->node) : NULL;
}

/* "WORD NAME…" of the selected node. */
static void command_for_node(struct debug_screen *screen, const char *word, const char *rest)
{
	struct strbuf name = STRBUF_INIT;
	if (!node_name(screen)) {
		debug_screen_status(screen, "no node is selected: there is no graph");
		return;
	}
	debug_screen_add_name(node_name(screen), &name);
	debug_screen_commandf(screen, "%s %s%s", word, strbuf_text(&name), rest);
	strbuf_finish(&name);
}

#define MOTION(name)                                                             \
	static void act_##name(struct debug_screen *screen, uint32_t key)        \
	{                                                                        \
		debug_screen_command(screen, #name);                             \
	}
MOTION(start)
MOTION(run)
MOTION(step)
MOTION(next)
MOTION(node)
MOTION(continue)
MOTION(finish)
MOTION(where)

static void act_until(struct debug_screen *screen, uint32_t key)
{
	command_for_node(screen, "until", "");
}

/* A run that moves was interrupted when the key was pressed. */
static void act_interrupt(struct debug_screen *screen, uint32_t key)
{
	if (screen->debugger->state == DEBUG_MOVING)
		debug_screen_command(screen, "interrupt");
	else
		debug_screen_status(screen, "nothing moves; q leaves");
}

/* -- stops and values --------------------------------------------------------------------------------------------------------- */

static void act_break_before(struct debug_screen *screen, uint32_t key)
{
	command_for_node(screen, "break", "");
}

static void act_break_after(struct debug_screen *screen, uint32_t key)
{
	command_for_node(screen, "break", " after");
}

static void act_delete(struct debug_screen *screen, uint32_t key)
{
	const struct debug_stops *stops = &screen->debugger->stops;
	struct strbuf line = STRBUF_INIT;
	for (int i = 0; i < stops->n_items && screen->node != PROGRAM_NONE; i++) {
		const struct debug_stop *stop = stops->items[i];
		if (stop->node == screen->node || (stop->kind == DEBUG_STOP_WATCH && stop->watched.node == screen->node))
			strbuf_addf(&line, " %d", stop->id);
	}
	if (line.length)
		debug_screen_commandf(screen, "delete%s", strbuf_text(&line));
	else
		debug_screen_status(screen, "no stop is at %s alone", node_name(screen) ? node_name(screen) : "a node");
	strbuf_finish(&line);
}

/* The selected tensor as commands name it; NULL, with a word about it, when there is none. To be finished. */
static const char *tensor_name(struct debug_screen *screen, bool with_slice, struct strbuf *name)
{
	if (debug_screen_add_tensor(screen, with_slice, name))
		return strbuf_text(name);
	debug_screen_status(screen, "no tensor is selected");
	return NULL;
}

static void act_watch(struct debug_screen *screen, uint32_t key)
{
	const struct debugger *debugger = screen->debugger;
	struct strbuf name = STRBUF_INIT, wanted = STRBUF_INIT;
	int id = 0;
	if (tensor_name(screen, true, &name)) {
		strbuf_addf(&wanted, "print %s", strbuf_text(&name));
		for (int i = 0; i < debugger->n_displays; i++)
			id = strcmp(debugger->displays[i].text, strbuf_text(&wanted)) == 0 ? debugger->displays[i].id : id;
		if (id)
			debug_screen_commandf(screen, "undisplay %d", id);
		else
			debug_screen_commandf(screen, "display %s", strbuf_text(&name));
	}
	strbuf_finish(&name);
	strbuf_finish(&wanted);
}

static void act_watchpoint(struct debug_screen *screen, uint32_t key)
{
	struct strbuf name = STRBUF_INIT;
	if (tensor_name(screen, true, &name))
		debug_screen_commandf(screen, "watch %s", strbuf_text(&name));
	strbuf_finish(&name);
}

static void act_print(struct debug_screen *screen, uint32_t key)
{
	struct strbuf name = STRBUF_INIT;
	if (tensor_name(screen, true, &name))
		debug_screen_commandf(screen, screen->shown.is_hex ? "x %s" : "print %s", strbuf_text(&name));
	strbuf_finish(&name);
}

/* -- workers and executions --------------------------------------------------------------------------------------------------- */

static void command_for_worker(struct debug_screen *screen, const char *word, uint32_t worker)
{
	struct strbuf name = STRBUF_INIT;
	debug_screen_add_name(debug_worker_name(debug_screen_program(screen), worker), &name);
	debug_screen_commandf(screen, "%s %s", word, strbuf_text(&name));
	strbuf_finish(&name);
}

static void act_hold(struct debug_screen *screen, uint32_t key)
{
	const struct debugger *debugger = screen->debugger;
	const struct program *program = debug_screen_program(screen);
	if (!program || debugger->selected_worker >= program->header->n_workers)
		debug_screen_status(screen, "no worker is selected");
	else
		command_for_worker(screen, debugger->is_held && debugger->is_held[debugger->selected_worker] ? "release" : "hold",
			debugger->selected_worker);
}

static void select_worker(struct debug_screen *screen, int direction)
{
	const struct program *program = debug_screen_program(screen);
	if (!program)
		return;
	int n = (int)program->header->n_workers, at = (int)screen->debugger->selected_worker;
	at = at < 0 || at >= n ? 0 : (at + direction + n) % n;
	command_for_worker(screen, "worker", (uint32_t)at);
}

static void act_previous_worker(struct debug_screen *screen, uint32_t key)
{
	select_worker(screen, -1);
}

static void act_next_worker(struct debug_screen *screen, uint32_t key)
{
	select_worker(screen, 1);
}

/* Of those held of the selected node. */
static void select_execution(struct debug_screen *screen, int direction)
{
	uint64_t held[HELD_MAX], at = debugger_execution(screen->debugger), found = DEBUG_LATEST;
	uint32_t total = 0, n = 0;
	if (screen->debugger->state == DEBUG_MOVING || !debug_screen_has_target(screen)) {
		debug_screen_status(screen, "that can be looked at when a run stands still");
		return;
	}
	if (debug_screen_program(screen)->nodes[screen->node].types.n)
		n = debug_value_executions(&screen->debugger->target, screen->node, 0, held, HELD_MAX, &total);
	for (uint32_t i = 0; i < n; i++) {
		if (direction > 0 ? held[i] > at && found == DEBUG_LATEST : held[i] < at)
			found = held[i];
	}
	if (found != DEBUG_LATEST)
		debug_screen_commandf(screen, "execution %" PRIu64, found);
	else
		debug_screen_status(screen, "no %s execution of %s is held", direction > 0 ? "later" : "earlier", node_name(screen));
}

static void act_newer(struct debug_screen *screen, uint32_t key)
{
	select_execution(screen, 1);
}

static void act_older(struct debug_screen *screen, uint32_t key)
{
	select_execution(screen, -1);
}

static void act_reverse(struct debug_screen *screen, uint32_t key)
{
	debug_screen_command(screen, "reverse-step");
}

static void act_forward(struct debug_screen *screen, uint32_t key)
{
	debug_screen_command(screen, "forward");
}

/* -- tensors ------------------------------------------------------------------------------------------------------------------ */

static void select_tensor(struct debug_screen *screen, int direction)
{
	int n = debug_screen_n_tensors(screen);
	if (n)
		screen->tensor = (screen->tensor + direction + n) % n;
	debug_screen_tensor_load(screen);
}

static void act_previous_tensor(struct debug_screen *screen, uint32_t key)
{
	select_tensor(screen, -1);
}

static void act_next_tensor(struct debug_screen *screen, uint32_t key)
{
	select_tensor(screen, 1);
}

static void act_slice(struct debug_screen *screen, uint32_t key)
{
	debug_screen_type(screen, DEBUG_SCREEN_SLICE, screen->shown.slice_text[0] ? screen->shown.slice_text : "[");
}

static void act_format(struct debug_screen *screen, uint32_t key)
{
	screen->shown.is_hex = !screen->shown.is_hex;
}

/* -- in the panel ------------------------------------------------------------------------------------------------------------- */

static void move(struct debug_screen *screen, int columns, int rows)
{
	debug_panel_kinds[screen->focus].move(screen, columns, rows);
}

static int page_rows(const struct debug_screen *screen)
{
	int rows = screen->panels[screen->focus].area.height - 1;
	return rows < 1 ? 1 : rows;
}

#define MOVE(name, columns, rows)                                                \
	static void act_##name(struct debug_screen *screen, uint32_t key)        \
	{                                                                        \
		move(screen, columns, rows);                                     \
	}
MOVE(up, 0, -1)
MOVE(down, 0, 1)
MOVE(left, -1, 0)
MOVE(right, 1, 0)
MOVE(page_up, 0, -page_rows(screen))
MOVE(page_down, 0, page_rows(screen))
MOVE(first, 0, -INT_MAX)
MOVE(last, 0, INT_MAX)

static void act_enter(struct debug_screen *screen, uint32_t key)
{
	if (debug_panel_kinds[screen->focus].enter)
		debug_panel_kinds[screen->focus].enter(screen);
	else
		debug_screen_status(screen, "nothing to be taken in this panel");
}

static void zoom_time(struct debug_screen *screen, int direction)
{
	debug_panel_timeline_zoom(screen, direction);
	debug_screen_show_panel(screen, DEBUG_PANEL_TIMELINE);
}

static void act_zoom_in(struct debug_screen *screen, uint32_t key)
{
	zoom_time(screen, 1);
}

static void act_zoom_out(struct debug_screen *screen, uint32_t key)
{
	zoom_time(screen, -1);
}

static void act_fit(struct debug_screen *screen, uint32_t key)
{
	zoom_time(screen, 0);
}

/* -- the screen --------------------------------------------------------------------------------------------------------------- */

static void act_next_panel(struct debug_screen *screen, uint32_t key)
{
	debug_screen_next_panel(screen, 1);
}

static void act_previous_panel(struct debug_screen *screen, uint32_t key)
{
	debug_screen_next_panel(screen, -1);
}

static void act_panel(struct debug_screen *screen, uint32_t key)
{
	debug_screen_show_panel(screen, (enum debug_panel_id)(key == '0' ? 9 : key - '1'));
}

static void act_zoom(struct debug_screen *screen, uint32_t key)
{
	screen->is_zoomed = !screen->is_zoomed;
}

static void act_command(struct debug_screen *screen, uint32_t key)
{
	debug_screen_type(screen, DEBUG_SCREEN_COMMAND, "");
}

static void act_help(struct debug_screen *screen, uint32_t key)
{
	screen->help_top = 0;
	screen->mode = DEBUG_SCREEN_HELP;
}

static void act_back(struct debug_screen *screen, uint32_t key)
{
	screen->is_zoomed = false;
}

static void act_redraw(struct debug_screen *screen, uint32_t key)
{
	screen->wants_redraw = true;
}

static void act_quit(struct debug_screen *screen, uint32_t key)
{
	debug_screen_command(screen, screen->options.returns ? "tui" : "quit");
}

/* -- dispatch ----------------------------------------------------------------------------------------------------------------- */

static const struct {
	const char *name, *keys, *help;
	void (*run)(struct debug_screen *screen, uint32_t key);
} table[] = {
#define X(name, keys, help) { #name, keys, help, act_##name },
	DEBUG_KEY_MAP(X)
#undef X
};

static bool has_key(const char *keys, uint32_t key)
{
	while (*keys) {
		char name[16];
		size_t length = strcspn(keys, " ");
		snprintf(name, sizeof(name), "%.*s", (int)length, keys);
		if (config_parse_key(name) == key)
			return true;
		keys += length + strspn(keys + length, " ");
	}
	return false;
}

void debug_screen_key(struct debug_screen *screen, uint32_t key)
{
	char name[32];
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		if (has_key(table[i].keys, key)) {
			table[i].run(screen, key);
			return;
		}
	}
	debug_screen_status(screen, "'%s' has no meaning; ? lists the keys", config_key_name(key, name, sizeof(name)));
}

bool debug_screen_key_help(int idx, const char **ret_keys, const char **ret_name, const char **ret_help)
{
	if (idx < 0 || idx >= (int)ARRAY_LEN(table))
		return false;
	*ret_keys = table[idx].keys;
	*ret_name = table[idx].name;
	*ret_help = table[idx].help;
	return true;
}
