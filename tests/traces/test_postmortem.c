/* SPDX-License-Identifier: Apache-2.0
 *
 * Post-mortems of a run whose memory a test has made: what is saved is what is loaded, limits, a full disk, and files of strangers.
 */
#include "traces/postmortem.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/graph/slot.h"
#include "tests/traces/synthetic.h"
#include "traces/postmortem_watch.h"
#include "traces/trace_check.h"

#define PAGE 4096
#define SLOTS_BYTES (UINT64_C(3) << 30) /* hardly anything of it is touched */
#define HISTORY_BYTES (UINT64_C(3) << 20) /* of three processes */

struct scene {
	struct synthetic synthetic;
	struct synthetic_intake intake;
	struct control control;
	struct gates gates;
	int fds[POSTMORTEM_SEGMENTS];
	struct error error;
};

static void write_at(int fd, uint64_t offset, uint8_t byte, size_t n)
{
	uint8_t *bytes = malloc(n);
	memset(bytes, byte, n);
	cr_assert(pwrite(fd, bytes, n, (off_t)offset) == (ssize_t)n);
	free(bytes);
}

/* Three pages here and there, more than a piece in one go, and pages that were touched and are zero. */
static void touch_slots(int fd)
{
	write_at(fd, 0, 1, PAGE);
	write_at(fd, 10 * PAGE + 100, 2, 1);
	write_at(fd, UINT64_C(1) << 30, 3, (2 << 20) + PAGE);
	write_at(fd, 20 * PAGE, 0, 50 * PAGE);
	write_at(fd, SLOTS_BYTES - 10, 4, 10);
}

static void set_up(struct scene *scene)
{
	struct error *error = &scene->error;
	*scene = (struct scene){ .fds = { -1, -1, -1, -1 } };
	synthetic_init(&scene->synthetic, 2, 2, 4, 64);
	scene->fds[POSTMORTEM_PROGRAM] = scene->synthetic.program_fd;
	cr_assert(control_create(3, 4, 2, error, &scene->fds[POSTMORTEM_CONTROL]) == STATUS_OK, "%s", error->text);
	cr_assert(control_open(scene->fds[POSTMORTEM_CONTROL], &scene->control, error) == STATUS_OK, "%s", error->text);
	scene->fds[POSTMORTEM_SLOTS] = memfd_create("slots", MFD_CLOEXEC);
	cr_assert(ftruncate(scene->fds[POSTMORTEM_SLOTS], SLOTS_BYTES) == 0);
	touch_slots(scene->fds[POSTMORTEM_SLOTS]);
	cr_assert(gates_create(&scene->synthetic.program, scene->fds, HISTORY_BYTES, false, error, &scene->fds[POSTMORTEM_GATES]) == STATUS_OK, "%s",
		error->text);
	cr_assert(gates_open(scene->fds[POSTMORTEM_GATES], &scene->synthetic.program, NULL, 0, &scene->gates, error) == STATUS_OK, "%s", error->text);
	synthetic_intake_init(&scene->intake, &scene->synthetic, scene->synthetic.file, clock_now().ns);
}

/* w1's history has two pages. */
static void keep_history(struct scene *scene)
{
	struct gate_worker *worker = gate_worker(&scene->gates, 1);
	memset(scene->gates.histories + scene->gates.history_bytes, 7, 2 * PAGE);
	atomic_store(&worker->history_end, 2 * PAGE);
}

static void freeze(struct scene *scene)
{
	atomic_store(&scene->control.header->workers[2].position, control_position(7, 4));
	cr_assert(gates_freeze(&scene->gates, &scene->control, GATE_FREEZE_CRASH, 2, 4, 7, "it died"));
	snprintf(scene->gates.header->frozen.stack, GATE_STACK_BYTES, "here+0x1\n");
	atomic_store(&scene->gates.header->frozen.stack_worker, 3);
	atomic_store(&scene->control.header->workers[2].position, control_position(9, 3));
}

static struct db *db_of(struct scene *scene)
{
	return store_db(scene->intake.store);
}

static int save(struct scene *scene, uint64_t limit_bytes)
{
	return postmortem_save(db_of(scene), 1, scene->fds, false, limit_bytes, NULL, &scene->error);
}

