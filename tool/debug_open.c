/* SPDX-License-Identifier: Apache-2.0
 *
 * debug_open: what stands before the first command.
 */
#include "tool/debug_open.h"

#include <inttypes.h>
#include <string.h>

#include "engine/base/units.h"
#include "tool/command.h"
#include "traces/postmortem.h"

#define ATTACH_LIMIT_NS INT64_C(5000000000) /* for a run that has only just been started */

static int fail(struct error *error)
{
	error_prefix(error, "debug");
	return tool_fail(error);
}

static int create(struct debug_face *face, const struct debugger_options *options)
{
	struct error error = { 0 };
	struct debugger *debugger = NULL;
	if (debugger_create(options, &error, &debugger) != STATUS_OK)
		return fail(&error);
	debug_face_use(face, debugger);
	return TOOL_EXIT_DONE;
}

static int save_state(void *user, const char *file, struct strbuf *out, struct error *error)
{
	const struct debug_face *face = user;
	const struct debug_target *target = &face->context.debugger->target;
	if (!target->program.header || target->fds[POSTMORTEM_CONTROL] < 0)
		return error_set(error, STATUS_USAGE, "what is looked at comes from a file; copy that");
	int status = postmortem_write_file(file, target->fds, POSTMORTEM_LIMIT_BYTES_DEFAULT, error);
	if (status == STATUS_OK)
		strbuf_addf(out, "saved; tandem debug %s opens it\n", file);
	return status;
}

/* -- a graph ------------------------------------------------------------------------------------------------------------------ */

static int describe_graph(const struct debug_graph *graph, const struct run_options *options)
{
	const struct graph *of = graph->loaded.graph;
	struct strbuf out = STRBUF_INIT;
	int n_nodes = of->n_nodes - 2, n_workers = of->n_workers - 1; /* without the ends, and the driver */
	strbuf_add_printable(&out, of->name);
	strbuf_addf(&out, ": %d node%s on %d worker%s, %s, %" PRId64 " execution%s; 'start' stops at the first input, 'run' at the first stop\n",
		n_nodes, n_nodes == 1 ? "" : "s", n_workers, n_workers == 1 ? "" : "s", run_option_modes[options->mode],
		options->executions, options->executions == 1 ? "" : "s");
	return tool_print(&out);
}

int debug_open_graph(struct debug_face *face, const char *file, const struct run_options *options, bool is_kept, struct debug_graph *graph)
{
	struct error error = { 0 };
	if (options->mode == RUN_OPTION_MODE_BOTH)
		return tool_failf(TOOL_EXIT_USAGE, "debug: one mode at a time; '--twin \"--mode interpreted\"' has the other beside it");
	if (load(file, &options->settings, &options->modules, (int)options->in_flight, &graph->loaded) != STATUS_OK)
		return load_fail(&graph->loaded, file);
	if (option_words_add(&graph->words, file, &error) != STATUS_OK)
		return fail(&error);
	const struct debugger_options debugger_options = {
		.plan = graph->loaded.plan,
		.seed = (uint64_t)options->seed,
		.run_arguments = (const char *const *)graph->words.items,
		.ends_run = !is_kept,
		.printed = debug_face_printed,
		.user = face,
	};
	face->context.save_state = save_state;
	face->context.user = face;
	int exit_status = create(face, &debugger_options);
	return exit_status ? exit_status : describe_graph(graph, options);
}

void debug_graph_finish(struct debug_graph *graph)
{
	load_finish(&graph->loaded);
	option_words_finish(&graph->words);
}

/* -- a run that goes on --------------------------------------------------------------------------------------------------------- */

int debug_open_attached(struct debug_face *face, int64_t pid)
{
	struct error error = { 0 };
	const struct debugger_options options = { .printed = debug_face_printed, .user = face };
	face->context.save_state = save_state;
	face->context.user = face;
	int exit_status = create(face, &options);
	if (exit_status)
		return exit_status;
	int status = debugger_attach(face->context.debugger, (pid_t)pid, ATTACH_LIMIT_NS, &error);
	if (status == STATUS_OK)
		status = debug_face_settle(face, &error);
	return status ? fail(&error) : TOOL_EXIT_DONE;
}

