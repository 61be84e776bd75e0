/* SPDX-License-Identifier: Apache-2.0
 *
 * The examples: those that a script wrote are still what it writes; the pipelined training steps can be run, are proved free of
 * deadlock, and hold as many activations as their orders say.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/attributes.h"
#include "engine/graph/graph_dot.h"
#include "engine/ops/ops.h"
#include "tests/support/run_tool.h"

static char *read_file(const char *name)
{
	char *path = tool_expand(name), *text = NULL;
	size_t size = 0;
	FILE *in = fopen(path, "rb");
	cr_assert(in, "%s cannot be read", path);
	FILE *out = open_memstream(&text, &size);
	for (int c = getc(in); c != EOF; c = getc(in))
		putc(c, out);
	fclose(out);
	fclose(in);
	free(path);
	return text;
}

static const struct {
	const char *script, *argument, *file;
} written[] = {
	{ "@SRC@/examples/minilm/make_tensor.sh", "tensor2", "@SRC@/examples/minilm/tensor2.dot" },
	{ "@SRC@/examples/minilm/make_tensor.sh", "pipeline2_tensor2", "@SRC@/examples/minilm/pipeline2_tensor2.dot" },
	{ "@SRC@/examples/training/make_schedule.sh", "one_f_one_b", "@SRC@/examples/training/one_f_one_b.dot" },
	{ "@SRC@/examples/training/make_schedule.sh", "gpipe", "@SRC@/examples/training/gpipe.dot" },
};

Test(examples, are_what_their_scripts_write, .timeout = 60)
{
	for (size_t i = 0; i < ARRAY_LEN(written); i++) {
		char *script = tool_expand(written[i].script), *text = read_file(written[i].file);
		const char *words[] = { "sh", script, written[i].argument, NULL };
		struct tool_result result = tool_run_words(words);
		cr_expect_eq(result.exit_status, 0, "%s: exit status %d, stderr '%s'", script, result.exit_status, result.err);
		cr_expect(strcmp(result.out, text) == 0, "%s is not what %s %s writes", written[i].file, script, written[i].argument);
		tool_result_finish(&result);
		free(script);
		free(text);
	}
}

Test(examples, scripts_refuse_other_words, .timeout = 60)
{
	for (size_t i = 0; i < ARRAY_LEN(written); i++) {
		char *script = tool_expand(written[i].script);
		const char *words[] = { "sh", script, "zigzag", NULL };
		struct tool_result result = tool_run_words(words);
		cr_expect_eq(result.exit_status, 2, "%s zigzag: exit status %d", script, result.exit_status);
		cr_expect(strstr(result.err, "usage:"), "%s zigzag: stderr '%s'", script, result.err);
		tool_result_finish(&result);
		free(script);
	}
}

static void expect(const char *line, int exit_status, const char *out)
{
	struct tool_result result = tool_run(line);
	cr_expect_eq(result.exit_status, exit_status, "tandem %s: exit status %d, stderr '%s'", line, result.exit_status, result.err);
	cr_expect(strstr(result.out, out) || strstr(result.err, out), "tandem %s: '%s' and '%s' lack '%s'", line, result.out,
		result.err, out);
	tool_result_finish(&result);
}

Test(examples, training_steps_are_proved_and_run, .timeout = 60)
{
	expect("check @SRC@/examples/training/one_f_one_b.dot --set F=1 --set B=1", 0, "cannot deadlock");
	expect("check @SRC@/examples/training/gpipe.dot --set F=1 --set B=1", 0, "cannot deadlock");
	expect("run @SRC@/examples/training/one_f_one_b.dot --set F=1 --set B=2 -n 50", 0, "50 executions");
	expect("run @SRC@/examples/training/gpipe.dot --set F=1 --set B=2 -n 50", 0, "50 executions");
}

/* Swaps the places of two nodes in program order. */
static void swap_orders(char *text, const char *a, const char *b)
{
	char *at[2];
	const char *names[2] = { a, b };
	for (int i = 0; i < 2; i++) {
		char start[32];
		snprintf(start, sizeof start, "    %s [", names[i]);
		char *node = strstr(text, start), *order = node ? strstr(node, "order=") : NULL;
		cr_assert(order, "no order of %s", names[i]);
		at[i] = order + strlen("order=");
	}
	char digit = *at[0];
	*at[0] = *at[1];
	*at[1] = digit;
}

/* Stage 0 wants the first backward pass before it runs a second forward pass, stage 1 three forward passes before that. */
Test(examples, a_wrong_order_is_refused, .timeout = 60)
{
	char *text = read_file("@SRC@/examples/training/one_f_one_b.dot");
	swap_orders(text, "f1_0", "b0_0");
	tool_write_file("wrong.dot", text);
	expect("check @TMP@/wrong.dot --set F=1 --set B=1", 1, "can deadlock");
	expect("check @TMP@/wrong.dot --set F=1 --set B=1", 1, "repair (checked)");
	free(text);
}

#define N_STAGES 4
#define N_MICRO_BATCHES 8

/* The most forward passes of which the backward pass is still to come, on each stage. */
static void count_activations(const char *name, int most[N_STAGES])
{
	struct graph_setting items[] = { { "F", "1" }, { "B", "1" } };
	struct graph_settings settings = { .items = items, .n_items = 2 };
	struct mistakes mistakes = MISTAKES_INIT;
	struct graph *graph = NULL;
	char *path = tool_expand(name);
	cr_assert_eq(graph_load(path, &settings, &ops_builtin, &mistakes, &graph), STATUS_OK, "%s", path);
	for (int stage = 0; stage < N_STAGES; stage++) {
		int change_at[2 * N_MICRO_BATCHES + 2] = { 0 }, held = 0;
		for (int i = GRAPH_OUTPUT + 1; i < graph->n_nodes; i++) {
			const struct graph_node *node = &graph->nodes[i];
			if (node->worker_idx == stage + 1 && node->name[0] != 'u')
				change_at[node->order] = node->name[0] == 'f' ? 1 : -1;
		}
		most[stage] = 0;
		for (int i = 0; i < 2 * N_MICRO_BATCHES + 2; i++) {
			held += change_at[i];
			most[stage] = held > most[stage] ? held : most[stage];
		}
		cr_expect_eq(held, 0, "%s: %d passes without their backward pass", name, held);
	}
	graph_destroy(graph);
	mistakes_finish(&mistakes);
	free(path);
}

Test(examples, activations_held)
{
	int one_f_one_b[N_STAGES], gpipe[N_STAGES];
	count_activations("@SRC@/examples/training/one_f_one_b.dot", one_f_one_b);
	count_activations("@SRC@/examples/training/gpipe.dot", gpipe);
	for (int stage = 0; stage < N_STAGES; stage++) {
		cr_expect_eq(one_f_one_b[stage], N_STAGES - stage, "1F1B, stage %d: %d", stage, one_f_one_b[stage]);
		cr_expect_eq(gpipe[stage], N_MICRO_BATCHES, "GPipe, stage %d: %d", stage, gpipe[stage]);
	}
}
