/* SPDX-License-Identifier: Apache-2.0
 *
 * api_scenes_process: threads, forks, descriptors and deaths around a run.
 */
#include "tests/api/api_scenes.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/leftovers.h"

#define N_RUNS 3

struct part {
	struct scene scene;
	struct tandem_run *run;
	int failed;
};

static void *play_part(void *argument)
{
	struct part *part = argument;
	part->failed = tandem_run_take_over(part->run, &part->scene.error);
	for (int i = 0; i < 100 && !part->failed; i++)
		part->failed = scene_pass(&part->scene, part->run, i);
	if (!part->failed)
		part->failed = tandem_run_stop(part->run, NULL, &part->scene.error);
	return NULL;
}

int scene_several_runs(struct scene *scene)
{
	struct part parts[N_RUNS];
	pthread_t threads[N_RUNS];
	struct tandem_graph *graph = scene_graph(scene, NULL, 0);
	CHECK(graph, "no graph");
	for (int i = 0; i < N_RUNS; i++) {
		parts[i] = (struct part){ .scene = *scene, .run = scene_start(scene, graph) };
		CHECK(parts[i].run, "no run %d", i);
	}
	tandem_graph_destroy(graph);
	for (int i = 0; i < N_RUNS; i++)
		CHECK(pthread_create(&threads[i], NULL, play_part, &parts[i]) == 0, "no thread");
	for (int i = 0; i < N_RUNS; i++) {
		pthread_join(threads[i], NULL);
		CHECK(!parts[i].failed, "%s", parts[i].scene.error.text);
	}
	return 0;
}

static void *start_only(void *argument)
{
	struct part *part = argument;
	struct tandem_graph *graph = scene_graph(&part->scene, NULL, 0);
	part->run = graph ? scene_start(&part->scene, graph) : NULL;
	tandem_graph_destroy(graph);
	return NULL;
}

/* Death signals follow threads: workers must not have been started by this one. */
int scene_thread_that_ended(struct scene *scene)
{
	struct part part = { .scene = *scene };
	pthread_t thread;
	CHECK(pthread_create(&thread, NULL, start_only, &part) == 0, "no thread");
	pthread_join(thread, NULL);
	CHECK(part.run, "no run");
	usleep(50000);
	CHECK_OK(tandem_run_take_over(part.run, &scene->error));
	if (scene_pass(scene, part.run, 0))
		return 1;
	CHECK_OK(tandem_run_stop(part.run, NULL, &scene->error));
	return 0;
}

/* Everything that only the owner may do. */
static int check_refused(struct scene *scene, struct tandem_run *run)
{
	struct tandem_result result;
	const struct tandem_tensor *output;
	CHECK(scene_submit(scene, run, 1) == TANDEM_USAGE, "submit");
	CHECK(tandem_wait(run, 0, &result, &scene->error) == TANDEM_USAGE, "wait");
	CHECK(tandem_wait_output(run, 0, 0, &output, &scene->error) == TANDEM_USAGE, "wait_output");
	CHECK(tandem_release(run, 0, &scene->error) == TANDEM_USAGE, "release");
	CHECK(tandem_poll_fd(run, &scene->error) == -1 && scene->error.status == TANDEM_USAGE, "poll_fd");
	CHECK(tandem_run_stop(run, NULL, &scene->error) == TANDEM_USAGE, "stop");
	return 0;
}

static void *use_as_stranger(void *argument)
{
	struct part *part = argument;
	struct tandem_error *error = &part->scene.error;
	part->failed = check_refused(&part->scene, part->run) || !strstr(error->text, "another thread")
		|| tandem_cancel(part->run, 0, error) != TANDEM_OK || tandem_in_flight(part->run) != 1;
	return NULL;
}

int scene_other_thread(struct scene *scene)
{
	const char *const settings[] = { "nap_us=100000", NULL };
	struct tandem_graph *graph = scene_graph(scene, settings, 0);
	struct part part = { .scene = *scene, .run = graph ? scene_start(scene, graph) : NULL };
	struct tandem_result result;
	pthread_t thread;
	CHECK(part.run, "no run");
	CHECK_OK(scene_submit(scene, part.run, 1));
	CHECK(pthread_create(&thread, NULL, use_as_stranger, &part) == 0, "no thread");
	pthread_join(thread, NULL);
	CHECK(!part.failed, "%s", part.scene.error.text);
	int status = tandem_wait(part.run, TANDEM_FOREVER, &result, &scene->error);
	CHECK(status == TANDEM_CANCELLED, "%d %s", status, scene->error.text);
	CHECK_OK(tandem_release(part.run, 0, &scene->error));
	CHECK_OK(tandem_run_stop(part.run, NULL, &scene->error));
	tandem_graph_destroy(graph);
	return 0;
}

