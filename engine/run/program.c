/* SPDX-License-Identifier: Apache-2.0
 *
 * program: flattens a plan into one sealed memfd and maps it again.
 */
#include "engine/run/program.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/strbuf.h"
#include "engine/run/program_check.h"
#include "engine/run/program_layout.h"

#define PROGRAM_SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

static const char *const mode_words[RUN_MODE_COUNT] = {
#define X(name, word) [RUN_MODE_##name] = word,
	RUN_MODE_MAP(X)
#undef X
};

const char *run_mode_word(enum run_mode mode)
{
	return mode_words[mode];
}

struct builder {
	const struct plan *plan;
	const struct graph *graph;
	struct program_header header;
	struct program_worker *workers;
	struct program_node *nodes;
	struct program_edge *edges;
	struct program_channel *channels;
	struct program_step *steps;
	struct tensor_type *types;
	uint64_t *scratch;
	uint32_t *indices;
	struct program_meta *metas;
	struct strbuf strings;
};

static uint32_t add_string(struct builder *builder, const char *text)
{
	uint32_t offset = (uint32_t)builder->strings.length;
	strbuf_add_bytes(&builder->strings, text, strlen(text) + 1);
	return offset;
}

static uint32_t add_string_or_none(struct builder *builder, const char *text)
{
	return text ? add_string(builder, text) : PROGRAM_NONE;
}

static struct program_range add_indices(struct builder *builder, const int *items, int n)
{
	struct program_range range = { .first = builder->header.n_indices, .n = (uint32_t)n };
	for (int i = 0; i < n; i++)
		builder->indices[builder->header.n_indices++] = (uint32_t)items[i];
	return range;
}

static bool allocate(struct builder *builder, int n_settings)
{
	const struct graph *graph = builder->graph;
	const struct plan *plan = builder->plan;
	size_t n_indices = 0, n_types = 0, n_steps = 0;
	for (int i = 0; i < graph->n_nodes; i++) {
		n_indices += 2 * (size_t)graph->nodes[i].n_params + (size_t)graph->nodes[i].n_inputs;
		n_types += (size_t)graph->nodes[i].n_outputs;
	}
	for (int i = 0; i < plan->n_channels; i++)
		n_indices += (size_t)plan->channels[i].n_readers + (size_t)plan->channels[i].n_releasers;
	for (int i = 0; i < graph->n_workers; i++)
		n_steps += (size_t)plan->workers[i].n_steps;
	builder->workers = calloc((size_t)graph->n_workers, sizeof *builder->workers);
	builder->nodes = calloc((size_t)graph->n_nodes, sizeof *builder->nodes);
	builder->edges = calloc((size_t)graph->n_edges + 1, sizeof *builder->edges);
	builder->channels = calloc((size_t)plan->n_channels + 1, sizeof *builder->channels);
	builder->steps = calloc(n_steps + 1, sizeof *builder->steps);
	builder->types = calloc(n_types + 1, sizeof *builder->types);
	builder->scratch = calloc(n_types + 1, sizeof *builder->scratch);
	builder->indices = calloc(n_indices + 1, sizeof *builder->indices);
	builder->metas = calloc((size_t)n_settings + 1, sizeof *builder->metas);
	return builder->workers && builder->nodes && builder->edges && builder->channels && builder->steps && builder->types
		&& builder->scratch && builder->indices && builder->metas;
}

static void fill_node(struct builder *builder, int idx)
{
	const struct graph_node *node = &builder->graph->nodes[idx];
	struct program_header *header = &builder->header;
	struct program_range params = { .first = header->n_indices, .n = 2 * (uint32_t)node->n_params };
	for (int i = 0; i < node->n_params; i++) {
		builder->indices[header->n_indices++] = add_string(builder, node->params[i].name);
		builder->indices[header->n_indices++] = add_string(builder, node->params[i].value);
	}
	builder->nodes[idx] = (struct program_node){
		.name = add_string(builder, node->name),
		.op = add_string(builder, node->op_name ? node->op_name : ""),
		.worker = (uint32_t)node->worker_idx,
		.collective = add_string_or_none(builder, node->collective),
		.params = params,
		.inputs = add_indices(builder, node->input_edges, node->n_inputs),
		.types = { .first = header->n_types, .n = (uint32_t)node->n_outputs },
		.line = (uint32_t)node->line,
	};
	for (int i = 0; i < node->n_outputs; i++)
		builder->types[header->n_types++] = node->outputs[i];
}

