/* SPDX-License-Identifier: Apache-2.0
 *
 * bench_report: the report of a long imported trace from what is stored in it, beside a bare scan of its spans.
 * Times are the thread's CPU time: what else runs on the machine is not counted.
 */
#include <math.h>
#include <time.h>

#include "engine/base/clock.h"
#include "tool/bench_chain.h"
#include "tool/bench_run.h"
#include "tool/interrupt.h"
#include "tool/progress.h"
#include "traces/report.h"
#include "traces/timeline_bench.h"

#define N_SPANS 10000000
#define N_SPANS_QUICK 100000
#define REPORT_TARGET_S 2

static double cpu_s(void)
{
	struct timespec time;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static bool tell(void *user, double share)
{
	struct progress *progress = user;
	progress_update(progress, (uint64_t)(share * (double)progress->total), clock_now().ns);
	return !interrupt_signal();
}

static int make_trace(const char *file, int64_t n_spans, struct error *error)
{
	struct progress progress;
	progress_init(&progress, "spans", (uint64_t)n_spans, false);
	int status = timeline_bench_import(file, n_spans, tell, &progress, error);
	progress_finish(&progress);
	return status;
}

/* From opening the file on, as the command does it. */
static int time_report(const char *file, double *ret_s, struct error *error)
{
	struct trace *trace = NULL;
	struct strbuf out = STRBUF_INIT;
	double start_s = cpu_s();
	int status = trace_open(file, error, &trace);
	if (status == STATUS_OK)
		status = report_make(trace, trace_find_run(trace, 0), NULL, &out, error);
	*ret_s = cpu_s() - start_s;
	strbuf_finish(&out);
	trace_close(trace);
	return status;
}

static int time_scan(const char *file, double *ret_s, struct error *error)
{
	struct trace *trace = NULL;
	int64_t ns = 0;
	double start_s = cpu_s();
	int status = trace_open(file, error, &trace);
	if (status == STATUS_OK)
		status = db_get_int(trace->db, "SELECT sum(duration_ns) FROM span", &ns, error);
	*ret_s = cpu_s() - start_s;
	trace_close(trace);
	return status;
}

static int run_report(const struct bench_options *options, struct bench_rows *rows, struct error *error)
{
	const char *file = bench_trace_file();
	double report_s = 0, scan_s = 0;
	int64_t n_spans = options->n_spans ? options->n_spans : options->is_quick ? N_SPANS_QUICK : N_SPANS;
	int status = make_trace(file, n_spans, error);
	if (status == STATUS_OK)
		status = time_report(file, &report_s, error);
	if (status == STATUS_OK)
		status = time_scan(file, &scan_s, error);
	if (status == STATUS_OK) {
		bench_row(rows, "report of an import", report_s, "s", BENCH_LOWER, NAN, REPORT_TARGET_S);
		bench_row(rows, "the same beside a scan", report_s, "s", BENCH_LOWER, scan_s, NAN);
	}
	bench_trace_remove();
	return status;
}

const struct bench bench_report = { "report", "the report of an imported trace of 10 million spans, beside a scan of them", run_report };
