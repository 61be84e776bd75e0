/* SPDX-License-Identifier: Apache-2.0
 *
 * random_chain: see the header.
 */
#include "tests/traces/random_chain.h"

#include <string.h>

static int pick(unsigned *seed, int low, int high)
{
	*seed = *seed * 1103515245u + 12345u;
	return low + (int)(*seed >> 16) % (high - low + 1);
}

static void add(struct random_chain *chain, uint32_t lane, struct record record)
{
	chain->records[lane][chain->n_records[lane]++] = record;
}

/* An op that has its input at `ready`; returns when it ends. */
static int64_t add_op(struct random_chain *chain, uint32_t lane, uint32_t node, int execution, int64_t *free_at, int64_t ready, unsigned *seed)
{
	static const enum phase phases[] = { PHASE_STARVED, PHASE_DISPATCH, PHASE_FETCH, PHASE_ALLOCATE, PHASE_COMPUTE,
		PHASE_WRITE };
	int64_t delivery = pick(seed, 0, 3) ? pick(seed, 1, 90) : 0, start = *free_at;
	int64_t ns[6] = { ready + delivery > start ? ready + delivery - start : 0 }, end = start + ns[0];
	for (int i = 1; i < 6; i++) {
		ns[i] = pick(seed, 0, 2) ? pick(seed, 0, i == 4 ? 1500 : 200) : 0;
		end += ns[i];
		chain->kinds_ns[execution][phases[i]] += ns[i];
	}
	chain->kinds_ns[execution][PHASE_STARVED] += delivery;
	add(chain, lane, synthetic_op(node, (uint64_t)execution, start, 6, phases, ns));
	return *free_at = end;
}

void random_chain_make(struct random_chain *chain, const struct synthetic *synthetic, int in_flight, int64_t start_ns,
	unsigned *seed)
{
	static const enum phase phases[] = { PHASE_STARVED, PHASE_WRITE };
	int64_t free_at[RANDOM_CHAIN_WORKERS_MAX + 1], ready[RANDOM_CHAIN_EXECUTIONS], driver = start_ns;
	memset(chain, 0, sizeof(*chain));
	for (int i = 0; i <= RANDOM_CHAIN_WORKERS_MAX; i++)
		free_at[i] = start_ns;
	for (int step = 0, done = 0; done < RANDOM_CHAIN_EXECUTIONS;) {
		if (step < RANDOM_CHAIN_EXECUTIONS && step - done < in_flight) {
			int64_t written = pick(seed, 1, 50);
			driver += step == done ? pick(seed, 0, 300) : 0;
			add(chain, 0, synthetic_submit((uint64_t)step, driver));
			add(chain, 0, synthetic_op(0, (uint64_t)step, driver, 1, &phases[1], &written));
			chain->kinds_ns[step][PHASE_WRITE] += written;
			driver += written;
			ready[step] = driver;
			for (uint32_t node = 2; node < synthetic->program.header->n_nodes; node++) {
				uint32_t lane = synthetic->program.nodes[node].worker;
				ready[step] = add_op(chain, lane, node, step, &free_at[lane], ready[step], seed);
			}
			step++;
			continue;
		}
		int64_t delivery = pick(seed, 1, 60), end = ready[done] > driver ? ready[done] + delivery : driver + delivery;
		chain->kinds_ns[done][PHASE_STARVED] += delivery;
		add(chain, 0, synthetic_op(1, (uint64_t)done, driver, 1, phases, (int64_t[]){ end - driver }));
		add(chain, 0, synthetic_finish_record((uint64_t)done, end, STATUS_OK, 0));
		driver = end;
		done++;
	}
	chain->end_ns = driver + 100;
}

void random_chain_enter(const struct random_chain *chain, struct synthetic_intake *target)
{
	for (uint32_t lane = 0; lane <= RANDOM_CHAIN_WORKERS_MAX; lane++) {
		if (chain->n_records[lane])
			synthetic_intake_enter(target, lane, chain->records[lane], chain->n_records[lane]);
	}
	synthetic_intake_end(target, chain->end_ns);
}
