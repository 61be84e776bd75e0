/* SPDX-License-Identifier: Apache-2.0
 *
 * gpu_critical_store: sums by what was met, the tables, and the analysis as a whole: load, compute, store.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/attributes.h"
#include "traces/gpu_critical.h"

/* -- sums ------------------------------------------------------------------------------------------------------------------- */

static uint64_t hash_sum(const struct gpu_sum *sum)
{
	uint64_t hash = ((uint64_t)sum->owner << 32 | sum->name) * 0x9e3779b97f4a7c15ull;
	hash ^= ((uint64_t)sum->process << 16 | (uint64_t)sum->class << 8 | sum->kind) * 0xc2b2ae3d27d4eb4full;
	return hash ^ hash >> 31;
}

static bool is_same(const struct gpu_sum *a, const struct gpu_sum *b)
{
	return a->kind == b->kind && a->owner == b->owner && a->class == b->class && a->name == b->name && a->process == b->process;
}

static void put(struct gpu_sums *sums, uint32_t item)
{
	uint64_t at = hash_sum(&sums->items[item]);
	while (sums->slots[at & (sums->n_slots - 1)])
		at++;
	sums->slots[at & (sums->n_slots - 1)] = item + 1;
}

static int grow(struct gpu_sums *sums, struct error *error)
{
	uint32_t capacity = sums->capacity ? sums->capacity * 2 : 32;
	struct gpu_sum *items = realloc(sums->items, capacity * sizeof *items);
	uint32_t *slots = calloc((size_t)capacity * 2, sizeof *slots);
	sums->items = items ? items : sums->items;
	if (!items || !slots) {
		free(slots);
		return error_set(error, STATUS_NO_MEMORY, "no memory for the critical path of a trace");
	}
	free(sums->slots);
	sums->slots = slots;
	sums->capacity = capacity;
	sums->n_slots = capacity * 2;
	for (uint32_t i = 0; i < sums->n; i++)
		put(sums, i);
	return STATUS_OK;
}

int gpu_sums_add(struct gpu_sums *sums, const struct gpu_sum *sum, struct error *error)
{
	int status = sums->n == sums->capacity ? grow(sums, error) : STATUS_OK;
	if (status != STATUS_OK)
		return status;
	for (uint64_t at = hash_sum(sum); sums->slots[at & (sums->n_slots - 1)]; at++) {
		struct gpu_sum *item = &sums->items[sums->slots[at & (sums->n_slots - 1)] - 1];
		if (is_same(item, sum)) {
			item->n += sum->n;
			item->ns += sum->ns;
			return STATUS_OK;
		}
	}
	sums->items[sums->n] = *sum;
	put(sums, sums->n++);
	return STATUS_OK;
}

#define ORDER(a, b) if ((a) != (b)) return (a) < (b) ? -1 : 1
static int compare_sums(const void *a, const void *b)
{
	const struct gpu_sum *x = a, *y = b;
	ORDER(x->kind, y->kind);
	ORDER(x->owner, y->owner);
	ORDER(y->ns, x->ns);
	ORDER(x->class, y->class);
	ORDER(x->name, y->name);
	ORDER(x->process, y->process);
	return 0;
}

static int compare_places(const void *a, const void *b, void *items)
{
	const struct gpu_sum *sums = items;
	return compare_sums(&sums[*(const uint32_t *)a], &sums[*(const uint32_t *)b]);
}

/* Puts items[places[i]] at i, along the cycles. */
static void arrange(struct gpu_sum *items, uint32_t *places, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		struct gpu_sum first = items[i];
		uint32_t to = i;
		while (places[to] != i) {
			uint32_t from = places[to];
			items[to] = items[from];
			places[to] = to;
			to = from;
		}
		items[to] = first;
		places[to] = to;
	}
}

/* By their places where there is room for these: sorting moves and copies less then. */
void gpu_sums_sort(struct gpu_sums *sums)
{
	free(sums->slots);
	sums->slots = NULL;
	sums->n_slots = 0;
	if (!sums->n)
		return;
	uint32_t *places = malloc(sums->n * sizeof *places);
	if (!places) {
		qsort(sums->items, sums->n, sizeof *sums->items, compare_sums);
		return;
	}
	for (uint32_t i = 0; i < sums->n; i++)
		places[i] = i;
	qsort_r(places, sums->n, sizeof *places, compare_places, sums->items);
	arrange(sums->items, places, sums->n);
	free(places);
}

void gpu_sums_finish(struct gpu_sums *sums)
{
	free(sums->items);
	free(sums->slots);
	*sums = (struct gpu_sums){ 0 };
}

