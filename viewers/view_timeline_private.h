/* SPDX-License-Identifier: Apache-2.0
 *
 * view_timeline_private: the timeline view's state, and what its files do for each other.
 *
 *     map     run 1.24 s  [▁▃▆█▇▃]▁▁
 *     axis    ── 41.220 ms ──┬─────▼─────┬── 1 div = 500 µs ──
 *     path    critical       ▐embed▌██ layer0 ██   (after ( or ))
 *     lanes   w0  cpu:0      ███ layer1 ██ …  81 %
 *     rule    ── A 41.2 ms ── B 42.0 ms ── 0.8 ms ────
 *     details
 */
#ifndef TANDEM_VIEWERS_VIEW_TIMELINE_PRIVATE_H
#define TANDEM_VIEWERS_VIEW_TIMELINE_PRIVATE_H

#include "traces/messages.h"
#include "traces/timeline_path.h"
#include "viewers/axis.h"
#include "viewers/lanes.h"
#include "viewers/minimap.h"
#include "viewers/session.h"
#include "viewers/view.h"

#define TIMELINE_VIEW_ROWS_MAX 512

/* Where things were drawn last, in the pane's coordinates; y -1: not at all. */
struct timeline_layout {
	int label_width, gutter_width, n_cells;
	int map_y, axis_y, path_y, lanes_y, rule_y, details_y;
	int n_lane_rows, n_details_rows;
	int rows_at[TIMELINE_VIEW_ROWS_MAX]; /* which of the lanes' rows is drawn there; -1: none */
};

struct timeline_view {
	struct lanes lanes[2];
	struct messages messages[2];
	struct minimap minimap;
	struct timeline_layout layout;
	bool has_large_details;
	bool has_path;
	int path_side, path_step;
	struct timeline_path path;
	bool is_dragging, drags_map;
	int drag_x;
};

static inline struct axis timeline_view_axis(const struct session *session)
{
	const struct session_side *side = &session->sides[session->selection.side];
	return (struct axis){ .from_ns = side->window.from_ns, .cell_ns = timeline_scale_ns(side->window.scale),
		.origin_ns = side->timeline->origin_ns, .n_cells = side->window.n_cells };
}

/* The interval that shares are told of: between two marks, or the window as far as the run reaches. Returns whether it is the marks'. */
bool timeline_view_interval(const struct session *session, int64_t *ret_from_ns, int64_t *ret_until_ns);

/* Draws lanes, labels and shares. *ret_is_empty: no lane in sight has anything in the window. */
int timeline_view_draw_lanes(struct timeline_view *view, struct session *session, struct pane pane, bool *ret_is_empty, struct error *error);
/* The row of the critical path, and its steps on the lanes. */
void timeline_view_draw_path(const struct timeline_view *view, const struct session *session, struct pane pane);
/* Cursor, marks, bookmarks: over what was drawn. */
void timeline_view_draw_over(const struct timeline_view *view, const struct session *session, struct pane pane);
/* What was reported at the cursor, while the selected span lasted, or after the selected lane's last record; NULL: nothing. */
const struct message *timeline_view_reported(const struct timeline_view *view, const struct session *session);
/* Whether something was reported where the size of a division would stand. */
bool timeline_view_reports_at_right(const struct timeline_view *view, const struct session *session);
/* The rule above the details: what was measured, the bookmark at the cursor, how many lanes there are. */
void timeline_view_draw_rule(const struct timeline_view *view, const struct session *session, struct pane pane);

/* An action; false when it means nothing here. */
bool timeline_view_act(void *state, struct session *session, enum action action, const struct event *event);
bool timeline_view_move(struct timeline_view *view, struct session *session, enum action action);
bool timeline_view_follow(struct timeline_view *view, struct session *session, enum action action);
/* What goes elsewhere in imported traces, and what goes to iterations in any. */
bool timeline_view_follow_imported(struct session *session, enum action action);
bool timeline_view_handle(void *state, struct session *session, const struct event *event);

/* The selected lane's row. */
static inline int timeline_view_row(const struct timeline_view *view, const struct session *session)
{
	return lanes_find(&view->lanes[session->selection.side], session->selection.lane);
}

void timeline_view_forget_path(struct timeline_view *view);

#endif
