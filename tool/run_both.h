/* SPDX-License-Identifier: Apache-2.0
 *
 * run_both: the two modes side by side: blocks of executions in turn, so that a drift of the machine meets both alike, and every execution's
 * outputs compared bit for bit.
 */
#ifndef TANDEM_TOOL_RUN_BOTH_H
#define TANDEM_TOOL_RUN_BOTH_H

#include "engine/base/strbuf.h"
#include "tool/run_loop.h"

#define RUN_BOTH_BLOCKS 10

/* Carries out all executions of the two started loops (named by the two `names`), a tenth at a time; who begins changes with each
 * block. Differences are appended to `out`, the first few as lines "execution 3, output 'y' [17]: 1.5 compiled, 1.25 interpreted";
 * *ret_n_different counts executions. Values are named as far as the outputs of a block fit into RUN_BOTH_KEEP_BYTES; beyond, digests
 * are compared. Returns as run_loop_until. */
int run_both(struct run_loop *loops, const char *const *names, struct strbuf *out, uint64_t *ret_n_different, struct error *error);

#define RUN_BOTH_KEEP_BYTES (UINT64_C(256) << 20)

#endif
