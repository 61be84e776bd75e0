/* SPDX-License-Identifier: Apache-2.0
 *
 * compile: from text to a graph, and from a graph to a plan that is proved.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/api/graph_handle.h"
#include "engine/api/mirror.h"
#include "engine/graph/graph_dot.h"

/* "NAME=VALUE" texts as settings; names are copies. */
struct settings {
	struct graph_settings list;
	struct graph_setting *items;
};

static void settings_finish(struct settings *settings)
{
	for (int i = 0; settings->items && i < settings->list.n_items; i++)
		free((char *)(uintptr_t)settings->items[i].name);
	free(settings->items);
}

static int settings_parse(const char *const *texts, struct settings *settings, struct error *error)
{
	int n = 0;
	while (texts && texts[n])
		n++;
	settings->items = calloc((size_t)n + 1, sizeof *settings->items);
	settings->list.items = settings->items;
	for (int i = 0; settings->items && i < n; i++) {
		const char *equals = strchr(texts[i], '=');
		if (!equals || equals == texts[i])
			return error_set(error, STATUS_USAGE, "setting '%.100s': write NAME=VALUE", texts[i]);
		char *name = strndup(texts[i], (size_t)(equals - texts[i]));
		if (!name)
			return error_set(error, STATUS_NO_MEMORY, "no memory for the settings");
		settings->items[settings->list.n_items++] = (struct graph_setting){ .name = name, .value = equals + 1 };
	}
	return settings->items ? STATUS_OK : error_set(error, STATUS_NO_MEMORY, "no memory for the settings");
}

/* The first mistake as the graph's error, all of them as its text. */
static int keep_mistakes(struct tandem_graph *graph, int status)
{
	strbuf_clear(&graph->mistakes_text);
	mistakes_sort(&graph->mistakes);
	mistakes_print(&graph->mistakes, graph->source, &graph->mistakes_text);
	const char *text = strbuf_text(&graph->mistakes_text);
	graph->state = GRAPH_STATE_WRONG;
	return error_set(&graph->error, status, "%.*s", (int)strcspn(text, "\n"), *text ? text : status_sentence(status));
}

/* With mistakes in the text the rest is looked for at once, so that all of them are told together. */
static int keep_parsed(struct tandem_graph *graph, int status, struct error *error)
{
	if (status && graph->graph)
		graph_resolve(graph->graph, &graph->ops, &graph->mistakes);
	if (status)
		status = keep_mistakes(graph, status);
	if (status && error)
		*error = graph->error;
	return status;
}

static int load(struct tandem *tandem, const char *name, const char *text, const char *const *settings, struct error *error,
	struct tandem_graph **ret_graph)
{
	struct settings parsed = { 0 };
	int status = context_check(tandem, error);
	if (status)
		return status;
	if (!name || !ret_graph)
		return error_set(error, STATUS_USAGE, "%s is NULL", name ? "ret_graph" : "the graph's file or name");
	*ret_graph = NULL;
	status = settings_parse(settings, &parsed, error);
	struct tandem_graph *graph = status ? NULL : graph_handle_create(tandem, name);
	if (!status && !graph)
		status = error_set(error, STATUS_NO_MEMORY, "no memory for the graph");
	if (graph) {
		status = text ? graph_dot_parse(name, text, &parsed.list, &graph->mistakes, &graph->graph)
			: graph_dot_read(name, &parsed.list, &graph->mistakes, &graph->graph);
		status = keep_parsed(graph, status, error);
		*ret_graph = graph;
	}
	settings_finish(&parsed);
	return status;
}

int tandem_graph_load(struct tandem *tandem, const char *file, const char *const *settings, struct tandem_error *error,
	struct tandem_graph **ret_graph)
{
	return load(tandem, file, NULL, settings, mirror_error(error), ret_graph);
}

int tandem_graph_parse(struct tandem *tandem, const char *name, const char *text, const char *const *settings,
	struct tandem_error *error, struct tandem_graph **ret_graph)
{
	if (!text)
		return error_set(mirror_error(error), STATUS_USAGE, "the graph's text is NULL");
	return load(tandem, name, text, settings, mirror_error(error), ret_graph);
}

