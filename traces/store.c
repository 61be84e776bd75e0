/* SPDX-License-Identifier: Apache-2.0
 *
 * store: creation, replacement and sealing of the file, and one prepared statement for each kind of row.
 */
#include "traces/store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "traces/blank.h"
#include "traces/layout.h"

#define STORE_LOG_PAGES 2000 /* of 4 KiB: how large the write-ahead log grows before it is moved into the file */
#define STORE_PAGE_BYTES 4096
#define STORE_LOG_LEAST_BYTES (128 * 1024)
#define STORE_SEAL_PATIENCE_MS 20
#define STORE_PATIENCE_MS 5000 /* as db_open sets it */

#define PHASE_COLUMN(name, word) ", " word "_ns"
#define PHASE_MARK(name, word) ", ?"

/* X(NAME, sql) */
#define STORE_STMT_MAP(X) \
	X(OP, "INSERT INTO op_event(run, lane, node, execution, start_ns, duration_ns, status" OP_PHASE_MAP(PHASE_COLUMN) \
	      ") VALUES(?, ?, ?, ?, ?, ?, ?" OP_PHASE_MAP(PHASE_MARK) ")") \
	X(SPAN, "INSERT INTO span(run, lane, kind, start_ns, duration_ns, node, edge, channel, execution, cause," \
		" peer, slot)" \
		" VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)") \
	X(EXECUTION, "INSERT INTO execution(run, execution, start_ns, end_ns, status, failure) VALUES(?, ?, ?, ?, ?, ?)" \
		     " ON CONFLICT DO UPDATE SET start_ns = coalesce(start_ns, excluded.start_ns)," \
		     " end_ns = coalesce(excluded.end_ns, end_ns), failure = coalesce(excluded.failure, failure)," \
		     " status = CASE excluded.status WHEN -1 THEN status ELSE excluded.status END") \
	X(EXECUTION_END, "UPDATE execution SET end_ns = ?4, status = ?5, failure = ?6 WHERE run = ?1 AND execution = ?2") \
	X(SUMMARY, "INSERT INTO summary VALUES(?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET n = n + excluded.n," \
		   " ns = ns + excluded.ns") \
	X(LANE, "UPDATE lane SET first_ns = min(coalesce(first_ns, ?2), ?2), last_ns = max(coalesce(last_ns, ?3), ?3)" \
		" WHERE id = ?1") \
	X(PROGRESS, "UPDATE run SET start_ns = min(start_ns, ?2), end_ns = max(end_ns, ?3)," \
		    " first_submit_ns = min(coalesce(first_submit_ns, ?4), coalesce(?4, first_submit_ns))," \
		    " last_finish_ns = max(coalesce(last_finish_ns, ?5), coalesce(?5, last_finish_ns))," \
		    " n_submitted = n_submitted + ?6, n_finished = n_finished + ?7," \
		    " n_failed = n_failed + ?8, n_ops = n_ops + ?9 WHERE id = ?1") \
	X(SAVE, "INSERT INTO save(run, cause, time_ns, execution, worker, node, n_triggers, first_ns, last_ns, n_records, text)" \
		" VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)") \
	X(SAVE_UPDATE, "UPDATE save SET n_triggers = ?2, first_ns = ?3, last_ns = ?4, n_records = ?5 WHERE id = ?1") \
	X(PAGES, "PRAGMA page_count") \
	X(CLOCK, "INSERT INTO clock_sample VALUES(?, ?, ?, ?, ?)") \
	X(LOG, "INSERT INTO log(run, time_ns, level, worker, node, execution, text) VALUES(?, ?, ?, ?, ?, ?, ?)") \
	X(FAILURE, "INSERT OR REPLACE INTO failure VALUES(?, ?, ?, ?, ?, ?, ?)") \
	X(LOSS, "UPDATE loss SET n_records = ?4 WHERE run = ?1 AND worker = ?2 AND cause = ?3") \
	X(END, "UPDATE run SET status = ?2, message = ?3, end_ns = max(end_ns, ?4) WHERE id = ?1")

enum store_stmt {
#define X(name, sql) STORE_##name,
	STORE_STMT_MAP(X)
#undef X
	STORE_STMT_COUNT
};

static const char *const statements[STORE_STMT_COUNT] = {
#define X(name, sql) [STORE_##name] = sql,
	STORE_STMT_MAP(X)
#undef X
};

#define STORE_OP_PARAMS 7 /* before the phases */

