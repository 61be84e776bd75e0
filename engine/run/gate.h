/* SPDX-License-Identifier: Apache-2.0
 *
 * gate: where a debugger can hold the processes of a run. Each node has two gates in each execution: before compute, and after compute, before
 * its outputs are published; `input` has the second (before the driver publishes), `output` the first (all results are there). Both modes pass
 * the same gates. As long as nobody debugs, a gate is one relaxed load of control_header.attention, which is loaded there anyway.
 *
 * What debugger and workers share is one memfd ("tandem-gates"), made with every run and untouched until it is used: who stands at which gate
 * with which tensors, what each node is to be stopped or kept for, a history of what nodes put out, and what was frozen when something went
 * wrong. The debugger maps it, and the run's other segments, through /proc/PID/fd; it holds a write lock (F_OFD_SETLK, whole file) while it is
 * attached, so that the driver notices a debugger that is gone whatever it died of, and nobody else attaches.
 *
 *     worker:    PASSING ──gate it must stop at──► STOPPED ──`go` was changed, or the run is stopping──► PASSING
 *
 * Layout:  |header|workers|flags of nodes|poison counters|frozen control|history of process 0|history of process 1|…
 */
#ifndef TANDEM_ENGINE_RUN_GATE_H
#define TANDEM_ENGINE_RUN_GATE_H

#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/base/attributes.h"
#include "engine/base/error.h"
#include "engine/base/tensor.h"
#include "engine/graph/op.h"
#include "engine/run/control.h"
#include "engine/run/program.h"
#include "engine/run/recorder.h"

#define GATES_MAGIC 0x544e444d47415445ull
#define GATES_VERSION 1
#define GATE_NOWHERE UINT64_MAX                        /* of a tensor: its data lie in no segment */
#define GATE_HISTORY_BYTES_DEFAULT (UINT64_C(64) << 20) /* of all processes together; sparse until it is used */
#define GATE_POISON 0xfff7deadu                        /* 32-bit word that fills a poisoned slot: a NaN as f32 and, doubled, as f64 */

/* X(NAME, phrase) */
#define GATE_PLACE_MAP(X) X(BEFORE, "before compute") X(AFTER, "after compute, before publish")
enum gate_place {
#define X(name, phrase) GATE_##name,
	GATE_PLACE_MAP(X)
#undef X
	GATE_PLACES,
};
const char *gate_place_phrase(enum gate_place place);

/* What a node is to be stopped or kept for: bits of its flags, set by the debugger. Stops count from header.from_execution on. */
enum gate_flag {
	GATE_STOP_BEFORE = 1 << 0,
	GATE_STOP_AFTER = 1 << 1,
	GATE_STOP_FAILED = 1 << 2,  /* after compute, when its own op failed in this execution */
	GATE_STOP_UNSOUND = 1 << 3, /* after compute, when an output holds a NaN or an infinity */
	GATE_KEEP = 1 << 4,         /* outputs go into the history, after the gate was left */
	GATE_DIGEST = 1 << 5,       /* into the history without data */
};

/* At which gates a process stops whatever the flags say. */
enum gate_steps {
	GATE_STEPS_NONE,
	GATE_STEPS_NODES,  /* at each gate before compute (`input`, which has none: after) */
	GATE_STEPS_PLACES, /* at each gate */
};

enum gate_state {
	GATE_PASSING,
	GATE_STOPPED,
};

/* What the driver does when the debugger is gone without a word. */
enum gate_loss {
	GATE_LOSS_RELEASE, /* lets everybody go: the run goes on as if there had been none */
	GATE_LOSS_END,     /* ends the run as Ctrl-C would */
};

/* A tensor at a gate: contiguous. */
struct gate_tensor {
	uint32_t dtype, n_dims;
	uint32_t dims[TENSOR_DIMS_MAX];
	uint64_t offset; /* of the data in the slots segment; GATE_NOWHERE */
	uint64_t bytes;
};

/* Where a process stands. Written by it before `state` becomes STOPPED, with release. */
struct gate_stop {
	uint32_t place, node;  /* enum gate_place */
	uint64_t execution;
	uint32_t failure;      /* 0, or 1 + index in the failure table: this execution has failed at or before this node */
	uint32_t is_own_failure; /* at this node, in fact */
	uint64_t since;        /* ticks */
	uint64_t op_ticks;     /* after compute: what the op took; otherwise 0 */
	uint64_t waited_ticks; /* what the node waited by name for inputs, slots and ranks in this execution */
	uint32_t n_inputs, n_outputs;
	struct gate_tensor tensors[OP_INPUTS_MAX + OP_OUTPUTS_MAX]; /* inputs, then outputs (before compute: where they will be written) */
};

