/* SPDX-License-Identifier: Apache-2.0
 *
 * The database layer: statuses of failures, binding, transactions.
 */
#include "traces/db.h"

#include <criterion/criterion.h>
#include <string.h>

static struct db *open_memory(void)
{
	struct db *db = NULL;
	cr_assert(db_open(":memory:", DB_CREATE, NULL, &db) == STATUS_OK);
	return db;
}

Test(db, binds_and_reads_every_type)
{
	struct db *db = open_memory();
	struct db_stmt *stmt = NULL;
	struct error error = { 0 };
	bool has_row = false;
	size_t n_bytes = 0;
	cr_assert(db_prepare(db, "SELECT ?1, ?2, ?3, ?4, x'0102'", NULL, &error, &stmt) == STATUS_OK, "%s", error.text);
	db_bind_int(stmt, 1, INT64_MIN);
	db_bind_real(stmt, 2, 0.5);
	db_bind_text(stmt, 3, "text");
	db_bind_null(stmt, 4);
	cr_assert(db_step(stmt, &has_row, &error) == STATUS_OK && has_row);
	static const enum db_type types[] = { DB_INT, DB_REAL, DB_TEXT, DB_NULL, DB_BLOB };
	for (int i = 0; i < 5; i++)
		cr_expect(db_column_type(stmt, i) == types[i], "column %d: type %d, expected %d", i, db_column_type(stmt, i),
			types[i]);
	cr_expect(db_column_int(stmt, 0) == INT64_MIN && db_column_real(stmt, 1) == 0.5);
	cr_expect_str_eq(db_column_text(stmt, 2), "text");
	cr_expect(db_column_text(stmt, 3) == NULL && db_column_int(stmt, 3) == 0);
	cr_expect(memcmp(db_column_blob(stmt, 4, &n_bytes), "\1\2", 2) == 0 && n_bytes == 2);
	cr_expect(db_step(stmt, &has_row, &error) == STATUS_OK && !has_row);
	db_finish(stmt);
	db_close(db);
}

Test(db, failures_name_statement_and_reason)
{
	static const struct {
		const char *sql, *text;
		int status;
	} cases[] = {
		{ "SELECT * FROM nowhere", "no such table: nowhere (in: SELECT * FROM nowhere)", STATUS_DATABASE },
		{ "INSERT INTO t VALUES(NULL)", "NOT NULL", STATUS_DATABASE },
		{ "INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT randomblob(1000) "
		  "FROM n",
			"full", STATUS_DISK_FULL },
	};
	struct db *db = open_memory();
	cr_assert(db_exec(db, "PRAGMA max_page_count = 20; CREATE TABLE t(a NOT NULL)", NULL) == STATUS_OK);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct error error = { 0 };
		int status = db_exec(db, cases[i].sql, &error);
		cr_expect(status == cases[i].status, "%s: status %d, expected %d", cases[i].sql, status, cases[i].status);
		cr_expect(strstr(error.text, cases[i].text), "%s: text '%s'", cases[i].sql, error.text);
	}
	db_close(db);
}

Test(db, transactions_roll_back)
{
	struct db *db = open_memory();
	int64_t n = -1;
	cr_assert(db_exec(db, "CREATE TABLE t(a)", NULL) == STATUS_OK);
	cr_assert(db_begin(db, NULL) == STATUS_OK && db_is_in_transaction(db));
	cr_assert(db_exec(db, "INSERT INTO t VALUES(1)", NULL) == STATUS_OK);
	db_rollback(db);
	db_rollback(db);
	cr_expect(!db_is_in_transaction(db));
	cr_assert(db_get_int(db, "SELECT count(*) FROM t", &n, NULL) == STATUS_OK);
	cr_expect(n == 0, "%lld rows", (long long)n);
	db_close(db);
}

Test(db, opening_what_is_not_there_fails)
{
	struct error error = { 0 };
	struct db *db = NULL;
	cr_expect(db_open("/no/such/folder/t.tandem", DB_READ, &error, &db) == STATUS_DATABASE);
	cr_expect(strstr(error.text, "/no/such/folder/t.tandem"), "text: %s", error.text);
}
