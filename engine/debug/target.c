/* SPDX-License-Identifier: Apache-2.0
 *
 * target: mapping and checking the segments of a run, those of a live one and saved ones alike; and time in it.
 */
#include "engine/debug/target.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/units.h"
#include "engine/debug/target_private.h"
#include "engine/run/task.h"

#define PAGE_BYTES 4096u
#define PROGRAM_SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

static int map_slots(struct debug_target *target, int fd, struct error *error)
{
	const struct program_header *header = target->program.header;
	bool is_compiled = header->mode == RUN_MODE_COMPILED;
	size_t bells_bytes = task_bells_bytes(header->n_workers);
	struct stat info;
	if (fstat(fd, &info) != 0 || (uint64_t)info.st_size < (is_compiled ? header->slots_bytes : bells_bytes + 1))
		return error_set(error, STATUS_PROTOCOL, "the segment of the values is smaller than the program says");
	size_t bytes = (size_t)info.st_size;
	if (!bytes)
		return STATUS_OK;
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
	if (memory == MAP_FAILED)
		return error_set_errno(error, STATUS_NO_MEMORY, "cannot map the run's values (%zu bytes)", bytes);
	target->slots = memory;
	target->slots_bytes = bytes;
	return is_compiled ? STATUS_OK : objects_open(target->slots + bells_bytes, bytes - bells_bytes, &target->objects, error);
}

int debug_target_map(struct debug_target *target, struct error *error)
{
	clock_init();
	target->ns_per_tick = 1e6 / (double)clock_ticks_of_ns(1000000);
	int status = program_open(target->fds[TARGET_PROGRAM], &target->program, error);
	if (status == STATUS_OK)
		status = control_open(target->fds[TARGET_CONTROL], &target->control, error);
	if (status == STATUS_OK && target->control.n_workers != target->program.header->n_workers)
		status = error_set(error, STATUS_PROTOCOL, "control segment and program differ in the number of workers");
	if (status == STATUS_OK)
		status = map_slots(target, target->fds[TARGET_SLOTS], error);
	if (status == STATUS_OK)
		status = gates_open(target->fds[TARGET_GATES], &target->program, target->slots, target->slots_bytes, &target->gates, error);
	if (status != STATUS_OK)
		return status;
	target->stalls.samples = calloc(target->program.header->n_workers, sizeof *target->stalls.samples);
	if (!target->stalls.samples)
		return error_set(error, STATUS_NO_MEMORY, "no memory to watch a run");
	target->stalls.program = &target->program;
	target->stalls.control = &target->control;
	return STATUS_OK;
}

/* -- images ----------------------------------------------------------------------------------------------------------- */

static bool is_zero(const uint8_t *bytes, size_t n)
{
	return n == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, n - 1) == 0);
}

/* The first page at or behind `at` that may hold something, as the file that it maps says. */
static size_t skip_hole(int file, size_t at, size_t n)
{
	off_t data = file > 0 ? lseek(file, (off_t)at, SEEK_DATA) : (off_t)at;
	if (data < 0)
		return errno == ENXIO ? n : at;
	return (size_t)data / PAGE_BYTES * PAGE_BYTES > at ? (size_t)data / PAGE_BYTES * PAGE_BYTES : at;
}

