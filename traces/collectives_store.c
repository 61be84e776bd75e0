/* SPDX-License-Identifier: Apache-2.0
 *
 * collectives_store: what the file says of collective kernels beyond their spans, and the tables of what was matched.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/attributes.h"
#include "traces/collectives.h"

struct row_of {
	int64_t row;
	uint32_t span;
};

struct reading {
	struct row_of *rows;      /* collective kernels, by row */
	uint32_t n_rows;
	struct collective_fact *facts; /* [n_rows] the same order */
};

static int out_of_memory(struct error *error)
{
	return error_set(error, STATUS_NO_MEMORY, "no memory for the collectives of a trace");
}

static int compare_rows(const void *a, const void *b)
{
	const struct row_of *x = a, *y = b;
	return (x->row > y->row) - (x->row < y->row);
}

static int compare_facts(const void *a, const void *b)
{
	const struct collective_fact *x = a, *y = b;
	return (x->span > y->span) - (x->span < y->span);
}

static int find_rows(struct reading *reading, const struct gpu_model *model, struct error *error)
{
	uint32_t n = 0;
	for (int round = 0; round < 2; round++) {
		for (uint32_t i = 0; i < model->n_spans; i++) {
			const struct gpu_span *span = &model->spans[i];
			if (gpu_kind(span) != SPAN_KIND_KERNEL || span->class != SPAN_CLASS_COLLECTIVE)
				continue;
			if (round)
				reading->rows[reading->n_rows++] = (struct row_of){ span->row, i };
			else
				n++;
		}
		if (!round) {
			reading->rows = malloc(((size_t)n + 1) * sizeof *reading->rows);
			reading->facts = malloc(((size_t)n + 1) * sizeof *reading->facts);
			if (!reading->rows || !reading->facts)
				return out_of_memory(error);
		}
	}
	if (n)
		qsort(reading->rows, n, sizeof *reading->rows, compare_rows);
	for (uint32_t i = 0; i < n; i++)
		reading->facts[i] = (struct collective_fact){ .span = reading->rows[i].span, .group_text = -1, .sequence = -1 };
	return STATUS_OK;
}

static void read_fact(struct reading *reading, struct db_stmt *stmt)
{
	struct row_of wanted = { .row = db_column_int(stmt, 0) };
	const struct row_of *row = bsearch(&wanted, reading->rows, reading->n_rows, sizeof wanted, compare_rows);
	const char *name = db_column_text(stmt, 1), *value = db_column_text(stmt, 3);
	if (!row || !name || !value)
		return;
	struct collective_fact *fact = &reading->facts[row - reading->rows];
	char *end;
	errno = 0;
	long long number = strtoll(value, &end, 10);
	if (strcmp(name, "Seq") == 0)
		fact->sequence = end != value && !*end && !errno && number >= 0 ? number : -1;
	else if (*value)
		fact->group_text = db_column_int(stmt, 2) - 1;
}

/* By name, so that the communicator is there before the group, which counts where both are told. */
int collectives_facts(const struct gpu_model *model, struct error *error, struct collective_fact **ret_facts, uint32_t *ret_n)
{
	struct reading reading = { 0 };
	struct db_stmt *stmt = NULL;
	bool has_row = false;
	int status = find_rows(&reading, model, error);
	if (status == STATUS_OK && reading.n_rows)
		status = db_prepare(model->trace->db, "SELECT a.span, n.text, a.value, v.text FROM string n JOIN arg a ON a.name = n.id JOIN string v"
			" ON v.id = a.value WHERE n.text IN ('Seq', 'Comms Id', 'Process Group Name') ORDER BY n.text", NULL, error, &stmt);
	while (stmt && status == STATUS_OK && (status = db_step(stmt, &has_row, error)) == STATUS_OK && has_row)
		read_fact(&reading, stmt);
	db_finish(stmt);
	free(reading.rows);
	if (status != STATUS_OK) {
		free(reading.facts);
		return status;
	}
	if (reading.n_rows)
		qsort(reading.facts, reading.n_rows, sizeof *reading.facts, compare_facts);
	*ret_facts = reading.facts;
	*ret_n = reading.n_rows;
	return STATUS_OK;
}

/* -- storing ---------------------------------------------------------------------------------------------------------------- */

