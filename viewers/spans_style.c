/* SPDX-License-Identifier: Apache-2.0
 *
 * spans_style: what kinds of time look like and are called: tables, of runs and of imported traces.
 */
#include <stdio.h>

#include "engine/base/attributes.h"
#include "traces/timeline_import.h"
#include "viewers/kernel_name.h"
#include "viewers/spans.h"

/* X(PHASE, colour, texture, class, title) */
#define SPANS_PHASE_MAP(X)                                                   \
	X(UNKNOWN, IDLE, 0x3f, OTHER, "unknown")                             \
	X(COMPUTE, COMPUTE, 0x2588, WORK, "compute")                         \
	X(READ, MOVE, 0x2593, WORK, "read")                                  \
	X(WRITE, MOVE, 0x2593, WORK, "write")                                \
	X(COLLECTIVE, COLLECTIVE, 0x2588, WORK, "collective")                \
	X(STARVED, STARVED, 0x2591, STALL, "starved")                        \
	X(BACKPRESSURE, BACKPRESSURE, 0x2592, STALL, "backpressure")         \
	X(LATE_RANK, LATE_RANK, 0x254c, STALL, "late rank")                  \
	X(DISPATCH, OVERHEAD, 0x259e, WORK, "dispatch")                      \
	X(ALLOCATE, OVERHEAD, 0x259e, WORK, "allocate")                      \
	X(SERIALISE, MOVE, 0x2593, WORK, "serialise")                        \
	X(FETCH, MOVE, 0x2593, WORK, "fetch")                                \
	X(LAUNCH, OVERHEAD, 0x259e, WORK, "launch")                          \
	X(SYNC, OVERHEAD, 0x259e, WORK, "sync")                              \
	X(DEBUG, OVERHEAD, 0x259e, WORK, "debug")                            \
	X(RECORDER, OVERHEAD, 0x259e, WORK, "recorder")                      \
	X(LIMIT, IDLE, 0xb7, STALL, "limit")                                 \
	X(IDLE, IDLE, 0xb7, OTHER, "idle")

/* X(PHASE, colour, texture, title, meaning): as which phases other tools' spans are drawn stands in traces/lod_build.c. */
#define SPANS_IMPORTED_MAP(X)                                                                          \
	X(COMPUTE, COMPUTE, 0x2588, "kernel", "and whole graphs")                                      \
	X(COLLECTIVE, COLLECTIVE, 0x2588, "collective kernel", "NCCL, RCCL")                           \
	X(READ, MOVE, 0x2593, "copy", "on a device, and the call for one")                             \
	X(WRITE, MOVE, 0x259a, "memset", NULL)                                                         \
	X(FETCH, BACKPRESSURE, 0x2588, "annotation", "operators, functions, ranges")                   \
	X(LAUNCH, OVERHEAD, 0x259e, "launch call", "of a kernel or a graph")                           \
	X(SYNC, STARVED, 0x2591, "sync", "the host, or a stream, waits")                               \
	X(ALLOCATE, OVERHEAD, 0x2592, "memory call", NULL)                                             \
	X(SERIALISE, OVERHEAD, 0x2592, "module call", NULL)                                            \
	X(DISPATCH, OVERHEAD, 0x259a, "other call", "of the device's interface")                       \
	X(RECORDER, IDLE, 0x259e, "profiler", "its own work")

enum spans_class { SPANS_OTHER, SPANS_WORK, SPANS_STALL };

struct spans_style {
	enum colour colour;
	uint32_t texture;
	enum spans_class class;
	const char *title, *meaning;
};

static const struct spans_style styles[PHASE_COUNT] = {
#define X(name, colour, texture, class, title) [PHASE_##name] = { COLOUR_##colour, texture, SPANS_##class, title, NULL },
	SPANS_PHASE_MAP(X)
#undef X
};

static const struct spans_style imported_styles[PHASE_COUNT] = {
#define X(name, colour, texture, title, meaning) [PHASE_##name] = { COLOUR_##colour, texture, SPANS_WORK, title, meaning },
	SPANS_IMPORTED_MAP(X)
#undef X
};

static const struct spans_style *style_in(const struct timeline *timeline, enum phase phase)
{
	return timeline->is_imported && imported_styles[phase].title ? &imported_styles[phase] : &styles[phase];
}

enum colour spans_colour(enum phase phase)
{
	return styles[phase].colour;
}

enum colour spans_colour_in(const struct timeline *timeline, enum phase phase)
{
	return style_in(timeline, phase)->colour;
}

uint32_t spans_texture(enum phase phase)
{
	return styles[phase].texture;
}

uint32_t spans_texture_in(const struct timeline *timeline, enum phase phase)
{
	return style_in(timeline, phase)->texture;
}

const char *spans_phase_title(enum phase phase)
{
	return styles[phase].title;
}

const char *spans_title_in(const struct timeline *timeline, enum phase phase)
{
	return style_in(timeline, phase)->title;
}

const char *spans_imported_meaning(enum phase phase)
{
	const struct spans_style *style = &imported_styles[phase];
	return style->title && !style->meaning ? "" : style->meaning;
}

bool spans_is_work(enum phase phase)
{
	return styles[phase].class == SPANS_WORK;
}

bool spans_is_stall(enum phase phase)
{
	return styles[phase].class == SPANS_STALL;
}

int64_t spans_sum_work(const int64_t ns[PHASE_COUNT])
{
	int64_t sum_ns = 0;
	for (int phase = 0; phase < PHASE_COUNT; phase++)
		sum_ns += spans_is_work((enum phase)phase) ? ns[phase] : 0;
	return sum_ns;
}

static const char *kind_name(int kind)
{
	if (kind >= 0 && kind < PHASE_COUNT)
		return spans_phase_title((enum phase)kind);
	switch (kind) {
#define X(name, number, word) case number: return word;
	SPAN_KIND_MAP(X)
	SPAN_KIND_MORE_MAP(X)
#undef X
	default: return "span";
	}
}

void spans_name(struct timeline *timeline, const struct timeline_span *span, char *text, size_t size)
{
	const char *name = span->node != TIMELINE_NONE ? timeline->nodes[span->node].name
		: timeline_text(timeline, timeline_whole_name(timeline, span));
	if (span->node == TIMELINE_NONE && *name && span->kind == SPAN_KIND_KERNEL)
		kernel_name_short(name, text, size);
	else if (span->node == TIMELINE_NONE && *name)
		kernel_name_function(name, text, size);
	else
		snprintf(text, size, "%s", *name ? name : kind_name(span->kind));
}
