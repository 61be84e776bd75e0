/* SPDX-License-Identifier: Apache-2.0
 *
 * script_world: driving the debugger's language from tests.
 */
#include "tests/debug/script_world.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/graph/graph_dot.h"
#include "engine/graph/plan_check.h"
#include "engine/ops/ops.h"
#include "tests/support/run_tool.h"

#define LIMIT_NS INT64_C(60000000000)

static void fail(const char *what, const char *text)
{
	fprintf(stderr, "%s: %s\n", what, text);
	abort();
}

static void on_line(void *user, int stream, const char *line)
{
	struct script_world *world = user;
	strbuf_addf(&world->printed, "%s\n", line);
}

char *script_world_read(const char *path)
{
	struct strbuf text = STRBUF_INIT;
	char piece[4096];
	size_t n;
	FILE *stream = fopen(path, "re");

	if (!stream)
		return NULL;
	strbuf_add(&text, "");
	while ((n = fread(piece, 1, sizeof piece, stream)))
		strbuf_add_bytes(&text, piece, n);
	fclose(stream);
	return strbuf_take(&text);
}

/* -- opening ---------------------------------------------------------------------------------------------------------- */

static void take_words(struct script_world *world, const char *run)
{
	char *copy = tool_expand(run), *rest = copy, *mode = strsep(&rest, " "), *graph = strsep(&rest, " "), path[4096];
	int n = 0;

	snprintf(path, sizeof path, "%s/tests/debug/golden/%s", getenv("TANDEM_SOURCE_ROOT"), graph ? graph : "");
	world->words[n++] = strdup(path);
	world->words[n++] = strdup("--mode");
	world->words[n++] = strdup(mode);
	for (char *word = strsep(&rest, " "); word && n < (int)ARRAY_LEN(world->words) - 1; word = strsep(&rest, " "))
		world->words[n++] = strdup(word);
	free(copy);
}

static void compile(struct script_world *world)
{
	struct mistakes mistakes = MISTAKES_INIT;
	struct graph_settings settings = { 0 };
	struct plan_options options = { 0 };
	struct error error = { 0 };
	if (graph_load(world->words[0], &settings, &ops_builtin, &mistakes, &world->graph))
		fail(world->words[0], mistakes.n_items ? mistakes.items[0].text : "?");
	if (plan_compile(world->graph, &options, NULL, &error, &world->plan))
		fail(world->words[0], error.text);
	mistakes_finish(&mistakes);
}

void script_world_open(struct script_world *world, const char *run)
{
	struct error error = { 0 };

	*world = (struct script_world){ 0 };
	clock_init();
	take_words(world, run);
	compile(world);
	struct debugger_options options = { .plan = world->plan, .executable = getenv("TANDEM"), .printed = on_line,
		.user = world,
		.run_arguments = (const char *const *)world->words };
	if (debugger_create(&options, &error, &world->debugger))
		fail("create", error.text);
	world->context = (struct debug_context){ .debugger = world->debugger, .is_scripted = true };
}

void script_world_close(struct script_world *world)
{
	debug_context_finish(&world->context);
	debugger_destroy(world->debugger, world->context.is_kept);
	plan_destroy(world->plan);
	graph_destroy(world->graph);
	for (size_t i = 0; i < ARRAY_LEN(world->words); i++)
		free(world->words[i]);
	strbuf_finish(&world->printed);
}

/* -- a line ----------------------------------------------------------------------------------------------------------- */

int script_world_line(struct script_world *world, const char *line, struct strbuf *out)
{
	int64_t end_ns = clock_now().ns + LIMIT_NS;
	struct error error = { 0 };
	int status = debug_command(&world->context, line, out, &error);

	while (!status && world->debugger->state == DEBUG_MOVING) {
		if (debugger_poll(world->debugger, INT64_C(100000000)) != DEBUG_MOVING)
			status = debug_settle(&world->context, out, &error);
		if (clock_now().ns > end_ns)
			fail("it does not come to rest", line);
	}
	if (status)
		strbuf_addf(out, "error: %s\n", error.text);
	return status;
}

/* -- what differs from run to run ------------------------------------------------------------------------------------- */

/* A number with a unit of time: how long it is; 0 when it is none. */
static size_t time_length(const char *text)
{
	static const char *const units[] = { "ns", "µs", "ms", "s", "min", "h" };
	size_t n = strspn(text, "0123456789.");

	if (!n || !isdigit((unsigned char)text[0]) || text[n] != ' ')
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		size_t length = strlen(units[i]);
		if (!strncmp(text + n + 1, units[i], length) && !isalnum((unsigned char)text[n + 1 + length]))
			return n + 1 + length;
	}
	return 0;
}

/* " (took <time>, waited <time>)": whether something was waited for differs too. */
static size_t times_length(const char *text)
{
	if (strncmp(text, " (took ", 7) && strncmp(text, " (waited ", 9))
		return 0;
	return strcspn(text, ")") + 1;
}

static size_t pid_length(const char *before, const char *text)
{
	bool is_behind_word = text - before >= 8 && !strncmp(text - 8, "process ", 8);
	size_t n = strspn(text, "0123456789");
	return is_behind_word ? n : 0;
}

static void add_plain(const char *text, struct strbuf *out)
{
	char *tmp = tool_expand("@TMP@");
	const char *root = getenv("TANDEM_SOURCE_ROOT");

	for (const char *at = text; *at;) {
		size_t n;
		bool is_inside = at > text && isalnum((unsigned char)at[-1]);
		if ((n = times_length(at))) {
			at += n;
		} else if (!is_inside && (n = time_length(at))) {
			strbuf_add(out, "<time>");
			at += n;
		} else if ((n = pid_length(text, at))) {
			strbuf_add(out, "<pid>");
			at += n;
		} else if (*tmp && !strncmp(at, tmp, strlen(tmp))) {
			strbuf_add(out, "@TMP@");
			at += strlen(tmp);
		} else if (!strncmp(at, root, strlen(root))) {
			strbuf_add(out, "@ROOT@");
			at += strlen(root);
		} else {
			strbuf_add_bytes(out, at++, 1);
		}
	}
	free(tmp);
}

char *script_world_plain(const char *text)
{
	struct strbuf out = STRBUF_INIT;

	add_plain(text, &out);
	return out.text ? strbuf_take(&out) : strdup("");
}
