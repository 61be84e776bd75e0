/* SPDX-License-Identifier: Apache-2.0
 *
 * Queries: types of columns, what is refused and how, and interruption.
 */
#include "traces/query.h"

#include <criterion/criterion.h>
#include <string.h>

#include "tests/traces/synthetic.h"

static struct synthetic synthetic;
static struct synthetic_intake target;
static struct trace trace;

static void setup(void)
{
	synthetic_init(&synthetic, 1, 2, 4, 64);
	synthetic_intake_init(&target, &synthetic, ":memory:", 1000);
	trace.db = store_db(target.store);
}

static void teardown(void)
{
	synthetic_intake_finish(&target);
	synthetic_finish(&synthetic);
}

TestSuite(query, .init = setup, .fini = teardown);

Test(query, columns_get_the_type_of_their_cells)
{
	static const struct {
		const char *sql, *json;
		enum table_format format;
	} cases[] = {
		{ "SELECT name AS a FROM worker ORDER BY id", "[{\"a\":\"driver\"},{\"a\":\"w0\"}]", TABLE_TEXT },
		{ "SELECT 9007199254740993 AS a", "[{\"a\":9007199254740993}]", TABLE_INT },
		{ "SELECT 1 AS a UNION ALL SELECT NULL", "[{\"a\":1},{\"a\":null}]", TABLE_INT },
		{ "SELECT 1 AS a UNION ALL SELECT 0.5", "[{\"a\":1},{\"a\":0.5}]", TABLE_REAL },
		{ "SELECT 1 AS a UNION ALL SELECT 'x\"y'", "[{\"a\":\"1\"},{\"a\":\"x\\\"y\"}]", TABLE_TEXT },
		{ "SELECT x'00ff' AS a", "[{\"a\":\"x'00ff'\"}]", TABLE_TEXT },
		{ "SELECT 1 AS a WHERE 0", "[]", TABLE_INT },
		{ " /* c */ SELECT 2 AS a ; -- the end", "[{\"a\":2}]", TABLE_INT },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct query_result result;
		struct error error = { 0 };
		struct strbuf json = STRBUF_INIT;
		cr_assert(query_run(&trace, cases[i].sql, NULL, &error, &result) == STATUS_OK, "%s: %s", cases[i].sql,
			error.text);
		cr_expect(result.columns[0].format == cases[i].format, "%s: format %d", cases[i].sql,
			result.columns[0].format);
		table_json(&result.table, &json);
		for (char *in = json.text, *out = json.text; in && (*out = *in); in++)
			out += !strchr(" \n", *in);
		cr_expect_str_eq(strbuf_text(&json), cases[i].json);
		strbuf_finish(&json);
		query_finish(&result);
	}
}

Test(query, refuses_with_a_reason)
{
	static const struct {
		const char *sql, *text;
	} cases[] = {
		{ "", "no SQL statement" },
		{ "  ; ", "no SQL statement" },
		{ "SELECT 1; SELECT 2", "only one statement" },
		{ "SELECT 1; garbage", "only one statement" },
		{ "DELETE FROM run", "would write" },
		{ "UPDATE run SET status = 'ok'", "would write" },
		{ "CREATE TABLE t(a)", "would write" },
		{ "SELECT nothing FROM run", "nothing" },
		{ "SELEC 1", "at character 1" },
		{ "SELECT * FROM run WHERE )", "at character 25" },
		{ "BEGIN", "no rows" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct query_result result;
		struct error error = { 0 };
		int status = query_run(&trace, cases[i].sql, NULL, &error, &result);
		cr_expect(status == STATUS_USAGE, "%s: status %d, expected %d", cases[i].sql, status, STATUS_USAGE);
		cr_expect(strstr(error.text, cases[i].text), "%s: text '%s'", cases[i].sql, error.text);
	}
	cr_expect(synthetic_number(trace.db, "SELECT count(*) FROM run") == 1);
}

Test(query, stops_at_a_limit_and_on_a_signal)
{
	static const char endless[] = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n";
	static volatile sig_atomic_t is_over = 1;
	struct query_result result;
	struct error error = { 0 };
	struct query_options limited = { .max_rows = 100 }, interrupted = { .is_over = &is_over };
	cr_assert(query_run(&trace, endless, &limited, &error, &result) == STATUS_OK, "%s", error.text);
	cr_expect(table_n_rows(&result.table) == 100 && result.is_cut, "%d rows", table_n_rows(&result.table));
	query_finish(&result);
	int status = query_run(&trace, endless, &interrupted, &error, &result);
	cr_expect(status == STATUS_STOPPED, "status %d, expected %d", status, STATUS_STOPPED);
	cr_assert(query_run(&trace, "SELECT 1", NULL, &error, &result) == STATUS_OK, "and the next one runs");
	query_finish(&result);
}
