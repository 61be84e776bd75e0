/* SPDX-License-Identifier: Apache-2.0
 *
 * objects: classes of size, lock-free stacks of free blocks, reference counts, and the account of who holds what.
 */
#include "engine/run/objects.h"

#include <inttypes.h>
#include <stdlib.h>

#include "engine/base/units.h"
#include "engine/run/gate.h"

#define UNIT_BYTES 64u
#define FIRST_BLOCK round_up(sizeof(struct objects_header), 4096)
#define TOP_BITS 40 /* of a stack's top: the block; above: a tag that makes reuse of a block visible */
#define TOP_MASK ((UINT64_C(1) << TOP_BITS) - 1)

/* Up to 8 units a class each, then four classes to a doubling. */
static unsigned class_of(uint64_t n_units, uint64_t *ret_units)
{
	if (n_units <= 8) {
		*ret_units = n_units;
		return (unsigned)n_units;
	}
	unsigned shift = 61 - (unsigned)__builtin_clzll(n_units - 1);
	uint64_t step = (n_units - 1) >> shift;
	*ret_units = (step + 1) << shift;
	return 8 + (shift - 1) * 4 + (unsigned)(step - 4) + 1;
}

static uint64_t units_of(uint64_t bytes)
{
	return 1 + (bytes ? (bytes + UNIT_BYTES - 1) / UNIT_BYTES : 1);
}

uint64_t objects_block_bytes(uint64_t bytes)
{
	uint64_t n_units;
	class_of(units_of(bytes), &n_units);
	return n_units * UNIT_BYTES;
}

uint64_t objects_total_bytes(uint64_t n_blocks_bytes)
{
	return round_up(sizeof(struct objects_header), 4096) + round_up(n_blocks_bytes, 4096);
}

void objects_init(void *memory, uint64_t total_bytes, bool by_bound, struct objects *ret_objects)
{
	struct objects_header *header = memory;
	header->magic = OBJECTS_MAGIC;
	header->total_bytes = total_bytes;
	header->by_bound = by_bound;
	atomic_store(&header->end, FIRST_BLOCK);
	*ret_objects = (struct objects){ .header = header, .base = memory, .total_bytes = total_bytes, .by_bound = by_bound };
}

int objects_open(void *memory, uint64_t total_bytes, struct objects *ret_objects, struct error *error)
{
	struct objects_header *header = memory;
	if (total_bytes < sizeof *header || header->magic != OBJECTS_MAGIC || header->total_bytes != total_bytes)
		return error_set(error, STATUS_PROTOCOL, "the object store has another layout than this program");
	*ret_objects = (struct objects){ .header = header, .base = memory, .total_bytes = total_bytes,
		.by_bound = header->by_bound != 0, .poisons = header->poisons != 0 };
	return STATUS_OK;
}

/* Whether a block of `block_bytes` can stand at `at`. */
static bool has_block(const struct objects *objects, uint64_t at, uint64_t block_bytes)
{
	return at % UNIT_BYTES == 0 && at >= FIRST_BLOCK && at <= objects->total_bytes && block_bytes <= objects->total_bytes - at;
}

/* A plain field that another process may change at any time. */
static uint64_t read_once(const uint64_t *field)
{
	return *(const volatile uint64_t *)field;
}

static struct object_header *header_at(const struct objects *objects, uint64_t object)
{
	return (struct object_header *)(objects->base + object - sizeof(struct object_header));
}

/* 0 when the stack is empty, or leads out of the store. A block popped by somebody else in between may be read, never used: the tag has changed
 * then. */
