/* SPDX-License-Identifier: Apache-2.0
 *
 * table: keeps cells, and lays them out as aligned text or JSON. A cell is formatted twice, once to measure its column and once to
 * print, so that nothing but the cells is kept.
 */
#include "engine/base/table.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/attributes.h"
#include "engine/base/units.h"
#include "engine/base/utf8.h"

#define THIN_BLANK "\xe2\x80\x89"
#define SHARE_NUMBER_CELLS 7 /* "100.0 %" */
#define SHARE_BAR_CELLS 10

static const struct duration_unit {
	double ns;
	const char *name;
} duration_units[] = { { 1e9, "s" }, { 1e6, "ms" }, { 1e3, "µs" }, { 1, "ns" } };

/* How one column prints: computed from all of its cells. */
struct column_layout {
	const struct duration_unit *unit; /* NS */
	int digits;                       /* NS: after the point */
	size_t width;                     /* cells */
};

void table_init(struct table *table, const struct table_column *columns, int n_columns)
{
	*table = (struct table){ .columns = columns, .n_columns = n_columns };
}

void table_finish(struct table *table)
{
	for (int i = 0; i < table->n_cells; i++)
		free(table->cells[i].text);
	free(table->cells);
	*table = (struct table){ .columns = table->columns, .n_columns = table->n_columns };
}

static void table_append(struct table *table, struct table_cell cell)
{
	if (table->n_cells == table->capacity && !table->is_failed) {
		int capacity = table->capacity ? table->capacity * 2 : 64;
		struct table_cell *cells = realloc(table->cells, (size_t)capacity * sizeof *cells);
		if (cells) {
			table->cells = cells;
			table->capacity = capacity;
		} else {
			table->is_failed = true;
		}
	}
	if (table->is_failed)
		free(cell.text);
	else
		table->cells[table->n_cells++] = cell;
}

void table_text(struct table *table, const char *text)
{
	char *copy = text ? strdup(text) : NULL;
	if (text && !copy)
		table->is_failed = true;
	table_append(table, (struct table_cell){ .is_null = !copy, .text = copy });
}

void table_int(struct table *table, int64_t value)
{
	table_append(table, (struct table_cell){ .integer = value });
}

void table_real(struct table *table, double value)
{
	table_append(table, (struct table_cell){ .is_null = !isfinite(value), .real = value });
}

void table_null(struct table *table)
{
	table_append(table, (struct table_cell){ .is_null = true });
}

int table_n_rows(const struct table *table)
{
	return table->n_columns ? table->n_cells / table->n_columns : 0;
}

static void add_grouped(struct strbuf *out, int64_t value)
{
	char digits[32];
	int length = snprintf(digits, sizeof digits, "%" PRId64, value);
	for (int i = 0; i < length; i++) {
		int n_left = length - i;
		if (i && digits[i - 1] != '-' && n_left % 3 == 0)
			strbuf_add(out, THIN_BLANK);
		strbuf_add_bytes(out, &digits[i], 1);
	}
}

/* Digits after the point that show four significant ones. */
static int digits_for(double magnitude)
{
	return magnitude < 9.9995 ? 3 : magnitude < 99.995 ? 2 : magnitude < 999.95 ? 1 : 0;
}

static void add_real(struct strbuf *out, double value)
{
	double magnitude = fabs(value);
	if (value == 0 || (magnitude >= 1 && magnitude < 1e7))
		strbuf_addf(out, "%.*f", value == 0 ? 0 : digits_for(magnitude), value);
	else
		strbuf_addf(out, "%.4g", value);
}

static void add_duration(struct strbuf *out, int64_t ns, const struct column_layout *layout)
{
	double scaled = (double)ns / layout->unit->ns;
	double least = pow(10, -layout->digits);
	if (ns && fabs(scaled) < least / 2)
		strbuf_addf(out, "%s%.*f", ns < 0 ? ">-" : "<", layout->digits, least);
	else
		strbuf_addf(out, "%.*f", layout->digits, scaled);
}

static void add_share(struct strbuf *out, double share)
{
	static const char *const eighths[] = { "", "▏", "▎", "▍", "▌", "▋", "▊", "▉" };
	strbuf_addf(out, "%5.1f %%", share * 100);
	double bounded = share < 0 ? 0 : share > 1 ? 1 : share;
	int n_eighths = (int)(bounded * SHARE_BAR_CELLS * 8 + 0.5);
	if (n_eighths == 0 && share > 0)
		n_eighths = 1;
	if (n_eighths)
		strbuf_add(out, " ");
	for (int i = 0; i < n_eighths / 8; i++)
		strbuf_add(out, "█");
	strbuf_add(out, eighths[n_eighths % 8]);
}

