/* SPDX-License-Identifier: Apache-2.0
 *
 * timeline: opening a run: what was laid out, where its pyramid is or how one is made; and scales.
 */
#include "traces/timeline.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/attributes.h"
#include "traces/lod_build.h"
#include "traces/timeline_private.h"

struct open {
	struct timeline *timeline;
	struct error *error;
};

static int out_of_memory(struct open *open)
{
	return error_set(open->error, STATUS_NO_MEMORY, "no memory for the timeline");
}

/* Calls `read` for each row of `sql`, whose only parameter is the run. */
static int each_row(struct open *open, const char *sql, int (*read)(struct open *, struct db_stmt *))
{
	struct db_stmt *stmt = NULL;
	bool has_row = false;
	int status = db_prepare(open->timeline->store->db, sql, NULL, open->error, &stmt);
	if (status == STATUS_OK)
		db_bind_int(stmt, 1, open->timeline->run);
	while (status == STATUS_OK && (status = db_step(stmt, &has_row, open->error)) == STATUS_OK && has_row)
		status = read(open, stmt);
	db_finish(stmt);
	return status;
}

static void *append(void *items, int *n, size_t item_bytes)
{
	char *more = realloc(items, (size_t)(*n + 1) * item_bytes);
	if (more)
		memset(more + (size_t)(*n)++ * item_bytes, 0, item_bytes);
	return more;
}

static char *copy_text(struct db_stmt *stmt, int column)
{
	const char *text = db_column_text(stmt, column);
	return text ? strdup(text) : NULL;
}

static int index_of(struct db_stmt *stmt, int column, int64_t first, int n)
{
	int64_t idx = db_column_int(stmt, column) - first;
	return db_column_type(stmt, column) != DB_NULL && idx >= 0 && idx < n ? (int)idx : TIMELINE_NONE;
}

/* -- layout ------------------------------------------------------------------------------------------------------------------- */

static const char lanes_sql[] =
	"SELECT l.id, l.kind, l.name, w.name, coalesce(dl.name, dw.name), l.first_ns, l.last_ns, c.id, c.node, c.depth, c.payload_bytes,"
	" c.transport, (SELECT sum(n_records) FROM loss o WHERE o.worker = l.worker),"
	" (SELECT CASE count(*) WHEN 1 THEN min(e.name) END FROM edge e WHERE e.channel = c.id), l.worker,"
	" l.process, coalesce(l.stream, l.thread), l.depth, l.context"
	" FROM lane l LEFT JOIN worker w ON w.id = l.worker LEFT JOIN device dl ON dl.id = l.device LEFT JOIN device dw ON dw.id = w.device"
	" LEFT JOIN channel c ON c.id = l.channel WHERE l.run = ?"
	" ORDER BY CASE l.kind WHEN 'host' THEN 0 WHEN 'channel' THEN 2 ELSE 1 END, l.worker, l.id";

static enum timeline_lane_kind kind_of(const char *word)
{
	static const struct {
		const char *word;
		enum timeline_lane_kind kind;
	} words[] = { { "host", TIMELINE_HOST }, { "channel", TIMELINE_CHANNEL }, { "thread", TIMELINE_THREAD },
		{ "stream_marks", TIMELINE_THREAD } };
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (strcmp(words[i].word, word) == 0)
			return words[i].kind;
	}
	return TIMELINE_DEVICE;
}

/* Lanes of a thread come one after the other, and so do a stream's and its marks'. */
static void place_imported(struct timeline *timeline, struct timeline_lane *lane, struct db_stmt *stmt)
{
	struct timeline_store *store = timeline->store;
	const struct timeline_lane *before = timeline->n_lanes > 1 ? lane - 1 : NULL;
	int64_t context = db_column_int(stmt, 18);
	lane->process = lane->track = TIMELINE_NONE;
	if (!timeline->is_imported)
		return;
	lane->process = index_of(stmt, 15, store->process_id, timeline->n_processes);
	lane->number = db_column_int(stmt, 16);
	lane->nesting = (int)db_column_int(stmt, 17);
	lane->is_stream = strncmp(db_column_text(stmt, 1), "stream", 6) == 0;
	bool is_same = before && before->process == lane->process && before->number == lane->number && before->is_stream == lane->is_stream
		&& strcmp(before->device ? before->device : "", lane->device ? lane->device : "") == 0 && store->context == context
		&& (lane->is_stream || lane->nesting == before->nesting + 1);
	lane->track = !before ? 0 : before->track + !is_same;
	store->context = context;
}

