/* SPDX-License-Identifier: Apache-2.0
 *
 * spawn: posix_spawn with descriptors, pidfds, and reading /proc.
 */
#include "engine/run/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define P_PIDFD_TYPE 3 /* waitid's P_PIDFD, which older headers lack */

extern char **environ;

static int make_pipes(int out[2], int err[2], struct error *error)
{
	if (pipe2(out, O_CLOEXEC) < 0)
		return error_set_errno(error, STATUS_SYSTEM, "cannot make a pipe for a worker's output");
	if (pipe2(err, O_CLOEXEC) < 0) {
		int status = error_set_errno(error, STATUS_SYSTEM, "cannot make a pipe for a worker's output");
		close(out[0]);
		close(out[1]);
		return status;
	}
	fcntl(out[0], F_SETFL, O_NONBLOCK);
	fcntl(err[0], F_SETFL, O_NONBLOCK);
	return STATUS_OK;
}

/* dup2 onto low numbers could overwrite a source that is itself low: all sources are moved above the targets first. */
static int move_up(const int *fds, int n_fds, int *ret_fds, struct error *error)
{
	for (int i = 0; i < n_fds; i++) {
		ret_fds[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, SPAWN_FD_FIRST + n_fds + 1);
		if (ret_fds[i] >= 0)
			continue;
		int status = error_set_errno(error, STATUS_SYSTEM, "cannot duplicate a descriptor for a child process");
		while (i-- > 0)
			close(ret_fds[i]);
		return status;
	}
	return STATUS_OK;
}

static int spawn_with(const char *executable, const char *const *argv, const int *fds, int n_fds, const int *out, const int *err,
	pid_t *ret_pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none, defaults;
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attributes);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	if (out) {
		posix_spawn_file_actions_adddup2(&actions, out[1], 1);
		posix_spawn_file_actions_adddup2(&actions, err[1], 2);
	}
	for (int i = 0; i < n_fds; i++)
		posix_spawn_file_actions_adddup2(&actions, fds[i], SPAWN_FD_FIRST + i);
	posix_spawn_file_actions_addclosefrom_np(&actions, SPAWN_FD_FIRST + n_fds);
	sigemptyset(&none);
	sigfillset(&defaults);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &defaults);
	posix_spawnattr_setpgroup(&attributes, 0);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	int code = posix_spawn(ret_pid, executable, &actions, &attributes, (char *const *)argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	return code;
}

int spawn_start(const char *executable, const char *const *argv, const int *fds, int n_fds, bool captures_output,
	struct error *error, struct spawn_process *ret_process)
{
	int out[2] = { -1, -1 }, err[2] = { -1, -1 }, moved[16];
	struct spawn_process process = SPAWN_PROCESS_INIT;
	if (captures_output && make_pipes(out, err, error) != STATUS_OK)
		return error->status;
	int status = move_up(fds, n_fds, moved, error);
	if (status != STATUS_OK)
		goto close_pipes;
	int code = spawn_with(executable, argv, moved, n_fds, captures_output ? out : NULL, err, &process.pid);
	for (int i = 0; i < n_fds; i++)
		close(moved[i]);
	if (code) {
		errno = code;
		status = error_set_errno(error, STATUS_SYSTEM, "cannot start %s %s", executable, argv[1] ? argv[1] : "");
		goto close_pipes;
	}
	process.pidfd = (int)syscall(SYS_pidfd_open, process.pid, 0);
	if (process.pidfd < 0) {
		status = error_set_errno(error, STATUS_SYSTEM, "cannot watch process %d", (int)process.pid);
		kill(process.pid, SIGKILL);
		waitpid(process.pid, NULL, 0);
		goto close_pipes;
	}
	if (captures_output) {
		close(out[1]);
		close(err[1]);
		process.out_fd = out[0];
		process.err_fd = err[0];
	}
	*ret_process = process;
	return STATUS_OK;

close_pipes:
	if (captures_output) {
		close(out[0]);
		close(out[1]);
		close(err[0]);
		close(err[1]);
	}
	return status;
}

static void close_once(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void spawn_finish(struct spawn_process *process)
{
	close_once(&process->pidfd);
	close_once(&process->out_fd);
	close_once(&process->err_fd);
}

bool spawn_reap(struct spawn_process *process, bool *ret_is_clean, char *text, size_t size)
{
	siginfo_t info = { 0 };
	if (!process->pid)
		return false;
	bool is_known = waitid((idtype_t)P_PIDFD_TYPE, (id_t)process->pidfd, &info, WEXITED | WNOHANG) == 0;
	if (is_known ? !info.si_pid : errno != ECHILD)
		return false;
	process->pid = 0;
	if (!is_known) {
		*ret_is_clean = false;
		snprintf(text, size, "ended (how is unknown: the program reaps child processes itself)");
		return true;
	}
	*ret_is_clean = info.si_code == CLD_EXITED && info.si_status == 0;
	if (info.si_code == CLD_EXITED)
		snprintf(text, size, "exited with status %d", info.si_status);
	else
		snprintf(text, size, "was killed by signal %d (%s)", info.si_status, strsignal(info.si_status));
	return true;
}

void spawn_kill(const struct spawn_process *process, int signal_number)
{
	if (process->pid)
		syscall(SYS_pidfd_send_signal, process->pidfd, signal_number, NULL, 0);
}

static size_t read_proc(pid_t pid, const char *name, char *text, size_t size)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	ssize_t n = read(fd, text, size - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	return n > 0 ? (size_t)n : 0;
}

struct spawn_usage spawn_usage(pid_t pid)
{
	struct spawn_usage usage = { .state = '?' };
	char text[512];
	if (pid <= 0 || !read_proc(pid, "stat", text, sizeof text))
		return usage;
	const char *end = strrchr(text, ')');
	if (end && end[1] == ' ' && end[2])
		usage.state = end[2];
	if (read_proc(pid, "schedstat", text, sizeof text))
		sscanf(text, "%" SCNu64 " %" SCNu64, &usage.run_ns, &usage.wait_ns);
	return usage;
}
