/* SPDX-License-Identifier: Apache-2.0
 *
 * keys: the thread that waits for a key or a signal.
 */
#include "tool/keys.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <termios.h>
#include <unistd.h>

#include "tool/interrupt.h"

/* A process in the background that reads its terminal would be stopped. */
static bool may_read(const struct keys *keys)
{
	return keys->holds_terminal && tcgetpgrp(STDIN_FILENO) == getpgrp();
}

static void take_key(struct keys *keys)
{
	char key;
	if (may_read(keys) && read(STDIN_FILENO, &key, 1) == 1 && (key == 's' || key == 'S'))
		keys->save(keys->user, "key s");
}

static void *keys_main(void *argument)
{
	struct keys *keys = argument;
	for (;;) {
		struct pollfd sources[] = { { .fd = keys->stop_fd, .events = POLLIN }, { .fd = keys->save_fd, .events = POLLIN },
			{ .fd = may_read(keys) ? STDIN_FILENO : -1, .events = POLLIN } };
		uint64_t count;
		/* Without a terminal in the foreground it is looked at again now and then. */
		if (poll(sources, 3, keys->holds_terminal && sources[2].fd < 0 ? 500 : -1) < 0 && errno != EINTR)
			return NULL;
		if (sources[0].revents)
			return NULL;
		if (sources[1].revents && read(keys->save_fd, &count, sizeof count) == sizeof count)
			keys->save(keys->user, "SIGUSR1");
		if (sources[2].revents & POLLIN)
			take_key(keys);
		else if (sources[2].revents) /* hung up */
			keys->holds_terminal = false;
	}
}

/* Keys come at once and are not shown; signals are made as before. */
static void hold_terminal(struct keys *keys)
{
	struct termios before, during;
	if (!keys->reads_terminal || !isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &before))
		return;
	during = before;
	during.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	during.c_cc[VMIN] = 0;
	during.c_cc[VTIME] = 0;
	keys->holds_terminal = true;
	interrupt_hold_terminal(&before, &during);
}

int keys_start(struct keys *keys, struct error *error)
{
	sigset_t all, before;
	keys->stop_fd = eventfd(0, EFD_CLOEXEC);
	keys->save_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (keys->stop_fd < 0 || keys->save_fd < 0)
		return error_set_errno(error, STATUS_SYSTEM, "cannot make an eventfd");
	interrupt_catch_saves(keys->save_fd);
	hold_terminal(keys);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int code = pthread_create(&keys->thread, NULL, keys_main, keys);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	keys->has_thread = code == 0;
	if (code) {
		interrupt_release_terminal();
		errno = code;
		return error_set_errno(error, STATUS_SYSTEM, "cannot start the thread that waits for keys");
	}
	return STATUS_OK;
}

void keys_stop(struct keys *keys)
{
	uint64_t one = 1;
	if (!keys->has_thread)
		return;
	interrupt_release_terminal();
	interrupt_catch_saves(-1);
	if (write(keys->stop_fd, &one, sizeof one) == sizeof one)
		pthread_join(keys->thread, NULL);
	keys->has_thread = false;
	close(keys->stop_fd);
	close(keys->save_fd);
}
