/* SPDX-License-Identifier: Apache-2.0
 *
 * api_scenes: executions: results, failures, cancelling, waiting in an event loop, recording.
 */
#include "tests/api/api_scenes.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

int scene_state(struct scene *scene)
{
	struct tandem_summary summary;
	struct tandem_graph *graph = scene_graph(scene, NULL, 0);
	struct tandem_run *run = graph ? scene_start(scene, graph) : NULL;
	CHECK(run, "no run");
	tandem_graph_destroy(graph);
	for (int i = 0; i < 50; i++) {
		if (scene_pass(scene, run, i))
			return 1;
	}
	CHECK(tandem_in_flight(run) == 0, "%d", tandem_in_flight(run));
	CHECK_OK(tandem_run_stop(run, &summary, &scene->error));
	CHECK(summary.n_submitted == 50 && summary.n_finished == 50 && !summary.n_failed && !summary.n_killed_workers, "%d finished",
		(int)summary.n_finished);
	return 0;
}

int scene_setup_fails(struct scene *scene)
{
	const char *const settings[] = { "fail_setup=true", NULL };
	struct tandem_graph *graph = scene_graph(scene, settings, 0);
	struct tandem_run *run = NULL;
	struct tandem_run_options options = { .bytes = sizeof options, .mode = scene->mode };
	CHECK(graph, "no graph");
	int status = tandem_run_start(graph, &options, &scene->error, &run);
	CHECK(status == TANDEM_OP && strstr(scene->error.text, "no luck at b on w1"), "%d %s", status, scene->error.text);
	tandem_graph_destroy(graph);
	return 0;
}

int scene_infer_fails(struct scene *scene)
{
	struct tandem_graph *graph = tandem_graph_create(scene->tandem, "g");
	tandem_graph_input(graph, "x:f32[4]");
	int node = tandem_graph_node(graph, tandem_graph_worker(graph, "w0", NULL), "n", "probe");
	tandem_graph_set(graph, node, "fail_infer", "true");
	tandem_graph_connect(graph, TANDEM_NODE_INPUT, NULL, node, NULL);
	tandem_graph_connect(graph, node, NULL, TANDEM_NODE_OUTPUT, NULL);
	int status = tandem_graph_compile(graph, NULL, &scene->error);
	CHECK(status == TANDEM_GRAPH && strstr(scene->error.text, "no such luck"), "%d %s", status, scene->error.text);
	tandem_graph_destroy(graph);
	return 0;
}

int scene_run_fails(struct scene *scene)
{
	const char *const settings[] = { "fail_at=1", NULL };
	struct tandem_graph *graph = scene_graph(scene, settings, 4);
	struct tandem_run *run = graph ? scene_start(scene, graph) : NULL;
	struct tandem_summary summary;
	CHECK(run, "no run");
	for (int i = 0; i < 3; i++)
		CHECK_OK(scene_submit(scene, run, 1));
	for (int i = 0; i < 3; i++) {
		struct tandem_result result;
		int status = tandem_wait(run, TANDEM_FOREVER, &result, &scene->error);
		CHECK(status == (i == 1 ? TANDEM_OP : TANDEM_OK), "%d: %d %s", i, status, scene->error.text);
		CHECK((int)result.execution == i && result.n_outputs == (i == 1 ? 0 : 2), "%d: %d outputs", i, result.n_outputs);
		CHECK(i != 1 || (strstr(scene->error.text, "out of luck") && strstr(scene->error.text, "'b'")), "%s", scene->error.text);
		CHECK_OK(tandem_release(run, result.execution, &scene->error));
	}
	CHECK_OK(tandem_run_stop(run, &summary, &scene->error));
	CHECK(summary.n_failed == 1, "%d failed", (int)summary.n_failed);
	tandem_graph_destroy(graph);
	return 0;
}

