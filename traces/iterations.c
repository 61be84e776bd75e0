/* SPDX-License-Identifier: Apache-2.0
 *
 * iterations: by annotation first, else by the period of the kernels; then what belongs to each and what is odd about it.
 */
#include "traces/iterations.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "traces/iterations_private.h"

#define STEP_NAME "ProfilerStep#"
#define WORK_SHARE_MIN 0.3 /* of the process's device work that the annotated time must hold */

static int out_of_memory(struct error *error)
{
	return error_set(error, STATUS_NO_MEMORY, "no memory for the iterations of a trace");
}

const char *iteration_by_word(enum iteration_by by)
{
	static const char *const words[] = {
#define X(name, word) [ITERATION_BY_##name] = word,
		ITERATION_BY_MAP(X)
#undef X
	};
	return words[by];
}

/* -- annotations ------------------------------------------------------------------------------------------------------------ */

/* A range that may be an iteration's: alike are those that differ in the last number of their names only. */
struct range {
	uint64_t alike;
	uint32_t process, span;
	int64_t thread, start_ns;
};

struct finding {
	const struct gpu_model *model;
	struct iterations *set;
	struct range *ranges;
	int64_t *asked_ns;        /* moments at which work was asked for, by process */
	uint32_t *first_asked;    /* [n_processes + 1] */
	uint32_t n_ranges;
	struct error *error;
};

/* The last number in a name: where it begins, its length; 0: there is none. */
static size_t find_number(const char *name, size_t *ret_at)
{
	size_t end = strlen(name);
	while (end > 0 && !isdigit((unsigned char)name[end - 1]))
		end--;
	size_t at = end;
	while (at > 0 && isdigit((unsigned char)name[at - 1]))
		at--;
	*ret_at = at;
	return end - at;
}

int64_t iterations_number(const char *name)
{
	size_t at, n = find_number(name, &at);
	return n > 0 && n < 18 ? strtoll(name + at, NULL, 10) : -1;
}

static uint64_t likeness(const char *name)
{
	size_t at, n = find_number(name, &at);
	uint64_t hash = 0xcbf29ce484222325ull;
	for (size_t i = 0; name[i]; i++) {
		if (i < at || i >= at + n)
			hash = (hash ^ (unsigned char)name[i]) * 0x100000001b3ull;
	}
	return hash ^ (n ? 1 : 0);
}

static const char *text_of(const struct gpu_model *model, uint32_t name)
{
	return name < model->n_names && model->names[name] ? model->names[name] : "";
}

/* Calls of operators and of Python, and what the system did, repeat without being iterations. */
static bool may_be_iteration(const struct gpu_model *model, const struct gpu_span *span)
{
	static const char *const others[] = { "cpu_op", "Operator", "python_function", "Trace", "os_runtime", "gpu_user_annotation" };
	if (gpu_kind(span) != SPAN_KIND_MARK || model->lanes[span->lane].kind != GPU_LANE_THREAD || span->end_ns <= span->start_ns)
		return false;
	for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
		if (strcmp(text_of(model, span->category), others[i]) == 0)
			return false;
	}
	return *text_of(model, span->name);
}

#define ORDER(a, b) if ((a) != (b)) return (a) < (b) ? -1 : 1
static int compare_ranges(const void *a, const void *b)
{
	const struct range *x = a, *y = b;
	ORDER(x->alike, y->alike);
	ORDER(x->process, y->process);
	ORDER(x->thread, y->thread);
	ORDER(x->start_ns, y->start_ns);
	ORDER(x->span, y->span);
	return 0;
}

static int collect_ranges(struct finding *finding)
{
	const struct gpu_model *model = finding->model;
	uint32_t n = 0;
	for (uint32_t i = 0; i < model->n_spans; i++)
		n += may_be_iteration(model, &model->spans[i]);
	finding->ranges = malloc(((size_t)n + 1) * sizeof *finding->ranges);
	if (!finding->ranges)
		return out_of_memory(finding->error);
	for (uint32_t i = 0; i < model->n_spans; i++) {
		const struct gpu_span *span = &model->spans[i];
		if (may_be_iteration(model, span))
			finding->ranges[finding->n_ranges++] = (struct range){ .alike = likeness(text_of(model, span->name)), .span = i,
				.process = model->lanes[span->lane].process, .thread = model->lanes[span->lane].thread, .start_ns = span->start_ns };
	}
	if (n)
		qsort(finding->ranges, n, sizeof *finding->ranges, compare_ranges);
	return STATUS_OK;
}

static int compare_times(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;
	return (*x > *y) - (*x < *y);
}

