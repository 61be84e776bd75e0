/* SPDX-License-Identifier: Apache-2.0
 *
 * debug_screen_tensor: the selected node's inputs and outputs: which of them is shown, from where, statistics, a histogram, elements.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "viewers/debug_screen_private.h"
#include "viewers/panel.h"

#define BINS 32
#define CELL 13      /* columns of an element */
#define INDEX_CELLS 12

/* -- which one ---------------------------------------------------------------------------------------------------------------- */

int debug_screen_n_tensors(const struct debug_screen *screen)
{
	const struct program *program = debug_screen_program(screen);
	if (!program || screen->node >= program->header->n_nodes)
		return 0;
	return (int)(program->nodes[screen->node].inputs.n + program->nodes[screen->node].types.n);
}

/* The reference that names it, for the debugger. */
static bool refer(const struct debug_screen *screen, struct debug_reference *ret_reference)
{
	int n = debug_screen_n_tensors(screen);
	if (!n)
		return false;
	int n_inputs = (int)debug_screen_program(screen)->nodes[screen->node].inputs.n, at = debug_screen_clamp(screen->tensor, 0, n - 1);
	*ret_reference = (struct debug_reference){ .node = screen->node, .is_input = at < n_inputs,
		.position = (uint32_t)(at < n_inputs ? at : at - n_inputs) };
	snprintf(ret_reference->slice, sizeof(ret_reference->slice), "%s", screen->shown.slice_text);
	return true;
}

bool debug_screen_add_tensor(const struct debug_screen *screen, bool with_slice, struct strbuf *out)
{
	struct debug_reference reference;
	if (!refer(screen, &reference))
		return false;
	if (!with_slice)
		reference.slice[0] = '\0';
	debug_reference_describe(debug_screen_program(screen), &reference, out);
	return true;
}

static void drop(struct debug_shown_tensor *shown)
{
	free(shown->copy);
	shown->copy = NULL;
	shown->error = (struct error){ 0 };
}

void debug_screen_tensor_finish(struct debug_screen *screen)
{
	drop(&screen->shown);
}

/* A slice that does not fit this tensor is not used for it. */
void debug_screen_tensor_load(struct debug_screen *screen)
{
	struct debug_shown_tensor *shown = &screen->shown;
	struct debugger *debugger = screen->debugger;
	struct debug_reference reference;
	if (debugger->state == DEBUG_MOVING)
		return;
	drop(shown);
	shown->top = 0;
	if (!refer(screen, &reference)) {
		error_set(&shown->error, STATUS_INPUT, "no tensor: the node has neither inputs nor outputs");
	} else if (!debug_screen_has_target(screen)) {
		error_set(&shown->error, STATUS_INPUT, "nothing runs: no value is held");
	} else if (debug_reference_read(&debugger->target, &reference, debugger_execution(debugger), &shown->value, &shown->slice, &shown->copy,
			   &shown->error) == STATUS_OK && shown->copy) {
		struct debug_value there; /* a copy cannot be set */
		shown->value.is_writable = debug_reference_find(&debugger->target, &reference, debugger_execution(debugger),
						   &there, NULL) == STATUS_OK &&
					   there.is_writable;
		debug_stats(&shown->slice, &shown->value.tensor, &shown->stats);
		debug_histogram(&shown->slice, &shown->value.tensor, BINS, &shown->bins);
	}
}

/* -- elements ----------------------------------------------------------------------------------------------------------------- */

/* Rows of elements: the last dimension is broken to the width, all others go down. */
static int64_t last_length(const struct debug_slice *slice)
{
	return slice->n_dims ? slice->shape[slice->n_dims - 1] : 1;
}

static int64_t rows_of_last(const struct debug_shown_tensor *shown)
{
	return (last_length(&shown->slice) + shown->per_row - 1) / shown->per_row;
}

/* Index in all dimensions but the last of the n-th of them, as text "[1,0,": and the element it begins at. */
static int64_t locate(const struct debug_slice *slice, int64_t outer, char *text, size_t size)
{
	int64_t index[TENSOR_DIMS_MAX] = { 0 }, element = slice->first;
	for (int i = slice->n_dims - 2; i >= 0; i--) {
		index[i] = outer % slice->shape[i];
		outer /= slice->shape[i];
		element += index[i] * slice->strides[i];
	}
	size_t used = (size_t)snprintf(text, size, "[");
	for (int i = 0; i + 1 < slice->n_dims && used < size; i++)
		used += (size_t)snprintf(text + used, size - used, "%" PRId64 ",", index[i]);
	return element;
}