/* -- tables ----------------------------------------------------------------------------------------------------------------- */

static void bind_or_null(struct db_stmt *stmt, int parameter, bool is_known, int64_t value)
{
	if (is_known)
		db_bind_int(stmt, parameter, value);
	else
		db_bind_null(stmt, parameter);
}

static int64_t process_id(const struct gpu_model *model, uint32_t process)
{
	return process < model->n_processes ? model->processes[process].id : 0;
}

static void bind_sum(struct db_stmt *stmt, int first, const struct gpu_model *model, const struct gpu_sum *sum)
{
	db_bind_int(stmt, first, sum->class);
	bind_or_null(stmt, first + 1, sum->name != GPU_NONE, (int64_t)sum->name + 1);
	bind_or_null(stmt, first + 2, sum->process < model->n_processes, process_id(model, sum->process));
	db_bind_int(stmt, first + 3, sum->n);
	db_bind_int(stmt, first + 4, sum->ns);
}

/* Rows that wait to be entered at once. */
#define ENTER_ROWS 2048
#define ENTER_COLUMNS 7

struct entering {
	struct db_feed *feed;
	struct db_stmt *stmt;
	int64_t (*rows)[ENTER_COLUMNS];
	uint32_t n;
	struct error *error;
};

static int open_entering(struct entering *entering, struct db *db, const char *feed, const char *sql, struct error *error)
{
	*entering = (struct entering){ .rows = calloc(ENTER_ROWS, sizeof *entering->rows), .error = error };
	if (!entering->rows)
		return error_set(error, STATUS_NO_MEMORY, "no memory for the critical path of a trace");
	int status = db_feed_create(db, feed, ENTER_COLUMNS, error, &entering->feed);
	return status == STATUS_OK ? db_prepare(db, sql, NULL, error, &entering->stmt) : status;
}

static int enter_waiting(struct entering *entering)
{
	if (!entering->n)
		return STATUS_OK;
	db_feed_set(entering->feed, entering->rows[0], entering->n);
	entering->n = 0;
	return db_run(entering->stmt, entering->error);
}

static int enter(struct entering *entering, const int64_t row[ENTER_COLUMNS])
{
	memcpy(entering->rows[entering->n++], row, sizeof *entering->rows);
	return entering->n == ENTER_ROWS ? enter_waiting(entering) : STATUS_OK;
}

static int close_entering(struct entering *entering, int status)
{
	if (status == STATUS_OK)
		status = enter_waiting(entering);
	db_finish(entering->stmt);
	free(entering->rows);
	return status;
}

static int64_t process_or_null(const struct gpu_model *model, uint32_t process)
{
	return process < model->n_processes ? model->processes[process].id : DB_FEED_NULL;
}

static int64_t number_or_null(const struct gpu_path *path)
{
	return path->number >= 0 ? path->number : DB_FEED_NULL;
}

static int store_path_sums(const struct gpu_critical *critical, const struct gpu_model *model, struct error *error)
{
	struct entering entering;
	int status = open_entering(&entering, model->trace->db, "feed_path_sums", "INSERT INTO path_sum(run, execution, class, name, process, n, ns)"
		" SELECT * FROM feed_path_sums", error);
	for (uint32_t i = 0; i < critical->sums.n && status == STATUS_OK; i++) {
		const struct gpu_sum *sum = &critical->sums.items[i];
		if (sum->kind == GPU_WAIT_PATH)
			status = enter(
				&entering, (int64_t[]){model->run, number_or_null(&critical->paths[sum->owner]), sum->class,
						   sum->name == GPU_NONE ? DB_FEED_NULL : (int64_t)sum->name + 1,
						   process_or_null(model, sum->process), sum->n, sum->ns});
	}
	return close_entering(&entering, status);
}

static int store_waits(const struct gpu_critical *critical, const struct gpu_model *model, struct error *error)
{
	struct db_stmt *stmt = NULL;
	int status = db_prepare(model->trace->db, "INSERT INTO wait_root(run, waits, device, process, class, name, root_process, n, ns)"
		" VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)", NULL, error, &stmt);
	for (uint32_t i = 0; i < critical->sums.n && status == STATUS_OK; i++) {
		const struct gpu_sum *sum = &critical->sums.items[i];
		bool is_device = sum->kind != GPU_WAIT_SYNC;
		if (sum->kind == GPU_WAIT_PATH)
			continue;
		uint32_t process = is_device ? model->devices[sum->owner].process : sum->owner;
		db_bind_int(stmt, 1, model->run);
		db_bind_text(stmt, 2, gpu_wait_word(sum->kind));
		bind_or_null(stmt, 3, is_device, is_device ? model->devices[sum->owner].id : 0);
		bind_or_null(stmt, 4, process < model->n_processes, process_id(model, process));
		bind_sum(stmt, 5, model, sum);
		status = db_run(stmt, error);
	}
	db_finish(stmt);
	return status;
}

