/* SPDX-License-Identifier: Apache-2.0
 *
 * driver_interpreted: the driver as the scheduler of a dynamic engine: inputs and results as objects, tasks and answers over sockets.
 *
 * The shared segment: bells (task.h), then the object store (objects.h). Unless less is asked for the store is large enough for every output of
 * every execution in flight at its bound, so that it is never full; it is touched as it is used. With less, so many executions are admitted as
 * fit at their bounds. If not even one does, objects have the size of their values and one execution at a time tries its luck, in a store that
 * was emptied before, so that what does not fit is that execution's own need and never the way memory was cut for others.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/run/dispatch.h"
#include "engine/run/driver_private.h"

#define GATHER_MOST 32 /* tasks kept back for a worker that has work left */
#define STORE_BYTES_MOST (UINT64_C(1) << 45) /* what can be mapped beside everything else */

struct driver_interpreted {
	struct dispatch dispatch;
	struct objects objects;
	struct task_bells *bells;
	int *sockets, *worker_sockets; /* [n_workers] the driver's ends, and the workers' until they have them; -1: none */
	struct task_outbox *outboxes;  /* [n_workers] */
	uint64_t *n_received;          /* [n_workers] packets */
	uint64_t n_seen;               /* packets of all workers when last looked */
	uint64_t n_taken;              /* packets received */
	bool lacks_worker;             /* one was found gone */
	uint64_t n_admitted;           /* executions that the store holds */
	struct task_inbox inbox;
};

/* -- start and end ---------------------------------------------------------------------------------------------------- */

/* Blocks of one execution at the bounds; saturates. */
static uint64_t bound_bytes(const struct graph *graph)
{
	uint64_t sum = 0;
	for (int n = 0; n < graph->n_nodes; n++) {
		for (int o = 0; o < graph->nodes[n].n_outputs; o++)
			sum += objects_block_bytes(type_bound_bytes(&graph->nodes[n].outputs[o], &graph->symbols));
	}
	return sum;
}

/* Bytes for blocks, and how many executions they hold at their bounds. */
static uint64_t choose_store(const struct driver *driver, uint64_t *ret_n_fit)
{
	uint64_t limit = driver->options.store_limit_bytes, one = bound_bytes(driver->plan->graph), n = (uint64_t)driver->plan->in_flight;
	uint64_t bytes = one * n > OBJECTS_BYTES_LEAST ? one * n : OBJECTS_BYTES_LEAST;
	if (one > STORE_BYTES_MOST / n)
		bytes = STORE_BYTES_MOST;
	if (limit)
		bytes = limit < STORE_BYTES_MOST ? limit : STORE_BYTES_MOST;
	*ret_n_fit = one ? bytes / one : n;
	return bytes;
}

static int make_memory(struct driver *driver, struct error *error)
{
	uint64_t n_fit, store_bytes = objects_total_bytes(choose_store(driver, &n_fit));
	size_t bells_bytes = task_bells_bytes(driver->n_workers), bytes = bells_bytes + store_bytes;
	struct driver_interpreted *own = driver->interpreted = calloc(1, sizeof *own);
	if (!own)
		return error_set(error, STATUS_NO_MEMORY, "no memory for the scheduler");
	driver->slots_fd = memfd_create("tandem-objects", MFD_CLOEXEC);
	if (driver->slots_fd < 0)
		return error_set_errno(error, STATUS_SYSTEM, "cannot create the object store");
	void *memory = MAP_FAILED;
	if (ftruncate(driver->slots_fd, (off_t)bytes) == 0)
		memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, driver->slots_fd, 0);
	if (memory == MAP_FAILED)
		return error_set_errno(error, STATUS_NO_MEMORY, "cannot reserve %zu bytes for the object store; give --store-limit", bytes);
	driver->slots = memory;
	driver->slots_bytes = bytes;
	own->bells = memory;
	own->n_admitted = n_fit ? n_fit : 1;
	objects_init(driver->slots + bells_bytes, store_bytes, n_fit > 0, &own->objects);
	own->objects.header->poisons = own->objects.poisons = driver->options.poisons;
	return STATUS_OK;
}

