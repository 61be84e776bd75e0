/* SPDX-License-Identifier: Apache-2.0
 *
 * compare_stored: a measure as rows of compare_sum, and back.
 */
#include "traces/compare_stored.h"

#include <string.h>

/* Of which executions; in run_meta. */
#define N_META "compare_executions"
#define FIRST_META "compare_first"
#define LAST_META "compare_last"

/* One row. The kind COMPARE_KIND_CALLER is stored as NULL, like no kind: the part tells which. */
struct sum {
	enum compare_part part;
	int kind, place; /* place: of the align's run; n_places: nowhere */
	int64_t n, ns;
	double mean, squares;
};

static struct sum sum_of_moments(enum compare_part part, int kind, int place, const struct compare_moments *moments)
{
	return (struct sum){ .part = part, .kind = kind, .place = place, .n = moments->n, .mean = moments->mean,
		.squares = moments->squares };
}

/* -- into the file --------------------------------------------------------------------------------------- */

struct writing {
	const struct align_run *run;
	struct db_stmt *stmt;
	struct error *error;
};

static int write_sum(struct writing *writing, const struct sum *sum)
{
	const struct align_run *run = writing->run;
	bool is_node = sum->place < run->n_nodes, is_edge = !is_node && sum->place < run->n_nodes + run->n_edges;
	db_bind_int(writing->stmt, 1, run->run->id);
	db_bind_int(writing->stmt, 2, sum->part);
	db_bind_null(writing->stmt, 3);
	db_bind_null(writing->stmt, 4);
	db_bind_null(writing->stmt, 5);
	if (sum->kind != COMPARE_KIND_CALLER)
		db_bind_int(writing->stmt, 3, sum->kind);
	if (is_node || is_edge)
		db_bind_int(writing->stmt, is_node ? 4 : 5, run->places[sum->place].id);
	db_bind_int(writing->stmt, 6, sum->n);
	db_bind_int(writing->stmt, 7, sum->ns);
	db_bind_real(writing->stmt, 8, sum->mean);
	db_bind_real(writing->stmt, 9, sum->squares);
	return db_run(writing->stmt, writing->error);
}

/* Time by kind at one place; what is 0 needs no row. */
static int write_kinds(struct writing *writing, enum compare_part part, int place, const int64_t ns[COMPARE_KIND_COUNT])
{
	int status = STATUS_OK;
	for (int kind = 0; status == STATUS_OK && kind < COMPARE_KIND_COUNT; kind++) {
		const struct sum sum = { .part = part, .kind = kind, .place = place, .ns = ns[kind] };
		if (ns[kind])
			status = write_sum(writing, &sum);
	}
	return status;
}

static int write_sums(struct writing *writing, const struct compare_measure *measure)
{
	struct sum latency = sum_of_moments(COMPARE_PART_LATENCY, COMPARE_KIND_CALLER, measure->n_places, &measure->latency);
	struct sum period = sum_of_moments(COMPARE_PART_PERIOD, COMPARE_KIND_CALLER, measure->n_places, &measure->period);
	latency.ns = measure->latency_ns;
	int status = write_sum(writing, &latency);
	if (status == STATUS_OK)
		status = write_sum(writing, &period);
	for (int kind = 0; status == STATUS_OK && kind < COMPARE_KIND_COUNT; kind++) {
		struct sum sum = sum_of_moments(COMPARE_PART_KIND, kind, measure->n_places, &measure->kinds[kind]);
		status = write_sum(writing, &sum);
	}
	for (int place = 0; status == STATUS_OK && place <= measure->n_places; place++)
		status = write_kinds(writing, COMPARE_PART_PATH, place, measure->path_ns[place]);
	for (int node = 0; status == STATUS_OK && node < writing->run->n_nodes; node++) {
		struct sum own = sum_of_moments(COMPARE_PART_OWN, COMPARE_KIND_CALLER, node, &measure->own[node].moments);
		status = write_sum(writing, &own);
		if (status == STATUS_OK)
			status = write_kinds(writing, COMPARE_PART_WORK, node, measure->own[node].ns);
	}
	return status;
}

