/* SPDX-License-Identifier: Apache-2.0
 *
 * bench_view: the timeline of a long trace through the drawing path that the terminal takes: open, zoom through all levels, pan, jump, search.
 * Times are the thread's CPU time: what else runs on the machine is not counted.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "tool/bench_chain.h"
#include "tool/bench_run.h"
#include "tool/interrupt.h"
#include "tool/progress.h"
#include "traces/timeline_bench.h"
#include "viewers/app.h"

#define N_SPANS 10000000
#define N_SPANS_QUICK 1000000
#define WIDTH 200
#define HEIGHT 60
#define N_PANS 3   /* at each zoom, and as many jumps */
#define N_HITS_MAX 200

struct view_bench {
	struct config config;
	struct session *session;
	struct app *app;
	struct canvas canvas;
	unsigned state;
	const char *search;
	double worst_ms, sum_ms;
	int n_frames;
	struct error *error;
};

static double cpu_ms(void)
{
	struct timespec time;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
	return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

static double resident_mib(void)
{
	long n_pages = 0;
	FILE *file = fopen("/proc/self/statm", "r");
	if (!file || fscanf(file, "%*d %ld", &n_pages) != 1)
		n_pages = 0;
	if (file)
		fclose(file);
	return (double)n_pages * (double)sysconf(_SC_PAGESIZE) / (1 << 20);
}

/* -- the trace ----------------------------------------------------------------------------------------------------------------- */

static bool tell(void *user, double share)
{
	struct progress *progress = user;
	progress_update(progress, (uint64_t)(share * (double)progress->total), clock_now().ns);
	return !interrupt_signal();
}

static int make_trace(const char *file, int64_t n_spans, bool is_imported, struct error *error)
{
	struct progress progress;
	progress_init(&progress, "spans", (uint64_t)n_spans, false);
	int status = (is_imported ? timeline_bench_import : timeline_bench_make)(file, n_spans, tell, &progress, error);
	progress_finish(&progress);
	return status;
}

/* -- frames -------------------------------------------------------------------------------------------------------------------- */

static int draw(struct view_bench *bench)
{
	return app_draw(bench->app, &bench->canvas, bench->error);
}

static int open_view(struct view_bench *bench, const char *file)
{
	struct session_options options = { .files = { file } };
	int status = canvas_init(&bench->canvas, WIDTH, HEIGHT, bench->error);
	if (status == STATUS_OK)
		status = session_open(&options, bench->error, &bench->session);
	if (status == STATUS_OK)
		status = app_create(bench->session, &bench->config, &view_timeline, bench->error, &bench->app);
	return status == STATUS_OK ? draw(bench) : status;
}

static void close_view(struct view_bench *bench)
{
	app_destroy(bench->app);
	session_close(bench->session);
	canvas_finish(&bench->canvas);
}

/* One key and the frame that follows. */
static int press(struct view_bench *bench, uint32_t key)
{
	double start_ms = cpu_ms();
	app_handle(bench->app, &(struct event){ .kind = EVENT_KEY, .key = key });
	int status = draw(bench);
	double ms = cpu_ms() - start_ms;
	bench->worst_ms = ms > bench->worst_ms ? ms : bench->worst_ms;
	bench->sum_ms += ms;
	bench->n_frames++;
	return status;
}

/* To a moment that nobody has seen yet. */
static void jump(struct view_bench *bench)
{
	const struct timeline *timeline = session_timeline(bench->session);
	bench->state = bench->state * 1103515245u + 12345u;
	double share = (double)(bench->state >> 8) / (1 << 24);
	int64_t time_ns = timeline->origin_ns + (int64_t)(share * (double)(timeline->end_ns - timeline->origin_ns));
	int n_lanes = timeline->is_imported ? timeline->n_lanes - 1 : TIMELINE_BENCH_WORKERS;
	session_select_time(bench->session, 0, 1 + (int)(bench->state >> 20) % n_lanes, time_ns);
	session_show(bench->session, 0, time_ns);
}

static int look_around(struct view_bench *bench)
{
	int status = STATUS_OK;
	for (int i = 0; i < N_PANS && status == STATUS_OK; i++) {
		status = press(bench, 'L');
		jump(bench);
		if (status == STATUS_OK)
			status = press(bench, 'h');
	}
	return status;
}

/* From the whole run to a nanosecond a cell, and back in small steps. */
static int zoom_through(struct view_bench *bench)
{
	const struct session_window *window = session_window(bench->session);
	int status = STATUS_OK;
	for (int64_t before_ns = 0; status == STATUS_OK && before_ns != timeline_scale_ns(window->scale) && !interrupt_signal();) {
		before_ns = timeline_scale_ns(window->scale);
		status = look_around(bench);
		if (status == STATUS_OK)
			status = press(bench, '+');
	}
	for (int64_t before_ns = 0; status == STATUS_OK && before_ns != timeline_scale_ns(window->scale) && !interrupt_signal();) {
		before_ns = timeline_scale_ns(window->scale);
		jump(bench);
		status = press(bench, '[');
	}
	return status;
}

/* All hits of a search one after the other: the slowest. */
static int search_all(struct view_bench *bench, double *ret_worst_ms)
{
	struct session *session = bench->session;
	int status = session_filter_set(session, &session->search, bench->search, bench->error);
	int64_t before_ns = INT64_MIN;
	*ret_worst_ms = 0;
	session_select_time(session, 0, 1, session_timeline(session)->origin_ns);
	for (int i = 0; i < N_HITS_MAX && status == STATUS_OK && session->selection.time_ns != before_ns; i++) {
		double start_ms = cpu_ms();
		before_ns = session->selection.time_ns;
		session_search(session, 1);
		status = draw(bench);
		double ms = cpu_ms() - start_ms;
		*ret_worst_ms = ms > *ret_worst_ms ? ms : *ret_worst_ms;
	}
	return status;
}

/* What is measured of one trace, and as what. */
static const struct part {
	bool is_imported;
	const char *keys, *search;
	const char *first, *worst, *mean, *next, *memory;
} parts[] = {
	{ false, "", "kind:compute >2ms", "open and first frame", "later frames, worst", "later frames, mean", "next rare stall, worst",
		"memory of the viewer" },
	{ true, "M", "Op17Functor kind:kernel", "imported: open and first frame", "imported: later frames, worst", "imported: later frames, mean",
		"imported: next of a name, worst", "imported: memory of the viewer" },
};

static int measure(struct view_bench *bench, const struct part *part, const char *file, struct bench_rows *rows)
{
	double search_ms = 0, before_mib = resident_mib(), start_ms = cpu_ms();
	int status = open_view(bench, file);
	double first_ms = cpu_ms() - start_ms;
	for (const char *key = part->keys; *key && status == STATUS_OK; key++)
		status = press(bench, (unsigned char)*key);
	if (status == STATUS_OK)
		status = zoom_through(bench);
	if (status == STATUS_OK)
		status = search_all(bench, &search_ms);
	if (status != STATUS_OK || interrupt_signal())
		return status;
	bench_row(rows, part->first, first_ms, "ms", BENCH_LOWER, NAN, 300);
	bench_row(rows, part->worst, bench->worst_ms, "ms", BENCH_LOWER, NAN, 16);
	bench_row(rows, part->mean, bench->sum_ms / bench->n_frames, "ms", BENCH_LOWER, NAN, NAN);
	bench_row(rows, part->next, search_ms, "ms", BENCH_LOWER, NAN, 16);
	bench_row(rows, part->memory, resident_mib() - before_mib, "MiB", BENCH_LOWER, NAN, 40);
	return STATUS_OK;
}

static int run_part(const struct bench_options *options, const struct part *part, struct bench_rows *rows, struct error *error)
{
	struct view_bench bench = { .state = 1, .search = part->search, .error = error };
	const char *file = bench_trace_file();
	int64_t n_spans = options->n_spans ? options->n_spans : options->is_quick ? N_SPANS_QUICK : N_SPANS;
	int status = config_load("/dev/null", &bench.config, error);
	if (status != STATUS_OK)
		return status;
	status = make_trace(file, n_spans, part->is_imported, error);
	if (status == STATUS_OK)
		status = measure(&bench, part, file, rows);
	close_view(&bench);
	config_finish(&bench.config);
	bench_trace_remove();
	return status;
}

static int run_view(const struct bench_options *options, struct bench_rows *rows, struct error *error)
{
	int status = STATUS_OK;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]) && status == STATUS_OK && !interrupt_signal(); i++)
		status = run_part(options, &parts[i], rows, error);
	return status;
}

const struct bench bench_view = {"view",
	"the timeline of 10 million spans, recorded and imported: first frame, frames at every zoom, search", run_view};
