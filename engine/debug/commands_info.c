/* SPDX-License-Identifier: Apache-2.0
 *
 * commands_info: what `info` tells of the graph. What it tells of the run: commands_info_run.c.
 */
#include "engine/debug/commands_private.h"

#include <fnmatch.h>
#include <inttypes.h>
#include <string.h>

#include "engine/base/table.h"
#include "engine/base/units.h"
#include "engine/debug/commands_info.h"
#include "engine/graph/mistakes.h"

const struct commands_info commands_infos[] = {
	{ "workers", "", "the processes: device, where each stands", DEBUG_NEEDS_PROGRAM, commands_info_workers },
	{ "nodes", "[PATTERN]", "the nodes whose names match, * and ? as in file names", DEBUG_NEEDS_PROGRAM,
		commands_info_nodes },
	{ "node", "NODE", "one node: parameters, inputs, outputs, readers", DEBUG_NEEDS_PROGRAM, commands_info_node },
	{ "channels", "", "the channels: slots, bytes, readers", DEBUG_NEEDS_PROGRAM, commands_info_channels },
	{ "executions", "", "executions of which something is held, and who is in them", DEBUG_NEEDS_TARGET,
		commands_info_executions },
	{ "stops", "", "breakpoints, watchpoints, catchpoints", 0, commands_info_stops },
	{ "display", "", "what is printed at each halt", 0, commands_info_display },
	{ "history", "", "what is captured, as 'history'", DEBUG_NEEDS_TARGET, commands_do_history },
	{ "graph", "", "the graph: file, size", DEBUG_NEEDS_PROGRAM, commands_info_graph },
	{ "run", "", "the run: process, mode, arguments", 0, commands_info_run },
	{ "stack", "", "where an op crashed, frame by frame", DEBUG_NEEDS_TARGET, commands_info_stack },
	{ 0 },
};

int commands_do_info(struct debug_context *context, const char *rest, struct strbuf *out, struct error *error)
{
	const char *names[ARRAY_LEN(commands_infos)] = { 0 };
	char word[COMMANDS_WORD_BYTES];
	const struct commands_info *found = NULL;
	int n_found = 0;

	if (!commands_word(&rest, word))
		return error_set(error, STATUS_SYNTAX, "say about what; 'help info' lists it");
	for (size_t i = 0; commands_infos[i].name; i++) {
		names[i] = commands_infos[i].name;
		if (!strncmp(names[i], word, strlen(word)) && (!n_found || strcmp(found->name, word))) {
			n_found = strcmp(names[i], word) ? n_found + 1 : 1;
			found = &commands_infos[i];
		}
	}
	if (!n_found) {
		const char *nearest = mistakes_nearest(word, names);
		return nearest ? error_set(error, STATUS_SYNTAX, "there is no 'info %s'; did you mean 'info %s'?", word,
			nearest)
			       : error_set(error, STATUS_SYNTAX, "there is no 'info %s'; 'help info' lists what there is",
				word);
	}
	if (n_found > 1)
		return error_set(error, STATUS_SYNTAX, "'info %s' may be more than one thing; 'help info' lists them", word);
	int status = commands_check_needs(context, found->needs, error);
	if (!status && !*found->takes)
		status = commands_end(rest, error);
	return status ? status : found->run(context, rest, out, error);
}

/* -- nodes ------------------------------------------------------------------------------------------------------------ */

int commands_info_nodes(struct debug_context *context, const char *rest, struct strbuf *out, struct error *error)
{
	static const struct table_column columns[] = {
		{ "node", TABLE_TEXT }, { "op", TABLE_TEXT }, { "worker", TABLE_TEXT }, { "inputs", TABLE_INT },
		{ "outputs", TABLE_INT }, { "first output", TABLE_TEXT },
	};
	const struct program *program = debugger_program(context->debugger);
	char pattern[COMMANDS_WORD_BYTES] = "*";
	struct table table;

	commands_word(&rest, pattern);
	int status = commands_end(rest, error);
	if (status)
		return status;
	table_init(&table, columns, ARRAY_LEN(columns));
	for (uint32_t i = 0; i < program->header->n_nodes; i++) {
		uint32_t node = context->debugger->order[i];
		struct strbuf type = STRBUF_INIT;
		if (fnmatch(pattern, debug_node_name(program, node), 0))
			continue;
		commands_add_type(program, node, 0, &type);
		table_text(&table, debug_node_name(program, node));
		table_text(&table, debug_op_name(program, node));
		table_text(&table, debug_worker_name(program, program->nodes[node].worker));
		table_int(&table, program->nodes[node].inputs.n);
		table_int(&table, commands_n_outputs(program, node));
		table_text(&table, strbuf_text(&type));
		strbuf_finish(&type);
	}
	bool is_any = table_n_rows(&table);
	if (is_any)
		table_print(&table, 0, out);
	table_finish(&table);
	return is_any ? STATUS_OK : error_set(error, STATUS_INPUT, "no node's name matches '%s'", pattern);
}

static void add_params(const struct program *program, const struct program_range *params, struct strbuf *out)
{
	for (uint32_t i = 0; i + 1 < params->n; i += 2) {
		strbuf_add(out, "  parameter ");
		strbuf_add_printable(out, program_string(program, program->indices[params->first + i]));
		strbuf_add(out, "=");
		strbuf_add_printable(out, program_string(program, program->indices[params->first + i + 1]));
		strbuf_add(out, "\n");
	}
}

