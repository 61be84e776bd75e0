/* SPDX-License-Identifier: Apache-2.0
 *
 * postmortem: saving: which pages of the segments were ever touched (SEEK_DATA), which of these are not all zero, and how much of them fits.
 */
#include "traces/postmortem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/attributes.h"
#include "engine/base/clock.h"
#include "traces/store.h"

#define PAGE_BYTES 4096u
#define PIECE_BYTES (1u << 20) /* most in one row */

const char *postmortem_segment_word(enum postmortem_segment segment)
{
	static const char *const words[] = {
#define X(name, word) word,
		POSTMORTEM_SEGMENT_MAP(X)
#undef X
	};
	return words[segment];
}

struct saver {
	struct db *db;
	struct db_stmt *insert;
	const int *fds;
	uint64_t sizes[POSTMORTEM_SEGMENTS];
	struct program program;
	struct gates gates;
	bool is_asked, has_history;
	uint64_t limit_bytes;   /* of what may be left out */
	int64_t run, id;        /* of the row */
	uint64_t n_bytes, n_left_out;
	uint8_t *buffer;        /* [PIECE_BYTES] */
	struct error *error;
};

/* -- pages ---------------------------------------------------------------------------------------------------------------- */

static bool is_zero(const uint8_t *bytes, size_t n)
{
	return bytes[0] == 0 && memcmp(bytes, bytes + 1, n - 1) == 0;
}

static int insert_piece(struct saver *saver, enum postmortem_segment segment, uint64_t offset, const uint8_t *bytes, size_t n)
{
	db_bind_int(saver->insert, 1, saver->id);
	db_bind_text(saver->insert, 2, postmortem_segment_word(segment));
	db_bind_int(saver->insert, 3, (int64_t)offset);
	db_bind_blob(saver->insert, 4, bytes, n);
	saver->n_bytes += n;
	return db_run(saver->insert, saver->error);
}

/* Pages in memory that belong at `offset`, a multiple of the page's size: a row for each run of pages that are not zero. */
static int save_pages(struct saver *saver, enum postmortem_segment segment, uint64_t offset, const uint8_t *bytes, size_t n, bool is_limited)
{
	int status = STATUS_OK;
	size_t first = 0, at = 0;
	while (at < n && status == STATUS_OK) {
		size_t page = n - at < PAGE_BYTES ? n - at : PAGE_BYTES;
		bool is_left_out = is_zero(bytes + at, page);
		if (!is_left_out && is_limited && saver->limit_bytes < page) {
			is_left_out = true;
			saver->n_left_out += page;
		} else if (!is_left_out && is_limited) {
			saver->limit_bytes -= page;
		}
		if (is_left_out && at > first)
			status = insert_piece(saver, segment, offset + first, bytes + first, at - first);
		at += page;
		if (is_left_out)
			first = at;
	}
	return status == STATUS_OK && at > first ? insert_piece(saver, segment, offset + first, bytes + first, at - first) : status;
}

/* The next bytes at or behind `at` and before `end` that were ever written; false when there are none. Whole pages. */
static bool find_data(int fd, uint64_t at, uint64_t end, uint64_t *ret_first, uint64_t *ret_end)
{
	off_t first = lseek(fd, (off_t)at, SEEK_DATA);
	if (first < 0 || (uint64_t)first >= end)
		return false;
	off_t hole = lseek(fd, first, SEEK_HOLE);
	*ret_first = (uint64_t)first / PAGE_BYTES * PAGE_BYTES;
	*ret_first = *ret_first < at ? at : *ret_first;
	*ret_end = hole < 0 || (uint64_t)hole > end ? end : (uint64_t)hole;
	return true;
}

static uint64_t count_data(int fd, uint64_t at, uint64_t end)
{
	uint64_t n = 0, first;
	while (find_data(fd, at, end, &first, &at))
		n += at - first;
	return n;
}