static int store_steps(const struct gpu_critical *critical, const struct gpu_model *model, struct error *error)
{
	struct entering entering;
	int status = open_entering(&entering, model->trace->db, "feed_path_steps",
		"INSERT INTO path_step(run, execution, start_ns, duration_ns, class,"
		" span, process) SELECT * FROM feed_path_steps",
		error);
	for (uint32_t i = 0; i < critical->n_paths && status == STATUS_OK; i++) {
		const struct gpu_path *path = &critical->paths[i];
		for (uint32_t k = path->first + path->n; k > path->first && status == STATUS_OK; k--) {
			const struct gpu_step *step = &critical->steps[k - 1];
			status = enter(&entering, (int64_t[]){ model->run, number_or_null(path), step->start_ns, step->end_ns - step->start_ns,
				step->class, step->span == GPU_NONE ? DB_FEED_NULL : model->spans[step->span].row,
				process_or_null(model, step->process) });
		}
	}
	return close_entering(&entering, status);
}

static int store_late(const struct gpu_critical *critical, const struct gpu_model *model, const struct collectives *collectives, struct error *error)
{
	struct db_stmt *stmt = NULL;
	int status = db_prepare(model->trace->db,
		"UPDATE collective SET late_class = ?3, late_name = ?4, late_process = ?5, late_ns = ?6 WHERE run = ?1 AND "
		"id = ?2",
		NULL, error, &stmt);
	for (uint32_t i = 0; i < collectives->n && status == STATUS_OK; i++) {
		const struct gpu_late *late = &critical->late[i];
		if (!late->ns)
			continue;
		db_bind_int(stmt, 1, model->run);
		db_bind_int(stmt, 2, (int64_t)i + 1);
		db_bind_int(stmt, 3, late->class);
		bind_or_null(stmt, 4, late->name != GPU_NONE, (int64_t)late->name + 1);
		bind_or_null(stmt, 5, late->process < model->n_processes, process_id(model, late->process));
		db_bind_int(stmt, 6, late->ns);
		status = db_run(stmt, error);
	}
	db_finish(stmt);
	return status;
}

int gpu_critical_store(const struct gpu_critical *critical, const struct gpu_model *model, const struct collectives *collectives, struct error *error)
{
	int status = store_path_sums(critical, model, error);
	if (status == STATUS_OK)
		status = store_waits(critical, model, error);
	if (status == STATUS_OK)
		status = store_steps(critical, model, error);
	return status == STATUS_OK ? store_late(critical, model, collectives, error) : status;
}

/* -- the analysis ----------------------------------------------------------------------------------------------------------- */

struct analysis {
	struct trace trace;        /* only its database is looked at */
	struct gpu_model *model;
	struct gpu_order *order;
	struct collective_fact *facts;
	struct gpu_event_wait *waits;
	struct collectives collectives;
	struct iterations iterations;
	struct gpu_critical critical;
	uint32_t n_facts, n_waits;
	unsigned what;
};

/* Bits of enum gpu_load in the order in which they are worth their memory, with the kinds that they are. */
static const struct {
	unsigned bit;
	const char *word, *kinds;
} loads[] = {
	{ 0, "device work", "102, 103, 104, 107" },
	{ GPU_LOAD_API, "host calls", "105" },
	{ GPU_LOAD_SYNCS, "events", "108, 110" },
	{ GPU_LOAD_OVERHEAD, "profiler", "109" },
	{ GPU_LOAD_MARKS, "annotations", "106" },
};

static int note(struct db *db, int64_t run, const char *text, struct error *error)
{
	struct db_stmt *stmt = NULL;
	int status = db_prepare(db, "INSERT OR REPLACE INTO run_meta VALUES(?, 'path_of', ?)", NULL, error, &stmt);
	if (status == STATUS_OK) {
		db_bind_int(stmt, 1, run);
		db_bind_text(stmt, 2, text);
		status = db_run(stmt, error);
	}
	db_finish(stmt);
	return status;
}

