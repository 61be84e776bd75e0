/* SPDX-License-Identifier: Apache-2.0
 *
 * export_dot: a run's graph as a drawing for Graphviz: nodes filled by their share of the work, edges with bytes and waits.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "engine/base/units.h"
#include "traces/export_model.h"
#include "traces/schema.h"

struct colour {
	int red, green, blue;
};

/* Light to dark; a share of the largest picks one. Text on it is black or white, whichever contrasts more. */
static const struct colour palette[] = { { 255, 250, 235 }, { 254, 227, 180 }, { 250, 189, 120 }, { 236, 141, 78 }, { 205, 88, 50 },
	{ 156, 45, 38 }, { 98, 18, 30 } };

#define SHADES ((int)ARRAY_LEN(palette))

struct measure {
	int64_t n, work_ns, wait_ns;
};

struct drawing {
	struct export *export;
	const struct export_model *model;
	struct measure *nodes, *edges; /* edges: waits for them */
	int64_t work_ns, largest_ns;   /* of all nodes, of one */
	struct strbuf text;
};

static double luminance(struct colour colour)
{
	return (0.299 * colour.red + 0.587 * colour.green + 0.114 * colour.blue) / 255;
}

static int shade_of(const struct drawing *drawing, int64_t work_ns)
{
	double share = drawing->largest_ns > 0 ? (double)work_ns / (double)drawing->largest_ns : 0;
	int shade = (int)(share * SHADES);
	return shade >= SHADES ? SHADES - 1 : shade < 0 ? 0 : shade;
}

static void add_fill(struct strbuf *out, int shade)
{
	struct colour colour = palette[shade];
	strbuf_addf(out, "fillcolor=\"#%02x%02x%02x\", fontcolor=\"%s\"", colour.red, colour.green, colour.blue,
		luminance(colour) > 0.5 ? "black" : "white");
}

/* Inside a quoted string that is a label: what is no printable text is made so, backslashes and quotes stand for themselves. */
static void add_label(struct strbuf *out, const char *text)
{
	struct strbuf printable = STRBUF_INIT;
	strbuf_add_printable(&printable, text);
	out->is_failed = out->is_failed || printable.is_failed;
	for (const char *at = strbuf_text(&printable); *at; at++) {
		if (*at == '"' || *at == '\\')
			strbuf_add(out, "\\");
		strbuf_add_bytes(out, at, 1);
	}
	strbuf_finish(&printable);
}

static void add_duration(struct strbuf *out, const char *what, int64_t ns, int64_t n)
{
	char text[32];
	if (n > 0)
		strbuf_addf(out, "\\n%s %s", what, units_duration(ns / n, text, sizeof(text)));
}

/* -- measures --------------------------------------------------------------------------------------------------------- */

#define PHASE_SUM(name, word) " + coalesce(" word "_ns, 0)"
#define WAITS "coalesce(starved_ns, 0) + coalesce(backpressure_ns, 0) + coalesce(late_rank_ns, 0) + coalesce(dispatch_ns, 0)"
#define WAIT_KINDS "(SELECT id FROM kind WHERE word IN ('starved', 'backpressure', 'late_rank', 'dispatch'))"

/* Whole runs are answered from the sums that the file keeps. */
static const char sums_sql[] = "SELECT node, sum(CASE WHEN kind = 101 THEN n ELSE 0 END), sum(CASE WHEN kind = 101 THEN ns WHEN kind"
	" IN " WAIT_KINDS " THEN -ns ELSE 0 END), sum(CASE WHEN kind IN " WAIT_KINDS " THEN ns ELSE 0 END) FROM summary WHERE node IN"
	" (SELECT id FROM node WHERE run = ?1) AND ?2 <= ?3 GROUP BY node";
static const char range_sql[] = "SELECT node, count(*), sum(duration_ns - (" WAITS ")), sum(" WAITS ") FROM op_event WHERE run = ?1 AND"
	" execution BETWEEN ?2 AND ?3 GROUP BY node";
static const char edges_sql[] = "SELECT edge, count(*), 0, sum(duration_ns) FROM span WHERE run = ?1 AND kind = 100 AND edge IS NOT NULL"
	" AND coalesce(execution, 0) BETWEEN ?2 AND ?3 GROUP BY edge";

static int measure(struct drawing *drawing, const char *sql, struct measure *measures,
	int (*find)(const struct export_model *model, int64_t id))
{
	struct db_stmt *stmt = NULL;
	bool has_row = false;
	int status = export_prepare(drawing->export, sql, drawing->model->run->id, &stmt);
	while (status == STATUS_OK && (status = export_step(drawing->export, stmt, &has_row)) == STATUS_OK && has_row) {
		int idx = find(drawing->model, db_column_int(stmt, 0));
		if (idx >= 0)
			measures[idx] = (struct measure){ .n = db_column_int(stmt, 1), .work_ns = db_column_int(stmt, 2),
				.wait_ns = db_column_int(stmt, 3) };
		status = export_row(drawing->export);
	}
	db_finish(stmt);
	return status;
}

static int measure_all(struct drawing *drawing)
{
	int status = measure(drawing, drawing->export->options->has_range ? range_sql : sums_sql, drawing->nodes, export_model_node);
	if (status == STATUS_OK)
		status = measure(drawing, edges_sql, drawing->edges, export_model_edge);
	for (int i = 0; i < drawing->model->n_nodes; i++) {
		int64_t ns = drawing->nodes[i].work_ns;
		drawing->work_ns += ns;
		if (ns > drawing->largest_ns)
			drawing->largest_ns = ns;
	}
	return status;
}

/* -- drawing ---------------------------------------------------------------------------------------------------------- */

