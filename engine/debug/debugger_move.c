/* SPDX-License-Identifier: Apache-2.0
 *
 * debugger_move: the motion of a run that is being debugged, turn by turn: who newly stands at a gate is judged, what was asked for is looked
 * for, everybody else is let go at once.
 */
#include <poll.h>

#include "engine/base/clock.h"
#include "engine/debug/debugger_private.h"

#define TURN_NS (3 * DEBUG_MS)     /* longest sleep between two looks at pipes and processes */
#define PAUSE_NS_LEAST INT64_C(20000)
#define PAUSE_NS_MOST DEBUG_MS

/* -- the gates --------------------------------------------------------------------------------------------------------------- */

static enum gate_steps steps_of(const struct debugger *debugger, uint32_t worker)
{
	const struct debug_motion *motion = debugger->motion;
	if (debugger->state != DEBUG_MOVING || motion->phase != DEBUG_GOING || debugger->is_held[worker])
		return GATE_STEPS_PLACES;
	switch (motion->how) {
	case DEBUG_RESUME_STEP:
		return GATE_STEPS_PLACES;
	case DEBUG_RESUME_NODE:
		return worker == motion->worker ? GATE_STEPS_NODES : GATE_STEPS_PLACES;
	case DEBUG_RESUME_NEXT:
		return worker == motion->worker ? GATE_STEPS_NODES : GATE_STEPS_NONE;
	default:
		return GATE_STEPS_NONE;
	}
}

void debugger_set_steps(struct debugger *debugger)
{
	struct gates *gates = &debugger->target.gates;
	for (uint32_t i = 0; debugger->target.is_live && i < debugger->motion->n_processes; i++)
		atomic_store(&gate_worker(gates, i)->steps, steps_of(debugger, i));
}

void debugger_set_phase(struct debugger *debugger, enum debug_phase phase)
{
	struct debug_motion *motion = debugger->motion;
	motion->phase = phase;
	motion->since_ns = clock_now().ns;
	motion->pause_ns = PAUSE_NS_LEAST;
	motion->has_told_stall = false;
	motion->stalled_ns = 0;
}

void debugger_let_go(struct debugger *debugger, uint32_t worker)
{
	struct debug_process *process = &debugger->motion->processes[worker];
	process->stands = false;
	process->n_passed = process->n_stops;
	gate_let_go(&debugger->target.gates, worker);
}

/* Takes in where a process stands. Returns whether that is news. */
static bool take_in(struct debugger *debugger, uint32_t worker)
{
	struct debug_process *process = &debugger->motion->processes[worker];
	const struct gates *gates = &debugger->target.gates;
	const struct gate_worker *shared = gate_worker(gates, worker);
	uint32_t n_stops = atomic_load_explicit(&shared->n_stops, memory_order_acquire);
	bool is_at_gate = atomic_load_explicit(&shared->state, memory_order_acquire) == GATE_STOPPED;
	if (!is_at_gate || n_stops == process->n_passed) {
		process->stands = false;
		return false;
	}
	if (process->stands && n_stops == process->n_stops)
		return false;
	process->stands = gate_read_stop(gates, &debugger->target.program, worker, &process->gate, &n_stops)
		&& n_stops != process->n_passed;
	process->n_stops = process->stands ? n_stops : process->n_stops;
	return process->stands;
}

static bool judge_one(struct debugger *debugger, uint32_t worker, int after_id)
{
	struct debug_process *process = &debugger->motion->processes[worker];
	const struct debug_stop *stop = debug_stops_hit(&debugger->stops, &debugger->target, worker, &process->gate, after_id,
		&process->hit_text);
	process->n_known_ids = debugger->stops.n_ids;
	if (stop)
		process->hit = stop->id;
	return stop != NULL;
}

