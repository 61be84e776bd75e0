/* SPDX-License-Identifier: Apache-2.0
 *
 * run: a graph being run. Everything that a caller can do wrong is found here; what is right goes to the driver.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/api/graph_handle.h"
#include "engine/api/mirror.h"
#include "engine/base/file_kind.h"
#include "engine/run/driver.h"

struct tandem_run {
	struct handle handle;
	struct tandem_graph *graph;
	struct driver *driver;
	_Atomic pthread_t owner;
	uint64_t taken;             /* 1 + the execution that was taken and not released; 0: none */
	tandem_notice_fn *notice;
	void *notice_user;
};

static_assert((int)TANDEM_COMPILED == (int)RUN_MODE_COMPILED && (int)TANDEM_INTERPRETED == (int)RUN_MODE_INTERPRETED, "enum tandem_mode");
static_assert((int)TANDEM_NOTICE_OUTPUT == (int)DRIVER_NOTICE_OUTPUT && (int)TANDEM_NOTICE_STALL == (int)DRIVER_NOTICE_STALL
	&& (int)TANDEM_NOTICE_WARNING == (int)DRIVER_NOTICE_WARNING && (int)TANDEM_NOTICE_SAVED == (int)DRIVER_NOTICE_SAVED, "enum tandem_notice");

/* For functions of any thread. */
static inline int run_check(const struct tandem_run *run, struct error *error)
{
	return handle_check((const struct handle *)run, HANDLE_RUN, error);
}

static COLD int refuse_thread(struct error *error)
{
	return error_set(error, STATUS_USAGE, "the run belongs to another thread: only the one that started it, or took it over with "
		"tandem_run_take_over, may use it");
}

/* For functions of the owner. */
static inline int run_enter(const struct tandem_run *run, struct error *error)
{
	int status = run_check(run, error);
	if (unlikely(status))
		return status;
	if (unlikely(!pthread_equal(atomic_load_explicit(&run->owner, memory_order_relaxed), pthread_self())))
		return refuse_thread(error);
	return STATUS_OK;
}

/* -- start ------------------------------------------------------------------------------------------------------------ */

static void pass_notice(void *user, enum driver_notice notice, const char *who, const char *text)
{
	const struct tandem_run *run = user;
	run->notice(run->notice_user, (enum tandem_notice)notice, who, text);
}

static int check_trace(const char *file, struct error *error)
{
	if (!file)
		return STATUS_OK;
	switch (file_kind(file)) {
	case FILE_KIND_MISSING:
	case FILE_KIND_EMPTY:
	case FILE_KIND_TRACE:
		return STATUS_OK;
	case FILE_KIND_UNREADABLE:
		return error_set_errno(error, STATUS_INPUT, "trace_file %s", file);
	case FILE_KIND_SQLITE:
	case FILE_KIND_OTHER:
		break;
	}
	return error_set(error, STATUS_INPUT, "trace_file %s exists and is no tandem trace, so it is left alone; choose another name", file);
}

static int check_options(const struct tandem_run_options *options, struct error *error)
{
	if (options->mode != TANDEM_COMPILED && options->mode != TANDEM_INTERPRETED)
		return error_set(error, STATUS_USAGE, "options: mode is %d; it is TANDEM_COMPILED or TANDEM_INTERPRETED", options->mode);
	if (options->timeout_ns < 0 || options->grace_ns < 0)
		return error_set(error, STATUS_USAGE, "options: %s is negative", options->timeout_ns < 0 ? "timeout_ns" : "grace_ns");
	if (!options->trace_file && (options->record || options->triggers))
		return error_set(error, STATUS_USAGE, "options: %s needs a trace_file to record into", options->record ? "record" : "triggers");
	return check_trace(options->trace_file, error);
}

/* What the program was started with, words divided by blanks. */
static void read_command(char *text, size_t size)
{
	int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, text, size - 1);
	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = '\0';
	for (ssize_t i = 0; i + 1 < n; i++) {
		if (!text[i])
			text[i] = ' ';
	}
}

