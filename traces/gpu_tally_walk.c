/* SPDX-License-Identifier: Apache-2.0
 *
 * gpu_tally_walk: one pass over spans in order of time. Per thread it knows the marks that are open; a call that may launch takes the innermost as
 * its path and the next place in it, and the work that names the call takes both over.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/attributes.h"
#include "traces/gpu_map.h"
#include "traces/gpu_tally_private.h"
#include "traces/schema.h"

#define DEPTH_MAX 65
#define PATHS_MAX (1u << 18)
#define SITES_MAX (1u << 19)
#define NAME_BYTES 200
#define CHAIN_MAX 64
#define NONE UINT32_MAX

/* -- state ---------------------------------------------------------------------------------------------------------------------- */

/* What is open on a lane of a thread: a mark, or a call, which hands its mark's path on. */
struct open {
	int64_t end_ns;
	uint32_t path, n_launches;
	int64_t unit;
	bool is_mark;
};
struct thread {
	int64_t process, number;
	struct open root, opens[DEPTH_MAX];
};
struct lane {
	uint32_t thread, device;  /* NONE */
	uint32_t calls;
	int64_t depth;
};
/* A call that may launch. */
struct call {
	uint32_t path, n_works;
	int64_t unit;
	int32_t order;
	bool is_graph;
};

struct gpu_tally_pass {
	struct gpu_tally *sums;
	struct db *db;
	struct db_stmt *text;
	struct lane *lanes;       /* [n_lanes], by id − first_lane */
	struct thread *threads;
	struct call *calls;
	uint32_t *call_of;        /* [n_rows] index + 1 by row − first_row; 0: none */
	uint32_t *mark_names;     /* [n_strings] index + 1 into norm */
	struct gpu_texts norm;    /* marks' names, normalised */
	int64_t first_lane, first_row;
	int64_t n_rows, n_strings;
	uint32_t n_lanes, n_threads, n_calls;
	struct gpu_map paths, sites, roots; /* roots: a node → the one that it was cloned from */
	int64_t *originals;
	uint32_t n_originals;
	struct error *error;
};

typedef int row_fn(struct gpu_tally_pass *walk, struct db_stmt *stmt);

static int each_row(struct gpu_tally_pass *walk, const char *sql, int64_t run, row_fn *read)
{
	struct db_stmt *stmt = NULL;
	bool has_row = false;
	int status = db_prepare(walk->db, sql, NULL, walk->error, &stmt);
	if (status == STATUS_OK)
		db_bind_int(stmt, 1, run);
	while (status == STATUS_OK && (status = db_step(stmt, &has_row, walk->error)) == STATUS_OK && has_row)
		status = read(walk, stmt);
	db_finish(stmt);
	return status;
}

/* -- names of marks, paths -------------------------------------------------------------------------------------------------------- */

static uint32_t mark_name(struct gpu_tally_pass *walk, int64_t string)
{
	char name[NAME_BYTES];
	bool has_row = false;
	if (string < 1 || string > walk->n_strings)
		return gpu_texts_intern(&walk->norm, "");
	uint32_t *known = &walk->mark_names[string - 1];
	if (*known)
		return *known - 1;
	db_bind_int(walk->text, 1, string);
	if (db_step(walk->text, &has_row, walk->error) != STATUS_OK)
		return NONE;
	const char *text = has_row ? db_column_text(walk->text, 0) : NULL;
	gpu_tally_normalise(text ? text : "", name, sizeof name);
	db_reset(walk->text);
	uint32_t norm = gpu_texts_intern(&walk->norm, name);
	*known = norm == NONE ? 0 : norm + 1;
	return norm;
}

static int add_path(struct gpu_tally *sums, uint32_t parent, const char *name)
{
	struct gpu_tally_path *paths = gpu_tally_room(sums->paths, sums->n_paths, sizeof *paths);
	if (!paths)
		return STATUS_NO_MEMORY;
	sums->paths = paths;
	paths[sums->n_paths] = (struct gpu_tally_path){ parent, strdup(name) };
	return paths[sums->n_paths++].name ? STATUS_OK : STATUS_NO_MEMORY;
}

