/* SPDX-License-Identifier: Apache-2.0
 *
 * import_sort: spans of an import in order of time, whatever their number: batches are sorted in memory, and written to an unnamed temporary file
 * beside the output when there is more than one; then merged. Of two that begin at once the longer comes first, so that what holds others comes
 * before them; of equal ones the first read.
 */
#ifndef TANDEM_TRACES_IMPORT_SORT_H
#define TANDEM_TRACES_IMPORT_SORT_H

#include <assert.h>
#include <stdint.h>

#include "engine/base/error.h"

/* A span as it waits to be written. Numbers that are not known are IMPORT_UNKNOWN or IMPORT_NONE (import_sink.h). */
struct import_record {
	int64_t start_ns, duration_ns;
	int64_t correlation, external, bytes, graph, graph_node, graph_root, event, wait_stream;
	uint32_t track;      /* the sink's: a thread or a stream */
	uint32_t name, category, copy_kind;
	uint32_t grid[3];
	uint16_t block[3];
	uint8_t kind;        /* enum span_kind − SPAN_KIND_OP */
	uint8_t api_class, sync_kind, depth;
	uint16_t n_args;
	uint32_t first_arg;
	uint32_t reserved;
};
static_assert(sizeof(struct import_record) == 128, "records are packed");

struct import_sort;

/* `beside`: a file in whose folder the temporary file may lie. */
int import_sort_create(const char *beside, struct error *error, struct import_sort **ret_sort);
void import_sort_destroy(struct import_sort *sort); /* accepts NULL */

int import_sort_add(struct import_sort *sort, const struct import_record *record, struct error *error);
/* What was added since the last call belongs to one source, numbered from 0 in the order of these calls; what is added
 * behind the last call to the next one. Only where there are several: each is a run of its own then. */
int import_sort_end_source(struct import_sort *sort, struct error *error);
/* Moves all records of a source in time, before the first round. */
int import_sort_shift(struct import_sort *sort, uint32_t source, int64_t offset_ns, struct error *error);
uint64_t import_sort_count(const struct import_sort *sort);

/* Visits all in order. What `visit` changes in a record is there in the next round, times excepted. The first round ends adding. */
typedef int import_visit_fn(void *user, struct import_record *record, struct error *error);
int import_sort_each(struct import_sort *sort, import_visit_fn *visit, void *user, struct error *error);

#endif
