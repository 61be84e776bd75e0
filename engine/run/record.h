/* SPDX-License-Identifier: Apache-2.0
 *
 * record: what the recorders write. One record is 64 bytes, one cache line. There is one RECORD_OP for each (node, execution); everything
 * else is rarer. Times are ticks (engine/base/clock.h); durations are ticks >> shift, so that 32 bits always suffice.
 */
#ifndef TANDEM_ENGINE_RUN_RECORD_H
#define TANDEM_ENGINE_RUN_RECORD_H

#include <assert.h>
#include <stdint.h>

/* X(NAME, word): the host partition of DESIGN §7, kinds of phases and of host spans, and columns `<word>_ns` of v_op where they
 * occur inside an op. The numbers are stored in traces: append only. */
#define PHASE_MAP(X)                       \
	X(UNKNOWN, "unknown")              \
	X(COMPUTE, "compute")              \
	X(READ, "read")                    \
	X(WRITE, "write")                  \
	X(COLLECTIVE, "collective")        \
	X(STARVED, "starved")              \
	X(BACKPRESSURE, "backpressure")    \
	X(LATE_RANK, "late_rank")          \
	X(DISPATCH, "dispatch")            \
	X(ALLOCATE, "allocate")            \
	X(SERIALISE, "serialise")          \
	X(FETCH, "fetch")                  \
	X(LAUNCH, "launch")                \
	X(SYNC, "sync")                    \
	X(DEBUG, "debug")                  \
	X(RECORDER, "recorder")            \
	X(LIMIT, "limit")                  \
	X(IDLE, "idle")

enum phase {
#define X(name, word) PHASE_##name,
	PHASE_MAP(X)
#undef X
	PHASE_COUNT
};
const char *phase_word(enum phase phase);

enum record_kind {
	RECORD_NONE,
	RECORD_OP,        /* one node in one execution */
	RECORD_WAIT,      /* a wait that lasted beyond its first µs: `wait` */
	RECORD_SUBMIT,    /* driver: execution was submitted at `start`; phases say what the submitter waited for (LIMIT) */
	RECORD_FINISH,    /* driver: execution's results were complete at `start`; `finish` */
	RECORD_SPAN,      /* a span without a node that fills the lane: phase[0] over ticks[0] (IDLE, RECORDER, …) */
};

#define RECORD_PHASES_MAX 8

struct record {
	uint8_t kind;      /* enum record_kind */
	uint8_t shift;     /* durations below are in ticks << shift */
	uint8_t status;    /* enum status: RECORD_OP, RECORD_FINISH */
	uint8_t n_phases;  /* of phase[] and ticks[] */
	uint32_t node;     /* PROGRAM_NONE when none */
	uint64_t execution;
	uint64_t start;    /* ticks */
	uint8_t phase[RECORD_PHASES_MAX]; /* enum phase, in the order in which they happened; each starts where the one before ends */
	union {
		uint32_t ticks[RECORD_PHASES_MAX]; /* RECORD_OP, RECORD_SUBMIT, RECORD_SPAN; the span's duration is their sum */
		struct {
			uint32_t ticks;   /* of the whole wait; phase[0] is its cause */
			uint32_t edge;    /* PROGRAM_NONE when none */
			uint32_t channel;
			uint32_t peer;    /* worker waited for */
			uint32_t slot;
			uint32_t reserved[3];
		} wait;
		struct {
			uint32_t failure; /* 0, or 1 + index of the failure in the control segment */
			uint32_t reserved[7];
		} finish;
	};
};
static_assert(sizeof(struct record) == 64, "a record is one cache line");

/* X(NAME, word): why records were not kept; rows of `loss`. */
#define LOSS_MAP(X)                                                                      \
	X(RING_FULL, "ring_full")     /* the collector did not keep up */                \
	X(DISK, "disk_full")          /* the database could not grow */                  \
	X(COLLECTOR, "collector")     /* the collector had died */                       \
	X(LIMIT, "record_limit")      /* --record-limit was reached */
enum loss {
#define X(name, word) LOSS_##name,
	LOSS_MAP(X)
#undef X
	LOSS_COUNT
};
const char *loss_word(enum loss loss);

/* X(NAME, word): what has the last seconds saved (`--record last=SECONDS`, doc/recording.md); the words are stored in traces. The first
 * RECORD_TRIGGERS can be chosen with --trigger. */
#define TRIGGER_MAP(X)                                                                   \
	X(ERROR, "error")     /* an execution failed, or the run ended with an error */  \
	X(SLOW, "slow")       /* an execution took longer than asked for */              \
	X(STALL, "stall")     /* a wait beyond the stall limit */                        \
	X(KEY, "key")         /* a key was pressed, or SIGUSR1 came */                   \
	X(CALL, "call")       /* a program asked for it */                               \
	X(LIMIT, "limit")     /* the end of a run that reached --record-limit */
enum trigger {
#define X(name, word) TRIGGER_##name,
	TRIGGER_MAP(X)
#undef X
	TRIGGER_COUNT
};
#define RECORD_TRIGGERS TRIGGER_CALL
const char *trigger_word(enum trigger trigger);

#endif
