/* SPDX-License-Identifier: Apache-2.0
 *
 * view_graph_details: the selected node or edge in words: what, where, how long, waited for what, inputs, outputs.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/strbuf.h"
#include "engine/base/units.h"
#include "traces/db.h"
#include "viewers/live.h"
#include "viewers/spans.h"
#include "viewers/view_graph_private.h"

#define LABEL_CELLS 9
#define WAITS_SPANS_MAX 1000000 /* a run with more is not looked through for the waits of one edge */

struct rows {
	struct pane pane;
	int y;
};

static void put_row(struct rows *rows, const char *label, struct look look, struct strbuf *text)
{
	if (rows->y < rows->pane.height && text->length) {
		pane_text(rows->pane, 1, rows->y, LOOK(DIM), label);
		pane_field(rows->pane, 1 + LABEL_CELLS, rows->y, rows->pane.width - LABEL_CELLS - 2, PANE_LEFT, look, strbuf_text(text));
		rows->y++;
	}
	strbuf_clear(text);
}

static const char *lane_name(const struct timeline *timeline, int lane)
{
	return lane >= 0 && lane < timeline->n_lanes ? timeline->lanes[lane].name : "?";
}

/* -- edges -------------------------------------------------------------------------------------------------------------------- */

static void add_channel(const struct timeline *timeline, int i, struct strbuf *out)
{
	char bytes[32];
	if (timeline->edges[i].channel == TIMELINE_NONE)
		return;
	const struct timeline_lane *channel = &timeline->lanes[timeline->edges[i].channel];
	strbuf_addf(out, "%s, %s, %" PRId64 " slot%s", units_bytes((uint64_t)channel->payload_bytes, bytes, sizeof(bytes)),
		channel->transport ? channel->transport : "?", channel->depth, channel->depth == 1 ? "" : "s");
}

static int read_waits(struct view_graph *graph, const struct timeline *timeline, int edge, struct error *error)
{
	struct graph_waits *waits = &graph->waits;
	struct db_stmt *stmt = NULL;
	bool has_row = false;
	if (waits->edge == edge && waits->n_spans == timeline->n_spans)
		return STATUS_OK;
	*waits = (struct graph_waits){ .edge = edge, .n_spans = timeline->n_spans, .is_known = timeline->n_spans <= WAITS_SPANS_MAX };
	if (!waits->is_known)
		return STATUS_OK;
	int status = db_prepare(timeline->trace->db, "SELECT cause, count(*), sum(duration_ns) FROM span WHERE run = ? AND edge = ? AND kind = ?"
		" GROUP BY cause", NULL, error, &stmt);
	if (status == STATUS_OK) {
		db_bind_int(stmt, 1, timeline->run);
		db_bind_int(stmt, 2, timeline->edges[edge].id);
		db_bind_int(stmt, 3, SPAN_KIND_WAIT);
	}
	while (status == STATUS_OK && (status = db_step(stmt, &has_row, error)) == STATUS_OK && has_row) {
		int64_t cause = db_column_int(stmt, 0);
		if (cause >= 0 && cause < PHASE_COUNT) {
			waits->n[cause] = db_column_int(stmt, 1);
			waits->ns[cause] = db_column_int(stmt, 2);
		}
	}
	db_finish(stmt);
	return status;
}

static int edge_details(struct view_graph *graph, const struct timeline *timeline, int i, struct rows *rows, struct error *error)
{
	const struct timeline_edge *edge = &timeline->edges[i];
	const struct timeline_node *src = &timeline->nodes[edge->src], *dst = &timeline->nodes[edge->dst];
	struct strbuf text = STRBUF_INIT;
	struct look strong = LOOK(NONE);
	char duration[32];
	strong.attributes = LOOK_BOLD;
	strbuf_addf(&text, "edge %s", edge->name);
	if (graph->is_control[i])
		strbuf_add(&text, "  control: order without data");
	if (edge->is_peer)
		strbuf_addf(&text, "  read by another rank of %s", dst->collective ? dst->collective : "its collective");
	if (edge->result)
		strbuf_addf(&text, "  result %s", edge->result);
	put_row(rows, "what", strong, &text);
	strbuf_addf(&text, "%s on %s → %s on %s", src->name, lane_name(timeline, src->lane), dst->name, lane_name(timeline, dst->lane));
	put_row(rows, "where", LOOK(NONE), &text);
	int status = read_waits(graph, timeline, i, error);
	for (int cause = 0; cause < PHASE_COUNT && status == STATUS_OK; cause++) {
		if (graph->waits.n[cause])
			strbuf_addf(&text, "%s%s %s in %" PRId64 " wait%s", text.length ? ", " : "", spans_phase_title((enum phase)cause),
				units_duration(graph->waits.ns[cause], duration, sizeof(duration)), graph->waits.n[cause],
				graph->waits.n[cause] == 1 ? "" : "s");
	}
	if (!text.length)
		strbuf_add(&text, graph->waits.is_known ? "no wait of more than a µs recorded on it"
			: "too many spans to look through: see stalls (s)");
	put_row(rows, "waited", LOOK(NONE), &text);
	add_channel(timeline, i, &text);
	if (!text.length)
		strbuf_add(&text, "nothing moves: order within one worker, or objects of the interpreted mode");
	put_row(rows, "slots", LOOK(NONE), &text);
	if (src->outputs)
		strbuf_addf(&text, "%s gives %s", src->name, src->outputs);
	put_row(rows, "outputs", LOOK(NONE), &text);
	strbuf_finish(&text);
	return status;
}