bool debugger_judge(struct debugger *debugger)
{
	struct debug_process *processes = debugger->motion->processes;
	uint32_t n = debugger->motion->n_processes, n_new = 0;
	bool is_hit = false;
	for (uint32_t i = 0; i < n; i++) {
		processes[i].is_new = take_in(debugger, i);
		n_new += processes[i].is_new;
	}
	for (; n_new; n_new--) { /* the earliest first: hits are counted in the graph's order */
		uint32_t earliest = PROGRAM_NONE;
		for (uint32_t i = 0; i < n; i++) {
			if (processes[i].is_new && (earliest == PROGRAM_NONE
				|| debugger_compare_places(debugger, &processes[i].gate, &processes[earliest].gate) < 0))
				earliest = i;
		}
		processes[earliest].is_new = false;
		if (processes[earliest].gate.place == GATE_AFTER)
			debugger_apply_pending(debugger, earliest, &processes[earliest].gate);
		is_hit |= judge_one(debugger, earliest, 0);
	}
	return is_hit;
}

/* -- going ------------------------------------------------------------------------------------------------------------------- */

static bool is_single(const struct debug_motion *motion)
{
	return motion->how == DEBUG_RESUME_STEP || motion->how == DEBUG_RESUME_NODE;
}

static bool may_go(const struct debugger *debugger, uint32_t worker)
{
	const struct debug_motion *motion = debugger->motion;
	if (!motion->processes[worker].stands || debugger->is_held[worker])
		return false;
	if (is_single(motion))
		return worker == motion->worker;
	return !debug_stops_await(&debugger->stops, &debugger->target.program, &motion->processes[worker].gate);
}

static void let_all_go(struct debugger *debugger)
{
	for (uint32_t i = 0; i < debugger->motion->n_processes; i++) {
		if (may_go(debugger, i))
			debugger_let_go(debugger, i);
	}
}

/* One motion of those that were asked for. */
static void start_moving(struct debugger *debugger)
{
	struct debug_motion *motion = debugger->motion;
	debugger_set_phase(debugger, DEBUG_GOING);
	if (is_single(motion))
		motion->worker = debugger_earliest(debugger, false);
	debugger_set_steps(debugger);
	debugger_arm(debugger);
	let_all_go(debugger);
}

void debugger_begin_halting(struct debugger *debugger, enum debug_reason reason, uint32_t told)
{
	debugger_set_phase(debugger, DEBUG_HALTING);
	debugger->motion->reason = reason;
	debugger->motion->told = told;
	debugger_set_steps(debugger);
	debugger_arm(debugger);
}

static bool is_before_a_node(const struct gate_stop *gate)
{
	return gate->place == GATE_BEFORE || gate->node == GRAPH_INPUT;
}

/* Whether what was asked for is there; who is told of then. */
static bool has_arrived(const struct debugger *debugger, uint32_t *ret_told)
{
	const struct debug_motion *motion = debugger->motion;
	const struct debug_process *process = motion->worker < motion->n_processes ? &motion->processes[motion->worker] : NULL;
	*ret_told = PROGRAM_NONE;
	switch (motion->how) {
	case DEBUG_RESUME_STEP:
		return process ? process->stands : debugger_earliest(debugger, false) != PROGRAM_NONE;
	case DEBUG_RESUME_NODE:
		return process ? process->stands && is_before_a_node(&process->gate) : debugger_earliest(debugger, false) != PROGRAM_NONE;
	case DEBUG_RESUME_NEXT:
		*ret_told = motion->worker;
		return process && process->stands && is_before_a_node(&process->gate);
	case DEBUG_RESUME_FINISH:
		process = &motion->processes[GRAPH_DRIVER];
		*ret_told = GRAPH_DRIVER;
		return process->stands && process->gate.node == GRAPH_OUTPUT && process->gate.execution >= motion->execution;
	default:
		return false;
	}
}

static void look_whether_blocked(struct debugger *debugger)
{
	struct debug_motion *motion = debugger->motion;
	bool has_mover = is_single(motion) && motion->worker != PROGRAM_NONE;
	if (!has_mover && debugger_earliest(debugger, true) == PROGRAM_NONE) {
		debugger_tell_stall(debugger);
		return;
	}
	enum debug_settled settled = debugger_look_whether_settled(debugger);
	if (has_mover && debugger_is_blocked(debugger, motion->worker))
		debugger_begin_halting(debugger, DEBUG_REASON_STEP, PROGRAM_NONE);
	else if (settled == DEBUG_SETTLED)
		debugger_begin_halting(debugger, DEBUG_REASON_BLOCKED, PROGRAM_NONE);
}

