/* SPDX-License-Identifier: Apache-2.0
 *
 * plan_heap: a binary heap of small integers under 64-bit keys, smallest key first. Equal keys come out in no stated order,
 * so callers that must be deterministic use distinct keys.
 */
#ifndef TANDEM_ENGINE_GRAPH_PLAN_HEAP_H
#define TANDEM_ENGINE_GRAPH_PLAN_HEAP_H

#include <stdbool.h>
#include <stdint.h>

struct plan_heap {
	struct plan_heap_entry {
		int64_t key;
		int item;
	} *entries;
	int n, capacity;
};

#define PLAN_HEAP_INIT { 0 }

/* Returns false when memory is out; the heap is then unchanged. */
bool plan_heap_push(struct plan_heap *heap, int64_t key, int item);
/* Removes the entry with the smallest key and returns its item. The heap must not be empty. */
int plan_heap_pop(struct plan_heap *heap);
/* The smallest key. The heap must not be empty. */
int64_t plan_heap_least(const struct plan_heap *heap);
void plan_heap_finish(struct plan_heap *heap);

#endif
