/* SPDX-License-Identifier: Apache-2.0
 *
 * executor_init: from the program's tables to nodes, channels and steps with everything resolved that does not change between executions.
 */
#include "engine/run/executor_private.h"

#include <stdlib.h>

struct builder {
	struct executor *executor;
	const struct program *program;
	struct channel_memory memory;
	const struct op_registry *registry;
	uint32_t *channel_places; /* [program n_channels] index into executor->channels, PROGRAM_NONE when not touched; NULL: no channels */
	uint32_t *node_places;    /* [program n_nodes] */
	struct error *error;
};

static int no_memory(struct builder *builder)
{
	return error_set(builder->error, STATUS_NO_MEMORY, "no memory for the plan of worker %u", builder->executor->worker_idx);
}

static bool touches(const struct builder *builder, uint32_t channel_idx)
{
	const struct program *program = builder->program;
	const struct program_channel *channel = &program->channels[channel_idx];
	uint32_t worker = builder->executor->worker_idx;
	if (program->nodes[channel->node].worker == worker)
		return true;
	for (uint32_t i = 0; i < channel->readers.n; i++) {
		const struct program_edge *edge = &program->edges[program->indices[channel->readers.first + i]];
		if (program->nodes[edge->dst].worker == worker)
			return true;
	}
	for (uint32_t i = 0; i < channel->releasers.n; i++) {
		if (program->indices[channel->releasers.first + i] == worker)
			return true;
	}
	return false;
}

static int init_channels(struct builder *builder)
{
	struct executor *executor = builder->executor;
	uint32_t n = builder->program->header->n_channels;
	executor->channels = calloc(n + 1, sizeof *executor->channels);
	builder->channel_places = calloc(n + 1, sizeof *builder->channel_places);
	if (!executor->channels || !builder->channel_places)
		return no_memory(builder);
	for (uint32_t i = 0; i < n; i++) {
		builder->channel_places[i] = PROGRAM_NONE;
		if (!touches(builder, i))
			continue;
		builder->channel_places[i] = executor->n_channels;
		int status = channel_init(&executor->channels[executor->n_channels++], builder->program, i, &builder->memory,
			executor->control->header, builder->error);
		if (status != STATUS_OK)
			return status;
	}
	return STATUS_OK;
}

static struct channel *channel_at(const struct builder *builder, uint32_t channel_idx)
{
	if (!builder->channel_places || channel_idx == PROGRAM_NONE || builder->channel_places[channel_idx] == PROGRAM_NONE)
		return NULL;
	return &builder->executor->channels[builder->channel_places[channel_idx]];
}

/* Where a symbolic dimension's value comes from: the first input dimension with the same symbol. */
static bool find_source(const struct program *program, const struct program_node *node, struct dim wanted,
	struct executor_dim *ret_dim)
{
	for (uint32_t i = 0; i < node->inputs.n; i++) {
		const struct program_edge *edge = &program->edges[program->indices[node->inputs.first + i]];
		const struct tensor_type *type = &program->types[program->nodes[edge->src].types.first + edge->src_output];
		for (int d = 0; d < type->n_dims; d++) {
			if (type->dims[d].symbol != wanted.symbol)
				continue;
			ret_dim->input = (uint8_t)i;
			ret_dim->input_dim = (uint8_t)d;
			ret_dim->in_mul = type->dims[d].mul;
			ret_dim->in_add = type->dims[d].add;
			return true;
		}
	}
	return false;
}

static int init_dims(struct builder *builder, struct executor_node *node)
{
	const struct program *program = builder->program;
	const struct program_node *desc = &program->nodes[node->idx];
	node->dims = calloc(desc->types.n * TENSOR_DIMS_MAX + 1, sizeof *node->dims);
	if (!node->dims)
		return no_memory(builder);
	for (uint32_t o = 0; o < desc->types.n; o++) {
		const struct tensor_type *type = &program->types[desc->types.first + o];
		for (int d = 0; d < type->n_dims; d++) {
			if (dim_is_constant(type->dims[d]))
				continue;
			struct executor_dim dim = { .output = (uint8_t)o, .dim = (uint8_t)d, .out_mul = type->dims[d].mul,
				.out_add = type->dims[d].add };
			if (!find_source(program, desc, type->dims[d], &dim))
				return error_set(builder->error, STATUS_PROTOCOL, "output %u dimension %d has no source", o, d);
			node->dims[node->n_dims++] = dim;
		}
	}
	return STATUS_OK;
}

