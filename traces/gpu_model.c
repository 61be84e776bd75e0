/* SPDX-License-Identifier: Apache-2.0
 *
 * gpu_model: loading: counts first, so that every array is allocated once; then the rows, which come in order of time, each
 * put behind its lane's last.
 */
#include "traces/gpu_model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/attributes.h"
#include "traces/gpu_rows.h"

struct load {
	struct gpu_model *model;
	struct db *db;
	unsigned what;
	uint32_t *filled;      /* [n_lanes] */
	int64_t first_lane;    /* ids of lanes are consecutive */
	uint32_t *of_row;      /* [n_rows + 1] spans by row − first_row; GPU_NONE */
	int64_t first_row, n_rows;
	struct error *error;
};

typedef int read_fn(struct load *load, struct db_stmt *stmt);

static int each_row(struct load *load, const char *sql, read_fn *read)
{
	struct db_stmt *stmt = NULL;
	bool has_row = false;
	int status = db_prepare(load->db, sql, NULL, load->error, &stmt);
	if (status == STATUS_OK)
		db_bind_int(stmt, 1, load->model->run);
	while (status == STATUS_OK && (status = db_step(stmt, &has_row, load->error)) == STATUS_OK && has_row)
		status = read(load, stmt);
	db_finish(stmt);
	return status;
}

static int out_of_memory(struct error *error)
{
	return error_set(error, STATUS_NO_MEMORY, "no memory for the spans of this trace");
}

/* Room for one more; the array doubles at powers of two. */
static void *room(void *items, uint32_t n, size_t item_bytes)
{
	if (n & (n - 1) && n)
		return items;
	return realloc(items, (n ? (size_t)n * 2 : 1) * item_bytes);
}

static int64_t int_or(struct db_stmt *stmt, int column, int64_t fallback)
{
	return db_column_type(stmt, column) == DB_NULL ? fallback : db_column_int(stmt, column);
}

static const char *copy_text(struct db_stmt *stmt, int column)
{
	const char *text = db_column_text(stmt, column);
	return strdup(text ? text : "");
}

static int read_run(struct load *load, struct db_stmt *stmt)
{
	load->model->start_ns = db_column_int(stmt, 0);
	load->model->end_ns = db_column_int(stmt, 1);
	return STATUS_OK;
}

static int read_process(struct load *load, struct db_stmt *stmt)
{
	struct gpu_model *model = load->model;
	struct gpu_process *processes = room(model->processes, model->n_processes, sizeof *processes);
	if (!processes)
		return out_of_memory(load->error);
	model->processes = processes;
	processes[model->n_processes] = (struct gpu_process){ .id = db_column_int(stmt, 0), .pid = int_or(stmt, 1, -1),
		.rank = int_or(stmt, 2, -1), .name = copy_text(stmt, 3) };
	return processes[model->n_processes++].name ? STATUS_OK : out_of_memory(load->error);
}

static uint32_t find_process(const struct gpu_model *model, int64_t id)
{
	for (uint32_t i = 0; i < model->n_processes; i++) {
		if (model->processes[i].id == id)
			return i;
	}
	return GPU_NONE;
}

static uint32_t find_device(const struct gpu_model *model, int64_t id)
{
	for (uint32_t i = 0; i < model->n_devices; i++) {
		if (model->devices[i].id == id)
			return i;
	}
	return GPU_NONE;
}

/* A device belongs to the process whose streams name it. */
static int read_device(struct load *load, struct db_stmt *stmt)
{
	struct gpu_model *model = load->model;
	struct gpu_device *devices = room(model->devices, model->n_devices, sizeof *devices);
	if (!devices)
		return out_of_memory(load->error);
	model->devices = devices;
	devices[model->n_devices] = (struct gpu_device){ .id = db_column_int(stmt, 0), .process = find_process(model, db_column_int(stmt, 1)),
		.name = copy_text(stmt, 2) };
	return devices[model->n_devices++].name ? STATUS_OK : out_of_memory(load->error);
}