/* The path with one more name; too many paths end in their parents. */
static uint32_t child_path(struct gpu_tally_pass *walk, uint32_t parent, uint32_t norm)
{
	struct gpu_map_slot *slot = norm == NONE ? NULL : gpu_map_find(&walk->paths, parent, norm);
	if (!slot)
		return NONE;
	if (slot->value)
		return slot->value - 1;
	if (walk->sums->n_paths >= PATHS_MAX)
		slot->value = parent + 1;
	else if (add_path(walk->sums, parent, walk->norm.texts[norm]) == STATUS_OK)
		slot->value = walk->sums->n_paths;
	else
		return NONE;
	return slot->value - 1;
}

/* -- host spans --------------------------------------------------------------------------------------------------------------------- */

/* The innermost mark that is open at a depth, for a span that ends at `end_ns`. */
static struct open *find_open(struct thread *thread, int64_t depth, int64_t end_ns)
{
	for (int64_t d = depth - 1; d >= 0; d--) {
		if (thread->opens[d].is_mark && thread->opens[d].end_ns >= end_ns)
			return &thread->opens[d];
	}
	return &thread->root;
}

static int64_t depth_of(const struct lane *lane)
{
	return lane->depth < 0 ? 0 : lane->depth >= DEPTH_MAX ? DEPTH_MAX - 1 : lane->depth;
}

/* Marks that were open deeper have ended. */
static void close_deeper(struct thread *thread, int64_t depth)
{
	for (int64_t d = depth + 1; d < DEPTH_MAX && thread->opens[d].is_mark; d++)
		thread->opens[d].is_mark = false;
}

static int read_mark(struct gpu_tally_pass *walk, const struct lane *lane, int64_t start_ns, int64_t end_ns, int64_t name)
{
	if (lane->thread == NONE)
		return STATUS_OK;
	struct thread *thread = &walk->threads[lane->thread];
	int64_t depth = depth_of(lane);
	const struct open *around = find_open(thread, depth, end_ns);
	uint32_t path = child_path(walk, around->path, mark_name(walk, name));
	if (path == NONE)
		return gpu_tally_out_of_memory(walk->error);
	thread->opens[depth] = (struct open){ end_ns, path, 0, gpu_tally_unit_at(walk->sums, start_ns), true };
	close_deeper(thread, depth);
	return STATUS_OK;
}

static int read_call(struct gpu_tally_pass *walk, const struct lane *lane, int64_t row, int64_t start_ns, int64_t end_ns, int64_t name, int64_t class)
{
	struct gpu_tally *sums = walk->sums;
	bool may_launch = class == IMPORT_API_LAUNCH || class == IMPORT_API_GRAPH_LAUNCH || class == IMPORT_API_COPY || class == IMPORT_API_OTHER;
	int64_t unit = gpu_tally_unit_at(sums, start_ns);
	if (lane->calls != NONE && class >= 0 && class < GPU_TALLY_CALLS && class != IMPORT_API_REPEATED) {
		struct gpu_tally_calls *calls = &sums->calls[lane->calls];
		bool counts = unit >= 0 && sums->units[unit].counts;
		calls->n[class]++;
		calls->ns[class] += end_ns - start_ns;
		calls->n_unit[class] += counts;
		calls->ns_unit[class] += counts ? end_ns - start_ns : 0;
	}
	if (!may_launch || lane->thread == NONE || row < walk->first_row || row - walk->first_row >= walk->n_rows)
		return STATUS_OK;
	struct open *open = find_open(&walk->threads[lane->thread], depth_of(lane), end_ns);
	if (open->unit != unit) {
		open->unit = unit;
		open->n_launches = 0;
	}
	struct call call = { .path = open->path, .unit = unit, .is_graph = class == IMPORT_API_GRAPH_LAUNCH,
		.order = open->n_launches < GPU_TALLY_ORDER_MOST ? (int32_t)open->n_launches : GPU_TALLY_NO_ORDER };
	open->n_launches++;
	struct call *calls = gpu_tally_room(walk->calls, walk->n_calls, sizeof *calls);
	if (!calls)
		return gpu_tally_out_of_memory(walk->error);
	walk->calls = calls;
	if (call.is_graph)
		call.path = child_path(walk, call.path, mark_name(walk, name));
	if (call.path == NONE)
		return gpu_tally_out_of_memory(walk->error);
	calls[walk->n_calls++] = call;
	walk->call_of[row - walk->first_row] = walk->n_calls;
	return STATUS_OK;
}

