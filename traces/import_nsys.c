/* SPDX-License-Identifier: Apache-2.0
 *
 * import_nsys: SQLite exports of Nsight Systems, of every generation: tables and columns are looked up by name, what is not there was not recorded.
 * Names are numbers of StringIds; processes and threads are packed into one number.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/attributes.h"
#include "engine/base/strbuf.h"
#include "traces/import_input.h"
#include "traces/import_links.h"
#include "traces/import_sink.h"

#define COLUMNS_MAX 24
#define STRINGS_MAX (INT64_C(1) << 24)
#define RETRIES_MAX 24 /* behind a damaged page: at row + 1, + 2, + 4, … */
#define DOMAINS_MAX 4096
#define PROGRESS_ROWS 16384

struct nsys {
	struct import_sink *sink;
	const struct import_options *options;
	struct import_file *info;
	struct db *db;
	uint32_t *strings;       /* [n_strings] by id: the sink's number + 1; 0: none */
	int64_t n_strings;
	uint32_t domains[DOMAINS_MAX]; /* NVTX: the sink's number + 1 */
	int64_t n_total;         /* rows of all tables, for the progress */
	struct import_links nodes; /* of graphs: (process, node) to the index of its origin + 1 */
	int64_t *origins;
	uint32_t n_origins;
	bool has_repeated;       /* the calls have rows of other classes than 0 and 1 */
	struct import_links calls; /* then: (thread, correlation) of those of class 0 and 1 */
	struct error *error;
};

/* One row: values by the position of the column in the list that was asked for; before them stands its number. */
struct row {
	struct db_stmt *stmt;
	int64_t number;
};

/* Whether there is no number: nothing, or a text where a number belongs. */
static bool is_null(const struct row *row, int column)
{
	enum db_type type = db_column_type(row->stmt, column + 1);
	return type != DB_INT && type != DB_REAL;
}

static int64_t number(const struct row *row, int column)
{
	return is_null(row, column) ? IMPORT_UNKNOWN : db_column_int(row->stmt, column + 1);
}

static int64_t number_or(const struct row *row, int column, int64_t fallback)
{
	return is_null(row, column) ? fallback : db_column_int(row->stmt, column + 1);
}

static const char *text_at(const struct row *row, int column)
{
	return db_column_text(row->stmt, column + 1);
}

/* -- walking a table -------------------------------------------------------------------------------------------------------- */

typedef int row_fn(struct nsys *nsys, const struct row *row);

/* A table with the columns that are wanted of it, in the order in which `read` counts them. */
struct table_kind {
	const char *name;
	const char *columns[COLUMNS_MAX]; /* ends with NULL */
	row_fn *read;
};

static bool has_column(struct nsys *nsys, const char *table, const char *column)
{
	struct db_stmt *stmt = NULL;
	bool has_row = false;
	if (db_prepare(nsys->db, "SELECT 1 FROM pragma_table_info(?) WHERE name = ?", NULL, NULL, &stmt) != STATUS_OK)
		return false;
	db_bind_text(stmt, 1, table);
	db_bind_text(stmt, 2, column);
	bool is_there = db_step(stmt, &has_row, NULL) == STATUS_OK && has_row;
	db_finish(stmt);
	return is_there;
}

/* A real table, no view that somebody has put in its place. */
static bool has_table(struct nsys *nsys, const char *table)
{
	struct db_stmt *stmt = NULL;
	bool has_row = false;
	if (db_prepare(nsys->db, "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ? AND sql NOT LIKE 'CREATE VIRTUAL%'", NULL, NULL,
		    &stmt) != STATUS_OK)
		return false;
	db_bind_text(stmt, 1, table);
	bool is_there = db_step(stmt, &has_row, NULL) == STATUS_OK && has_row;
	db_finish(stmt);
	return is_there;
}

static void make_query(struct nsys *nsys, const struct table_kind *kind, struct strbuf *sql)
{
	strbuf_add(sql, "SELECT rowid");
	for (int i = 0; kind->columns[i]; i++) {
		strbuf_add(sql, ", ");
		if (has_column(nsys, kind->name, kind->columns[i]))
			strbuf_addf(sql, "\"%s\"", kind->columns[i]);
		else
			strbuf_add(sql, "NULL");
	}
	strbuf_addf(sql, " FROM \"%s\" WHERE rowid > ? ORDER BY rowid", kind->name);
}

