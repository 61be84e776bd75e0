/* SPDX-License-Identifier: Apache-2.0
 *
 * driver_async: what a program does beside submitting and waiting: cancelling from any thread, and waiting in a poll of its own.
 *
 * Poll. The driver's `sleeps` is CONTROL_ARMED while the program is in its poll; whoever publishes something for the driver, and finds that,
 * writes to the eventfd instead of the futex (control_wake_slow). The order is that of a sleep (wait.c): arm, barrier on all publishers, look
 * again. An eventfd that rings although nothing is new costs a look.
 */
#include <inttypes.h>
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "engine/run/driver_private.h"

void driver_cancel_with(struct driver *driver, uint64_t execution, int status, uint32_t worker, uint32_t node, const char *text)
{
	pthread_mutex_lock(&driver->over_lock);
	if (!control_cancelled(&driver->control, execution)) {
		uint32_t word = control_fail(&driver->control, status, worker, node, execution, text);
		control_cancel(&driver->control, execution, word);
	}
	pthread_mutex_unlock(&driver->over_lock);
}

int driver_cancel(struct driver *driver, uint64_t execution, struct error *error)
{
	if (execution >= atomic_load_explicit(&driver->n_submitted, memory_order_acquire))
		return error_set(error, STATUS_USAGE, "execution %" PRIu64 " cannot be cancelled: it was not submitted", execution);
	if (execution < atomic_load_explicit(&driver->n_finished, memory_order_acquire))
		return error_set(error, STATUS_USAGE, "execution %" PRIu64 " cannot be cancelled: its results were taken", execution);
	driver_cancel_with(driver, execution, STATUS_CANCELLED, PROGRAM_NONE, PROGRAM_NONE, "cancelled by the program");
	return STATUS_OK;
}

void driver_ring(struct driver *driver)
{
	uint64_t one = 1;
	if (driver->wake_fd >= 0 && write(driver->wake_fd, &one, sizeof one) < 0)
		return; /* it is readable already */
}

int driver_poll_fd(struct driver *driver, struct error *error)
{
	if (!driver->polls)
		driver_ring(driver);
	driver->polls = true;
	return driver->wake_fd;
}

void driver_count_in(struct driver *driver)
{
	atomic_fetch_add_explicit(&driver->control.header->n_awake, 1, memory_order_relaxed);
	driver->is_counted_out = false;
}

void driver_arm(struct driver *driver)
{
	struct control_header *header = driver->control.header;
	uint64_t count;
	ssize_t n = read(driver->wake_fd, &count, sizeof count);
	(void)n; /* nothing to read is as good */
	atomic_store_explicit(&driver->waiter.self->sleeps, CONTROL_ARMED, memory_order_relaxed);
	if (header->needs_fence)
		atomic_thread_fence(memory_order_seq_cst);
	else
		syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0, 0);
	if (!driver->is_counted_out)
		atomic_fetch_sub_explicit(&header->n_awake, 1, memory_order_relaxed);
	driver->is_counted_out = true;
	if (atomic_load(&header->state) == CONTROL_STOPPING)
		driver_ring(driver);
}

int driver_ended(struct driver *driver, struct error *error)
{
	return atomic_load_explicit(&driver->is_over, memory_order_acquire) ? driver_over(driver, error) : STATUS_OK;
}

bool driver_is_inside(const struct driver *driver)
{
	return driver->has_monitor && pthread_equal(driver->monitor, pthread_self());
}