static void going_turn(struct debugger *debugger)
{
	uint32_t told;
	if (atomic_exchange(&debugger->is_interrupted, 0)) {
		debugger_begin_halting(debugger, DEBUG_REASON_INTERRUPT, PROGRAM_NONE);
	} else if (debugger_judge(debugger)) {
		debugger_begin_halting(debugger, DEBUG_REASON_STOP, PROGRAM_NONE);
	} else if (has_arrived(debugger, &told)) {
		debugger_begin_halting(debugger, DEBUG_REASON_STEP, told);
	} else {
		let_all_go(debugger);
		look_whether_blocked(debugger);
	}
}

static bool has_hit(const struct debug_motion *motion)
{
	for (uint32_t i = 0; i < motion->n_processes; i++) {
		if (motion->processes[i].hit)
			return true;
	}
	return false;
}

static void halting_turn(struct debugger *debugger)
{
	struct debug_motion *motion = debugger->motion;
	if (atomic_exchange(&debugger->is_interrupted, 0))
		motion->count = 1;
	debugger_judge(debugger);
	if (debugger_look_whether_settled(debugger) == DEBUG_SETTLED_NOT)
		return;
	if (motion->reason == DEBUG_REASON_STEP && motion->count > 1 && !has_hit(motion)) {
		motion->count--;
		start_moving(debugger);
	} else {
		debugger_finish_halting(debugger);
	}
}

/* -- resuming ------------------------------------------------------------------------------------------------------------------ */

/* Stops that were added since at gates where somebody stands, the one who was told of excepted. */
static bool judge_added(struct debugger *debugger)
{
	struct debug_motion *motion = debugger->motion;
	bool is_hit = false;
	for (uint32_t i = 0; i < motion->n_processes; i++) {
		struct debug_process *process = &motion->processes[i];
		if (process->stands && i != debugger->halt.worker && process->n_known_ids < debugger->stops.n_ids)
			is_hit |= judge_one(debugger, i, process->n_known_ids);
	}
	return is_hit;
}

static int choose_next(struct debugger *debugger, struct error *error)
{
	struct debug_motion *motion = debugger->motion;
	motion->worker = debugger->selected_worker;
	if (motion->worker >= motion->n_processes)
		return error_set(error, STATUS_USAGE, "no process is selected: `worker NAME` selects one, `step` moves the earliest");
	if (debugger->is_held[motion->worker])
		return error_set(error, STATUS_USAGE, "%s is held: `release %s` first, or select another with `worker NAME`",
			debug_worker_name(&debugger->target.program, motion->worker), debug_worker_name(&debugger->target.program, motion->worker));
	return STATUS_OK;
}

static uint64_t execution_to_finish(const struct debugger *debugger)
{
	uint32_t earliest = debugger_earliest(debugger, true);
	if (debugger->halt.has_gate)
		return debugger->halt.gate.execution;
	return earliest == PROGRAM_NONE ? 0 : debugger->motion->processes[earliest].gate.execution;
}

static int newest_temporary(const struct debug_stops *stops)
{
	for (int i = stops->n_items - 1; i >= 0; i--) {
		if (stops->items[i]->is_temporary)
			return stops->items[i]->id;
	}
	return 0;
}

int debugger_resume(struct debugger *debugger, enum debug_resume how, uint64_t count, struct error *error)
{
	struct debug_motion *motion = debugger->motion;
	if (debugger->state != DEBUG_HALTED)
		return error_set(error, STATUS_USAGE,
			"nothing stands still that could go on: `run` starts the graph, `attach PID` takes a run that is under way");
	motion->how = how;
	motion->count = count ? count : 1;
	motion->worker = PROGRAM_NONE;
	if (how == DEBUG_RESUME_NEXT) {
		int status = choose_next(debugger, error);
		if (status != STATUS_OK)
			return status;
	}
	motion->execution = execution_to_finish(debugger);
	motion->until = how == DEBUG_RESUME_UNTIL ? newest_temporary(&debugger->stops) : 0;
	debug_stops_forget_spent(&debugger->stops);
	debugger->selected_node = PROGRAM_NONE;
	debugger->selected_execution = DEBUG_LATEST;
	atomic_store(&debugger->is_interrupted, 0);
	debugger->state = DEBUG_MOVING;
	if (!debugger_listen_turn(debugger))
		return STATUS_OK; /* it is ending: the next turns see to that */
	if (judge_added(debugger))
		debugger_begin_halting(debugger, DEBUG_REASON_STOP, PROGRAM_NONE);
	else
		start_moving(debugger);
	return STATUS_OK;
}

