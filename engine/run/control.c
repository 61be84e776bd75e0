/* SPDX-License-Identifier: Apache-2.0
 *
 * control: layout, sleeping and waking, failures and cancellations.
 */
#include "engine/run/control.h"

#include <linux/futex.h>
#include <linux/membarrier.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static uint32_t failures_for(uint32_t in_flight)
{
	uint32_t n = 64;
	while (n < in_flight * 4 && n < 1u << 20)
		n *= 2;
	return n;
}

static size_t failures_offset(uint32_t n_workers)
{
	return round_up(sizeof(struct control_header) + n_workers * sizeof(struct control_worker), CACHE_LINE_BYTES);
}

size_t control_bytes(uint32_t n_workers, uint32_t in_flight)
{
	return failures_offset(n_workers) + failures_for(in_flight) * (sizeof(struct control_failure) + sizeof(struct control_cancel));
}

static struct control control_at(void *memory, size_t mapping_bytes)
{
	struct control_header *header = memory;
	struct control_failure *failures = (void *)((char *)memory + failures_offset(header->n_workers));
	return (struct control){
		.header = header,
		.failures = failures,
		.cancels = (void *)(failures + header->n_failures),
		.mapping_bytes = mapping_bytes,
		.n_workers = header->n_workers,
		.n_failures = header->n_failures,
	};
}

void control_init(void *memory, uint32_t n_workers, uint32_t in_flight, uint32_t n_cores, struct control *ret_control)
{
	struct control_header *header = memory;
	header->magic = CONTROL_MAGIC;
	header->version = CONTROL_VERSION;
	header->n_workers = n_workers;
	header->n_cores = n_cores;
	header->needs_fence = !control_register_barrier();
	header->n_failures = failures_for(in_flight);
	header->driver_pid = getpid();
	header->total_bytes = control_bytes(n_workers, in_flight);
	atomic_store(&header->n_awake, n_workers);
	*ret_control = control_at(memory, 0);
}

int control_create(uint32_t n_workers, uint32_t in_flight, uint32_t n_cores, struct error *error, int *ret_fd)
{
	size_t bytes = control_bytes(n_workers, in_flight);
	int fd = memfd_create("tandem-control", MFD_CLOEXEC);
	if (fd < 0)
		return error_set_errno(error, STATUS_SYSTEM, "cannot create the control segment");
	void *memory = MAP_FAILED;
	if (ftruncate(fd, (off_t)bytes) == 0)
		memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED) {
		int status = error_set_errno(error, STATUS_NO_MEMORY, "cannot map the control segment (%zu bytes)", bytes);
		close(fd);
		return status;
	}
	struct control control;
	control_init(memory, n_workers, in_flight, n_cores, &control);
	munmap(memory, bytes);
	*ret_fd = fd;
	return STATUS_OK;
}

int control_open(int fd, struct control *ret_control, struct error *error)
{
	struct stat stat;
	if (fstat(fd, &stat) < 0)
		return error_set_errno(error, STATUS_SYSTEM, "cannot read the control segment");
	size_t bytes = (size_t)stat.st_size;
	if (bytes < sizeof(struct control_header))
		return error_set(error, STATUS_PROTOCOL, "the control segment is too small (%zu bytes)", bytes);
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED)
		return error_set_errno(error, STATUS_NO_MEMORY, "cannot map the control segment");
	const struct control_header *header = memory;
	uint32_t n = header->n_failures;
	if (header->magic != CONTROL_MAGIC || header->version != CONTROL_VERSION || header->total_bytes != bytes
		|| header->n_workers > 1u << 16 || !n || (n & (n - 1)) || n > 1u << 20
		|| failures_offset(header->n_workers) + (size_t)n * (sizeof(struct control_failure) + sizeof(struct control_cancel)) != bytes) {
		munmap(memory, bytes);
		return error_set(error, STATUS_PROTOCOL, "the control segment has another layout than this program");
	}
	*ret_control = control_at(memory, bytes);
	return STATUS_OK;
}

void control_close(struct control *control)
{
	if (control->mapping_bytes)
		munmap(control->header, control->mapping_bytes);
	*control = (struct control){ 0 };
}

/* The quota of the cgroup this process is in, in cores rounded up; 0 when there is none (or no cgroup v2). */
static uint32_t cgroup_quota_cores(void)
{
	FILE *file = fopen("/sys/fs/cgroup/cpu.max", "re");
	if (!file)
		return 0;
	long long quota = 0, period = 0;
	int n = fscanf(file, "%lld %lld", &quota, &period);
	fclose(file);
	return n == 2 && quota > 0 && period > 0 ? (uint32_t)((quota + period - 1) / period) : 0;
}

