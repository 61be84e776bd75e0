/* SPDX-License-Identifier: Apache-2.0
 *
 * trace_check: each check is a statement that counts what is wrong.
 */
#include "traces/trace_check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "traces/schema.h"

const struct table_column trace_check_columns[TRACE_CHECK_COLUMNS] = {
	{ "check", TABLE_TEXT }, { "result", TABLE_TEXT }, { "detail", TABLE_TEXT },
};

enum verdict {
	VERDICT_NOTE,
	VERDICT_WRONG,
};

struct check {
	const char *name;
	const char *sql;      /* gives one number: how many are not as they should be */
	const char *detail;   /* format with that number, when it is not 0 */
	enum verdict verdict; /* when it is not 0 */
};

#define ADD_PHASE(name, word) " + coalesce(" word "_ns, 0)"
#define SUM_PHASE(name, word) " UNION ALL SELECT lane, node, '" word "', sum(" word "_ns) FROM op_event GROUP BY lane, node"

#define SUMMED_OPS \
	"SELECT coalesce(sum(s.n), 0) FROM summary s JOIN lane l ON l.id = s.lane WHERE l.run = r.id AND s.kind = 101"
#define IMPORTED_RUNS "(SELECT id FROM run WHERE mode = 'imported')"
/* Runs of which more was summed than has rows, or at another time, when the clocks' relation was known better. */
#define PARTLY_RECORDED "SELECT r.id FROM run r WHERE r.n_ops < (" SUMMED_OPS ") OR EXISTS (SELECT 1 FROM save v WHERE v.run = r.id)"

