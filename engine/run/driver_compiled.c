/* SPDX-License-Identifier: Apache-2.0
 *
 * driver_compiled: the driver's own part of a compiled graph: `input` writes tensors into slots, `output` reads results in place.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/run/driver_private.h"

static int make_slots(struct driver *driver, struct error *error)
{
	size_t bytes = driver->program.header->slots_bytes;
	driver->slots_fd = memfd_create("tandem-slots", MFD_CLOEXEC);
	if (driver->slots_fd < 0)
		return error_set_errno(error, STATUS_SYSTEM, "cannot create the slots segment");
	if (!bytes)
		return STATUS_OK;
	if (ftruncate(driver->slots_fd, (off_t)bytes) == 0)
		driver->slots = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, driver->slots_fd, 0);
	if (!driver->slots || driver->slots == MAP_FAILED) {
		driver->slots = NULL;
		return error_set_errno(error, STATUS_NO_MEMORY, "cannot reserve %zu bytes for the slots of all channels; declare smaller "
			"bounds or depths (`tandem check` lists them)", bytes);
	}
	driver->slots_bytes = bytes;
	return STATUS_OK;
}

/* The view of a channel that `input` writes. */
static int make_input_view(struct driver *driver, uint32_t idx, const struct channel_memory *memory, struct error *error)
{
	const struct program_channel *desc = &driver->program.channels[idx];
	struct channel *channel = calloc(1, sizeof *channel);
	if (!channel)
		return error_set(error, STATUS_NO_MEMORY, "no memory for the driver's channels");
	if (desc->output == PROGRAM_NONE)
		driver->input_control = channel;
	else
		driver->inputs[desc->output] = channel;
	return channel_init(channel, &driver->program, idx, memory, driver->control.header, error);
}

/* The sizes that a result can have. */
static void set_limits(struct driver_read *read, const struct program *program)
{
	const struct program_edge *edge = &program->edges[read->edge];
	const struct tensor_type *type = &program->types[program->nodes[edge->src].types.first + edge->src_output];
	for (int d = 0; d < type->n_dims; d++) {
		read->least[d] = (uint32_t)dim_least(type->dims[d]);
		read->most[d] = (uint32_t)dim_bound(type->dims[d], &program->header->symbols);
	}
}

static int make_reads(struct driver *driver, const struct channel_memory *memory, struct error *error)
{
	const struct program *program = &driver->program;
	struct program_range results = program->nodes[GRAPH_OUTPUT].inputs;
	int status = STATUS_OK;
	for (uint32_t i = 0; i < results.n && status == STATUS_OK; i++) {
		struct driver_read *read = &driver->reads[i];
		read->edge = program->indices[results.first + i];
		set_limits(read, program);
		status = channel_init(&read->channel, program, program->edges[read->edge].channel, memory, driver->control.header, error);
	}
	for (uint32_t i = 0; i < program->header->n_edges && status == STATUS_OK; i++) {
		const struct program_edge *edge = &program->edges[i];
		if (edge->dst != GRAPH_OUTPUT || edge->dst_input != PROGRAM_NONE || edge->channel == PROGRAM_NONE)
			continue;
		struct driver_read *read = &driver->reads[driver->n_outputs + driver->n_controls++];
		read->edge = i;
		status = channel_init(&read->channel, program, edge->channel, memory, driver->control.header, error);
	}
	return status;
}

static int make_releases(struct driver *driver, const struct channel_memory *memory, struct error *error)
{
	const struct program *program = &driver->program;
	struct program_range steps = program->workers[GRAPH_DRIVER].steps;
	int status = STATUS_OK;
	for (uint32_t i = 0; i < steps.n && status == STATUS_OK; i++) {
		const struct program_step *step = &program->steps[steps.first + i];
		if (step->kind != PLAN_STEP_RELEASE || program_needs_no_release(program, step->channel))
			continue;
		struct driver_release *release = &driver->releases[driver->n_releases++];
		release->releaser = step->reader;
		status = channel_init(&release->storage, program, step->channel, memory, driver->control.header, error);
	}
	return status;
}

static int make_views(struct driver *driver, struct error *error)
{
	const struct program *program = &driver->program;
	struct channel_memory memory = { .shared = driver->slots };
	driver->inputs = calloc(driver->n_inputs + 1, sizeof *driver->inputs);
	driver->reads = calloc(program->header->n_edges + 1, sizeof *driver->reads);
	driver->releases = calloc(program->workers[GRAPH_DRIVER].steps.n + 1, sizeof *driver->releases);
	if (!driver->inputs || !driver->reads || !driver->releases)
		return error_set(error, STATUS_NO_MEMORY, "no memory for the driver's channels");
	int status = STATUS_OK;
	for (uint32_t i = 0; i < program->header->n_channels && status == STATUS_OK; i++) {
		if (program->channels[i].node == GRAPH_INPUT)
			status = make_input_view(driver, i, &memory, error);
	}
	if (status == STATUS_OK)
		status = make_reads(driver, &memory, error);
	return status == STATUS_OK ? make_releases(driver, &memory, error) : status;
}

static int take_worker_fd(struct driver *driver, uint32_t idx)
{
	return -1;
}

