/* SPDX-License-Identifier: Apache-2.0
 *
 * program_check: distrusts every number in a program. What was checked is used by what comes after: tables, then strings and
 * ranges, then what refers to what.
 */
#include "engine/run/program_check.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "engine/graph/slot.h"
#include "engine/run/program_layout.h"

#define PROGRAM_DEPTH_MAX (1u << 20)

static int broken(struct error *error, const char *what, uint32_t idx)
{
	return error_set(error, STATUS_PROTOCOL, "not a usable program: %s (%u)", what, idx);
}

/* Fails the function that it stands in. */
#define REQUIRE(condition, what, idx) \
	do { \
		if (!(condition)) \
			return broken(error, what, idx); \
	} while (0)

static bool is_string(const struct program *program, uint32_t offset)
{
	return offset < program->header->strings_bytes;
}

static bool is_string_or_none(const struct program *program, uint32_t offset)
{
	return offset == PROGRAM_NONE || is_string(program, offset);
}

static bool is_range(struct program_range range, uint32_t n)
{
	return range.first <= n && range.n <= n - range.first;
}

static bool is_index_or_none(uint32_t idx, uint32_t n)
{
	return idx == PROGRAM_NONE || idx < n;
}

/* Where `n` entries of `unit` bytes lie; NULL when they do not lie inside. */
static const void *find_table(const void *bytes, size_t size, uint64_t offset, uint64_t n, size_t unit)
{
	if (offset % 8 || offset < sizeof(struct program_header) || offset > size || n > (size - offset) / unit)
		return NULL;
	return (const uint8_t *)bytes + offset;
}