int debugger_halt(struct debugger *debugger, uint32_t worker, enum debug_reason reason, const char *text)
{
	struct debug_motion *motion = debugger->motion;
	if (debugger->state != DEBUG_HALTED)
		return STATUS_USAGE;
	for (uint32_t i = 0; i < motion->n_processes; i++)
		take_in(debugger, i);
	strbuf_add(&motion->text, text ? text : "");
	motion->count = 1;
	debugger->state = DEBUG_MOVING;
	debugger_begin_halting(debugger, reason, worker);
	return STATUS_OK;
}

/* -- polling ------------------------------------------------------------------------------------------------------------------- */

static void turn(struct debugger *debugger)
{
	struct debug_motion *motion = debugger->motion;
	bool is_running = motion->phase == DEBUG_GOING || motion->phase == DEBUG_HALTING;
	int64_t now_ns = is_running ? clock_now().ns : 0;
	if (is_running && (now_ns - motion->listened_ns >= TURN_NS
		|| atomic_load(&debugger->target.control.header->state) == CONTROL_STOPPING)) {
		motion->listened_ns = now_ns;
		debugger_listen_turn(debugger);
	}
	switch (motion->phase) {
	case DEBUG_LAUNCHING:
		debugger_launch_turn(debugger);
		break;
	case DEBUG_GOING:
		going_turn(debugger);
		break;
	case DEBUG_HALTING:
		halting_turn(debugger);
		break;
	case DEBUG_ENDING:
		debugger_end_turn(debugger);
		break;
	}
}

/* Until something happens, or until it is time to look again. */
static void rest(struct debugger *debugger, uint32_t seen, int64_t limit_ns)
{
	struct debug_motion *motion = debugger->motion;
	if (motion->phase == DEBUG_LAUNCHING || motion->phase == DEBUG_ENDING) {
		struct pollfd fds[] = { { .fd = debugger->process.pidfd, .events = POLLIN }, { .fd = debugger->process.out_fd, .events = POLLIN },
			{ .fd = debugger->process.err_fd, .events = POLLIN } };
		struct timespec timeout = { .tv_nsec = limit_ns < TURN_NS ? limit_ns : TURN_NS };
		ppoll(fds, ARRAY_LEN(fds), &timeout, NULL);
		return;
	}
	bool looks = motion->phase == DEBUG_HALTING || is_single(motion);
	int64_t pause_ns = looks ? motion->pause_ns : TURN_NS;
	if (gates_wait(&debugger->target.gates, seen, pause_ns < limit_ns ? pause_ns : limit_ns) != seen)
		motion->pause_ns = PAUSE_NS_LEAST;
	else if (motion->pause_ns < PAUSE_NS_MOST)
		motion->pause_ns *= 2;
}

enum debug_state debugger_poll(struct debugger *debugger, int64_t limit_ns)
{
	int64_t end_ns = clock_now().ns + limit_ns;
	if (debugger->state == DEBUG_HALTED)
		debugger_listen(debugger);
	while (debugger->state == DEBUG_MOVING) {
		const struct gates_header *header = debugger->target.gates.header;
		uint32_t seen = header ? atomic_load_explicit(&header->events, memory_order_acquire) : 0;
		turn(debugger);
		int64_t left_ns = end_ns - clock_now().ns;
		if (debugger->state != DEBUG_MOVING || left_ns <= 0)
			break;
		rest(debugger, seen, left_ns);
	}
	return debugger->state;
}