static void free_view(struct channel *channel)
{
	if (channel)
		channel_finish(channel);
	free(channel);
}

static void finish(struct driver *driver)
{
	for (uint32_t i = 0; driver->inputs && i < driver->n_inputs; i++)
		free_view(driver->inputs[i]);
	free_view(driver->input_control);
	for (uint32_t i = 0; driver->reads && i < driver->n_outputs + driver->n_controls; i++)
		channel_finish(&driver->reads[i].channel);
	for (uint32_t i = 0; driver->releases && i < driver->n_releases; i++)
		channel_finish(&driver->releases[i].storage);
	free(driver->inputs);
	free(driver->reads);
	free(driver->releases);
}

static COLD int blame_releaser(struct driver *driver, const struct channel *channel, uint64_t execution, struct error *error)
{
	uint32_t culprit = 0;
	for (uint32_t i = 0; i < channel->n_releasers; i++) {
		if (atomic_load_explicit(&channel->cursors[i].released, memory_order_relaxed) > execution)
			culprit = channel->releasers[i];
	}
	return driver_blame(driver, culprit, error, "gave back slots of channel %u that it never had, in execution %" PRIu64, channel->idx,
		execution);
}

/* Whether a slot that this execution needs is still in use. What belongs to an execution whose results were
 * released is free without a look at the readers' cursors: nodes release before they publish. */
static int find_room(struct driver *driver, const struct tensor *inputs, uint64_t execution, uint64_t n_released, struct error *error)
{
	for (uint32_t i = 0; i < driver->n_inputs; i++) {
		struct channel *channel = driver->inputs[i];
		if (!channel)
			continue;
		if (channel->released_seen < n_released)
			channel->released_seen = n_released;
		if (channel_is_free(channel, execution))
			continue;
		channel_look(channel);
		if (channel->released_seen > execution)
			return blame_releaser(driver, channel, execution, error);
		if (!channel_is_free(channel, execution))
			return STATUS_AGAIN;
	}
	return STATUS_OK;
}

/* The gate of `input`: its tensors as they lie in the slots. */
static COLD int pass_gate(struct driver *driver, const struct tensor *inputs, uint64_t execution, uint64_t start, struct error *error)
{
	for (uint32_t i = 0; i < driver->n_inputs; i++) {
		driver->input_views[i] = inputs[i];
		driver->input_views[i].data = driver->inputs[i] ? driver->inputs[i]->data : NULL;
	}
	return driver_pass_input(driver, driver->input_views, execution, 0, start, error);
}

static int send_inputs(struct driver *driver, const struct tensor *inputs, uint64_t execution, struct error *error)
{
	struct control_header *header = driver->control.header;
	static const struct tensor nothing;
	bool has_gates = driver_has_gates(driver);
	uint64_t start = has_gates ? clock_ticks().count : 0;
	for (uint32_t i = 0; i < driver->n_inputs; i++) {
		struct channel *channel = driver->inputs[i];
		if (!channel)
			continue;
		channel_advance(channel);
		memcpy(channel->data, inputs[i].data, tensor_bytes(&inputs[i]));
		channel_set_header(channel, &inputs[i], 0);
		if (likely(!has_gates))
			channel_publish(channel, execution, header);
	}
	if (unlikely(has_gates)) {
		int status = pass_gate(driver, inputs, execution, start, error);
		for (uint32_t i = 0; i < driver->n_inputs && status == STATUS_OK; i++) {
			if (driver->inputs[i])
				channel_publish(driver->inputs[i], execution, header);
		}
		if (status != STATUS_OK)
			return status;
	}
	if (driver->input_control) {
		channel_advance(driver->input_control);
		channel_set_header(driver->input_control, &nothing, 0);
		channel_publish(driver->input_control, execution, header);
	}
	if (driver->recorder.is_on)
		recorder_phase(&driver->recorder, PHASE_WRITE, clock_ticks().count);
	return STATUS_OK;
}

/* Standing at the limit in flight is no part of `output`: it could have submitted more, had it been allowed to. */
static void record_read_wait(struct driver *driver, const struct wait_name *name, const struct wait_times *times)
{
	struct recorder *recorder = &driver->recorder;
	bool is_at_limit = driver_is_at_limit(driver);
	enum phase cause = is_at_limit ? PHASE_LIMIT : driver->met_backpressure ? PHASE_BACKPRESSURE : PHASE_STARVED;
	recorder_wait(recorder, cause, name->node, name->execution, times->start.count, times->end.count, name->edge,
		name->channel, name->slot, name->peer);
	if (is_at_limit && !recorder->open.n_phases) {
		recorder_span(recorder, PHASE_LIMIT, recorder->last, times->end.count);
		recorder_skip_to(recorder, times->end.count);
		recorder->open.start = times->end.count;
	} else {
		recorder_phase(recorder, is_at_limit ? PHASE_STARVED : cause, times->end.count);
	}
}

