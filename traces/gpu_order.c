/* SPDX-License-Identifier: Apache-2.0
 *
 * gpu_order: predecessors, found by binary search on the lanes, and the walk.
 */
#include "traces/gpu_order.h"

#include <stdlib.h>
#include <string.h>

#define LOOK_BACK 16       /* spans of a lane that may overlap the one that is looked for */
#define ROUNDING_NS 2000   /* times in whole µs: an end may lie this much behind the call that waited for it */
#define HOPS_MAX 256       /* without getting back in time: clocks contradict each other */

struct thread {
	uint32_t process;
	int64_t number;
	uint32_t first, n;        /* lanes, from the outside in, in `lanes` */
	bool is_launching;
};

/* Work, and work that it had to wait for. */
struct dependency {
	uint32_t work, source;
};

struct gpu_order {
	const struct gpu_model *model;
	const struct collectives *collectives;
	const uint8_t *is_iteration;
	uint32_t annotation;      /* the category of ranges that say little of what a thread does */
	struct thread *threads;
	uint32_t *lanes;          /* of threads, sorted by thread */
	uint32_t *thread_of;      /* [n_lanes] */
	struct dependency *streams, *calls; /* by work; of calls: by call */
	uint32_t n_threads, n_lanes, n_streams, n_calls;
};

static int out_of_memory(struct error *error)
{
	return error_set(error, STATUS_NO_MEMORY, "no memory for what waits for what");
}

const char *gpu_step_word(enum gpu_step_class class)
{
	static const char *const words[GPU_STEP_COUNT] = {
#define X(name, word) [GPU_STEP_##name] = word,
		GPU_STEP_MAP(X)
#undef X
	};
	return words[class];
}

bool gpu_order_is_work(const struct gpu_span *span)
{
	int kind = gpu_kind(span);
	return kind == SPAN_KIND_KERNEL || kind == SPAN_KIND_MEMCPY || kind == SPAN_KIND_MEMSET || kind == SPAN_KIND_GRAPH;
}

