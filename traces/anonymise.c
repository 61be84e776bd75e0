/* SPDX-License-Identifier: Apache-2.0
 *
 * anonymise: texts are never copied and then overwritten: each table is filled with what it may say. What other tables derive from names (findings,
 * sums by name) is computed anew from the pseudonyms.
 */
#include "traces/anonymise.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/attributes.h"
#include "engine/base/strbuf.h"
#include "engine/ops/ops.h"
#include "engine/run/record.h"
#include "traces/gpu_analyses.h"
#include "traces/trace_copy.h"

struct anonymise {
	struct trace_copy copy;
	const struct anonymise_options *options;
	struct anonymise_result *result;
	struct error *error;
};

/* -- texts of spans, counters, arguments ------------------------------------------------------------------------------------ */

/* What the formats say by themselves. */
static const char public_texts[] =
	"'cpu_op','kernel','gpu_memcpy','gpu_memset','cuda_runtime','cuda_driver','cuda_sync','cuda_event','user_annotation',"
		"'gpu_user_annotation',"
	"'python_function','overhead','Runtime','Kernel','Operator','Memcpy','Memset','ac2g','fwdbwd','NVTX','task','lane','phase','wait','…',"
	"'Collective name','In msg nelems','Out msg nelems','Group size','dtype','Rank','Process Group Name','Process Group Description',"
	"'Process Group Ranks','Seq','Comms Id','Src Rank','Dst Rank','HtoD','DtoH','DtoD','HtoH','PtoP','HtoA','AtoH','AtoD','DtoA','AtoA',"
	"'allreduce','all_reduce','allgather','_allgather_base','all_gather','broadcast','reduce','reduce_scatter','_reduce_scatter_base',"
	"'all_to_all','all_to_allv','send','recv','barrier','gather','scatter','Float','Half','BFloat16','Double','Int','Long',"
		"'Byte','Char','Bool'";

/* Roles of a text, the first that fits counts: X(word, which ids). */
static const struct role {
	const char *word, *ids;
	bool is_kernel;
} roles[] = {
	{ "collective", "SELECT name FROM other.span WHERE kind = 102 AND class = 1", true },
	{ "kernel", "SELECT name FROM other.span WHERE kind = 102", true },
	{ "call", "SELECT name FROM other.span WHERE kind = 105", false },
	{ "copy", "SELECT name FROM other.span WHERE kind IN (103, 104) UNION SELECT copy_kind FROM other.gpu_activity", false },
	{ "counter", "SELECT name FROM other.counter", false },
	{ "category", "SELECT category FROM other.span", false },
	{ "argument", "SELECT name FROM other.arg", false },
	{ "value", "SELECT value FROM other.arg", false },
	{ "mark", "SELECT name FROM other.span", false },
};

/* "Memcpy HtoD (Pinned -> Device)", names of CUDA's and HIP's calls, numbers, steps of PyTorch's profiler. */
#define IS_PUBLIC \
	"(text IN (%s) OR (text NOT GLOB '*[^0-9.-]*' AND length(text) < 21) OR text GLOB 'ProfilerStep#[0-9]*' AND substr(text," \
		" 14) NOT GLOB '*[^0-9]*'" \
	" OR (role = 2 AND (text GLOB 'cuda[A-Z]*' OR text GLOB 'cu[A-Z]*' OR text GLOB 'hip[A-Z]*') AND text NOT GLOB '*[^A-Za-z0-9_]*')" \
	" OR (role = 3 AND (text GLOB 'Mem[cs]* ?to? (* -> *)' OR text GLOB '?to? (* -> *)' OR text GLOB 'Memset (*)') AND text " \
		"NOT GLOB '*[^A-Za-z() >-]*'" \
	" AND length(text) < 48))"

static int find_roles(struct anonymise *anonymise)
{
	int status = trace_copy_run(&anonymise->copy, "CREATE TEMP TABLE word(id INTEGER PRIMARY KEY, role INTEGER, text TEXT, "
		"stem TEXT, is_kept INTEGER)");
	for (size_t i = 0; i < ARRAY_LEN(roles) && status == STATUS_OK; i++)
		status = trace_copy_run(&anonymise->copy, "INSERT OR IGNORE INTO word(id, role, text) SELECT id, %zu, text FROM "
			"other.string WHERE id IN (%s)", i,
			roles[i].ids);
	if (status == STATUS_OK)
		status = trace_copy_run(&anonymise->copy, "UPDATE word SET stem = rtrim(text, '0123456789'), is_kept "
			"= " IS_PUBLIC "%s", public_texts,
			anonymise->options->keeps_kernels ? " OR role < 2" : "");
	return status;
}

