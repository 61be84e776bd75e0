/* SPDX-License-Identifier: Apache-2.0
 *
 * world: the graphs, and compiling them.
 */
#include "tests/fuzz/world.h"

#include "engine/graph/graph_dot.h"
#include "engine/ops/ops.h"
#include "tests/fuzz/fuzz.h"

static const char *const texts[] = {
	/* symbols, two workers, one result in place of its input */
	"digraph pair { input [tensors=\"x:f32[B<=4,8] y:f32[B<=4,8]\"];\n"
	"subgraph cluster_0 { worker=w0; device=\"cpu:0\"; a [op=copy]; }\n"
	"subgraph cluster_1 { worker=w1; device=\"cpu:1\"; b [op=add]; c [op=identity]; }\n"
	"input -> a [from=x]; a -> b [arg=0]; input -> b [from=y, arg=1]; b -> c; c -> output; a -> output; }\n",
	/* fan-out, small depths, control edges */
	"digraph fan { input [tensors=\"x:f32[4]\"];\n"
	"subgraph cluster_0 { worker=w0; device=\"cpu:0\"; a [op=copy, depth=2]; }\n"
	"subgraph cluster_1 { worker=w1; device=\"cpu:1\"; b [op=copy, depth=1]; f [op=identity]; }\n"
	"subgraph cluster_2 { worker=w2; device=\"cpu:2\"; c [op=touch, depth=3]; }\n"
	"subgraph cluster_3 { worker=w3; device=\"cpu:3\"; d [op=add]; e [op=add]; }\n"
	"input -> a; a -> b; b -> f; a -> c; f -> d [arg=0]; c -> d [arg=1]; d -> e [arg=0]; a -> e [arg=1];\n"
	"e -> output; b -> output; b -> c [control=true]; }\n",
	/* collectives, two results */
	"digraph reduce { input [tensors=\"x:f32[N<=8,2] y:f32[N<=8,2]\"];\n"
	"subgraph cluster_0 { worker=w0; device=\"cpu:0\"; a [op=all_reduce, collective=sum]; }\n"
	"subgraph cluster_1 { worker=w1; device=\"cpu:1\"; b [op=all_reduce, collective=sum]; s [op=relu]; }\n"
	"input -> a [from=x]; input -> b [from=y]; b -> s; a -> output; s -> output; }\n",
	/* given depths: the driver releases, and waits for slots */
	"digraph tight { input [tensors=\"x:f32[B<=3,2]\"];\n"
	"subgraph cluster_0 { worker=w0; device=\"cpu:0\"; a [op=copy, depth=1]; b [op=copy]; }\n"
	"subgraph cluster_1 { worker=w1; device=\"cpu:1\"; c [op=concat, depth=1]; }\n"
	"input -> a; a -> b; b -> c [arg=0]; a -> c [arg=1]; c -> output; }\n",
};

static struct world worlds[ARRAY_LEN(texts)][RUN_MODE_COUNT];

static void make(struct world *world, const char *text, enum run_mode mode)
{
	struct mistakes mistakes = MISTAKES_INIT;
	struct error error = { 0 };
	static const struct program_setting settings[] = { { "record", "all" }, { "command", "fuzz" } };
	struct program_options options = { .mode = mode, .n_threads = 1, .settings = settings, .n_settings = ARRAY_LEN(settings) };
	int status = graph_dot_parse("world.dot", text, NULL, &mistakes, &world->graph);
	if (status == STATUS_OK)
		status = graph_resolve(world->graph, &ops_builtin, &mistakes);
	FUZZ_CHECK(status == STATUS_OK, "%s\n%s", mistakes.n_items ? mistakes.items[0].text : "?", text);
	mistakes_finish(&mistakes);
	status = plan_compile(world->graph, &(struct plan_options){ .in_flight = 4 }, NULL, &error, &world->plan);
	if (status == STATUS_OK)
		status = program_build(world->plan, &options, &error, &world->program_fd);
	if (status == STATUS_OK)
		status = program_open(world->program_fd, &world->program, &error);
	FUZZ_CHECK(status == STATUS_OK, "%s\n%s", error.text, text);
}

const struct world *world_get(unsigned which, enum run_mode mode)
{
	struct world *world = &worlds[which % ARRAY_LEN(texts)][mode];
	if (!world->graph)
		make(world, texts[which % ARRAY_LEN(texts)], mode);
	return world;
}

unsigned world_count(void)
{
	return ARRAY_LEN(texts);
}
