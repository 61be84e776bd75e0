/* SPDX-License-Identifier: Apache-2.0
 *
 * soak_run: a small graph run very often by $TANDEM, while its processes are looked at from outside: memory, shared memory, descriptors and
 * the trace may not grow once the run has settled. Arguments: the case, how many executions.
 *
 * Settled is what the second quarter of the samples showed; the last quarter may exceed it by the slack. A leak of one byte in every
 * execution is found in a million. What the collector needs for the findings at the end of a run follows from the limit on the trace.
 */
#include <dirent.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/attributes.h"
#include "tests/support/leftovers.h"
#include "tests/support/run_tool.h"

#define SAMPLE_US 10000
#define SAMPLES_MAX 100000
#define SAMPLES_LEAST 12
#define KIB INT64_C(1024)
#define END_SLACK_BYTES (32 * 1024 * KIB) /* of the collector, once the worker has ended */

static const char graph_text[] = "digraph g { input [tensors=\"x:f32[8]\"];\n"
	"  subgraph cluster_0 { worker=w0; device=\"cpu:0\"; a [op=copy]; }\n  input -> a -> output; }\n";

/* X(NAME, what it is called, slack) */
#define MEASURE_MAP(X)                                     \
	X(ANONYMOUS, "anonymous memory, bytes", 256 * KIB) \
	X(SHARED, "shared memory, bytes", 256 * KIB)       \
	X(RESIDENT, "resident, bytes", 1024 * KIB)         \
	X(DESCRIPTORS, "descriptors", 0)

enum measure {
#define X(name, text, slack) MEASURE_##name,
	MEASURE_MAP(X)
#undef X
	MEASURE_COUNT
};

static const struct {
	const char *text;
	int64_t slack;
} measures[MEASURE_COUNT] = {
#define X(name, text, slack) { text, slack },
	MEASURE_MAP(X)
#undef X
};

struct soak {
	const char *name, *options;
	int64_t limit_bytes; /* of the trace and its log; 0: unrecorded */
};

static const struct soak soaks[] = {
	{ "compiled", " --in-flight 64", 0 },
	{ "recorded", " --in-flight 64 -o @TMP@/s.tandem --record-limit 8MiB", 8192 * KIB },
	{ "interpreted", " --mode interpreted", 0 },
};

struct watched {
	const char *words; /* as its command line begins */
	pid_t pid;
	int n;
	int64_t (*samples)[MEASURE_COUNT];
	int64_t end_bytes; /* most that was resident when the run was over */
};

enum { WORKER, DRIVER, COLLECTOR, WATCHED_MAX };

static int fail(const char *format, const char *who, int64_t number, int64_t beside)
{
	fprintf(stderr, format, who, number, beside);
	fputc('\n', stderr);
	return 1;
}

/* False when the process is gone. */
static bool read_memory(pid_t pid, int64_t *sample)
{
	char path[64], line[200];
	int64_t kib;
	snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)pid);
	FILE *file = fopen(path, "re");
	bool is_there = false;
	while (file && fgets(line, sizeof line, file)) {
		if (sscanf(line, "Rss: %" SCNd64, &kib) == 1)
			sample[MEASURE_RESIDENT] = kib * KIB;
		else if (sscanf(line, "Pss_Shmem: %" SCNd64, &kib) == 1)
			sample[MEASURE_SHARED] = kib * KIB;
		else if (sscanf(line, "Anonymous: %" SCNd64, &kib) == 1)
			sample[MEASURE_ANONYMOUS] = kib * KIB;
		is_there = true;
	}
	if (file)
		fclose(file);
	return is_there;
}

static int64_t count_descriptors(pid_t pid)
{
	char path[64];
	int64_t n = 0;
	snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
	DIR *folder = opendir(path);
	for (struct dirent *entry; folder && (entry = readdir(folder));)
		n += entry->d_name[0] != '.';
	if (folder)
		closedir(folder);
	return n;
}

/* False when the process has ended. */
static bool take_sample(struct watched *watched, bool is_over)
{
	int64_t sample[MEASURE_COUNT] = { 0 };
	if (!watched->pid)
		watched->pid = leftovers_find(watched->words, 0);
	if (!watched->pid)
		return true;
	if (!read_memory(watched->pid, sample))
		return false;
	sample[MEASURE_DESCRIPTORS] = count_descriptors(watched->pid);
	if (is_over && sample[MEASURE_RESIDENT] > watched->end_bytes)
		watched->end_bytes = sample[MEASURE_RESIDENT];
	else if (!is_over && sample[MEASURE_DESCRIPTORS] && watched->n < SAMPLES_MAX)
		memcpy(watched->samples[watched->n++], sample, sizeof sample);
	return true;
}

static int64_t bytes_of(const char *name)
{
	struct stat info;
	char *path = tool_expand(name);
	int64_t bytes = stat(path, &info) == 0 ? info.st_size : 0;
	free(path);
	return bytes;
}

static int64_t largest(const struct watched *watched, enum measure measure, int from, int to)
{
	int64_t most = 0;
	for (int i = from; i < to; i++)
		most = watched->samples[i][measure] > most ? watched->samples[i][measure] : most;
	return most;
}