static int read_process(struct open *open, struct db_stmt *stmt)
{
	struct timeline *timeline = open->timeline;
	struct timeline_process *processes = append(timeline->processes, &timeline->n_processes, sizeof(*processes));
	if (!processes)
		return out_of_memory(open);
	timeline->processes = processes;
	if (timeline->n_processes == 1)
		timeline->store->process_id = db_column_int(stmt, 0);
	struct timeline_process *process = &processes[timeline->n_processes - 1];
	*process = (struct timeline_process){ .id = db_column_int(stmt, 0), .title = copy_text(stmt, 1) };
	return process->title ? STATUS_OK : out_of_memory(open);
}

static int read_lane(struct open *open, struct db_stmt *stmt)
{
	struct timeline *timeline = open->timeline;
	struct timeline_store *store = timeline->store;
	const char *kind = db_column_text(stmt, 1);
	struct timeline_lane *lanes = append(timeline->lanes, &timeline->n_lanes, sizeof(*lanes));
	if (!lanes)
		return out_of_memory(open);
	timeline->lanes = lanes;
	int n_sources = timeline->n_lanes - 1;
	struct timeline_source *sources = append(store->sources, &n_sources, sizeof(*sources));
	if (!sources)
		return out_of_memory(open);
	store->sources = sources;
	struct timeline_lane *lane = &lanes[timeline->n_lanes - 1];
	struct timeline_source *source = &sources[timeline->n_lanes - 1];
	*source = (struct timeline_source){ .id = db_column_int(stmt, 0), .closed_ns = INT64_MAX };
	lane->kind = kind_of(kind);
	lane->id = lane->kind == TIMELINE_CHANNEL ? db_column_int(stmt, 7) : source->id;
	lane->name = copy_text(stmt, db_column_type(stmt, 13) == DB_NULL ? 2 : 13);
	lane->worker = copy_text(stmt, 3);
	lane->device = copy_text(stmt, 4);
	lane->first_ns = INT64_MAX;
	lane->last_ns = INT64_MIN;
	lane->writer = (int)db_column_int(stmt, 8); /* an id until nodes are known */
	lane->depth = db_column_int(stmt, 9);
	lane->payload_bytes = db_column_int(stmt, 10);
	lane->transport = copy_text(stmt, 11);
	lane->n_lost = db_column_int(stmt, 12);
	if (lane->kind == TIMELINE_HOST && store->n_workers++ == 0)
		store->worker_id = db_column_int(stmt, 14);
	place_imported(timeline, lane, stmt);
	return lane->name ? STATUS_OK : out_of_memory(open);
}

static int read_node(struct open *open, struct db_stmt *stmt)
{
	struct timeline *timeline = open->timeline;
	struct timeline_node *nodes = append(timeline->nodes, &timeline->n_nodes, sizeof(*nodes));
	if (!nodes)
		return out_of_memory(open);
	timeline->nodes = nodes;
	struct timeline_node *node = &nodes[timeline->n_nodes - 1];
	if (timeline->n_nodes == 1)
		timeline->store->node_id = db_column_int(stmt, 0);
	*node = (struct timeline_node){ .id = db_column_int(stmt, 0), .name = copy_text(stmt, 1), .op = copy_text(stmt, 2),
		.params = copy_text(stmt, 3), .outputs = copy_text(stmt, 4), .collective = copy_text(stmt, 5),
		.lane = index_of(stmt, 6, timeline->store->worker_id, timeline->store->n_workers), .line = (int)db_column_int(stmt, 7),
		.position = (int)db_column_int(stmt, 8) };
	return node->name ? STATUS_OK : out_of_memory(open);
}

static int find_channel(const struct timeline *timeline, struct db_stmt *stmt, int column)
{
	int64_t id = db_column_int(stmt, column);
	for (int i = 0; i < timeline->n_lanes && db_column_type(stmt, column) != DB_NULL; i++) {
		if (timeline->lanes[i].kind == TIMELINE_CHANNEL && timeline->lanes[i].id == id)
			return i;
	}
	return TIMELINE_NONE;
}