static int read_lane(struct load *load, struct db_stmt *stmt)
{
	struct gpu_model *model = load->model;
	struct gpu_lane *lanes = room(model->lanes, model->n_lanes, sizeof *lanes);
	const char *kind = db_column_text(stmt, 1);
	if (!lanes)
		return out_of_memory(load->error);
	model->lanes = lanes;
	if (!model->n_lanes)
		load->first_lane = db_column_int(stmt, 0);
	if (db_column_int(stmt, 0) != load->first_lane + model->n_lanes)
		return error_set(load->error, STATUS_TRACE, "the lanes of run %lld are not numbered in a row: the trace is damaged",
			(long long)model->run);
	lanes[model->n_lanes] = (struct gpu_lane){
		.id = db_column_int(stmt, 0), .process = find_process(model, int_or(stmt, 3, -1)), .device = find_device(model, int_or(stmt, 4, -1)),
		.kind = !kind || strcmp(kind, "stream") == 0 ? GPU_LANE_STREAM : strcmp(kind, "stream_marks") == 0 ? GPU_LANE_STREAM_MARKS
			: GPU_LANE_THREAD,
		.thread = int_or(stmt, 5, -1), .stream = int_or(stmt, 6, -1), .depth = int_or(stmt, 7, -1), .name = copy_text(stmt, 2) };
	return lanes[model->n_lanes++].name ? STATUS_OK : out_of_memory(load->error);
}

static int read_name(struct load *load, struct db_stmt *stmt)
{
	struct gpu_model *model = load->model;
	int64_t id = db_column_int(stmt, 0);
	if (id < 1 || id > INT32_MAX)
		return error_set(load->error, STATUS_TRACE, "a text has a number that cannot be: the trace is damaged");
	while (model->n_names < id) {
		const char **names = room(model->names, model->n_names, sizeof *names);
		if (!names)
			return out_of_memory(load->error);
		model->names = names;
		names[model->n_names++] = NULL;
	}
	if (!model->names[id - 1])
		model->names[id - 1] = copy_text(stmt, 1);
	return model->names[id - 1] ? STATUS_OK : out_of_memory(load->error);
}

static bool is_wanted(const struct load *load, int64_t kind)
{
	switch (kind) {
	case SPAN_KIND_KERNEL:
	case SPAN_KIND_MEMCPY:
	case SPAN_KIND_MEMSET:
	case SPAN_KIND_GRAPH:
		return true;
	case SPAN_KIND_API:
		return load->what & GPU_LOAD_API;
	case SPAN_KIND_MARK:
		return load->what & GPU_LOAD_MARKS;
	case SPAN_KIND_STREAM_SYNC:
	case SPAN_KIND_EVENT:
		return load->what & GPU_LOAD_SYNCS;
	case SPAN_KIND_OVERHEAD:
		return load->what & GPU_LOAD_OVERHEAD;
	default:
		return false;
	}
}

static struct gpu_lane *lane_of(struct load *load, int64_t id)
{
	int64_t idx = id - load->first_lane;
	return idx >= 0 && idx < load->model->n_lanes ? &load->model->lanes[idx] : NULL;
}

static int count_spans(struct load *load, struct db_stmt *stmt)
{
	struct gpu_lane *lane = lane_of(load, db_column_int(stmt, 0));
	if (!lane || !is_wanted(load, db_column_int(stmt, 1)))
		return STATUS_OK;
	int64_t n = db_column_int(stmt, 2);
	if (n < 0 || n > INT32_MAX - (int64_t)load->model->n_spans)
		return error_set(load->error, STATUS_TRACE, "the sums of the trace make no sense: it is damaged");
	lane->n += (uint32_t)n;
	load->model->n_spans += (uint32_t)n;
	return STATUS_OK;
}

static int allocate(struct load *load)
{
	struct gpu_model *model = load->model;
	uint32_t first = 0;
	model->spans = calloc((size_t)model->n_spans + 1, sizeof *model->spans);
	load->filled = calloc((size_t)model->n_lanes + 1, sizeof *load->filled);
	load->of_row = malloc(((size_t)load->n_rows + 1) * sizeof *load->of_row);
	if (!model->spans || !load->filled || !load->of_row)
		return out_of_memory(load->error);
	memset(load->of_row, 0xff, ((size_t)load->n_rows + 1) * sizeof *load->of_row);
	for (uint32_t i = 0; i < model->n_lanes; i++) {
		model->lanes[i].first = first;
		first += model->lanes[i].n;
	}
	return STATUS_OK;
}

static uint32_t text_of(const struct load *load, int64_t id)
{
	return id >= 1 && id <= load->model->n_names ? (uint32_t)id - 1 : GPU_NONE;
}

