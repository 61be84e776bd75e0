/* SPDX-License-Identifier: Apache-2.0
 *
 * view_compare_private: what the files of the comparison's view share. A is side 0, B side 1; a difference is B minus A.
 *
 *     view_compare.c        state, actions        view_compare_lock.c    where both runs stand, and lanes
 *     view_compare_tables.c split and nodes       view_compare_draw.c    layout and pages
 */
#ifndef TANDEM_VIEWERS_VIEW_COMPARE_PRIVATE_H
#define TANDEM_VIEWERS_VIEW_COMPARE_PRIVATE_H

#include "viewers/session.h"
#include "viewers/table_view.h"

/* Panels that Tab goes through. */
enum compare_panel { COMPARE_NODES, COMPARE_SPLIT, COMPARE_PANEL_COUNT };

struct compare_area {
	int x, y, width, height;
};
struct compare_layout {
	struct compare_area axis, lanes[2], split, nodes; /* lanes, split and nodes with their title row */
};

struct compare_view {
	const struct compare *compare;   /* the session's; NULL: refused, or there is one run */
	bool is_announced;               /* the page says that it is being made */
	bool is_placed;                  /* the windows were put where there is something to see */
	enum compare_panel focus;
	struct table_view split, nodes;
	int kinds[COMPARE_KIND_COUNT], n_kinds; /* in the split: kinds with time on either side, and unknown */
	int drill;                       /* the kind whose places the nodes' table shows; -1: nodes with all they do */
	int *listed, n_listed;           /* rows of the comparison in the nodes' table */
	struct compare_layout layout;    /* as last drawn */
	int label_cells;                 /* of lanes, as last drawn */
	int lane_top;
};

/* Everything inside width × height, nothing on top of another. */
struct compare_layout compare_layout(int width, int height, const int n_lanes[2], int n_kinds);

/* -- view_compare_lock.c */

/* What stands in one column on both sides. */
struct compare_anchor {
	int64_t at_ns[2];
	int64_t execution;               /* TIMELINE_NONE: the runs' starts */
	int nodes[2];                    /* where the node begins its own work; TIMELINE_NONE: the execution's submit */
	struct timeline_span spans[2];   /* of the nodes */
};

/* From the session's selection. Errors are told in its status line. */
struct compare_anchor compare_anchor(struct session *session);
/* Where the op begins what is not waiting. */
int64_t compare_work_start(const struct timeline_span *op);
/* Puts the other side's window so that the anchor stands in the same column. `n_cells`: of the lanes. */
void compare_lock(struct session *session, const struct compare_anchor *anchor, int n_cells);
/* The execution whose difference is nearest to the mean's; TIMELINE_NONE without pairs. */
int64_t compare_typical(const struct compare *compare);
/* Windows over the whole execution on both sides. */
void compare_place(struct session *session, int64_t execution, int n_cells);
/* To the next (1) or previous (-1) compared execution, the node and its column kept. */
void compare_step(struct session *session, const struct compare *compare, int direction);
int compare_draw_lanes(struct compare_view *view, struct session *session, const struct compare_anchor *anchor, int side,
	struct pane pane,
	struct error *error);
void compare_draw_axis(struct compare_view *view, const struct session *session, const struct compare_anchor *anchor, struct pane pane);
int compare_label_cells(const struct session *session, int width);

/* -- view_compare_tables.c */

struct compare_source {
	const struct compare_view *view;
	const struct session *session;
	struct table_view_column columns[8];
	struct table_view_source table;
	int64_t largest_ns;              /* of the bars */
	char titles[2][40];
};
/* In a narrow panel the runs are A and B in headers. */
void compare_split_source(struct compare_source *source, const struct compare_view *view, const struct session *session);
void compare_nodes_source(struct compare_source *source, const struct compare_view *view, const struct session *session);
/* Takes over a comparison, or another kind to show the places of. */
void compare_load_tables(struct compare_view *view, const struct session *session);
/* The comparison's row that is selected; NULL: none. */
const struct compare_row *compare_selected(const struct compare_view *view);

/* -- view_compare_draw.c */
int compare_draw(struct compare_view *view, struct session *session, struct pane pane, struct error *error);

#endif
