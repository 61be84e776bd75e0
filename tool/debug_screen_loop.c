/* SPDX-License-Identifier: Apache-2.0
 *
 * debug_screen_loop: draw, show, wait, handle, let the run move. Signals come through debug_signals, whose thread has interrupted the debugger
 * already when Ctrl-C was meant for it.
 */
#include "tool/debug_screen_loop.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "tool/debug_face.h"
#include "tool/debug_prompt.h"
#include "tool/debug_words.h"
#include "viewers/debug_screen.h"
#include "viewers/term.h"

#define TURN_NS INT64_C(20000000)  /* of a run that moves, between two looks at the keys */
#define FRAME_NS INT64_C(50000000) /* a run that moves is drawn so often at most */
#define IDLE_MS 200

struct debug_screen_loop {
	struct debug_screen_loop_options options;
	struct config config;
	struct term *term;
	struct debug_screen *screen;
	struct canvas canvas;
	int64_t shown_ns;     /* when the last frame was shown */
	enum debug_screen_end end;
};

/* -- frames ------------------------------------------------------------------------------------------------------------------- */

static int show(struct debug_screen_loop *loop, struct error *error)
{
	int status = debug_screen_draw(loop->screen, &loop->canvas, error);
	if (status != STATUS_OK)
		return status;
	if (debug_screen_take_redraw(loop->screen))
		term_forget(loop->term);
	term_show(loop->term, &loop->canvas);
	loop->shown_ns = clock_now().ns;
	return STATUS_OK;
}

static bool is_moving(const struct debug_screen_loop *loop)
{
	return loop->options.face->context.debugger->state == DEBUG_MOVING;
}

static bool is_frame_due(const struct debug_screen_loop *loop)
{
	return !is_moving(loop) || clock_now().ns - loop->shown_ns >= FRAME_NS;
}

void debug_screen_loop_printed(struct debug_screen_loop *loop, int stream, const char *line)
{
	struct error error;
	debug_screen_printed(loop->screen, stream, line);
	if (loop->term && debug_screen_is_busy(loop->screen) && clock_now().ns - loop->shown_ns >= FRAME_NS)
		show(loop, &error);
}

/* -- events ------------------------------------------------------------------------------------------------------------------- */

/* What signals mean here; false when there is nothing. */
static bool take_signal(struct debug_screen_loop *loop, bool was_moving, struct event *event)
{
	struct debug_signals *signals = &loop->options.face->signals;
	uint64_t count;
	while (read(signals->wake_fd, &count, sizeof count) < 0 && errno == EINTR)
		;
	if (atomic_load(&signals->end_signal)) {
		*event = (struct event){ .kind = EVENT_END };
		return true;
	}
	if (atomic_exchange(&signals->has_resized, false)) {
		*event = (struct event){ .kind = EVENT_RESIZE };
		term_size(loop->term, &event->x, &event->y);
		return true;
	}
	*event = (struct event){ .kind = EVENT_KEY, .key = 3 };
	return atomic_exchange(&signals->is_cancelled, false) && !was_moving;
}

static int handle(struct debug_screen_loop *loop, const struct event *event, struct error *error)
{
	if (event->kind == EVENT_RESIZE) {
		int status = canvas_resize(&loop->canvas, event->x, event->y, error);
		return status == STATUS_OK ? show(loop, error) : status;
	}
	loop->end = debug_screen_handle(loop->screen, event);
	return STATUS_OK;
}

/* Everything that has come, before the next frame: keys that repeat must not queue up. */
static int handle_all(struct debug_screen_loop *loop, struct error *error)
{
	struct debug_signals *signals = &loop->options.face->signals;
	bool was_moving = is_moving(loop), is_busy = debug_screen_is_busy(loop->screen);
	int status = STATUS_OK;
	atomic_store(&signals->is_editing, !was_moving); /* Ctrl-C then means what is typed, and not the run */
	struct event event = term_wait(loop->term, was_moving || is_busy ? 0 : IDLE_MS, signals->wake_fd);
	atomic_store(&signals->is_editing, false);
	struct event signal_event;
	while (status == STATUS_OK && loop->end == DEBUG_SCREEN_GOES_ON && take_signal(loop, was_moving, &signal_event))
		status = handle(loop, &signal_event, error);
	while (status == STATUS_OK && event.kind != EVENT_TICK && loop->end == DEBUG_SCREEN_GOES_ON) {
		status = handle(loop, &event, error);
		if (debug_screen_is_busy(loop->screen) || is_moving(loop))
			break;
		event = term_wait(loop->term, 0, -1);
	}
	return status;
}

