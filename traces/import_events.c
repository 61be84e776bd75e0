/* SPDX-License-Identifier: Apache-2.0
 *
 * import_events: the walk over a file, and how it goes on behind what is broken.
 */
#include "traces/import_events.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/attributes.h"

#define PROGRESS_EVENTS 8192
#define SHARE_OF_READING 0.5

uint32_t import_json_string(struct import_reader *reader, struct json_text text)
{
	char small[512], *bytes = small;
	if (!text.n)
		return IMPORT_NONE;
	if (likely(!text.has_escapes))
		return import_string(reader->sink, json_bytes(reader->scan, text), text.n);
	if (text.n > sizeof small)
		bytes = malloc(text.n);
	if (!bytes)
		return IMPORT_NONE;
	uint32_t string = import_string(reader->sink, bytes, json_unescape(reader->scan, text, bytes));
	if (bytes != small)
		free(bytes);
	return string;
}

static bool is_container(struct json_scan *scan)
{
	char c = json_peek(scan);
	return c == '{' || c == '[';
}

bool import_json_int(struct import_reader *reader, int64_t *ret_value)
{
	struct json_text text;
	if (is_container(reader->scan))
		return json_skip(reader->scan) && false;
	return json_scalar(reader->scan, &text) && json_decimal(reader->scan, text, 0, ret_value);
}

/* -- one event -------------------------------------------------------------------------------------------------------------- */

static bool read_id(struct json_scan *scan, struct event_id *id)
{
	if (is_container(scan))
		return json_skip(scan);
	id->is_set = json_scalar(scan, &id->text);
	id->is_number = id->is_set && json_decimal(scan, id->text, 0, &id->number);
	return id->is_set;
}

static bool read_time(struct json_scan *scan, int64_t *ret_ns, bool *ret_is_set)
{
	struct json_text text;
	if (is_container(scan))
		return json_skip(scan);
	if (!json_scalar(scan, &text))
		return false;
	*ret_is_set = json_decimal(scan, text, 3, ret_ns);
	return true;
}

static bool read_text(struct json_scan *scan, struct json_text *ret_text)
{
	return is_container(scan) ? json_skip(scan) : json_scalar(scan, ret_text);
}

static void read_args(struct import_reader *reader, struct import_event *event)
{
	event->has_args = true;
	struct json_scan *scan = reader->scan;
	struct json_text key;
	if (!reader->kind->arg || json_peek(scan) != '{') {
		json_skip(scan);
		return;
	}
	json_object(scan);
	while (json_key(scan, &key))
		reader->kind->arg(reader, key);
}

static void read_phase(struct json_scan *scan, struct import_event *event)
{
	struct json_text text = { 0 };
	if (read_text(scan, &text) && text.n)
		event->phase = *json_bytes(scan, text);
}

/* X(WORD, what is done): members of an event that are kept. */
#define MEMBER_MAP(X)                                                                      \
	X("ph", read_phase(scan, event))                                                   \
	X("ts", read_time(scan, &event->start_ns, &event->has_start))                      \
	X("dur", read_time(scan, &event->duration_ns, &event->has_duration))               \
	X("name", read_text(scan, &event->name))                                           \
	X("cat", read_text(scan, &event->category))                                        \
	X("pid", read_id(scan, &event->process))                                           \
	X("tid", read_id(scan, &event->thread))                                            \
	X("id", read_id(scan, &event->id))                                                 \
	X("scope", read_text(scan, &event->scope))                                         \
	X("args", read_args(reader, event))

static void read_member(struct import_reader *reader, struct import_event *event, struct json_text key)
{
	struct json_scan *scan = reader->scan;
	const char *word = json_bytes(scan, key);
#define X(text, call)                                                                     \
	if (key.n == sizeof text - 1 && memcmp(word, text, sizeof text - 1) == 0) {       \
		call;                                                                     \
		return;                                                                   \
	}
	MEMBER_MAP(X)
#undef X
	json_skip(scan);
}

static uint64_t mix(uint64_t hash, uint64_t word)
{
	hash = (hash ^ word) * 0x9e3779b97f4a7c15ull;
	return hash ^ hash >> 29;
}

