/* SPDX-License-Identifier: Apache-2.0
 *
 * target: the memory of a run as a debugger sees it: program, control segment, slots or object store, and gates. Either of a run that goes on
 * (mapped through /proc/PID/fd) or of one whose segments were saved (images); whoever reads values and states need not know which.
 */
#ifndef TANDEM_ENGINE_DEBUG_TARGET_H
#define TANDEM_ENGINE_DEBUG_TARGET_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "engine/base/strbuf.h"
#include "engine/run/gate.h"
#include "engine/run/objects.h"
#include "engine/run/stall.h"

struct debug_target {
	struct program program;
	struct control control;    /* live; of images: the frozen copy where there is one */
	struct control last;       /* images with a frozen copy: the control segment as it was saved, later; header NULL otherwise */
	struct gates gates;
	uint8_t *slots;            /* compiled: all slots; interpreted: bells and object store */
	size_t slots_bytes;
	struct objects objects;    /* interpreted; header NULL otherwise */
	pid_t driver_pid;          /* 0: images */
	int driver_pidfd;          /* -1: images */
	int fds[4];                /* program, control, slots, gates; gates' has the lock on it while attached; -1: none */
	bool is_attached;          /* the lock is held */
	bool is_live;              /* the run goes on: false for images, and once it has ended (memory stays readable) */
	struct stall_watch stalls; /* who waits for whom; its samples belong to the target */
	uint64_t frozen_ticks;     /* images: what "now" is; 0: unknown, and then durations are not given */
	double ns_per_tick;
};

#define DEBUG_TARGET_INIT { .driver_pidfd = -1, .fds = { -1, -1, -1, -1 } }

/* Attaches to a run of process `pid`: the driver, or one of its workers or its collector. `limit_ns`: how long to wait for a run that is still
 * starting. STATUS_INPUT with a sentence for people: no such process, not yours, no tandem run in it (or one of another version), already
 * being debugged by PID; more than one run in it: the newest. Nothing is stopped by attaching. */
int debug_target_attach(pid_t pid, int64_t limit_ns, struct debug_target *ret_target, struct error *error);

/* Saved segments, each whole. Memory is copied. */
struct debug_images {
	const void *program, *control, *slots, *gates;
	size_t program_bytes, control_bytes, slots_bytes, gates_bytes;
	double ns_per_tick; /* of the machine that saved them; 0: as on this one */
	int fds[4];         /* memfds that the segments map, in this order: holes in them need not be looked at; 0: none */
};
int debug_target_open_images(const struct debug_images *images, struct debug_target *ret_target, struct error *error);

/* Now, in the target's ticks; a duration of its ticks in ns; since when, as text ("1.20 s"), "?" where that is not known. */
uint64_t debug_now(const struct debug_target *target);
int64_t debug_duration_ns(const struct debug_target *target, uint64_t ticks);
void debug_add_duration(const struct debug_target *target, uint64_t since, struct strbuf *out);

/* Looks whether the driver's process has ended or the run is stopping; then is_live becomes false. Returns is_live. */
bool debug_target_is_live(struct debug_target *target);

/* Releases everything; a live run is let go (gates_release) and goes on. */
void debug_target_close(struct debug_target *target);

/* -- names ---------------------------------------------------------------------------------------------------------------
 * Indices are the program's. PROGRAM_NONE when there is no such thing; *nearest (may be NULL) then names the most similar one. */
uint32_t debug_find_node(const struct program *program, const char *name, const char **nearest);
uint32_t debug_find_worker(const struct program *program, const char *name, const char **nearest);
const char *debug_node_name(const struct program *program, uint32_t node);
const char *debug_worker_name(const struct program *program, uint32_t worker);
const char *debug_op_name(const struct program *program, uint32_t node); /* "" for input and output */
/* Position of a node's output by its name or number ("" and NULL: the only one, or 0); PROGRAM_NONE. Names of outputs: `input`'s tensors, what
 * edges say by `from`. Ops' own names are not in a program, so numbers always work. */
uint32_t debug_find_output(const struct program *program, uint32_t node, const char *name);
uint32_t debug_find_input(const struct program *program, uint32_t node, const char *name);
/* Their names for people into `text`, which is returned: where there is none, the number. */
const char *debug_output_name(const struct program *program, uint32_t node, uint32_t output, char *text, size_t size);
const char *debug_input_name(const struct program *program, uint32_t node, uint32_t input, char *text, size_t size);
/* The edge that feeds input `input` of `node`; PROGRAM_NONE. */
uint32_t debug_input_edge(const struct program *program, uint32_t node, uint32_t input);

/* The nodes in the order in which one execution goes through the graph (topological; on one worker: its order of steps). [n_nodes] */
void debug_order(const struct program *program, uint32_t *ret_nodes);

/* What a process is doing at this moment. */
enum debug_activity {
	DEBUG_AT_GATE,   /* stopped by us */
	DEBUG_COMPUTING, /* its op runs */
	DEBUG_WAITING,   /* named wait */
	DEBUG_IDLE,      /* waits for an execution that was not submitted */
	DEBUG_BETWEEN,   /* on its way between two steps */
	DEBUG_GONE,      /* its process has ended */
};
struct debug_worker_state {
	enum debug_activity activity;
	struct gate_stop stop;          /* DEBUG_AT_GATE */
	struct control_wait_copy wait;  /* DEBUG_WAITING, DEBUG_IDLE */
	uint32_t node;                  /* PROGRAM_NONE: none */
	uint64_t execution;
	uint64_t since;                 /* ticks; 0: not known */
};
void debug_look(struct debug_target *target, uint32_t worker, struct debug_worker_state *ret_state);

/* One line for people: "w1 at layer3 of execution 7, before compute", "w0 waits 1.2 s for edge a->b from w1, which …". */
void debug_describe_worker(struct debug_target *target, uint32_t worker, struct strbuf *out);

/* Who waits for whom: a line for each process, then the root: the culprit with which of the five causes, or the cycle edge by edge. A process
 * that stands at a gate is a cause of its own ("stopped by this debugger"). */
void debug_where(struct debug_target *target, struct strbuf *out);

#endif
