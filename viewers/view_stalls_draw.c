/* SPDX-License-Identifier: Apache-2.0
 *
 * view_stalls_draw: the view of stalls on the screen: layout, the ranked stalls, the selected row.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/units.h"
#include "viewers/panel.h"
#include "viewers/spans.h"
#include "viewers/view_stalls_private.h"

#define WIDE_CELLS 150       /* from here on lanes and strip stand side by side */
#define FACTS_SHARE 0.42     /* of the width; the histogram has the rest */
#define FACTS_CELLS_MAX 72
#define BELOW_ROWS_MAX 12    /* of facts and histogram */

/* -- layout ------------------------------------------------------------------------------------------------------------------- */

static int bounded(int value, int low, int high)
{
	return value > high ? high : value < low ? low : value;
}

struct stalls_layout stalls_layout(int width, int height, int n_lanes, int n_stalls)
{
	struct stalls_layout layout = { .lanes = { .height = 0 } };
	bool is_wide = width >= WIDE_CELLS;
	int rows = bounded(n_lanes, 1, bounded(height / (is_wide ? 3 : 6), 2, 24));
	int lanes = bounded(rows + 3, 0, height), strip = is_wide ? lanes : rows + 2;
	int left = height - lanes - (is_wide ? 0 : strip);
	if (!is_wide && left < 6) { /* the table is worth more than the strip */
		left += strip;
		strip = 0;
	}
	int below = left >= 10 ? bounded(left / 3, 5, BELOW_ROWS_MAX) : 0, wanted = n_stalls > 0 ? n_stalls + 3 : 3;
	int table = bounded(wanted, 0, left - below), y = height - left, lanes_width = is_wide ? width * 11 / 20 : width;
	if (below)
		below = bounded(left - table, below, BELOW_ROWS_MAX);
	layout.lanes = (struct stalls_area){ 0, 0, lanes_width, lanes };
	layout.strip = is_wide ? (struct stalls_area){ lanes_width + 1, 0, width - lanes_width - 1, strip }
		: (struct stalls_area){ 0, lanes, width, strip };
	layout.table = (struct stalls_area){ 0, y, width, table };
	int facts = bounded((int)(FACTS_SHARE * width), 0, FACTS_CELLS_MAX);
	layout.facts = (struct stalls_area){ 0, y + table, facts, below };
	layout.histogram = (struct stalls_area){ facts + 1, y + table, bounded(width - facts - 1, 0, width), below };
	return layout;
}

static struct pane area_pane(struct pane pane, const struct stalls_area *area)
{
	return pane_sub(pane, area->x, area->y, area->width, area->height);
}

/* -- ranked stalls ------------------------------------------------------------------------------------------------------------ */

enum { COLUMN_WORKER, COLUMN_CAUSE, COLUMN_EDGE, COLUMN_NODE, COLUMN_PEER, COLUMN_ROOT, COLUMN_COUNT, COLUMN_TOTAL, COLUMN_SHARE,
	COLUMN_MEAN, COLUMN_MAX };

static const struct table_view_column stall_columns[] = {
	[COLUMN_WORKER] = { "lane", TABLE_VIEW_TEXT, 0, 16 },
	[COLUMN_CAUSE] = { "cause", TABLE_VIEW_TEXT, 0, 0, 14 },
	[COLUMN_EDGE] = { "waits for", TABLE_VIEW_TEXT, 0, 44 },
	[COLUMN_NODE] = { "before", TABLE_VIEW_TEXT, 7, 24 },
	[COLUMN_PEER] = { "from", TABLE_VIEW_TEXT, 6, 16 },
	[COLUMN_ROOT] = { "goes back to", TABLE_VIEW_TEXT, 2, 28 },
	[COLUMN_COUNT] = { "count", TABLE_VIEW_COUNT, 3, 0 },
	[COLUMN_TOTAL] = { "total", TABLE_VIEW_NS, 0, 0 },
	[COLUMN_SHARE] = { "% of listed", TABLE_VIEW_SHARE, 5, 0 },
	[COLUMN_MEAN] = { "mean", TABLE_VIEW_NS, 4, 0 },
	[COLUMN_MAX] = { "max", TABLE_VIEW_NS, 1, 0 },
};

static void set_text(struct table_view_cell *cell, const char *text)
{
	cell->is_null = !text;
	snprintf(cell->text, sizeof(cell->text), "%s", text ? text : "");
}

static const char *lane_name(const struct timeline *timeline, int lane)
{
	return lane == TIMELINE_NONE ? NULL : timeline->lanes[lane].name;
}