static int read_all(struct saver *saver, int fd, uint64_t offset, uint8_t *bytes, size_t n)
{
	for (size_t at = 0; at < n;) {
		ssize_t got = pread(fd, bytes + at, n - at, (off_t)(offset + at));
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return error_set_errno(saver->error, STATUS_SYSTEM, "the run's memory cannot be read");
		at += (size_t)got;
	}
	return STATUS_OK;
}

/* What was touched of [at, end) of a segment; `at` is a multiple of the page's size. */
static int save_range(struct saver *saver, enum postmortem_segment segment, uint64_t at, uint64_t end, bool is_limited)
{
	uint64_t first;
	int fd = saver->fds[segment], status = STATUS_OK;
	while (status == STATUS_OK && find_data(fd, at, end, &first, &at)) {
		for (; first < at && status == STATUS_OK; first += PIECE_BYTES) {
			size_t n = at - first < PIECE_BYTES ? (size_t)(at - first) : PIECE_BYTES;
			status = read_all(saver, fd, first, saver->buffer, n);
			if (status == STATUS_OK)
				status = save_pages(saver, segment, first, saver->buffer, n, is_limited);
		}
	}
	return status;
}

/* -- segments ------------------------------------------------------------------------------------------------------------- */

/* In a copy of the gates: that the run was frozen at this moment, because somebody asked for it. */
static int freeze_copy(struct saver *saver, struct gates_header *copy, uint64_t bytes)
{
	uint64_t offset = copy->frozen_control, n_control = saver->sizes[POSTMORTEM_CONTROL];
	if (offset > bytes || n_control > bytes - offset)
		return error_set(saver->error, STATUS_PROTOCOL, "the gates of the run were written over");
	copy->frozen = (struct gate_frozen){ .reason = GATE_FREEZE_ASKED, .worker = PROGRAM_NONE, .node = PROGRAM_NONE,
		.execution = UINT64_MAX, .ticks = clock_ticks().count };
	atomic_store(&copy->frozen.state, 2);
	return read_all(saver, saver->fds[POSTMORTEM_CONTROL], 0, (uint8_t *)copy + offset, n_control);
}

/* Everything of the gates before the histories. Without these it says that they are empty. */
static int save_states(struct saver *saver, uint64_t bytes)
{
	struct gates_header *copy = malloc(bytes);
	int status = copy ? STATUS_OK : error_set(saver->error, STATUS_NO_MEMORY, "no memory for the states of the run");
	if (status == STATUS_OK)
		status = read_all(saver, saver->fds[POSTMORTEM_GATES], 0, (uint8_t *)copy, bytes);
	for (uint32_t i = 0; status == STATUS_OK && !saver->has_history && i < saver->gates.n_workers; i++)
		atomic_store(&copy->workers[i].history_begin, atomic_load(&copy->workers[i].history_end));
	if (status == STATUS_OK && saver->is_asked)
		status = freeze_copy(saver, copy, bytes);
	if (status == STATUS_OK)
		status = save_pages(saver, POSTMORTEM_GATES, 0, (const uint8_t *)copy, bytes, false);
	free(copy);
	return status;
}

static int save_segments(struct saver *saver)
{
	uint64_t n_slots = saver->sizes[POSTMORTEM_SLOTS], n_gates = saver->sizes[POSTMORTEM_GATES];
	uint64_t histories = (uint64_t)(saver->gates.histories - saver->gates.base);
	uint64_t n_history = count_data(saver->fds[POSTMORTEM_GATES], histories, n_gates);
	saver->has_history = count_data(saver->fds[POSTMORTEM_SLOTS], 0, n_slots) + n_history <= saver->limit_bytes;
	saver->n_left_out = saver->has_history ? 0 : n_history;
	int status = save_range(saver, POSTMORTEM_PROGRAM, 0, saver->sizes[POSTMORTEM_PROGRAM], false);
	if (status == STATUS_OK)
		status = save_range(saver, POSTMORTEM_CONTROL, 0, saver->sizes[POSTMORTEM_CONTROL], false);
	if (status == STATUS_OK)
		status = save_states(saver, histories);
	if (status == STATUS_OK)
		status = save_range(saver, POSTMORTEM_SLOTS, 0, n_slots, true);
	if (status == STATUS_OK && saver->has_history)
		status = save_range(saver, POSTMORTEM_GATES, histories, n_gates, true);
	return status;
}

