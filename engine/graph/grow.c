/* SPDX-License-Identifier: Apache-2.0
 *
 * grow: arrays whose capacity follows from their count.
 */
#include "engine/graph/grow.h"

#include <stdlib.h>
#include <string.h>

#define GROW_FIRST 4

bool grow_array(void *items_ptr, int n_items, size_t item_bytes)
{
	bool is_full = n_items == 0 || (n_items >= GROW_FIRST && (n_items & (n_items - 1)) == 0);
	if (!is_full)
		return true;
	size_t capacity = n_items ? (size_t)n_items * 2 : GROW_FIRST;
	void *items;
	memcpy(&items, items_ptr, sizeof(items));
	items = realloc(items, capacity * item_bytes);
	if (!items)
		return false;
	memcpy(items_ptr, &items, sizeof(items));
	return true;
}
