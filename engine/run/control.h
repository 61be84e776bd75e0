/* SPDX-License-Identifier: Apache-2.0
 *
 * control: the small shared segment through which driver and workers know of each other: the state of the run, who sleeps, what each
 * worker does or waits for, failures. Nothing in it is touched on the fast path of a message but `sleeps` of the peers (read
 * only there, written when somebody goes to sleep) and a worker's own `position`.
 *
 * State of a run (control_header.state), set by the driver only:
 *
 *     STARTING ──► RUNNING ──► STOPPING        STOPPING: steps end at the next wait or before the next compute
 */
#ifndef TANDEM_ENGINE_RUN_CONTROL_H
#define TANDEM_ENGINE_RUN_CONTROL_H

#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/attributes.h"
#include "engine/base/error.h"

#define CONTROL_MAGIC 0x544e444d4354524cull
#define CONTROL_VERSION 3
#define CONTROL_ARMED 2   /* in `sleeps`: the driver is in a poll of its program rather than in a futex */
#define CONTROL_WAKE_FD 7 /* in every worker process: the eventfd that such a poll looks at */

/* Why steps should look up from their work: bits of control_header.attention. */
enum control_attention {
	CONTROL_ATTENTION_END = 1 << 0,    /* `state` is STOPPING, or `n_cancels` is not 0 */
	CONTROL_ATTENTION_GATES = 1 << 1,  /* gates are to be passed with gate_pass (gate.h) */
	CONTROL_ATTENTION_POISON = 1 << 2, /* slots are filled when their last reader is done */
};

enum control_state {
	CONTROL_STARTING,
	CONTROL_RUNNING,
	CONTROL_STOPPING,
};

enum control_worker_state {
	CONTROL_WORKER_STARTING,
	CONTROL_WORKER_READY,
	CONTROL_WORKER_FAILED, /* set-up failed; `failure` says why */
	CONTROL_WORKER_ENDED,  /* left its loop in good order */
};

#define CONTROL_FAILURE_TEXT_BYTES 480

/* Why an execution, or a worker's set-up, failed. Written by one process, then `is_set` with release. */
struct control_failure {
	_Atomic uint32_t is_set;
	uint32_t status;    /* enum status */
	uint32_t node;      /* PROGRAM_NONE when none */
	uint32_t worker;
	uint64_t execution; /* UINT64_MAX when none */
	uint64_t reserved;
	char text[CONTROL_FAILURE_TEXT_BYTES];
};
static_assert(sizeof(struct control_failure) == 512, "failure layout is shared");

/* A wait with a name. Written by the waiting process; `version` is odd while it writes (a sequence lock for readers). */
struct control_wait {
	_Atomic uint32_t version;
	_Atomic uint32_t cause;     /* enum phase: STARVED, BACKPRESSURE, LATE_RANK; 0: not waiting */
	_Atomic uint32_t node, edge, channel, slot; /* PROGRAM_NONE when none */
	_Atomic uint32_t peer;      /* worker waited for */
	_Atomic uint32_t is_asleep; /* in a futex rather than spinning */
	_Atomic uint64_t execution;
	_Atomic uint64_t since;     /* ticks */
};

/* A cancelled execution; that of execution k stands at k mod n_failures, which is more than can be in flight. Written by the driver. */
struct control_cancel {
	_Atomic uint64_t execution;
	_Atomic uint32_t status_word; /* 1 + index of its failure, as in slot headers; 0: none */
	uint32_t reserved;
};
static_assert(sizeof(struct control_cancel) == 16, "cancel layout is shared");

/* One process: the driver (0) or a worker. */
struct control_worker {
	CACHE_ALIGNED _Atomic uint32_t sleeps; /* futex word: 1 while it sleeps, or CONTROL_ARMED. Written by its owner (0→1, 2) and by who
	                                          wakes it (→0) */
	CACHE_ALIGNED _Atomic uint64_t position; /* owner: node + 1 while it computes (low 24 bits), execution above; 0 between */
	CACHE_ALIGNED struct control_wait wait;
	CACHE_ALIGNED _Atomic uint32_t state;  /* owner: enum control_worker_state */
	_Atomic int32_t pid;                   /* driver */
	struct control_failure failure;        /* owner: why set-up failed */
};
static_assert(offsetof(struct control_worker, position) == 64 && offsetof(struct control_worker, wait) == 128
	&& offsetof(struct control_worker, state) == 192, "control layout is shared");