static void element_bytes(const struct tensor *tensor, int64_t element, char *text, size_t size)
{
	size_t n = dtype_bytes(tensor->dtype), used = 0;
	const uint8_t *bytes = (const uint8_t *)tensor->data + (size_t)element * n;
	for (size_t i = n; i-- > 0 && used + 2 < size;)
		used += (size_t)snprintf(text + used, size - used, "%02x", bytes[i]);
}

static void draw_elements(const struct debug_shown_tensor *shown, int64_t row, struct pane pane, int y)
{
	const struct debug_slice *slice = &shown->slice;
	char text[100];
	int64_t per_outer = rows_of_last(shown), from = row % per_outer * shown->per_row, until = from + shown->per_row;
	int64_t element = locate(slice, row / per_outer, text, sizeof(text)), stride = slice->n_dims ? slice->strides[slice->n_dims - 1] : 0;
	until = until < last_length(slice) ? until : last_length(slice);
	if (slice->n_dims) {
		size_t used = strlen(text);
		snprintf(text + used, sizeof(text) - used, "%" PRId64 "]", from);
	}
	pane_field(pane, 0, y, INDEX_CELLS - 1, PANE_RIGHT, LOOK(DIM), slice->n_dims ? text : "");
	for (int64_t i = from; i < until; i++) {
		double number = debug_element(&shown->value.tensor, element + i * stride);
		if (shown->is_hex)
			element_bytes(&shown->value.tensor, element + i * stride, text, sizeof(text));
		else
			debug_element_text(&shown->value.tensor, element + i * stride, text, sizeof(text));
		if (!shown->is_hex && strlen(text) >= CELL) /* what does not fit is rounded */
			snprintf(text, sizeof(text), "%.6g", number);
		pane_field(pane, INDEX_CELLS + (int)(i - from) * CELL, y, CELL - 1, PANE_RIGHT, isfinite(number) ? LOOK(NONE) : LOOK(ERROR), text);
	}
}

/* -- the panel ---------------------------------------------------------------------------------------------------------------- */

static void draw_names(const struct debug_screen *screen, struct pane line)
{
	const struct program *program = debug_screen_program(screen);
	int n = debug_screen_n_tensors(screen), n_inputs = n ? (int)program->nodes[screen->node].inputs.n : 0;
	int chosen = n ? debug_screen_clamp(screen->tensor, 0, n - 1) : 0;
	struct look strong = { .front = COLOUR_ACCENT, .attributes = LOOK_BOLD };
	if (screen->node == PROGRAM_NONE)
		return;
	int x = pane_text(line, 1, 0, (struct look){ .attributes = LOOK_BOLD }, debug_node_name(program, screen->node));
	for (int i = 0; i < n; i++) {
		char name[80];
		bool is_input = i < n_inputs;
		if (is_input)
			debug_input_name(program, screen->node, (uint32_t)i, name, sizeof(name));
		else
			debug_output_name(program, screen->node, (uint32_t)(i - n_inputs), name, sizeof(name));
		x = pane_textf(line, x, 0, i == chosen ? strong : LOOK(DIM), i == chosen ? "  <%s.%s>" : "  %s.%s", is_input ? "in" : "out", name);
	}
}

static void draw_where(const struct debug_screen *screen, struct pane line)
{
	const struct debug_shown_tensor *shown = &screen->shown;
	const struct tensor *tensor = &shown->value.tensor;
	struct strbuf text = STRBUF_INIT;
	strbuf_addf(&text, "%s[", dtype_word(tensor->dtype));
	for (int i = 0; i < tensor->n_dims; i++)
		strbuf_addf(&text, "%s%" PRId64, i ? "," : "", tensor->shape[i]);
	strbuf_addf(&text, "]%s  execution %" PRIu64 ", %s%s", shown->slice_text, shown->value.execution, debug_source_phrase(shown->value.source),
		shown->value.is_writable ? ", may be set" : "");
	pane_text(line, 1, 0, LOOK(NONE), strbuf_text(&text));
	strbuf_finish(&text);
}

