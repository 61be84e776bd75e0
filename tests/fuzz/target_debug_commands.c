/* SPDX-License-Identifier: Apache-2.0
 *
 * target_debug_commands: lines that somebody types to the debugger: without a graph, with one that was not started, and
 * over a saved state with values at a gate and in history. Whatever they are, nothing but text comes of it: a failure
 * has words, and no control character gets through. Lines that would start, attach to or write something are left out.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/debug/commands.h"
#include "tests/fuzz/targets.h"
#include "tests/fuzz/world.h"

#define HISTORY_BYTES (64 << 10)
#define N_EXECUTIONS 3
#define LINES_MAX 60

/* -- a saved state ---------------------------------------------------------------------------------------------------- */

struct scene {
	const struct world *world;
	struct control control;
	struct gates gates;
	uint8_t *slots;
};

static int make_slots(const struct scene *scene, uint8_t **ret_slots)
{
	size_t bytes = scene->world->program.header->slots_bytes;
	int fd = memfd_create("slots", MFD_CLOEXEC);
	FUZZ_CHECK(fd >= 0 && ftruncate(fd, (off_t)bytes) == 0, "no memory for slots");
	*ret_slots = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	FUZZ_CHECK(*ret_slots != MAP_FAILED, "no memory for slots");
	return fd;
}

/* A tensor of the first output's type at the bound, at the start of the slots. */
static struct tensor output_of(const struct scene *scene, uint32_t node)
{
	const struct program *program = &scene->world->program;
	struct tensor tensor = type_bound_tensor(&program->types[program->nodes[node].types.first],
		&program->header->symbols);
	tensor.data = scene->slots;
	return tensor;
}

/* As if every node had run in a few executions and its worker had gone on. */
static void pass_gates(struct scene *scene)
{
	const struct program *program = &scene->world->program;
	struct recorder recorder = { 0 };

	for (uint64_t execution = 0; execution < N_EXECUTIONS; execution++) {
		for (uint32_t node = 0; node < program->header->n_nodes; node++) {
			if (!program->nodes[node].types.n)
				continue;
			struct tensor output = output_of(scene, node);
			if (tensor_bytes(&output) > program->header->slots_bytes)
				continue;
			atomic_store(&scene->gates.flags[node], GATE_KEEP);
			struct gate_point point = { .place = GATE_AFTER, .node = node, .execution = execution,
				.n_outputs = 1, .outputs = &output,
				.op_ticks = 1000 };
			gate_pass(&scene->gates, &scene->control, program->nodes[node].worker, &recorder, &point);
		}
	}
}

/* The last worker stands after its last node. */
static void stop_one(struct scene *scene)
{
	const struct program *program = &scene->world->program;

	for (uint32_t node = 0; node < program->header->n_nodes; node++) {
		if (!program->nodes[node].types.n || !program->nodes[node].worker)
			continue;
		struct gate_worker *worker = gate_worker(&scene->gates, program->nodes[node].worker);
		worker->stop = (struct gate_stop){ .place = GATE_AFTER, .node = node, .execution = N_EXECUTIONS - 1,
			.op_ticks = 1000,
			.waited_ticks = 10 };
		atomic_store(&worker->n_stops, 1);
		atomic_store(&worker->state, GATE_STOPPED);
	}
	gates_freeze(&scene->gates, &scene->control, GATE_FREEZE_ASKED, PROGRAM_NONE, PROGRAM_NONE, UINT64_MAX,
		"somebody asked");
}

static const struct scene *get_scene(unsigned which)
{
	static struct scene scenes[64];
	struct error error = { 0 };
	struct scene *scene = &scenes[which % ARRAY_LEN(scenes)];
	int fds[3], gates_fd;

	if (scene->world)
		return scene;
	scene->world = world_get(which % ARRAY_LEN(scenes), RUN_MODE_COMPILED);
	const struct program *program = &scene->world->program;
	fds[0] = scene->world->program_fd;
	int status = control_create(program->header->n_workers, program->header->in_flight, 1, &error, &fds[1]);
	if (!status)
		status = control_open(fds[1], &scene->control, &error);
	FUZZ_CHECK(!status, "%s", error.text);
	fds[2] = make_slots(scene, &scene->slots);
	status = gates_create(program, fds, HISTORY_BYTES * program->header->n_workers, false, &error, &gates_fd);
	if (!status)
		status = gates_open(gates_fd, program, scene->slots, program->header->slots_bytes, &scene->gates, &error);
	FUZZ_CHECK(!status, "%s", error.text);
	pass_gates(scene);
	stop_one(scene);
	close(fds[1]);
	close(fds[2]);
	close(gates_fd);
	return scene;
}

static void open_scene(struct debugger *debugger, unsigned which)
{
	const struct scene *scene = get_scene(which);
	const struct program *program = &scene->world->program;
	struct error error = { 0 };
	struct debug_images images = { .program = program->header, .program_bytes = program->mapping_bytes,
		.control = scene->control.header,
		.control_bytes = scene->control.mapping_bytes, .slots = scene->slots,
			.slots_bytes = program->header->slots_bytes,
		.gates = scene->gates.header, .gates_bytes = scene->gates.mapping_bytes };
	FUZZ_CHECK(!debugger_open_images(debugger, &images, &error), "%s", error.text);
}

/* -- lines ------------------------------------------------------------------------------------------------------------ */

