/* SPDX-License-Identifier: Apache-2.0
 *
 * schema: the text of tables and views, and migration.
 */
#include "traces/schema.h"

#include <assert.h>
#include <stdio.h>

#include "traces/import_sink.h"
#include "traces/lod.h"
#include "traces/schema_paths.h"

static const char tables_sql[] =
	"CREATE TABLE meta(key TEXT PRIMARY KEY NOT NULL, value) WITHOUT ROWID;"
	"CREATE TABLE kind(id INTEGER PRIMARY KEY, word TEXT NOT NULL UNIQUE);"
	"CREATE TABLE status(id INTEGER PRIMARY KEY, word TEXT NOT NULL UNIQUE);"
	"CREATE TABLE string(id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);"
	"CREATE TABLE graph(id INTEGER PRIMARY KEY, name TEXT NOT NULL, file TEXT, text TEXT);"
	"CREATE TABLE run(id INTEGER PRIMARY KEY, graph INTEGER NOT NULL REFERENCES graph, mode TEXT NOT NULL,"
	" status TEXT NOT NULL, message TEXT, start_ns INTEGER NOT NULL, end_ns INTEGER NOT NULL, start_unix_ns INTEGER,"
	" first_submit_ns INTEGER, last_finish_ns INTEGER, n_submitted INTEGER NOT NULL DEFAULT 0,"
	" n_finished INTEGER NOT NULL DEFAULT 0, n_failed INTEGER NOT NULL DEFAULT 0, in_flight INTEGER, seed INTEGER,"
	" n_threads INTEGER);"
	"CREATE TABLE run_meta(run INTEGER NOT NULL REFERENCES run, key TEXT NOT NULL, value,"
	" PRIMARY KEY(run, key)) WITHOUT ROWID;"
	"CREATE TABLE device(id INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES run, name TEXT NOT NULL, kind"
	" TEXT NOT NULL);"
	"CREATE TABLE worker(id INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES run, idx INTEGER NOT NULL, name"
	" TEXT NOT NULL,"
	" device INTEGER REFERENCES device);"
	"CREATE TABLE node(id INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES run, idx INTEGER NOT NULL, name"
	" TEXT NOT NULL,"
	" op TEXT, worker INTEGER NOT NULL REFERENCES worker, collective TEXT, line INTEGER, params TEXT, outputs TEXT);"
	"CREATE TABLE channel(id INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES run, idx INTEGER NOT NULL,"
	" name TEXT NOT NULL, node INTEGER NOT NULL REFERENCES node, output INTEGER, storage INTEGER NOT NULL"
	" REFERENCES channel,"
	" transport TEXT NOT NULL, depth INTEGER NOT NULL, payload_bytes INTEGER NOT NULL, slot_bytes INTEGER NOT NULL);"
	"CREATE TABLE edge(id INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES run, idx INTEGER NOT NULL, name"
	" TEXT NOT NULL,"
	" src INTEGER NOT NULL REFERENCES node, dst INTEGER NOT NULL REFERENCES node, src_output INTEGER, dst_input INTEGER,"
	" channel INTEGER REFERENCES channel, is_peer INTEGER NOT NULL, result TEXT);"
	"CREATE TABLE plan_step(worker INTEGER NOT NULL REFERENCES worker, position INTEGER NOT NULL, kind TEXT NOT NULL,"
	" node INTEGER REFERENCES node, channel INTEGER REFERENCES channel, edge INTEGER REFERENCES edge, reader INTEGER,"
	" PRIMARY KEY(worker, position)) WITHOUT ROWID;"
	"CREATE TABLE lane(id INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES run, kind TEXT NOT NULL, name TEXT"
	" NOT NULL,"
	" worker INTEGER REFERENCES worker, device INTEGER REFERENCES device, channel INTEGER REFERENCES channel,"
	" first_ns INTEGER, last_ns INTEGER);"
	"CREATE TABLE execution(run INTEGER NOT NULL REFERENCES run, execution INTEGER NOT NULL, start_ns INTEGER,"
	" end_ns INTEGER, status INTEGER NOT NULL REFERENCES status, failure INTEGER, is_warmup INTEGER NOT NULL DEFAULT 0,"
	" PRIMARY KEY(run, execution)) WITHOUT ROWID;"
	"CREATE TABLE failure(run INTEGER NOT NULL REFERENCES run, failure INTEGER NOT NULL, execution INTEGER,"
	" node INTEGER REFERENCES node, status INTEGER NOT NULL REFERENCES status, time_ns INTEGER, text TEXT,"
	" PRIMARY KEY(run, failure)) WITHOUT ROWID;"
#define X(name, word) ", " word "_ns INTEGER"
	"CREATE TABLE op_event(run INTEGER NOT NULL REFERENCES run, lane INTEGER NOT NULL REFERENCES lane,"
	" node INTEGER NOT NULL REFERENCES node, execution INTEGER NOT NULL, start_ns INTEGER NOT NULL,"
	" duration_ns INTEGER NOT NULL, status INTEGER NOT NULL REFERENCES status" OP_PHASE_MAP(X) ");"
