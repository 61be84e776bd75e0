/* SPDX-License-Identifier: Apache-2.0
 *
 * test_twin: two runs of one graph side by side: planted bugs are found at the right node and execution, in lockstep and by digests, and what is
 * equal is said to be.
 */
#include <criterion/criterion.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/safetensors.h"
#include "engine/debug/twin.h"
#include "tests/support/leftovers.h"
#include "tests/support/run_tool.h"

#define WORDS_MAX 40
#define BUG(name) "@SRC@/tests/debug/graphs/" name ".dot --module @BUILD@/tests/debug/bugs_module.so "
#define CHAIN "@TMP@/chain.dot "
#define ALL 10 /* executions */

struct pair {
	char *lines[2];
	const char *words[2][WORDS_MAX];
	struct debugger *a;
	struct debug_twin *twin;
	struct error error;
	int status;
	struct strbuf text;
};

static void set_up(void)
{
	leftovers_mark();
	tool_write_file("chain.dot", "digraph chain { input [tensors=\"x:f32[N<=64,16]\"];\n"
		"subgraph cluster_0 { worker=w0; device=\"cpu:0\"; a [op=scale, factor=\"$FACTOR\"]; b [op=spin, us=20]; c [op=add]; }\n"
		"subgraph cluster_1 { worker=w1; device=\"cpu:1\"; d [op=scale, factor=3]; e [op=copy]; }\n"
		"input -> a -> b; input -> c [arg=0]; b -> c [arg=1]; c -> d -> e; e -> output [arg=y]; }\n");
	tool_write_file("short.dot", "digraph chain { input [tensors=\"x:f32[N<=64,16]\"];\n"
		"subgraph cluster_0 { worker=w0; device=\"cpu:0\"; a [op=scale, factor=2]; b [op=copy]; other [op=add]; z [op=scale, factor=3]; }\n"
		"input -> a -> b; input -> other [arg=0]; b -> other [arg=1]; other -> z; z -> output [arg=y]; }\n");
}

static void tear_down(void)
{
	cr_expect_eq(leftovers_count(3000), 0, "processes are left");
}

TestSuite(twin, .init = set_up, .fini = tear_down, .timeout = 120);

static void split(char *line, const char **words)
{
	int n = 0;
	for (char *word = strtok(line, " "); word && n < WORDS_MAX - 1; word = strtok(NULL, " "))
		words[n++] = word;
	words[n] = NULL;
}

static char *expand(const char *line)
{
	char *text = tool_expand(line), *at = strstr(text, "@BUILD@"), *whole = NULL;
	if (!at)
		return text;
	cr_assert(asprintf(&whole, "%.*s%s%s", (int)(at - text), text, getenv("TANDEM_BUILD_ROOT"), at + strlen("@BUILD@")) > 0);
	free(text);
	return whole;
}

static void printed(void *user, int stream, const char *line)
{
	if (getenv("TEST_TWIN_SHOW"))
		fprintf(stderr, "run %d| %s\n", stream, line);
}

static void open_pair(struct pair *pair, const char *a, const char *b, const struct debug_twin_options *options)
{
	*pair = (struct pair){ .lines = { expand(a), expand(b) } };
	for (int i = 0; i < 2; i++)
		split(pair->lines[i], pair->words[i]);
	struct debugger_options a_options = { .executable = getenv("TANDEM"), .run_arguments = pair->words[0], .ends_run = true,
		.printed = printed };
	struct debugger_options b_options = a_options;
	b_options.run_arguments = pair->words[1];
	cr_assert_eq(debugger_create(&a_options, &pair->error, &pair->a), STATUS_OK, "%s", pair->error.text);
	cr_assert_eq(debug_twin_create(pair->a, &b_options, options, &pair->error, &pair->twin), STATUS_OK, "%s", pair->error.text);
}

static void go(struct pair *pair)
{
	strbuf_clear(&pair->text);
	pair->status = debug_twin_run(pair->twin, &pair->error);
	debug_twin_describe(pair->twin, &pair->text);
	if (getenv("TEST_TWIN_SHOW"))
		fprintf(stderr, "%d %s\n%s", pair->status, pair->error.text, strbuf_text(&pair->text));
}

static void close_pair(struct pair *pair)
{
	debug_twin_destroy(pair->twin);
	debugger_destroy(pair->a, false);
	strbuf_finish(&pair->text);
	for (int i = 0; i < 2; i++)
		free(pair->lines[i]);
}

