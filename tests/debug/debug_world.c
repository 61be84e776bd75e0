/* SPDX-License-Identifier: Apache-2.0
 *
 * debug_world: driving a debugger from tests.
 */
#include "tests/debug/debug_world.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/clock.h"
#include "tests/support/run_tool.h"

#define LIMIT_NS INT64_C(30000000000)

static void fail(const char *what, const struct error *error)
{
	fprintf(stderr, "%s: %s\n", what, error->text);
	abort();
}

static void on_line(void *user, int stream, const char *line)
{
	struct debug_world *world = user;
	strbuf_addf(&world->printed, "%s\n", line);
}

static void take_words(struct debug_world *world, const char *mode, const char *options)
{
	int n = 0;
	char *rest = tool_expand(options), *all = rest;
	world->words[n++] = tool_expand("@TMP@/graph.dot");
	world->words[n++] = strdup("--mode");
	world->words[n++] = strdup(mode);
	for (char *word = strsep(&rest, " "); word && n < (int)ARRAY_LEN(world->words) - 1; word = strsep(&rest, " ")) {
		if (*word)
			world->words[n++] = strdup(word);
	}
	free(all);
}

void debug_world_open(struct debug_world *world, const char *graph, const char *mode, const char *options)
{
	struct error error = { 0 };
	*world = (struct debug_world){ 0 };
	if (*graph) {
		tool_write_file("graph.dot", graph);
		take_words(world, mode, options);
	}
	struct debugger_options debugger_options = { .executable = getenv("TANDEM"), .printed = on_line, .user = world,
		.run_arguments = *graph ? (const char *const *)world->words : NULL };
	if (debugger_create(&debugger_options, &error, &world->debugger) != STATUS_OK)
		fail("create", &error);
}

void debug_world_close(struct debug_world *world)
{
	debugger_destroy(world->debugger, false);
	for (size_t i = 0; i < ARRAY_LEN(world->words); i++)
		free(world->words[i]);
	strbuf_finish(&world->printed);
}

enum debug_state debug_world_settle(struct debug_world *world)
{
	int64_t end_ns = clock_now().ns + LIMIT_NS;
	while (debugger_poll(world->debugger, 100000000) == DEBUG_MOVING) {
		if (clock_now().ns > end_ns) {
			struct strbuf where = STRBUF_INIT;
			if (world->debugger->target.program.header)
				debug_where(&world->debugger->target, &where);
			fprintf(stderr, "does not come to rest:\n%s", strbuf_text(&where));
			abort();
		}
	}
	return world->debugger->state;
}

void debug_world_start(struct debug_world *world)
{
	struct error error = { 0 };
	if (debugger_start(world->debugger, false, &error) != STATUS_OK)
		fail("start", &error);
	if (debug_world_settle(world) != DEBUG_HALTED) {
		error_set(&error, STATUS_SYSTEM, "%s", strbuf_text(&world->debugger->halt.text));
		fail("start", &error);
	}
}

const char *debug_world_where(struct debug_world *world)
{
	static char text[200], front[40];
	const struct debug_halt *halt = &world->debugger->halt;
	const struct program *program = debugger_program(world->debugger);
	static const char *const reasons[] = { [DEBUG_REASON_BLOCKED] = "blocked: ", [DEBUG_REASON_INTERRUPT] = "interrupt: " };
	front[0] = '\0';
	if (halt->reason == DEBUG_REASON_STOP)
		snprintf(front, sizeof front, "stop %d: ", halt->stop);
	else if (halt->reason < ARRAY_LEN(reasons) && reasons[halt->reason])
		snprintf(front, sizeof front, "%s", reasons[halt->reason]);
	if (halt->reason == DEBUG_REASON_END)
		snprintf(text, sizeof text, "end");
	else if (!halt->has_gate)
		snprintf(text, sizeof text, "%snowhere", front);
	else
		snprintf(text, sizeof text, "%s%s %s %s %" PRIu64, front, debug_worker_name(program, halt->worker),
			debug_node_name(program, halt->gate.node), halt->gate.place == GATE_BEFORE ? "before" : "after", halt->gate.execution);
	return text;
}

const char *debug_world_go(struct debug_world *world, enum debug_resume how, uint64_t count)
{
	struct error error = { 0 };
	if (debugger_resume(world->debugger, how, count, &error) != STATUS_OK)
		fail("resume", &error);
	debug_world_settle(world);
	return debug_world_where(world);
}

uint32_t debug_world_node(const struct debug_world *world, const char *name)
{
	return debug_find_node(debugger_program(world->debugger), name, NULL);
}

uint32_t debug_world_worker(const struct debug_world *world, const char *name)
{
	return debug_find_worker(debugger_program(world->debugger), name, NULL);
}

int debug_world_set(struct debug_world *world, const char *text, bool all_ranks, struct strbuf *out)
{
	struct error error = { 0 };
	struct debug_assignment assignment;
	int status = debug_assignment_parse(debugger_program(world->debugger), text, &assignment, &error);
	if (status == STATUS_OK)
		status = debugger_set(world->debugger, &assignment, DEBUG_LATEST, all_ranks, text, out, &error);
	if (status != STATUS_OK)
		strbuf_add(out, error.text);
	return status;
}

double debug_world_element(const struct debug_world *world, const char *node, uint64_t execution, int64_t element)
{
	struct debug_value value;
	if (debug_value_find(&world->debugger->target, debug_world_node(world, node), 0, execution, &value, NULL) != STATUS_OK
		|| !value.tensor.data)
		return NAN;
	return debug_element(&value.tensor, element);
}
