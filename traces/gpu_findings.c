/* SPDX-License-Identifier: Apache-2.0
 *
 * gpu_findings: the rules, one function each, in a table. A rule sees one device; what is counted by process is told with the process's first device.
 */
#include "traces/gpu_findings.h"

#include <inttypes.h>
#include <stdlib.h>

#include "engine/base/attributes.h"
#include "engine/base/units.h"
#include "traces/import_sink.h" /* enum import_api */
#include "traces/schema.h"

#define KERNELS_FEW 10 /* of fewer no shares are told */
#define OF_SPAN "of the device's span"

/* What gpu_device tells overheads apart by, in SQL. */
#define SAYS(words) "(coalesce(n.text, '') || ' ' || coalesce(k.text, '')) GLOB '*" words "*'"
#define IS_QUEUE "(" SAYS("uffer [fF]ull") ")"
#define IS_MODULE "(" SAYS("odule") " OR " SAYS("JIT") " OR " SAYS("unction [lL]oad") " OR " SAYS("ompiler") ")"

struct view {
	const struct gpu_device_result *result;
	int64_t run;
	uint32_t idx;
	const struct gpu_device_row *row;
	const struct gpu_process_row *process;
	const struct gpu_split_device *device;
	int64_t span_ns, idle_ns;
	bool is_first_of_process;
};

/* Fills value, n, first, text and query; leaves n 0 when there is nothing to tell. */
typedef void rule_fn(const struct view *view, struct gpu_finding *finding);

static double share(int64_t part, int64_t whole)
{
	return whole > 0 ? (double)part / (double)whole : 0;
}

static const struct gpu_count *count_of(const struct view *view, enum gpu_count_kind kind)
{
	return kind >= GPU_COUNT_OF_PROCESS ? &view->process->counts[kind] : &view->row->counts[kind];
}

/* Value, count and first span of a counter whose time is told as a share of the device's span; false: there is nothing. */
static bool take(const struct view *view, enum gpu_count_kind kind, struct gpu_finding *finding)
{
	const struct gpu_count *count = count_of(view, kind);
	if (!count->n || (kind >= GPU_COUNT_OF_PROCESS && !view->is_first_of_process))
		return false;
	finding->value = share(count->ns, view->span_ns);
	finding->n = count->n;
	finding->first = count->first;
	return true;
}

/* " 12.3 % (4.56 ms) of what". */
static void add_share(struct strbuf *out, int64_t part, int64_t whole, const char *what)
{
	char text[40];
	strbuf_addf(out, "%.1f %% (%s) of %s", 100 * share(part, whole), units_duration(part, text, sizeof text), what);
}

static void work_query(const struct view *view, const char *condition, struct gpu_finding *finding)
{
	strbuf_addf(&finding->query, "SELECT s.id FROM span s JOIN lane l ON l.id = s.lane LEFT JOIN gpu_activity g ON g.span = s.id"
		" LEFT JOIN span c ON c.id = g.launch LEFT JOIN string n ON n.id = c.name LEFT JOIN string k ON k.id = g.copy_kind"
		" WHERE s.run = %" PRId64 " AND l.device = %" PRId64 " AND l.kind LIKE 'stream%%' AND %s", view->run, view->row->id, condition);
}

static void host_query(const struct view *view, int kind, const char *condition, struct gpu_finding *finding)
{
	strbuf_addf(&finding->query, "SELECT s.id FROM span s JOIN lane l ON l.id = s.lane LEFT JOIN string n ON n.id = s.name"
		" LEFT JOIN string k ON k.id = s.category WHERE s.run = %" PRId64 " AND l.process = %" PRId64 " AND s.kind = %d AND %s", view->run,
		view->process->id, kind, condition);
}

/* -- rules ------------------------------------------------------------------------------------------------------------------ */

static int64_t host_late_ns(const struct gpu_split_device *device)
{
	int64_t ns = 0;
	for (int kind = GPU_TIME_PROFILER; kind <= GPU_TIME_HOST_OTHER; kind++)
		ns += device->ns[kind];
	return ns;
}