static void total_cell(const struct stalls_view *view, int column, struct table_view_cell *cell)
{
	switch (column) {
	case COLUMN_WORKER: set_text(cell, "all"); break;
	case COLUMN_COUNT: cell->number = view->listed_n; break;
	case COLUMN_TOTAL: cell->number = view->listed_ns; break;
	case COLUMN_SHARE: cell->real = 1; break;
	case COLUMN_MEAN: cell->number = view->listed_n ? view->listed_ns / view->listed_n : 0; break;
	case COLUMN_MAX: cell->number = view->listed_max_ns; break;
	default: set_text(cell, ""); break;
	}
}

static void group_cell(const struct stalls_source *source, const struct stalls_group *group, int column, struct table_view_cell *cell)
{
	const struct timeline *timeline = source->timeline;
	struct look look = { .front = (uint8_t)spans_colour((enum phase)group->cause) };
	switch (column) {
	case COLUMN_WORKER: set_text(cell, lane_name(timeline, group->lane)); break;
	case COLUMN_CAUSE:
		set_text(cell, spans_phase_title((enum phase)group->cause));
		cell->mark = spans_texture((enum phase)group->cause);
		cell->look = look;
		break;
	case COLUMN_EDGE: set_text(cell, group->edge == TIMELINE_NONE ? NULL : timeline->edges[group->edge].name); break;
	case COLUMN_NODE: set_text(cell, group->node == TIMELINE_NONE ? NULL : timeline->nodes[group->node].name); break;
	case COLUMN_PEER: set_text(cell, lane_name(timeline, group->peer)); break;
	case COLUMN_ROOT: set_text(cell, group->n_roots ? stalls_root_name(timeline, group->roots[0].root) : NULL); break;
	case COLUMN_COUNT: cell->number = group->n; break;
	case COLUMN_TOTAL: cell->number = group->ns; break;
	case COLUMN_SHARE:
		cell->real = source->view->listed_ns ? (double)group->ns / (double)source->view->listed_ns : 0;
		cell->look = look;
		break;
	case COLUMN_MEAN: cell->number = group->n ? group->ns / group->n : 0; break;
	case COLUMN_MAX: cell->number = group->max_ns; break;
	}
}

static void fill_cell(void *user, int row, int column, struct table_view_cell *cell)
{
	const struct stalls_source *source = user;
	if (row == TABLE_VIEW_TOTAL)
		total_cell(source->view, column, cell);
	else
		group_cell(source, &source->view->stalls.groups[source->view->listed[row]], column, cell);
}

void stalls_source_init(struct stalls_source *source, struct stalls_view *view, struct timeline *timeline)
{
	*source = (struct stalls_source){ .view = view, .timeline = timeline };
	source->table = (struct table_view_source){ .columns = stall_columns, .n_columns = ARRAY_LEN(stall_columns),
		.n_rows = view->n_listed, .has_total = true, .cell = fill_cell, .user = source,
		.empty = "no wait here lasted longer than a microsecond" };
}

const struct stalls_group *stalls_selected(const struct stalls_view *view)
{
	int row = table_view_row(&view->table);
	return row >= 0 && row < view->n_listed ? &view->stalls.groups[view->listed[row]] : NULL;
}

/* How much of the waiting above the listed rows are. */
static int64_t waiting_ns(const struct stalls_view *view)
{
	int64_t ns = 0;
	for (int i = 0; i < view->stalls.n_lanes; i++) {
		if (view->only >= 0 ? i != view->only : i == 0)
			continue;
		for (int phase = 0; phase < PHASE_COUNT; phase++)
			ns += spans_is_stall((enum phase)phase) ? view->stalls.lanes[i].ns[phase] : 0;
	}
	return ns;
}

static void draw_table(struct stalls_view *view, const struct session *session, struct pane pane)
{
	struct timeline *timeline = session_timeline(session);
	struct stalls_source source;
	char title[160], right[160] = "", all[40];
	int64_t waiting = waiting_ns(view);
	snprintf(title, sizeof(title), "stalls of %s",
		view->only < 0 ? "the workers" : timeline->lanes[view->stalls.lanes[view->only].lane].name);
	if (view->n_listed && waiting > 0)
		snprintf(right, sizeof(right), "%.0f %% of %s waiting above; waits below 1 µs have no row",
			100.0 * (double)view->listed_ns / (double)waiting, units_duration(waiting, all, sizeof(all)));
	if (pane.width < 100 && view->n_listed && waiting > 0)
		snprintf(right, sizeof(right), "%.0f %% of the waiting above", 100.0 * (double)view->listed_ns / (double)waiting);
	panel_title(pane, view->focus == STALLS_TABLE, title, right, LOOK(NONE));
	stalls_source_init(&source, view, timeline);
	table_view_draw(&view->table, &source.table, pane_sub(pane, 1, 1, pane.width - 1, pane.height - 1), view->focus == STALLS_TABLE);
}

/* -- the selected row --------------------------------------------------------------------------------------------------------- */

