/* SPDX-License-Identifier: Apache-2.0
 *
 * substitute: settings in attribute values.
 */
#include "engine/graph/substitute.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "engine/graph/grow.h"

void substitution_init(struct substitution *substitution, const struct graph_settings *settings)
{
	*substitution = (struct substitution){ .settings = settings };
}

void substitution_finish(struct substitution *substitution)
{
	for (int i = 0; i < substitution->n_names; i++)
		free(substitution->names[i]);
	free(substitution->names);
	*substitution = (struct substitution){ 0 };
}

static bool is_asked_for(const struct substitution *substitution, const char *name)
{
	for (int i = 0; i < substitution->n_names; i++) {
		if (strcmp(substitution->names[i], name) == 0)
			return true;
	}
	return false;
}

static void remember_name(struct substitution *substitution, const char *name)
{
	if (is_asked_for(substitution, name) || !grow_array(&substitution->names, substitution->n_names, sizeof(char *)))
		return;
	char *copy = strdup(name);
	if (copy)
		substitution->names[substitution->n_names++] = copy;
}

/* The value of a setting, the last one when it was given more than once; NULL when it was not. */
static const char *find_setting(const struct substitution *substitution, const char *name)
{
	const char *value = NULL;
	for (int i = 0; substitution->settings && i < substitution->settings->n_items; i++) {
		if (strcmp(substitution->settings->items[i].name, name) == 0)
			value = substitution->settings->items[i].value;
	}
	return value;
}

/* Reads NAME or {NAME} behind a dollar into `name`; returns where it ends, NULL when there is no name. */
static const char *read_name(const char *at, struct strbuf *name)
{
	bool is_braced = *at == '{';
	if (is_braced)
		at++;
	const char *start = at;
	if (isdigit((unsigned char)*at))
		return NULL;
	while (isalnum((unsigned char)*at) || *at == '_')
		at++;
	if (at == start || (is_braced && *at != '}'))
		return NULL;
	strbuf_add_bytes(name, start, (size_t)(at - start));
	return at + is_braced;
}

bool substitute(struct substitution *substitution, const char *value, struct strbuf *out, struct strbuf *problem)
{
	bool is_found = true;
	struct strbuf name = STRBUF_INIT;
	for (const char *at = value; *at;) {
		size_t plain = strcspn(at, "$");
		strbuf_add_bytes(out, at, plain);
		at += plain;
		if (!*at)
			break;
		if (at[1] == '$') {
			strbuf_add(out, "$");
			at += 2;
			continue;
		}
		strbuf_clear(&name);
		const char *end = read_name(at + 1, &name);
		const char *setting = NULL;
		if (end) {
			remember_name(substitution, strbuf_text(&name));
			setting = find_setting(substitution, strbuf_text(&name));
		}
		if (!setting && is_found) {
			is_found = false;
			if (end)
				strbuf_addf(problem, "$%s is not set; give --set %s=VALUE", strbuf_text(&name),
					strbuf_text(&name));
			else
				strbuf_addf(problem,
					"a $ without a name in '%s'; write $NAME or ${NAME}, or $$ for a dollar", value);
		}
		strbuf_add(out, setting ? setting : "");
		at = end ? end : at + 1;
	}
	strbuf_finish(&name);
	return is_found;
}

void substitution_report_unused(const struct substitution *substitution, struct mistakes *mistakes)
{
	const char **names = calloc((size_t)substitution->n_names + 1, sizeof(*names));
	for (int i = 0; names && i < substitution->n_names; i++)
		names[i] = substitution->names[i];
	for (int i = 0; substitution->settings && i < substitution->settings->n_items; i++) {
		const char *name = substitution->settings->items[i].name;
		if (is_asked_for(substitution, name))
			continue;
		const char *nearest = names ? mistakes_nearest(name, names) : NULL;
		if (nearest)
			mistakes_add(mistakes, 0, NULL, "--set %s is not used; did you mean %s?", name, nearest);
		else
			mistakes_add(mistakes, 0, NULL, "--set %s is not used: no attribute contains $%s", name, name);
	}
	free(names);
}
