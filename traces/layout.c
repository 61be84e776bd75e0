/* SPDX-License-Identifier: Apache-2.0
 *
 * layout: one function a table.
 */
#include "traces/layout.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "engine/base/strbuf.h"
#include "engine/run/record.h"

struct entry {
	struct db *db;
	const struct program *program;
	struct layout ids;
	struct error *error;
};

static int next_id(struct db *db, const char *table, int64_t *ret_id, struct error *error)
{
	char sql[80];
	snprintf(sql, sizeof(sql), "SELECT coalesce(max(id), 0) + 1 FROM %s", table);
	return db_get_int(db, sql, ret_id, error);
}

static void bind_index(struct db_stmt *stmt, int parameter, int64_t offset, uint32_t idx)
{
	if (idx == PROGRAM_NONE)
		db_bind_null(stmt, parameter);
	else
		db_bind_int(stmt, parameter, offset + idx);
}

static void bind_string(struct db_stmt *stmt, int parameter, const struct program *program, uint32_t offset)
{
	const char *text = program_string(program, offset);
	db_bind_text(stmt, parameter, *text ? text : NULL);
}

/* Runs `bind` and the statement for each of `n` rows. */
static int enter_rows(
	struct entry *entry, const char *sql, uint32_t n, void (*bind)(struct entry *, struct db_stmt *, uint32_t))
{
	struct db_stmt *stmt = NULL;
	int status = db_prepare(entry->db, sql, NULL, entry->error, &stmt);
	for (uint32_t i = 0; status == STATUS_OK && i < n; i++) {
		bind(entry, stmt, i);
		status = db_run(stmt, entry->error);
	}
	db_finish(stmt);
	return status;
}

static void bind_meta(struct entry *entry, struct db_stmt *stmt, uint32_t i)
{
	db_bind_int(stmt, 1, entry->ids.run);
	db_bind_text(stmt, 2, program_string(entry->program, entry->program->metas[i].key));
	db_bind_text(stmt, 3, program_string(entry->program, entry->program->metas[i].value));
}

static void bind_device(struct entry *entry, struct db_stmt *stmt, uint32_t i)
{
	const char *name = program_string(entry->program, entry->program->workers[i].device);
	char kind[16];
	snprintf(kind, sizeof(kind), "%.*s", (int)strcspn(name, ":"), name);
	db_bind_int(stmt, 1, entry->ids.device + i);
	db_bind_int(stmt, 2, entry->ids.run);
	db_bind_text(stmt, 3, name);
	db_bind_text(stmt, 4, kind);
}

static void bind_worker(struct entry *entry, struct db_stmt *stmt, uint32_t i)
{
	db_bind_int(stmt, 1, entry->ids.worker + i);
	db_bind_int(stmt, 2, entry->ids.run);
	db_bind_int(stmt, 3, i);
	bind_string(stmt, 4, entry->program, entry->program->workers[i].name);
	db_bind_int(stmt, 5, entry->ids.device + i);
}

/* "name=value name=value", "f32[B<=64,384] f32[…]". */
static void describe_node(const struct program *program, const struct program_node *node, struct strbuf *params,
	struct strbuf *outputs)
{
	for (uint32_t i = 0; i + 1 < node->params.n; i += 2) {
		const uint32_t *pair = &program->indices[node->params.first + i];
		strbuf_addf(
			params, "%s%s=%s", i ? " " : "", program_string(program, pair[0]), program_string(program, pair[1]));
	}
	for (uint32_t i = 0; i < node->types.n; i++) {
		char text[200];
		type_describe(&program->types[node->types.first + i], &program->header->symbols, true, text, sizeof(text));
		strbuf_addf(outputs, "%s%s", i ? " " : "", text);
	}
}

static void bind_node(struct entry *entry, struct db_stmt *stmt, uint32_t i)
{
	const struct program_node *node = &entry->program->nodes[i];
	struct strbuf params = STRBUF_INIT, outputs = STRBUF_INIT;
	describe_node(entry->program, node, &params, &outputs);
	db_bind_int(stmt, 1, entry->ids.node + i);
	db_bind_int(stmt, 2, entry->ids.run);
	db_bind_int(stmt, 3, i);
	bind_string(stmt, 4, entry->program, node->name);
	bind_string(stmt, 5, entry->program, node->op);
	db_bind_int(stmt, 6, entry->ids.worker + node->worker);
	bind_string(stmt, 7, entry->program, node->collective);
	db_bind_int(stmt, 8, node->line);
	db_bind_text(stmt, 9, strbuf_text(&params));
	db_bind_text(stmt, 10, strbuf_text(&outputs));
	strbuf_finish(&params);
	strbuf_finish(&outputs);
}

static void name_channel(const struct program *program, uint32_t i, char *name, size_t size)
{
	const struct program_channel *channel = &program->channels[i];
	const struct program_node *node = &program->nodes[channel->node];
	const char *text = program_string(program, node->name);
	if (channel->output == PROGRAM_NONE)
		snprintf(name, size, "%s.done", text);
	else if (node->types.n > 1)
		snprintf(name, size, "%s.%u", text, channel->output);
	else
		snprintf(name, size, "%s", text);
}

