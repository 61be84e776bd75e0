/* SPDX-License-Identifier: Apache-2.0
 *
 * view_graph_private: what the parts of the graph view share: its state; layout (view_graph_layout.c), lines and boxes (view_graph_draw.c),
 * details (view_graph_details.c), moving about (view_graph.c).
 */
#ifndef TANDEM_VIEWERS_VIEW_GRAPH_PRIVATE_H
#define TANDEM_VIEWERS_VIEW_GRAPH_PRIVATE_H

#include "viewers/canvas.h"
#include "viewers/layer_lines.h"
#include "viewers/layers.h"
#include "viewers/node_times.h"
#include "viewers/session.h"

enum graph_arrangement { GRAPH_AUTO, GRAPH_BY_WORKER, GRAPH_FREE };

/* Waits with a name for one edge. */
struct graph_waits {
	int edge;                 /* TIMELINE_NONE: none were read */
	int64_t n_spans;          /* of the timeline, when they were */
	int64_t n[PHASE_COUNT], ns[PHASE_COUNT];
	bool is_known;            /* false: too many spans to look through */
};

struct view_graph {
	const struct timeline *timeline; /* what was laid out */
	struct layers_node *nodes;
	struct layers_edge *edges; /* of the timeline, the same numbers */
	bool *is_control;          /* [n_edges] */
	int *group_widths;
	struct layers layers;
	int n_hidden;              /* edges that are not drawn */
	bool has_layers, is_by_worker, is_compact;
	enum graph_arrangement arrangement;
	int width;                 /* columns for which was chosen, AUTO */
	struct node_times times;
	struct graph_waits waits;

	int x, y;                  /* first column and row on screen */
	int screen_width, screen_height; /* of the drawing, as drawn last */
	int header_rows;           /* above it */
	int shown_node, shown_edge; /* selection for which was scrolled */
	int home;                  /* node whose edges are gone through; TIMELINE_NONE */
	bool has_more_details;
	struct layer_lines lines;  /* while they are drawn */
};

#define GRAPH_NAME_CELLS 18

/* view_graph_layout.c: makes the drawing for the selected side when it is not there, or was made for another width. */
int view_graph_layout(struct view_graph *graph, struct timeline *timeline, int width, struct error *error);
void view_graph_layout_finish(struct view_graph *graph);

/* view_graph_draw.c: everything but details. */
int view_graph_draw_all(struct view_graph *graph, const struct session *session, struct pane header, struct pane pane,
	struct error *error);

/* view_graph_details.c */
int view_graph_details(struct view_graph *graph, struct session *session, struct pane pane, struct error *error);

#endif
