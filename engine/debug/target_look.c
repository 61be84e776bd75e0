/* SPDX-License-Identifier: Apache-2.0
 *
 * target_look: what each process does, and who waits for whom to the one that holds everything up.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/debug/target.h"
#include "engine/graph/slot.h"
#include "engine/run/record.h"

#define USAGE_INTERVAL_NS 20000000 /* over which a process that gets no core shows */

/* Executions submitted so far, as the slots of `input` tell, that which its gate holds included; UINT64_MAX where nothing tells. */
static uint64_t count_submitted(const struct debug_target *target)
{
	const struct program *program = &target->program;
	const struct gate_worker *driver = gate_worker(&target->gates, GRAPH_DRIVER);
	const volatile struct gate_stop *stop = &driver->stop;
	bool is_at_input = atomic_load_explicit(&driver->state, memory_order_acquire) == GATE_STOPPED && stop->node == GRAPH_INPUT;
	uint64_t n = is_at_input ? stop->execution + 1 : 0;
	bool is_told = false;
	for (uint32_t i = 0; i < program->header->n_channels && program->header->mode == RUN_MODE_COMPILED; i++) {
		const struct program_channel *channel = &program->channels[i];
		if (channel->node != GRAPH_INPUT)
			continue;
		for (uint32_t slot = 0; slot < channel->depth; slot++) {
			const uint8_t *end = target->slots + channel->slots_offset + ((size_t)slot + 1) * channel->slot_bytes;
			const struct slot_header *header = (const void *)(end - sizeof *header);
			uint64_t sequence = atomic_load_explicit(&header->sequence, memory_order_relaxed);
			n = sequence > n ? sequence : n;
		}
		is_told = true;
	}
	return is_told ? n : UINT64_MAX;
}

/* Whether anything shows that an execution is in flight. */
static bool is_busy(const struct debug_target *target)
{
	bool is_compiled = target->program.header->mode == RUN_MODE_COMPILED;
	uint64_t n_submitted = is_compiled ? count_submitted(target) : 0;
	for (uint32_t i = 0; i < target->control.n_workers; i++) {
		const struct control_worker *worker = &target->control.header->workers[i];
		struct control_wait_copy wait;
		if (atomic_load_explicit(&gate_worker(&target->gates, i)->state, memory_order_relaxed) == GATE_STOPPED
			|| atomic_load_explicit(&worker->position, memory_order_relaxed))
			return true;
		if (control_read_wait(worker, &wait) && (i == GRAPH_DRIVER || (is_compiled && wait.execution < n_submitted)))
			return true;
	}
	return false;
}

static bool is_idle(const struct debug_target *target, uint32_t worker, const struct control_wait_copy *wait)
{
	if (worker == GRAPH_DRIVER)
		return false;
	if (target->program.header->mode == RUN_MODE_COMPILED)
		return wait->channel != PROGRAM_NONE && wait->execution >= count_submitted(target);
	return !is_busy(target);
}

static bool has_ended(struct debug_target *target, uint32_t worker)
{
	const struct control_worker *self = &target->control.header->workers[worker];
	if (!target->driver_pid) {
		const struct gate_frozen *frozen = &target->gates.header->frozen;
		bool has_crashed = target->frozen_ticks && atomic_load(&frozen->state) == 2 && frozen->reason == GATE_FREEZE_CRASH
			&& frozen->worker == worker;
		return has_crashed || atomic_load(&self->state) == CONTROL_WORKER_ENDED;
	}
	char state = spawn_usage(atomic_load(&self->pid)).state;
	return state == '?' || state == 'Z';
}

static void set_position(struct debug_target *target, uint32_t worker, uint64_t position, struct debug_worker_state *state)
{
	uint32_t node = (uint32_t)(position & ((1u << CONTROL_POSITION_NODE_BITS) - 1)) - 1;
	state->node = node < target->program.header->n_nodes ? node : PROGRAM_NONE;
	state->execution = position >> CONTROL_POSITION_NODE_BITS;
	if (target->stalls.samples[worker].position == position)
		state->since = target->stalls.samples[worker].position_since;
}

