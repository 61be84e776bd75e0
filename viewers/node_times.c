/* SPDX-License-Identifier: Apache-2.0
 *
 * node_times: the table `summary`, by node.
 */
#include "viewers/node_times.h"

#include <stdlib.h>

#include "traces/db.h"

/* Rows come by node and kind. SPAN_KIND_OP counts all ops, a phase only those in which it occurred. */
static void enter(const struct timeline *timeline, struct db_stmt *stmt, struct node_time *nodes)
{
	int64_t idx = timeline->n_nodes ? db_column_int(stmt, 0) - timeline->nodes[0].id : -1, kind = db_column_int(stmt, 1);
	if (idx < 0 || idx >= timeline->n_nodes || kind < 0)
		return;
	struct node_time *node = &nodes[idx];
	if (kind < PHASE_COUNT)
		node->ns[kind] += db_column_int(stmt, 2);
	if (db_column_int(stmt, 3) > node->n)
		node->n = db_column_int(stmt, 3);
}

int node_times_read(struct timeline *timeline, struct node_times *times, struct error *error)
{
	struct node_time *nodes = calloc((size_t)timeline->n_nodes + 1, sizeof(*nodes));
	struct db_stmt *stmt = NULL;
	bool has_row = false;
	if (!nodes)
		return error_set(error, STATUS_NO_MEMORY, "no memory for the times of %d nodes", timeline->n_nodes);
	int status = db_prepare(timeline->trace->db, "SELECT s.node, s.kind, s.ns, s.n FROM summary s JOIN lane l ON l.id = s.lane"
		" WHERE l.run = ? AND s.node > 0", NULL, error, &stmt);
	if (status == STATUS_OK)
		db_bind_int(stmt, 1, timeline->run);
	while (status == STATUS_OK && (status = db_step(stmt, &has_row, error)) == STATUS_OK && has_row)
		enter(timeline, stmt, nodes);
	db_finish(stmt);
	if (status != STATUS_OK) {
		free(nodes);
		return status;
	}
	free(times->nodes);
	*times = (struct node_times){ .nodes = nodes, .n_nodes = timeline->n_nodes };
	for (int i = 0; i < times->n_nodes; i++) {
		int64_t work_ns = node_time_work_ns(&nodes[i]);
		times->longest_ns = work_ns > times->longest_ns ? work_ns : times->longest_ns;
	}
	return STATUS_OK;
}

void node_times_finish(struct node_times *times)
{
	free(times->nodes);
	*times = (struct node_times){ 0 };
}

int64_t node_time_mean_ns(const struct node_time *time, enum phase phase)
{
	return time->n ? (time->ns[phase] + time->n / 2) / time->n : 0;
}

int64_t node_time_work_ns(const struct node_time *time)
{
	return time->n ? (time->ns[PHASE_COMPUTE] + time->ns[PHASE_COLLECTIVE] + time->n / 2) / time->n : 0;
}