/* One process: the driver (0) or a worker. */
struct gate_worker {
	CACHE_ALIGNED _Atomic uint32_t go; /* debugger: futex word; a change lets through the gate at which the process stands */
	_Atomic uint32_t steps;            /* debugger: enum gate_steps */
	CACHE_ALIGNED _Atomic uint32_t state; /* owner: enum gate_state */
	_Atomic uint32_t n_stops;          /* owner: stops so far, this one included: tells one from the next */
	struct gate_stop stop;             /* owner */
	CACHE_ALIGNED _Atomic uint64_t history_end; /* owner: bytes ever written to its history */
	_Atomic uint64_t history_begin;             /* owner: position of the oldest entry that is there; goes on before anything is overwritten */
};

/* One output of one node in one execution, in the history of the process that made it. Entries are multiples of 128 bytes, its size, and do not
 * wrap: one that would is preceded by a filler (node PROGRAM_NONE). */
struct gate_entry {
	uint64_t at;           /* = history position of this entry: tells a sound entry from one that was overwritten */
	uint32_t bytes;        /* of the whole entry, data included */
	uint32_t node, output;
	uint32_t failure;      /* 0, or 1 + index: no data */
	uint64_t execution;
	uint64_t digest;       /* gate_digest of the data */
	struct gate_tensor tensor; /* offset: of the data behind this struct, from the start of the entry; GATE_NOWHERE: not kept (flag
	                              DIGEST, or larger than the history) */
	uint64_t start, op_ticks, waited_ticks; /* of the node, as in struct gate_stop; start of its op */
	uint64_t reserved[2];
};
static_assert(sizeof(struct gate_entry) == 128, "entries are laid out alike in all processes");

/* X(NAME, word, sentence): why a run was frozen; words are stored in traces. */
#define GATE_FREEZE_MAP(X)                                                        \
	X(ERROR, "error", "an op failed")                                         \
	X(CRASH, "crash", "a worker died")                                        \
	X(TIMEOUT, "timeout", "an execution did not end within --timeout")        \
	X(DEADLOCK, "deadlock", "the waits form a cycle")                         \
	X(HANG, "hang", "a wait outlasted --hang-limit")                          \
	X(DRIVER, "driver", "the driver died")                                    \
	X(ASKED, "asked", "somebody asked for it")
enum gate_freeze {
#define X(name, word, sentence) GATE_FREEZE_##name,
	GATE_FREEZE_MAP(X)
#undef X
	GATE_FREEZE_COUNT
};
const char *gate_freeze_word(enum gate_freeze reason);

#define GATE_STACK_BYTES 8192
#define GATE_TEXT_BYTES 1024

/* What was the matter when something went wrong: the first thing that did, once a run. */
struct gate_frozen {
	_Atomic uint32_t state; /* any: 0 nothing, 1 being written, 2 set (with release) */
	uint32_t reason;        /* enum gate_freeze */
	uint32_t worker, node;  /* PROGRAM_NONE when none */
	uint64_t execution;     /* UINT64_MAX when none */
	uint64_t ticks;
	char text[GATE_TEXT_BYTES];
	/* a crashed process, from its signal handler: */
	_Atomic uint32_t stack_worker; /* 1 + worker whose stack this is; 0: none */
	uint32_t signal_number;
	char stack[GATE_STACK_BYTES];  /* lines "MODULE+0xOFFSET SYMBOL+0xOFFSET" (symbol left out where unknown), innermost first;
	                                  then lines "MODULE build HEX": their build ids */
};

struct gates_header {
	uint64_t magic;
	uint32_t version, n_workers, n_nodes, n_counters; /* n_counters: of poison; 0 without */
	uint64_t total_bytes;
	uint64_t inodes[3];      /* st_ino of the program, control and slots memfds that this belongs to */
	uint64_t flags, poison, frozen_control, histories; /* offsets; flags: a byte a node */
	uint64_t history_bytes;  /* of one process, a multiple of 128; 0: none */
	uint64_t control_bytes;
	uint32_t poisons;        /* driver, at creation: slots are filled when their last reader is done */
	_Atomic uint32_t is_ready; /* driver: everything has started */

	CACHE_ALIGNED _Atomic uint32_t events; /* any: futex word, +1 (and woken) when a process stops at a gate or the run ends */
	_Atomic uint32_t is_attached;      /* debugger: 1 while it holds the lock */
	_Atomic uint32_t on_loss;          /* debugger: enum gate_loss */
	_Atomic int32_t debugger_pid;      /* debugger, for messages */
	_Atomic uint64_t from_execution;   /* debugger */
	_Atomic uint64_t held_until;       /* driver: ticks when a debugger last held the run up: deadlines and stall limits count from there */

	CACHE_ALIGNED struct gate_frozen frozen;
	CACHE_ALIGNED struct gate_worker workers[]; /* [n_workers] */
};

/* Readers of a storage's slots that --poison counts: per channel, used for storages only. */
struct gate_readers {
	uint32_t first; /* counter of slot 0 */
	uint32_t n;     /* data edges that read the storage, over all channels that share it */
};

