/* SPDX-License-Identifier: Apache-2.0
 *
 * launch: the command line of a run under a debugger, and its pipes cut into lines.
 */
#include "engine/debug/launch.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define P_PIDFD_TYPE 3        /* waitid's P_PIDFD, which older headers lack */
#define LINE_BYTES_MOST 65536 /* a longer line is passed on in pieces */
#define ROUNDS_MOST 64        /* reads in a row, so that a run that prints without end does not keep us */

static const char waits_text[] = "waiting for a debugger";

int launch_start(struct launch *launch, const char *executable, const char *const *arguments, struct error *error,
	struct spawn_process *ret_process)
{
	size_t n = 0;
	while (arguments && arguments[n])
		n++;
	const char **argv = calloc(n + 4, sizeof *argv);
	if (!argv)
		return error_set(error, STATUS_NO_MEMORY, "no memory for a command line");
	argv[0] = "tandem";
	argv[1] = "run";
	argv[2] = "--wait-for-debugger";
	for (size_t i = 0; i < n; i++)
		argv[3 + i] = arguments[i];
	int status = spawn_start(executable ? executable : "/proc/self/exe", argv, NULL, 0, true, error, ret_process);
	free(argv);
	launch->keeps = true;
	launch->has_said_ready = false;
	return status;
}

static void take_line(struct launch *launch, int stream, launch_printed_fn *printed, void *user)
{
	struct strbuf *line = &launch->lines[stream];
	if (stream == 1 && strstr(strbuf_text(line), waits_text)) {
		launch->has_said_ready = true;
	} else if (launch->keeps) {
		strbuf_addf(&launch->kept, "%d", stream);
		strbuf_add(&launch->kept, strbuf_text(line));
		strbuf_add(&launch->kept, "\n");
	} else if (printed) {
		printed(user, stream, strbuf_text(line));
	}
	strbuf_clear(line);
}

static void take_bytes(struct launch *launch, int stream, const char *bytes, size_t n, launch_printed_fn *printed, void *user)
{
	while (n) {
		const char *end = memchr(bytes, '\n', n);
		size_t part = end ? (size_t)(end - bytes) : n;
		strbuf_add_bytes(&launch->lines[stream], bytes, part);
		if (end || launch->lines[stream].length >= LINE_BYTES_MOST)
			take_line(launch, stream, printed, user);
		bytes += part + (end != NULL);
		n -= part + (end != NULL);
	}
}

void launch_read(struct launch *launch, struct spawn_process *process, launch_printed_fn *printed, void *user)
{
	int *const fds[] = { &process->out_fd, &process->err_fd };
	for (int stream = 0; stream < 2; stream++) {
		char bytes[4096];
		for (int round = 0; round < ROUNDS_MOST && *fds[stream] >= 0; round++) {
			ssize_t n = read(*fds[stream], bytes, sizeof bytes);
			if (n == 0) {
				close(*fds[stream]);
				*fds[stream] = -1;
				if (launch->lines[stream].length)
					take_line(launch, stream, printed, user);
			}
			if (n <= 0)
				break;
			take_bytes(launch, stream, bytes, (size_t)n, printed, user);
		}
	}
}

void launch_pass_on(struct launch *launch, launch_printed_fn *printed, void *user)
{
	launch->keeps = false;
	char *text = strbuf_take(&launch->kept), *rest = text;
	for (char *line = strsep(&rest, "\n"); line && *line && printed; line = strsep(&rest, "\n"))
		printed(user, line[0] - '0', line + 1);
	free(text);
}

void launch_take_kept(struct launch *launch, struct strbuf *out)
{
	char *text = strbuf_take(&launch->kept), *rest = text;
	for (char *line = strsep(&rest, "\n"); line && *line; line = strsep(&rest, "\n")) {
		strbuf_add_printable(out, line + 1);
		strbuf_add(out, "\n");
	}
	free(text);
}

static void pass_rest_on(struct launch *launch, launch_printed_fn *printed, void *user)
{
	launch_pass_on(launch, printed, user);
	for (int stream = 0; stream < 2; stream++) {
		if (launch->lines[stream].length)
			take_line(launch, stream, printed, user);
	}
}

int launch_leave(struct launch *launch, const char *executable, struct spawn_process *process, launch_printed_fn *printed, void *user,
	struct error *error)
{
	const char *const argv[] = { "tandem", "relay", NULL };
	const int fds[] = { process->out_fd, process->err_fd };
	struct spawn_process relay = SPAWN_PROCESS_INIT;
	pass_rest_on(launch, printed, user);
	int status = spawn_start(executable ? executable : "/proc/self/exe", argv, fds, ARRAY_LEN(fds), false, error, &relay);
	spawn_finish(&relay);
	process->pid = 0;
	spawn_finish(process);
	launch_finish(launch);
	return status;
}

void launch_finish(struct launch *launch)
{
	strbuf_finish(&launch->lines[0]);
	strbuf_finish(&launch->lines[1]);
	strbuf_finish(&launch->kept);
	*launch = (struct launch){ 0 };
}

bool launch_reap(struct spawn_process *process, int *ret_exit_status, char *how, size_t size)
{
	siginfo_t info = { 0 };
	bool is_clean;
	if (process->pid && waitid((idtype_t)P_PIDFD_TYPE, (id_t)process->pidfd, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid)
		*ret_exit_status = info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
	return spawn_reap(process, &is_clean, how, size);
}
