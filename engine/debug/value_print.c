/* SPDX-License-Identifier: Apache-2.0
 *
 * value_print: elements as text: rows with their indices in front, in columns of one width. What fits the limit is printed whole, long rows
 * over several lines; otherwise rows are cut at the line's end and the rest is said to be left out.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engine/debug/value.h"

#define COLUMNS_DEFAULT 100
#define ELEMENTS_DEFAULT 200
#define CELL_BYTES 64
#define NOTE_COLUMNS 24 /* room for " ... 371 more columns" */
#define BINS_DEFAULT 16
#define BAR_COLUMNS 40

struct printer {
	const struct debug_slice *slice;
	const struct tensor *tensor;
	const struct debug_print *print;
	struct strbuf *out;
	int n_columns, prefix, cell;  /* columns of the line, of the indices, of an element with what marks it */
	int64_t row_length, n_rows;   /* of the slice */
	int64_t n_in_row, n_rows_shown, n_in_line;
};

/* -- one element ----------------------------------------------------------------------------------------------------------- */

static void format_hex(const struct tensor *tensor, int64_t element, char *text, size_t size)
{
	size_t unit = dtype_bytes(tensor->dtype);
	uint64_t bits = 0;
	memcpy(&bits, (const uint8_t *)tensor->data + element * (int64_t)unit, unit);
	snprintf(text, size, "%0*" PRIx64, (int)unit * 2, bits);
}

static void format_cell(const struct printer *printer, int64_t element, char *text, size_t size)
{
	bool is_float = printer->tensor->dtype == DTYPE_F32 || printer->tensor->dtype == DTYPE_F64;
	if (printer->print->format == DEBUG_FORMAT_HEX) {
		format_hex(printer->tensor, element, text, size);
		return;
	}
	debug_element_text(printer->tensor, element, text, size);
	double value = debug_element(printer->tensor, element);
	if (is_float && isfinite(value))
		snprintf(text, size, "%.6g", value);
}

static bool is_marked(const struct printer *printer, int64_t element)
{
	double value = debug_element(printer->tensor, element);
	return printer->print->has_range && value >= printer->print->low && value <= printer->print->high;
}

static void add_cell(const struct printer *printer, int64_t element)
{
	const struct debug_print *print = printer->print;
	char text[CELL_BYTES];
	bool has_marks = print->mark_on && print->mark_off, is_on = is_marked(printer, element);
	format_cell(printer, element, text, sizeof text);
	int pad = printer->cell - (int)strlen(text) - (print->has_range && !has_marks ? 2 : 0);
	strbuf_addf(printer->out, " %*s", pad > 0 ? pad : 0, "");
	if (print->has_range && !has_marks)
		strbuf_addf(printer->out, "%s%s%s", is_on ? "*" : " ", text, is_on ? "*" : " ");
	else
		strbuf_addf(printer->out, "%s%s%s", is_on ? print->mark_on : "", text, is_on ? print->mark_off : "");
}

/* -- rows -------------------------------------------------------------------------------------------------------------------- */

/* Element of the tensor at which a row begins. */
static int64_t row_start(const struct printer *printer, int64_t row)
{
	const struct debug_slice *slice = printer->slice;
	int64_t element = slice->first;
	for (int d = slice->n_dims - 2; d >= 0; d--) {
		element += row % slice->shape[d] * slice->strides[d];
		row /= slice->shape[d];
	}
	return element;
}

/* "[0,3,:]": the tensor's own indices, and the dimension along which the row runs. */
static int format_prefix(const struct printer *printer, int64_t row, char *text, size_t size)
{
	const struct tensor *tensor = printer->tensor;
	int along = printer->slice->n_dims ? printer->slice->dims[printer->slice->n_dims - 1] : -1, n = 0;
	int64_t element = row_start(printer, row);
	if (!tensor->n_dims)
		return snprintf(text, size, "[]");
	for (int d = 0; d < tensor->n_dims && n < (int)size; d++) {
		if (d == along)
			n += snprintf(text + n, size - (size_t)n, "%s:", d ? "," : "[");
		else
			n += snprintf(text + n, size - (size_t)n, "%s%" PRId64, d ? "," : "[", element / tensor->strides[d] % tensor->shape[d]);
	}
	return n < (int)size ? n + snprintf(text + n, size - (size_t)n, "]") : n;
}

static int64_t row_stride(const struct printer *printer)
{
	return printer->slice->n_dims ? printer->slice->strides[printer->slice->n_dims - 1] : 0;
}

/* Widths over what would be shown with `n_in_row` and `n_rows`. */
static void measure(struct printer *printer, int64_t n_in_row, int64_t n_rows)
{
	char text[CELL_BYTES], prefix[160];
	printer->cell = printer->prefix = 0;
	for (int64_t row = 0; row < n_rows; row++) {
		int n = format_prefix(printer, row, prefix, sizeof prefix);
		printer->prefix = n > printer->prefix ? n : printer->prefix;
		for (int64_t i = 0; i < n_in_row; i++) {
			format_cell(printer, row_start(printer, row) + i * row_stride(printer), text, sizeof text);
			printer->cell = (int)strlen(text) > printer->cell ? (int)strlen(text) : printer->cell;
		}
	}
	if (printer->print->has_range && !(printer->print->mark_on && printer->print->mark_off))
		printer->cell += 2;
}

static int64_t fit(const struct printer *printer, int reserved)
{
	int64_t n = (printer->n_columns - printer->prefix - reserved) / (printer->cell + 1);
	return n < 1 ? 1 : n;
}

