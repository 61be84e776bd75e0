/* SPDX-License-Identifier: Apache-2.0
 *
 * report_html: the page around the report, escaping, tables.
 */
#include "traces/report_html.h"

#include <string.h>

#include "engine/base/attributes.h"
#include "engine/run/record.h"
#include "traces/gpu_time.h"

static const char style[] =
	":root{color-scheme:light dark;--ink:#1f2328;--soft:#59636e;--paper:#ffffff;--line:#d1d9e0;--head:#f6f8fa;--bar:#54aeff}"
	"@media (prefers-color-scheme:dark){:root{--ink:#e6edf3;--soft:#9198a1;--paper:#0d1117;--line:#3d444d;--head:#151b23;--bar:#1f6feb}"
	".for-light{display:none}}"
	"@media not all and (prefers-color-scheme:dark){.for-dark{display:none}}"
	"body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,sans-serif}"
	"main{max-width:76rem;margin:0 auto;padding:1rem}"
	"h1{font-size:1.5rem}h2{font-size:1.1rem;margin-top:2rem;border-bottom:1px solid var(--line)}"
	"pre{white-space:pre-wrap;overflow-wrap:anywhere;background:var(--head);padding:.7rem;border-radius:6px;font-size:13px}"
	"p{margin:.4rem 0;color:var(--soft);overflow-wrap:anywhere}figure{margin:1rem 0;overflow-x:auto}.scroll{overflow-x:auto}"
	"table{border-collapse:collapse;font-size:13px;font-variant-numeric:tabular-nums}"
	"th,td{padding:.2rem .6rem;border-bottom:1px solid var(--line);text-align:left;vertical-align:top;overflow-wrap:anywhere;max-width:36rem}"
	"th{background:var(--head)}.n{text-align:right;white-space:nowrap}"
	".bar{display:inline-block;height:.7em;background:var(--bar);margin-left:.4em}"
	"dt{font-weight:600}dd{margin:0 0 .3rem 1rem;color:var(--soft)}";

/* What the kinds of a host thread's time mean, by enum phase. */
static const char *const host_phrases[PHASE_COUNT] = {
	[PHASE_UNKNOWN] = "nothing tells", [PHASE_COMPUTE] = "an op ran", [PHASE_READ] = "bytes moved in by the host",
	[PHASE_WRITE] = "bytes moved out by the host", [PHASE_COLLECTIVE] = "a collective moved data",
	[PHASE_STARVED] = "an input was not there yet", [PHASE_BACKPRESSURE] = "no free slot: the slowest reader had not released one",
	[PHASE_LATE_RANK] = "in a collective, waiting for a worker that came later",
	[PHASE_DISPATCH] = "from the moment the last input existed to the task's first instruction",
	[PHASE_ALLOCATE] = "memory for a value", [PHASE_SERIALISE] = "a value was packed for a message",
	[PHASE_FETCH] = "a value was got from where it lay", [PHASE_LAUNCH] = "work was handed to the device",
	[PHASE_SYNC] = "waiting for the device", [PHASE_DEBUG] = "held by the debugger", [PHASE_RECORDER] = "the recorder's own",
	[PHASE_LIMIT] = "the submitter stood at the limit in flight", [PHASE_IDLE] = "nothing was in flight",
};

static const char *const device_phrases[GPU_TIME_COUNT] = {
#define X(name, word, phrase) phrase,
	GPU_TIME_MAP(X)
#undef X
};

void report_html_escape(struct strbuf *out, const char *text)
{
	struct strbuf printable = STRBUF_INIT;
	strbuf_add_printable(&printable, text);
	for (const char *at = strbuf_text(&printable); *at; at++) {
		const char *entity = *at == '&' ? "&amp;" : *at == '<' ? "&lt;" : *at == '>' ? "&gt;" : *at == '"' ? "&quot;"
			: *at == '\'' ? "&#39;" : NULL;
		if (entity)
			strbuf_add(out, entity);
		else
			strbuf_add_bytes(out, at, 1);
	}
	out->is_failed |= printable.is_failed;
	strbuf_finish(&printable);
}

/* Lines stay lines. */
static void escape_lines(struct strbuf *out, const char *text, const char *between)
{
	struct strbuf line = STRBUF_INIT;
	for (bool is_first = true; *text; is_first = false) {
		size_t n = strcspn(text, "\n");
		strbuf_clear(&line);
		strbuf_add_bytes(&line, text, n);
		strbuf_add(out, is_first ? "" : between);
		report_html_escape(out, strbuf_text(&line));
		text += n + (text[n] == '\n');
	}
	out->is_failed |= line.is_failed;
	strbuf_finish(&line);
}

