/* SPDX-License-Identifier: Apache-2.0
 *
 * Critical paths and the roots of waits: cases worked by hand (those of the page), and thousands of simulated runs. The
 * simulation is the longest path by dynamic programming: every moment is the latest of what must come before; so each ns on
 * the path must move the end, and nothing else is asked of it.
 */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdlib.h>

#include "tests/traces/gpu_case.h"
#include "traces/gpu_critical.h"

#define LATENCY 2000
#define OPS_MAX 400
#define RUNS 3000

static struct error error;

/* -- by hand ---------------------------------------------------------------------------------------------------------------- */

struct found {
	struct gpu_step steps[64];
	int n;
};

static int take(void *user, const struct gpu_step *step, struct error *unused)
{
	struct found *found = user;
	cr_assert_lt(found->n, 64);
	found->steps[found->n++] = *step;
	return STATUS_OK;
}

struct wanted {
	enum gpu_step_class class;
	int64_t start_ns, end_ns;
};

static void check_steps(const char *name, const struct found *found, const struct wanted *wanted, int n)
{
	cr_expect_eq(found->n, n, "%s: %d steps, not %d", name, found->n, n);
	for (int i = 0; i < n && i < found->n; i++) {
		const struct gpu_step *step = &found->steps[found->n - 1 - i];
		cr_expect(step->class == wanted[i].class && step->start_ns == wanted[i].start_ns &&
				  step->end_ns == wanted[i].end_ns,
			"%s: step %d is %s %" PRId64 "..%" PRId64 ", not %s %" PRId64 "..%" PRId64, name, i,
			gpu_step_word(step->class), step->start_ns, step->end_ns, gpu_step_word(wanted[i].class),
			wanted[i].start_ns, wanted[i].end_ns);
	}
}

static void check_path(const char *name, struct gpu_case *made, const struct gpu_event_wait *waits, uint32_t n_waits,
	const struct wanted *wanted, int n)
{
	struct collectives set;
	struct gpu_order *order;
	struct found found = { .n = 0 };
	int64_t start_ns;
	cr_assert_eq(collectives_make(&made->model, NULL, 0, &error, &set), STATUS_OK);
	cr_assert_eq(gpu_order_create(&made->model, waits, n_waits, &set, NULL, &error, &order), STATUS_OK);
	struct gpu_point begin = gpu_critical_begin(&made->model, order, NULL, GPU_NONE, &start_ns);
	cr_assert_eq(gpu_order_walk(order, begin, start_ns, take, &found, &error), STATUS_OK);
	check_steps(name, &found, wanted, n);
	gpu_order_free(order);
	collectives_finish(&set);
	gpu_case_free(made);
}

static uint32_t launch(struct gpu_case *made, uint32_t thread, uint32_t stream, const char *name, int class, int64_t call_ns,
	int64_t start_ns, int64_t end_ns)
{
	uint32_t call = gpu_case_add(made, thread, SPAN_KIND_API, IMPORT_API_LAUNCH, "cudaLaunchKernel", call_ns, call_ns + 10000, GPU_NONE);
	gpu_case_add(made, stream, SPAN_KIND_KERNEL, class, name, start_ns, end_ns, call);
	return call;
}

/* The host launches two kernels and waits: launch, latency, kernel, gap, kernel, the call's return. */
Test(gpu_critical, launches_and_a_synchronise)
{
	struct gpu_case *made = gpu_case_create(1);
	uint32_t thread = gpu_case_lane(made, GPU_LANE_THREAD, 0, 1, 0), stream = gpu_case_lane(made, GPU_LANE_STREAM, 0, 7, -1);
	launch(made, thread, stream, "a", 0, 0, 15000, 115000);
	launch(made, thread, stream, "b", 0, 10000, 116000, 166000);
	gpu_case_add(made, thread, SPAN_KIND_API, IMPORT_API_SYNC, "cudaDeviceSynchronize", 20000, 170000, GPU_NONE);
	gpu_case_end(made);
	const struct wanted wanted[] = { { GPU_STEP_HOST, 0, 10000 }, { GPU_STEP_LAUNCH, 10000, 15000 }, { GPU_STEP_COMPUTE, 15000, 115000 },
		{ GPU_STEP_GAP, 115000, 116000 }, { GPU_STEP_COMPUTE, 116000, 166000 }, { GPU_STEP_SYNC, 166000, 170000 } };
	check_path("launches", made, NULL, 0, wanted, 6);
}