int options_copy(void *to, size_t known_bytes, size_t least_bytes, const void *from, const char *name, struct error *error)
{
	size_t bytes;
	if (!from)
		return STATUS_OK;
	memcpy(&bytes, from, sizeof bytes);
	if (bytes < least_bytes || bytes > 1u << 16)
		return error_set(error, STATUS_USAGE, "options: bytes is %zu; set .bytes = sizeof(struct %s), which is at least %zu", bytes, name,
			least_bytes);
	for (size_t i = known_bytes; i < bytes; i++) {
		if (((const unsigned char *)from)[i])
			return error_set(error, STATUS_UNSUPPORTED, "options: struct %s has fields that libtandem " TANDEM_VERSION " does not know; "
				"leave them zero, or install a newer one", name);
	}
	memcpy(to, from, bytes < known_bytes ? bytes : known_bytes);
	return STATUS_OK;
}

/* The text that goes into traces. */
static int keep_text(struct graph *graph, struct error *error)
{
	struct strbuf text = STRBUF_INIT;
	if (graph->text)
		return STATUS_OK;
	graph_to_dot(graph, &text);
	graph->text = strbuf_take(&text);
	return graph->text ? STATUS_OK : error_set(error, STATUS_NO_MEMORY, "no memory for the graph's text");
}

static int make_plan(struct tandem_graph *graph, int in_flight)
{
	struct plan_options options = { .in_flight = in_flight };
	int status = graph->mistakes.n_items ? STATUS_GRAPH : graph_resolve(graph->graph, &graph->ops, &graph->mistakes);
	if (status == STATUS_NO_MEMORY)
		return error_set(&graph->error, status, "no memory for the graph");
	if (status)
		return keep_mistakes(graph, status);
	status = keep_text(graph->graph, &graph->error);
	if (!status)
		status = plan_compile(graph->graph, &options, &graph->mistakes_text, &graph->error, &graph->plan);
	if (!status)
		strbuf_clear(&graph->mistakes_text);
	return status;
}

/* A deadlock's text is the cycle; the error says in one line what the explanation says in several. */
static void tell_cycle(struct tandem_graph *graph)
{
	char text[TANDEM_ERROR_TEXT_BYTES];
	size_t length = 0;
	for (const char *c = strbuf_text(&graph->mistakes_text); *c && length + 2 < sizeof text; c++) {
		if (*c != '\n')
			text[length++] = *c;
		else if (c[1])
			text[length++] = ' ';
	}
	text[length] = '\0';
	error_set(&graph->error, STATUS_DEADLOCK, "%s: %s", graph->source, text);
}

int tandem_graph_compile(struct tandem_graph *graph, const struct tandem_compile_options *public_options, struct tandem_error *public_error)
{
	struct tandem_compile_options options = { 0 };
	struct error *error = mirror_error(public_error);
	int status = graph_check(graph, error);
	if (!status)
		status = options_copy(&options, sizeof options, sizeof options, public_options, "tandem_compile_options", error);
	if (status)
		return status;
	if (options.in_flight < 0)
		return error_set(error, STATUS_USAGE, "options: in_flight is %d; give a number, or 0 for 2 for each worker", options.in_flight);
	if (graph->state == GRAPH_STATE_COMPILED)
		return error_set(error, STATUS_USAGE, "graph '%.100s' is compiled already, which is done once", graph->source);
	if (graph->state == GRAPH_STATE_BUILDING && !graph->error.status) {
		status = make_plan(graph, options.in_flight);
		if (status == STATUS_DEADLOCK)
			tell_cycle(graph);
	}
	graph->state = graph->error.status ? GRAPH_STATE_WRONG : GRAPH_STATE_COMPILED;
	if (!graph->error.status)
		return STATUS_OK;
	if (!graph->mistakes_text.length)
		strbuf_addf(&graph->mistakes_text, "%s\n", graph->error.text);
	if (error)
		*error = graph->error;
	return graph->error.status;
}
