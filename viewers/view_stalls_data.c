/* SPDX-License-Identifier: Apache-2.0
 *
 * view_stalls_data: sums. Ids of the file become indices of the timeline here.
 */
#include "viewers/view_stalls_data.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "traces/critical_run.h"
#include "traces/split.h"

/* Found in memory for a file that holds none: the main root of each wait, by the wait's id. */
struct found_roots {
	struct blame_span *spans;
	int64_t n;
};

struct making {
	struct timeline *timeline;
	const struct stalls_scope *scope;
	struct stalls *stalls;
	struct found_roots found;
	int64_t first_worker_id;
	int *buckets;      /* [n_buckets] first group of a hash, -1; linked by `next` */
	int *next;         /* [capacity] */
	int n_buckets;
	struct error *error;
};

static int out_of_memory(struct making *making)
{
	return error_set(making->error, STATUS_NO_MEMORY, "no memory for the stalls of the run");
}

/* -- where time went ---------------------------------------------------------------------------------------------------------- */

static int sum_whole(struct making *making)
{
	struct split split = { .n_lanes = 0 };
	int status = split_make(making->timeline->trace, making->timeline->run, making->error, &split);
	for (int i = 0; status == STATUS_OK && i < making->stalls->n_lanes; i++) {
		struct stalls_lane *lane = &making->stalls->lanes[i];
		for (int k = 0; k < split.n_lanes; k++) {
			if (strcmp(split.lanes[k].name, making->timeline->lanes[lane->lane].name) != 0)
				continue;
			memcpy(lane->ns, split.lanes[k].ns, sizeof(lane->ns));
			lane->total_ns = split.lanes[k].total_ns;
		}
	}
	split_finish(&split);
	return status;
}

static int sum_lanes(struct making *making)
{
	struct timeline *timeline = making->timeline;
	struct stalls *stalls = making->stalls;
	int status = STATUS_OK;
	stalls->lanes = calloc((size_t)timeline->n_lanes + 1, sizeof(*stalls->lanes));
	if (!stalls->lanes)
		return out_of_memory(making);
	for (int i = 0; i < timeline->n_lanes; i++) {
		if (timeline->lanes[i].kind == TIMELINE_HOST)
			stalls->lanes[stalls->n_lanes++].lane = i;
	}
	if (making->scope->is_whole)
		return sum_whole(making);
	for (int i = 0; status == STATUS_OK && i < stalls->n_lanes; i++)
		status = stalls_sum(timeline, stalls->lanes[i].lane, making->scope->from_ns, making->scope->until_ns, &stalls->lanes[i],
			making->error);
	return status;
}

/* -- groups ------------------------------------------------------------------------------------------------------------------- */

static bool is_group(const struct stalls_group *group, const struct stalls_group *key)
{
	return group->lane == key->lane && group->cause == key->cause && group->edge == key->edge && group->peer == key->peer
		&& group->node == key->node;
}

static unsigned hash_of(const struct stalls_group *key)
{
	unsigned hash = 2166136261u;
	const int parts[] = { key->lane, key->cause, key->edge, key->peer, key->node };
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		hash = (hash ^ (unsigned)parts[i]) * 16777619u;
	return hash ^ hash >> 15;
}

static bool grow(struct making *making)
{
	struct stalls *stalls = making->stalls;
	int capacity = stalls->capacity ? 2 * stalls->capacity : 64;
	struct stalls_group *groups = realloc(stalls->groups, (size_t)capacity * sizeof(*groups));
	int *next = groups ? realloc(making->next, (size_t)capacity * sizeof(*next)) : NULL;
	int *buckets = next ? realloc(making->buckets, 2 * (size_t)capacity * sizeof(*buckets)) : NULL;
	stalls->groups = groups ? groups : stalls->groups;
	making->next = next ? next : making->next;
	if (!buckets)
		return false;
	making->buckets = buckets;
	making->n_buckets = 2 * capacity;
	stalls->capacity = capacity;
	memset(buckets, -1, (size_t)making->n_buckets * sizeof(*buckets));
	for (int i = 0; i < stalls->n_groups; i++) {
		int *bucket = &buckets[hash_of(&groups[i]) % (unsigned)making->n_buckets];
		next[i] = *bucket;
		*bucket = i;
	}
	return true;
}

