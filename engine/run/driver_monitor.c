/* SPDX-License-Identifier: Apache-2.0
 *
 * driver_monitor: the thread that watches. It forwards what workers print, notices processes that end, listens to the collector, reports
 * stalls with their cause, and enforces deadlines of executions.
 */
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/units.h"
#include "engine/run/collect.h"
#include "engine/run/driver_private.h"

#define TICK_MS_MAX 100

void driver_notify(struct driver *driver, enum driver_notice notice, const char *who, const char *text)
{
	if (driver->options.notice)
		driver->options.notice(driver->options.notice_user, notice, who, text);
}

void driver_log(struct driver *driver, uint32_t level, uint32_t worker, const char *text)
{
	struct collect_message message = { .kind = COLLECT_LOG, .level = level, .worker = worker, .node = PROGRAM_NONE,
		.execution = UINT64_MAX, .time_ns = clock_now().ns };
	if (driver->has_collector && !driver->collector_is_done)
		collect_send(driver->collector_socket, &message, text);
}

int driver_save_by(struct driver *driver, enum trigger trigger, const char *why, struct error *error)
{
	struct collect_message message = { .kind = COLLECT_SAVE, .level = trigger, .worker = PROGRAM_NONE, .node = PROGRAM_NONE,
		.execution = UINT64_MAX, .time_ns = clock_now().ns };
	uint64_t n_finished = atomic_load(&driver->n_finished);
	if (n_finished < atomic_load(&driver->n_submitted))
		message.execution = n_finished;
	if (!driver->saves_last || !driver->has_collector)
		return error_set(error, STATUS_USAGE, "there are no last seconds to save: the run is not recorded with last=SECONDS");
	if (driver->collector_is_done || collect_send(driver->collector_socket, &message, why) != STATUS_OK)
		return error_set(error, STATUS_TRACE, "the last seconds cannot be saved: the collector has ended, or does not listen");
	return STATUS_OK;
}

int driver_save(struct driver *driver, const char *why, struct error *error)
{
	return driver_save_by(driver, TRIGGER_CALL, why, error);
}

void driver_end(struct driver *driver, const struct error *error)
{
	pthread_mutex_lock(&driver->over_lock);
	if (!atomic_load(&driver->is_over)) {
		driver->over = *error;
		atomic_store_explicit(&driver->is_over, 1, memory_order_release);
	}
	pthread_mutex_unlock(&driver->over_lock);
	driver_stop_steps(driver);
	driver_ring(driver);
}

int driver_over(struct driver *driver, struct error *error)
{
	if (!atomic_load_explicit(&driver->is_over, memory_order_acquire)) {
		if (atomic_load(&driver->is_interrupted))
			return error_set(error, STATUS_STOPPED, "the run was interrupted");
		struct error strange;
		error_set(&strange, STATUS_PROTOCOL, "a worker wrote over the control segment: an op writes outside its memory");
		driver_end(driver, &strange);
	}
	if (error)
		*error = driver->over;
	return driver->over.status;
}

int driver_blame(struct driver *driver, uint32_t worker, struct error *error, const char *format, ...)
{
	struct error blame;
	char text[ERROR_TEXT_BYTES];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	error_set(&blame, STATUS_PROTOCOL, "worker '%.100s' %.800s", driver->plan->graph->workers[worker].name, text);
	driver_end(driver, &blame);
	return driver_over(driver, error);
}

static void emit_line(struct driver *driver, uint32_t worker, int stream)
{
	struct driver_process *process = &driver->processes[worker];
	process->line[stream][process->n_line[stream]] = '\0';
	driver_notify(driver, DRIVER_NOTICE_OUTPUT, process->name, process->line[stream]);
	if (worker)
		driver_log(driver, stream ? COLLECT_LEVEL_WARNING : COLLECT_LEVEL_INFO, worker, process->line[stream]);
	process->n_line[stream] = 0;
}

/* Reads what a process printed, at most a few buffers a call, and passes whole lines on. */
static void forward_output(struct driver *driver, uint32_t worker, int stream)
{
	struct driver_process *process = &driver->processes[worker];
	int *fd = stream ? &process->process.err_fd : &process->process.out_fd;
	char bytes[4096];
	for (int round = 0; round < 16 && *fd >= 0; round++) {
		ssize_t n = read(*fd, bytes, sizeof bytes);
		if (n == 0) {
			close(*fd);
			*fd = -1;
		}
		if (n <= 0)
			break;
		for (ssize_t i = 0; i < n; i++) {
			if (bytes[i] != '\n')
				process->line[stream][process->n_line[stream]++] = bytes[i];
			if (bytes[i] == '\n' || process->n_line[stream] == sizeof process->line[stream] - 1)
				emit_line(driver, worker, stream);
		}
	}
	if (*fd < 0 && process->n_line[stream])
		emit_line(driver, worker, stream);
}

