/* SPDX-License-Identifier: Apache-2.0
 *
 * report_markdown: escaping and tables.
 */
#include "traces/report_markdown.h"

#include <string.h>

/* The first n bytes, with control characters made visible and escaped what Markdown or the HTML in it would take for its own. */
static void escape(struct strbuf *out, const char *text, size_t n)
{
	struct strbuf raw = STRBUF_INIT, printable = STRBUF_INIT;
	strbuf_add_bytes(&raw, text, n);
	strbuf_add_printable(&printable, strbuf_text(&raw));
	for (const char *at = strbuf_text(&printable); *at; at++) {
		if (*at == '<')
			strbuf_add(out, "&lt;");
		else if (*at == '&')
			strbuf_add(out, "&amp;");
		else if (strchr("\\`*_{}[]#|~>@", *at))
			strbuf_addf(out, "\\%c", *at);
		else
			strbuf_add_bytes(out, at, 1);
	}
	out->is_failed |= raw.is_failed || printable.is_failed;
	strbuf_finish(&raw);
	strbuf_finish(&printable);
}

/* One line of the text becomes one of the list. */
static void add_lines(struct strbuf *out, const char *text, const char *before)
{
	while (*text) {
		size_t n = strcspn(text, "\n");
		if (n) {
			strbuf_add(out, before);
			size_t n_blanks = strspn(text, " ") < n ? strspn(text, " ") : n;
			escape(out, text + n_blanks, n - n_blanks);
			strbuf_add(out, "\n");
		}
		text += n + (text[n] == '\n');
	}
}

static void begin(struct strbuf *out, const char *title, const char *head, const char *picture)
{
	(void)picture;
	strbuf_add(out, "### ");
	escape(out, title, strlen(title));
	strbuf_add(out, "\n\n");
	add_lines(out, head, "- ");
}

static void add_cell(struct strbuf *out, const struct table *table, int row, int column)
{
	struct strbuf text = STRBUF_INIT;
	table_cell_text(table, row, column, &text);
	size_t n = text.length;
	if (n > REPORT_MARKDOWN_CELL_BYTES)
		for (n = REPORT_MARKDOWN_CELL_BYTES; n && ((unsigned char)text.text[n] & 0xc0) == 0x80;)
			n--;
	escape(out, strbuf_text(&text), n);
	strbuf_add(out, n < text.length ? "…" : "");
	out->is_failed |= text.is_failed;
	strbuf_finish(&text);
}

static void add_row(struct strbuf *out, const struct table *table, int row)
{
	strbuf_add(out, "|");
	for (int i = 0; i < table->n_columns; i++) {
		strbuf_add(out, " ");
		add_cell(out, table, row, i);
		strbuf_add(out, " |");
	}
	strbuf_add(out, "\n");
}

static void section(struct strbuf *out, const char *key, const char *title, const char *text, const struct table *table)
{
	int n_rows = table ? table_n_rows(table) : 0;
	(void)key;
	strbuf_add(out, "\n#### ");
	escape(out, title, strlen(title));
	strbuf_add(out, "\n\n");
	add_lines(out, text, "- ");
	if (!n_rows)
		return;
	strbuf_add(out, *text ? "\n" : "");
	add_row(out, table, -1);
	strbuf_add(out, "|");
	for (int i = 0; i < table->n_columns; i++)
		strbuf_add(out, table->columns[i].format == TABLE_TEXT ? " --- |" : " ---: |");
	strbuf_add(out, "\n");
	for (int row = 0; row < n_rows && row < REPORT_MARKDOWN_ROWS; row++)
		add_row(out, table, row);
	if (n_rows > REPORT_MARKDOWN_ROWS)
		strbuf_addf(out, "\n%d more rows are left out.\n", n_rows - REPORT_MARKDOWN_ROWS);
}

static void end(struct strbuf *out)
{
	strbuf_add(out, "\n");
}

const struct report_form report_markdown = { .begin = begin, .section = section, .end = end };
