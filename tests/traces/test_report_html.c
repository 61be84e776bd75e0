/* SPDX-License-Identifier: Apache-2.0
 *
 * Reports to give away: escaping, bounds, well-formedness, what is left out, and a small run's report word by word.
 */
#include "traces/report_html.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/attributes.h"
#include "tests/traces/synthetic.h"
#include "traces/report.h"
#include "traces/report_markdown.h"

static const char hostile[] = "</td><script>alert('x')</script>\"&\x1b[31m\xff`|*_[a](b)";

/* Reads it as a browser's parser and as XML; nothing where there is no python3. */
static void check_well_formed(const char *page)
{
	char file[] = "/tmp/tandem-page-XXXXXX", command[700];
	FILE *out = fdopen(mkstemp(file), "w");
	cr_assert(out && fputs(page, out) >= 0 && fclose(out) == 0);
	if (system("python3 -c pass >/dev/null 2>&1") == 0) {
		snprintf(command, sizeof command, "python3 -c \"import sys, xml.dom.minidom as d, html.parser as h;"
			" t = open(sys.argv[1], encoding='utf-8').read();"
			" d.parseString(t.replace('<!DOCTYPE html>', '', 1).encode()); h.HTMLParser().feed(t)\" %s", file);
		cr_assert(system(command) == 0, "not well-formed: %s", page);
	}
	unlink(file);
}

static void fill_table(struct table *table, int n_rows)
{
	static const struct table_column columns[] = { { "name", TABLE_TEXT }, { "time", TABLE_NS }, { "share", TABLE_SHARE } };
	table_init(table, columns, ARRAY_LEN(columns));
	for (int i = 0; i < n_rows; i++) {
		table_text(table, hostile);
		table_int(table, 1000 * i);
		table_real(table, 0.5);
	}
}

static void make_page(const struct report_form *form, int n_rows, struct strbuf *out)
{
	struct table table;
	fill_table(&table, n_rows);
	form->begin(out, hostile, hostile, NULL);
	form->section(out, "key", hostile, hostile, &table);
	form->end(out);
	table_finish(&table);
}

Test(report_html, hostile_names_stay_text)
{
	struct strbuf page = STRBUF_INIT;
	make_page(&report_html, 3, &page);
	cr_assert(!strstr(strbuf_text(&page), "<script") && !strchr(strbuf_text(&page), 0x1b), "%s", strbuf_text(&page));
	cr_assert(strstr(strbuf_text(&page), "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&quot;&amp;^[[31m\\xff"), "%s", strbuf_text(&page));
	check_well_formed(strbuf_text(&page));
	strbuf_finish(&page);
}

Test(report_html, needs_nothing_else)
{
	static const char *const needs[] = { "http://", "https://", "src=", "href=", "<script", "@import", "url(" };
	struct strbuf page = STRBUF_INIT;
	struct table table;
	fill_table(&table, 1);
	report_html.begin(&page, "t", "h", NULL);
	report_html.section(&page, "key", "s", "", NULL);
	report_html.end(&page);
	for (size_t i = 0; i < ARRAY_LEN(needs); i++)
		cr_assert(!strstr(strbuf_text(&page), needs[i]), "the page has '%s'", needs[i]);
	cr_assert(strstr(strbuf_text(&page), "prefers-color-scheme:dark"));
	table_finish(&table);
	strbuf_finish(&page);
}

Test(report_html, long_tables_are_cut_and_say_so)
{
	static const struct {
		const struct report_form *form;
		const char *sentence;
	} cases[] = { { &report_html, "<p>800 more rows are left out.</p>" }, { &report_markdown, "\n985 more rows are left out.\n" } };
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct strbuf page = STRBUF_INIT;
		make_page(cases[i].form, 1000, &page);
		cr_assert(strstr(strbuf_text(&page), cases[i].sentence), "form %zu does not say '%s'", i, cases[i].sentence);
		cr_assert(page.length < 100000, "form %zu: %zu bytes", i, page.length);
		strbuf_finish(&page);
	}
}

Test(report_html, long_names_are_cut_between_characters)
{
	static const struct table_column columns[] = { { "name", TABLE_TEXT } };
	struct strbuf name = STRBUF_INIT, page = STRBUF_INIT;
	struct table table;
	strbuf_add(&name, "a");
	for (int i = 0; i < 1000; i++)
		strbuf_add(&name, "ä");
	table_init(&table, columns, 1);
	table_text(&table, strbuf_text(&name));
	report_html.begin(&page, "t", "", NULL);
	report_html.section(&page, "key", "s", "", &table);
	report_html.end(&page);
	cr_assert(strstr(strbuf_text(&page), "ä…</td>") && page.length < 10000, "%zu bytes", page.length);
	check_well_formed(strbuf_text(&page));
	table_finish(&table);
	strbuf_finish(&name);
	strbuf_finish(&page);
}