/* "; w0 waits 1.2 ms for …" of everybody else, so that the message says what the others stood at. */
static void describe_others(struct driver *driver, uint32_t dead, struct strbuf *out)
{
	for (uint32_t i = 0; i < driver->n_workers; i++) {
		struct control_wait_copy wait;
		if (i == dead || !control_read_wait(&driver->control.header->workers[i], &wait)
			|| wait.execution >= atomic_load(&driver->n_submitted))
			continue;
		strbuf_add(out, "; ");
		stall_describe(&driver->stalls, i, out);
	}
}

static void explain_death(struct driver *driver, uint32_t worker, const char *how, struct strbuf *out)
{
	struct driver_process *process = &driver->processes[worker];
	const struct program *program = &driver->program;
	struct control_worker *shared = &driver->control.header->workers[worker];
	const struct control_failure *failure = &shared->failure;
	uint64_t position = atomic_load(&shared->position);
	uint32_t state = atomic_load(&shared->state);
	if (state == CONTROL_WORKER_FAILED && atomic_load(&failure->is_set)) {
		uint32_t node_idx = control_read_once(&failure->node);
		if (node_idx < program->header->n_nodes) {
			const struct program_node *node = &program->nodes[node_idx];
			strbuf_addf(out, "%s:%u: node '%s': ", program_string(program, program->header->graph_file), node->line,
				program_string(program, node->name));
		}
		strbuf_addf(out, "worker '%s' failed: %.*s", process->name, CONTROL_FAILURE_TEXT_BYTES, failure->text);
		return;
	}
	strbuf_addf(out, "worker '%s' %s", process->name, how);
	if (position) {
		uint32_t node = (uint32_t)(position & ((1u << CONTROL_POSITION_NODE_BITS) - 1)) - 1;
		strbuf_addf(out, " in node '%s' of execution %" PRIu64,
			node < program->header->n_nodes ? program_string(program, program->nodes[node].name) : "?",
			position >> CONTROL_POSITION_NODE_BITS);
	} else if (state == CONTROL_WORKER_STARTING) {
		const char *last_line = process->line[1]; /* what it said of that */
		strbuf_addf(out, " while it was set up%s%s", *last_line ? ": " : "", last_line);
	}
	describe_others(driver, worker, out);
}

/* The status that a worker gave for its end, if it is one that ends a run. */
static int end_status(const struct control_worker *worker)
{
	uint32_t status = control_read_once(&worker->failure.status);
	bool is_sound = status < STATUS_COUNT && status != STATUS_OK && status != STATUS_AGAIN && status != STATUS_STOPPED;
	return atomic_load(&worker->failure.is_set) && is_sound ? (int)status : STATUS_WORKER_DIED;
}

/* One that never was ready, or said itself why it ends, has not crashed. */
static void freeze_death(struct driver *driver, uint32_t worker, const char *text)
{
	const struct control_worker *shared = &driver->control.header->workers[worker];
	uint64_t position = atomic_load(&shared->position);
	uint32_t node = (uint32_t)(position & ((1u << CONTROL_POSITION_NODE_BITS) - 1)) - 1;
	if (atomic_load(&shared->state) == CONTROL_WORKER_READY)
		gates_freeze(&driver->gates, &driver->control, GATE_FREEZE_CRASH, worker, position ? node : PROGRAM_NONE,
			position ? position >> CONTROL_POSITION_NODE_BITS : UINT64_MAX, text);
}

static void notice_worker_end(struct driver *driver, uint32_t worker)
{
	struct driver_process *process = &driver->processes[worker];
	bool is_clean;
	char how[128];
	if (!spawn_reap(&process->process, &is_clean, how, sizeof how))
		return;
	process->has_ended = true;
	forward_output(driver, worker, 0);
	forward_output(driver, worker, 1);
	bool is_stopping = atomic_load(&driver->control.header->state) == CONTROL_STOPPING;
	is_clean = is_clean || atomic_load(&driver->control.header->workers[worker].state) == CONTROL_WORKER_ENDED;
	if (is_stopping && (is_clean || atomic_load(&driver->is_over) || driver->n_killed))
		return;
	struct strbuf text = STRBUF_INIT;
	struct error error;
	explain_death(driver, worker, how, &text);
	error_set(&error, end_status(&driver->control.header->workers[worker]), "%s", strbuf_text(&text));
	strbuf_finish(&text);
	freeze_death(driver, worker, error.text);
	driver_end(driver, &error);
}

