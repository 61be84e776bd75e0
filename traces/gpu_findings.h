/* SPDX-License-Identifier: Apache-2.0
 *
 * gpu_findings: rules over what gpu_device counted: a sentence each with its value, its threshold in a unit, what it is a
 * share of, and the SQL that lists the spans behind it. Below the threshold a finding is of severity "info" and shown only
 * when asked for.
 */
#ifndef TANDEM_TRACES_GPU_FINDINGS_H
#define TANDEM_TRACES_GPU_FINDINGS_H

#include "engine/base/strbuf.h"
#include "traces/gpu_device.h"

struct gpu_finding {
	const char *kind, *severity; /* words; severity "warning" or "info" */
	uint32_t device;         /* index; UINT32_MAX: of the whole run */
	double value, threshold;
	const char *unit;        /* what both are in: "of the device's span", "ms" */
	int64_t n, first;        /* spans counted; row of the first, 0: none */
	struct strbuf text;      /* for people */
	struct strbuf query;     /* SELECT of one column, span ids; "" where no spans lie behind it */
};

struct gpu_findings {
	struct gpu_finding *items; /* owned: by value over threshold */
	uint32_t n;
};

/* `run` goes into the queries. On success the findings must be finished. */
int gpu_findings_make(const struct gpu_device_result *result, int64_t run, struct error *error, struct gpu_findings *ret_findings);
void gpu_findings_finish(struct gpu_findings *findings);

#endif
