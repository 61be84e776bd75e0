/* SPDX-License-Identifier: Apache-2.0
 *
 * debugger_settle: whether anybody of a run can still move.
 *
 * A process cannot move by itself when it stands at a gate, or waits for something that is not there: asleep in a wait from which nobody has
 * woken it, or (compiled mode) for a word in shared memory that has not the value it waits for. When all processes are found so at two looks in a
 * row, none having moved in between, then there was a moment, between the looks, at which all were so together, and nobody will ever move again
 * unless somebody is let go: only those who move publish. Others are given time; who computes, or is seen asleep elsewhere, is left where it is.
 */
#include "engine/base/clock.h"
#include "engine/debug/debugger_private.h"
#include "engine/graph/slot.h"
#include "engine/run/channel.h"

#define OP_NS (50 * DEBUG_MS)        /* what an op, or what is between two steps, gets until it counts as running on */
#define CORE_NS (1000 * DEBUG_MS)    /* what a process gets that is about to run but has no core */
#define HALT_NS (500 * DEBUG_MS)     /* what a halt takes at most when somebody keeps moving without coming to a gate */

/* Compiled mode: whether the word that a process waits for has not the value it waits for. */
static bool word_is_missing(const struct debug_target *target, const struct control_wait_copy *wait)
{
	const struct program *program = &target->program;
	if (program->header->mode != RUN_MODE_COMPILED || wait->channel >= program->header->n_channels)
		return false;
	const struct program_channel *channel = &program->channels[wait->channel];
	if (channel->transport != TRANSPORT_SHM || wait->slot >= channel->depth)
		return false;
	if (wait->cause != PHASE_BACKPRESSURE) {
		const uint8_t *end = target->slots + channel->slots_offset + (wait->slot + 1) * channel->slot_bytes;
		const struct slot_header *header = (const void *)(end - sizeof *header);
		return atomic_load_explicit(&header->sequence, memory_order_acquire) < wait->execution + 1;
	}
	const struct channel_cursor *cursors = (const void *)(target->slots + channel->releases_offset);
	for (uint32_t i = 0; i < channel->releasers.n; i++) {
		if (program->indices[channel->releasers.first + i] == wait->peer
			&& atomic_load_explicit(&cursors[i].released, memory_order_acquire) + channel->depth < wait->execution + 1)
			return true;
	}
	return false;
}

static uint64_t mix(uint64_t stamp, uint64_t value)
{
	return (stamp ^ value) * UINT64_C(0x9e3779b97f4a7c15) + (stamp >> 29);
}

static enum debug_rest rest_of(const struct debugger *debugger, uint32_t worker, uint64_t *ret_stamp)
{
	const struct debug_process *process = &debugger->motion->processes[worker];
	const struct control_worker *self = &debugger->target.control.header->workers[worker];
	struct control_wait_copy wait;
	uint32_t version = atomic_load_explicit(&self->wait.version, memory_order_acquire);
	bool waits = control_read_wait(self, &wait);
	uint32_t sleeps = atomic_load_explicit(&self->sleeps, memory_order_acquire);
	bool is_missing = waits && (word_is_missing(&debugger->target, &wait) || (sleeps == 1 && wait.is_asleep));
	bool is_same = atomic_load_explicit(&self->wait.version, memory_order_acquire) == version;
	enum debug_rest rest = process->stands ? DEBUG_REST_GATE
		: (is_missing && is_same) || sleeps == CONTROL_ARMED ? DEBUG_REST_BLOCKED : DEBUG_REST_NONE;
	uint64_t stamp = mix(rest, atomic_load_explicit(&gate_worker(&debugger->target.gates, worker)->n_stops, memory_order_acquire));
	stamp = mix(stamp, waits ? version : 0);
	*ret_stamp = mix(stamp, atomic_load_explicit(&self->position, memory_order_acquire));
	return rest;
}

static void look(struct debugger *debugger, uint32_t worker, int64_t now_ns)
{
	struct debug_rest_look *before = &debugger->motion->processes[worker].look;
	uint64_t stamp;
	enum debug_rest rest = rest_of(debugger, worker, &stamp);
	bool is_same = rest == before->rest && stamp == before->stamp && before->since_ns;
	before->is_stable = is_same && rest != DEBUG_REST_NONE;
	before->since_ns = is_same ? before->since_ns : now_ns;
	before->rest = rest;
	before->stamp = stamp;
}

/* Whether it is waited for no longer. */
static bool is_late(const struct debugger *debugger, uint32_t worker, int64_t now_ns)
{
	const struct debug_motion *motion = debugger->motion;
	const struct control_worker *self = &debugger->target.control.header->workers[worker];
	int64_t since_ns = motion->processes[worker].look.since_ns;
	if (motion->phase == DEBUG_HALTING && now_ns - motion->since_ns > HALT_NS + CORE_NS)
		return true;
	if (now_ns - since_ns < OP_NS)
		return motion->phase == DEBUG_HALTING && now_ns - motion->since_ns > HALT_NS;
	if (atomic_load(&self->position))
		return true;
	return now_ns - since_ns > CORE_NS || spawn_usage(atomic_load(&self->pid)).state != 'R';
}

enum debug_settled debugger_look_whether_settled(struct debugger *debugger)
{
	struct debug_motion *motion = debugger->motion;
	int64_t now_ns = clock_now().ns;
	enum debug_settled settled = DEBUG_SETTLED;
	for (uint32_t i = 0; i < motion->n_processes; i++)
		look(debugger, i, now_ns);
	for (uint32_t i = 0; i < motion->n_processes && settled != DEBUG_SETTLED_NOT; i++) {
		if (motion->processes[i].look.is_stable)
			continue;
		settled = is_late(debugger, i, now_ns) ? DEBUG_SETTLED_LATE : DEBUG_SETTLED_NOT;
	}
	return settled;
}

bool debugger_is_blocked(const struct debugger *debugger, uint32_t worker)
{
	const struct debug_rest_look *look = &debugger->motion->processes[worker].look;
	return look->is_stable && look->rest == DEBUG_REST_BLOCKED;
}
