/* SPDX-License-Identifier: Apache-2.0
 *
 * gpu_split: a sweep over each device's work; at the end of an idle stretch the next work's launch says who was waited for.
 */
#include "traces/gpu_split.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/attributes.h"
#include "traces/gpu_host.h"

#define FIRST_CAPACITY 16

/* A moment at which work of a class begins (+1) or ends (−1). */
struct change {
	int64_t ns;
	int class, step;
};

struct device {
	struct gpu_split_device sum;
	const struct gpu_split_options *options;
	uint32_t number, process;
	int64_t gap_ns[GPU_TIME_COUNT]; /* of the idle stretch at hand */
	struct change *heap;     /* owned: by time, what lies ahead of now_ns */
	uint32_t n_heap, capacity;
	int counts[GPU_WORK_CLASSES];
	int64_t now_ns, busy_until_ns, last_start_ns;
	int64_t last_row;        /* the work that ends last of those so far */
	int64_t last_launch;     /* of the work before */
};

struct stream {
	struct gpu_split_stream sum;
	int64_t *waits;          /* owned: moments, by time, of waits for events not yet passed by a launch */
	uint32_t first, n, capacity;
	int64_t end_ns, before_ns; /* of all work so far; of the work before */
	int64_t launched_ns;     /* the latest call so far */
};

struct process {
	struct gpu_host overhead;
	uint32_t device, n_devices; /* one of them, and how many */
	int64_t horizon_ns;
};

struct gpu_split {
	struct gpu_split_layout layout;
	struct gpu_split_options options;
	struct device *devices;
	struct stream *streams;
	struct process *processes;
	struct gpu_host *threads;
	uint32_t *thread_processes;
	struct gpu_split_device *results;         /* [n_devices] */
	struct gpu_split_stream *stream_results;  /* [n_streams] */
	struct gpu_host_scratch scratch;
};

static const char *const words[GPU_TIME_COUNT] = {
#define X(name, word, phrase) [GPU_TIME_##name] = word,
	GPU_TIME_MAP(X)
#undef X
};

const char *gpu_time_word(enum gpu_time kind)
{
	return words[kind];
}

static int out_of_memory(struct error *error)
{
	return error_set(error, STATUS_NO_MEMORY, "no memory for where the time of devices went");
}

static int64_t clamp(int64_t value, int64_t low, int64_t high)
{
	return value < low ? low : value > high ? high : value;
}

/* -- making ----------------------------------------------------------------------------------------------------------------- */

static bool allocate(struct gpu_split *split)
{
	const struct gpu_split_layout *layout = &split->layout;
	split->devices = calloc((size_t)layout->n_devices + 1, sizeof *split->devices);
	split->streams = calloc((size_t)layout->n_streams + 1, sizeof *split->streams);
	split->processes = calloc((size_t)layout->n_processes + 1, sizeof *split->processes);
	split->threads = calloc((size_t)layout->n_threads + 1, sizeof *split->threads);
	split->thread_processes = calloc((size_t)layout->n_threads + 1, sizeof *split->thread_processes);
	split->results = calloc((size_t)layout->n_devices + 1, sizeof *split->results);
	split->stream_results = calloc((size_t)layout->n_streams + 1, sizeof *split->stream_results);
	return split->devices && split->streams && split->processes && split->threads && split->thread_processes && split->results
		&& split->stream_results;
}

int gpu_split_create(const struct gpu_split_layout *layout, const struct gpu_split_options *options, struct error *error,
	struct gpu_split **ret_split)
{
	struct gpu_split *split = calloc(1, sizeof *split);
	if (!split)
		return out_of_memory(error);
	split->layout = *layout;
	split->options = options ? *options : (struct gpu_split_options){ 0 };
	if (!split->options.latency_ns)
		split->options.latency_ns = GPU_SPLIT_LATENCY_NS;
	if (!split->options.spans_max)
		split->options.spans_max = GPU_SPLIT_SPANS_MAX;
	if (!allocate(split)) {
		gpu_split_destroy(split);
		return out_of_memory(error);
	}
	for (uint32_t i = 0; i < layout->n_processes; i++)
		split->processes[i].horizon_ns = INT64_MIN;
	for (uint32_t i = 0; i < layout->n_streams; i++)
		split->streams[i].launched_ns = INT64_MIN;
	for (uint32_t i = 0; i < layout->n_devices; i++) {
		split->devices[i].process = layout->device_processes[i];
		split->devices[i].number = i;
		split->devices[i].options = &split->options;
		split->processes[layout->device_processes[i]].device = i;
		split->processes[layout->device_processes[i]].n_devices++;
	}
	if (layout->n_threads)
		memcpy(split->thread_processes, layout->thread_processes, layout->n_threads * sizeof *split->thread_processes);
	*ret_split = split;
	return STATUS_OK;
}