/* "step 12" becomes "mark_3#12": what is counted stays countable. */
static int rename_texts(struct anonymise *anonymise)
{
	struct strbuf word = STRBUF_INIT;
	strbuf_add(&word, "CASE role");
	for (size_t i = 0; i < ARRAY_LEN(roles); i++)
		strbuf_addf(&word, " WHEN %zu THEN '%s'", i, roles[i].word);
	strbuf_add(&word, " END");
	int status = trace_copy_run(&anonymise->copy, "INSERT INTO main.string(id, text) SELECT id, text FROM word WHERE is_kept ORDER BY id;"
		"INSERT OR IGNORE INTO main.string(id, text) SELECT id, name FROM (SELECT w.id, (%s) || '_' || n || CASE WHEN "
			"length(w.text) > length(w.stem)"
		" THEN '#' || substr(w.text, length(w.stem) + 1, 9) ELSE '' END AS name FROM word w JOIN (SELECT id, "
			"dense_rank() OVER (PARTITION BY"
		" role ORDER BY first) AS n FROM (SELECT id, role, min(id) OVER (PARTITION BY role, stem) AS first FROM word "
			"WHERE NOT is_kept)) r"
		" ON r.id = w.id) ORDER BY id;"
		"INSERT INTO main.string(id, text) SELECT id, 'text_' || id FROM word WHERE id NOT IN (SELECT id FROM "
			"main.string)", strbuf_text(&word));
	strbuf_finish(&word);
	if (status == STATUS_OK)
		status = db_get_int(anonymise->copy.db, "SELECT count(*) FROM word WHERE is_kept", &anonymise->result->n_kept, anonymise->error);
	if (status == STATUS_OK)
		status = db_get_int(anonymise->copy.db, "SELECT count(*) FROM word WHERE NOT is_kept",
			&anonymise->result->n_renamed, anonymise->error);
	return status;
}

/* -- what ran --------------------------------------------------------------------------------------------------------------- */

/* Ops of a graph: ours keep their names. */
static int name_ops(struct anonymise *anonymise)
{
	struct strbuf known = STRBUF_INIT;
	for (int i = 0; i < ops_builtin.n_items; i++)
		strbuf_addf(&known, "%s'%s'", i ? "," : "", ops_builtin.items[i]->name);
	int status = trace_copy_run(&anonymise->copy, "CREATE TEMP TABLE op AS SELECT op, CASE WHEN %d OR op IN (%s) THEN op "
		"ELSE 'op_' || row_number() OVER"
		" (ORDER BY first) END AS name FROM (SELECT op, min(id) AS first FROM other.node WHERE op IS NOT NULL GROUP BY op)",
		anonymise->options->keeps_kernels, strbuf_text(&known));
	strbuf_finish(&known);
	return status;
}

#define NAME_OF_NODE(alias)                                                                                                 \
	"CASE WHEN " alias ".name IN ('input', 'output') AND " alias ".op IS NULL THEN " alias                              \
	".name ELSE 'node_' || " alias ".id END"
#define NAME_OF_WORKER "'worker_' || w.idx"

#define TRIGGER_WORD(name, word) ", '" word "'"