static void draw_roots(const struct stalls_view *view, const struct timeline *timeline, const struct stalls_group *group,
	struct pane pane, int y)
{
	if (!view->stalls.has_roots) {
		pane_field(pane, 1, y, pane.width - 1, PANE_LEFT, LOOK(DIM),
			view->stalls.roots_missing ? view->stalls.roots_missing : "");
		return;
	}
	int x = pane_text(pane, 1, y, LOOK(DIM), "goes back to");
	for (int i = 0; i < group->n_roots; i++) {
		const char *name = stalls_root_name(timeline, group->roots[i].root);
		char share[16];
		snprintf(share, sizeof(share), " %.0f %%", 100.0 * (double)group->roots[i].ns / (double)(group->ns ? group->ns : 1));
		int room = pane.width - x - 2 - (int)strlen(share), n = canvas_text_width(name);
		if (i && (room < 6 || 200 * group->roots[i].ns < group->ns))
			break;
		n = n < room ? n : room;
		pane_put(pane, x, y, i ? ',' : ' ', LOOK(DIM));
		pane_field(pane, x + 1 + (i > 0), y, n, PANE_LEFT, LOOK(NONE), name);
		x = pane_text(pane, x + 1 + (i > 0) + n, y, LOOK(NONE), share);
	}
	if (!group->n_roots)
		pane_text(pane, x + 1, y, LOOK(DIM), "nothing recorded");
}

static void draw_facts(const struct stalls_view *view, const struct timeline *timeline, const struct stalls_group *group,
	struct pane pane)
{
	char a[40], b[40];
	const char *edge = group->edge == TIMELINE_NONE ? NULL : timeline->edges[group->edge].name;
	const char *node = group->node == TIMELINE_NONE ? NULL : timeline->nodes[group->node].name;
	const char *peer = lane_name(timeline, group->peer);
	panel_title(pane, false, "the selected row", "", LOOK(NONE));
	int x = pane_textf(pane, 1, 1, LOOK(TITLE), "%s ", lane_name(timeline, group->lane));
	x = pane_text(pane, x, 1, (struct look){ .front = (uint8_t)spans_colour((enum phase)group->cause) },
		spans_phase_title((enum phase)group->cause));
	if (node)
		pane_textf(pane, x, 1, LOOK(NONE), ", before %s", node);
	x = pane_text(pane, 1, 2, LOOK(DIM), edge || peer ? "for " : "for nothing that was recorded");
	if (edge)
		x = pane_textf(pane, x, 2, LOOK(NONE), "%s", edge);
	if (peer)
		pane_textf(pane, x, 2, LOOK(NONE), "%s%s", edge ? " of " : "", peer);
	draw_roots(view, timeline, group, pane, 3);
	x = pane_textf(pane, 1, 4, LOOK(DIM), "longest ");
	x = pane_textf(pane, x, 4, LOOK(NONE), "%s", units_duration(group->max_ns, a, sizeof(a)));
	if (group->worst_execution != TIMELINE_NONE)
		pane_textf(pane, x, 4, LOOK(NONE), " in execution %" PRId64, group->worst_execution);
	pane_textf(pane, 1, 5, LOOK(NONE), "50 %% below %s, 99 %% below %s",
		units_duration(durations_quantile(&group->histogram, 0.5), a, sizeof(a)),
		units_duration(durations_quantile(&group->histogram, 0.99), b, sizeof(b)));
}

static void draw_histogram(const struct stalls_group *group, struct pane pane)
{
	char right[60];
	int64_t most = durations_draw(&group->histogram, pane_sub(pane, 1, 1, pane.width - 2, pane.height - 1),
		(struct look){ .front = (uint8_t)spans_colour((enum phase)group->cause) });
	snprintf(right, sizeof(right), "%" PRId64 " wait%s, peak %" PRId64, group->n, group->n == 1 ? "" : "s", most);
	panel_title(pane, false, "how long they are", right, LOOK(NONE));
}

/* -- all of it ---------------------------------------------------------------------------------------------------------------- */

int stalls_draw(struct stalls_view *view, struct session *session, struct pane pane, struct error *error)
{
	if (!view->has_stalls) {
		pane_text(pane, 2, 1, LOOK(ERROR), "where time went cannot be shown");
		pane_text(pane, 2, 3, LOOK(NONE), view->error.text);
		return STATUS_OK;
	}
	view->layout = stalls_layout(pane.width, pane.height, view->stalls.n_lanes, view->n_listed);
	stalls_draw_lanes(view, session, area_pane(pane, &view->layout.lanes));
	int status = stalls_draw_strip(view, session, area_pane(pane, &view->layout.strip), error);
	draw_table(view, session, area_pane(pane, &view->layout.table));
	const struct stalls_group *group = stalls_selected(view);
	if (!group || !view->layout.facts.height)
		return status;
	draw_facts(view, session_timeline(session), group, area_pane(pane, &view->layout.facts));
	draw_histogram(group, area_pane(pane, &view->layout.histogram));
	return status;
}
