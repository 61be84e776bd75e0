/* SPDX-License-Identifier: Apache-2.0
 *
 * import_sink: takes what importers read: interns texts, knows processes, threads, devices and streams by their numbers, and hands spans to the sort.
 */
#include "traces/import_sink.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/attributes.h"
#include "traces/gpu_analyses.h"
#include "traces/import_model.h"

#define ARGS_MAX (8u << 20)
#define LOGS_MAX 10000
#define TIME_MAX (INT64_MAX / 4)

/* -- what happened ---------------------------------------------------------------------------------------------------------- */

void import_at(struct import_sink *sink, uint64_t place)
{
	sink->place = place;
}

/* The row of a cause; the last used first, for they come in rows. */
static void count_cause(struct import_sink *sink, const char *cause, uint64_t n, uint64_t place)
{
	int source = (int)sink->n_sources - 1;
	for (uint32_t i = sink->n_problems; i-- > 0 && sink->problems[i].source == source;) {
		if (strcmp(sink->problems[i].cause, cause) == 0) {
			sink->problems[i].n += n;
			return;
		}
	}
	if (import_room(sink, &sink->problems, sink->n_problems, sizeof *sink->problems))
		sink->problems[sink->n_problems++] = (struct model_problem){ source, cause, n, place };
}

void import_problem(struct import_sink *sink, const char *cause, uint64_t place)
{
	if (sink->n_sources)
		sink->sources[sink->n_sources - 1]->n_problems++;
	count_cause(sink, cause, 1, place);
}

void import_note(struct import_sink *sink, const char *cause, uint64_t n)
{
	if (n && sink->n_sources)
		count_cause(sink, cause, n, sink->place);
}

int import_add_count(struct import_sink *sink, const char *what, uint64_t n, struct error *error)
{
	if (!import_room(sink, &sink->counts, sink->n_counts, sizeof *sink->counts))
		return import_out_of_memory(error);
	struct model_count *count = &sink->counts[sink->n_counts++];
	*count = (struct model_count){ .source = (int)sink->n_sources - 1, .n = n };
	snprintf(count->what, sizeof count->what, "%s", what);
	return STATUS_OK;
}

static uint32_t keep_args(struct import_sink *sink, const struct import_span *span)
{
	uint32_t first = sink->n_args;
	if (!span->n_args)
		return 0;
	if (sink->n_args + span->n_args > ARGS_MAX) {
		import_note(sink, "details of events beyond what memory is spent on", 1);
		return IMPORT_NONE;
	}
	for (uint32_t i = 0; i < span->n_args && import_room(sink, &sink->args, sink->n_args, sizeof *sink->args); i++)
		sink->args[sink->n_args++] = span->args[i];
	return first;
}

/* Whether it can have been so; what cannot is counted. */
static bool is_possible(struct import_sink *sink, const struct import_span *span)
{
	bool has_end = span->duration_ns != IMPORT_UNKNOWN;
	const char *cause = NULL;
	if (has_end && span->duration_ns < 0)
		cause = "an event that ends before it begins";
	else if (span->start_ns < -TIME_MAX || span->start_ns > TIME_MAX || (has_end && span->duration_ns > TIME_MAX))
		cause = "an event at a time that cannot be";
	if (unlikely(cause))
		import_problem(sink, cause, sink->place);
	return !cause;
}

static void widen(struct import_sink *sink, int64_t start_ns, int64_t end_ns)
{
	struct model_source *source = &sink->source_times[sink->n_sources - 1];
	source->start_ns = start_ns < source->start_ns ? start_ns : source->start_ns;
	source->end_ns = end_ns > source->end_ns ? end_ns : source->end_ns;
}

int import_add_span(struct import_sink *sink, const struct import_span *span, struct error *error)
{
	if (unlikely(sink->is_out_of_memory || span->lane >= sink->n_tracks || !sink->n_sources))
		return import_out_of_memory(error);
	if (!is_possible(sink, span))
		return STATUS_OK;
	struct import_record record = { .start_ns = span->start_ns, .duration_ns = span->duration_ns, .correlation = span->correlation,
		.external = span->external, .bytes = span->bytes, .graph = span->graph, .graph_node = span->graph_node,
		.graph_root = span->graph_root, .event = span->event, .wait_stream = span->wait_stream, .track = span->lane, .name = span->name,
		.category = span->category, .copy_kind = span->copy_kind, .kind = (uint8_t)(span->kind - SPAN_KIND_OP),
		.api_class = span->api_class, .sync_kind = span->sync_kind, .first_arg = span->n_args ? keep_args(sink, span) : 0 };
	record.n_args = record.first_arg == IMPORT_NONE ? 0 : (uint16_t)span->n_args;
	for (int i = 0; i < 3; i++) {
		record.grid[i] = span->grid[i];
		record.block[i] = span->block[i] > UINT16_MAX ? UINT16_MAX : (uint16_t)span->block[i];
	}
	int64_t end_ns = span->duration_ns == IMPORT_UNKNOWN ? span->start_ns : span->start_ns + span->duration_ns;
	widen(sink, span->start_ns, end_ns);
	if (span->kind == SPAN_KIND_KERNEL)
		import_align_kernel(sink, span->name, span->start_ns, end_ns);
	sink->sources[sink->n_sources - 1]->n_rows++;
	return import_sort_add(sink->sort, &record, error);
}

