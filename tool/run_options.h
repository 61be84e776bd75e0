/* SPDX-License-Identifier: Apache-2.0
 *
 * run_options: what `tandem run` can be told, for it and for commands that start runs and pass it on: one list for all of
 * them. Options that only make sense at a run's own terminal stand in cmd_run.c.
 */
#ifndef TANDEM_TOOL_RUN_OPTIONS_H
#define TANDEM_TOOL_RUN_OPTIONS_H

#include "engine/run/program.h"
#include "tool/options.h"

struct run_options {
	int64_t mode, executions, in_flight, seed, stall_limit_ns, hang_limit_ns, timeout_ns, grace_ns;
	uint64_t store_limit_bytes, record_limit_bytes, postmortem_limit_bytes;
	double tolerance;
	struct option_list settings, modules, inputs, outputs, expected;
	const char *record, *triggers, *trace;
	uint64_t history_bytes;
	bool poisons, waits_for_debugger;
	bool pins, is_fail_fast, is_json, is_quiet, is_viewed;
};

/* What --mode offers: the modes in order, then both; NULL-ended. */
extern const char *const run_option_modes[];
#define RUN_OPTION_MODE_BOTH RUN_MODE_COUNT

#define RUN_OPTION_AT(base, member) ((base) + offsetof(struct run_options, member))

/* Rows of a table of options (options.h); `base`: where the command's values have their struct run_options. */
#define RUN_OPTION_ROWS(base) \
	{ "mode", 0, OPTION_CHOICE, RUN_OPTION_AT(base, mode), "MODE", "compiled", \
		"how the graph is run; both: in turn, a tenth of the executions at a time, outputs compared bit for bit", \
		.choices = run_option_modes }, \
	{ "store-limit", 0, OPTION_BYTES, RUN_OPTION_AT(base, store_limit_bytes), "BYTES", NULL, \
		"interpreted: size of the object store (default: what the executions in flight can need)" }, \
	{ "set", 0, OPTION_LIST, RUN_OPTION_AT(base, settings), "NAME=VALUE", NULL, \
		"put VALUE in place of $NAME in the graph" }, \
	{ "module", 0, OPTION_LIST, RUN_OPTION_AT(base, modules), "FILE.so", NULL, \
		"load a module with ops, here and in the workers" }, \
	{ "input", 'i', OPTION_LIST, RUN_OPTION_AT(base, inputs), "FILE", NULL, \
		"FILE.safetensors, or NAME=FILE.npy; without any, inputs are made up from the seed" }, \
	{ "output", 0, OPTION_LIST, RUN_OPTION_AT(base, outputs), "FILE", NULL, \
		"write the last execution's outputs to FILE.safetensors, or one to NAME=FILE.npy" }, \
	{ "expect", 0, OPTION_LIST, RUN_OPTION_AT(base, expected), "FILE", NULL, \
		"compare the last execution's outputs with the tensors of FILE; the run fails when they differ" }, \
	{ "tolerance", 0, OPTION_REAL, RUN_OPTION_AT(base, tolerance), "X", "0", \
		"largest difference that --expect accepts" }, \
	{ "executions", 'n', OPTION_INT, RUN_OPTION_AT(base, executions), "N", "1", \
		"how often to run the inputs through", 1, INT64_MAX }, \
	{ "in-flight", 0, OPTION_INT, RUN_OPTION_AT(base, in_flight), "N", NULL, \
		"most executions under way at once (default: 2 for each worker)", 1, 65536 }, \
	{ "trace", 'o', OPTION_TEXT, RUN_OPTION_AT(base, trace), "FILE.tandem", NULL, \
		"record into FILE; an older trace there is replaced" }, \
	{ "record", 0, OPTION_TEXT, RUN_OPTION_AT(base, record), "POLICY", NULL, \
		"all (default), every=N, window=A:B (executions), last=SECONDS (kept until a trigger saves them) or off" }, \
	{ "trigger", 0, OPTION_TEXT, RUN_OPTION_AT(base, triggers), "LIST", NULL, \
		"with last=: what saves, of error,stall,slow=TIME,slow=Nx,key (default: error,stall); SIGUSR1 always does" }, \
	{ "record-limit", 0, OPTION_BYTES, RUN_OPTION_AT(base, record_limit_bytes), "BYTES", "1GiB", \
		"of the trace file; when it is reached: sums, and at the end the last seconds" }, \
	{ "seed", 0, OPTION_INT, RUN_OPTION_AT(base, seed), "N", "0", \
		"seed of made-up inputs and of ops that draw numbers", 0, INT64_MAX }, \
	{ "pin", 0, OPTION_FLAG, RUN_OPTION_AT(base, pins), NULL, NULL, "pin each worker to a core" }, \
	{ "stall-limit", 0, OPTION_DURATION, RUN_OPTION_AT(base, stall_limit_ns), "TIME", "1s", \
		"report waits longer than this; 0: never" }, \
	{ "hang-limit", 0, OPTION_DURATION, RUN_OPTION_AT(base, hang_limit_ns), "TIME", "30s", \
		"a wait longer than this saves the state of the run into the trace; 0: never" }, \
	{ "postmortem-limit", 0, OPTION_BYTES, RUN_OPTION_AT(base, postmortem_limit_bytes), "BYTES", "256MiB", \
		"of the memory saved into the trace when something goes wrong; 0: none" }, \
	{ "timeout", 0, OPTION_DURATION, RUN_OPTION_AT(base, timeout_ns), "TIME", NULL, \
		"cancel an execution that takes longer (default: none)" }, \
	{ "grace", 0, OPTION_DURATION, RUN_OPTION_AT(base, grace_ns), "TIME", "1s", \
		"what an op that runs at the end gets before it is killed" }, \
	{ "history", 0, OPTION_BYTES, RUN_OPTION_AT(base, history_bytes), "BYTES", "64MiB", \
		"for outputs that a debugger has kept; memory is taken as it is used; 0: none" }, \
	{ "poison", 0, OPTION_FLAG, RUN_OPTION_AT(base, poisons), NULL, NULL, \
		"fill every slot and object when its last reader is done, so that an op that reads later is caught" }, \
	{ "fail-fast", 0, OPTION_FLAG, RUN_OPTION_AT(base, is_fail_fast), NULL, NULL, \
		"end the run at the first execution that fails" }, \
	{ "quiet", 'q', OPTION_FLAG, RUN_OPTION_AT(base, is_quiet), NULL, NULL, "print nothing but failures" },

#endif