static void begin(struct strbuf *out, const char *title, const char *head, const char *picture)
{
	strbuf_add(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
		"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
		"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\"/>\n<title>");
	report_html_escape(out, title);
	strbuf_addf(out, "</title>\n<style>%s</style>\n</head>\n<body>\n<main>\n<h1>", style);
	report_html_escape(out, title);
	strbuf_add(out, "</h1>\n<pre>");
	escape_lines(out, head + strspn(head, "\n"), "\n");
	strbuf_add(out, "</pre>\n");
	if (picture)
		strbuf_addf(out, "<figure id=\"timeline\">\n%s</figure>\n", picture);
}

/* Long texts end in "…", between characters. */
static void add_cell(struct strbuf *out, const struct table *table, int row, int column)
{
	struct strbuf text = STRBUF_INIT;
	table_cell_text(table, row, column, &text);
	if (text.length > REPORT_HTML_CELL_BYTES) {
		size_t n = REPORT_HTML_CELL_BYTES;
		while (n && ((unsigned char)text.text[n] & 0xc0) == 0x80)
			n--;
		text.text[text.length = n] = '\0';
		strbuf_add(&text, "…");
	}
	report_html_escape(out, strbuf_text(&text));
	out->is_failed |= text.is_failed;
	strbuf_finish(&text);
}

static void add_row(struct strbuf *out, const struct table *table, int row)
{
	const char *tag = row < 0 ? "th" : "td";
	strbuf_add(out, "<tr>");
	for (int i = 0; i < table->n_columns; i++) {
		enum table_format format = table->columns[i].format;
		strbuf_addf(out, "<%s%s>", tag, format == TABLE_TEXT || format == TABLE_SHARE ? "" : " class=\"n\"");
		add_cell(out, table, row, i);
		const struct table_cell *cell = row < 0 ? NULL : &table->cells[row * table->n_columns + i];
		if (cell && format == TABLE_SHARE && !cell->is_null && cell->real > 0)
			strbuf_addf(out, "<span class=\"bar\" style=\"width:%.2fem\"></span>", 8 * (cell->real > 1 ? 1 : cell->real));
		strbuf_addf(out, "</%s>", tag);
	}
	strbuf_add(out, "</tr>\n");
}

static void section(struct strbuf *out, const char *key, const char *title, const char *text, const struct table *table)
{
	int n_rows = table ? table_n_rows(table) : 0;
	strbuf_addf(out, "<h2 id=\"%s\">", key);
	report_html_escape(out, title);
	strbuf_add(out, "</h2>\n");
	if (*text) {
		strbuf_add(out, "<p>");
		escape_lines(out, text, "<br/>\n");
		strbuf_add(out, "</p>\n");
	}
	if (!n_rows)
		return;
	strbuf_add(out, "<div class=\"scroll\"><table>\n<thead>\n");
	add_row(out, table, -1);
	strbuf_add(out, "</thead>\n<tbody>\n");
	for (int row = 0; row < n_rows && row < REPORT_HTML_ROWS; row++)
		add_row(out, table, row);
	strbuf_add(out, "</tbody>\n</table></div>\n");
	if (n_rows > REPORT_HTML_ROWS)
		strbuf_addf(out, "<p>%d more rows are left out.</p>\n", n_rows - REPORT_HTML_ROWS);
}

static void end(struct strbuf *out)
{
	strbuf_add(out, "<h2 id=\"kinds\">What the kinds of time mean</h2>\n<details><summary>A host thread's</summary><dl>\n");
	for (int phase = 0; phase < PHASE_COUNT; phase++)
		strbuf_addf(out, "<dt>%s</dt><dd>%s</dd>\n", phase_word((enum phase)phase), host_phrases[phase]);
	strbuf_add(out, "</dl></details>\n<details><summary>A device's: of each instant the first that holds</summary><dl>\n");
	for (int kind = 0; kind < GPU_TIME_COUNT; kind++)
		strbuf_addf(out, "<dt>%s</dt><dd>%s</dd>\n", gpu_time_word((enum gpu_time)kind), device_phrases[kind]);
	strbuf_add(out, "</dl></details>\n</main>\n</body>\n</html>\n");
}

void report_html_pictures(struct strbuf *out, const char *light_svg, const char *dark_svg)
{
	strbuf_addf(out, "<div class=\"for-light\">%s</div>\n<div class=\"for-dark\">%s</div>\n", light_svg, dark_svg);
}

const struct report_form report_html = { .begin = begin, .section = section, .end = end };
