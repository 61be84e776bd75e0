/* SPDX-License-Identifier: Apache-2.0
 *
 * import_chrome: traces in Chrome's format by whoever wrote them, Ray among them: complete events, beginnings and ends,
 * asynchronous ones, counters, names. Processes and threads may have texts for numbers.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/attributes.h"
#include "traces/import_events.h"

#define SERIES_MAX 16
#define PENDING_MAX (512u << 10) /* asynchronous beginnings that wait for their ends */
#define BUCKETS 65536            /* of those, by what makes two the same */
#define TEXT_ID_BASE (INT64_MIN / 2) /* threads that have a text instead of a number: from here on */

struct series {
	struct json_text key;
	double value;
};

/* An asynchronous event that has begun. */
struct pending {
	uint32_t process, name, category, id, scope;
	uint32_t next;           /* in its bucket, or free: index + 1 */
	bool is_used;
	int64_t start_ns;
	uint64_t place;
};

struct chrome {
	struct series series[SERIES_MAX]; /* args of the event that is being read: numbers */
	int n_series;
	struct json_text label;           /* "name" of M events */
	struct pending *pending;
	uint32_t *buckets;                /* [BUCKETS] index + 1 of the newest */
	uint32_t n_pending, capacity, free_pending;
};

static struct chrome *chrome_of(struct import_reader *reader)
{
	return reader->user;
}

static void clear_args(struct import_reader *reader)
{
	chrome_of(reader)->n_series = 0;
	chrome_of(reader)->label.n = 0;
}

static void read_arg(struct import_reader *reader, struct json_text key)
{
	struct chrome *chrome = chrome_of(reader);
	struct json_scan *scan = reader->scan;
	struct json_text text;
	double value;
	char c = json_peek(scan);
	if (c == '"' && json_is(scan, key, "name")) {
		json_string(scan, &chrome->label);
	} else if ((c == '-' || (c >= '0' && c <= '9')) && chrome->n_series < SERIES_MAX) {
		if (json_number(scan, &text) && json_real(scan, text, &value) && isfinite(value))
			chrome->series[chrome->n_series++] = (struct series){ key, value };
	} else {
		json_skip(scan);
	}
}

/* -- whose event it is ------------------------------------------------------------------------------------------------------ */

static void copy_text(struct import_reader *reader, struct json_text text, char *copy, size_t size)
{
	snprintf(copy, size, "%.*s", (int)(text.n < size - 1 ? text.n : size - 1), json_bytes(reader->scan, text));
}

static uint32_t process_of(struct import_reader *reader, const struct import_event *event)
{
	char name[128];
	if (event->process.is_number)
		return import_process(reader->sink, event->process.number, NULL);
	if (!event->process.is_set)
		return import_process(reader->sink, 0, NULL);
	copy_text(reader, event->process.text, name, sizeof name);
	return import_process(reader->sink, IMPORT_UNKNOWN, name);
}

static uint32_t thread_of(struct import_reader *reader, const struct import_event *event)
{
	char name[128];
	uint32_t process = process_of(reader, event);
	if (event->thread.is_number || !event->thread.is_set)
		return import_thread(reader->sink, process, event->thread.is_set ? event->thread.number : 0);
	uint32_t text = import_json_string(reader, event->thread.text);
	uint32_t thread = import_thread(reader->sink, process, TEXT_ID_BASE + (int64_t)text);
	copy_text(reader, event->thread.text, name, sizeof name);
	import_thread_name(reader->sink, thread, name);
	return thread;
}

/* -- events ----------------------------------------------------------------------------------------------------------------- */

static struct import_span span_of(struct import_reader *reader, const struct import_event *event, uint32_t lane, int kind)
{
	return (struct import_span){
		.lane = lane,
		.kind = kind,
		.start_ns = event->start_ns,
		.duration_ns = event->has_duration ? event->duration_ns : 0,
		.name = import_json_string(reader, event->name),
		.category = import_json_string(reader, event->category),
		.correlation = IMPORT_UNKNOWN,
		.external = IMPORT_UNKNOWN,
		.bytes = IMPORT_UNKNOWN,
		.copy_kind = IMPORT_NONE,
		.graph = IMPORT_UNKNOWN,
		.graph_node = IMPORT_UNKNOWN,
		.graph_root = IMPORT_UNKNOWN,
		.event = IMPORT_UNKNOWN,
		.wait_stream = IMPORT_UNKNOWN,
	};
}

static int complete(struct import_reader *reader, const struct import_event *event, struct error *error)
{
	struct import_span span = span_of(reader, event, thread_of(reader, event), SPAN_KIND_MARK);
	if (!event->has_duration) {
		import_note(reader->sink, "events without a duration: shown up to the end", 1);
		span.duration_ns = IMPORT_UNKNOWN;
	}
	return import_add_span(reader->sink, &span, error);
}

