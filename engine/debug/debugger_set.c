/* SPDX-License-Identifier: Apache-2.0
 *
 * debugger_set: assignments, now or once their node stands after compute.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "engine/debug/debugger_private.h"

/* -- what waits ---------------------------------------------------------------------------------------------------------------- */

static void free_pending(struct debug_pending *pending)
{
	debug_assignment_finish(&pending->assignment);
	free(pending->text);
}

static void remove_pending(struct debugger *debugger, int at)
{
	free_pending(&debugger->pending[at]);
	debugger->n_pending--;
	memmove(&debugger->pending[at], &debugger->pending[at + 1], (size_t)(debugger->n_pending - at) * sizeof *debugger->pending);
}

uint8_t debugger_pending_flags(const struct debugger *debugger, uint32_t node)
{
	for (int i = 0; i < debugger->n_pending; i++) {
		if (debugger->pending[i].assignment.target.node == node)
			return GATE_STOP_AFTER;
	}
	return 0;
}

uint64_t debugger_pending_from(const struct debugger *debugger)
{
	uint64_t least = UINT64_MAX;
	for (int i = 0; i < debugger->n_pending; i++)
		least = debugger->pending[i].execution < least ? debugger->pending[i].execution : least;
	return least;
}

static void add_what(const struct debugger *debugger, uint32_t node, uint64_t execution, const char *text, struct strbuf *out)
{
	strbuf_add(out, "set ");
	strbuf_add_printable(out, text);
	strbuf_add(out, ": ");
	strbuf_add_printable(out, debug_node_name(debugger_program(debugger), node));
	strbuf_addf(out, " of execution %" PRIu64, execution);
}

void debugger_drop_pending(struct debugger *debugger)
{
	while (debugger->n_pending) {
		const struct debug_pending *pending = &debugger->pending[debugger->n_pending - 1];
		add_what(debugger, pending->assignment.target.node, pending->execution, pending->text, &debugger->motion->text);
		strbuf_add(&debugger->motion->text, " was not reached: nothing was changed\n");
		remove_pending(debugger, debugger->n_pending - 1);
	}
	free(debugger->pending);
	debugger->pending = NULL;
}

/* -- carrying out --------------------------------------------------------------------------------------------------------------- */

static int carry_out(struct debugger *debugger, const struct debug_assignment *assignment, uint64_t execution, const char *text,
	struct strbuf *out, struct error *error)
{
	int64_t n = 0;
	int status = debug_assignment_carry_out(&debugger->target, assignment, execution, &n, error);
	if (status != STATUS_OK)
		return status;
	add_what(debugger, assignment->target.node, execution, text, out);
	strbuf_addf(out, ", %" PRId64 " element%s changed\n", n, n == 1 ? "" : "s");
	return STATUS_OK;
}

void debugger_apply_pending(struct debugger *debugger, uint32_t worker, const struct gate_stop *gate)
{
	struct strbuf *out = &debugger->motion->text;
	bool is_changed = false;
	for (int i = 0; i < debugger->n_pending;) {
		struct debug_pending *pending = &debugger->pending[i];
		struct error error = { 0 };
		if (pending->assignment.target.node != gate->node || pending->execution > gate->execution) {
			i++;
			continue;
		}
		bool is_missed = pending->execution < gate->execution;
		if (is_missed || gate->failure
			|| carry_out(debugger, &pending->assignment, pending->execution, pending->text, out, &error) != STATUS_OK) {
			add_what(debugger, gate->node, pending->execution, pending->text, out);
			strbuf_add(out, is_missed ? " was over already" : gate->failure ? " has failed" : ": ");
			strbuf_add_printable(out, error.text);
			strbuf_add(out, "; nothing was changed\n");
		}
		remove_pending(debugger, i);
		is_changed = true;
	}
	if (is_changed)
		debugger_arm(debugger);
}

/* -- asking for it --------------------------------------------------------------------------------------------------------------- */

static int copy_assignment(const struct debug_assignment *assignment, uint32_t node, struct debug_assignment *ret_copy, struct error *error)
{
	struct debug_assignment copy = *assignment;
	size_t bytes = (size_t)copy.n_numbers * sizeof *copy.numbers;
	copy.target.node = node;
	copy.numbers = copy.numbers ? malloc(bytes + 1) : NULL;
	copy.file = copy.file ? strdup(copy.file) : NULL;
	if ((assignment->numbers && !copy.numbers) || (assignment->file && !copy.file)) {
		debug_assignment_finish(&copy);
		return error_set(error, STATUS_NO_MEMORY, "no memory for an assignment");
	}
	if (bytes)
		memcpy(copy.numbers, assignment->numbers, bytes);
	*ret_copy = copy;
	return STATUS_OK;
}

