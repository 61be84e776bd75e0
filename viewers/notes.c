/* SPDX-License-Identifier: Apache-2.0
 *
 * notes: reading and writing FILE.notes.
 */
#include "viewers/notes.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NOTES_LINE_MAX 4096

static int out_of_memory(struct error *error)
{
	return error_set(error, STATUS_NO_MEMORY, "no memory for the notes");
}

static void free_note(struct note *note)
{
	free(note->lane);
	free(note->text);
}

/* By run, then time; equal ones stay in their order. */
static int insert(struct notes *notes, struct note note, struct error *error)
{
	struct note *items = realloc(notes->items, ((size_t)notes->n_items + 1) * sizeof(*items));
	if (!items || !note.lane || !note.text) {
		notes->items = items ? items : notes->items;
		free_note(&note);
		return out_of_memory(error);
	}
	int at = notes->n_items;
	while (at > 0 && (items[at - 1].run > note.run || (items[at - 1].run == note.run && items[at - 1].time_ns > note.time_ns)))
		at--;
	memmove(&items[at + 1], &items[at], (size_t)(notes->n_items - at) * sizeof(*items));
	items[at] = note;
	notes->items = items;
	notes->n_items++;
	return STATUS_OK;
}

static int keep_line(struct notes *notes, const char *line, struct error *error)
{
	char **others = realloc(notes->others, ((size_t)notes->n_others + 1) * sizeof(*others));
	if (!others)
		return out_of_memory(error);
	notes->others = others;
	others[notes->n_others] = strdup(line);
	return others[notes->n_others++] ? STATUS_OK : out_of_memory(error);
}

/* A lane's name may hold blanks: it is written with '%20' for each, '%25' for the sign itself. */
static char *encode_lane(const char *lane)
{
	char *text = malloc(3 * strlen(lane) + 2), *to = text;
	for (const char *at = *lane ? lane : "-"; text && *at; at++) {
		if (*at == ' ' || *at == '%' || *at == '\t' || *at == '\n')
			to += sprintf(to, "%%%02x", (unsigned)*at);
		else
			*to++ = *at;
	}
	if (text)
		*to = '\0';
	return text;
}

static char *decode_lane(const char *text, size_t length)
{
	char *lane = malloc(length + 1), *to = lane;
	for (size_t i = 0; lane && i < length; i++) {
		unsigned code;
		if (text[i] == '%' && i + 2 < length && sscanf(text + i + 1, "%2x", &code) == 1 && code) {
			*to++ = (char)code;
			i += 2;
		} else {
			*to++ = text[i];
		}
	}
	if (lane)
		*to = '\0';
	return lane;
}

static int read_line(struct notes *notes, char *line, struct error *error)
{
	int64_t run, time_ns;
	int at = 0;
	line[strcspn(line, "\n")] = '\0';
	bool is_note = sscanf(line, "%" SCNd64 " %" SCNd64 " %n", &run, &time_ns, &at) == 2 && at && line[at] && run > 0;
	if (!is_note)
		return keep_line(notes, line, error);
	size_t length = strcspn(line + at, " ");
	const char *text = line + at + length;
	struct note note = { .run = run, .time_ns = time_ns, .lane = decode_lane(line + at, length),
		.text = strdup(text + (*text == ' ')) };
	return insert(notes, note, error);
}

int notes_load(const char *trace_file, struct error *error, struct notes **ret_notes)
{
	struct notes *notes = calloc(1, sizeof(*notes));
	if (!notes || asprintf(&notes->file, "%s.notes", trace_file) < 0) {
		free(notes);
		return out_of_memory(error);
	}
	FILE *stream = fopen(notes->file, "re");
	int status = STATUS_OK;
	if (!stream && errno != ENOENT)
		status = error_set_errno(error, STATUS_SYSTEM, "%s", notes->file);
	char *line = NULL;
	size_t size = 0;
	while (stream && status == STATUS_OK && getline(&line, &size, stream) >= 0)
		status = read_line(notes, line, error);
	if (stream && status == STATUS_OK && ferror(stream))
		status = error_set_errno(error, STATUS_SYSTEM, "%s", notes->file);
	free(line);
	if (stream)
		fclose(stream);
	if (status != STATUS_OK) {
		notes_close(notes);
		return status;
	}
	*ret_notes = notes;
	return STATUS_OK;
}

int notes_add(struct notes *notes, int64_t run, int64_t time_ns, const char *lane, const char *text, struct error *error)
{
	struct note note = { .run = run, .time_ns = time_ns, .lane = strdup(lane && *lane ? lane : "-"),
		.text = strndup(text, NOTES_LINE_MAX) };
	for (char *at = note.text; at && *at; at++) {
		if (*at == '\n' || *at == '\r')
			*at = ' ';
	}
	int status = insert(notes, note, error);
	notes->has_changed |= status == STATUS_OK;
	return status;
}

void notes_remove(struct notes *notes, int idx)
{
	if (idx < 0 || idx >= notes->n_items)
		return;
	free_note(&notes->items[idx]);
	notes->n_items--;
	memmove(&notes->items[idx], &notes->items[idx + 1], (size_t)(notes->n_items - idx) * sizeof(*notes->items));
	notes->has_changed = true;
}

static bool write_lines(const struct notes *notes, FILE *stream)
{
	for (int i = 0; i < notes->n_others; i++)
		fprintf(stream, "%s\n", notes->others[i]);
	for (int i = 0; i < notes->n_items; i++) {
		const struct note *note = &notes->items[i];
		char *lane = encode_lane(note->lane);
		if (!lane)
			return false;
		fprintf(stream, "%" PRId64 " %" PRId64 " %s %s\n", note->run, note->time_ns, lane, note->text);
		free(lane);
	}
	return !ferror(stream);
}

int notes_save(struct notes *notes, struct error *error)
{
	char *temporary = NULL;
	int status = STATUS_OK;
	if (!notes->has_changed)
		return STATUS_OK;
	if (asprintf(&temporary, "%s.XXXXXX", notes->file) < 0)
		return out_of_memory(error);
	int fd = mkstemp(temporary);
	mode_t mask = umask(0);
	umask(mask);
	FILE *stream = fd >= 0 && fchmod(fd, 0666 & ~mask) == 0 ? fdopen(fd, "w") : NULL;
	if (!stream) {
		status = error_set_errno(error, STATUS_SYSTEM, "%s: the notes cannot be written", notes->file);
		if (fd >= 0)
			close(fd);
	} else {
		bool is_written = write_lines(notes, stream);
		is_written = fclose(stream) == 0 && is_written;
		if (!is_written || rename(temporary, notes->file))
			status = error_set_errno(error, STATUS_SYSTEM, "%s: the notes cannot be written", notes->file);
	}
	if (status != STATUS_OK && fd >= 0)
		unlink(temporary);
	notes->has_changed = status != STATUS_OK;
	free(temporary);
	return status;
}

void notes_close(struct notes *notes)
{
	if (!notes)
		return;
	for (int i = 0; i < notes->n_items; i++)
		free_note(&notes->items[i]);
	for (int i = 0; i < notes->n_others; i++)
		free(notes->others[i]);
	free(notes->items);
	free(notes->others);
	free(notes->file);
	free(notes);
}
