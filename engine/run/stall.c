/* SPDX-License-Identifier: Apache-2.0
 *
 * stall: the walk along published waits, and the sampling of /proc that tells a slow op from a worker that is stopped or gets no core.
 */
#include "engine/run/stall.h"

#include <inttypes.h>
#include <time.h>

#include "engine/base/clock.h"
#include "engine/base/units.h"
#include "engine/run/record.h"

#define CYCLE_WALKS 4
#define CYCLE_PAUSE_NS 2000000

static const char *const stall_sentences[] = {
#define X(name, sentence) [STALL_CAUSE_##name] = sentence,
	STALL_CAUSE_MAP(X)
#undef X
};

void stall_look(struct stall_watch *watch, bool reads_proc)
{
	uint64_t now = clock_ticks().count;
	for (uint32_t i = 0; i < watch->program->header->n_workers; i++) {
		struct control_worker *worker = &watch->control->header->workers[i];
		struct stall_sample *sample = &watch->samples[i];
		uint64_t position = atomic_load_explicit(&worker->position, memory_order_relaxed);
		if (position != sample->position || !sample->position_since) {
			sample->position = position;
			sample->position_since = now;
		}
		if (!reads_proc)
			continue;
		struct spawn_usage usage = spawn_usage(atomic_load(&worker->pid));
		uint64_t waited = usage.wait_ns - sample->usage.wait_ns, ran = usage.run_ns - sample->usage.run_ns;
		sample->lacks_core = sample->usage_at && usage.state == 'R' && waited > ran * 4;
		sample->usage = usage;
		sample->usage_at = now;
	}
}

uint64_t stall_since(const struct stall_watch *watch, const struct control_wait_copy *wait)
{
	return wait->since > watch->idle_until ? wait->since : watch->idle_until;
}

static const char *worker_name(const struct stall_watch *watch, uint32_t worker)
{
	return program_string(watch->program, watch->program->workers[worker].name);
}

static void add_duration(struct strbuf *out, uint64_t since)
{
	char text[32];
	uint64_t now = clock_ticks().count;
	int64_t ns = now > since ? (int64_t)((double)(now - since) * 1e6 / (double)clock_ticks_of_ns(1000000)) : 0;
	strbuf_add(out, units_duration(ns, text, sizeof text));
}

uint32_t stall_wait_edge(const struct program *program, const struct control_wait_copy *wait)
{
	if (wait->edge < program->header->n_edges || wait->channel >= program->header->n_channels)
		return wait->edge < program->header->n_edges ? wait->edge : PROGRAM_NONE;
	struct program_range readers = program->channels[wait->channel].readers;
	for (uint32_t i = 0; i < readers.n; i++) {
		uint32_t edge = program->indices[readers.first + i];
		if (program->nodes[program->edges[edge].dst].worker == wait->peer)
			return edge;
	}
	return readers.n ? program->indices[readers.first] : PROGRAM_NONE;
}

const char *stall_wait_edge_name(const struct program *program, const struct control_wait_copy *wait)
{
	uint32_t edge = stall_wait_edge(program, wait);
	return edge == PROGRAM_NONE ? "?" : program_string(program, program->edges[edge].name);
}

static void describe_wait(struct stall_watch *watch, uint32_t worker, const struct control_wait_copy *wait, struct strbuf *out)
{
	const struct program *program = watch->program;
	strbuf_addf(out, "%s waits ", worker_name(watch, worker));
	add_duration(out, stall_since(watch, wait));
	if (wait->channel == PROGRAM_NONE && wait->node < program->header->n_nodes)
		strbuf_addf(out, " for node '%s' of execution %" PRIu64, program_string(program, program->nodes[wait->node].name),
			wait->execution);
	else if (wait->channel == PROGRAM_NONE)
		strbuf_add(out, " for a task");
	else
		strbuf_addf(out, " for %s of %s in execution %" PRIu64 " (channel %u, slot %u)",
			wait->cause == PHASE_BACKPRESSURE ? "a free slot" : "data", stall_wait_edge_name(watch->program, wait), wait->execution,
			wait->channel, wait->slot);
	if (wait->peer < watch->program->header->n_workers)
		strbuf_addf(out, " from %s", worker_name(watch, wait->peer));
}

