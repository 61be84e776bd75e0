/* SPDX-License-Identifier: Apache-2.0
 *
 * host: what the machine and this process's share of it are, read from /proc and /sys below a root folder, so that tests can describe
 * other machines. What cannot be read is said to be unknown and never guessed: texts are empty, numbers HOST_UNKNOWN.
 */
#ifndef TANDEM_ENGINE_BASE_HOST_H
#define TANDEM_ENGINE_BASE_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"

#define HOST_UNKNOWN (-1)
#define HOST_CPUS_MAX 4096
#define HOST_TEXT_BYTES 256

/* CPUs by number. */
struct host_set {
	uint64_t words[HOST_CPUS_MAX / 64];
};

/* Caches of one kind. */
struct host_cache {
	int level;
	char type[16];               /* "Data", "Instruction", "Unified" */
	int64_t size_bytes;          /* of one; HOST_UNKNOWN */
	int n, n_sharing;            /* how many there are; CPUs that share one */
	char first_shared[HOST_TEXT_BYTES]; /* the CPUs of the first, as "0-1" */
	struct host_set seen;        /* CPUs whose cache has been counted */
};

struct host_node {
	int id;
	int64_t memory_bytes, free_bytes;
	char cpus[HOST_TEXT_BYTES], distances[HOST_TEXT_BYTES]; /* "0-7", "10 21" */
};

struct host {
	char model[HOST_TEXT_BYTES];
	int n_sockets, n_cores, n_threads;  /* online */
	char online[HOST_TEXT_BYTES], siblings[HOST_TEXT_BYTES]; /* siblings: of the first CPU */
	int64_t least_khz, most_khz;        /* hardware limits over all CPUs */
	char governor[64];
	struct host_cache *caches;
	int n_caches;
	struct host_node *nodes;
	int n_nodes;
	int64_t memory_bytes, available_bytes;

	bool has_tsc, is_tsc_constant;      /* flags tsc; constant_tsc and nonstop_tsc */
	char clock_source[64];

	int cgroup_version;                 /* 0: none */
	char cgroup_path[HOST_TEXT_BYTES];
	double quota_cores;                 /* the least on the way to the root; HOST_UNKNOWN: no limit */
	char cgroup_cpus[HOST_TEXT_BYTES];
	int64_t cgroup_limit_bytes, cgroup_used_bytes; /* limit: the least on the way; HOST_UNKNOWN: no limit */

	struct host_set allowed;            /* affinity of this process; empty when unknown */
	char allowed_text[HOST_TEXT_BYTES];
	int64_t open_files, locked_bytes;   /* limits of this process; INT64_MAX: none */
};

/* `root` is "" for this machine. Fails with STATUS_NO_MEMORY only; on success the host must be finished. */
int host_read(const char *root, struct host *ret_host, struct error *error);
void host_finish(struct host *host);

/* Parses "0-3,8"; false (and an empty set) when the text is no such list. Numbers beyond HOST_CPUS_MAX are no such list. */
bool host_set_parse(const char *text, struct host_set *ret_set);
bool host_set_has(const struct host_set *set, int cpu);
int host_set_count(const struct host_set *set);

/* The CPU that worker `worker` (0 for the first) is pinned to by `--pin`: the allowed CPUs in turn. HOST_UNKNOWN without any. */
int host_pin(const struct host *host, int worker);

/* For host*.c: the first line of root/path into `text` without its newline; false (and "") when it cannot be read. The number at
 * its beginning, HOST_UNKNOWN when there is none. */
bool host_line(const char *root, const char *path, char *text, size_t size);
int64_t host_number(const char *root, const char *path);
void host_read_topology(const char *root, struct host *host);
int host_read_memory(const char *root, struct host *host, struct error *error);
void host_read_cgroup(const char *root, struct host *host);

#endif