static void fill_edge(struct builder *builder, int idx)
{
	const struct graph_edge *edge = &builder->graph->edges[idx];
	builder->edges[idx] = (struct program_edge){
		.name = add_string(builder, edge->name),
		.result = add_string_or_none(builder, edge->result),
		.src = (uint32_t)edge->src, .dst = (uint32_t)edge->dst,
		.src_output = (uint32_t)edge->src_output, .dst_input = (uint32_t)edge->dst_input,
		.channel = (uint32_t)builder->plan->edge_channels[idx],
		.is_peer = edge->is_peer,
	};
}

static void fill_channel(struct builder *builder, int idx)
{
	const struct plan_channel *channel = &builder->plan->channels[idx];
	bool is_storage = channel->storage == idx;
	builder->channels[idx] = (struct program_channel){
		.node = (uint32_t)channel->node, .output = (uint32_t)channel->output,
		.storage = (uint32_t)channel->storage,
		.transport = channel->transport,
		.depth = (uint32_t)channel->depth,
		.payload_bytes = channel->payload_bytes,
		.slot_bytes = plan_channel_bytes(builder->plan, idx) / (size_t)channel->depth,
		.readers = add_indices(builder, channel->reader_edges, channel->n_readers),
		.releasers = add_indices(builder, channel->releasers, is_storage ? channel->n_releasers : 0),
	};
	builder->nodes[channel->node].is_overwriting |= channel->is_overwritten;
}

static void fill_worker(struct builder *builder, int idx)
{
	const struct graph_worker *name = &builder->graph->workers[idx];
	const struct plan_worker *worker = &builder->plan->workers[idx];
	builder->workers[idx] = (struct program_worker){
		.name = add_string(builder, name->name),
		.device = add_string(builder, name->device),
		.steps = { .first = builder->header.n_steps, .n = (uint32_t)worker->n_steps },
	};
	for (int i = 0; i < worker->n_steps; i++) {
		const struct plan_step *step = &worker->steps[i];
		builder->steps[builder->header.n_steps++] = (struct program_step){
			.kind = step->kind, .node = (uint32_t)step->node, .channel = (uint32_t)step->channel,
			.edge = (uint32_t)step->edge, .reader = (uint32_t)step->reader,
		};
	}
}

static void fill(struct builder *builder, const struct program_options *options)
{
	const struct graph *graph = builder->graph;
	builder->header = (struct program_header){
		.magic = PROGRAM_MAGIC,
		.version = PROGRAM_VERSION,
		.header_bytes = sizeof builder->header,
		.mode = options->mode,
		.in_flight = (uint32_t)builder->plan->in_flight,
		.seed = options->seed,
		.graph_name = add_string(builder, graph->name),
		.graph_file = add_string_or_none(builder, graph->file),
		.graph_text = add_string_or_none(builder, graph->text),
		.n_threads = options->n_threads > 0 ? (uint32_t)options->n_threads : 1,
		.symbols = graph->symbols,
		.n_workers = (uint32_t)graph->n_workers,
		.n_nodes = (uint32_t)graph->n_nodes,
		.n_edges = (uint32_t)graph->n_edges,
		.n_channels = (uint32_t)builder->plan->n_channels,
		.n_metas = (uint32_t)options->n_settings,
	};
	for (int i = 0; i < graph->n_nodes; i++)
		fill_node(builder, i);
	for (int i = 0; i < graph->n_edges; i++)
		fill_edge(builder, i);
	for (int i = 0; i < builder->plan->n_channels; i++)
		fill_channel(builder, i);
	for (int i = 0; i < graph->n_workers; i++)
		fill_worker(builder, i);
	for (int i = 0; i < options->n_settings; i++) {
		builder->metas[i].key = add_string(builder, options->settings[i].key);
		builder->metas[i].value = add_string(builder, options->settings[i].value);
	}
}

struct part {
	uint64_t *offset;
	const void *bytes;
	size_t n_bytes;
};

/* Gives the parts their offsets, one behind the other, and copies header and parts into one image. */
static uint8_t *make_image(struct builder *builder)
{
	struct program_header *header = &builder->header;
	header->strings_bytes = builder->strings.length;
	const struct part parts[] = {
		{ &header->workers, builder->workers, header->n_workers * sizeof *builder->workers },
		{ &header->nodes, builder->nodes, header->n_nodes * sizeof *builder->nodes },
		{ &header->edges, builder->edges, header->n_edges * sizeof *builder->edges },
		{ &header->channels, builder->channels, header->n_channels * sizeof *builder->channels },
		{ &header->steps, builder->steps, header->n_steps * sizeof *builder->steps },
		{ &header->types, builder->types, header->n_types * sizeof *builder->types },
		{ &header->scratch, builder->scratch, header->n_types * sizeof *builder->scratch },
		{ &header->indices, builder->indices, header->n_indices * sizeof *builder->indices },
		{ &header->metas, builder->metas, header->n_metas * sizeof *builder->metas },
		{ &header->strings, builder->strings.text, builder->strings.length },
	};
	header->total_bytes = round_up(sizeof *header, 8);
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		*parts[i].offset = header->total_bytes;
		header->total_bytes += round_up(parts[i].n_bytes, 8);
	}
	uint8_t *image = calloc(1, header->total_bytes);
	if (!image)
		return NULL;
	memcpy(image, header, sizeof *header);
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		memcpy(image + *parts[i].offset, parts[i].bytes, parts[i].n_bytes);
	return image;
}