/* A kernel on a second stream waits for an event on the first. */
Test(gpu_critical, an_event)
{
	struct gpu_case *made = gpu_case_create(1);
	uint32_t thread = gpu_case_lane(made, GPU_LANE_THREAD, 0, 1, 0);
	uint32_t first = gpu_case_lane(made, GPU_LANE_STREAM, 0, 7, -1), second = gpu_case_lane(made, GPU_LANE_STREAM, 0, 20, -1);
	launch(made, thread, first, "a", 0, 0, 15000, 115000);
	launch(made, thread, second, "b", 0, 20000, 117000, 167000);
	gpu_case_end(made);
	const struct gpu_event_wait wait = { .process = 0, .call = GPU_NONE, .wait_ns = 12000, .stream = 20, .record_ns = 11000, .record_stream = 7 };
	const struct wanted wanted[] = { { GPU_STEP_HOST, 0, 10000 }, { GPU_STEP_LAUNCH, 10000, 15000 }, { GPU_STEP_COMPUTE, 15000, 115000 },
		{ GPU_STEP_GAP, 115000, 117000 }, { GPU_STEP_COMPUTE, 117000, 167000 } };
	check_path("an event", made, &wait, 1, wanted, 5);
}

/* Two ranks: rank 1 comes to the collective 300 µs late because its host was busy. */
static struct gpu_case *late_rank(void)
{
	struct gpu_case *made = gpu_case_create(2);
	for (uint32_t rank = 0; rank < 2; rank++) {
		uint32_t thread = gpu_case_lane(made, GPU_LANE_THREAD, rank, 1, 0), stream = gpu_case_lane(made, GPU_LANE_STREAM, rank, 7, -1);
		gpu_case_add(made, thread, SPAN_KIND_API, IMPORT_API_ALLOCATE, "cudaMalloc", 0, rank ? 300000 : 1000, GPU_NONE);
		launch(made, thread, stream, "ncclAllReduce", SPAN_CLASS_COLLECTIVE, rank ? 300000 : 1000, rank ? 315000 : 15000, 400000);
	}
	gpu_case_end(made);
	return made;
}

Test(gpu_critical, a_late_rank)
{
	const struct wanted wanted[] = { { GPU_STEP_HOST, 0, 300000 }, { GPU_STEP_HOST, 300000, 310000 }, { GPU_STEP_LAUNCH, 310000, 315000 },
		{ GPU_STEP_COLLECTIVE, 315000, 400000 } };
	check_path("a late rank", late_rank(), NULL, 0, wanted, 4);
}

/* A graph launch owns kernels on two streams: the path goes through them, not over them. */
Test(gpu_critical, the_kernels_of_a_graph)
{
	struct gpu_case *made = gpu_case_create(1);
	uint32_t thread = gpu_case_lane(made, GPU_LANE_THREAD, 0, 1, 0);
	uint32_t first = gpu_case_lane(made, GPU_LANE_STREAM, 0, 7, -1), second = gpu_case_lane(made, GPU_LANE_STREAM, 0, 20, -1);
	uint32_t call = gpu_case_add(made, thread, SPAN_KIND_API, IMPORT_API_GRAPH_LAUNCH, "cudaGraphLaunch", 0, 10000, GPU_NONE);
	gpu_case_add(made, first, SPAN_KIND_KERNEL, 0, "a", 12000, 100000, call);
	gpu_case_add(made, second, SPAN_KIND_KERNEL, 0, "b", 101000, 200000, call);
	gpu_case_add(made, first, SPAN_KIND_KERNEL, 0, "c", 201000, 300000, call);
	gpu_case_end(made);
	const struct wanted wanted[] = {{GPU_STEP_HOST, 0, 10000}, {GPU_STEP_LAUNCH, 10000, 12000},
		{GPU_STEP_COMPUTE, 12000, 100000}, {GPU_STEP_GAP, 100000, 101000}, {GPU_STEP_COMPUTE, 101000, 200000},
		{GPU_STEP_GAP, 200000, 201000}, {GPU_STEP_COMPUTE, 201000, 300000}};
	check_path("a graph", made, NULL, 0, wanted, 7);
}

