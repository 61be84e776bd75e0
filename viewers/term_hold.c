/* SPDX-License-Identifier: Apache-2.0
 *
 * term_hold: handlers do nothing but what is safe in one: write, tcsetattr, raise, flags.
 */
#include "viewers/term_hold.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/attributes.h"

#define STACK_BYTES 32768 /* an overflown stack is a crash, too */

enum handled { HANDLED_INT, HANDLED_TERM, HANDLED_HUP, HANDLED_WINCH, HANDLED_TSTP, HANDLED_CONT, HANDLED_QUIT, HANDLED_SEGV, HANDLED_BUS,
	HANDLED_FPE, HANDLED_ILL, HANDLED_ABRT, HANDLED_COUNT };

static struct {
	struct term_hold_text enter, leave;
	struct termios before, during;
	int wake_fd;
	struct sigaction old[HANDLED_COUNT];
	stack_t old_stack;
	char stack[STACK_BYTES];
	volatile sig_atomic_t is_held, interrupt, has_int, end_signal, has_resized, has_continued;
} held;

static void put_text(const struct term_hold_text *text)
{
	for (size_t at = 0; at < text->n;) {
		ssize_t n = write(STDOUT_FILENO, text->bytes + at, text->n - at);
		if (n < 0 && errno != EINTR)
			return;
		at += n > 0 ? (size_t)n : 0;
	}
}

/* A process in the background may not touch the terminal: it would be stopped. */
static bool is_in_front(void)
{
	return tcgetpgrp(STDIN_FILENO) == getpgrp();
}

static void put_back(void)
{
	if (!held.is_held || !is_in_front())
		return;
	put_text(&held.leave);
	tcsetattr(STDIN_FILENO, TCSANOW, &held.before);
}

static void wake(void)
{
	ssize_t n = write(held.wake_fd, "", 1);
	(void)n;
}

static const int numbers[HANDLED_COUNT] = {
	[HANDLED_INT] = SIGINT, [HANDLED_TERM] = SIGTERM, [HANDLED_HUP] = SIGHUP, [HANDLED_WINCH] = SIGWINCH, [HANDLED_TSTP] = SIGTSTP,
	[HANDLED_CONT] = SIGCONT, [HANDLED_QUIT] = SIGQUIT, [HANDLED_SEGV] = SIGSEGV, [HANDLED_BUS] = SIGBUS, [HANDLED_FPE] = SIGFPE,
	[HANDLED_ILL] = SIGILL, [HANDLED_ABRT] = SIGABRT,
};

/* The signal comes again when the handler returns, and does what it would have done. */
static void die(int number)
{
	put_back();
	for (int i = 0; i < HANDLED_COUNT; i++) {
		if (numbers[i] == number)
			sigaction(number, &held.old[i], NULL);
	}
	raise(number);
}

static void on_end(int number)
{
	int saved = errno;
	bool is_repeated = number == SIGINT ? held.has_int : held.end_signal == number;
	if (is_repeated)
		die(number);
	held.interrupt = 1;
	if (number == SIGINT)
		held.has_int = 1;
	else
		held.end_signal = number;
	wake();
	errno = saved;
}

static void on_resize(int number)
{
	int saved = errno;
	held.has_resized = 1;
	wake();
	errno = saved;
}

static void on_stop(int number)
{
	int saved = errno;
	put_back();
	raise(SIGSTOP);
	errno = saved;
}

static void on_continue(int number)
{
	int saved = errno;
	if (is_in_front()) {
		tcsetattr(STDIN_FILENO, TCSANOW, &held.during);
		put_text(&held.enter);
	}
	held.has_continued = 1;
	wake();
	errno = saved;
}

static void (*const handlers[HANDLED_COUNT])(int number) = {
	[HANDLED_INT] = on_end, [HANDLED_TERM] = on_end, [HANDLED_HUP] = on_end, [HANDLED_WINCH] = on_resize, [HANDLED_TSTP] = on_stop,
	[HANDLED_CONT] = on_continue, [HANDLED_QUIT] = die, [HANDLED_SEGV] = die, [HANDLED_BUS] = die, [HANDLED_FPE] = die,
	[HANDLED_ILL] = die, [HANDLED_ABRT] = die,
};

void term_hold(const struct term_hold_text *enter, const struct term_hold_text *leave, const struct termios *before,
	const struct termios *during, int wake_fd)
{
	held.enter = *enter;
	held.leave = *leave;
	held.before = *before;
	held.during = *during;
	held.wake_fd = wake_fd;
	held.interrupt = held.has_int = held.end_signal = held.has_resized = held.has_continued = 0;
	const stack_t stack = { .ss_sp = held.stack, .ss_size = sizeof(held.stack) };
	sigaltstack(&stack, &held.old_stack);
	held.is_held = 1;
	for (int i = 0; i < HANDLED_COUNT; i++) {
		struct sigaction action = { .sa_handler = handlers[i], .sa_flags = SA_RESTART | SA_ONSTACK };
		sigemptyset(&action.sa_mask);
		sigaction(numbers[i], &action, &held.old[i]);
	}
}

void term_release(void)
{
	if (!held.is_held)
		return;
	for (int i = 0; i < HANDLED_COUNT; i++)
		sigaction(numbers[i], &held.old[i], NULL);
	sigaltstack(&held.old_stack, NULL);
	held.is_held = 0;
}

enum term_hold_event term_hold_take(void)
{
	if (held.end_signal)
		return TERM_HOLD_END;
	if (held.has_int) {
		held.has_int = held.interrupt = 0;
		return TERM_HOLD_INTERRUPT;
	}
	if (held.has_continued) {
		held.has_continued = 0;
		return TERM_HOLD_CONTINUED;
	}
	if (held.has_resized) {
		held.has_resized = 0;
		return TERM_HOLD_RESIZED;
	}
	return TERM_HOLD_NOTHING;
}

int term_hold_signal(void)
{
	return held.end_signal;
}

const volatile sig_atomic_t *term_hold_interrupt(void)
{
	return &held.interrupt;
}