static void gap_query(const struct view *view, struct gpu_finding *finding)
{
	strbuf_addf(&finding->query, "SELECT after FROM gpu_gap WHERE device = %" PRId64 " ORDER BY duration_ns DESC", view->row->id);
	finding->first = view->device->n_longest ? view->device->gaps[0].after : 0;
}

static void find_idle(const struct view *view, struct gpu_finding *finding)
{
	char longest[40];
	if (!view->device->n_gaps)
		return;
	finding->value = share(view->idle_ns, view->span_ns);
	finding->n = view->device->n_gaps;
	gap_query(view, finding);
	strbuf_add(&finding->text, "idle ");
	add_share(&finding->text, view->idle_ns, view->span_ns, "its span");
	strbuf_addf(&finding->text, " in %" PRId64 " stretches, the longest %s (%s before span %" PRId64 ")", view->device->n_gaps,
		units_duration(view->device->gaps[0].ns, longest, sizeof longest), gpu_time_word(view->device->gaps[0].kind),
		view->device->gaps[0].after);
}

static void find_unknown(const struct view *view, struct gpu_finding *finding)
{
	if (!view->device->ns[GPU_TIME_UNKNOWN])
		return;
	finding->value = share(view->device->ns[GPU_TIME_UNKNOWN], view->idle_ns);
	finding->n = view->device->n_unlinked;
	strbuf_add(&finding->text, "of its idle time nothing tells what was waited for in ");
	add_share(&finding->text, view->device->ns[GPU_TIME_UNKNOWN], view->idle_ns, "it");
	strbuf_addf(&finding->text, "; %" PRId64 " of %" PRId64 " pieces of work have no launch in the trace",
		view->device->n_unlinked, view->device->n);
	work_query(view, "s.kind IN (102, 103, 104, 107) AND g.launch IS NULL", finding);
}

/* Where kernels queue, the device has work waiting and the host is fast enough. */
static void find_launch_bound(const struct view *view, struct gpu_finding *finding)
{
	const struct gpu_count *kernels = count_of(view, GPU_COUNT_KERNELS), *prompt = count_of(view, GPU_COUNT_PROMPT);
	int64_t late_ns = host_late_ns(view->device);
	if (kernels->n < KERNELS_FEW || 2 * prompt->n < kernels->n)
		return;
	finding->value = share(late_ns, view->span_ns);
	finding->n = prompt->n;
	finding->first = prompt->first;
	strbuf_addf(&finding->text, "%.1f %% (%" PRId64 " of %" PRId64 ") of launched kernels began within %d µs of their call's return; idle before"
		" launches ", 100 * share(prompt->n, kernels->n), prompt->n, kernels->n, GPU_DEVICE_PROMPT_NS / 1000);
	add_share(&finding->text, late_ns, view->span_ns, "its span");
	strbuf_addf(&finding->text, ", %.1f %% of its idle time", 100 * share(late_ns, view->idle_ns));
	work_query(view, "s.kind = 102 AND c.kind = 105 AND c.class = 1 AND s.start_ns - (c.start_ns + c.duration_ns) < 10000", finding);
}
static_assert(GPU_DEVICE_PROMPT_NS == 10000 && GPU_DEVICE_STAGED_BYTES == 65536, "queries have these numbers");
static_assert(SPAN_KIND_KERNEL == 102 && SPAN_KIND_MEMCPY == 103 && SPAN_KIND_MEMSET == 104 && SPAN_KIND_API == 105 && SPAN_KIND_GRAPH == 107,
	"and these");

static void find_small(const struct view *view, struct gpu_finding *finding)
{
	const struct gpu_count *kernels = count_of(view, GPU_COUNT_KERNELS), *small = count_of(view, GPU_COUNT_SHORT);
	if (!small->n || kernels->n < KERNELS_FEW)
		return;
	finding->value = share(small->n, kernels->n);
	finding->n = small->n;
	finding->first = small->first;
	strbuf_addf(&finding->text,
		"%.1f %% (%" PRId64 " of %" PRId64
		") of its launched kernels are shorter than the call that launches them, together ",
		100 * finding->value, small->n, kernels->n);
	add_share(&finding->text, small->ns, view->device->busy_ns, "its busy time");
	work_query(view, "s.kind = 102 AND c.kind = 105 AND c.class = 1 AND s.duration_ns < c.duration_ns", finding);
}

