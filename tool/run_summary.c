/* SPDX-License-Identifier: Apache-2.0
 *
 * run_summary: counts, throughput, latency, and where the trace is.
 */
#include "tool/run_summary.h"

#include <inttypes.h>

#include "engine/base/table.h"
#include "engine/base/units.h"

static double rate_per_second(const struct run_loop *loop)
{
	return loop->elapsed_ns > 0 ? (double)loop->n_done * 1e9 / (double)loop->elapsed_ns : 0;
}

static void add_latency(const struct histogram *latency, struct strbuf *out)
{
	char p50[32], p99[32], least[32], most[32];
	strbuf_addf(out, "latency: p50 %s, p99 %s, least %s, most %s\n",
		units_duration(histogram_quantile(latency, 0.5), p50, sizeof p50),
		units_duration(histogram_quantile(latency, 0.99), p99, sizeof p99),
		units_duration(latency->least, least, sizeof least), units_duration(latency->most, most, sizeof most));
}

static const char *plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

static void add_run(const struct run_summary *summary, bool names_mode, struct strbuf *out)
{
	const struct run_loop *loop = summary->loop;
	char elapsed[32];
	strbuf_add_printable(out, summary->graph);
	if (names_mode)
		strbuf_addf(out, ", %s", summary->mode);
	strbuf_addf(out, ": %" PRIu64 " execution%s in %s, %.4g/s", loop->n_done, plural(loop->n_done),
		units_duration(loop->elapsed_ns, elapsed, sizeof elapsed), rate_per_second(loop));
	if (loop->n_failed)
		strbuf_addf(out, "; %" PRIu64 " failed", loop->n_failed);
	if (loop->n_done < loop->n_executions)
		strbuf_addf(out, "; ended before the other %" PRIu64, loop->n_executions - loop->n_done);
	strbuf_add(out, "\n");
	if (loop->latency.n)
		add_latency(&loop->latency, out);
	if (summary->driver->n_killed_workers)
		strbuf_addf(out, "%d worker%s had to be killed at the end: an op did not return within the grace\n",
			summary->driver->n_killed_workers, plural((uint64_t)summary->driver->n_killed_workers));
	if (summary->trace && summary->driver->n_lost_records)
		strbuf_addf(out, "%" PRIu64 " record%s lost; the trace says why\n", summary->driver->n_lost_records,
			summary->driver->n_lost_records == 1 ? " was" : "s were");
}

void run_summary_text(const struct run_summary *summaries, int n, struct strbuf *out)
{
	for (int i = 0; i < n; i++)
		add_run(&summaries[i], n > 1, out);
	if (!summaries[0].trace)
		return;
	strbuf_add(out, "trace: ");
	strbuf_add_printable(out, summaries[0].trace);
	strbuf_addf(out, "   next: tandem %s ", n > 1 ? "compare" : "report");
	strbuf_add_printable(out, summaries[0].trace);
	strbuf_add(out, "\n");
}

static const struct table_column columns[] = {
	{ "graph", TABLE_TEXT }, { "mode", TABLE_TEXT }, { "executions", TABLE_INT }, { "finished", TABLE_INT },
	{ "failed", TABLE_INT }, { "elapsed_ns", TABLE_NS }, { "per_second", TABLE_REAL }, { "p50_ns", TABLE_NS },
	{ "p99_ns", TABLE_NS }, { "least_ns", TABLE_NS }, { "most_ns", TABLE_NS }, { "lost_records", TABLE_INT },
	{ "killed_workers", TABLE_INT }, { "teardown_ns", TABLE_NS }, { "trace", TABLE_TEXT },
};

static void add_row(const struct run_summary *summary, struct table *table)
{
	const struct run_loop *loop = summary->loop;
	table_text(table, summary->graph);
	table_text(table, summary->mode);
	table_int(table, (int64_t)loop->n_executions);
	table_int(table, (int64_t)loop->n_done);
	table_int(table, (int64_t)loop->n_failed);
	table_int(table, loop->elapsed_ns);
	table_real(table, rate_per_second(loop));
	int64_t latencies[] = { histogram_quantile(&loop->latency, 0.5), histogram_quantile(&loop->latency, 0.99),
		loop->latency.least, loop->latency.most };
	for (size_t i = 0; i < ARRAY_LEN(latencies); i++)
		loop->latency.n ? table_int(table, latencies[i]) : table_null(table);
	table_int(table, (int64_t)summary->driver->n_lost_records);
	table_int(table, summary->driver->n_killed_workers);
	table_int(table, summary->driver->teardown_ns);
	table_text(table, summary->trace);
}

void run_summary_json(const struct run_summary *summaries, int n, struct strbuf *out)
{
	struct table table;
	table_init(&table, columns, ARRAY_LEN(columns));
	for (int i = 0; i < n; i++)
		add_row(&summaries[i], &table);
	table_json_document(&table, out);
	table_finish(&table);
}
