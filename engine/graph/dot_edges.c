/* SPDX-License-Identifier: Apache-2.0
 *
 * dot_edges: edge statements become edges, in the order of the file.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/graph/dot_reader.h"

static int compare_edges(const void *a_ptr, const void *b_ptr)
{
	Agedge_t *const *a = a_ptr, *const *b = b_ptr;
	return (AGSEQ(*a) > AGSEQ(*b)) - (AGSEQ(*a) < AGSEQ(*b));
}

/* All edges in the order in which they were made; NULL when memory is out or there are none. */
static Agedge_t **list_edges(struct dot_reader *reader, int *ret_n_edges)
{
	int n_edges = agnedges(reader->root), n = 0;
	Agedge_t **edges = calloc((size_t)n_edges + 1, sizeof(*edges));
	if (!edges) {
		reader->is_failed = true;
		return NULL;
	}
	for (Agnode_t *node = agfstnode(reader->root); node; node = agnxtnode(reader->root, node)) {
		for (Agedge_t *edge = agfstout(reader->root, node); edge && n < n_edges; edge = agnxtout(reader->root, edge))
			edges[n++] = edge;
	}
	qsort(edges, (size_t)n, sizeof(*edges), compare_edges);
	*ret_n_edges = n;
	return edges;
}

static void read_transport(struct dot_reader *reader, struct graph_edge *edge, const struct dot_value *attr)
{
	for (int i = 0; i < TRANSPORT_COUNT; i++) {
		if (strcmp(strbuf_text(&attr->value), transport_word((enum transport)i)) == 0) {
			edge->transport = (enum transport)i;
			return;
		}
	}
#define X(name, word) " " word
	mistakes_add(reader->mistakes, attr->line, reader->graph->nodes[edge->dst].name,
		"the edge from '%s' has transport '%s'; known are" TRANSPORT_MAP(X), reader->graph->nodes[edge->src].name,
		strbuf_text(&attr->value));
#undef X
}

static void read_control(struct dot_reader *reader, struct graph_edge *edge, const struct dot_value *attr)
{
	edge->is_control = strcmp(strbuf_text(&attr->value), "true") == 0;
	if (edge->is_control || strcmp(strbuf_text(&attr->value), "false") == 0)
		return;
	mistakes_add(reader->mistakes, attr->line, reader->graph->nodes[edge->dst].name,
		"the edge from '%s' has control '%s'; it must be true or false", reader->graph->nodes[edge->src].name,
		strbuf_text(&attr->value));
	edge->has_mistake = true;
}

static void read_edge_attrs(
	struct dot_reader *reader, Agedge_t *object, struct graph_edge *edge, const struct dot_attrs *attrs)
{
	struct dot_value from = { .key = "from", .line = dot_attr_line(attrs, "from", edge->line) };
	struct dot_value arg = { .key = "arg", .line = dot_attr_line(attrs, "arg", edge->line) };
	struct dot_value transport = { .key = "transport", .line = dot_attr_line(attrs, "transport", edge->line) };
	struct dot_value control = { .key = "control", .line = dot_attr_line(attrs, "control", edge->line) };
	if (dot_read_value(reader, object, &from, &edge->has_mistake))
		edge->from = dot_take_text(reader, &from.value);
	if (dot_read_value(reader, object, &arg, &edge->has_mistake))
		edge->arg = dot_take_text(reader, &arg.value);
	if (dot_read_value(reader, object, &transport, &edge->has_mistake))
		read_transport(reader, edge, &transport);
	if (dot_read_value(reader, object, &control, &edge->has_mistake))
		read_control(reader, edge, &control);
	strbuf_finish(&from.value);
	strbuf_finish(&arg.value);
	strbuf_finish(&transport.value);
	strbuf_finish(&control.value);
}

static void report_joined(struct dot_reader *reader, int begin, int end)
{
	const struct dot_scan *scan = &reader->scan;
	for (int i = begin; i < end && scan->is_strict; i++) {
		const struct dot_edge *edge = &scan->edges[i];
		mistakes_add(reader->mistakes, edge->line, NULL,
			"'strict' joins this edge %s -> %s with an earlier one; leave 'strict' out",
			scan->nodes[edge->tail].name, scan->nodes[edge->head].name);
	}
}

/* The scan's edge for one of libcgraph's, looked for from *cursor on; those passed over were joined with an earlier one. */
static const struct dot_edge *match_edge(struct dot_reader *reader, int *cursor, int tail, int head)
{
	const struct dot_scan *scan = &reader->scan;
	for (int i = *cursor; i < scan->n_edges; i++) {
		if (scan->edges[i].tail != tail || scan->edges[i].head != head)
			continue;
		report_joined(reader, *cursor, i);
		*cursor = i + 1;
		return &scan->edges[i];
	}
	return NULL;
}

static void read_edge(struct dot_reader *reader, Agedge_t *object, int *cursor)
{
	static const struct dot_attrs no_attrs = { 0 };
	int tail = dot_scan_find_node(&reader->scan, agnameof(agtail(object)));
	int head = dot_scan_find_node(&reader->scan, agnameof(aghead(object)));
	if (tail < 0 || head < 0)
		return;
	const struct dot_edge *where = match_edge(reader, cursor, tail, head);
	int edge_idx = graph_add_edge(reader->graph, reader->nodes[tail], reader->nodes[head], NULL, NULL, false,
		where ? where->line : reader->scan.nodes[tail].line);
	if (edge_idx < 0) {
		reader->is_failed = true;
		return;
	}
	read_edge_attrs(reader, object, &reader->graph->edges[edge_idx],
		where ? &reader->scan.statements[where->statement] : &no_attrs);
	dot_note_names(reader, object, AGEDGE);
}

void dot_read_edges(struct dot_reader *reader)
{
	int n_edges = 0, cursor = 0;
	Agedge_t **edges = list_edges(reader, &n_edges);
	for (int i = 0; i < n_edges && !reader->is_failed; i++)
		read_edge(reader, edges[i], &cursor);
	free(edges);
	if (!reader->is_failed)
		report_joined(reader, cursor, reader->scan.n_edges);
}
