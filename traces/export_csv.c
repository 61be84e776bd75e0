/* SPDX-License-Identifier: Apache-2.0
 *
 * export_csv: rows of a view as comma-separated values (RFC 4180; lines end with \n, as those of `tandem query --csv`).
 */
#include <stdio.h>
#include <string.h>

#include "traces/export_private.h"

#define RUN "(?1 = 0 OR run = ?1)"
#define EXECUTIONS " AND execution BETWEEN ?2 AND ?3"
#define EXECUTIONS_OR_NONE " AND (execution BETWEEN ?2 AND ?3 OR execution IS NULL AND ?2 = 0 AND ?3 = 9223372036854775807)"
#define NO_EXECUTIONS " AND ?2 <= ?3"
#define LAYOUT(columns, table, more) "SELECT " columns " FROM " table " t " more " WHERE (?1 = 0 OR t.run = ?1)" NO_EXECUTIONS

/* X(name, SQL, SQL with what is private; NULL: the same) */
#define TABLE_MAP(X)                                                                                                     \
	X("op", "SELECT * FROM v_op WHERE " RUN EXECUTIONS, NULL)                                                        \
	X("stall", "SELECT * FROM v_stall WHERE " RUN EXECUTIONS_OR_NONE, NULL)                                          \
	X("execution", "SELECT * FROM v_execution WHERE " RUN EXECUTIONS, NULL)                                          \
	X("time_split", "SELECT * FROM v_time_split WHERE " RUN NO_EXECUTIONS, NULL)                                     \
	X("blame", "SELECT * FROM v_blame WHERE " RUN NO_EXECUTIONS, NULL)                                               \
	X("critical_path", "SELECT * FROM v_critical_path WHERE " RUN NO_EXECUTIONS, NULL)                               \
	X("kernel", "SELECT * FROM v_kernel WHERE " RUN EXECUTIONS_OR_NONE, NULL)                                        \
	X("memcpy", "SELECT * FROM v_memcpy WHERE " RUN EXECUTIONS_OR_NONE, NULL)                                        \
	X("memset", "SELECT * FROM v_memset WHERE " RUN EXECUTIONS_OR_NONE, NULL)                                        \
	X("api", "SELECT * FROM v_api WHERE " RUN NO_EXECUTIONS, NULL)                                                   \
	X("mark", "SELECT * FROM v_mark WHERE " RUN EXECUTIONS_OR_NONE, NULL)                                            \
	X("loss", "SELECT * FROM v_loss WHERE " RUN NO_EXECUTIONS, NULL)                                                 \
	X("run", RUN_SQL(""), RUN_SQL(RUN_PRIVATE))                                                                      \
	X("worker", LAYOUT("t.run, t.idx, t.name, d.name AS device", "worker", "LEFT JOIN device d ON d.id = t.device"),  \
		NULL)                                                                                                    \
	X("node", NODE_SQL(""), NODE_SQL(", t.params"))                                                                  \
	X("edge", LAYOUT("t.run, t.name, a.name AS src, b.name AS dst, c.name AS channel, t.is_peer, t.result", "edge",  \
		"JOIN node a ON a.id = t.src JOIN node b ON b.id = t.dst LEFT JOIN channel c ON c.id = t.channel"), NULL) \
	X("channel", LAYOUT("t.run, t.name, n.name AS node, t.output, t.transport, t.depth, t.payload_bytes, t.slot_bytes", \
		"channel", "JOIN node n ON n.id = t.node"), NULL)                                                        \
	X("failure", LAYOUT("t.run, t.execution, n.name AS node, s.word AS status, t.time_ns, t.text", "failure",        \
		"JOIN status s ON s.id = t.status LEFT JOIN node n ON n.id = t.node"), NULL)                             \
	X("log", LAYOUT("t.run, t.time_ns, t.level, w.name AS worker, n.name AS node, t.execution, t.text", "log",       \
		"LEFT JOIN worker w ON w.id = t.worker LEFT JOIN node n ON n.id = t.node"), NULL)                        \
	X("counter", LAYOUT("t.run, l.name AS lane, t.time_ns, s.text AS name, t.value", "counter",                      \
		"JOIN string s ON s.id = t.name LEFT JOIN lane l ON l.id = t.lane"), NULL)

