/* SPDX-License-Identifier: Apache-2.0
 *
 * target_trace: a trace file that somebody damaged. An input is changes to a small trace, made first: cells, columns and rows through SQL, so that
 * the damage gets past SQLite and to us; at the end bytes of the file, so that it does not. Then it is opened, checked, reported and compared.
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/fuzz/targets.h"
#include "tests/fuzz/world.h"
#include "traces/blame_findings.h"
#include "traces/compare.h"
#include "traces/intake.h"
#include "traces/postmortem.h"
#include "traces/query.h"
#include "traces/report.h"
#include "traces/store.h"
#include "traces/trace_check.h"

#define N_EXECUTIONS 12
#define TABLES_MAX 64
#define CHANGES_MAX 12

/* The undamaged file. */
static struct {
	uint8_t *bytes;
	size_t n;
	char *tables[TABLES_MAX];
	int n_tables;
} pristine;

static void enter_execution(struct intake *intake, const struct program *program, uint64_t base, uint64_t execution, struct error *error)
{
	uint64_t at = base + execution * 2000000;
	int status = STATUS_OK;
	struct record submit = { .kind = RECORD_SUBMIT, .node = PROGRAM_NONE, .execution = execution, .start = at };
	status = intake_records(intake, 0, &submit, 1, error);
	for (uint32_t node = 0; node < program->header->n_nodes && status == STATUS_OK; node++) {
		uint32_t order = node == GRAPH_OUTPUT ? program->header->n_nodes - 1 : node ? node - 1 : 0, lane = program->nodes[node].worker;
		struct record op = { .kind = RECORD_OP, .node = node, .execution = execution, .start = at + 200000 * order, .n_phases = 3,
			.phase = { PHASE_STARVED, PHASE_COMPUTE, PHASE_WRITE },
			.ticks = { 50000, 100000, 20000 + 1000 * (uint32_t)(execution % 3) } };
		struct record wait = { .kind = RECORD_WAIT, .node = node, .execution = execution, .start = op.start, .n_phases = 1,
			.phase = { PHASE_STARVED }, .wait = { .ticks = 50000, .edge = node % program->header->n_edges, .peer = lane ? 0 : 1 } };
		status = intake_records(intake, lane, &op, 1, error);
		if (status == STATUS_OK)
			status = intake_records(intake, lane, &wait, 1, error);
	}
	struct record finish = { .kind = RECORD_FINISH, .node = PROGRAM_NONE, .execution = execution, .start = at + 1500000,
		.status = execution == 5 ? STATUS_OP : STATUS_OK, .finish = { execution == 5 } };
	if (status == STATUS_OK)
		status = intake_records(intake, 0, &finish, 1, error);
	FUZZ_CHECK(status == STATUS_OK, "%s", error->text);
}

static void record_run(struct store *store, enum run_mode mode, uint64_t shift)
{
	struct error error = { 0 };
	struct clock_pair start = clock_take_pair();
	struct intake *intake;
	const struct program *program = &world_get(0, mode)->program;
	start.ticks.count += shift;
	int status = store_begin_run(store, program, start.host.ns, &error);
	if (status == STATUS_OK)
		status = intake_create(store, program, start, &error, &intake);
	FUZZ_CHECK(status == STATUS_OK && store_begin(store, &error) == STATUS_OK, "%s", error.text);
	for (uint64_t i = 0; i < N_EXECUTIONS; i++)
		enter_execution(intake, program, start.ticks.count, i, &error);
	status = store_failure(store, 1, 5, 3, STATUS_OP, start.host.ns + 1000, "an op failed", &error);
	if (status == STATUS_OK)
		status = store_log(store, start.host.ns, "warning", 1, PROGRAM_NONE, UINT64_MAX, "a line", &error);
	if (status == STATUS_OK)
		status = intake_flush(intake, &error);
	if (status == STATUS_OK)
		status = store_end_run(store, "ok", NULL, start.host.ns + N_EXECUTIONS * 2000000, &error);
	FUZZ_CHECK(status == STATUS_OK && store_commit(store, &error) == STATUS_OK, "%s", error.text);
	blame_findings_record(store_db(store), store_run_id(store), NULL);
	intake_destroy(intake);
}

