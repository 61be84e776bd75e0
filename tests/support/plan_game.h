/* SPDX-License-Identifier: Apache-2.0
 *
 * plan_game: plays a plan step by step, without processes: what the executor would do, on counters. It knows nothing of the
 * marked graph, so that proofs can be compared with it. Since no step takes a choice away from another, playing whatever can
 * be played finds out whether the plan can stand still.
 */
#ifndef TANDEM_TESTS_SUPPORT_PLAN_GAME_H
#define TANDEM_TESTS_SUPPORT_PLAN_GAME_H

#include "engine/graph/plan.h"

struct plan_game {
	int n_passes;        /* executions that the caller submits */
	int in_flight;       /* most between submit and release */
	bool is_greedy; /* the caller submits as many as it may before it takes a result, and waits in submit if it has to;
			   otherwise it takes results whenever there are any */
	int frozen_node;     /* never computes; -1: none */
	bool has_free_slots; /* storages whose depth was not given have slots without end */
};

struct plan_outcome {
	int n_finished;      /* results taken */
	int n_written;       /* messages in channel `watched` */
	int n_violations;    /* a node computed without an input, or a slot was written that somebody still had to read */
};

/* `watched` is a channel index. Ends the process when memory is out. */
struct plan_outcome plan_play(const struct plan *plan, const struct plan_game *game, int watched);

#endif
