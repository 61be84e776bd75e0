/* SPDX-License-Identifier: Apache-2.0
 *
 * trials: how many of its cases a test takes, where they are random or cost much; those that matter most come first. All of them, unless
 * $TANDEM_TRIALS_PERCENT says a part: tests/run.sh does without --full.
 */
#ifndef TANDEM_TESTS_SUPPORT_TRIALS_H
#define TANDEM_TESTS_SUPPORT_TRIALS_H

#include <stdlib.h>

/* That part of `n` cases, rounded up. */
static inline int trials(int n)
{
	const char *text = getenv("TANDEM_TRIALS_PERCENT");
	int percent = text ? atoi(text) : 100;
	return percent <= 0 || percent >= 100 ? n : (int)(((long long)n * percent + 99) / 100);
}

#endif
