/* SPDX-License-Identifier: Apache-2.0
 *
 * term_hold: signals while a terminal is in the program's hands: whatever ends or stops the program first puts the terminal back. A signal handler
 * gets no argument, hence the one piece of process-wide state of the viewers, which only term.c uses.
 */
#ifndef TANDEM_VIEWERS_TERM_HOLD_H
#define TANDEM_VIEWERS_TERM_HOLD_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <termios.h>

#define TERM_HOLD_BYTES 256

struct term_hold_text {
	char bytes[TERM_HOLD_BYTES];
	size_t n;
};

/* From here on signals are caught. `enter` puts the terminal into the program's state and `leave` out of it, with the modes that belong to them; a
 * byte arrives at `wake_fd` with each signal that term_hold_take tells. */
void term_hold(const struct term_hold_text *enter, const struct term_hold_text *leave, const struct termios *before,
	const struct termios *during, int wake_fd);
/* Signals are as they were before; the terminal is not touched. */
void term_release(void);

enum term_hold_event { TERM_HOLD_NOTHING, TERM_HOLD_INTERRUPT, TERM_HOLD_END, TERM_HOLD_CONTINUED, TERM_HOLD_RESIZED };
/* What came, one at a time. TERM_HOLD_END stays. */
enum term_hold_event term_hold_take(void);

int term_hold_signal(void);
const volatile sig_atomic_t *term_hold_interrupt(void);

#endif
