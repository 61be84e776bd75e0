/* SPDX-License-Identifier: Apache-2.0
 *
 * benches: the list of all benches.
 */
#include <stddef.h>

#include "tool/bench_chain.h"

const struct bench *const benches[] = {
	&bench_hop,
	&bench_chain_latency,
	&bench_copy,
	&bench_throughput,
	&bench_dispatch,
	&bench_idle,
	&bench_record,
	&bench_gate,
	&bench_import,
	&bench_report,
	&bench_view,
	NULL,
};