void debug_look(struct debug_target *target, uint32_t worker, struct debug_worker_state *ret_state)
{
	const struct control_worker *self = &target->control.header->workers[worker];
	struct debug_worker_state *state = ret_state;
	uint32_t n_stops;
	*state = (struct debug_worker_state){ .activity = DEBUG_BETWEEN, .node = PROGRAM_NONE };
	if (target->driver_pid)
		stall_look(&target->stalls, false);
	uint64_t position = atomic_load_explicit(&self->position, memory_order_relaxed);
	if (position)
		set_position(target, worker, position, state);
	if (has_ended(target, worker)) {
		state->activity = DEBUG_GONE;
	} else if (gate_read_stop(&target->gates, &target->program, worker, &state->stop, &n_stops)) {
		state->activity = DEBUG_AT_GATE;
		state->node = state->stop.node;
		state->execution = state->stop.execution;
		state->since = state->stop.since;
	} else if (position) {
		state->activity = DEBUG_COMPUTING;
	} else if (control_read_wait(self, &state->wait)) {
		state->activity = is_idle(target, worker, &state->wait) ? DEBUG_IDLE : DEBUG_WAITING;
		state->node = state->wait.node < target->program.header->n_nodes ? state->wait.node : PROGRAM_NONE;
		state->execution = state->wait.execution;
		state->since = state->wait.since;
	} else if (worker == GRAPH_DRIVER && !is_busy(target)) {
		state->activity = DEBUG_IDLE;
		state->wait = (struct control_wait_copy){ .channel = PROGRAM_NONE, .peer = PROGRAM_NONE };
	}
}

/* -- sentences --------------------------------------------------------------------------------------------------------- */

static void add_node(const struct debug_target *target, const struct debug_worker_state *state, struct strbuf *out)
{
	strbuf_add_printable(out, debug_node_name(&target->program, state->node));
	strbuf_addf(out, " of execution %" PRIu64, state->execution);
}

/* "edge a->b of execution 7 from w0", "a free slot of a->b in execution 7, which w1 holds". */
static void add_wait(const struct debug_target *target, const struct control_wait_copy *wait, struct strbuf *out)
{
	const struct program *program = &target->program;
	bool is_for_slot = wait->cause == PHASE_BACKPRESSURE && wait->channel != PROGRAM_NONE;
	bool is_for_edge = wait->channel != PROGRAM_NONE || wait->edge < program->header->n_edges;
	if (!is_for_edge && wait->node >= program->header->n_nodes) {
		strbuf_add(out, "a task");
	} else if (!is_for_edge) {
		strbuf_add(out, "node ");
		strbuf_add_printable(out, debug_node_name(program, wait->node));
		strbuf_addf(out, " of execution %" PRIu64, wait->execution);
	} else {
		strbuf_add(out, is_for_slot ? "a free slot of " : "edge ");
		strbuf_add_printable(out, stall_wait_edge_name(program, wait));
		strbuf_addf(out, " %s execution %" PRIu64, is_for_slot ? "in" : "of", wait->execution);
	}
	if (wait->channel != PROGRAM_NONE)
		strbuf_addf(out, " (channel %u, slot %u)", wait->channel, wait->slot);
	if (wait->peer < program->header->n_workers) {
		strbuf_add(out, is_for_slot ? ", held by " : " from ");
		strbuf_add_printable(out, debug_worker_name(program, wait->peer));
	}
}

static void add_failure(const struct debug_target *target, const struct gate_stop *stop, struct strbuf *out)
{
	if (!stop->failure || stop->failure > target->control.n_failures)
		return;
	const struct control_failure *failure = &target->control.failures[stop->failure - 1];
	char text[CONTROL_FAILURE_TEXT_BYTES];
	for (size_t i = 0; i < sizeof text; i++)
		text[i] = *(const volatile char *)&failure->text[i];
	text[sizeof text - 1] = '\0';
	strbuf_add(out, stop->is_own_failure ? ", failed: " : ", skipped because ");
	if (!stop->is_own_failure) {
		strbuf_add_printable(out, debug_node_name(&target->program, control_read_once(&failure->node)));
		strbuf_add(out, " failed: ");
	}
	strbuf_add_printable(out, text);
}