static const char *name_of(const struct pair *pair, uint32_t node)
{
	return debug_node_name(debugger_program(pair->a), node);
}

static const struct debug_twin_row *row_of(const struct pair *pair, const char *name)
{
	for (uint32_t i = 0; i < pair->twin->n_rows; i++) {
		const struct debug_twin_row *row = &pair->twin->rows[i];
		if (row->node != PROGRAM_NONE && strcmp(name_of(pair, row->node), name) == 0)
			return row;
	}
	cr_assert_fail("no row of '%s'", name);
	return NULL;
}

struct twin_case {
	const char *name, *a, *b;
	struct debug_twin_options options;
	const char *node;         /* of the first divergence; NULL: none */
	uint64_t execution;
	const char *parts[4];     /* of the description */
	uint64_t n_executions;    /* compared whole */
};

static void check_case(const struct twin_case *row)
{
	struct pair pair;
	open_pair(&pair, row->a, row->b, &row->options);
	go(&pair);
	const struct debug_divergence *found = &pair.twin->divergence;
	const char *text = strbuf_text(&pair.text);
	cr_expect_eq(pair.status, STATUS_OK, "%s: %s", row->name, pair.error.text);
	cr_expect_eq(pair.twin->has_diverged, row->node != NULL, "%s: diverged: %d; %s", row->name, pair.twin->has_diverged, text);
	if (row->node && pair.twin->has_diverged) {
		cr_expect_str_eq(name_of(&pair, found->node), row->node, "%s: found '%s', not '%s'", row->name, name_of(&pair, found->node),
			row->node);
		cr_expect_eq(found->execution, row->execution, "%s: execution %llu, not %llu", row->name, (unsigned long long)found->execution,
			(unsigned long long)row->execution);
	}
	for (int i = 0; i < 4 && row->parts[i]; i++)
		cr_expect(strstr(text, row->parts[i]), "%s: '%s' is not in: %s", row->name, row->parts[i], text);
	if (row->n_executions)
		cr_expect_eq(pair.twin->n_executions, row->n_executions, "%s: %llu executions, not %llu", row->name,
			(unsigned long long)pair.twin->n_executions, (unsigned long long)row->n_executions);
	close_pair(&pair);
}

#define EXACT .options = { 0 }
#define DIGESTS .options = { .by_digests = true }

static const struct twin_case equal_cases[] = {
	{ "compiled twice", CHAIN "-n 10 --set FACTOR=2", CHAIN "-n 10 --set FACTOR=2", EXACT, NULL, 0,
		{ "no divergence: all equal bit for bit", "compared: 70 nodes, 10 executions whole" }, ALL },
	{ "interpreted twice", CHAIN "-n 10 --set FACTOR=2 --mode interpreted", CHAIN "-n 10 --set FACTOR=2 --mode interpreted", EXACT, NULL, 0,
		{ "all equal bit for bit", "compared: 70 nodes" }, ALL },
	{ "both modes", CHAIN "-n 10 --set FACTOR=2", CHAIN "-n 10 --set FACTOR=2 --mode interpreted", EXACT, NULL, 0,
		{ "all equal bit for bit", "compared: 70 nodes" }, ALL },
	{ "both modes, one in flight", CHAIN "-n 10 --set FACTOR=2 --in-flight 1", CHAIN "-n 10 --set FACTOR=2 --mode interpreted", EXACT, NULL, 0,
		{ "all equal bit for bit", "compared: 70 nodes" }, ALL },
	{ "both modes by digests", CHAIN "-n 1000 --set FACTOR=2", CHAIN "-n 1000 --set FACTOR=2 --mode interpreted", DIGESTS, NULL, 0,
		{ "all equal bit for bit", "compared: 6000 nodes, 1000 executions whole" }, 1000 },
	{ "so many executions", CHAIN "-n 100000000 --set FACTOR=2", CHAIN "-n 100000000 --set FACTOR=2 --mode interpreted",
		.options = { .n_executions = 7 }, NULL, 0, { "all equal bit for bit" }, 7 },
	{ "so many by digests", CHAIN "-n 100000000 --set FACTOR=2", CHAIN "-n 100000000 --set FACTOR=2",
		.options = { .n_executions = 50, .by_digests = true }, NULL, 0, { "all equal bit for bit" }, 50 },
	{ "a failure on both sides", BUG("fails_at") "--set EXECUTION=3 -n 10",
		BUG("fails_at") "--set EXECUTION=3 -n 10 --mode interpreted", EXACT, NULL, 0, { "all equal", "4 failed in both runs" }, ALL },
	{ "a failure on both sides, by digests", BUG("fails_at") "--set EXECUTION=3 -n 10", BUG("fails_at") "--set EXECUTION=3 -n 10", DIGESTS,
		NULL, 0, { "all equal", "3 failed in both runs" }, ALL },
	{ "a pointer kept that happens to be right", BUG("keeps_pointer") "-n 10", BUG("keeps_pointer") "-n 10", EXACT, NULL, 0, { "all equal" },
		ALL },
};

