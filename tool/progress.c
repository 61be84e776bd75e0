/* SPDX-License-Identifier: Apache-2.0
 *
 * progress: one line on stderr that is redrawn in place.
 */
#include "tool/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/strbuf.h"
#include "engine/base/units.h"

#define REDRAW_NS 100000000
#define FIRST_DRAW_NS 300000000 /* work that is done sooner shows no bar */
#define BAR_CELLS 24

void progress_init(struct progress *progress, const char *unit, uint64_t total, bool is_quiet)
{
	*progress = (struct progress){ .unit = unit, .total = total, .start_ns = clock_now().ns };
	progress->is_terminal = !is_quiet && isatty(STDERR_FILENO);
	pthread_mutex_init(&progress->lock, NULL);
}

static void clear_line(struct progress *progress)
{
	if (progress->is_drawn)
		fputs("\r\033[K", stderr);
	progress->is_drawn = false;
}

void progress_line(const struct progress *progress, int64_t now_ns, int cells, char *text, int size)
{
	double share = progress->total ? (double)progress->done / (double)progress->total : 1;
	double seconds = (double)(now_ns - progress->start_ns) / 1e9;
	double rate = seconds > 0 ? (double)progress->done / seconds : 0;
	char left[32] = "–", bar[3 * 80 + 1] = "";
	int n_full = (int)(share * cells);
	for (int i = 0; i < cells && i < 80; i++)
		strcat(bar, i < n_full ? "█" : "░");
	if (rate > 0)
		units_duration((int64_t)((double)(progress->total - progress->done) / rate * 1e9), left, sizeof left);
	snprintf(text, (size_t)size, "%s %3.0f %%  %" PRIu64 " of %" PRIu64 " %s  %.*f/s  %s left", bar, share * 100,
		progress->done, progress->total, progress->unit, rate < 10 ? 1 : 0, rate, left);
}

void progress_update(struct progress *progress, uint64_t done, int64_t now_ns)
{
	if (!progress->is_terminal || now_ns - progress->start_ns < FIRST_DRAW_NS || now_ns - progress->drawn_ns < REDRAW_NS)
		return;
	char line[400];
	pthread_mutex_lock(&progress->lock);
	progress->done = done;
	progress->drawn_ns = now_ns;
	progress_line(progress, now_ns, BAR_CELLS, line, sizeof line);
	clear_line(progress);
	fputs(line, stderr);
	fflush(stderr);
	progress->is_drawn = true;
	pthread_mutex_unlock(&progress->lock);
}

void progress_note(struct progress *progress, const char *who, const char *text)
{
	struct strbuf line = STRBUF_INIT;
	if (progress->redirect) {
		progress->redirect(progress->redirect_user, who, text);
		return;
	}
	if (who) {
		strbuf_add_printable(&line, who);
		strbuf_add(&line, ": ");
	}
	strbuf_add_printable(&line, text);
	strbuf_add(&line, "\n");
	pthread_mutex_lock(&progress->lock);
	clear_line(progress);
	fputs(strbuf_text(&line), stderr);
	fflush(stderr);
	pthread_mutex_unlock(&progress->lock);
	strbuf_finish(&line);
}

void progress_finish(struct progress *progress)
{
	clear_line(progress);
	fflush(stderr);
	pthread_mutex_destroy(&progress->lock);
}
