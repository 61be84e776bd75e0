/* SPDX-License-Identifier: Apache-2.0
 *
 * gpu_tally_file: sums of a run in its file: tables gpu_path, gpu_site, gpu_unit and gpu_calls.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/base/attributes.h"
#include "traces/gpu_tally_private.h"
#include "traces/schema.h"

/* -- writing -------------------------------------------------------------------------------------------------------------------- */

struct writer {
	struct db_stmt *stmt;
	struct error *error;
	int64_t run;
};

static int open_writer(struct writer *writer, struct db *db, const char *sql)
{
	int status = db_prepare(db, sql, NULL, writer->error, &writer->stmt);
	if (status == STATUS_OK)
		db_bind_int(writer->stmt, 1, writer->run);
	return status;
}

static int write_row(struct writer *writer, int first, const int64_t *values, int n)
{
	for (int i = 0; i < n; i++)
		db_bind_int(writer->stmt, first + i, values[i]);
	return db_run(writer->stmt, writer->error);
}

static int write_paths(struct writer *writer, struct db *db, const struct gpu_tally *sums)
{
	int status = open_writer(writer, db, "INSERT INTO gpu_path(run, name, path, parent) VALUES(?, ?, ?, ?)");
	for (uint32_t i = 0; i < sums->n_paths && status == STATUS_OK; i++) {
		db_bind_text(writer->stmt, 2, sums->paths[i].name);
		status = write_row(writer, 3, (const int64_t[]){ i, sums->paths[i].parent }, 2);
	}
	return status;
}

