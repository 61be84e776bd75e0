/* SPDX-License-Identifier: Apache-2.0
 *
 * bench_idle: what a graph costs that waits for its next request, and what the first request after a sleep takes.
 */
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/run/spawn.h"
#include "tool/bench_bare.h"
#include "tool/bench_chain.h"
#include "tool/bench_run.h"

#define N_WORKERS 4

static void sleep_ms(int ms)
{
	struct timespec time = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000l };
	nanosleep(&time, NULL);
}

static pid_t parent_of(pid_t pid)
{
	char path[64], text[512] = "";
	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	FILE *file = fopen(path, "re");
	if (!file)
		return 0;
	size_t n = fread(text, 1, sizeof text - 1, file);
	fclose(file);
	text[n] = '\0';
	const char *end = strrchr(text, ')');
	int parent = 0;
	return end && sscanf(end + 1, " %*c %d", &parent) == 1 ? parent : 0;
}

/* CPU time of this process and its children, ns. */
static uint64_t cpu_of_run(void)
{
	struct timespec own;
	uint64_t total = 0;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &own);
	total = (uint64_t)own.tv_sec * 1000000000u + (uint64_t)own.tv_nsec;
	DIR *folder = opendir("/proc");
	struct dirent *entry;
	while (folder && (entry = readdir(folder))) {
		pid_t pid = (pid_t)atoi(entry->d_name);
		if (pid > 0 && parent_of(pid) == getpid())
			total += spawn_usage(pid).run_ns;
	}
	if (folder)
		closedir(folder);
	return total;
}

static int measure_idle(const struct bench_options *options, struct bench_run *run, double *ret_percent, struct error *error)
{
	double ns;
	int status = bench_run_latency(run, 100, error, &ns);
	if (status != STATUS_OK)
		return status;
	sleep_ms(200);
	uint64_t cpu = cpu_of_run();
	int64_t start = clock_now().ns;
	sleep_ms(options->is_quick ? 500 : 3000);
	cpu = cpu_of_run() - cpu;
	*ret_percent = 100.0 * (double)cpu / (double)(clock_now().ns - start);
	return STATUS_OK;
}

static int measure_wake(struct bench_run *run, double *ret_ns, struct error *error)
{
	double times[30];
	for (int i = 0; i < 30; i++) {
		double one[1];
		sleep_ms(10);
		int status = bench_run_latency(run, 1, error, one);
		if (status != STATUS_OK)
			return status;
		times[i] = one[0];
	}
	*ret_ns = bench_median(times, 30);
	return STATUS_OK;
}

static int run_idle(const struct bench_options *options, struct bench_rows *rows, struct error *error)
{
	struct bench_chain chain = { .n_workers = N_WORKERS, .n_nodes = 1, .op = "copy", .payload_bytes = 8 };
	struct bench_run run;
	double percent = NAN, wake_ns = NAN;
	int status = bench_run_start_chain(&chain, NULL, error, &run);
	if (status != STATUS_OK)
		return status;
	status = measure_idle(options, &run, &percent, error);
	if (status == STATUS_OK)
		status = measure_wake(&run, &wake_ns, error);
	bench_run_stop(&run);
	if (status != STATUS_OK)
		return status;
	bench_row(rows, "idle CPU of 4 workers", percent, "%", BENCH_LOWER, NAN, 1);
	bench_row(rows, "first request after a sleep, a hop", wake_ns / (N_WORKERS + 1) / 1000, "µs", BENCH_LOWER, NAN, 60);
	return STATUS_OK;
}

const struct bench bench_idle = { "idle", "CPU share of a waiting graph of four workers, and waking it", run_idle };