Test(twin, equal)
{
	for (size_t i = 0; i < sizeof equal_cases / sizeof *equal_cases; i++)
		check_case(&equal_cases[i]);
}

static const struct twin_case different_cases[] = {
	{ "another factor", CHAIN "-n 10 --set FACTOR=2", CHAIN "-n 10 --set FACTOR=2.5", EXACT, "a", 0,
		{ "first divergence: 'a', execution 0\n", "elements of f32[8,16] differ; first at [0,0]", "its input was equal bit for bit" } },
	{ "another factor, modes", CHAIN "-n 10 --set FACTOR=2", CHAIN "-n 10 --set FACTOR=2.5 --mode interpreted", EXACT, "a", 0,
		{ "compiled, ", "interpreted (absolute", "its input was equal bit for bit" } },
	{ "another factor, by digests", CHAIN "-n 50 --set FACTOR=2", CHAIN "-n 50 --set FACTOR=2.5", DIGESTS, "a", 0,
		{ "digests differ", "its input was equal bit for bit" } },
	{ "another seed", CHAIN "-n 3 --set FACTOR=2", CHAIN "-n 3 --set FACTOR=2 --seed 5", EXACT, "input", 0, { "first divergence: 'input'" } },
	{ "an op wrong in place", BUG("differs_in_place") "-n 10", BUG("differs_in_place") "-n 10 --mode interpreted", EXACT, "bug", 0,
		{ "first divergence: 'bug', execution 0", "elements of f32[8] differ; first at [2]" } },
	{ "an op wrong in place, by digests", BUG("differs_in_place") "-n 10", BUG("differs_in_place") "-n 10 --mode interpreted", DIGESTS, "bug",
		0, { "digests differ" } },
	{ "an output not cleared, depth", BUG("adds_to_output") "-n 10 --in-flight 1", BUG("adds_to_output") "-n 10 --in-flight 2", EXACT, "bug", 1,
		{ "8 of 8 elements of f32[8] differ", "its input was equal bit for bit" } },
	{ "an output not cleared, by digests", BUG("adds_to_output") "-n 10 --in-flight 1", BUG("adds_to_output") "-n 10 --in-flight 2", DIGESTS,
		"bug", 1, { "its input was equal bit for bit" } },
	{ "a NaN", BUG("nan_at") "-n 10 --set EXECUTION=4", BUG("nan_at") "-n 10 --set EXECUTION=-1", EXACT, "bug", 4,
		{ "1 of 8 elements of f32[8] differ; first at [5]", "most at [5]: nan first", "its input was equal" } },
	{ "a failure on one side", BUG("fails_at") "-n 10 --set EXECUTION=3", BUG("fails_at") "-n 10 --set EXECUTION=-1 --mode interpreted", EXACT,
		"bug", 3, { "compiled: ", "fails as asked", "interpreted: did not fail", "its input was equal" } },
	{ "a failure on one side, by digests", BUG("fails_at") "-n 10 --set EXECUTION=-1", BUG("fails_at") "-n 10 --set EXECUTION=3", DIGESTS,
		"bug", 3, { "first: did not fail", "second: ", "fails as asked" } },
	{ "drift beyond the tolerance", BUG("drifts") "-n 10 --set RATE=0", BUG("drifts") "-n 10 --set RATE=0.001",
		.options = { .absolute = 0.0005 }, "bug", 1, { "beyond the tolerance", "its input was equal" } },
	{ "drift beyond it behind the bug", BUG("drifts") "-n 10 --set RATE=0", BUG("drifts") "-n 10 --set RATE=0.001",
		.options = { .absolute = 0.0105 }, "second", 4,
		{ "beyond the tolerance", "input 0 from 'bug': differs already, within the tolerance" } },
};

Test(twin, different)
{
	for (size_t i = 0; i < sizeof different_cases / sizeof *different_cases; i++)
		check_case(&different_cases[i]);
}

