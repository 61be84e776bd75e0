/* SPDX-License-Identifier: Apache-2.0
 *
 * timebase: recorders' ticks on the trace's clock. Pairs of readings of both clocks are samples; between two samples time
 * is linear, beyond the last one it goes on at the rate of the last segment. The caller samples before it converts, often
 * enough that a change of the host clock's rate (NTP) does not matter.
 */
#ifndef TANDEM_TRACES_TIMEBASE_H
#define TANDEM_TRACES_TIMEBASE_H

#include <stdint.h>

#include "engine/base/attributes.h"
#include "engine/base/clock.h"

#define TIMEBASE_SAMPLES_MAX 512

struct timebase {
	struct clock_pair samples[TIMEBASE_SAMPLES_MAX]; /* ascending; every second one is forgotten when it is full */
	int n_samples;
	struct clock_map last;      /* from the last segment's start on */
};

/* Starts with one sample; the rate is measured over about 2 ms when ticks are no ns. */
void timebase_init(struct timebase *timebase, struct clock_pair first);

/* Adds a later sample; one that is not later on both clocks is ignored. */
void timebase_add(struct timebase *timebase, struct clock_pair sample);

/* Host time of `ticks` in ns; before the first sample by the rate of the first segment. Monotone between two calls of
 * timebase_add. */
int64_t timebase_ns(const struct timebase *timebase, uint64_t ticks);

#endif