static void find_exposed(const struct view *view, struct gpu_finding *finding)
{
	const struct gpu_split_device *device = view->device;
	if (!device->union_ns[GPU_WORK_COLLECTIVE])
		return;
	finding->value = share(device->exposed_ns, view->span_ns);
	finding->n = 1;
	strbuf_add(&finding->text, "collectives with no kernel computing beside them: ");
	add_share(&finding->text, device->exposed_ns, view->span_ns, "its span");
	strbuf_addf(&finding->text, "; %.1f %% of collective time is hidden behind compute", 100 * share(device->hidden_ns,
		device->union_ns[GPU_WORK_COLLECTIVE]));
	work_query(view, "s.kind = 102 AND s.class = 1", finding);
}
static_assert(SPAN_CLASS_COLLECTIVE == 1 && IMPORT_API_LAUNCH == 1, "queries have these numbers");

static void find_late_rank(const struct view *view, struct gpu_finding *finding)
{
	if (!view->device->union_ns[GPU_WORK_LATE])
		return;
	finding->value = share(view->device->ns[GPU_TIME_LATE_RANK], view->span_ns);
	finding->n = 1;
	strbuf_add(&finding->text, "in collectives, waiting for ranks that came later: ");
	add_share(&finding->text, view->device->ns[GPU_TIME_LATE_RANK], view->span_ns, "its span");
	work_query(view, "s.kind = 102 AND s.class = 1", finding);
}

static void find_exposed_copy(const struct view *view, struct gpu_finding *finding)
{
	if (!view->device->union_ns[GPU_WORK_COPY])
		return;
	finding->value = share(view->device->exposed_copy_ns, view->span_ns);
	finding->n = 1;
	strbuf_add(&finding->text, "copies and memsets with nothing else running: ");
	add_share(&finding->text, view->device->exposed_copy_ns, view->span_ns, "its span");
	work_query(view, "s.kind IN (103, 104)", finding);
}

static void find_sync_copy(const struct view *view, struct gpu_finding *finding)
{
	char bytes[32];
	const struct gpu_count *count = count_of(view, GPU_COUNT_SYNC_COPY);
	if (!take(view, GPU_COUNT_SYNC_COPY, finding))
		return;
	strbuf_addf(&finding->text, "%" PRId64 " synchronous copies (%s): the host sat in their calls for ", count->n,
		units_bytes((uint64_t)count->bytes, bytes, sizeof bytes));
	add_share(&finding->text, count->ns, view->span_ns, "the span");
	work_query(view, "s.kind = 103 AND c.kind = 105 AND n.text GLOB '*emcpy*' AND n.text NOT GLOB '*Async*' AND NOT (coalesce(k.text, '') GLOB"
		" '*ageable*' AND k.text GLOB '*HtoD*' AND coalesce(s.bytes, 65537) <= 65536)", finding);
}

static void find_pageable(const struct view *view, struct gpu_finding *finding)
{
	char bytes[32];
	const struct gpu_count *count = count_of(view, GPU_COUNT_PAGEABLE);
	if (!take(view, GPU_COUNT_PAGEABLE, finding))
		return;
	strbuf_addf(&finding->text, "%" PRId64 " asynchronous copies (%s) of pageable memory, which are not: they took ", count->n,
		units_bytes((uint64_t)count->bytes, bytes, sizeof bytes));
	add_share(&finding->text, count->ns, view->span_ns, "the device's span");
	work_query(view, "s.kind = 103 AND c.kind = 105 AND n.text GLOB '*emcpy*' AND n.text GLOB '*Async*' AND k.text GLOB '*ageable*'", finding);
}

