/* SPDX-License-Identifier: Apache-2.0
 *
 * debugger_cursor: backwards and forwards through what is held of earlier executions. Only the cursor moves.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "engine/base/units.h"
#include "engine/debug/debugger_private.h"

#define HELD_MOST 65536 /* executions of one node that are looked at */

/* A place in history: execution, and position in the graph's order. */
struct point {
	uint64_t execution;
	uint32_t position;
};

/* Executions held of the node at each position, ascending. */
struct held {
	uint64_t *executions;
	uint32_t n;
};

static bool is_before(struct point a, struct point b)
{
	return a.execution != b.execution ? a.execution < b.execution : a.position < b.position;
}

static void free_held(struct held *held, uint32_t n_nodes)
{
	for (uint32_t i = 0; held && i < n_nodes; i++)
		free(held[i].executions);
	free(held);
}

static struct held *collect(struct debugger *debugger)
{
	const struct program *program = &debugger->target.program;
	struct held *held = calloc(program->header->n_nodes, sizeof *held);
	for (uint32_t i = 0; held && i < program->header->n_nodes; i++) {
		uint32_t node = debugger->order[i], n_all = 0;
		if (node == GRAPH_OUTPUT || !program->nodes[node].types.n)
			continue;
		debug_value_executions(&debugger->target, node, 0, NULL, 0, &n_all);
		n_all = n_all < HELD_MOST ? n_all : HELD_MOST;
		held[i].executions = calloc(n_all + 1, sizeof *held[i].executions);
		if (held[i].executions)
			held[i].n = debug_value_executions(&debugger->target, node, 0, held[i].executions, n_all, &n_all);
	}
	return held;
}

/* The nearest point that is held on one side of `from`. */
static bool find_next(const struct held *held, uint32_t n_nodes, struct point from, int direction, struct point *ret_point)
{
	bool is_found = false;
	for (uint32_t i = 0; i < n_nodes; i++) {
		for (uint32_t k = 0; k < held[i].n; k++) {
			struct point at = { held[i].executions[k], i };
			bool is_beyond = direction < 0 ? is_before(at, from) : is_before(from, at);
			bool is_nearer = !is_found || (direction < 0 ? is_before(*ret_point, at) : is_before(at, *ret_point));
			if (!is_beyond || !is_nearer)
				continue;
			*ret_point = at;
			is_found = true;
		}
	}
	return is_found;
}

/* Where the present begins: what everybody stands at, or after all that is held. */
static struct point present_of(const struct debugger *debugger)
{
	if (!debugger->halt.has_gate)
		return (struct point){ UINT64_MAX, 0 };
	return (struct point){ debugger->halt.gate.execution, debugger_order_position(debugger, debugger->halt.gate.node) };
}

static int report_end(struct debugger *debugger, struct error *error)
{
	struct debug_history history;
	char bytes[32], budget[32];
	debug_history(&debugger->target, &history);
	if (!history.n_entries)
		return error_set(error, STATUS_INPUT, "nothing earlier is held: nothing was captured (budget %s)",
			units_bytes(history.budget_bytes, budget, sizeof budget));
	return error_set(error, STATUS_INPUT, "nothing earlier is held: captured are executions %" PRIu64 " to %" PRIu64 ", %s of a budget of "
		"%s%s", history.first_execution, history.last_execution, units_bytes(history.n_bytes, bytes, sizeof bytes),
		units_bytes(history.budget_bytes, budget, sizeof budget), history.n_dropped_bytes ? ", the oldest were dropped" : "");
}

static void set_cursor(struct debugger *debugger, struct point at)
{
	debugger->selected_node = debugger->order[at.position];
	debugger->selected_execution = at.execution;
}

int debugger_move_cursor(struct debugger *debugger, int direction, uint64_t count, struct error *error)
{
	if (!debugger->target.program.header || debugger->state == DEBUG_MOVING)
		return error_set(error, STATUS_USAGE, "there is no history to go through: no run stands still, and no saved state is open");
	bool is_at_present = debugger->selected_node == PROGRAM_NONE;
	struct point present = present_of(debugger), at = present, next;
	if (!is_at_present)
		at = (struct point){ debugger->selected_execution, debugger_order_position(debugger, debugger->selected_node) };
	if (is_at_present && direction > 0)
		return error_set(error, STATUS_INPUT, "this is the present: `continue` or `step` go on from here");
	struct held *held = collect(debugger);
	if (!held)
		return error_set(error, STATUS_NO_MEMORY, "no memory for a list of what is held");
	int status = STATUS_OK;
	for (; count && status == STATUS_OK; count--) {
		bool is_found = find_next(held, debugger->target.program.header->n_nodes, at, direction, &next);
		if (is_found && (direction < 0 || is_before(next, present))) {
			at = next;
			set_cursor(debugger, at);
		} else if (direction < 0) {
			status = report_end(debugger, error);
		} else {
			debugger->selected_node = PROGRAM_NONE;
			debugger->selected_execution = DEBUG_LATEST;
			break;
		}
	}
	free_held(held, debugger->target.program.header->n_nodes);
	return status;
}