/* The first result comes while the second is being made; that it was handed out stays true when the execution fails. */
int scene_early_output(struct scene *scene)
{
	const char *const settings[] = { "nap_us=20000", "fail_at=1", NULL };
	struct tandem_graph *graph = scene_graph(scene, settings, 2);
	struct tandem_run *run = graph ? scene_start(scene, graph) : NULL;
	const struct tandem_tensor *early, *late;
	struct tandem_result result;
	CHECK(run, "no run");
	CHECK_OK(scene_submit(scene, run, 10));
	CHECK_OK(scene_submit(scene, run, 20));
	CHECK_OK(tandem_wait_output(run, 0, TANDEM_FOREVER, &early, &scene->error));
	CHECK(*(const float *)early->data == 10, "%g", *(const float *)early->data);
	int status = tandem_wait_output(run, 1, 0, &late, &scene->error);
	CHECK(status == TANDEM_AGAIN, "the late one is there already: %d", status);
	CHECK_OK(tandem_wait_output(run, 1, TANDEM_FOREVER, &late, &scene->error));
	CHECK_OK(tandem_wait(run, 0, &result, &scene->error));
	CHECK(result.outputs[1].data == late->data && result.outputs[0].data == early->data, "other data");
	CHECK(tandem_wait_output(run, 0, 0, &early, &scene->error) == TANDEM_USAGE, "%s", scene->error.text);
	CHECK_OK(tandem_release(run, 0, &scene->error));
	CHECK_OK(tandem_wait_output(run, 0, TANDEM_FOREVER, &early, &scene->error));
	status = tandem_wait_output(run, 1, TANDEM_FOREVER, &late, &scene->error);
	CHECK(status == TANDEM_OP && strstr(scene->error.text, "out of luck"), "%d %s", status, scene->error.text);
	CHECK(*(const float *)early->data == 21, "%g", *(const float *)early->data);
	status = tandem_wait(run, TANDEM_FOREVER, &result, &scene->error);
	CHECK(status == TANDEM_OP && result.execution == 1, "%d %s", status, scene->error.text);
	CHECK_OK(tandem_release(run, 1, &scene->error));
	CHECK_OK(tandem_run_stop(run, NULL, &scene->error));
	tandem_graph_destroy(graph);
	return 0;
}

/* One that is queued, one that runs, and those that cannot be cancelled. */
int scene_cancelled(struct scene *scene)
{
	const char *const settings[] = { "nap_us=20000", NULL };
	struct tandem_graph *graph = scene_graph(scene, settings, 4);
	struct tandem_run *run = graph ? scene_start(scene, graph) : NULL;
	struct tandem_result result;
	int seen[4];
	CHECK(run, "no run");
	for (int i = 0; i < 4; i++)
		CHECK_OK(scene_submit(scene, run, 1));
	CHECK(scene_submit(scene, run, 1) == TANDEM_AGAIN, "a fifth was taken");
	CHECK_OK(tandem_cancel(run, 3, &scene->error));
	CHECK_OK(tandem_cancel(run, 3, &scene->error));
	CHECK_OK(tandem_cancel(run, 0, &scene->error));
	CHECK(tandem_cancel(run, 4, &scene->error) == TANDEM_USAGE, "%s", scene->error.text);
	for (int i = 0; i < 4; i++) {
		seen[i] = tandem_wait(run, TANDEM_FOREVER, &result, &scene->error);
		CHECK(seen[i] == TANDEM_OK || strstr(scene->error.text, "cancelled"), "%d %s", seen[i], scene->error.text);
		CHECK(tandem_cancel(run, result.execution, NULL) == TANDEM_USAGE, "%d was taken", i);
		CHECK_OK(tandem_release(run, result.execution, &scene->error));
	}
	CHECK(seen[3] == TANDEM_CANCELLED && seen[1] == TANDEM_OK && seen[2] == TANDEM_OK, "%d %d %d %d", seen[0], seen[1], seen[2], seen[3]);
	CHECK(seen[0] == TANDEM_OK || seen[0] == TANDEM_CANCELLED, "%d", seen[0]);
	CHECK_OK(tandem_run_stop(run, NULL, &scene->error));
	tandem_graph_destroy(graph);
	return 0;
}