struct store {
	struct db *db;
	struct layout ids;
	int64_t start_ns;      /* of the run */
	struct db_stmt *stmts[STORE_STMT_COUNT];
	char *log_file;        /* NULL: in memory */
	uint64_t aside_bytes;  /* of the file: not in store_used_bytes */
	uint32_t bound_phases; /* bits: columns of the op statement that are not NULL */
};

static int remove_beside(const char *file, const char *suffix, struct error *error)
{
	char name[4200];
	if ((size_t)snprintf(name, sizeof(name), "%s%s", file, suffix) >= sizeof(name))
		return error_set(error, STATUS_USAGE, "%.100s…: the name is too long", file);
	if (unlink(name) && errno != ENOENT)
		return error_set_errno(error, STATUS_SYSTEM, "%s: cannot be replaced", name);
	return STATUS_OK;
}

/* Whether the header on disk names our application; an empty file is nobody's. */
static int check_replaceable(const char *file, struct error *error)
{
	unsigned char head[72] = { 0 };
	FILE *stream = fopen(file, "rb");
	if (!stream)
		return errno == ENOENT ? STATUS_OK : error_set_errno(error, STATUS_SYSTEM, "%s: cannot be opened", file);
	size_t n = fread(head, 1, sizeof(head), stream);
	fclose(stream);
	static const unsigned char id[4] = { 0x54, 0x4e, 0x44, 0x4d };
	if (n == 0 || (n == sizeof(head) && !memcmp(head, "SQLite format 3", 16) && !memcmp(head + 68, id, sizeof(id))))
		return STATUS_OK;
	return error_set(
		error, STATUS_TRACE, "%s: exists and is no tandem trace, so it is not replaced; choose another name", file);
}

static int remove_existing(const char *file, struct error *error)
{
	static const char *const suffixes[] = { "", "-wal", "-shm", "-journal" };
	int status = check_replaceable(file, error);
	for (size_t i = 0; status == STATUS_OK && i < ARRAY_LEN(suffixes); i++)
		status = remove_beside(file, suffixes[i], error);
	return status;
}

/* The processor's name as the system tells it; "" when it does not. */
static void read_processor(char *name, size_t size)
{
	char line[400];
	FILE *file = fopen("/proc/cpuinfo", "re");
	name[0] = '\0';
	while (file && !name[0] && fgets(line, sizeof(line), file)) {
		const char *value = strncmp(line, "model name", 10) == 0 ? strchr(line, ':') : NULL;
		value = value ? value + 1 + strspn(value + 1, " \t") : NULL;
		if (value)
			snprintf(name, size, "%.*s", (int)strcspn(value, "\n"), value);
	}
	if (file)
		fclose(file);
}

static int enter_meta(struct db *db, struct error *error)
{
	struct utsname host;
	char cores[24], version[24], processor[200];
	snprintf(cores, sizeof(cores), "%ld", sysconf(_SC_NPROCESSORS_ONLN));
	snprintf(version, sizeof(version), "%d", SCHEMA_VERSION);
	read_processor(processor, sizeof(processor));
	if (uname(&host))
		memset(&host, 0, sizeof(host));
	const char *const pairs[][2] = {
		{ "schema_version", version }, { "host", host.nodename }, { "system", host.sysname },
		{ "kernel", host.release }, { "machine", host.machine }, { "cores", cores },
		{ "cpu", processor },
		{ "sqlite", db_library_version() },
		{ "clock", "CLOCK_MONOTONIC" }, { "recorder_clock", clock_ticks_are_tsc() ? "tsc" : "CLOCK_MONOTONIC" },
		{ "finished", "0" },
	};
	struct db_stmt *stmt = NULL;
	int status = db_prepare(db, "INSERT OR REPLACE INTO meta VALUES(?, ?)", NULL, error, &stmt);
	for (size_t i = 0; status == STATUS_OK && i < ARRAY_LEN(pairs); i++) {
		db_bind_text(stmt, 1, pairs[i][0]);
		db_bind_text(stmt, 2, pairs[i][1]);
		status = db_run(stmt, error);
	}
	db_finish(stmt);
	return status;
}

static int prepare_statements(struct store *store, struct error *error)
{
	int status = STATUS_OK;
	for (int i = 0; status == STATUS_OK && i < STORE_STMT_COUNT; i++)
		status = db_prepare(store->db, statements[i], NULL, error, &store->stmts[i]);
	return status;
}