#undef X
	"CREATE TABLE span(id INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES run, lane INTEGER NOT NULL"
	" REFERENCES lane,"
	" kind INTEGER NOT NULL REFERENCES kind, start_ns INTEGER NOT NULL, duration_ns INTEGER NOT NULL,"
	" node INTEGER REFERENCES node, edge INTEGER REFERENCES edge, channel INTEGER REFERENCES channel, execution INTEGER,"
	" cause INTEGER REFERENCES kind, peer INTEGER REFERENCES worker, slot INTEGER, bytes INTEGER);"
	"CREATE TABLE stall_root(span INTEGER PRIMARY KEY REFERENCES span, root INTEGER NOT NULL, node INTEGER REFERENCES node,"
	" edge INTEGER REFERENCES edge);"
	"CREATE TABLE blame(run INTEGER NOT NULL REFERENCES run, lane INTEGER NOT NULL REFERENCES lane, cause INTEGER NOT NULL"
	" REFERENCES kind, root INTEGER NOT NULL, kind INTEGER NOT NULL REFERENCES kind, node INTEGER REFERENCES node,"
	" edge INTEGER REFERENCES edge, ns INTEGER NOT NULL);"
	"CREATE TABLE critical_path(run INTEGER NOT NULL REFERENCES run, role INTEGER NOT NULL, kind INTEGER NOT NULL"
	" REFERENCES kind, node INTEGER REFERENCES node, edge INTEGER REFERENCES edge, ns INTEGER NOT NULL);"
	"CREATE TABLE compare_sum(run INTEGER NOT NULL REFERENCES run, part INTEGER NOT NULL, kind INTEGER REFERENCES kind,"
	" node INTEGER REFERENCES node, edge INTEGER REFERENCES edge, n INTEGER NOT NULL, ns INTEGER NOT NULL, mean REAL NOT NULL,"
	" squares REAL NOT NULL);"
	"CREATE TABLE gpu_activity(span INTEGER PRIMARY KEY REFERENCES span, process INTEGER, thread INTEGER, device INTEGER"
	" REFERENCES device, stream INTEGER, name INTEGER REFERENCES string, correlation INTEGER, graph INTEGER,"
	" graph_node INTEGER, grid_x INTEGER, grid_y INTEGER, grid_z INTEGER, block_x INTEGER, block_y INTEGER,"
	" block_z INTEGER,"
	" copy_kind TEXT);"
	"CREATE TABLE counter(run INTEGER NOT NULL REFERENCES run, lane INTEGER REFERENCES lane, time_ns INTEGER NOT NULL,"
	" name INTEGER NOT NULL REFERENCES string, value REAL NOT NULL);"
	"CREATE TABLE value(run INTEGER NOT NULL REFERENCES run, node INTEGER NOT NULL REFERENCES node,"
	" execution INTEGER NOT NULL, output INTEGER NOT NULL, dtype TEXT NOT NULL, shape TEXT NOT NULL, min REAL, max REAL,"
	" mean REAL, norm REAL, n_nan INTEGER, n_inf INTEGER, data BLOB);"
	"CREATE TABLE summary(lane INTEGER NOT NULL REFERENCES lane, node INTEGER NOT NULL, kind INTEGER NOT NULL"
	" REFERENCES kind,"
	" n INTEGER NOT NULL, ns INTEGER NOT NULL, PRIMARY KEY(lane, node, kind)) WITHOUT ROWID;"
	"CREATE TABLE loss(run INTEGER NOT NULL REFERENCES run, worker INTEGER NOT NULL REFERENCES worker, cause TEXT"
	" NOT NULL,"
	" n_records INTEGER NOT NULL, PRIMARY KEY(run, worker, cause)) WITHOUT ROWID;"
	"CREATE TABLE clock_sample(run INTEGER NOT NULL REFERENCES run, clock TEXT NOT NULL, time_ns INTEGER NOT NULL,"
	" count INTEGER NOT NULL, width_ns INTEGER NOT NULL);"
	"CREATE TABLE log(id INTEGER PRIMARY KEY, run INTEGER REFERENCES run, time_ns INTEGER, level TEXT NOT NULL,"
	" worker INTEGER REFERENCES worker, node INTEGER REFERENCES node, execution INTEGER, text TEXT NOT NULL);";

/* The engine's numbers are positions in its lists: an array with something before its first word, so that each word
 * has a comma. */
#define WORD(name, word) ",\"" word "\""
#define STATUS_WORD(name, word, sentence) ",\"" word "\""
#define KIND_ROW(name, number, word) ", (" #number ", '" word "')"

