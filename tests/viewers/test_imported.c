/* SPDX-License-Identifier: Apache-2.0
 *
 * Traces of other tools on the screens: golden/imported*.txt (TANDEM_UPDATE=1 writes them anew), keys, short names, filters, a real terminal, and
 * random events.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/attributes.h"
#include "tests/viewers/golden.h"
#include "tests/support/pty_screen.h"
#include "tests/viewers/imported_trace.h"
#include "traces/timeline_import.h"
#include "viewers/kernel_name.h"

static const struct golden {
	const char *name;
	enum imported_kind kind;
	int width, height;
	const char *keys;
} goldens[] = {
	{ "imported_kineto_80x24", IMPORTED_KINETO, 80, 24, "" },
	{ "imported_kineto_120x40", IMPORTED_KINETO, 120, 40, "" },
	{ "imported_kineto_200x60", IMPORTED_KINETO, 200, 60, "" },
	{ "imported_kineto_step_120x40", IMPORTED_KINETO, 120, 40, "ww+++" },
	{ "imported_kineto_folded_80x24", IMPORTED_KINETO, 80, 24, "MF" },
	{ "imported_nsys_80x24", IMPORTED_NSYS, 80, 24, "" },
	{ "imported_nsys_120x40", IMPORTED_NSYS, 120, 40, "" },
	{ "imported_nsys_200x60", IMPORTED_NSYS, 200, 60, "" },
};

Test(imported, screens)
{
	for (size_t i = 0; i < ARRAY_LEN(goldens); i++) {
		const struct golden *golden = &goldens[i];
		struct imported_trace trace;
		imported_trace_init(&trace, golden->kind, NULL);
		free(imported_trace_draw(&trace, golden->width, golden->height));
		imported_trace_type(&trace, golden->keys);
		char *text = imported_trace_draw(&trace, golden->width, golden->height);
		golden_compare(golden->name, text);
		free(text);
		imported_trace_finish(&trace);
	}
}

/* -- keys ------------------------------------------------------------------------------------------------------------------------ */

static const struct {
	enum imported_kind kind;
	const char *name, *keys, *shows[3], *hides;
} moves[] = {
	{IMPORTED_KINETO, "the first span", "", {"ampere_sgemm_128x64_tn", "grid 8×1×1", "block 128×1×1"}, NULL},
	{IMPORTED_KINETO, "to the call", "%", {"launched by cudaLaunchKernel", "launch call", "of ampere_sgemm_128x64_tn"},
		NULL},
	{IMPORTED_KINETO, "and back", "%%",
		{"the work launched: ampere_sgemm_128x64_tn",
			"by cudaLaunchKernel: work 110.0 µs after the call began, 50.0 µs after it returned"},
		NULL},
	{IMPORTED_KINETO, "what it lies inside of", "%", {"ProfilerStep#0 › forward › aten::mm"}, NULL},
	{IMPORTED_KINETO, "the same name", "n", {"1.170 000 ms … 1.330 000 ms"}, NULL},
	{IMPORTED_KINETO, "there and back", "np", {"170.000 µs … 330.000 µs"}, NULL},
	{IMPORTED_KINETO, "the last of its name", "nnn", {"no later span of this name on this stream"}, NULL},
	{IMPORTED_KINETO, "a template", "w",
		{"vectorized_elementwise_kernel<FillFunctor>", "void at::native::vectorized_elementwise_kernel<4,"}, NULL},
	{IMPORTED_KINETO, "a shell", "ww", {"cutlass_80_wmma_tensorop_bf16_s161616gemm"}, NULL},
	{IMPORTED_KINETO, "a copy", "www", {"1 MiB at 15 GB/s", "copy"}, NULL},
	{IMPORTED_KINETO, "search by name", "/fill_\n", {"aten::fill_", "category cpu_op"}, NULL},
	{IMPORTED_KINETO, "search by category", "/cat:python\n", {"forward", "model/net.py(12): forward"}, NULL},
	{IMPORTED_KINETO, "search by kind", "/kind:copy\n", {"Memcpy HtoD"}, NULL},
	{IMPORTED_KINETO, "search by duration", "/>350us kind:collective\n", {"ncclDevKernel_AllReduce_Sum_bf16_RING_LL"},
		NULL},
	{IMPORTED_KINETO, "nothing so called", "/zebra\n", {"no span and no lane has 'zebra' in its name"}, NULL},
	{IMPORTED_KINETO, "no such kind", "&kind:zebra\n", {"kinds are kernel, collective"}, NULL},
	{IMPORTED_KINETO, "a lane's name", "&rank 1\n", {"filter: rank 1"}, NULL},
	{IMPORTED_KINETO, "a thread folds", "jj\t", {"r0 t4711 trainer  +3"}, NULL},
	{IMPORTED_KINETO, "a process folds", "F", {"rank 0: 6 lanes"}, "r0 "},
	{IMPORTED_KINETO, "a process unfolds", "FF", {"r0 cuda:0 s7"}, NULL},
	{IMPORTED_KINETO, "everything folds", "M", {"r0 t4711 trainer", "r1 t4711 trainer"}, "   +1 "},
	{IMPORTED_KINETO, "no edges", "{", {"an imported trace has no edges"}, NULL},
	{IMPORTED_KINETO, "the help", "?", {"next-iteration"}, NULL},
	{IMPORTED_NSYS, "a device's wait", "jj", {"t78 worker"}, NULL},
	{IMPORTED_NSYS, "control characters", "/bad\n", {"bad^[[2Jname"}, "\033"},
	{IMPORTED_NSYS, "a kernel's parameters", "/scale\n", {"void scale<float>(float *, float, int)"}, NULL},
	{IMPORTED_NSYS, "a wait of the host", "/Synchronize\n", {"cudaDeviceSynchronize", "sync"}, NULL},
};

