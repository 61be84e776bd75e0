/* SPDX-License-Identifier: Apache-2.0
 *
 * api_program: a program on the library with an op of its own, and what the scenes share.
 *
 * The op `probe` adds the number of executions that it has seen before to its input.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/api/api_scenes.h"
#include "tests/support/leftovers.h"

struct probe {
	int64_t n_seen, nap_us, fail_at;
	bool prints;
};

static int probe_infer(struct tandem_infer *infer, struct tandem_error *error)
{
	if (tandem_param_bool(infer->params, "fail_infer"))
		return tandem_error_set(error, TANDEM_GRAPH, "no such luck");
	if (tandem_param_int(infer->params, "undeclared") || *tandem_param_text(infer->params, "nap_us"))
		return tandem_error_set(error, TANDEM_GRAPH, "an undeclared parameter has a value");
	infer->outputs[0] = infer->inputs[0];
	return TANDEM_OK;
}

static int probe_setup(const struct tandem_setup *setup, void **ret_state, struct tandem_error *error)
{
	if (tandem_param_bool(setup->params, "fail_setup"))
		return tandem_error_set(error, TANDEM_OP, "no luck at %s on %s", setup->node, setup->worker);
	struct probe *probe = calloc(1, sizeof *probe);
	if (!probe)
		return tandem_error_set(error, TANDEM_NO_MEMORY, "no memory");
	probe->nap_us = tandem_param_int(setup->params, "nap_us");
	probe->fail_at = tandem_param_int(setup->params, "fail_at");
	probe->prints = tandem_param_bool(setup->params, "print");
	*ret_state = probe;
	return TANDEM_OK;
}

static int probe_run(struct tandem_call *call)
{
	struct probe *probe = call->state;
	memcpy(call->outputs[0].data, call->inputs[0].data, tandem_tensor_bytes(&call->inputs[0]));
	((float *)call->outputs[0].data)[0] += (float)probe->n_seen++;
	if (probe->nap_us)
		usleep((useconds_t)probe->nap_us);
	if (probe->prints)
		printf("execution %d\n", (int)call->execution);
	if (probe->fail_at == (int64_t)call->execution)
		return tandem_error_set(call->error, TANDEM_OP, "out of luck");
	return TANDEM_OK;
}

static const struct tandem_param_spec probe_params[] = {
	{ "fail_infer", TANDEM_PARAM_BOOL, "false", "refuse the graph" },
	{ "fail_setup", TANDEM_PARAM_BOOL, "false", "refuse to start" },
	{ "fail_at", TANDEM_PARAM_INT, "-1", "execution that fails" },
	{ "nap_us", TANDEM_PARAM_INT, "0", "sleep" },
	{ "print", TANDEM_PARAM_BOOL, "false", "say something" },
	{ 0 },
};
static const char *const probe_inputs[] = { "x", NULL };

static const struct tandem_op probe = {
	.abi = TANDEM_OP_ABI,
	.name = "probe",
	.summary = "adds the executions before",
	.n_inputs_min = 1,
	.n_inputs_max = 1,
	.input_names = probe_inputs,
	.params = probe_params,
	.infer = probe_infer,
	.setup = probe_setup,
	.run = probe_run,
	.teardown = free,
};
static const struct tandem_op *const own_ops[] = { &probe, NULL };

static void set_all(struct tandem_graph *graph, int node, const char *const *settings)
{
	for (; settings && *settings; settings++) {
		char key[64];
		const char *equals = strchr(*settings, '=');
		snprintf(key, sizeof key, "%.*s", (int)(equals - *settings), *settings);
		tandem_graph_set(graph, node, key, equals + 1);
	}
}

struct tandem_graph *scene_graph(struct scene *scene, const char *const *settings, int in_flight)
{
	struct tandem_compile_options options = { .bytes = sizeof options, .in_flight = in_flight };
	struct tandem_graph *graph = tandem_graph_create(scene->tandem, "scene");
	tandem_graph_input(graph, "x:f32[4]");
	int w0 = tandem_graph_worker(graph, "w0", "cpu:0"), w1 = tandem_graph_worker(graph, "w1", "cpu:1");
	int a = tandem_graph_node(graph, w0, "a", "probe"), b = tandem_graph_node(graph, w1, "b", "probe");
	set_all(graph, b, settings);
	tandem_graph_connect(graph, TANDEM_NODE_INPUT, NULL, a, NULL);
	tandem_graph_connect(graph, a, NULL, b, "x");
	tandem_graph_connect(graph, a, NULL, TANDEM_NODE_OUTPUT, "early");
	tandem_graph_connect(graph, b, NULL, TANDEM_NODE_OUTPUT, "late");
	if (!tandem_graph_compile(graph, &options, &scene->error))
		return graph;
	printf("%s\n", scene->error.text);
	tandem_graph_destroy(graph);
	return NULL;
}

struct tandem_run *scene_start(struct scene *scene, struct tandem_graph *graph)
{
	struct tandem_run_options options = { .bytes = sizeof options, .mode = scene->mode, .stall_limit_ns = -1 };
	struct tandem_run *run = NULL;
	if (tandem_run_start(graph, &options, &scene->error, &run))
		printf("start: %s\n", scene->error.text);
	return run;
}

int scene_submit(struct scene *scene, struct tandem_run *run, float value)
{
	float x[4] = { value };
	struct tandem_tensor input = tandem_tensor_make(TANDEM_F32, 1, (int64_t[]){ 4 }, x);
	return tandem_submit(run, &input, NULL, &scene->error);
}

int scene_pass(struct scene *scene, struct tandem_run *run, int n)
{
	struct tandem_result result;
	CHECK_OK(scene_submit(scene, run, 100));
	CHECK_OK(tandem_wait(run, TANDEM_FOREVER, &result, &scene->error));
	float early = *(const float *)result.outputs[0].data, late = *(const float *)result.outputs[1].data;
	CHECK((int)result.execution == n && result.n_outputs == 2, "execution %d of %d", (int)result.execution, n);
	CHECK(early == 100.0f + (float)n && late == early + (float)n, "%g and %g in execution %d", early, late, n);
	CHECK_OK(tandem_release(run, result.execution, &scene->error));
	return 0;
}

static const struct {
	const char *name;
	int (*play)(struct scene *scene);
} scenes[] = {
#define X(name) { #name, scene_##name },
	API_SCENES_MAP(X)
#undef X
};

int main(int argc, char **argv)
{
	struct scene scene = { 0 };
	leftovers_mark();
	scene.tandem = tandem_init(&argc, &argv, own_ops, &scene.error);
	if (!scene.tandem || argc != 4) {
		printf("%s\n", scene.tandem ? "usage: api_program SCENE MODE FOLDER" : scene.error.text);
		return 2;
	}
	scene.mode = strcmp(argv[2], "interpreted") == 0 ? TANDEM_INTERPRETED : TANDEM_COMPILED;
	scene.folder = argv[3];
	for (size_t i = 0; i < sizeof scenes / sizeof *scenes; i++) {
		if (strcmp(scenes[i].name, argv[1]) != 0)
			continue;
		int failed = scenes[i].play(&scene);
		tandem_finish(scene.tandem);
		int n_left = failed ? 0 : leftovers_count(2000);
		if (n_left)
			printf("%d processes are left\n", n_left);
		return failed || n_left;
	}
	printf("no scene '%s'\n", argv[1]);
	return 2;
}
