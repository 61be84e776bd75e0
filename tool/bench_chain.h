/* SPDX-License-Identifier: Apache-2.0
 *
 * bench_chain: the benches of latency and throughput, of dispatching, of idling, of recording, of gates, of viewing, of importing, and
 * of reports.
 */
#ifndef TANDEM_TOOL_BENCH_CHAIN_H
#define TANDEM_TOOL_BENCH_CHAIN_H

#include "tool/bench.h"

extern const struct bench bench_hop, bench_chain_latency, bench_copy, bench_throughput, bench_idle, bench_record,
	bench_dispatch, bench_view, bench_gate, bench_import, bench_report;

#endif
