/* SPDX-License-Identifier: Apache-2.0
 *
 * driver: starting a run, and ending it in bounded time whatever state it is in.
 */
#include "engine/run/driver.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/run/collect.h"
#include "engine/run/driver_private.h"

#define STALL_LIMIT_NS_DEFAULT 1000000000
#define HANG_LIMIT_NS_DEFAULT 30000000000
#define GRACE_NS_DEFAULT 1000000000
#define COLLECTOR_LIMIT_NS 60000000000 /* what the collector gets to write what is left */

static const struct driver_mode *const modes[RUN_MODE_COUNT] = {
	[RUN_MODE_COMPILED] = &driver_compiled,
	[RUN_MODE_INTERPRETED] = &driver_interpreted,
};

static int open_files_count(void)
{
	int n = 0;
	DIR *folder = opendir("/proc/self/fd");
	while (folder && readdir(folder))
		n++;
	if (folder)
		closedir(folder);
	return n;
}

/* Descriptors are counted before anything is started, so that the message can say how many it takes. */
static int check_descriptors(uint32_t n_workers, struct error *error)
{
	struct rlimit limit;
	rlim_t needed = (rlim_t)open_files_count() + 5 * n_workers + 24;
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || needed <= limit.rlim_cur)
		return STATUS_OK;
	if (needed <= limit.rlim_max) {
		limit.rlim_cur = needed;
		if (setrlimit(RLIMIT_NOFILE, &limit) == 0)
			return STATUS_OK;
	}
	return error_set(error, STATUS_SYSTEM,
		"too few descriptors: %u workers need %llu open files and the limit is %llu; raise it (ulimit -n %llu)", n_workers - 1,
		(unsigned long long)needed, (unsigned long long)limit.rlim_max, (unsigned long long)needed);
}

/* What is recorded, before anything is made for it. */
static int check_recording(struct driver *driver, struct error *error)
{
	struct driver_options *options = &driver->options;
	struct recorder_triggers triggers = { .slow_ns = 0 };
	int status = recorder_parse_policy(options->record ? options->record : "all", &driver->recorder.policy, error);
	if (status == STATUS_OK && options->triggers)
		status = recorder_parse_triggers(options->triggers, &triggers, error);
	if (status != STATUS_OK)
		return status;
	driver->saves_last = driver->recorder.policy.last_ns > 0;
	if (options->triggers && !driver->saves_last)
		return error_set(error, STATUS_USAGE, "triggers save the last seconds: they need the recording policy last=SECONDS");
	if (!options->record_limit_bytes)
		options->record_limit_bytes = RECORDER_LIMIT_BYTES_DEFAULT;
	if (options->record_limit_bytes < RECORDER_LIMIT_BYTES_MIN)
		return error_set(error, STATUS_USAGE, "a limit of %" PRIu64 " bytes leaves no room for a trace; the least is 1 MiB",
			options->record_limit_bytes);
	if (driver->recorder.policy.is_off)
		options->trace_file = NULL;
	return STATUS_OK;
}

static int make_program(struct driver *driver, struct error *error)
{
	struct program_setting settings[64];
	int n = 0;
	char limit[24], postmortem_limit[24];
	const struct driver_options *options = &driver->options;
	snprintf(limit, sizeof limit, "%" PRIu64, options->record_limit_bytes);
	settings[n++] = (struct program_setting){ "record", options->record ? options->record : "all" };
	settings[n++] = (struct program_setting){ "record_limit", limit };
	snprintf(postmortem_limit, sizeof postmortem_limit, "%" PRId64, options->postmortem_limit_bytes > 0 ? options->postmortem_limit_bytes : 0);
	if (options->postmortem_limit_bytes)
		settings[n++] = (struct program_setting){ "postmortem_limit", postmortem_limit };
	if (driver->saves_last)
		settings[n++] = (struct program_setting){ "triggers", options->triggers ? options->triggers : RECORDER_TRIGGERS_DEFAULT };
	if (options->pins)
		settings[n++] = (struct program_setting){ "pin", "1" };
	for (int i = 0; i < options->n_settings && n < (int)ARRAY_LEN(settings); i++)
		settings[n++] = options->settings[i];
	uint32_t n_cores = control_count_cores(), n_workers = driver->n_workers - 1;
	struct program_options program_options = { .mode = options->mode, .seed = options->seed,
		.n_threads = (int)(n_workers && n_cores > n_workers ? n_cores / n_workers : 1),
		.settings = settings, .n_settings = n };
	int status = program_build(driver->plan, &program_options, error, &driver->program_fd);
	return status == STATUS_OK ? program_open(driver->program_fd, &driver->program, error) : status;
}

