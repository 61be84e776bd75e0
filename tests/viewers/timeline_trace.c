/* SPDX-License-Identifier: Apache-2.0
 *
 * timeline_trace: see the header.
 */
#include "tests/viewers/timeline_trace.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/attributes.h"
#include "engine/graph/graph.h"
#include "viewers/canvas_print.h"

#define N_NODES 6
#define START_NS INT64_C(5000000000)
#define BEGIN_NS 100000 /* after a run's start */
#define IN_FLIGHT 4
#define EXECUTIONS_MAX 32
#define SECOND_NS INT64_C(100000000) /* from a run's start to the next one's */

static void require(int status, const struct error *error)
{
	cr_assert(status == STATUS_OK, "status %d: %s", status, error->text);
}

static const int64_t compute_ns[N_NODES] = { 120000, 400000, 410000, 520000, 480000, 90000 };

struct pipeline {
	struct store *store;
	int64_t free_ns[3], ended_ns[EXECUTIONS_MAX], extra_ns;
};

static void add_op(struct pipeline *pipeline, struct store_op op)
{
	struct error error = { 0 };
	for (int i = 0; i < OP_PHASE_COUNT; i++)
		op.duration_ns += op.phase_ns[i];
	require(store_op(pipeline->store, &op, &error), &error);
	pipeline->free_ns[op.lane] = op.start_ns + op.duration_ns;
}

static void add_wait(struct pipeline *pipeline, const struct store_op *op, enum phase cause, int64_t start_ns, int64_t duration_ns,
	uint32_t edge, uint32_t peer)
{
	struct error error = { 0 };
	struct store_span span = { .lane = op->lane, .kind = SPAN_KIND_WAIT, .start_ns = start_ns, .duration_ns = duration_ns, .node = op->node,
		.edge = edge, .channel = edge, .peer = peer, .slot = 0, .execution = op->execution, .cause = (int)cause };
	if (duration_ns > 0)
		require(store_span(pipeline->store, &span, &error), &error);
}

static void add_limit(struct pipeline *pipeline, int64_t until_ns)
{
	struct error error = { 0 };
	struct store_span span = { .lane = 0, .kind = PHASE_LIMIT, .start_ns = pipeline->free_ns[0],
		.duration_ns = until_ns - pipeline->free_ns[0], .node = PROGRAM_NONE, .edge = PROGRAM_NONE, .channel = PROGRAM_NONE,
		.peer = PROGRAM_NONE, .slot = PROGRAM_NONE, .execution = UINT64_MAX, .cause = -1 };
	if (span.duration_ns <= 0)
		return;
	require(store_span(pipeline->store, &span, &error), &error);
	pipeline->free_ns[0] = until_ns;
}

/* One node: starved until its input is there, held up until the slot is free, then compute. Returns when it ended. */
static int64_t add_node(struct pipeline *pipeline, int node, int64_t execution, int64_t ready_ns, int64_t slot_ns)
{
	uint32_t lane = node < 3 ? 1 : 2;
	struct store_op op = { .lane = lane, .node = (uint32_t)(2 + node), .execution = (uint64_t)execution, .start_ns = pipeline->free_ns[lane] };
	int64_t starved_ns = ready_ns > op.start_ns ? ready_ns - op.start_ns : 0, read_ns = node == 3 ? 25000 : 0;
	int64_t at_ns = op.start_ns + starved_ns + read_ns, held_ns = slot_ns > at_ns ? slot_ns - at_ns : 0;
	op.phase_ns[OP_PHASE_STARVED] = starved_ns;
	op.phase_ns[OP_PHASE_READ] = read_ns;
	op.phase_ns[OP_PHASE_BACKPRESSURE] = held_ns;
	op.phase_ns[OP_PHASE_COMPUTE] = compute_ns[node] + pipeline->extra_ns;
	op.phase_ns[OP_PHASE_WRITE] = node == 2 ? 30000 : 0;
	add_wait(pipeline, &op, PHASE_STARVED, op.start_ns, starved_ns, (uint32_t)node, node == 0 ? 0 : node <= 3 ? 1 : 2);
	add_wait(pipeline, &op, PHASE_BACKPRESSURE, at_ns, held_ns, (uint32_t)(node + 1), 2);
	add_op(pipeline, op);
	return pipeline->free_ns[lane];
}

