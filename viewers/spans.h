/* SPDX-License-Identifier: Apache-2.0
 *
 * spans: how time is drawn: one lane of a timeline as one row of cells, by the rules for blocks, thin marks, folded cells, textures of stalls and
 * labels. Shared by the timeline, the comparison and the minimap, so that a colour and a texture mean the same everywhere.
 *
 *     █████ layer1 ████   work, from one eighth of a cell to the other; the label names the node
 *     ░ starved: a on w0  a stall, with what it waited for where there is room
 *     │                   less than a cell, alone in its cell
 *     ▃                   several spans in one cell: as high as the share of it that was work, in the colour of the kind that fills half of it
 */
#ifndef TANDEM_VIEWERS_SPANS_H
#define TANDEM_VIEWERS_SPANS_H

#include "traces/timeline.h"
#include "viewers/canvas.h"
#include "viewers/session.h"

#define SPANS_ROWS_MAX 8 /* sub-rows of one lane; what overlaps more lies in the last one */

/* Colour and texture (a character that fills a cell) of a phase: '█' for work, '▓' moved bytes, '▞' overhead, '░' starved,
 * '▒' backpressure, '╌' late rank, '·' idle, '?' unknown. */
enum colour spans_colour(enum phase phase);
uint32_t spans_texture(enum phase phase);
/* For people: "starved", "late rank", … */
const char *spans_phase_title(enum phase phase);
/* Whether a phase is work of the lane (not waiting, not idle, not unknown); whether it is waiting for something. */
bool spans_is_work(enum phase phase);
bool spans_is_stall(enum phase phase);
/* The same on a timeline: imported traces have kinds of their own (kernel, copy, memset, calls by what they do, annotation), which are drawn as
 * phases. */
enum colour spans_colour_in(const struct timeline *timeline, enum phase phase);
uint32_t spans_texture_in(const struct timeline *timeline, enum phase phase);
const char *spans_title_in(const struct timeline *timeline, enum phase phase);
/* What an imported trace's kind is for, for the legend; NULL for a phase that none is drawn as. */
const char *spans_imported_meaning(enum phase phase);
/* What stands in a block: the node's name, the span's (of a kernel what tells it from others, kernel_name.h), or what kind of span it is. */
void spans_name(struct timeline *timeline, const struct timeline_span *span, char *text, size_t size);

/* How a row is drawn. */
struct spans_row {
	struct timeline *timeline;
	int lane;
	struct timeline_scale scale;
	int64_t from_ns;                      /* snapped to the scale's grid */
	const struct session_filter *filter;  /* dims what does not match; may be NULL */
	const struct timeline_span *selected; /* drawn emphasised; may be NULL */
	bool has_labels;
};

/* Draws the row into the pane: row 0, and further sub-rows while spans overlap, as far as the pane has rows. */
int spans_draw(const struct spans_row *row, struct pane pane, struct error *error);
/* Sub-rows that the lane needs in this window: 1 unless spans overlap. */
int spans_rows(const struct spans_row *row, int n_cells, int *ret_rows, struct error *error);
/* A channel's fill: ▁▂▃▄▅▆▇█ by share of its depth, ▁ empty; blank where nothing is recorded. */
int spans_draw_fill(struct timeline *timeline, int lane, struct timeline_scale scale, int64_t from_ns, struct pane pane,
	struct error *error);
/* Share busy of a lane in one row: heights ▁…█ of working time, ▁ for any; blank where nothing is recorded. */
int spans_draw_busy(struct timeline *timeline, int lane, struct timeline_scale scale, int64_t from_ns, struct pane pane,
	struct error *error);
/* One such height; a share below 0 or not a number: a blank. */
void spans_put_height(struct pane pane, int x, int y, double share, struct look look);

/* ns by phase of a lane between two moments, exact; spans and the longest that begin in it. Costs little at any distance. */
struct spans_sum {
	int64_t ns[PHASE_COUNT];
	int64_t n_spans, longest_ns;
};
int spans_sum_between(struct timeline *timeline, int lane, int64_t from_ns, int64_t until_ns, struct spans_sum *ret_sum,
	struct error *error);
int64_t spans_sum_work(const int64_t ns[PHASE_COUNT]); /* of the phases that are work */

#endif
