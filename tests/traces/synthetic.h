/* SPDX-License-Identifier: Apache-2.0
 *
 * synthetic: a small program (a chain of nodes over workers) and its rings, fed by a test instead of by workers.
 */
#ifndef TANDEM_TESTS_TRACES_SYNTHETIC_H
#define TANDEM_TESTS_TRACES_SYNTHETIC_H

#include <stdint.h>

#include "engine/run/program.h"
#include "engine/run/ring.h"
#include "traces/intake.h"
#include "traces/store.h"

#define SYNTHETIC_WORKERS_MAX 8

struct synthetic {
	struct program program;
	struct rings rings;
	int program_fd, rings_fd;
	struct ring_writer writers[SYNTHETIC_WORKERS_MAX + 1];
	char folder[64]; /* a fresh one */
	char file[96];   /* a trace's name in it */
};

/* n_workers besides the driver, each with n_nodes nodes of the chain input -> n0 -> n1 … -> output: node i of the
 * chain is index 2 + i. Rings have n_records records. Fails the test when something fails. */
void synthetic_init(struct synthetic *synthetic, int n_workers, int n_nodes, int in_flight, uint32_t n_records);
/* The same with a recording policy, triggers and a limit in bytes, as the driver would put them into the program. */
void synthetic_init_recorded(struct synthetic *synthetic, int n_workers, int n_nodes, int in_flight, uint32_t n_records,
	const char *record, const char *triggers, const char *limit);
/* Removes the folder and what is in it, too. */
void synthetic_finish(struct synthetic *synthetic);

/* From here on ticks are ns of the host clock, so that conversions are exact. Not for tests that start a collector. */
void synthetic_use_ns(void);

/* Records. Times are ns of the host clock. */
struct record synthetic_op(uint32_t node, uint64_t execution, int64_t start_ns, int n_phases, const enum phase *phases,
	const int64_t *phase_ns);
struct record synthetic_span(enum phase phase, int64_t start_ns, int64_t duration_ns);
struct record synthetic_submit(uint64_t execution, int64_t at_ns);
struct record synthetic_finish_record(uint64_t execution, int64_t at_ns, int status, uint32_t failure);
struct record synthetic_wait(enum phase cause, uint32_t node, uint64_t execution, int64_t start_ns, int64_t duration_ns,
	uint32_t edge, uint32_t channel, uint32_t peer);
/* Puts it into the worker's ring; false when that is full. */
bool synthetic_put(struct synthetic *synthetic, uint32_t worker, const struct record *record);

/* One whole execution through the chain, beginning at `at_ns`, each node computing for `compute_ns`: submit, ops,
 * finish. Returns when it finished. Waits until the records fit. */
int64_t synthetic_execution(struct synthetic *synthetic, uint64_t execution, int64_t at_ns, int64_t compute_ns);

/* A store with a run that begins at start_ns and an intake for it, without a process. `file` may be ":memory:". */
struct synthetic_intake {
	struct store *store;
	struct intake *intake;
};
void synthetic_intake_init(struct synthetic_intake *target, const struct synthetic *synthetic, const char *file,
	int64_t start_ns);
/* Begins another run in the same store. */
void synthetic_intake_next(struct synthetic_intake *target, const struct synthetic *synthetic, int64_t start_ns);
/* Enters records in a transaction that is committed with all sums. */
void synthetic_intake_enter(struct synthetic_intake *target, uint32_t worker, const struct record *records, uint32_t n);
void synthetic_intake_end(struct synthetic_intake *target, int64_t end_ns);
void synthetic_intake_finish(struct synthetic_intake *target);

/* The only number that a statement gives. */
int64_t synthetic_number(struct db *db, const char *sql);

#endif