/* How much of it is shown. */
static void lay_out(struct printer *printer, int64_t limit)
{
	int64_t length = printer->row_length, n_rows = printer->n_rows;
	if (printer->slice->n_elements <= limit) {
		measure(printer, length, n_rows);
		printer->n_in_row = length;
		printer->n_rows_shown = n_rows;
		printer->n_in_line = fit(printer, 0);
		return;
	}
	int64_t most = length < limit ? length : limit;
	most = most < printer->n_columns ? most : printer->n_columns; /* no line holds more */
	n_rows = limit / most < n_rows ? limit / most : n_rows;
	measure(printer, most, n_rows);
	if (most > fit(printer, most < length ? NOTE_COLUMNS : 0))
		most = fit(printer, NOTE_COLUMNS);
	printer->n_in_row = printer->n_in_line = most;
	printer->n_rows_shown = limit / most < printer->n_rows ? limit / most : printer->n_rows;
	measure(printer, most, printer->n_rows_shown);
	if (printer->cell && most > fit(printer, most < length ? NOTE_COLUMNS : 0))
		printer->n_in_row = printer->n_in_line = fit(printer, NOTE_COLUMNS);
}

static void add_row(const struct printer *printer, int64_t row)
{
	char prefix[160];
	format_prefix(printer, row, prefix, sizeof prefix);
	strbuf_addf(printer->out, "%-*s", printer->prefix, prefix);
	for (int64_t i = 0; i < printer->n_in_row; i++) {
		if (i && i % printer->n_in_line == 0)
			strbuf_addf(printer->out, "\n%*s", printer->prefix, "");
		add_cell(printer, row_start(printer, row) + i * row_stride(printer));
	}
	int64_t n_left = printer->row_length - printer->n_in_row;
	if (n_left)
		strbuf_addf(printer->out, " ... %" PRId64 " more column%s", n_left, n_left == 1 ? "" : "s");
	strbuf_add(printer->out, "\n");
}

static void print_rows(struct printer *printer)
{
	int64_t limit = printer->print->n_elements > 0 ? printer->print->n_elements : ELEMENTS_DEFAULT;
	const struct debug_slice *slice = printer->slice;
	char shape[96];
	if (!slice->n_elements) {
		struct tensor empty = tensor_make(printer->tensor->dtype, slice->n_dims, slice->shape, NULL);
		strbuf_addf(printer->out, "no elements: %s\n", tensor_describe(&empty, shape, sizeof shape));
		return;
	}
	printer->row_length = slice->n_dims ? slice->shape[slice->n_dims - 1] : 1;
	printer->n_rows = slice->n_elements / printer->row_length;
	lay_out(printer, limit);
	for (int64_t row = 0; row < printer->n_rows_shown; row++)
		add_row(printer, row);
	int64_t n_left = printer->n_rows - printer->n_rows_shown;
	if (n_left)
		strbuf_addf(printer->out, "... %" PRId64 " more row%s\n", n_left, n_left == 1 ? "" : "s");
}

/* -- figures ------------------------------------------------------------------------------------------------------------------ */

static void print_stats(const struct printer *printer)
{
	struct debug_stats stats;
	char shape[96];
	struct tensor part = tensor_make(printer->tensor->dtype, printer->slice->n_dims, printer->slice->shape, NULL);
	debug_stats(printer->slice, printer->tensor, &stats);
	strbuf_addf(printer->out, "%s: %" PRId64 " elements, %" PRId64 " NaN, %" PRId64 " infinite, %" PRId64 " zero",
		tensor_describe(&part, shape, sizeof shape), stats.n, stats.n_nan, stats.n_inf, stats.n_zero);
	if (stats.n_poison)
		strbuf_addf(printer->out, ", %" PRId64 " poison", stats.n_poison);
	if (isnan(stats.min))
		strbuf_add(printer->out, "\n");
	else
		strbuf_addf(printer->out, "\nmin %.6g  max %.6g  mean %.6g  std %.6g  norm %.6g\n", stats.min, stats.max, stats.mean, stats.std,
			stats.norm);
}

static void print_histogram(const struct printer *printer)
{
	struct debug_bins bins;
	int64_t most = 1;
	debug_histogram(printer->slice, printer->tensor, printer->print->n_bins > 0 ? printer->print->n_bins : BINS_DEFAULT, &bins);
	if (isnan(bins.low)) {
		strbuf_add(printer->out, "no finite elements\n");
		return;
	}
	for (int i = 0; i < bins.n_bins; i++)
		most = bins.n[i] > most ? bins.n[i] : most;
	double step = bins.high / bins.n_bins - bins.low / bins.n_bins;
	for (int i = 0; i < bins.n_bins; i++) {
		int bar = (int)(bins.n[i] * BAR_COLUMNS / most);
		double high = i + 1 == bins.n_bins ? bins.high : bins.low + (i + 1) * step;
		strbuf_addf(printer->out, "%12.6g to %12.6g %12" PRId64 " ", bins.low + i * step, high, bins.n[i]);
		for (int k = 0; k < (bar || !bins.n[i] ? bar : 1); k++)
			strbuf_add(printer->out, "#");
		strbuf_add(printer->out, "\n");
	}
}

void debug_print_slice(const struct debug_slice *slice, const struct tensor *tensor, const struct debug_print *print, struct strbuf *out)
{
	struct printer printer = { .slice = slice, .tensor = tensor, .print = print, .out = out,
		.n_columns = print->n_columns > 0 ? print->n_columns : COLUMNS_DEFAULT };
	switch (print->format) {
	case DEBUG_FORMAT_TEXT:
	case DEBUG_FORMAT_HEX:
		print_rows(&printer);
		break;
	case DEBUG_FORMAT_STATS:
		print_stats(&printer);
		break;
	case DEBUG_FORMAT_HISTOGRAM:
		print_histogram(&printer);
		break;
	}
}
