/* SPDX-License-Identifier: Apache-2.0
 *
 * report_header: what ran, how it ended, how fast it was; and what a reader must know before any number.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/base/units.h"
#include "traces/report_private.h"

struct latency {
	int64_t n, median_ns, p99_ns, max_ns;
};

static int by_length(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

static int measure_latency(struct report *report, struct latency *latency)
{
	struct db_stmt *stmt = NULL;
	bool has_row = false;
	int64_t *values = malloc((size_t)(report->run->n_finished + 1) * sizeof(*values));
	if (!values)
		return error_set(report->error, STATUS_NO_MEMORY, "no memory for the executions of the trace");
	int status = db_prepare(report->trace->db, "SELECT end_ns - start_ns FROM execution WHERE run = ? AND end_ns IS NOT NULL"
		" AND start_ns IS NOT NULL AND NOT is_warmup LIMIT ?", NULL, report->error, &stmt);
	if (status == STATUS_OK) {
		db_bind_int(stmt, 1, report->run->id);
		db_bind_int(stmt, 2, report->run->n_finished);
	}
	while (status == STATUS_OK && (status = db_step(stmt, &has_row, report->error)) == STATUS_OK && has_row)
		values[latency->n++] = db_column_int(stmt, 0);
	db_finish(stmt);
	qsort(values, (size_t)latency->n, sizeof(*values), by_length);
	latency->median_ns = opstats_quantile(values, latency->n, 0.5);
	latency->p99_ns = opstats_quantile(values, latency->n, 0.99);
	latency->max_ns = opstats_quantile(values, latency->n, 1);
	free(values);
	return status;
}

static double throughput(const struct report *report)
{
	const struct trace_run *run = report->run;
	if (report->findings.period_ns > 0)
		return 1e9 / (double)report->findings.period_ns;
	int64_t ns = run->last_finish_ns - run->first_submit_ns;
	return run->has_results && ns > 0 ? 1e9 * (double)run->n_finished / (double)ns : 0;
}

const char *report_file_name(const struct report *report, const char *file)
{
	const char *slash = strrchr(file, '/');
	return report->options.form && !report->options.shows_private && slash ? slash + 1 : file;
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

static void print_lanes(struct report *report)
{
	strbuf_add(report->out, "\nworkers:");
	for (int i = 0; i < report->split.n_lanes; i++) {
		strbuf_add(report->out, i ? ", " : " ");
		strbuf_add_printable(report->out, report->split.lanes[i].name);
	}
	strbuf_addf(report->out, "; at most %lld in flight\n", (long long)report->run->in_flight);
}

static int print_header(struct report *report, const struct latency *latency)
{
	const struct trace_run *run = report->run;
	char text[3][40];
	strbuf_add_printable(report->out, report_file_name(report, report->trace->file));
	strbuf_addf(report->out, ": run %lld, %s, graph ", (long long)run->id, run->mode);
	strbuf_add_printable(report->out, run->graph);
	if (run->graph_file) {
		strbuf_add(report->out, " (");
		strbuf_add_printable(report->out, report_file_name(report, run->graph_file));
		strbuf_add(report->out, ")");
	}
	print_lanes(report);
	strbuf_addf(report->out, "%lld executions%s, %lld finished, %lld failed; %s from start to end",
		(long long)run->n_submitted, report->is_partly ? "" : " recorded", (long long)run->n_finished, (long long)run->n_failed,
		units_duration(run->end_ns - run->start_ns, text[0], sizeof(text[0])));
	if (run->has_executions)
		strbuf_addf(report->out, ", of which %s before the first was submitted",
			units_duration(run->first_submit_ns - run->start_ns, text[1], sizeof(text[1])));
	strbuf_add(report->out, "\n");
	int status = report_print_kept(report);
	if (status == STATUS_OK)
		status = report_print_postmortems(report);
	if (latency->n)
		strbuf_addf(report->out, "latency: median %s, p99 %s, max %s; %.1f executions/s\n",
			units_duration(latency->median_ns, text[0], sizeof(text[0])),
			units_duration(latency->p99_ns, text[1], sizeof(text[1])),
			units_duration(latency->max_ns, text[2], sizeof(text[2])), throughput(report));
	if (report->n_warmup)
		strbuf_addf(report->out, "warm-up: the first %lld executions are left out of all but where time went and stalls\n",
			(long long)report->n_warmup);
	if (!report->stats.is_exact)
		strbuf_addf(report->out, "%lld ops: from the sums kept while recording; --exact goes through all of them\n",
			(long long)report->n_ops);
	print_warnings(report);
	return status;
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
	json_int(out, "recorded", true, report->n_kept);
	json_int(out, "partial", true, report->n_partial);
	json_int(out, "latency_median_ns", latency->n > 0, latency->median_ns);
	json_int(out, "latency_p99_ns", latency->n > 0, latency->p99_ns);
	json_int(out, "latency_max_ns", latency->n > 0, latency->max_ns);
	strbuf_addf(out, ",\"executions_per_s\":%.9g", throughput(report));
	json_int(out, "warmup", true, report->n_warmup);
	strbuf_addf(out, ",\"exact\":%s", report->stats.is_exact ? "true" : "false");
	json_int(out, "period_ns", report->has_findings && report->findings.period_ns > 0, report->findings.period_ns);
	if (report->has_findings && report->whatif.period_ns > 0)
		strbuf_addf(out, ",\"model_period_ns\":%.9g", report->whatif.period_ns);
	else
		strbuf_add(out, ",\"model_period_ns\":null");
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

int report_header(struct report *report)
{
	struct latency latency = { 0 };
	int status = measure_latency(report, &latency);
	if (status != STATUS_OK)
		return status;
	if (report->options.is_json)
		json_header(report, &latency);
	else
		status = print_header(report, &latency);
	if (status == STATUS_OK)
		status = print_private(report);
	if (report->options.is_json)
		strbuf_add(report->out, "}");
	return status;
}