/* Until its run has begun, a new file is worth nothing: nothing waits for the disk. */
static int make_file(struct store *store, bool is_new, struct error *error)
{
	char pragmas[160];
	int version = 0;
	int status = store->log_file ? schema_check(store->db, &version, error) : STATUS_OK;
	if (status == STATUS_OK)
		status = schema_migrate(store->db, error);
	snprintf(pragmas, sizeof(pragmas), "PRAGMA journal_mode = WAL; PRAGMA synchronous = %s; PRAGMA wal_autocheckpoint = %d;",
		is_new ? "OFF" : "NORMAL", STORE_LOG_PAGES);
	if (status == STATUS_OK)
		status = db_exec(store->db, pragmas, error);
	if (status == STATUS_OK)
		status = prepare_statements(store, error);
	return status;
}

int store_open(const char *file, bool appends, struct error *error, struct store **ret_store)
{
	struct error unasked = { 0 };
	error = error ? error : &unasked;
	bool is_file = strcmp(file, ":memory:") != 0;
	int status = is_file && !appends ? remove_existing(file, error) : STATUS_OK;
	if (status == STATUS_OK && is_file && !appends && blank_write(file, error) != STATUS_OK)
		status = error_prefix(error, "%s", file);
	if (status != STATUS_OK)
		return status;
	struct store *store = calloc(1, sizeof(*store));
	if (!store)
		return error_set(error, STATUS_NO_MEMORY, "%s: no memory to make it", file);
	status = db_open(file, is_file ? DB_WRITE : DB_CREATE, error, &store->db);
	if (status == STATUS_OK && is_file && asprintf(&store->log_file, "%s-wal", file) < 0) {
		store->log_file = NULL;
		status = error_set(error, STATUS_NO_MEMORY, "%s: no memory to make it", file);
	}
	if (status == STATUS_OK) {
		status = make_file(store, is_file && !appends, error);
		if (status != STATUS_OK)
			error_prefix(error, "%s", file);
	}
	if (status != STATUS_OK) {
		store_close(store);
		return status;
	}
	*ret_store = store;
	return STATUS_OK;
}

int store_begin_run(struct store *store, const struct program *program, int64_t start_ns, struct error *error)
{
	int status = db_begin(store->db, error);
	store->start_ns = start_ns;
	if (status == STATUS_OK)
		status = enter_meta(store->db, error);
	if (status == STATUS_OK)
		status = layout_enter(store->db, program, start_ns, error, &store->ids);
	if (status == STATUS_OK)
		status = db_commit(store->db, error);
	if (status != STATUS_OK) {
		db_rollback(store->db);
		return status;
	}
	return db_exec(store->db, "PRAGMA synchronous = NORMAL", error);
}

int store_begin(struct store *store, struct error *error)
{
	return db_begin(store->db, error);
}

int store_commit(struct store *store, struct error *error)
{
	return db_commit(store->db, error);
}

void store_rollback(struct store *store)
{
	db_rollback(store->db);
}

bool store_is_in_transaction(const struct store *store)
{
	return db_is_in_transaction(store->db);
}

/* Columns that stay NULL from one op to the next are not bound again. */
static void bind_phases(struct store *store, struct db_stmt *stmt, const int64_t *phase_ns)
{
	for (int i = 0; i < OP_PHASE_COUNT; i++) {
		uint32_t bit = 1u << i;
		if (phase_ns[i]) {
			db_bind_int(stmt, STORE_OP_PARAMS + 1 + i, phase_ns[i]);
			store->bound_phases |= bit;
		} else if (store->bound_phases & bit) {
			db_bind_null(stmt, STORE_OP_PARAMS + 1 + i);
			store->bound_phases &= ~bit;
		}
	}
}

int store_op(struct store *store, const struct store_op *op, struct error *error)
{
	struct db_stmt *stmt = store->stmts[STORE_OP];
	db_bind_int(stmt, 1, store->ids.run);
	db_bind_int(stmt, 2, store->ids.lane + op->lane);
	db_bind_int(stmt, 3, store->ids.node + op->node);
	db_bind_int(stmt, 4, (int64_t)op->execution);
	db_bind_int(stmt, 5, op->start_ns);
	db_bind_int(stmt, 6, op->duration_ns);
	db_bind_int(stmt, 7, op->status);
	bind_phases(store, stmt, op->phase_ns);
	return db_run(stmt, error);
}