static int read_one(struct driver *driver, struct driver_read *read, uint64_t execution, uint64_t deadline, struct error *error)
{
	struct channel *channel = &read->channel;
	struct wait_name name = { .cause = PHASE_STARVED, .node = GRAPH_OUTPUT, .edge = read->edge, .channel = channel->idx,
		.slot = channel->slot, .peer = channel->writer, .execution = execution };
	struct wait_times times;
	if (deadline == DRIVER_DEADLINE_PAST)
		return atomic_load(&driver->control.header->state) == CONTROL_STOPPING ? driver_over(driver, error) : STATUS_AGAIN;
	int status = wait_slow(&driver->waiter, &channel->header->sequence, execution + 1, &name, deadline, &times);
	if (times.was_named)
		waiter_count(&driver->waiter, GRAPH_OUTPUT, execution, &times);
	if (driver->recorder.is_on && times.was_named)
		record_read_wait(driver, &name, &times);
	if (status == STATUS_STOPPED)
		return driver_over(driver, error);
	if (status == STATUS_AGAIN)
		return error_set(error, STATUS_AGAIN, "execution %" PRIu64 " is not finished yet", execution);
	return status;
}

/* Points the tensor at the slot; false when the header names a size that cannot be. */
static bool set_output(struct tensor *tensor, const struct driver_read *read)
{
	const struct channel *channel = &read->channel;
	int64_t shape[TENSOR_DIMS_MAX];
	bool fits = true;
	for (int d = 0; d < tensor->n_dims; d++) {
		uint32_t size = control_read_once(&channel->header->dims[d]);
		fits = fits && size - read->least[d] <= read->most[d] - read->least[d];
		shape[d] = size;
	}
	if (likely(fits))
		*tensor = tensor_make(tensor->dtype, tensor->n_dims, shape, channel->data);
	return fits;
}

/* What stands in a slot makes no sense. */
static COLD int blame_writer(struct driver *driver, const struct driver_read *read, uint64_t execution, struct error *error)
{
	const struct channel *channel = &read->channel;
	uint64_t sequence = atomic_load_explicit(&channel->header->sequence, memory_order_relaxed);
	const char *edge = program_string(&driver->program, driver->program.edges[read->edge].name);
	if (sequence != execution + 1)
		return driver_blame(driver, channel->writer, error, "wrote execution %" PRIu64 " where %" PRIu64 " was due, on %.200s (channel %u, "
			"slot %u)", sequence - 1, execution, edge, channel->idx, channel->slot);
	return driver_blame(driver, channel->writer, error, "wrote a broken header in execution %" PRIu64 ", on %.200s (channel %u, slot %u)",
		execution, edge, channel->idx, channel->slot);
}

/* A message that has come; the first failure among several counts. */
static int take_message(struct driver *driver, uint32_t idx, uint64_t execution, uint32_t *failure, struct error *error)
{
	const struct driver_read *read = &driver->reads[idx];
	const struct slot_header *header = read->channel.header;
	uint32_t word = control_read_once(&header->status);
	bool is_due = atomic_load_explicit(&header->sequence, memory_order_relaxed) == execution + 1;
	if (unlikely(!is_due || word > driver->control.n_failures))
		return blame_writer(driver, read, execution, error);
	if (!*failure)
		*failure = word;
	if (idx < driver->n_outputs && !*failure && unlikely(!set_output(&driver->outputs[idx], read)))
		return blame_writer(driver, read, execution, error);
	return STATUS_OK;
}

static void begin_wait(struct driver *driver)
{
	for (uint32_t i = 0; i < driver->n_outputs + driver->n_controls; i++)
		channel_advance(&driver->reads[i].channel);
}

/* One result or control edge. The first failure counts. */
static int collect_output(struct driver *driver, uint64_t execution, uint32_t idx, uint64_t deadline, uint32_t *failure,
	struct error *error)
{
	int status = STATUS_OK;
	if (!wait_is_over(&driver->reads[idx].channel.header->sequence, execution + 1))
		status = read_one(driver, &driver->reads[idx], execution, deadline, error);
	return status == STATUS_OK ? take_message(driver, idx, execution, failure, error) : status;
}

static int collect(struct driver *driver, uint64_t execution, uint64_t deadline, uint32_t *ret_failure, struct error *error)
{
	uint32_t failure = 0;
	for (uint32_t i = 0; i < driver->n_outputs + driver->n_controls; i++) {
		int status = collect_output(driver, execution, i, deadline, &failure, error);
		if (status != STATUS_OK)
			return status;
	}
	*ret_failure = failure;
	return STATUS_OK;
}

static void release(struct driver *driver, uint64_t execution)
{
	if (unlikely(driver->options.poisons))
		gate_poison(&driver->gates, &driver->program, GRAPH_OUTPUT, execution, driver->slots);
	for (uint32_t i = 0; i < driver->n_releases; i++)
		channel_release(&driver->releases[i].storage, driver->releases[i].releaser, execution, driver->control.header);
}

const struct driver_mode driver_compiled = {
	.make_memory = make_slots,
	.make_views = make_views,
	.take_worker_fd = take_worker_fd,
	.finish = finish,
	.find_room = find_room,
	.send_inputs = send_inputs,
	.begin_wait = begin_wait,
	.collect = collect,
	.collect_output = collect_output,
	.release = release,
};