static int start_driver(struct tandem_run *run, const struct tandem_run_options *options, struct error *error)
{
	struct tandem_graph *graph = run->graph;
	struct program_setting settings[2 + CONTEXT_MODULES_MAX];
	char command[2048];
	int n = 0;
	const char *executable = NULL;
	bool has_own_ops = graph->tandem->has_own_ops;
	if (!has_own_ops || options->trace_file) {
		int status = context_executable(graph->tandem, error, &executable);
		if (status)
			return status;
	}
	read_command(command, sizeof command);
	settings[n++] = (struct program_setting){ "command", command };
	settings[n++] = (struct program_setting){ "version", TANDEM_VERSION };
	for (int i = 0; i < graph->n_modules; i++)
		settings[n++] = (struct program_setting){ context_module_key(i), graph->tandem->registry.modules[i].file };
	struct driver_options driver_options = {
		.mode = (enum run_mode)options->mode,
		.store_limit_bytes = options->store_limit_bytes,
		.executable = has_own_ops ? NULL : executable,
		.collector_executable = executable,
		.trace_file = options->trace_file,
		.overwrites_trace = true,
		.record = options->record,
		.triggers = options->triggers,
		.record_limit_bytes = options->record_limit_bytes,
		.seed = options->seed,
		.stall_limit_ns = options->stall_limit_ns,
		.timeout_ns = options->timeout_ns,
		.grace_ns = options->grace_ns,
		.pins = options->pins,
		.settings = settings,
		.n_settings = n,
		.notice = run->notice ? pass_notice : NULL,
		.notice_user = run,
	};
	return driver_start(graph->plan, &driver_options, error, &run->driver);
}

int tandem_run_start(struct tandem_graph *graph, const struct tandem_run_options *public_options, struct tandem_error *public_error,
	struct tandem_run **ret_run)
{
	struct tandem_run_options options = { 0 };
	struct error *error = mirror_error(public_error);
	int status = graph_check(graph, error);
	if (status)
		return status;
	if (!ret_run)
		return error_set(error, STATUS_USAGE, "ret_run is NULL");
	if (graph->state != GRAPH_STATE_COMPILED)
		return error_set(error, STATUS_USAGE, "graph '%.100s' %s", graph->source, graph->state == GRAPH_STATE_BUILDING
			? "is not compiled: call tandem_graph_compile first" : "is wrong and cannot be run");
	status = options_copy(&options, sizeof options, sizeof options, public_options, "tandem_run_options", error);
	if (!status)
		status = check_options(&options, error);
	if (status)
		return status;
	struct tandem_run *run = calloc(1, sizeof *run);
	if (!run)
		return error_set(error, STATUS_NO_MEMORY, "no memory for the run");
	run->graph = graph;
	run->notice = options.notice;
	run->notice_user = options.notice_user;
	atomic_store(&run->owner, pthread_self());
	status = start_driver(run, &options, error);
	if (status) {
		free(run);
		return status;
	}
	graph_handle_hold(graph);
	handle_init(&run->handle, HANDLE_RUN, graph->tandem->home, &graph->tandem->shelf);
	*ret_run = run;
	return STATUS_OK;
}

/* -- executions ------------------------------------------------------------------------------------------------------- */

/* What is wrong with a tensor as such; NULL when nothing is. */
static const char *find_fault(const struct tandem_tensor *tensor)
{
	int64_t stride = 1;
	if (tensor->dtype < 0 || tensor->dtype >= DTYPE_COUNT)
		return "its dtype is none";
	if (tensor->n_dims < 0 || tensor->n_dims > TANDEM_DIMS_MAX)
		return "its number of dimensions is not from 0 to 6";
	for (int d = tensor->n_dims - 1; d >= 0; d--) {
		if (tensor->shape[d] < 0)
			return "a dimension is negative";
		if (tensor->shape[d] > 1 && tensor->strides[d] != stride)
			return "it is not contiguous in row-major order (tandem_tensor_make sets strides)";
		if (__builtin_mul_overflow(stride, tensor->shape[d], &stride))
			return "it is larger than memory";
	}
	return tensor->data || !stride ? NULL : "its data are NULL";
}

