/* SPDX-License-Identifier: Apache-2.0
 *
 * two_runs: a simulation with round numbers.
 */
#include "tests/viewers/two_runs.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "traces/blame_findings.h"
#include "viewers/canvas_print.h"

#define US 1000
#define N_NODES 4      /* n0, n1 on w0; n2, n3 on w1 */
#define IN_FLIGHT 4
#define DEPTH 2        /* of n1's output */
#define DELIVERY_NS (5 * US)
#define RECORDS_MAX 4096
#define EXECUTIONS_MAX 400

struct simulation {
	bool is_interpreted;
	struct record records[3][RECORDS_MAX];
	uint32_t n[3];
	int64_t free_ns[3], done_ns[N_NODES][EXECUTIONS_MAX];
};

static void add(struct simulation *sim, uint32_t lane, struct record record)
{
	cr_assert(sim->n[lane] < RECORDS_MAX);
	sim->records[lane][sim->n[lane]++] = record;
}

static void add_wait(struct simulation *sim, uint32_t lane, enum phase cause, uint32_t node, int execution, int64_t start_ns, int64_t ns,
	uint32_t edge, uint32_t peer)
{
	if (ns > US)
		add(sim, lane, synthetic_wait(cause, node, (uint64_t)execution, start_ns, ns, edge, PROGRAM_NONE, peer));
}

/* n2 takes longest, and in every tenth execution much longer. */
static int64_t compute_ns(int node, int execution)
{
	static const int64_t base_us[N_NODES] = { 300, 200, 600, 100 };
	return (base_us[node] + (execution * 37 + node * 11) % 7 * 5 + (node == 2 && execution % 10 == 7 ? 900 : 0)) * US;
}

static void run_node(struct simulation *sim, int node, int execution, int64_t ready_ns)
{
	static const enum phase phases[] = { PHASE_STARVED, PHASE_DISPATCH, PHASE_ALLOCATE, PHASE_BACKPRESSURE, PHASE_COMPUTE,
		PHASE_SERIALISE,
		PHASE_WRITE };
	uint32_t lane = node < 2 ? 1 : 2;
	int64_t at = sim->free_ns[lane], held_ns = node == 1 && execution >= DEPTH ? sim->done_ns[2][execution - DEPTH] : 0;
	int64_t ns[7] = { ready_ns + DELIVERY_NS > at ? ready_ns + DELIVERY_NS - at : 0, sim->is_interpreted ? 40 * US : 0,
		sim->is_interpreted ? 10 * US : 0, 0, compute_ns(node, execution), sim->is_interpreted ? 12 * US : 0, 10 * US };
	int64_t before = at + ns[0] + ns[1] + ns[2];
	ns[3] = held_ns > before ? held_ns - before : 0;
	add_wait(sim, lane, PHASE_STARVED, (uint32_t)node + 2, execution, at, ns[0], (uint32_t)node, node == 2 ? 1 : 0);
	add_wait(sim, lane, PHASE_BACKPRESSURE, (uint32_t)node + 2, execution, before, ns[3], 2, 2);
	add(sim, lane, synthetic_op((uint32_t)node + 2, (uint64_t)execution, at, 7, phases, ns));
	for (int i = 0; i < 7; i++)
		at += ns[i];
	sim->free_ns[lane] = sim->done_ns[node][execution] = at;
}

static void take_result(struct simulation *sim, int execution)
{
	static const enum phase starved = PHASE_STARVED;
	int64_t at = sim->free_ns[0], ready_ns = sim->done_ns[N_NODES - 1][execution] + DELIVERY_NS,
		ns = ready_ns > at ? ready_ns - at : 0;
	add_wait(sim, 0, PHASE_STARVED, 1, execution, at, ns, N_NODES, 2);
	add(sim, 0, synthetic_op(GRAPH_OUTPUT, (uint64_t)execution, at, 1, &starved, &ns));
	sim->free_ns[0] = at + ns;
	add(sim, 0, synthetic_finish_record((uint64_t)execution, sim->free_ns[0], STATUS_OK, 0));
}

static void simulate(struct simulation *sim, int n_executions)
{
	static const enum phase write = PHASE_WRITE;
	const int64_t written_ns = 20 * US;
	for (int i = 0; i < 3; i++)
		sim->free_ns[i] = 100 * US;
	for (int execution = 0; execution < n_executions; execution++) {
		if (execution >= IN_FLIGHT)
			take_result(sim, execution - IN_FLIGHT);
		int64_t at = sim->free_ns[0];
		add(sim, 0, synthetic_submit((uint64_t)execution, at));
		add(sim, 0, synthetic_op(GRAPH_INPUT, (uint64_t)execution, at, 1, &write, &written_ns));
		sim->free_ns[0] = at + written_ns;
		for (int node = 0; node < N_NODES; node++)
			run_node(sim, node, execution, node ? sim->done_ns[node - 1][execution] : sim->free_ns[0]);
	}
	for (int execution = n_executions > IN_FLIGHT ? n_executions - IN_FLIGHT : 0; execution < n_executions; execution++)
		take_result(sim, execution);
}