/* -- the row -------------------------------------------------------------------------------------------------------------- */

static int64_t frozen_ns(uint64_t ticks)
{
	struct clock_pair now = clock_take_pair();
	double n_ticks = (double)now.ticks.count - (double)ticks;
	return n_ticks > 0 && n_ticks < 1e18 ? now.host.ns - (int64_t)(n_ticks * 1e6 / (double)clock_ticks_of_ns(1000000)) : now.host.ns;
}

static void bind_text(struct db_stmt *stmt, int parameter, const char *text, size_t size)
{
	char *copy = text[0] ? strndup(text, size) : NULL;
	db_bind_text(stmt, parameter, copy);
	free(copy);
}

/* What froze it. Parameters behind the run, which is the first. */
static void bind_reason(struct saver *saver, struct db_stmt *stmt)
{
	const struct gate_frozen *frozen = &saver->gates.header->frozen;
	bool is_set = !saver->is_asked && frozen->reason < GATE_FREEZE_COUNT;
	db_bind_int(stmt, 2, is_set ? frozen_ns(frozen->ticks) : clock_now().ns);
	db_bind_text(stmt, 3, gate_freeze_word(is_set ? (enum gate_freeze)frozen->reason : GATE_FREEZE_ASKED));
	if (!is_set)
		return;
	uint32_t worker = frozen->worker, node = frozen->node;
	if (worker < saver->program.header->n_workers)
		db_bind_int(stmt, 4, worker);
	if (node < saver->program.header->n_nodes)
		db_bind_int(stmt, 5, node);
	if (frozen->execution <= INT64_MAX)
		db_bind_int(stmt, 6, (int64_t)frozen->execution);
	bind_text(stmt, 7, frozen->text, sizeof(frozen->text));
	if (atomic_load(&frozen->stack_worker))
		bind_text(stmt, 8, frozen->stack, sizeof(frozen->stack));
}

static int insert_row(struct saver *saver)
{
	struct db_stmt *stmt = NULL;
	int status = db_prepare(saver->db, "INSERT INTO postmortem(run, time_ns, reason, worker, node, execution, text, stack, ns_per_tick,"
		" program_bytes, control_bytes, slots_bytes, gates_bytes, n_bytes, n_left_out) VALUES(?1, ?2, ?3,"
		" (SELECT id FROM worker WHERE run = ?1 AND idx = ?4), (SELECT id FROM node WHERE run = ?1 AND idx = ?5), ?6, ?7, ?8, ?9,"
		" ?10, ?11, ?12, ?13, 0, 0)", NULL, saver->error, &stmt);
	if (status == STATUS_OK) {
		db_bind_int(stmt, 1, saver->run);
		bind_reason(saver, stmt);
		db_bind_real(stmt, 9, 1e6 / (double)clock_ticks_of_ns(1000000));
		for (int i = 0; i < POSTMORTEM_SEGMENTS; i++)
			db_bind_int(stmt, 10 + i, (int64_t)saver->sizes[i]);
		status = db_run(stmt, saver->error);
	}
	db_finish(stmt);
	saver->id = db_last_id(saver->db);
	return status;
}

static int update_row(struct saver *saver)
{
	struct db_stmt *stmt = NULL;
	int status = db_prepare(saver->db, "UPDATE postmortem SET n_bytes = ?2, n_left_out = ?3 WHERE id = ?1", NULL, saver->error, &stmt);
	if (status == STATUS_OK) {
		db_bind_int(stmt, 1, saver->id);
		db_bind_int(stmt, 2, (int64_t)saver->n_bytes);
		db_bind_int(stmt, 3, (int64_t)saver->n_left_out);
		status = db_run(stmt, saver->error);
	}
	db_finish(stmt);
	return status;
}

