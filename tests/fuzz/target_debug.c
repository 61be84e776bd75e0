/* SPDX-License-Identifier: Apache-2.0
 *
 * target_debug: the debugger on the saved memory of a run that somebody has written over: all values, states and the root of waits; and what one
 * types after `print`, `if` and `set`, on one that is sound.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/debug/expression.h"
#include "engine/graph/slot.h"
#include "engine/run/task.h"
#include "tests/fuzz/targets.h"
#include "tests/fuzz/world.h"

#define HISTORY_BYTES 65536
#define STORE_BYTES 16384
#define N_EXECUTIONS 3
#define SEGMENTS 4

/* The segments of a run of a world, as they could be met. */
struct memory {
	uint8_t *bytes[SEGMENTS];
	size_t n[SEGMENTS];
};

static struct memory memories[4][RUN_MODE_COUNT];

static void take_segment(struct memory *memory, int segment, int fd)
{
	struct stat info;
	FUZZ_CHECK(fstat(fd, &info) == 0, "no segment %d", segment);
	memory->n[segment] = (size_t)info.st_size;
	void *bytes = mmap(NULL, memory->n[segment], PROT_READ | (segment ? PROT_WRITE : 0), MAP_SHARED, fd, 0);
	FUZZ_CHECK(bytes != MAP_FAILED, "segment %d cannot be mapped", segment);
	memory->bytes[segment] = bytes;
}

static void publish_slots(const struct program *program, uint8_t *slots)
{
	for (uint32_t i = 0; i < program->header->n_channels; i++) {
		const struct program_channel *channel = &program->channels[i];
		for (uint64_t k = 0; k < N_EXECUTIONS; k++) {
			uint64_t slot = k % channel->depth;
			uint8_t *end = slots + channel->slots_offset + (slot + 1) * channel->slot_bytes;
			struct slot_header *header = (struct slot_header *)(end - sizeof *header);
			if (channel->output != PROGRAM_NONE) {
				const struct tensor_type *type = &program->types[program->nodes[channel->node].types.first + channel->output];
				header->n_dims = (uint32_t)type->n_dims;
				for (int d = 0; d < type->n_dims; d++)
					header->dims[d] = (uint32_t)dim_bound(type->dims[d], &program->header->symbols);
			}
			atomic_store(&header->sequence, k + 1);
		}
	}
}

static void fill_store(const struct program *program, uint8_t *slots, size_t bells_bytes, size_t n)
{
	struct objects objects;
	objects_init(slots + bells_bytes, n - bells_bytes, true, &objects);
	for (uint32_t node = 0; node < program->header->n_nodes; node++) {
		for (uint32_t o = 0; o < program->nodes[node].types.n; o++) {
			struct tensor tensor = type_bound_tensor(&program->types[program->nodes[node].types.first + o], &program->header->symbols);
			uint64_t object = objects_allocate(&objects, tensor_bytes(&tensor), node, o, node % N_EXECUTIONS);
			FUZZ_CHECK(object, "the store is too small");
			objects_set_shape(&objects, object, &tensor);
			objects_seal(&objects, object, 1);
		}
	}
}

