/* SPDX-License-Identifier: Apache-2.0
 *
 * session: opening and closing, following a run that goes on, what a reader must know of the data, the status line.
 */
#include "viewers/session.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/clock.h"
#include "traces/compare_stored.h"
#include "traces/warmup.h"
#include "viewers/session_private.h"

#define QUIET_NS INT64_C(3000000000) /* a run that has recorded nothing for so long may be over */

static int out_of_memory(struct error *error)
{
	return error_set(error, STATUS_NO_MEMORY, "no memory for the views");
}

/* -- opening ------------------------------------------------------------------------------------------------------------------ */

static int open_traces(struct session *session, const struct session_options *options, struct error *error)
{
	int status = trace_open(options->files[0], error, &session->sides[0].trace);
	if (status != STATUS_OK)
		return status;
	if (options->files[1])
		return trace_open(options->files[1], error, &session->sides[1].trace);
	session->sides[1].trace = session->sides[0].trace;
	return STATUS_OK;
}

/* Which run is a side; 0: there is no such side. */
static int64_t choose_run(const struct session *session, const struct session_options *options, int side)
{
	const struct trace *trace = session->sides[side].trace;
	if (side == 0 || options->files[1] || options->runs[side])
		return options->runs[side];
	for (int i = 0; i < trace->n_runs; i++) { /* the run after the first side's, else the one before */
		if (trace->runs[i].id == session->sides[0].timeline->run)
			return i + 1 < trace->n_runs ? trace->runs[i + 1].id : i > 0 && !options->runs[0] ? trace->runs[i - 1].id : 0;
	}
	return 0;
}

static int count_postmortems(struct session_side *side, struct error *error)
{
	char sql[80];
	snprintf(sql, sizeof(sql), "SELECT count(*) FROM postmortem WHERE run = %" PRId64, side->timeline->run);
	return db_get_int(side->trace->db, sql, &side->n_postmortems, error);
}

static int read_facts(struct session_side *side, struct error *error)
{
	int status = trace_run_meta(side->trace, side->timeline->run, "record", &side->policy, error);
	if (status == STATUS_OK)
		status = warmup_marked(side->trace->db, side->timeline->run, &side->n_warmup, error);
	if (status == STATUS_OK)
		status = count_postmortems(side, error);
	if (side->policy && strcmp(side->policy, "all") == 0) {
		free(side->policy);
		side->policy = NULL;
	}
	return status;
}

static int open_side(struct session *session, const struct session_options *options, int idx, struct error *error)
{
	struct session_side *side = &session->sides[idx];
	int64_t run = choose_run(session, options, idx);
	if (idx == 1 && !options->files[1] && !run)
		return STATUS_OK;
	int status = timeline_open(side->trace, run, options->progress, options->progress_user, error, &side->timeline);
	if (status != STATUS_OK)
		return status;
	session->n_sides = idx + 1;
	side->window = (struct session_window){ .scale = timeline_scale_fit(side->timeline->end_ns - side->timeline->origin_ns + 1, 80),
		.from_ns = side->timeline->origin_ns, .fits = true };
	return read_facts(side, error);
}

static const char *base_name(const char *file)
{
	const char *slash = strrchr(file, '/');
	return slash ? slash + 1 : file;
}

static int name_sides(struct session *session, struct error *error)
{
	struct session_side *a = &session->sides[0], *b = &session->sides[1];
	bool tells = session->n_sides < 2 || strcmp(a->timeline->info->mode, b->timeline->info->mode) != 0;
	bool is_one_file = a->trace == b->trace;
	for (int i = 0; i < session->n_sides; i++) {
		struct session_side *side = &session->sides[i];
		const char *mode = side->timeline->info->mode;
		int n;
		if (tells)
			n = asprintf(&side->label, "%s", mode);
		else if (is_one_file)
			n = asprintf(&side->label, "%s, run %" PRId64, mode, side->timeline->run);
		else if (strcmp(base_name(a->trace->file), base_name(b->trace->file)) != 0)
			n = asprintf(&side->label, "%s", base_name(side->trace->file));
		else
			n = asprintf(&side->label, "%s", side->trace->file);
		if (n < 0) {
			side->label = NULL;
			return out_of_memory(error);
		}
	}
	return STATUS_OK;
}