static int check_inputs(const struct tandem_run *run, const struct tandem_tensor *inputs, struct error *error)
{
	const struct graph_node *input = &run->graph->graph->nodes[GRAPH_INPUT];
	if (input->n_outputs && !inputs)
		return error_set(error, STATUS_USAGE, "inputs is NULL; the graph declares %d", input->n_outputs);
	for (int i = 0; i < input->n_outputs; i++) {
		const char *fault = find_fault(&inputs[i]);
		if (unlikely(fault))
			return error_set(error, STATUS_INPUT, "input '%.100s': %s", input->output_names[i], fault);
	}
	return STATUS_OK;
}

static bool ends_execution_only(int status)
{
	return status == STATUS_OP || status == STATUS_TIMEOUT || status == STATUS_CANCELLED;
}

/* An execution that would not end takes its worker, and with it the run, along: the status must not read as one of an execution. */
static COLD int tell_end(const struct tandem_run *run, int status, struct error *error)
{
	struct error ended;
	int over = driver_ended(run->driver, &ended);
	if (!over || over != status || !ends_execution_only(status))
		return status;
	return error_set(error, STATUS_WORKER_DIED, "%s", ended.text);
}

int tandem_submit(struct tandem_run *run, const struct tandem_tensor *inputs, uint64_t *ret_execution, struct tandem_error *public_error)
{
	struct error *error = mirror_error(public_error);
	int status = run_enter(run, error);
	if (likely(!status))
		status = check_inputs(run, inputs, error);
	if (unlikely(status))
		return status;
	status = driver_submit(run->driver, mirror_tensors(inputs), ret_execution, error);
	return likely(!status || status == STATUS_AGAIN) ? status : tell_end(run, status, error);
}

/* A driver's limit: 0 is none, negative looks only. */
static int convert_limit(int64_t timeout_ns, int64_t *ret_limit_ns, struct error *error)
{
	if (timeout_ns < 0 && timeout_ns != TANDEM_FOREVER)
		return error_set(error, STATUS_USAGE, "timeout_ns is %" PRId64 "; give TANDEM_FOREVER, 0 or a time", timeout_ns);
	*ret_limit_ns = timeout_ns == TANDEM_FOREVER ? 0 : timeout_ns ? timeout_ns : DRIVER_LOOK_ONLY;
	return STATUS_OK;
}

/* Passes an error on, unless it is none. */
static int pass_error(int status, const struct error *own, struct error *error)
{
	if (unlikely(status && status != STATUS_AGAIN && error))
		*error = *own;
	return status;
}

int tandem_wait(struct tandem_run *run, int64_t timeout_ns, struct tandem_result *ret_result, struct tandem_error *public_error)
{
	struct error own, *error = mirror_error(public_error);
	const struct tensor *outputs = NULL;
	uint64_t execution;
	int64_t limit_ns = 0;
	int status = run_enter(run, error);
	if (likely(!status))
		status = convert_limit(timeout_ns, &limit_ns, error);
	if (unlikely(status))
		return status;
	if (!ret_result)
		return error_set(error, STATUS_USAGE, "ret_result is NULL");
	status = driver_wait(run->driver, limit_ns, &execution, &outputs, &own);
	if (unlikely(status && !(ends_execution_only(status) && driver_has_taken(run->driver))))
		return pass_error(status == STATUS_AGAIN ? status : tell_end(run, status, &own), &own, error);
	run->taken = execution + 1;
	*ret_result = (struct tandem_result){ .execution = execution,
		.n_outputs = status ? 0 : run->graph->graph->nodes[GRAPH_OUTPUT].n_inputs,
		.outputs = status ? NULL : mirror_public_tensors(outputs) };
	return pass_error(status, &own, error);
}