/* The roots of the waits of the late rank: what rank 0 waited for was rank 1's cudaMalloc. */
Test(gpu_critical, roots_of_a_late_rank)
{
	struct gpu_case *made = late_rank();
	struct collectives set;
	struct iterations iterations = { 0 };
	struct gpu_order *order;
	struct gpu_critical critical;
	cr_assert_eq(collectives_make(&made->model, NULL, 0, &error, &set), STATUS_OK);
	cr_assert_eq(gpu_order_create(&made->model, NULL, 0, &set, NULL, &error, &order), STATUS_OK);
	cr_assert_eq(gpu_critical_make(&made->model, order, &iterations, &set, &error, &critical), STATUS_OK);
	int64_t malloc_ns = 0, all_ns = 0;
	for (uint32_t i = 0; i < critical.sums.n; i++) {
		const struct gpu_sum *sum = &critical.sums.items[i];
		if (sum->kind != GPU_WAIT_COLLECTIVE)
			continue;
		cr_expect_eq(sum->owner, 0, "device %u waited, not 0", sum->owner);
		cr_expect_eq(sum->process, 1, "process %u was it, not 1", sum->process);
		all_ns += sum->ns;
		malloc_ns += sum->name == gpu_case_name(made, "cudaMalloc") ? sum->ns : 0;
	}
	cr_expect_eq(all_ns, 300000, "%" PRId64 " ns, not 300000", all_ns);
	cr_expect_eq(malloc_ns, 285000, "%" PRId64 " ns, not 285000", malloc_ns);
	cr_expect_eq(critical.late[0].class, GPU_STEP_HOST, "late for %s", gpu_step_word(critical.late[0].class));
	cr_expect_eq(critical.late[0].name, gpu_case_name(made, "cudaMalloc"));
	gpu_critical_finish(&critical);
	gpu_order_free(order);
	collectives_finish(&set);
	gpu_case_free(made);
}

/* -- simulated -------------------------------------------------------------------------------------------------------------- */

enum op_kind { OP_HOST, OP_LAUNCH, OP_SYNC, OP_EVENT, OP_COLLECTIVE, OP_KINDS };
struct op {
	enum op_kind kind;
	uint32_t rank;
	int stream;
	int64_t host_ns, device_ns;
	uint32_t host, work;      /* what was added for it */
};

struct rank {
	int64_t now_ns, ends[2], waits[2];
	uint32_t marks, calls, streams[2];
	bool has_work[2];
};

struct run {
	struct op ops[OPS_MAX];
	int n, n_ranks;
	struct gpu_event_wait waits[OPS_MAX];
	uint32_t n_waits;
};

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static int64_t random_ns(void)
{
	return 1000 + rand() % 40000;
}

static void draw(struct run *run)
{
	*run = (struct run){ .n_ranks = 1 + rand() % 2 };
	int n_rounds = 1 + rand() % 4;
	for (int round = 0; round < n_rounds; round++) {
		for (uint32_t rank = 0; rank < (uint32_t)run->n_ranks; rank++) {
			int n = 1 + rand() % 10;
			for (int i = 0; i < n; i++) {
				bool is_first = !round && !i;
				run->ops[run->n++] = (struct op){ .kind = is_first ? OP_LAUNCH : (enum op_kind)(rand() % OP_COLLECTIVE), .rank = rank,
					.stream = rand() % 2, .host_ns = random_ns(), .device_ns = random_ns() * 2 };
			}
		}
		int64_t moving_ns = random_ns();
		for (uint32_t rank = 0; rank < (uint32_t)run->n_ranks && run->n_ranks > 1; rank++)
			run->ops[run->n++] = (struct op){.kind = OP_COLLECTIVE,
				.rank = rank,
				.stream = 1,
				.host_ns = random_ns(),
				.device_ns = moving_ns};
	}
}

static void add_work(struct gpu_case *made, struct rank *rank, struct op *op, int64_t *ret_start_ns)
{
	int64_t call_ns = rank->now_ns;
	rank->now_ns += op->host_ns;
	int64_t start_ns = later(rank->now_ns, later(rank->has_work[op->stream] ? rank->ends[op->stream] : 0, rank->waits[op->stream])) + LATENCY;
	rank->waits[op->stream] = 0;
	rank->has_work[op->stream] = true;
	op->host = gpu_case_add(made, rank->calls, SPAN_KIND_API, IMPORT_API_LAUNCH, "launch", call_ns, rank->now_ns, GPU_NONE);
	*ret_start_ns = start_ns;
}

static void add_kernel(struct gpu_case *made, struct rank *rank, struct op *op, int class, int64_t start_ns, int64_t end_ns)
{
	op->work = gpu_case_add(made, rank->streams[op->stream], SPAN_KIND_KERNEL, class, class ? "nccl" : "kernel", start_ns, end_ns, op->host);
	rank->ends[op->stream] = end_ns;
}