/* A post-mortem of the run entered last. */
static void save_memory(struct store *store, const struct world *world)
{
	struct error error = { 0 };
	const struct program *program = &world->program;
	struct control control;
	struct gates gates;
	int fds[POSTMORTEM_SEGMENTS] = { [POSTMORTEM_PROGRAM] = world->program_fd, [POSTMORTEM_SLOTS] = memfd_create("slots", MFD_CLOEXEC) };
	int status = control_create(program->header->n_workers, 4, 1, &error, &fds[POSTMORTEM_CONTROL]);
	FUZZ_CHECK(status == STATUS_OK && ftruncate(fds[POSTMORTEM_SLOTS], (off_t)program->header->slots_bytes) == 0, "%s", error.text);
	status = gates_create(program, fds, 1 << 16, false, &error, &fds[POSTMORTEM_GATES]);
	if (status == STATUS_OK)
		status = gates_open(fds[POSTMORTEM_GATES], program, NULL, 0, &gates, &error);
	if (status == STATUS_OK)
		status = control_open(fds[POSTMORTEM_CONTROL], &control, &error);
	FUZZ_CHECK(status == STATUS_OK, "%s", error.text);
	atomic_store(&control.header->workers[1].position, control_position(3, 2));
	gates_freeze(&gates, &control, GATE_FREEZE_CRASH, 1, 2, 3, "it died");
	status = postmortem_save(store_db(store), store_run_id(store), fds, false, POSTMORTEM_LIMIT_BYTES_DEFAULT, NULL, &error);
	FUZZ_CHECK(status == STATUS_OK, "%s", error.text);
	gates_close(&gates);
	control_close(&control);
	for (int i = POSTMORTEM_CONTROL; i < POSTMORTEM_SEGMENTS; i++)
		close(fds[i]);
}

static void list_tables(const char *file)
{
	sqlite3 *db;
	sqlite3_stmt *stmt;
	FUZZ_CHECK(sqlite3_open(file, &db) == SQLITE_OK && sqlite3_prepare_v2(db, "SELECT name FROM sqlite_master WHERE type = 'table' "
		"AND name NOT LIKE 'sqlite%' ORDER BY name", -1, &stmt, NULL) == SQLITE_OK, "%s", sqlite3_errmsg(db));
	while (sqlite3_step(stmt) == SQLITE_ROW && pristine.n_tables < TABLES_MAX)
		pristine.tables[pristine.n_tables++] = strdup((const char *)sqlite3_column_text(stmt, 0));
	sqlite3_finalize(stmt);
	sqlite3_close(db);
}

static void make_pristine(void)
{
	struct error error = { 0 };
	struct store *store;
	char file[64];
	snprintf(file, sizeof file, "%s/pristine.tandem", fuzz_folder());
	FUZZ_CHECK(store_open(file, false, &error, &store) == STATUS_OK, "%s", error.text);
	record_run(store, RUN_MODE_COMPILED, 0);
	save_memory(store, world_get(0, RUN_MODE_COMPILED));
	record_run(store, RUN_MODE_INTERPRETED, 0);
	FUZZ_CHECK(store_seal(store, &error) == STATUS_OK, "%s", error.text);
	store_close(store);
	list_tables(file);
	FILE *stream = fopen(file, "rb");
	FUZZ_CHECK(stream && fseek(stream, 0, SEEK_END) == 0, "%s", file);
	pristine.n = (size_t)ftell(stream);
	pristine.bytes = malloc(pristine.n);
	rewind(stream);
	FUZZ_CHECK(pristine.bytes && fread(pristine.bytes, 1, pristine.n, stream) == pristine.n, "%s", file);
	fclose(stream);
}

static void write_file(const char *file, const void *bytes, size_t n)
{
	FILE *stream = fopen(file, "wb");
	FUZZ_CHECK(stream && fwrite(bytes, 1, n, stream) == n, "%s", file);
	fclose(stream);
}

/* -- damage through SQL -------------------------------------------------------------------------------------------------- */

static char *pick_column(sqlite3 *db, const char *table, unsigned which)
{
	char sql[200], *name = NULL;
	sqlite3_stmt *stmt;
	snprintf(sql, sizeof sql, "SELECT * FROM \"%s\"", table);
	if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK && sqlite3_column_count(stmt))
		name = strdup(sqlite3_column_name(stmt, (int)(which % (unsigned)sqlite3_column_count(stmt))));
	sqlite3_finalize(stmt);
	return name;
}

