/* SPDX-License-Identifier: Apache-2.0
 *
 * interrupt: the one place with process-wide state, because a signal handler gets no argument.
 */
#include "tool/interrupt.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <termios.h>
#include <unistd.h>

#include "engine/base/attributes.h"
#include "engine/run/driver.h"

static _Atomic(struct driver *) interrupt_driver;
static volatile sig_atomic_t interrupt_came;
static _Atomic int interrupt_save_fd = -1;
static _Atomic uint64_t interrupt_n_saves; /* that came before there was a descriptor */
static _Atomic bool interrupt_holds_terminal;
static struct termios terminal_before, terminal_during;

/* A process in the background may not touch the terminal: it would be stopped. */
static void set_terminal(const struct termios *mode)
{
	int saved = errno;
	if (atomic_load(&interrupt_holds_terminal) && tcgetpgrp(STDIN_FILENO) == getpgrp())
		tcsetattr(STDIN_FILENO, TCSADRAIN, mode);
	errno = saved;
}

static void on_signal(int number)
{
	interrupt_came = number;
	set_terminal(&terminal_before);
	struct driver *driver = atomic_load(&interrupt_driver);
	if (driver)
		driver_interrupt(driver);
}

static void on_save(int number)
{
	uint64_t one = 1;
	int saved = errno, fd = atomic_load(&interrupt_save_fd);
	if (fd < 0)
		atomic_fetch_add(&interrupt_n_saves, 1);
	else if (write(fd, &one, sizeof one) < 0) /* it counts to 2^64 - 2 */
		errno = saved;
	errno = saved;
}

/* Ends the process as if it had not been caught: the action is the default again, and the signal comes when this returns. */
static void on_end(int number)
{
	set_terminal(&terminal_before);
	raise(number);
}

static void on_stop(int number)
{
	set_terminal(&terminal_before);
	raise(SIGSTOP);
}

static void on_continue(int number)
{
	set_terminal(&terminal_during);
}

/* A handler rather than SIG_IGN, which started processes would inherit. */
static void on_closed_pipe(int number)
{
}

/* Who started this may have blocked them, and a mask is inherited. */
static void let_through(const int *numbers, size_t n)
{
	sigset_t set;
	sigemptyset(&set);
	for (size_t i = 0; i < n; i++)
		sigaddset(&set, numbers[i]);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
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
	let_through(numbers, ARRAY_LEN(numbers));
}

void interrupt_set_driver(struct driver *driver)
{
	atomic_store(&interrupt_driver, driver);
	if (driver && interrupt_came)
		driver_interrupt(driver);
}

void interrupt_catch_saves(int event_fd)
{
	struct sigaction action = { .sa_handler = on_save, .sa_flags = SA_RESTART };
	sigemptyset(&action.sa_mask);
	atomic_store(&interrupt_save_fd, event_fd);
	sigaction(SIGUSR1, &action, NULL);
	if (event_fd >= 0 && atomic_exchange(&interrupt_n_saves, 0))
		on_save(SIGUSR1);
}

static void catch_all(const int *numbers, size_t n, void (*handler)(int), int flags)
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = SA_RESTART | flags };
	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < n; i++)
		sigaction(numbers[i], &action, NULL);
}

void interrupt_hold_terminal(const struct termios *before, const struct termios *during)
{
	static const int ends[] = { SIGQUIT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT }, stops[] = { SIGTSTP }, goes_on[] = { SIGCONT };
	terminal_before = *before;
	terminal_during = *during;
	atomic_store(&interrupt_holds_terminal, true);
	catch_all(ends, ARRAY_LEN(ends), on_end, SA_RESETHAND);
	catch_all(stops, ARRAY_LEN(stops), on_stop, 0);
	catch_all(goes_on, ARRAY_LEN(goes_on), on_continue, 0);
	set_terminal(&terminal_during);
}

void interrupt_release_terminal(void)
{
	set_terminal(&terminal_before);
	atomic_store(&interrupt_holds_terminal, false);
}

int interrupt_signal(void)
{
	return interrupt_came;
}

const volatile sig_atomic_t *interrupt_flag(void)
{
	return &interrupt_came;
}