static int make_gates(struct driver *driver, struct error *error)
{
	const struct driver_options *options = &driver->options;
	int fds[3] = { driver->program_fd, driver->control_fd, driver->slots_fd };
	uint32_t attention = (options->waits_for_debugger ? CONTROL_ATTENTION_GATES : 0) | (options->poisons ? CONTROL_ATTENTION_POISON : 0);
	uint64_t history_bytes = options->history_bytes < 0 ? 0
		: options->history_bytes ? (uint64_t)options->history_bytes : GATE_HISTORY_BYTES_DEFAULT;
	int status = gates_create(&driver->program, fds, history_bytes, options->poisons, error, &driver->gates_fd);
	if (status == STATUS_OK)
		status = gates_open(driver->gates_fd, &driver->program, driver->slots, driver->slots_bytes, &driver->gates, error);
	if (status != STATUS_OK)
		return status;
	for (uint32_t i = 0; i < driver->n_workers && options->waits_for_debugger; i++)
		atomic_store(&gate_worker(&driver->gates, i)->steps, GATE_STEPS_PLACES);
	if (attention)
		atomic_fetch_or(&driver->control.header->attention, attention);
	return STATUS_OK;
}

static int make_segments(struct driver *driver, struct error *error)
{
	int status = make_program(driver, error);
	if (status == STATUS_OK)
		status = driver->mode->make_memory(driver, error);
	if (status == STATUS_OK)
		status = control_create(driver->n_workers, (uint32_t)driver->plan->in_flight, control_count_cores(), error,
			&driver->control_fd);
	if (status == STATUS_OK)
		status = control_open(driver->control_fd, &driver->control, error);
	if (status == STATUS_OK)
		status = make_gates(driver, error);
	if (status == STATUS_OK && driver->options.trace_file) {
		status = rings_create(driver->n_workers, RING_RECORDS_DEFAULT, error, &driver->rings_fd);
		if (status == STATUS_OK)
			status = rings_open(driver->rings_fd, &driver->rings, error);
	}
	if (status != STATUS_OK)
		return status;
	driver->ready_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	driver->kick_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	driver->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (driver->ready_fd < 0 || driver->kick_fd < 0 || driver->wake_fd < 0)
		return error_set_errno(error, STATUS_SYSTEM, "cannot make an eventfd");
	control_register_barrier();
	atomic_store(&driver->control.header->workers[GRAPH_DRIVER].pid, getpid());
	return STATUS_OK;
}

static void start_recording(struct driver *driver)
{
	struct recorder_policy policy = driver->recorder.policy;
	waiter_init(&driver->waiter, &driver->control, GRAPH_DRIVER);
	recorder_init(&driver->recorder, driver->rings.base ? rings_get(&driver->rings, GRAPH_DRIVER) : NULL, &policy);
}

static int make_results(struct driver *driver, struct error *error)
{
	const struct program *program = &driver->program;
	struct program_range results = program->nodes[GRAPH_OUTPUT].inputs;
	driver->n_inputs = program->nodes[GRAPH_INPUT].types.n;
	driver->n_outputs = results.n;
	driver->outputs = calloc(results.n + 1, sizeof *driver->outputs);
	driver->input_views = calloc(driver->n_inputs + 1, sizeof *driver->input_views);
	if (driver->options.timeout_ns > 0)
		driver->submit_ticks = calloc((size_t)driver->plan->in_flight, sizeof *driver->submit_ticks);
	if (!driver->outputs || !driver->input_views || (driver->options.timeout_ns > 0 && !driver->submit_ticks))
		return error_set(error, STATUS_NO_MEMORY, "no memory for the driver's tables");
	for (uint32_t i = 0; i < results.n; i++) {
		const struct program_edge *edge = &program->edges[program->indices[results.first + i]];
		const struct tensor_type *type = &program->types[program->nodes[edge->src].types.first + edge->src_output];
		driver->outputs[i] = type_bound_tensor(type, &program->header->symbols);
	}
	return STATUS_OK;
}

/* The file and what SQLite may have left beside it after a kill. */
static void remove_trace(const char *file)
{
	static const char *const suffixes[] = { "", "-wal", "-shm", "-journal" };
	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
		char path[4096];
		if (snprintf(path, sizeof path, "%s%s", file, suffixes[i]) < (int)sizeof path)
			unlink(path);
	}
}

