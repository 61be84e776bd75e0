/* SPDX-License-Identifier: Apache-2.0
 *
 * session_query: what is typed to search and to filter, as a timeline's query for each side.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/attributes.h"
#include "engine/base/units.h"
#include "traces/timeline_import.h"
#include "viewers/session_private.h"

void session_filter_finish(struct session_filter *filter)
{
	free(filter->text);
	for (int i = 0; i < 2; i++) {
		free(filter->nodes[i]);
		free(filter->lanes[i]);
		free(filter->names[i]);
		free(filter->categories[i]);
	}
	*filter = (struct session_filter){ 0 };
}

struct parse {
	struct session *session;
	struct session_filter filter;
	struct error *error;
};

/* -- which nodes and lanes ---------------------------------------------------------------------------------------------------- */

enum by { BY_NODE_NAME, BY_NODE_OP, BY_LANE_NAME };

static const char *word_of(const struct timeline *timeline, enum by by, int i)
{
	const char *text = by == BY_LANE_NAME ? timeline->lanes[i].name : by == BY_NODE_NAME ? timeline->nodes[i].name : timeline->nodes[i].op;
	return text ? text : "";
}

/* Leaves of what matched so far that which has the text; returns how many. -1: no memory. */
static int narrow(struct parse *parse, int side, enum by by, const char *text)
{
	const struct timeline *timeline = parse->session->sides[side].timeline;
	bool **flags = by == BY_LANE_NAME ? &parse->filter.lanes[side] : &parse->filter.nodes[side];
	int n = by == BY_LANE_NAME ? timeline->n_lanes : timeline->n_nodes, n_left = 0;
	if (!*flags) {
		*flags = malloc((size_t)n + 1);
		if (!*flags)
			return -1;
		memset(*flags, true, (size_t)n + 1);
	}
	for (int i = 0; i < n; i++) {
		(*flags)[i] &= strcasestr(word_of(timeline, by, i), text) != NULL;
		n_left += (*flags)[i];
	}
	return n_left;
}

static bool has_any(const struct parse *parse, enum by by, const char *text)
{
	for (int side = 0; side < parse->session->n_sides; side++) {
		const struct timeline *timeline = parse->session->sides[side].timeline;
		int n = by == BY_LANE_NAME ? timeline->n_lanes : timeline->n_nodes;
		for (int i = 0; i < n; i++) {
			if (strcasestr(word_of(timeline, by, i), text))
				return true;
		}
	}
	return false;
}

static int narrow_sides(struct parse *parse, enum by by, const char *text)
{
	for (int side = 0; side < parse->session->n_sides; side++) {
		bool has_none = by != BY_LANE_NAME && parse->session->sides[side].timeline->is_imported; /* nodes */
		if (!has_none && narrow(parse, side, by, text) < 0)
			return error_set(parse->error, STATUS_NO_MEMORY, "no memory for the filter");
	}
	return STATUS_OK;
}

/* -- texts of imported traces -------------------------------------------------------------------------------------------------- */

/* Leaves of the flags so far those that are set in `more`, which is used up. */
static uint8_t *both(uint8_t *flags, uint8_t *more, int64_t n)
{
	for (int64_t i = 0; flags && i <= n; i++)
		more[i] &= flags[i];
	free(flags);
	return more;
}

/* Which texts of each imported side have the part; flags are the caller's. */
static int find_texts(struct parse *parse, const char *text, uint8_t *flags[2], bool *ret_any)
{
	int status = STATUS_OK;
	*ret_any = false;
	for (int side = 0; side < parse->session->n_sides && status == STATUS_OK; side++) {
		struct timeline *timeline = parse->session->sides[side].timeline;
		bool has_any = false;
		if (timeline->is_imported)
			status = timeline_texts_with(timeline, text, &flags[side], &parse->filter.queries[side].n_texts, &has_any, parse->error);
		*ret_any |= has_any;
	}
	return status;
}

static int narrow_texts(struct parse *parse, uint8_t **kept, const char *text, bool *ret_any)
{
	uint8_t *flags[2] = { NULL, NULL };
	int status = find_texts(parse, text, flags, ret_any);
	for (int side = 0; side < 2; side++) {
		if (status == STATUS_OK && *ret_any && flags[side])
			kept[side] = both(kept[side], flags[side], parse->filter.queries[side].n_texts);
		else
			free(flags[side]);
	}
	return status;
}

static bool has_imported(const struct parse *parse)
{
	return parse->session->sides[0].timeline->is_imported
		|| (parse->session->n_sides > 1 && parse->session->sides[1].timeline->is_imported);
}

