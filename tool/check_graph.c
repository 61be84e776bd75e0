/* SPDX-License-Identifier: Apache-2.0
 *
 * check_graph: a graph's mistakes, its plan, the proof that it cannot deadlock, and the memory it will take.
 */
#include "tool/check_graph.h"

#include <stdio.h>

#include "engine/base/table.h"
#include "tool/command.h"
#include "tool/load.h"

static const struct table_column mistake_columns[] = { { "line", TABLE_INT }, { "node", TABLE_TEXT }, { "text", TABLE_TEXT } };

static const struct table_column channel_columns[] = {
	{ "channel", TABLE_TEXT }, { "transport", TABLE_TEXT }, { "depth", TABLE_INT }, { "depth_is_given", TABLE_INT },
	{ "readers", TABLE_INT }, { "payload_bytes", TABLE_BYTES }, { "slot_bytes", TABLE_BYTES }, { "bytes", TABLE_BYTES },
	{ "slot_of", TABLE_TEXT },
};

static void add_mistakes(const struct loaded *loaded, struct strbuf *out)
{
	struct table table;
	table_init(&table, mistake_columns, ARRAY_LEN(mistake_columns));
	for (int i = 0; i < loaded->mistakes.n_items; i++) {
		const struct mistake *mistake = &loaded->mistakes.items[i];
		mistake->line ? table_int(&table, mistake->line) : table_null(&table);
		table_text(&table, mistake->node);
		table_text(&table, mistake->text);
	}
	table_json(&table, out);
	table_finish(&table);
}

/* "node.output", the output's name left out where there is one. */
static void channel_name(const struct plan *plan, int channel_idx, struct strbuf *name)
{
	const struct plan_channel *channel = &plan->channels[channel_idx];
	const struct graph_node *node = &plan->graph->nodes[channel->node];
	strbuf_clear(name);
	strbuf_add(name, node->name);
	if (channel->output < 0)
		strbuf_add(name, " (order)");
	else if (node->n_outputs > 1)
		strbuf_addf(name, ".%s", node->output_names[channel->output]);
}

static void add_channels(const struct plan *plan, struct strbuf *out)
{
	struct strbuf name = STRBUF_INIT;
	struct table table;
	table_init(&table, channel_columns, ARRAY_LEN(channel_columns));
	for (int i = 0; i < plan->n_channels; i++) {
		const struct plan_channel *channel = &plan->channels[i];
		channel_name(plan, i, &name);
		table_text(&table, strbuf_text(&name));
		table_text(&table, transport_word(channel->transport));
		table_int(&table, channel->depth);
		table_int(&table, channel->depth_is_given);
		table_int(&table, channel->n_readers);
		table_int(&table, (int64_t)channel->payload_bytes);
		table_int(&table, (int64_t)plan_slot_bytes(channel));
		table_int(&table, (int64_t)plan_channel_bytes(plan, i));
		if (channel->storage != i)
			channel_name(plan, channel->storage, &name);
		table_text(&table, channel->storage != i ? strbuf_text(&name) : NULL);
	}
	table_json(&table, out);
	table_finish(&table);
	strbuf_finish(&name);
}

static void add_json(const struct loaded *loaded, struct strbuf *out)
{
	strbuf_addf(out, "{\"graph\": \"");
	strbuf_add_json(out, loaded->graph ? loaded->graph->name : "");
	strbuf_addf(out, "\", \"is_right\": %s, \"mistakes\": ", loaded->plan ? "true" : "false");
	add_mistakes(loaded, out);
	strbuf_add(out, ", \"verdict\": \"");
	strbuf_add_json(out, strbuf_text(&loaded->verdict));
	strbuf_addf(out, "\", \"in_flight\": %d, \"total_bytes\": %zu, \"rows\": ", loaded->plan ? loaded->plan->in_flight : 0,
		loaded->plan ? plan_total_bytes(loaded->plan) : 0);
	if (loaded->plan)
		add_channels(loaded->plan, out);
	else
		strbuf_add(out, "[]");
	strbuf_add(out, "}\n");
}

/* The proof for a plan that passed; for a refused one it is there already. */
static int add_verdict(struct loaded *loaded)
{
	struct plan_verdict verdict;
	int status = plan_check(loaded->plan, &verdict);
	if (status)
		return error_set(&loaded->error, status, "%s", status_sentence(status));
	strbuf_clear(&loaded->verdict);
	plan_verdict_print(loaded->plan, &verdict, &loaded->verdict);
	plan_verdict_finish(&verdict);
	return STATUS_OK;
}

int check_graph(const char *file, const struct option_list *settings, const struct option_list *modules, int in_flight, bool is_json)
{
	struct loaded loaded;
	struct strbuf out = STRBUF_INIT;
	int status = load(file, settings, modules, in_flight, &loaded), exit_status;
	if (!status)
		status = add_verdict(&loaded);
	if (is_json && status != STATUS_USAGE) {
		add_json(&loaded, &out);
		exit_status = tool_print(&out);
		if (status)
			exit_status = TOOL_EXIT_FAILED;
	} else if (status) {
		exit_status = load_fail(&loaded, file);
	} else {
		plan_print(loaded.plan, &out);
		strbuf_addf(&out, "\n%s", strbuf_text(&loaded.verdict));
		exit_status = tool_print(&out);
	}
	load_finish(&loaded);
	return exit_status;
}

static void describe_inputs(const struct op *op, struct strbuf *out)
{
	strbuf_clear(out);
	for (int i = 0; op->input_names && op->input_names[i]; i++)
		strbuf_addf(out, "%s%s%s", i ? " " : "", op->input_names[i], i >= op->n_inputs_min ? "?" : "");
	if (op->input_names)
		return;
	if (op->n_inputs_max == op->n_inputs_min)
		strbuf_addf(out, "%d", op->n_inputs_min);
	else
		strbuf_addf(out, "%d to %d", op->n_inputs_min, op->n_inputs_max);
}

static void describe_params(const struct op *op, struct strbuf *out)
{
	strbuf_clear(out);
	for (const struct op_param_spec *spec = op->params; spec && spec->name; spec++)
		strbuf_addf(out, "%s%s%s%s", spec == op->params ? "" : " ", spec->name, spec->fallback ? "=" : "",
			spec->fallback ? (*spec->fallback ? spec->fallback : "\"\"") : "");
}

int check_list_ops(const struct option_list *modules, bool is_json)
{
	static const struct table_column columns[] = { { "op", TABLE_TEXT }, { "inputs", TABLE_TEXT },
		{ "parameters", TABLE_TEXT }, { "summary", TABLE_TEXT } };
	struct strbuf text = STRBUF_INIT, out = STRBUF_INIT;
	struct table table;
	struct registry registry;
	struct error error = { 0 };
	if (load_modules(modules, &registry, &error))
		return tool_fail(&error);
	table_init(&table, columns, ARRAY_LEN(columns));
	for (int i = 0; i < registry.n_items; i++) {
		const struct op *op = registry.items[i];
		table_text(&table, op->name);
		describe_inputs(op, &text);
		table_text(&table, strbuf_text(&text));
		describe_params(op, &text);
		table_text(&table, strbuf_text(&text));
		table_text(&table, op->summary);
	}
	if (is_json)
		table_json_document(&table, &out);
	else
		table_print(&table, 0, &out);
	table_finish(&table);
	strbuf_finish(&text);
	registry_finish(&registry);
	return tool_print(&out);
}
