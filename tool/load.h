/* SPDX-License-Identifier: Apache-2.0
 *
 * load: from a graph file on the command line to a checked plan, with every mistake told to the user.
 */
#ifndef TANDEM_TOOL_LOAD_H
#define TANDEM_TOOL_LOAD_H

#include "engine/api/registry.h"
#include "engine/graph/graph_dot.h"
#include "engine/graph/plan_check.h"
#include "tool/options.h"

/* What `--set NAME=VALUE …` says. */
struct load_settings {
	struct graph_setting *items;
	char **names; /* owned */
	int n_items;
};

/* STATUS_USAGE when a word is not NAME=VALUE. */
int load_settings_parse(const struct option_list *list, struct load_settings *ret_settings, struct error *error);
void load_settings_finish(struct load_settings *settings);

/* The built-in ops and those of the files that `--module FILE …` names. STATUS_USAGE when a file is no module; the registry is empty then. */
int load_modules(const struct option_list *modules, struct registry *ret_registry, struct error *error);

struct loaded {
	struct registry registry; /* what the graph's ops belong to */
	struct graph *graph;
	struct plan *plan;
	struct mistakes mistakes; /* of the graph */
	struct strbuf verdict;    /* why the plan was refused, or that it is live */
	struct error error;       /* one line: what failed; set unless everything is right */
};

/* Reads, checks and compiles `file`. Returns the status; `loaded` says the details and must be finished in either case. */
int load(const char *file, const struct option_list *settings, const struct option_list *modules, int in_flight, struct loaded *loaded);
void load_finish(struct loaded *loaded);

/* Prints what went wrong in `load` on stderr: mistakes, or the verdict, then the one line. Returns the exit status. */
int load_fail(const struct loaded *loaded, const char *file);

#endif