static int collect_asked(struct finding *finding)
{
	const struct gpu_model *model = finding->model;
	uint32_t *first = finding->first_asked = calloc((size_t)model->n_processes + 2, sizeof *first);
	finding->asked_ns = malloc(((size_t)model->n_spans + 1) * sizeof *finding->asked_ns);
	if (!first || !finding->asked_ns)
		return out_of_memory(finding->error);
	for (uint32_t p = 0; p < model->n_processes; p++) {
		uint32_t n = first[p];
		for (uint32_t i = 0; i < model->n_lanes; i++) {
			const struct gpu_lane *lane = &model->lanes[i];
			for (uint32_t k = lane->first; lane->process == p && lane->kind == GPU_LANE_STREAM && k < lane->first + lane->n; k++) {
				if (gpu_order_is_work(&model->spans[k]))
					finding->asked_ns[n++] = gpu_order_asked_ns(model, &model->spans[k]);
			}
		}
		qsort(finding->asked_ns + first[p], n - first[p], sizeof *finding->asked_ns, compare_times);
		first[p + 1] = n;
	}
	return STATUS_OK;
}

static uint32_t asked_before(const struct finding *finding, uint32_t process, int64_t ns)
{
	uint32_t low = finding->first_asked[process], high = finding->first_asked[process + 1];
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (finding->asked_ns[middle] < ns)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* How well ranges of one thread would do as iterations; 0: not at all. */
static double judge(const struct finding *finding, const struct range *ranges, uint32_t n)
{
	const struct gpu_span *spans = finding->model->spans;
	int64_t covered_ns = 0, last_ns = INT64_MIN;
	uint32_t process = ranges[0].process;
	bool is_step = strncmp(text_of(finding->model, spans[ranges[0].span].name), STEP_NAME, strlen(STEP_NAME)) == 0;
	for (uint32_t i = 0; i < n; i++) {
		const struct gpu_span *span = &spans[ranges[i].span];
		if (span->start_ns < last_ns)
			return 0;
		covered_ns += span->end_ns - span->start_ns;
		last_ns = span->end_ns;
	}
	uint32_t n_asked = process == GPU_NONE ? 0 : finding->first_asked[process + 1] - finding->first_asked[process];
	if ((n < 2 && !is_step) || !n_asked)
		return 0;
	double cover = (double)covered_ns / (double)(last_ns - spans[ranges[0].span].start_ns);
	double share = (double)(asked_before(finding, process, last_ns) - asked_before(finding, process, spans[ranges[0].span].start_ns)) / n_asked;
	if (cover < ITERATION_COVER || share < WORK_SHARE_MIN)
		return 0;
	return is_step ? 2 + cover : cover * share;
}

static uint32_t end_of_thread(const struct finding *finding, uint32_t first)
{
	uint32_t end = first;
	while (end < finding->n_ranges && finding->ranges[end].alike == finding->ranges[first].alike
		&& finding->ranges[end].process == finding->ranges[first].process && finding->ranges[end].thread == finding->ranges[first].thread)
		end++;
	return end;
}

static void name_after(struct iterations *set, const char *name)
{
	size_t at, n = find_number(name, &at);
	if (at >= sizeof set->name)
		at = sizeof set->name - 1;
	memcpy(set->name, name, at);
	set->name[at] = 0;
	if (n && at + 1 < sizeof set->name && !(at && name[at - 1] == '#'))
		memcpy(set->name + at, "#", 2);
}

/* Of each process the thread with the best of these ranges. */
static int take_ranges(struct finding *finding, uint64_t alike)
{
	const struct gpu_model *model = finding->model;
	struct iterations *set = finding->set;
	double best = 0;
	set->items = calloc((size_t)finding->n_ranges + 1, sizeof *set->items);
	if (!set->items)
		return out_of_memory(finding->error);
	for (uint32_t i = 0, end; i < finding->n_ranges; i = end) {
		end = end_of_thread(finding, i);
		double worth = finding->ranges[i].alike == alike ? judge(finding, &finding->ranges[i], end - i) : 0;
		bool is_same = set->n && set->items[set->n - 1].process == finding->ranges[i].process;
		if (worth == 0 || (is_same && worth <= best))
			continue;
		while (is_same && set->n && set->items[set->n - 1].process == finding->ranges[i].process)
			set->n--;
		best = worth;
		for (uint32_t k = i; k < end; k++) {
			const struct gpu_span *span = &model->spans[finding->ranges[k].span];
			set->items[set->n++] = (struct iteration){ .process = finding->ranges[k].process, .thread_lane = span->lane,
				.mark = finding->ranges[k].span, .start_ns = span->start_ns, .end_ns = span->end_ns };
		}
		double cover = worth >= 2 ? worth - 2 : worth;
		set->confidence = set->by == ITERATION_BY_NONE || cover < set->confidence ? cover : set->confidence;
		set->by = ITERATION_BY_ANNOTATION;
		name_after(set, text_of(model, model->spans[finding->ranges[i].span].name));
	}
	return STATUS_OK;
}

static int find_annotations(struct finding *finding)
{
	double best = 0;
	uint64_t alike = 0;
	int status = collect_ranges(finding);
	if (status == STATUS_OK)
		status = collect_asked(finding);
	for (uint32_t i = 0, end; status == STATUS_OK && i < finding->n_ranges; i = end) {
		end = end_of_thread(finding, i);
		double worth = judge(finding, &finding->ranges[i], end - i);
		if (worth > best) {
			best = worth;
			alike = finding->ranges[i].alike;
		}
	}
	return status == STATUS_OK && best > 0 ? take_ranges(finding, alike) : status;
}

/* -- executions ------------------------------------------------------------------------------------------------------------- */

/* The numbers of the names count where they grow in every process. */
static bool are_numbers_usable(const struct gpu_model *model, const struct iterations *set)
{
	for (uint32_t i = 0; i < set->n; i++) {
		int64_t number = set->items[i].mark == GPU_NONE ? -1 : iterations_number(text_of(model, model->spans[set->items[i].mark].name));
		bool is_same = i && set->items[i - 1].process == set->items[i].process;
		if (number < 0 || (is_same && iterations_number(text_of(model, model->spans[set->items[i - 1].mark].name)) >= number))
			return false;
	}
	return true;
}

static int compare_executions(const void *a, const void *b)
{
	const struct iteration_execution *x = a, *y = b;
	ORDER(x->number, y->number);
	return 0;
}

/* Iterations of ranks with one number become one execution. */
static int join(struct finding *finding)
{
	struct iterations *set = finding->set;
	bool has_numbers = are_numbers_usable(finding->model, set);
	int64_t *numbers = malloc(((size_t)set->n + 1) * sizeof *numbers);
	set->executions = calloc((size_t)set->n + 1, sizeof *set->executions);
	if (!numbers || !set->executions) {
		free(numbers);
		return out_of_memory(finding->error);
	}
	for (uint32_t i = 0; i < set->n; i++) {
		bool is_same = i && set->items[i - 1].process == set->items[i].process;
		numbers[i] = has_numbers ? iterations_number(text_of(finding->model, finding->model->spans[set->items[i].mark].name))
			: is_same ? numbers[i - 1] + 1 : 0;
		set->executions[i].number = numbers[i];
	}
	qsort(set->executions, set->n, sizeof *set->executions, compare_executions);
	for (uint32_t i = 0; i < set->n; i++) {
		if (!set->n_executions || set->executions[set->n_executions - 1].number != set->executions[i].number)
			set->executions[set->n_executions++] = (struct iteration_execution){
				.number = set->executions[i].number, .start_ns = INT64_MAX, .finish_ns = INT64_MIN};
	}
	for (uint32_t i = 0; i < set->n; i++) {
		struct iteration_execution wanted = { .number = numbers[i] };
		struct iteration_execution *found = bsearch(&wanted, set->executions, set->n_executions, sizeof wanted, compare_executions);
		set->items[i].execution = (uint32_t)(found - set->executions);
		found->n_parts++;
	}
	free(numbers);
	return STATUS_OK;
}

/* -- all -------------------------------------------------------------------------------------------------------------------- */

int iterations_find(const struct gpu_model *model, struct error *error, struct iterations *ret)
{
	struct finding finding = { .model = model, .set = ret, .error = error };
	*ret = (struct iterations){ 0 };
	ret->is_mark = calloc((size_t)model->n_spans + 1, sizeof *ret->is_mark);
	ret->of_span = malloc(((size_t)model->n_spans + 1) * sizeof *ret->of_span);
	int status = ret->is_mark && ret->of_span ? find_annotations(&finding) : out_of_memory(error);
	if (status == STATUS_OK && ret->by == ITERATION_BY_NONE) {
		free(ret->items);
		ret->items = NULL;
		status = iterations_by_period(model, error, ret);
	}
	if (status == STATUS_OK)
		status = join(&finding);
	if (status == STATUS_OK)
		status = iterations_measure(model, error, ret);
	free(finding.ranges);
	free(finding.asked_ns);
	free(finding.first_asked);
	if (status != STATUS_OK)
		iterations_finish(ret);
	return status;
}

void iterations_finish(struct iterations *set)
{
	free(set->items);
	free(set->executions);
	free(set->is_mark);
	free(set->of_span);
	*set = (struct iterations){ 0 };
}
