/* SPDX-License-Identifier: Apache-2.0
 *
 * origin: where a value came from: the tree of inputs that it was computed from, back to the graph's input and the files
 * that ops read.
 */
#ifndef TANDEM_ENGINE_DEBUG_ORIGIN_H
#define TANDEM_ENGINE_DEBUG_ORIGIN_H

#include "engine/debug/expression.h"

#define DEBUG_ORIGIN_DEPTH_MAX 1000

/* Appends a line for the value and, indented below it, for each value that it was computed from, at most `depth` levels:
 * name, op with its parameters, type, where it is held, statistics; what is not held any more is named all the same. A
 * value that occurs twice is explained once. `execution` is the current one, as for debug_reference_read. STATUS_INPUT
 * when the reference names nothing. */
int debug_origin(struct debug_target *target, const struct debug_reference *reference, uint64_t execution, int depth,
	struct strbuf *out,
	struct error *error);

#endif
