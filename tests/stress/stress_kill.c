/* SPDX-License-Identifier: Apache-2.0
 *
 * stress_kill: workers killed or stopped at random moments, hundreds of times: every run must end with an error that names the worker,
 * and leave nothing behind. $TANDEM is the executable; arguments: how often, the seed, the mode.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/graph/graph_dot.h"
#include "engine/graph/plan_check.h"
#include "engine/ops/ops.h"
#include "engine/run/driver.h"
#include "tests/support/leftovers.h"

#define N_RUNS 200

static const char graph_text[] =
	"digraph g { input [tensors=\"x:f32[8]\"];\n"
	"subgraph cluster_0 { worker=w0; device=\"cpu:0\"; a [op=copy]; }\n"
	"subgraph cluster_1 { worker=w1; device=\"cpu:1\"; b [op=spin, us=20]; }\n"
	"subgraph cluster_2 { worker=w2; device=\"cpu:2\"; c [op=copy]; }\n"
	"input -> a -> b -> c -> output; }\n";

static int n_stalls;

static void notice(void *user, enum driver_notice kind, const char *who, const char *text)
{
	n_stalls += kind == DRIVER_NOTICE_STALL;
}

static void fail(int run, const char *what, const char *text)
{
	fprintf(stderr, "run %d: %s: %s\n", run, what, text);
	exit(1);
}

static struct plan *make_plan(struct graph **ret_graph)
{
	struct mistakes mistakes = MISTAKES_INIT;
	struct graph_settings settings = { 0 };
	struct plan_options options = { 0 };
	struct error error = { 0 };
	struct plan *plan = NULL;
	if (graph_dot_parse("g.dot", graph_text, &settings, &mistakes, ret_graph) != STATUS_OK
		|| graph_resolve(*ret_graph, &ops_builtin, &mistakes) != STATUS_OK
		|| plan_compile(*ret_graph, &options, NULL, &error, &plan) != STATUS_OK)
		fail(0, "plan", error.text);
	mistakes_finish(&mistakes);
	return plan;
}

/* Runs until the killed worker ends it; returns the error. */
static int run_until_over(struct driver *driver, const struct tensor *input, struct error *error)
{
	for (;;) {
		int status = driver_submit(driver, input, NULL, error);
		if (status == STATUS_AGAIN) {
			status = driver_wait(driver, 0, NULL, NULL, error);
			if (status == STATUS_OK)
				driver_release(driver);
		}
		if (status != STATUS_OK)
			return status;
	}
}

static pid_t kill_later(const char *words, int signal_number, int delay_us)
{
	pid_t victim = leftovers_find(words, 5000), killer = victim ? fork() : -1;
	if (killer)
		return killer;
	usleep((useconds_t)delay_us);
	kill(victim, signal_number);
	_exit(0);
}

int main(int argc, char **argv)
{
	int n_runs = argc > 1 ? atoi(argv[1]) : N_RUNS;
	unsigned seed = argc > 2 ? (unsigned)atoi(argv[2]) : 1;
	bool is_interpreted = argc > 3 && strcmp(argv[3], run_mode_word(RUN_MODE_INTERPRETED)) == 0;
	float values[8] = { 0 };
	int64_t shape[1] = { 8 }, slowest_ns = 0;
	struct tensor input = tensor_make(DTYPE_F32, 1, shape, values);
	struct graph *graph;
	leftovers_mark();
	struct plan *plan = make_plan(&graph);
	for (int run = 0; run < n_runs; run++) {
		char trace[64], words[32], name[16];
		int worker = rand_r(&seed) % 3, delay_us = rand_r(&seed) % 20000, stops = rand_r(&seed) % 8 == 0;
		bool records = rand_r(&seed) % 2;
		snprintf(trace, sizeof trace, "/tmp/stress-kill-%d.tandem", (int)getpid());
		struct driver_options options = { .mode = is_interpreted ? RUN_MODE_INTERPRETED : RUN_MODE_COMPILED,
			.executable = getenv("TANDEM"), .trace_file = records ? trace : NULL,
			.overwrites_trace = true, .notice = notice, .stall_limit_ns = 50000000, .timeout_ns = 300000000,
			.grace_ns = 100000000 };
		struct driver_summary summary;
		struct error error = { 0 };
		struct driver *driver;
		if (driver_start(plan, &options, &error, &driver) != STATUS_OK)
			fail(run, "start", error.text);
		snprintf(words, sizeof words, "tandem worker w%d", worker);
		snprintf(name, sizeof name, "w%d", worker);
		pid_t killer = kill_later(words, stops ? SIGSTOP : SIGKILL, delay_us);
		int status = run_until_over(driver, &input, &error);
		if (!stops && (status != STATUS_WORKER_DIED || !strstr(error.text, name)))
			fail(run, "expected a dead worker", error.text);
		if (stops && !strstr(error.text, name))
			fail(run, "expected the stopped worker", error.text);
		struct error ending = { 0 };
		status = driver_stop(driver, &summary, &ending);
		if (status != STATUS_OK)
			fail(run, "stop", ending.text);
		slowest_ns = summary.teardown_ns > slowest_ns ? summary.teardown_ns : slowest_ns;
		waitpid(killer, NULL, 0);
		if (leftovers_count(3000))
			fail(run, "processes are left behind", words);
		unlink(trace);
	}
	plan_destroy(plan);
	graph_destroy(graph);
	printf("%d runs ended by a killed or stopped worker, nothing left; %d stalls told; slowest teardown %.1f ms\n", n_runs, n_stalls,
		(double)slowest_ns / 1e6);
	return 0;
}
