/* SPDX-License-Identifier: Apache-2.0
 *
 * report: what a run's trace says, for people or as JSON: what is missing (unfinished, losses), where each lane's time
 * went, nodes, slowest executions, stalls, channels, failures.
 *
 * JSON: one object with "run" (an object) and an array of rows for each section, always all of them: "losses",
 * "time_split", "nodes", "slowest", "stalls", "channels", "devices", "failures", "log".
 */
#ifndef TANDEM_TRACES_REPORT_H
#define TANDEM_TRACES_REPORT_H

#include <stdbool.h>

#include "engine/base/error.h"
#include "engine/base/strbuf.h"
#include "traces/trace.h"

struct report_options {
	int n_slowest;     /* executions; 0: 5 */
	int n_stalls;      /* groups of stalls; 0: 10 */
	bool is_json;
	bool shows_private;/* command line and host, left out of what is made to be shared */
};

/* Appends the report of one run to `out`; `options` may be NULL. On failure `out` may hold a part. */
int report_make(const struct trace *trace, const struct trace_run *run, const struct report_options *options,
	struct strbuf *out, struct error *error);

#endif
