/* SPDX-License-Identifier: Apache-2.0
 *
 * warmup: the rule, and the marks in the file.
 */
#include "traces/warmup.h"

#include <stdio.h>

int64_t warmup_count(int64_t n)
{
	return n < 2 ? 0 : (n + 9) / 10;
}

static int get_number(struct db *db, const char *format, int64_t run, int64_t *ret_n, struct error *error)
{
	char sql[120];
	snprintf(sql, sizeof(sql), format, (long long)run);
	return db_get_int(db, sql, ret_n, error);
}

int warmup_mark(struct db *db, int64_t run, struct error *error)
{
	int64_t n = 0, n_submitted = 0;
	struct db_stmt *stmt = NULL;
	int status = get_number(db, "SELECT count(*) FROM execution WHERE run = %lld", run, &n, error);
	if (status == STATUS_OK)
		status = get_number(db, "SELECT n_submitted FROM run WHERE id = %lld", run, &n_submitted, error);
	if (status == STATUS_OK)
		status = db_prepare(db, "UPDATE execution SET is_warmup = 1 WHERE run = ?1 AND execution IN"
			" (SELECT execution FROM execution WHERE run = ?1 ORDER BY execution LIMIT ?2) AND (?3 <= ?4 OR execution < ?5)",
			NULL, error, &stmt);
	if (status == STATUS_OK) {
		db_bind_int(stmt, 1, run);
		db_bind_int(stmt, 2, warmup_count(n));
		db_bind_int(stmt, 3, n_submitted);
		db_bind_int(stmt, 4, n);
		db_bind_int(stmt, 5, warmup_count(n_submitted));
		status = db_run(stmt, error);
	}
	db_finish(stmt);
	return status;
}

int warmup_marked(struct db *db, int64_t run, int64_t *ret_n, struct error *error)
{
	return get_number(db, "SELECT count(*) FROM execution WHERE run = %lld AND is_warmup", run, ret_n, error);
}