static int read_edge(struct open *open, struct db_stmt *stmt)
{
	struct timeline *timeline = open->timeline;
	struct timeline_edge *edges = append(timeline->edges, &timeline->n_edges, sizeof(*edges));
	if (!edges)
		return out_of_memory(open);
	timeline->edges = edges;
	struct timeline_edge *edge = &edges[timeline->n_edges - 1];
	if (timeline->n_edges == 1)
		timeline->store->edge_id = db_column_int(stmt, 0);
	*edge = (struct timeline_edge){ .id = db_column_int(stmt, 0), .name = copy_text(stmt, 1), .result = copy_text(stmt, 2),
		.src = index_of(stmt, 3, timeline->store->node_id, timeline->n_nodes),
		.dst = index_of(stmt, 4, timeline->store->node_id, timeline->n_nodes), .channel = find_channel(timeline, stmt, 5),
		.is_peer = db_column_int(stmt, 6) != 0 };
	if (edge->src == TIMELINE_NONE || edge->dst == TIMELINE_NONE)
		return error_set(open->error, STATUS_TRACE, "edge %lld is not between two nodes of its run", (long long)edge->id);
	return edge->name ? STATUS_OK : out_of_memory(open);
}

/* From ids in the file to indices. */
static int index_lanes(struct open *open)
{
	struct timeline *timeline = open->timeline;
	struct timeline_store *store = timeline->store;
	int64_t first = INT64_MAX, last = INT64_MIN;
	for (int i = 0; i < timeline->n_lanes; i++) {
		int64_t id = store->sources[i].id;
		first = id < first ? id : first;
		last = id > last ? id : last;
		if (timeline->lanes[i].kind == TIMELINE_CHANNEL)
			timeline->lanes[i].writer -= (int)store->node_id;
	}
	store->lane_id = first;
	store->n_ids = timeline->n_lanes ? (int)(last - first + 1) : 0;
	store->lane_of_id = malloc(((size_t)store->n_ids + 1) * sizeof(*store->lane_of_id));
	if (!store->lane_of_id)
		return out_of_memory(open);
	memset(store->lane_of_id, -1, (size_t)store->n_ids * sizeof(*store->lane_of_id));
	for (int i = 0; i < timeline->n_lanes; i++)
		store->lane_of_id[store->sources[i].id - first] = i;
	return STATUS_OK;
}

static int read_layout(struct open *open)
{
	int status = each_row(open, "SELECT id, CASE WHEN rank IS NOT NULL THEN 'rank ' || rank WHEN pid IS NOT NULL THEN 'process ' || pid"
		" ELSE coalesce(name, 'process') END FROM process WHERE run = ? ORDER BY id", read_process);
	if (status == STATUS_OK)
		status = each_row(open, lanes_sql, read_lane);
	if (status == STATUS_OK)
		status = each_row(open, "SELECT n.id, n.name, n.op, n.params, n.outputs, n.collective, n.worker, n.line,"
			" coalesce((SELECT min(p.position) FROM plan_step p WHERE p.node = n.id AND p.worker = n.worker), n.idx)"
			" FROM node n WHERE n.run = ? ORDER BY n.id", read_node);
	if (status == STATUS_OK)
		status = each_row(open, "SELECT id, name, result, src, dst, channel, is_peer FROM edge WHERE run = ? ORDER BY id",
			read_edge);
	return status == STATUS_OK ? index_lanes(open) : status;
}

/* -- the pyramid -------------------------------------------------------------------------------------------------------------- */

static int count_lanes(struct open *open, const char *database, int64_t *ret_n)
{
	char sql[400];
	int64_t has_tables = 0;
	snprintf(sql, sizeof(sql), "SELECT count(*) FROM %s.sqlite_master WHERE name = 'lod_lane'", database);
	int status = db_get_int(open->timeline->store->db, sql, &has_tables, open->error);
	*ret_n = 0;
	if (status != STATUS_OK || !has_tables)
		return status;
	snprintf(sql, sizeof(sql), "SELECT CASE WHEN sum(d.n_spans > 0 AND l.kind <> 'channel' AND NOT EXISTS (SELECT 1 FROM %s.lod b"
		" WHERE b.lane = d.lane AND b.level < 0)) THEN 0 ELSE count(*) END FROM %s.lod_lane d JOIN lane l ON l.id = d.lane"
		" WHERE l.run = %lld", database, database, (long long)open->timeline->run);
	return db_get_int(open->timeline->store->db, sql, ret_n, open->error);
}

