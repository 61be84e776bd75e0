/* SPDX-License-Identifier: Apache-2.0
 *
 * iterations_measure: which span belongs to which iteration, what an iteration holds, and how it differs from the median of its process.
 */
#include <stdlib.h>

#include "engine/base/attributes.h"
#include "traces/iterations_private.h"

struct measuring {
	const struct gpu_model *model;
	struct iterations *set;
	uint32_t *first;          /* [n_processes + 1] items by process */
	uint32_t *item_of;        /* [n_spans] item; GPU_NONE */
	uint32_t *works;          /* device work by start */
	int64_t *until_ns;        /* [n] end of the union so far */
	uint32_t n_works;
	struct error *error;
};

static int out_of_memory(struct error *error)
{
	return error_set(error, STATUS_NO_MEMORY, "no memory for the iterations of a trace");
}

/* The iteration of a process that a moment lies in. */
static uint32_t item_at(const struct measuring *measuring, uint32_t process, int64_t ns)
{
	if (process == GPU_NONE)
		return GPU_NONE;
	uint32_t low = measuring->first[process], high = measuring->first[process + 1], first = low;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (measuring->set->items[middle].start_ns <= ns)
			low = middle + 1;
		else
			high = middle;
	}
	return low > first && ns < measuring->set->items[low - 1].end_ns ? low - 1 : GPU_NONE;
}

static void assign(struct measuring *measuring)
{
	const struct gpu_model *model = measuring->model;
	struct iterations *set = measuring->set;
	for (uint32_t i = 0; i < model->n_spans; i++) {
		const struct gpu_span *span = &model->spans[i];
		const struct gpu_span *host = gpu_kind(span) != SPAN_KIND_API && span->launch != GPU_NONE ? &model->spans[span->launch] : span;
		measuring->item_of[i] = item_at(measuring, model->lanes[span->lane].process, host->start_ns);
	}
	for (uint32_t i = 0; i < set->n; i++) {
		if (set->items[i].mark != GPU_NONE)
			set->is_mark[set->items[i].mark] = 1;
	}
}

static int compare_starts(const void *a, const void *b, void *spans)
{
	uint32_t i = *(const uint32_t *)a, k = *(const uint32_t *)b;
	const struct gpu_span *x = &((const struct gpu_span *)spans)[i], *y = &((const struct gpu_span *)spans)[k];
	if (x->start_ns != y->start_ns)
		return x->start_ns < y->start_ns ? -1 : 1;
	return (i > k) - (i < k);
}

static void add_work(struct measuring *measuring, uint32_t work)
{
	uint32_t idx = measuring->item_of[work];
	const struct gpu_span *span = &measuring->model->spans[work];
	if (idx == GPU_NONE)
		return;
	struct iteration *item = &measuring->set->items[idx];
	int64_t from_ns = span->start_ns > measuring->until_ns[idx] ? span->start_ns : measuring->until_ns[idx];
	item->n_work++;
	item->work_ns += span->end_ns - span->start_ns;
	if (span->end_ns > from_ns) {
		item->busy_ns += span->end_ns - from_ns;
		measuring->until_ns[idx] = span->end_ns;
	}
	if (item->last_work == GPU_NONE || span->end_ns > measuring->model->spans[item->last_work].end_ns)
		item->last_work = work;
	item->finish_ns = span->end_ns > item->finish_ns ? span->end_ns : item->finish_ns;
}

static void add_up(struct measuring *measuring)
{
	const struct gpu_model *model = measuring->model;
	struct iterations *set = measuring->set;
	for (uint32_t i = 0; i < set->n; i++) {
		set->items[i].finish_ns = set->items[i].end_ns;
		set->items[i].last_work = GPU_NONE;
		measuring->until_ns[i] = INT64_MIN;
	}
	for (uint32_t i = 0; i < model->n_spans; i++) {
		if (gpu_order_is_work(&model->spans[i]))
			measuring->works[measuring->n_works++] = i;
	}
	if (measuring->n_works)
		qsort_r(measuring->works, measuring->n_works, sizeof *measuring->works, compare_starts, model->spans);
	for (uint32_t i = 0; i < measuring->n_works; i++)
		add_work(measuring, measuring->works[i]);
	for (uint32_t i = 0; i < set->n; i++) {
		struct iteration_execution *execution = &set->executions[set->items[i].execution];
		execution->start_ns = set->items[i].start_ns < execution->start_ns ? set->items[i].start_ns : execution->start_ns;
		if (set->items[i].finish_ns > execution->finish_ns) {
			execution->finish_ns = set->items[i].finish_ns;
			execution->last = i;
		}
	}
}

/* -- odd ones --------------------------------------------------------------------------------------------------------------- */

static int compare_reals(const void *a, const void *b)
{
	const double *x = a, *y = b;
	return (*x > *y) - (*x < *y);
}

