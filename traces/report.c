/* SPDX-License-Identifier: Apache-2.0
 *
 * report: the sections, each a title, a table and the sentence for when it is empty. Text and JSON print the same tables.
 */
#include "traces/report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/units.h"
#include "traces/report_private.h"
#include "traces/warmup.h"

#define REPORT_LOG_ROWS 20
#define REPORT_UNASKED_OPS 300000 /* longest run of which all ops are looked at unasked */
#define REPORT_LEAST_SHARE 0.005 /* of a row of the time split, in text */

/* -- tables filled by a statement --------------------------------------------------------------------------------------- */

static void add_column(struct table *table, struct db_stmt *stmt, int column)
{
	enum table_format format = table->columns[column].format;
	if (db_column_type(stmt, column) == DB_NULL)
		table_null(table);
	else if (format == TABLE_TEXT)
		table_text(table, db_column_text(stmt, column));
	else if (format == TABLE_REAL || format == TABLE_SHARE)
		table_real(table, db_column_real(stmt, column));
	else
		table_int(table, db_column_int(stmt, column));
}

int report_fill_by_sql(struct report *report, struct table *table, const char *sql, int64_t limit)
{
	struct db_stmt *stmt = NULL;
	bool has_row = false;
	int status = db_prepare(report->trace->db, sql, NULL, report->error, &stmt);
	if (status == STATUS_OK) {
		db_bind_int(stmt, 1, report->run->id);
		db_bind_int(stmt, 2, limit);
		db_bind_int(stmt, 3, report->options.is_json);
	}
	while (status == STATUS_OK && (status = db_step(stmt, &has_row, report->error)) == STATUS_OK && has_row) {
		for (int i = 0; i < table->n_columns; i++)
			add_column(table, stmt, i);
	}
	db_finish(stmt);
	return status;
}

static const struct table_column loss_columns[] = {
	{ "worker", TABLE_TEXT }, { "cause", TABLE_TEXT }, { "records", TABLE_INT },
};

static int fill_losses(struct report *report, struct table *table)
{
	return report_fill_by_sql(
		report, table, "SELECT worker, cause, n_records FROM v_loss WHERE run = ? ORDER BY n_records DESC", 0);
}

static const struct table_column stall_columns[] = {
	{ "worker", TABLE_TEXT }, { "cause", TABLE_TEXT }, { "edge", TABLE_TEXT }, { "peer", TABLE_TEXT },
	{ "node", TABLE_TEXT }, { "count", TABLE_INT }, { "total", TABLE_NS }, { "mean", TABLE_NS }, { "max", TABLE_NS },
	{ "root", TABLE_TEXT },
};

/* Grouped by ids before names are looked up. The root that caused most of a group's time is the largest of (time, root). */
static const char stalls_sql[] =
	"WITH g AS (SELECT s.lane, s.cause, s.edge, s.peer, s.node, t.root, t.node AS root_node, t.edge AS root_edge, count(*) AS n,"
	"  sum(s.duration_ns) AS ns, max(s.duration_ns) AS longest FROM span s LEFT JOIN stall_root t ON t.span = s.id"
	"  WHERE s.run = ?1 AND s.kind = 100 GROUP BY 1, 2, 3, 4, 5, 6, 7, 8),"
	" named AS (SELECT w.name AS worker, c.word AS cause, e.name AS edge, p.name AS peer, n.name AS node, g.n, g.ns, g.longest,"
	"  CASE g.root WHEN 0 THEN 'unknown' WHEN 1 THEN rn.name WHEN 2 THEN re.name WHEN 3 THEN 'caller' END AS root"
	"  FROM g JOIN lane l ON l.id = g.lane JOIN worker w ON w.id = l.worker JOIN kind c ON c.id = g.cause"
	"  LEFT JOIN edge e ON e.id = g.edge LEFT JOIN worker p ON p.id = g.peer LEFT JOIN node n ON n.id = g.node"
	"  LEFT JOIN node rn ON rn.id = g.root_node LEFT JOIN edge re ON re.id = g.root_edge)"
	" SELECT worker, cause, edge, peer, node, sum(n), sum(ns) AS total, sum(ns) / sum(n), max(longest),"
	" nullif(substr(max(printf('%020d', ns) || coalesce(root, '')), 21), '')"
	" FROM named GROUP BY worker, cause, edge, peer, node ORDER BY total DESC LIMIT ?2";

