/* SPDX-License-Identifier: Apache-2.0
 *
 * report: the sections, each a title, a table and the sentence for when it is empty. Text and JSON print the same tables.
 */
#include "traces/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/base/table.h"
#include "engine/base/units.h"
#include "traces/opstats.h"
#include "traces/split.h"

#define REPORT_LOG_ROWS 20

struct report {
	const struct trace *trace;
	const struct trace_run *run;
	struct report_options options;
	struct split split;
	struct opstats stats;
	struct strbuf *out;
	struct error *error;
};

/* One table of the report. */
struct section {
	const char *key, *title;
	const char *empty;                 /* sentence in place of an empty table; NULL: the section is left out */
	const struct table_column *columns;
	int n_columns;
	int (*fill)(struct report *, struct table *);
};

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

/* Parameter 1 is the run, 2 (when there) `limit`. */
static int fill_by_sql(struct report *report, struct table *table, const char *sql, int64_t limit)
{
	struct db_stmt *stmt = NULL;
	bool has_row = false;
	int status = db_prepare(report->trace->db, sql, NULL, report->error, &stmt);
	if (status == STATUS_OK) {
		db_bind_int(stmt, 1, report->run->id);
		db_bind_int(stmt, 2, limit);
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
	return fill_by_sql(
		report, table, "SELECT worker, cause, n_records FROM v_loss WHERE run = ? ORDER BY n_records DESC", 0);
}

static const struct table_column stall_columns[] = {
	{ "worker", TABLE_TEXT }, { "cause", TABLE_TEXT }, { "edge", TABLE_TEXT }, { "peer", TABLE_TEXT },
	{ "node", TABLE_TEXT }, { "count", TABLE_INT }, { "total", TABLE_NS }, { "mean", TABLE_NS }, { "max", TABLE_NS },
};

static int fill_stalls(struct report *report, struct table *table)
{
	return fill_by_sql(report, table, "SELECT worker, cause, edge, peer, node, count(*), sum(duration_ns) AS total,"
		" sum(duration_ns) / count(*), max(duration_ns) FROM v_stall WHERE run = ?"
		" GROUP BY worker, cause, edge, peer, node ORDER BY total DESC LIMIT ?", report->options.n_stalls);
}

static const struct table_column failure_columns[] = {
	{ "execution", TABLE_INT }, { "node", TABLE_TEXT }, { "worker", TABLE_TEXT }, { "status", TABLE_TEXT },
	{ "text", TABLE_TEXT },
};

static int fill_failures(struct report *report, struct table *table)
{
	return fill_by_sql(report, table, "SELECT f.execution, n.name, w.name, s.word, f.text FROM failure f"
		" JOIN status s ON s.id = f.status LEFT JOIN node n ON n.id = f.node LEFT JOIN worker w ON w.id = n.worker"
		" WHERE f.run = ? ORDER BY f.execution, f.failure LIMIT ?", REPORT_LOG_ROWS);
}

static const struct table_column log_columns[] = {
	{ "time", TABLE_NS }, { "level", TABLE_TEXT }, { "worker", TABLE_TEXT }, { "text", TABLE_TEXT },
};

static int fill_log(struct report *report, struct table *table)
{
	return fill_by_sql(report, table, "SELECT g.time_ns - r.start_ns, g.level, w.name, g.text FROM log g"
		" JOIN run r ON r.id = g.run LEFT JOIN worker w ON w.id = g.worker"
		" WHERE g.run = ? AND g.level <> 'info' ORDER BY g.id LIMIT ?", REPORT_LOG_ROWS);
}

/* Devices of the host's own have no lanes: only those that worked by themselves are rows. */
static const struct table_column device_columns[] = {
	{ "device", TABLE_TEXT }, { "kind", TABLE_TEXT }, { "time", TABLE_NS }, { "share", TABLE_SHARE },
};

static int fill_devices(struct report *report, struct table *table)
{
	return fill_by_sql(
		report, table, "SELECT lane, kind, ns, share FROM v_time_split WHERE run = ? AND side = 'device'", 0);
}

/* -- tables filled by analysis
 * ------------------------------------------------------------------------------------------- */

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
			if (phase == PHASE_UNKNOWN || !lane->ns[phase])
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

static const struct table_column node_columns[] = {
	{ "node", TABLE_TEXT }, { "op", TABLE_TEXT }, { "worker", TABLE_TEXT }, { "count", TABLE_INT },
	{ "median compute", TABLE_NS }, { "p99 compute", TABLE_NS }, { "compute", TABLE_NS }, { "starved", TABLE_NS },
	{ "backpressure", TABLE_NS },
};

static int fill_nodes(struct report *report, struct table *table)
{
	for (int i = 0; i < report->stats.n_nodes; i++) {
		const struct opstats_node *node = &report->stats.nodes[i];
		table_text(table, node->name);
		table_text(table, node->op);
		table_text(table, node->worker);
		table_int(table, node->n);
		const int64_t times[] = { node->median_ns, node->p99_ns,
			node->sum_ns[OP_PHASE_COMPUTE] + node->sum_ns[OP_PHASE_COLLECTIVE], node->sum_ns[OP_PHASE_STARVED],
			node->sum_ns[OP_PHASE_BACKPRESSURE] };
		for (size_t k = 0; k < ARRAY_LEN(times); k++)
			table_int(table, times[k]);
	}
	return STATUS_OK;
}

static const struct table_column slow_columns[] = {
	{ "execution", TABLE_INT }, { "latency", TABLE_NS }, { "what was special", TABLE_TEXT },
};

static void describe_slow(const struct opstats_slow *slow, struct strbuf *text)
{
	char phase[40], mean[40];
	if (!slow->phase) {
		strbuf_add(text, "nothing in one node");
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
		describe_slow(slow, &text);
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
		table_real(table, channel->mean_fill);
		table_int(table, channel->max_fill);
	}
	return STATUS_OK;
}

#define SECTION(list) list, ARRAY_LEN(list)
static const struct section sections[] = {
	{ "losses", "LOST RECORDS: what follows is incomplete", NULL, SECTION(loss_columns), fill_losses },
	{ "failures", "Failed executions", NULL, SECTION(failure_columns), fill_failures },
	{ "time_split", "Where time went, host (each lane's rows sum to 100 %)", "No lanes were recorded.",
	  SECTION(split_columns), fill_split },
	{ "devices", "Where time went, devices", "Devices: none recorded (the host computed).", SECTION(device_columns),
	  fill_devices },
	{ "nodes", "Nodes", "No ops were recorded.", SECTION(node_columns), fill_nodes },
	{ "slowest", "Slowest executions", "No finished execution was recorded.", SECTION(slow_columns), fill_slowest },
	{ "stalls", "Stalls, by total time", "No worker waited long enough to be named.", SECTION(stall_columns),
	  fill_stalls },
	{ "channels", "Channels (messages written and not yet used by the last reader)", "No channels.",
	  SECTION(channel_columns), fill_channels },
	{ "log", "Warnings and errors", NULL, SECTION(log_columns), fill_log },
};

/* -- header
 * ---------------------------------------------------------------------------------------------------------------- */

struct latency {
	int64_t n, median_ns, p99_ns, max_ns;
};

static int measure_latency(struct report *report, struct latency *latency)
{
	static const char sql[] = "SELECT duration_ns FROM v_execution WHERE run = ?1 AND duration_ns IS NOT NULL"
		" ORDER BY duration_ns LIMIT 1 OFFSET ?2";
	struct db_stmt *stmt = NULL;
	bool has_row = false;
	int status = db_prepare(report->trace->db,
		"SELECT count(*) FROM v_execution WHERE run = ?1 AND duration_ns IS NOT NULL", NULL, report->error, &stmt);
	if (status == STATUS_OK) {
		db_bind_int(stmt, 1, report->run->id);
		status = db_step(stmt, &has_row, report->error);
		latency->n = status == STATUS_OK && has_row ? db_column_int(stmt, 0) : 0;
	}
	db_finish(stmt);
	stmt = NULL;
	if (status == STATUS_OK && latency->n)
		status = db_prepare(report->trace->db, sql, NULL, report->error, &stmt);
	const struct {
		double q;
		int64_t *ns;
	} quantiles[] = { { 0.5, &latency->median_ns }, { 0.99, &latency->p99_ns }, { 1, &latency->max_ns } };
	for (size_t i = 0; status == STATUS_OK && latency->n && i < ARRAY_LEN(quantiles); i++) {
		int64_t rank = (int64_t)(quantiles[i].q * (double)latency->n + 0.999999);
		db_bind_int(stmt, 1, report->run->id);
		db_bind_int(stmt, 2, rank < 1 ? 0 : rank - 1);
		status = db_step(stmt, &has_row, report->error);
		*quantiles[i].ns = status == STATUS_OK && has_row ? db_column_int(stmt, 0) : 0;
		db_reset(stmt);
	}
	db_finish(stmt);
	return status;
}

static double throughput(const struct trace_run *run)
{
	int64_t ns = run->last_finish_ns - run->first_submit_ns;
	return run->has_results && ns > 0 ? 1e9 * (double)run->n_finished / (double)ns : 0;
}

static bool is_running(const struct trace_run *run)
{
	return strcmp(run->status, "running") == 0;
}

/* What a reader must know before any number. */
static void print_warnings(struct report *report)
{
	const struct trace_run *run = report->run;
	if (!report->trace->is_finished)
		strbuf_add(report->out,
			"UNFINISHED: the collector was killed or is still writing; up to 100 ms at the end are not "
			"there.\n");
	if (report->trace->is_log_ignored)
		strbuf_add(report->out, "INCOMPLETE: the latest rows lie in a log beside the file that cannot be read here;"
			" copy both to a place where you may write.\n");
	if (!is_running(run) && strcmp(run->status, "ok") != 0) {
		strbuf_addf(report->out, "ENDED EARLY: %s", run->status);
		if (run->message) {
			strbuf_add(report->out, ": ");
			strbuf_add_printable(report->out, run->message);
		}
		strbuf_add(report->out, "\n");
	}
}

static void print_header(struct report *report, const struct latency *latency)
{
	const struct trace_run *run = report->run;
	char text[3][40];
	strbuf_add_printable(report->out, report->trace->file);
	strbuf_addf(report->out, ": run %lld, %s, graph ", (long long)run->id, run->mode);
	strbuf_add_printable(report->out, run->graph);
	if (run->graph_file) {
		strbuf_add(report->out, " (");
		strbuf_add_printable(report->out, run->graph_file);
		strbuf_add(report->out, ")");
	}
	strbuf_add(report->out, "\nworkers:");
	for (int i = 0; i < report->split.n_lanes; i++) {
		strbuf_add(report->out, i ? ", " : " ");
		strbuf_add_printable(report->out, report->split.lanes[i].name);
	}
	strbuf_addf(report->out, "; at most %lld in flight\n", (long long)run->in_flight);
	strbuf_addf(report->out, "%lld executions recorded, %lld finished, %lld failed; %s from start to end",
		(long long)run->n_submitted, (long long)run->n_finished, (long long)run->n_failed,
		units_duration(run->end_ns - run->start_ns, text[0], sizeof(text[0])));
	if (run->has_executions)
		strbuf_addf(report->out, ", of which %s before the first was submitted",
			units_duration(run->first_submit_ns - run->start_ns, text[1], sizeof(text[1])));
	strbuf_add(report->out, "\n");
	if (latency->n)
		strbuf_addf(report->out, "latency: median %s, p99 %s, max %s; %.1f executions/s\n",
			units_duration(latency->median_ns, text[0], sizeof(text[0])),
			units_duration(latency->p99_ns, text[1], sizeof(text[1])),
			units_duration(latency->max_ns, text[2], sizeof(text[2])), throughput(run));
	print_warnings(report);
}

static void json_text(struct strbuf *out, const char *key, const char *text)
{
	strbuf_addf(out, ",\"%s\":", key);
	if (!text) {
		strbuf_add(out, "null");
		return;
	}
	strbuf_add(out, "\"");
	strbuf_add_json(out, text);
	strbuf_add(out, "\"");
}

static void json_int(struct strbuf *out, const char *key, bool is_known, int64_t value)
{
	if (is_known)
		strbuf_addf(out, ",\"%s\":%lld", key, (long long)value);
	else
		strbuf_addf(out, ",\"%s\":null", key);
}

static void json_header(struct report *report, const struct latency *latency)
{
	const struct trace_run *run = report->run;
	struct strbuf *out = report->out;
	strbuf_addf(out, "{\"run\":{\"id\":%lld", (long long)run->id);
	json_text(out, "mode", run->mode);
	json_text(out, "graph", run->graph);
	json_text(out, "graph_file", run->graph_file);
	json_text(out, "status", run->status);
	json_text(out, "message", run->message);
	strbuf_addf(out, ",\"finished\":%s,\"log_ignored\":%s", report->trace->is_finished ? "true" : "false",
		report->trace->is_log_ignored ? "true" : "false");
	json_int(out, "start_ns", true, run->start_ns);
	json_int(out, "duration_ns", true, run->end_ns - run->start_ns);
	json_int(out, "first_submit_ns", run->has_executions, run->first_submit_ns);
	json_int(out, "last_finish_ns", run->has_results, run->last_finish_ns);
	json_int(out, "in_flight", true, run->in_flight);
	json_int(out, "submitted", true, run->n_submitted);
	json_int(out, "finished_executions", true, run->n_finished);
	json_int(out, "failed", true, run->n_failed);
	json_int(out, "latency_median_ns", latency->n > 0, latency->median_ns);
	json_int(out, "latency_p99_ns", latency->n > 0, latency->p99_ns);
	json_int(out, "latency_max_ns", latency->n > 0, latency->max_ns);
	strbuf_addf(out, ",\"executions_per_s\":%.9g", throughput(run));
}

static int print_private(struct report *report)
{
	static const char *const keys[] = { "command", "host" };
	if (!report->options.shows_private)
		return STATUS_OK;
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		char *value = NULL;
		int status = trace_run_meta(report->trace, report->run->id, keys[i], &value, report->error);
		if (status == STATUS_OK && !value)
			status = trace_meta(report->trace, keys[i], &value, report->error);
		if (status != STATUS_OK)
			return status;
		if (report->options.is_json)
			json_text(report->out, keys[i], value);
		else if (value) {
			strbuf_addf(report->out, "%s: ", keys[i]);
			strbuf_add_printable(report->out, value);
			strbuf_add(report->out, "\n");
		}
		free(value);
	}
	return STATUS_OK;
}