/* -- questions ---------------------------------------------------------------------------------------------------------------- */

static bool ask(void *user, const char *question)
{
	const struct debug_face *face = user;
	struct debug_screen_loop *loop = face->screen;
	struct error error = { 0 };
	struct event event = { .kind = EVENT_TICK };
	debug_screen_question(loop->screen, question);
	while (event.kind != EVENT_KEY && event.kind != EVENT_END && show(loop, &error) == STATUS_OK) {
		event = term_wait(loop->term, IDLE_MS, face->signals.wake_fd);
		struct event signal_event;
		if (take_signal(loop, false, &signal_event))
			event = signal_event;
		if (event.kind == EVENT_RESIZE && canvas_resize(&loop->canvas, event.x, event.y, &error) != STATUS_OK)
			break;
	}
	debug_screen_question(loop->screen, NULL);
	return event.kind == EVENT_KEY && (event.key == 'y' || event.key == 'Y');
}

/* -- from the first frame to the last ----------------------------------------------------------------------------------------- */

static const char *recall(void *user, int idx)
{
	return debug_prompt_recall(user, idx);
}

static void remember(void *user, const char *line)
{
	debug_prompt_remember(user, line);
}

static int turn(struct debug_screen_loop *loop, struct error *error)
{
	int status = is_frame_due(loop) || debug_screen_is_busy(loop->screen) ? show(loop, error) : STATUS_OK;
	if (status == STATUS_OK)
		status = handle_all(loop, error);
	if (status == STATUS_OK && loop->end == DEBUG_SCREEN_GOES_ON)
		loop->end = debug_screen_turn(loop->screen, TURN_NS);
	return status;
}

static int run(struct debug_screen_loop *loop, struct error *error)
{
	int width, height;
	term_size(loop->term, &width, &height);
	int status = canvas_resize(&loop->canvas, width, height, error);
	term_set_theme(loop->term, loop->config.theme);
	while (status == STATUS_OK && loop->end == DEBUG_SCREEN_GOES_ON)
		status = turn(loop, error);
	return status;
}

static int open_screen(struct debug_screen_loop *loop, struct error *error)
{
	struct debug_face *face = loop->options.face;
	const struct debug_screen_options options = { .context = &face->context, .title = loop->options.title, .returns = loop->options.returns,
		.complete = debug_words_complete, .recall = recall, .remember = remember, .user = loop->options.prompt };
	int status = config_load(NULL, &loop->config, error);
	if (status == STATUS_OK)
		status = debug_screen_create(&options, error, &loop->screen);
	if (status == STATUS_OK)
		status = term_open(&loop->config, error, &loop->term);
	return status;
}

int debug_screen_loop_run(const struct debug_screen_loop_options *options, bool *ret_is_over, struct error *error)
{
	struct debug_face *face = options->face;
	struct debug_context *context = &face->context;
	struct debug_screen_loop loop = { .options = *options };
	const struct debug_context before = *context; /* what belongs to the face, and not what commands leave behind */
	int status = open_screen(&loop, error);
	if (status == STATUS_OK) {
		face->screen = &loop;
		context->ask = ask;
		context->mark_on = context->mark_off = NULL;
		status = run(&loop, error);
		face->screen = NULL;
		context->ask = before.ask;
		context->mark_on = before.mark_on;
		context->mark_off = before.mark_off;
	}
	term_close(loop.term);
	debug_screen_destroy(loop.screen);
	canvas_finish(&loop.canvas);
	config_finish(&loop.config);
	*ret_is_over = status != STATUS_OK || loop.end == DEBUG_SCREEN_ENDED;
	return status;
}