static void do_op(struct run *run, struct gpu_case *made, struct rank *rank, struct op *op)
{
	int64_t start_ns = rank->now_ns;
	switch (op->kind) {
	case OP_HOST:
		rank->now_ns += op->host_ns;
		op->host = gpu_case_add(made, rank->marks, SPAN_KIND_MARK, 0, "code", start_ns, rank->now_ns, GPU_NONE);
		break;
	case OP_LAUNCH:
		add_work(made, rank, op, &start_ns);
		add_kernel(made, rank, op, SPAN_CLASS_COMPUTE, start_ns, start_ns + op->device_ns);
		break;
	case OP_SYNC:
		rank->now_ns = later(start_ns, later(rank->ends[0], rank->ends[1])) + op->host_ns;
		op->host = gpu_case_add(made, rank->calls, SPAN_KIND_API, IMPORT_API_SYNC, "sync", start_ns, rank->now_ns, GPU_NONE);
		break;
	default:
		rank->now_ns += op->host_ns;
		op->host = gpu_case_add(made, rank->calls, SPAN_KIND_API, IMPORT_API_EVENT, "wait", start_ns, rank->now_ns, GPU_NONE);
		rank->waits[!op->stream] = later(rank->waits[!op->stream], rank->ends[op->stream]);
		run->waits[run->n_waits++] = (struct gpu_event_wait){.process = op->rank,
			.call = GPU_NONE,
			.wait_ns = start_ns,
			.stream = !op->stream,
			.record_ns = start_ns,
			.record_stream = op->stream};
	}
}

/* All ranks; collectives of a round stand together. Returns when the last call or work was over. */
static int64_t simulate(struct run *run, struct gpu_case **ret_made)
{
	struct gpu_case *made = gpu_case_create((uint32_t)run->n_ranks);
	struct rank ranks[2] = { 0 };
	int64_t starts_ns[2] = { 0, 0 }, end_ns = 0;
	run->n_waits = 0;
	for (uint32_t i = 0; i < (uint32_t)run->n_ranks; i++) {
		ranks[i].marks = gpu_case_lane(made, GPU_LANE_THREAD, i, 1, 0);
		ranks[i].calls = gpu_case_lane(made, GPU_LANE_THREAD, i, 1, 1);
		ranks[i].streams[0] = gpu_case_lane(made, GPU_LANE_STREAM, i, 0, -1);
		ranks[i].streams[1] = gpu_case_lane(made, GPU_LANE_STREAM, i, 1, -1);
	}
	for (int i = 0; i < run->n; i++) {
		struct op *op = &run->ops[i];
		if (op->kind != OP_COLLECTIVE) {
			do_op(run, made, &ranks[op->rank], op);
			continue;
		}
		add_work(made, &ranks[op->rank], op, &starts_ns[op->rank]);
		for (int k = 0; k < 2 && op->rank == 1; k++)
			add_kernel(made, &ranks[k], op - 1 + k, SPAN_CLASS_COLLECTIVE, starts_ns[k],
				later(starts_ns[0], starts_ns[1]) + op->device_ns);
	}
	for (uint32_t i = 0; i < made->n; i++) {
		int kind = gpu_kind(&made->added[i]);
		end_ns = kind == SPAN_KIND_MARK ? end_ns : later(end_ns, made->added[i].end_ns);
	}
	gpu_case_end(made);
	*ret_made = made;
	return end_ns;
}

static struct op *op_of(struct run *run, const struct gpu_case *made, const struct gpu_step *step)
{
	for (int i = 0; i < run->n; i++) {
		bool is_device = run->ops[i].kind == OP_LAUNCH || run->ops[i].kind == OP_COLLECTIVE;
		if (made->idx[run->ops[i].host] == step->span || (is_device && made->idx[run->ops[i].work] == step->span))
			return &run->ops[i];
	}
	return NULL;
}