static void add_state(const struct debug_target *target, uint32_t worker, const struct debug_worker_state *state, struct strbuf *out)
{
	switch (state->activity) {
	case DEBUG_AT_GATE:
		strbuf_add(out, "at ");
		add_node(target, state, out);
		strbuf_addf(out, ", %s", gate_place_phrase(state->stop.place == GATE_AFTER ? GATE_AFTER : GATE_BEFORE));
		add_failure(target, &state->stop, out);
		break;
	case DEBUG_COMPUTING:
		strbuf_add(out, "computes ");
		add_node(target, state, out);
		if (state->since) {
			strbuf_add(out, " for ");
			debug_add_duration(target, state->since, out); /* from when it was first seen there */
			strbuf_add(out, " or more");
		}
		break;
	case DEBUG_WAITING:
		strbuf_add(out, "waits ");
		debug_add_duration(target, state->since, out);
		strbuf_add(out, " for ");
		add_wait(target, &state->wait, out);
		break;
	case DEBUG_IDLE:
		if (state->wait.channel == PROGRAM_NONE)
			strbuf_add(out, "is idle: nothing is in flight");
		else
			strbuf_addf(out, "is idle: execution %" PRIu64 " was not submitted", state->execution);
		break;
	case DEBUG_BETWEEN:
		strbuf_add(out, worker == GRAPH_DRIVER ? "neither waits for results nor releases them" : "is between two nodes");
		break;
	case DEBUG_GONE:
		strbuf_add(out, "has ended");
		if (state->node != PROGRAM_NONE) {
			strbuf_add(out, ", in ");
			add_node(target, state, out);
		}
		break;
	}
}

static void add_process(struct debug_target *target, uint32_t worker, struct debug_worker_state *ret_state, struct strbuf *out)
{
	debug_look(target, worker, ret_state);
	strbuf_add_printable(out, debug_worker_name(&target->program, worker));
	strbuf_add(out, " ");
	add_state(target, worker, ret_state, out);
}

void debug_describe_worker(struct debug_target *target, uint32_t worker, struct strbuf *out)
{
	struct debug_worker_state state, peer;
	if (worker >= target->program.header->n_workers) {
		strbuf_add(out, "no process is selected");
		return;
	}
	add_process(target, worker, &state, out);
	if (state.activity != DEBUG_WAITING || state.wait.peer >= target->program.header->n_workers)
		return;
	debug_look(target, state.wait.peer, &peer);
	strbuf_add(out, ", which ");
	if (peer.activity == DEBUG_AT_GATE)
		strbuf_add(out, "stands ");
	add_state(target, state.wait.peer, &peer, out);
}

/* -- the root ------------------------------------------------------------------------------------------------------------ */

static const char *const cause_sentences[] = {
#define X(name, sentence) [STALL_CAUSE_##name] = sentence,
	STALL_CAUSE_MAP(X)
#undef X
};

static void add_cycle(struct debug_target *target, const uint32_t *path, uint32_t first, uint32_t n, struct strbuf *out)
{
	strbuf_addf(out, "%s:\n", cause_sentences[STALL_CAUSE_CYCLE]);
	for (uint32_t i = first; i < n; i++) {
		struct debug_worker_state state;
		strbuf_add(out, "  ");
		add_process(target, path[i], &state, out);
		strbuf_add(out, "\n");
	}
}

/* The cause that was found when a saved run was frozen, if this process was it; NULL. Its memory alone does not say that it was stopped. */
static const char *judge_frozen(struct debug_target *target, uint32_t worker)
{
	const struct gate_frozen *frozen = &target->gates.header->frozen;
	if (target->driver_pid || atomic_load_explicit(&frozen->state, memory_order_acquire) != 2 || frozen->worker != worker)
		return NULL;
	size_t length = strnlen(frozen->text, sizeof frozen->text);
	for (size_t i = 0; i < ARRAY_LEN(cause_sentences); i++) {
		size_t n = strlen(cause_sentences[i]);
		if (n <= length && memcmp(frozen->text + length - n, cause_sentences[i], n) == 0)
			return cause_sentences[i];
	}
	return NULL;
}

