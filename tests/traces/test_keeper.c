/* SPDX-License-Identifier: Apache-2.0
 *
 * What is kept of a run, fed record by record: each trigger, saves that meet, the end of a run, the limit on the file.
 */
#include "traces/keeper.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "tests/traces/synthetic.h"

#define MS INT64_C(1000000)
#define N_NODES 4 /* input, output, and one on each of two workers */

struct rig {
	struct synthetic synthetic;
	struct synthetic_intake target;
	struct keeper *keeper;
	int64_t at_ns; /* of the next execution */
	uint64_t next;
	int n_warnings;
	uint64_t n_records;
};

static void count_warning(void *user, const char *text)
{
	((struct rig *)user)->n_warnings++;
}

static void set_up(struct rig *rig, const char *record, const char *triggers, const char *limit)
{
	struct error error = { 0 };
	*rig = (struct rig){ .at_ns = 0 };
	synthetic_init_recorded(&rig->synthetic, 2, 1, 4, 64, record, triggers, limit);
	synthetic_use_ns();
	rig->at_ns = clock_now().ns - 1000 * MS;
	synthetic_intake_init(&rig->target, &rig->synthetic, rig->synthetic.file, rig->at_ns);
	const struct keeper_host host = { .store = rig->target.store, .intake = rig->target.intake, .program = &rig->synthetic.program,
		.n_lanes = 3, .warn = count_warning, .user = rig };
	cr_assert(keeper_create(&host, &error, &rig->keeper) == STATUS_OK, "%s", error.text);
}

static void tear_down(struct rig *rig)
{
	keeper_destroy(rig->keeper);
	synthetic_intake_finish(&rig->target);
	synthetic_finish(&rig->synthetic);
}

static void require(int status, const struct error *error)
{
	cr_assert(status == STATUS_OK, "%s", error->text);
}

static void begin(struct rig *rig)
{
	struct error error = { 0 };
	if (!store_is_in_transaction(rig->target.store))
		require(store_begin(rig->target.store, &error), &error);
}

static void commit(struct rig *rig)
{
	struct error error = { 0 };
	require(intake_flush(rig->target.intake, &error), &error);
	require(store_commit(rig->target.store, &error), &error);
	keeper_committed(rig->keeper);
}

/* As the collector does after each round. */
static void go_round(struct rig *rig)
{
	struct error error = { 0 };
	begin(rig);
	require(keeper_round(rig->keeper, &error), &error);
	commit(rig);
}

static void finish_saves(struct rig *rig)
{
	for (int i = 0; i < 1000 && keeper_is_due(rig->keeper); i++) {
		go_round(rig);
		usleep(1000);
	}
	cr_assert(!keeper_is_due(rig->keeper), "a save does not end");
}

static void end(struct rig *rig, const char *failure)
{
	struct error error = { 0 };
	for (bool is_done = false; !is_done;) {
		begin(rig);
		require(keeper_end(rig->keeper, failure, &is_done, &error), &error);
		commit(rig);
	}
}

static void give(struct rig *rig, uint32_t lane, const struct record *records, uint32_t n)
{
	struct error error = { 0 };
	begin(rig);
	require(keeper_records(rig->keeper, lane, records, n, &error), &error);
	rig->n_records += n;
	if (keeper_wants_commit(rig->keeper))
		commit(rig);
}

/* One execution through both workers, `ns` long. */
static void execute(struct rig *rig, int64_t ns, int status)
{
	const enum phase phases[] = { PHASE_COMPUTE };
	int64_t part = ns / 4, at = rig->at_ns;
	uint64_t k = rig->next++;
	struct record driver[] = { synthetic_submit(k, at), synthetic_op(0, k, at, 1, phases, &part),
		synthetic_op(1, k, at + 3 * part, 1, phases, &part), synthetic_finish_record(k, at + 4 * part, status, 0) };
	struct record first = synthetic_op(2, k, at + part, 1, phases, &part);
	struct record second = synthetic_op(3, k, at + 2 * part, 1, phases, &part);
	give(rig, 1, &first, 1);
	give(rig, 2, &second, 1);
	give(rig, 0, driver, 4);
	rig->at_ns += ns;
}

static void execute_many(struct rig *rig, int n)
{
	for (int i = 0; i < n; i++)
		execute(rig, MS, STATUS_OK);
}

static int64_t number(struct rig *rig, const char *sql)
{
	return synthetic_number(store_db(rig->target.store), sql);
}

static void expect(struct rig *rig, const char *sql, int64_t expected)
{
	int64_t value = number(rig, sql);
	cr_expect(value == expected, "%s gives %lld, expected %lld", sql, (long long)value, (long long)expected);
}