static int keep_for_later(struct debugger *debugger, const struct debug_assignment *assignment, uint32_t node, uint64_t execution,
	const char *text, struct error *error)
{
	struct debug_pending pending = { .execution = execution, .text = strdup(text) };
	struct debug_pending *grown = realloc(debugger->pending, (size_t)(debugger->n_pending + 1) * sizeof *grown);
	debugger->pending = grown ? grown : debugger->pending;
	int status = grown && pending.text ? copy_assignment(assignment, node, &pending.assignment, error)
		: error_set(error, STATUS_NO_MEMORY, "no memory for an assignment");
	if (status != STATUS_OK) {
		free(pending.text);
		return status;
	}
	grown[debugger->n_pending++] = pending;
	return STATUS_OK;
}

enum when { WHEN_NOW, WHEN_LATER, WHEN_NEVER };

static enum when find_when(struct debugger *debugger, const struct debug_assignment *assignment, uint32_t node, uint64_t execution)
{
	struct debug_value value;
	const struct debug_reference *target = &assignment->target;
	int status = target->is_input ? debug_value_find_input(&debugger->target, node, target->position, execution, &value, NULL)
		: debug_value_find(&debugger->target, node, target->position, execution, &value, NULL);
	if (status != STATUS_OK)
		return WHEN_LATER;
	return value.is_writable ? WHEN_NOW : WHEN_NEVER;
}

static int resolve_execution(const struct debugger *debugger, const struct debug_reference *target, uint64_t asked, uint64_t *ret_execution,
	struct error *error)
{
	uint64_t execution = asked == DEBUG_LATEST ? debugger_execution(debugger) : asked;
	if (target->has_execution && !target->is_relative)
		execution = (uint64_t)target->execution;
	else if (target->has_execution && execution != DEBUG_LATEST)
		execution += (uint64_t)target->execution;
	if (execution == DEBUG_LATEST)
		return error_set(error, STATUS_INPUT, "of which execution? nobody stands at a gate: say it with @N");
	*ret_execution = execution;
	return STATUS_OK;
}

/* Whether `node` is meant: the one that was named, or a member of the same collective. */
static bool is_meant(const struct program *program, uint32_t named, uint32_t node, bool all_ranks)
{
	const struct program_node *a = &program->nodes[named], *b = &program->nodes[node];
	if (!all_ranks)
		return named == node;
	return b->collective != PROGRAM_NONE
		&& strcmp(program_string(program, a->collective), program_string(program, b->collective)) == 0;
}

static int check_set(struct debugger *debugger, const struct debug_assignment *assignment, uint64_t execution, bool all_ranks,
	struct error *error)
{
	const struct program *program = &debugger->target.program;
	uint32_t named = assignment->target.node;
	if (!debugger_is_halted(debugger))
		return error_set(error, STATUS_USAGE, "nothing can be changed: no run stands still");
	if (all_ranks && program->nodes[named].collective == PROGRAM_NONE)
		return error_set(error, STATUS_INPUT, "%s is no member of a collective: leave --all-ranks out", debug_node_name(program, named));
	for (uint32_t i = 0; i < program->header->n_nodes; i++) {
		if (is_meant(program, named, i, all_ranks) && find_when(debugger, assignment, i, execution) == WHEN_NEVER)
			return error_set(error, STATUS_INPUT, "%s of execution %" PRIu64 " was published already: it can be changed only while "
				"%s stands after compute", debug_node_name(program, i), execution, debug_node_name(program, i));
	}
	return STATUS_OK;
}

static int set_one(struct debugger *debugger, const struct debug_assignment *assignment, uint32_t node, uint64_t execution,
	const char *text, struct strbuf *out, struct error *error)
{
	if (find_when(debugger, assignment, node, execution) == WHEN_NOW) {
		struct debug_assignment now = *assignment;
		now.target.node = node;
		return carry_out(debugger, &now, execution, text, out, error);
	}
	int status = keep_for_later(debugger, assignment, node, execution, text, error);
	if (status != STATUS_OK)
		return status;
	add_what(debugger, node, execution, text, out);
	strbuf_add(out, " will be changed once it stands after compute\n");
	return STATUS_OK;
}

int debugger_set(struct debugger *debugger, struct debug_assignment *assignment, uint64_t execution, bool all_ranks, const char *text,
	struct strbuf *out, struct error *error)
{
	uint32_t named = assignment->target.node;
	int status = resolve_execution(debugger, &assignment->target, execution, &execution, error);
	if (status == STATUS_OK)
		status = check_set(debugger, assignment, execution, all_ranks, error);
	for (uint32_t i = 0; status == STATUS_OK && i < debugger->target.program.header->n_nodes; i++) {
		if (is_meant(&debugger->target.program, named, i, all_ranks))
			status = set_one(debugger, assignment, i, execution, text, out, error);
	}
	debugger_arm(debugger);
	debug_assignment_finish(assignment);
	return status;
}
