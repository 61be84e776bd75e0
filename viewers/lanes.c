/* SPDX-License-Identifier: Apache-2.0
 *
 * lanes: groups, their order, and the rows that result.
 */
#include "viewers/lanes.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_in(const struct lanes_group *group, const struct timeline_lane *lane)
{
	if (lane->track != TIMELINE_NONE)
		return group->track == lane->track;
	if (group->kind != lane->kind)
		return false;
	return lane->kind != TIMELINE_DEVICE || group->worker == lane->worker
		|| (group->worker && lane->worker && strcmp(group->worker, lane->worker) == 0);
}

static int group_of(struct lanes *lanes, const struct timeline_lane *lane)
{
	int i = lane->track != TIMELINE_NONE && lanes->n_groups ? lanes->n_groups - 1 : 0; /* a track's lanes come one after the other */
	while (i < lanes->n_groups && !is_in(&lanes->groups[i], lane))
		i++;
	if (i == lanes->n_groups)
		lanes->groups[lanes->n_groups++] = (struct lanes_group){ .kind = lane->kind, .process = lane->process, .track = lane->track,
			.worker = lane->kind == TIMELINE_DEVICE ? lane->worker : NULL };
	lanes->groups[i].n_lanes++;
	return i;
}

static bool is_process_folded(const struct lanes *lanes, int group)
{
	int process = lanes->groups[group].process;
	return process != TIMELINE_NONE && lanes->processes[process];
}

/* Adds a row for a lane, unless the row before stands for it. */
static void add_lane(struct lanes *lanes, int lane)
{
	int group = lanes->groups_of[lane];
	struct lanes_row *before = lanes->n_rows ? &lanes->rows[lanes->n_rows - 1] : NULL;
	const struct lanes_group *of = &lanes->groups[group];
	bool is_process = is_process_folded(lanes, group), is_track = of->track != TIMELINE_NONE;
	if (before && is_process && before->is_process && lanes->groups[before->group].process == of->process)
		return;
	if (before && !is_process && of->is_folded && before->group == group) {
		before->n_hidden += is_track;
		return;
	}
	lanes->rows[lanes->n_rows++] = (struct lanes_row){ .lane = lane, .group = group, .is_process = is_process,
		.is_folded = is_process || (of->is_folded && !is_track) };
}

static void build(struct lanes *lanes)
{
	lanes->n_rows = 0;
	for (int i = 0; i < lanes->timeline->n_lanes; i++)
		add_lane(lanes, lanes->order[i]);
}

/* A process with a stream, or a thread that has a number. */
static bool is_real(const struct timeline_lane *lane)
{
	return lane->track == TIMELINE_NONE || lane->is_stream || lane->number >= 0;
}

static void find_processes(struct lanes *lanes)
{
	const struct timeline *timeline = lanes->timeline;
	for (int i = 0; i < timeline->n_processes; i++)
		lanes->processes[i] = true;
	for (int i = 0; i < timeline->n_lanes; i++) {
		if (is_real(&timeline->lanes[i]) && timeline->lanes[i].process != TIMELINE_NONE)
			lanes->processes[timeline->lanes[i].process] = false;
	}
}

static void put_in_order(struct lanes *lanes)
{
	int at = 0;
	for (int last = 0; last < 2; last++) {
		for (int i = 0; i < lanes->timeline->n_lanes && lanes->timeline->is_imported; i++) {
			if (is_process_folded(lanes, lanes->groups_of[i]) == (last == 1))
				lanes->order[at++] = i;
		}
	}
	for (int group = 0; group < lanes->n_groups && !lanes->timeline->is_imported; group++) {
		for (int i = 0; i < lanes->timeline->n_lanes; i++) {
			if (lanes->groups_of[i] == group)
				lanes->order[at++] = i;
		}
	}
}