static void draw_stats(const struct debug_stats *stats, struct pane pane)
{
	int x = pane_textf(pane, 1, 0, LOOK(NONE), "min %.6g  mean %.6g  max %.6g  std %.6g", stats->min, stats->mean, stats->max, stats->std);
	if (stats->n_nan)
		x = pane_textf(pane, x + 2, 0, LOOK(ERROR), "%" PRId64 " NaN", stats->n_nan);
	if (stats->n_inf)
		x = pane_textf(pane, x + 2, 0, LOOK(ERROR), "%" PRId64 " inf", stats->n_inf);
	if (stats->n_poison)
		x = pane_textf(pane, x + 2, 0, LOOK(ERROR), "%" PRId64 " poison", stats->n_poison);
	pane_textf(pane, x + 2, 0, LOOK(DIM), "norm %.6g  %" PRId64 " zero of %" PRId64, stats->norm, stats->n_zero, stats->n);
}

static void draw_histogram(const struct debug_bins *bins, struct pane pane)
{
	int64_t most = 0;
	int x = pane_textf(pane, 1, 0, LOOK(DIM), "%.4g ", bins->low);
	for (int i = 0; i < bins->n_bins; i++)
		most = bins->n[i] > most ? bins->n[i] : most;
	for (int i = 0; i < bins->n_bins && most; i++, x++) {
		int eighths = (int)((bins->n[i] * 8 + most - 1) / most);
		pane_put(pane, x, 0, eighths ? 0x2580 + (uint32_t)eighths : ' ', LOOK(COMPUTE));
	}
	pane_textf(pane, x, 0, LOOK(DIM), " %.4g", bins->high);
}

static void draw_rows(struct debug_screen *screen, struct pane pane)
{
	struct debug_shown_tensor *shown = &screen->shown;
	struct debug_panel *panel = &screen->panels[DEBUG_PANEL_TENSOR];
	int64_t outer = 1;
	for (int i = 0; i + 1 < shown->slice.n_dims; i++)
		outer *= shown->slice.shape[i];
	shown->per_row = (pane.width - INDEX_CELLS) / CELL;
	shown->per_row = shown->per_row < 1 ? 1 : shown->per_row;
	shown->n_rows = shown->slice.n_elements ? outer * rows_of_last(shown) : 0;
	int64_t most = shown->n_rows > pane.height ? shown->n_rows - pane.height : 0;
	shown->top = shown->top > most ? most : shown->top < 0 ? 0 : shown->top;
	for (int y = 0; y < pane.height && shown->top + y < shown->n_rows; y++)
		draw_elements(shown, shown->top + y, pane, y);
	if (most)
		snprintf(panel->info, sizeof(panel->info), "rows %" PRId64 "–%" PRId64 " of %" PRId64, shown->top + 1,
			shown->top + pane.height, shown->n_rows);
}

void debug_panel_tensor_draw(struct debug_screen *screen, struct pane pane)
{
	struct debug_shown_tensor *shown = &screen->shown;
	draw_names(screen, pane_cut_rows(&pane, 1));
	if (!shown->copy) {
		panel_paragraph(pane, 1, 0, shown->value.failure && !shown->error.status ? LOOK(ERROR) : LOOK(DIM), shown->error.text);
		return;
	}
	draw_where(screen, pane_cut_rows(&pane, 1));
	draw_stats(&shown->stats, pane_cut_rows(&pane, 1));
	if (pane.height > 3)
		draw_histogram(&shown->bins, pane_cut_rows(&pane, 1));
	draw_rows(screen, pane);
	if (screen->debugger->state == DEBUG_MOVING)
		snprintf(screen->panels[DEBUG_PANEL_TENSOR].info, sizeof(screen->panels[0].info), "as of the halt before");
}

void debug_panel_tensor_move(struct debug_screen *screen, int columns, int rows)
{
	if (columns)
		debug_screen_key(screen, columns < 0 ? '{' : '}');
	screen->shown.top += rows;
}

/* A name in the first row. */
void debug_panel_tensor_press(struct debug_screen *screen, int x, int y, bool is_double)
{
	if (y == 0)
		debug_screen_key(screen, '}');
}
