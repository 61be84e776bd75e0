/* SPDX-License-Identifier: Apache-2.0
 *
 * report_device: the report of an imported trace: what was read and how well, findings, where the time of devices went,
 * kernels, calls, copies. All from tables that the import stored.
 */
#include <string.h>

#include "engine/base/units.h"
#include "traces/report_private.h"

#define SECTION(list) list, ARRAY_LEN(list)

/* -- the head --------------------------------------------------------------------------------------------------------------- */

static void text_header(struct report *report, int64_t n_devices, int64_t n_spans)
{
	const struct trace_run *run = report->run;
	char text[40];
	strbuf_add_printable(report->out, report->trace->file);
	strbuf_addf(report->out, ": imported from ");
	strbuf_add_printable(report->out, run->graph);
	strbuf_addf(report->out, "; %lld spans in %s, %lld device%s with work\n", (long long)n_spans,
		units_duration(run->end_ns - run->start_ns, text, sizeof text), (long long)n_devices, n_devices == 1 ? "" : "s");
	if (strcmp(run->status, "ok") != 0) {
		strbuf_addf(report->out, "DAMAGED SOURCE: ");
		strbuf_add_printable(report->out, run->message ? run->message : run->status);
		strbuf_add(report->out, "\n");
	}
	if (!n_devices)
		strbuf_add(report->out, "NO DEVICE WORK was recorded: nothing can be said about devices from this trace\n");
}

static void json_header(struct report *report, int64_t n_devices, int64_t n_spans)
{
	const struct trace_run *run = report->run;
	struct strbuf *out = report->out;
	strbuf_addf(out, "{\"run\":{\"id\":%lld,\"mode\":\"imported\",\"graph\":\"", (long long)run->id);
	strbuf_add_json(out, run->graph);
	strbuf_add(out, "\",\"status\":\"");
	strbuf_add_json(out, run->status);
	strbuf_addf(out, "\",\"start_ns\":%lld,\"duration_ns\":%lld,\"devices\":%lld,\"spans\":%lld}", (long long)run->start_ns,
		(long long)(run->end_ns - run->start_ns), (long long)n_devices, (long long)n_spans);
}

int report_device_header(struct report *report)
{
	struct strbuf sql = STRBUF_INIT;
	int64_t n_devices = 0, n_spans = 0;
	strbuf_addf(&sql, "SELECT count(*) FROM gpu_device WHERE run = %lld", (long long)report->run->id);
	int status = db_get_int(report->trace->db, strbuf_text(&sql), &n_devices, report->error);
	strbuf_clear(&sql);
	strbuf_addf(&sql, "SELECT coalesce(sum(s.n), 0) FROM summary s JOIN lane l ON l.id = s.lane WHERE l.run = %lld AND s.node = 0",
		(long long)report->run->id);
	if (status == STATUS_OK)
		status = db_get_int(report->trace->db, strbuf_text(&sql), &n_spans, report->error);
	strbuf_finish(&sql);
	if (status != STATUS_OK)
		return status;
	if (report->options.is_json)
		json_header(report, n_devices, n_spans);
	else
		text_header(report, n_devices, n_spans);
	return STATUS_OK;
}

/* -- what was read ---------------------------------------------------------------------------------------------------------- */

static const struct table_column source_columns[] = {
	{ "file", TABLE_TEXT }, { "kind", TABLE_TEXT }, { "version", TABLE_TEXT }, { "rank", TABLE_INT }, { "bytes", TABLE_BYTES },
	{ "events", TABLE_INT }, { "spans", TABLE_INT }, { "problems", TABLE_INT }, { "cut", TABLE_TEXT }, { "clock moved by", TABLE_NS },
	{ "sure to", TABLE_NS },
};

static int fill_sources(struct report *report, struct table *table)
{
	return report_fill_by_sql(report, table, "SELECT file, kind, version, rank, n_bytes, n_events, n_rows, n_problems,"
		" CASE WHEN is_cut THEN 'CUT' END, offset_ns, uncertainty_ns FROM v_source WHERE run = ? ORDER BY source", 0);
}

static const struct table_column problem_columns[] = {
	{ "file", TABLE_TEXT }, { "what could not be read", TABLE_TEXT }, { "count", TABLE_INT }, { "first at", TABLE_INT },
};

static int fill_problems(struct report *report, struct table *table)
{
	return report_fill_by_sql(report, table, "SELECT file, cause, n, first_place FROM v_problem WHERE run = ? ORDER BY n DESC", 0);
}

/* -- findings --------------------------------------------------------------------------------------------------------------- */