static void add_edges(const struct program *program, uint32_t node, struct strbuf *out)
{
	for (uint32_t i = 0; i < program->nodes[node].inputs.n; i++) {
		const struct program_edge *edge = &program->edges[program->indices[program->nodes[node].inputs.first + i]];
		strbuf_addf(out, "  input %" PRIu32 ": ", i);
		strbuf_add_printable(out, program_string(program, edge->name));
		strbuf_add(out, edge->is_peer ? ", another rank's\n" : "\n");
	}
	for (uint32_t i = 0; i < commands_n_outputs(program, node); i++) {
		strbuf_addf(out, "  output %" PRIu32 ": ", i);
		commands_add_type(program, node, i, out);
		const char *separator = ", read by ";
		for (uint32_t e = 0; e < program->header->n_edges; e++) {
			if (program->edges[e].src != node || program->edges[e].src_output != i)
				continue;
			strbuf_add(out, separator);
			strbuf_add_printable(out, debug_node_name(program, program->edges[e].dst));
			separator = ", ";
		}
		strbuf_add(out, *separator == ',' && separator[1] == ' ' && separator[2] ? ", read by nobody\n" : "\n");
	}
}

int commands_info_node(struct debug_context *context, const char *rest, struct strbuf *out, struct error *error)
{
	const struct program *program = debugger_program(context->debugger);
	char word[COMMANDS_WORD_BYTES];
	uint32_t node = debugger_node(context->debugger);
	int status = STATUS_OK;

	if (commands_word(&rest, word))
		status = commands_find_node(context, word, &node, error);
	else if (node == PROGRAM_NONE)
		status = error_set(error, STATUS_SYNTAX, "the node is missing: info node NODE");
	if (!status)
		status = commands_end(rest, error);
	if (status)
		return status;
	const struct program_node *entry = &program->nodes[node];
	commands_add_node(context, node, out);
	if (*debug_op_name(program, node)) {
		strbuf_add(out, ": ");
		strbuf_add_printable(out, debug_op_name(program, node));
	}
	strbuf_add(out, " on ");
	commands_add_worker(context, entry->worker, out);
	if (entry->collective != PROGRAM_NONE) {
		strbuf_addf(out, ", rank %" PRIu32 " of collective ", program_rank(program, entry));
		strbuf_add_printable(out, program_string(program, entry->collective));
	}
	if (entry->line)
		strbuf_addf(out, ", line %" PRIu32, entry->line);
	strbuf_add(out, "\n");
	add_params(program, &entry->params, out);
	add_edges(program, node, out);
	return STATUS_OK;
}

/* -- channels, graph -------------------------------------------------------------------------------------------------- */

static void add_channel(const struct program *program, const struct program_channel *channel, struct table *table)
{
	struct strbuf name = STRBUF_INIT, readers = STRBUF_INIT;

	strbuf_add(&name, debug_node_name(program, channel->node));
	if (channel->output == PROGRAM_NONE)
		strbuf_add(&name, ".control");
	else if (commands_n_outputs(program, channel->node) > 1)
		strbuf_addf(&name, ".out.%" PRIu32, channel->output);
	for (uint32_t i = 0; i < channel->readers.n; i++) {
		strbuf_add(&readers, i ? ", " : "");
		strbuf_add(&readers, debug_node_name(program,
			program->edges[program->indices[channel->readers.first + i]].dst));
	}
	table_text(table, strbuf_text(&name));
	table_text(table, transport_word((enum transport)channel->transport));
	table_int(table, channel->depth);
	table_int(table, (int64_t)channel->payload_bytes);
	table_text(table, strbuf_text(&readers));
	strbuf_finish(&name);
	strbuf_finish(&readers);
}

int commands_info_channels(struct debug_context *context, const char *rest, struct strbuf *out, struct error *error)
{
	static const struct table_column columns[] = {
		{ "channel", TABLE_TEXT }, { "transport", TABLE_TEXT }, { "slots", TABLE_INT }, { "bytes of one",
			TABLE_BYTES },
		{ "readers", TABLE_TEXT },
	};
	const struct program *program = debugger_program(context->debugger);
	struct table table;

	table_init(&table, columns, ARRAY_LEN(columns));
	for (uint32_t i = 0; i < program->header->n_channels; i++)
		add_channel(program, &program->channels[i], &table);
	table_print(&table, 0, out);
	table_finish(&table);
	return STATUS_OK;
}

int commands_info_graph(struct debug_context *context, const char *rest, struct strbuf *out, struct error *error)
{
	const struct program *program = debugger_program(context->debugger);
	const struct program_header *header = program->header;
	char bytes[32];

	strbuf_add_printable(out, program_string(program, header->graph_name));
	if (*program_string(program, header->graph_file)) {
		strbuf_add(out, " of ");
		strbuf_add_printable(out, program_string(program, header->graph_file));
	}
	strbuf_addf(out, ": %" PRIu32 " nodes, %" PRIu32 " edges, %" PRIu32 " channels with %s of slots, %" PRIu32
		" workers besides the driver, at most %" PRIu32 " executions in flight\n",
		header->n_nodes, header->n_edges, header->n_channels, units_bytes(header->slots_bytes, bytes, sizeof bytes),
		header->n_workers - 1, header->in_flight);
	return STATUS_OK;
}