/* NULL when memory is out. */
static struct stalls_group *find_group(struct making *making, const struct stalls_group *key)
{
	struct stalls *stalls = making->stalls;
	if (stalls->n_groups == stalls->capacity && !grow(making))
		return NULL;
	int *bucket = &making->buckets[hash_of(key) % (unsigned)making->n_buckets];
	for (int i = *bucket; i >= 0; i = making->next[i]) {
		if (is_group(&stalls->groups[i], key))
			return &stalls->groups[i];
	}
	int idx = stalls->n_groups++;
	making->next[idx] = *bucket;
	*bucket = idx;
	stalls->groups[idx] = *key;
	return &stalls->groups[idx];
}

/* Space-saving: a group keeps the roots that it met first and the ones that grow; what finds no place counts as others. */
static void add_root(struct stalls_group *group, struct blame_root root, int64_t ns)
{
	for (int i = 0; i < group->n_roots; i++) {
		struct stalls_root *known = &group->roots[i];
		if (known->root.kind != root.kind || known->root.idx != root.idx)
			continue;
		known->n++;
		known->ns += ns;
		return;
	}
	if (group->n_roots < STALLS_ROOTS_MAX)
		group->roots[group->n_roots++] = (struct stalls_root){ .root = root, .n = 1, .ns = ns };
	else
		group->others_ns += ns;
}

static int index_in(struct db_stmt *stmt, int column, int64_t first_id, int n)
{
	int64_t idx = db_column_int(stmt, column) - first_id;
	return db_column_type(stmt, column) != DB_NULL && idx >= 0 && idx < n ? (int)idx : TIMELINE_NONE;
}

static int lane_of_id(const struct timeline *timeline, int64_t id)
{
	for (int i = 0; i < timeline->n_lanes && timeline->lanes[i].kind == TIMELINE_HOST; i++) {
		if (timeline->lanes[i].id == id)
			return i;
	}
	return TIMELINE_NONE;
}

static int by_id(const void *a, const void *b)
{
	const struct blame_span *x = a, *y = b;
	return (x->id > y->id) - (x->id < y->id);
}

/* Columns 8, 9, 10: stall_root's root, node, edge. */
static bool root_of(const struct making *making, struct db_stmt *stmt, struct blame_root *ret_root)
{
	const struct timeline *timeline = making->timeline;
	if (making->found.n) {
		struct blame_span key = { .id = db_column_int(stmt, 0) };
		const struct blame_span *span = bsearch(&key, making->found.spans, (size_t)making->found.n, sizeof(key), by_id);
		if (span && span->is_found)
			*ret_root = span->root;
		return span && span->is_found;
	}
	if (db_column_type(stmt, 8) == DB_NULL)
		return false;
	*ret_root = (struct blame_root){ .kind = (uint8_t)db_column_int(stmt, 8) };
	ret_root->idx = ret_root->kind == BLAME_NODE ? index_in(stmt, 9, timeline->n_nodes ? timeline->nodes[0].id : 0, timeline->n_nodes)
		: ret_root->kind == BLAME_EDGE ? index_in(stmt, 10, timeline->n_edges ? timeline->edges[0].id : 0, timeline->n_edges)
		: TIMELINE_NONE;
	return true;
}

static int64_t overlap(int64_t a, int64_t b, int64_t from, int64_t until)
{
	int64_t start = a > from ? a : from, end = b < until ? b : until;
	return end > start ? end - start : 0;
}