static int make_views(struct driver *driver, struct error *error)
{
	struct driver_interpreted *own = driver->interpreted;
	uint32_t n = driver->n_workers;
	own->sockets = calloc(n, sizeof *own->sockets);
	own->worker_sockets = calloc(n, sizeof *own->worker_sockets);
	own->outboxes = calloc(n, sizeof *own->outboxes);
	own->n_received = calloc(n, sizeof *own->n_received);
	if (!own->sockets || !own->worker_sockets || !own->outboxes || !own->n_received)
		return error_set(error, STATUS_NO_MEMORY, "no memory for the scheduler");
	for (uint32_t i = 0; i < n; i++)
		own->sockets[i] = own->worker_sockets[i] = -1;
	int status = dispatch_init(&own->dispatch, driver->plan, &driver->control, &own->objects, own->outboxes, error);
	for (uint32_t i = 1; i < n && status == STATUS_OK; i++) {
		int fds[2];
		status = task_connect(error, fds);
		if (status == STATUS_OK) {
			own->sockets[i] = fds[0];
			own->worker_sockets[i] = fds[1];
		}
	}
	return status;
}

static int take_worker_fd(struct driver *driver, uint32_t idx)
{
	int fd = driver->interpreted->worker_sockets[idx];
	driver->interpreted->worker_sockets[idx] = -1;
	return fd;
}

static void finish(struct driver *driver)
{
	struct driver_interpreted *own = driver->interpreted;
	if (!own)
		return;
	for (uint32_t i = 1; own->worker_sockets && i < driver->n_workers; i++) {
		if (own->sockets[i] >= 0)
			close(own->sockets[i]);
		if (own->worker_sockets[i] >= 0)
			close(own->worker_sockets[i]);
		task_outbox_finish(&own->outboxes[i]);
	}
	dispatch_finish(&own->dispatch);
	free(own->sockets);
	free(own->worker_sockets);
	free(own->outboxes);
	free(own->n_received);
	free(own);
	driver->interpreted = NULL;
}

/* -- recording: one record holds the many small pieces of a wait, each kind once ---------------------------------------- */

static void add_phase(struct driver *driver, enum phase phase)
{
	struct recorder *recorder = &driver->recorder;
	if (!recorder->is_on)
		return;
	uint64_t now = clock_ticks().count;
	for (unsigned i = 0; i < recorder->open.n_phases; i++) {
		if (recorder->open.phase[i] != phase)
			continue;
		recorder->wide[i] += now - recorder->last;
		if (recorder->wide[i] > recorder->overflow)
			recorder->overflow = recorder->wide[i];
		recorder->last = now;
		return;
	}
	recorder_phase(recorder, phase, now);
}

/* What the submitter stood at the limit is no part of `output`: it becomes a span before the record. */
static void split_limit_off(struct driver *driver)
{
	struct recorder *recorder = &driver->recorder;
	struct record *open = &recorder->open;
	for (unsigned i = 0; recorder->is_on && i < open->n_phases; i++) {
		if (open->phase[i] != PHASE_LIMIT)
			continue;
		recorder_span(recorder, PHASE_LIMIT, open->start, open->start + recorder->wide[i]);
		open->start += recorder->wide[i];
		open->n_phases--;
		for (unsigned k = i; k < open->n_phases; k++) {
			open->phase[k] = open->phase[k + 1];
			recorder->wide[k] = recorder->wide[k + 1];
		}
		return;
	}
}

/* -- messages --------------------------------------------------------------------------------------------------------- */