/* -- device work ---------------------------------------------------------------------------------------------------------------------- */

static int64_t root_of(const struct gpu_tally_pass *walk, int64_t node)
{
	for (int i = 0; i < CHAIN_MAX; i++) {
		const struct gpu_map_slot *slot = gpu_map_look(&walk->roots, (uint64_t)node, 0);
		if (!slot)
			break;
		node = walk->originals[slot->value - 1];
	}
	return node;
}

static bool is_site(const struct gpu_tally_site *a, const struct gpu_tally_site *b)
{
	return a->device == b->device && a->path == b->path && a->order == b->order && a->name == b->name && a->kind == b->kind;
}

static struct gpu_tally_site *find_site(struct gpu_tally_pass *walk, const struct gpu_tally_site *key)
{
	struct gpu_tally *sums = walk->sums;
	uint64_t place = (uint64_t)key->name << 32 | (uint64_t)key->kind << 24 | (key->device & 0xffffff);
	struct gpu_map_slot *slot;
	for (uint64_t attempt = 0;; attempt++) {
		slot = gpu_map_find(&walk->sites, gpu_map_mix((uint64_t)key->order, key->path) + attempt, place);
		if (!slot)
			return NULL;
		if (!slot->value)
			break;
		if (is_site(&sums->sites[slot->value - 1], key))
			return &sums->sites[slot->value - 1];
	}
	struct gpu_tally_site *sites = gpu_tally_room(sums->sites, sums->n_sites, sizeof *sites);
	if (!sites)
		return NULL;
	sums->sites = sites;
	sites[sums->n_sites] = *key;
	slot->value = ++sums->n_sites;
	return &sites[sums->n_sites - 1];
}

/* Work belongs to the iteration that the file says; else to the one that launched it; without a launch to the one in which it began. */
static int read_work(struct gpu_tally_pass *walk, const struct lane *lane, const struct gpu_row *row)
{
	int64_t launch = row->launch - walk->first_row, ns = row->end_ns - row->start_ns;
	bool has_node = row->graph_node != 0;
	struct call *call = row->launch > 0 && launch >= 0 && launch < walk->n_rows && walk->call_of[launch]
		? &walk->calls[walk->call_of[launch] - 1] : NULL;
	if (lane->device == NONE)
		return STATUS_OK;
	struct gpu_tally_site key = { .device = lane->device, .path = GPU_TALLY_UNLINKED, .order = GPU_TALLY_NO_ORDER,
		.name = (uint32_t)row->name, .kind = (uint8_t)(row->kind - SPAN_KIND_OP), .class = (uint8_t)(row->class < 0 ? 0 : row->class) };
	int64_t unit = row->execution != GPU_ROW_UNKNOWN ? gpu_tally_unit_of(walk->sums, row->execution)
		: call ? call->unit : gpu_tally_unit_at(walk->sums, row->start_ns);
	if (call) {
		key.path = call->path;
		key.order = call->is_graph ? (int64_t)call->n_works++ : call->order;
	}
	if (has_node) {
		key.path = GPU_TALLY_NODES;
		key.order = root_of(walk, row->graph_node);
	}
	if (key.order >= GPU_TALLY_ORDER_MOST && !has_node)
		key.order = GPU_TALLY_NO_ORDER;
	if (walk->sums->n_sites >= SITES_MAX) {
		key.path = GPU_TALLY_UNLINKED;
		key.order = GPU_TALLY_NO_ORDER;
	}
	struct gpu_tally_site *site = find_site(walk, &key);
	if (!site)
		return gpu_tally_out_of_memory(walk->error);
	bool counts = unit >= 0 && walk->sums->units[unit].counts;
	compare_moments_add(&site->spans, (double)ns);
	site->ns += ns;
	site->n_unit += counts;
	site->ns_unit += counts ? ns : 0;
	return STATUS_OK;
}