/* The sums cover the whole run, whatever became rows; no row is there twice. */
static void expect_whole_sums(struct rig *rig)
{
	expect(rig, "SELECT sum(n) FROM summary WHERE kind = 101", (int64_t)(N_NODES * rig->next));
	expect(rig, "SELECT n_finished FROM run", (int64_t)rig->next);
	expect(rig, "SELECT n_ops - (SELECT count(*) FROM op_event) FROM run", 0);
	expect(rig, "SELECT count(*) FROM (SELECT 1 FROM op_event GROUP BY node, execution HAVING count(*) > 1)", 0);
	expect(rig, "SELECT count(*) FROM execution WHERE NOT is_partial AND execution NOT IN (SELECT execution FROM op_event"
		" GROUP BY execution HAVING count(*) = 4)", 0);
	expect(rig, "SELECT count(*) FROM op_event WHERE execution NOT IN (SELECT execution FROM execution)", 0);
}

Test(keeper, nothing_is_written_until_something_asks)
{
	struct rig rig;
	set_up(&rig, "last=10", "error,slow=5ms", "0");
	execute_many(&rig, 300);
	go_round(&rig);
	end(&rig, NULL);
	expect(&rig, "SELECT count(*) FROM op_event", 0);
	expect(&rig, "SELECT count(*) FROM execution", 0);
	expect(&rig, "SELECT count(*) FROM save", 0);
	expect_whole_sums(&rig);
	tear_down(&rig);
}

Test(keeper, triggers)
{
	static const struct {
		const char *name, *triggers;
		int64_t ns;
		int status, n_saves;
	} cases[] = {
		{ "error", "error", MS, STATUS_OP, 1 },
		{ "no error asked for", "slow=10ms", MS, STATUS_OP, 0 },
		{ "slow", "slow=10ms", 20 * MS, STATUS_OK, 1 },
		{ "not slow enough", "slow=10ms", 9 * MS, STATUS_OK, 0 },
		{ "three times the median", "error,slow=3x", 5 * MS, STATUS_OK, 1 },
		{ "twice the median", "slow=3x", 2 * MS, STATUS_OK, 0 },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct rig rig;
		char sql[120];
		set_up(&rig, "last=10", cases[i].triggers, "0");
		execute_many(&rig, 100);
		execute(&rig, cases[i].ns, cases[i].status);
		execute_many(&rig, 20);
		finish_saves(&rig);
		end(&rig, NULL);
		int64_t n = number(&rig, "SELECT count(*) FROM v_save WHERE execution = 100 AND n_triggers = 1");
		cr_expect(n == cases[i].n_saves, "%s: %lld saves", cases[i].name, (long long)n);
		snprintf(sql, sizeof(sql), "SELECT count(*) FROM execution WHERE execution BETWEEN 0 AND 120 AND NOT is_partial");
		cr_expect(number(&rig, sql) == 121 * cases[i].n_saves, "%s: %lld executions", cases[i].name, (long long)number(&rig, sql));
		expect_whole_sums(&rig);
		tear_down(&rig);
	}
}

Test(keeper, only_the_last_seconds_and_the_edge_is_marked)
{
	struct rig rig;
	set_up(&rig, "last=200ms", "error", "0");
	rig.at_ns = clock_now().ns - 1000 * MS;
	execute_many(&rig, 999);
	execute(&rig, MS, STATUS_OP);
	finish_saves(&rig);
	end(&rig, NULL);
	int64_t n = number(&rig, "SELECT count(*) FROM execution WHERE NOT is_partial");
	int64_t most = (int64_t)clock_ticks_of_ns(200 * MS) / MS + 1; /* ticks are ns here, but not to the conversion */
	cr_expect(n > 50 && n <= most, "%lld executions of 1 ms each, expected up to %lld", (long long)n, (long long)most);
	expect(&rig, "SELECT count(*) FROM execution WHERE is_partial", 1);
	expect(&rig, "SELECT max(execution) FROM execution", 999);
	expect(&rig, "SELECT cause = 'error' AND execution = 999 AND first_ns < time_ns AND last_ns >= time_ns AND n_records > 300"
		" FROM v_save", 1);
	expect_whole_sums(&rig);
	tear_down(&rig);
}

Test(keeper, saves_that_meet_are_one)
{
	struct rig rig;
	set_up(&rig, "last=10", "error", "0");
	execute_many(&rig, 10);
	execute(&rig, MS, STATUS_OP);
	go_round(&rig);
	execute(&rig, MS, STATUS_OP);
	execute(&rig, MS, STATUS_OK);
	go_round(&rig);
	execute(&rig, MS, STATUS_OP);
	finish_saves(&rig);
	execute_many(&rig, 10);
	execute(&rig, MS, STATUS_OP);
	finish_saves(&rig);
	end(&rig, NULL);
	expect(&rig, "SELECT count(*) FROM save", 2);
	expect(&rig, "SELECT count(*) FROM save WHERE execution = 10 AND n_triggers = 3", 1);
	expect(&rig, "SELECT count(*) FROM save WHERE execution = 24 AND n_triggers = 1", 1);
	expect(&rig, "SELECT count(*) FROM execution WHERE NOT is_partial", 25);
	expect(&rig, "SELECT count(*) FROM log WHERE level = 'info'", 2);
	expect_whole_sums(&rig);
	tear_down(&rig);
}

