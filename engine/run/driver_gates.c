/* SPDX-License-Identifier: Apache-2.0
 *
 * driver_gates: the driver's own gates, and the watch over a debugger that may go away.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine/run/collect.h"
#include "engine/run/driver_private.h"

void driver_stop_steps(struct driver *driver)
{
	control_stop(&driver->control);
	gates_wake_all(&driver->gates);
}

static int pass(struct driver *driver, const struct gate_point *point, struct error *error)
{
	if (driver->is_counted_out)
		driver_count_in(driver);
	int status = gate_pass(&driver->gates, &driver->control, GRAPH_DRIVER, &driver->recorder, point);
	return status == STATUS_OK ? status : driver_over(driver, error);
}

int driver_pass_input(struct driver *driver, const struct tensor *tensors, uint64_t execution, uint32_t failure, uint64_t start,
	struct error *error)
{
	struct gate_point point = { .place = GATE_AFTER, .node = GRAPH_INPUT, .failure = failure, .is_own_failure = failure != 0,
		.execution = execution, .n_outputs = failure ? 0 : (int)driver->n_inputs, .outputs = tensors,
		.start = start, .op_ticks = clock_ticks().count - start };
	return pass(driver, &point, error);
}

int driver_pass_output(struct driver *driver, uint64_t execution, uint32_t failure, struct error *error)
{
	struct gate_point point = { .place = GATE_BEFORE, .node = GRAPH_OUTPUT, .failure = failure, .execution = execution,
		.n_inputs = failure ? 0 : (int)driver->n_outputs, .inputs = driver->outputs,
		.waited_ticks = waiter_waited(&driver->waiter, GRAPH_OUTPUT, execution) };
	return pass(driver, &point, error);
}

/* Whether a debugger holds the lock. */
static bool is_locked(struct driver *driver)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	char path[64];
	if (driver->lock_fd < 0) {
		snprintf(path, sizeof path, "/proc/self/fd/%d", driver->gates_fd);
		driver->lock_fd = open(path, O_RDWR | O_CLOEXEC);
	}
	return driver->lock_fd < 0 || fcntl(driver->lock_fd, F_OFD_GETLK, &lock) < 0 || lock.l_type != F_UNLCK;
}

static void lose_debugger(struct driver *driver)
{
	struct gates_header *header = driver->gates.header;
	bool ends = atomic_load(&header->on_loss) == GATE_LOSS_END;
	char text[128];
	snprintf(text, sizeof text, "the debugger (PID %d) is gone: the run %s", (int)atomic_load(&header->debugger_pid),
		ends ? "ends" : "goes on");
	atomic_store(&header->is_attached, 0);
	driver_notify(driver, DRIVER_NOTICE_WARNING, "debugger", text);
	driver_log(driver, COLLECT_LEVEL_WARNING, GRAPH_DRIVER, text);
	if (ends)
		driver_interrupt(driver);
	else
		gates_release(&driver->gates, &driver->control);
}

/* A run that waits for a debugger which died before it could attach: nobody reads what the run prints. */
static bool is_abandoned(const struct driver *driver)
{
	struct pollfd out = { .fd = STDOUT_FILENO };
	return driver->options.waits_for_debugger && !atomic_load(&driver->gates.header->debugger_pid) && poll(&out, 1, 0) > 0
		&& out.revents & POLLERR;
}

bool driver_watch_gates(struct driver *driver)
{
	struct gates_header *header = driver->gates.header;
	if (atomic_load(&header->is_attached) && !is_locked(driver))
		lose_debugger(driver);
	if (is_abandoned(driver))
		driver_interrupt(driver);
	bool is_held = gates_are_held(&driver->gates);
	uint64_t held_until = is_held ? clock_ticks().count : atomic_load_explicit(&header->held_until, memory_order_relaxed);
	if (is_held)
		atomic_store_explicit(&header->held_until, held_until, memory_order_relaxed);
	if (held_until > driver->stalls.idle_until)
		driver->stalls.idle_until = held_until;
	return is_held;
}
