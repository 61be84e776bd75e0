/* SPDX-License-Identifier: Apache-2.0
 *
 * trigger: which latency is slow, beside a fixed bound or beside the running median.
 */
#ifndef TANDEM_TRACES_TRIGGER_H
#define TANDEM_TRACES_TRIGGER_H

#include <stdbool.h>
#include <stdint.h>

#define TRIGGER_LEAST 30       /* latencies seen before a multiple of their median means anything */
#define TRIGGER_WEIGHT 4096    /* after so many, what was seen before counts half */
#define TRIGGER_PARTS 16       /* of each power of two: the median is exact to 1/16 */

/* Zeroed at first. */
struct trigger_median {
	uint32_t counts[64 * TRIGGER_PARTS];
	uint32_t n;
};

void trigger_median_add(struct trigger_median *median, int64_t ns);
/* 0 while fewer than TRIGGER_LEAST were seen. */
int64_t trigger_median_get(const struct trigger_median *median);

#endif