/* Loads what fits; *ret_has_work: whether not even the device work does, or there is none. */
static int choose(struct analysis *analysis, int64_t run, bool *ret_has_work, struct error *error)
{
	int64_t n_all = 0;
	char sql[160], text[120] = "";
	int status = STATUS_OK, at = 0;
	*ret_has_work = false;
	for (size_t i = 0; i < ARRAY_LEN(loads) && status == STATUS_OK; i++) {
		int64_t n = 0;
		snprintf(sql, sizeof sql,
			"SELECT coalesce(sum(s.n), 0) FROM summary s JOIN lane l ON l.id = s.lane WHERE l.run = %lld AND "
			"s.node = 0 AND s.kind IN (%s)",
			(long long)run, loads[i].kinds);
		status = db_get_int(analysis->trace.db, sql, &n, error);
		if (n_all + n > GPU_CRITICAL_SPANS_MAX || (!i && !n))
			continue;
		*ret_has_work = *ret_has_work || !i;
		n_all += n;
		analysis->what |= loads[i].bit;
		at += snprintf(text + at, sizeof text - (size_t)at, "%s%s", at ? ", " : "", loads[i].word);
	}
	return status == STATUS_OK ? note(analysis->trace.db, run, *ret_has_work ? text : "nothing", error) : status;
}

static int compute(struct analysis *analysis, int64_t run, const volatile sig_atomic_t *interrupt, struct error *error)
{
	int status = gpu_model_load(&analysis->trace, run, analysis->what, interrupt, error, &analysis->model);
	if (status == STATUS_OK)
		status = collectives_facts(analysis->model, error, &analysis->facts, &analysis->n_facts);
	if (status == STATUS_OK)
		status = collectives_make(analysis->model, analysis->facts, analysis->n_facts, error, &analysis->collectives);
	if (status == STATUS_OK)
		status = iterations_find(analysis->model, error, &analysis->iterations);
	if (status == STATUS_OK && (analysis->what & GPU_LOAD_SYNCS))
		status = gpu_order_waits(analysis->model, error, &analysis->waits, &analysis->n_waits);
	if (status == STATUS_OK)
		status = gpu_order_create(analysis->model, analysis->waits, analysis->n_waits, &analysis->collectives,
			analysis->iterations.is_mark, error, &analysis->order);
	return status == STATUS_OK ? gpu_critical_make(analysis->model, analysis->order, &analysis->iterations, &analysis->collectives, error,
		&analysis->critical) : status;
}

/* An analysis may be done again, of what a trim has left. */
static int clear(struct db *db, int64_t run, struct error *error)
{
	char sql[800];
	int64_t n_before = 0;
	snprintf(sql, sizeof sql, "SELECT count(*) FROM iteration WHERE run = %lld", (long long)run);
	int status = db_get_int(db, sql, &n_before, error);
	snprintf(sql, sizeof sql, "UPDATE span SET execution = NULL WHERE run = %lld AND execution IS NOT NULL", (long long)run);
	if (status == STATUS_OK && n_before)
		status = db_exec(db, sql, error);
	snprintf(sql, sizeof sql,
		"DELETE FROM collective WHERE run = %lld; DELETE FROM collective_rank WHERE run = %lld; DELETE FROM "
		"collective_group WHERE run = %lld;"
		" DELETE FROM iteration WHERE run = %lld; DELETE FROM execution WHERE run = %lld; DELETE FROM path_sum "
		"WHERE run = %lld;"
		" DELETE FROM path_step WHERE run = %lld; DELETE FROM wait_root WHERE run = %lld;",
		(long long)run, (long long)run, (long long)run, (long long)run, (long long)run, (long long)run,
		(long long)run, (long long)run);
	return status == STATUS_OK ? db_exec(db, sql, error) : status;
}

int gpu_critical_analyse(struct db *db, int64_t run, const volatile sig_atomic_t *interrupt, struct error *error)
{
	struct analysis analysis = { .trace = { .db = db } };
	bool has_work = false;
	int status = choose(&analysis, run, &has_work, error);
	if (status != STATUS_OK || !has_work)
		return status;
	status = clear(db, run, error);
	if (status == STATUS_OK)
		status = compute(&analysis, run, interrupt, error);
	if (status == STATUS_OK)
		status = collectives_store(&analysis.collectives, analysis.model, error);
	if (status == STATUS_OK)
		status = iterations_store(&analysis.iterations, analysis.model, error);
	if (status == STATUS_OK)
		status = gpu_critical_store(&analysis.critical, analysis.model, &analysis.collectives, error);
	gpu_critical_finish(&analysis.critical);
	gpu_order_free(analysis.order);
	iterations_finish(&analysis.iterations);
	collectives_finish(&analysis.collectives);
	free(analysis.facts);
	free(analysis.waits);
	gpu_model_free(analysis.model);
	return status;
}
