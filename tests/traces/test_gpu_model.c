/* SPDX-License-Identifier: Apache-2.0
 *
 * The model that analyses walk over: what of a trace is in it, how launches and work find each other; unions of intervals against a brute force.
 */
#include "traces/gpu_model.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/attributes.h"
#include "tests/support/trials.h"
#include "tests/traces/imported.h"

#define UNITS 200
#define N_UNIONS 3000

static int pick(unsigned *seed, int low, int high)
{
	*seed = *seed * 1103515245u + 12345u;
	return low + (int)(*seed >> 16) % (high - low + 1);
}

static void make_union(struct gpu_union *set, bool *is_in, unsigned *seed)
{
	struct error error = { 0 };
	int at = 0, n = pick(seed, 0, 30);
	memset(is_in, 0, UNITS * sizeof *is_in);
	for (int i = 0; i < n && at < UNITS; i++) {
		int end = at + pick(seed, 0, 12);
		end = end < UNITS ? end : UNITS;
		cr_assert(gpu_union_add(set, at, end, &error) == STATUS_OK, "%s", error.text);
		for (int t = at; t < end; t++)
			is_in[t] = true;
		at += pick(seed, 0, 14);
	}
}

Test(gpu_model, unions_equal_brute_force)
{
	unsigned seed = 1;
	for (int i = 0; i < trials(N_UNIONS); i++) {
		struct gpu_union a = { 0 }, b = { 0 };
		bool in_a[UNITS], in_b[UNITS];
		make_union(&a, in_a, &seed);
		make_union(&b, in_b, &seed);
		int64_t n_a = 0, n_both = 0;
		for (int t = 0; t < UNITS; t++) {
			n_a += in_a[t];
			n_both += in_a[t] && in_b[t];
		}
		cr_assert(a.ns == n_a, "pair %d: %lld ns, brute force %lld", i, (long long)a.ns, (long long)n_a);
		cr_assert(gpu_union_overlap_ns(&a, &b) == n_both, "pair %d: overlap %lld ns, brute force %lld", i,
			(long long)gpu_union_overlap_ns(&a, &b), (long long)n_both);
		for (uint32_t k = 1; k < a.n; k++)
			cr_assert(a.items[k].start_ns > a.items[k - 1].end_ns, "pair %d: intervals %u and %u touch", i, k - 1, k);
		gpu_union_finish(&a);
		gpu_union_finish(&b);
	}
}

static const char small_text[] =
	"{\"schemaVersion\":1,\"traceEvents\":["
	"{\"ph\":\"X\",\"cat\":\"cpu_op\",\"name\":\"aten::mm\",\"ts\":1,\"dur\":9,\"pid\":100,\"tid\":100,\"args\":{}},"
	"{\"ph\":\"X\",\"cat\":\"cuda_runtime\",\"name\":\"cudaGraphLaunch\",\"ts\":2,\"dur\":3,\"pid\":100,\"tid\":100,"
	"\"args\":{\"correlation\":5}},"
	"{\"ph\":\"X\",\"cat\":\"kernel\",\"name\":\"b\",\"ts\":20,\"dur\":5,\"pid\":0,\"tid\":7,\"args\":{\"device\":0,"
	"\"stream\":7,\"correlation\":5}},"
	"{\"ph\":\"X\",\"cat\":\"kernel\",\"name\":\"a\",\"ts\":10,\"dur\":5,\"pid\":0,\"tid\":8,\"args\":{\"device\":0,"
	"\"stream\":8,\"correlation\":5}},"
	"{\"ph\":\"X\",\"cat\":\"gpu_memset\",\"name\":\"Memset (Device)\",\"ts\":30,\"dur\":1,\"pid\":0,\"tid\":7,"
	"\"args\":{\"device\":0,\"stream\":7,\"correlation\":6,\"bytes\":64}}]}";

static struct gpu_model *load(struct imported *imported, struct trace **ret_trace, unsigned what)
{
	struct error error = { 0 };
	struct gpu_model *model = NULL;
	imported_init(imported);
	imported_add_text(imported, small_text);
	cr_assert(imported_run(imported) == STATUS_OK, "%s", imported->error.text);
	cr_assert(trace_open(imported->output, &error, ret_trace) == STATUS_OK, "%s", error.text);
	cr_assert(gpu_model_load(*ret_trace, 1, what, NULL, &error, &model) == STATUS_OK, "%s", error.text);
	return model;
}

static const struct gpu_span *find_span(const struct gpu_model *model, const char *name)
{
	for (uint32_t i = 0; i < model->n_spans; i++) {
		if (model->spans[i].name != GPU_NONE && strcmp(model->names[model->spans[i].name], name) == 0)
			return &model->spans[i];
	}
	return NULL;
}

Test(gpu_model, holds_what_was_asked_for)
{
	static const struct {
		unsigned what;
		uint32_t n;
	} cases[] = { { 0, 3 }, { GPU_LOAD_API, 4 }, { GPU_LOAD_MARKS, 4 }, { GPU_LOAD_ALL, 5 } };
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct imported imported;
		struct trace *trace = NULL;
		struct gpu_model *model = load(&imported, &trace, cases[i].what);
		cr_expect(model->n_spans == cases[i].n, "asked for %u: %u spans, expected %u", cases[i].what, model->n_spans, cases[i].n);
		for (uint32_t k = 0; k < model->n_spans; k++)
			cr_expect((cases[i].what & GPU_LOAD_API) || model->spans[k].launch == GPU_NONE, "span %u has a launch that is not there", k);
		gpu_model_free(model);
		trace_close(trace);
		imported_finish(&imported);
	}
}

/* The call learns of the first work in time, not in the file. */
Test(gpu_model, launches_and_work_find_each_other)
{
	struct imported imported;
	struct trace *trace = NULL;
	struct gpu_model *model = load(&imported, &trace, GPU_LOAD_ALL);
	const struct gpu_span *a = find_span(model, "a"), *b = find_span(model, "b"), *call = find_span(model, "cudaGraphLaunch");
	cr_assert(a && b && call);
	cr_assert(&model->spans[a->launch] == call && &model->spans[b->launch] == call && &model->spans[call->launch] == a,
		"a %u, b %u, call %u", a->launch, b->launch, call->launch);
	struct gpu_union busy = { 0 };
	struct error error = { 0 };
	cr_assert(gpu_union_of_device(model, 0, NULL, &busy, &error) == STATUS_OK, "%s", error.text);
	cr_assert(busy.n == 3 && busy.ns == 11000, "%u intervals, %lld ns; expected 3, 11000", busy.n, (long long)busy.ns);
	gpu_union_finish(&busy);
	gpu_model_free(model);
	trace_close(trace);
	imported_finish(&imported);
}

Test(gpu_model, of_a_run_that_is_not_there_is_empty_or_refused)
{
	struct imported imported;
	struct trace *trace = NULL;
	struct error error = { 0 };
	struct gpu_model *model = load(&imported, &trace, GPU_LOAD_ALL), *other = NULL;
	int status = gpu_model_load(trace, 17, GPU_LOAD_ALL, NULL, &error, &other);
	cr_assert(status != STATUS_OK || other->n_spans == 0, "run 17 is not there: status %d", status);
	gpu_model_free(status == STATUS_OK ? other : NULL);
	gpu_model_free(model);
	trace_close(trace);
	imported_finish(&imported);
}
