/* SPDX-License-Identifier: Apache-2.0
 *
 * export_chrome: a timeline as Chrome's Trace Event JSON: X slices, s and f flows, C counters, i instants, M names. Times are µs with
 * three decimals. A run is a process; a lane and its waits are threads.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "traces/export_imported.h"

struct chrome {
	bool has_event;
};

struct export_sink *export_chrome_event(struct export_writer *writer, const char *phase)
{
	struct chrome *own = writer->own;
	struct export_sink *sink = &writer->export->sink;
	export_sink_text(sink, own->has_event ? ",\n{\"ph\":\"" : "\n{\"ph\":\"");
	export_sink_text(sink, phase);
	export_sink_text(sink, "\"");
	own->has_event = true;
	return sink;
}

static struct export_sink *begin_event(struct export_writer *writer, const char *phase)
{
	struct export_sink *sink = export_chrome_event(writer, phase);
	export_sink_text(sink, ",\"pid\":");
	export_sink_int(sink, writer->model->run->id);
	return sink;
}

static int64_t thread_id(struct export_track track)
{
	switch (track.kind) {
	case EXPORT_TRACK_LANE: return 2 * track.id;
	case EXPORT_TRACK_WAITS: return 2 * track.id + 1;
	default: return 0;
	}
}

static void add_thread(struct export_sink *sink, struct export_track track)
{
	export_sink_text(sink, ",\"tid\":");
	export_sink_int(sink, thread_id(track));
}

static void add_text(struct export_sink *sink, const char *key, const char *text)
{
	export_sink_text(sink, ",\"");
	export_sink_text(sink, key);
	export_sink_text(sink, "\":");
	export_sink_json(sink, text);
}

static void add_time(struct export_sink *sink, const char *key, int64_t ns)
{
	export_sink_text(sink, ",\"");
	export_sink_text(sink, key);
	export_sink_text(sink, "\":");
	export_sink_us(sink, ns);
}

static int begin(struct export_writer *writer)
{
	struct export *export = writer->export;
	writer->own = calloc(1, sizeof(struct chrome));
	if (!writer->own)
		return error_set(export->error, STATUS_NO_MEMORY, "no memory to export");
	export_sink_text(&export->sink, "{\"displayTimeUnit\":\"ns\",");
	export_imported_head(export);
	export_sink_text(&export->sink, "\"traceEvents\":[");
	return STATUS_OK;
}

/* -- names ------------------------------------------------------------------------------------------------------------ */

static void write_name(struct export_writer *writer, const char *what, int64_t thread, const char *name)
{
	struct export_sink *sink = begin_event(writer, "M");
	export_sink_text(sink, ",\"tid\":");
	export_sink_int(sink, thread);
	add_text(sink, "name", what);
	export_sink_text(sink, ",\"args\":{\"name\":");
	export_sink_json(sink, name);
	export_sink_text(sink, "}}");
}

static void write_order(struct export_writer *writer, int64_t thread, int position)
{
	struct export_sink *sink = begin_event(writer, "M");
	export_sink_text(sink, ",\"tid\":");
	export_sink_int(sink, thread);
	export_sink_text(sink, ",\"name\":\"thread_sort_index\",\"args\":{\"sort_index\":");
	export_sink_int(sink, position);
	export_sink_text(sink, "}}");
}

static void write_private(struct export_writer *writer)
{
	char *texts[2] = { NULL, NULL };
	static const char *const keys[] = { "command", "host" };
	const struct export *export = writer->export;
	if (!export->options->shows_private)
		return;
	trace_run_meta(export->trace, writer->model->run->id, keys[0], &texts[0], NULL);
	trace_meta(export->trace, keys[1], &texts[1], NULL);
	for (int i = 0; i < 2; i++) {
		if (!texts[i])
			continue;
		struct export_sink *sink = begin_event(writer, "M");
		export_sink_text(sink, ",\"tid\":0,\"name\":\"process_labels\",\"args\":{\"labels\":");
		export_sink_json(sink, texts[i]);
		export_sink_text(sink, "}}");
		free(texts[i]);
	}
}

