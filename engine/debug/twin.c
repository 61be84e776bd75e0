/* SPDX-License-Identifier: Apache-2.0
 *
 * twin: the two debuggers, from the start of both runs to both standing still again.
 */
#include "engine/debug/twin_private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/graph/graph.h"

#define POLL_NS 20000000
#define END_TURN_NS 1000000
#define END_TURNS 10000  /* a guard: the core ends a run in bounded time */

/* -- making and releasing --------------------------------------------------------------------------------------------------- */

static void free_words(char *const *words)
{
	for (char *const *word = words; word && *word; word++)
		free(*word);
	free((void *)words);
}

static int copy_words(char *const *words, char *const **ret_copy, struct error *error)
{
	size_t n = 0;
	while (words && words[n])
		n++;
	char **copy = calloc(n + 1, sizeof(*copy));
	bool is_copied = copy != NULL;
	for (size_t i = 0; is_copied && i < n; i++)
		is_copied = (copy[i] = strdup(words[i])) != NULL;
	*ret_copy = copy;
	return is_copied ? STATUS_OK : error_set(error, STATUS_NO_MEMORY, "twin: out of memory");
}

static int check_options(const struct debug_twin_options *options, struct error *error)
{
	if (!(options->absolute >= 0 && options->relative >= 0))
		return error_set(error, STATUS_USAGE, "twin: a tolerance is a number from 0 on");
	if (options->by_digests && (options->absolute > 0 || options->relative > 0))
		return error_set(error, STATUS_USAGE, "twin: digests only tell equal from different; leave --digests or the tolerance out");
	return STATUS_OK;
}

int debug_twin_create(struct debugger *a, const struct debugger_options *b_options, const struct debug_twin_options *options,
	struct error *error, struct debug_twin **ret_twin)
{
	int status = check_options(options, error);
	if (status != STATUS_OK)
		return status;
	struct debug_twin *twin = calloc(1, sizeof *twin);
	struct twin_work *work = calloc(1, sizeof *work);
	if (!twin || !work) {
		free(twin);
		free(work);
		return error_set(error, STATUS_NO_MEMORY, "twin: out of memory");
	}
	*twin = (struct debug_twin){ .a = a, .options = *options, .work = work };
	twin->options.skipped = NULL;
	status = copy_words(options->skipped, &twin->options.skipped, error);
	if (status == STATUS_OK)
		status = debugger_create(b_options, error, &twin->b);
	work->sides[TWIN_A] = a;
	work->sides[TWIN_B] = twin->b;
	if (status == STATUS_OK && debugger_program(a) && debugger_program(twin->b))
		status = twin_match(twin, twin->options.skipped, error);
	if (status != STATUS_OK) {
		debug_twin_destroy(twin);
		return status;
	}
	*ret_twin = twin;
	return STATUS_OK;
}

void debug_twin_destroy(struct debug_twin *twin)
{
	if (!twin)
		return;
	twin_lockstep_finish(twin->work);
	twin_forget_executions(twin->work);
	twin_forget_points(twin->work);
	debugger_destroy(twin->b, false);
	free_words(twin->options.skipped);
	free(twin->rows);
	free(twin->work);
	free(twin);
}

const char *twin_side_word(const struct debug_twin *twin, enum twin_side side)
{
	const struct program *a = debugger_program(twin->a), *b = debugger_program(twin->b);
	if (a && b && a->header->mode != b->header->mode)
		return run_mode_word((enum run_mode)(side == TWIN_A ? a : b)->header->mode);
	return side == TWIN_A ? "first" : "second";
}

/* -- starting --------------------------------------------------------------------------------------------------------------- */

static bool is_halted(const struct debugger *debugger)
{
	return debugger->state == DEBUG_HALTED && debugger->target.is_live;
}

static void settle(struct debug_twin *twin, struct debugger *debugger)
{
	while (debugger->state == DEBUG_MOVING) {
		if (debugger != twin->a && atomic_load(&twin->a->is_interrupted))
			debugger_interrupt(debugger);
		debugger_poll(debugger, POLL_NS);
	}
}

/* Brings one run to a halt from where the twin can take over: started if it was not. */
static int start(struct debug_twin *twin, struct debugger *debugger, struct error *error)
{
	int status = STATUS_OK;
	if (debugger->state == DEBUG_SAVED)
		return error_set(error, STATUS_USAGE, "twin: a saved state does not move; give the graph that is to be run");
	if (debugger->state != DEBUG_MOVING && !is_halted(debugger))
		status = debugger_start(debugger, false, error);
	if (status != STATUS_OK)
		return status;
	settle(twin, debugger);
	if (is_halted(debugger))
		return STATUS_OK;
	const char *text = strbuf_text(&debugger->halt.text);
	return error_set(error, STATUS_INPUT, "twin: the %s run ended before anything was compared: %.*s",
		debugger == twin->a ? "first" : "second", (int)strcspn(text, "\n"), text);
}

/* The first execution of which no node has computed yet. */
static uint64_t first_untouched(struct debugger *debugger)
{
	struct debug_target *target = &debugger->target;
	struct debug_worker_state state;
	uint64_t latest = 0;
	debug_look(target, GRAPH_DRIVER, &state);
	if (state.activity == DEBUG_AT_GATE && state.stop.node == GRAPH_INPUT)
		return state.stop.execution;
	for (uint32_t w = 0; w < target->gates.n_workers; w++) {
		debug_look(target, w, &state);
		latest = state.activity != DEBUG_GONE && state.execution != UINT64_MAX && state.execution > latest ? state.execution : latest;
	}
	return latest + target->program.header->in_flight + 1;
}