/* How many spans of a lane begin before `ns`. */
static uint32_t count_before(const struct gpu_model *model, const struct gpu_lane *lane, int64_t ns)
{
	uint32_t low = 0, high = lane->n;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (model->spans[lane->first + middle].start_ns < ns)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* When the host asked for it; its own start where that is not known. */
int64_t gpu_order_asked_ns(const struct gpu_model *model, const struct gpu_span *span)
{
	return span->launch == GPU_NONE ? span->start_ns : model->spans[span->launch].start_ns;
}

/* -- making ----------------------------------------------------------------------------------------------------------------- */

static int compare_lanes(const void *a, const void *b, void *lanes)
{
	const struct gpu_lane *x = &((const struct gpu_lane *)lanes)[*(const uint32_t *)a],
			      *y = &((const struct gpu_lane *)lanes)[*(const uint32_t *)b];
	if (x->process != y->process)
		return x->process < y->process ? -1 : 1;
	if (x->thread != y->thread)
		return x->thread < y->thread ? -1 : 1;
	return (x->depth > y->depth) - (x->depth < y->depth);
}

static bool launches(const struct gpu_model *model, const struct gpu_lane *lane)
{
	for (uint32_t i = lane->first; i < lane->first + lane->n; i++) {
		if (gpu_kind(&model->spans[i]) == SPAN_KIND_API && model->spans[i].launch != GPU_NONE)
			return true;
	}
	return false;
}

static int find_threads(struct gpu_order *order, struct error *error)
{
	const struct gpu_model *model = order->model;
	order->lanes = malloc(((size_t)model->n_lanes + 1) * sizeof *order->lanes);
	order->threads = calloc((size_t)model->n_lanes + 1, sizeof *order->threads);
	order->thread_of = malloc(((size_t)model->n_lanes + 1) * sizeof *order->thread_of);
	if (!order->lanes || !order->threads || !order->thread_of)
		return out_of_memory(error);
	for (uint32_t i = 0; i < model->n_lanes; i++) {
		order->thread_of[i] = GPU_NONE;
		if (model->lanes[i].kind == GPU_LANE_THREAD)
			order->lanes[order->n_lanes++] = i;
	}
	if (order->n_lanes)
		qsort_r(order->lanes, order->n_lanes, sizeof *order->lanes, compare_lanes, model->lanes);
	for (uint32_t i = 0; i < order->n_lanes; i++) {
		const struct gpu_lane *lane = &model->lanes[order->lanes[i]];
		struct thread *last = order->n_threads ? &order->threads[order->n_threads - 1] : NULL;
		if (!last || last->process != lane->process || last->number != lane->thread) {
			last = &order->threads[order->n_threads++];
			*last = (struct thread){ .process = lane->process, .number = lane->thread, .first = i };
		}
		last->n++;
		last->is_launching = last->is_launching || launches(model, lane);
		order->thread_of[order->lanes[i]] = order->n_threads - 1;
	}
	return STATUS_OK;
}

static bool is_stream(const struct gpu_model *model, uint32_t lane, uint32_t process, int64_t stream)
{
	return model->lanes[lane].kind == GPU_LANE_STREAM && model->lanes[lane].process == process && model->lanes[lane].stream == stream;
}

/* The work on a stream asked for last before `ns`, or first from `ns` on. Streams keep the order in which they were asked. */
static uint32_t work_asked(const struct gpu_model *model, uint32_t process, int64_t stream, int64_t ns, bool is_before)
{
	uint32_t best = GPU_NONE;
	for (uint32_t i = 0; i < model->n_lanes; i++) {
		if (!is_stream(model, i, process, stream))
			continue;
		uint32_t low = 0, high = model->lanes[i].n;
		while (low < high) {
			uint32_t middle = low + (high - low) / 2;
			if (gpu_order_asked_ns(model, &model->spans[model->lanes[i].first + middle]) < ns)
				low = middle + 1;
			else
				high = middle;
		}
		uint32_t found = is_before ? (low ? model->lanes[i].first + low - 1 : GPU_NONE)
			: (low < model->lanes[i].n ? model->lanes[i].first + low : GPU_NONE);
		if (found != GPU_NONE &&
			(best == GPU_NONE || (gpu_order_asked_ns(model, &model->spans[found]) >
						     gpu_order_asked_ns(model, &model->spans[best])) == is_before))
			best = found;
	}
	return best;
}

static int compare_dependencies(const void *a, const void *b)
{
	const struct dependency *x = a, *y = b;
	return (x->work > y->work) - (x->work < y->work);
}

static int find_dependencies(struct gpu_order *order, const struct gpu_event_wait *waits, uint32_t n_waits, struct error *error)
{
	order->streams = malloc(((size_t)n_waits + 1) * sizeof *order->streams);
	order->calls = malloc(((size_t)n_waits + 1) * sizeof *order->calls);
	if (!order->streams || !order->calls)
		return out_of_memory(error);
	for (uint32_t i = 0; i < n_waits; i++) {
		const struct gpu_event_wait *wait = &waits[i];
		uint32_t source = work_asked(order->model, wait->process, wait->record_stream, wait->record_ns, true);
		uint32_t work = wait->call != GPU_NONE ? wait->call : work_asked(order->model, wait->process, wait->stream, wait->wait_ns, false);
		if (source == GPU_NONE || work == GPU_NONE)
			continue;
		if (wait->call != GPU_NONE)
			order->calls[order->n_calls++] = (struct dependency){ work, source };
		else
			order->streams[order->n_streams++] = (struct dependency){ work, source };
	}
	qsort(order->streams, order->n_streams, sizeof *order->streams, compare_dependencies);
	qsort(order->calls, order->n_calls, sizeof *order->calls, compare_dependencies);
	return STATUS_OK;
}

int gpu_order_create(const struct gpu_model *model, const struct gpu_event_wait *waits, uint32_t n_waits, const struct collectives *collectives,
	const uint8_t *is_iteration, struct error *error, struct gpu_order **ret_order)
{
	struct gpu_order *order = calloc(1, sizeof *order);
	if (!order)
		return out_of_memory(error);
	order->model = model;
	order->collectives = collectives;
	order->is_iteration = is_iteration;
	order->annotation = GPU_NONE;
	for (uint32_t i = 0; i < model->n_names && order->annotation == GPU_NONE; i++)
		order->annotation = model->names[i] && strcmp(model->names[i], "user_annotation") == 0 ? i : GPU_NONE;
	int status = find_threads(order, error);
	if (status == STATUS_OK)
		status = find_dependencies(order, waits, n_waits, error);
	if (status == STATUS_OK)
		*ret_order = order;
	else
		gpu_order_free(order);
	return status;
}

void gpu_order_free(struct gpu_order *order)
{
	if (!order)
		return;
	free(order->threads);
	free(order->lanes);
	free(order->thread_of);
	free(order->streams);
	free(order->calls);
	free(order);
}

uint32_t gpu_order_lane_thread(const struct gpu_order *order, uint32_t lane)
{
	return order->thread_of[lane];
}

uint32_t gpu_order_thread(const struct gpu_order *order, uint32_t span)
{
	return order->thread_of[order->model->spans[span].lane];
}

/* -- the walk --------------------------------------------------------------------------------------------------------------- */

struct walk {
	struct gpu_order *order;
	struct gpu_point at;
	int64_t until_ns;
	bool is_over;
	gpu_step_fn *visit;
	void *user;
	struct error *error;
};

/* Goes back to `start_ns`, at most to the end of the walk. */
static int step(struct walk *walk, int64_t start_ns, enum gpu_step_class class, uint32_t span, uint32_t process)
{
	start_ns = start_ns > walk->until_ns ? start_ns : walk->until_ns;
	struct gpu_step taken = { .start_ns = start_ns, .end_ns = walk->at.ns, .class = class, .span = span, .process = process };
	if (start_ns >= walk->at.ns)
		return STATUS_OK;
	walk->at.ns = start_ns;
	return walk->visit(walk->user, &taken, walk->error);
}

static int give_up(struct walk *walk, uint32_t span, uint32_t process)
{
	walk->is_over = true;
	return step(walk, walk->until_ns, GPU_STEP_UNKNOWN, span, process);
}

/* The span of a lane that was over last by `ns`, of those that begin before `before`; of graph work only of one launch. */
static uint32_t over_by(const struct gpu_model *model, const struct gpu_lane *lane, uint32_t before, int64_t ns, uint32_t launch)
{
	uint32_t best = GPU_NONE;
	for (uint32_t i = before, seen = 0; i > 0 && seen < LOOK_BACK; i--, seen++) {
		uint32_t span = lane->first + i - 1;
		const struct gpu_span *other = &model->spans[span];
		bool is_wanted = gpu_order_is_work(other) && other->end_ns <= ns && (launch == GPU_NONE || other->launch == launch);
		if (is_wanted && (best == GPU_NONE || other->end_ns > model->spans[best].end_ns))
			best = span;
	}
	return best;
}

/* What was over last so far. */
struct latest {
	uint32_t span;
	int64_t ns;
	bool is_launch;
};

static void offer(struct latest *latest, const struct gpu_model *model, uint32_t span)
{
	if (span == GPU_NONE || (latest->span != GPU_NONE && model->spans[span].end_ns <= latest->ns))
		return;
	*latest = (struct latest){ .span = span, .ns = model->spans[span].end_ns };
}

static uint32_t first_dependency(const struct dependency *list, uint32_t n, uint32_t work)
{
	uint32_t low = 0, high = n;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (list[middle].work < work)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct latest what_was_last(const struct gpu_order *order, uint32_t work)
{
	const struct gpu_model *model = order->model;
	const struct gpu_span *span = &model->spans[work];
	const struct gpu_lane *lane = &model->lanes[span->lane];
	struct latest latest = { .span = GPU_NONE };
	for (uint32_t i = first_dependency(order->streams, order->n_streams, work); i < order->n_streams && order->streams[i].work == work; i++) {
		if (model->spans[order->streams[i].source].end_ns <= span->start_ns && order->streams[i].source != work)
			offer(&latest, model, order->streams[i].source);
	}
	offer(&latest, model, over_by(model, lane, work - lane->first, span->start_ns, GPU_NONE));
	const struct gpu_span *call = span->launch == GPU_NONE ? NULL : &model->spans[span->launch];
	for (uint32_t i = 0; call && call->class == IMPORT_API_GRAPH_LAUNCH && i < model->n_lanes; i++) {
		const struct gpu_lane *other = &model->lanes[i];
		if (other != lane && other->kind == GPU_LANE_STREAM && other->device == lane->device)
			offer(&latest, model, over_by(model, other, count_before(model, other, span->start_ns), span->start_ns, span->launch));
	}
	int64_t launched_ns = !call ? 0 : call->end_ns < span->start_ns ? call->end_ns : span->start_ns;
	if (call && call->start_ns <= span->start_ns && (latest.span == GPU_NONE || launched_ns > latest.ns))
		latest = (struct latest){ .span = span->launch, .ns = launched_ns, .is_launch = true };
	return latest;
}

static enum gpu_step_class work_class(const struct gpu_span *span)
{
	switch (gpu_kind(span)) {
	case SPAN_KIND_KERNEL:
		return span->class == SPAN_CLASS_COLLECTIVE ? GPU_STEP_COLLECTIVE : GPU_STEP_COMPUTE;
	case SPAN_KIND_GRAPH:
		return GPU_STEP_GRAPH;
	default:
		return GPU_STEP_COPY;
	}
}

static int walk_device(struct walk *walk)
{
	const struct gpu_order *order = walk->order;
	const struct gpu_model *model = order->model;
	uint32_t work = walk->at.span;
	const struct gpu_span *span = &model->spans[work];
	uint32_t process = model->lanes[span->lane].process;
	uint32_t late = order->collectives ? collectives_last(order->collectives, work) : GPU_NONE;
	int64_t late_ns = late == GPU_NONE ? INT64_MIN : model->spans[late].start_ns;
	if (late_ns > span->start_ns && walk->at.ns > span->start_ns) {
		int status = step(walk, late_ns, GPU_STEP_COLLECTIVE, work, process);
		walk->at.span = late;
		return status;
	}
	int status = step(walk, span->start_ns, work_class(span), work, process);
	if (status != STATUS_OK || walk->at.ns <= walk->until_ns)
		return status;
	struct latest latest = what_was_last(order, work);
	if (latest.span == GPU_NONE)
		return give_up(walk, work, process);
	bool is_long = walk->at.ns - latest.ns > GPU_LATENCY_NS;
	status = step(walk, latest.ns, is_long ? GPU_STEP_UNKNOWN : latest.is_launch ? GPU_STEP_LAUNCH : GPU_STEP_GAP, work, process);
	if (latest.is_launch)
		walk->at.thread = order->thread_of[model->spans[latest.span].lane];
	walk->at.span = latest.is_launch ? GPU_NONE : latest.span;
	return status;
}

/* -- on a thread ------------------------------------------------------------------------------------------------------------ */

/* What a thread was in just before a moment, and since when it was in nothing deeper. */
struct inside {
	uint32_t span;
	int64_t since_ns;
};

static struct inside look_inside(const struct gpu_order *order, const struct thread *thread, int64_t ns)
{
	const struct gpu_model *model = order->model;
	struct inside inside = { .span = GPU_NONE, .since_ns = INT64_MIN };
	for (uint32_t i = 0; i < thread->n; i++) {
		const struct gpu_lane *lane = &model->lanes[order->lanes[thread->first + i]];
		uint32_t n = count_before(model, lane, ns);
		for (uint32_t seen = 0; n > 0 && seen < LOOK_BACK && gpu_kind(&model->spans[lane->first + n - 1]) == SPAN_KIND_EVENT; seen++)
			n--;
		if (!n)
			continue;
		uint32_t idx = lane->first + n - 1;
		const struct gpu_span *span = &model->spans[idx];
		int64_t since_ns = span->end_ns >= ns ? span->start_ns : span->end_ns;
		if (span->end_ns >= ns && !(order->is_iteration && order->is_iteration[idx]))
			inside.span = idx;
		inside.since_ns = since_ns > inside.since_ns ? since_ns : inside.since_ns;
	}
	return inside;
}

static bool is_over(const struct gpu_model *model, uint32_t work, int64_t ns)
{
	return work != GPU_NONE && model->spans[work].start_ns < ns && model->spans[work].end_ns <= ns + ROUNDING_NS;
}

/* What a call waited for: the work that it was told to wait for, or all that the process had asked for before it. */
static uint32_t waited_for(const struct gpu_order *order, uint32_t call, int64_t ns)
{
	const struct gpu_model *model = order->model;
	const struct gpu_span *span = &model->spans[call];
	struct latest latest = { .span = GPU_NONE };
	if (span->class == IMPORT_API_COPY)
		return is_over(model, span->launch, ns) ? span->launch : GPU_NONE;
	uint32_t first = first_dependency(order->calls, order->n_calls, call);
	for (uint32_t i = first; i < order->n_calls && order->calls[i].work == call; i++)
		offer(&latest, model, order->calls[i].source);
	if (latest.span != GPU_NONE)
		return is_over(model, latest.span, ns) ? latest.span : GPU_NONE;
	for (uint32_t i = 0; i < model->n_lanes; i++) {
		const struct gpu_lane *lane = &model->lanes[i];
		if (lane->kind != GPU_LANE_STREAM || lane->process != model->lanes[span->lane].process)
			continue;
		uint32_t found = over_by(model, lane, count_before(model, lane, ns), ns + ROUNDING_NS, GPU_NONE);
		if (found != GPU_NONE && gpu_order_asked_ns(model, &model->spans[found]) < span->start_ns)
			offer(&latest, model, found);
	}
	return latest.span;
}

/* In nothing, or in a range of the program's own that says nothing of what goes on in it. */
static bool is_resting(const struct gpu_order *order, const struct inside *inside)
{
	const struct gpu_span *span = inside->span == GPU_NONE ? NULL : &order->model->spans[inside->span];
	return !span || (gpu_kind(span) == SPAN_KIND_MARK && order->annotation != GPU_NONE && span->category == order->annotation);
}

/* Where the path goes on for a thread that rested: another one's latest end since. */
static uint32_t hand_over(const struct gpu_order *order, const struct thread *thread, int64_t since_ns, int64_t ns, int64_t *ret_ns)
{
	uint32_t best = GPU_NONE;
	for (uint32_t i = 0; i < order->n_threads; i++) {
		const struct thread *other = &order->threads[i];
		if (other == thread || other->process != thread->process || !other->is_launching)
			continue;
		struct inside inside = look_inside(order, other, ns);
		if (is_resting(order, &inside) && inside.since_ns > since_ns) {
			best = i;
			since_ns = *ret_ns = inside.since_ns;
		}
	}
	return best;
}

static int walk_rest(struct walk *walk, struct inside inside)
{
	const struct thread *thread = &walk->order->threads[walk->at.thread];
	bool is_long = walk->at.ns - (inside.since_ns > walk->until_ns ? inside.since_ns : walk->until_ns) > GPU_HANDOVER_NS;
	int64_t over_ns = inside.since_ns;
	uint32_t other = is_long ? hand_over(walk->order, thread, over_ns, walk->at.ns, &over_ns) : GPU_NONE;
	if (other != GPU_NONE)
		walk->at.thread = other;
	return step(walk, over_ns, is_long && inside.span == GPU_NONE ? GPU_STEP_UNKNOWN : GPU_STEP_HOST, inside.span, thread->process);
}

static int walk_host(struct walk *walk)
{
	const struct gpu_order *order = walk->order;
	const struct thread *thread = &order->threads[walk->at.thread];
	struct inside inside = look_inside(order, thread, walk->at.ns);
	if (is_resting(order, &inside))
		return walk_rest(walk, inside);
	const struct gpu_span *span = &order->model->spans[inside.span];
	bool is_api = gpu_kind(span) == SPAN_KIND_API;
	bool is_waiting = is_api && (span->class == IMPORT_API_SYNC || span->class == IMPORT_API_COPY);
	uint32_t work = is_waiting ? waited_for(order, inside.span, walk->at.ns) : GPU_NONE;
	int64_t over_ns = work == GPU_NONE ? INT64_MIN : order->model->spans[work].end_ns;
	over_ns = over_ns > walk->at.ns ? walk->at.ns : over_ns;
	enum gpu_step_class class = is_api && span->class == IMPORT_API_SYNC ? GPU_STEP_SYNC
		: gpu_kind(span) == SPAN_KIND_OVERHEAD ? GPU_STEP_PROFILER : GPU_STEP_HOST;
	if (work == GPU_NONE || over_ns <= inside.since_ns)
		return step(walk, inside.since_ns, class, inside.span, thread->process);
	int status = step(walk, over_ns, GPU_STEP_SYNC, inside.span, thread->process);
	walk->at.span = work;
	return status;
}

int gpu_order_walk(struct gpu_order *order, struct gpu_point from, int64_t until_ns, gpu_step_fn *visit, void *user, struct error *error)
{
	struct walk walk = { .order = order, .at = from, .until_ns = until_ns, .visit = visit, .user = user, .error = error };
	int64_t end_ns = from.span == GPU_NONE ? from.ns : order->model->spans[from.span].end_ns;
	int status = end_ns < from.ns ? step(&walk, end_ns, GPU_STEP_UNKNOWN, from.span, GPU_NONE) : STATUS_OK;
	for (uint32_t hops = 0; status == STATUS_OK && walk.at.ns > until_ns && !walk.is_over; hops++) {
		int64_t before_ns = walk.at.ns;
		if (hops > HOPS_MAX)
			return give_up(&walk, walk.at.span, GPU_NONE);
		status = walk.at.span != GPU_NONE     ? walk_device(&walk)
			 : walk.at.thread != GPU_NONE ? walk_host(&walk)
						      : give_up(&walk, GPU_NONE, GPU_NONE);
		hops = walk.at.ns < before_ns ? 0 : hops;
	}
	return status;
}