static int take_category(struct parse *parse, const char *text)
{
	bool has_any = false;
	int status = narrow_texts(parse, parse->filter.categories, text, &has_any);
	if (status == STATUS_OK && !has_any)
		status = error_set(parse->error, STATUS_USAGE, "no category has '%s' in it", text);
	return status;
}

/* A part of spans' names; of a lane's where no span is called so. The other side may have nodes. */
static int take_imported_name(struct parse *parse, const char *text)
{
	bool has_text = false;
	int status = narrow_texts(parse, parse->filter.names, text, &has_text);
	if (status != STATUS_OK)
		return status;
	if (has_any(parse, BY_NODE_NAME, text))
		return narrow_sides(parse, BY_NODE_NAME, text);
	if (has_text)
		return STATUS_OK;
	if (has_any(parse, BY_LANE_NAME, text))
		return narrow_sides(parse, BY_LANE_NAME, text);
	return error_set(parse->error, STATUS_USAGE, "no span and no lane has '%s' in its name", text);
}

static int take_name(struct parse *parse, const char *text)
{
	if (has_imported(parse))
		return take_imported_name(parse, text);
	if (has_any(parse, BY_NODE_NAME, text))
		return narrow_sides(parse, BY_NODE_NAME, text);
	if (has_any(parse, BY_LANE_NAME, text))
		return narrow_sides(parse, BY_LANE_NAME, text);
	return error_set(parse->error, STATUS_USAGE, "no node and no lane has '%s' in its name", text);
}

/* -- words -------------------------------------------------------------------------------------------------------------------- */

static int take_lane(struct parse *parse, const char *text)
{
	if (!has_any(parse, BY_LANE_NAME, text))
		return error_set(parse->error, STATUS_USAGE, "no lane has '%s' in its name", text);
	return narrow_sides(parse, BY_LANE_NAME, text);
}

static int take_op(struct parse *parse, const char *text)
{
	if (!has_any(parse, BY_NODE_OP, text))
		return error_set(parse->error, STATUS_USAGE, "no node has an op with '%s' in its name", text);
	return narrow_sides(parse, BY_NODE_OP, text);
}

/* What spans of imported traces are, beyond the phases that they are drawn as. */
static const struct {
	const char *word;
	int kind;
} kinds[] = {
	{ "kernel", SPAN_KIND_KERNEL }, { "memcpy", SPAN_KIND_MEMCPY }, { "copy", SPAN_KIND_MEMCPY }, { "memset", SPAN_KIND_MEMSET },
	{ "api", SPAN_KIND_API }, { "call", SPAN_KIND_API }, { "mark", SPAN_KIND_MARK }, { "annotation", SPAN_KIND_MARK },
	{ "graph", SPAN_KIND_GRAPH }, { "stream_sync", SPAN_KIND_STREAM_SYNC }, { "overhead", SPAN_KIND_OVERHEAD },
};

static int take_imported_kind(struct parse *parse, const char *text)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (strcmp(kinds[i].word, text) != 0)
			continue;
		for (int side = 0; side < 2; side++)
			parse->filter.queries[side].kinds |= 1u << (kinds[i].kind - SPAN_KIND_OP);
		return STATUS_OK;
	}
	return error_set(parse->error, STATUS_USAGE, "there is no kind '%s'; kinds are kernel, collective, copy, memset, api, launch, sync, "
		"annotation, …", text);
}

static int take_kind(struct parse *parse, const char *text)
{
	for (int phase = 0; phase < PHASE_COUNT; phase++) {
		if (strcmp(phase_word((enum phase)phase), text) != 0)
			continue;
		for (int side = 0; side < 2; side++)
			parse->filter.queries[side].phase = phase;
		return STATUS_OK;
	}
	if (has_imported(parse))
		return take_imported_kind(parse, text);
	return error_set(parse->error, STATUS_USAGE, "there is no kind '%s'; kinds are compute, starved, backpressure, late_rank, …",
		text);
}

static int take_execution(struct parse *parse, const char *text)
{
	char *end;
	long long execution = strtoll(text, &end, 10);
	if (parse->session->sides[0].timeline->is_imported)
		return error_set(parse->error, STATUS_USAGE, "spans of an imported trace do not say of which iteration they are; . and , go to one");
	if (end == text || *end || execution < 0)
		return error_set(parse->error, STATUS_USAGE, "exec: takes the number of an execution, not '%s'", text);
	for (int side = 0; side < 2; side++)
		parse->filter.queries[side].execution = execution;
	return STATUS_OK;
}

static int take_duration(struct parse *parse, const char *text, bool is_least)
{
	int64_t ns;
	if (units_parse_duration(text, &ns) || (!is_least && ns == 0))
		return error_set(parse->error, STATUS_USAGE, "'%s' is no duration; write 10us, 1.5ms, 2s", text);
	for (int side = 0; side < 2; side++)
		*(is_least ? &parse->filter.queries[side].least_ns : &parse->filter.queries[side].most_ns) = ns;
	return STATUS_OK;
}