/* -- a saved state ---------------------------------------------------------------------------------------------------------------- */

static int refuse(const struct trace *trace, const struct postmortem *items, int n, int64_t wanted)
{
	if (n)
		return tool_failf(TOOL_EXIT_FAILED, "debug: %s has no post-mortem %" PRId64 "; it has 1 to %" PRId64, trace->file, wanted,
			items[n - 1].id);
	return tool_failf(TOOL_EXIT_FAILED, "debug: %s has %d run%s but no post-mortem, for nothing went wrong while it was recorded; "
		"'tandem view' and 'tandem report' show what happened", trace->file, trace->n_runs, trace->n_runs == 1 ? "" : "s");
}

static int describe_saved(const struct trace *trace, const struct postmortem *items, int n, int chosen)
{
	struct strbuf out = STRBUF_INIT;
	strbuf_add_printable(&out, trace->file);
	strbuf_addf(&out, ", run %" PRId64 ": ", items[chosen].run);
	postmortem_describe(&items[chosen], &out);
	if (n > 1)
		strbuf_addf(&out, "; post-mortem %" PRId64 " of %d, --postmortem N opens another", items[chosen].id, n);
	strbuf_add(&out, "\n");
	if (items[chosen].text && *items[chosen].text) {
		strbuf_add_printable(&out, items[chosen].text);
		strbuf_add(&out, "\n");
	}
	if (items[chosen].n_left_out) {
		char size[32];
		strbuf_addf(&out, "%s were not saved, for they were too much\n", units_bytes(items[chosen].n_left_out, size, sizeof size));
	}
	return tool_print(&out);
}

static int open_images(struct debug_face *face, struct trace *trace, int64_t id)
{
	struct error error = { 0 };
	struct debug_images images = { 0 };
	struct strbuf out = STRBUF_INIT;
	int status = postmortem_load(trace, id, &images, &error);
	if (status == STATUS_OK)
		status = debugger_open_images(face->context.debugger, &images, &error);
	postmortem_images_free(&images);
	if (status == STATUS_OK)
		status = debug_settle(&face->context, &out, &error);
	if (status == STATUS_OK)
		return tool_print(&out);
	strbuf_finish(&out);
	return fail(&error);
}

static int open_newest(struct debug_face *face, struct trace *trace, int64_t postmortem)
{
	struct error error = { 0 };
	struct postmortem *items = NULL;
	int n = 0, chosen = -1, exit_status = TOOL_EXIT_DONE;
	if (postmortems_list(trace, &items, &n, &error) != STATUS_OK)
		return fail(&error);
	for (int i = 0; i < n; i++) {
		if (postmortem ? items[i].id == postmortem : chosen < 0 || items[i].id > items[chosen].id)
			chosen = i;
	}
	if (chosen < 0)
		exit_status = refuse(trace, items, n, postmortem);
	if (!exit_status)
		exit_status = describe_saved(trace, items, n, chosen);
	if (!exit_status)
		exit_status = open_images(face, trace, items[chosen].id);
	postmortems_free(items, n);
	return exit_status;
}

int debug_open_saved(struct debug_face *face, const char *file, int64_t postmortem)
{
	struct error error = { 0 };
	struct trace *trace = NULL;
	const struct debugger_options options = { .printed = debug_face_printed, .user = face };
	if (trace_open(file, &error, &trace) != STATUS_OK)
		return tool_fail(&error);
	face->context.save_state = save_state;
	face->context.user = face;
	int exit_status = create(face, &options);
	if (!exit_status)
		exit_status = open_newest(face, trace, postmortem);
	trace_close(trace);
	return exit_status;
}
