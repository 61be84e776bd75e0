/* SPDX-License-Identifier: Apache-2.0
 *
 * details_imported: what is known of a span of an imported trace.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/attributes.h"
#include "engine/base/units.h"
#include "traces/timeline_import.h"
#include "viewers/details_private.h"
#include "viewers/kernel_name.h"
#include "viewers/spans.h"

#define ENCLOSING_MAX 8  /* names in a row */
#define ARGS_MAX 20

static void add_what(struct timeline *timeline, const struct timeline_span *span, struct details *details)
{
	char name[KERNEL_NAME_BYTES];
	struct timeline_piece piece[PHASE_COUNT];
	timeline_pieces(span, piece);
	const char *title = spans_title_in(timeline, piece[0].phase);
	spans_name(timeline, span, name, sizeof(name));
	details_add(details, DETAILS_WHAT, "%s", name);
	details_add(details, DETAILS_WHAT, "%s", span->kind == SPAN_KIND_GRAPH ? "graph as a whole" : title);
	const char *category = timeline_text(timeline, span->category);
	if (*category && strcmp(category, title) != 0 && timeline_whole_name(timeline, span) != span->category)
		category = timeline_text(timeline, span->category);
	else
		category = "";
	if (*category)
		details_add(details, DETAILS_WHAT, "category %s", category);
}

static void add_where(const struct timeline *timeline, const struct timeline_span *span, const struct timeline_facts *facts,
	struct details *details)
{
	details_add(details, DETAILS_WHERE, "%s", timeline->lanes[span->lane].name);
	if (facts->context != TIMELINE_UNKNOWN)
		details_add(details, DETAILS_WHERE, "context %" PRId64, facts->context);
}

/* Bytes a nanosecond are gigabytes a second. */
static void add_long(const struct timeline_span *span, struct details *details)
{
	char text[32], bytes[32];
	details_add(details, DETAILS_LONG, "%s", units_duration(span->duration_ns, text, sizeof(text)));
	if (span->bytes < 0)
		return;
	units_bytes((uint64_t)span->bytes, bytes, sizeof(bytes));
	if (span->duration_ns > 0)
		details_add(details, DETAILS_LONG, "%s at %.3g GB/s", bytes, (double)span->bytes / (double)span->duration_ns);
	else
		details_add(details, DETAILS_LONG, "%s", bytes);
}

/* -- launch -------------------------------------------------------------------------------------------------------------------- */

static void add_delay(const struct timeline_span *call, const struct timeline_span *work, const char *who, struct details *details)
{
	char since[32], after[32];
	int64_t end_ns = call->start_ns + call->duration_ns;
	units_duration(work->start_ns - call->start_ns, since, sizeof(since));
	units_duration(work->start_ns - end_ns, after, sizeof(after));
	if (work->start_ns >= end_ns)
		details_add(details, DETAILS_WAITED, "%s: work %s after the call began, %s after it returned", who, since, after);
	else
		details_add(details, DETAILS_WAITED, "%s: work %s after the call began, before it returned", who, since);
}

static int add_launch(struct timeline *timeline, const struct timeline_span *span, const struct timeline_facts *facts, struct details *details,
	struct error *error)
{
	struct timeline_span other;
	bool has_found = false, is_work = timeline_is_work(span);
	char name[KERNEL_NAME_BYTES], who[KERNEL_NAME_BYTES + 4];
	int status = timeline_linked(timeline, span, &other, &has_found, error);
	if (status != STATUS_OK)
		return status;
	if (!has_found) {
		if (is_work)
			details_add(details, DETAILS_WAITED, facts->correlation == TIMELINE_UNKNOWN ? "nothing says which call launched it"
				: "the call that launched it was not recorded");
		return STATUS_OK;
	}
	spans_name(timeline, &other, name, sizeof(name));
	snprintf(who, sizeof(who), is_work ? "by %s" : "of %s", name);
	add_delay(is_work ? &other : span, is_work ? span : &other, who, details);
	details_add(details, DETAILS_WAITED, "on %s", timeline->lanes[other.lane].name);
	return STATUS_OK;
}

