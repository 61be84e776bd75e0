/* SPDX-License-Identifier: Apache-2.0
 *
 * world: small graphs as the driver compiles them, for targets that start behind the front end. Made at the first use, kept to the end.
 */
#ifndef TANDEM_TESTS_FUZZ_WORLD_H
#define TANDEM_TESTS_FUZZ_WORLD_H

#include "engine/graph/plan_check.h"
#include "engine/run/program.h"

struct world {
	struct graph *graph;
	struct plan *plan;
	struct program program;
	int program_fd;
};

/* The graphs by index, in either mode; `which` is taken modulo their number. Ends the program when that fails. */
const struct world *world_get(unsigned which, enum run_mode mode);
unsigned world_count(void);

#endif