static int tell(struct nsys *nsys)
{
	const struct import_options *options = nsys->options;
	double share = nsys->n_total ? (double)nsys->info->n_events / (double)nsys->n_total : 0;
	bool is_stopped = options->interrupt && *options->interrupt;
	if (options->progress && !is_stopped)
		is_stopped = !options->progress(options->user, 0.5 * share / options->n_files, 0);
	return is_stopped ? error_set(nsys->error, STATUS_STOPPED, "the import was stopped; nothing was written") : STATUS_OK;
}

/* Rows from behind `row->number` on. *ret_is_whole: up to the last one. */
static int read_rows(struct nsys *nsys, const struct table_kind *kind, struct row *row, int64_t after, bool *ret_is_whole)
{
	bool has_row = false;
	int status = STATUS_OK;
	db_reset(row->stmt);
	db_bind_int(row->stmt, 1, after);
	*ret_is_whole = false;
	while (status == STATUS_OK) {
		if (db_step(row->stmt, &has_row, NULL) != STATUS_OK)
			return STATUS_OK;
		if (!has_row)
			break;
		row->number = db_column_int(row->stmt, 0);
		nsys->info->n_events++;
		import_at(nsys->sink, (uint64_t)row->number);
		status = kind->read(nsys, row);
		if (status == STATUS_OK && nsys->info->n_events % PROGRESS_ROWS == 0)
			status = tell(nsys);
	}
	*ret_is_whole = true;
	return status;
}

/* Behind a page that cannot be read others often can: it is gone on with further and further behind it. */
static int read_table(struct nsys *nsys, const struct table_kind *kind)
{
	struct strbuf sql = STRBUF_INIT;
	struct row row = { .number = -1 };
	bool is_whole = false;
	int status = STATUS_OK;
	if (!has_table(nsys, kind->name))
		return STATUS_OK;
	make_query(nsys, kind, &sql);
	if (db_prepare(nsys->db, strbuf_text(&sql), NULL, NULL, &row.stmt) != STATUS_OK) {
		import_problem(nsys->sink, "a table that cannot be read", 0);
		nsys->info->is_cut = true;
	}
	int64_t after = INT64_MIN, step = 1;
	for (int i = 0; row.stmt && status == STATUS_OK && !is_whole && i <= RETRIES_MAX; i++) {
		int64_t before = row.number;
		status = read_rows(nsys, kind, &row, after, &is_whole);
		step = row.number > before ? 1 : step * 2;
		after = (row.number > after ? row.number : after) + step;
		if (!is_whole && !i) {
			import_problem(nsys->sink, "a table that breaks off: the file is damaged or cut", (uint64_t)row.number);
			nsys->info->is_cut = true;
		}
		if (after < 0)
			after = 0;
	}
	db_finish(row.stmt);
	strbuf_finish(&sql);
	return status;
}

/* -- names and places ------------------------------------------------------------------------------------------------------- */

static int read_string(struct nsys *nsys, const struct row *row)
{
	int64_t id = number_or(row, 0, -1);
	const char *text = text_at(row, 1);
	if (id < 0 || id >= STRINGS_MAX || !text)
		return STATUS_OK;
	if (id >= nsys->n_strings) {
		int64_t n = id + id / 2 + 1024;
		uint32_t *strings = realloc(nsys->strings, (size_t)n * sizeof *strings);
		if (!strings)
			return error_set(nsys->error, STATUS_NO_MEMORY, "no memory for the names of an export");
		memset(strings + nsys->n_strings, 0, (size_t)(n - nsys->n_strings) * sizeof *strings);
		nsys->strings = strings;
		nsys->n_strings = n;
	}
	nsys->strings[id] = import_string(nsys->sink, text, strlen(text)) + 1;
	return STATUS_OK;
}

static uint32_t name_at(struct nsys *nsys, const struct row *row, int column)
{
	int64_t id = number_or(row, column, -1);
	if (id >= 0 && id < nsys->n_strings && nsys->strings[id])
		return nsys->strings[id] - 1;
	if (!is_null(row, column))
		import_problem(nsys->sink, "a name that is not in StringIds", (uint64_t)row->number);
	return IMPORT_NONE;
}

static uint32_t process_of(struct nsys *nsys, int64_t global)
{
	return import_process(nsys->sink, global == IMPORT_UNKNOWN ? 0 : (global >> 24) & 0xffffff, NULL);
}

