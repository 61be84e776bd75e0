/* SPDX-License-Identifier: Apache-2.0
 *
 * debugger_private: what the parts of the debugger's core share.
 *
 *     debugger.c         the handle: making, arming, holding, where the cursor is
 *     debugger_move.c    resuming and polling: the motion, turn by turn
 *     debugger_settle.c  whether anybody can still move
 *     debugger_halt.c    who is told of when everybody stands, and in which words
 *     debugger_run.c     starting, attaching, detaching, ending
 *     debugger_set.c     assignments that wait for their node
 *     debugger_cursor.c  backwards through history
 */
#ifndef TANDEM_ENGINE_DEBUG_DEBUGGER_PRIVATE_H
#define TANDEM_ENGINE_DEBUG_DEBUGGER_PRIVATE_H

#include "engine/debug/debugger.h"
#include "engine/debug/launch.h"

#define DEBUG_MS INT64_C(1000000)

/* What a motion is at: LAUNCHING ──attached──► HALTING or GOING; GOING ──done──► HALTING ──everybody settled──► HALTED. Every phase ends in
 * ENDING when the run is over: a child is waited for, to its last word. */
enum debug_phase { DEBUG_LAUNCHING, DEBUG_GOING, DEBUG_HALTING, DEBUG_ENDING };

/* How a process stood when it was looked at last. */
enum debug_rest {
	DEBUG_REST_NONE,     /* it may move */
	DEBUG_REST_GATE,     /* stands at a gate */
	DEBUG_REST_BLOCKED,  /* waits for something that is not there */
};
struct debug_rest_look {
	enum debug_rest rest;
	uint64_t stamp;      /* changes when it moves */
	int64_t since_ns;    /* host clock: when `stamp` was seen first */
	bool is_stable;      /* the same at two looks */
};

/* One process of the run. */
struct debug_process {
	bool stands;              /* at `gate`, not let go */
	bool is_new;              /* came there since it was looked at last, and was not judged yet */
	uint32_t n_stops;         /* of the stop that was judged last … */
	uint32_t n_passed;        /* … and of the one that was let go last: gate_worker.n_stops */
	struct gate_stop gate;
	int n_known_ids;          /* stops that were there when it was judged */
	int hit;                  /* id of the stop hit there; 0: none */
	struct strbuf hit_text;
	struct debug_rest_look look;
};

struct debug_motion {
	enum debug_phase phase;
	enum debug_resume how;
	uint64_t count;           /* STEP, NODE, NEXT: still to do, this one included */
	bool goes_on;             /* LAUNCHING: not to be halted at the start */
	uint32_t worker;          /* who is moved (STEP, NODE), or is to arrive (NEXT); PROGRAM_NONE */
	uint64_t execution;       /* FINISH: whose results */
	int until;                /* UNTIL: id of its stop */
	enum debug_reason reason; /* HALTING: of the halt that comes */
	uint32_t told;            /* HALTING: worker of the halt that comes; PROGRAM_NONE: the earliest */
	int64_t since_ns;         /* host clock: begin of the phase */
	int64_t pause_ns;         /* next pause between two looks */
	int64_t listened_ns;      /* host clock: when pipes and processes were looked at last */
	bool has_told_stall;
	int64_t stalled_ns;       /* host clock: since when all were found as they are; 0: not looked yet */
	int64_t stall_looked_ns;
	uint64_t stall_stamp;
	struct strbuf text;       /* for the next halt: changes carried out, what is to be said */
	struct debug_process *processes; /* [n_processes]; NULL without a target */
	uint32_t n_processes;
	struct launch launch;     /* of a child: what it prints */
};

/* -- debugger.c */
/* Begins to know the processes of a target that was just attached or opened, moves the stops over, makes the order. */
int debugger_take_target(struct debugger *debugger, struct error *error);
/* Gives the target back, keeping its names. */
void debugger_drop_target(struct debugger *debugger);
bool debugger_is_halted(const struct debugger *debugger); /* a live run that stands still */
/* (execution, position in the order, place) of two stops: negative when `a` comes first. */
int debugger_compare_places(const struct debugger *debugger, const struct gate_stop *a, const struct gate_stop *b);
uint32_t debugger_order_position(const struct debugger *debugger, uint32_t node);
/* The earliest process that stands at a gate; PROGRAM_NONE. */
uint32_t debugger_earliest(const struct debugger *debugger, bool with_held);

/* -- debugger_move.c */
void debugger_begin_halting(struct debugger *debugger, enum debug_reason reason, uint32_t told);
/* Looks at all processes: takes in who newly stands at a gate and judges them. Returns whether a stop was hit. */
bool debugger_judge(struct debugger *debugger);
void debugger_let_go(struct debugger *debugger, uint32_t worker);
/* Tells the gates at which each process stops now, whatever the flags say. */
void debugger_set_steps(struct debugger *debugger);
void debugger_set_phase(struct debugger *debugger, enum debug_phase phase);

/* -- debugger_settle.c */
enum debug_settled {
	DEBUG_SETTLED_NOT,
	DEBUG_SETTLED_LATE,  /* what still moves does so for longer than it is waited for */
	DEBUG_SETTLED,       /* nobody can move */
};
enum debug_settled debugger_look_whether_settled(struct debugger *debugger);
/* Whether `worker` was found waiting at the last two looks. */
bool debugger_is_blocked(const struct debugger *debugger, uint32_t worker);

/* -- debugger_halt.c */
void debugger_finish_halting(struct debugger *debugger);
/* Where a saved state stands: state SAVED. */
void debugger_tell_saved(struct debugger *debugger);
/* The run is over: state ENDED. */
void debugger_end(struct debugger *debugger, const char *how);
/* Says once, when nothing has moved for long and nobody stands at a gate, who waits for whom. */
void debugger_tell_stall(struct debugger *debugger);

/* -- debugger_run.c */
/* LAUNCHING and ENDING: a turn. */
void debugger_launch_turn(struct debugger *debugger);
void debugger_end_turn(struct debugger *debugger);
/* Reads what a child printed, and looks whether the run is over: false then, with the phase ENDING. */
bool debugger_listen_turn(struct debugger *debugger);

/* -- debugger_set.c */
/* The process stands after compute: carries out what waited for that. */
void debugger_apply_pending(struct debugger *debugger, uint32_t worker, const struct gate_stop *gate);
/* GATE_STOP_AFTER when something waits for `node`; *from becomes the least execution that something waits for. */
uint8_t debugger_pending_flags(const struct debugger *debugger, uint32_t node);
uint64_t debugger_pending_from(const struct debugger *debugger);
/* Says of what is left that it was never carried out, and drops it. */
void debugger_drop_pending(struct debugger *debugger);

#endif