static struct trace *open_trace(struct scene *scene)
{
	struct trace *trace = NULL;
	cr_assert(trace_open(scene->synthetic.file, &scene->error, &trace) == STATUS_OK, "%s", scene->error.text);
	return trace;
}

static void tear_down(struct scene *scene)
{
	synthetic_intake_finish(&scene->intake);
	gates_close(&scene->gates);
	control_close(&scene->control);
	for (int i = POSTMORTEM_CONTROL; i < POSTMORTEM_SEGMENTS; i++)
		close(scene->fds[i]);
	synthetic_finish(&scene->synthetic);
}

/* The first byte at which memory and segment differ between two offsets; `end` when none does. */
static uint64_t find_difference(const void *memory, int fd, uint64_t at, uint64_t end)
{
	uint8_t page[PAGE];
	for (; at < end; at += sizeof(page)) {
		size_t n = end - at < sizeof(page) ? (size_t)(end - at) : sizeof(page);
		cr_assert(pread(fd, page, n, (off_t)at) == (ssize_t)n);
		for (size_t i = 0; memcmp(page, (const uint8_t *)memory + at, n) != 0 && i < n; i++) {
			if (page[i] != ((const uint8_t *)memory)[at + i])
				return at + i;
		}
	}
	return end;
}

static void expect_number(struct db *db, const char *sql, int64_t expected)
{
	int64_t number = synthetic_number(db, sql);
	cr_expect(number == expected, "%s gives %" PRId64 ", expected %" PRId64, sql, number, expected);
}

Test(postmortem, what_is_saved_is_what_is_loaded)
{
	struct scene scene;
	struct debug_images images;
	struct postmortem *items;
	struct strbuf text = STRBUF_INIT;
	int n = 0;
	set_up(&scene);
	keep_history(&scene);
	freeze(&scene);
	cr_assert(save(&scene, POSTMORTEM_LIMIT_BYTES_DEFAULT) == STATUS_OK, "%s", scene.error.text);
	struct trace *trace = open_trace(&scene);
	cr_assert(postmortems_list(trace, &items, &n, &scene.error) == STATUS_OK && n == 1, "%d: %s", n, scene.error.text);
	cr_expect_str_eq(items[0].reason, "crash");
	cr_expect_str_eq(items[0].text, "it died");
	cr_expect_str_eq(items[0].stack, "here+0x1\n");
	cr_expect(items[0].run == 1 && items[0].execution == 7 && items[0].n_left_out == 0);
	cr_expect(llabs(items[0].time_ns - clock_now().ns) < 600000000000, "at %" PRId64 ", now %" PRId64, items[0].time_ns, clock_now().ns);
	postmortem_describe(&items[0], &text);
	cr_expect_str_eq(strbuf_text(&text), "crash of w1 in n2, execution 7");
	cr_assert(postmortem_load(trace, items[0].id, &images, &scene.error) == STATUS_OK, "%s", scene.error.text);
	const struct {
		const char *name;
		const void *memory;
		size_t bytes;
		uint64_t from;
	} segments[] = { { "program", images.program, images.program_bytes, 0 }, { "control", images.control, images.control_bytes, 0 },
		{ "slots", images.slots, images.slots_bytes, 0 }, { "end of slots", images.slots, images.slots_bytes, SLOTS_BYTES - PAGE },
		{ "gates", images.gates, images.gates_bytes, 0 } };
	static const int of[] = { POSTMORTEM_PROGRAM, POSTMORTEM_CONTROL, POSTMORTEM_SLOTS, POSTMORTEM_SLOTS, POSTMORTEM_GATES };
	for (size_t i = 0; i < ARRAY_LEN(segments); i++) {
		struct stat info;
		cr_assert(fstat(scene.fds[of[i]], &info) == 0 && (uint64_t)info.st_size == segments[i].bytes, "%s: %zu bytes", segments[i].name,
			segments[i].bytes);
		uint64_t end = strcmp(segments[i].name, "slots") ? segments[i].bytes : 100 * PAGE;
		uint64_t at = find_difference(segments[i].memory, scene.fds[of[i]], segments[i].from, end);
		cr_expect(at == end, "%s differs at %" PRIu64, segments[i].name, at);
	}
	uint64_t middle = (UINT64_C(1) << 30) + (2 << 20) + 2 * PAGE;
	cr_expect(find_difference(images.slots, scene.fds[POSTMORTEM_SLOTS], (UINT64_C(1) << 30) - PAGE, middle) == middle);
	expect_number(trace->db, "SELECT count(*) FROM image WHERE segment = 'slots'", 6); /* one in three pieces */
	expect_number(trace->db, "SELECT max(length(bytes)) FROM image", 1 << 20);
	postmortem_images_free(&images);
	postmortems_free(items, n);
	strbuf_finish(&text);
	trace_close(trace);
	tear_down(&scene);
}