void gpu_split_destroy(struct gpu_split *split)
{
	if (!split)
		return;
	for (uint32_t i = 0; split->devices && i < split->layout.n_devices; i++)
		free(split->devices[i].heap);
	for (uint32_t i = 0; split->streams && i < split->layout.n_streams; i++)
		free(split->streams[i].waits);
	for (uint32_t i = 0; split->threads && i < split->layout.n_threads; i++)
		gpu_host_finish(&split->threads[i]);
	for (uint32_t i = 0; split->processes && i < split->layout.n_processes; i++)
		gpu_host_finish(&split->processes[i].overhead);
	free(split->devices);
	free(split->streams);
	free(split->processes);
	free(split->threads);
	free(split->thread_processes);
	free(split->results);
	free(split->stream_results);
	free(split->scratch.edges);
	free(split);
}

/* -- busy time -------------------------------------------------------------------------------------------------------------- */

static int push(struct device *device, struct change change, struct error *error)
{
	if (device->n_heap == device->capacity) {
		uint32_t capacity = device->capacity ? device->capacity * 2 : FIRST_CAPACITY;
		struct change *heap = realloc(device->heap, capacity * sizeof *heap);
		if (!heap)
			return out_of_memory(error);
		device->heap = heap;
		device->capacity = capacity;
	}
	uint32_t at = device->n_heap++;
	for (; at && device->heap[(at - 1) / 2].ns > change.ns; at = (at - 1) / 2)
		device->heap[at] = device->heap[(at - 1) / 2];
	device->heap[at] = change;
	return STATUS_OK;
}

static struct change pop(struct device *device)
{
	struct change first = device->heap[0], last = device->heap[--device->n_heap];
	uint32_t at = 0, child;
	while ((child = 2 * at + 1) < device->n_heap) {
		if (child + 1 < device->n_heap && device->heap[child + 1].ns < device->heap[child].ns)
			child++;
		if (device->heap[child].ns >= last.ns)
			break;
		device->heap[at] = device->heap[child];
		at = child;
	}
	device->heap[at] = last;
	return first;
}

static void put(struct device *device, int64_t start_ns, int64_t end_ns, enum gpu_time kind)
{
	device->sum.ns[kind] += end_ns - start_ns;
	if (device->options->piece && end_ns > start_ns)
		device->options->piece(device->options->user, device->number, start_ns, end_ns, kind);
}

static void account(struct device *device, int64_t until_ns)
{
	static const enum gpu_time kinds[GPU_WORK_CLASSES] = { [GPU_WORK_COMPUTE] = GPU_TIME_COMPUTE, [GPU_WORK_COLLECTIVE] = GPU_TIME_COLLECTIVE,
		[GPU_WORK_LATE] = GPU_TIME_LATE_RANK, [GPU_WORK_COPY] = GPU_TIME_COPY, [GPU_WORK_GRAPH] = GPU_TIME_GRAPH };
	struct gpu_split_device *sum = &device->sum;
	const int *counts = device->counts;
	int64_t ns = until_ns - device->now_ns;
	int first = 0;
	while (first < GPU_WORK_CLASSES && !counts[first])
		first++;
	device->now_ns = until_ns;
	if (first == GPU_WORK_CLASSES || !ns)
		return;
	put(device, until_ns - ns, until_ns, kinds[first]);
	sum->busy_ns += ns;
	bool computes = counts[GPU_WORK_COMPUTE], communicates = counts[GPU_WORK_COLLECTIVE] || counts[GPU_WORK_LATE];
	bool copies = counts[GPU_WORK_COPY];
	sum->union_ns[GPU_WORK_COMPUTE] += computes ? ns : 0;
	sum->union_ns[GPU_WORK_COLLECTIVE] += communicates ? ns : 0;
	sum->union_ns[GPU_WORK_LATE] += counts[GPU_WORK_LATE] ? ns : 0;
	sum->union_ns[GPU_WORK_COPY] += copies ? ns : 0;
	sum->union_ns[GPU_WORK_GRAPH] += counts[GPU_WORK_GRAPH] ? ns : 0;
	sum->hidden_ns += computes && communicates ? ns : 0;
	sum->exposed_ns += communicates && !computes ? ns : 0;
	sum->exposed_copy_ns += copies && !computes && !communicates ? ns : 0;
}