static const struct table_column finding_columns[] = {
	{ "finding", TABLE_TEXT }, { "devices", TABLE_INT }, { "worst on", TABLE_TEXT }, { "what was found there", TABLE_TEXT },
	{ "warned from", TABLE_TEXT },
};

static int fill_findings(struct report *report, struct table *table)
{
	return report_fill_by_sql(report, table,
		"SELECT replace(kind, '_', ' '), n_devices, device, text, CASE WHEN unit LIKE 'of %' THEN"
		" printf('%g %% %s', 100 * threshold, unit) ELSE printf('%g %s', threshold, unit) END FROM (SELECT *, "
		"count(device) OVER (PARTITION BY"
		" kind) AS n_devices, row_number() OVER (PARTITION BY kind ORDER BY value DESC, device) AS place FROM "
		"v_finding WHERE run = ?"
		" AND severity <> 'info') WHERE place = 1 ORDER BY value / nullif(threshold, 0) DESC, kind",
		0);
}

static void introduce_findings(struct report *report)
{
	strbuf_add(report->out, "  one row a finding, for the device where it is worst; all, and the SQL that lists their spans: view v_finding\n");
}

static const struct table_column all_finding_columns[] = {
	{ "device", TABLE_TEXT }, { "finding", TABLE_TEXT }, { "severity", TABLE_TEXT }, { "value", TABLE_REAL }, { "threshold", TABLE_REAL },
	{ "unit", TABLE_TEXT }, { "count", TABLE_INT }, { "span", TABLE_INT }, { "text", TABLE_TEXT }, { "query", TABLE_TEXT },
};

static int fill_all_findings(struct report *report, struct table *table)
{
	return report_fill_by_sql(report, table, "SELECT device, kind, severity, value, threshold, unit, n, span, text, query FROM v_finding"
		" WHERE run = ?", 0);
}

/* -- devices ---------------------------------------------------------------------------------------------------------------- */

static const struct table_column split_columns[] = {
	{ "device", TABLE_TEXT }, { "kind", TABLE_TEXT }, { "time", TABLE_NS }, { "share", TABLE_SHARE },
};

/* What is too small to see is left out of text, unknown never. */
static int fill_split(struct report *report, struct table *table)
{
	return report_fill_by_sql(report, table, "SELECT lane, kind, ns, share FROM v_time_split WHERE run = ?1 AND side = 'device'"
		" AND (?3 OR kind = 'unknown' OR share >= 0.0005) ORDER BY lane, kind = 'unknown', ns DESC, kind", 0);
}

static void introduce_split(struct report *report)
{
	strbuf_add(report->out, "  shares are of the whole window; what a kind means: doc/device-time.md\n");
}

static const struct table_column device_columns[] = {
	{ "device", TABLE_TEXT }, { "work", TABLE_INT }, { "unlinked", TABLE_INT }, { "span", TABLE_NS }, { "busy", TABLE_NS },
	{ "busy of span", TABLE_SHARE }, { "compute", TABLE_NS }, { "collective", TABLE_NS }, { "hidden of collective", TABLE_SHARE },
	{ "exposed collective", TABLE_NS }, { "copies", TABLE_NS }, { "exposed copies", TABLE_NS },
};

static int fill_devices(struct report *report, struct table *table)
{
	return report_fill_by_sql(report, table, "SELECT name, n, n_unlinked, last_ns - first_ns, busy_ns, CAST(busy_ns AS REAL) / nullif(last_ns -"
		" first_ns, 0), compute_ns, collective_ns, CAST(hidden_ns AS REAL) / nullif(collective_ns, 0), exposed_ns, copy_ns, exposed_copy_ns"
		" FROM gpu_device WHERE run = ? ORDER BY device", 0);
}

static const struct table_column launch_columns[] = {
	{ "device", TABLE_TEXT }, { "launched kernels", TABLE_INT }, { "begun at once", TABLE_SHARE }, { "shorter than call", TABLE_SHARE },
};

static int fill_launches(struct report *report, struct table *table)
{
	return report_fill_by_sql(report, table, "SELECT name, n_kernels, CAST(n_prompt AS REAL) / nullif(n_kernels, 0), CAST(n_short AS REAL) /"
		" nullif(n_kernels, 0) FROM gpu_device WHERE run = ? AND n_kernels > 0 ORDER BY device", 0);
}

static void introduce_launches(struct report *report)
{
	strbuf_add(report->out, "  shares are of the launched kernels; at once: within 10 µs of the call's return\n");
}

