/* SPDX-License-Identifier: Apache-2.0
 *
 * The schema: the views' columns, which scripts rely on, every view selectable, and migration by steps.
 */
#include "traces/schema.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/attributes.h"
#include "engine/base/strbuf.h"

static struct db *open_memory(void)
{
	struct db *db = NULL;
	cr_assert(db_open(":memory:", DB_CREATE, NULL, &db) == STATUS_OK);
	return db;
}

static int64_t number(struct db *db, const char *sql)
{
	struct error error = { 0 };
	int64_t value = INT64_MIN;
	cr_assert(db_get_int(db, sql, &value, &error) == STATUS_OK, "%s", error.text);
	return value;
}

Test(schema, views_have_exactly_the_promised_columns)
{
	static const struct {
		const char *view, *columns;
	} cases[] = {
		{ "v_op",
			"run mode worker node op execution start_ns duration_ns starved_ns backpressure_ns late_rank_ns "
			"dispatch_ns"
			" allocate_ns serialise_ns fetch_ns read_ns compute_ns write_ns launch_ns sync_ns debug_ns "
			"recorder_ns unknown_ns" },
		{ "v_stall", "run worker cause node edge peer execution start_ns duration_ns root" },
		{ "v_time_split", "run lane worker side kind ns share" },
		{ "v_execution", "run execution start_ns duration_ns status is_warmup is_partial" },
		{ "v_save", "run cause execution worker node time_ns n_triggers first_ns last_ns n_records text" },
		{ "v_postmortem", "id run time_ns reason worker node execution text stack n_bytes n_left_out" },
		{ "v_blame", "run worker cause root root_type kind root_worker ns" },
		{ "v_critical_path", "run role kind node edge ns share" },
		{ "v_kernel",
			"run process device stream name correlation start_ns duration_ns node execution rank launch "
			"graph graph_node span context graph_root" },
		{ "v_memcpy",
			"run process device stream name correlation start_ns duration_ns node execution kind bytes rank "
			"launch graph graph_node span context graph_root" },
		{ "v_memset",
			"run process device stream name correlation start_ns duration_ns node execution kind bytes rank "
			"launch graph graph_node span context graph_root" },
		{ "v_graph",
			"run process device stream name correlation start_ns duration_ns node execution rank launch "
			"graph graph_node span context graph_root" },
		{ "v_sync",
			"run process device stream name correlation start_ns duration_ns node execution sync_kind event "
			"wait_stream rank launch graph graph_node span context graph_root" },
		{ "v_api", "run process thread name correlation start_ns duration_ns rank category depth span class external" },
		{ "v_mark", "run process thread name start_ns duration_ns node execution rank category depth span" },
		{ "v_source",
			"run file kind version rank world_size n_bytes n_events n_rows n_problems is_cut offset_ns "
			"uncertainty_ns source" },
		{ "v_import_count", "run file what n" },
		{ "v_problem", "run file cause n first_place" },
		{ "v_finding", "run device kind severity value threshold unit n text span query" },
		{ "v_gap", "run device start_ns duration_ns kind kind_ns before after" },
		{ "v_collective",
			"run collective collective_group matched_by name n_ranks start_ns duration_ns spread_ns "
			"moving_ns wait_ns last_rank last_device late_class late_name late_ns is_consistent" },
		{ "v_collective_rank", "run collective name rank device start_ns duration_ns wait_ns is_last span" },
		{ "v_straggler", "run rank device n_collectives n_last cost_ns waited_ns" },
		{ "v_iteration",
			"run execution process rank start_ns duration_ns host_ns n_work work_ns busy_ns over_ns more_ns "
			"longer_ns gap_ns why name" },
		{ "v_path", "run execution class name process rank n ns share" },
		{ "v_path_step", "run execution start_ns duration_ns class name process rank span" },
		{ "v_wait_root", "run waits rank process device root_class root_name root_process root_rank n ns share" },
		{ "v_loss", "run worker cause n_records" },
	};
	struct db *db = open_memory();
	cr_assert(schema_migrate(db, NULL) == STATUS_OK);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct strbuf sql = STRBUF_INIT, columns = STRBUF_INIT;
		struct error error = { 0 };
		struct db_stmt *stmt = NULL;
		bool has_row = true;
		strbuf_addf(&sql, "SELECT * FROM %s", cases[i].view);
		cr_assert(db_prepare(db, strbuf_text(&sql), NULL, &error, &stmt) == STATUS_OK, "%s: %s", cases[i].view,
			error.text);
		for (int k = 0; k < db_n_columns(stmt); k++)
			strbuf_addf(&columns, "%s%s", k ? " " : "", db_column_name(stmt, k));
		cr_expect_str_eq(strbuf_text(&columns), cases[i].columns);
		cr_expect(db_step(stmt, &has_row, &error) == STATUS_OK && !has_row, "%s: %s", cases[i].view, error.text);
		db_finish(stmt);
		strbuf_finish(&sql);
		strbuf_finish(&columns);
	}
	cr_expect(number(db, "SELECT count(*) FROM sqlite_master WHERE type = 'view'") == (int64_t)ARRAY_LEN(cases));
	db_close(db);
}