#define FIND(table) \
	(program->table = find_table(bytes, size, header->table, header->n_##table, sizeof *program->table))

static int find_tables(const void *bytes, size_t size, struct program *program, struct error *error)
{
	const struct program_header *header = bytes;
	REQUIRE(size >= sizeof *header, "shorter than a header", (uint32_t)size);
	REQUIRE(header->magic == PROGRAM_MAGIC, "wrong magic", 0);
	REQUIRE(header->version == PROGRAM_VERSION, "made by another version", header->version);
	REQUIRE(header->header_bytes == sizeof *header, "size of the header", header->header_bytes);
	REQUIRE(header->total_bytes == size, "size", 0);
	*program = (struct program){ .header = header, .mapping_bytes = size };
	bool is_found = FIND(workers) && FIND(nodes) && FIND(edges) && FIND(channels) && FIND(steps) && FIND(types)
		&& FIND(indices) && FIND(metas);
	program->scratch = find_table(bytes, size, header->scratch, header->n_types, sizeof *program->scratch);
	program->strings = find_table(bytes, size, header->strings, header->strings_bytes, 1);
	REQUIRE(is_found && program->scratch && program->strings, "a table reaches over the end", 0);
	REQUIRE(header->strings_bytes > 0 && header->strings_bytes < PROGRAM_NONE, "size of the strings", 0);
	REQUIRE(program->strings[header->strings_bytes - 1] == '\0', "strings without end", 0);
	return STATUS_OK;
}

static int check_header(const struct program *program, struct error *error)
{
	const struct program_header *header = program->header;
	REQUIRE(header->mode < RUN_MODE_COUNT, "mode", header->mode);
	REQUIRE(header->in_flight > 0 && header->in_flight <= INT32_MAX, "executions in flight", header->in_flight);
	REQUIRE(header->n_threads > 0 && header->n_threads <= INT32_MAX, "threads", header->n_threads);
	REQUIRE(header->n_workers > GRAPH_DRIVER && header->n_nodes > GRAPH_OUTPUT, "no driver, input or output", 0);
	REQUIRE(header->n_channels < PROGRAM_NONE && header->n_edges < PROGRAM_NONE && header->n_nodes <= INT32_MAX,
		"counts", 0);
	REQUIRE(is_string(program, header->graph_name), "name of the graph", 0);
	REQUIRE(is_string_or_none(program, header->graph_file), "file of the graph", 0);
	REQUIRE(is_string_or_none(program, header->graph_text), "text of the graph", 0);
	REQUIRE(header->symbols.n >= 0 && header->symbols.n <= TYPE_SYMBOLS_MAX, "number of symbols", 0);
	for (int i = 0; i < header->symbols.n; i++) {
		const struct symbol *symbol = &header->symbols.items[i];
		REQUIRE(memchr(symbol->name, '\0', sizeof symbol->name), "symbol without end", (uint32_t)i);
		REQUIRE(symbol->bound >= 1 && symbol->bound <= GRAPH_SIZE_MAX, "bound of a symbol", (uint32_t)i);
	}
	return STATUS_OK;
}

static int check_types(const struct program *program, struct error *error)
{
	const struct symbols *symbols = &program->header->symbols;
	for (uint32_t i = 0; i < program->header->n_types; i++) {
		const struct tensor_type *type = &program->types[i];
		REQUIRE((unsigned)type->dtype < DTYPE_COUNT, "dtype", i);
		REQUIRE(type->n_dims >= 0 && type->n_dims <= TENSOR_DIMS_MAX, "number of dimensions", i);
		for (int d = 0; d < type->n_dims; d++) {
			const struct dim *dim = &type->dims[d];
			REQUIRE(dim->symbol >= -1 && dim->symbol < symbols->n, "symbol of a dimension", i);
			REQUIRE((dim->symbol >= 0) == (dim->mul != 0), "dimension", i);
			int64_t bound = dim_bound(*dim, symbols);
			REQUIRE(bound >= 0 && bound <= GRAPH_SIZE_MAX, "bound of a dimension", i);
		}
		REQUIRE(type_bound_bytes(type, symbols) <= PROGRAM_BYTES_MAX, "bytes of a type", i);
	}
	return STATUS_OK;
}

static int check_node(const struct program *program, uint32_t idx, struct error *error)
{
	const struct program_header *header = program->header;
	const struct program_node *node = &program->nodes[idx];
	REQUIRE(is_string(program, node->name) && is_string(program, node->op), "name of a node", idx);
	REQUIRE(is_string_or_none(program, node->collective), "collective of a node", idx);
	REQUIRE(node->worker < header->n_workers, "worker of a node", idx);
	REQUIRE((node->worker == GRAPH_DRIVER) == (idx <= GRAPH_OUTPUT), "node on the wrong side", idx);
	REQUIRE(node->is_overwriting <= 1, "flag of a node", idx);
	REQUIRE(is_range(node->types, header->n_types), "types of a node", idx);
	REQUIRE(node->types.first == (idx ? node[-1].types.first + node[-1].types.n : 0), "types of two nodes", idx);
	REQUIRE(idx == GRAPH_INPUT || node->types.n <= OP_OUTPUTS_MAX, "number of outputs", idx);
	REQUIRE(is_range(node->params, header->n_indices) && node->params.n % 2 == 0, "parameters of a node", idx);
	for (uint32_t i = 0; i < node->params.n; i++)
		REQUIRE(is_string(program, program->indices[node->params.first + i]), "parameter of a node", idx);
	REQUIRE(is_range(node->inputs, header->n_indices), "inputs of a node", idx);
	REQUIRE(idx <= GRAPH_OUTPUT || node->inputs.n <= OP_INPUTS_MAX, "number of inputs", idx);
	for (uint32_t i = 0; i < node->inputs.n; i++) {
		uint32_t edge = program->indices[node->inputs.first + i];
		REQUIRE(edge < header->n_edges, "input edge", idx);
		REQUIRE(program->edges[edge].dst == idx && program->edges[edge].dst_input == i, "input of another node",
			idx);
	}
	return STATUS_OK;
}

static int check_edge(const struct program *program, uint32_t idx, struct error *error)
{
	const struct program_header *header = program->header;
	const struct program_edge *edge = &program->edges[idx];
	REQUIRE(is_string(program, edge->name) && is_string_or_none(program, edge->result), "name of an edge", idx);
	REQUIRE(edge->src < header->n_nodes && edge->dst < header->n_nodes, "ends of an edge", idx);
	bool is_control = edge->src_output == PROGRAM_NONE;
	REQUIRE(is_control == (edge->dst_input == PROGRAM_NONE), "half a control edge", idx);
	REQUIRE(is_control || edge->src_output < program->nodes[edge->src].types.n, "output of an edge", idx);
	REQUIRE(is_control || edge->dst_input < program->nodes[edge->dst].inputs.n, "input of an edge", idx);
	REQUIRE((edge->result != PROGRAM_NONE) == (!is_control && edge->dst == GRAPH_OUTPUT), "result of an edge", idx);
	REQUIRE(edge->is_peer <= 1, "flag of an edge", idx);
	REQUIRE(is_index_or_none(edge->channel, header->n_channels), "channel of an edge", idx);
	REQUIRE(is_control || edge->channel != PROGRAM_NONE, "data edge without channel", idx);
	if (edge->channel != PROGRAM_NONE) {
		const struct program_channel *channel = &program->channels[edge->channel];
		REQUIRE(channel->node == edge->src && channel->output == edge->src_output, "edge in a strange channel", idx);
	}
	return STATUS_OK;
}

static int check_lists(const struct program *program, uint32_t idx, struct error *error)
{
	const struct program_header *header = program->header;
	const struct program_channel *channel = &program->channels[idx];
	REQUIRE(is_range(channel->readers, header->n_indices) && channel->readers.n > 0, "readers of a channel", idx);
	for (uint32_t i = 0; i < channel->readers.n; i++) {
		uint32_t edge = program->indices[channel->readers.first + i];
		REQUIRE(edge < header->n_edges && program->edges[edge].channel == idx, "reader of a channel", idx);
	}
	REQUIRE(is_range(channel->releasers, header->n_indices), "releasers of a channel", idx);
	REQUIRE((channel->releasers.n > 0) == (channel->storage == idx), "number of releasers", idx);
	for (uint32_t i = 0; i < channel->releasers.n; i++) {
		const uint32_t *worker = &program->indices[channel->releasers.first + i];
		REQUIRE(*worker < header->n_workers && (i == 0 || worker[-1] < *worker), "releaser of a channel", idx);
	}
	return STATUS_OK;
}

static int check_channel(const struct program *program, uint32_t idx, struct error *error)
{
	const struct program_header *header = program->header;
	const struct program_channel *channel = &program->channels[idx];
	REQUIRE(channel->node < header->n_nodes, "writer of a channel", idx);
	const struct program_node *node = &program->nodes[channel->node];
	REQUIRE(is_index_or_none(channel->output, node->types.n), "output of a channel", idx);
	size_t payload = channel->output == PROGRAM_NONE ? 0
		: type_bound_bytes(&program->types[node->types.first + channel->output], &header->symbols);
	REQUIRE(channel->payload_bytes == payload, "payload of a channel", idx);
	REQUIRE(channel->transport == TRANSPORT_LOCAL || channel->transport == TRANSPORT_SHM, "transport", idx);
	REQUIRE(channel->transport == TRANSPORT_SHM || node->worker != GRAPH_DRIVER, "local channel of the driver", idx);
	REQUIRE(channel->depth > 0 && channel->depth <= PROGRAM_DEPTH_MAX, "depth", idx);
	REQUIRE(channel->storage <= idx, "storage of a channel", idx);
	const struct program_channel *storage = &program->channels[channel->storage];
	REQUIRE(storage->storage == channel->storage, "storage that is none", idx);
	REQUIRE(storage->depth == channel->depth && storage->transport == channel->transport, "channel unlike its storage",
		idx);
	REQUIRE(storage->payload_bytes >= channel->payload_bytes, "storage too small", idx);
	REQUIRE(channel->slot_bytes == slot_bytes(channel->storage == idx ? payload : 0), "slot of a channel", idx);
	return check_lists(program, idx, error);
}

/* Whether all of a LOCAL group is on one worker: nobody else maps its block. */
static bool is_near(const struct program *program, const struct program_channel *channel)
{
	uint32_t worker = program->nodes[program->channels[channel->storage].node].worker;
	if (program->nodes[channel->node].worker != worker)
		return false;
	for (uint32_t i = 0; i < channel->readers.n; i++) {
		if (program->nodes[program->edges[program->indices[channel->readers.first + i]].dst].worker != worker)
			return false;
	}
	return true;
}

static bool is_same_layout(const struct program *program, const struct program_layout *layout)
{
	const struct program_header *header = program->header;
	bool is_same = layout->slots_bytes == header->slots_bytes
		&& memcmp(layout->channels, program->channels, header->n_channels * sizeof *layout->channels) == 0
		&& memcmp(layout->scratch, program->scratch, header->n_types * sizeof *layout->scratch) == 0;
	for (uint32_t i = 0; i < header->n_workers && is_same; i++)
		is_same = layout->workers[i].private_bytes == program->workers[i].private_bytes
			&& layout->workers[i].private_offset == program->workers[i].private_offset;
	return is_same;
}

static int check_layout(const struct program *program, struct error *error)
{
	const struct program_header *header = program->header;
	struct program_layout layout = {
		.channels = calloc((size_t)header->n_channels + 1, sizeof *layout.channels),
		.workers = calloc((size_t)header->n_workers + 1, sizeof *layout.workers),
		.scratch = calloc((size_t)header->n_types + 1, sizeof *layout.scratch),
		.nodes = program->nodes, .types = program->types, .symbols = &header->symbols,
		.n_channels = header->n_channels, .n_workers = header->n_workers, .n_nodes = header->n_nodes, .n_types = header->n_types,
	};
	int status = STATUS_NO_MEMORY;
	if (layout.channels && layout.workers && layout.scratch) {
		memcpy(layout.channels, program->channels, header->n_channels * sizeof *layout.channels);
		bool is_same = program_lay_out(&layout) && is_same_layout(program, &layout);
		status = is_same ? STATUS_OK : broken(error, "slots in the wrong place", 0);
	} else {
		error_set(error, STATUS_NO_MEMORY, "no memory to check a program");
	}
	free(layout.scratch);
	free(layout.workers);
	free(layout.channels);
	return status;
}

static int check_step(const struct program *program, uint32_t worker, uint32_t idx, struct error *error)
{
	const struct program_step *step = &program->steps[idx];
	REQUIRE(step->kind < PLAN_STEP_COUNT, "kind of a step", idx);
	REQUIRE(step->node < program->header->n_nodes && program->nodes[step->node].worker == worker, "node of a step", idx);
	REQUIRE((step->kind == PLAN_STEP_READ) == (step->edge != PROGRAM_NONE), "edge of a step", idx);
	REQUIRE((step->kind == PLAN_STEP_RELEASE) == (step->reader != PROGRAM_NONE), "reader of a step", idx);
	REQUIRE((step->kind == PLAN_STEP_COMPUTE) == (step->channel == PROGRAM_NONE), "channel of a step", idx);
	if (step->kind == PLAN_STEP_COMPUTE)
		return STATUS_OK;
	REQUIRE(step->channel < program->header->n_channels, "channel of a step", idx);
	const struct program_channel *channel = &program->channels[step->channel];
	bool is_shared_storage = channel->storage == step->channel && channel->transport == TRANSPORT_SHM;
	switch ((enum plan_step_kind)step->kind) {
	case PLAN_STEP_READ:
		REQUIRE(channel->transport == TRANSPORT_SHM && step->edge < program->header->n_edges, "read", idx);
		REQUIRE(program->edges[step->edge].dst == step->node && program->edges[step->edge].channel == step->channel,
			"read for another node", idx);
		break;
	case PLAN_STEP_WRITE:
		REQUIRE(channel->node == step->node, "write of another node", idx);
		break;
	case PLAN_STEP_RESERVE:
		REQUIRE(is_shared_storage && channel->node == step->node, "reserve", idx);
		break;
	case PLAN_STEP_RELEASE:
		REQUIRE(is_shared_storage && step->reader < channel->releasers.n, "release", idx);
		REQUIRE(program->indices[channel->releasers.first + step->reader] == worker, "release of another worker",
			idx);
		break;
	case PLAN_STEP_COMPUTE:
	case PLAN_STEP_COUNT:
		break;
	}
	return STATUS_OK;
}

/* Steps of one node stand together in the order of their kinds, with one COMPUTE; every node has its turn once. */
static int check_turns(const struct program *program, struct program_range steps, uint8_t *is_done, struct error *error)
{
	for (uint32_t i = steps.first; i < steps.first + steps.n;) {
		uint32_t node = program->steps[i].node, n_computes = 0, kind = 0;
		REQUIRE(!is_done[node], "steps of a node in two places", i);
		is_done[node] = 1;
		for (; i < steps.first + steps.n && program->steps[i].node == node; i++) {
			REQUIRE(program->steps[i].kind >= kind, "steps of a node out of order", i);
			kind = program->steps[i].kind;
			n_computes += kind == PLAN_STEP_COMPUTE;
		}
		REQUIRE(n_computes == 1, "node without its one compute", node);
	}
	return STATUS_OK;
}

static int check_workers(const struct program *program, uint8_t *is_done, struct error *error)
{
	const struct program_header *header = program->header;
	uint32_t n_steps = 0;
	for (uint32_t w = 0; w < header->n_workers; w++) {
		const struct program_worker *worker = &program->workers[w];
		REQUIRE(is_string(program, worker->name) && is_string(program, worker->device), "name of a worker", w);
		REQUIRE(worker->steps.first == n_steps && is_range(worker->steps, header->n_steps), "steps of a worker", w);
		n_steps += worker->steps.n;
		int status = STATUS_OK;
		for (uint32_t i = worker->steps.first; i < n_steps && status == STATUS_OK; i++)
			status = check_step(program, w, i, error);
		if (status == STATUS_OK)
			status = check_turns(program, worker->steps, is_done, error);
		if (status != STATUS_OK)
			return status;
	}
	REQUIRE(n_steps == header->n_steps, "steps of nobody", n_steps);
	for (uint32_t i = 0; i < header->n_nodes; i++)
		REQUIRE(is_done[i], "node without steps", i);
	return STATUS_OK;
}

static int check_each(const struct program *program, uint32_t n,
	int (*check)(const struct program *program, uint32_t idx, struct error *error), struct error *error)
{
	int status = STATUS_OK;
	for (uint32_t i = 0; i < n && status == STATUS_OK; i++)
		status = check(program, i, error);
	return status;
}

static int check_meta(const struct program *program, uint32_t idx, struct error *error)
{
	const struct program_meta *meta = &program->metas[idx];
	REQUIRE(is_string(program, meta->key) && is_string(program, meta->value), "setting", idx);
	return STATUS_OK;
}

static int check_nearness(const struct program *program, uint32_t idx, struct error *error)
{
	const struct program_channel *channel = &program->channels[idx];
	REQUIRE(channel->transport != TRANSPORT_LOCAL || is_near(program, channel), "local channel between workers", idx);
	return STATUS_OK;
}

int program_check(const void *bytes, size_t size, struct program *ret_program, struct error *error)
{
	struct program program;
	int status = find_tables(bytes, size, &program, error);
	if (status == STATUS_OK)
		status = check_header(&program, error);
	if (status == STATUS_OK)
		status = check_types(&program, error);
	const struct program_header *header = bytes;
	if (status == STATUS_OK)
		status = check_each(&program, header->n_nodes, check_node, error);
	if (status == STATUS_OK)
		status = check_each(&program, header->n_edges, check_edge, error);
	if (status == STATUS_OK)
		status = check_each(&program, header->n_channels, check_channel, error);
	if (status == STATUS_OK)
		status = check_each(&program, header->n_channels, check_nearness, error);
	if (status == STATUS_OK)
		status = check_each(&program, header->n_metas, check_meta, error);
	if (status == STATUS_OK)
		status = check_layout(&program, error);
	uint8_t *is_done = status == STATUS_OK ? calloc(header->n_nodes, 1) : NULL;
	if (status == STATUS_OK)
		status = is_done ? check_workers(&program, is_done, error)
			: error_set(error, STATUS_NO_MEMORY, "no memory to check a program");
	free(is_done);
	if (status == STATUS_OK)
		*ret_program = program;
	return status;
}
