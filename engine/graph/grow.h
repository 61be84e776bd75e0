/* SPDX-License-Identifier: Apache-2.0
 *
 * grow: room for one more item in an array that is only ever appended to.
 */
#ifndef TANDEM_ENGINE_GRAPH_GROW_H
#define TANDEM_ENGINE_GRAPH_GROW_H

#include <stdbool.h>
#include <stddef.h>

/* `*items_ptr` is an array (NULL when empty) of `n_items` that was grown by this function alone; afterwards it has room for
 * one more. The capacity follows from the count: 4, then doubling. False when memory is out; the array is as before. */
bool grow_array(void *items_ptr, int n_items, size_t item_bytes);

#endif
