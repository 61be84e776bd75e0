/* SPDX-License-Identifier: Apache-2.0
 *
 * export: which format is written by whom, and what all of them need.
 */
#include "traces/export_private.h"

#include <inttypes.h>
#include <string.h>

int export_row(struct export *export)
{
	const struct export_options *options = export->options;
	if (options->is_over && *options->is_over)
		return error_set(export->error, STATUS_STOPPED, "stopped");
	if (++export->result->n_rows % EXPORT_PROGRESS_ROWS == 0 && options->progress)
		options->progress(options->progress_user, export->result->n_rows);
	return export->sink.errno_code ? export_sink_check(&export->sink, export->error) : STATUS_OK;
}

int export_prepare(struct export *export, const char *sql, int64_t id, struct db_stmt **ret_stmt)
{
	const struct export_options *options = export->options;
	const int64_t values[] = { id, options->has_range ? options->first : 0, options->has_range ? options->end - 1 : INT64_MAX };
	int status = db_prepare(export->trace->db, sql, NULL, export->error, ret_stmt);
	if (status == STATUS_OK) {
		for (int i = 0; i < 3; i++)
			db_bind_int(*ret_stmt, i + 1, values[i]);
	}
	return status;
}

int export_step(struct export *export, struct db_stmt *stmt, bool *ret_has_row)
{
	return db_step(stmt, ret_has_row, export->error);
}

static int (*const writers[EXPORT_FORMAT_COUNT])(struct export *) = {
	[EXPORT_PERFETTO] = export_timeline,
	[EXPORT_CHROME] = export_timeline,
	[EXPORT_CSV] = export_csv,
	[EXPORT_DOT] = export_dot,
};

int export_trace(const struct trace *trace, const struct export_options *options, int fd, struct error *error,
	struct export_result *ret_result)
{
	struct error unasked = { 0 };
	struct export export = { .trace = trace, .options = options, .result = ret_result, .error = error ? error : &unasked };
	*ret_result = (struct export_result){ 0 };
	if (options->run && !trace_find_run(trace, options->run))
		return error_set(error, STATUS_USAGE, "%s: there is no run %" PRId64 "; the file holds %d", trace->file,
			options->run, trace->n_runs);
	int status = export_sink_init(&export.sink, fd, export.error);
	if (status != STATUS_OK)
		return status;
	db_watch_interrupt(trace->db, options->is_over);
	status = writers[options->format](&export);
	db_watch_interrupt(trace->db, NULL);
	ret_result->n_bytes = export.sink.n_bytes;
	int finished = export_sink_finish(&export.sink, status == STATUS_OK ? export.error : &unasked);
	return status == STATUS_OK ? finished : status;
}

uint64_t export_count_rows(const struct trace *trace, const struct export_options *options)
{
	struct export export = { .trace = trace, .options = options };
	struct db_stmt *stmt = NULL;
	bool has_row = false;
	uint64_t n = 0;
	if (options->has_range || options->format == EXPORT_DOT || (options->table && strcmp(options->table, "op") != 0))
		return 0;
	if (export_prepare(&export, "SELECT coalesce(sum(s.n), 0) FROM summary s JOIN lane l ON l.id = s.lane WHERE s.kind = 101"
		" AND (?1 = 0 OR l.run = ?1)", options->run, &stmt) == STATUS_OK
		&& db_step(stmt, &has_row, NULL) == STATUS_OK && has_row)
		n = (uint64_t)db_column_int(stmt, 0);
	db_finish(stmt);
	return options->format == EXPORT_CSV ? n : 2 * n;
}

bool export_guess_format(const char *file, enum export_format *ret_format)
{
	static const char *const suffixes[] = {
#define X(name, word, list) list,
		EXPORT_FORMAT_MAP(X)
#undef X
	};
	const char *suffix = strrchr(file, '.');
	size_t length = suffix ? strlen(suffix) : 0;
	for (int i = 0; suffix && i < EXPORT_FORMAT_COUNT; i++) {
		const char *found = strstr(suffixes[i], suffix);
		if (length < 2 || !found || (found[length] && found[length] != ' '))
			continue;
		*ret_format = (enum export_format)i;
		return true;
	}
	return false;
}
