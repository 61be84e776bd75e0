/* SPDX-License-Identifier: Apache-2.0
 *
 * Programs: what was planned comes out again, slots do not overlap, and no damage to the bytes gets through the check in a
 * way that could hurt.
 */
#include "engine/run/program.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/attributes.h"
#include "engine/run/program_check.h"
#include "tests/support/plan_graphs.h"

#define RICH                                                                                                                \
	"node s w0 split depth=3; node f w0 forward; node j w1 join; node k w1 scale; node r1 w0 all_reduce collective=R;"  \
	"node r2 w1 all_reduce collective=R; node big w0 copy size=5000; node big2 w1 copy size=5000; edge input s; edge "  \
	"s f; edge f j;"                                                                                                    \
	"edge s:1 j; edge j k; edge input:1 r1; edge k r2; control r1 big; edge r1 big; edge big big2; edge big2 output; "  \
	"edge r2 output;"                                                                                                   \
	"control s output"

static int build(const char *text, int *ret_fd, struct graph **ret_graph, struct plan **ret_plan)
{
	static const struct program_setting settings[] = { { "command", "tandem run x.dot" }, { "record", "every=3" } };
	struct program_options options = { .mode = RUN_MODE_COMPILED, .seed = 42, .n_threads = 2, .settings = settings,
		.n_settings = ARRAY_LEN(settings) };
	struct error error = { 0 };
	*ret_graph = plan_graph(text);
	*ret_plan = plan_of(*ret_graph, 0);
	int status = program_build(*ret_plan, &options, &error, ret_fd);
	cr_assert_eq(status, STATUS_OK, "%s", error.text);
	return status;
}

static void open_it(int fd, struct program *program)
{
	struct error error = { 0 };
	cr_assert_eq(program_open(fd, program, &error), STATUS_OK, "%s", error.text);
}

Test(program, holds_what_was_planned)
{
	struct graph *graph;
	struct plan *plan;
	struct program program;
	int fd;
	build(RICH, &fd, &graph, &plan);
	open_it(fd, &program);
	cr_expect_eq(program.header->seed, 42);
	cr_expect_eq((int)program.header->in_flight, plan->in_flight);
	cr_expect_str_eq(program_meta(&program, "record", "?"), "every=3");
	cr_expect_str_eq(program_meta(&program, "none", "?"), "?");
	cr_expect_eq((int)program.header->n_nodes, graph->n_nodes);
	for (int i = 0; i < graph->n_nodes; i++) {
		cr_expect_str_eq(program_string(&program, program.nodes[i].name), graph->nodes[i].name);
		cr_expect_eq((int)program.nodes[i].inputs.n, graph->nodes[i].n_inputs);
		cr_expect_eq((int)program.nodes[i].worker, graph->nodes[i].worker_idx);
	}
	for (int i = 0; i < plan->n_channels; i++) {
		cr_expect_eq((int)program.channels[i].depth, plan->channels[i].depth, "channel %d", i);
		cr_expect_eq((int)program.channels[i].storage, plan->channels[i].storage, "channel %d", i);
		cr_expect_eq((int)program.channels[i].readers.n, plan->channels[i].n_readers, "channel %d", i);
	}
	for (int w = 0; w < graph->n_workers; w++) {
		cr_expect_eq((int)program.workers[w].steps.n, plan->workers[w].n_steps, "worker %d", w);
		for (int i = 0; i < plan->workers[w].n_steps; i++) {
			const struct program_step *step = &program.steps[program.workers[w].steps.first + (uint32_t)i];
			cr_expect_eq(step->kind, plan->workers[w].steps[i].kind);
			cr_expect_eq((int)step->node, plan->workers[w].steps[i].node);
		}
	}
	program_close(&program);
	close(fd);
	plan_destroy(plan);
	graph_destroy(graph);
}

struct area {
	uint64_t begin, end;
};

static void add_area(struct area *areas, int *n, uint64_t begin, uint64_t bytes)
{
	areas[(*n)++] = (struct area){ begin, begin + bytes };
}