static void make_value(struct fuzz_reader *reader, char *text, size_t size)
{
	static const char *const words[] = { "NULL", "''", "'x'", "1.5", "-1.7e308", "x'00ff'", "'running'", "CAST(x'66ff00' AS TEXT)", "9e999",
		"replace(hex(zeroblob(600)), '00', 'long')", "'%s%n'", "'ok'" };
	uint8_t kind = fuzz_read_u8(reader);
	if (kind < 128)
		snprintf(text, size, "%s", words[kind % ARRAY_LEN(words)]);
	else
		snprintf(text, size, "%lld", (long long)fuzz_read_number(reader));
}

static void change(sqlite3 *db, struct fuzz_reader *reader)
{
	char sql[600], value[100];
	uint8_t kind = fuzz_read_u8(reader), row = fuzz_read_u8(reader);
	const char *table = pristine.tables[fuzz_read_u8(reader) % pristine.n_tables];
	char *column = pick_column(db, table, fuzz_read_u8(reader));
	make_value(reader, value, sizeof value);
	if (!column)
		return;
	switch (kind % 8) {
	default: /* a cell */
		snprintf(sql, sizeof sql, "UPDATE OR REPLACE \"%s\" SET \"%s\" = %s WHERE rowid = "
			"(SELECT rowid FROM \"%s\" LIMIT 1 OFFSET %u)", table,
			column, value, table, row % 20);
		break;
	case 3: /* a column */
		snprintf(sql, sizeof sql, "UPDATE OR REPLACE \"%s\" SET \"%s\" = %s", table, column, value);
		break;
	case 4:
		snprintf(sql, sizeof sql, "DELETE FROM \"%s\" WHERE rowid = (SELECT rowid FROM \"%s\" LIMIT 1 OFFSET %u)", table, table, row % 20);
		break;
	case 5:
		snprintf(sql, sizeof sql, "DELETE FROM \"%s\"", table);
		break;
	case 6:
		snprintf(sql, sizeof sql,
			row % 4 ? "UPDATE OR REPLACE \"%s\" SET \"%s\" = \"%s\" * %d" : "ALTER TABLE \"%s\" RENAME COLUMN \"%s\" TO "
			"\"%s%d\"", table, column, column, row);
		break;
	case 7:
		snprintf(sql, sizeof sql,
			row % 4 ? "UPDATE OR IGNORE \"%s\" SET \"%s\" = \"%s\" + %d" : "DROP TABLE \"%s\" -- %s %s %d", table, column,
			column, row);
		break;
	}
	sqlite3_exec(db, sql, NULL, NULL, NULL); /* what is not possible is not done */
	free(column);
}

/* Some bytes of the file; most pages are not the first. */
static void flip_bytes(const char *file, struct fuzz_reader *reader)
{
	FILE *stream = fopen(file, "r+b");
	FUZZ_CHECK(stream && fseek(stream, 0, SEEK_END) == 0, "%s", file);
	uint64_t size = (uint64_t)ftell(stream);
	while (!fuzz_reader_is_empty(reader) && size) {
		uint64_t at = fuzz_read_u32(reader) % size;
		uint8_t byte = fuzz_read_u8(reader);
		if (fuzz_read_u8(reader) % 2)
			at = at / 4096 * 4096 + at % 128;
		fseek(stream, (long)at, SEEK_SET);
		fputc(byte, stream);
	}
	fclose(stream);
}

/* -- use ----------------------------------------------------------------------------------------------------------------- */

static void query_views(const struct trace *trace)
{
	static const char *const views[] = { "SELECT * FROM v_op", "SELECT * FROM v_stall", "SELECT * FROM v_time_split", "SELECT * FROM v_execution",
		"SELECT * FROM v_loss" };
	struct query_options options = { .max_rows = 50 };
	struct query_result result;
	struct error error = { 0 };
	for (size_t i = 0; i < ARRAY_LEN(views); i++) {
		int status = query_run(trace, views[i], &options, &error, &result);
		FUZZ_CHECK(status == STATUS_OK || error.text[0], "%s without words", status_word(status));
		if (status == STATUS_OK)
			query_finish(&result);
	}
}

static void report(const struct trace *trace, unsigned which)
{
	static const struct report_options options[] = { { .is_json = true, .shows_private = true }, { .is_exact = true },
		{ .has_execution = true, .execution = 3 } };
	struct error error = { 0 };
	struct strbuf text = STRBUF_INIT;
	if (!trace->n_runs)
		return;
	int status = report_make(trace, &trace->runs[which / 4 % (unsigned)trace->n_runs], &options[which % ARRAY_LEN(options)], &text, &error);
	FUZZ_CHECK(status == STATUS_OK || error.text[0], "%s without words", status_word(status));
	strbuf_finish(&text);
}

