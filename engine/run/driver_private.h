/* SPDX-License-Identifier: Apache-2.0
 *
 * driver_private: the driver handle, shared by driver.c (start, stop), driver_execute.c (submit, wait, release), driver_compiled.c and
 * driver_interpreted.c (what differs between the modes) and driver_monitor.c (the thread that watches).
 */
#ifndef TANDEM_ENGINE_RUN_DRIVER_PRIVATE_H
#define TANDEM_ENGINE_RUN_DRIVER_PRIVATE_H

#include <poll.h>
#include <pthread.h>
#include <semaphore.h>

#include "engine/run/channel.h"
#include "engine/run/driver.h"
#include "engine/run/gate.h"
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
	uint32_t least[TENSOR_DIMS_MAX], most[TENSOR_DIMS_MAX]; /* of each dimension */
};

struct driver_release {
	struct channel storage;
	uint32_t releaser;
};

/* What differs between the modes. Every function is called from the thread of the handle. */
struct driver_mode {
	/* Creates and maps the segment that workers map too (driver->slots_fd). */
	int (*make_memory)(struct driver *driver, struct error *error);
	/* Makes the driver's own part ready, before workers start. */
	int (*make_views)(struct driver *driver, struct error *error);
	/* A descriptor for worker `idx` beyond those that every worker gets; -1: none. Called once; the driver closes it when the worker
	 * has it. */
	int (*take_worker_fd)(struct driver *driver, uint32_t idx);
	/* Releases what the functions above made; also after a failure of theirs. */
	void (*finish)(struct driver *driver);

	/* STATUS_OK when there is room for the execution's inputs; STATUS_AGAIN (without a text): a result must be released first.
	 * STATUS_PROTOCOL when a worker wrote what it should not. */
	int (*find_room)(struct driver *driver, const struct tensor *inputs, uint64_t execution, uint64_t n_released, struct error *error);
	/* Makes the inputs known to the workers. Phases go to the open record. STATUS_OK, or what ends the run. */
	int (*send_inputs)(struct driver *driver, const struct tensor *inputs, uint64_t execution, struct error *error);
	/* Called once before an execution is waited for. */
	void (*begin_wait)(struct driver *driver);
	/* Waits until all results are there and points driver->outputs at them, or sets *ret_failure. STATUS_AGAIN as driver_wait. */
	int (*collect)(struct driver *driver, uint64_t execution, uint64_t deadline, uint32_t *ret_failure, struct error *error);
	/* The same for the result at position `idx` alone; driver->outputs[idx] is set. */
	int (*collect_output)(struct driver *driver, uint64_t execution, uint32_t idx, uint64_t deadline, uint32_t *ret_failure,
		struct error *error);
	/* Gives an execution's results back. */
	void (*release)(struct driver *driver, uint64_t execution);
};

extern const struct driver_mode driver_compiled, driver_interpreted;

#define DRIVER_DEADLINE_PAST 1 /* ticks: a wait with this deadline looks once */

struct driver_interpreted;

struct driver {
	const struct plan *plan;
	const struct driver_mode *mode;
	struct driver_options options;
	struct program program;
	struct control control;
	struct gates gates;
	struct rings rings;
	uint8_t *slots;                   /* the segment of the mode: all slots, or bells and objects */
	size_t slots_bytes;
	int program_fd, control_fd, slots_fd, rings_fd, gates_fd, ready_fd, collector_socket, kick_fd, wake_fd;
	struct driver_process *processes; /* [n_workers]; 0 is the collector, for the driver needs no process */
	uint32_t n_workers;               /* driver included */
	struct pollfd *poll_fds;          /* [3 + 3 × n_workers] */
	bool has_collector, collector_is_ready;
	_Atomic bool collector_is_done;
	int collector_status;             /* enum status: why the trace is incomplete */
	char collector_text[256];

	/* the driver's own part of the graph */
	struct waiter waiter;
	struct recorder recorder;
	bool saves_last;                  /* the policy is last=… */
	uint32_t n_inputs, n_outputs;
	struct tensor *outputs;           /* [n_outputs] */
	uint64_t waiting_for;             /* 1 + execution that is waited for */
	bool met_backpressure;            /* the last submit found no room for its inputs */
	bool polls;                       /* the program looks at wake_fd */
	bool is_counted_out;              /* of header->n_awake, while the program is in its poll */
	struct driver_interpreted *interpreted; /* driver_interpreted.c */

	/* compiled mode */
	struct channel **inputs;          /* [n_inputs] by declared tensor; NULL: nobody reads it */
	struct channel *input_control;    /* NULL when no worker's node depends on `input` by a control edge only */
	struct driver_read *reads;        /* [n_outputs + n_controls]: results by position, then control edges */
	uint32_t n_controls;
	struct driver_release *releases;
	uint32_t n_releases;

