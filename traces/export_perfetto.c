/* SPDX-License-Identifier: Apache-2.0
 *
 * export_perfetto: a timeline as Perfetto's native track events: a sequence of TracePacket messages, field 1 of Trace. Field numbers
 * are those of perfetto/trace (trace_packet, track_event, track_descriptor, interned_data, clock_snapshot).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "traces/export_proto.h"
#include "traces/export_timeline.h"

enum {
	TRACE_PACKET = 1,

	PACKET_CLOCK_SNAPSHOT = 6,
	PACKET_TIMESTAMP = 8,
	PACKET_SEQUENCE_ID = 10,
	PACKET_TRACK_EVENT = 11,
	PACKET_INTERNED_DATA = 12,
	PACKET_SEQUENCE_FLAGS = 13,
	PACKET_DEFAULTS = 59,
	PACKET_TRACK_DESCRIPTOR = 60,

	DEFAULTS_CLOCK_ID = 58,

	SNAPSHOT_CLOCKS = 1,
	SNAPSHOT_PRIMARY = 2,
	CLOCK_ID = 1,
	CLOCK_TIMESTAMP = 2,

	DESCRIPTOR_UUID = 1,
	DESCRIPTOR_NAME = 2,
	DESCRIPTOR_PROCESS = 3,
	DESCRIPTOR_THREAD = 4,
	DESCRIPTOR_PARENT = 5,
	DESCRIPTOR_COUNTER = 8,
	PROCESS_PID = 1,
	PROCESS_COMMAND = 2,
	PROCESS_NAME = 6,
	PROCESS_LABELS = 8,
	THREAD_PID = 1,
	THREAD_TID = 2,
	THREAD_NAME = 5,
	COUNTER_UNIT_NAME = 6,

	INTERNED_CATEGORIES = 1,
	INTERNED_NAMES = 2,
	INTERNED_NOTES = 3,
	INTERNED_ID = 1,
	INTERNED_NAME = 2,

	EVENT_CATEGORY_IDS = 3,
	EVENT_NOTES = 4,
	EVENT_TYPE = 9,
	EVENT_NAME_ID = 10,
	EVENT_TRACK = 11,
	EVENT_NAME = 23,
	EVENT_COUNTER_VALUE = 30,
	EVENT_COUNTER_DOUBLE = 44,
	EVENT_FLOWS = 47,
	EVENT_FLOWS_END = 48,

	NOTE_NAME_ID = 1,
	NOTE_INT = 4,
	NOTE_TEXT = 6,
};

enum {
	CLOCK_REALTIME_ID = 1,
	CLOCK_MONOTONIC_ID = 3,
	STATE_CLEARED = 1, /* of PACKET_SEQUENCE_FLAGS */
	STATE_NEEDED = 2,
	TYPE_BEGIN = 1, /* of EVENT_TYPE */
	TYPE_END = 2,
	TYPE_INSTANT = 3,
	TYPE_COUNTER = 4,
};

#define SEQUENCE_ID 1
#define TID_FIRST 1000000 /* a thread id equal to its process's would mean the main thread */

static const char *const categories[] = { "wait", "phase", "lane", "stall", "log", "failure", "loss", "run" };

struct perfetto {
	struct export_proto packet;
	uint64_t names_base, names_next; /* interned names: id of number n of this run is names_base + n */
};

static uint64_t track_uuid(struct export_track track)
{
	return (uint64_t)(track.kind + 1) << 56 | (uint64_t)track.id;
}

static size_t begin_packet(struct perfetto *own, uint64_t flags)
{
	own->packet.n = 0;
	size_t start = export_proto_begin(&own->packet, TRACE_PACKET);
	export_proto_varint(&own->packet, PACKET_SEQUENCE_ID, SEQUENCE_ID);
	export_proto_varint(&own->packet, PACKET_SEQUENCE_FLAGS, flags);
	return start;
}

static void end_packet(struct export_writer *writer, size_t start)
{
	struct perfetto *own = writer->own;
	export_proto_end(&own->packet, start);
	if (own->packet.is_failed && !writer->export->sink.errno_code)
		writer->export->sink.errno_code = ENOMEM;
	if (!own->packet.is_failed)
		export_sink_put(&writer->export->sink, own->packet.bytes, own->packet.n);
}

