/* SPDX-License-Identifier: Apache-2.0
 *
 * interrupt: Ctrl-C and termination, turned into a call. The first signal asks for an orderly end, a second one of the same kind
 * ends the process at once.
 */
#ifndef TANDEM_TOOL_INTERRUPT_H
#define TANDEM_TOOL_INTERRUPT_H

#include <signal.h>

struct driver;

/* From here on SIGINT, SIGTERM and SIGHUP are caught, and a closed pipe is an error of write() instead of the end. */
void interrupt_catch(void);

/* The driver to be interrupted; NULL before it ends. If a signal came earlier, it is interrupted at once. */
void interrupt_set_driver(struct driver *driver);

/* The signal that came, 0 when none did. */
int interrupt_signal(void);
/* The same, for those that poll it while they work. */
const volatile sig_atomic_t *interrupt_flag(void);

#endif
