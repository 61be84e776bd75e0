/* SPDX-License-Identifier: Apache-2.0
 *
 * target_attach: finding the segments of somebody else's run among the descriptors of its processes, and locking them.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/debug/target_private.h"

#define LOOK_AGAIN_NS 5000000
#define SEGMENTS_MAX 4096 /* descriptors of one process that are looked at */

/* A memfd of a process. */
struct segment {
	int fd; /* its number there */
	uint64_t inode;
	struct timespec made;
	bool is_gates, is_program;
};

struct segments {
	struct segment *items;
	size_t n;
};

static bool read_segment(int folder, const char *name, struct segment *ret_segment)
{
	static const char prefix[] = "/memfd:tandem-";
	char link[64];
	struct stat info;
	ssize_t n = readlinkat(folder, name, link, sizeof link - 1);
	if (n <= 0)
		return false;
	link[n] = '\0';
	if (strncmp(link, prefix, sizeof prefix - 1) != 0 || fstatat(folder, name, &info, 0) != 0)
		return false;
	const char *kind = link + sizeof prefix - 1;
	*ret_segment = (struct segment){ .fd = atoi(name), .inode = info.st_ino, .made = info.st_ctim,
		.is_gates = strncmp(kind, "gates", 5) == 0, .is_program = strncmp(kind, "program", 7) == 0 };
	return true;
}

static int list_segments(pid_t pid, struct segments *ret_segments, struct error *error)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
	*ret_segments = (struct segments){ 0 };
	DIR *folder = opendir(path);
	if (!folder && (errno == EACCES || errno == EPERM))
		return error_set(error, STATUS_INPUT, "not permitted: process %d belongs to another user or does not let itself be looked into",
			(int)pid);
	if (!folder)
		return error_set(error, STATUS_INPUT, "there is no process %d", (int)pid);
	struct segment *items = calloc(SEGMENTS_MAX, sizeof *items);
	const struct dirent *entry;
	while (items && ret_segments->n < SEGMENTS_MAX && (entry = readdir(folder)))
		ret_segments->n += read_segment(dirfd(folder), entry->d_name, &items[ret_segments->n]);
	closedir(folder);
	ret_segments->items = items;
	return items ? STATUS_OK : error_set(error, STATUS_NO_MEMORY, "no memory for the descriptors of a process");
}

/* Opens the segment with that inode; -1. The process may have changed its descriptors since. */
static int open_segment(pid_t pid, const struct segments *segments, uint64_t inode, int flags)
{
	for (size_t i = 0; i < segments->n; i++) {
		char path[64];
		struct stat info;
		if (segments->items[i].inode != inode)
			continue;
		snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)pid, segments->items[i].fd);
		int fd = open(path, flags | O_CLOEXEC);
		if (fd >= 0 && fstat(fd, &info) == 0 && info.st_ino == inode)
			return fd;
		if (fd >= 0)
			close(fd);
	}
	return -1;
}

static void forget(int fds[TARGET_SEGMENTS])
{
	for (int i = 0; i < TARGET_SEGMENTS; i++)
		fds[i] = -1;
}

static void close_all(int fds[TARGET_SEGMENTS])
{
	for (int i = 0; i < TARGET_SEGMENTS; i++) {
		if (fds[i] >= 0)
			close(fds[i]);
	}
	forget(fds);
}

/* The segments that belong to one gates segment. False when they are not all there; *ret_version when they are another program's. */
static bool open_run(pid_t pid, const struct segments *segments, uint64_t gates_inode, int ret_fds[TARGET_SEGMENTS], uint32_t *ret_version)
{
	struct gates_header header;
	forget(ret_fds);
	ret_fds[TARGET_GATES] = open_segment(pid, segments, gates_inode, O_RDWR);
	bool is_whole = ret_fds[TARGET_GATES] >= 0 && pread(ret_fds[TARGET_GATES], &header, sizeof header, 0) == (ssize_t)sizeof header
		&& header.magic == GATES_MAGIC;
	if (is_whole && header.version != GATES_VERSION) {
		*ret_version = header.version;
		is_whole = false;
	}
	if (is_whole) {
		for (int i = TARGET_PROGRAM; i <= TARGET_SLOTS && is_whole; i++) {
			ret_fds[i] = open_segment(pid, segments, header.inodes[i], i == TARGET_PROGRAM ? O_RDONLY : O_RDWR);
			is_whole = ret_fds[i] >= 0;
		}
	}
	if (!is_whole)
		close_all(ret_fds);
	return is_whole;
}

static bool is_later(struct timespec a, struct timespec b)
{
	return a.tv_sec != b.tv_sec ? a.tv_sec > b.tv_sec : a.tv_nsec > b.tv_nsec;
}

