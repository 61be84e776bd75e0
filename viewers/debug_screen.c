/* SPDX-License-Identifier: Apache-2.0
 *
 * debug_screen: events, commands, halts.
 */
#include "viewers/debug_screen.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/debug/twin.h"
#include "viewers/debug_screen_private.h"

/* -- what others ask for ------------------------------------------------------------------------------------------------------ */

void debug_screen_status(struct debug_screen *screen, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(screen->status, sizeof(screen->status), format, arguments);
	va_end(arguments);
}

const struct program *debug_screen_program(const struct debug_screen *screen)
{
	return debugger_program(screen->debugger);
}

bool debug_screen_has_target(const struct debug_screen *screen)
{
	return screen->debugger->target.program.header != NULL;
}

/* A name that is no plain word stands in double quotes. */
void debug_screen_add_name(const char *name, struct strbuf *out)
{
	bool is_plain = *name && !isdigit((unsigned char)*name);
	for (const char *at = name; *at; at++)
		is_plain &= isalnum((unsigned char)*at) || *at == '_';
	strbuf_addf(out, is_plain ? "%s" : "\"%s\"", name);
}

void debug_screen_look_around(struct debug_screen *screen)
{
	struct debug_target *target = &screen->debugger->target;
	uint32_t n = debug_screen_has_target(screen) ? target->control.n_workers : 0;
	if (n > screen->n_states) {
		struct debug_worker_state *states = realloc(screen->states, n * sizeof(*states));
		if (!states)
			return;
		screen->states = states;
	}
	screen->n_states = n;
	for (uint32_t i = 0; i < n; i++)
		debug_look(target, i, &screen->states[i]);
}

const struct debug_worker_state *debug_screen_look(const struct debug_screen *screen, uint32_t worker)
{
	return worker < screen->n_states ? &screen->states[worker] : NULL;
}

bool debug_screen_is_somewhere(const struct debug_worker_state *state)
{
	return state && state->node != PROGRAM_NONE && state->activity != DEBUG_IDLE && state->activity != DEBUG_GONE;
}

uint32_t debug_screen_who_is_at(const struct debug_screen *screen, uint32_t node)
{
	uint32_t who = PROGRAM_NONE;
	for (uint32_t i = 0; i < screen->n_states; i++) {
		const struct debug_worker_state *state = &screen->states[i];
		if (debug_screen_is_somewhere(state) && state->node == node && (who == PROGRAM_NONE || i == screen->debugger->halt.worker))
			who = i;
	}
	return who;
}

/* -- the state of the run ----------------------------------------------------------------------------------------------------- */

/* Names may have changed with the run, and who was there is not any more. */
static void keep_selection(struct debug_screen *screen)
{
	const struct program *program = debug_screen_program(screen);
	if (!program)
		screen->node = PROGRAM_NONE;
	else if (screen->node >= program->header->n_nodes)
		debug_screen_select(screen, screen->debugger->order[0]);
}

void debug_screen_refresh(struct debug_screen *screen)
{
	debug_screen_look_around(screen);
	keep_selection(screen);
	if (!screen->is_stale || screen->debugger->state == DEBUG_MOVING)
		return;
	screen->is_stale = false;
	debug_screen_forget_letters(screen);
	debug_screen_tensor_load(screen);
	struct error error = { 0 };
	if (debug_screen_past_load(screen, &error) != STATUS_OK)
		debug_screen_status(screen, "%s", error.text);
	debug_text_clear(&screen->twin);
	if (!screen->context->twin)
		return;
	struct strbuf text = STRBUF_INIT;
	debug_twin_describe(screen->context->twin, &text);
	debug_twin_table(screen->context->twin, false, &text);
	debug_text_add(&screen->twin, DEBUG_TEXT_PLAIN, strbuf_text(&text));
	strbuf_finish(&text);
}

/* Before compute what a node reads is of interest, after it what it has made. */
static int first_tensor(const struct debug_screen *screen, uint32_t node, bool is_after)
{
	const struct program *program = debug_screen_program(screen);
	return is_after ? (int)program->nodes[node].inputs.n : 0;
}

