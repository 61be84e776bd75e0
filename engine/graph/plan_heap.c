/* SPDX-License-Identifier: Apache-2.0
 *
 * plan_heap: an array-backed binary heap.
 */
#include "engine/graph/plan_heap.h"

#include <assert.h>
#include <stdlib.h>

bool plan_heap_push(struct plan_heap *heap, int64_t key, int item)
{
	if (heap->n == heap->capacity) {
		int capacity = heap->capacity ? heap->capacity * 2 : 64;
		struct plan_heap_entry *entries = realloc(heap->entries, (size_t)capacity * sizeof *entries);
		if (!entries)
			return false;
		heap->entries = entries;
		heap->capacity = capacity;
	}
	int at = heap->n++;
	while (at > 0 && heap->entries[(at - 1) / 2].key > key) {
		heap->entries[at] = heap->entries[(at - 1) / 2];
		at = (at - 1) / 2;
	}
	heap->entries[at] = (struct plan_heap_entry){ .key = key, .item = item };
	return true;
}

int plan_heap_pop(struct plan_heap *heap)
{
	assert(heap->n > 0);
	int item = heap->entries[0].item;
	struct plan_heap_entry last = heap->entries[--heap->n];
	int at = 0;
	for (;;) {
		int child = 2 * at + 1;
		if (child >= heap->n)
			break;
		if (child + 1 < heap->n && heap->entries[child + 1].key < heap->entries[child].key)
			child++;
		if (last.key <= heap->entries[child].key)
			break;
		heap->entries[at] = heap->entries[child];
		at = child;
	}
	heap->entries[at] = last;
	return item;
}

int64_t plan_heap_least(const struct plan_heap *heap)
{
	assert(heap->n > 0);
	return heap->entries[0].key;
}

void plan_heap_finish(struct plan_heap *heap)
{
	free(heap->entries);
	*heap = (struct plan_heap)PLAN_HEAP_INIT;
}
