/* SPDX-License-Identifier: Apache-2.0
 *
 * debugger: the core: a state machine over the gates of one run. Its faces (prompt, screen, script) send it commands (commands.h) and call
 * debugger_poll while the run moves; it never blocks longer than they say and never prints.
 *
 *     READY ──start──► MOVING ◄──resume── HALTED
 *                        │ └──stop hit, step done, interrupt──►┘
 *                        └──run over──► ENDED ──start──► MOVING         SAVED: opened from a file, nothing moves
 *
 * A halt stops everybody: each process goes on to its next gate and stands there; one that waits, or whose op runs on, is left where it is and
 * would stop at its next gate. Held processes stay where they are when others move. The run is a `tandem run` of its own, started here or
 * attached to, so that a debugger that dies takes nothing with it.
 *
 * Who moves. STEP and NODE let one process go: of those that stand at a gate and are not held, the one whose place is the earliest (lowest
 * execution, then debug_order, then the place). When it stands at its next gate, or waits, everybody is let settle: who waited for what it
 * published comes to a gate meanwhile. Then the earliest of those that stand is told: it is what the next step would move. Each step passes a gate
 * for good, so steps always make progress: where the earliest waits for something that only another process can bring (in interpreted mode a
 * task that the driver has not dispatched, because it stands at `input` of a later execution), that one is the earliest of those that stand.
 */
#ifndef TANDEM_ENGINE_DEBUG_DEBUGGER_H
#define TANDEM_ENGINE_DEBUG_DEBUGGER_H

#include <signal.h>

#include "engine/debug/stops.h"
#include "engine/debug/target.h"
#include "engine/graph/plan.h"
#include "engine/run/spawn.h"

enum debug_state { DEBUG_READY, DEBUG_MOVING, DEBUG_HALTED, DEBUG_ENDED, DEBUG_SAVED };

/* X(NAME, word): ways to go on. */
#define DEBUG_RESUME_MAP(X)                                                                                                  \
	X(CONTINUE, "continue") /* until a stop is hit */                                                                    \
	X(STEP, "step")         /* one gate, of the process that stands earliest; the others stay */                         \
	X(NEXT, "next")         /* the selected process to its next node; the others move meanwhile */                       \
	X(NODE, "node")         /* the process that stands earliest, through its node to the gate before its next one; the others stay */ \
	X(UNTIL, "until")       /* to a node or an execution, given as a temporary stop */                                   \
	X(FINISH, "finish")     /* until the current execution's results are there */
enum debug_resume {
#define X(name, word) DEBUG_RESUME_##name,
	DEBUG_RESUME_MAP(X)
#undef X
	DEBUG_RESUMES,
};

/* Why everything stands still. */
enum debug_reason {
	DEBUG_REASON_START,     /* the run has started, or was attached to */
	DEBUG_REASON_STOP,      /* `stop` was hit */
	DEBUG_REASON_STEP,      /* what was asked for is done */
	DEBUG_REASON_BLOCKED,   /* nothing that may move can: who stands still holds the others up (the text says whom) */
	DEBUG_REASON_INTERRUPT,
	DEBUG_REASON_END,       /* the run is over; the text says how */
	DEBUG_REASON_SAVED,     /* a saved state was opened */
};
struct debug_halt {
	enum debug_reason reason;
	int stop;               /* id (of one that may be spent: debug_stops_find has it until the next motion); 0: none */
	uint32_t worker;        /* who stands there, and is selected then; PROGRAM_NONE: nobody stands at a gate */
	bool has_gate;
	struct gate_stop gate;  /* a copy */
	struct strbuf text;     /* further lines for people, each ended; "" */
};

/* A change that waits until its node stands after compute (`set --all-ranks`, `set` of a later execution). */
struct debug_pending {
	struct debug_assignment assignment;
	uint64_t execution;
	char *text;             /* as typed; owned */
};

struct debug_display {
	int id;
	char *text;             /* "print -s layer3.out[0]": a command carried out at each halt; owned */
	bool is_enabled;
};

struct debugger_options {
	const struct plan *plan;    /* of a graph to be started; NULL: attach or saved. Must outlive the debugger */
	uint64_t seed;
	const char *executable;     /* the tandem to start; NULL: /proc/self/exe */
	const char *const *run_arguments; /* behind `tandem run`, NULL-ended: the graph's file, options. Owned by the caller */
	bool ends_run;              /* when the debugger is gone without a word: end a run that was attached to; one started here always ends */
	/* A line that the run printed on stdout (0) or stderr (1). May be NULL. */
	void (*printed)(void *user, int stream, const char *line);
	void *user;
};