/* In this order: later ones look at what earlier ones hold. */
static const char *const layout[] = {
	"INSERT INTO main.graph(id, name) SELECT id, 'graph_' || id FROM other.graph",
	"INSERT INTO main.run(id, graph, mode, status, start_ns, end_ns, start_unix_ns, first_submit_ns, last_finish_ns, "
		"n_submitted, n_finished, n_failed,"
	" in_flight, seed, n_threads, n_ops) SELECT id, graph, CASE WHEN mode IN ('compiled', 'interpreted', 'imported') THEN "
		"mode ELSE 'unknown' END,"
	" CASE WHEN status IN ('running', 'killed', 'damaged') OR status IN (SELECT word FROM main.status) THEN status ELSE "
		"'unknown' END, start_ns, end_ns,"
	" start_unix_ns, first_submit_ns, last_finish_ns, n_submitted, n_finished, n_failed, in_flight, seed, n_threads, n_ops FROM other.run",
	"INSERT OR REPLACE INTO main.meta SELECT key, value FROM other.meta WHERE key IN ('finished', 'clock') AND value IN "
		"('0', '1', 'source', 'monotonic')",
	"INSERT INTO main.run_meta SELECT run, key, value FROM other.run_meta WHERE key IN ('base_time_ns', 'session_start_unix_ns', 'trimmed',"
	" 'trimmed_n_cut', 'in_flight', 'record_limit', 'warmup') AND CAST(value AS TEXT) NOT GLOB '*[^0-9 ]*'",
	"INSERT INTO main.device SELECT id, run, CASE WHEN substr(name, 1, instr(name, ':') - 1) IN ('cpu', 'cuda', 'opencl', "
		"'rocm', 'hip') AND substr(name,"
	" instr(name, ':') + 1) NOT GLOB '*[^0-9]*' THEN name ELSE"
	" 'device:' || id END, CASE WHEN kind IN ('cpu', 'cuda', 'opencl', 'rocm', 'hip') THEN kind ELSE 'device' END FROM other.device",
	"INSERT INTO main.worker SELECT w.id, w.run, w.idx, " NAME_OF_WORKER ", w.device FROM other.worker w",
	"INSERT INTO main.node(id, run, idx, name, op, worker, collective, line, outputs) SELECT n.id, n.run, n.idx,"
		" " NAME_OF_NODE("n") ", o.name, n.worker,"
	" CASE WHEN n.collective IS NOT NULL THEN 'collective_' || (SELECT min(m.id) FROM other.node m WHERE m.run = n.run AND "
		"m.collective = n.collective)"
	" END, n.line, n.outputs FROM other.node n LEFT JOIN op o ON o.op = n.op",
	"INSERT INTO main.channel SELECT c.id, c.run, c.idx, n.name || CASE WHEN c.output IS NULL THEN '.done' WHEN c.output > "
		"0 THEN '.' || c.output ELSE '' END,"
	" c.node, c.output, c.storage, CASE WHEN c.transport IN ('local', 'shm', 'opencl', 'cuda', 'nccl', 'mpi') THEN "
		"c.transport ELSE 'shm' END, c.depth,"
	" c.payload_bytes, c.slot_bytes FROM other.channel c JOIN main.node n ON n.id = c.node",
	"INSERT INTO main.edge SELECT e.id, e.run, e.idx, s.name || coalesce('.' || e.src_output, '') || '->' || d.name || "
		"coalesce('.' || e.dst_input, ''),"
	" e.src, e.dst, e.src_output, e.dst_input, e.channel, e.is_peer, CASE WHEN e.result IS NOT NULL THEN 'result_' || e.id "
		"END FROM other.edge e"
	" JOIN main.node s ON s.id = e.src JOIN main.node d ON d.id = e.dst",
	"INSERT INTO main.process SELECT id, run, id, CASE WHEN name IS NOT NULL THEN 'process_' || id END, rank, source FROM other.process",
	"INSERT INTO main.import_source SELECT id, run, 'source_' || id, CASE WHEN kind IN ('nsys', 'kineto', 'ray', 'chrome') "
		"THEN kind ELSE 'unknown' END,"
	" CASE WHEN version NOT GLOB '*[^0-9.]*' THEN version END, rank, world_size, n_bytes, n_events, n_rows, n_problems, is_cut, offset_ns,"
	" uncertainty_ns FROM other.import_source",
	"INSERT INTO main.lane(id, run, kind, name, worker, device, channel, first_ns, last_ns, process, thread, stream, context, depth)"
	" SELECT l.id, l.run, l.kind, coalesce((SELECT name FROM main.worker w WHERE w.id = l.worker), (SELECT name FROM "
		"main.channel c WHERE c.id = l.channel),"
	" coalesce((SELECT coalesce('rank ' || p.rank, 'process ' || p.id) || ' ' FROM main.process p WHERE p.id = l.process), "
		"'') || CASE WHEN l.kind NOT LIKE"
	" 'stream%' THEN 'thread ' || coalesce(t.n, l.id) ELSE coalesce((SELECT name || ' ' FROM main.device d WHERE d.id = l.device), '') ||"
	" coalesce('stream ' || l.stream, 'no stream') END ||"
	" CASE WHEN l.kind = 'stream_marks' THEN ' marks' ELSE '' END || CASE WHEN l.depth > 0 THEN ' +' || l.depth ELSE '' "
		"END), l.worker, l.device, l.channel,"
	" l.first_ns, l.last_ns, l.process, t.n, l.stream, l.context, l.depth FROM other.lane l LEFT JOIN (SELECT id, "
		"dense_rank() OVER (PARTITION BY process"
	" ORDER BY thread) AS n FROM other.lane WHERE thread IS NOT NULL) t ON t.id = l.id",
	"INSERT INTO main.execution SELECT * FROM other.execution WHERE run IN (SELECT id FROM main.run WHERE mode <> 'imported')",
	"INSERT INTO main.failure(run, failure, execution, node, status, time_ns, text) SELECT run, failure, execution, node, "
		"status, time_ns, NULL FROM"
	" other.failure",
	"INSERT INTO main.save(id, run, cause, time_ns, execution, worker, node, n_triggers, first_ns, last_ns, n_records) "
		"SELECT id, run, CASE WHEN cause IN"
	" (''" TRIGGER_MAP(TRIGGER_WORD) ") THEN cause ELSE 'saved' END, time_ns, execution, worker, node, n_triggers, first_ns,"
	" last_ns, n_records FROM other.save",
	"INSERT INTO main.log(id, run, time_ns, level, worker, node, execution, text) SELECT id, run, time_ns, CASE WHEN level "
		"IN ('error', 'warning', 'info',"
	" 'debug', 'out', 'stderr') THEN level ELSE 'info' END, worker, node, execution, '(a message of ' || length(text) || ' "
		"characters)' FROM other.log",
	"INSERT INTO main.clock_sample SELECT run, CASE WHEN clock GLOB 'source [0-9]* by *' AND substr(clock, instr(clock, ' "
		"by ') + 4) IN ('none', 'itself',"
	" 'wall clock', 'collectives', 'start') THEN clock ELSE 'clock' END, time_ns, count, width_ns FROM other.clock_sample",
};