static const char words_sql[] =
	"INSERT INTO kind SELECT key - 1, value FROM json_each('[\"\"" PHASE_MAP(WORD) "]') WHERE key > 0;"
	"INSERT INTO status SELECT key - 1, value FROM json_each('[\"\"" STATUS_MAP(STATUS_WORD) "]') WHERE key > 0;"
	"INSERT INTO status VALUES(-1, 'unfinished');"
	"INSERT INTO kind WITH more(id, word) AS (VALUES(-1, '')" SPAN_KIND_MAP(KIND_ROW) ")"
	" SELECT * FROM more WHERE id >= 0;";

#define NS(word) " coalesce(e." word "_ns, 0) AS " word "_ns"
#define GPU_NAMES \
	" LEFT JOIN string t ON t.id = g.name LEFT JOIN device d ON d.id = g.device LEFT JOIN node n ON n.id = s.node"
#define GPU_VIEW(view, number, more) \
	"CREATE VIEW " view " AS SELECT s.run, g.process, d.name AS device, g.stream, t.text AS name, g.correlation," \
	" s.start_ns, s.duration_ns, n.name AS node, s.execution" more " FROM span s JOIN gpu_activity g ON g.span = s.id" \
	GPU_NAMES " WHERE s.kind = " number ";"
#define THREAD_VIEW(view, number, correlation, more) \
	"CREATE VIEW " view " AS SELECT s.run, g.process, g.thread, t.text AS name" correlation \
	", s.start_ns, s.duration_ns" more " FROM span s JOIN gpu_activity g ON g.span = s.id" GPU_NAMES \
	" WHERE s.kind = " number ";"
/* The numbers of traces/blame.h and traces/critical.h. */
#define BLAME_ROOT_WORDS " WHEN 0 THEN 'unknown' WHEN 1 THEN rn.name WHEN 2 THEN re.name WHEN 3 THEN 'caller'"
#define CRITICAL_ROLE_WORDS \
	" WHEN 0 THEN 'own' WHEN 1 THEN 'edge' WHEN 2 THEN 'queue' WHEN 3 THEN 'held' WHEN 4 THEN 'caller'"
#define OVERLAP(a, b, p, q) " max(0, min(" b ", " q ") - max(" a ", " p "))"

/* The host's partition of time. */
#define TIME_SPLIT_HOST \
	" WITH" \
	" bound AS (SELECT l.id AS lane, l.name, w.name AS worker, r.id AS run, r.start_ns AS a, r.end_ns AS b," \
	"  coalesce(l.first_ns, r.end_ns) AS f, coalesce(l.last_ns, r.end_ns) AS t, coalesce(r.first_submit_ns," \
	" r.end_ns) AS s," \
	"  CASE WHEN r.n_submitted > r.n_finished THEN r.end_ns ELSE coalesce(r.last_finish_ns, r.end_ns) END AS e" \
	"  FROM lane l JOIN run r ON r.id = l.run JOIN worker w ON w.id = l.worker WHERE l.kind = 'host')," \
	" gap AS (SELECT lane, " OVERLAP("a", "f", "a", "s") " + " OVERLAP("a", "f", "e", "b") " + " \
	OVERLAP("t", "b", "a", "s") " + " OVERLAP("t", "b", "e", "b") " AS ns FROM bound)," \
	" part AS (SELECT lane, kind, sum(ns) AS ns FROM (SELECT lane, kind, ns FROM summary WHERE kind BETWEEN 1 AND 99" \
	"  UNION ALL SELECT lane, (SELECT id FROM kind WHERE word = 'idle'), ns FROM gap) GROUP BY lane, kind HAVING" \
	" sum(ns) > 0)," \
	" row AS (SELECT lane, kind, ns FROM part UNION ALL" \
	"  SELECT lane, 0, b - a - coalesce((SELECT sum(ns) FROM part p WHERE p.lane = bound.lane), 0) FROM bound)" \
	" SELECT bound.run, bound.name AS lane, bound.worker, 'host' AS side, kind.word AS kind, row.ns," \
	"  CASE WHEN b > a THEN CAST(row.ns AS REAL) / (b - a) END AS share" \
	" FROM bound JOIN row ON row.lane = bound.lane JOIN kind ON kind.id = row.kind"

