/* SPDX-License-Identifier: Apache-2.0
 *
 * align: reads nodes, edges and executions of two runs and matches them.
 */
#include "traces/align.h"

#include <stdlib.h>
#include <string.h>

#include "traces/schema.h"

#define ALIGN_WARMUP_PART 10 /* the first tenth */

struct reading {
	struct align_run *run;
	int64_t capacity; /* of executions */
	struct error *error;
};

static int out_of_memory(struct error *error)
{
	return error_set(error, STATUS_NO_MEMORY, "no memory to align the runs");
}

/* Calls `read` for each row of `sql`, whose only parameter is the run. */
static int each_row(struct reading *reading, const char *sql, int (*read)(struct reading *, struct db_stmt *))
{
	struct db_stmt *stmt = NULL;
	bool has_row = false;
	int status = db_prepare(reading->run->trace->db, sql, NULL, reading->error, &stmt);
	if (status == STATUS_OK)
		db_bind_int(stmt, 1, reading->run->run->id);
	while (status == STATUS_OK && (status = db_step(stmt, &has_row, reading->error)) == STATUS_OK && has_row)
		status = read(reading, stmt);
	db_finish(stmt);
	return status;
}

static char *copy_text(struct db_stmt *stmt, int column)
{
	const char *text = db_column_text(stmt, column);
	return text ? strdup(text) : NULL;
}

static int read_place(struct reading *reading, struct db_stmt *stmt)
{
	struct align_run *run = reading->run;
	int n_places = run->n_nodes + run->n_edges;
	struct align_place *places = realloc(run->places, (size_t)(n_places + 1) * sizeof(*places));
	if (!places)
		return out_of_memory(reading->error);
	run->places = places;
	struct align_place *place = &places[n_places];
	*place = (struct align_place){ .is_edge = db_column_int(stmt, 0), .id = db_column_int(stmt, 1),
		.name = copy_text(stmt, 2), .op = copy_text(stmt, 3), .worker = copy_text(stmt, 4), .twin = -1 };
	if (place->is_edge)
		run->n_edges++;
	else
		run->n_nodes++;
	return place->name ? STATUS_OK : out_of_memory(reading->error);
}

static int read_execution(struct reading *reading, struct db_stmt *stmt)
{
	struct align_run *run = reading->run;
	if (run->n_executions == reading->capacity) {
		int64_t capacity = reading->capacity ? 2 * reading->capacity : 256;
		struct align_execution *executions = realloc(run->executions, (size_t)capacity * sizeof(*executions));
		if (!executions)
			return out_of_memory(reading->error);
		run->executions = executions;
		reading->capacity = capacity;
	}
	bool is_whole = db_column_type(stmt, 1) != DB_NULL && db_column_type(stmt, 2) != DB_NULL;
	struct align_execution *execution = &run->executions[run->n_executions++];
	*execution = (struct align_execution){ .execution = db_column_int(stmt, 0), .start_ns = db_column_int(stmt, 1),
		.end_ns = db_column_int(stmt, 2), .is_ok = is_whole && db_column_int(stmt, 3) == STATUS_OK,
		.is_warmup = db_column_int(stmt, 4), .is_marked = db_column_int(stmt, 4) };
	run->n_failed += !execution->is_ok;
	return STATUS_OK;
}

static int read_run(struct align_run *run, struct error *error)
{
	struct reading reading = { .run = run, .error = error };
	int status = each_row(&reading, "SELECT 0, n.id, n.name, n.op, w.name FROM node n JOIN worker w ON w.id = n.worker"
		" WHERE n.run = ? ORDER BY n.id", read_place);
	if (status == STATUS_OK)
		status = each_row(&reading, "SELECT 1, id, name, NULL, NULL FROM edge WHERE run = ? ORDER BY id", read_place);
	if (status == STATUS_OK)
		status = each_row(&reading, "SELECT execution, start_ns, end_ns, status, is_warmup FROM execution"
			" WHERE run = ? AND NOT is_partial ORDER BY execution", read_execution);
	return status;
}

/* -- places by name -------------------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
	const struct align_place *x = *(struct align_place *const *)a, *y = *(struct align_place *const *)b;
	if (x->is_edge != y->is_edge)
		return x->is_edge ? 1 : -1;
	return strcmp(x->name, y->name);
}

/* The run's places sorted by name; NULL when memory is out. */
static struct align_place **sort_places(struct align_run *run)
{
	int n = run->n_nodes + run->n_edges;
	struct align_place **sorted = malloc((size_t)(n + 1) * sizeof(struct align_place *));
	for (int i = 0; sorted && i < n; i++)
		sorted[i] = &run->places[i];
	if (sorted)
		qsort(sorted, (size_t)n, sizeof(struct align_place *), by_name);
	return sorted;
}

static int match_places(struct align *align, struct error *error)
{
	struct align_run *a = &align->runs[0], *b = &align->runs[1];
	struct align_place **left = sort_places(a), **right = sort_places(b);
	int status = left && right ? STATUS_OK : out_of_memory(error);
	int n_left = a->n_nodes + a->n_edges, n_right = b->n_nodes + b->n_edges;
	for (int i = 0, k = 0; status == STATUS_OK && i < n_left && k < n_right;) {
		int order = by_name(&left[i], &right[k]);
		if (order == 0) {
			left[i]->twin = (int)(right[k] - b->places);
			right[k]->twin = (int)(left[i] - a->places);
		}
		i += order <= 0;
		k += order >= 0;
	}
	free(left);
	free(right);
	return status;
}

