/* SPDX-License-Identifier: Apache-2.0
 *
 * blame_findings: what one run's ops tell when they are taken together: blame, critical paths, mean works. Made by one pass over all
 * ops; the collector does that at the end of a run and leaves the results in the tables blame, stall_root and critical_path,
 * from where they are read at once, and what a comparison needs in compare_sum (compare_stored.h); for a run that is too long,
 * or was not finished, whoever asks makes them in memory.
 * Warm-up is left out (warmup.h).
 */
#ifndef TANDEM_TRACES_BLAME_FINDINGS_H
#define TANDEM_TRACES_BLAME_FINDINGS_H

#include <stdbool.h>

#include "traces/blame.h"
#include "traces/critical.h"

#define BLAME_OPS_MAX 2000000 /* longest run that is looked at unasked: a second per million ops */

struct blame_findings {
	struct critical_run run;        /* with its ops only when the findings were made, not read */
	struct blame blame;
	struct critical_summary paths;
	double *delivery_ns;            /* [n_edges] mean an execution that the edge's reader waited for a message that was there */
	int64_t n_executions;           /* finished and no warm-up */
	int64_t period_ns;              /* mean time from one's results to the next's; 0 with fewer than two */
};

/* Makes them from the ops; `writes` enters them in the file too, in the caller's transaction: once a run. On success to be finished. */
int blame_findings_make(struct db *db, int64_t run, bool writes, struct error *error, struct blame_findings *ret_findings);

/* Reads them; *ret_are_there says whether the file holds them: only then they must be finished. */
int blame_findings_read(struct db *db, int64_t run, struct error *error, bool *ret_are_there,
	struct blame_findings *ret_findings);
void blame_findings_finish(struct blame_findings *findings);

/* For the end of a run: marks its warm-up, and makes and enters the findings unless it has more than BLAME_OPS_MAX ops. In a transaction
 * of its own; after a failure nothing has changed. */
int blame_findings_record(struct db *db, int64_t run, struct error *error);

#endif
