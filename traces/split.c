/* SPDX-License-Identifier: Apache-2.0
 *
 * split: reads v_time_split, which does the arithmetic, into arrays.
 */
#include "traces/split.h"

#include <stdlib.h>
#include <string.h>

static int find_phase(const char *word)
{
	int phase = 0;
	while (phase < PHASE_COUNT && strcmp(phase_word((enum phase)phase), word) != 0)
		phase++;
	return phase;
}

static struct split_lane *add_lane(struct split *split, const char *name, const char *worker)
{
	struct split_lane *lanes = realloc(split->lanes, (split->n_lanes + 1) * sizeof(*lanes));
	if (!lanes)
		return NULL;
	split->lanes = lanes;
	struct split_lane *lane = memset(&lanes[split->n_lanes++], 0, sizeof(*lanes));
	lane->name = strdup(name);
	lane->worker = strdup(worker);
	return lane->name && lane->worker ? lane : NULL;
}

static int read_row(struct split *split, struct db_stmt *stmt, struct error *error)
{
	const char *name = db_column_text(stmt, 0), *worker = db_column_text(stmt, 1), *kind = db_column_text(stmt, 2);
	struct split_lane *lane = split->n_lanes ? &split->lanes[split->n_lanes - 1] : NULL;
	if (!lane || strcmp(lane->name, name) != 0)
		lane = add_lane(split, name, worker);
	if (!lane)
		return error_set(error, STATUS_NO_MEMORY, "no memory for the lanes of the trace");
	int phase = find_phase(kind);
	if (phase == PHASE_COUNT)
		return error_set(error, STATUS_TRACE, "a kind of time '%s' that this program does not know", kind);
	lane->ns[phase] += db_column_int(stmt, 3);
	lane->total_ns += db_column_int(stmt, 3);
	return STATUS_OK;
}

int split_make(const struct trace *trace, int64_t run, struct error *error, struct split *ret_split)
{
	struct split split = { 0 };
	struct db_stmt *stmt = NULL;
	bool has_row = false;
	int status = db_prepare(trace->db, "SELECT s.lane, s.worker, s.kind, s.ns FROM v_time_split s"
		" JOIN lane l ON l.run = s.run AND l.name = s.lane AND l.kind = s.side"
		" WHERE s.run = ? AND s.side = 'host' ORDER BY l.id", NULL, error, &stmt);
	if (status == STATUS_OK)
		db_bind_int(stmt, 1, run);
	while (status == STATUS_OK && (status = db_step(stmt, &has_row, error)) == STATUS_OK && has_row)
		status = read_row(&split, stmt, error);
	db_finish(stmt);
	if (status != STATUS_OK) {
		split_finish(&split);
		return status;
	}
	*ret_split = split;
	return STATUS_OK;
}

void split_finish(struct split *split)
{
	for (int i = 0; i < split->n_lanes; i++) {
		free(split->lanes[i].name);
		free(split->lanes[i].worker);
	}
	free(split->lanes);
	*split = (struct split){ 0 };
}