/* What a child may not do with what it inherited, and that it does the parent no harm. */
static int be_a_child(struct scene *scene, struct tandem_graph *graph, struct tandem_run *run)
{
	struct tandem_run *own;
	if (check_refused(scene, run))
		return 1;
	CHECK(strstr(scene->error.text, "forked child"), "%s", scene->error.text);
	CHECK(tandem_cancel(run, 0, &scene->error) == TANDEM_USAGE, "cancel");
	CHECK(tandem_save(run, NULL, &scene->error) == TANDEM_USAGE, "save");
	CHECK(tandem_run_take_over(run, &scene->error) == TANDEM_USAGE, "take_over");
	CHECK(tandem_run_start(graph, NULL, &scene->error, &own) == TANDEM_USAGE, "start");
	CHECK(tandem_graph_compile(graph, NULL, &scene->error) == TANDEM_USAGE, "compile");
	CHECK(!tandem_graph_create(scene->tandem, "g"), "create");
	CHECK(tandem_in_flight(run) == 0 && !*tandem_graph_plan(graph), "in_flight, plan");
	tandem_interrupt(run);
	tandem_graph_destroy(graph);
	tandem_finish(scene->tandem);
	return 0;
}

int scene_child_exits(struct scene *scene)
{
	struct tandem_graph *graph = scene_graph(scene, NULL, 0);
	struct tandem_run *run = graph ? scene_start(scene, graph) : NULL;
	int status;
	CHECK(run, "no run");
	if (scene_pass(scene, run, 0))
		return 1;
	pid_t child = fork();
	if (child == 0)
		exit(be_a_child(scene, graph, run));
	CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && !WEXITSTATUS(status), "the child says %x", status);
	if (scene_pass(scene, run, 1))
		return 1;
	CHECK_OK(tandem_run_stop(run, NULL, &scene->error));
	tandem_graph_destroy(graph);
	return 0;
}

/* It holds copies of every descriptor. */
int scene_child_lives(struct scene *scene)
{
	char file[4096];
	struct tandem_run_options options = { .bytes = sizeof options, .mode = scene->mode, .trace_file = file };
	struct tandem_graph *graph = scene_graph(scene, NULL, 0);
	struct tandem_run *run = NULL;
	struct tandem_summary summary;
	snprintf(file, sizeof file, "%s/child-%d.tandem", scene->folder, scene->mode);
	CHECK(graph, "no graph");
	CHECK_OK(tandem_run_start(graph, &options, &scene->error, &run));
	pid_t child = fork();
	if (child == 0) {
		for (;;)
			pause();
	}
	int failed = scene_pass(scene, run, 0), status = tandem_run_stop(run, &summary, &scene->error);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	CHECK(!failed && status == TANDEM_OK && summary.is_trace_complete, "%d %s", status, scene->error.text);
	CHECK(!leftovers_find("tandem", 0), "something is left");
	tandem_graph_destroy(graph);
	return 0;
}

int scene_closed_descriptors(struct scene *scene)
{
	struct tandem_graph *graph = scene_graph(scene, NULL, 0);
	int saved = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 10), failed = !graph;
	for (int mask = 1; mask < 8 && !failed; mask++) {
		for (int fd = 0; fd < 3; fd++)
			mask >> fd & 1 ? close(fd) : dup2(saved, fd);
		struct tandem_run *run = scene_start(scene, graph);
		for (int fd = 0; fd < 3; fd++)
			failed |= mask >> fd & 1 && fcntl(fd, F_GETFD) >= 0; /* what the program prints would go there */
		failed = failed || !run || scene_pass(scene, run, 0) || tandem_run_stop(run, NULL, &scene->error);
	}
	dup2(saved, STDOUT_FILENO);
	clearerr(stdout);
	CHECK(!failed, "%s", scene->error.text);
	tandem_graph_destroy(graph);
	return 0;
}

int scene_ignored_children(struct scene *scene)
{
	signal(SIGCHLD, SIG_IGN);
	return scene_state(scene);
}

static void *reap_all(void *argument)
{
	const atomic_bool *is_over = argument;
	while (!atomic_load(is_over)) {
		waitpid(-1, NULL, WNOHANG);
		usleep(200);
	}
	return NULL;
}

int scene_reaped_children(struct scene *scene)
{
	atomic_bool is_over = false;
	pthread_t thread;
	CHECK(pthread_create(&thread, NULL, reap_all, &is_over) == 0, "no thread");
	int failed = scene_state(scene);
	atomic_store(&is_over, true);
	pthread_join(thread, NULL);
	return failed;
}