static void begin(struct session *session)
{
	const struct timeline *timeline = session->sides[0].timeline;
	session->selection = (struct session_selection){ .lane = timeline->n_lanes ? 0 : TIMELINE_NONE, .node = TIMELINE_NONE,
		.edge = TIMELINE_NONE, .execution = TIMELINE_NONE, .time_ns = timeline->origin_ns };
	session->is_live |= strcmp(timeline->info->status, "running") == 0 && !session->sides[0].trace->is_finished;
	session->sides[0].window.follows = session->is_live;
	session->grown_ns = clock_now().ns;
}

int session_open(const struct session_options *options, struct error *error, struct session **ret_session)
{
	struct session *session = calloc(1, sizeof(*session));
	if (!session)
		return out_of_memory(error);
	session->is_live = options->is_live;
	int status = open_traces(session, options, error);
	for (int i = 0; i < 2 && status == STATUS_OK; i++)
		status = open_side(session, options, i, error);
	if (status == STATUS_OK)
		status = name_sides(session, error);
	if (status == STATUS_OK)
		status = notes_load(options->files[0], error, &session->notes);
	if (status != STATUS_OK) {
		session_close(session);
		return status;
	}
	begin(session);
	*ret_session = session;
	return STATUS_OK;
}

void session_close(struct session *session)
{
	if (!session)
		return;
	if (session->notes)
		notes_save(session->notes, NULL);
	notes_close(session->notes);
	if (session->compare)
		compare_finish(session->compare);
	free(session->compare);
	session_filter_finish(&session->filter);
	session_filter_finish(&session->search);
	for (int i = 0; i < 2; i++) {
		timeline_close(session->sides[i].timeline);
		free(session->sides[i].label);
		free(session->sides[i].policy);
	}
	if (session->sides[1].trace != session->sides[0].trace)
		trace_close(session->sides[1].trace);
	trace_close(session->sides[0].trace);
	free(session);
}

/* -- a run that goes on ------------------------------------------------------------------------------------------------------- */

/* What the run's row says by now goes into the trace's list of runs. */
static int refresh_run(struct session_side *side, struct error *error)
{
	struct trace_run *run = &side->trace->runs[side->timeline->info - side->trace->runs];
	struct db_stmt *stmt = NULL;
	bool has_row = false;
	int status = db_prepare(side->trace->db, "SELECT status, end_ns, n_submitted, n_finished, n_failed FROM run WHERE id = ?1",
		NULL, error,
		&stmt);
	if (status == STATUS_OK)
		db_bind_int(stmt, 1, run->id);
	if (status == STATUS_OK)
		status = db_step(stmt, &has_row, error);
	char *text = status == STATUS_OK && has_row && db_column_text(stmt, 0) ? strdup(db_column_text(stmt, 0)) : NULL;
	if (text) {
		free(run->status);
		run->status = text;
		run->end_ns = db_column_int(stmt, 1);
		run->n_submitted = db_column_int(stmt, 2);
		run->n_finished = db_column_int(stmt, 3);
		run->n_failed = db_column_int(stmt, 4);
	}
	db_finish(stmt);
	return status;
}

int session_refresh(struct session *session, bool *ret_has_grown, struct error *error)
{
	bool has_grown = false;
	int status = STATUS_OK;
	if (session->is_live) {
		status = refresh_run(&session->sides[0], error);
		if (status == STATUS_OK)
			status = timeline_refresh(session->sides[0].timeline, &has_grown, error);
	}
	if (has_grown)
		session->grown_ns = clock_now().ns;
	if (status == STATUS_OK && session->is_live && strcmp(session->sides[0].timeline->info->status, "running") != 0) {
		session->is_live = false;
		has_grown = true;
		session->sides[0].window.follows = false;
		session_status(session, "the run has ended: %s", session->sides[0].timeline->info->status);
		count_postmortems(&session->sides[0], NULL);
	}
	if (ret_has_grown)
		*ret_has_grown = has_grown;
	return status;
}

/* -- what a reader must know -------------------------------------------------------------------------------------------------- */

