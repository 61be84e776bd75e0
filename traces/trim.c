/* SPDX-License-Identifier: Apache-2.0
 *
 * trim: which runs, which stretch of each, which lanes are tables of the connection (kept_run, kept_lane); each table of the
 * trace is then copied by a condition on them. A run of ours keeps all its lanes, for its layout is known by their order;
 * those that were not chosen are empty.
 */
#include "traces/trim.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/attributes.h"
#include "engine/base/strbuf.h"
#include "traces/blame_findings.h"
#include "traces/critical_run.h"
#include "traces/gpu_analyses.h"
#include "traces/lod_build.h"
#include "traces/schema.h"
#include "traces/trace_copy.h"

struct trim {
	struct trace_copy copy;
	const struct trim_options *options;
	struct trim_result *result;
	struct error *error;
};

/* -- what is chosen --------------------------------------------------------------------------------------------------------- */

static void add_quoted(struct strbuf *out, const char *text)
{
	strbuf_add(out, "'");
	for (; *text; text++)
		strbuf_addf(out, *text == '\'' ? "'%c" : "%c", *text);
	strbuf_add(out, "'");
}

static void add_time(struct strbuf *out, const char *function, const char *bound, const struct trim_time *time)
{
	if (time->is_set)
		strbuf_addf(out, "%s(r.%s, %" PRId64 "%s)", function, bound, time->ns, time->is_relative ? " + r.start_ns" : "");
	else
		strbuf_addf(out, "r.%s", bound);
}

/* The stretch [a, b) of each run. */
static int choose_runs(struct trim *trim)
{
	const struct trim_options *options = trim->options;
	struct strbuf a = STRBUF_INIT, b = STRBUF_INIT;
	add_time(&a, "max", "start_ns", &options->from);
	add_time(&b, "min", "end_ns", &options->until);
	int status = trace_copy_run(&trim->copy, "CREATE TEMP TABLE kept_run AS SELECT id AS run, mode = 'imported' AS "
		"is_import, a, b, b < end_ns AS is_open"
		" FROM (SELECT r.id, r.mode, r.end_ns, %s AS a, %s AS b FROM other.run r WHERE %" PRId64 " IN (0, r.id))", strbuf_text(&a),
		strbuf_text(&b), options->run);
	if (status == STATUS_OK && options->has_executions)
		status = trace_copy_run(&trim->copy, "UPDATE kept_run AS k SET a = max(k.a, x.a), b = min(k.b, x.b), is_open = "
			"1 FROM (SELECT run,"
			" min(start_ns) AS a, max(end_ns) + 1 AS b FROM other.execution WHERE execution BETWEEN %" PRId64 " AND %" PRId64
			" GROUP BY run) x WHERE x.run = k.run; DELETE FROM kept_run WHERE run NOT IN (SELECT run FROM other.execution WHERE"
			" execution BETWEEN %" PRId64 " AND %" PRId64 ")", options->first, options->end - 1, options->first, options->end - 1);
	if (status == STATUS_OK)
		status = trace_copy_run(&trim->copy, "DELETE FROM kept_run WHERE a > b OR a IS NULL OR b IS NULL OR (a = b AND is_open)");
	strbuf_finish(&a);
	strbuf_finish(&b);
	return status;
}

/* A condition on lane l of a run. */
static void add_choice(const struct trim_options *options, struct strbuf *out)
{
	strbuf_add(out, options->lanes && options->lanes[0] ? "(0" : "(1");
	for (int i = 0; options->lanes && options->lanes[i]; i++) {
		strbuf_add(out, " OR l.name GLOB ");
		add_quoted(out, options->lanes[i]);
		strbuf_add(out, " OR coalesce((SELECT name FROM other.worker w WHERE w.id = coalesce(l.worker, (SELECT n.worker "
			"FROM other.channel c JOIN"
			" other.node n ON n.id = c.node WHERE c.id = l.channel))), '') GLOB ");
		add_quoted(out, options->lanes[i]);
	}
	strbuf_add(out, options->n_ranks ? ") AND (0" : ")");
	for (int i = 0; i < options->n_ranks; i++)
		strbuf_addf(out, " OR (SELECT rank FROM other.process p WHERE p.id = l.process) = %" PRId64, options->ranks[i]);
	if (options->n_ranks)
		strbuf_add(out, ")");
}

