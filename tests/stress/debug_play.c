/* SPDX-License-Identifier: Apache-2.0
 *
 * debug_play: which commands, with which arguments.
 */
#include "tests/stress/debug_play.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/attributes.h"
#include "engine/base/clock.h"
#include "engine/debug/twin.h"
#include "engine/graph/graph_dot.h"
#include "engine/graph/plan_check.h"
#include "engine/ops/ops.h"

#define POLL_NS 20000000
#define PATIENCE_NS INT64_C(150000000)  /* then it is interrupted */
#define HANG_NS INT64_C(30000000000)    /* then it hangs */

const char debug_play_graph[] =
	"digraph play { input [tensors=\"x:f32[N<=8,4]\"];\n"
	"subgraph cluster_0 { worker=w0; device=\"cpu:0\"; a [op=scale, factor=2]; sum0 [op=all_reduce, collective=sum]; }\n"
	"subgraph cluster_1 { worker=w1; device=\"cpu:1\"; b [op=spin, us=50]; sum1 [op=all_reduce, collective=sum]; }\n"
	"subgraph cluster_2 { worker=w2; device=\"cpu:2\"; c [op=add]; d [op=copy]; }\n"
	"input -> a -> sum0; input -> b -> sum1; sum0 -> c [arg=0]; sum1 -> c [arg=1]; c -> d; d -> output [arg=y]; }\n";

/* What a command is typed with; '%' stands for a random number from 0 to 19. Most make sense, some do not. */
static const struct {
	const char *name;
	const char *arguments[12]; /* one of them; NULL-ended */
	int weight;
} plays[] = {
	{ "step", { "", "%", "-1", "two" }, 8 },
	{ "next", { "", "2", "%" }, 6 },
	{ "node", { "", "3", "%" }, 6 },
	{ "continue", { "", "2" }, 4 },
	{ "until", { "%", "c", "d@%", "sum0@%", "execution %", "nobody" }, 6 },
	{ "finish", { "" }, 4 },
	{ "run", { "" }, 1 },
	{ "start", { "" }, 1 },
	{ "kill", { "" }, 1 },
	{ "detach", { "" }, 1 },
	{ "interrupt", { "" }, 1 },
	{ "hold", { "w0", "w1", "w2", "w9", "" }, 3 },
	{ "release", { "w0", "w1", "w2", "" }, 4 },
	{ "break", { "c", "a before execution %", "sum0 after from %", "op copy", "worker w1", "d if max > 3", "d if nonsense >", "" }, 6 },
	{ "tbreak", { "c", "sum1 execution %", "output", "input" }, 4 },
	{ "watch", { "c.out", "d[0] tolerance 0.5", "a if execution > %" }, 2 },
	{ "catch", { "error", "nan", "inf", "duration 1ms", "wait 5ms", "duration 1ns c" }, 3 },
	{ "delete", { "", "%", "1 2" }, 3 },
	{ "enable", { "", "%" }, 1 },
	{ "disable", { "", "%" }, 1 },
	{ "ignore", { "1 %", "%" }, 1 },
	{ "condition", { "1", "1 execution == %", "2 max(c.out) > 0" }, 1 },
	{ "print", { "c.out", "-x a.out[0]", "-s sum0@%", "-h 8 d.out@-1", "max(a.out) + %", "c.in.1[:, -1]", "-r 0:2 -n 5 b" }, 6 },
	{ "x", { "a", "c.out[0,1]@%" }, 1 },
	{ "display", { "c.out[0]", "-s a", "" }, 1 },
	{ "undisplay", { "", "1" }, 1 },
	{ "set", { "c.out = 1", "sum0 = 0 --all-ranks", "a[0,:2] *= 2", "d.out += 1", "sum1 = sum1@-1", "c = 1,2" }, 4 },
	{ "save", { "c.out @/c.npy", "a @/a.safetensors", "c.out @/none/c.npy" }, 1 },
	{ "compare", { "sum0 sum1", "c c@-1", "--abs 1e-3 a b" }, 2 },
	{ "origin", { "d", "-d 2 c.out", "sum0@%" }, 2 },
	{ "history", { "", "c" }, 1 },
	{ "list", { "", "c", "-a" }, 2 },
	{ "where", { "" }, 3 },
	{ "backtrace", { "" }, 2 },
	{ "info", { "workers", "nodes", "node c", "channels", "executions", "stops", "display", "history", "graph", "run", "stack" }, 4 },
	{ "worker", { "w0", "w1", "w2", "driver", "w7" }, 2 },
	{ "execution", { "%", "latest", "-1" }, 2 },
	{ "reverse-step", { "", "%" }, 3 },
	{ "forward", { "", "%" }, 2 },
	{ "twin", { "-m interpreted --executions 3", "-m compiled --digests --executions 5", "table", "where", "off", "--executions 2 --abs 1" }, 1 },
	{ "help", { "", "break", "nothing" }, 1 },
	{ "echo", { "a", "" }, 1 },
	{ "commands", { "1", "" }, 1 },
	{ "end", { "" }, 1 },
	{ "", { "" }, 3 },
};

