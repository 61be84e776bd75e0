/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_devices: `tandem devices`: what a run can use here, what limits it, and why not more.
 */
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/host.h"
#include "engine/base/table.h"
#include "engine/base/units.h"
#include "engine/ops/blas.h"
#include "engine/ops/kernels.h"
#include "engine/run/control.h"
#include "tool/commands.h"

struct devices_values {
	int64_t n_workers;
	bool is_json;
};

#define AT(member) offsetof(struct devices_values, member)

static const struct option_spec devices_option_specs[] = {
	{ "workers", 0, OPTION_INT, AT(n_workers), "N", NULL, "show to which CPUs 'run --pin' would pin N workers", 1, 4096 },
	{ "json", 0, OPTION_FLAG, AT(is_json), NULL, NULL, "print as JSON, a row an item" },
	OPTIONS_END
};

/* X(NAME, word, title) */
#define SECTION_MAP(X)                                    \
	X(DEVICES, "devices", "Devices")                  \
	X(CPU, "cpu", "CPU")                              \
	X(CACHES, "caches", "Caches")                     \
	X(MEMORY, "memory", "Memory")                     \
	X(LIMITS, "limits", "Limits of this process")     \
	X(SYSTEM, "system", "System")                     \
	X(PINS, "pins", "Pinning, with run --pin")

enum section {
#define X(name, word, title) SECTION_##name,
	SECTION_MAP(X)
#undef X
	SECTION_COUNT
};

static const struct table_column section_columns[] = { { "item", TABLE_TEXT }, { "value", TABLE_TEXT }, { "note", TABLE_TEXT } };
static const struct table_column row_columns[] = { { "section", TABLE_TEXT }, { "item", TABLE_TEXT }, { "value", TABLE_TEXT },
	{ "number", TABLE_REAL }, { "note", TABLE_TEXT } };

struct listing {
	struct table sections[SECTION_COUNT]; /* for people */
	struct table rows;                    /* for scripts: the same, and the bare number */
};

/* `value` empty or NULL: it is not known here. `number`: NAN when there is none. */
static void add(struct listing *listing, enum section section, const char *item, const char *value, double number, const char *note)
{
	static const char *const words[] = {
#define X(name, word, title) word,
		SECTION_MAP(X)
#undef X
	};
	struct table *table = &listing->sections[section];
	value = value && *value ? value : "unknown";
	note = note && *note ? note : NULL;
	table_text(table, item);
	table_text(table, value);
	table_text(table, note ? note : "");
	table_text(&listing->rows, words[section]);
	table_text(&listing->rows, item);
	table_text(&listing->rows, value);
	table_real(&listing->rows, number);
	table_text(&listing->rows, note);
}

static void add_count(struct listing *listing, enum section section, const char *item, int64_t n, const char *note)
{
	char text[32] = "";
	if (n == INT64_MAX)
		snprintf(text, sizeof(text), "unlimited");
	else if (n >= 0)
		snprintf(text, sizeof(text), "%" PRId64, n);
	add(listing, section, item, text, n >= 0 && n != INT64_MAX ? (double)n : NAN, note);
}

static void add_bytes(struct listing *listing, enum section section, const char *item, int64_t bytes, const char *absent,
	const char *note)
{
	char text[32];
	if (bytes == INT64_MAX)
		add(listing, section, item, "unlimited", NAN, note);
	else if (bytes < 0)
		add(listing, section, item, absent, NAN, note);
	else
		add(listing, section, item, units_bytes((uint64_t)bytes, text, sizeof(text)), (double)bytes, note);
}

/* -- sections --------------------------------------------------------------------------------------------------------- */

static void list_devices(struct listing *listing, const struct host *host)
{
	char note[HOST_TEXT_BYTES + 32];
	snprintf(note, sizeof(note), "%s", *host->model ? host->model : "processor's name not known");
	add(listing, SECTION_DEVICES, "cpu", "usable", control_count_cores(), note);
	add(listing, SECTION_DEVICES, "opencl", "not usable", NAN, "not built into this version");
	add(listing, SECTION_DEVICES, "cuda", "not usable", NAN, "not built into this version");
}

static void add_frequency(struct listing *listing, const struct host *host)
{
	char value[64] = "", note[96] = "";
	if (host->most_khz > 0)
		snprintf(value, sizeof(value), "%.2f GHz at most", (double)host->most_khz / 1e6);
	if (host->least_khz > 0 && host->most_khz > 0)
		snprintf(note, sizeof(note), "%.2f GHz at least", (double)host->least_khz / 1e6);
	add(listing, SECTION_CPU, "frequency", value, host->most_khz > 0 ? (double)host->most_khz * 1000 : NAN, note);
	add(listing, SECTION_CPU, "governor", host->governor, NAN,
		*host->governor && strcmp(host->governor, "performance") != 0 ? "measurements vary less with 'performance'" : "");
}