void debug_screen_select(struct debug_screen *screen, uint32_t node)
{
	const struct debugger *debugger = screen->debugger;
	if (screen->node == node)
		return;
	screen->node = node;
	const struct debug_worker_state *state = debug_screen_look(screen, debug_screen_who_is_at(screen, node));
	bool is_before = state && state->activity == DEBUG_AT_GATE && state->stop.place == GATE_BEFORE && debugger->selected_node == PROGRAM_NONE;
	screen->tensor = first_tensor(screen, node, !is_before);
	debug_screen_tensor_load(screen);
}

/* Looks at where it has halted, or where the cursor went. */
static void follow(struct debug_screen *screen)
{
	const struct debugger *debugger = screen->debugger;
	uint32_t node = debugger_node(debugger);
	if (!debug_screen_program(screen) || node >= debug_screen_program(screen)->header->n_nodes)
		return;
	bool is_before = debugger->selected_node == PROGRAM_NONE && debugger->halt.has_gate && debugger->halt.gate.place == GATE_BEFORE;
	screen->node = node;
	screen->tensor = first_tensor(screen, node, !is_before);
	screen->is_stale = true;
}

static void say(struct debug_screen *screen, enum debug_text_kind kind, const char *text)
{
	debug_text_add(&screen->messages, kind, text);
	screen->panels[DEBUG_PANEL_MESSAGES].top = INT32_MAX; /* to the end, which drawing knows */
}

static void say_error(struct debug_screen *screen, const struct error *error)
{
	say(screen, DEBUG_TEXT_ERROR, error->text);
	debug_screen_status(screen, "%s", error->text);
}

static void look_for_end(struct debug_screen *screen)
{
	if (screen->context->is_over)
		screen->end = DEBUG_SCREEN_ENDED;
	else if (screen->context->changes_face)
		screen->end = DEBUG_SCREEN_LEFT;
	screen->context->changes_face = false;
	if (screen->end != DEBUG_SCREEN_GOES_ON)
		screen->mode = DEBUG_SCREEN_OVER;
}

/* Everything stands still again. */
static void settle(struct debug_screen *screen)
{
	struct strbuf out = STRBUF_INIT;
	struct error error = { 0 };
	int status = debug_settle(screen->context, &out, &error);
	say(screen, DEBUG_TEXT_PLAIN, strbuf_text(&out));
	strbuf_finish(&out);
	if (status != STATUS_OK)
		say_error(screen, &error);
	follow(screen);
	screen->is_stale = true;
	debug_screen_refresh(screen);
	debug_screen_watch_load(screen, true);
	look_for_end(screen);
}

/* -- commands ----------------------------------------------------------------------------------------------------------------- */

int debug_screen_ask_quietly(struct debug_screen *screen, const char *line, struct strbuf *out, struct error *error)
{
	screen->context->n_nested++;
	int status = debug_command(screen->context, line, out, error);
	screen->context->n_nested--;
	return status;
}

/* Two runs are compared in one go: a frame says so beforehand. */
static bool takes_long(const struct debug_screen *screen, const char *line)
{
	const struct debug_command *command = NULL;
	char word[32];
	line += strspn(line, " \t");
	snprintf(word, sizeof(word), "%.*s", (int)strcspn(line, " \t"), line);
	return !screen->context->defining_stop && debug_command_find(word, &command, NULL) == STATUS_OK && command->theme == DEBUG_THEME_TWIN;
}

static void carry_out(struct debug_screen *screen, const char *line)
{
	struct debug_context *context = screen->context;
	struct strbuf out = STRBUF_INIT, echo = STRBUF_INIT;
	struct error error = { 0 };
	uint32_t node = debugger_node(screen->debugger);
	int width = screen->panels[DEBUG_PANEL_MESSAGES].area.width;
	context->n_columns = width > 40 ? width - 2 : 0;
	strbuf_addf(&echo, "%s%s", debug_prompt(context), *line || !context->last_line ? line : context->last_line);
	say(screen, DEBUG_TEXT_COMMAND, strbuf_text(&echo));
	screen->status[0] = '\0';
	int status = debug_command(context, line, &out, &error);
	say(screen, DEBUG_TEXT_PLAIN, strbuf_text(&out));
	if (status != STATUS_OK)
		say_error(screen, &error);
	if (debugger_node(screen->debugger) != node && screen->debugger->state != DEBUG_MOVING)
		follow(screen);
	screen->is_stale = true;
	debug_screen_refresh(screen);
	debug_screen_watch_load(screen, false);
	look_for_end(screen);
	strbuf_finish(&out);
	strbuf_finish(&echo);
	if (context->defining_stop && screen->mode == DEBUG_SCREEN_BROWSING)
		debug_screen_type(screen, DEBUG_SCREEN_COMMAND, "");
}

