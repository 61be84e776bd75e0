/* SPDX-License-Identifier: Apache-2.0
 *
 * bench: measurements of tandem itself beside their limits, taken in the same run. A bench is one function and one line in benches.c.
 */
#ifndef TANDEM_TOOL_BENCH_H
#define TANDEM_TOOL_BENCH_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/error.h"

struct bench_options {
	bool is_quick; /* less work for each measurement, for a first look and for tests */
	int64_t n_spans; /* of the trace that viewers are measured with; 0: as the bench sees fit */
};

struct bench_rows;

/* What a measurement is better at being. */
enum bench_sense {
	BENCH_LOWER,  /* a time, a size, a share */
	BENCH_HIGHER, /* a rate */
};

struct bench {
	const char *name;    /* one word: `tandem bench NAME` */
	const char *summary; /* one phrase */
	/* Measures once and adds its rows with bench_row; it is called for each repeat. STATUS_UNSUPPORTED when it cannot be measured here,
	 * with the reason. */
	int (*run)(const struct bench_options *options, struct bench_rows *rows, struct error *error);
};

/* All benches, NULL-ended. */
extern const struct bench *const benches[];

/* Adds a measurement of the row of that name. `limit` is what the same machine did in the same run without tandem, and `target` is the
 * ratio to the limit (or, without limit, the value) that the design asks for; both NAN when there is none. The row's ratio is the distance
 * from the limit, lower is better for both senses: value / limit, or limit / value. */
void bench_row(struct bench_rows *rows, const char *name, double value, const char *unit, enum bench_sense sense, double limit,
	double target);

#endif