static void calls_query(const struct view *view, enum import_api class, struct gpu_finding *finding)
{
	strbuf_addf(&finding->query, "SELECT s.id FROM span s JOIN lane l ON l.id = s.lane WHERE s.run = %" PRId64 " AND l.process = %" PRId64
		" AND s.kind = 105 AND s.class = %d AND s.id > %" PRId64, view->run, view->process->id, (int)class, view->process->first_work);
}

/* The part of synchronising that costs: while the host sat there the device had nothing to do. */
static void find_sync(const struct view *view, struct gpu_finding *finding)
{
	const struct gpu_count *count = &view->process->counts[GPU_COUNT_SYNC_CALL];
	if (!count->n)
		return;
	finding->value = share(view->device->ns[GPU_TIME_HOST_SYNC], view->span_ns);
	finding->n = count->n;
	finding->first = count->first;
	strbuf_addf(&finding->text, "%" PRId64 " synchronise calls; the device stood idle while the thread that feeds it sat in them for ", count->n);
	add_share(&finding->text, view->device->ns[GPU_TIME_HOST_SYNC], view->span_ns, "its span");
	calls_query(view, IMPORT_API_SYNC, finding);
}

static void find_allocation(const struct view *view, struct gpu_finding *finding)
{
	const struct gpu_count *count = count_of(view, GPU_COUNT_ALLOCATION);
	if (!take(view, GPU_COUNT_ALLOCATION, finding))
		return;
	strbuf_addf(&finding->text, "%" PRId64 " calls that allocate or free after the first work began took ", count->n);
	add_share(&finding->text, count->ns, view->span_ns, "the device's span");
	calls_query(view, IMPORT_API_ALLOCATE, finding);
}

static void find_queue_full(const struct view *view, struct gpu_finding *finding)
{
	if (!take(view, GPU_COUNT_QUEUE_FULL, finding))
		return;
	strbuf_addf(&finding->text, "the launch queue was full %" PRId64 " times: calls waited ", finding->n);
	add_share(&finding->text, count_of(view, GPU_COUNT_QUEUE_FULL)->ns, view->span_ns, "the device's span");
	host_query(view, SPAN_KIND_OVERHEAD, IS_QUEUE, finding);
}

static void find_module(const struct view *view, struct gpu_finding *finding)
{
	if (!take(view, GPU_COUNT_MODULE, finding))
		return;
	strbuf_addf(&finding->text, "%" PRId64 " times modules were loaded or code was compiled, for ", finding->n);
	add_share(&finding->text, count_of(view, GPU_COUNT_MODULE)->ns, view->span_ns, "the device's span");
	host_query(view, SPAN_KIND_OVERHEAD, IS_MODULE " AND NOT " IS_QUEUE, finding);
}

static void find_profiler(const struct view *view, struct gpu_finding *finding)
{
	if (!take(view, GPU_COUNT_PROFILER, finding))
		return;
	strbuf_addf(&finding->text, "the profiler's own work on the host, %" PRId64 " times, took ", finding->n);
	add_share(&finding->text, count_of(view, GPU_COUNT_PROFILER)->ns, view->span_ns, "the device's span");
	host_query(view, SPAN_KIND_OVERHEAD, "NOT " IS_MODULE " AND NOT " IS_QUEUE, finding);
}

/* Shares above which a finding is a warning. */
static const struct rule {
	const char *kind;
	double threshold;
	const char *unit;
	rule_fn *find;
} rules[] = {
	{ "unknown", 0.25, "of the device's idle time", find_unknown },
	{ "idle", 0.15, OF_SPAN, find_idle },
	{ "launch_bound", 0.15, OF_SPAN, find_launch_bound },
	{ "small_kernels", 0.5, "of the device's launched kernels", find_small },
	{ "late_rank", 0.05, OF_SPAN, find_late_rank },
	{ "exposed_communication", 0.1, OF_SPAN, find_exposed },
	{ "exposed_copies", 0.05, OF_SPAN, find_exposed_copy },
	{ "synchronous_copies", 0.01, OF_SPAN, find_sync_copy },
	{ "pageable_copies", 0.01, OF_SPAN, find_pageable },
	{ "synchronise_stalls", 0.02, OF_SPAN, find_sync },
	{ "allocation_in_loop", 0.01, OF_SPAN, find_allocation },
	{ "launch_queue_full", 0.01, OF_SPAN, find_queue_full },
	{ "module_loading", 0.01, OF_SPAN, find_module },
	{ "profiler_overhead", 0.02, OF_SPAN, find_profiler },
};