/* -- the whole
 * ------------------------------------------------------------------------------------------------------------- */

static void print_section(struct report *report, const struct section *section, const struct table *table)
{
	if (report->options.is_json) {
		strbuf_addf(report->out, ",\"%s\":", section->key);
		table_json(table, report->out);
	} else if (table_n_rows(table)) {
		strbuf_addf(report->out, "\n%s\n", section->title);
		table_print(table, 2, report->out);
	} else if (section->empty) {
		strbuf_addf(report->out, "\n%s\n", section->empty);
	}
}

static int make_section(struct report *report, const struct section *section)
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

static int make_header(struct report *report)
{
	struct latency latency = { 0 };
	int status = measure_latency(report, &latency);
	if (status != STATUS_OK)
		return status;
	if (report->options.is_json)
		json_header(report, &latency);
	else
		print_header(report, &latency);
	status = print_private(report);
	if (report->options.is_json)
		strbuf_add(report->out, "}");
	return status;
}

int report_make(const struct trace *trace, const struct trace_run *run, const struct report_options *options,
	struct strbuf *out, struct error *error)
{
	struct report report = { .trace = trace, .run = run, .out = out, .error = error };
	if (options)
		report.options = *options;
	report.options.n_slowest = report.options.n_slowest ? report.options.n_slowest : 5;
	report.options.n_stalls = report.options.n_stalls ? report.options.n_stalls : 10;
	int status = split_make(trace, run->id, error, &report.split);
	if (status == STATUS_OK)
		status = opstats_make(trace, run->id, report.options.n_slowest, error, &report.stats);
	if (status == STATUS_OK)
		status = make_header(&report);
	for (size_t i = 0; status == STATUS_OK && i < ARRAY_LEN(sections); i++)
		status = make_section(&report, &sections[i]);
	if (status == STATUS_OK && report.options.is_json)
		strbuf_add(out, "}\n");
	if (status == STATUS_OK && out->is_failed)
		status = error_set(error, STATUS_NO_MEMORY, "no memory for the report");
	split_finish(&report.split);
	opstats_finish(&report.stats);
	return status;
}
