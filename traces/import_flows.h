/* SPDX-License-Identifier: Apache-2.0
 *
 * import_flows: arrows of a trace, counted by their ids: real files have ends without beginnings and the other way round, and say so nowhere.
 */
#ifndef TANDEM_TRACES_IMPORT_FLOWS_H
#define TANDEM_TRACES_IMPORT_FLOWS_H

#include <stdbool.h>
#include <stdint.h>

struct import_flows {
	struct import_flow *slots; /* by hash; none: free */
	uint64_t n_slots, n;
	uint64_t n_left_out;       /* arrows that found no room: beyond 2 M ids, or without memory */
};

/* Of ids: with a beginning only, an end only, several ends. */
struct import_flow_sums {
	uint64_t start_only, end_only, several_ends;
};

/* `key` is a hash of 64 bits of what makes two arrows the same. */
void import_flows_add(struct import_flows *flows, uint64_t key, bool is_end);
struct import_flow_sums import_flows_sum(const struct import_flows *flows);
void import_flows_finish(struct import_flows *flows);

#endif