/* A slot of layer1's output is free again when layer2 of the execution before the last has ended; the results of four are waited for at once. */
static void add_execution(struct pipeline *pipeline, int64_t execution)
{
	struct error error = { 0 };
	struct store_execution row = { .execution = (uint64_t)execution };
	if (execution >= IN_FLIGHT)
		add_limit(pipeline, pipeline->ended_ns[execution - IN_FLIGHT]);
	row.start_ns = pipeline->free_ns[0];
	add_op(pipeline, (struct store_op){ .lane = 0, .node = GRAPH_INPUT, .execution = (uint64_t)execution, .start_ns = row.start_ns,
		.phase_ns = { [OP_PHASE_WRITE] = 15000 } });
	int64_t ready_ns = pipeline->free_ns[0];
	for (int node = 0; node < N_NODES; node++)
		ready_ns = add_node(pipeline, node, execution, ready_ns, node == 2 && execution >= 2 ? pipeline->ended_ns[execution - 2] : 0);
	pipeline->ended_ns[execution] = row.end_ns = ready_ns;
	if (execution % IN_FLIGHT == IN_FLIGHT - 1)
		add_op(pipeline, (struct store_op){ .lane = 0, .node = GRAPH_OUTPUT, .execution = (uint64_t)execution,
			.start_ns = pipeline->free_ns[0], .phase_ns = { [OP_PHASE_STARVED] = ready_ns - pipeline->free_ns[0] } });
	require(store_execution(pipeline->store, &row, false, &error), &error);
}

static void write_run(struct store *store, const struct program *program, int n_executions, int run)
{
	struct pipeline pipeline = { .store = store, .extra_ns = run * 37000 };
	struct error error = { 0 };
	int64_t start_ns = START_NS + run * SECOND_NS, end_ns = 0;
	require(store_begin_run(store, program, start_ns, &error), &error);
	require(store_begin(store, &error), &error);
	for (int lane = 0; lane < 3; lane++)
		pipeline.free_ns[lane] = start_ns + BEGIN_NS;
	for (int i = 0; i < n_executions; i++)
		add_execution(&pipeline, i);
	for (int lane = 0; lane < 3; lane++)
		end_ns = pipeline.free_ns[lane] > end_ns ? pipeline.free_ns[lane] : end_ns;
	require(store_commit(store, &error), &error);
	require(store_end_run(store, "ok", NULL, end_ns + 50000, &error), &error);
}

/* Names as in the examples. */
static const char names_sql[] =
	"UPDATE node SET name = CASE name WHEN 'n0' THEN 'embed' WHEN 'n1' THEN 'layer0' WHEN 'n2' THEN 'layer1' WHEN 'n3' THEN 'layer2'"
	" WHEN 'n4' THEN 'layer3' WHEN 'n5' THEN 'pool' ELSE name END;"
	"UPDATE edge SET name = (SELECT name FROM node WHERE id = edge.src) || '->' || (SELECT name FROM node WHERE id = edge.dst);";

static void change(struct db *db, const char *sql)
{
	struct error error = { 0 };
	require(db_exec(db, names_sql, &error), &error);
	if (sql)
		require(db_exec(db, sql, &error), &error);
}

void timeline_trace_init(struct timeline_trace *trace, int n_executions, int n_runs, const char *sql)
{
	struct store *store = NULL;
	struct error error = { 0 };
	*trace = (struct timeline_trace){ 0 };
	synthetic_init(&trace->synthetic, 2, 3, IN_FLIGHT, 64);
	require(store_open(trace->synthetic.file, false, &error, &store), &error);
	for (int run = 0; run < n_runs; run++)
		write_run(store, &trace->synthetic.program, n_executions, run);
	change(store_db(store), sql);
	store_close(store);
	struct session_options options = { .files = { trace->synthetic.file } };
	require(session_open(&options, &error, &trace->session), &error);
	require(view_timeline.open(trace->session, &error, &trace->state), &error);
	require(canvas_init(&trace->canvas, 80, 24, &error), &error);
}

void timeline_trace_finish(struct timeline_trace *trace)
{
	view_timeline.close(trace->state);
	session_close(trace->session);
	canvas_finish(&trace->canvas);
	synthetic_finish(&trace->synthetic);
}

static void frame(struct timeline_trace *trace)
{
	struct error error = { 0 };
	pane_clear(canvas_pane(&trace->canvas), LOOK(NONE));
	require(view_timeline.draw(trace->state, trace->session, canvas_pane(&trace->canvas), &error), &error);
}

static void set_mark(struct session *session)
{
	struct session_mark *mark = &session->marks[session->marks[0].is_set];
	*mark = (struct session_mark){ true, session->selection.time_ns, session->selection.lane };
}

void timeline_trace_act(struct timeline_trace *trace, const char *actions)
{
	char *copy = strdup(actions), *rest = NULL;
	for (char *word = strtok_r(copy, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
		char *star = strchr(word, '*');
		int n = star ? atoi(star + 1) : 1;
		if (star)
			*star = '\0';
		for (; n > 0; n--) {
			frame(trace);
			if (strcmp(word, "mark") == 0)
				set_mark(trace->session);
			else
				cr_assert(view_timeline.act(trace->state, trace->session, action_find(word), NULL), "%s means nothing", word);
		}
	}
	free(copy);
	frame(trace);
}

char *timeline_trace_draw(struct timeline_trace *trace, int width, int height)
{
	struct error error = { 0 };
	struct strbuf text = STRBUF_INIT;
	require(canvas_resize(&trace->canvas, width, height, &error), &error);
	frame(trace);
	canvas_print_text(&trace->canvas, false, &text);
	return strbuf_take(&text);
}