static uint32_t thread_of(struct nsys *nsys, int64_t global)
{
	return import_thread(nsys->sink, process_of(nsys, global), global == IMPORT_UNKNOWN ? 0 : global & 0xffffff);
}

/* Columns that all device work has, first in each list. */
#define WORK_COLUMNS "start", "end", "deviceId", "contextId", "streamId", "correlationId", "globalPid"
enum { WORK_START, WORK_END, WORK_DEVICE, WORK_CONTEXT, WORK_STREAM, WORK_CORRELATION, WORK_PROCESS, WORK_MORE };

static uint32_t stream_of(struct nsys *nsys, const struct row *row)
{
	uint32_t process = process_of(nsys, number(row, WORK_PROCESS));
	uint32_t device = import_device(nsys->sink, process, number_or(row, WORK_DEVICE, 0));
	return import_stream(nsys->sink, device, number(row, WORK_CONTEXT), number_or(row, WORK_STREAM, 0));
}

static bool has_times(struct nsys *nsys, const struct row *row)
{
	if (!is_null(row, 0))
		return true;
	import_problem(nsys->sink, "a row without a time", (uint64_t)row->number);
	return false;
}

/* Device work whose times the driver did not deliver has zeros. */
static bool has_work_times(struct nsys *nsys, const struct row *row)
{
	if (!has_times(nsys, row))
		return false;
	if (number(row, WORK_START) || number_or(row, WORK_END, 0))
		return true;
	import_problem(nsys->sink, "device work whose times were not collected", (uint64_t)row->number);
	return false;
}

static struct import_span span_of(const struct row *row, uint32_t lane, int kind)
{
	struct import_span span = {
		.lane = lane, .kind = kind, .start_ns = number(row, 0), .duration_ns = IMPORT_UNKNOWN,
		.name = IMPORT_NONE, .category = IMPORT_NONE, .correlation = IMPORT_UNKNOWN, .external = IMPORT_UNKNOWN,
		.bytes = IMPORT_UNKNOWN, .copy_kind = IMPORT_NONE, .graph = IMPORT_UNKNOWN, .graph_node = IMPORT_UNKNOWN,
		.graph_root = IMPORT_UNKNOWN, .event = IMPORT_UNKNOWN, .wait_stream = IMPORT_UNKNOWN,
	};
	if (!is_null(row, 1) && __builtin_sub_overflow(number(row, 1), span.start_ns, &span.duration_ns))
		span.duration_ns = -1;
	return span;
}

/* Zero stands for "none" in columns of graph numbers. */
static int64_t graph_number(const struct row *row, int column)
{
	int64_t value = number(row, column);
	return value == 0 ? IMPORT_UNKNOWN : value;
}

/* -- nodes of graphs -------------------------------------------------------------------------------------------------------- */

#define CHAIN_MAX 64 /* clones of clones; a longer chain is a circle */

static int read_origin(struct nsys *nsys, const struct row *row)
{
	int64_t node = number(row, 1), origin = number(row, 2);
	if (node == IMPORT_UNKNOWN || origin == IMPORT_UNKNOWN || !origin || nsys->n_origins == UINT32_MAX - 1)
		return STATUS_OK;
	if (!(nsys->n_origins & (nsys->n_origins - 1))) {
		int64_t *more = realloc(nsys->origins, (nsys->n_origins ? (size_t)nsys->n_origins * 2 : 1) * sizeof *more);
		if (!more)
			return error_set(nsys->error, STATUS_NO_MEMORY, "no memory for the nodes of graphs");
		nsys->origins = more;
	}
	nsys->origins[nsys->n_origins++] = origin;
	return import_links_add(&nsys->nodes, process_of(nsys, number(row, 0)), node, nsys->n_origins, nsys->error);
}

/* The node that was captured, which this one is a clone of, perhaps over several steps: itself where that is not known. */
static int64_t root_of(struct nsys *nsys, uint32_t process, int64_t node)
{
	int64_t at = node, next = 0;
	for (int i = 0; node != IMPORT_UNKNOWN && i < CHAIN_MAX && import_links_has(&nsys->nodes, process, at, &next); i++) {
		if (nsys->origins[next - 1] == at)
			break;
		at = nsys->origins[next - 1];
	}
	return at;
}