int scene_timed_out(struct scene *scene)
{
	const char *const settings[] = { "nap_us=150000", NULL };
	struct tandem_run_options options = { .bytes = sizeof options, .mode = scene->mode, .timeout_ns = 30000000 };
	struct tandem_graph *graph = scene_graph(scene, settings, 4);
	struct tandem_run *run = NULL;
	struct tandem_result result;
	CHECK(graph, "no graph");
	CHECK_OK(tandem_run_start(graph, &options, &scene->error, &run));
	CHECK_OK(scene_submit(scene, run, 1));
	CHECK(tandem_wait(run, 1000000, &result, &scene->error) == TANDEM_AGAIN, "done at once");
	int status = tandem_wait(run, TANDEM_FOREVER, &result, &scene->error);
	CHECK(status == TANDEM_TIMEOUT && strstr(scene->error.text, "'b'"), "%d %s", status, scene->error.text);
	CHECK_OK(tandem_release(run, 0, &scene->error));
	CHECK_OK(tandem_run_stop(run, NULL, &scene->error));
	tandem_graph_destroy(graph);
	return 0;
}

/* Takes what is there. Returns how many, -1 when something went wrong. */
static int take_all(struct scene *scene, struct tandem_run *run)
{
	struct tandem_result result;
	int n = 0, status = TANDEM_OK;
	while (tandem_in_flight(run) && (status = tandem_wait(run, 0, &result, &scene->error)) == TANDEM_OK) {
		if (tandem_release(run, result.execution, &scene->error))
			return -1;
		n++;
	}
	return status == TANDEM_OK || status == TANDEM_AGAIN ? n : -1;
}

int scene_event_loop(struct scene *scene)
{
	const char *const settings[] = { "nap_us=200", NULL };
	struct tandem_graph *graph = scene_graph(scene, settings, 3);
	struct tandem_run *run = graph ? scene_start(scene, graph) : NULL;
	CHECK(run, "no run");
	int epoll = epoll_create1(EPOLL_CLOEXEC), fd = tandem_poll_fd(run, &scene->error), n_submitted = 0, n_taken = 0, n_wakes = 0;
	struct epoll_event event = { .events = EPOLLIN };
	CHECK(fd >= 0 && fd == tandem_poll_fd(run, &scene->error), "%s", scene->error.text);
	CHECK(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0, "epoll");
	while (n_taken < 200) {
		int status = TANDEM_OK;
		while (n_submitted < 200 && (status = scene_submit(scene, run, 1)) == TANDEM_OK)
			n_submitted++;
		CHECK(status == TANDEM_OK || status == TANDEM_AGAIN, "%s", scene->error.text);
		CHECK(epoll_wait(epoll, &event, 1, 20000) == 1, "no event after %d of %d", n_taken, n_submitted);
		int n = take_all(scene, run);
		CHECK(n >= 0, "%s", scene->error.text);
		n_taken += n;
		n_wakes++;
	}
	CHECK(n_wakes < 2000, "%d wakes for 200 executions: the descriptor stays readable", n_wakes);
	struct tandem_result result;
	struct pollfd idle = { .fd = fd, .events = POLLIN };
	for (int i = 0; i < 20; i++) { /* each time down to nothing in flight, which no wait has seen */
		CHECK_OK(scene_submit(scene, run, 1));
		while (tandem_in_flight(run)) {
			CHECK(poll(&idle, 1, 20000) == 1, "no event for a single execution, %d", i);
			CHECK(take_all(scene, run) >= 0, "%s", scene->error.text);
		}
	}
	CHECK(tandem_wait(run, 0, &result, &scene->error) == TANDEM_USAGE, "something in flight");
	CHECK(poll(&idle, 1, 50) == 0, "readable with nothing in flight");
	tandem_interrupt(run);
	CHECK(poll(&idle, 1, 5000) == 1, "not readable after the end");
	CHECK(scene_submit(scene, run, 1) == TANDEM_STOPPED, "%s", scene->error.text);
	close(epoll);
	CHECK_OK(tandem_run_stop(run, NULL, &scene->error));
	tandem_graph_destroy(graph);
	return 0;
}