void stall_describe(struct stall_watch *watch, uint32_t worker, struct strbuf *out)
{
	struct control_worker *self = &watch->control->header->workers[worker];
	struct control_wait_copy wait;
	uint64_t position = atomic_load_explicit(&self->position, memory_order_relaxed);
	if (position) {
		uint32_t node = (uint32_t)(position & ((1u << CONTROL_POSITION_NODE_BITS) - 1)) - 1;
		strbuf_addf(out, "%s is in node '%s' of execution %" PRIu64 " since ", worker_name(watch, worker),
			node < watch->program->header->n_nodes ? program_string(watch->program, watch->program->nodes[node].name) : "?",
			position >> CONTROL_POSITION_NODE_BITS);
		add_duration(out, watch->samples[worker].position == position ? watch->samples[worker].position_since
			: clock_ticks().count);
	} else if (control_read_wait(self, &wait)) {
		describe_wait(watch, worker, &wait, out);
	} else if (worker == GRAPH_DRIVER) {
		strbuf_add(out, "the caller neither waits for results nor releases them");
	} else {
		strbuf_addf(out, "%s is between two nodes", worker_name(watch, worker));
	}
}

static enum stall_cause judge(const struct stall_watch *watch, uint32_t worker)
{
	const struct stall_sample *sample = &watch->samples[worker];
	if (sample->usage.state == 'T' || sample->usage.state == 't')
		return STALL_CAUSE_STOPPED;
	if (sample->usage.state == '?' || sample->usage.state == 'Z')
		return STALL_CAUSE_ENDED;
	if (worker == GRAPH_DRIVER)
		return STALL_CAUSE_CALLER;
	return sample->lacks_core ? STALL_CAUSE_NO_CORE : STALL_CAUSE_OP_RUNNING;
}

static struct stall_root walk(struct stall_watch *watch, uint32_t worker, struct strbuf *out)
{
	struct stall_root root = { .worker = worker };
	uint32_t n_workers = watch->program->header->n_workers;
	for (uint32_t hops = 0;; hops++) {
		struct control_wait_copy wait = { 0 };
		struct control_worker *self = &watch->control->header->workers[root.worker];
		bool waits = control_read_wait(self, &wait) && wait.peer < n_workers;
		enum stall_cause cause = judge(watch, root.worker);
		stall_describe(watch, root.worker, out);
		root.key = (uint64_t)root.worker << 56 ^ (waits ? wait.since : atomic_load(&self->position));
		root.cause = hops >= n_workers ? STALL_CAUSE_CYCLE : cause;
		if (!waits || cause == STALL_CAUSE_STOPPED || hops >= n_workers)
			break;
		strbuf_add(out, "; ");
		root.worker = wait.peer;
	}
	if (root.cause == STALL_CAUSE_STOPPED) /* it may wait itself: say whose fault it is */
		strbuf_addf(out, ": %s", worker_name(watch, root.worker));
	strbuf_addf(out, ": %s", stall_sentences[root.cause]);
	return root;
}

struct stall_root stall_explain(struct stall_watch *watch, uint32_t worker, struct strbuf *out)
{
	struct strbuf text = STRBUF_INIT;
	struct stall_root root = walk(watch, worker, &text);
	for (int i = 1; i < CYCLE_WALKS && root.cause == STALL_CAUSE_CYCLE; i++) {
		struct timespec pause = { .tv_nsec = CYCLE_PAUSE_NS };
		nanosleep(&pause, NULL);
		strbuf_clear(&text);
		root = walk(watch, worker, &text);
	}
	if (out)
		strbuf_add(out, strbuf_text(&text));
	strbuf_finish(&text);
	return root;
}