/* The library is loaded into this process for the look. */
static void add_blas(struct listing *listing)
{
	struct blas blas;
	struct error error = { 0 };
	bool is_there = blas_open(1, &blas, &error) == STATUS_OK;
	add(listing, SECTION_CPU, "matrix products", is_there ? "OpenBLAS" : "not usable", NAN, is_there ? "" : error.text);
	if (is_there)
		blas_close(&blas);
}

static void list_cpu(struct listing *listing, const struct host *host)
{
	char note[HOST_TEXT_BYTES + 64] = "";
	if (*host->siblings && strpbrk(host->siblings, ",-"))
		snprintf(note, sizeof(note), "SMT: CPUs %s are one core", host->siblings);
	add(listing, SECTION_CPU, "model", host->model, NAN, "");
	add_count(listing, SECTION_CPU, "sockets", host->n_sockets, "");
	add_count(listing, SECTION_CPU, "cores", host->n_cores, note);
	add_count(listing, SECTION_CPU, "threads", host->n_threads, host->online);
	add_frequency(listing, host);
	add(listing, SECTION_CPU, "kernels", kernels_get()->name, NAN, "instruction set that the ops use here");
	add_blas(listing);
}

static void list_caches(struct listing *listing, const struct host *host)
{
	if (!host->n_caches)
		add(listing, SECTION_CACHES, "caches", NULL, NAN, "");
	for (int i = 0; i < host->n_caches; i++) {
		const struct host_cache *cache = &host->caches[i];
		char item[64], value[64], size[32], note[HOST_TEXT_BYTES + 64] = "";
		snprintf(item, sizeof(item), "L%d %s", cache->level, cache->type);
		if (cache->size_bytes >= 0)
			units_bytes((uint64_t)cache->size_bytes, size, sizeof(size));
		snprintf(value, sizeof(value), "%d of %s", cache->n, cache->size_bytes < 0 ? "unknown size" : size);
		if (cache->n_sharing > 1)
			snprintf(note, sizeof(note), "%d CPUs share one, as %s", cache->n_sharing, cache->first_shared);
		add(listing, SECTION_CACHES, item, value, cache->size_bytes < 0 ? NAN : (double)cache->size_bytes, note);
	}
}

static void list_memory(struct listing *listing, const struct host *host)
{
	struct statvfs info;
	char item[32], note[2 * HOST_TEXT_BYTES + 64], size[32];
	add_bytes(listing, SECTION_MEMORY, "memory", host->memory_bytes, NULL, "");
	add_bytes(listing, SECTION_MEMORY, "available", host->available_bytes, NULL, "");
	for (int i = 0; i < host->n_nodes; i++) {
		const struct host_node *node = &host->nodes[i];
		snprintf(item, sizeof(item), "NUMA node %d", node->id);
		snprintf(note, sizeof(note), "%s free; CPUs %s; distances %s",
			node->free_bytes < 0 ? "unknown" : units_bytes((uint64_t)node->free_bytes, size, sizeof(size)),
			*node->cpus ? node->cpus : "none", *node->distances ? node->distances : "unknown");
		add_bytes(listing, SECTION_MEMORY, item, node->memory_bytes, NULL, note);
	}
	if (!host->n_nodes)
		add(listing, SECTION_MEMORY, "NUMA nodes", NULL, NAN, "");
	add(listing, SECTION_MEMORY, "shared memory", "anonymous (memfd)", NAN, "bounded by memory, not by the size of /dev/shm");
	if (statvfs("/dev/shm", &info) == 0)
		add_bytes(listing, SECTION_MEMORY, "/dev/shm", (int64_t)(info.f_blocks * info.f_frsize), NULL, "not used by tandem");
}