static int write_key(struct db *db, const struct align *align, struct error *error)
{
	const struct {
		const char *key;
		int64_t value;
	} keys[] = { { N_META, align->n_pairs }, { FIRST_META, align->pairs[0] },
		{ LAST_META, align->pairs[align->n_pairs - 1] } };
	struct db_stmt *stmt = NULL;
	int status = db_prepare(db, "INSERT OR REPLACE INTO run_meta VALUES(?, ?, ?)", NULL, error, &stmt);
	for (size_t i = 0; status == STATUS_OK && i < ARRAY_LEN(keys); i++) {
		db_bind_int(stmt, 1, align->runs[0].run->id);
		db_bind_text(stmt, 2, keys[i].key);
		db_bind_int(stmt, 3, keys[i].value);
		status = db_run(stmt, error);
	}
	db_finish(stmt);
	return status;
}

static int write_measure(struct db *db, const struct align *align, const struct compare_measure *measure,
	struct error *error)
{
	struct writing writing = { .run = &align->runs[0], .error = error };
	int status = db_prepare(db, "INSERT INTO compare_sum(run, part, kind, node, edge, n, ns, mean, squares)"
		" VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)", NULL, error, &writing.stmt);
	if (status == STATUS_OK)
		status = write_sums(&writing, measure);
	db_finish(writing.stmt);
	return status == STATUS_OK ? write_key(db, align, error) : status;
}

static bool is_short(const struct critical_run *run, int64_t n_executions)
{
	return n_executions <= COMPARE_STORED_STEPS_MAX / (((int64_t)run->n_nodes + 1) * (run->in_flight + 1));
}

/* The run is measured as if compared with itself. */
int compare_stored_write(struct db *db, const struct critical_run *loaded, struct error *error)
{
	const struct trace trace = { .db = db, .file = (char[]){ "the trace" } };
	const struct trace_run run = { .id = loaded->id };
	const struct align_side sides[2] = { { &trace, &run }, { &trace, &run } };
	struct compare_measure measure;
	struct align align;
	int status = align_make(sides, error, &align);
	if (status != STATUS_OK)
		return status;
	if (compare_stored_serves(&align) && is_short(loaded, align.n_pairs)) {
		status = compare_measure_make(&align, 0, loaded, error, &measure);
		if (status == STATUS_OK) {
			status = write_measure(db, &align, &measure, error);
			compare_measure_finish(&measure);
		}
	}
	align_finish(&align);
	return status;
}

/* -- out of the file ------------------------------------------------------------------------------------- */

bool compare_stored_serves(const struct align *align)
{
	for (int side = 0; side < 2; side++) {
		const struct align_run *run = &align->runs[side];
		if (run->n_failed || run->n_alone)
			return false;
		for (int64_t i = 0; i < run->n_executions; i++) {
			bool is_pair = align_pair(align, run->executions[i].execution) >= 0;
			if (is_pair == run->executions[i].is_marked)
				return false;
		}
	}
	return align->n_pairs > 0;
}

static int read_key(const struct align *align, int side, bool *ret_is_same, struct error *error)
{
	const struct align_run *run = &align->runs[side];
	struct db_stmt *stmt = NULL;
	bool has_row = false;
	*ret_is_same = false;
	int status = db_prepare(run->trace->db, "SELECT a.value, b.value, c.value FROM run_meta a, run_meta b, run_meta c"
		" WHERE a.run = ?1 AND b.run = ?1 AND c.run = ?1 AND a.key = '" N_META "' AND b.key = '" FIRST_META "'"
		" AND c.key = '" LAST_META "'", NULL, error, &stmt);
	if (status == STATUS_OK) {
		db_bind_int(stmt, 1, run->run->id);
		status = db_step(stmt, &has_row, error);
	}
	if (status == STATUS_OK && has_row && align->n_pairs)
		*ret_is_same = db_column_int(stmt, 0) == align->n_pairs && db_column_int(stmt, 1) == align->pairs[0]
			&& db_column_int(stmt, 2) == align->pairs[align->n_pairs - 1];
	db_finish(stmt);
	return status;
}