static int fill_stalls(struct report *report, struct table *table)
{
	return report_fill_by_sql(report, table, stalls_sql, report->options.n_stalls);
}

static const struct table_column failure_columns[] = {
	{ "execution", TABLE_INT }, { "node", TABLE_TEXT }, { "worker", TABLE_TEXT }, { "status", TABLE_TEXT },
	{ "text", TABLE_TEXT },
};

static int fill_failures(struct report *report, struct table *table)
{
	return report_fill_by_sql(report, table, "SELECT f.execution, n.name, w.name, s.word, f.text FROM failure f"
		" JOIN status s ON s.id = f.status LEFT JOIN node n ON n.id = f.node LEFT JOIN worker w ON w.id = n.worker"
		" WHERE f.run = ? ORDER BY f.execution, f.failure LIMIT ?", REPORT_LOG_ROWS);
}

static const struct table_column log_columns[] = {
	{ "time", TABLE_NS }, { "level", TABLE_TEXT }, { "worker", TABLE_TEXT }, { "text", TABLE_TEXT },
};

static int fill_log(struct report *report, struct table *table)
{
	return report_fill_by_sql(report, table, "SELECT g.time_ns - r.start_ns, g.level, w.name, g.text FROM log g"
		" JOIN run r ON r.id = g.run LEFT JOIN worker w ON w.id = g.worker"
		" WHERE g.run = ? AND g.level <> 'info' ORDER BY g.id LIMIT ?", REPORT_LOG_ROWS);
}

/* Devices of the host's own have no lanes: only those that worked by themselves are rows. */
static const struct table_column device_columns[] = {
	{ "device", TABLE_TEXT }, { "kind", TABLE_TEXT }, { "time", TABLE_NS }, { "share", TABLE_SHARE },
};

static int fill_devices(struct report *report, struct table *table)
{
	return report_fill_by_sql(
		report, table, "SELECT lane, kind, ns, share FROM v_time_split WHERE run = ? AND side = 'device'", 0);
}

/* -- tables filled by analysis ---------------------------------------------------------------------------------------------- */

static const struct table_column split_columns[] = {
	{ "lane", TABLE_TEXT }, { "kind", TABLE_TEXT }, { "time", TABLE_NS }, { "share", TABLE_SHARE },
};

static int by_size(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;
	return (x[0] < y[0]) - (x[0] > y[0]);
}

/* Largest first, unknown always and last. */
static int fill_split(struct report *report, struct table *table)
{
	for (int i = 0; i < report->split.n_lanes; i++) {
		const struct split_lane *lane = &report->split.lanes[i];
		int64_t order[PHASE_COUNT][2];
		int n = 0;
		for (int phase = 0; phase < PHASE_COUNT; phase++) {
			bool is_small = !report->options.is_json
				&& (double)lane->ns[phase] < REPORT_LEAST_SHARE * (double)lane->total_ns;
			if (phase == PHASE_UNKNOWN || !lane->ns[phase] || is_small)
				continue;
			order[n][0] = lane->ns[phase];
			order[n++][1] = phase;
		}
		qsort(order, (size_t)n, sizeof(order[0]), by_size);
		order[n][0] = lane->ns[PHASE_UNKNOWN];
		order[n++][1] = PHASE_UNKNOWN;
		for (int k = 0; k < n; k++) {
			table_text(table, lane->name);
			table_text(table, phase_word((enum phase)order[k][1]));
			table_int(table, order[k][0]);
			table_real(table, lane->total_ns ? (double)order[k][0] / (double)lane->total_ns : 0);
		}
	}
	return STATUS_OK;
}

/* X(NAME, word): phases with a column of their own, behind compute, where they occur. */
#define NODE_PHASE_MAP(X)                                                                                                          \
	X(STARVED, "starved") X(BACKPRESSURE, "backpressure") X(LATE_RANK, "late_rank") X(DISPATCH, "dispatch")                     \
	X(ALLOCATE, "allocate") X(SERIALISE, "serialise") X(FETCH, "fetch") X(READ, "read") X(WRITE, "write") X(LAUNCH, "launch")   \
	X(SYNC, "sync") X(DEBUG, "debug") X(UNKNOWN, "unknown")

