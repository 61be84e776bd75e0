/* SPDX-License-Identifier: Apache-2.0
 *
 * keeper: the states, what a trigger starts and what ends it, and the room left below the limit on the file.
 */
#include "traces/keeper.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/units.h"
#include "engine/run/recorder.h"
#include "traces/trigger.h"
#include "traces/window.h"

#define KEEPER_BATCH 1024             /* records taken out of the window at once */
#define KEEPER_ROUND_RECORDS 16384    /* rows made out of the window before rings are looked at again */
#define KEEPER_RESERVE_MAX (UINT64_C(192) << 20)
#define KEEPER_ROW_BYTES 144          /* that a record of the window takes in the file, level of detail and findings included */
#define KEEPER_COMMIT_PART 32         /* of the limit: most that one transaction adds */
#define KEEPER_MARGIN_OPS 500000      /* lanes may lag behind one another by that much */
#define KEEPER_TEXT_BYTES 400

enum keeper_state {
	KEEPER_ROWS,
	KEEPER_CUTTING,
	KEEPER_SUMS,
	KEEPER_SAVING,
};

struct keeper {
	struct keeper_host host;
	struct recorder_policy policy;
	struct recorder_triggers triggers;
	struct intake_listener listener;
	enum keeper_state state;
	struct window *window;           /* NULL until something is held */
	struct record *batch;
	uint64_t n_submitted, n_finished; /* 1 + the largest seen */

	/* the limit */
	uint64_t limit_bytes, reserve_bytes, committed_bytes, used_bytes;
	bool is_full;                    /* it was reached */
	uint64_t cut_execution;          /* CUTTING: rows of what is below */
	int n_cut_rounds;
	int64_t whole_op;                /* executions whose ops are all up to this row are whole */
	uint64_t *n_limited;             /* [n_lanes]: lines of the log and failures */
	bool *is_cut;                    /* [n_lanes] */

	/* saves */
	struct trigger_median median;
	bool is_asked, is_saving_marked, has_saved, is_ending;
	struct store_save asked;
	char asked_text[KEEPER_TEXT_BYTES];
	struct store_save save;          /* being written */
	int64_t save_id, save_until_ns, save_latest_ns;
	uint64_t save_until, save_from;  /* executions; ticks */
	uint64_t n_unsaved;              /* triggers after the limit */
};

static void warn(struct keeper *keeper, const char *text)
{
	if (keeper->host.warn)
		keeper->host.warn(keeper->host.user, text);
}

/* -- what asks for a save -------------------------------------------------------------------------------- */

static void ask(struct keeper *keeper, const struct store_save *save)
{
	if (keeper->is_asked) {
		keeper->asked.n_triggers++;
		return;
	}
	keeper->is_asked = true;
	keeper->asked = *save;
	keeper->asked.n_triggers = 1;
	keeper->asked.first_ns = keeper->asked.last_ns = INT64_MIN;
	snprintf(keeper->asked_text, sizeof(keeper->asked_text), "%s", save->text ? save->text : "");
	keeper->asked.text = save->text ? keeper->asked_text : NULL;
}

void keeper_ask(struct keeper *keeper, const struct collect_message *message, const char *text)
{
	enum trigger trigger = message->level < TRIGGER_COUNT ? (enum trigger)message->level : TRIGGER_CALL;
	struct store_save save = { .trigger = trigger, .time_ns = message->time_ns, .execution = message->execution,
		.worker = message->worker < keeper->host.n_lanes ? message->worker : PROGRAM_NONE, .node = PROGRAM_NONE,
		.text = *text ? text : NULL };
	if (keeper->policy.last_ns && (trigger != TRIGGER_STALL || keeper->triggers.is_on[TRIGGER_STALL]))
		ask(keeper, &save);
}

static void note_submitted(void *user, uint64_t execution)
{
	struct keeper *keeper = user;
	if (execution >= keeper->n_submitted)
		keeper->n_submitted = execution + 1;
}

/* Whether the latency is slow; tells beside what. */
static bool is_slow(const struct keeper *keeper, int64_t latency_ns, char *text, size_t size)
{
	char latency[32], bound[32];
	int64_t median_ns = trigger_median_get(&keeper->median);
	const struct recorder_triggers *triggers = &keeper->triggers;
	units_duration(latency_ns, latency, sizeof(latency));
	if (triggers->slow_ns && latency_ns > triggers->slow_ns) {
		snprintf(text, size, "latency %s, over %s", latency, units_duration(triggers->slow_ns, bound, sizeof(bound)));
		return true;
	}
	if (!triggers->slow_factor || !median_ns || (double)latency_ns <= triggers->slow_factor * (double)median_ns)
		return false;
	snprintf(text, size, "latency %s, over %g times the median of %s", latency, triggers->slow_factor,
		units_duration(median_ns, bound, sizeof(bound)));
	return true;
}