static const char views_sql[] =
	"CREATE VIEW v_op AS SELECT e.run, r.mode, w.name AS worker, n.name AS node, n.op, e.execution, e.start_ns,"
	" e.duration_ns,"
	NS("starved") "," NS("backpressure") "," NS("late_rank") "," NS("dispatch") "," NS("allocate") ","
	NS("serialise") "," NS("fetch") "," NS("read") ","
	" coalesce(e.compute_ns, 0) + coalesce(e.collective_ns, 0) AS compute_ns,"
	NS("write") ","
	NS("launch") "," NS("sync") "," NS("debug") "," NS("recorder") "," NS("unknown")
	" FROM op_event e JOIN run r ON r.id = e.run JOIN node n ON n.id = e.node JOIN lane l ON l.id = e.lane"
	" JOIN worker w ON w.id = l.worker;"

	"CREATE VIEW v_stall AS SELECT s.run, w.name AS worker, c.word AS cause, n.name AS node, e.name AS edge,"
	" p.name AS peer,"
	" s.execution, s.start_ns, s.duration_ns, CASE t.root" BLAME_ROOT_WORDS " END AS root"
	" FROM span s JOIN lane l ON l.id = s.lane"
	" JOIN worker w ON w.id = l.worker JOIN kind c ON c.id = s.cause LEFT JOIN node n ON n.id = s.node"
	" LEFT JOIN edge e ON e.id = s.edge LEFT JOIN worker p ON p.id = s.peer LEFT JOIN stall_root t ON t.span = s.id"
	" LEFT JOIN node rn ON rn.id = t.node LEFT JOIN edge re ON re.id = t.edge WHERE s.kind = 100;"

	"CREATE VIEW v_blame AS SELECT t.run, w.name AS worker, c.word AS cause, CASE t.root" BLAME_ROOT_WORDS " END AS root,"
	" CASE t.root WHEN 1 THEN 'node' WHEN 2 THEN 'edge' WHEN 3 THEN 'caller' ELSE 'unknown' END AS root_type,"
	" CASE WHEN t.root = 1 THEN k.word END AS kind, rw.name AS root_worker, t.ns"
	" FROM blame t JOIN lane l ON l.id = t.lane JOIN worker w ON w.id = l.worker JOIN kind c ON c.id = t.cause"
	" JOIN kind k ON k.id = t.kind LEFT JOIN node rn ON rn.id = t.node LEFT JOIN edge re ON re.id = t.edge"
	" LEFT JOIN worker rw ON rw.id = rn.worker;"

	"CREATE VIEW v_critical_path AS SELECT p.run, CASE p.role" CRITICAL_ROLE_WORDS " END AS role, k.word AS kind,"
	" n.name AS node, e.name AS edge, p.ns, CAST(p.ns AS REAL) / (SELECT sum(q.ns) FROM critical_path q WHERE q.run = p.run)"
	" AS share FROM critical_path p JOIN kind k ON k.id = p.kind LEFT JOIN node n ON n.id = p.node"
	" LEFT JOIN edge e ON e.id = p.edge;"

	"CREATE VIEW v_execution AS SELECT x.run, x.execution, x.start_ns, x.end_ns - x.start_ns AS duration_ns,"
	" s.word AS status, x.is_warmup FROM execution x JOIN status s ON s.id = x.status;"

	"CREATE VIEW v_time_split AS" TIME_SPLIT_HOST ";"

	GPU_VIEW("v_kernel", "102", "")
	GPU_VIEW("v_memcpy", "103", ", g.copy_kind AS kind, s.bytes")
	GPU_VIEW("v_memset", "104", ", g.copy_kind AS kind, s.bytes")
	THREAD_VIEW("v_api", "105", ", g.correlation", "")
	THREAD_VIEW("v_mark", "106", "", ", n.name AS node, s.execution")

	"CREATE VIEW v_loss AS SELECT o.run, w.name AS worker, o.cause, o.n_records FROM loss o JOIN worker w ON w.id"
	" = o.worker"
	" WHERE o.n_records > 0;";

static int make_version_1(struct db *db, struct error *error)
{
	int status = db_exec(db, tables_sql, error);
	if (status == STATUS_OK)
		status = db_exec(db, words_sql, error);
	if (status == STATUS_OK)
		status = db_exec(db, views_sql, error);
	return status;
}

/* What is kept of a run of which not everything is. */
static int make_version_2(struct db *db, struct error *error)
{
	return db_exec(db,
		"ALTER TABLE run ADD COLUMN n_ops INTEGER NOT NULL DEFAULT 0;"
		"ALTER TABLE execution ADD COLUMN is_partial INTEGER NOT NULL DEFAULT 0;"
		"UPDATE meta SET value = '2' WHERE key = 'schema_version';"
		"UPDATE run SET n_ops = (SELECT coalesce(sum(s.n), 0) FROM summary s JOIN lane l ON l.id = s.lane"
		" WHERE l.run = run.id AND s.kind = 101);"
		"CREATE TABLE save(id INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES run, cause TEXT NOT NULL,"
		" time_ns INTEGER NOT NULL, execution INTEGER, worker INTEGER REFERENCES worker, node INTEGER REFERENCES node,"
		" n_triggers INTEGER NOT NULL, first_ns INTEGER, last_ns INTEGER, n_records INTEGER NOT NULL, text TEXT);"
		"DROP VIEW v_execution;"
		"CREATE VIEW v_execution AS SELECT x.run, x.execution, x.start_ns, x.end_ns - x.start_ns AS duration_ns,"
		" s.word AS status, x.is_warmup, x.is_partial FROM execution x JOIN status s ON s.id = x.status;"
		"CREATE VIEW v_save AS SELECT s.run, s.cause, s.execution, w.name AS worker, n.name AS node, s.time_ns, s.n_triggers,"
		" s.first_ns, s.last_ns, s.n_records, s.text FROM save s LEFT JOIN worker w ON w.id = s.worker"
		" LEFT JOIN node n ON n.id = s.node;", error);
}

