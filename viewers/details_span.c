/* SPDX-License-Identifier: Apache-2.0
 *
 * details_span: what is known of an op or another span.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/attributes.h"
#include "engine/base/units.h"
#include "traces/timeline_path.h"
#include "viewers/axis.h"
#include "viewers/details_private.h"
#include "viewers/lanes.h"
#include "viewers/spans.h"
#include "viewers/waits.h"

#define LINKS_MAX 64

/* A wait by itself, as the view of stalls selects one. */
static bool is_wait(const struct timeline_span *span)
{
	return !span->is_op && span->kind == SPAN_KIND_WAIT && span->cause >= 0 && span->cause < PHASE_COUNT;
}

static void add_what(struct session *session, const struct timeline_span *span, struct details *details,
	const struct timeline_execution *execution)
{
	struct timeline *timeline = session_timeline(session);
	const struct timeline_node *node = span->node == TIMELINE_NONE ? NULL : &timeline->nodes[span->node];
	char name[LANES_NAME_BYTES];
	spans_name(timeline, span, name, sizeof(name));
	if (is_wait(span) && node)
		details_add(details, DETAILS_WHAT, "%s before %s", spans_phase_title((enum phase)span->cause), node->name);
	else if (node && node->op)
		details_add(details, DETAILS_WHAT, "%s (%s)", node->name, node->op);
	else
		details_add(details, DETAILS_WHAT, "%s", name);
	if (span->execution != TIMELINE_NONE)
		details_add(details, DETAILS_WHAT, "execution %" PRId64 "%s", span->execution, execution && execution->is_warmup ? " (warm-up)" : "");
	if (span->is_op && span->status != STATUS_OK)
		details_add(details, DETAILS_WHAT, "✗ %s%s%s", status_word(span->status), execution && execution->failure[0] ? ": " : "",
			execution ? execution->failure : "");
	if (node && node->params && *node->params && !is_wait(span))
		details_add(details, DETAILS_WHAT, "%s", node->params);
}

static void add_where(struct session *session, const struct timeline_span *span, struct details *details)
{
	const struct timeline *timeline = session_timeline(session);
	const struct timeline_lane *lane = &timeline->lanes[span->lane];
	const struct timeline_node *node = span->node == TIMELINE_NONE ? NULL : &timeline->nodes[span->node];
	details_add(details, DETAILS_WHERE, "%s%s%s", lane->name, lane->device ? " " : "", lane->device ? lane->device : "");
	if (node && node->collective && *node->collective)
		details_add(details, DETAILS_WHERE, "collective %s", node->collective);
	if (node && node->line)
		details_add(details, DETAILS_WHERE, "line %d of the graph", node->line);
}

/* The column under the cursor, where more than the span is in it. */
int details_add_when(struct session *session, const struct timeline_span *span, struct details *details, struct error *error)
{
	struct timeline *timeline = session_timeline(session);
	const struct session_window *window = session_window(session);
	int64_t cell_ns = timeline_scale_ns(window->scale), at_ns = session->selection.time_ns - window->from_ns;
	struct timeline_cell cell;
	char from[32], until[32], longest[32];
	details_add(details, DETAILS_WHEN, "%s … %s", axis_format(span->start_ns - timeline->origin_ns, 1, from, sizeof(from)),
		axis_format(span->start_ns + span->duration_ns - timeline->origin_ns, 1, until, sizeof(until)));
	if (at_ns < 0 || at_ns / cell_ns >= window->n_cells)
		return STATUS_OK;
	int status = timeline_cells(timeline, span->lane, window->scale, window->from_ns + at_ns / cell_ns * cell_ns, 1, &cell, error);
	if (status == STATUS_OK && cell.n_spans > 1)
		details_add(details, DETAILS_WHEN, "%" PRId64 " spans begin in this column, the longest %s", cell.n_spans,
			units_duration(cell.longest_ns, longest, sizeof(longest)));
	return status;
}

static void add_long(const struct timeline_span *span, struct details *details)
{
	struct timeline_piece pieces[PHASE_COUNT];
	char text[32];
	int n = timeline_pieces(span, pieces);
	units_duration(span->duration_ns, text, sizeof(text));
	if (n == 1 && span->is_op)
		details_add(details, DETAILS_LONG, "%s, all of it %s", text, spans_phase_title(pieces[0].phase));
	else
		details_add(details, DETAILS_LONG, "%s", text);
	for (int i = 0; i < n && n > 1; i++)
		details_add(details, DETAILS_LONG, "%s %s", spans_phase_title(pieces[i].phase), units_duration(pieces[i].duration_ns, text,
			sizeof(text)));
}