int scene_recorded(struct scene *scene)
{
	char file[4096], other[4096];
	struct tandem_summary summary;
	struct tandem_graph *graph = scene_graph(scene, NULL, 0);
	struct tandem_run_options options = { .bytes = sizeof options, .mode = scene->mode, .trace_file = file };
	struct tandem_run *run = NULL;
	CHECK(graph, "no graph");
	snprintf(file, sizeof file, "%s/recorded-%d.tandem", scene->folder, scene->mode);
	snprintf(other, sizeof other, "%s/other-%d.txt", scene->folder, scene->mode);
	for (int again = 0; again < 2; again++) {
		CHECK_OK(tandem_run_start(graph, &options, &scene->error, &run));
		if (scene_pass(scene, run, 0))
			return 1;
		CHECK_OK(tandem_run_stop(run, &summary, &scene->error));
		CHECK(summary.is_trace_complete && !summary.n_lost_records, "incomplete");
		CHECK(access(file, R_OK) == 0, "no %s", file);
	}
	FILE *stream = fopen(other, "w");
	CHECK(stream && fputs("not a trace\n", stream) >= 0 && fclose(stream) == 0, "cannot write %s", other);
	options.trace_file = other;
	int status = tandem_run_start(graph, &options, &scene->error, &run);
	CHECK(status == TANDEM_INPUT && strstr(scene->error.text, "left alone"), "%d %s", status, scene->error.text);
	tandem_graph_destroy(graph);
	return 0;
}

int scene_with_module(struct scene *scene)
{
	char file[4096];
	const char *folder = getenv("TANDEM_API_MODULES");
	struct tandem_graph *before = tandem_graph_create(scene->tandem, "before");
	snprintf(file, sizeof file, "%s/api_module_good.so", folder ? folder : ".");
	CHECK_OK(tandem_load_module(scene->tandem, file, &scene->error));
	struct tandem_graph *graphs[] = { before, tandem_graph_create(scene->tandem, "after") };
	for (int i = 0; i < 2; i++) {
		tandem_graph_input(graphs[i], "x:f32[4]");
		int node = tandem_graph_node(graphs[i], tandem_graph_worker(graphs[i], "w0", NULL), "n", "negate");
		tandem_graph_connect(graphs[i], TANDEM_NODE_INPUT, NULL, node, NULL);
		tandem_graph_connect(graphs[i], node, NULL, TANDEM_NODE_OUTPUT, NULL);
	}
	int status = tandem_graph_compile(graphs[0], NULL, &scene->error);
	CHECK(status == TANDEM_GRAPH && strstr(scene->error.text, "unknown op 'negate'"), "%d %s", status, scene->error.text);
	CHECK_OK(tandem_graph_compile(graphs[1], NULL, &scene->error));
	struct tandem_run *run = scene_start(scene, graphs[1]);
	struct tandem_result result;
	CHECK(run, "no run");
	CHECK_OK(scene_submit(scene, run, 3));
	CHECK_OK(tandem_wait(run, TANDEM_FOREVER, &result, &scene->error));
	CHECK(*(const float *)result.outputs[0].data == -3, "%g", *(const float *)result.outputs[0].data);
	CHECK_OK(tandem_run_stop(run, NULL, &scene->error));
	tandem_graph_destroy(graphs[0]);
	tandem_graph_destroy(graphs[1]);
	return 0;
}

/* More cancelled at once than a small table would hold. */
int scene_many_in_flight(struct scene *scene)
{
	const char *const settings[] = { "nap_us=1000", NULL };
	struct tandem_graph *graph = scene_graph(scene, settings, 300);
	struct tandem_run *run = graph ? scene_start(scene, graph) : NULL;
	struct tandem_result result;
	int n_cancelled = 0;
	CHECK(run, "no run");
	for (int i = 0; i < 300; i++)
		CHECK_OK(scene_submit(scene, run, 1));
	for (int i = 100; i < 300; i++)
		CHECK_OK(tandem_cancel(run, (uint64_t)i, &scene->error));
	for (int i = 0; i < 300; i++) {
		int status = tandem_wait(run, TANDEM_FOREVER, &result, &scene->error);
		n_cancelled += status == TANDEM_CANCELLED;
		CHECK(status == TANDEM_OK || (status == TANDEM_CANCELLED && i >= 100), "%d: %d %s", i, status, scene->error.text);
		CHECK_OK(tandem_release(run, result.execution, &scene->error));
	}
	CHECK(n_cancelled == 200, "%d of 200 cancelled", n_cancelled);
	CHECK_OK(tandem_run_stop(run, NULL, &scene->error));
	tandem_graph_destroy(graph);
	return 0;
}