/* Every worker's first node has been kept for some executions; then worker 1 stands behind it. */
static void pass_gates(const struct program *program, struct gates *gates, struct control *control)
{
	struct recorder recorder = { 0 };
	for (uint32_t node = 0; node < program->header->n_nodes; node++) {
		struct tensor outputs[OP_OUTPUTS_MAX];
		uint32_t n = program->nodes[node].types.n;
		for (uint32_t o = 0; o < n; o++) {
			outputs[o] = type_bound_tensor(&program->types[program->nodes[node].types.first + o], &program->header->symbols);
			outputs[o].data = gates->slots;
		}
		atomic_store(&gates->flags[node], GATE_KEEP);
		struct gate_point point = { .place = GATE_AFTER, .node = node, .n_outputs = (int)n, .outputs = outputs };
		for (point.execution = 0; point.execution < N_EXECUTIONS; point.execution++)
			gate_pass(gates, control, program->nodes[node].worker, &recorder, &point);
	}
	struct gate_worker *self = gate_worker(gates, 1);
	self->stop = (struct gate_stop){ .place = GATE_AFTER, .node = GRAPH_OUTPUT + 1, .execution = 1, .n_outputs = 1 };
	struct tensor tensor = type_bound_tensor(&program->types[program->nodes[GRAPH_OUTPUT + 1].types.first], &program->header->symbols);
	self->stop.tensors[0] = (struct gate_tensor){ .dtype = (uint32_t)tensor.dtype, .n_dims = (uint32_t)tensor.n_dims, .offset = 64,
		.bytes = tensor_bytes(&tensor) };
	for (int d = 0; d < tensor.n_dims; d++)
		self->stop.tensors[0].dims[d] = (uint32_t)tensor.shape[d];
	atomic_store(&self->state, GATE_STOPPED);
	gates_freeze(gates, control, GATE_FREEZE_ERROR, 1, GRAPH_OUTPUT + 1, 1, "words");
}

static const struct memory *get_memory(unsigned which, enum run_mode mode)
{
	const struct world *world = world_get(which, mode);
	const struct program *program = &world->program;
	struct memory *memory = &memories[which % 4][mode];
	size_t bells_bytes = mode == RUN_MODE_INTERPRETED ? task_bells_bytes(program->header->n_workers) : 0;
	size_t n = mode == RUN_MODE_INTERPRETED ? bells_bytes + objects_total_bytes(STORE_BYTES) : program->header->slots_bytes;
	struct error error = { 0 };
	struct gates gates;
	struct control control;
	int fds[3] = { world->program_fd, -1, memfd_create("slots", 0) }, gates_fd;
	if (memory->n[0])
		return memory;
	FUZZ_CHECK(fds[2] >= 0 && ftruncate(fds[2], (off_t)n) == 0, "no memory");
	FUZZ_CHECK(control_create(program->header->n_workers, 4, 1, &error, &fds[1]) == STATUS_OK, "%s", error.text);
	FUZZ_CHECK(gates_create(program, fds, HISTORY_BYTES, which % 2, &error, &gates_fd) == STATUS_OK, "%s", error.text);
	for (int i = 0; i < SEGMENTS; i++)
		take_segment(memory, i, i < 3 ? fds[i] : gates_fd);
	if (mode == RUN_MODE_COMPILED)
		publish_slots(program, memory->bytes[2]);
	else
		fill_store(program, memory->bytes[2], bells_bytes, n);
	FUZZ_CHECK(control_open(fds[1], &control, &error) == STATUS_OK, "%s", error.text);
	FUZZ_CHECK(gates_open(gates_fd, program, memory->bytes[2], n, &gates, &error) == STATUS_OK, "%s", error.text);
	pass_gates(program, &gates, &control);
	gates_close(&gates);
	control_close(&control);
	close(fds[1]);
	close(fds[2]);
	close(gates_fd);
	return memory;
}

static struct debug_images images_of(uint8_t *const bytes[SEGMENTS], const size_t n[SEGMENTS])
{
	return (struct debug_images){ .program = bytes[0], .control = bytes[1], .slots = bytes[2], .gates = bytes[3],
		.program_bytes = n[0], .control_bytes = n[1], .slots_bytes = n[2], .gates_bytes = n[3] };
}

/* -- everything that can be looked at ------------------------------------------------------------------------------------ */

static void read_value(struct debug_target *target, uint32_t node, uint32_t output, uint64_t execution)
{
	static const struct debug_print print = { .format = DEBUG_FORMAT_STATS };
	struct debug_value value;
	struct debug_slice slice;
	struct strbuf text = STRBUF_INIT;
	struct error error = { 0 };
	void *copy;
	int status = debug_value_find(target, node, output, execution, &value, &error);
	FUZZ_CHECK(status == STATUS_OK || error.text[0], "%s without words", status_word(status));
	if (status != STATUS_OK || debug_value_copy(target, &value, &copy, &error) != STATUS_OK)
		return;
	FUZZ_CHECK(debug_slice_parse("", &value.tensor, &slice, &error) == STATUS_OK, "%s", error.text);
	debug_print_slice(&slice, &value.tensor, &print, &text);
	strbuf_finish(&text);
	free(copy);
}

