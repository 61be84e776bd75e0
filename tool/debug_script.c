/* SPDX-License-Identifier: Apache-2.0
 *
 * debug_script: line by line.
 */
#include "tool/debug_script.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "tool/command.h"
#include "tool/file_text.h"

/* Where lines come from. */
struct script {
	struct debug_face *face;
	const char *name;
	bool goes_on;
	bool is_live; /* somebody may still be typing it: Ctrl-C halts the run and no more */
	int line, exit_status;
};

static void tell(struct script *script, struct error *error)
{
	int exit_status;
	if (error->status == STATUS_STOPPED) {
		script->exit_status = script->is_live ? script->exit_status : TOOL_EXIT_INTERRUPTED;
		return;
	}
	error_prefix(error, "%s:%d", script->name, script->line);
	exit_status = tool_fail(error);
	if (!script->exit_status)
		script->exit_status = exit_status;
}

/* Returns whether another line may follow. */
static bool carry_out(struct script *script, const char *line)
{
	struct error error = { 0 };
	script->line++;
	int status = debug_face_line(script->face, line, &error);
	if (status)
		tell(script, &error);
	if (debug_face_is_over(script->face))
		return false;
	return !status || (status == STATUS_STOPPED ? script->is_live : script->goes_on);
}

static int conclude(struct script *script, bool is_complete)
{
	if (is_complete && script->face->context.defining_stop) {
		struct error error = { 0 };
		error_set(&error, STATUS_USAGE, "the commands of stop %d lack their 'end'", script->face->context.defining_stop);
		tell(script, &error);
	}
	return script->exit_status;
}

static int carry_out_text(struct script *script, const char *text)
{
	bool goes_on = true;
	struct strbuf line = STRBUF_INIT;
	while (*text && goes_on) {
		size_t length = strcspn(text, "\n");
		strbuf_clear(&line);
		strbuf_add_bytes(&line, text, length - (length && text[length - 1] == '\r'));
		text += length + (text[length] == '\n');
		if (strbuf_text(&line)[0] || script->face->context.defining_stop) /* an empty one would repeat the last command */
			goes_on = carry_out(script, strbuf_text(&line));
		else
			script->line++;
	}
	strbuf_finish(&line);
	return conclude(script, goes_on);
}

int debug_script_text(struct debug_face *face, const char *name, const char *text, bool goes_on)
{
	struct script script = { .face = face, .name = name, .goes_on = goes_on };
	face->context.is_scripted = true;
	return carry_out_text(&script, text);
}

int debug_script_file(struct debug_face *face, const char *file, bool goes_on)
{
	struct strbuf text = STRBUF_INIT;
	struct error error = { 0 };
	if (file_text_read(file, &text, &error) != STATUS_OK) {
		error_prefix(&error, "debug: -x");
		return tool_fail(&error);
	}
	int exit_status = debug_script_text(face, file, strbuf_text(&text), goes_on);
	strbuf_finish(&text);
	return exit_status;
}

/* -- standard input --------------------------------------------------------------------------------------------------------------- */

/* Whether there is something to read; a signal may come first. */
static bool wait_for_input(struct debug_face *face)
{
	struct pollfd fds[] = { { .fd = STDIN_FILENO, .events = POLLIN }, { .fd = face->signals.wake_fd, .events = POLLIN } };
	while (!debug_face_is_over(face)) {
		uint64_t count;
		if (poll(fds, 2, -1) < 0)
			continue;
		if (fds[1].revents && read(face->signals.wake_fd, &count, sizeof count) < 0)
			continue;
		if (fds[0].revents)
			return true;
	}
	return false;
}

/* Takes a line without its end; the last one may lack it. Read byte by byte: what follows may be for others, as in a shell's here-document. */
static bool read_line(struct debug_face *face, struct strbuf *line)
{
	strbuf_clear(line);
	while (wait_for_input(face)) {
		char byte;
		ssize_t n = read(STDIN_FILENO, &byte, 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return line->length;
		if (byte == '\n')
			return true;
		if (byte && byte != '\r')
			strbuf_add_bytes(line, &byte, 1);
	}
	return false;
}

int debug_script_stdin(struct debug_face *face, bool goes_on)
{
	struct script script = { .face = face, .name = "stdin", .goes_on = goes_on, .is_live = true };
	struct strbuf line = STRBUF_INIT;
	bool may_follow = true;
	face->context.is_scripted = true;
	while (may_follow && read_line(face, &line)) {
		if (strbuf_text(&line)[0] || face->context.defining_stop)
			may_follow = carry_out(&script, strbuf_text(&line));
		else
			script.line++;
	}
	strbuf_finish(&line);
	return conclude(&script, may_follow);
}