static uint64_t pop(struct objects *objects, unsigned class_idx, uint64_t block_bytes)
{
	_Atomic uint64_t *top = &objects->header->stacks[class_idx].top;
	uint64_t seen = atomic_load_explicit(top, memory_order_acquire);
	while (seen & TOP_MASK) {
		struct object_header *block = (struct object_header *)(objects->base + (seen & TOP_MASK) * UNIT_BYTES);
		if (unlikely(!has_block(objects, (seen & TOP_MASK) * UNIT_BYTES, block_bytes)))
			return 0;
		uint64_t below = atomic_load_explicit(&block->next, memory_order_relaxed) & TOP_MASK;
		uint64_t after = ((seen >> TOP_BITS) + 1) << TOP_BITS | below;
		if (atomic_compare_exchange_weak_explicit(top, &seen, after, memory_order_acquire, memory_order_acquire))
			return (seen & TOP_MASK) * UNIT_BYTES + sizeof *block;
	}
	return 0;
}

/* As far as the value reached, for a block may be as large as its bound: the store does not know the dtype, so by the largest. */
static COLD void poison(const struct objects *objects, uint64_t object, uint64_t block_bytes)
{
	uint64_t bytes = sizeof(double), most = block_bytes - sizeof(struct object_header);
	uint64_t owned_bytes = read_once(&header_at(objects, object)->bytes);
	uint32_t dims[TENSOR_DIMS_MAX];
	objects_get_shape(objects, object, dims);
	for (int d = 0; d < TENSOR_DIMS_MAX && bytes < most; d++)
		bytes *= dims[d] ? dims[d] : 1;
	most = owned_bytes < most ? owned_bytes : most;
	gate_fill_poison(objects->base + object, bytes < most ? bytes : most);
}

static void push(struct objects *objects, uint64_t object)
{
	struct object_header *block = header_at(objects, object);
	uint64_t n_units, at = (object - sizeof *block) / UNIT_BYTES, block_bytes = read_once(&block->block_bytes);
	if (unlikely(!has_block(objects, at * UNIT_BYTES, block_bytes)))
		return; /* somebody wrote over it: it is lost */
	if (unlikely(objects->poisons && block_bytes > sizeof *block))
		poison(objects, object, block_bytes);
	_Atomic uint64_t *top = &objects->header->stacks[class_of(block_bytes / UNIT_BYTES, &n_units)].top;
	uint64_t seen = atomic_load_explicit(top, memory_order_relaxed), after;
	atomic_store_explicit(&block->state, OBJECT_FREE, memory_order_relaxed);
	do {
		atomic_store_explicit(&block->next, seen & TOP_MASK, memory_order_relaxed);
		after = ((seen >> TOP_BITS) + 1) << TOP_BITS | at;
	} while (!atomic_compare_exchange_weak_explicit(top, &seen, after, memory_order_release, memory_order_relaxed));
}

/* Fresh memory at the end; 0 when there is none left. */
static uint64_t carve(struct objects *objects, uint64_t block_bytes)
{
	struct objects_header *header = objects->header;
	uint64_t end = atomic_load_explicit(&header->end, memory_order_relaxed);
	do {
		if (!has_block(objects, end, block_bytes))
			return 0;
	} while (!atomic_compare_exchange_weak_explicit(&header->end, &end, end + block_bytes, memory_order_relaxed,
		memory_order_relaxed));
	((struct object_header *)(objects->base + end))->block_bytes = block_bytes;
	return end + sizeof(struct object_header);
}

static void own(struct object_header *block, uint64_t bytes, uint32_t node, uint32_t output, uint64_t execution)
{
	block->bytes = bytes;
	block->node = node;
	block->output = output;
	block->execution = execution;
	atomic_store_explicit(&block->state, OBJECT_OPEN, memory_order_relaxed);
}

uint64_t objects_allocate(struct objects *objects, uint64_t bytes, uint32_t node, uint32_t output, uint64_t execution)
{
	uint64_t n_units, object;
	if (bytes > objects->total_bytes)
		return 0;
	unsigned class_idx = class_of(units_of(bytes), &n_units);
	object = pop(objects, class_idx, n_units * UNIT_BYTES);
	if (!object)
		object = carve(objects, n_units * UNIT_BYTES);
	for (unsigned i = class_idx + 1; !object && i < OBJECTS_CLASSES; i++)
		object = pop(objects, i, n_units * UNIT_BYTES);
	if (object)
		own(header_at(objects, object), bytes, node, output, execution);
	return object;
}