Test(schema, words_have_the_numbers_of_the_engine)
{
	struct db *db = open_memory();
	cr_assert(schema_migrate(db, NULL) == STATUS_OK);
	struct strbuf sql = STRBUF_INIT;
	for (int i = 0; i < PHASE_COUNT; i++) {
		strbuf_clear(&sql);
		strbuf_addf(&sql, "SELECT id FROM kind WHERE word = '%s'", phase_word((enum phase)i));
		cr_expect(number(db, strbuf_text(&sql)) == i, "%s", strbuf_text(&sql));
	}
	for (int i = 0; i < STATUS_COUNT; i++) {
		strbuf_clear(&sql);
		strbuf_addf(&sql, "SELECT id FROM status WHERE word = '%s'", status_word(i));
		cr_expect(number(db, strbuf_text(&sql)) == i, "%s", strbuf_text(&sql));
	}
	strbuf_finish(&sql);
	cr_expect(number(db, "SELECT id FROM kind WHERE word = 'wait'") == SPAN_KIND_WAIT);
	cr_expect(schema_op_phase(PHASE_IDLE) == OP_PHASE_UNKNOWN && schema_op_phase(PHASE_COMPUTE) == OP_PHASE_COMPUTE
		&& schema_op_phase((enum phase)200) == OP_PHASE_UNKNOWN);
	db_close(db);
}

static int step_one(struct db *db, struct error *error)
{
	return db_exec(db, "CREATE TABLE t(a)", error);
}

static int step_two(struct db *db, struct error *error)
{
	return db_exec(db, "ALTER TABLE t ADD COLUMN b; INSERT INTO t VALUES(1, 2)", error);
}

static int step_bad(struct db *db, struct error *error)
{
	int status = db_exec(db, "INSERT INTO t VALUES(3, 4)", error);
	return status == STATUS_OK ? db_exec(db, "INSERT INTO nowhere VALUES(1)", error) : status;
}

Test(schema, migrates_step_by_step_and_all_or_nothing)
{
	static const struct schema_step steps[] = { { 1, step_one }, { 2, step_two }, { 3, step_bad } };
	struct error error = { 0 };
	struct db *db = open_memory();
	cr_assert(schema_migrate_by(db, steps, 1, &error) == STATUS_OK, "%s", error.text);
	cr_expect(number(db, "PRAGMA user_version") == 1);
	cr_assert(schema_migrate_by(db, steps, 2, &error) == STATUS_OK, "%s", error.text);
	cr_expect(number(db, "PRAGMA user_version") == 2 && number(db, "SELECT count(*) FROM t") == 1);
	cr_assert(schema_migrate_by(db, steps, 2, &error) == STATUS_OK, "a second time does nothing");
	cr_expect(number(db, "SELECT count(*) FROM t") == 1);
	cr_expect(schema_migrate_by(db, steps, 3, &error) == STATUS_DATABASE);
	cr_expect(strstr(error.text, "nowhere"), "text: %s", error.text);
	cr_expect(number(db, "PRAGMA user_version") == 2 && number(db, "SELECT count(*) FROM t") == 1,
		"nothing of step 3 stays");
	cr_expect(schema_migrate_by(db, steps, 1, &error) == STATUS_TRACE, "a newer file is refused");
	cr_expect(strstr(error.text, "version 2") && strstr(error.text, "newer"), "text: %s", error.text);
	db_close(db);
}

