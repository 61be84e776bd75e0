/* SPDX-License-Identifier: Apache-2.0
 *
 * debugger_halt: who is told of when everybody stands, and in which words; the end of a run; a stall.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/debug/debugger_private.h"

#define STALL_NS (1000 * DEBUG_MS)     /* as `tandem run` has it by default */
#define STALL_LOOK_NS (100 * DEBUG_MS)

static uint32_t earliest_hit(const struct debugger *debugger)
{
	const struct debug_motion *motion = debugger->motion;
	uint32_t earliest = PROGRAM_NONE;
	for (uint32_t i = 0; i < motion->n_processes; i++) {
		if (motion->processes[i].hit && (earliest == PROGRAM_NONE
			|| debugger_compare_places(debugger, &motion->processes[i].gate, &motion->processes[earliest].gate) < 0))
			earliest = i;
	}
	return earliest;
}

static void add_line(struct debugger *debugger, uint32_t worker, const char *more, struct strbuf *out)
{
	debug_describe_worker(&debugger->target, worker, out);
	strbuf_addf(out, "%s\n", more);
}

/* Stops that others have hit; who was not brought to a gate. */
static void add_others(struct debugger *debugger, uint32_t told, struct strbuf *out)
{
	struct debug_motion *motion = debugger->motion;
	for (uint32_t i = 0; i < motion->n_processes; i++) {
		struct debug_process *process = &motion->processes[i];
		if (process->hit && i != told) {
			strbuf_addf(out, "stop %d was hit too: ", process->hit);
			add_line(debugger, i, "", out);
			strbuf_add(out, strbuf_text(&process->hit_text));
		}
		if (!process->stands && !debugger_is_blocked(debugger, i) && atomic_load(&debugger->target.control.header->workers[i].position))
			add_line(debugger, i, ", and stops at its next gate", out);
	}
}

static void clear_hits(struct debug_motion *motion)
{
	for (uint32_t i = 0; i < motion->n_processes; i++) {
		motion->processes[i].hit = 0;
		strbuf_clear(&motion->processes[i].hit_text);
	}
}

/* Who is looked at when nobody stands at a gate: who computes, for that is what holds the others up; else the first worker. */
static uint32_t choose_busy(const struct debugger *debugger)
{
	uint32_t n = debugger->motion->n_processes;
	for (uint32_t i = 1; i < n; i++) {
		if (atomic_load(&debugger->target.control.header->workers[i].position))
			return i;
	}
	return n > 1 ? 1 : PROGRAM_NONE;
}

static void set_told(struct debugger *debugger, uint32_t worker)
{
	struct debug_halt *halt = &debugger->halt;
	const struct debug_motion *motion = debugger->motion;
	halt->worker = worker;
	halt->has_gate = worker < motion->n_processes && motion->processes[worker].stands;
	if (halt->has_gate)
		halt->gate = motion->processes[worker].gate;
	if (worker == PROGRAM_NONE && halt->reason != DEBUG_REASON_END)
		worker = choose_busy(debugger);
	if (worker != PROGRAM_NONE)
		debugger->selected_worker = worker;
	debugger->selected_node = PROGRAM_NONE;
	debugger->selected_execution = DEBUG_LATEST;
}

void debugger_finish_halting(struct debugger *debugger)
{
	struct debug_motion *motion = debugger->motion;
	struct debug_halt *halt = &debugger->halt;
	uint32_t hit = earliest_hit(debugger), told = motion->told < motion->n_processes ? motion->told : PROGRAM_NONE;
	if (hit != PROGRAM_NONE && told == PROGRAM_NONE)
		told = hit;
	bool is_hit = hit != PROGRAM_NONE && told == hit;
	if (told == PROGRAM_NONE || !motion->processes[told].stands)
		told = debugger_earliest(debugger, true);
	halt->reason = is_hit ? DEBUG_REASON_STOP : motion->reason;
	halt->stop = is_hit ? motion->processes[told].hit : 0;
	strbuf_clear(&halt->text);
	if (is_hit)
		strbuf_add(&halt->text, strbuf_text(&motion->processes[told].hit_text));
	strbuf_add(&halt->text, strbuf_text(&motion->text));
	strbuf_clear(&motion->text);
	add_others(debugger, told, &halt->text);
	if (halt->reason == DEBUG_REASON_BLOCKED)
		debug_where(&debugger->target, &halt->text);
	clear_hits(motion);
	if (motion->until)
		debug_stops_delete(&debugger->stops, motion->until);
	motion->until = 0;
	set_told(debugger, told);
	debugger->state = DEBUG_HALTED;
	debugger_arm(debugger);
}

/* -- the end ----------------------------------------------------------------------------------------------------------------- */