static void bind_index(struct db_stmt *stmt, int parameter, int64_t offset, uint32_t idx)
{
	if (idx == PROGRAM_NONE)
		db_bind_null(stmt, parameter);
	else
		db_bind_int(stmt, parameter, offset + idx);
}

static void bind_execution(struct db_stmt *stmt, int parameter, uint64_t execution)
{
	if (execution == UINT64_MAX)
		db_bind_null(stmt, parameter);
	else
		db_bind_int(stmt, parameter, (int64_t)execution);
}

static void bind_time(struct db_stmt *stmt, int parameter, int64_t time_ns, int64_t none)
{
	if (time_ns == none)
		db_bind_null(stmt, parameter);
	else
		db_bind_int(stmt, parameter, time_ns);
}

int store_span(struct store *store, const struct store_span *span, struct error *error)
{
	struct db_stmt *stmt = store->stmts[STORE_SPAN];
	db_bind_int(stmt, 1, store->ids.run);
	db_bind_int(stmt, 2, store->ids.lane + span->lane);
	db_bind_int(stmt, 3, span->kind);
	db_bind_int(stmt, 4, span->start_ns);
	db_bind_int(stmt, 5, span->duration_ns);
	bind_index(stmt, 6, store->ids.node, span->node);
	bind_index(stmt, 7, store->ids.edge, span->edge);
	bind_index(stmt, 8, store->ids.channel, span->channel);
	bind_execution(stmt, 9, span->execution);
	bind_index(stmt, 10, 0, span->cause < 0 ? PROGRAM_NONE : (uint32_t)span->cause);
	bind_index(stmt, 11, store->ids.worker, span->peer);
	bind_index(stmt, 12, 0, span->slot);
	return db_run(stmt, error);
}

int store_execution(struct store *store, const struct store_execution *execution, bool is_known, struct error *error)
{
	struct db_stmt *stmt = store->stmts[is_known ? STORE_EXECUTION_END : STORE_EXECUTION];
	db_bind_int(stmt, 1, store->ids.run);
	db_bind_int(stmt, 2, (int64_t)execution->execution);
	if (!is_known)
		bind_time(stmt, 3, execution->start_ns, INT64_MIN);
	bind_time(stmt, 4, execution->end_ns, INT64_MIN);
	db_bind_int(stmt, 5, execution->status);
	bind_index(stmt, 6, 0, execution->failure ? execution->failure : PROGRAM_NONE);
	return db_run(stmt, error);
}

int store_summary(struct store *store, uint32_t lane, uint32_t node, int kind, struct store_sum sum, struct error *error)
{
	struct db_stmt *stmt = store->stmts[STORE_SUMMARY];
	db_bind_int(stmt, 1, store->ids.lane + lane);
	db_bind_int(stmt, 2, node == PROGRAM_NONE ? 0 : store->ids.node + node);
	db_bind_int(stmt, 3, kind);
	db_bind_int(stmt, 4, sum.n);
	db_bind_int(stmt, 5, sum.ns);
	return db_run(stmt, error);
}

int store_lane_bounds(struct store *store, uint32_t lane, int64_t first_ns, int64_t last_ns, struct error *error)
{
	struct db_stmt *stmt = store->stmts[STORE_LANE];
	db_bind_int(stmt, 1, store->ids.lane + lane);
	db_bind_int(stmt, 2, first_ns);
	db_bind_int(stmt, 3, last_ns);
	return db_run(stmt, error);
}

int store_progress(struct store *store, const struct store_progress *progress, struct error *error)
{
	struct db_stmt *stmt = store->stmts[STORE_PROGRESS];
	db_bind_int(stmt, 1, store->ids.run);
	db_bind_int(stmt, 2, progress->start_ns);
	db_bind_int(stmt, 3, progress->end_ns);
	bind_time(stmt, 4, progress->first_submit_ns, INT64_MAX);
	bind_time(stmt, 5, progress->last_finish_ns, INT64_MIN);
	db_bind_int(stmt, 6, progress->n_submitted);
	db_bind_int(stmt, 7, progress->n_finished);
	db_bind_int(stmt, 8, progress->n_failed);
	db_bind_int(stmt, 9, progress->n_ops);
	return db_run(stmt, error);
}

