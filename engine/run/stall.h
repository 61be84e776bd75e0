/* SPDX-License-Identifier: Apache-2.0
 *
 * stall: why does nothing move? Follows published waits from process to process to the one that holds everything up, and tells the five
 * causes apart: its op is running; it is stopped; it is runnable but gets no core; the waits form a cycle; the caller holds its results.
 */
#ifndef TANDEM_ENGINE_RUN_STALL_H
#define TANDEM_ENGINE_RUN_STALL_H

#include "engine/base/strbuf.h"
#include "engine/run/control.h"
#include "engine/run/program.h"
#include "engine/run/spawn.h"

/* X(NAME, sentence) */
#define STALL_CAUSE_MAP(X)                                                         \
	X(OP_RUNNING, "the op is running")                                         \
	X(STOPPED, "the worker is stopped (SIGSTOP or a debugger): continue it")   \
	X(NO_CORE, "it is runnable but gets no core")                              \
	X(CYCLE, "the waits form a cycle")                                         \
	X(CALLER, "the caller holds its results: release them")                    \
	X(ENDED, "the process has ended")

enum stall_cause {
#define X(name, sentence) STALL_CAUSE_##name,
	STALL_CAUSE_MAP(X)
#undef X
};

/* What was seen of a process at the last look; kept by who looks repeatedly. */
struct stall_sample {
	uint64_t position, position_since; /* ticks */
	struct spawn_usage usage;
	uint64_t usage_at;                 /* ticks */
	bool lacks_core;                   /* over the interval between the last two looks */
};

struct stall_watch {
	const struct program *program;
	struct control *control;
	struct stall_sample *samples; /* [n_workers], zeroed at first */
	uint64_t idle_until;          /* ticks: when nothing was in flight last; a wait counts from there */
};

struct stall_root {
	enum stall_cause cause;
	uint32_t worker;
	uint64_t key; /* equal for two looks at the same obstacle */
};

/* Looks at every process; to be called at each tick, with `reads_proc` only while something is held up. */
void stall_look(struct stall_watch *watch, bool reads_proc);

/* Since when a wait counts as one: ticks. */
uint64_t stall_since(const struct stall_watch *watch, const struct control_wait_copy *wait);

/* The edge that is waited for; PROGRAM_NONE when none is known. A wait for a free slot has none: it is that by which the peer reads the channel.
 * The name is "?" then. */
uint32_t stall_wait_edge(const struct program *program, const struct control_wait_copy *wait);
const char *stall_wait_edge_name(const struct program *program, const struct control_wait_copy *wait);

/* Follows the waits from `worker` to the root. `out` (may be NULL) gets the chain as one line. The processes go on meanwhile, so a cycle
 * may be one of waits that were over when the walk came round: it is believed only when several walks find it. */
struct stall_root stall_explain(struct stall_watch *watch, uint32_t worker, struct strbuf *out);

/* Appends "w1 waits 1.20 s for edge a->b (channel 5, slot 0) from w0", or what the process does otherwise. */
void stall_describe(struct stall_watch *watch, uint32_t worker, struct strbuf *out);

#endif