static int take_least(struct parse *parse, const char *text)
{
	return take_duration(parse, text, true);
}

static int take_most(struct parse *parse, const char *text)
{
	return take_duration(parse, text, false);
}

static const struct {
	const char *prefix;
	int (*take)(struct parse *parse, const char *text);
} words[] = {
	{ ">", take_least }, { "<", take_most }, { "kind:", take_kind }, { "exec:", take_execution },
	{ "lane:", take_lane }, { "cat:", take_category },
	{ "op:", take_op }, { "node:", take_name },
};

static int take_word(struct parse *parse, const char *word)
{
	if (strcmp(word, "failed") == 0) {
		for (int side = 0; side < 2; side++)
			parse->filter.queries[side].only_failed = true;
		return STATUS_OK;
	}
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		size_t length = strlen(words[i].prefix);
		if (strncmp(word, words[i].prefix, length) == 0)
			return word[length] ? words[i].take(parse, word + length)
				: error_set(parse->error, STATUS_USAGE, "'%s' wants something behind it", word);
	}
	return take_name(parse, word);
}

int session_filter_set(struct session *session, struct session_filter *filter, const char *text, struct error *error)
{
	struct parse parse = { .session = session, .error = error };
	char *copy = strdup(text);
	int status = copy ? STATUS_OK : error_set(error, STATUS_NO_MEMORY, "no memory for the filter");
	for (int side = 0; side < 2; side++)
		parse.filter.queries[side] = (struct timeline_query){ .phase = TIMELINE_NONE, .execution = TIMELINE_NONE };
	int n_words = 0;
	char *rest = NULL;
	for (char *word = copy ? strtok_r(copy, " \t", &rest) : NULL; word && status == STATUS_OK; word = strtok_r(NULL, " \t", &rest)) {
		status = take_word(&parse, word);
		n_words++;
	}
	free(copy);
	if (status == STATUS_OK && n_words && !(parse.filter.text = strdup(text)))
		status = error_set(error, STATUS_NO_MEMORY, "no memory for the filter");
	if (status != STATUS_OK) {
		session_filter_finish(&parse.filter);
		return status;
	}
	for (int side = 0; side < session->n_sides; side++) {
		parse.filter.timelines[side] = session->sides[side].timeline;
		parse.filter.queries[side].nodes = parse.filter.nodes[side];
		parse.filter.queries[side].lanes = parse.filter.lanes[side];
		parse.filter.queries[side].names = parse.filter.names[side];
		parse.filter.queries[side].categories = parse.filter.categories[side];
	}
	session_filter_finish(filter);
	*filter = parse.filter;
	return STATUS_OK;
}

const struct timeline_query *session_filter_query(const struct session_filter *filter, const struct timeline *timeline)
{
	for (int side = 0; filter && filter->text && side < 2; side++) {
		if (filter->timelines[side] == timeline)
			return &filter->queries[side];
	}
	return NULL;
}

bool session_filter_matches(const struct session_filter *filter, const struct timeline *timeline, const struct timeline_span *span)
{
	const struct timeline_query *query = session_filter_query(filter, timeline);
	if (!query)
		return true;
	return timeline_query_fits(query, span);
}

void session_search(struct session *session, int direction)
{
	struct timeline *timeline = session_timeline(session);
	const struct timeline_query *query = session_filter_query(&session->search, timeline);
	struct timeline_span span;
	struct error error = { 0 };
	bool is_found = false, has_turned = false;
	const struct session_selection *selection = &session->selection;
	if (!query) {
		session_status(session, "nothing is searched for; / begins a search");
		return;
	}
	int64_t from_ns = selection->has_span ? selection->span.start_ns : selection->time_ns;
	int status = timeline_search(timeline, query, from_ns, direction, session->interrupt, &span, &is_found, &error);
	if (status == STATUS_OK && !is_found) {
		has_turned = true;
		from_ns = direction > 0 ? timeline->origin_ns - 1 : timeline->end_ns + 1;
		status = timeline_search(timeline, query, from_ns, direction, session->interrupt, &span, &is_found, &error);
	}
	if (status == STATUS_STOPPED)
		session_status(session, "the search was stopped");
	else if (status != STATUS_OK)
		session_error(session, &error);
	else if (!is_found)
		session_status(session, "nothing matches '%s'", session->search.text);
	else
		session_select_span(session, selection->side, &span);
	if (status == STATUS_OK && is_found && has_turned)
		session_status(session, "the search went on at the %s", direction > 0 ? "beginning" : "end");
}