static int start_collector(struct driver *driver, const char *executable, struct error *error)
{
	char numbers[6][12];
	int pair[2];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
		return error_set_errno(error, STATUS_SYSTEM, "cannot make the collector's socket");
	int fds[] = { driver->program_fd, driver->rings_fd, pair[1], driver->control_fd, driver->slots_fd, driver->gates_fd };
	const char *argv[] = { "tandem", "collector", driver->options.trace_file, numbers[0], numbers[1], numbers[2], numbers[3], numbers[4],
		numbers[5], NULL };
	for (int i = 0; i < (int)ARRAY_LEN(fds); i++)
		snprintf(numbers[i], sizeof numbers[i], "%d", SPAWN_FD_FIRST + i);
	if (driver->options.overwrites_trace)
		remove_trace(driver->options.trace_file);
	int status = spawn_start(executable, argv, fds, (int)ARRAY_LEN(fds), true, error, &driver->processes[0].process);
	close(pair[1]);
	driver->collector_socket = pair[0];
	driver->has_collector = status == STATUS_OK;
	driver->processes[0].has_ended = status != STATUS_OK;
	return status;
}

static int start_worker(struct driver *driver, const char *executable, uint32_t idx, struct error *error)
{
	struct driver_process *process = &driver->processes[idx];
	int fds[SPAWN_WORKER_FDS_MAX] = { [SPAWN_WORKER_PROGRAM] = driver->program_fd, [SPAWN_WORKER_CONTROL] = driver->control_fd,
		[SPAWN_WORKER_SLOTS] = driver->slots_fd, [SPAWN_WORKER_READY] = driver->ready_fd,
		[SPAWN_WORKER_WAKE] = driver->wake_fd, [SPAWN_WORKER_GATES] = driver->gates_fd };
	int n_fds = SPAWN_WORKER_MORE, own_fd = driver->mode->take_worker_fd(driver, idx);
	if (own_fd >= 0)
		fds[n_fds++] = own_fd;
	if (driver->rings_fd >= 0)
		fds[n_fds++] = driver->rings_fd;
	const char *argv[] = { "tandem", "worker", process->name, NULL };
	int status = spawn_start(executable, argv, fds, n_fds, true, error, &process->process);
	if (own_fd >= 0)
		close(own_fd);
	if (status != STATUS_OK)
		return status;
	process->has_ended = false;
	atomic_store(&driver->control.header->workers[idx].pid, process->process.pid);
	return STATUS_OK;
}

static bool all_are_ready(const struct driver *driver)
{
	for (uint32_t i = 1; i < driver->n_workers; i++) {
		if (atomic_load(&driver->control.header->workers[i].state) != CONTROL_WORKER_READY)
			return false;
	}
	return !driver->has_collector || driver->collector_is_ready;
}

int driver_start_processes(struct driver *driver, struct error *error)
{
	const char *executable = driver->options.executable ? driver->options.executable : "/proc/self/exe";
	const char *collector = driver->options.collector_executable ? driver->options.collector_executable : executable;
	int status = STATUS_OK;
	if (driver->options.trace_file)
		status = start_collector(driver, collector, error);
	for (uint32_t i = 1; i < driver->n_workers && status == STATUS_OK; i++)
		status = start_worker(driver, executable, i, error);
	while (status == STATUS_OK && !all_are_ready(driver)) {
		driver_watch(driver, 100);
		if (atomic_load(&driver->is_over))
			status = driver_over(driver, error);
		else if (driver->collector_is_done && !driver->collector_is_ready)
			status = error_set(error, driver->collector_status, "%s", driver->collector_text);
		else if (atomic_load(&driver->is_interrupted))
			status = driver_over(driver, error);
	}
	return status;
}

/* Starts the thread and waits until it has started everything else. */
static int start_monitor(struct driver *driver, struct error *error)
{
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int code = pthread_create(&driver->monitor, NULL, driver_monitor_main, driver);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	driver->has_monitor = code == 0;
	errno = code;
	if (code)
		return error_set_errno(error, STATUS_SYSTEM, "cannot start the monitor thread");
	while (sem_wait(&driver->started) < 0)
		continue;
	if (driver->start_status != STATUS_OK && error)
		*error = driver->start_error;
	return driver->start_status;
}

