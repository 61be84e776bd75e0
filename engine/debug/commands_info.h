/* SPDX-License-Identifier: Apache-2.0
 *
 * commands_info: the functions behind `info WORD`.
 */
#ifndef TANDEM_ENGINE_DEBUG_COMMANDS_INFO_H
#define TANDEM_ENGINE_DEBUG_COMMANDS_INFO_H

#include "engine/debug/commands.h"

/* X(name): `history` is the command's own function. */
#define COMMANDS_INFO_MAP(X) \
	X(workers) X(nodes) X(node) X(channels) X(executions) X(stops) X(display) X(graph) X(run) X(stack)
#define X(name) \
	int commands_info_##name(struct debug_context *context, const char *rest, struct strbuf *out, struct error *error);
COMMANDS_INFO_MAP(X)
#undef X

#endif
