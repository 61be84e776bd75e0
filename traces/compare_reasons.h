/* SPDX-License-Identifier: Apache-2.0
 *
 * compare_reasons: why a comparison of two runs would mislead, and what differs between them that a reader should know.
 */
#ifndef TANDEM_TRACES_COMPARE_REASONS_H
#define TANDEM_TRACES_COMPARE_REASONS_H

#include <stdbool.h>

#include "engine/base/error.h"
#include "traces/align.h"

#define COMPARE_REASONS_MAX 24
#define COMPARE_PAIRS_LEAST 5 /* fewer executions say nothing about noise */

struct compare_reason {
	bool is_refusal; /* else a note */
	char text[240];  /* a phrase without a full stop; names in it are as in the file, not made printable */
};

struct compare_reasons {
	struct compare_reason items[COMPARE_REASONS_MAX];
	int n_items, n_refusals;
};

/* Fills `ret_reasons` with all that apply. */
int compare_reasons_find(const struct align *align, struct error *error, struct compare_reasons *ret_reasons);

#endif