void debug_screen_command(struct debug_screen *screen, const char *line)
{
	if (!takes_long(screen, line)) {
		carry_out(screen, line);
		return;
	}
	snprintf(screen->waiting, sizeof(screen->waiting), "%s", line);
	debug_screen_status(screen, "%s …  Ctrl-C ends it", line);
}

void debug_screen_commandf(struct debug_screen *screen, const char *format, ...)
{
	char line[LINE_EDIT_BYTES];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	debug_screen_command(screen, line);
}

/* -- events ------------------------------------------------------------------------------------------------------------------- */

bool debug_screen_is_busy(const struct debug_screen *screen)
{
	return screen->waiting[0] != '\0';
}

enum debug_screen_end debug_screen_turn(struct debug_screen *screen, int64_t limit_ns)
{
	struct debugger *debugger = screen->debugger;
	if (debug_screen_is_busy(screen)) {
		char line[LINE_EDIT_BYTES];
		memcpy(line, screen->waiting, sizeof(line));
		screen->waiting[0] = '\0';
		carry_out(screen, line);
	}
	if (debugger->state == DEBUG_MOVING) {
		if (debugger_poll(debugger, limit_ns) != DEBUG_MOVING)
			settle(screen);
	} else if (debugger->state == DEBUG_HALTED && !debugger_listen(debugger)) {
		settle(screen);
	}
	return screen->end;
}

static void scroll_help(struct debug_screen *screen, uint32_t key)
{
	int page = screen->height - 3;
	switch (key) {
	case KEY_ARROW_UP:
	case 'k': screen->help_top--; break;
	case KEY_ARROW_DOWN:
	case 'j': screen->help_top++; break;
	case KEY_PAGE_UP: screen->help_top -= page; break;
	case KEY_PAGE_DOWN:
	case ' ': screen->help_top += page; break;
	case KEY_HOME_: screen->help_top = 0; break;
	case KEY_END_: screen->help_top = screen->help_lines; break;
	default: screen->mode = DEBUG_SCREEN_BROWSING;
	}
}

static void handle_key(struct debug_screen *screen, uint32_t key)
{
	switch (screen->mode) {
	case DEBUG_SCREEN_BROWSING:
		screen->status[0] = '\0';
		debug_screen_key(screen, key);
		break;
	case DEBUG_SCREEN_TYPING: debug_screen_line_key(screen, key); break;
	case DEBUG_SCREEN_HELP: scroll_help(screen, key); break;
	case DEBUG_SCREEN_OVER: break;
	}
}

static void handle_wheel(struct debug_screen *screen, const struct event *event)
{
	int rows = event->kind == EVENT_WHEEL_UP ? -3 : 3;
	if (screen->mode == DEBUG_SCREEN_HELP) {
		screen->help_top += rows;
		return;
	}
	enum debug_panel_id id = debug_screen_panel_at(screen, event->x, event->y);
	if (screen->mode != DEBUG_SCREEN_BROWSING || id == DEBUG_PANELS)
		return;
	if (debug_panel_kinds[id].zoom)
		debug_panel_kinds[id].zoom(screen, rows < 0 ? 1 : -1);
	else
		debug_panel_kinds[id].move(screen, 0, rows);
}