static void intern(struct export_proto *packet, int table, uint64_t id, const char *name)
{
	size_t start = export_proto_begin(packet, table);
	export_proto_varint(packet, INTERNED_ID, id);
	export_proto_text(packet, INTERNED_NAME, name);
	export_proto_end(packet, start);
}

static int begin(struct export_writer *writer)
{
	struct perfetto *own = calloc(1, sizeof(*own));
	writer->own = own;
	if (!own)
		return error_set(writer->export->error, STATUS_NO_MEMORY, "no memory to export");
	own->names_next = ARRAY_LEN(categories) + 1;
	size_t start = begin_packet(own, STATE_CLEARED | STATE_NEEDED);
	size_t defaults = export_proto_begin(&own->packet, PACKET_DEFAULTS);
	export_proto_varint(&own->packet, DEFAULTS_CLOCK_ID, CLOCK_MONOTONIC_ID);
	export_proto_end(&own->packet, defaults);
	size_t interned = export_proto_begin(&own->packet, PACKET_INTERNED_DATA);
	for (size_t i = 0; i < ARRAY_LEN(categories); i++)
		intern(&own->packet, INTERNED_CATEGORIES, i + 1, categories[i]);
	for (int key = 0; key < EXPORT_KEY_COUNT; key++)
		intern(&own->packet, INTERNED_NOTES, (uint64_t)key + 1, export_key_word(key));
	export_proto_end(&own->packet, interned);
	end_packet(writer, start);
	return STATUS_OK;
}

/* -- descriptors ------------------------------------------------------------------------------------------------------ */

static void write_clock(struct export_proto *packet, uint64_t id, int64_t ns)
{
	size_t start = export_proto_begin(packet, SNAPSHOT_CLOCKS);
	export_proto_varint(packet, CLOCK_ID, id);
	export_proto_varint(packet, CLOCK_TIMESTAMP, (uint64_t)ns);
	export_proto_end(packet, start);
}

static void write_snapshot(struct export_writer *writer)
{
	struct perfetto *own = writer->own;
	const struct trace_run *run = writer->model->run;
	size_t start = begin_packet(own, STATE_NEEDED);
	export_proto_varint(&own->packet, PACKET_TIMESTAMP, (uint64_t)run->start_ns);
	size_t snapshot = export_proto_begin(&own->packet, PACKET_CLOCK_SNAPSHOT);
	write_clock(&own->packet, CLOCK_MONOTONIC_ID, run->start_ns);
	if (run->start_unix_ns > 0)
		write_clock(&own->packet, CLOCK_REALTIME_ID, run->start_unix_ns);
	export_proto_varint(&own->packet, SNAPSHOT_PRIMARY, CLOCK_MONOTONIC_ID);
	export_proto_end(&own->packet, snapshot);
	end_packet(writer, start);
}

static size_t begin_descriptor(struct perfetto *own, struct export_track track, size_t *ret_packet)
{
	*ret_packet = begin_packet(own, STATE_NEEDED);
	size_t start = export_proto_begin(&own->packet, PACKET_TRACK_DESCRIPTOR);
	export_proto_varint(&own->packet, DESCRIPTOR_UUID, track_uuid(track));
	return start;
}

static void write_private(struct export_writer *writer, struct export_proto *packet)
{
	char *command = NULL, *host = NULL;
	const struct export *export = writer->export;
	if (!export->options->shows_private)
		return;
	if (trace_run_meta(export->trace, writer->model->run->id, "command", &command, NULL) == STATUS_OK && command)
		export_proto_text(packet, PROCESS_COMMAND, command);
	if (trace_meta(export->trace, "host", &host, NULL) == STATUS_OK && host)
		export_proto_text(packet, PROCESS_LABELS, host);
	free(command);
	free(host);
}

static void write_process(struct export_writer *writer)
{
	struct perfetto *own = writer->own;
	const struct trace_run *run = writer->model->run;
	struct strbuf name = STRBUF_INIT;
	size_t packet, start = begin_descriptor(own, (struct export_track){ EXPORT_TRACK_RUN, run->id }, &packet);
	strbuf_addf(&name, "run %lld %s %s", (long long)run->id, run->mode, run->graph);
	size_t process = export_proto_begin(&own->packet, DESCRIPTOR_PROCESS);
	export_proto_varint(&own->packet, PROCESS_PID, (uint64_t)run->id);
	export_proto_text(&own->packet, PROCESS_NAME, strbuf_text(&name));
	export_proto_text(&own->packet, PROCESS_LABELS, run->status);
	write_private(writer, &own->packet);
	export_proto_end(&own->packet, process);
	export_proto_end(&own->packet, start);
	end_packet(writer, packet);
	strbuf_finish(&name);
}

