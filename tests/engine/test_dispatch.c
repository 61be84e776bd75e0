/* SPDX-License-Identifier: Apache-2.0
 *
 * test_dispatch: the scheduler with workers that are played here: each takes its tasks in turn, whoever is drawn answers next. Random graphs,
 * among them crossed collectives and `order`.
 */
#include "engine/run/dispatch.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/graph/plan_check.h"
#include "tests/support/plan_graphs.h"
#include "tests/support/trials.h"

#define N_GRAPHS 2000
#define STORE_BYTES (4 << 20)
#define TASKS_MAX 4096
#define WORKERS_MAX 8

struct sent {
	uint64_t execution;
	uint32_t node;
};

struct play {
	unsigned seed;
	struct plan *plan;
	struct control control;
	struct objects objects;
	struct task_outbox outboxes[WORKERS_MAX];
	struct dispatch dispatch;
	struct sent queues[WORKERS_MAX][TASKS_MAX]; /* what each worker was sent, in order */
	int n_sent[WORKERS_MAX], n_done[WORKERS_MAX];
	uint64_t next[64];                          /* [node] execution that it must run next */
	uint64_t fails_at;                          /* execution in which `fails` does */
	uint32_t fails;
};

static void open_play(struct play *play, struct plan *plan, unsigned seed)
{
	uint32_t n_workers = (uint32_t)plan->graph->n_workers, in_flight = (uint32_t)plan->in_flight;
	struct error error = { 0 };
	void *control = aligned_alloc(64, round_up(control_bytes(n_workers, in_flight), 64));
	void *store = aligned_alloc(4096, STORE_BYTES);
	memset(control, 0, control_bytes(n_workers, in_flight));
	memset(store, 0, STORE_BYTES);
	*play = (struct play){ .seed = seed, .plan = plan, .fails = 2 + seed % (unsigned)(plan->graph->n_nodes - 1), .fails_at = 2 };
	control_init(control, n_workers, in_flight, 1, &play->control);
	objects_init(store, STORE_BYTES, false, &play->objects);
	cr_assert_eq(dispatch_init(&play->dispatch, plan, &play->control, &play->objects, play->outboxes, &error), STATUS_OK, "%s",
		error.text);
}

static void close_play(struct play *play)
{
	dispatch_finish(&play->dispatch);
	for (int i = 0; i < WORKERS_MAX; i++)
		task_outbox_finish(&play->outboxes[i]);
	free(play->control.header);
	free(play->objects.base);
}

static void fill(struct play *play, uint64_t execution, uint32_t node, struct task_value *values)
{
	const struct graph *graph = play->plan->graph;
	for (int i = 0; i < graph->nodes[node].n_outputs; i++) {
		struct tensor tensor = type_bound_tensor(&graph->nodes[node].outputs[i], &graph->symbols);
		uint64_t object = objects_allocate(&play->objects, tensor_bytes(&tensor), node, (uint32_t)i, execution);
		cr_assert(object, "the store is full");
		task_value_set(&values[i], object, &tensor);
		objects_seal(&play->objects, object, dispatch_readers(&play->dispatch, node, (uint32_t)i));
	}
}

static void begin(struct play *play, uint64_t execution)
{
	dispatch_begin(&play->dispatch, execution);
	fill(play, execution, GRAPH_INPUT, dispatch_values(&play->dispatch, execution, GRAPH_INPUT));
	dispatch_complete(&play->dispatch, execution, GRAPH_INPUT, 0, 1);
}

/* Moves tasks from the outboxes into the workers' queues, and drops the inputs at once: the workers read nothing. */
static void deliver(struct play *play)
{
	for (int w = 1; w < play->plan->graph->n_workers; w++) {
		struct task_outbox *outbox = &play->outboxes[w];
		while (outbox->start < outbox->end) {
			const struct task_message *task = (const struct task_message *)(outbox->bytes + outbox->start);
			const struct graph_node *node = &play->plan->graph->nodes[task->node];
			cr_assert_eq(node->worker_idx, w, "seed %u: '%s' was sent to worker %d", play->seed, node->name, w);
			/* In the execution that fails somewhere, nodes behind are skipped. */
			if (play->next[task->node] == play->fails_at && task->execution > play->fails_at)
				play->next[task->node]++;
			cr_assert_eq(play->next[task->node], task->execution, "seed %u: '%s' in execution %d, expected %d", play->seed, node->name,
				(int)task->execution, (int)play->next[task->node]);
			play->next[task->node]++;
			play->queues[w][play->n_sent[w]++] = (struct sent){ task->execution, task->node };
			for (uint32_t i = 0; i < task->n_values; i++)
				objects_release(&play->objects, task->values[i].object);
			outbox->start += task->bytes;
		}
		outbox->start = outbox->end = 0;
	}
}

