/* SPDX-License-Identifier: Apache-2.0
 *
 * debugger: the handle: what it is made of, what the gates are told, whose names count, where commands look.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/debug/debugger_private.h"

/* -- names ----------------------------------------------------------------------------------------------------------------- */

const struct program *debugger_program(const struct debugger *debugger)
{
	if (debugger->target.program.header)
		return &debugger->target.program;
	return debugger->names.header ? &debugger->names : NULL;
}

static int make_order(struct debugger *debugger, struct error *error)
{
	const struct program *program = debugger_program(debugger);
	uint32_t n_nodes = program->header->n_nodes, n_workers = program->header->n_workers;
	uint32_t *order = calloc(n_nodes, sizeof *order);
	bool *is_held = calloc(n_workers, sizeof *is_held);
	if (!order || !is_held) {
		free(order);
		free(is_held);
		return error_set(error, STATUS_NO_MEMORY, "no memory for the nodes of a graph");
	}
	debug_order(program, order);
	free(debugger->order);
	free(debugger->is_held);
	debugger->order = order;
	debugger->is_held = is_held;
	return STATUS_OK;
}

static int name_from_plan(struct debugger *debugger, struct error *error)
{
	struct program_options options = { .mode = RUN_MODE_COMPILED, .seed = debugger->options.seed, .n_threads = 1 };
	int fd, status = program_build(debugger->options.plan, &options, error, &fd);
	if (status != STATUS_OK)
		return status;
	status = program_open(fd, &debugger->names, error);
	close(fd);
	return status == STATUS_OK ? make_order(debugger, error) : status;
}

int debugger_create(const struct debugger_options *options, struct error *error, struct debugger **ret_debugger)
{
	struct debugger *debugger = calloc(1, sizeof *debugger);
	struct debug_motion *motion = calloc(1, sizeof *motion);
	if (!debugger || !motion) {
		free(debugger);
		free(motion);
		return error_set(error, STATUS_NO_MEMORY, "no memory for a debugger");
	}
	clock_init();
	debugger->options = *options;
	debugger->motion = motion;
	debugger->target = (struct debug_target)DEBUG_TARGET_INIT;
	debugger->process = (struct spawn_process)SPAWN_PROCESS_INIT;
	debugger->selected_worker = debugger->selected_node = debugger->halt.worker = PROGRAM_NONE;
	debugger->selected_execution = DEBUG_LATEST;
	debugger->keeps_history = true;
	debugger->exit_status = -1;
	int status = options->plan ? name_from_plan(debugger, error) : STATUS_OK;
	if (status != STATUS_OK) {
		debugger_destroy(debugger, false);
		return status;
	}
	*ret_debugger = debugger;
	return STATUS_OK;
}

void debugger_destroy(struct debugger *debugger, bool is_kept)
{
	struct error error = { 0 };
	if (!debugger)
		return;
	if (debugger->is_child && debugger->process.pid && is_kept)
		debugger_detach(debugger, &error);
	if (debugger->is_child && debugger->process.pid)
		debugger_kill(debugger, NULL);
	debugger_drop_pending(debugger);
	debugger_drop_target(debugger);
	spawn_finish(&debugger->process);
	debug_stops_finish(&debugger->stops);
	program_close(&debugger->names);
	for (int i = 0; i < debugger->n_displays; i++)
		free(debugger->displays[i].text);
	free(debugger->displays);
	free(debugger->is_held);
	free(debugger->order);
	launch_finish(&debugger->motion->launch);
	strbuf_finish(&debugger->motion->text);
	strbuf_finish(&debugger->halt.text);
	free(debugger->motion);
	free(debugger);
}

/* -- targets --------------------------------------------------------------------------------------------------------------- */

int debugger_take_target(struct debugger *debugger, struct error *error)
{
	struct debug_target *target = &debugger->target;
	struct debug_motion *motion = debugger->motion;
	uint32_t n = target->program.header->n_workers;
	target->stalls.program = &target->program; /* it may have been opened elsewhere */
	target->stalls.control = &target->control;
	motion->processes = calloc(n, sizeof *motion->processes);
	motion->n_processes = motion->processes ? n : 0;
	int status = motion->processes ? make_order(debugger, error)
		: error_set(error, STATUS_NO_MEMORY, "no memory for the processes of a run");
	if (status != STATUS_OK)
		return status;
	if (debugger->names.header)
		debug_stops_bind(&debugger->stops, &debugger->names, &target->program, &motion->text);
	program_close(&debugger->names);
	debugger->selected_worker = debugger->selected_node = PROGRAM_NONE;
	debugger->selected_execution = DEBUG_LATEST;
	if (!target->is_live)
		return STATUS_OK;
	enum gate_loss on_loss = debugger->is_child || debugger->options.ends_run ? GATE_LOSS_END : GATE_LOSS_RELEASE;
	atomic_store(&target->gates.header->on_loss, on_loss);
	debugger_arm(debugger);
	return STATUS_OK;
}