static void list_limits(struct listing *listing, const struct host *host)
{
	char text[64] = "", note[HOST_TEXT_BYTES + 32] = "";
	static const char *const versions[] = { "none", "version 1", "version 2" };
	snprintf(note, sizeof(note), "what affinity and the quota of version 2 leave; processes beyond it yield instead of spinning");
	add_count(listing, SECTION_LIMITS, "cores for a run", control_count_cores(), note);
	add(listing, SECTION_LIMITS, "affinity", host->allowed_text,
		*host->allowed_text ? host_set_count(&host->allowed) : NAN, "CPUs that this process may run on");
	add(listing, SECTION_LIMITS, "control group", versions[host->cgroup_version], host->cgroup_version, host->cgroup_path);
	if (host->quota_cores >= 0)
		snprintf(text, sizeof(text), "%.4g cores", host->quota_cores);
	add(listing, SECTION_LIMITS, "CPU quota", host->quota_cores < 0 ? "no limit found" : text,
		host->quota_cores < 0 ? NAN : host->quota_cores, "");
	add(listing, SECTION_LIMITS, "CPU set", *host->cgroup_cpus ? host->cgroup_cpus : "no limit found", NAN, "");
	add_bytes(listing, SECTION_LIMITS, "memory limit", host->cgroup_limit_bytes, "no limit found", "");
	add_bytes(listing, SECTION_LIMITS, "memory in use", host->cgroup_used_bytes, NULL, "of the control group");
	add_count(listing, SECTION_LIMITS, "open files", host->open_files, "a worker takes a few, shared memory one a segment");
	add_bytes(listing, SECTION_LIMITS, "locked memory", host->locked_bytes, NULL, "");
}

static void list_system(struct listing *listing, const struct host *host)
{
	struct utsname name;
	bool is_tsc = clock_ticks_are_tsc();
	if (uname(&name) == 0)
		add(listing, SECTION_SYSTEM, "kernel", name.release, NAN, name.machine);
	add(listing, SECTION_SYSTEM, "clock source", host->clock_source, NAN, "");
	add(listing, SECTION_SYSTEM, "TSC", !host->has_tsc ? "absent or unknown" : host->is_tsc_constant ? "constant" : "not constant",
		NAN, "flags of /proc/cpuinfo");
	add(listing, SECTION_SYSTEM, "recorders' clock", is_tsc ? "TSC" : "CLOCK_MONOTONIC", NAN,
		is_tsc ? "" : "the TSC is not constant here, so a time stamp costs more");
	bool has_barrier = control_register_barrier();
	add(listing, SECTION_SYSTEM, "membarrier", has_barrier ? "available" : "not available", NAN,
		has_barrier ? "" : "every message pays a fence");
}

static void list_pins(struct listing *listing, const struct host *host, int64_t n_workers)
{
	int n = host_set_count(&host->allowed);
	for (int i = 0; i < n_workers; i++) {
		char item[32], value[32] = "";
		int cpu = host_pin(host, i);
		snprintf(item, sizeof(item), "worker %d", i);
		if (cpu >= 0)
			snprintf(value, sizeof(value), "CPU %d", cpu);
		add(listing, SECTION_PINS, item, value, cpu < 0 ? NAN : cpu, i >= n && n ? "shares it with an earlier worker" : "");
	}
}

/* -- output ----------------------------------------------------------------------------------------------------------- */

static int print_listing(struct listing *listing, bool is_json)
{
	static const char *const titles[] = {
#define X(name, word, title) title,
		SECTION_MAP(X)
#undef X
	};
	struct strbuf out = STRBUF_INIT;
	if (is_json)
		table_json_document(&listing->rows, &out);
	for (int i = 0; i < SECTION_COUNT; i++) {
		if (!is_json && table_n_rows(&listing->sections[i])) {
			strbuf_addf(&out, "%s%s\n", out.length ? "\n" : "", titles[i]);
			table_print(&listing->sections[i], 2, &out);
		}
		table_finish(&listing->sections[i]);
	}
	table_finish(&listing->rows);
	return tool_print(&out);
}

static int run_devices(void *values, int argc, char **argv)
{
	const struct devices_values *devices = values;
	struct error error = { 0 };
	struct listing listing;
	struct host host;
	if (host_read("", &host, &error))
		return tool_fail(&error);
	for (int i = 0; i < SECTION_COUNT; i++)
		table_init(&listing.sections[i], section_columns, ARRAY_LEN(section_columns));
	table_init(&listing.rows, row_columns, ARRAY_LEN(row_columns));
	list_devices(&listing, &host);
	list_cpu(&listing, &host);
	list_caches(&listing, &host);
	list_memory(&listing, &host);
	list_limits(&listing, &host);
	list_system(&listing, &host);
	list_pins(&listing, &host, devices->n_workers);
	host_finish(&host);
	return print_listing(&listing, devices->is_json);
}

const struct command command_devices = {
	.name = "devices",
	.summary = "show what a run can use here and why not more: CPU, memory, limits",
	.usage = "",
	.details = "Read from /proc and /sys; what cannot be read is shown as unknown. The CPU is the only kind of device that this version\n"
		"can use; the others are listed with the reason why not.\n",
	.options = devices_option_specs,
	.values_bytes = sizeof(struct devices_values),
	.n_arguments_min = 0,
	.n_arguments_max = 0,
	.run = run_devices,
};
