/* SPDX-License-Identifier: Apache-2.0
 *
 * run_summary: what `tandem run` says at its end.
 */
#ifndef TANDEM_TOOL_RUN_SUMMARY_H
#define TANDEM_TOOL_RUN_SUMMARY_H

#include "engine/base/strbuf.h"
#include "tool/run_loop.h"

struct run_summary {
	const char *graph, *mode;
	const char *trace; /* NULL when nothing was recorded */
	const struct run_loop *loop;
	const struct driver_summary *driver;
};

/* `n` runs of one graph into one trace. */
void run_summary_text(const struct run_summary *summaries, int n, struct strbuf *out);
/* One row each: {"rows": [{"graph": …}]}. */
void run_summary_json(const struct run_summary *summaries, int n, struct strbuf *out);

#endif
