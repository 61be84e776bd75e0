/* SPDX-License-Identifier: Apache-2.0
 *
 * driver_execute: submitting, waiting and releasing, as far as it is the same in both modes.
 */
#include <inttypes.h>

#include "engine/run/collect.h"
#include "engine/run/driver_private.h"

/* What is wrong with a tensor for the declared type; NULL when it fits. `values` collects the sizes of the letters. */
static const char *find_misfit(const struct tensor_type *type, const struct symbols *symbols, const struct tensor *tensor,
	int64_t *values)
{
	if (tensor->dtype != type->dtype)
		return "the dtype differs";
	if (tensor->n_dims != type->n_dims)
		return "the number of dimensions differs";
	for (int d = 0; d < type->n_dims; d++) {
		int64_t size = tensor->shape[d], symbol = type->dims[d].symbol;
		if (symbol < 0 && size != type->dims[d].add)
			return "a fixed dimension differs";
		if (symbol < 0)
			continue;
		if (size < 1)
			return "a dimension is empty";
		if (size > symbols->items[symbol].bound)
			return "a dimension is over its bound; declare a larger bound or send less";
		if (values[symbol] && values[symbol] != size)
			return "a letter has another size in an input before";
		values[symbol] = size;
	}
	return NULL;
}

static COLD int report_misfit(const struct plan *plan, int idx, const struct tensor *tensor, const char *misfit,
	struct error *error)
{
	const struct graph_node *input = &plan->graph->nodes[GRAPH_INPUT];
	char declared[160], given[160];
	type_describe(&input->outputs[idx], &plan->graph->symbols, true, declared, sizeof declared);
	tensor_describe(tensor, given, sizeof given);
	return error_set(error, STATUS_INPUT, "input '%.100s' is %s, declared is %s: %s", input->output_names[idx], given, declared,
		misfit);
}

int driver_check_inputs(const struct plan *plan, const struct tensor *inputs, struct error *error)
{
	const struct graph_node *input = &plan->graph->nodes[GRAPH_INPUT];
	int64_t values[TYPE_SYMBOLS_MAX] = { 0 };
	for (int i = 0; i < input->n_outputs; i++) {
		const char *misfit = find_misfit(&input->outputs[i], &plan->graph->symbols, &inputs[i], values);
		if (misfit)
			return report_misfit(plan, i, &inputs[i], misfit, error);
	}
	return STATUS_OK;
}

/* The caller's own time since the last call is no span; only when nothing was in flight it is idle. */
static void record_entry(struct driver *driver, uint64_t now, bool is_idle)
{
	struct recorder *recorder = &driver->recorder;
	if (is_idle)
		recorder_span(recorder, PHASE_IDLE, recorder->last, now);
	recorder_skip_to(recorder, now);
}

int driver_submit(struct driver *driver, const struct tensor *inputs, uint64_t *ret_execution, struct error *error)
{
	struct recorder *recorder = &driver->recorder;
	uint64_t execution = atomic_load_explicit(&driver->n_submitted, memory_order_relaxed);
	uint64_t n_released = atomic_load_explicit(&driver->n_released, memory_order_relaxed);
	bool is_idle = execution == atomic_load_explicit(&driver->n_finished, memory_order_relaxed);
	if (unlikely(atomic_load_explicit(&driver->is_over, memory_order_acquire)
		    || atomic_load_explicit(&driver->is_interrupted, memory_order_relaxed)))
		return driver_over(driver, error);
	if (execution - n_released >= (uint64_t)driver->plan->in_flight)
		return STATUS_AGAIN;
	int status = driver_check_inputs(driver->plan, inputs, error);
	if (status != STATUS_OK)
		return status;
	status = driver->mode->find_room(driver, inputs, execution, n_released, error);
	driver->met_backpressure = status == STATUS_AGAIN;
	if (unlikely(status != STATUS_OK))
		return status;
	bool records = recorder_select(recorder, execution);
	if (records || driver->submit_ticks) {
		uint64_t now = clock_ticks().count;
		if (driver->submit_ticks)
			atomic_store_explicit(&driver->submit_ticks[execution % (uint64_t)driver->plan->in_flight], now,
				memory_order_relaxed);
		if (records) {
			record_entry(driver, now, is_idle);
			recorder_submit(recorder, execution, now);
			recorder_open(recorder, RECORD_OP, GRAPH_INPUT, execution);
		}
		if (is_idle)
			atomic_store_explicit(&driver->control.header->busy_since, now, memory_order_relaxed);
	}
	atomic_store_explicit(&driver->n_submitted, execution + 1, memory_order_release);
	if (unlikely(driver->polls)) /* seen by whoever has seen the inputs */
		atomic_store_explicit(&driver->waiter.self->sleeps, CONTROL_ARMED, memory_order_relaxed);
	status = driver->mode->send_inputs(driver, inputs, execution, error);
	if (unlikely(driver->polls && atomic_load(&driver->waiter.self->sleeps) != CONTROL_ARMED))
		driver_ring(driver);
	if (records)
		recorder_close(recorder, STATUS_OK);
	if (ret_execution)
		*ret_execution = execution;
	return status;
}

