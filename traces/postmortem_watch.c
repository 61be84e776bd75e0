/* SPDX-License-Identifier: Apache-2.0
 *
 * postmortem_watch: a look at one word as long as nothing goes wrong.
 */
#include "traces/postmortem_watch.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

int postmortem_watch_open(struct postmortem_watch *watch, const struct program *program, const int fds[POSTMORTEM_SEGMENTS],
	struct error *error)
{
	const char *limit = program_meta(program, "postmortem_limit", NULL);
	*watch = (struct postmortem_watch){ .limit_bytes = limit ? strtoull(limit, NULL, 10) : POSTMORTEM_LIMIT_BYTES_DEFAULT };
	memcpy(watch->fds, fds, sizeof(watch->fds));
	if (!watch->limit_bytes)
		return STATUS_OK;
	int status = control_open(fds[POSTMORTEM_CONTROL], &watch->control, error);
	if (status == STATUS_OK)
		status = gates_open(fds[POSTMORTEM_GATES], program, NULL, 0, &watch->gates, error);
	if (status == STATUS_OK && watch->control.n_workers != program->header->n_workers)
		status = error_set(error, STATUS_PROTOCOL, "%u workers in the control segment, %u in the program", watch->control.n_workers,
			program->header->n_workers);
	return status;
}

void postmortem_watch_close(struct postmortem_watch *watch)
{
	if (watch->gates.header)
		gates_close(&watch->gates);
	if (watch->control.header)
		control_close(&watch->control);
}

bool postmortem_watch_is_due(const struct postmortem_watch *watch)
{
	return watch->gates.header && !watch->is_done
		&& atomic_load_explicit(&watch->gates.header->frozen.state, memory_order_acquire) == 2;
}

void postmortem_watch_driver_died(struct postmortem_watch *watch, const char *text)
{
	if (watch->gates.header && !watch->is_done)
		gates_freeze(&watch->gates, &watch->control, GATE_FREEZE_DRIVER, GRAPH_DRIVER, PROGRAM_NONE, UINT64_MAX, text);
}

/* The process as it was when the run was frozen; the live one when it was not. */
static const struct control_worker *frozen_worker(const struct postmortem_watch *watch, uint32_t worker)
{
	const struct control_header *copy = (const void *)watch->gates.frozen_control;
	bool is_frozen = atomic_load_explicit(&watch->gates.header->frozen.state, memory_order_acquire) == 2
		&& watch->gates.control_bytes >= offsetof(struct control_header, workers) + watch->control.n_workers * sizeof(struct control_worker);
	return is_frozen ? &copy->workers[worker] : &watch->control.header->workers[worker];
}

static bool is_named(const struct control_wait_copy *wait)
{
	return wait->cause && wait->since && (wait->channel != PROGRAM_NONE || wait->node != PROGRAM_NONE);
}

int postmortem_watch_enter_unended(const struct postmortem_watch *watch, struct intake *intake, int64_t end_ns, struct error *error)
{
	int status = STATUS_OK;
	for (uint32_t i = 0; watch->gates.header && status == STATUS_OK && i < watch->control.n_workers; i++) {
		uint64_t position = atomic_load(&watch->control.header->workers[i].position);
		struct control_wait_copy wait = { 0 };
		struct intake_unended unended = { .lane = i, .node = (uint32_t)(position & ((1u << CONTROL_POSITION_NODE_BITS) - 1)) - 1,
			.execution = position >> CONTROL_POSITION_NODE_BITS };
		if (!position && control_read_wait(frozen_worker(watch, i), &wait) && is_named(&wait))
			unended = (struct intake_unended){ i, wait.node, wait.execution, wait.since, &wait };
		else if (!position)
			continue;
		status = intake_enter_unended(intake, &unended, end_ns, error);
	}
	return status;
}

static void describe(struct store *store, int64_t id, struct strbuf *out)
{
	struct db_stmt *stmt = NULL;
	bool has_row = false;
	if (db_prepare(store_db(store), "SELECT reason, worker, node, execution FROM v_postmortem WHERE id = ?", NULL, NULL, &stmt) != STATUS_OK)
		return;
	db_bind_int(stmt, 1, id);
	if (db_step(stmt, &has_row, NULL) == STATUS_OK && has_row)
		postmortem_describe_row(stmt, out);
	db_finish(stmt);
}

int postmortem_watch_save(struct postmortem_watch *watch, struct store *store, struct strbuf *out)
{
	struct error error = { 0 };
	int64_t id = 0;
	uint64_t before_bytes = store_used_bytes(store);
	watch->is_done = true;
	int status = postmortem_save(store_db(store), store_run_id(store), watch->fds, false, watch->limit_bytes, &id, &error);
	store_set_aside(store, before_bytes);
	if (status == STATUS_OK)
		describe(store, id, out);
	else
		strbuf_add(out, error.text);
	return status;
}