Test(keeper, asked_for_by_message)
{
	static const struct {
		const char *name;
		enum trigger trigger;
		int n_saves;
	} cases[] = { { "key", TRIGGER_KEY, 1 }, { "call", TRIGGER_CALL, 1 }, { "stall, not chosen", TRIGGER_STALL, 0 } };
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct rig rig;
		struct collect_message message = { .kind = COLLECT_SAVE, .level = cases[i].trigger, .worker = 77, .node = 88,
			.execution = 3, .time_ns = clock_now().ns };
		set_up(&rig, "last=10", "error", "0");
		execute_many(&rig, 5);
		keeper_ask(rig.keeper, &message, "why");
		finish_saves(&rig);
		end(&rig, NULL);
		int64_t n = number(&rig, "SELECT count(*) FROM v_save WHERE execution = 3 AND text = 'why' AND worker IS NULL");
		cr_expect(n == cases[i].n_saves, "%s: %lld saves", cases[i].name, (long long)n);
		expect(&rig, "SELECT count(*) FROM op_event", cases[i].n_saves * 5 * N_NODES);
		tear_down(&rig);
	}
}

Test(keeper, a_run_that_ends_in_an_error_is_saved)
{
	struct rig rig;
	set_up(&rig, "last=10", "error", "0");
	execute_many(&rig, 5);
	end(&rig, "worker 'w1' was killed");
	expect(&rig, "SELECT count(*) FROM v_save WHERE cause = 'error' AND execution IS NULL AND text LIKE '%w1%'", 1);
	expect(&rig, "SELECT count(*) FROM execution WHERE NOT is_partial", 5);
	expect_whole_sums(&rig);
	tear_down(&rig);
}

Test(keeper, executions_that_end_after_the_save_are_marked)
{
	struct rig rig;
	set_up(&rig, "last=10", "error", "0");
	struct record submit = synthetic_submit(77, rig.at_ns);
	execute(&rig, MS, STATUS_OP);
	go_round(&rig);
	give(&rig, 0, &submit, 1);
	finish_saves(&rig);
	end(&rig, NULL);
	expect(&rig, "SELECT count(*) FROM execution WHERE execution = 77 AND is_partial", 1);
	expect(&rig, "SELECT count(*) FROM execution WHERE execution = 0 AND NOT is_partial", 1);
	tear_down(&rig);
}

static int64_t file_bytes(const struct rig *rig)
{
	struct stat file = { 0 }, log = { 0 };
	char name[200];
	snprintf(name, sizeof(name), "%s-wal", rig->synthetic.file);
	stat(rig->synthetic.file, &file);
	stat(name, &log);
	return file.st_size + log.st_size;
}

Test(keeper, limit_on_the_file)
{
	static const int64_t limits[] = { 1 << 20, 2 << 20 };
	for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
		struct rig rig;
		char text[24];
		int64_t most = 0;
		snprintf(text, sizeof(text), "%lld", (long long)limits[i]);
		set_up(&rig, "all", "error", text);
		for (int k = 0; k < 20000; k++) {
			execute(&rig, 20000, STATUS_OK);
			if (k % 200 == 0)
				go_round(&rig);
			most = file_bytes(&rig) > most ? file_bytes(&rig) : most;
		}
		end(&rig, NULL);
		most = file_bytes(&rig) > most ? file_bytes(&rig) : most;
		cr_expect(most <= limits[i], "limit %lld: the file had %lld bytes", (long long)limits[i], (long long)most);
		cr_expect(most > limits[i] / 2, "limit %lld: only %lld bytes were used", (long long)limits[i], (long long)most);
		cr_expect(rig.n_warnings == 1, "%d warnings", rig.n_warnings);
		expect(&rig, "SELECT count(*) FROM v_save WHERE cause = 'limit'", 1);
		expect(&rig, "SELECT count(*) FROM execution WHERE execution = 19999 AND NOT is_partial", 1);
		int64_t n_rows = number(&rig, "SELECT (SELECT count(*) FROM op_event) + (SELECT count(start_ns) + count(end_ns) FROM execution)");
		uint64_t n_limited = keeper_n_limited(rig.keeper, 0) + keeper_n_limited(rig.keeper, 1) + keeper_n_limited(rig.keeper, 2);
		cr_expect((uint64_t)n_rows + n_limited == rig.n_records, "%lld rows and %llu lost of %llu records", (long long)n_rows,
			(unsigned long long)n_limited, (unsigned long long)rig.n_records);
		expect_whole_sums(&rig);
		tear_down(&rig);
	}
}

Test(keeper, saves_stop_at_the_limit)
{
	struct rig rig;
	set_up(&rig, "last=100", "error", "1048576");
	for (int k = 0; k < 30000; k++) {
		execute(&rig, 20000, k % 100 == 50 ? STATUS_OP : STATUS_OK);
		if (k % 100 == 99)
			go_round(&rig);
	}
	end(&rig, "killed");
	cr_expect(file_bytes(&rig) <= 1 << 20, "the file has %lld bytes", (long long)file_bytes(&rig));
	cr_expect(rig.n_warnings == 1, "%d warnings", rig.n_warnings);
	expect(&rig, "SELECT count(*) FROM log WHERE text LIKE '%triggers saved nothing%'", 1);
	expect_whole_sums(&rig);
	tear_down(&rig);
}