enum debug_screen_end debug_screen_handle(struct debug_screen *screen, const struct event *event)
{
	switch (event->kind) {
	case EVENT_KEY: handle_key(screen, event->key); break;
	case EVENT_MOUSE_PRESS:
	case EVENT_MOUSE_DOUBLE:
		if (screen->mode == DEBUG_SCREEN_HELP)
			screen->mode = DEBUG_SCREEN_BROWSING;
		else if (screen->mode == DEBUG_SCREEN_BROWSING)
			debug_screen_press(screen, event);
		break;
	case EVENT_WHEEL_UP:
	case EVENT_WHEEL_DOWN: handle_wheel(screen, event); break;
	case EVENT_MOUSE_DRAG:
	case EVENT_MOUSE_RELEASE:
	case EVENT_RESIZE:
	case EVENT_TICK: break;
	case EVENT_END:
		screen->mode = DEBUG_SCREEN_OVER;
		screen->end = DEBUG_SCREEN_ENDED;
	}
	return screen->end;
}

void debug_screen_printed(struct debug_screen *screen, int stream, const char *line)
{
	struct debug_panel *panel = &screen->panels[DEBUG_PANEL_OUTPUT];
	bool follows = panel->top >= panel->n_lines - panel->area.height;
	debug_text_add(&screen->output, stream ? DEBUG_TEXT_DIM : DEBUG_TEXT_PLAIN, line);
	panel->top = follows ? INT32_MAX : panel->top;
}

void debug_screen_question(struct debug_screen *screen, const char *question)
{
	snprintf(screen->question, sizeof(screen->question), "%s", question ? question : "");
}

bool debug_screen_take_redraw(struct debug_screen *screen)
{
	bool wants_redraw = screen->wants_redraw;
	screen->wants_redraw = false;
	return wants_redraw;
}

/* -- beginning and end -------------------------------------------------------------------------------------------------------- */

/* What one wants to see first: where it stands; of a saved state who waited for whom, and the crash. */
static void begin(struct debug_screen *screen)
{
	static const char *const of_halted[] = { "position", NULL }, *const of_saved[] = { "where", "backtrace", NULL };
	const struct debugger *debugger = screen->debugger;
	const char *const *lines = debugger->state == DEBUG_SAVED ? of_saved : of_halted;
	bool is_there = debugger->state == DEBUG_HALTED || debugger->state == DEBUG_SAVED || debugger->state == DEBUG_ENDED;
	follow(screen);
	screen->is_stale = true;
	debug_screen_refresh(screen);
	debug_screen_watch_load(screen, true);
	for (int i = 0; is_there && lines[i]; i++) {
		struct strbuf out = STRBUF_INIT;
		struct error error = { 0 };
		if (debug_screen_ask_quietly(screen, lines[i], &out, &error) == STATUS_OK)
			say(screen, DEBUG_TEXT_PLAIN, strbuf_text(&out));
		strbuf_finish(&out);
	}
	if (debugger->state == DEBUG_READY)
		say(screen, DEBUG_TEXT_PLAIN,
			"Nothing runs yet: S starts it and stops at the first input, X runs to the first stop. ? lists the "
			"keys.");
}

int debug_screen_create(const struct debug_screen_options *options, struct error *error, struct debug_screen **ret_screen)
{
	struct debug_screen *screen = calloc(1, sizeof(*screen));
	if (!screen)
		return error_set(error, STATUS_NO_MEMORY, "%s", status_sentence(STATUS_NO_MEMORY));
	screen->options = *options;
	screen->context = options->context;
	screen->debugger = options->context->debugger;
	screen->node = PROGRAM_NONE;
	screen->context->shows_displays = true;
	screen->context->has_screen = true;
	for (int i = 0; i < DEBUG_PANELS; i++)
		screen->panels[i].shown = (uint64_t)(DEBUG_PANELS - i);
	screen->n_shown = DEBUG_PANELS;
	begin(screen);
	*ret_screen = screen;
	return STATUS_OK;
}

void debug_screen_destroy(struct debug_screen *screen)
{
	if (!screen)
		return;
	screen->context->shows_displays = false;
	debug_screen_forget_letters(screen);
	debug_screen_graph_finish(screen);
	debug_screen_tensor_finish(screen);
	debug_screen_texts_finish(screen);
	debug_past_finish(&screen->past);
	free(screen->executions);
	free(screen->states);
	free(screen);
}