/* False when it cannot be of this run. */
static bool take_sum(const struct align_run *run, struct compare_measure *measure, const struct sum *sum)
{
	const struct compare_moments moments = { .n = sum->n, .mean = sum->mean, .squares = sum->squares };
	bool is_node = sum->place >= 0 && sum->place < run->n_nodes, is_place = sum->place >= 0 && sum->place <= measure->n_places;
	if (sum->kind < 0 || (sum->kind >= PHASE_COUNT && sum->kind != COMPARE_KIND_CALLER))
		return false;
	switch (sum->part) {
	case COMPARE_PART_LATENCY:
		measure->latency = moments;
		measure->latency_ns = sum->ns;
		measure->n = sum->n;
		return true;
	case COMPARE_PART_PERIOD:
		measure->period = moments;
		return true;
	case COMPARE_PART_KIND:
		measure->kinds[sum->kind] = moments;
		return true;
	case COMPARE_PART_PATH:
		if (is_place)
			measure->path_ns[sum->place][sum->kind] = sum->ns;
		return is_place;
	case COMPARE_PART_OWN:
		if (is_node)
			measure->own[sum->place].moments = moments;
		return is_node;
	case COMPARE_PART_WORK:
		if (is_node)
			measure->own[sum->place].ns[sum->kind] = sum->ns;
		return is_node;
	case COMPARE_PART_COUNT:
		break;
	}
	return false;
}

static struct sum read_sum(const struct align_run *run, struct db_stmt *stmt)
{
	int64_t part = db_column_int(stmt, 0), kind = db_column_int(stmt, 1);
	struct sum sum = { .part = part >= 0 && part < COMPARE_PART_COUNT ? (enum compare_part)part : COMPARE_PART_COUNT,
		.kind = kind >= 0 && kind < PHASE_COUNT ? (int)kind : -1, .place = run->n_nodes + run->n_edges,
		.n = db_column_int(stmt, 4), .ns = db_column_int(stmt, 5), .mean = db_column_real(stmt, 6),
		.squares = db_column_real(stmt, 7) };
	if (db_column_type(stmt, 1) == DB_NULL)
		sum.kind = COMPARE_KIND_CALLER;
	if (db_column_type(stmt, 2) != DB_NULL)
		sum.place = align_node(run, db_column_int(stmt, 2));
	else if (db_column_type(stmt, 3) != DB_NULL)
		sum.place = align_edge(run, db_column_int(stmt, 3));
	return sum;
}

static int read_sums(const struct align_run *run, struct compare_measure *measure, struct error *error)
{
	struct db_stmt *stmt = NULL;
	bool has_row = false;
	int status = db_prepare(run->trace->db, "SELECT part, kind, node, edge, n, ns, mean, squares FROM compare_sum"
		" WHERE run = ?", NULL, error, &stmt);
	if (status == STATUS_OK)
		db_bind_int(stmt, 1, run->run->id);
	while (status == STATUS_OK && (status = db_step(stmt, &has_row, error)) == STATUS_OK && has_row) {
		const struct sum sum = read_sum(run, stmt);
		if (!take_sum(run, measure, &sum))
			status = error_set(error, STATUS_TRACE, "%s: the sums stored of run %lld cannot be read; --exact does"
				" without them", run->trace->file, (long long)run->run->id);
	}
	db_finish(stmt);
	return status;
}

int compare_stored_read(const struct align *align, int side, struct error *error, bool *ret_are_there,
	struct compare_measure *ret_measure)
{
	const struct align_run *run = &align->runs[side];
	struct compare_measure measure;
	*ret_are_there = false;
	bool is_same = false;
	int status = read_key(align, side, &is_same, error);
	if (status != STATUS_OK || !is_same)
		return status;
	status = compare_measure_init(run, error, &measure);
	if (status != STATUS_OK)
		return status;
	status = read_sums(run, &measure, error);
	if (status == STATUS_OK && measure.n != align->n_pairs)
		status = error_set(error, STATUS_TRACE, "%s: the sums stored of run %lld are of %lld executions, not of %lld",
			run->trace->file, (long long)run->run->id, (long long)measure.n, (long long)align->n_pairs);
	if (status != STATUS_OK) {
		compare_measure_finish(&measure);
		return status;
	}
	compare_measure_lanes(run, &measure);
	*ret_are_there = true;
	*ret_measure = measure;
	return STATUS_OK;
}
