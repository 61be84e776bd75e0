/* SPDX-License-Identifier: Apache-2.0
 *
 * host_topology: processors, caches, memory and its nodes.
 */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/host.h"

#define CPU_FOLDER "/sys/devices/system/cpu"
#define NODE_FOLDER "/sys/devices/system/node"
#define CACHE_INDICES_MAX 16
#define NODES_MAX 1024

/* -- /proc/cpuinfo ---------------------------------------------------------------------------------------------------- */

static bool has_word(const char *text, const char *word)
{
	size_t length = strlen(word);
	for (const char *at = text; (at = strstr(at, word)); at += length) {
		if ((at == text || at[-1] == ' ') && (at[length] == '\0' || at[length] == ' '))
			return true;
	}
	return false;
}

static void read_cpuinfo_line(struct host *host, char *line, int *n_processors)
{
	char *value = strchr(line, ':');
	if (!value)
		return;
	char *end = value;
	while (end > line && isspace((unsigned char)end[-1]))
		end--;
	*end = '\0';
	value += 1 + strspn(value + 1, " \t");
	value[strcspn(value, "\n")] = '\0';
	if (strcmp(line, "processor") == 0)
		++*n_processors;
	else if ((strcmp(line, "model name") == 0 || strcmp(line, "cpu model") == 0) && !*host->model)
		snprintf(host->model, sizeof(host->model), "%s", value);
	else if (strcmp(line, "flags") == 0 && !host->has_tsc) {
		host->has_tsc = has_word(value, "tsc");
		host->is_tsc_constant = has_word(value, "constant_tsc") && has_word(value, "nonstop_tsc");
	}
}

static int read_cpuinfo(const char *root, struct host *host)
{
	char name[1024], *line = NULL;
	size_t size = 0;
	int n_processors = 0;
	snprintf(name, sizeof(name), "%s/proc/cpuinfo", root);
	FILE *file = fopen(name, "re");
	while (file && getline(&line, &size, file) > 0)
		read_cpuinfo_line(host, line, &n_processors);
	free(line);
	if (file)
		fclose(file);
	return n_processors;
}

/* -- /sys/devices/system/cpu ------------------------------------------------------------------------------------------ */

static int64_t cpu_number(const char *root, int cpu, const char *what)
{
	char path[128];
	snprintf(path, sizeof(path), CPU_FOLDER "/cpu%d/%s", cpu, what);
	return host_number(root, path);
}

static bool cpu_line(const char *root, int cpu, const char *what, char *text, size_t size)
{
	char path[128];
	snprintf(path, sizeof(path), CPU_FOLDER "/cpu%d/%s", cpu, what);
	return host_line(root, path, text, size);
}

/* A core is counted at its first thread, a socket at its first number. */
static void count_cpu(const char *root, struct host *host, int cpu, struct host_set *sockets)
{
	char text[HOST_TEXT_BYTES];
	struct host_set siblings;
	host->n_threads++;
	if (cpu_line(root, cpu, "topology/thread_siblings_list", text, sizeof(text)) && host_set_parse(text, &siblings)) {
		int first = 0;
		while (!host_set_has(&siblings, first))
			first++;
		host->n_cores += first == cpu;
		if (!*host->siblings)
			snprintf(host->siblings, sizeof(host->siblings), "%s", text);
	}
	int64_t socket = cpu_number(root, cpu, "topology/physical_package_id");
	if (socket >= 0 && socket < HOST_CPUS_MAX)
		sockets->words[socket / 64] |= (uint64_t)1 << socket % 64;
	int64_t least = cpu_number(root, cpu, "cpufreq/cpuinfo_min_freq"), most = cpu_number(root, cpu, "cpufreq/cpuinfo_max_freq");
	if (least > 0 && (host->least_khz < 0 || least < host->least_khz))
		host->least_khz = least;
	if (most > host->most_khz)
		host->most_khz = most;
	if (!*host->governor)
		cpu_line(root, cpu, "cpufreq/scaling_governor", host->governor, sizeof(host->governor));
}

static int64_t parse_size(const char *text)
{
	char unit = '\0';
	int64_t size = 0;
	if (sscanf(text, "%" SCNd64 "%c", &size, &unit) < 1 || size < 0 || size > INT64_MAX >> 30)
		return HOST_UNKNOWN;
	return unit == 'K' ? size << 10 : unit == 'M' ? size << 20 : unit == 'G' ? size << 30 : size;
}

static struct host_cache *find_cache(struct host *host, int level, const char *type, int64_t size_bytes)
{
	for (int i = 0; i < host->n_caches; i++) {
		struct host_cache *cache = &host->caches[i];
		if (cache->level == level && cache->size_bytes == size_bytes && strcmp(cache->type, type) == 0)
			return cache;
	}
	struct host_cache *caches = realloc(host->caches, ((size_t)host->n_caches + 1) * sizeof(*caches));
	if (!caches)
		return NULL;
	host->caches = caches;
	struct host_cache *cache = &caches[host->n_caches++];
	*cache = (struct host_cache){ .level = level, .size_bytes = size_bytes };
	snprintf(cache->type, sizeof(cache->type), "%s", type);
	return cache;
}