/* The place for one more: one that was given back, or behind the last. IMPORT_NONE without. */
static uint32_t open_place(struct import_sink *sink)
{
	uint32_t idx = sink->free_open;
	if (idx) {
		sink->free_open = sink->opens[idx - 1].below;
		return idx - 1;
	}
	if (sink->n_opens >= IMPORT_OPENS_MAX || !import_room(sink, &sink->opens, sink->n_opens, sizeof *sink->opens))
		return IMPORT_NONE;
	return sink->n_opens++;
}

int import_open_span(struct import_sink *sink, const struct import_span *span, struct error *error)
{
	if (unlikely(span->lane >= sink->n_tracks))
		return import_out_of_memory(error);
	uint32_t idx = open_place(sink);
	struct model_track *track = &sink->tracks[span->lane];
	if (idx == IMPORT_NONE) {
		import_problem(sink, "a beginning beyond what memory is spent on", sink->place);
		return sink->is_out_of_memory ? import_out_of_memory(error) : STATUS_OK;
	}
	sink->opens[idx] = (struct model_open){ .span = *span, .place = sink->place, .below = track->top_open };
	sink->opens[idx].span.n_args = 0;
	track->top_open = idx + 1;
	return STATUS_OK;
}

/* The innermost of a thread. */
static int close_open(struct import_sink *sink, struct model_track *track, int64_t end_ns, struct error *error)
{
	uint32_t idx = track->top_open - 1;
	struct import_span span = sink->opens[idx].span;
	track->top_open = sink->opens[idx].below;
	sink->opens[idx].below = sink->free_open;
	sink->free_open = idx + 1;
	span.duration_ns = IMPORT_UNKNOWN;
	if (end_ns != IMPORT_UNKNOWN && __builtin_sub_overflow(end_ns, span.start_ns, &span.duration_ns))
		span.duration_ns = -1;
	return import_add_span(sink, &span, error);
}

int import_close_span(struct import_sink *sink, uint32_t thread, int64_t end_ns, uint32_t name, struct error *error)
{
	if (unlikely(thread >= sink->n_tracks))
		return import_out_of_memory(error);
	struct model_track *track = &sink->tracks[thread];
	if (!track->top_open) {
		import_problem(sink, "an end without a beginning", sink->place);
		return STATUS_OK;
	}
	if (name != IMPORT_NONE && sink->opens[track->top_open - 1].span.name != name)
		import_note(sink, "ends with another name than their beginnings", 1);
	return close_open(sink, track, end_ns, error);
}

/* A counter waits among the spans, so that it costs no memory: its value in `bytes`. */
int import_add_counter(struct import_sink *sink, uint32_t process, uint32_t name, int64_t time_ns, double value, struct error *error)
{
	struct import_record record = { .start_ns = time_ns, .track = process, .name = name, .kind = IMPORT_KIND_COUNTER };
	if (time_ns < -TIME_MAX || time_ns > TIME_MAX || name == IMPORT_NONE) {
		import_problem(sink, "a counter without a name, or at a time that cannot be", sink->place);
		return STATUS_OK;
	}
	memcpy(&record.bytes, &value, sizeof value);
	widen(sink, time_ns, time_ns);
	return import_sort_add(sink->sort, &record, error);
}

int import_add_meta(struct import_sink *sink, const char *key, const char *value, struct error *error)
{
	for (uint32_t i = 0; i < sink->n_metas; i++) {
		if (strcmp(sink->metas[i].key, key) == 0)
			return STATUS_OK;
	}
	if (!import_room(sink, &sink->metas, sink->n_metas, sizeof *sink->metas))
		return import_out_of_memory(error);
	sink->metas[sink->n_metas++] = (struct model_meta){ import_copy(sink, key), import_copy(sink, value) };
	return sink->is_out_of_memory ? import_out_of_memory(error) : STATUS_OK;
}