static int begin(struct import_reader *reader, const struct import_event *event, struct error *error)
{
	struct import_span span = span_of(reader, event, thread_of(reader, event), SPAN_KIND_MARK);
	return import_open_span(reader->sink, &span, error);
}

static int end(struct import_reader *reader, const struct import_event *event, struct error *error)
{
	return import_close_span(reader->sink, thread_of(reader, event), event->start_ns, import_json_string(reader, event->name), error);
}

static int instant(struct import_reader *reader, const struct import_event *event, struct error *error)
{
	struct import_span span = span_of(reader, event, thread_of(reader, event), SPAN_KIND_EVENT);
	return import_add_span(reader->sink, &span, error);
}

/* A counter with several series is several counters: "NAME SERIES". */
static int counter(struct import_reader *reader, const struct import_event *event, struct error *error)
{
	struct chrome *chrome = chrome_of(reader);
	uint32_t process = process_of(reader, event);
	int status = STATUS_OK;
	for (int i = 0; i < chrome->n_series && status == STATUS_OK; i++) {
		const struct series *series = &chrome->series[i];
		struct strbuf word = STRBUF_INIT;
		strbuf_add_bytes(&word, json_bytes(reader->scan, event->name), event->name.n);
		if (chrome->n_series > 1)
			strbuf_addf(&word, " %.*s", (int)series->key.n, json_bytes(reader->scan, series->key));
		status = import_add_counter(reader->sink, process, import_string(reader->sink, strbuf_text(&word), word.length), event->start_ns,
			series->value, error);
		strbuf_finish(&word);
	}
	return status;
}

static uint32_t *bucket_of(struct chrome *chrome, const struct pending *pending)
{
	uint64_t hash = ((uint64_t)pending->category << 40 ^ (uint64_t)pending->scope << 20 ^ pending->id) * 0x9e3779b97f4a7c15ull;
	return &chrome->buckets[hash >> 48 & (BUCKETS - 1)];
}

/* IMPORT_NONE when there is no room. */
static uint32_t pending_place(struct chrome *chrome)
{
	uint32_t idx = chrome->free_pending;
	if (idx) {
		chrome->free_pending = chrome->pending[idx - 1].next;
		return idx - 1;
	}
	if (!chrome->buckets)
		chrome->buckets = calloc(BUCKETS, sizeof *chrome->buckets);
	if (chrome->n_pending == chrome->capacity && chrome->buckets && chrome->capacity < PENDING_MAX) {
		uint32_t capacity = chrome->capacity ? chrome->capacity * 2 : 64;
		struct pending *pending = realloc(chrome->pending, capacity * sizeof *pending);
		chrome->capacity = pending ? capacity : chrome->capacity;
		chrome->pending = pending ? pending : chrome->pending;
	}
	return chrome->n_pending < chrome->capacity ? chrome->n_pending++ : IMPORT_NONE;
}

static struct pending pending_of(struct import_reader *reader, const struct import_event *event)
{
	return (struct pending){ .process = process_of(reader, event), .name = import_json_string(reader, event->name),
		.category = import_json_string(reader, event->category), .id = import_json_string(reader, event->id.text),
		.scope = import_json_string(reader, event->scope), .start_ns = event->start_ns, .place = event->place, .is_used = true };
}

static int begin_async(struct import_reader *reader, const struct import_event *event, struct error *error)
{
	struct chrome *chrome = chrome_of(reader);
	uint32_t idx = pending_place(chrome);
	if (idx == IMPORT_NONE) {
		import_problem(reader->sink, "an asynchronous beginning beyond what memory is spent on", event->place);
		return STATUS_OK;
	}
	struct pending *pending = &chrome->pending[idx];
	*pending = pending_of(reader, event);
	uint32_t *bucket = bucket_of(chrome, pending);
	pending->next = *bucket;
	*bucket = idx + 1;
	return STATUS_OK;
}

/* Takes the newest that is the same; false when there is none. */
static bool take_pending(struct chrome *chrome, const struct pending *wanted, struct pending *ret_found)
{
	if (!chrome->buckets)
		return false;
	for (uint32_t *at = bucket_of(chrome, wanted); *at; at = &chrome->pending[*at - 1].next) {
		uint32_t idx = *at - 1;
		struct pending *pending = &chrome->pending[idx];
		if (pending->category != wanted->category || pending->id != wanted->id || pending->scope != wanted->scope)
			continue;
		*ret_found = *pending;
		*at = pending->next;
		*pending = (struct pending){ .next = chrome->free_pending };
		chrome->free_pending = idx + 1;
		return true;
	}
	return false;
}