static int add_wait(struct making *making, struct db_stmt *stmt)
{
	const struct timeline *timeline = making->timeline;
	int64_t start = db_column_int(stmt, 6), duration = db_column_int(stmt, 7);
	int64_t ns = overlap(start, start + duration, making->scope->from_ns, making->scope->until_ns);
	struct blame_root root = { .kind = BLAME_UNKNOWN };
	struct stalls_group key = { .lane = lane_of_id(timeline, db_column_int(stmt, 1)), .cause = (int)db_column_int(stmt, 2),
		.edge = index_in(stmt, 3, timeline->n_edges ? timeline->edges[0].id : 0, timeline->n_edges),
		.peer = index_in(stmt, 4, making->first_worker_id, making->stalls->n_lanes),
		.node = index_in(stmt, 5, timeline->n_nodes ? timeline->nodes[0].id : 0, timeline->n_nodes) };
	if (key.lane == TIMELINE_NONE || key.cause < 0 || key.cause >= PHASE_COUNT || (!making->scope->is_whole && ns <= 0))
		return STATUS_OK;
	struct stalls_group *group = find_group(making, &key);
	if (!group)
		return out_of_memory(making);
	group->n++;
	group->ns += ns;
	if (ns > group->max_ns || group->n == 1) {
		group->max_ns = ns;
		group->worst_row = db_column_int(stmt, 0);
		group->worst_start_ns = start;
		group->worst_duration_ns = duration;
		group->worst_execution = db_column_type(stmt, 11) == DB_NULL ? TIMELINE_NONE : db_column_int(stmt, 11);
	}
	durations_add(&group->histogram, ns);
	if (root_of(making, stmt, &root))
		add_root(group, root, ns);
	else
		group->others_ns += ns;
	making->stalls->n_waits++;
	making->stalls->waits_ns += ns;
	return STATUS_OK;
}

static int read_waits(struct making *making)
{
	static const char sql[] = "SELECT s.id, s.lane, s.cause, s.edge, s.peer, s.node, s.start_ns, s.duration_ns, t.root, t.node, t.edge,"
		" s.execution FROM span s LEFT JOIN stall_root t ON t.span = s.id WHERE s.run = ?1 AND s.kind = ?2";
	struct db *db = making->timeline->trace->db;
	struct db_stmt *stmt = NULL;
	bool has_row = false;
	int status = db_prepare(db, sql, NULL, making->error, &stmt);
	if (status == STATUS_OK) {
		db_bind_int(stmt, 1, making->timeline->run);
		db_bind_int(stmt, 2, SPAN_KIND_WAIT);
	}
	while (status == STATUS_OK && (status = db_step(stmt, &has_row, making->error)) == STATUS_OK && has_row) {
		status = add_wait(making, stmt);
		making->stalls->is_cut = making->scope->interrupt && *making->scope->interrupt;
		if (making->stalls->is_cut)
			break;
	}
	db_finish(stmt);
	return status;
}

/* -- roots -------------------------------------------------------------------------------------------------------------------- */

static int keep_blame(struct making *making, int lane, struct blame_root root, int64_t ns)
{
	struct stalls *stalls = making->stalls;
	for (int i = 0; i < stalls->n_blame; i++) {
		struct stalls_blame *known = &stalls->blame[i];
		if (known->lane == lane && known->root.kind == root.kind && known->root.phase == root.phase && known->root.idx == root.idx) {
			known->ns += ns;
			return STATUS_OK;
		}
	}
	if ((stalls->n_blame & (stalls->n_blame - 1)) == 0) {
		size_t capacity = stalls->n_blame ? 2 * (size_t)stalls->n_blame : 1;
		struct stalls_blame *more = realloc(stalls->blame, capacity * sizeof(*more));
		if (!more)
			return out_of_memory(making);
		stalls->blame = more;
	}
	stalls->blame[stalls->n_blame++] = (struct stalls_blame){ .lane = lane, .root = root, .ns = ns };
	return STATUS_OK;
}