static int take_packets(struct driver *driver, uint32_t worker, struct error *error)
{
	struct driver_interpreted *own = driver->interpreted;
	uint64_t n = atomic_load_explicit(&own->bells->workers[worker].results, memory_order_acquire);
	for (; own->n_received[worker] < n; own->n_received[worker]++) {
		const struct task_message *message;
		int status = task_inbox_receive(&own->inbox, own->sockets[worker]);
		if (status == STATUS_STOPPED) {
			own->lacks_worker = true;
			return STATUS_OK; /* which is the monitor's to tell */
		}
		if (status != STATUS_OK)
			return error_set(error, STATUS_PROTOCOL, "worker '%.100s' announced results that it did not send",
				driver->plan->graph->workers[worker].name);
		own->n_taken++;
		while ((status = task_inbox_next(&own->inbox, &message, error)) == STATUS_OK && message) {
			status = dispatch_take_result(&own->dispatch, worker, message, error);
			if (status != STATUS_OK)
				return status;
		}
		if (status != STATUS_OK)
			return status;
	}
	return STATUS_OK;
}

/* Takes every answer that has come. */
static int take_results(struct driver *driver, struct error *error)
{
	struct driver_interpreted *own = driver->interpreted;
	uint64_t n = atomic_load_explicit(&own->bells->results, memory_order_acquire);
	if (n == own->n_seen)
		return STATUS_OK;
	own->n_seen = n;
	int status = STATUS_OK;
	for (uint32_t i = 1; i < driver->n_workers && status == STATUS_OK; i++)
		status = take_packets(driver, i, error);
	add_phase(driver, PHASE_SERIALISE);
	/* Each counted its own packets first: all that were announced are here now. */
	if (unlikely(status == STATUS_OK && own->n_taken < n && !own->lacks_worker))
		return error_set(error, STATUS_PROTOCOL, "a worker wrote over the bells: an op writes outside its memory");
	return status;
}

/* Sends what the sockets take; the rest goes with a later call, for a worker whose socket is full will answer first. One that is gone is the
 * monitor's to tell. With `gathers`, few tasks for a worker that has work left wait for more, or for the next call. */
static void send_tasks(struct driver *driver, bool gathers)
{
	struct driver_interpreted *own = driver->interpreted;
	struct control_header *header = driver->control.header;
	bool has_sent = false;
	for (uint32_t i = 1; i < driver->n_workers; i++) {
		uint32_t n_packets;
		uint32_t n = own->outboxes[i].n_messages;
		if (!n || (gathers && n < GATHER_MOST && own->dispatch.loads[i].n_out > n))
			continue;
		task_outbox_send(&own->outboxes[i], own->sockets[i], &n_packets);
		if (!n_packets)
			continue;
		atomic_fetch_add_explicit(&own->bells->workers[i].tasks, n_packets, memory_order_release);
		control_wake(header, &header->workers[i]);
		has_sent = true;
	}
	if (has_sent)
		add_phase(driver, PHASE_WRITE);
}

/* Answers in, tasks out. */
static int turn(struct driver *driver, bool gathers, struct error *error)
{
	struct driver_interpreted *own = driver->interpreted;
	int status = take_results(driver, error);
	if (status == STATUS_OK && dispatch_has_ready(&own->dispatch)) {
		status = dispatch_run(&own->dispatch, error);
		add_phase(driver, PHASE_DISPATCH);
	}
	if (status != STATUS_OK) {
		driver_end(driver, error);
		return driver_over(driver, error);
	}
	send_tasks(driver, gathers);
	return STATUS_OK;
}

/* -- submit ----------------------------------------------------------------------------------------------------------- */

static int find_room(struct driver *driver, const struct tensor *inputs, uint64_t execution, uint64_t n_released, struct error *error)
{
	struct driver_interpreted *own = driver->interpreted;
	if (execution - n_released >= own->n_admitted)
		return STATUS_AGAIN;
	if (!own->objects.by_bound)
		objects_reset(&own->objects);
	return STATUS_OK;
}