static uint64_t hash_text(const struct json_scan *scan, struct json_text text)
{
	const char *bytes = json_bytes(scan, text);
	uint64_t hash = text.n;
	for (size_t i = 0; i < text.n; i++)
		hash = mix(hash, (unsigned char)bytes[i]);
	return hash;
}

static void count_event(struct import_reader *reader, const struct import_event *event)
{
	reader->info->n_events++;
	reader->n_phases[event->phase & 127]++;
	if ((event->phase == 's' || event->phase == 'f') && event->id.is_set) {
		uint64_t key = hash_text(reader->scan, event->category);
		key = mix(key, event->id.is_number ? (uint64_t)event->id.number : hash_text(reader->scan, event->id.text));
		import_flows_add(&reader->flows, key, event->phase == 'f');
	}
}

static int read_event(struct import_reader *reader, struct error *error)
{
	struct json_scan *scan = reader->scan;
	struct import_event event = { .place = json_offset(scan) };
	struct json_text key;
	json_pin(scan);
	if (reader->kind->begin)
		reader->kind->begin(reader);
	if (json_object(scan)) {
		while (json_key(scan, &key))
			read_member(reader, &event, key);
	}
	if (json_failed(scan, NULL, NULL))
		return STATUS_OK;
	count_event(reader, &event);
	import_at(reader->sink, event.place);
	int status = reader->kind->event(reader, &event, error);
	json_unpin(scan);
	return status;
}

/* -- the file --------------------------------------------------------------------------------------------------------------- */

static int tell(struct import_reader *reader, struct error *error)
{
	const struct import_options *options = reader->options;
	uint64_t size, at = import_input_at(reader->input, &size);
	double of_file = size ? (double)at / (double)size : 1;
	bool is_stopped = options->interrupt && *options->interrupt;
	if (options->progress && !is_stopped)
		is_stopped = !options->progress(options->user, SHARE_OF_READING * of_file / options->n_files, at);
	return is_stopped ? error_set(error, STATUS_STOPPED, "the import was stopped; nothing was written") : STATUS_OK;
}

/* What is left of an array behind something that could not be read. False: nothing. */
static bool go_on(struct import_reader *reader)
{
	const char *what = "";
	uint64_t place = 0, skipped = 0;
	json_failed(reader->scan, &what, &place);
	bool is_end = json_source_failed(reader->scan, NULL) || strncmp(what, "the text ends", 13) == 0;
	if (is_end)
		reader->info->is_cut = true;
	import_problem(reader->sink, what, place);
	return json_recover(reader->scan, &skipped);
}

/* A bare array may lack its end: its writer may still be at it. Kineto's writers finish theirs. */
static bool may_end_here(const struct import_reader *reader, bool is_bare)
{
	const char *what = "";
	return is_bare && reader->info->kind != IMPORT_KINETO && json_failed(reader->scan, &what, NULL)
		&& strcmp(what, "the text ends inside a container") == 0 && !json_source_failed(reader->scan, NULL);
}

/* The next value of the array, an event or not. False at the end. */
static bool next_event(struct import_reader *reader, bool *ret_is_event)
{
	bool has_item = json_item(reader->scan);
	*ret_is_event = has_item && json_peek(reader->scan) == '{';
	if (has_item && !*ret_is_event)
		json_skip(reader->scan);
	return has_item;
}

static int read_array(struct import_reader *reader, bool is_bare, struct error *error)
{
	struct json_scan *scan = reader->scan;
	bool is_event;
	int status = STATUS_OK;
	json_array(scan);
	for (uint64_t n = 1; status == STATUS_OK; n++) {
		bool has_more = next_event(reader, &is_event);
		reader->ends_openly = !has_more && may_end_here(reader, is_bare);
		if (!has_more && (!json_failed(scan, NULL, NULL) || reader->ends_openly))
			break;
		if (is_event)
			status = read_event(reader, error);
		while (json_failed(scan, NULL, NULL) && status == STATUS_OK) {
			if (!go_on(reader))
				return STATUS_OK;
			status = read_event(reader, error);
		}
		if (n % PROGRESS_EVENTS == 0 && status == STATUS_OK)
			status = tell(reader, error);
	}
	return status;
}