/* Numbers only: as they are. */
static const char *const plain_tables[] = { "plan_step", "op_event", "span", "gpu_activity", "arg", "counter", "summary",
	"loss", "stall_root", "blame",
	"critical_path", "compare_sum", "lod_lane", "lod", "lod_rows", "lod_fill", "import_problem", "import_count" };

static int copy_layout(struct anonymise *anonymise)
{
	int status = STATUS_OK;
	for (size_t i = 0; i < ARRAY_LEN(layout) && status == STATUS_OK; i++)
		status = trace_copy_run(&anonymise->copy, "%s", layout[i]);
	for (size_t i = 0; i < ARRAY_LEN(plain_tables) && status == STATUS_OK; i++)
		status = trace_copy_table(&anonymise->copy, plain_tables[i], NULL);
	if (status == STATUS_OK)
		status = db_get_int(anonymise->copy.db, "SELECT count(*) FROM other.postmortem", &anonymise->result->n_dropped,
			anonymise->error);
	return status;
}

/* -- the whole -------------------------------------------------------------------------------------------------------------- */

static int derive(struct anonymise *anonymise)
{
	int64_t *runs = NULL, n = 0, n_max = 0;
	struct db_stmt *stmt = NULL;
	bool has_row = false;
	int status = db_get_int(anonymise->copy.db, "SELECT count(*) FROM run", &n_max, anonymise->error);
	if (status == STATUS_OK && !(runs = calloc((size_t)n_max + 1, sizeof *runs)))
		status = error_set(anonymise->error, STATUS_NO_MEMORY, "no memory to anonymise a trace");
	if (status == STATUS_OK)
		status = db_prepare(anonymise->copy.db, "SELECT id FROM run WHERE mode = 'imported'", NULL, anonymise->error, &stmt);
	while (status == STATUS_OK && (status = db_step(stmt, &has_row, anonymise->error)) == STATUS_OK && has_row && n < n_max)
		runs[n++] = db_column_int(stmt, 0);
	db_finish(stmt);
	for (int64_t i = 0; i < n && status == STATUS_OK; i++)
		status = gpu_analyses_run(anonymise->copy.db, runs[i], anonymise->options->interrupt, anonymise->error);
	free(runs);
	return status;
}

int anonymise_trace(const char *from, const char *into, const struct anonymise_options *options, struct error *error,
	struct anonymise_result *ret_result)
{
	static int (*const steps[])(struct anonymise *) = { find_roles, rename_texts, name_ops, copy_layout };
	struct anonymise anonymise = { .options = options, .result = ret_result, .error = error };
	*ret_result = (struct anonymise_result){ 0 };
	int status = trace_copy_begin(from, into, options->interrupt, error, &anonymise.copy);
	for (size_t i = 0; i < ARRAY_LEN(steps) && status == STATUS_OK; i++)
		status = steps[i](&anonymise);
	if (status == STATUS_OK)
		status = trace_copy_commit(&anonymise.copy);
	if (status == STATUS_OK)
		status = trace_copy_check(&anonymise.copy);
	if (status == STATUS_OK)
		status = derive(&anonymise);
	return trace_copy_end(&anonymise.copy, status);
}