/* The launch stands as a row here until all rows are there. */
static int read_span(void *user, const struct gpu_row *row, struct error *error)
{
	struct load *load = user;
	struct gpu_model *model = load->model;
	struct gpu_lane *lane = lane_of(load, row->lane);
	if (!lane || !is_wanted(load, row->kind))
		return STATUS_OK;
	uint32_t at = (uint32_t)(lane - model->lanes), idx = lane->first + load->filled[at];
	int64_t launch = row->launch - load->first_row;
	if (load->filled[at] == lane->n || (load->filled[at] && model->spans[idx - 1].start_ns > row->start_ns))
		return error_set(error, STATUS_TRACE, "the spans of lane '%.100s' are not as its sums say: the trace is damaged", lane->name);
	load->filled[at]++;
	model->spans[idx] = (struct gpu_span){ .start_ns = row->start_ns, .end_ns = row->end_ns, .row = row->id, .lane = at,
		.name = text_of(load, row->name), .category = text_of(load, row->category), .kind = (uint8_t)(row->kind - SPAN_KIND_OP),
		.class = (uint8_t)(row->class == GPU_ROW_UNKNOWN ? 0 : row->class), .sync_kind = (uint8_t)row->sync_kind, .bytes = row->bytes,
		.launch = launch >= 0 && launch < load->n_rows ? (uint32_t)launch : GPU_NONE };
	if (row->id >= load->first_row && row->id - load->first_row < load->n_rows)
		load->of_row[row->id - load->first_row] = idx;
	return STATUS_OK;
}

/* Rows become spans; a call learns of the first work that it launched. */
static void link_spans(struct load *load)
{
	struct gpu_model *model = load->model;
	for (uint32_t i = 0; i < model->n_spans; i++) {
		struct gpu_span *work = &model->spans[i];
		if (gpu_kind(work) == SPAN_KIND_API)
			continue;
		work->launch = work->launch == GPU_NONE ? GPU_NONE : load->of_row[work->launch];
		struct gpu_span *call = work->launch == GPU_NONE ? NULL : &model->spans[work->launch];
		if (call && gpu_kind(call) != SPAN_KIND_API)
			work->launch = GPU_NONE;
		else if (call && (call->launch == GPU_NONE || model->spans[call->launch].start_ns > work->start_ns))
			call->launch = i;
	}
}

static int load_all(struct load *load, const volatile sig_atomic_t *interrupt)
{
	static const struct {
		const char *sql;
		read_fn *read;
	} layout[] = {
		{ "SELECT start_ns, end_ns FROM run WHERE id = ?", read_run },
		{ "SELECT id, pid, rank, name FROM process WHERE run = ? ORDER BY id", read_process },
		{ "SELECT d.id, (SELECT min(l.process) FROM lane l WHERE l.device = d.id), d.name FROM device d WHERE d.run = ? ORDER BY d.id",
		  read_device },
		{ "SELECT id, kind, name, process, device, thread, stream, depth FROM lane WHERE run = ? ORDER BY id", read_lane },
		{ "SELECT s.lane, s.kind, s.n FROM summary s JOIN lane l ON l.id = s.lane WHERE l.run = ? AND s.node = 0", count_spans },
		{ "SELECT id, text FROM string WHERE ?1 = ?1 ORDER BY id", read_name },
	};
	int status = STATUS_OK;
	for (size_t i = 0; i < ARRAY_LEN(layout) && status == STATUS_OK; i++)
		status = each_row(load, layout[i].sql, layout[i].read);
	if (status == STATUS_OK)
		status = gpu_rows_bounds(load->db, load->model->run, &load->first_row, &load->n_rows, load->error);
	if (status == STATUS_OK)
		status = allocate(load);
	if (status == STATUS_OK)
		status = gpu_rows_each(load->db, load->model->run, &(struct gpu_row_visitor){ read_span, load }, 1, interrupt, load->error);
	for (uint32_t i = 0; status == STATUS_OK && i < load->model->n_lanes; i++)
		load->model->lanes[i].n = load->filled[i];
	if (status == STATUS_OK)
		link_spans(load);
	return status;
}

int gpu_model_load(const struct trace *trace, int64_t run, unsigned what, const volatile sig_atomic_t *interrupt, struct error *error,
	struct gpu_model **ret_model)
{
	struct gpu_model *model = calloc(1, sizeof *model);
	if (!model)
		return out_of_memory(error);
	struct load load = { .model = model, .db = trace->db, .what = what, .error = error };
	model->trace = trace;
	model->run = run;
	int status = load_all(&load, interrupt);
	free(load.filled);
	free(load.of_row);
	if (status != STATUS_OK)
		gpu_model_free(model);
	else
		*ret_model = model;
	return status;
}

void gpu_model_free(struct gpu_model *model)
{
	if (!model)
		return;
	for (uint32_t i = 0; i < model->n_processes; i++)
		free((char *)model->processes[i].name);
	for (uint32_t i = 0; i < model->n_devices; i++)
		free((char *)model->devices[i].name);
	for (uint32_t i = 0; i < model->n_lanes; i++)
		free((char *)model->lanes[i].name);
	for (uint32_t i = 0; i < model->n_names; i++)
		free((char *)model->names[i]);
	free(model->processes);
	free(model->devices);
	free(model->lanes);
	free(model->names);
	free(model->spans);
	free(model);
}