static int write_sealed(const uint8_t *image, size_t n_bytes, struct error *error, int *ret_fd)
{
	int fd = memfd_create("tandem-program", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return error_set_errno(error, STATUS_SYSTEM, "cannot create memory for the program");
	for (size_t done = 0; done < n_bytes;) {
		ssize_t n = write(fd, image + done, n_bytes - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			error_set_errno(error, STATUS_SYSTEM, "cannot write the program (%zu bytes)", n_bytes);
			close(fd);
			return STATUS_SYSTEM;
		}
		done += (size_t)n;
	}
	if (fcntl(fd, F_ADD_SEALS, PROGRAM_SEALS) != 0) {
		error_set_errno(error, STATUS_SYSTEM, "cannot seal the program");
		close(fd);
		return STATUS_SYSTEM;
	}
	*ret_fd = fd;
	return STATUS_OK;
}

static void builder_finish(struct builder *builder)
{
	free(builder->workers);
	free(builder->nodes);
	free(builder->edges);
	free(builder->channels);
	free(builder->steps);
	free(builder->types);
	free(builder->scratch);
	free(builder->indices);
	free(builder->metas);
	strbuf_finish(&builder->strings);
}

static bool lay_out(struct builder *builder)
{
	struct program_header *header = &builder->header;
	struct program_layout layout = {
		.channels = builder->channels, .workers = builder->workers, .scratch = builder->scratch,
		.nodes = builder->nodes, .types = builder->types, .symbols = &header->symbols,
		.n_channels = header->n_channels, .n_workers = header->n_workers, .n_nodes = header->n_nodes, .n_types = header->n_types,
	};
	bool fits = program_lay_out(&layout);
	header->slots_bytes = layout.slots_bytes;
	return fits;
}

int program_build(const struct plan *plan, const struct program_options *options, struct error *error, int *ret_fd)
{
	struct builder builder = { .plan = plan, .graph = plan->graph };
	uint8_t *image = NULL;
	int status = STATUS_NO_MEMORY;
	if (!allocate(&builder, options->n_settings))
		goto out;
	fill(&builder, options);
	if (builder.strings.is_failed)
		goto out;
	if (builder.strings.length >= PROGRAM_NONE) {
		status = error_set(error, STATUS_GRAPH, "the graph's texts are larger than 4 GiB");
		goto out;
	}
	if (!lay_out(&builder)) {
		status = error_set(
			error, STATUS_GRAPH, "the graph's slots are more than can be mapped; give smaller bounds or depths");
		goto out;
	}
	image = make_image(&builder);
	if (image)
		status = write_sealed(image, builder.header.total_bytes, error, ret_fd);
out:
	if (status == STATUS_NO_MEMORY)
		error_set(error, STATUS_NO_MEMORY, "no memory for the program of %d nodes", plan->graph->n_nodes);
	free(image);
	builder_finish(&builder);
	return status;
}

int program_open(int fd, struct program *ret_program, struct error *error)
{
	int seals = fcntl(fd, F_GET_SEALS);
	struct stat file;
	if (seals < 0 || (seals & PROGRAM_SEALS) != PROGRAM_SEALS || fstat(fd, &file) != 0)
		return error_set(error, STATUS_PROTOCOL, "not a usable program: not sealed memory");
	if (file.st_size <= 0)
		return error_set(error, STATUS_PROTOCOL, "not a usable program: empty");
	void *bytes = mmap(NULL, (size_t)file.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (bytes == MAP_FAILED)
		return error_set_errno(error, STATUS_SYSTEM, "cannot map the program");
	int status = program_check(bytes, (size_t)file.st_size, ret_program, error);
	if (status != STATUS_OK)
		munmap(bytes, (size_t)file.st_size);
	return status;
}

void program_close(struct program *program)
{
	if (program->header)
		munmap((void *)(uintptr_t)program->header, program->mapping_bytes);
	*program = (struct program){ 0 };
}

const char *program_meta(const struct program *program, const char *key, const char *fallback)
{
	for (uint32_t i = 0; i < program->header->n_metas; i++) {
		if (strcmp(program_string(program, program->metas[i].key), key) == 0)
			return program_string(program, program->metas[i].value);
	}
	return fallback;
}
