/* SPDX-License-Identifier: Apache-2.0
 *
 * report_findings: the sections that say why: what limits, what a faster node would win, who is to blame, critical paths.
 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/units.h"
#include "engine/graph/graph.h"
#include "traces/report_private.h"

#define ROWS_SHOWN 6         /* in text; the rest is one row */
#define GAINS_MAX 20         /* nodes tried */
#define GAINS_SHOWN 3
#define LIMIT_SHARE 0.01     /* of the driver's time at the limit in flight that is worth a line */
#define LIMIT_GAP 1.1        /* measured period over the model's that is worth a line */

int report_find(struct report *report)
{
	struct db *db = report->trace->db;
	int64_t run = report->run->id;
	int status = STATUS_OK;
	if (!report->options.is_exact)
		status = blame_findings_read(db, run, report->error, &report->has_findings, &report->findings);
	bool is_short = report->options.is_exact || report->n_ops <= BLAME_OPS_MAX;
	if (status == STATUS_OK && !report->has_findings && is_short) {
		status = blame_findings_make(db, run, false, report->error, &report->findings);
		report->has_findings = status == STATUS_OK;
	}
	if (status == STATUS_OK && report->has_findings)
		status = whatif_make(&report->findings.run, &report->findings.paths, report->findings.delivery_ns, GAINS_MAX,
			report->error, &report->whatif);
	return status;
}

int report_find_path(struct report *report)
{
	struct critical_run *run = &report->findings.run;
	int64_t asked = report->options.execution;
	int status = critical_run_load(report->trace->db, report->run->id, report->error, run);
	report->has_findings = report->stats.is_exact = status == STATUS_OK;
	for (int64_t i = 0; status == STATUS_OK && i < run->n_executions; i++) {
		if (run->executions[i].execution == asked)
			return critical_path_make(run, &run->executions[i], &report->path, report->error);
	}
	if (status == STATUS_OK)
		status = error_set(report->error, STATUS_USAGE, "%s: execution %" PRId64 " of run %" PRId64 " is not in it, or has not finished",
			report->trace->file, asked, report->run->id);
	return status;
}

/* -- what limits ------------------------------------------------------------------------------------------------------------ */

static const struct table_column limit_columns[] = {
	{ "worker", TABLE_TEXT }, { "work an execution", TABLE_NS }, { "share", TABLE_SHARE },
};

static int64_t work_of(const struct critical_run *run, int32_t worker)
{
	int64_t ns = 0;
	for (int32_t i = 0; i < run->n_nodes; i++)
		ns += run->nodes[i].worker == worker ? run->nodes[i].mean_work_ns : 0;
	return ns;
}

static int fill_limits(struct report *report, struct table *table)
{
	const struct critical_run *run = &report->findings.run;
	for (int32_t i = 0; report->has_findings && report->findings.n_executions > 1 && i < run->n_workers; i++) {
		table_text(table, run->workers[i]);
		table_int(table, work_of(run, i));
		table_real(table, report->findings.period_ns ? (double)work_of(run, i) / (double)report->findings.period_ns : NAN);
	}
	return STATUS_OK;
}

static double limit_share(const struct report *report)
{
	const struct split_lane *driver = report->split.n_lanes ? &report->split.lanes[GRAPH_DRIVER] : NULL;
	return driver && driver->total_ns ? (double)driver->ns[PHASE_LIMIT] / (double)driver->total_ns : 0;
}

/* The cycle that sets the model's period, in words. */
static void describe_cycle(const struct report *report, struct strbuf *out)
{
	const struct critical_run *run = &report->findings.run;
	const struct whatif *whatif = &report->whatif;
	bool is_one_worker = whatif->n_cycle > 0, goes_round = false;
	for (int i = 0; i < whatif->n_cycle; i++) {
		int32_t node = whatif->cycle[i], next = whatif->cycle[(i + 1) % whatif->n_cycle];
		is_one_worker = is_one_worker && run->nodes[node].worker == run->nodes[whatif->cycle[0]].worker;
		goes_round = goes_round || (node == GRAPH_OUTPUT && next == GRAPH_INPUT);
	}
	if (is_one_worker) {
		strbuf_addf(out, "set by %s, which does ", run->workers[run->nodes[whatif->cycle[0]].worker]);
		strbuf_add(out, "one thing at a time");
		return;
	}
	if (goes_round)
		strbuf_addf(out, "set by the way round\n  with %" PRId64 " in flight (more would help): ", run->in_flight);
	else
		strbuf_add(out, "set by waiting for slots\n  (a larger depth would help): ");
	for (int i = 0; i < whatif->n_cycle && i < ROWS_SHOWN; i++) {
		strbuf_add(out, i ? " > " : "");
		strbuf_add_printable(out, run->nodes[whatif->cycle[i]].name);
	}
	strbuf_add(out, whatif->n_cycle > ROWS_SHOWN ? " > …" : "");
}