/* The level of detail, which viewers draw from. */
static int make_version_3(struct db *db, struct error *error)
{
	int status = lod_create_tables(db, "main", error);
	return status == STATUS_OK ? db_exec(db, "UPDATE meta SET value = '3' WHERE key = 'schema_version'", error) : status;
}

/* What was saved of runs that went wrong (traces/postmortem.h). */
static int make_version_4(struct db *db, struct error *error)
{
	return db_exec(db,
		"UPDATE meta SET value = '4' WHERE key = 'schema_version';"
		"CREATE TABLE postmortem(id INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES run, time_ns INTEGER NOT "
		"NULL,"
		" reason TEXT NOT NULL, worker INTEGER REFERENCES worker, node INTEGER REFERENCES node, execution INTEGER, "
		"text TEXT,"
		" stack TEXT, ns_per_tick REAL NOT NULL, program_bytes INTEGER NOT NULL, control_bytes INTEGER NOT NULL, "
		"slots_bytes INTEGER NOT NULL,"
		" gates_bytes INTEGER NOT NULL, n_bytes INTEGER NOT NULL, n_left_out INTEGER NOT NULL);"
		"CREATE TABLE image(postmortem INTEGER NOT NULL REFERENCES postmortem, segment TEXT NOT NULL, offset "
		"INTEGER NOT NULL,"
		" bytes BLOB NOT NULL);"
		"CREATE VIEW v_postmortem AS SELECT p.id, p.run, p.time_ns, p.reason, w.name AS worker, n.name AS node, "
		"p.execution,"
		" p.text, p.stack, p.n_bytes, p.n_left_out FROM postmortem p LEFT JOIN worker w ON w.id = p.worker"
		" LEFT JOIN node n ON n.id = p.node;",
		error);
}

/* Traces of other tools: processes and their threads, streams, names of spans, links from launches to work, where it all came from. */
#define LANE_OF_SPAN " FROM span s JOIN lane l ON l.id = s.lane LEFT JOIN process p ON p.id = l.process LEFT JOIN string t ON t.id = s.name"
#define WORK_VIEW(view, number, more)                                                                                       \
	"CREATE VIEW " view                                                                                                 \
	" AS SELECT s.run, p.pid AS process, d.name AS device, l.stream, t.text AS name, s.correlation, s.start_ns,"        \
	" s.duration_ns, n.name AS node, s.execution" more                                                                  \
	", p.rank, g.launch, g.graph, g.graph_node, s.id AS span, l.context, g.graph_root" LANE_OF_SPAN                     \
	" LEFT JOIN gpu_activity g ON g.span = s.id LEFT JOIN device d ON d.id = l.device LEFT JOIN node n ON n.id = "      \
	"s.node"                                                                                                            \
	" LEFT JOIN string k ON k.id = g.copy_kind WHERE s.kind = " number ";"
#define HOST_VIEW(view, number, more, last) \
	"CREATE VIEW " view " AS SELECT s.run, p.pid AS process, l.thread, t.text AS name" more ", p.rank, c.text AS category, l.depth," \
	" s.id AS span" last LANE_OF_SPAN " LEFT JOIN string c ON c.id = s.category LEFT JOIN node n ON n.id = s.node WHERE s.kind = " number ";"