void debugger_drop_target(struct debugger *debugger)
{
	struct debug_target *target = &debugger->target;
	struct debug_motion *motion = debugger->motion;
	for (uint32_t i = 0; i < motion->n_processes; i++)
		strbuf_finish(&motion->processes[i].hit_text);
	free(motion->processes);
	motion->processes = NULL;
	motion->n_processes = 0;
	if (!target->program.header)
		return;
	program_close(&debugger->names);
	debugger->names = target->program; /* its mapping */
	debug_stops_bind(&debugger->stops, &target->program, &debugger->names, &motion->text);
	target->program = (struct program){ 0 };
	debug_target_close(target);
	debugger->halt.has_gate = false;
}

int debugger_open_images(struct debugger *debugger, const struct debug_images *images, struct error *error)
{
	struct debug_target target;
	if (debugger->target.is_live)
		return error_set(error, STATUS_USAGE, "a run is being debugged: detach from it or kill it first");
	int status = debug_target_open_images(images, &target, error);
	if (status != STATUS_OK)
		return status;
	debugger_drop_target(debugger);
	debugger->target = target;
	status = debugger_take_target(debugger, error);
	if (status != STATUS_OK)
		return status;
	debugger->state = DEBUG_SAVED;
	debugger_tell_saved(debugger);
	return STATUS_OK;
}

/* -- gates ----------------------------------------------------------------------------------------------------------------- */

bool debugger_is_halted(const struct debugger *debugger)
{
	return debugger->state == DEBUG_HALTED && debugger->target.is_live;
}

static bool is_finishing(const struct debugger *debugger)
{
	const struct debug_motion *motion = debugger->motion;
	return debugger->state == DEBUG_MOVING && motion->phase == DEBUG_GOING && motion->how == DEBUG_RESUME_FINISH;
}

void debugger_arm(struct debugger *debugger)
{
	struct gates *gates = &debugger->target.gates;
	const struct program *program = &debugger->target.program;
	if (!program->header || !debugger->target.is_live)
		return;
	uint64_t from = debug_stops_from(&debugger->stops), pending = debugger_pending_from(debugger);
	from = pending < from ? pending : from;
	if (is_finishing(debugger) && debugger->motion->execution < from)
		from = debugger->motion->execution;
	atomic_store(&gates->header->from_execution, from);
	for (uint32_t i = 0; i < gates->n_nodes; i++) {
		uint8_t flags = debug_stops_flags(&debugger->stops, program, i) | debugger_pending_flags(debugger, i);
		if (debugger->keeps_history)
			flags |= GATE_KEEP;
		if (i == GRAPH_OUTPUT && is_finishing(debugger))
			flags |= GATE_STOP_BEFORE;
		atomic_store(&gates->flags[i], flags);
	}
	atomic_fetch_or(&debugger->target.control.header->attention, CONTROL_ATTENTION_GATES);
}

void debugger_hold(struct debugger *debugger, uint32_t worker, bool is_held)
{
	if (!debugger->is_held || worker >= debugger_program(debugger)->header->n_workers)
		return;
	debugger->is_held[worker] = is_held;
	debugger_set_steps(debugger);
}

void debugger_interrupt(struct debugger *debugger)
{
	atomic_store(&debugger->is_interrupted, 1);
}

/* -- places ---------------------------------------------------------------------------------------------------------------- */

uint32_t debugger_order_position(const struct debugger *debugger, uint32_t node)
{
	uint32_t n = debugger_program(debugger)->header->n_nodes, at = 0;
	while (at < n && debugger->order[at] != node)
		at++;
	return at;
}

int debugger_compare_places(const struct debugger *debugger, const struct gate_stop *a, const struct gate_stop *b)
{
	if (a->execution != b->execution)
		return a->execution < b->execution ? -1 : 1;
	uint32_t at_a = debugger_order_position(debugger, a->node), at_b = debugger_order_position(debugger, b->node);
	if (at_a != at_b)
		return at_a < at_b ? -1 : 1;
	return (int)a->place - (int)b->place;
}

uint32_t debugger_earliest(const struct debugger *debugger, bool with_held)
{
	const struct debug_motion *motion = debugger->motion;
	uint32_t earliest = PROGRAM_NONE;
	for (uint32_t i = 0; i < motion->n_processes; i++) {
		if (!motion->processes[i].stands || (debugger->is_held[i] && !with_held))
			continue;
		if (earliest == PROGRAM_NONE
			|| debugger_compare_places(debugger, &motion->processes[i].gate, &motion->processes[earliest].gate) < 0)
			earliest = i;
	}
	return earliest;
}

uint64_t debugger_execution(const struct debugger *debugger)
{
	if (debugger->selected_execution != DEBUG_LATEST)
		return debugger->selected_execution;
	return debugger->halt.has_gate ? debugger->halt.gate.execution : DEBUG_LATEST;
}

uint32_t debugger_node(const struct debugger *debugger)
{
	if (debugger->selected_node != PROGRAM_NONE)
		return debugger->selected_node;
	return debugger->halt.has_gate ? debugger->halt.gate.node : PROGRAM_NONE;
}
