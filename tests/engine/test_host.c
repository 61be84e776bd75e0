/* SPDX-License-Identifier: Apache-2.0
 *
 * Machines as trees of small files: two sockets with nodes, a container with a quota, nothing at all, garbage.
 */
#include "engine/base/host.h"

#include <criterion/criterion.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/attributes.h"

static char root[64];

static void write_file(const char *path, const char *text)
{
	char name[512];
	snprintf(name, sizeof(name), "%s%s", root, path);
	for (char *slash = strchr(name + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(name, 0777);
		*slash = '/';
	}
	FILE *file = fopen(name, "w");
	cr_assert(file != NULL, "%s cannot be made", name);
	fputs(text, file);
	fclose(file);
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *where)
{
	return remove(path);
}

static void setup(void)
{
	strcpy(root, "/tmp/tandem-host-XXXXXX");
	cr_assert(mkdtemp(root) != NULL);
}

static void teardown(void)
{
	nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

TestSuite(host, .init = setup, .fini = teardown);

static struct host read_host(void)
{
	struct host host;
	struct error error = { 0 };
	cr_assert_eq(host_read(root, &host, &error), STATUS_OK, "%s", error.text);
	return host;
}

static const struct set_case {
	const char *text;
	bool is_set;
	int count, first, last;
} set_cases[] = {
	{ "0", true, 1, 0, 0 }, { "0-3,8", true, 5, 0, 8 }, { "63-64", true, 2, 63, 64 }, { "4095", true, 1, 4095, 4095 },
	{ "", false, 0, 0, 0 }, { "3-1", false, 0, 0, 0 }, { "4096", false, 0, 0, 0 }, { "0-99999999999999999999", false, 0, 0, 0 },
	{ "-1", false, 0, 0, 0 }, { "1,,2", false, 0, 0, 0 }, { "1,", false, 0, 0, 0 }, { "a", false, 0, 0, 0 }, { "1-", false, 0, 0, 0 },
	{ "1 2", false, 0, 0, 0 },
};

Test(host, lists_of_cpus)
{
	for (size_t i = 0; i < ARRAY_LEN(set_cases); i++) {
		const struct set_case *c = &set_cases[i];
		struct host_set set;
		bool is_set = host_set_parse(c->text, &set);
		cr_expect_eq(is_set, c->is_set, "'%s': parsed %d, wanted %d", c->text, is_set, c->is_set);
		cr_expect_eq(host_set_count(&set), c->count, "'%s': %d, wanted %d", c->text, host_set_count(&set), c->count);
		if (c->is_set)
			cr_expect(host_set_has(&set, c->first) && host_set_has(&set, c->last), "'%s' lacks an end", c->text);
	}
}

/* Two sockets, two cores each, two threads a core: threads of a core are n and n + 4. */
static void write_two_sockets(void)
{
	char path[128], text[64];
	write_file("/proc/cpuinfo", "processor\t: 0\nmodel name\t: Made Up 9000\nflags\t\t: fpu tsc constant_tsc nonstop_tsc\n");
	write_file("/sys/devices/system/cpu/online", "0-7\n");
	for (int cpu = 0; cpu < 8; cpu++) {
		const struct {
			const char *file;
			int value;
		} numbers[] = { { "topology/physical_package_id", cpu % 4 / 2 }, { "cpufreq/cpuinfo_max_freq", 3000000 + cpu },
			{ "cpufreq/cpuinfo_min_freq", 800000 - cpu }, { "cache/index0/level", 1 }, { "cache/index1/level", 3 } };
		for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
			snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/%s", cpu, numbers[i].file);
			snprintf(text, sizeof(text), "%d\n", numbers[i].value);
			write_file(path, text);
		}
		const struct {
			const char *file, *format;
			int a, b;
		} texts[] = { { "topology/thread_siblings_list", "%d,%d\n", cpu % 4, cpu % 4 + 4 },
			{ "cpufreq/scaling_governor", "powersave\n", 0, 0 }, { "cache/index0/type", "Data\n", 0, 0 },
			{ "cache/index0/size", "48K\n", 0, 0 }, { "cache/index0/shared_cpu_list", "%d,%d\n", cpu % 4, cpu % 4 + 4 },
			{ "cache/index1/type", "Unified\n", 0, 0 }, { "cache/index1/size", "32M\n", 0, 0 },
			{ "cache/index1/shared_cpu_list", cpu % 4 < 2 ? "0-1,4-5\n" : "2-3,6-7\n", 0, 0 } };
		for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
			snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/%s", cpu, texts[i].file);
			snprintf(text, sizeof(text), texts[i].format, texts[i].a, texts[i].b);
			write_file(path, text);
		}
	}
	write_file("/sys/devices/system/node/online", "0-1\n");
	for (int node = 0; node < 2; node++) {
		snprintf(path, sizeof(path), "/sys/devices/system/node/node%d/meminfo", node);
		write_file(path, "Node 0 MemTotal:       1024 kB\nNode 0 MemFree:         512 kB\n");
		snprintf(path, sizeof(path), "/sys/devices/system/node/node%d/distance", node);
		write_file(path, node ? "21 10\n" : "10 21\n");
		snprintf(path, sizeof(path), "/sys/devices/system/node/node%d/cpulist", node);
		write_file(path, node ? "2-3,6-7\n" : "0-1,4-5\n");
	}
	write_file("/proc/self/status", "Name:\tx\nCpus_allowed:\tff\nCpus_allowed_list:\t1,5-6\n");
	write_file("/proc/self/limits", "Limit                     Soft Limit           Hard Limit           Units\n"
		"Max locked memory         unlimited            unlimited            bytes\n"
		"Max open files            1024                 4096                 files\n");
}

