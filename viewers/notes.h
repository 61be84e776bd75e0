/* SPDX-License-Identifier: Apache-2.0
 *
 * notes: bookmarks of a trace, kept beside it in FILE.notes: a text file, a line each, that a person can read and edit:
 *     RUN TIME_NS LANE TEXT
 * Lines that make no sense are kept as they are.
 */
#ifndef TANDEM_VIEWERS_NOTES_H
#define TANDEM_VIEWERS_NOTES_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/error.h"

struct note {
	int64_t run, time_ns; /* time_ns: relative to the run's start */
	char *lane, *text;    /* lane "-": none */
};

struct notes {
	char *file;
	struct note *items;   /* by run, then time */
	int n_items;
	char **others;        /* lines that are not ours to understand */
	int n_others;
	bool has_changed;
};

/* A missing file gives an empty set. */
int notes_load(const char *trace_file, struct error *error, struct notes **ret_notes);
int notes_add(struct notes *notes, int64_t run, int64_t time_ns, const char *lane, const char *text, struct error *error);
void notes_remove(struct notes *notes, int idx);
/* Writes the file anew (through a temporary one) when something changed. */
int notes_save(struct notes *notes, struct error *error);
void notes_close(struct notes *notes); /* accepts NULL */

#endif