/* Tensors at the bound, data NULL; whether any dimension is symbolic. */
static int init_tensors(struct builder *builder, struct executor_node *node)
{
	const struct program *program = builder->program;
	const struct program_node *desc = &program->nodes[node->idx];
	const struct symbols *symbols = &program->header->symbols;
	node->inputs = calloc(desc->inputs.n + 1, sizeof *node->inputs);
	node->outputs = calloc(desc->types.n + 1, sizeof *node->outputs);
	node->input_channels = calloc(desc->inputs.n + 1, sizeof *node->input_channels);
	node->output_channels = calloc(desc->types.n + 1, sizeof *node->output_channels);
	if (!node->inputs || !node->outputs || !node->input_channels || !node->output_channels)
		return no_memory(builder);
	node->is_static = true;
	for (uint32_t i = 0; i < desc->inputs.n; i++) {
		const struct program_edge *edge = &program->edges[program->indices[desc->inputs.first + i]];
		const struct tensor_type *type = &program->types[program->nodes[edge->src].types.first + edge->src_output];
		node->inputs[i] = type_bound_tensor(type, symbols);
		node->input_channels[i] = channel_at(builder, edge->channel);
		for (int d = 0; d < type->n_dims; d++)
			node->is_static = node->is_static && dim_is_constant(type->dims[d]);
	}
	for (uint32_t i = 0; i < desc->types.n; i++)
		node->outputs[i] = type_bound_tensor(&program->types[desc->types.first + i], symbols);
	return init_dims(builder, node);
}

/* Channels that this node writes or only waits for; room for outputs without a reader. */
static int init_node_channels(struct builder *builder, struct executor_node *node)
{
	const struct program *program = builder->program;
	for (uint32_t i = 0; i < program->header->n_channels; i++) {
		const struct program_channel *desc = &program->channels[i];
		if (desc->node == node->idx && desc->output != PROGRAM_NONE)
			node->output_channels[desc->output] = channel_at(builder, i);
	}
	uint32_t n_control = 0;
	for (uint32_t i = 0; i < program->header->n_edges; i++)
		n_control += program->edges[i].dst == node->idx && program->edges[i].dst_input == PROGRAM_NONE;
	node->control_channels = calloc(n_control + 1, sizeof *node->control_channels);
	if (!node->control_channels)
		return no_memory(builder);
	for (uint32_t i = 0; i < program->header->n_edges; i++) {
		const struct program_edge *edge = &program->edges[i];
		struct channel *channel = channel_at(builder, edge->channel);
		if (edge->dst == node->idx && edge->dst_input == PROGRAM_NONE && channel)
			node->control_channels[node->n_control_channels++] = channel;
	}
	for (int i = 0; i < node->run.n_outputs; i++) {
		uint64_t scratch = program->scratch[program->nodes[node->idx].types.first + (uint32_t)i];
		if (!node->output_channels[i])
			node->outputs[i].data = builder->memory.shared + scratch;
	}
	return STATUS_OK;
}

static int set_up(struct builder *builder, struct executor_node *node)
{
	const struct program *program = builder->program;
	const struct program_node *desc = &program->nodes[node->idx];
	if (!node->op->setup)
		return STATUS_OK;
	struct op_param *params = calloc(desc->params.n / 2 + 1, sizeof *params);
	if (!params)
		return no_memory(builder);
	for (uint32_t i = 0; i < desc->params.n / 2; i++) {
		params[i].name = program_string(program, program->indices[desc->params.first + 2 * i]);
		params[i].value = program_string(program, program->indices[desc->params.first + 2 * i + 1]);
	}
	struct op_setup setup = {
		.params = { .op = node->op, .items = params, .n_items = (int)desc->params.n / 2 },
		.node = program_string(program, desc->name),
		.worker = program_string(program, program->workers[desc->worker].name),
		.seed = program->header->seed,
		.n_threads = (int)program->header->n_threads,
		.rank = (int)program_rank(program, desc),
		.n_inputs = node->run.n_inputs, .n_outputs = node->run.n_outputs,
		.inputs = node->inputs, .outputs = node->outputs,
	};
	int status = node->op->setup(&setup, &node->run.state, builder->error);
	free(params);
	return status;
}

static int init_node(struct builder *builder, struct executor_node *node, uint32_t idx)
{
	const struct program *program = builder->program;
	const struct program_node *desc = &program->nodes[idx];
	node->idx = idx;
	node->op = op_registry_find(builder->registry, program_string(program, desc->op));
	if (!node->op)
		return error_set(builder->error, STATUS_UNSUPPORTED, "op '%s' is not known to the worker's executable",
			program_string(program, desc->op));
	node->phase = node->op->caps & OP_COLLECTIVE ? PHASE_COLLECTIVE : PHASE_COMPUTE;
	node->is_forward = (node->op->caps & OP_FORWARD) != 0;
	int status = init_tensors(builder, node);
	if (status != STATUS_OK)
		return status;
	node->run = (struct op_run){ .n_inputs = (int)desc->inputs.n, .n_outputs = (int)desc->types.n,
		.inputs = node->inputs, .outputs = node->outputs, .error = &node->error };
	if (builder->channel_places)
		status = init_node_channels(builder, node);
	return status == STATUS_OK ? set_up(builder, node) : status;
}

