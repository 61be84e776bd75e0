/* SPDX-License-Identifier: Apache-2.0
 *
 * check_graph: the half of `tandem check` that looks at graphs, and the list of ops.
 */
#ifndef TANDEM_TOOL_CHECK_GRAPH_H
#define TANDEM_TOOL_CHECK_GRAPH_H

#include <stdbool.h>

#include "tool/options.h"

/* Prints what would be run and allocated, or every mistake. Starts nothing and runs no op. Returns the exit status. */
int check_graph(const char *file, const struct option_list *settings, const struct option_list *modules, int in_flight, bool is_json);

/* Prints the built-in ops and those of modules with their inputs and parameters. */
int check_list_ops(const struct option_list *modules, bool is_json);

#endif