static void bind_or_null(struct db_stmt *stmt, int parameter, bool is_known, int64_t value)
{
	if (is_known)
		db_bind_int(stmt, parameter, value);
	else
		db_bind_null(stmt, parameter);
}

static int store_groups(const struct collectives *set, const struct gpu_model *model, struct error *error)
{
	struct db_stmt *stmt = NULL;
	int status = db_prepare(model->trace->db,
		"INSERT INTO collective_group(run, id, name, stream, matched_by, n_devices, n_agreeing, n_collectives,"
		" n_consistent, n_unmatched) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		NULL, error, &stmt);
	for (uint32_t i = 0; i < set->n_groups && status == STATUS_OK; i++) {
		const struct collective_group *group = &set->groups[i];
		db_bind_int(stmt, 1, model->run);
		db_bind_int(stmt, 2, (int64_t)i + 1);
		bind_or_null(stmt, 3, group->key != GPU_NONE, (int64_t)group->key + 1);
		bind_or_null(stmt, 4, group->stream != GPU_NONE, group->stream);
		db_bind_text(stmt, 5, collective_match_word(group->match));
		const int64_t numbers[] = { group->n_devices, group->n_agreeing, group->n_collectives, group->n_consistent, group->n_unmatched };
		for (size_t k = 0; k < ARRAY_LEN(numbers); k++)
			db_bind_int(stmt, 6 + (int)k, numbers[k]);
		status = db_run(stmt, error);
	}
	db_finish(stmt);
	return status;
}

static int store_items(const struct collectives *set, const struct gpu_model *model, struct error *error)
{
	struct db_stmt *stmt = NULL;
	int status = db_prepare(model->trace->db,
		"INSERT INTO collective(run, id, grp, name, n_ranks, start_ns, last_ns, end_ns, moving_ns, wait_ns, last,"
		" is_consistent) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		NULL, error, &stmt);
	for (uint32_t i = 0; i < set->n && status == STATUS_OK; i++) {
		const struct collective *item = &set->items[i];
		const struct gpu_span *first = &model->spans[set->members[item->first].span];
		db_bind_int(stmt, 1, model->run);
		db_bind_int(stmt, 2, (int64_t)i + 1);
		db_bind_int(stmt, 3, (int64_t)item->group + 1);
		bind_or_null(stmt, 4, first->name != GPU_NONE, (int64_t)first->name + 1);
		const int64_t numbers[] = { item->n, item->start_ns, item->last_ns, item->end_ns, item->moving_ns, item->wait_ns };
		for (size_t k = 0; k < ARRAY_LEN(numbers); k++)
			db_bind_int(stmt, 5 + (int)k, numbers[k]);
		bind_or_null(stmt, 11, item->last != GPU_NONE, item->last == GPU_NONE ? 0 : model->spans[set->members[item->last].span].row);
		db_bind_int(stmt, 12, item->is_consistent);
		status = db_run(stmt, error);
	}
	db_finish(stmt);
	return status;
}

static int store_members(const struct collectives *set, const struct gpu_model *model, struct error *error)
{
	struct db_stmt *stmt = NULL;
	int status = db_prepare(model->trace->db, "INSERT INTO collective_rank(collective, run, span, device, start_ns, duration_ns, wait_ns)"
		" VALUES(?, ?, ?, ?, ?, ?, ?)", NULL, error, &stmt);
	for (uint32_t i = 0; i < set->n_members && status == STATUS_OK; i++) {
		const struct collective_member *member = &set->members[i];
		const struct gpu_span *span = &model->spans[member->span];
		const int64_t numbers[] = { (int64_t)member->collective + 1, model->run, span->row, model->devices[member->device].id, span->start_ns,
			span->end_ns - span->start_ns, member->wait_ns };
		for (size_t k = 0; k < ARRAY_LEN(numbers); k++)
			db_bind_int(stmt, 1 + (int)k, numbers[k]);
		status = db_run(stmt, error);
	}
	db_finish(stmt);
	return status;
}

int collectives_store(const struct collectives *set, const struct gpu_model *model, struct error *error)
{
	int status = store_groups(set, model, error);
	if (status == STATUS_OK)
		status = store_items(set, model, error);
	return status == STATUS_OK ? store_members(set, model, error) : status;
}