static void introduce_limits(struct report *report)
{
	char period[40], model[40];
	struct strbuf *out = report->out;
	double model_ns = report->whatif.period_ns, period_ns = (double)report->findings.period_ns;
	strbuf_addf(out, "  results every %s; at best every %s with the measured times, ",
		units_duration(report->findings.period_ns, period, sizeof(period)), units_duration((int64_t)model_ns, model, sizeof(model)));
	describe_cycle(report, out);
	strbuf_add(out, "\n");
	if (model_ns > 0 && period_ns > LIMIT_GAP * model_ns)
		strbuf_add(out, "  the difference: times that vary, cores that are shared, or a caller that submits late\n");
	if (limit_share(report) > LIMIT_SHARE)
		strbuf_addf(out, "  the driver stood at the limit of %" PRId64 " in flight for %.1f %% of the run\n", report->run->in_flight,
			100 * limit_share(report));
}

#define SECTION(list) list, ARRAY_LEN(list)
const struct report_section report_limits = { "limits", "What limits", NULL, SECTION(limit_columns), fill_limits, introduce_limits };

/* -- what a faster node would win ------------------------------------------------------------------------------------------- */

static const struct table_column whatif_columns[] = {
	{ "node", TABLE_TEXT }, { "worker", TABLE_TEXT }, { "compute", TABLE_NS }, { "latency at most", TABLE_NS },
	{ "period at best", TABLE_NS }, { "throughput at most", TABLE_REAL },
};

static int fill_whatif(struct report *report, struct table *table)
{
	const struct critical_run *run = &report->findings.run;
	int n = report->options.is_json || report->whatif.n_gains < GAINS_SHOWN ? report->whatif.n_gains : GAINS_SHOWN;
	for (int i = 0; report->has_findings && report->findings.paths.n_executions && i < n; i++) {
		const struct whatif_gain *gain = &report->whatif.gains[i];
		table_text(table, run->nodes[gain->node].name);
		table_text(table, run->workers[run->nodes[gain->node].worker]);
		table_int(table, run->nodes[gain->node].mean_compute_ns);
		table_int(table, -gain->latency_ns);
		table_int(table, (int64_t)gain->period_ns);
		table_real(table, gain->period_ns > 0 ? report->whatif.period_ns / gain->period_ns : NAN);
	}
	return STATUS_OK;
}

const struct report_section report_whatif = { "whatif",
	"What half a node's compute would win at most (latency: less by; throughput: times as much, of the model's)", NULL,
	SECTION(whatif_columns), fill_whatif, NULL };

/* -- blame ------------------------------------------------------------------------------------------------------------------ */

static const struct table_column blame_columns[] = {
	{ "victim", TABLE_TEXT }, { "cause", TABLE_TEXT }, { "because of", TABLE_TEXT }, { "on", TABLE_TEXT }, { "which did", TABLE_TEXT },
	{ "time", TABLE_NS }, { "share", TABLE_SHARE },
};

/* The driver waits most of the time, for results: in text only workers are victims. */
static bool is_victim(const struct report *report, const struct blame_row *row)
{
	return report->options.is_json || row->lane != GRAPH_DRIVER;
}

static void add_blame(struct report *report, struct table *table, const struct blame_row *row, double sum_ns)
{
	const struct critical_run *run = &report->findings.run;
	bool is_node = row->root.kind == BLAME_NODE;
	table_text(table, run->workers[row->lane]);
	table_text(table, phase_word((enum phase)row->cause));
	table_text(table, blame_root_name(run, row->root));
	table_text(table, is_node ? run->workers[run->nodes[row->root.idx].worker] : NULL);
	table_text(table, is_node ? phase_word((enum phase)row->root.phase) : row->root.kind == BLAME_EDGE ? "delivery" : NULL);
	table_int(table, row->ns);
	table_real(table, (double)row->ns / sum_ns);
}

static void add_rest(struct table *table, int n_blank, int64_t ns, double share)
{
	table_text(table, "the rest");
	for (int i = 0; i < n_blank; i++)
		table_null(table);
	table_int(table, ns);
	table_real(table, share);
}

static int fill_blame(struct report *report, struct table *table)
{
	const struct blame *blame = &report->findings.blame;
	int64_t sum_ns = 0, rest_ns = 0;
	for (int64_t i = 0; i < blame->n_rows; i++)
		sum_ns += is_victim(report, &blame->rows[i]) ? blame->rows[i].ns : 0;
	for (int64_t i = 0; i < blame->n_rows; i++) {
		if (!is_victim(report, &blame->rows[i]))
			continue;
		if (report->options.is_json || table_n_rows(table) < ROWS_SHOWN)
			add_blame(report, table, &blame->rows[i], (double)sum_ns);
		else
			rest_ns += blame->rows[i].ns;
	}
	if (rest_ns)
		add_rest(table, 4, rest_ns, (double)rest_ns / (double)sum_ns);
	return STATUS_OK;
}