static int read_members(struct import_reader *reader, bool *ret_has_events, struct error *error)
{
	struct json_scan *scan = reader->scan;
	struct json_text key;
	int status = STATUS_OK;
	while (status == STATUS_OK && json_key(scan, &key)) {
		bool is_events = json_is(scan, key, "traceEvents");
		if (is_events && json_peek(scan) == '[') {
			*ret_has_events = true;
			status = read_array(reader, false, error);
		} else {
			reader->kind->member(reader, key);
		}
	}
	return status;
}

/* Metadata that are broken do not hide the events behind them. */
static int read_outermost(struct import_reader *reader, bool *ret_has_events, struct error *error)
{
	struct json_scan *scan = reader->scan;
	const char *what;
	uint64_t place;
	if (json_peek(scan) == '[') {
		*ret_has_events = true;
		return read_array(reader, true, error);
	}
	json_object(scan);
	int status = read_members(reader, ret_has_events, error);
	if (status != STATUS_OK || *ret_has_events || !json_failed(scan, &what, &place))
		return status;
	import_problem(reader->sink, what, place);
	while (!*ret_has_events && status == STATUS_OK && json_seek(scan, "\"traceEvents\"")) {
		if (json_peek(scan) != ':' || !json_seek(scan, ":") || json_peek(scan) != '[')
			continue;
		*ret_has_events = true;
		status = read_array(reader, false, error);
		if (status == STATUS_OK && !json_failed(scan, NULL, NULL))
			status = read_members(reader, ret_has_events, error);
	}
	return status;
}

/* How the text ended. */
static void look_at_end(struct import_reader *reader)
{
	const char *what;
	uint64_t place;
	struct error reason;
	if (json_source_failed(reader->scan, &reason)) {
		reader->info->is_cut = true;
		import_problem(reader->sink, "the file breaks off: its compression is damaged or cut", json_offset(reader->scan));
	} else if (json_failed(reader->scan, &what, &place) && !reader->info->is_cut && !reader->ends_openly) {
		reader->info->is_cut = true;
		import_problem(reader->sink, what, place);
	}
	import_at(reader->sink, json_offset(reader->scan));
	import_note(reader->sink, "raw control characters in texts: taken as they are", json_n_control_characters(reader->scan));
	import_note(reader->sink, "arrows beyond what memory is spent on: not counted by id", reader->flows.n_left_out);
}

/* How many events of each phase there were, and arrows by how whole they are. */
static int tell_counts(struct import_reader *reader, struct error *error)
{
	const struct import_flow_sums sums = import_flows_sum(&reader->flows);
	const struct {
		const char *what;
		uint64_t n;
	} rows[] = { { "flow ids with a start only", sums.start_only }, { "flow ids with an end only", sums.end_only },
		{ "flow ids with several ends", sums.several_ends } };
	int status = STATUS_OK;
	for (int i = 0; i < 128 && status == STATUS_OK; i++) {
		char what[24];
		snprintf(what, sizeof what, i > ' ' && i < 127 ? "events ph %c" : "events ph (%d)", i);
		if (reader->n_phases[i])
			status = import_add_count(reader->sink, what, reader->n_phases[i], error);
	}
	for (size_t i = 0; i < ARRAY_LEN(rows) && status == STATUS_OK && reader->flows.n; i++)
		status = import_add_count(reader->sink, rows[i].what, rows[i].n, error);
	return status;
}

int import_read_events(struct import_reader *reader, struct error *error)
{
	bool has_events = false;
	int status = import_input_open(reader->info->file, error, &reader->input);
	if (status == STATUS_OK)
		status = json_scan_create(import_input_read, reader->input, error, &reader->scan);
	if (status == STATUS_OK) {
		status = read_outermost(reader, &has_events, error);
		look_at_end(reader);
		reader->info->n_bytes = json_offset(reader->scan);
	}
	if (status == STATUS_OK && !has_events)
		status = error_set(error, STATUS_INPUT, "%s: there are no traceEvents in it", reader->info->file);
	if (status == STATUS_OK)
		status = tell_counts(reader, error);
	import_flows_finish(&reader->flows);
	json_scan_destroy(reader->scan);
	import_input_close(reader->input);
	reader->scan = NULL;
	reader->input = NULL;
	return status == STATUS_OK ? import_end_file(reader->sink, error) : status;
}
