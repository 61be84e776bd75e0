/* SPDX-License-Identifier: Apache-2.0
 *
 * host_cgroup: limits of the control groups that this process is in, versions 1 and 2 (cgroups(7)). A limit holds for all that is below,
 * so the least on the way to the root counts. In a container the path may not be visible; then what is mounted at the root counts.
 */
#include <stdio.h>
#include <string.h>

#include "engine/base/host.h"

#define MOUNT "/sys/fs/cgroup"
#define NO_LIMIT_BYTES (INT64_MAX / 2) /* version 1 writes a huge number */

/* What to do in each folder from the process's own to the root. */
typedef void visit_fn(const char *root, const char *folder, struct host *host);

static void climb(const char *root, const char *mount, const char *path, struct host *host, visit_fn *visit)
{
	char folder[HOST_TEXT_BYTES * 2];
	if ((size_t)snprintf(folder, sizeof(folder), "%s%s", mount, path) >= sizeof(folder))
		return;
	for (size_t length = strlen(mount);;) {
		visit(root, folder, host);
		char *slash = strrchr(folder, '/');
		if (strlen(folder) <= length || !slash)
			return;
		*slash = '\0';
		if (strlen(folder) < length)
			return;
	}
}

static bool read_in(const char *root, const char *folder, const char *file, char *text, size_t size)
{
	char path[HOST_TEXT_BYTES * 2 + 64];
	snprintf(path, sizeof(path), "%s/%s", folder, file);
	return host_line(root, path, text, size);
}

static int64_t number_in(const char *root, const char *folder, const char *file)
{
	char path[HOST_TEXT_BYTES * 2 + 64];
	snprintf(path, sizeof(path), "%s/%s", folder, file);
	return host_number(root, path);
}

static void take_quota(struct host *host, double quota, double period)
{
	if (quota > 0 && period > 0 && (host->quota_cores < 0 || quota / period < host->quota_cores))
		host->quota_cores = quota / period;
}

static void take_memory(struct host *host, int64_t limit, int64_t used)
{
	if (limit >= 0 && limit < NO_LIMIT_BYTES && (host->cgroup_limit_bytes < 0 || limit < host->cgroup_limit_bytes))
		host->cgroup_limit_bytes = limit;
	if (host->cgroup_used_bytes < 0)
		host->cgroup_used_bytes = used;
}

static void visit_unified(const char *root, const char *folder, struct host *host)
{
	char text[HOST_TEXT_BYTES];
	double quota = 0, period = 0;
	if (read_in(root, folder, "cpu.max", text, sizeof(text)) && sscanf(text, "%lf %lf", &quota, &period) == 2)
		take_quota(host, quota, period);
	take_memory(host, number_in(root, folder, "memory.max"), number_in(root, folder, "memory.current"));
	if (!*host->cgroup_cpus)
		read_in(root, folder, "cpuset.cpus.effective", host->cgroup_cpus, sizeof(host->cgroup_cpus));
}

static void visit_cpu(const char *root, const char *folder, struct host *host)
{
	take_quota(host, (double)number_in(root, folder, "cpu.cfs_quota_us"), (double)number_in(root, folder, "cpu.cfs_period_us"));
}

static void visit_memory(const char *root, const char *folder, struct host *host)
{
	take_memory(host, number_in(root, folder, "memory.limit_in_bytes"), number_in(root, folder, "memory.usage_in_bytes"));
}

static void visit_cpuset(const char *root, const char *folder, struct host *host)
{
	if (!*host->cgroup_cpus)
		read_in(root, folder, "cpuset.cpus", host->cgroup_cpus, sizeof(host->cgroup_cpus));
}

static const struct {
	const char *controller;
	visit_fn *visit;
} controllers[] = { { "cpu", visit_cpu }, { "memory", visit_memory }, { "cpuset", visit_cpuset } };

static bool lists(const char *names, const char *name)
{
	size_t length = strlen(name);
	for (const char *at = names; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
		if (strncmp(at, name, length) == 0 && (at[length] == ',' || at[length] == '\0'))
			return true;
	}
	return false;
}

/* A line of /proc/self/cgroup: "0::/path" or "4:cpu,cpuacct:/path". */
static void read_membership(const char *root, char *line, struct host *host)
{
	char *names = strchr(line, ':');
	char *colon = names ? strchr(names + 1, ':') : NULL;
	if (!colon)
		return;
	*colon = '\0';
	names++;
	colon[1 + strcspn(colon + 1, "\n")] = '\0';
	const char *path = strcmp(colon + 1, "/") == 0 ? "" : colon + 1;
	if (!*names) {
		climb(root, MOUNT, path, host, visit_unified);
		if (!host->cgroup_version)
			snprintf(host->cgroup_path, sizeof(host->cgroup_path), "%s", *path ? path : "/");
		host->cgroup_version = host->cgroup_version ? host->cgroup_version : 2;
		return;
	}
	for (size_t i = 0; i < sizeof(controllers) / sizeof(controllers[0]); i++) {
		char mount[64];
		if (!lists(names, controllers[i].controller))
			continue;
		host->cgroup_version = 1;
		snprintf(host->cgroup_path, sizeof(host->cgroup_path), "%s", *path ? path : "/");
		snprintf(mount, sizeof(mount), MOUNT "/%s", controllers[i].controller);
		climb(root, mount, path, host, controllers[i].visit);
	}
}

void host_read_cgroup(const char *root, struct host *host)
{
	char name[1024], line[HOST_TEXT_BYTES * 2];
	host->quota_cores = HOST_UNKNOWN;
	host->cgroup_limit_bytes = host->cgroup_used_bytes = HOST_UNKNOWN;
	snprintf(name, sizeof(name), "%s/proc/self/cgroup", root);
	FILE *file = fopen(name, "re");
	while (file && fgets(line, sizeof(line), file))
		read_membership(root, line, host);
	if (file)
		fclose(file);
}