static bool is_left_out(const char *line)
{
	static const char *const names[] = { "run", "start", "attach", "twin", "source", "save" };
	const struct debug_command *command;
	char word[64];

	line += strspn(line, " \t\"");
	size_t length = strcspn(line, " \t\"\r\n");
	if (length >= sizeof word)
		return strchr(line, '>');
	memcpy(word, line, length);
	word[length] = '\0';
	if (debug_command_find(word, &command, NULL))
		return strchr(line, '>');
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (!strcmp(names[i], command->name))
			return true;
	}
	return !command->has_condition && strchr(line, '>');
}

static void check_text(const char *text, const char *line)
{
	for (const char *at = text; *at; at++)
		FUZZ_CHECK(((unsigned char)*at >= ' ' && *at != 0x7f) || *at == '\n', "'%s' says byte %02x", line,
			(unsigned char)*at);
}

static void type_line(struct debug_context *context, const char *line)
{
	struct strbuf out = STRBUF_INIT;
	struct error error = { 0 };
	size_t start = 0;
	char **words = debug_complete(context, line, strlen(line), &start);

	FUZZ_CHECK(start <= strlen(line), "a word of '%s' begins at %zu", line, start);
	debug_words_free(words);
	int status = debug_command(context, line, &out, &error);
	FUZZ_CHECK(status == STATUS_OK || (error.text[0] && error.status == status), "'%s' fails without words", line);
	FUZZ_CHECK(context->debugger->state != DEBUG_MOVING, "'%s' moves what cannot move", line);
	check_text(strbuf_text(&out), line);
	check_text(status ? error.text : "", line);
	strbuf_finish(&out);
}

static int fuzz_one(const uint8_t *data, size_t n)
{
	unsigned which = n ? data[0] : 0;
	char *text = calloc(1, n + 1), *rest = text;
	struct debugger_options options = { .executable = "/nonexistent" };
	struct error error = { 0 };
	struct debugger *debugger;

	FUZZ_CHECK(text, "no memory");
	if (n)
		memcpy(text, data + 1, n - 1);
	if (which % 4 == 1)
		options.plan = world_get(which / 4 % world_count(), RUN_MODE_COMPILED)->plan;
	FUZZ_CHECK(!debugger_create(&options, &error, &debugger), "%s", error.text);
	if (which % 4 > 1)
		open_scene(debugger, which / 4 % world_count());
	struct debug_context context = { .debugger = debugger, .is_scripted = true };
	int n_lines = 0;
	for (char *line; (line = strsep(&rest, "\n")) && n_lines < LINES_MAX && !context.is_over; n_lines++) {
		if (!is_left_out(line))
			type_line(&context, line);
	}
	debug_context_finish(&context);
	debugger_destroy(debugger, false);
	free(text);
	return 0;
}

static void add_seeds(struct fuzz_corpus *corpus)
{
	static const char *const scripts[] = {
		"list\nlist -a\n\nwhere\nbacktrace\ninfo workers\ninfo executions\nhistory\nposition\nreverse-step 2\n"
		"forward\nexecution 1",
		"info nodes *\ninfo node input\ninfo channels\ninfo graph\ninfo run\ninfo stops\ninfo display\ninfo "
		"stack\nhelp print",
		"break input after if max > 3\nbreak from 2 if execution == 1 || wait > 2ms\ntbreak worker w0\n"
		"condition 1 n_nan\nignore 1 3\ninfo stops",
		"watch input tolerance 0.5 if max(input) > 0\ncatch nan\ncatch duration 2ms\ncommands\nprint input\n"
		"end\ncommands 1\ndelete 1 2\nenable",
		"print input\nprint -s input@1\nx -n 3 input[0]\nprint -h 5 input\nprint -r -1:1 input.out.0[:]\nprint "
		"max(input) / 2\nprint 1 + -2 * (3)",
		"display -s input\ndisplay\nundisplay 1\ncompare --abs 1 input input@1\norigin -d 9 input\nset input *= "
		"2\ndisable\nquit 3",
	};
	char line[1000];
	for (unsigned kind = 0; kind < 4 * world_count() && kind < 256; kind++) {
		for (size_t i = 0; i < ARRAY_LEN(scripts); i++) {
			line[0] = (char)kind;
			strcpy(line + 1, scripts[i]);
			fuzz_corpus_add(corpus, line, strlen(scripts[i]) + 1);
		}
	}
}

static const char *const tokens[] = { "\n", " ", "print ", "break ", "watch ", "catch ", "list ", "info ", "nodes ",
	"execution ", "reverse-step ",
	"forward ", "origin ", "compare ", "display ", "history ", "commands ", "end\n", "help ", "condition ", "input",
		"output", "w0", "w1", "driver",
	".out", ".in", ".0", "[0,:4]", "[", "]", ":", "@", "@-1", "@0", "-x ", "-s ", "-h ", "-r ", "-n ", "-d ", "-a",
		"if ", "from ", "op ", "worker ",
	"before ", "after ", "max", "min", "n_nan", "wait", "duration", "2ms", "1e308", "-1", "18446744073709551615", "(",
		")", "==", "!=", "<=", "&&",
	"||", "!", "*", "/", "\"", "#", "\x1b[31m", "\xff", NULL };

const struct fuzz_target fuzz_target_debug_commands = {
	.name = "debug_commands",
	.one = fuzz_one,
	.add_seeds = add_seeds,
	.tokens = tokens,
	.bytes_max = 600,
	.n_runs = 3000,
};