static void note_finished(void *user, uint64_t execution, int64_t start_ns, int64_t end_ns, int status)
{
	struct keeper *keeper = user;
	char text[KEEPER_TEXT_BYTES];
	struct store_save save = { .time_ns = end_ns, .execution = execution, .worker = PROGRAM_NONE, .node = PROGRAM_NONE };
	if (execution >= keeper->n_finished)
		keeper->n_finished = execution + 1;
	if (!keeper->policy.last_ns)
		return;
	if (status != STATUS_OK && keeper->triggers.is_on[TRIGGER_ERROR]) {
		save.trigger = TRIGGER_ERROR;
		save.text = status_word(status);
		ask(keeper, &save);
	} else if (keeper->triggers.is_on[TRIGGER_SLOW] && start_ns != INT64_MIN
		&& is_slow(keeper, end_ns - start_ns, text, sizeof(text))) {
		save.trigger = TRIGGER_SLOW;
		save.text = text;
		ask(keeper, &save);
	}
	if (start_ns != INT64_MIN && keeper->triggers.slow_factor > 0)
		trigger_median_add(&keeper->median, end_ns - start_ns);
}

/* -- making one ------------------------------------------------------------------------------------------ */

/* Memory for what is held while only sums are entered. In the end of a limited file there must be room for it. */
static int make_window(struct keeper *keeper, struct error *error)
{
	bool is_last = keeper->policy.last_ns > 0;
	uint64_t age_ticks = is_last ? clock_ticks_of_ns(keeper->policy.last_ns) : UINT64_MAX / 4;
	uint64_t n = KEEPER_WINDOW_RECORDS;
	if (!is_last && keeper->reserve_bytes / 2 / KEEPER_ROW_BYTES < n)
		n = keeper->reserve_bytes / 2 / KEEPER_ROW_BYTES;
	keeper->window = window_create(keeper->host.n_lanes, age_ticks, (uint32_t)n);
	return keeper->window ? STATUS_OK : error_set(error, STATUS_NO_MEMORY, "no memory for the last seconds");
}

static int read_settings(struct keeper *keeper, struct error *error)
{
	const struct program *program = keeper->host.program;
	const char *limit = program_meta(program, "record_limit", "0");
	int status = recorder_parse_policy(program_meta(program, "record", "all"), &keeper->policy, error);
	if (status == STATUS_OK)
		status = recorder_parse_triggers(program_meta(program, "triggers", RECORDER_TRIGGERS_DEFAULT), &keeper->triggers, error);
	keeper->limit_bytes = strtoull(limit, NULL, 10);
	if (keeper->limit_bytes < RECORDER_LIMIT_BYTES_MIN)
		keeper->limit_bytes = RECORDER_LIMIT_BYTES_DEFAULT;
	keeper->reserve_bytes = keeper->limit_bytes / 4 < KEEPER_RESERVE_MAX ? keeper->limit_bytes / 4 : KEEPER_RESERVE_MAX;
	return status;
}

int keeper_create(const struct keeper_host *host, struct error *error, struct keeper **ret_keeper)
{
	struct keeper *keeper = calloc(1, sizeof(*keeper));
	if (!keeper)
		return error_set(error, STATUS_NO_MEMORY, "no memory for the collector");
	keeper->host = *host;
	keeper->n_limited = calloc(host->n_lanes, sizeof(*keeper->n_limited));
	keeper->is_cut = calloc(host->n_lanes, sizeof(*keeper->is_cut));
	keeper->batch = calloc(KEEPER_BATCH, sizeof(*keeper->batch));
	int status = keeper->n_limited && keeper->is_cut && keeper->batch
		? STATUS_OK : error_set(error, STATUS_NO_MEMORY, "no memory for the collector");
	if (status == STATUS_OK)
		status = read_settings(keeper, error);
	if (status == STATUS_OK)
		status = store_bound_log(host->store, keeper->limit_bytes, error);
	if (status == STATUS_OK && keeper->policy.last_ns) {
		keeper->state = KEEPER_SUMS;
		status = make_window(keeper, error);
	}
	if (status != STATUS_OK) {
		keeper_destroy(keeper);
		return status;
	}
	keeper->listener = (struct intake_listener){ .submitted = note_submitted, .finished = note_finished, .user = keeper };
	intake_listen(host->intake, &keeper->listener);
	intake_set_passes(host->intake, keeper->state == KEEPER_SUMS ? INTAKE_SUMS : INTAKE_ROWS | INTAKE_SUMS);
	keeper->committed_bytes = keeper->used_bytes = store_used_bytes(host->store);
	*ret_keeper = keeper;
	return STATUS_OK;
}

