/* SPDX-License-Identifier: Apache-2.0
 *
 * host: small files of /proc and /sys, lists of CPUs, and what this process is allowed.
 */
#include "engine/base/host.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATH_BYTES 1024

static FILE *open_file(const char *root, const char *path)
{
	char name[PATH_BYTES];
	if ((size_t)snprintf(name, sizeof(name), "%s%s", root, path) >= sizeof(name))
		return NULL;
	return fopen(name, "re");
}

bool host_line(const char *root, const char *path, char *text, size_t size)
{
	FILE *file = open_file(root, path);
	*text = '\0';
	if (!file)
		return false;
	bool has_line = fgets(text, (int)size, file);
	fclose(file);
	if (!has_line)
		*text = '\0';
	text[strcspn(text, "\n")] = '\0';
	return has_line;
}

int64_t host_number(const char *root, const char *path)
{
	char text[64], *end;
	if (!host_line(root, path, text, sizeof(text)))
		return HOST_UNKNOWN;
	errno = 0;
	long long value = strtoll(text, &end, 10);
	return end == text || errno || value < 0 ? HOST_UNKNOWN : value;
}

/* -- sets ------------------------------------------------------------------------------------------------------------- */

bool host_set_has(const struct host_set *set, int cpu)
{
	return cpu >= 0 && cpu < HOST_CPUS_MAX && set->words[cpu / 64] >> cpu % 64 & 1;
}

int host_set_count(const struct host_set *set)
{
	int n = 0;
	for (int i = 0; i < HOST_CPUS_MAX / 64; i++)
		n += __builtin_popcountll(set->words[i]);
	return n;
}

static bool parse_number(const char **text, int *ret_number)
{
	char *end;
	long value = strtol(*text, &end, 10);
	if (end == *text || **text < '0' || **text > '9' || value >= HOST_CPUS_MAX)
		return false;
	*text = end;
	*ret_number = (int)value;
	return true;
}

bool host_set_parse(const char *text, struct host_set *ret_set)
{
	memset(ret_set, 0, sizeof(*ret_set));
	for (;;) {
		int first, last;
		bool is_sound = parse_number(&text, &first);
		last = first;
		if (is_sound && *text == '-') {
			text++;
			is_sound = parse_number(&text, &last) && last >= first;
		}
		if (!is_sound || (*text && *text != ',')) {
			memset(ret_set, 0, sizeof(*ret_set));
			return false;
		}
		for (int cpu = first; cpu <= last; cpu++)
			ret_set->words[cpu / 64] |= (uint64_t)1 << cpu % 64;
		if (!*text++)
			return true;
	}
}

int host_pin(const struct host *host, int worker)
{
	int n = host_set_count(&host->allowed);
	int wanted = n && worker >= 0 ? worker % n : -1;
	for (int cpu = 0; wanted >= 0 && cpu < HOST_CPUS_MAX; cpu++) {
		if (host_set_has(&host->allowed, cpu) && wanted-- == 0)
			return cpu;
	}
	return HOST_UNKNOWN;
}

/* -- this process ----------------------------------------------------------------------------------------------------- */

static void read_affinity(const char *root, struct host *host)
{
	static const char key[] = "Cpus_allowed_list:";
	char line[HOST_TEXT_BYTES];
	FILE *file = open_file(root, "/proc/self/status");
	while (file && fgets(line, sizeof(line), file)) {
		if (strncmp(line, key, strlen(key)) != 0)
			continue;
		const char *text = line + strlen(key) + strspn(line + strlen(key), " \t");
		snprintf(host->allowed_text, sizeof(host->allowed_text), "%.*s", (int)strcspn(text, "\n"), text);
		if (!host_set_parse(host->allowed_text, &host->allowed))
			host->allowed_text[0] = '\0';
	}
	if (file)
		fclose(file);
}

static void read_limits(const char *root, struct host *host)
{
	char line[HOST_TEXT_BYTES], value[32];
	FILE *file = open_file(root, "/proc/self/limits");
	host->open_files = host->locked_bytes = HOST_UNKNOWN;
	while (file && fgets(line, sizeof(line), file)) {
		int64_t *limit = NULL;
		if (sscanf(line, "Max open files %31s", value) == 1)
			limit = &host->open_files;
		else if (sscanf(line, "Max locked memory %31s", value) == 1)
			limit = &host->locked_bytes;
		if (limit && (strcmp(value, "unlimited") == 0 || sscanf(value, "%" SCNd64, limit) != 1))
			*limit = strcmp(value, "unlimited") == 0 ? INT64_MAX : HOST_UNKNOWN;
	}
	if (file)
		fclose(file);
}

int host_read(const char *root, struct host *ret_host, struct error *error)
{
	*ret_host = (struct host){ 0 };
	host_read_topology(root, ret_host);
	int status = host_read_memory(root, ret_host, error);
	if (status) {
		host_finish(ret_host);
		return status;
	}
	host_read_cgroup(root, ret_host);
	host_line(root, "/sys/devices/system/clocksource/clocksource0/current_clocksource", ret_host->clock_source,
		sizeof(ret_host->clock_source));
	read_affinity(root, ret_host);
	read_limits(root, ret_host);
	return STATUS_OK;
}

void host_finish(struct host *host)
{
	free(host->caches);
	free(host->nodes);
	*host = (struct host){ 0 };
}