Test(postmortem, opens_as_it_was_when_frozen)
{
	struct scene scene;
	struct debug_images images;
	struct debug_target target;
	set_up(&scene);
	freeze(&scene);
	cr_assert(save(&scene, POSTMORTEM_LIMIT_BYTES_DEFAULT) == STATUS_OK, "%s", scene.error.text);
	struct trace *trace = open_trace(&scene);
	cr_assert(postmortem_load(trace, 1, &images, &scene.error) == STATUS_OK, "%s", scene.error.text);
	cr_assert(debug_target_open_images(&images, &target, &scene.error) == STATUS_OK, "%s", scene.error.text);
	cr_expect(atomic_load(&target.control.header->workers[2].position) == control_position(7, 4), "not the frozen state");
	cr_expect(target.ns_per_tick > 0 && !target.is_live);
	debug_target_close(&target);
	postmortem_images_free(&images);
	trace_close(trace);
	tear_down(&scene);
}

/* Executions 0 to 5 look submitted in the slots of `input`. */
static void submit(struct scene *scene)
{
	const struct program *program = &scene->synthetic.program;
	uint64_t sequence = 6;
	atomic_store(&scene->control.header->busy_since, clock_ticks().count - clock_ticks_of_ns(3000000000));
	for (uint32_t i = 0; i < program->header->n_channels; i++) {
		const struct program_channel *channel = &program->channels[i];
		if (channel->node != GRAPH_INPUT)
			continue;
		off_t at = (off_t)(channel->slots_offset + channel->slot_bytes - sizeof(struct slot_header) + offsetof(struct slot_header, sequence));
		cr_assert(pwrite(scene->fds[POSTMORTEM_SLOTS], &sequence, sizeof(sequence), at) == sizeof(sequence));
	}
}

/* w0 and w1 wait for each other. */
Test(postmortem, of_a_deadlock)
{
	struct scene scene;
	struct debug_images images;
	struct debug_target target;
	struct strbuf where = STRBUF_INIT;
	set_up(&scene);
	submit(&scene);
	for (uint32_t i = 1; i < 3; i++) {
		struct control_wait *wait = &scene.control.header->workers[i].wait;
		atomic_store(&wait->cause, PHASE_STARVED);
		atomic_store(&wait->peer, 3 - i);
		atomic_store(&wait->edge, i);
		atomic_store(&wait->channel, i);
		atomic_store(&wait->node, 1 + i);
		atomic_store(&wait->execution, 4);
		atomic_store(&wait->since, clock_ticks().count - clock_ticks_of_ns(2000000000));
	}
	cr_assert(gates_freeze(&scene.gates, &scene.control, GATE_FREEZE_DEADLOCK, 1, PROGRAM_NONE, 4, "the waits form a cycle"));
	memset(scene.control.header->workers, 0, 3 * sizeof(struct control_worker)); /* what comes later does not count */
	cr_assert(save(&scene, POSTMORTEM_LIMIT_BYTES_DEFAULT) == STATUS_OK, "%s", scene.error.text);
	struct trace *trace = open_trace(&scene);
	cr_assert(postmortem_load(trace, 1, &images, &scene.error) == STATUS_OK, "%s", scene.error.text);
	cr_assert(debug_target_open_images(&images, &target, &scene.error) == STATUS_OK, "%s", scene.error.text);
	debug_where(&target, &where);
	cr_expect(strstr(strbuf_text(&where), "the waits form a cycle"), "%s", strbuf_text(&where));
	cr_expect(strstr(strbuf_text(&where), "2.00 s"), "%s", strbuf_text(&where));
	expect_number(trace->db, "SELECT reason = 'deadlock' AND worker = 'w0' AND node IS NULL AND execution = 4 FROM v_postmortem", 1);
	debug_target_close(&target);
	postmortem_images_free(&images);
	trace_close(trace);
	strbuf_finish(&where);
	tear_down(&scene);
}