/* Makes the input objects; returns 0, or the failure when they do not fit. */
static uint32_t make_inputs(struct driver *driver, const struct tensor *inputs, uint64_t execution)
{
	struct driver_interpreted *own = driver->interpreted;
	struct task_value *values = dispatch_values(&own->dispatch, execution, GRAPH_INPUT);
	const struct graph_node *input = &driver->plan->graph->nodes[GRAPH_INPUT];
	for (uint32_t i = 0; i < driver->n_inputs; i++) {
		size_t bytes = tensor_bytes(&inputs[i]), block_bytes = bytes;
		values[i].object = 0;
		if (!dispatch_readers(&own->dispatch, GRAPH_INPUT, i))
			continue;
		if (own->objects.by_bound)
			block_bytes = type_bound_bytes(&input->outputs[i], &driver->plan->graph->symbols);
		uint64_t object = objects_allocate(&own->objects, block_bytes, GRAPH_INPUT, i, execution);
		if (!object) {
			struct error full;
			objects_report_full(&own->objects, &driver->program, block_bytes, i, &full);
			while (i-- > 0) {
				if (values[i].object)
					objects_seal(&own->objects, values[i].object, 0);
			}
			return control_fail(&driver->control, STATUS_OP, GRAPH_DRIVER, GRAPH_INPUT, execution, full.text);
		}
		add_phase(driver, PHASE_ALLOCATE);
		memcpy(objects_data(&own->objects, object), inputs[i].data, bytes);
		task_value_set(&values[i], object, &inputs[i]);
		objects_set_shape(&own->objects, object, &inputs[i]);
		add_phase(driver, PHASE_WRITE);
	}
	for (uint32_t i = 0; i < driver->n_inputs; i++) {
		if (values[i].object)
			objects_seal(&own->objects, values[i].object, dispatch_readers(&own->dispatch, GRAPH_INPUT, i));
	}
	return 0;
}

/* The gate of `input`: its tensors as they lie in their objects. */
static COLD int pass_gate(struct driver *driver, const struct tensor *inputs, uint64_t execution, uint32_t failure, uint64_t start,
	struct error *error)
{
	struct driver_interpreted *own = driver->interpreted;
	const struct task_value *values = dispatch_values(&own->dispatch, execution, GRAPH_INPUT);
	for (uint32_t i = 0; i < driver->n_inputs && !failure; i++) {
		driver->input_views[i] = inputs[i];
		driver->input_views[i].data = values[i].object ? objects_data(&own->objects, values[i].object) : NULL;
	}
	send_tasks(driver, false); /* what is kept back: nobody shall wait for what is ready */
	return driver_pass_input(driver, driver->input_views, execution, failure, start, error);
}

static int send_inputs(struct driver *driver, const struct tensor *inputs, uint64_t execution, struct error *error)
{
	struct driver_interpreted *own = driver->interpreted;
	dispatch_begin(&own->dispatch, execution);
	uint64_t start = clock_ticks().count;
	uint32_t failure = make_inputs(driver, inputs, execution);
	int status = driver_has_gates(driver) ? pass_gate(driver, inputs, execution, failure, start, error) : STATUS_OK;
	if (status != STATUS_OK)
		return status;
	dispatch_complete(&own->dispatch, execution, GRAPH_INPUT, failure, clock_ticks().count);
	return turn(driver, true, error);
}

/* -- wait and release ------------------------------------------------------------------------------------------------- */

static void begin_wait(struct driver *driver)
{
}

static void record_wait(struct driver *driver, const struct wait_name *name, const struct wait_times *times)
{
	enum phase cause = driver_is_at_limit(driver) ? PHASE_LIMIT : driver->met_backpressure ? PHASE_BACKPRESSURE : PHASE_STARVED;
	if (!driver->recorder.is_on)
		return;
	if (times->was_named)
		recorder_wait(&driver->recorder, cause, GRAPH_OUTPUT, name->execution, times->start.count, times->end.count, name->edge,
			PROGRAM_NONE, PROGRAM_NONE, name->peer);
	add_phase(driver, cause);
}