static void draw_node(struct drawing *drawing, int idx)
{
	const struct export_node *node = &drawing->model->nodes[idx];
	const struct measure *measure = &drawing->nodes[idx];
	struct strbuf *out = &drawing->text;
	strbuf_addf(out, "\t\tn%d [label=\"", idx);
	add_label(out, node->name);
	strbuf_add(out, "\\n");
	add_label(out, node->op);
	if (measure->n && drawing->work_ns > 0)
		strbuf_addf(out, "\\n%.1f %% of the work", 100 * (double)measure->work_ns / (double)drawing->work_ns);
	if (!measure->n)
		strbuf_add(out, "\\nnot recorded");
	add_duration(out, "work", measure->work_ns, measure->n);
	add_duration(out, "wait", measure->wait_ns, measure->n);
	strbuf_add(out, "\", ");
	add_fill(out, shade_of(drawing, measure->work_ns));
	strbuf_add(out, "];\n");
}

static void draw_worker(struct drawing *drawing, int lane_idx)
{
	const struct export_lane *lane = &drawing->model->lanes[lane_idx];
	struct strbuf *out = &drawing->text;
	strbuf_addf(out, "\tsubgraph cluster_%d {\n\t\tlabel=\"", lane_idx);
	add_label(out, lane->label);
	if (lane->n_lost)
		strbuf_addf(out, "\\n%" PRId64 " records lost", lane->n_lost);
	strbuf_add(out, "\";\n");
	for (int i = 0; i < drawing->model->n_nodes; i++) {
		if (drawing->model->nodes[i].worker == lane->worker)
			draw_node(drawing, i);
	}
	strbuf_add(out, "\t}\n");
}

/* The mean is over all executions of the reader, most of which may not have waited. */
static void draw_edge(struct drawing *drawing, int idx)
{
	const struct export_edge *edge = &drawing->model->edges[idx];
	struct strbuf *out = &drawing->text;
	char text[32];
	if (edge->is_peer)
		return;
	strbuf_addf(out, "\tn%d -> n%d [label=\"", edge->src, edge->dst);
	if (edge->bytes > 0)
		strbuf_addf(out, "%s", units_bytes((uint64_t)edge->bytes, text, sizeof(text)));
	if (drawing->edges[idx].n)
		add_duration(out, "waited for", drawing->edges[idx].wait_ns, drawing->nodes[edge->dst].n);
	strbuf_add(out, "\", tooltip=\"");
	add_label(out, edge->name);
	strbuf_add(out, "\"];\n");
}

static void draw_legend(struct drawing *drawing)
{
	struct strbuf *out = &drawing->text;
	strbuf_add(out, "\tsubgraph cluster_legend {\n\t\tlabel=\"share of the work\";\n");
	for (int i = 0; i < SHADES && drawing->work_ns > 0; i++) {
		double step = 100 * (double)drawing->largest_ns / (double)drawing->work_ns / SHADES;
		strbuf_addf(out, "\t\tshade%d [label=\"%.1f to %.1f %%\", shape=box, ", i, i * step, (i + 1) * step);
		add_fill(out, i);
		strbuf_add(out, "];\n");
		if (i)
			strbuf_addf(out, "\t\tshade%d -> shade%d [style=invis];\n", i - 1, i);
	}
	strbuf_add(out, "\t}\n");
}

static void draw(struct drawing *drawing)
{
	const struct trace_run *run = drawing->model->run;
	struct strbuf *out = &drawing->text;
	strbuf_addf(out, "// run %" PRId64 ", drawn by tandem export\ndigraph run {\n\tlabel=\"run %" PRId64 ", %s, ", run->id, run->id,
		run->mode);
	add_label(out, run->graph);
	strbuf_add(out, ": ");
	add_label(out, run->status);
	strbuf_addf(out, ", %" PRId64 " executions recorded\\nwork and wait: mean of an execution\";\n", run->n_submitted);
	strbuf_add(out, "\tlabelloc=t;\n\trankdir=LR;\n\tnode [shape=box, style=\"filled,rounded\"];\n");
	for (int i = 0; i < drawing->model->n_lanes; i++)
		draw_worker(drawing, i);
	for (int i = 0; i < drawing->model->n_edges; i++)
		draw_edge(drawing, i);
	draw_legend(drawing);
	strbuf_add(out, "}\n");
}

static int make_drawing(struct drawing *drawing)
{
	struct export *export = drawing->export;
	drawing->nodes = calloc((size_t)drawing->model->n_nodes + 1, sizeof(*drawing->nodes));
	drawing->edges = calloc((size_t)drawing->model->n_edges + 1, sizeof(*drawing->edges));
	int status = drawing->nodes && drawing->edges ? measure_all(drawing) : STATUS_NO_MEMORY;
	if (status == STATUS_OK) {
		draw(drawing);
		export_sink_put(&export->sink, strbuf_text(&drawing->text), drawing->text.length);
	}
	if (status == STATUS_NO_MEMORY || drawing->text.is_failed)
		status = error_set(export->error, STATUS_NO_MEMORY, "no memory for the drawing");
	free(drawing->nodes);
	free(drawing->edges);
	strbuf_finish(&drawing->text);
	return status;
}

int export_dot(struct export *export)
{
	struct export_model model;
	const struct trace_run *run = trace_find_run(export->trace, export->options->run);
	if (!run)
		return error_set(export->error, STATUS_TRACE, "%s: the file holds no run", export->trace->file);
	int status = export_model_load(export, run, &model);
	struct drawing drawing = { .export = export, .model = &model };
	if (status == STATUS_OK)
		status = make_drawing(&drawing);
	export_model_finish(&model);
	return status;
}