int store_clock_sample(struct store *store, struct clock_pair pair, struct error *error)
{
	struct db_stmt *stmt = store->stmts[STORE_CLOCK];
	db_bind_int(stmt, 1, store->ids.run);
	db_bind_text(stmt, 2, clock_ticks_are_tsc() ? "tsc" : "CLOCK_MONOTONIC");
	db_bind_int(stmt, 3, pair.host.ns);
	db_bind_int(stmt, 4, (int64_t)pair.ticks.count);
	db_bind_int(stmt, 5, pair.width_ns);
	return db_run(stmt, error);
}

int store_log(struct store *store, int64_t time_ns, const char *level, uint32_t worker, uint32_t node, uint64_t execution,
	const char *text, struct error *error)
{
	struct db_stmt *stmt = store->stmts[STORE_LOG];
	db_bind_int(stmt, 1, store->ids.run);
	db_bind_int(stmt, 2, time_ns);
	db_bind_text(stmt, 3, level);
	bind_index(stmt, 4, store->ids.worker, worker);
	bind_index(stmt, 5, store->ids.node, node);
	bind_execution(stmt, 6, execution);
	db_bind_text(stmt, 7, text);
	return db_run(stmt, error);
}

int store_failure(struct store *store, uint32_t failure, uint64_t execution, uint32_t node, int failure_status,
	int64_t time_ns, const char *text, struct error *error)
{
	struct db_stmt *stmt = store->stmts[STORE_FAILURE];
	db_bind_int(stmt, 1, store->ids.run);
	db_bind_int(stmt, 2, failure);
	bind_execution(stmt, 3, execution);
	bind_index(stmt, 4, store->ids.node, node);
	db_bind_int(stmt, 5, failure_status);
	db_bind_int(stmt, 6, time_ns);
	db_bind_text(stmt, 7, text);
	return db_run(stmt, error);
}

int store_save(struct store *store, const struct store_save *save, struct error *error, int64_t *ret_id)
{
	struct db_stmt *stmt = store->stmts[STORE_SAVE];
	db_bind_int(stmt, 1, store->ids.run);
	db_bind_text(stmt, 2, trigger_word(save->trigger));
	db_bind_int(stmt, 3, save->time_ns);
	bind_execution(stmt, 4, save->execution);
	bind_index(stmt, 5, store->ids.worker, save->worker);
	bind_index(stmt, 6, store->ids.node, save->node);
	db_bind_int(stmt, 7, save->n_triggers);
	bind_time(stmt, 8, save->first_ns, INT64_MIN);
	bind_time(stmt, 9, save->last_ns, INT64_MIN);
	db_bind_int(stmt, 10, save->n_records);
	db_bind_text(stmt, 11, save->text);
	int status = db_run(stmt, error);
	return status == STATUS_OK ? db_get_int(store->db, "SELECT last_insert_rowid()", ret_id, error) : status;
}

int store_save_update(struct store *store, int64_t id, const struct store_save *save, struct error *error)
{
	struct db_stmt *stmt = store->stmts[STORE_SAVE_UPDATE];
	db_bind_int(stmt, 1, id);
	db_bind_int(stmt, 2, save->n_triggers);
	bind_time(stmt, 3, save->first_ns, INT64_MIN);
	bind_time(stmt, 4, save->last_ns, INT64_MIN);
	db_bind_int(stmt, 5, save->n_records);
	return db_run(stmt, error);
}

int store_last_op(struct store *store, int64_t *ret_op, struct error *error)
{
	*ret_op = 0;
	return db_get_int(store->db, "SELECT coalesce(max(rowid), 0) FROM op_event", ret_op, error);
}

int store_mark_partial(struct store *store, int64_t after_op, struct error *error)
{
	static const char *const sql[] = {
		"INSERT OR IGNORE INTO execution(run, execution, status, is_partial) SELECT DISTINCT ?1, execution, -1, 1 FROM op_event"
		" WHERE run = ?1 AND rowid > ?2",
		"UPDATE execution SET is_partial = 1 WHERE run = ?1 AND (start_ns IS NULL OR end_ns IS NULL OR (execution >= (SELECT"
		" min(execution) FROM op_event WHERE run = ?1 AND rowid > ?2) AND execution NOT IN (SELECT execution FROM op_event"
		" WHERE run = ?1 AND rowid > ?2 GROUP BY execution HAVING count(*) >= (SELECT count(*) FROM node WHERE run = ?1))))",
	};
	int status = STATUS_OK;
	for (size_t i = 0; status == STATUS_OK && i < ARRAY_LEN(sql); i++) {
		struct db_stmt *stmt = NULL;
		status = db_prepare(store->db, sql[i], NULL, error, &stmt);
		if (status == STATUS_OK) {
			db_bind_int(stmt, 1, store->ids.run);
			db_bind_int(stmt, 2, after_op);
			status = db_run(stmt, error);
		}
		db_finish(stmt);
	}
	return status;
}