static int choose_lanes(struct trim *trim)
{
	struct strbuf choice = STRBUF_INIT;
	add_choice(trim->options, &choice);
	int status = trace_copy_run(&trim->copy, "CREATE TEMP TABLE chosen(id INTEGER PRIMARY KEY);"
		"INSERT INTO chosen SELECT l.id FROM other.lane l WHERE l.run IN (SELECT run FROM kept_run) AND %s;"
		"DELETE FROM kept_run WHERE run NOT IN (SELECT run FROM other.lane WHERE id IN (SELECT id FROM chosen));"
		"CREATE TEMP TABLE kept_lane(id INTEGER PRIMARY KEY, new INTEGER, is_chosen INTEGER, run INTEGER, a INTEGER, b "
			"INTEGER, is_open INTEGER);"
		"INSERT INTO kept_lane SELECT l.id, row_number() OVER (ORDER BY l.run, l.id), l.id IN (SELECT id FROM chosen), "
			"k.run, k.a, k.b, k.is_open"
		" FROM other.lane l JOIN kept_run k ON k.run = l.run WHERE NOT k.is_import OR l.id IN (SELECT id FROM chosen)",
			strbuf_text(&choice));
	strbuf_finish(&choice);
	if (status == STATUS_OK)
		status = db_get_int(trim->copy.db, "SELECT count(*) FROM kept_run", &trim->result->n_runs, trim->error);
	if (status == STATUS_OK)
		status = db_get_int(trim->copy.db, "SELECT count(*) FROM kept_lane WHERE is_chosen", &trim->result->n_lanes, trim->error);
	if (status == STATUS_OK && !trim->result->n_lanes)
		status = error_set(trim->error, STATUS_USAGE, "nothing of the trace is chosen: no run has such times, executions or lanes");
	return status;
}

/* -- what there is ---------------------------------------------------------------------------------------------------------- */

#define OF_RUN "run IN (SELECT run FROM kept_run)"

/* In this order: later ones look at what earlier ones copied. */
static const struct {
	const char *table, *where;
} before_rows[] = {
	{ "meta", "key <> 'schema_version'" },
	{ "graph", "id IN (SELECT graph FROM other.run WHERE id IN (SELECT run FROM kept_run))" },
	{ "run", "id IN (SELECT run FROM kept_run)" },
	{ "run_meta", OF_RUN },
	{ "worker", OF_RUN },
	{ "node", OF_RUN },
	{ "channel", OF_RUN },
	{ "edge", OF_RUN },
	{ "plan_step", "worker IN (SELECT id FROM main.worker)" },
	{ "process", OF_RUN " AND id IN (SELECT process FROM other.lane WHERE id IN (SELECT id FROM kept_lane))" },
	{ "device", OF_RUN " AND (id IN (SELECT device FROM main.worker) OR id IN (SELECT device FROM other.lane WHERE id IN"
	  " (SELECT id FROM kept_lane)))" },
	{ "import_source", OF_RUN },
	{ "import_problem", "source IN (SELECT id FROM main.import_source)" },
	{ "import_count", "source IN (SELECT id FROM main.import_source)" },
	{ "clock_sample", OF_RUN },
	{ "loss", OF_RUN },
	{ "save", OF_RUN },
	{ "log", "(run IS NULL OR " OF_RUN ") AND (time_ns IS NULL OR run IS NULL OR time_ns BETWEEN (SELECT a FROM kept_run k "
		"WHERE k.run = t.run)"
	  " AND (SELECT b FROM kept_run k WHERE k.run = t.run))" },
	{ "postmortem", OF_RUN },
	{ "image", "postmortem IN (SELECT id FROM main.postmortem)" },
	{ "execution", "EXISTS (SELECT 1 FROM kept_run k WHERE k.run = t.run AND NOT k.is_import AND coalesce(t.start_ns, k.a) <= k.b AND"
	  " coalesce(t.end_ns, k.b) >= k.a)" },
	{ "failure", OF_RUN " AND (execution IS NULL OR EXISTS (SELECT 1 FROM main.execution x WHERE x.run = t.run AND "
		"x.execution = t.execution))" },
	{ "value", OF_RUN " AND EXISTS (SELECT 1 FROM main.execution x WHERE x.run = t.run AND x.execution = t.execution)" },
};