static void collector_lost(struct driver *driver, int status, const char *text)
{
	driver->collector_is_done = true;
	if (driver->collector_status == STATUS_OK) {
		driver->collector_status = status;
		snprintf(driver->collector_text, sizeof driver->collector_text, "%.255s", text);
	}
}

static void notice_collector_end(struct driver *driver)
{
	struct driver_process *process = &driver->processes[0];
	bool is_clean;
	char how[128], text[256];
	if (!spawn_reap(&process->process, &is_clean, how, sizeof how))
		return;
	process->has_ended = true;
	if (driver->collector_is_done)
		return;
	snprintf(text, sizeof text, "the collector %s: the trace ends there, the run goes on unrecorded", how);
	collector_lost(driver, STATUS_TRACE, text);
	driver_notify(driver, DRIVER_NOTICE_WARNING, "collector", text);
}

static void listen_to_collector(struct driver *driver)
{
	struct collect_message message;
	char text[COLLECT_TEXT_BYTES_MAX + 1];
	while (collect_receive(driver->collector_socket, &message, text, NULL) == STATUS_OK) {
		switch (message.kind) {
		case COLLECT_READY:
			driver->collector_is_ready = true;
			break;
		case COLLECT_WARNING:
			driver_notify(driver, DRIVER_NOTICE_WARNING, "collector", text);
			if (driver->collector_status == STATUS_OK) {
				driver->collector_status = (int)message.status;
				snprintf(driver->collector_text, sizeof driver->collector_text, "%.255s", text);
			}
			break;
		case COLLECT_SAVED:
			driver_notify(driver, DRIVER_NOTICE_SAVED, "collector", text);
			break;
		case COLLECT_DONE:
			if (message.status != STATUS_OK)
				collector_lost(driver, (int)message.status, text);
			driver->collector_is_done = true;
			break;
		default:
			break;
		}
	}
}

void driver_watch(struct driver *driver, int timeout_ms)
{
	struct pollfd *fds = driver->poll_fds;
	nfds_t n = 0;
	fds[n++] = (struct pollfd){ .fd = driver->kick_fd, .events = POLLIN };
	fds[n++] = (struct pollfd){ .fd = driver->ready_fd, .events = POLLIN };
	fds[n++] = (struct pollfd){ .fd = driver->collector_is_done ? -1 : driver->collector_socket, .events = POLLIN };
	for (uint32_t i = 0; i < driver->n_workers; i++) {
		const struct driver_process *process = &driver->processes[i];
		fds[n++] = (struct pollfd){ .fd = process->has_ended ? -1 : process->process.pidfd, .events = POLLIN };
		fds[n++] = (struct pollfd){ .fd = process->process.out_fd, .events = POLLIN };
		fds[n++] = (struct pollfd){ .fd = process->process.err_fd, .events = POLLIN };
	}
	if (poll(fds, n, timeout_ms) <= 0)
		return;
	uint64_t count;
	for (int i = 0; i < 2; i++) {
		if (fds[i].revents && read(fds[i].fd, &count, sizeof count) < 0)
			continue;
	}
	if (fds[2].revents)
		listen_to_collector(driver);
	for (uint32_t i = 0; i < driver->n_workers; i++) {
		const struct pollfd *own = &fds[3 + 3 * i];
		if (own[1].revents)
			forward_output(driver, i, 0);
		if (own[2].revents)
			forward_output(driver, i, 1);
		if (own[0].revents && i)
			notice_worker_end(driver, i);
		else if (own[0].revents)
			notice_collector_end(driver);
	}
}

bool driver_workers_ended(const struct driver *driver)
{
	for (uint32_t i = 1; i < driver->n_workers; i++) {
		if (driver->processes[i].process.pid)
			return false;
	}
	return true;
}

static int64_t ticks_to_ns(uint64_t ticks)
{
	return (int64_t)((double)ticks * 1e6 / (double)clock_ticks_of_ns(1000000));
}