static int judge(const struct watched *watched)
{
	int n = watched->n, n_failed = 0;
	if (n < SAMPLES_LEAST)
		return fail("%s: only %" PRId64 " samples, %" PRId64 " are needed: more executions", watched->words, n, SAMPLES_LEAST);
	int64_t most_bytes = largest(watched, MEASURE_RESIDENT, 0, n) + END_SLACK_BYTES;
	printf("%s, %d samples:", watched->words, n);
	for (int i = 0; i < MEASURE_COUNT; i++) {
		int64_t settled = largest(watched, (enum measure)i, n / 4, n / 2), last = largest(watched, (enum measure)i, n - n / 4, n);
		printf("%s %s %" PRId64 " then %" PRId64, i ? ";" : "", measures[i].text, settled, last);
		if (last > settled + measures[i].slack) {
			fprintf(stderr, "%s grows: ", measures[i].text);
			n_failed += fail("%s has %" PRId64 ", and had %" PRId64, watched->words, last, settled);
		}
	}
	printf("; at the end resident %" PRId64 "\n", watched->end_bytes);
	if (watched->end_bytes > most_bytes)
		n_failed += fail("%s: at the end %" PRId64 " bytes are resident, expected at most %" PRId64, watched->words, watched->end_bytes,
			most_bytes);
	return n_failed;
}

/* What the others have of shared memory is their part of it, and grows when the worker goes: samples taken while it went do not count. */
static void drop_last(struct watched *watched, int n_watched, const int *n_before)
{
	for (int i = DRIVER; i < n_watched; i++)
		watched[i].n = n_before[i];
}

/* Looks until the run has ended; returns its exit status. */
static int watch(const struct soak *soak, pid_t pid, struct watched *watched, int n_watched, int64_t *ret_most_bytes)
{
	int status = 0;
	bool is_over = false;
	while (waitpid(pid, &status, WNOHANG) == 0) {
		int n_before[WATCHED_MAX];
		for (int i = DRIVER; i < n_watched; i++) {
			n_before[i] = watched[i].n;
			take_sample(&watched[i], is_over);
		}
		if (!is_over && !take_sample(&watched[WORKER], false)) {
			is_over = true;
			drop_last(watched, n_watched, n_before);
		}
		int64_t bytes = soak->limit_bytes ? bytes_of("@TMP@/s.tandem") + bytes_of("@TMP@/s.tandem-wal") : 0;
		*ret_most_bytes = bytes > *ret_most_bytes ? bytes : *ret_most_bytes;
		usleep(SAMPLE_US);
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int check_trace(const struct soak *soak, int64_t most_bytes)
{
	if (!soak->limit_bytes)
		return 0;
	printf("trace and log: at most %" PRId64 " bytes\n", most_bytes);
	if (most_bytes > soak->limit_bytes)
		return fail("%s: the trace had %" PRId64 " bytes, the limit is %" PRId64, soak->name, most_bytes, soak->limit_bytes);
	struct tool_result result = tool_run("check @TMP@/s.tandem");
	int exit_status = result.exit_status;
	tool_result_finish(&result);
	return exit_status ? fail("%s: tandem check ends with %" PRId64 ", expected %" PRId64, soak->name, exit_status, 0) : 0;
}

static int run(const struct soak *soak, const char *n_executions)
{
	struct watched watched[] = { { "tandem worker w0" }, { "tandem run" }, { "tandem collector" } };
	int n_watched = soak->limit_bytes ? COLLECTOR + 1 : COLLECTOR, n_failed = 0;
	int64_t most_bytes = 0;
	char line[200];
	tool_write_file("s.dot", graph_text);
	snprintf(line, sizeof line, "run @TMP@/s.dot -q -n %s%s", n_executions, soak->options);
	for (int i = 0; i < n_watched; i++)
		watched[i].samples = calloc(SAMPLES_MAX, sizeof *watched[i].samples);
	watched[DRIVER].pid = tool_start(line);
	int exit_status = watch(soak, watched[DRIVER].pid, watched, n_watched, &most_bytes);
	if (exit_status)
		n_failed += fail("%s: exit status %" PRId64 ", expected %" PRId64, soak->name, exit_status, 0);
	for (int i = 0; i < n_watched; i++) {
		n_failed += judge(&watched[i]);
		free(watched[i].samples);
	}
	n_failed += check_trace(soak, most_bytes);
	int left = leftovers_count(3000);
	return left ? fail("%s: %" PRId64 " processes are left, expected %" PRId64, soak->name, left, 0) : n_failed;
}

int main(int argc, char **argv)
{
	leftovers_mark();
	for (size_t i = 0; i < ARRAY_LEN(soaks) && argc == 3; i++) {
		if (strcmp(argv[1], soaks[i].name) == 0)
			return run(&soaks[i], argv[2]) ? 1 : 0;
	}
	fprintf(stderr, "usage: soak_run compiled|recorded|interpreted EXECUTIONS\n");
	return 2;
}