static const struct table_column node_columns[] = {
	{ "node", TABLE_TEXT }, { "op", TABLE_TEXT }, { "worker", TABLE_TEXT }, { "count", TABLE_INT },
	{ "median compute", TABLE_NS }, { "p99 compute", TABLE_NS }, { "mean compute", TABLE_NS }, { "compute", TABLE_NS },
#define X(name, word) { word, TABLE_NS },
	NODE_PHASE_MAP(X)
#undef X
};

static int fill_nodes(struct report *report, struct table *table)
{
	static const unsigned char phases[] = {
#define X(name, word) OP_PHASE_##name,
		NODE_PHASE_MAP(X)
#undef X
	};
	for (int i = 0; i < report->stats.n_nodes; i++) {
		const struct opstats_node *node = &report->stats.nodes[i];
		int64_t compute_ns = node->sum_ns[OP_PHASE_COMPUTE] + node->sum_ns[OP_PHASE_COLLECTIVE];
		table_text(table, node->name);
		table_text(table, node->op);
		table_text(table, node->worker);
		table_int(table, node->n);
		const int64_t times[] = { node->median_ns, node->p99_ns, node->n ? compute_ns / node->n : 0, compute_ns };
		for (size_t k = 0; k < ARRAY_LEN(times); k++) {
			if (k < 2 && !report->stats.is_exact)
				table_null(table);
			else
				table_int(table, times[k]);
		}
		for (size_t k = 0; k < ARRAY_LEN(phases); k++)
			table_int(table, node->sum_ns[phases[k]]);
	}
	return STATUS_OK;
}

static const struct table_column slow_columns[] = {
	{ "execution", TABLE_INT }, { "latency", TABLE_NS }, { "what was special", TABLE_TEXT },
};

static void describe_slow(const struct report *report, const struct opstats_slow *slow, struct strbuf *text)
{
	char phase[40], mean[40];
	if (!slow->phase && !report->stats.is_exact) {
		strbuf_addf(text, "see --exact, or --execution %lld", (long long)slow->execution);
		return;
	}
	if (!slow->phase) {
		strbuf_add(text, "a little of everything: no op took much longer than usual");
		return;
	}
	strbuf_addf(text, "%s %s on %s: %s, usually %s", slow->phase, slow->node, slow->worker,
		units_duration(slow->phase_ns, phase, sizeof(phase)), units_duration(slow->mean_ns, mean, sizeof(mean)));
	if (slow->culprit != slow->execution)
		strbuf_addf(text, ", in execution %lld at the same time", (long long)slow->culprit);
	else if (slow->execution == 0)
		strbuf_add(text, " (the first execution)");
}

static int fill_slowest(struct report *report, struct table *table)
{
	for (int i = 0; i < report->stats.n_slow; i++) {
		const struct opstats_slow *slow = &report->stats.slow[i];
		struct strbuf text = STRBUF_INIT;
		describe_slow(report, slow, &text);
		table_int(table, slow->execution);
		table_int(table, slow->duration_ns);
		table_text(table, strbuf_text(&text));
		strbuf_finish(&text);
	}
	return STATUS_OK;
}

static const struct table_column channel_columns[] = {
	{ "channel", TABLE_TEXT }, { "writer", TABLE_TEXT }, { "transport", TABLE_TEXT }, { "payload", TABLE_BYTES },
	{ "depth", TABLE_INT }, { "messages", TABLE_INT }, { "mean fill", TABLE_REAL }, { "max fill", TABLE_INT },
};

static int fill_channels(struct report *report, struct table *table)
{
	for (int i = 0; i < report->stats.n_channels; i++) {
		const struct opstats_channel *channel = &report->stats.channels[i];
		table_text(table, channel->name);
		table_text(table, channel->writer);
		table_text(table, channel->transport);
		table_int(table, channel->payload_bytes);
		table_int(table, channel->depth);
		table_int(table, channel->n);
		table_real(table, report->stats.is_exact ? channel->mean_fill : NAN);
		table_int(table, channel->max_fill);
	}
	return STATUS_OK;
}

