/* SPDX-License-Identifier: Apache-2.0
 *
 * import_nsys_rows: what the rows of each table of an Nsight Systems export mean. Names are numbers of StringIds; processes
 * and threads are packed into one number.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/attributes.h"
#include "traces/import_nsys.h"

/* -- names and places ------------------------------------------------------------------------------------------------------- */

static int read_string(struct nsys *nsys, const struct nsys_row *row)
{
	int64_t id = nsys_number_or(row, 0, -1);
	const char *text = nsys_text(row, 1);
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

static uint32_t name_at(struct nsys *nsys, const struct nsys_row *row, int column)
{
	int64_t id = nsys_number_or(row, column, -1);
	if (id >= 0 && id < nsys->n_strings && nsys->strings[id])
		return nsys->strings[id] - 1;
	if (!nsys_is_null(row, column))
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

static uint32_t stream_of(struct nsys *nsys, const struct nsys_row *row)
{
	uint32_t process = process_of(nsys, nsys_number(row, WORK_PROCESS));
	uint32_t device = import_device(nsys->sink, process, nsys_number_or(row, WORK_DEVICE, 0));
	return import_stream(nsys->sink, device, nsys_number(row, WORK_CONTEXT), nsys_number_or(row, WORK_STREAM, 0));
}

static bool has_times(struct nsys *nsys, const struct nsys_row *row)
{
	if (!nsys_is_null(row, 0))
		return true;
	import_problem(nsys->sink, "a row without a time", (uint64_t)row->number);
	return false;
}

/* Device work whose times the driver did not deliver has zeros. */
static bool has_work_times(struct nsys *nsys, const struct nsys_row *row)
{
	if (!has_times(nsys, row))
		return false;
	if (nsys_number(row, WORK_START) || nsys_number_or(row, WORK_END, 0))
		return true;
	import_problem(nsys->sink, "device work whose times were not collected", (uint64_t)row->number);
	return false;
}

static struct import_span span_of(const struct nsys_row *row, uint32_t lane, int kind)
{
	struct import_span span = {
		.lane = lane, .kind = kind, .start_ns = nsys_number(row, 0), .duration_ns = IMPORT_UNKNOWN,
		.name = IMPORT_NONE, .category = IMPORT_NONE, .correlation = IMPORT_UNKNOWN, .external = IMPORT_UNKNOWN,
		.bytes = IMPORT_UNKNOWN, .copy_kind = IMPORT_NONE, .graph = IMPORT_UNKNOWN, .graph_node = IMPORT_UNKNOWN,
		.graph_root = IMPORT_UNKNOWN, .event = IMPORT_UNKNOWN, .wait_stream = IMPORT_UNKNOWN,
	};
	if (!nsys_is_null(row, 1) && __builtin_sub_overflow(nsys_number(row, 1), span.start_ns, &span.duration_ns))
		span.duration_ns = -1;
	return span;
}

/* Zero stands for "none" in columns of graph numbers. */
static int64_t graph_number(const struct nsys_row *row, int column)
{
	int64_t value = nsys_number(row, column);
	return value == 0 ? IMPORT_UNKNOWN : value;
}

/* -- nodes of graphs -------------------------------------------------------------------------------------------------------- */

#define CHAIN_MAX 64 /* clones of clones; a longer chain is a circle */

static int read_origin(struct nsys *nsys, const struct nsys_row *row)
{
	int64_t node = nsys_number(row, 1), origin = nsys_number(row, 2);
	if (node == IMPORT_UNKNOWN || origin == IMPORT_UNKNOWN || !origin || nsys->n_origins == UINT32_MAX - 1)
		return STATUS_OK;
	if (!(nsys->n_origins & (nsys->n_origins - 1))) {
		int64_t *more = realloc(nsys->origins, (nsys->n_origins ? (size_t)nsys->n_origins * 2 : 1) * sizeof *more);
		if (!more)
			return error_set(nsys->error, STATUS_NO_MEMORY, "no memory for the nodes of graphs");
		nsys->origins = more;
	}
	nsys->origins[nsys->n_origins++] = origin;
	return import_links_add(&nsys->nodes, process_of(nsys, nsys_number(row, 0)), node, nsys->n_origins, nsys->error);
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

static struct import_span work_of(struct nsys *nsys, const struct nsys_row *row, int kind, int graph_node)
{
	struct import_span span = span_of(row, stream_of(nsys, row), kind);
	span.correlation = nsys_number(row, WORK_CORRELATION);
	if (graph_node >= 0)
		span.graph_node = graph_number(row, graph_node);
	span.graph_root = root_of(nsys, process_of(nsys, nsys_number(row, WORK_PROCESS)), span.graph_node);
	return span;
}

static uint32_t word(struct nsys *nsys, const char *text)
{
	return import_string(nsys->sink, text, strlen(text));
}

/* -- device work ------------------------------------------------------------------------------------------------------------ */

static int read_kernel(struct nsys *nsys, const struct nsys_row *row)
{
	enum { SHORT = WORK_MORE, DEMANGLED, GRID, BLOCK = GRID + 3, GRAPH_NODE = BLOCK + 3, GRAPH };
	if (!has_work_times(nsys, row))
		return STATUS_OK;
	struct import_span span = work_of(nsys, row, SPAN_KIND_KERNEL, GRAPH_NODE);
	span.name = name_at(nsys, row, SHORT);
	span.category = name_at(nsys, row, DEMANGLED);
	for (int i = 0; i < 3; i++) {
		span.grid[i] = (uint32_t)nsys_number_or(row, GRID + i, 0);
		span.block[i] = (uint32_t)nsys_number_or(row, BLOCK + i, 0);
	}
	span.graph = graph_number(row, GRAPH);
	return import_add_span(nsys->sink, &span, nsys->error);
}

static uint32_t copy_word(struct nsys *nsys, int64_t kind, int64_t from, int64_t to)
{
	static const char *const kinds[] = { "unknown", "HtoD", "DtoH", "HtoA", "AtoH", "AtoA", "AtoD", "DtoA", "DtoD", "HtoH", "PtoP",
		"unified HtoD", "unified DtoH", "unified DtoD" };
	static const char *const memories[] = { "Pageable", "Pinned", "Device", "Array", "Managed", "Device static",
		"Managed static", "Unknown" };
	char text[96];
	int n = snprintf(text, sizeof text, "%s", kind >= 0 && kind < (int64_t)ARRAY_LEN(kinds) ? kinds[kind] : "unknown");
	if (from >= 0 && to >= 0 && from < (int64_t)ARRAY_LEN(memories) && to < (int64_t)ARRAY_LEN(memories))
		n += snprintf(text + n, sizeof text - (size_t)n, " (%s -> %s)", memories[from], memories[to]);
	return import_string(nsys->sink, text, (size_t)n);
}

static int read_memcpy(struct nsys *nsys, const struct nsys_row *row)
{
	enum { BYTES = WORK_MORE, KIND, FROM, TO, GRAPH_NODE };
	if (!has_work_times(nsys, row))
		return STATUS_OK;
	struct import_span span = work_of(nsys, row, SPAN_KIND_MEMCPY, GRAPH_NODE);
	span.bytes = nsys_number(row, BYTES);
	span.copy_kind = copy_word(nsys, nsys_number_or(row, KIND, -1), nsys_number_or(row, FROM, -1), nsys_number_or(row, TO, -1));
	span.name = word(nsys, "memcpy");
	return import_add_span(nsys->sink, &span, nsys->error);
}

static int read_memset(struct nsys *nsys, const struct nsys_row *row)
{
	enum { BYTES = WORK_MORE, GRAPH_NODE };
	if (!has_work_times(nsys, row))
		return STATUS_OK;
	struct import_span span = work_of(nsys, row, SPAN_KIND_MEMSET, GRAPH_NODE);
	span.bytes = nsys_number(row, BYTES);
	span.name = word(nsys, "memset");
	return import_add_span(nsys->sink, &span, nsys->error);
}

static int read_graph(struct nsys *nsys, const struct nsys_row *row)
{
	enum { GRAPH = WORK_MORE, EXEC };
	if (!has_work_times(nsys, row))
		return STATUS_OK;
	struct import_span span = work_of(nsys, row, SPAN_KIND_GRAPH, -1);
	span.name = word(nsys, "graph");
	span.graph = nsys_number(row, GRAPH);
	span.external = nsys_number(row, EXEC);
	return import_add_span(nsys->sink, &span, nsys->error);
}

static int read_sync(struct nsys *nsys, const struct nsys_row *row)
{
	static const char *const names[] = { "unknown", "event sync", "stream waits event", "stream sync", "context sync" };
	enum { KIND = WORK_MORE, EVENT_SYNC, EVENT };
	if (!has_work_times(nsys, row))
		return STATUS_OK;
	struct import_span span = work_of(nsys, row, SPAN_KIND_STREAM_SYNC, -1);
	int64_t kind = nsys_number_or(row, KIND, 0);
	span.sync_kind = kind > 0 && kind < (int64_t)ARRAY_LEN(names) ? (uint8_t)kind : 0;
	span.name = word(nsys, names[span.sync_kind]);
	span.event = nsys_is_null(row, EVENT_SYNC) ? nsys_number(row, EVENT) : nsys_number(row, EVENT_SYNC);
	if (span.event == UINT32_MAX)
		span.event = IMPORT_UNKNOWN;
	return import_add_span(nsys->sink, &span, nsys->error);
}

static int read_event(struct nsys *nsys, const struct nsys_row *row)
{
	enum { EVENT = WORK_MORE, EVENT_SYNC };
	if (nsys_number_or(row, WORK_START, 0) == 0) /* not collected */
		return STATUS_OK;
	struct import_span span = work_of(nsys, row, SPAN_KIND_EVENT, -1);
	span.duration_ns = 0;
	span.name = word(nsys, "event record");
	span.event = nsys_is_null(row, EVENT_SYNC) ? nsys_number(row, EVENT) : nsys_number(row, EVENT_SYNC);
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
static int read_call(struct nsys *nsys, const struct nsys_row *row)
{
	int64_t class = nsys_number_or(row, 2, 0);
	if (class != 0 && class != 1)
		return STATUS_OK;
	return import_links_add(&nsys->calls, thread_of(nsys, nsys_number(row, 0)), nsys_number_or(row, 1, 0), 1, nsys->error);
}

static bool is_repeated(struct nsys *nsys, uint32_t thread, const struct import_span *span)
{
	int64_t found;
	return nsys->has_repeated && span->external != 0 && span->external != 1 && span->correlation != IMPORT_UNKNOWN
		&& import_links_has(&nsys->calls, thread, span->correlation, &found);
}

static int read_api(struct nsys *nsys, const struct nsys_row *row)
{
	enum { THREAD = 2, CORRELATION, NAME, CLASS };
	if (!has_times(nsys, row))
		return STATUS_OK;
	uint32_t thread = thread_of(nsys, nsys_number(row, THREAD));
	struct import_span span = span_of(row, thread, SPAN_KIND_API);
	span.category = name_at(nsys, row, NAME);
	span.name = span.category == IMPORT_NONE ? IMPORT_NONE : plain_name(nsys, span.category);
	span.correlation = nsys_number(row, CORRELATION);
	span.external = nsys_number(row, CLASS);
	span.api_class = is_repeated(nsys, thread, &span) ? IMPORT_API_REPEATED : (uint8_t)import_api_class_of(nsys->sink, span.name);
	return import_add_span(nsys->sink, &span, nsys->error);
}

static int read_osrt(struct nsys *nsys, const struct nsys_row *row)
{
	enum { THREAD = 2, NAME };
	if (!has_times(nsys, row))
		return STATUS_OK;
	struct import_span span = span_of(row, thread_of(nsys, nsys_number(row, THREAD)), SPAN_KIND_MARK);
	span.name = name_at(nsys, row, NAME);
	span.category = word(nsys, "os_runtime");
	return import_add_span(nsys->sink, &span, nsys->error);
}

enum nvtx_type { NVTX_MARK = 34, NVTX_PUSH_POP = 59, NVTX_START_END = 60, NVTX_DOMAIN = 75 };

static uint32_t nvtx_name(struct nsys *nsys, const struct nsys_row *row, int text, int id)
{
	const char *given = nsys_text(row, text);
	return given ? word(nsys, given) : name_at(nsys, row, id);
}

static int read_nvtx(struct nsys *nsys, const struct nsys_row *row)
{
	enum { THREAD = 2, TYPE, TEXT, TEXT_ID, DOMAIN_ID, RANGE };
	int64_t type = nsys_number_or(row, TYPE, 0), domain = nsys_number_or(row, DOMAIN_ID, 0);
	bool is_known_domain = domain >= 0 && domain < DOMAINS_MAX;
	if (type == NVTX_DOMAIN && is_known_domain)
		nsys->domains[domain] = nvtx_name(nsys, row, TEXT, TEXT_ID) + 1;
	if (type != NVTX_MARK && type != NVTX_PUSH_POP && type != NVTX_START_END)
		return STATUS_OK;
	if (!has_times(nsys, row))
		return STATUS_OK;
	struct import_span span = span_of(row, thread_of(nsys, nsys_number(row, THREAD)), type == NVTX_MARK ? SPAN_KIND_EVENT : SPAN_KIND_MARK);
	if (type == NVTX_MARK)
		span.duration_ns = 0;
	else if (span.duration_ns == IMPORT_UNKNOWN)
		import_note(nsys->sink, "ranges that were never closed: shown up to the end", 1);
	span.name = nvtx_name(nsys, row, TEXT, TEXT_ID);
	span.category = is_known_domain && nsys->domains[domain] ? nsys->domains[domain] - 1 : word(nsys, "NVTX");
	span.external = nsys_number(row, RANGE);
	return import_add_span(nsys->sink, &span, nsys->error);
}

static int read_overhead(struct nsys *nsys, const struct nsys_row *row)
{
	static const char *const names[] = { "undefined", "unknown", "JIT compiler", "profiler buffer flush", "instrumentation", "resource",
		"runtime module loading", "lazy function loading", "command buffer full" };
	enum { THREAD = 2, NAME, TYPE };
	if (!has_times(nsys, row))
		return STATUS_OK;
	struct import_span span = span_of(row, thread_of(nsys, nsys_number(row, THREAD)), SPAN_KIND_OVERHEAD);
	int64_t type = nsys_number_or(row, TYPE, 1);
	span.name = name_at(nsys, row, NAME);
	span.category = word(nsys, type >= 0 && type < (int64_t)ARRAY_LEN(names) ? names[type] : "unknown");
	if (span.name == IMPORT_NONE)
		span.name = span.category;
	return import_add_span(nsys->sink, &span, nsys->error);
}

/* Creation of graphs and their nodes: moments, with the node that a clone comes from. */
static int read_graph_event(struct nsys *nsys, const struct nsys_row *row)
{
	enum { THREAD = 2, NAME, CLASS, GRAPH, NODE, ORIGINAL_NODE, ORIGINAL_GRAPH, EXEC };
	static const char *const keys[] = { "original_graph_node", "original_graph", "graph_exec" };
	struct import_arg args[3];
	if (!has_times(nsys, row))
		return STATUS_OK;
	struct import_span span = span_of(row, thread_of(nsys, nsys_number(row, THREAD)), SPAN_KIND_EVENT);
	span.name = name_at(nsys, row, NAME);
	span.category = word(nsys, "cuda_graph");
	span.external = nsys_number(row, CLASS);
	span.graph = nsys_number(row, GRAPH);
	span.graph_node = nsys_number(row, NODE);
	span.args = args;
	for (int i = 0; i < 3; i++) {
		char text[24];
		if (nsys_is_null(row, ORIGINAL_NODE + i))
			continue;
		snprintf(text, sizeof text, "%" PRId64, nsys_number(row, ORIGINAL_NODE + i));
		args[span.n_args++] = (struct import_arg){ word(nsys, keys[i]), word(nsys, text) };
	}
	return import_add_span(nsys->sink, &span, nsys->error);
}

/* -- about the recording ---------------------------------------------------------------------------------------------------- */

static int read_thread_name(struct nsys *nsys, const struct nsys_row *row)
{
	char text[160];
	uint32_t name = name_at(nsys, row, 0);
	int64_t global = nsys_number(row, 1);
	if (name == IMPORT_NONE || global == IMPORT_UNKNOWN)
		return STATUS_OK;
	import_string_copy(nsys->sink, name, text, sizeof text);
	import_name_thread(nsys->sink, process_of(nsys, global), global & 0xffffff, text);
	return STATUS_OK;
}

static int read_gpu(struct nsys *nsys, const struct nsys_row *row)
{
	const char *name = nsys_text(row, 1);
	for (uint32_t process = 0; name && process < import_n_processes(nsys->sink); process++)
		import_name_device(nsys->sink, process, nsys_number_or(row, 0, -1), name, NULL);
	return STATUS_OK;
}

static int read_diagnostic(struct nsys *nsys, const struct nsys_row *row)
{
	int64_t severity = nsys_number_or(row, 1, 0);
	const char *text = nsys_text(row, 2);
	if (!text || (severity != 2 && severity != 3))
		return STATUS_OK;
	return import_add_log(nsys->sink, nsys_number_or(row, 0, 0), severity == 3 ? "error" : "warning", text, nsys->error);
}

static int read_meta(struct nsys *nsys, const struct nsys_row *row)
{
	const char *name = nsys_text(row, 0), *value = nsys_text(row, 1);
	if (name && value && strcmp(name, "EXPORT_SCHEMA_VERSION") == 0)
		snprintf(nsys->info->version, sizeof nsys->info->version, "%s", value);
	if (name && value && strcmp(name, "EXPORT_PRODUCT_VERSION") == 0)
		return import_add_meta(nsys->sink, "product_version", value, nsys->error);
	return STATUS_OK;
}

static int read_session(struct nsys *nsys, const struct nsys_row *row)
{
	char text[24];
	if (nsys_is_null(row, 0))
		return STATUS_OK;
	import_align_base(nsys->sink, nsys_number(row, 0));
	snprintf(text, sizeof text, "%" PRId64, nsys_number(row, 0));
	return import_add_meta(nsys->sink, "session_start_unix_ns", text, nsys->error);
}

static int read_metric(struct nsys *nsys, const struct nsys_row *row)
{
	char text[48];
	if (!has_times(nsys, row))
		return STATUS_OK;
	int n = snprintf(text, sizeof text, "metric %" PRId64 " of %" PRId64, nsys_number_or(row, 2, 0), nsys_number_or(row, 1, 0) & 0xff);
	return import_add_counter(nsys->sink, process_of(nsys, IMPORT_UNKNOWN), import_string(nsys->sink, text, (size_t)n), nsys_number(row, 0),
		db_column_real(row->stmt, 4), nsys->error);
}

const struct nsys_table nsys_tables[] = {
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
const int nsys_n_tables = ARRAY_LEN(nsys_tables);

const struct nsys_table nsys_calls = { "CUPTI_ACTIVITY_KIND_RUNTIME", { "globalTid", "correlationId", "eventClass" }, read_call };