int gpu_tally_row(void *user, const struct gpu_row *row, struct error *error)
{
	struct gpu_tally_pass *walk = user;
	int64_t idx = row->lane - walk->first_lane;
	if (row->kind < SPAN_KIND_KERNEL || row->kind > SPAN_KIND_GRAPH)
		return STATUS_OK;
	if (idx < 0 || idx >= walk->n_lanes)
		return error_set(error, STATUS_TRACE, "a span lies on a lane of another run: the trace is damaged");
	const struct lane *lane = &walk->lanes[idx];
	if (row->kind == SPAN_KIND_MARK)
		return read_mark(walk, lane, row->start_ns, row->end_ns, row->name);
	if (row->kind == SPAN_KIND_API)
		return read_call(walk, lane, row->id, row->start_ns, row->end_ns, row->name, row->class < 0 ? 0 : row->class);
	return read_work(walk, lane, row);
}

/* -- layout ----------------------------------------------------------------------------------------------------------------------- */

static uint32_t find_thread(struct gpu_tally_pass *walk, int64_t process, int64_t number)
{
	for (uint32_t i = walk->n_threads; i-- > 0;) {
		if (walk->threads[i].process == process && walk->threads[i].number == number)
			return i;
	}
	struct thread *threads = gpu_tally_room(walk->threads, walk->n_threads, sizeof *threads);
	if (!threads)
		return NONE;
	walk->threads = threads;
	memset(&threads[walk->n_threads], 0, sizeof *threads);
	threads[walk->n_threads].process = process;
	threads[walk->n_threads].number = number;
	threads[walk->n_threads].root = (struct open){ INT64_MAX, GPU_TALLY_ROOT, 0, -1, true };
	return walk->n_threads++;
}

/* Columns: id, kind, process's position, device's position, process, thread, depth. */
static int read_lane(struct gpu_tally_pass *walk, struct db_stmt *stmt)
{
	const char *kind = db_column_text(stmt, 1);
	struct lane *lanes = gpu_tally_room(walk->lanes, walk->n_lanes, sizeof *lanes);
	if (!lanes)
		return gpu_tally_out_of_memory(walk->error);
	walk->lanes = lanes;
	if (!walk->n_lanes)
		walk->first_lane = db_column_int(stmt, 0);
	if (db_column_int(stmt, 0) != walk->first_lane + walk->n_lanes)
		return error_set(walk->error, STATUS_TRACE, "the lanes of the run are not numbered in a row: the trace is damaged");
	struct lane lane = { .thread = NONE, .device = NONE, .calls = NONE, .depth = db_column_int(stmt, 6) };
	bool is_thread = kind && strcmp(kind, "thread") == 0, is_stream = kind && strcmp(kind, "stream") == 0;
	if (is_stream && db_column_type(stmt, 3) != DB_NULL)
		lane.device = (uint32_t)db_column_int(stmt, 3);
	if (is_thread && db_column_type(stmt, 2) != DB_NULL)
		lane.calls = (uint32_t)db_column_int(stmt, 2);
	if (is_thread) {
		lane.thread = find_thread(walk, db_column_int(stmt, 4), db_column_int(stmt, 5));
		if (lane.thread == NONE)
			return gpu_tally_out_of_memory(walk->error);
	}
	lanes[walk->n_lanes++] = lane;
	return STATUS_OK;
}

static int read_original(struct gpu_tally_pass *walk, struct db_stmt *stmt)
{
	int64_t node = db_column_int(stmt, 0), original = db_column_int(stmt, 1);
	int64_t *originals = gpu_tally_room(walk->originals, walk->n_originals, sizeof *originals);
	if (!originals)
		return gpu_tally_out_of_memory(walk->error);
	walk->originals = originals;
	if (node == original)
		return STATUS_OK;
	struct gpu_map_slot *slot = gpu_map_find(&walk->roots, (uint64_t)node, 0);
	if (!slot)
		return gpu_tally_out_of_memory(walk->error);
	originals[walk->n_originals] = original;
	slot->value = ++walk->n_originals;
	return STATUS_OK;
}

