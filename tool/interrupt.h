/* SPDX-License-Identifier: Apache-2.0
 *
 * interrupt: Ctrl-C and termination, turned into a call. The first signal asks for an orderly end, a second one of the same kind
 * ends the process at once.
 */
#ifndef TANDEM_TOOL_INTERRUPT_H
#define TANDEM_TOOL_INTERRUPT_H

#include <signal.h>

struct driver;
struct termios;

/* From here on SIGINT, SIGTERM and SIGHUP are caught, and a closed pipe is an error of write() instead of the end. */
void interrupt_catch(void);

/* The driver to be interrupted; NULL before it ends. If a signal came earlier, it is interrupted at once. */
void interrupt_set_driver(struct driver *driver);

/* From here on SIGUSR1 adds 1 to this eventfd; -1: it waits for there to be one. */
void interrupt_catch_saves(int event_fd);

/* Puts standard input's terminal into the mode `during` while the process is in the foreground, and back into `before` when it is stopped
 * or ended by a signal, until interrupt_release_terminal, which puts it back as well. Both are copied. */
void interrupt_hold_terminal(const struct termios *before, const struct termios *during);
void interrupt_release_terminal(void);

/* The signal that came, 0 when none did. */
int interrupt_signal(void);
/* The same, for those that poll it while they work. */
const volatile sig_atomic_t *interrupt_flag(void);

#endif