/* Where the time of devices went (traces/gpu_device.h). */
#define DEVICE_TIME_SQL                                                                                                     \
	"CREATE TABLE gpu_device(device INTEGER PRIMARY KEY REFERENCES device, run INTEGER NOT NULL REFERENCES run, "       \
	"process INTEGER NOT NULL"                                                                                          \
	" REFERENCES process, name TEXT NOT NULL, n INTEGER NOT NULL, n_unlinked INTEGER NOT NULL, n_gaps INTEGER NOT "     \
	"NULL,"                                                                                                             \
	" start_ns INTEGER NOT NULL, end_ns INTEGER NOT NULL, first_ns INTEGER NOT NULL, last_ns INTEGER NOT NULL, "        \
	"busy_ns INTEGER NOT NULL,"                                                                                         \
	" compute_ns INTEGER NOT NULL, collective_ns INTEGER NOT NULL, late_ns INTEGER NOT NULL, copy_ns INTEGER NOT "      \
	"NULL, graph_ns INTEGER NOT NULL,"                                                                                  \
	" hidden_ns INTEGER NOT NULL, exposed_ns INTEGER NOT NULL, exposed_copy_ns INTEGER NOT NULL, n_kernels INTEGER "    \
	"NOT NULL,"                                                                                                         \
	" n_prompt INTEGER NOT NULL, n_short INTEGER NOT NULL, latency_ns INTEGER NOT NULL);"                               \
	"CREATE TABLE gpu_split(run INTEGER NOT NULL REFERENCES run, device INTEGER NOT NULL REFERENCES device, kind TEXT " \
	"NOT NULL,"                                                                                                         \
	" ns INTEGER NOT NULL, PRIMARY KEY(run, device, kind)) WITHOUT ROWID;"                                              \
	"CREATE TABLE gpu_stream(lane INTEGER PRIMARY KEY REFERENCES lane, run INTEGER NOT NULL REFERENCES run, device "    \
	"INTEGER NOT NULL"                                                                                                  \
	" REFERENCES device, n INTEGER NOT NULL, busy_ns INTEGER NOT NULL, host_ns INTEGER NOT NULL, kernel_ns INTEGER "    \
	"NOT NULL,"                                                                                                         \
	" other_ns INTEGER NOT NULL, unlinked_ns INTEGER NOT NULL);"                                                        \
	"CREATE TABLE gpu_kernel(run INTEGER NOT NULL REFERENCES run, device INTEGER NOT NULL REFERENCES device, name "     \
	"INTEGER REFERENCES string,"                                                                                        \
	" class INTEGER, n INTEGER NOT NULL, ns INTEGER NOT NULL, min_ns INTEGER NOT NULL, max_ns INTEGER NOT NULL, "       \
	"longest INTEGER NOT NULL);"                                                                                        \
	"CREATE TABLE gpu_call(run INTEGER NOT NULL REFERENCES run, process INTEGER NOT NULL REFERENCES process, name "     \
	"INTEGER REFERENCES string,"                                                                                        \
	" class INTEGER NOT NULL, n INTEGER NOT NULL, ns INTEGER NOT NULL, min_ns INTEGER NOT NULL, max_ns INTEGER NOT "    \
	"NULL,"                                                                                                             \
	" longest INTEGER NOT NULL);"                                                                                       \
	"CREATE TABLE gpu_copy(run INTEGER NOT NULL REFERENCES run, device INTEGER NOT NULL REFERENCES device, is_memset "  \
	"INTEGER NOT NULL,"                                                                                                 \
	" kind INTEGER REFERENCES string, n INTEGER NOT NULL, ns INTEGER NOT NULL, bytes INTEGER NOT NULL, max_ns INTEGER " \
	"NOT NULL,"                                                                                                         \
	" longest INTEGER NOT NULL);"                                                                                       \
	"CREATE TABLE gpu_gap(run INTEGER NOT NULL REFERENCES run, device INTEGER NOT NULL REFERENCES device, start_ns "    \
	"INTEGER NOT NULL,"                                                                                                 \
	" duration_ns INTEGER NOT NULL, kind TEXT NOT NULL, kind_ns INTEGER NOT NULL, before INTEGER REFERENCES span, "     \
	"after INTEGER"                                                                                                     \
	" REFERENCES span);"                                                                                                \
	"CREATE TABLE finding(id INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES run, device INTEGER REFERENCES "      \
	"device, kind TEXT NOT NULL,"                                                                                       \
	" severity TEXT NOT NULL, value REAL NOT NULL, threshold REAL NOT NULL, unit TEXT NOT NULL, n INTEGER NOT NULL, "   \
	"text TEXT NOT NULL,"                                                                                               \
	" span INTEGER REFERENCES span, query TEXT);"                                                                       \
	"DROP VIEW v_time_split;"                                                                                           \
	"CREATE VIEW v_time_split AS" TIME_SPLIT_HOST " UNION ALL SELECT s.run, d.name, NULL, 'device', s.kind, s.ns, "     \
						      "CASE WHEN d.end_ns > d.start_ns THEN CAST(s.ns AS REAL) /"           \
	" (d.end_ns - d.start_ns) END FROM gpu_split s JOIN gpu_device d ON d.device = s.device;"                           \
	"CREATE VIEW v_finding AS SELECT f.run, d.name AS device, f.kind, f.severity, f.value, f.threshold, f.unit, f.n, "  \
	"f.text, f.span, f.query"                                                                                           \
	" FROM finding f LEFT JOIN gpu_device d ON d.device = f.device;"                                                    \
	"CREATE VIEW v_gap AS SELECT g.run, d.name AS device, g.start_ns, g.duration_ns, g.kind, g.kind_ns, g.before, "     \
	"g.after"                                                                                                           \
	" FROM gpu_gap g JOIN gpu_device d ON d.device = g.device;"
