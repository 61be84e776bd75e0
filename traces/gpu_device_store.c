/* SPDX-License-Identifier: Apache-2.0
 *
 * gpu_device: what the pass found, into its tables. Each table is a statement and a function that gives its rows.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "engine/base/attributes.h"
#include "traces/gpu_device.h"
#include "traces/gpu_findings.h"

struct store {
	struct db *db;
	struct db_stmt *stmt;
	const struct gpu_device_result *result;
	int64_t run;
	struct error *error;
};

typedef int rows_fn(struct store *store);

/* Binds from parameter `first` on and runs the statement; 0 of a name is NULL (bind_name). */
static int insert(struct store *store, int first, const int64_t *values, int n)
{
	for (int i = 0; i < n; i++)
		db_bind_int(store->stmt, first + i, values[i]);
	return db_run(store->stmt, store->error);
}

static void bind_name(struct store *store, int parameter, int64_t name)
{
	if (name > 0)
		db_bind_int(store->stmt, parameter, name);
	else
		db_bind_null(store->stmt, parameter);
}

static const struct gpu_split_device *device_at(const struct store *store, uint32_t idx)
{
	return &gpu_split_devices(store->result->split)[idx];
}

/* -- rows ------------------------------------------------------------------------------------------------------------------- */

static int device_rows(struct store *store)
{
	const struct gpu_device_result *result = store->result;
	int status = STATUS_OK;
	for (uint32_t i = 0; i < result->n_devices && status == STATUS_OK; i++) {
		const struct gpu_split_device *device = device_at(store, i);
		const struct gpu_device_row *row = &result->devices[i];
		const int64_t values[] = { row->id, store->run, result->processes[row->process].id, device->n, device->n_unlinked, device->n_gaps,
			device->start_ns, device->end_ns, device->first_ns, device->last_ns, device->busy_ns, device->union_ns[GPU_WORK_COMPUTE],
			device->union_ns[GPU_WORK_COLLECTIVE], device->union_ns[GPU_WORK_LATE], device->union_ns[GPU_WORK_COPY],
			device->union_ns[GPU_WORK_GRAPH], device->hidden_ns, device->exposed_ns, device->exposed_copy_ns,
			row->counts[GPU_COUNT_KERNELS].n, row->counts[GPU_COUNT_PROMPT].n, row->counts[GPU_COUNT_SHORT].n,
			result->options.latency_ns };
		if (device->n)
			status = insert(store, 1, values, ARRAY_LEN(values));
	}
	return status;
}

static int split_rows(struct store *store)
{
	int status = STATUS_OK;
	for (uint32_t i = 0; i < store->result->n_devices; i++) {
		const struct gpu_split_device *device = device_at(store, i);
		for (int kind = 0; kind < GPU_TIME_COUNT && device->n && status == STATUS_OK; kind++) {
			if (!device->ns[kind] && kind != GPU_TIME_UNKNOWN)
				continue;
			db_bind_text(store->stmt, 4, gpu_time_word((enum gpu_time)kind));
			status = insert(store, 1, (int64_t[]){ store->run, store->result->devices[i].id, device->ns[kind] }, 3);
		}
	}
	return status;
}

static int stream_rows(struct store *store)
{
	const struct gpu_device_result *result = store->result;
	int status = STATUS_OK;
	for (uint32_t i = 0; i < result->n_streams && status == STATUS_OK; i++) {
		const struct gpu_split_stream *stream = &gpu_split_streams(result->split)[i];
		const int64_t values[] = { result->stream_lanes[i], store->run, result->devices[stream->device].id, stream->n, stream->busy_ns,
			stream->host_ns, stream->kernel_ns, stream->other_ns, stream->unlinked_ns };
		if (stream->n)
			status = insert(store, 1, values, ARRAY_LEN(values));
	}
	return status;
}

static int by_time(const void *a, const void *b)
{
	const struct gpu_total *x = *(struct gpu_total *const *)a, *y = *(struct gpu_total *const *)b;
	if (x->group != y->group)
		return (x->group > y->group) - (x->group < y->group);
	if (x->ns != y->ns)
		return (x->ns < y->ns) - (x->ns > y->ns);
	return (x->name > y->name) - (x->name < y->name);
}

