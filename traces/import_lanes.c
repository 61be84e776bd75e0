/* SPDX-License-Identifier: Apache-2.0
 *
 * import_lanes: which lanes an import has. What nests (a host thread's calls and annotations, a stream's annotations) lies
 * on a lane for each depth, so that no lane does two things at a time; a stream's work lies on one lane, overlaps included.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/attributes.h"
#include "traces/import_model.h"

#define DEPTH_WORK UINT8_MAX

static bool is_work(const struct import_record *record)
{
	int kind = record->kind + SPAN_KIND_OP;
	return kind == SPAN_KIND_KERNEL || kind == SPAN_KIND_MEMCPY || kind == SPAN_KIND_MEMSET || kind == SPAN_KIND_GRAPH;
}

static int open_span(struct model_track *track, int64_t end_ns, struct error *error)
{
	if (track->n_open == track->capacity) {
		uint32_t capacity = track->capacity ? track->capacity * 2 : 16;
		int64_t *ends = realloc(track->ends, capacity * sizeof *ends);
		if (!ends)
			return error_set(error, STATUS_NO_MEMORY, "no memory for what is being imported");
		track->ends = ends;
		track->capacity = capacity;
	}
	track->ends[track->n_open++] = end_ns;
	return STATUS_OK;
}

static int find_depth(void *user, struct import_record *record, struct error *error)
{
	struct import_sink *sink = user;
	if (record->kind == IMPORT_KIND_COUNTER)
		return STATUS_OK;
	struct model_track *track = &sink->tracks[record->track];
	if (record->duration_ns == IMPORT_UNKNOWN)
		record->duration_ns = sink->end_ns > record->start_ns ? sink->end_ns - record->start_ns : 0;
	if (track->is_stream && is_work(record)) {
		track->has_work = true;
		record->depth = DEPTH_WORK;
		return STATUS_OK;
	}
	while (track->n_open && track->ends[track->n_open - 1] <= record->start_ns)
		track->n_open--;
	uint32_t depth = track->n_open < IMPORT_DEPTH_MAX ? track->n_open : IMPORT_DEPTH_MAX - 1;
	record->depth = (uint8_t)depth;
	track->n_depths = depth + 1 > track->n_depths ? depth + 1 : track->n_depths;
	return open_span(track, record->start_ns + record->duration_ns, error);
}

static int compare_numbers(int64_t a, int64_t b)
{
	return (a > b) - (a < b);
}

/* By rank, source and process; streams by device first, then threads as they were met. */
static int compare_tracks(const void *a, const void *b, void *user)
{
	const struct import_sink *sink = user;
	const struct model_track *x = &sink->tracks[*(const uint32_t *)a], *y = &sink->tracks[*(const uint32_t *)b];
	const struct model_process *p = &sink->processes[x->process], *q = &sink->processes[y->process];
	int order = compare_numbers(p->rank, q->rank);
	if (!order)
		order = compare_numbers(p->source, q->source);
	if (!order)
		order = compare_numbers(x->process, y->process);
	if (!order)
		order = compare_numbers(y->is_stream, x->is_stream);
	if (!order && x->is_stream)
		order = compare_numbers(sink->devices[x->device].number, sink->devices[y->device].number);
	if (!order && x->is_stream)
		order = compare_numbers(x->number, y->number);
	return order ? order : compare_numbers(*(const uint32_t *)a, *(const uint32_t *)b);
}

/* How deep nesting may be shown, so that there are not too many lanes. */
static uint32_t find_depth_max(const struct import_sink *sink)
{
	uint32_t depth_max = IMPORT_DEPTH_MAX;
	for (; depth_max > 1; depth_max--) {
		uint64_t n = 0;
		for (uint32_t i = 0; i < sink->n_tracks; i++)
			n += sink->tracks[i].n_depths < depth_max ? sink->tracks[i].n_depths : depth_max;
		if (n <= IMPORT_LANES_MAX)
			break;
	}
	return depth_max;
}

static uint32_t lay_out(struct import_sink *sink, const uint32_t *order, uint32_t depth_max, struct import_lane *lanes)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < sink->n_tracks; i++) {
		struct model_track *track = &sink->tracks[order[i]];
		track->first_lane = n;
		if (track->has_work)
			lanes[n++] = (struct import_lane){ order[i], -1 };
		track->n_depths = track->n_depths < depth_max ? track->n_depths : depth_max;
		for (uint32_t depth = 0; depth < track->n_depths; depth++)
			lanes[n++] = (struct import_lane){ order[i], (int)depth };
	}
	return n;
}

int import_find_lanes(struct import_sink *sink, struct import_lane **ret_lanes, uint32_t *ret_n, struct error *error)
{
	uint32_t n = 0;
	int status = import_sort_each(sink->sort, find_depth, sink, error);
	if (status != STATUS_OK)
		return status;
	uint32_t *order = malloc((sink->n_tracks + 1) * sizeof *order);
	for (uint32_t i = 0; i < sink->n_tracks; i++) {
		n += sink->tracks[i].n_depths + sink->tracks[i].has_work;
		if (order)
			order[i] = i;
	}
	*ret_lanes = calloc(n + 1, sizeof **ret_lanes);
	*ret_n = n;
	if (order && *ret_lanes) {
		qsort_r(order, sink->n_tracks, sizeof *order, compare_tracks, sink);
		*ret_n = lay_out(sink, order, find_depth_max(sink), *ret_lanes);
	} else {
		status = error_set(error, STATUS_NO_MEMORY, "no memory for what is being imported");
	}
	free(order);
	return status;
}