/* -- waits --------------------------------------------------------------------------------------------------------------------- */

static int add_wait(struct session *session, const struct timeline_span *span, enum phase cause, int64_t ns, struct details *details,
	struct error *error)
{
	struct timeline *timeline = session_timeline(session);
	struct waits_target target;
	char whom[WAITS_TEXT_BYTES] = "", doing[WAITS_TEXT_BYTES] = "", edge[LANES_NAME_BYTES] = "", duration[32];
	bool has_found = false;
	int status = waits_find(timeline, span, cause, &target, &has_found, error);
	if (status == STATUS_OK && has_found && target.lane != TIMELINE_NONE)
		status = waits_describe_lane(timeline, target.lane, target.start_ns + target.duration_ns / 2, doing, sizeof(doing), error);
	if (status != STATUS_OK)
		return status;
	if (has_found)
		waits_describe(timeline, cause, &target, whom, sizeof(whom));
	if (has_found && target.edge != TIMELINE_NONE)
		lanes_arrow(timeline->edges[target.edge].name, edge, sizeof(edge));
	units_duration(ns, duration, sizeof(duration));
	if (cause == PHASE_LIMIT)
		details_add(details, DETAILS_WAITED, "%s at the limit of executions in flight", duration);
	else if (!whom[0])
		details_add(details, DETAILS_WAITED, "%s %s, for what was not recorded", spans_phase_title(cause), duration);
	else
		details_add(details, DETAILS_WAITED, "%s %s %s%s%s%s%s%s", duration, cause == PHASE_BACKPRESSURE ? "for a free slot of" : "for",
			edge, cause == PHASE_BACKPRESSURE ? ", held by " : edge[0] ? " from " : "", whom, doing[0] ? ", which was " : "", doing,
			target.n > 1 ? " (longest of several waits)" : "");
	return STATUS_OK;
}

static int add_waited(struct session *session, const struct timeline_span *span, struct details *details, struct error *error)
{
	int status = STATUS_OK;
	if (is_wait(span))
		status = add_wait(session, span, (enum phase)span->cause, span->duration_ns, details, error);
	for (int phase = 0; phase < PHASE_COUNT && status == STATUS_OK && !is_wait(span); phase++) {
		if (spans_is_stall((enum phase)phase) && span->phase_ns[phase] > 0)
			status = add_wait(session, span, (enum phase)phase, span->phase_ns[phase], details, error);
	}
	if (status == STATUS_OK && !details->n_parts[DETAILS_WAITED])
		details_add(details, DETAILS_WAITED, "for nothing");
	return status;
}

/* -- edges --------------------------------------------------------------------------------------------------------------------- */

static void add_payload(const struct timeline *timeline, const struct timeline_edge *edge, struct strbuf *part)
{
	char bytes[32];
	if (edge->channel == TIMELINE_NONE)
		return;
	const struct timeline_lane *channel = &timeline->lanes[edge->channel];
	const char *type = timeline->nodes[edge->src].outputs;
	strbuf_addf(part, "%s %s%s%s", !type || strstr(type, "<=") ? " up to" : "",
		units_bytes((uint64_t)channel->payload_bytes, bytes, sizeof(bytes)), channel->transport ? " " : "",
		channel->transport ? channel->transport : "");
}

static int add_inputs(struct session *session, const struct timeline_span *span, struct details *details, struct error *error)
{
	struct timeline *timeline = session_timeline(session);
	struct timeline_link links[LINKS_MAX];
	char name[LANES_NAME_BYTES];
	int n = 0, status = timeline_producers(timeline, span->node, span->execution, LINKS_MAX, links, &n, error);
	for (int i = 0; i < n && status == STATUS_OK; i++) {
		const struct timeline_edge *edge = &timeline->edges[links[i].edge];
		const char *type = timeline->nodes[edge->src].outputs;
		struct strbuf *part = details_part(details, DETAILS_INPUTS);
		if (!part)
			continue;
		lanes_arrow(edge->name, name, sizeof(name));
		strbuf_add(part, name);
		if (type && !strchr(type, ' '))
			strbuf_addf(part, " %s", type);
		add_payload(timeline, edge, part);
		if (links[i].is_last && n > 1)
			strbuf_add(part, " (came last)");
	}
	return status;
}