/* -- executions by number -------------------------------------------------------------------------------- */

static bool has_marks(const struct align_run *run)
{
	for (int64_t i = 0; i < run->n_executions; i++) {
		if (run->executions[i].is_warmup)
			return true;
	}
	return false;
}

/* Calls `visit` for each execution that both runs have. */
static int64_t each_common(struct align *align, void (*visit)(struct align *, const struct align_execution *const both[2]))
{
	struct align_run *a = &align->runs[0], *b = &align->runs[1];
	int64_t n = 0;
	for (int64_t i = 0, k = 0; i < a->n_executions && k < b->n_executions;) {
		const struct align_execution *const both[2] = { &a->executions[i], &b->executions[k] };
		if (both[0]->execution == both[1]->execution) {
			n++;
			if (visit)
				visit(align, both);
		}
		i += both[0]->execution <= both[1]->execution;
		k += both[0]->execution >= both[1]->execution;
	}
	return n;
}

/* Clears the marks that do not count and sets those of the first tenth where there are none. */
static void settle_warmup(struct align *align)
{
	struct align_run *a = &align->runs[0], *b = &align->runs[1];
	for (int side = 0; side < 2; side++) {
		struct align_run *run = &align->runs[side], *other = &align->runs[1 - side];
		for (int64_t i = 0; run->n_executions > other->n_executions && i < run->n_executions; i++)
			run->executions[i].is_warmup = false;
	}
	if (has_marks(a) || has_marks(b))
		return;
	int64_t n_common = each_common(align, NULL), n_marked = (n_common + ALIGN_WARMUP_PART - 1) / ALIGN_WARMUP_PART;
	for (int64_t i = 0; i < a->n_executions && n_marked; i++) {
		a->executions[i].is_warmup = align_find(b, a->executions[i].execution) != NULL;
		n_marked -= a->executions[i].is_warmup;
	}
}

static void add_pair(struct align *align, const struct align_execution *const both[2])
{
	if (!both[0]->is_ok || !both[1]->is_ok)
		align->n_failed++;
	else if (both[0]->is_warmup || both[1]->is_warmup)
		align->n_warmup++;
	else
		align->pairs[align->n_pairs++] = both[0]->execution;
}

static int match_executions(struct align *align, struct error *error)
{
	settle_warmup(align);
	align->pairs = malloc((size_t)(align->runs[0].n_executions + 1) * sizeof(*align->pairs));
	if (!align->pairs)
		return out_of_memory(error);
	int64_t n_common = each_common(align, add_pair);
	for (int side = 0; side < 2; side++)
		align->runs[side].n_alone = align->runs[side].n_executions - n_common;
	return STATUS_OK;
}

int align_make(const struct align_side sides[2], struct error *error, struct align *ret_align)
{
	struct align align = { 0 };
	int status = STATUS_OK;
	for (int side = 0; side < 2; side++) {
		align.runs[side] = (struct align_run){ .trace = sides[side].trace, .run = sides[side].run };
		if (status == STATUS_OK)
			status = read_run(&align.runs[side], error);
	}
	if (status == STATUS_OK)
		status = match_places(&align, error);
	if (status == STATUS_OK)
		status = match_executions(&align, error);
	if (status != STATUS_OK) {
		align_finish(&align);
		return status;
	}
	*ret_align = align;
	return STATUS_OK;
}

void align_finish(struct align *align)
{
	for (int side = 0; side < 2; side++) {
		struct align_run *run = &align->runs[side];
		for (int i = 0; i < run->n_nodes + run->n_edges; i++) {
			free(run->places[i].name);
			free(run->places[i].op);
			free(run->places[i].worker);
		}
		free(run->places);
		free(run->executions);
	}
	free(align->pairs);
	*align = (struct align){ 0 };
}

/* -- looking up ------------------------------------------------------------------------------------------ */

/* Ids of one table of one run are consecutive. */
static int index_of(const struct align_place *places, int n, int64_t id)
{
	int64_t idx = n ? id - places[0].id : -1;
	return idx >= 0 && idx < n ? (int)idx : -1;
}

int align_node(const struct align_run *run, int64_t id)
{
	return index_of(run->places, run->n_nodes, id);
}

int align_edge(const struct align_run *run, int64_t id)
{
	int idx = run->n_edges ? index_of(run->places + run->n_nodes, run->n_edges, id) : -1;
	return idx < 0 ? -1 : run->n_nodes + idx;
}

static int by_number(const void *key, const void *item)
{
	int64_t x = *(const int64_t *)key, y = *(const int64_t *)item;
	return (x > y) - (x < y);
}

int64_t align_pair(const struct align *align, int64_t execution)
{
	const int64_t *found = align->n_pairs
		? bsearch(&execution, align->pairs, (size_t)align->n_pairs, sizeof(*found), by_number) : NULL;
	return found ? found - align->pairs : -1;
}

const struct align_execution *align_find(const struct align_run *run, int64_t execution)
{
	return run->n_executions ? bsearch(&execution, run->executions, (size_t)run->n_executions, sizeof(*run->executions),
		by_number) : NULL;
}
