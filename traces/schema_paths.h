/* SPDX-License-Identifier: Apache-2.0
 *
 * schema_paths: the tables and views of collectives, iterations, critical paths and the roots of waits of imported runs. Included by schema.c alone.
 */
#ifndef TANDEM_TRACES_SCHEMA_PATHS_H
#define TANDEM_TRACES_SCHEMA_PATHS_H

#include "traces/gpu_order.h"

#define STEP_CLASS_ROW(name, word) "INSERT INTO step_class SELECT count(*), '" word "' FROM step_class;"

#define RANK_OF_DEVICE(device) \
	"(SELECT p.rank FROM process p JOIN lane l ON l.process = p.id WHERE l.device = " device " AND p.rank IS NOT NULL LIMIT 1)"

#define PATHS_TABLES_SQL \
	"CREATE TABLE step_class(id INTEGER PRIMARY KEY, word TEXT NOT NULL);" GPU_STEP_MAP(STEP_CLASS_ROW) \
	"CREATE TABLE collective_group(run INTEGER NOT NULL REFERENCES run, id INTEGER NOT NULL, name INTEGER REFERENCES string, stream INTEGER," \
	" matched_by TEXT NOT NULL, n_devices INTEGER NOT NULL, n_agreeing INTEGER NOT NULL, n_collectives INTEGER NOT NULL," \
	" n_consistent INTEGER NOT NULL, n_unmatched INTEGER NOT NULL, PRIMARY KEY(run, id)) WITHOUT ROWID;" \
	"CREATE TABLE collective(run INTEGER NOT NULL REFERENCES run, id INTEGER NOT NULL, grp INTEGER NOT NULL, name INTEGER REFERENCES string," \
	" n_ranks INTEGER NOT NULL, start_ns INTEGER NOT NULL, last_ns INTEGER NOT NULL, end_ns INTEGER NOT NULL, moving_ns INTEGER NOT NULL," \
	" wait_ns INTEGER NOT NULL, last INTEGER REFERENCES span, is_consistent INTEGER NOT NULL, late_class INTEGER, late_name INTEGER," \
	" late_process INTEGER, late_ns INTEGER, PRIMARY KEY(run, id)) WITHOUT ROWID;" \
	"CREATE TABLE collective_rank(run INTEGER NOT NULL REFERENCES run, collective INTEGER NOT NULL, span INTEGER NOT NULL REFERENCES span," \
	" device INTEGER NOT NULL REFERENCES device, start_ns INTEGER NOT NULL, duration_ns INTEGER NOT NULL, wait_ns INTEGER NOT NULL," \
	" PRIMARY KEY(run, collective, span)) WITHOUT ROWID;" \
	"CREATE TABLE iteration(run INTEGER NOT NULL REFERENCES run, execution INTEGER NOT NULL, process INTEGER NOT NULL REFERENCES process," \
	" start_ns INTEGER NOT NULL, end_ns INTEGER NOT NULL, finish_ns INTEGER NOT NULL, n_work INTEGER NOT NULL, work_ns INTEGER NOT NULL," \
	" busy_ns INTEGER NOT NULL, over_ns INTEGER NOT NULL, more_ns INTEGER NOT NULL, longer_ns INTEGER NOT NULL, gap_ns INTEGER NOT NULL," \
	" mark INTEGER REFERENCES span, PRIMARY KEY(run, execution, process)) WITHOUT ROWID;" \
	"CREATE TABLE path_sum(run INTEGER NOT NULL REFERENCES run, execution INTEGER, class INTEGER NOT NULL REFERENCES step_class," \
	" name INTEGER REFERENCES string, process INTEGER REFERENCES process, n INTEGER NOT NULL, ns INTEGER NOT NULL);" \
	"CREATE TABLE path_step(run INTEGER NOT NULL REFERENCES run, execution INTEGER, start_ns INTEGER NOT NULL, duration_ns INTEGER NOT NULL," \
	" class INTEGER NOT NULL REFERENCES step_class, span INTEGER REFERENCES span, process INTEGER REFERENCES process);" \
	"CREATE TABLE wait_root(run INTEGER NOT NULL REFERENCES run, waits TEXT NOT NULL, device INTEGER REFERENCES device," \
	" process INTEGER REFERENCES process, class INTEGER NOT NULL REFERENCES step_class, name INTEGER REFERENCES string," \
	" root_process INTEGER REFERENCES process, n INTEGER NOT NULL, ns INTEGER NOT NULL);"

