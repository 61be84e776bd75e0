/* SPDX-License-Identifier: Apache-2.0
 *
 * attribute: which attributes a graph file may carry, and where. The reserved ones mean something to tandem; those of
 * Graphviz that only concern drawing are ignored; any other is a mistake.
 */
#ifndef TANDEM_ENGINE_GRAPH_ATTRIBUTE_H
#define TANDEM_ENGINE_GRAPH_ATTRIBUTE_H

#include <stdbool.h>

#include "engine/graph/mistakes.h"
#include "engine/graph/op.h"

enum attribute_place {
	ATTRIBUTE_GRAPH = 1 << 0,
	ATTRIBUTE_SUBGRAPH = 1 << 1, /* one that is no cluster */
	ATTRIBUTE_CLUSTER = 1 << 2,
	ATTRIBUTE_NODE = 1 << 3,
	ATTRIBUTE_EDGE = 1 << 4,
	ATTRIBUTE_INPUT = 1 << 5,    /* the reserved nodes */
	ATTRIBUTE_OUTPUT = 1 << 6,
};

bool attribute_is_reserved(const char *name, enum attribute_place place);

/* True for attributes of Graphviz that `dot` and its siblings take at this place. */
bool attribute_is_drawing(const char *name, enum attribute_place place);

/* Adds the mistake "unknown attribute …" with what was probably meant: the place where a reserved attribute belongs, or the
 * nearest name among the reserved ones of this place and the parameters of `op` (may be NULL). */
void attribute_complain(struct mistakes *mistakes, int line, const char *node, const char *name, enum attribute_place place,
	const struct op *op);

#endif
