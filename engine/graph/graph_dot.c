/* SPDX-License-Identifier: Apache-2.0
 *
 * graph_dot: from DOT text or a file to a graph. Everything is reported here that needs no ops; those are graph_resolve's
 * business.
 */
#include "engine/graph/graph_dot.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/graph/dot_reader.h"

#define FILE_BYTES_MAX (64u << 20)

static int *make_indices(struct dot_reader *reader, int n)
{
	int *indices = malloc(((size_t)n + 1) * sizeof(*indices));
	if (!indices)
		reader->is_failed = true;
	for (int i = 0; indices && i < n; i++)
		indices[i] = -1;
	return indices;
}

static char *copy_text(struct dot_reader *reader, const char *text)
{
	char *copy = strdup(text);
	if (!copy)
		reader->is_failed = true;
	return copy;
}

static void make_graph(struct dot_reader *reader, const char *file, const char *text)
{
	const char *name = agnameof(reader->root);
	struct graph *graph = graph_create(name && *name && *name != '%' ? name : "graph");
	reader->graph = graph;
	if (!graph) {
		reader->is_failed = true;
		return;
	}
	graph->file = copy_text(reader, file);
	graph->text = copy_text(reader, text);
	graph->line = reader->scan.line;
	reader->workers = make_indices(reader, reader->scan.n_subgraphs);
	reader->clusters = make_indices(reader, reader->scan.n_nodes);
	reader->nodes = make_indices(reader, reader->scan.n_nodes);
}

static void read_graph(struct dot_reader *reader)
{
	dot_read_keys(reader);
	dot_note_names(reader, reader->root, AGRAPH);
	dot_read_clusters(reader);
	if (!reader->is_failed)
		dot_read_nodes(reader);
	if (!reader->is_failed)
		dot_read_edges(reader);
	substitution_report_unused(&reader->substitution, reader->mistakes);
}

int graph_dot_parse(const char *file, const char *text, const struct graph_settings *settings, struct mistakes *mistakes,
	struct graph **ret_graph)
{
	struct dot_reader reader = { .mistakes = mistakes };
	int n_before = mistakes->n_items, rest_line = 0;
	int status = dot_cgraph_parse(text, mistakes, &reader.root, &rest_line);
	if (status)
		return status;
	substitution_init(&reader.substitution, settings);
	reader.is_failed = dot_scan(text, &reader.scan) != STATUS_OK;
	if (!reader.is_failed)
		make_graph(&reader, file, text);
	if (!reader.is_failed)
		read_graph(&reader);
	if (rest_line)
		mistakes_add(mistakes, rest_line, NULL, "text behind the graph's closing brace; one file holds one graph");
	mistakes_sort(mistakes);
	substitution_finish(&reader.substitution);
	dot_scan_finish(&reader.scan);
	free(reader.workers);
	free(reader.clusters);
	free(reader.nodes);
	agclose(reader.root);
	if (reader.is_failed) {
		graph_destroy(reader.graph);
		mistakes_add(mistakes, 0, NULL, "no memory for the graph");
		return STATUS_NO_MEMORY;
	}
	*ret_graph = reader.graph;
	return mistakes->n_items > n_before ? STATUS_GRAPH : STATUS_OK;
}

/* The whole file as text; NULL with a mistake. */
static char *read_text(const char *file, FILE *stream, struct mistakes *mistakes)
{
	struct strbuf text = STRBUF_INIT;
	char block[16384];
	size_t n_bytes;
	bool has_nul = false;
	while (text.length <= FILE_BYTES_MAX && (n_bytes = fread(block, 1, sizeof(block), stream)) > 0) {
		has_nul |= memchr(block, '\0', n_bytes) != NULL;
		strbuf_add_bytes(&text, block, n_bytes);
	}
	if (ferror(stream))
		mistakes_add(mistakes, 0, NULL, "cannot be read: %s", strerror(errno));
	else if (has_nul)
		mistakes_add(mistakes, 0, NULL, "is no text file: it holds a byte 0");
	else if (text.length > FILE_BYTES_MAX)
		mistakes_add(mistakes, 0, NULL, "is larger than %u MiB, which no graph is", FILE_BYTES_MAX >> 20);
	else
		return strbuf_take(&text);
	strbuf_finish(&text);
	return NULL;
}

int graph_dot_read(
	const char *file, const struct graph_settings *settings, struct mistakes *mistakes, struct graph **ret_graph)
{
	bool is_stdin = strcmp(file, "-") == 0;
	FILE *stream = is_stdin ? stdin : fopen(file, "re");
	if (!stream) {
		mistakes_add(mistakes, 0, NULL, "cannot be opened: %s", strerror(errno));
		return STATUS_INPUT;
	}
	char *text = read_text(file, stream, mistakes);
	if (!is_stdin)
		fclose(stream);
	if (!text)
		return STATUS_INPUT;
	int status = graph_dot_parse(file, text, settings, mistakes, ret_graph);
	free(text);
	return status;
}

int graph_load(const char *file, const struct graph_settings *settings, const struct op_registry *registry,
	struct mistakes *mistakes, struct graph **ret_graph)
{
	struct graph *graph = NULL;
	int parse_status = graph_dot_read(file, settings, mistakes, &graph);
	int status = parse_status;
	if (graph) {
		status = graph_resolve(graph, registry, mistakes);
		mistakes_sort(mistakes);
	}
	if (parse_status)
		status = parse_status;
	if (status)
		graph_destroy(graph);
	else
		*ret_graph = graph;
	return status;
}
