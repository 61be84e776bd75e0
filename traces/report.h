/* SPDX-License-Identifier: Apache-2.0
 *
 * report: what a run's trace says, for people or as JSON: what is missing (unfinished, losses), where each lane's time
 * went, what limits, what a faster node would win, blame, critical paths, nodes, slowest executions, stalls, channels, failures.
 * Warm-up is left out of all but time_split and stalls (warmup.h).
 *
 * JSON: one object with "run" (an object) and an array of rows for each section, always all of them: "losses",
 * "time_split", "limits", "whatif", "blame", "critical_path", "nodes", "slowest", "stalls", "channels", "devices", "failures", "log".
 * Of one execution: "run", "losses" and "path".
 */
#ifndef TANDEM_TRACES_REPORT_H
#define TANDEM_TRACES_REPORT_H

#include <stdbool.h>

#include "engine/base/error.h"
#include "engine/base/strbuf.h"
#include "traces/report_form.h"
#include "traces/trace.h"

struct report_options {
	int n_slowest;     /* executions; 0: 3 */
	int n_stalls;      /* groups of stalls; 0: 5 */
	bool is_json;
	const struct report_form *form; /* not text but this; NULL */
	const char *picture; /* of the timeline, for forms that show one; may be NULL */
	bool is_exact;     /* looks at all ops of a long run, too */
	bool has_execution;
	int64_t execution; /* shows the critical path of this execution in place of the whole */
	bool shows_private;/* command line and host, left out of what is made to be shared */
};

/* Appends the report of one run to `out`; `options` may be NULL. On failure `out` may hold a part. */
int report_make(const struct trace *trace, const struct trace_run *run, const struct report_options *options,
	struct strbuf *out, struct error *error);

#endif