static void add_caveat(struct strbuf *out, const char *format, ...) PRINTF_LIKE(2, 3);
static void add_caveat(struct strbuf *out, const char *format, ...)
{
	char text[200];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	strbuf_addf(out, "%s%s", out->length ? ", " : "", text);
}

void session_caveats(const struct session *session, int idx, struct strbuf *out)
{
	const struct session_side *side = &session->sides[idx];
	const struct timeline *timeline = side->timeline;
	int64_t n_lost = 0;
	for (int i = 0; i < timeline->n_lanes; i++)
		n_lost += timeline->lanes[i].n_lost;
	if (n_lost)
		add_caveat(out, "lost %" PRId64 " record%s", n_lost, n_lost == 1 ? "" : "s");
	if (strcmp(timeline->info->status, "running") == 0) {
		bool is_live = session->is_live && idx == 0 && clock_now().ns - session->grown_ns < QUIET_NS;
		add_caveat(out, "%s", is_live ? "running" : "unfinished");
	} else if (strcmp(timeline->info->status, "ok") != 0) {
		add_caveat(out, "%s", timeline->info->status);
	}
	if (timeline->info->n_failed)
		add_caveat(out, "%" PRId64 " failed", timeline->info->n_failed);
	if (side->n_postmortems)
		add_caveat(out, "post-mortem: tandem debug");
	if (side->trace->is_log_ignored)
		add_caveat(out, "latest rows unreadable here");
	if (side->policy)
		add_caveat(out, "recorded %s", side->policy);
	if (side->n_warmup)
		add_caveat(out, "%" PRId64 " warm-up", side->n_warmup);
	if (timeline->was_built)
		add_caveat(out, "zoom levels rebuilt");
}

/* -- status line and comparison ----------------------------------------------------------------------------------------------- */

void session_status(struct session *session, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vsnprintf(session->status, sizeof(session->status), format, args);
	va_end(args);
	session->status_is_error = false;
}

void session_error(struct session *session, const struct error *error)
{
	session_status(session, "%s", error->text);
	session->status_is_error = true;
}

static bool has_compared(const struct session *session)
{
	return session->has_compared && session->was_forced == session->compare_is_forced;
}

bool session_compare_is_long(const struct session *session)
{
	if (has_compared(session) || session->n_sides < 2)
		return false;
	int64_t n[2] = { 0, 0 };
	for (int i = 0; i < 2; i++) {
		char sql[120];
		snprintf(sql, sizeof(sql), "SELECT coalesce(max(n), 0) FROM compare_sum WHERE run = %" PRId64 " AND part = %d",
			session->sides[i].timeline->run, COMPARE_PART_LATENCY);
		if (db_get_int(session->sides[i].trace->db, sql, &n[i], NULL) != STATUS_OK)
			return true;
	}
	return !n[0] || n[0] != n[1]; /* sums serve when they are of the same executions */
}

const struct compare *session_compare(struct session *session)
{
	if (has_compared(session))
		return session->compare;
	if (session->compare)
		compare_finish(session->compare);
	free(session->compare);
	session->compare = NULL;
	session->has_compared = true;
	session->was_forced = session->compare_is_forced;
	if (session->n_sides < 2) {
		error_set(&session->compare_error, STATUS_USAGE, "there is one run; name a second file, or record with --mode both");
		return NULL;
	}
	if (session->interrupt && *session->interrupt) {
		error_set(&session->compare_error, STATUS_STOPPED, "interrupted");
		session->was_stopped = true;
		return NULL;
	}
	struct align_side sides[2];
	for (int i = 0; i < 2; i++)
		sides[i] = (struct align_side){ session->sides[i].trace, session->sides[i].timeline->info };
	struct compare *compare = calloc(1, sizeof(*compare));
	if (!compare) {
		out_of_memory(&session->compare_error);
		return NULL;
	}
	const struct compare_options options = { .is_forced = session->compare_is_forced };
	if (compare_make(sides, &options, &session->compare_error, compare) != STATUS_OK) {
		session->was_stopped |= session->compare_error.status == STATUS_STOPPED;
		free(compare);
		return NULL;
	}
	session->compare = compare;
	return compare;
}