static const struct twin_case tolerant_cases[] = {
	{ "drift within the tolerance", BUG("drifts") "-n 10 --set RATE=0", BUG("drifts") "-n 10 --set RATE=0.001", .options = { .absolute = 0.1 },
		NULL, 0, { "no divergence: all within the tolerance; largest absolute difference 0.027" }, ALL },
	{ "another layout", "@TMP@/short.dot -n 10", CHAIN "-n 10 --set FACTOR=2 --mode interpreted", EXACT, NULL, 0,
		{ "all equal bit for bit", "2 nodes that only the compiled run has", "3 nodes that only the interpreted run has" }, ALL },
};

Test(twin, tolerant)
{
	for (size_t i = 0; i < sizeof tolerant_cases / sizeof *tolerant_cases; i++)
		check_case(&tolerant_cases[i]);
}

/* Both stand at the node that differs, and what they have put out can be read there. */
Test(twin, stands_at_the_divergence)
{
	struct pair pair;
	open_pair(&pair, BUG("nan_at") "-n 10 --set EXECUTION=4", BUG("nan_at") "-n 10 --set EXECUTION=-1 --mode interpreted",
		&(struct debug_twin_options){ 0 });
	go(&pair);
	cr_assert_eq(pair.status, STATUS_OK, "%s", pair.error.text);
	for (int i = 0; i < 2; i++) {
		struct debugger *debugger = i ? pair.twin->b : pair.twin->a;
		struct debug_value value;
		cr_assert_eq(debugger->state, DEBUG_HALTED, "side %d: state %d", i, debugger->state);
		cr_assert(debugger->halt.has_gate, "side %d does not stand at a gate", i);
		cr_expect_str_eq(name_of(&pair, debugger->halt.gate.node), "bug", "side %d stands at '%s'", i,
			name_of(&pair, debugger->halt.gate.node));
		cr_expect_eq(debugger->halt.gate.execution, 4, "side %d stands in execution %llu", i,
			(unsigned long long)debugger->halt.gate.execution);
		cr_assert_eq(debug_value_find(&debugger->target, debugger->halt.gate.node, 0, 4, &value, &pair.error), STATUS_OK, "%s",
			pair.error.text);
		cr_expect_eq(isnan(debug_element(&value.tensor, 5)), i == 0, "side %d: element 5 is %g", i, debug_element(&value.tensor, 5));
	}
	/* from here on they are equal again */
	go(&pair);
	cr_expect_eq(pair.status, STATUS_OK, "%s", pair.error.text);
	cr_expect_not(pair.twin->has_diverged, "%s", strbuf_text(&pair.text));
	cr_expect_eq(pair.twin->a->state, DEBUG_ENDED, "state %d", pair.twin->a->state);
	close_pair(&pair);
}

Test(twin, table)
{
	static const char expected[] =
		"node    compared  different  max_absolute  max_relative  first_different  remark\n"
		"input          4          0             0             0                –  –\n"
		"first          4          0             0             0                –  –\n"
		"bug            4          1             –             –                2  a NaN or infinity on one side\n"
		"second         0          0             –             –                –  left out\n"
		"last           4          1             –             –                2  a NaN or infinity on one side\n"
		"output         4          1             –             –                2  a NaN or infinity on one side\n";
	static char second[] = "second";
	struct pair pair;
	open_pair(&pair, BUG("nan_at") "-n 4 --set EXECUTION=2", BUG("nan_at") "-n 4 --set EXECUTION=-1",
		&(struct debug_twin_options){ .goes_on = true, .skipped = (char *const[]){ second, NULL } });
	go(&pair);
	struct strbuf table = STRBUF_INIT;
	debug_twin_table(pair.twin, false, &table);
	cr_expect_str_eq(strbuf_text(&table), expected, "%s", strbuf_text(&table));
	strbuf_clear(&table);
	debug_twin_table(pair.twin, true, &table);
	cr_expect(strstr(strbuf_text(&table), "{\"node\": \"first\", \"compared\": 4, \"different\": 0"), "%s", strbuf_text(&table));
	strbuf_finish(&table);
	cr_expect(pair.twin->has_diverged);
	cr_expect_str_eq(name_of(&pair, pair.twin->divergence.node), "bug");
	cr_expect_eq(row_of(&pair, "last")->first_different, 2);
	close_pair(&pair);
}