static const struct check checks[] = {
	{ "references between tables", "SELECT count(*) FROM pragma_foreign_key_check", "%lld rows refer to nothing",
	  VERDICT_WRONG },
	{ "phases sum to durations", "SELECT count(*) FROM op_event WHERE duration_ns <> 0" OP_PHASE_MAP(ADD_PHASE),
	  "%lld ops do not", VERDICT_WRONG },
	{ "a lane does one thing at a time", "SELECT count(*) FROM (SELECT start_ns, max(start_ns + duration_ns) OVER"
	  " (PARTITION BY lane ORDER BY start_ns, start_ns + duration_ns ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)"
	  " AS before_ns FROM (SELECT lane, start_ns, duration_ns FROM op_event UNION ALL"
	  " SELECT lane, start_ns, duration_ns FROM span WHERE kind < 100)) WHERE before_ns > start_ns",
	  "%lld ops or spans begin before the one before them has ended", VERDICT_WRONG },
	{ "events lie within their run", "SELECT count(*) FROM (SELECT run, start_ns, duration_ns FROM op_event UNION ALL"
	  " SELECT run, start_ns, duration_ns FROM span WHERE kind < 100 OR run IN " IMPORTED_RUNS ") e JOIN run r ON r.id = e.run"
	  " WHERE e.start_ns < r.start_ns OR e.start_ns + e.duration_ns > r.end_ns", "%lld do not", VERDICT_WRONG },
	{ "summaries agree with events", "SELECT count(*) FROM (SELECT lane, node, kind, sum(ns) AS ns FROM"
	  " (SELECT lane, node, kind.word AS kind, ns FROM summary JOIN kind ON kind.id = summary.kind WHERE kind.id <> 101"
	  "  UNION ALL SELECT lane, node, kind, -ns FROM (SELECT lane, 0 AS node, kind.word AS kind,"
	  "  sum(duration_ns) AS ns FROM span"
	  "  JOIN kind ON kind.id = span.kind WHERE kind.id < 100 OR run IN " IMPORTED_RUNS " GROUP BY lane, "
		"kind.word" OP_PHASE_MAP(SUM_PHASE) "))"
	  " WHERE lane NOT IN (SELECT l.id FROM lane l WHERE l.run IN (" PARTLY_RECORDED "))"
	  " GROUP BY lane, node, kind HAVING sum(ns) <> 0)", "%lld sums differ", VERDICT_WRONG },
	{ "ops of partly recorded runs are in their sums", "SELECT count(*) FROM run r WHERE n_ops > (" SUMMED_OPS ")",
	  "%lld runs have more ops than were summed", VERDICT_WRONG },
	{ "shares of a lane sum to 100 %", "SELECT count(*) FROM (SELECT lane FROM v_time_split WHERE share IS NOT NULL"
	  " GROUP BY run, lane, side HAVING abs(sum(share) - 1) > 1e-9 OR min(ns) < 0)", "%lld lanes do not",
	  VERDICT_WRONG },
	{ "the level of detail holds every event", "SELECT count(*) FROM (SELECT lane FROM (SELECT d.lane, d.n_spans AS n FROM lod_lane d"
	  " JOIN lane l ON l.id = d.lane WHERE l.kind <> 'channel' UNION ALL SELECT lane, -count(*) FROM op_event GROUP BY lane UNION ALL"
	  " SELECT lane, -count(*) FROM span WHERE kind < 100 OR kind BETWEEN 102 AND 109 GROUP BY lane)"
	  " WHERE lane IN (SELECT lane FROM lod_lane) GROUP BY lane HAVING sum(n) <> 0)", "%lld lanes differ", VERDICT_WRONG },
	{ "post-mortems are there whole", "SELECT count(*) FROM postmortem p WHERE n_bytes <> (SELECT "
		"coalesce(sum(length(bytes)), 0) FROM image i"
	  " WHERE i.postmortem = p.id) OR EXISTS (SELECT 1 FROM image i WHERE i.postmortem = p.id AND NOT coalesce(i.offset BETWEEN 0 AND"
	  " CASE i.segment WHEN 'program' THEN p.program_bytes WHEN 'control' THEN p.control_bytes WHEN 'slots' THEN p.slots_bytes"
	  " WHEN 'gates' THEN p.gates_bytes END - length(i.bytes), 0))", "%lld are not", VERDICT_WRONG },
	{ "durations are not negative", "SELECT (SELECT count(*) FROM op_event WHERE duration_ns < 0) + (SELECT count(*) FROM "
		"span WHERE duration_ns < 0)",
	  "%lld are", VERDICT_WRONG },
	{ "events lie on lanes of their run", "SELECT (SELECT count(*) FROM op_event e JOIN lane l ON l.id = e.lane WHERE l.run "
		"<> e.run) + (SELECT"
	  " count(*) FROM span s JOIN lane l ON l.id = s.lane WHERE l.run <> s.run)", "%lld do not", VERDICT_WRONG },
	{ "launches are calls of the same run", "SELECT count(*) FROM gpu_activity g JOIN span s ON s.id = g.span JOIN span a ON a.id = g.launch"
	  " WHERE a.run <> s.run OR a.id = s.id OR a.kind BETWEEN 102 AND 104", "%lld are not", VERDICT_WRONG },
	{ "imported files were whole", "SELECT count(*) FROM import_source WHERE is_cut", "%lld were cut or damaged, see "
		"v_source: what could be read is"
	  " here", VERDICT_NOTE },
	{ "all of the imported files could be read", "SELECT coalesce(sum(n), 0) FROM import_problem", "%lld events could not, "
		"or not as they stood, see"
	  " v_problem", VERDICT_NOTE },
	{ "clocks of imported files are known", "SELECT count(*) FROM import_source s WHERE uncertainty_ns < 0 AND id > (SELECT "
		"min(id) FROM import_source m"
	  " WHERE m.run = s.run)", "%lld files: how their clocks relate to the first one's is not known", VERDICT_NOTE },
	{ "device work knows its launch", "SELECT count(*) FROM span s LEFT JOIN gpu_activity g ON g.span = s.id WHERE s.kind "
		"BETWEEN 102 AND 104 AND"
	  " g.launch IS NULL AND s.run IN " IMPORTED_RUNS, "of %lld kernels and copies the call is not in the trace", VERDICT_NOTE },
	{ "imported runs have calls", "SELECT count(*) FROM run r WHERE mode = 'imported' AND EXISTS (SELECT 1 FROM span s "
		"WHERE s.run = r.id AND s.kind ="
	  " 102) AND NOT EXISTS (SELECT 1 FROM span s WHERE s.run = r.id AND s.kind = 105)", "%lld have none: why the device "
		"waits cannot be told",
	  VERDICT_NOTE },
	{ "imported runs have annotations", "SELECT count(*) FROM run r WHERE mode = 'imported' AND NOT EXISTS (SELECT 1 FROM "
		"span s WHERE s.run = r.id AND"
	  " s.kind = 106)", "%lld have none: iterations can be found by their rhythm only", VERDICT_NOTE },
	{ "runs are there whole", "SELECT count(*) FROM run_meta WHERE key = 'trimmed'", "%lld are parts of longer ones (trim)", VERDICT_NOTE },
	{ "nothing went wrong in the runs", "SELECT count(*) FROM postmortem WHERE reason <> 'asked'", "post-mortems: %lld, see v_postmortem;"
	  " tandem debug opens them", VERDICT_NOTE },
	{ "executions have ended", "SELECT count(*) FROM execution WHERE status = -1 AND NOT is_partial", "%lld have not", VERDICT_NOTE },
	{ "runs are recorded whole", "SELECT count(*) FROM (" PARTLY_RECORDED ")", "%lld hold some executions only, see v_save;"
	  " the rest is in the sums", VERDICT_NOTE },
	{ "every op of a finished execution is there", "SELECT count(*) FROM execution x WHERE status = 0 AND NOT is_partial AND NOT EXISTS"
	  " (SELECT 1 FROM v_loss o WHERE o.run = x.run) AND (SELECT count(*) FROM node n WHERE n.run = x.run) <>"
	  " coalesce((SELECT c.n"
	  " FROM (SELECT run, execution, count(*) AS n FROM op_event GROUP BY run, execution) c WHERE c.run = x.run"
	  " AND c.execution = x.execution), 0)", "%lld executions lack some", VERDICT_NOTE },
	{ "no records were lost", "SELECT coalesce(sum(n_records), 0) FROM loss", "%lld were lost, see v_loss",
	  VERDICT_NOTE },
	{ "runs have ended", "SELECT count(*) FROM run WHERE status IN ('running', 'killed')",
	  "%lld did not end by themselves", VERDICT_NOTE },
	{ "the file is finished", "SELECT count(*) FROM meta WHERE key = 'finished' AND value <> '1'",
	  "its collector was killed or still writes", VERDICT_NOTE },
};

