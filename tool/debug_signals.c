/* SPDX-License-Identifier: Apache-2.0
 *
 * debug_signals: a thread in sigwait. No handler, so nothing has to be async-signal-safe and nothing process-wide is needed to find the debugger.
 */
#include "tool/debug_signals.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "engine/debug/debugger.h"

#define STOP_SIGNAL SIGUSR2 /* what debug_signals_stop sends to the thread */

static void fill_set(sigset_t *set)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP, SIGWINCH, STOP_SIGNAL };
	sigemptyset(set);
	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
		sigaddset(set, numbers[i]);
}

static void wake(struct debug_signals *signals)
{
	uint64_t one = 1;
	while (write(signals->wake_fd, &one, sizeof one) < 0 && errno == EINTR)
		;
}

static void take(struct debug_signals *signals, int number)
{
	struct debugger *debugger = atomic_load(&signals->debugger);
	if (number == SIGWINCH)
		atomic_store(&signals->has_resized, true);
	else if (number == SIGINT)
		atomic_store(&signals->is_cancelled, true);
	else
		atomic_store(&signals->end_signal, number);
	if (debugger && number != SIGWINCH && !(number == SIGINT && atomic_load(&signals->is_editing)))
		debugger_interrupt(debugger);
	wake(signals);
}

static void *wait_for_signals(void *user)
{
	struct debug_signals *signals = user;
	sigset_t all, set;
	int number;
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, NULL); /* the others' handlers, that of SIGCONT among them, run where the prompt is */
	fill_set(&set);
	while (sigwait(&set, &number) == 0 && number != STOP_SIGNAL)
		take(signals, number);
	return NULL;
}

int debug_signals_start(struct debug_signals *signals, struct error *error)
{
	sigset_t set;
	*signals = (struct debug_signals){ .wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) };
	if (signals->wake_fd < 0)
		return error_set_errno(error, STATUS_SYSTEM, "cannot make an eventfd");
	fill_set(&set);
	sigaddset(&set, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	errno = pthread_create(&signals->thread, NULL, wait_for_signals, signals);
	signals->has_thread = errno == 0;
	if (signals->has_thread)
		return STATUS_OK;
	error_set_errno(error, STATUS_SYSTEM, "cannot start a thread for signals");
	debug_signals_stop(signals);
	return error->status;
}

void debug_signals_stop(struct debug_signals *signals)
{
	sigset_t set;
	if (signals->has_thread) {
		pthread_kill(signals->thread, STOP_SIGNAL);
		pthread_join(signals->thread, NULL);
	}
	signals->has_thread = false;
	if (signals->wake_fd < 0)
		return;
	close(signals->wake_fd);
	signals->wake_fd = -1;
	fill_set(&set);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}