static void look_at_all(struct debug_target *target)
{
	const struct program *program = &target->program;
	struct strbuf text = STRBUF_INIT;
	struct debug_history history;
	struct debug_value value;
	uint64_t executions[4];
	uint32_t total, order[64];
	for (uint32_t node = 0; node < program->header->n_nodes && node < 64; node++) {
		for (uint32_t o = 0; o < program->nodes[node].types.n && o < 8; o++) {
			uint32_t n = debug_value_executions(target, node, o, executions, 4, &total);
			for (uint32_t i = 0; i < n; i++)
				read_value(target, node, o, executions[i]);
			read_value(target, node, o, DEBUG_LATEST);
		}
		for (uint32_t i = 0; i < program->nodes[node].inputs.n && i < 8; i++)
			debug_value_find_input(target, node, i, DEBUG_LATEST, &value, NULL);
	}
	for (uint32_t i = 0; i < program->header->n_workers; i++)
		debug_describe_worker(target, i, &text);
	debug_where(target, &text);
	debug_history(target, &history);
	if (program->header->n_nodes <= 64)
		debug_order(program, order);
	strbuf_finish(&text);
}

/* A graph and a mode, then numbers that are written over places. */
static int open_damaged(const uint8_t *data, size_t n)
{
	struct fuzz_reader reader = { data, data + n };
	uint8_t which = fuzz_read_u8(&reader), *copies[SEGMENTS];
	const struct memory *memory = get_memory(which / 2 % 4, which % 2 ? RUN_MODE_INTERPRETED : RUN_MODE_COMPILED);
	struct debug_target target;
	struct error error = { 0 };
	for (int i = 0; i < SEGMENTS; i++) {
		copies[i] = malloc(memory->n[i]);
		FUZZ_CHECK(copies[i], "no memory");
		memcpy(copies[i], memory->bytes[i], memory->n[i]);
	}
	while (!fuzz_reader_is_empty(&reader)) {
		uint8_t segment = fuzz_read_u8(&reader);
		size_t at = (size_t)fuzz_read_u16(&reader) * 4, i = segment % 16 == 0 ? 0 : 1 + segment % 3;
		uint64_t number = fuzz_read_number(&reader);
		if (memory->n[i] >= sizeof number)
			memcpy(copies[i] + at % (memory->n[i] - sizeof number + 1), &number, segment & 64 ? 4 : 8);
	}
	struct debug_images images = images_of(copies, memory->n);
	int status = debug_target_open_images(&images, &target, &error);
	FUZZ_CHECK(status == STATUS_OK || error.text[0], "%s without words", status_word(status));
	if (status == STATUS_OK) {
		look_at_all(&target);
		debug_target_close(&target);
	}
	for (int i = 0; i < SEGMENTS; i++)
		free(copies[i]);
	return 0;
}

static void add_image_seeds(struct fuzz_corpus *corpus)
{
	for (uint8_t which = 0; which < 8; which++) {
		const uint8_t untouched[] = { which }, touched[] = { which, 1, 0, 1, 7, 2, 16, 0, 3, 3, 40, 0, 9, 4, 8, 2, 1 };
		fuzz_corpus_add(corpus, untouched, sizeof untouched);
		fuzz_corpus_add(corpus, touched, sizeof touched);
	}
}

/* -- what one types ------------------------------------------------------------------------------------------------------------- */

static void evaluate(struct debug_target *target, const struct debug_expression *expression)
{
	struct gate_stop stop;
	uint32_t n_stops;
	double value;
	struct error error = { 0 };
	bool is_stopped = gate_read_stop(&target->gates, &target->program, 1, &stop, &n_stops);
	struct debug_place place = { .worker = 1, .stop = is_stopped ? &stop : NULL, .execution = 1 };
	debug_expression_needs_outputs(expression);
	int status = debug_expression_evaluate(expression, target, &place, &value, &error);
	FUZZ_CHECK(status == STATUS_OK || error.text[0], "%s without words", status_word(status));
}