Test(host, two_sockets)
{
	write_two_sockets();
	struct host host = read_host();
	cr_expect_str_eq(host.model, "Made Up 9000");
	const struct {
		const char *name;
		int64_t found, wanted;
	} numbers[] = { { "sockets", host.n_sockets, 2 }, { "cores", host.n_cores, 4 }, { "threads", host.n_threads, 8 },
		{ "most", host.most_khz, 3000007 }, { "least", host.least_khz, 799993 }, { "kinds of caches", host.n_caches, 2 },
		{ "L1", host.caches[0].n, 4 }, { "L1 size", host.caches[0].size_bytes, 48 << 10 }, { "L1 shared", host.caches[0].n_sharing, 2 },
		{ "L3", host.caches[1].n, 2 }, { "L3 size", host.caches[1].size_bytes, 32 << 20 }, { "L3 shared", host.caches[1].n_sharing, 4 },
		{ "nodes", host.n_nodes, 2 }, { "node memory", host.nodes[1].memory_bytes, 1 << 20 },
		{ "node free", host.nodes[1].free_bytes, 1 << 19 }, { "TSC", host.is_tsc_constant, 1 },
		{ "open files", host.open_files, 1024 }, { "locked", host.locked_bytes, INT64_MAX },
		{ "allowed", host_set_count(&host.allowed), 3 }, { "pin 0", host_pin(&host, 0), 1 }, { "pin 2", host_pin(&host, 2), 6 },
		{ "pin 3", host_pin(&host, 3), 1 }, { "cgroup", host.cgroup_version, 0 } };
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		cr_expect_eq(numbers[i].found, numbers[i].wanted, "%s: %lld, wanted %lld", numbers[i].name, (long long)numbers[i].found,
			(long long)numbers[i].wanted);
	cr_expect_str_eq(host.nodes[1].distances, "21 10");
	cr_expect_str_eq(host.siblings, "0,4");
	cr_expect_str_eq(host.governor, "powersave");
	host_finish(&host);
}

static const struct cgroup_case {
	const char *name, *files[13]; /* path, text, … */
	int version;
	double quota;
	int64_t limit, used;
	const char *cpus;
} cgroup_cases[] = {
	{ "none", { NULL }, 0, -1, -1, -1, "" },
	{ "version 2, own quota", { "/proc/self/cgroup", "0::/job\n", "/sys/fs/cgroup/job/cpu.max", "150000 100000\n",
		"/sys/fs/cgroup/job/memory.max", "1073741824\n", "/sys/fs/cgroup/job/memory.current", "4096\n",
		"/sys/fs/cgroup/job/cpuset.cpus.effective", "0-1\n" }, 2, 1.5, 1 << 30, 4096, "0-1" },
	{ "version 2, the parent's is less", { "/proc/self/cgroup", "0::/a/b\n", "/sys/fs/cgroup/a/b/cpu.max", "400000 100000\n",
		"/sys/fs/cgroup/a/cpu.max", "50000 100000\n", "/sys/fs/cgroup/a/b/memory.max", "max\n",
		"/sys/fs/cgroup/a/memory.max", "1000\n" }, 2, 0.5, 1000, -1, "" },
	{ "container: the path is not visible", { "/proc/self/cgroup", "0::/not/here\n", "/sys/fs/cgroup/cpu.max", "200000 100000\n" }, 2, 2,
		-1, -1, "" },
	{ "no limit", { "/proc/self/cgroup", "0::/\n", "/sys/fs/cgroup/cpu.max", "max 100000\n", "/sys/fs/cgroup/memory.max", "max\n" }, 2, -1,
		-1, -1, "" },
	{ "version 1", { "/proc/self/cgroup", "9:cpu,cpuacct:/job\n4:memory:/job\n3:cpuset:/\n0::/x\n",
		"/sys/fs/cgroup/cpu/job/cpu.cfs_quota_us", "25000\n", "/sys/fs/cgroup/cpu/job/cpu.cfs_period_us", "100000\n",
		"/sys/fs/cgroup/memory/job/memory.limit_in_bytes", "9223372036854771712\n",
		"/sys/fs/cgroup/memory/job/memory.usage_in_bytes", "77\n", "/sys/fs/cgroup/cpuset/cpuset.cpus", "3\n" }, 1, 0.25, -1, 77, "3" },
	{ "version 1 without a quota", { "/proc/self/cgroup", "9:cpu:/\n", "/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n",
		"/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n" }, 1, -1, -1, -1, "" },
	{ "garbage", { "/proc/self/cgroup", "nonsense\n::\n0::\n", "/sys/fs/cgroup/cpu.max", "-5 0\n", "/sys/fs/cgroup/memory.max", "-3\n" }, 2,
		-1, -1, -1, "" },
};

