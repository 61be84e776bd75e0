/* SPDX-License-Identifier: Apache-2.0
 *
 * tandem.h: the library. A program builds a graph of operations (or loads one from a DOT file), compiles it once, and then runs inputs
 * through it as often as it likes: over worker processes, compiled or interpreted, recorded into a trace that `tandem report` and the
 * other commands read. doc/library.md walks through it; doc/writing-ops.md is about operations of one's own.
 *
 *     struct tandem *tandem = tandem_init(&argc, &argv, my_ops, &error);          first thing in main
 *     struct tandem_graph *graph = tandem_graph_create(tandem, "two_stage");
 *     … tandem_graph_input, _worker, _node, _connect …
 *     tandem_graph_compile(graph, NULL, &error);                                  the graph is frozen from here on
 *     tandem_run_start(graph, &options, &error, &run);                            processes exist from here on
 *     tandem_submit(run, inputs, NULL, &error);                                   many may be in flight
 *     tandem_wait(run, TANDEM_FOREVER, &result, &error);
 *     tandem_release(run, result.execution, &error);
 *     tandem_run_stop(run, NULL, &error);
 *     tandem_graph_destroy(graph);  tandem_finish(tandem);
 *
 * Errors. A function that can fail returns an `int`: TANDEM_OK (0) or another enum tandem_status, and fills the caller's `struct
 * tandem_error` (which may be NULL) exactly when it returns something other than TANDEM_OK; the one exception is TANDEM_AGAIN, which is
 * no failure and leaves it alone. `ret_` parameters are written on success only. Wrong use (wrong order, wrong thread, released twice,
 * a graph changed after it was compiled, a handle used in a forked child) is TANDEM_USAGE with a text that says what would be right;
 * nothing has happened then. A handle that was released is recognised among the last 64 of its context and while that lives. The library never
 * prints, never exits, and sets no signal handler.
 *
 * Threads. Handles of different runs may be used by different threads at the same time. One run belongs to the thread that started it
 * until another takes it over (tandem_run_take_over); functions that may be called from any thread say so. A `struct tandem` and its
 * graphs may be used by one thread at a time. Notices (tandem_notice_fn) come from a thread of the library.
 *
 * Units. Times end in _ns and are nanoseconds, sizes end in _bytes, counts begin with n_.
 *
 * Compatibility. Structs that a program fills begin zeroed: 0 and NULL are the defaults, fields are only ever added at the end of the
 * options structs, which carry their size. Numbers in enums never change.
 */
#ifndef TANDEM_ENGINE_API_TANDEM_H
#define TANDEM_ENGINE_API_TANDEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TANDEM_API __attribute__((visibility("default")))

/* -- errors ------------------------------------------------------------------------------------------------------------ */

enum tandem_status {
	TANDEM_OK = 0,
	TANDEM_NO_MEMORY = 1,
	TANDEM_SYSTEM = 2,         /* a system call failed (descriptors, processes, …) */
	TANDEM_USAGE = 3,          /* a function was used wrongly */
	TANDEM_SYNTAX = 4,         /* a graph's text could not be parsed */
	TANDEM_GRAPH = 5,          /* the graph is wrong */
	TANDEM_DEADLOCK = 6,       /* the plan could deadlock */
	TANDEM_INPUT = 7,          /* a tensor or a file does not fit */
	TANDEM_OP = 8,             /* an op reported an error: of this execution only */
	TANDEM_WORKER_DIED = 9,    /* a worker process died: the run is over */
	TANDEM_TIMEOUT = 10,       /* the execution did not end within timeout_ns: of this execution only */
	TANDEM_CANCELLED = 11,     /* tandem_cancel: of this execution only */
	TANDEM_STOPPED = 12,       /* the run was interrupted */
	TANDEM_AGAIN = 13,         /* not now: see the function */
	TANDEM_DISK_FULL = 14,     /* the trace could not grow */
	TANDEM_DATABASE = 15,      /* SQLite reported an error */
	TANDEM_TRACE = 16,         /* a file is no usable trace, or the trace is incomplete */
	TANDEM_UNSUPPORTED = 17,
	TANDEM_NOT_COMPARABLE = 18,
	TANDEM_PROTOCOL = 19       /* a process of the run said something unexpected, or belongs to another version */
};