static void add_channel(const struct program *program, uint32_t idx, unsigned seed, struct area *areas, int *n)
{
	const struct program_channel *channel = &program->channels[idx];
	const struct program_worker *writer = &program->workers[program->nodes[channel->node].worker];
	bool is_local = channel->transport == TRANSPORT_LOCAL;
	add_area(areas, n, channel->slots_offset, channel->depth * channel->slot_bytes);
	if (is_local)
		cr_expect(channel->slots_offset >= writer->private_offset && areas[*n - 1].end <= writer->private_offset + writer->private_bytes,
			"seed %u: channel %u lies outside its worker's block", seed, idx);
	cr_expect(is_local || channel->slot_bytes < 4096 || channel->slots_offset % 4096 == 0, "seed %u: channel %u", seed, idx);
	if (channel->storage == idx && !is_local)
		add_area(areas, n, channel->releases_offset, 64 * (uint64_t)channel->releasers.n);
}

/* Every output of a worker's node has a channel or room of its own, and no other has. */
static void add_scratch(const struct program *program, unsigned seed, struct area *areas, int *n)
{
	for (uint32_t i = 0; i < program->header->n_nodes; i++) {
		const struct program_node *node = &program->nodes[i];
		for (uint32_t o = 0; o < node->types.n; o++) {
			bool has_channel = node->worker == GRAPH_DRIVER;
			for (uint32_t c = 0; c < program->header->n_channels; c++)
				has_channel = has_channel || (program->channels[c].node == i && program->channels[c].output == o);
			uint64_t scratch = program->scratch[node->types.first + o];
			cr_expect_eq(scratch == PROGRAM_NOWHERE, has_channel, "seed %u: node %u, output %u", seed, i, o);
			if (scratch != PROGRAM_NOWHERE)
				add_area(areas, n, scratch,
					round_up(type_bound_bytes(&program->types[node->types.first + o], &program->header->symbols), 64));
		}
	}
}

/* Lines of 64 bytes belong to one channel, one releaser or one output that nobody reads; slots of a page or more start on pages; all lies inside
 * the segment. */
static void check_areas(const struct program *program, unsigned seed)
{
	struct area areas[512];
	int n = 0;
	for (uint32_t i = 0; i < program->header->n_channels; i++)
		add_channel(program, i, seed, areas, &n);
	add_scratch(program, seed, areas, &n);
	for (int i = 0; i < n; i++) {
		cr_expect(areas[i].begin % 64 == 0 && areas[i].end % 64 == 0, "seed %u: area %d is not on lines", seed, i);
		cr_expect_leq(areas[i].end, program->header->slots_bytes, "seed %u: area %d", seed, i);
		for (int k = 0; k < i; k++)
			cr_expect(areas[i].end <= areas[k].begin || areas[k].end <= areas[i].begin, "seed %u: areas %d and %d overlap", seed,
				i, k);
	}
}

Test(program, areas_are_apart)
{
	for (unsigned seed = 0; seed < 300; seed++) {
		struct graph *graph = plan_graph_random(seed, 14, 4);
		struct plan_options options = { 0 };
		struct plan *plan = NULL;
		if (plan_make(graph, &options, NULL, &plan) == STATUS_OK) {
			struct program_options program_options = { .n_threads = 1 };
			struct program program;
			int fd;
			cr_assert_eq(program_build(plan, &program_options, NULL, &fd), STATUS_OK);
			open_it(fd, &program);
			check_areas(&program, seed);
			program_close(&program);
			close(fd);
		}
		plan_destroy(plan);
		graph_destroy(graph);
	}
}

Test(program, is_sealed)
{
	struct graph *graph;
	struct plan *plan;
	int fd;
	build(RICH, &fd, &graph, &plan);
	cr_expect_eq(pwrite(fd, "x", 1, 0), -1);
	cr_expect_eq(ftruncate(fd, 10), -1);
	cr_expect(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	close(fd);
	plan_destroy(plan);
	graph_destroy(graph);
}

Test(program, refuses_what_is_no_program)
{
	struct program program;
	struct error error = { 0 };
	int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	cr_expect_eq(program_open(-1, &program, &error), STATUS_PROTOCOL);
	cr_expect_eq(program_open(fd, &program, &error), STATUS_PROTOCOL, "not sealed");
	cr_assert_eq(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE), 0);
	cr_expect_eq(program_open(fd, &program, &error), STATUS_PROTOCOL, "empty");
	close(fd);
	fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	cr_assert_eq(write(fd, "tandem", 6), 6);
	cr_assert_eq(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE), 0);
	cr_expect_eq(program_open(fd, &program, &error), STATUS_PROTOCOL, "six bytes");
	cr_expect(strstr(error.text, "shorter than a header"), "'%s'", error.text);
	close(fd);
}

