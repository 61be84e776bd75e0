/* SPDX-License-Identifier: Apache-2.0
 *
 * crowd: see the header.
 */
#include "tests/traces/crowd.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#include "engine/base/attributes.h"
#include "engine/graph/graph.h"

#define N_WORKERS 3
#define N_NODES 2

struct writer {
	const struct crowd_options *options;
	struct crowd *crowd;
	unsigned state;
	struct record *records[N_WORKERS + 1];
	uint32_t n[N_WORKERS + 1], capacity[N_WORKERS + 1];
	int64_t free_ns[N_WORKERS + 1];
};

static int64_t pick(struct writer *writer, int64_t low, int64_t high)
{
	writer->state = writer->state * 1103515245u + 12345u;
	return low + (int64_t)(writer->state >> 16) * (high - low + 1) / 65536;
}

static bool one_in(struct writer *writer, int n)
{
	return n && pick(writer, 1, n) == 1;
}

static void add(struct writer *writer, uint32_t lane, struct record record)
{
	if (one_in(writer, writer->options->lose_one_in))
		return;
	if (writer->n[lane] == writer->capacity[lane]) {
		writer->capacity[lane] = writer->capacity[lane] ? 2 * writer->capacity[lane] : 1024;
		writer->records[lane] = realloc(writer->records[lane], writer->capacity[lane] * sizeof(struct record));
		cr_assert(writer->records[lane] != NULL);
	}
	writer->records[lane][writer->n[lane]++] = record;
}

static int64_t add_op(struct writer *writer, uint32_t node, int64_t execution, int64_t ready_ns)
{
	static const enum phase phases[] = { PHASE_STARVED, PHASE_READ, PHASE_COMPUTE, PHASE_WRITE };
	uint32_t lane = writer->crowd->synthetic.program.nodes[node].worker;
	int64_t start_ns = writer->free_ns[lane] + (one_in(writer, 5) ? pick(writer, 0, 40) : 0);
	bool stalls = one_in(writer, writer->options->stall_one_in);
	int64_t ns[] = { ready_ns > start_ns ? ready_ns - start_ns : 0, one_in(writer, 3) ? pick(writer, 1, 90) : 0,
		stalls ? pick(writer, 300000, 3000000) : pick(writer, 0, 900), one_in(writer, 2) ? pick(writer, 1, 200) : 0 };
	add(writer, lane, synthetic_op(node, (uint64_t)execution, start_ns, 4, phases, ns));
	if (ns[0] > 300)
		add(writer, lane, synthetic_wait(PHASE_STARVED, node, (uint64_t)execution, start_ns, ns[0], 0, 0, 0));
	return writer->free_ns[lane] = start_ns + ns[0] + ns[1] + ns[2] + ns[3];
}

static void add_execution(struct writer *writer, int64_t execution)
{
	static const enum phase writes = PHASE_WRITE, starves = PHASE_STARVED;
	int64_t now_ns = writer->free_ns[0], written_ns = pick(writer, 1, 60);
	if (one_in(writer, writer->options->pause_one_in)) {
		int64_t pause_ns = pick(writer, 1000, 20000000);
		add(writer, 0, synthetic_span(PHASE_IDLE, now_ns, pause_ns));
		now_ns += pause_ns;
	}
	add(writer, 0, synthetic_submit((uint64_t)execution, now_ns));
	add(writer, 0, synthetic_op(GRAPH_INPUT, (uint64_t)execution, now_ns, 1, &writes, &written_ns));
	now_ns += written_ns;
	int64_t ready_ns = now_ns;
	for (uint32_t node = 2; node < writer->crowd->synthetic.program.header->n_nodes; node++)
		ready_ns = add_op(writer, node, execution, ready_ns) + pick(writer, 0, 30);
	if (pick(writer, 0, 2) == 0 && ready_ns > now_ns) { /* otherwise the results are fetched without a wait */
		add(writer, 0, synthetic_op(GRAPH_OUTPUT, (uint64_t)execution, now_ns, 1, &starves, (int64_t[]){ ready_ns - now_ns }));
		now_ns = ready_ns;
	}
	add(writer, 0, synthetic_finish_record((uint64_t)execution, ready_ns, STATUS_OK, 0));
	writer->free_ns[0] = now_ns + pick(writer, 0, 300);
}

/* Lanes in turn, in pieces of their own lengths. */
static void deliver(struct writer *writer)
{
	uint32_t at[N_WORKERS + 1] = { 0 };
	for (bool has_more = true; has_more;) {
		has_more = false;
		for (uint32_t lane = 0; lane <= N_WORKERS; lane++) {
			uint32_t n = (uint32_t)pick(writer, 0, 700);
			n = n < writer->n[lane] - at[lane] ? n : writer->n[lane] - at[lane];
			if (n)
				synthetic_intake_enter(&writer->crowd->target, lane, writer->records[lane] + at[lane], n);
			at[lane] += n;
			has_more |= at[lane] < writer->n[lane];
		}
	}
}

void crowd_make(struct crowd *crowd, const struct crowd_options *options)
{
	struct writer writer = { .options = options, .crowd = crowd, .state = options->seed * 2654435761u + 1 };
	synthetic_use_ns();
	synthetic_init(&crowd->synthetic, N_WORKERS, N_NODES, 64, 64);
	crowd->start_ns = clock_now().ns;
	synthetic_intake_init(&crowd->target, &crowd->synthetic, crowd->synthetic.file, crowd->start_ns);
	for (int i = 0; i <= N_WORKERS; i++)
		writer.free_ns[i] = crowd->start_ns + 100000 + pick(&writer, 0, 5000);
	for (int i = 0; i < options->n_executions; i++)
		add_execution(&writer, i);
	deliver(&writer);
	crowd->end_ns = crowd->start_ns;
	for (int i = 0; i <= N_WORKERS; i++)
		crowd->end_ns = writer.free_ns[i] > crowd->end_ns ? writer.free_ns[i] : crowd->end_ns;
	crowd->end_ns += 1000;
	if (!options->is_unfinished) {
		struct error error = { 0 };
		cr_assert(intake_close(crowd->target.intake, &error) == STATUS_OK, "%s", error.text);
		synthetic_intake_end(&crowd->target, crowd->end_ns);
	}
	synthetic_intake_finish(&crowd->target);
	for (int i = 0; i <= N_WORKERS; i++)
		free(writer.records[i]);
}

void crowd_finish(struct crowd *crowd)
{
	synthetic_finish(&crowd->synthetic);
}