static int read_bounds(struct gpu_tally_pass *walk, int64_t run)
{
	int status = gpu_rows_bounds(walk->db, run, &walk->first_row, &walk->n_rows, walk->error);
	if (status == STATUS_OK)
		status = db_get_int(walk->db, "SELECT coalesce(max(id), 0) FROM string", &walk->n_strings, walk->error);
	if (status != STATUS_OK)
		return status;
	if (walk->n_strings > UINT32_MAX || walk->n_strings < 0)
		return error_set(walk->error, STATUS_TRACE, "a text has a number that cannot be: the trace is damaged");
	walk->call_of = calloc((size_t)walk->n_rows + 1, sizeof *walk->call_of);
	walk->mark_names = calloc((size_t)walk->n_strings + 1, sizeof *walk->mark_names);
	return walk->call_of && walk->mark_names ? STATUS_OK : gpu_tally_out_of_memory(walk->error);
}

static int prepare(struct gpu_tally_pass *walk, int64_t run)
{
	static const struct {
		const char *sql;
		row_fn *read;
	} steps[] = {
		{ "SELECT l.id, l.kind, (SELECT count(*) FROM process p WHERE p.run = l.run AND p.id < l.process AND l.process NOT NULL),"
		  " CASE WHEN l.device NOT NULL THEN (SELECT count(*) FROM device d WHERE d.run = l.run AND d.id < l.device) END,"
		  " l.process, l.thread, l.depth FROM lane l WHERE l.run = ? ORDER BY l.id", read_lane },
		{ "SELECT g.graph_node, CAST(v.text AS INTEGER) FROM string k JOIN arg a ON a.name = k.id JOIN span s ON s.id = a.span"
		  " JOIN gpu_activity g ON g.span = s.id JOIN string v ON v.id = a.value WHERE k.text = 'original_graph_node' AND s.run = ?"
		  " AND s.kind = 110 AND g.graph_node NOT NULL", read_original },
	};
	static const char *const first[] = { "(launch not recorded)", "", "(graph nodes)" };
	int status = db_prepare(walk->db, "SELECT text FROM string WHERE id = ?", NULL, walk->error, &walk->text);
	for (size_t i = 0; i < ARRAY_LEN(first) && status == STATUS_OK; i++)
		status = add_path(walk->sums, 0, first[i]) == STATUS_OK ? STATUS_OK : gpu_tally_out_of_memory(walk->error);
	if (status == STATUS_OK)
		status = read_bounds(walk, run);
	for (size_t i = 0; i < ARRAY_LEN(steps) && status == STATUS_OK; i++)
		status = each_row(walk, steps[i].sql, run, steps[i].read);
	return status;
}

int gpu_tally_begin(struct db *db, int64_t run, struct error *error, struct gpu_tally *sums, struct gpu_tally_pass **ret_pass)
{
	struct gpu_tally_pass *walk = calloc(1, sizeof *walk);
	if (!walk)
		return gpu_tally_out_of_memory(error);
	*walk = (struct gpu_tally_pass){ .sums = sums, .db = db, .error = error };
	int status = prepare(walk, run);
	if (status == STATUS_OK)
		*ret_pass = walk;
	else
		gpu_tally_end(walk);
	return status;
}

void gpu_tally_end(struct gpu_tally_pass *walk)
{
	db_finish(walk->text);
	gpu_texts_finish(&walk->norm);
	free(walk->lanes);
	free(walk->threads);
	free(walk->calls);
	free(walk->call_of);
	free(walk->mark_names);
	free(walk->originals);
	gpu_map_finish(&walk->paths);
	gpu_map_finish(&walk->sites);
	gpu_map_finish(&walk->roots);
	free(walk);
}