static void advance(struct device *device, int64_t until_ns)
{
	while (device->n_heap && device->heap[0].ns <= until_ns) {
		struct change change = pop(device);
		account(device, change.ns);
		device->counts[change.class] += change.step;
	}
	account(device, until_ns);
}

/* Work that lasts no time changes nothing here, but ends an idle stretch all the same. */
static int begin_work(struct device *device, const struct gpu_work *work, struct error *error)
{
	enum gpu_work_class class = work->class;
	int64_t moves_ns = work->start_ns;
	int status = STATUS_OK;
	if (work->end_ns <= work->start_ns)
		return STATUS_OK;
	if (class == GPU_WORK_COLLECTIVE && work->late_until_ns != GPU_SPLIT_NEVER)
		moves_ns = clamp(work->late_until_ns, work->start_ns, work->end_ns);
	if (moves_ns > work->start_ns) {
		device->counts[GPU_WORK_LATE]++;
		status = push(device, (struct change){ moves_ns, GPU_WORK_LATE, -1 }, error);
		if (status == STATUS_OK)
			status = push(device, (struct change){ moves_ns, class, 1 }, error);
	} else {
		device->counts[class]++;
	}
	return status == STATUS_OK ? push(device, (struct change){ work->end_ns, class, -1 }, error) : status;
}

/* -- idle time -------------------------------------------------------------------------------------------------------------- */

/* Whether the stream was told to wait for an event between the launches before and this one. */
static bool take_waits(struct stream *stream, const struct gpu_launch *launch)
{
	bool is_told = false;
	for (; stream->first < stream->n && stream->waits[stream->first] <= launch->start_ns; stream->first++)
		is_told = is_told || stream->waits[stream->first] > stream->launched_ns;
	if (stream->launched_ns < launch->start_ns)
		stream->launched_ns = launch->start_ns;
	return is_told;
}

static void keep_gap(struct gpu_split_device *sum, const struct gpu_split_gap *gap)
{
	uint32_t shortest = 0;
	if (sum->n_longest < GPU_SPLIT_GAPS) {
		sum->gaps[sum->n_longest++] = *gap;
		return;
	}
	for (uint32_t i = 1; i < sum->n_longest; i++) {
		if (sum->gaps[i].ns < sum->gaps[shortest].ns)
			shortest = i;
	}
	if (gap->ns > sum->gaps[shortest].ns)
		sum->gaps[shortest] = *gap;
}

static void put_idle(void *user, int64_t start_ns, int64_t end_ns, enum gpu_time kind)
{
	struct device *device = user;
	device->gap_ns[kind] += end_ns - start_ns;
	put(device, start_ns, end_ns, kind);
}

static void end_gap(struct device *device, const struct gpu_work *next)
{
	struct gpu_split_gap gap = { .start_ns = device->busy_until_ns, .ns = next->start_ns - device->busy_until_ns, .before = device->last_row,
		.after = next->row };
	for (int i = 0; i < GPU_TIME_COUNT; i++) {
		if (device->gap_ns[i] > gap.kind_ns) {
			gap.kind = (enum gpu_time)i;
			gap.kind_ns = device->gap_ns[i];
		}
	}
	device->sum.n_gaps++;
	keep_gap(&device->sum, &gap);
}

