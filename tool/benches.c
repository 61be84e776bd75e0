/* SPDX-License-Identifier: Apache-2.0
 *
 * benches: the list of all benches.
 */
#include <stddef.h>

#include "tool/bench.h"

const struct bench *const benches[] = {
	NULL,
};
