/* SPDX-License-Identifier: Apache-2.0
 *
 * critical_run: adding ops, putting them in order, and finding them again.
 */
#include "traces/critical_run.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/attributes.h"
#include "engine/graph/graph.h"

#define IN_OP(name) { PHASE_##name, OP_PHASE_##name }
#define NOT_IN_OP(name) { PHASE_##name, -1 }
const struct critical_phase critical_phase_order[PHASE_COUNT] = { IN_OP(STARVED), IN_OP(LATE_RANK), NOT_IN_OP(LIMIT), NOT_IN_OP(IDLE),
	IN_OP(DISPATCH), IN_OP(FETCH), IN_OP(READ), IN_OP(ALLOCATE), IN_OP(BACKPRESSURE), IN_OP(LAUNCH), IN_OP(COMPUTE),
	IN_OP(COLLECTIVE), IN_OP(SYNC), IN_OP(DEBUG), IN_OP(SERIALISE), IN_OP(WRITE), IN_OP(RECORDER), IN_OP(UNKNOWN) };
static_assert(OP_PHASE_COUNT + 2 == PHASE_COUNT, "every phase has a place");

bool critical_is_wait(enum phase phase)
{
	return phase == PHASE_STARVED || phase == PHASE_BACKPRESSURE || phase == PHASE_LATE_RANK || phase == PHASE_LIMIT
		|| phase == PHASE_IDLE;
}

static bool make_room(void **items, int64_t *capacity, int64_t needed, size_t item_bytes)
{
	if (needed <= *capacity)
		return true;
	int64_t more = *capacity ? 2 * *capacity : 1024;
	void *grown = realloc(*items, (size_t)more * item_bytes);
	if (!grown)
		return false;
	*items = grown;
	*capacity = more;
	return true;
}

bool critical_run_add(struct critical_run *run, struct critical_op op, const int64_t *phase_ns)
{
	if (!make_room((void **)&run->ops, &run->ops_capacity, run->n_ops + 1, sizeof(*run->ops))
		|| !make_room((void **)&run->pieces, &run->pieces_capacity, run->n_pieces + PHASE_COUNT, sizeof(*run->pieces)))
		return false;
	op.first_piece = (uint32_t)run->n_pieces;
	op.end_ns = op.start_ns;
	for (int i = 0; i < PHASE_COUNT; i++) {
		int64_t ns = phase_ns[critical_phase_order[i].phase];
		if (ns <= 0)
			continue;
		op.end_ns += ns;
		run->pieces[run->n_pieces++] = (struct critical_piece){ .end_ns = op.end_ns, .phase = critical_phase_order[i].phase };
	}
	op.n_pieces = (uint32_t)(run->n_pieces - op.first_piece);
	run->ops[run->n_ops++] = op;
	return true;
}

static int by_place(const void *a, const void *b)
{
	const struct critical_op *x = a, *y = b;
	if (x->lane != y->lane)
		return x->lane < y->lane ? -1 : 1;
	if (x->start_ns != y->start_ns)
		return x->start_ns < y->start_ns ? -1 : 1;
	if (x->end_ns != y->end_ns)
		return x->end_ns < y->end_ns ? -1 : 1;
	return (x->first_piece > y->first_piece) - (x->first_piece < y->first_piece);
}

static bool is_in_order(const struct critical_run *run)
{
	for (int64_t i = 1; i < run->n_ops; i++) {
		if (by_place(&run->ops[i - 1], &run->ops[i]) > 0)
			return false;
	}
	return true;
}

static const struct critical_op *op_at(const struct critical_run *run, const struct critical_node *node, int64_t i)
{
	return &run->ops[node->ops[i]];
}

/* Ops of one node come in order of executions but for odd traces: an insertion sort does little. */
static void sort_node(const struct critical_run *run, struct critical_node *node)
{
	for (int64_t i = 1; i < node->n_ops; i++) {
		int64_t op = node->ops[i], k = i;
		for (; k > 0 && op_at(run, node, k - 1)->execution > run->ops[op].execution; k--)
			node->ops[k] = node->ops[k - 1];
		node->ops[k] = op;
	}
}

static bool index_nodes(struct critical_run *run)
{
	for (int64_t i = 0; i < run->n_ops; i++) {
		if (run->ops[i].node != CRITICAL_NONE)
			run->nodes[run->ops[i].node].n_ops++;
	}
	for (int32_t i = 0; i < run->n_nodes; i++) {
		run->nodes[i].ops = malloc((size_t)(run->nodes[i].n_ops + 1) * sizeof(int64_t));
		if (!run->nodes[i].ops)
			return false;
		run->nodes[i].n_ops = 0;
	}
	for (int64_t i = 0; i < run->n_ops; i++) {
		if (run->ops[i].node == CRITICAL_NONE)
			continue;
		struct critical_node *node = &run->nodes[run->ops[i].node];
		node->ops[node->n_ops++] = i;
	}
	for (int32_t i = 0; i < run->n_nodes; i++)
		sort_node(run, &run->nodes[i]);
	return true;
}

int64_t critical_run_counted_from(const struct critical_run *run)
{
	int64_t i = 0;
	while (i < run->n_executions && run->executions[i].is_warmup)
		i++;
	return i < run->n_executions ? run->executions[i].start_ns : INT64_MAX;
}