/* Whether somebody waits, for an execution in flight, longer than `limit_ns`; the one that waits longest. */
static bool find_stalled(struct driver *driver, int64_t limit_ns, uint32_t *ret_worker)
{
	uint64_t now = clock_ticks().count, n_submitted = atomic_load(&driver->n_submitted), oldest = UINT64_MAX;
	if (n_submitted == atomic_load(&driver->n_released)) {
		driver->stalls.idle_until = now;
		return false;
	}
	for (uint32_t i = 0; i < driver->n_workers; i++) {
		struct control_wait_copy wait;
		if (!control_read_wait(&driver->control.header->workers[i], &wait) || wait.execution >= n_submitted
			|| wait.since >= oldest || now < wait.since
			|| ticks_to_ns(now - stall_since(&driver->stalls, &wait)) < limit_ns)
			continue;
		oldest = wait.since;
		*ret_worker = i;
	}
	return oldest != UINT64_MAX;
}

static void report_stall(struct driver *driver)
{
	uint32_t worker;
	bool is_near = find_stalled(driver, driver->options.stall_limit_ns / 2, &worker);
	stall_look(&driver->stalls, is_near);
	if (!is_near || !find_stalled(driver, driver->options.stall_limit_ns, &worker))
		return;
	struct strbuf text = STRBUF_INIT;
	struct stall_root root = stall_explain(&driver->stalls, worker, &text);
	if (driver->reported[root.worker] != root.key) {
		driver->reported[root.worker] = root.key;
		driver_notify(driver, DRIVER_NOTICE_STALL, driver->processes[root.worker].name, strbuf_text(&text));
		driver_log(driver, COLLECT_LEVEL_WARNING, root.worker, strbuf_text(&text));
		if (root.cause == STALL_CAUSE_CYCLE)
			gates_freeze(&driver->gates, &driver->control, GATE_FREEZE_DEADLOCK, root.worker, PROGRAM_NONE,
				atomic_load(&driver->n_finished), strbuf_text(&text));
		if (driver->saves_last)
			driver_save_by(driver, TRIGGER_STALL, strbuf_text(&text), NULL);
	}
	strbuf_finish(&text);
}

/* A wait that outlasts the hang limit freezes the run's state while it lasts, for the collector to save; the run goes on. */
static void note_hang(struct driver *driver)
{
	uint32_t worker;
	bool is_near = !atomic_load(&driver->gates.header->frozen.state) && find_stalled(driver, driver->options.hang_limit_ns / 2, &worker);
	if (!is_near)
		return;
	stall_look(&driver->stalls, true);
	if (!find_stalled(driver, driver->options.hang_limit_ns, &worker))
		return;
	struct strbuf text = STRBUF_INIT;
	struct stall_root root = stall_explain(&driver->stalls, worker, &text);
	struct control_wait_copy wait = { .execution = UINT64_MAX, .node = PROGRAM_NONE };
	const struct control_worker *culprit = &driver->control.header->workers[root.worker];
	uint64_t position = atomic_load(&culprit->position);
	if (!control_read_wait(culprit, &wait))
		control_read_wait(&driver->control.header->workers[worker], &wait);
	gates_freeze(&driver->gates, &driver->control, root.cause == STALL_CAUSE_CYCLE ? GATE_FREEZE_DEADLOCK : GATE_FREEZE_HANG, root.worker,
		position ? (uint32_t)(position & ((1u << CONTROL_POSITION_NODE_BITS) - 1)) - 1 : PROGRAM_NONE,
		position ? position >> CONTROL_POSITION_NODE_BITS : wait.execution, strbuf_text(&text));
	strbuf_finish(&text);
}

/* The worker that holds the oldest execution up. */
static struct stall_root find_culprit(struct driver *driver, struct strbuf *out)
{
	uint32_t worker = GRAPH_DRIVER;
	struct control_wait_copy wait;
	if (!control_read_wait(&driver->control.header->workers[GRAPH_DRIVER], &wait))
		find_stalled(driver, 0, &worker);
	return stall_explain(&driver->stalls, worker, out);
}