/* By a signal: what it published that it waits for may have come meanwhile. */
static bool is_stopped(struct debug_target *target, uint32_t worker)
{
	char state = target->stalls.samples[worker].usage.state;
	if (target->driver_pid)
		return state == 'T' || state == 't';
	return judge_frozen(target, worker) == cause_sentences[STALL_CAUSE_STOPPED];
}

/* Only a live process can be stopped or without a core; of a saved one its state says what it did. */
static const char *judge(struct debug_target *target, uint32_t worker, const struct debug_worker_state *state)
{
	if (state->activity == DEBUG_AT_GATE && !(target->driver_pid && is_stopped(target, worker)))
		return "stopped by this debugger";
	if (state->activity == DEBUG_AT_GATE)
		return cause_sentences[STALL_CAUSE_STOPPED];
	if (state->activity == DEBUG_GONE)
		return cause_sentences[STALL_CAUSE_ENDED];
	if (target->driver_pid && target->is_live)
		return cause_sentences[stall_explain(&target->stalls, worker, NULL).cause];
	if (judge_frozen(target, worker))
		return judge_frozen(target, worker);
	return cause_sentences[worker == GRAPH_DRIVER ? STALL_CAUSE_CALLER : STALL_CAUSE_OP_RUNNING];
}

/* Follows the waits of `worker`; path[0 … *ret_n) are the processes on the way, the last one the root. Returns the place in the path at which
 * it closes a circle, or *ret_n when it does not. */
static uint32_t follow(struct debug_target *target, uint32_t worker, uint32_t *path, uint32_t *ret_n)
{
	uint32_t n_workers = target->program.header->n_workers;
	for (*ret_n = 0; *ret_n < n_workers;) {
		struct debug_worker_state state;
		for (uint32_t i = 0; i < *ret_n; i++) {
			if (path[i] == worker)
				return i;
		}
		path[(*ret_n)++] = worker;
		debug_look(target, worker, &state);
		if (state.activity != DEBUG_WAITING || state.wait.peer >= n_workers || is_stopped(target, worker))
			return *ret_n;
		worker = state.wait.peer;
	}
	struct debug_worker_state state;
	debug_look(target, path[*ret_n - 1], &state);
	for (uint32_t i = 0; i < *ret_n; i++) {
		if (state.activity == DEBUG_WAITING && path[i] == state.wait.peer)
			return i;
	}
	return *ret_n;
}

static void add_root(struct debug_target *target, uint32_t worker, struct strbuf *out)
{
	struct debug_worker_state state;
	strbuf_add(out, "root: ");
	add_process(target, worker, &state, out);
	strbuf_addf(out, ": %s\n", judge(target, worker, &state));
}

/* Each root once: `is_told` has a mark for each process that was one, or is on a circle that was told. */
static void add_roots(struct debug_target *target, uint32_t *path, bool *is_told, struct strbuf *out)
{
	for (uint32_t i = 0; i < target->program.header->n_workers; i++) {
		uint32_t n, first = follow(target, i, path, &n);
		if (n <= 1 && first == n)
			continue; /* waits for nobody */
		uint32_t root = path[n - 1];
		if (!is_told[root] && first < n)
			add_cycle(target, path, first, n, out);
		else if (!is_told[root])
			add_root(target, root, out);
		is_told[root] = true;
		for (uint32_t k = first; k < n; k++)
			is_told[path[k]] = true;
	}
}

void debug_where(struct debug_target *target, struct strbuf *out)
{
	uint32_t n_workers = target->program.header->n_workers;
	uint32_t *path = calloc(n_workers, sizeof *path);
	bool *is_told = calloc(n_workers, sizeof *is_told);
	if (target->driver_pid && debug_target_is_live(target)) {
		struct timespec interval = { .tv_nsec = USAGE_INTERVAL_NS };
		target->stalls.idle_until = atomic_load(&target->control.header->busy_since);
		stall_look(&target->stalls, true);
		nanosleep(&interval, NULL);
		stall_look(&target->stalls, true);
	}
	for (uint32_t i = 0; i < n_workers; i++) {
		struct debug_worker_state state;
		add_process(target, i, &state, out);
		strbuf_add(out, "\n");
	}
	if (path && is_told)
		add_roots(target, path, is_told, out);
	else
		out->is_failed = true;
	free(path);
	free(is_told);
}
