/* SPDX-License-Identifier: Apache-2.0
 *
 * Where device time went: thousands of random small runs against a brute force that looks at every single instant, the worked cases of
 * doc/device-time.md, what happens at the limits.
 */
#include "traces/gpu_split.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/attributes.h"
#include "tests/support/trials.h"

#define N_RUNS 4000
#define UNITS 240
#define DEVICES_MAX 3
#define STREAMS_MAX 6
#define THREADS_MAX 4
#define ITEMS_MAX 120
#define LATENCY 9
#define NEVER GPU_SPLIT_NEVER

enum item_type { WORK, HOST, OVERHEAD, WAIT };

struct item {
	enum item_type type;
	int64_t start, end;
	uint32_t owner;          /* stream, thread or process */
	enum gpu_time kind;      /* of hosts and overheads */
	struct gpu_work work;
};

struct run {
	int64_t start, end;
	uint32_t n_devices, n_streams, n_threads, n_processes;
	uint32_t device_processes[DEVICES_MAX], thread_processes[THREADS_MAX], stream_devices[STREAMS_MAX];
	struct item items[ITEMS_MAX];
	int n;
};

/* -- brute force ------------------------------------------------------------------------------------------------------------ */

static int64_t max_of(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static bool is_work_of(const struct item *item, uint32_t device)
{
	return item->type == WORK && item->work.device == device;
}

static bool runs_at(const struct item *item, int64_t t)
{
	return item->start <= t && t < item->end;
}

/* What kinds of work run at t: bits by class, a collective before its last rank as LATE. */
static unsigned classes_at(const struct run *run, uint32_t device, int64_t t)
{
	unsigned classes = 0;
	for (int i = 0; i < run->n; i++) {
		const struct item *item = &run->items[i];
		if (!is_work_of(item, device) || !runs_at(item, t))
			continue;
		bool is_late = item->work.class == GPU_WORK_COLLECTIVE && item->work.late_until_ns != NEVER && t < item->work.late_until_ns;
		classes |= 1u << (is_late ? GPU_WORK_LATE : item->work.class);
	}
	return classes;
}

static enum gpu_time host_kind_at(const struct run *run, uint32_t thread, uint32_t process, int64_t t)
{
	enum gpu_time kind = GPU_TIME_HOST_OTHER;
	for (int i = 0; i < run->n; i++) {
		const struct item *item = &run->items[i];
		bool is_meant = (item->type == HOST && item->owner == thread) || (item->type == OVERHEAD && item->owner == process);
		if (is_meant && runs_at(item, t) && item->kind < kind)
			kind = item->kind;
	}
	return kind;
}

static bool waits_before(const struct run *run, int next)
{
	const struct gpu_work *work = &run->items[next].work;
	int64_t since = INT64_MIN;
	for (int i = 0; i < next; i++) {
		const struct item *item = &run->items[i];
		if (item->type == WORK && item->work.stream == work->stream && item->work.launch.row)
			since = max_of(since, item->work.launch.start_ns);
	}
	for (int i = 0; i < next; i++) {
		const struct item *item = &run->items[i];
		if (item->type == WAIT && item->owner == work->stream && item->start > since && item->start <= work->launch.start_ns)
			return true;
	}
	return false;
}

static enum gpu_time idle_kind_at(const struct run *run, uint32_t device, int next, int before, int64_t idle_since, int64_t t)
{
	const struct gpu_work *work = &run->items[next].work;
	int64_t called = max_of(work->launch.start_ns, idle_since);
	if (!work->launch.row)
		return GPU_TIME_UNKNOWN;
	if (t < called)
		return host_kind_at(run, work->launch.thread, run->device_processes[device], t);
	if (work->start_ns - called < LATENCY)
		return GPU_TIME_LATENCY;
	if (waits_before(run, next) || run->items[before].work.launch.row == work->launch.row)
		return GPU_TIME_DEPENDENCY;
	return t < work->launch.end_ns ? host_kind_at(run, work->launch.thread, run->device_processes[device], t) : GPU_TIME_UNKNOWN;
}

static enum gpu_time kind_at(const struct run *run, uint32_t device, int64_t t)
{
	static const enum gpu_time busy[] = { GPU_TIME_COMPUTE, GPU_TIME_COLLECTIVE, GPU_TIME_LATE_RANK, GPU_TIME_COPY, GPU_TIME_GRAPH };
	unsigned classes = classes_at(run, device, t);
	int next = -1, before = -1;
	int64_t idle_since = INT64_MIN;
	for (size_t i = 0; i < ARRAY_LEN(busy); i++) {
		if (classes & 1u << i)
			return busy[i];
	}
	for (int i = 0; i < run->n; i++) {
		const struct item *item = &run->items[i];
		if (!is_work_of(item, device))
			continue;
		if (item->start > t && next < 0)
			next = i;
		if (item->start > t)
			continue;
		before = i;
		idle_since = max_of(idle_since, item->end);
	}
	if (before < 0)
		return GPU_TIME_HEAD;
	return next < 0 ? GPU_TIME_TAIL : idle_kind_at(run, device, next, before, idle_since, t);
}

static void brute_force(const struct run *run, uint32_t device, struct gpu_split_device *sum)
{
	*sum = (struct gpu_split_device){ .start_ns = run->start, .end_ns = run->end, .first_ns = INT64_MAX };
	for (int i = 0; i < run->n; i++) {
		const struct item *item = &run->items[i];
		if (!is_work_of(item, device))
			continue;
		sum->n++;
		sum->n_unlinked += !item->work.launch.row;
		sum->first_ns = item->start < sum->first_ns ? item->start : sum->first_ns;
		sum->last_ns = max_of(sum->last_ns, item->end);
	}
	for (int64_t t = run->start; t < run->end && sum->n; t++) {
		unsigned classes = classes_at(run, device, t);
		bool computes = classes & 1u << GPU_WORK_COMPUTE, copies = classes & 1u << GPU_WORK_COPY;
		bool communicates = classes & (1u << GPU_WORK_COLLECTIVE | 1u << GPU_WORK_LATE);
		sum->ns[kind_at(run, device, t)]++;
		sum->busy_ns += classes != 0;
		for (int class = 0; class < GPU_WORK_CLASSES; class++)
			sum->union_ns[class] += class == GPU_WORK_COLLECTIVE ? communicates : (classes >> class) & 1;
		sum->hidden_ns += computes && communicates;
		sum->exposed_ns += communicates && !computes;
		sum->exposed_copy_ns += copies && !computes && !communicates;
	}
}

/* HTA's definition: consecutive events of a stream, whether or not they overlap. */
static void brute_force_stream(const struct run *run, uint32_t stream, struct gpu_split_stream *sum)
{
	int64_t end = 0;
	bool is_busy[UNITS + 1] = { false };
	*sum = (struct gpu_split_stream){ 0 };
	for (int i = 0; i < run->n; i++) {
		const struct item *item = &run->items[i];
		if (item->type != WORK || item->work.stream != stream)
			continue;
		int64_t gap = item->start - end;
		if (sum->n++) {
			bool is_known = item->work.launch.row;
			bool is_host = is_known && item->work.launch.start_ns > end;
			sum->unlinked_ns += is_known ? 0 : gap;
			*(is_host ? &sum->host_ns : gap < LATENCY ? &sum->kernel_ns : &sum->other_ns) += gap;
		}
		end = item->end;
		for (int64_t t = item->start; t < item->end; t++)
			is_busy[t] = true;
	}
	for (int t = 0; t <= UNITS; t++)
		sum->busy_ns += is_busy[t];
}

/* -- random runs ------------------------------------------------------------------------------------------------------------ */

static int pick(unsigned *seed, int low, int high)
{
	*seed = *seed * 1103515245u + 12345u;
	return low + (int)(*seed >> 16) % (high - low + 1);
}

static uint32_t thread_of(const struct run *run, uint32_t process, unsigned *seed)
{
	uint32_t thread = (uint32_t)pick(seed, 0, (int)run->n_threads - 1);
	for (uint32_t i = 0; i < run->n_threads && run->thread_processes[thread] != process; i++)
		thread = (thread + 1) % run->n_threads;
	return thread;
}

/* Calls mostly come shortly before their work, some long before, some (clocks that disagree) after; some own several pieces of work. */
static struct gpu_launch make_launch(const struct run *run, uint32_t device, int64_t start, unsigned *seed)
{
	struct gpu_launch launch = { 0 };
	int way = pick(seed, 0, 9);
	uint32_t process = run->device_processes[device], thread = thread_of(run, process, seed);
	if (way == 0 || run->thread_processes[thread] != process)
		return launch;
	launch.start_ns = start - (way == 1 ? pick(seed, -4, 0) : way < 5 ? pick(seed, 0, 60) : pick(seed, 0, 12));
	launch.end_ns = launch.start_ns + pick(seed, 0, way == 6 ? 40 : 6);
	launch.row = 1 + pick(seed, 0, 2) * 1000 + (way == 7 ? 0 : launch.start_ns + 100);
	launch.thread = thread;
	return launch;
}

static void make_work(struct run *run, struct item *item, unsigned *seed)
{
	static const enum gpu_work_class classes[] = { GPU_WORK_COMPUTE, GPU_WORK_COMPUTE, GPU_WORK_COLLECTIVE, GPU_WORK_COPY, GPU_WORK_GRAPH };
	struct gpu_work *work = &item->work;
	item->end = item->start + (pick(seed, 0, 7) ? pick(seed, 1, 14) : 0);
	work->stream = (uint32_t)pick(seed, 0, (int)run->n_streams - 1);
	work->device = run->stream_devices[work->stream];
	work->class = classes[pick(seed, 0, 4)];
	work->late_until_ns = pick(seed, 0, 1) ? item->start + pick(seed, -3, 12) : NEVER;
	work->launch = make_launch(run, work->device, item->start, seed);
}

static void make_item(struct run *run, struct item *item, unsigned *seed)
{
	int type = pick(seed, 0, 9);
	item->type = type < 4 ? WORK : type < 8 ? HOST : type < 9 ? OVERHEAD : WAIT;
	item->start = pick(seed, 0, UNITS - 40);
	item->end = item->start + pick(seed, 0, pick(seed, 0, 4) ? 9 : 40);
	switch (item->type) {
	case WORK:
		make_work(run, item, seed);
		break;
	case HOST:
		item->owner = (uint32_t)pick(seed, 0, (int)run->n_threads - 1);
		item->kind = (enum gpu_time)pick(seed, GPU_TIME_HOST_MODULE, GPU_TIME_HOST_CODE);
		break;
	case OVERHEAD:
		item->owner = (uint32_t)pick(seed, 0, (int)run->n_processes - 1);
		item->kind = (enum gpu_time)pick(seed, GPU_TIME_PROFILER, GPU_TIME_HOST_QUEUE);
		break;
	case WAIT:
		item->owner = (uint32_t)pick(seed, 0, (int)run->n_streams - 1);
		item->end = item->start;
		break;
	}
}

static int by_start(const void *a, const void *b)
{
	const struct item *x = a, *y = b;
	return (x->start > y->start) - (x->start < y->start);
}

static void make_run(struct run *run, unsigned seed)
{
	memset(run, 0, sizeof *run);
	run->end = UNITS;
	run->n_processes = (uint32_t)pick(&seed, 1, 2);
	run->n_devices = (uint32_t)pick(&seed, 1, DEVICES_MAX);
	run->n_streams = run->n_devices + (uint32_t)pick(&seed, 0, STREAMS_MAX - DEVICES_MAX);
	run->n_threads = run->n_processes + (uint32_t)pick(&seed, 0, 2);
	for (uint32_t i = 0; i < run->n_devices; i++)
		run->device_processes[i] = i < run->n_processes ? i : (uint32_t)pick(&seed, 0, (int)run->n_processes - 1);
	for (uint32_t i = 0; i < run->n_threads; i++)
		run->thread_processes[i] = i % run->n_processes;
	for (uint32_t i = 0; i < run->n_streams; i++)
		run->stream_devices[i] = i % run->n_devices;
	run->n = pick(&seed, 0, ITEMS_MAX);
	for (int i = 0; i < run->n; i++)
		make_item(run, &run->items[i], &seed);
	qsort(run->items, (size_t)run->n, sizeof run->items[0], by_start);
	for (int i = 0; i < run->n; i++) {
		struct item *item = &run->items[i];
		item->work.row = i + 1;
		item->work.start_ns = item->start;
		item->work.end_ns = item->end;
	}
}

/* -- feeding ---------------------------------------------------------------------------------------------------------------- */

struct pieces {
	int64_t at[DEVICES_MAX], ns[DEVICES_MAX][GPU_TIME_COUNT];
	bool has_hole;
};

static void take_piece(void *user, uint32_t device, int64_t start, int64_t end, enum gpu_time kind)
{
	struct pieces *pieces = user;
	pieces->has_hole = pieces->has_hole || start != pieces->at[device] || end <= start;
	pieces->at[device] = end;
	pieces->ns[device][kind] += end - start;
}

static struct gpu_split *feed(const struct run *run, uint32_t spans_max, struct pieces *pieces)
{
	struct error error = { 0 };
	struct gpu_split *split = NULL;
	struct gpu_split_options options = { .latency_ns = LATENCY, .spans_max = spans_max, .piece = take_piece, .user = pieces };
	struct gpu_split_layout layout = { run->start, run->end, run->n_devices, run->n_streams, run->n_threads, run->n_processes,
		run->device_processes, run->thread_processes };
	int status = gpu_split_create(&layout, &options, &error, &split);
	for (int i = 0; i < run->n && status == STATUS_OK; i++) {
		const struct item *item = &run->items[i];
		if (item->type == WORK)
			status = gpu_split_add_work(split, &item->work, &error);
		else if (item->type == HOST)
			status = gpu_split_add_host(split, item->owner, item->kind, item->start, item->end, &error);
		else if (item->type == OVERHEAD)
			status = gpu_split_add_overhead(split, item->owner, item->kind, item->start, item->end, &error);
		else
			status = gpu_split_add_wait(split, item->owner, item->start, &error);
	}
	cr_assert(status == STATUS_OK, "%s", error.text);
	gpu_split_end(split);
	return split;
}

static void compare_device(unsigned seed, uint32_t idx, const struct gpu_split_device *got, const struct gpu_split_device *expected,
	const struct pieces *pieces)
{
	int64_t sum = 0;
	cr_assert(got->n == expected->n && got->n_unlinked == expected->n_unlinked,
		"run %u device %u: %lld pieces of work (%lld), expected %lld (%lld)", seed, idx, (long long)got->n,
		(long long)got->n_unlinked, (long long)expected->n, (long long)expected->n_unlinked);
	for (int kind = 0; kind < GPU_TIME_COUNT; kind++) {
		cr_assert(got->ns[kind] == expected->ns[kind], "run %u device %u %s: %lld, brute force %lld", seed, idx,
			gpu_time_word((enum gpu_time)kind), (long long)got->ns[kind], (long long)expected->ns[kind]);
		cr_assert(pieces->ns[idx][kind] == got->ns[kind], "run %u device %u %s: pieces %lld, sum %lld", seed, idx,
			gpu_time_word((enum gpu_time)kind), (long long)pieces->ns[idx][kind], (long long)got->ns[kind]);
		sum += got->ns[kind];
	}
	cr_assert(!got->n || (sum == UNITS && got->first_ns == expected->first_ns && got->last_ns == expected->last_ns),
		"run %u device %u: sum %lld of %d", seed, idx, (long long)sum, UNITS);
	for (int class = 0; class < GPU_WORK_CLASSES; class++)
		cr_assert(got->union_ns[class] == expected->union_ns[class], "run %u device %u class %d: %lld, brute force %lld", seed, idx, class,
			(long long)got->union_ns[class], (long long)expected->union_ns[class]);
	cr_assert(got->busy_ns == expected->busy_ns && got->hidden_ns == expected->hidden_ns &&
			  got->exposed_ns == expected->exposed_ns && got->exposed_copy_ns == expected->exposed_copy_ns,
		"run %u device %u: busy %lld hidden %lld exposed %lld copies %lld, brute force %lld %lld %lld %lld", seed,
		idx, (long long)got->busy_ns, (long long)got->hidden_ns, (long long)got->exposed_ns,
		(long long)got->exposed_copy_ns, (long long)expected->busy_ns, (long long)expected->hidden_ns,
		(long long)expected->exposed_ns, (long long)expected->exposed_copy_ns);
}

static void compare_run(const struct run *run, unsigned seed)
{
	struct pieces pieces = { 0 };
	struct gpu_split *split = feed(run, 0, &pieces);
	for (uint32_t i = 0; i < run->n_devices; i++) {
		struct gpu_split_device expected;
		brute_force(run, i, &expected);
		compare_device(seed, i, &gpu_split_devices(split)[i], &expected, &pieces);
	}
	cr_assert(!pieces.has_hole, "run %u: the pieces do not follow each other", seed);
	for (uint32_t i = 0; i < run->n_streams; i++) {
		struct gpu_split_stream expected;
		const struct gpu_split_stream *got = &gpu_split_streams(split)[i];
		brute_force_stream(run, i, &expected);
		cr_assert(got->n == expected.n && got->busy_ns == expected.busy_ns && got->host_ns == expected.host_ns &&
				  got->kernel_ns == expected.kernel_ns && got->other_ns == expected.other_ns &&
				  got->unlinked_ns == expected.unlinked_ns,
			"run %u stream %u: %lld busy %lld host %lld kernel %lld other %lld unlinked %lld, brute force %lld "
			"%lld %lld %lld %lld %lld",
			seed, i, (long long)got->n, (long long)got->busy_ns, (long long)got->host_ns,
			(long long)got->kernel_ns, (long long)got->other_ns, (long long)got->unlinked_ns,
			(long long)expected.n, (long long)expected.busy_ns, (long long)expected.host_ns,
			(long long)expected.kernel_ns, (long long)expected.other_ns, (long long)expected.unlinked_ns);
	}
	gpu_split_destroy(split);
}

Test(gpu_split, equals_brute_force_on_random_runs)
{
	static struct run run;
	int n_runs = trials(N_RUNS);
	for (int seed = 0; seed < n_runs; seed++) {
		make_run(&run, (unsigned)seed);
		compare_run(&run, (unsigned)seed);
	}
}

/* The longest idle stretches are kept, longest first, with the work at both ends. */
Test(gpu_split, keeps_the_longest_gaps)
{
	struct pieces pieces = { 0 };
	static struct run run = { .end = 100000, .n_devices = 1, .n_streams = 1, .n_threads = 1, .n_processes = 1 };
	int64_t at = 0;
	for (run.n = 0; run.n < 60; run.n++) {
		at += 10 + (run.n * 37) % 61;
		run.items[run.n] = (struct item){ .type = WORK, .start = at, .end = at + 5,
			.work = { .row = run.n + 1, .start_ns = at, .end_ns = at + 5, .late_until_ns = NEVER } };
		at += 5;
	}
	struct gpu_split *split = feed(&run, 0, &pieces);
	const struct gpu_split_device *device = &gpu_split_devices(split)[0];
	cr_assert(device->n_gaps == 59 && device->n_longest == GPU_SPLIT_GAPS, "%lld gaps, %u kept", (long long)device->n_gaps, device->n_longest);
	for (uint32_t i = 0; i < device->n_longest; i++) {
		const struct gpu_split_gap *gap = &device->gaps[i];
		int64_t longer = 0, start = run.items[gap->after - 1].start, end = run.items[gap->before - 1].end;
		for (int k = 1; k < run.n; k++)
			longer += run.items[k].start - run.items[k - 1].end > gap->ns;
		cr_assert(longer == i && gap->after == gap->before + 1 && gap->ns == start - end && gap->start_ns == end,
			"gap %u: %lld ns, %lld are longer", i, (long long)gap->ns, (long long)longer);
	}
	gpu_split_destroy(split);
}

/* So many spans that a look back cannot hold them: what was forgotten is unknown, the sum stays. */
Test(gpu_split, what_is_forgotten_is_unknown)
{
	struct error error = { 0 };
	struct gpu_split *split = NULL;
	const uint32_t process = 0;
	struct gpu_split_options options = { .latency_ns = LATENCY, .spans_max = 64 };
	struct gpu_split_layout layout = { 0, 10000, 1, 1, 1, 1, &process, &process };
	struct gpu_work work = { .row = 1, .end_ns = 100, .late_until_ns = NEVER };
	cr_assert(gpu_split_create(&layout, &options, &error, &split) == STATUS_OK, "%s", error.text);
	cr_assert(gpu_split_add_work(split, &work, &error) == STATUS_OK, "%s", error.text);
	for (int64_t at = 200; at < 4200; at += 10)
		cr_assert(gpu_split_add_host(split, 0, GPU_TIME_HOST_CODE, at, at + 5, &error) == STATUS_OK, "%s", error.text);
	work = (struct gpu_work){ .row = 2, .start_ns = 5000, .end_ns = 5100, .late_until_ns = NEVER, .launch = { 9, 4999, 5000, 0 } };
	cr_assert(gpu_split_add_work(split, &work, &error) == STATUS_OK, "%s", error.text);
	gpu_split_end(split);
	const struct gpu_split_device *device = &gpu_split_devices(split)[0];
	int64_t sum = 0;
	for (int kind = 0; kind < GPU_TIME_COUNT; kind++)
		sum += device->ns[kind];
	cr_assert(device->ns[GPU_TIME_UNKNOWN] > 0 && device->ns[GPU_TIME_HOST_CODE] > 0 && sum == 10000, "unknown %lld, code %lld, sum %lld",
		(long long)device->ns[GPU_TIME_UNKNOWN], (long long)device->ns[GPU_TIME_HOST_CODE], (long long)sum);
	gpu_split_destroy(split);
}

Test(gpu_split, refuses_work_that_comes_out_of_order)
{
	struct error error = { 0 };
	struct gpu_split *split = NULL;
	const uint32_t process = 0;
	struct gpu_split_layout layout = { 0, 100, 1, 1, 1, 1, &process, &process };
	struct gpu_work work = { .row = 1, .start_ns = 50, .end_ns = 60, .late_until_ns = NEVER };
	cr_assert(gpu_split_create(&layout, NULL, &error, &split) == STATUS_OK, "%s", error.text);
	cr_assert(gpu_split_add_work(split, &work, &error) == STATUS_OK, "%s", error.text);
	work.start_ns = 40;
	int status = gpu_split_add_work(split, &work, &error);
	cr_assert(status == STATUS_TRACE, "status %d, expected %d", status, STATUS_TRACE);
	gpu_split_destroy(split);
}

/* -- the worked cases of doc/device-time.md, in µs -------------------------------------------------------------------------- */

#define US 1000

struct worked {
	const char *name;
	struct item items[8];
	int n;
	int64_t us[GPU_TIME_COUNT]; /* of a window of 400 µs */
};

#define WORKS(row_, from, to, late_until, ...) { .type = WORK, .start = (from) * US, .end = (to) * US, .work = { .row = row_, \
	.start_ns = (from) * US, .end_ns = (to) * US, .late_until_ns = late_until, ##__VA_ARGS__ } }
#define KERNEL(row_, from, to, ...) WORKS(row_, from, to, NEVER, ##__VA_ARGS__)
#define CALL(row_, from, to) .launch = { row_, (from) * US, (to) * US, 0 }
#define THREAD_DID(kind_, from, to) { .type = HOST, .kind = GPU_TIME_##kind_, .start = (from) * US, .end = (to) * US }

static const struct worked worked[] = {
	{ "one kernel after the other", { KERNEL(1, 10, 60, CALL(11, 0, 5)), KERNEL(2, 64, 100, CALL(12, 5, 9)) }, 2,
	  { [GPU_TIME_HEAD] = 10, [GPU_TIME_COMPUTE] = 86, [GPU_TIME_LATENCY] = 4, [GPU_TIME_TAIL] = 300 } },
	{ "the host is late", { KERNEL(1, 0, 50, CALL(11, 0, 0)), THREAD_DID(HOST_CODE, 40, 140), THREAD_DID(HOST_SYNC, 45, 80),
		  THREAD_DID(HOST_LAUNCH, 150, 158), KERNEL(2, 160, 200, CALL(12, 150, 158)) }, 5,
	  { [GPU_TIME_COMPUTE] = 90, [GPU_TIME_HOST_SYNC] = 30, [GPU_TIME_HOST_CODE] = 60, [GPU_TIME_HOST_OTHER] = 10, [GPU_TIME_LATENCY] = 10,
	    [GPU_TIME_TAIL] = 200 } },
	{ "a stream waits for an event", { KERNEL(1, 0, 50, CALL(11, 0, 0)), { .type = WAIT, .start = 5 * US, .end = 5 * US },
		  KERNEL(2, 120, 200, CALL(12, 8, 12)) }, 3,
	  { [GPU_TIME_COMPUTE] = 130, [GPU_TIME_DEPENDENCY] = 70, [GPU_TIME_TAIL] = 200 } },
	{ "nothing tells why", { KERNEL(1, 0, 50, CALL(11, 0, 0)), KERNEL(2, 120, 200, CALL(12, 8, 12)), KERNEL(3, 250, 300) }, 3,
	  { [GPU_TIME_COMPUTE] = 180, [GPU_TIME_UNKNOWN] = 120, [GPU_TIME_TAIL] = 100 } },
	{ "a call that takes long", { KERNEL(1, 0, 50, CALL(11, 0, 0)), THREAD_DID(HOST_LAUNCH, 60, 160), THREAD_DID(HOST_MODULE, 70, 150),
		  KERNEL(2, 165, 200, CALL(12, 60, 160)) }, 4,
	  { [GPU_TIME_COMPUTE] = 85, [GPU_TIME_HOST_OTHER] = 10, [GPU_TIME_HOST_LAUNCH] = 20, [GPU_TIME_HOST_MODULE] = 80, [GPU_TIME_UNKNOWN] = 5,
	    [GPU_TIME_TAIL] = 200 } },
	{ "a rank that comes late", { WORKS(1, 0, 100, 70 * US, CALL(11, 0, 0), .class = GPU_WORK_COLLECTIVE),
		  KERNEL(2, 20, 40, CALL(12, 1, 2)), KERNEL(3, 90, 120, CALL(13, 3, 4), .class = GPU_WORK_COPY) }, 3,
	  { [GPU_TIME_COMPUTE] = 20, [GPU_TIME_LATE_RANK] = 50, [GPU_TIME_COLLECTIVE] = 30, [GPU_TIME_COPY] = 20, [GPU_TIME_TAIL] = 280 } },
	{ "nodes of one graph", { KERNEL(1, 0, 50, CALL(11, 0, 9)), KERNEL(2, 52, 100, CALL(11, 0, 9)), KERNEL(3, 150, 200, CALL(11, 0, 9)) }, 3,
	  { [GPU_TIME_COMPUTE] = 148, [GPU_TIME_LATENCY] = 2, [GPU_TIME_DEPENDENCY] = 50, [GPU_TIME_TAIL] = 200 } },
};

Test(gpu_split, worked_cases)
{
	for (size_t i = 0; i < ARRAY_LEN(worked); i++) {
		const struct worked *item = &worked[i];
		struct error error = { 0 };
		struct gpu_split *split = NULL;
		const uint32_t process = 0;
		struct gpu_split_layout layout = { 0, 400 * US, 1, 1, 1, 1, &process, &process };
		int status = gpu_split_create(&layout, NULL, &error, &split);
		for (int k = 0; k < item->n && status == STATUS_OK; k++) {
			const struct item *fed = &item->items[k];
			status = fed->type == WORK ? gpu_split_add_work(split, &fed->work, &error)
				: fed->type == WAIT ? gpu_split_add_wait(split, 0, fed->start, &error)
				: gpu_split_add_host(split, 0, fed->kind, fed->start, fed->end, &error);
		}
		cr_assert(status == STATUS_OK, "%s: %s", item->name, error.text);
		gpu_split_end(split);
		for (int kind = 0; kind < GPU_TIME_COUNT; kind++)
			cr_expect(gpu_split_devices(split)[0].ns[kind] == item->us[kind] * US, "%s: %s %lld ns, expected %lld µs", item->name,
				gpu_time_word((enum gpu_time)kind), (long long)gpu_split_devices(split)[0].ns[kind], (long long)item->us[kind]);
		gpu_split_destroy(split);
	}
}
