/* SPDX-License-Identifier: Apache-2.0
 *
 * checked: the checks of a file, told.
 */
#include "tests/traces/checked.h"

#include <criterion/criterion.h>
#include <string.h>

#include "traces/trace_check.h"

static struct trace *open_file(const char *file)
{
	struct error error = { 0 };
	struct trace *trace = NULL;
	cr_assert(trace_open(file, &error, &trace) == STATUS_OK, "%s: %s", file, error.text);
	return trace;
}

void checked_file(const char *file, const char *what)
{
	struct trace *trace = open_file(file);
	struct error error = { 0 };
	struct table table;
	int n_wrong = -1;
	table_init(&table, trace_check_columns, TRACE_CHECK_COLUMNS);
	cr_assert(trace_check(trace, &table, &n_wrong, &error) == STATUS_OK, "%s: %s", what, error.text);
	for (int i = 0; i < table_n_rows(&table); i++) {
		const struct table_cell *row = &table.cells[i * TRACE_CHECK_COLUMNS];
		cr_expect(strcmp(row[1].text, "wrong") != 0, "%s: %s: %s", what, row[0].text, row[2].text);
	}
	cr_assert(n_wrong == 0, "%s: %d checks found it wrong", what, n_wrong);
	table_finish(&table);
	trace_close(trace);
}

int64_t checked_number(const char *file, const char *sql)
{
	struct trace *trace = open_file(file);
	struct error error = { 0 };
	int64_t number = INT64_MIN;
	cr_assert(db_get_int(trace->db, sql, &number, &error) == STATUS_OK, "%s: %s", sql, error.text);
	trace_close(trace);
	return number;
}
