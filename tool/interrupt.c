/* SPDX-License-Identifier: Apache-2.0
 *
 * interrupt: the one place with process-wide state, because a signal handler gets no argument.
 */
#include "tool/interrupt.h"

#include <stdatomic.h>
#include <stddef.h>

#include "engine/base/attributes.h"
#include "engine/run/driver.h"

static _Atomic(struct driver *) interrupt_driver;
static volatile sig_atomic_t interrupt_came;

static void on_signal(int number)
{
	interrupt_came = number;
	struct driver *driver = atomic_load(&interrupt_driver);
	if (driver)
		driver_interrupt(driver);
}

/* A handler rather than SIG_IGN, which started processes would inherit. */
static void on_closed_pipe(int number)
{
}

void interrupt_catch(void)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESETHAND | SA_RESTART };
	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		sigaction(numbers[i], &action, NULL);
	action = (struct sigaction){ .sa_handler = on_closed_pipe, .sa_flags = SA_RESTART };
	sigemptyset(&action.sa_mask);
	sigaction(SIGPIPE, &action, NULL);
}

void interrupt_set_driver(struct driver *driver)
{
	atomic_store(&interrupt_driver, driver);
	if (driver && interrupt_came)
		driver_interrupt(driver);
}

int interrupt_signal(void)
{
	return interrupt_came;
}

const volatile sig_atomic_t *interrupt_flag(void)
{
	return &interrupt_came;
}