static void add_cell(struct strbuf *out, const struct table_cell *cell, enum table_format format,
	const struct column_layout *layout)
{
	char text[32];
	if (cell->is_null) {
		strbuf_add(out, format == TABLE_SHARE ? "      –" : "–");
		return;
	}
	switch (format) {
	case TABLE_TEXT: strbuf_add_printable(out, cell->text); break;
	case TABLE_INT: add_grouped(out, cell->integer); break;
	case TABLE_REAL: add_real(out, cell->real); break;
	case TABLE_NS: add_duration(out, cell->integer, layout); break;
	case TABLE_BYTES: strbuf_add(out, units_bytes((uint64_t)cell->integer, text, sizeof text)); break;
	case TABLE_SHARE: add_share(out, cell->real); break;
	}
}

/* The name without the unit that its suffix names, since the unit stands in the cells or behind it. */
static void add_header(struct strbuf *out, const struct table_column *column, const struct column_layout *layout)
{
	const char *suffix = column->format == TABLE_NS ? "_ns" : column->format == TABLE_BYTES ? "_bytes" : "";
	size_t length = strlen(column->name), n_suffix = strlen(suffix);
	if (length > n_suffix && strcmp(column->name + length - n_suffix, suffix) == 0)
		length -= n_suffix;
	if (column->format == TABLE_SHARE && length < SHARE_NUMBER_CELLS)
		strbuf_addf(out, "%*s", (int)(SHARE_NUMBER_CELLS - length), "");
	char *name = strndup(column->name, length);
	strbuf_add_printable(out, name ? name : "");
	free(name);
	if (column->format == TABLE_NS)
		strbuf_addf(out, " %s", layout->unit->name);
}

static const struct table_cell *table_cell_at(const struct table *table, int row, int column)
{
	return &table->cells[row * table->n_columns + column];
}

static void choose_unit(const struct table *table, int column, struct column_layout *layout)
{
	double largest = 0;
	for (int row = 0; row < table_n_rows(table); row++) {
		const struct table_cell *cell = table_cell_at(table, row, column);
		if (!cell->is_null && fabs((double)cell->integer) > largest)
			largest = fabs((double)cell->integer);
	}
	layout->unit = duration_units;
	while (layout->unit->ns > 1 && largest < layout->unit->ns * 0.99995)
		layout->unit++;
	layout->digits = layout->unit->ns > 1 ? digits_for(largest / layout->unit->ns) : 0;
}

static void measure_column(const struct table *table, int column, struct strbuf *scratch, struct column_layout *layout)
{
	if (table->columns[column].format == TABLE_NS)
		choose_unit(table, column, layout);
	strbuf_clear(scratch);
	add_header(scratch, &table->columns[column], layout);
	layout->width = utf8_width(strbuf_text(scratch));
	for (int row = 0; row < table_n_rows(table); row++) {
		strbuf_clear(scratch);
		add_cell(scratch, table_cell_at(table, row, column), table->columns[column].format, layout);
		size_t width = utf8_width(strbuf_text(scratch));
		if (width > layout->width)
			layout->width = width;
	}
}

static void trim_blanks(struct strbuf *out)
{
	while (out->length && out->text[out->length - 1] == ' ')
		out->text[--out->length] = '\0';
}

/* One line: the header for row -1. */
static void print_row(const struct table *table, int row, int indent, const struct column_layout *layouts,
	struct strbuf *scratch, struct strbuf *out)
{
	strbuf_addf(out, "%*s", indent, "");
	for (int i = 0; i < table->n_columns; i++) {
		enum table_format format = table->columns[i].format;
		strbuf_clear(scratch);
		if (row < 0)
			add_header(scratch, &table->columns[i], &layouts[i]);
		else
			add_cell(scratch, table_cell_at(table, row, i), format, &layouts[i]);
		int n_blanks = (int)(layouts[i].width - utf8_width(strbuf_text(scratch)));
		bool is_left = format == TABLE_TEXT || format == TABLE_SHARE;
		strbuf_addf(out, "%s%*s%s%*s", i ? "  " : "", is_left ? 0 : n_blanks, "", strbuf_text(scratch),
			is_left ? n_blanks : 0, "");
	}
	trim_blanks(out);
	strbuf_add(out, "\n");
}

