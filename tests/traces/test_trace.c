/* SPDX-License-Identifier: Apache-2.0
 *
 * Opening traces, and telling what is none.
 */
#include "traces/trace.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/traces/synthetic.h"
#include "traces/schema.h"

static struct synthetic synthetic;

static void setup(void)
{
	synthetic_init(&synthetic, 2, 2, 4, 64);
	synthetic_use_ns();
}

static void teardown(void)
{
	synthetic_finish(&synthetic);
}

TestSuite(trace, .init = setup, .fini = teardown);

static void make_trace(bool is_sealed)
{
	struct synthetic_intake target;
	const enum phase phases[] = { PHASE_COMPUTE };
	struct record op = synthetic_op(2, 0, 5000, 1, phases, (int64_t[]){ 100 });
	synthetic_intake_init(&target, &synthetic, synthetic.file, 1000);
	synthetic_intake_enter(&target, 1, &op, 1);
	synthetic_intake_end(&target, 9000);
	if (is_sealed)
		cr_assert(store_seal(target.store, NULL) == STATUS_OK);
	synthetic_intake_finish(&target);
}

static void write_file(const void *bytes, size_t n)
{
	FILE *stream = fopen(synthetic.file, "wb");
	cr_assert(stream && fwrite(bytes, 1, n, stream) == n);
	fclose(stream);
}

static void expect_refused(const char *name, const char *text)
{
	struct error error = { 0 };
	struct trace *trace = NULL;
	int status = trace_open(synthetic.file, &error, &trace);
	cr_expect(status == STATUS_TRACE, "%s: status %d, expected %d", name, status, STATUS_TRACE);
	cr_expect(strstr(error.text, text), "%s: '%s' does not say '%s'", name, error.text, text);
	cr_expect(strstr(error.text, synthetic.file), "%s: '%s' does not name the file", name, error.text);
	trace_close(trace);
}

Test(trace, opens_what_the_store_made)
{
	struct error error = { 0 };
	struct trace *trace = NULL;
	char *value = NULL;
	make_trace(true);
	cr_assert(trace_open(synthetic.file, &error, &trace) == STATUS_OK, "%s", error.text);
	cr_expect(trace->is_finished && trace->version == SCHEMA_VERSION && trace->n_runs == 1 && !trace->is_log_ignored);
	const struct trace_run *run = trace_find_run(trace, 0);
	cr_assert(run && run == trace_find_run(trace, 1) && !trace_find_run(trace, 2));
	cr_expect_str_eq(run->mode, "compiled");
	cr_expect_str_eq(run->status, "ok");
	cr_expect_str_eq(run->graph, "chain");
	cr_expect(run->start_ns == 1000 && run->end_ns == 9000 && run->in_flight == 4 && !run->has_executions);
	cr_assert(trace_run_meta(trace, 1, "command", &value, &error) == STATUS_OK);
	cr_expect_str_eq(value, "tandem run chain.dot");
	free(value);
	cr_assert(trace_meta(trace, "no such key", &value, &error) == STATUS_OK);
	cr_expect(value == NULL);
	cr_expect(db_exec(trace->db, "DELETE FROM run", &error) != STATUS_OK, "a trace is only read");
	trace_close(trace);
}

Test(trace, opens_unfinished_and_older_versions)
{
	struct error error = { 0 };
	struct trace *trace = NULL;
	make_trace(false);
	cr_assert(trace_open(synthetic.file, &error, &trace) == STATUS_OK, "%s", error.text);
	cr_expect(!trace->is_finished);
	trace_close(trace);
	unlink(synthetic.file);
	struct db *db = NULL; /* version 0: nothing in it yet */
	cr_assert(db_open(synthetic.file, DB_CREATE, &error, &db) == STATUS_OK);
	cr_assert(db_exec(db, "PRAGMA application_id = 1414415437; CREATE TABLE before(a)", &error) == STATUS_OK);
	db_close(db);
	cr_assert(trace_open(synthetic.file, &error, &trace) == STATUS_OK, "%s", error.text);
	cr_expect(trace->version == SCHEMA_VERSION && trace->n_runs == 0, "version %d", trace->version);
	trace_close(trace);
}

Test(trace, says_what_a_file_is_instead)
{
	static unsigned char bytes[1 << 20];
	struct error error = { 0 };
	struct db *db = NULL;
	expect_refused("missing", "No such file");
	mkdir(synthetic.file, 0700);
	expect_refused("folder", "not a file");
	rmdir(synthetic.file);
	write_file("", 0);
	expect_refused("empty", "empty");
	write_file("digraph { a -> b }", 18);
	expect_refused("text", "not a tandem trace");
	write_file("SQLite format 3\0 and nothing", 28);
	expect_refused("header only", "truncated");
	unlink(synthetic.file);
	cr_assert(db_open(synthetic.file, DB_CREATE, &error, &db) == STATUS_OK);
	cr_assert(db_exec(db, "CREATE TABLE t(a)", &error) == STATUS_OK);
	db_close(db);
	expect_refused("plain", "plain SQLite file");
	unlink(synthetic.file);
	make_trace(true);
	cr_assert(db_open(synthetic.file, DB_WRITE, &error, &db) == STATUS_OK);
	cr_assert(db_exec(db, "PRAGMA user_version = 99", &error) == STATUS_OK);
	db_close(db);
	expect_refused("newer", "version 99");
	make_trace(true);
	FILE *stream = fopen(synthetic.file, "rb");
	size_t n = fread(bytes, 1, sizeof(bytes), stream);
	fclose(stream);
	write_file(bytes, n / 2);
	expect_refused("half", "truncated");
	memset(bytes + 100, 0xa5, 4000); /* the schema's page */
	write_file(bytes, n);
	expect_refused("damaged", "damaged");
}

Test(trace, replaces_traces_and_nothing_else)
{
	struct error error = { 0 };
	struct store *store = NULL;
	make_trace(true);
	make_trace(true);
	write_file("precious", 8);
	cr_expect(store_open(synthetic.file, false, &error, &store) == STATUS_TRACE);
	cr_expect(strstr(error.text, "not replaced"), "text: %s", error.text);
	cr_expect(store_open(synthetic.file, true, &error, &store) != STATUS_OK, "nor is a run added to it");
}
