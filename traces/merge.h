/* SPDX-License-Identifier: Apache-2.0
 *
 * merge: the runs of one trace moved into another, for runs that were recorded at the same time by two collectors.
 */
#ifndef TANDEM_TRACES_MERGE_H
#define TANDEM_TRACES_MERGE_H

#include "engine/base/error.h"

/* Adds all runs of the trace `from`, numbered behind those of `into`, to the trace `into`. Both are finished traces of this version and
 * are not open elsewhere. In one transaction: on failure `into` is as before. `from` is left as it is. */
int merge_traces(const char *into, const char *from, struct error *error);

#endif
