/* SPDX-License-Identifier: Apache-2.0
 *
 * debug_screen: the debugger's screen: where everybody stands, values, time, what was said, and a command line in the debugger's language. It takes
 * events and draws on a canvas; who shows the canvas, and lets the run move, is not its business.
 *
 *     BROWSING ──: /──► TYPING ──enter, esc──► BROWSING          q, quit, end ──► ENDED
 *        └──?──► HELP ──any key──► BROWSING                      tui, or q of one that came from the prompt ──► LEFT
 *
 * Each key that does something to the run is a command, carried out and shown as if it had been typed.
 */
#ifndef TANDEM_VIEWERS_DEBUG_SCREEN_H
#define TANDEM_VIEWERS_DEBUG_SCREEN_H

#include "engine/debug/commands.h"
#include "viewers/canvas.h"
#include "viewers/event.h"

struct debug_screen;

/* All is the caller's and must outlive the screen. */
struct debug_screen_options {
	struct debug_context *context; /* with a debugger */
	const char *title;             /* of what is debugged: a file's name; NULL: the graph's */
	bool returns;                  /* it was called from the prompt: q leads back there */
	/* As debug_complete, which is used when NULL. */
	char **(*complete)(const struct debug_context *context, const char *line, size_t cursor, size_t *ret_start);
	/* Lines typed before, 0 the newest, NULL behind the oldest; and a new one. Both may be NULL: there is no history then. */
	const char *(*recall)(void *user, int idx);
	void (*remember)(void *user, const char *line);
	void *user;
};

enum debug_screen_end {
	DEBUG_SCREEN_GOES_ON,
	DEBUG_SCREEN_LEFT,  /* to the prompt */
	DEBUG_SCREEN_ENDED, /* everything */
};

int debug_screen_create(const struct debug_screen_options *options, struct error *error, struct debug_screen **ret_screen);
void debug_screen_destroy(struct debug_screen *screen); /* accepts NULL */

/* Draws everything, whatever the size; below 60 × 16 a line that says which size is needed. While the run moves nothing of it is touched that
 * holds it up. */
int debug_screen_draw(struct debug_screen *screen, struct canvas *canvas, struct error *error);

/* A key, a mouse event, EVENT_END. Carries out commands at once; those that set the run in motion return with the debugger
 * MOVING. Ctrl-C is a key here: whoever has the terminal has called debugger_interrupt already if it shall halt a run. */
enum debug_screen_end debug_screen_handle(struct debug_screen *screen, const struct event *event);

/* To be called at every turn: lets the run move for at most `limit_ns` and says where it has halted; carries out a command that was put off
 * for a frame to say so because it takes long. Returns at once when nothing moves. */
enum debug_screen_end debug_screen_turn(struct debug_screen *screen, int64_t limit_ns);
/* A command waits for the next turn: no further event before it. */
bool debug_screen_is_busy(const struct debug_screen *screen);

/* A line that the run has printed. */
void debug_screen_printed(struct debug_screen *screen, int stream, const char *line);
/* A question in place of the bottom line; NULL: none. The text is copied. */
void debug_screen_question(struct debug_screen *screen, const char *question);
/* Whether everything is to be written to the terminal anew; asking takes the wish. */
bool debug_screen_take_redraw(struct debug_screen *screen);

#endif