static int read_blame(struct making *making)
{
	const struct timeline *timeline = making->timeline;
	struct db_stmt *stmt = NULL;
	bool has_row = false;
	int status = db_prepare(timeline->trace->db, "SELECT lane, root, kind, node, edge, sum(ns) FROM blame WHERE run = ?"
		" GROUP BY 1, 2, 3, 4, 5", NULL, making->error, &stmt);
	if (status == STATUS_OK)
		db_bind_int(stmt, 1, timeline->run);
	while (status == STATUS_OK && (status = db_step(stmt, &has_row, making->error)) == STATUS_OK && has_row) {
		struct blame_root root = { .kind = (uint8_t)db_column_int(stmt, 1), .phase = (uint8_t)db_column_int(stmt, 2) };
		int node = index_in(stmt, 3, timeline->n_nodes ? timeline->nodes[0].id : 0, timeline->n_nodes);
		int edge = index_in(stmt, 4, timeline->n_edges ? timeline->edges[0].id : 0, timeline->n_edges);
		root.idx = root.kind == BLAME_NODE ? node : root.kind == BLAME_EDGE ? edge : TIMELINE_NONE;
		status = keep_blame(making, lane_of_id(timeline, db_column_int(stmt, 0)), root, db_column_int(stmt, 5));
	}
	db_finish(stmt);
	return status;
}

static int load_spans(struct making *making, const struct critical_run *run, int64_t n)
{
	struct found_roots *found = &making->found;
	struct db_stmt *stmt = NULL;
	bool has_row = false;
	found->spans = calloc((size_t)n + 1, sizeof(*found->spans));
	if (!found->spans)
		return out_of_memory(making);
	int status = db_prepare(making->timeline->trace->db, "SELECT id, start_ns, start_ns + duration_ns, lane FROM span"
		" WHERE run = ?1 AND kind = ?2 ORDER BY lane, start_ns, id LIMIT ?3", NULL, making->error, &stmt);
	if (status == STATUS_OK) {
		db_bind_int(stmt, 1, run->id);
		db_bind_int(stmt, 2, SPAN_KIND_WAIT);
		db_bind_int(stmt, 3, n);
	}
	while (status == STATUS_OK && (status = db_step(stmt, &has_row, making->error)) == STATUS_OK && has_row)
		found->spans[found->n++] = (struct blame_span){ .id = db_column_int(stmt, 0), .start_ns = db_column_int(stmt, 1),
			.end_ns = db_column_int(stmt, 2), .lane = (int32_t)(db_column_int(stmt, 3) - run->lane_id) };
	db_finish(stmt);
	return status;
}

static int find_roots(struct making *making)
{
	struct db *db = making->timeline->trace->db;
	struct critical_run run = { .id = 0 };
	struct blame blame = { .n_rows = 0 };
	int64_t n_waits = 0;
	char sql[120];
	snprintf(sql, sizeof(sql), "SELECT count(*) FROM span WHERE run = %lld AND kind = %d", (long long)making->timeline->run,
		SPAN_KIND_WAIT);
	int status = db_get_int(db, sql, &n_waits, making->error);
	if (status == STATUS_OK)
		status = critical_run_load(db, making->timeline->run, making->error, &run);
	if (status != STATUS_OK)
		return status;
	status = load_spans(making, &run, n_waits);
	if (status == STATUS_OK)
		status = blame_make(&run, critical_run_counted_from(&run), INT64_MAX, making->found.spans, making->found.n, making->error,
			&blame);
	for (int64_t i = 0; status == STATUS_OK && i < blame.n_rows; i++)
		status = keep_blame(making, blame.rows[i].lane, blame.rows[i].root, blame.rows[i].ns);
	blame_finish(&blame);
	critical_run_finish(&run);
	qsort(making->found.spans, (size_t)making->found.n, sizeof(*making->found.spans), by_id);
	return status;
}

