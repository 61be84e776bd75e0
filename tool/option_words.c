/* SPDX-License-Identifier: Apache-2.0
 *
 * option_words: options_parse backwards.
 */
#include "tool/option_words.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

int option_words_add(struct option_words *words, const char *word, struct error *error)
{
	char **items = realloc(words->items, ((size_t)words->n_items + 2) * sizeof *items);
	if (items)
		words->items = items;
	char *copy = items ? strdup(word) : NULL;
	if (!copy)
		return error_set(error, STATUS_NO_MEMORY, "%s", status_sentence(STATUS_NO_MEMORY));
	words->items[words->n_items++] = copy;
	words->items[words->n_items] = NULL;
	return STATUS_OK;
}

void option_words_finish(struct option_words *words)
{
	for (int i = 0; i < words->n_items; i++)
		free(words->items[i]);
	free(words->items);
	*words = (struct option_words){ 0 };
}

static size_t size_of(enum option_type type)
{
	switch (type) {
	case OPTION_FLAG: return sizeof(bool);
	case OPTION_TEXT: return sizeof(const char *);
	case OPTION_REAL: return sizeof(double);
	case OPTION_LIST: return sizeof(struct option_list);
	default: return sizeof(int64_t);
	}
}

static bool is_default(const struct option_spec *spec, const void *place)
{
	struct option_spec row[] = { *spec, OPTIONS_END };
	union {
		struct option_list list; /* the largest of them */
		int64_t number;
	} fallback = { 0 };
	struct error error = { 0 };
	int n_arguments = 0;
	row[0].offset = 0;
	bool is_equal = options_parse(row, 0, NULL, &fallback, &n_arguments, &error) == STATUS_OK
		&& memcmp(&fallback, place, size_of(spec->type)) == 0;
	options_finish(row, &fallback);
	return is_equal;
}

static void add_value(const struct option_spec *spec, const void *place, struct strbuf *out)
{
	switch (spec->type) {
	case OPTION_TEXT: strbuf_addf(out, "=%s", *(const char *const *)place); break;
	case OPTION_INT: strbuf_addf(out, "=%" PRId64, *(const int64_t *)place); break;
	case OPTION_REAL: strbuf_addf(out, "=%.17g", *(const double *)place); break;
	case OPTION_DURATION: strbuf_addf(out, "=%" PRId64 "ns", *(const int64_t *)place); break;
	case OPTION_BYTES: strbuf_addf(out, "=%" PRIu64, *(const uint64_t *)place); break;
	case OPTION_CHOICE: strbuf_addf(out, "=%s", spec->choices[*(const int64_t *)place]); break;
	case OPTION_FLAG: case OPTION_LIST: break;
	}
}

static int add_option(const struct option_spec *spec, const char *item, const void *place, struct option_words *words, struct error *error)
{
	struct strbuf word = STRBUF_INIT;
	strbuf_addf(&word, "--%s", spec->name);
	if (item)
		strbuf_addf(&word, "=%s", item);
	else
		add_value(spec, place, &word);
	int status = word.is_failed ? error_set(error, STATUS_NO_MEMORY, "%s", status_sentence(STATUS_NO_MEMORY))
		: option_words_add(words, strbuf_text(&word), error);
	strbuf_finish(&word);
	return status;
}

int option_words_make(const struct option_spec *specs, int n_specs, const void *values, struct option_words *words, struct error *error)
{
	int status = STATUS_OK;
	for (const struct option_spec *spec = specs; spec->name && spec < specs + n_specs && !status; spec++) {
		const void *place = (const char *)values + spec->offset;
		const struct option_list *list = spec->type == OPTION_LIST ? place : NULL;
		if (list) {
			for (int i = 0; i < list->n_items && !status; i++)
				status = add_option(spec, list->items[i], place, words, error);
		} else if (!is_default(spec, place)) {
			status = add_option(spec, NULL, place, words, error);
		}
	}
	return status;
}