/* Touches all that a reader of a checked program would touch, trusting it as one would. */
static uint64_t walk(const struct program *program)
{
	uint64_t sum = 0;
	const struct program_header *header = program->header;
	for (uint32_t w = 0; w < header->n_workers; w++) {
		sum += strlen(program_string(program, program->workers[w].name)) +
		       strlen(program_string(program, program->workers[w].device));
		for (uint32_t i = 0; i < program->workers[w].steps.n; i++) {
			const struct program_step *step = &program->steps[program->workers[w].steps.first + i];
			sum += program->nodes[step->node].name;
			sum += step->channel == PROGRAM_NONE ? 0 : program->channels[step->channel].slots_offset;
			sum += step->edge == PROGRAM_NONE ? 0 : program->edges[step->edge].name;
			sum += step->reader == PROGRAM_NONE
				       ? 0
				       : program->indices[program->channels[step->channel].releasers.first + step->reader];
		}
	}
	for (uint32_t i = 0; i < header->n_nodes; i++) {
		const struct program_node *node = &program->nodes[i];
		sum += strlen(program_string(program, node->name)) + strlen(program_string(program, node->op))
			+ strlen(program_string(program, node->collective));
		for (uint32_t k = 0; k < node->params.n; k++)
			sum += strlen(program_string(program, program->indices[node->params.first + k]));
		for (uint32_t k = 0; k < node->inputs.n; k++) {
			const struct program_edge *edge = &program->edges[program->indices[node->inputs.first + k]];
			sum += program->channels[edge->channel].slot_bytes;
			sum += (uint64_t)program->types[program->nodes[edge->src].types.first + edge->src_output].n_dims;
		}
		for (uint32_t k = 0; k < node->types.n; k++)
			sum += type_bound_bytes(&program->types[node->types.first + k], &header->symbols);
	}
	for (uint32_t i = 0; i < header->n_channels; i++) {
		const struct program_channel *channel = &program->channels[i];
		sum += program->channels[channel->storage].depth + program->nodes[channel->node].worker;
		for (uint32_t k = 0; k < channel->readers.n; k++)
			sum += program->nodes[program->edges[program->indices[channel->readers.first + k]].dst].worker;
		for (uint32_t k = 0; k < channel->releasers.n; k++)
			sum += program->workers[program->indices[channel->releasers.first + k]].name;
	}
	for (uint32_t i = 0; i < header->n_metas; i++)
		sum += strlen(program_string(program, program->metas[i].key)) +
		       strlen(program_string(program, program->metas[i].value));
	return sum + strlen(program_string(program, header->graph_name)) +
	       strlen(program_string(program, header->graph_text)) + strlen(program_string(program, header->graph_file));
}

/* Damages the image `n` times: single bits, bytes, words with telling values, cut ends. */
static void damage(uint8_t *bytes, size_t size, unsigned *seed)
{
	static const uint32_t words[] = { 0, 1, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff, 0x10000 };
	int n = 1 + rand_r(seed) % 3;
	for (int i = 0; i < n; i++) {
		/* Half of it in the header. */
		size_t n_header = size < sizeof(struct program_header) ? size : sizeof(struct program_header);
		size_t at = (size_t)rand_r(seed) % (rand_r(seed) % 2 ? size : n_header);
		switch (rand_r(seed) % 3) {
		case 0:
			bytes[at] ^= (uint8_t)(1u << rand_r(seed) % 8);
			break;
		case 1:
			bytes[at] = (uint8_t)rand_r(seed);
			break;
		case 2:
			at &= ~(size_t)3;
			memcpy(bytes + at, &words[(size_t)rand_r(seed) % ARRAY_LEN(words)], at + 4 <= size ? 4 : 0);
			break;
		}
	}
}

