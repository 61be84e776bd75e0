/* SPDX-License-Identifier: Apache-2.0
 *
 * anonymise: a trace without names (doc/trace-care.md): hosts, users, command lines, processes, files, graph text, nodes,
 * workers, annotations, kernels, messages get consistent pseudonyms or are dropped; times, sizes, shapes, links and
 * structure stay. What was saved of crashed runs is dropped.
 */
#ifndef TANDEM_TRACES_ANONYMISE_H
#define TANDEM_TRACES_ANONYMISE_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/base/error.h"

struct anonymise_options {
	bool keeps_kernels; /* names of kernels, and ops of graphs */
	const volatile sig_atomic_t *interrupt; /* may be NULL */
};

struct anonymise_result {
	int64_t n_renamed, n_kept; /* texts of spans, counters and arguments */
	int64_t n_dropped;         /* what was saved of runs that went wrong */
};

/* Makes `into` from `from`; nothing of the old names is in its bytes. */
int anonymise_trace(const char *from, const char *into, const struct anonymise_options *options, struct error *error,
	struct anonymise_result *ret_result);

#endif