static void bind_channel(struct entry *entry, struct db_stmt *stmt, uint32_t i)
{
	const struct program_channel *channel = &entry->program->channels[i];
	char name[300];
	name_channel(entry->program, i, name, sizeof(name));
	db_bind_int(stmt, 1, entry->ids.channel + i);
	db_bind_int(stmt, 2, entry->ids.run);
	db_bind_int(stmt, 3, i);
	db_bind_text(stmt, 4, name);
	db_bind_int(stmt, 5, entry->ids.node + channel->node);
	bind_index(stmt, 6, 0, channel->output);
	db_bind_int(stmt, 7, entry->ids.channel + channel->storage);
	db_bind_text(stmt, 8, transport_word((enum transport)channel->transport));
	db_bind_int(stmt, 9, channel->depth);
	db_bind_int(stmt, 10, (int64_t)channel->payload_bytes);
	db_bind_int(stmt, 11, (int64_t)channel->slot_bytes);
}

static void bind_edge(struct entry *entry, struct db_stmt *stmt, uint32_t i)
{
	const struct program_edge *edge = &entry->program->edges[i];
	db_bind_int(stmt, 1, entry->ids.edge + i);
	db_bind_int(stmt, 2, entry->ids.run);
	db_bind_int(stmt, 3, i);
	bind_string(stmt, 4, entry->program, edge->name);
	db_bind_int(stmt, 5, entry->ids.node + edge->src);
	db_bind_int(stmt, 6, entry->ids.node + edge->dst);
	bind_index(stmt, 7, 0, edge->src_output);
	bind_index(stmt, 8, 0, edge->dst_input);
	bind_index(stmt, 9, entry->ids.channel, edge->channel);
	db_bind_int(stmt, 10, edge->is_peer);
	bind_string(stmt, 11, entry->program, edge->result);
}

/* The worker whose range of steps holds step `i`. */
static uint32_t step_worker(const struct program *program, uint32_t i)
{
	uint32_t worker = 0;
	while (worker + 1 < program->header->n_workers
		&& i - program->workers[worker].steps.first >= program->workers[worker].steps.n)
		worker++;
	return worker;
}

static void bind_step(struct entry *entry, struct db_stmt *stmt, uint32_t i)
{
	const struct program_step *step = &entry->program->steps[i];
	uint32_t worker = step_worker(entry->program, i);
	db_bind_int(stmt, 1, entry->ids.worker + worker);
	db_bind_int(stmt, 2, i - entry->program->workers[worker].steps.first);
	db_bind_text(stmt, 3, plan_step_word((enum plan_step_kind)step->kind));
	bind_index(stmt, 4, entry->ids.node, step->node);
	bind_index(stmt, 5, entry->ids.channel, step->channel);
	bind_index(stmt, 6, entry->ids.edge, step->edge);
	bind_index(stmt, 7, 0, step->reader);
}

static void bind_host_lane(struct entry *entry, struct db_stmt *stmt, uint32_t i)
{
	db_bind_int(stmt, 1, entry->ids.lane + i);
	db_bind_int(stmt, 2, entry->ids.run);
	bind_string(stmt, 3, entry->program, entry->program->workers[i].name);
	db_bind_int(stmt, 4, entry->ids.worker + i);
}

static void bind_channel_lane(struct entry *entry, struct db_stmt *stmt, uint32_t i)
{
	char name[300];
	name_channel(entry->program, i, name, sizeof(name));
	db_bind_int(stmt, 1, entry->ids.lane + entry->program->header->n_workers + i);
	db_bind_int(stmt, 2, entry->ids.run);
	db_bind_text(stmt, 3, name);
	db_bind_int(stmt, 4, entry->ids.channel + i);
}

static void bind_loss(struct entry *entry, struct db_stmt *stmt, uint32_t i)
{
	db_bind_int(stmt, 1, entry->ids.run);
	db_bind_int(stmt, 2, entry->ids.worker + i / LOSS_COUNT);
	db_bind_text(stmt, 3, loss_word((enum loss)(i % LOSS_COUNT)));
}

/* Runs of the same text share one row. */
static int enter_graph(struct entry *entry, int64_t *ret_id)
{
	const struct program_header *header = entry->program->header;
	struct db_stmt *stmt = NULL;
	bool has_row = false;
	int status = db_prepare(
		entry->db, "SELECT id FROM graph WHERE name IS ?1 AND file IS ?2 AND text IS ?3", NULL, entry->error, &stmt);
	for (int i = 0; status == STATUS_OK && i < 3; i++)
		bind_string(stmt, 1 + i, entry->program, (&header->graph_name)[i]);
	if (status == STATUS_OK)
		status = db_step(stmt, &has_row, entry->error);
	if (status == STATUS_OK && has_row)
		*ret_id = db_column_int(stmt, 0);
	db_finish(stmt);
	if (status != STATUS_OK || has_row)
		return status;
	stmt = NULL;
	status = db_prepare(
		entry->db, "INSERT INTO graph(name, file, text, id) VALUES(?, ?, ?, ?)", NULL, entry->error, &stmt);
	if (status == STATUS_OK)
		status = next_id(entry->db, "graph", ret_id, entry->error);
	for (int i = 0; status == STATUS_OK && i < 3; i++)
		bind_string(stmt, 1 + i, entry->program, (&header->graph_name)[i]);
	if (status == STATUS_OK) {
		db_bind_int(stmt, 4, *ret_id);
		status = db_run(stmt, entry->error);
	}
	db_finish(stmt);
	return status;
}

