/* SPDX-License-Identifier: Apache-2.0
 *
 * trace_check: whether a trace holds what it promises: the file's own integrity, references between tables, and the
 * sums that views and reports rely on. A full pass over the file.
 */
#ifndef TANDEM_TRACES_TRACE_CHECK_H
#define TANDEM_TRACES_TRACE_CHECK_H

#include "engine/base/error.h"
#include "engine/base/table.h"
#include "traces/trace.h"

/* Appends one row a check to `table`, which must have been initialised with trace_check_columns: its name, "ok",
 * "note" (the trace is incomplete, and says so) or "wrong" (it contradicts itself), and a detail. *ret_n_wrong
 * counts the wrong ones. Fails only when a check cannot be made. */
int trace_check(const struct trace *trace, struct table *table, int *ret_n_wrong, struct error *error);

#define TRACE_CHECK_COLUMNS 3
extern const struct table_column trace_check_columns[TRACE_CHECK_COLUMNS];

#endif
