/* SPDX-License-Identifier: Apache-2.0
 *
 * opstats: the pass over op_event, then quantiles, fills and comparisons from what it kept.
 */
#include "traces/opstats.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/graph/graph.h"

#define OPSTATS_SHOWN_EXCESS 0.05 /* of the execution's duration: less does not stand out */

/* What the pass keeps of a node. */
struct kept {
	struct kept_op {
		int64_t execution, end_ns, compute_ns;
		int64_t handed_ns; /* when its inputs were released and its outputs about to be published */
	} *ops;
	int64_t n, capacity;
};

struct pass {
	struct db *db;
	int64_t run;
	int64_t first_execution;         /* the first one that is no warm-up */
	struct opstats *stats;
	struct kept *kept;               /* [n_nodes] */
	struct slow_op {
		int64_t execution, phase_ns[OP_PHASE_COUNT];
		int node;
	} *slow_ops;                     /* ops of the slowest executions */
	int n_slow_ops, slow_capacity;
	struct error *error;
};

static int out_of_memory(struct pass *pass)
{
	return error_set(pass->error, STATUS_NO_MEMORY, "no memory for the ops of the trace");
}

/* `items` with room for one more than `n`; NULL when memory is out, then `items` is still the caller's. */
static void *grow(void *items, int64_t n, size_t item_bytes)
{
	return realloc(items, (size_t)(n + 1) * item_bytes);
}

static char *copy_text(struct db_stmt *stmt, int column)
{
	const char *text = db_column_text(stmt, column);
	return text ? strdup(text) : NULL;
}

/* Calls `read` for each row of `sql`, whose first parameter is the run. */
static int each_row(struct pass *pass, const char *sql, int (*read)(struct pass *, struct db_stmt *))
{
	struct db_stmt *stmt = NULL;
	bool has_row = false;
	int status = db_prepare(pass->db, sql, NULL, pass->error, &stmt);
	if (status == STATUS_OK)
		db_bind_int(stmt, 1, pass->run);
	while (status == STATUS_OK && (status = db_step(stmt, &has_row, pass->error)) == STATUS_OK && has_row)
		status = read(pass, stmt);
	db_finish(stmt);
	return status;
}

static int read_node(struct pass *pass, struct db_stmt *stmt)
{
	struct opstats *stats = pass->stats;
	struct opstats_node *nodes = grow(stats->nodes, stats->n_nodes, sizeof(*nodes));
	if (!nodes)
		return out_of_memory(pass);
	stats->nodes = nodes;
	nodes[stats->n_nodes++] = (struct opstats_node){ .id = db_column_int(stmt, 0), .name = copy_text(stmt, 1),
		.op = copy_text(stmt, 2), .worker = copy_text(stmt, 3) };
	return STATUS_OK;
}

static int read_slow(struct pass *pass, struct db_stmt *stmt)
{
	struct opstats *stats = pass->stats;
	struct opstats_slow *slow = grow(stats->slow, stats->n_slow, sizeof(*slow));
	if (!slow)
		return out_of_memory(pass);
	stats->slow = slow;
	slow[stats->n_slow++] = (struct opstats_slow){ .execution = db_column_int(stmt, 0),
		.start_ns = db_column_int(stmt, 1), .duration_ns = db_column_int(stmt, 2) };
	return STATUS_OK;
}

static bool is_slow(const struct opstats *stats, int64_t execution)
{
	for (int i = 0; i < stats->n_slow; i++) {
		if (stats->slow[i].execution == execution)
			return true;
	}
	return false;
}

static int keep_slow_op(struct pass *pass, struct db_stmt *stmt, int node, int64_t execution)
{
	struct slow_op *ops = grow(pass->slow_ops, pass->n_slow_ops, sizeof(*ops));
	if (!ops)
		return out_of_memory(pass);
	pass->slow_ops = ops;
	struct slow_op *op = &ops[pass->n_slow_ops++];
	*op = (struct slow_op){ .execution = execution, .node = node };
	for (int i = 0; i < OP_PHASE_COUNT; i++)
		op->phase_ns[i] = db_column_int(stmt, 3 + i);
	return STATUS_OK;
}

