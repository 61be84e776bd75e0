/* SPDX-License-Identifier: Apache-2.0
 *
 * trace: telling a trace from other files before SQLite sees it, opening it in the way that works, and what runs it holds.
 */
#include "traces/trace.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "traces/schema.h"
#include "traces/trace_guard.h"

#define HEADER_BYTES 100 /* of an SQLite file: https://www.sqlite.org/fileformat2.html, section 1.3 */

static uint32_t big_endian(const unsigned char *bytes)
{
	return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static bool has_log(const char *file)
{
	char name[4200];
	struct stat info;
	return (size_t)snprintf(name, sizeof(name), "%s-wal", file) < sizeof(name) && !stat(name, &info) && info.st_size > 0;
}

/* The number of bytes that the header promises; 0 when it does not say. */
static uint64_t promised_bytes(const unsigned char *header)
{
	uint32_t page_bytes = (uint32_t)header[16] << 8 | header[17];
	bool is_valid = big_endian(header + 24) == big_endian(header + 92);
	return is_valid ? (uint64_t)big_endian(header + 28) * (page_bytes == 1 ? 65536 : page_bytes) : 0;
}

static int check_header(const char *file, const unsigned char *header, size_t n, uint64_t file_bytes, struct error *error)
{
	if (n == 0)
		return error_set(error, STATUS_TRACE, "%s: the file is empty, not a tandem trace", file);
	if (memcmp(header, "SQLite format 3", n < 16 ? n : 16) != 0)
		return error_set(error, STATUS_TRACE,
			"%s: not a tandem trace (a trace is an SQLite file, this is something else)", file);
	if (n < HEADER_BYTES)
		return error_set(error, STATUS_TRACE, "%s: truncated after %zu bytes", file, n);
	if (big_endian(header + 68) != SCHEMA_APPLICATION_ID)
		return error_set(error, STATUS_TRACE,
			"%s: a plain SQLite file, not a tandem trace (its application_id is %u)", file,
			big_endian(header + 68));
	uint64_t promised = promised_bytes(header);
	if (promised > file_bytes && !has_log(file))
		return error_set(error, STATUS_TRACE, "%s: truncated: %llu of %llu bytes are there", file,
			(unsigned long long)file_bytes, (unsigned long long)promised);
	return STATUS_OK;
}

static int check_file(const char *file, struct error *error)
{
	unsigned char header[HEADER_BYTES] = { 0 };
	struct stat info;
	if (stat(file, &info))
		return error_set_errno(error, STATUS_TRACE, "%s: cannot be opened", file);
	if (!S_ISREG(info.st_mode))
		return error_set(error, STATUS_TRACE, "%s: not a file", file);
	FILE *stream = fopen(file, "rb");
	if (!stream)
		return error_set_errno(error, STATUS_TRACE, "%s: cannot be opened", file);
	size_t n = fread(header, 1, sizeof(header), stream);
	fclose(stream);
	return check_header(file, header, n, (uint64_t)info.st_size, error);
}

static int try_open(struct trace *trace, enum db_mode mode, struct error *error)
{
	int status = db_open(trace->file, mode, error, &trace->db);
	if (status == STATUS_OK)
		status = schema_check(trace->db, &trace->version, error);
	if (status == STATUS_OK)
		status = trace_guard_check(trace->db, error);
	if (status != STATUS_OK) {
		db_close(trace->db);
		trace->db = NULL;
	}
	return status;
}

/* A log needs files beside the trace that are made on opening; where that is not possible the trace is read without them. */
static int open_somehow(struct trace *trace, struct error *error)
{
	int status = try_open(trace, DB_READ, error);
	if (status == STATUS_OK || status == STATUS_TRACE)
		return status;
	if (try_open(trace, DB_READ_IMMUTABLE, NULL) != STATUS_OK)
		return status;
	trace->is_log_ignored = has_log(trace->file);
	return STATUS_OK;
}

static int migrate(struct trace *trace, struct error *error)
{
	db_close(trace->db);
	trace->db = NULL;
	int status = db_open(trace->file, DB_WRITE, error, &trace->db);
	if (status == STATUS_OK)
		status = schema_migrate(trace->db, error);
	db_close(trace->db);
	trace->db = NULL;
	return status == STATUS_OK ? try_open(trace, DB_READ, error) : status;
}

static char *copy_text(struct db_stmt *stmt, int column)
{
	const char *text = db_column_text(stmt, column);
	return text ? strdup(text) : NULL;
}

static void read_run(struct db_stmt *stmt, struct trace_run *run)
{
	run->id = db_column_int(stmt, 0);
	run->mode = copy_text(stmt, 1);
	run->status = copy_text(stmt, 2);
	run->message = copy_text(stmt, 3);
	run->graph = copy_text(stmt, 4);
	run->graph_file = copy_text(stmt, 5);
	run->start_ns = db_column_int(stmt, 6);
	run->end_ns = db_column_int(stmt, 7);
	run->has_executions = db_column_type(stmt, 8) != DB_NULL;
	run->first_submit_ns = db_column_int(stmt, 8);
	run->has_results = db_column_type(stmt, 9) != DB_NULL;
	run->last_finish_ns = db_column_int(stmt, 9);
	run->n_submitted = db_column_int(stmt, 10);
	run->n_finished = db_column_int(stmt, 11);
	run->n_failed = db_column_int(stmt, 12);
	run->in_flight = db_column_int(stmt, 13);
	run->start_unix_ns = db_column_int(stmt, 14);
}

static int read_runs(struct trace *trace, struct error *error)
{
	struct db_stmt *stmt = NULL;
	bool has_row = false;
	int status = db_prepare(trace->db, "SELECT r.id, r.mode, r.status, r.message, g.name, g.file, r.start_ns, r.end_ns,"
		" r.first_submit_ns, r.last_finish_ns, r.n_submitted, r.n_finished, r.n_failed, r.in_flight, r.start_unix_ns"
		" FROM run r JOIN graph g ON g.id = r.graph ORDER BY r.id", NULL, error, &stmt);
	while (status == STATUS_OK && (status = db_step(stmt, &has_row, error)) == STATUS_OK && has_row) {
		struct trace_run *runs = realloc(trace->runs, (trace->n_runs + 1) * sizeof(*runs));
		if (!runs) {
			status = error_set(error, STATUS_NO_MEMORY, "no memory for the runs of the trace");
			break;
		}
		trace->runs = runs;
		read_run(stmt, memset(&runs[trace->n_runs++], 0, sizeof(*runs)));
	}
	db_finish(stmt);
	return status;
}

static int read_all(struct trace *trace, struct error *error)
{
	char *finished = NULL;
	int status = open_somehow(trace, error);
	if (status == STATUS_OK && trace->version < SCHEMA_VERSION)
		status = migrate(trace, error);
	if (status == STATUS_OK)
		status = trace_guard_views(trace->db, error);
	if (status == STATUS_OK)
		status = trace_meta(trace, "finished", &finished, error);
	if (status == STATUS_OK)
		status = read_runs(trace, error);
	trace->is_finished = finished && strcmp(finished, "1") == 0;
	free(finished);
	if (status != STATUS_DATABASE)
		return status == STATUS_TRACE ? error_prefix(error, "%s", trace->file) : status;
	error_prefix(error, "%s: damaged or truncated", trace->file);
	error->status = STATUS_TRACE;
	return STATUS_TRACE;
}

int trace_open(const char *file, struct error *error, struct trace **ret_trace)
{
	struct error unasked = { 0 };
	error = error ? error : &unasked;
	int status = check_file(file, error);
	if (status != STATUS_OK)
		return status;
	struct trace *trace = calloc(1, sizeof(*trace));
	if (trace)
		trace->file = strdup(file);
	if (!trace || !trace->file) {
		trace_close(trace);
		return error_set(error, STATUS_NO_MEMORY, "%s: no memory to open it", file);
	}
	status = read_all(trace, error);
	if (status != STATUS_OK) {
		trace_close(trace);
		return status;
	}
	*ret_trace = trace;
	return STATUS_OK;
}

void trace_close(struct trace *trace)
{
	if (!trace)
		return;
	for (int i = 0; i < trace->n_runs; i++) {
		struct trace_run *run = &trace->runs[i];
		char *const texts[] = { run->mode, run->status, run->message, run->graph, run->graph_file };
		for (size_t k = 0; k < ARRAY_LEN(texts); k++)
			free(texts[k]);
	}
	free(trace->runs);
	free(trace->file);
	db_close(trace->db);
	free(trace);
}

const struct trace_run *trace_find_run(const struct trace *trace, int64_t id)
{
	for (int i = 0; i < trace->n_runs; i++) {
		if (id == 0 || trace->runs[i].id == id)
			return &trace->runs[i];
	}
	return NULL;
}

static int text_of(
	const struct trace *trace, const char *sql, int64_t run, const char *key, char **ret_text, struct error *error)
{
	struct db_stmt *stmt = NULL;
	bool has_row = false;
	int status = db_prepare(trace->db, sql, NULL, error, &stmt);
	if (status != STATUS_OK)
		return status;
	db_bind_text(stmt, 1, key);
	if (run)
		db_bind_int(stmt, 2, run);
	status = db_step(stmt, &has_row, error);
	if (status == STATUS_OK)
		*ret_text = has_row ? copy_text(stmt, 0) : NULL;
	db_finish(stmt);
	return status;
}

int trace_meta(const struct trace *trace, const char *key, char **ret_text, struct error *error)
{
	return text_of(trace, "SELECT value FROM meta WHERE key = ?1", 0, key, ret_text, error);
}

int trace_run_meta(const struct trace *trace, int64_t run, const char *key, char **ret_text, struct error *error)
{
	return text_of(trace, "SELECT value FROM run_meta WHERE key = ?1 AND run = ?2", run, key, ret_text, error);
}