void keeper_destroy(struct keeper *keeper)
{
	if (!keeper)
		return;
	window_destroy(keeper->window);
	free(keeper->n_limited);
	free(keeper->is_cut);
	free(keeper->batch);
	free(keeper);
}

/* -- the limit ------------------------------------------------------------------------------------------- */

static bool has_reached(const struct keeper *keeper, uint64_t reserve_bytes)
{
	return keeper->used_bytes + reserve_bytes >= keeper->limit_bytes;
}

static void tell_full(struct keeper *keeper, const char *what)
{
	char text[KEEPER_TEXT_BYTES], limit[32];
	if (keeper->is_full)
		return;
	keeper->is_full = true;
	snprintf(text, sizeof(text), "the trace has reached --record-limit %s: %s", units_bytes(keeper->limit_bytes, limit, sizeof(limit)),
		what);
	store_log(keeper->host.store, clock_now().ns, "warning", PROGRAM_NONE, PROGRAM_NONE, UINT64_MAX, text, NULL);
	warn(keeper, text);
}

/* Executions that have begun are still entered whole; those before them are. */
static int start_cutting(struct keeper *keeper, struct error *error)
{
	const struct program_header *header = keeper->host.program->header;
	int64_t margin = 4 * (int64_t)header->n_nodes * header->in_flight + KEEPER_MARGIN_OPS;
	int status = store_last_op(keeper->host.store, &keeper->whole_op, error);
	keeper->whole_op = keeper->whole_op > margin ? keeper->whole_op - margin : 0;
	keeper->state = KEEPER_CUTTING;
	keeper->cut_execution = keeper->n_submitted;
	tell_full(keeper, "from here on only sums are recorded, and at the end the last seconds");
	return status == STATUS_OK ? make_window(keeper, error) : status;
}

static int look_at_limit(struct keeper *keeper, struct error *error)
{
	keeper->used_bytes = store_used_bytes(keeper->host.store);
	if (keeper->state == KEEPER_ROWS && has_reached(keeper, keeper->reserve_bytes))
		return start_cutting(keeper, error);
	if (keeper->state == KEEPER_CUTTING && has_reached(keeper, keeper->reserve_bytes * 3 / 4))
		keeper->state = KEEPER_SUMS;
	return STATUS_OK;
}

/* Whether what is saved has to end here. At the end of a run it may take what was reserved for that. */
static bool has_no_room(struct keeper *keeper)
{
	keeper->used_bytes = store_used_bytes(keeper->host.store);
	if (!has_reached(keeper, keeper->is_ending ? keeper->reserve_bytes / 4 : keeper->reserve_bytes))
		return false;
	tell_full(keeper, "from here on only sums are recorded, and nothing more is saved");
	return true;
}

bool keeper_admits_text(struct keeper *keeper)
{
	keeper->used_bytes = store_used_bytes(keeper->host.store);
	if (!has_reached(keeper, keeper->reserve_bytes / 4))
		return true;
	keeper->n_limited[0]++;
	return false;
}

bool keeper_wants_commit(const struct keeper *keeper)
{
	return keeper->used_bytes > keeper->committed_bytes + keeper->limit_bytes / KEEPER_COMMIT_PART;
}

void keeper_committed(struct keeper *keeper)
{
	keeper->committed_bytes = keeper->used_bytes = store_used_bytes(keeper->host.store);
}

uint64_t keeper_n_limited(const struct keeper *keeper, uint32_t lane)
{
	bool is_limit = keeper->window && !keeper->policy.last_ns;
	return keeper->n_limited[lane] + (is_limit ? window_n_gone(keeper->window, lane) : 0);
}

/* -- records --------------------------------------------------------------------------------------------- */