int lanes_init(struct lanes *lanes, const struct timeline *timeline, struct error *error)
{
	size_t n = (size_t)timeline->n_lanes + 1;
	*lanes = (struct lanes){ .timeline = timeline };
	lanes->order = calloc(n, sizeof(*lanes->order));
	lanes->groups_of = calloc(n, sizeof(*lanes->groups_of));
	lanes->groups = calloc(n, sizeof(*lanes->groups));
	lanes->rows = calloc(n, sizeof(*lanes->rows));
	lanes->processes = calloc((size_t)timeline->n_processes + 1, sizeof(*lanes->processes));
	if (!lanes->order || !lanes->groups_of || !lanes->groups || !lanes->rows || !lanes->processes) {
		lanes_finish(lanes);
		return error_set(error, STATUS_NO_MEMORY, "no memory for the list of lanes");
	}
	for (int i = 0; i < timeline->n_lanes; i++)
		lanes->groups_of[i] = group_of(lanes, &timeline->lanes[i]);
	for (int i = 0; i < lanes->n_groups && timeline->is_imported; i++)
		lanes->groups[i].is_folded = timeline->n_lanes > LANES_UNFOLDED_MAX;
	find_processes(lanes);
	put_in_order(lanes);
	build(lanes);
	return STATUS_OK;
}

void lanes_finish(struct lanes *lanes)
{
	free(lanes->order);
	free(lanes->groups_of);
	free(lanes->groups);
	free(lanes->processes);
	free(lanes->rows);
	*lanes = (struct lanes){ 0 };
}

int lanes_find(const struct lanes *lanes, int lane)
{
	for (int i = 0; i < lanes->n_rows && lane >= 0 && lane < lanes->timeline->n_lanes; i++) {
		const struct lanes_row *row = &lanes->rows[i];
		bool is_hidden = (row->is_folded || row->n_hidden) && row->group == lanes->groups_of[lane];
		if (row->lane == lane || is_hidden
			|| (row->is_process && lanes->groups[row->group].process == lanes->timeline->lanes[lane].process))
			return i;
	}
	return 0;
}

void lanes_fold(struct lanes *lanes, int row)
{
	struct lanes_group *group = &lanes->groups[lanes->rows[row].group];
	if (lanes->rows[row].is_process)
		lanes->processes[group->process] = false;
	else
		group->is_folded = !group->is_folded;
	build(lanes);
}

bool lanes_fold_process(struct lanes *lanes, int row)
{
	int process = lanes->groups[lanes->rows[row].group].process;
	if (process == TIMELINE_NONE)
		return false;
	lanes->processes[process] = !lanes->processes[process];
	build(lanes);
	return true;
}

/* All fold when one is unfolded. */
bool lanes_fold_all(struct lanes *lanes)
{
	bool is_folded = true, has_any = false;
	for (int i = 0; i < lanes->n_groups; i++) {
		bool folds = lanes->groups[i].track != TIMELINE_NONE && lanes->groups[i].n_lanes > 1;
		has_any |= folds;
		is_folded &= !folds || lanes->groups[i].is_folded;
	}
	for (int i = 0; i < lanes->n_groups; i++) {
		if (lanes->groups[i].track != TIMELINE_NONE)
			lanes->groups[i].is_folded = !is_folded;
	}
	build(lanes);
	return has_any;
}

bool lanes_is_in(const struct lanes *lanes, int row, int lane)
{
	const struct lanes_row *of = &lanes->rows[row];
	const struct timeline *timeline = lanes->timeline;
	int process = lanes->groups[of->group].process;
	bool has_streams = false;
	if (!of->is_process)
		return lanes->groups_of[lane] == of->group;
	for (int i = of->lane; i < timeline->n_lanes && timeline->lanes[i].process == process && !has_streams; i++)
		has_streams = timeline->lanes[i].kind == TIMELINE_DEVICE;
	return timeline->lanes[lane].process == process && (has_streams ? timeline->lanes[lane].kind == TIMELINE_DEVICE
		: timeline->lanes[lane].nesting == 0);
}

