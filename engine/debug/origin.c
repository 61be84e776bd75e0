/* SPDX-License-Identifier: Apache-2.0
 *
 * origin: the walk from a value back along the edges.
 */
#include "engine/debug/origin.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX_BYTES (DEBUG_ORIGIN_DEPTH_MAX * 5 + 1) /* "│  " a level */
#define PARAM_BYTES 60 /* most of a parameter's value */

struct origin {
	struct debug_target *target;
	const struct program *program;
	uint64_t execution;
	bool *is_explained;   /* [n_nodes] */
	struct strbuf *out;
	char prefix[PREFIX_BYTES];
};

static void add_params(struct origin *origin, uint32_t node)
{
	const struct program *program = origin->program;
	const struct program_range *params = &program->nodes[node].params;
	struct strbuf *out = origin->out;

	if (!*debug_op_name(program, node))
		return;
	strbuf_add(out, " = ");
	strbuf_add_printable(out, debug_op_name(program, node));
	strbuf_add(out, "(");
	for (uint32_t i = 0; i + 1 < params->n; i += 2) {
		const char *value = program_string(program, program->indices[params->first + i + 1]);
		strbuf_add(out, i ? ", " : "");
		strbuf_add_printable(out, program_string(program, program->indices[params->first + i]));
		strbuf_add(out, "=");
		size_t length = strlen(value);
		if (length > PARAM_BYTES) { /* of a long path the end says more */
			strbuf_add(out, "…");
			value += length - PARAM_BYTES;
		}
		strbuf_add_printable(out, value);
	}
	strbuf_add(out, ")");
}

static void add_statistics(struct origin *origin, const struct debug_value *value)
{
	struct debug_slice slice;
	struct debug_stats stats;
	struct strbuf *out = origin->out;

	if (debug_slice_parse(NULL, &value->tensor, &slice, NULL))
		return;
	debug_stats(&slice, &value->tensor, &stats);
	strbuf_addf(out, ": min %.4g, mean %.4g, max %.4g", stats.min, stats.mean, stats.max);
	if (stats.n_nan)
		strbuf_addf(out, ", %" PRId64 " NaN", stats.n_nan);
	if (stats.n_inf)
		strbuf_addf(out, ", %" PRId64 " infinite", stats.n_inf);
	if (stats.n_poison)
		strbuf_addf(out, ", %" PRId64 " poison", stats.n_poison);
}

static void add_declared_type(struct origin *origin, uint32_t node, uint32_t output)
{
	const struct program_range *types = &origin->program->nodes[node].types;
	char text[200];

	if (output < types->n)
		strbuf_addf(origin->out, "  %s",
			type_describe(&origin->program->types[types->first + output], &origin->program->header->symbols,
				false, text, sizeof text));
}

/* "  f32[2,4] captured: min …", or that it is not held. */
static void add_value(struct origin *origin, uint32_t node, uint32_t output)
{
	struct debug_value value;
	char type[200];
	void *copy = NULL;
	int status = debug_value_find(origin->target, node, output, origin->execution, &value, NULL);

	if (!status && !value.failure && value.tensor.data)
		status = debug_value_copy(origin->target, &value, &copy, NULL);
	if (status) {
		add_declared_type(origin, node, output);
		strbuf_add(origin->out, ", not held");
	} else if (value.failure) {
		strbuf_add(origin->out, ", failed");
	} else {
		strbuf_addf(origin->out, "  %s, %s", tensor_describe(&value.tensor, type, sizeof type),
			debug_source_phrase(value.source));
		if (copy)
			add_statistics(origin, &value);
		else
			strbuf_addf(origin->out, ", digest %016" PRIx64, value.digest);
	}
	free(copy);
}

static void add_output_name(struct origin *origin, uint32_t node, uint32_t output)
{
	strbuf_add_printable(origin->out, debug_node_name(origin->program, node));
	if (origin->program->nodes[node].types.n > 1)
		strbuf_addf(origin->out, ".out.%" PRIu32, output);
}

static void explain(struct origin *origin, uint32_t node, uint32_t output, int depth);

/* The edges that feed `node`, one below the other. */
static void explain_inputs(struct origin *origin, uint32_t node, int depth)
{
	const struct program *program = origin->program;
	const struct program_range *inputs = &program->nodes[node].inputs;
	size_t length = strlen(origin->prefix);

	for (uint32_t i = 0; i < inputs->n; i++) {
		const struct program_edge *edge = &program->edges[program->indices[inputs->first + i]];
		bool is_last = i + 1 == inputs->n;
		strbuf_addf(origin->out, "%s%s", origin->prefix, is_last ? "└─ " : "├─ ");
		strcpy(origin->prefix + length, is_last ? "   " : "│  ");
		explain(origin, edge->src, edge->src_output == PROGRAM_NONE ? 0 : edge->src_output, depth);
		origin->prefix[length] = '\0';
	}
}

/* One value's line, then what it came from. */
static void explain(struct origin *origin, uint32_t node, uint32_t output, int depth)
{
	uint32_t n_inputs = origin->program->nodes[node].inputs.n;

	add_output_name(origin, node, output);
	add_params(origin, node);
	add_value(origin, node, output);
	if (origin->is_explained[node] && n_inputs) {
		strbuf_add(origin->out, " (explained above)\n");
		return;
	}
	if (depth <= 1 && n_inputs) {
		strbuf_addf(origin->out, " … from %" PRIu32 " more\n", n_inputs);
		return;
	}
	strbuf_add(origin->out, "\n");
	origin->is_explained[node] = true;
	explain_inputs(origin, node, depth - 1);
}

/* The execution that a reference means. */
static int find_execution(struct origin *origin, const struct debug_reference *reference, uint64_t execution,
	struct error *error)
{
	struct debug_value value;
	void *copy = NULL;
	struct debug_slice slice;

	origin->execution = execution;
	if (reference->has_execution && !reference->is_relative)
		origin->execution = (uint64_t)reference->execution;
	if (!reference->is_relative && origin->execution != DEBUG_LATEST)
		return STATUS_OK;
	int status = debug_reference_read(origin->target, reference, execution, &value, &slice, &copy, error);
	free(copy);
	origin->execution = status ? execution : value.execution;
	return status;
}

int debug_origin(struct debug_target *target, const struct debug_reference *reference, uint64_t execution, int depth,
	struct strbuf *out,
	struct error *error)
{
	struct origin origin = { .target = target, .program = &target->program, .out = out };
	uint32_t node = reference->node, output = reference->position;
	int status = find_execution(&origin, reference, execution, error);

	if (status)
		return status;
	if (reference->is_input) {
		uint32_t edge = debug_input_edge(origin.program, node, reference->position);
		if (edge == PROGRAM_NONE)
			return error_set(error, STATUS_INPUT, "%s has no input %" PRIu32, debug_node_name(origin.program,
				node), reference->position);
		node = origin.program->edges[edge].src;
		output = origin.program->edges[edge].src_output == PROGRAM_NONE ? 0 : origin.program->edges[edge].src_output;
	}
	origin.is_explained = calloc(origin.program->header->n_nodes, sizeof *origin.is_explained);
	if (!origin.is_explained)
		return error_set(error, STATUS_NO_MEMORY, "no memory for %" PRIu32 " nodes",
			origin.program->header->n_nodes);
	strbuf_addf(out, "Execution %" PRIu64 ":\n", origin.execution);
	explain(&origin, node, output, depth < DEBUG_ORIGIN_DEPTH_MAX ? depth : DEBUG_ORIGIN_DEPTH_MAX);
	free(origin.is_explained);
	return STATUS_OK;
}