/* Of ops whose execution is no warm-up. */
static void measure_node(const struct critical_run *run, struct critical_node *node, int64_t first_execution)
{
	int64_t n = 0, work_ns = 0, compute_ns = 0;
	for (int64_t i = 0; i < node->n_ops; i++) {
		const struct critical_op *op = op_at(run, node, i);
		int64_t at_ns = op->start_ns;
		n += op->execution >= first_execution;
		for (uint32_t k = 0; k < op->n_pieces && op->execution >= first_execution; k++) {
			const struct critical_piece *piece = &run->pieces[op->first_piece + k];
			bool computes = piece->phase == PHASE_COMPUTE || piece->phase == PHASE_COLLECTIVE;
			work_ns += critical_is_wait((enum phase)piece->phase) ? 0 : piece->end_ns - at_ns;
			compute_ns += computes ? piece->end_ns - at_ns : 0;
			at_ns = piece->end_ns;
		}
	}
	node->mean_work_ns = n ? work_ns / n : 0;
	node->mean_compute_ns = n ? compute_ns / n : 0;
}

static void measure_nodes(struct critical_run *run)
{
	int64_t i = 0;
	while (i < run->n_executions && run->executions[i].is_warmup)
		i++;
	for (int32_t node = 0; node < run->n_nodes; node++)
		measure_node(run, &run->nodes[node], i && i < run->n_executions ? run->executions[i].execution : 0);
}

bool critical_run_index(struct critical_run *run)
{
	if (!is_in_order(run))
		qsort(run->ops, (size_t)run->n_ops, sizeof(*run->ops), by_place);
	run->lanes = calloc((size_t)run->n_workers + 1, sizeof(*run->lanes));
	if (!run->lanes)
		return false;
	for (int64_t i = 0; i < run->n_ops; i++)
		run->lanes[run->ops[i].lane + 1] = i + 1;
	for (int32_t i = 1; i <= run->n_workers; i++) {
		if (run->lanes[i] < run->lanes[i - 1])
			run->lanes[i] = run->lanes[i - 1];
	}
	if (!index_nodes(run))
		return false;
	measure_nodes(run);
	return true;
}

const struct critical_op *critical_run_find(const struct critical_run *run, int32_t node_idx, int64_t execution)
{
	const struct critical_node *node = &run->nodes[node_idx];
	if (!node->n_ops)
		return NULL;
	int64_t low = 0, high = node->n_ops - 1, guess = execution - op_at(run, node, 0)->execution;
	if (guess >= 0 && guess < node->n_ops && op_at(run, node, guess)->execution == execution)
		return op_at(run, node, guess);
	while (low < high) {
		int64_t middle = (low + high) / 2;
		if (op_at(run, node, middle)->execution < execution)
			low = middle + 1;
		else
			high = middle;
	}
	return op_at(run, node, low)->execution == execution ? op_at(run, node, low) : NULL;
}

int64_t critical_run_before(const struct critical_run *run, int32_t lane, int64_t time_ns)
{
	int64_t low = run->lanes[lane], high = run->lanes[lane + 1];
	while (low < high) {
		int64_t middle = (low + high) / 2;
		if (run->ops[middle].start_ns < time_ns)
			low = middle + 1;
		else
			high = middle;
	}
	return low - 1;
}

int64_t critical_run_ready(const struct critical_run *run, int32_t node_idx, int64_t execution, int32_t *ret_edge)
{
	const struct critical_node *node = &run->nodes[node_idx];
	int64_t ready_ns = INT64_MIN;
	*ret_edge = CRITICAL_NONE;
	for (int32_t i = 0; i < node->inputs.n; i++) {
		int32_t edge = run->inputs[node->inputs.first + i];
		const struct critical_op *producer = critical_run_find(run, run->edges[edge].src, execution);
		if (!producer || producer->end_ns < ready_ns)
			continue;
		ready_ns = producer->end_ns;
		*ret_edge = edge;
	}
	return ready_ns;
}

/* A slot is released after the node has computed and before it publishes. */
static int64_t computed_ns(const struct critical_run *run, const struct critical_op *op)
{
	uint32_t n = op->n_pieces;
	const struct critical_piece *pieces = &run->pieces[op->first_piece];
	while (n > 1 && (pieces[n - 1].phase == PHASE_WRITE || pieces[n - 1].phase == PHASE_SERIALISE))
		n--;
	return n ? pieces[n - 1].end_ns : op->end_ns;
}

/* The caller gives results back before the driver's next recorded step. */
static int64_t returned_ns(const struct critical_run *run, const struct critical_op *op)
{
	int64_t next = op - run->ops + 1;
	return next < run->lanes[op->lane + 1] ? run->ops[next].start_ns : INT64_MAX;
}

int64_t critical_run_release(const struct critical_run *run, const struct critical_store *store, int64_t execution,
	const struct critical_release **ret_release)
{
	int64_t released_ns = INT64_MIN;
	*ret_release = NULL;
	for (int32_t i = 0; i < store->releases.n && execution >= store->depth; i++) {
		const struct critical_release *release = &run->releases[store->releases.first + i];
		const struct critical_op *op = critical_run_find(run, release->node, execution - store->depth);
		int64_t at_ns = !op ? INT64_MIN : release->node == GRAPH_OUTPUT ? returned_ns(run, op) : computed_ns(run, op);
		if (at_ns > released_ns) {
			released_ns = at_ns;
			*ret_release = release;
		}
	}
	return released_ns;
}

void critical_run_finish(struct critical_run *run)
{
	for (int32_t i = 0; run->nodes && i < run->n_nodes; i++) {
		free(run->nodes[i].name);
		free(run->nodes[i].op);
		free(run->nodes[i].ops);
	}
	for (int32_t i = 0; run->edges && i < run->n_edges; i++)
		free(run->edges[i].name);
	for (int32_t i = 0; run->workers && i < run->n_workers; i++)
		free(run->workers[i]);
	void *const arrays[] = { run->nodes, run->edges, run->stores, run->releases, run->inputs, run->workers, run->ops, run->pieces,
		run->lanes, run->executions };
	for (size_t i = 0; i < ARRAY_LEN(arrays); i++)
		free(arrays[i]);
	*run = (struct critical_run){ 0 };
}