static void add_frozen(const struct debugger *debugger, struct strbuf *out)
{
	const struct gates_header *header = debugger->target.gates.header;
	if (!header || debugger->is_child || atomic_load_explicit(&header->frozen.state, memory_order_acquire) != 2)
		return;
	char text[GATE_TEXT_BYTES];
	for (size_t i = 0; i < sizeof text; i++)
		text[i] = *(const volatile char *)&header->frozen.text[i];
	text[sizeof text - 1] = '\0';
	strbuf_addf(out, "what went wrong first (%s): ", gate_freeze_word(header->frozen.reason));
	strbuf_add_printable(out, text);
	strbuf_add(out, "\n");
}

void debugger_end(struct debugger *debugger, const char *how)
{
	struct debug_motion *motion = debugger->motion;
	struct debug_halt *halt = &debugger->halt;
	if (debugger->target.program.header)
		debugger->target.is_live = false;
	halt->reason = DEBUG_REASON_END;
	halt->stop = 0;
	strbuf_clear(&halt->text);
	strbuf_addf(&halt->text, "%s\n", how);
	add_frozen(debugger, &halt->text);
	debugger_drop_pending(debugger);
	strbuf_add(&halt->text, strbuf_text(&motion->text));
	strbuf_clear(&motion->text);
	launch_take_kept(&motion->launch, &halt->text);
	for (uint32_t i = 0; i < motion->n_processes; i++)
		motion->processes[i].stands = false;
	clear_hits(motion);
	if (motion->until)
		debug_stops_delete(&debugger->stops, motion->until);
	motion->until = 0;
	set_told(debugger, PROGRAM_NONE);
	debugger->state = DEBUG_ENDED;
}

/* -- a saved state ------------------------------------------------------------------------------------------------------------ */

/* Where it happened: the process that something went wrong in, else the one that stands earliest. */
static uint32_t find_scene(struct debugger *debugger)
{
	const struct gates_header *header = debugger->target.gates.header;
	struct debug_motion *motion = debugger->motion;
	for (uint32_t i = 0; i < motion->n_processes; i++) {
		uint32_t n_stops;
		motion->processes[i].stands = gate_read_stop(&debugger->target.gates, &debugger->target.program, i,
			&motion->processes[i].gate, &n_stops);
	}
	if (atomic_load(&header->frozen.state) == 2 && header->frozen.worker < motion->n_processes)
		return header->frozen.worker;
	return debugger_earliest(debugger, true);
}

void debugger_tell_saved(struct debugger *debugger)
{
	const struct gate_frozen *frozen = &debugger->target.gates.header->frozen;
	uint32_t scene = find_scene(debugger);
	debugger->halt.reason = DEBUG_REASON_SAVED;
	debugger->halt.stop = 0;
	strbuf_clear(&debugger->halt.text);
	strbuf_add(&debugger->halt.text, strbuf_text(&debugger->motion->text));
	strbuf_clear(&debugger->motion->text);
	debugger->is_child = false;
	add_frozen(debugger, &debugger->halt.text);
	set_told(debugger, scene);
	if (debugger->halt.has_gate || atomic_load(&frozen->state) != 2)
		return;
	if (frozen->node < debugger->target.gates.n_nodes)
		debugger->selected_node = frozen->node;
	debugger->selected_execution = frozen->execution;
}

/* -- a stall ------------------------------------------------------------------------------------------------------------------ */

static void print_lines(struct debugger *debugger, char *text)
{
	for (char *line = strsep(&text, "\n"); line; line = strsep(&text, "\n")) {
		if (*line && debugger->options.printed)
			debugger->options.printed(debugger->options.user, 1, line);
	}
}

/* Somebody waits for what was submitted. */
static bool has_waiting(struct debugger *debugger)
{
	for (uint32_t i = 0; i < debugger->motion->n_processes; i++) {
		struct debug_worker_state state;
		debug_look(&debugger->target, i, &state);
		if (state.activity == DEBUG_WAITING)
			return true;
	}
	return false;
}

void debugger_tell_stall(struct debugger *debugger)
{
	struct debug_motion *motion = debugger->motion;
	int64_t now_ns = clock_now().ns;
	uint64_t stamp = 0;
	if (debugger->is_child || motion->has_told_stall || now_ns - motion->stall_looked_ns < STALL_LOOK_NS)
		return;
	motion->stall_looked_ns = now_ns;
	debugger_look_whether_settled(debugger);
	for (uint32_t i = 0; i < motion->n_processes; i++)
		stamp = stamp * 31 + motion->processes[i].look.stamp;
	if (stamp != motion->stall_stamp || !motion->stalled_ns) {
		motion->stall_stamp = stamp;
		motion->stalled_ns = now_ns;
	}
	if (now_ns - motion->stalled_ns < STALL_NS || !has_waiting(debugger))
		return;
	struct strbuf text = STRBUF_INIT;
	strbuf_add(&text, "nothing has moved for a second:\n");
	debug_where(&debugger->target, &text);
	char *lines = strbuf_take(&text);
	print_lines(debugger, lines);
	free(lines);
	motion->has_told_stall = true;
}
