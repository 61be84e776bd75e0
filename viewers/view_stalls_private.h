/* SPDX-License-Identifier: Apache-2.0
 *
 * view_stalls_private: what the files of the view of stalls share.
 */
#ifndef TANDEM_VIEWERS_VIEW_STALLS_PRIVATE_H
#define TANDEM_VIEWERS_VIEW_STALLS_PRIVATE_H

#include "viewers/event.h"
#include "viewers/session.h"
#include "viewers/table_view.h"
#include "viewers/view_stalls_data.h"

/* Panels that Tab goes through. */
enum stalls_panel {
	STALLS_LANES, /* where time went */
	STALLS_STRIP, /* utilisation over time */
	STALLS_TABLE, /* ranked stalls */
	STALLS_PANEL_COUNT,
};

/* Where things are in a pane. A part without rows is left out. */
struct stalls_area {
	int x, y, width, height;
};
struct stalls_layout {
	struct stalls_area lanes, strip, table, facts, histogram; /* each with its title row */
};

struct stalls_imported;

struct stalls_view {
	struct stalls_imported *imported; /* what is shown of another tool's trace; NULL: not made yet */
	struct stalls stalls;
	bool has_stalls;
	struct error error;         /* why there are none */
	int side;                   /* what they are of … */
	int64_t from_ns, until_ns;
	bool is_marked;             /* … between the marks */
	int64_t end_ns, made_ns;    /* live: the run's end then, and when that was */
	enum stalls_panel focus;
	int lane, lane_top;         /* place in stalls.lanes */
	int only;                   /* the only lane whose stalls are listed: place in stalls.lanes; -1: all workers' */
	struct table_view table;
	int *listed;                /* [n_listed] groups in the table */
	int n_listed;
	int64_t listed_n, listed_ns, listed_max_ns;
	struct stalls_layout layout; /* as last drawn */
	struct timeline_scale strip_scale;
	int64_t strip_from_ns;
	int strip_x, strip_cells;
};

/* Everything inside width × height, nothing on top of another. */
struct stalls_layout stalls_layout(int width, int height, int n_lanes, int n_stalls);

/* The table's source: rows are view->listed. */
struct stalls_source {
	struct stalls_view *view;
	struct timeline *timeline;
	struct table_view_source table;
};
void stalls_source_init(struct stalls_source *source, struct stalls_view *view, struct timeline *timeline);

/* The group in the selected row; NULL when there is none. */
const struct stalls_group *stalls_selected(const struct stalls_view *view);

void stalls_draw_lanes(struct stalls_view *view, const struct session *session, struct pane pane);
int stalls_draw_strip(struct stalls_view *view, struct session *session, struct pane pane, struct error *error);
/* Draws all parts. */
int stalls_draw(struct stalls_view *view, struct session *session, struct pane pane, struct error *error);

/* Another tool's trace: made when it is first drawn, and anew for the other run. */
int stalls_imported_draw(struct stalls_imported **view, struct session *session, struct pane pane, struct error *error);
bool stalls_imported_act(struct stalls_imported *view, struct session *session, enum action action);
void stalls_imported_free(struct stalls_imported *view); /* accepts NULL */

#endif