/* What the launched work waited for from the moment at which its launch was called, or the device fell idle. */
static enum gpu_time queue_kind(const struct gpu_split *split, const struct device *device, const struct gpu_work *next, int64_t ns, bool waits)
{
	if (ns < split->options.latency_ns)
		return GPU_TIME_LATENCY;
	return waits || next->launch.row == device->last_launch ? GPU_TIME_DEPENDENCY : GPU_TIME_UNKNOWN;
}

/* [g0, g1): until the call that launched the next work began, what its thread did; then the way to the device. A call that
 * takes long is the host's. */
static int divide_gap(struct gpu_split *split, struct device *device, const struct gpu_work *next, bool waits, struct error *error)
{
	const struct gpu_launch *launch = &next->launch;
	int64_t g0 = device->busy_until_ns, g1 = next->start_ns, host_until_ns = g0;
	enum gpu_time kind = GPU_TIME_UNKNOWN;
	int status = STATUS_OK;
	memset(device->gap_ns, 0, sizeof device->gap_ns);
	if (launch->row) {
		int64_t called_ns = clamp(launch->start_ns, g0, g1);
		kind = queue_kind(split, device, next, g1 - called_ns, waits);
		host_until_ns = kind == GPU_TIME_UNKNOWN ? clamp(launch->end_ns, called_ns, g1) : called_ns;
	}
	if (host_until_ns > g0)
		status = gpu_host_divide(&split->threads[launch->thread], &split->processes[device->process].overhead, g0, host_until_ns,
			&split->scratch, put_idle, device, error);
	put_idle(device, host_until_ns, g1, kind);
	end_gap(device, next);
	return status;
}

/* -- streams ---------------------------------------------------------------------------------------------------------------- */

static void add_to_stream(struct stream *stream, const struct gpu_work *work, int64_t latency_ns)
{
	struct gpu_split_stream *sum = &stream->sum;
	int64_t ns = work->start_ns - stream->before_ns;
	sum->device = work->device;
	if (sum->n) {
		sum->unlinked_ns += work->launch.row ? 0 : ns;
		if (work->launch.row && work->launch.start_ns > stream->before_ns)
			sum->host_ns += ns;
		else if (ns < latency_ns)
			sum->kernel_ns += ns;
		else
			sum->other_ns += ns;
	}
	stream->before_ns = work->end_ns;
	if (!sum->n++)
		stream->end_ns = work->start_ns;
	int64_t start_ns = work->start_ns > stream->end_ns ? work->start_ns : stream->end_ns;
	if (work->end_ns > start_ns)
		sum->busy_ns += work->end_ns - start_ns;
	if (work->end_ns > stream->end_ns)
		stream->end_ns = work->end_ns;
}

/* -- feeding ---------------------------------------------------------------------------------------------------------------- */

static void begin_device(const struct gpu_split *split, struct device *device, int64_t at_ns)
{
	struct gpu_split_device *sum = &device->sum;
	sum->start_ns = split->layout.start_ns < at_ns ? split->layout.start_ns : at_ns;
	put(device, sum->start_ns, at_ns, GPU_TIME_HEAD);
	sum->first_ns = device->now_ns = device->busy_until_ns = at_ns;
}

int gpu_split_add_work(struct gpu_split *split, const struct gpu_work *work, struct error *error)
{
	struct device *device = &split->devices[work->device];
	struct stream *stream = &split->streams[work->stream];
	int status = STATUS_OK;
	if (device->sum.n && work->start_ns < device->last_start_ns)
		return error_set(error, STATUS_TRACE, "the spans of a device are not in order of time: the trace is damaged");
	bool waits = work->launch.row && take_waits(stream, &work->launch);
	if (!device->sum.n)
		begin_device(split, device, work->start_ns);
	advance(device, work->start_ns);
	if (work->start_ns > device->busy_until_ns)
		status = divide_gap(split, device, work, waits, error);
	if (status == STATUS_OK)
		status = begin_work(device, work, error);
	add_to_stream(stream, work, split->options.latency_ns);
	device->sum.n++;
	device->sum.n_unlinked += !work->launch.row;
	device->last_start_ns = work->start_ns;
	device->last_launch = work->launch.row;
	if (work->end_ns >= device->busy_until_ns || work->start_ns > device->busy_until_ns)
		device->last_row = work->row;
	if (device->busy_until_ns < work->start_ns)
		device->busy_until_ns = work->start_ns;
	if (device->busy_until_ns < work->end_ns)
		device->busy_until_ns = work->end_ns;
	return status;
}