static void cancel(struct driver *driver, uint64_t execution, uint64_t now)
{
	struct strbuf text = STRBUF_INIT;
	char limit[32];
	stall_look(&driver->stalls, true);
	strbuf_addf(&text, "not finished within --timeout %s: ", units_duration(driver->options.timeout_ns, limit, sizeof limit));
	struct stall_root root = find_culprit(driver, &text);
	uint64_t position = atomic_load(&driver->control.header->workers[root.worker].position);
	uint32_t node = position ? (uint32_t)(position & ((1u << CONTROL_POSITION_NODE_BITS) - 1)) - 1 : PROGRAM_NONE;
	gates_freeze(&driver->gates, &driver->control, GATE_FREEZE_TIMEOUT, root.worker, node, execution, strbuf_text(&text));
	driver_cancel_with(driver, execution, STATUS_TIMEOUT, root.worker, node, strbuf_text(&text));
	strbuf_finish(&text);
	if (!driver->kill_at) {
		driver->kill_at = now + clock_ticks_of_ns(driver->options.grace_ns);
		driver->kill_execution = execution;
	}
}

/* A cancelled execution that is still not through after the grace: whatever holds it up is ended, and with it the run. */
static void kill_culprit(struct driver *driver)
{
	struct strbuf text = STRBUF_INIT;
	struct error error;
	struct stall_root root = find_culprit(driver, &text);
	error_set(&error, STATUS_TIMEOUT, "execution %" PRIu64 " was cancelled and did not end within --grace; %s%s%s",
		driver->kill_execution, root.worker ? "killed worker " : "the caller holds it up",
		root.worker ? driver->processes[root.worker].name : "", root.worker ? ": " : "");
	if (root.worker)
		error_set(&error, STATUS_TIMEOUT, "%s%.700s", error.text, strbuf_text(&text));
	strbuf_finish(&text);
	driver->kill_at = 0;
	if (root.worker && driver->processes[root.worker].process.pid) {
		driver_end(driver, &error);
		driver->n_killed++;
		spawn_kill(&driver->processes[root.worker].process, SIGKILL);
	}
}

static void enforce_deadlines(struct driver *driver)
{
	uint64_t now = clock_ticks().count, limit = clock_ticks_of_ns(driver->options.timeout_ns);
	uint64_t n_submitted = atomic_load(&driver->n_submitted), n_finished = atomic_load(&driver->n_finished);
	uint64_t execution = driver->n_timed_out > n_finished ? driver->n_timed_out : n_finished;
	uint64_t held_until = atomic_load_explicit(&driver->gates.header->held_until, memory_order_relaxed);
	uint64_t grace_until = held_until + clock_ticks_of_ns(driver->options.grace_ns);
	if (driver->kill_at && n_finished > driver->kill_execution)
		driver->kill_at = 0;
	if (driver->kill_at && held_until && driver->kill_at < grace_until)
		driver->kill_at = grace_until;
	for (; execution < n_submitted; execution++) {
		uint64_t since = atomic_load_explicit(&driver->submit_ticks[execution % (uint64_t)driver->plan->in_flight],
			memory_order_relaxed);
		since = held_until > since ? held_until : since;
		if (now < since || now - since < limit)
			break;
		cancel(driver, execution, now);
		driver->n_timed_out = execution + 1;
	}
	if (driver->kill_at && now >= driver->kill_at)
		kill_culprit(driver);
}

static int tick_ms(const struct driver_options *options)
{
	int64_t ns = (int64_t)TICK_MS_MAX * 1000000;
	if (options->stall_limit_ns > 0 && options->stall_limit_ns / 4 < ns)
		ns = options->stall_limit_ns / 4;
	if (options->hang_limit_ns > 0 && options->hang_limit_ns / 4 < ns)
		ns = options->hang_limit_ns / 4;
	if (options->timeout_ns > 0 && options->timeout_ns / 8 < ns)
		ns = options->timeout_ns / 8;
	return ns < 1000000 ? 1 : (int)(ns / 1000000);
}

void driver_monitor_turn(struct driver *driver, int timeout_ms)
{
	driver_watch(driver, timeout_ms);
	bool is_held = driver_watch_gates(driver);
	if (is_held || atomic_load(&driver->control.header->state) != CONTROL_RUNNING)
		return;
	if (driver->options.stall_limit_ns > 0)
		report_stall(driver);
	if (driver->options.hang_limit_ns > 0)
		note_hang(driver);
	if (driver->submit_ticks)
		enforce_deadlines(driver);
}

void *driver_monitor_main(void *argument)
{
	struct driver *driver = argument;
	int timeout_ms = tick_ms(&driver->options);
	driver->start_status = driver_start_processes(driver, &driver->start_error);
	sem_post(&driver->started);
	while (!atomic_load(&driver->monitor_stops))
		driver_monitor_turn(driver, timeout_ms);
	driver_end_processes(driver);
	return NULL;
}
