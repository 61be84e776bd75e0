/* SPDX-License-Identifier: Apache-2.0
 *
 * worker: the process around an executor or an interpreter.
 *
 *     STARTING ──► READY ──► ENDED       reported through control_worker.state; READY and FAILED also add 1 to the ready eventfd
 *        └──► FAILED ◄──┘
 */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/run/driver.h"
#include "engine/run/executor.h"
#include "engine/run/interpreter.h"
#include "engine/run/spawn.h"

static_assert(SPAWN_FD_FIRST + SPAWN_WORKER_WAKE == CONTROL_WAKE_FD, "control.c writes to it");

struct worker;

/* What a worker runs. */
struct worker_mode {
	uint32_t n_own_fds; /* from SPAWN_WORKER_MORE, before the rings */
	int (*init)(struct worker *worker, const struct op_registry *registry, uint32_t *ret_node, struct error *error);
	int (*run)(struct worker *worker, struct error *error);
	void (*finish)(struct worker *worker);
};

struct worker {
	const struct worker_mode *mode;
	struct program program;
	struct control control;
	uint8_t *slots;     /* or bells and objects */
	size_t slots_bytes;
	struct gates gates;
	struct rings rings;
	struct ring_header *ring;
	struct recorder_policy policy;
	uint32_t idx;
	union {
		struct executor executor;
		struct interpreter interpreter;
	};
};

static int init_compiled(struct worker *worker, const struct op_registry *registry, uint32_t *ret_node, struct error *error)
{
	int status = executor_init(&worker->executor, &worker->program, &worker->control, worker->idx, worker->slots, worker->ring,
		&worker->policy, registry, ret_node, error);
	worker->executor.gates = &worker->gates;
	return status;
}

static int run_compiled(struct worker *worker, struct error *error)
{
	return executor_run(&worker->executor, error);
}

static void finish_compiled(struct worker *worker)
{
	executor_finish(&worker->executor);
}

static int init_interpreted(struct worker *worker, const struct op_registry *registry, uint32_t *ret_node, struct error *error)
{
	struct interpreter_peer peer = { .memory = worker->slots, .bytes = worker->slots_bytes,
		.socket_fd = SPAWN_FD_FIRST + SPAWN_WORKER_MORE };
	int status = interpreter_init(&worker->interpreter, &worker->program, &worker->control, worker->idx, &peer, worker->ring,
		&worker->policy, registry, ret_node, error);
	worker->interpreter.executor.gates = &worker->gates;
	return status;
}

static int run_interpreted(struct worker *worker, struct error *error)
{
	return interpreter_run(&worker->interpreter, error);
}

static void finish_interpreted(struct worker *worker)
{
	interpreter_finish(&worker->interpreter);
}

static const struct worker_mode worker_modes[RUN_MODE_COUNT] = {
	[RUN_MODE_COMPILED] = { .init = init_compiled, .run = run_compiled, .finish = finish_compiled },
	[RUN_MODE_INTERPRETED] = { .n_own_fds = 1, .init = init_interpreted, .run = run_interpreted, .finish = finish_interpreted },
};

static int fd_of(enum spawn_worker_fd which)
{
	return SPAWN_FD_FIRST + (int)which;
}

static int map_segments(struct worker *worker, struct error *error)
{
	int status = control_open(fd_of(SPAWN_WORKER_CONTROL), &worker->control, error);
	if (status != STATUS_OK)
		return status;
	if (worker->control.header->n_workers != worker->program.header->n_workers)
		return error_set(error, STATUS_PROTOCOL, "control segment and program differ in the number of workers");
	const struct program_header *header = worker->program.header;
	uint64_t least_bytes = header->mode == RUN_MODE_COMPILED ? header->slots_bytes : 1;
	struct stat stat;
	if (fstat(fd_of(SPAWN_WORKER_SLOTS), &stat) < 0 || (uint64_t)stat.st_size < least_bytes)
		return error_set(error, STATUS_PROTOCOL, "the slots segment is smaller than the program says");
	worker->slots_bytes = (size_t)stat.st_size;
	if (worker->slots_bytes) {
		worker->slots = mmap(NULL, worker->slots_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE,
			fd_of(SPAWN_WORKER_SLOTS), 0);
		if (worker->slots == MAP_FAILED)
			return error_set_errno(error, STATUS_NO_MEMORY, "cannot map %zu bytes of slots", worker->slots_bytes);
	}
	status = gates_open(fd_of(SPAWN_WORKER_GATES), &worker->program, worker->slots, worker->slots_bytes, &worker->gates, error);
	if (status != STATUS_OK)
		return status;
	int rings_fd = fd_of(SPAWN_WORKER_MORE) + (int)worker->mode->n_own_fds;
	if (fcntl(rings_fd, F_GETFD) < 0)
		return STATUS_OK;
	status = rings_open(rings_fd, &worker->rings, error);
	if (status == STATUS_OK && worker->idx < worker->rings.n_rings)
		worker->ring = rings_get(&worker->rings, worker->idx);
	return status;
}