static _Noreturn void fail(const struct debug_play *play, const char *what, const char *text)
{
	fprintf(stderr, "%s: %s (seed now %u)\n", what, text, play->seed);
	exit(1);
}

void debug_play_init(struct debug_play *play, const char *file, const char *mode, const char *n_executions)
{
	struct mistakes mistakes = MISTAKES_INIT;
	struct graph_settings settings = { 0 };
	struct plan_options options = { 0 };
	struct error error = { 0 };
	const char *words[] = { file, "--mode", mode, "-n", n_executions, "--grace", "200ms", NULL };
	memcpy(play->words, words, sizeof words);
	if (graph_dot_parse("play.dot", debug_play_graph, &settings, &mistakes, &play->graph) != STATUS_OK
		|| graph_resolve(play->graph, &ops_builtin, &mistakes) != STATUS_OK
		|| plan_compile(play->graph, &options, NULL, &error, &play->plan) != STATUS_OK)
		fail(play, "plan", error.text);
	mistakes_finish(&mistakes);
}

void debug_play_finish(struct debug_play *play)
{
	plan_destroy(play->plan);
	graph_destroy(play->graph);
}

/* Lets it move; interrupted after a while. */
static void settle(struct debug_play *play, int64_t patience_ns)
{
	struct debugger *debugger = play->context.debugger;
	int64_t begin = clock_now().ns;
	bool is_interrupted = false;
	while (debugger->state == DEBUG_MOVING) {
		int64_t passed = clock_now().ns - begin;
		debugger_poll(debugger, POLL_NS);
		if (passed > HANG_NS)
			fail(play, "it hangs", "a motion did not end, though interrupted");
		if (passed > patience_ns && !is_interrupted)
			debugger_interrupt(debugger);
		is_interrupted = passed > patience_ns;
	}
}

bool debug_play_open(struct debug_play *play, pid_t pid)
{
	struct debugger_options options = { .plan = play->plan, .executable = getenv("TANDEM"), .run_arguments = play->words,
		.ends_run = pid == 0 };
	struct error error = { 0 };
	play->context = (struct debug_context){ .is_scripted = true };
	if (debugger_create(&options, &error, &play->context.debugger) != STATUS_OK)
		fail(play, "create", error.text);
	if (pid && debugger_attach(play->context.debugger, pid, INT64_C(5000000000), &error) != STATUS_OK) {
		debug_play_close(play);
		return false;
	}
	if (!pid && debugger_start(play->context.debugger, false, &error) != STATUS_OK)
		fail(play, "start", error.text);
	settle(play, HANG_NS);
	if (!pid && play->context.debugger->state != DEBUG_HALTED)
		fail(play, "the run did not start", strbuf_text(&play->context.debugger->halt.text));
	return true;
}

void debug_play_close(struct debug_play *play)
{
	debug_context_finish(&play->context);
	debugger_destroy(play->context.debugger, false);
}

/* "@" is the folder, "%" a number. */
static void compose(struct debug_play *play, char *line, size_t size)
{
	int total = 0;
	for (size_t i = 0; i < ARRAY_LEN(plays); i++)
		total += plays[i].weight;
	int left = rand_r(&play->seed) % total, n = 0;
	size_t which = 0, length = 0;
	while ((left -= plays[which].weight) >= 0)
		which++;
	while (plays[which].arguments[n])
		n++;
	const char *from = plays[which].arguments[rand_r(&play->seed) % n];
	length += (size_t)snprintf(line, size, "%s ", plays[which].name);
	for (; *from && length + sizeof play->folder < size; from++) {
		if (*from == '%')
			length += (size_t)snprintf(line + length, size - length, "%d", rand_r(&play->seed) % 20);
		else if (from[0] == '@' && from[1] == '/')
			length += (size_t)snprintf(line + length, size - length, "%s", play->folder);
		else
			line[length++] = *from;
	}
	line[length] = '\0';
}

/* Changes values, ends the run, or starts another. */
static bool is_harmful(const char *line)
{
	static const char *const harmful[] = { "set ", "kill ", "run ", "start ", "twin ", "commands " };
	for (size_t i = 0; i < ARRAY_LEN(harmful); i++) {
		if (strncmp(line, harmful[i], strlen(harmful[i])) == 0)
			return true;
	}
	return false;
}

void debug_play_turn(struct debug_play *play)
{
	struct strbuf out = STRBUF_INIT;
	struct error error = { 0 };
	char line[256];
	do
		compose(play, line, sizeof line);
	while (play->is_harmless && is_harmful(line));
	if (play->is_loud)
		fprintf(stderr, "> %s\n", line);
	int status = debug_command(&play->context, line, &out, &error);
	if (status != STATUS_OK && !error.text[0])
		fail(play, "an error without a text", line);
	for (int i = 0; i < 20 && play->context.debugger->state == DEBUG_MOVING; i++) {
		settle(play, PATIENCE_NS);
		debug_settle(&play->context, &out, &error);
	}
	settle(play, PATIENCE_NS);
	strbuf_finish(&out);
}