static int enter(struct keeper *keeper, unsigned passes, uint32_t lane, const struct record *records, uint32_t n, struct error *error)
{
	intake_set_passes(keeper->host.intake, passes);
	return intake_records(keeper->host.intake, lane, records, n, error);
}

/* Sums now, rows perhaps later. */
static int hold(struct keeper *keeper, uint32_t lane, const struct record *records, uint32_t n, struct error *error)
{
	int status = enter(keeper, INTAKE_SUMS, lane, records, n, error);
	if (status == STATUS_OK && !window_push(keeper->window, lane, records, n))
		return error_set(error, STATUS_NO_MEMORY, "no memory for the last seconds");
	return status;
}

static bool is_cut(struct keeper *keeper, uint32_t lane, const struct record *record)
{
	if (record->execution != UINT64_MAX)
		keeper->is_cut[lane] = record->execution >= keeper->cut_execution;
	return keeper->is_cut[lane];
}

/* Neighbours that go the same way are entered together. */
static int divide(struct keeper *keeper, uint32_t lane, const struct record *records, uint32_t n, struct error *error)
{
	int status = STATUS_OK;
	for (uint32_t i = 0; i < n && status == STATUS_OK;) {
		uint32_t first = i++;
		bool is_held = is_cut(keeper, lane, &records[first]);
		while (i < n && is_cut(keeper, lane, &records[i]) == is_held)
			i++;
		status = is_held ? hold(keeper, lane, &records[first], i - first, error)
			: enter(keeper, INTAKE_ROWS | INTAKE_SUMS, lane, &records[first], i - first, error);
	}
	return status;
}

int keeper_records(struct keeper *keeper, uint32_t lane, const struct record *records, uint32_t n, struct error *error)
{
	int status = look_at_limit(keeper, error);
	if (status != STATUS_OK)
		return status;
	switch (keeper->state) {
	case KEEPER_ROWS:
		return enter(keeper, INTAKE_ROWS | INTAKE_SUMS, lane, records, n, error);
	case KEEPER_CUTTING:
		return divide(keeper, lane, records, n, error);
	case KEEPER_SUMS:
	case KEEPER_SAVING:
		break;
	}
	return hold(keeper, lane, records, n, error);
}

/* -- saves ----------------------------------------------------------------------------------------------- */

/* What follows a trigger: what is in flight ends, and a little more. */
static void extend_save(struct keeper *keeper)
{
	int64_t now_ns = clock_now().ns;
	int64_t most_ns = keeper->policy.last_ns > KEEPER_TAIL_MAX_NS ? keeper->policy.last_ns : KEEPER_TAIL_MAX_NS;
	keeper->save_until_ns = now_ns + KEEPER_TAIL_NS;
	keeper->save_latest_ns = now_ns + most_ns;
	keeper->save_until = keeper->n_submitted;
	keeper->is_saving_marked = false;
	window_mark(keeper->window, false);
}

static int start_save(struct keeper *keeper, struct error *error)
{
	char text[KEEPER_TEXT_BYTES + 100], execution[40] = "";
	struct store_save *save = &keeper->save;
	*save = keeper->asked;
	keeper->save_from = window_whole_from(keeper->window, clock_ticks().count);
	save->first_ns = intake_ns(keeper->host.intake, keeper->save_from);
	keeper->state = KEEPER_SAVING;
	keeper->has_saved = true;
	extend_save(keeper);
	if (save->execution != UINT64_MAX)
		snprintf(execution, sizeof(execution), ", execution %" PRIu64, save->execution);
	snprintf(text, sizeof(text), "saved what came before: %s%s%s%s", trigger_word(save->trigger), execution, save->text ? ": " : "",
		save->text ? save->text : "");
	int status = store_log(keeper->host.store, save->time_ns, "info", save->worker, save->node, save->execution, text, error);
	return status == STATUS_OK ? store_save(keeper->host.store, save, error, &keeper->save_id) : status;
}

static int take_request(struct keeper *keeper, struct error *error)
{
	keeper->is_asked = false;
	if (keeper->is_full) {
		keeper->n_unsaved += (uint64_t)keeper->asked.n_triggers;
		return STATUS_OK;
	}
	if (keeper->state != KEEPER_SAVING)
		return start_save(keeper, error);
	keeper->save.n_triggers += keeper->asked.n_triggers;
	extend_save(keeper);
	return STATUS_OK;
}