/* -- words ------------------------------------------------------------------------------------------------------------------ */

void import_device_word(const struct import_sink *sink, uint32_t device, struct strbuf *out)
{
	const struct model_device *found = &sink->devices[device];
	strbuf_addf(out, "%s:%" PRId64, found->kind ? found->kind : "cuda", found->number);
}

static void add_process(const struct import_sink *sink, uint32_t process, struct strbuf *out)
{
	const struct model_process *found = &sink->processes[process];
	if (found->rank >= 0)
		strbuf_addf(out, "rank %" PRId64 " ", found->rank);
	else if (found->pid != IMPORT_UNKNOWN)
		strbuf_addf(out, "process %" PRId64 " ", found->pid);
	else if (found->name)
		strbuf_addf(out, "%s ", found->name);
}

void import_lane_name(const struct import_sink *sink, const struct import_lane *lane, struct strbuf *out)
{
	const struct model_track *track = &sink->tracks[lane->track];
	add_process(sink, track->process, out);
	if (track->is_stream) {
		import_device_word(sink, track->device, out);
		if (import_is_no_stream(track->number))
			strbuf_add(out, " no stream");
		else
			strbuf_addf(out, " stream %" PRId64, track->number);
		if (lane->depth >= 0)
			strbuf_add(out, " marks");
	} else {
		strbuf_addf(out, "thread %" PRId64, track->number);
		if (track->name)
			strbuf_addf(out, " %s", track->name);
	}
	if (lane->depth > 0)
		strbuf_addf(out, " +%d", lane->depth);
}

static bool has_word(const char *name, size_t n, const char *word)
{
	size_t length = strlen(word);
	for (size_t i = 0; i + length <= n; i++) {
		if (strncasecmp(name + i, word, length) == 0)
			return true;
	}
	return false;
}

bool import_is_collective(const char *name, size_t n)
{
	return has_word(name, n, "nccl") || has_word(name, n, "rccl") || has_word(name, n, "hccl");
}

/* X(CLASS, beginnings of names behind "cuda", "cu" or "hip"): the first that fits counts. */
static const struct {
	enum import_api class;
	const char *word;
} api_words[] = {
	{ IMPORT_API_GRAPH_LAUNCH, "GraphLaunch" },
	{ IMPORT_API_LAUNCH, "Launch" }, { IMPORT_API_LAUNCH, "ExtLaunch" }, { IMPORT_API_LAUNCH, "ModuleLaunch" },
	{ IMPORT_API_LAUNCH, "ExtModuleLaunch" },
	{ IMPORT_API_COPY, "Memcpy" }, { IMPORT_API_COPY, "Memset" }, { IMPORT_API_COPY, "MemPrefetch" },
	{ IMPORT_API_SYNC, "DeviceSynchronize" }, { IMPORT_API_SYNC, "StreamSynchronize" }, { IMPORT_API_SYNC, "EventSynchronize" },
	{ IMPORT_API_SYNC, "CtxSynchronize" }, { IMPORT_API_SYNC, "ThreadSynchronize" },
	{ IMPORT_API_EVENT, "Event" }, { IMPORT_API_EVENT, "StreamWaitEvent" }, { IMPORT_API_EVENT, "StreamQuery" },
	{ IMPORT_API_ALLOCATE, "Malloc" }, { IMPORT_API_ALLOCATE, "Free" }, { IMPORT_API_ALLOCATE, "Host" },
	{ IMPORT_API_ALLOCATE, "MemAlloc" }, { IMPORT_API_ALLOCATE, "MemFree" }, { IMPORT_API_ALLOCATE, "MemCreate" },
	{ IMPORT_API_ALLOCATE, "MemMap" }, { IMPORT_API_ALLOCATE, "MemHost" }, { IMPORT_API_ALLOCATE, "MemPool" },
	{ IMPORT_API_MODULE, "Module" }, { IMPORT_API_MODULE, "Library" }, { IMPORT_API_MODULE, "LinkComplete" },
};

enum import_api import_api_class(const char *name, size_t n)
{
	static const char *const prefixes[] = { "cuda", "hip", "cu" };
	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++) {
		size_t length = strlen(prefixes[i]);
		if (n < length || memcmp(name, prefixes[i], length) != 0)
			continue;
		for (size_t k = 0; k < ARRAY_LEN(api_words); k++) {
			size_t word = strlen(api_words[k].word);
			if (n - length >= word && memcmp(name + length, api_words[k].word, word) == 0)
				return api_words[k].class;
		}
		return IMPORT_API_OTHER;
	}
	return IMPORT_API_OTHER;
}

enum import_api import_api_class_of(struct import_sink *sink, uint32_t name)
{
	if (name == IMPORT_NONE || (name >= sink->n_known_apis && !import_bytes_by_text(sink, &sink->known_apis, &sink->n_known_apis)))
		return IMPORT_API_OTHER;
	if (!sink->known_apis[name]) {
		uint32_t n;
		const char *text = import_text(sink, name, &n);
		sink->known_apis[name] = 1 + (uint8_t)import_api_class(text, n);
	}
	return (enum import_api)(sink->known_apis[name] - 1);
}