/* The whole text of a file below the source root. */
static char *read_source(const char *name)
{
	struct strbuf path = STRBUF_INIT;
	strbuf_addf(&path, "%s/%s", getenv("TANDEM_SOURCE_ROOT"), name);
	FILE *file = fopen(strbuf_text(&path), "r");
	cr_assert(file, "%s", strbuf_text(&path));
	strbuf_finish(&path);
	char *text = calloc(1, 200000);
	cr_assert(text && fread(text, 1, 199999, file) > 0);
	fclose(file);
	return text;
}

Test(schema, a_file_of_version_1_migrates_and_reads)
{
	static const struct {
		const char *name, *sql;
		int64_t expected;
	} cases[] = {
		{ "version", "PRAGMA user_version", SCHEMA_VERSION },
		{ "version in meta", "SELECT value FROM meta WHERE key = 'schema_version'", SCHEMA_VERSION },
		{ "ops", "SELECT count(*) FROM v_op WHERE duration_ns > 0", 12 },
		{ "number of ops", "SELECT n_ops FROM run", 12 },
		{ "executions", "SELECT count(*) FROM v_execution WHERE duration_ns > 0 AND is_partial = 0", 3 },
		{ "saves", "SELECT count(*) FROM v_save", 0 },
		{ "post-mortems", "SELECT count(*) FROM v_postmortem", 0 },
		{ "time split", "SELECT count(*) FROM (SELECT lane FROM v_time_split GROUP BY lane HAVING abs(sum(share) - 1) < 1e-9)", 3 },
		{ "references", "SELECT count(*) FROM pragma_foreign_key_check", 0 },
		{ "integrity", "SELECT integrity_check = 'ok' FROM pragma_integrity_check", 1 },
	};
	struct error error = { 0 };
	struct db *db = open_memory();
	char *text = read_source("tests/traces/data/version_1.sql");
	cr_assert(db_exec(db, text, &error) == STATUS_OK, "%s", error.text);
	free(text);
	cr_assert(number(db, "PRAGMA user_version") == 1);
	cr_assert(schema_migrate(db, &error) == STATUS_OK, "%s", error.text);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t value = number(db, cases[i].sql);
		cr_expect(value == cases[i].expected, "%s: %lld, expected %lld", cases[i].name, (long long)value,
			(long long)cases[i].expected);
	}
	db_close(db);
}

Test(schema, check_tells_traces_from_other_databases)
{
	static const struct {
		const char *name, *sql, *text;
		int status;
	} cases[] = {
		{ "plain", "CREATE TABLE t(a)", "plain SQLite", STATUS_TRACE },
		{ "other application", "PRAGMA application_id = 7", "plain SQLite", STATUS_TRACE },
		{ "newer", "PRAGMA application_id = 1414415437; PRAGMA user_version = 99", "version 99", STATUS_TRACE },
		{ "ours", "PRAGMA application_id = 1414415437; PRAGMA user_version = 1", "", STATUS_OK },
	};
	cr_assert(SCHEMA_APPLICATION_ID == 1414415437);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct error error = { 0 };
		struct db *db = open_memory();
		int version = 0;
		cr_assert(db_exec(db, cases[i].sql, &error) == STATUS_OK);
		int status = schema_check(db, &version, &error);
		cr_expect(status == cases[i].status, "%s: status %d, expected %d", cases[i].name, status, cases[i].status);
		cr_expect(strstr(error.text, cases[i].text), "%s: text '%s'", cases[i].name, error.text);
		db_close(db);
	}
}
