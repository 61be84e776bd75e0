/* SPDX-License-Identifier: Apache-2.0
 *
 * stack: a crashed worker's stack for people. What was left behind are addresses (engine/run/gate.h); functions, files and lines come from the
 * modules' files, if these are still there and the same build.
 */
#ifndef TANDEM_ENGINE_DEBUG_STACK_H
#define TANDEM_ENGINE_DEBUG_STACK_H

#include "engine/base/strbuf.h"

/* Appends a line a frame: "#0  find_row at rows.c:42 (module.so)", or as much of that as is known: "#4  tandem+0x2025d". Then a line for each
 * module of which less is known than could be: why. `stack` is struct gate_frozen's text. It may come from a stranger: only regular files are
 * opened, and nothing is looked for elsewhere. */
void debug_stack_describe(const char *stack, struct strbuf *out);

#endif