Test(host, control_groups)
{
	for (size_t i = 0; i < ARRAY_LEN(cgroup_cases); i++) {
		const struct cgroup_case *c = &cgroup_cases[i];
		teardown();
		setup();
		for (int k = 0; c->files[k]; k += 2)
			write_file(c->files[k], c->files[k + 1]);
		struct host host = read_host();
		cr_expect_eq(host.cgroup_version, c->version, "%s: version %d, wanted %d", c->name, host.cgroup_version, c->version);
		cr_expect_float_eq(host.quota_cores, c->quota, 1e-9, "%s: quota %g, wanted %g", c->name, host.quota_cores, c->quota);
		cr_expect_eq(host.cgroup_limit_bytes, c->limit, "%s: limit %lld, wanted %lld", c->name, (long long)host.cgroup_limit_bytes,
			(long long)c->limit);
		cr_expect_eq(host.cgroup_used_bytes, c->used, "%s: used %lld, wanted %lld", c->name, (long long)host.cgroup_used_bytes,
			(long long)c->used);
		cr_expect_str_eq(host.cgroup_cpus, c->cpus, "%s: CPUs '%s', wanted '%s'", c->name, host.cgroup_cpus, c->cpus);
		host_finish(&host);
	}
}

Test(host, nothing_is_unknown_and_not_guessed)
{
	struct host host = read_host();
	const int64_t numbers[] = { host.n_sockets, host.n_cores, host.n_threads, host.most_khz, host.memory_bytes, host.open_files,
		host_pin(&host, 0) };
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		cr_expect_eq(numbers[i], HOST_UNKNOWN, "number %zu is %lld, wanted unknown", i, (long long)numbers[i]);
	cr_expect_str_empty(host.model);
	cr_expect_eq(host.n_caches + host.n_nodes, 0, "%d caches and nodes, wanted 0", host.n_caches + host.n_nodes);
	host_finish(&host);
}

Test(host, garbage_does_no_harm)
{
	static const char *const texts[] = { "", "\n", "-1\n", "99999999999999999999\n", "\xff\xfe\x01\n", "0-4095\n", "4095-0\n" };
	static const char *const files[] = { "/proc/cpuinfo", "/proc/meminfo", "/proc/self/status", "/proc/self/limits", "/proc/self/cgroup",
		"/sys/devices/system/cpu/online", "/sys/devices/system/cpu/cpu0/topology/thread_siblings_list",
		"/sys/devices/system/cpu/cpu0/topology/physical_package_id", "/sys/devices/system/cpu/cpu0/cache/index0/level",
		"/sys/devices/system/cpu/cpu0/cache/index0/size", "/sys/devices/system/cpu/cpu0/cache/index0/shared_cpu_list",
		"/sys/devices/system/node/online", "/sys/devices/system/node/node0/meminfo" };
	for (size_t t = 0; t < ARRAY_LEN(texts); t++) {
		for (size_t i = 0; i < ARRAY_LEN(files); i++)
			write_file(files[i], texts[t]);
		write_file("/sys/devices/system/cpu/cpu0/cache/index0/level", "1\n");
		struct host host = read_host();
		cr_expect(host.n_threads == HOST_UNKNOWN || host.n_threads > 0, "%zu: %d threads", t, host.n_threads);
		host_finish(&host);
	}
}

Test(host, this_machine)
{
	struct host host;
	struct error error = { 0 };
	cr_assert_eq(host_read("", &host, &error), STATUS_OK, "%s", error.text);
	cr_expect_gt(host.n_threads, 0, "%d threads", host.n_threads);
	cr_expect_gt(host_set_count(&host.allowed), 0, "affinity '%s'", host.allowed_text);
	host_finish(&host);
}