static void begin_run(struct export_writer *writer)
{
	const struct export_model *model = writer->model;
	struct strbuf name = STRBUF_INIT;
	strbuf_addf(&name, "run %lld %s %s", (long long)model->run->id, model->run->mode, model->run->graph);
	write_name(writer, "process_name", 0, strbuf_text(&name));
	write_private(writer);
	for (int i = 0; i < model->n_lanes; i++) {
		const struct export_lane *lane = &model->lanes[i];
		strbuf_clear(&name);
		strbuf_add(&name, lane->label);
		if (lane->n_lost)
			strbuf_addf(&name, ": %lld records lost", (long long)lane->n_lost);
		write_name(writer, "thread_name", 2 * lane->id, strbuf_text(&name));
		write_order(writer, 2 * lane->id, 2 * i + 1);
		strbuf_clear(&name);
		strbuf_addf(&name, "%s waits", lane->label);
		write_name(writer, "thread_name", 2 * lane->id + 1, strbuf_text(&name));
		write_order(writer, 2 * lane->id + 1, 2 * i + 2);
	}
	strbuf_finish(&name);
}

/* -- events ----------------------------------------------------------------------------------------------------------- */

static void add_notes(struct export_sink *sink, const struct export_event *event)
{
	export_sink_text(sink, ",\"args\":{");
	for (int i = 0; i < event->n_notes; i++) {
		const struct export_note *note = &event->notes[i];
		export_sink_text(sink, i ? ",\"" : "\"");
		export_sink_text(sink, export_key_word(note->key));
		export_sink_text(sink, "\":");
		if (note->text)
			export_sink_json(sink, note->text);
		else
			export_sink_int(sink, note->number);
	}
	export_sink_text(sink, "}}");
}

/* An identifier as text: a JSON number holds 53 bits only. */
static void write_flows(struct export_writer *writer, const struct export_event *event, const char *phase, const int *edges, int n,
	int64_t time_ns)
{
	for (int i = 0; i < n; i++) {
		const struct export_edge *edge = &writer->model->edges[edges[i]];
		struct export_sink *sink = begin_event(writer, phase);
		add_thread(sink, event->track);
		add_time(sink, "ts", time_ns);
		export_sink_text(sink, ",\"cat\":\"flow\",\"id\":\"");
		export_sink_int(sink, edge->id);
		export_sink_text(sink, ":");
		export_sink_int(sink, event->execution);
		export_sink_text(sink, *phase == 'f' ? "\",\"bp\":\"e\"" : "\"");
		add_text(sink, "name", edge->name);
		export_sink_text(sink, "}");
	}
}

static void open_slice(struct export_writer *writer, const struct export_event *event)
{
	struct export_sink *sink = begin_event(writer, "X");
	add_thread(sink, event->track);
	add_time(sink, "ts", event->time_ns);
	add_time(sink, "dur", event->end_ns - event->time_ns);
	add_text(sink, "name", event->name);
	add_text(sink, "cat", event->category);
	add_notes(sink, event);
	/* What ends at the very end of a slice would belong to the next one. */
	int64_t in_ns = event->end_ns > event->time_ns ? event->end_ns - 1 : event->time_ns;
	write_flows(writer, event, "s", event->flows_out, event->n_flows_out, event->time_ns);
	write_flows(writer, event, "f", event->flows_in, event->n_flows_in, in_ns);
}

static void close_slice(struct export_writer *writer, const struct export_event *event)
{
}

static void instant(struct export_writer *writer, const struct export_event *event)
{
	struct export_sink *sink = begin_event(writer, "i");
	add_thread(sink, event->track);
	add_time(sink, "ts", event->time_ns);
	export_sink_text(sink, event->track.kind == EXPORT_TRACK_RUN ? ",\"s\":\"p\"" : ",\"s\":\"t\"");
	add_text(sink, "name", event->name);
	add_text(sink, "cat", event->category);
	add_notes(sink, event);
}

static void declare_counter(struct export_writer *writer, struct export_track track, const char *name, const char *unit)
{
}

static void counter(struct export_writer *writer, struct export_track track, const char *name, int64_t time_ns, double value)
{
	char text[40];
	struct export_sink *sink = begin_event(writer, "C");
	add_time(sink, "ts", time_ns);
	add_text(sink, "name", name);
	snprintf(text, sizeof(text), "%.17g", isfinite(value) ? value : 0);
	export_sink_text(sink, ",\"args\":{\"value\":");
	export_sink_text(sink, text);
	export_sink_text(sink, "}}");
}

static void end(struct export_writer *writer)
{
	export_sink_text(&writer->export->sink, "\n]}\n");
	free(writer->own);
	writer->own = NULL;
}

const struct export_writer_ops export_writer_chrome = {
	.begin = begin,
	.begin_run = begin_run,
	.open = open_slice,
	.close = close_slice,
	.instant = instant,
	.declare_counter = declare_counter,
	.counter = counter,
	.end = end,
};