static void write_lane(struct export_writer *writer, const struct export_lane *lane)
{
	struct perfetto *own = writer->own;
	struct strbuf name = STRBUF_INIT;
	size_t packet, start = begin_descriptor(own, (struct export_track){ EXPORT_TRACK_LANE, lane->id }, &packet);
	strbuf_add(&name, lane->label);
	if (lane->n_lost)
		strbuf_addf(&name, ": %lld records lost", (long long)lane->n_lost);
	export_proto_varint(&own->packet, DESCRIPTOR_PARENT,
		track_uuid((struct export_track){ EXPORT_TRACK_RUN, writer->model->run->id }));
	size_t thread = export_proto_begin(&own->packet, DESCRIPTOR_THREAD);
	export_proto_varint(&own->packet, THREAD_PID, (uint64_t)writer->model->run->id);
	export_proto_varint(&own->packet, THREAD_TID, (uint64_t)(TID_FIRST + lane->id));
	export_proto_text(&own->packet, THREAD_NAME, strbuf_text(&name));
	export_proto_end(&own->packet, thread);
	export_proto_end(&own->packet, start);
	end_packet(writer, packet);

	if (lane->worker == EXPORT_NO_WORKER) {
		strbuf_finish(&name);
		return;
	}
	start = begin_descriptor(own, (struct export_track){ EXPORT_TRACK_WAITS, lane->id }, &packet);
	export_proto_varint(&own->packet, DESCRIPTOR_PARENT, track_uuid((struct export_track){ EXPORT_TRACK_LANE, lane->id }));
	strbuf_clear(&name);
	strbuf_addf(&name, "%s waits", lane->label);
	export_proto_text(&own->packet, DESCRIPTOR_NAME, strbuf_text(&name));
	export_proto_end(&own->packet, start);
	end_packet(writer, packet);
	strbuf_finish(&name);
}

static void declare_counter(struct export_writer *writer, struct export_track track, const char *name, const char *unit)
{
	struct perfetto *own = writer->own;
	size_t packet, start = begin_descriptor(own, track, &packet);
	export_proto_varint(&own->packet, DESCRIPTOR_PARENT,
		track_uuid((struct export_track){ EXPORT_TRACK_RUN, writer->model->run->id }));
	export_proto_text(&own->packet, DESCRIPTOR_NAME, name);
	size_t counter = export_proto_begin(&own->packet, DESCRIPTOR_COUNTER);
	export_proto_text(&own->packet, COUNTER_UNIT_NAME, unit);
	export_proto_end(&own->packet, counter);
	export_proto_end(&own->packet, start);
	end_packet(writer, packet);
}

static void begin_run(struct export_writer *writer)
{
	struct perfetto *own = writer->own;
	write_snapshot(writer);
	write_process(writer);
	for (int i = 0; i < writer->model->n_lanes; i++)
		write_lane(writer, &writer->model->lanes[i]);
	own->names_base = own->names_next;
	size_t packet = begin_packet(own, STATE_NEEDED);
	size_t interned = export_proto_begin(&own->packet, PACKET_INTERNED_DATA);
	for (int i = 0; export_name(writer->model, i); i++) {
		intern(&own->packet, INTERNED_NAMES, own->names_base + (uint64_t)i, export_name(writer->model, i));
		intern(&own->packet, INTERNED_CATEGORIES, own->names_base + (uint64_t)i, export_name(writer->model, i));
		own->names_next++;
	}
	export_proto_end(&own->packet, interned);
	end_packet(writer, packet);
}

/* -- events ----------------------------------------------------------------------------------------------------------- */

static size_t begin_event(struct perfetto *own, int64_t time_ns, uint64_t type, struct export_track track, size_t *ret_packet)
{
	*ret_packet = begin_packet(own, STATE_NEEDED);
	export_proto_varint(&own->packet, PACKET_TIMESTAMP, (uint64_t)time_ns);
	size_t start = export_proto_begin(&own->packet, PACKET_TRACK_EVENT);
	export_proto_varint(&own->packet, EVENT_TYPE, type);
	export_proto_varint(&own->packet, EVENT_TRACK, track_uuid(track));
	return start;
}

