/* SPDX-License-Identifier: Apache-2.0
 *
 * plan_print: a plan for people: who does what in which order, and what will be allocated.
 */
#include "engine/base/table.h"
#include "engine/base/units.h"
#include "engine/graph/plan_check.h"

static void add_channel_name(const struct plan *plan, int channel_idx, struct strbuf *out)
{
	const struct plan_channel *channel = &plan->channels[channel_idx];
	const struct graph_node *node = &plan->graph->nodes[channel->node];
	if (channel->output < 0)
		strbuf_addf(out, "%s (control)", node->name);
	else if (node->output_names && node->output_names[channel->output])
		strbuf_addf(out, "%s.%s", node->name, node->output_names[channel->output]);
	else
		strbuf_addf(out, "%s.%d", node->name, channel->output);
}

static const char *text_of(struct strbuf *buf)
{
	return buf->length ? buf->text : NULL;
}

/* The channels of the node's steps of one kind, from step `first` on. */
static void list_steps(const struct plan *plan, const struct plan_worker *worker, int first, enum plan_step_kind kind,
	struct strbuf *out)
{
	strbuf_clear(out);
	for (int i = first; i < worker->n_steps && worker->steps[i].node == worker->steps[first].node; i++) {
		if (worker->steps[i].kind != kind)
			continue;
		if (out->length)
			strbuf_add(out, ", ");
		add_channel_name(plan, worker->steps[i].channel, out);
	}
}

static void print_worker(const struct plan *plan, int worker_idx, struct strbuf *out)
{
	static const struct table_column columns[] = {
		{ "node", TABLE_TEXT }, { "op", TABLE_TEXT }, { "read", TABLE_TEXT }, { "reserve", TABLE_TEXT },
		{ "write", TABLE_TEXT }, { "release", TABLE_TEXT },
	};
	static const enum plan_step_kind kinds[] = { PLAN_STEP_READ, PLAN_STEP_RESERVE, PLAN_STEP_WRITE, PLAN_STEP_RELEASE };
	const struct graph *graph = plan->graph;
	const struct plan_worker *worker = &plan->workers[worker_idx];
	struct strbuf list = STRBUF_INIT;
	struct table table;
	table_init(&table, columns, ARRAY_LEN(columns));
	for (int i = 0; i < worker->n_steps; i++) {
		int node = worker->steps[i].node;
		if (i && worker->steps[i - 1].node == node)
			continue;
		table_text(&table, graph->nodes[node].name);
		table_text(&table, graph->nodes[node].op_name);
		for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
			list_steps(plan, worker, i, kinds[k], &list);
			table_text(&table, text_of(&list));
		}
	}
	strbuf_add(out, "\n");
	strbuf_add_printable(out, graph->workers[worker_idx].name);
	strbuf_add(out, " on ");
	strbuf_add_printable(out, graph->workers[worker_idx].device);
	strbuf_addf(out, ", %d steps a pass\n", worker->n_steps);
	table_print(&table, 2, out);
	table_finish(&table);
	strbuf_finish(&list);
}

static void list_readers(const struct plan *plan, const struct plan_channel *channel, struct strbuf *out)
{
	const struct graph *graph = plan->graph;
	strbuf_clear(out);
	for (int i = 0; i < channel->n_readers; i++) {
		const struct graph_node *node = &graph->nodes[graph->edges[channel->reader_edges[i]].dst];
		strbuf_addf(out, "%s%s on %s", i ? ", " : "", node->name, graph->workers[node->worker_idx].name);
	}
}

static void add_channel(const struct plan *plan, int idx, struct strbuf *text, struct table *table)
{
	const struct plan_channel *channel = &plan->channels[idx];
	strbuf_clear(text);
	add_channel_name(plan, idx, text);
	table_text(table, strbuf_text(text));
	table_text(table, transport_word(channel->transport));
	table_int(table, channel->depth);
	table_text(table, channel->depth_is_given ? "given" : NULL);
	table_int(table, (int64_t)(plan_channel_bytes(plan, idx) / (size_t)channel->depth));
	table_int(table, (int64_t)plan_channel_bytes(plan, idx));
	strbuf_clear(text);
	if (channel->storage != idx) {
		strbuf_add(text, channel->is_overwritten ? "overwrites slot of " : "forwards slot of ");
		add_channel_name(plan, channel->storage, text);
	}
	table_text(table, text_of(text));
	list_readers(plan, channel, text);
	table_text(table, strbuf_text(text));
}

static void print_channels(const struct plan *plan, struct strbuf *out)
{
	static const struct table_column columns[] = {
		{ "channel", TABLE_TEXT }, { "transport", TABLE_TEXT }, { "depth", TABLE_INT }, { "by", TABLE_TEXT },
		{ "slot", TABLE_BYTES }, { "total", TABLE_BYTES }, { "bytes", TABLE_TEXT }, { "readers", TABLE_TEXT },
	};
	struct strbuf text = STRBUF_INIT;
	struct table table;
	size_t n_shared_bytes = 0;
	char total[32], shared[32];
	table_init(&table, columns, ARRAY_LEN(columns));
	for (int i = 0; i < plan->n_channels; i++) {
		add_channel(plan, i, &text, &table);
		if (plan->channels[i].transport == TRANSPORT_SHM)
			n_shared_bytes += plan_channel_bytes(plan, i);
	}
	strbuf_addf(out, "\n%d channels, %s in slots, %s of it shared\n", plan->n_channels,
		units_bytes(plan_total_bytes(plan), total, sizeof total),
		units_bytes(n_shared_bytes, shared, sizeof shared));
	table_print(&table, 2, out);
	table_finish(&table);
	strbuf_finish(&text);
}

void plan_print(const struct plan *plan, struct strbuf *out)
{
	const struct graph *graph = plan->graph;
	strbuf_add_printable(out, graph->name);
	strbuf_addf(out, ": %d nodes, %d edges, %d workers, %d executions in flight", graph->n_nodes - 2, graph->n_edges,
		graph->n_workers - 1, plan->in_flight);
	if (plan->in_flight < plan->in_flight_asked)
		strbuf_addf(out, " (of %d asked for: the given depths hold no more)", plan->in_flight_asked);
	strbuf_add(out, "\n");
	for (int w = 0; w < graph->n_workers; w++)
		print_worker(plan, w, out);
	print_channels(plan, out);
}