void twin_arm(struct debug_twin *twin, enum twin_side side, uint8_t flags, uint8_t output_flags)
{
	struct twin_work *work = twin->work;
	struct debug_target *target = twin_target(twin, side);
	for (uint32_t i = 0; i < target->gates.n_nodes; i++) {
		uint8_t own = work->points_of[side][i] == PROGRAM_NONE ? 0 : i == GRAPH_OUTPUT ? output_flags : flags;
		atomic_store(&target->gates.flags[i], own);
	}
	atomic_store(&target->gates.header->from_execution, work->from);
	for (uint32_t w = 0; w < target->gates.n_workers; w++)
		atomic_store(&gate_worker(&target->gates, w)->steps, GATE_STEPS_NONE);
	atomic_fetch_or(&target->control.header->attention, CONTROL_ATTENTION_GATES);
}

/* -- while both go on ----------------------------------------------------------------------------------------------------------- */

bool twin_listen(struct debug_twin *twin)
{
	struct twin_work *work = twin->work;
	bool has_any = false;
	for (int side = 0; side < TWIN_SIDES; side++) {
		struct debugger *debugger = work->sides[side];
		has_any = debugger_listen(debugger) || has_any;
		work->is_live[side] = debugger->state != DEBUG_ENDED && debugger->target.is_live;
	}
	if (atomic_exchange(&twin->a->is_interrupted, 0))
		work->is_interrupted = true;
	return has_any && !work->is_interrupted && !work->is_out_of_memory;
}

int twin_tell_end(struct debug_twin *twin, enum twin_side side, uint32_t node, uint64_t execution, struct error *error)
{
	struct debugger *debugger = twin->work->sides[side], *other = twin->work->sides[twin_other(side)];
	static const struct timespec turn = { .tv_nsec = END_TURN_NS };
	for (int i = 0; i < END_TURNS && debugger_listen(debugger); i++)
		nanosleep(&turn, NULL);
	const char *text = strbuf_text(&debugger->halt.text);
	return error_set(error, STATUS_NOT_COMPARABLE, "twin: the %s run ended before the %s one, which came to '%s' of execution %llu%s%.*s",
		twin_side_word(twin, side), twin_side_word(twin, twin_other(side)), debug_node_name(debugger_program(other), node),
		(unsigned long long)execution, *text ? ": " : "", (int)strcspn(text, "\n"), text);
}

/* -- halting ------------------------------------------------------------------------------------------------------------------ */

/* A run that is about to end is waited for, others stand still afterwards: at the node that differs, if there is one. */
static void halt(struct debug_twin *twin, enum twin_side side)
{
	static const struct timespec turn = { .tv_nsec = END_TURN_NS };
	struct twin_work *work = twin->work;
	struct debugger *debugger = work->sides[side];
	struct strbuf text = STRBUF_INIT;
	enum debug_reason reason = work->is_interrupted ? DEBUG_REASON_INTERRUPT : DEBUG_REASON_STEP;
	uint32_t worker = twin->has_diverged && !twin->options.by_digests ? work->candidate_workers[side] : PROGRAM_NONE;
	if (debugger->state == DEBUG_HALTED && debugger_listen(debugger) && debugger->target.is_live) {
		if (twin->has_diverged)
			strbuf_addf(&text, "twin: stopped at the first divergence: '%s', execution %llu\n",
				debug_node_name(debugger_program(twin->a), twin->divergence.node), (unsigned long long)twin->divergence.execution);
		debugger_halt(debugger, worker, reason, strbuf_text(&text));
		settle(twin, debugger);
	}
	for (int i = 0; i < END_TURNS && debugger->state == DEBUG_HALTED && !debugger->target.is_live && debugger_listen(debugger); i++)
		nanosleep(&turn, NULL);
	strbuf_finish(&text);
}

static void begin(struct debug_twin *twin)
{
	struct twin_work *work = twin->work;
	uint64_t a = first_untouched(twin->a), b = first_untouched(twin->b);
	twin_forget_executions(work);
	work->from = work->first = a > b ? a : b;
	work->has_candidate = work->is_interrupted = work->is_out_of_memory = false;
	work->n_still = 0;
	for (int side = 0; side < TWIN_SIDES; side++) {
		work->is_live[side] = true;
		work->is_throttled[side] = false;
		work->newest[side] = 0;
	}
	twin->has_diverged = false;
}

int debug_twin_run(struct debug_twin *twin, struct error *error)
{
	struct twin_work *work = twin->work;
	int status = start(twin, twin->a, error);
	if (status == STATUS_OK)
		status = start(twin, twin->b, error);
	if (status == STATUS_OK)
		status = twin_match(twin, twin->options.skipped, error);
	if (status != STATUS_OK)
		return status;
	begin(twin);
	status = twin->options.by_digests ? twin_digests(twin, error) : twin_lockstep(twin, error);
	twin->has_diverged = work->has_candidate;
	if (work->has_candidate)
		twin->divergence = work->candidate;
	halt(twin, TWIN_A);
	halt(twin, TWIN_B);
	if (status == STATUS_OK && work->is_out_of_memory)
		status = error_set(error, STATUS_NO_MEMORY, "twin: out of memory");
	return status;
}
