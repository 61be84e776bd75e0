/* SPDX-License-Identifier: Apache-2.0
 *
 * layout: what is known of a run before it starts, from its program into the tables graph, run, run_meta, device,
 * worker, node, channel, edge, plan_step, lane and loss.
 */
#ifndef TANDEM_TRACES_LAYOUT_H
#define TANDEM_TRACES_LAYOUT_H

#include <stdint.h>

#include "engine/base/error.h"
#include "engine/run/program.h"
#include "traces/db.h"

/* A thing's id in the file is its offset here plus its index in the program. Lanes of hosts have the index of their
 * worker, those of channels follow. */
struct layout {
	int64_t run;
	int64_t device, worker, node, edge, channel, lane;
};

/* Must be called in a transaction. The run starts at `start_ns` with status "running". */
int layout_enter(struct db *db, const struct program *program, int64_t start_ns, struct error *error,
	struct layout *ret_layout);

#endif