typedef double value_fn(const struct iteration *item);

static double duration_of(const struct iteration *item)
{
	return (double)(item->finish_ns - item->start_ns);
}

static double count_of(const struct iteration *item)
{
	return item->n_work;
}

static double mean_of(const struct iteration *item)
{
	return item->n_work ? (double)item->work_ns / item->n_work : 0;
}

static double gap_of(const struct iteration *item)
{
	return duration_of(item) - (double)item->busy_ns;
}

static double median(const struct iteration *items, uint32_t n, value_fn *value, double *scratch)
{
	for (uint32_t i = 0; i < n; i++)
		scratch[i] = value(&items[i]);
	qsort(scratch, n, sizeof *scratch, compare_reals);
	return n % 2 ? scratch[n / 2] : (scratch[n / 2 - 1] + scratch[n / 2]) / 2;
}

static void compare_with_median(struct iteration *items, uint32_t n, double *scratch)
{
	double duration = median(items, n, duration_of, scratch), count = median(items, n, count_of, scratch);
	double mean = median(items, n, mean_of, scratch), gap = median(items, n, gap_of, scratch);
	for (uint32_t i = 0; i < n; i++) {
		items[i].over_ns = (int64_t)(duration_of(&items[i]) - duration);
		items[i].more_ns = (int64_t)((items[i].n_work - count) * mean);
		items[i].longer_ns = (int64_t)(items[i].n_work * (mean_of(&items[i]) - mean));
		items[i].gap_ns = (int64_t)(gap_of(&items[i]) - gap);
	}
}

static int find_odd(struct measuring *measuring)
{
	double *scratch = malloc(((size_t)measuring->set->n + 1) * sizeof *scratch);
	if (!scratch)
		return out_of_memory(measuring->error);
	for (uint32_t p = 0; p < measuring->model->n_processes; p++) {
		uint32_t n = measuring->first[p + 1] - measuring->first[p];
		if (n)
			compare_with_median(&measuring->set->items[measuring->first[p]], n, scratch);
	}
	free(scratch);
	return STATUS_OK;
}

int iterations_measure(const struct gpu_model *model, struct error *error, struct iterations *set)
{
	struct measuring measuring = { .model = model, .set = set, .error = error };
	int status = STATUS_OK;
	measuring.first = calloc((size_t)model->n_processes + 2, sizeof *measuring.first);
	measuring.works = malloc(((size_t)model->n_spans + 1) * sizeof *measuring.works);
	measuring.until_ns = malloc(((size_t)set->n + 1) * sizeof *measuring.until_ns);
	measuring.item_of = set->of_span;
	if (!measuring.first || !measuring.works || !measuring.until_ns)
		status = out_of_memory(error);
	for (uint32_t i = 0; i < set->n && status == STATUS_OK; i++)
		measuring.first[set->items[i].process + 1] = i + 1;
	for (uint32_t p = 0; p < model->n_processes && status == STATUS_OK; p++)
		measuring.first[p + 1] = measuring.first[p + 1] > measuring.first[p] ? measuring.first[p + 1] : measuring.first[p];
	if (status == STATUS_OK) {
		assign(&measuring);
		add_up(&measuring);
		status = find_odd(&measuring);
	}
	for (uint32_t i = 0; i < model->n_spans && status == STATUS_OK; i++)
		set->of_span[i] = set->of_span[i] == GPU_NONE ? GPU_NONE : set->items[set->of_span[i]].execution;
	free(measuring.first);
	free(measuring.works);
	free(measuring.until_ns);
	return status;
}

/* -- storing ---------------------------------------------------------------------------------------------------------------- */