/* A mapping. */
struct gates {
	struct gates_header *header;
	uint8_t *base;
	_Atomic uint8_t *flags;  /* [n_nodes] */
	_Atomic uint32_t *counters; /* of poison: nodes that are done with a slot */
	struct gate_readers *readers; /* [n_channels], this process's; NULL without --poison or in interpreted mode */
	uint8_t *slots;          /* the run's slots segment as mapped here: offsets of tensors count from it */
	size_t slots_bytes, mapping_bytes;
	/* as checked when it was mapped: what stands in the segment others may write over */
	uint32_t n_workers, n_nodes;
	uint64_t history_bytes, control_bytes;
	uint8_t *histories, *frozen_control;
};

/* Creates the segment for a program; `fds` are those of program, control and slots. `history_bytes` for all processes together. */
int gates_create(const struct program *program, const int fds[3], uint64_t history_bytes, bool poisons, struct error *error, int *ret_fd);
/* Maps and checks the layout (STATUS_PROTOCOL). `fd` stays the caller's. `slots` may be NULL. */
int gates_open(int fd, const struct program *program, void *slots, size_t slots_bytes, struct gates *ret_gates, struct error *error);
void gates_close(struct gates *gates);

/* -- the workers' side ------------------------------------------------------------------------------------------------ */

struct gate_point {
	enum gate_place place;
	uint32_t node, failure;
	bool is_own_failure;
	uint64_t execution;
	int n_inputs, n_outputs;
	const struct tensor *inputs, *outputs;
	uint64_t start, op_ticks, waited_ticks;
};

/* Called when control_header.attention has CONTROL_ATTENTION_GATES: stops here if it must, keeps outputs after compute. The time stopped is
 * PHASE_DEBUG in the open record. STATUS_OK, or STATUS_STOPPED when the run is stopping. */
COLD int gate_pass(struct gates *gates, struct control *control, uint32_t worker, struct recorder *recorder, const struct gate_point *point);

/* With `poisons`, after compute and before publishing: `node` is done with its inputs in this execution; the last reader of a slot fills it
 * (compiled mode; the object store has its own, objects.h). */
COLD void gate_poison(struct gates *gates, const struct program *program, uint32_t node, uint64_t execution, uint8_t *slots);

/* Fills memory with GATE_POISON. */
void gate_fill_poison(void *data, uint64_t bytes);

/* Freezes the state of the run: copies the control segment into the gates'. The first caller wins; returns whether it was this one. */
bool gates_freeze(struct gates *gates, const struct control *control, enum gate_freeze reason, uint32_t worker, uint32_t node,
	uint64_t execution, const char *text);

/* Makes fatal signals of this process leave its stack in the gates' frozen part and then end it as they would have. Not when a handler is
 * there already. */
void gates_catch_crashes(struct gates *gates, uint32_t worker);

/* Lets everybody go and forgets all flags: what the driver does when a debugger is gone, and a debugger that detaches (before it clears
 * `is_attached`, and that before it gives up the lock). */
void gates_release(struct gates *gates, struct control *control);

/* Has everybody who stands at a gate look whether the run is stopping, and tells the debugger: after control_stop. Safe in a signal handler. */
void gates_wake_all(struct gates *gates);

/* Whether somebody stands at a gate. */
bool gates_are_held(const struct gates *gates);

/* Puts the inputs of a node whose op failed into the history of `worker`, as outputs of the nodes that made them, so that they can be looked
 * at later. Only before anything is frozen. */
COLD void gate_keep_inputs(struct gates *gates, const struct program *program, uint32_t worker, const struct gate_point *point);

/* 64-bit digest of bytes, for telling equal from different: the same on every machine of one byte order. */
uint64_t gate_digest(const void *data, size_t bytes);

/* -- the debugger's side ---------------------------------------------------------------------------------------------- */

static inline struct gate_worker *gate_worker(const struct gates *gates, uint32_t worker)
{
	return &gates->header->workers[worker];
}

/* Changes `go` and wakes the process. */
void gate_let_go(struct gates *gates, uint32_t worker);

/* A consistent copy of where a process stands; false when it does not stand at a gate. Nothing in it is out of the bounds of the program or
 * of the slots segment: tensors that would be are GATE_NOWHERE. */
bool gate_read_stop(const struct gates *gates, const struct program *program, uint32_t worker, struct gate_stop *ret_stop,
	uint32_t *ret_n_stops);

/* Waits until `events` is no longer `seen`, at most `timeout_ns`; returns the new value. */
uint32_t gates_wait(const struct gates *gates, uint32_t seen, int64_t timeout_ns);

/* Walks a process's history from the oldest entry that is there to the newest. `*position` is 0 at first. Copies the entry's head; *ret_data
 * points into the mapping (NULL: not kept) and stays sound only while that process stands still: check with gate_entry_is_sound afterwards. */
bool gate_history_next(const struct gates *gates, uint32_t worker, uint64_t *position, struct gate_entry *ret_entry, const void **ret_data);
bool gate_entry_is_sound(const struct gates *gates, uint32_t worker, const struct gate_entry *entry);

#endif