static int64_t first_moment(const struct timeline *timeline, struct error *error)
{
	char sql[200];
	int64_t first_ns = timeline->info->start_ns;
	snprintf(sql, sizeof(sql), "SELECT min(%lld, coalesce(min(first_ns), %lld)) FROM lane WHERE run = %lld", (long long)first_ns,
		(long long)first_ns, (long long)timeline->run);
	db_get_int(timeline->store->db, sql, &first_ns, error);
	return first_ns;
}

static int build(struct open *open, timeline_progress_fn *progress, void *user)
{
	struct timeline *timeline = open->timeline;
	struct db *db = timeline->store->db;
	int status = lod_create_tables(db, "temp", open->error);
	if (status == STATUS_OK)
		status = db_exec(db, "BEGIN", open->error);
	if (status != STATUS_OK)
		return status;
	status = lod_build_run(db, "temp", timeline->run, first_moment(timeline, open->error), progress, user, open->error);
	if (status == STATUS_OK)
		status = db_commit(db, open->error);
	if (status != STATUS_OK)
		db_rollback(db);
	return status;
}

static int count_rows(struct open *open, int64_t *ret_n)
{
	return db_get_int(open->timeline->store->db, "SELECT coalesce((SELECT max(rowid) FROM op_event), 0)"
		" + coalesce((SELECT max(id) FROM span), 0)", ret_n, open->error);
}

/* Where the pyramid is: in the file, made before, or made now. */
static int find_pyramid(struct open *open, timeline_progress_fn *progress, void *user)
{
	struct timeline *timeline = open->timeline;
	int64_t n = 0;
	timeline->store->database = "main";
	int status = count_lanes(open, "main", &n);
	if (status != STATUS_OK || n > 0)
		return status;
	timeline->store->database = "temp";
	timeline->was_built = true;
	status = count_rows(open, &timeline->store->n_built);
	if (status == STATUS_OK)
		status = count_lanes(open, "temp", &n);
	return status != STATUS_OK || n > 0 ? status : build(open, progress, user);
}

/* One that was made when the file was opened is made anew when there is an eighth more to show, or the run has ended. */
static int rebuild(struct open *open, bool *ret_is_new)
{
	static const char *const tables[] = { "lod", "lod_rows", "lod_fill", "lod_lane" };
	struct timeline_store *store = open->timeline->store;
	int64_t n = 0, has_ended = 0;
	char sql[160];
	snprintf(sql, sizeof(sql), "SELECT end_ns IS NOT NULL FROM run WHERE id = %lld", (long long)open->timeline->run);
	int status = count_rows(open, &n);
	if (status == STATUS_OK)
		status = db_get_int(store->db, sql, &has_ended, open->error);
	*ret_is_new = n > store->n_built && (has_ended || n - store->n_built > store->n_built / 8);
	if (status != STATUS_OK || !*ret_is_new)
		return status;
	store->n_built = n;
	for (size_t i = 0; i < ARRAY_LEN(tables) && status == STATUS_OK; i++) {
		snprintf(sql, sizeof(sql), "DELETE FROM temp.%s WHERE lane IN (SELECT id FROM lane WHERE run = %lld)", tables[i],
			(long long)open->timeline->run);
		status = db_exec(store->db, sql, open->error);
	}
	timeline_rows_forget(open->timeline);
	return status == STATUS_OK ? build(open, NULL, NULL) : status;
}

static int prepare(struct open *open)
{
	struct timeline_store *store = open->timeline->store;
	static const char *const statements[TIMELINE_STMT_COUNT] = {
#define X(name, sql) [TIMELINE_##name] = sql,
		TIMELINE_STMT_MAP(X)
#undef X
		[TIMELINE_ROWS_OF_WAITS] = "SELECT id, node, execution, start_ns, duration_ns, kind, edge, cause, peer, bytes FROM span"
			" WHERE id BETWEEN ?1 AND ?2 AND lane = ?3 AND kind IN (%2$d, %3$d) ORDER BY id",
		[TIMELINE_EXECUTION] = "SELECT x.execution, x.start_ns, x.end_ns, x.status, x.is_warmup, f.text FROM execution x"
			" LEFT JOIN failure f ON f.run = x.run AND f.failure = x.failure WHERE x.run = ?1 AND x.execution = ?2",
		[TIMELINE_EXECUTION_FROM] = "SELECT execution, start_ns FROM execution WHERE run = ?1 AND execution >= ?2"
			" AND start_ns IS NOT NULL ORDER BY execution LIMIT 1",
	};
	int status = STATUS_OK;
	for (int i = 0; i < TIMELINE_STMT_COUNT && status == STATUS_OK; i++) {
		char sql[600];
		snprintf(sql, sizeof(sql), statements[i], store->database, SPAN_KIND_WAIT, SPAN_KIND_EVENT);
		status = db_prepare(store->db, sql, NULL, open->error, &store->stmts[i]);
	}
	return status;
}