#define PATHS_VIEWS_SQL \
	"CREATE VIEW v_collective AS SELECT c.run, c.id AS collective, coalesce(k.text, 'stream ' || g.stream, 'all streams') AS collective_group," \
	" g.matched_by, t.text AS name, c.n_ranks, c.start_ns, c.end_ns - c.start_ns AS duration_ns," \
	" CASE WHEN c.n_ranks > 1 THEN c.last_ns - c.start_ns END AS spread_ns, c.moving_ns, c.wait_ns," \
	RANK_OF_DEVICE("m.device") " AS last_rank, d.name AS last_device, w.word AS late_class, n.text AS late_name, c.late_ns," \
	" c.is_consistent FROM collective c JOIN collective_group g ON g.run = c.run AND g.id = c.grp LEFT JOIN string k ON k.id = g.name" \
	" LEFT JOIN string t ON t.id = c.name LEFT JOIN collective_rank m ON m.run = c.run AND m.collective = c.id AND m.span = c.last" \
	" LEFT JOIN device d ON d.id = m.device LEFT JOIN step_class w ON w.id = c.late_class LEFT JOIN string n ON n.id = c.late_name;" \
	"CREATE VIEW v_collective_rank AS SELECT m.run, m.collective, t.text AS name, " RANK_OF_DEVICE("m.device") " AS rank, d.name AS device," \
	" m.start_ns, m.duration_ns, m.wait_ns, coalesce(m.span = c.last, 0) AS is_last, m.span FROM collective_rank m" \
	" JOIN collective c ON c.run = m.run AND c.id = m.collective JOIN device d ON d.id = m.device LEFT JOIN string t ON t.id = c.name;" \
	"CREATE VIEW v_straggler AS SELECT m.run, " RANK_OF_DEVICE("m.device") " AS rank, d.name AS device, count(*) AS n_collectives," \
	" sum(m.span = c.last) AS n_last, sum(CASE WHEN m.span = c.last THEN c.wait_ns ELSE 0 END) AS cost_ns," \
	" sum(m.wait_ns) AS waited_ns FROM collective_rank m JOIN collective c ON c.run = m.run AND c.id = m.collective" \
	" JOIN device d ON d.id = m.device WHERE c.is_consistent GROUP BY m.run, m.device;" \
	"CREATE VIEW v_iteration AS SELECT i.run, i.execution, p.pid AS process, p.rank, i.start_ns, i.finish_ns - i.start_ns AS duration_ns," \
	" i.end_ns - i.start_ns AS host_ns, i.n_work, i.work_ns, i.busy_ns, i.over_ns, i.more_ns, i.longer_ns, i.gap_ns," \
	" CASE WHEN i.over_ns <= 0 THEN NULL WHEN i.more_ns >= i.longer_ns AND i.more_ns >= i.gap_ns THEN 'more work'" \
	" WHEN i.longer_ns >= i.gap_ns THEN 'longer work' ELSE 'gaps' END AS why, t.text AS name FROM iteration i" \
	" JOIN process p ON p.id = i.process LEFT JOIN span s ON s.id = i.mark LEFT JOIN string t ON t.id = s.name;" \
	"CREATE VIEW v_path AS SELECT s.run, s.execution, c.word AS class, t.text AS name, p.pid AS process, p.rank, s.n, s.ns," \
	" CAST(s.ns AS REAL) / (SELECT sum(o.ns) FROM path_sum o WHERE o.run = s.run AND o.execution IS s.execution) AS share" \
	" FROM path_sum s JOIN step_class c ON c.id = s.class LEFT JOIN string t ON t.id = s.name LEFT JOIN process p ON p.id = s.process;" \
	"CREATE VIEW v_path_step AS SELECT s.run, s.execution, s.start_ns, s.duration_ns, c.word AS class, t.text AS name, p.pid AS process," \
	" p.rank, s.span FROM path_step s JOIN step_class c ON c.id = s.class LEFT JOIN span x ON x.id = s.span LEFT JOIN string t ON t.id = x.name" \
	" LEFT JOIN process p ON p.id = s.process;" \
	"CREATE VIEW v_wait_root AS SELECT w.run, w.waits, p.rank, p.pid AS process, d.name AS device, c.word AS root_class, t.text AS root_name," \
	" r.pid AS root_process, r.rank AS root_rank, w.n, w.ns, CAST(w.ns AS REAL) / (SELECT sum(o.ns) FROM wait_root o WHERE o.run = w.run" \
	" AND o.waits = w.waits AND o.device IS w.device AND o.process IS w.process) AS share FROM wait_root w" \
	" JOIN step_class c ON c.id = w.class LEFT JOIN process p ON p.id = w.process LEFT JOIN device d ON d.id = w.device" \
	" LEFT JOIN string t ON t.id = w.name LEFT JOIN process r ON r.id = w.root_process;"

#endif