void table_print(const struct table *table, int indent, struct strbuf *out)
{
	struct strbuf scratch = STRBUF_INIT;
	struct column_layout *layouts = calloc((size_t)table->n_columns + 1, sizeof *layouts);
	if (!layouts) {
		out->is_failed = true;
		return;
	}
	for (int i = 0; i < table->n_columns; i++)
		measure_column(table, i, &scratch, &layouts[i]);
	for (int row = -1; row < table_n_rows(table); row++)
		print_row(table, row, indent, layouts, &scratch, out);
	if (scratch.is_failed)
		out->is_failed = true;
	strbuf_finish(&scratch);
	free(layouts);
}

void table_cell_text(const struct table *table, int row, int column, struct strbuf *out)
{
	const struct table_column *format = &table->columns[column];
	struct column_layout layout = { .unit = duration_units };
	if (format->format == TABLE_NS)
		choose_unit(table, column, &layout);
	if (row < 0 && format->format == TABLE_SHARE)
		strbuf_add_printable(out, format->name);
	else if (row < 0)
		add_header(out, format, &layout);
	else if (format->format == TABLE_SHARE && !table_cell_at(table, row, column)->is_null)
		strbuf_addf(out, "%.1f %%", 100 * table_cell_at(table, row, column)->real);
	else if (table_cell_at(table, row, column)->is_null)
		strbuf_add(out, "–");
	else
		add_cell(out, table_cell_at(table, row, column), format->format, &layout);
}

/* The shortest decimal that reads back as the same number. */
static void add_shortest(struct strbuf *out, double value)
{
	char text[40];
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof text, "%.*g", digits, value);
		if (strtod(text, NULL) == value)
			break;
	}
	strbuf_add(out, text);
}

static void add_number(struct strbuf *out, const struct table_cell *cell, enum table_format format)
{
	if (format == TABLE_REAL || format == TABLE_SHARE)
		add_shortest(out, cell->real);
	else
		strbuf_addf(out, "%" PRId64, cell->integer);
}

static void json_cell(struct strbuf *out, const struct table_cell *cell, enum table_format format)
{
	if (cell->is_null) {
		strbuf_add(out, "null");
	} else if (format == TABLE_TEXT) {
		strbuf_add(out, "\"");
		strbuf_add_json(out, cell->text);
		strbuf_add(out, "\"");
	} else {
		add_number(out, cell, format);
	}
}

void table_json(const struct table *table, struct strbuf *out)
{
	strbuf_add(out, "[");
	for (int row = 0; row < table_n_rows(table); row++) {
		strbuf_add(out, row ? ",\n{" : "\n{");
		for (int i = 0; i < table->n_columns; i++) {
			strbuf_add(out, i ? ", \"" : "\"");
			strbuf_add_json(out, table->columns[i].name);
			strbuf_add(out, "\": ");
			json_cell(out, table_cell_at(table, row, i), table->columns[i].format);
		}
		strbuf_add(out, "}");
	}
	strbuf_add(out, "\n]");
}

void table_json_document(const struct table *table, struct strbuf *out)
{
	strbuf_add(out, "{\"rows\": ");
	table_json(table, out);
	strbuf_add(out, "}\n");
}

static void csv_text(struct strbuf *out, const char *text)
{
	bool is_quoted = strpbrk(text, ",\"\r\n") != NULL;
	strbuf_add(out, is_quoted ? "\"" : "");
	for (; *text; text++) {
		if (*text == '"')
			strbuf_add(out, "\"");
		strbuf_add_bytes(out, text, 1);
	}
	strbuf_add(out, is_quoted ? "\"" : "");
}

void table_csv(const struct table *table, struct strbuf *out)
{
	for (int i = 0; i < table->n_columns; i++) {
		strbuf_add(out, i ? "," : "");
		csv_text(out, table->columns[i].name);
	}
	strbuf_add(out, "\n");
	for (int i = 0; i < table->n_columns * table_n_rows(table); i++) {
		const struct table_cell *cell = &table->cells[i];
		enum table_format format = table->columns[i % table->n_columns].format;
		strbuf_add(out, i % table->n_columns ? "," : "");
		if (!cell->is_null && format == TABLE_TEXT)
			csv_text(out, cell->text);
		else if (!cell->is_null)
			add_number(out, cell, format);
		if (i % table->n_columns == table->n_columns - 1)
			strbuf_add(out, "\n");
	}
}
