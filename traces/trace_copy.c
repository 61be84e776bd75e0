/* SPDX-License-Identifier: Apache-2.0
 *
 * trace_copy: an empty trace, the other one attached, and statements made from what both have.
 */
#include "traces/trace_copy.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/file_kind.h"
#include "traces/blank.h"
#include "traces/trace.h"

int trace_copy_check_output(const char *file, struct error *error)
{
	enum file_kind kind = file_kind(file);
	struct stat info;
	bool is_plain = stat(file, &info) < 0 || S_ISREG(info.st_mode); /* a device, which the new file would replace, looks empty */
	if (is_plain && (kind == FILE_KIND_MISSING || kind == FILE_KIND_EMPTY || kind == FILE_KIND_TRACE))
		return STATUS_OK;
	return error_set(error, STATUS_INPUT, "-o %s: the file exists and is no tandem trace, so it is left alone; choose another name", file);
}

static int check_files(const char *from, const char *into, struct error *error)
{
	struct stat a, b;
	struct trace *trace = NULL;
	if (stat(from, &a) == 0 && stat(into, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino)
		return error_set(error, STATUS_INPUT, "-o %s: this is the trace that is read; choose another name", into);
	int status = trace_copy_check_output(into, error);
	if (status == STATUS_OK)
		status = trace_open(from, error, &trace);
	trace_close(trace);
	return status;
}

int trace_copy_run(struct trace_copy *copy, const char *format, ...)
{
	char *sql = NULL;
	va_list values;
	va_start(values, format);
	int n = vasprintf(&sql, format, values);
	va_end(values);
	if (n < 0)
		return error_set(copy->error, STATUS_NO_MEMORY, "no memory to copy a trace");
	int status = db_exec(copy->db, sql, copy->error);
	free(sql);
	return status;
}

static int attach(struct trace_copy *copy, const char *from)
{
	struct db_stmt *stmt = NULL;
	int status = db_prepare(copy->db, "ATTACH ? AS other", NULL, copy->error, &stmt);
	if (status == STATUS_OK) {
		db_bind_text(stmt, 1, from);
		status = db_run(stmt, copy->error);
	}
	db_finish(stmt);
	return status;
}

int trace_copy_begin(const char *from, const char *into, const volatile sig_atomic_t *interrupt, struct error *error,
	struct trace_copy *ret_copy)
{
	struct trace_copy *copy = ret_copy;
	*copy = (struct trace_copy){ .error = error };
	int status = check_files(from, into, error);
	if (status == STATUS_OK && (!(copy->file = strdup(into)) || asprintf(&copy->part, "%s.XXXXXX", into) < 0)) {
		copy->part = NULL;
		status = error_set(error, STATUS_NO_MEMORY, "no memory to copy a trace");
	}
	if (status != STATUS_OK)
		return status;
	int fd = mkstemp(copy->part);
	if (fd < 0) {
		status = error_set_errno(error, STATUS_SYSTEM, "%s: cannot be written", into);
		free(copy->part);
		copy->part = NULL;
		return status;
	}
	close(fd);
	unlink(copy->part);
	status = blank_write(copy->part, error);
	if (status == STATUS_OK)
		status = db_open(copy->part, DB_WRITE, error, &copy->db);
	if (status == STATUS_OK) {
		db_distrust(copy->db);
		db_watch_interrupt(copy->db, interrupt);
		status = db_exec(copy->db, "PRAGMA journal_mode = DELETE; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; "
			"PRAGMA cache_size = -16384;", error);
	}
	if (status == STATUS_OK)
		status = attach(copy, from);
	return status == STATUS_OK ? db_begin(copy->db, error) : status;
}

/* -- tables ----------------------------------------------------------------------------------------------------------------- */

int trace_copy_columns(struct trace_copy *copy, const char *table, const char *prefix, struct strbuf *out)
{
	struct db_stmt *stmt = NULL;
	bool has_row = false;
	int status = db_prepare(copy->db, "SELECT m.name FROM pragma_table_info(?1, 'main') m JOIN pragma_table_info(?1, 'other') o"
		" ON o.name = m.name ORDER BY m.cid", NULL, copy->error, &stmt);
	if (status == STATUS_OK)
		db_bind_text(stmt, 1, table);
	while (status == STATUS_OK && (status = db_step(stmt, &has_row, copy->error)) == STATUS_OK && has_row)
		strbuf_addf(out, "%s%s\"%s\"", out->length ? ", " : "", prefix, db_column_text(stmt, 0));
	db_finish(stmt);
	return status;
}

int trace_copy_table(struct trace_copy *copy, const char *table, const char *where)
{
	struct strbuf columns = STRBUF_INIT;
	int status = trace_copy_columns(copy, table, "", &columns);
	if (status == STATUS_OK && columns.is_failed)
		status = error_set(copy->error, STATUS_NO_MEMORY, "no memory to copy a trace");
	if (status == STATUS_OK && columns.length) {
		const char *rowid = strcmp(table, "op_event") == 0 ? ", rowid" : ""; /* the level of detail names its rows */
		status = trace_copy_run(copy, "INSERT OR IGNORE INTO main.\"%s\"(%s%s) SELECT %s%s FROM other.\"%s\" t%s%s", table,
			strbuf_text(&columns), rowid, strbuf_text(&columns), rowid, table, where ? " WHERE " : "", where ? where : "");
	}
	strbuf_finish(&columns);
	return status;
}

int trace_copy_each_table(struct trace_copy *copy, int (*each)(void *user, const char *table), void *user)
{
	struct db_stmt *stmt = NULL;
	bool has_row = false;
	int status = db_prepare(copy->db, "SELECT m.name FROM main.sqlite_master m JOIN other.sqlite_master o ON o.name = "
		"m.name AND o.type = 'table'"
		" WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%'", NULL, copy->error, &stmt);
	while (status == STATUS_OK && (status = db_step(stmt, &has_row, copy->error)) == STATUS_OK && has_row)
		status = each(user, db_column_text(stmt, 0));
	db_finish(stmt);
	return status;
}

/* -- the end ---------------------------------------------------------------------------------------------------------------- */

int trace_copy_check(struct trace_copy *copy)
{
	int64_t n = 0;
	int status = db_get_int(copy->db, "SELECT (SELECT count(*) FROM pragma_foreign_key_check) + (SELECT count(*) FROM "
		"main.lane l JOIN main.run r ON r.id ="
		" l.run WHERE r.mode = 'imported' AND (l.process IS NULL OR (l.kind LIKE 'stream%' AND l.device IS NULL)))", &n, copy->error);
	if (status == STATUS_OK && n)
		status = error_set(copy->error, STATUS_TRACE, "%lld rows of the trace refer to nothing: it is damaged; 'tandem "
			"check' says more", (long long)n);
	return status;
}

int trace_copy_commit(struct trace_copy *copy)
{
	int status = db_commit(copy->db, copy->error);
	return status == STATUS_OK ? db_exec(copy->db, "DETACH other", copy->error) : status;
}

/* It takes the mode that a new file has. */
static int put_in_place(struct trace_copy *copy)
{
	mode_t mask = umask(0);
	umask(mask);
	if (chmod(copy->part, 0666 & ~mask) < 0 || rename(copy->part, copy->file) < 0)
		return error_set_errno(copy->error, STATUS_SYSTEM, "%s: cannot be written", copy->file);
	return STATUS_OK;
}

int trace_copy_end(struct trace_copy *copy, int status)
{
	if (copy->db && db_is_in_transaction(copy->db))
		db_rollback(copy->db);
	db_close(copy->db);
	if (status == STATUS_OK)
		status = put_in_place(copy);
	if (status != STATUS_OK && copy->part)
		unlink(copy->part);
	free(copy->part);
	free(copy->file);
	*copy = (struct trace_copy){ 0 };
	return status;
}