static void compare(const struct trace *trace)
{
	struct error error = { 0 };
	struct compare result;
	if (!trace->n_runs)
		return;
	struct align_side sides[2] = { { trace, &trace->runs[0] }, { trace, &trace->runs[trace->n_runs - 1] } };
	struct compare_options options = { .is_forced = true };
	int status = compare_make(sides, &options, &error, &result);
	FUZZ_CHECK(status == STATUS_OK || error.text[0], "%s without words", status_word(status));
	if (status == STATUS_OK)
		compare_finish(&result);
}

static void check(const struct trace *trace)
{
	struct error error = { 0 };
	struct table table;
	int n_wrong;
	table_init(&table, trace_check_columns, TRACE_CHECK_COLUMNS);
	int status = trace_check(trace, &table, &n_wrong, &error);
	FUZZ_CHECK(status == STATUS_OK || error.text[0], "%s without words", status_word(status));
	table_finish(&table);
}

/* Every post-mortem that there is, as a debugger does it. */
static void open_memory(struct trace *trace)
{
	struct error error = { 0 };
	struct postmortem *items = NULL;
	int n = 0;
	int status = postmortems_list(trace, &items, &n, &error);
	FUZZ_CHECK(status == STATUS_OK || error.text[0], "%s without words", status_word(status));
	for (int i = 0; i < n; i++) {
		struct debug_images images;
		struct debug_target target;
		struct strbuf text = STRBUF_INIT;
		status = postmortem_load(trace, items[i].id, &images, &error);
		if (status == STATUS_OK)
			status = debug_target_open_images(&images, &target, &error);
		FUZZ_CHECK(status == STATUS_OK || error.text[0], "%s without words", status_word(status));
		if (status == STATUS_OK) {
			debug_where(&target, &text);
			debug_target_close(&target);
		}
		postmortem_images_free(&images);
		strbuf_finish(&text);
	}
	postmortems_free(items, n);
}

/* One use an input: all together are slow. */
static void use(const char *file, unsigned which)
{
	struct error error = { 0 };
	struct trace *trace;
	int status = trace_open(file, &error, &trace);
	FUZZ_CHECK(status == STATUS_OK || error.text[0], "%s without words", status_word(status));
	if (status != STATUS_OK)
		return;
	if (which % 8 == 0)
		check(trace);
	else if (which % 8 == 1)
		query_views(trace);
	else if (which % 8 == 2)
		compare(trace);
	else if (which % 8 == 3)
		open_memory(trace);
	else
		report(trace, which / 8);
	trace_close(trace);
}

static int fuzz_one(const uint8_t *data, size_t n)
{
	struct fuzz_reader reader = { data, data + n };
	char file[64];
	sqlite3 *db;
	if (!pristine.n)
		make_pristine();
	snprintf(file, sizeof file, "%s/damaged.tandem", fuzz_folder());
	write_file(file, pristine.bytes, pristine.n);
	unsigned which = fuzz_read_u8(&reader), n_changes = fuzz_read_u8(&reader) % (CHANGES_MAX + 1);
	if (n_changes) {
		FUZZ_CHECK(sqlite3_open(file, &db) == SQLITE_OK, "%s", file);
		sqlite3_exec(db, "PRAGMA synchronous = OFF; PRAGMA journal_mode = MEMORY; "
			"PRAGMA ignore_check_constraints = ON; BEGIN", NULL, NULL, NULL);
		for (unsigned i = 0; i < n_changes; i++)
			change(db, &reader);
		sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
		sqlite3_close(db);
	}
	flip_bytes(file, &reader);
	use(file, which);
	return 0;
}

static void add_seeds(struct fuzz_corpus *corpus)
{
	if (!pristine.n)
		make_pristine();
	for (uint8_t which = 0; which < 16; which++)
		fuzz_corpus_add(corpus, &which, 1);
	for (int i = 0; i < pristine.n_tables; i++) {
		uint8_t input[] = { (uint8_t)(i * 7), 1, (uint8_t)i, 1, (uint8_t)i, (uint8_t)(i + 1), (uint8_t)(i * 37) };
		fuzz_corpus_add(corpus, input, sizeof input);
	}
	fuzz_corpus_add(corpus, "\0\0\x10\0\0\0\xff\1\x20\x30\0\0\1\1", 14);
}

const struct fuzz_target fuzz_target_trace = {
	.name = "trace",
	.one = fuzz_one,
	.add_seeds = add_seeds,
	.bytes_max = 256,
	.n_runs = 60,
};