Test(imported, keys)
{
	for (size_t i = 0; i < ARRAY_LEN(moves); i++) {
		struct imported_trace trace;
		imported_trace_init(&trace, moves[i].kind, NULL);
		imported_trace_type(&trace, moves[i].keys);
		char *text = imported_trace_draw(&trace, 120, 45);
		for (int k = 0; k < 3 && moves[i].shows[k]; k++)
			cr_expect(strstr(text, moves[i].shows[k]), "%s: no '%s' in\n%s", moves[i].name, moves[i].shows[k], text);
		cr_expect(!moves[i].hides || !strstr(text, moves[i].hides), "%s: '%s' in\n%s", moves[i].name, moves[i].hides, text);
		free(text);
		imported_trace_finish(&trace);
	}
}

/* What does not exist for imported traces is said, and nothing fails. */
Test(imported, other_screens)
{
	static const struct {
		const char *keys, *shown;
	} cases[] = {
		{"s", "device"},
		{"c", "There is one run here"},
		{"g", "has no graph"},
		{"P", "has no plan"},
		{"?", "Colours of an imported trace"},
	};
	static const int sizes[][2] = { { 120, 40 }, { 80, 24 }, { 60, 16 }, { 21, 5 }, { 0, 0 } };
	for (int kind = IMPORTED_KINETO; kind <= IMPORTED_NSYS; kind++) {
		for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
			struct imported_trace trace;
			imported_trace_init(&trace, (enum imported_kind)kind, NULL);
			free(imported_trace_draw(&trace, 120, 90));
			imported_trace_type(&trace, cases[i].keys);
			char *text = imported_trace_draw(&trace, 120, 90);
			cr_expect(strstr(text, cases[i].shown), "%s: no '%s' in\n%s", cases[i].keys, cases[i].shown, text);
			free(text);
			for (size_t k = 0; k < ARRAY_LEN(sizes); k++)
				free(imported_trace_draw(&trace, sizes[k][0], sizes[k][1]));
			imported_trace_finish(&trace);
		}
	}
}

/* Iterations are executions. */
Test(imported, iterations)
{
	struct imported_trace trace;
	imported_trace_init(&trace, IMPORTED_NSYS, "DELETE FROM execution; INSERT INTO execution(run, execution, start_ns, end_ns, status)"
		" SELECT 1, i, 995000 + 100000 * i, 1095000 + 100000 * i, 0 FROM (SELECT column1 AS i FROM (VALUES (0), (1), (2), (3)))");
	static const struct {
		const char *keys, *shown;
	} steps[] = { { ".", "iteration 1/3" }, { "..", "iteration 3/3" }, { ".", "no later iteration" },
		{ ",,", "iteration 1/3" }, { "e3\n", "iteration 3/3" }, { ":exec 7\n", "7 was not recorded" } };
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		imported_trace_type(&trace, steps[i].keys);
		char *text = imported_trace_draw(&trace, 120, 40);
		cr_assert(strstr(text, steps[i].shown), "step %zu, %s: no '%s' in\n%s", i, steps[i].keys, steps[i].shown, text);
		free(text);
	}
	imported_trace_finish(&trace);
}

/* -- names ----------------------------------------------------------------------------------------------------------------------- */

static const struct {
	const char *name, *is, *should;
} names[] = {
	{"plain", "triton_poi_fused_add_0", "triton_poi_fused_add_0"},
	{"parameters", "ncclDevKernel_AllReduce_Sum_f32_RING_LL(ncclDevKernelArgsStorage<4096ul>)",
		"ncclDevKernel_AllReduce_Sum_f32_RING_LL"},
	{"template without a word", "void gemmSN_TN_kernel<float, 128, 16, 2, 4, 4, 4, true>(cublasGemmSmallNParams<float>)",
		"gemmSN_TN_kernel"},
	{"lambda",
		"void at::native::elementwise_kernel<128, 4, "
		"at::native::gpu_kernel_impl<at::native::direct_copy_kernel_cuda(at::TensorIteratorBase&)"
		"::{lambda()#2}::operator()() const::{lambda(float)#1}>(at::TensorIteratorBase&)::{lambda(int)#1}>(int, x)",
		"elementwise_kernel<direct_copy_kernel_cuda>"},
	{"anonymous namespace",
		"void at::native::(anonymous namespace)::CatArrayBatchedCopy<float, unsigned int, 2, 128, 1>(float*, int)",
		"CatArrayBatchedCopy"},
	{"shell", "void cutlass::device_kernel<flash::FwdKernel<x> >(flash::Params)", "FwdKernel"},
	{"unbalanced", "void f<a<b(", "f"},
	{"only brackets", "<<<>>>", "<<<>>>"},
	{"empty", "", ""},
	{"operator", "operator<", "operator"},
};