/* The types, and who reads them. */
static void add_outputs(struct session *session, const struct timeline_span *span, struct details *details)
{
	const struct timeline *timeline = session_timeline(session);
	const char *types = timeline->nodes[span->node].outputs;
	bool has_types = types && *types;
	for (int i = 0; i < timeline->n_edges; i++) {
		const struct timeline_edge *edge = &timeline->edges[i];
		if (edge->src != span->node || edge->is_peer)
			continue;
		struct strbuf *part = details_part(details, DETAILS_OUTPUTS);
		if (!part)
			continue;
		strbuf_addf(part, "%s%s→ %s", has_types ? types : "", has_types ? " " : "", timeline->nodes[edge->dst].name);
		has_types = false;
		if (edge->result)
			strbuf_addf(part, " as %s", edge->result);
		if (timeline->nodes[edge->dst].lane != TIMELINE_NONE)
			strbuf_addf(part, " on %s", timeline->lanes[timeline->nodes[edge->dst].lane].name);
	}
	if (has_types)
		details_add(details, DETAILS_OUTPUTS, "%s", types);
}

/* -- versus -------------------------------------------------------------------------------------------------------------------- */

static void add_delta(struct details *details, const char *title, int64_t ns)
{
	char text[32];
	details_add(details, DETAILS_VERSUS, "%s %s%s", title, ns >= 0 ? "+" : "", units_duration(ns, text, sizeof(text)));
}

/* The same op in the other run: this one's duration minus that one's, then by phase, the largest first. */
static int add_versus(struct session *session, const struct timeline_span *span, struct details *details, struct error *error)
{
	int side = session->selection.side, twin = session_twin_node(session, side, span->node);
	struct timeline_span other;
	bool has_found = false;
	char sign[32], text[32];
	if (session->n_sides < 2)
		return STATUS_OK;
	const char *label = session->sides[1 - side].label;
	int status = twin == TIMELINE_NONE ? STATUS_OK
		: timeline_op(session->sides[1 - side].timeline, twin, span->execution, &other, &has_found, error);
	if (status != STATUS_OK)
		return status;
	if (!has_found) {
		details_add(details, DETAILS_VERSUS, "%s: %s", label, twin == TIMELINE_NONE ? "has no such node" : "not recorded there");
		return STATUS_OK;
	}
	int64_t delta_ns = span->duration_ns - other.duration_ns;
	details_add(details, DETAILS_VERSUS, "%s %s%s", label, delta_ns >= 0 ? "+" : "", units_duration(delta_ns, sign, sizeof(sign)));
	details_add(details, DETAILS_VERSUS, "there %s", units_duration(other.duration_ns, text, sizeof(text)));
	bool is_told[PHASE_COUNT] = { false };
	for (int n = 0; n < PHASE_COUNT; n++) {
		int most = TIMELINE_NONE;
		for (int i = 0; i < PHASE_COUNT; i++) {
			int64_t ns = llabs(span->phase_ns[i] - other.phase_ns[i]);
			if (!is_told[i] && ns > 0 && (most == TIMELINE_NONE || ns > llabs(span->phase_ns[most] - other.phase_ns[most])))
				most = i;
		}
		if (most == TIMELINE_NONE)
			break;
		is_told[most] = true;
		add_delta(details, spans_phase_title((enum phase)most), span->phase_ns[most] - other.phase_ns[most]);
	}
	return STATUS_OK;
}

int details_of_span(struct session *session, const struct timeline_span *span, struct details *details, struct error *error)
{
	struct timeline_execution execution;
	bool has_execution = false;
	int status = STATUS_OK;
	if (span->execution != TIMELINE_NONE)
		status = timeline_execution(session_timeline(session), span->execution, &execution, &has_execution, error);
	if (status != STATUS_OK)
		return status;
	add_what(session, span, details, has_execution ? &execution : NULL);
	add_where(session, span, details);
	status = details_add_when(session, span, details, error);
	add_long(span, details);
	if (status == STATUS_OK)
		status = add_waited(session, span, details, error);
	details->is_short = !span->is_op;
	if (status != STATUS_OK || span->node == TIMELINE_NONE || !span->is_op)
		return status;
	status = add_inputs(session, span, details, error);
	add_outputs(session, span, details);
	return status == STATUS_OK ? add_versus(session, span, details, error) : status;
}