static void add_row(struct table *table, const char *name, const char *result, const char *detail)
{
	table_text(table, name);
	table_text(table, result);
	table_text(table, detail);
}

static int run_check(const struct trace *trace, const struct check *check, struct table *table, int *n_wrong,
	struct error *error)
{
	int64_t n = 0;
	char detail[200];
	int status = db_get_int(trace->db, check->sql, &n, error);
	if (status != STATUS_OK)
		return status;
	snprintf(detail, sizeof(detail), check->detail, (long long)n);
	bool is_wrong = n != 0 && check->verdict == VERDICT_WRONG;
	add_row(table, check->name, n == 0 ? "ok" : is_wrong ? "wrong" : "note", n == 0 ? "" : detail);
	*n_wrong += is_wrong;
	return STATUS_OK;
}

static int check_integrity(const struct trace *trace, struct table *table, int *n_wrong, struct error *error)
{
	char *text = NULL;
	static const char sql[] = "SELECT group_concat(integrity_check, '; ') FROM pragma_integrity_check(5)";
	int status = db_get_text(trace->db, sql, &text, error);
	if (status != STATUS_OK)
		return status;
	bool is_ok = text && strcmp(text, "ok") == 0;
	add_row(table, "integrity of the file", is_ok ? "ok" : "wrong", is_ok ? "" : text);
	*n_wrong += !is_ok;
	free(text);
	return STATUS_OK;
}

int trace_check(const struct trace *trace, struct table *table, int *ret_n_wrong, struct error *error)
{
	int n_wrong = 0;
	int status = check_integrity(trace, table, &n_wrong, error);
	bool is_whole = n_wrong == 0;
	/* In a damaged file statements fail: what is wrong is said already. */
	for (size_t i = 0; status == STATUS_OK && is_whole && i < ARRAY_LEN(checks); i++)
		status = run_check(trace, &checks[i], table, &n_wrong, error);
	if (status == STATUS_OK && table->is_failed)
		status = error_set(error, STATUS_NO_MEMORY, "no memory for the checks");
	if (status == STATUS_OK)
		*ret_n_wrong = n_wrong;
	return status;
}