Test(imported, short_names)
{
	char text[KERNEL_NAME_BYTES];
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		kernel_name_short(names[i].is, text, sizeof(text));
		cr_expect_str_eq(text, names[i].should, "%s: '%s', should be '%s'", names[i].name, text, names[i].should);
	}
	for (size_t size = 1; size < 12; size++) {
		kernel_name_short("层层层层<a>", text, size);
		cr_expect(strlen(text) < size && strlen(text) % 3 == 0, "cut to %zu: '%s'", size, text);
	}
	kernel_name_function("a/b.py(7): f", text, sizeof(text));
	cr_expect_str_eq(text, "f", "'%s'", text);
}

/* -- a terminal, random events ------------------------------------------------------------------------------------------------------ */

Test(imported, terminal)
{
	struct imported_trace trace;
	struct pty_screen screen;
	static const struct {
		const char *keys, *shown;
	} steps[] = {{"", "r0 cuda:0 s7"}, {"w", "vectorized_elementwise"}, {"%", "launched by"}, {"\033[B", "r0 t4711"},
		{"F", "rank 1: 6 lanes"}, {"\r", "r1 cuda:0 s7"}, {"s", "device"}, {"t", "r0 cuda:0 s7"},
		{"/nccl\r", "search: nccl"}};
	imported_trace_init(&trace, IMPORTED_KINETO, NULL);
	const char *words[] = { getenv("TANDEM"), "view", trace.file, NULL };
	pty_screen_start(&screen, 120, 40, trace.folder, words);
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		pty_screen_send(&screen, steps[i].keys);
		bool is_shown = pty_screen_wait(&screen, steps[i].shown);
		char *text = pty_screen_text(&screen);
		cr_assert(is_shown, "after '%s': no '%s' on\n%s", steps[i].keys, steps[i].shown, text);
		free(text);
	}
	pty_screen_send(&screen, "q");
	int status = pty_screen_wait_end(&screen);
	cr_assert_eq(status, 0, "exit status %d", status);
	cr_assert(pty_screen_is_restored(&screen), "the terminal's modes differ");
	pty_screen_finish(&screen);
	imported_trace_finish(&trace);
}

static void fuzz(enum imported_kind kind, unsigned seed, int n_steps)
{
	static const char keys[] = "hjklHJKL<>+=-[]0fznpNwb{}()&/x|dstcgP12345\t\n\033:?'m oO qabcy.,%FM~ 9";
	struct imported_trace trace;
	struct error error = { 0 };
	imported_trace_init(&trace, kind, NULL);
	for (int step = 0; step < n_steps; step++) {
		struct event event = { .kind = EVENT_KEY, .key = (unsigned char)keys[(size_t)rand_r(&seed) % (sizeof(keys) - 1)],
			.x = rand_r(&seed) % 130 - 2, .y = rand_r(&seed) % 50 - 2, .has_shift = rand_r(&seed) % 2 };
		if (rand_r(&seed) % 5 == 0)
			event.kind = (enum event_kind)(EVENT_MOUSE_PRESS + rand_r(&seed) % (EVENT_WHEEL_DOWN - EVENT_MOUSE_PRESS + 1));
		if (rand_r(&seed) % 40 == 0)
			cr_assert_eq(canvas_resize(&trace.canvas, 20 + rand_r(&seed) % 160, 4 + rand_r(&seed) % 50, &error), STATUS_OK);
		if (!app_handle(trace.app, &event)) {
			app_destroy(trace.app);
			cr_assert_eq(app_create(trace.session, &trace.config, views[0], &error, &trace.app), STATUS_OK);
		}
		cr_assert_eq(app_draw(trace.app, &trace.canvas, &error), STATUS_OK, "step %d: %s", step, error.text);
		const struct timeline *timeline = trace.session->sides[0].timeline;
		int64_t at_ns = trace.session->selection.time_ns;
		cr_assert(at_ns >= timeline->origin_ns && at_ns <= timeline->end_ns, "step %d: the cursor left the run", step);
	}
	imported_trace_finish(&trace);
}

Test(imported, random_events_kineto, .timeout = 100)
{
	fuzz(IMPORTED_KINETO, 1, 2000);
}

Test(imported, random_events_nsys, .timeout = 100)
{
	fuzz(IMPORTED_NSYS, 2, 2000);
}