static int failure_error(struct driver *driver, uint32_t status_word, uint64_t execution, struct error *error)
{
	const struct control_failure *failure = &driver->control.failures[(status_word - 1) & (driver->control.n_failures - 1)];
	const struct program *program = &driver->program;
	if (!atomic_load_explicit(&failure->is_set, memory_order_acquire) || failure->execution != execution)
		return error_set(error, STATUS_OP, "execution %" PRIu64 " failed; why was overwritten by later failures", execution);
	uint32_t status = control_read_once(&failure->status), node_idx = control_read_once(&failure->node);
	if (status != STATUS_TIMEOUT && status != STATUS_CANCELLED) /* all that can end one execution alone */
		status = STATUS_OP;
	if (node_idx >= program->header->n_nodes)
		return error_set(error, (int)status, "execution %" PRIu64 ": %.479s", execution, failure->text);
	const struct program_node *node = &program->nodes[node_idx];
	return error_set(error, (int)status, "execution %" PRIu64 ", node '%.100s' on %.60s: %.479s", execution,
		program_string(program, node->name), program_string(program, program->workers[node->worker].name), failure->text);
}

static void finish_execution(struct driver *driver, uint64_t execution, uint32_t status_word, const struct error *error)
{
	bool is_last = execution + 1 == atomic_load_explicit(&driver->n_submitted, memory_order_relaxed);
	int status = status_word ? error->status : STATUS_OK;
	if (driver->recorder.is_on) {
		uint64_t now = clock_ticks().count;
		recorder_phase(&driver->recorder, PHASE_READ, now);
		recorder_close(&driver->recorder, status);
		recorder_finish(&driver->recorder, execution, now, status, status_word);
		if (is_last)
			atomic_store_explicit(&driver->control.header->idle_since, now, memory_order_release);
	}
	if (status_word) {
		struct collect_message message = { .kind = COLLECT_FAILURE, .status = (uint32_t)status, .worker = PROGRAM_NONE,
			.node = driver->control.failures[(status_word - 1) & (driver->control.n_failures - 1)].node,
			.failure = status_word, .execution = execution, .time_ns = clock_now().ns };
		if (driver->has_collector)
			collect_send(driver->collector_socket, &message, error->text);
		atomic_fetch_add_explicit(&driver->n_failed, 1, memory_order_relaxed);
	}
	atomic_store_explicit(&driver->n_finished, execution + 1, memory_order_release);
}

/* The views of `output` go on once for each execution, however often the wait is tried; every try has a record of its own. */
static void begin_wait(struct driver *driver, uint64_t execution)
{
	if (driver->waiting_for != execution + 1)
		driver->mode->begin_wait(driver);
	driver->waiting_for = execution + 1;
	if (!recorder_select(&driver->recorder, execution))
		return;
	record_entry(driver, clock_ticks().count, false);
	recorder_open(&driver->recorder, RECORD_OP, GRAPH_OUTPUT, execution);
}

/* A try that ended without results: its phases fill the lane, but belong to no op. */
static void record_vain_wait(struct recorder *recorder)
{
	uint64_t start = recorder->open.start;
	for (unsigned i = 0; recorder->is_on && i < recorder->open.n_phases; i++) {
		recorder_span(recorder, recorder->open.phase[i], start, start + recorder->wide[i]);
		start += recorder->wide[i];
	}
}