Test(postmortem, what_is_left_out)
{
	/* Slots: 1 + 1 + 513 + 1 pages; history: 2. */
	static const struct {
		const char *name;
		uint64_t limit_bytes;
		int64_t n_slots, n_history, n_left_out; /* pages */
	} cases[] = {
		{ "all fits", 518 * PAGE, 516, 2, 0 },
		{ "the history goes first", 517 * PAGE, 516, 0, 2 },
		{ "then slots", 100 * PAGE, 100, 0, 2 + 416 },
		{ "hardly anything", 1, 0, 0, 2 + 516 },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct scene scene;
		struct debug_images images;
		char sql[200];
		set_up(&scene);
		keep_history(&scene);
		freeze(&scene);
		/* the pages that were touched and are zero count when it is decided about the history */
		uint64_t limit = cases[i].limit_bytes + (cases[i].limit_bytes > 500 * PAGE ? 50 * PAGE : 0);
		cr_assert(save(&scene, limit) == STATUS_OK, "%s", scene.error.text);
		struct trace *trace = open_trace(&scene);
		uint64_t histories = (uint64_t)(scene.gates.histories - scene.gates.base);
		expect_number(trace->db, "SELECT (coalesce(sum(length(bytes)), 0) + 4095) / 4096 FROM image WHERE segment = 'slots'",
			cases[i].n_slots);
		snprintf(sql, sizeof(sql), "SELECT coalesce(sum(length(bytes)), 0) / 4096 FROM image WHERE segment = 'gates' AND offset >= %" PRIu64,
			histories);
		expect_number(trace->db, sql, cases[i].n_history);
		expect_number(trace->db, "SELECT (n_left_out + 4095) / 4096 FROM postmortem", cases[i].n_left_out);
		cr_assert(postmortem_load(trace, 1, &images, &scene.error) == STATUS_OK, "%s: %s", cases[i].name, scene.error.text);
		const struct gates_header *gates = images.gates;
		uint64_t begin = atomic_load(&gates->workers[1].history_begin), end = atomic_load(&gates->workers[1].history_end);
		cr_expect((begin == end) == (cases[i].n_history == 0), "%s: history from %" PRIu64 " to %" PRIu64, cases[i].name, begin, end);
		postmortem_images_free(&images);
		trace_close(trace);
		tear_down(&scene);
	}
}

Test(postmortem, asked_for)
{
	struct scene scene;
	struct debug_images images;
	set_up(&scene);
	cr_expect(save(&scene, POSTMORTEM_LIMIT_BYTES_DEFAULT) == STATUS_USAGE, "something was frozen");
	expect_number(db_of(&scene), "SELECT count(*) FROM postmortem", 0);
	atomic_store(&scene.control.header->workers[1].position, control_position(3, 2));
	char file[200];
	snprintf(file, sizeof(file), "%s/asked.tandem", scene.synthetic.folder);
	cr_assert(postmortem_write_file(file, scene.fds, POSTMORTEM_LIMIT_BYTES_DEFAULT, &scene.error) == STATUS_OK, "%s", scene.error.text);
	struct trace *trace = NULL;
	cr_assert(trace_open(file, &scene.error, &trace) == STATUS_OK, "%s", scene.error.text);
	expect_number(trace->db, "SELECT reason = 'asked' AND worker IS NULL AND execution IS NULL FROM v_postmortem", 1);
	cr_assert(postmortem_load(trace, 1, &images, &scene.error) == STATUS_OK, "%s", scene.error.text);
	const struct gates_header *gates = images.gates;
	cr_expect(atomic_load(&gates->frozen.state) == 2 && gates->frozen.reason == GATE_FREEZE_ASKED);
	cr_expect(memcmp((const uint8_t *)gates + gates->frozen_control, images.control, images.control_bytes) == 0, "not frozen as it is");
	cr_expect(atomic_load(&scene.gates.header->frozen.state) == 0, "the run itself was changed");
	postmortem_images_free(&images);
	trace_close(trace);
	tear_down(&scene);
}

