/* SPDX-License-Identifier: Apache-2.0
 *
 * import_flows: a hash table with open addressing.
 */
#include "traces/import_flows.h"

#include <stdlib.h>

#include "engine/base/attributes.h"

#define FLOWS_MAX (UINT64_C(2) << 20)

struct import_flow {
	uint64_t key; /* 0: free */
	uint32_t n_starts, n_ends;
};

static struct import_flow *find(const struct import_flows *flows, uint64_t key)
{
	for (uint64_t at = key;; at++) {
		struct import_flow *flow = &flows->slots[at & (flows->n_slots - 1)];
		if (!flow->key || flow->key == key)
			return flow;
	}
}

static bool grow(struct import_flows *flows)
{
	struct import_flows larger = { .n_slots = flows->n_slots ? flows->n_slots * 2 : 256 };
	larger.slots = calloc(larger.n_slots, sizeof *larger.slots);
	if (!larger.slots)
		return false;
	for (uint64_t i = 0; i < flows->n_slots; i++) {
		if (flows->slots[i].key)
			*find(&larger, flows->slots[i].key) = flows->slots[i];
	}
	free(flows->slots);
	flows->slots = larger.slots;
	flows->n_slots = larger.n_slots;
	return true;
}

void import_flows_add(struct import_flows *flows, uint64_t key, bool is_end)
{
	bool is_full = flows->n >= FLOWS_MAX || (flows->n * 4 >= flows->n_slots * 3 && !grow(flows));
	key = key ? key : 1;
	struct import_flow *flow = flows->n_slots ? find(flows, key) : NULL;
	if (unlikely(!flow || (is_full && !flow->key))) {
		flows->n_left_out++;
		return;
	}
	flows->n += !flow->key;
	flow->key = key;
	flow->n_starts += !is_end;
	flow->n_ends += is_end;
}

struct import_flow_sums import_flows_sum(const struct import_flows *flows)
{
	struct import_flow_sums sums = { 0 };
	for (uint64_t i = 0; i < flows->n_slots; i++) {
		const struct import_flow *flow = &flows->slots[i];
		sums.start_only += flow->n_starts && !flow->n_ends;
		sums.end_only += flow->n_ends && !flow->n_starts;
		sums.several_ends += flow->n_ends > 1;
	}
	return sums;
}

void import_flows_finish(struct import_flows *flows)
{
	free(flows->slots);
	*flows = (struct import_flows){ 0 };
}
