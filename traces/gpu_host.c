/* SPDX-License-Identifier: Apache-2.0
 *
 * gpu_host: keeping, forgetting, and the sweep that divides a stretch of time.
 */
#include "traces/gpu_host.h"

#include <stdlib.h>

#define FIRST_CAPACITY 64

static int out_of_memory(struct error *error)
{
	return error_set(error, STATUS_NO_MEMORY, "no memory for what the threads of this trace did");
}

static void forget(struct gpu_host *host, int64_t horizon_ns)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < host->n; i++) {
		if (host->spans[i].end_ns > horizon_ns)
			host->spans[n++] = host->spans[i];
	}
	host->n = n;
}

/* Grows only when more than half of what is there is still wanted, so that looking through it stays short. */
static int make_room(struct gpu_host *host, int64_t horizon_ns, uint32_t n_max, int64_t now_ns, struct error *error)
{
	if (host->n < host->capacity)
		return STATUS_OK;
	forget(host, horizon_ns);
	if (host->n >= n_max) {
		host->n = 0;
		host->forgotten_ns = now_ns;
	}
	if (host->n * 2 < host->capacity)
		return STATUS_OK;
	uint32_t capacity = host->capacity ? host->capacity * 2 : FIRST_CAPACITY;
	struct gpu_host_span *spans = realloc(host->spans, capacity * sizeof *spans);
	if (!spans)
		return out_of_memory(error);
	host->spans = spans;
	host->capacity = capacity;
	return STATUS_OK;
}

int gpu_host_add(struct gpu_host *host, const struct gpu_host_span *span, int64_t horizon_ns, uint32_t n_max, struct error *error)
{
	if (span->end_ns <= span->start_ns || span->end_ns <= horizon_ns)
		return STATUS_OK;
	int status = make_room(host, horizon_ns, n_max, span->start_ns, error);
	if (status == STATUS_OK)
		host->spans[host->n++] = *span;
	return status;
}

/* -- dividing --------------------------------------------------------------------------------------------------------------- */

static int add_edges(struct gpu_host_scratch *scratch, int64_t start_ns, int64_t end_ns, int kind, struct error *error)
{
	if (scratch->n + 2 > scratch->capacity) {
		uint32_t capacity = scratch->capacity ? scratch->capacity * 2 : FIRST_CAPACITY;
		struct gpu_host_edge *edges = realloc(scratch->edges, capacity * sizeof *edges);
		if (!edges)
			return out_of_memory(error);
		scratch->edges = edges;
		scratch->capacity = capacity;
	}
	scratch->edges[scratch->n++] = (struct gpu_host_edge){ start_ns, kind, 1 };
	scratch->edges[scratch->n++] = (struct gpu_host_edge){ end_ns, kind, -1 };
	return STATUS_OK;
}

static int collect(const struct gpu_host *host, int64_t a, int64_t b, struct gpu_host_scratch *scratch, struct error *error)
{
	int status = STATUS_OK;
	for (uint32_t i = 0; host && i < host->n && status == STATUS_OK; i++) {
		const struct gpu_host_span *span = &host->spans[i];
		if (span->start_ns >= b)
			break;
		if (span->end_ns > a)
			status = add_edges(scratch, span->start_ns > a ? span->start_ns : a, span->end_ns < b ? span->end_ns : b, span->kind, error);
	}
	return status;
}

static int compare_edges(const void *a, const void *b)
{
	const struct gpu_host_edge *x = a, *y = b;
	return (x->ns > y->ns) - (x->ns < y->ns);
}

static enum gpu_time first_open(const int *open)
{
	int kind = GPU_TIME_PROFILER;
	while (kind < GPU_TIME_HOST_OTHER && !open[kind])
		kind++;
	return (enum gpu_time)kind;
}

static int64_t last_forgotten(const struct gpu_host *thread, const struct gpu_host *overhead, int64_t a, int64_t b)
{
	if (thread && thread->forgotten_ns > a)
		a = thread->forgotten_ns;
	if (overhead && overhead->forgotten_ns > a)
		a = overhead->forgotten_ns;
	return a < b ? a : b;
}

int gpu_host_divide(const struct gpu_host *thread, const struct gpu_host *overhead, int64_t a, int64_t b, struct gpu_host_scratch *scratch,
	gpu_host_piece_fn *piece, void *user, struct error *error)
{
	int open[GPU_TIME_COUNT] = { 0 };
	int64_t forgotten_ns = last_forgotten(thread, overhead, a, b);
	if (forgotten_ns > a)
		piece(user, a, forgotten_ns, GPU_TIME_UNKNOWN);
	a = forgotten_ns;
	scratch->n = 0;
	int status = a < b ? collect(thread, a, b, scratch, error) : STATUS_OK;
	if (status == STATUS_OK && a < b)
		status = collect(overhead, a, b, scratch, error);
	if (status != STATUS_OK)
		return status;
	if (scratch->n)
		qsort(scratch->edges, scratch->n, sizeof *scratch->edges, compare_edges);
	for (uint32_t i = 0; i < scratch->n; i++) {
		const struct gpu_host_edge *edge = &scratch->edges[i];
		if (edge->ns > a)
			piece(user, a, edge->ns, first_open(open));
		a = edge->ns;
		open[edge->kind] += edge->step;
	}
	if (b > a)
		piece(user, a, b, GPU_TIME_HOST_OTHER);
	return STATUS_OK;
}

void gpu_host_finish(struct gpu_host *host)
{
	free(host->spans);
	*host = (struct gpu_host){ 0 };
}