Test(program, survives_damage)
{
	struct graph *graph;
	struct plan *plan;
	struct program program;
	int fd, n_refused = 0, n_harmless = 0;
	build(RICH, &fd, &graph, &plan);
	open_it(fd, &program);
	size_t size = program.mapping_bytes;
	unsigned seed = 1;
	for (int i = 0; i < 20000; i++) {
		/* A fresh block of exact size, so that a sanitizer sees a step over its end. */
		size_t cut = rand_r(&seed) % 50 ? size : (size_t)rand_r(&seed) % size;
		uint8_t *bytes = malloc(cut + (cut == 0));
		cr_assert_not_null(bytes);
		memcpy(bytes, program.header, cut);
		if (cut)
			damage(bytes, cut, &seed);
		struct program damaged;
		struct error error = { 0 };
		int status = program_check(bytes, cut, &damaged, &error);
		if (status == STATUS_OK)
			n_harmless += walk(&damaged) > 0;
		else
			n_refused += status == STATUS_PROTOCOL && error.text[0];
		free(bytes);
	}
	cr_expect_eq(n_refused + n_harmless, 20000, "%d refused, %d harmless", n_refused, n_harmless);
	cr_expect(n_refused > 10000 && n_harmless > 100, "%d refused, %d harmless", n_refused, n_harmless);
	program_close(&program);
	close(fd);
	plan_destroy(plan);
	graph_destroy(graph);
}

struct damage_case {
	const char *name, *text;
	size_t table;  /* offset in the header of the table's offset */
	size_t at;     /* in the table */
	uint32_t value;
};

Test(program, says_what_is_wrong)
{
	static const struct damage_case cases[] = {
		{"worker of a node", "worker of a node", offsetof(struct program_header, nodes),
			offsetof(struct program_node, worker), 77},
		{"name of a node", "name of a node", offsetof(struct program_header, nodes),
			offsetof(struct program_node, name), 0x7fffffff},
		{"depth 0", "depth", offsetof(struct program_header, channels), offsetof(struct program_channel, depth), 0},
		{"another storage", "storage of a channel", offsetof(struct program_header, channels),
			offsetof(struct program_channel, storage), 5},
		{"moved slots", "slots in the wrong place", offsetof(struct program_header, channels),
			offsetof(struct program_channel, slots_offset), 64},
		{"kind of a step", "kind of a step", offsetof(struct program_header, steps),
			offsetof(struct program_step, kind), 9},
		{"step of another worker", "node of a step", offsetof(struct program_header, steps),
			offsetof(struct program_step, node), 3},
		{"transport", "transport", offsetof(struct program_header, channels),
			offsetof(struct program_channel, transport), 0},
		{"setting", "setting", offsetof(struct program_header, metas), offsetof(struct program_meta, value),
			0x7fffffff},
		{"source of an edge", "ends of an edge", offsetof(struct program_header, edges),
			offsetof(struct program_edge, src), 999},
		{"destination of an edge", "input of another node", offsetof(struct program_header, edges),
			offsetof(struct program_edge, dst), 999},
	};
	struct graph *graph;
	struct plan *plan;
	struct program program;
	int fd;
	build(RICH, &fd, &graph, &plan);
	open_it(fd, &program);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint8_t *bytes = malloc(program.mapping_bytes);
		uint64_t table;
		struct program damaged;
		struct error error = { 0 };
		memcpy(bytes, program.header, program.mapping_bytes);
		memcpy(&table, bytes + cases[i].table, sizeof table);
		memcpy(bytes + table + cases[i].at, &cases[i].value, sizeof cases[i].value);
		int status = program_check(bytes, program.mapping_bytes, &damaged, &error);
		cr_expect_eq(status, STATUS_PROTOCOL, "%s: %s", cases[i].name, status_word(status));
		cr_expect(strstr(error.text, cases[i].text), "%s: '%s'", cases[i].name, error.text);
		free(bytes);
	}
	program_close(&program);
	close(fd);
	plan_destroy(plan);
	graph_destroy(graph);
}
