/* SPDX-License-Identifier: Apache-2.0
 *
 * gpu_totals: a hash table with open addressing.
 */
#include "traces/gpu_totals.h"

#include <stdlib.h>

#define FIRST_SLOTS 256u

static struct gpu_total *find(const struct gpu_totals *totals, int64_t group, int64_t name)
{
	uint64_t at = ((uint64_t)name ^ (uint64_t)group << 40) * 0x9e3779b97f4a7c15ull;
	for (at ^= at >> 32;; at++) {
		struct gpu_total *total = &totals->slots[at & (totals->n_slots - 1)];
		if (!total->n || (total->name == name && total->group == group))
			return total;
	}
}

static int grow(struct gpu_totals *totals, struct error *error)
{
	struct gpu_totals larger = { .n_slots = totals->n_slots ? totals->n_slots * 2 : FIRST_SLOTS, .n = totals->n };
	larger.slots = calloc(larger.n_slots, sizeof *larger.slots);
	if (!larger.slots)
		return error_set(error, STATUS_NO_MEMORY, "no memory for the sums of this trace");
	for (uint32_t i = 0; i < totals->n_slots; i++) {
		if (totals->slots[i].n)
			*find(&larger, totals->slots[i].group, totals->slots[i].name) = totals->slots[i];
	}
	free(totals->slots);
	*totals = larger;
	return STATUS_OK;
}

int gpu_totals_add(struct gpu_totals *totals, int64_t group, int64_t name, int64_t class, int64_t row, int64_t ns, int64_t bytes,
	struct error *error)
{
	int status = totals->n * 4 >= totals->n_slots * 3 ? grow(totals, error) : STATUS_OK;
	if (status != STATUS_OK)
		return status;
	struct gpu_total *total = find(totals, group, name);
	if (!total->n) {
		totals->n++;
		*total = (struct gpu_total){ .group = group, .name = name, .min_ns = ns, .max_ns = ns, .max_row = row, .class = class };
	}
	total->n++;
	total->ns += ns;
	total->bytes += bytes > 0 ? bytes : 0;
	total->min_ns = ns < total->min_ns ? ns : total->min_ns;
	if (ns > total->max_ns) {
		total->max_ns = ns;
		total->max_row = row;
	}
	return STATUS_OK;
}

void gpu_totals_finish(struct gpu_totals *totals)
{
	free(totals->slots);
	*totals = (struct gpu_totals){ 0 };
}
