/* SPDX-License-Identifier: Apache-2.0
 *
 * gpu_map: a hash table from pairs of numbers to numbers, and one from texts.
 */
#ifndef TANDEM_TRACES_GPU_MAP_H
#define TANDEM_TRACES_GPU_MAP_H

#include <stdint.h>

struct gpu_map_slot {
	uint64_t a, b;
	uint32_t value;            /* the caller's number + 1; 0: new */
};
struct gpu_map {
	struct gpu_map_slot *slots; /* owned */
	uint32_t n_slots, n;
};

/* The slot of a pair. A new one has value 0, which the caller sets before the next call. NULL when memory is out. */
struct gpu_map_slot *gpu_map_find(struct gpu_map *map, uint64_t a, uint64_t b);
/* NULL when it is not there. */
const struct gpu_map_slot *gpu_map_look(const struct gpu_map *map, uint64_t a, uint64_t b);
void gpu_map_finish(struct gpu_map *map);
uint64_t gpu_map_mix(uint64_t a, uint64_t b);

struct gpu_texts {
	struct gpu_map map;
	char **texts;              /* owned; [n] */
	uint32_t n;
};

/* Equal texts give equal numbers, counted from 0; UINT32_MAX when memory is out. */
uint32_t gpu_texts_intern(struct gpu_texts *texts, const char *text);
void gpu_texts_finish(struct gpu_texts *texts);

#endif