#define SECTION(list) list, ARRAY_LEN(list)
static const struct report_section losses = { "losses", "LOST RECORDS: what follows is incomplete", NULL, SECTION(loss_columns),
	fill_losses, NULL };
static const struct report_section failures = { "failures", "Failed executions", NULL, SECTION(failure_columns), fill_failures, NULL };
static const struct report_section time_split = { "time_split", "Where time went, host (each lane's rows sum to 100 %)",
	"No lanes were recorded.", SECTION(split_columns), fill_split, NULL };
static const struct report_section devices = { "devices", "Where time went, devices", NULL, SECTION(device_columns), fill_devices,
	NULL };
static const struct report_section nodes = { "nodes", "Nodes", "No ops were recorded.", SECTION(node_columns), fill_nodes, NULL };
static const struct report_section slowest = { "slowest", "Slowest executions", "No finished execution was recorded.",
	SECTION(slow_columns), fill_slowest, NULL };
static const struct report_section stalls = { "stalls", "Stalls, by total time", "No worker waited long enough to be named.",
	SECTION(stall_columns), fill_stalls, NULL };
static const struct report_section channels = { "channels", "Channels (messages written and not yet used by the last reader)",
	"No channels.", SECTION(channel_columns), fill_channels, NULL };
static const struct report_section logged = { "log", "Warnings and errors", NULL, SECTION(log_columns), fill_log, NULL };

static const struct report_section *const whole_report[] = { &losses, &report_saves, &failures, &time_split, &devices, &report_limits, &report_whatif,
	&report_blame, &report_critical, &nodes, &slowest, &stalls, &channels, &logged, NULL };
static const struct report_section *const one_execution[] = { &losses, &report_path, NULL };

/* -- the whole -------------------------------------------------------------------------------------------------------------- */

/* Whether a column of numbers holds nothing but zeros and nulls. */
static bool is_zero(const struct table *table, int column)
{
	enum table_format format = table->columns[column].format;
	bool is_empty = format != TABLE_TEXT;
	for (int i = column; i < table->n_cells && is_empty; i += table->n_columns) {
		const struct table_cell *cell = &table->cells[i];
		is_empty = cell->is_null || (format == TABLE_REAL || format == TABLE_SHARE ? cell->real == 0 : cell->integer == 0);
	}
	return is_empty;
}

static void copy_cell(struct table *table, const struct table_cell *cell, enum table_format format)
{
	if (cell->is_null)
		table_null(table);
	else if (format == TABLE_TEXT)
		table_text(table, cell->text);
	else if (format == TABLE_REAL || format == TABLE_SHARE)
		table_real(table, cell->real);
	else
		table_int(table, cell->integer);
}

/* A section in another form than text; the sentences between title and table come first. */
static void put_form(struct report *report, const struct report_section *section, const struct table *table)
{
	struct strbuf text = STRBUF_INIT, *out = report->out;
	report->out = &text;
	if (section->introduce && table)
		section->introduce(report);
	report->out = out;
	report->options.form->section(out, section->key, section->title, table ? strbuf_text(&text) : section->empty, table);
	out->is_failed |= text.is_failed;
	strbuf_finish(&text);
}

/* Prints what is not zero throughout. */
static void print_table(struct report *report, const struct report_section *section, const struct table *table)
{
	struct table_column columns[REPORT_COLUMNS_MAX];
	bool is_shown[REPORT_COLUMNS_MAX];
	int n_columns = 0;
	for (int i = 0; i < table->n_columns; i++) {
		is_shown[i] = !is_zero(table, i);
		if (is_shown[i])
			columns[n_columns++] = table->columns[i];
	}
	struct table shown;
	table_init(&shown, columns, n_columns);
	for (int i = 0; i < table->n_cells; i++) {
		if (is_shown[i % table->n_columns])
			copy_cell(&shown, &table->cells[i], table->columns[i % table->n_columns].format);
	}
	if (report->options.form)
		put_form(report, section, &shown);
	else
		table_print(&shown, 2, report->out);
	report->out->is_failed |= shown.is_failed;
	table_finish(&shown);
}

