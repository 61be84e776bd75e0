/* SPDX-License-Identifier: Apache-2.0
 *
 * bench_program: the program that the benches of this folder record: a chain of nodes "layer0", "layer1", … in equal parts over workers
 * "w0", "w1", …. Nothing of it is ever run.
 */
#ifndef TANDEM_TRACES_BENCH_PROGRAM_H
#define TANDEM_TRACES_BENCH_PROGRAM_H

#include "engine/base/error.h"
#include "engine/run/program.h"

/* On success the caller closes *ret_fd, and ret_program with program_close. */
int bench_program_make(int n_workers, int n_nodes, struct error *error, int *ret_fd, struct program *ret_program);

#endif