#define API_CLASS_ROW(name, word) "INSERT INTO api_class(word) VALUES('" word "');"
static int make_version_5(struct db *db, struct error *error)
{
	return db_exec(db,
		"UPDATE meta SET value = '5' WHERE key = 'schema_version';"
		"CREATE TABLE process(id INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES run, pid INTEGER, name TEXT, "
		"rank INTEGER,"
		" source INTEGER);"
		"CREATE TABLE import_source(id INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES run, file TEXT NOT "
		"NULL, kind TEXT NOT NULL,"
		" version TEXT, rank INTEGER, world_size INTEGER, n_bytes INTEGER NOT NULL, n_events INTEGER NOT NULL, "
		"n_rows INTEGER NOT NULL,"
		" n_problems INTEGER NOT NULL, is_cut INTEGER NOT NULL, offset_ns INTEGER NOT NULL, uncertainty_ns INTEGER "
		"NOT NULL);"
		"CREATE TABLE import_problem(source INTEGER NOT NULL REFERENCES import_source, cause TEXT NOT NULL, n "
		"INTEGER NOT NULL,"
		" first_place INTEGER NOT NULL, PRIMARY KEY(source, cause)) WITHOUT ROWID;"
		"CREATE TABLE import_count(source INTEGER NOT NULL REFERENCES import_source, what TEXT NOT NULL, n INTEGER "
		"NOT NULL,"
		" PRIMARY KEY(source, what)) WITHOUT ROWID;"
		"CREATE TABLE arg(span INTEGER NOT NULL REFERENCES span, name INTEGER NOT NULL REFERENCES string, value "
		"INTEGER NOT NULL"
		" REFERENCES string, PRIMARY KEY(span, name)) WITHOUT ROWID;"
		"CREATE TABLE api_class(id INTEGER PRIMARY KEY, word TEXT NOT NULL);" IMPORT_API_MAP(
			API_CLASS_ROW) "CREATE TABLE gpu_path(run INTEGER NOT NULL REFERENCES run, path INTEGER NOT NULL, "
				       "parent INTEGER NOT NULL, name TEXT NOT NULL,"
				       " PRIMARY KEY(run, path)) WITHOUT ROWID;"
				       "CREATE TABLE gpu_site(run INTEGER NOT NULL REFERENCES run, device INTEGER NOT NULL "
				       "REFERENCES device, path INTEGER NOT NULL,"
				       " place INTEGER NOT NULL, name INTEGER NOT NULL REFERENCES string, kind INTEGER NOT "
				       "NULL REFERENCES kind, class INTEGER,"
				       " n INTEGER NOT NULL, ns INTEGER NOT NULL, mean REAL NOT NULL, squares REAL NOT "
				       "NULL, n_unit INTEGER NOT NULL, ns_unit INTEGER NOT NULL);"
				       "CREATE TABLE gpu_unit(run INTEGER NOT NULL REFERENCES run, device INTEGER NOT NULL "
				       "REFERENCES device, execution INTEGER,"
				       " kind TEXT NOT NULL, ns INTEGER NOT NULL);"
				       "CREATE TABLE gpu_calls(run INTEGER NOT NULL REFERENCES run, process INTEGER NOT "
				       "NULL REFERENCES process, class INTEGER NOT NULL,"
				       " n INTEGER NOT NULL, ns INTEGER NOT NULL, n_unit INTEGER NOT NULL, ns_unit INTEGER "
				       "NOT NULL);"
				       "ALTER TABLE lane ADD COLUMN process INTEGER REFERENCES process;"
				       "ALTER TABLE lane ADD COLUMN thread INTEGER;"
				       "ALTER TABLE lane ADD COLUMN stream INTEGER;"
				       "ALTER TABLE lane ADD COLUMN context INTEGER;"
				       "ALTER TABLE lane ADD COLUMN depth INTEGER;"
				       "ALTER TABLE span ADD COLUMN name INTEGER REFERENCES string;"
				       "ALTER TABLE span ADD COLUMN category INTEGER REFERENCES string;"
				       "ALTER TABLE span ADD COLUMN class INTEGER;"
				       "ALTER TABLE span ADD COLUMN correlation INTEGER;"
				       "ALTER TABLE span ADD COLUMN external INTEGER;"
				       "DROP VIEW v_kernel; DROP VIEW v_memcpy; DROP VIEW v_memset; DROP VIEW v_api; DROP "
				       "VIEW v_mark;"
				       "DROP TABLE gpu_activity;"
				       "CREATE TABLE gpu_activity(span INTEGER PRIMARY KEY REFERENCES span, launch INTEGER "
				       "REFERENCES span, graph INTEGER,"
				       " graph_node INTEGER, grid_x INTEGER, grid_y INTEGER, grid_z INTEGER, block_x "
				       "INTEGER, block_y INTEGER, block_z INTEGER,"
				       " copy_kind INTEGER REFERENCES string, sync_kind INTEGER, event INTEGER, wait_stream "
				       "INTEGER,"
				       " graph_root INTEGER);"
				       "INSERT INTO kind WITH more(id, word) AS (VALUES(-1, '')" SPAN_KIND_MORE_MAP(
					       KIND_ROW) ") SELECT * FROM more WHERE id >= 0;" WORK_VIEW("v_kernel", "102",
					       "") WORK_VIEW("v_memcpy", "103",
					       ", k.text AS kind, s.bytes") WORK_VIEW("v_memset", "104",
					       ", k.text AS kind, s.bytes") WORK_VIEW("v_graph", "107",
					       "") WORK_VIEW("v_sync", "108",
					       ", g.sync_kind, g.event, g.wait_stream") HOST_VIEW("v_api", "105",
					       ", s.correlation, s.start_ns, s.duration_ns",
					       ", (SELECT a.word FROM api_class a WHERE a.id = s.class + 1) AS class, "
					       "s.external") HOST_VIEW("v_mark", "106",
					       ", s.start_ns, s.duration_ns, n.name AS node, s.execution",
					       "") "CREATE VIEW v_source AS SELECT s.run, s.file, s.kind, s.version, "
						   "s.rank, s.world_size, s.n_bytes, s.n_events, s.n_rows,"
						   " s.n_problems, s.is_cut, s.offset_ns, nullif(s.uncertainty_ns, -1) AS "
						   "uncertainty_ns, s.id AS source FROM import_source s;"
						   "CREATE VIEW v_import_count AS SELECT s.run, s.file, c.what, c.n FROM "
						   "import_count c JOIN import_source s ON s.id = c.source;"
						   "CREATE VIEW v_problem AS SELECT s.run, s.file, p.cause, p.n, "
						   "p.first_place FROM import_problem p"
						   " JOIN import_source s ON s.id = p.source;" DEVICE_TIME_SQL
							   PATHS_TABLES_SQL PATHS_VIEWS_SQL,
		error);
}