static struct import_span work_of(struct nsys *nsys, const struct row *row, int kind, int graph_node)
{
	struct import_span span = span_of(row, stream_of(nsys, row), kind);
	span.correlation = number(row, WORK_CORRELATION);
	if (graph_node >= 0)
		span.graph_node = graph_number(row, graph_node);
	span.graph_root = root_of(nsys, process_of(nsys, number(row, WORK_PROCESS)), span.graph_node);
	return span;
}

static uint32_t word(struct nsys *nsys, const char *text)
{
	return import_string(nsys->sink, text, strlen(text));
}

/* -- device work ------------------------------------------------------------------------------------------------------------ */

static int read_kernel(struct nsys *nsys, const struct row *row)
{
	enum { SHORT = WORK_MORE, DEMANGLED, GRID, BLOCK = GRID + 3, GRAPH_NODE = BLOCK + 3, GRAPH };
	if (!has_work_times(nsys, row))
		return STATUS_OK;
	struct import_span span = work_of(nsys, row, SPAN_KIND_KERNEL, GRAPH_NODE);
	span.name = name_at(nsys, row, SHORT);
	span.category = name_at(nsys, row, DEMANGLED);
	for (int i = 0; i < 3; i++) {
		span.grid[i] = (uint32_t)number_or(row, GRID + i, 0);
		span.block[i] = (uint32_t)number_or(row, BLOCK + i, 0);
	}
	span.graph = graph_number(row, GRAPH);
	return import_add_span(nsys->sink, &span, nsys->error);
}

static uint32_t copy_word(struct nsys *nsys, int64_t kind, int64_t from, int64_t to)
{
	static const char *const kinds[] = { "unknown", "HtoD", "DtoH", "HtoA", "AtoH", "AtoA", "AtoD", "DtoA", "DtoD", "HtoH", "PtoP",
		"unified HtoD", "unified DtoH", "unified DtoD" };
	static const char *const memories[] = { "Pageable", "Pinned", "Device", "Array", "Managed", "Device static", "Managed static", "Unknown" };
	char text[96];
	int n = snprintf(text, sizeof text, "%s", kind >= 0 && kind < (int64_t)ARRAY_LEN(kinds) ? kinds[kind] : "unknown");
	if (from >= 0 && to >= 0 && from < (int64_t)ARRAY_LEN(memories) && to < (int64_t)ARRAY_LEN(memories))
		n += snprintf(text + n, sizeof text - (size_t)n, " (%s -> %s)", memories[from], memories[to]);
	return import_string(nsys->sink, text, (size_t)n);
}

static int read_memcpy(struct nsys *nsys, const struct row *row)
{
	enum { BYTES = WORK_MORE, KIND, FROM, TO, GRAPH_NODE };
	if (!has_work_times(nsys, row))
		return STATUS_OK;
	struct import_span span = work_of(nsys, row, SPAN_KIND_MEMCPY, GRAPH_NODE);
	span.bytes = number(row, BYTES);
	span.copy_kind = copy_word(nsys, number_or(row, KIND, -1), number_or(row, FROM, -1), number_or(row, TO, -1));
	span.name = word(nsys, "memcpy");
	return import_add_span(nsys->sink, &span, nsys->error);
}

static int read_memset(struct nsys *nsys, const struct row *row)
{
	enum { BYTES = WORK_MORE, GRAPH_NODE };
	if (!has_work_times(nsys, row))
		return STATUS_OK;
	struct import_span span = work_of(nsys, row, SPAN_KIND_MEMSET, GRAPH_NODE);
	span.bytes = number(row, BYTES);
	span.name = word(nsys, "memset");
	return import_add_span(nsys->sink, &span, nsys->error);
}

static int read_graph(struct nsys *nsys, const struct row *row)
{
	enum { GRAPH = WORK_MORE, EXEC };
	if (!has_work_times(nsys, row))
		return STATUS_OK;
	struct import_span span = work_of(nsys, row, SPAN_KIND_GRAPH, -1);
	span.name = word(nsys, "graph");
	span.graph = number(row, GRAPH);
	span.external = number(row, EXEC);
	return import_add_span(nsys->sink, &span, nsys->error);
}

