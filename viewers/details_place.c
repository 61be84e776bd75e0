/* SPDX-License-Identifier: Apache-2.0
 *
 * details_place: what is known where no span is selected: of a channel, or of a moment at which nothing was recorded.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "engine/base/units.h"
#include "viewers/axis.h"
#include "viewers/details_private.h"
#include "viewers/lanes.h"

static void add_ends(const struct timeline *timeline, int lane, struct details *details)
{
	char name[LANES_NAME_BYTES];
	const struct timeline_lane *channel = &timeline->lanes[lane];
	if (channel->writer >= 0 && channel->writer < timeline->n_nodes)
		details_add(details, DETAILS_INPUTS, "written by %s", timeline->nodes[channel->writer].name);
	for (int i = 0; i < timeline->n_edges; i++) {
		const struct timeline_edge *edge = &timeline->edges[i];
		if (edge->channel != lane)
			continue;
		int reader = timeline->nodes[edge->dst].lane;
		lanes_arrow(edge->name, name, sizeof(name));
		details_add(details, DETAILS_OUTPUTS, "%s, read on %s", name, reader == TIMELINE_NONE ? "no lane" : timeline->lanes[reader].name);
	}
}

/* The column under the cursor. */
static int add_fill(struct session *session, int lane, struct details *details, struct error *error)
{
	struct timeline *timeline = session_timeline(session);
	const struct session_window *window = session_window(session);
	int64_t cell_ns = timeline_scale_ns(window->scale), at_ns = session->selection.time_ns - window->from_ns;
	struct timeline_cell cell;
	char from[32];
	int64_t from_ns = window->from_ns + (at_ns >= 0 ? at_ns / cell_ns * cell_ns : 0);
	int status = timeline_cells(timeline, lane, window->scale, from_ns, 1, &cell, error);
	if (status != STATUS_OK)
		return status;
	details_add(details, DETAILS_WHEN, "column from %s", details_time(session, from_ns, from, sizeof(from)));
	if (isnan(cell.fill_mean))
		details_add(details, DETAILS_LONG, "nothing recorded here");
	else
		details_add(details, DETAILS_LONG, "%.3g of %" PRId64 " slots held on average, at most %" PRId64, cell.fill_mean,
			timeline->lanes[lane].depth, cell.fill_max);
	return STATUS_OK;
}

int details_of_channel(struct session *session, int lane, struct details *details, struct error *error)
{
	const struct timeline *timeline = session_timeline(session);
	const struct timeline_lane *channel = &timeline->lanes[lane];
	char name[LANES_NAME_BYTES], bytes[32];
	lanes_arrow(channel->name, name, sizeof(name));
	details_add(details, DETAILS_WHAT, "channel %s", name);
	details_add(details, DETAILS_WHERE, "%s, %" PRId64 " slots of %s", channel->transport ? channel->transport : "?", channel->depth,
		units_bytes((uint64_t)channel->payload_bytes, bytes, sizeof(bytes)));
	int status = add_fill(session, lane, details, error);
	add_ends(timeline, lane, details);
	return status;
}

int details_of_nothing(struct session *session, struct details *details, struct error *error)
{
	struct timeline *timeline = session_timeline(session);
	const struct session_selection *selection = &session->selection;
	const struct timeline_lane *lane = selection->lane == TIMELINE_NONE ? NULL : &timeline->lanes[selection->lane];
	char at[32], from[32], until[32];
	(void)error;
	details_time(session, selection->time_ns, at, sizeof(at));
	if (!lane) {
		details_add(details, DETAILS_WHAT, "nothing is selected");
		return STATUS_OK;
	}
	details_add(details, DETAILS_WHAT, "nothing recorded at %s", at);
	details_add(details, DETAILS_WHERE, "%s%s%s", lane->name, lane->device ? " " : "", lane->device ? lane->device : "");
	if (lane->first_ns > lane->last_ns)
		details_add(details, DETAILS_LONG, "nothing was recorded on this lane");
	else
		details_add(details, DETAILS_LONG, "this lane has records from %s to %s",
			axis_format(lane->first_ns - timeline->origin_ns, 1000, from, sizeof(from)),
			axis_format(lane->last_ns - timeline->origin_ns, 1000, until, sizeof(until)));
	if (lane->n_lost)
		details_add(details, DETAILS_WAITED, "✗ %" PRId64 " records of this lane were lost; when is not known", lane->n_lost);
	return STATUS_OK;
}
