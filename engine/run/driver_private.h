/* SPDX-License-Identifier: Apache-2.0
 *
 * driver_private: the driver handle, shared by driver.c (start, stop), driver_execute.c (submit, wait, release) and
 * driver_monitor.c (the thread that watches).
 */
#ifndef TANDEM_ENGINE_RUN_DRIVER_PRIVATE_H
#define TANDEM_ENGINE_RUN_DRIVER_PRIVATE_H

#include <poll.h>
#include <pthread.h>

#include "engine/run/channel.h"
#include "engine/run/driver.h"
#include "engine/run/recorder.h"
#include "engine/run/spawn.h"
#include "engine/run/stall.h"

/* A worker's or the collector's process with what it has printed of the current line. */
struct driver_process {
	struct spawn_process process;
	bool has_ended;
	char *name;
	size_t n_line[2]; /* stdout, stderr */
	char line[2][1024];
};

/* One edge to `output`. */
struct driver_read {
	struct channel channel;
	uint32_t edge;
};

struct driver_release {
	struct channel storage;
	uint32_t releaser;
};

struct driver {
	const struct plan *plan;
	struct driver_options options;
	struct program program;
	struct control control;
	struct rings rings;
	uint8_t *slots;
	int program_fd, control_fd, slots_fd, rings_fd, ready_fd, collector_socket, kick_fd;
	struct driver_process *processes; /* [n_workers]; 0 is the collector, for the driver needs no process */
	uint32_t n_workers;               /* driver included */
	struct pollfd *poll_fds;          /* [3 + 3 × n_workers] */
	bool has_collector, collector_is_ready, collector_is_done;
	int collector_status;             /* enum status: why the trace is incomplete */
	char collector_text[256];

	/* the driver's own part of the graph */
	struct waiter waiter;
	struct recorder recorder;
	struct channel **inputs;          /* [n_inputs] by declared tensor; NULL: nobody reads it */
	struct channel *input_control;    /* NULL when no worker's node depends on `input` by a control edge only */
	uint32_t n_inputs;
	struct driver_read *reads;        /* [n_outputs + n_controls]: results by position, then control edges */
	uint32_t n_outputs, n_controls;
	struct driver_release *releases;
	uint32_t n_releases;
	uint64_t waiting_for;             /* 1 + execution that the reads stand at */
	bool met_backpressure;            /* the last submit found an input's slots in use */
	struct tensor *outputs;

	/* progress; the counters are read by the monitor */
	_Atomic uint64_t n_submitted, n_finished, n_released, n_failed;
	_Atomic uint64_t *submit_ticks;   /* [in_flight] when each was submitted; only with a timeout */
	_Atomic int is_interrupted;

	/* the first error that ended the run; `over` is set with release after the text */
	pthread_mutex_t over_lock;
	_Atomic int is_over;
	struct error over;

	pthread_t monitor;
	bool has_monitor;
	_Atomic int monitor_stops;
	struct stall_watch stalls;
	uint64_t *reported;               /* [n_workers] key of the obstacle reported last */
	uint64_t n_timed_out;             /* executions whose deadline was dealt with */
	uint64_t kill_at;                 /* ticks: when a cancelled execution's op is killed; 0: never */
	uint64_t kill_execution;
	int n_killed;
};

/* Ends the run with its first error; later calls change nothing. Wakes everybody. Any thread. */
void driver_end(struct driver *driver, const struct error *error);
/* Copies the error that ended the run and returns its status; STATUS_STOPPED when it was interrupted. */
int driver_over(struct driver *driver, struct error *error);

void driver_notify(struct driver *driver, enum driver_notice notice, const char *who, const char *text);
/* A line for the trace's log. */
void driver_log(struct driver *driver, uint32_t level, uint32_t worker, const char *text);

/* Watches once, for at most `timeout_ms`: output of workers, ended processes, the collector's messages. */
void driver_watch(struct driver *driver, int timeout_ms);
void *driver_monitor_main(void *driver);
bool driver_workers_ended(const struct driver *driver);

#endif