static void end_event(struct export_writer *writer, size_t start, size_t packet)
{
	struct perfetto *own = writer->own;
	export_proto_end(&own->packet, start);
	end_packet(writer, packet);
}

static uint64_t category_id(const struct perfetto *own, const struct export_event *event)
{
	if (event->category_number != EXPORT_NAME_NONE)
		return own->names_base + (uint64_t)event->category_number;
	for (size_t i = 0; i < ARRAY_LEN(categories); i++) {
		if (strcmp(categories[i], event->category) == 0)
			return i + 1;
	}
	return 0;
}

static void write_notes(struct export_proto *packet, const struct export_event *event)
{
	for (int i = 0; i < event->n_notes; i++) {
		const struct export_note *note = &event->notes[i];
		size_t start = export_proto_begin(packet, EVENT_NOTES);
		export_proto_varint(packet, NOTE_NAME_ID, (uint64_t)note->key + 1);
		if (note->text)
			export_proto_text(packet, NOTE_TEXT, note->text);
		else
			export_proto_varint(packet, NOTE_INT, (uint64_t)note->number);
		export_proto_end(packet, start);
	}
}

static void write_flows(const struct export_writer *writer, struct export_proto *packet, int field, const int *edges, int n,
	int64_t execution)
{
	for (int i = 0; i < n; i++)
		export_proto_fixed64(packet, field, export_flow_id(&writer->model->edges[edges[i]], execution));
}

static void write_event(struct export_writer *writer, const struct export_event *event, uint64_t type)
{
	struct perfetto *own = writer->own;
	size_t packet, start = begin_event(own, event->time_ns, type, event->track, &packet);
	export_proto_varint(&own->packet, EVENT_CATEGORY_IDS, category_id(own, event));
	if (event->name_number == EXPORT_NAME_NONE)
		export_proto_text(&own->packet, EVENT_NAME, event->name);
	else
		export_proto_varint(&own->packet, EVENT_NAME_ID, own->names_base + (uint64_t)event->name_number);
	write_notes(&own->packet, event);
	write_flows(writer, &own->packet, EVENT_FLOWS, event->flows_out, event->n_flows_out, event->execution);
	if (event->launch_out)
		export_proto_fixed64(&own->packet, EVENT_FLOWS, event->launch_out);
	if (event->launch_in)
		export_proto_fixed64(&own->packet, EVENT_FLOWS_END, event->launch_in);
	end_event(writer, start, packet);
}

static void open_slice(struct export_writer *writer, const struct export_event *event)
{
	write_event(writer, event, TYPE_BEGIN);
}

static void close_slice(struct export_writer *writer, const struct export_event *event)
{
	struct perfetto *own = writer->own;
	size_t packet, start = begin_event(own, event->end_ns, TYPE_END, event->track, &packet);
	write_flows(writer, &own->packet, EVENT_FLOWS_END, event->flows_in, event->n_flows_in, event->execution);
	end_event(writer, start, packet);
}

static void instant(struct export_writer *writer, const struct export_event *event)
{
	write_event(writer, event, TYPE_INSTANT);
}

static void counter(struct export_writer *writer, struct export_track track, const char *name, int64_t time_ns, double value)
{
	struct perfetto *own = writer->own;
	size_t packet, start = begin_event(own, time_ns, TYPE_COUNTER, track, &packet);
	if (value == (double)(int64_t)value)
		export_proto_varint(&own->packet, EVENT_COUNTER_VALUE, (uint64_t)(int64_t)value);
	else
		export_proto_double(&own->packet, EVENT_COUNTER_DOUBLE, value);
	end_event(writer, start, packet);
}

static void end(struct export_writer *writer)
{
	struct perfetto *own = writer->own;
	if (own)
		export_proto_finish(&own->packet);
	free(own);
	writer->own = NULL;
}

const struct export_writer_ops export_writer_perfetto = {
	.begin = begin,
	.begin_run = begin_run,
	.open = open_slice,
	.close = close_slice,
	.instant = instant,
	.declare_counter = declare_counter,
	.counter = counter,
	.end = end,
};
