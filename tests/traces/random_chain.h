/* SPDX-License-Identifier: Apache-2.0
 *
 * random_chain: random runs of the chain of synthetic.h, simulated: waits, costs of both modes, several executions under way.
 */
#ifndef TANDEM_TESTS_TRACES_RANDOM_CHAIN_H
#define TANDEM_TESTS_TRACES_RANDOM_CHAIN_H

#include "tests/traces/synthetic.h"
#include "traces/compare_measure.h"

#define RANDOM_CHAIN_EXECUTIONS 24
#define RANDOM_CHAIN_WORKERS_MAX 3
#define RANDOM_CHAIN_RECORDS_MAX (RANDOM_CHAIN_EXECUTIONS * 8)

/* The records of a run, and what the paths must be where one execution is in flight, by construction. */
struct random_chain {
	struct record records[RANDOM_CHAIN_WORKERS_MAX + 1][RANDOM_CHAIN_RECORDS_MAX];
	uint32_t n_records[RANDOM_CHAIN_WORKERS_MAX + 1];
	int64_t end_ns;
	int64_t kinds_ns[RANDOM_CHAIN_EXECUTIONS][COMPARE_KIND_COUNT];
};

/* The driver submits while fewer than `in_flight` are under way, and takes results in order. Deterministic in *seed, which
 * moves on. */
void random_chain_make(struct random_chain *chain, const struct synthetic *synthetic, int in_flight, int64_t start_ns,
	unsigned *seed);

/* Enters its records and ends the run. */
void random_chain_enter(const struct random_chain *chain, struct synthetic_intake *target);

#endif
