/* SPDX-License-Identifier: Apache-2.0
 *
 * substitute: $NAME and ${NAME} in attribute values become the values of settings (`--set NAME=VALUE`); $$ is a dollar.
 */
#ifndef TANDEM_ENGINE_GRAPH_SUBSTITUTE_H
#define TANDEM_ENGINE_GRAPH_SUBSTITUTE_H

#include <stdbool.h>

#include "engine/base/strbuf.h"
#include "engine/graph/graph_dot.h"
#include "engine/graph/mistakes.h"

struct substitution {
	const struct graph_settings *settings; /* may be NULL: none */
	char **names;                          /* every name that a value asked for */
	int n_names;
};

void substitution_init(struct substitution *substitution, const struct graph_settings *settings);
void substitution_finish(struct substitution *substitution);

/* Appends `value` with its names replaced to `out`. Returns true when everything was found; otherwise `problem` gets the
 * sentence for the first name that was not, or for a $ without a name. */
bool substitute(struct substitution *substitution, const char *value, struct strbuf *out, struct strbuf *problem);

/* A mistake (without line) for each setting that no value asked for. */
void substitution_report_unused(const struct substitution *substitution, struct mistakes *mistakes);

#endif