static struct driver *driver_create(const struct plan *plan, const struct driver_options *options)
{
	struct driver *driver = calloc(1, sizeof *driver);
	if (!driver)
		return NULL;
	driver->plan = plan;
	driver->options = *options;
	driver->mode = modes[options->mode];
	if (!driver->options.stall_limit_ns)
		driver->options.stall_limit_ns = STALL_LIMIT_NS_DEFAULT;
	if (!driver->options.hang_limit_ns)
		driver->options.hang_limit_ns = HANG_LIMIT_NS_DEFAULT;
	if (!driver->options.grace_ns)
		driver->options.grace_ns = GRACE_NS_DEFAULT;
	driver->n_workers = (uint32_t)plan->graph->n_workers;
	driver->program_fd = driver->control_fd = driver->slots_fd = driver->rings_fd = driver->gates_fd = driver->lock_fd = -1;
	driver->ready_fd = driver->kick_fd = driver->wake_fd = driver->collector_socket = -1;
	sem_init(&driver->started, 0, 0);
	pthread_mutex_init(&driver->over_lock, NULL);
	driver->processes = calloc(driver->n_workers, sizeof *driver->processes);
	driver->poll_fds = calloc(3 + 3 * (size_t)driver->n_workers, sizeof *driver->poll_fds);
	driver->stalls.samples = calloc(driver->n_workers, sizeof *driver->stalls.samples);
	driver->reported = calloc(driver->n_workers, sizeof *driver->reported);
	for (uint32_t i = 0; driver->processes && i < driver->n_workers; i++) {
		driver->processes[i].process = (struct spawn_process)SPAWN_PROCESS_INIT;
		driver->processes[i].has_ended = true;
		driver->processes[i].name = plan->graph->workers[i].name;
	}
	return driver;
}