	/* progress; the counters are read by the monitor */
	_Atomic uint64_t n_submitted, n_finished, n_released, n_failed;
	_Atomic uint64_t *submit_ticks;   /* [in_flight] when each was submitted; only with a timeout */
	_Atomic int is_interrupted;

	/* the first error that ended the run; `over` is set with release after the text */
	pthread_mutex_t over_lock;        /* also held while an execution is cancelled */
	_Atomic int is_over;
	struct error over;

	pthread_t monitor;
	bool has_monitor;
	sem_t started;                    /* the monitor has started the processes, or failed: */
	int start_status;
	struct error start_error;
	int64_t workers_ended_ns;
	_Atomic int monitor_stops;
	struct stall_watch stalls;
	uint64_t *reported;               /* [n_workers] key of the obstacle reported last */
	uint64_t n_timed_out;             /* executions whose deadline was dealt with */
	uint64_t kill_at;                 /* ticks: when a cancelled execution's op is killed; 0: never */
	uint64_t kill_execution;
	int lock_fd;                      /* another open file description of the gates segment: sees a debugger's lock; -1 until needed */
	struct tensor *input_views;       /* [n_inputs] what lies in the slots or objects of `input`, for its gate */
	int n_killed;
};

/* The first half of driver_start: memory, tables and views are there, and no process. driver_stop releases it. */
int driver_prepare(const struct plan *plan, const struct driver_options *options, struct error *error, struct driver **ret_driver);

/* Ends the run with its first error; later calls change nothing. Wakes everybody. Any thread. */
void driver_end(struct driver *driver, const struct error *error);
/* The same with STATUS_PROTOCOL, for what worker `worker` wrote into shared memory or sent; "worker 'w0' " is put in front. Fills `error`
 * with what ended the run and returns its status. */
int driver_blame(struct driver *driver, uint32_t worker, struct error *error, const char *format, ...) PRINTF_LIKE(4, 5);
/* Ends all steps and lets everybody who stands at a gate see it. Any thread, also in a signal handler. */
void driver_stop_steps(struct driver *driver);
/* Copies the error that ended the run and returns its status; STATUS_STOPPED when it was interrupted. */
int driver_over(struct driver *driver, struct error *error);

/* The gates of `input` after its tensors were written and of `output` when all results are there (gate.h); `tensors` are theirs, `failure` as in
 * struct gate_point. STATUS_OK, or what ended the run. */
COLD int driver_pass_input(struct driver *driver, const struct tensor *tensors, uint64_t execution, uint32_t failure, uint64_t start,
	struct error *error);
COLD int driver_pass_output(struct driver *driver, uint64_t execution, uint32_t failure, struct error *error);
static inline bool driver_has_gates(const struct driver *driver)
{
	return unlikely(atomic_load_explicit(&driver->control.header->attention, memory_order_relaxed) & CONTROL_ATTENTION_GATES);
}

/* Monitor, at every turn: notices a debugger that is gone. Returns whether somebody stands at a gate. */
bool driver_watch_gates(struct driver *driver);

/* Cancels an execution in flight with that failure, unless it is cancelled already. Any thread. */
void driver_cancel_with(struct driver *driver, uint64_t execution, int status, uint32_t worker, uint32_t node, const char *text);

/* Makes wake_fd unreadable, and readable again at the next result, space or end. What came before must be looked for after. */
void driver_arm(struct driver *driver);
/* The owner waits or works: it needs a core again. */
void driver_count_in(struct driver *driver);
/* Makes wake_fd readable. Any thread, also in a signal handler. */
void driver_ring(struct driver *driver);

/* Starts the collector and the workers and waits until they are ready. Called in the monitor thread, for a worker's death signal follows the
 * thread that started it. */
int driver_start_processes(struct driver *driver, struct error *error);
/* Ends them, in bounded time. */
void driver_end_processes(struct driver *driver);

/* Whether the submitter stands at the limit of executions in flight. */
bool driver_is_at_limit(const struct driver *driver);

void driver_notify(struct driver *driver, enum driver_notice notice, const char *who, const char *text);
/* A line for the trace's log. */
void driver_log(struct driver *driver, uint32_t level, uint32_t worker, const char *text);

/* Watches once, for at most `timeout_ms`: output of workers, ended processes, the collector's messages. */
void driver_watch(struct driver *driver, int timeout_ms);
/* One turn of the monitor: driver_watch, then stalls and deadlines. */
void driver_monitor_turn(struct driver *driver, int timeout_ms);
void *driver_monitor_main(void *driver);
bool driver_workers_ended(const struct driver *driver);

#endif