static int read_bounds(struct open *open, struct db_stmt *stmt)
{
	struct timeline *timeline = open->timeline;
	if (db_column_int(stmt, 0) < timeline->origin_ns)
		timeline->origin_ns = db_column_int(stmt, 0);
	if (db_column_int(stmt, 1) > timeline->end_ns)
		timeline->end_ns = db_column_int(stmt, 1);
	return STATUS_OK;
}

static void read_source(struct timeline *timeline, struct db_stmt *stmt)
{
	struct timeline_store *store = timeline->store;
	int i = store->lane_of_id[db_column_int(stmt, 0) - store->lane_id];
	struct timeline_source *source = &store->sources[i];
	struct timeline_lane *lane = &timeline->lanes[i];
	store->grid_ns = db_column_int(stmt, 1);
	source->has_pyramid = true;
	source->closed_ns = db_column_type(stmt, 2) == DB_NULL ? INT64_MAX : db_column_int(stmt, 2);
	source->top = (int)db_column_int(stmt, 3);
	if (lane->kind != TIMELINE_CHANNEL)
		timeline->n_spans += db_column_int(stmt, 4);
	if (db_column_type(stmt, 5) == DB_NULL)
		return;
	lane->first_ns = db_column_int(stmt, 5);
	lane->last_ns = db_column_int(stmt, 6);
	timeline->end_ns = lane->last_ns > timeline->end_ns ? lane->last_ns : timeline->end_ns;
	timeline->origin_ns = lane->first_ns < timeline->origin_ns ? lane->first_ns : timeline->origin_ns;
}

/* What grows while a run goes on. */
static int read_state(struct open *open)
{
	struct timeline *timeline = open->timeline;
	struct timeline_store *store = timeline->store;
	struct db_stmt *stmt = store->stmts[TIMELINE_LANES];
	bool has_row = false;
	int status = STATUS_OK;
	timeline->n_spans = 0;
	store->grid_ns = timeline->info->start_ns;
	timeline->origin_ns = INT64_MAX;
	timeline->end_ns = INT64_MIN;
	db_bind_int(stmt, 1, timeline->run);
	while (status == STATUS_OK && (status = db_step(stmt, &has_row, open->error)) == STATUS_OK && has_row)
		read_source(timeline, stmt);
	if (status == STATUS_OK)
		status = each_row(open, "SELECT start_ns, end_ns FROM run WHERE id = ?", read_bounds);
	if (timeline->origin_ns > store->grid_ns)
		timeline->origin_ns = store->grid_ns;
	return status == STATUS_OK ? timeline_rows_refresh(timeline, open->error) : status;
}

int timeline_open(const struct trace *trace, int64_t run, timeline_progress_fn *progress, void *user, struct error *error,
	struct timeline **ret_timeline)
{
	struct timeline *timeline = calloc(1, sizeof(*timeline));
	struct open open = { timeline, error };
	if (!timeline || !(timeline->store = calloc(1, sizeof(*timeline->store)))) {
		free(timeline);
		return out_of_memory(&open);
	}
	timeline->trace = trace;
	timeline->info = trace_find_run(trace, run);
	timeline->store->db = trace->db;
	int status = STATUS_OK;
	if (timeline->info) {
		timeline->run = timeline->info->id;
		timeline->is_imported = strcmp(timeline->info->mode, "imported") == 0;
	} else if (run) {
		status = error_set(error, STATUS_USAGE, "%s: has no run %lld", trace->file, (long long)run);
	} else {
		status = error_set(error, STATUS_TRACE, "%s: has no run", trace->file);
	}
	if (status == STATUS_OK)
		status = read_layout(&open);
	if (status == STATUS_OK)
		status = find_pyramid(&open, progress, user);
	if (status == STATUS_OK)
		status = prepare(&open);
	if (status == STATUS_OK)
		status = read_state(&open);
	if (status != STATUS_OK) {
		timeline_close(timeline);
		return status;
	}
	*ret_timeline = timeline;
	return STATUS_OK;
}

static void free_texts(char *const *texts, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(texts[i]);
}

