/* SPDX-License-Identifier: Apache-2.0
 *
 * debug_face: the loop between commands and a run that moves.
 *
 *     line ──debug_command──► MOVING? ──debugger_poll … ──► stands still ──debug_settle──┐
 *                               ▲                                                        │ the stop's commands moved it again
 *                               └────────────────────────────────────────────────────────┘
 */
#include "tool/debug_face.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "tool/command.h"
#include "tool/debug_prompt.h"
#include "tool/debug_screen_loop.h"

#define TURN_NS INT64_C(50000000) /* how long a signal may wait to be seen when the debugger could not be interrupted */

static bool is_highlighting(void)
{
	const char *plain = getenv("NO_COLOR"), *term = getenv("TERM");
	return isatty(STDOUT_FILENO) && !(plain && *plain) && term && strcmp(term, "dumb") != 0;
}

int debug_face_init(struct debug_face *face, struct error *error)
{
	*face = (struct debug_face){ .signals.wake_fd = -1 };
	if (is_highlighting()) {
		face->context.mark_on = "\033[7m";
		face->context.mark_off = "\033[27m";
	}
	return debug_signals_start(&face->signals, error);
}

void debug_face_use(struct debug_face *face, struct debugger *debugger)
{
	face->context.debugger = debugger;
	atomic_store(&face->signals.debugger, debugger);
}

void debug_face_finish(struct debug_face *face, bool is_kept)
{
	atomic_store(&face->signals.debugger, NULL);
	debug_context_finish(&face->context);
	debugger_destroy(face->context.debugger, is_kept);
	debug_signals_stop(&face->signals);
}

static bool write_all(int fd, const char *text, size_t length)
{
	while (length) {
		ssize_t n = write(fd, text, length);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		text += n;
		length -= (size_t)n;
	}
	return true;
}

void debug_face_printed(void *user, int stream, const char *line)
{
	struct debug_face *face = user;
	struct strbuf text = STRBUF_INIT;
	if (face->screen) {
		debug_screen_loop_printed(face->screen, stream, line);
		return;
	}
	strbuf_add(&text, "run| ");
	strbuf_add_printable(&text, line);
	strbuf_add(&text, "\n");
	if (face->prompt)
		debug_prompt_show(face->prompt, stream, strbuf_text(&text));
	else
		write_all(stream ? STDERR_FILENO : STDOUT_FILENO, strbuf_text(&text), text.length);
	strbuf_finish(&text);
}

static void print(struct debug_face *face, struct strbuf *out)
{
	if (out->length && !face->is_output_lost) {
		struct strbuf text = *out;
		*out = (struct strbuf)STRBUF_INIT;
		face->is_output_lost = tool_print(&text) != TOOL_EXIT_DONE;
	}
	strbuf_clear(out);
}

static int count_columns(void)
{
	struct winsize size;
	return isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

static bool is_ending(const struct debug_face *face)
{
	return face->is_output_lost || atomic_load(&face->signals.end_signal);
}

bool debug_face_is_over(const struct debug_face *face)
{
	return face->context.is_over || is_ending(face);
}

/* STATUS_OK when nothing cut the line short. */
static int look_for_cut(const struct debug_face *face, struct error *error)
{
	if (is_ending(face))
		return error_set(error, STATUS_STOPPED, "ended by a signal");
	return atomic_load(&face->signals.is_cancelled) ? error_set(error, STATUS_STOPPED, "interrupted") : STATUS_OK;
}

int debug_face_settle(struct debug_face *face, struct error *error)
{
	struct debugger *debugger = face->context.debugger;
	struct strbuf out = STRBUF_INIT;
	int status = STATUS_OK;
	while (debugger->state == DEBUG_MOVING && status == STATUS_OK && !is_ending(face)) {
		while (debugger->state == DEBUG_MOVING && !is_ending(face))
			debugger_poll(debugger, TURN_NS);
		face->context.n_columns = count_columns();
		if (debugger->state != DEBUG_MOVING)
			status = debug_settle(&face->context, &out, error);
		print(face, &out);
		if (status == STATUS_OK && debugger->state == DEBUG_MOVING)
			status = look_for_cut(face, error);
	}
	strbuf_finish(&out);
	return status;
}

int debug_face_line(struct debug_face *face, const char *line, struct error *error)
{
	struct strbuf out = STRBUF_INIT;
	atomic_store(&face->signals.is_cancelled, false);
	face->context.n_columns = count_columns();
	int status = debug_command(&face->context, line, &out, error);
	print(face, &out);
	strbuf_finish(&out);
	if (status == STATUS_OK)
		status = debug_face_settle(face, error);
	return status == STATUS_OK ? look_for_cut(face, error) : status;
}

int debug_face_exit_status(const struct debug_face *face, int exit_status)
{
	int number = atomic_load(&face->signals.end_signal);
	if (number)
		return 128 + number;
	if (face->is_output_lost)
		return TOOL_EXIT_FAILED;
	return face->context.is_over && face->context.exit_status ? face->context.exit_status : exit_status;
}