static int read_sync(struct nsys *nsys, const struct row *row)
{
	static const char *const names[] = { "unknown", "event sync", "stream waits event", "stream sync", "context sync" };
	enum { KIND = WORK_MORE, EVENT_SYNC, EVENT };
	if (!has_work_times(nsys, row))
		return STATUS_OK;
	struct import_span span = work_of(nsys, row, SPAN_KIND_STREAM_SYNC, -1);
	int64_t kind = number_or(row, KIND, 0);
	span.sync_kind = kind > 0 && kind < (int64_t)ARRAY_LEN(names) ? (uint8_t)kind : 0;
	span.name = word(nsys, names[span.sync_kind]);
	span.event = is_null(row, EVENT_SYNC) ? number(row, EVENT) : number(row, EVENT_SYNC);
	if (span.event == UINT32_MAX)
		span.event = IMPORT_UNKNOWN;
	return import_add_span(nsys->sink, &span, nsys->error);
}

static int read_event(struct nsys *nsys, const struct row *row)
{
	enum { EVENT = WORK_MORE, EVENT_SYNC };
	if (number_or(row, WORK_START, 0) == 0) /* not collected */
		return STATUS_OK;
	struct import_span span = work_of(nsys, row, SPAN_KIND_EVENT, -1);
	span.duration_ns = 0;
	span.name = word(nsys, "event record");
	span.event = is_null(row, EVENT_SYNC) ? number(row, EVENT) : number(row, EVENT_SYNC);
	return import_add_span(nsys->sink, &span, nsys->error);
}

/* -- what hosts did --------------------------------------------------------------------------------------------------------- */

/* Without "_v3020". */
static uint32_t plain_name(struct nsys *nsys, uint32_t name)
{
	char text[160];
	size_t n = import_string_copy(nsys->sink, name, text, sizeof text), end = n;
	while (end > 0 && text[end - 1] >= '0' && text[end - 1] <= '9')
		end--;
	bool has_suffix = end < n && end >= 2 && text[end - 1] == 'v' && text[end - 2] == '_';
	return has_suffix ? import_string(nsys->sink, text, end - 2) : name;
}

/* Calls that have rows of another class than runtime (0) and driver (1) beside their own. */
static int read_call(struct nsys *nsys, const struct row *row)
{
	int64_t class = number_or(row, 2, 0);
	if (class != 0 && class != 1)
		return STATUS_OK;
	return import_links_add(&nsys->calls, thread_of(nsys, number(row, 0)), number_or(row, 1, 0), 1, nsys->error);
}

static bool is_repeated(struct nsys *nsys, uint32_t thread, const struct import_span *span)
{
	int64_t found;
	return nsys->has_repeated && span->external != 0 && span->external != 1 && span->correlation != IMPORT_UNKNOWN
		&& import_links_has(&nsys->calls, thread, span->correlation, &found);
}

static int read_api(struct nsys *nsys, const struct row *row)
{
	enum { THREAD = 2, CORRELATION, NAME, CLASS };
	if (!has_times(nsys, row))
		return STATUS_OK;
	uint32_t thread = thread_of(nsys, number(row, THREAD));
	struct import_span span = span_of(row, thread, SPAN_KIND_API);
	span.category = name_at(nsys, row, NAME);
	span.name = span.category == IMPORT_NONE ? IMPORT_NONE : plain_name(nsys, span.category);
	span.correlation = number(row, CORRELATION);
	span.external = number(row, CLASS);
	span.api_class = is_repeated(nsys, thread, &span) ? IMPORT_API_REPEATED : (uint8_t)import_api_class_of(nsys->sink, span.name);
	return import_add_span(nsys->sink, &span, nsys->error);
}

static int read_osrt(struct nsys *nsys, const struct row *row)
{
	enum { THREAD = 2, NAME };
	if (!has_times(nsys, row))
		return STATUS_OK;
	struct import_span span = span_of(row, thread_of(nsys, number(row, THREAD)), SPAN_KIND_MARK);
	span.name = name_at(nsys, row, NAME);
	span.category = word(nsys, "os_runtime");
	return import_add_span(nsys->sink, &span, nsys->error);
}

enum nvtx_type { NVTX_MARK = 34, NVTX_PUSH_POP = 59, NVTX_START_END = 60, NVTX_DOMAIN = 75 };

static uint32_t nvtx_name(struct nsys *nsys, const struct row *row, int text, int id)
{
	const char *given = text_at(row, text);
	return given ? word(nsys, given) : name_at(nsys, row, id);
}