static const struct table_column stream_columns[] = {
	{ "stream", TABLE_TEXT }, { "work", TABLE_INT }, { "busy", TABLE_NS }, { "host wait", TABLE_NS }, { "kernel wait", TABLE_NS },
	{ "other wait", TABLE_NS }, { "unlinked wait", TABLE_NS },
};

static int fill_streams(struct report *report, struct table *table)
{
	return report_fill_by_sql(report, table, "SELECT l.name, s.n, s.busy_ns, s.host_ns, s.kernel_ns, s.other_ns, s.unlinked_ns FROM gpu_stream s"
		" JOIN lane l ON l.id = s.lane WHERE s.run = ?1 ORDER BY s.busy_ns DESC LIMIT CASE WHEN ?3 THEN -1 ELSE 8 END", 0);
}

/* The long ones in the middle, where templates have the least to say. */
#define SHORT_NAME(text) "CASE WHEN ?3 OR length(" text ") <= 80 THEN " text " ELSE substr(" text ", 1, 58) || '…' || substr(" text ", -21) END"

static const struct table_column gap_columns[] = {
	{ "device", TABLE_TEXT }, { "at", TABLE_NS }, { "idle", TABLE_NS }, { "mostly", TABLE_TEXT }, { "of it", TABLE_NS }, { "before", TABLE_TEXT },
	{ "span", TABLE_INT },
};

static int fill_gaps(struct report *report, struct table *table)
{
	return report_fill_by_sql(report, table, "SELECT g.device, g.start_ns - r.start_ns, g.duration_ns, g.kind, g.kind_ns, " SHORT_NAME("t.text")
		", g.after FROM v_gap g JOIN run r ON r.id = g.run LEFT JOIN span s ON s.id = g.after LEFT JOIN string t ON t.id = s.name"
		" WHERE g.run = ?1 ORDER BY g.duration_ns DESC, g.after LIMIT CASE WHEN ?3 THEN -1 ELSE ?2 END", report->options.n_stalls);
}

/* -- sums by name ----------------------------------------------------------------------------------------------------------- */

static const struct table_column kernel_columns[] = {
	{ "device", TABLE_TEXT }, { "kernel", TABLE_TEXT }, { "count", TABLE_INT }, { "total", TABLE_NS }, { "mean", TABLE_NS }, { "max", TABLE_NS },
	{ "of busy", TABLE_SHARE },
};

static int fill_kernels(struct report *report, struct table *table)
{
	return report_fill_by_sql(report, table, "SELECT device, " SHORT_NAME("name") ", n, ns, ns / n, max_ns, share FROM (SELECT d.name AS device,"
		" d.device AS id, coalesce(t.text, 'a graph') AS name, k.n, k.ns, k.max_ns, CAST(k.ns AS REAL) / nullif(d.busy_ns, 0) AS share,"
		" row_number() OVER (PARTITION BY k.device ORDER BY k.ns DESC, t.text) AS place FROM gpu_kernel k JOIN gpu_device d ON"
		" d.device = k.device LEFT JOIN string t ON t.id = k.name WHERE k.run = ?1) WHERE ?3 OR place <= ?2 ORDER BY id, ns DESC, name",
		2 * (int64_t)report->options.n_stalls);
}

static void introduce_kernels(struct report *report)
{
	strbuf_add(report->out, "  shares are of the device's busy time; kernels that run side by side can sum to more\n");
}

static const struct table_column call_columns[] = {
	{"process", TABLE_TEXT},
	{"call", TABLE_TEXT},
	{"class", TABLE_TEXT},
	{"count", TABLE_INT},
	{"total", TABLE_NS},
	{"mean", TABLE_NS},
	{"max", TABLE_NS},
};

static int fill_calls(struct report *report, struct table *table)
{
	return report_fill_by_sql(report, table, "SELECT coalesce('rank ' || p.rank, p.pid, p.name), t.text, replace(a.word, '_', ' '), c.n, c.ns,"
		" c.ns / c.n, c.max_ns FROM gpu_call c JOIN process p ON p.id = c.process LEFT JOIN string t ON t.id = c.name"
		" LEFT JOIN api_class a ON a.id = c.class + 1 WHERE c.run = ?1 ORDER BY c.ns DESC, t.text LIMIT CASE WHEN ?3 THEN -1 ELSE ?2 END",
		2 * (int64_t)report->options.n_stalls);
}

static const struct table_column copy_columns[] = {
	{"device", TABLE_TEXT},
	{"copy", TABLE_TEXT},
	{"count", TABLE_INT},
	{"bytes", TABLE_BYTES},
	{"total", TABLE_NS},
	{"max", TABLE_NS},
	{"GB/s", TABLE_REAL},
};