static int keep_op(struct pass *pass, int node, struct kept_op op)
{
	struct kept *kept = &pass->kept[node];
	if (kept->n == kept->capacity) {
		int64_t capacity = kept->capacity ? 2 * kept->capacity : 256;
		struct kept_op *ops = realloc(kept->ops, (size_t)capacity * sizeof(*ops));
		if (!ops)
			return out_of_memory(pass);
		kept->ops = ops;
		kept->capacity = capacity;
	}
	kept->ops[kept->n++] = op;
	return STATUS_OK;
}

/* Ids of a run's nodes are consecutive. */
static int node_index(const struct opstats *stats, int64_t id)
{
	int64_t idx = stats->n_nodes ? id - stats->nodes[0].id : -1;
	return idx >= 0 && idx < stats->n_nodes ? (int)idx : -1;
}

static int read_op(struct pass *pass, struct db_stmt *stmt)
{
	struct opstats *stats = pass->stats;
	int node = node_index(stats, db_column_int(stmt, 0));
	int64_t execution = db_column_int(stmt, 1);
	if (node < 0)
		return error_set(pass->error, STATUS_TRACE, "an op of node id %lld, which is not of this run",
			(long long)db_column_int(stmt, 0));
	if (execution < pass->first_execution)
		return STATUS_OK;
	for (int i = 0; i < OP_PHASE_COUNT; i++)
		stats->nodes[node].sum_ns[i] += db_column_int(stmt, 3 + i);
	struct kept_op op = { .execution = execution, .end_ns = db_column_int(stmt, 2),
		.compute_ns = db_column_int(stmt, 3 + OP_PHASE_COMPUTE) + db_column_int(stmt, 3 + OP_PHASE_COLLECTIVE) };
	/* The driver's `input` writes into the slots and then publishes; for workers `write` is waking those who sleep for the message. */
	op.handed_ns = op.end_ns - (node == GRAPH_INPUT ? 0 : db_column_int(stmt, 3 + OP_PHASE_WRITE));
	int status = keep_op(pass, node, op);
	if (status == STATUS_OK && is_slow(stats, execution))
		status = keep_slow_op(pass, stmt, node, execution);
	return status;
}

static int read_sum(struct pass *pass, struct db_stmt *stmt)
{
	int node = node_index(pass->stats, db_column_int(stmt, 0));
	int64_t kind = db_column_int(stmt, 1);
	if (node >= 0 && kind < PHASE_COUNT)
		pass->stats->nodes[node].sum_ns[schema_op_phase((enum phase)kind)] += db_column_int(stmt, 2);
	else if (node >= 0 && kind == SPAN_KIND_OP)
		pass->stats->nodes[node].n += db_column_int(stmt, 3);
	return STATUS_OK;
}