Test(report_markdown, names_stay_text)
{
	struct strbuf page = STRBUF_INIT;
	make_page(&report_markdown, 2, &page);
	cr_assert(!strstr(strbuf_text(&page), "<script") && !strstr(strbuf_text(&page), "a](b)") && !strchr(strbuf_text(&page), 0x1b), "%s",
		strbuf_text(&page));
	for (const char *line = strbuf_text(&page); *line; line += strcspn(line, "\n") + 1) {
		int n_bars = 0;
		for (const char *at = line; *line == '|' && *at && *at != '\n'; at++)
			n_bars += *at == '|' && at[-1] != '\\';
		cr_assert(*line != '|' || n_bars == 4, "%d bars in: %.80s", n_bars, line);
	}
	strbuf_finish(&page);
}

/* -- a run ----------------------------------------------------------------------------------------------------------------------- */

static struct synthetic synthetic;
static struct synthetic_intake target;

static void setup(void)
{
	const enum phase phases[] = { PHASE_STARVED, PHASE_COMPUTE, PHASE_WRITE };
	synthetic_init(&synthetic, 1, 2, 4, 64);
	synthetic_use_ns();
	synthetic_intake_init(&target, &synthetic, synthetic.file, 1000);
	struct record driver[] = { synthetic_submit(0, 2000), synthetic_op(0, 0, 2000, 1, &phases[2], (int64_t[]){ 100 }),
		synthetic_op(1, 0, 2100, 1, phases, (int64_t[]){ 2900 }), synthetic_finish_record(0, 5000, STATUS_OK, 0) };
	struct record worker[] = { synthetic_span(PHASE_IDLE, 1000, 1000),
		synthetic_op(2, 0, 2000, 3, phases, (int64_t[]){ 100, 1700, 200 }),
		synthetic_op(3, 0, 4000, 3, phases, (int64_t[]){ 20, 900, 80 }) };
	synthetic_intake_enter(&target, 0, driver, ARRAY_LEN(driver));
	synthetic_intake_enter(&target, 1, worker, ARRAY_LEN(worker));
	synthetic_intake_end(&target, 7000);
	synthetic_intake_finish(&target);
}

static void teardown(void)
{
	synthetic_finish(&synthetic);
}

static void make_report(const struct report_form *form, const char *picture, struct strbuf *out)
{
	const struct report_options options = { .form = form, .picture = picture };
	struct error error = { 0 };
	struct trace *trace = NULL;
	cr_assert(trace_open(synthetic.file, &error, &trace) == STATUS_OK, "%s", error.text);
	cr_assert(report_make(trace, &trace->runs[0], &options, out, &error) == STATUS_OK, "%s", error.text);
	trace_close(trace);
}

Test(report_html, of_a_run, .init = setup, .fini = teardown)
{
	struct strbuf page = STRBUF_INIT;
	make_report(&report_html, "<svg width=\"1\" height=\"1\"></svg>\n", &page);
	cr_assert(strstr(strbuf_text(&page), "<figure id=\"timeline\">\n<svg"));
	cr_assert(strstr(strbuf_text(&page), "<h2 id=\"nodes\">Nodes</h2>"));
	cr_assert(!strstr(strbuf_text(&page), synthetic.folder), "the page names the folder %s", synthetic.folder);
	check_well_formed(strbuf_text(&page));
	strbuf_finish(&page);
}

/* The file of expectations lies beside this one; TANDEM_GOLDEN=1 writes it anew. */
Test(report_markdown, word_by_word, .init = setup, .fini = teardown)
{
	struct strbuf page = STRBUF_INIT, expected = STRBUF_INIT;
	const char *root = getenv("TANDEM_SOURCE_ROOT");
	char file[300], bytes[4096];
	snprintf(file, sizeof file, "%s/tests/traces/data/report_run.md", root ? root : ".");
	make_report(&report_markdown, NULL, &page);
	FILE *golden = fopen(file, getenv("TANDEM_GOLDEN") ? "w+" : "r");
	cr_assert(golden, "%s is not there", file);
	if (getenv("TANDEM_GOLDEN")) {
		fputs(strbuf_text(&page), golden);
		rewind(golden);
	}
	for (size_t n; (n = fread(bytes, 1, sizeof bytes, golden)) > 0;)
		strbuf_add_bytes(&expected, bytes, n);
	fclose(golden);
	cr_assert(strcmp(strbuf_text(&page), strbuf_text(&expected)) == 0, "is:\n%s\nnot:\n%s", strbuf_text(&page), strbuf_text(&expected));
	strbuf_finish(&page);
	strbuf_finish(&expected);
}
