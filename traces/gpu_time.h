/* SPDX-License-Identifier: Apache-2.0
 *
 * gpu_time: the kinds into which a device's time is divided, in order of precedence: each instant is of exactly one, so that they sum to 100 %.
 * doc/device-time.md has the definitions with worked cases.
 */
#ifndef TANDEM_TRACES_GPU_TIME_H
#define TANDEM_TRACES_GPU_TIME_H

/* X(NAME, word, phrase). Busy first; idle from DEPENDENCY on, by what the device's next work waited for. */
#define GPU_TIME_MAP(X)                                                                              \
	X(COMPUTE, "compute", "a kernel that is no collective ran")                                  \
	X(COLLECTIVE, "collective", "only collectives (and copies), moving data")                    \
	X(LATE_RANK, "late_rank", "only collectives, waiting for a rank that came later")            \
	X(COPY, "copy", "only copies or memsets")                                                    \
	X(GRAPH, "graph", "only launches of graphs recorded as a whole: busy, nothing known inside") \
	X(DEPENDENCY, "dependency", "launched, waiting for an event or for a node of its graph")     \
	X(PROFILER, "profiler", "the profiler's own work on the host")                               \
	X(HOST_MODULE, "host_module", "not yet launched: modules loaded, code compiled")             \
	X(HOST_QUEUE, "host_queue_full", "not yet launched: the launch queue was full")              \
	X(HOST_SYNC, "host_sync", "not yet launched: the thread sat in a synchronise call")          \
	X(HOST_ALLOCATE, "host_allocate", "not yet launched: memory allocated or freed")             \
	X(HOST_COPY, "host_copy", "not yet launched: in a copy or memset call")                      \
	X(HOST_LAUNCH, "host_launch", "not yet launched: in launch calls")                           \
	X(HOST_API, "host_api", "not yet launched: in other calls of the device's interface")        \
	X(HOST_CODE, "host_code", "not yet launched: in recorded operators, functions, ranges")      \
	X(HOST_OTHER, "host_other", "not yet launched: the thread recorded nothing")                 \
	X(LATENCY, "launch_latency", "launched and not yet running for less than the threshold")     \
	X(HEAD, "head", "before the first work of the device")                                       \
	X(TAIL, "tail", "after the last work of the device")                                         \
	X(UNKNOWN, "unknown", "nothing tells")

enum gpu_time {
#define X(name, word, phrase) GPU_TIME_##name,
	GPU_TIME_MAP(X)
#undef X
	GPU_TIME_COUNT,
	GPU_TIME_BUSY_END = GPU_TIME_DEPENDENCY, /* kinds before are busy */
};

const char *gpu_time_word(enum gpu_time kind);

#endif