void objects_seal(struct objects *objects, uint64_t object, uint32_t n_refs)
{
	struct object_header *block = header_at(objects, object);
	if (!n_refs) {
		push(objects, object);
		return;
	}
	atomic_store_explicit(&block->state, OBJECT_SEALED, memory_order_relaxed);
	atomic_store_explicit(&block->refs, n_refs, memory_order_release);
}

void objects_pass_on(struct objects *objects, uint64_t object, uint32_t n_refs)
{
	struct object_header *block = header_at(objects, object);
	uint32_t change = n_refs - 1;
	if (change && atomic_fetch_add_explicit(&block->refs, change, memory_order_acq_rel) + change == 0)
		push(objects, object);
}

bool objects_take_over(struct objects *objects, uint64_t object, uint64_t bytes, uint32_t node, uint32_t output, uint64_t execution)
{
	struct object_header *block = header_at(objects, object);
	uint64_t block_bytes = read_once(&block->block_bytes);
	if (atomic_load_explicit(&block->refs, memory_order_acquire) != 1 || block_bytes < sizeof *block || bytes > block_bytes - sizeof *block
		|| !objects_has(objects, object, bytes))
		return false;
	own(block, bytes, node, output, execution);
	return true;
}

bool objects_has(const struct objects *objects, uint64_t object, uint64_t bytes)
{
	uint64_t end = atomic_load_explicit(&objects->header->end, memory_order_relaxed);
	return object >= FIRST_BLOCK + UNIT_BYTES && object < end && has_block(objects, object, bytes);
}

void objects_set_shape(struct objects *objects, uint64_t object, const struct tensor *tensor)
{
	struct object_header *block = header_at(objects, object);
	for (int d = 0; d < 4; d++)
		block->dims[d] = d < tensor->n_dims ? (uint32_t)tensor->shape[d] : 0;
	uint64_t fifth = tensor->n_dims > 4 ? (uint32_t)tensor->shape[4] : 0, sixth = tensor->n_dims > 5 ? (uint32_t)tensor->shape[5] : 0;
	atomic_store_explicit(&block->next, fifth | sixth << 32, memory_order_relaxed);
}

void objects_get_shape(const struct objects *objects, uint64_t object, uint32_t ret_dims[TENSOR_DIMS_MAX])
{
	const struct object_header *block = header_at(objects, object);
	uint64_t last = atomic_load_explicit(&block->next, memory_order_relaxed);
	for (int d = 0; d < 4; d++)
		ret_dims[d] = *(const volatile uint32_t *)&block->dims[d];
	ret_dims[4] = (uint32_t)last;
	ret_dims[5] = (uint32_t)(last >> 32);
}
static_assert(TENSOR_DIMS_MAX == 6, "four sizes stand in dims, two in next");

void objects_walk(const struct objects *objects, void (*visit)(void *user, uint64_t object, const struct object_header *block), void *user)
{
	uint64_t end = atomic_load_explicit(&objects->header->end, memory_order_relaxed);
	if (end > objects->total_bytes)
		end = objects->total_bytes;
	for (uint64_t at = FIRST_BLOCK; at < end;) {
		const struct object_header *block = (const struct object_header *)(objects->base + at);
		if (end - at < sizeof *block)
			return;
		struct object_header copy = { .block_bytes = read_once(&block->block_bytes), .bytes = read_once(&block->bytes),
			.execution = read_once(&block->execution), .node = *(const volatile uint32_t *)&block->node,
			.output = *(const volatile uint32_t *)&block->output };
		if (copy.block_bytes < sizeof *block || copy.block_bytes % UNIT_BYTES || copy.block_bytes > end - at)
			return; /* being carved just now, or written over */
		uint32_t state = atomic_load_explicit(&block->state, memory_order_relaxed);
		atomic_store_explicit(&copy.state, state, memory_order_relaxed);
		if (state != OBJECT_FREE)
			visit(user, at + sizeof *block, &copy);
		at += copy.block_bytes;
	}
}

