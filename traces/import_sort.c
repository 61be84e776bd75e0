/* SPDX-License-Identifier: Apache-2.0
 *
 * import_sort: batches, their runs in a file, and the merge of those by a heap of runs. The first round over more than one
 * run writes what it visits as one run, which the later rounds read.
 */
#include "traces/import_sort.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/attributes.h"

#define BATCH_RECORDS (1u << 18)
#define PAGE_RECORDS 2048      /* read or written at once */
#define PAGES_RECORDS (1u << 18) /* of all runs together: many runs have small pages */

struct sort_key {
	uint64_t start; /* shifted so that the order of signed numbers is that of unsigned ones */
	uint32_t idx;
};

/* One sorted stretch of the file. */
struct sort_run {
	uint64_t at, n_left;          /* record number in the file */
	uint32_t source, number;      /* number: the run's, for records that are equal */
	int64_t shift_ns;
	struct import_record *page;
	uint32_t n_page, next;
};

struct import_sort {
	char *beside;
	struct import_record *batch;
	struct sort_key *keys, *others;
	uint32_t n_batch;
	uint64_t n_records;
	bool is_closed;
	int fd;                       /* -1: everything is in the batch */
	uint64_t n_written;
	struct sort_run *runs;
	uint32_t n_runs, source;
	uint32_t page_records;
	struct sort_run **heap;       /* while merging: runs that have a record, the next one first */
	uint32_t n_heap;
};

int import_sort_create(const char *beside, struct error *error, struct import_sort **ret_sort)
{
	struct import_sort *sort = calloc(1, sizeof *sort);
	if (sort) {
		sort->fd = -1;
		sort->beside = strdup(beside);
		sort->batch = malloc(BATCH_RECORDS * sizeof *sort->batch);
		sort->keys = malloc(BATCH_RECORDS * sizeof *sort->keys);
		sort->others = malloc(BATCH_RECORDS * sizeof *sort->others);
	}
	if (!sort || !sort->beside || !sort->batch || !sort->keys || !sort->others) {
		import_sort_destroy(sort);
		return error_set(error, STATUS_NO_MEMORY, "no memory for sorting an import");
	}
	*ret_sort = sort;
	return STATUS_OK;
}

static void free_runs(struct import_sort *sort)
{
	for (uint32_t i = 0; i < sort->n_runs; i++)
		free(sort->runs[i].page);
	free(sort->runs);
	free(sort->heap);
	sort->runs = NULL;
	sort->heap = NULL;
	sort->n_runs = 0;
}

void import_sort_destroy(struct import_sort *sort)
{
	if (!sort)
		return;
	free_runs(sort);
	if (sort->fd >= 0)
		close(sort->fd);
	free(sort->beside);
	free(sort->batch);
	free(sort->keys);
	free(sort->others);
	free(sort);
}

uint64_t import_sort_count(const struct import_sort *sort)
{
	return sort->n_records;
}

/* -- one batch ------------------------------------------------------------------------------------------------------------ */

static uint64_t key_of(int64_t start_ns)
{
	return (uint64_t)start_ns ^ (UINT64_C(1) << 63);
}

/* Stable, by bytes from the lowest on; bytes in which all agree cost a look. */
static void sort_keys(struct import_sort *sort)
{
	for (int byte = 0; byte < 8; byte++) {
		uint32_t counts[256] = { 0 }, at = 0;
		for (uint32_t i = 0; i < sort->n_batch; i++)
			counts[sort->keys[i].start >> 8 * byte & 255]++;
		if (counts[sort->keys[0].start >> 8 * byte & 255] == sort->n_batch)
			continue;
		for (int value = 0; value < 256; value++) {
			uint32_t n = counts[value];
			counts[value] = at;
			at += n;
		}
		for (uint32_t i = 0; i < sort->n_batch; i++)
			sort->others[counts[sort->keys[i].start >> 8 * byte & 255]++] = sort->keys[i];
		struct sort_key *keys = sort->keys;
		sort->keys = sort->others;
		sort->others = keys;
	}
}

static int compare_durations(const void *a, const void *b, void *user)
{
	const struct import_record *records = user;
	const struct sort_key *key_a = a, *key_b = b;
	int64_t duration_a = records[key_a->idx].duration_ns, duration_b = records[key_b->idx].duration_ns;
	if (duration_a != duration_b)
		return duration_a > duration_b ? -1 : 1;
	return key_a->idx < key_b->idx ? -1 : 1;
}

static void sort_batch(struct import_sort *sort)
{
	for (uint32_t i = 0; i < sort->n_batch; i++)
		sort->keys[i] = (struct sort_key){ key_of(sort->batch[i].start_ns), i };
	if (sort->n_batch)
		sort_keys(sort);
	for (uint32_t i = 0, end; i < sort->n_batch; i = end) {
		for (end = i + 1; end < sort->n_batch && sort->keys[end].start == sort->keys[i].start; end++)
			continue;
		if (end - i > 1)
			qsort_r(sort->keys + i, end - i, sizeof *sort->keys, compare_durations, sort->batch);
	}
}