static int add_enclosing(struct timeline *timeline, const struct timeline_span *span, struct details *details, struct error *error)
{
	struct timeline_span spans[ENCLOSING_MAX];
	struct strbuf text = STRBUF_INIT;
	char name[KERNEL_NAME_BYTES];
	int n = 0, status = timeline_enclosing(timeline, span, ENCLOSING_MAX, spans, &n, error);
	for (int i = 0; i < n && status == STATUS_OK; i++) {
		spans_name(timeline, &spans[i], name, sizeof(name));
		strbuf_addf(&text, "%s%s", i ? " › " : timeline->lanes[spans[0].lane].nesting ? "… › " : "", name);
	}
	if (text.length)
		details_add(details, DETAILS_INPUTS, "%s", strbuf_text(&text));
	strbuf_finish(&text);
	return status;
}

/* -- facts --------------------------------------------------------------------------------------------------------------------- */

static void add_number(struct details *details, const char *what, int64_t number)
{
	if (number != TIMELINE_UNKNOWN)
		details_add(details, DETAILS_OUTPUTS, "%s %" PRId64, what, number);
}

static void add_size(struct details *details, const char *what, const int64_t size[3])
{
	if (size[0] != TIMELINE_UNKNOWN)
		details_add(details, DETAILS_OUTPUTS, "%s %" PRId64 "×%" PRId64 "×%" PRId64, what, size[0], size[1] == TIMELINE_UNKNOWN ? 1 : size[1],
			size[2] == TIMELINE_UNKNOWN ? 1 : size[2]);
}

static int add_facts(struct timeline *timeline, const struct timeline_span *span, const struct timeline_facts *facts, struct details *details,
	struct error *error)
{
	struct timeline_arg args[ARGS_MAX];
	int n = 0, status = timeline_args(timeline, span, ARGS_MAX, args, &n, error);
	add_size(details, "grid", facts->grid);
	add_size(details, "block", facts->block);
	if (facts->copy_kind)
		details_add(details, DETAILS_OUTPUTS, "%s", timeline_text(timeline, facts->copy_kind));
	add_number(details, "correlation", facts->correlation);
	add_number(details, "external id", facts->external);
	add_number(details, "graph", facts->graph);
	add_number(details, "graph node", facts->graph_node);
	for (int i = 0; i < n; i++) {
		struct strbuf *part = details_part(details, DETAILS_OUTPUTS);
		if (part)
			strbuf_addf(part, "%.60s ", timeline_text(timeline, args[i].name));
		if (part)
			strbuf_addf(part, "%.400s", timeline_text(timeline, args[i].value));
	}
	return status;
}

/* Where the short name left something out. */
static void add_name(struct timeline *timeline, const struct timeline_span *span, struct details *details)
{
	char name[KERNEL_NAME_BYTES];
	spans_name(timeline, span, name, sizeof(name));
	const char *whole = timeline_text(timeline, timeline_whole_name(timeline, span));
	if (*whole && strcmp(whole, name) != 0) {
		struct strbuf *part = details_part(details, DETAILS_VERSUS);
		strbuf_add(part, whole);
	}
}

int details_of_imported(struct session *session, const struct timeline_span *span, struct details *details, struct error *error)
{
	struct timeline *timeline = session_timeline(session);
	struct timeline_facts facts;
	int status = timeline_facts(timeline, span, &facts, error);
	if (status != STATUS_OK)
		return status;
	details->is_imported = details->is_short = true;
	add_what(timeline, span, details);
	add_where(timeline, span, &facts, details);
	status = details_add_when(session, span, details, error);
	add_long(span, details);
	if (status == STATUS_OK)
		status = add_launch(timeline, span, &facts, details, error);
	if (status == STATUS_OK)
		status = add_enclosing(timeline, span, details, error);
	if (status == STATUS_OK)
		status = add_facts(timeline, span, &facts, details, error);
	add_name(timeline, span, details);
	return status;
}
