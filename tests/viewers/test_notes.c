/* SPDX-License-Identifier: Apache-2.0
 *
 * Notes come back as they were written; lines that a person wrote are kept.
 */
#include "viewers/notes.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/temp_file.h"

static struct notes *load(const struct temp_file *file)
{
	struct error error = { 0 };
	struct notes *notes = NULL;
	char trace[80];
	snprintf(trace, sizeof(trace), "%.*s", (int)(strlen(file->path) - strlen(".notes")), file->path);
	cr_assert_eq(notes_load(trace, &error, &notes), STATUS_OK, "%s", error.text);
	return notes;
}

static void expect(const struct notes *notes, int i, int64_t run, int64_t time_ns, const char *lane, const char *text)
{
	const struct note *note = &notes->items[i];
	cr_assert(note->run == run && note->time_ns == time_ns && strcmp(note->lane, lane) == 0 && strcmp(note->text, text) == 0,
		"note %d: %lld %lld '%s' '%s', not %lld %lld '%s' '%s'", i, (long long)note->run, (long long)note->time_ns,
		note->lane, note->text,
		(long long)run, (long long)time_ns, lane, text);
}

Test(notes, round_trip)
{
	struct temp_file file;
	struct error error = { 0 };
	temp_file_init(&file, "t.tandem.notes");
	struct notes *notes = load(&file);
	cr_assert_eq(notes->n_items, 0, "%d notes in a missing file", notes->n_items);
	cr_assert_eq(notes_save(notes, &error), STATUS_OK);
	cr_assert_eq(temp_file_count(&file), 0, "a file was written though nothing changed");
	static const struct {
		int64_t run, time_ns;
		const char *lane, *text;
	} added[] = { { 2, 5, "w0", "later run" }, { 1, 900, "a lane % with blanks", "why  is this\nso slow? 日本" }, { 1, -3, NULL,
		"" }, { 1, 900, "w1", "same time" } };
	for (size_t i = 0; i < sizeof(added) / sizeof(added[0]); i++)
		cr_assert_eq(notes_add(notes, added[i].run, added[i].time_ns, added[i].lane, added[i].text, &error), STATUS_OK, "%s",
		error.text);
	cr_assert_eq(notes_save(notes, &error), STATUS_OK, "%s", error.text);
	notes_close(notes);
	notes = load(&file);
	cr_assert_eq(notes->n_items, 4, "%d notes, not 4", notes->n_items);
	expect(notes, 0, 1, -3, "-", "");
	expect(notes, 1, 1, 900, "a lane % with blanks", "why  is this so slow? 日本");
	expect(notes, 2, 1, 900, "w1", "same time");
	expect(notes, 3, 2, 5, "w0", "later run");
	notes_remove(notes, 1);
	notes_remove(notes, 77);
	cr_assert_eq(notes_save(notes, &error), STATUS_OK);
	notes_close(notes);
	notes = load(&file);
	cr_assert_eq(notes->n_items, 3, "%d notes after one was removed", notes->n_items);
	cr_assert_eq(temp_file_count(&file), 1, "temporary files are left");
	notes_close(notes);
	temp_file_finish(&file);
}

Test(notes, foreign_lines_are_kept)
{
	static const char text[] = "# my thoughts\n1 40 w0 first\nnonsense\n\n1 x w0 no time\n";
	struct temp_file file;
	struct error error = { 0 };
	size_t n = 0;
	temp_file_init(&file, "t.tandem.notes");
	temp_file_write(&file, text, strlen(text));
	struct notes *notes = load(&file);
	cr_assert(notes->n_items == 1 && notes->n_others == 4, "%d notes, %d other lines", notes->n_items, notes->n_others);
	cr_assert_eq(notes_add(notes, 1, 7, "w1", "second", &error), STATUS_OK);
	cr_assert_eq(notes_save(notes, &error), STATUS_OK, "%s", error.text);
	notes_close(notes);
	char *written = (char *)temp_file_read(&file, &n);
	cr_assert_str_eq(written, "# my thoughts\nnonsense\n\n1 x w0 no time\n1 7 w1 second\n1 40 w0 first\n");
	free(written);
	temp_file_finish(&file);
}

Test(notes, a_place_that_cannot_be_written)
{
	struct notes *notes = NULL;
	struct error error = { 0 };
	cr_assert_eq(notes_load("/nonexistent/t.tandem", &error, &notes), STATUS_OK, "%s", error.text);
	cr_assert_eq(notes_add(notes, 1, 7, "w1", "x", &error), STATUS_OK);
	cr_assert_eq(notes_save(notes, &error), STATUS_SYSTEM, "it was written");
	cr_assert(strstr(error.text, "/nonexistent/t.tandem.notes"), "%s", error.text);
	notes_close(notes);
}
