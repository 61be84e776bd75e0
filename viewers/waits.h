/* SPDX-License-Identifier: Apache-2.0
 *
 * waits: what a span's stall waited for, in words: the same in a texture's label and in the details.
 */
#ifndef TANDEM_VIEWERS_WAITS_H
#define TANDEM_VIEWERS_WAITS_H

#include <stdbool.h>
#include <stddef.h>

#include "traces/timeline.h"

#define WAITS_TEXT_BYTES 240

/* What was waited for. Indices are the timeline's; TIMELINE_NONE where not recorded. */
struct waits_target {
	int edge;     /* starved: what had not come; backpressure: whose slot was held */
	int node;     /* its other end: who writes it, or who holds the slot */
	int lane;     /* of the worker waited for */
	int64_t start_ns, duration_ns; /* of the longest such wait */
	int n;        /* waits of this cause in the span */
};

/* The longest wait with this cause in the span. *ret_found is false when none has a row (short ones have none). */
int waits_find(struct timeline *timeline, const struct timeline_span *span, enum phase cause, struct waits_target *ret_target,
	bool *ret_found, struct error *error);

/* "layer2 on w0", "w0", "layer2"; "" when nothing is known. */
void waits_describe(const struct timeline *timeline, enum phase cause, const struct waits_target *target, char *text, size_t size);

/* What a lane did at a moment, as the end of "…, which was": "computing layer2", "starved itself"; "" when not recorded. */
int waits_describe_lane(struct timeline *timeline, int lane, int64_t time_ns, char *text, size_t size, struct error *error);

#endif