/* The moment before which no device of the process may ask. */
static int64_t find_horizon(struct gpu_split *split, uint32_t idx, int64_t now_ns)
{
	struct process *process = &split->processes[idx];
	int64_t horizon_ns = INT64_MAX;
	for (uint32_t i = process->n_devices == 1 ? process->device : 0; i < split->layout.n_devices; i++) {
		const struct device *device = &split->devices[i];
		int64_t ns = device->sum.n ? device->busy_until_ns : now_ns;
		if (device->process == idx && ns < horizon_ns)
			horizon_ns = ns;
		if (process->n_devices == 1)
			break;
	}
	return horizon_ns;
}

static int keep_host(struct gpu_split *split, uint32_t idx, struct gpu_host *host, const struct gpu_host_span *span, struct error *error)
{
	struct process *process = &split->processes[idx];
	if (process->n_devices == 1 || host->n == host->capacity)
		process->horizon_ns = find_horizon(split, idx, span->start_ns);
	return gpu_host_add(host, span, process->horizon_ns, split->options.spans_max, error);
}

int gpu_split_add_host(struct gpu_split *split, uint32_t thread, enum gpu_time kind, int64_t start_ns, int64_t end_ns, struct error *error)
{
	struct gpu_host_span span = { start_ns, end_ns, kind };
	return keep_host(split, split->thread_processes[thread], &split->threads[thread], &span, error);
}

int gpu_split_add_overhead(struct gpu_split *split, uint32_t process, enum gpu_time kind, int64_t start_ns, int64_t end_ns, struct error *error)
{
	struct gpu_host_span span = { start_ns, end_ns, kind };
	return keep_host(split, process, &split->processes[process].overhead, &span, error);
}

int gpu_split_add_wait(struct gpu_split *split, uint32_t idx, int64_t at_ns, struct error *error)
{
	struct stream *stream = &split->streams[idx];
	if (stream->n == stream->capacity && stream->first > stream->n / 2) {
		stream->n -= stream->first;
		memmove(stream->waits, stream->waits + stream->first, stream->n * sizeof *stream->waits);
		stream->first = 0;
	}
	if (stream->n == stream->capacity) {
		uint32_t capacity = stream->capacity ? stream->capacity * 2 : FIRST_CAPACITY;
		int64_t *waits = realloc(stream->waits, capacity * sizeof *waits);
		if (!waits)
			return out_of_memory(error);
		stream->waits = waits;
		stream->capacity = capacity;
	}
	stream->waits[stream->n++] = at_ns;
	return STATUS_OK;
}

/* -- the end ---------------------------------------------------------------------------------------------------------------- */

static int longest_first(const void *a, const void *b)
{
	const struct gpu_split_gap *x = a, *y = b;
	if (x->ns != y->ns)
		return (x->ns < y->ns) - (x->ns > y->ns);
	return (x->start_ns > y->start_ns) - (x->start_ns < y->start_ns);
}

void gpu_split_end(struct gpu_split *split)
{
	for (uint32_t i = 0; i < split->layout.n_devices; i++) {
		struct device *device = &split->devices[i];
		struct gpu_split_device *sum = &device->sum;
		if (sum->n) {
			advance(device, device->busy_until_ns);
			sum->last_ns = device->busy_until_ns;
			sum->end_ns = split->layout.end_ns > sum->last_ns ? split->layout.end_ns : sum->last_ns;
			put(device, sum->last_ns, sum->end_ns, GPU_TIME_TAIL);
			qsort(sum->gaps, sum->n_longest, sizeof *sum->gaps, longest_first);
		}
		split->results[i] = *sum;
	}
	for (uint32_t i = 0; i < split->layout.n_streams; i++)
		split->stream_results[i] = split->streams[i].sum;
}

const struct gpu_split_device *gpu_split_devices(const struct gpu_split *split)
{
	return split->results;
}

const struct gpu_split_stream *gpu_split_streams(const struct gpu_split *split)
{
	return split->stream_results;
}