/* A memfd with these bytes, which map `file` (0: none); pages of zeros take no memory. */
static int make_segment(const void *bytes, size_t n, int file, unsigned seals, struct error *error, int *ret_fd)
{
	int fd = memfd_create("tandem-image", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	bool is_made = fd >= 0 && ftruncate(fd, (off_t)n) == 0;
	for (size_t at = skip_hole(file, 0, n); is_made && at < n; at = skip_hole(file, at + PAGE_BYTES, n)) {
		size_t left = n - at < PAGE_BYTES ? n - at : PAGE_BYTES;
		const uint8_t *page = (const uint8_t *)bytes + at;
		is_made = is_zero(page, left) || pwrite(fd, page, left, (off_t)at) == (ssize_t)left;
	}
	is_made = is_made && (!seals || fcntl(fd, F_ADD_SEALS, seals) == 0);
	*ret_fd = fd;
	return is_made ? STATUS_OK : error_set_errno(error, STATUS_NO_MEMORY, "cannot make memory of a saved segment (%zu bytes)", n);
}

/* The control segment as it was when the run was frozen takes the place of what was saved later. */
static int take_frozen(struct debug_target *target, struct error *error)
{
	const struct gates *gates = &target->gates;
	const struct gates_header *header = gates->header;
	if (atomic_load_explicit(&header->frozen.state, memory_order_acquire) != 2)
		return STATUS_OK;
	target->frozen_ticks = header->frozen.ticks;
	uint64_t offset = header->frozen_control, bytes = header->control_bytes;
	if (offset > gates->mapping_bytes || bytes > gates->mapping_bytes - offset)
		return error_set(error, STATUS_PROTOCOL, "the frozen state does not lie in its segment");
	struct control frozen;
	int fd = -1, status = make_segment(gates->base + offset, bytes, 0, 0, error, &fd);
	if (status == STATUS_OK)
		status = control_open(fd, &frozen, error);
	if (status == STATUS_OK && frozen.n_workers != target->control.n_workers) {
		control_close(&frozen);
		status = error_set(error, STATUS_PROTOCOL, "the frozen state is one of another run");
	}
	if (status == STATUS_OK) {
		target->last = target->control;
		target->control = frozen;
	}
	if (fd >= 0)
		close(fd);
	return status;
}

/* Without a frozen state the last thing that anybody noted is "now". */
static uint64_t guess_now(const struct debug_target *target)
{
	const struct control_header *header = target->control.header;
	uint64_t now = atomic_load(&header->busy_since), idle = atomic_load(&header->idle_since);
	now = idle > now ? idle : now;
	for (uint32_t i = 0; i < target->control.n_workers; i++) {
		uint64_t since = atomic_load(&header->workers[i].wait.since);
		now = since > now ? since : now;
	}
	return now;
}

int debug_target_open_images(const struct debug_images *images, struct debug_target *ret_target, struct error *error)
{
	struct debug_target *target = ret_target;
	int *fds = target->fds;
	*target = (struct debug_target)DEBUG_TARGET_INIT;
	int status = make_segment(images->program, images->program_bytes, images->fds[0], PROGRAM_SEALS, error, &fds[TARGET_PROGRAM]);
	if (status == STATUS_OK)
		status = make_segment(images->control, images->control_bytes, images->fds[1], 0, error, &fds[TARGET_CONTROL]);
	if (status == STATUS_OK)
		status = make_segment(images->slots, images->slots_bytes, images->fds[2], 0, error, &fds[TARGET_SLOTS]);
	if (status == STATUS_OK)
		status = make_segment(images->gates, images->gates_bytes, images->fds[3], 0, error, &fds[TARGET_GATES]);
	if (status == STATUS_OK)
		status = debug_target_map(target, error);
	if (status == STATUS_OK)
		status = take_frozen(target, error);
	if (status != STATUS_OK) {
		debug_target_close(target);
		return status;
	}
	if (images->ns_per_tick > 0 && images->ns_per_tick < 1e6)
		target->ns_per_tick = images->ns_per_tick;
	if (!target->frozen_ticks)
		target->frozen_ticks = guess_now(target);
	return STATUS_OK;
}

/* -- life -------------------------------------------------------------------------------------------------------------- */

bool debug_target_is_live(struct debug_target *target)
{
	struct pollfd driver = { .fd = target->driver_pidfd, .events = POLLIN };
	if (!target->is_live)
		return false;
	if (atomic_load(&target->control.header->state) == CONTROL_STOPPING || poll(&driver, 1, 0) != 0)
		target->is_live = false;
	return target->is_live;
}

void debug_target_close(struct debug_target *target)
{
	if (target->is_attached) {
		gates_release(&target->gates, &target->control);
		atomic_store(&target->gates.header->is_attached, 0);
	}
	for (int i = 0; i < TARGET_SEGMENTS; i++) {
		if (target->fds[i] >= 0)
			close(target->fds[i]);
	}
	if (target->driver_pidfd >= 0)
		close(target->driver_pidfd);
	if (target->gates.header)
		gates_close(&target->gates);
	control_close(&target->control);
	control_close(&target->last);
	program_close(&target->program);
	if (target->slots)
		munmap(target->slots, target->slots_bytes);
	free(target->stalls.samples);
	*target = (struct debug_target)DEBUG_TARGET_INIT;
}

/* -- time -------------------------------------------------------------------------------------------------------------- */

uint64_t debug_now(const struct debug_target *target)
{
	return target->driver_pid ? clock_ticks().count : target->frozen_ticks;
}

int64_t debug_duration_ns(const struct debug_target *target, uint64_t ticks)
{
	double ns = (double)ticks * target->ns_per_tick;
	return ns < 9e18 ? (int64_t)ns : INT64_MAX;
}

void debug_add_duration(const struct debug_target *target, uint64_t since, struct strbuf *out)
{
	char text[32];
	uint64_t now = debug_now(target);
	if (!since || !now)
		strbuf_add(out, "?");
	else
		strbuf_add(out, units_duration(now > since ? debug_duration_ns(target, now - since) : 0, text, sizeof text));
}