static void record_run(struct synthetic_intake *target, const struct two_runs_options *options, int run)
{
	struct error error = { 0 };
	struct simulation *sim = calloc(1, sizeof(*sim));
	int64_t end_ns = 1000 * US;
	cr_assert(sim && options->n_executions <= EXECUTIONS_MAX);
	sim->is_interpreted = run == 1;
	if (options->n_executions)
		simulate(sim, options->n_executions);
	for (uint32_t lane = 0; lane < 3; lane++) {
		if (sim->n[lane])
			synthetic_intake_enter(target, lane, sim->records[lane], sim->n[lane]);
		end_ns = sim->free_ns[lane] + 200 * US > end_ns ? sim->free_ns[lane] + 200 * US : end_ns;
	}
	synthetic_intake_end(target, end_ns);
	cr_assert(db_exec(store_db(target->store), "UPDATE channel SET depth = 2 WHERE name LIKE 'n1%'", &error) == STATUS_OK,
		"%s", error.text);
	if (!options->has_no_roots)
		cr_assert(blame_findings_record(store_db(target->store), run + 1, &error) == STATUS_OK, "%s", error.text);
	free(sim);
}

void two_runs_open(struct two_runs *runs, const struct two_runs_options *options, const struct view *view)
{
	struct synthetic_intake target;
	struct error error = { 0 };
	struct synthetic *synthetic = &runs->synthetic;
	synthetic_init(synthetic, 2, 2, IN_FLIGHT, 64);
	synthetic_use_ns();
	synthetic_intake_init(&target, synthetic, synthetic->file, 0);
	for (int run = 0; run < options->n_runs; run++) {
		if (run)
			synthetic_intake_next(&target, synthetic, 0);
		record_run(&target, options, run);
	}
	if (options->n_runs > 1)
		cr_assert(db_exec(store_db(target.store), "UPDATE run SET mode = 'interpreted' WHERE id = 2",
			&error) == STATUS_OK, "%s", error.text);
	if (options->sql)
		cr_assert(db_exec(store_db(target.store), options->sql, &error) == STATUS_OK, "%s", error.text);
	cr_assert(store_seal(target.store, NULL) == STATUS_OK);
	synthetic_intake_finish(&target);
	two_runs_open_file(runs, synthetic->file, view);
}

void two_runs_open_file(struct two_runs *runs, const char *file, const struct view *view)
{
	struct error error = { 0 };
	struct session_options options = { .files = { file } };
	cr_assert(session_open(&options, &error, &runs->session) == STATUS_OK, "%s", error.text);
	runs->view = view;
	runs->state = NULL;
	cr_assert(view->open(runs->session, &error, &runs->state) == STATUS_OK, "%s", error.text);
	cr_assert(canvas_init(&runs->canvas, 1, 1, &error) == STATUS_OK);
}

void two_runs_close(struct two_runs *runs)
{
	runs->view->close(runs->state);
	canvas_finish(&runs->canvas);
	session_close(runs->session);
	if (runs->synthetic.folder[0])
		synthetic_finish(&runs->synthetic);
}

void two_runs_draw(struct two_runs *runs, int width, int height)
{
	struct error error = { 0 };
	cr_assert(canvas_resize(&runs->canvas, width, height, &error) == STATUS_OK);
	int status = runs->view->draw(runs->state, runs->session, canvas_pane(&runs->canvas), &error);
	cr_assert(status == STATUS_OK, "%d × %d: %s", width, height, error.text);
}

bool two_runs_act(struct two_runs *runs, enum action action)
{
	struct event event = { .kind = EVENT_KEY };
	return runs->view->act(runs->state, runs->session, action, &event);
}

char *two_runs_text(const struct two_runs *runs)
{
	struct strbuf out = STRBUF_INIT;
	canvas_print_text(&runs->canvas, false, &out);
	return strbuf_take(&out);
}

bool two_runs_shows(const struct two_runs *runs, const char *text)
{
	char *screen = two_runs_text(runs);
	bool shows = strstr(screen, text) != NULL;
	free(screen);
	return shows;
}

static char *read_file(const char *path)
{
	FILE *file = fopen(path, "r");
	char *text = calloc(1, 1 << 20);
	cr_assert(text);
	if (file) {
		size_t n = fread(text, 1, (1 << 20) - 1, file);
		text[n] = '\0';
		fclose(file);
	}
	return text;
}

static void compare_with(const char *path, const char *screen)
{
	if (getenv("TANDEM_UPDATE_GOLDEN")) {
		FILE *file = fopen(path, "w");
		cr_assert(file, "%s cannot be written", path);
		fputs(screen, file);
		fclose(file);
	}
	char *wanted = read_file(path);
	cr_expect(strcmp(screen, wanted) == 0, "%s differs; the screen is\n%s\nexpected\n%s", path, screen, wanted);
	free(wanted);
}

void two_runs_golden(struct two_runs *runs, const char *name, int width, int height, bool is_coloured)
{
	char path[500];
	struct strbuf out = STRBUF_INIT;
	const char *root = getenv("TANDEM_SOURCE_ROOT");
	two_runs_draw(runs, width, height);
	canvas_print_text(&runs->canvas, false, &out);
	snprintf(path, sizeof(path), "%s/tests/viewers/golden/%s-%dx%d.txt", root ? root : ".", name, width, height);
	compare_with(path, strbuf_text(&out));
	strbuf_clear(&out);
	canvas_print_ansi(&runs->canvas, theme_find("dark"), false, &out);
	snprintf(path, sizeof(path), "%s/tests/viewers/golden/%s-%dx%d.ansi", root ? root : ".", name, width, height);
	if (is_coloured)
		compare_with(path, strbuf_text(&out));
	strbuf_finish(&out);
}