static void read_cache(const char *root, struct host *host, int cpu, int idx)
{
	char path[64], type[16], size[32], shared[HOST_TEXT_BYTES];
	struct host_set set;
	snprintf(path, sizeof(path), "cache/index%d/level", idx);
	int64_t level = cpu_number(root, cpu, path);
	if (level < 1 || level > 9)
		return;
	snprintf(path, sizeof(path), "cache/index%d/type", idx);
	cpu_line(root, cpu, path, type, sizeof(type));
	snprintf(path, sizeof(path), "cache/index%d/size", idx);
	cpu_line(root, cpu, path, size, sizeof(size));
	snprintf(path, sizeof(path), "cache/index%d/shared_cpu_list", idx);
	bool is_shared_known = cpu_line(root, cpu, path, shared, sizeof(shared)) && host_set_parse(shared, &set);
	struct host_cache *cache = find_cache(host, (int)level, type, parse_size(size));
	if (!cache || host_set_has(&cache->seen, cpu))
		return;
	if (!is_shared_known) {
		memset(&set, 0, sizeof(set));
		set.words[cpu / 64] |= (uint64_t)1 << cpu % 64;
		shared[0] = '\0';
	}
	for (size_t i = 0; i < sizeof(set.words) / sizeof(set.words[0]); i++)
		cache->seen.words[i] |= set.words[i];
	if (!cache->n++) {
		cache->n_sharing = is_shared_known ? host_set_count(&set) : HOST_UNKNOWN;
		snprintf(cache->first_shared, sizeof(cache->first_shared), "%s", shared);
	}
}

void host_read_topology(const char *root, struct host *host)
{
	struct host_set online, sockets = { { 0 } };
	int n_processors = read_cpuinfo(root, host);
	host->least_khz = host->most_khz = HOST_UNKNOWN;
	bool is_known = host_line(root, CPU_FOLDER "/online", host->online, sizeof(host->online)) && host_set_parse(host->online, &online);
	for (int cpu = 0; is_known && cpu < HOST_CPUS_MAX; cpu++) {
		if (!host_set_has(&online, cpu))
			continue;
		count_cpu(root, host, cpu, &sockets);
		for (int idx = 0; idx < CACHE_INDICES_MAX; idx++)
			read_cache(root, host, cpu, idx);
	}
	if (!is_known) {
		host->online[0] = '\0';
		host->n_threads = n_processors ? n_processors : HOST_UNKNOWN;
	}
	host->n_sockets = host_set_count(&sockets);
	if (!host->n_sockets)
		host->n_sockets = HOST_UNKNOWN;
	if (!host->n_cores)
		host->n_cores = HOST_UNKNOWN;
}

/* -- memory ----------------------------------------------------------------------------------------------------------- */

/* The number behind `key` in a meminfo, in bytes. */
static int64_t meminfo(const char *root, const char *path, const char *key)
{
	char name[1024], line[256];
	int64_t kib = HOST_UNKNOWN;
	snprintf(name, sizeof(name), "%s%s", root, path);
	FILE *file = fopen(name, "re");
	while (file && kib < 0 && fgets(line, sizeof(line), file)) {
		const char *found = strstr(line, key);
		if (found && (sscanf(found + strlen(key), ": %" SCNd64, &kib) != 1 || kib < 0 || kib > INT64_MAX >> 10))
			kib = HOST_UNKNOWN;
	}
	if (file)
		fclose(file);
	return kib < 0 ? HOST_UNKNOWN : kib << 10;
}

static int read_node(const char *root, struct host *host, int id, struct error *error)
{
	char path[128];
	struct host_node *nodes = realloc(host->nodes, ((size_t)host->n_nodes + 1) * sizeof(*nodes));
	if (!nodes)
		return error_set(error, STATUS_NO_MEMORY, "no memory for the nodes of the machine");
	host->nodes = nodes;
	struct host_node *node = &nodes[host->n_nodes++];
	*node = (struct host_node){ .id = id };
	snprintf(path, sizeof(path), NODE_FOLDER "/node%d/meminfo", id);
	node->memory_bytes = meminfo(root, path, "MemTotal");
	node->free_bytes = meminfo(root, path, "MemFree");
	snprintf(path, sizeof(path), NODE_FOLDER "/node%d/cpulist", id);
	host_line(root, path, node->cpus, sizeof(node->cpus));
	snprintf(path, sizeof(path), NODE_FOLDER "/node%d/distance", id);
	host_line(root, path, node->distances, sizeof(node->distances));
	return STATUS_OK;
}

int host_read_memory(const char *root, struct host *host, struct error *error)
{
	char text[HOST_TEXT_BYTES];
	struct host_set online;
	int status = STATUS_OK;
	host->memory_bytes = meminfo(root, "/proc/meminfo", "MemTotal");
	host->available_bytes = meminfo(root, "/proc/meminfo", "MemAvailable");
	if (!host_line(root, NODE_FOLDER "/online", text, sizeof(text)) || !host_set_parse(text, &online))
		return STATUS_OK;
	for (int id = 0; status == STATUS_OK && id < NODES_MAX; id++) {
		if (host_set_has(&online, id))
			status = read_node(root, host, id, error);
	}
	return status;
}
