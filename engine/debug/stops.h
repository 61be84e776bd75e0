/* SPDX-License-Identifier: Apache-2.0
 *
 * stops: breakpoints, catchpoints, watchpoints: what they are, which gates they need, and whether one is hit by a process that stands at a gate.
 */
#ifndef TANDEM_ENGINE_DEBUG_STOPS_H
#define TANDEM_ENGINE_DEBUG_STOPS_H

#include "engine/debug/expression.h"

/* X(NAME, word, phrase) */
#define DEBUG_STOP_MAP(X)                                                                              \
	X(BREAK, "break", "breakpoint")       /* at a place: node, op, worker, execution */            \
	X(ERROR, "catch error", "catchpoint") /* an op failed */                                       \
	X(NAN, "catch nan", "catchpoint")     /* an output holds a NaN */                              \
	X(INF, "catch inf", "catchpoint")     /* an output holds an infinity */                        \
	X(SLOW, "catch duration", "catchpoint") /* an op took longer than a limit */                   \
	X(WAIT, "catch wait", "catchpoint")   /* a node waited longer than a limit */                  \
	X(WATCH, "watch", "watchpoint")       /* a value differs from that of the execution before */
enum debug_stop_kind {
#define X(name, word, phrase) DEBUG_STOP_##name,
	DEBUG_STOP_MAP(X)
#undef X
	DEBUG_STOP_KINDS,
};

/* One of them. Filters that are PROGRAM_NONE, NULL or UINT64_MAX let everything through; all that are set must agree. */
struct debug_stop {
	int id;                    /* from 1, never used twice */
	enum debug_stop_kind kind;
	enum gate_place place;     /* BREAK: where; the others are after compute */
	uint32_t node, worker;
	char *op;                  /* nodes of this op; owned */
	uint64_t execution;        /* this one alone … */
	uint64_t from_execution;   /* … or from this one on; 0: from the first */
	int64_t limit_ns;          /* SLOW, WAIT */
	char *condition_text;      /* owned; NULL: none */
	struct debug_expression *condition;
	struct debug_reference watched; /* WATCH */
	double tolerance;          /* WATCH: absolute; 0: any bit */
	void *previous;            /* WATCH: its data in the execution before, owned; NULL: not seen yet */
	struct debug_value previous_value;
	bool is_enabled, is_temporary;
	uint64_t judged;           /* BREAK at one node: 1 + the last execution in which that node was judged */
	uint64_t n_hits, n_ignore; /* hits so far; hits still to be passed over */
	char **commands;           /* carried out when it stops; owned */
	int n_commands;
};

struct debug_stops {
	struct debug_stop **items; /* by id */
	int n_items, n_ids;
	struct debug_stop **spent; /* temporary ones that were hit: no longer in force, but there until debug_stops_forget_spent, so that who
	                              tells of the hit finds them */
	int n_spent;
};

/* Adds a stop with nothing set but its kind; NULL without memory. */
struct debug_stop *debug_stops_add(struct debug_stops *stops, enum debug_stop_kind kind);
struct debug_stop *debug_stops_find(const struct debug_stops *stops, int id); /* also among the spent ones */
bool debug_stops_delete(struct debug_stops *stops, int id);
bool debug_stops_spend(struct debug_stops *stops, int id); /* false: it stays in force, for lack of memory */
void debug_stops_forget_spent(struct debug_stops *stops);
void debug_stops_finish(struct debug_stops *stops);
int debug_stop_set_condition(struct debug_stop *stop, const struct program *program, const char *text, struct error *error); /* NULL: none */

/* Names may have moved (another build of the graph, another file): looks all up again; a stop whose node is gone is disabled and said so. What
 * a watchpoint remembers belongs to the run before and is forgotten. Conditions are bound to `program` then; both are there during the call. */
void debug_stops_bind(struct debug_stops *stops, const struct program *before, const struct program *program, struct strbuf *out);

/* Flags (enum gate_flag) that `node` needs for all enabled stops. `input` has no gate before compute and `output` none after: a breakpoint at
 * the one that is not there means the other. */
uint8_t debug_stops_flags(const struct debug_stops *stops, const struct program *program, uint32_t node);
/* The first execution that any enabled stop looks at; UINT64_MAX when there is none. */
uint64_t debug_stops_from(const struct debug_stops *stops);

/* Whether who stands at this gate is to stay until another rank has been judged: a breakpoint behind compute of a rank of a collective holds all
 * ranks of that execution there, so that the result can be changed on all of them (`set --all-ranks`). */
bool debug_stops_await(const struct debug_stops *stops, const struct program *program, const struct gate_stop *gate);

/* The process `worker` stands at a gate: counts hits and returns the first stop that wants to halt there, NULL when none does. `out` gets what is
 * to be said of it beyond its number, lines each ended (old and new value of a watchpoint, which element is a NaN, a condition that could not be
 * evaluated — that halts, so that it is seen; other stops hit at the same gate). Only stops with an id above `after_id` are looked at: 0 for all. */
struct debug_stop *debug_stops_hit(struct debug_stops *stops, struct debug_target *target, uint32_t worker, const struct gate_stop *stop,
	int after_id, struct strbuf *out);

/* One line as `info stops` prints it, without its number: "break at layer3, before compute, execution 7, if max > 3". */
void debug_stop_describe(const struct debug_stop *stop, const struct program *program, struct strbuf *out);

#endif