static int read_nvtx(struct nsys *nsys, const struct row *row)
{
	enum { THREAD = 2, TYPE, TEXT, TEXT_ID, DOMAIN_ID, RANGE };
	int64_t type = number_or(row, TYPE, 0), domain = number_or(row, DOMAIN_ID, 0);
	bool is_known_domain = domain >= 0 && domain < DOMAINS_MAX;
	if (type == NVTX_DOMAIN && is_known_domain)
		nsys->domains[domain] = nvtx_name(nsys, row, TEXT, TEXT_ID) + 1;
	if (type != NVTX_MARK && type != NVTX_PUSH_POP && type != NVTX_START_END)
		return STATUS_OK;
	if (!has_times(nsys, row))
		return STATUS_OK;
	struct import_span span = span_of(row, thread_of(nsys, number(row, THREAD)), type == NVTX_MARK ? SPAN_KIND_EVENT : SPAN_KIND_MARK);
	if (type == NVTX_MARK)
		span.duration_ns = 0;
	else if (span.duration_ns == IMPORT_UNKNOWN)
		import_note(nsys->sink, "ranges that were never closed: shown up to the end", 1);
	span.name = nvtx_name(nsys, row, TEXT, TEXT_ID);
	span.category = is_known_domain && nsys->domains[domain] ? nsys->domains[domain] - 1 : word(nsys, "NVTX");
	span.external = number(row, RANGE);
	return import_add_span(nsys->sink, &span, nsys->error);
}

static int read_overhead(struct nsys *nsys, const struct row *row)
{
	static const char *const names[] = { "undefined", "unknown", "JIT compiler", "profiler buffer flush", "instrumentation", "resource",
		"runtime module loading", "lazy function loading", "command buffer full" };
	enum { THREAD = 2, NAME, TYPE };
	if (!has_times(nsys, row))
		return STATUS_OK;
	struct import_span span = span_of(row, thread_of(nsys, number(row, THREAD)), SPAN_KIND_OVERHEAD);
	int64_t type = number_or(row, TYPE, 1);
	span.name = name_at(nsys, row, NAME);
	span.category = word(nsys, type >= 0 && type < (int64_t)ARRAY_LEN(names) ? names[type] : "unknown");
	if (span.name == IMPORT_NONE)
		span.name = span.category;
	return import_add_span(nsys->sink, &span, nsys->error);
}

/* Creation of graphs and their nodes: moments, with the node that a clone comes from. */
static int read_graph_event(struct nsys *nsys, const struct row *row)
{
	enum { THREAD = 2, NAME, CLASS, GRAPH, NODE, ORIGINAL_NODE, ORIGINAL_GRAPH, EXEC };
	static const char *const keys[] = { "original_graph_node", "original_graph", "graph_exec" };
	struct import_arg args[3];
	if (!has_times(nsys, row))
		return STATUS_OK;
	struct import_span span = span_of(row, thread_of(nsys, number(row, THREAD)), SPAN_KIND_EVENT);
	span.name = name_at(nsys, row, NAME);
	span.category = word(nsys, "cuda_graph");
	span.external = number(row, CLASS);
	span.graph = number(row, GRAPH);
	span.graph_node = number(row, NODE);
	span.args = args;
	for (int i = 0; i < 3; i++) {
		char text[24];
		if (is_null(row, ORIGINAL_NODE + i))
			continue;
		snprintf(text, sizeof text, "%" PRId64, number(row, ORIGINAL_NODE + i));
		args[span.n_args++] = (struct import_arg){ word(nsys, keys[i]), word(nsys, text) };
	}
	return import_add_span(nsys->sink, &span, nsys->error);
}

/* -- about the recording ---------------------------------------------------------------------------------------------------- */

static int read_thread_name(struct nsys *nsys, const struct row *row)
{
	char text[160];
	uint32_t name = name_at(nsys, row, 0);
	int64_t global = number(row, 1);
	if (name == IMPORT_NONE || global == IMPORT_UNKNOWN)
		return STATUS_OK;
	import_string_copy(nsys->sink, name, text, sizeof text);
	import_name_thread(nsys->sink, process_of(nsys, global), global & 0xffffff, text);
	return STATUS_OK;
}

static int read_gpu(struct nsys *nsys, const struct row *row)
{
	const char *name = text_at(row, 1);
	for (uint32_t process = 0; name && process < import_n_processes(nsys->sink); process++)
		import_name_device(nsys->sink, process, number_or(row, 0, -1), name, NULL);
	return STATUS_OK;
}