/* A part of what the window holds becomes rows. */
static int write_some(struct keeper *keeper, uint32_t *ret_n, struct error *error)
{
	uint32_t n_written = 0;
	int status = STATUS_OK;
	bool is_over = false;
	for (uint32_t lane = 0; lane < keeper->host.n_lanes && !is_over; lane++) {
		uint32_t n = KEEPER_BATCH, n_lane = 0;
		while (n == KEEPER_BATCH && n_lane < KEEPER_ROUND_RECORDS / keeper->host.n_lanes + 1 && status == STATUS_OK && !is_over) {
			is_over = has_no_room(keeper);
			n = window_take(keeper->window, lane, keeper->save_from, keeper->batch, KEEPER_BATCH);
			status = enter(keeper, INTAKE_ROWS, lane, keeper->batch, n, error);
			n_lane += n;
		}
		n_written += n_lane;
	}
	intake_set_passes(keeper->host.intake, INTAKE_SUMS);
	keeper->save.n_records += n_written;
	keeper->is_saving_marked |= is_over;
	*ret_n = is_over ? 0 : n_written;
	return status;
}

static bool has_followed(const struct keeper *keeper)
{
	int64_t now_ns = clock_now().ns;
	return keeper->is_ending || now_ns >= keeper->save_latest_ns
		|| (now_ns >= keeper->save_until_ns && keeper->n_finished >= keeper->save_until);
}

static int go_on_saving(struct keeper *keeper, struct error *error)
{
	uint32_t n_written = 0;
	if (!keeper->is_saving_marked && has_followed(keeper)) {
		keeper->is_saving_marked = true;
		keeper->save.last_ns = clock_now().ns;
		window_mark(keeper->window, true);
	}
	int status = write_some(keeper, &n_written, error);
	if (status != STATUS_OK || n_written || !keeper->is_saving_marked)
		return status;
	keeper->state = KEEPER_SUMS;
	window_mark(keeper->window, false);
	if (keeper->save.last_ns == INT64_MIN)
		keeper->save.last_ns = clock_now().ns;
	return store_save_update(keeper->host.store, keeper->save_id, &keeper->save, error);
}

int keeper_round(struct keeper *keeper, struct error *error)
{
	int status = STATUS_OK;
	if (keeper->state == KEEPER_CUTTING && keeper->n_finished >= keeper->cut_execution && ++keeper->n_cut_rounds > 2)
		keeper->state = KEEPER_SUMS;
	if (keeper->is_asked)
		status = take_request(keeper, error);
	if (status == STATUS_OK && keeper->state == KEEPER_SAVING)
		status = go_on_saving(keeper, error);
	return status;
}

bool keeper_is_due(const struct keeper *keeper)
{
	return keeper->is_asked || keeper->state == KEEPER_SAVING;
}

static void ask_at_end(struct keeper *keeper, const char *failure)
{
	struct store_save save = { .time_ns = clock_now().ns, .execution = UINT64_MAX, .worker = PROGRAM_NONE, .node = PROGRAM_NONE,
		.text = failure };
	if (keeper->policy.last_ns) {
		save.trigger = TRIGGER_ERROR;
		if (failure && keeper->triggers.is_on[TRIGGER_ERROR])
			ask(keeper, &save);
	} else if (keeper->is_full) {
		save.trigger = TRIGGER_LIMIT;
		save.text = NULL;
		keeper->is_full = false; /* what was reserved is for this */
		ask(keeper, &save);
	}
}

static int tell_unsaved(struct keeper *keeper, struct error *error)
{
	char text[160];
	if (!keeper->n_unsaved)
		return STATUS_OK;
	snprintf(text, sizeof(text), "%" PRIu64 " more triggers saved nothing: --record-limit had been reached", keeper->n_unsaved);
	return store_log(keeper->host.store, clock_now().ns, "warning", PROGRAM_NONE, PROGRAM_NONE, UINT64_MAX, text, error);
}

int keeper_end(struct keeper *keeper, const char *failure, bool *ret_is_done, struct error *error)
{
	*ret_is_done = false;
	if (!keeper->is_ending)
		ask_at_end(keeper, failure);
	keeper->is_ending = true;
	int status = keeper_round(keeper, error);
	if (status != STATUS_OK || keeper->state == KEEPER_SAVING)
		return status;
	*ret_is_done = true;
	if (keeper->has_saved)
		status = store_mark_partial(keeper->host.store, keeper->policy.last_ns ? 0 : keeper->whole_op, error);
	return status == STATUS_OK ? tell_unsaved(keeper, error) : status;
}