int store_bound_log(struct store *store, uint64_t limit_bytes, struct error *error)
{
	char pragmas[120];
	uint64_t bytes = limit_bytes / 32, most = (uint64_t)STORE_LOG_PAGES * STORE_PAGE_BYTES;
	bytes = bytes < STORE_LOG_LEAST_BYTES ? STORE_LOG_LEAST_BYTES : bytes > most ? most : bytes;
	snprintf(pragmas, sizeof(pragmas), "PRAGMA wal_autocheckpoint = %d; PRAGMA journal_size_limit = %llu",
		(int)(bytes / STORE_PAGE_BYTES), (unsigned long long)bytes);
	return db_exec(store->db, pragmas, error);
}

uint64_t store_used_bytes(struct store *store)
{
	struct stat log;
	bool has_row = false;
	int64_t n_pages = 0;
	if (!store->log_file)
		return 0;
	if (db_step(store->stmts[STORE_PAGES], &has_row, NULL) == STATUS_OK && has_row) {
		n_pages = db_column_int(store->stmts[STORE_PAGES], 0);
		db_step(store->stmts[STORE_PAGES], &has_row, NULL);
	}
	uint64_t bytes = (uint64_t)n_pages * STORE_PAGE_BYTES + (stat(store->log_file, &log) == 0 ? (uint64_t)log.st_size : 0);
	return bytes > store->aside_bytes ? bytes - store->aside_bytes : 0;
}

void store_set_aside(struct store *store, uint64_t before_bytes)
{
	db_set_patience(store->db, STORE_SEAL_PATIENCE_MS);
	db_checkpoint(store->db, NULL);
	db_set_patience(store->db, STORE_PATIENCE_MS);
	uint64_t bytes = store_used_bytes(store);
	if (bytes > before_bytes)
		store->aside_bytes += bytes - before_bytes;
}

int store_loss(struct store *store, uint32_t worker, enum loss cause, uint64_t n_records, struct error *error)
{
	struct db_stmt *stmt = store->stmts[STORE_LOSS];
	db_bind_int(stmt, 1, store->ids.run);
	db_bind_int(stmt, 2, store->ids.worker + worker);
	db_bind_text(stmt, 3, loss_word(cause));
	db_bind_int(stmt, 4, (int64_t)n_records);
	return db_run(stmt, error);
}

int store_end_run(struct store *store, const char *run_status, const char *message, int64_t end_ns, struct error *error)
{
	struct db_stmt *stmt = store->stmts[STORE_END];
	db_bind_int(stmt, 1, store->ids.run);
	db_bind_text(stmt, 2, run_status);
	db_bind_text(stmt, 3, message);
	db_bind_int(stmt, 4, end_ns);
	return db_run(stmt, error);
}

int store_seal(struct store *store, struct error *error)
{
	int status = db_exec(store->db, "UPDATE meta SET value = '1' WHERE key = 'finished'", error);
	if (status != STATUS_OK)
		return status;
	db_set_patience(store->db, STORE_SEAL_PATIENCE_MS);
	db_exec(store->db, "PRAGMA analysis_limit = 400; PRAGMA optimize", NULL);
	if (db_checkpoint(store->db, NULL) == STATUS_OK) /* all is on the disk: the change of mode need not be, either is valid */
		db_exec(store->db, "PRAGMA synchronous = OFF; PRAGMA journal_mode = DELETE", NULL);
	return STATUS_OK;
}

void store_make_room(struct store *store)
{
	db_set_patience(store->db, STORE_SEAL_PATIENCE_MS);
	db_checkpoint(store->db, NULL);
}

void store_close(struct store *store)
{
	if (!store)
		return;
	for (int i = 0; i < STORE_STMT_COUNT; i++)
		db_finish(store->stmts[i]);
	db_close(store->db);
	free(store->log_file);
	free(store);
}

int64_t store_run_id(const struct store *store)
{
	return store->ids.run;
}

int64_t store_run_start_ns(const struct store *store)
{
	return store->start_ns;
}

struct db *store_db(struct store *store)
{
	return store->db;
}