static int64_t wall_clock_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int enter_run(struct entry *entry, int64_t start_ns)
{
	const struct program_header *header = entry->program->header;
	int64_t graph = 0;
	struct db_stmt *stmt = NULL;
	int status = enter_graph(entry, &graph);
	if (status == STATUS_OK)
		status = db_prepare(entry->db,
			"INSERT INTO run(id, graph, mode, status, start_ns, end_ns, start_unix_ns, in_flight,"
			" seed, n_threads) VALUES(?, ?, ?, 'running', ?4, ?4, ?, ?, ?, ?)",
			NULL, entry->error, &stmt);
	if (status == STATUS_OK) {
		db_bind_int(stmt, 1, entry->ids.run);
		db_bind_int(stmt, 2, graph);
		db_bind_text(stmt, 3, run_mode_word((enum run_mode)header->mode));
		db_bind_int(stmt, 4, start_ns);
		db_bind_int(stmt, 5, wall_clock_ns());
		db_bind_int(stmt, 6, header->in_flight);
		db_bind_int(stmt, 7, (int64_t)header->seed);
		db_bind_int(stmt, 8, header->n_threads);
		status = db_run(stmt, entry->error);
	}
	db_finish(stmt);
	return status;
}

static int take_ids(struct entry *entry)
{
	const struct {
		const char *table;
		int64_t *id;
	} tables[] = {
		{ "run", &entry->ids.run }, { "device", &entry->ids.device }, { "worker", &entry->ids.worker },
		{ "node", &entry->ids.node }, { "edge", &entry->ids.edge }, { "channel", &entry->ids.channel },
		{ "lane", &entry->ids.lane },
	};
	int status = STATUS_OK;
	for (size_t i = 0; status == STATUS_OK && i < ARRAY_LEN(tables); i++)
		status = next_id(entry->db, tables[i].table, tables[i].id, entry->error);
	return status;
}

int layout_enter(struct db *db, const struct program *program, int64_t start_ns, struct error *error,
	struct layout *ret_layout)
{
	struct entry entry = { .db = db, .program = program, .error = error };
	const struct program_header *header = program->header;
	const struct {
		const char *sql;
		uint32_t n;
		void (*bind)(struct entry *, struct db_stmt *, uint32_t);
	} tables[] = {
		{ "INSERT OR REPLACE INTO run_meta VALUES(?, ?, ?)", header->n_metas, bind_meta },
		{ "INSERT INTO device(id, run, name, kind) VALUES(?, ?, ?, ?)", header->n_workers, bind_device },
		{ "INSERT INTO worker(id, run, idx, name, device) VALUES(?, ?, ?, ?, ?)", header->n_workers, bind_worker },
		{ "INSERT INTO node(id, run, idx, name, op, worker, collective, line, params, outputs)"
		  " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", header->n_nodes, bind_node },
		{ "INSERT INTO channel(id, run, idx, name, node, output, storage, transport, depth, payload_bytes,"
		  " slot_bytes) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", header->n_channels, bind_channel },
		{ "INSERT INTO edge(id, run, idx, name, src, dst, src_output, dst_input, channel, is_peer, result)"
		  " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", header->n_edges, bind_edge },
		{ "INSERT INTO plan_step(worker, position, kind, node, channel, edge, reader) VALUES(?, ?, ?, ?, ?, ?, ?)",
		  header->n_steps, bind_step },
		{ "INSERT INTO lane(id, run, kind, name, worker) VALUES(?, ?, 'host', ?, ?)", header->n_workers,
		  bind_host_lane },
		{ "INSERT INTO lane(id, run, kind, name, channel) VALUES(?, ?, 'channel', ?, ?)", header->n_channels,
		  bind_channel_lane },
		{ "INSERT INTO loss VALUES(?, ?, ?, 0)", header->n_workers * LOSS_COUNT, bind_loss },
	};
	int status = take_ids(&entry);
	if (status == STATUS_OK)
		status = enter_run(&entry, start_ns);
	for (size_t i = 0; status == STATUS_OK && i < ARRAY_LEN(tables); i++)
		status = enter_rows(&entry, tables[i].sql, tables[i].n, tables[i].bind);
	if (status == STATUS_OK)
		*ret_layout = entry.ids;
	return status;
}