static int find_self(struct worker *worker, const char *name, struct error *error)
{
	const struct program *program = &worker->program;
	for (uint32_t i = 1; i < program->header->n_workers; i++) {
		if (strcmp(program_string(program, program->workers[i].name), name) == 0) {
			worker->idx = i;
			return STATUS_OK;
		}
	}
	return error_set(error, STATUS_PROTOCOL, "the program has no worker '%s'", name);
}

static void pin(uint32_t worker_idx)
{
	cpu_set_t allowed, mine;
	if (sched_getaffinity(0, sizeof allowed, &allowed) < 0)
		return;
	int wanted = (int)(worker_idx - 1) % CPU_COUNT(&allowed);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &allowed) || wanted-- > 0)
			continue;
		CPU_ZERO(&mine);
		CPU_SET(cpu, &mine);
		sched_setaffinity(0, sizeof mine, &mine);
		return;
	}
}

static void report_state(struct worker *worker, enum control_worker_state state, uint32_t node, const struct error *error)
{
	struct control_worker *self = &worker->control.header->workers[worker->idx];
	if (error) {
		self->failure.status = (uint32_t)error->status;
		self->failure.worker = worker->idx;
		self->failure.node = node;
		self->failure.execution = UINT64_MAX;
		snprintf(self->failure.text, sizeof self->failure.text, "%.479s", error->text);
		atomic_store(&self->failure.is_set, 1);
	}
	atomic_store(&self->state, state);
	uint64_t one = 1;
	if (state != CONTROL_WORKER_ENDED && write(fd_of(SPAWN_WORKER_READY), &one, sizeof one) != sizeof one)
		_exit(1);
}

static int run(struct worker *worker, worker_ops_fn *open_ops, void *user, struct error *error)
{
	uint32_t node = PROGRAM_NONE;
	struct op_registry registry;
	int status = recorder_parse_policy(program_meta(&worker->program, "record", "all"), &worker->policy, error);
	if (status == STATUS_OK)
		status = open_ops(user, &worker->program, &registry, error);
	if (status == STATUS_OK)
		status = worker->mode->init(worker, &registry, &node, error);
	if (status != STATUS_OK) {
		report_state(worker, CONTROL_WORKER_FAILED, node, error);
		return status;
	}
	report_state(worker, CONTROL_WORKER_READY, PROGRAM_NONE, NULL);
	status = worker->mode->run(worker, error);
	if (status != STATUS_STOPPED) {
		report_state(worker, CONTROL_WORKER_FAILED, PROGRAM_NONE, error);
		return status;
	}
	worker->mode->finish(worker);
	report_state(worker, CONTROL_WORKER_ENDED, PROGRAM_NONE, NULL);
	return STATUS_OK;
}

bool worker_is_meant(int argc, char **argv)
{
	uint64_t magic;
	return argc == 3 && strcmp(argv[0], "tandem") == 0 && strcmp(argv[1], "worker") == 0
		&& fcntl(fd_of(SPAWN_WORKER_PROGRAM), F_GET_SEALS) > 0
		&& pread(fd_of(SPAWN_WORKER_PROGRAM), &magic, sizeof magic, 0) == sizeof magic && magic == PROGRAM_MAGIC;
}

int worker_main(int argc, char **argv, worker_ops_fn *open_ops, void *user)
{
	struct worker worker = { 0 };
	struct error error = { 0 };
	if (argc < 3 || fcntl(fd_of(SPAWN_WORKER_PROGRAM), F_GETFD) < 0 || fcntl(fd_of(SPAWN_WORKER_CONTROL), F_GETFD) < 0) {
		fprintf(stderr, "tandem worker: is started by `tandem run`, not by hand\n");
		return 2;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setvbuf(stdout, NULL, _IOLBF, 0);
	clock_init();
	control_register_barrier();
	int status = program_open(fd_of(SPAWN_WORKER_PROGRAM), &worker.program, &error);
	if (status == STATUS_OK) {
		worker.mode = &worker_modes[worker.program.header->mode];
		status = find_self(&worker, argv[2], &error);
	}
	if (status == STATUS_OK)
		status = map_segments(&worker, &error);
	if (status != STATUS_OK) {
		fprintf(stderr, "%s\n", error.text);
		return 1;
	}
	if (getppid() != worker.control.header->driver_pid)
		return 1; /* the driver died before PDEATHSIG was set */
	gates_catch_crashes(&worker.gates, worker.idx);
	if (program_meta(&worker.program, "pin", NULL))
		pin(worker.idx);
	status = run(&worker, open_ops, user, &error);
	fflush(NULL);
	return status == STATUS_OK ? 0 : 1;
}