static int copy_layout(struct trim *trim)
{
	int status = STATUS_OK;
	for (size_t i = 0; i < ARRAY_LEN(before_rows) && status == STATUS_OK; i++)
		status = trace_copy_table(&trim->copy, before_rows[i].table, before_rows[i].where);
	if (status != STATUS_OK)
		return status;
	return trace_copy_run(&trim->copy, "INSERT INTO main.lane(id, run, kind, name, worker, device, channel, first_ns, "
		"last_ns, process, thread, stream,"
		" context, depth) SELECT k.new, l.run, l.kind, l.name, l.worker, l.device, l.channel, max(l.first_ns, k.a), "
			"min(l.last_ns, k.b), l.process,"
		" l.thread, l.stream, l.context, l.depth FROM other.lane l JOIN kept_lane k ON k.id = l.id ORDER BY k.new;"
		"UPDATE main.lane SET last_ns = first_ns WHERE last_ns < first_ns");
}

/* -- rows ------------------------------------------------------------------------------------------------------------------- */

/* A moment belongs to the stretch up to its end, except where another part begins there. */
#define IN_STRETCH "t.start_ns < k.b + (1 - k.is_open) AND (t.start_ns + t.duration_ns > k.a OR t.start_ns >= k.a)"
#define IS_WHOLE "t.start_ns >= k.a AND t.start_ns + t.duration_ns <= k.b"
#define CUT_START "max(t.start_ns, k.a)"
#define CUT_DURATION "min(t.start_ns + t.duration_ns, k.b) - max(t.start_ns, k.a)"

static const char *const phase_words[OP_PHASE_COUNT] = {
#define X(name, word) [OP_PHASE_##name] = word "_ns",
	OP_PHASE_MAP(X)
#undef X
};

/* What of each phase lies in the stretch, the phases one after the other in their order in time. */
static void add_phases(struct strbuf *out)
{
	struct strbuf before = STRBUF_INIT;
	strbuf_add(&before, "t.start_ns");
	for (int i = 0; i < PHASE_COUNT; i++) {
		int column = critical_phase_order[i].column;
		if (column < 0)
			continue;
		const char *word = phase_words[column], *at = strbuf_text(&before);
		strbuf_addf(out, ", CASE WHEN t.%s IS NULL OR (" IS_WHOLE ") THEN t.%s ELSE nullif(max(0, min(k.b, %s + t.%s) - "
			"max(k.a, %s)), 0) END AS %s",
			word, word, at, word, at, word);
		strbuf_addf(&before, " + coalesce(t.%s, 0)", word);
	}
	out->is_failed |= before.is_failed;
	strbuf_finish(&before);
}

static int copy_ops(struct trim *trim)
{
	struct strbuf phases = STRBUF_INIT, columns = STRBUF_INIT;
	add_phases(&phases);
	for (int i = 0; i < PHASE_COUNT; i++) {
		if (critical_phase_order[i].column >= 0)
			strbuf_addf(&columns, ", %s", phase_words[critical_phase_order[i].column]);
	}
	int status = phases.is_failed || columns.is_failed ? error_set(trim->error, STATUS_NO_MEMORY, "no memory to trim a trace")
		: trace_copy_run(&trim->copy, "INSERT INTO main.op_event(rowid, run, lane, node, execution, start_ns, duration_ns, status%s)"
		" SELECT t.rowid, t.run, k.new, t.node, t.execution, " CUT_START ", " CUT_DURATION ", t.status%s FROM "
			"other.op_event t JOIN kept_lane k"
		" ON k.id = t.lane WHERE k.is_chosen AND k.run = t.run AND " IN_STRETCH " ORDER BY t.rowid",
			strbuf_text(&columns), strbuf_text(&phases));
	strbuf_finish(&phases);
	strbuf_finish(&columns);
	return status;
}

static int copy_rows(struct trim *trim)
{
	int status = copy_ops(trim);
	if (status == STATUS_OK)
		status = trace_copy_run(&trim->copy, "INSERT INTO main.span(id, run, lane, kind, start_ns, duration_ns, node, "
			"edge, channel, execution, cause,"
			" peer, slot, bytes, name, category, class, correlation, external) SELECT t.id, t.run, k.new, t.kind,"
			" " CUT_START ", " CUT_DURATION
			", t.node, t.edge, t.channel, t.execution, t.cause, t.peer, t.slot, t.bytes, t.name, t.category, "
			"t.class, t.correlation, t.external"
			" FROM other.span t JOIN kept_lane k ON k.id = t.lane WHERE k.is_chosen AND k.run = t.run "
			"AND " IN_STRETCH " ORDER BY t.id");
	if (status == STATUS_OK)
		status = trace_copy_table(&trim->copy, "gpu_activity", "span IN (SELECT id FROM main.span)");
	if (status == STATUS_OK)
		status = trace_copy_table(&trim->copy, "arg", "span IN (SELECT id FROM main.span)");
	if (status != STATUS_OK)
		return status;
	return trace_copy_run(&trim->copy, "UPDATE main.gpu_activity SET launch = NULL WHERE launch NOT IN (SELECT id FROM main.span);"
		"INSERT INTO main.counter(run, lane, time_ns, name, value) SELECT t.run, l.new, t.time_ns, t.name, t.value FROM "
			"other.counter t JOIN kept_run k"
		" ON k.run = t.run LEFT JOIN kept_lane l ON l.id = t.lane WHERE t.time_ns BETWEEN k.a AND k.b AND (t.lane IS "
			"NULL OR l.is_chosen)"
		" ORDER BY t.rowid");
}