uint32_t control_count_cores(void)
{
	cpu_set_t set;
	uint32_t n = 1;
	if (sched_getaffinity(0, sizeof set, &set) == 0)
		n = (uint32_t)CPU_COUNT(&set);
	uint32_t quota = cgroup_quota_cores();
	if (quota && quota < n)
		n = quota;
	return n ? n : 1;
}

bool control_register_barrier(void)
{
	return syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, 0, 0) == 0;
}

/* The driver sees to its own descriptor: it has another number there. */
static void ring(const struct control_worker *driver)
{
	uint64_t one = 1;
	if (getpid() != atomic_load_explicit(&driver->pid, memory_order_relaxed)
		&& write(CONTROL_WAKE_FD, &one, sizeof one) < 0)
		return; /* it is rung already, as often as can be counted */
}

void control_wake_slow(struct control_worker *worker)
{
	uint32_t sleeps = atomic_exchange_explicit(&worker->sleeps, 0, memory_order_relaxed);
	if (sleeps == CONTROL_ARMED)
		ring(worker);
	else if (sleeps)
		syscall(SYS_futex, &worker->sleeps, FUTEX_WAKE, 1, NULL, NULL, 0);
}

void control_wake_all(struct control *control)
{
	for (uint32_t i = 0; i < control->n_workers; i++)
		control_wake_slow(&control->header->workers[i]);
}

void control_stop(struct control *control)
{
	atomic_store(&control->header->state, CONTROL_STOPPING);
	atomic_fetch_or(&control->header->attention, CONTROL_ATTENTION_END);
	control_wake_all(control);
}

uint32_t control_fail(struct control *control, int status, uint32_t worker, uint32_t node, uint64_t execution,
	const char *text)
{
	uint32_t taken = atomic_fetch_add_explicit(&control->header->next_failure, 1, memory_order_relaxed);
	uint32_t idx = taken & (control->n_failures - 1);
	struct control_failure *failure = &control->failures[idx];
	atomic_store_explicit(&failure->is_set, 0, memory_order_relaxed);
	failure->status = (uint32_t)status;
	failure->node = node;
	failure->worker = worker;
	failure->execution = execution;
	snprintf(failure->text, sizeof failure->text, "%s", text);
	atomic_store_explicit(&failure->is_set, 1, memory_order_release);
	return idx + 1;
}

void control_cancel(struct control *control, uint64_t execution, uint32_t status_word)
{
	struct control_cancel *cancel = &control->cancels[execution & (control->n_failures - 1)];
	atomic_store_explicit(&cancel->status_word, 0, memory_order_relaxed);
	atomic_store_explicit(&cancel->execution, execution, memory_order_release);
	atomic_store_explicit(&cancel->status_word, status_word, memory_order_release);
	atomic_fetch_add_explicit(&control->header->n_cancels, 1, memory_order_relaxed);
	atomic_fetch_or_explicit(&control->header->attention, CONTROL_ATTENTION_END, memory_order_release);
}

uint32_t control_cancelled(const struct control *control, uint64_t execution)
{
	const struct control_cancel *cancel = &control->cancels[execution & (control->n_failures - 1)];
	uint32_t word = atomic_load_explicit(&cancel->status_word, memory_order_acquire);
	return word && atomic_load_explicit(&cancel->execution, memory_order_acquire) == execution ? word : 0;
}

bool control_read_wait(const struct control_worker *worker, struct control_wait_copy *ret_wait)
{
	const struct control_wait *wait = &worker->wait;
	for (int try = 0; try < 100; try++) {
		uint32_t before = atomic_load_explicit(&wait->version, memory_order_acquire);
		struct control_wait_copy copy = {
			.cause = atomic_load_explicit(&wait->cause, memory_order_relaxed),
			.node = atomic_load_explicit(&wait->node, memory_order_relaxed),
			.edge = atomic_load_explicit(&wait->edge, memory_order_relaxed),
			.channel = atomic_load_explicit(&wait->channel, memory_order_relaxed),
			.slot = atomic_load_explicit(&wait->slot, memory_order_relaxed),
			.peer = atomic_load_explicit(&wait->peer, memory_order_relaxed),
			.is_asleep = atomic_load_explicit(&wait->is_asleep, memory_order_relaxed),
			.execution = atomic_load_explicit(&wait->execution, memory_order_relaxed),
			.since = atomic_load_explicit(&wait->since, memory_order_relaxed),
		};
		atomic_thread_fence(memory_order_acquire);
		uint32_t after = atomic_load_explicit(&wait->version, memory_order_relaxed);
		if (before != after || before % 2)
			continue;
		*ret_wait = copy;
		return copy.cause != 0;
	}
	return false;
}