int scene_worker_killed(struct scene *scene)
{
	const char *const settings[] = { "nap_us=5000", NULL };
	struct tandem_graph *graph = scene_graph(scene, settings, 0);
	struct tandem_run *run = graph ? scene_start(scene, graph) : NULL;
	struct tandem_result result;
	CHECK(run, "no run");
	struct pollfd poll_fd = { .fd = tandem_poll_fd(run, &scene->error), .events = POLLIN };
	CHECK(tandem_wait(run, 0, &result, &scene->error) == TANDEM_USAGE, "something in flight");
	pid_t worker = leftovers_find("tandem worker w1", 1000);
	CHECK(worker > 0, "no worker");
	kill(worker, SIGKILL);
	CHECK(poll(&poll_fd, 1, 10000) == 1, "the descriptor says nothing");
	int status = scene_submit(scene, run, 1);
	CHECK(status == TANDEM_WORKER_DIED && strstr(scene->error.text, "'w1'"), "%d %s", status, scene->error.text);
	status = tandem_run_stop(run, NULL, &scene->error);
	CHECK(status == TANDEM_WORKER_DIED && strstr(scene->error.text, "'w1'"), "%d %s", status, scene->error.text);
	tandem_graph_destroy(graph);
	return 0;
}

int scene_driver_killed(struct scene *scene)
{
	int ready[2];
	char byte;
	CHECK(pipe2(ready, O_CLOEXEC) == 0, "no pipe");
	pid_t child = fork();
	if (child == 0) {
		struct scene own = *scene;
		own.tandem = tandem_init(NULL, NULL, NULL, &own.error);
		struct tandem_graph *graph = NULL;
		struct tandem_run *run = NULL;
		if (tandem_graph_parse(own.tandem, "g", "digraph { input [tensors=\"x:f32[4]\"]; subgraph cluster_0 { worker=w0; a [op=relu]; }"
			" subgraph cluster_1 { worker=w1; b [op=relu]; } input -> a -> b -> output; }", NULL, &own.error, &graph) == TANDEM_OK
			&& tandem_graph_compile(graph, NULL, &own.error) == TANDEM_OK)
			run = scene_start(&own, graph);
		if (!run || write(ready[1], "", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ready[1]);
	CHECK(read(ready[0], &byte, 1) == 1, "the child could not start");
	CHECK(leftovers_find("tandem worker w1", 1000) > 0, "no worker");
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	int n_left = leftovers_count(2000);
	CHECK(n_left == 0, "%d processes are left", n_left);
	close(ready[0]);
	return 0;
}

struct caller {
	struct scene scene;
	struct tandem_run *_Atomic run;
	atomic_int n_refused, n_notices;
};

static void call_back(void *user, enum tandem_notice notice, const char *who, const char *text)
{
	struct caller *caller = user;
	struct tandem_run *run = atomic_load(&caller->run);
	atomic_fetch_add(&caller->n_notices, 1);
	if (run && !check_refused(&caller->scene, run) && tandem_run_take_over(run, NULL) == TANDEM_USAGE)
		atomic_fetch_add(&caller->n_refused, 1);
}

int scene_calls_from_notice(struct scene *scene)
{
	const char *const settings[] = { "print=true", NULL };
	struct caller caller = { .scene = *scene };
	struct tandem_run_options options = { .bytes = sizeof options, .mode = scene->mode, .notice = call_back, .notice_user = &caller };
	struct tandem_graph *graph = scene_graph(scene, settings, 0);
	struct tandem_run *run = NULL;
	CHECK(graph, "no graph");
	CHECK_OK(tandem_run_start(graph, &options, &scene->error, &run));
	atomic_store(&caller.run, run);
	for (int i = 0; i < 3; i++) {
		if (scene_pass(scene, run, i))
			return 1;
	}
	for (int i = 0; i < 2000 && atomic_load(&caller.n_refused) < 3; i++)
		usleep(1000);
	CHECK_OK(tandem_run_stop(run, NULL, &scene->error));
	CHECK(caller.n_notices == 3 && caller.n_refused == 3, "%d notices, %d refused", caller.n_notices, caller.n_refused);
	tandem_graph_destroy(graph);
	return 0;
}

static void *interrupt_soon(void *argument)
{
	usleep(20000);
	tandem_interrupt(argument);
	return NULL;
}

int scene_interrupted(struct scene *scene)
{
	const char *const settings[] = { "nap_us=200000", NULL };
	struct tandem_graph *graph = scene_graph(scene, settings, 0);
	struct tandem_run *run = graph ? scene_start(scene, graph) : NULL;
	struct tandem_result result;
	pthread_t thread;
	CHECK(run, "no run");
	CHECK_OK(scene_submit(scene, run, 1));
	CHECK(pthread_create(&thread, NULL, interrupt_soon, run) == 0, "no thread");
	int status = tandem_wait(run, TANDEM_FOREVER, &result, &scene->error);
	pthread_join(thread, NULL);
	CHECK(status == TANDEM_STOPPED, "%d %s", status, scene->error.text);
	CHECK_OK(tandem_run_stop(run, NULL, &scene->error));
	tandem_graph_destroy(graph);
	return 0;
}