static int add_async(struct import_reader *reader, const struct pending *begun, int64_t duration_ns, struct error *error)
{
	uint32_t lane = import_thread(reader->sink, begun->process, TEXT_ID_BASE - 1 - (int64_t)begun->category);
	struct import_event none = { .start_ns = begun->start_ns };
	struct import_span span = span_of(reader, &none, lane, SPAN_KIND_MARK);
	import_thread_name(reader->sink, lane, "asynchronous");
	span.duration_ns = duration_ns;
	span.name = begun->name;
	span.category = begun->category;
	return import_add_span(reader->sink, &span, error);
}

static int end_async(struct import_reader *reader, const struct import_event *event, struct error *error)
{
	struct pending wanted = pending_of(reader, event), found;
	int64_t duration_ns;
	if (!take_pending(chrome_of(reader), &wanted, &found)) {
		import_problem(reader->sink, "an asynchronous end without a beginning", event->place);
		return STATUS_OK;
	}
	if (__builtin_sub_overflow(event->start_ns, found.start_ns, &duration_ns))
		duration_ns = -1;
	return add_async(reader, &found, duration_ns, error);
}

/* Those that have no end are shown up to the end. */
static int end_pending(struct import_reader *reader, struct error *error)
{
	struct chrome *chrome = chrome_of(reader);
	int status = STATUS_OK;
	for (uint32_t i = 0; i < chrome->n_pending && status == STATUS_OK; i++) {
		if (!chrome->pending[i].is_used)
			continue;
		import_problem(reader->sink, "an asynchronous beginning without an end: it is shown up to the "
			"end", chrome->pending[i].place);
		status = add_async(reader, &chrome->pending[i], IMPORT_UNKNOWN, error);
	}
	return status;
}

static int name(struct import_reader *reader, const struct import_event *event, struct error *error)
{
	struct chrome *chrome = chrome_of(reader);
	char text[128];
	if (!chrome->label.n)
		return STATUS_OK;
	copy_text(reader, chrome->label, text, sizeof text);
	if (json_is(reader->scan, event->name, "thread_name"))
		import_thread_name(reader->sink, thread_of(reader, event), text);
	else if (json_is(reader->scan, event->name, "process_name"))
		import_process_name(reader->sink, process_of(reader, event), text, -1);
	return STATUS_OK;
}

static int nothing(struct import_reader *reader, const struct import_event *event, struct error *error)
{
	return STATUS_OK;
}

/* By ph; those that say nothing that is kept are named, so that what is left over is a problem. */
static const struct {
	char phase;
	bool needs_time;
	int (*handle)(struct import_reader *reader, const struct import_event *event, struct error *error);
} phases[] = {
	{ 'X', true, complete }, { 'B', true, begin }, { 'E', true, end }, { 'i', true, instant }, { 'I', true, instant },
	{ 'n', true, instant }, { 'T', true, instant }, { 'p', true, instant }, { 'R', true, instant }, { 'P', true, instant },
	{ 'C', true, counter }, { 'b', true, begin_async }, { 'S', true, begin_async }, { 'e', true, end_async }, { 'F', true, end_async },
	{ 'M', false, name }, { 's', false, nothing }, { 't', false, nothing }, { 'f', false, nothing }, { 'N', false, nothing },
	{ 'O', false, nothing }, { 'D', false, nothing }, { 'V', false, nothing }, { 'v', false, nothing }, { 'c', false, nothing },
	{ '(', false, nothing }, { ')', false, nothing },
};

static int handle_event(struct import_reader *reader, const struct import_event *event, struct error *error)
{
	for (size_t i = 0; i < ARRAY_LEN(phases); i++) {
		if (phases[i].phase != event->phase)
			continue;
		if (!phases[i].needs_time || event->has_start)
			return phases[i].handle(reader, event, error);
		import_problem(reader->sink, "an event without a time", event->place);
		return STATUS_OK;
	}
	import_problem(reader->sink, "an event of a kind that this format does not have", event->place);
	return STATUS_OK;
}

static void read_member(struct import_reader *reader, struct json_text key)
{
	json_skip(reader->scan);
}

int import_chrome(struct import_sink *sink, const struct import_options *options, struct import_file *info, struct error *error)
{
	static const struct import_reader_kind kind = { .begin = clear_args, .arg = read_arg, .event = handle_event, .member = read_member };
	struct chrome chrome = { .n_series = 0 };
	struct import_reader reader = { .sink = sink, .options = options, .info = info, .kind = &kind, .user = &chrome };
	int status = import_read_events(&reader, error);
	if (status == STATUS_OK)
		status = end_pending(&reader, error);
	free(chrome.buckets);
	free(chrome.pending);
	return status;
}