static int write_sites(struct writer *writer, struct db *db, const struct gpu_tally *sums)
{
	int status = open_writer(writer, db, "INSERT INTO gpu_site(run, mean, squares, device, path, place, name, kind, class, n, ns, n_unit,"
		" ns_unit) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
	for (uint32_t i = 0; i < sums->n_sites && status == STATUS_OK; i++) {
		const struct gpu_tally_site *site = &sums->sites[i];
		const int64_t values[] = { sums->devices[site->device].id, site->path, site->order, site->name, site->kind + SPAN_KIND_OP,
			site->class, site->spans.n, site->ns, site->n_unit, site->ns_unit };
		db_bind_real(writer->stmt, 2, site->spans.mean);
		db_bind_real(writer->stmt, 3, site->spans.squares);
		status = write_row(writer, 4, values, ARRAY_LEN(values));
	}
	return status;
}

static int write_times(struct writer *writer, const struct gpu_tally *sums, uint32_t device, const int64_t *execution, const int64_t *ns)
{
	int status = STATUS_OK;
	for (int kind = 0; kind < GPU_TIME_COUNT && status == STATUS_OK; kind++) {
		if (!ns[kind])
			continue;
		db_bind_text(writer->stmt, 2, gpu_time_word((enum gpu_time)kind));
		if (execution)
			db_bind_int(writer->stmt, 3, *execution);
		else
			db_bind_null(writer->stmt, 3);
		status = write_row(writer, 4, (const int64_t[]){ sums->devices[device].id, ns[kind] }, 2);
	}
	return status;
}

static int write_units(struct writer *writer, struct db *db, const struct gpu_tally *sums)
{
	int status = open_writer(writer, db, "INSERT INTO gpu_unit(run, kind, execution, device, ns) VALUES(?, ?, ?, ?, ?)");
	for (uint32_t d = 0; d < sums->n_devices && status == STATUS_OK; d++) {
		if (!sums->devices[d].has_time)
			continue;
		status = write_times(writer, sums, d, NULL, sums->devices[d].window_ns);
		for (uint32_t unit = 0; unit < sums->n_units && status == STATUS_OK; unit++)
			status = write_times(writer, sums, d, &sums->units[unit].execution, sums->unit_ns[(size_t)d * sums->n_units + unit]);
	}
	return status;
}

static int write_calls(struct writer *writer, struct db *db, const struct gpu_tally *sums)
{
	int status = open_writer(writer, db, "INSERT INTO gpu_calls(run, process, class, n, ns, n_unit, ns_unit) VALUES(?, ?, ?, ?, ?, ?, ?)");
	for (uint32_t i = 0; i < sums->n_calls; i++) {
		const struct gpu_tally_calls *calls = &sums->calls[i];
		for (int class = 0; class < GPU_TALLY_CALLS && status == STATUS_OK; class++) {
			const int64_t values[] = { calls->id, class, calls->n[class], calls->ns[class], calls->n_unit[class], calls->ns_unit[class] };
			status = calls->n[class] ? write_row(writer, 2, values, ARRAY_LEN(values)) : STATUS_OK;
		}
	}
	return status;
}

static int forget(struct db *db, int64_t run, struct error *error)
{
	static const char *const deletes[] = { "DELETE FROM gpu_path WHERE run = ?", "DELETE FROM gpu_site WHERE run = ?",
		"DELETE FROM gpu_unit WHERE run = ?", "DELETE FROM gpu_calls WHERE run = ?" };
	int status = STATUS_OK;
	for (size_t i = 0; i < ARRAY_LEN(deletes) && status == STATUS_OK; i++) {
		struct db_stmt *stmt = NULL;
		status = db_prepare(db, deletes[i], NULL, error, &stmt);
		if (status == STATUS_OK) {
			db_bind_int(stmt, 1, run);
			status = db_run(stmt, error);
		}
		db_finish(stmt);
	}
	return status;
}

int gpu_tally_write(struct db *db, int64_t run, const struct gpu_tally *sums, struct error *error)
{
	static int (*const writers[])(struct writer *, struct db *, const struct gpu_tally *) = { write_paths, write_sites, write_units,
		write_calls };
	int status = forget(db, run, error);
	for (size_t i = 0; i < ARRAY_LEN(writers) && status == STATUS_OK; i++) {
		struct writer writer = { .error = error, .run = run };
		status = writers[i](&writer, db, sums);
		db_finish(writer.stmt);
	}
	return status;
}

/* -- reading -------------------------------------------------------------------------------------------------------------------- */

typedef int read_fn(struct gpu_tally *sums, struct db_stmt *stmt, struct error *error);

static int each_row(struct db *db, const char *sql, int64_t run, read_fn *read, struct gpu_tally *sums, struct error *error)
{
	struct db_stmt *stmt = NULL;
	bool has_row = false;
	int status = db_prepare(db, sql, NULL, error, &stmt);
	if (status == STATUS_OK)
		db_bind_int(stmt, 1, run);
	while (status == STATUS_OK && (status = db_step(stmt, &has_row, error)) == STATUS_OK && has_row)
		status = read(sums, stmt, error);
	db_finish(stmt);
	return status;
}

static int damaged(const char *what, struct error *error)
{
	return error_set(error, STATUS_TRACE, "the stored sums name a %s that is not there: the trace is damaged", what);
}

static int read_path(struct gpu_tally *sums, struct db_stmt *stmt, struct error *error)
{
	int64_t path = db_column_int(stmt, 0), parent = db_column_int(stmt, 1);
	const char *name = db_column_text(stmt, 2);
	struct gpu_tally_path *paths = gpu_tally_room(sums->paths, sums->n_paths, sizeof *paths);
	if (!paths)
		return gpu_tally_out_of_memory(error);
	sums->paths = paths;
	if (path != sums->n_paths || parent < 0 || (parent >= path && path))
		return damaged("path", error);
	paths[sums->n_paths] = (struct gpu_tally_path){ (uint32_t)parent, strdup(name ? name : "") };
	return paths[sums->n_paths++].name ? STATUS_OK : gpu_tally_out_of_memory(error);
}

static int find_device(const struct gpu_tally *sums, int64_t id)
{
	for (uint32_t i = 0; i < sums->n_devices; i++) {
		if (sums->devices[i].id == id)
			return (int)i;
	}
	return -1;
}

static int read_site(struct gpu_tally *sums, struct db_stmt *stmt, struct error *error)
{
	int device = find_device(sums, db_column_int(stmt, 0));
	int64_t path = db_column_int(stmt, 1), name = db_column_int(stmt, 3), n = db_column_int(stmt, 6);
	struct gpu_tally_site *sites = gpu_tally_room(sums->sites, sums->n_sites, sizeof *sites);
	if (!sites)
		return gpu_tally_out_of_memory(error);
	sums->sites = sites;
	if (device < 0 || path < 0 || path >= sums->n_paths || name < 0 || name > INT32_MAX || n < 0)
		return damaged(device < 0 ? "device" : "path or name", error);
	sites[sums->n_sites++] = (struct gpu_tally_site){ .device = (uint32_t)device, .path = (uint32_t)path, .order = db_column_int(stmt, 2),
		.name = (uint32_t)name, .kind = (uint8_t)(db_column_int(stmt, 4) - SPAN_KIND_OP), .class = (uint8_t)db_column_int(stmt, 5),
		.spans = { n, db_column_real(stmt, 8), db_column_real(stmt, 9) }, .ns = db_column_int(stmt, 7), .n_unit = db_column_int(stmt, 10),
		.ns_unit = db_column_int(stmt, 11) };
	return STATUS_OK;
}

static int find_kind(const char *word)
{
	for (int kind = 0; word && kind < GPU_TIME_COUNT; kind++) {
		if (strcmp(gpu_time_word((enum gpu_time)kind), word) == 0)
			return kind;
	}
	return GPU_TIME_UNKNOWN;
}

static int read_time(struct gpu_tally *sums, struct db_stmt *stmt, struct error *error)
{
	int device = find_device(sums, db_column_int(stmt, 0)), kind = find_kind(db_column_text(stmt, 2));
	bool is_window = db_column_type(stmt, 1) == DB_NULL;
	int64_t unit = is_window ? 0 : gpu_tally_unit_of(sums, db_column_int(stmt, 1));
	if (device < 0 || unit < 0)
		return damaged(device < 0 ? "device" : "iteration", error);
	sums->devices[device].has_time = true;
	int64_t *ns = is_window ? sums->devices[device].window_ns : sums->unit_ns[(size_t)device * sums->n_units + (size_t)unit];
	ns[kind] += db_column_int(stmt, 3);
	return STATUS_OK;
}

static int read_calls(struct gpu_tally *sums, struct db_stmt *stmt, struct error *error)
{
	int64_t class = db_column_int(stmt, 1);
	for (uint32_t i = 0; i < sums->n_calls && class >= 0 && class < GPU_TALLY_CALLS; i++) {
		struct gpu_tally_calls *calls = &sums->calls[i];
		if (calls->id != db_column_int(stmt, 0))
			continue;
		calls->n[class] = db_column_int(stmt, 2);
		calls->ns[class] = db_column_int(stmt, 3);
		calls->n_unit[class] = db_column_int(stmt, 4);
		calls->ns_unit[class] = db_column_int(stmt, 5);
		return STATUS_OK;
	}
	return damaged("process", error);
}

int gpu_tally_read(struct db *db, int64_t run, struct error *error, bool *ret_are_there, struct gpu_tally *ret_sums)
{
	static const struct {
		const char *sql;
		read_fn *read;
	} steps[] = {
		{ "SELECT path, parent, name FROM gpu_path WHERE run = ? ORDER BY path", read_path },
		{ "SELECT device, path, place, name, kind, class, n, ns, mean, squares, n_unit, ns_unit FROM gpu_site WHERE run = ?", read_site },
		{ "SELECT device, execution, kind, ns FROM gpu_unit WHERE run = ?", read_time },
		{ "SELECT process, class, n, ns, n_unit, ns_unit FROM gpu_calls WHERE run = ?", read_calls },
	};
	struct gpu_tally sums = { 0 };
	int status = gpu_tally_layout(db, run, error, &sums);
	for (size_t i = 0; i < ARRAY_LEN(steps) && status == STATUS_OK; i++)
		status = each_row(db, steps[i].sql, run, steps[i].read, &sums, error);
	if (status == STATUS_OK && sums.n_paths)
		status = gpu_tally_read_names(db, error, &sums);
	*ret_are_there = status == STATUS_OK && sums.n_paths >= GPU_TALLY_FIRST;
	if (*ret_are_there)
		*ret_sums = sums;
	else
		gpu_tally_finish(&sums);
	return status;
}