static const struct {
	const char *name, *a, *b;
	bool by_digests;
	const char *parts[2]; /* of the error */
} early_cases[] = {
	{ "fewer executions", CHAIN "-n 5 --set FACTOR=2", CHAIN "-n 9 --set FACTOR=2", false,
		{ "the first run ended before the second one", "execution 5" } },
	{ "fewer executions, by digests", CHAIN "-n 9 --set FACTOR=2", CHAIN "-n 5 --set FACTOR=2 --mode interpreted", true,
		{ "the interpreted run ended before the compiled one", "execution 5" } },
	{ "a crash", BUG("crashes_deep") "-n 10 --set EXECUTION=6", BUG("crashes_deep") "-n 10 --set EXECUTION=-1", false,
		{ "the first run ended before the second one, which came to '", "of execution " } },
	{ "a crash, by digests", BUG("crashes_deep") "-n 10 --set EXECUTION=-1", BUG("crashes_deep") "-n 10 --set EXECUTION=6", true,
		{ "the second run ended before the first one, which came to '", "of execution " } },
};

Test(twin, early_end)
{
	for (size_t i = 0; i < sizeof early_cases / sizeof *early_cases; i++) {
		struct pair pair;
		open_pair(&pair, early_cases[i].a, early_cases[i].b, &(struct debug_twin_options){ .by_digests = early_cases[i].by_digests });
		go(&pair);
		cr_expect_eq(pair.status, STATUS_NOT_COMPARABLE, "%s: status %d", early_cases[i].name, pair.status);
		for (int p = 0; p < 2; p++)
			cr_expect(strstr(pair.error.text, early_cases[i].parts[p]), "%s: '%s' is not in: %s", early_cases[i].name,
				early_cases[i].parts[p], pair.error.text);
		close_pair(&pair);
	}
}

static bool is_started(const struct debugger *debugger)
{
	const struct gates_header *const volatile *header = (const void *)&debugger->target.gates.header;
	return *header && atomic_load(&(*header)->is_ready);
}

/* When both have compared something, or soon would have: a start that is interrupted is another case. */
static void *interrupt_later(void *user)
{
	const struct debug_twin *twin = user;
	const volatile enum debug_state *states[] = { &twin->a->state, &twin->b->state };
	for (int i = 0; i < 3000 && (*states[0] == DEBUG_READY || *states[1] == DEBUG_READY); i++)
		usleep(10000);
	for (int i = 0; i < 3000 && !(is_started(twin->a) && is_started(twin->b)); i++)
		usleep(10000);
	usleep(300000);
	debugger_interrupt(twin->a);
	return NULL;
}

/* One side waits for ever: the twin waits with it, until it is interrupted. */
Test(twin, interrupt)
{
	for (int by_digests = 0; by_digests < 2; by_digests++) {
		struct pair pair;
		pthread_t thread;
		open_pair(&pair, BUG("waits_for_ever") "-n 10 --set EXECUTION=2 --grace 50ms", BUG("waits_for_ever") "-n 10 --set EXECUTION=-1",
			&(struct debug_twin_options){ .by_digests = by_digests });
		pthread_create(&thread, NULL, interrupt_later, pair.twin);
		go(&pair);
		pthread_join(thread, NULL);
		cr_expect_eq(pair.status, STATUS_OK, "%d: %s", by_digests, pair.error.text);
		cr_expect_not(pair.twin->has_diverged, "%d: %s", by_digests, strbuf_text(&pair.text));
		cr_expect_eq(pair.twin->a->state, DEBUG_HALTED, "%d: state %d", by_digests, pair.twin->a->state);
		close_pair(&pair);
	}
}

static const struct {
	const char *name, *a, *b;
	struct debug_twin_options options;
	int status;
	const char *text;
} wrong_cases[] = {
	{ "nothing in common", CHAIN "--set FACTOR=2", BUG("keeps_pointer"), { .by_digests = true }, STATUS_INPUT, "no node in common" },
	{ "a graph that is not there", CHAIN "--set FACTOR=2", "@TMP@/none.dot", { 0 }, STATUS_INPUT,
		"the second run ended before anything was compared" },
};

Test(twin, wrong)
{
	for (size_t i = 0; i < sizeof wrong_cases / sizeof *wrong_cases; i++) {
		struct pair pair;
		open_pair(&pair, wrong_cases[i].a, wrong_cases[i].b, &wrong_cases[i].options);
		go(&pair);
		cr_expect_eq(pair.status, wrong_cases[i].status, "%s: status %d", wrong_cases[i].name, pair.status);
		cr_expect(strstr(pair.error.text, wrong_cases[i].text), "%s: '%s' is not in: %s", wrong_cases[i].name, wrong_cases[i].text,
			pair.error.text);
		close_pair(&pair);
	}
}