/* One worker, drawn, answers its oldest task. False when none has one. */
static bool answer(struct play *play)
{
	int n_workers = play->plan->graph->n_workers, w = 1 + rand_r(&play->seed) % (n_workers - 1);
	for (int i = 1; i < n_workers && play->n_done[w] == play->n_sent[w]; i++)
		w = w % (n_workers - 1) + 1;
	if (play->n_done[w] == play->n_sent[w])
		return false;
	struct sent *sent = &play->queues[w][play->n_done[w]++];
	const struct graph_node *node = &play->plan->graph->nodes[sent->node];
	struct error error = { 0 };
	struct task_outbox outbox = { 0 };
	bool fails = sent->node == play->fails && sent->execution == play->fails_at;
	struct task_message *message = task_outbox_add(&outbox, fails ? 0 : (uint32_t)node->n_outputs);
	message->node = sent->node;
	message->execution = sent->execution;
	message->word = fails ? 7 : 0;
	message->time = message->own_time = sent->execution;
	if (!fails)
		fill(play, sent->execution, sent->node, message->values);
	int status = dispatch_take_result(&play->dispatch, (uint32_t)w, message, &error);
	cr_assert_eq(status, STATUS_OK, "seed %u: %s", play->seed, error.text);
	cr_assert_eq(dispatch_take_result(&play->dispatch, (uint32_t)w, message, &error), STATUS_PROTOCOL, "the same answer twice");
	task_outbox_finish(&outbox);
	return true;
}

/* On every worker the ranks' collectives come in one order, ordered nodes in theirs. */
static void check_order(const struct play *play, unsigned seed)
{
	for (int w = 1; w < play->plan->graph->n_workers; w++) {
		uint64_t last_execution = UINT64_MAX;
		int64_t last = INT64_MIN;
		for (int i = 0; i < play->n_sent[w]; i++) {
			const struct graph_node *node = &play->plan->graph->nodes[play->queues[w][i].node];
			if (!node->has_order || play->queues[w][i].execution != 0)
				continue;
			cr_expect(last_execution == UINT64_MAX || node->order >= last, "seed %u: order %d after %d on worker %d", seed,
				(int)node->order, (int)last, w);
			last = node->order;
			last_execution = 0;
		}
	}
}

static bool play_seed(unsigned seed)
{
	static struct play play;
	struct graph *graph = plan_graph_random(seed, 12, 4);
	struct error error = { 0 };
	struct plan *plan;
	struct plan_options options = { .in_flight = 1 + (int)(seed % 5) };
	uint64_t n_begun = 0, n_done = 0;
	const uint64_t n = 20;
	if (graph->n_workers > WORKERS_MAX || plan_compile(graph, &options, NULL, &error, &plan) != STATUS_OK) {
		graph_destroy(graph);
		return false;
	}
	open_play(&play, plan, seed);
	while (n_done < n) {
		if (n_begun < n && n_begun - n_done < (uint64_t)plan->in_flight)
			begin(&play, n_begun++);
		cr_assert_eq(dispatch_run(&play.dispatch, &error), STATUS_OK);
		deliver(&play);
		if (dispatch_is_complete(&play.dispatch, n_done)) {
			uint32_t failure = dispatch_failure(&play.dispatch, n_done);
			cr_expect(failure == 0 || (failure == 7 && n_done == play.fails_at), "seed %u: failure %u in execution %d", seed, failure,
				(int)n_done);
			dispatch_end(&play.dispatch, n_done++);
		} else if (n_begun == n || n_begun - n_done == (uint64_t)plan->in_flight) {
			struct dispatch_obstacle obstacle = dispatch_find_obstacle(&play.dispatch, n_done);
			cr_assert_neq(obstacle.node, PROGRAM_NONE, "seed %u: nothing holds execution %d up", seed, (int)n_done);
			cr_assert(answer(&play), "seed %u: execution %d waits for nobody", seed, (int)n_done);
		}
	}
	cr_expect_eq(objects_used_bytes(&play.objects, NULL), 0, "seed %u: objects are left", seed);
	check_order(&play, seed);
	close_play(&play);
	plan_destroy(plan);
	graph_destroy(graph);
	return true;
}

Test(dispatch, every_execution_ends_and_every_object_is_freed, .timeout = 60)
{
	int n_played = 0, n_graphs = trials(N_GRAPHS);
	for (int seed = 1; seed <= n_graphs; seed++)
		n_played += play_seed((unsigned)seed);
	cr_expect_gt(n_played, n_graphs / 4, "only %d of %d graphs were played", n_played, n_graphs);
}