/* -- nodes -------------------------------------------------------------------------------------------------------------------- */

static void add_edges(const struct timeline *timeline, int node, bool is_input, struct strbuf *out)
{
	for (int i = 0; i < timeline->n_edges; i++) {
		const struct timeline_edge *edge = &timeline->edges[i];
		if ((is_input ? edge->dst : edge->src) != node || edge->is_peer)
			continue;
		struct strbuf channel = STRBUF_INIT;
		add_channel(timeline, i, &channel);
		strbuf_addf(out, "%s%s%s%s%s", out->length ? "   " : "", edge->name, channel.length ? " (" : "", strbuf_text(&channel),
			channel.length ? ")" : "");
		strbuf_finish(&channel);
	}
}

static void add_times(const struct node_time *time, struct strbuf *out)
{
	char duration[32];
	if (!time->n) {
		strbuf_add(out, "not recorded");
		return;
	}
	strbuf_addf(out, "%s work, mean of %" PRId64, units_duration(node_time_work_ns(time), duration, sizeof(duration)), time->n);
	for (int phase = 0; phase < PHASE_COUNT; phase++) {
		int64_t ns = node_time_mean_ns(time, (enum phase)phase);
		if (ns > 0 && phase != PHASE_COMPUTE && phase != PHASE_COLLECTIVE && !spans_is_stall((enum phase)phase))
			strbuf_addf(out, ", %s %s", spans_phase_title((enum phase)phase), units_duration(ns, duration, sizeof(duration)));
	}
}

static void add_waits(const struct session *session, const struct timeline *timeline, int node, const struct node_time *time, struct strbuf *out)
{
	char duration[32], state[300];
	struct live_worker worker;
	if (session->live && session->selection.side == 0 && live_at_node(session->live, node, &worker)) {
		live_describe(timeline, &worker, state, sizeof(state));
		strbuf_addf(out, "now: %s", state);
	}
	for (int phase = 0; phase < PHASE_COUNT; phase++) {
		int64_t ns = node_time_mean_ns(time, (enum phase)phase);
		if (ns > 0 && spans_is_stall((enum phase)phase))
			strbuf_addf(out, "%s%s %s", out->length ? ", " : "", spans_phase_title((enum phase)phase),
				units_duration(ns, duration, sizeof(duration)));
	}
	if (time->n && !out->length)
		strbuf_add(out, "nothing");
}

static void node_details(struct view_graph *graph, const struct session *session, int i, struct rows *rows)
{
	const struct timeline *timeline = session_timeline(session);
	const struct timeline_node *node = &timeline->nodes[i];
	const struct node_time *time = &graph->times.nodes[i];
	struct strbuf text = STRBUF_INIT;
	struct look strong = LOOK(NONE);
	strong.attributes = LOOK_BOLD;
	strbuf_addf(&text, "%s", node->name);
	if (node->op)
		strbuf_addf(&text, "  op %s", node->op);
	if (node->params && *node->params)
		strbuf_addf(&text, "  %s", node->params);
	if (node->collective)
		strbuf_addf(&text, "  a rank of collective %s", node->collective);
	put_row(rows, "what", strong, &text);
	strbuf_addf(&text, "on %s", lane_name(timeline, node->lane));
	if (node->lane >= 0 && timeline->lanes[node->lane].device)
		strbuf_addf(&text, " %s", timeline->lanes[node->lane].device);
	if (node->line)
		strbuf_addf(&text, ", line %d of the graph", node->line);
	put_row(rows, "where", LOOK(NONE), &text);
	if (node->op) {
		add_times(time, &text);
		put_row(rows, "how long", LOOK(NONE), &text);
		add_waits(session, timeline, i, time, &text);
		put_row(rows, "waited", LOOK(NONE), &text);
	}
	add_edges(timeline, i, true, &text);
	put_row(rows, "inputs", LOOK(NONE), &text);
	if (node->outputs)
		strbuf_add(&text, node->outputs);
	put_row(rows, "outputs", LOOK(NONE), &text);
	add_edges(timeline, i, false, &text);
	put_row(rows, "to", LOOK(NONE), &text);
	strbuf_finish(&text);
}

int view_graph_details(struct view_graph *graph, struct session *session, struct pane pane, struct error *error)
{
	const struct timeline *timeline = session_timeline(session);
	const struct session_selection *selection = &session->selection;
	struct rows rows = { .pane = pane };
	if (selection->edge >= 0 && selection->edge < timeline->n_edges)
		return edge_details(graph, timeline, selection->edge, &rows, error);
	if (selection->node >= 0 && selection->node < timeline->n_nodes) {
		node_details(graph, session, selection->node, &rows);
		return STATUS_OK;
	}
	pane_textf(pane, 1, 0, LOOK(DIM), "%d nodes and %d edges over %d layers; arrows select one", timeline->n_nodes, timeline->n_edges,
		graph->layers.n_layers);
	return STATUS_OK;
}
