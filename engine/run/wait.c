/* SPDX-License-Identifier: Apache-2.0
 *
 * wait: spinning, yielding, naming and sleeping.
 *
 * Returns STATUS_OK, STATUS_STOPPED when the run is ending, STATUS_AGAIN when `deadline` (ticks, 0: none) has passed.
 */
#include "engine/run/wait.h"

#include <linux/futex.h>
#include <linux/membarrier.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SPINS_A_ROUND 32
#define SLEEP_TIMEOUT_NS 500000000 /* a safety net: a lost wake-up costs this, never a hang */

void waiter_init(struct waiter *waiter, struct control *control, uint32_t worker_idx)
{
	*waiter = (struct waiter){
		.header = control->header,
		.self = &control->header->workers[worker_idx],
		.name_ticks = clock_ticks_of_ns(1000),
		.sleep_ticks = clock_ticks_of_ns(1000000),
		.preempted_ticks = clock_ticks_of_ns(50000),
		.contention_ticks = clock_ticks_of_ns(5000000),
	};
}

static inline void relax(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#else
	atomic_signal_fence(memory_order_seq_cst);
#endif
}

static void publish(struct control_wait *wait, const struct wait_name *name, uint64_t since)
{
	uint32_t version = atomic_load_explicit(&wait->version, memory_order_relaxed);
	atomic_store_explicit(&wait->version, version + 1, memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
	atomic_store_explicit(&wait->node, name->node, memory_order_relaxed);
	atomic_store_explicit(&wait->edge, name->edge, memory_order_relaxed);
	atomic_store_explicit(&wait->channel, name->channel, memory_order_relaxed);
	atomic_store_explicit(&wait->slot, name->slot, memory_order_relaxed);
	atomic_store_explicit(&wait->peer, name->peer, memory_order_relaxed);
	atomic_store_explicit(&wait->execution, name->execution, memory_order_relaxed);
	atomic_store_explicit(&wait->since, since, memory_order_relaxed);
	atomic_store_explicit(&wait->cause, name->cause, memory_order_relaxed);
	atomic_store_explicit(&wait->version, version + 2, memory_order_release);
}

static void unpublish(struct control_wait *wait)
{
	atomic_store_explicit(&wait->cause, 0, memory_order_release);
}

static void sleep_until_woken(struct waiter *waiter, const _Atomic uint64_t *word, uint64_t target, int64_t timeout_ns)
{
	struct control_worker *self = waiter->self;
	struct timespec timeout = { .tv_sec = timeout_ns / 1000000000, .tv_nsec = timeout_ns % 1000000000 };
	atomic_store_explicit(&self->sleeps, 1, memory_order_relaxed);
	if (waiter->header->needs_fence)
		atomic_thread_fence(memory_order_seq_cst);
	else
		syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0, 0);
	if (!wait_is_over(word, target) && atomic_load(&waiter->header->state) != CONTROL_STOPPING) {
		atomic_store_explicit(&self->wait.is_asleep, 1, memory_order_relaxed);
		atomic_fetch_sub_explicit(&waiter->header->n_awake, 1, memory_order_relaxed);
		syscall(SYS_futex, &self->sleeps, FUTEX_WAIT, 1, &timeout, NULL, 0);
		atomic_fetch_add_explicit(&waiter->header->n_awake, 1, memory_order_relaxed);
		atomic_store_explicit(&self->wait.is_asleep, 0, memory_order_relaxed);
	}
	atomic_store_explicit(&self->sleeps, 0, memory_order_relaxed);
}

static bool has_a_core(const struct waiter *waiter, uint64_t now)
{
	return now >= waiter->contended_until
		&& atomic_load_explicit(&waiter->header->n_awake, memory_order_relaxed) <= waiter->header->n_cores;
}

static int64_t sleep_timeout(uint64_t now, uint64_t deadline)
{
	if (!deadline)
		return SLEEP_TIMEOUT_NS;
	int64_t left_ns = (int64_t)((double)(deadline - now) / (double)clock_ticks_of_ns(1000000) * 1e6) + 1000;
	return left_ns < SLEEP_TIMEOUT_NS ? left_ns : SLEEP_TIMEOUT_NS;
}

static bool spin(const _Atomic uint64_t *word, uint64_t target)
{
	for (int i = 0; i < SPINS_A_ROUND; i++) {
		if (wait_is_over(word, target))
			return true;
		relax();
	}
	return false;
}

int wait_slow(struct waiter *waiter, const _Atomic uint64_t *word, uint64_t target, const struct wait_name *name,
	uint64_t deadline, struct wait_times *ret_times)
{
	uint64_t start = clock_ticks().count, now = start, awake_since = start;
	bool spins = has_a_core(waiter, now);
	int status = STATUS_OK;
	ret_times->was_named = false;
	while (!wait_is_over(word, target)) {
		if (!spins)
			sched_yield();
		else if (spin(word, target))
			break;
		uint64_t before = now;
		now = clock_ticks().count;
		if (spins && now - before > waiter->preempted_ticks)
			waiter->contended_until = now + waiter->contention_ticks;
		spins = has_a_core(waiter, now);
		if (now - start < waiter->name_ticks)
			continue;
		if (!ret_times->was_named) {
			publish(&waiter->self->wait, name, start);
			ret_times->was_named = true;
		}
		if (unlikely(atomic_load_explicit(&waiter->header->state, memory_order_relaxed) == CONTROL_STOPPING))
			status = STATUS_STOPPED;
		else if (deadline && now >= deadline)
			status = STATUS_AGAIN;
		if (status != STATUS_OK)
			break;
		if (now - awake_since >= waiter->sleep_ticks) {
			sleep_until_woken(waiter, word, target, sleep_timeout(now, deadline));
			awake_since = now = clock_ticks().count;
		}
	}
	if (!ret_times->was_named)
		return STATUS_OK;
	unpublish(&waiter->self->wait);
	ret_times->start.count = start;
	ret_times->end = clock_ticks();
	return wait_is_over(word, target) ? STATUS_OK : status;
}

void waiter_count(struct waiter *waiter, uint32_t node, uint64_t execution, const struct wait_times *times)
{
	uint64_t start = times->start.count, end = times->end.count;
	uint64_t busy_since = atomic_load_explicit(&waiter->header->busy_since, memory_order_relaxed);
	if (busy_since > start && busy_since <= end)
		start = busy_since;
	if (waiter->waited_node != node || waiter->waited_execution != execution)
		waiter->waited_ticks = 0;
	waiter->waited_node = node;
	waiter->waited_execution = execution;
	waiter->waited_ticks += end - start;
}
