/* SPDX-License-Identifier: Apache-2.0
 *
 * import_events: the events of a Chrome trace, whoever wrote it, one after the other: what Kineto's, Ray's and generic files
 * have in common. Metadata may stand before and behind the events; a bare array and a file without its end are read as far
 * as they go.
 */
#ifndef TANDEM_TRACES_IMPORT_EVENTS_H
#define TANDEM_TRACES_IMPORT_EVENTS_H

#include "traces/import_flows.h"
#include "traces/import_input.h"
#include "traces/import_sink.h"
#include "traces/json_scan.h"

/* A pid, tid or id: a number where it is one, otherwise a text. */
struct event_id {
	bool is_set, is_number;
	int64_t number;
	struct json_text text;
};

/* One event; texts are json_scan's, valid while it is handled. */
struct import_event {
	char phase;              /* ph; 0: none */
	struct json_text name, category, scope; /* n 0: none */
	struct event_id process, thread, id;
	bool has_start, has_duration, has_args;
	int64_t start_ns, duration_ns;
	uint64_t place;          /* where it begins in the text */
};

struct import_reader;

/* What an importer does with a file. */
struct import_reader_kind {
	/* Before the first member of an event: forgets the args of one that could not be read. May be NULL. */
	void (*begin)(struct import_reader *reader);
	/* One pair of args, while the event is read: name and phase may not be known yet. The value must be read or skipped.
	 * NULL: args are skipped. */
	void (*arg)(struct import_reader *reader, struct json_text key);
	/* An event that has been read whole. */
	int (*event)(struct import_reader *reader, const struct import_event *event, struct error *error);
	/* A member of the outermost object other than the events. The value must be read or skipped. */
	void (*member)(struct import_reader *reader, struct json_text key);
};

struct import_reader {
	struct import_sink *sink;
	const struct import_options *options;
	struct import_file *info;
	struct json_scan *scan;
	struct import_input *input;
	const struct import_reader_kind *kind;
	void *user;              /* the importer's */
	bool ends_openly;        /* a bare array without its end, cleanly behind an event */
	/* counted on the way */
	uint64_t n_phases[128];
	struct import_flows flows;
};

/* Reads a whole file. STATUS_OK also for one that is damaged (info->is_cut, problems); STATUS_INPUT when there are no events in it at all. */
int import_read_events(struct import_reader *reader, struct error *error);

/* An interned copy of a text, with escapes resolved. IMPORT_NONE for none. */
uint32_t import_json_string(struct import_reader *reader, struct json_text text);
/* Reads the next value as an integer (of a number, or of a string that is one): false, with the value skipped, when it is none. */
bool import_json_int(struct import_reader *reader, int64_t *ret_value);

#endif