/* -- all of it ------------------------------------------------------------------------------------------------------------ */

static int open_segments(struct saver *saver)
{
	for (int i = 0; i < POSTMORTEM_SEGMENTS; i++) {
		struct stat info;
		if (fstat(saver->fds[i], &info))
			return error_set_errno(saver->error, STATUS_SYSTEM, "the run's memory cannot be read");
		saver->sizes[i] = (uint64_t)info.st_size;
		if (saver->sizes[i] > POSTMORTEM_SEGMENT_BYTES_MAX)
			return error_set(saver->error, STATUS_SYSTEM, "the run's %s are larger than what can be saved",
				postmortem_segment_word((enum postmortem_segment)i));
	}
	int status = program_open(saver->fds[POSTMORTEM_PROGRAM], &saver->program, saver->error);
	if (status == STATUS_OK)
		status = gates_open(saver->fds[POSTMORTEM_GATES], &saver->program, NULL, 0, &saver->gates, saver->error);
	if (status == STATUS_OK && !saver->is_asked && atomic_load_explicit(&saver->gates.header->frozen.state, memory_order_acquire) != 2)
		status = error_set(saver->error, STATUS_USAGE, "nothing has gone wrong in the run");
	return status;
}

static int save_all(struct saver *saver)
{
	int status = db_begin(saver->db, saver->error);
	if (status == STATUS_OK)
		status = insert_row(saver);
	if (status == STATUS_OK)
		status = db_prepare(saver->db, "INSERT INTO image VALUES(?, ?, ?, ?)", NULL, saver->error, &saver->insert);
	if (status == STATUS_OK)
		status = save_segments(saver);
	db_finish(saver->insert);
	if (status == STATUS_OK)
		status = update_row(saver);
	if (status == STATUS_OK)
		status = db_commit(saver->db, saver->error);
	if (status != STATUS_OK)
		db_rollback(saver->db);
	return status;
}

int postmortem_save(struct db *db, int64_t run, const int fds[POSTMORTEM_SEGMENTS], bool is_asked, uint64_t limit_bytes,
	int64_t *ret_id, struct error *error)
{
	struct saver saver = { .db = db, .fds = fds, .is_asked = is_asked, .limit_bytes = limit_bytes, .run = run, .error = error };
	clock_init();
	saver.buffer = malloc(PIECE_BYTES);
	int status = saver.buffer ? open_segments(&saver) : error_set(error, STATUS_NO_MEMORY, "no memory to save the run's state");
	if (status == STATUS_OK)
		status = save_all(&saver);
	if (status == STATUS_OK && ret_id)
		*ret_id = saver.id;
	if (saver.gates.header)
		gates_close(&saver.gates);
	if (saver.program.header)
		program_close(&saver.program);
	free(saver.buffer);
	return status;
}

int postmortem_write_file(const char *file, const int fds[POSTMORTEM_SEGMENTS], uint64_t limit_bytes, struct error *error)
{
	struct store *store = NULL;
	struct program program = { .header = NULL };
	int64_t now_ns = clock_now().ns;
	int status = program_open(fds[POSTMORTEM_PROGRAM], &program, error);
	if (status == STATUS_OK)
		status = store_open(file, false, error, &store);
	if (status == STATUS_OK)
		status = store_begin_run(store, &program, now_ns, error);
	if (status == STATUS_OK)
		status = postmortem_save(store_db(store), store_run_id(store), fds, true, limit_bytes, NULL, error);
	if (status == STATUS_OK)
		status = store_begin(store, error);
	if (status == STATUS_OK)
		status = store_end_run(store, status_word(STATUS_STOPPED), "saved while it went on", now_ns, error);
	if (status == STATUS_OK)
		status = store_commit(store, error);
	if (status == STATUS_OK)
		status = store_seal(store, error);
	store_close(store);
	if (program.header)
		program_close(&program);
	return status;
}
