/* SPDX-License-Identifier: Apache-2.0
 *
 * merge: the runs of one trace moved into another, for runs that were recorded at the same time by two collectors.
 */
#ifndef TANDEM_TRACES_MERGE_H
#define TANDEM_TRACES_MERGE_H

#include <signal.h>

#include "engine/base/error.h"

/* Adds all runs of the trace `from`, numbered behind those of `into`, to the trace `into`. Both are finished traces of this version and
 * are not open elsewhere. In one transaction: on failure `into` is as before. `from` is left as it is. */
int merge_traces(const char *into, const char *from, struct error *error);

/* A new trace `into` with the runs of all files side by side, numbered on; the first file gives what is said of the file as
 * a whole. STATUS_INPUT when `into` exists and is no trace, or is one of the files. `interrupt` may be NULL. */
int merge_files(const char *const *files, int n_files, const char *into, const volatile sig_atomic_t *interrupt, struct error *error);

#endif