/* One ns more at a step of the path is one ns more at the end. */
static void lengthen(struct run *run, const struct gpu_case *made, const struct gpu_step *step, int64_t end_ns, int seed)
{
	struct run longer = *run;
	struct op *op = step->class == GPU_STEP_LAUNCH || step->class == GPU_STEP_GAP ? NULL : op_of(&longer, made, step);
	struct gpu_case *again;
	if (!op)
		return;
	bool is_device = step->class == GPU_STEP_COMPUTE || step->class == GPU_STEP_COLLECTIVE;
	for (int k = 0; is_device && op->kind == OP_COLLECTIVE && k < 2; k++)
		longer.ops[op - longer.ops - (int)op->rank + k].device_ns += 1;
	if (is_device && op->kind != OP_COLLECTIVE)
		op->device_ns++;
	else if (!is_device)
		op->host_ns++;
	int64_t longer_ns = simulate(&longer, &again);
	cr_assert_eq(longer_ns, end_ns + 1, "seed %d: a ns more of %s at %" PRId64 ": the end moves by %" PRId64, seed, gpu_step_word(step->class),
		step->start_ns, longer_ns - end_ns);
	gpu_case_free(again);
}

static int64_t idle_ns(const struct gpu_case *made, uint32_t device)
{
	struct gpu_union set;
	int64_t ns = 0;
	cr_assert_eq(gpu_union_of_device(&made->model, device, NULL, &set, &error), STATUS_OK);
	for (uint32_t i = 1; i < set.n; i++)
		ns += set.items[i].start_ns - set.items[i - 1].end_ns;
	gpu_union_finish(&set);
	return ns;
}

static void check_sums(const struct gpu_case *made, const struct gpu_critical *critical, const struct collectives *set, int64_t end_ns, int seed)
{
	int64_t path_ns = 0, idle[2] = { 0, 0 }, waits[2] = { 0, 0 }, unknown_ns = 0;
	for (uint32_t i = 0; i < critical->sums.n; i++) {
		const struct gpu_sum *sum = &critical->sums.items[i];
		path_ns += sum->kind == GPU_WAIT_PATH ? sum->ns : 0;
		unknown_ns += sum->kind == GPU_WAIT_PATH && sum->class == GPU_STEP_UNKNOWN ? sum->ns : 0;
		if (sum->kind == GPU_WAIT_IDLE)
			idle[sum->owner] += sum->ns;
		if (sum->kind == GPU_WAIT_COLLECTIVE)
			waits[sum->owner] += sum->ns;
	}
	cr_assert_eq(path_ns, end_ns, "seed %d: the path sums to %" PRId64 ", not %" PRId64, seed, path_ns, end_ns);
	cr_assert_eq(unknown_ns, 0, "seed %d: %" PRId64 " ns unknown", seed, unknown_ns);
	for (uint32_t device = 0; device < made->model.n_devices; device++) {
		int64_t wait_ns = 0;
		for (uint32_t i = 0; i < set->n_members; i++)
			wait_ns += set->members[i].device == device ? set->members[i].wait_ns : 0;
		cr_assert_eq(idle[device], idle_ns(made, device), "seed %d: device %u: %" PRId64 " idle, not %" PRId64, seed, device, idle[device],
			idle_ns(made, device));
		cr_assert_eq(waits[device], wait_ns, "seed %d: device %u: %" PRId64 " waited, not %" PRId64, seed, device, waits[device], wait_ns);
	}
}

static void try_run(int seed)
{
	static struct run run;
	struct gpu_case *made;
	struct collectives set;
	struct gpu_order *order;
	struct gpu_critical critical;
	struct iterations iterations = { 0 };
	srand((unsigned)seed);
	draw(&run);
	int64_t end_ns = simulate(&run, &made);
	cr_assert_eq(collectives_make(&made->model, NULL, 0, &error, &set), STATUS_OK);
	cr_assert_eq(gpu_order_create(&made->model, run.waits, run.n_waits, &set, NULL, &error, &order), STATUS_OK);
	cr_assert_eq(gpu_critical_make(&made->model, order, &iterations, &set, &error, &critical), STATUS_OK, "%s", error.text);
	check_sums(made, &critical, &set, end_ns, seed);
	int64_t at_ns = end_ns;
	for (uint32_t i = 0; i < critical.n_steps; i++) {
		const struct gpu_step *step = &critical.steps[i];
		cr_assert_eq(step->end_ns, at_ns, "seed %d: step %u ends at %" PRId64 ", not %" PRId64, seed, i, step->end_ns, at_ns);
		at_ns = step->start_ns;
		if (i % 3 == (uint32_t)seed % 3)
			lengthen(&run, made, step, end_ns, seed);
	}
	gpu_critical_finish(&critical);
	gpu_order_free(order);
	collectives_finish(&set);
	gpu_case_free(made);
}

Test(gpu_critical, every_ns_of_simulated_paths_counts, .timeout = 100)
{
	for (int seed = 1; seed <= RUNS; seed++)
		try_run(seed);
}
