/* SPDX-License-Identifier: Apache-2.0
 *
 * export_private: what the files export*.c share.
 */
#ifndef TANDEM_TRACES_EXPORT_PRIVATE_H
#define TANDEM_TRACES_EXPORT_PRIVATE_H

#include "traces/export.h"
#include "traces/export_sink.h"

#define EXPORT_PROGRESS_ROWS 4096 /* rows from one report of progress to the next, a power of two */

struct export {
	const struct trace *trace;
	const struct export_options *options;
	struct export_sink sink;
	struct export_result *result;
	struct error *error;
};

/* After each row of the trace: counts, reports, and STATUS_STOPPED or the sink's failure. */
int export_row(struct export *export);

/* Prepares `sql`; ?1, ?2, ?3 are bound to `id`, the first execution and the last one of the range (0 and the largest number
 * without one) as far as the statement has them. */
int export_prepare(struct export *export, const char *sql, int64_t id, struct db_stmt **ret_stmt);

/* db_step with the export's error. */
int export_step(struct export *export, struct db_stmt *stmt, bool *ret_has_row);

int export_timeline(struct export *export);
int export_csv(struct export *export);
int export_dot(struct export *export);

#endif
