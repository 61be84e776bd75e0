/* SPDX-License-Identifier: Apache-2.0
 *
 * twin_private: what the parts of the twin share.
 *
 *   point       a node that both programs have; `output` is one by its results. Points are numbered in the graph's order (a's)
 *   value       an output of a point (of `output`: a result); numbered through over all points
 *   execution   what of one execution was compared; forgotten when all of it was
 *   candidate   the lowest divergence so far: of the lowest execution, then of the lowest value. It becomes the twin's divergence when nothing
 *               lower can still come
 */
#ifndef TANDEM_ENGINE_DEBUG_TWIN_PRIVATE_H
#define TANDEM_ENGINE_DEBUG_TWIN_PRIVATE_H

#include "engine/debug/twin.h"

enum twin_side { TWIN_A, TWIN_B, TWIN_SIDES };

struct twin_point {
	uint32_t nodes[TWIN_SIDES];
	uint32_t row;
	uint32_t first_value, n_values;
	uint32_t *results;       /* of `output`: b's position of each value; NULL otherwise. Owned */
};

struct twin_execution {
	uint32_t n_left;         /* points not yet compared */
	uint8_t *agreements;     /* [n_values] enum debug_agreement */
	bool *is_done;           /* [n_points] */
	uint8_t *sides;          /* [n_values] digests: bits of the sides that it has come from */
	uint64_t *digests;       /* [n_values] digests: of the side that came first */
};

/* A process that stands at a gate of a point and waits for its counterpart. */
struct twin_arrival {
	bool stands;
	uint32_t n_stops;        /* of the stop seen last */
	uint32_t point;
	struct gate_stop stop;
};

/* Outputs of a process that was let go before its counterpart came. */
struct twin_kept {
	enum twin_side side;
	uint32_t point;
	struct gate_stop stop;   /* tensors' offsets count from `data` */
	uint8_t *data;
};

struct twin_work {
	struct debugger *sides[TWIN_SIDES];
	bool is_live[TWIN_SIDES];
	struct twin_point *points;
	uint32_t n_points, n_values;
	uint32_t *points_of[TWIN_SIDES]; /* [n_nodes] point; PROGRAM_NONE */
	uint32_t n_nodes[TWIN_SIDES];

	uint64_t from, first;            /* executions before `from` are not looked at; before `first` all are compared whole */
	struct twin_execution **open;    /* [n_open] from `first` on; NULL: nothing of it has come, or all of it (is_whole) */
	bool *is_whole;
	size_t n_open, capacity;

	bool has_candidate;
	struct debug_divergence candidate;
	uint32_t candidate_point;
	uint32_t candidate_workers[TWIN_SIDES]; /* who stands there; PROGRAM_NONE */

	struct twin_arrival *arrivals[TWIN_SIDES]; /* [n_workers] */
	struct twin_kept *kept;
	size_t n_kept;
	int n_still;                     /* looks in a row at which nothing could move */
	unsigned n_turns;

	uint64_t *positions[TWIN_SIDES]; /* [n_workers] digests: of the histories, read so far */
	uint64_t newest[TWIN_SIDES];     /* 1 + latest execution of which something has come; 0: none */
	bool is_throttled[TWIN_SIDES];
	bool is_out_of_memory, is_interrupted;
};

/* -- twin_match.c: which nodes are the same ------------------------------------------------------------------------------ */

/* Makes rows, points and maps anew from both programs; rows that were there keep their counts. */
int twin_match(struct debug_twin *twin, char *const *skipped, struct error *error);
void twin_forget_points(struct twin_work *work);

/* -- twin_balance.c: what was compared ----------------------------------------------------------------------------------- */

/* The execution's record, made when it is the first time; NULL when all of it was compared, it is not to be looked at, or without memory. */
struct twin_execution *twin_open(struct debug_twin *twin, uint64_t execution);
/* A point was compared: counts it, and closes what is whole. `worst`: of its values. */
void twin_close_point(struct debug_twin *twin, struct twin_execution *execution, uint64_t number, uint32_t point, enum debug_agreement worst,
	bool is_failed);
/* A point that is still open failed, on both sides (`is_equal`) or on one: what depends on it is not waited for, since an interpreted run does not
 * come to it. On both sides it failed too. */
void twin_close_dependents(struct debug_twin *twin, struct twin_execution *execution, uint64_t number, uint32_t point, bool is_equal);
/* Whether a divergence there would be lower than the candidate. */
bool twin_is_lower(const struct twin_work *work, uint64_t execution, uint32_t point);
/* Makes it the candidate; agreements of inputs are those of what they read. */
void twin_set_candidate(struct debug_twin *twin, uint64_t execution, uint32_t point, uint32_t value, const struct debug_difference *difference);
void twin_set_failure(struct debug_twin *twin, enum twin_side side, uint32_t failure);
/* Whether everything lower than the candidate was compared; whether all that was asked for is. */
bool twin_is_settled(const struct twin_work *work);
bool twin_is_complete(const struct debug_twin *twin);
void twin_forget_executions(struct twin_work *work);

/* -- twin_compare.c: values of two processes ------------------------------------------------------------------------------ */

/* One side of a pair: a process at its gate, or what was kept of it. */
struct twin_view {
	const struct gate_stop *stop;
	const uint8_t *base;     /* tensors' offsets count from here */
	uint32_t worker;         /* PROGRAM_NONE: it has gone on */
};
/* Compares all values of a point in an execution, and counts it. */
void twin_compare_pair(struct debug_twin *twin, uint32_t point, uint64_t execution, const struct twin_view views[TWIN_SIDES]);
/* Which of a stop's tensors is a value; PROGRAM_NONE when it is not among them. */
uint32_t twin_value_index(const struct twin_point *point, enum twin_side side, const struct gate_stop *stop, uint32_t value);

/* -- the two ways -------------------------------------------------------------------------------------------------------- */

int twin_lockstep(struct debug_twin *twin, struct error *error);
void twin_lockstep_finish(struct twin_work *work);
int twin_digests(struct debug_twin *twin, struct error *error);

/* -- twin.c -------------------------------------------------------------------------------------------------------------- */

/* Looks after both runs: forwards what they print, notices their ends. False when the twin should stop: interrupted, out of memory, or both have
 * ended. */
bool twin_listen(struct debug_twin *twin);
/* Sets what a run's gates are to do at the nodes of points (`output` has its own flags); nobody is stepping any more. */
void twin_arm(struct debug_twin *twin, enum twin_side side, uint8_t flags, uint8_t output_flags);
/* `side` has ended, and the other has come to `node` (of its program) in `execution`: fills `error`, returns its status. */
int twin_tell_end(struct debug_twin *twin, enum twin_side side, uint32_t node, uint64_t execution, struct error *error);
/* "compiled", "interpreted", or "first", "second" where the modes are the same. */
const char *twin_side_word(const struct debug_twin *twin, enum twin_side side);

static inline struct debug_target *twin_target(const struct debug_twin *twin, enum twin_side side)
{
	return &twin->work->sides[side]->target;
}

static inline enum twin_side twin_other(enum twin_side side)
{
	return side == TWIN_A ? TWIN_B : TWIN_A;
}

#endif