static int compare_ns(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

int64_t opstats_quantile(const int64_t *sorted, int64_t n, double q)
{
	if (n == 0)
		return 0;
	int64_t rank = (int64_t)(q * (double)n);
	if ((double)rank < q * (double)n)
		rank++;
	return sorted[rank < 1 ? 0 : rank > n ? n - 1 : rank - 1];
}

static int measure_node(struct pass *pass, int node)
{
	struct kept *kept = &pass->kept[node];
	struct opstats_node *stats = &pass->stats->nodes[node];
	int64_t *values = malloc((size_t)(kept->n + 1) * sizeof(*values));
	if (!values)
		return out_of_memory(pass);
	for (int64_t i = 0; i < kept->n; i++)
		values[i] = kept->ops[i].compute_ns;
	qsort(values, (size_t)kept->n, sizeof(*values), compare_ns);
	stats->n = kept->n;
	stats->median_ns = opstats_quantile(values, kept->n, 0.5);
	stats->p99_ns = opstats_quantile(values, kept->n, 0.99);
	stats->max_ns = opstats_quantile(values, kept->n, 1);
	free(values);
	return STATUS_OK;
}

/* Both sequences ascend when the run was in order; a message that is not in order only moves the edges of the count. */
void opstats_fill(const struct opstats_message *messages, int64_t n, double *ret_mean, int64_t *ret_max)
{
	double sum_ns = 0;
	int64_t n_released = 0, max = 0;
	for (int64_t i = 0; i < n; i++) {
		sum_ns += (double)(messages[i].released_ns - messages[i].written_ns);
		while (n_released < i && messages[n_released].released_ns <= messages[i].written_ns)
			n_released++;
		if (i + 1 - n_released > max)
			max = i + 1 - n_released;
	}
	double span_ns = n ? (double)(messages[n - 1].released_ns - messages[0].written_ns) : 0;
	*ret_mean = span_ns > 0 ? sum_ns / span_ns : 0;
	*ret_max = max;
}

/* Moves *at to the first op of `execution` or later; true when it is that execution. */
static bool seek(const struct kept *kept, int64_t execution, int64_t *at)
{
	while (*at < kept->n && kept->ops[*at].execution < execution)
		++*at;
	return *at < kept->n && kept->ops[*at].execution == execution;
}

/* The messages of a writer that all readers' ops have used, in order of executions. */
static int64_t match_messages(const struct pass *pass, const int *readers, int n_readers, const struct kept *writer,
	int64_t *cursors, struct opstats_message *messages)
{
	int64_t n = 0;
	for (int64_t i = 0; i < writer->n; i++) {
		struct opstats_message message = { .written_ns = writer->ops[i].handed_ns, .released_ns = INT64_MIN };
		bool is_whole = true;
		for (int k = 0; k < n_readers && is_whole; k++) {
			const struct kept *reader = &pass->kept[readers[k]];
			is_whole = seek(reader, writer->ops[i].execution, &cursors[k]);
			if (is_whole && reader->ops[cursors[k]].handed_ns > message.released_ns)
				message.released_ns = reader->ops[cursors[k]].handed_ns;
		}
		if (is_whole && message.released_ns >= message.written_ns)
			messages[n++] = message;
	}
	return n;
}

/* Node indices of the readers of channel `id`, to be freed by the caller. */
static int find_readers(struct pass *pass, int64_t id, int **ret_readers, int *ret_n)
{
	struct db_stmt *stmt = NULL;
	bool has_row = false;
	int *readers = NULL, n = 0;
	int status = db_prepare(pass->db, "SELECT DISTINCT dst FROM edge WHERE channel = ?", NULL, pass->error, &stmt);
	if (status == STATUS_OK)
		db_bind_int(stmt, 1, id);
	while (status == STATUS_OK && (status = db_step(stmt, &has_row, pass->error)) == STATUS_OK && has_row) {
		int node = node_index(pass->stats, db_column_int(stmt, 0));
		int *more = node < 0 ? NULL : grow(readers, n, sizeof(*more));
		if (node >= 0 && !more) {
			status = out_of_memory(pass);
			break;
		}
		if (node >= 0) {
			readers = more;
			readers[n++] = node;
		}
	}
	db_finish(stmt);
	*ret_readers = readers;
	*ret_n = n;
	return status;
}

static int measure_channel(struct pass *pass, int64_t id, int writer, struct opstats_channel *channel)
{
	int *readers = NULL, n_readers = 0;
	int status = find_readers(pass, id, &readers, &n_readers);
	struct opstats_message *messages = malloc((size_t)(pass->kept[writer].n + 1) * sizeof(*messages));
	int64_t *cursors = calloc((size_t)n_readers + 1, sizeof(*cursors));
	if (status == STATUS_OK && (!messages || !cursors))
		status = out_of_memory(pass);
	if (status == STATUS_OK && n_readers) {
		channel->n = match_messages(pass, readers, n_readers, &pass->kept[writer], cursors, messages);
		opstats_fill(messages, channel->n, &channel->mean_fill, &channel->max_fill);
	}
	free(readers);
	free(messages);
	free(cursors);
	return status;
}

static int read_channel(struct pass *pass, struct db_stmt *stmt)
{
	struct opstats *stats = pass->stats;
	int writer = node_index(stats, db_column_int(stmt, 1));
	struct opstats_channel *channels = grow(stats->channels, stats->n_channels, sizeof(*channels));
	if (!channels)
		return out_of_memory(pass);
	stats->channels = channels;
	struct opstats_channel *channel = &channels[stats->n_channels++];
	*channel = (struct opstats_channel){ .name = copy_text(stmt, 2), .transport = copy_text(stmt, 3),
		.depth = db_column_int(stmt, 4), .payload_bytes = db_column_int(stmt, 5), .writer = copy_text(stmt, 6) };
	return writer < 0 || !stats->is_exact ? STATUS_OK : measure_channel(pass, db_column_int(stmt, 0), writer, channel);
}

static int64_t mean_of(const struct opstats_node *node, int phase)
{
	return node->n ? node->sum_ns[phase] / node->n : 0;
}

static void blame(struct opstats_slow *slow, const struct opstats_node *node, int phase, int64_t execution, int64_t ns)
{
	static const char *const words[] = {
#define X(name, word) word,
		OP_PHASE_MAP(X)
#undef X
	};
	slow->phase = words[phase];
	slow->node = node->name;
	slow->worker = node->worker;
	slow->culprit = execution;
	slow->phase_ns = ns;
	slow->mean_ns = mean_of(node, phase);
}

static int64_t least_excess(const struct opstats_slow *slow)
{
	return (int64_t)(OPSTATS_SHOWN_EXCESS * (double)slow->duration_ns);
}

/* The phase of one of its own ops that exceeds the node's mean most, among waits or among the others. */
static void blame_own(struct pass *pass, struct opstats_slow *slow, bool waits)
{
	int64_t best_ns = least_excess(slow);
	for (int i = 0; i < pass->n_slow_ops; i++) {
		const struct slow_op *op = &pass->slow_ops[i];
		const struct opstats_node *node = &pass->stats->nodes[op->node];
		for (int phase = 0; phase < OP_PHASE_COUNT && op->execution == slow->execution; phase++) {
			int64_t excess_ns = op->phase_ns[phase] - mean_of(node, phase);
			if ((phase <= OP_PHASE_LATE_RANK) != waits || excess_ns <= best_ns)
				continue;
			best_ns = excess_ns;
			blame(slow, node, phase, op->execution, op->phase_ns[phase]);
		}
	}
}

/* The op of another execution that computed longest beyond its mean and ended while this one was in flight. */
static void blame_neighbours(struct pass *pass, struct opstats_slow *slow)
{
	int64_t best_ns = least_excess(slow), end_ns = slow->start_ns + slow->duration_ns;
	for (int i = 0; i < pass->stats->n_nodes; i++) {
		const struct opstats_node *node = &pass->stats->nodes[i];
		int64_t mean_ns = mean_of(node, OP_PHASE_COMPUTE) + mean_of(node, OP_PHASE_COLLECTIVE);
		for (int64_t k = 0; k < pass->kept[i].n; k++) {
			const struct kept_op *op = &pass->kept[i].ops[k];
			if (op->end_ns < slow->start_ns || op->end_ns > end_ns || op->compute_ns - mean_ns <= best_ns)
				continue;
			best_ns = op->compute_ns - mean_ns;
			blame(slow, node, OP_PHASE_COMPUTE, op->execution, op->compute_ns);
		}
	}
}

/* Where the op itself was at work comes first, then what it stood behind: waits mostly repeat what happened elsewhere. */
static void explain_slow(struct pass *pass, struct opstats_slow *slow)
{
	blame_own(pass, slow, false);
	if (!slow->phase)
		blame_neighbours(pass, slow);
	if (!slow->phase)
		blame_own(pass, slow, true);
}

static int read_first(struct pass *pass, struct db_stmt *stmt)
{
	pass->first_execution = db_column_int(stmt, 0);
	return STATUS_OK;
}

static int read_all(struct pass *pass, int n_slowest)
{
	char slowest[200];
	snprintf(slowest, sizeof(slowest), "SELECT execution, start_ns, end_ns - start_ns AS ns FROM execution WHERE run = ?"
		" AND ns IS NOT NULL AND NOT is_warmup ORDER BY ns DESC LIMIT %d", n_slowest);
	int status = each_row(pass, "SELECT n.id, n.name, n.op, w.name FROM node n JOIN worker w ON w.id = n.worker"
		" WHERE n.run = ? ORDER BY n.id", read_node);
	if (status == STATUS_OK)
		status = each_row(pass, slowest, read_slow);
	pass->kept = calloc((size_t)pass->stats->n_nodes + 1, sizeof(*pass->kept));
	if (status == STATUS_OK && !pass->kept)
		status = out_of_memory(pass);
	if (status == STATUS_OK)
		status = each_row(pass, "SELECT min(execution) FROM execution WHERE run = ? AND NOT is_warmup", read_first);
#define X(name, word) ", " word "_ns"
	if (status == STATUS_OK && pass->stats->is_exact)
		return each_row(pass, "SELECT node, execution, start_ns + duration_ns" OP_PHASE_MAP(X)
			" FROM op_event WHERE run = ?", read_op);
#undef X
	if (status == STATUS_OK)
		status = each_row(pass, "SELECT s.node, s.kind, s.ns, s.n FROM summary s JOIN lane l ON l.id = s.lane"
			" WHERE l.run = ? AND s.node > 0", read_sum);
	return status;
}

int opstats_make(const struct trace *trace, int64_t run, int n_slowest, bool is_exact, struct error *error,
	struct opstats *ret_stats)
{
	struct opstats stats = { .is_exact = is_exact };
	struct pass pass = { .db = trace->db, .run = run, .stats = &stats, .error = error };
	int status = read_all(&pass, n_slowest);
	for (int i = 0; status == STATUS_OK && is_exact && i < stats.n_nodes; i++)
		status = measure_node(&pass, i);
	if (status == STATUS_OK)
		status = each_row(&pass,
			"SELECT c.id, c.node, c.name, c.transport, c.depth, c.payload_bytes, w.name FROM channel c"
			" JOIN node n ON n.id = c.node JOIN worker w ON w.id = n.worker WHERE c.run = ? ORDER BY c.id",
			read_channel);
	for (int i = 0; status == STATUS_OK && is_exact && i < stats.n_slow; i++)
		explain_slow(&pass, &stats.slow[i]);
	for (int i = 0; pass.kept && i < stats.n_nodes; i++)
		free(pass.kept[i].ops);
	free(pass.kept);
	free(pass.slow_ops);
	if (status != STATUS_OK) {
		opstats_finish(&stats);
		return status;
	}
	*ret_stats = stats;
	return STATUS_OK;
}

void opstats_finish(struct opstats *stats)
{
	for (int i = 0; i < stats->n_nodes; i++) {
		free(stats->nodes[i].name);
		free(stats->nodes[i].op);
		free(stats->nodes[i].worker);
	}
	for (int i = 0; i < stats->n_channels; i++) {
		free(stats->channels[i].name);
		free(stats->channels[i].writer);
		free(stats->channels[i].transport);
	}
	free(stats->nodes);
	free(stats->channels);
	free(stats->slow);
	*stats = (struct opstats){ 0 };
}