void timeline_close(struct timeline *timeline)
{
	if (!timeline)
		return;
	timeline_rows_finish(timeline);
	timeline_texts_finish(timeline);
	for (int i = 0; i < timeline->n_processes; i++)
		free(timeline->processes[i].title);
	for (int i = 0; i < timeline->n_lanes; i++) {
		const struct timeline_lane *lane = &timeline->lanes[i];
		free_texts((char *const[]){ lane->name, lane->worker, lane->device, lane->transport }, 4);
	}
	for (int i = 0; i < timeline->n_nodes; i++) {
		const struct timeline_node *node = &timeline->nodes[i];
		free_texts((char *const[]){ node->name, node->op, node->params, node->outputs, node->collective }, 5);
	}
	for (int i = 0; i < timeline->n_edges; i++)
		free_texts((char *const[]){ timeline->edges[i].name, timeline->edges[i].result }, 2);
	for (int i = 0; i < TIMELINE_STMT_COUNT; i++)
		db_finish(timeline->store->stmts[i]);
	free(timeline->store->sources);
	free(timeline->store->lane_of_id);
	free(timeline->store);
	free(timeline->processes);
	free(timeline->lanes);
	free(timeline->nodes);
	free(timeline->edges);
	free(timeline);
}

int timeline_refresh(struct timeline *timeline, bool *ret_has_grown, struct error *error)
{
	struct open open = { timeline, error };
	int64_t n_spans = timeline->n_spans, end_ns = timeline->end_ns;
	bool is_new = true;
	int status = timeline->was_built ? rebuild(&open, &is_new) : STATUS_OK;
	if (status == STATUS_OK && is_new)
		status = read_state(&open);
	if (status == STATUS_OK && ret_has_grown)
		*ret_has_grown = timeline->n_spans != n_spans || timeline->end_ns != end_ns;
	return status;
}

/* -- scales ------------------------------------------------------------------------------------------------------------------- */

#define SCALE_M_MIN 8
#define SCALE_M_MAX 15
#define SCALE_S_MAX 56

int64_t timeline_scale_ns(struct timeline_scale scale)
{
	return (int64_t)scale.m << scale.s;
}

static struct timeline_scale of_width(int64_t width_ns)
{
	int s = 0;
	if (width_ns < 1)
		width_ns = 1;
	while (s < SCALE_S_MAX && ((width_ns - 1) >> s) + 1 > SCALE_M_MAX)
		s++;
	int64_t m = ((width_ns - 1) >> s) + 1;
	return (struct timeline_scale){ m > SCALE_M_MAX ? SCALE_M_MAX : (int)m, s };
}

struct timeline_scale timeline_scale_fit(int64_t span_ns, int n)
{
	n = n > 0 ? n : 1;
	return of_width(span_ns > 0 ? (span_ns - 1) / n + 1 : 1);
}

static bool step_once(struct timeline_scale *scale, int direction)
{
	if (direction > 0 && scale->m == SCALE_M_MAX && scale->s == SCALE_S_MAX)
		return false;
	if (direction < 0 && scale->m == 1 && scale->s == 0)
		return false;
	scale->m += direction;
	if (scale->m > SCALE_M_MAX)
		*scale = (struct timeline_scale){ SCALE_M_MIN, scale->s + 1 };
	else if (scale->m < SCALE_M_MIN && scale->s > 0)
		*scale = (struct timeline_scale){ SCALE_M_MAX, scale->s - 1 };
	return true;
}

struct timeline_scale timeline_scale_step(struct timeline_scale scale, int steps)
{
	for (; steps > 0 && step_once(&scale, 1); steps--)
		;
	for (; steps < 0 && step_once(&scale, -1); steps++)
		;
	return scale;
}

struct timeline_scale timeline_scale_double(struct timeline_scale scale, int times)
{
	for (; times > 0; times--) {
		int64_t width_ns = timeline_scale_ns(scale);
		scale = scale.s >= SCALE_S_MAX ? (struct timeline_scale){ SCALE_M_MAX, SCALE_S_MAX } : of_width(2 * width_ns);
	}
	for (; times < 0; times++)
		scale = of_width(timeline_scale_ns(scale) / 2);
	return scale;
}

int64_t timeline_snap(const struct timeline *timeline, struct timeline_scale scale, int64_t time_ns)
{
	int64_t grid_ns = timeline->store->grid_ns;
	return grid_ns + ((time_ns - grid_ns) >> scale.s << scale.s);
}
