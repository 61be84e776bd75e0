/* SPDX-License-Identifier: Apache-2.0
 *
 * run_loop: the submitter of `tandem run`.
 */
#include "tool/run_loop.h"

#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/clock.h"

const char *run_loop_result_name(const struct plan *plan, int idx)
{
	return plan->graph->edges[plan->graph->nodes[GRAPH_OUTPUT].input_edges[idx]].result;
}

static int copy_outputs(struct run_loop *loop, const struct tensor *outputs, struct error *error)
{
	int n = loop->plan->graph->nodes[GRAPH_OUTPUT].n_inputs;
	loop->outputs.items = calloc((size_t)n + 1, sizeof *loop->outputs.items);
	for (int i = 0; loop->outputs.items && i < n; i++) {
		struct named_tensor *item = &loop->outputs.items[loop->outputs.n_items++];
		size_t bytes = tensor_bytes(&outputs[i]);
		item->name = strdup(run_loop_result_name(loop->plan, i));
		item->memory = malloc(bytes + 1);
		if (!item->name || !item->memory)
			return error_set(error, STATUS_NO_MEMORY, "outputs: %s", status_sentence(STATUS_NO_MEMORY));
		memcpy(item->memory, outputs[i].data, bytes);
		item->tensor = tensor_make(outputs[i].dtype, outputs[i].n_dims, outputs[i].shape, item->memory);
	}
	loop->has_outputs = loop->outputs.items != NULL;
	return loop->has_outputs ? STATUS_OK : error_set(error, STATUS_NO_MEMORY, "outputs: %s", status_sentence(STATUS_NO_MEMORY));
}

/* Submits until there is no room. With nothing in flight there is nothing to wait for instead: a worker is just about to release
 * its slots of the execution before. */
static int submit_some(struct run_loop *loop, struct error *error)
{
	while (loop->n_submitted < loop->n_due) {
		uint64_t execution;
		int64_t now_ns = clock_now().ns;
		int status = driver_submit(loop->driver, loop->inputs, &execution, error);
		if (status == STATUS_AGAIN && loop->n_submitted == loop->n_done) {
			sched_yield();
			continue;
		}
		if (status)
			return status == STATUS_AGAIN ? STATUS_OK : status;
		loop->submit_ns[execution % (uint64_t)loop->plan->in_flight] = now_ns;
		loop->n_submitted++;
	}
	return STATUS_OK;
}

static bool ends_execution_only(int status)
{
	return status == STATUS_OP || status == STATUS_TIMEOUT || status == STATUS_CANCELLED;
}

static int take_failure(struct run_loop *loop, uint64_t execution, struct error *error)
{
	if (loop->n_failed++ == 0) {
		char text[ERROR_TEXT_BYTES + 64];
		snprintf(text, sizeof text, "execution %" PRIu64 " failed: %s", execution, error->text);
		progress_note(loop->progress, "tandem", text);
	}
	if (loop->took)
		loop->took(loop->user, execution, NULL);
	driver_release(loop->driver);
	loop->n_done++;
	return loop->is_fail_fast ? error->status : STATUS_OK;
}

static int take_one(struct run_loop *loop, struct error *error)
{
	uint64_t execution = 0;
	const struct tensor *outputs = NULL;
	int status = driver_wait(loop->driver, 0, &execution, &outputs, error);
	if (ends_execution_only(status) && !driver_ended(loop->driver, NULL)) /* else the run went with it */
		return take_failure(loop, execution, error);
	if (status)
		return status;
	int64_t now_ns = clock_now().ns;
	histogram_add(&loop->latency, now_ns - loop->submit_ns[execution % (uint64_t)loop->plan->in_flight]);
	if (loop->keeps_outputs && loop->n_done + 1 == loop->n_executions)
		status = copy_outputs(loop, outputs, error);
	if (loop->took)
		loop->took(loop->user, execution, outputs);
	driver_release(loop->driver);
	loop->n_done++;
	progress_update(loop->progress, loop->progress_before + loop->n_done, now_ns);
	return status;
}

int run_loop_until(struct run_loop *loop, uint64_t n_due, struct error *error)
{
	if (!loop->submit_ns)
		loop->submit_ns = calloc((size_t)loop->plan->in_flight, sizeof *loop->submit_ns);
	if (!loop->submit_ns)
		return error_set(error, STATUS_NO_MEMORY, "%s", status_sentence(STATUS_NO_MEMORY));
	int64_t start_ns = clock_now().ns;
	int status = STATUS_OK;
	loop->n_due = n_due;
	while (loop->n_done < n_due && !status) {
		status = submit_some(loop, error);
		if (!status)
			status = take_one(loop, error);
	}
	loop->elapsed_ns += clock_now().ns - start_ns;
	return status;
}

void run_loop_finish(struct run_loop *loop)
{
	free(loop->submit_ns);
	tensor_set_finish(&loop->outputs);
}