static int read_diagnostic(struct nsys *nsys, const struct row *row)
{
	int64_t severity = number_or(row, 1, 0);
	const char *text = text_at(row, 2);
	if (!text || (severity != 2 && severity != 3))
		return STATUS_OK;
	return import_add_log(nsys->sink, number_or(row, 0, 0), severity == 3 ? "error" : "warning", text, nsys->error);
}

static int read_meta(struct nsys *nsys, const struct row *row)
{
	const char *name = text_at(row, 0), *value = text_at(row, 1);
	if (name && value && strcmp(name, "EXPORT_SCHEMA_VERSION") == 0)
		snprintf(nsys->info->version, sizeof nsys->info->version, "%s", value);
	if (name && value && strcmp(name, "EXPORT_PRODUCT_VERSION") == 0)
		return import_add_meta(nsys->sink, "product_version", value, nsys->error);
	return STATUS_OK;
}

static int read_session(struct nsys *nsys, const struct row *row)
{
	char text[24];
	if (is_null(row, 0))
		return STATUS_OK;
	import_align_base(nsys->sink, number(row, 0));
	snprintf(text, sizeof text, "%" PRId64, number(row, 0));
	return import_add_meta(nsys->sink, "session_start_unix_ns", text, nsys->error);
}

static int read_metric(struct nsys *nsys, const struct row *row)
{
	char text[48];
	if (!has_times(nsys, row))
		return STATUS_OK;
	int n = snprintf(text, sizeof text, "metric %" PRId64 " of %" PRId64, number_or(row, 2, 0), number_or(row, 1, 0) & 0xff);
	return import_add_counter(nsys->sink, process_of(nsys, IMPORT_UNKNOWN), import_string(nsys->sink, text, (size_t)n), number(row, 0),
		db_column_real(row->stmt, 4), nsys->error);
}

/* In this order: names before who uses them. */
static const struct table_kind tables[] = {
	{ "META_DATA_EXPORT", { "name", "value" }, read_meta },
	{ "EXPORT_META_DATA", { "name", "value" }, read_meta },
	{ "StringIds", { "id", "value" }, read_string },
	{ "TARGET_INFO_SESSION_START_TIME", { "utcEpochNs" }, read_session },
	{ "CUDA_GRAPH_NODE_EVENTS", { "globalTid", "graphNodeId", "originalGraphNodeId" }, read_origin },
	{ "CUPTI_ACTIVITY_KIND_KERNEL", { WORK_COLUMNS, "shortName", "demangledName", "gridX", "gridY", "gridZ", "blockX", "blockY", "blockZ",
		"graphNodeId", "graphId" }, read_kernel },
	{ "CUPTI_ACTIVITY_KIND_MEMCPY", { WORK_COLUMNS, "bytes", "copyKind", "srcKind", "dstKind", "graphNodeId" }, read_memcpy },
	{ "CUPTI_ACTIVITY_KIND_MEMSET", { WORK_COLUMNS, "bytes", "graphNodeId" }, read_memset },
	{ "CUPTI_ACTIVITY_KIND_GRAPH_TRACE", { WORK_COLUMNS, "graphId", "graphExecId" }, read_graph },
	{ "CUPTI_ACTIVITY_KIND_SYNCHRONIZATION", { WORK_COLUMNS, "syncType", "eventSyncId", "eventId" }, read_sync },
	{ "CUPTI_ACTIVITY_KIND_CUDA_EVENT", { "timestamp", "timestamp", "deviceId", "contextId", "streamId", "correlationId", "globalPid",
		"eventId", "eventSyncId" }, read_event },
	{ "CUPTI_ACTIVITY_KIND_RUNTIME", { "start", "end", "globalTid", "correlationId", "nameId", "eventClass" }, read_api },
	{ "NVTX_EVENTS", { "start", "end", "globalTid", "eventType", "text", "textId", "domainId", "rangeId" }, read_nvtx },
	{ "OSRT_API", { "start", "end", "globalTid", "nameId" }, read_osrt },
	{ "PROFILER_OVERHEAD", { "start", "end", "globalTid", "nameId", "overheadType" }, read_overhead },
	{ "CUPTI_ACTIVITY_KIND_OVERHEAD", { "start", "end", "globalTid", "nameId", "overheadType" }, read_overhead },
	{ "CUDA_GRAPH_EVENTS", { "start", "end", "globalTid", "nameId", "eventClass", "graphId", "graphNodeId", "originalGraphNodeId",
		"originalGraphId", "graphExecId" }, read_graph_event },
	{ "CUDA_GRAPH_NODE_EVENTS", { "start", "end", "globalTid", "nameId", "eventClass", "graphId", "graphNodeId", "originalGraphNodeId",
		"originalGraphId", "graphExecId" }, read_graph_event },
	{ "GPU_METRICS", { "timestamp", "typeId", "metricId", "value" }, read_metric },
	{ "ThreadNames", { "nameId", "globalTid" }, read_thread_name },
	{ "TARGET_INFO_GPU", { "id", "name" }, read_gpu },
	{ "DIAGNOSTIC_EVENT", { "timestamp", "severity", "text" }, read_diagnostic },
};