/* -- the file ------------------------------------------------------------------------------------------------------------- */

/* A file without a name, so that nothing of it stays whatever happens. */
static int open_file(struct import_sort *sort, struct error *error)
{
	char path[4096];
	const char *slash = strrchr(sort->beside, '/');
	int n = slash ? (int)(slash - sort->beside) + 1 : 2;
	snprintf(path, sizeof path, "%.*s", n, slash ? sort->beside : "./");
	sort->fd = open(path, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (sort->fd >= 0)
		return STATUS_OK;
	snprintf(path, sizeof path, "%.*s.tandem-import-XXXXXX", n > 4000 ? 0 : n, slash ? sort->beside : "./");
	sort->fd = mkostemp(path, O_CLOEXEC);
	if (sort->fd < 0)
		return error_set_errno(error, STATUS_SYSTEM, "cannot make a temporary file beside %.400s", sort->beside);
	unlink(path);
	return STATUS_OK;
}

static int write_records(struct import_sort *sort, const struct import_record *records, uint32_t n, struct error *error)
{
	const char *bytes = (const char *)records;
	size_t left = n * sizeof *records;
	off_t at = (off_t)(sort->n_written * sizeof *records);
	while (left) {
		ssize_t done = pwrite(sort->fd, bytes, left, at);
		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return error_set_errno(error, errno == ENOSPC ? STATUS_DISK_FULL : STATUS_SYSTEM,
				"cannot write the temporary file beside %.400s", sort->beside);
		bytes += done;
		at += done;
		left -= (size_t)done;
	}
	sort->n_written += n;
	return STATUS_OK;
}

static int read_page(struct import_sort *sort, struct sort_run *run, struct error *error)
{
	uint32_t n = run->n_left < sort->page_records ? (uint32_t)run->n_left : sort->page_records;
	char *bytes = (char *)run->page;
	size_t left = n * sizeof *run->page;
	off_t at = (off_t)(run->at * sizeof *run->page);
	while (left) {
		ssize_t done = pread(sort->fd, bytes, left, at);
		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return error_set_errno(error, STATUS_SYSTEM, "cannot read the temporary file beside %.400s", sort->beside);
		bytes += done;
		at += done;
		left -= (size_t)done;
	}
	for (uint32_t i = 0; i < n && run->shift_ns; i++)
		run->page[i].start_ns += run->shift_ns;
	run->at += n;
	run->n_left -= n;
	run->n_page = n;
	run->next = 0;
	return STATUS_OK;
}

static int add_run(struct import_sort *sort, uint64_t at, uint64_t n, struct error *error)
{
	struct sort_run *runs = realloc(sort->runs, (sort->n_runs + 1) * sizeof *runs);
	if (!runs)
		return error_set(error, STATUS_NO_MEMORY, "no memory for sorting an import");
	sort->runs = runs;
	runs[sort->n_runs] = (struct sort_run){ .at = at, .n_left = n, .source = sort->source, .number = sort->n_runs };
	sort->n_runs++;
	return STATUS_OK;
}

static int spill(struct import_sort *sort, struct error *error)
{
	struct import_record page[64];
	uint64_t at = sort->n_written;
	int status = sort->fd < 0 ? open_file(sort, error) : STATUS_OK;
	sort_batch(sort);
	for (uint32_t i = 0; i < sort->n_batch && status == STATUS_OK; i += 64) {
		uint32_t n = sort->n_batch - i < 64 ? sort->n_batch - i : 64;
		for (uint32_t k = 0; k < n; k++)
			page[k] = sort->batch[sort->keys[i + k].idx];
		status = write_records(sort, page, n, error);
	}
	if (status == STATUS_OK)
		status = add_run(sort, at, sort->n_batch, error);
	sort->n_batch = 0;
	return status;
}

int import_sort_add(struct import_sort *sort, const struct import_record *record, struct error *error)
{
	if (unlikely(sort->n_batch == BATCH_RECORDS)) {
		int status = spill(sort, error);
		if (status != STATUS_OK)
			return status;
	}
	sort->batch[sort->n_batch++] = *record;
	sort->n_records++;
	return STATUS_OK;
}

int import_sort_end_source(struct import_sort *sort, struct error *error)
{
	int status = sort->n_batch ? spill(sort, error) : STATUS_OK;
	sort->source++;
	return status;
}

int import_sort_shift(struct import_sort *sort, uint32_t source, int64_t offset_ns, struct error *error)
{
	int status = sort->n_batch && sort->source == source && offset_ns ? spill(sort, error) : STATUS_OK;
	for (uint32_t i = 0; i < sort->n_runs; i++) {
		if (sort->runs[i].source == source)
			sort->runs[i].shift_ns = offset_ns;
	}
	return status;
}

/* -- rounds --------------------------------------------------------------------------------------------------------------- */

static bool comes_before(const struct import_record *a, const struct import_record *b)
{
	return a->start_ns != b->start_ns ? a->start_ns < b->start_ns : a->duration_ns > b->duration_ns;
}

/* Of equal records the earlier run's comes first. */
static bool run_comes_before(const struct sort_run *a, const struct sort_run *b)
{
	const struct import_record *x = &a->page[a->next], *y = &b->page[b->next];
	if (comes_before(x, y))
		return true;
	return !comes_before(y, x) && a->number < b->number;
}

static void sink_down(struct import_sort *sort, uint32_t at)
{
	struct sort_run *run = sort->heap[at];
	for (uint32_t child; (child = 2 * at + 1) < sort->n_heap; at = child) {
		if (child + 1 < sort->n_heap && run_comes_before(sort->heap[child + 1], sort->heap[child]))
			child++;
		if (run_comes_before(run, sort->heap[child]))
			break;
		sort->heap[at] = sort->heap[child];
	}
	sort->heap[at] = run;
}

static int fill_heap(struct import_sort *sort, struct error *error)
{
	uint32_t share = PAGES_RECORDS / sort->n_runs;
	int status = STATUS_OK;
	sort->page_records = share > PAGE_RECORDS ? PAGE_RECORDS : share < 16 ? 16 : share;
	sort->heap = calloc(sort->n_runs, sizeof(*sort->heap));
	sort->n_heap = 0;
	if (!sort->heap)
		return error_set(error, STATUS_NO_MEMORY, "no memory for sorting an import");
	for (uint32_t i = 0; i < sort->n_runs && status == STATUS_OK; i++) {
		struct sort_run *run = &sort->runs[i];
		run->page = malloc(sort->page_records * sizeof *run->page);
		status = run->page ? read_page(sort, run, error) : error_set(error, STATUS_NO_MEMORY, "no memory for sorting an import");
		if (status == STATUS_OK && run->n_page)
			sort->heap[sort->n_heap++] = run;
	}
	for (uint32_t i = sort->n_heap / 2; i-- > 0 && status == STATUS_OK;)
		sink_down(sort, i);
	return status;
}

/* Behind the first run's record. */
static int advance(struct import_sort *sort, struct error *error)
{
	struct sort_run *run = sort->heap[0];
	int status = ++run->next == run->n_page && run->n_left ? read_page(sort, run, error) : STATUS_OK;
	if (run->next == run->n_page)
		sort->heap[0] = sort->heap[--sort->n_heap];
	if (status == STATUS_OK && sort->n_heap)
		sink_down(sort, 0);
	return status;
}

static int merge(struct import_sort *sort, import_visit_fn *visit, void *user, bool keeps, struct error *error)
{
	struct import_record *out = malloc(PAGE_RECORDS * sizeof *out);
	uint32_t n_out = 0;
	int status = out ? fill_heap(sort, error) : error_set(error, STATUS_NO_MEMORY, "no memory for sorting an import");
	while (status == STATUS_OK && sort->n_heap) {
		struct import_record *record = &sort->heap[0]->page[sort->heap[0]->next];
		status = visit(user, record, error);
		if (keeps)
			out[n_out++] = *record;
		if (n_out == PAGE_RECORDS && status == STATUS_OK) {
			status = write_records(sort, out, n_out, error);
			n_out = 0;
		}
		if (status == STATUS_OK)
			status = advance(sort, error);
	}
	if (status == STATUS_OK && n_out)
		status = write_records(sort, out, n_out, error);
	free(out);
	return status;
}

/* The first round makes one run of all; later ones read that again. */
static int each_in_file(struct import_sort *sort, import_visit_fn *visit, void *user, struct error *error)
{
	bool is_first = !sort->is_closed;
	uint64_t at = sort->n_written;
	int status = STATUS_OK;
	if (is_first && sort->n_batch)
		status = spill(sort, error);
	at = is_first ? sort->n_written : at - sort->n_records;
	if (!is_first) {
		free_runs(sort);
		status = add_run(sort, at, sort->n_records, error);
	}
	if (status == STATUS_OK)
		status = merge(sort, visit, user, is_first, error);
	return status;
}

int import_sort_each(struct import_sort *sort, import_visit_fn *visit, void *user, struct error *error)
{
	int status = STATUS_OK;
	if (sort->fd >= 0) {
		status = each_in_file(sort, visit, user, error);
	} else {
		if (!sort->is_closed)
			sort_batch(sort);
		for (uint32_t i = 0; i < sort->n_batch && status == STATUS_OK; i++)
			status = visit(user, &sort->batch[sort->keys[i].idx], error);
	}
	sort->is_closed = true;
	return status;
}