static void print_section(struct report *report, const struct report_section *section, const struct table *table)
{
	if (report->options.is_json) {
		strbuf_addf(report->out, ",\"%s\":", section->key);
		table_json(table, report->out);
	} else if (table_n_rows(table)) {
		if (!report->options.form)
			strbuf_addf(report->out, "\n%s\n", section->title);
		if (section->introduce && !report->options.form)
			section->introduce(report);
		print_table(report, section, table);
	} else if (section->empty && report->options.form) {
		put_form(report, section, NULL);
	} else if (section->empty) {
		strbuf_addf(report->out, "\n%s\n", section->empty);
	}
}

static int make_section(struct report *report, const struct report_section *section)
{
	struct table table;
	table_init(&table, section->columns, section->n_columns);
	int status = section->fill(report, &table);
	if (status == STATUS_OK && table.is_failed)
		status = error_set(report->error, STATUS_NO_MEMORY, "no memory for the report");
	if (status == STATUS_OK)
		print_section(report, section, &table);
	table_finish(&table);
	return status;
}

/* What the sections are made from. */
static int analyse(struct report *report)
{
	struct db *db = report->trace->db;
	int64_t run = report->run->id;
	int status = critical_run_count(db, run, &report->n_ops, report->error);
	bool is_exact = report->options.is_exact || report->n_ops <= REPORT_UNASKED_OPS;
	if (status == STATUS_OK)
		status = report_count_kept(report);
	if (status == STATUS_OK)
		status = warmup_marked(db, run, &report->n_warmup, report->error);
	if (status == STATUS_OK)
		status = split_make(report->trace, run, report->error, &report->split);
	if (status == STATUS_OK && report->options.has_execution)
		return report_find_path(report);
	if (status == STATUS_OK)
		status = opstats_make(report->trace, run, report->options.n_slowest, is_exact, report->error, &report->stats);
	if (status == STATUS_OK)
		status = report_find(report);
	return status;
}

static void release(struct report *report)
{
	split_finish(&report->split);
	opstats_finish(&report->stats);
	blame_findings_finish(&report->findings);
	whatif_finish(&report->whatif);
	critical_path_finish(&report->path);
}

static bool is_imported(const struct report *report)
{
	return strcmp(report->run->mode, "imported") == 0;
}

static int put_header(struct report *report)
{
	return is_imported(report) ? report_device_header(report) : report_header(report);
}

static const struct report_section *const *sections_of(const struct report *report)
{
	if (is_imported(report))
		return report->options.is_json ? report_device_json : report_device_text;
	return report->options.has_execution ? one_execution : whole_report;
}

/* What stands above the sections, in a form. */
static int begin_form(struct report *report)
{
	struct strbuf head = STRBUF_INIT, title = STRBUF_INIT, *out = report->out;
	report->out = &head;
	int status = put_header(report);
	report->out = out;
	strbuf_addf(&title, "tandem report: %s", report_file_name(report, report->trace->file));
	if (status == STATUS_OK)
		report->options.form->begin(out, strbuf_text(&title), strbuf_text(&head), report->options.picture);
	out->is_failed |= head.is_failed || title.is_failed;
	strbuf_finish(&head);
	strbuf_finish(&title);
	return status;
}

int report_make(const struct trace *trace, const struct trace_run *run, const struct report_options *options,
	struct strbuf *out, struct error *error)
{
	struct report report = { .trace = trace, .run = run, .out = out, .error = error };
	if (options)
		report.options = *options;
	report.options.n_slowest = report.options.n_slowest ? report.options.n_slowest : 3;
	report.options.n_stalls = report.options.n_stalls ? report.options.n_stalls : 5;
	const struct report_section *const *sections = sections_of(&report);
	int status = is_imported(&report) ? STATUS_OK : analyse(&report);
	if (status == STATUS_OK)
		status = report.options.form ? begin_form(&report) : put_header(&report);
	for (size_t i = 0; status == STATUS_OK && sections[i]; i++)
		status = make_section(&report, sections[i]);
	if (status == STATUS_OK && report.options.is_json)
		strbuf_add(out, "}\n");
	if (status == STATUS_OK && report.options.form)
		report.options.form->end(out);
	if (status == STATUS_OK && out->is_failed)
		status = error_set(error, STATUS_NO_MEMORY, "no memory for the report");
	release(&report);
	return status;
}