Test(postmortem, a_full_disk_loses_it_and_nothing_else)
{
	struct scene scene;
	struct postmortem_watch watch;
	struct strbuf text = STRBUF_INIT;
	struct rlimit before, limit;
	set_up(&scene);
	freeze(&scene);
	cr_assert(postmortem_watch_open(&watch, &scene.synthetic.program, scene.fds, &scene.error) == STATUS_OK, "%s", scene.error.text);
	signal(SIGXFSZ, SIG_IGN);
	cr_assert(getrlimit(RLIMIT_FSIZE, &before) == 0);
	limit = (struct rlimit){ 1 << 20, before.rlim_max };
	cr_assert(setrlimit(RLIMIT_FSIZE, &limit) == 0);
	cr_assert(postmortem_watch_is_due(&watch));
	int status = postmortem_watch_save(&watch, scene.intake.store, &text);
	cr_expect(status == STATUS_DISK_FULL, "%s: %s", status_word(status), strbuf_text(&text));
	cr_expect(strbuf_text(&text)[0], "without words");
	cr_expect(!postmortem_watch_is_due(&watch), "it would be tried again and again");
	enum phase phase = PHASE_COMPUTE;
	struct record op = synthetic_op(2, 0, clock_now().ns, 1, &phase, (int64_t[]){ 1000 });
	synthetic_intake_enter(&scene.intake, 1, &op, 1);
	cr_assert(setrlimit(RLIMIT_FSIZE, &before) == 0);
	expect_number(db_of(&scene), "SELECT count(*) FROM postmortem", 0);
	expect_number(db_of(&scene), "SELECT count(*) FROM image", 0);
	expect_number(db_of(&scene), "SELECT count(*) FROM op_event", 1);
	expect_number(db_of(&scene), "SELECT integrity_check = 'ok' FROM pragma_integrity_check", 1);
	postmortem_watch_close(&watch);
	strbuf_finish(&text);
	tear_down(&scene);
}

Test(postmortem, does_not_count_for_the_record_limit)
{
	struct scene scene;
	struct postmortem_watch watch;
	struct strbuf text = STRBUF_INIT;
	set_up(&scene);
	freeze(&scene);
	cr_assert(postmortem_watch_open(&watch, &scene.synthetic.program, scene.fds, &scene.error) == STATUS_OK, "%s", scene.error.text);
	uint64_t before = store_used_bytes(scene.intake.store);
	cr_assert(postmortem_watch_save(&watch, scene.intake.store, &text) == STATUS_OK, "%s", strbuf_text(&text));
	cr_expect_str_eq(strbuf_text(&text), "crash of w1 in n2, execution 7");
	uint64_t after = store_used_bytes(scene.intake.store);
	cr_expect(after <= before, "%" PRIu64 " bytes before, %" PRIu64 " after", before, after);
	postmortem_watch_close(&watch);
	strbuf_finish(&text);
	tear_down(&scene);
}

static void expect_check(struct scene *scene, const char *name, const char *expected)
{
	struct table table;
	int n_wrong;
	const struct trace trace = { .db = db_of(scene) };
	table_init(&table, trace_check_columns, TRACE_CHECK_COLUMNS);
	cr_assert(trace_check(&trace, &table, &n_wrong, &scene->error) == STATUS_OK, "%s", scene->error.text);
	for (int i = 0; i < table_n_rows(&table); i++) {
		const struct table_cell *row = &table.cells[i * TRACE_CHECK_COLUMNS];
		if (strcmp(row[0].text, "post-mortems are there whole") == 0)
			cr_expect_str_eq(row[1].text, expected, "%s: %s, expected %s", name, row[1].text, expected);
	}
	table_finish(&table);
}