static int store_items(const struct iterations *set, const struct gpu_model *model, struct error *error)
{
	struct db_stmt *stmt = NULL;
	int status = db_prepare(model->trace->db,
		"INSERT INTO iteration(run, execution, process, start_ns, end_ns, finish_ns, n_work, work_ns, busy_ns, "
		"over_ns,"
		" more_ns, longer_ns, gap_ns, mark) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		NULL, error, &stmt);
	for (uint32_t i = 0; i < set->n && status == STATUS_OK; i++) {
		const struct iteration *item = &set->items[i];
		const int64_t numbers[] = { model->run, set->executions[item->execution].number, model->processes[item->process].id, item->start_ns,
			item->end_ns, item->finish_ns, item->n_work, item->work_ns, item->busy_ns, item->over_ns, item->more_ns, item->longer_ns,
			item->gap_ns };
		for (size_t k = 0; k < ARRAY_LEN(numbers); k++)
			db_bind_int(stmt, 1 + (int)k, numbers[k]);
		if (item->mark == GPU_NONE)
			db_bind_null(stmt, 14);
		else
			db_bind_int(stmt, 14, model->spans[item->mark].row);
		status = db_run(stmt, error);
	}
	db_finish(stmt);
	return status;
}

static int store_executions(const struct iterations *set, const struct gpu_model *model, struct error *error)
{
	struct db_stmt *stmt = NULL;
	int status = db_prepare(model->trace->db,
		"INSERT INTO execution(run, execution, start_ns, end_ns, status) VALUES(?, ?, ?, ?, 0)", NULL, error, &stmt);
	for (uint32_t i = 0; i < set->n_executions && status == STATUS_OK; i++) {
		const struct iteration_execution *execution = &set->executions[i];
		const int64_t numbers[] = { model->run, execution->number, execution->start_ns, execution->finish_ns };
		for (size_t k = 0; k < ARRAY_LEN(numbers); k++)
			db_bind_int(stmt, 1 + (int)k, numbers[k]);
		status = db_run(stmt, error);
	}
	db_finish(stmt);
	return status;
}

/* Rows that follow one another and belong to one execution are changed by one statement. */
struct stretch {
	int64_t first, last, number;
	struct db_stmt *stmt;
};

static int change(struct stretch *stretch, struct error *error)
{
	if (stretch->number < 0)
		return STATUS_OK;
	db_bind_int(stretch->stmt, 1, stretch->number);
	db_bind_int(stretch->stmt, 2, stretch->first);
	db_bind_int(stretch->stmt, 3, stretch->last);
	stretch->number = -1;
	return db_run(stretch->stmt, error);
}

static int store_spans(const struct iterations *set, const struct gpu_model *model, struct error *error)
{
	struct stretch stretch = { .number = -1 };
	int64_t max = 0, min = INT64_MAX;
	for (uint32_t i = 0; i < model->n_spans; i++) {
		max = model->spans[i].row > max ? model->spans[i].row : max;
		min = model->spans[i].row < min ? model->spans[i].row : min;
	}
	uint32_t *by_row = model->n_spans ? malloc((size_t)(max - min + 1) * sizeof *by_row) : NULL;
	int status = by_row || !model->n_spans ? STATUS_OK : out_of_memory(error);
	for (int64_t i = 0; i <= max - min && by_row; i++)
		by_row[i] = GPU_NONE;
	for (uint32_t i = 0; i < model->n_spans && by_row; i++)
		by_row[model->spans[i].row - min] = set->of_span[i];
	if (status == STATUS_OK)
		status = db_prepare(model->trace->db, "UPDATE span SET execution = ? WHERE id BETWEEN ? AND ?", NULL, error, &stretch.stmt);
	for (int64_t i = 0; i <= max - min && status == STATUS_OK && by_row; i++) {
		int64_t number = by_row[i] == GPU_NONE ? -1 : set->executions[by_row[i]].number;
		if (number != stretch.number)
			status = change(&stretch, error);
		stretch.first = number != stretch.number ? min + i : stretch.first;
		stretch.number = number;
		stretch.last = min + i;
	}
	if (status == STATUS_OK)
		status = change(&stretch, error);
	db_finish(stretch.stmt);
	free(by_row);
	return status;
}

static int store_meta(const struct iterations *set, const struct gpu_model *model, struct error *error)
{
	struct db_stmt *stmt = NULL;
	int status = db_prepare(model->trace->db,
		"INSERT OR REPLACE INTO run_meta VALUES(?1, 'iterations_by', ?2), (?1, 'iterations_confidence', ?3),"
		" (?1, 'iterations_name', ?4)",
		NULL, error, &stmt);
	if (status == STATUS_OK) {
		db_bind_int(stmt, 1, model->run);
		db_bind_text(stmt, 2, iteration_by_word(set->by));
		db_bind_real(stmt, 3, set->confidence);
		db_bind_text(stmt, 4, set->name);
		status = db_run(stmt, error);
	}
	db_finish(stmt);
	if (status == STATUS_OK && set->n)
		status = db_prepare(model->trace->db,
			"UPDATE run SET n_submitted = ?2, n_finished = ?2, first_submit_ns = (SELECT min(start_ns) FROM "
			"execution"
			" WHERE run = ?1), last_finish_ns = (SELECT max(end_ns) FROM execution WHERE run = ?1) WHERE id = "
			"?1",
			NULL, error, &stmt);
	else
		return status;
	if (status == STATUS_OK) {
		db_bind_int(stmt, 1, model->run);
		db_bind_int(stmt, 2, set->n_executions);
		status = db_run(stmt, error);
		db_finish(stmt);
	}
	return status;
}

int iterations_store(const struct iterations *set, const struct gpu_model *model, struct error *error)
{
	int status = store_items(set, model, error);
	if (status == STATUS_OK)
		status = store_executions(set, model, error);
	if (status == STATUS_OK && set->n)
		status = store_spans(set, model, error);
	return status == STATUS_OK ? store_meta(set, model, error) : status;
}