struct debugger {
	struct debugger_options options;
	enum debug_state state;
	struct program names;         /* built from options.plan, for names before a start; header NULL: none */
	struct debug_target target;   /* attached or images; program.header NULL: none */
	bool is_child;                /* the run was started here: ended when the debugger quits */
	struct spawn_process process; /* its driver */
	struct debug_stops stops;
	struct debug_halt halt;       /* the last one */
	uint32_t selected_worker;     /* `worker W` */
	uint64_t selected_execution;  /* `execution N`, a cursor into what is held; DEBUG_LATEST: the halt's */
	uint32_t selected_node;       /* backwards: where the cursor stands; PROGRAM_NONE: at the halt */
	bool *is_held;                /* [n_workers] `hold W` */
	bool keeps_history;           /* GATE_KEEP on all nodes; default */
	uint32_t *order;              /* [n_nodes] debug_order */
	struct debug_pending *pending;
	int n_pending;
	struct debug_display *displays;
	int n_displays, n_display_ids;
	int exit_status;              /* of a child that has ended; -1 */
	_Atomic int is_interrupted;   /* debugger_interrupt was called */
	struct debug_motion *motion;  /* debugger_private.h: what is being done while MOVING */
};

int debugger_create(const struct debugger_options *options, struct error *error, struct debugger **ret_debugger);
/* Ends a child (in bounded time; `is_kept` lets it go on instead), detaches from others. Accepts NULL. */
void debugger_destroy(struct debugger *debugger, bool is_kept);

/* The program whose names count: the target's, else that of the plan. NULL when there is none. */
const struct program *debugger_program(const struct debugger *debugger);

/* Starts `tandem run ARGUMENTS --wait-for-debugger` and attaches; the state is MOVING and becomes HALTED at `input` of execution 0
 * (REASON_START) once it has started, or at the first stop that is hit with `goes_on`. A run that could not start is REASON_END with what it
 * printed. A child from before is ended first. */
int debugger_start(struct debugger *debugger, bool goes_on, struct error *error);

/* Attaches to a run that goes on; it is halted (MOVING until then). `limit_ns` as debug_target_attach. */
int debugger_attach(struct debugger *debugger, pid_t pid, int64_t limit_ns, struct error *error);
/* Lets the run go on, unharmed and without us; also a child, which prints to our stdout and stderr from then on (launch_leave; an error means that
 * this could not be arranged). READY, with the names kept. */
int debugger_detach(struct debugger *debugger, struct error *error);
/* Ends the run as Ctrl-C would (bounded). */
int debugger_kill(struct debugger *debugger, struct error *error);

/* Takes over saved images (copied); the state is SAVED, the halt is where it happened. */
int debugger_open_images(struct debugger *debugger, const struct debug_images *images, struct error *error);

/* Goes on; `count` times for STEP, NEXT, NODE; UNTIL takes the stop that the caller has added last, as temporary, which is gone at the next halt
 * in any case. The process of the last halt leaves its gate without being judged again; a stop added meanwhile at the gate of another that
 * stands is hit at once. STATUS_USAGE when nothing is halted, or NEXT's selected process is held, with what to do instead. */
int debugger_resume(struct debugger *debugger, enum debug_resume how, uint64_t count, struct error *error);

/* Lets things happen for at most `limit_ns`: judges who stands at a gate, forwards what the run printed, notices its end. Returns the state;
 * anything but MOVING means that `halt` is new. A halt or end with notes on changes that were carried out meanwhile has them in its text. */
enum debug_state debugger_poll(struct debugger *debugger, int64_t limit_ns);
/* While HALTED: forwards what the run printed and looks whether it is over: false then (ENDED, with a new halt). Touches no gate, never blocks. */
bool debugger_listen(struct debugger *debugger);
/* Begins a halt of everybody, from HALTED, after somebody else has worked the gates: MOVING until debugger_poll ends it, in bounded time. The
 * gates are taken as they are found. `worker` is who is told of, with `reason` and `text` (lines, each ended; may be NULL); PROGRAM_NONE:
 * the earliest
 * that stands. */
int debugger_halt(struct debugger *debugger, uint32_t worker, enum debug_reason reason, const char *text);
/* Async-signal-safe, any thread: halts as soon as possible. */
void debugger_interrupt(struct debugger *debugger);

/* `hold`, `release` of one process. Held ones stand at their next gate until they are released, whatever the others do. Also while MOVING. */
void debugger_hold(struct debugger *debugger, uint32_t worker, bool is_held);
/* To be called after stops, history or pending changes were changed: tells the gates. */
void debugger_arm(struct debugger *debugger);

/* An assignment, now when its value is writable here, otherwise once its node stands after compute in `execution` (DEBUG_LATEST: the
 * current one). With
 * `all_ranks` for every node of the same collective. Takes the assignment over. `out` says what was done or will be. */
int debugger_set(struct debugger *debugger, struct debug_assignment *assignment, uint64_t execution, bool all_ranks, const char *text,
	struct strbuf *out, struct error *error);

/* The execution that commands mean: the selected one, else the halt's; DEBUG_LATEST when there is none. */
uint64_t debugger_execution(const struct debugger *debugger);
/* Where the cursor stands: node (PROGRAM_NONE), and place. */
uint32_t debugger_node(const struct debugger *debugger);

/* Backwards (`direction` −1) or forwards (+1) through captured history: moves the cursor by `count` nodes in the graph's order, over
 * executions. Never
 * undoes anything. STATUS_INPUT at the end of what is held, with the budget. */
int debugger_move_cursor(struct debugger *debugger, int direction, uint64_t count, struct error *error);

#endif