Test(postmortem, files_of_strangers)
{
	static const struct {
		const char *name, *sql, *check;
	} cases[] = {
		{ "negative size", "UPDATE postmortem SET slots_bytes = -1", "wrong" },
		{ "absurd size", "UPDATE postmortem SET gates_bytes = 1 << 50", "ok" },
		{ "no program", "UPDATE postmortem SET program_bytes = 0", "wrong" },
		{ "no number", "UPDATE postmortem SET control_bytes = 'x'", "wrong" },
		{ "negative offset", "UPDATE image SET offset = -4096 WHERE rowid = 1", "wrong" },
		{ "behind the end", "UPDATE image SET offset = 1 << 40 WHERE segment = 'slots'", "wrong" },
		{ "over the end", "UPDATE image SET offset = (SELECT control_bytes - 10 FROM postmortem) WHERE segment = 'control'", "wrong" },
		{ "largest offset", "UPDATE image SET offset = 9223372036854775807 WHERE rowid = 1", "wrong" },
		{ "unknown segment", "UPDATE image SET segment = 'x' WHERE rowid = 1", "wrong" },
		{ "text for bytes", "UPDATE image SET bytes = 'x' WHERE rowid = 1", "wrong" },
		{ "no bytes", "UPDATE image SET bytes = x'' WHERE rowid = 1", "wrong" },
		{ "a piece is missing", "DELETE FROM image WHERE rowid = 2", "wrong" },
		{ "too many pieces", "INSERT INTO image SELECT * FROM image; UPDATE postmortem SET n_bytes = 2 * n_bytes;"
		  "INSERT INTO image SELECT * FROM image WHERE segment = 'program';"
		  " UPDATE postmortem SET n_bytes = (SELECT sum(length(bytes)) FROM image)",
		  "ok" },
	};
	struct scene scene;
	set_up(&scene);
	freeze(&scene);
	cr_assert(save(&scene, POSTMORTEM_LIMIT_BYTES_DEFAULT) == STATUS_OK, "%s", scene.error.text);
	expect_check(&scene, "untouched", "ok");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct debug_images images;
		struct trace trace = { .db = db_of(&scene), .file = scene.synthetic.file };
		cr_assert(db_exec(db_of(&scene), "BEGIN", &scene.error) == STATUS_OK, "%s", scene.error.text);
		cr_assert(db_exec(db_of(&scene), cases[i].sql, &scene.error) == STATUS_OK, "%s: %s", cases[i].name, scene.error.text);
		int status = postmortem_load(&trace, 1, &images, &scene.error);
		cr_expect(status == STATUS_TRACE && !images.program, "%s: %s", cases[i].name, status_word(status));
		cr_expect(strstr(scene.error.text, "makes no sense"), "%s: %s", cases[i].name, scene.error.text);
		expect_check(&scene, cases[i].name, cases[i].check);
		cr_assert(db_exec(db_of(&scene), "ROLLBACK", &scene.error) == STATUS_OK, "%s", scene.error.text);
	}
	tear_down(&scene);
}

/* Bytes that lie where they belong and say nonsense: refused when they are opened. */
Test(postmortem, memory_of_strangers)
{
	static const enum postmortem_segment segments[] = { POSTMORTEM_PROGRAM, POSTMORTEM_CONTROL, POSTMORTEM_GATES };
	struct scene scene;
	set_up(&scene);
	freeze(&scene);
	cr_assert(save(&scene, POSTMORTEM_LIMIT_BYTES_DEFAULT) == STATUS_OK, "%s", scene.error.text);
	struct trace *trace = open_trace(&scene);
	for (size_t i = 0; i < ARRAY_LEN(segments); i++) {
		struct debug_images images;
		struct debug_target target;
		cr_assert(postmortem_load(trace, 1, &images, &scene.error) == STATUS_OK, "%s", scene.error.text);
		const void *const memory[POSTMORTEM_SEGMENTS] = { images.program, images.control, images.slots, images.gates };
		memset((void *)(uintptr_t)memory[segments[i]], 0xee, 64);
		int status = debug_target_open_images(&images, &target, &scene.error);
		cr_expect(status != STATUS_OK && scene.error.text[0], "%s: %s", postmortem_segment_word(segments[i]), status_word(status));
		postmortem_images_free(&images);
	}
	trace_close(trace);
	tear_down(&scene);
}
