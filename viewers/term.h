/* SPDX-License-Identifier: Apache-2.0
 *
 * term: the terminal: the one place that includes curses. Shows a canvas, writing only what changed, and turns keys, mouse and resizing into
 * events. The terminal is put back whatever ends the program: an orderly end, a signal, a crash.
 */
#ifndef TANDEM_VIEWERS_TERM_H
#define TANDEM_VIEWERS_TERM_H

#include <signal.h>

#include "engine/base/error.h"
#include "viewers/canvas.h"
#include "viewers/config.h"
#include "viewers/event.h"

struct term;

/* STATUS_UNSUPPORTED when stdin or stdout is no terminal or its type is not known, with what to do (--batch). One at a time. */
int term_open(const struct config *config, struct error *error, struct term **ret_term);
void term_close(struct term *term); /* accepts NULL */

void term_size(const struct term *term, int *ret_width, int *ret_height);
void term_show(struct term *term, const struct canvas *canvas);
/* Everything is written anew with the next term_show. */
void term_forget(struct term *term);
/* Looks of frames from now on. */
void term_set_theme(struct term *term, const struct theme *theme);

/* Becomes non-zero with Ctrl-C and signals that ask to end: long work looks at it. Valid as long as the program. Ctrl-C reaches term_wait as a key
 * when nothing long was going on, and ends just that otherwise. */
const volatile sig_atomic_t *term_interrupt(void);
/* The signal that asked to end (EVENT_END); 0: none. */
int term_signal(void);

/* The next event, at most after `timeout_ms` (EVENT_TICK then; negative: no bound). `extra_fd` readable (-1: none) gives EVENT_TICK too. */
struct event term_wait(struct term *term, int timeout_ms, int extra_fd);

#endif