int import_add_log(struct import_sink *sink, int64_t time_ns, const char *level, const char *text, struct error *error)
{
	if (sink->n_logs >= LOGS_MAX) {
		import_note(sink, "messages beyond the first 10000: left out", 1);
		return STATUS_OK;
	}
	if (!import_room(sink, &sink->logs, sink->n_logs, sizeof *sink->logs))
		return import_out_of_memory(error);
	sink->logs[sink->n_logs++] = (struct model_log){ time_ns, level, import_copy(sink, text) };
	return sink->is_out_of_memory ? import_out_of_memory(error) : STATUS_OK;
}

/* -- beginning and end ------------------------------------------------------------------------------------------------------ */

int import_sink_create(const struct import_options *options, struct error *error, struct import_sink **ret_sink)
{
	struct import_sink *sink = calloc(1, sizeof *sink);
	if (!sink)
		return import_out_of_memory(error);
	sink->options = options;
	sink->start_ns = INT64_MAX;
	sink->end_ns = INT64_MIN;
	sink->other_text = import_string(sink, "…", strlen("…"));
	int status = import_sort_create(options->output, error, &sink->sort);
	if (status != STATUS_OK)
		import_sink_destroy(sink);
	else
		*ret_sink = sink;
	return status;
}

void import_sink_destroy(struct import_sink *sink)
{
	if (!sink)
		return;
	for (uint32_t i = 0; i < sink->n_processes; i++)
		free(sink->processes[i].name);
	for (uint32_t i = 0; i < sink->n_devices; i++) {
		free(sink->devices[i].name);
		free(sink->devices[i].kind);
	}
	for (uint32_t i = 0; i < sink->n_tracks; i++) {
		free(sink->tracks[i].name);
		free(sink->tracks[i].ends);
	}
	for (uint32_t i = 0; i < sink->n_sources; i++)
		free(sink->source_times[i].ends);
	for (uint32_t i = 0; i < sink->n_metas; i++) {
		free(sink->metas[i].key);
		free(sink->metas[i].value);
	}
	for (uint32_t i = 0; i < sink->n_logs; i++)
		free(sink->logs[i].text);
	void *const arrays[] = {sink->strings, sink->processes, sink->devices, sink->tracks, sink->opens, sink->problems,
		sink->counts, sink->metas, sink->logs, sink->args, sink->sources, sink->source_times,
		sink->known_collectives, sink->known_apis, sink->string_index.slots, sink->track_index.slots,
		sink->process_index.slots, sink->device_index.slots};
	for (size_t i = 0; i < ARRAY_LEN(arrays); i++)
		free(arrays[i]);
	strbuf_finish(&sink->text);
	import_sort_destroy(sink->sort);
	free(sink);
}

int import_begin_file(struct import_sink *sink, struct import_file *info, struct error *error)
{
	int status = sink->n_sources ? import_sort_end_source(sink->sort, error) : STATUS_OK;
	if (!import_room(sink, &sink->sources, sink->n_sources, sizeof *sink->sources)
		|| !import_room(sink, &sink->source_times, sink->n_sources, sizeof *sink->source_times))
		return import_out_of_memory(error);
	sink->source_times[sink->n_sources] = (struct model_source){ .start_ns = INT64_MAX, .end_ns = INT64_MIN, .method = "none" };
	sink->sources[sink->n_sources++] = info;
	sink->place = 0;
	return status;
}

int import_end_file(struct import_sink *sink, struct error *error)
{
	int status = STATUS_OK;
	for (uint32_t i = 0; i < sink->n_tracks; i++) {
		while (sink->tracks[i].top_open && status == STATUS_OK) {
			import_problem(sink, "a beginning without an end: it is shown up to the end",
				sink->opens[sink->tracks[i].top_open - 1].place);
			status = close_open(sink, &sink->tracks[i], IMPORT_UNKNOWN, error);
		}
	}
	return status;
}

int import_sink_close(struct import_sink *sink, struct error *error)
{
	char part[4096];
	if (sink->is_out_of_memory)
		return import_out_of_memory(error);
	int status = import_align(sink, error);
	if (status != STATUS_OK)
		return status;
	if (sink->start_ns > sink->end_ns)
		return error_set(error, STATUS_INPUT, "nothing could be imported: there is no event with a time in it");
	if ((size_t)snprintf(part, sizeof part, "%s.part", sink->options->output) >= sizeof part)
		return error_set(error, STATUS_USAGE, "%.100s…: the name is too long", sink->options->output);
	status = import_write(sink, part, error);
	import_sort_destroy(sink->sort); /* its memory is for the analyses */
	sink->sort = NULL;
	if (status == STATUS_OK)
		status = gpu_analyses_run_file(part, sink->options->interrupt, error);
	if (status == STATUS_OK && rename(part, sink->options->output) < 0)
		status = error_set_errno(error, STATUS_SYSTEM, "cannot put the trace at %.400s", sink->options->output);
	if (status != STATUS_OK)
		unlink(part);
	return status;
}
