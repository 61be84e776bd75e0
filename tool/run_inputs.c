/* SPDX-License-Identifier: Apache-2.0
 *
 * run_inputs: finds the declared tensors in the files given, or makes them up.
 */
#include "tool/run_inputs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/run/driver.h"

static const struct graph_node *input_node(const struct plan *plan)
{
	return &plan->graph->nodes[GRAPH_INPUT];
}

/* splitmix64 (Steele, Lea, Flood 2014). */
static uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15ull;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

static double next_unit(uint64_t *state)
{
	return ((double)(next_random(state) >> 11) + 0.5) * 0x1p-53;
}

static double next_normal(uint64_t *state)
{
	double radius = sqrt(-2 * log(next_unit(state)));
	return radius * cos(2 * M_PI * next_unit(state));
}

static uint64_t seed_for(uint64_t seed, const char *name)
{
	uint64_t state = seed;
	for (; *name; name++)
		state = next_random(&state) ^ (unsigned char)*name;
	return state;
}

static double next_value(enum dtype dtype, uint64_t *state)
{
	if (dtype == DTYPE_F32 || dtype == DTYPE_F64)
		return next_normal(state);
	uint64_t end = dtype == DTYPE_I8 ? 128 : dtype == DTYPE_U8 ? 256 : RUN_INPUTS_INTEGER_END;
	return (double)(next_random(state) % end);
}

static void fill(const struct tensor *tensor, bool is_mask, uint64_t state)
{
	int64_t n = tensor_n_elements(tensor);
	for (int64_t i = 0; i < n; i++) {
		double value = is_mask ? 1 : next_value(tensor->dtype, &state);
		switch (tensor->dtype) {
		case DTYPE_F32: ((float *)tensor->data)[i] = (float)value; break;
		case DTYPE_F64: ((double *)tensor->data)[i] = value; break;
		case DTYPE_I8: ((int8_t *)tensor->data)[i] = (int8_t)value; break;
		case DTYPE_U8: ((uint8_t *)tensor->data)[i] = (uint8_t)value; break;
		case DTYPE_I32: ((int32_t *)tensor->data)[i] = (int32_t)value; break;
		case DTYPE_I64: ((int64_t *)tensor->data)[i] = (int64_t)value; break;
		case DTYPE_COUNT: break;
		}
	}
}

static int make_up(const struct plan *plan, int idx, uint64_t seed, struct run_inputs *inputs, struct error *error)
{
	const struct tensor_type *type = &input_node(plan)->outputs[idx];
	const char *name = input_node(plan)->output_names[idx];
	int64_t values[TYPE_SYMBOLS_MAX], shape[TENSOR_DIMS_MAX];
	for (int i = 0; i < plan->graph->symbols.n; i++) {
		int64_t bound = plan->graph->symbols.items[i].bound;
		values[i] = bound < RUN_INPUTS_SYMBOL_MOST ? bound : RUN_INPUTS_SYMBOL_MOST;
	}
	for (int i = 0; i < type->n_dims; i++)
		shape[i] = dim_value(type->dims[i], values);
	struct tensor tensor = tensor_make(type->dtype, type->n_dims, shape, NULL);
	inputs->memory[idx] = tensor.data = aligned_alloc(TENSOR_ALIGN_BYTES,
		round_up(tensor_bytes(&tensor) + 1, TENSOR_ALIGN_BYTES));
	if (!tensor.data)
		return error_set(error, STATUS_NO_MEMORY, "input '%s': %s", name, status_sentence(STATUS_NO_MEMORY));
	fill(&tensor, strstr(name, "mask") != NULL, seed_for(seed, name));
	inputs->tensors[idx] = tensor;
	return STATUS_OK;
}

static void list_names(const struct tensor_files *files, struct strbuf *out)
{
	int n = 0;
	for (int i = 0; i < files->n_sets; i++) {
		for (size_t k = 0; k < files->sets[i].n_items && n < 8; k++, n++)
			strbuf_addf(out, "%s%s", n ? ", " : "", files->sets[i].items[k].name);
	}
	if (!n)
		strbuf_add(out, "nothing");
}

static int take_from_files(const struct plan *plan, int idx, struct run_inputs *inputs, struct error *error)
{
	const char *name = input_node(plan)->output_names[idx];
	const struct tensor *tensor = tensor_files_find(&inputs->files, name);
	if (tensor) {
		inputs->tensors[idx] = *tensor;
		return STATUS_OK;
	}
	struct strbuf names = STRBUF_INIT;
	list_names(&inputs->files, &names);
	error_set(error, STATUS_INPUT, "input '%s' is in none of the --input files; they have: %s", name, strbuf_text(&names));
	strbuf_finish(&names);
	return STATUS_INPUT;
}

int run_inputs_make(const struct plan *plan, const struct option_list *list, uint64_t seed, struct run_inputs *ret_inputs,
	struct error *error)
{
	int n = input_node(plan)->n_outputs;
	struct run_inputs inputs = { .n = n, .is_made_up = list->n_items == 0 };
	inputs.tensors = calloc((size_t)n + 1, sizeof *inputs.tensors);
	inputs.memory = calloc((size_t)n + 1, sizeof *inputs.memory);
	int status = inputs.tensors && inputs.memory ? tensor_files_read(list, "input", &inputs.files, error)
		: error_set(error, STATUS_NO_MEMORY, "%s", status_sentence(STATUS_NO_MEMORY));
	for (int i = 0; i < n && !status; i++)
		status = inputs.is_made_up ? make_up(plan, i, seed, &inputs, error) : take_from_files(plan, i, &inputs, error);
	if (!status)
		status = driver_check_inputs(plan, inputs.tensors, error);
	if (status)
		run_inputs_finish(&inputs);
	else
		*ret_inputs = inputs;
	return status;
}

void run_inputs_finish(struct run_inputs *inputs)
{
	for (int i = 0; inputs->memory && i < inputs->n; i++)
		free(inputs->memory[i]);
	free(inputs->memory);
	free(inputs->tensors);
	tensor_files_finish(&inputs->files);
	*inputs = (struct run_inputs){ 0 };
}

void run_inputs_describe(const struct plan *plan, const struct run_inputs *inputs, struct strbuf *out)
{
	char text[128];
	for (int i = 0; i < inputs->n; i++)
		strbuf_addf(out, "%s%s %s", i ? ", " : "", input_node(plan)->output_names[i],
			tensor_describe(&inputs->tensors[i], text, sizeof text));
}
