/* SPDX-License-Identifier: Apache-2.0
 *
 * debugger_run: the process of a run: started here or attached to, listened to, let go, ended.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/debug/debugger_private.h"

#define ATTACH_NS (5000 * DEBUG_MS)   /* a run that says it waits is attached to within this, or never */
#define LEAVE_NS (200 * DEBUG_MS)     /* what a driver that has stopped its run gets to end its process, too */
#define KILL_NS (3000 * DEBUG_MS)     /* what a run that was interrupted gets to end, before it is killed */
#define RELEASE_NS (500 * DEBUG_MS)   /* … and until everybody is let go, in case somebody stands at a gate still */
#define REAP_NS (5000 * DEBUG_MS)     /* what the kernel gets to end a killed process */

static void read_output(struct debugger *debugger)
{
	if (debugger->is_child)
		launch_read(&debugger->motion->launch, &debugger->process, debugger->options.printed, debugger->options.user);
}

/* The child has ended: its last words, and how. */
static bool reap_child(struct debugger *debugger, char *how, size_t size)
{
	if (!launch_reap(&debugger->process, &debugger->exit_status, how, size))
		return false;
	read_output(debugger);
	spawn_finish(&debugger->process);
	return true;
}

/* -- start -------------------------------------------------------------------------------------------------------------------- */

static int leave_run(struct debugger *debugger, struct error *error)
{
	if (debugger->is_child && debugger->process.pid)
		return debugger_kill(debugger, error);
	return debugger->target.is_live ? debugger_detach(debugger, error) : STATUS_OK;
}

int debugger_start(struct debugger *debugger, bool goes_on, struct error *error)
{
	struct debug_motion *motion = debugger->motion;
	if (!debugger->options.run_arguments)
		return error_set(error, STATUS_USAGE, "there is no graph to run: name one on the command line, or `attach PID`");
	int status = leave_run(debugger, error);
	if (status != STATUS_OK)
		return status;
	debugger_drop_target(debugger);
	debugger_drop_pending(debugger);
	strbuf_clear(&motion->text);
	status = launch_start(&motion->launch, debugger->options.executable, debugger->options.run_arguments, error, &debugger->process);
	if (status != STATUS_OK)
		return status;
	debugger->is_child = true;
	debugger->exit_status = -1;
	atomic_store(&debugger->is_interrupted, 0);
	motion->goes_on = goes_on;
	motion->how = DEBUG_RESUME_CONTINUE;
	motion->count = 1;
	debugger_set_phase(debugger, DEBUG_LAUNCHING);
	debugger->state = DEBUG_MOVING;
	return STATUS_OK;
}

/* Signals the child and waits for its end, in bounded time. */
static void end_child(struct debugger *debugger, char *how, size_t size)
{
	int64_t start_ns = clock_now().ns, now_ns = start_ns;
	bool is_released = false, is_killed = false;
	spawn_kill(&debugger->process, SIGINT);
	while (!reap_child(debugger, how, size)) {
		struct pollfd fds[] = { { .fd = debugger->process.pidfd, .events = POLLIN }, { .fd = debugger->process.out_fd, .events = POLLIN },
			{ .fd = debugger->process.err_fd, .events = POLLIN } };
		poll(fds, ARRAY_LEN(fds), 10);
		read_output(debugger);
		now_ns = clock_now().ns;
		if (!is_released && now_ns - start_ns > RELEASE_NS && debugger->target.gates.header) {
			gates_release(&debugger->target.gates, &debugger->target.control);
			is_released = true;
		}
		if (!is_killed && now_ns - start_ns > KILL_NS) {
			spawn_kill(&debugger->process, SIGKILL);
			is_killed = true;
		}
		if (now_ns - start_ns > KILL_NS + REAP_NS) {
			snprintf(how, size, "does not end, not even by SIGKILL");
			break;
		}
	}
}

static void fail_start(struct debugger *debugger, const char *why)
{
	char how[128], text[ERROR_TEXT_BYTES + 64];
	end_child(debugger, how, sizeof how);
	snprintf(text, sizeof text, "the run was ended: %s", why);
	debugger_end(debugger, text);
}

static void go_on(struct debugger *debugger)
{
	launch_pass_on(&debugger->motion->launch, debugger->options.printed, debugger->options.user);
	debugger_set_phase(debugger, DEBUG_GOING);
	if (debugger->motion->goes_on)
		debugger_set_steps(debugger);
	else
		debugger_begin_halting(debugger, DEBUG_REASON_START, PROGRAM_NONE);
}

void debugger_launch_turn(struct debugger *debugger)
{
	struct debug_motion *motion = debugger->motion;
	struct error error = { 0 };
	char how[128], text[256];
	read_output(debugger);
	if (reap_child(debugger, how, sizeof how)) {
		snprintf(text, sizeof text, "the run %s before it had started", how);
		debugger_end(debugger, text);
		return;
	}
	if (atomic_exchange(&debugger->is_interrupted, 0)) {
		fail_start(debugger, "it was interrupted while it started");
		return;
	}
	bool said_ready = motion->launch.has_said_ready;
	if (debug_target_attach(debugger->process.pid, 0, &debugger->target, &error) != STATUS_OK) {
		if (said_ready && clock_now().ns - motion->since_ns > ATTACH_NS)
			fail_start(debugger, error.text);
		else if (!said_ready)
			motion->since_ns = clock_now().ns;
		return;
	}
	if (debugger_take_target(debugger, &error) == STATUS_OK)
		go_on(debugger);
	else
		fail_start(debugger, error.text);
}