typedef int total_fn(struct store *store, const struct gpu_total *total);

/* Of each group those that took longest first. */
static int total_rows(struct store *store, struct gpu_totals totals, total_fn *row)
{
	struct gpu_total **sorted = calloc((size_t)totals.n + 1, sizeof(struct gpu_total *));
	uint32_t n = 0;
	int status = sorted ? STATUS_OK : error_set(store->error, STATUS_NO_MEMORY, "no memory for the sums of this trace");
	for (uint32_t i = 0; sorted && i < totals.n_slots; i++) {
		if (totals.slots[i].n)
			sorted[n++] = &totals.slots[i];
	}
	if (n)
		qsort(sorted, n, sizeof(struct gpu_total *), by_time);
	for (uint32_t i = 0; i < n && status == STATUS_OK; i++)
		status = row(store, sorted[i]);
	free(sorted);
	return status;
}

static int kernel_row(struct store *store, const struct gpu_total *total)
{
	bind_name(store, 8, total->name);
	if (total->class < 0)
		db_bind_null(store->stmt, 9);
	else
		db_bind_int(store->stmt, 9, total->class);
	return insert(store, 1, (int64_t[]){ store->run, store->result->devices[total->group].id, total->n, total->ns, total->min_ns, total->max_ns,
		total->max_row }, 7);
}

static int kernel_rows(struct store *store)
{
	return total_rows(store, store->result->kernels, kernel_row);
}

static int call_row(struct store *store, const struct gpu_total *total)
{
	bind_name(store, 9, total->name);
	return insert(store, 1, (int64_t[]){ store->run, store->result->processes[total->group].id, total->class, total->n, total->ns, total->min_ns,
		total->max_ns, total->max_row }, 8);
}

static int call_rows(struct store *store)
{
	return total_rows(store, store->result->calls, call_row);
}

static int copy_row(struct store *store, const struct gpu_total *total)
{
	bind_name(store, 9, total->name);
	return insert(store, 1, (int64_t[]){ store->run, store->result->devices[total->group].id, total->class, total->n, total->ns, total->bytes,
		total->max_ns, total->max_row }, 8);
}

static int copy_rows(struct store *store)
{
	return total_rows(store, store->result->copies, copy_row);
}

static int gap_rows(struct store *store)
{
	int status = STATUS_OK;
	for (uint32_t i = 0; i < store->result->n_devices; i++) {
		const struct gpu_split_device *device = device_at(store, i);
		for (uint32_t k = 0; k < device->n_longest && status == STATUS_OK; k++) {
			const struct gpu_split_gap *gap = &device->gaps[k];
			db_bind_text(store->stmt, 8, gpu_time_word(gap->kind));
			status = insert(store, 1, (int64_t[]){ store->run, store->result->devices[i].id, gap->start_ns, gap->ns, gap->kind_ns,
				gap->before, gap->after }, 7);
		}
	}
	return status;
}

static int finding_row(struct store *store, const struct gpu_finding *finding)
{
	struct db_stmt *stmt = store->stmt;
	bool has_device = finding->device < store->result->n_devices;
	db_bind_int(stmt, 1, store->run);
	bind_name(store, 2, has_device ? store->result->devices[finding->device].id : 0);
	db_bind_text(stmt, 3, finding->kind);
	db_bind_text(stmt, 4, finding->severity);
	db_bind_real(stmt, 5, finding->value);
	db_bind_real(stmt, 6, finding->threshold);
	db_bind_text(stmt, 7, finding->unit);
	db_bind_int(stmt, 8, finding->n);
	db_bind_text(stmt, 9, strbuf_text(&finding->text));
	bind_name(store, 10, finding->first);
	db_bind_text(stmt, 11, finding->query.length ? finding->query.text : NULL);
	return db_run(stmt, store->error);
}

static int finding_rows(struct store *store)
{
	struct gpu_findings findings = { 0 };
	int status = gpu_findings_make(store->result, store->run, store->error, &findings);
	for (uint32_t i = 0; i < findings.n && status == STATUS_OK; i++)
		status = finding_row(store, &findings.items[i]);
	gpu_findings_finish(&findings);
	return status;
}