static void parse_all(struct debug_target *target, const char *text)
{
	struct debug_expression *expression;
	struct debug_reference reference;
	struct debug_assignment assignment;
	struct strbuf again = STRBUF_INIT;
	struct error error = { 0 };
	int64_t n;
	int status = debug_expression_parse(&target->program, text, &expression, &error);
	FUZZ_CHECK(status == STATUS_OK || error.text[0], "%s without words", status_word(status));
	if (status == STATUS_OK) {
		evaluate(target, expression);
		debug_expression_finish(expression);
	}
	if (debug_reference_parse(&target->program, text, &reference, NULL, &error) == STATUS_OK) {
		struct debug_reference same;
		debug_reference_describe(&target->program, &reference, &again);
		status = debug_reference_parse(&target->program, strbuf_text(&again), &same, NULL, &error);
		FUZZ_CHECK(status == STATUS_OK, "'%s' is not read again: %s", strbuf_text(&again), error.text);
		FUZZ_CHECK(same.node == reference.node && same.is_input == reference.is_input && same.position == reference.position,
			"'%s' is read as something else", strbuf_text(&again));
	}
	if (!strchr(text, '/') && debug_assignment_parse(&target->program, text, &assignment, &error) == STATUS_OK) {
		status = debug_assignment_carry_out(target, &assignment, 1, &n, &error);
		FUZZ_CHECK(status != STATUS_OK, "a saved run was changed");
		debug_assignment_finish(&assignment);
	}
	strbuf_finish(&again);
}

static int parse_typed(const uint8_t *data, size_t n)
{
	static struct debug_target targets[2]; /* kept to the end */
	unsigned which = n && data[n - 1] & 1;
	struct error error = { 0 };
	char *text = malloc(n + 1);
	FUZZ_CHECK(text, "no memory");
	memcpy(text, data, n);
	text[n] = '\0';
	if (!targets[which].program.header) {
		const struct memory *memory = get_memory(which, RUN_MODE_COMPILED);
		struct debug_images images = images_of(memory->bytes, memory->n);
		FUZZ_CHECK(debug_target_open_images(&images, &targets[which], &error) == STATUS_OK, "%s", error.text);
	}
	parse_all(&targets[which], text);
	free(text);
	return 0;
}

static void add_typed_seeds(struct fuzz_corpus *corpus)
{
	static const char *const lines[] = { "a.out[0,:4]", "b.in.1[:, -1]@5", "input.x", "output.c", "\"a\".0[...,1::-2]@-1",
		"node == a && max > 1e3",
		"(has_nan || n_inf > 2) && !(op != copy)", "worker == w0 && execution >= 1 && wait < 2ms", "max(a.out[0]) - in.min * 2 / std",
		"a[0,0] = 1, -2, nan", "a *= 2", "a += b.out@-1", "a = x.npy" };
	for (size_t i = 0; i < ARRAY_LEN(lines); i++)
		fuzz_corpus_add(corpus, lines[i], strlen(lines[i]));
}

static const char *const typed_tokens[] = { "node", "op", "worker", "execution", "duration", "wait", "min", "max", "mean", "norm", "std", "n_nan",
	"n_inf", "has_nan", "has_inf", "in.", ".out", ".in", "==", "!=", "<=", "&&", "||", "[", "]", "...", "::", "@-1", "@", "(", ")", "\"", "ms",
	"w0", "copy", "a", "b", "c", "input", "output", "x", "y", "+=", "*=", NULL };

const struct fuzz_target fuzz_target_debug_images = {
	.name = "debug_images",
	.one = open_damaged,
	.add_seeds = add_image_seeds,
	.bytes_max = 400,
	.n_runs = 2000,
};

const struct fuzz_target fuzz_target_debug_expression = {
	.name = "debug_expression",
	.one = parse_typed,
	.add_seeds = add_typed_seeds,
	.tokens = typed_tokens,
	.bytes_max = 300,
	.n_runs = 20000,
};