/* -- attach, detach ------------------------------------------------------------------------------------------------------------ */

int debugger_attach(struct debugger *debugger, pid_t pid, int64_t limit_ns, struct error *error)
{
	struct debug_target target;
	if (debugger->target.is_live || (debugger->is_child && debugger->process.pid))
		return error_set(error, STATUS_USAGE, "a run is being debugged: `detach` from it or `kill` it first");
	int status = debug_target_attach(pid, limit_ns, &target, error);
	if (status != STATUS_OK)
		return status;
	debugger_drop_target(debugger);
	debugger_drop_pending(debugger);
	debugger->target = target;
	debugger->is_child = false;
	debugger->exit_status = -1;
	status = debugger_take_target(debugger, error);
	if (status != STATUS_OK) {
		debugger_drop_target(debugger);
		return status;
	}
	debugger->motion->how = DEBUG_RESUME_CONTINUE;
	debugger->motion->count = 1;
	atomic_store(&debugger->is_interrupted, 0);
	debugger->state = DEBUG_MOVING;
	debugger_begin_halting(debugger, DEBUG_REASON_START, PROGRAM_NONE);
	return STATUS_OK;
}

int debugger_detach(struct debugger *debugger, struct error *error)
{
	if (!debugger->target.is_live)
		return error_set(error, STATUS_USAGE, "there is no run to detach from");
	read_output(debugger);
	debugger_drop_pending(debugger);
	strbuf_clear(&debugger->motion->text);
	debugger_drop_target(debugger);
	int status = debugger->is_child ? launch_leave(&debugger->motion->launch, debugger->options.executable, &debugger->process,
		debugger->options.printed, debugger->options.user, error) : STATUS_OK;
	debugger->is_child = false;
	debugger->selected_worker = debugger->selected_node = debugger->halt.worker = PROGRAM_NONE;
	debugger->selected_execution = DEBUG_LATEST;
	debugger->state = DEBUG_READY;
	if (status != STATUS_OK)
		error_prefix(error, "the run goes on, but what it prints is lost");
	return status;
}

/* -- the end -------------------------------------------------------------------------------------------------------------------- */

static bool has_ended(int pidfd, int timeout_ms)
{
	struct pollfd process = { .fd = pidfd, .events = POLLIN };
	return poll(&process, 1, timeout_ms) > 0;
}

/* The driver of a run that was attached to. */
static void end_other(struct debugger *debugger)
{
	int pidfd = debugger->target.driver_pidfd;
	syscall(SYS_pidfd_send_signal, pidfd, SIGINT, NULL, 0);
	if (has_ended(pidfd, (int)(RELEASE_NS / DEBUG_MS)))
		return;
	gates_release(&debugger->target.gates, &debugger->target.control);
	if (has_ended(pidfd, (int)(KILL_NS / DEBUG_MS)))
		return;
	syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
	has_ended(pidfd, (int)(REAP_NS / DEBUG_MS));
}

int debugger_kill(struct debugger *debugger, struct error *error)
{
	char how[128] = "is over", text[256];
	if (debugger->is_child && debugger->process.pid)
		end_child(debugger, how, sizeof how);
	else if (debugger->target.is_live)
		end_other(debugger);
	else
		return error_set(error, STATUS_USAGE, "there is no run to kill");
	snprintf(text, sizeof text, "the run was ended as asked: it %s", how);
	debugger_end(debugger, text);
	return STATUS_OK;
}

void debugger_end_turn(struct debugger *debugger)
{
	struct debug_motion *motion = debugger->motion;
	char how[128], text[256];
	bool is_over;
	read_output(debugger);
	if (debugger->is_child) {
		is_over = reap_child(debugger, how, sizeof how);
		snprintf(text, sizeof text, "the run is over: it %s", is_over ? how : "");
		if (!is_over && atomic_exchange(&debugger->is_interrupted, 0))
			spawn_kill(&debugger->process, SIGINT);
	} else {
		bool has_left = has_ended(debugger->target.driver_pidfd, 0);
		is_over = has_left || clock_now().ns - motion->since_ns > LEAVE_NS;
		snprintf(text, sizeof text, "the run is over: process %d %s", (int)debugger->target.driver_pid,
			has_left ? "has ended" : "goes on without it");
	}
	if (is_over)
		debugger_end(debugger, text);
}

bool debugger_listen_turn(struct debugger *debugger)
{
	read_output(debugger);
	if (debugger->motion->phase == DEBUG_ENDING)
		return false;
	if (debug_target_is_live(&debugger->target))
		return true;
	debugger_set_phase(debugger, DEBUG_ENDING);
	return false;
}

bool debugger_listen(struct debugger *debugger)
{
	if (debugger->state == DEBUG_HALTED && !debugger_listen_turn(debugger))
		debugger_end_turn(debugger);
	return debugger->state != DEBUG_ENDED;
}