#define TANDEM_ERROR_TEXT_BYTES 1000

/* Plain memory: nothing to release, may be copied. */
struct __attribute__((may_alias)) tandem_error {
	int status;                          /* enum tandem_status; TANDEM_OK when nothing failed */
	char text[TANDEM_ERROR_TEXT_BYTES];  /* one line: what, where, and what to do */
};

/* Fills `error` (may be NULL) and returns `status`: what an op's function ends with when it fails. */
TANDEM_API int tandem_error_set(struct tandem_error *error, int status, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* "op_error": the word that traces hold for a status; "unknown" outside the enum. Any thread. */
TANDEM_API const char *tandem_status_word(int status);

/* "0.1.0": of the library that is loaded. */
TANDEM_API const char *tandem_version(void);

/* -- tensors ----------------------------------------------------------------------------------------------------------- */

#define TANDEM_DIMS_MAX 6
#define TANDEM_ALIGN_BYTES 64

enum tandem_dtype { TANDEM_F32 = 0, TANDEM_F64 = 1, TANDEM_I8 = 2, TANDEM_U8 = 3, TANDEM_I32 = 4, TANDEM_I64 = 5 };

/* A view of memory with a shape; owns nothing. Fields mean what they mean in DLPack's DLTensor (strides count elements). Tensors that
 * the library hands out are contiguous, row-major and 64-byte aligned; tensors handed to it must be contiguous. */
struct __attribute__((may_alias)) tandem_tensor {
	int dtype;                          /* enum tandem_dtype */
	int n_dims;                         /* 0 for a scalar */
	int64_t shape[TANDEM_DIMS_MAX];
	int64_t strides[TANDEM_DIMS_MAX];
	void *data;
};

/* A contiguous tensor over `data`, which stays the caller's. Any thread, as all functions of this section. */
TANDEM_API struct tandem_tensor tandem_tensor_make(int dtype, int n_dims, const int64_t *shape, void *data);
TANDEM_API int64_t tandem_tensor_elements(const struct tandem_tensor *tensor); /* 1 for a scalar */
TANDEM_API size_t tandem_tensor_bytes(const struct tandem_tensor *tensor);

/* -- operations -------------------------------------------------------------------------------------------------------- */

/* What is known of a tensor before the run: sizes are numbers, or linear in one letter of the graph's input declaration:
 * size = mul × letter + add. An op's infer copies and combines what it gets. */
struct __attribute__((may_alias)) tandem_dim {
	int64_t add;
	int32_t mul;    /* 0 for a constant */
	int32_t symbol; /* which letter; -1 for a constant */
};

struct __attribute__((may_alias)) tandem_type {
	int dtype;      /* enum tandem_dtype */
	int n_dims;
	struct tandem_dim dims[TANDEM_DIMS_MAX];
};

enum tandem_param_type { TANDEM_PARAM_INT, TANDEM_PARAM_FLOAT, TANDEM_PARAM_BOOL, TANDEM_PARAM_TEXT, TANDEM_PARAM_INTS };

#define TANDEM_PARAM_INTS_MAX 16

/* A parameter that a node may set. Arrays of these end with name NULL. */
struct __attribute__((may_alias)) tandem_param_spec {
	const char *name;
	int type;             /* enum tandem_param_type */
	const char *fallback; /* text of the default; NULL: must be set */
	const char *help;     /* one phrase */
};

/* The parameters of one node, checked against the op's specs beforehand. Asking for a name or type that the op does not declare is
 * a mistake in the op: the getters then return 0, false or "". */
struct tandem_params;
TANDEM_API int64_t tandem_param_int(const struct tandem_params *params, const char *name);
TANDEM_API double tandem_param_float(const struct tandem_params *params, const char *name);
TANDEM_API bool tandem_param_bool(const struct tandem_params *params, const char *name);
TANDEM_API const char *tandem_param_text(const struct tandem_params *params, const char *name);
TANDEM_API int tandem_param_ints(const struct tandem_params *params, const char *name, int64_t values[TANDEM_PARAM_INTS_MAX]);

#define TANDEM_INPUTS_MAX 64
#define TANDEM_OUTPUTS_MAX 32

struct tandem_infer {
	const struct tandem_params *params;
	int n_inputs, n_outputs;           /* n_outputs is 1; infer may set another number */
	const struct tandem_type *inputs;  /* [n_inputs] */
	struct tandem_type *outputs;       /* [TANDEM_OUTPUTS_MAX], infer fills n_outputs of them */
};

struct tandem_setup {
	const struct tandem_params *params;
	const char *node, *worker;         /* names, for messages */
	uint64_t seed;                     /* of the run, the same at every node */
	int n_threads;                     /* that one call may use, at least 1 */
	int rank;                          /* collectives: this node's place among the ranks; otherwise 0 */
	int n_inputs, n_outputs;
	const struct tandem_tensor *inputs, *outputs; /* largest shapes; data NULL */
};

struct tandem_call {
	void *state;                       /* what setup returned */
	uint64_t execution;                /* counted from 0 */
	int n_inputs, n_outputs;
	const struct tandem_tensor *inputs; /* must not be written, except inputs[0] of a TANDEM_INPLACE op whose output 0 has the same data */
	struct tandem_tensor *outputs;     /* shapes set; run fills the data */
	struct tandem_error *error;        /* filled when run fails */
};

enum tandem_caps {
	TANDEM_INPLACE = 1 << 0,    /* output 0 may share its data with input 0; run must then give the same bits */
	TANDEM_FORWARD = 1 << 1,    /* output 0 is input 0 bit for bit; run is called only when their data differ, and copies */
	TANDEM_COLLECTIVE = 1 << 2  /* one node a worker, inputs arrive one a rank, in rank order */
};

#define TANDEM_OP_ABI 1

/* An operation: a constant that lives as long as the program or module. Functions of one node are called from one thread of one worker
 * process, except infer, which is called in the program that compiles the graph and must not start or change anything. */
struct tandem_op {
	uint32_t abi;                       /* TANDEM_OP_ABI */
	uint32_t caps;                      /* enum tandem_caps, or-ed */
	const char *name;                   /* as `op=` in graphs */
	const char *summary;                /* one phrase */
	int n_inputs_min, n_inputs_max;
	const char *const *input_names;     /* NULL-ended, for `arg`; may be NULL: positions only */
	const char *const *output_names;    /* NULL-ended, for `from`; may be NULL */
	const struct tandem_param_spec *params; /* may be NULL */
	/* Types of the outputs. TANDEM_OK, or TANDEM_GRAPH with what is wrong and what would be right. Never NULL. */
	int (*infer)(struct tandem_infer *infer, struct tandem_error *error);
	/* Makes the node's state, once in its worker, before the first execution. May be NULL. On failure nothing is kept. */
	int (*setup)(const struct tandem_setup *setup, void **ret_state, struct tandem_error *error);
	/* Back to the state after setup. May be NULL: the op keeps nothing from one execution to the next. */
	void (*reset)(void *state);
	/* One execution; a node's executions come in submit order. A failure ends this execution only. Never NULL. */
	int (*run)(struct tandem_call *call);
	/* Releases what setup made, at an orderly end. May be NULL. */
	void (*teardown)(void *state);
};

/* What a module (a shared object for `tandem run --module` or tandem_load_module) defines under this name:
 *     const struct tandem_module tandem_module = { TANDEM_OP_ABI, "what it is", ops };   ops: NULL-ended array */
struct tandem_module {
	uint32_t abi;
	const char *summary;
	const struct tandem_op *const *ops;
};

/* -- the library ------------------------------------------------------------------------------------------------------- */

struct tandem;

/* First thing in main of a program that has ops of its own: worker processes of its runs are further instances of the program, and in
 * those this function does not return. `ops` (NULL-ended, may be NULL) must be the same in all of them. argc and argv may both be NULL in
 * a program without ops; its workers are then instances of the `tandem` executable, as the collector always is: $TANDEM_EXECUTABLE, or what
 * is found beside the library. NULL with *error on failure. */
TANDEM_API struct tandem *tandem_init(int *argc, char ***argv, const struct tandem_op *const *ops, struct tandem_error *error);

/* Adds the ops of a module (its file, as given or from the current folder), in this process and in all workers of graphs made later. TANDEM_USAGE
 * when it is no module, or one of its ops is wrong or has a name that is taken; nothing is added then. */
TANDEM_API int tandem_load_module(struct tandem *tandem, const char *file, struct tandem_error *error);

/* Accepts NULL. Graphs and runs that still exist go on working until they are destroyed and stopped. */
TANDEM_API void tandem_finish(struct tandem *tandem);

/* -- graphs ------------------------------------------------------------------------------------------------------------ */

struct tandem_graph;

#define TANDEM_NODE_INPUT 0  /* the graph's ends, as node numbers */
#define TANDEM_NODE_OUTPUT 1

/* An empty graph; NULL when memory is out or `tandem` cannot be used. Building functions below return a number, or -1 when something is
 * wrong; the first such error is kept, later calls do nothing, and tandem_graph_compile reports it: a program need not check
 * each. They copy their strings. */
TANDEM_API struct tandem_graph *tandem_graph_create(struct tandem *tandem, const char *name);

/* A graph from DOT text or a file (doc/graph-format.md). `settings`: "NAME=VALUE" for each $NAME, NULL-ended, may be NULL. Mistakes come with
 * file and line, the first in error->text, all through tandem_graph_mistakes of the graph, which is returned also when it is wrong; NULL
 * only when memory is out. */
TANDEM_API int tandem_graph_load(struct tandem *tandem, const char *file, const char *const *settings, struct tandem_error *error,
	struct tandem_graph **ret_graph);
TANDEM_API int tandem_graph_parse(struct tandem *tandem, const char *name, const char *text, const char *const *settings,
	struct tandem_error *error, struct tandem_graph **ret_graph);

/* Declares the inputs: "ids:i32[B<=64,L<=512] mask:f32[B<=64,L<=512]"; equal letters are equal sizes. 0 or -1. */
TANDEM_API int tandem_graph_input(struct tandem_graph *graph, const char *tensors);
/* A worker process; `device` NULL means "cpu:0". Returns its number. */
TANDEM_API int tandem_graph_worker(struct tandem_graph *graph, const char *name, const char *device);
/* A node with operation `op` on that worker. Returns its number. */
TANDEM_API int tandem_graph_node(struct tandem_graph *graph, int worker, const char *name, const char *op);
/* Sets an op's parameter, or one of the node attributes `order`, `collective`, `depth`. 0 or -1. */
TANDEM_API int tandem_graph_set(struct tandem_graph *graph, int node, const char *key, const char *value);
/* Data from an output to an argument; `from` and `arg` are names or positions, NULL where there is one. On an edge to TANDEM_NODE_OUTPUT, `arg`
 * names the result. Returns the edge's number. */
TANDEM_API int tandem_graph_connect(struct tandem_graph *graph, int src, const char *from, int dst, const char *arg);
/* Order without data. */
TANDEM_API int tandem_graph_order(struct tandem_graph *graph, int src, int dst);

struct tandem_compile_options {
	size_t bytes;   /* sizeof(struct tandem_compile_options) */
	int in_flight;  /* most executions between submit and release; 0: 2 for each worker */
};

/* Checks everything, makes the plan and proves that it cannot deadlock; starts nothing. From here on the graph cannot be changed.
 * TANDEM_GRAPH or TANDEM_SYNTAX with the first mistake, TANDEM_DEADLOCK with the cycle. `options` may be NULL. A graph is compiled once, also
 * when that failed. */
TANDEM_API int tandem_graph_compile(struct tandem_graph *graph, const struct tandem_compile_options *options, struct tandem_error *error);

/* All mistakes, one a line, or what `tandem check` says of the plan; belongs to the graph, "" before compiling. */
TANDEM_API const char *tandem_graph_mistakes(const struct tandem_graph *graph);
TANDEM_API const char *tandem_graph_plan(struct tandem_graph *graph);

/* Results by position: how many, and the name of one (NULL outside the range). After a successful compile. */
TANDEM_API int tandem_graph_n_results(const struct tandem_graph *graph);
TANDEM_API const char *tandem_graph_result_name(const struct tandem_graph *graph, int result);
/* The same of the declared inputs: how many tensors tandem_submit takes, and the name of one. */
TANDEM_API int tandem_graph_n_inputs(const struct tandem_graph *graph);
TANDEM_API const char *tandem_graph_input_name(const struct tandem_graph *graph, int input);

/* The graph as DOT text, with layout and parameters; belongs to the graph. */
TANDEM_API const char *tandem_graph_dot(struct tandem_graph *graph);

/* Accepts NULL. Runs that were started from it go on; memory is released when the last is stopped. */
TANDEM_API void tandem_graph_destroy(struct tandem_graph *graph);

/* -- runs -------------------------------------------------------------------------------------------------------------- */

struct tandem_run;

#define TANDEM_FOREVER (-1)

enum tandem_mode { TANDEM_COMPILED = 0, TANDEM_INTERPRETED = 1 };

enum tandem_notice {
	TANDEM_NOTICE_OUTPUT = 0,  /* a line that a worker printed; `who` is its name */
	TANDEM_NOTICE_STALL = 1,   /* a wait longer than stall_limit_ns, with its cause */
	TANDEM_NOTICE_WARNING = 2, /* the trace is incomplete, … */
	TANDEM_NOTICE_SAVED = 3    /* something went wrong, and the state of the run is in the trace, for `tandem debug`; says what */
};

/* Called from a thread of the library, one call at a time; must return soon and must not call the library. */
typedef void tandem_notice_fn(void *user, enum tandem_notice notice, const char *who, const char *text);

struct tandem_run_options {
	size_t bytes;              /* sizeof(struct tandem_run_options) */
	int mode;                  /* enum tandem_mode */
	const char *trace_file;    /* NULL: nothing is recorded; an older trace there is replaced, any other file is refused */
	const char *record;        /* "all" (default), "every=N", "window=A:B", "last=SECONDS" (doc/recording.md) */
	const char *triggers;      /* with last=: "error,stall,slow=5ms", what saves the last seconds; NULL: error and stall */
	uint64_t record_limit_bytes; /* of the file; 0: 1 GiB */
	uint64_t seed;
	int64_t stall_limit_ns;    /* a longer wait is a notice; 0: 1 s; negative: never */
	int64_t timeout_ns;        /* of one execution from submit to results; 0: none */
	int64_t grace_ns;          /* what a running op gets at the end before its process is killed; 0: 1 s */
	bool pins;                 /* pin worker i to core i */
	uint64_t store_limit_bytes; /* interpreted: size of the object store; 0: what the executions in flight can need */
	tandem_notice_fn *notice;  /* may be NULL */
	void *notice_user;
};

/* Starts the workers (and the collector, when something is recorded), sets every op up, and returns when all are ready. The graph must be
 * compiled; several runs of one graph may exist at once. On failure everything that was started has ended. `options` may be NULL. */
TANDEM_API int tandem_run_start(struct tandem_graph *graph, const struct tandem_run_options *options, struct tandem_error *error,
	struct tandem_run **ret_run);

/* Submits one execution: one tensor for each declared input, in order, copied before it returns. *ret_execution (may be NULL) counts from 0.
 * TANDEM_AGAIN while as many as in_flight are not released, or while there is no room for the inputs: wait, release, try again.
 * TANDEM_INPUT when a tensor does not fit its declaration; the run goes on. Other errors end the run and are repeated by later calls. */
TANDEM_API int tandem_submit(struct tandem_run *run, const struct tandem_tensor *inputs, uint64_t *ret_execution,
	struct tandem_error *error);

struct tandem_result {
	uint64_t execution;
	int n_outputs;
	const struct tandem_tensor *outputs; /* [n_outputs], in place; valid until the execution is released */
};

/* Waits for all results of the oldest execution not yet taken; results come in submit order. `timeout_ns`: TANDEM_FOREVER, or 0 to look only;
 * TANDEM_AGAIN when it passes. TANDEM_OP, TANDEM_TIMEOUT, TANDEM_CANCELLED: this execution failed, *error says where and why, result->execution
 * says which (n_outputs is 0), and it must be released like any other. Anything else: the run is over. TANDEM_USAGE when nothing is in
 * flight (and the run goes on), or when the execution taken last has not been released. */
TANDEM_API int tandem_wait(struct tandem_run *run, int64_t timeout_ns, struct tandem_result *ret_result, struct tandem_error *error);

/* Waits for one result (by position) of the execution that tandem_wait would give next, without waiting for the others; tandem_wait is
 * still called for it afterwards. *ret_output is valid until that execution is released, also when another part of it fails later. Status as
 * tandem_wait, but a failure (of what this result needs) is reported without taking the execution: tandem_wait then says it again. */
TANDEM_API int tandem_wait_output(struct tandem_run *run, int result, int64_t timeout_ns, const struct tandem_tensor **ret_output,
	struct tandem_error *error);

/* Gives the results of the execution taken last back. TANDEM_USAGE when `execution` is not the one taken (never taken, released before). */
TANDEM_API int tandem_release(struct tandem_run *run, uint64_t execution, struct tandem_error *error);

/* Asks that an execution in flight ends early: nodes that have not begun it skip it, tandem_wait then says TANDEM_CANCELLED (or TANDEM_OK when it was
 * through before). TANDEM_USAGE when it was not submitted, or taken already. Any thread. */
TANDEM_API int tandem_cancel(struct tandem_run *run, uint64_t execution, struct tandem_error *error);

/* A descriptor for poll, epoll, an event loop. Protocol: call tandem_wait with timeout 0 until it says TANDEM_AGAIN (or nothing is in flight); then
 * the descriptor becomes readable when it is worth calling again. It may become readable for nothing. Do not read or close it. -1 with
 * *error when it cannot be made. */
TANDEM_API int tandem_poll_fd(struct tandem_run *run, struct tandem_error *error);

/* Executions submitted and not released. Any thread. */
TANDEM_API int tandem_in_flight(const struct tandem_run *run);

/* With record "last=…": saves the last seconds now; `why` (may be NULL) goes into the trace. Any thread. */
TANDEM_API int tandem_save(struct tandem_run *run, const char *why, struct tandem_error *error);

/* Makes the calling thread the owner. The threads must see to it that the one before does not use the run any more. */
TANDEM_API int tandem_run_take_over(struct tandem_run *run, struct tandem_error *error);

/* Pending and later calls return TANDEM_STOPPED. Any thread; safe in a signal handler. */
TANDEM_API void tandem_interrupt(struct tandem_run *run);

struct tandem_summary {
	uint64_t n_submitted, n_finished, n_failed;
	uint64_t n_lost_records;  /* dropped by the recorders because something did not keep up, or a limit was reached */
	bool is_trace_complete;
	int n_killed_workers;     /* because an op did not return within grace_ns */
	int64_t teardown_ns;
};

/* Ends the run in bounded time, whatever state it is in, and releases the handle in every case but TANDEM_USAGE (wrong thread, forked child).
 * TANDEM_OK, or why something is missing (a trace that is incomplete, the error that ended the run; an interruption is none). No other thread
 * may be in a call for this run. `ret_summary` may be NULL. */
TANDEM_API int tandem_run_stop(struct tandem_run *run, struct tandem_summary *ret_summary, struct tandem_error *error);

#ifdef __cplusplus
}
#endif

#endif
