/* SPDX-License-Identifier: Apache-2.0
 *
 * trace_guard: views of the connection hide those of the file where they differ. The image of an empty trace, which holds the views' texts, tells at
 * little cost that none does; otherwise an empty trace is made in memory.
 */
#include "traces/trace_guard.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/strbuf.h"
#include "traces/blank.h"
#include "traces/schema.h"

#define TABLE_NAMES \
	"'meta','kind','status','string','graph','run','run_meta','device','worker','node','channel','edge','plan_step','lane'," \
		"'execution','failure'," \
	"'op_event','span','stall_root','blame','critical_path','compare_sum','gpu_activity','counter','value','summary','loss'," \
		"'clock_sample','log'," \
	"'save','lod_lane','lod','lod_rows','lod_fill','postmortem','image','process','import_source','import_problem','import_count','arg'"

int trace_guard_check(struct db *db, struct error *error)
{
	char *found = NULL;
	db_distrust(db);
	int status = db_get_text(db, "SELECT CASE WHEN type = 'trigger' THEN 'it has a trigger' WHEN type = 'view' THEN 'a view "
		"stands in the place of its"
		" table ' || name ELSE 'it has a virtual table' END FROM sqlite_master WHERE type = 'trigger' OR (type = "
			"'table' AND sql LIKE 'CREATE VIRTUAL%')"
		" OR (type = 'view' AND lower(name) IN (" TABLE_NAMES ")) LIMIT 1", &found, error);
	if (status == STATUS_OK && found)
		status = error_set(error, STATUS_TRACE, "refused: %.100s, which no trace has that tandem made", found);
	free(found);
	return status;
}

static int hide_view(struct db *db, const char *name, const char *sql, struct error *error)
{
	static const char begin[] = "CREATE VIEW ";
	struct db_stmt *stmt = NULL;
	struct strbuf text = STRBUF_INIT;
	bool has_row = false;
	int status = db_prepare(db, "SELECT 1 FROM main.sqlite_master WHERE type = 'view' AND name = ?1 AND sql = ?2", NULL, error, &stmt);
	if (status == STATUS_OK) {
		db_bind_text(stmt, 1, name);
		db_bind_text(stmt, 2, sql);
		status = db_step(stmt, &has_row, error);
	}
	db_finish(stmt);
	if (status != STATUS_OK || has_row || strncmp(sql, begin, strlen(begin)) != 0)
		return status;
	strbuf_addf(&text, "CREATE TEMP VIEW %s", sql + strlen(begin));
	status = text.is_failed ? error_set(error, STATUS_NO_MEMORY, "no memory to open a trace") : db_exec(db, strbuf_text(&text), error);
	strbuf_finish(&text);
	return status;
}

static size_t blank_size(void)
{
	size_t n = 0;
	for (uint32_t i = 0; i < blank.n_pieces; i++)
		n += blank.pieces[i].n_bytes;
	return n;
}

/* Whether each view of the file stands in the image as it is; one that does not may be long, or the user's own. */
static int look_at_views(struct db *db, bool *ret_are_ours, struct error *error)
{
	struct db_stmt *stmt = NULL;
	bool has_row = false;
	size_t n_bytes = blank_size();
	*ret_are_ours = true;
	int status = db_prepare(db, "SELECT sql FROM main.sqlite_master WHERE type = 'view'", NULL, error, &stmt);
	while (status == STATUS_OK && (status = db_step(stmt, &has_row, error)) == STATUS_OK && has_row) {
		const char *sql = db_column_text(stmt, 0);
		*ret_are_ours = *ret_are_ours && sql && memmem(blank.bytes, n_bytes, sql, strlen(sql));
	}
	db_finish(stmt);
	return status;
}

int trace_guard_views(struct db *db, struct error *error)
{
	struct db *empty = NULL;
	bool are_ours = false;
	struct db_stmt *stmt = NULL;
	bool has_row = false;
	int status = look_at_views(db, &are_ours, error);
	if (status != STATUS_OK || are_ours)
		return status;
	status = db_open(":memory:", DB_CREATE, error, &empty);
	if (status == STATUS_OK)
		status = schema_migrate(empty, error);
	if (status == STATUS_OK)
		status = db_prepare(empty, "SELECT name, sql FROM sqlite_master WHERE type = 'view'", NULL, error, &stmt);
	while (status == STATUS_OK && (status = db_step(stmt, &has_row, error)) == STATUS_OK && has_row)
		status = hide_view(db, db_column_text(stmt, 0), db_column_text(stmt, 1), error);
	db_finish(stmt);
	db_close(empty);
	return status;
}
