/* SPDX-License-Identifier: Apache-2.0
 *
 * lanes: which lanes of a timeline are shown, in which order: groups that fold (workers, the devices of one, channels) and rows that scroll.
 *
 * Of an imported trace a group is a thread with what nests on it, or a stream with its marks; folded it shows its first lane alone. A process folds
 * as a whole into one row. Processes that are none (a profiler's own records) come last, folded.
 */
#ifndef TANDEM_VIEWERS_LANES_H
#define TANDEM_VIEWERS_LANES_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/error.h"
#include "traces/timeline.h"

#define LANES_NAME_BYTES 200
#define LANES_UNFOLDED_MAX 24 /* imported traces with more lanes begin with their threads folded */

struct lanes_group {
	enum timeline_lane_kind kind;
	const char *worker; /* of DEVICE; NULL otherwise */
	int process, track; /* imported; TIMELINE_NONE */
	bool is_folded;
	int n_lanes;
};

struct lanes_row {
	int lane;           /* of a folded group: its first */
	int group;
	bool is_folded;     /* stands for the whole group, or the whole process */
	bool is_process;    /* … for the process of the group */
	int n_hidden;       /* imported: lanes of the group that are folded below this one */
};

/* Zeroed to begin with. */
struct lanes {
	const struct timeline *timeline;
	int *order;         /* [n_lanes]: groups one after the other */
	int *groups_of;     /* [n_lanes]: of a lane */
	struct lanes_group *groups;
	int n_groups;
	bool *processes;    /* [n_processes]: folded */
	struct lanes_row *rows;
	int n_rows;
	int top;            /* first row that is shown */
};

int lanes_init(struct lanes *lanes, const struct timeline *timeline, struct error *error);
void lanes_finish(struct lanes *lanes);

/* The row that shows a lane, by itself or folded. */
int lanes_find(const struct lanes *lanes, int lane);
void lanes_fold(struct lanes *lanes, int row); /* and unfold */
/* Imported: the row's process; all threads and streams at once. False where there is nothing to fold. */
bool lanes_fold_process(struct lanes *lanes, int row);
bool lanes_fold_all(struct lanes *lanes);
/* Whether a folded row stands for the lane: of a process for its streams, or, if it has none, for the outermost lanes of its threads. */
bool lanes_is_in(const struct lanes *lanes, int row, int lane);
/* Moves the row's lane by one in its group; false at the group's end. */
bool lanes_move(struct lanes *lanes, int row, int direction);
/* Sets `top` so that the row is in sight of a pane of that many rows; heights[row] is what rows take, 1 when NULL. */
void lanes_scroll(struct lanes *lanes, int row, int n_rows, const int *heights);

/* "w0", "layer2→layer3.x", "5 channels"; "r0 cuda:0 s7", "r0 t4711 python", "+1", "rank 0: 12 lanes". */
void lanes_name(const struct lanes *lanes, int row, char *text, size_t size);

/* "->" in a name becomes an arrow. */
void lanes_arrow(const char *name, char *text, size_t size);

#endif
