/* SPDX-License-Identifier: Apache-2.0
 *
 * commands_list: the nodes in the order in which an execution goes through them, with what is known of each.
 */
#include "engine/debug/commands_private.h"

#include <inttypes.h>
#include <string.h>

#include "engine/base/table.h"

#define LIST_ROWS 12

static const struct table_column columns[] = {
	{ "#", TABLE_INT },
	{ "next", TABLE_TEXT },
	{ "state", TABLE_TEXT },
	{ "node", TABLE_TEXT },
	{ "op", TABLE_TEXT },
	{ "worker", TABLE_TEXT },
	{ "value", TABLE_TEXT },
	{ "there", TABLE_TEXT },
};

struct list {
	struct debug_context *context;
	const struct program *program;
	uint64_t execution;
	struct table table;
};

/* Who is at `node`: "w1 before, 7"; *ret_has_failed: at this node, in the execution that is looked at. */
static bool add_there(struct list *list, uint32_t node, bool *ret_has_failed, struct strbuf *out)
{
	struct debug_target *target = &list->context->debugger->target;
	struct debug_worker_state state;
	bool is_any = false;

	*ret_has_failed = false;
	for (uint32_t worker = 0; target->program.header && worker < list->program->header->n_workers; worker++) {
		debug_look(target, worker, &state);
		if (state.node != node || state.activity == DEBUG_IDLE || state.activity == DEBUG_GONE)
			continue;
		strbuf_add(out, is_any ? "; " : "");
		commands_add_worker(list->context, worker, out);
		strbuf_addf(out, " %s, %" PRIu64,
			state.activity == DEBUG_COMPUTING ? "computes"
			: state.activity == DEBUG_WAITING ? "waits"
			: state.activity == DEBUG_AT_GATE ? state.stop.place == GATE_BEFORE ? "before" : "after"
							  : "passes",
			state.execution);
		is_any = true;
		*ret_has_failed |= state.activity == DEBUG_AT_GATE && state.stop.is_own_failure
			&& state.execution == list->execution;
	}
	return is_any;
}

void debug_add_letters(const struct debug_context *context, uint32_t node, uint64_t execution, bool is_there, bool has_failed, struct strbuf *out)
{
	struct debugger *debugger = context->debugger;
	const struct program *program = debugger_program(debugger);
	struct debug_value value;
	bool has_target = debugger->target.program.header && commands_n_outputs(program, node);

	if (has_failed)
		strbuf_add(out, "F");
	else if (has_target && !debug_value_find(&debugger->target, node, 0, execution, &value, NULL)) {
		if (value.failure)
			strbuf_add(out, "F");
		else
			strbuf_add(out, value.source == DEBUG_SOURCE_HISTORY ? "C" : "H");
	}
	if (is_there)
		strbuf_add(out, "P");
	for (int i = 0; i < debugger->n_pending; i++) {
		if (debugger->pending[i].assignment.target.node != node)
			continue;
		strbuf_add(out, "O");
		break;
	}
	if (debug_stops_flags(&debugger->stops, program, node) & (GATE_STOP_BEFORE | GATE_STOP_AFTER))
		strbuf_add(out, "B");
}

static void add_row(struct list *list, uint32_t position, uint32_t node)
{
	struct strbuf there = STRBUF_INIT, letters = STRBUF_INIT, type = STRBUF_INIT;
	bool has_failed, is_there = add_there(list, node, &has_failed, &there);

	debug_add_letters(list->context, node, list->execution, is_there, has_failed, &letters);
	if (commands_n_outputs(list->program, node))
		commands_add_type(list->program, node, 0, &type);
	if (commands_n_outputs(list->program, node) > 1)
		strbuf_addf(&type, " and %" PRIu32 " more", commands_n_outputs(list->program, node) - 1);
	table_int(&list->table, position);
	table_text(&list->table, is_there ? "=>" : "");
	table_text(&list->table, strbuf_text(&letters));
	table_text(&list->table, debug_node_name(list->program, node));
	table_text(&list->table, debug_op_name(list->program, node));
	table_text(&list->table, debug_worker_name(list->program, list->program->nodes[node].worker));
	table_text(&list->table, strbuf_text(&type));
	table_text(&list->table, strbuf_text(&there));
	strbuf_finish(&there);
	strbuf_finish(&letters);
	strbuf_finish(&type);
}

static uint32_t position_of(const struct debugger *debugger, const struct program *program, uint32_t node)
{
	for (uint32_t i = 0; i < program->header->n_nodes; i++) {
		if (debugger->order[i] == node)
			return i;
	}
	return 0;
}

/* Which rows: those asked for, or where the last `list` ended, or around where one stands. */
static int parse_window(struct debug_context *context, const char *rest, uint32_t *ret_first, uint32_t *ret_n,
	struct error *error)
{
	const struct debugger *debugger = context->debugger;
	const struct program *program = debugger_program(debugger);
	char word[COMMANDS_WORD_BYTES];
	uint32_t node = debugger_node(debugger);
	bool is_all = commands_take(&rest, "-a"), is_given = !is_all && commands_word(&rest, word);
	int status = is_given ? commands_find_node(context, word, &node, error) : STATUS_OK;

	if (!status)
		status = commands_end(rest, error);
	if (status)
		return status;
	*ret_n = is_all ? program->header->n_nodes : LIST_ROWS;
	*ret_first = 0;
	if (!is_all && !is_given && context->next_listed) {
		*ret_first = context->next_listed < program->header->n_nodes ? context->next_listed : 0;
	} else if (!is_all && node != PROGRAM_NONE) {
		uint32_t position = position_of(debugger, program, node);
		*ret_first = position > LIST_ROWS / 2 ? position - LIST_ROWS / 2 : 0;
	}
	if (*ret_n > program->header->n_nodes - *ret_first)
		*ret_n = program->header->n_nodes - *ret_first;
	return STATUS_OK;
}

int commands_do_list(struct debug_context *context, const char *rest, struct strbuf *out, struct error *error)
{
	struct debugger *debugger = context->debugger;
	struct list list = { .context = context, .program = debugger_program(debugger),
		.execution = debugger_execution(debugger) };
	uint32_t first, n;
	int status = parse_window(context, rest, &first, &n, error);

	if (status)
		return status;
	table_init(&list.table, columns, ARRAY_LEN(columns));
	for (uint32_t i = first; i < first + n; i++)
		add_row(&list, i, debugger->order[i]);
	table_print(&list.table, 0, out);
	table_finish(&list.table);
	context->next_listed = first + n;
	if (first + n < list.program->header->n_nodes)
		strbuf_addf(out, "… %" PRIu32 " more\n", list.program->header->n_nodes - first - n);
	return STATUS_OK;
}