static void close_once(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void driver_destroy(struct driver *driver)
{
	for (uint32_t i = 0; driver->processes && i < driver->n_workers; i++)
		spawn_finish(&driver->processes[i].process);
	driver->mode->finish(driver);
	if (driver->slots)
		munmap(driver->slots, driver->slots_bytes);
	rings_close(&driver->rings);
	gates_close(&driver->gates);
	control_close(&driver->control);
	program_close(&driver->program);
	close_once(&driver->program_fd);
	close_once(&driver->control_fd);
	close_once(&driver->slots_fd);
	close_once(&driver->rings_fd);
	close_once(&driver->gates_fd);
	close_once(&driver->lock_fd);
	close_once(&driver->ready_fd);
	close_once(&driver->kick_fd);
	close_once(&driver->wake_fd);
	close_once(&driver->collector_socket);
	pthread_mutex_destroy(&driver->over_lock);
	sem_destroy(&driver->started);
	free(driver->processes);
	free(driver->poll_fds);
	free(driver->stalls.samples);
	free(driver->reported);
	free(driver->outputs);
	free(driver->submit_ticks);
	free(driver->input_views);
	free(driver);
}

int driver_prepare(const struct plan *plan, const struct driver_options *options, struct error *error, struct driver **ret_driver)
{
	struct driver *driver = driver_create(plan, options);
	if (!driver || !driver->processes || !driver->poll_fds || !driver->stalls.samples || !driver->reported) {
		if (driver)
			driver_destroy(driver);
		return error_set(error, STATUS_NO_MEMORY, "no memory for the driver");
	}
	clock_init();
	int status = check_recording(driver, error);
	if (status == STATUS_OK)
		status = check_descriptors(driver->n_workers, error);
	if (status == STATUS_OK)
		status = make_segments(driver, error);
	if (status == STATUS_OK)
		status = make_results(driver, error);
	if (status == STATUS_OK) {
		start_recording(driver);
		status = driver->mode->make_views(driver, error);
	}
	if (status != STATUS_OK) {
		driver_destroy(driver);
		return status;
	}
	driver->stalls.program = &driver->program;
	driver->stalls.control = &driver->control;
	*ret_driver = driver;
	return STATUS_OK;
}

#define STANDARD_FDS 3

/* A program may have closed its standard descriptors. What is made here must not get their numbers: it would be printed into. */
static int hold_standard_fds(int held[STANDARD_FDS])
{
	int n = 0;
	for (;;) {
		int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
		if (fd < 0)
			return n;
		if (fd >= STANDARD_FDS) {
			close(fd);
			return n;
		}
		held[n++] = fd;
	}
}

static int start(const struct plan *plan, const struct driver_options *options, struct error *error, struct driver **ret_driver)
{
	struct driver *driver;
	int status = driver_prepare(plan, options, error, &driver);
	if (status != STATUS_OK)
		return status;
	status = start_monitor(driver, error);
	if (status != STATUS_OK) {
		driver_end(driver, error);
		driver_stop(driver, NULL, NULL);
		return status;
	}
	atomic_store(&driver->control.header->idle_since, driver->recorder.last);
	atomic_store(&driver->control.header->state, CONTROL_RUNNING);
	atomic_store(&driver->gates.header->is_ready, 1);
	*ret_driver = driver;
	return STATUS_OK;
}

int driver_start(const struct plan *plan, const struct driver_options *options, struct error *error,
	struct driver **ret_driver)
{
	int held[STANDARD_FDS], n_held = hold_standard_fds(held);
	int status = start(plan, options, error, ret_driver);
	while (n_held > 0)
		close(held[--n_held]);
	return status;
}

void driver_interrupt(struct driver *driver)
{
	int saved = errno;
	atomic_store(&driver->is_interrupted, 1);
	driver_stop_steps(driver);
	driver_ring(driver);
	errno = saved;
}

static void kill_workers(struct driver *driver, bool stopped_only)
{
	for (uint32_t i = 1; i < driver->n_workers; i++) {
		pid_t pid = driver->processes[i].process.pid;
		if (!pid || (stopped_only && spawn_usage(pid).state != 'T'))
			continue;
		driver->n_killed++;
		spawn_kill(&driver->processes[i].process, SIGKILL);
	}
}

/* Workers leave at their next wait or before their next compute. One that is stopped cannot, one in an op gets the grace. */
static void end_workers(struct driver *driver)
{
	int64_t start = clock_now().ns;
	bool was_killed = false;
	driver_stop_steps(driver);
	while (!driver_workers_ended(driver)) {
		driver_watch(driver, 5);
		control_wake_all(&driver->control);
		gates_wake_all(&driver->gates);
		kill_workers(driver, true);
		if (!was_killed && clock_now().ns - start > driver->options.grace_ns) {
			kill_workers(driver, false);
			was_killed = true;
		}
	}
}

static void end_collector(struct driver *driver)
{
	struct collect_message stop = { .kind = COLLECT_STOP, .worker = PROGRAM_NONE, .node = PROGRAM_NONE, .execution = UINT64_MAX,
		.time_ns = clock_now().ns };
	struct error over = { 0 };
	int64_t start = clock_now().ns;
	if (atomic_load(&driver->is_over) || atomic_load(&driver->is_interrupted))
		stop.status = (uint32_t)driver_over(driver, &over);
	while (!driver->collector_is_done && collect_send(driver->collector_socket, &stop, over.text) == STATUS_AGAIN)
		driver_watch(driver, 10);
	while (!driver->processes[0].has_ended) {
		driver_watch(driver, 100);
		if (clock_now().ns - start > COLLECTOR_LIMIT_NS)
			spawn_kill(&driver->processes[0].process, SIGKILL);
	}
}

void driver_end_processes(struct driver *driver)
{
	end_workers(driver);
	driver->workers_ended_ns = clock_now().ns;
	if (driver->has_collector)
		end_collector(driver);
}

static uint64_t count_lost(const struct driver *driver)
{
	uint64_t n = 0;
	for (uint32_t i = 0; i < driver->rings.n_rings; i++) {
		for (int cause = 0; cause < LOSS_COUNT; cause++)
			n += atomic_load(&rings_get(&driver->rings, i)->lost[cause]);
	}
	return n;
}

int driver_stop(struct driver *driver, struct driver_summary *summary, struct error *error)
{
	int64_t start = clock_now().ns;
	if (driver->recorder.writer.ring && atomic_load(&driver->n_submitted) == atomic_load(&driver->n_finished))
		recorder_span(&driver->recorder, PHASE_IDLE, driver->recorder.last, clock_ticks().count);
	atomic_store(&driver->monitor_stops, 1);
	uint64_t one = 1;
	if (write(driver->kick_fd, &one, sizeof one) < 0)
		atomic_store(&driver->monitor_stops, 1);
	if (driver->has_monitor)
		pthread_join(driver->monitor, NULL);
	else
		driver_end_processes(driver);
	int status = driver->collector_status;
	if (status != STATUS_OK)
		error_set(error, status, "%s", driver->collector_text);
	if (summary)
		*summary = (struct driver_summary){
			.n_submitted = atomic_load(&driver->n_submitted),
			.n_finished = atomic_load(&driver->n_finished),
			.n_failed = atomic_load(&driver->n_failed),
			.n_lost_records = count_lost(driver),
			.is_trace_complete = driver->has_collector && status == STATUS_OK,
			.n_killed_workers = driver->n_killed,
			.teardown_ns = driver->workers_ended_ns - start,
		};
	driver_destroy(driver);
	return status;
}