static int init_nodes(struct builder *builder, uint32_t *ret_node)
{
	struct executor *executor = builder->executor;
	const struct program *program = builder->program;
	uint32_t n = program->header->n_nodes;
	executor->nodes = calloc(n + 1, sizeof *executor->nodes);
	builder->node_places = calloc(n + 1, sizeof *builder->node_places);
	if (!executor->nodes || !builder->node_places)
		return no_memory(builder);
	for (uint32_t i = 0; i < n; i++) {
		if (program->nodes[i].worker != executor->worker_idx)
			continue;
		builder->node_places[i] = executor->n_nodes;
		*ret_node = i;
		int status = init_node(builder, &executor->nodes[executor->n_nodes++], i);
		if (status != STATUS_OK)
			return status;
		executor->n_nodes_set_up = executor->n_nodes;
	}
	*ret_node = PROGRAM_NONE;
	return STATUS_OK;
}

/* A control message carries no shape. */
static const struct tensor *written_tensor(const struct program *program, const struct executor_node *node, uint32_t channel)
{
	static const struct tensor nothing;
	uint32_t output = program->channels[channel].output;
	return output == PROGRAM_NONE ? &nothing : &node->outputs[output];
}

static int init_steps(struct builder *builder)
{
	struct executor *executor = builder->executor;
	const struct program *program = builder->program;
	struct program_range range = program->workers[executor->worker_idx].steps;
	executor->steps = calloc(range.n + 1, sizeof *executor->steps);
	if (!executor->steps)
		return no_memory(builder);
	for (uint32_t i = 0; i < range.n; i++) {
		const struct program_step *desc = &program->steps[range.first + i];
		bool is_peer = desc->edge != PROGRAM_NONE && program->edges[desc->edge].is_peer;
		if ((desc->kind == PLAN_STEP_RESERVE || desc->kind == PLAN_STEP_RELEASE)
			&& program_needs_no_release(program, desc->channel))
			continue;
		struct executor_node *node = &executor->nodes[builder->node_places[desc->node]];
		executor->steps[executor->n_steps++] = (struct executor_step){
			.kind = desc->kind, .releaser = desc->reader, .edge = desc->edge,
			.cause = is_peer ? PHASE_LATE_RANK : PHASE_STARVED,
			.tensor = desc->kind == PLAN_STEP_WRITE ? written_tensor(program, node, desc->channel) : NULL,
			.channel = channel_at(builder, desc->channel),
			.node = node,
		};
	}
	for (uint32_t i = 0; i < executor->n_steps; i++) {
		struct executor_step *step = &executor->steps[i];
		step->opens_node = i == 0 || step[-1].node != step->node;
		step->closes_node = i + 1 == executor->n_steps || step[1].node != step->node;
	}
	return STATUS_OK;
}

static int conclude(struct builder *builder, int status, struct ring_header *ring, const struct recorder_policy *policy)
{
	struct executor *executor = builder->executor;
	free(builder->channel_places);
	free(builder->node_places);
	if (status != STATUS_OK) {
		executor_finish(executor);
		return status;
	}
	waiter_init(&executor->waiter, executor->control, executor->worker_idx);
	recorder_init(&executor->recorder, ring, policy);
	return STATUS_OK;
}

int executor_init_nodes(struct executor *executor, const struct program *program, struct control *control, uint32_t worker_idx,
	struct ring_header *ring, const struct recorder_policy *policy, const struct op_registry *registry, uint32_t *ret_node,
	struct error *error)
{
	*executor = (struct executor){ .program = program, .control = control, .worker_idx = worker_idx };
	struct builder builder = { .executor = executor, .program = program, .registry = registry, .error = error };
	return conclude(&builder, init_nodes(&builder, ret_node), ring, policy);
}

int executor_init(struct executor *executor, const struct program *program, struct control *control, uint32_t worker_idx,
	uint8_t *shared_slots, struct ring_header *ring, const struct recorder_policy *policy,
	const struct op_registry *registry, uint32_t *ret_node, struct error *error)
{
	*executor = (struct executor){ .program = program, .control = control, .worker_idx = worker_idx };
	struct builder builder = { .executor = executor, .program = program, .memory = { .shared = shared_slots },
		.registry = registry, .error = error };
	*ret_node = PROGRAM_NONE;
	int status = init_channels(&builder);
	if (status == STATUS_OK)
		status = init_nodes(&builder, ret_node);
	if (status == STATUS_OK)
		status = init_steps(&builder);
	return conclude(&builder, status, ring, policy);
}

void executor_finish(struct executor *executor)
{
	for (uint32_t i = 0; i < executor->n_nodes; i++) {
		struct executor_node *node = &executor->nodes[i];
		if (i < executor->n_nodes_set_up && node->op->teardown)
			node->op->teardown(node->run.state);
		free(node->inputs);
		free(node->outputs);
		free(node->input_channels);
		free(node->output_channels);
		free(node->control_channels);
		free(node->dims);
	}
	for (uint32_t i = 0; i < executor->n_channels; i++)
		channel_finish(&executor->channels[i]);
	free(executor->channels);
	free(executor->nodes);
	free(executor->steps);
	*executor = (struct executor){ 0 };
}