static int fill_copies(struct report *report, struct table *table)
{
	return report_fill_by_sql(report, table,
		"SELECT d.name, CASE WHEN c.is_memset THEN 'memset' ELSE coalesce(t.text, 'a copy') END, c.n, c.bytes,"
		" c.ns, c.max_ns, CAST(c.bytes AS REAL) / nullif(c.ns, 0) FROM gpu_copy c JOIN gpu_device d ON d.device = "
		"c.device"
		" LEFT JOIN string t ON t.id = c.kind WHERE c.run = ? ORDER BY d.device, c.ns DESC, t.text",
		0);
}

/* -- iterations ------------------------------------------------------------------------------------------------------------- */

static const struct table_column iteration_columns[] = {
	{"iteration", TABLE_INT},
	{"rank", TABLE_INT},
	{"process", TABLE_INT},
	{"name", TABLE_TEXT},
	{"duration", TABLE_NS},
	{"above the usual", TABLE_NS},
	{"by", TABLE_TEXT},
	{"work", TABLE_INT},
	{"busy", TABLE_NS},
};

static int fill_iterations(struct report *report, struct table *table)
{
	return report_fill_by_sql(report, table,
		"SELECT execution, rank, CASE WHEN rank IS NULL THEN process END, name, duration_ns, over_ns, why, n_work, "
		"busy_ns FROM v_iteration WHERE run = ?1"
		" ORDER BY over_ns DESC, execution LIMIT CASE WHEN ?3 THEN -1 ELSE ?2 END",
		report->options.n_slowest);
}

static const struct table_column straggler_columns[] = {
	{ "rank", TABLE_INT }, { "device", TABLE_TEXT }, { "collectives", TABLE_INT }, { "came last in", TABLE_INT }, { "cost the others", TABLE_NS },
	{ "waited itself", TABLE_NS },
};

static int fill_stragglers(struct report *report, struct table *table)
{
	return report_fill_by_sql(report, table, "SELECT rank, device, n_collectives, n_last, cost_ns, waited_ns FROM v_straggler WHERE run = ?1"
		" AND (SELECT count(*) FROM v_straggler WHERE run = ?1) > 1 ORDER BY cost_ns DESC, device", 0);
}

static const struct report_section sources = { "sources", "Read from", NULL, SECTION(source_columns), fill_sources, NULL };
static const struct report_section problems = { "problems", "COULD NOT BE READ: what follows is without it", NULL, SECTION(problem_columns),
	fill_problems, NULL };
static const struct report_section findings = { "findings", "Findings", "No finding is above its threshold.", SECTION(finding_columns),
	fill_findings, introduce_findings };
static const struct report_section all_findings = { "findings", "Findings", NULL, SECTION(all_finding_columns), fill_all_findings, NULL };
static const struct report_section split = { "time_split", "Where time went, devices (each device's rows sum to 100 %)",
	"Nothing was recorded of any device.", SECTION(split_columns), fill_split, introduce_split };
static const struct report_section devices = { "devices", "Devices", NULL, SECTION(device_columns), fill_devices, NULL };
static const struct report_section launches = { "launches", "Launches", NULL, SECTION(launch_columns), fill_launches, introduce_launches };
static const struct report_section streams = { "streams", "Streams, with the waits between their pieces of work", NULL, SECTION(stream_columns),
	fill_streams, NULL };
static const struct report_section gaps = { "gaps", "Longest idle stretches", NULL, SECTION(gap_columns), fill_gaps, NULL };
static const struct report_section kernels = { "kernels", "Kernels, by total time", NULL, SECTION(kernel_columns), fill_kernels,
	introduce_kernels };
static const struct report_section calls = { "calls", "Calls, by total time", NULL, SECTION(call_columns), fill_calls, NULL };
static const struct report_section copies = { "copies", "Copies", NULL, SECTION(copy_columns), fill_copies, NULL };
static const struct report_section stragglers = { "stragglers", "Stragglers: who came last to collectives", NULL, SECTION(straggler_columns),
	fill_stragglers, NULL };
static const struct report_section iterations = { "iterations", "Slowest iterations", NULL, SECTION(iteration_columns), fill_iterations, NULL };

const struct report_section *const report_device_text[] = { &sources, &problems, &findings, &split, &devices, &launches, &streams, &gaps, &kernels,
	&calls, &copies, &iterations, &stragglers, NULL };
const struct report_section *const report_device_json[] = { &sources, &problems, &all_findings, &split, &devices, &launches, &streams, &gaps,
	&kernels, &calls, &copies, &iterations, &stragglers, NULL };