#define RUN_SQL(more)                                                                                                    \
	"SELECT r.id AS run, g.name AS graph, r.mode, r.status, r.message, r.start_ns, r.end_ns, r.start_unix_ns,"       \
	" r.first_submit_ns, r.last_finish_ns, r.n_submitted, r.n_finished, r.n_failed, r.in_flight, r.seed, r.n_threads" more \
	" FROM run r JOIN graph g ON g.id = r.graph WHERE (?1 = 0 OR r.id = ?1)" NO_EXECUTIONS
#define RUN_PRIVATE                                                                                                      \
	", g.file, (SELECT value FROM run_meta m WHERE m.run = r.id AND m.key = 'command') AS command,"                  \
	" (SELECT value FROM meta WHERE key = 'host') AS host"
#define NODE_SQL(more)                                                                                                   \
	LAYOUT("t.run, t.name, t.op, w.name AS worker, t.collective, t.line, t.outputs" more, "node",                    \
		"JOIN worker w ON w.id = t.worker")

static const struct csv_table {
	const char *name, *sql, *private_sql;
} tables[] = {
#define X(word, text, private_text) { .name = word, .sql = text, .private_sql = private_text },
	TABLE_MAP(X)
#undef X
};

void export_tables(struct strbuf *out)
{
	for (size_t i = 0; i < ARRAY_LEN(tables); i++)
		strbuf_addf(out, "%s%s", i ? ", " : "", tables[i].name);
}

static void write_text(struct export_sink *sink, const char *text)
{
	if (!strpbrk(text, ",\"\r\n")) {
		export_sink_text(sink, text);
		return;
	}
	export_sink_put(sink, "\"", 1);
	for (const char *quote; (quote = strchr(text, '"')); text = quote + 1) {
		export_sink_put(sink, text, (size_t)(quote - text));
		export_sink_put(sink, "\"\"", 2);
	}
	export_sink_text(sink, text);
	export_sink_put(sink, "\"", 1);
}

static void write_cell(struct export_sink *sink, struct db_stmt *stmt, int column)
{
	char text[40];
	switch (db_column_type(stmt, column)) {
	case DB_NULL:
	case DB_BLOB:
		break;
	case DB_INT:
		export_sink_int(sink, db_column_int(stmt, column));
		break;
	case DB_REAL:
		snprintf(text, sizeof(text), "%.17g", db_column_real(stmt, column));
		export_sink_text(sink, text);
		break;
	case DB_TEXT:
		write_text(sink, db_column_text(stmt, column));
		break;
	}
}

static int write_rows(struct export *export, struct db_stmt *stmt)
{
	int n = db_n_columns(stmt), status = STATUS_OK;
	bool has_row = false;
	for (int i = 0; i < n; i++) {
		export_sink_put(&export->sink, ",", i > 0);
		write_text(&export->sink, db_column_name(stmt, i));
	}
	export_sink_put(&export->sink, "\n", 1);
	while (status == STATUS_OK && (status = export_step(export, stmt, &has_row)) == STATUS_OK && has_row) {
		for (int i = 0; i < n; i++) {
			export_sink_put(&export->sink, ",", i > 0);
			write_cell(&export->sink, stmt, i);
		}
		export_sink_put(&export->sink, "\n", 1);
		status = export_row(export);
	}
	return status;
}

int export_csv(struct export *export)
{
	const char *name = export->options->table ? export->options->table : "op";
	const struct csv_table *table = NULL;
	struct strbuf names = STRBUF_INIT;
	for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
		if (strcmp(tables[i].name, name) == 0)
			table = &tables[i];
	}
	if (!table) {
		export_tables(&names);
		int status = error_set(export->error, STATUS_USAGE, "there is no table '%s'; choose from: %s", name, strbuf_text(&names));
		strbuf_finish(&names);
		return status;
	}
	struct db_stmt *stmt = NULL;
	bool is_private = export->options->shows_private && table->private_sql;
	int status = export_prepare(export, is_private ? table->private_sql : table->sql, export->options->run, &stmt);
	if (status == STATUS_OK)
		status = write_rows(export, stmt);
	db_finish(stmt);
	return status;
}