struct control_header {
	uint64_t magic;
	uint32_t version, n_workers;
	uint32_t n_cores;        /* driver, at creation: cores that this run may use (affinity, cgroup) */
	uint32_t needs_fence;    /* driver, at creation: membarrier is not available, publishers need a full fence */
	uint32_t n_failures;     /* driver, at creation: entries of the failure table, a power of two */
	int32_t driver_pid;
	uint64_t total_bytes;

	CACHE_ALIGNED _Atomic uint32_t attention; /* driver, debugger: enum control_attention, or 0; bits are set and cleared one by one */
	_Atomic uint32_t state;                   /* driver: enum control_state */
	_Atomic uint32_t n_cancels;               /* driver: cancellations so far */

	CACHE_ALIGNED _Atomic uint32_t n_awake;   /* processes that are not asleep in a wait */

	CACHE_ALIGNED _Atomic uint64_t idle_since; /* driver, ticks: when the last execution in flight was complete … */
	_Atomic uint64_t busy_since;               /* … and when one was submitted again; before that execution's inputs are published */

	CACHE_ALIGNED _Atomic uint32_t next_failure; /* any: entries taken */

	CACHE_ALIGNED struct control_worker workers[]; /* [n_workers]; behind them the failure table, then the cancels, as many */
};

/* A mapping, or a piece of the caller's memory (stress programs run workers as threads over one mapping). */
struct control {
	struct control_header *header;
	struct control_failure *failures; /* [n_failures] */
	struct control_cancel *cancels;   /* [n_failures] */
	size_t mapping_bytes;             /* 0: not ours to unmap */
	uint32_t n_workers, n_failures;   /* as checked when it was mapped: what stands in the segment others may write over */
};

/* A plain field that another process may change at any time, read exactly once. */
static inline uint32_t control_read_once(const uint32_t *field)
{
	return *(const volatile uint32_t *)field;
}

size_t control_bytes(uint32_t n_workers, uint32_t in_flight);
/* Lays out a control segment in zeroed memory of control_bytes(). */
void control_init(void *memory, uint32_t n_workers, uint32_t in_flight, uint32_t n_cores, struct control *ret_control);
int control_create(uint32_t n_workers, uint32_t in_flight, uint32_t n_cores, struct error *error, int *ret_fd);
/* Maps and checks the layout (STATUS_PROTOCOL). `fd` stays the caller's. */
int control_open(int fd, struct control *ret_control, struct error *error);
void control_close(struct control *control);

/* Cores that this process may run on: affinity mask and the cgroup's CPU quota, whichever is less, at least 1. */
uint32_t control_count_cores(void);

/* Registers this process for the expedited barrier that lets sleepers and publishers do without a fence. Returns whether it is
 * available; every process of a run must call it before it waits or publishes. */
bool control_register_barrier(void);

COLD void control_wake_slow(struct control_worker *worker);

/* After publishing (a store with release of a sequence or a cursor): wakes `worker` if it sleeps. The sleeper sets `sleeps`, then
 * forces a barrier on every publisher (membarrier), then looks at the word again: either it sees the publication or the publisher sees
 * `sleeps`. Without membarrier the publisher pays a fence. */
static inline void control_wake(struct control_header *header, struct control_worker *worker)
{
	if (unlikely(header->needs_fence))
		atomic_thread_fence(memory_order_seq_cst);
	else
		atomic_signal_fence(memory_order_seq_cst);
	if (unlikely(atomic_load_explicit(&worker->sleeps, memory_order_relaxed)))
		control_wake_slow(worker);
}

void control_wake_all(struct control *control);

/* Ends all steps: state STOPPING, everybody woken. Safe in a signal handler. */
void control_stop(struct control *control);

/* Takes an entry of the failure table and fills it; returns 1 + its index, the value for slot headers. */
uint32_t control_fail(struct control *control, int status, uint32_t worker, uint32_t node, uint64_t execution,
	const char *text);

/* Driver, one thread at a time: makes every node skip `execution` from now on, with the failure `status_word`. */
void control_cancel(struct control *control, uint64_t execution, uint32_t status_word);
/* The failure that `execution` was cancelled with, 0 when it was not. */
uint32_t control_cancelled(const struct control *control, uint64_t execution);

/* A consistent copy of a worker's published wait. */
struct control_wait_copy {
	uint32_t cause, node, edge, channel, slot, peer;
	bool is_asleep;
	uint64_t execution, since;
};
/* False when the worker does not wait (or its wait changes too fast to be read). */
bool control_read_wait(const struct control_worker *worker, struct control_wait_copy *ret_wait);

#define CONTROL_POSITION_NODE_BITS 24
static inline uint64_t control_position(uint64_t execution, uint32_t node)
{
	return execution << CONTROL_POSITION_NODE_BITS | (node + 1);
}

#endif