static void introduce_blame(struct report *report)
{
	strbuf_add(report->out, "  delivery: what was waited for was there; waking up, and waiting for a core, included\n");
}

const struct report_section report_blame = { "blame", "Blame: what the workers' waits go back to", NULL, SECTION(blame_columns),
	fill_blame, introduce_blame };

/* -- critical paths --------------------------------------------------------------------------------------------------------- */

static const struct table_column critical_columns[] = {
	{ "where", TABLE_TEXT }, { "on", TABLE_TEXT }, { "kind", TABLE_TEXT }, { "role", TABLE_TEXT }, { "an execution", TABLE_NS },
	{ "share", TABLE_SHARE },
};

static const char *owner_name(const struct critical_run *run, enum critical_role role, int32_t node, int32_t edge)
{
	if (role == CRITICAL_CALLER)
		return "caller";
	if (role == CRITICAL_EDGE && edge != CRITICAL_NONE)
		return run->edges[edge].name;
	return node == CRITICAL_NONE ? NULL : run->nodes[node].name;
}

static const char *owner_worker(const struct critical_run *run, enum critical_role role, int32_t node)
{
	return node == CRITICAL_NONE || role == CRITICAL_CALLER ? NULL : run->workers[run->nodes[node].worker];
}

/* What the path of an edge says: the reader is on the edge's name. */
static void add_owner(struct table *table, const struct critical_run *run, enum critical_role role, enum phase kind, int32_t node,
	int32_t edge)
{
	static const char *const roles[] = {
		[CRITICAL_OWN] = "itself", [CRITICAL_EDGE] = "delivery", [CRITICAL_QUEUE] = "in the way", [CRITICAL_HELD] = "held the slot",
		[CRITICAL_CALLER] = "outside",
	};
	table_text(table, owner_name(run, role, node, edge));
	table_text(table, owner_worker(run, role, role == CRITICAL_EDGE && edge != CRITICAL_NONE ? run->edges[edge].dst : node));
	table_text(table, phase_word(kind));
	table_text(table, roles[role]);
}

static int fill_critical(struct report *report, struct table *table)
{
	const struct critical_summary *paths = &report->findings.paths;
	int64_t n = report->has_findings ? paths->n_executions : 0, rest_ns = 0;
	for (int i = 0; i < paths->n_shares && n > 0; i++) {
		const struct critical_share *share = &paths->shares[i];
		if (!report->options.is_json && i >= ROWS_SHOWN) {
			rest_ns += share->ns;
			continue;
		}
		add_owner(table, &report->findings.run, share->role, share->kind, share->node, share->edge);
		table_int(table, share->ns / n);
		table_real(table, (double)share->ns / (double)paths->ns);
	}
	if (rest_ns)
		add_rest(table, 3, rest_ns / n, (double)rest_ns / (double)paths->ns);
	return STATUS_OK;
}

static void introduce_critical(struct report *report)
{
	char latency[40];
	const struct critical_summary *paths = &report->findings.paths;
	strbuf_addf(report->out, "  mean of %" PRId64 " executions, sums to their mean latency of %s; --execution N shows one\n",
		paths->n_executions, units_duration(paths->ns / paths->n_executions, latency, sizeof(latency)));
}

const struct report_section report_critical = { "critical_path", "Critical path", NULL, SECTION(critical_columns), fill_critical,
	introduce_critical };

static const struct table_column path_columns[] = {
	{ "start", TABLE_NS }, { "duration", TABLE_NS }, { "share", TABLE_SHARE }, { "where", TABLE_TEXT }, { "on", TABLE_TEXT },
	{ "kind", TABLE_TEXT }, { "role", TABLE_TEXT }, { "execution", TABLE_INT },
};

static int fill_path(struct report *report, struct table *table)
{
	const struct critical_path *path = &report->path;
	int64_t sum_ns = 0;
	for (int i = 0; i < path->n_steps; i++)
		sum_ns += path->steps[i].duration_ns;
	for (int i = 0; i < path->n_steps; i++) {
		const struct critical_step *step = &path->steps[i];
		table_int(table, step->start_ns - path->steps[0].start_ns);
		table_int(table, step->duration_ns);
		table_real(table, (double)step->duration_ns / (double)sum_ns);
		add_owner(table, &report->findings.run, step->role, step->kind, step->node, step->edge);
		table_int(table, step->execution);
	}
	return STATUS_OK;
}

static void introduce_path(struct report *report)
{
	char latency[40];
	const struct critical_step *steps = report->path.steps, *last = &steps[report->path.n_steps - 1];
	strbuf_addf(report->out, "  execution %" PRId64 ", %s from submit to results; the steps sum to it\n", report->options.execution,
		units_duration(last->start_ns + last->duration_ns - steps->start_ns, latency, sizeof(latency)));
}

const struct report_section report_path = { "path", "Critical path of one execution", "The execution took no time.",
	SECTION(path_columns), fill_path, introduce_path };