static const struct table_kind calls = { "CUPTI_ACTIVITY_KIND_RUNTIME", { "globalTid", "correlationId", "eventClass" }, read_call };

/* Before all tables: whether calls are there twice, and which of their rows are their own. */
static int look_for_repeated(struct nsys *nsys)
{
	int64_t n = 0;
	if (!has_table(nsys, calls.name) || !has_column(nsys, calls.name, "eventClass") || !has_column(nsys, calls.name, "correlationId"))
		return STATUS_OK;
	if (db_get_int(nsys->db, "SELECT 1 FROM CUPTI_ACTIVITY_KIND_RUNTIME WHERE eventClass NOT IN (0, 1) LIMIT 1", &n, NULL) != STATUS_OK || !n)
		return STATUS_OK;
	uint64_t n_events = nsys->info->n_events, n_problems = nsys->info->n_problems;
	nsys->has_repeated = true;
	int status = read_table(nsys, &calls);
	nsys->info->n_events = n_events;
	nsys->info->n_problems = n_problems;
	return status;
}

/* -- the file --------------------------------------------------------------------------------------------------------------- */

static int check(struct nsys *nsys)
{
	static const char *const marks[] = { "StringIds", "META_DATA_EXPORT", "EXPORT_META_DATA", "CUPTI_ACTIVITY_KIND_KERNEL",
		"CUPTI_ACTIVITY_KIND_RUNTIME", "NVTX_EVENTS" };
	int64_t n = -1;
	int status = db_get_int(nsys->db, "SELECT count(*) FROM sqlite_master", &n, nsys->error);
	if (status != STATUS_OK)
		return error_set(nsys->error, STATUS_INPUT, "%s: a damaged or cut SQLite file: not even its list of tables can be read",
			nsys->info->file);
	for (size_t i = 0; i < ARRAY_LEN(marks); i++) {
		if (has_table(nsys, marks[i]))
			return STATUS_OK;
	}
	return error_set(nsys->error, STATUS_INPUT, "%s: an SQLite file, but no export of Nsight Systems (none of its tables is there)",
		nsys->info->file);
}

static void count_rows(struct nsys *nsys)
{
	for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
		char sql[120];
		int64_t n = 0;
		snprintf(sql, sizeof sql, "SELECT max(rowid) FROM \"%s\"", tables[i].name);
		if (has_table(nsys, tables[i].name) && db_get_int(nsys->db, sql, &n, NULL) == STATUS_OK && n > 0)
			nsys->n_total += n;
	}
}

int import_nsys(struct import_sink *sink, const struct import_options *options, struct import_file *info, struct error *error)
{
	struct nsys *nsys = calloc(1, sizeof *nsys);
	if (!nsys)
		return error_set(error, STATUS_NO_MEMORY, "no memory for an import");
	*nsys = (struct nsys){ .sink = sink, .options = options, .info = info, .error = error };
	info->n_bytes = import_file_bytes(info->file);
	int status = db_open(info->file, DB_READ_IMMUTABLE, error, &nsys->db);
	if (status == STATUS_OK) {
		db_distrust(nsys->db);
		status = check(nsys);
	}
	if (status == STATUS_OK) {
		count_rows(nsys);
		status = look_for_repeated(nsys);
	}
	for (size_t i = 0; i < ARRAY_LEN(tables) && status == STATUS_OK; i++)
		status = read_table(nsys, &tables[i]);
	if (status == STATUS_OK)
		status = import_end_file(sink, error);
	db_close(nsys->db);
	import_links_finish(&nsys->nodes);
	import_links_finish(&nsys->calls);
	free(nsys->origins);
	free(nsys->strings);
	free(nsys);
	return status;
}