/* -- the whole -------------------------------------------------------------------------------------------------------------- */

static const char old_sql[] =
	"DELETE FROM gpu_device WHERE run = %1$lld; DELETE FROM gpu_split WHERE run = %1$lld; DELETE FROM gpu_stream WHERE run = %1$lld;"
	" DELETE FROM gpu_kernel WHERE run = %1$lld; DELETE FROM gpu_call WHERE run = %1$lld; DELETE FROM gpu_copy WHERE run = %1$lld;"
	" DELETE FROM gpu_gap WHERE run = %1$lld; DELETE FROM finding WHERE run = %1$lld;";

/* Devices of several processes may have one name: then it says which. */
static const char device_sql[] =
	"INSERT INTO gpu_device(device, run, process, name, n, n_unlinked, n_gaps, start_ns, end_ns, first_ns, last_ns, busy_ns, compute_ns,"
	" collective_ns, late_ns, copy_ns, graph_ns, hidden_ns, exposed_ns, exposed_copy_ns, n_kernels, n_prompt, n_short, latency_ns)"
	" VALUES(?1, ?2, ?3, (SELECT CASE WHEN (SELECT count(DISTINCT l.process) FROM lane l WHERE l.run = ?2 AND l.device IS NOT NULL) > 1 THEN"
	" coalesce('rank ' || p.rank || ' ', 'process ' || p.pid || ' ', p.name || ' ', '') ELSE '' END || d.name FROM device d, process p"
	" WHERE d.id = ?1 AND p.id = ?3), ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23)";

static const struct {
	const char *sql;
	rows_fn *rows;
} tables[] = {
	{device_sql, device_rows},
	{"INSERT INTO gpu_split(run, device, ns, kind) VALUES(?, ?, ?, ?)", split_rows},
	{"INSERT INTO gpu_stream VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)", stream_rows},
	{"INSERT INTO gpu_kernel(run, device, n, ns, min_ns, max_ns, longest, name, class) VALUES(?, ?, ?, ?, ?, ?, ?, ?, "
	 "?)",
		kernel_rows},
	{"INSERT INTO gpu_call(run, process, class, n, ns, min_ns, max_ns, longest, name) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)",
		call_rows},
	{"INSERT INTO gpu_copy(run, device, is_memset, n, ns, bytes, max_ns, longest, kind) VALUES(?, ?, ?3 = 104, ?, ?, ?, "
	 "?, ?, ?)",
		copy_rows},
	{"INSERT INTO gpu_gap(run, device, start_ns, duration_ns, kind_ns, before, after, kind) VALUES(?, ?, ?, ?, ?, "
	 "nullif(?, 0), ?, ?)",
		gap_rows},
	{"INSERT INTO finding(run, device, kind, severity, value, threshold, unit, n, text, span, query) VALUES(?, ?, ?, ?, "
	 "?, ?, ?, ?, ?, ?, ?)",
		finding_rows},
};

int gpu_device_write(struct db *db, int64_t run, const struct gpu_device_result *result, struct error *error)
{
	struct store store = { .db = db, .result = result, .run = run, .error = error };
	struct strbuf sql = STRBUF_INIT;
	strbuf_addf(&sql, old_sql, (long long)run);
	int status = sql.is_failed ? error_set(error, STATUS_NO_MEMORY, "no memory for a statement") : db_exec(db, strbuf_text(&sql), error);
	strbuf_finish(&sql);
	for (size_t i = 0; i < ARRAY_LEN(tables) && status == STATUS_OK; i++) {
		status = db_prepare(db, tables[i].sql, NULL, error, &store.stmt);
		if (status == STATUS_OK)
			status = tables[i].rows(&store);
		db_finish(store.stmt);
		store.stmt = NULL;
	}
	return status;
}

int gpu_device_store(struct db *db, int64_t run, const volatile sig_atomic_t *interrupt, struct error *error)
{
	struct gpu_device_result *result = NULL;
	int status = gpu_device_read(db, run, NULL, interrupt, error, &result);
	if (status == STATUS_OK)
		status = gpu_device_write(db, run, result, error);
	gpu_device_free(result);
	return status;
}
