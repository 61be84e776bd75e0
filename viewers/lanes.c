/* SPDX-License-Identifier: Apache-2.0
 *
 * lanes: groups, their order, and the rows that result.
 */
#include "viewers/lanes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_in(const struct lanes_group *group, const struct timeline_lane *lane)
{
	if (group->kind != lane->kind)
		return false;
	return lane->kind != TIMELINE_DEVICE || group->worker == lane->worker
		|| (group->worker && lane->worker && strcmp(group->worker, lane->worker) == 0);
}

static int group_of(struct lanes *lanes, const struct timeline_lane *lane)
{
	int i = 0;
	while (i < lanes->n_groups && !is_in(&lanes->groups[i], lane))
		i++;
	if (i == lanes->n_groups)
		lanes->groups[lanes->n_groups++] = (struct lanes_group){ .kind = lane->kind,
			.worker = lane->kind == TIMELINE_DEVICE ? lane->worker : NULL };
	lanes->groups[i].n_lanes++;
	return i;
}

static void build(struct lanes *lanes)
{
	int last = -1;
	lanes->n_rows = 0;
	for (int i = 0; i < lanes->timeline->n_lanes; i++) {
		int lane = lanes->order[i], group = lanes->groups_of[lane];
		bool is_folded = lanes->groups[group].is_folded;
		if (!is_folded || group != last)
			lanes->rows[lanes->n_rows++] = (struct lanes_row){ lane, group, is_folded };
		last = group;
	}
}

int lanes_init(struct lanes *lanes, const struct timeline *timeline, struct error *error)
{
	size_t n = (size_t)timeline->n_lanes + 1;
	int at = 0;
	*lanes = (struct lanes){ .timeline = timeline };
	lanes->order = calloc(n, sizeof(*lanes->order));
	lanes->groups_of = calloc(n, sizeof(*lanes->groups_of));
	lanes->groups = calloc(n, sizeof(*lanes->groups));
	lanes->rows = calloc(n, sizeof(*lanes->rows));
	if (!lanes->order || !lanes->groups_of || !lanes->groups || !lanes->rows) {
		lanes_finish(lanes);
		return error_set(error, STATUS_NO_MEMORY, "no memory for the list of lanes");
	}
	for (int i = 0; i < timeline->n_lanes; i++)
		lanes->groups_of[i] = group_of(lanes, &timeline->lanes[i]);
	for (int group = 0; group < lanes->n_groups; group++) {
		for (int i = 0; i < timeline->n_lanes; i++) {
			if (lanes->groups_of[i] == group)
				lanes->order[at++] = i;
		}
	}
	build(lanes);
	return STATUS_OK;
}

void lanes_finish(struct lanes *lanes)
{
	free(lanes->order);
	free(lanes->groups_of);
	free(lanes->groups);
	free(lanes->rows);
	*lanes = (struct lanes){ 0 };
}

int lanes_find(const struct lanes *lanes, int lane)
{
	for (int i = 0; i < lanes->n_rows && lane >= 0 && lane < lanes->timeline->n_lanes; i++) {
		if (lanes->rows[i].lane == lane || (lanes->rows[i].is_folded && lanes->rows[i].group == lanes->groups_of[lane]))
			return i;
	}
	return 0;
}

void lanes_fold(struct lanes *lanes, int row)
{
	struct lanes_group *group = &lanes->groups[lanes->rows[row].group];
	group->is_folded = !group->is_folded;
	build(lanes);
}

bool lanes_move(struct lanes *lanes, int row, int direction)
{
	int other = row + direction, i = 0;
	if (other < 0 || other >= lanes->n_rows || lanes->rows[row].is_folded || lanes->rows[row].group != lanes->rows[other].group)
		return false;
	while (lanes->order[i] != lanes->rows[row].lane)
		i++;
	lanes->order[i] = lanes->rows[other].lane;
	lanes->order[i + direction] = lanes->rows[row].lane;
	build(lanes);
	return true;
}

static int height_of(const int *heights, int row)
{
	return heights ? heights[row] : 1;
}

void lanes_scroll(struct lanes *lanes, int row, int n_rows, const int *heights)
{
	int used = 0, first = row;
	if (lanes->top > row)
		lanes->top = row;
	while (first >= 0 && used + height_of(heights, first) <= n_rows)
		used += height_of(heights, first--);
	if (lanes->top <= first)
		lanes->top = first + 1 <= row ? first + 1 : row;
	used = 0; /* no empty rows below while there are lanes above */
	for (int i = lanes->top; i < lanes->n_rows; i++)
		used += height_of(heights, i);
	while (lanes->top > 0 && used + height_of(heights, lanes->top - 1) <= n_rows)
		used += height_of(heights, --lanes->top);
}

void lanes_arrow(const char *name, char *text, size_t size)
{
	const char *arrow = strstr(name, "->");
	if (arrow)
		snprintf(text, size, "%.*s→%s", (int)(arrow - name), name, arrow + 2);
	else
		snprintf(text, size, "%s", name);
}

void lanes_name(const struct lanes *lanes, int row, char *text, size_t size)
{
	static const char *const words[] = { [TIMELINE_HOST] = "host", [TIMELINE_DEVICE] = "stream", [TIMELINE_CHANNEL] = "channel" };
	const struct lanes_row *of = &lanes->rows[row];
	const struct lanes_group *group = &lanes->groups[of->group];
	if (of->is_folded)
		snprintf(text, size, "%d %s%s", group->n_lanes, words[group->kind], group->n_lanes == 1 ? "" : "s");
	else
		lanes_arrow(lanes->timeline->lanes[of->lane].name, text, size);
}