int tandem_wait_output(struct tandem_run *run, int result, int64_t timeout_ns, const struct tandem_tensor **ret_output,
	struct tandem_error *public_error)
{
	struct error own, *error = mirror_error(public_error);
	const struct tensor *output = NULL;
	int64_t limit_ns = 0;
	int status = run_enter(run, error);
	if (!status)
		status = convert_limit(timeout_ns, &limit_ns, error);
	if (status)
		return status;
	int n_results = run->graph->graph->nodes[GRAPH_OUTPUT].n_inputs;
	if (!ret_output)
		return error_set(error, STATUS_USAGE, "ret_output is NULL");
	if (result < 0 || result >= n_results)
		return error_set(error, STATUS_USAGE, "there is no result %d: the graph has %d, counted from 0", result, n_results);
	status = driver_wait_output(run->driver, (uint32_t)result, limit_ns, &output, &own);
	if (!status)
		*ret_output = mirror_public_tensors(output);
	else if (status != STATUS_AGAIN)
		status = tell_end(run, status, &own);
	return pass_error(status, &own, error);
}

int tandem_release(struct tandem_run *run, uint64_t execution, struct tandem_error *public_error)
{
	struct error *error = mirror_error(public_error);
	int status = run_enter(run, error);
	if (unlikely(status))
		return status;
	if (unlikely(!run->taken))
		return error_set(error, STATUS_USAGE, "execution %" PRIu64 " cannot be released: none is taken (tandem_wait takes one, which is "
			"released once)", execution);
	if (unlikely(run->taken != execution + 1))
		return error_set(error, STATUS_USAGE, "execution %" PRIu64 " cannot be released: taken is %" PRIu64, execution, run->taken - 1);
	driver_release(run->driver);
	run->taken = 0;
	return STATUS_OK;
}

int tandem_in_flight(const struct tandem_run *run)
{
	return run_check(run, NULL) ? 0 : driver_in_flight(run->driver);
}

/* -- from any thread -------------------------------------------------------------------------------------------------- */

int tandem_cancel(struct tandem_run *run, uint64_t execution, struct tandem_error *public_error)
{
	struct error *error = mirror_error(public_error);
	int status = run_check(run, error);
	return status ? status : driver_cancel(run->driver, execution, error);
}

int tandem_save(struct tandem_run *run, const char *why, struct tandem_error *public_error)
{
	struct error *error = mirror_error(public_error);
	int status = run_check(run, error);
	return status ? status : driver_save(run->driver, why, error);
}

void tandem_interrupt(struct tandem_run *run)
{
	if (!run_check(run, NULL))
		driver_interrupt(run->driver);
}

/* -- the rest --------------------------------------------------------------------------------------------------------- */

int tandem_poll_fd(struct tandem_run *run, struct tandem_error *public_error)
{
	struct error *error = mirror_error(public_error);
	return run_enter(run, error) ? -1 : driver_poll_fd(run->driver, error);
}

int tandem_run_take_over(struct tandem_run *run, struct tandem_error *public_error)
{
	struct error *error = mirror_error(public_error);
	int status = run_check(run, error);
	if (status)
		return status;
	if (driver_is_inside(run->driver))
		return error_set(error, STATUS_USAGE, "a thread of the library cannot own a run: notices must not call the library");
	atomic_store_explicit(&run->owner, pthread_self(), memory_order_relaxed);
	return STATUS_OK;
}

int tandem_run_stop(struct tandem_run *run, struct tandem_summary *ret_summary, struct tandem_error *public_error)
{
	struct error *error = mirror_error(public_error), ended = { 0 };
	struct driver_summary summary;
	int status = run_enter(run, error);
	if (status)
		return status;
	handle_end(&run->handle);
	int over = driver_ended(run->driver, &ended);
	status = driver_stop(run->driver, &summary, error);
	if (over)
		status = error_set(error, ends_execution_only(over) ? STATUS_WORKER_DIED : over, "%s", ended.text);
	if (ret_summary)
		*ret_summary = (struct tandem_summary){ .n_submitted = summary.n_submitted, .n_finished = summary.n_finished,
			.n_failed = summary.n_failed, .n_lost_records = summary.n_lost_records,
			.is_trace_complete = summary.is_trace_complete, .n_killed_workers = summary.n_killed_workers,
			.teardown_ns = summary.teardown_ns };
	graph_handle_drop(run->graph);
	handle_put(&run->handle);
	return status;
}
