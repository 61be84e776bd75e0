/* SPDX-License-Identifier: Apache-2.0
 *
 * report_saves: a run of which only some executions are there one by one (doc/recording.md): which, and what they were kept for; and what of
 * its memory was saved.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/units.h"
#include "traces/postmortem.h"
#include "traces/report_private.h"

#define SAVES_SHOWN 5 /* in the header */

int report_count_kept(struct report *report)
{
	struct db_stmt *stmt = NULL;
	bool has_row = false;
	int status = db_prepare(report->trace->db, "SELECT (SELECT count(*) FROM execution x WHERE x.run = r.id),"
		" (SELECT count(*) FROM execution x WHERE x.run = r.id AND is_partial), (SELECT count(*) FROM save s WHERE s.run = r.id),"
		" r.n_ops < (SELECT coalesce(sum(s.n), 0) FROM summary s JOIN lane l ON l.id = s.lane WHERE l.run = r.id AND s.kind = ?2)"
		" FROM run r WHERE r.id = ?1", NULL, report->error, &stmt);
	if (status == STATUS_OK) {
		db_bind_int(stmt, 1, report->run->id);
		db_bind_int(stmt, 2, SPAN_KIND_OP);
		status = db_step(stmt, &has_row, report->error);
	}
	if (status == STATUS_OK && has_row) {
		report->n_kept = db_column_int(stmt, 0);
		report->n_partial = db_column_int(stmt, 1);
		report->n_saves = db_column_int(stmt, 2);
		report->is_partly = db_column_int(stmt, 3) != 0;
	}
	db_finish(stmt);
	return status;
}

/* "error at execution 118, slow at execution 200 (latency 12 ms, over 5 ms)" */
static int print_causes(struct report *report)
{
	struct db_stmt *stmt = NULL;
	bool has_row = false;
	int n = 0;
	int status = db_prepare(report->trace->db, "SELECT cause, execution, text, n_triggers FROM v_save WHERE run = ? ORDER BY time_ns",
		NULL, report->error, &stmt);
	if (status == STATUS_OK)
		db_bind_int(stmt, 1, report->run->id);
	while (status == STATUS_OK && n < SAVES_SHOWN && (status = db_step(stmt, &has_row, report->error)) == STATUS_OK && has_row) {
		strbuf_add(report->out, n++ ? ", " : " (");
		strbuf_add_printable(report->out, db_column_text(stmt, 0));
		if (db_column_type(stmt, 1) != DB_NULL)
			strbuf_addf(report->out, " at execution %" PRId64, db_column_int(stmt, 1));
		if (db_column_text(stmt, 2)) {
			strbuf_add(report->out, ": ");
			strbuf_add_printable(report->out, db_column_text(stmt, 2));
		}
		if (db_column_int(stmt, 3) > 1)
			strbuf_addf(report->out, " and %" PRId64 " more", db_column_int(stmt, 3) - 1);
	}
	db_finish(stmt);
	strbuf_add(report->out, report->n_saves > SAVES_SHOWN ? ", …)" : n ? ")" : "");
	return status;
}

static int print_limited(struct report *report)
{
	char text[40];
	int64_t ns = 0;
	struct strbuf sql = STRBUF_INIT;
	strbuf_addf(&sql, "SELECT last_ns - first_ns FROM save WHERE cause = 'limit' AND run = %" PRId64, report->run->id);
	int status = db_get_int(report->trace->db, strbuf_text(&sql), &ns, report->error);
	strbuf_finish(&sql);
	strbuf_addf(report->out, "up to --record-limit, then only sums, and the last %s", units_duration(ns, text, sizeof(text)));
	return status;
}

int report_print_kept(struct report *report)
{
	char *policy = NULL;
	int status = trace_run_meta(report->trace, report->run->id, "record", &policy, report->error);
	bool is_last = policy && strncmp(policy, "last=", 5) == 0, is_all = !policy || strcmp(policy, "all") == 0;
	if (status == STATUS_OK && (report->is_partly || !is_all)) {
		strbuf_add(report->out, "recorded: ");
		if (is_last && !report->n_saves) {
			strbuf_addf(report->out, "only sums; nothing had the last seconds saved (--record %s)", policy);
		} else if (is_last) {
			strbuf_addf(report->out, "%s before %" PRId64 " save%s", policy, report->n_saves, report->n_saves == 1 ? "" : "s");
			status = print_causes(report);
		} else {
			if (!is_all)
				strbuf_addf(report->out, "%s%s", policy, report->is_partly ? ", " : "");
			status = report->is_partly ? print_limited(report) : STATUS_OK;
		}
		if (report->is_partly)
			strbuf_addf(report->out, "; %" PRId64 " of %" PRId64 " executions one by one, %" PRId64 " of them in part;"
				" where time went is of all", report->n_kept, report->run->n_submitted, report->n_partial);
		strbuf_add(report->out, "\n");
	}
	free(policy);
	return status;
}

int report_print_postmortems(struct report *report)
{
	struct db_stmt *stmt = NULL;
	bool has_row = false;
	int status = db_prepare(report->trace->db, "SELECT reason, worker, node, execution FROM v_postmortem WHERE run = ? ORDER BY time_ns, id",
		NULL, report->error, &stmt);
	if (status == STATUS_OK)
		db_bind_int(stmt, 1, report->run->id);
	while (status == STATUS_OK && (status = db_step(stmt, &has_row, report->error)) == STATUS_OK && has_row) {
		strbuf_add(report->out, "post-mortem: ");
		postmortem_describe_row(stmt, report->out);
		strbuf_add(report->out, " (tandem debug ");
		strbuf_add_printable(report->out, report->trace->file);
		strbuf_add(report->out, ")\n");
	}
	db_finish(stmt);
	return status;
}

static const struct table_column save_columns[] = {
	{ "cause", TABLE_TEXT }, { "execution", TABLE_INT }, { "at", TABLE_NS }, { "from", TABLE_NS }, { "to", TABLE_NS },
	{ "records", TABLE_INT }, { "triggers", TABLE_INT }, { "text", TABLE_TEXT },
};

static int fill_saves(struct report *report, struct table *table)
{
	struct db_stmt *stmt = NULL;
	bool has_row = false;
	int status = db_prepare(report->trace->db, "SELECT s.cause, s.execution, s.time_ns - r.start_ns, max(s.first_ns - r.start_ns, 0),"
		" s.last_ns - r.start_ns, s.n_records, s.n_triggers, s.text FROM v_save s JOIN run r ON r.id = s.run WHERE s.run = ?"
		" ORDER BY s.time_ns", NULL, report->error, &stmt);
	if (status == STATUS_OK)
		db_bind_int(stmt, 1, report->run->id);
	while (status == STATUS_OK && (status = db_step(stmt, &has_row, report->error)) == STATUS_OK && has_row) {
		for (int i = 0; i < table->n_columns; i++) {
			if (db_column_type(stmt, i) == DB_NULL)
				table_null(table);
			else if (table->columns[i].format == TABLE_TEXT)
				table_text(table, db_column_text(stmt, i));
			else
				table_int(table, db_column_int(stmt, i));
		}
	}
	db_finish(stmt);
	return status;
}

const struct report_section report_saves = { "saves", "Saves (times since the start)", NULL, save_columns,
	sizeof(save_columns) / sizeof(save_columns[0]), fill_saves, NULL };