/* -- weights --------------------------------------------------------------------------------------------------------------- */

static void write_weights(const char *name, int changed)
{
	float first[16], second[16], bias[4] = { 1, 2, 3, 4 };
	int64_t square[2] = { 4, 4 }, row[1] = { 4 };
	for (int i = 0; i < 16; i++) {
		first[i] = (float)(i % 5) - 2;
		second[i] = (float)(i % 7) - 3;
	}
	if (changed >= 0)
		second[changed] += 0.25f;
	struct named_tensor items[] = {
		{ (char[]){ "one.weight" }, tensor_make(DTYPE_F32, 2, square, first), NULL },
		{ (char[]){ "two.weight" }, tensor_make(DTYPE_F32, 2, square, second), NULL },
		{ (char[]){ "two.bias" }, tensor_make(DTYPE_F32, 1, row, bias), NULL },
	};
	struct tensor_set set = { .items = items, .n_items = 3 };
	struct error error = { 0 };
	char *file = NULL;
	cr_assert(asprintf(&file, "%s/%s", tool_temporary(), name) > 0);
	cr_assert_eq(safetensors_write(file, &set, &error), STATUS_OK, "%s", error.text);
	free(file);
}

#define LINEAR "@TMP@/linear.dot -n 3 --set WEIGHTS=@TMP@/"

static const struct twin_case weights_cases[] = {
	{ "one changed weight", LINEAR "right.safetensors", LINEAR "wrong.safetensors --mode interpreted", EXACT, "two", 0,
		{ "elements of f32[2,4] differ; first at [0,1]", "its input was equal bit for bit: the difference begins here" } },
	{ "one changed weight, by digests", LINEAR "right.safetensors", LINEAR "wrong.safetensors", DIGESTS, "two", 0,
		{ "digests differ", "its input was equal bit for bit" } },
	{ "the same weights", LINEAR "right.safetensors", LINEAR "right.safetensors --mode interpreted", EXACT, NULL, 0, { "all equal" }, 3 },
};

Test(twin, weights)
{
	write_weights("right.safetensors", -1);
	write_weights("wrong.safetensors", 5);
	tool_write_file("linear.dot", "digraph linear { input [tensors=\"x:f32[2,4]\"]; node [weights=\"$WEIGHTS\"];\n"
		"subgraph cluster_0 { worker=w0; device=\"cpu:0\"; one [op=linear, name=one]; two [op=linear, name=two]; last [op=copy]; }\n"
		"input -> one -> two -> last -> output; }\n");
	for (size_t i = 0; i < sizeof weights_cases / sizeof *weights_cases; i++)
		check_case(&weights_cases[i]);
}

/* -- MiniLM ------------------------------------------------------------------------------------------------------------------ */

#define MINILM "@SRC@/examples/minilm/"
#define MODEL " --set MODEL=seeded:1 --input @SRC@/examples/minilm/sentences.safetensors -n 2"

static const struct twin_case minilm_cases[] = {
	{ "both modes, two workers", MINILM "tensor2.dot" MODEL, MINILM "tensor2.dot" MODEL " --mode interpreted", EXACT, NULL, 0,
		{ "all equal bit for bit" }, 2 },
	{ "both modes by digests", MINILM "pipeline2.dot" MODEL, MINILM "pipeline2.dot" MODEL " --mode interpreted", DIGESTS, NULL, 0,
		{ "all equal bit for bit" }, 2 },
	{ "whole and cut in two", MINILM "single.dot" MODEL, MINILM "tensor2.dot" MODEL, .options = { .absolute = 1e-5 }, NULL, 0,
		{ "all within the tolerance", "only the second run has" }, 2 },
	{ "whole and cut in two, exactly", MINILM "single.dot" MODEL, MINILM "tensor2.dot" MODEL, EXACT, "pool", 0,
		{ "first divergence: 'pool', execution 0", "input 0 from 'layer5': differs", "input 1 from 'input': equal bit for bit" } },
};

Test(twin, minilm)
{
	for (size_t i = 0; i < sizeof minilm_cases / sizeof *minilm_cases; i++)
		check_case(&minilm_cases[i]);
}