/* Only texts that something kept refers to. */
static int copy_strings(struct trim *trim)
{
	return trace_copy_run(&trim->copy, "INSERT OR IGNORE INTO main.string(id, text) SELECT id, text FROM other.string WHERE id IN ("
		"SELECT name FROM main.span UNION SELECT category FROM main.span UNION SELECT name FROM main.counter UNION "
			"SELECT copy_kind FROM main.gpu_activity"
		" UNION SELECT name FROM main.arg UNION SELECT value FROM main.arg)");
}

/* -- what follows from the rows --------------------------------------------------------------------------------------------- */

/* Executions of which something is missing are marked; the run is as long as its stretch. */
static int settle_runs(struct trim *trim)
{
	return trace_copy_run(&trim->copy, "UPDATE main.execution AS x SET is_partial = 1 FROM kept_run k WHERE k.run = x.run "
		"AND (coalesce(x.start_ns, k.a - 1)"
		" < k.a OR coalesce(x.end_ns, k.b + 1) > k.b OR EXISTS (SELECT 1 FROM kept_lane l WHERE l.run = x.run AND NOT l.is_chosen));"
		"UPDATE main.run AS r SET start_unix_ns = start_unix_ns + (k.a - start_ns), start_ns = k.a, end_ns = k.b,"
		" first_submit_ns = min(max(first_submit_ns, k.a), k.b), last_finish_ns = min(max(last_finish_ns, k.a), k.b) "
			"FROM kept_run k WHERE k.run = r.id;"
		"UPDATE main.run AS r SET n_ops = (SELECT count(*) FROM main.op_event e WHERE e.run = r.id), n_submitted = "
			"(SELECT count(*) FROM main.execution x"
		" WHERE x.run = r.id), n_finished = (SELECT count(*) FROM main.execution x WHERE x.run = r.id AND x.end_ns <= "
			"r.end_ns), n_failed = (SELECT"
		" count(*) FROM main.execution x WHERE x.run = r.id AND x.status > 0 AND x.end_ns <= r.end_ns) WHERE mode <> 'imported';"
		"UPDATE main.import_source SET n_rows = (SELECT count(*) FROM main.span s JOIN main.lane l ON l.id = s.lane "
			"JOIN main.process p ON p.id ="
		" l.process WHERE p.source = import_source.id);"
		"INSERT OR REPLACE INTO main.run_meta SELECT run, 'trimmed', a || ' ' || b FROM kept_run");
}

#define PHASE_SUM(name, word) \
	"INSERT INTO main.summary SELECT e.lane, e.node, (SELECT id FROM kind WHERE word = '" word "'), count(*), " \
		"sum(" word "_ns) FROM main.op_event e" \
	" WHERE " word "_ns <> 0 GROUP BY e.lane, e.node;"

static int sum_up(struct trim *trim)
{
	return trace_copy_run(&trim->copy, "%s", "INSERT INTO main.summary SELECT lane, node, 101, count(*), sum(duration_ns) FROM main.op_event"
		" GROUP BY lane, node;" OP_PHASE_MAP(PHASE_SUM)
		"INSERT INTO main.summary SELECT s.lane, 0, s.kind, count(*), sum(s.duration_ns) FROM main.span s JOIN kept_run "
			"k ON k.run = s.run"
		" WHERE k.is_import OR s.kind < 100 GROUP BY s.lane, s.kind;"
		"UPDATE main.lane AS l SET first_ns = s.a, last_ns = s.b FROM (SELECT lane, min(start_ns) AS a, max(start_ns + "
			"duration_ns) AS b FROM main.span"
		" GROUP BY lane) s WHERE s.lane = l.id AND l.run IN (SELECT run FROM kept_run WHERE is_import)");
}