/* Whether there is something to wait for. */
static int check_wait(struct driver *driver, uint64_t execution, struct error *error)
{
	if (unlikely(execution != atomic_load_explicit(&driver->n_released, memory_order_relaxed)))
		return error_set(error, STATUS_USAGE, "execution %" PRIu64 " must be released before the next is waited for",
			execution - 1);
	if (likely(execution != atomic_load_explicit(&driver->n_submitted, memory_order_relaxed)))
		return STATUS_OK;
	if (driver->polls)
		driver_arm(driver);
	if (atomic_load(&driver->control.header->state) == CONTROL_STOPPING)
		return driver_over(driver, error);
	return error_set(error, STATUS_USAGE, "nothing is in flight: submit first");
}

static uint64_t deadline_of(struct driver *driver, int64_t limit_ns)
{
	if (limit_ns == DRIVER_LOOK_ONLY)
		return DRIVER_DEADLINE_PAST;
	if (unlikely(driver->is_counted_out))
		driver_count_in(driver);
	return limit_ns ? clock_ticks().count + clock_ticks_of_ns(limit_ns) : 0;
}

int driver_wait(struct driver *driver, int64_t limit_ns, uint64_t *ret_execution, const struct tensor **ret_outputs,
	struct error *error)
{
	uint64_t execution = atomic_load_explicit(&driver->n_finished, memory_order_relaxed);
	uint32_t failure = 0;
	int status = check_wait(driver, execution, error);
	if (unlikely(status != STATUS_OK))
		return status;
	uint64_t deadline = deadline_of(driver, limit_ns);
	begin_wait(driver, execution);
	status = driver->mode->collect(driver, execution, deadline, &failure, error);
	if (unlikely(status == STATUS_AGAIN && driver->polls)) {
		driver_arm(driver);
		status = driver->mode->collect(driver, execution, DRIVER_DEADLINE_PAST, &failure, error);
	}
	if (status != STATUS_OK) {
		record_vain_wait(&driver->recorder);
		return status;
	}
	if (!failure && unlikely(atomic_load_explicit(&driver->control.header->attention, memory_order_relaxed)))
		failure = control_cancelled(&driver->control, execution);
	if (driver_has_gates(driver) && (status = driver_pass_output(driver, execution, failure, error)) != STATUS_OK)
		return status;
	status = failure ? failure_error(driver, failure, execution, error) : STATUS_OK;
	finish_execution(driver, execution, failure, error);
	if (ret_execution)
		*ret_execution = execution;
	if (ret_outputs)
		*ret_outputs = driver->outputs;
	return status;
}

int driver_wait_output(struct driver *driver, uint32_t idx, int64_t limit_ns, const struct tensor **ret_output, struct error *error)
{
	uint64_t execution = atomic_load_explicit(&driver->n_finished, memory_order_relaxed);
	uint32_t failure = 0;
	int status = check_wait(driver, execution, error);
	if (status != STATUS_OK)
		return status;
	uint64_t deadline = deadline_of(driver, limit_ns);
	begin_wait(driver, execution);
	status = driver->mode->collect_output(driver, execution, idx, deadline, &failure, error);
	if (status == STATUS_AGAIN && driver->polls) {
		driver_arm(driver);
		status = driver->mode->collect_output(driver, execution, idx, DRIVER_DEADLINE_PAST, &failure, error);
	}
	record_vain_wait(&driver->recorder);
	if (status == STATUS_OK && failure)
		status = failure_error(driver, failure, execution, error);
	if (status == STATUS_OK)
		*ret_output = &driver->outputs[idx];
	return status;
}

bool driver_has_taken(const struct driver *driver)
{
	return atomic_load_explicit(&driver->n_finished, memory_order_relaxed)
		!= atomic_load_explicit(&driver->n_released, memory_order_relaxed);
}

void driver_release(struct driver *driver)
{
	uint64_t execution = atomic_load_explicit(&driver->n_released, memory_order_relaxed);
	if (execution == atomic_load_explicit(&driver->n_finished, memory_order_relaxed))
		return;
	driver->mode->release(driver, execution);
	atomic_store_explicit(&driver->n_released, execution + 1, memory_order_release);
}

bool driver_is_at_limit(const struct driver *driver)
{
	return driver_in_flight(driver) >= driver->plan->in_flight;
}

int driver_in_flight(const struct driver *driver)
{
	return (int)(atomic_load_explicit(&driver->n_submitted, memory_order_relaxed)
		- atomic_load_explicit(&driver->n_released, memory_order_relaxed));
}
