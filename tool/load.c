/* SPDX-License-Identifier: Apache-2.0
 *
 * load: graph_load and plan_compile with the settings and messages of the command line.
 */
#include "tool/load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/api/context.h"
#include "tool/command.h"

int load_settings_parse(const struct option_list *list, struct load_settings *ret_settings, struct error *error)
{
	struct load_settings settings = { .items = calloc((size_t)list->n_items + 1, sizeof *settings.items),
		.names = calloc((size_t)list->n_items + 1, sizeof *settings.names) };
	int status = settings.items && settings.names ? STATUS_OK
		: error_set(error, STATUS_NO_MEMORY, "%s", status_sentence(STATUS_NO_MEMORY));
	for (int i = 0; i < list->n_items && !status; i++) {
		const char *equals = strchr(list->items[i], '=');
		if (!equals || equals == list->items[i]) {
			status = error_set(error, STATUS_USAGE, "--set %s: write NAME=VALUE", list->items[i]);
			break;
		}
		char *name = strndup(list->items[i], (size_t)(equals - list->items[i]));
		if (!name)
			status = error_set(error, STATUS_NO_MEMORY, "%s", status_sentence(STATUS_NO_MEMORY));
		settings.names[i] = name;
		settings.items[i] = (struct graph_setting){ .name = name, .value = equals + 1 };
		settings.n_items++;
	}
	if (status)
		load_settings_finish(&settings);
	else
		*ret_settings = settings;
	return status;
}

void load_settings_finish(struct load_settings *settings)
{
	for (int i = 0; settings->names && i < settings->n_items; i++)
		free(settings->names[i]);
	free(settings->names);
	free(settings->items);
	*settings = (struct load_settings){ 0 };
}

static int load_with(const char *file, const struct load_settings *settings, int in_flight, struct loaded *loaded)
{
	struct graph_settings known = { .items = settings->items, .n_items = settings->n_items };
	struct op_registry ops = registry_ops(&loaded->registry);
	int status = graph_load(file, &known, &ops, &loaded->mistakes, &loaded->graph);
	int n = loaded->mistakes.n_items;
	if (status == STATUS_INPUT && n)
		return error_set(&loaded->error, status, "%s: %s", file, loaded->mistakes.items[0].text);
	if (status)
		return error_set(&loaded->error, status, "%s: %d mistake%s; nothing was started", file, n, n == 1 ? "" : "s");
	struct plan_options options = { .in_flight = in_flight };
	return plan_compile(loaded->graph, &options, &loaded->verdict, &loaded->error, &loaded->plan);
}

int load_modules(const struct option_list *modules, struct registry *ret_registry, struct error *error)
{
	int status = registry_init(ret_registry, error);
	for (int i = 0; i < modules->n_items && !status; i++) {
		if (i == CONTEXT_MODULES_MAX)
			status = error_set(error, STATUS_USAGE, "--module: more than %d modules", CONTEXT_MODULES_MAX);
		else
			status = registry_load_module(ret_registry, modules->items[i], error);
		if (status)
			registry_finish(ret_registry);
	}
	return status;
}

int load(const char *file, const struct option_list *settings, const struct option_list *modules, int in_flight, struct loaded *loaded)
{
	struct load_settings parsed = { 0 };
	*loaded = (struct loaded){ 0 };
	int status = load_modules(modules, &loaded->registry, &loaded->error);
	if (!status)
		status = load_settings_parse(settings, &parsed, &loaded->error);
	if (!status)
		status = load_with(file, &parsed, in_flight, loaded);
	load_settings_finish(&parsed);
	return status;
}

void load_finish(struct loaded *loaded)
{
	plan_destroy(loaded->plan);
	graph_destroy(loaded->graph);
	mistakes_finish(&loaded->mistakes);
	registry_finish(&loaded->registry);
	strbuf_finish(&loaded->verdict);
	*loaded = (struct loaded){ 0 };
}

int load_fail(const struct loaded *loaded, const char *file)
{
	struct strbuf text = STRBUF_INIT;
	if (loaded->error.status == STATUS_GRAPH || loaded->error.status == STATUS_SYNTAX)
		mistakes_print(&loaded->mistakes, file, &text);
	else
		strbuf_add(&text, strbuf_text(&loaded->verdict));
	fputs(strbuf_text(&text), stderr);
	strbuf_finish(&text);
	return tool_fail(&loaded->error);
}