/* A later version is added as a function that changes the one before, and its line here. */
static const struct schema_step steps[] = {
	{ 1, make_version_1 },
	{ 2, make_version_2 },
	{ 3, make_version_3 },
	{ 4, make_version_4 },
	{ 5, make_version_5 },
};
static_assert(ARRAY_LEN(steps) == SCHEMA_VERSION, "one step a version");

enum op_phase schema_op_phase(enum phase phase)
{
	static const unsigned char columns[PHASE_COUNT] = {
		[PHASE_LIMIT] = OP_PHASE_UNKNOWN, [PHASE_IDLE] = OP_PHASE_UNKNOWN,
#define X(name, word) [PHASE_##name] = OP_PHASE_##name,
		OP_PHASE_MAP(X)
#undef X
	};
	return (unsigned)phase < PHASE_COUNT ? (enum op_phase)columns[phase] : OP_PHASE_UNKNOWN;
}

static int refuse_newer(int64_t version, int known, struct error *error)
{
	return error_set(error, STATUS_TRACE, "the trace has version %lld, this program knows versions up to %d;"
		" use a newer tandem", (long long)version, known);
}

static int apply_steps(struct db *db, int64_t version, const struct schema_step *list, int n_steps, struct error *error)
{
	char pragmas[100];
	snprintf(pragmas, sizeof(pragmas), "PRAGMA application_id = %d; PRAGMA user_version = %d;", SCHEMA_APPLICATION_ID,
		list[n_steps - 1].version);
	int status = db_begin(db, error);
	for (int i = 0; status == STATUS_OK && i < n_steps; i++) {
		if (list[i].version > version)
			status = list[i].apply(db, error);
	}
	if (status == STATUS_OK)
		status = db_exec(db, pragmas, error);
	if (status == STATUS_OK)
		status = db_commit(db, error);
	if (status != STATUS_OK)
		db_rollback(db);
	return status;
}

int schema_migrate_by(struct db *db, const struct schema_step *list, int n_steps, struct error *error)
{
	int64_t version = 0;
	int status = db_get_int(db, "PRAGMA user_version", &version, error);
	if (status != STATUS_OK)
		return status;
	if (version > list[n_steps - 1].version)
		return refuse_newer(version, list[n_steps - 1].version, error);
	if (version == list[n_steps - 1].version)
		return STATUS_OK;
	return apply_steps(db, version, list, n_steps, error);
}

int schema_migrate(struct db *db, struct error *error)
{
	return schema_migrate_by(db, steps, ARRAY_LEN(steps), error);
}

int schema_check(struct db *db, int *ret_version, struct error *error)
{
	int64_t application = 0, version = 0;
	int status = db_get_int(db, "PRAGMA application_id", &application, error);
	if (status == STATUS_OK)
		status = db_get_int(db, "PRAGMA user_version", &version, error);
	if (status != STATUS_OK)
		return status;
	if (application != SCHEMA_APPLICATION_ID)
		return error_set(error, STATUS_TRACE, "a plain SQLite file, not a tandem trace (application_id is %lld)",
			(long long)application);
	if (version > SCHEMA_VERSION)
		return refuse_newer(version, SCHEMA_VERSION, error);
	*ret_version = (int)version;
	return STATUS_OK;
}