/* -- the whole -------------------------------------------------------------------------------------------------------------- */

static void finish(struct gpu_finding *finding)
{
	strbuf_finish(&finding->text);
	strbuf_finish(&finding->query);
}

static int keep(struct gpu_findings *findings, struct gpu_finding *finding, struct error *error)
{
	struct gpu_finding *items = realloc(findings->items, (findings->n + 1) * sizeof *items);
	if (items)
		findings->items = items;
	if (!items || finding->text.is_failed || finding->query.is_failed) {
		finish(finding);
		return error_set(error, STATUS_NO_MEMORY, "no memory for the findings of this trace");
	}
	items[findings->n++] = *finding;
	return STATUS_OK;
}

static int apply(const struct rule *rule, const struct view *view, struct gpu_findings *findings, struct error *error)
{
	struct gpu_finding finding = { .kind = rule->kind, .device = view->idx, .threshold = rule->threshold, .unit = rule->unit };
	rule->find(view, &finding);
	if (!finding.n) {
		finish(&finding);
		return STATUS_OK;
	}
	finding.severity = finding.value < rule->threshold ? "info" : "warning";
	return keep(findings, &finding, error);
}

static int find_nothing(const struct gpu_device_result *result, struct gpu_findings *findings, struct error *error)
{
	struct gpu_finding finding = { .kind = "nothing_recorded", .severity = "warning", .device = UINT32_MAX, .unit = "pieces of device work",
		.threshold = 1 };
	if (result->n_work)
		return STATUS_OK;
	strbuf_add(&finding.text, "nothing was recorded of any device: no statement about devices can be made from this trace");
	return keep(findings, &finding, error);
}

static int severest_first(const void *a, const void *b)
{
	const struct gpu_finding *x = a, *y = b;
	double p = x->value / x->threshold, q = y->value / y->threshold;
	if (p != q)
		return (p < q) - (p > q);
	return (x->device > y->device) - (x->device < y->device);
}

static bool is_first_of_process(const struct gpu_device_result *result, uint32_t idx)
{
	const struct gpu_split_device *devices = gpu_split_devices(result->split);
	for (uint32_t i = 0; i < idx; i++) {
		if (result->devices[i].process == result->devices[idx].process && devices[i].n)
			return false;
	}
	return true;
}

int gpu_findings_make(const struct gpu_device_result *result, int64_t run, struct error *error, struct gpu_findings *ret_findings)
{
	struct gpu_findings findings = { 0 };
	const struct gpu_split_device *devices = gpu_split_devices(result->split);
	int status = find_nothing(result, &findings, error);
	for (uint32_t i = 0; i < result->n_devices; i++) {
		const struct gpu_split_device *device = &devices[i];
		struct view view = { .result = result, .run = run, .idx = i, .row = &result->devices[i], .device = device,
			.process = &result->processes[result->devices[i].process], .span_ns = device->last_ns - device->first_ns,
			.idle_ns = device->last_ns - device->first_ns - device->busy_ns, .is_first_of_process = is_first_of_process(result, i) };
		for (size_t k = 0; k < ARRAY_LEN(rules) && status == STATUS_OK && device->n; k++)
			status = apply(&rules[k], &view, &findings, error);
	}
	if (findings.n)
		qsort(findings.items, findings.n, sizeof *findings.items, severest_first);
	if (status == STATUS_OK)
		*ret_findings = findings;
	else
		gpu_findings_finish(&findings);
	return status;
}

void gpu_findings_finish(struct gpu_findings *findings)
{
	for (uint32_t i = 0; i < findings->n; i++)
		finish(&findings->items[i]);
	free(findings->items);
	*findings = (struct gpu_findings){ 0 };
}