static int settle_roots(struct making *making)
{
	const struct timeline *timeline = making->timeline;
	char *stored = NULL;
	int64_t n_ops = 0;
	int status = trace_run_meta(timeline->trace, timeline->run, "critical_executions", &stored, making->error);
	bool are_stored = stored != NULL;
	free(stored);
	making->stalls->has_roots = are_stored;
	if (status != STATUS_OK || are_stored)
		return status == STATUS_OK ? read_blame(making) : status;
	if (making->scope->is_live) {
		making->stalls->roots_missing = "root causes follow when the run has ended";
		return STATUS_OK;
	}
	status = critical_run_count(timeline->trace->db, timeline->run, &n_ops, making->error);
	if (status == STATUS_OK && n_ops > STALLS_ROOTS_OPS_MAX)
		making->stalls->roots_missing = "root causes are not in the file, and the run is too long to find them here: report --exact";
	else if (status == STATUS_OK)
		status = find_roots(making);
	making->stalls->has_roots = status == STATUS_OK && !making->stalls->roots_missing;
	return status;
}

/* -- the whole ---------------------------------------------------------------------------------------------------------------- */

static int by_total(const void *a, const void *b)
{
	const struct stalls_group *x = a, *y = b;
	if (x->ns != y->ns)
		return x->ns < y->ns ? 1 : -1;
	return x->lane != y->lane ? x->lane - y->lane : x->node != y->node ? x->node - y->node : x->edge - y->edge;
}

static int by_root(const void *a, const void *b)
{
	const struct stalls_root *x = a, *y = b;
	return (x->ns < y->ns) - (x->ns > y->ns);
}

static int by_blame(const void *a, const void *b)
{
	const struct stalls_blame *x = a, *y = b;
	return (x->ns < y->ns) - (x->ns > y->ns);
}

int stalls_make(struct timeline *timeline, const struct stalls_scope *scope, struct error *error, struct stalls *ret_stalls)
{
	struct stalls stalls = { .from_ns = scope->from_ns, .until_ns = scope->until_ns };
	struct making making = { .timeline = timeline, .scope = scope, .stalls = &stalls, .error = error };
	char sql[80];
	snprintf(sql, sizeof(sql), "SELECT min(id) FROM worker WHERE run = %lld", (long long)timeline->run);
	int status = db_get_int(timeline->trace->db, sql, &making.first_worker_id, error);
	if (status == STATUS_OK)
		status = sum_lanes(&making);
	if (status == STATUS_OK)
		status = settle_roots(&making);
	if (status == STATUS_OK)
		status = read_waits(&making);
	free(making.buckets);
	free(making.next);
	free(making.found.spans);
	if (status != STATUS_OK) {
		stalls_finish(&stalls);
		return status;
	}
	if (stalls.n_groups)
		qsort(stalls.groups, (size_t)stalls.n_groups, sizeof(*stalls.groups), by_total);
	for (int i = 0; i < stalls.n_groups; i++)
		qsort(stalls.groups[i].roots, (size_t)stalls.groups[i].n_roots, sizeof(stalls.groups[i].roots[0]), by_root);
	if (stalls.n_blame)
		qsort(stalls.blame, (size_t)stalls.n_blame, sizeof(*stalls.blame), by_blame);
	*ret_stalls = stalls;
	return STATUS_OK;
}

void stalls_finish(struct stalls *stalls)
{
	free(stalls->lanes);
	free(stalls->groups);
	free(stalls->blame);
	*stalls = (struct stalls){ .n_lanes = 0 };
}

const char *stalls_root_name(const struct timeline *timeline, struct blame_root root)
{
	bool is_node = root.kind == BLAME_NODE && root.idx >= 0 && root.idx < timeline->n_nodes;
	bool is_edge = root.kind == BLAME_EDGE && root.idx >= 0 && root.idx < timeline->n_edges;
	return is_node ? timeline->nodes[root.idx].name : is_edge ? timeline->edges[root.idx].name
		: root.kind == BLAME_CALLER ? "caller" : "unknown";
}