struct usage {
	uint64_t bytes;
	uint32_t n_objects;
};

static void add_usage(void *user, uint64_t object, const struct object_header *block)
{
	struct usage *usage = user;
	usage->bytes += block->block_bytes;
	usage->n_objects++;
}

uint64_t objects_used_bytes(const struct objects *objects, uint32_t *ret_n_objects)
{
	struct usage usage = { 0 };
	objects_walk(objects, add_usage, &usage);
	if (ret_n_objects)
		*ret_n_objects = usage.n_objects;
	return usage.bytes;
}

struct holder {
	uint64_t bytes, first, last; /* executions */
};

struct holders {
	struct holder *nodes; /* [n_nodes] */
	uint32_t n_nodes;
};

static void add_holder(void *user, uint64_t object, const struct object_header *block)
{
	struct holders *holders = user;
	if (block->node >= holders->n_nodes)
		return;
	struct holder *holder = &holders->nodes[block->node];
	if (!holder->bytes || block->execution < holder->first)
		holder->first = block->execution;
	if (!holder->bytes || block->execution > holder->last)
		holder->last = block->execution;
	holder->bytes += block->block_bytes;
}

void objects_describe_holders(const struct objects *objects, const struct program *program, int n_most, struct strbuf *out)
{
	uint32_t n_nodes = program->header->n_nodes;
	struct holders holders = { calloc(n_nodes, sizeof(struct holder)), n_nodes };
	char size[32];
	if (!holders.nodes)
		return;
	objects_walk(objects, add_holder, &holders);
	for (int i = 0; i < n_most; i++) {
		uint32_t most = 0;
		for (uint32_t n = 1; n < n_nodes; n++)
			most = holders.nodes[n].bytes > holders.nodes[most].bytes ? n : most;
		struct holder *holder = &holders.nodes[most];
		if (!holder->bytes)
			break;
		strbuf_addf(out, "%snode '%.60s' %s (execution %" PRIu64, i ? ", " : "",
			program_string(program, program->nodes[most].name), units_bytes(holder->bytes, size, sizeof size),
			holder->first);
		if (holder->last != holder->first)
			strbuf_addf(out, " to %" PRIu64, holder->last);
		strbuf_add(out, ")");
		holder->bytes = 0;
	}
	free(holders.nodes);
}

int objects_report_full(const struct objects *objects, const struct program *program, uint64_t bytes, uint32_t output,
	struct error *error)
{
	struct strbuf holders = STRBUF_INIT;
	char wanted[32], total[32], used[32];
	uint32_t n_objects;
	uint64_t used_bytes = objects_used_bytes(objects, &n_objects);
	objects_describe_holders(objects, program, 3, &holders);
	int status = error_set(error, STATUS_OP, "the object store is full: %s for output %u do not fit beside %u objects of %s (--store-limit "
		"gives %s); %s%.300s", units_bytes(bytes, wanted, sizeof wanted), output, n_objects,
		units_bytes(used_bytes, used, sizeof used), units_bytes(objects->total_bytes, total, sizeof total),
		n_objects ? "most is held by " : "nobody holds any", strbuf_text(&holders));
	strbuf_finish(&holders);
	return status;
}

void objects_reset(struct objects *objects)
{
	for (unsigned i = 0; i < OBJECTS_CLASSES; i++)
		atomic_store_explicit(&objects->header->stacks[i].top, 0, memory_order_relaxed);
	atomic_store_explicit(&objects->header->end, FIRST_BLOCK, memory_order_release);
}
