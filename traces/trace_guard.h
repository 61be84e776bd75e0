/* SPDX-License-Identifier: Apache-2.0
 *
 * trace_guard: opening files from strangers. What a schema can make a reader compute is taken away from it before anything is read.
 */
#ifndef TANDEM_TRACES_TRACE_GUARD_H
#define TANDEM_TRACES_TRACE_GUARD_H

#include "traces/db.h"

/* STATUS_TRACE when the file has triggers, virtual tables, or a view where tandem has a table. */
int trace_guard_check(struct db *db, struct error *error);

/* For a file of the present version: from here on tandem's own views are read, where those of the file say something else. */
int trace_guard_views(struct db *db, struct error *error);

#endif