static pid_t parent_of(pid_t pid)
{
	char path[64], text[512];
	int parent = 0;
	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	FILE *file = fopen(path, "re");
	if (file && fgets(text, sizeof text, file)) {
		const char *end = strrchr(text, ')');
		if (!end || sscanf(end, ") %*c %d", &parent) != 1)
			parent = 0;
	}
	if (file)
		fclose(file);
	return parent;
}

/* The newest run in the process. STATUS_AGAIN: none (yet). */
static int find_in(pid_t pid, int ret_fds[TARGET_SEGMENTS], bool *ret_is_part, struct error *error)
{
	struct segments segments;
	struct timespec newest = { 0 };
	uint32_t version = GATES_VERSION;
	forget(ret_fds);
	int status = list_segments(pid, &segments, error);
	for (size_t i = 0; status == STATUS_OK && i < segments.n; i++) {
		int fds[TARGET_SEGMENTS];
		const struct segment *segment = &segments.items[i];
		*ret_is_part |= segment->is_program;
		if (!segment->is_gates || (ret_fds[TARGET_GATES] >= 0 && !is_later(segment->made, newest))
			|| !open_run(pid, &segments, segment->inode, fds, &version))
			continue;
		close_all(ret_fds);
		memcpy(ret_fds, fds, sizeof fds);
		newest = segment->made;
	}
	free(segments.items);
	if (status != STATUS_OK || ret_fds[TARGET_GATES] >= 0)
		return status;
	if (version != GATES_VERSION)
		return error_set(error, STATUS_INPUT, "process %d runs another version of tandem (gates of version %u, not %u)", (int)pid,
			version, GATES_VERSION);
	return error_set(error, STATUS_AGAIN, "there is no tandem run in process %d", (int)pid);
}

/* In the process, or in its parent when it is a part of a run itself. */
static int find_run(pid_t pid, int ret_fds[TARGET_SEGMENTS], struct error *error)
{
	bool is_part = false;
	int status = find_in(pid, ret_fds, &is_part, error);
	pid_t parent = status == STATUS_AGAIN && is_part ? parent_of(pid) : 0;
	return parent > 1 ? find_in(parent, ret_fds, &is_part, error) : status;
}

static int lock(struct debug_target *target, struct error *error)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	struct gates_header *header = target->gates.header;
	if (fcntl(target->fds[TARGET_GATES], F_OFD_SETLK, &whole) != 0)
		return error_set(error, STATUS_INPUT, "process %d is being debugged by process %d already", (int)target->driver_pid,
			(int)atomic_load(&header->debugger_pid));
	atomic_store(&header->debugger_pid, getpid());
	atomic_store(&header->is_attached, 1);
	target->is_attached = true;
	return STATUS_OK;
}

static int open_driver(struct debug_target *target, struct error *error)
{
	target->driver_pid = target->control.header->driver_pid;
	target->driver_pidfd = (int)syscall(SYS_pidfd_open, target->driver_pid, 0);
	target->is_live = true;
	if (target->driver_pid <= 0 || target->driver_pidfd < 0 || !debug_target_is_live(target))
		return error_set(error, STATUS_INPUT, "the run of process %d has ended or is ending", (int)target->driver_pid);
	return STATUS_OK;
}

/* STATUS_AGAIN: not yet. */
static int try(pid_t pid, struct debug_target *target, struct error *error)
{
	*target = (struct debug_target)DEBUG_TARGET_INIT;
	int status = find_run(pid, target->fds, error);
	if (status == STATUS_OK)
		status = debug_target_map(target, error);
	if (status == STATUS_PROTOCOL)
		status = error_set(error, STATUS_INPUT, "process %d runs another version of tandem, or its memory was written over", (int)pid);
	if (status == STATUS_OK)
		status = open_driver(target, error);
	if (status == STATUS_OK && !atomic_load_explicit(&target->gates.header->is_ready, memory_order_acquire))
		status = error_set(error, STATUS_AGAIN, "the run in process %d is still starting; try again", (int)pid);
	if (status == STATUS_OK)
		status = lock(target, error);
	if (status != STATUS_OK)
		debug_target_close(target);
	return status;
}

int debug_target_attach(pid_t pid, int64_t limit_ns, struct debug_target *ret_target, struct error *error)
{
	int64_t start = clock_now().ns;
	if (pid <= 0)
		return error_set(error, STATUS_INPUT, "%d is no process", (int)pid);
	for (;;) {
		struct timespec pause = { .tv_nsec = LOOK_AGAIN_NS };
		int status = try(pid, ret_target, error);
		if (status != STATUS_AGAIN)
			return status;
		if (clock_now().ns - start >= limit_ns) {
			if (error)
				error->status = STATUS_INPUT;
			return STATUS_INPUT;
		}
		nanosleep(&pause, NULL);
	}
}