bool lanes_move(struct lanes *lanes, int row, int direction)
{
	int other = row + direction, i = 0;
	if (other < 0 || other >= lanes->n_rows || lanes->timeline->is_imported || lanes->rows[row].is_folded ||
		lanes->rows[row].group != lanes->rows[other].group)
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

/* -- names of imported lanes --------------------------------------------------------------------------------------------------- */

/* "rank 3" as "r3", "process 145" as "p145". */
static int add_process(const struct lanes *lanes, int process, char *text, size_t size)
{
	const char *title = lanes->timeline->processes[process].title, *digits = strrchr(title, ' ');
	if (digits && (strncmp(title, "rank ", 5) == 0 || strncmp(title, "process ", 8) == 0))
		return snprintf(text, size, "%c%s ", title[0], digits + 1);
	return snprintf(text, size, "%s%s", title, *title ? " " : "");
}

/* Behind "thread 4711 " a name that may say the same again. */
static const char *thread_name(const char *text, int64_t number, char *again, size_t size)
{
	int n = snprintf(again, size, "%" PRId64 " ", number);
	static const char *const words[] = { "", "thread " };
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		size_t length = strlen(words[i]);
		if (strncmp(text, words[i], length) == 0 && strncmp(text + length, again, (size_t)n) == 0)
			text += length + (size_t)n;
	}
	return text;
}

static void name_thread(const struct timeline_lane *lane, const char *rest, char *text, size_t size)
{
	char number[32];
	rest += strncmp(rest, "thread ", 7) == 0 ? 7 : 0;
	const char *name = strchr(rest, ' ') ? thread_name(strchr(rest, ' ') + 1, lane->number, number, sizeof(number)) : "";
	int n_parens = name[0] == '(' && name[strlen(name) - 1] == ')';
	snprintf(number, sizeof(number), "t%" PRId64 "%s", lane->number, *name ? " " : "");
	snprintf(text, size, "%s%.*s", lane->number >= 0 ? number : "", (int)strlen(name) - 2 * n_parens, name + n_parens);
	if (!text[0])
		snprintf(text, size, "thread");
}

static void name_imported(const struct lanes *lanes, int row, char *text, size_t size)
{
	const struct lanes_row *of = &lanes->rows[row];
	const struct timeline_lane *lane = &lanes->timeline->lanes[of->lane];
	const char *title = lane->process == TIMELINE_NONE ? "" : lanes->timeline->processes[lane->process].title;
	const char *rest = lane->name, *stream;
	int n_lanes = 0, at = 0;
	if (of->is_process) {
		for (int i = 0; i < lanes->timeline->n_lanes; i++)
			n_lanes += lanes->timeline->lanes[i].process == lane->process;
		snprintf(text, size, "%s%s%d lane%s", title, *title ? ": " : "", n_lanes, n_lanes == 1 ? "" : "s");
		return;
	}
	if (lane->nesting > 0) {
		snprintf(text, size, "   +%d", lane->nesting);
		return;
	}
	bool is_first = row == 0 || lanes->rows[row - 1].group != of->group;
	if (!is_first && lane->is_stream && lane->kind == TIMELINE_THREAD) {
		snprintf(text, size, "   marks");
		return;
	}
	if (lanes->timeline->n_processes > 1 && lane->process != TIMELINE_NONE)
		at = add_process(lanes, lane->process, text, size);
	at = at < 0 || (size_t)at >= size ? 0 : at;
	rest += strncmp(rest, title, strlen(title)) == 0 ? strlen(title) : 0;
	rest += *rest == ' ';
	stream = lane->is_stream && !strstr(rest, " no stream") ? strstr(rest, " stream ") : NULL;
	if (stream)
		snprintf(text + at, size - (size_t)at, "%.*s s%s", (int)(stream - rest), rest, stream + strlen(" stream "));
	else if (lane->is_stream)
		snprintf(text + at, size - (size_t)at, "%s", rest);
	else
		name_thread(lane, rest, text + at, size - (size_t)at);
}

void lanes_name(const struct lanes *lanes, int row, char *text, size_t size)
{
	static const char *const words[] = { [TIMELINE_HOST] = "host", [TIMELINE_DEVICE] = "stream", [TIMELINE_THREAD] = "thread",
		[TIMELINE_CHANNEL] = "channel" };
	const struct lanes_row *of = &lanes->rows[row];
	const struct lanes_group *group = &lanes->groups[of->group];
	if (lanes->timeline->is_imported)
		name_imported(lanes, row, text, size);
	else if (of->is_folded)
		snprintf(text, size, "%d %s%s", group->n_lanes, words[group->kind], group->n_lanes == 1 ? "" : "s");
	else
		lanes_arrow(lanes->timeline->lanes[of->lane].name, text, size);
}
