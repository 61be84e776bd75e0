/* SPDX-License-Identifier: Apache-2.0
 *
 * driver_look: what the processes of a run are doing, read from the control segment while they do it. Nobody is held up by being looked at.
 */
#include "engine/run/driver_private.h"

/* A wait for something that nobody has submitted is none. */
static void look_at_wait(const struct driver *driver, const struct control_wait_copy *wait, struct driver_activity *activity)
{
	const struct program *program = &driver->program;
	uint64_t now = clock_ticks().count, since = wait->since;
	uint64_t busy_since = atomic_load_explicit(&driver->control.header->busy_since, memory_order_relaxed);
	uint64_t n_submitted = atomic_load_explicit(&driver->n_submitted, memory_order_relaxed);
	since = busy_since > since ? busy_since : since;
	activity->is_idle = wait->execution >= n_submitted
		|| n_submitted == atomic_load_explicit(&driver->n_released, memory_order_relaxed);
	activity->is_asleep = wait->is_asleep;
	activity->wait = wait->cause < PHASE_COUNT ? (enum phase)wait->cause : PHASE_UNKNOWN;
	activity->node = wait->node < program->header->n_nodes ? wait->node : PROGRAM_NONE;
	activity->edge = stall_wait_edge(program, wait);
	activity->peer = wait->peer < driver->n_workers ? wait->peer : PROGRAM_NONE;
	activity->execution = wait->execution;
	activity->waited_ns = now > since ? (int64_t)((double)(now - since) * 1e6 / (double)clock_ticks_of_ns(1000000)) : 0;
}

void driver_look(const struct driver *driver, uint32_t worker, struct driver_activity *ret_activity)
{
	const struct control_worker *self = &driver->control.header->workers[worker];
	uint64_t position = atomic_load_explicit(&self->position, memory_order_relaxed);
	struct control_wait_copy wait;
	*ret_activity = (struct driver_activity){ .node = PROGRAM_NONE, .edge = PROGRAM_NONE, .peer = PROGRAM_NONE };
	ret_activity->has_ended = atomic_load_explicit(&self->state, memory_order_relaxed) == CONTROL_WORKER_ENDED;
	if (position) {
		uint32_t node = (uint32_t)(position & ((1u << CONTROL_POSITION_NODE_BITS) - 1)) - 1;
		ret_activity->computes = true;
		ret_activity->node = node < driver->program.header->n_nodes ? node : PROGRAM_NONE;
		ret_activity->execution = position >> CONTROL_POSITION_NODE_BITS;
	}
	/* A collective waits for its other ranks while it computes. */
	if (control_read_wait(self, &wait))
		look_at_wait(driver, &wait, ret_activity);
}

void driver_progress(const struct driver *driver, struct driver_progress *ret_progress)
{
	*ret_progress = (struct driver_progress){
		.n_submitted = atomic_load_explicit(&driver->n_submitted, memory_order_relaxed),
		.n_finished = atomic_load_explicit(&driver->n_finished, memory_order_relaxed),
		.n_failed = atomic_load_explicit(&driver->n_failed, memory_order_relaxed),
	};
}

int driver_n_workers(const struct driver *driver)
{
	return (int)driver->n_workers;
}
