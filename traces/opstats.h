/* SPDX-License-Identifier: Apache-2.0
 *
 * opstats: each node's durations, how full each channel was, and what was special in the slowest executions. Exactly, by one pass over
 * the ops of a run (memory: 24 bytes an op; warm-up is left out, warmup.h); or from the sums kept while recording, warm-up included,
 * without quantiles, fill and what was special.
 */
#ifndef TANDEM_TRACES_OPSTATS_H
#define TANDEM_TRACES_OPSTATS_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "traces/schema.h"
#include "traces/trace.h"

struct opstats_node {
	char *name, *op, *worker;                /* op is NULL for input and output */
	int64_t id;
	int64_t n;                               /* ops */
	int64_t median_ns, p99_ns, max_ns;       /* of compute (collectives included); 0 when not exact */
	int64_t sum_ns[OP_PHASE_COUNT];
};

/* Messages complete and not yet used by the last reader's op. */
struct opstats_channel {
	char *name, *writer;
	char *transport;
	int64_t depth, payload_bytes;
	int64_t n;                               /* messages whose whole life was recorded */
	double mean_fill;                        /* over the time from the first message's write to the last one's end */
	int64_t max_fill;
};

struct opstats_slow {
	int64_t execution, start_ns, duration_ns;
	const char *phase;                       /* word: longest beyond the node's mean; NULL: nothing is */
	const char *node, *worker;               /* of the struct's nodes */
	int64_t culprit;                         /* the execution of that op: this one, or one that this stood behind */
	int64_t phase_ns, mean_ns;
};

struct opstats {
	bool is_exact;
	struct opstats_node *nodes;              /* in the program's order */
	int n_nodes;
	struct opstats_channel *channels;
	int n_channels;
	struct opstats_slow *slow;               /* slowest first */
	int n_slow;
};

/* Nearest-rank quantile of `n` sorted values, `q` in 0..1; 0 when n is 0. */
int64_t opstats_quantile(const int64_t *sorted, int64_t n, double q);

/* One message of a channel in order of executions. */
struct opstats_message {
	int64_t written_ns, released_ns;
};
/* Mean and largest number of messages that are written and not released, in the time from the first write to the
 * last release. */
void opstats_fill(const struct opstats_message *messages, int64_t n, double *ret_mean, int64_t *ret_max);

/* `n_slowest` executions are looked at. On success the result must be finished. */
int opstats_make(const struct trace *trace, int64_t run, int n_slowest, bool is_exact, struct error *error,
	struct opstats *ret_stats);
void opstats_finish(struct opstats *stats);

#endif