static int wait_for_results(struct driver *driver, uint64_t execution, uint64_t deadline, struct error *error)
{
	struct driver_interpreted *own = driver->interpreted;
	if (wait_is_over(&own->bells->results, own->n_seen + 1)) {
		bool is_vain = own->lacks_worker || own->n_taken < own->n_seen;
		return is_vain && atomic_load(&driver->control.header->state) == CONTROL_STOPPING ? driver_over(driver, error) : STATUS_OK;
	}
	if (deadline == DRIVER_DEADLINE_PAST)
		return atomic_load(&driver->control.header->state) == CONTROL_STOPPING ? driver_over(driver, error) : STATUS_AGAIN;
	struct dispatch_obstacle obstacle = dispatch_find_obstacle(&own->dispatch, execution);
	struct wait_name name = { .cause = PHASE_STARVED, .node = obstacle.node, .edge = obstacle.edge, .channel = PROGRAM_NONE,
		.slot = PROGRAM_NONE, .peer = obstacle.worker, .execution = execution };
	struct wait_times times;
	int status = wait_slow(&driver->waiter, &own->bells->results, own->n_seen + 1, &name, deadline, &times);
	if (times.was_named)
		waiter_count(&driver->waiter, GRAPH_OUTPUT, execution, &times);
	record_wait(driver, &name, &times);
	if (status == STATUS_STOPPED)
		return driver_over(driver, error);
	if (status == STATUS_AGAIN)
		return error_set(error, STATUS_AGAIN, "execution %" PRIu64 " is not finished yet", execution);
	return status;
}

static void set_output(struct driver *driver, uint64_t execution, uint32_t idx)
{
	struct driver_interpreted *own = driver->interpreted;
	const struct graph *graph = driver->plan->graph;
	const struct graph_edge *edge = &graph->edges[graph->nodes[GRAPH_OUTPUT].input_edges[idx]];
	const struct task_value *value = &dispatch_values(&own->dispatch, execution, (uint32_t)edge->src)[edge->src_output];
	task_value_get(value, &driver->outputs[idx]);
	driver->outputs[idx].data = objects_data(&own->objects, value->object);
}

static int collect(struct driver *driver, uint64_t execution, uint64_t deadline, uint32_t *ret_failure, struct error *error)
{
	struct driver_interpreted *own = driver->interpreted;
	for (;;) {
		int status = turn(driver, false, error);
		if (status != STATUS_OK)
			return status;
		if (dispatch_is_complete(&own->dispatch, execution))
			break;
		status = wait_for_results(driver, execution, deadline, error);
		if (status != STATUS_OK)
			return status;
	}
	*ret_failure = dispatch_failure(&own->dispatch, execution);
	for (uint32_t i = 0; i < driver->n_outputs && !*ret_failure; i++)
		set_output(driver, execution, i);
	split_limit_off(driver);
	return STATUS_OK;
}

static int collect_output(struct driver *driver, uint64_t execution, uint32_t idx, uint64_t deadline, uint32_t *ret_failure,
	struct error *error)
{
	struct driver_interpreted *own = driver->interpreted;
	int status = STATUS_OK;
	while (!(status = turn(driver, false, error)) && !dispatch_has_result(&own->dispatch, execution, idx, ret_failure)) {
		status = wait_for_results(driver, execution, deadline, error);
		if (status != STATUS_OK)
			return status;
	}
	if (status == STATUS_OK && !*ret_failure)
		set_output(driver, execution, idx);
	return status;
}

static void release(struct driver *driver, uint64_t execution)
{
	dispatch_end(&driver->interpreted->dispatch, execution);
}

const struct driver_mode driver_interpreted = {
	.make_memory = make_memory,
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