static int count(struct trim *trim)
{
	struct trim_result *result = trim->result;
	int status = db_get_int(trim->copy.db, "SELECT (SELECT count(*) FROM other.op_event) + (SELECT count(*) FROM "
		"other.span)", &result->n_before,
		trim->error);
	if (status == STATUS_OK)
		status = db_get_int(trim->copy.db, "SELECT (SELECT count(*) FROM main.op_event) + (SELECT count(*) FROM "
			"main.span)", &result->n_after,
			trim->error);
	if (status == STATUS_OK)
		status = db_get_int(trim->copy.db, "SELECT (SELECT count(*) FROM main.op_event m JOIN other.op_event o ON "
			"o.rowid = m.rowid WHERE o.duration_ns"
			" <> m.duration_ns) + (SELECT count(*) FROM main.span m JOIN other.span o ON o.id = m.id WHERE "
			"o.duration_ns <> m.duration_ns)",
			&result->n_cut, trim->error);
	if (status != STATUS_OK)
		return status;
	return trace_copy_run(&trim->copy, "INSERT OR REPLACE INTO main.run_meta SELECT run, 'trimmed_n_cut', %" PRId64 " FROM "
		"kept_run", result->n_cut);
}

/* Level of detail and findings of one run, after the transaction. */
static int derive(struct trim *trim, int64_t run, int64_t start_ns, bool is_import, bool is_whole)
{
	struct db *db = trim->copy.db;
	int status = db_begin(db, trim->error);
	if (status == STATUS_OK)
		status = lod_build_run(db, "main", run, start_ns, NULL, NULL, trim->error);
	if (status == STATUS_OK)
		status = db_commit(db, trim->error);
	if (status == STATUS_OK && is_import)
		return gpu_analyses_run(db, run, trim->options->interrupt, trim->error);
	if (status == STATUS_OK && is_whole)
		blame_findings_record(db, run, NULL);
	return status;
}

static int derive_all(struct trim *trim)
{
	struct db_stmt *stmt = NULL;
	struct {
		int64_t run, start_ns;
		bool is_import, is_whole;
	} *runs = NULL;
	bool has_row = false;
	int64_t n = 0;
	int status = db_prepare(trim->copy.db, "SELECT k.run, r.start_ns, k.is_import, NOT EXISTS (SELECT 1 FROM kept_lane l "
		"WHERE l.run = k.run AND NOT"
		" l.is_chosen) FROM kept_run k JOIN main.run r ON r.id = k.run", NULL, trim->error, &stmt);
	if (status == STATUS_OK && !(runs = calloc((size_t)trim->result->n_runs + 1, sizeof *runs)))
		status = error_set(trim->error, STATUS_NO_MEMORY, "no memory to trim a trace");
	while (status == STATUS_OK && (status = db_step(stmt, &has_row, trim->error)) == STATUS_OK && has_row && n < trim->result->n_runs) {
		runs[n].run = db_column_int(stmt, 0);
		runs[n].start_ns = db_column_int(stmt, 1);
		runs[n].is_import = db_column_int(stmt, 2);
		runs[n++].is_whole = db_column_int(stmt, 3);
	}
	db_finish(stmt);
	for (int64_t i = 0; i < n && status == STATUS_OK; i++)
		status = derive(trim, runs[i].run, runs[i].start_ns, runs[i].is_import, runs[i].is_whole);
	free(runs);
	return status;
}

int trim_trace(const char *from, const char *into, const struct trim_options *options, struct error *error, struct trim_result *ret_result)
{
	static int (*const steps[])(struct trim *) = { choose_runs, choose_lanes, copy_layout, copy_rows, copy_strings,
		settle_runs, sum_up, count };
	struct trim trim = { .options = options, .result = ret_result, .error = error };
	*ret_result = (struct trim_result){ 0 };
	int status = trace_copy_begin(from, into, options->interrupt, error, &trim.copy);
	for (size_t i = 0; i < ARRAY_LEN(steps) && status == STATUS_OK; i++)
		status = steps[i](&trim);
	if (status == STATUS_OK)
		status = trace_copy_commit(&trim.copy);
	if (status == STATUS_OK)
		status = trace_copy_check(&trim.copy);
	if (status == STATUS_OK)
		status = derive_all(&trim);
	return trace_copy_end(&trim.copy, status);
}
